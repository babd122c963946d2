// vm/ordered_index.h - rows in the order of one column behind an equality prefix, for ranges.
//
// The index is a few sorted runs of row ids. A round's new rows become a run of their own, which makes
// the delta view exactly that run; the round after, it is merged into the older ones, each at least
// twice as long as the next (a log-structured merge, so a row is moved O(log n) times in all).
//
//     log(host, at)     host = "a", at >= 10        run 0   (a,3) (a,12) (b,1)      -> [ (a,12) ]
//     index on (host; at)                           run 1   (a,11)   the delta      -> [ (a,11) ]
//
// A search is one binary search in each run, and gives one posting for each run that has matches.
//
// Invariants (verify() checks them)
//   (1) Every alive row below end() is in exactly one run.
//   (2) Each run ascends: by the key's words, then by the range column in its order, then by row id.
//
// Threads and growth as for HashIndex. Source: Bentley and Saxe 1980, the logarithmic method.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vm/column_store.h"
#include "vm/flat_array.h"
#include "vm/posting.h"
#include "vm/value_pool.h"

namespace entail::vm {

// How words of a column compare.
enum class ColumnOrderKind : std::uint8_t { kSigned, kUnsigned, kFloat, kText };

// A number that compares as the word does. REQUIRES: the kind is not kText.
constexpr std::uint64_t order_key(Word word, ColumnOrderKind kind) {
  constexpr Word kTop = Word{1} << 63;
  if (kind == ColumnOrderKind::kSigned) return word ^ kTop;
  if (kind == ColumnOrderKind::kFloat) return (word & kTop) != 0 ? ~word : word | kTop;
  return word;
}

// Negative, 0 or positive. `pool` is needed for text only. A float NaN is above all numbers.
int compare_words(Word left, Word right, ColumnOrderKind kind, const ValuePool* pool);

class OrderedIndex {
 public:
  struct Bound {
    const Word* words = nullptr;  // One for each probe; nullptr: open.
    bool inclusive = false;
  };
  enum class Runs : std::uint8_t { kAll, kNewest, kOlder };

  OrderedIndex(const ColumnStore& store, std::vector<std::uint32_t> key, std::uint32_t range_column,
               ColumnOrderKind kind, const ValuePool* pool, MemoryBudget* budget);

  Row end() const { return end_; }

  // Rows [end(), end) become the newest run, those excepted whose bit is set in `dead`.
  void extend(Row end, const std::uint64_t* dead);
  // There is no newest run any more: its rows are older ones.
  void settle() { has_newest_ = false; }
  void remove(std::span<const Row> rows);  // Ascending; each is in the index.
  void clear();

  // Appends to `out` the matches of each probe i, one posting for each run; lanes gets i.
  void probe(std::span<const Word* const> keys, Bound low, Bound high, std::size_t n, Runs which,
             std::vector<Posting>& out, std::vector<std::uint32_t>& lanes) const;

  // Keys and range values together, counted in the runs as if they shared none.
  std::uint64_t distinct_keys() const;
  std::uint64_t bytes_used() const;
  void verify(const std::uint64_t* dead) const;

 private:
  using Run = FlatArray<Row>;

  int compare_rows(Row left, Row right) const;
  int compare_key(Row row, std::span<const Word* const> keys, std::size_t i) const;
  void sort(Run& run) const;
  void merge_last_two();
  void consolidate();

  const ColumnStore& store_;
  std::vector<std::uint32_t> key_;
  std::uint32_t range_column_;
  ColumnOrderKind kind_;
  const ValuePool* pool_;
  MemoryBudget* budget_;
  std::vector<Run> runs_;
  bool has_newest_ = false;  // The last run is the delta.
  Row end_ = 0;
};

}  // namespace entail::vm
