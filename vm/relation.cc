#include "vm/relation.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/base/tiny.h"
#include "vm/value_pool.h"

namespace entail::vm {

namespace {

// Fewer dead rows are not worth closing the gaps.
constexpr std::size_t kDeadMin = size_or_tiny(1024, 2);

std::vector<std::uint32_t> identity_columns(const RelationOptions& options) {
  if (!options.key.empty()) return options.key;
  std::vector<std::uint32_t> columns;
  for (std::uint32_t c = 0; c < options.columns.size(); ++c) {
    if (options.extremum == RelationExtremum::kNone || c != options.extremum_column) {
      columns.push_back(c);
    }
  }
  return columns;
}

// std::vector<bool> is no array of bool.
ColumnStore make_store(const RelationOptions& options) {
  const auto is_signed = std::make_unique<bool[]>(options.columns.size());
  for (std::size_t c = 0; c < options.columns.size(); ++c) {
    is_signed[c] = options.columns[c].order == ColumnOrderKind::kSigned;
  }
  return ColumnStore({is_signed.get(), options.columns.size()}, options.budget);
}

bool is_bit_set(const FlatArray<std::uint64_t>& bits, Row row) {
  return (bits[row >> 6] >> (row & 63) & 1) != 0;
}

}  // namespace

Expected<std::unique_ptr<Relation>> Relation::create(RelationOptions options) {
  const auto wrong = [&](std::string_view what) {
    return unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("relation {}: {}", options.name, what));
  };
  if (options.columns.empty()) options.columns.push_back({ColumnOrderKind::kUnsigned, false});
  const bool has_extremum = options.extremum != RelationExtremum::kNone;
  if (options.bag && (!options.key.empty() || has_extremum || options.ranks)) {
    return wrong("a bag has neither key, extremum nor ranks");
  }
  if (!options.key.empty() && has_extremum)
    return wrong("a key and an extremum exclude each other");
  if (has_extremum && options.extremum_column >= options.columns.size()) {
    return wrong("the column of its extremum does not exist");
  }
  if (!std::is_sorted(options.key.begin(), options.key.end(), std::less_equal<>{}) ||
      (!options.key.empty() && options.key.back() >= options.columns.size())) {
    return wrong("its key columns must ascend and exist");
  }
  for (const ColumnOptions& column : options.columns) {
    if ((column.handle || column.order == ColumnOrderKind::kText) && options.pool == nullptr) {
      return wrong("columns of handles need a value pool");
    }
  }
  if (options.standing) return wrong("a standing relation is a StandingRelation");
  return std::unique_ptr<Relation>(new Relation(std::move(options)));
}

Relation::Relation(RelationOptions options)
    : options_(std::move(options)),
      identity_(identity_columns(options_)),
      store_(make_store(options_)),
      ranks_(options_.budget),
      narrow_set_(options_.budget),
      wide_set_(options_.budget),
      row_map_(options_.budget),
      scratch_(options_.budget),
      dead_(options_.budget) {
  if (options_.bag) return;
  membership_ = Membership::kRows;
  if (replaces() || options_.ranks) return;
  std::vector<PackedNeed> needs;
  for (const ColumnOptions& column : options_.columns) {
    needs.push_back({1, column.order == ColumnOrderKind::kSigned});
  }
  const std::optional<PackedLayout> layout = PackedLayout::choose(needs);
  if (!layout) return;  // Too many columns for one bit each.
  membership_ = Membership::kPacked;
  layout_ = *layout;
}

Relation::~Relation() { release_rows(); }

void Relation::release_rows() {
  if (std::none_of(options_.columns.begin(), options_.columns.end(),
                   [](const ColumnOptions& column) { return column.handle; })) {
    return;
  }
  for (Row row = 0; row < store_.size(); ++row) {
    if (dead_count_ == 0 || row >= visible_ || !is_bit_set(dead_, row)) release_row(row);
  }
}

void Relation::clear() {
  if (store_.size() == 0) return;
  release_rows();
  store_.set_size(0);
  ranks_.clear();
  delta_begin_ = visible_ = 0;
  if (membership_ == Membership::kPacked) {
    narrow_set_.clear();
    wide_set_.clear();
  } else if (membership_ == Membership::kRows) {
    row_map_.clear();
  }
  dead_.clear();
  dead_count_ = 0;
  superseded_.clear();
  predecessors_.clear();
  for (Index& index : indexes_) {
    if (!index.is_live) continue;
    if (index.hash != nullptr) {
      index.hash->clear();
    } else {
      index.ordered->clear();
    }
  }
}

Unexpected Relation::limit_error() const {
  const MemoryBudget* const budget = options_.budget;
  return unexpected(
      ErrorCode::kLimit,
      fmt::format(
          "relation {} with {} rows and {} bytes cannot grow: the memory budget of {} bytes "
          "has {} in use",
          options_.name, store_.size(), bytes_used(), budget == nullptr ? 0 : budget->limit(),
          budget == nullptr ? 0 : budget->used()));
}

// ------------------------------------------------------------------------------ rounds

bool Relation::advance() {
  bury_superseded();
  predecessors_.clear();
  if (dead_count_ > kDeadMin && dead_count_ * 2 > store_.size()) compact();
  delta_begin_ = visible_;
  visible_ = static_cast<Row>(store_.size());
  if (dead_count_ > 0) {
    const std::size_t words = visible_ / 64 + 1;
    const std::size_t before = dead_.size();
    dead_.reserve_anyway(words);
    dead_.resize_uninitialized(std::max(before, words));
    std::fill(dead_.begin() + before, dead_.end(), 0);
  }
  for (Index& index : indexes_) {
    if (!index.is_live) continue;
    if (index.hash != nullptr) {
      if (ENTAIL_PLANT_BUG(24) && delta_begin_ != 0) continue;
      index.hash->extend(visible_, nullptr);
    } else {
      index.ordered->extend(visible_, nullptr);
    }
  }
  return delta_begin_ != visible_;
}

void Relation::settle() {
  delta_begin_ = visible_;
  for (Index& index : indexes_) {
    if (index.is_live && index.ordered != nullptr) index.ordered->settle();
  }
}

// Rows that a pending one supersedes die now that it becomes visible.
void Relation::bury_superseded() {
  if (superseded_.empty()) return;
  if (dead_.empty()) {
    const std::size_t words = visible_ / 64 + 1;
    dead_.reserve_anyway(words);
    dead_.resize_uninitialized(words);
    std::fill(dead_.begin(), dead_.end(), 0);
  }
  std::sort(superseded_.begin(), superseded_.end());
  for (Index& index : indexes_) {
    if (!index.is_live) continue;
    if (index.hash != nullptr) {
      index.hash->remove(superseded_);
    } else {
      index.ordered->remove(superseded_);
    }
  }
  for (const Row row : superseded_) {
    dead_[row >> 6] |= std::uint64_t{1} << (row & 63);
    release_row(row);
  }
  dead_count_ += superseded_.size();
  superseded_.clear();
}

// Closes the gaps that dead rows left. Only between rounds, when nobody else holds row ids.
void Relation::compact() {
  std::vector<Row> keep;
  keep.reserve(store_.size() - dead_count_);
  Row visible_kept = 0;
  for (Row row = 0; row < store_.size(); ++row) {
    if (row < visible_ && is_bit_set(dead_, row)) continue;
    keep.push_back(row);
    if (row < visible_) ++visible_kept;
  }
  store_.compact(keep);
  if (options_.ranks) {
    for (std::size_t i = 0; i < keep.size(); ++i) ranks_[i] = ranks_[keep[i]];
    ranks_.resize_uninitialized(keep.size());
  }
  visible_ = visible_kept;
  dead_count_ = 0;
  dead_.reset();
  if (ENTAIL_PLANT_BUG(33)) return;
  row_map_.clear();
  for (Row row = 0; row < store_.size(); ++row) row_map_.insert(tag_of(row), row);
  for (Index& index : indexes_) {
    if (!index.is_live) continue;
    if (index.hash != nullptr) {
      index.hash->build(visible_, nullptr);
    } else {
      index.ordered->clear();
      index.ordered->extend(visible_, nullptr);
    }
  }
}

RowRange Relation::range(View view) const {
  switch (view) {
    case View::kTotal:
      return {0, visible_};
    case View::kDelta:
      return {delta_begin_, visible_};
    case View::kOld:
      return {0, delta_begin_};
  }
  ENTAIL_UNREACHABLE("all views are named");
}

std::size_t Relation::next_rows(RowRange& range, Row* out, std::size_t limit) const {
  if (dead_count_ == 0 || ENTAIL_PLANT_BUG(23)) {
    const std::size_t n = std::min(limit, range.size());
    std::iota(out, out + n, range.begin);
    range.begin += static_cast<Row>(n);
    return n;
  }
  std::size_t n = 0;
  while (n < limit && range.begin < range.end) {
    if (!is_bit_set(dead_, range.begin)) out[n++] = range.begin;
    ++range.begin;
  }
  return n;
}

void Relation::load_ranks(const Row* rows, std::size_t n, Word* out) const {
  ENTAIL_DEBUG_ENSURE(options_.ranks);
  for (std::size_t i = 0; i < n; ++i) out[i] = ranks_[rows[i]];
}

// ------------------------------------------------------------------------------ membership

bool Relation::same_words(std::span<const std::uint32_t> columns, Row row, const Word* const* words,
                          std::size_t i) const {
  for (const std::uint32_t column : columns) {
    if (store_.at(column, row) != words[column][i]) return false;
  }
  return true;
}

void Relation::contains(std::span<const Word* const> columns, std::size_t n,
                        std::uint8_t* out) const {
  ENTAIL_ENSURE(membership_ != Membership::kNone);
  constexpr std::size_t kBatch = 512;
  const std::size_t width = column_count();
  std::vector<const Word*> part(columns.begin(), columns.end());
  Uint128 keys[kBatch];
  std::uint32_t tags[kBatch];
  for (std::size_t first = 0; first < n; first += kBatch) {
    const std::size_t count = std::min(kBatch, n - first);
    for (std::size_t c = 0; c < width; ++c) part[c] = columns[c] + first;
    std::uint8_t* const found = out + first;
    if (membership_ == Membership::kPacked) {
      bool all_fit = false;
      if (layout_.is_wide()) {
        all_fit = layout_.pack(part.data(), count, keys);
        wide_set_.contains(keys, count, found);
      } else {
        auto* const narrow = reinterpret_cast<std::uint64_t*>(keys);
        all_fit = layout_.pack(part.data(), count, narrow);
        narrow_set_.contains(narrow, count, found);
      }
      if (all_fit) continue;
      for (std::size_t i = 0; i < count; ++i) {
        if (!layout_.fits(part.data(), i)) found[i] = 0;
      }
      continue;
    }
    std::vector<const Word*> identity;
    for (const std::uint32_t column : identity_) identity.push_back(part[column]);
    hash_rows(identity, count, tags);
    for (std::size_t i = 0; i < count; ++i) row_map_.prefetch(tags[i]);
    for (std::size_t i = 0; i < count; ++i) {
      const Row row = row_map_.find(
          tags[i], [&](Row candidate) { return same_words(identity_, candidate, part.data(), i); });
      found[i] = 0;
      if (row == RowMap::kNone) continue;
      found[i] = 1;
      if (!replaces()) continue;
      const auto same = [&](Row candidate) {
        for (std::uint32_t c = 0; c < width; ++c) {
          if (store_.at(c, candidate) != part[c][i]) return false;
        }
        return true;
      };
      // A row that is about to be superseded still holds for the round.
      const Row older = row >= visible_ ? predecessors_[row - visible_] : RowMap::kNone;
      found[i] = same(row) || (older != RowMap::kNone && same(older)) ? 1 : 0;
    }
  }
}

std::uint32_t Relation::tag_of(Row row) const {
  std::vector<Word> words;
  std::vector<const Word*> columns;
  words.reserve(identity_.size());
  for (const std::uint32_t column : identity_) {
    words.push_back(store_.at(column, row));
    columns.push_back(&words.back());
  }
  std::uint32_t tag = 0;
  hash_rows(columns, 1, &tag);
  return tag;
}

// ------------------------------------------------------------------------------ indexes

std::uint32_t Relation::add_index(const IndexSpec& spec) {
  IndexSpec sorted = spec;
  std::sort(sorted.key.begin(), sorted.key.end());
  for (std::uint32_t i = 0; i < indexes_.size(); ++i) {
    if (indexes_[i].spec.key == sorted.key &&
        indexes_[i].spec.range_column == sorted.range_column) {
      return i;
    }
  }
  Index index;
  index.spec = sorted;
  if (sorted.range_column < 0) {
    ENTAIL_ENSURE(!sorted.key.empty());
    index.hash = std::make_unique<HashIndex>(store_, sorted.key, options_.budget);
  } else {
    const auto column = static_cast<std::uint32_t>(sorted.range_column);
    index.ordered = std::make_unique<OrderedIndex>(
        store_, sorted.key, column, options_.columns[column].order, options_.pool, options_.budget);
  }
  indexes_.push_back(std::move(index));
  return static_cast<std::uint32_t>(indexes_.size() - 1);
}

void Relation::prepare_index(std::uint32_t position) {
  Index& index = indexes_[position];
  if (index.is_live) return;
  index.is_live = true;
  if (index.hash != nullptr) {
    index.hash->build(visible_, dead_bits());
    return;
  }
  index.ordered->extend(delta_begin_, dead_bits());
  index.ordered->settle();
  if (delta_begin_ < visible_) index.ordered->extend(visible_, dead_bits());
}

void Relation::probe(std::uint32_t position, View view, std::span<const Word* const> keys,
                     std::size_t n, Posting* out) const {
  const Index& index = indexes_[position];
  ENTAIL_ENSURE(index.is_live && index.hash != nullptr);
  const RowRange rows = range(view);
  index.hash->probe(keys, n, rows.begin, rows.end, out);
}

void Relation::probe_range(std::uint32_t position, View view, std::span<const Word* const> keys,
                           const Word* low, bool low_inclusive, const Word* high,
                           bool high_inclusive, std::size_t n, std::vector<Posting>& out,
                           std::vector<std::uint32_t>& lanes) const {
  const Index& index = indexes_[position];
  ENTAIL_ENSURE(index.is_live && index.ordered != nullptr);
  const OrderedIndex::Runs runs = view == View::kTotal   ? OrderedIndex::Runs::kAll
                                  : view == View::kDelta ? OrderedIndex::Runs::kNewest
                                                         : OrderedIndex::Runs::kOlder;
  index.ordered->probe(keys, {low, low_inclusive}, {high, high_inclusive}, n, runs, out, lanes);
}

std::uint64_t Relation::distinct_keys(std::uint32_t position) const {
  const Index& index = indexes_[position];
  if (!index.is_live) return 0;
  return index.hash != nullptr ? index.hash->distinct_keys() : index.ordered->distinct_keys();
}

// The estimator GEE: what occurs once in the sample stands for sqrt(n / sample) values, the rest for
// themselves; within that factor of the truth, and exact where the sample is everything (Charikar,
// Chaudhuri, Motwani and Narasayya 2000).
std::uint64_t Relation::estimate_distinct(std::span<const std::uint32_t> columns) const {
  constexpr std::size_t kSample = 4096;
  if (size() == 0) return 0;
  const std::size_t step = (visible_ + kSample - 1) / kSample;
  std::unordered_map<std::uint64_t, std::uint32_t> counts;
  std::size_t sampled = 0;
  for (std::size_t row = 0; row < visible_; row += step) {
    if (dead_count_ > 0 && is_bit_set(dead_, static_cast<Row>(row))) continue;
    std::uint64_t hash = 0;
    for (const std::uint32_t column : columns) {
      hash = (hash ^ store_.at(column, static_cast<Row>(row))) * 0x9E3779B97F4A7C15U;
      hash ^= hash >> 32;
    }
    ++counts[hash];
    ++sampled;
  }
  if (sampled == 0) return 1;
  std::size_t once = 0;
  for (const auto& [hash, count] : counts) once += count == 1 ? 1 : 0;
  const double scale = std::sqrt(static_cast<double>(size()) / static_cast<double>(sampled));
  const double estimate =
      scale * static_cast<double>(once) + static_cast<double>(counts.size() - once);
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(estimate), 1, size());
}

// ------------------------------------------------------------------------------ measures

std::uint64_t Relation::bytes_of_indexes() const {
  std::uint64_t bytes = 0;
  for (const Index& index : indexes_) {
    bytes += index.hash != nullptr ? index.hash->bytes_used() : index.ordered->bytes_used();
  }
  return bytes;
}

std::uint64_t Relation::bytes_used() const {
  return store_.bytes_used() + ranks_.bytes() + narrow_set_.bytes_used() + wide_set_.bytes_used() +
         row_map_.bytes_used() + dead_.bytes() +
         (superseded_.capacity() + predecessors_.capacity()) * sizeof(Row) + scratch_.bytes() +
         bytes_of_indexes();
}

void Relation::verify() const {
  store_.verify();
  ENTAIL_ENSURE(delta_begin_ <= visible_ && visible_ <= store_.size());  // (1)
  std::size_t dead = 0;
  for (Row row = 0; row < visible_; ++row) dead += dead_bits() && is_bit_set(dead_, row) ? 1 : 0;
  ENTAIL_ENSURE(dead == dead_count_);  // (1)
  if (membership_ == Membership::kPacked) {
    const std::size_t keys = layout_.is_wide() ? wide_set_.size() : narrow_set_.size();
    ENTAIL_ENSURE(keys == store_.size());  // (2)
    narrow_set_.verify();
    wide_set_.verify();
    for (std::size_t c = 0; c < column_count(); ++c) {
      ENTAIL_ENSURE(store_.is_narrow(c) == (layout_.columns()[c].bits <= 32));  // (4)
    }
  } else if (membership_ == Membership::kRows) {
    ENTAIL_ENSURE(row_map_.size() == store_.size() - dead_count_ - superseded_.size());  // (2)
  }
  if (membership_ != Membership::kNone) {
    for (Row row = 0; row < store_.size(); ++row) {
      if (row < visible_ && dead_bits() != nullptr && is_bit_set(dead_, row)) continue;
      std::vector<Word> words;
      std::vector<const Word*> columns;
      for (std::size_t c = 0; c < column_count(); ++c) words.push_back(store_.at(c, row));
      for (const Word& word : words) columns.push_back(&word);
      std::uint8_t found = 0;
      contains(columns, 1, &found);
      ENTAIL_ENSURE(found == 1);  // (2)
    }
  }
  for (const Index& index : indexes_) {
    if (!index.is_live) continue;
    if (index.hash != nullptr) {
      ENTAIL_ENSURE(index.hash->end() == visible_);  // (3)
      index.hash->verify(dead_bits());
    } else {
      ENTAIL_ENSURE(index.ordered->end() == visible_);  // (3)
      index.ordered->verify(dead_bits());
    }
  }
}

}  // namespace entail::vm
