// datalog/lower.h - syntax tree -> rule program: what a program's text means.
//
//     Diagnostics diagnostics;
//     std::optional<RuleProgram> program = lower(tree, {.number_bits = 64}, diagnostics);
//     if (!program) std::cerr << diagnostics.render(files);
//
// The way of a program
// --------------------
//     elaborate      components become instances, imported modules join, names become full names
//     declarations   types, relations, functions, decision tables, directives
//     build          clauses become core clauses: positional atoms, alternatives apart, functions inlined
//     scopes         which variable is which, and which values bind it (safety)
//     inline         relations declared `inline` vanish into the bodies that use them
//     infer          a type for every variable and term
//     emit           core clauses become rules of the rule program
//
// Every pass reports all it finds and goes on. The result is there exactly when no error was reported.
//
// Constructs that the rule program can hold but nothing executes yet (streams, windows, productions) are
// lowered as data; refuse_unexecuted() says so, construct by construct, for whoever is about to run them.
// Constructs it cannot hold yet (subsumption, lattices, choice-domain) are refused by lower() itself.
//
// Threads: any number may lower at once, each with its own diagnostics.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "datalog/rule_program.h"
#include "grammar/diagnostics.h"
#include "grammar/syntax_tree.h"

namespace entail::datalog {

struct LowerOptions {
  // Width of `number`, `unsigned` and `float`: 64, or 32 as in Souffle's default build.
  std::uint8_t number_bits = 64;
  // The parsed text of a module that `import` names; nothing when there is none of that name.
  std::function<std::optional<grammar::Program>(const std::string& module)> import_module;
};

std::optional<RuleProgram> lower(const grammar::Program& program, const LowerOptions& options,
                                 grammar::Diagnostics& diagnostics);

// Adds an error for each construct of the program that cannot be executed yet.
void refuse_unexecuted(const RuleProgram& program, grammar::Diagnostics& diagnostics);

}  // namespace entail::datalog
