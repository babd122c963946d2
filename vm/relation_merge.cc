// How candidates become pending rows: the part of Relation that must be fast.

#include <fmt/format.h>

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/base/tiny.h"
#include "vm/internal/candidate_state.h"
#include "vm/relation.h"
#include "vm/value_pool.h"

namespace entail::vm {

namespace {

constexpr std::size_t kRowMax = 0xfffffffeU;
// Keys whose room is reserved at once; the same for rows of words.
constexpr std::size_t kChunk = size_or_tiny(std::size_t{1} << 16, 32);
constexpr std::size_t kWordChunk = size_or_tiny(4096, 8);
// Fewer are not worth sorting out by partition, nor waking threads.
constexpr std::size_t kSortedMin = size_or_tiny(std::size_t{1} << 15, 8);

}  // namespace

Expected<MergeResult> Relation::merge(std::span<CandidateBuffer* const> buffers, ThreadTeam& team,
                                      bool strict_keys) {
  MergeResult result;
  const std::size_t before = store_.size();
  if (options_.budget != nullptr && options_.budget->overrun()) return limit_error();
  for (CandidateBuffer* const buffer : buffers) result.candidates += buffer->size();
  Expected<void> outcome = widen_for(buffers);
  if (outcome && membership_ == Membership::kPacked) {
    std::vector<std::span<const std::uint64_t>> narrow;
    std::vector<std::span<const Uint128>> wide;
    for (const CandidateBuffer* const buffer : buffers) {
      const CandidateBuffer::State& state = *buffer->state_;
      if (state.size() == 0) continue;
      narrow.emplace_back(state.narrow.data(), state.narrow.size());
      wide.emplace_back(state.wide.data(), state.wide.size());
    }
    outcome = layout_.is_wide() ? merge_packed<Uint128>(wide_set_, wide, team)
                                : merge_packed<std::uint64_t>(narrow_set_, narrow, team);
  }
  for (CandidateBuffer* const buffer : buffers) {
    if (!outcome || buffer->size() == 0) continue;
    if (membership_ == Membership::kRows) outcome = merge_words(*buffer, strict_keys);
    if (membership_ == Membership::kNone) outcome = merge_bag(*buffer);
  }
  for (CandidateBuffer* const buffer : buffers) buffer->clear();
  if (!outcome) return unexpected(std::move(outcome).error());
  result.inserted = store_.size() - before;
  return result;
}

Expected<MergeResult> Relation::append(std::span<const Word* const> columns, std::size_t n,
                                       bool strict_keys) {
  ENTAIL_ENSURE(columns.size() == column_count());
  if (membership_ == Membership::kPacked && store_.size() == 0 && n > kChunk) {
    if (layout_.is_wide()) {
      wide_set_.expect(n);
    } else {
      narrow_set_.expect(n);
    }
  }
  SerialTeam team;
  CandidateBuffer buffer(*this);
  CandidateBuffer* const buffers[] = {&buffer};
  MergeResult result;
  std::vector<const Word*> part(columns.begin(), columns.end());
  const std::vector<Word> no_ranks(options_.ranks ? std::min(n, CandidateBuffer::kFullRows) : 0);
  for (std::size_t first = 0; first < n; first += CandidateBuffer::kFullRows) {
    const std::size_t count = std::min(CandidateBuffer::kFullRows, n - first);
    for (std::size_t c = 0; c < part.size(); ++c) part[c] = columns[c] + first;
    buffer.append(part, count, options_.ranks ? no_ranks.data() : nullptr);
    Expected<MergeResult> merged = merge(buffers, team, strict_keys);
    if (!merged) return merged;
    result.candidates += merged->candidates;
    result.inserted += merged->inserted;
  }
  return result;
}

// ------------------------------------------------------------------------------ layouts

// Rows that do not fit, or buffers packed for a layout that is gone: choose a layout that holds every
// row and candidate, and pack both anew.
Expected<void> Relation::widen_for(std::span<CandidateBuffer* const> buffers) {
  const auto is_stale = [&](const CandidateBuffer* buffer) {
    return buffer->size() > 0 && buffer->state_->layout_version != layout_version_;
  };
  if (membership_ == Membership::kPacked) {
    std::vector<PackedNeed> needs;
    for (std::size_t c = 0; c < column_count(); ++c) needs.push_back({0, store_.is_signed(c)});
    bool grows = false;
    for (const CandidateBuffer* const buffer : buffers) {
      const CandidateBuffer::State& state = *buffer->state_;
      for (std::size_t c = 0; c < needs.size() && state.word_rows > 0; ++c) {
        needs[c].bits = std::max(
            needs[c].bits, bits_of(state.words[c].data(), state.word_rows, needs[c].is_signed));
        grows |= needs[c].bits > layout_.columns()[c].bits;
      }
    }
    if (grows) {
      // What the layout gives each column may be mostly slack: measure the rows and the candidates.
      std::vector<Word> words(kWordChunk);
      for (std::size_t c = 0; c < needs.size(); ++c) {
        const auto measure = [&](std::size_t n) {
          needs[c].bits = std::max(needs[c].bits, bits_of(words.data(), n, needs[c].is_signed));
        };
        for (std::size_t row = 0; row < store_.size(); row += kWordChunk) {
          const std::size_t n = std::min(kWordChunk, store_.size() - row);
          store_.load_run(c, static_cast<Row>(row), n, words.data());
          measure(n);
        }
        for (const CandidateBuffer* const buffer : buffers) {
          const CandidateBuffer::State& state = *buffer->state_;
          for (std::size_t i = 0; i < state.packed_rows(); i += kWordChunk) {
            const std::size_t n = std::min(kWordChunk, state.packed_rows() - i);
            if (state.layout.is_wide()) {
              state.layout.unpack(state.wide.data() + i, n, c, words.data());
            } else {
              state.layout.unpack(state.narrow.data() + i, n, c, words.data());
            }
            measure(n);
          }
        }
        needs[c].bits = std::max(needs[c].bits, 1U);
      }
      const std::optional<PackedLayout> layout = PackedLayout::choose(needs);
      if (!(layout ? rebuild_packed(*layout) : rebuild_row_map())) return limit_error();
      ++layout_version_;
    }
  }
  for (CandidateBuffer* const buffer : buffers) {
    if (is_stale(buffer)) buffer->state_->restage();
  }
  return {};
}

// REQUIRES: every row fits.
bool Relation::rebuild_packed(const PackedLayout& layout) {
  for (std::size_t c = 0; c < column_count(); ++c) {
    if (layout.columns()[c].bits > 32 && !store_.widen(c)) return false;
  }
  PackedSet<std::uint64_t> narrow_set(options_.budget);
  PackedSet<Uint128> wide_set(options_.budget);
  std::vector<std::vector<Word>> words(column_count(), std::vector<Word>(kWordChunk));
  std::vector<const Word*> columns;
  for (const auto& column : words) columns.push_back(column.data());
  std::vector<Uint128> keys(kWordChunk);
  std::vector<Uint128> fresh(kWordChunk);
  for (std::size_t row = 0; row < store_.size(); row += kWordChunk) {
    const std::size_t n = std::min(kWordChunk, store_.size() - row);
    for (std::size_t c = 0; c < words.size(); ++c) {
      store_.load_run(c, static_cast<Row>(row), n, words[c].data());
    }
    std::size_t done = 0;
    bool fit = false;
    if (layout.is_wide()) {
      fit = layout.pack(columns.data(), n, keys.data());
      wide_set.insert(keys.data(), n, fresh.data(), &done);
    } else {
      auto* const narrow_keys = reinterpret_cast<std::uint64_t*>(keys.data());
      fit = layout.pack(columns.data(), n, narrow_keys);
      narrow_set.insert(narrow_keys, n, reinterpret_cast<std::uint64_t*>(fresh.data()), &done);
    }
    ENTAIL_ENSURE(fit);
    if (done < n) return false;
  }
  narrow_set_ = std::move(narrow_set);
  wide_set_ = std::move(wide_set);
  layout_ = layout;
  return true;
}

bool Relation::rebuild_row_map() {
  if (!row_map_.reserve(store_.size())) return false;
  for (std::size_t row = 0; row < store_.size(); ++row) {
    row_map_.insert(tag_of(static_cast<Row>(row)), static_cast<Row>(row));
  }
  narrow_set_ = PackedSet<std::uint64_t>(options_.budget);
  wide_set_ = PackedSet<Uint128>(options_.budget);
  membership_ = Membership::kRows;
  return true;
}

// ------------------------------------------------------------------------------ packed rows

template <typename Key>
void Relation::store_keys(const Key* keys, std::size_t n, Row first) {
  for (std::size_t c = 0; c < column_count(); ++c) {
    if (store_.is_narrow(c)) {
      layout_.unpack_narrow(keys, n, c, store_.narrow_data(c) + first);
    } else {
      layout_.unpack(keys, n, c, store_.wide_data(c) + first);
    }
  }
}

template <typename Key>
Expected<void> Relation::merge_packed(PackedSet<Key>& set,
                                      std::span<const std::span<const Key>> buffers,
                                      ThreadTeam& team) {
  std::size_t n = 0;
  for (const std::span<const Key> keys : buffers) n += keys.size();
  const std::size_t rows = store_.size();
  std::vector<std::span<const Key>> fresh;
  bool refused = false;
  // Where the budget is nearly used up, small steps come closest to it.
  const bool sorted = n >= kSortedMin && rows + n <= kRowMax && store_.reserve(rows + n) &&
                      set.insert_with(team, buffers, fresh, &refused);
  if (!sorted) {
    for (const std::span<const Key> keys : buffers) {
      if (Expected<void> merged = merge_packed_alone(set, keys); !merged) return merged;
    }
    return {};
  }
  std::size_t end = rows;
  std::vector<std::size_t> begins;
  for (const std::span<const Key> keys : fresh) {
    begins.push_back(end);
    end += keys.size();
  }
  store_.set_size(end);
  team.run([&](unsigned worker) {
    store_keys(fresh[worker].data(), fresh[worker].size(), static_cast<Row>(begins[worker]));
    retain_rows(static_cast<Row>(begins[worker]),
                static_cast<Row>(begins[worker] + fresh[worker].size()));
  });
  if (refused) return limit_error();
  return {};
}

template <typename Key>
Expected<void> Relation::merge_packed_alone(PackedSet<Key>& set, std::span<const Key> keys) {
  for (std::size_t i = 0; i < keys.size();) {
    const std::size_t count = std::min(kChunk, keys.size() - i);
    const std::size_t rows = store_.size();
    if (rows + count > kRowMax || !store_.reserve(rows + count) ||
        !scratch_.reserve(count * sizeof(Key) / sizeof(Uint128) + 1)) {
      return limit_error();
    }
    auto* const fresh = reinterpret_cast<Key*>(scratch_.data());
    std::size_t done = 0;
    const std::size_t added = set.insert(keys.data() + i, count, fresh, &done);
    store_.set_size(rows + added);
    store_keys(fresh, added, static_cast<Row>(rows));
    retain_rows(static_cast<Row>(rows), static_cast<Row>(rows + added));
    if (done < count) return limit_error();
    i += count;
  }
  return {};
}

// ------------------------------------------------------------------------------ rows of words

bool Relation::widen_columns(const Word* const* columns, std::size_t n) {
  for (std::size_t c = 0; c < column_count(); ++c) {
    if (!store_.fits(c, columns[c], n) && !store_.widen(c)) return false;
  }
  return true;
}

void Relation::store_words(const Word* const* columns, const Word* ranks, std::size_t i, Row row) {
  for (std::size_t c = 0; c < column_count(); ++c) store_.set(c, row, columns[c][i]);
  if (options_.ranks) ranks_[row] = static_cast<std::uint32_t>(ranks[i]);
  retain_rows(row, row + 1);
}

Expected<void> Relation::merge_words(const CandidateBuffer& buffer, bool strict_keys) {
  const CandidateBuffer::State& state = *buffer.state_;
  std::vector<const Word*> columns(column_count());
  for (std::size_t first = 0; first < state.word_rows; first += kWordChunk) {
    const std::size_t n = std::min(kWordChunk, state.word_rows - first);
    for (std::size_t c = 0; c < columns.size(); ++c) columns[c] = state.words[c].data() + first;
    const std::size_t rows = store_.size() + n;
    if (rows > kRowMax || !widen_columns(columns.data(), n) || !store_.reserve(rows) ||
        !row_map_.reserve(row_map_.size() + n) || (options_.ranks && !ranks_.reserve(rows))) {
      return limit_error();
    }
    Expected<void> merged =
        merge_word_rows(columns.data(), state.tags.data() + first,
                        options_.ranks ? state.ranks.data() + first : nullptr, n, strict_keys);
    if (!merged) return merged;
  }
  return {};
}

// REQUIRES: there is room for n rows, and the words fit the columns.
Expected<void> Relation::merge_word_rows(const Word* const* columns, const std::uint32_t* tags,
                                         const Word* ranks, std::size_t n, bool strict_keys) {
  constexpr std::size_t kAhead = 16;
  for (std::size_t i = 0; i < n; ++i) {
    if (i + kAhead < n) row_map_.prefetch(tags[i + kAhead]);
    const auto same = [&](Row row) { return same_words(identity_, row, columns, i); };
    const Row found = row_map_.find(tags[i], same);
    if (found != RowMap::kNone) {
      if (!replaces()) continue;
      Expected<bool> replaced = replace_row(found, columns, i, strict_keys);
      if (!replaced) return unexpected(std::move(replaced).error());
      if (!*replaced) continue;
      if (found >= visible_) {  // Nobody has seen it yet.
        release_row(found);
        store_words(columns, ranks, i, found);
        continue;
      }
    }
    const auto row = static_cast<Row>(store_.size());
    store_.set_size(row + 1);
    if (options_.ranks) ranks_.resize_uninitialized(row + 1);
    store_words(columns, ranks, i, row);
    if (replaces()) predecessors_.push_back(found);
    if (found == RowMap::kNone) {
      row_map_.insert(tags[i], row);
    } else {
      superseded_.push_back(found);
      row_map_.replace(tags[i], row, [&](Row candidate) { return candidate == found; });
    }
  }
  return {};
}

// Whether candidate i takes the place of `row`, which has its key or group.
Expected<bool> Relation::replace_row(Row row, const Word* const* columns, std::size_t i,
                                     bool strict_keys) {
  if (options_.extremum != RelationExtremum::kNone) {
    const std::uint32_t column = options_.extremum_column;
    const int order = compare_words(columns[column][i], store_.at(column, row),
                                    options_.columns[column].order, options_.pool);
    if (ENTAIL_PLANT_BUG(17)) return order > 0;
    return options_.extremum == RelationExtremum::kMin ? order < 0 : order > 0;
  }
  for (std::uint32_t c = 0; c < column_count(); ++c) {
    if (store_.at(c, row) == columns[c][i]) continue;
    if (!strict_keys) return true;
    return unexpected(
        ErrorCode::kData,
        fmt::format("relation {}: two different rows have the same key", options_.name));
  }
  return false;
}

Expected<void> Relation::merge_bag(const CandidateBuffer& buffer) {
  const CandidateBuffer::State& state = *buffer.state_;
  const std::size_t rows = store_.size();
  std::vector<const Word*> columns;
  for (const auto& column : state.words) columns.push_back(column.data());
  if (rows + state.word_rows > kRowMax || !widen_columns(columns.data(), state.word_rows) ||
      !store_.reserve(rows + state.word_rows)) {
    return limit_error();
  }
  store_.set_size(rows + state.word_rows);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    store_.store(c, static_cast<Row>(rows), columns[c], state.word_rows);
  }
  retain_rows(static_cast<Row>(rows), static_cast<Row>(store_.size()));
  return {};
}

// ------------------------------------------------------------------------------ handles

void Relation::retain_rows(Row first, Row end) {
  if (ENTAIL_PLANT_BUG(10)) return;
  for (std::size_t c = 0; c < column_count(); ++c) {
    if (!options_.columns[c].handle) continue;
    if (end - first == 1) {
      options_.pool->retain(store_.at(c, first));
      continue;
    }
    Word words[512];
    for (Row row = first; row < end;) {
      const std::size_t n = std::min<std::size_t>(std::size(words), end - row);
      store_.load_run(c, row, n, words);
      options_.pool->retain_column(words, n);
      row += static_cast<Row>(n);
    }
  }
}

void Relation::release_row(Row row) {
  for (std::size_t c = 0; c < column_count(); ++c) {
    if (options_.columns[c].handle) options_.pool->release(store_.at(c, row));
  }
}

}  // namespace entail::vm
