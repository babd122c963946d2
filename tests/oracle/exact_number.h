// tests/oracle/exact_number.h - sums and means of numbers without any rounding until the end.
//
// Every finite double is a whole multiple of 2^-1074, and every integer is one too. An ExactNumber
// counts those multiples in a two's complement integer of 2304 bits, which 2^100 addends of any
// size cannot overflow, and rounds once, half to even, when asked. School arithmetic on 32-bit
// digits: slow and plain.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace entail::oracle {

class ExactNumber {
 public:
  // Any double; infinities and NaN decide the result as IEEE addition in any order would.
  void add(double value);
  void add_signed(std::int64_t value);
  void add_unsigned(std::uint64_t value);

  // The sum divided by `count`, rounded once to a double or a float. REQUIRES: count > 0.
  double divided_by(std::uint64_t count) const;
  float divided_by_as_float(std::uint64_t count) const;

 private:
  static constexpr std::size_t kDigits = 72;  // Of 32 bits.
  static constexpr int kUnitExponent = -1074;

  // Adds ±magnitude * 2^exponent. REQUIRES: exponent >= kUnitExponent.
  void add_scaled(std::uint64_t magnitude, int exponent, bool negative);
  double rounded(std::uint64_t count, int mantissa_bits, int exponent_min) const;

  std::array<std::uint32_t, kDigits> digits_{};  // Least significant first.
  bool plus_infinity_ = false, minus_infinity_ = false, nan_ = false;
};

}  // namespace entail::oracle
