// Expressions, form by form.

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "sql2datalog/internal/lowerer.h"
#include "vm/sql_datetime.h"

namespace entail::sql2datalog::internal {

namespace {

using vm::ScalarFunction;

constexpr SqlType kBool{oids::kBool, -1};
constexpr SqlType kText{oids::kText, -1};

}  // namespace

// interval '1:30' minute to second
Typed Lowerer::interval_literal(const ast::TypedLiteral& node, ast::Span span) const {
  static constexpr std::string_view kFields[] = {"year", "month",  "day",
                                                 "hour", "minute", "second"};
  const std::string& written = node.type.interval_fields;
  const auto field_of = [](std::string_view name) {
    const auto* const found = std::find(std::begin(kFields), std::end(kFields), name);
    return static_cast<vm::IntervalField>(found - std::begin(kFields));
  };
  vm::IntervalFields fields;
  fields.first = field_of(std::string_view(written).substr(0, written.find(' ')));
  const auto blank = written.rfind(' ');
  fields.last = blank == std::string::npos ? fields.first : field_of(written.substr(blank + 1));
  vm::Interval interval;
  switch (vm::read_sql_interval(node.text, interval, fields)) {
    case vm::SqlDateTimeError::kNone:
      break;
    case vm::SqlDateTimeError::kFieldOutOfRange:
      fail("22015", "interval field value out of range: \"" + node.text + "\"", span);
    default:
      fail("22007", "invalid input syntax for type interval: \"" + node.text + "\"", span);
  }
  if (!node.type.modifiers.empty() && node.type.modifiers.front() < 6) {
    std::int64_t unit = 1;
    for (auto digits = node.type.modifiers.front(); digits < 6; ++digits) unit *= 10;
    const std::int64_t half = interval.micros < 0 ? -unit / 2 : unit / 2;
    interval.micros = (interval.micros + half) / unit * unit;
  }
  const vm::WordPair words = vm::interval_words(interval);
  Expression constant;
  constant.op = ExpressionOp::kConstant;
  constant.type = vm::Type::of(vm::TypeKind::kInterval);
  constant.words[0] = words.high;
  constant.words[1] = words.low;
  return {std::move(constant), {oids::kInterval, -1}};
}

Typed Lowerer::expression(const ast::Expression& e, Place& place) {
  return inner_expression(e, place);
}

Typed Lowerer::inner_expression(const ast::Expression& e, Place& place) {
  const ast::Span span = e.span;
  if (const auto* node = e.as<ast::Literal>()) return literal(*node, span);
  if (const auto* node = e.as<ast::ColumnRef>()) return column(*node, span, place);
  if (const auto* node = e.as<ast::Parameter>()) return parameter(*node, span);
  if (const auto* node = e.as<ast::TypedLiteral>()) {
    if (!node->type.interval_fields.empty()) return interval_literal(*node, span);
    return cast({constant_text(node->text), {oids::kUnknown, -1}}, declared_type(node->type).type,
                span);
  }
  if (const auto* node = e.as<ast::ValueFunction>()) return value_function(*node, span, place);
  if (const auto* node = e.as<ast::Unary>()) return unary(*node, span, place);
  if (const auto* node = e.as<ast::Binary>()) {
    if (node->left->as<ast::Row>() != nullptr && node->right->as<ast::Row>() != nullptr) {
      const std::vector<Typed> left = row_fields(*node->left, place);
      return row_comparison(node->op.symbol, left, row_fields(*node->right, place), node->op.span);
    }
    if (node->left->as<ast::Row>() != nullptr) {
      const auto* const inner = node->right->as<ast::Subquery>();
      if (inner != nullptr && inner->kind == ast::SubqueryKind::kScalar) {
        unsupported("a row compared with a subquery", span);
      }
    }
    Typed left = expression(*node->left, place);
    Typed right = expression(*node->right, place);
    return operation(node->op, std::move(left), std::move(right),
                     node->op.span.end != 0 ? node->op.span : span);
  }
  if (const auto* node = e.as<ast::Logical>()) {
    std::vector<Typed> operands;
    for (const ast::Expression& operand : node->operands) {
      operands.push_back(boolean(operand, place, node->op == ast::LogicalOp::kAnd ? "AND" : "OR"));
    }
    return conjunction(node->op, std::move(operands));
  }
  if (const auto* node = e.as<ast::Not>()) {
    return {logical_not(boolean(*node->operand, place, "NOT").value), kBool};
  }
  if (const auto* node = e.as<ast::IsTest>()) {
    if (node->kind == ast::IsKind::kNull) {
      if (node->operand->as<ast::Row>() != nullptr) {
        std::vector<Typed> parts;
        for (Typed& field : row_fields(*node->operand, place)) {
          parts.push_back({node->negated ? is_not_null(std::move(field.value))
                                         : is_null(std::move(field.value)),
                           kBool});
        }
        return conjunction(ast::LogicalOp::kAnd, std::move(parts));
      }
      Typed operand = resolved(expression(*node->operand, place), span);
      return {
          node->negated ? is_not_null(std::move(operand.value)) : is_null(std::move(operand.value)),
          kBool};
    }
    const std::string construct =
        node->kind == ast::IsKind::kTrue    ? (node->negated ? "IS NOT TRUE" : "IS TRUE")
        : node->kind == ast::IsKind::kFalse ? (node->negated ? "IS NOT FALSE" : "IS FALSE")
                                            : (node->negated ? "IS NOT UNKNOWN" : "IS UNKNOWN");
    Expression value = boolean(*node->operand, place, construct).value;
    if (node->kind == ast::IsKind::kUnknown) {
      return {node->negated ? is_not_null(std::move(value)) : is_null(std::move(value)), kBool};
    }
    if (node->kind == ast::IsKind::kFalse) value = logical_not(std::move(value));
    value = is_true(std::move(value));
    return {node->negated ? logical_not(std::move(value)) : std::move(value), kBool};
  }
  if (const auto* node = e.as<ast::IsDistinct>()) {
    Typed left = expression(*node->left, place);
    Typed right = expression(*node->right, place);
    for (const bool swapped : {false, true}) {
      const Typed& null = swapped ? left : right;
      const Typed& other = swapped ? right : left;
      if (null.value.op != ExpressionOp::kNull) continue;
      Expression value = resolved(other, span).value;
      return {node->negated ? is_null(std::move(value)) : is_not_null(std::move(value)), kBool};
    }
    Typed equal = comparison("=", std::move(left), std::move(right), node->op_span);
    equal.value.op = node->negated ? ExpressionOp::kIdentical : ExpressionOp::kNotIdentical;
    equal.value.nullable = false;
    return equal;
  }
  if (const auto* node = e.as<ast::Between>()) return between(*node, span, place);
  if (const auto* node = e.as<ast::InList>()) return in_list(*node, span, place);
  if (const auto* node = e.as<ast::InQuery>()) return in_query(*node, span, place);
  if (const auto* node = e.as<ast::Like>()) return like(*node, span, place);
  if (const auto* node = e.as<ast::Quantified>()) return quantified(*node, span, place);
  if (const auto* node = e.as<ast::Cast>()) {
    const DeclaredType to = declared_type(node->type);
    if (const auto* array = node->operand->as<ast::ArrayConstructor>();
        array != nullptr && array->elements.empty() && is_array_type(to.type.oid)) {
      Expression none;
      none.op = ExpressionOp::kMakeArray;
      none.type = machine(to.type);
      return {std::move(none), to.type};
    }
    return cast(expression(*node->operand, place), to.type, span);
  }
  if (const auto* node = e.as<ast::Collate>()) {
    const std::string& name = node->collation.last().text;
    if (name != "C" && name != "POSIX" && name != "default" && name != "ucs_basic") {
      unsupported("collation \"" + name + "\"", span);
    }
    return resolved(expression(*node->operand, place), span);
  }
  if (const auto* node = e.as<ast::AtTimeZone>()) {
    std::vector<Typed> arguments;
    arguments.push_back(expression(*node->zone, place));
    arguments.push_back(expression(*node->operand, place));
    if (arguments[1].is_unknown()) {
      arguments[1] = unknown_to(std::move(arguments[1]), {oids::kTimestampTz, -1}, span);
    }
    return scalar_call("timezone", std::move(arguments), span);
  }
  if (const auto* node = e.as<ast::Subscript>()) return subscript(*node, span, place);
  if (const auto* node = e.as<ast::FunctionCall>()) return call(*node, span, place);
  if (const auto* node = e.as<ast::SpecialCall>()) return special_call(*node, span, place);
  if (const auto* node = e.as<ast::Case>()) return case_of(*node, span, place);
  if (const auto* node = e.as<ast::ArrayConstructor>()) {
    std::vector<Typed> elements;
    for (const ast::Expression& element : node->elements) {
      if (element.as<ast::ArrayConstructor>() != nullptr) {
        unsupported("an array of several dimensions", span);
      }
      elements.push_back(expression(element, place));
    }
    if (elements.empty()) {
      fail("42P18", "cannot determine type of empty array", span,
           "Explicitly cast to the desired type, for example ARRAY[]::integer[].");
    }
    return array_of(std::move(elements), span);
  }
  if (const auto* node = e.as<ast::Subquery>()) return subquery(*node, span, place);
  if (const auto* row = e.as<ast::Row>()) {
    if (row->fields.size() == 1 && !row->explicit_row) return expression(row->fields[0], place);
    unsupported("a row as a value", span);
  }
  if (e.as<ast::DefaultValue>() != nullptr) {
    fail("42601", "DEFAULT is not allowed in this context", span);
  }
  if (e.as<ast::CurrentOf>() != nullptr) unsupported("WHERE CURRENT OF", span);
  unsupported("a field of a composite value", span);
}

Typed Lowerer::literal(const ast::Literal& node, ast::Span span) {
  switch (node.kind) {
    case ast::LiteralKind::kNull:
      return {null_of(vm::Type::text()), {oids::kUnknown, -1}};
    case ast::LiteralKind::kTrue:
    case ast::LiteralKind::kFalse:
      return {constant_bool(node.kind == ast::LiteralKind::kTrue), kBool};
    case ast::LiteralKind::kString:
      return {constant_text(node.text), {oids::kUnknown, -1}};
    case ast::LiteralKind::kInteger: {
      const std::string& digits = node.text;
      const auto significant = digits.find_first_not_of('0');
      const std::size_t length = significant == std::string::npos ? 0 : digits.size() - significant;
      if (length <= 18 || (length == 19 && digits.substr(significant) <= "9223372036854775807")) {
        const std::int64_t value = length == 0 ? 0 : std::stoll(digits);
        if (value <= INT32_MAX) {
          return {constant_int(vm::TypeKind::kInt4, value), {oids::kInt4, -1}};
        }
        return {constant_int(vm::TypeKind::kInt8, value), {oids::kInt8, -1}};
      }
      return unknown_to({constant_text(digits), {oids::kUnknown, -1}}, {oids::kNumeric, -1}, span);
    }
    case ast::LiteralKind::kNumeric:
      return unknown_to({constant_text(node.text), {oids::kUnknown, -1}}, {oids::kNumeric, -1},
                        span);
    case ast::LiteralKind::kBitString:
    case ast::LiteralKind::kHexString:
      break;
  }
  unsupported("type bit", span);
}

Typed Lowerer::column(const ast::ColumnRef& name, ast::Span span, Place& place) {
  if (name.star) fail("42601", "row expansion via \"*\" is not supported here", span);
  if (place.scope == nullptr) {
    fail("0A000", std::string("cannot use column reference in ") + place.clause + " expression",
         span);
  }
  const ScopeColumn& found = resolve_column(name, place.scope, span);
  for (const VariableId id : datalog::variables_of(found.value.value)) tell_position(id, span);
  return found.value;
}

Typed Lowerer::parameter(const ast::Parameter& node, ast::Span span) {
  if (node.number == 0 || node.number > 65535) {
    fail("42P02", "there is no parameter $" + std::to_string(node.number), span);
  }
  if (parameters_.size() < node.number) parameters_.resize(node.number);
  Expression e;
  e.op = ExpressionOp::kParameter;
  e.nullable = true;
  e.detail = node.number - 1;
  const SqlType known = parameters_[node.number - 1];
  if (known.oid == 0 || known.oid == oids::kUnknown) {
    e.type = vm::Type::text();
    return {std::move(e), {oids::kUnknown, -1}};
  }
  e.type = stored(machine(known));
  return {displayed(std::move(e), {known.oid, -1}), known};
}

std::vector<Typed> Lowerer::row_fields(const ast::Expression& e, Place& place) {
  std::vector<Typed> fields;
  if (const auto* row = e.as<ast::Row>()) {
    for (const ast::Expression& field : row->fields) fields.push_back(expression(field, place));
  } else {
    fields.push_back(expression(e, place));
  }
  return fields;
}

Typed Lowerer::boolean(const ast::Expression& e, Place& place, std::string_view construct) {
  Typed value = expression(e, place);
  if (value.is_unknown()) return unknown_to(std::move(value), kBool, e.span);
  if (value.type.oid != oids::kBool) {
    fail("42804",
         "argument of " + std::string(construct) + " must be type boolean, not type " +
             type_name(value.type),
         e.span);
  }
  return value;
}

Typed Lowerer::between(const ast::Between& b, ast::Span, Place& place) {
  const Typed operand = expression(*b.operand, place);
  const Typed low = expression(*b.low, place);
  const Typed high = expression(*b.high, place);
  auto within = [&](const Typed& from, const Typed& to) {
    std::vector<Typed> parts;
    parts.push_back(comparison(b.negated ? "<" : ">=", operand, from, b.op_span));
    parts.push_back(comparison(b.negated ? ">" : "<=", operand, to, b.op_span));
    return conjunction(b.negated ? ast::LogicalOp::kOr : ast::LogicalOp::kAnd, std::move(parts));
  };
  if (!b.symmetric) return within(low, high);
  std::vector<Typed> either;
  either.push_back(within(low, high));
  either.push_back(within(high, low));
  return conjunction(b.negated ? ast::LogicalOp::kAnd : ast::LogicalOp::kOr, std::move(either));
}

Typed Lowerer::in_list(const ast::InList& in, ast::Span, Place& place) {
  const std::string_view symbol = in.negated ? "<>" : "=";
  std::vector<Typed> parts;
  if (in.operand->as<ast::Row>() != nullptr) {
    const std::vector<Typed> left = row_fields(*in.operand, place);
    for (const ast::Expression& item : in.list) {
      parts.push_back(row_comparison(symbol, left, row_fields(item, place), in.op_span));
    }
    return conjunction(in.negated ? ast::LogicalOp::kAnd : ast::LogicalOp::kOr, std::move(parts));
  }
  std::vector<Typed> all;
  all.push_back(expression(*in.operand, place));
  for (const ast::Expression& item : in.list) all.push_back(expression(item, place));
  // One type for all where there is one; else each pair on its own.
  const bool alike = std::all_of(all.begin(), all.end(), [&](const Typed& value) {
    return value.is_unknown() || all.front().is_unknown() ||
           category(value.type.oid) == category(all.front().type.oid);
  });
  if (alike) all = to_common_type(std::move(all), "IN", in.op_span);
  for (std::size_t i = 1; i < all.size(); ++i) {
    parts.push_back(comparison(symbol, all[0], all[i], in.op_span));
  }
  return conjunction(in.negated ? ast::LogicalOp::kAnd : ast::LogicalOp::kOr, std::move(parts));
}

Typed Lowerer::like(const ast::Like& node, ast::Span span, Place& place) {
  Typed operand = coerce(expression(*node.operand, place), kText, CastContext::kImplicit, span);
  Typed pattern = coerce(expression(*node.pattern, place), kText, CastContext::kImplicit, span);
  ScalarFunction function = node.negated ? ScalarFunction::kNotLike : ScalarFunction::kLike;
  if (node.kind == ast::LikeKind::kIlike) {
    function = node.negated ? ScalarFunction::kNotIlike : ScalarFunction::kIlike;
  }
  std::optional<Typed> escape;
  if (node.escape) {
    escape = coerce(expression(*node.escape, place), kText, CastContext::kImplicit, span);
  }
  if (node.kind == ast::LikeKind::kSimilar) {
    function = node.negated ? ScalarFunction::kRegexMatchesNot : ScalarFunction::kRegexMatches;
    std::vector<Expression> arguments{std::move(pattern.value)};
    if (escape) arguments.push_back(std::move(escape->value));
    pattern.value =
        call_of(escape ? ScalarFunction::kSimilarToEscapeWith : ScalarFunction::kSimilarToEscape,
                vm::Type::text(), std::move(arguments));
  } else if (escape) {
    pattern.value = call_of(ScalarFunction::kLikeEscape, vm::Type::text(),
                            {std::move(pattern.value), std::move(escape->value)});
  }
  return {
      call_of(function, vm::Type::boolean(), {std::move(operand.value), std::move(pattern.value)}),
      kBool};
}

Typed Lowerer::case_of(const ast::Case& c, ast::Span span, Place& place) {
  std::vector<Typed> conditions, results;
  std::optional<Typed> operand;
  if (c.operand) operand = expression(*c.operand, place);
  for (const ast::CaseBranch& branch : c.branches) {
    refuse_set_functions(*branch.condition, "CASE");
    refuse_set_functions(*branch.result, "CASE");
    if (operand) {
      conditions.push_back(
          comparison("=", *operand, expression(*branch.condition, place), branch.condition->span));
    } else {
      conditions.push_back(boolean(*branch.condition, place, "CASE/WHEN"));
    }
    results.push_back(expression(*branch.result, place));
  }
  // PostgreSQL looks at ELSE first.
  std::vector<Typed> all;
  all.push_back(c.otherwise ? expression(*c.otherwise, place)
                            : Typed{null_of(vm::Type::text()), {oids::kUnknown, -1}});
  for (Typed& result : results) all.push_back(std::move(result));
  all = to_common_type(std::move(all), "CASE", span);
  const SqlType type = all.front().type;
  const vm::Type wanted = machine(type);
  Expression value = convert(std::move(all.front().value), wanted);
  for (std::size_t i = conditions.size(); i-- > 0;) {
    value = if_else(std::move(conditions[i].value), convert(std::move(all[i + 1].value), wanted),
                    std::move(value));
  }
  return {std::move(value), type};
}

Typed Lowerer::special_call(const ast::SpecialCall& node, ast::Span span, Place& place) {
  if (node.kind == ast::SpecialKind::kGrouping) {
    if (place.collector == nullptr || !place.collector->grouped) {
      fail("42803",
           "arguments to GROUPING must be grouping expressions of the associated query level",
           span);
    }
    GroupingCall call;
    for (const ast::Expression& argument : node.arguments) {
      call.arguments.push_back(expression(argument, place).value);
    }
    call.result = new_variable("grouping", vm::Type::of(vm::TypeKind::kInt4), false);
    Expression value = mention(call.result);
    place.collector->groupings.push_back(std::move(call));
    return {std::move(value), {oids::kInt4, -1}};
  }
  std::vector<Typed> arguments;
  for (const ast::Expression& argument : node.arguments) {
    arguments.push_back(expression(argument, place));
  }
  switch (node.kind) {
    case ast::SpecialKind::kNullif: {
      Typed equal = comparison("=", arguments[0], arguments[1], span);
      Typed first = resolved(std::move(arguments[0]), span);
      Expression none = null_of(first.value.type);
      return {if_else(std::move(equal.value), std::move(none), std::move(first.value)), first.type};
    }
    case ast::SpecialKind::kCoalesce: {
      arguments = to_common_type(std::move(arguments), "COALESCE", span);
      Expression e;
      e.op = ExpressionOp::kCoalesce;
      e.type = machine(arguments.front().type);
      e.nullable = true;
      const SqlType type = arguments.front().type;
      for (Typed& argument : arguments) {
        e.nullable = e.nullable && argument.nullable();
        e.arguments.push_back(convert(std::move(argument.value), e.type));
      }
      return {std::move(e), type};
    }
    default: {
      const bool greatest = node.kind == ast::SpecialKind::kGreatest;
      arguments = to_common_type(std::move(arguments), greatest ? "GREATEST" : "LEAST", span);
      const SqlType type = arguments.front().type;
      std::vector<Expression> values;
      for (Typed& argument : arguments) {
        values.push_back(convert(std::move(argument.value), machine(type)));
      }
      Expression e = call_of(greatest ? ScalarFunction::kGreatest : ScalarFunction::kLeast,
                             machine(type), std::move(values));
      return {std::move(e), type};
    }
  }
}

Typed Lowerer::array_of(std::vector<Typed> elements, ast::Span span) {
  elements = to_common_type(std::move(elements), "ARRAY", span);
  const SqlType element = elements.front().type;
  const TypeInfo* const info = find_type(element.oid);
  Oid array = info != nullptr ? info->array : 0;
  if (const EnumDescription* const named = catalog_.find_enum(element.oid))
    array = named->array_oid;
  if (array == 0) unsupported("an array of " + type_name(element), span);
  Expression e;
  e.op = ExpressionOp::kMakeArray;
  const vm::Type stored_element = stored(machine(element));
  e.type = catalog_.types().array_of(stored_element, true);
  for (Typed& value : elements) {
    e.arguments.push_back(convert(stored(std::move(value.value)), stored_element));
  }
  return {std::move(e), {array, -1}};
}

Typed Lowerer::subscript(const ast::Subscript& node, ast::Span span, Place& place) {
  Typed value = expression(*node.operand, place);
  for (const ast::SubscriptPart& part : node.parts) {
    const TypeInfo* const info = find_type(value.type.oid);
    if (value.type.oid == oids::kJsonb && !part.slice) {
      ast::OperatorName arrow;
      arrow.symbol = "->";
      value = operation(arrow, std::move(value), expression(*part.upper, place), span);
      continue;
    }
    if (info == nullptr || info->element == 0) {
      fail("42804",
           "cannot subscript type " + type_name(value.type) +
               " because it does not support subscripting",
           span);
    }
    const SqlType int4{oids::kInt4, -1};
    std::vector<Expression> arguments;
    const vm::Type array = value.value.type;
    arguments.push_back(std::move(value.value));
    if (part.slice) {
      for (const auto* bound : {&part.lower, &part.upper}) {
        if (!*bound) {
          arguments.push_back(
              constant_int(vm::TypeKind::kInt4, bound == &part.lower ? 1 : INT32_MAX));
          continue;
        }
        arguments.push_back(
            coerce(expression(**bound, place), int4, CastContext::kAssignment, span).value);
      }
      value.value = call_of(ScalarFunction::kSlice, array, std::move(arguments));
      continue;
    }
    arguments.push_back(
        coerce(expression(*part.upper, place), int4, CastContext::kAssignment, span).value);
    value.type = {info->element, -1};
    const vm::Type element = catalog_.types().array_element(array.detail);
    value.value =
        displayed(call_of(ScalarFunction::kSubscript, element, std::move(arguments)), value.type);
  }
  return value;
}

}  // namespace entail::sql2datalog::internal
