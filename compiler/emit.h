// compiler/emit.h - from plans to bytecode.
//
// One program a stratum: control code, then a fragment for each version of each rule (two where groups
// are made first and read afterwards).
//
//     not recursive         recursive
//       Run each              Run base rules; Advance; goto check
//       Advance               top:   Run delta versions; Advance; ReplanIfGrew
//       Settle                check: LoopIfGrew top            <- resume entry
//       Halt                  Settle; Halt
//
// Facts that were loaded before the stratum runs are pending rows: the first Advance makes them part of
// the first delta, so the delta versions find them.
//
// Ranks: where relations of the stratum carry them, a row is derived with 1 + the highest rank among those
// of its premises that are rows of such relations, or 1 where it has none.
//
// A relation whose rows are emitted is in no round: its stratum runs its rules and halts.
//
// Threads: pure, but that constants are interned in the pool.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/gathering.h"
#include "compiler/rule_plan.h"
#include "grammar/source_span.h"
#include "vm/base/expected.h"
#include "vm/program.h"
#include "vm/value_pool.h"

namespace entail::compiler {

struct EmitScope {
  const datalog::RuleProgram* program = nullptr;
  const std::vector<RelationLayout>* layouts = nullptr;
  vm::ValuePool* pool = nullptr;
  const grammar::SourceFiles* files = nullptr;  // For places in messages; may be null.
  // Relations of this stratum whose rows carry ranks; the plans were made with the same.
  std::set<datalog::RelationId> ranked = {};
  // Its rows are handed on as they are found, and not stored.
  std::optional<datalog::RelationId> emitted = {};
};

// How many fold a recursive relation may outgrow its planned size before the loop is planned again.
inline constexpr std::uint16_t kReplanGrowth = 8;

struct StratumCode {
  vm::Program program;
  std::vector<datalog::RelationId> operands;  // The relation that each relation operand stands for.
  std::vector<std::string> versions;          // By fragment: "full", "delta 2", "full, groups".
  // Constants that the program holds a reference to; whoever takes the code releases them after the run.
  std::vector<vm::Word> retained;
  std::vector<GatheringSpec> rank_tables;  // What the machine needs, in order.
  bool leaves_values = false;              // It may make texts or records that no row keeps.
};

// The tables that the code needs, empty.
std::vector<std::unique_ptr<vm::GatheringTable>> rank_tables_of(const StratumCode& code,
                                                                vm::ValuePool& pool,
                                                                MemoryBudget* memory);

// Fails with kUnsupported at an expression or aggregate that is not executed yet.
Expected<StratumCode> emit_stratum(const EmitScope& scope, const StratumPlan& plan);

// One plan alone, as a program that runs it once: the bound form.
Expected<StratumCode> emit_once(const EmitScope& scope, const RulePlan& plan);

}  // namespace entail::compiler
