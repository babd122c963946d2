// server/cli/serve_command.h - entail serve: a database for PostgreSQL's clients.
//
// Prints "entail: ready on HOST:PORT" on standard output when clients can connect, with --http another line,
// "entail: http on HOST:PORT", and returns when
// a signal stopped the server.
//
// Threads: one; the server makes its own.

#pragma once

#include "server/cli/options.h"
#include "server/engine/engine.h"
#include "vm/base/clock.h"

namespace entail::cli {

int run_serve(const CommandLine& line);

// How the engine is opened for a command line.
engine::EngineOptions engine_options_of(const CommandLine& line, const Clock* clock);

}  // namespace entail::cli
