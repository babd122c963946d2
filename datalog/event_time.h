// datalog/event_time.h - what a stream's declaration says of event time, as numbers.
//
// Times and durations are microseconds, as the words of a timestamp are. A duration that counts months has no
// length, and declarations refuse it.
//
// Threads: pure.
#pragma once

#include <cstdint>
#include <optional>

#include "datalog/rule_program.h"

namespace entail::datalog {

// How long a constant interval without months is; nothing for any other expression.
std::optional<std::int64_t> constant_duration(const Expression& expression);

// a + b, or the nearest that there is.
std::int64_t add_times(std::int64_t a, std::int64_t b);

struct StreamClock {
  std::uint32_t time_column = 0;
  std::int64_t delay = 0;
  std::optional<std::int64_t> expire_after;
  RelationId clock{};
  RelationId partitions{};
};
// Nothing where the relation is no stream with event time. REQUIRES: the program is verified.
std::optional<StreamClock> clock_of(const Relation& relation);

}  // namespace entail::datalog
