#include "vm/base/expected.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

namespace entail {
namespace {

Expected<int> half(int n) {
  if (n % 2 != 0) return unexpected(ErrorCode::kData, std::to_string(n) + " is odd");
  return n / 2;
}

Expected<void> must_be_even(int n) {
  auto result = half(n);
  if (!result) return unexpected(std::move(result).error());
  return {};
}

TEST_CASE("an Expected holds a value or an error, never both") {
  const auto good = half(8);
  REQUIRE(good.has_value());
  CHECK(*good == 4);
  CHECK(good.value() == 4);
  CHECK(good.value_or(7) == 4);

  const auto bad = half(3);
  REQUIRE_FALSE(bad.has_value());
  CHECK_FALSE(static_cast<bool>(bad));
  CHECK(bad.error() == Error{ErrorCode::kData, "3 is odd"});
  CHECK(bad.value_or(7) == 7);
}

TEST_CASE("an error travels through functions of different results") {
  CHECK(must_be_even(4).has_value());
  const auto bad = must_be_even(5);
  REQUIRE_FALSE(bad.has_value());
  CHECK(bad.error().message == "5 is odd");
}

TEST_CASE("a value that cannot be copied can be moved out") {
  Expected<std::unique_ptr<int>> made = std::make_unique<int>(5);
  REQUIRE(made.has_value());
  CHECK(*made.value() == 5);
  const std::unique_ptr<int> taken = *std::move(made);
  CHECK(*taken == 5);
}

TEST_CASE("the members of the value are reached through the arrow") {
  Expected<std::string> word = std::string("edge");
  CHECK(word->size() == 4);
  word->append("s");
  CHECK(*word == "edges");
}

TEST_CASE("an Expected of an Error tells the value from the failure") {
  const Expected<Error> value = Error{ErrorCode::kIo, "read"};
  const Expected<Error> failure = unexpected(ErrorCode::kIo, "read");
  CHECK(value.has_value());
  CHECK_FALSE(failure.has_value());
}

TEST_CASE("each error code has words of its own") {
  CHECK(error_code_name(ErrorCode::kNotFound) == "not found");
  CHECK(error_code_name(ErrorCode::kLimit) == "limit reached");
  CHECK(error_code_name(ErrorCode::kData) != error_code_name(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace entail
