// datalog/verify.h - does a rule program keep the invariants of rule_program.h?
//
// For tests, after lowering and after every pass: a failure is a bug of ours, not of the program's
// author. Beside invariants (1) to (5) it checks what they imply
//   - facts, heads and matches fit their columns: the same type, nulls only where the column has them
//   - kNull only where it is nullable; a strict operation on a nullable argument is nullable
//   - key, index, extremum and stream columns exist, ascending where the header says so
//   - strata, if filled, hold every relation and rule once, dependencies first.
//
// Cost: linear. Threads: pure.
#pragma once

#include "datalog/rule_program.h"
#include "vm/base/expected.h"

namespace entail::datalog {

// The first violation found, with the rule in which it stands, as an Error.
Expected<void> verify_rule_program(const RuleProgram& program);

}  // namespace entail::datalog
