// vm/numeric.h - decimal numbers: of fixed scale in one or two words, and of any length as bytes.
//
// decimal(p, s) is an integer of at most p digits, the value times 10^s: 12.50 as decimal(8, 2) is
// 1250. It is computed with in 128 bits.
//
// numeric is a byte string whose memcmp order is the numeric order and that is the same for equal
// values (1.0 and 1.00 are one). With the value written as ±0.d1d2d3… * 100^e, the digits d in
// base 100, d1 not 0 and no 0 at the end:
//
//     -infinity  01
//     negative   the bytes of its opposite, each complemented
//     zero       80
//     positive   lead [exponent] d1+1 d2+1 … 00      lead is a0+e for -20 <= e <= 60, else
//                                                    8b (below) or dd (above) and then e as four
//                                                    big-endian bytes, offset by 2^31
//     infinity   fe
//     NaN        ff                                  NaN is above all, as in PostgreSQL
//
// A *displayed* numeric (vm::Type::displayed_numeric()) may be followed by its display scale, where that
// is more than the digits it has behind the point: one byte up to 254, else ff and two bytes. What orders
// and equals is the part before, numeric_value_bytes().
//
// So numbers of up to ten digits are inline text words (vm/value_pool.h), and a numeric ends where
// its bytes say, which lets keys hold it as it is.
//
// Threads: pure functions.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vm/word.h"

namespace entail::vm {

// 10^digits. REQUIRES: digits <= 38.
Int128 power_of_ten(unsigned digits);

// Whether |unscaled| has at most `precision` digits.
bool decimal_fits(Int128 unscaled, unsigned precision);

// The same number with another scale, rounded half away from zero where digits are lost; nothing
// if it does not fit 38 digits.
std::optional<Int128> decimal_rescale(Int128 unscaled, unsigned from_scale, unsigned to_scale);

void print_decimal(Int128 unscaled, unsigned scale, std::string& out);
void print_int128(Int128 value, std::string& out);

enum class NumericError : std::uint8_t { kNone, kMalformed, kOutOfRange };

// Reads [+-]digits[.digits][e[+-]digits]. Digits beyond the scale are rounded half away from zero.
[[nodiscard]] NumericError parse_decimal(std::string_view text, unsigned precision, unsigned scale,
                                         Int128& out);

// Reads the same, and inf, infinity, nan with either case, into the bytes above. Numbers with more
// than 131,072 digits before or after the point are out of range.
[[nodiscard]] NumericError parse_numeric(std::string_view text, std::string& bytes);

// Plain digits, never an exponent; as many behind the point as the display scale says. REQUIRES: `bytes`
// is a numeric.
void print_numeric(std::string_view bytes, std::string& out);

// The numeric equal to unscaled / 10^scale.
void decimal_to_numeric(Int128 unscaled, unsigned scale, std::string& bytes);

// A numeric that is small enough to be computed with in 128 bits, as most are: |unscaled| < 10^18 and scale <= 18,
// so that sums and products fit. The scale is also what it displays.
struct SmallNumeric {
  Int128 unscaled = 0;
  unsigned scale = 0;
};
// Nothing where the number is larger, or none.
std::optional<SmallNumeric> small_numeric(std::string_view bytes);
// The bytes of any value and scale, with the display scale if `displayed`.
void small_numeric_to_bytes(const SmallNumeric& value, bool displayed, std::string& bytes);

// The bytes of the numeric that `bytes` begins with; 0 if it begins with none.
std::size_t numeric_prefix_size(std::string_view bytes);

// The bytes without a display scale; and that scale, or -1 where there is none.
std::string_view numeric_value_bytes(std::string_view bytes);
int numeric_display_scale(std::string_view bytes);
void append_display_scale(unsigned scale, std::string& bytes);

// The nearest double; NaN and infinities as they are.
double numeric_to_double(std::string_view bytes);

}  // namespace entail::vm
