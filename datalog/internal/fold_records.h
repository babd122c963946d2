// datalog/internal/fold_records.h - equations between records whose type nothing tells.
//
//     [a, b] = [c, d]                  ->   a = c, b = d
//     r = [x, y], s = r, s = [v, w]    ->   x = v, y = w       r and s occur nowhere else
//
// Souffle allows records that only ever meet each other; once taken apart they need no type.
#pragma once

#include "datalog/internal/core.h"

namespace entail::datalog {

void fold_records(CoreBody& body, const std::vector<CoreTerm>& heads);

// Conditions that say that two terms are equal; records of one size are equated part by part.
void equate(const CoreTerm& left, const CoreTerm& right, grammar::SourceSpan span, CoreBody& out);

}  // namespace entail::datalog
