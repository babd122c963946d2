#include "vm/base/plant.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <set>
#include <string_view>

namespace entail {
namespace {

TEST_CASE("each planted bug has a number and a name of its own and says what goes wrong") {
  std::set<std::uint32_t> numbers;
  std::set<std::string_view> names;
  for (const PlantedBug& bug : planted_bugs()) {
    INFO(bug.number << " " << bug.name);
    CHECK(bug.number > 0);
    CHECK(numbers.insert(bug.number).second);
    CHECK(names.insert(bug.name).second);
    CHECK(bug.sentence.size() > 10);
  }
}

#ifndef ENTAIL_PLANTED_BUGS
#define PLANT(number, name, sentence) static_assert(!ENTAIL_PLANT_BUG(number));
#include "vm/base/plant.def"
#undef PLANT
#endif

}  // namespace
}  // namespace entail
