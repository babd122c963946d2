// datalog/stratify.h - which relations must be complete before which, and which grow together.
//
// A relation depends on every relation that the bodies of its rules read. Relations that depend on
// each other form a *stratum*; strata are ordered so that each comes after all it depends on. A
// body that reads a relation under negation, in an aggregate, ranking, window or pattern needs it
// complete, so that it must lie in a lower stratum.
//
//     path(x, z) :- path(x, y), edge(y, z).             0  edge
//     unreachable(x, y) :- node(x), node(y),            1  path, recursive
//                          !path(x, y).                 2  node    3  unreachable
//
// Refused, with the spans of what is to blame
//   - a cycle through negation or an aggregate: "'p' depends on not 'q', and 'q' depends on 'p'"
//   - autoinc() in a rule that reads a relation of its head's own stratum: how often it runs is not
//     determined
//   - a bag in a recursive stratum: how often a row is derived would depend on the order of rounds
//   - a rule that keeps what it derives from the value of a minimum or maximum in its own cycle
//
// That last one needs a word. A relation with an extremum replaces a value by a better one; a plain
// relation in its cycle, or another group, keeps what came from the value before. `y(v) :- x(v)` would
// hold whatever values x went through, which depends on the order of rounds, on threads, and on how the
// program was written: two rules with a relation between them take a round more than one. Accepted is
// what any better value would derive as well, for then there is one least solution, and rounds in any
// order find it: the value is compared, `v <= e` or `v < e` for a minimum and the reverse for a
// maximum, with an e that no such value takes part in; or another extremum is computed from it, which
// gets better with it (`d + c` does; that it does is the author's to see).
//
//     x(min(b)) :- base(b).     x(min(v)) :- y(v).     y(0) :- x(v), v <= 10.
//
//     base(5): x is 5, so y(0) holds, so x is 0; y(0) stays, and x(0) says so too.
//
// Source: Abiteboul, Hull, Vianu (1995), section 15.2; Tarjan, "Depth-first search and linear graph
// algorithms" (1972), here without recursion, because chains of relations may be long.
// Cost: linear in the program. Threads: the program is this call's alone.
#pragma once

#include "datalog/rule_program.h"
#include "grammar/diagnostics.h"

namespace entail::datalog {

// Fills program.strata. Deterministic: among strata that do not depend on each other the one with
// the first declared relation comes first as far as a depth-first search allows; relations and
// rules of a stratum ascend. Returns whether the program can be stratified; if not, `strata` is
// left empty.
bool stratify(RuleProgram& program, grammar::Diagnostics& diagnostics);

}  // namespace entail::datalog
