// Calls of functions: scalar ones by overload, aggregates, window functions, and those that ask the session.

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "sql2datalog/internal/lowerer.h"
#include "vm/base/ascii.h"

namespace entail::sql2datalog::internal {

namespace {

struct SessionFunction {
  std::string_view name;
  SessionValueKind kind;
  Oid type;
};
// Functions without arguments whose value is the session's.
constexpr SessionFunction kSessionFunctions[] = {
    {"now", SessionValueKind::kNow, oids::kTimestampTz},
    {"transaction_timestamp", SessionValueKind::kNow, oids::kTimestampTz},
    {"statement_timestamp", SessionValueKind::kStatementTime, oids::kTimestampTz},
    {"clock_timestamp", SessionValueKind::kStatementTime, oids::kTimestampTz},
    {"version", SessionValueKind::kVersion, oids::kText},
    {"current_database", SessionValueKind::kCurrentDatabase, oids::kName},
    {"current_schema", SessionValueKind::kCurrentSchema, oids::kName},
    {"pg_backend_pid", SessionValueKind::kBackendPid, oids::kInt4},
    {"txid_current", SessionValueKind::kTransactionId, oids::kInt8},
    {"lastval", SessionValueKind::kLastValue, oids::kInt8},
    {"random", SessionValueKind::kRandom, oids::kFloat8},
    {"gen_random_uuid", SessionValueKind::kRandomUuid, oids::kUuid},
};

bool must_be_once(SessionValueKind kind) {
  switch (kind) {
    case SessionValueKind::kNextValue:
    case SessionValueKind::kSetValue:
    case SessionValueKind::kSetSetting:
    case SessionValueKind::kRandom:
    case SessionValueKind::kRandomUuid:
    case SessionValueKind::kSleep:
      return true;
    default:
      return false;
  }
}

}  // namespace

Typed Lowerer::session_value(SessionValue value, SqlType type, ast::Span span, const Place& place,
                             bool per_row) {
  if (per_row && !place.one_row) {
    unsupported("a function that is volatile, in a query over rows,", span);
  }
  value.type = stored(machine(type));
  std::size_t number = session_values_.size();
  if (!per_row) {
    const auto known = std::find(session_values_.begin(), session_values_.end(), value);
    number = static_cast<std::size_t>(known - session_values_.begin());
  }
  if (number == session_values_.size()) session_values_.push_back(value);
  // Numbered behind the statement's own parameters when those are known: see take_parameter_types().
  Expression e;
  e.op = ExpressionOp::kParameter;
  e.type = value.type;
  e.nullable = true;
  e.detail = static_cast<std::uint32_t>(number) | 0x80000000U;
  return {std::move(e), type};
}

Typed Lowerer::value_function(const ast::ValueFunction& function, ast::Span span, Place& place) {
  auto value = [&](SessionValueKind kind, Oid type) {
    Typed result = session_value({kind, {}, {}, true, {}}, {type, -1}, span, place, false);
    if (function.precision) {
      return apply_typmod(std::move(result), {type, static_cast<std::int32_t>(*function.precision)},
                          false);
    }
    return result;
  };
  switch (function.kind) {
    case ast::ValueFunctionKind::kCurrentDate:
      return value(SessionValueKind::kLocalDate, oids::kDate);
    case ast::ValueFunctionKind::kCurrentTimestamp:
      return value(SessionValueKind::kNow, oids::kTimestampTz);
    case ast::ValueFunctionKind::kLocaltimestamp:
      return value(SessionValueKind::kLocalTimestamp, oids::kTimestamp);
    case ast::ValueFunctionKind::kLocaltime:
      return value(SessionValueKind::kLocalTime, oids::kTime);
    case ast::ValueFunctionKind::kCurrentTime:
      unsupported("type time with time zone", span);
    case ast::ValueFunctionKind::kCurrentCatalog:
      return value(SessionValueKind::kCurrentDatabase, oids::kName);
    case ast::ValueFunctionKind::kCurrentSchema:
      return value(SessionValueKind::kCurrentSchema, oids::kName);
    default:
      return value(SessionValueKind::kCurrentUser, oids::kName);
  }
}

// Functions that tell a char(n) from the text without the blanks at its end.
static bool sees_padding(vm::ScalarFunction function) {
  using vm::ScalarFunction;
  switch (function) {
    case ScalarFunction::kOctetLength:
    case ScalarFunction::kBitLength:
    case ScalarFunction::kConcat:
    case ScalarFunction::kConcatWs:
    case ScalarFunction::kFormat:
    case ScalarFunction::kToJson:
    case ScalarFunction::kToJsonb:
    case ScalarFunction::kLike:
    case ScalarFunction::kNotLike:
    case ScalarFunction::kIlike:
    case ScalarFunction::kNotIlike:
      return true;
    default:
      return false;
  }
}

// A char(n) with its blanks.
static Typed padded(Typed value) {
  if (value.type.oid != oids::kBpchar || value.type.typmod <= 4) return value;
  Expression length = constant_int(vm::TypeKind::kInt4, value.type.typmod - 4);
  return {call_of(vm::ScalarFunction::kRpad, vm::Type::text(),
                  {std::move(value.value), std::move(length)}),
          {oids::kText, -1}};
}

Typed Lowerer::invoke(const vm::ScalarSignature& signature, std::vector<Typed> arguments,
                      ast::Span span) {
  // What anyelement and anyarray are here.
  SqlType element{oids::kUnknown, -1};
  SqlType array{oids::kUnknown, -1};
  const std::size_t letters = signature.arguments.size();
  auto letter_of = [&](std::size_t i) { return signature.arguments[std::min(i, letters - 1)]; };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].is_unknown()) continue;
    if (letter_of(i) == 'a') {
      const TypeInfo* const info = find_type(arguments[i].type.oid);
      array = {arguments[i].type.oid, -1};
      if (info != nullptr) element = {info->element, -1};
    } else if (letter_of(i) == 'e' && element.oid == oids::kUnknown) {
      element = {arguments[i].type.oid, -1};
    }
  }
  if (array.oid == oids::kUnknown && element.oid != oids::kUnknown) {
    const TypeInfo* const info = find_type(element.oid);
    if (info != nullptr) array = {info->array, -1};
  }
  if (sees_padding(signature.function)) {
    for (Typed& argument : arguments) argument = padded(std::move(argument));
  }
  std::vector<Expression> values;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const char letter = letter_of(i);
    if (letter == 'x') {
      values.push_back(resolved(std::move(arguments[i]), span).value);
      continue;
    }
    SqlType wanted{oid_of_letter(letter), -1};
    if (letter == 'a') wanted = array.oid == oids::kUnknown ? SqlType{1009, -1} : array;
    if (letter == 'e') wanted = element.oid == oids::kUnknown ? SqlType{oids::kText, -1} : element;
    if (letter == 'j' && arguments[i].type.oid == oids::kJson) wanted = arguments[i].type;
    Typed value = coerce(std::move(arguments[i]), wanted, CastContext::kAssignment, span);
    values.push_back(letter == 'e' && letters > 1 && array.oid != oids::kUnknown
                         ? stored(std::move(value.value))
                         : displayed(std::move(value.value), value.type));
  }
  SqlType result{oid_of_letter(signature.result), -1};
  if (signature.result == 'e') result = element;
  if (signature.result == 'a') result = array.oid == oids::kUnknown ? SqlType{1009, -1} : array;
  vm::Type type = machine(result);
  if (signature.result == 'e' && array.oid != oids::kUnknown) type = stored(type);
  return {displayed(call_of(signature.function, type, std::move(values)), result), result};
}

std::string Lowerer::call_text(std::string_view name, std::span<const Typed> arguments) const {
  std::string text(name);
  text += "(";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    text += (i > 0 ? ", " : "") + type_name(arguments[i].type);
  }
  return text + ")";
}

void Lowerer::no_function(std::string_view name, std::span<const Typed> arguments,
                          ast::Span span) const {
  fail("42883", "function " + call_text(name, arguments) + " does not exist", span,
       "No function matches the given name and argument types. You might need to add explicit type "
       "casts.");
}

Typed Lowerer::scalar_call(std::string_view name, std::vector<Typed> arguments, ast::Span span) {
  const std::vector<Candidate> candidates = function_candidates(name, arguments.size());
  std::vector<Oid> types;
  for (const Typed& argument : arguments) types.push_back(argument.type.oid);
  const Candidate* chosen = find_exact(candidates, types);
  bool ambiguous = false;
  if (chosen == nullptr) chosen = choose_candidate(*this, candidates, types, ambiguous);
  if (chosen == nullptr) {
    if (ambiguous) {
      fail(
          "42725", "function " + call_text(name, arguments) + " is not unique", span,
          "Could not choose a best candidate function. You might need to add explicit type casts.");
    }
    no_function(name, arguments, span);
  }
  return invoke(vm::scalar_signature(*chosen->function), std::move(arguments), span);
}

Typed Lowerer::call(const ast::FunctionCall& node, ast::Span span, Place& place) {
  const std::string& name = node.name.last().text;
  if (node.over) return window_call(node, span, place);
  if (is_aggregate_name(node)) return aggregate_call(node, span, place);
  if (node.star || node.distinct || node.within_group || !node.order_by.empty() || node.filter) {
    if (node.filter) {
      fail("42809", "FILTER specified, but " + name + " is not an aggregate function", span);
    }
    if (node.distinct) {
      fail("42809", "DISTINCT specified, but " + name + " is not an aggregate function", span);
    }
    fail("42809", name + "(*) specified, but " + name + " is not an aggregate function", span);
  }
  if (is_set_function(node)) return set_function_value(node, span, place);
  if (std::optional<Typed> special = special_function(node, name, span, place)) {
    return std::move(*special);
  }
  std::vector<Typed> arguments;
  for (const ast::Argument& argument : node.arguments) {
    if (argument.name) unsupported("a named argument", span);
    if (argument.variadic) unsupported("VARIADIC", span);
    arguments.push_back(expression(*argument.value, place));
  }
  // A type's name with one argument is a cast.
  if (arguments.size() == 1 && vm::scalar_signatures_of(name).empty()) {
    if (const TypeInfo* const info = find_type(name); info != nullptr && info->kind) {
      return cast(std::move(arguments[0]), {info->oid, -1}, span);
    }
  }
  if (name == "array_length" || name == "array_upper" || name == "array_lower" ||
      name == "cardinality") {
    if (arguments[0].is_unknown())
      fail("42804",
           "could not determine polymorphic type because "
           "input has type unknown",
           span);
  }
  return scalar_call(name, std::move(arguments), span);
}

// Constants, parameters and settings, one behind the other.
void Lowerer::add_text_parts(const Expression& value, const std::string& function, ast::Span span,
                             std::vector<TextPart>& parts) {
  constexpr std::uint32_t kOfSession = 0x80000000U;
  const bool is_cast = value.op == ExpressionOp::kCast || value.op == ExpressionOp::kConvert;
  const bool is_joined =
      value.op == ExpressionOp::kConcat ||
      (value.op == ExpressionOp::kCallFunction &&
       vm::scalar_signature(static_cast<vm::ScalarFunction>(value.detail)).name == "||");
  if (is_joined || (is_cast && value.arguments.front().type == value.type)) {
    for (const Expression& part : value.arguments) add_text_parts(part, function, span, parts);
  } else if (value.op == ExpressionOp::kConstant) {
    parts.push_back({TextPart::Kind::kText, value.text, 0});
  } else if (value.op == ExpressionOp::kParameter && (value.detail & kOfSession) == 0) {
    parts.push_back({TextPart::Kind::kParameter, {}, value.detail});
  } else if (value.op == ExpressionOp::kParameter &&
             session_values_[value.detail & ~kOfSession].kind == SessionValueKind::kSetting) {
    parts.push_back(
        {TextPart::Kind::kSetting, session_values_[value.detail & ~kOfSession].argument, 0});
  } else {
    unsupported(function + "() of what is not a constant", span);
  }
}

std::optional<Typed> Lowerer::special_function(const ast::FunctionCall& node, std::string_view name,
                                               ast::Span span, Place& place) {
  if (node.name.parts.size() > 1 && node.name.parts.front().text != "pg_catalog") {
    unsupported("function " + node.name.parts.front().text + "." + std::string(name), span);
  }
  const std::size_t count = node.arguments.size();
  auto constant_argument = [&](std::size_t i) -> std::string {
    Typed plain = expression(*node.arguments[i].value, place);
    if (plain.value.op == ExpressionOp::kConstant && is_integer_type(plain.type.oid)) {
      return std::to_string(static_cast<std::int64_t>(plain.value.words[0]));
    }
    if (plain.value.op == ExpressionOp::kConstant && plain.type.oid == oids::kBool) {
      return plain.value.words[0] != 0 ? "true" : "false";
    }
    Typed value = coerce(std::move(plain), {oids::kText, -1}, CastContext::kExplicit, span);
    if (value.value.op != ExpressionOp::kConstant) {
      unsupported(std::string(name) + "() of what is not a constant", span);
    }
    return value.value.text;
  };
  auto sequence_argument = [&]() -> std::string {
    const std::string text = constant_argument(0);
    const auto point = text.find('.');
    auto unquoted = [](std::string part) {
      if (part.size() >= 2 && part.front() == '"') return part.substr(1, part.size() - 2);
      return ascii_lower(part);
    };
    const auto found = point == std::string::npos
                           ? catalog_.find_sequence("", unquoted(text))
                           : catalog_.find_sequence(unquoted(text.substr(0, point)),
                                                    unquoted(text.substr(point + 1)));
    if (!found) fail("42P01", "relation \"" + text + "\" does not exist", span);
    return *found;
  };
  if (count == 0) {
    for (const SessionFunction& function : kSessionFunctions) {
      if (function.name != name) continue;
      return session_value({function.kind, {}, {}, true, {}}, {function.type, -1}, span, place,
                           must_be_once(function.kind));
    }
  }
  const SqlType int8{oids::kInt8, -1}, text{oids::kText, -1};
  if (name == "nextval" && count == 1) {
    return session_value({SessionValueKind::kNextValue, sequence_argument(), {}, true, {}}, int8,
                         span, place, true);
  }
  if (name == "currval" && count == 1) {
    return session_value({SessionValueKind::kCurrentValue, sequence_argument(), {}, true, {}}, int8,
                         span, place, false);
  }
  if (name == "setval" && (count == 2 || count == 3)) {
    SessionValue value{
        SessionValueKind::kSetValue, sequence_argument(), constant_argument(1), true, {}};
    if (count == 3) value.flag = constant_argument(2) != "false";
    return session_value(std::move(value), int8, span, place, true);
  }
  if (name == "current_setting" && (count == 1 || count == 2)) {
    return session_value({SessionValueKind::kSetting, constant_argument(0), {}, count == 1, {}},
                         text, span, place, false);
  }
  if (name == "set_config" && count == 3) {
    SessionValue value{SessionValueKind::kSetSetting,
                       constant_argument(0),
                       {},
                       constant_argument(2) == "true",
                       {}};
    const Typed given =
        coerce(expression(*node.arguments[1].value, place), text, CastContext::kExplicit, span);
    if (given.value.op == ExpressionOp::kConstant) {
      value.value = given.value.text;
    } else {
      add_text_parts(given.value, std::string(name), span, value.parts);
    }
    return session_value(std::move(value), text, span, place, true);
  }
  if (name == "current_schemas" && count == 1) {
    return session_value(
        {SessionValueKind::kCurrentSchemas, constant_argument(0).substr(0, 1), {}, true, {}},
        {1003, -1}, span, place, false);
  }
  if (name == kFunctionWithoutRows && count == 1) {
    // Nothing is partitioned, so the function gives no rows, and neither does the query that asks for them.
    if (place.out == nullptr) unsupported("function " + std::string(name) + " here", span);
    const SqlType regclass{oids::kRegclass, -1};
    static_cast<void>(coerce(expression(*node.arguments[0].value, place), regclass,
                             CastContext::kExplicit, span));
    place.out->push_back({datalog::Filter{constant_bool(false)}, {}});
    return Typed{null_of(machine(regclass)), regclass};
  }
  if (count == 1 && (name == "pg_table_size" || name == "pg_relation_size" ||
                     name == "pg_total_relation_size" || name == "pg_indexes_size")) {
    // The store keeps the rows of all tables together: how much of it is one table's is not known.
    static_cast<void>(coerce(expression(*node.arguments[0].value, place), {oids::kRegclass, -1},
                             CastContext::kExplicit, span));
    return Typed{null_of(machine(int8)), int8};
  }
  if (name == "pg_size_pretty" && count == 1) {
    const Typed size =
        coerce(expression(*node.arguments[0].value, place), int8, CastContext::kImplicit, span);
    if (size.value.op != ExpressionOp::kNull) unsupported("pg_size_pretty() of a number", span);
    return Typed{null_of(machine(text)), text};
  }
  if (name == "getdatabaseencoding" && count == 0) return Typed{constant_text("UTF8"), text};
  if (name == "pg_sleep" && count == 1) {
    return session_value({SessionValueKind::kSleep, {}, constant_argument(0), true, {}},
                         {oids::kVoid, -1}, span, place, true);
  }
  if (name == "pg_typeof" && count == 1) {
    const Typed value = expression(*node.arguments[0].value, place);
    return Typed{constant_text(type_name(value.type)), text};
  }
  if (name == "div" && count == 2) return std::nullopt;
  if (name == "mod" && count == 2) {
    ast::OperatorName op;
    op.symbol = "%";
    Typed left = expression(*node.arguments[0].value, place);
    Typed right = expression(*node.arguments[1].value, place);
    // mod has an overload for each pair of integers.
    if (is_integer_type(left.type.oid) && is_integer_type(right.type.oid)) {
      std::vector<Typed> both;
      both.push_back(std::move(left));
      both.push_back(std::move(right));
      both = to_common_type(std::move(both), "mod", span);
      return operation(op, std::move(both[0]), std::move(both[1]), span);
    }
    return operation(op, std::move(left), std::move(right), span);
  }
  if (name == "sign" && count == 1) {
    Typed value = expression(*node.arguments[0].value, place);
    if (value.type.oid == oids::kFloat8 || value.type.oid == oids::kNumeric) {
      std::vector<Typed> one;
      one.push_back(std::move(value));
      return scalar_call(name, std::move(one), span);
    }
    std::vector<Typed> one;
    one.push_back(coerce(std::move(value), {oids::kFloat8, -1}, CastContext::kImplicit, span));
    return scalar_call(name, std::move(one), span);
  }
  if (name == "pg_isolation_test_session_is_blocked" && count == 2) {
    // Whether one of the sessions is among those that the first waits for.
    const TableDescription* const blockers = catalog_.function_table("pg_blocking_pids", 1);
    if (blockers == nullptr) return std::nullopt;
    ast::FunctionCall asked;
    asked.arguments.push_back(node.arguments[0]);
    std::vector<Typed> arguments;
    arguments.push_back(catalog_function(*blockers, asked, span, place));
    arguments.push_back(coerce(expression(*node.arguments[1].value, place), arguments.front().type,
                               CastContext::kExplicit, span));
    return scalar_call("&&", std::move(arguments), span);
  }
  if (vm::scalar_signatures_of(name).empty()) {
    if (const TableDescription* const table = catalog_.function_table(name, count)) {
      return catalog_function(*table, node, span, place);
    }
  }
  return std::nullopt;
}

// A relation of arguments and result: the row that has the arguments, or null.
Typed Lowerer::catalog_function(const TableDescription& table, const ast::FunctionCall& node,
                                ast::Span span, Place& place) {
  if (place.out == nullptr) unsupported("function " + table.name + " here", span);
  std::vector<Typed> arguments;
  for (std::size_t i = 0; i < node.arguments.size(); ++i) {
    arguments.push_back(coerce(expression(*node.arguments[i].value, place), table.columns[i].type,
                               CastContext::kExplicit, span));
  }
  Inner inner;
  {
    const Deeper deeper(*this, place.domain);
    inner.depth = depth_;
    const RelationId relation = given_relation(table, GivenKind::kSystem, nullptr);
    ScopeItem item = table_item(table, relation, inner.rows.body);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      // Few have values for a null: a type without its modifier, say.
      if (arguments[i].value.op == ExpressionOp::kNull) {
        inner.rows.body.push_back({datalog::Filter{is_null(item.columns[i].value.value)}, {}});
        continue;
      }
      Typed equal = comparison("=", item.columns[i].value, arguments[i], span);
      inner.rows.body.push_back({datalog::Filter{std::move(equal.value)}, {}});
    }
    inner.rows.columns.push_back(item.columns.back());
  }
  return single_value(std::move(inner), place, false);
}

}  // namespace entail::sql2datalog::internal
