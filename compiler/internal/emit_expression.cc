#include "compiler/internal/emit_expression.h"

#include <utility>

#include "compiler/internal/arithmetic_kind.h"
#include "datalog/program_printer.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"

namespace entail::compiler::internal {

using datalog::Expression;
using datalog::ExpressionOp;
using vm::Opcode;
using vm::TypeKind;

// ---------------------------------------------------------------------------------------------------
// Small parts

std::uint16_t ExpressionEmitter::binary(Opcode op, std::uint16_t left, std::uint16_t right,
                                        std::uint32_t e) {
  const std::uint16_t result = f_.temporary();
  f_.emit(op, result, left, right, batch_, e);
  return result;
}

std::uint16_t ExpressionEmitter::unary(Opcode op, std::uint16_t operand) {
  const std::uint16_t result = f_.temporary();
  f_.emit(op, result, operand, 0, batch_);
  return result;
}

std::uint16_t ExpressionEmitter::select(std::uint16_t condition, std::uint16_t yes,
                                        std::uint16_t no) {
  if (yes == no) return yes;
  return binary(Opcode::kSelect, yes, no, condition);
}

std::uint16_t ExpressionEmitter::both(std::uint16_t left, std::uint16_t right) {
  return left == right ? left : binary(Opcode::kAnd, left, right);
}

std::uint16_t ExpressionEmitter::invert(std::uint16_t flag) { return unary(Opcode::kNot01, flag); }

std::uint16_t ExpressionEmitter::merge_nulls(const std::vector<Value>& arguments) {
  std::uint16_t merged = vm::kNoRegister;
  for (const Value& argument : arguments) {
    if (argument.null == vm::kNoRegister) continue;
    merged = merged == vm::kNoRegister ? argument.null : binary(Opcode::kOr, merged, argument.null);
  }
  return merged;
}

std::uint16_t ExpressionEmitter::merge_errors(std::uint16_t left, std::uint16_t right) {
  if (left == vm::kNoRegister) return right;
  if (right == vm::kNoRegister) return left;
  return binary(Opcode::kMergeErrors, left, right);
}

Value ExpressionEmitter::finish(vm::Type type, std::uint16_t word,
                                const std::vector<Value>& arguments, std::uint16_t own_error,
                                std::uint16_t low_word) {
  Value result;
  result.type = type;
  result.null = merge_nulls(arguments);
  result.words = {word, low_word};
  if (result.null != vm::kNoRegister) {
    for (std::uint16_t& part : result.words) {
      if (ENTAIL_PLANT_BUG(32)) break;
      if (part != vm::kNoRegister) part = select(result.null, zero(), part);
    }
    if (own_error != vm::kNoRegister) own_error = select(result.null, zero(), own_error);
  }
  result.error = own_error;
  for (const Value& argument : arguments) result.error = merge_errors(argument.error, result.error);
  return result;
}

std::uint16_t ExpressionEmitter::wrap(vm::Type type, std::uint16_t word) {
  switch (type.kind) {
    case TypeKind::kInt4:
      return unary(Opcode::kWrap32I, word);
    case TypeKind::kNumber:
      return type.width == 32 ? unary(Opcode::kWrap32I, word) : word;
    case TypeKind::kUnsigned:
      return type.width == 32 ? unary(Opcode::kWrap32U, word) : word;
    case TypeKind::kInt2: {
      const std::uint16_t high = binary(Opcode::kShlI, word, f_.constant(48), 64);
      return binary(Opcode::kShrI, high, f_.constant(48), 64);
    }
    default:
      return word;
  }
}

std::uint16_t ExpressionEmitter::widen(const Value& value) {
  return value.type.kind == TypeKind::kFloat4 ? unary(Opcode::kWidenF32, value.words[0])
                                              : value.words[0];
}

Value ExpressionEmitter::refused(const Expression& expression, const std::string& what) {
  f_.owner().refuse(what + " in rule '" + f_.rule().name + "' is not executed yet: " +
                    datalog::print_expression(f_.owner().rules(), f_.rule(), expression));
  Value value;
  value.type = expression.type;
  value.words[0] = zero();
  if (vm::value_words(expression.type) == 2) value.words[1] = zero();
  return value;
}

std::uint16_t ExpressionEmitter::identical(const Value& left, const Value& right) {
  std::uint16_t same = binary(Opcode::kEqWord, left.words[0], right.words[0]);
  if (left.word_count() == 2) {
    same = both(same, binary(Opcode::kEqWord, left.words[1], right.words[1]));
  }
  if (ENTAIL_PLANT_BUG(7)) return same;
  if (left.null != vm::kNoRegister || right.null != vm::kNoRegister) {
    const std::uint16_t left_null = left.null == vm::kNoRegister ? zero() : left.null;
    const std::uint16_t right_null = right.null == vm::kNoRegister ? zero() : right.null;
    same = both(same, binary(Opcode::kEqWord, left_null, right_null));
  }
  return same;
}

Value ExpressionEmitter::constant_value(const Expression& expression) {
  Value value;
  value.type = expression.type;
  value.uniform = true;
  const unsigned words = vm::value_words(expression.type);
  if (expression.op == ExpressionOp::kNull) {
    value.words[0] = zero();
    if (words == 2) value.words[1] = zero();
    value.null = one();
    return value;
  }
  if (is_byte_string(expression.type.kind)) {
    value.words[0] = f_.constant(f_.owner().text_constant(expression.text));
    return value;
  }
  value.words[0] = f_.constant(expression.words[0]);
  if (words == 2) value.words[1] = f_.constant(expression.words[1]);
  return value;
}

// ---------------------------------------------------------------------------------------------------
// The tree

Value ExpressionEmitter::emit(const Expression& expression) {
  const std::size_t mark = f_.temporaries();
  const Value value = emit_node(expression);
  std::vector<std::uint16_t> kept(value.words.begin(), value.words.end());
  kept.push_back(value.null);
  kept.push_back(value.error);
  f_.keep_temporaries(mark, kept);
  return value;
}

Value ExpressionEmitter::emit_node(const Expression& expression) {
  switch (expression.op) {
    case ExpressionOp::kVariable: {
      Value value = variable_(expression.variable);
      value.type = expression.type;
      return value;
    }
    case ExpressionOp::kConstant:
    case ExpressionOp::kNull:
      return constant_value(expression);
    case ExpressionOp::kParameter: {
      Value value;
      value.type = expression.type;
      const auto words = static_cast<std::uint16_t>(vm::value_words(expression.type));
      for (std::uint16_t w = 0; w < words; ++w) {
        value.words[w] = f_.parameter(expression.detail, w);
      }
      value.null = f_.parameter(expression.detail, words);
      value.uniform = true;
      return value;
    }
    case ExpressionOp::kWildcard:
      ENTAIL_UNREACHABLE("a wildcard is a term of a match only");
    case ExpressionOp::kAutoIncrement: {
      f_.fragment().single_worker = true;
      Value value;
      value.type = expression.type;
      const std::uint16_t number = f_.temporary();
      f_.emit(Opcode::kAutoIncrement, number, 0, 0, batch_);
      value.words[0] = wrap(expression.type, number);
      return value;
    }
    case ExpressionOp::kNow:
      return refused(expression, "now()");
    case ExpressionOp::kCallExtern:
      return refused(expression, "a user-defined functor");
    default:
      break;
  }
  std::vector<Value> arguments;
  for (const Expression& argument : expression.arguments) arguments.push_back(emit(argument));

  switch (expression.op) {
    case ExpressionOp::kAdd:
    case ExpressionOp::kSubtract:
    case ExpressionOp::kMultiply:
    case ExpressionOp::kPower:
    case ExpressionOp::kNegate:
    case ExpressionOp::kBitAnd:
    case ExpressionOp::kBitOr:
    case ExpressionOp::kBitXor:
    case ExpressionOp::kBitNot:
    case ExpressionOp::kLogicalAnd:
    case ExpressionOp::kLogicalOr:
    case ExpressionOp::kLogicalXor:
    case ExpressionOp::kLogicalNot:
      return arithmetic(expression, arguments);
    case ExpressionOp::kDivide:
    case ExpressionOp::kModulo:
      return divide(expression, arguments);
    case ExpressionOp::kShiftLeft:
    case ExpressionOp::kShiftRight:
    case ExpressionOp::kShiftRightUnsigned:
      return shift(expression, arguments);
    case ExpressionOp::kMinimum:
    case ExpressionOp::kMaximum:
      return extremum(expression, arguments);
    case ExpressionOp::kEqual:
    case ExpressionOp::kNotEqual:
    case ExpressionOp::kLess:
    case ExpressionOp::kLessEqual:
    case ExpressionOp::kGreater:
    case ExpressionOp::kGreaterEqual:
    case ExpressionOp::kIdentical:
    case ExpressionOp::kNotIdentical:
    case ExpressionOp::kIsNull:
    case ExpressionOp::kIsNotNull:
      return comparison(expression, arguments);
    case ExpressionOp::kAnd:
    case ExpressionOp::kOr:
    case ExpressionOp::kNot:
      return connective(expression, arguments);
    case ExpressionOp::kIf: {
      Value value = conditional(arguments);
      value.type = expression.type;
      return value;
    }
    case ExpressionOp::kConvert:
      return convert(expression, arguments[0]);
    case ExpressionOp::kAddChecked:
    case ExpressionOp::kSubtractChecked:
    case ExpressionOp::kMultiplyChecked:
    case ExpressionOp::kDivideChecked:
    case ExpressionOp::kModuloChecked:
    case ExpressionOp::kNegateChecked:
      return checked(expression, arguments);
    case ExpressionOp::kCoalesce:
      return coalesce(expression, arguments);
    case ExpressionOp::kCast:
      return cast(expression, arguments);
    case ExpressionOp::kCallFunction:
      return call_function(expression, arguments);
    case ExpressionOp::kReinterpret:
      return reinterpret(expression, arguments[0]);
    case ExpressionOp::kMakeRecord:
    case ExpressionOp::kMakeVariant:
    case ExpressionOp::kMakeArray:
      return make_compound(expression, arguments);
    case ExpressionOp::kField:
      return field(expression, arguments[0]);
    case ExpressionOp::kIsBranch: {
      const vm::Type type = arguments[0].type;
      std::uint16_t branch = arguments[0].words[0];
      if (f_.owner().rules().types.is_handle(type)) {
        branch = f_.temporary();
        f_.emit(Opcode::kRecordField, branch, arguments[0].words[0], 0, batch_, 0);
      }
      return finish(expression.type,
                    binary(Opcode::kEqWord, branch, f_.constant(expression.detail)), arguments);
    }
    case ExpressionOp::kIsNil:
      return finish(expression.type, binary(Opcode::kEqWord, arguments[0].words[0], zero()),
                    arguments);
    case ExpressionOp::kElement: {
      if (vm::words_of(expression.type, expression.nullable) != 1) {
        return refused(expression, "an element of more than one word");
      }
      const std::uint16_t result = f_.temporary();
      const std::uint16_t error = f_.temporary();
      f_.emit(Opcode::kArrayElement, result, arguments[0].words[0], arguments[1].words[0], batch_,
              error);
      return finish(expression.type, result, arguments, error);
    }
    case ExpressionOp::kDatePart: {
      const std::uint16_t result = f_.temporary();
      f_.emit(Opcode::kDatePart, result, arguments[0].words[0], 0, batch_, expression.detail,
              f_.owner().type_position(arguments[0].type));
      return finish(expression.type, result, arguments);
    }
    default:
      return text(expression, arguments);
  }
}

// ---------------------------------------------------------------------------------------------------
// Arithmetic

Value ExpressionEmitter::wide_arithmetic(const Expression& expression,
                                         const std::vector<Value>& arguments) {
  const bool add = expression.op == ExpressionOp::kAdd;
  if (expression.type.kind != TypeKind::kDecimal ||
      (!add && expression.op != ExpressionOp::kSubtract)) {
    return refused(expression, "this arithmetic on a value of 16 bytes");
  }
  const std::uint16_t high = f_.temporary();
  const std::uint16_t low = f_.temporary();
  f_.emit(add ? Opcode::kAddWide : Opcode::kSubWide, 0, 0, 0, batch_,
          f_.list({high, low, arguments[0].words[0], arguments[0].words[1], arguments[1].words[0],
                   arguments[1].words[1]}));
  return finish(expression.type, high, arguments, vm::kNoRegister, low);
}

Value ExpressionEmitter::arithmetic(const Expression& expression,
                                    const std::vector<Value>& arguments) {
  if (arguments[0].word_count() == 2) return wide_arithmetic(expression, arguments);
  const vm::Type type = expression.type;
  const Arithmetic kind = arithmetic_of(type);
  if (kind == Arithmetic::kNone) return refused(expression, "this arithmetic");
  const std::uint16_t left = widen(arguments[0]);
  const std::uint16_t right = arguments.size() > 1 ? widen(arguments[1]) : vm::kNoRegister;
  const bool floating = is_float(kind);
  const bool is_unsigned = kind == Arithmetic::kUnsigned;
  std::uint16_t own_error = vm::kNoRegister;
  std::uint16_t result = vm::kNoRegister;
  switch (expression.op) {
    case ExpressionOp::kAdd:
      result = binary(floating ? Opcode::kAddF : Opcode::kAddI, left, right);
      break;
    case ExpressionOp::kSubtract:
      result = binary(floating ? Opcode::kSubF : Opcode::kSubI, left, right);
      break;
    case ExpressionOp::kMultiply:
      if (kind == Arithmetic::kDecimal) {
        result = f_.temporary();
        own_error = f_.temporary();
        f_.emit(Opcode::kMulDecimal, result, left, right, batch_, own_error, type.scale);
      } else {
        result = binary(floating ? Opcode::kMulF : Opcode::kMulI, left, right);
      }
      break;
    case ExpressionOp::kPower:
      if (kind == Arithmetic::kDecimal) return refused(expression, "a power of decimals");
      result = binary(floating      ? Opcode::kPowF
                      : is_unsigned ? Opcode::kPowU
                                    : Opcode::kPowI,
                      left, right);
      break;
    case ExpressionOp::kNegate:
      result = unary(floating ? Opcode::kNegF : Opcode::kNegI, left);
      break;
    case ExpressionOp::kBitAnd:
      result = binary(Opcode::kAnd, left, right);
      break;
    case ExpressionOp::kBitOr:
      result = binary(Opcode::kOr, left, right);
      break;
    case ExpressionOp::kBitXor:
      result = binary(Opcode::kXor, left, right);
      break;
    case ExpressionOp::kBitNot:
      result = unary(Opcode::kComplement, left);
      break;
    case ExpressionOp::kLogicalNot:
      return finish(type, unary(Opcode::kNot01, unary(Opcode::kNonZero, left)), arguments);
    default: {  // kLogicalAnd, kLogicalOr, kLogicalXor
      const std::uint16_t a = unary(Opcode::kNonZero, left);
      const std::uint16_t b = unary(Opcode::kNonZero, right);
      const Opcode op = expression.op == ExpressionOp::kLogicalAnd  ? Opcode::kAnd
                        : expression.op == ExpressionOp::kLogicalOr ? Opcode::kOr
                                                                    : Opcode::kXor;
      return finish(type, binary(op, a, b), arguments);
    }
  }
  result = kind == Arithmetic::kFloat4 ? unary(Opcode::kNarrowF32, result) : wrap(type, result);
  return finish(type, result, arguments, own_error);
}

Value ExpressionEmitter::divide(const Expression& expression, const std::vector<Value>& arguments) {
  if (arguments[0].word_count() == 2) return refused(expression, "division of 16-byte values");
  const vm::Type type = expression.type;
  const Arithmetic kind = arithmetic_of(type);
  const bool modulo = expression.op == ExpressionOp::kModulo;
  if (kind == Arithmetic::kNone || (kind == Arithmetic::kDecimal && modulo)) {
    return refused(expression, "this division");
  }
  const std::uint16_t left = widen(arguments[0]);
  const std::uint16_t right = widen(arguments[1]);
  if (is_float(kind)) {
    std::uint16_t result = binary(modulo ? Opcode::kModF : Opcode::kDivF, left, right);
    if (kind == Arithmetic::kFloat4) result = unary(Opcode::kNarrowF32, result);
    return finish(type, result, arguments);
  }
  const std::uint16_t result = f_.temporary();
  const std::uint16_t error = f_.temporary();
  if (kind == Arithmetic::kDecimal) {
    f_.emit(Opcode::kDivDecimal, result, left, right, batch_, error, type.scale);
    return finish(type, result, arguments, error);
  }
  const Opcode op = kind == Arithmetic::kUnsigned ? (modulo ? Opcode::kModU : Opcode::kDivU)
                                                  : (modulo ? Opcode::kModI : Opcode::kDivI);
  f_.emit(op, result, left, right, batch_, error);
  return finish(type, wrap(type, result), arguments, error);
}

Value ExpressionEmitter::shift(const Expression& expression, const std::vector<Value>& arguments) {
  const vm::Type type = expression.type;
  const bool logical =
      expression.op == ExpressionOp::kShiftRightUnsigned ||
      (expression.op == ExpressionOp::kShiftRight && type.kind == TypeKind::kUnsigned);
  const Opcode op = expression.op == ExpressionOp::kShiftLeft ? Opcode::kShlI
                    : logical                                 ? Opcode::kShrU
                                                              : Opcode::kShrI;
  const std::uint16_t result =
      binary(op, arguments[0].words[0], arguments[1].words[0], width_of(type));
  return finish(type, wrap(type, result), arguments);
}

Value ExpressionEmitter::extremum(const Expression& expression,
                                  const std::vector<Value>& arguments) {
  const vm::Type type = expression.type;
  const bool least = expression.op == ExpressionOp::kMinimum;
  const Arithmetic kind = arithmetic_of(type);
  Opcode op = least ? Opcode::kMinI : Opcode::kMaxI;
  if (is_byte_string(type.kind)) {
    op = least ? Opcode::kMinText : Opcode::kMaxText;
  } else if (is_float(kind)) {
    op = least ? Opcode::kMinF : Opcode::kMaxF;
  } else if (kind == Arithmetic::kUnsigned) {
    op = least ? Opcode::kMinU : Opcode::kMaxU;
  } else if (kind == Arithmetic::kNone || vm::value_words(type) == 2) {
    return refused(expression, "a minimum or maximum of this type");
  }
  std::uint16_t result = widen(arguments[0]);
  for (std::size_t i = 1; i < arguments.size(); ++i)
    result = binary(op, result, widen(arguments[i]));
  if (kind == Arithmetic::kFloat4) result = unary(Opcode::kNarrowF32, result);
  return finish(type, result, arguments);
}

}  // namespace entail::compiler::internal
