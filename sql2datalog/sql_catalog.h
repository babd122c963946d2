// sql2datalog/sql_catalog.h - what lowering must know of the world: which names mean what.
//
// The engine implements it over its catalog and a session's settings. Lowering asks and never changes
// anything but the type table, to which it adds array types.
//
//     SELECT name FROM shop.customer     find_table("shop", "customer") -> columns, types, relation
//
// Names: identifiers come as the syntax tree has them: folded to lower case unless quoted. The rule of
// design.md, "Names", is the implementation's: a folded name that nothing has means the one relation that
// has it in another case, if there is exactly one; quoted names are exact.
//
// Lifetime: what is returned stays valid while the catalog does not change. Threads: the engine's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datalog/rule_program.h"
#include "grammar/sql_tree.h"
#include "sql2datalog/sql_type.h"
#include "vm/type.h"
#include "vm/type_table.h"

namespace entail::sql2datalog {

enum class TableKind : std::uint8_t {
  kTable,             // Stated rows of a SQL table.
  kView,              // Expanded into the query that reads it.
  kMaterializedView,  // Stands.
  kRuleRelation,      // Declared in Datalog: stated rows, rules or both.
  kSystem,            // Its rows are handed in when the query runs: pg_class, entail.versions.
};

enum class IdentityKind : std::uint8_t { kNone, kAlways, kByDefault };

struct ColumnDescription {
  std::string name;
  SqlType type;
  vm::Type machine;  // Of the relation's column; numeric is kNumeric, not displayed.
  bool not_null = false;
  std::string type_name;  // Of a type of users: as it is printed; else empty.
  std::shared_ptr<const grammar::sql::Expression> default_value;  // Null: none was declared.
  std::string default_text;                                       // The same, as written.
  std::string
      sequence;  // Qualified name; of serial and identity columns: the default is its nextval.
  IdentityKind identity = IdentityKind::kNone;
  bool generated = false;  // GENERATED ALWAYS AS (default_value) STORED.
};

struct CheckDescription {
  std::string name;
  std::shared_ptr<const grammar::sql::Expression> condition;
};

struct KeyDescription {  // A primary key, or a unique constraint or index.
  std::string name;
  std::vector<std::uint32_t> columns;  // In the order declared.
  bool primary = false;
  bool constraint = true;  // Else only an index: ON CONFLICT ON CONSTRAINT does not know it.
};

struct ForeignKeyDescription {
  std::string name;
  std::vector<std::uint32_t> columns;
  std::string foreign_schema, foreign_table;
  std::vector<std::uint32_t> foreign_columns;
};

struct TableDescription {
  Oid oid = 0;
  std::string schema, name;
  TableKind kind = TableKind::kTable;
  datalog::RelationId relation{};  // In the catalog program; of no meaning for kView and kSystem.
  std::vector<ColumnDescription> columns;
  std::vector<KeyDescription> keys;  // The primary key first, if there is one.
  std::vector<CheckDescription> checks;
  std::vector<ForeignKeyDescription> foreign_keys;
  // kView: what it stands for; `columns` has its names and types. Its names were resolved under
  // `view_search_path` when it was made.
  std::shared_ptr<const grammar::sql::Query> view_query;
  std::vector<std::string> view_search_path;
};

struct EnumDescription {
  Oid oid = 0, array_oid = 0;
  std::string schema, name;
  vm::Type machine;  // kEnum.
  std::vector<std::string> labels;
};

class SqlCatalog {
 public:
  SqlCatalog() = default;
  SqlCatalog(const SqlCatalog&) = delete;  // Its pointers are handed out.
  SqlCatalog& operator=(const SqlCatalog&) = delete;
  virtual ~SqlCatalog() = default;

  // The catalog program: relations of tables, rule relations, materialized views.
  virtual const datalog::RuleProgram& program() const = 0;
  // Where array types are added; the same types, by id, as the program's.
  virtual vm::TypeTable& types() const = 0;

  // An empty schema: the first of `search_path` that has the name (temporary tables and pg_catalog before
  // all). Null: there is none.
  virtual const TableDescription* find_table(std::string_view schema, std::string_view name,
                                             bool quoted,
                                             std::span<const std::string> search_path) const = 0;
  virtual std::span<const std::string> search_path() const = 0;
  virtual bool has_schema(std::string_view schema) const = 0;

  // Types of users. An empty schema: along the search path.
  virtual const EnumDescription* find_enum(std::string_view schema,
                                           std::string_view name) const = 0;
  virtual const EnumDescription* find_enum(Oid oid) const = 0;

  // The qualified name of a sequence, as ColumnDescription::sequence has it; nothing: there is none.
  virtual std::optional<std::string> find_sequence(std::string_view schema,
                                                   std::string_view name) const = 0;

  // A function of the catalog, such as format_type(oid, integer) or pg_get_userbyid(oid): a relation of
  // system rows with a column for each argument, then the result. No row: null. A name without such a
  // relation: null.
  virtual const TableDescription* function_table(std::string_view name,
                                                 std::size_t arguments) const = 0;
  // The oid that 'name'::regclass means; `type` is a reg type. Nothing: it does not exist.
  virtual std::optional<Oid> find_object(Oid type, std::string_view name) const = 0;

  // A setting of the session, lower case: "timezone", "datestyle". Empty: unknown.
  virtual std::string setting(std::string_view name) const = 0;
};

}  // namespace entail::sql2datalog
