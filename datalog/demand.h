// datalog/demand.h - a program specialised to one question, so that only what the answer needs is
// derived.
//
//     path(x, y) :- edge(x, y).                          asked: path(99990, y)
//     path(x, z) :- edge(x, y), path(y, z).
//
// becomes, by the magic-sets transformation, rules that first derive what is *demanded*, and then
// the answers to those demands:
//
//     demanded.path^bf(99990).
//     demanded.path^bf(y) :- demanded.path^bf(x), edge(x, y).
//     path^bf(x, y) :- demanded.path^bf(x), edge(x, y).
//     path^bf(x, z) :- demanded.path^bf(x), edge(x, y), path^bf(y, z).
//
// Terms
// -----
//   adornment   which columns a reader knows: `bf` is "first bound, second free"
//   sideways    a body is put into an order in which known values spread: tests first, then literals
//               that share a bound variable (stored ones before derived ones), then the rest
//   factored    where the query is one tuple of constants and every recursive rule hands either its
//               bound or its free columns through unchanged, an answer to a sub-question is an answer
//               to the question itself, and `reached.path^bf(z)` needs no first column. Right-linear
//               rules are then linear, not quadratic, in the length of a chain.
//
// What is derived completely, as if nothing were known: a relation that somebody reads without any
// bound column, that is a bag, keyed, an equivalence, a stream or keeps an extremum, that counts
// with autoinc(), or has a limitsize. Relations under negation and in aggregates get demands too,
// as long as the result can be stratified, else they are derived completely as well.
//
// Invariants
//   (1) The answer relation holds exactly the rows of the asked relation that agree with the
//       constants.
//   (2) Demands are values that the original program would have met: a value computed by an
//       expression is demanded only where its arguments came from a relation, so that a program that
//       ends still ends.
//   (3) Relations keep their ids; new ones are appended. Stated facts and inputs stay with their
//       relation.
//
// Dropped: rules and facts the query does not reach; outputs, productions, procedures, queries.
//
// Sources: Beeri and Ramakrishnan, "On the power of magic" (1991); Naughton, Ramakrishnan, Sagiv,
// Ullman, "Argument reduction by factoring" (1989); Balbin et al., "Efficient bottom-up computation
// of queries on stratified databases" (1991) for negation. Cost: rules times adornments met, facts
// untouched. Threads: a plain function.
#pragma once

#include <optional>
#include <vector>

#include "datalog/rule_program.h"

namespace entail::datalog {

struct DemandQuery {
  RelationId relation{};
  // By column: the constant it must be identical to (kConstant or kNull), or nothing.
  std::vector<std::optional<Expression>> arguments;
};

struct DemandedProgram {
  RuleProgram program;  // Stratified.
  RelationId
      answer{};  // Columns as the asked relation; the asked relation itself if nothing is bound.
};

// REQUIRES: stratify() accepts `program`; one argument for each column, of the column's type.
DemandedProgram demand(RuleProgram program, const DemandQuery& query);

}  // namespace entail::datalog
