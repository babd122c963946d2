// datalog/internal/emit.h - typed core clauses -> rules of the rule program.
//
//     p(x + 1) :- r([x, _], y), x < count : { s(y, _) }.
//
//         Match(r, _r, y)  Filter(not is_nil(_r))  Bind(x, _r.0)
//         Reduce(_n = count; Match(s, y, _))  Filter(x < _n)
//         head: p [ x + 1 ]
//
// Terms of atoms are taken apart into variables, constants and wildcards; aggregates and ranges become
// literals of their own before the condition that uses them; values are converted where the type of
// their place is another one of the same root (decimals).
#pragma once

#include "datalog/internal/core.h"
#include "datalog/internal/environment.h"
#include "datalog/internal/infer.h"

namespace entail::datalog {

// The rule. The first variables are `parameters`, bound from outside. Head terms behind the relation's
// last column have the type of their value.
// REQUIRES: `types` came from infer_types(clause, …, parameters).
Rule emit_rule(const CoreClause& clause, const ClauseTypes& types, Environment& environment,
               const std::vector<DeclaredType>& parameters = {});

// The conditions, variables, salience and actions of a production.
Production emit_production(const CoreClause& clause, const ClauseTypes& types,
                           Environment& environment);

}  // namespace entail::datalog
