// vm/row_sorter.h - sorts rows that lie in columns of words, by the values that the words stand for.
//
//     ORDER BY age DESC NULLS LAST, name        age: words 0, null flag 1     name: word 2
//
// Each column's order is that of vm/value_codec.h. Where the first column has an order in one number, that is
// compared first: a comparison of rows seldom looks at the words, and hardly ever at a text.
//
// Threads: one. Cost: about 100 ns a row and a million rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vm/type.h"
#include "vm/value_codec.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::vm {

// A value in columns of words: its words, and behind them its null flag if it has one.
struct SortColumn {
  Type type;
  bool nullable = false;
  std::uint32_t word = 0;
  SortStyle style;
};

// A number that orders as the value does, as far as it can: of two values the lesser one's is not greater.
// With nulls in their place.
std::uint64_t sort_prefix(const ValuePool& pool, const SortColumn& column, const Word* words);

class RowSorter {
 public:
  RowSorter(std::vector<SortColumn> columns, const ValuePool& pool)
      : columns_(std::move(columns)), pool_(&pool) {}

  // The rows 0 … n-1 in order, or only the `most` first of them. Rows that no column tells apart stay in
  // the order of their numbers.
  void sort(std::span<const std::vector<Word>> words, std::size_t n, std::size_t most,
            std::vector<std::uint32_t>& out);

  // Negative, 0, positive: by the columns from `first` on and before `last`.
  int compare(std::span<const std::vector<Word>> words, std::uint32_t left, std::uint32_t right,
              std::size_t first = 0, std::size_t last = ~std::size_t{0}) const;

  const std::vector<SortColumn>& columns() const { return columns_; }

 private:
  struct Keyed {
    std::uint64_t prefix;
    std::uint32_t row;
  };
  std::vector<SortColumn> columns_;
  const ValuePool* pool_;
  std::vector<Keyed> keyed_;
};

}  // namespace entail::vm
