// compiler/rule_plan.h - the three forms of a rule, planned from one place.
//
//     full     from scratch, on everything that is visible
//     delta    one version for each occurrence of a relation that grows in the same stratum: that atom
//              reads the last round's rows, growing atoms before it those known before, others everything
//     bound    given head rows: the rule's body with one literal more, a match on the relation of given
//              rows, in the place of the source. What it derives are those of the given rows that hold.
//
// Threads: pure functions.
#pragma once

#include <vector>

#include "compiler/join_order.h"
#include "compiler/plan.h"
#include "vm/base/expected.h"

namespace entail::compiler {

// The plans that evaluating a stratum needs.
struct StratumPlan {
  std::vector<datalog::RelationId> relations;
  std::vector<RulePlan> base;    // Once, before the loop.
  std::vector<RulePlan> deltas;  // Each round; empty where nothing is recursive.
};

Expected<RulePlan> plan_full(const PlanScope& scope, datalog::RuleId id);

// `occurrence` counts from 1 the atoms of the body whose relation is in scope.growing.
Expected<RulePlan> plan_delta(const PlanScope& scope, datalog::RuleId id, std::uint32_t occurrence);
std::uint32_t growing_occurrences(const PlanScope& scope, const datalog::Rule& rule);

Expected<StratumPlan> plan_stratum(PlanScope scope, const datalog::Stratum& stratum);

// The rule whose full form is the bound form of `rule`: it reads `given`, a relation with the head's
// columns, and derives into `answers`, another one.
datalog::Rule bound_rule(const datalog::Rule& rule, datalog::RelationId given,
                         datalog::RelationId answers);
// Plans it with the given rows as source. `rule` must outlive the plan.
Expected<RulePlan> plan_bound(const PlanScope& scope, const datalog::Rule& rule,
                              datalog::RuleId id);

}  // namespace entail::compiler
