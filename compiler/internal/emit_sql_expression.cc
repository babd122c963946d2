// SQL's operations: arithmetic that fails where the result does not fit, calls of functions, casts.

#include <utility>

#include "compiler/internal/arithmetic_kind.h"
#include "compiler/internal/emit_expression.h"
#include "vm/scalar_functions.h"

namespace entail::compiler::internal {

using datalog::Expression;
using datalog::ExpressionOp;
using vm::Opcode;
using vm::ScalarFunction;
using vm::TypeKind;

namespace {

std::uint32_t bits_of(TypeKind kind) {
  return kind == TypeKind::kInt2 ? 16 : kind == TypeKind::kInt4 ? 32 : 64;
}

Opcode integer_opcode(ExpressionOp op) {
  switch (op) {
    case ExpressionOp::kAddChecked:
      return Opcode::kAddChecked;
    case ExpressionOp::kSubtractChecked:
      return Opcode::kSubChecked;
    case ExpressionOp::kMultiplyChecked:
      return Opcode::kMulChecked;
    case ExpressionOp::kDivideChecked:
      return Opcode::kDivChecked;
    case ExpressionOp::kModuloChecked:
      return Opcode::kModChecked;
    default:
      return Opcode::kNegChecked;
  }
}

std::uint32_t float_operation(ExpressionOp op) {
  switch (op) {
    case ExpressionOp::kAddChecked:
      return 0;
    case ExpressionOp::kSubtractChecked:
      return 1;
    case ExpressionOp::kMultiplyChecked:
      return 2;
    default:
      return 3;
  }
}

ScalarFunction numeric_function(ExpressionOp op) {
  switch (op) {
    case ExpressionOp::kAddChecked:
      return ScalarFunction::kAddNumeric;
    case ExpressionOp::kSubtractChecked:
      return ScalarFunction::kSubtractNumeric;
    case ExpressionOp::kMultiplyChecked:
      return ScalarFunction::kMultiplyNumeric;
    case ExpressionOp::kDivideChecked:
      return ScalarFunction::kDivideNumeric;
    case ExpressionOp::kModuloChecked:
      return ScalarFunction::kModuloNumeric;
    default:
      return ScalarFunction::kNegateNumeric;
  }
}

}  // namespace

Value ExpressionEmitter::checked(const Expression& expression,
                                 const std::vector<Value>& arguments) {
  const TypeKind kind = expression.type.kind;
  if (kind == TypeKind::kNumeric) {
    const ScalarFunction function = numeric_function(expression.op);
    vm::ScalarCallSite site{static_cast<std::uint16_t>(function), expression.type, {}};
    return call(std::move(site), false, vm::scalar_signature(function).can_fail, expression,
                arguments);
  }
  const bool floating = kind == TypeKind::kFloat4 || kind == TypeKind::kFloat8;
  const std::uint16_t result = f_.temporary();
  if (floating && expression.op == ExpressionOp::kNegateChecked) {
    f_.emit(Opcode::kNegF, result, widen(arguments[0]), 0, batch_);
    return finish(expression.type,
                  kind == TypeKind::kFloat4 ? unary(Opcode::kNarrowF32, result) : result,
                  arguments);
  }
  const std::uint16_t error = f_.temporary();
  const std::uint16_t right = arguments.size() > 1 ? arguments[1].words[0] : 0;
  if (floating) {
    const std::uint32_t operation =
        float_operation(expression.op) + (kind == TypeKind::kFloat4 ? 4 : 0);
    f_.emit(Opcode::kFloatChecked, result, arguments[0].words[0], right, batch_, error, operation);
  } else {
    f_.emit(integer_opcode(expression.op), result, arguments[0].words[0], right, batch_, error,
            bits_of(kind));
  }
  return finish(expression.type, result, arguments, error);
}

// From the last to the first: what a value hides does not fail either.
Value ExpressionEmitter::coalesce(const Expression& expression,
                                  const std::vector<Value>& arguments) {
  Value result = arguments.back();
  for (std::size_t i = arguments.size() - 1; i-- > 0;) {
    const Value& first = arguments[i];
    if (first.null == vm::kNoRegister) {
      result = first;
      continue;
    }
    Value chosen;
    chosen.words[0] = select(first.null, result.words[0], first.words[0]);
    if (first.word_count() == 2) {
      chosen.words[1] = select(first.null, result.words[1], first.words[1]);
    }
    if (result.null != vm::kNoRegister) chosen.null = both(first.null, result.null);
    std::uint16_t later = result.error;
    if (later != vm::kNoRegister) later = select(first.null, later, zero());
    chosen.error = merge_errors(first.error, later);
    result = chosen;
  }
  result.type = expression.type;
  result.uniform = false;
  return result;
}

Value ExpressionEmitter::call(vm::ScalarCallSite site, bool can_be_null, bool can_fail,
                              const Expression& expression, const std::vector<Value>& arguments) {
  Value result;
  result.type = expression.type;
  result.words[0] = f_.temporary();
  if (vm::value_words(expression.type) == 2) result.words[1] = f_.temporary();
  bool null = can_be_null;
  const bool strict = site.function == vm::kCastCall ||
                      vm::scalar_signature(static_cast<ScalarFunction>(site.function)).strict;
  for (const Value& argument : arguments) {
    null = null || (strict && argument.null != vm::kNoRegister);
  }
  if (null) result.null = f_.temporary();
  if (can_fail) result.error = f_.temporary();
  std::vector<std::uint16_t> list{result.words[1], result.null, result.error};
  for (const Value& argument : arguments) {
    site.arguments.push_back(argument.type);
    list.push_back(argument.words[0]);
    list.push_back(argument.words[1]);
    list.push_back(argument.null);
  }
  f_.emit(Opcode::kCallScalar, result.words[0], 0, 0, batch_, f_.list(list),
          f_.owner().call_site(std::move(site)));
  for (const Value& argument : arguments) {
    result.error = merge_errors(argument.error, result.error);
  }
  return result;
}

Value ExpressionEmitter::call_function(const Expression& expression,
                                       const std::vector<Value>& arguments) {
  const auto function = static_cast<ScalarFunction>(expression.detail);
  const vm::ScalarSignature& signature = vm::scalar_signature(function);
  return call({static_cast<std::uint16_t>(function), expression.type, {}}, signature.can_be_null,
              signature.can_fail, expression, arguments);
}

Value ExpressionEmitter::cast(const Expression& expression, const std::vector<Value>& arguments) {
  const vm::Type from = arguments[0].type, to = expression.type;
  const bool widens = (from.kind == TypeKind::kInt2 || from.kind == TypeKind::kInt4) &&
                      (to.kind == TypeKind::kInt4 || to.kind == TypeKind::kInt8) &&
                      from.kind <= to.kind;
  if (from == to || widens) {  // A sign-extended word is every wider integer's word.
    Value value = arguments[0];
    value.type = to;
    return value;
  }
  if (from.kind == TypeKind::kFloat4 && to.kind == TypeKind::kFloat8) {
    return finish(to, unary(Opcode::kWidenF32, arguments[0].words[0]), arguments);
  }
  return call({vm::kCastCall, to, {}}, false, vm::cast_can_fail(from, to), expression, arguments);
}

}  // namespace entail::compiler::internal
