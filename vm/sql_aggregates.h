// vm/sql_aggregates.h - one SQL aggregate, for every lane of a batch or every group.
//
// What it keeps depends on what it computes:
//
//     sum, avg of integers      a 128-bit sum            of floats    an exact sum (vm/exact_sum.h)
//     sum, avg of numeric       a numeric                of interval  three 128-bit sums
//     min, max, bool_*, bit_*   the value so far
//     var*, stddev*, string_agg, array_agg, and everything DISTINCT      the values
//
// So results do not depend on the order of the steps: what keeps values puts them into the order that was
// asked for, ties and the rest by the values' own order, before it uses them.
//
// Threads: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "vm/exact_sum.h"
#include "vm/numeric_value.h"
#include "vm/program.h"
#include "vm/value_pool.h"

namespace entail::vm {

struct SqlAggregateResult {
  std::array<Word, 2> words{};
  bool null = false;
  Word error = 0;
};

// Results from what is kept, for whoever keeps it. REQUIRES: count > 0, of the values that are in it.
SqlAggregateResult sql_result_of_integers(const AggregateSpec& spec, Int128 sum, std::int64_t count,
                                          ValuePool& pool);
SqlAggregateResult sql_result_of_numerics(const AggregateSpec& spec, const NumericValue& sum,
                                          std::int64_t count, ValuePool& pool);
SqlAggregateResult sql_result_of_floats(const AggregateSpec& spec, const ExactSum& sum,
                                        std::int64_t count);
// Sums of months, days and microseconds.
SqlAggregateResult sql_result_of_intervals(const AggregateSpec& spec,
                                           const std::array<Int128, 3>& sum, std::int64_t count,
                                           ValuePool& pool);
// Arguments of those.
double sql_float(Type type, Word word);
NumericValue sql_numeric(const ValuePool& pool, Type type, Word word);
bool sql_sums_integers(Type type);  // In 128 bits.
// What ties are broken by where values are equal and not the same: those of numerics by what they display.
int compare_aggregated(const ValuePool& pool, Type type, const Word* left, const Word* right);

class SqlAccumulator {
 public:
  explicit SqlAccumulator(const AggregateSpec& spec);

  void grow(std::size_t lanes);

  // Row i belongs to lane origins[i]; values[0] is the value's first word, `extras` what
  // AggregateSpec::extra_words() says. A null flag of 1 is a null, 2 and more a row that FILTER dropped.
  void step(const std::uint32_t* origins, const Word* values, const Word* nulls,
            std::span<const Word* const> extras, std::size_t n, const ValuePool& pool);

  void merge_lane(std::size_t to, const SqlAccumulator& other, std::size_t from,
                  const ValuePool& pool);

  // Empties a lane.
  void reset(std::size_t lane);
  // Whether merge_lane() costs the same however many rows the lanes have taken.
  bool merges_at_once() const { return keeps_ != Keeps::kRows; }

  SqlAggregateResult result(std::size_t lane, ValuePool& pool) const;

 private:
  enum class Keeps : std::uint8_t { kWide, kExact, kNumeric, kInterval, kBest, kRows };

  static Keeps keeps_of(const AggregateSpec& spec);
  void add(std::size_t lane, Word word, Word low, const ValuePool& pool);
  void add_best(std::size_t lane, Word word, Word low, const ValuePool& pool);
  // The kept rows of a lane in the order that they are used in, without repetitions if DISTINCT.
  std::vector<const Word*> ordered(std::size_t lane, const ValuePool& pool) const;
  SqlAggregateResult of_rows(std::size_t lane, ValuePool& pool) const;
  SqlAggregateResult deviation(const std::vector<const Word*>& rows, ValuePool& pool) const;

  AggregateSpec spec_;
  Keeps keeps_;
  std::size_t stride_ = 0;  // Of kept rows: two value words, the null flag, then the extras.
  std::vector<std::int64_t> counts_;
  std::vector<Int128> wide_;
  std::vector<ExactSum> exact_;
  std::vector<NumericValue> numeric_;
  std::vector<std::array<Int128, 3>> intervals_;
  std::vector<std::array<Word, 2>> best_;
  std::vector<std::vector<Word>> rows_;
};

}  // namespace entail::vm
