// compiler/internal/query_rewrite.h - what SQL writes as conditions becomes what the planner looks up by.
//
//     answer(n) :- customer(id, n, city), id = $1 and city is not null.
//     answer(n) :- customer(id, n, city), id := $1, city is not null.       := is Bind
//
//   (1) `a and b` becomes two filters.
//   (2) SQL's equality of a variable with anything of its type becomes a Bind, which is identity, and, where
//       both sides may be null, a filter against it. Not of intervals, where equal values may differ (a
//       month, 30 days); of floats the filter stays beside the Bind, because a NaN is identical to itself.
//   (3) `x = a or x = b or …`, with values that do not depend on the row, becomes an atom of an auxiliary
//       relation that holds the values, where an index finds rows by x.
// Expressions that can fail stay where they stand.
//
// Cost: linear. Threads: the program is this call's alone.
#pragma once

#include <functional>

#include "datalog/rule_program.h"

namespace entail::compiler::internal {

// Whether an index finds the rows of the relation by this column alone.
using LooksUp = std::function<bool(datalog::RelationId, std::uint32_t column)>;

// REQUIRES: the program is stratified; it still is.
void rewrite_conditions(datalog::RuleProgram& program, const LooksUp& looks_up);

}  // namespace entail::compiler::internal
