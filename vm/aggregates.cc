#include "vm/aggregates.h"

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"

namespace entail::vm {

namespace {

bool is_sum(AggregateKind kind) {
  return kind == AggregateKind::kSumI || kind == AggregateKind::kSumU;
}

bool is_exact(AggregateKind kind) {
  return kind == AggregateKind::kSumF || kind == AggregateKind::kSumF32 ||
         kind == AggregateKind::kMeanF || kind == AggregateKind::kMeanF32;
}

bool is_integer_mean(AggregateKind kind) {
  return kind == AggregateKind::kMeanI || kind == AggregateKind::kMeanU;
}

bool is_extremum(AggregateKind kind) {
  return kind >= AggregateKind::kMinI && kind <= AggregateKind::kMaxText;
}

// The sum as a double holds it: what a plain running sum goes on from.
ExactSum rounded(const ExactSum& sum) {
  ExactSum result;
  result.add(sum.result());
  return result;
}

bool is_float32(AggregateKind kind) {
  return kind == AggregateKind::kSumF32 || kind == AggregateKind::kMeanF32;
}

template <typename Prefers>
void step_extremum(const std::uint32_t* origins, const Word* values, const Word* nulls,
                   std::size_t n, std::vector<std::uint64_t>& counts, std::vector<Word>& best,
                   Prefers prefers) {
  for (std::size_t i = 0; i < n; ++i) {
    if (nulls != nullptr && nulls[i] != 0) continue;
    const std::uint32_t lane = origins[i];
    if (counts[lane]++ == 0 || prefers(values[i], best[lane])) best[lane] = values[i];
  }
}

}  // namespace

bool aggregate_prefers(AggregateKind kind, Word candidate, Word current, const ValuePool& pool) {
  switch (kind) {
    case AggregateKind::kMinI:
      return int_of(candidate) < int_of(current);
    case AggregateKind::kMaxI:
      return int_of(candidate) > int_of(current);
    case AggregateKind::kMinU:
      return candidate < current;
    case AggregateKind::kMaxU:
      return candidate > current;
    // NaN sorts above every number, as in PostgreSQL, so that min and max are a total order.
    case AggregateKind::kMinF:
    case AggregateKind::kMaxF: {
      const double a = double_of(candidate), b = double_of(current);
      const bool a_nan = a != a, b_nan = b != b;
      if (kind == AggregateKind::kMinF) return a_nan ? false : (b_nan || a < b);
      return b_nan ? false : (a_nan || a > b);
    }
    case AggregateKind::kMinText:
      if (ENTAIL_PLANT_BUG(21)) return candidate < current;
      return pool.compare_text(candidate, current) < 0;
    case AggregateKind::kMaxText:
      return pool.compare_text(candidate, current) > 0;
    default:
      ENTAIL_UNREACHABLE("not a min or max");
  }
}

void AccumulatorSet::begin(std::span<const AggregateKind> kinds, std::size_t lanes) {
  sql_.clear();
  extra_words_.clear();
  aggregates_.resize(kinds.size());
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    State& state = aggregates_[k];
    state.kind = kinds[k];
    state.sql = SIZE_MAX;
    state.counts.clear();
    state.values.clear();
    state.wide.clear();
    state.exact.clear();
    state.distinct.clear();
  }
  lanes_ = 0;
  grow(lanes);
}

void AccumulatorSet::begin(std::span<const std::uint16_t> kinds,
                           std::span<const AggregateSpec> specs, std::size_t lanes) {
  std::vector<AggregateKind> plain;
  for (const std::uint16_t kind : kinds) {
    plain.push_back(kind < kSqlAggregate ? static_cast<AggregateKind>(kind)
                                         : AggregateKind::kCount);
  }
  begin(plain, 0);
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    if (kinds[k] < kSqlAggregate) continue;
    aggregates_[k].sql = sql_.size();
    const AggregateSpec& spec = specs[kinds[k] - kSqlAggregate];
    sql_.emplace_back(spec);
    extra_words_.push_back(spec.extra_words());
  }
  grow(lanes);
}

void AccumulatorSet::step_all(const std::uint32_t* origins, std::span<const Word* const> values,
                              std::span<const Word* const> nulls, std::size_t n,
                              const ValuePool& pool) {
  std::size_t extra = aggregates_.size();
  for (std::size_t k = 0; k < aggregates_.size(); ++k) {
    const std::size_t sql = aggregates_[k].sql;
    if (sql == SIZE_MAX) {
      step(k, origins, values[k], nulls[k], n, pool);
      continue;
    }
    sql_[sql].step(origins, values[k], nulls[k], values.subspan(extra, extra_words_[sql]), n, pool);
    extra += extra_words_[sql];
  }
}

void AccumulatorSet::grow(std::size_t lanes) {
  lanes_ = lanes;
  for (SqlAccumulator& accumulator : sql_) accumulator.grow(lanes);
  for (State& state : aggregates_) {
    if (state.sql != SIZE_MAX) continue;
    state.counts.resize(lanes, 0);
    if (is_sum(state.kind) || is_extremum(state.kind)) state.values.resize(lanes, 0);
    if (is_integer_mean(state.kind)) state.wide.resize(lanes, 0);
    if (is_exact(state.kind)) state.exact.resize(lanes);
  }
}

void AccumulatorSet::step(std::size_t position, const std::uint32_t* origins, const Word* values,
                          const Word* nulls, std::size_t n, const ValuePool& pool) {
  State& state = aggregates_[position];
  auto& counts = state.counts;
  switch (state.kind) {
    case AggregateKind::kCount:
      for (std::size_t i = 0; i < n; ++i) counts[origins[i]] += nulls == nullptr || nulls[i] == 0;
      return;
    case AggregateKind::kCountDistinct:
      for (std::size_t i = 0; i < n; ++i) {
        if (nulls != nullptr && nulls[i] != 0) continue;
        if (state.distinct.insert({origins[i], values[i]}).second) ++counts[origins[i]];
      }
      return;
    case AggregateKind::kSumI:
    case AggregateKind::kSumU:
      for (std::size_t i = 0; i < n; ++i) {
        if (nulls != nullptr && nulls[i] != 0) continue;
        state.values[origins[i]] += values[i];
        ++counts[origins[i]];
      }
      return;
    case AggregateKind::kMeanI:
    case AggregateKind::kMeanU:
      for (std::size_t i = 0; i < n; ++i) {
        if (nulls != nullptr && nulls[i] != 0) continue;
        state.wide[origins[i]] += state.kind == AggregateKind::kMeanI
                                      ? static_cast<Int128>(int_of(values[i]))
                                      : static_cast<Int128>(static_cast<Uint128>(values[i]));
        ++counts[origins[i]];
      }
      return;
    case AggregateKind::kSumF:
    case AggregateKind::kMeanF:
    case AggregateKind::kSumF32:
    case AggregateKind::kMeanF32: {
      const bool narrow = is_float32(state.kind);
      for (std::size_t i = 0; i < n; ++i) {
        if (nulls != nullptr && nulls[i] != 0) continue;
        const double value =
            narrow ? static_cast<double>(float_of(values[i])) : double_of(values[i]);
        if (ENTAIL_PLANT_BUG(19)) state.exact[origins[i]] = rounded(state.exact[origins[i]]);
        state.exact[origins[i]].add(value);
        ++counts[origins[i]];
      }
      return;
    }
    case AggregateKind::kMinI:
      return step_extremum(origins, values, nulls, n, counts, state.values,
                           [](Word a, Word b) { return int_of(a) < int_of(b); });
    case AggregateKind::kMaxI:
      return step_extremum(origins, values, nulls, n, counts, state.values,
                           [](Word a, Word b) { return int_of(a) > int_of(b); });
    case AggregateKind::kMinU:
      return step_extremum(origins, values, nulls, n, counts, state.values,
                           [](Word a, Word b) { return a < b; });
    case AggregateKind::kMaxU:
      return step_extremum(origins, values, nulls, n, counts, state.values,
                           [](Word a, Word b) { return a > b; });
    case AggregateKind::kMinF:
    case AggregateKind::kMaxF:
    case AggregateKind::kMinText:
    case AggregateKind::kMaxText:
      return step_extremum(origins, values, nulls, n, counts, state.values, [&](Word a, Word b) {
        return aggregate_prefers(state.kind, a, b, pool);
      });
  }
}

bool AccumulatorSet::has_result(std::size_t position, std::size_t lane) const {
  const State& state = aggregates_[position];
  if (state.sql != SIZE_MAX) return true;
  if (ENTAIL_PLANT_BUG(5) && state.counts[lane] == 0) return false;
  const bool needs_rows = is_extremum(state.kind) || is_integer_mean(state.kind) ||
                          state.kind == AggregateKind::kMeanF ||
                          state.kind == AggregateKind::kMeanF32;
  return !needs_rows || state.counts[lane] != 0;
}

Word AccumulatorSet::result(std::size_t position, std::size_t lane) const {
  const State& state = aggregates_[position];
  const auto count = state.counts[lane];
  switch (state.kind) {
    case AggregateKind::kCount:
    case AggregateKind::kCountDistinct:
      return count;
    case AggregateKind::kMeanI:
    case AggregateKind::kMeanU:
      return double_word(mean_of_int128(state.wide[lane], static_cast<std::int64_t>(count)));
    case AggregateKind::kSumF:
      return double_word(state.exact[lane].result());
    case AggregateKind::kSumF32:
      return float_word(state.exact[lane].result_float());
    case AggregateKind::kMeanF:
      return double_word(state.exact[lane].mean(static_cast<std::int64_t>(count)));
    case AggregateKind::kMeanF32:
      return float_word(state.exact[lane].mean_float(static_cast<std::int64_t>(count)));
    default:
      return state.values[lane];
  }
}

void AccumulatorSet::merge_lane(std::size_t to, const AccumulatorSet& other, std::size_t from,
                                const ValuePool& pool) {
  for (std::size_t k = 0; k < aggregates_.size(); ++k) {
    State& state = aggregates_[k];
    const State& source = other.aggregates_[k];
    if (state.sql != SIZE_MAX) {
      sql_[state.sql].merge_lane(to, other.sql_[source.sql], from, pool);
      continue;
    }
    if (state.kind == AggregateKind::kCountDistinct)
      continue;  // GroupTable::merge steps the values.
    if (source.counts[from] == 0) continue;
    if (is_extremum(state.kind)) {
      if (state.counts[to] == 0 ||
          aggregate_prefers(state.kind, source.values[from], state.values[to], pool)) {
        state.values[to] = source.values[from];
      }
    } else if (is_sum(state.kind)) {
      state.values[to] += source.values[from];
    } else if (is_integer_mean(state.kind)) {
      state.wide[to] += source.wide[from];
    } else if (is_exact(state.kind)) {
      state.exact[to].merge(source.exact[from]);
    }
    state.counts[to] += source.counts[from];
  }
}

void AccumulatorSet::merge_distinct(const AccumulatorSet& other,
                                    std::span<const std::uint32_t> lane_of) {
  for (std::size_t k = 0; k < aggregates_.size(); ++k) {
    State& state = aggregates_[k];
    if (state.sql != SIZE_MAX || state.kind != AggregateKind::kCountDistinct) continue;
    for (const LaneValue& item : other.aggregates_[k].distinct) {
      const std::uint32_t lane = lane_of[item.lane];
      if (state.distinct.insert({lane, item.value}).second || ENTAIL_PLANT_BUG(29)) {
        ++state.counts[lane];
      }
    }
  }
}

// ------------------------------------------------------------------------------ groups

void GroupTable::begin(std::size_t key_words, std::span<const AggregateKind> kinds) {
  clear(key_words);
  accumulators_.begin(kinds, 0);
}

void GroupTable::begin(std::size_t key_words, std::span<const std::uint16_t> kinds,
                       std::span<const AggregateSpec> specs) {
  clear(key_words);
  accumulators_.begin(kinds, specs, 0);
}

void GroupTable::clear(std::size_t key_words) {
  key_words_ = key_words;
  size_ = 0;
  keys_.clear();
  slots_.assign(64, 0);
  one_key_.assign(std::max<std::size_t>(key_words, 1), 0);
}

void GroupTable::rehash(std::size_t slots) {
  slots_.assign(slots, 0);
  const std::size_t mask = slots - 1;
  for (std::size_t group = 0; group < size_; ++group) {
    std::size_t at = hash_key(keys_.data() + group * key_words_) & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = static_cast<std::uint32_t>(group + 1);
  }
}

std::uint64_t GroupTable::hash_key(const Word* key) const {
  std::uint64_t hash = 0x9e3779b97f4a7c15ULL;
  for (std::size_t w = 0; w < key_words_; ++w) {
    hash = (hash ^ key[w]) * 0xff51afd7ed558ccdULL;
    hash ^= hash >> 32;
  }
  return hash;
}

std::uint32_t GroupTable::find_or_add(const Word* key) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash_key(key) & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    const std::uint32_t group = slots_[at] - 1;
    if (std::equal(key, key + key_words_, keys_.data() + group * key_words_)) return group;
  }
  slots_[at] = static_cast<std::uint32_t>(size_ + 1);
  keys_.insert(keys_.end(), key, key + key_words_);
  const auto group = static_cast<std::uint32_t>(size_++);
  if (size_ * 10 >= slots_.size() * 7) rehash(slots_.size() * 2);
  return group;
}

void GroupTable::step(std::span<const Word* const> keys, std::span<const Word* const> values,
                      std::span<const Word* const> nulls, std::size_t n, const ValuePool& pool) {
  origins_.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t w = 0; w < key_words_; ++w) one_key_[w] = keys[w][i];
    origins_[i] = find_or_add(one_key_.data());
  }
  if (size_ > accumulators_.lane_count()) accumulators_.grow(size_);
  accumulators_.step_all(origins_.data(), values, nulls, n, pool);
}

void GroupTable::merge(const GroupTable& other, const ValuePool& pool) {
  std::vector<std::uint32_t> lane_of(other.size_);
  for (std::size_t group = 0; group < other.size_; ++group) {
    lane_of[group] = find_or_add(&other.keys_[group * key_words_]);
    if (size_ > accumulators_.lane_count()) accumulators_.grow(size_);
    accumulators_.merge_lane(lane_of[group], other.accumulators_, group, pool);
  }
  accumulators_.merge_distinct(other.accumulators_, lane_of);
}

bool GroupTable::has_results(std::size_t group) const {
  for (std::size_t k = 0; k < accumulators_.aggregate_count(); ++k) {
    if (!accumulators_.has_result(k, group)) return false;
  }
  return true;
}

std::uint64_t GroupTable::bytes_used() const {
  return keys_.capacity() * sizeof(Word) + slots_.capacity() * sizeof(std::uint32_t);
}

}  // namespace entail::vm
