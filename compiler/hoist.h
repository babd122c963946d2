// compiler/hoist.h - reductions that need not be made again for every binding, and rankings, get a relation
// of their own.
//
//     p(x, s) :- q(x), group { r(k, v) } by k => { s: sum(v) }, x = k.
//
//     _p_group0(k, s) :- group { r(k, v) } by k => { s: sum(v) }.      auxiliary, one stratum below p
//     p(x, s) :- q(x), _p_group0(k, s), x = k.
//
// Four rewritings, each keeping what the program means:
//   (1) a Reduce per group beside other literals, or inside an inner body, moves out as above;
//   (2) so does a Reduce per binding that knows nothing of its surroundings, beside an atom: it has one
//       result for all bindings;
//   (3) so does a ranking beside other literals, or inside an inner body, as a bag of its rows;
//   (4) an Exists that reads a relation of its own stratum becomes part of the body, so that each of its
//       atoms has a delta version. Heads are sets, so that how often it holds does not matter.
//
// Cost: linear. Threads: the program is this call's alone.
#pragma once

#include "datalog/rule_program.h"

namespace entail::compiler {

// REQUIRES: the program is stratified. Strata, relations and rules are added; none is renumbered but
// strata. Doing it again changes nothing.
void hoist_reductions(datalog::RuleProgram& program);

}  // namespace entail::compiler
