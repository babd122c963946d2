// Statements about transactions and sessions: BEGIN, SAVEPOINT, SET, PREPARE, cursors, EXPLAIN.
#include <algorithm>

#include "server/engine/internal/constraints.h"
#include "server/engine/internal/definer.h"
#include "server/engine/internal/portal_impl.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

namespace sql = grammar::sql;
namespace oids = sql2datalog::oids;
using compiler::ParameterValue;
using vm::Word;

namespace {

Outcome done(std::string tag) {
  Outcome outcome;
  outcome.tag = std::move(tag);
  return outcome;
}

OutputColumn text_column(std::string name) {
  OutputColumn column;
  column.name = std::move(name);
  column.type_oid = oids::kText;
  column.type = vm::Type::text();
  column.nullable = false;
  return column;
}

ResultShape text_shape(std::initializer_list<std::string> names) {
  ResultShape shape;
  for (const std::string& name : names) shape.add(text_column(name));
  return shape;
}

void give_text_row(RowSink& sink, const ResultShape& shape, vm::ValuePool& pool,
                   std::initializer_list<std::string_view> values) {
  std::vector<Word> words;
  for (const std::string_view value : values) words.push_back(pool.intern(value));
  sink.row(RowView(shape, pool, words.data()));
}

LockMode table_lock_mode(std::string_view words) {
  constexpr std::pair<std::string_view, LockMode> kModes[] = {
      {"access share", LockMode::kTableAccessShare},
      {"row share", LockMode::kTableRowShare},
      {"row exclusive", LockMode::kTableRowExclusive},
      {"share update exclusive", LockMode::kTableShareUpdateExclusive},
      {"share", LockMode::kTableShare},
      {"share row exclusive", LockMode::kTableShareRowExclusive},
      {"exclusive", LockMode::kTableExclusive},
  };
  for (const auto& [name, mode] : kModes) {
    if (name == words) return mode;
  }
  return LockMode::kTableAccessExclusive;
}

std::string isolation_name(Isolation isolation) {
  switch (isolation) {
    case Isolation::kReadCommitted:
      return "read committed";
    case Isolation::kRepeatableRead:
      return "repeatable read";
    case Isolation::kSerializable:
      return "serializable";
  }
  return "";
}

}  // namespace

bool is_select_into(const sql::SelectStatement& select) {
  const auto* const block = select.query.as<sql::Select>();
  return block != nullptr && block->into.has_value();
}

Error error_of_instance(const rete::ErrorInstance& instance) {
  // The message begins with PostgreSQL's words; what stands behind says where.
  std::string_view state = "22000";
  const std::string_view message = instance.message;
  if (message.starts_with("division by zero")) state = "22012";
  if (message.find("out of range") != std::string_view::npos) state = "22003";
  if (message.starts_with("invalid input syntax")) state = "22P02";
  if (message.starts_with("more than one row")) state = "21000";
  std::string text = instance.message;
  if (const std::size_t place = text.find(" in '"); place != std::string::npos) text.resize(place);
  return make_sql_error(state, std::move(text));
}

Expected<void> SessionImpl::describe_utility(Plan& plan) {
  const sql::Statement& statement = *plan.statement;
  if (const auto* show = statement.as<sql::Show>()) {
    plan.shape = show->name == "all" ? text_shape({"name", "setting", "description"})
                                     : text_shape({setting_name(show->name)});
    plan.gives_rows = true;
  } else if (const auto* explain = statement.as<sql::Explain>()) {
    plan.shape = text_shape({"QUERY PLAN"});
    plan.gives_rows = true;
    if (explain->statement->as<sql::Execute>() != nullptr) return {};
    auto inner = plan_explained(*explain, plan.text, plan.parameter_oids);
    if (!inner) return unexpected(std::move(inner).error());
    plan.parameter_oids = (*inner)->parameter_oids;
    plan.parameter_types = (*inner)->parameter_types;
  } else if (const auto* execute = statement.as<sql::Execute>()) {
    const auto found = named_statements_.find(execute->name.text);
    if (found == named_statements_.end()) return {};
    auto inner =
        plan_statement(found->second.statement, found->second.text, found->second.parameter_oids);
    if (!inner) return unexpected(std::move(inner).error());
    plan.shape = (*inner)->shape;
    plan.gives_rows = (*inner)->gives_rows;
  } else if (const auto* fetch = statement.as<sql::Fetch>()) {
    const auto found = cursors_.find(fetch->cursor.text);
    if (found == cursors_.end() || fetch->move) return {};
    plan.shape = found->second.shape;
    plan.gives_rows = true;
  } else if (const auto* subscribe = statement.as<sql::Subscribe>()) {
    return describe_subscribe(*subscribe, plan);
  } else if (const auto* declare = statement.as<sql::DeclareCursor>()) {
    if (declare->statement->as<sql::Subscribe>() != nullptr) return {};
    auto inner = plan_statement(std::make_shared<const sql::Statement>(*declare->statement),
                                plan.text, plan.parameter_oids);
    if (!inner) return unexpected(std::move(inner).error());
    plan.parameter_oids = (*inner)->parameter_oids;
    plan.parameter_types = (*inner)->parameter_types;
  }
  return {};
}

std::string SessionImpl::setting_name(const std::string& name) const {
  if (name == "timezone") return "TimeZone";
  if (name == "datestyle") return "DateStyle";
  if (name == "intervalstyle") return "IntervalStyle";
  return name;
}

Expected<Outcome> SessionImpl::run_utility(Plan& plan, PortalImpl& portal, RowSink& sink,
                                           std::span<const ParameterValue> parameters) {
  const sql::Statement& statement = *plan.statement;
  if (const auto* begin = statement.as<sql::Begin>()) return run_begin(*begin);
  if (const auto* commit = statement.as<sql::Commit>()) return run_commit(*commit);
  if (const auto* rollback = statement.as<sql::Rollback>()) return run_rollback(*rollback);
  if (const auto* savepoint = statement.as<sql::Savepoint>()) return run_savepoint(*savepoint);
  if (const auto* set = statement.as<sql::SetTransaction>()) return run_set_transaction(*set);
  if (const auto* set = statement.as<sql::Set>()) return run_set(*set);
  if (const auto* show = statement.as<sql::Show>()) return run_show(*show, sink);
  if (const auto* reset = statement.as<sql::Reset>()) {
    if (reset->name == "all") {
      settings_.reset_all();
    } else if (auto changed = settings_.reset(reset->name, false); !changed) {
      return unexpected(std::move(changed).error());
    }
    return done("RESET");
  }
  if (const auto* discard = statement.as<sql::Discard>()) return run_discard(*discard);
  if (const auto* prepare = statement.as<sql::Prepare>()) return run_prepare(*prepare, plan.text);
  if (const auto* execute = statement.as<sql::Execute>()) {
    return run_execute(*execute, plan.text, portal, sink);
  }
  if (const auto* deallocate = statement.as<sql::Deallocate>()) return run_deallocate(*deallocate);
  if (const auto* declare = statement.as<sql::DeclareCursor>()) {
    return run_declare(*declare, plan.text, parameters);
  }
  if (const auto* fetch = statement.as<sql::Fetch>()) return run_fetch(*fetch, sink);
  if (const auto* close = statement.as<sql::CloseCursor>()) return run_close(*close);
  if (const auto* explain = statement.as<sql::Explain>()) {
    return run_explain(*explain, plan, parameters, portal, sink);
  }
  if (const auto* copy = statement.as<sql::Copy>()) return run_copy(*copy, plan, portal, sink);
  if (const auto* set = statement.as<sql::SetConstraints>()) return run_set_constraints(*set);
  if (const auto* maintenance = statement.as<sql::Maintenance>()) {
    for (const sql::QualifiedName& name : maintenance->tables) {
      const SessionCatalog names = session_catalog();
      if (names.table(name) == nullptr) {
        return sql_error("42P01", "relation \"" + name.last().text + "\" does not exist");
      }
    }
    return done(maintenance->command);
  }
  if (const auto* table_lock = statement.as<sql::LockTable>()) {
    const SessionCatalog names = session_catalog();
    for (const sql::QualifiedName& name : table_lock->tables) {
      const Table* const table = names.table(name);
      if (table == nullptr) {
        return sql_error("42P01", "relation \"" + name.last().text + "\" does not exist");
      }
      if (!transaction_->is_block) {
        return sql_error("25P01", "LOCK TABLE can only be used in transaction blocks");
      }
      const LockMode mode = table_lock_mode(table_lock->mode);
      LockName lock_name;
      lock_name.table = table->oid;
      if (table_lock->nowait && !state_.locks.available(transaction_->id, lock_name, mode)) {
        return sql_error("55P03", "could not obtain lock on relation \"" + table->name + "\"");
      }
      if (auto locked = lock(lock_name, mode); !locked) {
        return unexpected(std::move(locked).error());
      }
    }
    return done("LOCK TABLE");
  }
  if (const auto* notify = statement.as<sql::Notify>()) {
    if (notify->command == "UNLISTEN") return done("UNLISTEN");
    return sql_error("0A000", notify->command + " is not supported yet");
  }
  if (const auto* grant = statement.as<sql::Grant>()) {
    return done(grant->revoke ? "REVOKE" : "GRANT");
  }
  if (const auto* other = statement.as<sql::OtherStatement>()) {
    return sql_error("0A000", other->words + " is not supported yet");
  }
  if (statement.as<sql::Call>() != nullptr) return sql_error("0A000", "CALL is not supported yet");
  if (statement.as<sql::Merge>() != nullptr) {
    return sql_error("0A000", "MERGE is not supported yet");
  }
  if (const auto* subscribe = statement.as<sql::Subscribe>()) {
    return run_subscribe(*subscribe, plan, portal, sink);
  }
  if (statement.as<sql::CreateConnector>() != nullptr) {
    return sql_error("0A000", "CREATE SOURCE and CREATE SINK are not supported yet");
  }
  return Definer(*this, plan.text).run(statement);
}

// ---------------------------------------------------------------------------------------------------
// Transactions

Expected<void> SessionImpl::set_modes(const sql::TransactionModes& modes) {
  if (modes.isolation) {
    const Isolation wanted =
        *modes.isolation == sql::IsolationLevel::kSerializable     ? Isolation::kSerializable
        : *modes.isolation == sql::IsolationLevel::kRepeatableRead ? Isolation::kRepeatableRead
                                                                   : Isolation::kReadCommitted;
    if (wanted != transaction_->isolation && transaction_->began_work) {
      return sql_error("25001", "SET TRANSACTION ISOLATION LEVEL must be called before any query");
    }
    transaction_->isolation = wanted;
  }
  if (modes.read_only) {
    if (!*modes.read_only && transaction_->read_only && transaction_->began_work) {
      return sql_error("25001", "transaction read-write mode must be set before any query");
    }
    transaction_->read_only = *modes.read_only;
  }
  return {};
}

Expected<Outcome> SessionImpl::run_begin(const sql::Begin& begin) {
  const std::string tag = begin.start_transaction ? "START TRANSACTION" : "BEGIN";
  if (transaction_->is_block) {
    notice(Severity::kWarning, "25001", "there is already a transaction in progress");
    return done(tag);
  }
  transaction_->is_block = true;
  if (auto set = set_modes(begin.modes); !set) return unexpected(std::move(set).error());
  return done(tag);
}

Expected<Outcome> SessionImpl::run_commit(const sql::Commit& commit) {
  Outcome outcome = done("COMMIT");
  const bool was_block = transaction_->is_block;
  const Isolation isolation = transaction_->isolation;
  const bool read_only = transaction_->read_only;
  if (!was_block) {
    if (commit.chain) {
      return sql_error("25P01", "COMMIT AND CHAIN can only be used in transaction blocks");
    }
    notice(Severity::kWarning, "25P01", "there is no transaction in progress");
  }
  if (transaction_->failed) {
    outcome.tag = "ROLLBACK";
    rollback_transaction();
  } else {
    auto version = commit_transaction();
    if (!version) return unexpected(std::move(version).error());
    outcome.version = *version;
  }
  if (commit.chain) {
    ensure_transaction();
    transaction_->is_block = true;
    transaction_->isolation = isolation;
    transaction_->read_only = read_only;
  }
  return outcome;
}

Expected<Outcome> SessionImpl::run_rollback(const sql::Rollback& rollback) {
  const bool was_block = transaction_->is_block;
  const Isolation isolation = transaction_->isolation;
  if (!was_block) {
    if (rollback.chain) {
      return sql_error("25P01", "ROLLBACK AND CHAIN can only be used in transaction blocks");
    }
    notice(Severity::kWarning, "25P01", "there is no transaction in progress");
  }
  rollback_transaction();
  if (rollback.chain) {
    ensure_transaction();
    transaction_->is_block = true;
    transaction_->isolation = isolation;
  }
  return done("ROLLBACK");
}

Expected<Outcome> SessionImpl::run_savepoint(const sql::Savepoint& savepoint) {
  const std::string& name = savepoint.name.text;
  const char* const word = savepoint.action == sql::SavepointAction::kSave ? "SAVEPOINT"
                           : savepoint.action == sql::SavepointAction::kRelease
                               ? "RELEASE SAVEPOINT"
                               : "ROLLBACK TO SAVEPOINT";
  if (!transaction_->is_block) {
    return sql_error("25P01", std::string(word) + " can only be used in transaction blocks");
  }
  std::vector<SavepointState>& savepoints = transaction_->savepoints;
  if (savepoint.action == sql::SavepointAction::kSave) {
    SavepointState state;
    state.name = name;
    state.changes = transaction_->changes.size();
    state.locks = state_.locks.held_count(transaction_->id);
    state.catalog = transaction_->catalog;
    state.settings = settings_.save();
    state.constraint_modes = transaction_->constraint_modes;
    savepoints.push_back(std::move(state));
    return done("SAVEPOINT");
  }
  auto found = std::find_if(savepoints.rbegin(), savepoints.rend(),
                            [&](const SavepointState& state) { return state.name == name; });
  if (found == savepoints.rend()) {
    return sql_error("3B001", "savepoint \"" + name + "\" does not exist");
  }
  const auto position = static_cast<std::size_t>(savepoints.rend() - found) - 1;
  if (savepoint.action == sql::SavepointAction::kRelease) {
    savepoints.resize(position);
    return done("RELEASE");
  }
  savepoints.resize(position + 1);
  const SavepointState& state = savepoints.back();
  transaction_->failed = false;
  undo_to({state.changes, state.catalog});
  settings_.restore(state.settings);
  transaction_->constraint_modes = state.constraint_modes;
  std::vector<TransactionId> woken;
  state_.locks.release_since(transaction_->id, state.locks, woken);
  state_.wake(woken);
  return done("ROLLBACK");
}

Expected<Outcome> SessionImpl::run_set_constraints(const sql::SetConstraints& set) {
  if (!transaction_->is_block) {
    notice(Severity::kWarning, "25P01", "SET CONSTRAINTS can only be used in transaction blocks");
  }
  std::vector<Oid> constraints;
  for (const sql::QualifiedName& name : set.names) {
    const std::string& wanted = name.last().text;
    const std::size_t before = constraints.size();
    bool found_any = false;
    for (const auto& [oid, table] : catalog().tables()) {
      if (name.parts.size() > 1) {
        const Schema* const schema = catalog().schema(table->schema);
        if (schema == nullptr || schema->name != name.parts.front().text) continue;
      }
      const TableConstraint* const constraint = table->find_constraint(wanted);
      if (constraint == nullptr) continue;
      found_any = true;
      if (constraint->deferrable) constraints.push_back(constraint->oid);
    }
    if (!found_any) return sql_error("42704", "constraint \"" + wanted + "\" does not exist");
    if (constraints.size() == before) {
      return sql_error("42809", "constraint \"" + wanted + "\" is not deferrable");
    }
  }
  if (auto changed = set_constraint_modes(*this, constraints, set.deferred); !changed) {
    return unexpected(std::move(changed).error());
  }
  return done("SET CONSTRAINTS");
}

Expected<Outcome> SessionImpl::run_set_transaction(const sql::SetTransaction& set) {
  if (set.snapshot) return sql_error("0A000", "SET TRANSACTION SNAPSHOT is not supported yet");
  if (set.session) {
    if (set.modes.isolation) {
      const char* const level =
          *set.modes.isolation == sql::IsolationLevel::kSerializable     ? "serializable"
          : *set.modes.isolation == sql::IsolationLevel::kRepeatableRead ? "repeatable read"
                                                                         : "read committed";
      auto changed = settings_.set("default_transaction_isolation", level, false);
      if (!changed) return unexpected(std::move(changed).error());
    }
    if (set.modes.read_only) {
      auto changed = settings_.set("default_transaction_read_only",
                                   *set.modes.read_only ? "on" : "off", false);
      if (!changed) return unexpected(std::move(changed).error());
    }
    return done("SET");
  }
  if (!transaction_->is_block) {
    notice(Severity::kWarning, "25P01", "SET TRANSACTION can only be used in transaction blocks");
    return done("SET");
  }
  if (auto changed = set_modes(set.modes); !changed) return unexpected(changed.error());
  return done("SET");
}

// ---------------------------------------------------------------------------------------------------
// Settings

Expected<Outcome> SessionImpl::run_set(const sql::Set& set) {
  if (set.local && !transaction_->is_block) {
    notice(Severity::kWarning, "25P01", "SET LOCAL can only be used in transaction blocks");
  }
  if (set.values.empty()) {
    if (auto changed = settings_.reset(set.name, set.local); !changed) {
      return unexpected(std::move(changed).error());
    }
    return done("SET");
  }
  if (set.name == "transaction_isolation" || set.name == "transaction_read_only") {
    sql::TransactionModes modes;
    const std::string& value = set.values.front().text;
    if (set.name == "transaction_isolation") {
      modes.isolation = value == "serializable"      ? sql::IsolationLevel::kSerializable
                        : value == "repeatable read" ? sql::IsolationLevel::kRepeatableRead
                                                     : sql::IsolationLevel::kReadCommitted;
    } else {
      modes.read_only = value == "on" || value == "true" || value == "1";
    }
    if (auto changed = set_modes(modes); !changed) return unexpected(changed.error());
    return done("SET");
  }
  std::string text;
  for (const sql::SettingValue& value : set.values) {
    if (!text.empty()) text += ", ";
    text += value.text;
  }
  if (set.name == "role" || set.name == "session_authorization") {
    if (text != "none" && text != "default") user_ = text;
    return done("SET");
  }
  if (auto changed = settings_.set(set.name, text, set.local); !changed) {
    return unexpected(std::move(changed).error());
  }
  return done("SET");
}

Expected<Outcome> SessionImpl::run_show(const sql::Show& show, RowSink& sink) {
  vm::ValuePool& pool = *state_.pool;
  if (show.name == "all") {
    const ResultShape shape = text_shape({"name", "setting", "description"});
    sink.describe(shape);
    for (const auto& [name, value] : settings_.all()) {
      give_text_row(sink, shape, pool, {name, value, ""});
    }
    return done("SHOW");
  }
  std::string value;
  if (show.name == "transaction_isolation") {
    value = isolation_name(transaction_->isolation);
  } else if (show.name == "transaction_read_only") {
    value = transaction_->read_only ? "on" : "off";
  } else {
    auto shown = settings_.show(show.name);
    if (!shown) return unexpected(std::move(shown).error());
    value = std::move(*shown);
  }
  const ResultShape shape = text_shape({setting_name(show.name)});
  sink.describe(shape);
  give_text_row(sink, shape, pool, {value});
  return done("SHOW");
}

Expected<Outcome> SessionImpl::run_discard(const sql::Discard& discard) {
  if (discard.what == "all") {
    if (transaction_->is_block) {
      return sql_error("25001", "DISCARD ALL cannot run inside a transaction block");
    }
    settings_.reset_all();
    named_statements_.clear();
    cursors_.clear();
    current_values_.clear();
    last_sequence_.reset();
    return done("DISCARD ALL");
  }
  if (discard.what == "sequences") {
    current_values_.clear();
    last_sequence_.reset();
    return done("DISCARD SEQUENCES");
  }
  return done(discard.what == "plans" ? "DISCARD PLANS" : "DISCARD TEMP");
}

// ---------------------------------------------------------------------------------------------------
// PREPARE and EXECUTE

Expected<Outcome> SessionImpl::run_prepare(const sql::Prepare& prepare, std::string_view text) {
  if (named_statements_.count(prepare.name.text) != 0) {
    return sql_error("42P05", "prepared statement \"" + prepare.name.text + "\" already exists");
  }
  NamedStatement named;
  named.text = std::string(text);
  named.statement = std::make_shared<const sql::Statement>(*prepare.statement);
  named.prepared_us = state_.now_us();
  const SessionCatalog names = session_catalog();
  sql2datalog::LoweringContext context;
  context.catalog = &names;
  context.text = text;
  for (const sql::TypeName& type : prepare.types) {
    auto resolved = sql2datalog::resolve_type(type, context);
    if (!resolved) return unexpected(std::move(resolved).error());
    named.parameter_oids.push_back(resolved->type.oid);
  }
  auto plan = plan_statement(named.statement, named.text, named.parameter_oids);
  if (!plan) return unexpected(std::move(plan).error());
  named.parameter_oids = (*plan)->parameter_oids;
  named.plan = *plan;
  named_statements_.emplace(prepare.name.text, std::move(named));
  return done("PREPARE");
}

Expected<Outcome> SessionImpl::run_execute(const sql::Execute& execute, std::string_view text,
                                           PortalImpl& portal, RowSink& sink) {
  const auto found = named_statements_.find(execute.name.text);
  if (found == named_statements_.end()) {
    return sql_error("26000", "prepared statement \"" + execute.name.text + "\" does not exist");
  }
  auto plan = refresh(found->second.plan);
  if (!plan) return unexpected(std::move(plan).error());
  found->second.plan = *plan;
  const std::size_t wanted = (*plan)->parameter_oids.size();
  if (execute.arguments.size() != wanted) {
    return sql_error(
        "42601", "wrong number of parameters for prepared statement \"" + execute.name.text + "\"",
        {.detail = "Expected " + std::to_string(wanted) + " parameters but got " +
                   std::to_string(execute.arguments.size()) + "."});
  }
  const SessionCatalog names = session_catalog();
  sql2datalog::LoweringContext context;
  context.catalog = &names;
  context.text = text;
  std::vector<ParameterValue> values;
  std::vector<compiler::QueryResult> keep(wanted);
  for (std::size_t i = 0; i < wanted; ++i) {
    auto lowered =
        sql2datalog::lower_default(execute.arguments[i], SqlType{(*plan)->parameter_oids[i], -1},
                                   "$" + std::to_string(i + 1), context);
    if (!lowered) return unexpected(std::move(lowered).error());
    auto runner = QueryRunner::create(state_, std::move(*lowered));
    if (!runner) return unexpected(std::move(runner).error());
    if (auto run = (*runner)->run(*this, {}, {}, keep[i]); !run) {
      return unexpected(std::move(run).error());
    }
    const compiler::ColumnLayout& layout = (*runner)->layout().columns[0];
    ParameterValue& value = values.emplace_back();
    value.null = layout.nullable && keep[i].word(0, layout.null_word()) != 0;
    for (std::uint32_t w = 0; w < layout.value_words && !value.null; ++w) {
      value.words[w] = keep[i].word(0, layout.first_word + w);
    }
  }
  switch ((*plan)->kind) {
    case PlanKind::kQuery:
      return run_query(**plan, values, portal, sink);
    case PlanKind::kInsert:
      return run_insert(**plan, values, portal);
    case PlanKind::kUpdate:
      return run_update(**plan, values, portal);
    case PlanKind::kDelete:
      return run_delete(**plan, values, portal);
    case PlanKind::kEmpty:
      return Outcome{};
    case PlanKind::kUtility:
      return run_utility(**plan, portal, sink, values);
  }
  return Outcome{};
}

Expected<Outcome> SessionImpl::run_deallocate(const sql::Deallocate& deallocate) {
  if (!deallocate.name) {
    named_statements_.clear();
    return done("DEALLOCATE ALL");
  }
  if (named_statements_.erase(deallocate.name->text) == 0) {
    return sql_error("26000",
                     "prepared statement \"" + deallocate.name->text + "\" does not exist");
  }
  return done("DEALLOCATE");
}

// ---------------------------------------------------------------------------------------------------
// Cursors

Expected<Outcome> SessionImpl::run_declare(const sql::DeclareCursor& declare, std::string_view text,
                                           std::span<const ParameterValue> parameters) {
  if (!transaction_->is_block && !declare.with_hold) {
    return sql_error("25P01", "DECLARE CURSOR can only be used in transaction blocks");
  }
  if (cursors_.count(declare.name.text) != 0) {
    return sql_error("42P03", "cursor \"" + declare.name.text + "\" already exists");
  }
  Cursor cursor;
  cursor.text = std::string(text);
  cursor.with_hold = declare.with_hold;
  cursor.created_us = state_.now_us();
  if (const auto* subscribe = declare.statement->as<sql::Subscribe>()) {
    if (declare.with_hold) {
      return sql_error("0A000", "DECLARE CURSOR WITH HOLD FOR SUBSCRIBE is not supported yet");
    }
    auto declared = declare_subscription(*subscribe, text, cursor);
    if (!declared) return unexpected(std::move(declared).error());
    cursors_.emplace(declare.name.text, std::move(cursor));
    return done("DECLARE CURSOR");
  }
  auto plan = plan_statement(std::make_shared<const sql::Statement>(*declare.statement), text, {});
  if (!plan) return unexpected(std::move(plan).error());
  if ((*plan)->kind != PlanKind::kQuery) {
    return sql_error("0A000",
                     "DECLARE CURSOR for other statements than SELECT is not supported yet");
  }
  if (auto lent = lend(**plan); !lent) return unexpected(std::move(lent).error());
  if (auto run = (*plan)->query->run(*this, parameters, {}, cursor.rows); !run) {
    return unexpected(std::move(run).error());
  }
  cursor.shape = (*plan)->shape;
  cursor.scroll = declare.scroll.value_or(true);
  cursors_.emplace(declare.name.text, std::move(cursor));
  return done("DECLARE CURSOR");
}

Expected<Outcome> SessionImpl::run_fetch(const sql::Fetch& fetch, RowSink& sink) {
  const auto found = cursors_.find(fetch.cursor.text);
  if (found == cursors_.end()) {
    return sql_error("34000", "cursor \"" + fetch.cursor.text + "\" does not exist");
  }
  Cursor& cursor = found->second;
  if (cursor.subscription != nullptr) return fetch_changes(fetch, cursor, sink);
  if (!fetch.options.empty()) {
    return sql_error("0A000", "FETCH … WITH is only for cursors that are declared for SUBSCRIBE");
  }
  const auto rows = static_cast<std::int64_t>(cursor.rows.row_count());
  std::vector<std::int64_t> positions;  // From 1.
  std::int64_t& at = cursor.position;
  const auto step_to = [&](std::int64_t position) {
    at = std::clamp<std::int64_t>(position, 0, rows + 1);
    if (at >= 1 && at <= rows) positions.push_back(at);
  };
  const bool backward =
      fetch.direction == sql::FetchDirection::kBackward ||
      (fetch.count && *fetch.count < 0 && fetch.direction == sql::FetchDirection::kForward);
  if (backward && !cursor.scroll) {
    return sql_error("55000", "cursor can only scan forward",
                     {.hint = "Declare it with SCROLL option to enable backward scan."});
  }
  switch (fetch.direction) {
    case sql::FetchDirection::kForward:
    case sql::FetchDirection::kBackward: {
      std::int64_t count = fetch.count.value_or(rows + 1);
      if (fetch.direction == sql::FetchDirection::kBackward) count = -count;
      if (count == 0) {
        if (at >= 1 && at <= rows) positions.push_back(at);
        break;
      }
      const std::int64_t step = count > 0 ? 1 : -1;
      for (std::int64_t i = 0; i != count; i += step) {
        if ((step > 0 && at > rows) || (step < 0 && at < 1)) break;
        step_to(at + step);
      }
      break;
    }
    case sql::FetchDirection::kAbsolute:
      step_to(fetch.count.value_or(0) >= 0 ? fetch.count.value_or(0) : rows + 1 + *fetch.count);
      break;
    case sql::FetchDirection::kRelative:
      step_to(at + fetch.count.value_or(0));
      break;
  }
  if (!fetch.move) {
    sink.describe(cursor.shape);
    std::vector<Word> words(std::max<std::size_t>(cursor.shape.word_count, 1));
    for (const std::int64_t position : positions) {
      for (std::uint32_t c = 0; c < cursor.shape.word_count; ++c) {
        words[c] = cursor.rows.word(static_cast<std::size_t>(position - 1), c);
      }
      sink.row(RowView(cursor.shape, *state_.pool, words.data()));
    }
  }
  Outcome outcome = done((fetch.move ? "MOVE " : "FETCH ") + std::to_string(positions.size()));
  outcome.rows = positions.size();
  return outcome;
}

Expected<Outcome> SessionImpl::run_close(const sql::CloseCursor& close) {
  if (!close.name) {
    cursors_.clear();
    return done("CLOSE CURSOR ALL");
  }
  if (cursors_.erase(close.name->text) == 0) {
    return sql_error("34000", "cursor \"" + close.name->text + "\" does not exist");
  }
  return done("CLOSE CURSOR");
}

// ---------------------------------------------------------------------------------------------------
// EXPLAIN

namespace {

class NoRows final : public RowSink {
 public:
  void row(const RowView& /*row*/) override {}
};

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (c == '\n') {
      out += "\\n";
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

}  // namespace

// The plan of the statement behind EXPLAIN; of EXECUTE, that of what was prepared.
Expected<std::shared_ptr<Plan>> SessionImpl::plan_explained(
    const sql::Explain& explain, std::string_view text,
    std::span<const std::uint32_t> parameter_oids) {
  const auto* execute = explain.statement->as<sql::Execute>();
  if (execute == nullptr) {
    return plan_statement(std::make_shared<const sql::Statement>(*explain.statement), text,
                          parameter_oids);
  }
  const auto found = named_statements_.find(execute->name.text);
  if (found == named_statements_.end()) {
    return sql_error("26000", "prepared statement \"" + execute->name.text + "\" does not exist");
  }
  return plan_statement(found->second.statement, found->second.text, found->second.parameter_oids);
}

Expected<Outcome> SessionImpl::run_explain(const sql::Explain& explain, const Plan& utility,
                                           std::span<const ParameterValue> parameters,
                                           PortalImpl& portal, RowSink& sink) {
  bool analyze = false, json = false;
  for (const sql::Option& option : explain.options) {
    const bool is_on =
        !option.value || *option.value == "true" || *option.value == "on" || *option.value == "1";
    if (option.name == "analyze") analyze = is_on;
    if (option.name == "format") json = option.value == "json";
  }
  if (analyze && explain.statement->as<sql::Execute>() != nullptr) {
    return sql_error("0A000", "EXPLAIN ANALYZE of EXECUTE is not supported yet");
  }
  auto plan = plan_explained(explain, utility.text, utility.parameter_oids);
  if (!plan) return unexpected(std::move(plan).error());
  const QueryRunner* const runner = (*plan)->query != nullptr    ? (*plan)->query.get()
                                    : (*plan)->insert != nullptr ? (*plan)->insert->source.get()
                                    : (*plan)->update != nullptr ? (*plan)->update->source.get()
                                    : (*plan)->remove != nullptr ? (*plan)->remove->source.get()
                                                                 : nullptr;
  if (analyze) {
    NoRows none;
    Expected<Outcome> run = Outcome{};
    switch ((*plan)->kind) {
      case PlanKind::kQuery:
        run = run_query(**plan, parameters, portal, none);
        break;
      case PlanKind::kInsert:
        run = run_insert(**plan, parameters, portal);
        break;
      case PlanKind::kUpdate:
        run = run_update(**plan, parameters, portal);
        break;
      case PlanKind::kDelete:
        run = run_delete(**plan, parameters, portal);
        break;
      default:
        break;
    }
    if (!run) return run;
    portal.rows.clear();
    portal.has_rows = false;
    portal.tag_word.clear();
  }
  std::string lines;
  if ((*plan)->insert != nullptr)
    lines += "Insert on " + (*plan)->insert->lowered.table->name + "\n";
  if ((*plan)->update != nullptr)
    lines += "Update on " + (*plan)->update->lowered.table->name + "\n";
  if ((*plan)->remove != nullptr)
    lines += "Delete on " + (*plan)->remove->lowered.table->name + "\n";
  lines += runner == nullptr ? "Utility Statement" : runner->explain(analyze);
  const ResultShape shape = text_shape({"QUERY PLAN"});
  sink.describe(shape);
  if (json) {
    std::string document = "[\n  {\n    \"Plan\": " + json_text(lines) + "\n  }\n]";
    give_text_row(sink, shape, *state_.pool, {document});
  } else {
    std::string_view rest = lines;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      give_text_row(sink, shape, *state_.pool, {rest.substr(0, end)});
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return done("EXPLAIN");
}

}  // namespace entail::engine
