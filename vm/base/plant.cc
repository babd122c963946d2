#include "vm/base/plant.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace entail {

std::span<const PlantedBug> planted_bugs() noexcept {
  static const std::vector<PlantedBug> bugs = {
#define PLANT(number, name, sentence) PlantedBug{number, #name, sentence},
#include "vm/base/plant.def"
#undef PLANT
  };
  return bugs;
}

namespace internal {

std::uint32_t active_plant() noexcept {
  static const std::uint32_t active = [] {
    const char* text = std::getenv("ENTAIL_PLANT");
    std::uint32_t number = 0;
    if (text != nullptr) std::from_chars(text, text + std::strlen(text), number);
    return number;
  }();
  return active;
}

}  // namespace internal
}  // namespace entail
