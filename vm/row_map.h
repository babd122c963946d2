// vm/row_map.h - from the key of a row to its row id, where the rows themselves lie in columns.
//
// The membership table of relations whose rows are too wide to pack, or of which one must find the row
// and not only that it exists (keys, extrema, weights, ranks). A slot is {tag, row}: 32 bits of the
// key's hash and the row id plus one, so that zero is an empty slot. Keys are compared in the columns,
// and only where the tags agree. Growing needs the tags alone.
//
// The same table serves hash indexes, with the number of a posting in the place of the row.
//
// Invariants (verify() of the owner checks them with for_each)
//   (1) Every entry is reachable from the home slot of its tag without a gap.
//   (2) size() < slot count.
//
// Threads: find() and prefetch() may run concurrently. Source: linear probing with deletion by shifting
// back, Knuth volume 3, 6.4, algorithm R.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vm/flat_array.h"
#include "vm/word.h"

namespace entail::vm {

// tags[i] = the hash of the words columns[…][i].
void hash_rows(std::span<const Word* const> columns, std::size_t n, std::uint32_t* tags);

class RowMap {
 public:
  static constexpr std::uint32_t kNone = 0xffffffffU;

  explicit RowMap(MemoryBudget* budget) : slots_(budget) {}

  std::size_t size() const { return size_; }
  std::uint64_t bytes_used() const { return slots_.bytes(); }

  // Room for `count` entries; false when the budget refuses.
  [[nodiscard]] bool reserve(std::size_t count);
  void reserve_anyway(std::size_t count);

  void prefetch(std::uint32_t tag) const {
    if (!slots_.empty()) __builtin_prefetch(slots_.data() + home(tag));
  }

  // The row of an entry with this tag for which same(row) holds; kNone if there is none.
  template <typename Same>
  std::uint32_t find(std::uint32_t tag, Same same) const {
    const std::size_t slot = find_slot(tag, same);
    return slot == kNoSlot ? kNone : slots_[slot].row_plus_1 - 1;
  }

  // Makes the entry of this key, which must exist, name another row.
  template <typename Same>
  void replace(std::uint32_t tag, std::uint32_t row, Same same) {
    slots_[find_slot(tag, same)].row_plus_1 = row + 1;
  }

  // REQUIRES: reserve() gave room; no entry has this key.
  void insert(std::uint32_t tag, std::uint32_t row) {
    std::size_t i = home(tag);
    while (slots_[i].row_plus_1 != 0) i = next(i);
    slots_[i] = {tag, row + 1};
    ++size_;
  }

  // Removes the entry of exactly this row, which must exist.
  void erase(std::uint32_t tag, std::uint32_t row);

  template <typename Visit>
  void for_each(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.row_plus_1 != 0) visit(slot.tag, slot.row_plus_1 - 1);
    }
  }

  void clear();

 private:
  struct Slot {
    std::uint32_t tag;
    std::uint32_t row_plus_1;
  };
  static constexpr std::size_t kNoSlot = ~std::size_t{0};

  std::size_t home(std::uint32_t tag) const { return std::uint64_t{tag} * slots_.size() >> 32; }
  std::size_t next(std::size_t slot) const { return slot + 1 == slots_.size() ? 0 : slot + 1; }
  static std::size_t slots_for(std::size_t count) { return count + count / 2 + 8; }
  void move_into(FlatArray<Slot>& bigger);

  template <typename Same>
  std::size_t find_slot(std::uint32_t tag, Same same) const {
    if (slots_.empty()) return kNoSlot;
    for (std::size_t i = home(tag); slots_[i].row_plus_1 != 0; i = next(i)) {
      if (slots_[i].tag == tag && same(slots_[i].row_plus_1 - 1)) return i;
    }
    return kNoSlot;
  }

  FlatArray<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace entail::vm
