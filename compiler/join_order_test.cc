#include "compiler/join_order.h"

#include <catch2/catch.hpp>
#include <string>

#include "compiler/emit.h"
#include "compiler/hoist.h"
#include "compiler/index_selection.h"
#include "compiler/rule_plan.h"
#include "datalog/program_builder.h"
#include "datalog/stratify.h"
#include "vm/disassembler.h"

namespace entail::compiler {
namespace {

using datalog::ExpressionOp;
using datalog::ProgramBuilder;
using datalog::RelationId;

const vm::Type kNumber = vm::Type::number();

struct Case {
  ProgramBuilder builder;
  RelationId edge = builder.relation("edge", {kNumber, kNumber});
  RelationId node = builder.relation("node", {kNumber});
  RelationId path = builder.relation("path", {kNumber, kNumber});
  RelationId p = builder.relation("p", {kNumber, kNumber});
  FixedCardinalities sizes;
  std::vector<RelationLayout> layouts;
  std::set<RelationId> growing;

  PlanScope scope() {
    layouts.clear();
    for (const datalog::Relation& relation : builder.program().relations) {
      layouts.push_back(layout_of(relation, builder.program().types));
      sizes.words_by_relation[static_cast<RelationId>(layouts.size() - 1)] =
          static_cast<std::uint32_t>(layouts.back().words.size());
    }
    PlanScope result;
    result.program = &builder.program();
    result.layouts = &layouts;
    result.cardinalities = &sizes;
    result.growing = growing;
    result.repeated = !growing.empty();
    return result;
  }

  // The plan's lines without the estimates.
  std::string steps(const Expected<RulePlan>& plan) {
    REQUIRE(plan.has_value());
    const std::string text = print_plan(builder.program(), *plan, "");
    std::string result;
    std::size_t begin = 0;
    while (begin < text.size()) {
      const std::size_t end = text.find('\n', begin);
      std::string line = text.substr(begin, text.rfind('~', end) - begin);
      line.erase(line.find_last_not_of(' ') + 1);
      result += line + "\n";
      begin = end + 1;
    }
    return result;
  }
  std::string full(std::uint32_t rule = 0) {
    return steps(plan_full(scope(), static_cast<datalog::RuleId>(rule)));
  }
  std::string delta(std::uint32_t occurrence) {
    growing = {path};
    return steps(plan_delta(scope(), static_cast<datalog::RuleId>(0), occurrence));
  }
};

TEST_CASE("A triangle closes with a membership test as soon as its corners are known") {
  Case c;
  c.builder.rule(c.p, "x z").match(c.edge, "x y").match(c.edge, "y z").match(c.edge, "x z");
  const std::string plan = c.full();
  CHECK(plan.find("scan ") == 0);
  CHECK(plan.find("\nprobe ") != std::string::npos);
  CHECK(plan.find("\nmember ") != std::string::npos);
}

TEST_CASE("An index is built where it costs less than reading the relation") {
  Case c;
  c.sizes.rows_by_relation[c.node] = 10;
  c.sizes.rows_by_relation[c.edge] = 100000;
  c.builder.rule(c.p, "x y").match(c.edge, "x y").match(c.node, "x");
  // Building an index over the edges costs more than reading them once.
  CHECK(c.full() == "scan edge(x, y)\nmember node(x)\n");
  c.sizes.rows_by_relation[c.node] = 100000;
  c.sizes.rows_by_relation[c.edge] = 20;
  CHECK(c.full() == "scan edge(x, y)\nmember node(x)\n");
  // In a plan that runs again and again the index is paid for once.
  c.sizes.rows_by_relation[c.node] = 10;
  c.sizes.rows_by_relation[c.edge] = 100000;
  c.growing = {c.path};
  CHECK(c.full() == "scan node(x)\nprobe edge(x, y) by {0}\n");
}

TEST_CASE("A delta version starts from the delta and reads older rows before it") {
  Case c;
  c.builder.rule(c.path, "x z").match(c.path, "x y").match(c.path, "y z");
  CHECK(c.delta(1) == "scan delta path(x, y)\nprobe path(y, z) by {0}\n");
  CHECK(c.delta(2) == "scan delta path(y, z)\nprobe old path(x, y) by {1}\n");
}

TEST_CASE("An atom whose new variables nobody needs is a test") {
  Case c;
  c.builder.rule(c.p, "x x").match(c.node, "x").match(c.edge, "x y");
  CHECK(c.full().find("match edge(x, y) by {0}") != std::string::npos);
}

TEST_CASE("A bound that stands as a filter becomes a range where a key has many matches") {
  Case c;
  c.builder.rule(c.p, "x z")
      .match(c.node, "x")
      .match(c.edge, "y z")
      .filter(ExpressionOp::kLess, "x", "y");
  const std::string plan = c.full();
  CHECK(plan.find("scan node(x)\nrange edge(y, z) by {}, column 0 > x\n") == 0);
}

TEST_CASE("The author's order is kept") {
  Case c;
  c.builder.rule(c.p, "x z").match(c.node, "x").match(c.edge, "x z");
  c.builder.program().rules[0].plan = datalog::PlanHint{{{0, {2, 1}}}};
  CHECK(c.full().find("scan edge(x, z)\n") == 0);
}

TEST_CASE("Filters that stand before a failing expression run before it") {
  Case c;
  auto rule = c.builder.rule(c.p, "x y");
  rule.match(c.node, "x").filter(ExpressionOp::kNotEqual, "x", "0");
  rule.bind("y", rule.operation(ExpressionOp::kDivide, "7", "x"));
  const std::string plan = c.full();
  CHECK(plan.find("filter") < plan.find("bind"));
}

TEST_CASE("The bound form starts from the given rows") {
  Case c;
  c.builder.rule(c.p, "x z").match(c.edge, "x y").match(c.edge, "y z");
  const RelationId given = c.builder.relation("given", {kNumber, kNumber});
  const RelationId answers = c.builder.relation("answers", {kNumber, kNumber});
  const datalog::Rule rule = bound_rule(c.builder.program().rules[0], given, answers);
  const PlanScope scope = c.scope();
  auto plan = plan_bound(scope, rule, static_cast<datalog::RuleId>(0));
  const std::string steps = c.steps(plan);
  CHECK(steps.find("scan given(x, z)\n") == 0);
  CHECK(steps.find("\nmember edge(") != std::string::npos);
  vm::ValuePool pool(c.builder.program().types);
  std::vector<RulePlan*> plans = {&*plan};
  select_indexes(plans, [](RelationId, const vm::IndexSpec&) { return 0U; });
  auto code = emit_once({&c.builder.program(), &c.layouts, &pool, nullptr}, *plan);
  REQUIRE(code.has_value());
  CHECK(vm::disassemble(code->program).find("ScanOpen") != std::string::npos);
}

TEST_CASE("Steps with the same key share an index, and an ordered one serves its key") {
  Case c;
  RulePlan plan;
  datalog::Match match;
  match.relation = c.edge;
  auto step = [&](StepKind kind, std::int32_t range_column) {
    Step result;
    result.kind = kind;
    result.match = &match;
    result.spec = {{0}, range_column};
    plan.steps.push_back(result);
  };
  step(StepKind::kProbe, -1);
  step(StepKind::kRange, 1);
  std::vector<vm::IndexSpec> made;
  const AddIndex add = [&](RelationId, const vm::IndexSpec& spec) {
    for (std::uint32_t i = 0; i < made.size(); ++i) {
      if (made[i].key == spec.key && made[i].range_column == spec.range_column) return i;
    }
    made.push_back(spec);
    return static_cast<std::uint32_t>(made.size() - 1);
  };
  select_indexes({&plan}, add);
  CHECK(made.size() == 1);
  CHECK(plan.steps[0].open_range);
  // A test looks its key up in a hash index, which then serves the probe as well.
  made.clear();
  step(StepKind::kSemi, -1);
  plan.steps[0].spec.range_column = -1;
  select_indexes({&plan}, add);
  CHECK(made.size() == 2);
  CHECK(!plan.steps[0].open_range);
  CHECK(plan.steps[0].index == plan.steps[2].index);
}

TEST_CASE("A reduction that knows nothing of its surroundings moves out, once") {
  Case c;
  c.builder.rule(c.p, "x n")
      .match(c.node, "x")
      .begin_reduce(datalog::AggregateOp::kCount, "n", "")
      .match(c.edge, "a b")
      .end();
  c.builder.rule(c.p, "x n")
      .match(c.node, "x")
      .begin_reduce(datalog::AggregateOp::kCount, "n", "")
      .match(c.edge, "x b")
      .end();
  grammar::Diagnostics diagnostics;
  REQUIRE(datalog::stratify(c.builder.program(), diagnostics));
  const std::size_t rules = c.builder.program().rules.size();
  hoist_reductions(c.builder.program());
  CHECK(c.builder.program().rules.size() == rules + 1);
  hoist_reductions(c.builder.program());
  CHECK(c.builder.program().rules.size() == rules + 1);
  CHECK(c.builder.program().relations.back().auxiliary);
}

TEST_CASE("A nullable column takes a word more, and a wide value two") {
  datalog::Relation relation;
  relation.columns.push_back({"a", vm::Type::of(vm::TypeKind::kUuid), false, {}});
  relation.columns.push_back({"b", vm::Type::text(), true, {}});
  relation.columns.push_back({"c", kNumber, false, {}});
  const vm::TypeTable types;
  const RelationLayout layout = layout_of(relation, types);
  CHECK(layout.words.size() == 5);
  CHECK(layout.columns[1].null_word() == 3);
  CHECK(layout.words[2].handle);
  CHECK(layout.words_of_columns({1, 2}) == std::vector<std::uint32_t>{2, 3, 4});
  CHECK(layout_of(datalog::Relation{}, types).words.size() == 1);
}

}  // namespace
}  // namespace entail::compiler
