// Aggregate and window functions as they are called; windows.cc reads OVER, grouping.cc makes rules of them.

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "sql2datalog/internal/lowerer.h"
#include "sql2datalog/internal/tree_walk.h"

namespace entail::sql2datalog::internal {

namespace {

using datalog::Aggregate;
using datalog::AggregateOp;
using datalog::RankFunction;

struct AggregateName {
  std::string_view name;
  AggregateOp op;
};
constexpr AggregateName kAggregates[] = {
    {"count", AggregateOp::kCount},
    {"sum", AggregateOp::kSqlSum},
    {"avg", AggregateOp::kAverage},
    {"min", AggregateOp::kMin},
    {"max", AggregateOp::kMax},
    {"bool_and", AggregateOp::kBoolAnd},
    {"every", AggregateOp::kBoolAnd},
    {"bool_or", AggregateOp::kBoolOr},
    {"string_agg", AggregateOp::kStringAgg},
    {"array_agg", AggregateOp::kArrayAgg},
    {"var_pop", AggregateOp::kVarPop},
    {"var_samp", AggregateOp::kVarSamp},
    {"variance", AggregateOp::kVarSamp},
    {"stddev_pop", AggregateOp::kStddevPop},
    {"stddev_samp", AggregateOp::kStddevSamp},
    {"stddev", AggregateOp::kStddevSamp},
    {"bit_and", AggregateOp::kBitAnd},
    {"bit_or", AggregateOp::kBitOr},
    {"bit_xor", AggregateOp::kBitXor},
};

struct WindowName {
  std::string_view name;
  RankFunction function;
  Oid type;  // 0: that of the first argument.
};
constexpr WindowName kWindowFunctions[] = {
    {"row_number", RankFunction::kRowNumber, oids::kInt8},
    {"rank", RankFunction::kRank, oids::kInt8},
    {"dense_rank", RankFunction::kDenseRank, oids::kInt8},
    {"percent_rank", RankFunction::kPercentRank, oids::kFloat8},
    {"cume_dist", RankFunction::kCumeDist, oids::kFloat8},
    {"ntile", RankFunction::kNtile, oids::kInt4},
    {"lag", RankFunction::kLag, 0},
    {"lead", RankFunction::kLead, 0},
    {"first_value", RankFunction::kFirstValue, 0},
    {"last_value", RankFunction::kLastValue, 0},
    {"nth_value", RankFunction::kNthValue, 0},
};

const AggregateName* find_aggregate(std::string_view name) {
  for (const AggregateName& row : kAggregates) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

bool orderable(Oid oid) {
  return oid != oids::kJson && oid != oids::kJsonb && oid != oids::kBool && oid != oids::kUuid &&
         oid != oids::kBytea;
}

}  // namespace

bool Lowerer::is_aggregate_name(const ast::FunctionCall& call) const {
  return find_aggregate(call.name.last().text) != nullptr ||
         is_composed_aggregate(call.name.last().text);
}

bool Lowerer::has_aggregate(const ast::Expression& e) const {
  return any_node(e, [&](const ast::Expression& node) {
    const auto* const call = node.as<ast::FunctionCall>();
    return call != nullptr && !call->over && is_aggregate_name(*call);
  });
}

AggregateCall Lowerer::make_aggregate(const ast::FunctionCall& node, ast::Span span, Place& place) {
  const std::string& name = node.name.last().text;
  if (node.within_group) {
    fail("42809", name + " is not an ordered-set aggregate, so it cannot have WITHIN GROUP", span);
  }
  AggregateCall call;
  Aggregate& aggregate = call.aggregate;
  aggregate.op = find_aggregate(name)->op;
  aggregate.distinct = node.distinct;
  std::vector<Typed> arguments;
  // Rows are not null, whatever their fields are: counting them is counting.
  const bool counts_rows = aggregate.op == AggregateOp::kCount && !node.distinct &&
                           node.arguments.size() == 1 &&
                           node.arguments[0].value->as<ast::Row>() != nullptr;
  if (counts_rows) {
    static_cast<void>(row_fields(*node.arguments[0].value, place));
    Expression there = constant_bool(true);
    arguments.push_back({std::move(there), {oids::kBool, -1}});
  } else {
    for (const ast::Argument& argument : node.arguments) {
      arguments.push_back(expression(*argument.value, place));
    }
  }
  auto missing = [&]() { no_function(name, arguments, span); };
  const bool two = aggregate.op == AggregateOp::kStringAgg;
  if (node.star ? aggregate.op != AggregateOp::kCount || !arguments.empty()
                : arguments.size() != (two ? 2U : 1U)) {
    if (!node.star && arguments.empty() && aggregate.op == AggregateOp::kCount) {
      fail("42809", "count(*) must be used to call a parameterless aggregate function", span);
    }
    missing();
  }
  Oid type = node.star ? Oid{oids::kInt8} : arguments[0].type.oid;
  const bool of_several_categories = aggregate.op == AggregateOp::kSqlSum ||
                                     aggregate.op == AggregateOp::kAverage ||
                                     aggregate.op == AggregateOp::kArrayAgg;
  if (of_several_categories && arguments[0].type.oid == oids::kUnknown) {
    fail("42725", "function " + name + "(unknown) is not unique", span,
         "Could not choose a best candidate function. You might need to add explicit type casts.");
  }
  bool nullable = true;
  auto computed_in = [&](Oid wanted) {
    arguments[0] = coerce(std::move(arguments[0]), {wanted, -1}, CastContext::kImplicit, span);
    type = wanted;
  };
  switch (aggregate.op) {
    case AggregateOp::kCount:
      if (!node.star) arguments[0] = resolved(std::move(arguments[0]), span);
      type = oids::kInt8;
      nullable = false;
      break;
    case AggregateOp::kSqlSum:
    case AggregateOp::kAverage:
    case AggregateOp::kVarPop:
    case AggregateOp::kVarSamp:
    case AggregateOp::kStddevPop:
    case AggregateOp::kStddevSamp: {
      if (type == oids::kUnknown) computed_in(oids::kFloat8);
      const bool simple =
          aggregate.op == AggregateOp::kSqlSum || aggregate.op == AggregateOp::kAverage;
      if (!is_number_type(type) && !(simple && type == oids::kInterval)) missing();
      if (type == oids::kInterval) break;
      const bool floats = type == oids::kFloat4 || type == oids::kFloat8;
      if (aggregate.op == AggregateOp::kSqlSum) {
        if (!floats) {
          type =
              type == oids::kInt2 || type == oids::kInt4 ? Oid{oids::kInt8} : Oid{oids::kNumeric};
        }
      } else {
        type = floats ? Oid{oids::kFloat8} : Oid{oids::kNumeric};
      }
      break;
    }
    case AggregateOp::kMin:
    case AggregateOp::kMax:
      if (is_string_type(type) || type == oids::kUnknown) computed_in(oids::kText);
      if (!orderable(type)) missing();
      break;
    case AggregateOp::kBoolAnd:
    case AggregateOp::kBoolOr:
      if (type != oids::kBool && type != oids::kUnknown) missing();
      computed_in(oids::kBool);
      break;
    case AggregateOp::kStringAgg:
      if (!is_string_type(type) && type != oids::kUnknown) missing();
      computed_in(oids::kText);
      aggregate.delimiter =
          coerce(std::move(arguments[1]), {oids::kText, -1}, CastContext::kImplicit, span).value;
      break;
    case AggregateOp::kArrayAgg: {
      arguments[0] = resolved(std::move(arguments[0]), span);
      arguments[0].value = stored(std::move(arguments[0].value));
      const TypeInfo* const info = find_type(arguments[0].type.oid);
      type = info != nullptr ? info->array : 0;
      if (const EnumDescription* const named = catalog_.find_enum(arguments[0].type.oid)) {
        type = named->array_oid;
      }
      if (type == 0) unsupported("an array of " + type_name(arguments[0].type), span);
      break;
    }
    default:
      if (!is_integer_type(type)) missing();
      break;
  }
  if (!node.star) aggregate.argument = std::move(arguments[0].value);
  if (node.distinct && aggregate.argument) {
    aggregate.argument = stored(std::move(*aggregate.argument));
    if (aggregate.op == AggregateOp::kMin || aggregate.op == AggregateOp::kMax) {
      aggregate.distinct = false;
    }
  }
  if (node.filter) {
    aggregate.condition = boolean(*node.filter, place, "FILTER").value;
  }
  for (const ast::SortItem& item : node.order_by) {
    OrderKey key = order_key(item, resolved(expression(*item.expression, place), span));
    if (aggregate.op != AggregateOp::kStringAgg && aggregate.op != AggregateOp::kArrayAgg) continue;
    if (node.distinct && !same(undisplayed(key.value.value), undisplayed(*aggregate.argument))) {
      fail("42P10",
           "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list",
           item.expression->span);
    }
    aggregate.order.push_back(
        {Expression(undisplayed(key.value.value)), key.descending, key.nulls_first});
  }
  call.type = {type, -1};
  vm::Type result = machine(call.type);
  if (aggregate.op == AggregateOp::kArrayAgg) {
    result = catalog_.types().array_of(aggregate.argument->type, true);
  } else if (aggregate.op == AggregateOp::kMin || aggregate.op == AggregateOp::kMax) {
    result = aggregate.argument->type;
  }
  aggregate.result = new_variable(name, result, nullable);
  return call;
}

// An aggregate belongs to the innermost query that a column in its arguments comes from.
void Lowerer::refuse_outer(const AggregateCall& call, ast::Span span) const {
  const Aggregate& aggregate = call.aggregate;
  std::set<VariableId> used;
  for (const auto* part : {&aggregate.argument, &aggregate.condition, &aggregate.delimiter}) {
    if (*part) used.merge(datalog::variables_of(**part));
  }
  const bool outer = !used.empty() && std::all_of(used.begin(), used.end(), [&](VariableId id) {
    return depths_[datalog::index_of(id)] < depth_;
  });
  if (outer) unsupported("an aggregate that belongs to a query around this one", span);
}

Typed Lowerer::aggregate_call(const ast::FunctionCall& node, ast::Span span, Place& place) {
  if (place.in_aggregate) {
    fail("42803", "aggregate function calls cannot be nested", span);
  }
  if (place.collector == nullptr || !place.collector->grouped) {
    fail("42803", std::string("aggregate functions are not allowed in ") + place.clause, span);
  }
  Place inside = place;
  inside.in_aggregate = true;
  inside.out = place.domain;
  const AddAggregate add = [&](AggregateCall call) -> Typed {
    // The same call written twice is computed once.
    auto equal = [](const std::optional<Expression>& a, const std::optional<Expression>& b) {
      return a.has_value() == b.has_value() && (!a || same(*a, *b));
    };
    for (const AggregateCall& known : place.collector->aggregates) {
      const Aggregate& a = known.aggregate;
      const Aggregate& b = call.aggregate;
      if (a.op == b.op && a.distinct == b.distinct && a.order.empty() && b.order.empty() &&
          equal(a.argument, b.argument) && equal(a.condition, b.condition) &&
          equal(a.delimiter, b.delimiter)) {
        return {displayed(mention(a.result), known.type), known.type};
      }
    }
    const SqlType type = call.type;
    Expression value = mention(call.aggregate.result);
    place.collector->aggregates.push_back(std::move(call));
    return {displayed(std::move(value), type), type};
  };
  if (is_composed_aggregate(node.name.last().text)) {
    return composed_aggregate(node, span, inside, place, add);
  }
  AggregateCall call = make_aggregate(node, span, inside);
  refuse_outer(call, span);
  return add(std::move(call));
}

bool Lowerer::has_window(const ast::Expression& e) const {
  return any_node(e, [](const ast::Expression& node) {
    const auto* const call = node.as<ast::FunctionCall>();
    return call != nullptr && call->over.has_value();
  });
}

Typed Lowerer::window_call(const ast::FunctionCall& node, ast::Span span, Place& place) {
  const std::string& name = node.name.last().text;
  if (place.collector == nullptr) {
    fail("42P20", std::string("window functions are not allowed in ") + place.clause, span);
  }
  if (place.in_window) fail("42P20", "window function calls cannot be nested", span);
  if (place.in_aggregate) {
    fail("42803", "aggregate function calls cannot contain window function calls", span);
  }
  if (node.distinct) {
    fail("0A000", "DISTINCT is not implemented for window functions", span);
  }
  Place inside = place;
  inside.in_window = true;
  WindowCall call;
  SqlType type;
  if (is_aggregate_name(node)) {
    if (!node.order_by.empty()) {
      fail("0A000", "aggregate ORDER BY is not implemented for window functions", span);
    }
    if (node.within_group) {
      fail("0A000", "OVER is not supported for ordered-set aggregate " + node.name.last().text,
           span);
    }
    take_window(*node.over, call, span, inside);
    const AddAggregate add = [&](AggregateCall made) -> Typed {
      WindowCall each = call;
      each.result.function = RankFunction::kAggregate;
      each.result.aggregate = made.aggregate.op;
      if (made.aggregate.argument) each.result.arguments.push_back(*made.aggregate.argument);
      if (made.aggregate.delimiter) each.result.arguments.push_back(*made.aggregate.delimiter);
      each.result.filter = made.aggregate.condition;
      each.result.result = made.aggregate.result;
      Expression value = mention(each.result.result);
      place.collector->windows.push_back(std::move(each));
      return {displayed(std::move(value), made.type), made.type};
    };
    if (is_composed_aggregate(name)) return composed_aggregate(node, span, inside, place, add);
    return add(make_aggregate(node, span, inside));
  }
  const WindowName* found = nullptr;
  for (const WindowName& row : kWindowFunctions) {
    if (row.name == name) found = &row;
  }
  if (found == nullptr) {
    fail("42809",
         "OVER specified, but " + name + " is not a window function nor an aggregate function",
         span);
  }
  if (node.filter) {
    fail("0A000", "FILTER is not implemented for non-aggregate window functions", span);
  }
  std::vector<Typed> arguments;
  for (const ast::Argument& argument : node.arguments) {
    arguments.push_back(expression(*argument.value, inside));
  }
  call.result.function = found->function;
  const bool takes_value = found->type == 0;
  if (takes_value == arguments.empty() && found->function != RankFunction::kNtile) {
    no_function(name, arguments, span);
  }
  if (takes_value) {
    type = resolved(arguments[0], span).type;
    if (arguments.size() > 2) {
      std::vector<Typed> both;
      both.push_back(std::move(arguments[0]));
      both.push_back(std::move(arguments[2]));
      both = to_common_type(std::move(both), name, span);
      type = both[0].type;
      arguments[0] = std::move(both[0]);
      arguments[2] = std::move(both[1]);
    }
    arguments[0] = resolved(std::move(arguments[0]), span);
  } else {
    type = {found->type, -1};
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const bool number = takes_value ? i == 1 : true;
    if (number) {
      arguments[i] =
          coerce(std::move(arguments[i]), {oids::kInt4, -1}, CastContext::kImplicit, span);
    }
    Expression value = std::move(arguments[i].value);
    call.result.arguments.push_back(number ? std::move(value)
                                           : convert(std::move(value), machine(type)));
  }
  call.result.result = new_variable(name, machine(type), takes_value);
  if (found->function == RankFunction::kNtile && call.result.arguments.front().nullable) {
    variables_[datalog::index_of(call.result.result)].nullable = true;
  }
  take_window(*node.over, call, span, inside);
  Expression value = mention(call.result.result);
  place.collector->windows.push_back(std::move(call));
  return {displayed(std::move(value), type), type};
}

}  // namespace entail::sql2datalog::internal
