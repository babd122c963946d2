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
//     emit           core clauses become rules and productions of the rule program
//     time           `over current` and now() in bodies go by the clocks of streams (time_conditions.h)
//
// Every pass reports all it finds and goes on. The result is there exactly when no error was reported.
//
// Constructs that the rule program can hold but that cannot be executed yet, or not in the way that is
// asked for (windows; productions in one evaluation), are lowered as data; refuse_unexecuted() says
// so, construct by construct, for whoever is about to run them. Constructs that lowering does not know
// yet (subsumption, lattices, relations between intervals) are refused by lower() itself.
//
// Productions
// -----------
//     rule r when Order{id, total: t > 100} as o then modify o { status: "HOLD" }; derive Big{id}; end
//
//         production r  when Order(id, t, _) as o, t > 100  then modify o Order{status: "HOLD"};
//         rule          Big(id) :- Order(id, t, _), t > 100.
//
//   - `as o` gives the Match a row variable, for `modify o` and `delete o`; `o.total` is a variable of the
//     column. Relations that are sets without a key have no rows to modify or delete by name.
//   - Actions compute with variables of the conditions, with `let`, and with what `for` binds. Literals in
//     them have the type of their column. `now()` in actions is the start of the transaction.
//   - A column that `insert` or `emit` leaves out has its default, else null, else it is an error.
//     rule_program.h (Change) says what is in the values of each kind of change.
//   - Alternatives in `when` make several productions of one name. A match that satisfies two of them
//     fires twice, as everywhere that `or` is taken apart (OPS5, CLIPS, Drools). `for` goes through
//     alternatives one after the other; `if` asks whether one of them holds.
//   - `derive` stands outside of blocks. `enabled e` is one more condition.
//
// Windows
// -------
// `R{…} over …` in a group is a Window, whose partition is what is grouped by. `over current` may stand in any
// body, and is none any more when lowering is done. `last R{…} before x` is a Window of kind kLastBefore, and x
// a time, or the name of a row for its event time. R has event time: it is a stream with `time`.
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
  // Whether `over current` and now() become conditions on clocks (datalog/time_conditions.h). Nothing executes
  // them as they are written; the reference evaluator reads them so.
  bool expands_time = true;
};

std::optional<RuleProgram> lower(const grammar::Program& program, const LowerOptions& options,
                                 grammar::Diagnostics& diagnostics);

// What a program is for: to be evaluated once on its facts, or to follow their changes.
enum class Execution : std::uint8_t { kOnce, kStanding };

// Adds an error for each construct of the program that cannot be executed, at all or in this way.
void refuse_unexecuted(const RuleProgram& program, grammar::Diagnostics& diagnostics,
                       Execution execution = Execution::kOnce);

}  // namespace entail::datalog
