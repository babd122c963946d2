// sql2datalog/sql2datalog.h - SQL as another way to write rules.
//
// What it is for
// --------------
// SQL is a second front door, never a second engine. A statement in PostgreSQL's dialect becomes
// the same rule program (datalog/rule_program.h) that Datalog text becomes, and from there on
// nobody can tell which it was: views over rules, rules over tables, one planner, one law.
//
// The picture
// -----------
//     SELECT c.name, sum(o.total)                    body(id, name, total) :-
//     FROM customer c LEFT JOIN orders o                 customer(id, name), orders(id, total).
//       ON o.customer = c.id                    ->   body(id, name, null) :-
//     GROUP BY c.id, c.name                              customer(id, name), !orders(id, _).
//                                                    answer(name, s) :- Reduce body by (id, name).
//
// Terms
// -----
//   block           one SELECT with its FROM, WHERE and GROUP BY; it becomes one rule or a few
//   scope           the names that an expression may use, innermost first
//   decorrelation   giving a subquery the outer columns it uses as columns of its own, so that it
//                   becomes a relation that is joined instead of a loop
//   bag             what a SQL query without DISTINCT yields: rows that may be equal
//   three-valued    true, false or unknown; lives in expressions, nowhere else
//
// A statement's journey
// ---------------------
//   text -> grammar -> syntax tree -> names bound to relations and columns -> types and coercions
//   -> subqueries decorrelated into auxiliary relations -> rules -> the compiler.
//
//   WHERE -> filters | subquery -> auxiliary relation | outer join -> the inner rule and a rule
//   with `Absent` and nulls | GROUP BY -> `Reduce` | WITH RECURSIVE -> a recursive relation |
//   MATCH_RECOGNIZE -> `Pattern` | trigger bodies -> procedures (both refused until they run).
//
// Invariants
// ----------
//   (1) Lowering never looks at facts: the same text and catalog give the same rule program.
//   (2) NULL keeps SQL's meaning: `=` is a filter that may be unknown, and a variable repeated in a
//       body means identity; the two are never mixed up.
//   (3) A filter that can fail runs after the filters that stood before it, so that moving it
//       invents no error.
//   (4) Each error has its SQLSTATE and a span of the text the user wrote.
//
// Not here
// --------
//   SQL's syntax (grammar), join order (compiler), transactions and catalogs (server), the wire
//   protocol (server).
//
// Sources
// -------
//   The manual of PostgreSQL 15 for what statements mean; Galindo-Legaria and Joshi 2001 and
//   Neumann and Kemper 2015 for decorrelation; ISO/IEC 9075-2:2016 for row pattern recognition.
//
// Read next: lower_statement.h, the ways in; internal/lowerer.h, how a statement is taken apart;
// datalog/rule_program.h, the program that lowering makes.

#pragma once
