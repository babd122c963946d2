// compiler/internal/action_parts.h - what the actions of a production are made of, for passes that look
// at them.
//
// Threads: pure functions.
#pragma once

#include <functional>
#include <vector>

#include "compiler/internal/rule_parts.h"
#include "datalog/rule_program.h"

namespace entail::compiler::internal {

// Calls f(statement) for every statement, those of blocks behind the one that they stand in.
void walk_actions(const datalog::Block& block,
                  const std::function<void(const datalog::Statement&)>& f);

// Calls f(expression) for every node of the statement's own expressions: those of a branch's condition,
// but not of its blocks.
void walk_statement_expressions(const datalog::Statement& statement,
                                const std::function<void(const datalog::Expression&)>& f);

// Whatever the actions mention, in order of the first mention; their own `let`s too.
std::vector<datalog::VariableId> variables_of_actions(const datalog::Block& block);

// The rows that they modify or delete.
VariableSet changed_rows(const datalog::Block& block);

// Puts a variable in the place of each wildcard.
void name_columns(const datalog::RuleProgram& program, datalog::Rule& rule, datalog::Match& match);

}  // namespace entail::compiler::internal
