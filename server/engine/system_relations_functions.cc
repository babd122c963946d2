// Functions of the catalog, each as the relation of its values: columns for the arguments, then the result.
// A call that meets no row gives null, as PostgreSQL's do for what does not exist.
#include <set>
#include <tuple>

#include "server/engine/internal/session_impl.h"
#include "server/engine/session.h"
#include "server/engine/settings.h"
#include "server/engine/system_schema.h"

namespace entail::engine {

namespace oids = sql2datalog::oids;

namespace {

constexpr bool kBoth[] = {false, true};

Expected<void> no_rows(const SystemContext&, SystemRows&) { return {}; }

// The sessions that each session waits for.
Expected<void> blocking_rows(const SystemContext& context, SystemRows& rows) {
  const EngineState& state = state_of(context.engine);
  for (const auto& [id, session] : state.sessions) {
    std::vector<std::int64_t> blockers;
    if (const Transaction* const waiting = session->transaction(); waiting != nullptr) {
      for (const TransactionId blocker : state.locks.blockers(waiting->id)) {
        const auto found = state.transactions.find(blocker);
        if (found != state.transactions.end()) blockers.push_back(found->second->session);
      }
    }
    rows.add_int(id);
    rows.add_ints(blockers);
    rows.end_row();
  }
  return {};
}

// ------------------------------------------------------------------------------ names

Expected<void> userbyid_rows(const SystemContext& context, SystemRows& rows) {
  const Owners owners(context);
  for (const auto& [name, oid] : owners.all()) {
    rows.add_int(oid);
    rows.add_text(name);
    rows.end_row();
  }
  return {};
}

// Whether an unqualified name finds it: whether its schema is on the search path. Objects of one name in
// two schemas of the path are both called visible, though only the first is.
bool is_on_path(const SystemContext& context, Oid schema) {
  if (schema == kSchemaPgCatalog) return true;
  const Schema* const found = context.catalog.schema(schema);
  if (found == nullptr) return false;
  if (found->name.starts_with("pg_temp")) return true;
  std::string_view path = context.settings.value("search_path");
  while (!path.empty()) {
    const std::size_t end = path.find(',');
    std::string_view name = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view() : path.substr(end + 1);
    while (!name.empty() && (name.front() == ' ' || name.front() == '"')) name.remove_prefix(1);
    while (!name.empty() && (name.back() == ' ' || name.back() == '"')) name.remove_suffix(1);
    if (name == found->name || (name == "$user" && context.user == found->name)) return true;
  }
  return false;
}

void add_visible(SystemRows& rows, Oid oid, bool is_visible) {
  rows.add_int(oid);
  rows.add_bool(is_visible);
  rows.end_row();
}

Expected<void> table_visible_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    const bool is_visible = is_on_path(context, table->schema);
    add_visible(rows, oid, is_visible);
    for (const TableIndex& index : table->indexes) add_visible(rows, index.oid, is_visible);
  }
  for (const auto& [oid, sequence] : context.catalog.sequences()) {
    add_visible(rows, oid, is_on_path(context, sequence->schema));
  }
  for (const SystemRelation& relation : all_system_relations()) {
    if (!relation.is_function) {
      add_visible(rows, relation.oid, is_on_path(context, relation.schema));
    }
  }
  return {};
}

Expected<void> type_visible_rows(const SystemContext& context, SystemRows& rows) {
  for (const sql2datalog::TypeInfo& type : sql2datalog::builtin_types()) {
    add_visible(rows, type.oid, true);
  }
  for (const auto& [oid, type] : context.catalog.types()) {
    add_visible(rows, oid, is_on_path(context, type->schema));
  }
  return {};
}

// Every type without modifier, and those modifiers that columns have.
Expected<void> format_type_rows(const SystemContext& context, SystemRows& rows) {
  std::set<std::pair<Oid, std::int32_t>> types;
  for (const sql2datalog::TypeInfo& type : sql2datalog::builtin_types())
    types.emplace(type.oid, -1);
  for (const auto& [oid, type] : context.catalog.types()) {
    types.emplace(oid, -1);
    if (type->array_oid != 0) types.emplace(type->array_oid, -1);
    if (type->base.oid != 0) types.emplace(type->base.oid, type->base.typmod);
  }
  for (const auto& [oid, table] : context.catalog.tables()) {
    for (const TableColumn& column : table->columns) {
      types.emplace(column.sql_type.oid, column.sql_type.typmod);
    }
  }
  for (const auto& [oid, typmod] : types) {
    const std::string text = type_text(context.catalog, {oid, typmod});
    rows.add_int(oid);
    rows.add_int(typmod);
    rows.add_text(text);
    rows.end_row();
    if (typmod != -1) continue;
    rows.add_int(oid);
    rows.add_null();
    rows.add_text(text);
    rows.end_row();
  }
  return {};
}

// ------------------------------------------------------------------------------ definitions

// Expressions are kept as their text, so this gives back its first argument.
std::set<std::pair<std::string, Oid>> kept_expressions(const SystemContext& context) {
  std::set<std::pair<std::string, Oid>> kept;
  for (const auto& [oid, table] : context.catalog.tables()) {
    for (const TableColumn& column : table->columns) {
      if (!column.default_text.empty()) kept.emplace(column.default_text, oid);
    }
    for (const TableConstraint& constraint : table->constraints) {
      if (constraint.type == ConstraintType::kCheck) kept.emplace(constraint.check_text, oid);
    }
  }
  return kept;
}

Expected<void> expr_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [text, oid] : kept_expressions(context)) {
    rows.add_text(text);
    rows.add_int(oid);
    rows.add_text(text);
    rows.end_row();
  }
  return {};
}

Expected<void> pretty_expr_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [text, oid] : kept_expressions(context)) {
    for (const bool pretty : kBoth) {
      rows.add_text(text);
      rows.add_int(oid);
      rows.add_bool(pretty);
      rows.add_text(text);
      rows.end_row();
    }
  }
  return {};
}

// PostgreSQL's not so pretty form has another pair of brackets around the condition.
std::string constraint_text(const SystemContext& context, const Table& table,
                            const TableConstraint& constraint, bool pretty) {
  if (constraint.type == ConstraintType::kCheck && !pretty) {
    return "CHECK ((" + constraint.check_text + "))";
  }
  return constraint_definition(context.catalog, table, constraint);
}

Expected<void> constraintdef_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    for (const TableConstraint& constraint : table->constraints) {
      rows.add_int(constraint.oid);
      rows.add_text(constraint_text(context, *table, constraint, false));
      rows.end_row();
    }
  }
  return {};
}

Expected<void> pretty_constraintdef_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    for (const TableConstraint& constraint : table->constraints) {
      for (const bool pretty : kBoth) {
        rows.add_int(constraint.oid);
        rows.add_bool(pretty);
        rows.add_text(constraint_text(context, *table, constraint, pretty));
        rows.end_row();
      }
    }
  }
  return {};
}

Expected<void> indexdef_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    for (const TableIndex& index : table->indexes) {
      rows.add_int(index.oid);
      rows.add_text(index_definition(context.catalog, *table, index));
      rows.end_row();
    }
  }
  return {};
}

// Of the whole index (column 0), or of one of its columns.
Expected<void> indexdef_column_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    for (const TableIndex& index : table->indexes) {
      for (std::size_t column = 0; column <= index.columns.size(); ++column) {
        const std::string text = column == 0
                                     ? index_definition(context.catalog, *table, index)
                                     : quoted_name(table->columns[index.columns[column - 1]].name);
        for (const bool pretty : kBoth) {
          rows.add_int(index.oid);
          rows.add_int(static_cast<std::int64_t>(column));
          rows.add_bool(pretty);
          rows.add_text(text);
          rows.end_row();
        }
      }
    }
  }
  return {};
}

std::string view_definition(const Table& table) {
  std::string text = table.view_text;
  while (!text.empty() && (text.back() == ';' || text.back() == ' ' || text.back() == '\n')) {
    text.pop_back();
  }
  if (!text.empty()) text += ';';
  return text;
}

Expected<void> viewdef_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    if (table->view_text.empty()) continue;
    rows.add_int(oid);
    rows.add_text(view_definition(*table));
    rows.end_row();
  }
  return {};
}

Expected<void> pretty_viewdef_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    if (table->view_text.empty()) continue;
    for (const bool pretty : kBoth) {
      rows.add_int(oid);
      rows.add_bool(pretty);
      rows.add_text(view_definition(*table));
      rows.end_row();
    }
  }
  return {};
}

Expected<void> serial_sequence_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    const Schema* const schema = context.catalog.schema(table->schema);
    for (const TableColumn& column : table->columns) {
      const Sequence* const sequence = context.catalog.sequence(column.sequence);
      if (sequence == nullptr || schema == nullptr) continue;
      const std::string name = quoted_name(schema->name) + "." + quoted_name(sequence->name);
      const std::string qualified = quoted_name(schema->name) + "." + quoted_name(table->name);
      for (const std::string& spelled : {quoted_name(table->name), qualified}) {
        rows.add_text(spelled);
        rows.add_text(column.name);
        rows.add_text(name);
        rows.end_row();
      }
    }
  }
  return {};
}

// ------------------------------------------------------------------------------ comments and the rest

Expected<void> obj_description_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    if (table->comment.empty()) continue;
    rows.add_int(oid);
    rows.add_text("pg_class");
    rows.add_text(table->comment);
    rows.end_row();
  }
  return {};
}

constexpr std::int64_t kUtf8 = 6;

Expected<void> encoding_to_char_rows(const SystemContext&, SystemRows& rows) {
  rows.add_int(kUtf8);
  rows.add_text("UTF8");
  rows.end_row();
  return {};
}

Expected<void> char_to_encoding_rows(const SystemContext&, SystemRows& rows) {
  for (const std::string_view name : {"UTF8", "utf8", "UTF-8", "utf-8", "unicode"}) {
    rows.add_text(name);
    rows.add_int(kUtf8);
    rows.end_row();
  }
  return {};
}

Expected<void> publishable_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    add_visible(rows, oid, relation_kind(*table) == 'r' && !table->temporary);
  }
  return {};
}

struct Function {
  std::string_view name;
  std::string_view columns;  // The arguments' types, then the result's.
  RowsFunction rows;
};

constexpr Function kFunctions[] = {
    {"pg_get_userbyid", "a oid, r name", userbyid_rows},
    {"pg_table_is_visible", "a oid, r bool", table_visible_rows},
    {"pg_type_is_visible", "a oid, r bool", type_visible_rows},
    {"format_type", "a oid, b int4, r text", format_type_rows},
    {"pg_get_expr", "a text, b oid, r text", expr_rows},
    {"pg_get_expr", "a text, b oid, c bool, r text", pretty_expr_rows},
    {"pg_get_constraintdef", "a oid, r text", constraintdef_rows},
    {"pg_get_constraintdef", "a oid, b bool, r text", pretty_constraintdef_rows},
    {"pg_get_indexdef", "a oid, r text", indexdef_rows},
    {"pg_get_indexdef", "a oid, b int4, c bool, r text", indexdef_column_rows},
    {"pg_get_viewdef", "a oid, r text", viewdef_rows},
    {"pg_get_viewdef", "a oid, b bool, r text", pretty_viewdef_rows},
    {"pg_get_serial_sequence", "a text, b text, r text", serial_sequence_rows},
    {"obj_description", "a oid, b name, r text", obj_description_rows},
    {"pg_encoding_to_char", "a int4, r name", encoding_to_char_rows},
    {"pg_char_to_encoding", "a name, r int4", char_to_encoding_rows},
    {"pg_relation_is_publishable", "a regclass, r bool", publishable_rows},
    {"pg_blocking_pids", "a int4, r int4[]", blocking_rows},
    // Of things that there are none of, or that have no comments.
    {"shobj_description", "a oid, b name, r text", no_rows},
    {"col_description", "a oid, b int4, r text", no_rows},
    {"pg_function_is_visible", "a oid, r bool", no_rows},
    {"pg_operator_is_visible", "a oid, r bool", no_rows},
    {"pg_opclass_is_visible", "a oid, r bool", no_rows},
    {"pg_opfamily_is_visible", "a oid, r bool", no_rows},
    {"pg_conversion_is_visible", "a oid, r bool", no_rows},
    {"pg_ts_config_is_visible", "a oid, r bool", no_rows},
    {"pg_ts_dict_is_visible", "a oid, r bool", no_rows},
    {"pg_ts_parser_is_visible", "a oid, r bool", no_rows},
    {"pg_ts_template_is_visible", "a oid, r bool", no_rows},
    {"pg_statistics_obj_is_visible", "a oid, r bool", no_rows},
    {"pg_get_function_result", "a oid, r text", no_rows},
    {"pg_get_function_arguments", "a oid, r text", no_rows},
    {"pg_get_function_identity_arguments", "a oid, r text", no_rows},
    {"pg_get_functiondef", "a oid, r text", no_rows},
    {"pg_get_function_sqlbody", "a oid, r text", no_rows},
    {"pg_get_triggerdef", "a oid, r text", no_rows},
    {"pg_get_triggerdef", "a oid, b bool, r text", no_rows},
    {"pg_get_ruledef", "a oid, r text", no_rows},
    {"pg_get_ruledef", "a oid, b bool, r text", no_rows},
    {"pg_get_partkeydef", "a oid, r text", no_rows},
    {"pg_get_statisticsobjdef_columns", "a oid, r text", no_rows},
    {"pg_tablespace_location", "a oid, r text", no_rows},
};

}  // namespace

std::vector<SystemRelation> system_functions() {
  constexpr Oid kFirstOid = 13'600;  // Of the relation behind a function; nobody sees it.
  std::vector<SystemRelation> list;
  Oid next = kFirstOid;
  for (const Function& function : kFunctions) {
    SystemRelation relation;
    relation.name = function.name;
    relation.oid = next++;
    relation.columns = parse_system_columns(function.columns);
    relation.is_function = true;
    relation.rows = function.rows;
    list.push_back(std::move(relation));
  }
  return list;
}

}  // namespace entail::engine
