#include "vm/standing_relation.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <thread>

#include "vm/base/random.h"
#include "vm/type_table.h"
#include "vm/value_pool.h"

namespace entail::vm {
namespace {

using Tuple = std::vector<Word>;

std::unique_ptr<StandingRelation> make(RelationOptions options, PinRegistry* pins = nullptr) {
  options.name = std::string("r");
  auto relation = StandingRelation::create(std::move(options), pins);
  REQUIRE(relation.has_value());
  return std::move(relation).value();
}

RelationOptions of_columns(std::size_t count) {
  RelationOptions options;
  options.columns.resize(count);
  return options;
}

// A batch and the arrays behind it.
struct Changes {
  explicit Changes(std::size_t arity) : words(arity) {}
  void add(const Tuple& tuple, std::int64_t weight) {
    for (std::size_t c = 0; c < words.size(); ++c) words[c].push_back(tuple[c]);
    weights.push_back(weight);
    ranks.push_back(static_cast<std::uint32_t>(ranks.size() + 1));
  }
  StandingRelation::Batch batch() {
    pointers.clear();
    for (const auto& column : words) pointers.push_back(column.data());
    return {
        .columns = pointers, .n = weights.size(), .weights = weights.data(), .ranks = ranks.data()};
  }
  std::vector<std::vector<Word>> words;
  std::vector<std::int64_t> weights;
  std::vector<std::uint32_t> ranks;
  std::vector<const Word*> pointers;
};

Tuple tuple_of(const StandingRelation& relation, Row row) {
  Tuple tuple(relation.column_count());
  for (std::uint32_t c = 0; c < tuple.size(); ++c) relation.load(c, &row, 1, &tuple[c]);
  return tuple;
}

std::vector<Tuple> tuples_of(const StandingRelation& relation, std::span<const Row> rows) {
  std::vector<Tuple> tuples;
  for (const Row row : rows) tuples.push_back(tuple_of(relation, row));
  std::sort(tuples.begin(), tuples.end());
  return tuples;
}

std::vector<Tuple> rows_of(const StandingRelation& relation, View view = View::kTotal) {
  std::vector<Row> all;
  Row rows[5];
  Row position = 0;
  while (const std::size_t n = relation.scan(view, position, rows, 5)) {
    all.insert(all.end(), rows, rows + n);
  }
  return tuples_of(relation, all);
}

Row find(const StandingRelation& relation, const Tuple& tuple, View view = View::kTotal) {
  std::vector<const Word*> columns;
  for (const Word& word : tuple) columns.push_back(&word);
  Row row = 0;
  relation.find(view, columns, 1, &row);
  return row;
}

using Tuples = std::vector<Tuple>;

TEST_CASE("only the steps between none and some are visible in a counted set") {
  RelationOptions options = of_columns(2);
  options.weights = true;
  const auto relation = make(options);
  Changes first(2);
  first.add({1, 2}, 2);
  first.add({3, 4}, 1);
  first.add({3, 4}, -1);
  REQUIRE(relation->apply(first.batch()).has_value());
  CHECK(tuples_of(*relation, relation->entered()) == Tuples{{1, 2}});
  relation->end_step();
  Changes second(2);
  second.add({1, 2}, -1);
  REQUIRE(relation->apply(second.batch()).has_value());
  CHECK(relation->left().empty());
  CHECK(relation->weight(find(*relation, {1, 2})) == 1);
  REQUIRE(relation->apply(second.batch()).has_value());
  CHECK(tuples_of(*relation, relation->left()) == Tuples{{1, 2}});
  CHECK(find(*relation, {1, 2}) == kNoRow);
  CHECK(find(*relation, {1, 2}, View::kOld) != kNoRow);
}

TEST_CASE("a fact is stated once, and deleting what is not stated changes nothing") {
  RelationOptions options = of_columns(1);
  options.weights = true;
  const auto relation = make(options);
  Changes changes(1);
  changes.add({1}, 3);
  changes.add({2}, -2);
  REQUIRE(relation->apply(changes.batch(), Counting::kStated).has_value());
  CHECK(relation->ignored_deletions() == 2);
  // The statement and the derivation each hold the row.
  Changes one(1);
  one.add({1}, 1);
  REQUIRE(relation->apply(one.batch()).has_value());
  one.weights[0] = -1;
  REQUIRE(relation->apply(one.batch(), Counting::kStated).has_value());
  CHECK_FALSE(relation->is_stated(find(*relation, {1})));
  CHECK(rows_of(*relation) == Tuples{{1}});
  REQUIRE(relation->apply(one.batch()).has_value());
  CHECK(relation->size() == 0);
}

TEST_CASE("views differ by what the step did, and the net of steps is the epoch's") {
  const auto relation = make(of_columns(1));
  const auto state = [&](Word value, std::int64_t weight) {
    Changes changes(1);
    changes.add({value}, weight);
    REQUIRE(relation->apply(changes.batch(), Counting::kStated).has_value());
  };
  state(1, 1);
  state(2, 1);
  relation->commit(1);
  state(1, -1);
  state(3, 1);
  CHECK(rows_of(*relation) == Tuples{{2}, {3}});
  CHECK(rows_of(*relation, View::kOld) == Tuples{{1}, {2}});
  relation->end_step();
  CHECK(rows_of(*relation, View::kOld) == Tuples{{2}, {3}});
  CHECK(relation->entered().empty());
  state(1, 1);
  state(3, -1);
  CHECK(tuples_of(*relation, relation->entered()) == Tuples{{1}});
  CHECK(tuples_of(*relation, relation->left()) == Tuples{{3}});
  CHECK(relation->epoch_entered().empty());
  CHECK(relation->epoch_left().empty());
  relation->commit(2);
  CHECK(rows_of(*relation) == Tuples{{1}, {2}});
  relation->verify();
}

TEST_CASE("ranked rows come and go by id") {
  RelationOptions options = of_columns(1);
  options.ranks = true;
  const auto relation = make(options);
  const Word values[] = {1, 2, 2, 3};
  const Word* const columns[] = {values};
  const std::uint32_t ranks[] = {5, 6, 7, 8};
  std::vector<Row> fresh;
  REQUIRE(relation->insert_ranked(columns, 4, ranks, fresh).has_value());
  CHECK(tuples_of(*relation, fresh) == Tuples{{1}, {2}, {3}});
  CHECK(relation->rank(find(*relation, {2})) == 6);
  relation->end_step();
  const Row gone[] = {find(*relation, {2}), find(*relation, {3})};
  relation->remove(gone);
  CHECK(rows_of(*relation) == Tuples{{1}});
  fresh.clear();
  const std::uint32_t others[] = {9, 9, 9, 9};
  REQUIRE(relation->insert_ranked(columns, 3, others, fresh).has_value());
  REQUIRE(fresh.size() == 1);
  CHECK(fresh[0] == gone[0]);
  CHECK(relation->rank(fresh[0]) == 9);
  CHECK(relation->entered().empty());
  CHECK(tuples_of(*relation, relation->left()) == Tuples{{3}});
  relation->verify();
}

TEST_CASE("an identity lasts while the row is there, and is not used again") {
  RelationOptions options = of_columns(1);
  options.identities = true;
  const auto relation = make(options);
  const auto apply = [&](std::int64_t weight) {
    Changes changes(1);
    changes.add({1}, weight);
    REQUIRE(relation->apply(changes.batch()).has_value());
    return weight > 0 ? relation->identity(find(*relation, {1})) : 0;
  };
  const std::uint64_t first = apply(1);
  relation->end_step();
  apply(-1);
  CHECK(apply(1) == first);  // Within a step it never was away.
  apply(-1);
  relation->end_step();
  CHECK(apply(1) > first);
  relation->commit(1);
}

TEST_CASE("an aborted epoch leaves no trace") {
  RelationOptions options = of_columns(1);
  options.ranks = true;
  options.weights = true;
  const auto relation = make(options);
  Changes first(1);
  first.add({1}, 3);
  first.add({2}, 1);
  REQUIRE(relation->apply(first.batch()).has_value());
  relation->commit(1);
  const Row one = find(*relation, {1});
  const Row two = find(*relation, {2});
  const std::uint32_t rank = relation->rank(one);
  Changes second(1);
  second.add({1}, -3);
  second.add({2}, 5);
  second.add({7}, 1);
  REQUIRE(relation->apply(second.batch()).has_value());
  relation->end_step();
  Changes third(1);
  third.add({1}, 1);
  REQUIRE(relation->apply(third.batch()).has_value());
  relation->set_rank(two, 99);
  CHECK(relation->has_open_changes());
  relation->abort();
  CHECK_FALSE(relation->has_open_changes());
  CHECK(rows_of(*relation) == Tuples{{1}, {2}});
  CHECK(relation->rank(one) == rank);
  CHECK(relation->rank(two) != 99);
  CHECK(relation->weight(one) == 3);
  CHECK(relation->weight(two) == 1);
  relation->verify();
}

TEST_CASE("weights beyond 32 bits are kept") {
  RelationOptions options = of_columns(1);
  options.weights = true;
  const auto relation = make(options);
  constexpr std::int64_t kMany = std::int64_t{3} << 40;
  Changes changes(1);
  changes.add({1}, kMany);
  changes.add({2}, 2);
  REQUIRE(relation->apply(changes.batch()).has_value());
  CHECK(relation->weight(find(*relation, {1})) == kMany);
  CHECK(relation->weight(find(*relation, {2})) == 2);
  relation->abort();
  CHECK(relation->size() == 0);
}

TEST_CASE("a bag deletes the newest of equal rows, or none") {
  RelationOptions options = of_columns(1);
  options.bag = true;
  const auto relation = make(options);
  const std::vector<Word> value = {7};
  const Word* const columns[] = {value.data()};
  const auto insert = [&](DurableId id) {
    REQUIRE(relation->apply({.columns = columns, .n = 1, .ids = &id}).has_value());
  };
  insert({1, 5});
  insert({1, 9});
  insert({1, 7});
  relation->commit(1);
  const auto lose = [&](std::int64_t weight) {
    REQUIRE(relation->apply({.columns = columns, .n = 1, .weights = &weight}).has_value());
  };
  lose(-1);
  REQUIRE(relation->left().size() == 1);
  CHECK(relation->durable_id(relation->left()[0]) == DurableId{1, 9});
  CHECK(relation->durable_id(find(*relation, {7})) == DurableId{1, 7});
  CHECK(relation->durable_id(find(*relation, {7}, View::kOld)) == DurableId{1, 9});
  lose(-3);
  CHECK(relation->left().size() == 3);
  CHECK(relation->ignored_deletions() == 1);
  relation->abort();
  REQUIRE(relation->apply({.columns = columns, .n = 1}).has_value());
  relation->commit(2);
  CHECK(relation->durable_id(find(*relation, {7})) == DurableId{2, 0});
  CHECK(relation->size() == 4);
  relation->verify();
}

TEST_CASE("an index made when rows have left has room for their return") {
  auto relation = make(of_columns(2));
  Changes facts(2), gone(2);
  for (Word i = 0; i < 500; ++i) {
    facts.add({i, i + 1}, 1);
    gone.add({i, i + 1}, -1);
  }
  REQUIRE(relation->apply(facts.batch(), Counting::kStated).has_value());
  relation->commit(1);
  REQUIRE(relation->apply(gone.batch(), Counting::kStated).has_value());
  relation->end_step();
  REQUIRE(relation->add_index({.key = {0}}).has_value());
  relation->abort();
  CHECK(relation->size() == 500);
  relation->verify();
}

TEST_CASE("a keyed row gives way, and a second one under its key is refused") {
  RelationOptions options = of_columns(2);
  options.key = {0};
  const auto relation = make(options);
  Changes first(2);
  first.add({1, 10}, 1);
  first.add({2, 20}, 1);
  REQUIRE(relation->replace(first.batch()).has_value());
  relation->commit(1);
  Changes second(2);
  second.add({1, 11}, 1);
  second.add({1, 12}, 1);
  second.add({2, 21}, 1);
  second.add({2, 20}, 1);
  REQUIRE(relation->replace(second.batch()).has_value());
  CHECK(tuples_of(*relation, relation->entered()) == Tuples{{1, 12}});
  CHECK(tuples_of(*relation, relation->left()) == Tuples{{1, 10}});
  Changes other(2);
  other.add({1, 99}, 1);
  const auto refused = relation->apply(other.batch(), Counting::kStated);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::kData);
  relation->abort();
  Changes handed_on(2);
  handed_on.add({1, 99}, 1);
  handed_on.add({1, 10}, -1);
  REQUIRE(relation->apply(handed_on.batch(), Counting::kStated).has_value());
  relation->commit(2);
  relation->verify();
  CHECK(rows_of(*relation) == Tuples{{1, 99}, {2, 20}});
}

TEST_CASE("slots are used again, so a changing relation does not grow") {
  PinRegistry pins;
  const auto relation = make(of_columns(1), &pins);
  std::uint64_t bytes = 0;
  for (Version version = 1; version <= 3000; ++version) {
    Changes changes(1);
    for (Word i = 0; i < 4; ++i) {
      changes.add({version * 4 + i}, 1);
      if (version > 1) changes.add({(version - 1) * 4 + i}, -1);
    }
    REQUIRE(relation->apply(changes.batch()).has_value());
    relation->commit(version);
    pins.publish(version);
    if (version == 100) bytes = relation->bytes_used();
  }
  CHECK(relation->size() == 4);
  CHECK(relation->bytes_used() == bytes);
}

TEST_CASE("a pin that is revoked gets an error of its own and holds nothing") {
  PinRegistry pins;
  const auto relation = make(of_columns(1), &pins);
  Changes changes(1);
  changes.add({1}, 1);
  REQUIRE(relation->apply(changes.batch()).has_value());
  relation->commit(1);
  pins.publish(1);
  const ReadPin pin = pins.pin().value();
  changes.weights[0] = -1;
  REQUIRE(relation->apply(changes.batch()).has_value());
  relation->commit(2);
  pins.publish(2);
  relation->reclaim();
  CHECK(relation->bytes_held_by_pins() > 0);
  CHECK(pins.revoke_before(2) == 1);
  relation->reclaim();
  CHECK(relation->bytes_held_by_pins() == 0);
  Row row = 0;
  Row position = 0;
  const auto refused = relation->scan(pin, position, &row, 1);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::kLimit);
}

TEST_CASE("a refused reservation is an error, and the epoch can be aborted") {
  PinRegistry pins;
  MemoryBudget budget(20'000);
  {
    RelationOptions options = of_columns(2);
    options.budget = &budget;
    const auto relation = make(options, &pins);
    Random random(1);
    Version version = 0;
    bool refused = false;
    while (!refused) {
      Changes changes(2);
      for (int i = 0; i < 20; ++i) changes.add({random.next(), random.next()}, 1);
      const auto applied = relation->apply(changes.batch());
      refused = !applied.has_value();
      if (refused) {
        CHECK(applied.error().code == ErrorCode::kLimit);
        relation->abort();
      } else {
        relation->commit(++version);
        pins.publish(version);
      }
    }
    CHECK(relation->size() == 20 * version);
    relation->verify();
  }
  CHECK(budget.used() == 0);
}

TEST_CASE("readers see whole versions while the writer goes on") {
  // In each version the relation holds 64 rows (slot, value) whose values sum to 0.
  constexpr Word kRows = 64;
  PinRegistry pins;
  RelationOptions options = of_columns(2);
  options.key = {0};
  const auto relation = make(options, &pins);
  const std::uint32_t index = relation->add_index({{1}, -1}).value();
  Changes first(2);
  for (Word i = 0; i < kRows; ++i) first.add({i, 0}, 1);
  REQUIRE(relation->replace(first.batch()).has_value());
  relation->commit(1);
  pins.publish(1);

  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> faults{0};
  std::atomic<std::uint64_t> reads{0};
  const auto read = [&](std::uint64_t seed) {
    Random random(seed);
    while (!stop.load()) {
      const ReadPin pin = pins.pin().value();
      for (std::uint64_t again = 1 + random.below(3); again-- > 0;) {
        std::int64_t sum = 0;
        std::uint64_t count = 0;
        std::map<Word, std::uint64_t> by_value;
        Row rows[16];
        Row position = 0;
        while (const std::size_t n = relation->scan(pin, position, rows, 16).value()) {
          Word values[16];
          if (!relation->load(pin, 1, rows, n, values)) ++faults;
          for (std::size_t i = 0; i < n; ++i) {
            sum += int_of(values[i]);
            ++by_value[values[i]];
          }
          count += n;
        }
        if (sum != 0 || count != kRows) ++faults;
        for (const auto& [value, occurrences] : by_value) {
          const Word* const keys[] = {&value};
          std::vector<Row> found;
          std::vector<std::uint32_t> lanes;
          if (!relation->probe(pin, index, keys, 1, found, lanes)) ++faults;
          if (found.size() != occurrences) ++faults;
        }
        ++reads;
      }
    }
  };
  std::thread one(read, 1);
  std::thread two(read, 2);
  Random random(3);
  std::map<Word, std::int64_t> values;
  Version version = 1;
  const bool is_short = std::getenv("ENTAIL_PROPERTY_SHORT") != nullptr;
  while (version < (is_short ? 300U : 2000U) || reads.load() < 50) {
    Changes changes(2);
    const std::map<Word, std::int64_t> before = values;
    for (std::uint64_t n = 1 + random.below(8); n-- > 0;) {
      const Word from = random.below(kRows);
      const Word to = (from + 1 + random.below(kRows - 1)) % kRows;
      const std::int64_t amount =
          random.chance(1, 100) ? std::int64_t{1} << 40 : random.between(1, 5);
      values[from] -= amount;
      values[to] += amount;
      changes.add({from, int_word(values[from])}, 1);
      changes.add({to, int_word(values[to])}, 1);
    }
    if (!relation->replace(changes.batch())) ++faults;
    if (random.chance(1, 5)) {
      relation->abort();
      values = before;
      continue;
    }
    relation->commit(++version);
    pins.publish(version);
    if (random.chance(1, 50)) pins.revoke_before(0);
  }
  stop = true;
  one.join();
  two.join();
  CHECK(faults.load() == 0);
  relation->reclaim();
  CHECK(relation->bytes_held_by_pins() == 0);
  relation->verify();
}

}  // namespace
}  // namespace entail::vm
