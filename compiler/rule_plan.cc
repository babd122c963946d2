#include "compiler/rule_plan.h"

#include <map>
#include <utility>

#include "datalog/body_walk.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"

namespace entail::compiler {

namespace {

std::set<datalog::VariableId> head_variables(const datalog::Rule& rule) {
  std::set<datalog::VariableId> result;
  for (const datalog::Expression& term : rule.head.terms) {
    result.merge(datalog::variables_of(term));
  }
  return result;
}

// The literals that are positive atoms, in the order of the text.
std::vector<std::size_t> positive_atoms(const datalog::Rule& rule) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < rule.body.size(); ++i) {
    if (std::holds_alternative<datalog::Match>(rule.body[i].node)) result.push_back(i);
  }
  return result;
}

// The order that the author asked for, as literals; empty where none was.
std::vector<std::size_t> hinted_order(const datalog::Rule& rule, std::uint32_t version) {
  std::vector<std::size_t> result;
  if (!rule.plan) return result;
  const auto found = rule.plan->orders.find(version);
  if (found == rule.plan->orders.end()) return result;
  const std::vector<std::size_t> atoms = positive_atoms(rule);
  for (const std::uint32_t position : found->second) {
    if (position >= 1 && position <= atoms.size()) result.push_back(atoms[position - 1]);
  }
  return result;
}

Expected<RulePlan> finish_plan(const PlanScope& scope, const BodyTask& task, RulePlan plan) {
  auto body = plan_body(scope, task);
  if (!body) return unexpected(std::move(body).error());
  plan.steps = std::move(body->steps);
  plan.cost = body->cost;
  return plan;
}

// With the head given, a reduction per group asks for the groups of given keys only: the inner body, under
// other names, finds the keys that there are, and for each the rows of its group are reduced.
//
//     p(k, s) :- group { r(k1, v) } by k1 => { k, s: sum(v) }.
//     p(k, s) :- r(_k1, _v), k = _k1, s = sum v : { r(k1, v), k = k1 }.
datalog::Body ungrouped(datalog::Rule& rule, const datalog::Literal& literal) {
  datalog::Reduce reduce = std::get<datalog::Reduce>(literal.node);
  std::set<datalog::VariableId> inner = datalog::variables_of(reduce.body);
  for (const datalog::GroupKey& key : reduce.keys) inner.erase(key.result);
  std::map<datalog::VariableId, datalog::VariableId> renamed;
  for (const datalog::VariableId variable : inner) {
    renamed[variable] = static_cast<datalog::VariableId>(rule.variables.size());
    rule.variables.push_back(rule.variables[datalog::index_of(variable)]);
  }
  datalog::Body result = reduce.body;
  for (const datalog::GroupKey& key : reduce.keys) {
    result.push_back({datalog::Bind{key.result, key.value}, literal.span});
    reduce.body.push_back(result.back());
  }
  for (datalog::Literal& copy : result) {
    datalog::walk_variables(copy, [&](datalog::VariableId& variable) {
      const auto found = renamed.find(variable);
      if (found != renamed.end()) variable = found->second;
    });
  }
  reduce.keys.clear();
  reduce.form = datalog::ReduceForm::kPerBinding;
  result.push_back({std::move(reduce), literal.span});
  return result;
}

}  // namespace

Expected<RulePlan> plan_full(const PlanScope& scope, datalog::RuleId id) {
  const datalog::Rule& rule = scope.program->rule(id);
  BodyTask task;
  task.rule = &rule;
  task.body = &rule.body;
  task.needed = head_variables(rule);
  // A bag has a row for each derivation.
  task.rows_matter =
      scope.program->relation(rule.head.relation).collection == datalog::Collection::kBag;
  task.forced = hinted_order(rule, 0);
  RulePlan plan;
  plan.rule = &rule;
  plan.id = id;
  return finish_plan(scope, task, std::move(plan));
}

std::uint32_t growing_occurrences(const PlanScope& scope, const datalog::Rule& rule) {
  std::uint32_t count = 0;
  for (const std::size_t i : positive_atoms(rule)) {
    count += scope.growing.count(std::get<datalog::Match>(rule.body[i].node).relation) != 0 ? 1 : 0;
  }
  return count;
}

// How many times cheaper an order must be to be taken before the one that scans the delta.
constexpr double kDeltaFirstWorth = 4;

Expected<RulePlan> plan_delta(const PlanScope& scope, datalog::RuleId id,
                              std::uint32_t occurrence) {
  const datalog::Rule& rule = scope.program->rule(id);
  BodyTask task;
  task.rule = &rule;
  task.body = &rule.body;
  task.needed = head_variables(rule);
  task.views.assign(rule.body.size(), vm::View::kTotal);
  std::uint32_t seen = 0;
  std::size_t delta_literal = rule.body.size();
  for (const std::size_t i : positive_atoms(rule)) {
    if (scope.growing.count(std::get<datalog::Match>(rule.body[i].node).relation) == 0) continue;
    ++seen;
    if (seen < occurrence) task.views[i] = vm::View::kOld;
    if (ENTAIL_PLANT_BUG(1) && seen > occurrence) task.views[i] = vm::View::kOld;
    if (seen == occurrence) {
      task.views[i] = vm::View::kDelta;
      delta_literal = i;
    }
  }
  ENTAIL_ENSURE(delta_literal < rule.body.size());
  task.forced = hinted_order(rule, occurrence - 1);
  const auto& match = std::get<datalog::Match>(rule.body[delta_literal].node);
  // The pairs that a round added to an equivalence can be scanned but not probed.
  if (scope.program->relation(match.relation).equivalence) task.forced = {delta_literal};
  RulePlan plan;
  plan.rule = &rule;
  plan.id = id;
  plan.form = RuleForm::kDelta;
  plan.version = occurrence;
  if (!task.forced.empty()) return finish_plan(scope, task, std::move(plan));
  // Estimates of a delta are guesses, and a plan that reads it first is never bad when it is small, nor
  // scatters its candidates: another order must promise to be much cheaper.
  auto any_order = finish_plan(scope, task, plan);
  task.forced = {delta_literal};
  auto delta_first = finish_plan(scope, task, std::move(plan));
  if (!delta_first) return any_order;
  return any_order && any_order->cost * kDeltaFirstWorth < delta_first->cost
             ? std::move(any_order)
             : std::move(delta_first);
}

Expected<StratumPlan> plan_stratum(PlanScope scope, const datalog::Stratum& stratum) {
  StratumPlan result;
  result.relations = stratum.relations;
  scope.growing.clear();
  if (stratum.recursive) scope.growing.insert(stratum.relations.begin(), stratum.relations.end());
  for (const datalog::RuleId id : stratum.rules) {
    const std::uint32_t occurrences = growing_occurrences(scope, scope.program->rule(id));
    scope.repeated = occurrences > 0;
    if (occurrences == 0) {
      auto plan = plan_full(scope, id);
      if (!plan) return unexpected(std::move(plan).error());
      result.base.push_back(std::move(*plan));
    }
    for (std::uint32_t i = 1; i <= occurrences; ++i) {
      if (ENTAIL_PLANT_BUG(2) && i > 1) break;
      auto plan = plan_delta(scope, id, i);
      if (!plan) return unexpected(std::move(plan).error());
      result.deltas.push_back(std::move(*plan));
    }
  }
  return result;
}

datalog::Rule bound_rule(const datalog::Rule& rule, datalog::RelationId given,
                         datalog::RelationId answers) {
  datalog::Rule bound = rule;
  bound.plan.reset();
  datalog::Match match;
  match.relation = given;
  datalog::Body equations;
  for (const datalog::Expression& term : rule.head.terms) {
    if (term.op == datalog::ExpressionOp::kVariable ||
        term.op == datalog::ExpressionOp::kConstant || term.op == datalog::ExpressionOp::kNull) {
      match.terms.push_back(term);
      continue;
    }
    // A computed term is compared with the given value once the body has bound what it needs.
    datalog::Variable variable;
    variable.name = "_given" + std::to_string(match.terms.size());
    variable.type = term.type;
    variable.nullable = term.nullable;
    const auto id = static_cast<datalog::VariableId>(bound.variables.size());
    bound.variables.push_back(variable);
    datalog::Expression name;
    name.op = datalog::ExpressionOp::kVariable;
    name.type = term.type;
    name.nullable = term.nullable;
    name.variable = id;
    match.terms.push_back(name);
    equations.push_back(datalog::Literal{datalog::Bind{id, term}, term.span});
  }
  for (const datalog::Literal& literal : rule.body) {
    const auto* reduce = std::get_if<datalog::Reduce>(&literal.node);
    if (reduce == nullptr || reduce->form != datalog::ReduceForm::kPerGroup) continue;
    // There is no other literal beside it: hoisting has seen to that.
    bound.body = ungrouped(bound, literal);
  }
  bound.head.relation = answers;
  bound.head.terms = match.terms;
  bound.body.insert(bound.body.begin(), datalog::Literal{std::move(match), rule.head.span});
  bound.body.insert(bound.body.end(), equations.begin(), equations.end());
  return bound;
}

Expected<RulePlan> plan_bound(const PlanScope& scope, const datalog::Rule& rule,
                              datalog::RuleId id) {
  BodyTask task;
  task.rule = &rule;
  task.body = &rule.body;
  task.needed = head_variables(rule);
  task.forced = {0};
  RulePlan plan;
  plan.rule = &rule;
  plan.id = id;
  plan.form = RuleForm::kBound;
  return finish_plan(scope, task, std::move(plan));
}

}  // namespace entail::compiler
