// vm/value_text.h - values as text: what output prints and input reads.
//
//     bool            true, false
//     integers        -12; reading `number` and `unsigned` also takes 0x1F and 0b101 (after the
//                     sign), as Souffle's readers do for unsigned
//     float4, float8  the shortest text that reads back, or one of Souffle's two forms; inf, -inf,
//                     nan
//     decimal         12.50, always with the type's scale; numeric: 12.5
//     date            2026-01-31;  time 10:00:00.25;  timestamp 2026-01-31T10:00:00.25;
//                     timestamptz the same in UTC with Z; years beyond 9999 carry a +, infinity
//     interval        ISO 8601: P1Y2M3DT4H5M6.5S, PT0S
//     uuid            8-4-4-4-12 lower case hexadecimal digits
//     text            its bytes;  json its canonical text;  bytes \x0aff
//     enum            the label
//     record          [a, b], nil;  array [a, b]
//     adt             $Branch(a, b), $Branch
//
// Threads: print functions are pure; parse functions intern into the pool.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "vm/type.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::vm {

enum class FloatStyle : std::uint8_t {
  kShortest,   // The fewest digits that read back to the same bits: 0.1
  kSouffleIo,  // What Souffle writes to files and the terminal: %.17g, and %.9g for float4.
  kFixed6,     // What Souffle's to_string(float) gives: %f.
};

struct TextStyle {
  FloatStyle floats = FloatStyle::kShortest;
  // Text inside a record, array or adt as "…" with backslashes before `"` and `\`, so that it
  // reads back whatever it holds; without it, as Souffle's tab-separated files have it: bare.
  bool quote_nested_text = false;
  std::string_view null_text = "null";
};

// Appends the value at `words` (value_words(type) of them, then the null flag if `nullable`).
void print_value(const ValuePool& pool, Type type, bool nullable, const Word* words,
                 const TextStyle& style, std::string& out);

void print_int(std::int64_t value, std::string& out);
void print_unsigned(std::uint64_t value, std::string& out);
void print_double(double value, FloatStyle style, std::string& out);
void print_float(float value, FloatStyle style, std::string& out);

// Reads a value of `type` from the whole of `text` into `out` (value_words(type) words; a nullable
// column's flag is the caller's, who knows which text means null). Text takes all bytes as they
// are. Returns whether it worked; if not, `out` is untouched and `error` says what is wrong in
// words for the person who wrote the text:
//     '12a' is not a number
//     99999999999 does not fit a 32-bit number
//     '$Sqare(1)' is not a Shape: it has no branch 'Sqare'
// An error is a message, not an Error, because readers add file, line and column before it becomes
// one, and because the good case is the hot one.
[[nodiscard]] bool parse_value(ValuePool& pool, Type type, std::string_view text, Word* out,
                               std::string& error);

// The parts of it that need no pool, for readers with a loop a column.
// `width` is 32 or 64; hexadecimal and binary as above.
[[nodiscard]] bool parse_number(std::string_view text, unsigned width, Word& out,
                                std::string& error);
[[nodiscard]] bool parse_unsigned(std::string_view text, unsigned width, Word& out,
                                  std::string& error);
[[nodiscard]] bool parse_double(std::string_view text, Word& out, std::string& error);
[[nodiscard]] bool parse_float(std::string_view text, Word& out, std::string& error);

}  // namespace entail::vm
