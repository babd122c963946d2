// datalog/datalog.h - what a program means: from its syntax tree to the one IR.
//
// What it is for. A program is text to its author and a plan to the machine. In between it is a *rule
// program*: relations, rules, productions, queries and directives as plain data, typed, safe, in strata.
// Both languages become this, and everything behind (compiler, rete, engine) reads only this.
//
// The picture
//
//     syntax tree (grammar/)
//        |  lower()                                  lower.h; its passes are in internal/
//        |    elaborate   components, modules        Graph<T>, .init g       ->  g.edge, g.path
//        |    declare     types, relations           .type, .decl, relation
//        |    build       clauses                    heads x alternatives    ->  one rule each
//        |    scopes      variables, safety          what binds x?
//        |    inline      `inline` relations         vanish
//        |    infer       types                      Souffle's nominal types, overloads decided
//        |    emit        literals, expressions      r([x, _], y)            ->  Match, Filter, Bind
//        v
//     rule program (rule_program.h)                  verify_rule_program() holds its invariants
//        |  stratify()                               stratify.h: components of recursion, in order
//        |  specialise for a question                demand.h: only what a query can reach
//        v
//     compiler/
//
// Terms
//   core clause   a rule with one head, no alternatives and nested terms: internal/core.h
//   root          the kind of a type that decides operations: number, symbol, date, one enum, …
//   source type   a type as the program names it; `.type Age <: number` is one, its values are numbers
//   bound         has a value from a positive literal, an equation or an aggregate
//   injected      an outer variable used inside an aggregate; a *witness* goes the other way
//
// A rule's journey
//     p(x + 1) :- r([x, _], y), (x < y ; !s(x)).
//   build:  two core clauses, one with x < y, one with !s(x)
//   scopes: x and y belong to the rule; r binds both, [x, _] is taken apart
//   infer:  x is a number because r's record says so; + is the one of numbers
//   emit:   Match(r, _r0, y)  Filter(not _r0 is nil)  Bind(x, _r0.first)  Filter(x < y)  head x + 1
//
// Invariants: those of rule_program.h. A RuleProgram exists only if nothing was reported.
//
// Not here: text (grammar/), joins and their order (compiler/), execution (vm/), SQL (sql2datalog/).
// Sources: Abiteboul, Hull, Vianu 1995, chapters 12-15; Souffle's documentation for the meaning of its
// constructs, its tests for the corners.
// Read next: rule_program.h, expression.h, lower.h, internal/core.h, internal/scopes.h, internal/infer.h.
#pragma once

#include "datalog/demand.h"
#include "datalog/lower.h"
#include "datalog/rule_program.h"
#include "datalog/stratify.h"
#include "datalog/verify.h"
