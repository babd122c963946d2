// Prints queries and what stands in FROM.

#include <array>

#include "grammar/internal/sql_writer.h"

namespace entail::grammar::internal {

namespace {

bool has_clauses(const sql::Query& query) {
  return query.with.has_value() || !query.order_by.empty() || query.limit.has_value() ||
         query.offset.has_value() || !query.locking.empty();
}

}  // namespace

void SqlWriter::column_list(const std::vector<sql::Identifier>& columns) {
  if (columns.empty()) return;
  text(" (");
  identifiers(columns);
  text(")");
}

void SqlWriter::with(const sql::With& with) {
  text(with.recursive ? "WITH RECURSIVE " : "WITH ");
  list(with.tables, [&](const sql::CommonTable& table) {
    identifier(table.name);
    column_list(table.columns);
    text(" AS ");
    if (table.materialization == sql::Materialization::kAlways) text("MATERIALIZED ");
    if (table.materialization == sql::Materialization::kNever) text("NOT MATERIALIZED ");
    text("(");
    if (table.query) {
      query(*table.query);
    } else {
      statement(*table.change);
    }
    text(")");
  });
  text(" ");
}

void SqlWriter::query(const sql::Query& query) {
  if (query.with) with(*query.with);
  body(query);
  if (!query.order_by.empty()) {
    text(" ORDER BY ");
    sort_items(query.order_by);
  }
  if (query.offset) {
    text(" OFFSET ");
    expression(*query.offset);
  }
  if (query.limit) {
    if (query.with_ties) {
      text(" FETCH FIRST ");
      operand(*query.limit);
      text(" ROWS WITH TIES");
    } else {
      text(" LIMIT ");
      expression(*query.limit);
    }
  }
  for (const sql::Locking& locking : query.locking) {
    static constexpr std::array<std::string_view, 4> kStrengths = {
        " FOR UPDATE", " FOR NO KEY UPDATE", " FOR SHARE", " FOR KEY SHARE"};
    text(kStrengths[static_cast<std::size_t>(locking.strength)]);
    if (!locking.tables.empty()) {
      text(" OF ");
      names(locking.tables);
    }
    if (locking.wait == sql::LockWait::kNowait) text(" NOWAIT");
    if (locking.wait == sql::LockWait::kSkipLocked) text(" SKIP LOCKED");
  }
}

void SqlWriter::set_operand(const sql::Query& operand) {
  if (has_clauses(operand) || operand.as<sql::SetOperation>() != nullptr) {
    text("(");
    query(operand);
    text(")");
  } else {
    body(operand);
  }
}

void SqlWriter::body(const sql::Query& query) {
  if (const auto* node = query.as<sql::Select>()) {
    select(*node);
  } else if (const auto* rows = query.as<sql::Values>()) {
    values(*rows);
  } else if (const auto* operation = query.as<sql::SetOperation>()) {
    static constexpr std::array<std::string_view, 3> kOperators = {" UNION ", " INTERSECT ",
                                                                   " EXCEPT "};
    std::string separator(kOperators[static_cast<std::size_t>(operation->op)]);
    if (operation->all) separator += "ALL ";
    list(operation->operands, [&](const sql::Query& part) { set_operand(part); }, separator);
  }
}

void SqlWriter::select_items(const std::vector<sql::SelectItem>& items) {
  list(items, [&](const sql::SelectItem& item) {
    expression(item.expression);
    if (item.alias) {
      text(" AS ");
      identifier(*item.alias);
    }
  });
}

void SqlWriter::grouping(const sql::GroupingItem& item) {
  switch (item.kind) {
    case sql::GroupingKind::kExpression:
      expression(item.expressions.front());
      return;
    case sql::GroupingKind::kEmpty:
      text("()");
      return;
    case sql::GroupingKind::kRollup:
    case sql::GroupingKind::kCube:
      text(item.kind == sql::GroupingKind::kCube ? "cube(" : "rollup(");
      expressions(item.expressions);
      break;
    case sql::GroupingKind::kSets:
      text("GROUPING SETS (");
      list(item.sets, [&](const sql::GroupingItem& inner) { grouping(inner); });
      break;
  }
  text(")");
}

void SqlWriter::select(const sql::Select& select) {
  text("SELECT");
  if (select.distinct) text(" DISTINCT");
  if (!select.distinct_on.empty()) {
    text(" ON (");
    expressions(select.distinct_on);
    text(")");
  }
  if (!select.items.empty()) text(" ");
  select_items(select.items);
  if (select.into) {
    text(" INTO ");
    name(*select.into);
  }
  if (!select.from.empty()) {
    text(" FROM ");
    list(select.from, [&](const sql::TableItem& item) { table_item(item); });
  }
  where(select.where);
  if (!select.group_by.empty()) {
    text(select.group_distinct ? " GROUP BY DISTINCT " : " GROUP BY ");
    list(select.group_by, [&](const sql::GroupingItem& item) { grouping(item); });
  }
  if (select.having) {
    text(" HAVING ");
    expression(*select.having);
  }
  if (!select.windows.empty()) {
    text(" WINDOW ");
    list(select.windows, [&](const sql::NamedWindow& named) {
      identifier(named.name);
      text(" AS ");
      window(named.window);
    });
  }
}

void SqlWriter::values(const sql::Values& values) {
  text("VALUES ");
  list(values.rows, [&](const std::vector<sql::Expression>& row) {
    text("(");
    expressions(row);
    text(")");
  });
}

void SqlWriter::definitions(const std::vector<sql::ColumnDefinition>& columns) {
  text("(");
  list(columns, [&](const sql::ColumnDefinition& column) {
    identifier(column.name);
    text(" ");
    type(column.type);
  });
  text(")");
}

void SqlWriter::alias(const sql::Alias& alias) {
  text(" AS");
  if (!alias.name.text.empty()) {
    text(" ");
    identifier(alias.name);
  }
  column_list(alias.columns);
  if (!alias.definitions.empty()) {
    text(" ");
    definitions(alias.definitions);
  }
}

void SqlWriter::table_name(const sql::TableName& table) {
  if (table.only) text("ONLY ");
  name(table.name);
  if (table.as_of) {
    text(table.as_of->kind == sql::TimeTravelKind::kVersion ? " AS OF VERSION "
                                                            : " AS OF TIMESTAMP ");
    operand(*table.as_of->value);
  }
  if (table.alias) alias(*table.alias);
  if (table.sample) {
    text(" TABLESAMPLE ");
    name(table.sample->method);
    text(" (");
    expressions(table.sample->arguments);
    text(")");
    if (table.sample->repeatable) {
      text(" REPEATABLE (");
      expression(*table.sample->repeatable);
      text(")");
    }
  }
}

void SqlWriter::table_function(const sql::TableFunction& function) {
  if (function.lateral) text("LATERAL ");
  if (function.rows_from) text("ROWS FROM (");
  list(function.functions, [&](const sql::TableFunctionPart& part) {
    if (const auto* cast = part.call->as<sql::Cast>()) {
      text("CAST(");
      expression(*cast->operand);
      text(" AS ");
      type(cast->type);
      text(")");
    } else {
      expression(*part.call);
    }
    if (!part.definitions.empty()) {
      text(" AS ");
      definitions(part.definitions);
    }
  });
  if (function.rows_from) text(")");
  if (function.ordinality) text(" WITH ORDINALITY");
  if (function.alias) alias(*function.alias);
}

void SqlWriter::join(const sql::Join& join) {
  static constexpr std::array<std::string_view, 5> kKinds = {
      " JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN ", " CROSS JOIN "};
  if (join.alias) text("(");
  table_item(*join.left);
  if (join.natural) text(" NATURAL");
  text(kKinds[static_cast<std::size_t>(join.kind)]);
  const auto* right = join.right->as<sql::Join>();
  const bool brackets = right != nullptr && !right->alias;
  if (brackets) text("(");
  table_item(*join.right);
  if (brackets) text(")");
  if (join.condition) {
    text(" ON ");
    expression(*join.condition);
  }
  if (!join.using_columns.empty()) {
    text(" USING");
    column_list(join.using_columns);
    if (join.using_alias) {
      text(" AS ");
      identifier(*join.using_alias);
    }
  }
  if (join.alias) {
    text(")");
    alias(*join.alias);
  }
}

void SqlWriter::table_item(const sql::TableItem& item) {
  if (const auto* table = item.as<sql::TableName>()) {
    table_name(*table);
  } else if (const auto* function = item.as<sql::TableFunction>()) {
    table_function(*function);
  } else if (const auto* derived = item.as<sql::DerivedTable>()) {
    if (derived->lateral) text("LATERAL ");
    text("(");
    query(*derived->query);
    text(")");
    if (derived->alias) alias(*derived->alias);
  } else if (const auto* node = item.as<sql::Join>()) {
    join(*node);
  }
}

}  // namespace entail::grammar::internal
