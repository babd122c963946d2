// compiler/internal/derived_bags.h - bags that rules derive, as sets whose rows know their derivations.
//
// A derived bag has a row for each derivation. A set has it, too, if what tells two derivations apart is part
// of the row: columns behind the declared ones hold the *identity* of the derivation.
//
//     v(c) :- order(k, c, _), item(k).            order has the key k; item is a bag of stated rows
//     v(c) :- guest(c, n), n > 3.                 guest is a set
//
//     v(c, 0, k, row, null) :- order(k, c, _), item(k) as row.
//     v(c, 1, null, null, n) :- guest(c, n), n > 3.
//
// The identity is made of the number of the rule, where there are several, and of what each literal of the body
// was matched with:
//
//     a row      of a keyed relation its key; of a set all columns; of a bag of stated rows which row it is
//     groups     their keys
//     generators the value
//     rankings   as the literals of the ranking's body
//     patterns   likewise, of the row at which the match begins and of the row that is put out
//     the rest   nothing: it follows from what is known, or only has to hold
//
// but for what declared columns hold anyway. Columns are shared by rules where types agree; a rule that needs fewer
// leaves the others null.
//
// Whoever reads the bag reads the declared columns and wildcards behind them: rows are met once per derivation
// wherever rows count.
//
// Refused: elements of an array in a rule of a bag (equal ones are several rows), derived bags in recursion, and in the
// conditions of branches of actions.
//
// Threads: pure. Cost: linear in the program.
#pragma once

#include <functional>
#include <optional>

#include "datalog/rule_program.h"
#include "grammar/source_span.h"
#include "vm/base/expected.h"

namespace entail::compiler::internal {

// The program with sets in the place of derived bags; nothing if it has none.
Expected<std::optional<datalog::RuleProgram>> without_derived_bags(
    const datalog::RuleProgram& program, const grammar::SourceFiles* files);

// What tells apart the ways in which the rule's body matches: calls add(variable) for each, where it has none
// makes one. Fails at what is refused.
Expected<void> identify_matches(const datalog::RuleProgram& program, datalog::Rule& rule,
                                const std::function<void(datalog::VariableId)>& add);

// A copy; type tables are only copied on demand.
datalog::RuleProgram copy_of(const datalog::RuleProgram& program);

}  // namespace entail::compiler::internal
