// Functions that return rows: in FROM, in ROWS FROM, and in a select list.
//
//     FROM generate_series(2, 8, 3) AS g(n)       n in range(2, 9, 3)
//     FROM unnest(a) AS u(x)                      p in range(1, cardinality(a) + 1), x = a[p]
//     SELECT unnest(a), unnest(b)                 p in range(1, max(cardinality(a), cardinality(b)) + 1),
//                                                 x = a[p], y = b[p], null behind the shorter one's end
//
// Each function says how many rows it has and what stands in its p-th one. Most have an array made whose
// elements are the rows; a series of integers that stands alone is a range itself.

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "sql2datalog/internal/lowerer.h"
#include "sql2datalog/internal/tree_walk.h"

namespace entail::sql2datalog::internal {

// A column of a relation as an expression of its SQL type (from.cc).
Typed column_value(Expression variable, SqlType type);

namespace {

using vm::ScalarFunction;
using vm::TypeKind;

constexpr std::string_view kSetFunctions[] = {
    "generate_series",
    "generate_subscripts",
    "unnest",
    "regexp_matches",
    "regexp_split_to_table",
    "string_to_table",
    "jsonb_array_elements",
    "json_array_elements",
    "jsonb_array_elements_text",
    "json_array_elements_text",
    "jsonb_object_keys",
    "json_object_keys",
    "jsonb_each",
    "json_each",
    "jsonb_each_text",
    "json_each_text",
};

constexpr SqlType kTexts{1009, -1};

constexpr std::string_view kLateralHint =
    "You might be able to move the set-returning function into a LATERAL FROM item.";

Expression int8(std::int64_t value) { return constant_int(TypeKind::kInt8, value); }

Expression narrow(Expression position) {
  return op_of(ExpressionOp::kConvert, vm::Type::of(TypeKind::kInt4), {std::move(position)});
}

Expression wide(Expression number) {
  return op_of(ExpressionOp::kConvert, vm::Type::of(TypeKind::kInt8), {std::move(number)});
}

}  // namespace

bool Lowerer::is_set_function(const ast::FunctionCall& call) {
  for (const std::string_view name : kSetFunctions) {
    if (name == call.name.last().text) return true;
  }
  return false;
}

void Lowerer::refuse_set_functions(const ast::Expression& e, std::string_view place) const {
  any_node(e, [&](const ast::Expression& node) {
    const auto* const call = node.as<ast::FunctionCall>();
    if (call == nullptr || !is_set_function(*call)) return false;
    fail("0A000", "set-returning functions are not allowed in " + std::string(place), node.span,
         std::string(kLateralHint));
  });
}

// The value in a variable that the function's rows are computed from; there are none where it is null.
Expression Lowerer::given_to(SetFunction& function, Typed value, std::string_view name) {
  const bool nullable = value.nullable();
  const VariableId id = new_variable(name, value.value.type, nullable);
  function.binds.emplace_back(id, std::move(value.value));
  if (nullable) function.needed.push_back(mention(id));
  Expression there = mention(id);
  there.nullable = false;
  return there;
}

void Lowerer::rows_of_array(SetFunction& function, Typed array, SqlType element,
                            const Expression& position, std::string_view column) {
  const vm::Type type = catalog_.types().array_element(array.value.type.detail);
  const Expression there = given_to(function, std::move(array), "_array");
  function.count =
      wide(call_of(ScalarFunction::kCardinality, vm::Type::of(TypeKind::kInt4), {there}));
  Expression at = call_of(ScalarFunction::kSubscript, type, {there, narrow(position)});
  at.nullable = true;
  ScopeColumn made;
  made.name = column;
  made.value = {std::move(at), element};
  function.columns.push_back(std::move(made));
}

void Lowerer::series(SetFunction& function, std::vector<Typed> arguments,
                     const Expression& position, ast::Span span) {
  auto missing = [&] { no_function("generate_series", arguments, span); };
  if (arguments.size() < 2 || arguments.size() > 3) missing();
  const auto any = [&](auto&& test) {
    return std::any_of(arguments.begin(), arguments.end(),
                       [&](const Typed& argument) { return test(argument.type.oid); });
  };
  const bool times = any([](Oid oid) {
    return oid == oids::kTimestamp || oid == oids::kTimestampTz || oid == oids::kDate;
  });
  if (times) {
    if (arguments.size() != 3) missing();
    const bool zoned = any([](Oid oid) { return oid == oids::kTimestampTz || oid == oids::kDate; });
    const SqlType type{zoned ? Oid{oids::kTimestampTz} : Oid{oids::kTimestamp}, -1};
    const SqlType interval{oids::kInterval, -1};
    std::vector<Expression> given;
    for (std::size_t i = 0; i < 3; ++i) {
      Typed value =
          coerce(std::move(arguments[i]), i < 2 ? type : interval, CastContext::kImplicit, span);
      given.push_back(given_to(function, std::move(value), "_bound"));
    }
    Typed array{
        call_of(zoned ? ScalarFunction::kSeriesTimestampTz : ScalarFunction::kSeriesTimestamp,
                catalog_.types().array_of(machine(type), true), std::move(given)),
        {}};
    return rows_of_array(function, std::move(array), type, position, "generate_series");
  }
  const bool unknown = !any([](Oid oid) { return oid != oids::kUnknown; });
  if (unknown) {
    fail("42725", "function generate_series(unknown, unknown) is not unique", span,
         "Could not choose a best candidate function. You might need to add explicit type casts.");
  }
  const SqlType common = common_type(arguments, "generate_series", span);
  if (common.oid == oids::kNumeric) {
    const SqlType type{oids::kNumeric, -1};
    if (arguments.size() == 2) {
      arguments.push_back({int8(1), {oids::kInt8, -1}});
    }
    std::vector<Expression> given;
    for (Typed& argument : arguments) {
      Typed value = coerce(std::move(argument), type, CastContext::kImplicit, span);
      value.value = stored(std::move(value.value));
      given.push_back(given_to(function, std::move(value), "_bound"));
    }
    Typed array{call_of(ScalarFunction::kSeriesNumeric,
                        catalog_.types().array_of(vm::Type::of(TypeKind::kNumeric), true),
                        std::move(given)),
                {}};
    rows_of_array(function, std::move(array), type, position, "generate_series");
    function.columns.back().value.value =
        displayed(std::move(function.columns.back().value.value), type);
    return;
  }
  if (!is_integer_type(common.oid)) missing();
  const SqlType type{common.oid == oids::kInt2 ? Oid{oids::kInt4} : common.oid, -1};
  const vm::Type bound = vm::Type::of(TypeKind::kInt8);
  std::vector<Expression> bounds;
  for (Typed& argument : arguments) {
    Typed value = coerce(std::move(argument), {oids::kInt8, -1}, CastContext::kImplicit, span);
    bounds.push_back(value.value.op == ExpressionOp::kConstant
                         ? std::move(value.value)
                         : given_to(function, std::move(value), "_bound"));
  }
  // The range is half open: one more step, up or down.
  Expression step = bounds.size() > 2 ? bounds[2] : int8(1);
  if (step.op == ExpressionOp::kConstant && step.words[0] == 0) {
    fail("22023", "step size cannot equal zero", span);
  }
  const auto less = [](Expression left, Expression right) {
    return op_of(ExpressionOp::kLess, vm::Type::boolean(), {std::move(left), std::move(right)});
  };
  Expression one = int8(1);
  if (step.op == ExpressionOp::kConstant) {
    if (static_cast<std::int64_t>(step.words[0]) < 0) one = int8(-1);
  } else {
    one = if_else(less(step, int8(0)), int8(-1), one);
  }
  Expression end = bounds[1].op == ExpressionOp::kConstant && one.op == ExpressionOp::kConstant
                       ? int8(static_cast<std::int64_t>(bounds[1].words[0] + one.words[0]))
                       : op_of(ExpressionOp::kAdd, bound, {bounds[1], one});
  datalog::Each range;
  range.generator = datalog::Generator::kRange;
  range.variable = new_variable("generate_series", bound, false);
  // Without a step a range goes down where it must.
  range.arguments = {bounds[0], std::move(end), step};
  const auto as_typed = [&](Expression value) -> Typed {
    if (!(machine(type) == bound)) {
      value = op_of(ExpressionOp::kConvert, machine(type), {std::move(value)});
    }
    return {std::move(value), type};
  };
  function.alone = as_typed(mention(range.variable));
  function.range = std::move(range);
  // How many there are: none where the range is empty.
  const auto subtract = [&](Expression left, Expression right) {
    return op_of(ExpressionOp::kSubtract, bound, {std::move(left), std::move(right)});
  };
  Expression reach = op_of(ExpressionOp::kDivide, bound, {subtract(bounds[1], bounds[0]), step});
  reach = op_of(ExpressionOp::kAdd, bound, {std::move(reach), int8(1)});
  Expression up = less(int8(0), step);
  Expression empty = if_else(std::move(up), less(bounds[1], bounds[0]), less(bounds[0], bounds[1]));
  function.count = if_else(std::move(empty), int8(0), std::move(reach));
  Expression steps = op_of(ExpressionOp::kMultiply, bound, {subtract(position, int8(1)), step});
  ScopeColumn column;
  column.name = "generate_series";
  column.value = as_typed(op_of(ExpressionOp::kAdd, bound, {bounds[0], std::move(steps)}));
  function.columns.push_back(std::move(column));
}

SetFunction Lowerer::set_function(const ast::FunctionCall& call, const Expression& position,
                                  ast::Span span, Place& place) {
  const std::string& name = call.name.last().text;
  SetFunction function;
  function.name = name;
  std::vector<Typed> arguments;
  for (const ast::Argument& argument : call.arguments) {
    arguments.push_back(expression(*argument.value, place));
  }
  auto missing = [&] { no_function(name, arguments, span); };
  const SqlType text{oids::kText, -1};
  const auto as_text = [&](std::size_t i) {
    return coerce(std::move(arguments[i]), text, CastContext::kImplicit, span);
  };
  const vm::Type texts = catalog_.types().array_of(vm::Type::text(), true);
  if (name == "generate_series") {
    series(function, std::move(arguments), position, span);
  } else if (name == "unnest") {
    if (arguments.size() != 1) missing();
    if (arguments[0].is_unknown()) {
      fail("42725", "function unnest(unknown) is not unique", span,
           "Could not choose a best candidate function. You might need to add explicit type "
           "casts.");
    }
    const TypeInfo* const info = find_type(arguments[0].type.oid);
    SqlType element{info != nullptr ? info->element : Oid{0}, -1};
    if (element.oid == 0 || arguments[0].value.type.kind != TypeKind::kArray) missing();
    rows_of_array(function, std::move(arguments[0]), element, position, name);
    Typed& value = function.columns.back().value;
    value = column_value(std::move(value.value), element);
  } else if (name == "generate_subscripts") {
    if (arguments.size() < 2 || arguments.size() > 3 ||
        arguments[0].value.type.kind != TypeKind::kArray) {
      missing();
    }
    if (arguments.size() > 2) unsupported("generate_subscripts in reverse", span);
    const SqlType int4{oids::kInt4, -1};
    Expression dimension =
        given_to(function, coerce(std::move(arguments[1]), int4, CastContext::kImplicit, span),
                 "_dimension");
    const Expression there = given_to(function, std::move(arguments[0]), "_array");
    Expression first = op_of(ExpressionOp::kEqual, vm::Type::boolean(),
                             {std::move(dimension), constant_int(TypeKind::kInt4, 1)});
    function.count =
        if_else(std::move(first),
                wide(call_of(ScalarFunction::kCardinality, vm::Type::of(TypeKind::kInt4), {there})),
                int8(0));
    ScopeColumn column;
    column.name = name;
    column.value = {narrow(position), int4};
    function.columns.push_back(std::move(column));
  } else if (name == "regexp_matches") {
    if (arguments.size() < 2 || arguments.size() > 3) missing();
    if (arguments.size() == 2) arguments.push_back({constant_text(""), text});
    std::vector<Expression> given;
    for (std::size_t i = 0; i < 3; ++i) {
      given.push_back(given_to(function, as_text(i), "_text"));
    }
    function.count =
        call_of(ScalarFunction::kRegexpMatchCount, vm::Type::of(TypeKind::kInt8), given);
    given.push_back(position);
    Expression match = call_of(ScalarFunction::kRegexpNthMatch, texts, std::move(given));
    match.nullable = true;
    ScopeColumn column;
    column.name = name;
    column.value = {std::move(match), kTexts};
    function.columns.push_back(std::move(column));
  } else if (name == "regexp_split_to_table" || name == "string_to_table") {
    if (arguments.size() < 2 || arguments.size() > 3) missing();
    std::vector<Typed> given;
    for (std::size_t i = 0; i < arguments.size(); ++i) given.push_back(as_text(i));
    Typed array =
        scalar_call(name == "string_to_table" ? "string_to_array" : "regexp_split_to_array",
                    std::move(given), span);
    rows_of_array(function, std::move(array), text, position, name);
  } else {
    // Of json.
    if (arguments.size() != 1) missing();
    const bool binary = name.starts_with("jsonb");
    const SqlType json{binary ? Oid{oids::kJsonb} : Oid{oids::kJson}, -1};
    const bool as_texts = name.ends_with("_text"), keys = name.ends_with("_keys");
    const bool each = name.find("_each") != std::string::npos;
    if (!can_coerce(arguments[0].type.oid, json.oid, CastContext::kImplicit)) missing();
    Typed document = coerce(std::move(arguments[0]), json, CastContext::kImplicit, span);
    const Expression there = given_to(function, std::move(document), "_document");
    const vm::Type documents = catalog_.types().array_of(vm::Type::of(TypeKind::kJson), true);
    const auto part = [&](ScalarFunction of, bool is_text, std::string_view column) {
      Typed array{call_of(of, is_text ? texts : documents, {there}), {}};
      rows_of_array(function, std::move(array), is_text ? text : json, position, column);
    };
    if (keys || each) part(ScalarFunction::kJsonKeys, true, each ? "key" : name);
    if (each) {
      part(as_texts ? ScalarFunction::kJsonValueTexts : ScalarFunction::kJsonValues, as_texts,
           "value");
    } else if (!keys) {
      part(as_texts ? ScalarFunction::kJsonElementTexts : ScalarFunction::kJsonElements, as_texts,
           "value");
    }
    function.named_columns = !keys;
  }
  return function;
}

void Lowerer::spread(std::vector<SetFunction>& functions, VariableId position, bool numbered,
                     Body& body) {
  for (SetFunction& function : functions) {
    for (auto& [variable, value] : function.binds) {
      body.push_back({datalog::Bind{variable, std::move(value)}, {}});
    }
  }
  const bool alone = functions.size() == 1;
  if (alone) {
    for (Expression& value : functions[0].needed) {
      body.push_back({datalog::Filter{is_not_null(std::move(value))}, {}});
    }
  }
  if (alone && functions[0].range && !numbered) {
    body.push_back({std::move(*functions[0].range), {}});
    functions[0].columns[0].value = std::move(*functions[0].alone);
  } else {
    std::vector<Expression> counts;
    for (SetFunction& function : functions) {
      if (!alone) {
        for (const Expression& value : function.needed) {
          function.count = if_else(is_null(value), int8(0), std::move(function.count));
        }
      }
      function.count.nullable = false;
      counts.push_back(function.count);
    }
    datalog::Each each;
    each.generator = datalog::Generator::kRange;
    each.variable = position;
    Expression most = counts[0];
    if (!alone) most = op_of(ExpressionOp::kMaximum, most.type, std::move(counts));
    each.arguments = {int8(1), op_of(ExpressionOp::kAdd, most.type, {std::move(most), int8(1)}),
                      int8(1)};
    body.push_back({std::move(each), {}});
  }
  for (SetFunction& function : functions) {
    for (std::size_t c = 0; c < function.columns.size(); ++c) {
      Typed& value = function.columns[c].value;
      if (!alone) {
        Expression there = op_of(ExpressionOp::kLessEqual, vm::Type::boolean(),
                                 {mention(position), function.count});
        value.value = if_else(std::move(there), value.value, null_of(value.value.type));
        value.value.nullable = true;
      }
      if (c >= function.results.size()) {
        function.results.push_back(
            new_variable(function.columns[c].name, value.value.type, value.value.nullable));
      }
      body.push_back({datalog::Bind{function.results[c], std::move(value.value)}, {}});
      value.value = mention(function.results[c]);
    }
  }
}

Typed Lowerer::set_function_value(const ast::FunctionCall& call, ast::Span span, Place& place) {
  const std::string& name = call.name.last().text;
  if (place.in_aggregate) {
    fail("0A000", "aggregate function calls cannot contain set-returning function calls", span,
         std::string(kLateralHint));
  }
  if (place.in_window) {
    fail("0A000", "window function calls cannot contain set-returning function calls", span,
         std::string(kLateralHint));
  }
  if (place.collector == nullptr) {
    fail("0A000",
         std::string("set-returning functions ") +
             (std::string_view(place.clause) == "functions in FROM"
                  ? "must appear at top level of FROM"
                  : std::string("are not allowed in ") + place.clause),
         span);
  }
  Collector& collector = *place.collector;
  if (collector.set_functions.empty()) {
    collector.position = new_variable("_position", vm::Type::of(TypeKind::kInt8), false);
  }
  // What it is given is computed before: a nested one is a row of the outer one's input.
  for (const ast::Argument& argument : call.arguments) {
    if (any_node(*argument.value, [](const ast::Expression& node) {
          const auto* const inner = node.as<ast::FunctionCall>();
          return inner != nullptr && is_set_function(*inner);
        })) {
      unsupported("a set-returning function in the arguments of another", span);
    }
  }
  SetFunction function = set_function(call, mention(collector.position), span, place);
  if (function.columns.size() != 1) unsupported(name + " in a select list", span);
  Typed& value = function.columns[0].value;
  // Null behind its end, where another function has more rows.
  function.results.push_back(new_variable(name, value.value.type, true));
  Typed result{mention(function.results[0]), value.type};
  collector.set_functions.push_back(std::move(function));
  return result;
}

void Lowerer::from_function(const ast::TableFunction& from, bool alone, ast::Span span,
                            Scope& scope, Body& body) {
  if (!from.functions.front().definitions.empty() ||
      (from.alias && !from.alias->definitions.empty())) {
    unsupported("a function that returns records", span);
  }
  Body own;
  Place place;
  place.scope = &scope;
  place.out = &own;
  place.domain = &body;
  place.clause = "functions in FROM";
  ScopeItem item;
  const VariableId position = new_variable("_position", vm::Type::of(TypeKind::kInt8), false);
  std::vector<SetFunction> functions;
  // Each column: of a function that returns rows, by its number, or a value.
  std::vector<std::pair<std::size_t, std::size_t>> places;
  std::vector<ScopeColumn> columns;
  const auto add = [&](SetFunction function) {
    for (std::size_t c = 0; c < function.columns.size(); ++c) {
      places.emplace_back(functions.size(), c);
      columns.emplace_back();
    }
    functions.push_back(std::move(function));
  };
  for (const ast::TableFunctionPart& part : from.functions) {
    const ast::Expression& value = *part.call;
    const auto* const call = value.as<ast::FunctionCall>();
    const std::string name = call != nullptr ? call->name.last().text : "function";
    if (item.alias.empty()) item.alias = name;
    if (call != nullptr && is_set_function(*call)) {
      if (name == "unnest" && call->arguments.size() > 1) {
        for (const ast::Argument& argument : call->arguments) {
          ast::FunctionCall one;
          one.name = call->name;
          one.arguments.push_back(argument);
          add(set_function(one, mention(position), span, place));
        }
      } else {
        add(set_function(*call, mention(position), span, place));
      }
      continue;
    }
    if (from.functions.size() > 1) unsupported("ROWS FROM of " + name, span);
    ScopeColumn column;
    column.name = name;
    column.value = resolved(expression(value, place), span);
    places.emplace_back(SIZE_MAX, 0);
    columns.push_back(std::move(column));
  }
  if (!functions.empty()) {
    item.scalar_function =
        from.functions.size() == 1 && columns.size() == 1 && !functions[0].named_columns;
    spread(functions, position, from.ordinality, own);
    for (std::size_t i = 0; i < places.size(); ++i) {
      columns[i] = functions[places[i].first].columns[places[i].second];
    }
    // What depends on nothing around it is joined as a table is.
    if (!alone && outer_variables_before(own).empty()) stage(own);
  } else {
    item.scalar_function = true;
  }
  for (Literal& literal : own) body.push_back(std::move(literal));
  item.columns = std::move(columns);
  if (from.ordinality) {
    ScopeColumn ordinality;
    ordinality.name = "ordinality";
    ordinality.value = {functions.empty() ? int8(1) : mention(position), {oids::kInt8, -1}};
    item.columns.push_back(std::move(ordinality));
  }
  add_item(scope, std::move(item), from.alias, span);
}

std::set<VariableId> Lowerer::outer_variables_before(const Body& body) const {
  std::set<VariableId> made, used;
  for (const Literal& literal : body) {
    made.merge(datalog::exported_variables(literal));
    datalog::walk_variables(literal, [&](VariableId id) { used.insert(id); });
  }
  for (const VariableId id : made) used.erase(id);
  return used;
}

}  // namespace entail::sql2datalog::internal
