#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "datalog/lower.h"
#include "datalog/stratify.h"
#include "grammar/parser.h"
#include "rete/network.h"
#include "vm/value_text.h"

namespace entail::rete {
namespace {

using datalog::RelationId;
using vm::Word;

// A network whose program is given as texts, each with the declarations of the one before at its start.
struct Extended {
  explicit Extended(const std::string& text, bool reports_stated = true) {
    program = lower(text);
    pool.emplace(program.types);
    NetworkOptions options;
    options.pool = &*pool;
    options.files = &files;
    options.reports_stated = reports_stated;
    options.watched = all();
    auto made = Network::create(program, options);
    if (!made) FAIL(made.error().message);
    network = std::move(*made);
    network->verify();
  }

  datalog::RuleProgram lower(const std::string& text) {
    grammar::Diagnostics diagnostics;
    grammar::NoFiles reader;
    const grammar::Program tree = grammar::parse_text("t.dl", text, {}, reader, files, diagnostics);
    std::optional<datalog::RuleProgram> lowered = datalog::lower(tree, {}, diagnostics);
    const bool good = lowered && datalog::stratify(*lowered, diagnostics);
    INFO(diagnostics.render(files));
    REQUIRE(good);
    return std::move(*lowered);
  }
  std::set<RelationId> all() const {
    std::set<RelationId> ids;
    for (std::size_t i = 0; i < program.relations.size(); ++i) {
      ids.insert(static_cast<RelationId>(i));
    }
    return ids;
  }
  void drop(datalog::RuleProgram& from, const std::string& name) {
    for (datalog::Relation& relation : from.relations) relation.dropped |= relation.name == name;
  }

  Expected<Extension> try_extend(datalog::RuleProgram next) {
    std::swap(program, next);
    ExtendOptions options;
    options.files = &files;
    options.watched = all();
    auto done = network->extend(program, options);
    if (!done) std::swap(program, next);
    network->verify();
    return done;
  }
  Extension extend(datalog::RuleProgram next) {
    auto done = try_extend(std::move(next));
    if (!done) FAIL(done.error().message);
    return std::move(*done);
  }
  Extension extend(const std::string& text) { return extend(lower(text)); }

  RelationId id(const std::string& name) const {
    for (std::size_t i = 0; i < program.relations.size(); ++i) {
      if (program.relations[i].name == name) return static_cast<RelationId>(i);
    }
    FAIL("no relation " << name);
    return {};
  }
  void change(const std::string& name, const std::vector<Word>& row, std::int64_t weight,
              const vm::DurableId* durable = nullptr) {
    std::vector<const Word*> columns;
    for (const Word& word : row) columns.push_back(&word);
    REQUIRE(network->change(id(name), {columns, 1, &weight, durable}).has_value());
  }
  void insert(const std::string& name, const std::vector<std::vector<Word>>& rows) {
    for (const std::vector<Word>& row : rows) change(name, row, 1);
  }
  Committed commit() {
    auto committed = network->commit();
    if (!committed) FAIL(committed.error().message);
    network->verify();
    return std::move(*committed);
  }

  std::string rows(const std::string& name) const {
    const vm::StandingRelation& relation = network->relation(id(name));
    const compiler::RelationLayout& layout = network->layout(id(name));
    std::vector<std::string> lines;
    vm::Row position = 0, row = 0;
    while (relation.scan(vm::View::kTotal, position, &row, 1) == 1) {
      std::vector<Word> words(relation.column_count());
      for (std::uint32_t c = 0; c < words.size(); ++c) relation.load(c, &row, 1, &words[c]);
      std::string text;
      for (const compiler::ColumnLayout& column : layout.columns) {
        if (column.first_word >= network->declared_words(id(name))) break;
        if (!text.empty()) text += ',';
        vm::print_value(*pool, column.type, column.nullable, words.data() + column.first_word, {},
                        text);
      }
      lines.push_back(layout.columns.empty() ? "()" : text);
    }
    std::sort(lines.begin(), lines.end());
    std::string joined;
    for (const std::string& text : lines) joined += (joined.empty() ? "" : " ") + text;
    return joined;
  }
  // "+1,2 -3,4" of the words.
  static std::string text(const StatedChange& change) {
    std::string joined;
    for (std::size_t i = 0; i < change.size(); ++i) {
      joined += joined.empty() ? "" : " ";
      joined += change.signs[i] > 0 ? "+" : "-";
      for (std::size_t c = 0; c < change.columns.size(); ++c) {
        joined += (c > 0 ? "," : "") + std::to_string(change.columns[c][i]);
      }
    }
    return joined;
  }

  grammar::SourceFiles files;
  datalog::RuleProgram program;
  std::optional<vm::ValuePool> pool;
  std::unique_ptr<Network> network;
};

const char* const kEdges = R"(
  .decl e(x: number, y: number)
  .decl path(x: number, y: number)
  path(x, y) :- e(x, y).
  path(x, z) :- path(x, y), e(y, z).
)";

TEST_CASE("A new rule is filled from what stands and follows it then") {
  Extended standing(kEdges);
  standing.insert("e", {{1, 2}, {2, 3}, {3, 1}});
  standing.commit();
  const vm::StandingRelation* const path = &standing.network->relation(standing.id("path"));
  const std::string text = std::string(kEdges) + R"(
    .decl back(x: number, y: number)
    .decl ends(x: number, n: number)
    .decl lonely(x: number)
    .decl reach(x: number, y: number)
    back(y, x) :- e(x, y), path(y, x), x != y.
    ends(x, n) :- e(x, _), n = count : { path(x, _) }.
    lonely(x) :- e(x, _), !back(x, _).
    reach(x, y) :- back(x, y).
    reach(x, z) :- reach(x, y), path(y, z), !lonely(z).
  )";
  const Extension done = standing.extend(text);
  CHECK(done.nodes_kept == 2);
  CHECK(done.nodes_made >= 4);
  CHECK(done.remade.empty());
  CHECK(&standing.network->relation(standing.id("path")) == path);
  CHECK(standing.rows("back") == "1,3 2,1 3,2");
  CHECK(standing.rows("ends") == "1,3 2,3 3,3");
  CHECK(standing.rows("lonely").empty());
  CHECK(standing.rows("reach") == "1,1 1,2 1,3 2,1 2,2 2,3 3,1 3,2 3,3");
  standing.change("e", {3, 1}, -1);
  standing.commit();
  CHECK(standing.rows("path") == "1,2 1,3 2,3");
  CHECK(standing.rows("back").empty());
  CHECK(standing.rows("ends") == "1,2 2,1");
  CHECK(standing.rows("lonely") == "1 2");
  CHECK(standing.rows("reach").empty());
}

TEST_CASE("Extending by the same program keeps everything") {
  const std::string text = std::string(kEdges) + R"(
    .decl n(x: number, c: number)
    n(x, c) :- e(x, _), c = count : { path(x, _), !e(x, 7) }.
    .decl q(x: number)
    q(x) :- n(x, c), 10 / c > 2.
    .decl same(x: number, y: number) eqrel
    same(x, y) :- e(x, y).
  )";
  Extended standing(text);
  standing.insert("e", {{1, 2}, {2, 3}});
  standing.commit();
  const std::uint64_t touched = standing.network->statistics().rows_touched;
  const Extension done = standing.extend(text);
  CHECK(done.nodes_made == 0);
  CHECK(done.remade.empty());
  CHECK(done.stated.empty());
  CHECK(standing.network->statistics().rows_touched <= touched);
  standing.change("e", {2, 3}, -1);
  standing.commit();
  CHECK(standing.rows("n") == "1,1");
  CHECK(standing.rows("same") == "1,1 1,2 2,1 2,2");
}

TEST_CASE("A relation whose rules change keeps its statements") {
  Extended standing(kEdges);
  standing.insert("e", {{1, 2}, {2, 3}});
  standing.insert("path", {{7, 8}});
  standing.commit();
  const Extension done = standing.extend(R"(
    .decl e(x: number, y: number)
    .decl path(x: number, y: number)
    path(y, x) :- e(x, y).
  )");
  CHECK(done.remade == std::vector<RelationId>{standing.id("path")});
  CHECK(done.stated.empty());
  CHECK(standing.rows("path") == "2,1 3,2 7,8");
  standing.change("path", {7, 8}, -1);
  standing.change("e", {1, 2}, -1);
  CHECK(Extended::text(standing.commit().stated[1]) == "-7,8");
  CHECK(standing.rows("path") == "3,2");
}

TEST_CASE("An equivalence that gets other rules has the classes of what stands and is stated") {
  const std::string without = R"(
    .decl e(x: number, y: number)
    .decl same(x: number, y: number) eqrel
  )";
  const std::string with = without + "same(x, y) :- e(x, y).";
  Extended standing(with);
  standing.insert("e", {{1, 2}});
  standing.insert("same", {{2, 3}, {7, 7}});
  standing.commit();
  const std::string all = "1,1 1,2 1,3 2,1 2,2 2,3 3,1 3,2 3,3 7,7";
  CHECK(standing.rows("same") == all);
  standing.extend(without);
  CHECK(standing.rows("same") == "2,2 2,3 3,2 3,3 7,7");
  standing.extend(with);
  CHECK(standing.rows("same") == all);
  standing.extend(without);
  standing.change("same", {2, 3}, -1);
  standing.commit();
  CHECK(standing.rows("same") == "7,7");
  standing.extend(with);
  CHECK(standing.rows("same") == "1,1 1,2 2,1 2,2 7,7");
}

TEST_CASE("What is stated of an equivalence is not taken for what a rule like its own derives") {
  const std::string same = R"(
    .decl e(x: number, y: number)
    .decl f(x: number)
    .decl same(x: number, y: number) eqrel
    same(x, y) :- e(x, y).
  )";
  Extended standing(same + "f(x) :- e(x, y), !e(y, x).");
  standing.insert("same", {{2, 3}});
  standing.commit();
  standing.extend(same);
  CHECK(standing.rows("same") == "2,2 2,3 3,2 3,3");
}

TEST_CASE("A relation that is dropped is empty, and its number is not used again") {
  Extended standing(kEdges);
  standing.insert("e", {{1, 2}});
  standing.commit();
  datalog::RuleProgram next = standing.lower(R"(
    .decl e(x: number, y: number)
    .decl path(x: number, y: number)
    .decl p(x: number)
    p(x) :- e(x, _).
  )");
  standing.drop(next, "path");
  standing.extend(std::move(next));
  CHECK(standing.rows("path").empty());
  CHECK(standing.rows("p") == "1");
  next = standing.lower(R"(
    .decl e(x: number, y: number)
    .decl path(x: number, y: number)
    .decl p(x: number)
  )");
  standing.drop(next, "e");
  standing.drop(next, "path");
  standing.drop(next, "p");
  standing.extend(std::move(next));
  CHECK(standing.rows("e").empty());
  CHECK(standing.rows("p").empty());
}

TEST_CASE("Facts of the text come and go with it") {
  Extended standing(".decl r(x: number)\nr(1). r(2). r(3).");
  standing.change("r", {2}, -1);
  standing.commit();
  const Extension done = standing.extend(".decl r(x: number)\nr(2). r(3). r(4).");
  CHECK(standing.rows("r") == "3 4");
  REQUIRE(done.stated.size() == 1);
  CHECK(Extended::text(done.stated[0]) == "-1 +4");
  CHECK(done.version == 2);
  standing.insert("r", {{9}});
  CHECK(standing.commit().version == 3);
}

TEST_CASE("An extension that fails leaves the network as it was") {
  Extended standing(std::string(kEdges) +
                    ".decl g(x: number, n: number)\n"
                    "g(x, n) :- e(x, _), n = count : { path(x, _) }.");
  standing.insert("e", {{1, 2}, {2, 3}});
  standing.commit();
  datalog::RuleProgram next = standing.lower(std::string(kEdges) + R"(
    .decl g(x: number, n: number)
    g(x, n) :- e(x, _), n = count : { path(x, _) }.
    .decl keyed(x: number, y: number)
    keyed(1, y) :- path(_, y).
    e(5, 6).
  )");
  next.relations.back().key = {0};
  const auto done = standing.try_extend(std::move(next));
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == ErrorCode::kData);
  CHECK(standing.rows("e") == "1,2 2,3");
  standing.change("e", {1, 2}, -1);
  standing.change("e", {3, 4}, 1);
  standing.commit();
  CHECK(standing.rows("path") == "2,3 2,4 3,4");
  CHECK(standing.rows("g") == "2,2 3,1");
}

TEST_CASE("Errors of rules that are kept stay, those of others go") {
  const std::string kept =
      ".decl r(x: number, y: number)\n"
      ".decl h(x: number)\n"
      "h(x / y) :- r(x, y).\n"
      ".decl k(x: number)\n";
  Extended standing(kept + "k(y / x) :- r(x, y).");
  standing.insert("r", {{1, 0}, {0, 1}});
  standing.commit();
  CHECK(standing.network->errors().size() == 2);
  CHECK(standing.network->has_errors(standing.id("h")));
  CHECK_FALSE(standing.network->has_errors(standing.id("r")));
  standing.extend(kept + "k(x + y) :- r(x, y).");
  CHECK(standing.network->errors().size() == 1);
  CHECK(standing.network->has_errors(standing.id("h")));
  CHECK_FALSE(standing.network->has_errors(standing.id("k")));
  standing.extend(kept + "k(y / x) :- r(x, y), x < 7.");
  CHECK(standing.network->errors(standing.id("k")).size() == 1);
  standing.change("r", {0, 1}, -1);
  standing.change("r", {1, 0}, -1);
  standing.commit();
  CHECK(standing.network->errors().empty());
}

const char* const kProduction = R"(
  .decl r(x: number)
  .decl log(x: number)
  rule note when r(x) then insert log(x); end
)";

TEST_CASE("What has fired has fired, and a new production meets what stands") {
  Extended standing(kProduction);
  standing.insert("r", {{1}, {2}});
  standing.commit();
  CHECK(standing.rows("log") == "1 2");
  standing.change("log", {1}, -1);
  standing.commit();
  const Extension done = standing.extend(std::string(kProduction) + R"(
    .decl other(x: number)
    rule second when r(x), x > 1 then insert other(x); end
  )");
  CHECK(done.remade.empty());
  CHECK(standing.rows("other").empty());
  standing.commit();
  CHECK(standing.rows("log") == "2");
  CHECK(standing.rows("other") == "2");
}

TEST_CASE("Steps that hold the agenda can be read, taken back, and fired at the end") {
  Extended standing(kProduction);
  standing.insert("r", {{1}});
  REQUIRE(standing.network->step(StepKind::kChange, Productions::kWait).has_value());
  CHECK(standing.rows("r") == "1");
  CHECK(standing.rows("log").empty());
  CHECK(standing.network->in_transaction());
  const auto open = standing.network->stated_changes();
  REQUIRE(open.size() == 1);
  CHECK(Extended::text(open[0]) == "+1");
  standing.network->abort();
  CHECK_FALSE(standing.network->in_transaction());
  CHECK(standing.rows("r").empty());
  standing.insert("r", {{1}});
  REQUIRE(standing.network->step(StepKind::kChange, Productions::kWait).has_value());
  standing.insert("r", {{2}});
  REQUIRE(standing.network->step(StepKind::kChange, Productions::kWait).has_value());
  const Committed committed = standing.commit();
  CHECK(standing.rows("log") == "1 2");
  REQUIRE(committed.stated.size() == 2);
  CHECK(committed.stated[0].relation == standing.id("r"));
  CHECK(committed.stated[1].relation == standing.id("log"));
}

TEST_CASE("What was loaded does not fire, and rows of bags keep their ids") {
  Extended standing(kProduction);
  datalog::RuleProgram with_bag = standing.lower(std::string(kProduction) + ".decl b(x: number)\n");
  with_bag.relations.back().collection = datalog::Collection::kBag;
  standing.extend(std::move(with_bag));
  const std::vector<Word> r{4, 5}, b{1, 1, 2};
  const std::vector<const Word*> r_columns{r.data()}, b_columns{b.data()};
  const std::vector<vm::DurableId> ids{{3, 0}, {3, 1}, {5, 0}};
  REQUIRE(standing.network->load(standing.id("r"), {r_columns, 2}).has_value());
  REQUIRE(
      standing.network->load(standing.id("b"), {b_columns, 3, nullptr, ids.data()}).has_value());
  REQUIRE(standing.network->end_load(7).has_value());
  CHECK(standing.network->version() == 7);
  standing.change("b", {2}, 1);
  standing.change("b", {1}, -1, &ids[0]);
  const Committed committed = standing.commit();
  CHECK(committed.version == 8);
  CHECK(standing.rows("log").empty());
  CHECK(standing.rows("b") == "1 2 2");
  REQUIRE(committed.stated.size() == 1);
  CHECK(Extended::text(committed.stated[0]) == "-1 +2");
  CHECK(committed.stated[0].ids == std::vector<vm::DurableId>{{3, 0}, {8, 0}});
}

TEST_CASE("An index for reading is kept up when the program changes") {
  Extended standing(kEdges);
  standing.insert("e", {{1, 2}, {2, 3}});
  standing.commit();
  vm::IndexSpec spec;
  spec.key = {1};
  const auto index = standing.network->add_index(standing.id("path"), spec);
  REQUIRE(index.has_value());
  standing.extend(std::string(kEdges) + ".decl p(x: number)\np(x) :- path(x, _).");
  standing.insert("e", {{3, 4}});
  standing.commit();
  const Word key = 4;
  const Word* keys[] = {&key};
  std::vector<vm::Row> rows;
  std::vector<std::uint32_t> lanes;
  standing.network->relation(standing.id("path"))
      .probe(*index, vm::View::kTotal, keys, 1, rows, lanes);
  CHECK(rows.size() == 3);
}

}  // namespace
}  // namespace entail::rete
