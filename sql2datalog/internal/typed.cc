#include "sql2datalog/internal/typed.h"

#include <algorithm>
#include <utility>

namespace entail::sql2datalog::internal {

using datalog::Expression;
using datalog::ExpressionOp;

Expression constant_bool(bool value) {
  Expression e;
  e.op = ExpressionOp::kConstant;
  e.type = vm::Type::boolean();
  e.words[0] = value ? 1 : 0;
  return e;
}

Expression constant_int(vm::TypeKind kind, std::int64_t value) {
  Expression e;
  e.op = ExpressionOp::kConstant;
  e.type = vm::Type::of(kind);
  e.words[0] = static_cast<vm::Word>(value);
  return e;
}

Expression constant_text(std::string_view text) {
  Expression e;
  e.op = ExpressionOp::kConstant;
  e.type = vm::Type::text();
  e.text = text;
  return e;
}

Expression null_of(vm::Type type) {
  Expression e;
  e.op = ExpressionOp::kNull;
  e.type = type;
  e.nullable = true;
  return e;
}

namespace {

// Whether a null argument makes the result null, whatever the others are, computed or not.
bool is_strict(ExpressionOp op) {
  switch (op) {
    case ExpressionOp::kIsNull:
    case ExpressionOp::kIsNotNull:
    case ExpressionOp::kAnd:
    case ExpressionOp::kOr:
    case ExpressionOp::kIdentical:
    case ExpressionOp::kNotIdentical:
    case ExpressionOp::kCallFunction:  // See call_of().
    case ExpressionOp::kMakeArray:
    case ExpressionOp::kMinimum:
      return false;
    default:
      return true;
  }
}

bool has_null(const std::vector<Expression>& arguments) {
  return std::any_of(arguments.begin(), arguments.end(),
                     [](const Expression& argument) { return argument.op == ExpressionOp::kNull; });
}

}  // namespace

Expression op_of(ExpressionOp op, vm::Type type, std::vector<Expression> arguments) {
  if (is_strict(op) && has_null(arguments)) return null_of(type);
  Expression e;
  e.op = op;
  e.type = type;
  e.nullable = std::any_of(arguments.begin(), arguments.end(),
                           [](const Expression& argument) { return argument.nullable; });
  e.arguments = std::move(arguments);
  return e;
}

Expression call_of(vm::ScalarFunction function, vm::Type type, std::vector<Expression> arguments) {
  const vm::ScalarSignature& signature = vm::scalar_signature(function);
  if (signature.strict && has_null(arguments)) return null_of(type);
  Expression e = op_of(ExpressionOp::kCallFunction, type, std::move(arguments));
  e.detail = static_cast<std::uint32_t>(function);
  e.nullable = (signature.strict && e.nullable) || signature.can_be_null;
  return e;
}

Expression if_else(Expression condition, Expression then_value, Expression else_value) {
  Expression e;
  e.op = ExpressionOp::kIf;
  e.type = then_value.type;
  e.nullable = then_value.nullable || else_value.nullable;
  e.arguments.push_back(std::move(condition));
  e.arguments.push_back(std::move(then_value));
  e.arguments.push_back(std::move(else_value));
  return e;
}

Expression is_null(Expression value) {
  if (!value.nullable || value.op == ExpressionOp::kNull) return constant_bool(value.nullable);
  Expression e = op_of(ExpressionOp::kIsNull, vm::Type::boolean(), {std::move(value)});
  e.nullable = false;
  return e;
}

Expression is_not_null(Expression value) {
  if (!value.nullable || value.op == ExpressionOp::kNull) return constant_bool(!value.nullable);
  Expression e = op_of(ExpressionOp::kIsNotNull, vm::Type::boolean(), {std::move(value)});
  e.nullable = false;
  return e;
}

Expression is_true(Expression value) {
  if (!value.nullable) return value;
  if (value.op == ExpressionOp::kNull) return constant_bool(false);
  Expression e;
  e.op = ExpressionOp::kCoalesce;
  e.type = vm::Type::boolean();
  e.arguments.push_back(std::move(value));
  e.arguments.push_back(constant_bool(false));
  return e;
}

Expression logical_not(Expression value) {
  return op_of(ExpressionOp::kNot, vm::Type::boolean(), {std::move(value)});
}

Expression convert(Expression value, vm::Type type) {
  if (value.type == type) return value;
  if (value.op == ExpressionOp::kNull) return null_of(type);
  return op_of(ExpressionOp::kCast, type, {std::move(value)});
}

bool same(const Expression& left, const Expression& right) {
  return left.op == right.op && left.type == right.type && left.variable == right.variable &&
         left.detail == right.detail && left.branch == right.branch &&
         left.words[0] == right.words[0] && left.words[1] == right.words[1] &&
         left.text == right.text && left.arguments.size() == right.arguments.size() &&
         std::equal(left.arguments.begin(), left.arguments.end(), right.arguments.begin(),
                    [](const Expression& a, const Expression& b) { return same(a, b); });
}

bool is_constant(const Expression& e) {
  return e.op == ExpressionOp::kConstant || e.op == ExpressionOp::kNull;
}

const Expression& undisplayed(const Expression& e) {
  const bool shows = e.op == ExpressionOp::kCallFunction &&
                     e.detail == static_cast<std::uint32_t>(vm::ScalarFunction::kDisplayNumeric);
  const bool widens = e.op == ExpressionOp::kCast && e.type.kind == vm::TypeKind::kNumeric &&
                      e.arguments[0].type.kind == vm::TypeKind::kNumeric;
  return shows || widens ? undisplayed(e.arguments[0]) : e;
}

vm::Type stored(vm::Type type) {
  return type.kind == vm::TypeKind::kNumeric ? vm::Type::of(vm::TypeKind::kNumeric) : type;
}

Expression stored(Expression e) {
  if (e.type.kind != vm::TypeKind::kNumeric) return e;
  const Expression& plain = undisplayed(e);
  return convert(Expression(plain), vm::Type::of(vm::TypeKind::kNumeric));
}

Expression displayed(Expression e, SqlType type) {
  if (e.type.kind != vm::TypeKind::kNumeric || e.type == vm::Type::displayed_numeric()) return e;
  if (type.typmod < 0) return convert(std::move(e), vm::Type::displayed_numeric());
  const std::int32_t scale = std::max(numeric_scale(type.typmod), 0);
  return call_of(vm::ScalarFunction::kDisplayNumeric, vm::Type::displayed_numeric(),
                 {std::move(e), constant_int(vm::TypeKind::kInt4, scale)});
}

}  // namespace entail::sql2datalog::internal
