#include "vm/column_store.h"

#include "vm/packed_layout.h"

namespace entail::vm {

namespace {

// Whether rows[i] == rows[0] + i: scans deliver such batches, and then loading is a plain copy.
bool is_run(const Row* rows, std::size_t n) {
  const Row first = rows[0];
  if (rows[n - 1] - first != n - 1) return false;
  Row differs = 0;
  for (std::size_t i = 0; i < n; ++i) differs |= rows[i] ^ (first + static_cast<Row>(i));
  return differs == 0;
}

}  // namespace

ColumnStore::ColumnStore(std::span<const bool> signed_columns, MemoryBudget* budget)
    : budget_(budget) {
  for (const bool is_signed : signed_columns) {
    columns_.push_back(
        {is_signed, true, FlatArray<std::uint32_t>(budget), FlatArray<Word>(budget)});
  }
}

bool ColumnStore::reserve(std::size_t rows) {
  for (Column& column : columns_) {
    if (!(column.is_narrow ? column.narrow.reserve(rows) : column.wide.reserve(rows))) return false;
  }
  return true;
}

bool ColumnStore::widen(std::size_t column) {
  Column& c = columns_[column];
  if (!c.is_narrow) return true;
  FlatArray<Word> wide(budget_);
  if (!wide.reserve(c.narrow.capacity())) return false;
  for (std::size_t row = 0; row < size_; ++row)
    wide.data()[row] = at(column, static_cast<Row>(row));
  c.wide = std::move(wide);
  c.narrow.reset();
  c.is_narrow = false;
  return true;
}

bool ColumnStore::fits(std::size_t column, const Word* words, std::size_t n) const {
  const Column& c = columns_[column];
  return !c.is_narrow || bits_of(words, n, c.is_signed) <= 32;
}

void ColumnStore::store(std::size_t column, Row first, const Word* words, std::size_t n) {
  Column& c = columns_[column];
  if (c.is_narrow) {
    std::uint32_t* const out = c.narrow.data() + first;
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint32_t>(words[i]);
  } else {
    std::copy_n(words, n, c.wide.data() + first);
  }
}

void ColumnStore::load(std::size_t column, const Row* rows, std::size_t n, Word* out) const {
  if (n == 0) return;
  if (n >= 4 && is_run(rows, n)) return load_run(column, rows[0], n, out);
  const Column& c = columns_[column];
  if (!c.is_narrow) {
    const Word* const words = c.wide.data();
    for (std::size_t i = 0; i < n; ++i) out[i] = words[rows[i]];
  } else if (c.is_signed) {
    const auto* const words = reinterpret_cast<const std::int32_t*>(c.narrow.data());
    for (std::size_t i = 0; i < n; ++i) out[i] = int_word(words[rows[i]]);
  } else {
    const std::uint32_t* const words = c.narrow.data();
    for (std::size_t i = 0; i < n; ++i) out[i] = words[rows[i]];
  }
}

void ColumnStore::load_run(std::size_t column, Row first, std::size_t n, Word* out) const {
  const Column& c = columns_[column];
  if (!c.is_narrow) {
    std::copy_n(c.wide.data() + first, n, out);
  } else if (c.is_signed) {
    const auto* const words = reinterpret_cast<const std::int32_t*>(c.narrow.data()) + first;
    for (std::size_t i = 0; i < n; ++i) out[i] = int_word(words[i]);
  } else {
    const std::uint32_t* const words = c.narrow.data() + first;
    for (std::size_t i = 0; i < n; ++i) out[i] = words[i];
  }
}

void ColumnStore::compact(std::span<const Row> keep) {
  for (Column& c : columns_) {
    for (std::size_t i = 0; i < keep.size(); ++i) {
      if (c.is_narrow) {
        c.narrow.data()[i] = c.narrow.data()[keep[i]];
      } else {
        c.wide.data()[i] = c.wide.data()[keep[i]];
      }
    }
  }
  size_ = keep.size();
}

std::uint64_t ColumnStore::bytes_used() const {
  std::uint64_t bytes = 0;
  for (const Column& c : columns_) bytes += c.narrow.bytes() + c.wide.bytes();
  return bytes;
}

std::uint64_t ColumnStore::bytes_per_row() const {
  std::uint64_t bytes = 0;
  for (const Column& c : columns_) bytes += c.is_narrow ? 4 : 8;
  return bytes;
}

void ColumnStore::verify() const {
  for (const Column& c : columns_) {
    ENTAIL_ENSURE((c.is_narrow ? c.narrow.capacity() : c.wide.capacity()) >= size_);  // (1)
  }
}

}  // namespace entail::vm
