// datalog/internal/decision_tables.h - decision tables become look-ups.
//
//     [f, c] = shipping_fee(k, w)
//         row = if k = "DE" and w <= 5.0 then 1 else if … else 0,
//         row != 0, shipping_fee.rows(row, f, c)
//
// Up to kChainRowsMax rows the row is found by an expression. Larger tables keep one relation for each
// shape (which cells are plain values) keyed by those values, so that a call probes a relation for each
// shape instead of reading every row; the row with the smallest number wins.
#pragma once

#include <vector>

#include "datalog/internal/core.h"
#include "datalog/internal/environment.h"

namespace entail::datalog {

class ClauseBuilder;

inline constexpr std::size_t kChainRowsMax = 64;

// Adds to `out` the conditions that bind `outputs` to what the table gives for `inputs`.
// REQUIRES: as many inputs and outputs as the table has.
void call_table(TableInfo& table, std::vector<CoreTerm> inputs, std::vector<CoreTerm> outputs,
                grammar::SourceSpan span, ClauseBuilder& builder, Environment& environment, CoreBody& out);

}  // namespace entail::datalog
