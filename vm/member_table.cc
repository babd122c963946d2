#include "vm/member_table.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "vm/base/ensure.h"
#include "vm/flat_array.h"
#include "vm/row_map.h"

namespace entail::vm {

namespace {

std::int64_t as_number(Word word) { return static_cast<std::int64_t>(word); }

}  // namespace

// ------------------------------------------------------------------------------ places

void MemberTable::find_places(std::span<const Word* const> words, std::size_t first, std::size_t n,
                              std::uint32_t* places) const {
  if (is_grid()) {
    std::fill_n(places, n, 0);
    for (std::size_t c = 0; c < words.size(); ++c) {
      const auto low = static_cast<Word>(ranges_[c].low);
      const std::uint64_t span = ranges_[c].span;
      const Word* const column = words[c] + first;
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t at = column[i] - low;
        const bool is_inside = at < span && places[i] != kNowhere;
        places[i] = is_inside ? static_cast<std::uint32_t>(places[i] * span + at) : kNowhere;
      }
    }
    return;
  }
  if (first == 0) {
    hash_rows(words, n, places);
    return;
  }
  std::vector<const Word*> shifted(words.begin(), words.end());
  for (const Word*& column : shifted) column += first;
  hash_rows(shifted, n, places);
}

void MemberTable::find_places(const Row* rows, std::size_t n, std::uint32_t* places) const {
  const std::size_t width = columns_.size();
  if (!is_grid()) {
    std::array<std::uint32_t, kColumnsMax> some;
    std::vector<std::uint32_t> many;
    if (width > kColumnsMax) many.resize(width);
    const std::span<std::uint32_t> all =
        width > kColumnsMax ? std::span(many) : std::span(some).first(width);
    for (std::uint32_t c = 0; c < width; ++c) all[c] = c;
    columns_.hash(all, rows, n, places);
    return;
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t place = 0;
    for (std::size_t c = 0; c < width; ++c) {
      const Word at = columns_.at(c, rows[i]) - static_cast<Word>(ranges_[c].low);
      place = place * ranges_[c].span + at;
    }
    places[i] = static_cast<std::uint32_t>(place);
  }
}

void MemberTable::assign(std::span<const Row> rows) {
  if (is_grid()) {
    std::fill_n(cells_, cell_count_, 0);
    size_ = 0;
  } else {
    table_.clear();
  }
  std::uint32_t places[RowTable::kRehash];
  for (std::size_t first = 0; first < rows.size(); first += RowTable::kRehash) {
    const std::size_t n = std::min(RowTable::kRehash, rows.size() - first);
    find_places(rows.data() + first, n, places);
    for (std::size_t i = 0; i < n; ++i) insert(places[i], rows[first + i]);
  }
}

std::vector<Row> MemberTable::rows() const {
  std::vector<Row> rows;
  rows.reserve(size());
  for_each([&](Row row) { rows.push_back(row); });
  return rows;
}

// ------------------------------------------------------------------------------ room

std::uint64_t MemberTable::cells_of(const Ranges& ranges, std::uint64_t most) const {
  std::uint64_t cells = 1;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (ranges[c].span == 0 || ranges[c].span > most / cells) return most + 1;
    cells *= ranges[c].span;
  }
  return cells;
}

std::uint64_t MemberTable::cells_most(std::size_t buckets) {
  return std::min<std::uint64_t>(RowTable::bytes_of(buckets) / sizeof(Row), kNowhere - 1);
}

// False: more than so many cells, or no rows.
template <typename OfRows>
bool MemberTable::find_ranges(std::uint64_t most, Ranges& ranges, OfRows of_rows) const {
  constexpr std::size_t kSample = 64;
  const std::size_t width = columns_.size();
  std::array<std::int64_t, kColumnsMax> low, high;
  low.fill(std::numeric_limits<std::int64_t>::max());
  high.fill(std::numeric_limits<std::int64_t>::min());
  std::size_t seen = 0;
  bool is_dense = true;
  const auto settle = [&] {
    for (std::size_t c = 0; c < width; ++c) {
      // 0 where the whole domain is spanned.
      ranges[c] = {low[c],
                   static_cast<std::uint64_t>(high[c]) - static_cast<std::uint64_t>(low[c]) + 1};
    }
    return cells_of(ranges, most) <= most;
  };
  of_rows([&](Row row) {
    if (!is_dense) return;
    for (std::size_t c = 0; c < width; ++c) {
      const std::int64_t number = as_number(columns_.at(c, row));
      low[c] = std::min(low[c], number);
      high[c] = std::max(high[c], number);
    }
    if (++seen == kSample) is_dense = settle();
  });
  return is_dense && seen > 0 && settle();
}

void MemberTable::grow(std::size_t count) {
  if (has_room(count)) return;
  const std::size_t buckets = table_.buckets_for(count);
  const std::size_t width = columns_.size();
  const std::uint64_t most = cells_most(buckets);
  Ranges ranges{};
  if (width > 0 && width <= kColumnsMax && count >= kRowsMin &&
      find_ranges(most, ranges, [this](auto visit) { table_.for_each(visit); })) {
    make_grid(ranges, cells_of(ranges, most));
    return;
  }
  table_.grow(buckets, [this](const Row* rows, std::size_t n, std::uint32_t* hashes) {
    find_places(rows, n, hashes);
  });
}

void MemberTable::build(std::size_t n) {
  ENTAIL_ENSURE(size() == 0);
  drop_grid();
  table_.release();
  const std::size_t buckets = table_.buckets_for(with_slack(n));
  const std::size_t width = columns_.size();
  const std::uint64_t most = cells_most(buckets);
  const auto end = static_cast<Row>(n);
  Ranges ranges{};
  if (width > 0 && width <= kColumnsMax && n >= kRowsMin &&
      find_ranges(most, ranges, [end](auto visit) {
        for (Row row = 0; row < end; ++row) visit(row);
      })) {
    allocate_grid(ranges, cells_of(ranges, most));
  } else {
    table_.make(buckets);
  }
  Row rows[RowTable::kRehash];
  std::uint32_t places[RowTable::kRehash];
  for (std::size_t first = 0; first < n; first += RowTable::kRehash) {
    const std::size_t count = std::min(RowTable::kRehash, n - first);
    std::iota(rows, rows + count, static_cast<Row>(first));
    find_places(rows, count, places);
    for (std::size_t i = 0; i < count; ++i) prefetch(places[i]);
    for (std::size_t i = 0; i < count; ++i) insert(places[i], rows[i]);
  }
}

bool MemberTable::covers(std::span<const Word* const> words, std::size_t first,
                         std::size_t n) const {
  if (!is_grid()) return true;
  for (std::size_t c = 0; c < words.size(); ++c) {
    const auto low = static_cast<Word>(ranges_[c].low);
    std::uint64_t farthest = 0;
    for (std::size_t i = first; i < first + n; ++i) {
      farthest = std::max(farthest, words[c][i] - low);
    }
    if (n > 0 && farthest >= ranges_[c].span) return false;
  }
  return true;
}

void MemberTable::cover(std::span<const Word* const> words, std::size_t first, std::size_t n) {
  const std::uint64_t most = std::min<std::uint64_t>(cover_growth(n) / sizeof(Row), kNowhere - 1);
  Ranges tight = ranges_;
  Ranges roomy = ranges_;  // So that values that rise one by one do not make a grid each.
  for (std::size_t c = 0; c < words.size(); ++c) {
    const Range old = ranges_[c];
    const auto old_high = static_cast<std::int64_t>(static_cast<Word>(old.low) + old.span - 1);
    std::int64_t low = old.low;
    std::int64_t high = old_high;
    for (std::size_t i = first; i < first + n; ++i) {
      low = std::min(low, as_number(words[c][i]));
      high = std::max(high, as_number(words[c][i]));
    }
    const auto span = static_cast<Word>(high) - static_cast<Word>(low) + 1;
    tight[c] = {low, span};
    roomy[c] = tight[c];
    if (span == 0 || span > most) continue;
    const std::uint64_t slack = span / 4 + 1;
    if (high > old_high &&
        high <= std::numeric_limits<std::int64_t>::max() - static_cast<std::int64_t>(slack)) {
      roomy[c].span += slack;
    }
    if (low < old.low &&
        low >= std::numeric_limits<std::int64_t>::min() + static_cast<std::int64_t>(slack)) {
      roomy[c].low -= static_cast<std::int64_t>(slack);
      roomy[c].span += slack;
    }
  }
  for (const Ranges* const ranges : {&roomy, &tight}) {
    const std::uint64_t cells = cells_of(*ranges, most);
    if (cells > most) continue;
    make_grid(*ranges, cells);
    return;
  }
  make_table(size() + n);
}

// Of all rows, from what there is.
void MemberTable::make_grid(const Ranges& ranges, std::uint64_t cells) {
  const std::vector<Row> kept = rows();
  drop_grid();
  table_.release();
  allocate_grid(ranges, cells);
  assign(kept);
}

void MemberTable::allocate_grid(const Ranges& ranges, std::uint64_t cells) {
  cells_ = static_cast<Row*>(internal::zeroed_block(cells * sizeof(Row)));
  cell_count_ = cells;
  ranges_ = ranges;
}

// With room for so many.
void MemberTable::make_table(std::size_t rows_max) {
  const std::vector<Row> kept = rows();
  drop_grid();
  table_.grow(table_.buckets_for(std::max<std::size_t>(rows_max, 1)),
              [this](const Row* some, std::size_t n, std::uint32_t* hashes) {
                find_places(some, n, hashes);
              });
  assign(kept);
}

void MemberTable::drop_grid() {
  internal::free_block(cells_, cell_count_ * sizeof(Row));
  cells_ = nullptr;
  cell_count_ = 0;
  size_ = 0;
}

}  // namespace entail::vm
