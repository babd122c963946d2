#include "compiler/join_order.h"

#include <algorithm>
#include <utility>

#include "compiler/internal/body_planner.h"
#include "compiler/internal/emit_rank.h"
#include "compiler/internal/rule_parts.h"

namespace entail::compiler {
namespace internal {
namespace {

// Worked out before any row is read.
bool is_ground(const datalog::Expression& expression) {
  return expression.op != ExpressionOp::kAutoIncrement && !raises(expression) &&
         datalog::variables_of(expression).empty();
}

std::set<VariableId> argument_variables(const datalog::Reduce& reduce) {
  std::set<VariableId> result;
  for (const datalog::Aggregate& aggregate : reduce.aggregates) {
    result.merge(datalog::variables_of_arguments(aggregate));
  }
  for (const datalog::GroupKey& key : reduce.keys) result.merge(datalog::variables_of(key.value));
  return result;
}

bool has_operation(const datalog::Expression& expression, ExpressionOp op) {
  return expression.op == op ||
         std::any_of(expression.arguments.begin(), expression.arguments.end(),
                     [op](const datalog::Expression& part) { return has_operation(part, op); });
}

}  // namespace

bool is_guard(const datalog::Expression& condition) {
  return has_operation(condition, ExpressionOp::kIsNil) ||
         has_operation(condition, ExpressionOp::kIsBranch);
}

Expected<void> BodyPlanner::learn_literals() {
  facts_.resize(body_.size());
  for (std::size_t i = 0; i < body_.size(); ++i) {
    facts_[i].variables = datalog::variables_of(body_[i]);
  }
  for (std::size_t i = 0; i < body_.size(); ++i) {
    LiteralFacts& facts = facts_[i];
    const auto& node = body_[i].node;
    if (const auto* match = std::get_if<datalog::Match>(&node)) {
      facts.atom = match;
      atoms_.push_back(i);
    } else if (const auto* filter = std::get_if<datalog::Filter>(&node)) {
      facts.required = facts.variables;
      facts.fallible = raises(filter->condition);
      facts.reads_fields = has_operation(filter->condition, ExpressionOp::kField);
      facts.guards = is_guard(filter->condition);
      facts.tests = true;
    } else if (const auto* bind = std::get_if<datalog::Bind>(&node)) {
      facts.fallible = raises(bind->value);
      facts.reads_fields = has_operation(bind->value, ExpressionOp::kField);
      facts.tests = true;
    } else if (const auto* each = std::get_if<datalog::Each>(&node)) {
      for (const datalog::Expression& argument : each->arguments) {
        facts.required.merge(datalog::variables_of(argument));
        facts.fallible = facts.fallible || raises(argument);
        facts.reads_fields = facts.reads_fields || has_operation(argument, ExpressionOp::kField);
      }
    } else if (const auto* absent = std::get_if<datalog::Absent>(&node)) {
      facts.required = outer_variables(i, datalog::variables_of(absent->body));
      facts.tests = true;
    } else if (const auto* exists = std::get_if<datalog::Exists>(&node)) {
      facts.required = outer_variables(i, datalog::variables_of(exists->body));
      facts.tests = true;
    } else if (const auto* reduce = std::get_if<datalog::Reduce>(&node)) {
      if (reduce->form == datalog::ReduceForm::kPerBinding) {
        std::set<VariableId> inner = datalog::variables_of(reduce->body);
        inner.merge(argument_variables(*reduce));
        facts.required = outer_variables(i, std::move(inner));
      }
    } else if (std::holds_alternative<datalog::Window>(node)) {
      return unexpected(ErrorCode::kUnsupported,
                        "a window in rule '" + task_.rule->name + "' is not executed yet");
    }
  }
  return {};
}

std::set<VariableId> BodyPlanner::outer_variables(std::size_t literal,
                                                  std::set<VariableId> inner) const {
  std::set<VariableId> result;
  for (const VariableId variable : inner) {
    bool outer = contains(task_.bound, variable) || contains(task_.needed, variable);
    for (std::size_t i = 0; i < body_.size() && !outer; ++i) {
      outer = i != literal && contains(facts_[i].variables, variable);
    }
    if (outer) result.insert(variable);
  }
  return result;
}

std::vector<std::uint32_t> BodyPlanner::given_columns(const PlanState& state,
                                                      const datalog::Match& match) const {
  std::vector<std::uint32_t> result;
  for (std::uint32_t i = 0; i < match.terms.size(); ++i) {
    const datalog::Expression& term = match.terms[i];
    if (is_constant(term) ||
        (term.op == ExpressionOp::kVariable && contains(state.bound, term.variable))) {
      result.push_back(i);
    }
  }
  return result;
}

bool BodyPlanner::needed_beside(const PlanState& state, VariableId variable,
                                std::size_t literal) const {
  if (contains(task_.needed, variable)) return true;
  for (std::size_t i = 0; i < body_.size(); ++i) {
    if (i != literal && !state.placed[i] && contains(facts_[i].variables, variable)) return true;
  }
  return false;
}

bool BodyPlanner::rest_is_free(const PlanState& state, const datalog::Match& match,
                               std::size_t literal) const {
  if (match.row) return false;
  std::set<VariableId> seen;
  for (const datalog::Expression& term : match.terms) {
    if (term.op != ExpressionOp::kVariable || contains(state.bound, term.variable)) continue;
    if (!seen.insert(term.variable).second) return false;  // p(x, y, y) compares.
    if (needed_beside(state, term.variable, literal)) return false;
  }
  return true;
}

bool BodyPlanner::has_membership(const datalog::Match& match) const {
  const datalog::Relation& read = relation(match);
  return read.collection == datalog::Collection::kSet &&
         read.extremum == datalog::Extremum::kNone && !match.row;
}

PlanState BodyPlanner::search_exhaustively(const PlanState& start) {
  std::vector<std::size_t> open;
  for (const std::size_t i : atoms_) {
    if (!start.placed[i]) open.push_back(i);
  }
  const std::size_t subsets = std::size_t{1} << open.size();
  std::vector<std::optional<PlanState>> best(subsets);
  auto subset_of = [&](const PlanState& state) {
    std::size_t subset = 0;
    for (std::size_t k = 0; k < open.size(); ++k) {
      if (state.placed[open[k]]) subset |= std::size_t{1} << k;
    }
    return subset;
  };
  best[0] = start;
  for (std::size_t subset = 0; subset < subsets; ++subset) {
    if (!best[subset]) continue;
    for (std::size_t k = 0; k < open.size(); ++k) {
      if ((subset >> k & 1) != 0) continue;
      PlanState next = *best[subset];
      extend(next, open[k]);
      std::optional<PlanState>& rival = best[subset_of(next)];
      if (!rival || next.cost < rival->cost ||
          (next.cost == rival->cost && next.rows < rival->rows)) {
        rival = std::move(next);
      }
    }
    if (subset + 1 < subsets) best[subset].reset();
  }
  return std::move(*best[subsets - 1]);
}

PlanState BodyPlanner::search_greedily(PlanState state) {
  while (true) {
    std::optional<PlanState> best;
    for (const std::size_t i : atoms_) {
      if (state.placed[i]) continue;
      PlanState next = state;
      extend(next, i);
      if (!best || next.cost + next.rows < best->cost + best->rows) best = std::move(next);
    }
    if (!best) return state;
    state = std::move(*best);
  }
}

PlanState BodyPlanner::search(PlanState start) {
  for (const std::size_t literal : task_.forced) {
    if (!start.placed[literal]) extend(start, literal);
  }
  const auto open =
      std::count_if(atoms_.begin(), atoms_.end(), [&](std::size_t i) { return !start.placed[i]; });
  if (open == 0) return start;
  if (static_cast<std::size_t>(open) <= kExhaustiveAtomsMax) return search_exhaustively(start);
  return search_greedily(std::move(start));
}

// Places what waits for no atom: bodies without one, and expressions that can fail whose order with
// the tests before them cannot be kept.
void BodyPlanner::finish(PlanState& state) {
  for (std::size_t i = 0; i < body_.size() && !state.has_batch; ++i) {
    const auto* reduce = std::get_if<datalog::Reduce>(&body_[i].node);
    if (std::holds_alternative<datalog::Rank>(body_[i].node) ||
        std::holds_alternative<datalog::Pattern>(body_[i].node)) {
      state.bound.merge(datalog::exported_variables(body_[i]));
      state.has_batch = true;
      state.rows = 100;
      Step step;
      step.kind = StepKind::kRanks;
      push(state, i, std::move(step));
      continue;
    }
    if (reduce == nullptr || reduce->form != datalog::ReduceForm::kPerGroup) continue;
    for (const datalog::GroupKey& key : reduce->keys) state.bound.insert(key.result);
    for (const datalog::Aggregate& aggregate : reduce->aggregates) {
      state.bound.insert(aggregate.result);
    }
    state.has_batch = true;
    state.rows = 100;
    Step step;
    step.kind = StepKind::kGroups;
    push(state, i, std::move(step));
  }
  if (!state.has_batch) open_unit(state);
  place_ready(state);
  while (!all_placed(state)) {
    bool placed = false;
    for (std::size_t i = 0; i < body_.size() && !placed; ++i) {
      if (state.placed[i] || (!facts_[i].fallible && !facts_[i].reads_fields)) continue;
      if (std::holds_alternative<datalog::Filter>(body_[i].node)) {
        if (!includes(state.bound, facts_[i].required)) continue;
        Step step;
        step.kind = StepKind::kFilter;
        push(state, i, std::move(step));
        placed = true;
      } else if (std::holds_alternative<datalog::Bind>(body_[i].node)) {
        placed = place_bind(state, i);
      }
    }
    if (!placed) return;
    place_ready(state);
  }
}

Expected<void> BodyPlanner::plan_inner(PlanState& state) const {
  std::set<VariableId> bound = task_.bound;
  double rows = task_.has_batch ? task_.rows : 1;
  for (Step& step : state.steps) {
    const datalog::Body* inner = nullptr;
    BodyTask task;
    if (step.kind == StepKind::kMark) {
      const auto* absent = std::get_if<datalog::Absent>(&step.literal->node);
      inner =
          absent != nullptr ? &absent->body : &std::get<datalog::Exists>(step.literal->node).body;
      if (inner->size() == 1 && std::holds_alternative<datalog::Match>(inner->front().node)) {
        task.views = {view_of(static_cast<std::size_t>(step.literal - body_.data()))};
      }
    } else if (step.kind == StepKind::kReduce || step.kind == StepKind::kGroups) {
      const auto& reduce = std::get<datalog::Reduce>(step.literal->node);
      inner = &reduce.body;
      task.needed = argument_variables(reduce);
      task.rows_matter = counts_rows(reduce);
    }
    if (step.kind == StepKind::kRanks) {
      inner = &internal::gathered_body(*step.literal);
      for (const VariableId variable : internal::variables_of_rows(*inner)) {
        task.needed.insert(variable);
      }
      task.rows_matter = true;
    }
    if (inner != nullptr) {
      task.rule = task_.rule;
      task.body = inner;
      task.has_batch = step.kind != StepKind::kGroups && step.kind != StepKind::kRanks;
      if (task.has_batch) {
        const auto position = static_cast<std::size_t>(step.literal - body_.data());
        for (const VariableId variable : facts_[position].required) task.bound.insert(variable);
      }
      task.rows = std::max(1.0, rows);
      auto planned = plan_body(scope_, task);
      if (!planned) return unexpected(planned.error());
      state.cost += planned->cost;
      step.inner = std::move(planned->steps);
    }
    rows = step.rows;
  }
  return {};
}

void BodyPlanner::compute_live(std::vector<Step>& steps) const {
  std::set<VariableId> live = task_.needed;
  for (std::size_t i = steps.size(); i-- > 0;) {
    Step& step = steps[i];
    step.live.assign(live.begin(), live.end());
    if (step.literal != nullptr) {
      for (const VariableId variable :
           facts_[static_cast<std::size_t>(step.literal - body_.data())].variables) {
        live.insert(variable);
      }
    }
    for (const datalog::Expression* bound : {step.low, step.high}) {
      if (bound != nullptr) live.merge(datalog::variables_of(*bound));
    }
  }
}

Expected<PlannedBody> BodyPlanner::plan() {
  if (auto learned = learn_literals(); !learned) return unexpected(learned.error());
  PlanState start;
  start.placed.assign(body_.size(), 0);
  start.bound = task_.bound;
  start.has_batch = task_.has_batch;
  start.rows = task_.has_batch ? task_.rows : 1;
  if (task_.scans_source) scan_source(start);
  // What is worked out from parameters is looked up by: it comes before the first atom.
  for (const datalog::Literal& literal : body_) {
    const auto* bind = std::get_if<datalog::Bind>(&literal.node);
    if (scope_.standing == nullptr || bind == nullptr || start.has_batch) continue;
    if (!is_constant(bind->value) && is_ground(bind->value)) open_unit(start);
  }
  place_ready(start);
  PlanState state = search(std::move(start));
  finish(state);
  if (!all_placed(state)) {
    return unexpected(
        ErrorCode::kUnsupported,
        "rule '" + task_.rule->name +
            "' cannot be ordered: a literal waits for a variable that nothing before it binds");
  }
  if (auto inner = plan_inner(state); !inner) return unexpected(inner.error());
  compute_live(state.steps);
  return PlannedBody{std::move(state.steps), state.cost, state.rows};
}

}  // namespace internal

Expected<PlannedBody> plan_body(const PlanScope& scope, const BodyTask& task) {
  return internal::BodyPlanner(scope, task).plan();
}

}  // namespace entail::compiler
