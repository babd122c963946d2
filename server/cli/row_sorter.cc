#include "server/cli/row_sorter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "vm/base/ensure.h"
#include "vm/type_table.h"
#include "vm/value_codec.h"

namespace entail::cli {
namespace {

using vm::Type;
using vm::TypeKind;
using vm::Word;

constexpr Word kSignBit = Word{1} << 63;

// The beginning of a row as two numbers that compare as it does, and where the row lies.
struct SortItem {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::uint32_t row = 0;
};

// A word whose unsigned order is that of the doubles; NaN comes last.
Word double_key(double value) {
  const Word bits = std::bit_cast<Word>(value);
  return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit;
}

enum class KeyKind : std::uint8_t { kNone, kSigned, kUnsigned, kFloat4, kFloat8, kTextPrefix };

// How a column that is one word becomes a number; kNone where only vm::compare_values() can tell.
KeyKind key_kind(const datalog::Column& column) {
  if (column.nullable || vm::value_words(column.type) != 1) return KeyKind::kNone;
  switch (column.type.kind) {
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
    case TypeKind::kNumber:
    case TypeKind::kDate:
    case TypeKind::kTime:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
    case TypeKind::kDecimal:
      return KeyKind::kSigned;
    case TypeKind::kBool:
    case TypeKind::kUnsigned:
    case TypeKind::kEnum:
      return KeyKind::kUnsigned;
    case TypeKind::kFloat4:
      return KeyKind::kFloat4;
    case TypeKind::kFloat8:
      return KeyKind::kFloat8;
    case TypeKind::kText:
    case TypeKind::kBytes:
    case TypeKind::kJson:
    case TypeKind::kNumeric:
      return KeyKind::kTextPrefix;
    default:
      return KeyKind::kNone;
  }
}

Word text_prefix(const vm::ValuePool& pool, Word word) {
  vm::TextScratch scratch;
  const std::string_view text = pool.view(word, scratch);
  Word prefix = 0;
  std::memcpy(&prefix, text.data(), std::min(text.size(), sizeof prefix));
  return __builtin_bswap64(prefix);
}

Word sort_key(const vm::ValuePool& pool, KeyKind kind, Word word) {
  switch (kind) {
    case KeyKind::kSigned:
      return word ^ kSignBit;
    case KeyKind::kUnsigned:
      return word;
    case KeyKind::kFloat4:
      return double_key(static_cast<double>(vm::float_of(word)));
    case KeyKind::kFloat8:
      return double_key(vm::double_of(word));
    case KeyKind::kTextPrefix:
      return text_prefix(pool, word);
    case KeyKind::kNone:
      return 0;
  }
  return 0;
}

bool is_exact(KeyKind kind) { return kind != KeyKind::kNone && kind != KeyKind::kTextPrefix; }

// Sorts by `kBytes` digits of eight bits, the least significant first; equal items keep their order.
// Digits that all items share cost nothing.
template <std::size_t kBytes, typename Item, typename Digit>
void radix_sort(std::vector<Item>& items, const Digit& digit) {
  constexpr std::size_t kDigits = 256;
  auto counts = std::make_unique<std::array<std::array<std::uint32_t, kDigits>, kBytes>>();
  for (auto& pass : *counts) pass.fill(0);
  for (const Item& item : items) {
    for (std::size_t pass = 0; pass < kBytes; ++pass) ++(*counts)[pass][digit(item, pass)];
  }
  std::vector<Item> target(items.size());
  for (std::size_t pass = 0; pass < kBytes; ++pass) {
    auto& count = (*counts)[pass];
    if (std::find(count.begin(), count.end(), items.size()) != count.end()) continue;
    std::uint32_t place = 0;
    for (std::uint32_t& start : count) place += std::exchange(start, place);
    for (const Item& item : items) target[count[digit(item, pass)]++] = item;
    items.swap(target);
  }
}

// A signed or unsigned word as an unsigned number of the same order.
Word flip_of(KeyKind kind) { return kind == KeyKind::kSigned ? kSignBit : 0; }

}  // namespace

SortedRows::SortedRows(const RowShape& shape, const vm::ValuePool& pool, const RowSource& source)
    : shape_(shape), pool_(pool), columns_(std::max<std::size_t>(shape.word_count, 1)) {
  constexpr std::size_t kRowsAtOnce = 4096;
  std::vector<Word*> place(columns_.size());
  std::size_t rows = 0;
  for (;;) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      columns_[i].resize(rows + kRowsAtOnce);
      place[i] = columns_[i].data() + rows;
    }
    const std::size_t count = source(place, kRowsAtOnce);
    rows += count;
    if (count == 0) break;
  }
  ENTAIL_ENSURE(rows <= std::numeric_limits<std::uint32_t>::max());
  size_ = rows;
  for (auto& column : columns_) column.resize(rows);
  if (!pack()) sort_items();
}

// Puts the columns into one number a row, if that is possible, and sorts these.
bool SortedRows::pack() {
  const std::size_t arity = shape_.columns.size();
  if (arity == 0 || arity > 2 || size_ == 0) return false;
  unsigned bits = 0;
  packed_columns_.resize(arity);
  for (std::size_t i = arity; i-- > 0;) {
    const KeyKind kind = key_kind(shape_.columns[i]);
    if (kind != KeyKind::kSigned && kind != KeyKind::kUnsigned) return false;
    const Word flip = flip_of(kind);
    const auto [low, high] = std::minmax_element(
        columns_[i].begin(), columns_[i].end(),
        [flip](Word left, Word right) { return (left ^ flip) < (right ^ flip); });
    const Word smallest = *low ^ flip;
    const unsigned width = static_cast<unsigned>(std::bit_width((*high ^ flip) - smallest));
    if (bits + width > 64) return false;
    const Word mask = width == 64 ? ~Word{0} : (Word{1} << width) - 1;
    packed_columns_[i] = {bits % 64, mask, smallest, flip};
    bits += width;
  }
  packed_.assign(size_, 0);
  for (std::size_t i = 0; i < arity; ++i) {
    const PackedColumn& column = packed_columns_[i];
    for (std::size_t row = 0; row < size_; ++row) {
      packed_[row] |= ((columns_[i][row] ^ column.flip) - column.smallest) << column.shift;
    }
    columns_[i] = {};
  }
  radix_sort<8>(packed_, [](Word key, std::size_t pass) { return (key >> (8 * pass)) & 0xffU; });
  return true;
}

void SortedRows::sort_items() {
  const std::size_t rows = size_;
  const std::size_t arity = shape_.columns.size();
  const KeyKind first = arity > 0 ? key_kind(shape_.columns[0]) : KeyKind::kNone;
  // A second number helps only behind a first one that decides completely.
  const KeyKind second =
      arity > 1 && is_exact(first) ? key_kind(shape_.columns[1]) : KeyKind::kNone;
  const bool keys_decide = arity == 0 || (arity == 1 && is_exact(first)) ||
                           (arity == 2 && is_exact(first) && is_exact(second));
  std::vector<SortItem> items(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    items[row].row = static_cast<std::uint32_t>(row);
    if (arity > 0) items[row].first = sort_key(pool_, first, columns_[0][row]);
    if (second != KeyKind::kNone) {
      items[row].second = sort_key(pool_, second, columns_[shape_.word_of_column[1]][row]);
    }
  }
  radix_sort<16>(items, [](const SortItem& item, std::size_t pass) {
    return ((pass < 8 ? item.second : item.first) >> (8 * (pass % 8))) & 0xffU;
  });

  if (!keys_decide) {
    const auto is_before = [&](const SortItem& left, const SortItem& right) {
      for (std::size_t i = 0; i < arity; ++i) {
        std::array<Word, 3> left_words{};
        std::array<Word, 3> right_words{};
        const datalog::Column& column = shape_.columns[i];
        for (unsigned w = 0; w < vm::words_of(column.type, column.nullable); ++w) {
          left_words[w] = columns_[shape_.word_of_column[i] + w][left.row];
          right_words[w] = columns_[shape_.word_of_column[i] + w][right.row];
        }
        const int order = vm::compare_values(pool_, column.type, column.nullable, left_words.data(),
                                             right_words.data(), {.nulls_first = true});
        if (order != 0) return order < 0;
      }
      return false;
    };
    for (auto run = items.begin(); run != items.end();) {
      auto end = run + 1;
      while (end != items.end() && end->first == run->first && end->second == run->second) ++end;
      if (end - run > 1) std::sort(run, end, is_before);
      run = end;
    }
  }
  order_.reserve(rows);
  for (const SortItem& item : items) order_.push_back(item.row);
}

RowSource SortedRows::packed_source() const {
  return
      [this, next = std::size_t{0}](std::span<Word* const> columns, std::size_t capacity) mutable {
        const std::size_t count = std::min(capacity, size_ - next);
        for (std::size_t i = 0; i < packed_columns_.size(); ++i) {
          const PackedColumn& column = packed_columns_[i];
          for (std::size_t row = 0; row < count; ++row) {
            const Word part = (packed_[next + row] >> column.shift) & column.mask;
            columns[i][row] = (part + column.smallest) ^ column.flip;
          }
        }
        next += count;
        return count;
      };
}

RowSource SortedRows::source() const {
  if (!packed_.empty()) return packed_source();
  return
      [this, next = std::size_t{0}](std::span<Word* const> columns, std::size_t capacity) mutable {
        const std::size_t count = std::min(capacity, order_.size() - next);
        for (std::size_t i = 0; i < columns.size(); ++i) {
          for (std::size_t row = 0; row < count; ++row) {
            columns[i][row] = columns_[i][order_[next + row]];
          }
        }
        next += count;
        return count;
      };
}

}  // namespace entail::cli
