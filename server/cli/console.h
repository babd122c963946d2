// server/cli/console.h - what is said to the person, and which exit code goes with it.
//
// Answers go to standard output, everything else to standard error. Output is written whole with
// write(); nothing is buffered across calls.
//
// Threads: any.

#pragma once

#include <string>

#include "vm/base/expected.h"

namespace entail::cli {

// "entail: message", on standard error.
void print_error(const std::string& message);
// The text as it is, on standard error.
void print_error_text(const std::string& text);

// Says what failed and returns the exit code for it. Messages that begin with a place in a file are
// printed bare, so that editors find it.
int report_failure(const Error& error);

// Prints a text that a command made; the exit code, also where nobody reads it.
int print_answer_text(const std::string& text);

// Whether standard output is a terminal that shows colours.
bool wants_colours();

}  // namespace entail::cli
