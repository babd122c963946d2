// server/cli/fact_text.h - values and facts as the rule language spells them, read and printed.
//
//     number, unsigned, int16 …    12  -7  0x1F  0b101  10_000  5u  10.0.0.1
//     float                        1  -0.25  1e17  inf  -inf  nan
//     decimal, numeric             12.50
//     bool                         true, false
//     symbol, string               "a \"quoted\" word"
//     an enum's label              "GOLD"
//     date, time, timestamp,       "2026-01-31"  date("2026-01-31")  2026-01-31T10:00:00Z  1h30m
//     interval, uuid, bytes, json
//     record                       [1, "a"], nil
//     variant                      $Branch(1, "a"), $Branch, $Branch()
//     array                        [1, 2]
//     in a nullable column         null
//
// What is printed is read back as the same value, and by the rule language, too, but for inf and nan,
// which have no literal there. Values stand behind one another without blanks: [1,"a"].
//
// Cost: a whole number or a short text takes tens of nanoseconds. Threads: one at a time.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/cli/fact_form.h"
#include "vm/type.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::cli {

// What is wrong with a line, and where.
struct TextProblem {
  std::size_t at = 0;  // Offset in bytes.
  std::string message;
};

class FactTextReader {
 public:
  // Both outlive the reader.
  FactTextReader(vm::ValuePool& pool, TextProblem& problem) : pool_(pool), problem_(problem) {}

  // From now on `text` is read, from its beginning.
  void start(std::string_view text) {
    text_ = text;
    at_ = 0;
  }
  std::size_t at() const { return at_; }
  std::string_view text() const { return text_; }
  std::string_view rest() const { return text_.substr(at_); }
  void move_to(std::size_t at) { at_ = at; }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  // The next character behind blanks, or '\0' at the end.
  char peek() {
    skip_blanks();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  // Steps over `wanted` if it is next.
  bool take(char wanted) {
    if (peek() != wanted || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  // The same; otherwise a problem that says what was expected instead of what is there.
  [[nodiscard]] bool expect(char wanted, std::string_view why);
  // A name with dots, as relations and columns have; empty if none is next.
  std::string_view take_name();
  // Whether only blanks or a // comment follow.
  bool at_end();

  // Reads a value into words_of(type, nullable) words. False: see the problem.
  [[nodiscard]] bool read(vm::Type type, bool nullable, vm::Word* out);

  bool fail(std::size_t at, std::string message) {
    problem_ = {at, std::move(message)};
    return false;
  }

 private:
  bool read_value(vm::Type type, vm::Word* out);
  bool read_quick_integer(vm::Type type, vm::Word* out);
  bool read_quoted_scalar(vm::Type type, vm::Word* out);
  bool read_bare_scalar(vm::Type type, vm::Word* out);
  bool read_whole(vm::Type type, std::string_view token, vm::Word* out);
  bool read_record(vm::Type type, vm::Word* out);
  bool read_variant(vm::Type type, vm::Word* out);
  bool read_array(vm::Type type, vm::Word* out);
  bool read_fields(const std::vector<vm::FieldType>& fields, const vm::TypeTable::Layout& layout,
                   std::size_t first, char close, std::vector<vm::Word>& words);
  bool decode_quoted(std::string_view& out);
  bool take_word(std::string_view word);
  bool wrong_kind(std::size_t at, vm::Type type, std::string_view found);
  bool wrong_here(vm::Type type);

  vm::ValuePool& pool_;
  TextProblem& problem_;
  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::string decoded_;
};

// What a literal of the type looks like: "a whole number", "a text in double quotes".
std::string literal_form(const vm::TypeTable& types, vm::Type type);

// Appends a value of a column.
void append_fact_value(const vm::ValuePool& pool, vm::Type type, bool nullable,
                       const vm::Word* words, std::string& out);

// Appends `name(1,"a")`; `words` are those of the row, one behind the other.
void append_fact(const vm::ValuePool& pool, std::string_view name, const RowShape& shape,
                 const vm::Word* words, std::string& out);

// The offset of the first byte that is not UTF-8; npos if there is none.
std::size_t find_bad_utf8(std::string_view text);

}  // namespace entail::cli
