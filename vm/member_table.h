// vm/member_table.h - the rows of a set by all their columns: a hash table or, where values are dense, a grid.
//
//     hash table   vm/row_table.h: a look-up reads a bucket and compares the words of the row found there
//     grid         the cell of (x, y) is (x - low x) * span y + (y - low y) and holds the row: a look-up
//                  reads one word and compares nothing
//
// A *place* stands for the words of a row: their hash, or their cell; kNowhere for words outside the grid. It is
// good until the next grow() or cover().
//
// It is a grid from the first growth on at which that takes no more room than the table that would be made,
// and a table again when values come that would make it more than twice as large as a table. A closure of 1,000
// nodes has 4 bytes a pair in the grid and 6 to 9 in the table; probing it misses the cache once, not three times.
//
// Invariants (the owner's verify() checks them, row by row)
//   (1) Each row is under the place of its words; a cell of the grid has the one row of its words.
//
// Threads: const members may run concurrently.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vm/base/tiny.h"
#include "vm/row_columns.h"
#include "vm/row_table.h"
#include "vm/word.h"

namespace entail::vm {

class MemberTable {
 public:
  static constexpr std::uint32_t kNowhere = 0xffffffff;

  // All of the columns, which outlive the table.
  explicit MemberTable(const RowColumns& columns) : columns_(columns) {}
  MemberTable(const MemberTable&) = delete;
  MemberTable& operator=(const MemberTable&) = delete;
  ~MemberTable() { drop_grid(); }

  std::size_t size() const { return is_grid() ? size_ : table_.size(); }
  std::uint64_t bytes() const { return table_.bytes() + cell_count_ * sizeof(Row); }
  bool is_grid() const { return cells_ != nullptr; }

  // --- places

  // Of the words of rows `first` … first + n - 1, one array a column.
  void find_places(std::span<const Word* const> words, std::size_t first, std::size_t n,
                   std::uint32_t* places) const;
  void find_places(const Row* rows, std::size_t n, std::uint32_t* places) const;
  // Of the words of row i, whose hash (hash_rows()) is known.
  std::uint32_t place_of(std::span<const Word* const> words, std::size_t i,
                         std::uint32_t hash) const {
    if (is_grid()) find_places(words, i, 1, &hash);
    return hash;
  }

  void prefetch(std::uint32_t place) const {
    if (!is_grid()) {
      table_.prefetch(place);
    } else if (place != kNowhere) {
      __builtin_prefetch(&cells_[place]);
    }
  }
  // Whether a row with these words has first to be covered.
  bool is_outside(std::uint32_t place) const { return is_grid() && place == kNowhere; }
  // Some row that may be at the place and is to be compared, or kNoRow: what to prefetch.
  Row peek(std::uint32_t place) const { return is_grid() ? kNoRow : table_.peek(place); }

  // The row at the place for which same(row) holds, or kNoRow; a grid does not ask.
  template <typename Same>
  Row find(std::uint32_t place, Same same) const {
    if (is_grid()) return place == kNowhere ? kNoRow : cells_[place] - 1;
    const Row* const row = table_.find(place, same);
    return row == nullptr ? kNoRow : *row;
  }

  // REQUIRES: room and cover for it; no row has its words.
  void insert(std::uint32_t place, Row row) {
    if (!is_grid()) {
      table_.insert(place, row);
      return;
    }
    cells_[place] = row + 1;
    ++size_;
  }
  // REQUIRES: the row is there.
  void erase(std::uint32_t place, Row row) {
    if (!is_grid()) {
      table_.erase(place, row);
      return;
    }
    cells_[place] = 0;
    --size_;
  }
  // Exactly these rows, in the room there is. REQUIRES: it covers them.
  void assign(std::span<const Row> rows);

  template <typename Visit>
  void for_each(Visit visit) const {
    table_.for_each(visit);
    for (std::size_t cell = 0; cell < cell_count_; ++cell) {
      if (cells_[cell] != 0) visit(cells_[cell] - 1);
    }
  }

  // --- strips: the cells of a grid that differ in one column only

  // How many there are for a key of all columns but one, or 0: no grid, or another key.
  std::uint64_t strip_length(std::span<const std::uint32_t> key) const {
    return is_grid() && key.size() + 1 == columns_.size() ? ranges_[free_column(key)].span : 0;
  }
  // The rows of key i. REQUIRES: strip_length(key) > 0.
  template <typename Visit>
  void for_each_in_strip(std::span<const std::uint32_t> key, std::span<const Word* const> words,
                         std::size_t i, Visit visit) const {
    std::size_t cell = 0;
    std::size_t stride = 1;
    const std::size_t free = free_column(key);
    for (std::size_t c = 0, k = 0; c < columns_.size(); ++c) {
      if (c > free) stride *= ranges_[c].span;
      cell *= ranges_[c].span;
      if (c == free) continue;
      const std::uint64_t at = words[k++][i] - static_cast<Word>(ranges_[c].low);
      if (at >= ranges_[c].span) return;
      cell += at;
    }
    for (std::uint64_t n = ranges_[free].span; n > 0; --n, cell += stride) {
      if (cells_[cell] != 0) visit(cells_[cell] - 1);
    }
  }

  // --- room

  bool has_room(std::size_t count) const { return is_grid() || table_.has_room(count); }
  // Bytes that grow(count) takes at most.
  std::uint64_t growth(std::size_t count) const {
    return has_room(count) ? 0 : RowTable::bytes_of(table_.buckets_for(count));
  }
  void grow(std::size_t count);
  // Holds rows 0 … n - 1, of which no two are equal, and has room for some more. REQUIRES: it holds none.
  void build(std::size_t n);
  std::uint64_t build_bytes(std::size_t n) const {
    return RowTable::bytes_of(RowTable().buckets_for(with_slack(n)));
  }

  // Of rows `first` … first + n - 1. grow() may make a grid that does not cover what is about to come.
  bool covers(std::span<const Word* const> words, std::size_t first, std::size_t n) const;
  // Bytes that cover() takes at most, of so many words that it does not cover.
  std::uint64_t cover_growth(std::size_t n) const { return 2 * table_bytes(size() + n); }
  // A grid makes room for these words, or becomes a table.
  void cover(std::span<const Word* const> words, std::size_t first, std::size_t n);

 private:
  static constexpr std::size_t kColumnsMax = 4;
  static constexpr std::size_t kRowsMin = size_or_tiny(256, 4);

  // The values of a column: low, low + 1, … low + span - 1. Words are compared as signed numbers.
  struct Range {
    std::int64_t low = 0;
    std::uint64_t span = 0;
  };
  using Ranges = std::array<Range, kColumnsMax>;

  // The column that a key of ascending columns lacks.
  static std::size_t free_column(std::span<const std::uint32_t> key) {
    std::size_t c = 0;
    while (c < key.size() && key[c] == c) ++c;
    return c;
  }
  static std::size_t with_slack(std::size_t n) { return n + n / 8; }
  static std::uint64_t table_bytes(std::size_t rows) { return RowTable::bytes_of((rows + 9) / 10); }
  // How many cells, or more than `most`.
  std::uint64_t cells_of(const Ranges& ranges, std::uint64_t most) const;
  static std::uint64_t cells_most(std::size_t buckets);
  // of_rows(visit): visit(row) for each of the rows whose ranges they are.
  template <typename OfRows>
  bool find_ranges(std::uint64_t most, Ranges& ranges, OfRows of_rows) const;
  void allocate_grid(const Ranges& ranges, std::uint64_t cells);
  std::vector<Row> rows() const;
  void make_grid(const Ranges& ranges, std::uint64_t cells);
  void make_table(std::size_t rows_max);
  void drop_grid();

  const RowColumns& columns_;
  RowTable table_;        // Empty while there is a grid.
  Row* cells_ = nullptr;  // A row and 1; 0: none.
  std::size_t cell_count_ = 0;
  std::size_t size_ = 0;  // Of the grid.
  Ranges ranges_{};
};

}  // namespace entail::vm
