// compiler/plan.h - the plan of a rule: which literal runs when, and how.
//
// A plan is an ordered list of steps over batches of bindings. It borrows the literals of its rule, so
// the rule must outlive it.
//
//     path(x, z) :- path(x, y), edge(y, z), x != z.         version "delta 1"
//
//       scan   delta path(x, y)                     ~31 rows
//       probe  edge(y, z) by {0}                    ~93 rows
//       filter x != z                               ~84 rows
//
// Terms
// -----
//   source     the first step: a scan, one row without columns (unit), or the groups of a group fragment
//   given      a column is given in a step when its term is a constant or a variable bound before it
//   version    a rule has one full version; in a recursive stratum one delta version for each occurrence
//              of a relation of that stratum: this occurrence reads the last round's rows, those before
//              it the rows known before that round, those after it everything, so that each combination
//              is found once; and a bound version, whose source is a batch of given head rows.
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/layout.h"
#include "datalog/rule_program.h"
#include "vm/relation.h"

namespace entail::compiler {

enum class RuleForm : std::uint8_t { kFull, kDelta, kBound };

enum class StepKind : std::uint8_t {
  kUnit,      // One row without columns.
  kScan,      // All rows, as a source.
  kProbe,     // The rows that have the given columns, by index.
  kRange,     // The same with bounds on one more column.
  kCross,     // All rows, for each row of the batch.
  kMember,    // Every column is given: the membership table.
  kSemi,      // Some columns are given and the others not needed: is there a row, by index.
  kNonEmpty,  // No column is given or needed: is there a row at all.
  kEqScan,    // Equivalence relation: all pairs as a source;
  kEqProbe,   //   the members equivalent to the given one;
  kEqCross,   //   all pairs for each row of the batch;
  kEqMember,  //   are both equivalent.
  kFilter,
  kBind,     // Gives a variable its value.
  kCompare,  // A Bind whose two sides are bound.
  kEach,
  kMark,    // Exists or Absent over an inner pipeline.
  kCount,   // Reduce: count of the matches of one index key.
  kReduce,  // Reduce per binding, over an inner pipeline.
  kGroups,  // Reduce per group: the groups that the inner pipeline, a fragment of its own, makes.
  kRanks,  // Rank, Pattern: the rows of the inner pipeline, likewise, sorted and with their results.
};

inline constexpr std::uint32_t kNoIndex = 0xffffffff;

struct Step {
  StepKind kind = StepKind::kUnit;
  const datalog::Literal* literal = nullptr;  // What it executes; null for kUnit.
  const datalog::Match* match = nullptr;      // The atom read, also that of a simple Absent.
  bool negate = false;                        // kMember, kSemi, kNonEmpty, kEqMember, kMark.
  vm::View view = vm::View::kTotal;
  // Columns of the match that are given, ascending; of a probe those that the index looks up, while others
  // that are known are compared with what it finds.
  std::vector<std::uint32_t> given;
  vm::IndexSpec spec;              // kProbe, kRange, kSemi, kCount: in word columns.
  std::uint32_t index = kNoIndex;  // Its position in the relation; by index_selection.
  bool index_stands = false;       // The relation keeps it up whatever this plan needs.
  bool open_range = false;         // The index chosen has a range column that is not used here.
  std::uint32_t range_column = 0;  // kRange.
  const datalog::Expression* low = nullptr;
  const datalog::Expression* high = nullptr;
  bool low_inclusive = false;
  bool high_inclusive = false;
  bool reversed = false;                  // kBind: the value's variable gets the variable's value.
  std::vector<Step> inner;                // kMark, kReduce, kGroups, kRanks.
  std::vector<datalog::VariableId> live;  // Variables that later steps or the head need, ascending.
  double rows = 0;                        // Estimated rows after the step.
};

struct RulePlan {
  const datalog::Rule* rule = nullptr;
  datalog::RuleId id{};
  RuleForm form = RuleForm::kFull;
  std::uint32_t version = 0;  // kDelta: which occurrence, from 1.
  std::vector<Step> steps;
  double cost = 0;  // Estimated rows touched.

  std::string version_name() const;  // "full", "delta 1", "bound"
};

// The plan as text, a line a step, each with `indent` before it. Relation names and expressions are
// printed as the rule program prints them.
std::string print_plan(const datalog::RuleProgram& program, const RulePlan& plan,
                       const std::string& indent = "  ");

// Calls f(step) for every step, inner ones too.
template <typename Steps, typename F>
void walk_steps(Steps& steps, F&& f) {
  for (auto& step : steps) {
    f(step);
    walk_steps(step.inner, f);
  }
}

}  // namespace entail::compiler
