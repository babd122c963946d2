// server/engine/catalog.h - what there is: schemas, tables, views, indexes, constraints, sequences, types, users.
//
// The engine's catalog stands beside one rule program (the *catalog program*): every table, every relation
// of rules and every materialized view is a relation there, with an id that stays. What the program does not
// know is here: SQL types, defaults, constraints, names of indexes, texts of views.
//
// A Catalog is a value with cheap copies: objects are shared and never changed in place. The committed one
// belongs to the engine; a transaction with DDL works on a copy of its own, which becomes the committed one at
// its commit. So ROLLBACK is dropping the copy, and a plan knows by `version()` whether it is out of date.
//
// On disk every object is an entry of the store's catalog area, `object/<oid>` with a JSON value
// (catalog_codec.h), written in the commit that changes it.
//
// Threads: the engine's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "datalog/expression.h"
#include "grammar/sql_tree.h"
#include "sql2datalog/sql_catalog.h"
#include "sql2datalog/sql_type.h"
#include "vm/type.h"

namespace entail::engine {

using datalog::RelationId;
using sql2datalog::Oid;
using sql2datalog::SqlType;

inline constexpr Oid kSchemaPgCatalog = 11, kSchemaPublic = 2200, kSchemaInformation = 13000,
                     kSchemaEntail = 13001;

struct Schema {
  Oid oid = 0;
  std::string name;
  std::string owner;
};

enum class Identity : char { kNone = 0, kAlways = 'a', kByDefault = 'd' };

struct TableColumn {
  std::string name;
  SqlType sql_type;
  vm::Type type;
  std::int16_t attribute = 0;  // Its number for ever, from 1.
  bool not_null = false;
  std::string default_text;  // As SQL; empty: none.
  std::shared_ptr<const grammar::sql::Expression> default_value;
  bool generated = false;  // `default_value` is what it is generated from.
  Identity identity = Identity::kNone;
  Oid sequence = 0;  // Of serial and identity columns.
};

enum class ConstraintType : char {
  kPrimaryKey = 'p',
  kUnique = 'u',
  kCheck = 'c',
  kForeignKey = 'f',
};

struct TableConstraint {
  Oid oid = 0;
  std::string name;
  ConstraintType type = ConstraintType::kCheck;
  std::vector<std::uint32_t> columns;  // Positions.
  std::string check_text;              // kCheck, as SQL.
  std::shared_ptr<const grammar::sql::Expression> check;
  Oid index = 0;  // kPrimaryKey, kUnique: that enforces it; kForeignKey: of the table referred to.
  Oid referenced = 0;  // kForeignKey.
  std::vector<std::uint32_t> referenced_columns;
  grammar::sql::ReferenceAction on_delete = grammar::sql::ReferenceAction::kNoAction;
  grammar::sql::ReferenceAction on_update = grammar::sql::ReferenceAction::kNoAction;
  grammar::sql::MatchKind match = grammar::sql::MatchKind::kSimple;
  bool deferrable = false, initially_deferred = false;
};

struct TableIndex {
  Oid oid = 0;
  std::string name;
  std::vector<std::uint32_t> columns;  // Positions; empty: on expressions (`definition` has them).
  bool unique = false;
  bool primary = false;
  bool nulls_not_distinct = false;
  Oid constraint = 0;      // That it enforces.
  std::string definition;  // What pg_get_indexdef() gives.
};

enum class TableKind : char {
  kTable = 'r',
  kView = 'v',
  kMaterializedView = 'm',
  kRules = 'R',  // A relation of deployed rules; shown as a table or view.
};

struct Table {
  Oid oid = 0;
  Oid schema = kSchemaPublic;
  std::string name;
  TableKind kind = TableKind::kTable;
  std::string owner;
  bool temporary = false;
  RelationId relation{};  // Not of views.
  std::vector<TableColumn> columns;
  std::vector<std::uint32_t> primary_key;  // Positions; the relation is keyed by it.
  std::vector<TableConstraint> constraints;
  std::vector<TableIndex> indexes;
  std::string view_text;  // Views of both kinds: the query as SQL.
  std::shared_ptr<const grammar::sql::Query> view_query;
  std::vector<std::string> view_columns;  // Names given by the definition; may be fewer.
  std::vector<Oid> depends_on;            // Tables and views that a view's query reads.
  std::string deployment;                 // kRules: of which deployment it is.
  bool writable = true;                   // kRules: has a stated part.
  std::int16_t last_attribute = 0;
  std::uint32_t storage =
      0;  // The store's number of its rows; another one after they were rewritten.
  // As it was before its rows were rewritten, with rows of their own: what the past reads. Null: they never were.
  std::shared_ptr<const Table> former;
  std::vector<RelationId> auxiliary;          // kMaterializedView: relations made to compute it.
  std::vector<std::string> view_search_path;  // Under which the view's names were resolved.
  std::string comment;

  std::optional<std::uint32_t> find_column(std::string_view column) const;
  const TableIndex* find_index(Oid index) const;
  const TableConstraint* find_constraint(std::string_view constraint) const;
  bool holds_rows() const { return kind != TableKind::kView; }
};

struct Sequence {
  Oid oid = 0;
  Oid schema = kSchemaPublic;
  std::string name;
  std::string owner;
  Oid type = sql2datalog::oids::kInt8;
  std::int64_t start = 1, increment = 1, minimum = 1, maximum = INT64_MAX, cache = 1;
  bool cycle = false;
  Oid owned_by = 0;  // A table; its column `owned_by_attribute`.
  std::int16_t owned_by_attribute = 0;
  bool identity = false;
};

struct UserType {  // CREATE TYPE … AS ENUM, CREATE DOMAIN.
  Oid oid = 0;
  Oid array_oid = 0;
  Oid schema = kSchemaPublic;
  std::string name;
  vm::Type type;
  std::vector<std::string> labels;
  // A domain: over this type.
  SqlType base;
  bool not_null = false;
};

struct User {
  Oid oid = 0;
  std::string name;
  bool superuser = false, login = true, create_db = false, create_role = false;
  std::string verifier;  // SCRAM-SHA-256$…
};

struct Deployment {  // A text of rules.
  std::string name;
  std::string text;
  std::vector<RelationId> relations;     // All that it made, auxiliary ones included.
  std::vector<std::string> productions;  // Names.
  std::vector<Oid> depends_on;           // Tables that the productions read or change.
};

class Catalog {
 public:
  Catalog();  // With the schemas that there always are.

  std::uint64_t version() const { return version_; }

  // --- look-up; null: there is none
  const Schema* schema(std::string_view name) const;
  const Schema* schema(Oid oid) const;
  const Table* table(Oid oid) const;
  const Table* table(Oid schema, std::string_view name) const;
  std::shared_ptr<const Table> shared_table(Oid oid) const;
  const Table* table_of(RelationId relation) const;
  const Sequence* sequence(Oid oid) const;
  const Sequence* sequence(Oid schema, std::string_view name) const;
  const UserType* type(Oid oid) const;
  const UserType* type(Oid schema, std::string_view name) const;
  const User* user(std::string_view name) const;
  const Deployment* deployment(std::string_view name) const;
  // The table that has an index of this name in the schema, and the index.
  std::pair<const Table*, const TableIndex*> index(Oid schema, std::string_view name) const;
  // Foreign keys that refer to the table, with the tables that have them.
  std::vector<std::pair<const Table*, const TableConstraint*>> references_to(Oid table) const;
  bool has_references() const { return !references_.empty(); }
  // The views, and the relations of rules, that read a table; by oid.
  std::vector<const Table*> readers_of(Oid table) const;
  // The first deployment whose productions read or change a table; null: there is none.
  const Deployment* deployment_using(Oid table) const;
  // What lowering is told of a table; stays until the table changes.
  const sql2datalog::TableDescription& description(const Table& table) const;
  const sql2datalog::EnumDescription* enum_description(const UserType& type) const;
  // "shop.order_id_seq", as descriptions name sequences.
  std::string qualified_name(const Sequence& sequence) const;
  const Sequence* sequence_by_qualified_name(std::string_view name) const;
  // Whether a table, view, index or sequence has the name.
  bool is_name_taken(Oid schema, std::string_view name) const;

  const std::map<Oid, std::shared_ptr<const Schema>>& schemas() const { return schemas_; }
  const std::map<Oid, std::shared_ptr<const Table>>& tables() const { return tables_; }
  const std::map<Oid, std::shared_ptr<const Sequence>>& sequences() const { return sequences_; }
  const std::map<Oid, std::shared_ptr<const UserType>>& types() const { return types_; }
  const std::map<std::string, std::shared_ptr<const User>, std::less<>>& users() const {
    return users_;
  }
  const std::map<std::string, std::shared_ptr<const Deployment>, std::less<>>& deployments() const {
    return deployments_;
  }

  // --- change
  Oid next_oid() { return next_oid_++; }
  Oid peek_oid() const { return next_oid_; }
  void reserve_oids(Oid below);
  void put(Schema schema);
  void put(Table table);
  void put(Sequence sequence);
  void put(UserType type);
  void put(User user);
  void put(Deployment deployment);
  void drop_schema(Oid oid);
  void drop_table(Oid oid);
  void drop_sequence(Oid oid);
  void drop_type(Oid oid);
  void drop_user(const std::string& name);
  void drop_deployment(const std::string& name);

 private:
  void changed();

  std::uint64_t version_ = 1;
  Oid next_oid_ = 16384;
  std::map<Oid, std::shared_ptr<const Schema>> schemas_;
  std::map<Oid, std::shared_ptr<const Table>> tables_;
  std::map<Oid, std::shared_ptr<const Sequence>> sequences_;
  std::map<Oid, std::shared_ptr<const UserType>> types_;
  std::map<std::string, std::shared_ptr<const User>, std::less<>> users_;
  std::map<std::string, std::shared_ptr<const Deployment>, std::less<>> deployments_;
  using Name = std::pair<Oid, std::string>;
  std::map<Name, Oid> table_names_, sequence_names_, type_names_;
  std::map<Name, Oid> index_names_;  // To the table.
  std::map<RelationId, Oid> relation_tables_;
  std::map<Oid, std::map<Oid, std::size_t>> references_;  // Referenced, referring, how often.
  mutable std::map<Oid, std::shared_ptr<const sql2datalog::TableDescription>> descriptions_;
  mutable std::map<Oid, std::shared_ptr<const sql2datalog::EnumDescription>> enums_;
};

}  // namespace entail::engine
