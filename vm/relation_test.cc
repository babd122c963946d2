#include "vm/relation.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <thread>

#include "vm/base/random.h"
#include "vm/type_table.h"
#include "vm/value_pool.h"

namespace entail::vm {
namespace {

using Tuple = std::vector<Word>;

std::unique_ptr<Relation> make(RelationOptions options) {
  Expected<std::unique_ptr<Relation>> relation = Relation::create(std::move(options));
  REQUIRE(relation.has_value());
  return std::move(relation).value();
}

std::unique_ptr<Relation> make_set(std::size_t arity, std::string name = "r") {
  RelationOptions options;
  options.name = std::move(name);
  options.columns.resize(arity);
  return make(std::move(options));
}

// Rows as one array of words per column.
struct Columns {
  explicit Columns(const std::vector<Tuple>& rows, std::size_t arity) : words(arity) {
    for (const Tuple& row : rows) {
      for (std::size_t c = 0; c < arity; ++c) words[c].push_back(row[c]);
    }
    for (const auto& column : words) pointers.push_back(column.data());
  }
  std::vector<std::vector<Word>> words;
  std::vector<const Word*> pointers;
};

std::uint64_t append(Relation& relation, const std::vector<Tuple>& rows) {
  const Columns columns(rows, relation.column_count());
  const Expected<MergeResult> result = relation.append(columns.pointers, rows.size());
  REQUIRE(result.has_value());
  CHECK(result->candidates == rows.size());
  return result->inserted;
}

Tuple tuple_at(const Relation& relation, Row row) {
  Tuple tuple(relation.column_count());
  for (std::uint32_t c = 0; c < tuple.size(); ++c) relation.load(c, &row, 1, &tuple[c]);
  return tuple;
}

std::vector<Tuple> rows_in(const Relation& relation, View view) {
  std::vector<Tuple> tuples;
  Row rows[7];
  RowRange range = relation.range(view);
  while (const std::size_t n = relation.next_rows(range, rows, 7)) {
    for (std::size_t i = 0; i < n; ++i) tuples.push_back(tuple_at(relation, rows[i]));
  }
  std::sort(tuples.begin(), tuples.end());
  return tuples;
}

bool holds(const Relation& relation, const Tuple& tuple) {
  std::vector<const Word*> columns;
  for (const Word& word : tuple) columns.push_back(&word);
  std::uint8_t found = 2;
  relation.contains(columns, 1, &found);
  REQUIRE(found <= 1);
  return found == 1;
}

std::vector<Tuple> matches(const Relation& relation, std::uint32_t index, View view,
                           const Tuple& key) {
  std::vector<const Word*> keys;
  for (const Word& word : key) keys.push_back(&word);
  Posting posting;
  relation.probe(index, view, keys, 1, &posting);
  CHECK(std::is_sorted(posting.rows, posting.rows + posting.count));
  std::vector<Tuple> tuples;
  for (std::uint32_t i = 0; i < posting.count; ++i) {
    tuples.push_back(tuple_at(relation, posting.rows[i]));
  }
  std::sort(tuples.begin(), tuples.end());
  return tuples;
}

Word signed_word(std::int64_t value) { return int_word(value); }

// A value of the kind that this seed is about: few of them, so that duplicates are common.
Word random_word(Random& random, unsigned flavour) {
  switch (flavour % 5) {
    case 0:
      return random.below(6);
    case 1:
      return signed_word(random.between(-3, 3));
    case 2:
      return random.below(400);
    case 3:
      return random.chance(1, 20) ? signed_word(random.between(-4, 4)) << 40 : random.below(9);
    default:
      return random.chance(1, 2) ? ~random.below(5) : random.below(5) << 60;
  }
}

class TwoThreads final : public ThreadTeam {
 public:
  unsigned size() const override { return 2; }
  void run(const std::function<void(unsigned)>& work) override {
    std::thread other(work, 1);
    work(0);
    other.join();
  }
};

TEST_CASE("a row moves from pending to delta to total") {
  const auto relation = make_set(2);
  CHECK(append(*relation, {{1, 2}, {3, 4}, {1, 2}}) == 2);
  CHECK(relation->size() == 0);
  CHECK(holds(*relation, {1, 2}));
  CHECK(rows_in(*relation, View::kTotal).empty());
  CHECK(relation->advance());
  CHECK(rows_in(*relation, View::kDelta) == std::vector<Tuple>{{1, 2}, {3, 4}});
  CHECK(rows_in(*relation, View::kOld).empty());
  CHECK(append(*relation, {{3, 4}, {5, 6}}) == 1);
  CHECK(rows_in(*relation, View::kTotal).size() == 2);
  CHECK(relation->advance());
  CHECK(rows_in(*relation, View::kDelta) == std::vector<Tuple>{{5, 6}});
  CHECK(rows_in(*relation, View::kOld) == std::vector<Tuple>{{1, 2}, {3, 4}});
  CHECK_FALSE(relation->advance());
  CHECK(rows_in(*relation, View::kTotal).size() == 3);
  relation->verify();
}

TEST_CASE("settling empties the delta and keeps the total") {
  const auto relation = make_set(1);
  append(*relation, {{7}});
  relation->advance();
  relation->settle();
  CHECK(rows_in(*relation, View::kDelta).empty());
  CHECK(rows_in(*relation, View::kOld) == std::vector<Tuple>{{7}});
}

TEST_CASE("a relation without columns holds one row or none") {
  RelationOptions options;
  options.name = "done";
  const auto relation = make(options);
  CHECK(relation->column_count() == 1);
  CHECK(append(*relation, {{0}, {0}}) == 1);
  CHECK(append(*relation, {{0}}) == 0);
  relation->advance();
  CHECK(relation->size() == 1);
}

TEST_CASE("negative numbers come back as they went in, before and after widening") {
  const auto relation = make_set(2);
  append(*relation, {{signed_word(-1), signed_word(-2147483648)}});
  append(*relation, {{signed_word(-1), signed_word(-2147483649)}, {~Word{0}, ~Word{0}}});
  relation->advance();
  CHECK(rows_in(*relation, View::kTotal).size() == 3);
  CHECK(holds(*relation, {signed_word(-1), signed_word(-2147483648)}));
  CHECK(holds(*relation, {~Word{0}, ~Word{0}}));
  CHECK_FALSE(holds(*relation, {0xffffffffU, 0xffffffffU}));
  CHECK(append(*relation, {{~Word{0}, ~Word{0}}}) == 0);
  relation->verify();
}

TEST_CASE("a set agrees with a model, whatever its width and its values") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const std::size_t arity = 1 + random.below(5);
    const auto flavour = static_cast<unsigned>(seed);
    RelationOptions options;
    options.name = "r";
    options.columns.resize(arity);
    for (ColumnOptions& column : options.columns) {
      if (random.chance(1, 3)) column.order = ColumnOrderKind::kUnsigned;
    }
    const auto relation = make(options);
    INFO("seed " << seed << " arity " << arity);

    std::vector<std::uint32_t> indexes;
    std::vector<std::vector<std::uint32_t>> keys;
    std::set<Tuple> total;
    std::set<Tuple> delta;
    const auto check_index = [&](std::size_t i) {
      Tuple key;
      for (std::size_t c = 0; c < keys[i].size(); ++c) key.push_back(random_word(random, flavour));
      const std::set<Tuple>* const views[] = {&total, &delta, &total};
      for (const View view : {View::kTotal, View::kDelta, View::kOld}) {
        std::vector<Tuple> expected;
        for (const Tuple& tuple : *views[static_cast<std::size_t>(view)]) {
          bool same = view != View::kOld || delta.count(tuple) == 0;
          for (std::size_t c = 0; c < key.size(); ++c) same &= tuple[keys[i][c]] == key[c];
          if (same) expected.push_back(tuple);
        }
        CHECK(matches(*relation, indexes[i], view, key) == expected);
      }
    };
    for (int round = 0; round < 25; ++round) {
      if (random.chance(1, 8) && indexes.size() < 4) {
        IndexSpec spec;
        for (std::uint32_t c = 0; c < arity; ++c) {
          if (random.chance(1, 2)) spec.key.push_back(c);
        }
        if (!spec.key.empty()) {
          const std::uint32_t index = relation->add_index(spec);
          relation->prepare_index(index);
          indexes.push_back(index);
          keys.push_back(spec.key);
        }
      }
      std::set<Tuple> pending;
      for (std::uint64_t batch = random.below(3); batch-- > 0;) {
        std::vector<Tuple> rows(random.below(round % 5 == 0 ? 300 : 10));
        for (Tuple& row : rows) {
          for (std::size_t c = 0; c < arity; ++c) row.push_back(random_word(random, flavour));
        }
        std::size_t fresh = 0;
        for (const Tuple& row : rows) {
          if (total.count(row) == 0 && pending.insert(row).second) ++fresh;
        }
        CHECK(append(*relation, rows) == fresh);
      }
      CHECK(relation->advance() == !pending.empty());
      delta = pending;
      total.insert(pending.begin(), pending.end());
      CHECK(rows_in(*relation, View::kDelta) == std::vector<Tuple>(delta.begin(), delta.end()));
      if (random.chance(1, 5)) {
        relation->settle();
        delta.clear();
      }
      for (std::size_t i = 0; i < indexes.size(); ++i) check_index(i);
      Tuple probe;
      for (std::size_t c = 0; c < arity; ++c) probe.push_back(random_word(random, flavour));
      CHECK(holds(*relation, probe) == (total.count(probe) == 1));
    }
    CHECK(rows_in(*relation, View::kTotal) == std::vector<Tuple>(total.begin(), total.end()));
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      std::set<Tuple> distinct;
      for (const Tuple& tuple : total) {
        Tuple key;
        for (const std::uint32_t column : keys[i]) key.push_back(tuple[column]);
        distinct.insert(key);
      }
      CHECK(relation->distinct_keys(indexes[i]) == distinct.size());
    }
    relation->verify();
  }
}

TEST_CASE("two workers and two threads derive the same rows as one") {
  Random random(5);
  for (const std::uint64_t domain : {300U, 3000U, 1U << 30U}) {
    const auto serial = make_set(2);
    const auto parallel = make_set(2);
    CandidateBuffer one(*serial);
    CandidateBuffer left(*parallel);
    CandidateBuffer right(*parallel);
    for (int round = 0; round < 6; ++round) {
      std::vector<Word> a(100'000);
      std::vector<Word> b(a.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        a[i] = random.below(domain);
        b[i] = random.below(domain);
      }
      if (round == 3) a[17] = ~Word{0} - 5, b[17] = ~Word{0} << 40;
      const Word* const all[] = {a.data(), b.data()};
      const Word* const tail[] = {a.data() + 60'000, b.data() + 60'000};
      one.append(all, a.size());
      left.append(all, 60'000);
      right.append(tail, 40'000);
      SerialTeam serial_team;
      TwoThreads threads;
      CandidateBuffer* const ones[] = {&one};
      CandidateBuffer* const two[] = {&left, &right};
      const auto first = serial->merge(ones, serial_team, false);
      const auto second = parallel->merge(two, threads, false);
      REQUIRE(first.has_value());
      REQUIRE(second.has_value());
      CHECK(first->inserted == second->inserted);
      CHECK(second->candidates == a.size());
      CHECK(left.size() + right.size() == 0);
      serial->advance();
      parallel->advance();
    }
    CHECK(rows_in(*serial, View::kTotal) == rows_in(*parallel, View::kTotal));
    parallel->verify();
  }
}

TEST_CASE("an extremum keeps one row a group, and the round sees the old one to its end") {
  RelationOptions options;
  options.name = "shortest";
  options.columns.resize(3);
  options.extremum = RelationExtremum::kMin;
  options.extremum_column = 2;
  const auto relation = make(options);
  const std::uint32_t index = relation->add_index({{0}, -1});
  relation->prepare_index(index);
  CHECK(append(*relation, {{1, 2, 9}, {1, 2, 7}, {1, 2, 8}}) == 1);
  relation->advance();
  CHECK(rows_in(*relation, View::kTotal) == std::vector<Tuple>{{1, 2, 7}});
  CHECK(append(*relation, {{1, 2, 5}, {1, 2, 7}, {1, 2, 4}, {1, 3, 1}}) == 2);
  CHECK(rows_in(*relation, View::kTotal) == std::vector<Tuple>{{1, 2, 7}});
  CHECK(matches(*relation, index, View::kTotal, {1}) == std::vector<Tuple>{{1, 2, 7}});
  CHECK(holds(*relation, {1, 2, 7}));
  CHECK_FALSE(holds(*relation, {1, 2, 5}));
  relation->advance();
  CHECK(rows_in(*relation, View::kDelta) == std::vector<Tuple>{{1, 2, 4}, {1, 3, 1}});
  CHECK(rows_in(*relation, View::kTotal) == std::vector<Tuple>{{1, 2, 4}, {1, 3, 1}});
  CHECK_FALSE(holds(*relation, {1, 2, 7}));
  CHECK(relation->size() == 2);
  relation->verify();
}

TEST_CASE("an extremum agrees with a model while most of its rows die") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Random random(seed);
    RelationOptions options;
    options.name = "best";
    options.columns.resize(3);
    options.columns[1].order = ColumnOrderKind::kFloat;
    options.extremum = seed % 2 == 0 ? RelationExtremum::kMin : RelationExtremum::kMax;
    options.extremum_column = 1;
    const auto relation = make(options);
    const std::uint32_t by_first = relation->add_index({{0}, -1});
    const std::uint32_t by_range = relation->add_index({{0}, 1});
    relation->prepare_index(by_first);
    relation->prepare_index(by_range);
    std::map<std::pair<Word, Word>, double> model;
    for (int round = 0; round < 40; ++round) {
      std::vector<Tuple> rows(random.below(200));
      for (Tuple& row : rows) {
        const double value = static_cast<double>(random.between(-5000, 5000)) / 8;
        row = {random.below(20), double_word(value), random.below(20)};
        const auto [place, is_new] = model.insert({{row[0], row[2]}, value});
        if (!is_new) {
          place->second =
              seed % 2 == 0 ? std::min(place->second, value) : std::max(place->second, value);
        }
      }
      append(*relation, rows);
      relation->advance();
    }
    std::vector<Tuple> expected;
    for (const auto& [group, value] : model) {
      expected.push_back({group.first, double_word(value), group.second});
    }
    std::sort(expected.begin(), expected.end());
    CHECK(rows_in(*relation, View::kTotal) == expected);
    relation->verify();
  }
}

TEST_CASE("a keyed relation refuses a second row under a key, or replaces it") {
  RelationOptions options;
  options.name = "account";
  options.columns.resize(2);
  options.key = {0};
  const auto relation = make(options);
  append(*relation, {{1, 10}, {1, 10}, {2, 20}});
  relation->advance();
  const Columns columns({{1, 11}}, 2);
  const Expected<MergeResult> refused = relation->append(columns.pointers, 1, true);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::kData);
  CHECK(refused.error().message.find("account") != std::string::npos);
  CHECK(append(*relation, {{1, 11}, {1, 12}}) == 1);
  relation->advance();
  CHECK(rows_in(*relation, View::kTotal) == std::vector<Tuple>{{1, 12}, {2, 20}});
  CHECK(rows_in(*relation, View::kDelta) == std::vector<Tuple>{{1, 12}});
  relation->verify();
}

TEST_CASE("a bag keeps equal rows apart") {
  RelationOptions options;
  options.name = "login";
  options.columns.resize(1);
  options.bag = true;
  const auto relation = make(options);
  const std::uint32_t index = relation->add_index({{0}, -1});
  relation->prepare_index(index);
  CHECK(append(*relation, {{7}, {7}, {8}}) == 3);
  relation->advance();
  CHECK(append(*relation, {{7}}) == 1);
  relation->advance();
  CHECK(relation->size() == 4);
  CHECK(matches(*relation, index, View::kTotal, {7}).size() == 3);
  CHECK(matches(*relation, index, View::kDelta, {7}).size() == 1);
  relation->verify();
}

TEST_CASE("ranks are kept beside their rows, and the first one counts") {
  RelationOptions options;
  options.name = "path";
  options.columns.resize(2);
  options.ranks = true;
  const auto relation = make(options);
  CandidateBuffer buffer(*relation);
  const Word a[] = {1, 2, 1};
  const Word b[] = {5, 6, 5};
  const Word ranks[] = {1, 4, 9};
  const Word* const columns[] = {a, b};
  buffer.append(columns, 3, ranks);
  CandidateBuffer* const buffers[] = {&buffer};
  SerialTeam team;
  REQUIRE(relation->merge(buffers, team, false)->inserted == 2);
  relation->advance();
  const Row rows[] = {0, 1};
  Word loaded[2];
  relation->load_ranks(rows, 2, loaded);
  CHECK(loaded[0] == 1);
  CHECK(loaded[1] == 4);
}

TEST_CASE("a range is answered in the order of its column, run by run") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    const auto relation = make_set(2);
    const std::uint32_t index = relation->add_index({{0}, 1});
    if (seed % 2 == 0) relation->prepare_index(index);
    std::set<Tuple> total;
    std::set<Tuple> delta;
    for (int round = 0; round < 12; ++round) {
      std::vector<Tuple> rows(random.below(30));
      delta.clear();
      for (Tuple& row : rows) {
        row = {random.below(3), signed_word(random.between(-20, 20))};
        if (total.count(row) == 0) delta.insert(row);
      }
      append(*relation, rows);
      relation->advance();
      total.insert(delta.begin(), delta.end());
      if (round == 5) relation->prepare_index(index);
      if (round < 5 && seed % 2 != 0) continue;
      const Word key = random.below(3);
      const Word low = signed_word(random.between(-25, 25));
      const Word high = signed_word(random.between(-25, 25));
      const bool has_low = random.chance(2, 3);
      const bool has_high = random.chance(2, 3);
      const bool low_inclusive = random.chance(1, 2);
      const bool high_inclusive = random.chance(1, 2);
      for (const View view : {View::kTotal, View::kDelta, View::kOld}) {
        std::vector<Tuple> expected;
        for (const Tuple& tuple : view == View::kDelta ? delta : total) {
          if (view == View::kOld && delta.count(tuple) == 1) continue;
          const std::int64_t value = int_of(tuple[1]);
          if (tuple[0] != key) continue;
          if (has_low && (low_inclusive ? value < int_of(low) : value <= int_of(low))) continue;
          if (has_high && (high_inclusive ? value > int_of(high) : value >= int_of(high))) continue;
          expected.push_back(tuple);
        }
        std::vector<Posting> postings;
        std::vector<std::uint32_t> lanes;
        const Word* const keys[] = {&key};
        relation->probe_range(index, view, keys, has_low ? &low : nullptr, low_inclusive,
                              has_high ? &high : nullptr, high_inclusive, 1, postings, lanes);
        std::vector<Tuple> found;
        CHECK(postings.size() == lanes.size());
        for (const Posting& posting : postings) {
          for (std::uint32_t i = 0; i < posting.count; ++i) {
            found.push_back(tuple_at(*relation, posting.rows[i]));
          }
        }
        std::sort(found.begin(), found.end());
        std::sort(expected.begin(), expected.end());
        CHECK(found == expected);
      }
    }
    relation->verify();
  }
}

TEST_CASE("a refused reservation names the relation and leaves it whole") {
  Random random(3);
  MemoryBudget budget(200'000);
  for (const bool is_packed : {true, false}) {
    RelationOptions options;
    options.name = "big";
    options.columns.resize(is_packed ? 2 : 3);
    options.budget = &budget;
    {
      const auto relation = make(options);
      std::set<Tuple> offered;
      bool refused = false;
      for (int round = 0; round < 200 && !refused; ++round) {
        std::vector<Tuple> rows(500);
        for (Tuple& row : rows) {
          for (std::size_t c = 0; c < options.columns.size(); ++c) row.push_back(random.next());
          offered.insert(row);
        }
        const Columns columns(rows, options.columns.size());
        const Expected<MergeResult> result = relation->append(columns.pointers, rows.size());
        refused = !result.has_value();
        if (!refused) continue;
        CHECK(result.error().code == ErrorCode::kLimit);
        CHECK(result.error().message.find("relation big with ") != std::string::npos);
      }
      CHECK(refused);
      relation->advance();
      relation->verify();
      for (const Tuple& row : rows_in(*relation, View::kTotal)) CHECK(offered.count(row) == 1);
      CHECK(relation->size() > 0);
      CHECK(budget.used() <= budget.limit());
    }
    CHECK(budget.used() == 0);
  }
}

TEST_CASE("rows own references to their handles while they live") {
  const TypeTable types;
  ValuePool pool(types);
  const Word word = pool.intern("a name longer than seven bytes");
  const Word other = pool.intern("another name longer than that");
  {
    RelationOptions options;
    options.name = "name";
    options.columns = {{ColumnOrderKind::kSigned, false}, {ColumnOrderKind::kText, true}};
    options.key = {0};
    options.pool = &pool;
    const auto relation = make(options);
    append(*relation, {{1, word}, {2, word}, {1, other}, {3, pool.intern("short")}});
    CHECK(pool.reference_count(word) == 1);
    CHECK(pool.reference_count(other) == 1);
    relation->advance();
    append(*relation, {{1, word}});
    CHECK(pool.reference_count(other) == 1);
    relation->advance();
    CHECK(pool.reference_count(word) == 2);
    CHECK(pool.reference_count(other) == 0);
  }
  CHECK(pool.reference_count(word) == 0);
  pool.end_step();
  pool.verify();
}

TEST_CASE("distinct values are estimated from a sample") {
  const auto relation = make_set(2);
  CHECK(relation->estimate_distinct(std::vector<std::uint32_t>{0}) == 0);
  std::vector<Tuple> rows;
  for (Word i = 0; i < 50'000; ++i) rows.push_back({i % 100, i});
  append(*relation, rows);
  relation->advance();
  CHECK(relation->estimate_distinct(std::vector<std::uint32_t>{0}) == 100);
  CHECK(relation->estimate_distinct(std::vector<std::uint32_t>{1}) > 10'000);
  CHECK(relation->estimate_distinct(std::vector<std::uint32_t>{0, 1}) > 10'000);
}

TEST_CASE("options that contradict each other are refused by name") {
  const auto refused = [](RelationOptions options) {
    options.name = "odd";
    const auto relation = Relation::create(std::move(options));
    return !relation.has_value() && relation.error().message.starts_with("relation odd: ");
  };
  RelationOptions bag_with_key;
  bag_with_key.columns.resize(1);
  bag_with_key.bag = true;
  bag_with_key.key = {0};
  CHECK(refused(bag_with_key));
  RelationOptions no_such_column;
  no_such_column.columns.resize(1);
  no_such_column.extremum = RelationExtremum::kMax;
  no_such_column.extremum_column = 1;
  CHECK(refused(no_such_column));
  RelationOptions no_pool;
  no_pool.columns = {{ColumnOrderKind::kText, true}};
  CHECK(refused(no_pool));
}

}  // namespace
}  // namespace entail::vm
