#include "vm/ordered_index.h"

#include <algorithm>
#include <numeric>

#include "vm/base/ensure.h"

namespace entail::vm {

int compare_words(Word left, Word right, ColumnOrderKind kind, const ValuePool* pool) {
  if (left == right) return 0;
  if (kind == ColumnOrderKind::kText) return pool->compare_text(left, right);
  return order_key(left, kind) < order_key(right, kind) ? -1 : 1;
}

OrderedIndex::OrderedIndex(const ColumnStore& store, std::vector<std::uint32_t> key,
                           std::uint32_t range_column, ColumnOrderKind kind, const ValuePool* pool,
                           MemoryBudget* budget)
    : store_(store),
      key_(std::move(key)),
      range_column_(range_column),
      kind_(kind),
      pool_(pool),
      budget_(budget) {
  ENTAIL_ENSURE(kind != ColumnOrderKind::kText || pool != nullptr);
}

void OrderedIndex::clear() {
  runs_.clear();
  has_newest_ = false;
  end_ = 0;
}

int OrderedIndex::compare_rows(Row left, Row right) const {
  for (const std::uint32_t column : key_) {
    const Word a = store_.at(column, left);
    const Word b = store_.at(column, right);
    if (a != b) return a < b ? -1 : 1;
  }
  const int order =
      compare_words(store_.at(range_column_, left), store_.at(range_column_, right), kind_, pool_);
  if (order != 0) return order;
  return left == right ? 0 : left < right ? -1 : 1;
}

int OrderedIndex::compare_key(Row row, std::span<const Word* const> keys, std::size_t i) const {
  for (std::size_t c = 0; c < key_.size(); ++c) {
    const Word word = store_.at(key_[c], row);
    if (word != keys[c][i]) return word < keys[c][i] ? -1 : 1;
  }
  return 0;
}

// Sorting moves the words beside the rows when they make one number and a row id; comparing through
// the columns would miss the cache at each step.
void OrderedIndex::sort(Run& run) const {
  if (kind_ == ColumnOrderKind::kText || key_.size() > 1) {
    std::sort(run.begin(), run.end(), [this](Row a, Row b) { return compare_rows(a, b) < 0; });
    return;
  }
  struct Entry {
    Word key;
    std::uint64_t order;
    Row row;
  };
  std::vector<Entry> entries;
  entries.reserve(run.size());
  for (const Row row : run) {
    entries.push_back({key_.empty() ? 0 : store_.at(key_[0], row),
                       order_key(store_.at(range_column_, row), kind_), row});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    if (a.key != b.key) return a.key < b.key;
    return a.order != b.order ? a.order < b.order : a.row < b.row;
  });
  for (std::size_t i = 0; i < entries.size(); ++i) run[i] = entries[i].row;
}

void OrderedIndex::merge_last_two() {
  Run newer = std::move(runs_.back());
  runs_.pop_back();
  Run older = std::move(runs_.back());
  Run merged(budget_);
  merged.reserve_anyway(older.size() + newer.size());
  merged.resize_uninitialized(older.size() + newer.size());
  std::merge(older.begin(), older.end(), newer.begin(), newer.end(), merged.begin(),
             [this](Row a, Row b) { return compare_rows(a, b) < 0; });
  runs_.back() = std::move(merged);
}

void OrderedIndex::consolidate() {
  while (runs_.size() >= 2 && runs_[runs_.size() - 2].size() < 2 * runs_.back().size()) {
    merge_last_two();
  }
}

void OrderedIndex::extend(Row end, const std::uint64_t* dead) {
  consolidate();
  Run run(budget_);
  run.reserve_anyway(end - end_);
  for (Row row = end_; row < end; ++row) {
    if (dead == nullptr || (dead[row >> 6] >> (row & 63) & 1) == 0) run.push_back_unchecked(row);
  }
  end_ = end;
  has_newest_ = !run.empty();
  if (run.empty()) return;
  sort(run);
  runs_.push_back(std::move(run));
}

void OrderedIndex::remove(std::span<const Row> rows) {
  std::size_t left = rows.size();
  for (std::size_t r = runs_.size(); r-- > 0 && left > 0;) {
    Run& run = runs_[r];
    Row* const kept = std::remove_if(run.begin(), run.end(), [&](Row row) {
      return std::binary_search(rows.begin(), rows.end(), row);
    });
    left -= static_cast<std::size_t>(run.end() - kept);
    run.resize_uninitialized(static_cast<std::size_t>(kept - run.begin()));
    if (!run.empty()) continue;
    if (r + 1 == runs_.size()) has_newest_ = false;
    runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(r));
  }
  ENTAIL_ENSURE(left == 0);
}

void OrderedIndex::probe(std::span<const Word* const> keys, Bound low, Bound high, std::size_t n,
                         Runs which, std::vector<Posting>& out,
                         std::vector<std::uint32_t>& lanes) const {
  const std::size_t newest = has_newest_ ? runs_.size() - 1 : runs_.size();
  const std::size_t first_run = which == Runs::kNewest ? newest : 0;
  const std::size_t last_run = which == Runs::kOlder ? newest : runs_.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t r = first_run; r < last_run; ++r) {
      const Run& run = runs_[r];
      // Below the range: a smaller key, or the key and a value under the lower bound.
      const Row* const begin = std::partition_point(run.begin(), run.end(), [&](Row row) {
        const int order = compare_key(row, keys, i);
        if (order != 0 || low.words == nullptr) return order < 0;
        const int value = compare_words(store_.at(range_column_, row), low.words[i], kind_, pool_);
        return low.inclusive ? value < 0 : value <= 0;
      });
      const Row* const end = std::partition_point(begin, run.end(), [&](Row row) {
        const int order = compare_key(row, keys, i);
        if (order != 0 || high.words == nullptr) return order <= 0;
        const int value = compare_words(store_.at(range_column_, row), high.words[i], kind_, pool_);
        return high.inclusive ? value <= 0 : value < 0;
      });
      if (begin == end) continue;
      out.push_back({begin, static_cast<std::uint32_t>(end - begin)});
      lanes.push_back(static_cast<std::uint32_t>(i));
    }
  }
}

std::uint64_t OrderedIndex::distinct_keys() const {
  std::uint64_t distinct = 0;
  for (const Run& run : runs_) {
    for (std::size_t i = 0; i < run.size(); ++i) {
      const bool same = i > 0 && std::all_of(key_.begin(), key_.end(), [&](std::uint32_t column) {
                          return store_.at(column, run[i]) == store_.at(column, run[i - 1]);
                        });
      if (!same) ++distinct;
    }
  }
  return distinct;
}

std::uint64_t OrderedIndex::bytes_used() const {
  return std::accumulate(runs_.begin(), runs_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Run& run) { return sum + run.bytes(); });
}

void OrderedIndex::verify(const std::uint64_t* dead) const {
  std::vector<bool> seen(end_);
  for (const Run& run : runs_) {
    for (std::size_t i = 0; i < run.size(); ++i) {
      ENTAIL_ENSURE(run[i] < end_ && !seen[run[i]]);  // (1)
      seen[run[i]] = true;
      ENTAIL_ENSURE(i == 0 || compare_rows(run[i - 1], run[i]) < 0);  // (2)
    }
  }
  for (Row row = 0; row < end_; ++row) {
    const bool is_dead = dead != nullptr && (dead[row >> 6] >> (row & 63) & 1) != 0;
    ENTAIL_ENSURE(seen[row] != is_dead);  // (1)
  }
}

}  // namespace entail::vm
