#include "tests/oracle/value.h"

#include <catch2/catch.hpp>
#include <charconv>
#include <cmath>
#include <limits>

#include "tests/oracle/exact_number.h"
#include "vm/base/random.h"

namespace entail::oracle {
namespace {

TEST_CASE("A sum of two doubles is what IEEE addition gives") {
  Random random(11);
  for (int i = 0; i < 20'000; ++i) {
    const double a = std::ldexp(random.unit() - 0.5, static_cast<int>(random.between(-1090, 1020)));
    const double b = std::ldexp(
        random.unit() - 0.5,
        std::clamp(std::ilogb(a) + static_cast<int>(random.between(-60, 60)), -1090, 1020));
    ExactNumber sum;
    sum.add(a);
    sum.add(b);
    REQUIRE(sum.divided_by(1) == a + b);
  }
}

TEST_CASE("A quotient is what IEEE division gives") {
  Random random(12);
  for (int i = 0; i < 20'000; ++i) {
    const double a = std::ldexp(random.unit() - 0.5, static_cast<int>(random.between(-1080, 1020)));
    const std::uint64_t count = 1 + random.below(std::uint64_t{1} << random.between(1, 53));
    ExactNumber sum;
    sum.add(a);
    REQUIRE(sum.divided_by(count) == a / static_cast<double>(count));
  }
}

TEST_CASE("Special floats add up as in any order") {
  const double infinity = std::numeric_limits<double>::infinity();
  ExactNumber plus;
  plus.add(infinity);
  plus.add(-1.0);
  CHECK(plus.divided_by(3) == infinity);
  plus.add(-infinity);
  CHECK(std::isnan(plus.divided_by(1)));
  ExactNumber large;
  for (int i = 0; i < 3; ++i) large.add(std::numeric_limits<double>::max());
  CHECK(large.divided_by(1) == infinity);
  CHECK(large.divided_by(3) == std::numeric_limits<double>::max());
  ExactNumber integers;
  integers.add_signed(std::numeric_limits<std::int64_t>::min());
  integers.add_unsigned(std::numeric_limits<std::uint64_t>::max());
  CHECK(integers.divided_by(1) == 9223372036854775807.0);
  ExactNumber single;
  single.add(16777217.0);
  CHECK(single.divided_by_as_float(1) == 16777216.0F);
}

TEST_CASE("The shortest text is the one the standard library finds") {
  Random random(13);
  for (int i = 0; i < 5'000; ++i) {
    const double value = std::ldexp(random.unit() - 0.5, static_cast<int>(random.between(-80, 80)));
    char buffer[512];
    REQUIRE(shortest_text(value, false) ==
            std::string(buffer, std::to_chars(buffer, buffer + 512, value).ptr));
    const auto narrow = static_cast<float>(value);
    REQUIRE(shortest_text(static_cast<double>(narrow), true) ==
            std::string(buffer, std::to_chars(buffer, buffer + 512, narrow).ptr));
  }
  CHECK(shortest_text(1e22, false) == "1e+22");
  CHECK(shortest_text(0.1, false) == "0.1");
}

TEST_CASE("Dates and times print in ISO form") {
  const vm::TypeTable types;
  const auto text = [&](vm::TypeKind kind, std::int64_t value) {
    return to_text(types, vm::Type::of(kind), value);
  };
  CHECK(text(vm::TypeKind::kDate, 0) == "1970-01-01");
  CHECK(text(vm::TypeKind::kDate, -1) == "1969-12-31");
  CHECK(text(vm::TypeKind::kDate, 20'483) == "2026-01-30");
  CHECK(text(vm::TypeKind::kTimestamp, 1'250'000) == "1970-01-01T00:00:01.25");
  CHECK(text(vm::TypeKind::kTimestampTz, -1) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("NaN equals itself and is above every number") {
  CHECK(compare(float_value(std::nan("")), float_value(-std::nan(""))) == 0);
  CHECK(compare(float_value(std::nan("")), float_value(1e308)) > 0);
  CHECK(compare(float_value(-0.0), float_value(0.0)) == 0);
  CHECK(compare(Value{Null{}}, Value{std::int64_t{0}}) < 0);
}

}  // namespace
}  // namespace entail::oracle
