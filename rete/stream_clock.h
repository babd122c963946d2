// rete/stream_clock.h - the clock of one stream: which rows are late, and how far the watermark is.
//
//     partition 0   high 10:07 ─┐
//     partition 1   high 10:04 ─┴► least: 10:04, less the delay: the watermark. It never goes back.
//
// What it knows is stated in R.clock and R.partitions (datalog/rule_program.h), from where it is read again
// after an abort. It may be ahead of them within a step, by what has arrived in it.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "datalog/event_time.h"

namespace entail::rete {

class StreamClock {
 public:
  struct Partition {
    std::int64_t high = 0;
    bool is_idle = false;
    friend bool operator==(const Partition&, const Partition&) = default;
  };
  using Partitions = std::map<std::int64_t, Partition>;

  explicit StreamClock(std::int64_t delay) : delay_(delay) {}

  // Takes for known what is stated. The watermark may be ahead of that, where a partition is idle now.
  void restore(std::optional<std::int64_t> watermark, Partitions partitions);

  std::optional<std::int64_t> watermark() const { return watermark_; }
  const Partitions& partitions() const { return partitions_; }
  bool is_late(std::int64_t time) const;
  // The watermark as it is after a row of that time.
  std::optional<std::int64_t> watermark_after(std::int64_t partition, std::int64_t time) const;
  void see(std::int64_t partition, std::int64_t time);
  // It is so late, whether rows come or not. Whether the watermark moved.
  bool tick(std::int64_t time);

 private:
  std::int64_t delay_;
  std::optional<std::int64_t> watermark_;
  Partitions partitions_;
};

}  // namespace entail::rete
