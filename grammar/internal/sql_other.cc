#include "grammar/internal/sql_other.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "SqlParser.h"

namespace entail::grammar::internal {

namespace {

using P = antlr_sql::SqlParser;

// What CREATE, ALTER and DROP may name and Entail does not have; up to three words.
constexpr std::array<std::string_view, 31> kOtherObjects = {"access method",
                                                            "aggregate",
                                                            "cast",
                                                            "collation",
                                                            "conversion",
                                                            "database",
                                                            "default privileges",
                                                            "event trigger",
                                                            "extension",
                                                            "foreign data wrapper",
                                                            "foreign table",
                                                            "function",
                                                            "language",
                                                            "large object",
                                                            "operator class",
                                                            "operator family",
                                                            "operator",
                                                            "owned",
                                                            "policy",
                                                            "procedure",
                                                            "publication",
                                                            "routine",
                                                            "rule",
                                                            "server",
                                                            "statistics",
                                                            "subscription",
                                                            "system",
                                                            "tablespace",
                                                            "text search",
                                                            "transform",
                                                            "trigger"};

constexpr std::array<std::string_view, 7> kOtherCommands = {"do",
                                                            "load",
                                                            "security label",
                                                            "import foreign schema",
                                                            "reassign owned",
                                                            "prepare transaction",
                                                            "commit prepared"};

class Words {
 public:
  Words(std::string_view text, std::span<const SqlToken> tokens) : text_(text), tokens_(tokens) {}

  std::string at(std::size_t i) const {
    if (i >= tokens_.size()) return {};
    std::string word(tokens_[i].text(text_));
    for (char& c : word) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return word;
  }

  // The words of `phrase` stand at token `i`.
  bool reads(std::size_t i, std::string_view phrase) const {
    while (!phrase.empty()) {
      const std::size_t blank = std::min(phrase.find(' '), phrase.size());
      if (at(i++) != phrase.substr(0, blank)) return false;
      phrase.remove_prefix(std::min(blank + 1, phrase.size()));
    }
    return true;
  }

  std::string written() const {
    return std::string(
        text_.substr(tokens_.front().begin, tokens_.back().end - tokens_.front().begin));
  }
  sql::Span span() const { return {tokens_.front().begin, tokens_.back().end}; }

 private:
  std::string_view text_;
  std::span<const SqlToken> tokens_;
};

std::string upper(std::string_view words) {
  std::string text(words);
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// `CREATE TYPE t AS RANGE (...)`, `CREATE TYPE t (...)`, `CREATE TYPE t`.
bool is_other_type(const Words& words, std::span<const SqlToken> tokens, std::size_t object) {
  if (words.at(object) != "type") return false;
  std::size_t i = object + 2;
  while (i + 1 < tokens.size() && tokens[i].type == P::DOT) i += 2;
  if (i >= tokens.size()) return true;
  return tokens[i].type == P::LPAREN || words.reads(i, "as range");
}

std::string other_object(const Words& words, std::span<const SqlToken> tokens,
                         std::string_view command, std::size_t object) {
  if (words.reads(object, "user mapping")) return upper(command) + " USER MAPPING";
  if (words.reads(object, "constraint trigger")) return upper(command) + " TRIGGER";
  if (words.reads(object, "trusted") || words.reads(object, "procedural")) ++object;
  for (const std::string_view other : kOtherObjects) {
    if (words.reads(object, other)) return upper(command) + " " + upper(other);
  }
  if (command == "create" && is_other_type(words, tokens, object)) return "CREATE TYPE";
  return {};
}

}  // namespace

std::optional<sql::Statement> other_statement(std::string_view text,
                                              std::span<const SqlToken> tokens) {
  switch (tokens.front().type) {
    case P::K_SELECT:
    case P::K_INSERT:
    case P::K_UPDATE:
    case P::K_DELETE:
    case P::K_WITH:
      return std::nullopt;
    default:
      break;
  }
  const Words words(text, tokens);
  const std::string command = words.at(0);
  std::string named;
  if (command == "grant" || command == "revoke") {
    return sql::Statement{.node = sql::Grant{command == "revoke", words.written()},
                          .span = words.span()};
  }
  if (command == "create") {
    const std::size_t object = words.reads(1, "or replace") ? 3 : 1;
    named = other_object(words, tokens, command, object);
  } else if (command == "alter" || command == "drop") {
    named = other_object(words, tokens, command, 1);
  } else if (words.reads(0, "comment on")) {
    named = other_object(words, tokens, "comment on", 2);
  } else if (words.reads(0, "rollback prepared")) {
    named = "ROLLBACK PREPARED";
  } else {
    for (const std::string_view other : kOtherCommands) {
      if (words.reads(0, other)) named = upper(other);
    }
  }
  if (named.empty()) return std::nullopt;
  return sql::Statement{.node = sql::OtherStatement{std::move(named), words.written()},
                        .span = words.span()};
}

}  // namespace entail::grammar::internal
