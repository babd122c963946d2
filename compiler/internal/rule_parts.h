// compiler/internal/rule_parts.h - what passes over rules have in common: making variables and their
// mentions, splicing bodies, telling what binds what.
//
// Threads: pure functions; a rule is its caller's alone. Cost: linear in what is looked at.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "datalog/rule_program.h"

namespace entail::compiler::internal {

using VariableSet = std::set<datalog::VariableId>;

// A mention of the rule's variable.
datalog::Expression variable_term(const datalog::Rule& rule, datalog::VariableId id);
datalog::Expression wildcard_term();

datalog::VariableId new_variable(datalog::Rule& rule, std::string name, vm::Type type,
                                 bool nullable, const datalog::SourceSpan& span);

// Each wanted Exists of the body gives way to its own literals, in its place; so do those that
// come to light. Heads are sets, so that how often the existence holds does not matter there.
void flatten_exists(datalog::Body& body,
                    const std::function<bool(const datalog::Exists&)>& is_wanted);

// Whether how often a row occurs changes a result.
bool counts_rows(const datalog::Reduce& reduce);

// The variables in order of their first occurrence, each once.
std::vector<datalog::VariableId> variables_in_order(const datalog::Body& body);

// What has a value once the literals of the body have matched, given some: by atoms, equations,
// generators and reductions. What only tests binds nothing.
VariableSet bound_variables(const datalog::Body& body, VariableSet given = {});

// Whether an expression of the literal may raise an error of the data. Reading a field is not among
// them: of the wrong record it is a word without meaning, which the guard before it drops.
bool raises(const datalog::Expression& expression);
bool raises(const datalog::Literal& literal);
bool raises(const datalog::Body& body);

// The rule with its variables numbered as they occur, and no others.
datalog::Rule compacted(const datalog::Rule& rule);

// Equal for compacted rules that differ in names, spans and the head's relation only.
std::string signature(const datalog::Rule& rule);

}  // namespace entail::compiler::internal
