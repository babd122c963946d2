// server/cli/sql_command.h - entail sql: statements on a database, without a server.
//
// The engine runs in this process, on this thread. Statements come from -c, -f or standard input.
//
// Threads: one.

#pragma once

#include "server/cli/options.h"

namespace entail::cli {

int run_sql(const CommandLine& line);

}  // namespace entail::cli
