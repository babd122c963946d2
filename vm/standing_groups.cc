#include "vm/standing_groups.h"

#include <algorithm>
#include <string>
#include <utility>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"

namespace entail::vm {

namespace {

constexpr std::size_t kAggregatesMax = 255;
constexpr std::size_t kPrefetchAhead = 16;
constexpr Word kSignBit = Word{1} << 63;

bool is_float32(AggregateKind kind) {
  return kind == AggregateKind::kSumF32 || kind == AggregateKind::kMeanF32;
}

// Doubles in their total order, NaN above all, as unsigned numbers.
Word float_order(Word bits) { return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit; }
Word float_of_order(Word key) { return (key & kSignBit) != 0 ? key & ~kSignBit : ~key; }

bool flag_of(const std::vector<bool>& flags, std::size_t position, bool otherwise) {
  return flags.empty() ? otherwise : flags[position];
}

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
  return std::unique_ptr<StandingGroups>(new StandingGroups(std::move(options)));
}

StandingGroups::StandingGroups(Options options)
    : options_(std::move(options)),
      records_(options_.budget),
      map_(options_.budget),
      multisets_(options_.pool, options_.budget),
      touched_(options_.budget),
      saved_(options_.budget),
      log_(options_.budget),
      key_pointers_(options_.key_words),
      results_(options_.kinds.size()) {
  lay_out();
}

StandingGroups::~StandingGroups() {
  abort();
  release_all();
  if (options_.budget != nullptr) options_.budget->release(exact_bytes_);
}

void StandingGroups::lay_out() {
  using enum AggregateKind;
  rows_at_ = options_.key_words;
  std::uint32_t at = rows_at_ + 1;
  for (std::size_t k = 0; k < options_.kinds.size(); ++k) {
    Aggregate aggregate;
    aggregate.kind = options_.kinds[k];
    aggregate.nullable = flag_of(options_.argument_nullable, k, true);
    bool counts = false;
    aggregate.flat_words = 1;
    switch (aggregate.kind) {
      case kCount:
        aggregate.form = Form::kCount;
        counts = true;
        aggregate.flat_words = 0;
        break;
      case kCountDistinct:
        aggregate.form = Form::kDistinct;
        break;
      case kSumI:
      case kSumU:
        aggregate.form = Form::kSum;
        break;
      case kMeanI:
      case kMeanU:
        aggregate.form = Form::kWideMean;
        aggregate.is_mean = counts = true;
        aggregate.flat_words = 2;
        break;
      case kSumF:
      case kSumF32:
        aggregate.form = Form::kExactSum;
        break;
      case kMeanF:
      case kMeanF32:
        aggregate.form = Form::kExactSum;
        aggregate.is_mean = counts = true;
        break;
      case kMinText:
        aggregate.order = ValueMultisets::Order::kText;
        aggregate.form = Form::kExtremum;
        aggregate.flat_words = 0;
        break;
      case kMaxText:
        aggregate.order = ValueMultisets::Order::kTextBackwards;
        aggregate.form = Form::kExtremum;
        aggregate.flat_words = 0;
        break;
      case kMinI:
      case kMaxI:
      case kMinU:
      case kMaxU:
      case kMinF:
      case kMaxF:
        aggregate.form = Form::kExtremum;
        aggregate.flat_words = 0;
        break;
    }
    const bool keeps_values =
        aggregate.form == Form::kDistinct || aggregate.form == Form::kExtremum;
    aggregate.owns = keeps_values && flag_of(options_.argument_handles, k, false);
    ENTAIL_ENSURE(options_.pool != nullptr ||
                  (!aggregate.owns && aggregate.order == ValueMultisets::Order::kWords));
    aggregate.flat = at;
    at += aggregate.flat_words;
    aggregate.count = rows_at_;
    if (counts && aggregate.nullable) aggregate.count = at++;
    aggregates_.push_back(aggregate);
  }
  flat_end_ = at;
  for (Aggregate& aggregate : aggregates_) {
    const bool has_handle = aggregate.form == Form::kDistinct ||
                            aggregate.form == Form::kExtremum || aggregate.form == Form::kExactSum;
    if (has_handle) aggregate.state = at++;
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
  return touched_.reserve(touched_.size() + 1 + aggregates_.size()) &&
         saved_.reserve(saved_.size() + 1 + flat_end_ - rows_at_);
}

// Remembers what the group's result was, for take_changes(), and its flat part, for abort().
// REQUIRES: room_to_touch().
void StandingGroups::touch(std::uint32_t group, bool created) {
  Word* const words = record(group);
  const std::size_t at = touched_.size();
  touched_.resize_uninitialized(at + 1 + aggregates_.size());
  const bool had_row = !created && has_results(words);
  touched_[at] = group | Word{had_row} << 32;
  if (had_row) {
    for (std::size_t k = 0; k < aggregates_.size(); ++k) {
      touched_[at + 1 + k] = result_of(aggregates_[k], words);
    }
  }
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
    if (aggregate.form != Form::kExactSum) {
      for (std::uint32_t w = 0; w < aggregate.flat_words; ++w) {
        ENTAIL_ENSURE(words[aggregate.flat + w] == 0);
      }
      ENTAIL_ENSURE(aggregate.state == 0 || words[aggregate.state] == 0);
    } else if (const Word state = words[aggregate.state]; state != 0) {
      ExactSum& sum = exacts_[state - 1];
      ENTAIL_ENSURE(sum.result() == 0.0);
      book_exact(sum.bytes_used(), sizeof(ExactSum));
      sum = ExactSum();
      free_exacts_.push_back(static_cast<std::uint32_t>(state - 1));
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
  ENTAIL_ENSURE(keys.size() == options_.key_words && values.size() == aggregates_.size());
  ENTAIL_ENSURE(nulls.empty() || nulls.size() == aggregates_.size());
  rows_touched_ += n;
  bool done = find_groups(keys, n, sign);
  for (std::size_t k = 0; done && k < aggregates_.size(); ++k) {
    const bool read_nulls = aggregates_[k].nullable && !nulls.empty();
    done = step(k, values[k], read_nulls ? nulls[k] : nullptr, n, sign);
  }
  if (done) return {};
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

bool StandingGroups::step(std::size_t k, const Word* values, const Word* nulls, std::size_t n,
                          int sign) {
  const Aggregate& aggregate = aggregates_[k];
  const std::uint32_t* const origins = origins_.data();
  const auto one = static_cast<Word>(static_cast<std::int64_t>(sign));
  if (aggregate.count != rows_at_) {
    for_each_value(nulls, n, [&](std::size_t i) { record(origins[i])[aggregate.count] += one; });
  }
  bool done = true;
  switch (aggregate.form) {
    case Form::kCount:
      break;
    case Form::kSum:
      for_each_value(nulls, n,
                     [&](std::size_t i) { record(origins[i])[aggregate.flat] += one * values[i]; });
      break;
    case Form::kWideMean:
      for_each_value(nulls, n, [&](std::size_t i) {
        const Int128 value = aggregate.kind == AggregateKind::kMeanI
                                 ? static_cast<Int128>(int_of(values[i]))
                                 : static_cast<Int128>(static_cast<Uint128>(values[i]));
        add_wide(record(origins[i]) + aggregate.flat, sign > 0 ? value : -value);
      });
      break;
    case Form::kDistinct:
    case Form::kExtremum:
      for_each_value(nulls, n, [&](std::size_t i) {
        done = done && change_multiset(k, origins[i], values[i], sign);
      });
      break;
    case Form::kExactSum:
      for_each_value(nulls, n, [&](std::size_t i) {
        done = done && change_exact(k, origins[i], values[i], sign);
      });
      break;
  }
  return done;
}

Word StandingGroups::multiset_key(AggregateKind kind, Word value) const {
  switch (kind) {
    case AggregateKind::kMinI:
      return value ^ kSignBit;
    case AggregateKind::kMaxI:
      return ~(value ^ kSignBit);
    case AggregateKind::kMaxU:
      return ~value;
    case AggregateKind::kMinF:
      return float_order(value);
    case AggregateKind::kMaxF:
      return ~float_order(value);
    default:
      return value;
  }
}

Word StandingGroups::multiset_value(AggregateKind kind, Word key) const {
  switch (kind) {
    case AggregateKind::kMinI:
      return key ^ kSignBit;
    case AggregateKind::kMaxI:
      return ~key ^ kSignBit;
    case AggregateKind::kMaxU:
      return ~key;
    case AggregateKind::kMinF:
      return float_of_order(key);
    case AggregateKind::kMaxF:
      return float_of_order(~key);
    default:
      return key;
  }
}

bool StandingGroups::change_multiset(std::size_t k, std::uint32_t group, Word value, int sign) {
  const Aggregate& aggregate = aggregates_[k];
  Word* const words = record(group);
  Word& root = words[aggregate.state];
  if (!multisets_.reserve_change(root) || !log_.reserve(log_.size() + 1)) return false;
  const std::int64_t count =
      multisets_.add(root, aggregate.order, multiset_key(aggregate.kind, value), sign);
  Transition transition = Transition::kNone;
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

void StandingGroups::book_exact(std::size_t before, std::size_t after) {
  if (before == after) return;
  exact_bytes_ += after - before;
  if (options_.budget == nullptr) return;
  if (after > before) {
    options_.budget->reserve_anyway(after - before);
  } else {
    options_.budget->release(before - after);
  }
}

// Puts the number of an empty sum, plus one, into `state`; false when the budget refuses.
bool StandingGroups::new_exact(Word& state) {
  if (!free_exacts_.empty()) {
    state = Word{free_exacts_.back()} + 1;
    free_exacts_.pop_back();
    return true;
  }
  if (exacts_.size() == exacts_.capacity()) {
    const std::size_t before = exacts_.capacity() * sizeof(ExactSum);
    const std::size_t target = exacts_.size() + exacts_.size() / 2 + 4;
    const std::size_t more = target * sizeof(ExactSum) - before;
    if (options_.budget != nullptr && !options_.budget->reserve(more)) return false;
    exacts_.reserve(target);
    exact_bytes_ += more;
  }
  exacts_.emplace_back();
  state = exacts_.size();
  return true;
}

void StandingGroups::add_exact(const Aggregate& aggregate, Word* words, Word value, int sign) {
  ExactSum& sum = exacts_[words[aggregate.state] - 1];
  const std::size_t before = sum.bytes_used();
  sum.add(is_float32(aggregate.kind) ? static_cast<double>(float_of(value)) : double_of(value),
          sign);
  book_exact(before, sum.bytes_used());
}

bool StandingGroups::change_exact(std::size_t k, std::uint32_t group, Word value, int sign) {
  const Aggregate& aggregate = aggregates_[k];
  Word* const words = record(group);
  if (words[aggregate.state] == 0 && !new_exact(words[aggregate.state])) return false;
  if (!log_.reserve(log_.size() + 1)) return false;
  const std::uint64_t before = exact_bytes_;
  add_exact(aggregate, words, value, sign);
  log_.push_back_unchecked({value, group, static_cast<std::uint8_t>(k),
                            static_cast<std::int8_t>(sign), Transition::kNone});
  return exact_bytes_ == before || options_.budget == nullptr || !options_.budget->overrun();
}

// ------------------------------------------------------------------------------ results

bool StandingGroups::has_results(const Word* words) const {
  if (rows_of(words) == 0) return false;
  for (const Aggregate& aggregate : aggregates_) {
    if (aggregate.form == Form::kExtremum && words[aggregate.state] == 0) return false;
    if (aggregate.is_mean && count_of(aggregate, words) == 0) return false;
  }
  return true;
}

// REQUIRES: has_results(). That of an exact sum is the one that take_changes() computed last.
Word StandingGroups::result_of(const Aggregate& aggregate, const Word* words) const {
  switch (aggregate.form) {
    case Form::kCount:
      return static_cast<Word>(count_of(aggregate, words));
    case Form::kWideMean:
      return double_word(
          mean_of_int128(wide_of(words + aggregate.flat), count_of(aggregate, words)));
    case Form::kExtremum:
      return multiset_value(aggregate.kind, multisets_.first(words[aggregate.state]));
    case Form::kDistinct:
    case Form::kSum:
    case Form::kExactSum:
      return words[aggregate.flat];
  }
  ENTAIL_UNREACHABLE("not a form of aggregate");
}

Word StandingGroups::exact_result(const Aggregate& aggregate, const Word* words) const {
  const Word state = words[aggregate.state];
  if (state == 0) return 0;  // 0.0, in both widths.
  const ExactSum& sum = exacts_[state - 1];
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
  const std::size_t width = options_.key_words + aggregates_.size();
  for (auto* const side : {&out.left, &out.entered}) {
    side->resize(width);
    for (std::vector<Word>& words : *side) words.clear();
  }
  out.left_count = out.entered_count = 0;
  const auto emit = [&](std::vector<std::vector<Word>>& side, const Word* key,
                        const Word* results) {
    for (std::size_t w = 0; w < options_.key_words; ++w) side[w].push_back(key[w]);
    for (std::size_t k = 0; k < aggregates_.size(); ++k) {
      side[options_.key_words + k].push_back(results[k]);
    }
  };
  for (std::size_t at = 0; at < touched_.size(); at += 1 + aggregates_.size()) {
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
      for (std::size_t k = 0; k < aggregates_.size(); ++k) {
        const Aggregate& aggregate = aggregates_[k];
        if (aggregate.form == Form::kExactSum) {
          words[aggregate.flat] = exact_result(aggregate, words);
        }
        results_[k] = result_of(aggregate, words);
        same = same && before[k] == results_[k];
      }
    }
    if (same) continue;
    if (had_row) emit(out.left, words, before), ++out.left_count;
    if (has_row) emit(out.entered, words, results_.data()), ++out.entered_count;
  }
  touched_.clear();
  if (touched_.bytes() > kept_scratch()) touched_.reset();
}

}  // namespace entail::vm
