#include "tests/oracle/exact_number.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "vm/word.h"

namespace entail::oracle {

void ExactNumber::add(double value) {
  if (std::isnan(value)) {
    nan_ = true;
  } else if (std::isinf(value)) {
    (value > 0 ? plus_infinity_ : minus_infinity_) = true;
  } else {
    int exponent = 0;
    const double fraction = std::frexp(std::fabs(value), &exponent);  // In [0.5, 1).
    auto magnitude = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
    exponent -= 53;
    while (magnitude != 0 && exponent < kUnitExponent) {  // Subnormal: the low bits are 0.
      magnitude >>= 1;
      ++exponent;
    }
    add_scaled(magnitude, exponent, value < 0);
  }
}

void ExactNumber::add_signed(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  add_scaled(value < 0 ? 0 - bits : bits, 0, value < 0);
}

void ExactNumber::add_unsigned(std::uint64_t value) { add_scaled(value, 0, false); }

void ExactNumber::add_scaled(std::uint64_t magnitude, int exponent, bool negative) {
  if (magnitude == 0) return;
  const auto shift = static_cast<std::size_t>(exponent - kUnitExponent);
  std::array<std::uint32_t, kDigits> addend{};
  for (std::size_t bit = 0; bit < 64; ++bit) {
    if ((magnitude >> bit & 1) == 0) continue;
    addend[(bit + shift) / 32] |= std::uint32_t{1} << (bit + shift) % 32;
  }
  // a - b is a + ~b + 1.
  std::uint64_t carry = negative ? 1 : 0;
  for (std::size_t i = 0; i < kDigits; ++i) {
    const std::uint32_t digit = negative ? ~addend[i] : addend[i];
    carry += static_cast<std::uint64_t>(digits_[i]) + digit;
    digits_[i] = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
}

double ExactNumber::rounded(std::uint64_t count, int mantissa_bits, int exponent_min) const {
  if (nan_ || (plus_infinity_ && minus_infinity_)) return std::numeric_limits<double>::quiet_NaN();
  if (plus_infinity_) return std::numeric_limits<double>::infinity();
  if (minus_infinity_) return -std::numeric_limits<double>::infinity();

  std::array<std::uint32_t, kDigits> magnitude = digits_;
  const bool negative = (magnitude[kDigits - 1] >> 31) != 0;
  if (negative) {
    std::uint64_t carry = 1;
    for (std::uint32_t& digit : magnitude) {
      carry += static_cast<std::uint32_t>(~digit);
      digit = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
  }
  // Quotient with 128 more bits behind the point than the unit has; the remainder is only
  // remembered as "something is left", which is all that rounding needs to know.
  constexpr std::size_t kExtra = 4;
  std::array<std::uint32_t, kDigits + kExtra> quotient{};
  vm::Uint128 rest = 0;
  for (std::size_t i = kDigits + kExtra; i-- > 0;) {
    rest = rest << 32 | (i >= kExtra ? magnitude[i - kExtra] : 0);
    quotient[i] = static_cast<std::uint32_t>(rest / count);
    rest %= count;
  }
  const int unit = kUnitExponent - 32 * static_cast<int>(kExtra);
  auto bit_at = [&](int position) {
    return position >= 0 &&
           (quotient[static_cast<std::size_t>(position) / 32] >> position % 32 & 1) != 0;
  };
  int top = 32 * static_cast<int>(kDigits + kExtra) - 1;
  while (top >= 0 && !bit_at(top)) --top;
  if (top < 0) return 0.0;  // The quotient's extra bits make this a true zero.

  // The lowest bit kept: mantissa_bits from the top, but not below the smallest subnormal.
  const int lowest = std::max(top - mantissa_bits + 1, exponent_min - unit);
  std::uint64_t kept = 0;
  for (int i = top; i >= lowest; --i) kept = kept << 1 | (bit_at(i) ? 1 : 0);
  const bool half = bit_at(lowest - 1);
  bool more = rest != 0;
  for (int i = lowest - 2; i >= 0 && !more; --i) more = bit_at(i);
  if (half && (more || (kept & 1) != 0)) ++kept;
  const double result = std::ldexp(static_cast<double>(kept), lowest + unit);
  return negative ? -result : result;
}

double ExactNumber::divided_by(std::uint64_t count) const {
  return rounded(count, 53, kUnitExponent);
}

float ExactNumber::divided_by_as_float(std::uint64_t count) const {
  const double value = rounded(count, 24, -149);
  return static_cast<float>(value);  // Exact, or beyond the largest float: infinite.
}

}  // namespace entail::oracle
