#include "vm/base/varint.h"

#include <catch2/catch.hpp>
#include <limits>

namespace entail {
namespace {

std::string written(std::uint64_t value) {
  std::string out;
  put_varint(out, value);
  return out;
}

}  // namespace

TEST_CASE("A number takes a byte for every seven bits") {
  CHECK(written(0) == std::string(1, '\0'));
  CHECK(written(0x7F) == "\x7F");
  CHECK(written(0x80) == "\x80\x01");
  CHECK(written(300) == "\xAC\x02");
  CHECK(written(std::numeric_limits<std::uint64_t>::max()).size() == 10);
}

TEST_CASE("What was written is read back, and no more is taken") {
  for (unsigned shift = 0; shift < 64; ++shift) {
    for (const std::uint64_t value :
         {std::uint64_t{1} << shift, (std::uint64_t{1} << shift) - 1, ~std::uint64_t{0} >> shift}) {
      const std::string bytes = written(value) + "rest";
      std::string_view left = bytes;
      std::uint64_t read = 0;
      REQUIRE(take_varint(left, read));
      CHECK(read == value);
      CHECK(left == "rest");
    }
  }
}

TEST_CASE("Bytes that end within a number are no number") {
  std::uint64_t read = 0;
  std::string_view nothing;
  CHECK_FALSE(take_varint(nothing, read));
  std::string_view open = "\xFF\xFF";
  CHECK_FALSE(take_varint(open, read));
  const std::string endless(20, '\xFF');
  std::string_view longer = endless;
  CHECK_FALSE(take_varint(longer, read));
}

}  // namespace entail
