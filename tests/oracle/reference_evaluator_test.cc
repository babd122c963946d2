#include "tests/oracle/reference_evaluator.h"

#include <catch2/catch.hpp>

#include "datalog/program_builder.h"
#include "datalog/stratify.h"
#include "datalog/verify.h"

namespace entail::oracle {
namespace {

using namespace datalog;  // The tests read as rules.

const vm::Type kNumber = vm::Type::number();
const vm::Type kText = vm::Type::text();
const vm::Type kFloat = vm::Type::float8();

struct Case {
  ProgramBuilder builder;

  Expected<Answer> run(const Facts& facts = {}, const Options& options = {}) {
    grammar::Diagnostics diagnostics;
    REQUIRE(stratify(builder.program(), diagnostics));
    const auto verified = verify_rule_program(builder.program());
    INFO((verified ? std::string() : verified.error().message));
    REQUIRE(verified.has_value());
    return evaluate(builder.program(), facts, options);
  }
  std::vector<std::string> rows(const std::string& relation, const Facts& facts = {}) {
    const auto answer = run(facts);
    INFO((answer ? std::string() : answer.error().message));
    REQUIRE(answer.has_value());
    CHECK(answer->errors.empty());
    return answer->rows.at(relation);
  }
};

using Lines = std::vector<std::string>;

TEST_CASE("Recursion reaches its fixpoint") {
  Case c;
  const RelationId edge = c.builder.relation("edge", {kNumber, kNumber});
  const RelationId path = c.builder.relation("path", {kNumber, kNumber});
  c.builder.rule(path, "x y").match(edge, "x y");
  c.builder.rule(path, "x z").match(path, "x y").match(path, "y z");
  for (const char* fact : {"1 2", "2 3", "3 1", "4 4"}) c.builder.fact(edge, fact);
  CHECK(c.rows("path") ==
        Lines{"1\t1", "1\t2", "1\t3", "2\t1", "2\t2", "2\t3", "3\t1", "3\t2", "3\t3", "4\t4"});
}

TEST_CASE("Negation sees complete relations, and inner variables stay inside") {
  Case c;
  const RelationId node = c.builder.relation("node", {kNumber});
  const RelationId edge = c.builder.relation("edge", {kNumber, kNumber});
  const RelationId leaf = c.builder.relation("leaf", {kNumber});
  c.builder.rule(leaf, "x")
      .match(node, "x")
      .begin_absent()
      .match(edge, "x y")
      .filter(ExpressionOp::kNotEqual, "y", "x")
      .end();
  for (const char* fact : {"1", "2", "3"}) c.builder.fact(node, fact);
  for (const char* fact : {"1 2", "2 2"}) c.builder.fact(edge, fact);
  CHECK(c.rows("leaf") == Lines{"2", "3"});
}

TEST_CASE("A reduction for each binding gives 0 for nothing, and min of nothing fails") {
  Case c;
  const RelationId node = c.builder.relation("node", {kNumber});
  const RelationId edge = c.builder.relation("edge", {kNumber, kNumber});
  const RelationId sums = c.builder.relation("sums", {kNumber, kNumber, kNumber});
  const RelationId least = c.builder.relation("least", {kNumber, kNumber});
  c.builder.rule(sums, "x n s")
      .match(node, "x")
      .begin_reduce(AggregateOp::kCount, "n", "")
      .match(edge, "x _")
      .end()
      .begin_reduce(AggregateOp::kSum, "s", "y")
      .match(edge, "x y")
      .end();
  c.builder.rule(least, "x m")
      .match(node, "x")
      .begin_reduce(AggregateOp::kMin, "m", "y")
      .match(edge, "x y")
      .end();
  for (const char* fact : {"1", "2"}) c.builder.fact(node, fact);
  for (const char* fact : {"1 20", "1 30"}) c.builder.fact(edge, fact);
  CHECK(c.rows("sums") == Lines{"1\t2\t50", "2\t0\t0"});
  CHECK(c.rows("least") == Lines{"1\t20"});
}

TEST_CASE("A reduction for each group has only groups that exist, and counts rows, not variables") {
  Case c;
  const RelationId edge = c.builder.relation("edge", {kNumber, kNumber});
  const RelationId degree = c.builder.relation("degree", {kNumber, kNumber});
  c.builder.rule(degree, "k n")
      .begin_group("k", "x", AggregateOp::kCount, "n", "")
      .match(edge, "x _")
      .end();
  for (const char* fact : {"1 2", "1 3", "2 3"}) c.builder.fact(edge, fact);
  CHECK(c.rows("degree") == Lines{"1\t2", "2\t1"});
}

TEST_CASE("Bags keep equal rows, and joins multiply them") {
  Case c;
  const RelationId login = c.builder.relation("login", {kNumber});
  const RelationId pair = c.builder.relation("pair", {kNumber, kNumber});
  const RelationId total = c.builder.relation("total", {kNumber});
  c.builder.at(login).collection = Collection::kBag;
  c.builder.at(pair).collection = Collection::kBag;
  c.builder.rule(pair, "x y")
      .match(login, "x")
      .match(login, "y")
      .filter(ExpressionOp::kLessEqual, "x", "y");
  c.builder.rule(total, "n").begin_reduce(AggregateOp::kCount, "n", "").match(login, "_").end();
  for (const char* fact : {"7", "7", "8"}) c.builder.fact(login, fact);
  CHECK(c.rows("login") == Lines{"7", "7", "8"});
  CHECK(c.rows("total") == Lines{"3"});
  CHECK(c.rows("pair") == Lines{"7\t7", "7\t7", "7\t7", "7\t7", "7\t8", "7\t8", "8\t8"});
}

TEST_CASE("A minimum through recursion keeps one value for each group") {
  Case c;
  const RelationId edge = c.builder.relation("edge", {kNumber, kNumber, kNumber});
  const RelationId dist = c.builder.relation("dist", {kNumber, kNumber});
  c.builder.at(dist).extremum = Extremum::kMin;
  c.builder.at(dist).extremum_column = 1;
  c.builder.fact(dist, "1 0");
  auto rule = c.builder.rule(dist, "y d").match(dist, "x d").match(edge, "x y w");
  rule.head_term(1, rule.operation(ExpressionOp::kAdd, "d", "w"));
  for (const char* fact : {"1 2 10", "1 3 1", "3 2 2", "2 1 5"}) c.builder.fact(edge, fact);
  CHECK(c.rows("dist") == Lines{"1\t0", "2\t3", "3\t1"});
}

TEST_CASE("An equivalence is closed after every merge") {
  Case c;
  const RelationId same = c.builder.relation("same", {kNumber, kNumber});
  c.builder.at(same).equivalence = true;
  for (const char* fact : {"1 2", "3 2", "5 5"}) c.builder.fact(same, fact);
  CHECK(c.rows("same").size() == 10);
}

TEST_CASE("Of two facts with one key the later wins, and derived rows must agree") {
  Case c;
  const RelationId setting = c.builder.relation("setting", {kNumber, kNumber});
  const RelationId wish = c.builder.relation("wish", {kNumber, kNumber});
  c.builder.at(setting).key = {0};
  for (const char* fact : {"1 10", "1 11"}) c.builder.fact(setting, fact);
  CHECK(c.rows("setting") == Lines{"1\t11"});
  c.builder.rule(setting, "x y").match(wish, "x y");
  c.builder.fact(wish, "1 11");
  CHECK(c.rows("setting") == Lines{"1\t11"});
  c.builder.fact(wish, "1 12");
  const auto answer = c.run();
  REQUIRE(answer.has_value());
  CHECK(answer->errors == std::set<std::string>{"setting: two rows under one key"});
}

TEST_CASE("Integers wrap at their width") {
  Case c;
  const vm::Type narrow = vm::Type::number(32);
  c.builder.program().number_bits = 32;
  const RelationId n = c.builder.relation("n", {narrow});
  const RelationId next = c.builder.relation("next", {narrow});
  c.builder.fact(n, "2147483647");
  auto rule = c.builder.rule(next, "x").match(n, "x");
  rule.head_term(0, rule.operation(ExpressionOp::kAdd, "x", "1"));
  CHECK(c.rows("next") == Lines{"-2147483648"});
}

TEST_CASE("A failing instance derives nothing and is reported, behind the filters before it") {
  Case c;
  const RelationId n = c.builder.relation("n", {kNumber});
  const RelationId inverse = c.builder.relation("inverse", {kNumber, kNumber});
  for (const char* fact : {"0", "2"}) c.builder.fact(n, fact);
  SECTION("guarded") {
    auto rule =
        c.builder.rule(inverse, "x y").match(n, "x").filter(ExpressionOp::kNotEqual, "x", "0");
    rule.bind("y", rule.operation(ExpressionOp::kDivide, "10", "x"));
    CHECK(c.rows("inverse") == Lines{"2\t5"});
  }
  SECTION("not guarded") {
    auto rule = c.builder.rule(inverse, "x y").match(n, "x");
    rule.bind("y", rule.operation(ExpressionOp::kDivide, "10", "x"));
    const auto answer = c.run();
    REQUIRE(answer.has_value());
    CHECK(answer->rows.at("inverse") == Lines{"2\t5"});
    CHECK(answer->errors == std::set<std::string>{"inverse#2: division by zero"});
  }
}

TEST_CASE(
    "A repeated variable is identity, also of nulls, and comparisons with null are not true") {
  Case c;
  const RelationId pair = c.builder.relation("pair", {kNumber, kNumber});
  const RelationId twin = c.builder.relation("twin", {kNumber});
  const RelationId equal = c.builder.relation("equal", {kNumber});
  for (const RelationId id : {pair, twin, equal}) {
    for (Column& column : c.builder.at(id).columns) column.nullable = true;
  }
  c.builder.rule(twin, "x").match(pair, "x x");
  c.builder.rule(equal, "x").match(pair, "x y");
  for (Rule& rule : c.builder.program().rules) {
    for (Variable& variable : rule.variables) variable.nullable = true;
  }
  Rule& rule = c.builder.program().rules[1];
  Expression test;
  test.op = ExpressionOp::kEqual;
  test.type = vm::Type::boolean();
  test.nullable = true;
  test.arguments = std::get<Match>(rule.body[0].node).terms;
  rule.body.push_back({Filter{test}, {}});
  const auto answer =
      c.run({{"pair",
              {{Null{}, Null{}}, {std::int64_t{1}, std::int64_t{1}}, {Null{}, std::int64_t{2}}}}});
  REQUIRE(answer.has_value());
  CHECK(answer->rows.at("twin") == Lines{"1", "null"});
  CHECK(answer->rows.at("equal") == Lines{"1"});
}

TEST_CASE("Ranges are half open, in either direction") {
  Case c;
  const RelationId up = c.builder.relation("up", {kNumber});
  const RelationId down = c.builder.relation("down", {kNumber});
  c.builder.rule(up, "x").range("x", "1", "4");
  c.builder.rule(down, "x").range("x", "2", "0");
  CHECK(c.rows("up") == Lines{"1", "2", "3"});
  CHECK(c.rows("down") == Lines{"1", "2"});
}

TEST_CASE("Float sums do not depend on the order of their addends") {
  Case c;
  const RelationId f = c.builder.relation("f", {kFloat});
  const RelationId total = c.builder.relation("total", {kFloat});
  const RelationId middle = c.builder.relation("middle", {kFloat});
  auto rule = c.builder.rule(total, "s");
  rule.begin_reduce(AggregateOp::kSum, "s", "").match(f, "x").end();
  std::get<Reduce>(c.builder.program().rules[0].body[0].node).aggregates[0].argument =
      rule.term("x");
  auto mean = c.builder.rule(middle, "s");
  mean.begin_reduce(AggregateOp::kMean, "s", "").match(f, "x").end();
  std::get<Reduce>(c.builder.program().rules[1].body[0].node).aggregates[0].argument =
      mean.term("x");
  for (const char* fact : {"1e17", "1.0", "-1e17"}) c.builder.fact(f, fact);
  CHECK(c.rows("total") == Lines{"1"});
  CHECK(c.rows("middle") == Lines{"0.3333333333333333"});
}

TEST_CASE("Records, variants and nil print as the language writes them") {
  Case c;
  vm::TypeTable& types = c.builder.program().types;
  const vm::TypeId list = types.declare(vm::TypeKind::kRecord, "List");
  const vm::Type list_type = vm::Type::defined(vm::TypeKind::kRecord, list);
  types.define_record(list, {{"head", kNumber, false}, {"tail", list_type, false}});
  const vm::TypeId shape = types.declare(vm::TypeKind::kAdt, "Shape");
  const vm::Type shape_type = vm::Type::defined(vm::TypeKind::kAdt, shape);
  types.define_adt(shape, {{"Point", {}}, {"Circle", {{"radius", kFloat, false}}}});
  const RelationId r = c.builder.relation("r", {list_type, shape_type});
  const Value two = compound_value(0, {std::int64_t{2}, Nil{}});
  const Facts facts = {
      {"r",
       {{compound_value(0, {std::int64_t{1}, two}), compound_value(1, {float_value(0.5)})},
        {Nil{}, compound_value(0, {})}}}};
  CHECK(c.rows("r", facts) == Lines{"[1, [2, nil]]\t$Circle(0.5)", "nil\t$Point"});
  CHECK(c.builder.at(r).columns.size() == 2);
}

TEST_CASE("A program that never ends meets its limit") {
  Case c;
  const RelationId n = c.builder.relation("n", {kNumber});
  c.builder.fact(n, "0");
  auto rule = c.builder.rule(n, "x").match(n, "x");
  rule.head_term(0, rule.operation(ExpressionOp::kAdd, "x", "1"));
  const auto answer = c.run({}, {.steps_max = 10'000, .rounds_max = 1'000'000});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == ErrorCode::kLimit);
}

TEST_CASE("What it does not know it refuses") {
  Case c;
  const RelationId n = c.builder.relation("n", {kText});
  Expression now;
  now.op = ExpressionOp::kNow;
  now.type = vm::Type::of(vm::TypeKind::kTimestamp);
  c.builder.rule(n, "x").match(n, "x").bind("t", now);
  c.builder.fact(n, "'a");
  const auto answer = c.run();
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace entail::oracle
