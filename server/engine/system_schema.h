// server/engine/system_schema.h - what the lists of system relations share: declarations from the .def files,
// and the numbers and texts that several relations show.
//
//     std::vector<SystemRelation> list = declared_relations(kSchemaPgCatalog);   // all of them, without rows
//     give_rows(list, "pg_class", class_rows);
//
// A declared relation that is given no rows has none, because there are no such things here (triggers,
// policies, extensions).
//
// Threads: the engine's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/engine/system_relation.h"

namespace entail::engine {

using RowsFunction = Expected<void> (*)(const SystemContext& context, SystemRows& rows);

// The relations that the .def files declare in a schema.
std::vector<SystemRelation> declared_relations(Oid schema);
// REQUIRES: the list has a relation of the name.
void give_rows(std::vector<SystemRelation>& list, std::string_view name, RowsFunction rows);

// "oid oid, relname name" as columns.
std::vector<SystemColumn> parse_system_columns(std::string_view text);

// The OIDs of catalogs and access methods that rows refer to, as PostgreSQL has them.
inline constexpr Oid kOidPgType = 1247, kOidPgClass = 1259, kOidPgConstraint = 2606, kOidHeap = 2,
                     kOidBtree = 403, kOidDefaultCollation = 100, kOidCCollation = 950,
                     kOidPosixCollation = 951, kOidDefaultTablespace = 1663, kOidDatabase = 5,
                     kOidOwner = 10, kOidInternalLanguage = 12;

// Owners are names; those that are no users (anybody may connect where there are none) have numbers here:
// the session's own name kOidOwner, the others in the order of their names.
class Owners {
 public:
  explicit Owners(const SystemContext& context);
  Oid oid(std::string_view name) const;
  const std::map<std::string, Oid, std::less<>>& all() const { return oids_; }

 private:
  std::map<std::string, Oid, std::less<>> oids_;
};

// The oid of the column default, which has no number of its own in the catalog.
std::int64_t default_oid(Oid table, std::int16_t attribute);

// pg_class.relkind: relations of rules are tables where they have stated rows, else materialized views.
char relation_kind(const Table& table);
bool has_foreign_keys(const Catalog& catalog, const Table& table);  // Of its own, or to it.

// pg_type.typlen, typbyval, typalign, typstorage of a built-in type.
struct TypeStorage {
  std::int16_t size = -1;
  bool by_value = false;
  char align = 'i', storage = 'x';
};
TypeStorage type_storage(Oid type);
Oid type_collation(Oid type);
// As format_type() prints it, types of users included.
std::string type_text(const Catalog& catalog, SqlType type);

// A name as it must be written: quoted where it has to be.
std::string quoted_name(std::string_view name);
// The name of a table, with its schema unless that is `public`.
std::string visible_name(const Catalog& catalog, const Table& table);

// What pg_get_constraintdef() and pg_get_indexdef() give.
std::string constraint_definition(const Catalog& catalog, const Table& table,
                                  const TableConstraint& constraint);
std::string index_definition(const Catalog& catalog, const Table& table, const TableIndex& index);

}  // namespace entail::engine
