// Operators: which of PostgreSQL's is meant, and what it computes.

#include <algorithm>
#include <array>
#include <utility>

#include "sql2datalog/internal/lowerer.h"
#include "sql2datalog/internal/overloads.h"

namespace entail::sql2datalog::internal {

namespace {

using vm::ScalarFunction;

bool is_comparison(std::string_view symbol) {
  return symbol == "=" || symbol == "<>" || symbol == "<" || symbol == "<=" || symbol == ">" ||
         symbol == ">=";
}

ExpressionOp comparison_op(std::string_view symbol) {
  if (symbol == "=") return ExpressionOp::kEqual;
  if (symbol == "<>") return ExpressionOp::kNotEqual;
  if (symbol == "<") return ExpressionOp::kLess;
  if (symbol == "<=") return ExpressionOp::kLessEqual;
  return symbol == ">" ? ExpressionOp::kGreater : ExpressionOp::kGreaterEqual;
}

}  // namespace

Typed Lowerer::comparison(std::string_view symbol, Typed left, Typed right, ast::Span span) {
  auto missing = [&]() {
    fail("42883",
         "operator does not exist: " + type_name(left.type) + " " + std::string(symbol) + " " +
             type_name(right.type),
         span,
         "No operator matches the given name and argument types. You might need to add explicit "
         "type casts.");
  };
  SqlType type;
  if (left.is_unknown() && right.is_unknown()) {
    type = {oids::kText, -1};
  } else if (left.is_unknown() || right.is_unknown()) {
    type = {left.is_unknown() ? right.type.oid : left.type.oid, -1};
    if (type.oid == oids::kVarchar || type.oid == oids::kName) type.oid = oids::kText;
  } else if (left.type.oid == right.type.oid) {
    type = {left.type.oid, -1};
  } else if (is_number_type(left.type.oid) && is_number_type(right.type.oid)) {
    // Floats against numerics are compared as double precision, real against an integer too.
    const bool floats = left.type.oid == oids::kFloat4 || left.type.oid == oids::kFloat8 ||
                        right.type.oid == oids::kFloat4 || right.type.oid == oids::kFloat8;
    if (floats) {
      type = {oids::kFloat8, -1};
    } else if (left.type.oid == oids::kNumeric || right.type.oid == oids::kNumeric) {
      type = {oids::kNumeric, -1};
    } else {
      type = {
          left.type.oid == oids::kInt8 || right.type.oid == oids::kInt8 ? oids::kInt8 : oids::kInt4,
          -1};
    }
  } else if ((left.type.oid == oids::kBpchar && right.type.oid == oids::kVarchar) ||
             (left.type.oid == oids::kVarchar && right.type.oid == oids::kBpchar)) {
    type = {oids::kBpchar, -1};
  } else if (can_coerce(left.type.oid, right.type.oid, CastContext::kImplicit)) {
    type = {right.type.oid, -1};
    if (can_coerce(right.type.oid, left.type.oid, CastContext::kImplicit) &&
        (preferred(left.type.oid) || left.type.oid == oids::kText)) {
      type = {left.type.oid, -1};
    }
  } else if (can_coerce(right.type.oid, left.type.oid, CastContext::kImplicit)) {
    type = {left.type.oid, -1};
  } else if (is_string_type(left.type.oid) && is_string_type(right.type.oid)) {
    type = {oids::kText, -1};
  } else if (is_oid_like(left.type.oid) && is_oid_like(right.type.oid)) {
    type = {oids::kOid, -1};
  } else {
    missing();
  }
  if (type.oid == oids::kJson || type.oid == oids::kVoid || type.oid == oids::kRecord) missing();
  left = coerce(std::move(left), type, CastContext::kImplicit, span);
  right = coerce(std::move(right), type, CastContext::kImplicit, span);
  Expression a = undisplayed(left.value), b = undisplayed(right.value);
  if (!(a.type == b.type)) {
    a = std::move(left.value);
    b = std::move(right.value);
  }
  Expression e = op_of(comparison_op(symbol), vm::Type::boolean(), {std::move(a), std::move(b)});
  if (symbol != "=" && symbol != "<>") e.detail = datalog::kTotalOrder;
  return {std::move(e), {oids::kBool, -1}};
}

Typed Lowerer::row_comparison(std::string_view symbol, const std::vector<Typed>& left,
                              const std::vector<Typed>& right, ast::Span span) {
  if (left.size() != right.size()) {
    fail("42601", "unequal number of entries in row expressions", span);
  }
  if (left.empty()) fail("0A000", "cannot compare rows of zero length", span);
  if (left.size() == 1) return comparison(symbol, left[0], right[0], span);
  if (symbol == "=" || symbol == "<>") {
    std::vector<Typed> parts;
    for (std::size_t i = 0; i < left.size(); ++i) {
      parts.push_back(comparison(symbol, left[i], right[i], span));
    }
    return conjunction(symbol == "=" ? ast::LogicalOp::kAnd : ast::LogicalOp::kOr,
                       std::move(parts));
  }
  // a < b, or a = b and the rest.
  const std::string strict(1, symbol.front());
  Typed result = comparison(symbol, left.back(), right.back(), span);
  for (std::size_t i = left.size() - 1; i-- > 0;) {
    std::vector<Typed> equal;
    equal.push_back(comparison("=", left[i], right[i], span));
    equal.push_back(std::move(result));
    std::vector<Typed> either;
    either.push_back(comparison(strict, left[i], right[i], span));
    either.push_back(conjunction(ast::LogicalOp::kAnd, std::move(equal)));
    result = conjunction(ast::LogicalOp::kOr, std::move(either));
  }
  return result;
}

Typed Lowerer::conjunction(ast::LogicalOp op, std::vector<Typed> operands) {
  if (operands.size() == 1) return std::move(operands.front());
  Expression e;
  e.op = op == ast::LogicalOp::kAnd ? ExpressionOp::kAnd : ExpressionOp::kOr;
  e.type = vm::Type::boolean();
  for (Typed& operand : operands) {
    e.nullable = e.nullable || operand.nullable();
    e.arguments.push_back(std::move(operand.value));
  }
  return {std::move(e), {oids::kBool, -1}};
}

Typed Lowerer::operation(const ast::OperatorName& op, Typed left, Typed right, ast::Span span) {
  const std::string& symbol = op.symbol;
  if (is_comparison(symbol)) return comparison(symbol, std::move(left), std::move(right), span);
  // A jsonb beside a literal: the literal is a key or an index.
  std::vector<Candidate> candidates = operator_candidates(symbol, 2);
  std::vector<Oid> types{left.type.oid, right.type.oid};
  const bool left_array = is_array_type(types[0]), right_array = is_array_type(types[1]);
  if (symbol == "||" && (left_array || right_array)) {
    if (left_array && right_array) {
      std::vector<Typed> both;
      both.push_back(std::move(left));
      both.push_back(std::move(right));
      both = to_common_type(std::move(both), "||", span);
      return invoke(vm::scalar_signature(ScalarFunction::kArrayConcatOperator), std::move(both),
                    span);
    }
    const Oid array = left_array ? types[0] : types[1];
    Typed& other = left_array ? right : left;
    if (other.is_unknown()) {
      other = unknown_to(std::move(other), {array, -1}, span);
      std::vector<Typed> both;
      both.push_back(std::move(left));
      both.push_back(std::move(right));
      return invoke(vm::scalar_signature(ScalarFunction::kArrayConcatOperator), std::move(both),
                    span);
    }
    other = coerce(std::move(other), {find_type(array)->element, -1}, CastContext::kImplicit, span);
    std::vector<Typed> both;
    both.push_back(std::move(left));
    both.push_back(std::move(right));
    return invoke(vm::scalar_signature(left_array ? ScalarFunction::kArrayAppend
                                                  : ScalarFunction::kArrayPrepend),
                  std::move(both), span);
  }
  if (symbol == "||" && types[0] != oids::kBytea && types[1] != oids::kBytea) {
    // Text beside anything but an array is put together as text.
    const bool texts = is_string_type(types[0]) || is_string_type(types[1]) ||
                       types[0] == oids::kUnknown || types[1] == oids::kUnknown;
    if (texts) {
      left = coerce(std::move(left), {oids::kText, -1}, CastContext::kAssignment, span);
      right = coerce(std::move(right), {oids::kText, -1}, CastContext::kAssignment, span);
      return {call_of(ScalarFunction::kConcatOperator, vm::Type::text(),
                      {std::move(left.value), std::move(right.value)}),
              {oids::kText, -1}};
    }
  }
  // An unknown beside a known type is that type, where such an operator exists.
  std::vector<Oid> exact = types;
  if (exact[0] == oids::kUnknown && exact[1] != oids::kUnknown) exact[0] = exact[1];
  if (exact[1] == oids::kUnknown && exact[0] != oids::kUnknown) exact[1] = exact[0];
  const Candidate* chosen = find_exact(candidates, exact);
  bool ambiguous = false;
  if (chosen == nullptr) chosen = choose_candidate(*this, candidates, types, ambiguous);
  if (chosen == nullptr) {
    fail(ambiguous ? "42725" : "42883",
         std::string(ambiguous ? "operator is not unique: " : "operator does not exist: ") +
             type_name(left.type) + " " + symbol + " " + type_name(right.type),
         op.span.end != 0 ? op.span : span,
         ambiguous ? "Could not choose a best candidate operator. You might need to add explicit "
                     "type casts."
                   : "No operator matches the given name and argument types. You might need to add "
                     "explicit type casts.");
  }
  std::vector<Typed> arguments;
  arguments.push_back(std::move(left));
  arguments.push_back(std::move(right));
  return apply_candidate(*chosen, std::move(arguments), span);
}

Typed Lowerer::apply_candidate(const Candidate& candidate, std::vector<Typed> arguments,
                               ast::Span span) {
  if (candidate.function) {
    return invoke(vm::scalar_signature(*candidate.function), std::move(arguments), span);
  }
  std::vector<Expression> values;
  const SqlType computed{candidate.computed, -1};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    Typed argument =
        coerce(std::move(arguments[i]), {candidate.arguments[i], -1}, CastContext::kImplicit, span);
    argument = coerce(std::move(argument), computed, CastContext::kExplicit, span);
    argument.value = displayed(std::move(argument.value), {argument.type.oid, -1});
    values.push_back(std::move(argument.value));
  }
  return {op_of(candidate.op, machine(computed), std::move(values)), {candidate.result, -1}};
}

Typed Lowerer::unary(const ast::Unary& u, ast::Span span, Place& place) {
  const std::string& symbol = u.op.symbol;
  if (symbol == "-") {
    // The number with its sign, so that it is a constant.
    if (const auto* number = u.operand->as<ast::Literal>()) {
      if (number->kind == ast::LiteralKind::kNumeric) {
        return unknown_to({constant_text("-" + number->text), {oids::kUnknown, -1}},
                          {oids::kNumeric, -1}, span);
      }
      if (number->kind == ast::LiteralKind::kInteger) {
        Typed value = literal(*number, span);
        if (is_integer_type(value.type.oid)) {
          value.value.words[0] = static_cast<vm::Word>(0) - value.value.words[0];
          const auto negative = static_cast<std::int64_t>(value.value.words[0]);
          if (negative == INT32_MIN) {
            return {constant_int(vm::TypeKind::kInt4, negative), {oids::kInt4, -1}};
          }
          return value;
        }
        if (number->text == "9223372036854775808") {
          return {constant_int(vm::TypeKind::kInt8, INT64_MIN), {oids::kInt8, -1}};
        }
        return unknown_to({constant_text("-" + number->text), {oids::kUnknown, -1}},
                          {oids::kNumeric, -1}, span);
      }
    }
  }
  Typed operand = expression(*u.operand, place);
  if (symbol == "+" || symbol == "-") {
    if (operand.is_unknown())
      operand = coerce(std::move(operand), {oids::kFloat8, -1}, CastContext::kImplicit, span);
    if (is_number_type(operand.type.oid)) {
      if (symbol == "+") return operand;
      const SqlType type{operand.type.oid, -1};
      const vm::Type machine_type = machine(type);
      return {op_of(ExpressionOp::kNegateChecked, machine_type,
                    {displayed(std::move(operand.value), type)}),
              type};
    }
    if (operand.type.oid == oids::kInterval && symbol == "-") {
      return {
          call_of(ScalarFunction::kNegateInterval, operand.value.type, {std::move(operand.value)}),
          {oids::kInterval, -1}};
    }
  }
  if (symbol == "~" && is_integer_type(operand.type.oid)) {
    const vm::Type type = operand.value.type;
    return {op_of(ExpressionOp::kBitNot, type, {std::move(operand.value)}), operand.type};
  }
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"@", "abs"}, {"|/", "sqrt"}, {"||/", "cbrt"}};
  for (const auto& [sign, name] : kNames) {
    if (sign != symbol) continue;
    std::vector<Typed> arguments;
    arguments.push_back(std::move(operand));
    return scalar_call(name, std::move(arguments), span);
  }
  fail("42883", "operator does not exist: " + symbol + " " + type_name(operand.type), span,
       "No operator matches the given name and argument type. You might need to add an explicit "
       "type cast.");
}

}  // namespace entail::sql2datalog::internal
