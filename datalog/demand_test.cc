#include "datalog/demand.h"

#include <catch2/catch.hpp>

#include "datalog/program_builder.h"
#include "datalog/program_printer.h"
#include "datalog/stratify.h"
#include "datalog/verify.h"

namespace entail::datalog {
namespace {

const vm::Type kNumber = vm::Type::number();

struct Case {
  ProgramBuilder builder;
  RelationId edge = builder.relation("edge", {kNumber, kNumber});
  RelationId path = builder.relation("path", {kNumber, kNumber});
  RelationId answer{};

  void left_linear() {
    builder.rule(path, "x y").match(edge, "x y");
    builder.rule(path, "x z").match(path, "x y").match(edge, "y z");
  }
  void right_linear() {
    builder.rule(path, "x y").match(edge, "x y");
    builder.rule(path, "x z").match(edge, "x y").match(path, "y z");
  }

  // `arguments` as in a rule: `99990 _`.
  RuleProgram ask(RelationId relation, std::vector<std::string> arguments) {
    DemandQuery query{relation, {}};
    for (const std::string& text : arguments) {
      query.arguments.push_back(text == "_" ? std::optional<Expression>()
                                            : constant(kNumber, text));
    }
    grammar::Diagnostics diagnostics;
    REQUIRE(stratify(builder.program(), diagnostics));
    DemandedProgram demanded = demand(builder.take(), query);
    answer = demanded.answer;
    const auto verified = verify_rule_program(demanded.program);
    INFO(print_program(demanded.program));
    INFO((verified ? std::string() : verified.error().message));
    REQUIRE(verified.has_value());
    return std::move(demanded.program);
  }

  static std::string rules_of(const RuleProgram& program) {
    std::string out;
    for (const Rule& rule : program.rules) out += print_rule(program, rule) + "\n";
    return out;
  }
};

TEST_CASE("A left-linear question is answered from its constant, with one column") {
  Case c;
  c.left_linear();
  CHECK(Case::rules_of(c.ask(c.path, {"5", "_"})) ==
        "demanded.path^bf(5).\n"
        "reached.path^bf(c1) :- demanded.path^bf(c0), path(c0, c1).\n"
        "reached.path^bf(y) :- demanded.path^bf(x), edge(x, y).\n"
        "reached.path^bf(z) :- reached.path^bf(y), edge(y, z).\n"
        "answer.path(5, c1) :- reached.path^bf(c1).\n");
}

TEST_CASE("A right-linear question passes its demands on, with one column") {
  Case c;
  c.right_linear();
  CHECK(Case::rules_of(c.ask(c.path, {"5", "_"})) ==
        "demanded.path^bf(5).\n"
        "reached.path^bf(c1) :- demanded.path^bf(c0), path(c0, c1).\n"
        "reached.path^bf(y) :- demanded.path^bf(x), edge(x, y).\n"
        "demanded.path^bf(y) :- demanded.path^bf(x), edge(x, y).\n"
        "answer.path(5, c1) :- reached.path^bf(c1).\n");
}

TEST_CASE("Known values spread from either end") {
  Case c;
  c.left_linear();
  // Backwards, the left-linear rule is the right-linear one.
  const std::string rules = Case::rules_of(c.ask(c.path, {"_", "7"}));
  INFO(rules);
  CHECK(rules.find("demanded.path^fb(y) :- demanded.path^fb(z), edge(y, z).") != std::string::npos);
}

TEST_CASE("Where a rule hands neither side through, demands are kept with their answers") {
  Case c;  // Same generation.
  const RelationId sg = c.builder.relation("sg", {kNumber, kNumber});
  c.builder.rule(sg, "x x").match(c.edge, "_ x");
  c.builder.rule(sg, "x y").match(c.edge, "u x").match(sg, "u v").match(c.edge, "v y");
  const std::string rules = Case::rules_of(c.ask(sg, {"3", "_"}));
  INFO(rules);
  CHECK(rules.find("demanded.sg^bf(u) :- demanded.sg^bf(x), edge(u, x).") != std::string::npos);
  CHECK(rules.find("sg^bf(x, y) :- demanded.sg^bf(x), edge(u, x), sg^bf(u, v), edge(v, y).") !=
        std::string::npos);
  CHECK(rules.find("reached") == std::string::npos);
}

TEST_CASE("A question without a constant restricts the program to what it reaches") {
  Case c;
  c.left_linear();
  const RelationId other = c.builder.relation("other", {kNumber});
  c.builder.rule(other, "x").match(c.path, "x _");
  c.builder.fact(other, "4");
  c.builder.fact(c.edge, "1 2");
  const RuleProgram program = c.ask(c.path, {"_", "_"});
  CHECK(c.answer == c.path);
  CHECK(program.rules.size() == 3);
}

TEST_CASE("Facts stay with their relations, and inputs with them") {
  Case c;
  c.right_linear();
  const RelationId unread = c.builder.relation("unread", {kNumber});
  for (const RelationId id : {c.edge, unread})
    c.builder.program().directives.push_back({DirectiveKind::kInput, id, "file", {}, {}});
  c.builder.program().directives.push_back({DirectiveKind::kOutput, c.path, "file", {}, {}});
  c.builder.fact(c.path, "1 9");
  c.builder.fact(unread, "1");
  const RuleProgram program = c.ask(c.path, {"1", "_"});
  REQUIRE(program.directives.size() == 1);
  CHECK(program.directives[0].relation == c.edge);
  CHECK(Case::rules_of(program).starts_with("path(1, 9).\n"));
}

TEST_CASE("A relation under negation is asked for what is needed, where that can be stratified") {
  Case c;
  c.left_linear();
  const RelationId node = c.builder.relation("node", {kNumber});
  const RelationId cut = c.builder.relation("cut", {kNumber, kNumber});
  c.builder.rule(cut, "x y").match(node, "x").match(node, "y").absent(c.path, "x y");
  const std::string rules = Case::rules_of(c.ask(cut, {"1", "_"}));
  INFO(rules);
  CHECK(rules.find("not { path^bb(x, y) }") != std::string::npos);
}

TEST_CASE("A demand that would close a cycle through negation is not made") {
  Case c;
  const RelationId blocked = c.builder.relation("blocked", {kNumber});
  const RelationId bad = c.builder.relation("bad", {kNumber});
  c.builder.rule(blocked, "x").match(bad, "x");
  c.builder.rule(c.path, "x y").match(c.edge, "x y");
  c.builder.rule(c.path, "x z").match(c.path, "x y").match(c.edge, "y z").absent(blocked, "z");
  const std::string rules = Case::rules_of(c.ask(c.path, {"1", "_"}));
  INFO(rules);
  CHECK(rules.find("not { blocked(z) }") != std::string::npos);
  CHECK(rules.find("reached.path^bf(z) :- reached.path^bf(y), edge(y, z)") != std::string::npos);
}

TEST_CASE("Values that an expression makes are not demanded out of nothing") {
  Case c;  // Ends although every demand could give birth to the next.
  const RelationId n = c.builder.relation("n", {kNumber});
  const RelationId p = c.builder.relation("p", {kNumber});
  auto rule = c.builder.rule(p, "x");
  rule.bind("y", rule.operation(ExpressionOp::kSubtract, "x", "1")).match(p, "y").match(n, "x");
  c.builder.fact(p, "0");
  const std::string rules = Case::rules_of(c.ask(p, {"5"}));
  INFO(rules);
  // x is looked up in n before x - 1 is demanded.
  CHECK(rules.find("demanded.p^b(y) :- demanded.p^b(x), n(x), y := x - 1.") != std::string::npos);
}

TEST_CASE("Relations that keep more than rows are derived completely") {
  Case c;
  const RelationId dist = c.builder.relation("dist", {kNumber, kNumber});
  c.builder.at(dist).extremum = Extremum::kMin;
  c.builder.at(dist).extremum_column = 1;
  c.builder.rule(dist, "y d").match(dist, "x d").match(c.edge, "x y");
  const RuleProgram program = c.ask(dist, {"1", "_"});
  CHECK(Case::rules_of(program) ==
        "dist(y, min(d)) :- dist(x, d), edge(x, y).\n"
        "answer.dist(1, c1) :- dist(1, c1).\n");
}

}  // namespace
}  // namespace entail::datalog
