#include "compiler/evaluate.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "compiler/explain.h"
#include "datalog/lower.h"
#include "datalog/stratify.h"
#include "grammar/parser.h"
#include "vm/value_text.h"

namespace entail::compiler {
namespace {

using datalog::RelationId;

// A program from its text, as far as it got.
struct Text {
  explicit Text(const std::string& text) {
    grammar::Diagnostics diagnostics;
    grammar::NoFiles reader;
    const grammar::Program tree = grammar::parse_text("t.dl", text, {}, reader, files, diagnostics);
    program = datalog::lower(tree, {}, diagnostics);
    const bool good = program && datalog::stratify(*program, diagnostics);
    INFO(diagnostics.render(files));
    REQUIRE(good);
  }

  RelationId id(const std::string& name) const {
    for (std::size_t i = 0; i < program->relations.size(); ++i) {
      if (program->relations[i].name == name) return static_cast<RelationId>(i);
    }
    FAIL("no relation " << name);
    return {};
  }

  Expected<void> run(EvaluationOptions options = {}) {
    options.files = &files;
    auto made = Evaluation::create(*program, options);
    if (!made) return unexpected(made.error());
    evaluation = std::move(*made);
    return evaluation->run();
  }

  // "1,2 1,3": sorted by text.
  std::string rows(const std::string& name) const {
    const RelationLayout& layout = evaluation->layout(id(name));
    std::vector<std::vector<vm::Word>> columns(layout.words.size(), std::vector<vm::Word>(7));
    std::vector<vm::Word*> arrays;
    for (auto& column : columns) arrays.push_back(column.data());
    RowCursor cursor = evaluation->rows(id(name));
    std::vector<std::string> lines;
    while (const std::size_t n = cursor.next(arrays, 7)) {
      for (std::size_t i = 0; i < n; ++i) {
        std::string line = layout.columns.empty() ? "()" : "";
        for (const ColumnLayout& column : layout.columns) {
          std::vector<vm::Word> words;
          for (unsigned k = 0; k < column.word_count(); ++k) {
            words.push_back(columns[column.first_word + k][i]);
          }
          if (!line.empty()) line += ',';
          vm::print_value(evaluation->pool(), column.type, column.nullable, words.data(), {}, line);
        }
        lines.push_back(line);
      }
    }
    std::sort(lines.begin(), lines.end());
    std::string joined;
    for (const std::string& line : lines) joined += (joined.empty() ? "" : " ") + line;
    return joined;
  }

  grammar::SourceFiles files;
  std::optional<datalog::RuleProgram> program;
  std::unique_ptr<Evaluation> evaluation;
};

// The rows of relation p.
std::string answer(const std::string& text) {
  Text program(text);
  auto done = program.run();
  INFO((done ? std::string() : done.error().message));
  REQUIRE(done.has_value());
  return program.rows("p");
}

std::string failure(const std::string& text) {
  Text program(text);
  auto done = program.run();
  return done ? "it ran" : done.error().message;
}

const std::string kEdges =
    ".decl e(x: number, y: number)\n"
    "e(1, 2). e(2, 3). e(3, 1). e(3, 4). e(1, 3).\n";
const std::string kNumbers = ".decl n(x: number)\nn(1). n(2). n(3). n(4). n(5).\n";

TEST_CASE("Programs without recursion give their rows") {
  struct {
    const char* what;
    std::string text;
    const char* rows;
  } const cases[] = {
      {"a scan", kEdges + ".decl p(x: number) p(y) :- e(_, y).", "1 2 3 4"},
      {"a constant in a column", kEdges + ".decl p(x: number) p(y) :- e(3, y).", "1 4"},
      {"a join", kEdges + ".decl p(x: number, z: number) p(x, z) :- e(x, y), e(y, z).",
       "1,1 1,3 1,4 2,1 2,4 3,2 3,3"},
      {"a triangle",
       kEdges + ".decl p(x: number, y: number, z: number) p(x, y, z) :- e(x, y), e(y, z), e(x, z).",
       "1,2,3"},
      {"a repeated variable", kEdges + "e(7, 7). .decl p(x: number) p(x) :- e(x, x).", "7"},
      {"a cross product",
       kNumbers + ".decl p(x: number, y: number) p(x, y) :- n(x), n(y), x < 3, y > 3.",
       "1,4 1,5 2,4 2,5"},
      {"negation", kNumbers + kEdges + ".decl p(x: number) p(x) :- n(x), !e(x, _).", "4 5"},
      {"negation of a whole row", kNumbers + kEdges + ".decl p(x: number) p(x) :- n(x), !e(x, 3).",
       "3 4 5"},
      {"negation of nothing",
       kNumbers + ".decl q(x: number) .decl p(x: number) p(x) :- n(x), x < 3, !q(_).", "1 2"},
      {"a proposition",
       kNumbers + ".decl f() f() :- n(3). .decl p(x: number) p(x) :- f(), n(x), x > 4.", "5"},
      {"a proposition that is false",
       kNumbers + ".decl f() f() :- n(9). .decl p(x: number) p(x) :- !f(), n(x), x > 4.", "5"},
      {"no positive literal", ".decl p(x: number) p(x) :- x = 3 + 4.", "7"},
      {"equations read backwards", kNumbers + ".decl p(x: number) p(x) :- n(y), x = y, x > 3.",
       "4 5"},
      {"alternatives", kNumbers + ".decl p(x: number) p(x) :- n(x), (x = 1 ; x = 5).", "1 5"},
      {"a generator", ".decl p(x: number) p(x) :- x = range(3, 6).", "3 4 5"},
      {"a generator that is checked",
       kNumbers + ".decl p(x: number) p(x) :- n(x), x = range(3, 9).", "3 4 5"},
  };
  for (const auto& c : cases) {
    INFO(c.what);
    CHECK(answer(c.text) == c.rows);
  }
}

TEST_CASE("Recursion reaches its fixpoint, whatever its shape") {
  struct {
    const char* what;
    std::string text;
    const char* rows;
  } const cases[] = {
      {"left linear",
       kEdges + ".decl p(x: number, y: number) p(x, y) :- e(x, y). p(x, z) :- p(x, y), e(y, z).",
       "1,1 1,2 1,3 1,4 2,1 2,2 2,3 2,4 3,1 3,2 3,3 3,4"},
      {"nonlinear",
       kEdges + ".decl p(x: number, y: number) p(x, y) :- e(x, y). p(x, z) :- p(x, y), p(y, z).",
       "1,1 1,2 1,3 1,4 2,1 2,2 2,3 2,4 3,1 3,2 3,3 3,4"},
      {"stated rows among the derived ones",
       ".decl e(x: number, y: number) e(2, 3). .decl p(x: number, y: number) p(1, 2). p(x, z) :- "
       "p(x, y), e(y, z).",
       "1,2 1,3"},
      {"mutual",
       ".decl q(x: number) .decl p(x: number) p(0). q(x + 1) :- p(x), x < 6. p(x + 1) :- q(x).",
       "0 2 4 6"},
      {"three occurrences",
       ".decl p(x: number) p(1). p(2). p(x + y * z) :- p(x), p(y), p(z), x + y * z < 9.",
       "1 2 3 4 5 6 7 8"},
      {"an existence test that grows",
       ".decl q(x: number, y: number) q(1, 1). .decl p(x: number) p(1). "
       "q(x, x + 1) :- p(x), x < 4. p(y) :- q(_, y), q(y - 1, _).",
       "1 2 3 4"},
      {"records that grow",
       ".type L = [h: number, t: L] .decl l(l: L, k: number) l(nil, 0). "
       "l([k, l], k + 1) :- l(l, k), k < 3. .decl p(h: number, k: number) p(h, k) :- l([h, _], k).",
       "0,1 1,2 2,3"},
  };
  for (const auto& c : cases) {
    INFO(c.what);
    CHECK(answer(c.text) == c.rows);
  }
}

TEST_CASE("Aggregates range over the rows that match") {
  struct {
    const char* what;
    std::string text;
    const char* rows;
  } const cases[] = {
      {"count per binding",
       kNumbers + kEdges +
           ".decl p(x: number, k: number) p(x, k) :- n(x), k = count : { e(x, _) }.",
       "1,2 2,1 3,2 4,0 5,0"},
      {"max of nothing has no row",
       kNumbers +
           ".decl p(x: number, m: number) p(x, m) :- n(x), x < 4, m = max y : { n(y), y < x }.",
       "2,1 3,2"},
      {"sum of an expression",
       kNumbers + ".decl p(s: number) p(s) :- s = sum x * y : { n(x), n(y), x < y }.", "85"},
      {"beside an atom",
       kNumbers + kEdges + ".decl p(x: number) p(x) :- n(x), x < count : { e(_, _) }.", "1 2 3 4"},
      {"a result that is given",
       kNumbers + ".decl p(x: number) p(x) :- n(x), x = count : { n(y), y > 2 }.", "3"},
      {"nested",
       kNumbers + ".decl p(s: number) p(s) :- s = sum x : { n(x), 2 <= count : { n(y), y > x } }.",
       "6"},
  };
  for (const auto& c : cases) {
    INFO(c.what);
    CHECK(answer(c.text) == c.rows);
  }
}

TEST_CASE("An equivalence relation is closed and can be asked from both sides") {
  const std::string eq =
      kNumbers +
      ".decl q(x: number, y: number) eqrel q(1, 2). q(x, y) :- n(x), x > 2, y = x + 2, n(y). ";
  CHECK(answer(eq + ".decl p(x: number, y: number) p(x, y) :- q(x, y).") ==
        "1,1 1,2 2,1 2,2 3,3 3,5 5,3 5,5");
  CHECK(answer(eq + ".decl p(x: number, y: number) p(x, y) :- n(y), y > 4, q(x, y).") == "3,5 5,5");
  CHECK(answer(eq + ".decl p(x: number) p(x) :- n(x), !q(x, _).") == "4");
  CHECK(answer(eq + ".decl p(x: number, y: number) p(x, y) :- n(x), n(y), x < y, q(x, y).") ==
        "1,2 3,5");
  CHECK(answer(eq + ".decl p(c: number) p(c) :- c = count : { q(_, _) }.") == "8");
  CHECK(answer(".decl e(x: number, y: number) e(1, 2). e(2, 3). "
               ".decl p(x: number, y: number) eqrel p(x, y) :- e(x, y). p(x + 10, y + 10) :- p(x, "
               "y), x < 3, y < 3.")
            .find("11,12") != std::string::npos);
}

TEST_CASE("Ranges, texts and conditions are computed by type") {
  CHECK(answer(kNumbers +
               ".decl p(x: number, y: number) p(x, y) :- n(x), n(y), y > x, y <= x + 1.") ==
        "1,2 2,3 3,4 4,5");
  CHECK(answer(".decl p(t: symbol) p(cat(\"ab\", \"cdefghijkl\")). p(substr(\"hello\", 1, 3)). "
               "p(to_string(3 - 5)).") == "-2 abcdefghijkl ell");
  CHECK(answer(".decl p(x: unsigned) p(7 - 3). p(x) :- x = 1 bshl 3.") == "4 8");
  CHECK(answer(".decl p(x: float) p(x) :- x = 1.5 * 3.0.") == "4.5");
}

TEST_CASE("What is no regular expression neither matches nor does not match") {
  const std::string text = ".decl t(x: symbol) t(\"foob\"). .decl p(x: symbol) ";
  CHECK(answer(text + "p(x) :- t(x), match(\"fo{2}b\", x).") == "foob");
  CHECK(answer(text + ".decl r(x: symbol) r(\"fo{x}b[\"). p(x) :- t(x), r(y), match(y, x).") == "");
  CHECK(answer(text + ".decl r(x: symbol) r(\"fo{x}b[\"). p(x) :- t(x), r(y), !match(y, x).") ==
        "");
}

TEST_CASE("An expression that fails stops the run and says where") {
  CHECK(failure(".decl n(x: number) n(0). n(2). .decl p(x: number)\np(10 / x) :- n(x).")
            .find("t.dl:2:3: error: division by zero in '10 / x'") != std::string::npos);
  // Filters that stand before it protect it, wherever the planner would rather put them.
  CHECK(answer(".decl n(x: number) n(0). n(2). .decl p(x: number) p(10 / x) :- n(x), x != 0.") ==
        "5");
  CHECK(
      answer(
          ".decl n(x: number) n(0). n(2). .decl p(x: number) p(y) :- n(x), x != 0, y = 10 / x.") ==
      "5");
}

TEST_CASE("Any plan gives the same rows") {
  const std::string text =
      kEdges + kNumbers +
      ".decl p(x: number, y: number, z: number)\n"
      "p(x, y, z) :- e(x, y), e(y, z), n(z), !e(z, y), x + z > 2, k = count : { e(x, _) }, k < 3.\n"
      "p(z, y, x) :- p(x, y, z), e(z, _), n(y), z != y.";
  const std::string expected = answer(text);
  CHECK(!expected.empty());
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Text program(text);
    REQUIRE(program.run({.plan_seed = seed}).has_value());
    CHECK(program.rows("p") == expected);
  }
}

TEST_CASE("A loop that outgrows its plan is planned again and goes on") {
  Text program(
      ".decl p(x: number) p(0). p(x + 1) :- p(x), x < 3000. p(x) :- p(y), p(x), y < x, x < 0.");
  REQUIRE(program.run({.keep_explanations = true}).has_value());
  CHECK(program.evaluation->row_count(program.id("p")) == 3001);
  CHECK(program.evaluation->statistics().strata.back().plans >= 2);
  CHECK(explain_plan(*program.evaluation).find("planned again") != std::string::npos);
  CHECK(explain_bytecode(*program.evaluation).find("ReplanIfGrew") != std::string::npos);
}

TEST_CASE("The bound form tells which given rows a rule derives") {
  Text program(kEdges + ".decl p(x: number, z: number) p(x, z + 1) :- e(x, y), e(y, z), x != z.");
  REQUIRE(program.run().has_value());
  datalog::RuleId rule{};
  for (std::size_t i = 0; i < program.program->rules.size(); ++i) {
    if (!program.program->rules[i].body.empty()) rule = static_cast<datalog::RuleId>(i);
  }
  const std::vector<vm::Word> xs = {1, 1, 1, 2, 9};
  const std::vector<vm::Word> zs = {4, 2, 5, 5, 1};
  const std::vector<const vm::Word*> columns = {xs.data(), zs.data()};
  auto found = program.evaluation->derivable(rule, columns, xs.size());
  REQUIRE(found.has_value());
  CHECK(*found == std::vector<bool>{true, false, true, true, false});
}

TEST_CASE("A question joins given rows with a body, and ranks are told by row") {
  Text program(kEdges +
               ".decl p(x: number, y: number) p(x, y) :- e(x, y). p(x, z) :- p(x, y), e(y, z).");
  REQUIRE(program.run({.ranks = true}).has_value());
  const datalog::RuleId recursive = static_cast<datalog::RuleId>(program.program->rules.size() - 1);
  const datalog::RelationId p = program.id("p");
  const std::size_t relations = program.program->relations.size();
  Evaluation::Question question;
  question.rule = bound_rule(program.program->rule(recursive), program.evaluation->given_id(),
                             program.evaluation->answers_id());
  question.given = question.answers = program.program->relation(p).columns;
  const std::vector<vm::Word> xs = {1, 1}, zs = {3, 77};
  const std::vector<const vm::Word*> columns = {xs.data(), zs.data()};
  auto rows = program.evaluation->answer(question, columns, xs.size());
  REQUIRE(rows.has_value());
  CHECK(*rows == std::vector<std::vector<vm::Word>>{{1, 3}});
  CHECK(program.program->relations.size() == relations);
  CHECK(program.evaluation->rank_of(p, {1, 2}) == 1);
  CHECK(program.evaluation->rank_of(p, {1, 4}) == 2);
  CHECK(program.evaluation->rank_of(p, {1, 77}) == 0);
  CHECK(program.evaluation->rank_of(program.id("e"), {1, 2}) == 0);
}

TEST_CASE("A run can be limited") {
  Text program(".decl p(x: number) p(0). p(x + 1) :- p(x).");
  EvaluationOptions options;
  options.limits.rows_derived = 5000;
  auto done = program.run(options);
  REQUIRE(!done.has_value());
  CHECK(done.error().code == ErrorCode::kLimit);
}

TEST_CASE("Facts are loaded in batches and rows come back by cursor") {
  Text program(".decl e(x: number, y: number) .decl p(x: number) p(x) :- e(x, x).");
  auto made = Evaluation::create(*program.program, {});
  REQUIRE(made.has_value());
  program.evaluation = std::move(*made);
  const std::vector<vm::Word> xs = {1, 2, 3}, ys = {1, 5, 3};
  const std::vector<const vm::Word*> columns = {xs.data(), ys.data()};
  REQUIRE(program.evaluation->load(program.id("e"), columns, 2).has_value());
  REQUIRE(program.evaluation->load(program.id("e"), columns, 3).has_value());
  REQUIRE(program.evaluation->run().has_value());
  CHECK(program.rows("e") == "1,1 2,5 3,3");
  CHECK(program.rows("p") == "1 3");
}

}  // namespace
}  // namespace entail::compiler
