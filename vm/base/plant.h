// vm/base/plant.h - bugs put in on purpose, to test the tests.
//
// In a build configured with -DENTAIL_PLANT=ON, ENTAIL_PLANT_BUG(n) is true when the environment
// variable ENTAIL_PLANT is n; the harness runs the property tests once for each n and expects each
// run to fail. In every other build it is the constant false, and the compiler drops the branch.
//
//     if (ENTAIL_PLANT_BUG(3)) continue;   // forgets the last delta
//
// A number that vm/base/plant.def does not list does not compile.
//
// Threads: any. The environment is read once, at the first question.

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace entail {

struct PlantedBug {
  std::uint32_t number = 0;
  std::string_view name;
  std::string_view sentence;
};

// The table of plant.def, in its order; the same in every build.
std::span<const PlantedBug> planted_bugs() noexcept;

namespace internal {

constexpr bool plant_is_listed(std::uint32_t number) {
  switch (number) {
#define PLANT(listed, name, sentence) \
  case listed:                        \
    return true;
#include "vm/base/plant.def"
#undef PLANT
    default:
      return false;
  }
}

template <std::uint32_t kNumber>
constexpr std::uint32_t checked_plant() {
  static_assert(plant_is_listed(kNumber), "list this bug in vm/base/plant.def");
  return kNumber;
}

// The number in the environment variable ENTAIL_PLANT; 0 when there is none or it is no number.
std::uint32_t active_plant() noexcept;

}  // namespace internal
}  // namespace entail

#ifdef ENTAIL_PLANTED_BUGS
#define ENTAIL_PLANT_BUG(number) \
  (::entail::internal::active_plant() == ::entail::internal::checked_plant<number>())
#else
#define ENTAIL_PLANT_BUG(number) (::entail::internal::checked_plant<number>() == 0)
#endif
