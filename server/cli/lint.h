// server/cli/lint.h - what is allowed, and probably a mistake.
//
//     singleton   a variable of a clause that occurs once: a misspelling, or it should be `_`
//     empty       a relation that is read, but has no facts, no rules and no input
//     unused      a relation that nothing reads and nothing outputs
//     never forgotten   a stream with event time without `expire`
//     no output   a rule whose head leads to no output, query, sink or production
//
// A variable whose name starts with `_` may occur once. Relations inside components are judged where
// they are instantiated; one that no rule of the program mentions at all is not reported when the
// program has neither outputs nor queries (it is a library then).
//
// Threads: pure functions.

#pragma once

#include "datalog/rule_program.h"
#include "grammar/diagnostics.h"
#include "grammar/syntax_tree.h"

namespace entail::cli {

void lint_tree(const grammar::Program& tree, grammar::Diagnostics& diagnostics);
// The tree tells which relations are `inline` and so have gone from the rules.
void lint_rules(const datalog::RuleProgram& program, const grammar::Program& tree,
                grammar::Diagnostics& diagnostics);

}  // namespace entail::cli
