// server/cli/follow_command.h - entail follow: a program that stands, and changes line by line.
//
//     program, -F   -> Network, version 1         network_run.h
//     a line        -> changes, a step            line_reader.h, change_line.h
//     commit        -> a version, printed         follow_output.h
//
// What can go wrong, and what follows
//     the program, its facts      diagnostics or one line, exit 1
//     a line                      <stdin>:3:7: error: …, where 3:7 is line and column. With --on-error=stop
//                                 the open transaction is aborted, exit 1; with skip the line has no effect
//     a transaction               over budget, or contradictory: it is aborted, and that is said.
//                                 With stop exit 3 or 1; with skip the rest of it, up to its commit or
//                                 abort, is left out, and the run lives on
//     an expression on some row   an error in data: entail.errors, on standard error after the commit
//     a signal                    the open transaction is aborted, exit 128 and its number
//     a closed output             quiet, exit 141
//
// Version 1 is what holds before the first line. A commit makes a version also where nothing changed; the
// end of the input does only if something is open.
//
// Threads: one caller.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/cli/network_run.h"
#include "server/cli/options.h"
#include "server/cli/output_bytes.h"
#include "server/cli/program_source.h"

namespace entail::cli {

// Where lines come from and what is said goes to. Output is written before a complaint that follows it.
struct FollowStreams {
  int input = 0;  // A descriptor.
  OutputBytes* output = nullptr;
  std::function<void(const std::string& text)> complain;  // Whole lines.
};

int run_follow(const CommandLine& line);

// The same for a program that is loaded; gives back the exit code. `kept` gets what holds the relations,
// which may take long to give back to the system. REQUIRES: loaded.rules.
int follow(const CommandLine& line, const LoadedProgram& loaded, const FollowStreams& streams,
           std::unique_ptr<NetworkRun>& kept);

}  // namespace entail::cli
