// tests/oracle/aggregate.h - aggregates over a list of values, written out.
#pragma once

#include <optional>
#include <vector>

#include "datalog/rule_program.h"
#include "tests/oracle/value.h"

namespace entail::oracle {

// The aggregate of the values as a value of type `result`; nulls do not count. Of no values count
// and sum are 0, the others have no result. Integer sums wrap at the result's width; float sums and
// all means are exact and rounded once; min and max use the total order of values; collect is in
// that order. Throws Unsupported.
std::optional<Value> aggregate_value(datalog::AggregateOp op, vm::Type result,
                                     const std::vector<Value>& values);

}  // namespace entail::oracle
