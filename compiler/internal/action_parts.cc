#include "compiler/internal/action_parts.h"

#include "datalog/body_walk.h"

namespace entail::compiler::internal {

using datalog::Branch;
using datalog::Expression;
using datalog::Statement;
using datalog::VariableId;

void walk_actions(const datalog::Block& block, const std::function<void(const Statement&)>& f) {
  for (const Statement& statement : block) {
    f(statement);
    if (const auto* branch = std::get_if<Branch>(&statement.node)) {
      if (branch->then_block) walk_actions(*branch->then_block, f);
      if (branch->else_block) walk_actions(*branch->else_block, f);
    } else if (const auto* each = std::get_if<datalog::ForEach>(&statement.node)) {
      walk_actions(*each->block, f);
    } else if (const auto* schedule = std::get_if<datalog::Schedule>(&statement.node)) {
      walk_actions(*schedule->block, f);
    }
  }
}

void walk_statement_expressions(const Statement& statement,
                                const std::function<void(const Expression&)>& f) {
  const auto walk = [&](const Expression& expression) {
    datalog::internal::walk_expression(expression, f);
  };
  if (const auto* change = std::get_if<datalog::Change>(&statement.node)) {
    for (const auto& value : change->values) {
      if (value) walk(*value);
    }
  } else if (const auto* let = std::get_if<datalog::Let>(&statement.node)) {
    walk(let->value);
  } else if (const auto* log = std::get_if<datalog::LogText>(&statement.node)) {
    for (const Expression& part : log->parts) walk(part);
  } else if (const auto* branch = std::get_if<Branch>(&statement.node)) {
    for (const datalog::Literal& literal : branch->condition) datalog::walk_expressions(literal, f);
  }
}

std::vector<VariableId> variables_of_actions(const datalog::Block& block) {
  std::vector<VariableId> result;
  VariableSet seen;
  const auto add = [&](VariableId variable) {
    if (seen.insert(variable).second) result.push_back(variable);
  };
  walk_actions(block, [&](const Statement& statement) {
    if (const auto* change = std::get_if<datalog::Change>(&statement.node)) {
      if (change->row) add(*change->row);
    }
    walk_statement_expressions(statement, [&](const Expression& expression) {
      if (expression.op == datalog::ExpressionOp::kVariable) add(expression.variable);
    });
    if (const auto* branch = std::get_if<Branch>(&statement.node)) {
      for (const datalog::Literal& literal : branch->condition) {
        datalog::walk_variables(literal, add);
      }
    }
  });
  return result;
}

VariableSet changed_rows(const datalog::Block& block) {
  VariableSet rows;
  walk_actions(block, [&](const Statement& statement) {
    const auto* change = std::get_if<datalog::Change>(&statement.node);
    if (change != nullptr && change->row) rows.insert(*change->row);
  });
  return rows;
}

void name_columns(const datalog::RuleProgram& program, datalog::Rule& rule, datalog::Match& match) {
  for (std::size_t i = 0; i < match.terms.size(); ++i) {
    if (match.terms[i].op != datalog::ExpressionOp::kWildcard) continue;
    const datalog::Column& column = program.relation(match.relation).columns[i];
    match.terms[i] = variable_term(
        rule, new_variable(rule, "_" + column.name, column.type, column.nullable, column.span));
  }
}

}  // namespace entail::compiler::internal
