#include "compiler/internal/emit_expression.h"

#include <utility>

#include "datalog/program_printer.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"

namespace entail::compiler::internal {

namespace {

using datalog::Expression;
using datalog::ExpressionOp;
using vm::Opcode;
using vm::TypeKind;

// How the machine computes with a type of one word.
enum class Arithmetic : std::uint8_t { kSigned, kUnsigned, kFloat8, kFloat4, kDecimal, kNone };

Arithmetic arithmetic_of(vm::Type type) {
  switch (type.kind) {
    case TypeKind::kUnsigned:
      return Arithmetic::kUnsigned;
    case TypeKind::kFloat8:
      return Arithmetic::kFloat8;
    case TypeKind::kFloat4:
      return Arithmetic::kFloat4;
    case TypeKind::kDecimal:
      return Arithmetic::kDecimal;
    case TypeKind::kBool:
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
    case TypeKind::kNumber:
    case TypeKind::kDate:
    case TypeKind::kTime:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
    case TypeKind::kEnum:
      return Arithmetic::kSigned;
    default:
      return Arithmetic::kNone;
  }
}

bool is_byte_string(TypeKind kind) {
  return kind == TypeKind::kText || kind == TypeKind::kBytes || kind == TypeKind::kJson ||
         kind == TypeKind::kNumeric;
}

std::uint32_t width_of(vm::Type type) {
  return type.width == 32 || type.kind == TypeKind::kInt4 ? 32 : 64;
}

bool is_float(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::kFloat8 || arithmetic == Arithmetic::kFloat4;
}

}  // namespace

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

// ---------------------------------------------------------------------------------------------------
// Comparisons and logic

Value ExpressionEmitter::less(const Expression& expression, const Value& left, const Value& right,
                              bool or_equal) {
  const vm::Type type = left.type;
  const Arithmetic kind = arithmetic_of(type);
  std::uint16_t result = vm::kNoRegister;
  if (is_byte_string(type.kind)) {
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
      const std::uint16_t same = identical(arguments[0], arguments[1]);
      value.words[0] = expression.op == ExpressionOp::kIdentical ? same : invert(same);
      return value;
    }
    default:
      break;
  }
  // Equal values have equal words.
  std::uint16_t result;
  const bool equal = expression.op == ExpressionOp::kEqual;
  if (arguments[0].word_count() == 1) {
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

// ---------------------------------------------------------------------------------------------------
// Text, conversions, records

Value ExpressionEmitter::text(const Expression& expression, const std::vector<Value>& arguments) {
  std::vector<std::uint16_t> words;
  for (const Value& argument : arguments) words.push_back(argument.words[0]);
  const std::uint16_t result = f_.temporary();
  auto call = [&](vm::TextFunction function) {
    f_.emit(Opcode::kTextCall, result, 0, 0, batch_, f_.list(words),
            static_cast<std::uint32_t>(function));
    return finish(expression.type, result, arguments);
  };
  switch (expression.op) {
    case ExpressionOp::kConcat:
      f_.emit(Opcode::kConcat, result, 0, 0, batch_, f_.list(words));
      break;
    case ExpressionOp::kLength:
      f_.emit(Opcode::kTextLength, result, words[0], 0, batch_);
      break;
    case ExpressionOp::kSubstring:
      // Out of range is a result, not an error; the operand is there for SQL.
      f_.emit(Opcode::kSubstring, result, words[0], 0, batch_, f_.list({words[1], words[2]}),
              result);
      break;
    case ExpressionOp::kContains:
      f_.emit(Opcode::kTextContains, result, words[0], words[1], batch_);
      break;
    case ExpressionOp::kMatches: {
      // Whether a text matches what is no regular expression is unknown: neither match() nor !match()
      // holds, as in Souffle.
      const std::uint16_t error = f_.temporary();
      f_.emit(Opcode::kTextMatches, result, words[0], words[1], batch_, error);
      Value value = finish(expression.type, result, arguments);
      const std::uint16_t unknown = unary(Opcode::kNonZero, error);
      value.null =
          value.null == vm::kNoRegister ? unknown : binary(Opcode::kOr, value.null, unknown);
      return value;
    }
    case ExpressionOp::kOrdinal:
      f_.emit(Opcode::kOrdinalOf, result, words[0], 0, batch_);
      return finish(expression.type, wrap(expression.type, result), arguments);
    case ExpressionOp::kLower:
      return call(vm::TextFunction::kLower);
    case ExpressionOp::kUpper:
      return call(vm::TextFunction::kUpper);
    case ExpressionOp::kTrim:
      return call(vm::TextFunction::kTrim);
    case ExpressionOp::kReplace:
      return call(vm::TextFunction::kReplace);
    case ExpressionOp::kStartsWith:
      return call(vm::TextFunction::kStartsWith);
    case ExpressionOp::kEndsWith:
      return call(vm::TextFunction::kEndsWith);
    default:
      return refused(expression, "this operation");
  }
  return finish(expression.type, result, arguments);
}

Value ExpressionEmitter::convert(const Expression& expression, const Value& argument) {
  if (argument.type == expression.type) return argument;
  if (argument.word_count() == 2 || vm::value_words(expression.type) == 2) {
    return refused(expression, "a conversion of a 16-byte value");
  }
  const std::uint16_t result = f_.temporary();
  const std::uint16_t error = f_.temporary();
  f_.emit(Opcode::kConvert, result, argument.words[0], error, batch_,
          f_.owner().type_position(argument.type), f_.owner().type_position(expression.type));
  return finish(expression.type, result, {argument}, error);
}

// The bits stay; a 32-bit value is extended as its new type wants it.
Value ExpressionEmitter::reinterpret(const Expression& expression, const Value& argument) {
  Value value = argument;
  value.type = expression.type;
  value.uniform = false;
  const bool from_zero_extended =
      argument.type.kind == TypeKind::kFloat4 ||
      (argument.type.kind == TypeKind::kUnsigned && argument.type.width == 32);
  const bool from_sign_extended =
      argument.type.kind == TypeKind::kInt4 ||
      (argument.type.kind == TypeKind::kNumber && argument.type.width == 32);
  const bool to_zero_extended =
      expression.type.kind == TypeKind::kFloat4 ||
      (expression.type.kind == TypeKind::kUnsigned && expression.type.width == 32);
  if (from_zero_extended && !to_zero_extended) {
    value.words[0] = wrap(vm::Type::number(32), value.words[0]);
  } else if (from_sign_extended && to_zero_extended) {
    value.words[0] = wrap(vm::Type::unsigned_number(32), value.words[0]);
  }
  return value;
}

Value ExpressionEmitter::make_compound(const Expression& expression,
                                       const std::vector<Value>& arguments) {
  const vm::TypeTable& types = f_.owner().rules().types;
  const vm::TypeId id = expression.type.detail;
  std::vector<std::uint16_t> words;
  std::vector<bool> nullable(arguments.size(), false);
  if (expression.op == ExpressionOp::kMakeVariant) {
    if (types.is_ordinal_adt(id)) {
      Value value;
      value.type = expression.type;
      value.words[0] = f_.constant(expression.detail);
      value.uniform = true;
      return value;
    }
    words.push_back(f_.constant(expression.detail));
    const auto& fields = types.adt_branches(id)[expression.detail].fields;
    for (std::size_t i = 0; i < fields.size(); ++i) nullable[i] = fields[i].nullable;
  } else if (expression.op == ExpressionOp::kMakeRecord) {
    const auto& fields = types.record_fields(id);
    for (std::size_t i = 0; i < fields.size(); ++i) nullable[i] = fields[i].nullable;
  } else {
    nullable.assign(arguments.size(), types.array_element_nullable(id));
  }
  Value result;
  result.type = expression.type;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Value& argument = arguments[i];
    words.push_back(argument.words[0]);
    if (argument.word_count() == 2) words.push_back(argument.words[1]);
    if (nullable[i]) words.push_back(argument.null == vm::kNoRegister ? zero() : argument.null);
    result.error = merge_errors(result.error, argument.error);
  }
  result.words[0] = f_.temporary();
  f_.emit(Opcode::kMakeRecord, result.words[0], 0, 0, batch_, f_.list(words),
          static_cast<std::uint32_t>(id));
  return result;
}

Value ExpressionEmitter::field(const Expression& expression, const Value& record) {
  const vm::TypeTable& types = f_.owner().rules().types;
  const vm::TypeId id = record.type.detail;
  const bool adt = record.type.kind == TypeKind::kAdt;
  const vm::FieldType& definition =
      adt ? types.adt_branches(id)[expression.branch].fields[expression.detail]
          : types.record_fields(id)[expression.detail];
  const std::uint32_t offset =
      types.layout(id, adt ? expression.branch : 0).field_offsets[expression.detail];
  auto load = [&](std::uint32_t position) {
    const std::uint16_t result = f_.temporary();
    f_.emit(Opcode::kRecordField, result, record.words[0], 0, batch_, position);
    return result;
  };
  Value value;
  value.type = expression.type;
  value.error = record.error;
  value.words[0] = load(offset);
  const unsigned count = vm::value_words(definition.type);
  if (count == 2) value.words[1] = load(offset + 1);
  if (definition.nullable) value.null = load(offset + count);
  if (record.null != vm::kNoRegister) {
    // Of no record there is no field: its words are 0 already, as those of nil are.
    value.null =
        value.null == vm::kNoRegister ? record.null : binary(Opcode::kOr, value.null, record.null);
  }
  return value;
}

}  // namespace entail::compiler::internal
