#include "vm/standing_groups.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "vm/aggregates.h"
#include "vm/base/random.h"
#include "vm/type_table.h"
#include "vm/value_text.h"

namespace entail::vm {
namespace {

using Tuple = std::vector<Word>;
using enum AggregateKind;

std::unique_ptr<StandingGroups> make(StandingGroups::Options options) {
  auto groups = StandingGroups::create(std::move(options));
  REQUIRE(groups.has_value());
  return std::move(groups).value();
}

std::vector<Tuple> tuples_of(const std::vector<std::vector<Word>>& columns, std::size_t n) {
  std::vector<Tuple> tuples(n);
  for (const auto& column : columns) {
    REQUIRE(column.size() == n);
    for (std::size_t i = 0; i < n; ++i) tuples[i].push_back(column[i]);
  }
  std::sort(tuples.begin(), tuples.end());
  return tuples;
}

// The groups as another process makes them of an image.
std::unique_ptr<StandingGroups> handed_over(const StandingGroups& groups,
                                            const StandingGroups::Options& options,
                                            std::size_t words) {
  auto other = make(options);
  REQUIRE(other->begin_restore(groups.size()));
  REQUIRE(groups.save(words,
                      [&](const StandingGroups::Image& image) { return other->restore(image); }));
  REQUIRE(other->size() == groups.size());
  other->verify();
  return other;
}

// A row at a time, and what has left and entered since.
struct OneByOne {
  StandingGroups& groups;
  StandingGroups::Changes changes = {};

  void row(Word key, std::vector<Word> arguments, int sign) {
    const Word* const keys[] = {&key};
    std::vector<const Word*> values;
    for (const Word& argument : arguments) values.push_back(&argument);
    REQUIRE(groups.apply(keys, values, {}, 1, sign).has_value());
  }
  std::vector<Tuple> left() const { return tuples_of(changes.left, changes.left_count); }
  std::vector<Tuple> entered() const { return tuples_of(changes.entered, changes.entered_count); }
};

TEST_CASE("the net change of counts and sums is what left and what entered") {
  const auto groups = make({.key_words = 1, .kinds = {kCount, kSumI}});
  OneByOne one{*groups};
  one.row(7, {0, 5}, 1);
  one.row(7, {0, 6}, 1);
  one.row(9, {0, 1}, 1);
  groups->take_changes(one.changes);
  CHECK(one.left().empty());
  CHECK(one.entered() == std::vector<Tuple>{{7, 2, 11}, {9, 1, 1}});
  one.row(7, {0, 5}, -1);
  one.row(9, {0, 1}, -1);
  groups->take_changes(one.changes);
  CHECK(one.left() == std::vector<Tuple>{{7, 2, 11}, {9, 1, 1}});
  CHECK(one.entered() == std::vector<Tuple>{{7, 1, 6}});
  // What comes back as it was has not changed; a row may go before it comes.
  one.row(7, {0, 3}, -1);
  one.row(7, {0, 3}, 1);
  one.row(4, {0, 2}, -1);
  one.row(4, {0, 2}, 1);
  groups->take_changes(one.changes);
  CHECK(one.left().empty());
  CHECK(one.entered().empty());
  groups->commit();
  CHECK(groups->size() == 1);
  groups->verify();
}

TEST_CASE("a large float taken away leaves what a sum without it gives") {
  const auto groups = make({.key_words = 1, .kinds = {kSumF, kMeanF}});
  OneByOne one{*groups};
  one.row(1, {double_word(1e17), double_word(1e17)}, 1);
  one.row(1, {double_word(1.0), double_word(3.0)}, 1);
  groups->take_changes(one.changes);
  groups->commit();
  one.row(1, {double_word(1e17), double_word(1e17)}, -1);
  groups->take_changes(one.changes);
  CHECK(one.entered() == std::vector<Tuple>{{1, double_word(1.0), double_word(3.0)}});
  const Word infinity = double_word(std::numeric_limits<double>::infinity());
  const Word nan = double_word(std::numeric_limits<double>::quiet_NaN());
  one.row(1, {infinity, nan}, 1);
  groups->take_changes(one.changes);
  CHECK(one.entered() == std::vector<Tuple>{{1, infinity, nan}});
  groups->abort();
  groups->verify();
  one.row(1, {double_word(0.5), double_word(1.0)}, 1);
  groups->take_changes(one.changes);
  const Word sum = double_word(1e17);  // 1e17 + 1.5, rounded.
  CHECK(one.left()[0][1] == sum);
}

TEST_CASE("the extremum of many values follows the values that go") {
  const auto groups = make({.kinds = {kMinI, kMaxI, kCountDistinct}});
  constexpr std::int64_t kValues = 5'000;
  std::vector<Word> values;
  for (std::int64_t i = 0; i < kValues; ++i) values.push_back(int_word(i * 37 % kValues - 1'000));
  const Word* const arguments[] = {values.data(), values.data(), values.data()};
  StandingGroups::Changes changes;
  REQUIRE(groups->apply({}, arguments, {}, values.size(), 1).has_value());
  groups->take_changes(changes);
  groups->commit();
  std::sort(values.begin(), values.end(),
            [](Word left, Word right) { return int_of(left) < int_of(right); });
  for (std::size_t i = 0; i + 1 < values.size(); ++i) {
    const Word* const least[] = {&values[i], &values[i], &values[i]};
    REQUIRE(groups->apply({}, least, {}, 1, -1).has_value());
    groups->take_changes(changes);
    REQUIRE(tuples_of(changes.entered, changes.entered_count) ==
            std::vector<Tuple>{{values[i + 1], values.back(), values.size() - i - 1}});
    if (i % 3 == 0) {
      groups->abort();
      REQUIRE(groups->apply({}, least, {}, 1, -1).has_value());
      groups->take_changes(changes);
    }
    groups->commit();
  }
  groups->verify();
}

TEST_CASE("groups that reach the limit are as they were after an abort") {
  MemoryBudget budget(256 << 10);
  {
    const auto groups =
        make({.key_words = 1, .kinds = {kSumF, kMinI, kCountDistinct, kCount}, .budget = &budget});
    OneByOne one{*groups};
    for (Word i = 0; i < 200; ++i) one.row(i % 50, {double_word(0.1), i, i, 0}, 1);
    groups->take_changes(one.changes);
    groups->commit();
    Random random(5);
    for (int round = 0; round < 20; ++round) {
      bool done = true;
      while (done) {
        std::vector<Word> words(100);
        for (Word& word : words) word = random.below(4'000);
        std::vector<Word> floats(100);
        for (Word& word : floats) word = double_word(random.chance(1, 2) ? 1e-300 : 1e300);
        const Word* const keys[] = {words.data()};
        const Word* const values[] = {floats.data(), words.data(), words.data(), nullptr};
        const auto applied = groups->apply(keys, values, {}, words.size(), 1);
        done = applied.has_value();
        if (!done) CHECK(applied.error().code == ErrorCode::kLimit);
      }
      groups->abort();
      groups->verify();
      CHECK_FALSE(budget.overrun());
      CHECK(groups->size() == 50);
    }
    one.row(3, {double_word(0.1), 3, 3, 0}, -1);
    one.row(3, {double_word(0.1), 4, 3, 0}, 1);
    groups->take_changes(one.changes);
    CHECK(one.left() == std::vector<Tuple>{{3, double_word(0.4), 3, 4, 4}});
  }
  CHECK(budget.used() == 0);
}

// ------------------------------------------------------------------------------ the model

struct Argument {
  bool null = false;
  Word word = 0;
  int text = -1;  // Position in the texts, where it is one.
  friend auto operator<=>(const Argument&, const Argument&) = default;
};

struct ModelRow {
  std::vector<Argument> key;
  std::vector<Argument> arguments;
  friend auto operator<=>(const ModelRow&, const ModelRow&) = default;
};

class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed), pool_(types_) {
    for (int i = 0; i < 14; ++i) {
      texts_.push_back(std::string(i % 2 == 0 ? "" : "a text too long for a word ") +
                       std::to_string(random_.below(100)) + "/" + std::to_string(i));
    }
    options_.key_words = static_cast<std::uint32_t>(random_.below(3));
    for (std::uint32_t w = 0; w < options_.key_words; ++w) {
      options_.key_handles.push_back(random_.chance(1, 2));
    }
    const std::size_t aggregates = random_.below(5);
    for (std::size_t k = 0; k < aggregates; ++k) {
      const auto kind = static_cast<AggregateKind>(
          random_.below(std::size_t{1} + static_cast<std::size_t>(kMeanF32)));
      options_.kinds.push_back(kind);
      const bool text = kind == kMinText || kind == kMaxText;
      options_.argument_handles.push_back(text || (kind == kCountDistinct && random_.chance(1, 2)));
      options_.argument_nullable.push_back(random_.chance(1, 2));
    }
    if (random_.chance(1, 4)) options_.argument_nullable.clear();
    domain_ = random_.chance(1, 3) ? 400 : 6;
    options_.pool = &pool_;
    options_.budget = &budget_;
    groups_ = make(options_);
  }

  void run() {
    for (int epoch = 0; epoch < 25; ++epoch) {
      const auto committed = rows_;
      const auto committed_results = taken_;
      for (std::uint64_t steps = random_.below(4); steps > 0; --steps) step();
      groups_->verify();
      if (random_.chance(1, 3)) {
        if (random_.chance(1, 2)) change();  // An abort may come before the changes are taken.
        groups_->abort();
        rows_ = committed;
        taken_ = committed_results;
      } else {
        groups_->commit();
        if (random_.chance(1, 4)) {
          groups_ = handed_over(*groups_, options_, 1 + random_.below(40));
        }
      }
      groups_->verify();
      check_references();
    }
    groups_.reset();
    pool_.end_step();
    CHECK(pool_.stats().entries_live == 0);
    CHECK(budget_.used() == 0);
  }

 private:
  Word word_of(const Argument& argument) {
    return argument.text >= 0 ? pool_.intern(texts_[static_cast<std::size_t>(argument.text)])
                              : argument.word;
  }

  Argument text_argument() { return {.text = static_cast<int>(random_.below(texts_.size()))}; }

  Argument argument(std::size_t k) {
    const AggregateKind kind = options_.kinds[k];
    const bool nullable = options_.argument_nullable.empty() || options_.argument_nullable[k];
    if (nullable && random_.chance(1, 4)) return {.null = true};
    if (options_.argument_handles[k]) return text_argument();
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const std::vector<double> doubles = {1e17, 1.0,  -1e17,  0.1,        kInfinity,
                                         0.0,  1e30, 5e-324, -kInfinity, std::nan("")};
    const bool ordinary = random_.chance(9, 10);
    const auto small = static_cast<std::int64_t>(random_.below(domain_)) - 2;
    switch (kind) {
      case kSumF32:
      case kMeanF32:
        return {.word = float_word(ordinary ? static_cast<float>(small) * 0.3F
                                            : static_cast<float>(random_.pick(doubles)))};
      case kSumF:
      case kMeanF:
      case kMinF:
      case kMaxF:
        return {.word = double_word(ordinary ? static_cast<double>(small) * 0.3
                                             : random_.pick(doubles))};
      default:
        if (ordinary) return {.word = int_word(small)};
        return {.word = random_.chance(1, 2) ? ~Word{0} >> 1 : Word{1} << 63};
    }
  }

  ModelRow row() {
    ModelRow row;
    for (std::uint32_t w = 0; w < options_.key_words; ++w) {
      row.key.push_back(options_.key_handles[w] ? text_argument()
                                                : Argument{.word = random_.below(4)});
    }
    for (std::size_t k = 0; k < options_.kinds.size(); ++k) row.arguments.push_back(argument(k));
    return row;
  }

  void apply(const std::vector<ModelRow>& rows, int sign) {
    const std::size_t width = options_.kinds.size();
    std::vector<std::vector<Word>> keys(options_.key_words), values(width), nulls(width);
    for (const ModelRow& row : rows) {
      for (std::size_t w = 0; w < keys.size(); ++w) keys[w].push_back(word_of(row.key[w]));
      for (std::size_t k = 0; k < width; ++k) {
        values[k].push_back(row.arguments[k].null ? 0 : word_of(row.arguments[k]));
        nulls[k].push_back(row.arguments[k].null);
      }
    }
    std::vector<const Word*> key_pointers, value_pointers, null_pointers;
    for (const auto& words : keys) key_pointers.push_back(words.data());
    for (const auto& words : values) value_pointers.push_back(words.data());
    for (const auto& words : nulls) {
      const bool any = std::find(words.begin(), words.end(), 1) != words.end();
      null_pointers.push_back(any ? words.data() : nullptr);
    }
    REQUIRE(
        groups_->apply(key_pointers, value_pointers, null_pointers, rows.size(), sign).has_value());
  }

  // Batches of one step in any order, so that rows may go before they come.
  void change() {
    std::vector<std::pair<std::vector<ModelRow>, int>> batches(1 + random_.below(4));
    for (auto& [rows, sign] : batches) {
      sign = random_.chance(1, 2) ? 1 : -1;
      for (std::uint64_t i = random_.below(random_.chance(1, 3) ? 60 : 4); i > 0; --i) {
        if (sign > 0) {
          rows.push_back(row());
          rows_.push_back(rows.back());
        } else if (!rows_.empty()) {
          const std::size_t at = random_.below(rows_.size());
          rows.push_back(rows_[at]);
          rows_[at] = rows_.back();
          rows_.pop_back();
        }
      }
    }
    random_.shuffle(batches);
    for (const auto& [rows, sign] : batches) apply(rows, sign);
  }

  std::map<std::vector<Argument>, std::vector<Word>> results() {
    std::map<std::vector<Argument>, std::vector<const ModelRow*>> by_key;
    for (const ModelRow& row : rows_) by_key[row.key].push_back(&row);
    std::map<std::vector<Argument>, std::vector<Word>> results;
    for (const auto& [key, rows] : by_key) {
      AccumulatorSet accumulators;
      accumulators.begin(options_.kinds, 1);
      bool has_row = true;
      std::vector<Word> words;
      for (std::size_t k = 0; k < options_.kinds.size(); ++k) {
        for (const ModelRow* const row : rows) {
          const Word value = word_of(row->arguments[k]);
          const Word null = row->arguments[k].null;
          const std::uint32_t lane = 0;
          accumulators.step(k, &lane, &value, &null, 1, pool_);
        }
        has_row = has_row && accumulators.has_result(k, 0);
        if (has_row) words.push_back(accumulators.result(k, 0));
      }
      if (!has_row) continue;
      std::vector<Word> tuple;
      for (const Argument& argument : key) tuple.push_back(word_of(argument));
      tuple.insert(tuple.end(), words.begin(), words.end());
      results.emplace(key, std::move(tuple));
    }
    return results;
  }

  void step() {
    change();
    // Words of results stay the same until the end of the epoch, so tuples can be compared.
    const auto now = results();
    std::vector<Tuple> left, entered;
    for (const auto& [key, tuple] : taken_) {
      const auto found = now.find(key);
      if (found == now.end() || found->second != tuple) left.push_back(tuple);
    }
    for (const auto& [key, tuple] : now) {
      const auto found = taken_.find(key);
      if (found == taken_.end() || found->second != tuple) entered.push_back(tuple);
    }
    std::sort(left.begin(), left.end());
    std::sort(entered.begin(), entered.end());
    groups_->take_changes(changes_);
    REQUIRE(tuples_of(changes_.left, changes_.left_count) == left);
    REQUIRE(tuples_of(changes_.entered, changes_.entered_count) == entered);
    taken_ = now;
    if (random_.chance(1, 4)) pool_.end_step();  // What an abort needs is held.
  }

  // After the end of an epoch: a reference for each group's key word and each value a group keeps.
  void check_references() {
    pool_.end_step();
    std::map<int, std::uint32_t> expected;
    std::map<std::vector<Argument>, std::vector<std::map<Argument, int>>> by_key;
    for (const ModelRow& row : rows_) {
      auto& kept = by_key[row.key];
      kept.resize(options_.kinds.size());
      for (std::size_t k = 0; k < kept.size(); ++k) {
        if (!row.arguments[k].null) ++kept[k][row.arguments[k]];
      }
    }
    REQUIRE(groups_->size() == by_key.size());
    for (const auto& [key, kept] : by_key) {
      for (const Argument& argument : key) {
        if (argument.text >= 0) ++expected[argument.text];
      }
      for (const auto& values : kept) {
        for (const auto& [value, count] : values) {
          if (value.text >= 0) ++expected[value.text];
        }
      }
    }
    std::uint64_t live = 0;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      const std::optional<Word> word = pool_.find(texts_[i]);
      if (word && !is_handle_word(*word)) continue;
      const std::uint32_t count = expected[static_cast<int>(i)];
      live += count > 0;
      REQUIRE(word.has_value() == (count > 0));
      if (word) REQUIRE(pool_.reference_count(*word) == count);
    }
    REQUIRE(pool_.stats().entries_live == live);
    pool_.verify();
  }

  Random random_;
  TypeTable types_;
  ValuePool pool_;
  MemoryBudget budget_;
  std::vector<std::string> texts_;
  StandingGroups::Options options_;
  std::uint64_t domain_ = 0;
  std::unique_ptr<StandingGroups> groups_;
  std::vector<ModelRow> rows_;
  std::map<std::vector<Argument>, std::vector<Word>> taken_;
  StandingGroups::Changes changes_;
};

TEST_CASE("groups agree with aggregates from scratch through steps, commits and aborts") {
  for (std::uint64_t seed = 0; seed < 250; ++seed) {
    INFO("seed " << seed);
    Model(seed).run();
  }
}

// One of SQL's aggregates over rows that come and go, against one that meets those that are there.
class SqlModel {
 public:
  SqlModel(AggregateSpec spec, std::uint64_t seed)
      : random_(seed), pool_(types_), spec_(std::move(spec)) {
    options_.kinds = {kCount};
    options_.sql = {spec_};
    options_.argument_handles = {types_.is_handle(spec_.argument)};
    options_.pool = &pool_;
    options_.budget = &budget_;
    REQUIRE(StandingGroups::follows(spec_, types_));
    groups_ = make(options_);
  }

  void run() {
    for (int epoch = 0; epoch < 40; ++epoch) {
      const auto rows = rows_;
      const std::string shown = shown_;
      for (std::uint64_t steps = random_.below(3); steps > 0; --steps) step();
      groups_->verify();
      if (random_.chance(1, 3)) {
        if (random_.chance(1, 2)) change();
        groups_->abort();
        rows_ = rows;
        shown_ = shown;
      } else {
        groups_->commit();
        if (random_.chance(1, 4)) groups_ = handed_over(*groups_, options_, 1);
      }
      groups_->verify();
      pool_.end_step();
    }
    groups_.reset();
    pool_.end_step();
    CHECK(pool_.stats().entries_live == 0);
    CHECK(budget_.used() == 0);
  }

 private:
  struct Row {
    std::string text;
    Word flag = 0;  // 1: null, 2: a filter dropped it.
  };

  std::array<Word, 2> words_of(const Row& row) {
    std::array<Word, 2> words{};
    std::string error;
    if (row.flag == 0) {
      INFO(row.text << ": " << error);
      REQUIRE(parse_value(pool_, spec_.argument, row.text, words.data(), error));
    }
    return words;
  }

  Row row() {
    if (random_.chance(1, 5)) return {"", 1 + random_.below(2)};
    const auto number = [&](std::uint64_t below) { return std::to_string(random_.below(below)); };
    const bool strange = random_.chance(1, 15);
    switch (spec_.argument.kind) {
      case TypeKind::kBool:
        return {random_.chance(1, 2) ? "true" : "false"};
      case TypeKind::kText:
        return {"a text, a long one or not, " + number(5)};
      case TypeKind::kInterval:
        return {"P" + number(9) + "M" + number(3) + "DT" + number(3) + "H"};
      case TypeKind::kNumeric:
        if (strange) return {random_.chance(1, 2) ? "nan" : random_.chance(1, 2) ? "inf" : "-inf"};
        return {number(3) + "." + number(10) + (random_.chance(1, 8) ? "00000000000000001" : "")};
      case TypeKind::kFloat4:
      case TypeKind::kFloat8:
        if (strange) return {random_.chance(1, 2) ? "nan" : "1e30"};
        return {number(9) + "." + number(100)};
      case TypeKind::kInt8:
        if (strange) return {"9223372036854775807"};
        return {number(9)};
      default:
        return {number(6)};
    }
  }

  void apply(const Row& row, int sign) {
    const std::array<Word, 2> words = words_of(row);
    std::vector<const Word*> values{&words[0]};
    if (value_words(spec_.argument) == 2) values.push_back(&words[1]);
    const Word* const nulls[] = {&row.flag};
    REQUIRE(groups_->apply({}, values, nulls, 1, sign).has_value());
  }

  void change() {
    for (std::uint64_t i = random_.below(5); i > 0; --i) {
      if (!rows_.empty() && random_.chance(1, 2)) {
        const std::size_t at = random_.below(rows_.size());
        apply(rows_[at], -1);
        rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(at));
      } else {
        rows_.push_back(row());
        apply(rows_.back(), 1);
      }
    }
  }

  // As text: words of numbers that nobody owns may be another's after a step.
  std::string text_of(const std::array<Word, 2>& words, bool null, Word error) const {
    if (error != 0) return "error " + std::to_string(error);
    if (null) return "null";
    std::string text;
    print_value(pool_, spec_.result, false, words.data(), {}, text);
    return text;
  }

  void step() {
    change();
    groups_->take_changes(changes_);
    if (changes_.left_count > 0) {
      REQUIRE(text_of({changes_.left[0][0], changes_.left[1][0]}, changes_.left[2][0] != 0,
                      changes_.left[3][0]) == shown_);
      shown_.clear();
    }
    if (changes_.entered_count > 0) {
      shown_ = text_of({changes_.entered[0][0], changes_.entered[1][0]},
                       changes_.entered[2][0] != 0, changes_.entered[3][0]);
    }
    if (rows_.empty()) {
      REQUIRE(shown_.empty());
      return;
    }
    SqlAccumulator anew(spec_);
    anew.grow(1);
    for (const Row& row : rows_) {
      const std::array<Word, 2> words = words_of(row);
      const std::uint32_t lane = 0;
      const Word* const low = &words[1];
      const bool wide = value_words(spec_.argument) == 2;
      anew.step(&lane, words.data(), &row.flag, {&low, wide ? 1U : 0U}, 1, pool_);
    }
    const SqlAggregateResult wanted = anew.result(0, pool_);
    REQUIRE(shown_ == text_of(wanted.words, wanted.null, wanted.error));
  }

  Random random_;
  TypeTable types_;
  ValuePool pool_;
  MemoryBudget budget_;
  AggregateSpec spec_;
  StandingGroups::Options options_;
  std::unique_ptr<StandingGroups> groups_;
  StandingGroups::Changes changes_;
  std::vector<Row> rows_;
  std::string shown_;
};

TEST_CASE("SQL's aggregates are what they are from scratch, whatever came and went") {
  using enum SqlAggregate;
  const Type numeric = Type::displayed_numeric();
  const Type plain = Type::of(TypeKind::kNumeric);
  const Type int4 = Type::of(TypeKind::kInt4), int8 = Type::of(TypeKind::kInt8);
  const Type float4 = Type::of(TypeKind::kFloat4), float8 = Type::float8();
  const Type interval = Type::of(TypeKind::kInterval);
  const AggregateSpec specs[] = {
      {kSum, int4, int8, false, {}},
      {kSum, int8, numeric, false, {}},
      {kSum, int8, int8, false, {}},
      {kAverage, int4, numeric, false, {}},
      {kSum, numeric, numeric, false, {}},
      {kAverage, numeric, numeric, false, {}},
      {kSum, plain, numeric, true, {}},
      {kAverage, plain, numeric, true, {}},
      {kSum, float8, float8, false, {}},
      {kAverage, float8, float8, true, {}},
      {kSum, float4, float4, false, {}},
      {kAverage, float4, float8, false, {}},
      {kSum, interval, interval, false, {}},
      {kAverage, interval, interval, false, {}},
      {kMin, numeric, numeric, false, {}},
      {kMax, numeric, numeric, false, {}},
      {kMin, float4, float4, false, {}},
      {kMax, float8, float8, false, {}},
      {kMin, int4, int4, false, {}},
      {kMax, Type::text(), Type::text(), false, {}},
      {kBoolAnd, Type::boolean(), Type::boolean(), false, {}},
      {kBoolOr, Type::boolean(), Type::boolean(), true, {}},
      {kBitXor, int4, int4, false, {}},
      {kBitXor, int4, int4, true, {}},
      {kSum, int4, int8, true, {}},
  };
  for (std::size_t i = 0; i < std::size(specs); ++i) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      INFO("spec " << i << ", seed " << seed);
      SqlModel(specs[i], seed).run();
    }
  }
}

}  // namespace
}  // namespace entail::vm
