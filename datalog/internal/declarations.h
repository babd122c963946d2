// datalog/internal/declarations.h - types, relations, functions and directives of a flat program.
//
// Reports what is declared twice, in terms of what does not exist, or in a circle. What could be
// understood is in the environment afterwards, so that clauses can be checked all the same.
#pragma once

#include <vector>

#include "datalog/internal/environment.h"
#include "grammar/syntax_tree.h"

namespace entail::datalog {

// REQUIRES: `items` outlives `environment`, which keeps pointers to functions and tables.
void declare_all(const std::vector<grammar::Item>& items, Environment& environment);

// The declared type that `type_expr` names; nothing, and an error, when there is none.
// `owner` says whose type it is, for the message: "column 'x' of 'edge'".
std::optional<DeclaredType> resolve_type(const grammar::TypeExpr& type_expr,
                                         const std::string& owner, Environment& environment);

}  // namespace entail::datalog
