#include "vm/base/random.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <vector>

namespace entail {
namespace {

TEST_CASE("SplitMix64 gives the published sequence") {
  std::uint64_t state = 1234567;
  CHECK(split_mix64(state) == 6457827717110365317U);
  CHECK(split_mix64(state) == 3203168211198807973U);
  CHECK(split_mix64(state) == 9817491932198370423U);
}

TEST_CASE("one seed gives one sequence, another seed another") {
  Random a(42);
  Random b(42);
  Random c(43);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t drawn = a.next();
    CHECK(drawn == b.next());
    differs = differs || drawn != c.next();
  }
  CHECK(differs);
}

TEST_CASE("draws below a bound stay below it and reach everything") {
  Random random(1);
  std::array<int, 5> seen{};
  for (int i = 0; i < 5000; ++i) ++seen.at(random.below(5));
  for (const int count : seen) CHECK((count > 850 && count < 1150));
  CHECK(random.below(1) == 0);
}

TEST_CASE("draws between two numbers include both, over the whole range too") {
  Random random(2);
  bool low = false;
  bool high = false;
  for (int i = 0; i < 200; ++i) {
    const std::int64_t drawn = random.between(-2, 2);
    REQUIRE((drawn >= -2 && drawn <= 2));
    low = low || drawn == -2;
    high = high || drawn == 2;
  }
  CHECK((low && high));
  CHECK(random.between(9, 9) == 9);

  using Limits = std::numeric_limits<std::int64_t>;
  bool negative = false;
  bool positive = false;
  for (int i = 0; i < 50; ++i) {
    (random.between(Limits::min(), Limits::max()) < 0 ? negative : positive) = true;
  }
  CHECK((negative && positive));
}

TEST_CASE("a chance of none never happens, of all always, of a third about so often") {
  Random random(3);
  int hits = 0;
  for (int i = 0; i < 3000; ++i) {
    CHECK_FALSE(random.chance(0, 3));
    CHECK(random.chance(3, 3));
    if (random.chance(1, 3)) ++hits;
  }
  CHECK((hits > 850 && hits < 1150));
}

TEST_CASE("the unit draw lies in [0, 1)") {
  Random random(4);
  for (int i = 0; i < 1000; ++i) {
    const double drawn = random.unit();
    REQUIRE((drawn >= 0.0 && drawn < 1.0));
  }
}

TEST_CASE("shuffling keeps the elements and repeats with the seed") {
  const std::vector<int> sorted = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<int> first = sorted;
  std::vector<int> second = sorted;
  Random(9).shuffle(first);
  Random(9).shuffle(second);
  CHECK(first == second);
  CHECK(first != sorted);
  std::sort(first.begin(), first.end());
  CHECK(first == sorted);
}

TEST_CASE("a fork does not depend on what its parent draws later") {
  Random parent(5);
  Random child = parent.fork();
  parent.next();
  Random same_parent(5);
  Random same_child = same_parent.fork();
  CHECK(child.next() == same_child.next());
}

}  // namespace
}  // namespace entail
