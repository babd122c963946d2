#include "vm/row_sorter.h"

#include <algorithm>
#include <bit>

#include "vm/numeric.h"
#include "vm/ordered_index.h"

namespace entail::vm {

namespace {

// Of a value that is not null, ascending.
std::uint64_t value_prefix(const ValuePool& pool, Type type, const Word* words) {
  switch (type.kind) {
    case TypeKind::kBool:
    case TypeKind::kEnum:
    case TypeKind::kUnsigned:
    case TypeKind::kUuid:
      return words[0];
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
    case TypeKind::kNumber:
    case TypeKind::kDate:
    case TypeKind::kTime:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
    case TypeKind::kDecimal:  // The high word of a wide one.
      return order_key(words[0], ColumnOrderKind::kSigned);
    case TypeKind::kFloat8:
      return order_key(words[0], ColumnOrderKind::kFloat);
    case TypeKind::kFloat4:
      return order_key(double_word(double{float_of(words[0])}), ColumnOrderKind::kFloat);
    case TypeKind::kText:
    case TypeKind::kBytes:
    case TypeKind::kJson:
    case TypeKind::kNumeric: {
      TextScratch scratch;
      std::string_view text = pool.view(words[0], scratch);
      if (type.kind == TypeKind::kNumeric) text = numeric_value_bytes(text);
      std::uint64_t prefix = 0;
      for (std::size_t i = 0; i < 8; ++i) {
        prefix = prefix << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0U);
      }
      return prefix;
    }
    default:
      return 0;
  }
}

}  // namespace

std::uint64_t sort_prefix(const ValuePool& pool, const SortColumn& column, const Word* words) {
  if (column.nullable && words[value_words(column.type)] != 0) {
    return column.style.nulls_first ? 0 : ~std::uint64_t{0};
  }
  const std::uint64_t prefix = value_prefix(pool, column.type, words);
  return column.style.descending ? ~prefix : prefix;
}

int RowSorter::compare(std::span<const std::vector<Word>> words, std::uint32_t left,
                       std::uint32_t right, std::size_t first, std::size_t last) const {
  for (std::size_t c = first; c < std::min(last, columns_.size()); ++c) {
    const SortColumn& column = columns_[c];
    Word a[3], b[3];
    const std::uint32_t count = words_of(column.type, column.nullable);
    bool equal = true;
    for (std::uint32_t w = 0; w < count; ++w) {
      a[w] = words[column.word + w][left];
      b[w] = words[column.word + w][right];
      equal = equal && a[w] == b[w];
    }
    if (equal) continue;
    const int order = compare_values(*pool_, column.type, column.nullable, a, b, column.style);
    if (order != 0) return order;
  }
  return 0;
}

void RowSorter::sort(std::span<const std::vector<Word>> words, std::size_t n, std::size_t most,
                     std::vector<std::uint32_t>& out) {
  keyed_.resize(n);
  for (std::uint32_t row = 0; row < n; ++row) keyed_[row] = {0, row};
  if (!columns_.empty()) {
    const SortColumn& column = columns_.front();
    const std::uint32_t count = words_of(column.type, column.nullable);
    for (std::uint32_t row = 0; row < n; ++row) {
      Word value[3];
      for (std::uint32_t w = 0; w < count; ++w) value[w] = words[column.word + w][row];
      keyed_[row].prefix = sort_prefix(*pool_, column, value);
    }
    const auto before = [&](const Keyed& a, const Keyed& b) {
      if (a.prefix != b.prefix) return a.prefix < b.prefix;
      const int order = compare(words, a.row, b.row);
      return order != 0 ? order < 0 : a.row < b.row;
    };
    if (most < n) {
      std::partial_sort(keyed_.begin(), keyed_.begin() + static_cast<std::ptrdiff_t>(most),
                        keyed_.end(), before);
    } else {
      std::sort(keyed_.begin(), keyed_.end(), before);
    }
  }
  out.resize(std::min(n, most));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = keyed_[i].row;
}

}  // namespace entail::vm
