#include "vm/standing_groups.h"

#include <algorithm>
#include <string>
#include <utility>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/datetime.h"

namespace entail::vm {

namespace {

constexpr std::size_t kAggregatesMax = 255;
constexpr std::size_t kPrefetchAhead = 16;
constexpr Word kSignBit = Word{1} << 63;

// Doubles in their total order, NaN above all, as unsigned numbers.
Word float_order(Word bits) { return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit; }
Word float_of_order(Word key) { return (key & kSignBit) != 0 ? key & ~kSignBit : ~key; }

// The same for floats of 32 bits.
constexpr Word kFloat4SignBit = Word{1} << 31;
Word float4_order(Word bits) {
  return (bits & kFloat4SignBit) != 0 ? ~bits & 0xffffffffU : bits | kFloat4SignBit;
}
Word float4_of_order(Word key) {
  return (key & kFloat4SignBit) != 0 ? key & ~kFloat4SignBit : ~key & 0xffffffffU;
}

bool flag_of(const std::vector<bool>& flags, std::size_t position, bool otherwise) {
  return flags.empty() ? otherwise : flags[position];
}

constexpr std::uint32_t kWideWords = 2;
constexpr std::uint32_t kIntervalParts = 3;

Int128 wide_of(const Word* words) { return int128_of(words[1], words[0]); }

void add_wide(Word* words, Int128 value) {
  const WordPair sum = int128_words(
      static_cast<Int128>(static_cast<Uint128>(wide_of(words)) + static_cast<Uint128>(value)));
  words[0] = sum.low;
  words[1] = sum.high;
}

// Calls visit(i) for the rows whose argument is not null.
template <typename Visit>
void for_each_value(const Word* nulls, std::size_t n, Visit visit) {
  for (std::size_t i = 0; i < n; ++i) {
    if (nulls == nullptr || nulls[i] == 0) visit(i);
  }
}

}  // namespace

// ------------------------------------------------------------------------------ making

Expected<std::unique_ptr<StandingGroups>> StandingGroups::create(Options options) {
  const std::size_t count = options.kinds.size();
  if (count > kAggregatesMax) {
    return unexpected(ErrorCode::kUnsupported, "a group with " + std::to_string(count) +
                                                   " aggregates; the limit is " +
                                                   std::to_string(kAggregatesMax));
  }
  ENTAIL_ENSURE(options.key_handles.empty() || options.key_handles.size() == options.key_words);
  ENTAIL_ENSURE(options.argument_handles.empty() || options.argument_handles.size() == count);
  ENTAIL_ENSURE(options.argument_nullable.empty() || options.argument_nullable.size() == count);
  ENTAIL_ENSURE(options.sql.empty() || options.sql.size() == count);
  return std::unique_ptr<StandingGroups>(new StandingGroups(std::move(options)));
}

StandingGroups::StandingGroups(Options options)
    : options_(std::move(options)),
      records_(options_.budget),
      map_(options_.budget),
      multisets_(options_.pool, options_.budget),
      exacts_(options_.budget),
      numerics_(options_.budget),
      touched_(options_.budget),
      saved_(options_.budget),
      log_(options_.budget),
      key_pointers_(options_.key_words) {
  lay_out();
  results_.resize(result_words_);
}

StandingGroups::~StandingGroups() {
  abort();
  release_all();
}

bool StandingGroups::follows(const AggregateSpec& spec, const TypeTable& types) {
  if (!spec.order.empty()) return false;
  const Type type = spec.argument;
  const bool one_word = value_words(type) == 1;
  // Kept values are told apart by their words.
  const bool is_displayed = type == Type::displayed_numeric();
  if (spec.distinct && (!one_word || is_displayed)) return false;
  switch (spec.op) {
    case SqlAggregate::kCount:
    case SqlAggregate::kBoolAnd:
    case SqlAggregate::kBoolOr:
    case SqlAggregate::kBitXor:
      return true;
    case SqlAggregate::kSum:
    case SqlAggregate::kAverage:
      return sql_sums_integers(type) || type.kind == TypeKind::kNumeric ||
             type.kind == TypeKind::kFloat4 || type.kind == TypeKind::kFloat8 ||
             type.kind == TypeKind::kInterval;
    case SqlAggregate::kMin:
    case SqlAggregate::kMax:
      if (type.kind == TypeKind::kAdt) return types.is_ordinal_adt(type.detail);
      return one_word && type.kind != TypeKind::kRecord && type.kind != TypeKind::kArray;
    default:
      return false;
  }
}

void StandingGroups::describe(AggregateKind kind, Aggregate& aggregate) {
  using enum AggregateKind;
  using enum KeyOrder;
  aggregate.kind = kind;
  const auto is = [&](Form form, bool is_mean = false) {
    aggregate.form = form;
    aggregate.is_mean = is_mean;
  };
  const auto is_extremum = [&](KeyOrder order, bool backwards) {
    aggregate.form = Form::kExtremum;
    aggregate.key_order = order;
    aggregate.backwards = backwards;
  };
  switch (kind) {
    case kCount:
      return is(Form::kCount);
    case kCountDistinct:
      return is(Form::kDistinct);
    case kSumI:
    case kSumU:
      return is(Form::kSum);
    case kMeanU:
      aggregate.is_wide_unsigned = true;
      return is(Form::kWideSum, true);
    case kMeanI:
      return is(Form::kWideSum, true);
    case kSumF:
    case kSumF32:
      return is(Form::kExactSum);
    case kMeanF:
    case kMeanF32:
      return is(Form::kExactSum, true);
    case kMinText:
    case kMaxText:
      return is_extremum(kText, kind == kMaxText);
    case kMinI:
    case kMaxI:
      return is_extremum(kSigned, kind == kMaxI);
    case kMinU:
    case kMaxU:
      return is_extremum(kUnsigned, kind == kMaxU);
    case kMinF:
    case kMaxF:
      return is_extremum(kFloat8, kind == kMaxF);
  }
}

void StandingGroups::describe_sql(const AggregateSpec& spec, Aggregate& aggregate) {
  aggregate.spec = &spec;
  const TypeKind kind = spec.argument.kind;
  switch (spec.op) {
    case SqlAggregate::kCount:
      aggregate.form = spec.distinct ? Form::kDistinct : Form::kCount;
      return;
    case SqlAggregate::kBoolAnd:
    case SqlAggregate::kBoolOr:
      aggregate.form = Form::kTruths;
      return;
    case SqlAggregate::kBitXor:
      aggregate.form = Form::kXor;
      aggregate.once = spec.distinct;
      return;
    case SqlAggregate::kSum:
    case SqlAggregate::kAverage:
      aggregate.once = spec.distinct;
      if (sql_sums_integers(spec.argument)) {
        aggregate.form = Form::kWideSum;
      } else if (kind == TypeKind::kNumeric) {
        aggregate.form = Form::kNumericSum;
      } else if (kind == TypeKind::kInterval) {
        aggregate.form = Form::kIntervalSum;
      } else {
        aggregate.form = Form::kExactSum;
      }
      return;
    case SqlAggregate::kMin:
    case SqlAggregate::kMax:
      break;
    default:
      ENTAIL_UNREACHABLE("an aggregate that is not followed");
  }
  aggregate.form = Form::kExtremum;
  aggregate.backwards = spec.op == SqlAggregate::kMax;
  switch (kind) {
    case TypeKind::kText:
    case TypeKind::kBytes:
    case TypeKind::kJson:
    case TypeKind::kNumeric:
      aggregate.key_order = KeyOrder::kText;
      return;
    case TypeKind::kFloat8:
      aggregate.key_order = KeyOrder::kFloat8;
      return;
    case TypeKind::kFloat4:
      aggregate.key_order = KeyOrder::kFloat4;
      return;
    case TypeKind::kUnsigned:
    case TypeKind::kBool:
    case TypeKind::kAdt:
      aggregate.key_order = KeyOrder::kUnsigned;
      return;
    default:
      aggregate.key_order = KeyOrder::kSigned;
  }
}

void StandingGroups::lay_out() {
  rows_at_ = options_.key_words;
  std::uint32_t at = rows_at_ + 1;
  const auto count = static_cast<std::uint32_t>(options_.kinds.size());
  value_arrays_ = result_words_ = count;
  for (std::size_t k = 0; k < count; ++k) {
    Aggregate aggregate;
    aggregate.nullable = flag_of(options_.argument_nullable, k, true);
    const bool is_sql = !options_.sql.empty() && options_.sql[k].has_value();
    if (is_sql) {
      describe_sql(*options_.sql[k], aggregate);
      if (value_words(aggregate.spec->argument) == 2) aggregate.low = value_arrays_++;
      aggregate.beside = result_words_;
      result_words_ += 3;
    } else {
      describe(options_.kinds[k], aggregate);
    }
    bool counts = is_sql || aggregate.is_mean;
    switch (aggregate.form) {
      case Form::kCount:
        counts = true;
        break;
      case Form::kExtremum:
        counts = false;
        break;
      case Form::kNumericSum:
        break;
      case Form::kWideSum:
        aggregate.flat_words = kWideWords;
        break;
      case Form::kIntervalSum:
        aggregate.flat_words = kIntervalParts * kWideWords;
        break;
      case Form::kDistinct:
        counts = false;
        aggregate.flat_words = 1;
        break;
      case Form::kSum:
      case Form::kExactSum:
      case Form::kTruths:
      case Form::kXor:
        aggregate.flat_words = 1;
        break;
    }
    const bool has_handles = flag_of(options_.argument_handles, k, false);
    aggregate.owns = aggregate.keeps_values() && has_handles;
    aggregate.logs_owned =
        !aggregate.keeps_values() && has_handles && aggregate.form == Form::kNumericSum;
    ENTAIL_ENSURE(options_.pool != nullptr ||
                  (!aggregate.owns && !is_sql && aggregate.key_order != KeyOrder::kText));
    aggregate.flat = at;
    at += aggregate.flat_words;
    aggregate.count = rows_at_;
    if (counts && (aggregate.nullable || aggregate.once)) aggregate.count = at++;
    aggregates_.push_back(aggregate);
  }
  flat_end_ = at;
  for (Aggregate& aggregate : aggregates_) {
    if (aggregate.keeps_values()) aggregate.state = at++;
    if (aggregate.form == Form::kExactSum || aggregate.form == Form::kNumericSum) {
      aggregate.sum = at++;
    }
  }
  stride_ = at;
  for (const bool handle : options_.key_handles) any_key_handle_ |= handle;
  ENTAIL_ENSURE(!any_key_handle_ || options_.pool != nullptr);
}

// ------------------------------------------------------------------------------ groups

std::uint32_t StandingGroups::find(std::uint32_t tag, std::span<const Word* const> keys,
                                   std::size_t i) const {
  return map_.find(tag, [&](std::uint32_t group) {
    const Word* const words = record(group);
    for (std::size_t w = 0; w < keys.size(); ++w) {
      if (words[w] != keys[w][i]) return false;
    }
    return true;
  });
}

// A new group with the key of row i; kNone when the budget refuses.
std::uint32_t StandingGroups::add_group(std::uint32_t tag, std::span<const Word* const> keys,
                                        std::size_t i) {
  if (!map_.reserve(map_.size() + 1)) return RowMap::kNone;
  std::uint32_t group = free_group_;
  if (group != RowMap::kNone) {
    free_group_ = static_cast<std::uint32_t>(record(group)[rows_at_]);
  } else {
    const std::uint64_t size = (std::uint64_t{group_slots_} + 1) * stride_;
    if (group_slots_ >= RowMap::kNone - 1 || !records_.reserve(size)) return RowMap::kNone;
    records_.resize_uninitialized(size);
    group = group_slots_++;
  }
  Word* const words = record(group);
  for (std::size_t w = 0; w < keys.size(); ++w) {
    words[w] = keys[w][i];
    if (any_key_handle_ && options_.key_handles[w]) options_.pool->retain(words[w]);
  }
  std::fill(words + rows_at_, words + stride_, 0);
  map_.insert(tag, group);
  return group;
}

bool StandingGroups::room_to_touch() {
  return touched_.reserve(touched_.size() + 1 + result_words_) &&
         saved_.reserve(saved_.size() + 1 + flat_end_ - rows_at_);
}

// Remembers what the group's result was, for take_changes(), and its flat part, for abort().
// REQUIRES: room_to_touch().
void StandingGroups::touch(std::uint32_t group, bool created) {
  Word* const words = record(group);
  const std::size_t at = touched_.size();
  touched_.resize_uninitialized(at + 1 + result_words_);
  const bool had_row = !created && has_results(words);
  touched_[at] = group | Word{had_row} << 32;
  if (had_row) fill_results(words, touched_.data() + at + 1);
  if ((words[rows_at_] & kSavedFlag) == 0) {
    const std::size_t saved_at = saved_.size();
    saved_.resize_uninitialized(saved_at + 1 + flat_end_ - rows_at_);
    saved_[saved_at] = group | Word{created} << 32;
    std::copy(words + rows_at_, words + flat_end_, saved_.data() + saved_at + 1);
  }
  words[rows_at_] |= kTouchedFlag | kSavedFlag;
}

std::uint32_t StandingGroups::tag_of(const Word* words, std::vector<const Word*>& pointers) const {
  pointers.resize(options_.key_words);
  for (std::size_t w = 0; w < pointers.size(); ++w) pointers[w] = words + w;
  std::uint32_t tag = 0;
  hash_rows(pointers, 1, &tag);
  return tag;
}

// REQUIRES: the group has no rows.
void StandingGroups::free_group(std::uint32_t group, std::uint32_t tag) {
  Word* const words = record(group);
  ENTAIL_ENSURE(rows_of(words) == 0);
  for (const Aggregate& aggregate : aggregates_) {
    ENTAIL_ENSURE(count_of(aggregate, words) == 0);
    if (aggregate.form != Form::kExactSum) {  // What is there is the last result.
      for (std::uint32_t w = 0; w < aggregate.flat_words; ++w) {
        ENTAIL_ENSURE(words[aggregate.flat + w] == 0);
      }
    }
    ENTAIL_ENSURE(aggregate.state == 0 || words[aggregate.state] == 0);
    if (aggregate.sum == 0 || words[aggregate.sum] == 0) continue;
    if (aggregate.form == Form::kExactSum) {
      ENTAIL_ENSURE(exacts_.at(words[aggregate.sum]).result() == 0.0);
      exacts_.free(words[aggregate.sum]);
    } else {
      ENTAIL_ENSURE(numerics_.at(words[aggregate.sum]).is_empty());
      numerics_.free(words[aggregate.sum]);
    }
  }
  for (std::size_t w = 0; any_key_handle_ && w < options_.key_words; ++w) {
    if (options_.key_handles[w]) options_.pool->release(words[w]);
  }
  map_.erase(tag, group);
  words[rows_at_] = free_group_;
  free_group_ = group;
}

// ------------------------------------------------------------------------------ changes

Expected<void> StandingGroups::apply(std::span<const Word* const> keys,
                                     std::span<const Word* const> values,
                                     std::span<const Word* const> nulls, std::size_t n, int sign) {
  ENTAIL_ENSURE(sign == 1 || sign == -1);
  ENTAIL_ENSURE(keys.size() == options_.key_words && values.size() == value_arrays_);
  ENTAIL_ENSURE(nulls.empty() || nulls.size() == aggregates_.size());
  rows_touched_ += n;
  bool done = find_groups(keys, n, sign);
  for (std::size_t k = 0; done && k < aggregates_.size(); ++k) {
    const bool read_nulls = aggregates_[k].nullable && !nulls.empty();
    const Word* const lows = aggregates_[k].low != 0 ? values[aggregates_[k].low] : nullptr;
    done = step(k, values[k], lows, read_nulls ? nulls[k] : nullptr, n, sign);
  }
  if (done) return {};
  return limit_error();
}

Unexpected StandingGroups::limit_error() {
  return unexpected(ErrorCode::kLimit, "the memory limit is reached by the groups of an aggregate");
}

// origins_[i] = the group of row i, touched, with the row counted.
bool StandingGroups::find_groups(std::span<const Word* const> keys, std::size_t n, int sign) {
  tags_.resize(n);
  origins_.resize(n);
  hash_rows(keys, n, tags_.data());
  const Word unit = sign > 0 ? kRowUnit : Word{0} - kRowUnit;
  for (std::size_t i = 0; i < n; ++i) {
    if (i + kPrefetchAhead < n) map_.prefetch(tags_[i + kPrefetchAhead]);
    std::uint32_t group = find(tags_[i], keys, i);
    if (group == RowMap::kNone) {
      if (!room_to_touch()) return false;
      group = add_group(tags_[i], keys, i);
      if (group == RowMap::kNone) return false;
      touch(group, true);
    } else if ((record(group)[rows_at_] & kTouchedFlag) == 0) {
      if (!room_to_touch()) return false;
      touch(group, false);
    }
    record(group)[rows_at_] += unit;
    origins_[i] = group;
  }
  return true;
}

bool StandingGroups::step(std::size_t k, const Word* values, const Word* lows, const Word* nulls,
                          std::size_t n, int sign) {
  const Aggregate& aggregate = aggregates_[k];
  const std::uint32_t* const origins = origins_.data();
  const auto one = static_cast<Word>(static_cast<std::int64_t>(sign));
  bool done = true;
  if (aggregate.once) {
    for_each_value(nulls, n, [&](std::size_t i) {
      Transition transition = Transition::kNone;
      done = done && change_multiset(k, origins[i], values[i], sign, transition);
      if (!done || transition == Transition::kNone) return;
      Word* const words = record(origins[i]);
      const int by = transition == Transition::kAppeared ? 1 : -1;
      words[aggregate.count] += static_cast<Word>(static_cast<std::int64_t>(by));
      add_flat(aggregate, words, values[i], 0, by);
      // The log has the value; the sum is taken back with it.
      if (aggregate.sum != 0) done = add_sum(aggregate, words, values[i], by);
    });
    return done;
  }
  if (aggregate.count != rows_at_) {
    for_each_value(nulls, n, [&](std::size_t i) { record(origins[i])[aggregate.count] += one; });
  }
  switch (aggregate.form) {
    case Form::kCount:
      break;
    case Form::kSum:
      for_each_value(nulls, n,
                     [&](std::size_t i) { record(origins[i])[aggregate.flat] += one * values[i]; });
      break;
    case Form::kWideSum:
    case Form::kIntervalSum:
    case Form::kTruths:
    case Form::kXor:
      for_each_value(nulls, n, [&](std::size_t i) {
        add_flat(aggregate, record(origins[i]), values[i], lows != nullptr ? lows[i] : 0, sign);
      });
      break;
    case Form::kDistinct:
    case Form::kExtremum:
      for_each_value(nulls, n, [&](std::size_t i) {
        Transition transition = Transition::kNone;
        done = done && change_multiset(k, origins[i], values[i], sign, transition);
      });
      break;
    case Form::kExactSum:
    case Form::kNumericSum:
      for_each_value(nulls, n, [&](std::size_t i) {
        done = done && change_sum(k, origins[i], values[i], sign);
      });
      break;
  }
  return done;
}

void StandingGroups::add_flat(const Aggregate& aggregate, Word* words, Word value, Word low,
                              int sign) {
  Word* const flat = words + aggregate.flat;
  switch (aggregate.form) {
    case Form::kWideSum: {
      const Int128 wide = aggregate.is_wide_unsigned
                              ? static_cast<Int128>(static_cast<Uint128>(value))
                              : static_cast<Int128>(int_of(value));
      add_wide(flat, sign > 0 ? wide : -wide);
      return;
    }
    case Form::kIntervalSum: {
      const Interval interval = interval_of(value, low);
      add_wide(flat, Int128{interval.months} * sign);
      add_wide(flat + kWideWords, Int128{interval.days} * sign);
      add_wide(flat + 2 * kWideWords, Int128{interval.micros} * sign);
      return;
    }
    case Form::kTruths:
      if (value != 0) flat[0] += static_cast<Word>(static_cast<std::int64_t>(sign));
      return;
    case Form::kXor:
      flat[0] ^= value;
      return;
    default:
      return;
  }
}

Word StandingGroups::multiset_key(const Aggregate& aggregate, Word value) {
  Word key = value;
  switch (aggregate.key_order) {
    case KeyOrder::kText:
      return value;
    case KeyOrder::kUnsigned:
      break;
    case KeyOrder::kSigned:
      key = value ^ kSignBit;
      break;
    case KeyOrder::kFloat8:
      key = float_order(value);
      break;
    case KeyOrder::kFloat4:
      key = float4_order(value);
      break;
  }
  return aggregate.backwards ? ~key : key;
}

Word StandingGroups::multiset_value(const Aggregate& aggregate, Word key) {
  if (aggregate.key_order == KeyOrder::kText) return key;
  const Word forwards = aggregate.backwards ? ~key : key;
  switch (aggregate.key_order) {
    case KeyOrder::kSigned:
      return forwards ^ kSignBit;
    case KeyOrder::kFloat8:
      return float_of_order(forwards);
    case KeyOrder::kFloat4:
      return float4_of_order(forwards);
    default:
      return forwards;
  }
}

bool StandingGroups::change_multiset(std::size_t k, std::uint32_t group, Word value, int sign,
                                     Transition& transition) {
  const Aggregate& aggregate = aggregates_[k];
  Word* const words = record(group);
  Word& root = words[aggregate.state];
  if (!multisets_.reserve_change(root) || !log_.reserve(log_.size() + 1)) return false;
  if (aggregate.once && !room_for_sum(aggregate, words)) return false;
  const std::int64_t count =
      multisets_.add(root, aggregate.order(), multiset_key(aggregate, value), sign);
  if (count == sign) {
    transition = Transition::kAppeared;
    if (aggregate.form == Form::kDistinct) ++words[aggregate.flat];
    if (aggregate.owns) options_.pool->retain(value);
  } else if (count == 0) {
    transition = Transition::kDisappeared;
    if (aggregate.form == Form::kDistinct && !ENTAIL_PLANT_BUG(68)) --words[aggregate.flat];
  }
  log_.push_back_unchecked(
      {value, group, static_cast<std::uint8_t>(k), static_cast<std::int8_t>(sign), transition});
  return true;
}

// The number of the group's sum, if it needs one; false when the budget refuses.
bool StandingGroups::room_for_sum(const Aggregate& aggregate, Word* words) {
  if (aggregate.sum == 0 || words[aggregate.sum] != 0) return true;
  return aggregate.form == Form::kExactSum ? exacts_.make(words[aggregate.sum])
                                           : numerics_.make(words[aggregate.sum]);
}

// REQUIRES: room_for_sum(). False when the sum outgrew the budget; it is changed all the same.
bool StandingGroups::add_sum(const Aggregate& aggregate, const Word* words, Word value, int sign) {
  const Word number = words[aggregate.sum];
  if (aggregate.form == Form::kNumericSum) {
    const NumericValue numeric = sql_numeric(*options_.pool, aggregate.spec->argument, value);
    return numerics_.change(number, [&](NumericSum& sum) { sum.add(numeric, sign); });
  }
  bool narrow =
      aggregate.kind == AggregateKind::kSumF32 || aggregate.kind == AggregateKind::kMeanF32;
  if (aggregate.spec != nullptr) narrow = aggregate.spec->argument.kind == TypeKind::kFloat4;
  const double added = narrow ? static_cast<double>(float_of(value)) : double_of(value);
  return exacts_.change(number, [&](ExactSum& sum) { sum.add(added, sign); });
}

bool StandingGroups::change_sum(std::size_t k, std::uint32_t group, Word value, int sign) {
  const Aggregate& aggregate = aggregates_[k];
  Word* const words = record(group);
  if (!room_for_sum(aggregate, words) || !log_.reserve(log_.size() + 1)) return false;
  if (aggregate.logs_owned) options_.pool->retain(value);
  log_.push_back_unchecked({value, group, static_cast<std::uint8_t>(k),
                            static_cast<std::int8_t>(sign), Transition::kNone});
  return add_sum(aggregate, words, value, sign);
}

// ------------------------------------------------------------------------------ results

bool StandingGroups::has_results(const Word* words) const {
  if (rows_of(words) == 0) return false;
  for (const Aggregate& aggregate : aggregates_) {
    if (aggregate.spec != nullptr) continue;
    if (aggregate.form == Form::kExtremum && words[aggregate.state] == 0) return false;
    if (aggregate.is_mean && count_of(aggregate, words) == 0) return false;
  }
  return true;
}

void StandingGroups::fill_results(const Word* words, Word* out) const {
  for (std::size_t k = 0; k < aggregates_.size(); ++k) {
    const Aggregate& aggregate = aggregates_[k];
    if (aggregate.spec == nullptr) {
      out[k] = result_of(aggregate, words);
      continue;
    }
    const SqlAggregateResult result = sql_result_of(aggregate, words);
    out[k] = result.words[0];
    out[aggregate.beside] = result.words[1];
    out[aggregate.beside + 1] = result.null ? 1 : 0;
    out[aggregate.beside + 2] = result.error;
  }
}

// REQUIRES: has_results(). That of an exact sum is the one that take_changes() computed last.
Word StandingGroups::result_of(const Aggregate& aggregate, const Word* words) const {
  switch (aggregate.form) {
    case Form::kCount:
      return static_cast<Word>(count_of(aggregate, words));
    case Form::kWideSum:
      return double_word(
          mean_of_int128(wide_of(words + aggregate.flat), count_of(aggregate, words)));
    case Form::kExtremum:
      return multiset_value(aggregate, multisets_.first(words[aggregate.state]));
    case Form::kDistinct:
    case Form::kSum:
    case Form::kExactSum:
      return words[aggregate.flat];
    default:
      ENTAIL_UNREACHABLE("not a form of aggregate");
  }
}

SqlAggregateResult StandingGroups::sql_result_of(const Aggregate& aggregate,
                                                 const Word* words) const {
  SqlAggregateResult result;
  const AggregateSpec& spec = *aggregate.spec;
  const std::int64_t count = count_of(aggregate, words);
  const Word* const flat = words + aggregate.flat;
  switch (aggregate.form) {
    case Form::kCount:
    case Form::kDistinct:
      result.words[0] = result_of(aggregate, words);
      return result;
    case Form::kExtremum:
      result.null = words[aggregate.state] == 0;
      if (!result.null) result.words[0] = result_of(aggregate, words);
      return result;
    default:
      break;
  }
  if (count <= 0) {  // Below 0 only within a step.
    result.null = true;
    return result;
  }
  switch (aggregate.form) {
    case Form::kWideSum:
      return sql_result_of_integers(spec, wide_of(flat), count, *options_.pool);
    case Form::kNumericSum:
      return sql_result_of_numerics(spec, numerics_.at(words[aggregate.sum]).result(), count,
                                    *options_.pool);
    case Form::kIntervalSum:
      return sql_result_of_intervals(
          spec, {wide_of(flat), wide_of(flat + kWideWords), wide_of(flat + 2 * kWideWords)}, count,
          *options_.pool);
    case Form::kTruths: {
      const auto truths = static_cast<std::int64_t>(flat[0]);
      result.words[0] = spec.op == SqlAggregate::kBoolAnd ? truths == count : truths > 0;
      return result;
    }
    default:
      result.words[0] = flat[0];
      return result;
  }
}

Word StandingGroups::exact_result(const Aggregate& aggregate, const Word* words) const {
  const Word number = words[aggregate.sum];
  if (number == 0) return 0;  // 0.0, in both widths.
  const ExactSum& sum = exacts_.at(number);
  if (aggregate.spec != nullptr) {
    const std::int64_t count = count_of(aggregate, words);
    return count > 0 ? sql_result_of_floats(*aggregate.spec, sum, count).words[0] : 0;
  }
  switch (aggregate.kind) {
    case AggregateKind::kSumF:
      return double_word(sum.result());
    case AggregateKind::kSumF32:
      return float_word(sum.result_float());
    case AggregateKind::kMeanF:
      return double_word(sum.mean(count_of(aggregate, words)));
    case AggregateKind::kMeanF32:
      return float_word(sum.mean_float(count_of(aggregate, words)));
    default:
      ENTAIL_UNREACHABLE("not an exact sum");
  }
}

void StandingGroups::take_changes(Changes& out) {
  ENTAIL_ENSURE(!multisets_.any_negative());
  const std::size_t width = options_.key_words + result_words_;
  for (auto* const side : {&out.left, &out.entered}) {
    side->resize(width);
    for (std::vector<Word>& words : *side) words.clear();
  }
  out.left_count = out.entered_count = 0;
  const auto emit = [&](std::vector<std::vector<Word>>& side, const Word* key,
                        const Word* results) {
    for (std::size_t w = 0; w < options_.key_words; ++w) side[w].push_back(key[w]);
    for (std::size_t k = 0; k < result_words_; ++k) {
      side[options_.key_words + k].push_back(results[k]);
    }
  };
  for (std::size_t at = 0; at < touched_.size(); at += 1 + result_words_) {
    Word* const words = record(static_cast<std::uint32_t>(touched_[at]));
    const bool had_row = touched_[at] >> 32 != 0;
    const Word* const before = touched_.data() + at + 1;
    words[rows_at_] &= ~kTouchedFlag;
    ENTAIL_ENSURE(rows_of(words) >= 0);
    for (const Aggregate& aggregate : aggregates_) {
      ENTAIL_ENSURE(count_of(aggregate, words) >= 0);
    }
    const bool has_row = has_results(words);
    bool same = had_row == has_row;
    if (has_row) {
      for (const Aggregate& aggregate : aggregates_) {
        if (aggregate.form == Form::kExactSum) {
          words[aggregate.flat] = exact_result(aggregate, words);
        }
      }
      fill_results(words, results_.data());
      same = same && std::equal(results_.begin(), results_.end(), before);
    }
    if (same) continue;
    if (had_row) emit(out.left, words, before), ++out.left_count;
    if (has_row) emit(out.entered, words, results_.data()), ++out.entered_count;
  }
  touched_.clear();
  if (touched_.bytes() > kept_scratch()) touched_.reset();
}

}  // namespace entail::vm
