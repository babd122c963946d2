#include "sql2datalog/internal/changes.h"

#include <algorithm>
#include <utility>

#include "sql2datalog/lower_statement.h"

namespace entail::sql2datalog::internal {

const TableDescription& changed_table(Lowerer& lowerer, const ast::QualifiedName& name) {
  const std::string schema =
      name.parts.size() > 1 ? name.parts[name.parts.size() - 2].text : std::string();
  const TableDescription* const table = lowerer.catalog_.find_table(
      schema, name.last().text, name.last().quoted, lowerer.search_path_);
  if (table == nullptr) {
    lowerer.fail("42P01",
                 "relation \"" + (schema.empty() ? "" : schema + ".") + name.last().text +
                     "\" does not exist",
                 name.span);
  }
  switch (table->kind) {
    case TableKind::kMaterializedView:
      lowerer.fail("42809", "cannot change materialized view \"" + table->name + "\"", name.span);
    case TableKind::kSystem:
      lowerer.fail("42501", "permission denied for table " + table->name, name.span);
    default:
      break;
  }
  return *table;
}

std::uint32_t column_of(const Lowerer& lowerer, const TableDescription& table,
                        const ast::Identifier& name) {
  for (std::uint32_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].name == name.text) return i;
  }
  lowerer.fail("42703",
               "column \"" + name.text + "\" of relation \"" + table.name + "\" does not exist",
               name.span);
}

std::vector<ScopeItem> given_items(Lowerer& lowerer,
                                   const std::vector<const TableDescription*>& tables,
                                   bool nullable, Body& body) {
  std::vector<ScopeItem> items;
  std::vector<datalog::Column> columns;
  Match match;
  for (const TableDescription* table : tables) {
    ScopeItem item;
    item.alias = table->name;
    item.schema = table->schema;
    item.table = table;
    std::uint32_t attribute = 0;
    for (const ColumnDescription& column : table->columns) {
      const bool may_be_null = nullable || !column.not_null;
      columns.push_back({column.name, column.machine, may_be_null, {}});
      const VariableId id = lowerer.new_variable(column.name, column.machine, may_be_null);
      lowerer.column_names_[id] = table->name + "." + column.name;
      match.terms.push_back(lowerer.mention(id));
      item.columns.push_back(
          {column.name, column_value(lowerer.mention(id), column.type), table->oid, ++attribute});
    }
    items.push_back(std::move(item));
  }
  match.relation = lowerer.new_relation("given", std::move(columns), Collection::kBag);
  GivenRelation given;
  given.relation = match.relation;
  given.kind = GivenKind::kInput;
  given.table = tables.front();
  lowerer.given_.insert(lowerer.given_.begin(), given);
  body.push_back({std::move(match), {}});
  return items;
}

std::vector<Expression> raw_row(const Body& body, std::size_t literal) {
  return std::get<Match>(body[literal].node).terms;
}

void put_in_scope(Scope& scope, ScopeItem item) {
  for (const ScopeColumn& column : item.columns) {
    scope.visible.push_back({column, static_cast<std::uint32_t>(scope.items.size())});
  }
  scope.items.push_back(std::move(item));
}

void add_returning(Lowerer& lowerer, const std::vector<ast::SelectItem>& items, const Scope& scope,
                   Rows& rows, Body& body) {
  ast::Select select;
  select.items = items;
  Place place;
  place.scope = &scope;
  place.out = place.domain = &body;
  place.clause = "RETURNING";
  for (ScopeColumn& column : lowerer.select_items(items, scope, place)) {
    column.value = lowerer.resolved(std::move(column.value), {});
    rows.columns.push_back(std::move(column));
  }
}

std::optional<Expression> default_of(Lowerer& lowerer, const ColumnDescription& column,
                                     Place& place, std::string& sequence) {
  if (!column.sequence.empty()) {
    sequence = column.sequence;
    return std::nullopt;
  }
  if (column.default_value == nullptr || column.generated) return null_of(column.machine);
  if (const auto found = default_sequence(*column.default_value, lowerer.context_)) {
    sequence = *found;
    return std::nullopt;
  }
  ++lowerer.view_depth_;  // Its text is not the statement's.
  Typed value = lowerer.expression(*column.default_value, place);
  value = lowerer.assign(std::move(value), column, column.default_value->span);
  --lowerer.view_depth_;
  return value.value;
}

}  // namespace entail::sql2datalog::internal
