// server/cli/run_command.h - entail run: facts in, rules over them, rows out.
//
// The steps and what can stop them
//     program     diagnostics, exit 1
//     outputs     a missing directory, a connector that is not built: before anything is evaluated
//     facts       a missing file, a bad row: exit 1
//     evaluation  an expression that fails: exit 1; a budget: exit 3; a signal: 128 and its number
//     files       all are written beside their places, then all take their places
//     standard output, in the order of the directives; a closed pipe ends it quietly
//
// Threads: one caller.

#pragma once

#include "server/cli/options.h"

namespace entail::cli {

int run_program(const CommandLine& line);

}  // namespace entail::cli
