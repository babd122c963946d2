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

// Alterations of tables, indexes and types that are of no use without what they speak of.
std::string other_alteration(const Words& words, std::size_t count) {
  const std::string object = words.at(1);
  if (object != "table" && object != "index" && object != "type") return {};
  constexpr std::size_t kNameWordsMax = 10;  // ALTER TABLE IF EXISTS ONLY a.b.c
  for (std::size_t i = 3; i < std::min(count, kNameWordsMax); ++i) {
    const std::string word = words.at(i);
    const std::string next = words.at(i + 1);
    const bool digit = !words.at(i + 2).empty() && words.at(i + 2).front() >= '0' &&
                       words.at(i + 2).front() <= '9';
    if (next == "partition" && (word == "attach" || word == "detach")) {
      return "ALTER " + upper(object) + " " + upper(word) + " PARTITION";
    }
    if (object == "type" && next == "attribute") return "ALTER TYPE " + upper(word) + " ATTRIBUTE";
    if (object == "table" && (word == "of" || (word == "not" && next == "of"))) {
      return word == "of" ? "ALTER TABLE OF" : "ALTER TABLE NOT OF";
    }
    if (object == "index" && word == "alter" && (next == "column" && digit)) {
      return "ALTER INDEX ALTER COLUMN";
    }
    // Behind the name nothing else is looked for: a column may be called `of`.
    if (word == "add" || word == "drop" || word == "alter" || word == "set" || word == "rename") {
      break;
    }
  }
  return {};
}

// CREATE TABLE t OF type
bool is_typed_table(const Words& words, std::size_t count) {
  std::size_t i = 1;
  while (i < 4 && words.at(i) != "table") ++i;
  if (words.at(i) != "table") return false;
  i += words.reads(i + 1, "if not exists") ? 4 : 1;
  while (i + 1 < count && words.at(i + 1) == ".") i += 2;
  return words.at(i + 1) == "of";
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
    if (named.empty() && is_typed_table(words, tokens.size())) named = "CREATE TABLE OF";
  } else if (command == "alter" || command == "drop") {
    named = other_object(words, tokens, command, 1);
    if (named.empty() && command == "alter") named = other_alteration(words, tokens.size());
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
