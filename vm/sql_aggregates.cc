#include "vm/sql_aggregates.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "vm/base/ensure.h"
#include "vm/datetime.h"
#include "vm/internal/scalar_call.h"
#include "vm/numeric.h"
#include "vm/value_codec.h"

namespace entail::vm {

namespace {

SqlAggregateResult absent() {
  SqlAggregateResult result;
  result.null = true;
  return result;
}

SqlAggregateResult one_word(Word word) {
  SqlAggregateResult result;
  result.words[0] = word;
  return result;
}

SqlAggregateResult failed(Word error) {
  SqlAggregateResult result;
  result.error = error;
  return result;
}

SqlAggregateResult give_numeric(const AggregateSpec& spec, const NumericValue& value,
                                ValuePool& pool) {
  std::string bytes;
  value.encode(spec.result == Type::displayed_numeric(), bytes);
  return one_word(pool.intern(bytes));
}

}  // namespace

bool sql_sums_integers(Type type) {
  return type.kind == TypeKind::kInt2 || type.kind == TypeKind::kInt4 ||
         type.kind == TypeKind::kInt8 || type.kind == TypeKind::kNumber;
}

double sql_float(Type type, Word word) {
  return type.kind == TypeKind::kFloat4 ? static_cast<double>(float_of(word)) : double_of(word);
}

NumericValue sql_numeric(const ValuePool& pool, Type type, Word word) {
  if (sql_sums_integers(type)) return NumericValue::of_integer(int_of(word));
  TextScratch scratch;
  return NumericValue::decode(pool.view(word, scratch));
}

SqlAccumulator::Keeps SqlAccumulator::keeps_of(const AggregateSpec& spec) {
  if (spec.distinct) return Keeps::kRows;
  switch (spec.op) {
    case SqlAggregate::kSum:
    case SqlAggregate::kAverage:
      if (sql_sums_integers(spec.argument)) return Keeps::kWide;
      if (spec.argument.kind == TypeKind::kNumeric) return Keeps::kNumeric;
      if (spec.argument.kind == TypeKind::kInterval) return Keeps::kInterval;
      return Keeps::kExact;
    case SqlAggregate::kCount:
      return Keeps::kWide;
    case SqlAggregate::kMin:
    case SqlAggregate::kMax:
    case SqlAggregate::kBoolAnd:
    case SqlAggregate::kBoolOr:
    case SqlAggregate::kBitAnd:
    case SqlAggregate::kBitOr:
    case SqlAggregate::kBitXor:
      return Keeps::kBest;
    default:
      return Keeps::kRows;
  }
}

SqlAccumulator::SqlAccumulator(const AggregateSpec& spec)
    : spec_(spec),
      keeps_(keeps_of(spec)),
      stride_(3 + spec.extra_words() - (value_words(spec.argument) - 1)) {}

void SqlAccumulator::grow(std::size_t lanes) {
  counts_.resize(lanes, 0);
  switch (keeps_) {
    case Keeps::kWide:
      wide_.resize(lanes, 0);
      break;
    case Keeps::kExact:
      exact_.resize(lanes);
      break;
    case Keeps::kNumeric:
      numeric_.resize(lanes);
      break;
    case Keeps::kInterval:
      intervals_.resize(lanes, {0, 0, 0});
      break;
    case Keeps::kBest:
      best_.resize(lanes, {0, 0});
      break;
    case Keeps::kRows:
      rows_.resize(lanes);
  }
}

void SqlAccumulator::add_best(std::size_t lane, Word word, Word low, const ValuePool& pool) {
  auto& best = best_[lane];
  if (counts_[lane] == 0) {
    best = {word, low};
    return;
  }
  switch (spec_.op) {
    case SqlAggregate::kMin:
    case SqlAggregate::kMax: {
      const Word candidate[2] = {word, low};
      const int order = compare_aggregated(pool, spec_.argument, candidate, best.data());
      if (spec_.op == SqlAggregate::kMin ? order < 0 : order > 0) best = {word, low};
      return;
    }
    case SqlAggregate::kBoolAnd:
    case SqlAggregate::kBitAnd:
      best[0] &= word;
      return;
    case SqlAggregate::kBoolOr:
    case SqlAggregate::kBitOr:
      best[0] |= word;
      return;
    default:
      best[0] ^= word;
  }
}

void SqlAccumulator::add(std::size_t lane, Word word, Word low, const ValuePool& pool) {
  switch (keeps_) {
    case Keeps::kWide:
      if (spec_.op != SqlAggregate::kCount) wide_[lane] += int_of(word);
      break;
    case Keeps::kExact:
      exact_[lane].add(sql_float(spec_.argument, word));
      break;
    case Keeps::kNumeric: {
      NumericValue sum;
      static_cast<void>(numeric_add(numeric_[lane], sql_numeric(pool, spec_.argument, word), sum));
      numeric_[lane] = std::move(sum);
      break;
    }
    case Keeps::kInterval: {
      const Interval interval = interval_of(word, low);
      intervals_[lane][0] += interval.months;
      intervals_[lane][1] += interval.days;
      intervals_[lane][2] += interval.micros;
      break;
    }
    case Keeps::kBest:
      add_best(lane, word, low, pool);
      break;
    case Keeps::kRows:
      ENTAIL_UNREACHABLE("rows are kept whole");
  }
  ++counts_[lane];
}

void SqlAccumulator::step(const std::uint32_t* origins, const Word* values, const Word* nulls,
                          std::span<const Word* const> extras, std::size_t n,
                          const ValuePool& pool) {
  const bool wide = value_words(spec_.argument) == 2;
  const bool counts_nulls = spec_.op == SqlAggregate::kArrayAgg;
  const std::size_t first = wide ? 1 : 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Word flag = nulls != nullptr ? nulls[i] : 0;
    if (flag > 1 || (flag == 1 && !counts_nulls)) continue;
    const std::size_t lane = origins[i];
    const Word word = values != nullptr ? values[i] : 0, low = wide ? extras[0][i] : 0;
    if (keeps_ != Keeps::kRows) {
      add(lane, word, low, pool);
      continue;
    }
    auto& rows = rows_[lane];
    rows.insert(rows.end(), {word, low, flag});
    for (std::size_t k = first; k < extras.size(); ++k) {
      rows.push_back(extras[k] != nullptr ? extras[k][i] : 0);
    }
    ++counts_[lane];
  }
}

void SqlAccumulator::merge_lane(std::size_t to, const SqlAccumulator& other, std::size_t from,
                                const ValuePool& pool) {
  if (other.counts_[from] == 0) return;
  switch (keeps_) {
    case Keeps::kWide:
      wide_[to] += other.wide_[from];
      break;
    case Keeps::kExact:
      exact_[to].merge(other.exact_[from]);
      break;
    case Keeps::kNumeric: {
      NumericValue sum;
      static_cast<void>(numeric_add(numeric_[to], other.numeric_[from], sum));
      numeric_[to] = std::move(sum);
      break;
    }
    case Keeps::kInterval:
      for (std::size_t i = 0; i < 3; ++i) intervals_[to][i] += other.intervals_[from][i];
      break;
    case Keeps::kBest:
      add_best(to, other.best_[from][0], other.best_[from][1], pool);
      break;
    case Keeps::kRows:
      rows_[to].insert(rows_[to].end(), other.rows_[from].begin(), other.rows_[from].end());
  }
  counts_[to] += other.counts_[from];
}

void SqlAccumulator::reset(std::size_t lane) {
  counts_[lane] = 0;
  switch (keeps_) {
    case Keeps::kWide:
      wide_[lane] = 0;
      break;
    case Keeps::kExact:
      exact_[lane] = ExactSum();
      break;
    case Keeps::kNumeric:
      numeric_[lane] = NumericValue();
      break;
    case Keeps::kInterval:
      intervals_[lane] = {0, 0, 0};
      break;
    case Keeps::kBest:
      break;  // The first value replaces it.
    case Keeps::kRows:
      rows_[lane].clear();
  }
}

std::vector<const Word*> SqlAccumulator::ordered(std::size_t lane, const ValuePool& pool) const {
  const std::vector<Word>& words = rows_[lane];
  std::vector<const Word*> rows;
  for (std::size_t at = 0; at < words.size(); at += stride_) rows.push_back(words.data() + at);
  const auto by_value = [&](const Word* a, const Word* b) {
    if (a[2] != b[2]) return a[2] < b[2] ? -1 : 1;  // Nulls last.
    return a[2] != 0 ? 0 : compare_values(pool, spec_.argument, false, a, b);
  };
  const std::size_t delimiter = spec_.op == SqlAggregate::kStringAgg ? 2 : 0;
  const auto less = [&](const Word* a, const Word* b) {
    std::size_t at = 3 + delimiter;
    for (const AggregateOrder& item : spec_.order) {
      const SortStyle style{item.descending, item.nulls_first};
      const int order = compare_values(pool, item.type, item.nullable, a + at, b + at, style);
      if (order != 0) return order < 0;
      at += words_of(item.type, item.nullable);
    }
    if (const int order = by_value(a, b); order != 0) return order < 0;
    return delimiter != 0 && a[3] != b[3] && pool.compare_text(a[3], b[3]) < 0;
  };
  if (spec_.distinct) {  // The first of equal values in the order stays.
    std::sort(rows.begin(), rows.end(), [&](const Word* a, const Word* b) {
      const int order = by_value(a, b);
      return order != 0 ? order < 0 : less(a, b);
    });
    rows.erase(std::unique(rows.begin(), rows.end(),
                           [&](const Word* a, const Word* b) { return by_value(a, b) == 0; }),
               rows.end());
  }
  std::sort(rows.begin(), rows.end(), less);
  return rows;
}

SqlAggregateResult SqlAccumulator::deviation(const std::vector<const Word*>& rows,
                                             ValuePool& pool) const {
  const bool sample = spec_.op == SqlAggregate::kVarSamp || spec_.op == SqlAggregate::kStddevSamp;
  const bool root = spec_.op == SqlAggregate::kStddevPop || spec_.op == SqlAggregate::kStddevSamp;
  const auto n = static_cast<std::int64_t>(rows.size());
  if (n == 0 || (sample && n == 1)) return absent();
  if (spec_.argument.kind == TypeKind::kFloat4 || spec_.argument.kind == TypeKind::kFloat8) {
    ExactSum sum, squares;
    for (const Word* row : rows) sum.add(sql_float(spec_.argument, row[0]));
    const double mean = sum.mean(n);
    for (const Word* row : rows) {
      const double distance = sql_float(spec_.argument, row[0]) - mean;
      squares.add(distance * distance);
    }
    const double variance = squares.result() / static_cast<double>(sample ? n - 1 : n);
    return one_word(double_word(root ? std::sqrt(variance) : variance));
  }
  // (n * sum of squares - square of the sum) / (n * n), or n * (n - 1).
  NumericValue sum, squares, square, next;
  for (const Word* row : rows) {
    const NumericValue value = sql_numeric(pool, spec_.argument, row[0]);
    static_cast<void>(numeric_add(sum, value, next));
    sum = next;
    static_cast<void>(numeric_multiply(value, value, square));
    static_cast<void>(numeric_add(squares, square, next));
    squares = next;
  }
  if (!sum.is_finite()) return give_numeric(spec_, NumericValue::special(NumericKind::kNan), pool);
  static_cast<void>(numeric_multiply(squares, NumericValue::of_integer(n), next));
  static_cast<void>(numeric_multiply(sum, sum, square));
  NumericValue numerator;
  static_cast<void>(numeric_subtract(next, square, numerator));
  if (numerator.sign() <= 0) return give_numeric(spec_, NumericValue::of_integer(0), pool);
  const NumericValue denominator =
      NumericValue::of_integer(static_cast<Int128>(n) * (sample ? n - 1 : n));
  const std::int32_t scale = quotient_scale(numerator, denominator);
  NumericValue variance, out;
  static_cast<void>(numeric_divide_to(numerator, denominator, scale, variance));
  if (!root) return give_numeric(spec_, variance, pool);
  static_cast<void>(numeric_sqrt_to(variance, scale, out));
  return give_numeric(spec_, out, pool);
}

SqlAggregateResult SqlAccumulator::of_rows(std::size_t lane, ValuePool& pool) const {
  const std::vector<const Word*> rows = ordered(lane, pool);
  switch (spec_.op) {
    case SqlAggregate::kArrayAgg: {
      if (rows.empty()) return absent();
      const TypeId id = spec_.result.detail;
      const unsigned count = value_words(spec_.argument);
      const bool nullable = pool.types().array_element_nullable(id);
      std::vector<Word> words;
      for (const Word* row : rows) {
        for (unsigned w = 0; w < count; ++w) words.push_back(row[2] != 0 ? 0 : row[w]);
        if (nullable) words.push_back(row[2]);
      }
      return one_word(pool.intern_record(id, words));
    }
    case SqlAggregate::kStringAgg: {
      if (rows.empty()) return absent();
      std::string out;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        TextScratch scratch;
        if (i > 0 && rows[i][4] == 0) out += pool.view(rows[i][3], scratch);
        out += pool.view(rows[i][0], scratch);
      }
      return one_word(pool.intern(out));
    }
    case SqlAggregate::kVarPop:
    case SqlAggregate::kVarSamp:
    case SqlAggregate::kStddevPop:
    case SqlAggregate::kStddevSamp:
      return deviation(rows, pool);
    default: {  // The others, over what is distinct.
      AggregateSpec plain = spec_;
      plain.distinct = false;
      SqlAccumulator once(plain);
      once.grow(1);
      for (const Word* row : rows) once.add(0, row[0], row[1], pool);
      return once.result(0, pool);
    }
  }
}

SqlAggregateResult SqlAccumulator::result(std::size_t lane, ValuePool& pool) const {
  const std::int64_t count = counts_[lane];
  if (keeps_ == Keeps::kRows) return of_rows(lane, pool);
  if (spec_.op == SqlAggregate::kCount) return one_word(static_cast<Word>(count));
  if (count == 0) return absent();
  switch (keeps_) {
    case Keeps::kWide:
      return sql_result_of_integers(spec_, wide_[lane], count, pool);
    case Keeps::kExact:
      return sql_result_of_floats(spec_, exact_[lane], count);
    case Keeps::kNumeric:
      return sql_result_of_numerics(spec_, numeric_[lane], count, pool);
    case Keeps::kInterval:
      return sql_result_of_intervals(spec_, intervals_[lane], count, pool);
    default: {
      SqlAggregateResult result;
      result.words = best_[lane];
      return result;
    }
  }
}

// ------------------------------------------------------------------------------ results

SqlAggregateResult sql_result_of_integers(const AggregateSpec& spec, Int128 sum, std::int64_t count,
                                          ValuePool& pool) {
  if (spec.op == SqlAggregate::kAverage) {
    return sql_result_of_numerics(spec, NumericValue::of_integer(sum), count, pool);
  }
  if (spec.result.kind == TypeKind::kNumeric) {
    return give_numeric(spec, NumericValue::of_integer(sum), pool);
  }
  if (!fits_int64(sum)) return failed(kBigintOutOfRange);
  return one_word(int_word(static_cast<std::int64_t>(sum)));
}

SqlAggregateResult sql_result_of_numerics(const AggregateSpec& spec, const NumericValue& sum,
                                          std::int64_t count, ValuePool& pool) {
  if (spec.op != SqlAggregate::kAverage) return give_numeric(spec, sum, pool);
  NumericValue mean;
  static_cast<void>(numeric_divide(sum, NumericValue::of_integer(count), mean));
  return give_numeric(spec, mean, pool);
}

SqlAggregateResult sql_result_of_floats(const AggregateSpec& spec, const ExactSum& sum,
                                        std::int64_t count) {
  if (spec.op == SqlAggregate::kAverage) return one_word(double_word(sum.mean(count)));
  if (spec.result.kind == TypeKind::kFloat4) return one_word(float_word(sum.result_float()));
  return one_word(double_word(sum.result()));
}

SqlAggregateResult sql_result_of_intervals(const AggregateSpec& spec,
                                           const std::array<Int128, 3>& sum, std::int64_t count,
                                           ValuePool& pool) {
  if (sum[0] < INT32_MIN || sum[0] > INT32_MAX || sum[1] < INT32_MIN || sum[1] > INT32_MAX ||
      !fits_int64(sum[2])) {
    return failed(kIntervalOutOfRange);
  }
  const WordPair pair =
      interval_words({static_cast<std::int32_t>(sum[0]), static_cast<std::int32_t>(sum[1]),
                      static_cast<std::int64_t>(sum[2])});
  SqlAggregateResult result;
  result.words = {pair.high, pair.low};
  if (spec.op != SqlAggregate::kAverage) return result;
  ScalarContext context(pool);
  ScalarCall call(context, spec.result, {spec.argument, Type::float8()});
  call.arguments()[0].word = pair.high;
  call.arguments()[0].low = pair.low;
  call.arguments()[1].word = double_word(static_cast<double>(count));
  scalar::kIntervalDivided(call);
  result.words = {call.word, call.low};
  result.error = call.error;
  return result;
}

int compare_aggregated(const ValuePool& pool, Type type, const Word* left, const Word* right) {
  const int order = compare_values(pool, type, false, left, right);
  if (order != 0 || type.kind != TypeKind::kNumeric) return order;
  return pool.compare_text(left[0], right[0]);
}

}  // namespace entail::vm
