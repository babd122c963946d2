#include "server/engine/system_schema.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "vm/base/ensure.h"

namespace entail::engine {

namespace oids = sql2datalog::oids;

namespace {

struct Declaration {
  Oid schema;
  std::string_view name;
  Oid oid;
  std::string_view columns;
};

constexpr Declaration kDeclarations[] = {
#define RELATION(schema, name, oid, columns) {schema, #name, oid, columns},
#include "server/engine/information_schema_columns.def"
#include "server/engine/pg_catalog_columns.def"
#undef RELATION
};

constexpr Oid kOidCharArray = 1002;

Oid type_of_name(std::string_view name) {
  // Unlike SQL's char, which is char(1).
  if (name == "char") return oids::kChar;
  if (name == "char[]") return kOidCharArray;
  // Vectors are shown as their text.
  if (name == "int2vector" || name == "oidvector") return oids::kText;
  const bool is_array = name.ends_with("[]");
  if (is_array) name.remove_suffix(2);
  const sql2datalog::TypeInfo* const type = sql2datalog::find_type(name);
  // What has no type here (pg_node_tree, aclitem …) is shown as its text.
  if (type == nullptr || (is_array && type->array == 0)) return oids::kText;
  return is_array ? type->array : type->oid;
}

}  // namespace

std::vector<SystemColumn> parse_system_columns(std::string_view text) {
  std::vector<SystemColumn> columns;
  while (!text.empty()) {
    const std::size_t end = text.find(", ");
    const std::string_view column = text.substr(0, end);
    const std::size_t space = column.find(' ');
    columns.push_back(
        {std::string(column.substr(0, space)), type_of_name(column.substr(space + 1))});
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 2);
  }
  return columns;
}

std::vector<SystemRelation> declared_relations(Oid schema) {
  std::vector<SystemRelation> list;
  for (const Declaration& declaration : kDeclarations) {
    if (declaration.schema != schema) continue;
    SystemRelation relation;
    relation.schema = schema;
    relation.name = declaration.name;
    relation.oid = declaration.oid;
    relation.columns = parse_system_columns(declaration.columns);
    relation.rows = [](const SystemContext&, SystemRows&) { return Expected<void>(); };
    list.push_back(std::move(relation));
  }
  return list;
}

void give_rows(std::vector<SystemRelation>& list, std::string_view name, RowsFunction rows) {
  const auto found = std::find_if(list.begin(), list.end(), [name](const SystemRelation& relation) {
    return relation.name == name;
  });
  ENTAIL_ENSURE(found != list.end());
  found->rows = rows;
}

// ------------------------------------------------------------------------------ owners

Owners::Owners(const SystemContext& context) {
  std::set<std::string, std::less<>> strangers;
  const auto add = [&](const std::string& name) {
    const User* const user = context.catalog.user(name);
    if (user != nullptr) {
      oids_[name] = user->oid;
    } else if (!name.empty() && name != context.user) {
      strangers.insert(name);
    }
  };
  for (const auto& [name, user] : context.catalog.users()) oids_[name] = user->oid;
  if (context.catalog.user(context.user) == nullptr) oids_[std::string(context.user)] = kOidOwner;
  for (const auto& [oid, table] : context.catalog.tables()) add(table->owner);
  for (const auto& [oid, sequence] : context.catalog.sequences()) add(sequence->owner);
  for (const auto& [oid, schema] : context.catalog.schemas()) add(schema->owner);
  constexpr Oid kFirstStranger = 15'000;
  Oid next = kFirstStranger;
  for (const std::string& name : strangers) oids_[name] = next++;
}

Oid Owners::oid(std::string_view name) const {
  const auto found = oids_.find(name);
  return found == oids_.end() ? kOidOwner : found->second;
}

// ------------------------------------------------------------------------------ tables and types

std::int64_t default_oid(Oid table, std::int16_t attribute) {
  constexpr std::int64_t kAttributesMax = 2048;
  return std::int64_t{table} * kAttributesMax + attribute;
}

char relation_kind(const Table& table) {
  if (table.kind != TableKind::kRules) return static_cast<char>(table.kind);
  return table.writable ? 'r' : 'm';
}

bool has_foreign_keys(const Catalog& catalog, const Table& table) {
  const auto refers = [&table](const Table& from, bool only_to_it) {
    return std::any_of(from.constraints.begin(), from.constraints.end(),
                       [&](const TableConstraint& constraint) {
                         return constraint.type == ConstraintType::kForeignKey &&
                                (!only_to_it || constraint.referenced == table.oid);
                       });
  };
  if (refers(table, false)) return true;
  const auto& tables = catalog.tables();
  return std::any_of(tables.begin(), tables.end(),
                     [&](const auto& entry) { return refers(*entry.second, true); });
}

TypeStorage type_storage(Oid type) {
  switch (type) {
    case oids::kBool:
    case oids::kChar:
      return {1, true, 'c', 'p'};
    case oids::kInt2:
      return {2, true, 's', 'p'};
    case oids::kInt4:
    case oids::kOid:
    case oids::kXid:
    case oids::kCid:
    case oids::kRegproc:
    case oids::kRegclass:
    case oids::kRegtype:
    case oids::kRegnamespace:
    case oids::kRegrole:
    case oids::kRegoper:
    case oids::kRegoperator:
    case oids::kRegprocedure:
    case oids::kFloat4:
    case oids::kDate:
      return {4, true, 'i', 'p'};
    case oids::kInt8:
    case oids::kFloat8:
    case oids::kTime:
    case oids::kTimestamp:
    case oids::kTimestampTz:
      return {8, true, 'd', 'p'};
    case oids::kInterval:
      return {16, false, 'd', 'p'};
    case oids::kUuid:
      return {16, false, 'c', 'p'};
    case oids::kName:
      return {64, false, 'c', 'p'};
    case oids::kNumeric:
      return {-1, false, 'i', 'm'};
    default:
      return {};
  }
}

Oid type_collation(Oid type) {
  switch (type) {
    case oids::kText:
    case oids::kVarchar:
    case oids::kBpchar:
      return kOidDefaultCollation;
    case oids::kName:
      return kOidCCollation;
    default: {
      const sql2datalog::TypeInfo* const known = sql2datalog::find_type(type);
      return known == nullptr || known->element == 0 ? 0 : type_collation(known->element);
    }
  }
}

std::string type_text(const Catalog& catalog, SqlType type) {
  if (const UserType* const user_type = catalog.type(type.oid)) {
    const std::string name = quoted_name(user_type->name);
    return user_type->array_oid == type.oid ? name + "[]" : name;
  }
  return sql2datalog::format_type(type);
}

std::string quoted_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return std::islower(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  const bool needs_quotes =
      name.empty() || !is_plain(name[0]) || !std::all_of(name.begin(), name.end(), [&](char c) {
        return is_plain(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
      });
  if (!needs_quotes) return std::string(name);
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string visible_name(const Catalog& catalog, const Table& table) {
  const Schema* const schema = catalog.schema(table.schema);
  if (schema == nullptr || table.schema == kSchemaPublic || table.schema == kSchemaPgCatalog) {
    return quoted_name(table.name);
  }
  return quoted_name(schema->name) + "." + quoted_name(table.name);
}

// ------------------------------------------------------------------------------ definitions

namespace {

std::string column_list(const Table& table, const std::vector<std::uint32_t>& positions) {
  std::string text = "(";
  for (const std::uint32_t position : positions) {
    if (text.size() > 1) text += ", ";
    text += quoted_name(table.columns[position].name);
  }
  return text + ")";
}

// Empty for NO ACTION, which is what is meant when nothing is said.
std::string action_text(std::string_view event, grammar::sql::ReferenceAction action) {
  std::string text = " ON ";
  text += event;
  switch (action) {
    case grammar::sql::ReferenceAction::kNoAction:
      return "";
    case grammar::sql::ReferenceAction::kRestrict:
      return text + " RESTRICT";
    case grammar::sql::ReferenceAction::kCascade:
      return text + " CASCADE";
    case grammar::sql::ReferenceAction::kSetNull:
      return text + " SET NULL";
    case grammar::sql::ReferenceAction::kSetDefault:
      return text + " SET DEFAULT";
  }
  ENTAIL_UNREACHABLE("every action has its words");
}

}  // namespace

std::string constraint_definition(const Catalog& catalog, const Table& table,
                                  const TableConstraint& constraint) {
  std::string text;
  switch (constraint.type) {
    case ConstraintType::kPrimaryKey:
      text = "PRIMARY KEY " + column_list(table, constraint.columns);
      break;
    case ConstraintType::kUnique: {
      const TableIndex* const index = table.find_index(constraint.index);
      const bool nulls_are_equal = index != nullptr && index->nulls_not_distinct;
      text = nulls_are_equal ? "UNIQUE NULLS NOT DISTINCT " : "UNIQUE ";
      text += column_list(table, constraint.columns);
      break;
    }
    case ConstraintType::kCheck:
      text = "CHECK (" + constraint.check_text + ")";
      break;
    case ConstraintType::kForeignKey: {
      const Table* const target = catalog.table(constraint.referenced);
      if (target == nullptr) return "";
      text = "FOREIGN KEY " + column_list(table, constraint.columns) + " REFERENCES " +
             visible_name(catalog, *target) + column_list(*target, constraint.referenced_columns);
      if (constraint.match == grammar::sql::MatchKind::kFull) text += " MATCH FULL";
      text += action_text("UPDATE", constraint.on_update);
      text += action_text("DELETE", constraint.on_delete);
      break;
    }
  }
  if (constraint.deferrable) text += " DEFERRABLE";
  if (constraint.initially_deferred) text += " INITIALLY DEFERRED";
  return text;
}

std::string index_definition(const Catalog& catalog, const Table& table, const TableIndex& index) {
  if (!index.definition.empty()) return index.definition;
  const Schema* const schema = catalog.schema(table.schema);
  std::string text = index.unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ";
  text += quoted_name(index.name) + " ON ";
  if (schema != nullptr) text += quoted_name(schema->name) + ".";
  text += quoted_name(table.name) + " USING btree " + column_list(table, index.columns);
  if (index.nulls_not_distinct) text += " NULLS NOT DISTINCT";
  return text;
}

}  // namespace entail::engine
