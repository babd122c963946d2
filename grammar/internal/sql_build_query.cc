// Queries: set operations, SELECT and its clauses, FROM.

#include <utility>

#include "grammar/internal/sql_builder.h"

namespace entail::grammar::internal {

namespace {

using P = antlr_sql::SqlParser;

bool has_clauses(const sql::Query& query) {
  return query.with.has_value() || !query.order_by.empty() || query.limit.has_value() ||
         query.offset.has_value() || !query.locking.empty();
}

// Joins operands with one operator to a node; an operand of the same kind on the left becomes part
// of the chain.
sql::Query joined(sql::Query left, bool left_open, sql::SetOperator op, bool all, sql::Span op_span,
                  sql::Query right) {
  const sql::Span span{left.span.begin, right.span.end};
  if (auto* chain = left.as<sql::SetOperation>();
      left_open && chain != nullptr && chain->op == op && chain->all == all) {
    chain->operands.push_back(std::move(right));
    left.span = span;
    return left;
  }
  sql::SetOperation operation{.op = op, .all = all, .operands = {}, .op_span = op_span};
  operation.operands.push_back(std::move(left));
  operation.operands.push_back(std::move(right));
  sql::Query made;
  made.body = std::move(operation);
  made.span = span;
  return made;
}

}  // namespace

sql::Query SqlBuilder::query(P::QueryContext* context) {
  return query_tail(context->queryTail(), context->withClause());
}

sql::Query SqlBuilder::query_tail(P::QueryTailContext* context, P::WithClauseContext* with_clause) {
  const std::uint32_t before = std::exchange(deepest_, 0);
  Maybe<sql::With> common = with(with_clause);
  const std::vector<P::SetOperandContext*> operands = context->setOperand();
  const std::vector<P::SetOperatorContext*> operators = context->setOperator();

  // INTERSECT binds tighter than UNION and EXCEPT, which are taken from the left.
  struct Pending {
    sql::Query query;
    bool open = false;  // A chain that was made here, not in brackets.
  };
  const auto combine = [&](Pending left, std::size_t number, Pending right) {
    P::SetOperatorContext* const written_operator = operators[number];
    const sql::SetOperator op = has(written_operator, P::K_UNION)    ? sql::SetOperator::kUnion
                                : has(written_operator, P::K_EXCEPT) ? sql::SetOperator::kExcept
                                                                     : sql::SetOperator::kIntersect;
    return Pending{joined(std::move(left.query), left.open, op, has(written_operator, P::K_ALL),
                          span_of(written_operator), std::move(right.query)),
                   true};
  };
  std::optional<Pending> sum;
  std::size_t sum_operator = 0;
  Pending product{set_operand(operands.front())};
  for (std::size_t i = 0; i < operators.size(); ++i) {
    Pending next{set_operand(operands[i + 1])};
    if (has(operators[i], P::K_INTERSECT)) {
      product = combine(std::move(product), i, std::move(next));
      continue;
    }
    sum = sum ? combine(std::move(*sum), sum_operator, std::move(product)) : std::move(product);
    sum_operator = i;
    product = std::move(next);
  }
  if (sum) product = combine(std::move(*sum), sum_operator, std::move(product));

  sql::Query made = std::move(product.query);
  const bool bracketed_query = operators.empty() && operands.front()->query() != nullptr;
  sql::Query outer;
  outer.order_by = order_by(context->orderBy());
  for (P::QueryLimitContext* limit : context->queryLimit()) query_limit(outer, limit);
  outer.with = std::move(common);
  if (bracketed_query && has_clauses(made) && has_clauses(outer)) {
    // `(SELECT ... LIMIT 3) ORDER BY a`: what stands outside may only add what is not inside.
    const auto twice = [&](bool both, const char* message) {
      if (both) fail(last(context), message);
    };
    twice(!made.order_by.empty() && !outer.order_by.empty(),
          "multiple ORDER BY clauses not allowed");
    twice(made.offset.has_value() && outer.offset.has_value(),
          "multiple OFFSET clauses not allowed");
    twice(made.limit.has_value() && outer.limit.has_value(), "multiple LIMIT clauses not allowed");
    twice(made.with.has_value() && outer.with.has_value(), "multiple WITH clauses not allowed");
  }
  if (!outer.order_by.empty()) made.order_by = std::move(outer.order_by);
  if (outer.limit) made.limit = std::move(outer.limit);
  if (outer.offset) made.offset = std::move(outer.offset);
  if (outer.with) made.with = std::move(outer.with);
  made.with_ties = made.with_ties || outer.with_ties;
  if (made.with_ties && made.order_by.empty()) {
    fail(last(context), "WITH TIES cannot be specified without ORDER BY clause");
  }
  for (sql::Locking& locking : outer.locking) made.locking.push_back(std::move(locking));
  made.span = span_of(context);
  if (with_clause != nullptr) made.span.begin = span_of(with_clause).begin;
  deepest_ = std::max(before, deepest_);
  return made;
}

sql::Query SqlBuilder::set_operand(P::SetOperandContext* context) {
  if (context->query() != nullptr) return query(context->query());
  sql::Query made;
  made.span = span_of(context);
  if (context->selectCore() != nullptr) {
    made.body = select(context->selectCore());
  } else if (context->valuesClause() != nullptr) {
    made.body = values(context->valuesClause());
  } else {
    sql::Select all;
    all.items.push_back(
        {.expression = {.node = sql::ColumnRef{.parts = {}, .star = true}, .span = made.span}});
    sql::TableName table{.name = dotted(context->qualifiedName())};
    table.only = context->K_ONLY() != nullptr;
    all.from.push_back({.node = std::move(table), .span = span_of(context->qualifiedName())});
    made.body = std::move(all);
  }
  return made;
}

void SqlBuilder::query_limit(sql::Query& query, P::QueryLimitContext* context) {
  const std::size_t at = first(context);
  switch (type_at(at)) {
    case P::K_LIMIT:
      if (query.limit) fail(at, "multiple LIMIT clauses not allowed");
      query.limit = maybe_expression(context->expr());
      break;
    case P::K_OFFSET:
      if (query.offset) fail(at, "multiple OFFSET clauses not allowed");
      query.offset = expression(context->expr());
      break;
    case P::K_FETCH:
      if (query.limit) fail(at, "multiple LIMIT clauses not allowed");
      if (context->expr() != nullptr) {
        query.limit = expression(context->expr());
      } else {
        query.limit = sql::Expression{.node = sql::Literal{sql::LiteralKind::kInteger, "1"},
                                      .span = span_of(context)};
      }
      query.with_ties = context->K_TIES() != nullptr;
      break;
    default: {
      if (context->K_READ() != nullptr) break;  // FOR READ ONLY says nothing.
      sql::Locking locking{.span = span_of(context)};
      P::LockStrengthContext* const strength = context->lockStrength();
      const bool update = has(strength, P::K_UPDATE);
      const bool key = has(strength, P::K_KEY);
      locking.strength = update
                             ? (key ? sql::LockStrength::kNoKeyUpdate : sql::LockStrength::kUpdate)
                             : (key ? sql::LockStrength::kKeyShare : sql::LockStrength::kShare);
      for (P::QualifiedNameContext* name : context->qualifiedName()) {
        locking.tables.push_back(dotted(name));
      }
      if (context->K_NOWAIT() != nullptr) locking.wait = sql::LockWait::kNowait;
      if (context->K_SKIP() != nullptr) locking.wait = sql::LockWait::kSkipLocked;
      query.locking.push_back(std::move(locking));
    }
  }
}

Maybe<sql::With> SqlBuilder::with(P::WithClauseContext* context) {
  if (context == nullptr) return {};
  sql::With made{.recursive = context->K_RECURSIVE() != nullptr, .tables = {}};
  made.span = span_of(context);
  for (P::CommonTableContext* written_table : context->commonTable()) {
    sql::CommonTable table{.name = identifier(written_table->colId()),
                           .columns = columns(written_table->columnList())};
    if (written_table->K_MATERIALIZED() != nullptr) {
      table.materialization = written_table->K_NOT() != nullptr ? sql::Materialization::kNever
                                                                : sql::Materialization::kAlways;
    }
    if (written_table->query() != nullptr) {
      table.query = query(written_table->query());
    } else {
      table.change = change(written_table->change());
    }
    made.tables.push_back(std::move(table));
  }
  return made;
}

std::vector<sql::SelectItem> SqlBuilder::select_items(P::SelectListContext* context) {
  std::vector<sql::SelectItem> items;
  if (context == nullptr) return items;
  for (P::SelectItemContext* written_item : context->selectItem()) {
    sql::SelectItem item;
    if (written_item->STAR() != nullptr) {
      item.expression = {.node = sql::ColumnRef{.parts = {}, .star = true},
                         .span = span_of(written_item)};
    } else {
      item.expression = expression(written_item->expr());
      if (written_item->colLabel() != nullptr) item.alias = identifier(written_item->colLabel());
      if (written_item->bareLabel() != nullptr) item.alias = identifier(written_item->bareLabel());
    }
    items.push_back(std::move(item));
  }
  return items;
}

sql::Select SqlBuilder::select(P::SelectCoreContext* context) {
  sql::Select made;
  made.distinct = context->K_DISTINCT(0) != nullptr && type_at(first(context) + 1) == P::K_DISTINCT;
  made.distinct_on = expressions(context->exprList());
  made.items = select_items(context->selectList());
  if (context->qualifiedName() != nullptr) made.into = dotted(context->qualifiedName());
  made.from = table_refs(context->tableRef());
  made.where = where(context->whereClause());
  if (context->K_GROUP() != nullptr) {
    made.group_distinct = type_at(position(context->K_GROUP()) + 2) == P::K_DISTINCT;
  }
  for (P::GroupingItemContext* item : context->groupingItem()) {
    made.group_by.push_back(grouping_item(item));
  }
  made.having = maybe_expression(context->expr());
  for (P::NamedWindowContext* written_window : context->namedWindow()) {
    made.windows.push_back(
        {identifier(written_window->colId()), window(written_window->windowSpec())});
  }
  return made;
}

sql::Values SqlBuilder::values(P::ValuesClauseContext* context) {
  sql::Values made;
  made.rows.reserve(context->children.size() / 2);
  for (std::size_t i = 1; i < context->children.size(); i += 2) {
    auto* row = static_cast<P::ValuesRowContext*>(context->children[i]);
    if (row->exprList() == nullptr) fail_at(first(row) + 1);
    made.rows.push_back(expressions(row->exprList()));
    if (made.rows.back().size() != made.rows.front().size()) {
      fail(first(row->exprList()), "VALUES lists must all be the same length");
    }
  }
  return made;
}

sql::GroupingItem SqlBuilder::grouping_item(P::GroupingItemContext* context) {
  sql::GroupingItem item{.span = span_of(context)};
  if (context->GROUPING_SETS() != nullptr) {
    item.kind = sql::GroupingKind::kSets;
    for (P::GroupingItemContext* inner : context->groupingItem()) {
      item.sets.push_back(grouping_item(inner));
    }
    return item;
  }
  const std::size_t at = first(context);
  if (type_at(at) == P::LPAREN && last(context) == at + 1) {
    item.kind = sql::GroupingKind::kEmpty;
    return item;
  }
  sql::Expression grouped = expression(context->expr());
  if (auto* call = grouped.as<sql::FunctionCall>();
      call != nullptr && call->name.parts.size() == 1 && !call->name.parts[0].quoted &&
      (call->name.parts[0].text == "rollup" || call->name.parts[0].text == "cube") &&
      type_at(at + 1) == P::LPAREN) {
    item.kind =
        call->name.parts[0].text == "cube" ? sql::GroupingKind::kCube : sql::GroupingKind::kRollup;
    for (sql::Argument& argument : call->arguments) {
      item.expressions.push_back(std::move(*argument.value));
    }
    return item;
  }
  item.expressions.push_back(std::move(grouped));
  return item;
}

// ------------------------------------------------------------------------------------------------
// FROM
// ------------------------------------------------------------------------------------------------

std::vector<sql::TableItem> SqlBuilder::table_refs(const std::vector<P::TableRefContext*>& list) {
  std::vector<sql::TableItem> items;
  items.reserve(list.size());
  for (P::TableRefContext* context : list) items.push_back(table_ref(context));
  return items;
}

sql::TableItem SqlBuilder::table_ref(P::TableRefContext* context) {
  sql::TableItem item = table_primary(context->tablePrimary());
  constexpr std::size_t kJoinsMax = 1000;
  if (context->joinTail().size() > kJoinsMax) {
    fail(first(context), "statement too complex", "54001");
  }
  for (P::JoinTailContext* tail : context->joinTail()) {
    sql::Join join;
    join.left = std::move(item);
    join.natural = tail->K_NATURAL() != nullptr;
    if (tail->K_CROSS() != nullptr) join.kind = sql::JoinKind::kCross;
    if (P::JoinKindContext* kind = tail->joinKind()) {
      if (has(kind, P::K_LEFT)) join.kind = sql::JoinKind::kLeft;
      if (has(kind, P::K_RIGHT)) join.kind = sql::JoinKind::kRight;
      if (has(kind, P::K_FULL)) join.kind = sql::JoinKind::kFull;
    }
    join.right = tail->tableRef() != nullptr ? table_ref(tail->tableRef())
                                             : table_primary(tail->tablePrimary());
    join.condition = maybe_expression(tail->expr());
    join.using_columns = columns(tail->columnList());
    if (tail->colId() != nullptr) join.using_alias = identifier(tail->colId());
    const sql::Span span{span_of(context).begin, span_of(tail).end};
    item = {.node = std::move(join), .span = span};
  }
  return item;
}

sql::TableItem SqlBuilder::table_primary(P::TablePrimaryContext* context) {
  const sql::Span span = span_of(context);
  std::optional<sql::Alias> named;
  if (context->tableAlias() != nullptr) named = alias(context->tableAlias());
  const bool lateral = context->K_LATERAL() != nullptr;
  if (context->query() != nullptr) {
    sql::DerivedTable derived{.query = query(context->query()), .lateral = lateral};
    derived.alias = std::move(named);
    return {.node = std::move(derived), .span = span};
  }
  if (context->tableRef() != nullptr) {
    sql::TableItem inner = table_ref(context->tableRef());
    if (auto* join = inner.as<sql::Join>(); join != nullptr) {
      if (named && join->alias) fail_at(first(context->tableAlias()));
      if (named) join->alias = std::move(named);
    } else if (auto* derived = inner.as<sql::DerivedTable>();
               derived != nullptr && !(named && derived->alias)) {
      if (named) derived->alias = std::move(named);
    } else {
      fail_at(last(context->tableRef()) + 1);
    }
    inner.span = span;
    return inner;
  }
  const bool call = context->specialCall() != nullptr || context->ROWS_FROM() != nullptr ||
                    context->callSuffix() != nullptr;
  if (call) {
    if (context->STAR() != nullptr) fail_at(position(context->STAR()));
    if (context->timeTravel() != nullptr) fail_at(first(context->timeTravel()));
    if (context->sample() != nullptr) fail_at(first(context->sample()));
    sql::TableFunction function;
    function.lateral = lateral;
    function.ordinality = context->ordinality() != nullptr;
    function.rows_from = context->ROWS_FROM() != nullptr;
    for (P::TableFunctionContext* part : context->tableFunction()) {
      function.functions.push_back(table_function(part));
    }
    if (!function.rows_from) {
      sql::TableFunctionPart part;
      if (context->specialCall() != nullptr) {
        part.call = sql::Expression{.node = special_call(context->specialCall()),
                                    .span = span_of(context->specialCall())};
      } else {
        sql::FunctionCall made_call;
        made_call.name = dotted(context->tableName());
        call_suffix(made_call, context->callSuffix());
        part.call = sql::Expression{
            .node = std::move(made_call),
            .span = {span_of(context->tableName()).begin, span_of(context->callSuffix()).end}};
      }
      function.functions.push_back(std::move(part));
    }
    function.alias = std::move(named);
    return {.node = std::move(function), .span = span};
  }
  if (lateral) fail_at(last(context) + 1);
  if (context->ordinality() != nullptr) fail_at(first(context->ordinality()));
  sql::TableName table;
  table.only = context->K_ONLY() != nullptr;
  table.name = table.only ? dotted(context->qualifiedName()) : dotted(context->tableName());
  if (context->timeTravel() != nullptr) table.as_of = time_travel(context->timeTravel());
  table.alias = std::move(named);
  if (context->sample() != nullptr) table.sample = sample(context->sample());
  return {.node = std::move(table), .span = span};
}

sql::TableFunctionPart SqlBuilder::table_function(P::TableFunctionContext* context) {
  sql::TableFunctionPart part;
  if (context->specialCall() != nullptr) {
    part.call = sql::Expression{.node = special_call(context->specialCall()),
                                .span = span_of(context->specialCall())};
  } else {
    sql::FunctionCall call;
    call.name = dotted(context->tableName());
    call_suffix(call, context->callSuffix());
    part.call = sql::Expression{.node = std::move(call), .span = span_of(context)};
  }
  for (P::AliasColumnContext* column : context->aliasColumn()) {
    if (column->typeName() == nullptr) fail_at(last(column) + 1);
    part.definitions.push_back({identifier(column->colId()), type_name(column->typeName())});
  }
  return part;
}

sql::Alias SqlBuilder::alias(P::TableAliasContext* context) {
  sql::Alias made;
  if (context->colId() != nullptr) made.name = identifier(context->colId());
  alias_columns(context->aliasColumn(), made);
  if (context->colId() == nullptr && made.definitions.empty()) fail_at(first(context) + 1);
  return made;
}

void SqlBuilder::alias_columns(const std::vector<P::AliasColumnContext*>& list, sql::Alias& to) {
  for (P::AliasColumnContext* column : list) {
    const bool typed = column->typeName() != nullptr;
    if (column != list.front() && typed == to.definitions.empty()) {
      fail_at(typed ? first(column->typeName()) : last(column) + 1);
    }
    if (typed) {
      to.definitions.push_back({identifier(column->colId()), type_name(column->typeName())});
    } else {
      to.columns.push_back(identifier(column->colId()));
    }
  }
}

sql::TimeTravel SqlBuilder::time_travel(P::TimeTravelContext* context) {
  sql::TimeTravel made{.value = expression(context->expr()), .span = span_of(context)};
  made.kind = context->K_VERSION() != nullptr ? sql::TimeTravelKind::kVersion
                                              : sql::TimeTravelKind::kTimestamp;
  return made;
}

sql::TableSample SqlBuilder::sample(P::SampleContext* context) {
  sql::TableSample made{.method = dotted(context->qualifiedName()),
                        .arguments = expressions(context->exprList())};
  made.repeatable = maybe_expression(context->expr());
  made.span = span_of(context);
  return made;
}

}  // namespace entail::grammar::internal
