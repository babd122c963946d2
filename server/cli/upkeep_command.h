// server/cli/upkeep_command.h - entail check, replay and backup: what is done to a whole database.
//
// Threads: one.

#pragma once

#include "server/cli/options.h"

namespace entail::cli {

int run_upkeep(const CommandLine& line);

}  // namespace entail::cli
