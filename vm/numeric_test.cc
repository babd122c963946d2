// vm/numeric_test.cc - see numeric.h.

#include "vm/numeric.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "vm/base/random.h"
#include "vm/numeric_value.h"

namespace entail::vm {
namespace {

std::string decimal_text(std::string_view text, unsigned precision, unsigned scale) {
  Int128 value = 0;
  switch (parse_decimal(text, precision, scale, value)) {
    case NumericError::kMalformed:
      return "malformed";
    case NumericError::kOutOfRange:
      return "out of range";
    case NumericError::kNone:
      break;
  }
  std::string out;
  print_decimal(value, scale, out);
  return out;
}

std::string numeric_bytes(std::string_view text) {
  std::string bytes;
  REQUIRE(parse_numeric(text, bytes) == NumericError::kNone);
  return bytes;
}

std::string numeric_text(std::string_view text) {
  std::string out;
  print_numeric(numeric_bytes(text), out);
  return out;
}

TEST_CASE("small numerics are computed with like all others, and have the same bytes") {
  Random random(7);
  std::size_t small = 0;
  const auto any = [&] {
    std::string text = random.below(2) != 0 ? "-" : "";
    for (std::uint64_t i = random.below(21); i > 0; --i) {
      text += static_cast<char>('0' + (random.below(3) != 0 ? random.below(10) : 0));
    }
    text += '0';
    if (random.below(3) != 0) {
      text += '.';
      for (std::uint64_t i = random.below(20); i > 0; --i) {
        text += static_cast<char>('0' + (random.below(3) != 0 ? random.below(10) : 0));
      }
    }
    NumericValue value;
    bool out_of_range = false;
    REQUIRE(NumericValue::parse(text, value, out_of_range));
    return value;
  };
  const auto shown = [](const NumericValue& value) {
    std::string bytes;
    value.encode(true, bytes);
    return bytes;
  };
  for (int n = 0; n < 20'000; ++n) {
    const NumericValue left = any(), right = any();
    const auto l = small_numeric(shown(left)), r = small_numeric(shown(right));
    if (l) {
      std::string again;
      small_numeric_to_bytes(*l, true, again);
      CHECK(again == shown(left));
      CHECK(l->scale == static_cast<unsigned>(left.scale));
      std::string plain, expected;
      small_numeric_to_bytes(*l, false, plain);
      left.encode(false, expected);
      CHECK(plain == expected);
      std::string text, read;
      print_numeric(again, text);
      CHECK(parse_numeric(text, read) == NumericError::kNone);
      CHECK(plain == read);
    }
    if (!l || !r) continue;
    ++small;
    NumericValue product;
    CHECK(numeric_multiply(left, right, product) == NumericFailure::kNone);
    std::string bytes;
    small_numeric_to_bytes({l->unscaled * r->unscaled, l->scale + r->scale}, true, bytes);
    CHECK(bytes == shown(product));
    NumericValue sum;
    CHECK(numeric_add(left, right, sum) == NumericFailure::kNone);
    const unsigned scale = std::max(l->scale, r->scale);
    small_numeric_to_bytes({l->unscaled * power_of_ten(scale - l->scale) +
                                r->unscaled * power_of_ten(scale - r->scale),
                            scale},
                           true, bytes);
    CHECK(bytes == shown(sum));
  }
  CHECK(small > 1000);
  for (const char* special : {"nan", "inf", "-inf"}) {
    std::string bytes;
    CHECK(parse_numeric(special, bytes) == NumericError::kNone);
    CHECK_FALSE(small_numeric(bytes).has_value());
  }
}

TEST_CASE("a decimal reads back with its scale") {
  CHECK(decimal_text("12.5", 8, 2) == "12.50");
  CHECK(decimal_text("-0.05", 8, 2) == "-0.05");
  CHECK(decimal_text("+7", 8, 0) == "7");
  CHECK(decimal_text("1e3", 8, 2) == "1000.00");
  CHECK(decimal_text("125e-3", 8, 2) == "0.13");  // Half away from zero.
  CHECK(decimal_text("-0.125", 8, 2) == "-0.13");
  CHECK(decimal_text("0.0049", 8, 2) == "0.00");
  CHECK(decimal_text("999999.99", 8, 2) == "999999.99");
  CHECK(decimal_text("999999.995", 8, 2) == "out of range");
  CHECK(decimal_text("1000000", 8, 2) == "out of range");
  CHECK(decimal_text("99999999999999999999999999999999999999", 38, 0) ==
        "99999999999999999999999999999999999999");
  CHECK(decimal_text("0e999999999999", 8, 2) == "0.00");
  CHECK(decimal_text("1e-999999999999999999999", 8, 2) == "out of range");
  for (const char* const text : {"", "-", ".", "1e", "1x", "1.2.3", "e5"}) {
    CHECK(decimal_text(text, 8, 2) == "malformed");
  }
}

TEST_CASE("rescaling rounds half away from zero and finds what does not fit") {
  CHECK(decimal_rescale(125, 2, 1) == Int128{13});
  CHECK(decimal_rescale(-125, 2, 1) == Int128{-13});
  CHECK(decimal_rescale(124, 2, 1) == Int128{12});
  CHECK(decimal_rescale(5, 0, 3) == Int128{5000});
  CHECK_FALSE(decimal_rescale(power_of_ten(37), 0, 1));
  CHECK(decimal_rescale(power_of_ten(36), 0, 1) == power_of_ten(37));
}

TEST_CASE("a numeric has one form, which prints plainly") {
  CHECK(numeric_bytes("1.0") == numeric_bytes("1.00"));
  CHECK(numeric_bytes("-0") == numeric_bytes("0.000"));
  CHECK(numeric_bytes("1e2") == numeric_bytes("100"));
  CHECK(numeric_bytes("1234567890").size() <= 7);
  CHECK(numeric_text("00012.3400") == "12.34");
  CHECK(numeric_text("-0.001") == "-0.001");
  CHECK(numeric_text("1e30") == "1000000000000000000000000000000");
  CHECK(numeric_text("-Infinity") == "-inf");
  CHECK(numeric_text("NaN") == "nan");
  std::string bytes;
  CHECK(parse_numeric("1e200000", bytes) == NumericError::kOutOfRange);
  CHECK(parse_numeric("12a", bytes) == NumericError::kMalformed);
  decimal_to_numeric(-1250, 2, bytes);
  CHECK(bytes == numeric_bytes("-12.5"));
  CHECK(numeric_to_double(numeric_bytes("-12.5")) == -12.5);
}

TEST_CASE("numerics sort by their bytes") {
  const char* const ascending[] = {
      "-inf",   "-1e100", "-1e41", "-101",  "-100.5", "-100",  "-1.55", "-1.5",  "-1",  "-0.1",
      "-1e-50", "0",      "1e-60", "1e-50", "0.009",  "0.01",  "0.1",   "1",     "1.5", "1.55",
      "9",      "10",     "99",    "100",   "101",    "12345", "1e121", "1e130", "inf", "nan"};
  for (std::size_t i = 1; i < std::size(ascending); ++i) {
    INFO(ascending[i - 1] << " < " << ascending[i]);
    CHECK(numeric_bytes(ascending[i - 1]) < numeric_bytes(ascending[i]));
    CHECK(numeric_prefix_size(numeric_bytes(ascending[i]) + "rest") ==
          numeric_bytes(ascending[i]).size());
  }
}

TEST_CASE("random numerics agree with 128-bit integers of one scale") {
  Random random(5);
  for (int i = 0; i < 5'000; ++i) {
    const auto draw = [&] {
      Int128 value = static_cast<std::int64_t>(random.next() >> random.below(64));
      if (random.chance(1, 3)) value *= static_cast<std::int64_t>(random.below(1'000'000'000));
      return random.chance(1, 2) ? value : -value;
    };
    const Int128 a = draw();
    const Int128 b = random.chance(1, 5) ? a : draw();
    std::string a_bytes;
    std::string b_bytes;
    decimal_to_numeric(a, 9, a_bytes);
    decimal_to_numeric(b, 9, b_bytes);
    REQUIRE((a_bytes < b_bytes) == (a < b));
    REQUIRE((a_bytes == b_bytes) == (a == b));
    std::string text;
    print_numeric(a_bytes, text);
    REQUIRE(numeric_bytes(text) == a_bytes);
  }
}

}  // namespace
}  // namespace entail::vm
