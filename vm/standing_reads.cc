// What is read of a standing relation, and its invariants.

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/row_map.h"
#include "vm/standing_relation.h"

namespace entail::vm {

namespace {

constexpr std::uint64_t kShortChain = size_or_tiny(16, 2);

}  // namespace

std::uint8_t StandingRelation::flag_of(View view) {
  ENTAIL_DEBUG_ENSURE(view != View::kDelta);
  if (ENTAIL_PLANT_BUG(34)) return kPresent;
  return view == View::kOld ? kWasThere : kPresent;
}

std::size_t StandingRelation::scan(View view, Row& position, Row* out, std::size_t limit) const {
  const std::uint8_t wanted = flag_of(view);
  std::size_t n = 0;
  for (; position < slot_count_ && n < limit; ++position) {
    out[n] = position;
    n += (flags_[position] & wanted) != 0 ? 1 : 0;
  }
  return n;
}

void StandingRelation::load_ranks(const Row* rows, std::size_t n, Word* out) const {
  for (std::size_t i = 0; i < n; ++i) out[i] = ranks_[rows[i]];
}

// ------------------------------------------------------------------------------ look-ups

std::optional<std::uint32_t> StandingRelation::find_index(const IndexSpec& spec) const {
  std::vector<std::uint32_t> key = spec.key;
  std::sort(key.begin(), key.end());
  for (std::uint32_t k = 0; k < indexes_.size(); ++k) {
    if (indexes_[k].spec.key == key && indexes_[k].spec.range_column == spec.range_column) return k;
  }
  return std::nullopt;
}

// The first of a bag's equal rows that the view shows.
Row StandingRelation::newest_in_chain(Row head, View view) const {
  const RowChains& chains = *indexes_[0].chains;
  if (!hides_rows(view) && view == View::kTotal) return head;
  const std::uint8_t wanted = flag_of(view);
  Row newest = kNoRow;
  for (Row row = head; row != kNoRow; row = chains.next(row)) {
    if (!has(row, wanted)) continue;
    if (newest == kNoRow || ids_[newest] < ids_[row]) newest = row;
    if (view == View::kTotal) break;  // They stand in order.
  }
  return newest;
}

void StandingRelation::find(View view, std::span<const Word* const> columns, std::size_t n,
                            Row* out) const {
  if (options_.bag) {
    for (std::size_t first = 0; first < n; first += RowChains::kProbes) {
      const std::size_t count = std::min(RowChains::kProbes, n - first);
      indexes_[0].chains->find_heads(columns, first, count, out + first);
      for (std::size_t i = first; i < first + count; ++i) out[i] = newest_in_chain(out[i], view);
    }
    return;
  }
  constexpr std::size_t kBatch = RowChains::kProbes;
  const std::uint8_t wanted = flag_of(view);
  const bool is_hiding = departed_ > 0 || entering_ > 0;
  std::uint32_t places[kBatch];
  for (std::size_t first = 0; first < n; first += kBatch) {
    const std::size_t count = std::min(kBatch, n - first);
    members_.find_places(columns, first, count, places);
    prefetch_members(places, count);
    for (std::size_t i = 0; i < count; ++i) {
      const Row row = member(columns, first + i, places[i]);
      out[first + i] = row != kNoRow && is_hiding && !has(row, wanted) ? kNoRow : row;
    }
  }
}

void StandingRelation::probe(std::uint32_t number, View view, std::span<const Word* const> keys,
                             std::size_t n, std::vector<Row>& rows,
                             std::vector<std::uint32_t>& lanes) const {
  const Index& index = indexes_[number];
  ENTAIL_ENSURE(index.tree == nullptr);
  constexpr std::size_t kBatch = RowChains::kProbes;
  const std::uint8_t wanted = flag_of(view);
  const bool is_hiding = hides_rows(view);
  // Each row of a chain is a miss of the cache that waits for the one before. Where the rows of the key are in
  // a strip of the grid, and as many as a sixteenth of its cells, the cells are read instead.
  const std::uint64_t strip = options_.bag ? 0 : members_.strip_length(index.spec.key);
  const std::uint64_t most = strip == 0 ? ~std::uint64_t{0} : std::max(strip / 16, kShortChain);
  Row heads[kBatch];
  std::vector<const Word*> shifted;
  for (std::size_t first = 0; first < n; first += kBatch) {
    const std::size_t count = std::min(kBatch, n - first);
    if (index.chains == nullptr) {
      std::span<const Word* const> from = keys;
      if (first > 0) {
        shifted.assign(keys.begin(), keys.end());
        for (const Word*& column : shifted) column += first;
        from = shifted;
      }
      find(view, from, count, heads);
      for (std::size_t i = 0; i < count; ++i) {
        if (heads[i] == kNoRow) continue;
        rows.push_back(heads[i]);
        lanes.push_back(static_cast<std::uint32_t>(first + i));
      }
      continue;
    }
    index.chains->find_heads(keys, first, count, heads);
    for (std::size_t i = 0; i < count; ++i) {
      const auto lane = static_cast<std::uint32_t>(first + i);
      const std::size_t found = rows.size();
      const bool is_whole = index.chains->for_each(heads[i], most, [&](Row row) {
        if (is_hiding && !has(row, wanted)) return;
        rows.push_back(row);
        lanes.push_back(lane);
      });
      if (is_whole) continue;
      rows.resize(found);
      lanes.resize(found);
      members_.for_each_in_strip(index.spec.key, keys, first + i, [&](Row row) {
        if ((departed_ > 0 || is_hiding) && !has(row, wanted)) return;
        rows.push_back(row);
        lanes.push_back(lane);
      });
    }
  }
}

// One end of a chain says it: visible rows stand before those that left, entered ones before those of kOld,
// unless some came back.
void StandingRelation::probe_any(std::uint32_t number, View view, std::span<const Word* const> keys,
                                 std::size_t n, std::uint8_t* out) const {
  const Index& index = indexes_[number];
  ENTAIL_ENSURE(index.tree == nullptr);
  constexpr std::size_t kBatch = RowChains::kProbes;
  const std::uint8_t wanted = flag_of(view);
  const bool is_ordered = !chains_mixed_ && !(options_.bag && number == 0);
  Row heads[kBatch];
  std::vector<const Word*> shifted;
  for (std::size_t first = 0; first < n; first += kBatch) {
    const std::size_t count = std::min(kBatch, n - first);
    if (index.chains == nullptr) {
      shifted.assign(keys.begin(), keys.end());
      for (const Word*& column : shifted) column += first;
      find(view, shifted, count, heads);
      for (std::size_t i = 0; i < count; ++i) out[first + i] = heads[i] != kNoRow ? 1 : 0;
      continue;
    }
    index.chains->find_heads(keys, first, count, heads);
    for (std::size_t i = 0; i < count; ++i) {
      const Row head = heads[i];
      bool is_there = head != kNoRow;
      if (is_there && hides_rows(view)) {
        if (view == View::kTotal) {
          is_there = has(head, wanted);
        } else {
          Row row = index.chains->previous(head);
          while (!has(row, wanted) && row != head && !is_ordered) row = index.chains->previous(row);
          is_there = has(row, wanted);
        }
      }
      out[first + i] = is_there ? 1 : 0;
    }
  }
}

void StandingRelation::probe_range(std::uint32_t number, View view,
                                   std::span<const Word* const> keys, const Word* low,
                                   bool low_inclusive, const Word* high, bool high_inclusive,
                                   std::size_t n, std::vector<Row>& rows,
                                   std::vector<std::uint32_t>& lanes) const {
  const RowTree* const tree = indexes_[number].tree.get();
  ENTAIL_ENSURE(tree != nullptr);
  const std::uint8_t wanted = flag_of(view);
  const bool is_hiding = hides_rows(view);
  for (std::size_t i = 0; i < n; ++i) {
    const RowTree::Bound from{low == nullptr ? nullptr : low + i, low_inclusive};
    const RowTree::Bound to{high == nullptr ? nullptr : high + i, high_inclusive};
    tree->range(keys, i, from, to, [&](Row row) {
      if (is_hiding && !has(row, wanted)) return;
      rows.push_back(row);
      lanes.push_back(static_cast<std::uint32_t>(i));
    });
  }
}

Row StandingRelation::first_in_range(std::uint32_t number, View view, const Word* low,
                                     bool low_inclusive) const {
  const RowTree* const tree = indexes_[number].tree.get();
  ENTAIL_ENSURE(tree != nullptr && tree->key().empty());
  const std::uint8_t wanted = flag_of(view);
  return tree->first({low, low_inclusive}, [&](Row row) { return has(row, wanted); })
      .value_or(kNoRow);
}

// ------------------------------------------------------------------------------ measures

std::uint64_t StandingRelation::distinct_keys(std::uint32_t number) const {
  const Index& index = indexes_[number];
  if (index.chains != nullptr) return index.chains->distinct_keys();
  if (index.tree == nullptr) return visible_;
  return estimate_distinct(index.spec.key);
}

// As Relation::estimate_distinct(): what occurs once in the sample stands for sqrt(n / sample) values.
std::uint64_t StandingRelation::estimate_distinct(std::span<const std::uint32_t> columns) const {
  constexpr std::size_t kSample = 4096;
  if (visible_ == 0) return 0;
  const auto step = static_cast<Row>((slot_count_ + kSample - 1) / kSample);
  std::unordered_map<std::uint32_t, std::uint32_t> counts;
  std::size_t sampled = 0;
  for (Row row = 0; row < slot_count_; row += step) {
    if (!has(row, kPresent)) continue;
    std::uint32_t hash = 0;
    columns_.hash(columns, &row, 1, &hash);
    ++counts[hash];
    ++sampled;
  }
  if (sampled == 0) return 1;
  const auto once = static_cast<double>(std::count_if(
      counts.begin(), counts.end(), [](const auto& entry) { return entry.second == 1; }));
  const double scale = std::sqrt(static_cast<double>(visible_) / static_cast<double>(sampled));
  const double estimate = scale * once + static_cast<double>(counts.size()) - once;
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(estimate), 1, visible_);
}

// ------------------------------------------------------------------------------ verify

void StandingRelation::verify() const {
  std::vector<bool> outside(slot_count_);
  if (versions_ != nullptr) {
    versions_->verify();
    versions_->mark_quarantined(outside);
  }
  for (const Row row : free_) {
    ENTAIL_ENSURE(row < slot_count_ && !outside[row]);  // (1)
    outside[row] = true;
  }
  std::size_t visible = 0;
  std::size_t in_use = 0;
  std::size_t linked = 0;
  std::size_t entering = 0;
  std::size_t leaving = 0;
  for (Row row = 0; row < slot_count_; ++row) {
    const std::uint8_t flags = flags_[row];
    ENTAIL_ENSURE(has(row, kInUse) != outside[row] && (!outside[row] || flags == 0));  // (1)
    if (outside[row]) continue;
    const std::uint8_t views = flags & (kPresent | kWasThere);
    ENTAIL_ENSURE(has(row, kLinked) == (views != 0));                            // (2)
    ENTAIL_ENSURE(has(row, kPresent) == ((flags & (kStated | kDerived)) != 0));  // (4)
    ENTAIL_ENSURE(has(row, kDerived) == (weight(row) > 0));                      // (4)
    ENTAIL_ENSURE(has(row, kInStep) || views == (kPresent | kWasThere) || views == 0);
    ENTAIL_ENSURE(has(row, kInEpoch) || views == (kPresent | kWasThere));
    ++in_use;
    visible += has(row, kPresent) ? 1 : 0;
    linked += has(row, kLinked) ? 1 : 0;
    entering += views == kPresent ? 1 : 0;
    leaving += views == kWasThere ? 1 : 0;
  }
  ENTAIL_ENSURE(visible == visible_ && in_use - visible == departed_);  // (5)
  ENTAIL_ENSURE(entering == entering_ && leaving == leaving_ && unlinked_.empty());
  for (const Index& index : indexes_) {
    if (index.chains != nullptr) {
      index.chains->verify(slot_count_, [this](Row row) { return has(row, kLinked); });  // (2)
    } else if (index.tree != nullptr) {
      index.tree->verify();
      ENTAIL_ENSURE(index.tree->size() == linked);                                  // (2)
      index.tree->for_each([this](Row row) { ENTAIL_ENSURE(has(row, kLinked)); });  // (2)
    }
  }
  if (options_.bag) return;
  ENTAIL_ENSURE(members_.size() == in_use);  // (2)
  std::vector<std::vector<Word>> keys;
  const bool is_keyed = !options_.key.empty();
  for (Row row = 0; row < slot_count_; ++row) {
    if (!has(row, kInUse)) continue;
    std::uint32_t place = 0;
    members_.find_places(&row, 1, &place);
    ENTAIL_ENSURE(members_.find(place, [row](Row other) { return other == row; }) == row);  // (2)
    if (is_keyed && !has(row, kPresent)) continue;
    keys.emplace_back();
    for (const std::uint32_t column : is_keyed ? options_.key : all_columns_) {
      keys.back().push_back(columns_.at(column, row));
    }
  }
  std::sort(keys.begin(), keys.end());
  ENTAIL_ENSURE(std::adjacent_find(keys.begin(), keys.end()) == keys.end());  // (3)
}

}  // namespace entail::vm
