// vm/numeric_value.h - a numeric taken apart to be computed with, and SQL's arithmetic on it.
//
// A NumericValue is ±magnitude / 10^scale; the scale is also what it displays. Results have the value and
// the scale that PostgreSQL 15 gives them: sums the larger scale, products the sum of both, quotients
// enough for 16 significant digits in groups of four, functions likewise.
//
//     12.50 * 3.0    = 37.500         scale 2 + 1
//     1 / 3          = 0.33333333333333333333
//
// Threads: values and pure functions. Cost: linear in the digits but for products and quotients; the
// functions (ln, exp, …) are some hundred such steps.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vm/big_natural.h"
#include "vm/word.h"

namespace entail::vm {

enum class NumericKind : std::uint8_t { kFinite, kNan, kPlusInfinity, kMinusInfinity };

// The functions that may refuse say why; the words are the caller's.
enum class NumericFailure : std::uint8_t {
  kNone,
  kDivisionByZero,
  kOverflow,
  kLogarithmOfZero,
  kLogarithmOfNegative,
  kRootOfNegative,
  kZeroToNegative,
  kNegativeToFraction,
};

struct NumericValue {
  NumericKind kind = NumericKind::kFinite;
  bool negative = false;
  BigNatural magnitude;
  std::int32_t scale = 0;  // Not negative.

  static NumericValue of_integer(Int128 value);
  static NumericValue special(NumericKind kind);
  // Of the bytes of a numeric, with its display scale if it has one.
  static NumericValue decode(std::string_view bytes);
  // Of what PostgreSQL prints of it with that many significant digits: 15 for float8, 6 for float4.
  static NumericValue of_double(double value, int digits);
  // Of a text as numeric's input takes it, its scale kept; false if it is none.
  static bool parse(std::string_view text, NumericValue& out, bool& out_of_range);

  // The bytes, with the display scale if `displayed`.
  void encode(bool displayed, std::string& bytes) const;

  bool is_finite() const { return kind == NumericKind::kFinite; }
  bool is_zero() const { return is_finite() && magnitude.is_zero(); }
  bool is_negative() const {
    return is_finite() ? negative && !magnitude.is_zero() : kind == NumericKind::kMinusInfinity;
  }
  // -1, 0, 1; NaN counts as above all.
  int sign() const;
  bool is_integral() const;
  // Digits before the point: 3 for 123.4, 0 for 0.5, -1 for 0.05. REQUIRES: finite, not zero.
  std::int64_t point() const;

  // Rounded half away from zero to a scale that may be negative; cut.
  NumericValue rounded(std::int32_t to_scale) const;
  NumericValue truncated(std::int32_t to_scale) const;
  NumericValue negated() const;
  // The nearest integer, if it fits.
  bool to_int64(std::int64_t& out) const;
  double to_double() const;
};

int compare(const NumericValue& left, const NumericValue& right);

// Each gives its result in `out`.
NumericFailure numeric_add(const NumericValue& l, const NumericValue& r, NumericValue& out);
NumericFailure numeric_subtract(const NumericValue& l, const NumericValue& r, NumericValue& out);
NumericFailure numeric_multiply(const NumericValue& l, const NumericValue& r, NumericValue& out);
NumericFailure numeric_divide(const NumericValue& l, const NumericValue& r, NumericValue& out);
NumericFailure numeric_quotient(const NumericValue& l, const NumericValue& r, NumericValue& out);
NumericFailure numeric_modulo(const NumericValue& l, const NumericValue& r, NumericValue& out);
NumericValue numeric_ceil(const NumericValue& value);
NumericValue numeric_floor(const NumericValue& value);
NumericFailure numeric_sqrt(const NumericValue& value, NumericValue& out);
NumericFailure numeric_exp(const NumericValue& value, NumericValue& out);
NumericFailure numeric_ln(const NumericValue& value, NumericValue& out);
NumericFailure numeric_log(const NumericValue& base, const NumericValue& value, NumericValue& out);
NumericFailure numeric_power(const NumericValue& base, const NumericValue& exponent,
                             NumericValue& out);
// At a given scale, rounded; for the aggregates.
NumericFailure numeric_divide_to(const NumericValue& l, const NumericValue& r, std::int32_t scale,
                                 NumericValue& out);
NumericFailure numeric_sqrt_to(const NumericValue& value, std::int32_t scale, NumericValue& out);
// The scale of l / r.
std::int32_t quotient_scale(const NumericValue& l, const NumericValue& r);

}  // namespace entail::vm
