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

bool depends_on(const std::vector<Oid>& read, Oid table) {
  return std::find(read.begin(), read.end(), table) != read.end();
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

std::vector<std::pair<const Table*, const TableConstraint*>> Catalog::references_to(
    Oid referenced) const {
  std::vector<std::pair<const Table*, const TableConstraint*>> result;
  const auto found = references_.find(referenced);
  if (found == references_.end()) return result;
  for (const auto& [oid, count] : found->second) {
    const Table* const child = table(oid);
    for (const TableConstraint& constraint : child->constraints) {
      if (constraint.type == ConstraintType::kForeignKey && constraint.referenced == referenced) {
        result.emplace_back(child, &constraint);
      }
    }
  }
  return result;
}

std::vector<const Table*> Catalog::readers_of(Oid read) const {
  std::vector<const Table*> result;
  for (const auto& [oid, reader] : tables_) {
    if (depends_on(reader->depends_on, read)) result.push_back(reader.get());
  }
  return result;
}

const Deployment* Catalog::deployment_using(Oid used) const {
  for (const auto& [name, user] : deployments_) {
    if (depends_on(user->depends_on, used)) return user.get();
  }
  return nullptr;
}

const sql2datalog::TableDescription& Catalog::description(const Table& table) const {
  std::shared_ptr<const sql2datalog::TableDescription>& kept = descriptions_[table.oid];
  if (kept != nullptr) return *kept;
  auto made = std::make_shared<sql2datalog::TableDescription>();
  made->oid = table.oid;
  const Schema* const owner = schema(table.schema);
  made->schema = owner == nullptr ? "" : owner->name;
  made->name = table.name;
  switch (table.kind) {
    case TableKind::kTable:
      made->kind = sql2datalog::TableKind::kTable;
      break;
    case TableKind::kView:
      made->kind = sql2datalog::TableKind::kView;
      break;
    case TableKind::kMaterializedView:
      made->kind = sql2datalog::TableKind::kMaterializedView;
      break;
    case TableKind::kRules:
      made->kind = sql2datalog::TableKind::kRuleRelation;
      break;
  }
  made->relation = table.relation;
  for (const TableColumn& column : table.columns) {
    sql2datalog::ColumnDescription description;
    description.name = column.name;
    description.type = column.sql_type;
    description.machine = column.type;
    description.not_null = column.not_null;
    if (const UserType* const user_type = type(column.sql_type.oid)) {
      description.type_name = user_type->name;
    }
    description.default_value = column.default_value;
    description.default_text = column.default_text;
    if (const Sequence* const from = sequence(column.sequence)) {
      description.sequence = qualified_name(*from);
    }
    description.identity = column.identity == Identity::kAlways ? sql2datalog::IdentityKind::kAlways
                           : column.identity == Identity::kByDefault
                               ? sql2datalog::IdentityKind::kByDefault
                               : sql2datalog::IdentityKind::kNone;
    description.generated = column.generated;
    made->columns.push_back(std::move(description));
  }
  const auto add_key = [&](const TableIndex& index) {
    made->keys.push_back({index.name, index.columns, index.primary, index.constraint != 0});
  };
  for (const TableIndex& index : table.indexes) {
    if (index.primary) add_key(index);
  }
  for (const TableIndex& index : table.indexes) {
    if (index.unique && !index.primary && !index.columns.empty()) add_key(index);
  }
  for (const TableConstraint& constraint : table.constraints) {
    if (constraint.type == ConstraintType::kCheck) {
      made->checks.push_back({constraint.name, constraint.check});
    } else if (constraint.type == ConstraintType::kForeignKey) {
      const Table* const foreign = this->table(constraint.referenced);
      if (foreign == nullptr) continue;
      const Schema* const foreign_schema = schema(foreign->schema);
      made->foreign_keys.push_back({constraint.name, constraint.columns,
                                    foreign_schema == nullptr ? "" : foreign_schema->name,
                                    foreign->name, constraint.referenced_columns});
    }
  }
  made->view_query = table.view_query;
  made->view_search_path = table.view_search_path;
  kept = std::move(made);
  return *kept;
}

const sql2datalog::EnumDescription* Catalog::enum_description(const UserType& user_type) const {
  if (user_type.labels.empty() && user_type.base.oid != 0) return nullptr;
  std::shared_ptr<const sql2datalog::EnumDescription>& kept = enums_[user_type.oid];
  if (kept == nullptr) {
    auto made = std::make_shared<sql2datalog::EnumDescription>();
    made->oid = user_type.oid;
    made->array_oid = user_type.array_oid;
    const Schema* const owner = schema(user_type.schema);
    made->schema = owner == nullptr ? "" : owner->name;
    made->name = user_type.name;
    made->machine = user_type.type;
    made->labels = user_type.labels;
    kept = std::move(made);
  }
  return kept.get();
}

std::string Catalog::qualified_name(const Sequence& named) const {
  const Schema* const owner = schema(named.schema);
  return (owner == nullptr ? std::string("public") : owner->name) + "." + named.name;
}

const Sequence* Catalog::sequence_by_qualified_name(std::string_view name) const {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return sequence(kSchemaPublic, name);
  const Schema* const owner = schema(name.substr(0, dot));
  return owner == nullptr ? nullptr : sequence(owner->oid, name.substr(dot + 1));
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
  // Who refers to it is described with its name.
  descriptions_.clear();
  table_names_[{table.schema, table.name}] = oid;
  for (const TableIndex& index : table.indexes) index_names_[{table.schema, index.name}] = oid;
  if (table.holds_rows()) relation_tables_[table.relation] = oid;
  for (const TableConstraint& constraint : table.constraints) {
    if (constraint.type == ConstraintType::kForeignKey) ++references_[constraint.referenced][oid];
  }
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
  for (const TableConstraint& constraint : table.constraints) {
    if (constraint.type != ConstraintType::kForeignKey) continue;
    const auto referenced = references_.find(constraint.referenced);
    if (referenced == references_.end()) continue;
    referenced->second.erase(oid);
    if (referenced->second.empty()) references_.erase(referenced);
  }
  tables_.erase(found);
  descriptions_.clear();
  changed();
}

void Catalog::put(Sequence sequence) {
  const Oid oid = sequence.oid;
  drop_sequence(oid);
  sequence_names_[{sequence.schema, sequence.name}] = oid;
  descriptions_.clear();
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
  descriptions_.clear();
  enums_.clear();
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
