#include "datalog/verify.h"

#include <catch2/catch.hpp>

#include "datalog/program_builder.h"

namespace entail::datalog {
namespace {

const vm::Type kNumber = vm::Type::number();

struct Case {
  ProgramBuilder builder;
  RelationId edge = builder.relation("edge", {kNumber, kNumber});
  RelationId label = builder.relation("label", {kNumber, vm::Type::text()});

  // Empty when the program is sound.
  std::string complaint() {
    const auto verified = verify_rule_program(builder.program());
    return verified ? "" : verified.error().message;
  }
  bool complains_of(const std::string& text) {
    const std::string said = complaint();
    INFO(said);
    return said.find(text) != std::string::npos;
  }
};

TEST_CASE("A sound program is accepted") {
  Case c;
  c.builder.fact(c.edge, "1 2");
  c.builder.rule(c.edge, "x z")
      .match(c.edge, "x y")
      .match(c.edge, "y z")
      .filter(ExpressionOp::kLess, "x", "z");
  c.builder.rule(c.label, "x 'a").match(c.edge, "x _").absent(c.label, "x 'b");
  CHECK(c.complaint().empty());
}

TEST_CASE("Broken invariants are named by their number") {
  SECTION("a match without all terms") {
    Case c;
    c.builder.rule(c.edge, "x y").match(c.edge, "x y");
    std::get<Match>(c.builder.program().rules[0].body[0].node).terms.pop_back();
    CHECK(c.complains_of("(1)"));
  }
  SECTION("a relation that does not exist") {
    Case c;
    c.builder.rule(c.edge, "x y").match(c.edge, "x y");
    std::get<Match>(c.builder.program().rules[0].body[0].node).relation = RelationId{7};
    CHECK(c.complains_of("(1)"));
  }
  SECTION("a variable that does not exist") {
    Case c;
    c.builder.rule(c.edge, "x y").match(c.edge, "x y");
    c.builder.program().rules[0].head.terms[0].variable = VariableId{9};
    CHECK(c.complains_of("(1)"));
  }
  SECTION("an expression in a match") {
    Case c;
    auto rule = c.builder.rule(c.edge, "x y").match(c.edge, "x y");
    std::get<Match>(c.builder.program().rules[0].body[0].node).terms[1] =
        rule.operation(ExpressionOp::kAdd, "x", "1");
    CHECK(c.complains_of("(2)"));
  }
  SECTION("a head variable without a value") {
    Case c;
    c.builder.rule(c.edge, "x y").match(c.edge, "x _");
    CHECK(c.complains_of("(5)"));
  }
  SECTION("a head variable that only an inner body knows") {
    Case c;
    c.builder.rule(c.edge, "x y").match(c.edge, "x _").absent(c.edge, "x y");
    CHECK(c.complains_of("(5)"));
  }
}

TEST_CASE("Every operation is held to its types") {
  Case c;
  auto rule = c.builder.rule(c.edge, "x y").match(c.edge, "x y").match(c.label, "x t");
  const Expression x = rule.term("x"), t = rule.term("t");
  const auto make = [](ExpressionOp op, vm::Type type, std::vector<Expression> arguments) {
    Expression e;
    e.op = op;
    e.type = type;
    e.arguments = std::move(arguments);
    return e;
  };
  const vm::Type boolean = vm::Type::boolean(), text = vm::Type::text();
  struct Row {
    bool sound;
    Expression condition;
  };
  using enum ExpressionOp;
  const Row rows[] = {
      {true, make(kEqual, boolean, {x, make(kAdd, kNumber, {x, x})})},
      {true, make(kEqual, boolean, {t, make(kConcat, text, {t, t, t})})},
      {true, make(kNot, boolean, {make(kContains, boolean, {t, t})})},
      {true, make(kEqual, boolean, {x, make(kLength, kNumber, {t})})},
      {true, make(kAnd, boolean, {make(kIsNull, boolean, {x}), make(kLess, boolean, {t, t})})},
      {false, make(kEqual, boolean, {x, t})},                            // Two types.
      {false, make(kEqual, kNumber, {x, x})},                            // Not a bool.
      {false, make(kEqual, boolean, {x})},                               // An argument short.
      {false, make(kEqual, boolean, {x, make(kAdd, kNumber, {x, t})})},  // A number and a text.
      {false, make(kEqual, boolean, {t, make(kAdd, text, {t, t})})},     // No such sum.
      {false, make(kNot, boolean, {x})},                                 // Not of a bool.
      {false, make(kMatches, boolean, {t, x})},                          // Not of texts.
      {false, make(kAdd, kNumber, {x, x})},                             // A filter that is no bool.
      {false, make(kEqual, boolean, {x, make(kField, kNumber, {x})})},  // No record.
  };
  for (const Row& row : rows) {
    rule.filter(row.condition);
    INFO(static_cast<int>(row.condition.op) << ": " << c.complaint());
    CHECK(c.complaint().empty() == row.sound);
    c.builder.program().rules[0].body.pop_back();
  }
}

TEST_CASE("A null does not enter a column without nulls") {
  Case c;
  c.builder.at(c.edge).columns[0].nullable = true;
  auto rule = c.builder.rule(c.label, "x 'a").match(c.edge, "x _");
  CHECK(c.complaint().empty());
  Rule& made = c.builder.program().rules[0];
  made.variables[0].nullable = true;
  made.head.terms[0].nullable = true;
  CHECK(c.complains_of("can be null"));
}

}  // namespace
}  // namespace entail::datalog
