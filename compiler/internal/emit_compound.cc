// Text, conversions, records, variants and arrays.

#include <utility>

#include "compiler/internal/arithmetic_kind.h"
#include "compiler/internal/emit_expression.h"

namespace entail::compiler::internal {

using datalog::Expression;
using datalog::ExpressionOp;
using vm::Opcode;
using vm::TypeKind;

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
