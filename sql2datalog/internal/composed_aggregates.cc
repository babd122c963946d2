// Aggregates that are computed from others:
//
//     jsonb_agg(x ORDER BY y)                             array_to_json(array_agg(to_jsonb(x) ORDER BY y))
//     percentile_cont(0.5) WITHIN GROUP (ORDER BY x)      a function of array_agg(x ORDER BY x)
//     regr_slope(y, x)                                    a function of count, sum(x), sum(y), sum(x²), …

#include <utility>

#include "sql2datalog/internal/lowerer.h"

namespace entail::sql2datalog::internal {

namespace {

using datalog::Aggregate;
using datalog::AggregateOp;
using vm::ScalarFunction;

struct Regression {
  std::string_view name;
  ScalarFunction function;
};
constexpr Regression kRegressions[] = {
    {"corr", ScalarFunction::kCorr},
    {"covar_pop", ScalarFunction::kCovarPop},
    {"covar_samp", ScalarFunction::kCovarSamp},
    {"regr_sxx", ScalarFunction::kRegrSxx},
    {"regr_syy", ScalarFunction::kRegrSyy},
    {"regr_sxy", ScalarFunction::kRegrSxy},
    {"regr_avgx", ScalarFunction::kRegrAvgx},
    {"regr_avgy", ScalarFunction::kRegrAvgy},
    {"regr_slope", ScalarFunction::kRegrSlope},
    {"regr_intercept", ScalarFunction::kRegrIntercept},
    {"regr_r2", ScalarFunction::kRegrR2},
};
constexpr std::string_view kOthers[] = {
    "regr_count",       "json_agg",        "jsonb_agg", "json_object_agg",
    "jsonb_object_agg", "percentile_cont", "mode",      "percentile_disc"};

constexpr SqlType kFloat8{oids::kFloat8, -1};

}  // namespace

bool Lowerer::is_composed_aggregate(std::string_view name) {
  for (const Regression& row : kRegressions) {
    if (row.name == name) return true;
  }
  for (const std::string_view other : kOthers) {
    if (other == name) return true;
  }
  return false;
}

Typed Lowerer::composed_aggregate(const ast::FunctionCall& node, ast::Span span, Place& inside,
                                  Place& place, const AddAggregate& add) {
  const std::string& name = node.name.last().text;
  const bool ordered_set = name == "percentile_cont" || name == "percentile_disc" || name == "mode";
  if (ordered_set && !node.within_group) {
    fail("42809", "WITHIN GROUP is required for ordered-set aggregate " + name, span);
  }
  if (!ordered_set && node.within_group) {
    fail("42809", name + " is not an ordered-set aggregate, so it cannot have WITHIN GROUP", span);
  }
  std::vector<Typed> arguments;
  for (const ast::Argument& argument : node.arguments) {
    // What an ordered-set aggregate is given stands beside the group, not in it.
    arguments.push_back(expression(*argument.value, ordered_set ? place : inside));
  }
  std::optional<Expression> condition;
  if (node.filter) condition = boolean(*node.filter, inside, "FILTER").value;
  auto missing = [&](const std::vector<Typed>& given) { no_function(name, given, span); };
  const auto with_filter = [&](const Expression& test) {
    return condition ? if_else(is_true(*condition), test, constant_bool(false)) : test;
  };

  // --- of arrays
  const auto array_of = [&](Expression element, bool distinct,
                            const std::vector<ast::SortItem>& order, const Typed* by_itself) {
    AggregateCall call;
    Aggregate& aggregate = call.aggregate;
    aggregate.op = AggregateOp::kArrayAgg;
    aggregate.distinct = distinct;
    aggregate.condition = condition;
    element = stored(std::move(element));
    for (const ast::SortItem& item : order) {
      OrderKey key = order_key(item, by_itself != nullptr
                                         ? *by_itself
                                         : resolved(expression(*item.expression, inside), span));
      aggregate.order.push_back(
          {Expression(undisplayed(key.value.value)), key.descending, key.nulls_first});
    }
    const vm::Type type = catalog_.types().array_of(element.type, true);
    aggregate.argument = std::move(element);
    aggregate.result = new_variable(name, type, true);
    return add(std::move(call)).value;
  };
  if (name.starts_with("json")) {
    const bool object = name.find("_object_") != std::string::npos;
    const SqlType json{name.starts_with("jsonb") ? Oid{oids::kJsonb} : Oid{oids::kJson}, -1};
    if (node.star || arguments.size() != (object ? 2U : 1U)) missing(arguments);
    const vm::Type machine_json = machine(json);
    for (Typed& argument : arguments) argument = resolved(std::move(argument), span);
    Expression element;
    if (object) {
      std::vector<Expression> pair{std::move(arguments[0].value), std::move(arguments[1].value)};
      element = call_of(ScalarFunction::kJsonBuildArray, machine_json, std::move(pair));
      element.nullable = false;
    } else {
      element = call_of(ScalarFunction::kToJsonb, machine_json, {std::move(arguments[0].value)});
    }
    Expression array = array_of(std::move(element), node.distinct, node.order_by, nullptr);
    return {call_of(object ? ScalarFunction::kJsonObjectOfPairs : ScalarFunction::kArrayToJson,
                    machine_json, {std::move(array)}),
            json};
  }
  if (ordered_set) {
    if (node.order_by.size() != 1 || arguments.size() != (name == "mode" ? 0U : 1U)) {
      std::vector<Typed> all = arguments;
      for (const ast::SortItem& item : node.order_by) {
        all.push_back(expression(*item.expression, inside));
      }
      missing(all);
    }
    Typed value = resolved(expression(*node.order_by[0].expression, inside), span);
    if (!arguments.empty()) {
      if (arguments[0].value.type.kind == vm::TypeKind::kArray) {
        unsupported(name + " of several fractions", span);
      }
      arguments[0] = coerce(std::move(arguments[0]), kFloat8, CastContext::kImplicit, span);
    }
    if (name == "percentile_cont") {
      if (value.type.oid == oids::kInterval) unsupported("percentile_cont of interval", span);
      if (!is_number_type(value.type.oid)) {
        arguments.push_back(std::move(value));
        missing(arguments);
      }
      value = coerce(std::move(value), kFloat8, CastContext::kImplicit, span);
    }
    const SqlType type = value.type;
    const Expression element = stored(value.value);
    Typed key = value;
    Expression array = array_of(element, false, node.order_by, &key);
    std::vector<Expression> given{std::move(array)};
    if (!arguments.empty()) given.push_back(std::move(arguments[0].value));
    const ScalarFunction function = name == "mode"              ? ScalarFunction::kMode
                                    : name == "percentile_cont" ? ScalarFunction::kPercentileCont
                                                                : ScalarFunction::kPercentileDisc;
    Expression result = call_of(function, element.type, std::move(given));
    result.nullable = true;
    return {displayed(std::move(result), type), type};
  }

  // --- of pairs: y comes first
  if (node.star || arguments.size() != 2) missing(arguments);
  if (node.distinct) unsupported("DISTINCT in " + name, span);
  for (Typed& argument : arguments) {
    if (!argument.is_unknown() && !is_number_type(argument.type.oid)) missing(arguments);
    argument = coerce(std::move(argument), kFloat8, CastContext::kImplicit, span);
  }
  const Expression y = arguments[0].value, x = arguments[1].value;
  Expression both = constant_bool(true);
  for (const Expression* each : {&y, &x}) {
    if (each->nullable) both = if_else(is_not_null(*each), std::move(both), constant_bool(false));
  }
  const Expression counted = with_filter(both);
  const auto aggregate = [&](AggregateOp op, std::optional<Expression> argument, SqlType type) {
    AggregateCall call;
    call.aggregate.op = op;
    call.aggregate.condition = counted;
    call.aggregate.argument = std::move(argument);
    call.aggregate.result = new_variable(name, machine(type), op != AggregateOp::kCount);
    call.type = type;
    return add(std::move(call)).value;
  };
  const SqlType int8{oids::kInt8, -1};
  Expression count = aggregate(AggregateOp::kCount, std::nullopt, int8);
  if (name == "regr_count") return {std::move(count), int8};
  const auto product = [&](const Expression& a, const Expression& b) {
    return op_of(ExpressionOp::kMultiply, vm::Type::float8(), {a, b});
  };
  std::vector<Expression> sums{std::move(count)};
  for (const Expression& term : {x, y, product(x, x), product(y, y), product(x, y)}) {
    sums.push_back(aggregate(AggregateOp::kSqlSum, term, kFloat8));
  }
  for (const Regression& row : kRegressions) {
    if (row.name != name) continue;
    Expression result = call_of(row.function, vm::Type::float8(), std::move(sums));
    result.nullable = true;
    return {std::move(result), kFloat8};
  }
  unsupported("aggregate " + name, span);
}

}  // namespace entail::sql2datalog::internal
