#include "vm/base/ascii.h"

#include <catch2/catch.hpp>

namespace entail {

TEST_CASE("Letters change their case, and nothing else does") {
  CHECK(ascii_lower("AbZ09_\xC4@[`{") == "abz09_\xC4@[`{");
  for (int i = -128; i < 128; ++i) {
    const char c = static_cast<char>(i);
    CHECK(ascii_lower(ascii_upper(c)) == ascii_lower(c));
    CHECK((ascii_lower(c) != ascii_upper(c)) == is_ascii_letter(c));
  }
}

TEST_CASE("Space goes at both ends only") {
  CHECK(trimmed(" \t\n\v\f\ra b ") == "a b");
  CHECK(trimmed("\xC2\xA0x") == "\xC2\xA0x");
  CHECK(trimmed(" \n").empty());
  CHECK(trimmed("").empty());
}

TEST_CASE("Digits are the ten") {
  CHECK(is_ascii_digit('0'));
  CHECK(is_ascii_digit('9'));
  CHECK_FALSE(is_ascii_digit('/'));
  CHECK_FALSE(is_ascii_digit(':'));
}

}  // namespace entail
