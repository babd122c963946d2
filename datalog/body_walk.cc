#include "datalog/body_walk.h"

#include <algorithm>

#include "vm/scalar_functions.h"

namespace entail::datalog {

namespace {

bool is_float(vm::TypeKind kind) {
  return kind == vm::TypeKind::kFloat4 || kind == vm::TypeKind::kFloat8;
}

// Integers, whose conversions among themselves wrap.
bool is_wrapping(vm::TypeKind kind) {
  switch (kind) {
    case vm::TypeKind::kBool:
    case vm::TypeKind::kInt2:
    case vm::TypeKind::kInt4:
    case vm::TypeKind::kInt8:
    case vm::TypeKind::kNumber:
    case vm::TypeKind::kUnsigned:
    case vm::TypeKind::kEnum:
      return true;
    default:
      return false;
  }
}

bool conversion_can_fail(vm::Type from, vm::Type to) {
  if (from == to || to.kind == vm::TypeKind::kText) return false;
  const bool narrow = to.kind == vm::TypeKind::kInt2 || to.kind == vm::TypeKind::kInt4 ||
                      to.kind == vm::TypeKind::kInt8 || to.kind == vm::TypeKind::kEnum;
  if (is_wrapping(from.kind)) return narrow || (!is_wrapping(to.kind) && !is_float(to.kind));
  if (is_float(from.kind)) return !is_float(to.kind);
  return true;
}

// Arithmetic on dates, decimals and the like may leave their range.
bool is_total_number(vm::TypeKind kind) { return is_wrapping(kind) || is_float(kind); }

}  // namespace

bool operation_can_fail(const Expression& expression) {
  switch (expression.op) {
    case ExpressionOp::kDivide:
    case ExpressionOp::kModulo:
      return !is_float(expression.type.kind);
    case ExpressionOp::kPower:
    case ExpressionOp::kAdd:
    case ExpressionOp::kSubtract:
    case ExpressionOp::kMultiply:
    case ExpressionOp::kNegate:
      return !is_total_number(expression.type.kind);
    case ExpressionOp::kConvert:
      return expression.arguments.empty() ||
             conversion_can_fail(expression.arguments[0].type, expression.type);
    case ExpressionOp::kMatches:
      // A pattern that is a constant was compiled, and so checked, before.
      return expression.arguments.empty() || expression.arguments[0].op != ExpressionOp::kConstant;
    case ExpressionOp::kAddChecked:
    case ExpressionOp::kSubtractChecked:
    case ExpressionOp::kMultiplyChecked:
    case ExpressionOp::kDivideChecked:
    case ExpressionOp::kModuloChecked:
    case ExpressionOp::kNegateChecked:
      return true;
    case ExpressionOp::kCast:
      return expression.arguments.empty() ||
             vm::cast_can_fail(expression.arguments[0].type, expression.type);
    case ExpressionOp::kCallFunction:
      return vm::scalar_signature(static_cast<vm::ScalarFunction>(expression.detail)).can_fail;
    case ExpressionOp::kElement:
    case ExpressionOp::kField:
    case ExpressionOp::kCallExtern:
    case ExpressionOp::kDatePart:
      return true;
    default:
      return false;
  }
}

bool can_fail(const Expression& expression) {
  return operation_can_fail(expression) ||
         std::any_of(expression.arguments.begin(), expression.arguments.end(),
                     [](const Expression& argument) { return can_fail(argument); });
}

bool can_fail(const Body& body) {
  bool found = false;
  for (const Literal& literal : body) {
    walk_expressions(literal,
                     [&](const Expression& node) { found = found || operation_can_fail(node); });
  }
  return found;
}

bool can_fail(const Rule& rule) {
  return can_fail(rule.body) || std::any_of(rule.head.terms.begin(), rule.head.terms.end(),
                                            [](const Expression& term) { return can_fail(term); });
}

std::optional<ExpressionOp> mirrored(ExpressionOp op) {
  switch (op) {
    case ExpressionOp::kLess:
      return ExpressionOp::kGreater;
    case ExpressionOp::kLessEqual:
      return ExpressionOp::kGreaterEqual;
    case ExpressionOp::kGreater:
      return ExpressionOp::kLess;
    case ExpressionOp::kGreaterEqual:
      return ExpressionOp::kLessEqual;
    default:
      return std::nullopt;
  }
}

std::set<VariableId> variables_of(const Expression& expression) {
  std::set<VariableId> found;
  internal::walk_expression(expression, [&](const Expression& node) {
    if (node.op == ExpressionOp::kVariable) found.insert(node.variable);
  });
  return found;
}

std::set<VariableId> variables_of(const Literal& literal) {
  std::set<VariableId> found;
  walk_variables(literal, [&](VariableId variable) { found.insert(variable); });
  return found;
}

std::set<VariableId> variables_of(const Body& body) {
  std::set<VariableId> found;
  for (const Literal& literal : body) found.merge(variables_of(literal));
  return found;
}

std::set<VariableId> variables_of_arguments(const Aggregate& aggregate) {
  std::set<VariableId> found;
  if (aggregate.argument) found.merge(variables_of(*aggregate.argument));
  if (aggregate.condition) found.merge(variables_of(*aggregate.condition));
  if (aggregate.delimiter) found.merge(variables_of(*aggregate.delimiter));
  for (const OrderItem& item : aggregate.order) found.merge(variables_of(item.value));
  return found;
}

std::set<VariableId> exported_variables(const Literal& literal) {
  std::set<VariableId> found;
  auto add_match = [&](const Match& match) {
    for (const Expression& term : match.terms) {
      if (term.op == ExpressionOp::kVariable) found.insert(term.variable);
    }
    if (match.row) found.insert(*match.row);
  };
  if (const auto* match = std::get_if<Match>(&literal.node)) {
    add_match(*match);
  } else if (const auto* bind = std::get_if<Bind>(&literal.node)) {
    found.insert(bind->variable);
    if (bind->value.op == ExpressionOp::kVariable) found.insert(bind->value.variable);
  } else if (const auto* each = std::get_if<Each>(&literal.node)) {
    found.insert(each->variable);
  } else if (const auto* reduce = std::get_if<Reduce>(&literal.node)) {
    for (const GroupKey& key : reduce->keys) found.insert(key.result);
    for (const Aggregate& aggregate : reduce->aggregates) found.insert(aggregate.result);
  } else if (const auto* rank = std::get_if<Rank>(&literal.node)) {
    // A ranking keeps the rows of its body, so all of their variables are seen outside.
    for (const RankResult& result : rank->functions) found.insert(result.result);
    found.merge(variables_of(rank->body));
  } else if (const auto* window = std::get_if<Window>(&literal.node)) {
    add_match(window->match);
    if (window->bucket) found.insert(*window->bucket);
  } else if (const auto* pattern = std::get_if<Pattern>(&literal.node)) {
    for (const PatternValue& measure : pattern->measures) found.insert(measure.result);
  }
  return found;
}

}  // namespace entail::datalog
