#include "server/engine/catalog.h"

#include <algorithm>

#include "vm/base/ensure.h"

namespace entail::engine {
namespace {

template <typename Map, typename Key>
auto find_or_null(const Map& map, const Key& key) -> decltype(map.begin()->second.get()) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second.get();
}

// Every change makes the catalog differ from all others that ever were: a rolled back one too.
std::uint64_t next_version() {
  static std::uint64_t last = 1;
  return ++last;
}

}  // namespace

std::optional<std::uint32_t> Table::find_column(std::string_view column) const {
  for (std::uint32_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == column) return i;
  }
  return std::nullopt;
}

const TableIndex* Table::find_index(Oid index) const {
  for (const TableIndex& candidate : indexes) {
    if (candidate.oid == index) return &candidate;
  }
  return nullptr;
}

const TableConstraint* Table::find_constraint(std::string_view constraint) const {
  for (const TableConstraint& candidate : constraints) {
    if (candidate.name == constraint) return &candidate;
  }
  return nullptr;
}

Catalog::Catalog() {
  put(Schema{kSchemaPgCatalog, "pg_catalog", "entail"});
  put(Schema{kSchemaPublic, "public", "entail"});
  put(Schema{kSchemaInformation, "information_schema", "entail"});
  put(Schema{kSchemaEntail, "entail", "entail"});
}

const Schema* Catalog::schema(std::string_view name) const {
  for (const auto& [oid, schema] : schemas_) {
    if (schema->name == name) return schema.get();
  }
  return nullptr;
}
const Schema* Catalog::schema(Oid oid) const { return find_or_null(schemas_, oid); }
const Table* Catalog::table(Oid oid) const { return find_or_null(tables_, oid); }
std::shared_ptr<const Table> Catalog::shared_table(Oid oid) const {
  const auto found = tables_.find(oid);
  return found == tables_.end() ? nullptr : found->second;
}
const Table* Catalog::table(Oid schema, std::string_view name) const {
  const auto found = table_names_.find(Name{schema, std::string(name)});
  return found == table_names_.end() ? nullptr : table(found->second);
}
const Table* Catalog::table_of(RelationId relation) const {
  const auto found = relation_tables_.find(relation);
  return found == relation_tables_.end() ? nullptr : table(found->second);
}
const Sequence* Catalog::sequence(Oid oid) const { return find_or_null(sequences_, oid); }
const Sequence* Catalog::sequence(Oid schema, std::string_view name) const {
  const auto found = sequence_names_.find(Name{schema, std::string(name)});
  return found == sequence_names_.end() ? nullptr : sequence(found->second);
}
const UserType* Catalog::type(Oid oid) const {
  if (const UserType* const found = find_or_null(types_, oid)) return found;
  for (const auto& [key, candidate] : types_) {
    if (candidate->array_oid == oid && oid != 0) return candidate.get();
  }
  return nullptr;
}
const UserType* Catalog::type(Oid schema, std::string_view name) const {
  const auto found = type_names_.find(Name{schema, std::string(name)});
  return found == type_names_.end() ? nullptr : find_or_null(types_, found->second);
}
const User* Catalog::user(std::string_view name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : found->second.get();
}
const Deployment* Catalog::deployment(std::string_view name) const {
  const auto found = deployments_.find(name);
  return found == deployments_.end() ? nullptr : found->second.get();
}
std::pair<const Table*, const TableIndex*> Catalog::index(Oid schema, std::string_view name) const {
  const auto found = index_names_.find(Name{schema, std::string(name)});
  if (found == index_names_.end()) return {nullptr, nullptr};
  const Table* const owner = table(found->second);
  ENTAIL_ENSURE(owner != nullptr);
  for (const TableIndex& candidate : owner->indexes) {
    if (candidate.name == name) return {owner, &candidate};
  }
  return {nullptr, nullptr};
}

bool Catalog::is_name_taken(Oid schema, std::string_view name) const {
  const Name key{schema, std::string(name)};
  return table_names_.count(key) != 0 || sequence_names_.count(key) != 0 ||
         index_names_.count(key) != 0;
}

void Catalog::changed() { version_ = next_version(); }

void Catalog::reserve_oids(Oid below) { next_oid_ = std::max(next_oid_, below); }

void Catalog::put(Schema schema) {
  const Oid oid = schema.oid;
  schemas_[oid] = std::make_shared<const Schema>(std::move(schema));
  changed();
}

void Catalog::put(Table table) {
  const Oid oid = table.oid;
  drop_table(oid);
  table_names_[{table.schema, table.name}] = oid;
  for (const TableIndex& index : table.indexes) index_names_[{table.schema, index.name}] = oid;
  if (table.holds_rows()) relation_tables_[table.relation] = oid;
  tables_[oid] = std::make_shared<const Table>(std::move(table));
  changed();
}

void Catalog::drop_table(Oid oid) {
  const auto found = tables_.find(oid);
  if (found == tables_.end()) return;
  const Table& table = *found->second;
  table_names_.erase({table.schema, table.name});
  for (const TableIndex& index : table.indexes) index_names_.erase({table.schema, index.name});
  if (table.holds_rows()) relation_tables_.erase(table.relation);
  tables_.erase(found);
  changed();
}

void Catalog::put(Sequence sequence) {
  const Oid oid = sequence.oid;
  drop_sequence(oid);
  sequence_names_[{sequence.schema, sequence.name}] = oid;
  sequences_[oid] = std::make_shared<const Sequence>(std::move(sequence));
  changed();
}

void Catalog::drop_sequence(Oid oid) {
  const auto found = sequences_.find(oid);
  if (found == sequences_.end()) return;
  sequence_names_.erase({found->second->schema, found->second->name});
  sequences_.erase(found);
  changed();
}

void Catalog::put(UserType type) {
  const Oid oid = type.oid;
  drop_type(oid);
  type_names_[{type.schema, type.name}] = oid;
  types_[oid] = std::make_shared<const UserType>(std::move(type));
  changed();
}

void Catalog::drop_type(Oid oid) {
  const auto found = types_.find(oid);
  if (found == types_.end()) return;
  type_names_.erase({found->second->schema, found->second->name});
  types_.erase(found);
  changed();
}

void Catalog::put(User user) {
  const std::string name = user.name;
  users_[name] = std::make_shared<const User>(std::move(user));
  changed();
}
void Catalog::drop_user(const std::string& name) {
  users_.erase(name);
  changed();
}
void Catalog::put(Deployment deployment) {
  const std::string name = deployment.name;
  deployments_[name] = std::make_shared<const Deployment>(std::move(deployment));
  changed();
}
void Catalog::drop_deployment(const std::string& name) {
  deployments_.erase(name);
  changed();
}
void Catalog::drop_schema(Oid oid) {
  schemas_.erase(oid);
  changed();
}

}  // namespace entail::engine
