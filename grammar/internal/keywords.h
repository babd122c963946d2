// grammar/internal/keywords.h - the soft keywords and the classes of tokens: facts about the language
// that need no place in a text.
//
// token_roles.h decides by them which word is a keyword where it stands.
// Threads: pure functions.

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace entail::grammar::internal {

// Where a word can be a keyword.
enum Place : std::uint32_t {
  kInBody = 1U << 0U,      // Conditions and expressions of any item.
  kInColumns = 1U << 1U,   // Column lists of our declarations.
  kInRelation = 1U << 2U,  // Behind the columns of relation, stream, event.
  kInRuleHead = 1U << 3U,  // Between `rule` and `when`.
  kInActions = 1U << 4U,   // Steps of a rule.
  kInQuery = 1U << 5U,
  kInTest = 1U << 6U,
  kInTypeAlias = 1U << 7U,
  kInTable = 1U << 8U,
  kInFunction = 1U << 9U,
};

enum class Law : std::uint8_t { kInfix, kStep };

struct Keyword {
  std::string_view word;
  std::uint16_t type;
  Law law;
  std::uint32_t places;
};

// The keywords that the word may be; nullptr when it is none.
const std::vector<const Keyword*>* keywords_of(std::string_view word);

// A constant as it may stand in a fact.
bool is_literal(std::uint16_t type);
bool is_open(std::uint16_t type);
bool is_close(std::uint16_t type);
bool is_comparison(std::uint16_t type);
bool is_binary_operator(std::uint16_t type);
// Whether a token of this type can be the last of an operand, a type, or an option: an infix word
// may follow.
bool ends_operand(std::uint16_t type);
// Whether a token of this type can be the first of an operand.
bool starts_operand(std::uint16_t type);

}  // namespace entail::grammar::internal
