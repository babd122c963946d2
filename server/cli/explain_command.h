// server/cli/explain_command.h - entail explain: each form that a program takes on its way.
//
// Plans are made from the facts that stand in the program, and from 1,000 rows where nothing is known; a
// run plans each stratum from the sizes it really meets. Nothing is evaluated but for --stage=network,
// which shows a network that stands, with the facts of -F in it.
//
// Threads: pure, but for run_explain().

#pragma once

#include <string>

#include "datalog/rule_program.h"
#include "server/cli/options.h"
#include "vm/base/expected.h"

namespace entail::cli {

int run_explain(const CommandLine& line);

// The plans of the rules of one relation, or of all (an empty name). Hoists reductions out of the
// program, as an evaluation does. REQUIRES: the program is stratified.
std::string explain_plan(datalog::RuleProgram& program, const std::string& relation);

}  // namespace entail::cli
