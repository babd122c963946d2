// Relations of the schema information_schema, of what this database has: no routines, triggers or domains.
#include <algorithm>
#include <string>

#include "server/engine/session.h"
#include "server/engine/system_schema.h"

namespace entail::engine {

namespace oids = sql2datalog::oids;

namespace {

void add_yes_no(SystemRows& rows, bool value) { rows.add_text(value ? "YES" : "NO"); }

void add_nulls(SystemRows& rows, int count) {
  for (int i = 0; i < count; ++i) rows.add_null();
}

std::string_view schema_name(const SystemContext& context, Oid oid) {
  const Schema* const schema = context.catalog.schema(oid);
  return schema == nullptr ? std::string_view() : std::string_view(schema->name);
}

// Catalog, schema and name, as most relations begin.
void add_name(const SystemContext& context, SystemRows& rows, Oid schema, std::string_view name) {
  rows.add_text(context.database);
  rows.add_text(schema_name(context, schema));
  rows.add_text(name);
}

bool is_listed(const Table& table) { return relation_kind(table) != 'm'; }

Expected<void> catalog_name_rows(const SystemContext& context, SystemRows& rows) {
  rows.add_text(context.database);
  rows.end_row();
  return {};
}

Expected<void> enabled_roles_rows(const SystemContext& context, SystemRows& rows) {
  rows.add_text(context.user);
  rows.end_row();
  return {};
}

Expected<void> schemata_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, schema] : context.catalog.schemas()) {
    rows.add_text(context.database);
    rows.add_text(schema->name);
    rows.add_text(schema->owner.empty() ? context.user : std::string_view(schema->owner));
    rows.end_row();
  }
  return {};
}

Expected<void> tables_rows(const SystemContext& context, SystemRows& rows) {
  const auto add = [&](Oid schema, std::string_view name, std::string_view type, bool insertable) {
    add_name(context, rows, schema, name);
    rows.add_text(type);
    add_nulls(rows, 5);
    add_yes_no(rows, insertable);
    add_yes_no(rows, false);
    rows.end_row();
  };
  for (const auto& [oid, table] : context.catalog.tables()) {
    if (!is_listed(*table)) continue;
    const bool is_table = relation_kind(*table) == 'r';
    add(table->schema, table->name,
        table->temporary ? "LOCAL TEMPORARY"
        : is_table       ? "BASE TABLE"
                         : "VIEW",
        is_table);
  }
  for (const SystemRelation& relation : all_system_relations()) {
    if (relation.is_function) continue;
    constexpr Oid kFirstView = 12'000;
    const bool is_table = relation.schema == kSchemaPgCatalog && relation.oid < kFirstView;
    add(relation.schema, relation.name, is_table ? "BASE TABLE" : "VIEW", false);
  }
  return {};
}

Expected<void> views_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    if (relation_kind(*table) != 'v') continue;
    add_name(context, rows, table->schema, table->name);
    rows.add_text(table->view_text);
    rows.add_text("NONE");
    for (int flag = 0; flag < 5; ++flag) add_yes_no(rows, false);
    rows.end_row();
  }
  return {};
}

// ------------------------------------------------------------------------------ columns

struct ColumnRow {
  Oid schema = 0;
  std::string_view table, name;
  std::int64_t position = 0;
  SqlType type;
  bool not_null = false, is_updatable = false;
  const TableColumn* column = nullptr;  // Null: of a system relation.
};

// Precision in bits or digits, and its radix; nothing for types without.
struct NumericShape {
  bool is_numeric = false;
  std::int64_t precision = 0, radix = 2, scale = -1;
};

NumericShape numeric_shape(SqlType type) {
  switch (type.oid) {
    case oids::kInt2:
      return {true, 16, 2, 0};
    case oids::kInt4:
      return {true, 32, 2, 0};
    case oids::kInt8:
      return {true, 64, 2, 0};
    case oids::kFloat4:
      return {true, 24, 2, -1};
    case oids::kFloat8:
      return {true, 53, 2, -1};
    case oids::kNumeric:
      if (type.typmod < 0) return {true, -1, 10, -1};
      return {true, sql2datalog::numeric_precision(type.typmod), 10,
              sql2datalog::numeric_scale(type.typmod)};
    default:
      return {};
  }
}

void add_optional(SystemRows& rows, std::int64_t value) {
  if (value < 0) {
    rows.add_null();
  } else {
    rows.add_int(value);
  }
}

void add_column(const SystemContext& context, SystemRows& rows, const ColumnRow& row) {
  add_name(context, rows, row.schema, row.table);
  rows.add_text(row.name);
  rows.add_int(row.position);
  const bool has_default = row.column != nullptr && !row.column->default_text.empty();
  if (has_default && !row.column->generated) {
    rows.add_text(row.column->default_text);
  } else {
    rows.add_null();
  }
  add_yes_no(rows, !row.not_null);
  const bool is_array = sql2datalog::is_array_type(row.type.oid);
  const bool is_user_type = context.catalog.type(row.type.oid) != nullptr;
  // Without its modifier, which has columns of its own.
  rows.add_text(is_array       ? std::string("ARRAY")
                : is_user_type ? std::string("USER-DEFINED")
                               : sql2datalog::format_type({row.type.oid, -1}));
  const bool has_length = row.type.oid == oids::kVarchar || row.type.oid == oids::kBpchar;
  constexpr std::int64_t kBytesMax = std::int64_t{1} << 30;
  const std::int64_t length = has_length && row.type.typmod >= 4 ? row.type.typmod - 4 : -1;
  add_optional(rows, length);
  const bool is_text = has_length || row.type.oid == oids::kText;
  add_optional(rows, !is_text ? -1 : length < 0 ? kBytesMax : length * 4);
  const NumericShape shape = numeric_shape(row.type);
  add_optional(rows, shape.is_numeric ? shape.precision : -1);
  add_optional(rows, shape.is_numeric ? shape.radix : -1);
  add_optional(rows, shape.is_numeric ? shape.scale : -1);
  const bool has_seconds = row.type.oid == oids::kTime || row.type.oid == oids::kTimestamp ||
                           row.type.oid == oids::kTimestampTz || row.type.oid == oids::kInterval;
  const std::int64_t seconds_digits = row.type.typmod >= 0 ? row.type.typmod & 0xf : 6;
  add_optional(rows, has_seconds ? seconds_digits : row.type.oid == oids::kDate ? 0 : -1);
  add_nulls(rows, 11);  // Intervals' fields, character set, collation, domain.
  const sql2datalog::TypeInfo* const known = sql2datalog::find_type(row.type.oid);
  const UserType* const user_type = context.catalog.type(row.type.oid);
  rows.add_text(context.database);
  rows.add_text(user_type == nullptr ? std::string_view("pg_catalog")
                                     : schema_name(context, user_type->schema));
  rows.add_text(user_type != nullptr ? std::string_view(user_type->name)
                : known != nullptr   ? known->name
                                     : std::string_view());
  add_nulls(rows, 4);  // The scope, and how many elements an array may have.
  rows.add_text(std::to_string(row.position));
  add_yes_no(rows, false);
  const Identity identity = row.column == nullptr ? Identity::kNone : row.column->identity;
  add_yes_no(rows, identity != Identity::kNone);
  if (identity == Identity::kNone) {
    add_nulls(rows, 5);
  } else {
    rows.add_text(identity == Identity::kAlways ? "ALWAYS" : "BY DEFAULT");
    const Sequence* const sequence = context.catalog.sequence(row.column->sequence);
    if (sequence == nullptr) {
      add_nulls(rows, 4);
    } else {
      rows.add_text(std::to_string(sequence->start));
      rows.add_text(std::to_string(sequence->increment));
      rows.add_text(std::to_string(sequence->maximum));
      rows.add_text(std::to_string(sequence->minimum));
    }
  }
  add_yes_no(rows, false);
  const bool is_generated = row.column != nullptr && row.column->generated;
  rows.add_text(is_generated ? "ALWAYS" : "NEVER");
  if (is_generated) {
    rows.add_text(row.column->default_text);
  } else {
    rows.add_null();
  }
  add_yes_no(rows, row.is_updatable);
  rows.end_row();
}

Expected<void> columns_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    if (!is_listed(*table)) continue;
    for (const TableColumn& column : table->columns) {
      add_column(context, rows,
                 {table->schema, table->name, column.name, column.attribute, column.sql_type,
                  column.not_null, relation_kind(*table) == 'r', &column});
    }
  }
  for (const SystemRelation& relation : all_system_relations()) {
    if (relation.is_function) continue;
    std::int64_t position = 0;
    for (const SystemColumn& column : relation.columns) {
      add_column(context, rows,
                 {relation.schema,
                  relation.name,
                  column.name,
                  ++position,
                  {column.type, -1},
                  false,
                  false,
                  nullptr});
    }
  }
  return {};
}

// ------------------------------------------------------------------------------ constraints

template <typename Visit>
void for_each_constraint(const SystemContext& context, const Visit& visit) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    for (const TableConstraint& constraint : table->constraints) visit(*table, constraint);
  }
}

Expected<void> table_constraints_rows(const SystemContext& context, SystemRows& rows) {
  const auto add = [&](const Table& table, std::string_view name, std::string_view type,
                       const TableConstraint* constraint) {
    add_name(context, rows, table.schema, name);
    add_name(context, rows, table.schema, table.name);
    rows.add_text(type);
    add_yes_no(rows, constraint != nullptr && constraint->deferrable);
    add_yes_no(rows, constraint != nullptr && constraint->initially_deferred);
    add_yes_no(rows, true);
    if (type == "UNIQUE") {
      const TableIndex* const index = table.find_index(constraint->index);
      add_yes_no(rows, index == nullptr || !index->nulls_not_distinct);
    }
    rows.end_row();
  };
  for_each_constraint(context, [&](const Table& table, const TableConstraint& constraint) {
    std::string_view type;
    switch (constraint.type) {
      case ConstraintType::kPrimaryKey:
        type = "PRIMARY KEY";
        break;
      case ConstraintType::kUnique:
        type = "UNIQUE";
        break;
      case ConstraintType::kCheck:
        type = "CHECK";
        break;
      case ConstraintType::kForeignKey:
        type = "FOREIGN KEY";
        break;
    }
    add(table, constraint.name, type, &constraint);
  });
  // NOT NULL is a constraint to the standard, with a name that PostgreSQL makes up.
  for (const auto& [oid, table] : context.catalog.tables()) {
    for (const TableColumn& column : table->columns) {
      if (!column.not_null) continue;
      add(*table,
          std::to_string(table->schema) + "_" + std::to_string(oid) + "_" +
              std::to_string(column.attribute) + "_not_null",
          "CHECK", nullptr);
    }
  }
  return {};
}

Expected<void> key_column_usage_rows(const SystemContext& context, SystemRows& rows) {
  for_each_constraint(context, [&](const Table& table, const TableConstraint& constraint) {
    if (constraint.type == ConstraintType::kCheck) return;
    for (std::size_t i = 0; i < constraint.columns.size(); ++i) {
      add_name(context, rows, table.schema, constraint.name);
      add_name(context, rows, table.schema, table.name);
      rows.add_text(table.columns[constraint.columns[i]].name);
      rows.add_int(static_cast<std::int64_t>(i + 1));
      if (constraint.type == ConstraintType::kForeignKey) {
        rows.add_int(static_cast<std::int64_t>(i + 1));
      }
      rows.end_row();
    }
  });
  return {};
}

// The unique constraint of the table referred to that a foreign key leans on.
const TableConstraint* key_of(const Table& target, const TableConstraint& foreign_key) {
  for (const TableConstraint& constraint : target.constraints) {
    const bool is_key = constraint.type == ConstraintType::kPrimaryKey ||
                        constraint.type == ConstraintType::kUnique;
    if (is_key && constraint.index == foreign_key.index) return &constraint;
  }
  return nullptr;
}

std::string_view rule_name(grammar::sql::ReferenceAction action) {
  switch (action) {
    case grammar::sql::ReferenceAction::kNoAction:
      return "NO ACTION";
    case grammar::sql::ReferenceAction::kRestrict:
      return "RESTRICT";
    case grammar::sql::ReferenceAction::kCascade:
      return "CASCADE";
    case grammar::sql::ReferenceAction::kSetNull:
      return "SET NULL";
    case grammar::sql::ReferenceAction::kSetDefault:
      return "SET DEFAULT";
  }
  return "NO ACTION";
}

Expected<void> referential_rows(const SystemContext& context, SystemRows& rows) {
  for_each_constraint(context, [&](const Table& table, const TableConstraint& constraint) {
    if (constraint.type != ConstraintType::kForeignKey) return;
    add_name(context, rows, table.schema, constraint.name);
    const Table* const target = context.catalog.table(constraint.referenced);
    const TableConstraint* const key = target == nullptr ? nullptr : key_of(*target, constraint);
    if (key == nullptr) {
      add_nulls(rows, 3);
    } else {
      add_name(context, rows, target->schema, key->name);
    }
    rows.add_text(constraint.match == grammar::sql::MatchKind::kFull ? "FULL" : "NONE");
    rows.add_text(rule_name(constraint.on_update));
    rows.add_text(rule_name(constraint.on_delete));
    rows.end_row();
  });
  return {};
}

// The columns that a constraint uses: a foreign key those it refers to.
Expected<void> column_usage_rows(const SystemContext& context, SystemRows& rows) {
  for_each_constraint(context, [&](const Table& table, const TableConstraint& constraint) {
    const bool is_foreign = constraint.type == ConstraintType::kForeignKey;
    const Table* const used = is_foreign ? context.catalog.table(constraint.referenced) : &table;
    if (used == nullptr) return;
    for (const std::uint32_t position :
         is_foreign ? constraint.referenced_columns : constraint.columns) {
      add_name(context, rows, used->schema, used->name);
      rows.add_text(used->columns[position].name);
      add_name(context, rows, table.schema, constraint.name);
      rows.end_row();
    }
  });
  return {};
}

Expected<void> table_usage_rows(const SystemContext& context, SystemRows& rows) {
  for_each_constraint(context, [&](const Table& table, const TableConstraint& constraint) {
    if (constraint.type == ConstraintType::kCheck) return;
    const bool is_foreign = constraint.type == ConstraintType::kForeignKey;
    const Table* const used = is_foreign ? context.catalog.table(constraint.referenced) : &table;
    if (used == nullptr) return;
    add_name(context, rows, used->schema, used->name);
    add_name(context, rows, table.schema, constraint.name);
    rows.end_row();
  });
  return {};
}

Expected<void> check_rows(const SystemContext& context, SystemRows& rows) {
  for_each_constraint(context, [&](const Table& table, const TableConstraint& constraint) {
    if (constraint.type != ConstraintType::kCheck) return;
    add_name(context, rows, table.schema, constraint.name);
    rows.add_text("(" + constraint.check_text + ")");
    rows.end_row();
  });
  return {};
}

Expected<void> sequences_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, sequence] : context.catalog.sequences()) {
    if (sequence->identity) continue;  // It is its column's, to the standard.
    add_name(context, rows, sequence->schema, sequence->name);
    rows.add_text(sql2datalog::format_type({sequence->type, -1}));
    rows.add_int(numeric_shape({sequence->type, -1}).precision);
    rows.add_int(2);
    rows.add_int(0);
    rows.add_text(std::to_string(sequence->start));
    rows.add_text(std::to_string(sequence->minimum));
    rows.add_text(std::to_string(sequence->maximum));
    rows.add_text(std::to_string(sequence->increment));
    add_yes_no(rows, sequence->cycle);
    rows.end_row();
  }
  return {};
}

}  // namespace

std::vector<SystemRelation> information_schema_relations() {
  std::vector<SystemRelation> list = declared_relations(kSchemaInformation);
  give_rows(list, "information_schema_catalog_name", catalog_name_rows);
  give_rows(list, "enabled_roles", enabled_roles_rows);
  give_rows(list, "schemata", schemata_rows);
  give_rows(list, "tables", tables_rows);
  give_rows(list, "views", views_rows);
  give_rows(list, "columns", columns_rows);
  give_rows(list, "table_constraints", table_constraints_rows);
  give_rows(list, "key_column_usage", key_column_usage_rows);
  give_rows(list, "referential_constraints", referential_rows);
  give_rows(list, "constraint_column_usage", column_usage_rows);
  give_rows(list, "constraint_table_usage", table_usage_rows);
  give_rows(list, "check_constraints", check_rows);
  give_rows(list, "sequences", sequences_rows);
  return list;
}

}  // namespace entail::engine
