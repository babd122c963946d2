// datalog/internal/inline.h - relations declared `inline` vanish into the bodies that use them.
//
//     .decl big(x: number) inline
//     big(x) :- x > 100.
//     p(x) :- q(x), big(x).              ->   p(x) :- q(x), x > 100.
//     r(x) :- q(x), !big(x).             ->   r(x) :- q(x), !(x > 100).
//
// A relation with several clauses gives several rules; under a negation, several absences. Where an
// aggregate uses an inline relation of several clauses the relation is kept and evaluated after all.
#pragma once

#include <vector>

#include "datalog/internal/core.h"
#include "datalog/internal/environment.h"

namespace entail::datalog {

// Replaces the clauses by those without inline relations. Reports circles, negations that cannot be
// expanded and counters. REQUIRES: variables are not numbered yet, or will be again.
std::vector<CoreClause> expand_inline(std::vector<CoreClause> clauses, Environment& environment);

}  // namespace entail::datalog
