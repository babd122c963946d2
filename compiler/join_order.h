// compiler/join_order.h - in which order the literals of a body run, by estimated cost.
//
// The planner puts the atoms of a body into a left-deep order and everything else (filters, bindings,
// negations, reductions) behind the first atoms that bind what it needs. Up to kExhaustiveAtomsMax atoms
// all orders are compared by dynamic programming over subsets; beyond that the cheapest next atom is
// taken. The cost of an order is the number of rows it touches.
//
//     triangle(x, y, z) :- e(x, y), e(y, z), e(x, z).     scan e; probe e by {0}; member e
//
// Rules that hold in every order:
//   (1) A literal runs when the variables it needs are bound; tests before what multiplies rows.
//   (2) An expression that can fail runs after the filters that stand before it in the body.
//   (3) An atom whose new variables nobody needs is a test, where how many rows match does not matter.
//   (4) Of a relation that stands rows are looked up by an index that there is, as narrow as can be, else by
//       one that it may be given if that pays in this run; else they are scanned.
//   (5) An atom of a ranked relation is never a test: a premise's rank is read from its row.
//
// Sources: Selinger et al. 1979 (dynamic programming over left-deep orders).
// Threads: pure functions, given a Cardinalities of one thread.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "compiler/plan.h"
#include "compiler/statistics.h"
#include "vm/base/expected.h"

namespace entail::compiler {

inline constexpr std::size_t kExhaustiveAtomsMax = 8;

// How rows are found in relations that stand, whose indexes are not the plan's own.
class StandingIndexes {
 public:
  virtual ~StandingIndexes() = default;
  // The indexes that there are; nothing for a relation that does not stand.
  virtual const std::vector<vm::IndexSpec>* of(datalog::RelationId relation) const = 0;
  // Whether an index of its own may be asked for.
  virtual bool may_add(datalog::RelationId relation, const vm::IndexSpec& spec) const = 0;
};

// What the planner must know beside the body. Everything is borrowed.
struct PlanScope {
  const datalog::RuleProgram* program = nullptr;
  const std::vector<RelationLayout>* layouts = nullptr;  // By relation.
  const Cardinalities* cardinalities = nullptr;
  const StandingIndexes* standing = nullptr;  // Null: no relation stands.
  std::set<datalog::RelationId> growing;      // Relations of the stratum being evaluated.
  std::set<datalog::RelationId> ranked;       // Those of them whose rows carry ranks.
  bool repeated =
      false;  // The plan runs many times, so that building an index is paid once for all.
};

struct BodyTask {
  const datalog::Rule* rule = nullptr;
  const datalog::Body* body = nullptr;
  std::set<datalog::VariableId> bound;   // Before the first step.
  std::set<datalog::VariableId> needed;  // After the last one.
  bool has_batch = false;                // There are rows already: an inner pipeline.
  double rows = 1;                       // How many, with has_batch.
  bool rows_matter = false;              // Each matched row counts, not only whether there is one.
  std::vector<vm::View> views;           // By literal, for its atom; empty: all total.
  std::vector<std::size_t> forced;       // Literals whose atoms come first, in this order.
  bool scans_source = false;  // The first of them is scanned before anything else: the given rows.
};

struct PlannedBody {
  std::vector<Step> steps;
  double cost = 0;
  double rows = 0;
};

// Fails with kUnsupported at a construct that is not executed yet; the message names it.
Expected<PlannedBody> plan_body(const PlanScope& scope, const BodyTask& task);

}  // namespace entail::compiler
