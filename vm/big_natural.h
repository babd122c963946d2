// vm/big_natural.h - natural numbers of any size, for the arithmetic of numeric.
//
// Limbs in base 10^9, the lowest first, no zero at the end: scaling by powers of ten and printing, which
// decimals do all the time, are cheap. Multiplication and division are the schoolbook's.
//
// Threads: values. Source: Knuth, "The Art of Computer Programming" volume 2, algorithm 4.3.1D.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vm/word.h"

namespace entail::vm {

class BigNatural {
 public:
  BigNatural() = default;
  explicit BigNatural(Uint128 value);
  static BigNatural from_digits(std::string_view digits);  // Decimal digits, or nothing: 0.
  static BigNatural power_of_ten(std::size_t exponent);

  bool is_zero() const { return limbs_.empty(); }
  bool is_odd() const { return !limbs_.empty() && (limbs_[0] & 1) != 0; }
  std::size_t digit_count() const;  // 0 for 0.
  void append_digits(std::string& out) const;
  // Whether it fits, and its value if it does.
  bool to_uint128(Uint128& out) const;

  std::strong_ordering operator<=>(const BigNatural& other) const;
  bool operator==(const BigNatural& other) const = default;

  BigNatural operator+(const BigNatural& other) const;
  BigNatural operator-(const BigNatural& other) const;  // REQUIRES: other <= *this.
  BigNatural operator*(const BigNatural& other) const;
  // Quotient and rest. REQUIRES: divisor is not 0.
  BigNatural divided_by(const BigNatural& divisor, BigNatural& rest) const;

  BigNatural times_power_of_ten(std::size_t exponent) const;
  // Without its last digits; `half_or_more` tells whether they were at least half a unit.
  BigNatural without_digits(std::size_t count, bool& half_or_more, bool& exact) const;

  BigNatural square_root() const;  // Rounded down.

  // Its digits to the base of 10^9, the least first; what of_limbs() makes it of.
  std::span<const std::uint32_t> limbs() const { return limbs_; }
  static BigNatural of_limbs(std::vector<std::uint32_t> limbs);

  // Outside of the value itself.
  std::size_t bytes_used() const { return limbs_.capacity() * sizeof(std::uint32_t); }

 private:
  static constexpr std::uint32_t kBase = 1'000'000'000;
  void trim();
  std::uint32_t divide_small(std::uint32_t divisor);  // In place; gives the rest.
  void multiply_small(std::uint32_t factor);

  std::vector<std::uint32_t> limbs_;
};

}  // namespace entail::vm
