// vm/base/ids.h - small integers that name things, each kind its own type.
//
//     using RelationId = Id<struct RelationTag>;
//     using RuleId = Id<struct RuleTag>;
//     std::vector<Relation> relations;
//     relations[id.position()];            // an id is usually a position in its owner's vector
//
// Two kinds never convert into each other nor into an integer, so swapping two arguments does not
// compile. A default-constructed id names nothing; valid() tells.
//
// Cost: that of the integer. Threads: a value.

#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>

#include "vm/base/ensure.h"

namespace entail {

template <typename Tag, typename Rep = std::uint32_t>
class Id {
 public:
  using rep = Rep;

  constexpr Id() = default;
  explicit constexpr Id(Rep value) : value_(value) {}

  // The id of the thing at `position` in its owner's vector.
  // REQUIRES: the position fits, and is not the value kept for "nothing".
  static constexpr Id at(std::size_t position) {
    ENTAIL_ENSURE(position < static_cast<std::size_t>(kNothing));
    return Id(static_cast<Rep>(position));
  }

  constexpr bool valid() const { return value_ != kNothing; }
  constexpr Rep value() const { return value_; }

  // REQUIRES: valid(), in debug builds.
  constexpr std::size_t position() const {
    ENTAIL_DEBUG_ENSURE(valid());
    return static_cast<std::size_t>(value_);
  }

  constexpr auto operator<=>(const Id&) const = default;

 private:
  static constexpr Rep kNothing = std::numeric_limits<Rep>::max();

  Rep value_ = kNothing;
};

}  // namespace entail

template <typename Tag, typename Rep>
struct std::hash<entail::Id<Tag, Rep>> {
  std::size_t operator()(entail::Id<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value());
  }
};
