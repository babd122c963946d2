#include "vm/packed_set.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/base/tiny.h"
#include "vm/internal/packed_set_sharing.h"

namespace entail::vm {

namespace {

// On average, then they split.
constexpr std::uint64_t kPartitionBytes = size_or_tiny(std::size_t{96} << 10, 512);
constexpr unsigned kPartitionBitsMax = 13;  // More would make grouping miss the cache itself.
constexpr unsigned kSplitBits = 2;
constexpr std::size_t kPrefetchBatch = 32;
constexpr std::size_t kFirstSlots = 16;
constexpr std::size_t kLineBytes = 64;

// Odd, without pattern; from the digits of SplitMix64.
constexpr std::uint64_t kMixB = 0xD6E8FEB86659FD93U;
constexpr std::uint64_t kMixC = 0xBF58476D1CE4E5B9U;

std::uint64_t fold(std::uint64_t key) { return key; }
std::uint64_t fold(Uint128 key) {
  return static_cast<std::uint64_t>(key) ^ (static_cast<std::uint64_t>(key >> 64) * kMixC);
}

std::uint64_t block_of(std::uint64_t key) { return key >> 6; }
std::uint64_t block_of(Uint128) { return 0; }
std::uint64_t bit_of(std::uint64_t key) { return std::uint64_t{1} << (key & 63); }
std::uint64_t bit_of(Uint128) { return 0; }

// The high half of a multiplicative hash, scaled to the table: any table size will do.
std::size_t slot_of(std::uint64_t folded, std::uint32_t slot_count) {
  return ((folded * kMixB) >> 32) * slot_count >> 32;
}

std::size_t used_max_of(std::size_t slot_count, bool blocks) {
  return blocks ? slot_count - slot_count / 3 : slot_count - slot_count / 4;
}

}  // namespace

template <typename Key>
PackedSet<Key>::PackedSet(MemoryBudget* budget)
    : partitions_(1), budget_(budget), grouped_(budget), places_(budget) {}

template <typename Key>
PackedSet<Key>::~PackedSet() {
  for (Partition& partition : partitions_) release(partition);
}

template <typename Key>
PackedSet<Key>::PackedSet(PackedSet&& other) noexcept : PackedSet(other.budget_) {
  *this = std::move(other);
}

template <typename Key>
PackedSet<Key>& PackedSet<Key>::operator=(PackedSet&& other) noexcept {
  partitions_.swap(other.partitions_);
  std::swap(partition_bits_, other.partition_bits_);
  std::swap(has_all_ones_, other.has_all_ones_);
  std::swap(table_bytes_, other.table_bytes_);
  std::swap(largest_bytes_, other.largest_bytes_);
  std::swap(budget_, other.budget_);
  grouped_.swap(other.grouped_);
  places_.swap(other.places_);
  group_ends_.swap(other.group_ends_);
  sharing_.swap(other.sharing_);
  return *this;
}

template <typename Key>
std::size_t PackedSet<Key>::size() const {
  std::size_t keys = has_all_ones_ ? 1 : 0;
  for (const Partition& partition : partitions_) keys += partition.keys;
  return keys;
}

template <typename Key>
std::uint64_t PackedSet<Key>::bytes_used() const {
  std::uint64_t bytes = partitions_.capacity() * sizeof(Partition) + grouped_.bytes() +
                        places_.bytes() + (sharing_ == nullptr ? 0 : sharing_->bytes());
  for (const Partition& partition : partitions_) bytes += bytes_of(partition);
  return bytes;
}

template <typename Key>
std::uint64_t PackedSet<Key>::bytes_of(const Partition& partition) {
  return std::uint64_t{partition.slot_count} * (partition.blocks ? sizeof(BlockSlot) : sizeof(Key));
}

template <typename Key>
const void* PackedSet<Key>::home_of(const Partition& partition, Key key) {
  if (partition.blocks) {
    return static_cast<const BlockSlot*>(partition.slots) +
           slot_of(block_of(key), partition.slot_count);
  }
  return static_cast<const Key*>(partition.slots) + slot_of(fold(key), partition.slot_count);
}

// ------------------------------------------------------------------------------ one table

template <typename Key>
bool PackedSet<Key>::allocate(Partition& target, std::size_t slot_count, bool blocks) {
  const std::size_t slot_bytes = blocks ? sizeof(BlockSlot) : sizeof(Key);
  if (budget_ != nullptr && !budget_->reserve(slot_count * slot_bytes)) return false;
  take(target, slot_count, blocks);
  return true;
}

template <typename Key>
void PackedSet<Key>::allocate_anyway(Partition& target, std::size_t slot_count, bool blocks) {
  const std::size_t slot_bytes = blocks ? sizeof(BlockSlot) : sizeof(Key);
  if (budget_ != nullptr) budget_->reserve_anyway(slot_count * slot_bytes);
  take(target, slot_count, blocks);
}

template <typename Key>
void PackedSet<Key>::take(Partition& target, std::size_t slot_count, bool blocks) {
  const std::size_t slot_bytes = blocks ? sizeof(BlockSlot) : sizeof(Key);
  target = {};
  // Not calloc: a heap may get zero pages by giving pages back, to be fetched again one by one.
  const std::size_t bytes = (slot_count * slot_bytes + kLineBytes - 1) / kLineBytes * kLineBytes;
  target.slots = std::aligned_alloc(kLineBytes, bytes);
  ENTAIL_ENSURE(target.slots != nullptr);
  std::memset(target.slots, 0, bytes);
  target.slot_count = static_cast<std::uint32_t>(slot_count);
  target.used_max = static_cast<std::uint32_t>(used_max_of(slot_count, blocks));
  target.blocks = blocks;
}

template <typename Key>
void PackedSet<Key>::release(Partition& partition) {
  std::free(partition.slots);
  if (budget_ != nullptr) budget_->release(bytes_of(partition));
  partition = {};
}

template <typename Key>
void PackedSet<Key>::clear() {
  constexpr std::uint64_t kKeptBytes = std::uint64_t{64} << 10;
  Partition& only = partitions_.front();
  if (partitions_.size() > 1 || only.blocks || bytes_of(only) > kKeptBytes) {
    *this = PackedSet(budget_);
    return;
  }
  if (only.slots != nullptr) std::memset(only.slots, 0, bytes_of(only));
  only.used = only.keys = 0;
  has_all_ones_ = false;
}

template <typename Key>
template <typename Visit>
void PackedSet<Key>::for_each(const Partition& partition, Visit visit) {
  if (partition.blocks) {
    const auto* const slots = static_cast<const BlockSlot*>(partition.slots);
    for (std::uint32_t i = 0; i < partition.slot_count; ++i) {
      for (std::uint64_t bits = slots[i].bits; bits != 0; bits &= bits - 1) {
        visit(
            static_cast<Key>(slots[i].block << 6 | static_cast<unsigned>(std::countr_zero(bits))));
      }
    }
    return;
  }
  const auto* const slots = static_cast<const Key*>(partition.slots);
  for (std::uint32_t i = 0; i < partition.slot_count; ++i) {
    if (slots[i] != 0) visit(static_cast<Key>(~slots[i]));
  }
}

// REQUIRES: there is room, and the key is not there.
template <typename Key>
void PackedSet<Key>::place_key(Partition& target, Key key) {
  auto* const slots = static_cast<Key*>(target.slots);
  std::size_t i = slot_of(fold(key), target.slot_count);
  while (slots[i] != 0) i = i + 1 == target.slot_count ? 0 : i + 1;
  slots[i] = ~key;
  ++target.used;
  ++target.keys;
}

// Adds keys of one block that are not there; false when a new block finds no room.
template <typename Key>
bool PackedSet<Key>::place_in_block(Partition& target, std::uint64_t block, std::uint64_t bits) {
  auto* const slots = static_cast<BlockSlot*>(target.slots);
  std::size_t i = slot_of(block, target.slot_count);
  while (slots[i].bits != 0 && slots[i].block != block) i = i + 1 == target.slot_count ? 0 : i + 1;
  if (slots[i].bits == 0) {
    if (target.used == target.used_max) return false;
    ++target.used;
    slots[i].block = block;
  }
  slots[i].bits |= bits;
  target.keys += static_cast<std::uint32_t>(std::popcount(bits));
  return true;
}

// Whether the keys are dense enough for blocks (three to a block) and the budget grants the table.
template <typename Key>
bool PackedSet<Key>::copy_as_blocks(const Partition& from, Partition& target, bool anyway) {
  if (from.blocks) {
    const std::size_t slot_count = from.slot_count + from.slot_count / 2 + kFirstSlots;
    if (anyway) {
      allocate_anyway(target, slot_count, true);
    } else if (!allocate(target, slot_count, true)) {
      return false;
    }
    const auto* const slots = static_cast<const BlockSlot*>(from.slots);
    for (std::uint32_t i = 0; i < from.slot_count; ++i) {
      if (slots[i].bits != 0) place_in_block(target, slots[i].block, slots[i].bits);
    }
    return true;
  }
  // used_max is two thirds of the slots, so this table takes keys / 3 blocks and no more.
  if (!allocate(target, from.keys / 2 + kFirstSlots, true)) return false;
  const auto* const slots = static_cast<const Key*>(from.slots);
  for (std::uint32_t i = 0; i < from.slot_count; ++i) {
    if (slots[i] == 0) continue;
    const auto key = static_cast<Key>(~slots[i]);
    if (place_in_block(target, block_of(key), bit_of(key))) continue;
    release(target);
    return false;
  }
  return true;
}

template <typename Key>
bool PackedSet<Key>::copy_as_keys(const Partition& from, Partition& target, std::size_t slot_count,
                                  bool anyway) {
  if (anyway) {
    allocate_anyway(target, slot_count, false);
  } else if (!allocate(target, slot_count, false)) {
    return false;
  }
  for_each(from, [&](Key key) {
    if (ENTAIL_PLANT_BUG(9) && target.keys + 1 == from.keys) return;
    place_key(target, key);
  });
  return true;
}

// Makes room for one more slot in use; false when the budget refuses, unless it may not (`anyway`).
template <typename Key>
bool PackedSet<Key>::grow(Partition& partition, bool anyway) {
  Partition bigger;
  const bool dense = kHasBlocks && (partition.blocks ? partition.keys >= 2 * partition.used
                                                     : partition.keys >= 64);
  if (!dense || !copy_as_blocks(partition, bigger, anyway)) {
    const std::size_t slot_count =
        std::max({kFirstSlots, std::size_t{partition.keys} * 2,
                  std::size_t{partition.keys} + partition.keys / 2 + kFirstSlots});
    if (!copy_as_keys(partition, bigger, slot_count, anyway)) return false;
  }
  release(partition);
  partition = bigger;
  return true;
}

// Adds the key and appends it to `fresh`, or finds it; false when the budget refuses.
template <typename Key>
inline bool PackedSet<Key>::insert_one(Partition& partition, Key key, Key* fresh,
                                       std::size_t& fresh_count, bool& grew) {
  if (partition.used >= partition.used_max) [[unlikely]] {
    if (!grow(partition, false)) return false;
    grew = true;
  }
  const auto stored = static_cast<Key>(~key);
  if (stored == 0) [[unlikely]] {
    if (!has_all_ones_) fresh[fresh_count++] = key;
    has_all_ones_ = true;
    return true;
  }
  if (kHasBlocks && partition.blocks) {
    auto* const slots = static_cast<BlockSlot*>(partition.slots);
    const std::uint64_t block = block_of(key);
    const std::uint64_t bit = bit_of(key);
    std::size_t i = slot_of(block, partition.slot_count);
    while (true) {
      BlockSlot& slot = slots[i];
      if (slot.block == block && slot.bits != 0) {
        // Half of the candidates are known, in no pattern: counting costs less than branching.
        const std::size_t is_new = (slot.bits & bit) == 0 ? 1 : 0;
        slot.bits |= bit;
        fresh[fresh_count] = key;
        fresh_count += is_new;
        partition.keys += static_cast<std::uint32_t>(is_new);
        return true;
      }
      if (slot.bits == 0) {
        slot = {block, bit};
        ++partition.used;
        ++partition.keys;
        fresh[fresh_count++] = key;
        return true;
      }
      i = i + 1 == partition.slot_count ? 0 : i + 1;
    }
  }
  auto* const slots = static_cast<Key*>(partition.slots);
  std::size_t i = slot_of(fold(key), partition.slot_count);
  while (true) {
    if (slots[i] == stored) return true;
    if (slots[i] == 0) {
      slots[i] = stored;
      ++partition.used;
      ++partition.keys;
      fresh[fresh_count++] = key;
      return true;
    }
    i = i + 1 == partition.slot_count ? 0 : i + 1;
  }
}

// The same for n keys of one partition. What the loops turn round stays in registers; only a table that
// has to grow, and the key of all ones, go through insert_one().
template <typename Key>
bool PackedSet<Key>::insert_run(Partition& partition, const Key* keys, std::size_t n,
                                bool fetch_ahead, Key* fresh, std::size_t& fresh_count) {
  bool grew = false;
  for (std::size_t i = 0; i < n;) {
    if (!insert_one(partition, keys[i++], fresh, fresh_count, grew)) return false;
    const Partition table = partition;
    std::uint32_t used = table.used;
    std::size_t added = fresh_count;
    while (i < n && used < table.used_max) {
      const std::size_t stop = std::min(n, i + kPrefetchBatch);
      if (fetch_ahead) {
        for (std::size_t k = i; k < stop; ++k) __builtin_prefetch(home_of(table, keys[k]), 1);
      }
      if (kHasBlocks && table.blocks) {
        i = insert_in_blocks(table, keys, i, stop, used, fresh, added);
      } else {
        i = insert_in_keys(table, keys, i, stop, used, fresh, added);
      }
      if (i < stop) break;
    }
    partition.used = used;
    partition.keys += static_cast<std::uint32_t>(added - fresh_count);
    fresh_count = added;
  }
  return true;
}

// Keys [i, stop), as far as the table has room and none is all ones; returns where it stopped.
template <typename Key>
inline std::size_t PackedSet<Key>::insert_in_blocks(const Partition& table, const Key* keys,
                                                    std::size_t i, std::size_t stop,
                                                    std::uint32_t& used, Key* fresh,
                                                    std::size_t& added) {
  auto* const slots = static_cast<BlockSlot*>(table.slots);
  const std::uint32_t slot_count = table.slot_count;
  for (; i < stop; ++i) {
    const Key key = keys[i];
    if (used == table.used_max || static_cast<Key>(~key) == 0) [[unlikely]]
      break;
    const std::uint64_t block = block_of(key);
    const std::uint64_t bit = bit_of(key);
    std::size_t at = slot_of(block, slot_count);
    while (slots[at].bits != 0 && slots[at].block != block) {
      at = at + 1 == slot_count ? 0 : at + 1;
    }
    // Half of the candidates are known, in no pattern: counting costs less than branching.
    const std::uint64_t bits = slots[at].bits;
    used += bits == 0 ? 1 : 0;
    slots[at] = {block, bits | bit};
    fresh[added] = key;
    added += (bits & bit) == 0 ? 1 : 0;
  }
  return i;
}

template <typename Key>
inline std::size_t PackedSet<Key>::insert_in_keys(const Partition& table, const Key* keys,
                                                  std::size_t i, std::size_t stop,
                                                  std::uint32_t& used, Key* fresh,
                                                  std::size_t& added) {
  auto* const slots = static_cast<Key*>(table.slots);
  const std::uint32_t slot_count = table.slot_count;
  for (; i < stop; ++i) {
    const auto stored = static_cast<Key>(~keys[i]);
    if (used == table.used_max || stored == 0) [[unlikely]]
      break;
    std::size_t at = slot_of(fold(keys[i]), slot_count);
    while (slots[at] != 0 && slots[at] != stored) at = at + 1 == slot_count ? 0 : at + 1;
    const std::uint32_t is_new = slots[at] == 0 ? 1 : 0;
    slots[at] = stored;
    used += is_new;
    fresh[added] = keys[i];
    added += is_new;
  }
  return i;
}

template <typename Key>
inline bool PackedSet<Key>::holds(const Partition& partition, Key key) {
  if (partition.slot_count == 0) return false;
  if (kHasBlocks && partition.blocks) {
    const auto* const slots = static_cast<const BlockSlot*>(partition.slots);
    const std::uint64_t block = block_of(key);
    std::size_t i = slot_of(block, partition.slot_count);
    while (slots[i].bits != 0) {
      if (slots[i].block == block) return (slots[i].bits & bit_of(key)) != 0;
      i = i + 1 == partition.slot_count ? 0 : i + 1;
    }
    return false;
  }
  const auto stored = static_cast<Key>(~key);
  const auto* const slots = static_cast<const Key*>(partition.slots);
  std::size_t i = slot_of(fold(key), partition.slot_count);
  while (slots[i] != 0) {
    if (slots[i] == stored) return true;
    i = i + 1 == partition.slot_count ? 0 : i + 1;
  }
  return false;
}

// ------------------------------------------------------------------------------ partitions

template <typename Key>
void PackedSet<Key>::measure() {
  table_bytes_ = largest_bytes_ = 0;
  for (const Partition& partition : partitions_) {
    const std::uint64_t bytes = bytes_of(partition);
    table_bytes_ += bytes;
    largest_bytes_ = std::max(largest_bytes_, bytes);
  }
}

template <typename Key>
bool PackedSet<Key>::may_split() const {
  return partition_bits_ + kSplitBits <= kPartitionBitsMax;
}

template <typename Key>
bool PackedSet<Key>::is_too_big() const {
  return table_bytes_ > kPartitionBytes * partitions_.size();
}

// Each partition becomes four: the hash gives two more bits. False, and nothing changed, when the
// budget refuses; splitting is for speed, so that is no failure.
template <typename Key>
bool PackedSet<Key>::split(ThreadTeam& team) {
  // The whole is reserved first, so that nothing can be refused half way.
  const std::uint64_t headroom = table_bytes_ + table_bytes_ / 2;
  if (budget_ != nullptr && !budget_->reserve(headroom)) return false;
  std::vector<Partition> parts(partitions_.size() << kSplitBits);
  partition_bits_ += kSplitBits;
  team.run([&](unsigned worker) {
    for (std::size_t p = worker; p < partitions_.size(); p += team.size()) {
      split_one(partitions_[p], &parts[p << kSplitBits]);
      release(partitions_[p]);
    }
  });
  partitions_ = std::move(parts);
  if (budget_ != nullptr) budget_->release(headroom);
  measure();
  return true;
}

template <typename Key>
void PackedSet<Key>::split_one(const Partition& from, Partition* parts) {
  constexpr std::size_t kParts = std::size_t{1} << kSplitBits;
  std::array<std::size_t, kParts> counts{};
  for_each(from, [&](Key key) { ++counts[partition_of(key) & (kParts - 1)]; });
  for (std::size_t q = 0; q < kParts; ++q) {
    if (counts[q] == 0) continue;
    const std::size_t slots =
        from.blocks ? std::size_t{from.used} * counts[q] / from.keys : counts[q];
    allocate_anyway(parts[q], slots * 2 + kFirstSlots, from.blocks);
  }
  for_each(from, [&](Key key) {
    Partition& to = parts[partition_of(key) & (kParts - 1)];
    if (to.used >= to.used_max) grow(to, true);
    if (to.blocks) {
      place_in_block(to, block_of(key), bit_of(key));
    } else {
      place_key(to, key);
    }
  });
}

// Whether neighbours are mostly in different partitions, judged by a sample.
template <typename Key>
bool PackedSet<Key>::is_scattered(const Key* keys, std::size_t n) const {
  constexpr std::size_t kSample = 256;
  const std::size_t step = std::max<std::size_t>(1, n / kSample);
  std::size_t changes = 0;
  std::size_t seen = 0;
  for (std::size_t i = 0; i + 1 < n; i += step, ++seen) {
    changes += partition_of(keys[i]) != partition_of(keys[i + 1]) ? 1 : 0;
  }
  return changes * 8 > seen;
}

// The keys in the order of their partitions, otherwise as they came; ends[p] is where those of
// partition p stop. False when the budget refuses the room.
template <typename Key>
bool PackedSet<Key>::group(const Key* keys, std::size_t n, FlatArray<Key>& grouped,
                           FlatArray<std::uint16_t>& places,
                           std::vector<std::uint32_t>& ends) const {
  if (!grouped.reserve(n) || !places.reserve(n)) return false;
  ends.assign(partitions_.size() + 1, 0);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t p = partition_of(keys[i]);
    places.data()[i] = static_cast<std::uint16_t>(p);
    ++ends[p + 1];
  }
  for (std::size_t p = 0; p < partitions_.size(); ++p) ends[p + 1] += ends[p];
  for (std::size_t i = 0; i < n; ++i) grouped.data()[ends[places.data()[i]]++] = keys[i];
  return true;
}

template <typename Key>
std::size_t PackedSet<Key>::insert(const Key* keys, std::size_t n, Key* fresh, std::size_t* done) {
  ENTAIL_ENSURE(n <= kChunkMax);
  SerialTeam alone;
  while (may_split() && is_too_big()) {
    if (!split(alone)) break;
  }
  // Grouping pays when a partition gets a few keys; below that, fetching ahead has to do. A group of
  // fewer than some hundreds does not warm its partition up, so it is fetched ahead all the same.
  bool prefetch = false;
  if (table_bytes_ > kCacheBytes) {
    prefetch = largest_bytes_ > kCacheBytes;
    if (partitions_.size() > 1 && is_scattered(keys, n)) {
      prefetch |= n < 256 * partitions_.size();
      if (n >= 2 * partitions_.size() && group(keys, n, grouped_, places_, group_ends_)) {
        keys = grouped_.data();
      }
    }
  }
  std::size_t fresh_count = 0;
  std::size_t i = 0;
  bool granted = true;
  bool grew = false;
  while (i < n && granted) {
    const std::size_t stop = std::min(n, i + kPrefetchBatch);
    if (prefetch) {
      for (std::size_t k = i; k < stop; ++k) {
        const Partition& partition = partitions_[partition_of(keys[k])];
        if (partition.slot_count != 0) __builtin_prefetch(home_of(partition, keys[k]), 1);
      }
    }
    for (; i < stop; ++i) {
      granted = insert_one(partitions_[partition_of(keys[i])], keys[i], fresh, fresh_count, grew);
      if (!granted) break;
    }
  }
  *done = i;
  if (grew) measure();
  return fresh_count;
}

// While the tables are small, splitting costs nothing.
template <typename Key>
void PackedSet<Key>::expect(std::size_t keys) {
  SerialTeam alone;
  const std::uint64_t bytes = keys * sizeof(Key) * 3 / 2;
  while (bytes > kPartitionBytes * partitions_.size() && may_split()) {
    if (!split(alone)) return;
  }
}

template <typename Key>
void PackedSet<Key>::contains(const Key* keys, std::size_t n, std::uint8_t* out) const {
  const bool prefetch = table_bytes_ > kCacheBytes;
  for (std::size_t i = 0; i < n;) {
    const std::size_t stop = std::min(n, i + kPrefetchBatch);
    if (prefetch) {
      for (std::size_t k = i; k < stop; ++k) {
        const Partition& partition = partitions_[partition_of(keys[k])];
        if (partition.slot_count != 0) __builtin_prefetch(home_of(partition, keys[k]));
      }
    }
    for (; i < stop; ++i) {
      out[i] = holds(partitions_[partition_of(keys[i])], keys[i]) ? 1 : 0;
      if (has_all_ones_ && ~keys[i] == 0) out[i] = 1;
    }
  }
}

template <typename Key>
void PackedSet<Key>::verify() const {
  for (std::size_t p = 0; p < partitions_.size(); ++p) {
    const Partition& partition = partitions_[p];
    std::size_t keys = 0;
    for_each(partition, [&](Key key) {
      ++keys;
      ENTAIL_ENSURE(partition_of(key) == p);  // (1)
      ENTAIL_ENSURE(holds(partition, key));   // (1)
    });
    ENTAIL_ENSURE(keys == partition.keys);                                              // (2)
    ENTAIL_ENSURE(partition.slot_count == 0 || partition.used < partition.slot_count);  // (2)
  }
}

template class PackedSet<std::uint64_t>;
template class PackedSet<Uint128>;

}  // namespace entail::vm
