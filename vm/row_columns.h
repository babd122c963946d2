// vm/row_columns.h - the words of rows in paged columns, each 32 bits wide for as long as that is enough.
//
// What vm/column_store.h is for rows that are only ever appended, this is for rows that come and go: a
// place is written when a row is born there, and any number of readers on other threads may look at the
// others meanwhile. Pages do not move where readers are (`steady`), and a column is published to them as a
// whole: after it has been widened, or its directory of pages has moved, readers find the new one, and
// what they may still be walking through is handed out as retired.
//
// Threads: ReaderColumns from any thread, the rest from the one writer.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "vm/ordered_index.h"
#include "vm/paged_array.h"
#include "vm/word.h"

namespace entail::vm {

class RowColumns {
 public:
  // A column as readers see it.
  struct Published {
    const std::uint32_t* const* narrow = nullptr;
    const Word* const* wide = nullptr;  // One of the two.
    bool is_signed = false;
    Word at(Row row) const {
      if (wide != nullptr) return wide[row >> kPageShift][row & (kPageRows - 1)];
      const std::uint32_t half = narrow[row >> kPageShift][row & (kPageRows - 1)];
      return is_signed ? int_word(static_cast<std::int32_t>(half)) : Word{half};
    }
  };

  // `steady`: there are readers.
  RowColumns(std::span<const ColumnOrderKind> kinds, bool steady);

  std::size_t size() const { return columns_.size(); }

  Word at(std::size_t column, Row row) const {
    const Column& c = columns_[column];
    if (!c.is_narrow) return c.wide[row];
    return c.is_signed ? int_word(static_cast<std::int32_t>(c.narrow[row])) : Word{c.narrow[row]};
  }
  // REQUIRES: reserved; the column is wide enough.
  void put(std::size_t column, Row row, Word word) {
    Column& c = columns_[column];
    if (c.is_narrow) {
      c.narrow[row] = static_cast<std::uint32_t>(word);
    } else {
      c.wide[row] = word;
    }
  }
  // Of rows first … first + n - 1.
  void put_run(std::size_t column, Row first, const Word* words, std::size_t n);
  void load(std::size_t column, const Row* rows, std::size_t n, Word* out) const;
  void prefetch(std::size_t column, Row row) const {
    const Column& c = columns_[column];
    __builtin_prefetch(c.is_narrow ? static_cast<const void*>(&c.narrow[row])
                                   : static_cast<const void*>(&c.wide[row]));
  }
  // hashes[i] = hash_rows() of these columns of rows[i].
  void hash(std::span<const std::uint32_t> columns, const Row* rows, std::size_t n,
            std::uint32_t* hashes) const;

  // Whether n words fit the column as it is.
  bool fits(std::size_t column, const Word* words, std::size_t n) const;
  std::uint64_t widening_bytes(std::size_t column) const;
  void widen(std::size_t column, RetiredMemory* retired);

  std::uint64_t growth(std::size_t rows) const;
  void reserve(std::size_t rows, RetiredMemory* retired);
  std::uint64_t bytes() const;

  const Published& published(std::size_t column) const {
    return *columns_[column].published.load(std::memory_order_acquire);
  }

 private:
  struct Column {
    explicit Column(bool steady) : narrow(steady), wide(steady) {}
    Column(Column&& other) noexcept
        : is_signed(other.is_signed),
          is_narrow(other.is_narrow),
          narrow(std::move(other.narrow)),
          wide(std::move(other.wide)) {}
    bool is_signed = false;
    bool is_narrow = true;
    PagedArray<std::uint32_t> narrow;  // One of the two, by is_narrow.
    PagedArray<Word> wide;
    std::shared_ptr<const Published> owned;
    std::atomic<const Published*> published{nullptr};
  };

  void publish(Column& column, RetiredMemory* retired);

  std::vector<Column> columns_;
  bool steady_;
};

}  // namespace entail::vm
