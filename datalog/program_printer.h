// datalog/program_printer.h - the rule program as text a person can read (`entail explain
// --stage=rules`).
//
//     relations
//       edge(x: number, y: number)
//       path(x: number, y: number)
//     rules
//       0  edge(1, 2).
//       1  path(x, z) :- path(x, y), edge(y, z), x != z.
//     strata
//       0  edge; rules 0
//       1  path, recursive; rules 1
//
// Stable: the same program prints the same text, whatever made it. Every construct has a form, also
// those that nothing executes yet. Variables keep their names; where two of a rule share one, the
// later ones get their number behind it. The text is for reading and for tests, not for parsing.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "datalog/rule_program.h"

namespace entail::datalog {

std::string print_program(const RuleProgram& program);

// One of its parts, without a final newline.
std::string print_relation(const RuleProgram& program, const Relation& relation);
std::string print_rule(const RuleProgram& program, const Rule& rule);
std::string print_production(const RuleProgram& program, const Production& production);
std::string print_literal(const RuleProgram& program, const Rule& rule, const Literal& literal);
std::string print_expression(const RuleProgram& program, const Rule& rule,
                             const Expression& expression);

}  // namespace entail::datalog
