#include "server/engine/internal/session_catalog.h"

#include <algorithm>
#include <charconv>

#include "server/engine/sql_error.h"
#include "vm/base/ascii.h"

namespace entail::engine {

using grammar::sql::QualifiedName;
using sql2datalog::TableDescription;

namespace {

// Descriptions of system relations over one type table, made once.
const TableDescription* describe_system(const SystemRelation& relation, vm::TypeTable& types) {
  static std::map<std::pair<const vm::TypeTable*, Oid>, std::unique_ptr<TableDescription>> made;
  std::unique_ptr<TableDescription>& kept = made[{&types, relation.oid}];
  if (kept == nullptr) {
    kept = std::make_unique<TableDescription>();
    kept->oid = relation.oid;
    kept->name = relation.name;
    kept->schema = relation.schema == kSchemaPgCatalog     ? "pg_catalog"
                   : relation.schema == kSchemaInformation ? "information_schema"
                                                           : "entail";
    kept->kind = sql2datalog::TableKind::kSystem;
  }
  // The types are looked up anew: another engine's table may have stood at this address.
  kept->columns.clear();
  const std::vector<vm::Type> machine = system_types(relation, types);
  for (std::size_t c = 0; c < relation.columns.size(); ++c) {
    sql2datalog::ColumnDescription column;
    column.name = relation.columns[c].name;
    column.type = {relation.columns[c].type, -1};
    column.machine = machine[c];
    kept->columns.push_back(std::move(column));
  }
  return kept.get();
}

// "a.b", "\"A\".b" as parts.
std::vector<std::string> split_name(std::string_view text) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      if (quoted && i + 1 < text.size() && text[i + 1] == '"') {
        parts.back().push_back('"');
        ++i;
      } else {
        quoted = !quoted;
      }
    } else if (c == '.' && !quoted) {
      parts.emplace_back();
    } else {
      parts.back().push_back(quoted ? c : ascii_lower(c));
    }
  }
  return parts;
}

}  // namespace

std::vector<vm::Type> system_types(const SystemRelation& relation, vm::TypeTable& types) {
  std::vector<vm::Type> result;
  for (const SystemColumn& column : relation.columns) {
    const auto type = sql2datalog::machine_type({column.type, -1}, types);
    result.push_back(type.value_or(vm::Type::text()));
  }
  return result;
}

const SystemRelation* find_system_relation(Oid oid) {
  for (const SystemRelation& relation : all_system_relations()) {
    if (relation.oid == oid) return &relation;
  }
  return nullptr;
}

std::vector<std::string> parse_search_path(std::string_view setting, std::string_view user) {
  std::vector<std::string> result;
  std::string word;
  bool quoted = false;
  const auto take = [&] {
    // A user who is called like a schema of the system has no schema of their own by that.
    if (word == "$user") word = user == "entail" ? "" : std::string(user);
    if (!word.empty()) result.push_back(word);
    word.clear();
  };
  for (const char c : setting) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      take();
    } else if (c != ' ' || quoted) {
      word.push_back(c);
    }
  }
  take();
  return result;
}

SessionCatalog::SessionCatalog(EngineState& state, const Catalog& catalog, const Settings& settings,
                               const std::string& user, const std::string& temporary_schema)
    : state_(state),
      catalog_(catalog),
      settings_(settings),
      temporary_schema_(temporary_schema),
      path_(parse_search_path(settings.value("search_path"), user)) {}

const TableDescription* SessionCatalog::find_table(std::string_view schema, std::string_view name,
                                                   bool quoted,
                                                   std::span<const std::string> path) const {
  const auto in_schema = [&](std::string_view schema_name) -> const TableDescription* {
    if (schema_name == "pg_temp") schema_name = temporary_schema_;
    const Schema* const found = catalog_.schema(schema_name);
    if (found == nullptr) return nullptr;
    if (const Table* const table = catalog_.table(found->oid, name)) {
      return &catalog_.description(*table);
    }
    for (const SystemRelation& relation : all_system_relations()) {
      if (relation.schema == found->oid && relation.name == name && !relation.is_function) {
        return describe_system(relation, state_.program.types);
      }
    }
    if (quoted) return nullptr;
    const Table* only = nullptr;
    for (const auto& [oid, table] : catalog_.tables()) {
      if (table->schema != found->oid || ascii_lower(table->name) != name) continue;
      if (only != nullptr) return nullptr;
      only = table.get();
    }
    return only == nullptr ? nullptr : &catalog_.description(*only);
  };
  if (!schema.empty()) return in_schema(schema);
  if (!temporary_schema_.empty()) {
    if (const TableDescription* const found = in_schema(temporary_schema_)) return found;
  }
  if (std::find(path.begin(), path.end(), "pg_catalog") == path.end()) {
    if (const TableDescription* const found = in_schema("pg_catalog")) return found;
  }
  for (const std::string& schema_name : path) {
    if (const TableDescription* const found = in_schema(schema_name)) return found;
  }
  return nullptr;
}

bool SessionCatalog::has_schema(std::string_view schema) const {
  return catalog_.schema(schema) != nullptr;
}

const sql2datalog::EnumDescription* SessionCatalog::find_enum(std::string_view schema,
                                                              std::string_view name) const {
  const auto in_schema = [&](std::string_view schema_name) -> const UserType* {
    const Schema* const found = catalog_.schema(schema_name);
    return found == nullptr ? nullptr : catalog_.type(found->oid, name);
  };
  const UserType* type = nullptr;
  if (!schema.empty()) {
    type = in_schema(schema);
  } else {
    for (const std::string& schema_name : path_) {
      if (type == nullptr) type = in_schema(schema_name);
    }
  }
  return type == nullptr ? nullptr : catalog_.enum_description(*type);
}

const sql2datalog::EnumDescription* SessionCatalog::find_enum(Oid oid) const {
  const UserType* const type = catalog_.type(oid);
  return type == nullptr ? nullptr : catalog_.enum_description(*type);
}

std::optional<std::string> SessionCatalog::find_sequence(std::string_view schema,
                                                         std::string_view name) const {
  const auto in_schema = [&](std::string_view schema_name) -> const Sequence* {
    const Schema* const found = catalog_.schema(schema_name);
    return found == nullptr ? nullptr : catalog_.sequence(found->oid, name);
  };
  if (!schema.empty()) {
    const Sequence* const found = in_schema(schema);
    return found == nullptr ? std::nullopt : std::optional(catalog_.qualified_name(*found));
  }
  for (const std::string& schema_name : path_) {
    if (const Sequence* const found = in_schema(schema_name)) {
      return catalog_.qualified_name(*found);
    }
  }
  return std::nullopt;
}

const TableDescription* SessionCatalog::function_table(std::string_view name,
                                                       std::size_t arguments) const {
  for (const SystemRelation& relation : all_system_relations()) {
    if (relation.is_function && relation.name == name && relation.columns.size() == arguments + 1) {
      return describe_system(relation, state_.program.types);
    }
  }
  return nullptr;
}

std::optional<Oid> SessionCatalog::find_object(Oid type, std::string_view name) const {
  namespace oids = sql2datalog::oids;
  Oid number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size()) return number;
  const std::vector<std::string> parts = split_name(name);
  const std::string schema = parts.size() > 1 ? parts[parts.size() - 2] : "";
  const std::string& last = parts.back();
  if (type == oids::kRegclass) {
    if (const TableDescription* const table = find_table(schema, last, true, path_)) {
      return table->oid;
    }
    QualifiedName qualified;
    if (!schema.empty()) qualified.parts.push_back({schema, true, {}});
    qualified.parts.push_back({last, true, {}});
    if (const Sequence* const found = sequence(qualified)) return found->oid;
    if (const auto [table, index] = this->index(qualified); index != nullptr) return index->oid;
    return std::nullopt;
  }
  if (type == oids::kRegtype) {
    if (const sql2datalog::TypeInfo* const info = sql2datalog::find_type(ascii_lower(name))) {
      return info->oid;
    }
    const sql2datalog::EnumDescription* const found = find_enum(schema, last);
    return found == nullptr ? std::nullopt : std::optional(found->oid);
  }
  if (type == oids::kRegnamespace) {
    const Schema* const found = catalog_.schema(last);
    return found == nullptr ? std::nullopt : std::optional(found->oid);
  }
  if (type == oids::kRegrole) {
    const User* const found = catalog_.user(last);
    return found == nullptr ? std::nullopt : std::optional(found->oid);
  }
  return std::nullopt;
}

std::string SessionCatalog::setting(std::string_view name) const { return settings_.value(name); }

template <typename Find>
auto SessionCatalog::along_path(const QualifiedName& name, Find find) const {
  using Result = decltype(find(Oid{}, std::string_view()));
  const std::string& last = name.last().text;
  const auto in_schema = [&](std::string_view schema) -> Result {
    const Schema* const found =
        catalog_.schema(schema == "pg_temp" ? std::string_view(temporary_schema_) : schema);
    return found == nullptr ? Result{} : find(found->oid, std::string_view(last));
  };
  if (name.parts.size() > 1) return in_schema(name.parts[name.parts.size() - 2].text);
  if (!temporary_schema_.empty()) {
    if (Result found = in_schema(temporary_schema_); found != Result{}) return found;
  }
  for (const std::string& schema : path_) {
    if (Result found = in_schema(schema); found != Result{}) return found;
  }
  return Result{};
}

const Table* SessionCatalog::table(const QualifiedName& name) const {
  return along_path(name, [&](Oid schema, std::string_view last) -> const Table* {
    if (const Table* const found = catalog_.table(schema, last)) return found;
    if (name.last().quoted) return nullptr;
    const Table* only = nullptr;
    for (const auto& [oid, table] : catalog_.tables()) {
      if (table->schema != schema || ascii_lower(table->name) != last) continue;
      if (only != nullptr) return nullptr;
      only = table.get();
    }
    return only;
  });
}

const Sequence* SessionCatalog::sequence(const QualifiedName& name) const {
  return along_path(
      name, [&](Oid schema, std::string_view last) { return catalog_.sequence(schema, last); });
}

const UserType* SessionCatalog::type(const QualifiedName& name) const {
  return along_path(name,
                    [&](Oid schema, std::string_view last) { return catalog_.type(schema, last); });
}

std::pair<const Table*, const TableIndex*> SessionCatalog::index(const QualifiedName& name) const {
  return along_path(
      name, [&](Oid schema, std::string_view last) { return catalog_.index(schema, last); });
}

Expected<Oid> SessionCatalog::creation_schema(const QualifiedName& name, bool temporary) const {
  if (temporary) {
    const Schema* const found = catalog_.schema(temporary_schema_);
    ENTAIL_ENSURE(found != nullptr);
    return found->oid;
  }
  if (name.parts.size() > 1) {
    const std::string& schema = name.parts[name.parts.size() - 2].text;
    const Schema* const found = catalog_.schema(schema);
    if (found == nullptr) return sql_error("3F000", "schema \"" + schema + "\" does not exist");
    if (found->oid == kSchemaPgCatalog || found->oid == kSchemaInformation ||
        found->oid == kSchemaEntail) {
      return sql_error("42501", "permission denied for schema " + schema);
    }
    return found->oid;
  }
  for (const std::string& schema : path_) {
    if (const Schema* const found = catalog_.schema(schema)) return found->oid;
  }
  return sql_error("3F000", "no schema has been selected to create in");
}

}  // namespace entail::engine
