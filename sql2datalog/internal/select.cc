// Queries: SELECT blocks, ORDER BY, LIMIT, DISTINCT, VALUES.

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "sql2datalog/internal/lowerer.h"
#include "sql2datalog/internal/tree_walk.h"
#include "vm/base/ensure.h"

namespace entail::sql2datalog::internal {

namespace {

// The name of a column without alias, as PostgreSQL chooses it; `strong` where it came from a name.
std::string column_name(const ast::Expression& e, bool& strong) {
  strong = true;
  if (const auto* ref = e.as<ast::ColumnRef>()) {
    if (!ref->parts.empty()) return ref->parts.back().text;
  }
  if (const auto* call = e.as<ast::FunctionCall>()) return call->name.last().text;
  if (const auto* call = e.as<ast::SpecialCall>()) {
    switch (call->kind) {
      case ast::SpecialKind::kCoalesce:
        return "coalesce";
      case ast::SpecialKind::kNullif:
        return "nullif";
      case ast::SpecialKind::kGreatest:
        return "greatest";
      case ast::SpecialKind::kLeast:
        return "least";
      case ast::SpecialKind::kGrouping:
        return "grouping";
    }
  }
  if (const auto* node = e.as<ast::Subscript>()) return column_name(*node->operand, strong);
  if (const auto* node = e.as<ast::Collate>()) return column_name(*node->operand, strong);
  if (const auto* node = e.as<ast::FieldSelection>()) return node->field.text;
  if (const auto* node = e.as<ast::Subquery>()) {
    if (node->kind == ast::SubqueryKind::kExists) return "exists";
    if (node->kind == ast::SubqueryKind::kArray) return "array";
    if (const auto* select = node->query->as<ast::Select>();
        select != nullptr && !select->items.empty()) {
      const ast::SelectItem& item = select->items.front();
      if (item.alias) return item.alias->text;
      return column_name(item.expression, strong);
    }
  }
  if (const auto* node = e.as<ast::ValueFunction>()) {
    static constexpr const char* kNames[] = {
        "current_date",   "current_time",    "current_timestamp", "localtime",
        "localtimestamp", "current_user",    "current_role",      "session_user",
        "user",           "current_catalog", "current_schema"};
    return kNames[static_cast<std::size_t>(node->kind)];
  }
  auto type_as_name = [](const ast::TypeName& type) {
    const std::string& spelled = type.name.last().text;
    const TypeInfo* const info = find_type(spelled);
    return info != nullptr ? std::string(info->name) : spelled;
  };
  strong = false;
  if (const auto* node = e.as<ast::Cast>()) {
    bool inner = false;
    std::string name = column_name(*node->operand, inner);
    strong = inner;
    return inner ? name : type_as_name(node->type);
  }
  if (const auto* node = e.as<ast::TypedLiteral>()) return type_as_name(node->type);
  if (const auto* node = e.as<ast::Case>()) {
    if (node->otherwise) {
      bool inner = false;
      std::string name = column_name(*node->otherwise, inner);
      if (inner) return name;
    }
    return "case";
  }
  if (const auto* node = e.as<ast::Literal>();
      node != nullptr &&
      (node->kind == ast::LiteralKind::kTrue || node->kind == ast::LiteralKind::kFalse)) {
    return "bool";
  }
  if (e.as<ast::ArrayConstructor>() != nullptr) return "array";
  if (e.as<ast::Row>() != nullptr) return "row";
  return "?column?";
}

std::string name_of(const ast::SelectItem& item) {
  if (item.alias) return item.alias->text;
  bool strong = false;
  return column_name(item.expression, strong);
}

}  // namespace

OrderKey Lowerer::order_key(const ast::SortItem& item, Typed value) const {
  OrderKey key;
  key.value = std::move(value);
  key.descending = item.direction == ast::SortDirection::kDescending ||
                   (item.using_operator && item.using_operator->symbol == ">");
  key.nulls_first = item.nulls == ast::NullsOrder::kDefault ? key.descending
                                                            : item.nulls == ast::NullsOrder::kFirst;
  return key;
}

// What an item of ORDER BY, GROUP BY or DISTINCT ON means: a column of the output by name or number, or an
// expression. A name in GROUP BY is first one of FROM.
Typed Lowerer::order_value(const ast::Expression& e, Block& block, Place& place, bool group_by) {
  if (const auto* number = e.as<ast::Literal>()) {
    const char* const clause = group_by ? "GROUP BY" : "ORDER BY";
    if (number->kind != ast::LiteralKind::kInteger) {
      fail("42601", std::string("non-integer constant in ") + clause, e.span);
    }
    const std::uint64_t position = number->text.size() > 9 ? 0 : std::stoul(number->text);
    if (position == 0 || position > block.items.size()) {
      fail("42P10", std::string(clause) + " position " + number->text + " is not in select list",
           e.span);
    }
    return block.items[position - 1].value;
  }
  const auto* const ref = e.as<ast::ColumnRef>();
  if (ref != nullptr && ref->parts.size() == 1 && !ref->star) {
    if (group_by && find_column(*ref, &block.scope, e.span) != nullptr) {
      bool mine = false;
      for (const VisibleColumn& visible : block.scope.visible) {
        mine = mine || visible.column.name == ref->parts[0].text;
      }
      if (mine) return column(*ref, e.span, place);
    }
    const ScopeColumn* found = nullptr;
    for (const ScopeColumn& item : block.items) {
      if (item.name != ref->parts[0].text) continue;
      if (found != nullptr && !same(found->value.value, item.value.value)) {
        fail(
            "42702",
            std::string(group_by ? "GROUP BY" : "ORDER BY") + " \"" + item.name + "\" is ambiguous",
            e.span);
      }
      found = &item;
    }
    if (found != nullptr) return found->value;
  }
  return expression(e, place);
}

std::vector<ScopeColumn> Lowerer::select_items(const std::vector<ast::SelectItem>& list,
                                               const Scope& scope, Place& place) {
  std::vector<ScopeColumn> out;
  for (const ast::SelectItem& item : list) {
    if (const auto* star = item.expression.as<ast::ColumnRef>(); star != nullptr && star->star) {
      std::vector<ScopeColumn> columns;
      expand_star(*star, scope, item.expression.span, columns);
      for (ScopeColumn& column : columns) {
        for (const VariableId id : datalog::variables_of(column.value.value)) {
          tell_position(id, item.expression.span);
        }
        out.push_back(std::move(column));
      }
      continue;
    }
    ScopeColumn column;
    if (const auto* ref = item.expression.as<ast::ColumnRef>()) {
      column = resolve_column(*ref, place.scope, item.expression.span);
      for (const VariableId id : datalog::variables_of(column.value.value)) {
        tell_position(id, item.expression.span);
      }
    } else {
      column.value = expression(item.expression, place);
    }
    column.name = name_of(item);
    out.push_back(std::move(column));
  }
  return out;
}

Rows Lowerer::rows_of_select(const ast::Query& query, const ast::Select& select, const Scope* outer,
                             bool outermost) {
  if (select.into) unsupported("SELECT INTO here", select.into->span);
  Block block;
  block.scope.outer = block.scope.enclosing = outer;
  from_items(select.from, block.scope, block.body);
  Place place;
  place.scope = &block.scope;
  place.out = place.domain = &block.body;
  if (select.where) condition(*select.where, place);

  auto in_items = [&](auto&& test) {
    return std::any_of(select.items.begin(), select.items.end(),
                       [&](const ast::SelectItem& item) { return test(item.expression); }) ||
           std::any_of(query.order_by.begin(), query.order_by.end(),
                       [&](const ast::SortItem& item) { return test(*item.expression); });
  };
  const bool grouped = !select.group_by.empty() || select.having.has_value() ||
                       in_items([&](const ast::Expression& e) { return has_aggregate(e); });
  block.collector.grouped = grouped;
  block.collector.named_windows = &select.windows;
  Place items = place;
  items.collector = &block.collector;
  items.clause = "SELECT";
  items.one_row = select.from.empty() && outermost;
  if (grouped) items.out = &block.post;

  block.items = select_items(select.items, block.scope, items);
  if (!select.group_by.empty()) {
    Place keys = place;
    keys.clause = "GROUP BY";
    take_grouping(block, select, keys);
    move_up(block);
  }
  if (select.having) {
    Place having = items;
    having.clause = "HAVING";
    Collector no_windows;
    if (has_window(*select.having)) {
      fail("42P20", "window functions are not allowed in HAVING", select.having->span);
    }
    condition(*select.having, having);
  }
  Place ordering = items;
  ordering.clause = "ORDER BY";
  for (const ast::Expression& e : select.distinct_on) {
    block.distinct_on.push_back(resolved(order_value(e, block, ordering, false), e.span));
  }
  for (const ast::SortItem& item : query.order_by) {
    const std::vector<const ast::Expression*> fields = fields_of(*item.expression);
    if (fields.size() > 1) {
      for (const ast::Expression* field : fields) {
        block.order.push_back(order_key(item, resolved(expression(*field, ordering), field->span)));
      }
      continue;
    }
    Typed value = order_value(*item.expression, block, ordering, false);
    block.order.push_back(order_key(item, resolved(std::move(value), item.expression->span)));
    if (select.distinct && select.distinct_on.empty()) {
      const Typed& key = block.order.back().value;
      const bool known =
          std::any_of(block.items.begin(), block.items.end(), [&](const ScopeColumn& column) {
            return same(column.value.value, key.value) ||
                   (column.value.is_unknown() && is_constant(key.value));
          });
      if (!known) {
        fail("42P10", "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
             item.expression->span);
      }
    }
  }
  if (!select.distinct_on.empty()) {
    for (std::size_t i = 0; i < block.distinct_on.size() && i < block.order.size(); ++i) {
      const bool matches =
          std::any_of(block.distinct_on.begin(), block.distinct_on.end(),
                      [&](const Typed& on) { return same(on.value, block.order[i].value.value); });
      if (!matches) {
        fail("42P10", "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
             select.distinct_on[i].span);
      }
    }
  }
  if (grouped) group(block);
  if (!block.collector.windows.empty()) rank(block);
  const bool one_each = block.collector.set_functions.empty();
  if (!one_each) spread_rows(block);

  Rows rows;
  rows.body = std::move(block.body);
  rows.columns = std::move(block.items);
  rows.order = std::move(block.order);
  rows.exactly_one = one_each && ((grouped && select.group_by.empty() && !select.having) ||
                                  (select.from.empty() && !select.where && !grouped));
  rows.at_most_one = one_each && (rows.exactly_one || (grouped && select.group_by.empty()) ||
                                  (select.from.empty() && !grouped));
  if (!select.distinct_on.empty()) {
    datalog::Rank first;
    for (const Typed& on : block.distinct_on) first.partition.push_back(stored(on.value));
    rows.limit = constant_int(vm::TypeKind::kInt8, 1);
    std::vector<Expression> partition = std::move(first.partition);
    cut_partitions(rows, std::move(partition), false);
    rows.limit.reset();
  } else if (select.distinct) {
    rows.distinct = true;
  }
  if (!query.locking.empty()) {
    if (grouped || select.distinct) {
      fail("0A000",
           std::string("FOR UPDATE is not allowed with ") +
               (grouped ? "GROUP BY clause" : "DISTINCT clause"),
           query.locking.front().span);
    }
    for (const ast::Locking& lock : query.locking) {
      for (const ast::QualifiedName& name : lock.tables) {
        const bool known =
            std::any_of(block.scope.items.begin(), block.scope.items.end(),
                        [&](const ScopeItem& item) { return item.alias == name.last().text; });
        if (!known) {
          fail(
              "42P01",
              "relation \"" + name.last().text + "\" in FOR UPDATE clause not found in FROM clause",
              name.span);
        }
      }
      for (const ScopeItem& item : block.scope.items) {
        const bool meant =
            lock.tables.empty() ||
            std::any_of(lock.tables.begin(), lock.tables.end(),
                        [&](const auto& name) { return name.last().text == item.alias; });
        if (!meant || item.table == nullptr || item.table->kind != TableKind::kTable) continue;
        if (!outermost) unsupported("FOR UPDATE in a subquery", lock.span);
        LockingRequest request;
        request.strength = lock.strength;
        request.wait = lock.wait;
        request.table = item.table;
        std::vector<Typed> row;
        for (const ScopeColumn& column : item.columns) {
          Typed value = column.value;
          value.value = stored(std::move(value.value));
          row.push_back(std::move(value));
        }
        rows.locking.push_back(request);
        rows.locked_rows.push_back(std::move(row));
      }
    }
  }
  return rows;
}

void Lowerer::take_limit(Rows& rows, const ast::Query& query, const Scope*) {
  auto bound = [&](const ast::Expression& e, const char* clause) {
    Body literals;
    Place place;
    place.clause = clause;
    place.one_row = true;
    if (e.as<ast::Subquery>() != nullptr) {
      unsupported(std::string("a subquery in ") + clause, e.span);
    }
    Typed value = expression(e, place);
    if (!value.is_unknown() && !is_number_type(value.type.oid)) {
      fail("42804",
           std::string("argument of ") + clause + " must be type bigint, not type " +
               type_name(value.type),
           e.span);
    }
    value = coerce(std::move(value), {oids::kInt8, -1}, CastContext::kAssignment, e.span);
    if (value.value.op == ExpressionOp::kConstant &&
        static_cast<std::int64_t>(value.value.words[0]) < 0) {
      const bool limit = std::string_view(clause) == "LIMIT";
      fail(limit ? "2201W" : "2201X", std::string(clause) + " must not be negative", e.span);
    }
    return value.value;
  };
  if (query.limit) rows.limit = bound(*query.limit, "LIMIT");
  if (query.offset) rows.offset = bound(*query.offset, "OFFSET");
}

void Lowerer::cut(Rows& rows, bool with_ties) { cut_partitions(rows, {}, with_ties); }

void Lowerer::stand_on_something(datalog::Rank& ranking) {
  const vm::Type int8 = vm::Type::of(vm::TypeKind::kInt8);
  const VariableId one = new_variable("_one", int8, false);
  if (ranking.body.empty()) {
    datalog::Each once;
    once.variable = one;
    once.arguments = {constant_int(vm::TypeKind::kInt8, 0), constant_int(vm::TypeKind::kInt8, 1)};
    ranking.body.push_back({std::move(once), {}});
  } else if (ranking.partition.empty() && ranking.order.empty()) {
    ranking.body.push_back({datalog::Bind{one, constant_int(vm::TypeKind::kInt8, 0)}, {}});
  } else {
    return;
  }
  ranking.partition.push_back(mention(one));
}

void Lowerer::cut_partitions(Rows& rows, std::vector<Expression> partition, bool with_ties) {
  datalog::Rank ranking;
  ranking.partition = std::move(partition);
  for (const OrderKey& key : rows.order) {
    ranking.order.push_back(
        {Expression(undisplayed(key.value.value)), key.descending, key.nulls_first});
  }
  ranking.limit = std::move(rows.limit);
  ranking.offset = std::move(rows.offset);
  rows.limit.reset();
  rows.offset.reset();
  ranking.with_ties = with_ties;
  std::vector<Expression> used = ranking.partition;
  for (const datalog::OrderItem& item : ranking.order) used.push_back(item.value);
  for (const ScopeColumn& column : rows.columns) used.push_back(column.value.value);
  const std::set<VariableId> outer = outer_variables(rows.body, used);
  ranking.body = std::move(rows.body);
  domain_literals(outer, ranking.body);
  stand_on_something(ranking);
  std::vector<datalog::Column> columns;
  std::vector<Expression> terms, reading;
  for (const VariableId id : outer) {
    ranking.partition.push_back(mention(id));
    const datalog::Variable& v = variables_[datalog::index_of(id)];
    columns.push_back({v.name, v.type, v.nullable, {}});
    terms.push_back(mention(id));
    reading.push_back(mention(id));
  }
  // Results, then what the order needs further on.
  auto add = [&](Typed& value, const std::string& name) {
    columns.push_back({name, value.value.type, value.value.nullable, {}});
    const VariableId fresh = new_variable(name, value.value.type, value.value.nullable);
    terms.push_back(std::move(value.value));
    reading.push_back(mention(fresh));
    value.value = mention(fresh);
  };
  const std::vector<ScopeColumn> before = rows.columns;
  for (ScopeColumn& column : rows.columns) add(column.value, column.name);
  for (OrderKey& key : rows.order) {
    bool known = false;
    for (std::size_t i = 0; i < before.size() && !known; ++i) {
      if (!same(before[i].value.value, key.value.value)) continue;
      key.value.value = rows.columns[i].value.value;
      known = true;
    }
    if (!known) add(key.value, "order");
  }
  const RelationId relation = new_relation("limit", std::move(columns), Collection::kBag);
  Body rule;
  rule.push_back({std::move(ranking), {}});
  add_rule(relation, std::move(terms), std::move(rule));
  rows.body.clear();
  rows.body.push_back({Match{relation, std::move(reading), {}}, {}});
  rows.exactly_one = false;
}

void Lowerer::make_distinct(Rows& rows) {
  if (!rows.distinct) return;
  resolve_unknowns(rows);
  const std::vector<ScopeColumn> before = rows.columns;
  rows = materialized(std::move(rows), "distinct", Collection::kSet);
  rows.distinct = false;
  for (OrderKey& key : rows.order) {
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (!same(before[i].value.value, key.value.value)) continue;
      key.value.value = rows.columns[i].value.value;
      break;
    }
  }
}

void Lowerer::resolve_unknowns(Rows& rows) {
  for (ScopeColumn& column : rows.columns) column.value = resolved(std::move(column.value), {});
}

Rows Lowerer::rows_of(const ast::Query& query, const Scope* outer, bool outermost) {
  const std::size_t common_tables = common_tables_.size();
  if (query.with) declare_common_tables(*query.with, outer);
  Rows rows;
  if (const auto* select = query.as<ast::Select>()) {
    rows = rows_of_select(query, *select, outer, outermost);
  } else {
    if (const auto* values = query.as<ast::Values>()) {
      rows = rows_of_values(query, *values, outer);
    } else {
      rows = rows_of_set_operation(query, *query.as<ast::SetOperation>(), outer);
    }
    // Only columns of the result can be sorted by.
    resolve_unknowns(rows);
    Block block;
    block.items = rows.columns;
    for (const ast::SortItem& item : query.order_by) {
      Scope none;
      none.outer = none.enclosing = outer;
      for (const ScopeColumn& column : rows.columns) none.visible.push_back({column, kMerged});
      Place place;
      place.scope = &none;
      place.clause = "ORDER BY";
      const bool simple = item.expression->as<ast::Literal>() != nullptr ||
                          item.expression->as<ast::ColumnRef>() != nullptr;
      if (!simple && query.as<ast::SetOperation>() != nullptr) {
        fail("0A000", "invalid UNION/INTERSECT/EXCEPT ORDER BY clause", item.expression->span,
             "Add the expression/function to every SELECT, or move the UNION into a FROM clause.",
             "Only result column names can be used, not expressions or functions.");
      }
      rows.order.push_back(order_key(item, order_value(*item.expression, block, place, false)));
    }
  }
  take_limit(rows, query, outer);
  const bool limited = rows.limit.has_value() || rows.offset.has_value();
  if (rows.limit && rows.limit->op == ExpressionOp::kConstant && rows.limit->words[0] <= 1) {
    rows.at_most_one = true;
  }
  if (query.with_ties && query.order_by.empty()) {
    fail("42601", "WITH TIES cannot be specified without ORDER BY clause", query.span);
  }
  if (limited && (!outermost || query.with_ties)) {
    resolve_unknowns(rows);
    make_distinct(rows);
    cut(rows, query.with_ties);
  } else if (!outermost) {
    make_distinct(rows);
  }
  common_tables_.resize(common_tables);
  return rows;
}

Rows Lowerer::rows_of_values(const ast::Query&, const ast::Values& values, const Scope* outer) {
  Scope none;
  none.outer = none.enclosing = outer;
  std::vector<Rows> all;
  std::vector<std::vector<Typed>> rows_values;
  Body out;
  Place place;
  place.scope = &none;
  place.clause = "VALUES";
  place.out = place.domain = &out;
  place.one_row = values.rows.size() == 1;
  for (const std::vector<ast::Expression>& row : values.rows) {
    if (row.size() != values.rows.front().size()) {
      fail("42601", "VALUES lists must all be the same length", row.front().span);
    }
    std::vector<Typed> typed;
    for (const ast::Expression& e : row) typed.push_back(expression(e, place));
    rows_values.push_back(std::move(typed));
  }
  const std::size_t width = rows_values.front().size();
  if (rows_values.size() > 1) {
    for (std::size_t c = 0; c < width; ++c) {
      std::vector<Typed> column;
      column.reserve(rows_values.size());
      for (auto& row : rows_values) column.push_back(std::move(row[c]));
      column = to_common_type(std::move(column), "VALUES", values.rows.front()[c].span);
      for (std::size_t r = 0; r < rows_values.size(); ++r) rows_values[r][c] = std::move(column[r]);
    }
  }
  Rows rows;
  rows.body = out;
  rows.exactly_one = rows_values.size() == 1;
  for (std::size_t c = 0; c < width; ++c) {
    ScopeColumn column;
    column.name = "column" + std::to_string(c + 1);
    column.value = rows_values.front()[c];
    rows.columns.push_back(std::move(column));
  }
  if (rows_values.size() == 1) return rows;
  std::vector<Alternative> alternatives;
  for (std::vector<Typed>& row : rows_values) {
    Alternative alternative;
    alternative.body = out;
    for (Typed& value : row) alternative.terms.push_back(std::move(value.value));
    alternatives.push_back(std::move(alternative));
  }
  const MadeRelation made = make_relation("values", Collection::kBag, std::move(alternatives));
  rows.body.clear();
  const std::vector<VariableId> fresh = read_relation(made, rows.body);
  for (std::size_t c = 0; c < width; ++c) {
    rows.columns[c].value.value =
        displayed(mention(fresh[c]), {rows.columns[c].value.type.oid, -1});
  }
  rows.at_most_one = false;
  return rows;
}

}  // namespace entail::sql2datalog::internal
