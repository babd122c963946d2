// What needs no further atom: tests, equations, negations and inner bodies.
#include <algorithm>
#include <utility>

#include "compiler/internal/body_planner.h"
#include "vm/base/plant.h"

namespace entail::compiler::internal {
namespace {

// Of all of them: no filter, nothing that may be null, nothing that is there twice.
bool counts_matches(const datalog::Aggregate& aggregate) {
  return aggregate.op == datalog::AggregateOp::kCount && !aggregate.argument &&
         !aggregate.condition && !aggregate.distinct;
}

constexpr double kInnerPipelineCost = 8;

double filter_selectivity(const datalog::Expression& condition) {
  switch (condition.op) {
    case ExpressionOp::kEqual:
    case ExpressionOp::kIdentical:
      return 0.1;
    case ExpressionOp::kLess:
    case ExpressionOp::kLessEqual:
    case ExpressionOp::kGreater:
    case ExpressionOp::kGreaterEqual:
      return 0.4;
    case ExpressionOp::kNotEqual:
    case ExpressionOp::kNotIdentical:
      return 0.9;
    case ExpressionOp::kNot:
      return 1 - filter_selectivity(condition.arguments.front());
    case ExpressionOp::kIsNil:
    case ExpressionOp::kIsNull:
      return 0.05;
    case ExpressionOp::kIsNotNull:
      return 0.95;
    default:
      return 0.5;
  }
}

}  // namespace

bool BodyPlanner::place_constant_binding(PlanState& state) const {
  for (std::size_t i = 0; i < body_.size(); ++i) {
    if (state.placed[i]) continue;
    const auto* bind = std::get_if<datalog::Bind>(&body_[i].node);
    if (bind == nullptr || contains(state.bound, bind->variable)) continue;
    // Before there are rows, what is bound is constant, and so is another name for it.
    const bool is_name = bind->value.op == ExpressionOp::kVariable && !state.has_batch &&
                         contains(state.bound, bind->value.variable);
    if (!is_name && !is_constant(bind->value)) continue;
    state.bound.insert(bind->variable);
    Step step;
    step.kind = StepKind::kBind;
    push(state, i, std::move(step));
    return true;
  }
  return false;
}

// (2) of the header: the tests that stand before literal i have run, but for those that wait for a
// variable that only i or an atom still to come can bind.
bool BodyPlanner::may_fail_now(const PlanState& state, std::size_t i) const {
  if (ENTAIL_PLANT_BUG(4)) return true;
  for (std::size_t k = 0; k < i; ++k) {
    if (state.placed[k] || !facts_[k].tests) continue;
    const auto* bind = std::get_if<datalog::Bind>(&body_[i].node);
    const bool waits_for_me = bind != nullptr && contains(facts_[k].variables, bind->variable) &&
                              !contains(state.bound, bind->variable);
    if (!waits_for_me) return false;
  }
  return true;
}

// Whether the guards that stand before literal i and share a variable with it have run.
bool BodyPlanner::is_guarded(const PlanState& state, std::size_t i) const {
  for (std::size_t k = 0; k < i; ++k) {
    if (state.placed[k] || !facts_[k].guards) continue;
    for (const VariableId variable : facts_[k].variables) {
      if (contains(facts_[i].variables, variable)) return false;
    }
  }
  return true;
}

bool BodyPlanner::place_bind(PlanState& state, std::size_t i) const {
  const auto& bind = std::get<datalog::Bind>(body_[i].node);
  const bool value_ready = includes(state.bound, datalog::variables_of(bind.value));
  const bool variable_bound = contains(state.bound, bind.variable);
  Step step;
  if (value_ready && variable_bound) {
    step.kind = StepKind::kCompare;
    state.rows *= 0.1;
  } else if (value_ready) {
    step.kind = StepKind::kBind;
    state.bound.insert(bind.variable);
  } else if (variable_bound && bind.value.op == ExpressionOp::kVariable) {
    step.kind = StepKind::kBind;
    step.reversed = true;
    state.bound.insert(bind.value.variable);
  } else {
    return false;
  }
  push(state, i, std::move(step));
  return true;
}

bool BodyPlanner::place_test(PlanState& state, bool fallible) const {
  for (std::size_t i = 0; i < body_.size(); ++i) {
    if (state.placed[i] || facts_[i].fallible != fallible) continue;
    if (fallible && !may_fail_now(state, i)) continue;
    if (facts_[i].reads_fields && !is_guarded(state, i)) continue;
    if (const auto* filter = std::get_if<datalog::Filter>(&body_[i].node)) {
      if (!includes(state.bound, facts_[i].required)) continue;
      state.rows *= filter_selectivity(filter->condition);
      Step step;
      step.kind = StepKind::kFilter;
      push(state, i, std::move(step));
      return true;
    }
    if (std::holds_alternative<datalog::Bind>(body_[i].node) && place_bind(state, i)) return true;
  }
  return false;
}

bool BodyPlanner::place_given_atom(PlanState& state) const {
  for (const std::size_t i : atoms_) {
    if (state.placed[i]) continue;
    const datalog::Match& match = *facts_[i].atom;
    if (is_ranked(match)) continue;
    const std::size_t given = given_columns(state, match).size();
    const bool whole = given == match.terms.size() && !match.row;
    // A row of a bag may be there twice, which counts where rows matter.
    const bool test =
        whole ? !task_.rows_matter || relation(match).collection == datalog::Collection::kSet
              : !task_.rows_matter && rest_is_free(state, match, i);
    if (!test) continue;
    if (relation(match).equivalence && given == 0) continue;
    Step step;
    step.view = view_of(i);
    choose_test(state, match, step);
    if (step.kind == StepKind::kEqMember && step.view == vm::View::kDelta) continue;
    if (!can_test(state, step)) continue;
    state.cost += state.rows * kMemberCost;
    state.rows *= 0.5;
    bind_match(state, match);
    push(state, i, std::move(step));
    return true;
  }
  return false;
}

// Absent and Exists over one atom whose other columns are free are tests, without an inner pipeline.
bool BodyPlanner::place_negation(PlanState& state) const {
  for (std::size_t i = 0; i < body_.size(); ++i) {
    if (state.placed[i]) continue;
    const auto* absent = std::get_if<datalog::Absent>(&body_[i].node);
    const auto* exists = std::get_if<datalog::Exists>(&body_[i].node);
    if (absent == nullptr && exists == nullptr) continue;
    const datalog::Body& inner = absent != nullptr ? absent->body : exists->body;
    if (inner.size() != 1 || !includes(state.bound, facts_[i].required)) continue;
    const auto* match = std::get_if<datalog::Match>(&inner.front().node);
    if (match == nullptr || !rest_is_free(state, *match, i)) continue;
    Step step;
    step.negate = absent != nullptr;
    step.view = view_of(i);
    choose_test(state, *match, step);
    if (step.kind == StepKind::kEqMember && step.given.empty()) continue;
    if (!can_test(state, step)) continue;
    state.cost += state.rows * kMemberCost;
    state.rows *= 0.5;
    push(state, i, std::move(step));
    return true;
  }
  return false;
}

bool BodyPlanner::place_inner(PlanState& state) const {
  std::size_t best = body_.size();
  int best_rank = 3;
  for (std::size_t i = 0; i < body_.size(); ++i) {
    if (state.placed[i] || facts_[i].atom != nullptr) continue;
    const auto& node = body_[i].node;
    const auto* reduce = std::get_if<datalog::Reduce>(&node);
    const bool mark = std::holds_alternative<datalog::Absent>(node) ||
                      std::holds_alternative<datalog::Exists>(node);
    const bool each = std::holds_alternative<datalog::Each>(node);
    if (!mark && !each && (reduce == nullptr || reduce->form != datalog::ReduceForm::kPerBinding)) {
      continue;
    }
    if (!includes(state.bound, facts_[i].required)) continue;
    if (facts_[i].fallible && !may_fail_now(state, i)) continue;
    if (facts_[i].reads_fields && !is_guarded(state, i)) continue;
    const int rank = mark ? 0 : reduce != nullptr ? 1 : 2;
    if (rank < best_rank) {
      best_rank = rank;
      best = i;
    }
  }
  if (best == body_.size()) return false;

  Step step;
  const auto& node = body_[best].node;
  if (const auto* each = std::get_if<datalog::Each>(&node)) {
    step.kind = StepKind::kEach;
    state.rows *= 10;
    state.cost += state.rows;
    state.bound.insert(each->variable);
  } else if (const auto* reduce = std::get_if<datalog::Reduce>(&node)) {
    step.kind = StepKind::kReduce;
    state.cost += state.rows * kInnerPipelineCost;
    const auto* match = reduce->body.size() == 1
                            ? std::get_if<datalog::Match>(&reduce->body.front().node)
                            : nullptr;
    if (match != nullptr && reduce->aggregates.size() == 1 &&
        counts_matches(reduce->aggregates.front()) && !relation(*match).equivalence &&
        rest_is_free(state, *match, best)) {
      std::vector<std::uint32_t> given = given_columns(state, *match);
      if (!given.empty()) {
        step.kind = StepKind::kCount;
        step.match = match;
        step.spec.key = layout(*match).words_of_columns(given);
        step.given = std::move(given);
        if (!can_test(state, step)) {
          step = {};
          step.kind = StepKind::kReduce;
        }
      }
    }
    for (const datalog::Aggregate& aggregate : reduce->aggregates) {
      state.bound.insert(aggregate.result);
    }
  } else {
    step.kind = StepKind::kMark;
    step.negate = std::holds_alternative<datalog::Absent>(node);
    state.cost += state.rows * kInnerPipelineCost;
    state.rows *= 0.5;
  }
  push(state, best, std::move(step));
  return true;
}

bool BodyPlanner::place_one(PlanState& state) const {
  if (place_constant_binding(state)) return true;
  if (!state.has_batch) return false;
  return place_test(state, false) || place_given_atom(state) || place_negation(state) ||
         place_test(state, true) || place_inner(state);
}

void BodyPlanner::place_ready(PlanState& state) const {
  while (place_one(state)) {
  }
}

}  // namespace entail::compiler::internal
