// server/cli/why_command.h - `entail why FACT FILE`: a proof of a fact; `entail why-not`: what is missing.
//
// The program is evaluated once on the facts of -F, with ranks; why_proof.h and why_not.h say the rest.
// Only facts that lead to an output or to the asked relation are read.
//
// The question is one fact, spelled as in `entail follow`: path(1, 5), or Order{id: 1, customer: 2} with
// all columns. Variables and _ are refused: `entail run --query` finds the rows to ask about.
//
// Threads: one at a time.

#pragma once

#include "server/cli/options.h"

namespace entail::cli {

// The process's exit code: 0 with a proof or with reasons; 1 when `why` is asked for a fact that does
// not hold.
int run_why(const CommandLine& line);

}  // namespace entail::cli
