#include "vm/base/clock.h"

#include <catch2/catch.hpp>

namespace entail {
namespace {

TEST_CASE("a manual clock moves only when told") {
  ManualClock clock(1'000'000);
  CHECK(clock.now_us() == 1'000'000);
  CHECK(clock.now_us() == 1'000'000);
  clock.advance_us(250);
  CHECK(clock.now_us() == 1'000'250);
  CHECK(clock.steady_ns() == 250'000);
}

TEST_CASE("setting the wall clock back does not take the steady time back") {
  ManualClock clock(1'000);
  clock.advance_us(5);
  clock.set_us(0);
  CHECK(clock.now_us() == 0);
  CHECK(clock.steady_ns() == 5'000);
}

}  // namespace
}  // namespace entail
