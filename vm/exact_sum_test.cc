// vm/exact_sum_test.cc - see exact_sum.h.

#include "vm/exact_sum.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "vm/base/random.h"

namespace entail::vm {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

double sum_of(const std::vector<double>& values) {
  ExactSum sum;
  for (const double value : values) sum.add(value);
  return sum.result();
}

TEST_CASE("a sum is what rounding the exact sum gives") {
  CHECK(sum_of({}) == 0.0);
  CHECK(sum_of({1e17, 1, -1e17}) == 1.0);
  CHECK(sum_of({0.1, 0.2, 0.3}) == 0.6);
  CHECK(sum_of({1, 1e100, 1, -1e100}) == 2.0);
  CHECK(sum_of({9007199254740992.0, 1}) == 9007199254740992.0);  // A tie goes to even.
  CHECK(sum_of({9007199254740992.0, 1, 5e-324}) == 9007199254740994.0);
  CHECK(sum_of({9007199254740994.0, 1}) == 9007199254740996.0);
  CHECK(sum_of({5e-324, 5e-324}) == 1e-323);
  CHECK(sum_of({-5e-324, 5e-324}) == 0.0);
  CHECK_FALSE(std::signbit(sum_of({-0.0})));
  CHECK(sum_of({1.7976931348623157e308, 1.7976931348623157e308}) == kInfinity);
  CHECK(sum_of({1.7976931348623157e308, 1.7976931348623157e308, -1.7976931348623157e308}) ==
        1.7976931348623157e308);
}

TEST_CASE("NaN and infinities come and go by count") {
  ExactSum sum;
  sum.add(2.5);
  sum.add(kInfinity);
  CHECK(sum.result() == kInfinity);
  sum.add(-kInfinity);
  CHECK(std::isnan(sum.result()));
  sum.add(kInfinity, -1);
  CHECK(sum.result() == -kInfinity);
  sum.add(kNan, 2);
  sum.add(kNan, -1);
  CHECK(std::isnan(sum.result()));
  sum.add(kNan, -1);
  sum.add(-kInfinity, -1);
  CHECK(sum.result() == 2.5);
}

// Doubles of every size, often near one another so that they cancel.
double random_double(Random& random) {
  const double mantissa = random.unit() - 0.5;
  const int exponent = random.chance(1, 3) ? static_cast<int>(random.between(-1070, 1020))
                                           : static_cast<int>(random.between(-40, 40));
  return std::ldexp(mantissa, exponent);
}

TEST_CASE("order, splitting and weights do not change a sum") {
  Random random(9);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> values;
    for (std::uint64_t i = random.below(3'000); i > 0; --i) values.push_back(random_double(random));
    const double expected = sum_of(values);
    random.shuffle(values);
    REQUIRE(sum_of(values) == expected);

    ExactSum left;
    ExactSum right;
    for (const double value : values) (random.chance(1, 2) ? left : right).add(value);
    left.merge(right);
    REQUIRE(left.result() == expected);

    // More values and back again; a weight is as many additions.
    std::vector<std::pair<double, std::int64_t>> extra;
    for (int i = 0; i < 50; ++i) {
      const auto weight = static_cast<std::int64_t>(random.next()) >> random.below(63);
      extra.emplace_back(random_double(random), weight);
      left.add(extra.back().first, weight);
    }
    random.shuffle(extra);
    for (const auto& [value, weight] : extra) {
      if (weight == std::numeric_limits<std::int64_t>::min()) {
        left.add(value, std::numeric_limits<std::int64_t>::max());
        left.add(value);
      } else {
        left.add(value, -weight);
      }
    }
    REQUIRE(left.result() == expected);
    const double value = random_double(random);
    ExactSum counted;
    ExactSum repeated;
    counted.add(value, 7);
    for (int i = 0; i < 7; ++i) repeated.add(value);
    REQUIRE(counted.result() == repeated.result());
  }
}

TEST_CASE("sums of integers and of fractions agree with 128-bit arithmetic") {
  Random random(4);
  for (int round = 0; round < 500; ++round) {
    ExactSum sum;
    Int128 expected = 0;
    std::int64_t count = 0;
    for (std::uint64_t i = 1 + random.below(100); i > 0; --i) {
      const std::int64_t value = random.between(-(1LL << 52), 1LL << 52) >> random.below(52);
      sum.add(static_cast<double>(value));
      expected += value;
      ++count;
    }
    REQUIRE(sum.result() == static_cast<double>(static_cast<std::int64_t>(expected)));
    REQUIRE(sum.mean(count) == mean_of_int128(expected, count));
    // 80-bit division of numbers below 2^63 is exact enough to be a check on the mean.
    const long double quotient = static_cast<long double>(static_cast<std::int64_t>(expected)) /
                                 static_cast<long double>(count);
    REQUIRE(std::fabs(sum.mean(count) - static_cast<double>(quotient)) <=
            std::fabs(static_cast<double>(quotient)) * 3e-16);
  }
}

TEST_CASE("means are correctly rounded, subnormal ones too") {
  ExactSum sum;
  sum.add(1.0);
  CHECK(sum.mean(3) == 1.0 / 3.0);
  CHECK(sum.mean(7) == 1.0 / 7.0);
  sum.add(9.0);
  CHECK(sum.mean(std::numeric_limits<std::int64_t>::max()) == 10.0 / 9223372036854775808.0);
  ExactSum tiny;
  tiny.add(5e-324, 3);
  CHECK(tiny.mean(2) == 1e-323);  // 1.5 of the smallest: a tie, to the even 2.
  CHECK(tiny.mean(4) == 5e-324);
  CHECK(tiny.mean(7) == 0.0);
  CHECK(mean_of_int128(-7, 2) == -3.5);
  CHECK(mean_of_int128(0, 2) == 0.0);
  CHECK(mean_of_int128(static_cast<Int128>(1) << 100, 1) == std::ldexp(1.0, 100));
}

TEST_CASE("a float result is rounded once") {
  // 1 + 2^-24 + 2^-60 rounded to double first is a tie, and the tie would go down to 1.
  ExactSum sum;
  sum.add(1.0);
  sum.add(std::ldexp(1.0, -24));
  sum.add(std::ldexp(1.0, -60));
  CHECK(sum.result_float() == 1.0F + std::numeric_limits<float>::epsilon());
  ExactSum large;
  large.add(static_cast<double>(std::numeric_limits<float>::max()), 2);
  CHECK(large.result_float() == std::numeric_limits<float>::infinity());
  CHECK(large.mean_float(2) == std::numeric_limits<float>::max());
  ExactSum small;
  small.add(std::ldexp(1.0, -150));
  CHECK(small.result_float() == 0.0F);
  small.add(std::ldexp(1.0, -200));
  CHECK(small.result_float() == std::numeric_limits<float>::denorm_min());
}

TEST_CASE("a large value taken back leaves neither a trace nor its room") {
  ExactSum sum;
  sum.add(1e17);
  sum.add(1.0);
  sum.add(1e17, -1);
  CHECK(sum.result() == 1.0);
  sum.add(1e300);
  sum.add(-1e-300);
  sum.add(1e300, -1);
  sum.add(-1e-300, -1);
  const std::size_t wide = sum.bytes_used();
  sum.compact();
  CHECK(sum.result() == 1.0);
  CHECK(sum.bytes_used() < wide / 4);
  sum.add(-3.5);
  sum.compact();
  CHECK(sum.result() == -2.5);
  sum.add(2.5);
  sum.compact();
  CHECK(sum.result() == 0.0);
  CHECK(sum.bytes_used() == sizeof(ExactSum));
  sum.add(-1e-300);
  CHECK(sum.result() == -1e-300);
}

TEST_CASE("a mean of integers is one division wherever it is taken") {
  Random random(12);
  for (int round = 0; round < 2'000; ++round) {
    const std::int64_t sum = random.between(-(1LL << 54), 1LL << 54) >> random.below(54);
    const std::int64_t count = random.between(1, 1LL << 54) >> random.below(54);
    if (count == 0) continue;
    ExactSum exact;
    exact.add(static_cast<double>(sum >> 30), 1LL << 30);
    exact.add(static_cast<double>(sum & ((1LL << 30) - 1)));
    REQUIRE(mean_of_int128(sum, count) == exact.mean(count));
  }
}

TEST_CASE("a long run of one sign settles its carries in time") {
  ExactSum sum;
  for (int i = 0; i < 100'000; ++i) sum.add(-1.7976931348623157e308 / 200'000);
  CHECK(sum.result() == Approx(-1.7976931348623157e308 / 2));
  ExactSum ones;
  for (int i = 0; i < 1'000'000; ++i) ones.add(0.1);
  CHECK(ones.result() == 100'000.0);  // A running sum of doubles gives 100000.00000133288.
  CHECK(ones.bytes_used() < 200);
}

}  // namespace
}  // namespace entail::vm
