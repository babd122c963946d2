// vm/column_store.h - rows as columns of words, each column 32 bits wide for as long as that is enough.
//
//     row      column 0 (narrow)   column 1 (wide)
//     0        7                   "ab" inline
//     1        -3                  handle 4096
//     2        …                   …
//
// A row id is a position. Rows are appended at the end; replacing a row in place is for rows that
// nobody has seen yet. A narrow column holds 32 bits a row: sign-extended on reading if the column is
// signed, zero-extended otherwise. It is widened, once, before the first word that does not fit.
//
// Invariants (verify() checks them)
//   (1) All columns have room for capacity() rows, and size() <= capacity().
//
// Cost: reading is a load a row. Widening copies a column. Threads: const members may run together.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vm/flat_array.h"
#include "vm/word.h"

namespace entail::vm {

using Row = std::uint32_t;  // Physical row id: a position in the columns; never leaves the engine.

class ColumnStore {
 public:
  // One entry a column: whether its words are signed, and so how they are narrowed.
  ColumnStore(std::span<const bool> signed_columns, MemoryBudget* budget);

  std::size_t column_count() const { return columns_.size(); }
  std::size_t size() const { return size_; }
  bool is_narrow(std::size_t column) const { return columns_[column].is_narrow; }
  bool is_signed(std::size_t column) const { return columns_[column].is_signed; }

  // Room for `rows`; false when the budget refuses.
  [[nodiscard]] bool reserve(std::size_t rows);
  // REQUIRES: reserved. New rows are not initialised.
  void set_size(std::size_t rows) { size_ = rows; }

  // Makes the column 64 bits wide; false when the budget refuses. Nothing to do for a wide one.
  [[nodiscard]] bool widen(std::size_t column);
  // Whether each of n words can be stored without widening.
  bool fits(std::size_t column, const Word* words, std::size_t n) const;

  Word at(std::size_t column, Row row) const {
    const Column& c = columns_[column];
    if (!c.is_narrow) return c.wide[row];
    return c.is_signed ? int_word(static_cast<std::int32_t>(c.narrow[row])) : Word{c.narrow[row]};
  }
  // REQUIRES: row < size(), the word fits.
  void set(std::size_t column, Row row, Word word) {
    Column& c = columns_[column];
    if (c.is_narrow) {
      c.narrow[row] = static_cast<std::uint32_t>(word);
    } else {
      c.wide[row] = word;
    }
  }
  // Rows [first, first + n) of the column. REQUIRES: within size(), the words fit.
  void store(std::size_t column, Row first, const Word* words, std::size_t n);

  // out[i] = the word of rows[i].
  void load(std::size_t column, const Row* rows, std::size_t n, Word* out) const;
  // out[i] = the word of row first + i.
  void load_run(std::size_t column, Row first, std::size_t n, Word* out) const;

  void prefetch(std::size_t column, Row row) const {
    const Column& c = columns_[column];
    __builtin_prefetch(c.is_narrow ? static_cast<const void*>(c.narrow.data() + row)
                                   : static_cast<const void*>(c.wide.data() + row));
  }

  // The array of a column, for loops that fill it. REQUIRES: the column is narrow, or wide.
  std::uint32_t* narrow_data(std::size_t column) { return columns_[column].narrow.data(); }
  Word* wide_data(std::size_t column) { return columns_[column].wide.data(); }

  // Moves row keep[i] to i, for ascending `keep`, and drops the rest.
  void compact(std::span<const Row> keep);

  std::uint64_t bytes_used() const;
  std::uint64_t bytes_per_row() const;
  void verify() const;

 private:
  struct Column {
    bool is_signed = false;
    bool is_narrow = true;
    FlatArray<std::uint32_t> narrow;
    FlatArray<Word> wide;
  };

  std::vector<Column> columns_;
  std::size_t size_ = 0;
  MemoryBudget* budget_;
};

}  // namespace entail::vm
