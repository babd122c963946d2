// Relations of the schema pg_catalog that clients ask for: what there is, object by object.
#include <algorithm>

#include "server/engine/session.h"
#include "server/engine/system_schema.h"

namespace entail::engine {

namespace oids = sql2datalog::oids;

// Lists of the files beside this one.
std::vector<SystemRelation> system_functions();
std::vector<SystemRelation> information_schema_relations();
void give_pg_view_rows(std::vector<SystemRelation>& list);

namespace {

void add_char(SystemRows& rows, char c) {
  rows.add_text(c == '\0' ? std::string_view() : std::string_view(&c, 1));
}

// ------------------------------------------------------------------------------ pg_class

struct ClassRow {
  std::int64_t oid = 0;
  std::string_view name;
  Oid schema = 0, owner = kOidOwner, access_method = 0;
  char kind = 'r';
  bool has_index = false, has_rules = false, has_triggers = false, is_temporary = false;
  std::size_t columns = 0, checks = 0;
};

void add_class(SystemRows& rows, const ClassRow& row) {
  rows.add_int(row.oid);
  rows.add_text(row.name);
  rows.add_int(row.schema);
  rows.add_int(0);  // reltype: tables are no types here.
  rows.add_int(0);
  rows.add_int(row.owner);
  rows.add_int(row.access_method);
  rows.add_int(row.kind == 'v' ? 0 : row.oid);
  rows.add_int(0);
  rows.add_int(0);
  rows.add_double(-1);  // reltuples: never counted.
  rows.add_int(0);
  rows.add_int(0);
  rows.add_bool(row.has_index);
  rows.add_bool(false);
  rows.add_text(row.is_temporary ? "t" : "p");
  add_char(rows, row.kind);
  rows.add_int(static_cast<std::int64_t>(row.columns));
  rows.add_int(static_cast<std::int64_t>(row.checks));
  rows.add_bool(row.has_rules);
  rows.add_bool(row.has_triggers);
  rows.add_bool(false);
  rows.add_bool(false);
  rows.add_bool(false);
  rows.add_bool(true);
  add_char(rows, row.kind == 'r' || row.kind == 'm' ? 'd' : 'n');
  rows.add_bool(false);
  rows.add_int(0);
  rows.add_int(0);
  rows.add_int(0);
  rows.end_row();
}

// System relations look like PostgreSQL's: catalogs are tables, the others views.
char system_kind(const SystemRelation& relation) {
  constexpr Oid kFirstView = 12'000;
  return relation.schema == kSchemaPgCatalog && relation.oid < kFirstView ? 'r' : 'v';
}

Expected<void> class_rows(const SystemContext& context, SystemRows& rows) {
  const Owners owners(context);
  for (const auto& [oid, table] : context.catalog.tables()) {
    ClassRow row;
    row.oid = oid;
    row.name = table->name;
    row.schema = table->schema;
    row.owner = owners.oid(table->owner);
    row.kind = relation_kind(*table);
    row.access_method = row.kind == 'v' ? 0 : kOidHeap;
    row.has_index = !table->indexes.empty();
    row.has_rules = row.kind == 'v' || row.kind == 'm';
    row.has_triggers = has_foreign_keys(context.catalog, *table);
    row.is_temporary = table->temporary;
    row.columns = table->columns.size();
    row.checks =
        static_cast<std::size_t>(std::count_if(table->constraints.begin(), table->constraints.end(),
                                               [](const TableConstraint& constraint) {
                                                 return constraint.type == ConstraintType::kCheck;
                                               }));
    add_class(rows, row);
    for (const TableIndex& index : table->indexes) {
      ClassRow index_row;
      index_row.oid = index.oid;
      index_row.name = index.name;
      index_row.schema = table->schema;
      index_row.owner = row.owner;
      index_row.access_method = kOidBtree;
      index_row.kind = 'i';
      index_row.is_temporary = table->temporary;
      index_row.columns = std::max<std::size_t>(index.columns.size(), 1);
      add_class(rows, index_row);
    }
  }
  for (const auto& [oid, sequence] : context.catalog.sequences()) {
    ClassRow row;
    row.oid = oid;
    row.name = sequence->name;
    row.schema = sequence->schema;
    row.owner = owners.oid(sequence->owner);
    row.kind = 'S';
    row.columns = 3;
    add_class(rows, row);
  }
  for (const SystemRelation& relation : all_system_relations()) {
    if (relation.is_function) continue;
    ClassRow row;
    row.oid = relation.oid;
    row.name = relation.name;
    row.schema = relation.schema;
    row.kind = system_kind(relation);
    row.access_method = row.kind == 'r' ? kOidHeap : 0;
    row.has_rules = row.kind == 'v';
    row.columns = relation.columns.size();
    add_class(rows, row);
  }
  return {};
}

// ------------------------------------------------------------------------------ pg_attribute

struct AttributeRow {
  std::int64_t relation = 0;
  std::string_view name;
  SqlType type;
  std::int16_t number = 0;
  bool not_null = false, has_default = false;
  char identity = '\0', generated = '\0';
};

void add_attribute(SystemRows& rows, const AttributeRow& row) {
  const TypeStorage storage = type_storage(row.type.oid);
  rows.add_int(row.relation);
  rows.add_text(row.name);
  rows.add_int(row.type.oid);
  rows.add_int(-1);
  rows.add_int(storage.size);
  rows.add_int(row.number);
  rows.add_int(sql2datalog::is_array_type(row.type.oid) ? 1 : 0);
  rows.add_int(-1);
  rows.add_int(row.type.typmod);
  rows.add_bool(storage.by_value);
  add_char(rows, storage.align);
  add_char(rows, storage.storage);
  rows.add_text("");
  rows.add_bool(row.not_null);
  rows.add_bool(row.has_default);
  rows.add_bool(false);
  add_char(rows, row.identity);
  add_char(rows, row.generated);
  rows.add_bool(false);
  rows.add_bool(true);
  rows.add_int(0);
  rows.add_int(type_collation(row.type.oid));
  rows.end_row();
}

Expected<void> attribute_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    for (const TableColumn& column : table->columns) {
      AttributeRow row;
      row.relation = oid;
      row.name = column.name;
      row.type = column.sql_type;
      row.number = column.attribute;
      row.not_null = column.not_null;
      row.has_default = !column.default_text.empty();
      row.identity = static_cast<char>(column.identity);
      row.generated = column.generated ? 's' : '\0';
      add_attribute(rows, row);
    }
    for (const TableIndex& index : table->indexes) {
      std::int16_t number = 0;
      for (const std::uint32_t position : index.columns) {
        const TableColumn& column = table->columns[position];
        AttributeRow row;
        row.relation = index.oid;
        row.name = column.name;
        row.type = column.sql_type;
        row.number = ++number;
        add_attribute(rows, row);
      }
    }
  }
  for (const auto& [oid, sequence] : context.catalog.sequences()) {
    constexpr std::pair<std::string_view, Oid> kColumns[] = {
        {"last_value", oids::kInt8}, {"log_cnt", oids::kInt8}, {"is_called", oids::kBool}};
    std::int16_t number = 0;
    for (const auto& [name, type] : kColumns) {
      AttributeRow row;
      row.relation = oid;
      row.name = name;
      row.type = {type, -1};
      row.number = ++number;
      row.not_null = true;
      add_attribute(rows, row);
    }
  }
  for (const SystemRelation& relation : all_system_relations()) {
    if (relation.is_function) continue;
    std::int16_t number = 0;
    for (const SystemColumn& column : relation.columns) {
      AttributeRow row;
      row.relation = relation.oid;
      row.name = column.name;
      row.type = {column.type, -1};
      row.number = ++number;
      add_attribute(rows, row);
    }
  }
  return {};
}

// ------------------------------------------------------------------------------ pg_type, pg_enum

struct TypeRow {
  Oid oid = 0;
  std::string_view name;
  Oid schema = kSchemaPgCatalog, owner = kOidOwner;
  char type = 'b', category = 'U';
  bool preferred = false, not_null = false;
  Oid element = 0, array = 0, base = 0;
  std::int32_t typmod = -1;
  TypeStorage storage;
};

void add_type(SystemRows& rows, const TypeRow& row) {
  constexpr Oid kArrayIn = 750, kArraySubscript = 6179;
  const bool is_array = row.category == 'A';
  rows.add_int(row.oid);
  rows.add_text(row.name);
  rows.add_int(row.schema);
  rows.add_int(row.owner);
  rows.add_int(row.storage.size);
  rows.add_bool(row.storage.by_value);
  add_char(rows, row.type);
  add_char(rows, row.category);
  rows.add_bool(row.preferred);
  rows.add_bool(true);
  rows.add_text(",");
  rows.add_int(0);
  rows.add_int(is_array ? kArraySubscript : 0);
  rows.add_int(row.element);
  rows.add_int(row.array);
  rows.add_int(is_array ? kArrayIn : 0);
  for (int function = 0; function < 6; ++function) rows.add_int(0);
  add_char(rows, row.storage.align);
  add_char(rows, row.storage.storage);
  rows.add_bool(row.not_null);
  rows.add_int(row.base);
  rows.add_int(row.typmod);
  rows.add_int(0);
  rows.add_int(type_collation(row.oid));
  rows.end_row();
}

Expected<void> type_rows(const SystemContext& context, SystemRows& rows) {
  for (const sql2datalog::TypeInfo& type : sql2datalog::builtin_types()) {
    TypeRow row;
    row.oid = type.oid;
    row.name = type.name;
    row.category = type.category;
    row.preferred = type.preferred;
    row.element = type.element;
    row.array = type.array;
    row.type = type.category == 'P' || type.category == 'X' ? 'p' : 'b';
    row.storage = type_storage(type.oid);
    add_type(rows, row);
  }
  for (const auto& [oid, type] : context.catalog.types()) {
    const bool is_domain = type->base.oid != 0;
    TypeRow row;
    row.oid = oid;
    row.name = type->name;
    row.schema = type->schema;
    row.type = is_domain ? 'd' : 'e';
    row.category = 'E';
    row.array = type->array_oid;
    row.storage = {4, true, 'i', 'p'};
    if (is_domain) {
      const sql2datalog::TypeInfo* const base = sql2datalog::find_type(type->base.oid);
      row.category = base == nullptr ? 'U' : base->category;
      row.base = type->base.oid;
      row.typmod = type->base.typmod;
      row.not_null = type->not_null;
      row.storage = type_storage(type->base.oid);
    }
    add_type(rows, row);
    if (type->array_oid == 0) continue;
    TypeRow array;
    const std::string name = "_" + type->name;
    array.oid = type->array_oid;
    array.name = name;
    array.schema = type->schema;
    array.category = 'A';
    array.element = oid;
    add_type(rows, array);
  }
  return {};
}

Expected<void> enum_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, type] : context.catalog.types()) {
    for (std::size_t i = 0; i < type->labels.size(); ++i) {
      rows.add_int(default_oid(oid, static_cast<std::int16_t>(i + 1)));
      rows.add_int(oid);
      rows.add_double(static_cast<double>(i + 1));
      rows.add_text(type->labels[i]);
      rows.end_row();
    }
  }
  return {};
}

// ------------------------------------------------------------------------------ indexes, constraints

std::vector<std::int64_t> attributes_of(const Table& table,
                                        const std::vector<std::uint32_t>& positions) {
  std::vector<std::int64_t> numbers;
  for (const std::uint32_t position : positions) {
    numbers.push_back(table.columns[position].attribute);
  }
  return numbers;
}

Expected<void> index_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    for (const TableIndex& index : table->indexes) {
      const bool is_on_expressions = index.columns.empty();
      const auto count = std::max<std::size_t>(index.columns.size(), 1);
      const TableConstraint* deferrable = nullptr;
      for (const TableConstraint& constraint : table->constraints) {
        const bool enforces = constraint.type == ConstraintType::kPrimaryKey ||
                              constraint.type == ConstraintType::kUnique;
        if (enforces && constraint.index == index.oid && constraint.deferrable) {
          deferrable = &constraint;
        }
      }
      std::vector<std::int64_t> keys = attributes_of(*table, index.columns);
      std::vector<std::int64_t> collations;
      for (const std::uint32_t position : index.columns) {
        collations.push_back(type_collation(table->columns[position].sql_type.oid));
      }
      if (is_on_expressions) {
        keys = {0};
        collations = {0};
      }
      const std::vector<std::int64_t> zeros(count, 0);
      rows.add_int(index.oid);
      rows.add_int(oid);
      rows.add_int(static_cast<std::int64_t>(count));
      rows.add_int(static_cast<std::int64_t>(count));
      rows.add_bool(index.unique);
      rows.add_bool(index.nulls_not_distinct);
      rows.add_bool(index.primary);
      rows.add_bool(false);
      rows.add_bool(deferrable == nullptr);
      rows.add_bool(false);
      rows.add_bool(true);
      rows.add_bool(false);
      rows.add_bool(true);
      rows.add_bool(true);
      rows.add_bool(false);
      rows.add_ints(keys);
      rows.add_ints(collations);
      rows.add_ints(zeros);
      rows.add_ints(zeros);
      rows.end_row();
    }
  }
  return {};
}

char action_code(grammar::sql::ReferenceAction action) {
  switch (action) {
    case grammar::sql::ReferenceAction::kNoAction:
      return 'a';
    case grammar::sql::ReferenceAction::kRestrict:
      return 'r';
    case grammar::sql::ReferenceAction::kCascade:
      return 'c';
    case grammar::sql::ReferenceAction::kSetNull:
      return 'n';
    case grammar::sql::ReferenceAction::kSetDefault:
      return 'd';
  }
  return 'a';
}

Expected<void> constraint_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    for (const TableConstraint& constraint : table->constraints) {
      const bool is_foreign = constraint.type == ConstraintType::kForeignKey;
      rows.add_int(constraint.oid);
      rows.add_text(constraint.name);
      rows.add_int(table->schema);
      add_char(rows, static_cast<char>(constraint.type));
      rows.add_bool(constraint.deferrable);
      rows.add_bool(constraint.initially_deferred);
      rows.add_bool(true);
      rows.add_int(oid);
      rows.add_int(0);
      rows.add_int(constraint.index);
      rows.add_int(0);
      rows.add_int(constraint.referenced);
      add_char(rows, is_foreign ? action_code(constraint.on_update) : ' ');
      add_char(rows, is_foreign ? action_code(constraint.on_delete) : ' ');
      const bool is_full = constraint.match == grammar::sql::MatchKind::kFull;
      add_char(rows, !is_foreign ? ' ' : is_full ? 'f' : 's');
      rows.add_bool(true);
      rows.add_int(0);
      rows.add_bool(true);
      if (constraint.columns.empty()) {
        rows.add_null();
      } else {
        rows.add_ints(attributes_of(*table, constraint.columns));
      }
      const Table* const target =
          is_foreign ? context.catalog.table(constraint.referenced) : nullptr;
      if (target == nullptr) {
        rows.add_null();
      } else {
        rows.add_ints(attributes_of(*target, constraint.referenced_columns));
      }
      for (int operators = 0; operators < 5; ++operators) rows.add_null();
      if (constraint.type == ConstraintType::kCheck) rows.add_text(constraint.check_text);
      rows.end_row();
    }
  }
  return {};
}

Expected<void> default_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    for (const TableColumn& column : table->columns) {
      if (column.default_text.empty()) continue;
      rows.add_int(default_oid(oid, column.attribute));
      rows.add_int(oid);
      rows.add_int(column.attribute);
      rows.add_text(column.default_text);
      rows.end_row();
    }
  }
  return {};
}

// Sequences belong to columns; other dependencies are the engine's own business.
Expected<void> depend_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, sequence] : context.catalog.sequences()) {
    if (sequence->owned_by == 0) continue;
    rows.add_int(kOidPgClass);
    rows.add_int(oid);
    rows.add_int(0);
    rows.add_int(kOidPgClass);
    rows.add_int(sequence->owned_by);
    rows.add_int(sequence->owned_by_attribute);
    rows.add_text(sequence->identity ? "i" : "a");
    rows.end_row();
  }
  return {};
}

Expected<void> sequence_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, sequence] : context.catalog.sequences()) {
    rows.add_int(oid);
    rows.add_int(sequence->type);
    rows.add_int(sequence->start);
    rows.add_int(sequence->increment);
    rows.add_int(sequence->maximum);
    rows.add_int(sequence->minimum);
    rows.add_int(sequence->cache);
    rows.add_bool(sequence->cycle);
    rows.end_row();
  }
  return {};
}

Expected<void> description_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    if (table->comment.empty()) continue;
    rows.add_int(oid);
    rows.add_int(kOidPgClass);
    rows.add_int(0);
    rows.add_text(table->comment);
    rows.end_row();
  }
  return {};
}

Expected<void> namespace_rows(const SystemContext& context, SystemRows& rows) {
  const Owners owners(context);
  for (const auto& [oid, schema] : context.catalog.schemas()) {
    rows.add_int(oid);
    rows.add_text(schema->name);
    rows.add_int(owners.oid(schema->owner));
    rows.end_row();
  }
  return {};
}

}  // namespace

std::vector<SystemRelation> pg_catalog_relations() {
  std::vector<SystemRelation> list = declared_relations(kSchemaPgCatalog);
  give_rows(list, "pg_class", class_rows);
  give_rows(list, "pg_attribute", attribute_rows);
  give_rows(list, "pg_type", type_rows);
  give_rows(list, "pg_enum", enum_rows);
  give_rows(list, "pg_index", index_rows);
  give_rows(list, "pg_constraint", constraint_rows);
  give_rows(list, "pg_attrdef", default_rows);
  give_rows(list, "pg_depend", depend_rows);
  give_rows(list, "pg_sequence", sequence_rows);
  give_rows(list, "pg_description", description_rows);
  give_rows(list, "pg_namespace", namespace_rows);
  give_pg_view_rows(list);
  for (SystemRelation& relation : information_schema_relations())
    list.push_back(std::move(relation));
  for (SystemRelation& relation : system_functions()) list.push_back(std::move(relation));
  return list;
}

}  // namespace entail::engine
