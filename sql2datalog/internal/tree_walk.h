// sql2datalog/internal/tree_walk.h - does a part of an expression's tree satisfy a predicate?
//
// Subqueries are not entered: what stands in them belongs to them. Threads: pure.
#pragma once

#include <functional>
#include <vector>

#include "grammar/sql_tree.h"

namespace entail::sql2datalog::internal {

bool any_node(const grammar::sql::Expression& e,
              const std::function<bool(const grammar::sql::Expression&)>& predicate);

// The fields of a row, which is sorted and told apart as they are one after the other; else the expression.
std::vector<const grammar::sql::Expression*> fields_of(const grammar::sql::Expression& e);

}  // namespace entail::sql2datalog::internal
