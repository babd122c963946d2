// server/engine/internal/definer.h - DDL: statements that change the catalog, inside a transaction.
//
// Each statement works on a copy of the transaction's catalog, so that a failure is the copy forgotten. New
// relations are made in the network at once; what no catalog names any more is let go when the transaction ends
// (EngineState::drop_unnamed_relations).
//
// Files: definer.cc (dispatch, views, schemas, sequences, types, users), define_table.cc, alter_table.cc, drop.cc.
//
// Threads: the engine's.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/sql_tree.h"
#include "server/engine/catalog.h"
#include "server/engine/internal/row_set.h"
#include "server/engine/internal/session_impl.h"

namespace entail::engine {

class Definer {
 public:
  Definer(SessionImpl& session, std::string_view text);

  Expected<Outcome> run(const grammar::sql::Statement& statement);

 private:
  // --- helpers
  Catalog& edit();  // The transaction's catalog, a copy of this statement's own.
  Expected<void> lock_catalog();
  Expected<void> lock_table(const Table& table, LockMode mode = LockMode::kTableAccessExclusive);
  SessionCatalog names() const { return session_.session_catalog(); }
  std::string source_text(grammar::sql::Span span) const;
  std::string free_name(Oid schema, std::string base, const std::set<std::string>& also = {}) const;
  Expected<Oid> creation_schema(const grammar::sql::QualifiedName& name, bool temporary);
  Expected<const Table*> find_table(const grammar::sql::QualifiedName& name) const;
  sql2datalog::LoweringContext context(const SessionCatalog& names) const;
  void notice_exists(const std::string& what, const std::string& name);

  // --- tables (define_table.cc)
  Expected<Outcome> create_table(const grammar::sql::CreateTable& create);
  Expected<Outcome> create_table_as(const grammar::sql::QualifiedName& name,
                                    std::span<const grammar::sql::Identifier> columns,
                                    const grammar::sql::Query& query, bool if_not_exists,
                                    bool with_data, bool temporary);
  Expected<void> add_column(Table& table, const grammar::sql::ColumnDeclaration& declaration,
                            std::vector<grammar::sql::Constraint>& later, bool temporary);
  Expected<void> add_constraint(Table& table, const grammar::sql::Constraint& constraint,
                                const std::string& column_name, std::set<std::string>& used);
  Expected<void> add_key(Table& table, const grammar::sql::Constraint& constraint,
                         std::set<std::string>& used);
  Expected<void> add_check(Table& table, const grammar::sql::Constraint& constraint,
                           const std::string& column_name, std::set<std::string>& used);
  Expected<void> add_foreign_key(Table& table, const grammar::sql::Constraint& constraint,
                                 const std::string& column_name, std::set<std::string>& used);
  Expected<Outcome> create_index(const grammar::sql::CreateIndex& create);
  Expected<void> check_existing_key(const Table& table, const TableIndex& index);
  Expected<void> check_existing_rows(const Table& table, const TableConstraint& constraint);
  Expected<std::vector<std::uint32_t>> resolve_columns(
      const Table& table, std::span<const grammar::sql::Identifier> columns) const;
  Expected<Oid> make_owned_sequence(Table& table, std::uint32_t column, Oid type,
                                    std::span<const grammar::sql::Option> options, bool identity);

  // --- ALTER TABLE (alter_table.cc)
  Expected<Outcome> alter(const grammar::sql::Alter& alter);
  Expected<void> alter_table(Table& table, const grammar::sql::AlterAction& action);
  // Another relation for the table's columns as they are now; its rows are carried over. `from[c]`: the old
  // column that new column c had; none: the value.
  struct CarriedColumn {
    std::optional<std::uint32_t> from;
    compiler::ParameterValue value{{0, 0}, true};
  };
  Expected<void> rewrite(const Table& before, Table& after, std::span<const CarriedColumn> columns);
  Expected<void> change_column_type(Table& table, const grammar::sql::AlterAction& action);
  Expected<Outcome> rename(const grammar::sql::Alter& alter);
  bool is_standing_premise(const Table& table) const;

  // --- others (definer.cc)
  Expected<Outcome> create_view(const grammar::sql::CreateView& create);
  Expected<Outcome> create_materialized_view(const grammar::sql::CreateMaterializedView& create);
  Expected<Outcome> create_sequence(const grammar::sql::CreateSequence& create);
  Expected<Outcome> alter_sequence(const grammar::sql::AlterSequence& alter);
  Expected<void> apply_sequence_options(Sequence& sequence,
                                        std::span<const grammar::sql::Option> options, bool fresh,
                                        std::optional<std::int64_t>& restart);
  Expected<Outcome> create_schema(const grammar::sql::CreateSchema& create);
  Expected<Outcome> create_enum(const grammar::sql::CreateEnum& create);
  Expected<Outcome> create_role(const grammar::sql::CreateRole& create);
  Expected<Outcome> alter_role(const grammar::sql::AlterRole& alter);
  Expected<void> apply_role_options(User& user, std::span<const grammar::sql::Option> options);
  Expected<Outcome> comment(const grammar::sql::Comment& comment);
  Expected<Outcome> truncate(const grammar::sql::Truncate& truncate);
  std::vector<Oid> dependencies(std::span<const RelationId> reads) const;

  // --- DROP (drop.cc)
  Expected<Outcome> drop(const grammar::sql::Drop& drop);
  struct Doomed {
    std::set<Oid> tables, sequences, types;
    std::vector<std::pair<Oid, std::string>> constraints;  // Of other tables.
  };
  Expected<void> free_sequence(const Sequence& sequence, bool cascade);
  Expected<void> drop_tables(std::vector<Oid> tables, bool cascade, const std::string& what);
  Expected<void> drop_index(Oid schema, const std::string& name);
  std::string kind_and_name(const Table& table) const;

  SessionImpl& session_;
  EngineState& state_;
  std::string text_;
  bool edited_ = false;
};

std::string quote_identifier(std::string_view name);

}  // namespace entail::engine
