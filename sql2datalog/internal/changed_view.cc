// Changes of a view: of the one table that it shows rows of.
//
//     CREATE VIEW v AS SELECT id AS number, name FROM t WHERE id > 0
//     UPDATE v SET name = 'x' WHERE number = 1       UPDATE t SET name = 'x' WHERE id > 0 AND id = 1
//
// PostgreSQL's rules: one table or such a view in FROM, no grouping, DISTINCT, LIMIT, set operation or WITH.

#include <algorithm>
#include <utility>

#include "sql2datalog/internal/changes.h"

namespace entail::sql2datalog::internal {

namespace {

// Why the view's rows are not those of a table; empty: they are.
std::string obstacle(const Lowerer& lowerer, const ast::Query& query, const ast::Select* select) {
  const auto containing = [](const char* what) {
    return "Views containing " + std::string(what) + " are not automatically updatable.";
  };
  const auto returning = [](const char* what) {
    return "Views that return " + std::string(what) + " are not automatically updatable.";
  };
  if (query.as<ast::SetOperation>() != nullptr) return containing("UNION, INTERSECT, or EXCEPT");
  if (query.with) return containing("WITH");
  if (query.limit || query.offset) return containing("LIMIT or OFFSET");
  if (select != nullptr) {
    if (select->distinct || !select->distinct_on.empty()) return containing("DISTINCT");
    if (!select->group_by.empty()) return containing("GROUP BY");
    if (select->having) return containing("HAVING");
    for (const ast::SelectItem& item : select->items) {
      if (lowerer.has_aggregate(item.expression)) return returning("aggregate functions");
      if (lowerer.has_window(item.expression)) return returning("window functions");
    }
  }
  if (select == nullptr || select->from.size() != 1 ||
      select->from[0].as<ast::TableName>() == nullptr) {
    return "Views that do not select from a single table or view are not automatically updatable.";
  }
  return "";
}

const TableDescription* find(const Lowerer& lowerer, const ast::QualifiedName& name,
                             const std::vector<std::string>& path) {
  const std::string schema =
      name.parts.size() > 1 ? name.parts[name.parts.size() - 2].text : std::string();
  return lowerer.catalog_.find_table(schema, name.last().text, name.last().quoted, path);
}

// Says of each column of `shown` which column of the table it is.
void follow(Lowerer& lowerer, const TableDescription& shown, ChangeTarget& target,
            const std::string& verb, const TableDescription& named, ast::Span span) {
  if (shown.kind != TableKind::kView) {
    target.table = &shown;
    for (std::uint32_t c = 0; c < shown.columns.size(); ++c) target.columns.emplace_back(c);
    return;
  }
  const ast::Query& query = *shown.view_query;
  const auto* const select = query.as<ast::Select>();
  const std::string why = obstacle(lowerer, query, select);
  const auto refuse = [&](const std::string& detail) {
    const bool insert = verb == "INSERT", update = verb == "UPDATE";
    lowerer.fail("55000",
                 std::string("cannot ") +
                     (insert   ? "insert into"
                      : update ? "update"
                               : "delete from") +
                     " view \"" + named.name + "\"",
                 span,
                 std::string("To enable ") +
                     (insert   ? "inserting into"
                      : update ? "updating"
                               : "deleting from") +
                     " the view, provide an INSTEAD OF " + verb +
                     " trigger or an unconditional ON " + verb + " DO INSTEAD rule.",
                 detail);
  };
  if (!why.empty()) refuse(why);
  const auto& from = *select->from[0].as<ast::TableName>();
  const TableDescription* const inner = find(lowerer, from.name, shown.view_search_path);
  if (inner == nullptr || inner->kind == TableKind::kMaterializedView ||
      inner->kind == TableKind::kSystem || from.as_of || from.sample) {
    refuse("Views that do not select from a single table or view are not automatically updatable.");
  }
  target.views.push_back(&shown);
  follow(lowerer, *inner, target, verb, named, span);
  const std::vector<std::optional<std::uint32_t>> below = std::move(target.columns);
  target.columns.clear();
  for (const ast::SelectItem& item : select->items) {
    const auto* const ref = item.expression.as<ast::ColumnRef>();
    if (ref == nullptr) {
      target.columns.emplace_back();
    } else if (ref->star) {
      target.columns.insert(target.columns.end(), below.begin(), below.end());
    } else {
      std::optional<std::uint32_t> found;
      for (std::size_t c = 0; c < inner->columns.size(); ++c) {
        const bool renamed = from.alias && c < from.alias->columns.size();
        const std::string& name = renamed ? from.alias->columns[c].text : inner->columns[c].name;
        if (name == ref->parts.back().text) found = below[c];
      }
      target.columns.push_back(found);
    }
  }
}

}  // namespace

ChangeTarget change_target(Lowerer& lowerer, const ast::QualifiedName& name, const char* verb) {
  ChangeTarget target;
  target.named = find(lowerer, name, lowerer.search_path_);
  if (target.named != nullptr && target.named->kind == TableKind::kView) {
    follow(lowerer, *target.named, target, verb, *target.named, name.span);
    return target;
  }
  target.named = target.table = &changed_table(lowerer, name);
  for (std::uint32_t c = 0; c < target.table->columns.size(); ++c) target.columns.emplace_back(c);
  return target;
}

std::uint32_t column_of(const Lowerer& lowerer, const ChangeTarget& target,
                        const ast::Identifier& name, const char* verb) {
  const std::uint32_t shown = column_of(lowerer, *target.named, name);
  if (const auto column = target.columns[shown]) return *column;
  lowerer.fail("0A000",
               std::string("cannot ") + verb + " column \"" + name.text + "\" of view \"" +
                   target.named->name + "\"",
               name.span, {},
               "View columns that are not columns of their base relation are not updatable.");
}

ScopeItem shown_item(Lowerer& lowerer, const ChangeTarget& target, ScopeItem row, Body* body) {
  for (std::size_t i = target.views.size(); i-- > 0;) {
    const TableDescription& view = *target.views[i];
    const auto& select = *view.view_query->as<ast::Select>();
    std::vector<CommonTable> hidden = std::move(lowerer.common_tables_);
    lowerer.common_tables_.clear();
    std::vector<std::string> path = view.view_search_path;
    std::swap(path, lowerer.search_path_);
    ++lowerer.view_depth_;
    Scope scope;
    const ast::TableItem& from = select.from[0];
    lowerer.add_item(scope, std::move(row), from.as<ast::TableName>()->alias, from.span);
    Body none;
    Place place;
    place.scope = &scope;
    place.out = place.domain = body != nullptr ? body : &none;
    ScopeItem item;
    item.alias = view.name;
    item.schema = view.schema;
    item.columns = lowerer.select_items(select.items, scope, place);
    for (std::size_t c = 0; c < item.columns.size(); ++c) {
      item.columns[c].name = view.columns[c].name;
      item.columns[c].value = lowerer.resolved(std::move(item.columns[c].value), {});
    }
    if (body != nullptr && select.where) lowerer.condition(*select.where, place);
    --lowerer.view_depth_;
    std::swap(path, lowerer.search_path_);
    lowerer.common_tables_ = std::move(hidden);
    row = std::move(item);
  }
  return row;
}

}  // namespace entail::sql2datalog::internal
