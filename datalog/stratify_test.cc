#include "datalog/stratify.h"

#include <catch2/catch.hpp>

#include "datalog/program_builder.h"
#include "datalog/program_printer.h"
#include "datalog/verify.h"

namespace entail::datalog {
namespace {

const vm::Type kNumber = vm::Type::number();

struct Case {
  ProgramBuilder builder;
  RelationId edge = builder.relation("edge", {kNumber, kNumber});
  RelationId p = builder.relation("p", {kNumber, kNumber});
  RelationId q = builder.relation("q", {kNumber, kNumber});
  grammar::Diagnostics diagnostics;

  bool accepted() {
    const bool good = stratify(builder.program(), diagnostics);
    const auto verified = verify_rule_program(builder.program());
    INFO((verified ? std::string() : verified.error().message));
    CHECK(verified.has_value());
    CHECK(good != diagnostics.has_errors());
    return good;
  }
  std::string message() const {
    return diagnostics.empty() ? "" : diagnostics.in_order_of_adding().front().message;
  }
};

std::string strata_text(const RuleProgram& program) {
  const std::string text = print_program(program);
  return text.substr(text.find("strata\n"));
}

TEST_CASE("Strata come in order of dependency, and cycles are one stratum") {
  Case c;
  c.builder.fact(c.edge, "1 2");
  c.builder.rule(c.q, "x y").match(c.edge, "x y").absent(c.p, "y x");
  c.builder.rule(c.p, "x y").match(c.edge, "x y");
  c.builder.rule(c.p, "x z").match(c.p, "x y").match(c.edge, "y z");
  REQUIRE(c.accepted());
  CHECK(strata_text(c.builder.program()) ==
        "strata\n"
        "  0  edge; rules 0\n"
        "  1  p, recursive; rules 2, 3\n"
        "  2  q; rules 1\n");
}

TEST_CASE("Mutually recursive relations share a stratum") {
  Case c;
  c.builder.rule(c.p, "x y").match(c.q, "x y");
  c.builder.rule(c.q, "x y").match(c.edge, "x y");
  c.builder.rule(c.q, "x z").match(c.p, "x y").match(c.edge, "y z");
  REQUIRE(c.accepted());
  CHECK(strata_text(c.builder.program()).find("p, q, recursive; rules 0-2") != std::string::npos);
}

TEST_CASE("A long chain of relations is stratified without deep recursion") {
  ProgramBuilder builder;
  constexpr int kLength = 50'000;
  std::vector<RelationId> chain;
  for (int i = 0; i < kLength; ++i)
    chain.push_back(builder.relation("r" + std::to_string(i), {kNumber}));
  for (int i = 0; i + 1 < kLength; ++i) builder.rule(chain[i], "x").match(chain[i + 1], "x");
  grammar::Diagnostics diagnostics;
  REQUIRE(stratify(builder.program(), diagnostics));
  CHECK(builder.program().strata.front().relations.front() == chain.back());
}

TEST_CASE("A cycle through negation is refused and shown as its author would see it") {
  Case c;
  c.builder.rule(c.p, "x y").match(c.edge, "x y").absent(c.q, "x y");
  c.builder.rule(c.q, "x y").match(c.p, "x y");
  CHECK_FALSE(c.accepted());
  CHECK(c.message() == "'p' depends on not 'q', 'q' depends on 'p': such a cycle has no meaning");
  CHECK(c.builder.program().strata.empty());
}

TEST_CASE("A relation that depends on its own negation or aggregate is refused") {
  Case negated;
  negated.builder.rule(negated.p, "x y").match(negated.edge, "x y").absent(negated.p, "y x");
  CHECK_FALSE(negated.accepted());
  CHECK(negated.message().starts_with("'p' depends on not 'p'"));

  Case counted;
  counted.builder.rule(counted.p, "x n")
      .match(counted.edge, "x _")
      .begin_reduce(AggregateOp::kCount, "n", "")
      .match(counted.p, "x _")
      .end();
  CHECK_FALSE(counted.accepted());
  CHECK(counted.message().starts_with("'p' depends on an aggregate over 'p'"));
}

TEST_CASE("A double negation in one body still needs the relation complete") {
  Case c;
  c.builder.rule(c.p, "x y")
      .match(c.edge, "x y")
      .begin_absent()
      .match(c.edge, "y z")
      .absent(c.p, "z x")
      .end();
  CHECK_FALSE(c.accepted());
}

TEST_CASE("An existence test may be recursive") {
  Case c;
  c.builder.rule(c.p, "x y").match(c.edge, "x y").begin_exists().match(c.p, "y _").end();
  CHECK(c.accepted());
}

TEST_CASE("Counters are refused in recursive rules only") {
  Case c;
  Expression counter;
  counter.op = ExpressionOp::kAutoIncrement;
  counter.type = kNumber;
  c.builder.rule(c.p, "x x").match(c.edge, "x _").head_term(1, counter);
  CHECK(c.accepted());
  c.builder.rule(c.p, "x x").match(c.p, "x _").head_term(1, counter);
  CHECK_FALSE(c.accepted());
  CHECK(c.message().starts_with("autoinc() in a recursive rule"));
}

TEST_CASE("A bag may be derived, but not through itself") {
  Case c;
  c.builder.at(c.p).collection = Collection::kBag;
  c.builder.rule(c.p, "x y").match(c.edge, "x y");
  CHECK(c.accepted());
  c.builder.rule(c.p, "x z").match(c.p, "x y").match(c.edge, "y z");
  CHECK_FALSE(c.accepted());
}

TEST_CASE(
    "A minimum may recurse through itself, but not through a relation that keeps old values") {
  Case c;
  c.builder.at(c.p).extremum = Extremum::kMin;
  c.builder.at(c.p).extremum_column = 1;
  c.builder.rule(c.p, "y d").match(c.p, "x d").match(c.edge, "x y");
  CHECK(c.accepted());
  c.builder.rule(c.q, "x d").match(c.p, "x d");
  CHECK(c.accepted());
  c.builder.rule(c.p, "x d").match(c.q, "x d");
  CHECK_FALSE(c.accepted());
}

}  // namespace
}  // namespace entail::datalog
