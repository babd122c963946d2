// sql2datalog/internal/changes.h - what INSERT, UPDATE, DELETE and definitions share: a table's rows that are
// handed in, its columns in scope, RETURNING.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sql2datalog/internal/lowerer.h"

namespace entail::sql2datalog::internal {

// 42P01 where there is none; only tables can be changed.
const TableDescription& changed_table(Lowerer& lowerer, const ast::QualifiedName& name);

// What a statement changes, by the name of a table or of a view of it (changed_view.cc).
struct ChangeTarget {
  const TableDescription* table = nullptr;  // Whose rows change.
  const TableDescription* named = nullptr;
  std::vector<const TableDescription*> views;  // From `named` down to the table.
  // By column of `named`: the table's column; nothing where it is computed.
  std::vector<std::optional<std::uint32_t>> columns;
};
ChangeTarget change_target(Lowerer& lowerer, const ast::QualifiedName& name, const char* verb);
// The table's column that the name means. `verb`: "insert into", "update".
std::uint32_t column_of(const Lowerer& lowerer, const ChangeTarget& target,
                        const ast::Identifier& name, const char* verb);
// What the name shows of the table's row; the views' conditions go into `body` if there is one.
ScopeItem shown_item(Lowerer& lowerer, const ChangeTarget& target, ScopeItem row, Body* body);

std::uint32_t column_of(const Lowerer& lowerer, const TableDescription& table,
                        const ast::Identifier& name);

// A given relation with the table's columns, or several tables' one after the other, as literals of `body`;
// gives the items for a scope. `nullable`: columns may be null whatever the table says.
std::vector<ScopeItem> given_items(Lowerer& lowerer,
                                   const std::vector<const TableDescription*>& tables,
                                   bool nullable, Body& body);

// The machine's variables of the row that the item came from, in order.
std::vector<Expression> raw_row(const Body& body, std::size_t literal);

// Adds RETURNING's values behind `rows.columns`.
void add_returning(Lowerer& lowerer, const std::vector<ast::SelectItem>& items, const Scope& scope,
                   Rows& rows, Body& body);

void put_in_scope(Scope& scope, ScopeItem item);

// A column's default as an expression of its type; null where it has none. Nothing: a sequence's next value.
std::optional<Expression> default_of(Lowerer& lowerer, const ColumnDescription& column,
                                     Place& place, std::string& sequence);

// The SQL value of a column whose machine value is `value`.
Typed column_value(Expression value, SqlType type);

}  // namespace entail::sql2datalog::internal
