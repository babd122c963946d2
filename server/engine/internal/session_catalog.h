// server/engine/internal/session_catalog.h - the catalog as one session's statements see it.
//
// What lowering asks: names along the session's search path, descriptions of tables, system relations.
//
// Threads: the engine's. Cheap to make: one for each statement that is prepared.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/engine/catalog.h"
#include "server/engine/internal/engine_state.h"
#include "server/engine/settings.h"
#include "server/engine/system_relation.h"
#include "sql2datalog/sql_catalog.h"

namespace entail::engine {

class SessionCatalog final : public sql2datalog::SqlCatalog {
 public:
  // `temporary_schema`: the session's own, empty: none yet.
  SessionCatalog(EngineState& state, const Catalog& catalog, const Settings& settings,
                 const std::string& user, const std::string& temporary_schema);

  const datalog::RuleProgram& program() const override { return state_.program; }
  vm::TypeTable& types() const override { return state_.program.types; }
  const sql2datalog::TableDescription* find_table(
      std::string_view schema, std::string_view name, bool quoted,
      std::span<const std::string> search_path) const override;
  std::span<const std::string> search_path() const override { return path_; }
  bool has_schema(std::string_view schema) const override;
  const sql2datalog::EnumDescription* find_enum(std::string_view schema,
                                                std::string_view name) const override;
  const sql2datalog::EnumDescription* find_enum(Oid oid) const override;
  std::optional<std::string> find_sequence(std::string_view schema,
                                           std::string_view name) const override;
  const sql2datalog::TableDescription* function_table(std::string_view name,
                                                      std::size_t arguments) const override;
  std::optional<Oid> find_object(Oid type, std::string_view name) const override;
  std::string setting(std::string_view name) const override;

  // --- for the engine's own statements
  const Catalog& catalog() const { return catalog_; }
  // A table by the name that a statement has; null: there is none.
  const Table* table(const grammar::sql::QualifiedName& name) const;
  const Sequence* sequence(const grammar::sql::QualifiedName& name) const;
  const UserType* type(const grammar::sql::QualifiedName& name) const;
  std::pair<const Table*, const TableIndex*> index(const grammar::sql::QualifiedName& name) const;
  // Where an object of that name is made: the schema named, or the first of the path. 3F000.
  Expected<Oid> creation_schema(const grammar::sql::QualifiedName& name, bool temporary) const;

 private:
  template <typename Find>
  auto along_path(const grammar::sql::QualifiedName& name, Find find) const;

  EngineState& state_;
  const Catalog& catalog_;
  const Settings& settings_;
  std::string temporary_schema_;
  std::vector<std::string> path_;
};

// What a statement calls a system relation, and how it is described; they never change.
const SystemRelation* find_system_relation(Oid oid);
std::vector<vm::Type> system_types(const SystemRelation& relation, vm::TypeTable& types);

// The schemas of a search_path setting, "$user" replaced.
std::vector<std::string> parse_search_path(std::string_view setting, std::string_view user);

}  // namespace entail::engine
