#include "rete/stream_clock.h"

#include <algorithm>
#include <utility>

#include "vm/base/plant.h"

namespace entail::rete {

void StreamClock::restore(std::optional<std::int64_t> watermark, Partitions partitions) {
  watermark_ = watermark;
  partitions_ = std::move(partitions);
  std::optional<std::int64_t> least;
  for (const auto& [number, partition] : partitions_) {
    if (!partition.is_idle) least = std::min(least.value_or(partition.high), partition.high);
  }
  if (least) tick(*least);
}

bool StreamClock::is_late(std::int64_t time) const {
  if (!watermark_) return false;
  return ENTAIL_PLANT_BUG(91) ? time <= *watermark_ : time < *watermark_;
}

std::optional<std::int64_t> StreamClock::watermark_after(std::int64_t partition,
                                                         std::int64_t time) const {
  // The partition has a row again, so it is idle no more.
  const auto own = partitions_.find(partition);
  std::int64_t least = own == partitions_.end() ? time : std::max(own->second.high, time);
  for (const auto& [number, other] : partitions_) {
    if (number != partition && !other.is_idle) least = std::min(least, other.high);
  }
  const std::int64_t reached = datalog::add_times(least, -delay_);
  return watermark_ ? std::max(*watermark_, reached) : reached;
}

void StreamClock::see(std::int64_t partition, std::int64_t time) {
  watermark_ = watermark_after(partition, time);
  const auto [own, is_new] = partitions_.emplace(partition, Partition{time, false});
  own->second.high = std::max(own->second.high, time);
  own->second.is_idle = false;
}

bool StreamClock::tick(std::int64_t time) {
  const std::int64_t reached = datalog::add_times(time, -delay_);
  if (watermark_ && *watermark_ >= reached) return false;
  watermark_ = reached;
  return true;
}

}  // namespace entail::rete
