// Expressions: Emitter, second part.
#include <algorithm>
#include <utility>

#include "datalog/internal/emitter.h"
#include "datalog/internal/literals.h"

namespace entail::datalog {
namespace {

using grammar::CompareOp;
using vm::TypeKind;

ExpressionOp op_of(CompareOp op) {
  switch (op) {
    case CompareOp::kEqual:
      return ExpressionOp::kEqual;
    case CompareOp::kNotEqual:
      return ExpressionOp::kNotEqual;
    case CompareOp::kLess:
      return ExpressionOp::kLess;
    case CompareOp::kLessEqual:
      return ExpressionOp::kLessEqual;
    case CompareOp::kGreater:
      return ExpressionOp::kGreater;
    case CompareOp::kGreaterEqual:
      return ExpressionOp::kGreaterEqual;
  }
  return ExpressionOp::kEqual;
}

}  // namespace

Expression Emitter::unary(ExpressionOp op, Expression argument, vm::Type type,
                          grammar::SourceSpan span) {
  Expression result;
  result.op = op;
  result.type = type;
  result.nullable = argument.nullable;
  result.span = span;
  result.arguments.push_back(std::move(argument));
  return result;
}

Expression Emitter::negation(Expression argument) {
  const grammar::SourceSpan span = argument.span;
  return unary(ExpressionOp::kNot, std::move(argument), vm::Type::boolean(), span);
}

Expression Emitter::constant_bool(bool value, grammar::SourceSpan span) {
  Expression result;
  result.op = ExpressionOp::kConstant;
  result.type = vm::Type::boolean();
  result.words[0] = vm::bool_word(value);
  result.span = span;
  return result;
}

Expression Emitter::compared(ExpressionOp op, Expression left, Expression right,
                             grammar::SourceSpan span) {
  Expression result;
  result.op = op;
  result.type = vm::Type::boolean();
  const bool never_null = op == ExpressionOp::kIdentical || op == ExpressionOp::kNotIdentical;
  result.nullable = !never_null && (left.nullable || right.nullable);
  result.span = span;
  result.arguments.push_back(std::move(left));
  result.arguments.push_back(std::move(right));
  return result;
}

// The value as one of `type`; both have the same root.
Expression Emitter::convert(Expression value, vm::Type type) {
  if (value.type == type) return value;
  if (value.op == ExpressionOp::kNull) {
    value.type = type;
    return value;
  }
  const grammar::SourceSpan span = value.span;
  return unary(ExpressionOp::kConvert, std::move(value), type, span);
}

Expression Emitter::reinterpret(Expression value, vm::Type type) {
  if (value.type == type) return value;
  const grammar::SourceSpan span = value.span;
  return unary(ExpressionOp::kReinterpret, std::move(value), type, span);
}

Expression Emitter::boolean(const CoreCondition& condition) {
  switch (condition.kind) {
    case ConditionKind::kCompare: {
      const auto [left, right] = operands(condition.args[0], condition.args[1]);
      return compared(op_of(condition.compare), left, right, condition.span);
    }
    case ConditionKind::kTest:
      return expression(condition.args[0]);
    case ConditionKind::kConstant:
      return constant_bool(condition.value, condition.span);
    case ConditionKind::kNullTest: {
      Expression test = unary(condition.value ? ExpressionOp::kIsNull : ExpressionOp::kIsNotNull,
                              expression(condition.args[0]), vm::Type::boolean(), condition.span);
      test.nullable = false;
      return test;
    }
    case ConditionKind::kInList: {
      std::vector<Expression> alternatives;
      for (std::size_t i = 1; i < condition.args.size(); ++i) {
        auto [left, right] = operands(condition.args[0], condition.args[i]);
        alternatives.push_back(
            compared(ExpressionOp::kEqual, std::move(left), std::move(right), condition.span));
      }
      if (alternatives.empty()) return constant_bool(false, condition.span);
      return joined(ExpressionOp::kOr, std::move(alternatives), condition.span);
    }
    case ConditionKind::kInRange: {
      auto [low_left, low_right] = operands(condition.args[0], condition.args[1]);
      auto [high_left, high_right] = operands(condition.args[0], condition.args[2]);
      std::vector<Expression> both;
      both.push_back(
          compared(condition.low_included ? ExpressionOp::kGreaterEqual : ExpressionOp::kGreater,
                   std::move(low_left), std::move(low_right), condition.span));
      both.push_back(
          compared(condition.high_included ? ExpressionOp::kLessEqual : ExpressionOp::kLess,
                   std::move(high_left), std::move(high_right), condition.span));
      return joined(ExpressionOp::kAnd, std::move(both), condition.span);
    }
    case ConditionKind::kNot:
      return negation(boolean(condition.body.front()));
    case ConditionKind::kAnd:
    case ConditionKind::kOr: {
      std::vector<Expression> parts;
      for (const CoreCondition& part : condition.body) parts.push_back(boolean(part));
      return joined(condition.kind == ConditionKind::kAnd ? ExpressionOp::kAnd : ExpressionOp::kOr,
                    std::move(parts), condition.span);
    }
    default:
      break;
  }
  return constant_bool(true, condition.span);
}

Expression Emitter::joined(ExpressionOp op, std::vector<Expression> parts,
                           grammar::SourceSpan span) {
  Expression result = std::move(parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) {
    Expression next;
    next.op = op;
    next.type = vm::Type::boolean();
    next.nullable = result.nullable || parts[i].nullable;
    next.span = span;
    next.arguments.push_back(std::move(result));
    next.arguments.push_back(std::move(parts[i]));
    result = std::move(next);
  }
  return result;
}

// Two terms as values of one type.
std::pair<Expression, Expression> Emitter::operands(const CoreTerm& left, const CoreTerm& right) {
  const bool left_literal = left.kind == TermKind::kLiteral;
  const bool right_literal = right.kind == TermKind::kLiteral;
  vm::Type type = left_literal && !right_literal ? type_of(right) : type_of(left);
  if (!left_literal && !right_literal && is_decimal(type) && is_decimal(type_of(right)))
    type = common_decimal(type, type_of(right));
  if (is_decimal(type) && left_literal != right_literal) {
    // A literal with more digits than the other side must not lose them.
    const CoreTerm& literal = left_literal ? left : right;
    std::string problem;
    if (digits_behind_point(literal.text) > type.scale ||
        !read_literal(literal.literal, literal.text, type, environment_.program.types, problem)) {
      type = vm::Type::decimal(digits_for(type, type),
                               std::max<unsigned>(type.scale, digits_behind_point(literal.text)));
    }
  }
  return {expression(left, type), expression(right, type)};
}

Expression Emitter::expression(const CoreTerm& term, std::optional<vm::Type> wanted) {
  Expression result = raw(term, wanted);
  result.span = term.span;
  return wanted ? convert(std::move(result), *wanted) : result;
}

Expression Emitter::raw(const CoreTerm& term, std::optional<vm::Type> wanted) {
  switch (term.kind) {
    case TermKind::kVariable: {
      Expression value = read(VariableId{term.variable}, term.span);
      if (value.nullable && is_proven_not_null(term.variable) && wanted && !is_proof_) {
        // A filter has shown that there is a value: the conversion only drops the flag.
        value = unary(ExpressionOp::kConvert, std::move(value), rule_.variables[term.variable].type,
                      term.span);
        value.nullable = false;
      }
      return value;
    }
    case TermKind::kWildcard:
      break;
    case TermKind::kLiteral:
      return constant(term, wanted);
    case TermKind::kCounter: {
      Expression counter;
      counter.op = ExpressionOp::kAutoIncrement;
      counter.type = slot_type(term.slot).kind == TypeKind::kNumber
                         ? slot_type(term.slot)
                         : vm::Type::number(environment_.program.number_bits);
      return counter;
    }
    case TermKind::kCall:
      return call(term);
    case TermKind::kRecord:
      return record(term, wanted);
    case TermKind::kVariant: {
      const BranchRef& ref = environment_.branches.at(term.name);
      Expression made;
      made.op = ExpressionOp::kMakeVariant;
      made.type = environment_.types.at(ref.type).type;
      made.detail = static_cast<std::uint32_t>(ref.ordinal);
      const auto fields =
          environment_.program.types.adt_branches(made.type.detail)[ref.ordinal].fields;
      for (std::size_t i = 0; i < term.args.size(); ++i)
        made.arguments.push_back(expression(term.args[i], fields[i].type));
      return made;
    }
    case TermKind::kCast: {
      const vm::Type type = environment_.types.at(term.type).type;
      const CoreTerm& value = term.args[0];
      if (value.kind == TermKind::kLiteral && slot_type(value.slot).kind == type.kind)
        return constant(value, type);
      return reinterpret(expression(value), type);
    }
    case TermKind::kTyped:
      return expression(term.args[0], term.exact.value_or(environment_.types.at(term.type).type));
    case TermKind::kAggregate: {
      const VariableId variable = fresh(term.name, aggregate_type(term), false, term.span);
      reduce(term, variable);
      return read(variable, term.span);
    }
    case TermKind::kIf: {
      Expression made;
      made.op = ExpressionOp::kIf;
      made.type = wanted ? *wanted : type_of(term);
      made.arguments.push_back(boolean(term.condition.front()));
      made.arguments.push_back(expression(term.args[0], made.type));
      made.arguments.push_back(expression(term.args[1], made.type));
      made.nullable = made.arguments[1].nullable || made.arguments[2].nullable;
      return made;
    }
  }
  Expression nothing;
  nothing.type = slot_type(term.slot);
  return nothing;
}

Expression Emitter::constant(const CoreTerm& term, std::optional<vm::Type> wanted) {
  vm::Type type = slot_type(term.slot);
  if (types_.literals[term.slot]) {
    type = environment_.types.at(environment_.types.primitive_of(*types_.literals[term.slot])).type;
  }
  // The place decides between types of one root, and for null and nil, which have none.
  const bool open =
      term.literal == grammar::LiteralKind::kNull || term.literal == grammar::LiteralKind::kNil;
  if (wanted && (open || wanted->kind == type.kind)) type = *wanted;
  std::string problem;
  auto made = read_literal(term.literal, term.text, type, environment_.program.types, problem);
  if (!made) {
    environment_.diagnostics.error(term.span, problem);
    made.emplace();
    made->op = ExpressionOp::kConstant;
    made->type = type;
  }
  made->span = term.span;
  return std::move(*made);
}

Expression Emitter::record(const CoreTerm& term, std::optional<vm::Type> wanted) {
  Expression made;
  made.type = wanted && (wanted->kind == TypeKind::kRecord || wanted->kind == TypeKind::kArray)
                  ? *wanted
                  : slot_type(term.slot);
  if (made.type.kind == TypeKind::kArray) {
    made.op = ExpressionOp::kMakeArray;
    const vm::Type element = environment_.program.types.array_element(made.type.detail);
    for (const CoreTerm& arg : term.args) made.arguments.push_back(expression(arg, element));
    return made;
  }
  made.op = ExpressionOp::kMakeRecord;
  const auto fields = environment_.program.types.record_fields(made.type.detail);
  for (std::size_t i = 0; i < term.args.size(); ++i)
    made.arguments.push_back(expression(term.args[i], fields[i].type));
  return made;
}

Expression Emitter::call(const CoreTerm& term) {
  if (is_generator(term.functor)) {
    const VariableId variable = fresh("range", type_of(term), false, term.span);
    generate(term, variable);
    return read(variable, term.span);
  }
  const Signature& signature = *types_.signatures[term.slot];
  const SourceTypeId result_type = environment_.types.primitive_of(signature.result);
  Expression made;
  made.op = signature.op;
  if (signature.function) made.detail = static_cast<std::uint32_t>(*signature.function);
  made.span = term.span;
  made.type = is_decimal(environment_.types.at(result_type).type)
                  ? type_of(term)
                  : environment_.types.at(result_type).type;
  for (std::size_t i = 0; i < term.args.size(); ++i) {
    const Root root = signature.params[signature.variadic ? 0 : i];
    std::optional<vm::Type> wanted;
    if (environment_.types.primitive_of(root) != kNoSourceType)
      wanted = environment_.types.at(environment_.types.primitive_of(root)).type;
    if (wanted && is_decimal(*wanted))
      wanted = is_decimal(made.type) ? made.type : type_of(term.args[i]);
    made.arguments.push_back(expression(term.args[i], wanted));
    made.nullable |= made.arguments.back().nullable;
  }
  return finished(term, std::move(made));
}

// Functors whose operation takes another shape.
Expression Emitter::finished(const CoreTerm& term, Expression made) {
  switch (term.functor) {
    case Functor::kMinimum:
    case Functor::kMaximum:
    case Functor::kConcat:
      if (made.arguments.size() == 1) return std::move(made.arguments.front());
      return made;
    case Functor::kOrd:
      // Text has a number of its own; of anything else it is the bits.
      if (made.arguments.front().type == made.type) return std::move(made.arguments.front());
      if (made.arguments.front().type.kind != TypeKind::kText) made.op = ExpressionOp::kReinterpret;
      return made;
    case Functor::kToNumber:
    case Functor::kToUnsigned:
    case Functor::kToFloat:
    case Functor::kToString:
    case Functor::kMakeTyped:
      if (made.arguments.front().type == made.type) return std::move(made.arguments.front());
      return made;
    case Functor::kYear:
      made.detail = 0;
      return made;
    case Functor::kMonth:
      made.detail = 1;
      return made;
    case Functor::kDay:
      made.detail = 2;
      return made;
    case Functor::kHour:
      made.detail = 3;
      return made;
    case Functor::kMinute:
      made.detail = 4;
      return made;
    case Functor::kSecond:
      made.detail = 5;
      return made;
    case Functor::kWeekday:
      made.detail = 6;
      return made;
    case Functor::kCoalesce: {
      Expression test =
          unary(ExpressionOp::kIsNull, made.arguments[0], vm::Type::boolean(), term.span);
      test.nullable = false;
      Expression first = std::move(made.arguments[0]);
      Expression second = std::move(made.arguments[1]);
      Expression chosen;
      chosen.op = ExpressionOp::kIf;
      chosen.type = made.type;
      chosen.nullable = second.nullable;
      chosen.span = term.span;
      if (first.nullable && !chosen.nullable) {
        first = unary(ExpressionOp::kConvert, std::move(first), made.type, term.span);
        first.nullable = false;
      }
      chosen.arguments.push_back(std::move(test));
      chosen.arguments.push_back(std::move(second));
      chosen.arguments.push_back(std::move(first));
      return chosen;
    }
    default:
      return made;
  }
}

}  // namespace entail::datalog
