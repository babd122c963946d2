// FROM: tables, views, subqueries and functions as literals of a body, and what they bring into scope.

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "sql2datalog/internal/changes.h"
#include "sql2datalog/internal/lowerer.h"
#include "vm/base/ensure.h"

namespace entail::sql2datalog::internal {

namespace {

constexpr std::uint32_t kMaxViewDepth = 64;

std::string printed(const ast::QualifiedName& name) {
  std::string text;
  for (const ast::Identifier& part : name.parts) text += (text.empty() ? "" : ".") + part.text;
  return text;
}

}  // namespace

// A column of a relation as an expression of its SQL type.
Typed column_value(Expression variable, SqlType type) {
  const vm::Type from = variable.type;
  switch (from.kind) {
    case vm::TypeKind::kNumber:
    case vm::TypeKind::kUnsigned: {
      const vm::Type to = vm::Type::of(vm::TypeKind::kInt8);
      const bool same_bits = from.width == 64;
      Expression e = op_of(same_bits ? ExpressionOp::kReinterpret : ExpressionOp::kConvert, to,
                           {std::move(variable)});
      return {std::move(e), type};
    }
    case vm::TypeKind::kNumeric:
      return {displayed(std::move(variable), type), type};
    case vm::TypeKind::kDecimal:
      return {displayed(convert(std::move(variable), vm::Type::of(vm::TypeKind::kNumeric)), type),
              type};
    case vm::TypeKind::kRecord:
    case vm::TypeKind::kAdt:
      return {op_of(ExpressionOp::kConvert, vm::Type::text(), {std::move(variable)}), type};
    case vm::TypeKind::kEnum:
      if (type.oid == oids::kText) return {convert(std::move(variable), vm::Type::text()), type};
      return {std::move(variable), type};
    default:
      return {std::move(variable), type};
  }
}

ScopeItem Lowerer::table_item(const TableDescription& table, RelationId relation, Body& body) {
  ScopeItem item;
  item.alias = table.name;
  item.schema = table.schema;
  item.table = &table;
  Match match;
  match.relation = relation;
  std::uint32_t attribute = 0;
  for (const ColumnDescription& column : table.columns) {
    const VariableId id = new_variable(column.name, column.machine, !column.not_null);
    column_names_[id] = table.name + "." + column.name;
    match.terms.push_back(mention(id));
    item.columns.push_back(
        {column.name, column_value(mention(id), column.type), table.oid, ++attribute});
  }
  body.push_back({std::move(match), {}});
  return item;
}

RelationId Lowerer::given_relation(const TableDescription& table, GivenKind kind,
                                   const ast::TimeTravel* travel) {
  if (kind == GivenKind::kSystem) {
    for (const GivenRelation& given : given_) {
      if (given.kind == kind && given.table == &table) return given.relation;
    }
  }
  GivenRelation given;
  given.kind = kind;
  given.table = &table;
  if (travel != nullptr) {
    given.travel = travel->kind;
    Place place;
    place.clause = "AS OF";
    place.one_row = true;
    Typed value = expression(*travel->value, place);
    const Oid wanted =
        travel->kind == ast::TimeTravelKind::kVersion ? oids::kInt8 : oids::kTimestampTz;
    given.as_of =
        coerce(std::move(value), {wanted, -1}, CastContext::kAssignment, travel->span).value;
    if (!datalog::variables_of(*given.as_of).empty()) {
      fail("42601", "AS OF must not contain variables", travel->span);
    }
  }
  std::vector<datalog::Column> columns;
  for (const ColumnDescription& column : table.columns) {
    columns.push_back({column.name, column.machine, !column.not_null, {}});
  }
  given.relation = new_relation(table.name, std::move(columns), Collection::kBag);
  given_.push_back(given);
  return given.relation;
}

void Lowerer::add_item(Scope& scope, ScopeItem item, const std::optional<ast::Alias>& alias,
                       ast::Span span) {
  if (alias) {
    if (!alias->name.text.empty()) {
      item.alias = alias->name.text;
      item.schema.clear();
    }
    if (alias->columns.size() > item.columns.size()) {
      fail("42P10",
           "table \"" + item.alias + "\" has " + std::to_string(item.columns.size()) +
               " columns available but " + std::to_string(alias->columns.size()) +
               " columns specified",
           span);
    }
    for (std::size_t i = 0; i < alias->columns.size(); ++i) {
      item.columns[i].name = alias->columns[i].text;
    }
    // A function's only column takes the name of its item.
    if (item.scalar_function && alias->columns.empty() && !alias->name.text.empty()) {
      item.columns.front().name = item.alias;
    }
  }
  if (!item.alias.empty()) {
    for (const ScopeItem& other : scope.items) {
      if (other.alias == item.alias && other.schema == item.schema) {
        fail("42712", "table name \"" + item.alias + "\" specified more than once", span);
      }
    }
  }
  for (const ScopeColumn& column : item.columns) {
    const Expression& value = undisplayed(column.value.value);
    if (value.op == ExpressionOp::kVariable) {
      column_names_[value.variable] = item.alias + "." + column.name;
    } else if (value.op == ExpressionOp::kReinterpret) {
      column_names_[value.arguments[0].variable] = item.alias + "." + column.name;
    }
    scope.visible.push_back({column, static_cast<std::uint32_t>(scope.items.size())});
  }
  scope.items.push_back(std::move(item));
}

ScopeItem Lowerer::item_of_rows(Rows rows, Body& body) {
  ScopeItem item;
  for (Literal& literal : rows.body) body.push_back(std::move(literal));
  item.columns = std::move(rows.columns);
  return item;
}

ScopeItem Lowerer::view_item(const TableDescription& view, Body& body, ast::Span span) {
  if (view_depth_ >= kMaxViewDepth) {
    fail("54001", "stack depth limit exceeded", span, {}, "Views are nested too deeply.");
  }
  std::vector<CommonTable> hidden = std::move(common_tables_);
  common_tables_.clear();
  std::vector<std::string> path = view.view_search_path;
  std::swap(path, search_path_);
  ++view_depth_;
  Rows rows = rows_of(*view.view_query, nullptr, false);
  resolve_unknowns(rows);
  --view_depth_;
  std::swap(path, search_path_);
  common_tables_ = std::move(hidden);
  ScopeItem item = item_of_rows(std::move(rows), body);
  item.alias = view.name;
  item.schema = view.schema;
  for (std::size_t i = 0; i < item.columns.size() && i < view.columns.size(); ++i) {
    item.columns[i].name = view.columns[i].name;
    item.columns[i].table = view.oid;
    item.columns[i].attribute = static_cast<std::uint32_t>(i + 1);
    item.columns[i].value = coerce(std::move(item.columns[i].value), {view.columns[i].type.oid, -1},
                                   CastContext::kExplicit, span);
    item.columns[i].value.type = view.columns[i].type;
  }
  return item;
}

void Lowerer::from_table(const ast::TableName& table, ast::Span span, Scope& scope, Body& body) {
  if (table.sample) unsupported("TABLESAMPLE", table.sample->span);
  const ast::QualifiedName& name = table.name;
  if (name.parts.size() == 1) {
    for (std::size_t i = common_tables_.size(); i-- > 0;) {
      CommonTable& common = common_tables_[i];
      if (common.name != name.last().text) continue;
      if (table.as_of) fail("42601", "AS OF is for relations, not for WITH queries", span);
      MadeRelation made{common.relation, common.outer, {}};
      const datalog::Relation& relation =
          relations_[datalog::index_of(common.relation) - catalog_relations_];
      made.columns.assign(
          relation.columns.begin() + static_cast<std::ptrdiff_t>(common.outer.size()),
          relation.columns.end());
      const std::vector<VariableId> fresh = read_relation(made, body);
      ScopeItem item;
      item.alias = common.name;
      ++common.uses;
      for (std::size_t c = 0; c < common.columns.size(); ++c) {
        ScopeColumn column = common.columns[c];
        column.value = column_value(mention(fresh[c + common.hidden]), column.value.type);
        item.columns.push_back(std::move(column));
      }
      add_item(scope, std::move(item), table.alias, span);
      return;
    }
  }
  const std::string schema =
      name.parts.size() > 1 ? name.parts[name.parts.size() - 2].text : std::string();
  const TableDescription* const found =
      catalog_.find_table(schema, name.last().text, name.last().quoted, search_path_);
  if (found == nullptr) {
    fail("42P01", "relation \"" + printed(name) + "\" does not exist", name.span);
  }
  if (found->kind == TableKind::kView) {
    if (table.as_of) unsupported("AS OF of a view", table.as_of->span);
    add_item(scope, view_item(*found, body, span), table.alias, span);
    return;
  }
  RelationId relation = found->relation;
  if (found->kind == TableKind::kSystem) {
    if (table.as_of) unsupported("AS OF of a system relation", table.as_of->span);
    relation = given_relation(*found, GivenKind::kSystem, nullptr);
  } else if (table.as_of) {
    relation = given_relation(*found, GivenKind::kSnapshot, &*table.as_of);
  } else {
    reads_.insert(relation);
  }
  add_item(scope, table_item(*found, relation, body), table.alias, span);
}

void Lowerer::from_query(const ast::DerivedTable& derived, ast::Span span, Scope& scope,
                         Body& body) {
  Rows rows;
  if (derived.lateral) {
    const Deeper deeper(*this, &body);
    rows = rows_of(*derived.query, &scope, false);
    resolve_unknowns(rows);
  } else {
    rows = rows_of(*derived.query, scope.enclosing, false);
    resolve_unknowns(rows);
  }
  ScopeItem item = item_of_rows(std::move(rows), body);
  for (ScopeColumn& column : item.columns) column.table = 0;
  add_item(scope, std::move(item), derived.alias, span);
}

void Lowerer::from_item(const ast::TableItem& item, bool alone, Scope& scope, Body& body) {
  if (const auto* table = item.as<ast::TableName>()) {
    from_table(*table, item.span, scope, body);
  } else if (const auto* function = item.as<ast::TableFunction>()) {
    from_function(*function, alone, item.span, scope, body);
  } else if (const auto* derived = item.as<ast::DerivedTable>()) {
    from_query(*derived, item.span, scope, body);
  } else {
    from_join(*item.as<ast::Join>(), item.span, scope, body);
  }
}

void Lowerer::from_items(const std::vector<ast::TableItem>& items, Scope& scope, Body& body) {
  for (const ast::TableItem& item : items) from_item(item, items.size() == 1, scope, body);
}

}  // namespace entail::sql2datalog::internal
