#include "vm/row_map.h"

#include <algorithm>

#include "vm/base/ensure.h"

namespace entail::vm {

void hash_rows(std::span<const Word* const> columns, std::size_t n, std::uint32_t* tags) {
  constexpr std::size_t kBatch = 256;
  std::uint64_t state[kBatch];
  for (std::size_t first = 0; first < n; first += kBatch) {
    const std::size_t count = std::min(kBatch, n - first);
    std::fill_n(state, count, 0x9E3779B97F4A7C15U);
    for (const Word* const column : columns) {
      const Word* const words = column + first;
      for (std::size_t i = 0; i < count; ++i) {
        // The shift brings the well mixed half down, so that the next word meets it.
        const std::uint64_t mixed = (state[i] ^ words[i]) * 0xD6E8FEB86659FD93U;
        state[i] = mixed ^ (mixed >> 32);
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      tags[first + i] = static_cast<std::uint32_t>((state[i] * 0x9E3779B97F4A7C15U) >> 32);
    }
  }
}

void RowMap::move_into(FlatArray<Slot>& bigger) {
  slots_.swap(bigger);
  size_ = 0;
  for (const Slot& slot : bigger) {
    if (slot.row_plus_1 != 0) insert(slot.tag, slot.row_plus_1 - 1);
  }
}

bool RowMap::reserve(std::size_t count) {
  if (slots_for(count) <= slots_.size()) return true;
  FlatArray<Slot> fresh(slots_.budget());
  if (!fresh.assign_zero(std::max(slots_for(count), slots_.size() * 2))) return false;
  move_into(fresh);
  return true;
}

void RowMap::reserve_anyway(std::size_t count) {
  if (slots_for(count) <= slots_.size()) return;
  FlatArray<Slot> fresh(slots_.budget());
  fresh.assign_zero_anyway(std::max(slots_for(count), slots_.size() * 2));
  move_into(fresh);
}

void RowMap::erase(std::uint32_t tag, std::uint32_t row) {
  std::size_t gap = find_slot(tag, [&](std::uint32_t found) { return found == row; });
  ENTAIL_ENSURE(gap != kNoSlot);
  // An entry further on moves into the gap unless its home lies behind the gap.
  for (std::size_t i = next(gap); slots_[i].row_plus_1 != 0; i = next(i)) {
    const std::size_t from_home = (i + slots_.size() - home(slots_[i].tag)) % slots_.size();
    const std::size_t from_gap = (i + slots_.size() - gap) % slots_.size();
    if (from_home < from_gap) continue;
    slots_[gap] = slots_[i];
    gap = i;
  }
  slots_[gap] = {};
  --size_;
}

void RowMap::clear() {
  std::fill(slots_.begin(), slots_.end(), Slot{});
  size_ = 0;
}

}  // namespace entail::vm
