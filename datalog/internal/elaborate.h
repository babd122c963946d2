// datalog/internal/elaborate.h - components and modules dissolve into one flat list of items.
//
//     .comp Graph<T> { .decl edge(a: T, b: T) }      ->   .decl g.edge(a: number, b: number)
//     .init g = Graph<number>
//
// What an instance defines is named `instance.name`; what it uses and does not define keeps its name
// and means the enclosing scope's. Imported modules join under their own name; the importing program
// may use an alias or, for names listed in braces, the bare name.
//
// Souffle's rules hold: `.override` replaces the clauses of an inherited overridable relation; a clause
// whose head a component does not define goes to the instance that does (an orphan).
// Limit: instances inside each other kInstantiationDepthMax deep.
#pragma once

#include <vector>

#include "datalog/lower.h"
#include "grammar/diagnostics.h"
#include "grammar/syntax_tree.h"

namespace entail::datalog {

inline constexpr unsigned kInstantiationDepthMax = 100;

// The items of the program in order; instances stand where their `.init` stood. Components, inits,
// overrides, imports and module headers are gone.
std::vector<grammar::Item> elaborate(const grammar::Program& program, const LowerOptions& options,
                                     grammar::Diagnostics& diagnostics);

}  // namespace entail::datalog
