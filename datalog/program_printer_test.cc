#include "datalog/program_printer.h"

#include <catch2/catch.hpp>

#include "datalog/program_builder.h"
#include "datalog/stratify.h"

namespace entail::datalog {
namespace {

const vm::Type kNumber = vm::Type::number();

TEST_CASE("A program prints as relations, rules and strata") {
  ProgramBuilder builder;
  const RelationId edge = builder.relation("edge", {kNumber, kNumber});
  const RelationId dist = builder.relation("dist", {kNumber, kNumber});
  builder.at(dist).extremum = Extremum::kMin;
  builder.at(dist).extremum_column = 1;
  builder.program().directives.push_back(
      {DirectiveKind::kInput, edge, "file", {{"delimiter", "\t"}}, {}});
  builder.fact(edge, "1 -2");
  auto rule = builder.rule(dist, "y d").match(dist, "x d").match(edge, "x y");
  rule.head_term(1, rule.operation(ExpressionOp::kAdd, "d", "1"));
  builder.rule(dist, "x n")
      .match(edge, "x _")
      .begin_reduce(AggregateOp::kCount, "n", "")
      .match(edge, "x y")
      .filter(ExpressionOp::kNotEqual, "y", "3")
      .end()
      .absent(edge, "x x");
  grammar::Diagnostics diagnostics;
  REQUIRE(stratify(builder.program(), diagnostics));
  CHECK(print_program(builder.program()) ==
        "relations\n"
        "  edge(c0: number, c1: number)\n"
        "  dist(c0: number, c1: number) min (c1)\n"
        "directives\n"
        "  input edge file(delimiter=\"\\t\")\n"
        "rules\n"
        "  0  edge(1, -2).\n"
        "  1  dist(y, min(d + 1)) :- dist(x, d), edge(x, y).\n"
        "  2  dist(x, min(n)) :- edge(x, _), n = count() : { edge(x, y), y != 3 }, not { edge(x, "
        "x) }.\n"
        "strata\n"
        "  0  edge; rules 0\n"
        "  1  dist, recursive; rules 1, 2\n");
}

TEST_CASE("Expressions print with the parentheses they need and no more") {
  ProgramBuilder builder;
  const RelationId r = builder.relation("r", {kNumber, kNumber});
  auto rule = builder.rule(r, "x y").match(r, "x y");
  const auto make = [](ExpressionOp op, std::vector<Expression> arguments) {
    Expression e;
    e.op = op;
    e.type = kNumber;
    e.arguments = std::move(arguments);
    return e;
  };
  const Expression x = rule.term("x"), y = rule.term("y"), one = rule.term("1");
  using enum ExpressionOp;
  const std::pair<Expression, std::string> rows[] = {
      {make(kAdd, {x, make(kMultiply, {y, one})}), "x + y * 1"},
      {make(kMultiply, {make(kAdd, {x, y}), one}), "(x + y) * 1"},
      {make(kSubtract, {make(kSubtract, {x, y}), one}), "x - y - 1"},
      {make(kSubtract, {x, make(kSubtract, {y, one})}), "x - (y - 1)"},
      {make(kNegate, {make(kAdd, {x, y})}), "-(x + y)"},
      {make(kNot, {make(kOr, {make(kLess, {x, y}), make(kIsNull, {x})})}),
       "not (x < y or x is null)"},
      {make(kMaximum, {x, y}), "max(x, y)"},
      {make(kPower, {make(kPower, {x, y}), one}), "(x ^ y) ^ 1"},
  };
  for (const auto& [expression, text] : rows) {
    CHECK(print_expression(builder.program(), builder.program().rules[0], expression) == text);
  }
}

TEST_CASE("Two variables of one name are told apart") {
  ProgramBuilder builder;
  const RelationId r = builder.relation("r", {kNumber, kNumber});
  builder.rule(r, "x y").match(r, "x y");
  builder.program().rules[0].variables[1].name = "x";
  CHECK(print_rule(builder.program(), builder.program().rules[0]) == "r(x, x#1) :- r(x, x#1).");
}

}  // namespace
}  // namespace entail::datalog
