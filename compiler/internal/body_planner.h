// compiler/internal/body_planner.h - the search behind plan_body(): a state, and the moves that extend it.
//
//     place_*      what needs no further atom: tests, equations, negations, inner bodies (place_literals.cc)
//     extend       one more atom, by the cheapest access to it (access_paths.cc)
//     search       which atom next (join_order.cc)
//
// Costs are in rows touched. The contract is compiler/join_order.h's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "compiler/join_order.h"
#include "compiler/plan.h"
#include "datalog/body_walk.h"
#include "vm/base/expected.h"

namespace entail::compiler::internal {

using datalog::ExpressionOp;
using datalog::VariableId;

// Asking the membership table for a row; looking up a key costs more than reading the next row of a scan.
inline constexpr double kMemberCost = 1.5;

struct PlanState {
  std::vector<char> placed;  // By literal.
  std::set<VariableId> bound;
  bool has_batch = false;
  double rows = 1;
  double cost = 0;
  std::vector<Step> steps;
};

inline bool contains(const std::set<VariableId>& set, VariableId variable) {
  return set.find(variable) != set.end();
}

inline bool includes(const std::set<VariableId>& set, const std::set<VariableId>& subset) {
  return std::includes(set.begin(), set.end(), subset.begin(), subset.end());
}

// The same for every row of the run, and in a register.
inline bool is_constant(const datalog::Expression& expression) {
  return expression.op == ExpressionOp::kConstant || expression.op == ExpressionOp::kNull ||
         expression.op == ExpressionOp::kParameter;
}

// Whether the condition asks if a record is nil, or which branch a variant is.
bool is_guard(const datalog::Expression& condition);

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

class BodyPlanner {
 public:
  BodyPlanner(const PlanScope& scope, const BodyTask& task)
      : scope_(scope), task_(task), body_(*task.body) {}

  Expected<PlannedBody> plan();

 private:
  Expected<void> learn_literals();
  PlanState search(PlanState start);
  PlanState search_exhaustively(const PlanState& start);
  PlanState search_greedily(PlanState state);
  void finish(PlanState& state);

  // Places whatever is ready without another atom.
  void place_ready(PlanState& state) const;
  bool place_one(PlanState& state) const;
  bool place_constant_binding(PlanState& state) const;
  bool place_test(PlanState& state, bool fallible) const;
  bool place_bind(PlanState& state, std::size_t i) const;
  bool place_given_atom(PlanState& state) const;
  bool place_negation(PlanState& state) const;
  bool place_inner(PlanState& state) const;
  bool may_fail_now(const PlanState& state, std::size_t i) const;
  bool is_guarded(const PlanState& state, std::size_t i) const;

  void extend(PlanState& state, std::size_t literal) const;
  void scan_source(PlanState& state) const;
  // What an index on a relation that grows costs in a round, beside its probes.
  double upkeep(const datalog::Match& match) const;
  void extend_equivalence(PlanState& state, std::size_t literal) const;
  bool find_range(const PlanState& state, const datalog::Match& match, Step& step,
                  std::vector<std::size_t>& used) const;

  bool choose_range_index(const PlanState& state, const datalog::Match& match, Step& step) const;

  std::vector<std::uint32_t> given_columns(const PlanState& state,
                                           const datalog::Match& match) const;
  // Whether the columns that are not given hold nothing that anybody needs.
  bool rest_is_free(const PlanState& state, const datalog::Match& match, std::size_t literal) const;
  bool needed_beside(const PlanState& state, VariableId variable, std::size_t literal) const;
  std::set<VariableId> outer_variables(std::size_t literal, std::set<VariableId> inner) const;
  void choose_test(const PlanState& state, const datalog::Match& match, Step& step) const;
  bool has_membership(const datalog::Match& match) const;
  // The columns of those given that an index looks up, into step.given and step.spec. False: nothing finds
  // the rows but reading all of them.
  bool choose_index(const PlanState& state, const datalog::Match& match, Step& step) const;
  // Whether the test that was chosen can look its key up.
  bool can_test(const PlanState& state, Step& step) const;
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
  void bind_match(PlanState& state, const datalog::Match& match) const {
    for (const datalog::Expression& term : match.terms) {
      if (term.op == ExpressionOp::kVariable) state.bound.insert(term.variable);
    }
    if (match.row) state.bound.insert(*match.row);
  }
  void push(PlanState& state, std::size_t literal, Step step) const {
    step.literal = &body_[literal];
    step.rows = state.rows;
    state.placed[literal] = 1;
    state.steps.push_back(std::move(step));
  }
  void open_unit(PlanState& state) const {
    Step step;
    step.kind = StepKind::kUnit;
    step.rows = 1;
    state.steps.push_back(std::move(step));
    state.has_batch = true;
    state.rows = 1;
  }
  bool all_placed(const PlanState& state) const {
    return std::all_of(state.placed.begin(), state.placed.end(), [](char c) { return c != 0; });
  }

  Expected<void> plan_inner(PlanState& state) const;
  void compute_live(std::vector<Step>& steps) const;

  const PlanScope& scope_;
  const BodyTask& task_;
  const datalog::Body& body_;
  std::vector<LiteralFacts> facts_;
  std::vector<std::size_t> atoms_;  // Literals that are positive atoms.
};

}  // namespace entail::compiler::internal
