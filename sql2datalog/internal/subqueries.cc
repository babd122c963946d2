// Subqueries in expressions and conditions.
//
//     EXISTS (q)            in WHERE: Exists{q}; as a value: n = count : {q}, n > 0
//     x IN (q)              in WHERE: Exists{q, y = x}
//     x NOT IN (q)          Absent{q, y = x}, and as nulls make it unknown: Absent{q, y is null},
//                           Absent{x is null, q}
//     x op ANY (q)          as a value: how often it is true, and how often unknown
//     (q)                   n = count, v = min : {q}; an error where n > 1
//
// A subquery that uses nothing from around becomes a relation of its own, which is computed once.

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "sql2datalog/internal/lowerer.h"

namespace entail::sql2datalog::internal {

namespace {

using datalog::Aggregate;
using datalog::AggregateOp;
using datalog::Filter;
using datalog::Reduce;

constexpr SqlType kBool{oids::kBool, -1};

// Whether min can take one of several values of the type.
bool has_minimum(vm::TypeKind kind) {
  switch (kind) {
    case vm::TypeKind::kInt2:
    case vm::TypeKind::kInt4:
    case vm::TypeKind::kInt8:
    case vm::TypeKind::kFloat4:
    case vm::TypeKind::kFloat8:
    case vm::TypeKind::kDate:
    case vm::TypeKind::kTime:
    case vm::TypeKind::kTimestamp:
    case vm::TypeKind::kTimestampTz:
    case vm::TypeKind::kNumeric:
    case vm::TypeKind::kText:
      return true;
    default:
      return false;
  }
}

Expression more_than(Expression number, std::int64_t limit) {
  return op_of(ExpressionOp::kGreater, vm::Type::boolean(),
               {std::move(number), constant_int(vm::TypeKind::kInt8, limit)});
}

}  // namespace

bool Lowerer::mentions_before(const Rows& rows, std::uint32_t depth) const {
  bool found = false;
  auto look = [&](VariableId id) { found = found || depths_[datalog::index_of(id)] < depth; };
  for (const Literal& literal : rows.body) datalog::walk_variables(literal, look);
  for (const ScopeColumn& column : rows.columns) {
    for (const VariableId id : datalog::variables_of(column.value.value)) look(id);
  }
  return found;
}

Lowerer::Inner Lowerer::subquery_rows(const ast::Query& query, Place& place, Settle settle) {
  if (place.out == nullptr) {
    fail("0A000", std::string("cannot use subquery in ") + place.clause, query.span);
  }
  const Deeper deeper(*this, place.domain);
  Inner inner;
  inner.depth = depth_;
  inner.rows = rows_of(query, place.scope, false);
  resolve_unknowns(inner.rows);
  inner.correlated = mentions_before(inner.rows, inner.depth);
  if (inner.correlated || settle == Settle::kNever) return inner;
  Rows& rows = inner.rows;
  const bool one_match = rows.body.size() == 1 && std::holds_alternative<Match>(rows.body[0].node);
  if (settle == Settle::kExistence) {
    if (one_match || rows.body.empty()) return inner;
    ScopeColumn one;
    one.name = "one";
    one.value = {constant_bool(true), kBool};
    rows.columns.assign(1, one);
    rows = materialized(std::move(rows), "exists", Collection::kSet);
    return inner;
  }
  const bool plain =
      one_match && std::all_of(rows.columns.begin(), rows.columns.end(), [](const auto& column) {
        return undisplayed(column.value.value).op == ExpressionOp::kVariable;
      });
  if (!plain) {
    rows = materialized(std::move(rows), "subquery",
                        rows.exactly_one ? Collection::kBag : Collection::kSet);
  }
  return inner;
}

Body Lowerer::renewed(const Body& body, std::vector<Typed>& columns, std::uint32_t depth) {
  std::map<VariableId, VariableId> fresh;
  auto renew = [&](VariableId id) {
    if (depths_[datalog::index_of(id)] < depth) return id;
    const auto found = fresh.find(id);
    if (found != fresh.end()) return found->second;
    const datalog::Variable old = variables_[datalog::index_of(id)];
    const VariableId now = new_variable(old.name, old.type, old.nullable);
    depths_[datalog::index_of(now)] = depths_[datalog::index_of(id)];
    fresh[id] = now;
    return now;
  };
  Body copy = body;
  for (Literal& literal : copy) {
    datalog::walk_variables(literal, [&](VariableId& id) { id = renew(id); });
  }
  for (Typed& column : columns) {
    datalog::internal::walk_expression(column.value, [&](Expression& node) {
      if (node.op == ExpressionOp::kVariable) node.variable = renew(node.variable);
    });
  }
  return copy;
}

void Lowerer::add_reduce(Place& place, Reduce reduce, std::uint32_t depth) {
  std::set<VariableId> results;
  for (const Aggregate& aggregate : reduce.aggregates) results.insert(aggregate.result);
  Literal literal{std::move(reduce), {}};
  bool correlated = false;
  datalog::walk_variables(literal, [&](VariableId id) {
    correlated = correlated || (depths_[datalog::index_of(id)] < depth && results.count(id) == 0);
  });
  if (correlated) {
    place.out->push_back(std::move(literal));
    return;
  }
  Alternative once;
  for (const VariableId id : results) once.terms.push_back(mention(id));
  std::vector<Expression> terms = once.terms;
  once.body.push_back(std::move(literal));
  const MadeRelation made = make_relation("once", Collection::kBag, {std::move(once)});
  place.out->push_back({Match{made.relation, std::move(terms), {}}, {}});
}

Typed Lowerer::single_value(Inner inner, Place& place, bool checked) {
  Rows& rows = inner.rows;
  Typed column = std::move(rows.columns.front().value);
  if (rows.exactly_one) {
    for (Literal& literal : rows.body) place.out->push_back(std::move(literal));
    return column;
  }
  const SqlType type = column.type;
  Expression value = stored(std::move(column.value));
  const vm::Type machine_type = value.type;
  Reduce reduce;
  reduce.body = std::move(rows.body);
  Aggregate any;
  any.argument = value;
  Expression result;
  if (has_minimum(machine_type.kind)) {
    any.op = AggregateOp::kMin;
    any.result = new_variable("value", machine_type, true);
    result = mention(any.result);
  } else {
    any.op = AggregateOp::kArrayAgg;
    any.result = new_variable("values", catalog_.types().array_of(machine_type, true), true);
    result = call_of(vm::ScalarFunction::kSubscript, machine_type,
                     {mention(any.result), constant_int(vm::TypeKind::kInt4, 1)});
  }
  reduce.aggregates.push_back(std::move(any));
  if (checked && !rows.at_most_one) {
    Aggregate count;
    count.result = new_variable("rows", vm::Type::of(vm::TypeKind::kInt8), false);
    Expression n = mention(count.result);
    reduce.aggregates.push_back(std::move(count));
    result =
        call_of(vm::ScalarFunction::kSingleRow, machine_type, {std::move(n), std::move(result)});
  }
  add_reduce(place, std::move(reduce), inner.depth);
  return {displayed(std::move(result), type), type};
}

std::vector<Typed> Lowerer::subquery_columns(const ast::Query& query, Place& place) {
  const Inner inner = subquery_rows(query, place, Settle::kNever);
  std::vector<Typed> values;
  for (const ScopeColumn& column : inner.rows.columns) {
    // Each asks the subquery anew, by variables of its own.
    Inner copy;
    copy.depth = inner.depth;
    copy.correlated = inner.correlated;
    copy.rows.at_most_one = inner.rows.at_most_one;
    std::vector<Typed> wanted{column.value};
    copy.rows.body = renewed(inner.rows.body, wanted, inner.depth);
    copy.rows.columns.push_back(column);
    copy.rows.columns.back().value = std::move(wanted.front());
    values.push_back(single_value(std::move(copy), place, true));
  }
  return values;
}

Typed Lowerer::subquery(const ast::Subquery& node, ast::Span span, Place& place) {
  const bool exists = node.kind == ast::SubqueryKind::kExists;
  Inner inner = subquery_rows(*node.query, place, exists ? Settle::kExistence : Settle::kNever);
  if (node.kind == ast::SubqueryKind::kScalar && inner.rows.exactly_one && !inner.correlated) {
    inner.rows = materialized(std::move(inner.rows), "subquery", Collection::kBag);
  }
  Rows& rows = inner.rows;
  switch (node.kind) {
    case ast::SubqueryKind::kScalar:
      if (rows.columns.size() != 1) fail("42601", "subquery must return only one column", span);
      return single_value(std::move(inner), place, true);
    case ast::SubqueryKind::kExists: {
      if (rows.exactly_one) return {constant_bool(true), kBool};
      Reduce reduce;
      reduce.body = std::move(rows.body);
      Aggregate count;
      count.result = new_variable("rows", vm::Type::of(vm::TypeKind::kInt8), false);
      Expression n = mention(count.result);
      reduce.aggregates.push_back(std::move(count));
      add_reduce(place, std::move(reduce), inner.depth);
      return {more_than(std::move(n), 0), kBool};
    }
    case ast::SubqueryKind::kArray:
      break;
  }
  if (rows.columns.size() != 1) fail("42601", "subquery must return only one column", span);
  const SqlType element = rows.columns.front().value.type;
  const TypeInfo* const info = find_type(element.oid);
  if (info == nullptr || info->array == 0) unsupported("an array of " + type_name(element), span);
  Expression value = stored(std::move(rows.columns.front().value.value));
  const vm::Type array = catalog_.types().array_of(value.type, true);
  Reduce reduce;
  reduce.body = std::move(rows.body);
  Aggregate all;
  all.op = AggregateOp::kArrayAgg;
  all.argument = std::move(value);
  for (OrderKey& key : rows.order) {
    all.order.push_back({stored(std::move(key.value.value)), key.descending, key.nulls_first});
  }
  all.result = new_variable("values", array, true);
  Expression result;
  result.op = ExpressionOp::kCoalesce;
  result.type = array;
  Expression none;
  none.op = ExpressionOp::kMakeArray;
  none.type = array;
  result.arguments = {mention(all.result), std::move(none)};
  reduce.aggregates.push_back(std::move(all));
  add_reduce(place, std::move(reduce), inner.depth);
  return {std::move(result), {info->array, -1}};
}

// The subquery's columns, as many as there are values on the left.
std::vector<Typed> Lowerer::matching_columns(const std::vector<Typed>& left, Rows& rows,
                                             ast::Span span) {
  if (rows.columns.size() > left.size()) fail("42601", "subquery has too many columns", span);
  if (rows.columns.size() < left.size()) fail("42601", "subquery has too few columns", span);
  std::vector<Typed> columns;
  for (const ScopeColumn& column : rows.columns) columns.push_back(column.value);
  return columns;
}

Typed Lowerer::any_of(const std::vector<Typed>& left, std::string_view symbol, bool all,
                      Inner inner, ast::Span span, Place& place) {
  Rows& rows = inner.rows;
  const std::uint32_t inner_depth = inner.depth;
  const bool correlated = inner.correlated;
  auto counted = [&](Body body, std::optional<Expression> filter) {
    Reduce reduce;
    reduce.body = std::move(body);
    Aggregate count;
    count.condition = std::move(filter);
    count.result = new_variable("rows", vm::Type::of(vm::TypeKind::kInt8), false);
    Expression n = mention(count.result);
    reduce.aggregates.push_back(std::move(count));
    add_reduce(place, std::move(reduce), inner_depth);
    return n;
  };
  std::vector<Typed> columns = matching_columns(left, rows, span);
  if (!correlated && !all && symbol == "=" && left.size() == 1) {
    // By look-up: is it there; and only where it is not, what nulls make of that.
    Typed equal = comparison("=", columns[0], left[0], span);
    Body body = rows.body;
    body.push_back({Filter{equal.value}, {}});
    const Expression found = counted(std::move(body), std::nullopt);
    Expression unknown = constant_bool(false);
    if (columns[0].nullable()) {
      std::vector<Typed> again = columns;
      Body nulls = renewed(rows.body, again, inner_depth);
      nulls.push_back({Filter{is_null(again[0].value)}, {}});
      unknown = more_than(counted(std::move(nulls), std::nullopt), 0);
    }
    if (left[0].nullable()) {
      std::vector<Typed> again = columns;
      const Expression total = counted(renewed(rows.body, again, inner_depth), std::nullopt);
      Expression empty_left = op_of(ExpressionOp::kAnd, vm::Type::boolean(),
                                    {is_null(left[0].value), more_than(total, 0)});
      unknown = op_of(ExpressionOp::kOr, vm::Type::boolean(),
                      {std::move(unknown), std::move(empty_left)});
    }
    if (unknown.op == ExpressionOp::kConstant) return {more_than(found, 0), kBool};
    return {
        if_else(more_than(found, 0), constant_bool(true),
                if_else(std::move(unknown), null_of(vm::Type::boolean()), constant_bool(false))),
        kBool};
  }
  Typed test = row_comparison(symbol, left, columns, span);
  // ANY: true once is true. ALL: false once is false.
  Reduce reduce;
  reduce.body = std::move(rows.body);
  Aggregate decided;
  decided.condition = all ? is_true(logical_not(test.value)) : is_true(test.value);
  decided.result = new_variable("decided", vm::Type::of(vm::TypeKind::kInt8), false);
  const Expression n = mention(decided.result);
  reduce.aggregates.push_back(std::move(decided));
  Expression otherwise = constant_bool(all);
  if (test.nullable()) {
    Aggregate unknown;
    unknown.condition = is_null(test.value);
    unknown.result = new_variable("unknown", vm::Type::of(vm::TypeKind::kInt8), false);
    otherwise = if_else(more_than(mention(unknown.result), 0), null_of(vm::Type::boolean()),
                        std::move(otherwise));
    reduce.aggregates.push_back(std::move(unknown));
  }
  add_reduce(place, std::move(reduce), inner_depth);
  return {if_else(more_than(n, 0), constant_bool(!all), std::move(otherwise)), kBool};
}

Typed Lowerer::in_query(const ast::InQuery& in, ast::Span, Place& place) {
  const std::vector<Typed> left = row_fields(*in.operand, place);
  Typed found =
      any_of(left, "=", false, subquery_rows(*in.query, place, Settle::kValues), in.op_span, place);
  if (in.negated) found.value = logical_not(std::move(found.value));
  return found;
}

Typed Lowerer::quantified(const ast::Quantified& q, ast::Span span, Place& place) {
  const std::vector<Typed> left = row_fields(*q.left, place);
  const std::string& symbol = q.op.symbol;
  if (q.query) {
    return any_of(left, symbol, q.all, subquery_rows(*q.query, place, Settle::kValues), q.op.span,
                  place);
  }
  Typed array = expression(*q.array, place);
  Typed value = left.front();
  if (array.is_unknown()) {
    const TypeInfo* const info = find_type(value.is_unknown() ? oids::kText : value.type.oid);
    array = unknown_to(std::move(array), {info != nullptr ? info->array : Oid{1009}, -1}, span);
  }
  const TypeInfo* const info = find_type(array.type.oid);
  if (info == nullptr || info->element == 0) {
    fail("42809", "op ANY/ALL (array) requires array on right side", span);
  }
  const std::string name = symbol + (q.all ? " all" : " any");
  if (vm::scalar_signatures_of(name).empty()) unsupported(symbol + " ANY or ALL of an array", span);
  // Both sides of one type.
  if (!value.is_unknown() && value.type.oid != info->element) {
    if (can_coerce(value.type.oid, info->element, CastContext::kImplicit)) {
      value = coerce(std::move(value), {info->element, -1}, CastContext::kImplicit, span);
    } else if (const TypeInfo* const mine = find_type(value.type.oid);
               mine != nullptr && mine->array != 0) {
      array = coerce(std::move(array), {mine->array, -1}, CastContext::kImplicit, span);
    }
  }
  std::vector<Typed> arguments;
  arguments.push_back(std::move(value));
  arguments.push_back(std::move(array));
  return scalar_call(name, std::move(arguments), span);
}

bool Lowerer::subquery_condition(const ast::Expression& e, bool negated, Place& place) {
  if (const auto* inside = e.as<ast::Not>()) {
    return subquery_condition(*inside->operand, !negated, place);
  }
  if (const auto* node = e.as<ast::Subquery>()) {
    if (node->kind != ast::SubqueryKind::kExists) return false;
    Rows rows = subquery_rows(*node->query, place, Settle::kExistence).rows;
    if (negated) {
      place.out->push_back({datalog::Absent{std::move(rows.body)}, {}});
    } else {
      place.out->push_back({datalog::Exists{std::move(rows.body)}, {}});
    }
    return true;
  }
  const auto* const in = e.as<ast::InQuery>();
  const auto* const any = e.as<ast::Quantified>();
  if (in == nullptr && (any == nullptr || !any->query)) return false;
  const bool all = any != nullptr && any->all;
  const std::string symbol = any != nullptr ? any->op.symbol : "=";
  if (in != nullptr && in->negated) negated = !negated;
  const ast::Span span = in != nullptr ? in->op_span : any->op.span;
  const std::vector<Typed> left = row_fields(in != nullptr ? *in->operand : *any->left, place);
  Inner inner = subquery_rows(in != nullptr ? *in->query : *any->query, place, Settle::kValues);
  Rows& rows = inner.rows;
  const std::uint32_t inner_depth = inner.depth;
  std::vector<Typed> columns = matching_columns(left, rows, span);
  auto test_of = [&](const std::vector<Typed>& right) {
    return left.size() == 1 && symbol != "=" ? [&] {
      ast::OperatorName op;
      op.symbol = symbol;
      return operation(op, left[0], right[0], span);
    }()
                                             : row_comparison(symbol, left, right, span);
  };
  Typed test = test_of(columns);
  if (!all && !negated) {  // Some row makes it true.
    rows.body.push_back({Filter{std::move(test.value)}, {}});
    place.out->push_back({datalog::Exists{std::move(rows.body)}, {}});
    return true;
  }
  if (all && negated) {  // Some row makes it false.
    rows.body.push_back({Filter{logical_not(std::move(test.value))}, {}});
    place.out->push_back({datalog::Exists{std::move(rows.body)}, {}});
    return true;
  }
  if (all) {  // No row makes it false or unknown.
    rows.body.push_back({Filter{logical_not(is_true(std::move(test.value)))}, {}});
    place.out->push_back({datalog::Absent{std::move(rows.body)}, {}});
    return true;
  }
  // NOT … ANY: no row makes it true or unknown.
  const bool nulls = test.nullable();
  if (!nulls || inner.correlated || left.size() > 1) {
    Expression condition = std::move(test.value);
    if (nulls) {
      Expression e2;
      e2.op = ExpressionOp::kCoalesce;
      e2.type = vm::Type::boolean();
      e2.arguments = {std::move(condition), constant_bool(true)};
      condition = std::move(e2);
    }
    rows.body.push_back({Filter{std::move(condition)}, {}});
    place.out->push_back({datalog::Absent{std::move(rows.body)}, {}});
    return true;
  }
  std::vector<Typed> again = columns;
  const Body any_row = renewed(rows.body, again, inner_depth);
  if (columns[0].nullable()) {
    std::vector<Typed> third = columns;
    Body null_row = renewed(rows.body, third, inner_depth);
    null_row.push_back({Filter{is_null(third[0].value)}, {}});
    place.out->push_back({datalog::Absent{std::move(null_row)}, {}});
  }
  if (left[0].nullable()) {
    Body unknown;
    unknown.push_back({Filter{is_null(left[0].value)}, {}});
    unknown.insert(unknown.end(), any_row.begin(), any_row.end());
    place.out->push_back({datalog::Absent{std::move(unknown)}, {}});
  }
  rows.body.push_back({Filter{std::move(test.value)}, {}});
  place.out->push_back({datalog::Absent{std::move(rows.body)}, {}});
  return true;
}

void Lowerer::condition(const ast::Expression& e, Place& place) {
  if (const auto* logical = e.as<ast::Logical>();
      logical != nullptr && logical->op == ast::LogicalOp::kAnd) {
    for (const ast::Expression& operand : logical->operands) condition(operand, place);
    return;
  }
  if (subquery_condition(e, false, place)) return;
  Typed value = boolean(e, place, place.clause);
  place.out->push_back({Filter{std::move(value.value)}, {}});
}

}  // namespace entail::sql2datalog::internal
