#include "compiler/join_order.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "compiler/internal/emit_rank.h"
#include "compiler/internal/rule_parts.h"
#include "datalog/body_walk.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"

namespace entail::compiler {

namespace {

using datalog::ExpressionOp;
using datalog::VariableId;
using internal::counts_rows;
using internal::raises;

// Costs in rows touched: looking up a key costs more than reading the next row of a scan, and an
// index that nobody has built yet is paid for by the plan that asks for it.
constexpr double kProbeCost = 2;
constexpr double kMemberCost = 1.5;
constexpr double kIndexBuildCost = 3;
constexpr double kInnerPipelineCost = 8;
// A growing relation's index takes in every row of every round, and matches found through it arrive in
// an order that scatters over the membership tables of what is derived. Reading the delta itself costs
// neither: tc_dense with the delta probed instead of scanned takes four times as long.
constexpr double kIndexUpkeepCost = 16;
// A range index pays when a key has more matches than this.
constexpr double kRangeWorthMatches = 8;

struct State {
  std::vector<char> placed;  // By literal.
  std::set<VariableId> bound;
  bool has_batch = false;
  double rows = 1;
  double cost = 0;
  std::vector<Step> steps;
};

bool contains(const std::set<VariableId>& set, VariableId variable) {
  return set.find(variable) != set.end();
}

bool includes(const std::set<VariableId>& set, const std::set<VariableId>& subset) {
  return std::includes(set.begin(), set.end(), subset.begin(), subset.end());
}

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

// The same for every row of the run, and in a register.
bool is_constant(const datalog::Expression& expression) {
  return expression.op == ExpressionOp::kConstant || expression.op == ExpressionOp::kNull ||
         expression.op == ExpressionOp::kParameter;
}

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

bool is_guard(const datalog::Expression& condition) {
  return has_operation(condition, ExpressionOp::kIsNil) ||
         has_operation(condition, ExpressionOp::kIsBranch);
}

// What each literal of the body needs and is, worked out once.
struct LiteralFacts {
  std::set<VariableId> variables;
  std::set<VariableId> required;  // Bound before it runs; not for Match and Bind.
  bool fallible = false;
  bool reads_fields = false;  // Waits for the guards of its records.
  bool guards = false;        // Asks whether a record is nil, or which branch a variant is.
  bool tests = false;         // Filter-like: fallible expressions behind it wait for it.
  const datalog::Match* atom = nullptr;  // A positive one.
};

class Planner {
 public:
  Planner(const PlanScope& scope, const BodyTask& task)
      : scope_(scope), task_(task), body_(*task.body) {}

  Expected<PlannedBody> plan();

 private:
  Expected<void> learn_literals();
  State search(State start);
  State search_exhaustively(const State& start);
  State search_greedily(State state);
  void finish(State& state);

  // Places whatever is ready without another atom.
  void place_ready(State& state) const;
  bool place_one(State& state) const;
  bool place_constant_binding(State& state) const;
  bool place_test(State& state, bool fallible) const;
  bool place_bind(State& state, std::size_t i) const;
  bool place_given_atom(State& state) const;
  bool place_negation(State& state) const;
  bool place_inner(State& state) const;
  bool may_fail_now(const State& state, std::size_t i) const;
  bool is_guarded(const State& state, std::size_t i) const;

  void extend(State& state, std::size_t literal) const;
  void scan_source(State& state) const;
  // What an index on a relation that grows costs in a round, beside its probes.
  double upkeep(const datalog::Match& match) const;
  void extend_equivalence(State& state, std::size_t literal) const;
  bool find_range(const State& state, const datalog::Match& match, Step& step,
                  std::vector<std::size_t>& used) const;

  bool choose_range_index(const State& state, const datalog::Match& match, Step& step) const;

  std::vector<std::uint32_t> given_columns(const State& state, const datalog::Match& match) const;
  // Whether the columns that are not given hold nothing that anybody needs.
  bool rest_is_free(const State& state, const datalog::Match& match, std::size_t literal) const;
  bool needed_beside(const State& state, VariableId variable, std::size_t literal) const;
  std::set<VariableId> outer_variables(std::size_t literal, std::set<VariableId> inner) const;
  void choose_test(const State& state, const datalog::Match& match, Step& step) const;
  bool has_membership(const datalog::Match& match) const;
  // The columns of those given that an index looks up, into step.given and step.spec. False: nothing finds
  // the rows but reading all of them.
  bool choose_index(const State& state, const datalog::Match& match, Step& step) const;
  // Whether the test that was chosen can look its key up.
  bool can_test(const State& state, Step& step) const;
  const std::vector<vm::IndexSpec>* standing_indexes(const datalog::Match& match) const {
    return scope_.standing == nullptr ? nullptr : scope_.standing->of(match.relation);
  }
  // Whether each row that matches is to be read, for its rank.
  bool is_ranked(const datalog::Match& match) const {
    return scope_.ranked.count(match.relation) != 0;
  }

  vm::View view_of(std::size_t literal) const {
    return task_.views.empty() ? vm::View::kTotal : task_.views[literal];
  }
  const datalog::Relation& relation(const datalog::Match& match) const {
    return scope_.program->relation(match.relation);
  }
  const RelationLayout& layout(const datalog::Match& match) const {
    return (*scope_.layouts)[datalog::index_of(match.relation)];
  }
  double matches_per_key(const datalog::Match& match, vm::View view,
                         const std::vector<std::uint32_t>& words) const {
    return scope_.cardinalities->rows(match.relation, view) /
           std::max(1.0, scope_.cardinalities->distinct(match.relation, words));
  }
  void bind_match(State& state, const datalog::Match& match) const {
    for (const datalog::Expression& term : match.terms) {
      if (term.op == ExpressionOp::kVariable) state.bound.insert(term.variable);
    }
    if (match.row) state.bound.insert(*match.row);
  }
  void push(State& state, std::size_t literal, Step step) const {
    step.literal = &body_[literal];
    step.rows = state.rows;
    state.placed[literal] = 1;
    state.steps.push_back(std::move(step));
  }
  void open_unit(State& state) const {
    Step step;
    step.kind = StepKind::kUnit;
    step.rows = 1;
    state.steps.push_back(std::move(step));
    state.has_batch = true;
    state.rows = 1;
  }
  bool all_placed(const State& state) const {
    return std::all_of(state.placed.begin(), state.placed.end(), [](char c) { return c != 0; });
  }

  Expected<void> plan_inner(State& state) const;
  void compute_live(std::vector<Step>& steps) const;

  const PlanScope& scope_;
  const BodyTask& task_;
  const datalog::Body& body_;
  std::vector<LiteralFacts> facts_;
  std::vector<std::size_t> atoms_;  // Literals that are positive atoms.
};

Expected<void> Planner::learn_literals() {
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
    } else if (!std::holds_alternative<datalog::Rank>(node)) {
      const char* what =
          std::holds_alternative<datalog::Window>(node) ? "a window" : "a sequence pattern";
      return unexpected(ErrorCode::kUnsupported, std::string(what) + " in rule '" +
                                                     task_.rule->name + "' is not executed yet");
    }
  }
  return {};
}

std::set<VariableId> Planner::outer_variables(std::size_t literal,
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

std::vector<std::uint32_t> Planner::given_columns(const State& state,
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

bool Planner::needed_beside(const State& state, VariableId variable, std::size_t literal) const {
  if (contains(task_.needed, variable)) return true;
  for (std::size_t i = 0; i < body_.size(); ++i) {
    if (i != literal && !state.placed[i] && contains(facts_[i].variables, variable)) return true;
  }
  return false;
}

bool Planner::rest_is_free(const State& state, const datalog::Match& match,
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

bool Planner::has_membership(const datalog::Match& match) const {
  const datalog::Relation& read = relation(match);
  return read.collection == datalog::Collection::kSet &&
         read.extremum == datalog::Extremum::kNone && !match.row;
}

// How to ask whether the atom has a row, its given columns given and the rest free.
void Planner::choose_test(const State& state, const datalog::Match& match, Step& step) const {
  step.match = &match;
  step.given = given_columns(state, match);
  if (relation(match).equivalence) {
    step.kind = StepKind::kEqMember;
  } else if (step.given.empty()) {
    step.kind = StepKind::kNonEmpty;
  } else if (step.given.size() == match.terms.size() && step.view != vm::View::kDelta &&
             has_membership(match)) {
    step.kind = StepKind::kMember;
  } else {
    step.kind = StepKind::kSemi;
    step.spec.key = layout(match).words_of_columns(step.given);
  }
}

// How many times a batch must look up for an index to be asked for.
constexpr double kIndexWorthRows = 4;

bool Planner::choose_index(const State& state, const datalog::Match& match, Step& step) const {
  const std::vector<std::uint32_t> words = layout(match).words_of_columns(step.given);
  const std::vector<vm::IndexSpec>* const standing = standing_indexes(match);
  if (standing == nullptr) {
    step.spec.key = words;
    return true;
  }
  // Columns whose words are all there, out of those given.
  const auto columns_of = [&](const std::vector<std::uint32_t>& key) {
    std::vector<std::uint32_t> columns;
    for (const std::uint32_t column : step.given) {
      const std::uint32_t word = layout(match).columns[column].first_word;
      if (std::find(key.begin(), key.end(), word) != key.end()) columns.push_back(column);
    }
    if (layout(match).words_of_columns(columns) != key) columns.clear();
    return columns;
  };
  const vm::IndexSpec* best = nullptr;
  double best_matches = 0;
  for (const vm::IndexSpec& spec : *standing) {
    if (spec.key.empty() || columns_of(spec.key).empty()) continue;
    const double matches = matches_per_key(match, step.view, spec.key);
    const bool better =
        best == nullptr || matches < best_matches ||
        (matches == best_matches && best->range_column >= 0 && spec.range_column < 0);
    if (!better) continue;
    best = &spec;
    best_matches = matches;
  }
  // Half as many rows are not worth an index more.
  if (state.has_batch && state.rows >= kIndexWorthRows && (best == nullptr || best->key != words)) {
    vm::IndexSpec wanted;
    wanted.key = words;
    const double total = scope_.cardinalities->rows(match.relation, step.view);
    const double matches = matches_per_key(match, step.view, words);
    const double without = best == nullptr ? total : best_matches;
    if (matches * 2 < without && scope_.standing->may_add(match.relation, wanted)) {
      step.spec = std::move(wanted);
      return true;
    }
  }
  if (best == nullptr) return false;
  step.given = columns_of(best->key);
  step.spec = *best;
  step.index_stands = true;
  step.open_range = best->range_column >= 0;
  return true;
}

bool Planner::can_test(const State& state, Step& step) const {
  if (step.kind != StepKind::kSemi && step.kind != StepKind::kCount) return true;
  const std::vector<vm::IndexSpec>* const standing = standing_indexes(*step.match);
  if (standing == nullptr) return true;
  for (const vm::IndexSpec& spec : *standing) {
    step.index_stands = step.index_stands || (spec.key == step.spec.key && spec.range_column < 0);
  }
  return step.index_stands || (state.rows >= kIndexWorthRows &&
                               scope_.standing->may_add(step.match->relation, step.spec));
}

// ---------------------------------------------------------------------------------------------------
// What needs no further atom

bool Planner::place_constant_binding(State& state) const {
  for (std::size_t i = 0; i < body_.size(); ++i) {
    if (state.placed[i]) continue;
    const auto* bind = std::get_if<datalog::Bind>(&body_[i].node);
    if (bind == nullptr || !is_constant(bind->value) || contains(state.bound, bind->variable)) {
      continue;
    }
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
bool Planner::may_fail_now(const State& state, std::size_t i) const {
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
bool Planner::is_guarded(const State& state, std::size_t i) const {
  for (std::size_t k = 0; k < i; ++k) {
    if (state.placed[k] || !facts_[k].guards) continue;
    for (const VariableId variable : facts_[k].variables) {
      if (contains(facts_[i].variables, variable)) return false;
    }
  }
  return true;
}

bool Planner::place_bind(State& state, std::size_t i) const {
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

bool Planner::place_test(State& state, bool fallible) const {
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

bool Planner::place_given_atom(State& state) const {
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
bool Planner::place_negation(State& state) const {
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

bool Planner::place_inner(State& state) const {
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
        reduce->aggregates.front().op == datalog::AggregateOp::kCount &&
        !relation(*match).equivalence && rest_is_free(state, *match, best)) {
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

bool Planner::place_one(State& state) const {
  if (place_constant_binding(state)) return true;
  if (!state.has_batch) return false;
  return place_test(state, false) || place_given_atom(state) || place_negation(state) ||
         place_test(state, true) || place_inner(state);
}

void Planner::place_ready(State& state) const {
  while (place_one(state)) {
  }
}

// ---------------------------------------------------------------------------------------------------
// Atoms

void Planner::extend_equivalence(State& state, std::size_t literal) const {
  const datalog::Match& match = *facts_[literal].atom;
  Step step;
  step.match = &match;
  step.view = view_of(literal);
  step.given = given_columns(state, match);
  const double pairs = scope_.cardinalities->rows(match.relation, step.view);
  if (!step.given.empty() && !state.has_batch) open_unit(state);
  if (step.given.size() == match.terms.size()) {
    step.kind = StepKind::kEqMember;
    state.cost += state.rows * kMemberCost;
  } else if (!step.given.empty()) {
    step.kind = StepKind::kEqProbe;
    const double members = std::max(2.0, std::sqrt(pairs));
    state.cost += state.rows * (kProbeCost + members);
    state.rows *= members;
  } else {
    step.kind = state.has_batch ? StepKind::kEqCross : StepKind::kEqScan;
    state.rows *= pairs;
    state.cost += state.rows;
  }
  state.has_batch = true;
  bind_match(state, match);
  push(state, literal, std::move(step));
}

// Bounds on one column that stand as filters: `p(x), q(y), x < y, y <= 10`.
bool Planner::find_range(const State& state, const datalog::Match& match, Step& step,
                         std::vector<std::size_t>& used) const {
  if (scope_.growing.count(match.relation) != 0) return false;
  for (std::uint32_t column = 0; column < match.terms.size(); ++column) {
    const datalog::Expression& term = match.terms[column];
    const ColumnLayout& placed = layout(match).columns[column];
    if (term.op != ExpressionOp::kVariable || contains(state.bound, term.variable) ||
        placed.value_words != 1 || !has_word_order(placed.type)) {
      continue;
    }
    const datalog::Expression* low = nullptr;
    const datalog::Expression* high = nullptr;
    for (std::size_t i = 0; i < body_.size(); ++i) {
      const auto* filter = std::get_if<datalog::Filter>(&body_[i].node);
      if (state.placed[i] || filter == nullptr || facts_[i].fallible) continue;
      const datalog::Expression& condition = filter->condition;
      const bool less =
          condition.op == ExpressionOp::kLess || condition.op == ExpressionOp::kLessEqual;
      const bool greater =
          condition.op == ExpressionOp::kGreater || condition.op == ExpressionOp::kGreaterEqual;
      if (!less && !greater) continue;
      for (std::size_t side = 0; side < 2; ++side) {
        const datalog::Expression& mine = condition.arguments[side];
        const datalog::Expression& other = condition.arguments[1 - side];
        if (mine.op != ExpressionOp::kVariable || mine.variable != term.variable) continue;
        if (other.type != placed.type || !includes(state.bound, datalog::variables_of(other))) {
          continue;
        }
        const bool is_high = less == (side == 0);  // x < other bounds x from above.
        const datalog::Expression*& bound = is_high ? high : low;
        if (bound != nullptr) continue;
        bound = &other;
        const bool inclusive =
            condition.op == ExpressionOp::kLessEqual || condition.op == ExpressionOp::kGreaterEqual;
        (is_high ? step.high_inclusive : step.low_inclusive) = inclusive;
        // NaN and null have a place in the index but satisfy no comparison: filtered again.
        if (placed.type.kind != vm::TypeKind::kFloat8 && !placed.nullable) used.push_back(i);
        break;
      }
    }
    if (low == nullptr && high == nullptr) continue;
    step.range_column = column;
    step.low = low;
    step.high = high;
    step.spec.key = layout(match).words_of_columns(step.given);
    step.spec.range_column = static_cast<std::int32_t>(placed.first_word);
    if (choose_range_index(state, match, step)) return true;
    step.low = step.high = nullptr;
    step.low_inclusive = step.high_inclusive = false;
    step.spec = {};
    used.clear();
  }
  return false;
}

// Of a relation that stands: an ordered index that it has, whose key is given; else one that it may get.
bool Planner::choose_range_index(const State& state, const datalog::Match& match,
                                 Step& step) const {
  const std::vector<vm::IndexSpec>* const standing = standing_indexes(match);
  if (standing == nullptr) return true;
  const vm::IndexSpec* best = nullptr;
  std::vector<std::uint32_t> best_columns;
  for (const vm::IndexSpec& spec : *standing) {
    if (spec.range_column != step.spec.range_column) continue;
    std::vector<std::uint32_t> columns;
    for (const std::uint32_t column : step.given) {
      const std::uint32_t word = layout(match).columns[column].first_word;
      if (std::find(spec.key.begin(), spec.key.end(), word) != spec.key.end()) {
        columns.push_back(column);
      }
    }
    if (layout(match).words_of_columns(columns) != spec.key) continue;
    if (best != nullptr && best->key.size() >= spec.key.size()) continue;
    best = &spec;
    best_columns = std::move(columns);
  }
  if (best != nullptr) {
    // A key that is given whole is better looked up than part of it with a range.
    if (best_columns.size() < step.given.size()) {
      for (const vm::IndexSpec& spec : *standing) {
        if (spec.range_column < 0 && spec.key == step.spec.key) return false;
      }
    }
    step.given = std::move(best_columns);
    step.spec = *best;
    step.index_stands = true;
    return true;
  }
  return state.has_batch && state.rows >= kIndexWorthRows &&
         scope_.standing->may_add(match.relation, step.spec);
}

double Planner::upkeep(const datalog::Match& match) const {
  if (scope_.growing.count(match.relation) == 0) return 0;
  return scope_.cardinalities->rows(match.relation, vm::View::kDelta) * kIndexUpkeepCost;
}

void Planner::extend(State& state, std::size_t literal) const {
  const datalog::Match& match = *facts_[literal].atom;
  if (relation(match).equivalence) {
    extend_equivalence(state, literal);
    place_ready(state);
    return;
  }
  Step step;
  step.match = &match;
  step.view = view_of(literal);
  step.given = given_columns(state, match);
  const double total = scope_.cardinalities->rows(match.relation, step.view);
  const std::vector<std::uint32_t> words = layout(match).words_of_columns(step.given);
  const double matches = step.given.empty() ? total : matches_per_key(match, step.view, words);
  const bool stands = standing_indexes(match) != nullptr;
  std::vector<std::size_t> used;
  // A row of a bag may be there twice, which counts where rows matter.
  const bool may_test =
      !task_.rows_matter || relation(match).collection == datalog::Collection::kSet;
  const bool starts_with_given =
      !state.has_batch && step.given.size() == match.terms.size() && !match.row;
  if (starts_with_given && is_ranked(match) && !step.given.empty()) open_unit(state);
  bool tests = starts_with_given && !is_ranked(match) && may_test;
  if (tests) {
    choose_test(state, match, step);
    tests = can_test(state, step);
    if (!tests) {
      Step plain;
      plain.match = step.match;
      plain.view = step.view;
      plain.given = step.given;
      step = std::move(plain);
    }
  }
  const auto look_up_range = [&] {
    step.kind = StepKind::kRange;
    const double fraction = step.low != nullptr && step.high != nullptr ? 0.1 : 0.4;
    if (!scope_.repeated && !step.index_stands) state.cost += total * kIndexBuildCost * 4;
    state.cost += state.rows * (kProbeCost + matches * fraction) + upkeep(match);
    state.rows *= matches * fraction;
  };
  if (tests) {
    open_unit(state);
    state.cost += kMemberCost;
    state.rows = 0.5;
  } else if (!state.has_batch) {
    Step sought = step;
    if (stands && matches > kRangeWorthMatches && find_range(state, match, sought, used) &&
        sought.index_stands) {
      step = std::move(sought);
      open_unit(state);
      look_up_range();
    } else if (used.clear(), sought = step;
               stands && !step.given.empty() && choose_index(state, match, sought)) {
      step = std::move(sought);
      open_unit(state);
      step.kind = StepKind::kProbe;
      state.cost += kProbeCost + matches_per_key(match, step.view, step.spec.key);
      state.rows = matches;
    } else {
      step.kind = StepKind::kScan;
      state.rows = matches;
      state.cost += total;
    }
  } else if (matches > kRangeWorthMatches && find_range(state, match, step, used)) {
    look_up_range();
  } else if (step.given.empty() || !choose_index(state, match, step)) {
    step.kind = StepKind::kCross;
    step.given.clear();  // Known columns are compared.
    state.cost += state.rows * total;
    state.rows *= matches;
  } else {
    step.kind = StepKind::kProbe;
    const double found = matches_per_key(match, step.view, step.spec.key);
    if (!scope_.repeated && !step.index_stands) state.cost += total * kIndexBuildCost;
    state.cost += state.rows * (kProbeCost + found) + upkeep(match);
    state.rows *= matches;
  }
  state.has_batch = true;
  bind_match(state, match);
  push(state, literal, std::move(step));
  for (const std::size_t i : used) state.placed[i] = 1;
  place_ready(state);
}

// Constants in the atom are compared row by row: whose rows they are is not the plan's to say.
void Planner::scan_source(State& state) const {
  const std::size_t literal = task_.forced.front();
  const datalog::Match& match = *facts_[literal].atom;
  Step step;
  step.kind = StepKind::kScan;
  step.match = &match;
  step.view = view_of(literal);
  step.given = given_columns(state, match);
  state.rows = 1;
  state.cost += 1;
  state.has_batch = true;
  bind_match(state, match);
  push(state, literal, std::move(step));
}

State Planner::search_exhaustively(const State& start) {
  std::vector<std::size_t> open;
  for (const std::size_t i : atoms_) {
    if (!start.placed[i]) open.push_back(i);
  }
  const std::size_t subsets = std::size_t{1} << open.size();
  std::vector<std::optional<State>> best(subsets);
  auto subset_of = [&](const State& state) {
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
      State next = *best[subset];
      extend(next, open[k]);
      std::optional<State>& rival = best[subset_of(next)];
      if (!rival || next.cost < rival->cost ||
          (next.cost == rival->cost && next.rows < rival->rows)) {
        rival = std::move(next);
      }
    }
    if (subset + 1 < subsets) best[subset].reset();
  }
  return std::move(*best[subsets - 1]);
}

State Planner::search_greedily(State state) {
  while (true) {
    std::optional<State> best;
    for (const std::size_t i : atoms_) {
      if (state.placed[i]) continue;
      State next = state;
      extend(next, i);
      if (!best || next.cost + next.rows < best->cost + best->rows) best = std::move(next);
    }
    if (!best) return state;
    state = std::move(*best);
  }
}

State Planner::search(State start) {
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
void Planner::finish(State& state) {
  for (std::size_t i = 0; i < body_.size() && !state.has_batch; ++i) {
    const auto* reduce = std::get_if<datalog::Reduce>(&body_[i].node);
    if (std::holds_alternative<datalog::Rank>(body_[i].node)) {
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

Expected<void> Planner::plan_inner(State& state) const {
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
      const auto& rank = std::get<datalog::Rank>(step.literal->node);
      inner = &rank.body;
      for (const VariableId variable : internal::variables_of_rows(rank)) {
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

void Planner::compute_live(std::vector<Step>& steps) const {
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

Expected<PlannedBody> Planner::plan() {
  if (auto learned = learn_literals(); !learned) return unexpected(learned.error());
  State start;
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
  State state = search(std::move(start));
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

}  // namespace

Expected<PlannedBody> plan_body(const PlanScope& scope, const BodyTask& task) {
  return Planner(scope, task).plan();
}

}  // namespace entail::compiler
