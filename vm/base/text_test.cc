#include "vm/base/text.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace entail {
namespace {

TEST_CASE("counts are grouped by thousands") {
  CHECK(with_thousands(std::uint64_t{0}) == "0");
  CHECK(with_thousands(std::uint64_t{999}) == "999");
  CHECK(with_thousands(std::uint64_t{1000}) == "1,000");
  CHECK(with_thousands(std::uint64_t{1234567}) == "1,234,567");
  CHECK(with_thousands(std::int64_t{-1234}) == "-1,234");
  CHECK(with_thousands(std::numeric_limits<std::int64_t>::min()) == "-9,223,372,036,854,775,808");
}

TEST_CASE("a count agrees with its noun") {
  CHECK(count_of(0, "row") == "0 rows");
  CHECK(count_of(1, "row") == "1 row");
  CHECK(count_of(1500, "row") == "1,500 rows");
  CHECK(count_of(2, "entry", "entries") == "2 entries");
}

TEST_CASE("joining puts the separator between, not around") {
  CHECK(join(std::vector<std::string>{}, ", ").empty());
  CHECK(join(std::vector<std::string>{"a"}, ", ") == "a");
  CHECK(join(std::vector<std::string>{"a", "b", "c"}, ", ") == "a, b, c");
}

TEST_CASE("the edit distance counts single edits and swapped neighbours") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("edge", "edge") == 0);
  CHECK(edit_distance("edge", "egde") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ca", "abc") == 3);  // Optimal string alignment; free edits would need 2.
}

TEST_CASE("the closest name is a likely slip of the keyboard, or there is none") {
  const std::vector<std::string> names = {"edge", "path", "Customer", "reach_count"};
  CHECK(closest_name("egde", names) == "edge");
  CHECK(closest_name("customer", names) == "Customer");
  CHECK(closest_name("reachcount", names) == "reach_count");
  CHECK_FALSE(closest_name("invoice", names).has_value());
  CHECK_FALSE(closest_name("path", std::vector<std::string>{}).has_value());
  CHECK_FALSE(closest_name("x", std::vector<std::string>{"y"}).has_value());
  CHECK(closest_name("x", std::vector<std::string>{"X"}) == "X");
  CHECK(closest_name("pax", std::vector<std::string>{"pay", "pad"}) == "pay");
}

}  // namespace
}  // namespace entail
