// vm/row_chains.h - the rows of each key as a chain: a hash index for rows that come and go.
//
//     table of heads (vm/row_table.h)        links, by row: next, previous
//
//     key 7  ──►  row 9  ⇄  row 4  ⇄  row 2          the head's previous is the tail, so that
//                   └────────────────────┘            both ends of a chain are at hand
//
// Rows of other keys are never walked. Linking and unlinking is O(1) even where one key has a million
// rows; the ends of a chain need its head looked up, the middle does not.
//
// Invariants (verify() checks them)
//   (1) Each linked row is in exactly one chain, that of its key; the table holds the heads.
//   (2) next and previous agree; the last row's next is kNoRow.
//
// Cost: 8 bytes a row and 5 to 9 a key. Threads: const members may run concurrently.

#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "vm/base/ensure.h"
#include "vm/base/tiny.h"
#include "vm/paged_array.h"
#include "vm/row_columns.h"
#include "vm/row_map.h"
#include "vm/row_table.h"

namespace entail::vm {

class RowChains {
 public:
  // `key`: columns, ascending, not none. The columns outlive the index.
  RowChains(const RowColumns& columns, std::vector<std::uint32_t> key);

  std::span<const std::uint32_t> key() const { return key_; }
  std::uint64_t distinct_keys() const { return heads_.size(); }
  std::uint64_t bytes() const { return heads_.bytes() + links_.bytes(); }

  // Room for row ids below `rows`, and for `keys` more keys; `expected`: as many are likely to come.
  std::uint64_t growth(std::size_t rows, std::size_t keys, std::size_t expected) const;
  void reserve(std::size_t rows, std::size_t keys, std::size_t expected);

  // --- changing. REQUIRES: reserved.

  // Each becomes the head of its chain, in this order.
  void link(const Row* rows, std::size_t n);
  // Before the first row of its chain for which goes_first(row, that) holds, else at the end.
  template <typename GoesFirst>
  void link_before(Row row, GoesFirst goes_first);
  void unlink(Row row);
  // Only these are linked from now on, the last one first. REQUIRES: they were linked before.
  void rebuild(std::span<const Row> rows);
  void move_to_tail(Row row);
  void move_to_head(Row row) {
    unlink(row);
    link(&row, 1);
  }

  // --- looking

  Row next(Row row) const { return links_[row].next; }
  Row previous(Row row) const { return links_[row].previous; }  // Of the head: the tail.

  // The rows of a head's chain, from both ends in turn, so that two misses of the cache run side by side.
  // False: there are more than `most`, or one more, and not all were visited.
  template <typename Visit>
  bool for_each(Row head, std::uint64_t most, Visit visit) const {
    if (head == kNoRow) return true;
    Row last = links_[head].previous;
    for (Row first = head;; first = links_[first].next, last = links_[last].previous) {
      if (most == 0) return false;
      visit(first);
      if (first == last) return true;
      visit(last);
      if (links_[first].next == last) return true;
      most -= std::min<std::uint64_t>(most, 2);
    }
  }

  static constexpr std::size_t kProbes = size_or_tiny(64, 3);
  // heads[i] = the head of key i's chain, or kNoRow. REQUIRES: n <= kProbes.
  void find_heads(std::span<const Word* const> keys, std::size_t first, std::size_t n,
                  Row* heads) const;

  // is_linked(row): whether it has to be in a chain; rows: all ids below it.
  template <typename IsLinked>
  void verify(Row rows, IsLinked is_linked) const;

 private:
  struct Link {
    Row next;
    Row previous;
  };

  std::uint32_t hash_of(Row row) const {
    std::uint32_t hash = 0;
    columns_.hash(key_, &row, 1, &hash);
    return hash;
  }
  bool same_key(Row a, Row b) const {
    for (const std::uint32_t column : key_) {
      if (columns_.at(column, a) != columns_.at(column, b)) return false;
    }
    return true;
  }
  bool is_head(Row row) const { return links_[links_[row].previous].next != row; }
  Row* find_head(std::uint32_t hash, Row row) {
    return heads_.find(hash, [&](Row head) { return head == row || same_key(head, row); });
  }
  void link_with_hash(std::uint32_t hash, Row row);
  void put_before(Row* head, Row row, Row at);
  void put_last(Row head, Row row);

  const RowColumns& columns_;
  std::vector<std::uint32_t> key_;
  RowTable heads_;
  PagedArray<Link> links_;
};

template <typename GoesFirst>
void RowChains::link_before(Row row, GoesFirst goes_first) {
  const std::uint32_t hash = hash_of(row);
  Row* const head = find_head(hash, row);
  if (head == nullptr) {
    link_with_hash(hash, row);
    return;
  }
  Row at = *head;
  while (at != kNoRow && !goes_first(row, at)) at = links_[at].next;
  if (at == kNoRow) {
    put_last(*head, row);
  } else {
    put_before(head, row, at);
  }
}

template <typename IsLinked>
void RowChains::verify(Row rows, IsLinked is_linked) const {
  std::vector<bool> seen(rows);
  heads_.for_each([&](Row head) {
    ENTAIL_ENSURE(const_cast<RowChains*>(this)->find_head(hash_of(head), head) != nullptr);
    Row before = links_[head].previous;
    for (Row row = head; row != kNoRow; row = links_[row].next) {
      ENTAIL_ENSURE(row < rows && !seen[row] && same_key(row, head));                   // (1)
      ENTAIL_ENSURE(links_[row].previous == before && (row == head || !is_head(row)));  // (2)
      seen[row] = true;
      before = row;
    }
    ENTAIL_ENSURE(links_[head].previous == before && is_head(head));  // (2)
  });
  for (Row row = 0; row < rows; ++row) ENTAIL_ENSURE(seen[row] == is_linked(row));  // (1)
}

}  // namespace entail::vm
