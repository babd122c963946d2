// vm/packed_set.h - which packed rows a relation holds: many small hash tables, probed in batches.
//
// Most of the work of recursion is finding that a candidate is known already, so this is the loop
// that must stay in the cache. Two ideas carry it.
//
// Partitions. The key without its low 16 bits (for a pair of ids: the leading value and the high bits
// of the other) is hashed to a partition, a table of its own that grows by itself. Their number
// quadruples when they exceed some 64 KiB each, so that a partition fits the second-level cache.
// Candidates that arrive in no order are grouped by partition first; the new rows are then stored in
// that order, so that the next round's candidates arrive grouped.
//
// Blocks. Keys are often dense: node ids, ordinals. A partition whose keys share their upper 58 bits
// with at least two others on average stores blocks, {upper bits, a bit for each of 64 keys}:
//
//     keys of (7, y)       y = 64, 65, 67, 120         slot  [ block (7,64..127) | 0x…0b ]
//
// 12.5 M pairs of a dense closure take 8 MB that way instead of 140 MB. Each partition decides when it
// grows, in either direction.
//
// Invariants (verify() checks them)
//   (1) A key is in the partition its hash names, reachable from its home slot without a gap.
//   (2) A partition's count is the number of its keys; it has an empty slot.
//   (3) size() is the sum of the counts, plus one if the key of all ones is held.
//
// Workers. A team divides the partitions, not the candidates: the keys that the workers derived are
// sorted out by partition, as runs where they arrived grouped, then each worker inserts into a range of
// partitions that has its share of them (packed_set_team.cc). A table is touched by one worker at a
// time, so that nothing in the loop is atomic. The same pays with one worker: all that a partition gets
// comes at once.
//
// Threads: contains() may run concurrently; all others need the set to themselves, but insert_with()
// uses the workers of the team it is given. Source: linear probing, Knuth volume 3, 6.4;
// multiplicative hashing, Dietzfelbinger et al. 1997; the blocks are the leaves of roaring bitmaps
// (Lemire et al. 2016) at a smaller size, found by hashing.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "vm/base/thread_team.h"
#include "vm/base/tiny.h"
#include "vm/flat_array.h"
#include "vm/word.h"

namespace entail::vm {

template <typename Key>  // std::uint64_t or Uint128
class PackedSet {
 public:
  explicit PackedSet(MemoryBudget* budget);
  ~PackedSet();
  PackedSet(PackedSet&&) noexcept;
  PackedSet& operator=(PackedSet&&) noexcept;

  std::size_t size() const;
  std::uint64_t bytes_used() const;

  // Splits ahead for a set that is about to hold some `keys`; a hint.
  void expect(std::size_t keys);

  // Adds keys[0, n); the new ones are written to `fresh` (room for n), grouped by partition when the
  // keys arrived scattered. Returns how many there are. `done` tells how many keys were dealt with:
  // n, or fewer when the budget refused to grow; the others are not in the set.
  // REQUIRES: n <= kChunkMax.
  std::size_t insert(const Key* keys, std::size_t n, Key* fresh, std::size_t* done);

  // Adds the keys of all buffers with the team's workers. The new keys of worker w are fresh[w], in
  // the order of their partitions, and live until the next insertion. False, and no key added, when
  // there are too few partitions or the budget refuses the room to work in. Sets `*refused`
  // when it refuses a table; some keys are then not in the set.
  bool insert_with(ThreadTeam& team, std::span<const std::span<const Key>> buffers,
                   std::vector<std::span<const Key>>& fresh, bool* refused);

  // Takes all keys out. Small tables are kept for the next ones.
  void clear();

  // out[i] = whether the set holds keys[i].
  void contains(const Key* keys, std::size_t n, std::uint8_t* out) const;

  static constexpr std::size_t kChunkMax = size_or_tiny(std::size_t{1} << 18, 32);

  void verify() const;

 private:
  // Half of a usual second-level cache: smaller tables need no fetching ahead.
  static constexpr std::uint64_t kCacheBytes = std::uint64_t{512} << 10;

  struct BlockSlot {
    std::uint64_t block;
    std::uint64_t bits;  // 0: the slot is empty.
  };
  // Keys are stored complemented, so that an empty slot is zero.
  struct Partition {
    void* slots = nullptr;
    std::uint32_t slot_count = 0;
    std::uint32_t used = 0;  // Slots in use.
    std::uint32_t used_max = 0;
    std::uint32_t keys = 0;  // Keys held: more than `used` if these are blocks.
    bool blocks = false;
  };
  static constexpr bool kHasBlocks = sizeof(Key) == 8;
  struct
      Sharing;  // What the workers of insert_with() sort their keys with, kept from call to call.

  // What stays together: all but the low 16 bits of a narrow key, the high half of a wide one.
  static std::uint64_t unit_of(Key key) {
    return static_cast<std::uint64_t>(key >> (sizeof(Key) == 8 ? 16 : 64));
  }
  std::size_t partition_of(Key key) const {
    // Shifted twice: by 64 in all when there is one partition. The factor is the golden ratio's.
    return ((unit_of(key) * 0x9E3779B97F4A7C15U) >> 1) >> (63 - partition_bits_);
  }
  static std::uint64_t bytes_of(const Partition& partition);
  static const void* home_of(const Partition& partition, Key key);

  bool insert_one(Partition& partition, Key key, Key* fresh, std::size_t& fresh_count, bool& grew);
  bool insert_run(Partition& partition, const Key* keys, std::size_t n, bool fetch_ahead,
                  Key* fresh, std::size_t& fresh_count);
  static std::size_t insert_in_blocks(const Partition& table, const Key* keys, std::size_t i,
                                      std::size_t stop, std::uint32_t& used, Key* fresh,
                                      std::size_t& added);
  static std::size_t insert_in_keys(const Partition& table, const Key* keys, std::size_t i,
                                    std::size_t stop, std::uint32_t& used, Key* fresh,
                                    std::size_t& added);
  static bool holds(const Partition& partition, Key key);
  bool grow(Partition& partition, bool anyway);
  bool allocate(Partition& target, std::size_t slot_count, bool blocks);
  void allocate_anyway(Partition& target, std::size_t slot_count, bool blocks);
  static void take(Partition& target, std::size_t slot_count, bool blocks);
  static void place_key(Partition& target, Key key);
  static bool place_in_block(Partition& target, std::uint64_t block, std::uint64_t bits);
  bool copy_as_blocks(const Partition& from, Partition& target, bool anyway);
  bool copy_as_keys(const Partition& from, Partition& target, std::size_t slot_count, bool anyway);
  void release(Partition& partition);
  bool is_too_big() const;
  bool may_split() const;
  bool split(ThreadTeam& team);
  void split_one(const Partition& from, Partition* parts);
  void measure();
  bool is_scattered(const Key* keys, std::size_t n) const;
  bool group(const Key* keys, std::size_t n, FlatArray<Key>& grouped,
             FlatArray<std::uint16_t>& places, std::vector<std::uint32_t>& ends) const;
  template <typename Piece>
  void sort_out(Piece& piece) const;
  bool prepare_partitions(ThreadTeam& team);
  template <typename Visit>
  static void for_each(const Partition& partition, Visit visit);

  std::vector<Partition> partitions_;
  unsigned partition_bits_ = 0;
  bool has_all_ones_ = false;
  std::uint64_t table_bytes_ = 0;    // As of the last batch.
  std::uint64_t largest_bytes_ = 0;  // The biggest partition's, as of the last batch.
  MemoryBudget* budget_;
  FlatArray<Key> grouped_;
  FlatArray<std::uint16_t> places_;
  std::vector<std::uint32_t> group_ends_;
  std::unique_ptr<Sharing> sharing_;
};

extern template class PackedSet<std::uint64_t>;
extern template class PackedSet<Uint128>;

}  // namespace entail::vm
