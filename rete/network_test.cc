#include "rete/network.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "datalog/lower.h"
#include "datalog/stratify.h"
#include "grammar/parser.h"
#include "vm/base/cancel.h"
#include "vm/value_text.h"

namespace entail::rete {
namespace {

using datalog::RelationId;
using vm::Word;

// A network from text, changed by words and read as text.
struct Standing {
  explicit Standing(const std::string& text, NetworkLimits limits = {},
                    double recompute_fraction = 0.5, const std::vector<std::string>& bags = {}) {
    grammar::Diagnostics diagnostics;
    grammar::NoFiles reader;
    const grammar::Program tree = grammar::parse_text("t.dl", text, {}, reader, files, diagnostics);
    program = datalog::lower(tree, {}, diagnostics);
    const bool good = program && datalog::stratify(*program, diagnostics);
    INFO(diagnostics.render(files));
    REQUIRE(good);
    for (const std::string& name : bags) {
      program->relation(id(name)).collection = datalog::Collection::kBag;
    }
    pool.emplace(program->types);
    NetworkOptions options;
    options.pool = &*pool;
    options.files = &files;
    options.limits = limits;
    options.recompute_fraction = recompute_fraction;
    options.cancel = &cancel;
    for (std::size_t i = 0; i < program->relations.size(); ++i) {
      options.watched.insert(static_cast<RelationId>(i));
    }
    auto made = Network::create(*program, options);
    if (!made) FAIL(made.error().message);
    network = std::move(*made);
    network->verify();
  }
  ~Standing() { network.reset(); }

  RelationId id(const std::string& name) const {
    for (std::size_t i = 0; i < program->relations.size(); ++i) {
      if (program->relations[i].name == name) return static_cast<RelationId>(i);
    }
    FAIL("no relation " << name);
    return {};
  }

  void change(const std::string& name, const std::vector<Word>& row, std::int64_t weight) {
    std::vector<const Word*> columns;
    for (const Word& word : row) columns.push_back(&word);
    REQUIRE(network->change(id(name), {columns, 1, &weight}).has_value());
  }
  // As a step of its own.
  void insert(const std::string& name, const std::vector<Word>& row) {
    change(name, row, 1);
    REQUIRE(network->step().has_value());
  }
  void erase(const std::string& name, const std::vector<Word>& row) {
    change(name, row, -1);
    REQUIRE(network->step().has_value());
  }
  Committed commit() {
    auto committed = network->commit();
    if (!committed) FAIL(committed.error().message);
    network->verify();
    return std::move(*committed);
  }

  std::string line(RelationId relation, const std::vector<Word>& row) const {
    const compiler::RelationLayout& layout = network->layout(relation);
    std::string text;
    for (const compiler::ColumnLayout& column : layout.columns) {
      if (column.first_word >= network->declared_words(relation)) break;
      if (!text.empty()) text += ',';
      vm::print_value(*pool, column.type, column.nullable, row.data() + column.first_word, {},
                      text);
    }
    return layout.columns.empty() ? "()" : text;
  }

  // "1,2 1,3": sorted by text.
  std::string rows(const std::string& name) const {
    const vm::StandingRelation& relation = network->relation(id(name));
    std::vector<std::string> lines;
    vm::Row position = 0, row = 0;
    while (relation.scan(vm::View::kTotal, position, &row, 1) == 1) {
      std::vector<Word> words(relation.column_count());
      for (std::uint32_t c = 0; c < words.size(); ++c) relation.load(c, &row, 1, &words[c]);
      lines.push_back(line(id(name), words));
    }
    std::sort(lines.begin(), lines.end());
    std::string joined;
    for (const std::string& text : lines) joined += (joined.empty() ? "" : " ") + text;
    return joined;
  }

  std::uint64_t rows_touched() const { return network->statistics().rows_touched; }

  CancelToken cancel;
  grammar::SourceFiles files;
  std::optional<datalog::RuleProgram> program;
  std::optional<vm::ValuePool> pool;
  std::unique_ptr<Network> network;
};

TEST_CASE("A join follows both of its sides") {
  Standing standing(R"(
    .decl r(x: number, y: number)
    .decl s(y: number, z: number)
    .decl j(x: number, z: number)
    j(x, z) :- r(x, y), s(y, z).
  )");
  standing.insert("r", {1, 2});
  CHECK(standing.rows("j").empty());
  standing.insert("s", {2, 3});
  CHECK(standing.rows("j") == "1,3");
  standing.commit();
  standing.change("r", {1, 2}, -1);
  standing.change("r", {4, 2}, 1);
  standing.change("s", {2, 9}, 1);
  REQUIRE(standing.network->step().has_value());
  CHECK(standing.rows("j") == "4,3 4,9");
  standing.network->abort();
  CHECK(standing.rows("j") == "1,3");
  standing.network->verify();
}

TEST_CASE("A self-join counts both terms and the one across") {
  Standing standing(R"(
    .decl e(x: number, y: number)
    .decl two(x: number, z: number)
    two(x, z) :- e(x, y), e(y, z).
  )");
  standing.change("e", {1, 1}, 1);
  standing.change("e", {1, 2}, 1);
  standing.commit();
  CHECK(standing.rows("two") == "1,1 1,2");
  standing.change("e", {1, 1}, -1);
  standing.change("e", {2, 1}, 1);
  standing.commit();
  CHECK(standing.rows("two") == "1,1 2,2");
}

TEST_CASE("Cyclic support leaves no ghosts") {
  Standing standing(R"(
    .decl e(x: number, y: number)
    .decl path(x: number, y: number)
    path(x, y) :- e(x, y).
    path(x, z) :- path(x, y), e(y, z).
  )");
  standing.insert("e", {1, 2});
  standing.insert("e", {2, 3});
  standing.insert("e", {3, 2});
  standing.commit();
  CHECK(standing.rows("path") == "1,2 1,3 2,2 2,3 3,2 3,3");
  standing.erase("e", {1, 2});
  standing.commit();
  CHECK(standing.rows("path") == "2,2 2,3 3,2 3,3");
}

TEST_CASE("Facts that hold each other up fall together") {
  Standing standing(R"(
    .decl e(x: number)
    .decl p(x: number)
    .decl q(x: number)
    p(x) :- e(x).
    q(x) :- p(x).
    p(x) :- q(x).
  )");
  standing.insert("e", {1});
  standing.commit();
  CHECK(standing.rows("q") == "1");
  standing.erase("e", {1});
  standing.commit();
  CHECK(standing.rows("p").empty());
  CHECK(standing.rows("q").empty());
}

TEST_CASE("Negation and existence follow the transitions of what they ask") {
  Standing standing(R"(
    .decl a(x: number)
    .decl n(x: number, y: number)
    .decl lone(x: number)
    lone(x) :- a(x), !n(x, _).
  )");
  standing.insert("a", {1});
  CHECK(standing.rows("lone") == "1");
  standing.insert("n", {1, 5});
  standing.insert("n", {1, 6});
  CHECK(standing.rows("lone").empty());
  standing.erase("n", {1, 5});
  CHECK(standing.rows("lone").empty());
  standing.erase("n", {1, 6});
  CHECK(standing.rows("lone") == "1");
  standing.commit();
}

TEST_CASE("Groups follow their rows, the empty one too") {
  Standing standing(R"(
    .decl k(x: number)
    .decl v(x: number, y: number)
    .decl c(x: number, n: number, s: number)
    c(x, n, s) :- k(x), n = count : { v(x, _) }, s = sum y : { v(x, y) }.
  )");
  standing.insert("k", {1});
  CHECK(standing.rows("c") == "1,0,0");
  standing.insert("v", {1, 5});
  standing.insert("v", {1, 7});
  standing.commit();
  CHECK(standing.rows("c") == "1,2,12");
  standing.erase("v", {1, 5});
  CHECK(standing.rows("c") == "1,1,7");
  standing.network->abort();
  CHECK(standing.rows("c") == "1,2,12");
  standing.erase("v", {1, 5});
  standing.erase("v", {1, 7});
  CHECK(standing.rows("c") == "1,0,0");
  standing.commit();
}

TEST_CASE("A bag has a row for each statement") {
  Standing standing(R"(
    relation b(x: number);
    .decl n(x: number, c: number)
    b(1).
    b(1).
    n(x, c) :- group { b(x) } by x => { c: count() }.
  )");
  CHECK(standing.rows("b") == "1 1");
  CHECK(standing.rows("n") == "1,2");
  standing.insert("b", {2});
  standing.erase("b", {1});
  standing.commit();
  CHECK(standing.rows("b") == "1 2");
  CHECK(standing.rows("n") == "1,1 2,1");
}

TEST_CASE("A bag that rules derive has a row for each derivation") {
  Standing standing(R"(
    .decl b(x: number)
    .decl s(x: number, y: number)
    .decl v(x: number)
    .decl w(x: number)
    .decl n(c: number)
    .decl d(x: number)
    v(x) :- b(x), s(x, _).
    v(x) :- s(x, x), !b(7).
    w(x) :- v(x), s(x, _).
    n(c) :- c = count : { v(_) }.
    d(x) :- v(x).
  )",
                    {}, 0.5, {"b", "v", "w"});
  standing.change("b", {1}, 1);
  standing.change("b", {1}, 1);
  standing.change("s", {1, 1}, 1);
  standing.change("s", {1, 2}, 1);
  standing.commit();
  CHECK(standing.rows("v") == "1 1 1 1 1");
  CHECK(standing.rows("w") == "1 1 1 1 1 1 1 1 1 1");
  CHECK(standing.rows("n") == "5");
  CHECK(standing.rows("d") == "1");
  standing.change("b", {1}, -1);
  standing.change("b", {7}, 1);
  const Committed committed = standing.commit();
  CHECK(standing.rows("v") == "1 1");
  CHECK(standing.rows("w") == "1 1 1 1");
  CHECK(standing.rows("n") == "2");
  for (const NetChange& change : committed.changes) {
    if (change.relation != standing.id("v")) continue;
    CHECK(change.columns.size() == 1);
    CHECK(change.size() == 3);
  }
  standing.erase("s", {1, 2});
  CHECK(standing.rows("v") == "1");
  standing.network->abort();
  CHECK(standing.rows("v") == "1 1");
}

TEST_CASE("A rule may read a relation and its negation") {
  Standing standing(R"(
    .decl e(x: number, y: number)
    .decl none(x: number, y: number)
    .decl one_way(x: number, y: number)
    none(x, y) :- e(x, y), !e(x, y).
    one_way(x, y) :- e(x, y), !e(y, x).
  )");
  standing.insert("e", {1, 2});
  CHECK(standing.rows("one_way") == "1,2");
  standing.change("e", {2, 1}, 1);
  standing.change("e", {3, 1}, 1);
  REQUIRE(standing.network->step().has_value());
  CHECK(standing.rows("one_way") == "3,1");
  standing.erase("e", {1, 2});
  CHECK(standing.rows("one_way") == "2,1 3,1");
  CHECK(standing.rows("none").empty());
  standing.commit();
}

TEST_CASE("Relations of one recursion that change together are joined above it") {
  Standing standing(R"(
    .decl e(x: number, y: number)
    .decl odd(x: number, y: number)
    .decl even(x: number, y: number)
    .decl both(x: number, y: number)
    odd(x, y) :- e(x, y).
    even(x, z) :- odd(x, y), e(y, z).
    odd(x, z) :- even(x, y), e(y, z).
    both(x, y) :- even(x, y), odd(_, x).
  )");
  standing.insert("e", {1, 2});
  standing.insert("e", {2, 3});
  standing.insert("e", {3, 4});
  standing.commit();
  CHECK(standing.rows("both") == "2,4");
  standing.insert("e", {4, 5});
  CHECK(standing.rows("both") == "2,4 3,5");
  standing.erase("e", {3, 4});
  CHECK(standing.rows("both").empty());
  standing.commit();
}

TEST_CASE("A fact of a recursive relation that goes and comes back in one step is there") {
  Standing standing(R"(
    .decl e(x: number, y: number)
    .decl path(x: number, y: number)
    path(x, y) :- e(x, y).
    path(x, z) :- path(x, y), path(y, z).
  )");
  standing.insert("e", {0, 1});
  standing.commit();
  standing.change("path", {1, 2}, 1);
  standing.change("path", {1, 2}, -1);
  standing.change("path", {1, 2}, 1);
  standing.commit();
  CHECK(standing.rows("path") == "0,1 0,2 1,2");
}

TEST_CASE("The guard derives a stratum anew, from what is stated too") {
  Standing standing(R"(
    .decl e(x: number, y: number)
    .decl path(x: number, y: number)
    path(x, y) :- e(x, y).
    path(x, z) :- path(x, y), path(y, z).
  )",
                    {}, /*recompute_fraction=*/0);
  standing.insert("e", {6, 1});
  standing.insert("e", {7, 6});
  standing.insert("path", {1, 9});
  standing.commit();
  CHECK(standing.rows("path") == "1,9 6,1 6,9 7,1 7,6 7,9");
  standing.erase("e", {7, 6});
  CHECK(standing.rows("path") == "1,9 6,1 6,9");
  CHECK(standing.network->statistics().strata_recomputed == 1);
  standing.network->abort();
  CHECK(standing.rows("path") == "1,9 6,1 6,9 7,1 7,6 7,9");
}

TEST_CASE("An equivalence in a recursion follows, and what negates it") {
  Standing standing(R"(
    .decl e(x: number, y: number)
    .decl far(y: number, z: number)
    .decl same(x: number, y: number) eqrel
    .decl apart(x: number, y: number)
    same(x, y) :- e(x, y).
    same(x, z) :- same(x, y), far(y, z), z > 2.
    apart(x, y) :- e(x, _), e(y, _), !same(x, y).
  )");
  standing.insert("e", {1, 2});
  standing.insert("e", {3, 4});
  standing.commit();
  CHECK(standing.rows("apart") == "1,3 3,1");
  standing.insert("far", {2, 3});
  CHECK(standing.rows("apart").empty());
  standing.erase("far", {2, 3});
  CHECK(standing.rows("apart") == "1,3 3,1");
  CHECK(standing.rows("same") == "1,1 1,2 2,1 2,2 3,3 3,4 4,3 4,4");
  standing.commit();
}

TEST_CASE("A step that fails before a group had its turn leaves nothing in it") {
  Standing standing(R"(
    .decl v(x: number, y: number)
    .decl t(x: number, s: number)
    t(x, s) :- group { v(x, y) } by x => { s: sum(y) }.
  )");
  standing.insert("v", {1, 5});
  standing.commit();
  for (const Word y : {6, 7}) {
    standing.change("v", {1, y}, 1);
    standing.cancel.cancel();
    CHECK_FALSE(standing.network->step().has_value());
    standing.cancel.reset();
    standing.network->abort();
    standing.network->verify();
  }
  standing.insert("v", {1, 10});
  standing.commit();
  CHECK(standing.rows("t") == "1,15");
}

TEST_CASE("A change of one fact touches a handful of rows whatever the size") {
  Standing standing(R"(
    .decl big(x: number, y: number)
    .decl mid(y: number, z: number)
    .decl j(x: number, z: number)
    j(x, z) :- big(x, y), mid(y, z).
  )");
  for (Word i = 0; i < 20000; ++i) standing.change("big", {i, i % 1000}, 1);
  for (Word i = 0; i < 1000; ++i) standing.change("mid", {i, i}, 1);
  standing.commit();
  const std::uint64_t before = standing.rows_touched();
  standing.insert("big", {7, 11});
  standing.erase("big", {7, 11});
  standing.commit();
  CHECK(standing.rows_touched() - before <= 8);
}

TEST_CASE("A row proven by something new and by something that is lost later goes") {
  // r5(2, 6) was found to stand by r5(1, 6), which e3(1, 6) had just made, and by rows that fell with
  // e3(5, 2): the old view, in which their dependents were looked for, does not know e3(1, 6).
  const std::string rules = R"(
    .decl e3(x: number, y: number)
    .decl r4(x: number, y: number)
    .decl r5(x: number, y: number)
    r4(x, y) :- e3(x, y).
    r5(x, z) :- r4(x, y), e3(y, z).
    r4(x, z) :- r5(x, y), e3(y, z).
    r5(y, x) :- r4(x, y), r5(x, _).
  )";
  const std::vector<std::vector<Word>> kept = {{4, 0}, {3, 4}, {5, 1}, {0, 6}, {1, 3}};
  Standing standing(rules);
  for (const auto& row : kept) standing.change("e3", row, 1);
  standing.change("e3", {0, 5}, 1);
  standing.change("e3", {5, 2}, 1);
  standing.commit();
  standing.erase("e3", {0, 5});
  standing.commit();
  standing.change("e3", {5, 2}, -1);
  standing.change("e3", {1, 6}, 1);
  standing.commit();
  Standing fresh(rules);
  for (const auto& row : kept) fresh.change("e3", row, 1);
  fresh.change("e3", {1, 6}, 1);
  fresh.commit();
  CHECK(standing.rows("r4") == fresh.rows("r4"));
  CHECK(standing.rows("r5") == fresh.rows("r5"));
}

TEST_CASE("An abort brings back what was taken out all at once") {
  Standing standing(R"(
    .decl e(x: number, y: number)
    .decl path(x: number, y: number)
    path(x, y) :- e(x, y).
    path(x, z) :- path(x, y), e(y, z).
  )");
  constexpr Word kNodes = 60;
  for (Word i = 0; i < kNodes; ++i) standing.change("e", {i, (i + 1) % kNodes}, 1);
  standing.commit();
  CHECK(standing.network->row_count(standing.id("path")) == kNodes * kNodes);
  for (Word i = 0; i < kNodes; ++i) standing.change("e", {i, (i + 1) % kNodes}, -1);
  REQUIRE(standing.network->step().has_value());
  CHECK(standing.network->row_count(standing.id("path")) == 0);
  standing.network->abort();
  standing.network->verify();
  CHECK(standing.network->row_count(standing.id("path")) == kNodes * kNodes);
  // Its chains find them.
  standing.erase("e", {0, 1});
  standing.commit();
  CHECK(standing.network->row_count(standing.id("path")) == kNodes * (kNodes - 1) / 2);
}

}  // namespace
}  // namespace entail::rete
