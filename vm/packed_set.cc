#include "vm/packed_set.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/base/tiny.h"

namespace entail::vm {

namespace {

// On average, then they split.
constexpr std::uint64_t kPartitionBytes = size_or_tiny(std::size_t{96} << 10, 512);
constexpr unsigned kPartitionBitsMax = 13;  // More would make grouping miss the cache itself.
constexpr unsigned kSplitBits = 2;
constexpr std::uint64_t kCacheBytes = std::uint64_t{512} << 10;  // Half a usual second-level cache.
constexpr std::size_t kPrefetchBatch = 32;
constexpr std::size_t kFirstSlots = 16;
constexpr std::size_t kUnitBits = 16;

// Odd, without pattern; from the digits of the golden ratio and of SplitMix64.
constexpr std::uint64_t kMixA = 0x9E3779B97F4A7C15U;
constexpr std::uint64_t kMixB = 0xD6E8FEB86659FD93U;
constexpr std::uint64_t kMixC = 0xBF58476D1CE4E5B9U;

std::uint64_t fold(std::uint64_t key) { return key; }
std::uint64_t fold(Uint128 key) {
  return static_cast<std::uint64_t>(key) ^ (static_cast<std::uint64_t>(key >> 64) * kMixC);
}

// What stays together: all but the low 16 bits of a narrow key, the high half of a wide one.
std::uint64_t unit_of(std::uint64_t key) { return key >> kUnitBits; }
std::uint64_t unit_of(Uint128 key) { return static_cast<std::uint64_t>(key >> 64); }

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
  std::uint64_t bytes =
      partitions_.capacity() * sizeof(Partition) + grouped_.bytes() + places_.bytes();
  for (const Partition& partition : partitions_) bytes += bytes_of(partition);
  return bytes;
}

template <typename Key>
std::size_t PackedSet<Key>::partition_of(Key key) const {
  // Shifted twice: by 64 in all when there is one partition.
  return ((unit_of(key) * kMixA) >> 1) >> (63 - partition_bits_);
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
  target.slots = std::calloc(slot_count, slot_bytes);
  ENTAIL_ENSURE(target.slots != nullptr);
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

// Each partition becomes four: the hash gives two more bits. False, and nothing changed, when the
// budget refuses; splitting is for speed, so that is no failure.
template <typename Key>
bool PackedSet<Key>::split() {
  constexpr std::size_t kParts = std::size_t{1} << kSplitBits;
  // The whole is reserved first, so that nothing can be refused half way.
  const std::uint64_t headroom = table_bytes_ + table_bytes_ / 2;
  if (budget_ != nullptr && !budget_->reserve(headroom)) return false;
  std::vector<Partition> parts(partitions_.size() * kParts);
  partition_bits_ += kSplitBits;
  for (std::size_t p = 0; p < partitions_.size(); ++p) {
    Partition& from = partitions_[p];
    std::array<std::size_t, kParts> counts{};
    for_each(from, [&](Key key) { ++counts[partition_of(key) & (kParts - 1)]; });
    for (std::size_t q = 0; q < kParts; ++q) {
      if (counts[q] == 0) continue;
      const std::size_t slots =
          from.blocks ? std::size_t{from.used} * counts[q] / from.keys : counts[q];
      allocate_anyway(parts[p * kParts + q], slots * 2 + kFirstSlots, from.blocks);
    }
    for_each(from, [&](Key key) {
      Partition& to = parts[p * kParts + (partition_of(key) & (kParts - 1))];
      if (to.used >= to.used_max) grow(to, true);
      if (to.blocks) {
        place_in_block(to, block_of(key), bit_of(key));
      } else {
        place_key(to, key);
      }
    });
    release(from);
  }
  partitions_ = std::move(parts);
  if (budget_ != nullptr) budget_->release(headroom);
  measure();
  return true;
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

// The keys in the order of their partitions, otherwise as they came.
template <typename Key>
const Key* PackedSet<Key>::group(const Key* keys, std::size_t n) {
  if (!grouped_.reserve(n) || !places_.reserve(n)) return keys;
  std::vector<std::uint32_t> offsets(partitions_.size() + 1);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t p = partition_of(keys[i]);
    places_.data()[i] = static_cast<std::uint16_t>(p);
    ++offsets[p + 1];
  }
  for (std::size_t p = 0; p < partitions_.size(); ++p) offsets[p + 1] += offsets[p];
  for (std::size_t i = 0; i < n; ++i) grouped_.data()[offsets[places_.data()[i]]++] = keys[i];
  return grouped_.data();
}

template <typename Key>
std::size_t PackedSet<Key>::insert(const Key* keys, std::size_t n, Key* fresh, std::size_t* done) {
  ENTAIL_ENSURE(n <= kChunkMax);
  const auto too_big = [&] { return table_bytes_ > kPartitionBytes * partitions_.size(); };
  while (partition_bits_ + kSplitBits <= kPartitionBitsMax && too_big()) {
    if (!split()) break;
  }
  // Grouping pays when a partition gets a few keys; below that, fetching ahead has to do. A group of
  // fewer than some hundreds does not warm its partition up, so it is fetched ahead all the same.
  bool prefetch = false;
  if (table_bytes_ > kCacheBytes) {
    prefetch = largest_bytes_ > kCacheBytes;
    if (partitions_.size() > 1 && is_scattered(keys, n)) {
      prefetch |= n < 256 * partitions_.size();
      if (n >= 2 * partitions_.size()) keys = group(keys, n);
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
  const std::uint64_t bytes = keys * sizeof(Key) * 3 / 2;
  while (bytes > kPartitionBytes * partitions_.size() &&
         partition_bits_ + kSplitBits <= kPartitionBitsMax) {
    if (!split()) return;
  }
}

template <typename Key>
bool PackedSet<Key>::prepare_parts(unsigned parts) {
  const auto few = [&] { return partitions_.size() < std::size_t{parts} * 8; };
  while (few() && table_bytes_ > kPartitionBytes / 4 * partitions_.size() &&
         partition_bits_ + kSplitBits <= kPartitionBitsMax) {
    if (!split()) return false;
  }
  return !few();
}

template <typename Key>
std::size_t PackedSet<Key>::insert_part(const Key* keys, std::size_t n, unsigned part,
                                        unsigned parts, Key* fresh, bool* refused) {
  std::size_t fresh_count = 0;
  bool grew = false;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t p = partition_of(keys[i]);
    if (p % parts != part) continue;
    if (!insert_one(partitions_[p], keys[i], fresh, fresh_count, grew)) {
      *refused = true;
      break;
    }
  }
  return fresh_count;
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
