// server/cli/cli.h - the command line: what a person types, from arguments to an exit code.
//
// What it is for
//   entail run reads a program and its facts, evaluates it from scratch and writes its outputs, as
//   Souffle does; explain shows each form a program takes on the way; lint only judges it. This is
//   the part of the house that touches the world: files, terminal, signals, clocks, threads. What
//   it calls below is silent and deterministic.
//
// A run
//     arguments -> CommandLine              options.h
//     file      -> syntax tree              grammar/parser.h
//               -> rule program             datalog/lower.h, strata: datalog/stratify.h
//     --query   -> the rules it needs       query.h, datalog/demand.h
//               -> Evaluation               compiler/evaluate.h
//     facts     -> batches of words         fact_form.h, fact_reader.h, fact_json.h
//               -> run()                    plan, bytecode, interpreter
//     relations -> sorted rows              row_sorter.h
//               -> files, standard output   fact_writer.h, output_bytes.h; --format: result_printer.h
//
// Terms
//   form       how the rows of one file look: what a directive's parameters say
//   shape      the columns of a relation as files see them
//   source     gives rows in batches; sink: takes them
//
// Invariants
//   (1) Nothing is written, to a file or to standard output, before the evaluation has succeeded;
//       a file appears whole or not at all.
//   (2) Every failure is one line on standard error that begins with "entail: " or, for the
//       program's text, the diagnostics with their places; the exit code tells the kind (options.h).
//   (3) Output does not depend on the number of threads: rows that were derived are sorted, rows
//       that were read keep their order.
//
// Not here: transactions, sessions, connectors; a run ends with the process.
// Read next: options.h, run_command.h, fact_form.h.
//
// Threads: run_command_line() is called by one thread; it makes those it needs.

#pragma once

#include <span>

namespace entail::cli {

// Does what the arguments (without the program's name) say, and returns the exit code.
int run_command_line(std::span<const char* const> arguments);

}  // namespace entail::cli
