// datalog/internal/scopes.h - which variable is which, and whether something binds each of them.
//
// Scopes. The literals of a body, its head and its plain negations share one scope. An aggregate, an
// `exists`, a negated conjunction and a group open an inner one: names visible outside are the outer
// variables, others are their own. An aggregate follows Souffle:
//     target     `sum x : { … x … }` is about its own x, whatever x is outside
//     injected   bound outside: the outer variable
//     witness    used outside, but bound only inside: for min and max the body is repeated outside with
//                the extremum in place of the target; for count, sum and mean it is an error
//
// Safety. A variable is bound by a column of a positive literal, by an equation with a value that is
// bound, by a range, by an aggregate's value. `x = [a, b]` binds in whichever direction is ready first;
// which one that was is written into the condition for emission.
#pragma once

#include <vector>

#include "datalog/internal/core.h"
#include "grammar/diagnostics.h"

namespace entail::datalog {

struct ScopeOptions {
  bool head_binds = false;  // An inline relation: whoever uses it binds its head.
  std::vector<std::string> parameters =
      {};  // Bound from outside, numbered first: a query's parameters.
};

// Numbers the clause's variables, adds witness literals, and reports what nothing binds. True when all
// variables are bound.
bool assign_variables(CoreClause& clause, const ScopeOptions& options,
                      grammar::Diagnostics& diagnostics);

// How an equation of a body is to be read; recomputed by order_equations().
enum class Direction : std::uint8_t { kCompare, kBindLeft, kBindRight };

// For each condition of the body, in place order: what an equation there does when the variables of
// `bound` are known before. Marks in `bound` what the body binds. Others are kCompare.
// The value of the aggregate `excluded` counts as unknown.
std::vector<Direction> order_equations(const CoreBody& body, std::vector<bool>& bound,
                                       const CoreTerm* excluded = nullptr);

// Whether the term has a value once the variables of `bound` have.
bool is_evaluable(const CoreTerm& term, const std::vector<bool>& bound,
                  const CoreTerm* excluded = nullptr);

}  // namespace entail::datalog
