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

std::unique_ptr<StandingRelation> make(RelationOptions options, PinRegistry& pins) {
  options.name = "r";
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

std::vector<std::pair<Tuple, std::int64_t>> changes_in(
    const StandingRelation::Transitions& transitions) {
  std::vector<std::pair<Tuple, std::int64_t>> changes;
  for (std::size_t i = 0; i < transitions.size(); ++i) {
    Tuple tuple;
    for (const auto& column : transitions.columns) tuple.push_back(column[i]);
    changes.push_back({tuple, transitions.weights[i]});
  }
  std::sort(changes.begin(), changes.end());
  return changes;
}

std::vector<Tuple> rows_of(const StandingRelation& relation) {
  std::vector<Tuple> tuples;
  Row rows[5];
  Row position = 0;
  while (const std::size_t n = relation.scan(position, rows, 5)) {
    for (std::size_t i = 0; i < n; ++i) {
      Tuple tuple(relation.column_count());
      for (std::uint32_t c = 0; c < tuple.size(); ++c) relation.load(c, &rows[i], 1, &tuple[c]);
      tuples.push_back(tuple);
    }
  }
  std::sort(tuples.begin(), tuples.end());
  return tuples;
}

std::vector<Tuple> rows_at(const StandingRelation& relation, const ReadPin& pin) {
  std::vector<Tuple> tuples;
  Row rows[5];
  Row position = 0;
  while (const std::size_t n = relation.scan(pin, position, rows, 5).value()) {
    for (std::size_t i = 0; i < n; ++i) {
      Tuple tuple(relation.column_count());
      for (std::uint32_t c = 0; c < tuple.size(); ++c) {
        REQUIRE(relation.load(pin, c, &rows[i], 1, &tuple[c]).has_value());
      }
      tuples.push_back(tuple);
    }
  }
  std::sort(tuples.begin(), tuples.end());
  return tuples;
}

TEST_CASE("only the steps between none and some are visible in a counted set") {
  PinRegistry pins;
  const auto relation = make(of_columns(2), pins);
  Changes first(2);
  first.add({1, 2}, 2);
  first.add({3, 4}, 1);
  first.add({3, 4}, -1);
  CHECK(changes_in(relation->apply(first.batch()).value()) ==
        std::vector<std::pair<Tuple, std::int64_t>>{{{1, 2}, 1}});
  Changes second(2);
  second.add({1, 2}, -1);
  CHECK(relation->apply(second.batch()).value().size() == 0);
  CHECK(changes_in(relation->apply(second.batch()).value()) ==
        std::vector<std::pair<Tuple, std::int64_t>>{{{1, 2}, -1}});
  const auto absent = relation->apply(second.batch());
  CHECK(absent.value().size() == 0);
  CHECK(absent.value().ignored_deletions == 1);
}

TEST_CASE("an aborted epoch leaves no trace") {
  PinRegistry pins;
  RelationOptions options = of_columns(1);
  options.ranks = true;
  const auto relation = make(options, pins);
  Changes first(1);
  first.add({1}, 3);
  first.add({2}, 1);
  REQUIRE(relation->apply(first.batch()).has_value());
  relation->commit(1);
  pins.publish(1);
  Row position = 0;
  Row rows[2];
  REQUIRE(relation->scan(position, rows, 2) == 2);
  const std::uint32_t rank = relation->rank(rows[0]);
  Changes second(1);
  second.add({1}, -3);
  second.add({2}, 5);
  second.add({7}, 1);
  REQUIRE(relation->apply(second.batch()).has_value());
  Changes third(1);
  third.add({1}, 1);
  REQUIRE(relation->apply(third.batch()).has_value());
  relation->set_rank(rows[1], 99);
  CHECK(relation->has_open_changes());
  relation->abort();
  CHECK_FALSE(relation->has_open_changes());
  CHECK(rows_of(*relation) == std::vector<Tuple>{{1}, {2}});
  CHECK(relation->rank(rows[0]) == rank);
  CHECK(relation->rank(rows[1]) != 99);
  const Word keys[] = {1, 2, 7};
  const Word* const columns[] = {keys};
  std::int64_t weights[3];
  relation->weights(columns, 3, weights);
  CHECK(weights[0] == 3);
  CHECK(weights[1] == 1);
  CHECK(weights[2] == 0);
  relation->verify();
}

TEST_CASE("a bag deletes the newest of equal rows, or none") {
  PinRegistry pins;
  RelationOptions options = of_columns(1);
  options.bag = true;
  const auto relation = make(options, pins);
  const std::vector<Word> value = {7};
  const Word* const columns[] = {value.data()};
  const auto insert = [&](DurableId id) {
    REQUIRE(relation->apply({.columns = columns, .n = 1, .ids = &id}).has_value());
  };
  insert({1, 5});
  insert({1, 9});
  insert({1, 7});
  relation->commit(1);
  pins.publish(1);
  const std::int64_t one_less = -1;
  const auto deleted = relation->apply({.columns = columns, .n = 1, .weights = &one_less}).value();
  REQUIRE(deleted.size() == 1);
  CHECK(deleted.ids[0] == DurableId{1, 9});
  const std::int64_t three_less = -3;
  const auto rest = relation->apply({.columns = columns, .n = 1, .weights = &three_less}).value();
  CHECK(rest.size() == 2);
  CHECK(rest.ignored_deletions == 1);
  relation->abort();
  REQUIRE(relation->apply({.columns = columns, .n = 1}).has_value());
  relation->commit(2);
  pins.publish(2);
  CHECK(relation->apply({.columns = columns, .n = 1, .weights = &one_less}).value().ids[0] ==
        DurableId{2, 0});
  relation->abort();
  CHECK(relation->size() == 4);
  relation->verify();
}

TEST_CASE("a keyed row gives way, and a second one under its key is refused") {
  PinRegistry pins;
  RelationOptions options = of_columns(2);
  options.key = {0};
  const auto relation = make(options, pins);
  Changes first(2);
  first.add({1, 10}, 1);
  first.add({2, 20}, 1);
  REQUIRE(relation->replace(first.batch()).value().size() == 2);
  relation->commit(1);
  pins.publish(1);
  Changes second(2);
  second.add({1, 11}, 1);
  second.add({1, 12}, 1);
  second.add({2, 21}, 1);
  second.add({2, 20}, 1);
  CHECK(changes_in(relation->replace(second.batch()).value()) ==
        std::vector<std::pair<Tuple, std::int64_t>>{{{1, 10}, -1}, {{1, 12}, 1}});
  Changes other(2);
  other.add({1, 99}, 1);
  const auto refused = relation->apply(other.batch());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::kData);
  relation->abort();
  Changes handed_on(2);
  handed_on.add({1, 99}, 1);
  handed_on.add({1, 10}, -1);
  CHECK(relation->apply(handed_on.batch()).value().size() == 2);
  relation->commit(2);
  relation->verify();
  CHECK(rows_of(*relation) == std::vector<Tuple>{{1, 99}, {2, 20}});
}

// The whole contract against a map from row to weight (or, keyed, from key to row; or, for bags, a list).
TEST_CASE("a standing relation agrees with a model through commits, aborts and pins") {
  for (std::uint64_t seed = 0; seed < 45; ++seed) {
    Random random(seed);
    INFO("seed " << seed);
    const TypeTable types;
    ValuePool pool(types);
    {
      PinRegistry pins;
      MemoryBudget budget;
      const unsigned kind = seed % 3;  // Set, bag, keyed.
      RelationOptions options = of_columns(2 + random.below(2));
      const std::size_t arity = options.columns.size();
      options.bag = kind == 1;
      if (kind == 2) options.key = {0};
      options.ranks = kind == 0;
      options.budget = &budget;
      options.pool = &pool;
      options.columns[1].order = ColumnOrderKind::kText;
      options.columns[1].handle = true;
      const auto relation = make(options, pins);
      std::optional<std::uint32_t> index;
      const Counting counting = seed % 2 == 0 ? Counting::kDerived : Counting::kStated;

      using Model = std::map<Tuple, std::int64_t>;
      Model committed;
      Model open;
      struct Pinned {
        ReadPin pin;
        Model model;
      };
      std::vector<Pinned> pinned;
      const auto flat = [](const Model& model) {
        std::vector<Tuple> tuples;
        for (const auto& [tuple, weight] : model) {
          tuples.push_back(tuple);
        }
        return tuples;
      };
      const auto flat_bag = [](const Model& model) {
        std::vector<Tuple> tuples;
        for (const auto& [tuple, weight] : model) {
          tuples.insert(tuples.end(), static_cast<std::size_t>(weight), tuple);
        }
        return tuples;
      };
      const auto expected_rows = [&](const Model& model) {
        return kind == 1 ? flat_bag(model) : flat(model);
      };
      Version version = 0;
      for (int step = 0; step < 120; ++step) {
        Changes changes(arity);
        for (std::uint64_t n = 1 + random.below(6); n-- > 0;) {
          Tuple tuple = {random.below(5),
                         pool.intern("a text of some length " + std::to_string(random.below(3)))};
          if (arity == 3) tuple.push_back(random.chance(1, 30) ? random.next() : random.below(2));
          changes.add(tuple, random.between(-2, 2));
        }
        const Model before = open;
        const StandingRelation::Batch batch = changes.batch();
        const auto tuple_of = [&](std::size_t i) {
          Tuple tuple;
          for (const auto& column : changes.words) tuple.push_back(column[i]);
          return tuple;
        };
        StandingRelation::Transitions transitions;
        if (kind == 2) {
          transitions = relation->replace(batch).value();
          for (std::size_t i = 0; i < batch.n; ++i) {
            const Tuple tuple = tuple_of(i);
            std::erase_if(open, [&](const auto& entry) { return entry.first[0] == tuple[0]; });
            open[tuple] = 1;
          }
        } else {
          transitions = relation->apply(batch, counting).value();
          Model net;
          for (std::size_t i = 0; i < batch.n; ++i) {
            if (kind == 1) {
              std::int64_t& weight = open[tuple_of(i)];
              weight = std::max<std::int64_t>(0, weight + changes.weights[i]);
            } else {
              net[tuple_of(i)] += changes.weights[i];
            }
          }
          for (const auto& [tuple, weight] : net) {
            std::int64_t& total = open[tuple];
            if (counting == Counting::kStated) {
              total = weight > 0 ? 1 : weight < 0 ? 0 : total;
            } else {
              total = std::max<std::int64_t>(0, total + weight);
            }
          }
          std::erase_if(open, [](const auto& entry) { return entry.second == 0; });
        }
        Model net_of_transitions;
        for (const auto& [tuple, weight] : changes_in(transitions)) {
          net_of_transitions[tuple] += weight;
        }
        std::erase_if(net_of_transitions, [](const auto& entry) { return entry.second == 0; });
        Model expected;
        const auto visible = [&](std::int64_t weight) {
          return kind == 1 ? weight : std::min<std::int64_t>(weight, 1);
        };
        for (const auto& [tuple, weight] : open) expected[tuple] += visible(weight);
        for (const auto& [tuple, weight] : before) expected[tuple] -= visible(weight);
        std::erase_if(expected, [](const auto& entry) { return entry.second == 0; });
        CHECK(net_of_transitions == expected);
        if (step == 20 + static_cast<int>(seed % 40)) {
          index = relation->add_index({{0}, -1}).value();
        }
        CHECK(rows_of(*relation) == expected_rows(open));
        if (random.chance(2, 5)) {
          if (random.chance(1, 5)) {
            relation->abort();
            open = committed;
          } else {
            version += 1 + random.below(2);
            relation->commit(version);
            pins.publish(version);
            committed = open;
          }
          relation->verify();
        }
        pool.end_step();
        if (random.chance(1, 6)) pinned.push_back({pins.pin().value(), committed});
        if (random.chance(1, 7) && !pinned.empty()) {
          pinned.erase(pinned.begin() + static_cast<std::ptrdiff_t>(random.below(pinned.size())));
          relation->reclaim();
        }
        for (const Pinned& reader : pinned) {
          CHECK(rows_at(*relation, reader.pin) == expected_rows(reader.model));
          if (!index) continue;
          const Word key = random.below(5);
          const Word* const keys[] = {&key};
          std::vector<Row> rows;
          std::vector<std::uint32_t> lanes;
          REQUIRE(relation->probe(reader.pin, *index, keys, 1, rows, lanes).has_value());
          std::int64_t matches = 0;
          for (const auto& [tuple, weight] : reader.model) {
            if (tuple[0] == key) matches += visible(weight);
          }
          CHECK(rows.size() == static_cast<std::size_t>(matches));
        }
        if (!index) continue;
        const Word key = random.below(5);
        const Word* const keys[] = {&key};
        std::vector<Row> rows;
        std::vector<std::uint32_t> lanes;
        relation->probe(*index, keys, 1, rows, lanes);
        std::int64_t matches = 0;
        for (const auto& [tuple, weight] : open) {
          if (tuple[0] == key) matches += visible(weight);
        }
        CHECK(rows.size() == static_cast<std::size_t>(matches));
      }
      relation->abort();
      pinned.clear();
      relation->reclaim();
      CHECK(relation->bytes_held_by_pins() == 0);
      relation->verify();
    }
    pool.end_step();
    CHECK(pool.stats().entries_live == 0);
  }
}

TEST_CASE("slots are used again, so a changing relation does not grow") {
  PinRegistry pins;
  const auto relation = make(of_columns(1), pins);
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
  const auto relation = make(of_columns(1), pins);
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
    const auto relation = make(options, pins);
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
  const auto relation = make(options, pins);
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
