// vm/aggregates.h - accumulators of count, sum, min, max and mean, for lanes and for groups.
//
// An AccumulatorSet has the same aggregates once per *lane*: a lane is a row of an outer batch (the
// per-binding form of Reduce) or a group of a GroupTable (the per-group form).
//
//     sum v : { row(_, k, v) }     outer batch  k = 7 | 9 | 4        lanes 0 1 2
//                                  step(origin = 0 0 2, value = 5 6 1)
//                                  result       11 | 0 | 1
//
// Results do not depend on the order of the steps, nor on how lanes were split over threads: integer
// sums wrap, float sums are exact and rounded once (vm/exact_sum.h), min and max are a total order.
//
// Threads: one at a time; merge() brings the sets of several workers together.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "vm/exact_sum.h"
#include "vm/program.h"
#include "vm/sql_aggregates.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::vm {

class AccumulatorSet {
 public:
  // Empties the set and gives it `lanes` lanes of the aggregates `kinds`.
  void begin(std::span<const AggregateKind> kinds, std::size_t lanes);
  // The same with SQL's aggregates among them: numbers from kSqlAggregate on are positions in `specs`.
  void begin(std::span<const std::uint16_t> kinds, std::span<const AggregateSpec> specs,
             std::size_t lanes);
  // More lanes, empty ones.
  void grow(std::size_t lanes);

  // Steps aggregate `position`: row i adds values[i] to lane origins[i], unless nulls[i] is 1.
  // `values` is not read by kCount, and `nulls` may be null.
  void step(std::size_t position, const std::uint32_t* origins, const Word* values,
            const Word* nulls, std::size_t n, const ValuePool& pool);
  // Steps all of them. `values` and `nulls` have one entry each, then `values` what SQL's need beside.
  void step_all(const std::uint32_t* origins, std::span<const Word* const> values,
                std::span<const Word* const> nulls, std::size_t n, const ValuePool& pool);

  // SQL's: whether the aggregate is one, and its result, which always exists.
  bool is_sql(std::size_t position) const { return aggregates_[position].sql != SIZE_MAX; }
  SqlAggregateResult sql_result(std::size_t position, std::size_t lane, ValuePool& pool) const {
    return sql_[aggregates_[position].sql].result(lane, pool);
  }

  // Whether the aggregate has a result for the lane: min, max and mean of nothing have none.
  bool has_result(std::size_t position, std::size_t lane) const;
  Word result(std::size_t position, std::size_t lane) const;

  // Adds the lane `from` of `other` to the lane `to` of this. REQUIRES: equal kinds.
  void merge_lane(std::size_t to, const AccumulatorSet& other, std::size_t from,
                  const ValuePool& pool);

  // The same for count distinct: the values of `other`'s lane l go to lane lane_of[l].
  void merge_distinct(const AccumulatorSet& other, std::span<const std::uint32_t> lane_of);

  std::size_t aggregate_count() const { return aggregates_.size(); }
  std::size_t lane_count() const { return lanes_; }

 private:
  struct LaneValue {
    std::uint32_t lane;
    Word value;
    friend bool operator==(const LaneValue&, const LaneValue&) = default;
    friend std::size_t hash_value(const LaneValue& v) {
      return (v.value ^ (static_cast<Word>(v.lane) << 40)) * 0x9e3779b97f4a7c15ULL;
    }
  };
  struct State {
    AggregateKind kind = AggregateKind::kCount;
    std::size_t sql = SIZE_MAX;  // Position in sql_; what follows is then unused.
    std::vector<std::uint64_t> counts;
    std::vector<Word> values;     // Sums that wrap, min, max.
    std::vector<Int128> wide;     // Integer means.
    std::vector<ExactSum> exact;  // Float sums and means.
    boost::unordered_flat_set<LaneValue> distinct;
  };

  std::vector<State> aggregates_;
  std::vector<SqlAccumulator> sql_;
  std::vector<std::size_t> extra_words_;  // Of each of sql_.
  std::size_t lanes_ = 0;
};

// Whether `candidate` replaces `current` under a min or max of this kind.
bool aggregate_prefers(AggregateKind kind, Word candidate, Word current, const ValuePool& pool);

// Groups by key words, each with a lane of accumulators, in order of first appearance.
class GroupTable {
 public:
  void begin(std::size_t key_words, std::span<const AggregateKind> kinds);
  void begin(std::size_t key_words, std::span<const std::uint16_t> kinds,
             std::span<const AggregateSpec> specs);

  // Rows given as one array per key word; values and nulls as in AccumulatorSet::step_all.
  void step(std::span<const Word* const> keys, std::span<const Word* const> values,
            std::span<const Word* const> nulls, std::size_t n, const ValuePool& pool);

  void merge(const GroupTable& other, const ValuePool& pool);

  std::size_t size() const { return size_; }
  std::size_t key_words() const { return key_words_; }
  Word key(std::size_t group, std::size_t word) const { return keys_[group * key_words_ + word]; }
  const AccumulatorSet& accumulators() const { return accumulators_; }
  // A group has a row only where every aggregate has a result.
  bool has_results(std::size_t group) const;
  std::uint64_t bytes_used() const;

 private:
  std::uint64_t hash_key(const Word* key) const;
  std::uint32_t find_or_add(const Word* key);
  void rehash(std::size_t slots);
  void clear(std::size_t key_words);

  std::size_t key_words_ = 0;
  std::size_t size_ = 0;
  std::vector<Word> keys_;
  std::vector<std::uint32_t> slots_;  // Group + 1; 0 is free.
  std::vector<std::uint32_t> origins_;
  std::vector<Word> one_key_;
  AccumulatorSet accumulators_;
};

}  // namespace entail::vm
