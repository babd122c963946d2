// datalog/internal/decision_tables.h - decision tables become look-ups.
//
//     [f, c] = shipping_fee(k, w)
//         row = if k = "DE" and w <= 5.0 then 1 else if … else 0,
//         row != 0, shipping_fee.rows(row, f, c)
//
// Up to kChainRowsMax rows the row is found by that expression. Larger tables keep their rows as facts, in
// one relation for each *shape*: which cells are plain values, which are tests, which take anything.
//
//     "DE" | <= 5.0  => …        shape (value, <=):     fee.1("DE", 5.0, row, outputs…)
//     "AT" | _       => …        shape (value, any):    fee.2("AT", row, outputs…)
//
//     fee(k, w, f, c) :- fee.1(k, limit, row, f, c), w <= limit,
//                        not { fee.1(k, l, r, _, _), w <= l, r < row }, not { fee.2(k, r, _, _), r < row }.
//
// and so on for each shape, in an inline relation: a call probes each shape by the values it knows and never
// reads the other rows; the smallest row number wins.
#pragma once

#include <vector>

#include "datalog/internal/core.h"
#include "datalog/internal/environment.h"

namespace entail::datalog {

class ClauseBuilder;

inline constexpr std::size_t kChainRowsMax = 16;

// Adds to `out` the conditions that bind `outputs` to what the table gives for `inputs`.
// REQUIRES: as many inputs and outputs as the table has.
void call_table(TableInfo& table, std::vector<CoreTerm> inputs, std::vector<CoreTerm> outputs,
                grammar::SourceSpan span, ClauseBuilder& builder, Environment& environment,
                CoreBody& out);

}  // namespace entail::datalog
