#include "datalog/lower.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "datalog/program_printer.h"
#include "datalog/verify.h"
#include "grammar/parser.h"

namespace entail::datalog {
namespace {

struct Lowered {
  std::optional<RuleProgram> program;
  grammar::SourceFiles files;
  grammar::Diagnostics diagnostics;
};

Lowered lower_text(const std::string& text, LowerOptions options = {}) {
  Lowered result;
  grammar::NoFiles no_files;
  const grammar::Program tree =
      grammar::parse_text("test.dl", text, {}, no_files, result.files, result.diagnostics);
  REQUIRE(result.diagnostics.render(result.files) == "");
  result.program = lower(tree, options, result.diagnostics);
  if (result.program) {
    const auto verified = verify_rule_program(*result.program);
    INFO((verified ? std::string() : verified.error().message));
    REQUIRE(verified);
  }
  return result;
}

// The rules that are no facts, a line each.
std::string rules_of(const std::string& text, LowerOptions options = {}) {
  const Lowered lowered = lower_text(text, options);
  INFO(lowered.diagnostics.render(lowered.files));
  REQUIRE(lowered.program);
  std::string result;
  for (const Rule& rule : lowered.program->rules) {
    if (!rule.body.empty()) result += print_rule(*lowered.program, rule) + "\n";
  }
  return result;
}

// "line: message" for each error.
std::string errors_of(const std::string& text) {
  const Lowered lowered = lower_text(text);
  REQUIRE(lowered.program.has_value() != lowered.diagnostics.has_errors());
  std::string result;
  for (const grammar::Diagnostic& diagnostic : lowered.diagnostics.sorted()) {
    if (diagnostic.severity != grammar::Severity::kError) continue;
    result += std::to_string(lowered.files.locate(diagnostic.span).line) + ": " +
              diagnostic.message + "\n";
  }
  return result;
}

const std::string kGraph = ".decl edge(x: number, y: number)\n.decl p(x: number)\n";

}  // namespace

TEST_CASE("alternatives and heads become rules of their own") {
  CHECK(rules_of(kGraph + ".decl q(x: number)\np(x), q(x) :- edge(x, y), (edge(y, x) ; x < y).") ==
        "p(x) :- edge(x, y), edge(y, x).\n"
        "p(x) :- edge(x, y), x < y.\n"
        "q(x) :- edge(x, y), edge(y, x).\n"
        "q(x) :- edge(x, y), x < y.\n");
}

TEST_CASE("negation moves inwards as far as it can") {
  CHECK(rules_of(kGraph + "p(x) :- edge(x, y), !(edge(y, x) ; x < y).") ==
        "p(x) :- edge(x, y), not { edge(y, x) }, x >= y.\n");
  CHECK(rules_of(kGraph + "p(x) :- edge(x, _), !(edge(x, z), p(z)).") ==
        "p(x) :- edge(x, _), not { edge(x, z), p(z) }.\n");
}

TEST_CASE("records in atoms are taken apart") {
  CHECK(rules_of(
            kGraph +
            ".type L = [head: number, tail: L]\n.decl l(x: L)\np(h) :- l([h, [_, t]]), t = nil.") ==
        "p(h) :- l(_x0), not _x0 is nil, h := _x0.head, _part1 := _x0.tail, not _part1 is nil, "
        "t := _part1.tail, t := nil.\n");
}

TEST_CASE("an equation with a record binds in the direction that is ready") {
  const std::string list = kGraph + ".type L = [head: number, tail: L]\n.decl l(x: L)\n";
  CHECK(rules_of(list + "l(r) :- p(x), r = [x, nil].") == "l(r) :- p(x), r := [x, nil].\n");
  CHECK(rules_of(list + "p(x) :- l(r), r = [x, _].") ==
        "p(x) :- l(r), not r is nil, x := r.head.\n");
}

TEST_CASE("an aggregate is about its own target and the outer variables that are bound") {
  CHECK(rules_of(kGraph + "p(n) :- edge(x, _), n = sum y : { edge(x, y) }.") ==
        "p(n) :- edge(x, _), n = sum(y) : { edge(x, y) }.\n");
  // The y outside has nothing to do with the y that is summed.
  CHECK(rules_of(kGraph + "p(n + y) :- edge(x, y), n = sum y : { edge(x, y) }.") ==
        "p(n + y) :- edge(x, y), n = sum(y#3) : { edge(x, y#3) }.\n");
}

TEST_CASE("the witness of a minimum is the row that has it") {
  CHECK(rules_of(kGraph + "edge(w, n) :- n = min y : { edge(w, y) }.").find("edge(w, ") !=
        std::string::npos);
  CHECK(errors_of(kGraph + "edge(w, n) :- n = count : { edge(w, _) }.") ==
        "3: w is not bound by a positive literal\n"
        "3: 'w' is bound only inside the aggregate, and a count has no one row to take it from\n");
}

TEST_CASE("literals take the type of their place") {
  CHECK(rules_of(".decl f(x: float)\n.decl u(x: unsigned)\nf(x) :- f(y), x = y + 1.\nu(x * 2) :- "
                 "u(x), x > 0.") == "f(x) :- f(y), x := y + 1.0.\nu(x * 2u) :- u(x), x > 0u.\n");
}

TEST_CASE("inline relations vanish") {
  CHECK(rules_of(kGraph + ".decl big(x: number) inline\nbig(x) :- x > 100.\nbig(x) :- x < -100.\n"
                          "p(x) :- edge(x, _), big(x).\np(y) :- edge(_, y), !big(y).") ==
        "p(x) :- edge(x, _), x > 100.\n"
        "p(x) :- edge(x, _), x < -100.\n"
        "p(y) :- edge(_, y), not y > 100, not y < -100.\n");
}

TEST_CASE("instances of components have their own relations and types") {
  CHECK(rules_of(".comp C<T> { .decl r(x: T) .decl s(x: T) r(x) :- s(x). }\n"
                 ".comp D<T> : C<T> { r(x) :- r(x), s(x). }\n.init one = C<number>\n.init two = "
                 "D<symbol>\n") ==
        "one.r(x) :- one.s(x).\ntwo.r(x) :- two.s(x).\ntwo.r(x) :- two.r(x), two.s(x).\n");
}

TEST_CASE("an overridden relation keeps only the overriding clauses") {
  CHECK(rules_of(".comp B { .decl r(x: number) overridable .decl s(x: number) r(x) :- s(x). }\n"
                 ".comp D : B { .override r\n r(x + 1) :- s(x). }\n.init d = D\n") ==
        "d.r(x + 1) :- d.s(x).\n");
}

TEST_CASE("min in a head makes the relation keep one value for each group") {
  const Lowered lowered = lower_text(kGraph +
                                     ".decl dist(x: number, d: number)\ndist(1, min(0)).\n"
                                     "dist(y, min(d + 1)) :- dist(x, d), edge(x, y).");
  REQUIRE(lowered.program);
  const Relation& dist = lowered.program->relations[2];
  CHECK(dist.extremum == Extremum::kMin);
  CHECK(dist.extremum_column == 1);
}

TEST_CASE("named atoms, puns, conditions on columns and rows by name") {
  const std::string schema =
      "relation R(id: int64 key, name: string, note: string?);\n.decl p(x: number)\n";
  CHECK(rules_of(schema + "p(id) :- R{id, name: \"a\"}.") == "p(id) :- R(id, \"a\", _).\n");
  CHECK(rules_of(schema + "p(r.id) :- R{name: n} as r, n != \"a\".") ==
        "p(r.id) :- R(r.id, n, _), n != \"a\".\n");
  CHECK(rules_of(schema + "p(i) :- R{id: i in [1, 2]}.") ==
        "p(i) :- R(i, _, _), i = 1 or i = 2.\n");
  CHECK(rules_of(schema + "p(i) :- R{id: i, note: n}, n is null.") ==
        "p(i) :- R(i, _, n), n is null.\n");
}

TEST_CASE("forall is the absence of a counter-example") {
  CHECK(rules_of(kGraph + "p(x) :- edge(x, _), forall { edge(x, y) } => { p(y) }.") ==
        "p(x) :- edge(x, _), not { edge(x, y), not { p(y) } }.\n");
}

TEST_CASE("a group exports its keys and results, and hides its own variables") {
  const std::string schema =
      "relation R(id: int64 key, c: int64, d: date);\n.decl p(x: number, n: number)\n";
  CHECK(rules_of(schema + "p(c, n) :- group { R{id, c} } by c => { n: max(id) }.") ==
        "p(c, n) :- group { R(id, c#2, _) } by (c = c#2) => { n = max(id) }.\n");
  CHECK(rules_of(schema + "p(n, m) :- group { R{d} } by (month(d)) => { n: count() }, m = n.")
            .find("= date_part(d, 1)) => { n = count() }") != std::string::npos);
}

TEST_CASE("null is a value only of columns that have nulls") {
  const Lowered lowered = lower_text("relation R(id: int64 key, note: string?);\nR(1, null).");
  REQUIRE(lowered.program);
  CHECK(print_rule(*lowered.program, lowered.program->rules[0]) == "R(1, null).");
  CHECK(errors_of(kGraph + "p(null).") ==
        "3: a fact is made of constants, and 'null' is a variable\n");
}

TEST_CASE("large decision tables are probed by their plain values") {
  std::string rows;
  for (int i = 0; i < 20; ++i) {
    rows += "\"K" + std::to_string(i) + "\" | <= 5 => " + std::to_string(i) + "; \"K" +
            std::to_string(i) + "\" | _ => 0; ";
  }
  const Lowered lowered = lower_text(
      ".decl p(k: symbol, w: number, f: number)\n.decl q(k: symbol, w: number)\n"
      "table t(k: string, w: int64) -> (f: int64) policy first { " +
      rows +
      "}\n"
      "p(k, w, f) :- q(k, w), f = t(k, w).");
  REQUIRE(lowered.program);
  std::size_t rules = 0;
  for (const Rule& rule : lowered.program->rules) rules += rule.body.empty() ? 0 : 1;
  CHECK(rules == 2);  // One for each shape of row.
}

TEST_CASE("in a keyed relation the last fact of a key stays") {
  const Lowered lowered =
      lower_text("relation R(id: int64 key, v: int64);\nR(1, 10). R(2, 20). R(1, 30).");
  REQUIRE(lowered.program);
  REQUIRE(lowered.program->rules.size() == 2);
  CHECK(print_rule(*lowered.program, lowered.program->rules[0]) == "R(1, 30).");
}

TEST_CASE("a decision table is looked up by its row") {
  const std::string rules = rules_of(
      ".decl p(k: symbol, w: number, f: number)\n.decl q(k: symbol, w: number)\n"
      "table fee(k: string, w: int64) -> (f: int64) policy first { \"DE\" | <= 5 => 4; _ | _ => 9; "
      "}\n"
      "p(k, w, f) :- q(k, w), f = fee(k, w).");
  CHECK(rules.find("if(") != std::string::npos);
  CHECK(rules.find("_fee.rows(") != std::string::npos);
}

TEST_CASE("functions are replaced by their expression") {
  CHECK(
      rules_of(
          ".decl p(x: number)\nfunction twice(x: int64) -> int64 = x + x;\np(twice(y)) :- p(y).") ==
      "p(y + y) :- p(y).\n");
  CHECK(errors_of(".decl p(x: number)\nfunction f(x: int64) -> int64 = f(x);\np(f(y)) :- p(y).") ==
        "2: function 'f' calls itself\n");
}

TEST_CASE("imported modules are known by their alias and by the names in braces") {
  LowerOptions options;
  options.import_module = [](const std::string& module) -> std::optional<grammar::Program> {
    if (module != "shop.core") return std::nullopt;
    grammar::NoFiles no_files;
    grammar::SourceFiles files;
    grammar::Diagnostics diagnostics;
    return grammar::parse_text(
        "core.dl", "module shop.core;\n.decl r(x: number)\n.decl s(x: number)\nr(x) :- s(x).", {},
        no_files, files, diagnostics);
  };
  CHECK(rules_of("import shop.core as core;\nimport shop.core.{s};\n.decl p(x: number)\np(x) :- "
                 "core.r(x), s(x).",
                 options) ==
        "shop.core.r(x) :- shop.core.s(x).\np(x) :- shop.core.r(x), shop.core.s(x).\n");
}

TEST_CASE("a query's parameters are its first variables") {
  const Lowered lowered = lower_text(
      kGraph + "query next(from: number) :- edge(from, y) select y order by y desc limit 2;");
  REQUIRE(lowered.program);
  REQUIRE(lowered.program->queries.size() == 1);
  const Query& query = lowered.program->queries.front();
  CHECK(query.parameters.size() == 1);
  CHECK(query.column_names == std::vector<std::string>{"y"});
  CHECK(query.order.size() == 1);
  CHECK(query.limit);
}

TEST_CASE("mistakes are all reported at once, in their words") {
  const std::map<std::string, std::string> cases = {
      {"p(x) :- edje(x, _).", "3: there is no relation 'edje'\n"},
      {"p(x) :- edge(x).", "3: 'edge' has 2 columns, but 1 is given\n"},
      {"p(x) :- edge(y, _).", "3: x is not bound by a positive literal\n"},
      {"p(x) :- edge(x, _), !edge(x, z).", "3: z is not bound by a positive literal\n"},
      {"p(x).", "3: a fact is made of constants, and 'x' is a variable\n"},
      {"p(\"a\").", "3: a text is not a number\n"},
      {"p(1.5).", "3: '1.5' is not a number\n"},
      {"p(99999999999999999999).", "3: '99999999999999999999' does not fit a number\n"},
      {"p(x) :- edge(x, _), x > _.", "3: a `_` cannot be compared with anything\n"},
      {"p(_) :- edge(_, _).", "3: a head cannot have a `_`: every column needs a value\n"},
      {"p(y) :- edge(x, _), y = strlen(x).", "3: 'strlen' has no version for (number) here\n"},
      {"p(x) :- edge(x, y), y = nope(x).", "3: there is no function 'nope'\n"},
      {".decl p(x: number)", "3: relation 'p' is declared twice\n"},
      {".decl r(x: nomber)", "3: there is no type 'nomber', which column 'x' of 'r' names\n"},
      {"p($B(1)).", "3: no type has a branch 'B'\n"},
      {".input q", "3: there is no relation 'q'\n"},
      {"p(x) <= p(y) :- x < y.", "3: subsumption is not supported yet\n"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(errors_of(kGraph + text) == expected);
  }
  CHECK(errors_of(kGraph + "p(x) :- a(x).\np(y) :- edge(x, _).\np(x, y) :- edge(x, y).") ==
        "3: there is no relation 'a'\n"
        "4: y is not bound by a positive literal\n"
        "5: 'p' has 1 column, but 2 are given\n");
}

TEST_CASE("types that clash are named") {
  CHECK(errors_of(kGraph + ".decl s(x: symbol)\np(x) :- edge(x, _), s(x).") ==
        "4: no type fits x: it would be both 'number' and 'symbol'\n");
  CHECK(errors_of(
            ".type A <: symbol\n.type B <: symbol\n.decl a(x: A)\n.decl b(x: B)\na(x) :- b(x).") ==
        "5: column 'x' of 'a' takes 'A', not 'B'\n");
}

TEST_CASE("with 32 bits numbers are narrow") {
  const Lowered lowered =
      lower_text(".decl p(x: number)\np(2147483647).", {.number_bits = 32, .import_module = {}});
  REQUIRE(lowered.program);
  CHECK(lowered.program->relations[0].columns[0].type == vm::Type::number(32));
  grammar::NoFiles no_files;
  Lowered too_large;
  const grammar::Program tree =
      grammar::parse_text("t.dl", ".decl p(x: number)\np(2147483648).", {}, no_files,
                          too_large.files, too_large.diagnostics);
  CHECK_FALSE(lower(tree, {.number_bits = 32, .import_module = {}}, too_large.diagnostics));
}

TEST_CASE("a stream with event time that rules derive is refused by name") {
  Lowered lowered = lower_text(
      "stream Login(user: int64, ts: timestamp) time ts;\n"
      "stream Start(user: int64, ts: timestamp) time ts;\n"
      "Login(u, t) :- Start(u, t).");
  REQUIRE(lowered.program);
  refuse_unexecuted(*lowered.program, lowered.diagnostics);
  CHECK(lowered.diagnostics.error_count() == 1);
}

}  // namespace entail::datalog
