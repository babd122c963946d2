// compiler/internal/aggregate_kinds.h - which aggregates are computed as SQL does, and what describes them to
// the machine.
//
// Threads: pure functions.
#pragma once

#include "datalog/rule_program.h"
#include "vm/program.h"

namespace entail::compiler::internal {

// Whether it is computed as SQL does, with null where there is nothing to aggregate. `result`: its result
// variable.
bool is_sql_aggregate(const datalog::Aggregate& aggregate, const datalog::Variable& result);

// REQUIRES: is_sql_aggregate().
vm::AggregateSpec sql_aggregate_spec(const datalog::Aggregate& aggregate,
                                     const datalog::Variable& result);

// The same of a window function that aggregates the rows of its frame. What depends on the order of the rows
// has one order item, bigint: their places.
vm::AggregateSpec frame_aggregate_spec(const datalog::RankResult& function,
                                       const datalog::Variable& result);

}  // namespace entail::compiler::internal
