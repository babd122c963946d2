// Comparisons, three-valued logic, conditionals.

#include <utility>

#include "compiler/internal/arithmetic_kind.h"
#include "compiler/internal/emit_expression.h"

namespace entail::compiler::internal {

using datalog::Expression;
using datalog::ExpressionOp;
using vm::Opcode;
using vm::TypeKind;

namespace {

// Whether equal values may have different words.
bool is_displayed(vm::Type type) { return type == vm::Type::displayed_numeric(); }

bool needs_values(const Value& left, const Value& right) {
  return is_displayed(left.type) || is_displayed(right.type);
}

}  // namespace

std::uint16_t ExpressionEmitter::compare_values(const Value& left, const Value& right,
                                                std::uint16_t op) {
  const std::uint16_t result = f_.temporary();
  f_.emit(Opcode::kCompareValues, result, op, 0, batch_,
          f_.list({left.words[0], left.words[1], right.words[0], right.words[1]}),
          f_.owner().type_position(left.type));
  return result;
}

Value ExpressionEmitter::less(const Expression& expression, const Value& left, const Value& right,
                              bool or_equal) {
  const vm::Type type = left.type;
  const Arithmetic kind = arithmetic_of(type);
  std::uint16_t result = vm::kNoRegister;
  if (needs_values(left, right) || type.kind == TypeKind::kInterval ||
      type.kind == TypeKind::kArray) {
    result = compare_values(left, right, or_equal ? 1 : 0);
  } else if (is_byte_string(type.kind)) {
    result = binary(Opcode::kCompareText, left.words[0], right.words[0], or_equal ? 1 : 0);
  } else if (type.kind == TypeKind::kUuid) {
    const std::uint16_t high = binary(Opcode::kLtU, left.words[0], right.words[0]);
    const std::uint16_t equal = binary(Opcode::kEqWord, left.words[0], right.words[0]);
    const std::uint16_t low =
        binary(or_equal ? Opcode::kLeU : Opcode::kLtU, left.words[1], right.words[1]);
    result = binary(Opcode::kOr, high, binary(Opcode::kAnd, equal, low));
  } else if (type.kind == TypeKind::kDecimal && left.word_count() == 2) {
    result = f_.temporary();
    f_.emit(or_equal ? Opcode::kLeWide : Opcode::kLtWide, result, 0, 0, batch_,
            f_.list({left.words[0], left.words[1], right.words[0], right.words[1]}));
  } else if (is_float(kind) && expression.detail == datalog::kTotalOrder) {
    result = binary(Opcode::kOrderF, widen(left), widen(right), or_equal ? 1 : 0);
  } else if (is_float(kind)) {
    result = binary(or_equal ? Opcode::kLeF : Opcode::kLtF, widen(left), widen(right));
  } else if (kind == Arithmetic::kUnsigned) {
    result = binary(or_equal ? Opcode::kLeU : Opcode::kLtU, left.words[0], right.words[0]);
  } else if (kind != Arithmetic::kNone) {
    result = binary(or_equal ? Opcode::kLeI : Opcode::kLtI, left.words[0], right.words[0]);
  } else {
    return refused(expression, "an order of values of this type");
  }
  return finish(expression.type, result, {left, right});
}

Value ExpressionEmitter::comparison(const Expression& expression,
                                    const std::vector<Value>& arguments) {
  switch (expression.op) {
    case ExpressionOp::kLess:
    case ExpressionOp::kLessEqual:
      return less(expression, arguments[0], arguments[1],
                  expression.op == ExpressionOp::kLessEqual);
    case ExpressionOp::kGreater:
    case ExpressionOp::kGreaterEqual:
      return less(expression, arguments[1], arguments[0],
                  expression.op == ExpressionOp::kGreaterEqual);
    case ExpressionOp::kIsNull:
    case ExpressionOp::kIsNotNull: {
      Value value;
      value.type = expression.type;
      value.error = arguments[0].error;
      const std::uint16_t null = arguments[0].null == vm::kNoRegister ? zero() : arguments[0].null;
      value.words[0] = expression.op == ExpressionOp::kIsNull ? null : invert(null);
      return value;
    }
    case ExpressionOp::kIdentical:
    case ExpressionOp::kNotIdentical: {
      Value value;
      value.type = expression.type;
      value.error = merge_errors(arguments[0].error, arguments[1].error);
      std::uint16_t same = vm::kNoRegister;
      if (is_displayed(arguments[0].type) || is_displayed(arguments[1].type)) {
        // The words of a null compare as equal to everything: its flags decide.
        same = compare_values(arguments[0], arguments[1], 2);
        if (arguments[0].null != vm::kNoRegister || arguments[1].null != vm::kNoRegister) {
          const auto flag = [&](const Value& v) {
            return v.null == vm::kNoRegister ? zero() : v.null;
          };
          same = both(same, binary(Opcode::kEqWord, flag(arguments[0]), flag(arguments[1])));
        }
      } else {
        same = identical(arguments[0], arguments[1]);
      }
      value.words[0] = expression.op == ExpressionOp::kIdentical ? same : invert(same);
      return value;
    }
    default:
      break;
  }
  // Equal values have equal words.
  std::uint16_t result;
  const bool equal = expression.op == ExpressionOp::kEqual;
  if (needs_values(arguments[0], arguments[1])) {
    result = compare_values(arguments[0], arguments[1], equal ? 2 : 3);
  } else if (arguments[0].word_count() == 1) {
    result = binary(equal ? Opcode::kEqWord : Opcode::kNeWord, arguments[0].words[0],
                    arguments[1].words[0]);
  } else {
    result = both(binary(Opcode::kEqWord, arguments[0].words[0], arguments[1].words[0]),
                  binary(Opcode::kEqWord, arguments[0].words[1], arguments[1].words[1]));
    if (!equal) result = invert(result);
  }
  return finish(expression.type, result, arguments);
}

// Kleene's logic. The word of a null is 0, so "true" is the word and "possible" the word or the flag.
Value ExpressionEmitter::connective(const Expression& expression,
                                    const std::vector<Value>& arguments) {
  Value result;
  result.type = expression.type;
  if (expression.op == ExpressionOp::kNot) {
    const Value& argument = arguments[0];
    result.error = argument.error;
    result.null = argument.null;
    result.words[0] = invert(argument.words[0]);
    if (argument.null != vm::kNoRegister) {
      result.words[0] = both(result.words[0], invert(argument.null));
    }
    return result;
  }
  const bool conjunction = expression.op == ExpressionOp::kAnd;
  result = arguments[0];
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const Value left = result;
    const Value& right = arguments[i];
    result = Value{};
    result.words[0] =
        binary(conjunction ? Opcode::kAnd : Opcode::kOr, left.words[0], right.words[0]);
    const std::uint16_t either_null = merge_nulls({left, right});
    if (either_null != vm::kNoRegister && conjunction) {
      auto possible = [&](const Value& side) {
        return side.null == vm::kNoRegister ? side.words[0]
                                            : binary(Opcode::kOr, side.words[0], side.null);
      };
      result.null = both(either_null, both(possible(left), possible(right)));
    } else if (either_null != vm::kNoRegister) {
      result.null = both(either_null, invert(result.words[0]));
    }
    // The right side's failure does not count where the left one has decided.
    std::uint16_t right_error = right.error;
    if (right_error != vm::kNoRegister && left.null == vm::kNoRegister) {
      right_error = conjunction ? select(left.words[0], right_error, zero())
                                : select(left.words[0], zero(), right_error);
    }
    result.error = merge_errors(left.error, right_error);
  }
  result.type = expression.type;
  result.uniform = false;
  return result;
}

Value ExpressionEmitter::conditional(const std::vector<Value>& arguments) {
  const Value& condition = arguments[0];
  const Value& yes = arguments[1];
  const Value& no = arguments[2];
  const std::uint16_t chosen = condition.words[0];
  auto or_zero = [&](std::uint16_t number) { return number == vm::kNoRegister ? zero() : number; };
  Value result;
  result.words[0] = select(chosen, yes.words[0], no.words[0]);
  if (yes.word_count() == 2) result.words[1] = select(chosen, yes.words[1], no.words[1]);
  if (yes.null != vm::kNoRegister || no.null != vm::kNoRegister) {
    result.null = select(chosen, or_zero(yes.null), or_zero(no.null));
  }
  if (yes.error != vm::kNoRegister || no.error != vm::kNoRegister) {
    result.error = select(chosen, or_zero(yes.error), or_zero(no.error));
  }
  result.error = merge_errors(condition.error, result.error);
  return result;
}

}  // namespace entail::compiler::internal
