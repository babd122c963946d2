// compiler/explain.h - plans, bytecode and work as text: `entail explain --stage=plan|bytecode`.
//
//     path(x, z) :- path(x, y), edge(y, z).  // delta 1
//       scan delta path(x, y)                        ~31 rows
//       probe edge(y, z) by {0}                      ~93 rows, index 0
//       took 12 runs: 31 scanned, 31 probed, 93 matched, 93 derived, 70 new
//
// Without a run the sizes are guesses (FixedCardinalities); after one they are those the plan was made
// with, and the real counts stand below.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "compiler/rule_plan.h"
#include "compiler/statistics.h"
#include "datalog/rule_program.h"
#include "vm/base/expected.h"

namespace entail::compiler {

class Evaluation;

// The plans of a stratum, each under its rule and version.
std::string print_stratum_plan(const datalog::RuleProgram& program, const StratumPlan& plan,
                               const StratumStatistics* work = nullptr);

// All strata, planned with guessed sizes. Hoists reductions, as an evaluation does.
Expected<std::string> explain_plan(datalog::RuleProgram& program);
Expected<std::string> explain_bytecode(datalog::RuleProgram& program);

// The same of an evaluation that has run and kept its explanations: with the sizes it met, every time
// that it planned, and the work that was done.
std::string explain_plan(const Evaluation& evaluation);
std::string explain_bytecode(const Evaluation& evaluation);

}  // namespace entail::compiler
