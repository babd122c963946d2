// CREATE TABLE, CREATE TABLE AS, CREATE INDEX, and the constraints that they and ALTER TABLE add.
#include <algorithm>
#include <unordered_set>

#include "server/engine/internal/changer.h"
#include "server/engine/internal/constraints.h"
#include "server/engine/internal/definer.h"
#include "server/engine/sql_error.h"
#include "vm/row_scan.h"

namespace entail::engine {

namespace sql = grammar::sql;
namespace oids = sql2datalog::oids;

namespace {

Outcome done(std::string tag) {
  Outcome outcome;
  outcome.tag = std::move(tag);
  return outcome;
}

std::string joined_names(const Table& table, std::span<const std::uint32_t> columns) {
  std::string result;
  for (const std::uint32_t column : columns) {
    if (!result.empty()) result.push_back('_');
    result += table.columns[column].name;
  }
  return result;
}

}  // namespace

Expected<std::vector<std::uint32_t>> Definer::resolve_columns(
    const Table& table, std::span<const sql::Identifier> columns) const {
  std::vector<std::uint32_t> result;
  for (const sql::Identifier& column : columns) {
    const auto position = table.find_column(column.text);
    if (!position) {
      return sql_error("42703", "column \"" + column.text + "\" named in key does not exist");
    }
    if (std::find(result.begin(), result.end(), *position) != result.end()) {
      return sql_error("42701",
                       "column \"" + column.text + "\" appears twice in primary key constraint");
    }
    result.push_back(*position);
  }
  return result;
}

Expected<Oid> Definer::make_owned_sequence(Table& table, std::uint32_t column, Oid type,
                                           std::span<const sql::Option> options, bool identity) {
  Sequence sequence;
  sequence.schema = table.schema;
  sequence.name = free_name(table.schema, table.name + "_" + table.columns[column].name + "_seq");
  for (const sql::Option& option : options) {
    if (option.name == "sequence name" && option.value) sequence.name = *option.value;
  }
  sequence.owner = session_.user();
  sequence.type = type;
  sequence.identity = identity;
  sequence.owned_by = table.oid;
  sequence.owned_by_attribute = table.columns[column].attribute;
  std::optional<std::int64_t> restart;
  if (auto applied = apply_sequence_options(sequence, options, true, restart); !applied) {
    return unexpected(std::move(applied).error());
  }
  Catalog& catalog = edit();
  sequence.oid = catalog.next_oid();
  const Oid oid = sequence.oid;
  state_.sequences[oid] = {sequence.start, false};
  session_.transaction_->dirty_sequences.insert(oid);
  catalog.put(std::move(sequence));
  return oid;
}

// The column, and what is declared with it that only concerns itself. Keys, checks and references are for
// `later`, with the column's name as their column.
Expected<void> Definer::add_column(Table& table, const sql::ColumnDeclaration& declaration,
                                   std::vector<sql::Constraint>& later, bool /*temporary*/) {
  if (table.find_column(declaration.name.text)) {
    return sql_error("42701", "column \"" + declaration.name.text + "\" specified more than once");
  }
  const SessionCatalog known = names();
  auto type = sql2datalog::resolve_type(declaration.type, context(known));
  if (!type) return unexpected(std::move(type).error());
  TableColumn column;
  column.name = declaration.name.text;
  column.sql_type = type->type;
  column.type = type->machine;
  column.attribute = ++table.last_attribute;
  const auto position = static_cast<std::uint32_t>(table.columns.size());
  table.columns.push_back(column);
  const auto is_integer = sql2datalog::is_integer_type(type->type.oid);
  bool said_null = false;
  if (type->serial) {
    auto sequence = make_owned_sequence(table, position, type->type.oid, {}, false);
    if (!sequence) return unexpected(std::move(sequence).error());
    table.columns[position].sequence = *sequence;
    table.columns[position].not_null = true;
    const Sequence* const made = session_.catalog().sequence(*sequence);
    table.columns[position].default_text = "nextval('" + made->name + "'::regclass)";
  }
  for (const sql::Constraint& constraint : declaration.constraints) {
    TableColumn& target = table.columns[position];
    switch (constraint.kind) {
      case sql::ConstraintKind::kNotNull:
        if (said_null) {
          return sql_error("42601", "conflicting NULL/NOT NULL declarations for column \"" +
                                        target.name + "\" of table \"" + table.name + "\"");
        }
        target.not_null = true;
        break;
      case sql::ConstraintKind::kNull:
        if (target.not_null) {
          return sql_error("42601", "conflicting NULL/NOT NULL declarations for column \"" +
                                        target.name + "\" of table \"" + table.name + "\"");
        }
        said_null = true;
        break;
      case sql::ConstraintKind::kDefault: {
        if (!target.default_text.empty()) {
          return sql_error("42601", "multiple default values specified for column \"" +
                                        target.name + "\" of table \"" + table.name + "\"");
        }
        const SessionCatalog here = names();
        const auto sequence = sql2datalog::default_sequence(*constraint.expression, context(here));
        if (!sequence) {
          auto lowered = sql2datalog::lower_default(*constraint.expression, target.sql_type,
                                                    target.name, context(here));
          if (!lowered) return unexpected(std::move(lowered).error());
        }
        target.default_text = source_text(constraint.expression->span);
        target.default_value = std::make_shared<const sql::Expression>(*constraint.expression);
        break;
      }
      case sql::ConstraintKind::kGenerated:
        target.generated = true;
        target.default_text = source_text(constraint.expression->span);
        target.default_value = std::make_shared<const sql::Expression>(*constraint.expression);
        break;
      case sql::ConstraintKind::kIdentity: {
        if (!is_integer) {
          return sql_error("22023", "identity column type must be smallint, integer, or bigint");
        }
        target.identity = constraint.generated == sql::GeneratedKind::kAlways
                              ? Identity::kAlways
                              : Identity::kByDefault;
        target.not_null = true;
        auto sequence =
            make_owned_sequence(table, position, type->type.oid, constraint.sequence_options, true);
        if (!sequence) return unexpected(std::move(sequence).error());
        table.columns[position].sequence = *sequence;
        break;
      }
      case sql::ConstraintKind::kExclude:
        return sql_error("0A000", "exclusion constraints are not supported yet");
      default: {
        sql::Constraint own = constraint;
        if (own.kind != sql::ConstraintKind::kCheck) own.columns = {declaration.name};
        if (own.kind == sql::ConstraintKind::kCheck) own.columns = {declaration.name};
        later.push_back(std::move(own));
      }
    }
  }
  return {};
}

Expected<void> Definer::add_key(Table& table, const sql::Constraint& constraint,
                                std::set<std::string>& used) {
  const bool primary = constraint.kind == sql::ConstraintKind::kPrimaryKey;
  if (constraint.using_index) {
    return sql_error("0A000", "constraints that take over an index are not supported yet");
  }
  auto columns = resolve_columns(table, constraint.columns);
  if (!columns) return unexpected(std::move(columns).error());
  if (primary) {
    for (const TableIndex& index : table.indexes) {
      if (index.primary) {
        return sql_error("42P16",
                         "multiple primary keys for table \"" + table.name + "\" are not allowed");
      }
    }
  }
  const std::string name =
      constraint.name ? constraint.name->text
      : primary       ? free_name(table.schema, table.name + "_pkey", used)
                : free_name(table.schema, table.name + "_" + joined_names(table, *columns) + "_key",
                            used);
  if (constraint.name && (session_.catalog().is_name_taken(table.schema, name) ||
                          used.count(name) != 0 || table.find_constraint(name) != nullptr)) {
    return sql_error("42P07", "relation \"" + name + "\" already exists");
  }
  used.insert(name);
  Catalog& catalog = edit();
  TableIndex index;
  index.oid = catalog.next_oid();
  index.name = name;
  index.columns = *columns;
  index.unique = true;
  index.primary = primary;
  index.nulls_not_distinct = constraint.nulls_not_distinct;
  TableConstraint made;
  made.oid = catalog.next_oid();
  made.name = name;
  made.type = primary ? ConstraintType::kPrimaryKey : ConstraintType::kUnique;
  made.columns = *columns;
  made.index = index.oid;
  made.deferrable = constraint.deferral.deferrable.value_or(false);
  made.initially_deferred = constraint.deferral.initially_deferred.value_or(false);
  index.constraint = made.oid;
  if (primary) {
    table.primary_key = *columns;
    for (const std::uint32_t column : *columns) table.columns[column].not_null = true;
  }
  table.indexes.push_back(std::move(index));
  table.constraints.push_back(std::move(made));
  return {};
}

Expected<void> Definer::add_check(Table& table, const sql::Constraint& constraint,
                                  const std::string& column_name, std::set<std::string>& used) {
  TableConstraint made;
  made.type = ConstraintType::kCheck;
  std::string base = table.name;
  if (!column_name.empty()) base += "_" + column_name;
  if (constraint.name) {
    made.name = constraint.name->text;
  } else {
    made.name = base + "_check";
    for (int i = 1; table.find_constraint(made.name) != nullptr || used.count(made.name) != 0;
         ++i) {
      made.name = base + "_check" + std::to_string(i);
    }
  }
  if (table.find_constraint(made.name) != nullptr) {
    return sql_error("42710", "constraint \"" + made.name + "\" for relation \"" + table.name +
                                  "\" already exists");
  }
  used.insert(made.name);
  made.check_text = source_text(constraint.expression->span);
  made.check = std::make_shared<const sql::Expression>(*constraint.expression);
  made.oid = edit().next_oid();
  table.constraints.push_back(std::move(made));
  return {};
}

Expected<void> Definer::add_foreign_key(Table& table, const sql::Constraint& constraint,
                                        const std::string& /*column_name*/,
                                        std::set<std::string>& used) {
  const sql::Reference& reference = *constraint.reference;
  auto columns = resolve_columns(table, constraint.columns);
  if (!columns) return unexpected(std::move(columns).error());
  for (const sql::Identifier& column : constraint.columns) {
    if (!table.find_column(column.text)) {
      return sql_error("42703", "column \"" + column.text +
                                    "\" referenced in foreign key constraint does not exist");
    }
  }
  const bool is_self =
      reference.table.last().text == table.name && names().table(reference.table) == nullptr;
  const Table* parent = &table;
  if (!is_self) {
    auto found = find_table(reference.table);
    if (!found) return unexpected(std::move(found).error());
    parent = *found;
    if (parent->oid == table.oid) parent = &table;
  }
  if (parent->kind != TableKind::kTable) {
    return sql_error("42809", "referenced relation \"" + parent->name + "\" is not a table");
  }
  TableConstraint made;
  made.type = ConstraintType::kForeignKey;
  made.columns = *columns;
  made.referenced = parent->oid;
  made.on_delete = reference.on_delete;
  made.on_update = reference.on_update;
  made.match = reference.match;
  made.deferrable = constraint.deferral.deferrable.value_or(false);
  made.initially_deferred = constraint.deferral.initially_deferred.value_or(false);
  if (reference.columns.empty()) {
    made.referenced_columns = parent->primary_key;
    if (parent->primary_key.empty()) {
      return sql_error("42704",
                       "there is no primary key for referenced table \"" + parent->name + "\"");
    }
  } else {
    for (const sql::Identifier& column : reference.columns) {
      const auto position = parent->find_column(column.text);
      if (!position) {
        return sql_error("42703", "column \"" + column.text +
                                      "\" referenced in foreign key constraint does not exist");
      }
      made.referenced_columns.push_back(*position);
    }
  }
  if (made.referenced_columns.size() != made.columns.size()) {
    return sql_error("42830",
                     "number of referencing and referenced columns for foreign key disagree");
  }
  std::vector<std::uint32_t> wanted = made.referenced_columns;
  std::sort(wanted.begin(), wanted.end());
  for (const TableIndex& index : parent->indexes) {
    std::vector<std::uint32_t> has = index.columns;
    std::sort(has.begin(), has.end());
    if (index.unique && has == wanted && made.index == 0) made.index = index.oid;
  }
  if (made.index == 0) {
    return sql_error("42830",
                     "there is no unique constraint matching given keys for referenced "
                     "table \"" +
                         parent->name + "\"");
  }
  std::string name;
  if (constraint.name) {
    name = constraint.name->text;
  } else {
    const std::string base = table.name + "_" + joined_names(table, made.columns) + "_fkey";
    name = base;
    for (int i = 1; table.find_constraint(name) != nullptr || used.count(name) != 0; ++i) {
      name = base + std::to_string(i);
    }
  }
  if (table.find_constraint(name) != nullptr) {
    return sql_error(
        "42710", "constraint \"" + name + "\" for relation \"" + table.name + "\" already exists");
  }
  made.name = name;
  used.insert(name);
  for (std::size_t i = 0; i < made.columns.size(); ++i) {
    const vm::Type from = table.columns[made.columns[i]].type;
    const vm::Type to = parent->columns[made.referenced_columns[i]].type;
    const auto is_integer = [](vm::Type type) {
      return type.kind == vm::TypeKind::kInt2 || type.kind == vm::TypeKind::kInt4 ||
             type.kind == vm::TypeKind::kInt8;
    };
    if (from == to || (is_integer(from) && is_integer(to))) continue;
    return sql_error(
        "42804", "foreign key constraint \"" + made.name + "\" cannot be implemented",
        {.detail =
             "Key columns \"" + table.columns[made.columns[i]].name + "\" and \"" +
             parent->columns[made.referenced_columns[i]].name + "\" are of incompatible types: " +
             sql2datalog::format_type(table.columns[made.columns[i]].sql_type) + " and " +
             sql2datalog::format_type(parent->columns[made.referenced_columns[i]].sql_type) + "."});
  }
  made.oid = edit().next_oid();
  table.constraints.push_back(std::move(made));
  return {};
}

Expected<void> Definer::add_constraint(Table& table, const sql::Constraint& constraint,
                                       const std::string& column_name,
                                       std::set<std::string>& used) {
  switch (constraint.kind) {
    case sql::ConstraintKind::kPrimaryKey:
    case sql::ConstraintKind::kUnique:
      return add_key(table, constraint, used);
    case sql::ConstraintKind::kCheck:
      return add_check(table, constraint, column_name, used);
    case sql::ConstraintKind::kForeignKey:
      return add_foreign_key(table, constraint, column_name, used);
    case sql::ConstraintKind::kExclude:
      return sql_error("0A000", "exclusion constraints are not supported yet");
    default:
      return sql_error("0A000", "this constraint is not supported yet");
  }
}

Expected<Outcome> Definer::create_table(const sql::CreateTable& create) {
  if (!create.inherits.empty()) return sql_error("0A000", "INHERITS is not supported yet");
  if (!create.partitioning.empty()) {
    return sql_error("0A000", "partitioned tables are not supported yet");
  }
  if (create.on_commit == sql::OnCommit::kDeleteRows || create.on_commit == sql::OnCommit::kDrop) {
    return sql_error("0A000", "ON COMMIT of temporary tables is not supported yet");
  }
  auto schema = creation_schema(create.table, create.temporary);
  if (!schema) return unexpected(std::move(schema).error());
  const std::string& name = create.table.last().text;
  if (session_.catalog().is_name_taken(*schema, name)) {
    if (create.if_not_exists) {
      notice_exists("relation", name);
      return done("CREATE TABLE");
    }
    return sql_error("42P07", "relation \"" + name + "\" already exists");
  }
  Table table;
  table.schema = *schema;
  table.name = name;
  table.owner = session_.user();
  table.temporary = create.temporary;
  table.oid = edit().next_oid();
  table.storage = table.oid;
  std::vector<sql::Constraint> later;
  std::set<std::string> used{name};
  for (const sql::TableElement& element : create.elements) {
    if (const auto* column = std::get_if<sql::ColumnDeclaration>(&element)) {
      if (auto added = add_column(table, *column, later, create.temporary); !added) {
        return unexpected(std::move(added).error());
      }
    } else if (const auto* constraint = std::get_if<sql::Constraint>(&element)) {
      later.push_back(*constraint);
    } else if (const auto* like = std::get_if<sql::LikeTable>(&element)) {
      auto from = find_table(like->table);
      if (!from) return unexpected(std::move(from).error());
      const auto includes = [&](std::string_view what) {
        bool on = false;
        for (const auto& [including, option] : like->options) {
          if (option == "all" || option == what) on = including;
        }
        return on;
      };
      for (const TableColumn& original : (*from)->columns) {
        TableColumn copy = original;
        copy.attribute = ++table.last_attribute;
        copy.sequence = 0;
        copy.identity = Identity::kNone;
        if (!includes(copy.generated ? "generated" : "defaults") || original.sequence != 0) {
          copy.default_text.clear();
          copy.default_value.reset();
          copy.generated = false;
        }
        table.columns.push_back(std::move(copy));
      }
    }
  }
  // Keys first: references to the table itself need them.
  std::stable_sort(later.begin(), later.end(),
                   [](const sql::Constraint& a, const sql::Constraint& b) {
                     const auto rank = [](const sql::Constraint& constraint) {
                       return constraint.kind == sql::ConstraintKind::kPrimaryKey   ? 0
                              : constraint.kind == sql::ConstraintKind::kForeignKey ? 2
                                                                                    : 1;
                     };
                     return rank(a) < rank(b);
                   });
  for (const sql::Constraint& constraint : later) {
    const std::string column =
        constraint.kind == sql::ConstraintKind::kCheck && constraint.columns.size() == 1
            ? constraint.columns.front().text
            : "";
    if (auto added = add_constraint(table, constraint, column, used); !added) {
      return unexpected(std::move(added).error());
    }
  }
  auto relation = state_.add_table_relation(table);
  if (!relation) return unexpected(std::move(relation).error());
  table.relation = *relation;
  Catalog& catalog = edit();
  catalog.put(table);
  // The conditions are checked against the table as it will be.
  {
    const SessionCatalog known = names();
    for (const TableConstraint& constraint : table.constraints) {
      if (constraint.type != ConstraintType::kCheck) continue;
      auto lowered = sql2datalog::lower_check(catalog.description(*catalog.table(table.oid)),
                                              *constraint.check, true, context(known));
      if (!lowered) return unexpected(std::move(lowered).error());
    }
  }
  return done("CREATE TABLE");
}

Expected<Outcome> Definer::create_table_as(const sql::QualifiedName& name,
                                           std::span<const sql::Identifier> columns,
                                           const sql::Query& query, bool if_not_exists,
                                           bool with_data, bool temporary) {
  auto schema = creation_schema(name, temporary);
  if (!schema) return unexpected(std::move(schema).error());
  if (session_.catalog().is_name_taken(*schema, name.last().text)) {
    if (if_not_exists) {
      notice_exists("relation", name.last().text);
      return done("CREATE TABLE AS");
    }
    return sql_error("42P07", "relation \"" + name.last().text + "\" already exists");
  }
  auto plan = [&]() -> Expected<std::unique_ptr<QueryRunner>> {
    const SessionCatalog known = names();
    auto lowered = sql2datalog::lower_query(query, context(known));
    if (!lowered) return unexpected(std::move(lowered).error());
    return QueryRunner::create(state_, std::move(*lowered));
  }();
  if (!plan) return unexpected(std::move(plan).error());
  compiler::QueryResult answer;
  if (with_data) {
    if (auto lent = state_.lend_head(session_.transaction_.get()); !lent) {
      return unexpected(with_sqlstate(std::move(lent).error()));
    }
    if (auto run = (*plan)->run(session_, {}, {}, answer); !run) {
      return unexpected(std::move(run).error());
    }
  }
  Table table;
  table.schema = *schema;
  table.name = name.last().text;
  table.owner = session_.user();
  table.temporary = temporary;
  const ResultShape& shape = (*plan)->shape();
  if (columns.size() > shape.columns.size()) {
    return sql_error("42601", "too many column names were specified");
  }
  for (std::size_t c = 0; c < shape.columns.size(); ++c) {
    TableColumn column;
    column.name = c < columns.size() ? columns[c].text : shape.columns[c].name;
    if (table.find_column(column.name)) {
      return sql_error("42701", "column \"" + column.name + "\" specified more than once");
    }
    column.sql_type = {shape.columns[c].type_oid, shape.columns[c].typmod};
    if (column.sql_type.oid == oids::kUnknown) column.sql_type = {oids::kText, -1};
    column.type = shape.columns[c].type;
    column.attribute = ++table.last_attribute;
    table.columns.push_back(std::move(column));
  }
  table.oid = edit().next_oid();
  table.storage = table.oid;
  // The program changes between transactions of the network: the rows are held by the answer.
  auto relation = state_.add_table_relation(table);
  if (!relation) return unexpected(std::move(relation).error());
  table.relation = *relation;
  edit().put(table);
  Changer changer(session_, *session_.catalog().table(table.oid));
  RowSet rows = changer.make_rows();
  for (std::size_t i = 0; i < answer.row_count(); ++i) {
    auto made = changer.append_from_answer(answer, (*plan)->layout(), i, 0, rows);
    if (!made) return unexpected(std::move(made).error());
  }
  const std::size_t count = rows.size();
  if (auto changed = changer.change(changer.make_rows(), std::move(rows), false); !changed) {
    return unexpected(std::move(changed).error());
  }
  return done(with_data ? "SELECT " + std::to_string(count) : "CREATE TABLE AS");
}

// ---------------------------------------------------------------------------------------------------
// Indexes and constraints of tables that have rows

Expected<void> Definer::check_existing_key(const Table& table, const TableIndex& index) {
  if (auto lent = state_.lend_head(session_.transaction_.get()); !lent) return lent;
  const vm::StandingRelation& rows = state_.rows_of(table.relation);
  const compiler::RelationLayout& layout = state_.layout_of(table.relation);
  RowSet all(layout, *state_.pool);
  const KeyEncoder encoder(layout, *state_.pool);
  std::unordered_set<std::string> seen;
  std::string key;
  for (const vm::Row row : vm::visible_rows(rows)) {
    all.clear();
    append_standing_row(rows, row, all);
    key.clear();
    if (!encoder.encode(all, 0, index.columns, key)) continue;
    if (seen.insert(key).second) continue;
    const Schema* const schema = session_.catalog().schema(table.schema);
    return sql_error("23505", "could not create unique index \"" + index.name + "\"",
                     {.detail = "Key " + describe_key(session_, table, index.columns, all, 0) +
                                " is duplicated.",
                      .schema = schema == nullptr ? "" : schema->name,
                      .table = table.name,
                      .constraint = index.name});
  }
  return {};
}

Expected<Outcome> Definer::create_index(const sql::CreateIndex& create) {
  auto found = find_table(create.table);
  if (!found) return unexpected(std::move(found).error());
  if ((*found)->kind == TableKind::kView) {
    return sql_error("42809", "cannot create index on relation \"" + (*found)->name + "\"",
                     {.detail = "This operation is not supported for views."});
  }
  Table table = **found;
  if (create.where) {
    if (create.unique) return sql_error("0A000", "unique partial indexes are not supported yet");
    // It is one of all rows: which of them it has is no more than a saving.
    const SessionCatalog known = names();
    auto predicate = sql2datalog::lower_check(session_.catalog().description(table), *create.where,
                                              false, context(known));
    if (!predicate) return unexpected(std::move(predicate).error());
  }
  TableIndex index;
  index.unique = create.unique;
  index.nulls_not_distinct = create.nulls_not_distinct;
  std::string base = table.name;
  std::string definition;
  for (const sql::IndexElement& element : create.elements) {
    const auto* const column = element.expression.as<sql::ColumnRef>();
    if (!definition.empty()) definition += ", ";
    if (column == nullptr || column->parts.size() != 1) {
      if (create.unique) {
        return sql_error("0A000", "unique indexes on expressions are not supported yet");
      }
      // Accepted for scripts' sake; look-ups by an expression read all rows.
      index.columns.clear();
      base += "_expr";
      definition += "(" + source_text(element.expression.span) + ")";
      index.definition = "expression";
      continue;
    }
    const auto position = table.find_column(column->parts.front().text);
    if (!position) {
      return sql_error("42703", "column \"" + column->parts.front().text + "\" does not exist");
    }
    if (index.definition.empty()) index.columns.push_back(*position);
    base += "_" + table.columns[*position].name;
    definition += quote_identifier(table.columns[*position].name);
    if (element.direction == sql::SortDirection::kDescending) definition += " DESC";
  }
  if (!index.definition.empty()) index.columns.clear();
  index.name = create.name ? create.name->text : free_name(table.schema, base + "_idx");
  if (session_.catalog().is_name_taken(table.schema, index.name)) {
    if (create.if_not_exists) {
      notice_exists("relation", index.name);
      return done("CREATE INDEX");
    }
    return sql_error("42P07", "relation \"" + index.name + "\" already exists");
  }
  if (auto locked = lock_table(table, LockMode::kTableShare); !locked) {
    return unexpected(std::move(locked).error());
  }
  const Schema* const schema = session_.catalog().schema(table.schema);
  index.definition = std::string("CREATE ") + (index.unique ? "UNIQUE " : "") + "INDEX " +
                     quote_identifier(index.name) + " ON " +
                     (schema == nullptr ? "" : quote_identifier(schema->name) + ".") +
                     quote_identifier(table.name) + " USING btree (" + definition + ")" +
                     (create.where ? " WHERE (" + source_text(create.where->span) + ")" : "");
  if (index.unique && !index.columns.empty()) {
    if (auto held = check_existing_key(table, index); !held) return unexpected(held.error());
  }
  Catalog& catalog = edit();
  index.oid = catalog.next_oid();
  if (!index.columns.empty()) {
    auto made = KeyLookup::create(state_, table.relation, index.columns);
    if (!made) return unexpected(std::move(made).error());
    if (index.columns.size() == 1) {
      // For ranges and order, where the words compare as the values do.
      const compiler::ColumnLayout& column =
          state_.layout_of(table.relation).columns[index.columns.front()];
      if (compiler::has_word_order(column.type) && !column.nullable) {
        vm::IndexSpec spec;
        spec.range_column = static_cast<std::int32_t>(column.first_word);
        auto ordered = state_.network->add_index(table.relation, spec);
        if (!ordered) return unexpected(with_sqlstate(std::move(ordered).error()));
      }
    }
  }
  table.indexes.push_back(std::move(index));
  catalog.put(std::move(table));
  return done("CREATE INDEX");
}

// Rows that are there must satisfy a constraint that is added.
Expected<void> Definer::check_existing_rows(const Table& table, const TableConstraint& constraint) {
  if (auto lent = state_.lend_head(session_.transaction_.get()); !lent) return lent;
  const vm::StandingRelation& standing = state_.rows_of(table.relation);
  RowSet rows(state_.layout_of(table.relation), *state_.pool);
  append_standing_rows(standing, rows);
  if (rows.empty()) return {};
  if (constraint.type == ConstraintType::kCheck) {
    const SessionCatalog known = names();
    auto lowered = sql2datalog::lower_check(session_.catalog().description(table),
                                            *constraint.check, true, context(known));
    if (!lowered) return unexpected(std::move(lowered).error());
    auto runner = QueryRunner::create(state_, std::move(*lowered));
    if (!runner) return unexpected(std::move(runner).error());
    const compiler::RelationLayout layout = state_.layout_of(table.relation);
    const InputRows input{{rows.batch(), &layout}};
    compiler::QueryResult violations;
    if (auto run = (*runner)->run(session_, {}, input, violations); !run) return run;
    if (violations.row_count() == 0) return {};
    const Schema* const schema = session_.catalog().schema(table.schema);
    return sql_error("23514",
                     "check constraint \"" + constraint.name + "\" of relation \"" + table.name +
                         "\" is violated by some row",
                     {.schema = schema == nullptr ? "" : schema->name,
                      .table = table.name,
                      .constraint = constraint.name});
  }
  if (constraint.type == ConstraintType::kForeignKey) {
    // As if the rows were inserted now.
    Transaction& transaction = *session_.transaction_;
    const std::size_t first = transaction.changes.size();
    transaction.changes.push_back({table.relation, false, std::move(rows)});
    auto held = check_foreign_keys(session_, first, false);
    if (held && constraint.initially_deferred) held = check_foreign_keys(session_, first, true);
    transaction.changes.pop_back();
    return held;
  }
  return {};
}

}  // namespace entail::engine
