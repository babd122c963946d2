#include "vm/row_columns.h"

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/packed_layout.h"
#include "vm/row_map.h"

namespace entail::vm {

RowColumns::RowColumns(std::span<const ColumnOrderKind> kinds, bool steady) : steady_(steady) {
  columns_.reserve(kinds.size());
  for (const ColumnOrderKind kind : kinds) {
    columns_.emplace_back(steady).is_signed = kind == ColumnOrderKind::kSigned;
    if (steady_) publish(columns_.back(), nullptr);
  }
}

void RowColumns::publish(Column& column, RetiredMemory* retired) {
  auto next = std::make_shared<Published>();
  if (column.is_narrow) {
    next->narrow = column.narrow.pages();
  } else {
    next->wide = column.wide.pages();
  }
  next->is_signed = column.is_signed;
  if (retired != nullptr) retired->push_back(std::move(column.owned));
  column.owned = std::move(next);
  column.published.store(column.owned.get(), std::memory_order_release);
}

void RowColumns::load(std::size_t column, const Row* rows, std::size_t n, Word* out) const {
  const Column& c = columns_[column];
  if (!c.is_narrow) {
    for (std::size_t i = 0; i < n; ++i) out[i] = c.wide[rows[i]];
  } else if (c.is_signed) {
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = int_word(static_cast<std::int32_t>(c.narrow[rows[i]]));
    }
  } else {
    for (std::size_t i = 0; i < n; ++i) out[i] = c.narrow[rows[i]];
  }
}

void RowColumns::put_run(std::size_t column, Row first, const Word* words, std::size_t n) {
  Column& c = columns_[column];
  if (c.is_narrow) {
    c.narrow.for_each_run(first, n, [&](std::uint32_t* out, std::size_t i, std::size_t count) {
      for (std::size_t k = 0; k < count; ++k) out[k] = static_cast<std::uint32_t>(words[i + k]);
    });
  } else {
    c.wide.for_each_run(first, n, [&](Word* out, std::size_t i, std::size_t count) {
      std::copy_n(words + i, count, out);
    });
  }
}

void RowColumns::hash(std::span<const std::uint32_t> columns, const Row* rows, std::size_t n,
                      std::uint32_t* hashes) const {
  constexpr std::size_t kBatch = 64;
  constexpr std::size_t kFew = 4;
  Word few[kFew][kBatch];
  std::vector<Word> many;
  if (columns.size() > kFew) many.resize(columns.size() * kBatch);
  const Word* pointers_of_few[kFew];
  std::vector<const Word*> pointers_of_many;
  if (columns.size() > kFew) pointers_of_many.resize(columns.size());
  const Word** const pointers = many.empty() ? pointers_of_few : pointers_of_many.data();
  for (std::size_t first = 0; first < n; first += kBatch) {
    const std::size_t count = std::min(kBatch, n - first);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      Word* const words = many.empty() ? few[c] : many.data() + c * kBatch;
      load(columns[c], rows + first, count, words);
      pointers[c] = words;
    }
    hash_rows({pointers, columns.size()}, count, hashes + first);
  }
}

bool RowColumns::fits(std::size_t column, const Word* words, std::size_t n) const {
  const Column& c = columns_[column];
  return !c.is_narrow || bits_of(words, n, c.is_signed) <= 32;
}

std::uint64_t RowColumns::widening_bytes(std::size_t column) const {
  return columns_[column].narrow.capacity() * sizeof(Word);
}

void RowColumns::widen(std::size_t column, RetiredMemory* retired) {
  Column& c = columns_[column];
  ENTAIL_ENSURE(c.is_narrow);
  c.wide.reserve(c.narrow.capacity());
  const auto rows = static_cast<Row>(c.narrow.capacity());
  for (Row row = 0; row < rows; ++row) c.wide[row] = at(column, row);
  c.is_narrow = false;
  auto narrow = std::make_shared<PagedArray<std::uint32_t>>(std::move(c.narrow));
  if (retired != nullptr) retired->push_back(std::move(narrow));
  if (steady_) publish(c, retired);
}

std::uint64_t RowColumns::growth(std::size_t rows) const {
  std::uint64_t bytes = 0;
  for (const Column& c : columns_)
    bytes += c.is_narrow ? c.narrow.growth(rows) : c.wide.growth(rows);
  return bytes;
}

void RowColumns::reserve(std::size_t rows, RetiredMemory* retired) {
  for (Column& c : columns_) {
    const void* const before = c.is_narrow ? static_cast<const void*>(c.narrow.pages())
                                           : static_cast<const void*>(c.wide.pages());
    if (c.is_narrow) {
      c.narrow.reserve(rows, retired);
    } else {
      c.wide.reserve(rows, retired);
    }
    const void* const after = c.is_narrow ? static_cast<const void*>(c.narrow.pages())
                                          : static_cast<const void*>(c.wide.pages());
    if (steady_ && before != after) publish(c, retired);
  }
}

std::uint64_t RowColumns::bytes() const {
  std::uint64_t bytes = columns_.capacity() * sizeof(Column);
  for (const Column& c : columns_) bytes += c.narrow.bytes() + c.wide.bytes();
  return bytes;
}

}  // namespace entail::vm
