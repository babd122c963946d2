#include "vm/base/ids.h"

#include <catch2/catch.hpp>
#include <type_traits>
#include <unordered_set>

namespace entail {
namespace {

using ShipId = Id<struct ShipTag>;
using PortId = Id<struct PortTag, std::uint16_t>;

static_assert(sizeof(ShipId) == sizeof(std::uint32_t));
static_assert(sizeof(PortId) == sizeof(std::uint16_t));
static_assert(!std::is_convertible_v<ShipId, PortId>);
static_assert(!std::is_convertible_v<std::uint32_t, ShipId>);
static_assert(!std::is_convertible_v<ShipId, std::uint32_t>);
static_assert(std::is_trivially_copyable_v<ShipId>);

TEST_CASE("an id made for a position gives the position back") {
  const ShipId id = ShipId::at(7);
  CHECK(id.valid());
  CHECK(id.position() == 7);
  CHECK(id.value() == 7);
}

TEST_CASE("an id that was never set names nothing") {
  CHECK_FALSE(ShipId{}.valid());
  CHECK_FALSE(PortId{}.valid());
}

TEST_CASE("ids of one kind are ordered and can be hashed") {
  CHECK(ShipId(1) < ShipId(2));
  CHECK(ShipId(3) == ShipId::at(3));
  const std::unordered_set<ShipId> ships = {ShipId(1), ShipId(2), ShipId(1)};
  CHECK(ships.size() == 2);
}

}  // namespace
}  // namespace entail
