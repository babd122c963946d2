#include "server/engine/internal/definer.h"

#include <algorithm>
#include <cctype>

#include "server/engine/internal/changer.h"
#include "server/engine/internal/constraints.h"
#include "server/engine/internal/scram_verifier.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

namespace sql = grammar::sql;

namespace {

Outcome done(std::string tag) {
  Outcome outcome;
  outcome.tag = std::move(tag);
  return outcome;
}

}  // namespace

std::string quote_identifier(std::string_view name) {
  bool plain =
      !name.empty() && (std::islower(static_cast<unsigned char>(name[0])) || name[0] == '_');
  for (const char c : name) {
    plain &= std::islower(static_cast<unsigned char>(c)) ||
             std::isdigit(static_cast<unsigned char>(c)) || c == '_';
  }
  if (plain) return std::string(name);
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  return quoted + "\"";
}

Definer::Definer(SessionImpl& session, std::string_view text)
    : session_(session), state_(session.state()), text_(text) {}

Expected<Outcome> Definer::run(const sql::Statement& statement) {
  if (session_.transaction_->read_only) {
    return sql_error("25006", "cannot execute DDL in a read-only transaction");
  }
  if (auto locked = lock_catalog(); !locked) return unexpected(std::move(locked).error());
  if (const auto* create = statement.as<sql::CreateTable>()) return create_table(*create);
  if (const auto* create = statement.as<sql::CreateTableAs>()) {
    const auto* const select = create->source->as<sql::SelectStatement>();
    if (select == nullptr) {
      return sql_error("0A000", "CREATE TABLE AS EXECUTE is not supported yet");
    }
    return create_table_as(create->table, create->columns, select->query, create->if_not_exists,
                           create->with_data, create->temporary);
  }
  if (const auto* select = statement.as<sql::SelectStatement>()) {
    sql::Query query = select->query;
    auto* const block = query.as<sql::Select>();
    const sql::QualifiedName name = *block->into;
    block->into.reset();
    return create_table_as(name, {}, query, false, true, false);
  }
  if (const auto* create = statement.as<sql::CreateIndex>()) return create_index(*create);
  if (const auto* create = statement.as<sql::CreateView>()) return create_view(*create);
  if (const auto* create = statement.as<sql::CreateMaterializedView>()) {
    return create_materialized_view(*create);
  }
  if (const auto* refresh = statement.as<sql::RefreshMaterializedView>()) {
    auto table = find_table(refresh->view);
    if (!table) return unexpected(std::move(table).error());
    if ((*table)->kind != TableKind::kMaterializedView) {
      return sql_error("0A000", "\"" + (*table)->name + "\" is not a materialized view");
    }
    return done("REFRESH MATERIALIZED VIEW");
  }
  if (const auto* create = statement.as<sql::CreateSequence>()) return create_sequence(*create);
  if (const auto* alter_it = statement.as<sql::AlterSequence>()) return alter_sequence(*alter_it);
  if (const auto* create = statement.as<sql::CreateSchema>()) return create_schema(*create);
  if (const auto* create = statement.as<sql::CreateEnum>()) return create_enum(*create);
  if (const auto* create = statement.as<sql::CreateRole>()) return create_role(*create);
  if (const auto* alter_it = statement.as<sql::AlterRole>()) return alter_role(*alter_it);
  if (const auto* drop_it = statement.as<sql::Drop>()) return drop(*drop_it);
  if (const auto* alter_it = statement.as<sql::Alter>()) return alter(*alter_it);
  if (const auto* comment_it = statement.as<sql::Comment>()) return comment(*comment_it);
  if (const auto* truncate_it = statement.as<sql::Truncate>()) return truncate(*truncate_it);
  if (statement.as<sql::CreateCompositeType>() != nullptr) {
    return sql_error("0A000", "composite types are not supported yet");
  }
  if (statement.as<sql::CreateDomain>() != nullptr) {
    return sql_error("0A000", "domains are not supported yet");
  }
  if (statement.as<sql::AlterEnum>() != nullptr) {
    return sql_error("0A000", "ALTER TYPE of an enum is not supported yet");
  }
  return sql_error("0A000", "this statement is not supported yet");
}

// ---------------------------------------------------------------------------------------------------
// Helpers

Catalog& Definer::edit() {
  Transaction& transaction = *session_.transaction_;
  if (!edited_) {
    transaction.catalog = std::make_shared<Catalog>(session_.catalog());
    edited_ = true;
  }
  return *transaction.catalog;
}

// One transaction at a time defines.
Expected<void> Definer::lock_catalog() {
  LockName name;
  name.key = "catalog";
  return session_.lock(name, LockMode::kTableAccessExclusive);
}

Expected<void> Definer::lock_table(const Table& table, LockMode mode) {
  LockName name;
  name.table = table.oid;
  return session_.lock(name, mode);
}

sql2datalog::LoweringContext Definer::context(const SessionCatalog& names) const {
  sql2datalog::LoweringContext made;
  made.catalog = &names;
  made.text = text_;
  return made;
}

std::string Definer::source_text(sql::Span span) const {
  if (span.end > text_.size() || span.begin >= span.end) return "";
  return text_.substr(span.begin, span.end - span.begin);
}

std::string Definer::free_name(Oid schema, std::string base,
                               const std::set<std::string>& also) const {
  if (base.size() > 63) base.resize(63);
  std::string name = base;
  for (int i = 1; session_.catalog().is_name_taken(schema, name) || also.count(name) != 0; ++i) {
    name = base + std::to_string(i);
  }
  return name;
}

Expected<Oid> Definer::creation_schema(const sql::QualifiedName& name, bool temporary) {
  const bool names_temporary =
      name.parts.size() > 1 && name.parts[name.parts.size() - 2].text == "pg_temp";
  if ((temporary || names_temporary) && session_.temporary_schema_.empty()) {
    session_.temporary_schema_ = "pg_temp_" + std::to_string(session_.id());
  }
  if ((temporary || names_temporary) &&
      session_.catalog().schema(session_.temporary_schema_) == nullptr) {
    Catalog& catalog = edit();
    catalog.put(Schema{catalog.next_oid(), session_.temporary_schema_, session_.user()});
  }
  return names().creation_schema(name, temporary || names_temporary);
}

Expected<const Table*> Definer::find_table(const sql::QualifiedName& name) const {
  const SessionCatalog known = names();
  const Table* const table = known.table(name);
  if (table != nullptr) return table;
  std::string spelled;
  for (const sql::Identifier& part : name.parts) {
    if (!spelled.empty()) spelled.push_back('.');
    spelled += part.text;
  }
  return sql_error("42P01", "relation \"" + spelled + "\" does not exist");
}

void Definer::notice_exists(const std::string& what, const std::string& name) {
  session_.notice(Severity::kNotice, what == "schema" ? "42P06" : "42P07",
                  what + " \"" + name + "\" already exists, skipping");
}

std::vector<Oid> Definer::dependencies(std::span<const RelationId> reads) const {
  std::vector<Oid> result;
  for (const RelationId relation : reads) {
    const Table* const table = session_.catalog().table_of(relation);
    if (table != nullptr) result.push_back(table->oid);
  }
  return result;
}

namespace {

// Names of tables and views that a query mentions anywhere; names of common tables are among them.
struct MentionedTables {
  std::vector<sql::QualifiedName> names;

  void in(const sql::Query& query) {
    if (query.with) {
      for (const sql::CommonTable& table : query.with->tables) {
        if (table.query) in(*table.query);
      }
    }
    if (const auto* select = query.as<sql::Select>()) {
      for (const sql::TableItem& item : select->from) in(item);
      for (const sql::SelectItem& item : select->items) in(item.expression);
      if (select->where) in(*select->where);
      if (select->having) in(*select->having);
    } else if (const auto* operation = query.as<sql::SetOperation>()) {
      for (const sql::Query& operand : operation->operands) in(operand);
    }
  }
  void in(const sql::TableItem& item) {
    if (const auto* name = item.as<sql::TableName>()) {
      names.push_back(name->name);
    } else if (const auto* derived = item.as<sql::DerivedTable>()) {
      in(*derived->query);
    } else if (const auto* join = item.as<sql::Join>()) {
      in(*join->left);
      in(*join->right);
      if (join->condition) in(*join->condition);
    }
  }
  void in(const sql::Expression& expression) {
    if (const auto* subquery = expression.as<sql::Subquery>()) in(*subquery->query);
    if (const auto* membership = expression.as<sql::InQuery>()) in(*membership->query);
    if (const auto* logical = expression.as<sql::Logical>()) {
      for (const sql::Expression& operand : logical->operands) in(operand);
    }
    if (const auto* negation = expression.as<sql::Not>()) in(*negation->operand);
    if (const auto* binary = expression.as<sql::Binary>()) {
      in(*binary->left);
      in(*binary->right);
    }
  }
};

}  // namespace

// ---------------------------------------------------------------------------------------------------
// Views

Expected<Outcome> Definer::create_view(const sql::CreateView& create) {
  if (create.recursive) return sql_error("0A000", "CREATE RECURSIVE VIEW is not supported yet");
  auto schema = creation_schema(create.view, create.temporary);
  if (!schema) return unexpected(std::move(schema).error());
  const std::string& name = create.view.last().text;
  const Table* const existing = session_.catalog().table(*schema, name);
  if (existing != nullptr && (!create.or_replace || existing->kind != TableKind::kView)) {
    if (create.or_replace) return sql_error("42809", "\"" + name + "\" is not a view");
    return sql_error("42P07", "relation \"" + name + "\" already exists");
  }
  if (existing == nullptr && session_.catalog().is_name_taken(*schema, name)) {
    return sql_error("42P07", "relation \"" + name + "\" already exists");
  }
  const SessionCatalog known = names();
  auto lowered = sql2datalog::lower_view(create.query, create.columns, context(known));
  if (!lowered) return unexpected(std::move(lowered).error());
  Table view;
  view.kind = TableKind::kView;
  view.schema = *schema;
  view.name = name;
  view.owner = session_.user();
  view.temporary = create.temporary;
  for (std::size_t c = 0; c < lowered->columns.size(); ++c) {
    TableColumn column;
    column.name = lowered->columns[c].name;
    column.sql_type = lowered->columns[c].type;
    column.type = lowered->machine[c];
    column.attribute = static_cast<std::int16_t>(c + 1);
    view.columns.push_back(std::move(column));
  }
  view.view_text = source_text(create.query.span);
  view.view_query = std::make_shared<const sql::Query>(create.query);
  for (const sql::Identifier& column : create.columns) view.view_columns.push_back(column.text);
  const auto path = known.search_path();
  view.view_search_path.assign(path.begin(), path.end());
  MentionedTables mentioned;
  mentioned.in(create.query);
  for (const sql::QualifiedName& mention : mentioned.names) {
    if (const Table* const table = known.table(mention)) view.depends_on.push_back(table->oid);
  }
  if (existing != nullptr) {
    const bool keeps =
        existing->columns.size() <= view.columns.size() &&
        std::equal(existing->columns.begin(), existing->columns.end(), view.columns.begin(),
                   [](const TableColumn& a, const TableColumn& b) {
                     return a.name == b.name && a.sql_type == b.sql_type;
                   });
    if (!keeps) {
      return sql_error("42P16",
                       existing->columns.size() > view.columns.size()
                           ? "cannot drop columns from view"
                           : "cannot change name or type of a column of view \"" + name + "\"");
    }
    view.oid = existing->oid;
  }
  Catalog& catalog = edit();
  if (view.oid == 0) view.oid = catalog.next_oid();
  catalog.put(std::move(view));
  return done("CREATE VIEW");
}

Expected<Outcome> Definer::create_materialized_view(const sql::CreateMaterializedView& create) {
  if (create.or_replace) {
    return sql_error("0A000", "CREATE OR REPLACE MATERIALIZED VIEW is not supported yet");
  }
  auto schema = creation_schema(create.view, false);
  if (!schema) return unexpected(std::move(schema).error());
  const std::string& name = create.view.last().text;
  if (session_.catalog().is_name_taken(*schema, name)) {
    if (create.if_not_exists) {
      notice_exists("relation", name);
      return done("CREATE MATERIALIZED VIEW");
    }
    return sql_error("42P07", "relation \"" + name + "\" already exists");
  }
  if (!session_.transaction_->changes.empty()) {
    // The view is filled from what is committed; what this transaction has changed reaches it when it is
    // given the head the next time.
    state_.take_head_back();
  }
  const SessionCatalog known = names();
  auto lowered = sql2datalog::lower_materialized_view(create.query, create.columns, context(known));
  if (!lowered) return unexpected(std::move(lowered).error());
  Table view;
  view.kind = TableKind::kMaterializedView;
  view.schema = *schema;
  view.name = name;
  view.owner = session_.user();
  view.writable = false;
  for (std::size_t c = 0; c < lowered->columns.size(); ++c) {
    TableColumn column;
    column.name = lowered->columns[c].name;
    column.sql_type = lowered->columns[c].type;
    column.type = lowered->machine[c];
    column.not_null = !lowered->nullable[c];
    column.attribute = static_cast<std::int16_t>(c + 1);
    view.columns.push_back(std::move(column));
  }
  view.view_text = source_text(create.query.span);
  view.view_query = std::make_shared<const sql::Query>(create.query);
  for (const sql::Identifier& column : create.columns) view.view_columns.push_back(column.text);
  const auto path = known.search_path();
  view.view_search_path.assign(path.begin(), path.end());
  view.depends_on = dependencies(lowered->reads);
  const std::size_t first = state_.program.relations.size();
  view.relation = static_cast<RelationId>(first);
  for (std::size_t i = 1; i < lowered->relations.size(); ++i) {
    view.auxiliary.push_back(static_cast<RelationId>(first + i));
  }
  lowered->relations.front().name = name;
  auto changed = state_.change_program([&](datalog::RuleProgram& program) {
    for (datalog::Relation& relation : lowered->relations) {
      program.relations.push_back(std::move(relation));
    }
    for (datalog::Rule& rule : lowered->rules) program.rules.push_back(std::move(rule));
    return Expected<void>();
  });
  if (!changed) return unexpected(std::move(changed).error());
  Catalog& catalog = edit();
  view.oid = catalog.next_oid();
  catalog.put(std::move(view));
  Outcome outcome =
      done("SELECT " + std::to_string(state_.network->row_count(static_cast<RelationId>(first))));
  return outcome;
}

// ---------------------------------------------------------------------------------------------------
// Sequences, schemas, types, users

Expected<void> Definer::apply_sequence_options(Sequence& sequence,
                                               std::span<const sql::Option> options, bool fresh,
                                               std::optional<std::int64_t>& restart) {
  const auto number = [](const sql::Option& option) -> Expected<std::int64_t> {
    try {
      return static_cast<std::int64_t>(std::stoll(option.value.value_or("0")));
    } catch (const std::exception&) {
      return sql_error(
          "22003", "value \"" + option.value.value_or("") + "\" is out of range for type bigint");
    }
  };
  bool has_start = false, has_minimum = false, has_maximum = false;
  bool restarts_at_start = false;
  for (const sql::Option& option : options) {
    if (option.name == "as") {
      const sql2datalog::TypeInfo* const type = sql2datalog::find_type(option.value.value_or(""));
      if (type == nullptr || !sql2datalog::is_integer_type(type->oid)) {
        return sql_error("22023", "sequence type must be smallint, integer, or bigint");
      }
      sequence.type = type->oid;
      continue;
    }
    if (option.name == "no minvalue" || option.name == "no maxvalue") continue;
    if (option.name == "cycle" || option.name == "no cycle") {
      sequence.cycle = option.name == "cycle";
      continue;
    }
    if (option.name == "restart" && !option.value) {
      restarts_at_start = true;
      continue;
    }
    if (option.name == "owned by" || option.name == "sequence name") continue;
    auto value = number(option);
    if (!value) return unexpected(std::move(value).error());
    if (option.name == "start") {
      sequence.start = *value;
      has_start = true;
    } else if (option.name == "increment") {
      if (*value == 0) return sql_error("22023", "INCREMENT must not be zero");
      sequence.increment = *value;
    } else if (option.name == "minvalue") {
      sequence.minimum = *value;
      has_minimum = true;
    } else if (option.name == "maxvalue") {
      sequence.maximum = *value;
      has_maximum = true;
    } else if (option.name == "cache") {
      sequence.cache = *value;
    } else if (option.name == "restart") {
      restart = *value;
    }
  }
  namespace oids = sql2datalog::oids;
  const std::int64_t lowest = sequence.type == oids::kInt2   ? INT16_MIN
                              : sequence.type == oids::kInt4 ? INT32_MIN
                                                             : INT64_MIN;
  const std::int64_t highest = sequence.type == oids::kInt2   ? INT16_MAX
                               : sequence.type == oids::kInt4 ? INT32_MAX
                                                              : INT64_MAX;
  if (fresh && !has_minimum) sequence.minimum = sequence.increment > 0 ? 1 : lowest;
  if (fresh && !has_maximum) sequence.maximum = sequence.increment > 0 ? highest : -1;
  if (sequence.minimum >= sequence.maximum) {
    return sql_error("22023", "MINVALUE (" + std::to_string(sequence.minimum) +
                                  ") must be less than MAXVALUE (" +
                                  std::to_string(sequence.maximum) + ")");
  }
  if (fresh && !has_start) {
    sequence.start = sequence.increment > 0 ? sequence.minimum : sequence.maximum;
  }
  if (sequence.start < sequence.minimum) {
    return sql_error("22023", "START value (" + std::to_string(sequence.start) +
                                  ") cannot be less than MINVALUE (" +
                                  std::to_string(sequence.minimum) + ")");
  }
  if (sequence.start > sequence.maximum) {
    return sql_error("22023", "START value (" + std::to_string(sequence.start) +
                                  ") cannot be greater than MAXVALUE (" +
                                  std::to_string(sequence.maximum) + ")");
  }
  if (restarts_at_start) restart = sequence.start;
  return {};
}

Expected<Outcome> Definer::create_sequence(const sql::CreateSequence& create) {
  auto schema = creation_schema(create.sequence, create.temporary);
  if (!schema) return unexpected(std::move(schema).error());
  const std::string& name = create.sequence.last().text;
  if (session_.catalog().is_name_taken(*schema, name)) {
    if (create.if_not_exists) {
      notice_exists("relation", name);
      return done("CREATE SEQUENCE");
    }
    return sql_error("42P07", "relation \"" + name + "\" already exists");
  }
  Sequence sequence;
  sequence.schema = *schema;
  sequence.name = name;
  sequence.owner = session_.user();
  std::optional<std::int64_t> restart;
  if (auto applied = apply_sequence_options(sequence, create.options, true, restart); !applied) {
    return unexpected(std::move(applied).error());
  }
  Catalog& catalog = edit();
  sequence.oid = catalog.next_oid();
  state_.sequences[sequence.oid] = {sequence.start, false};
  session_.transaction_->dirty_sequences.insert(sequence.oid);
  catalog.put(std::move(sequence));
  return done("CREATE SEQUENCE");
}

Expected<Outcome> Definer::alter_sequence(const sql::AlterSequence& alter_it) {
  const SessionCatalog known = names();
  const Sequence* const found = known.sequence(alter_it.sequence);
  if (found == nullptr) {
    const std::string& name = alter_it.sequence.last().text;
    if (alter_it.if_exists) {
      session_.notice(Severity::kNotice, "42P01",
                      "relation \"" + name + "\" does not exist, skipping");
      return done("ALTER SEQUENCE");
    }
    return sql_error("42P01", "relation \"" + name + "\" does not exist");
  }
  Sequence sequence = *found;
  std::optional<std::int64_t> restart;
  if (auto applied = apply_sequence_options(sequence, alter_it.options, false, restart); !applied) {
    return unexpected(std::move(applied).error());
  }
  if (restart) {
    state_.sequences[sequence.oid] = {*restart, false};
    session_.transaction_->dirty_sequences.insert(sequence.oid);
  }
  edit().put(std::move(sequence));
  return done("ALTER SEQUENCE");
}

Expected<Outcome> Definer::create_schema(const sql::CreateSchema& create) {
  const std::string name = create.name            ? create.name->text
                           : create.authorization ? create.authorization->text
                                                  : session_.user();
  if (session_.catalog().schema(name) != nullptr) {
    if (create.if_not_exists) {
      notice_exists("schema", name);
      return done("CREATE SCHEMA");
    }
    return sql_error("42P06", "schema \"" + name + "\" already exists");
  }
  if (name.starts_with("pg_")) {
    return sql_error("42939", "unacceptable schema name \"" + name + "\"",
                     {.detail = "The prefix \"pg_\" is reserved for system schemas."});
  }
  if (!create.elements.empty()) {
    return sql_error("0A000", "CREATE SCHEMA with elements is not supported yet");
  }
  Catalog& catalog = edit();
  catalog.put(Schema{catalog.next_oid(), name, session_.user()});
  return done("CREATE SCHEMA");
}

Expected<Outcome> Definer::create_enum(const sql::CreateEnum& create) {
  auto schema = creation_schema(create.type, false);
  if (!schema) return unexpected(std::move(schema).error());
  const std::string& name = create.type.last().text;
  if (session_.catalog().type(*schema, name) != nullptr) {
    return sql_error("42710", "type \"" + name + "\" already exists");
  }
  std::set<std::string> seen;
  for (const std::string& label : create.labels) {
    if (!seen.insert(label).second) {
      return sql_error("23505", "enum label \"" + label + "\" used more than once");
    }
  }
  UserType type;
  type.schema = *schema;
  type.name = name;
  type.labels = create.labels;
  vm::TypeTable& types = state_.program.types;
  const vm::TypeId id = types.declare(vm::TypeKind::kEnum, name);
  types.define_enum(id, create.labels);
  type.type = vm::Type::defined(vm::TypeKind::kEnum, id);
  Catalog& catalog = edit();
  type.oid = catalog.next_oid();
  type.array_oid = catalog.next_oid();
  catalog.put(std::move(type));
  return done("CREATE TYPE");
}

Expected<void> Definer::apply_role_options(User& user, std::span<const sql::Option> options) {
  for (const sql::Option& option : options) {
    if (option.name == "superuser" || option.name == "nosuperuser") {
      user.superuser = option.name == "superuser";
    } else if (option.name == "login" || option.name == "nologin") {
      user.login = option.name == "login";
    } else if (option.name == "createdb" || option.name == "nocreatedb") {
      user.create_db = option.name == "createdb";
    } else if (option.name == "createrole" || option.name == "nocreaterole") {
      user.create_role = option.name == "createrole";
    } else if (option.name == "password" || option.name == "encrypted password") {
      if (!option.value || (!option.quoted && *option.value == "null")) {
        user.verifier.clear();
      } else if (option.value->starts_with("SCRAM-SHA-256$")) {
        user.verifier = *option.value;
      } else {
        auto verifier = make_scram_verifier(*option.value);
        if (!verifier) return unexpected(std::move(verifier).error());
        user.verifier = std::move(*verifier);
      }
    }
  }
  return {};
}

Expected<Outcome> Definer::create_role(const sql::CreateRole& create) {
  const std::string& name = create.name.text;
  if (session_.catalog().user(name) != nullptr) {
    return sql_error("42710", "role \"" + name + "\" already exists");
  }
  User user;
  user.name = name;
  user.login = create.kind == "user";
  if (auto applied = apply_role_options(user, create.options); !applied) {
    return unexpected(std::move(applied).error());
  }
  Catalog& catalog = edit();
  user.oid = catalog.next_oid();
  catalog.put(std::move(user));
  return done("CREATE ROLE");
}

Expected<Outcome> Definer::alter_role(const sql::AlterRole& alter_it) {
  const User* const found = session_.catalog().user(alter_it.name.text);
  if (found == nullptr) {
    return sql_error("42704", "role \"" + alter_it.name.text + "\" does not exist");
  }
  User user = *found;
  if (auto applied = apply_role_options(user, alter_it.options); !applied) {
    return unexpected(std::move(applied).error());
  }
  edit().put(std::move(user));
  return done("ALTER ROLE");
}

Expected<Outcome> Definer::comment(const sql::Comment& comment_it) {
  if (comment_it.kind == "table" || comment_it.kind == "view" ||
      comment_it.kind == "materialized view") {
    auto found = find_table(comment_it.name);
    if (!found) return unexpected(std::move(found).error());
    Table table = **found;
    table.comment = comment_it.text.value_or("");
    edit().put(std::move(table));
  }
  return done("COMMENT");
}

Expected<Outcome> Definer::truncate(const sql::Truncate& truncate_it) {
  std::vector<const Table*> tables;
  for (const sql::QualifiedName& name : truncate_it.tables) {
    auto found = find_table(name);
    if (!found) return unexpected(std::move(found).error());
    if ((*found)->kind != TableKind::kTable) {
      return sql_error("42809", "\"" + (*found)->name + "\" is not a table");
    }
    tables.push_back(*found);
  }
  for (std::size_t i = 0; i < tables.size(); ++i) {
    for (const auto& [child, constraint] : session_.catalog().references_to(tables[i]->oid)) {
      if (std::find(tables.begin(), tables.end(), child) != tables.end()) continue;
      if (truncate_it.behavior == sql::DropBehavior::kCascade) {
        session_.notice(Severity::kNotice, "00000",
                        "truncate cascades to table \"" + child->name + "\"");
        tables.push_back(child);
        continue;
      }
      return sql_error(
          "0A000", "cannot truncate a table referenced in a foreign key constraint",
          {.detail = "Table \"" + child->name + "\" references \"" + tables[i]->name + "\".",
           .hint = "Truncate table \"" + child->name +
                   "\" at the same time, or use TRUNCATE ... CASCADE."});
    }
  }
  if (auto lent = state_.lend_head(session_.transaction_.get()); !lent) {
    return unexpected(with_sqlstate(std::move(lent).error()));
  }
  for (const Table* const table : tables) {
    if (auto locked = lock_table(*table); !locked) return unexpected(std::move(locked).error());
    const vm::StandingRelation& rows = state_.rows_of(table->relation);
    ChangeChunk chunk{table->relation, true,
                      RowSet(state_.layout_of(table->relation), *state_.pool)};
    append_standing_rows(rows, chunk.rows);
    session_.transaction_->changes.push_back(std::move(chunk));
    if (!truncate_it.restart_identity) continue;
    for (const TableColumn& column : table->columns) {
      const Sequence* const sequence = session_.catalog().sequence(column.sequence);
      if (sequence == nullptr) continue;
      state_.sequences[sequence->oid] = {sequence->start, false};
      session_.transaction_->dirty_sequences.insert(sequence->oid);
    }
  }
  return done("TRUNCATE TABLE");
}

}  // namespace entail::engine
