// Statements about transactions, sessions, cursors, plans; and the choice among all statements.

#include <utility>

#include "grammar/internal/sql_builder.h"

namespace entail::grammar::internal {

namespace {

using P = antlr_sql::SqlParser;

}  // namespace

sql::Statement SqlBuilder::statement(P::StatementBodyContext* context) {
  if (context->queryTail() != nullptr || context->insertStatement() != nullptr ||
      context->updateStatement() != nullptr || context->deleteStatement() != nullptr ||
      context->mergeStatement() != nullptr) {
    return row_statement(context, context->withClause(), context->insertStatement(),
                         context->updateStatement(), context->deleteStatement(),
                         context->mergeStatement(), context->queryTail());
  }
  if (context->createStatement() != nullptr) return create(context->createStatement());
  return made(context, session_statement(context));
}

sql::StatementNode SqlBuilder::session_statement(P::StatementBodyContext* context) {
  if (auto* part = context->truncateStatement()) return truncate(part);
  if (auto* part = context->copyStatement()) return copy(part);
  if (auto* part = context->dropStatement()) return drop(part);
  if (auto* part = context->alterStatement()) return alter(part);
  if (auto* part = context->commentStatement()) return comment(part);
  if (auto* part = context->refreshStatement()) {
    return sql::RefreshMaterializedView{.concurrently = part->K_CONCURRENTLY() != nullptr,
                                        .view = dotted(part->qualifiedName()),
                                        .with_data = part->K_NO() == nullptr};
  }
  if (auto* part = context->beginStatement()) {
    return sql::Begin{part->K_START() != nullptr, modes(part->transactionModes())};
  }
  if (auto* part = context->commitStatement()) {
    return sql::Commit{part->K_CHAIN() != nullptr && part->K_NO() == nullptr};
  }
  if (auto* part = context->rollbackStatement()) {
    if (part->colId() != nullptr) {
      return sql::Savepoint{sql::SavepointAction::kRollbackTo, identifier(part->colId())};
    }
    return sql::Rollback{part->K_CHAIN() != nullptr && part->K_NO() == nullptr};
  }
  if (auto* part = context->savepointStatement()) {
    return sql::Savepoint{
        part->K_RELEASE() != nullptr ? sql::SavepointAction::kRelease : sql::SavepointAction::kSave,
        identifier(part->colId())};
  }
  if (auto* part = context->setStatement()) return set(part);
  if (auto* part = context->showStatement()) return sql::Show{show_target(part->showTarget())};
  if (auto* part = context->resetStatement()) return sql::Reset{show_target(part->showTarget())};
  if (auto* part = context->discardStatement()) {
    std::string what = identifier_at(last(part)).text;
    if (what == "temporary") what = "temp";
    return sql::Discard{std::move(what)};
  }
  if (auto* part = context->lockStatement()) {
    sql::LockTable lock{.mode = "access exclusive", .nowait = part->K_NOWAIT() != nullptr};
    for (P::RelationContext* table : part->relation()) {
      bool only = false;
      lock.tables.push_back(relation(table, only));
    }
    if (part->lockMode() != nullptr) lock.mode = words(part->lockMode());
    return lock;
  }
  if (auto* part = context->explainStatement()) return explain(part);
  if (auto* part = context->prepareStatement()) return prepare(part);
  if (auto* part = context->executeStatement()) return execute(part);
  if (auto* part = context->deallocateStatement()) {
    sql::Deallocate made_deallocate;
    if (part->colId() != nullptr) made_deallocate.name = identifier(part->colId());
    return made_deallocate;
  }
  if (auto* part = context->declareStatement()) return declare(part);
  if (auto* part = context->fetchStatement()) return fetch(part);
  if (auto* part = context->closeStatement()) {
    sql::CloseCursor made_close;
    if (part->colId() != nullptr) made_close.name = identifier(part->colId());
    return made_close;
  }
  if (auto* part = context->maintenanceStatement()) return maintenance(part);
  if (auto* part = context->notifyStatement()) {
    sql::Notify made_notify{.command = std::string(part->K_LISTEN() != nullptr     ? "LISTEN"
                                                   : part->K_UNLISTEN() != nullptr ? "UNLISTEN"
                                                                                   : "NOTIFY")};
    if (part->colId() != nullptr) made_notify.channel = identifier(part->colId());
    if (part->string() != nullptr) made_notify.payload = string_of(part->string());
    return made_notify;
  }
  if (auto* part = context->callStatement()) {
    sql::Call made_call;
    made_call.call.name = dotted(part->tableName());
    call_suffix(made_call.call, part->callSuffix());
    return made_call;
  }
  return subscribe(context->subscribeStatement());
}

// ------------------------------------------------------------------------------------------------
// Transactions and settings
// ------------------------------------------------------------------------------------------------

sql::TransactionModes SqlBuilder::modes(P::TransactionModesContext* context) const {
  sql::TransactionModes made_modes;
  if (context == nullptr) return made_modes;
  for (P::TransactionModeContext* mode : context->transactionMode()) {
    if (P::IsolationLevelContext* level = mode->isolationLevel()) {
      made_modes.isolation =
          level->K_UNCOMMITTED() != nullptr  ? sql::IsolationLevel::kReadUncommitted
          : level->K_COMMITTED() != nullptr  ? sql::IsolationLevel::kReadCommitted
          : level->K_REPEATABLE() != nullptr ? sql::IsolationLevel::kRepeatableRead
                                             : sql::IsolationLevel::kSerializable;
    } else if (mode->K_DEFERRABLE() != nullptr) {
      made_modes.deferrable = mode->K_NOT() == nullptr;
    } else {
      made_modes.read_only = mode->K_ONLY() != nullptr;
    }
  }
  return made_modes;
}

sql::StatementNode SqlBuilder::set(P::SetStatementContext* context) const {
  if (context->K_CONSTRAINTS() != nullptr) {
    sql::SetConstraints constraints{.deferred = context->K_DEFERRED() != nullptr};
    for (P::QualifiedNameContext* name : context->qualifiedName()) {
      constraints.names.push_back(dotted(name));
    }
    return constraints;
  }
  if (context->K_TRANSACTION() != nullptr) {
    sql::SetTransaction transaction{.session = context->K_CHARACTERISTICS() != nullptr,
                                    .modes = modes(context->transactionModes())};
    if (context->string() != nullptr) transaction.snapshot = string_of(context->string());
    return transaction;
  }
  return setting(context->setting(), context->K_LOCAL() != nullptr);
}

sql::SettingValue SqlBuilder::setting_value(P::SettingValueContext* context) const {
  const std::size_t at = first(context);
  if (type_at(at) == P::STRING) return {string_at(at), true};
  if (context->signedNumber() != nullptr) return {written_between(at, last(context) + 1), false};
  const sql::Identifier word = identifier_at(at);
  return {word.text, word.quoted};
}

sql::StatementNode SqlBuilder::setting(P::SettingContext* context, bool local) const {
  sql::Set made_set{.local = local};
  if (context->K_ZONE() != nullptr) {
    made_set.name = "timezone";
    if (P::ZoneValueContext* zone = context->zoneValue()) {
      if (zone->settingValue() != nullptr) {
        made_set.values.push_back(setting_value(zone->settingValue()));
      } else {
        made_set.values.push_back({written_between(first(zone), last(zone) + 1), true});
      }
    }
    return made_set;
  }
  if (context->settingName() != nullptr) {
    for (P::ColIdContext* part : context->settingName()->colId()) {
      if (!made_set.name.empty()) made_set.name += '.';
      made_set.name += identifier(part).text;
    }
  } else if (context->K_AUTHORIZATION() != nullptr) {
    made_set.name = "session_authorization";
  } else {
    made_set.name = context->K_ROLE() != nullptr    ? "role"
                    : context->K_NAMES() != nullptr ? "client_encoding"
                                                    : "search_path";
  }
  for (P::SettingValueContext* value : context->settingValue()) {
    made_set.values.push_back(setting_value(value));
  }
  return made_set;
}

std::string SqlBuilder::show_target(P::ShowTargetContext* context) const {
  if (context->K_ZONE() != nullptr) return "timezone";
  if (context->K_ISOLATION() != nullptr) return "transaction_isolation";
  if (context->K_AUTHORIZATION() != nullptr) return "session_authorization";
  if (context->settingName() == nullptr) return "all";
  std::string name;
  for (P::ColIdContext* part : context->settingName()->colId()) {
    if (!name.empty()) name += '.';
    name += identifier(part).text;
  }
  return name;
}

// ------------------------------------------------------------------------------------------------
// Plans and cursors
// ------------------------------------------------------------------------------------------------

sql::Statement SqlBuilder::explainable(P::ExplainableContext* context) {
  if (auto* part = context->preparable()) return preparable(part);
  if (auto* part = context->createStatement()) return create(part);
  if (auto* part = context->executeStatement()) return made(context, execute(part));
  if (auto* part = context->declareStatement()) return made(context, declare(part));
  if (auto* part = context->subscribeStatement()) return made(context, subscribe(part));
  P::RefreshStatementContext* const refresh = context->refreshStatement();
  return made(context,
              sql::RefreshMaterializedView{.concurrently = refresh->K_CONCURRENTLY() != nullptr,
                                           .view = dotted(refresh->qualifiedName()),
                                           .with_data = refresh->K_NO() == nullptr});
}

sql::Explain SqlBuilder::explain(P::ExplainStatementContext* context) {
  sql::Explain made_explain;
  made_explain.options = options(context->optionList());
  if (context->K_ANALYZE() != nullptr) {
    made_explain.options.push_back(
        {.name = "analyze", .span = span_of_token(position(context->K_ANALYZE()))});
  }
  if (context->K_VERBOSE() != nullptr) {
    made_explain.options.push_back(
        {.name = "verbose", .span = span_of_token(position(context->K_VERBOSE()))});
  }
  made_explain.statement = explainable(context->explainable());
  return made_explain;
}

sql::Prepare SqlBuilder::prepare(P::PrepareStatementContext* context) {
  sql::Prepare made_prepare{.name = identifier(context->colId())};
  for (P::TypeNameContext* type : context->typeName()) {
    made_prepare.types.push_back(type_name(type));
  }
  const std::uint32_t before = std::exchange(parameter_count_, 0);
  made_prepare.statement = preparable(context->preparable());
  made_prepare.statement->parameter_count = std::exchange(parameter_count_, before);
  return made_prepare;
}

sql::Execute SqlBuilder::execute(P::ExecuteStatementContext* context) {
  return {identifier(context->colId()), expressions(context->exprList())};
}

sql::DeclareCursor SqlBuilder::declare(P::DeclareStatementContext* context) {
  sql::DeclareCursor cursor{.name = identifier(context->colId())};
  const std::size_t end = position(context->K_CURSOR());
  for (std::size_t i = first(context) + 2; i < end; ++i) {
    switch (type_at(i)) {
      case P::K_BINARY:
        cursor.binary = true;
        break;
      case P::K_SCROLL:
        cursor.scroll = type_at(i - 1) != P::K_NO;
        break;
      case P::K_ASENSITIVE:
      case P::K_INSENSITIVE:
        cursor.insensitive = type_at(i) == P::K_INSENSITIVE;
        break;
      default:
        break;
    }
  }
  cursor.with_hold = context->K_WITH() != nullptr;
  if (context->query() != nullptr) {
    cursor.statement = made(context->query(), sql::SelectStatement{query(context->query())});
  } else {
    cursor.statement =
        made(context->subscribeStatement(), subscribe(context->subscribeStatement()));
  }
  return cursor;
}

sql::Fetch SqlBuilder::fetch(P::FetchStatementContext* context) const {
  using Direction = sql::FetchDirection;
  sql::Fetch made_fetch{.move = context->K_MOVE() != nullptr,
                        .count = 1,
                        .cursor = identifier(context->colId()),
                        .options = options(context->optionList())};
  P::FetchDirectionContext* const direction = context->fetchDirection();
  if (direction == nullptr) return made_fetch;
  if (direction->signedNumber() != nullptr) made_fetch.count = integer(direction->signedNumber());
  if (direction->K_ALL() != nullptr) made_fetch.count.reset();
  switch (type_at(first(direction))) {
    case P::K_PRIOR:
    case P::K_BACKWARD:
      made_fetch.direction = Direction::kBackward;
      break;
    case P::K_FIRST:
    case P::K_ABSOLUTE:
      made_fetch.direction = Direction::kAbsolute;
      break;
    case P::K_LAST:
      made_fetch.direction = Direction::kAbsolute;
      made_fetch.count = -1;
      break;
    case P::K_RELATIVE:
      made_fetch.direction = Direction::kRelative;
      break;
    default:
      break;
  }
  return made_fetch;
}

sql::Maintenance SqlBuilder::maintenance(P::MaintenanceStatementContext* context) const {
  sql::Maintenance made_maintenance;
  const std::size_t at = first(context);
  for (const char c : written(at)) {
    made_maintenance.command += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  if (made_maintenance.command == "ANALYSE") made_maintenance.command = "ANALYZE";
  made_maintenance.options = options(context->optionList());
  if (context->maintained() != nullptr) {
    for (P::QualifiedNameContext* name : context->maintained()->qualifiedName()) {
      made_maintenance.tables.push_back(dotted(name));
    }
  }
  if (context->qualifiedName() != nullptr) {
    made_maintenance.tables.push_back(dotted(context->qualifiedName()));
  }
  const std::size_t end = made_maintenance.tables.empty() ? last(context) + 1 : tokens_.size();
  for (std::size_t i = at + 1; i < end; ++i) {
    if (!made_maintenance.tables.empty() &&
        tokens_[i].begin >= made_maintenance.tables.front().span.begin) {
      break;
    }
    if (type_at(i) == P::LPAREN) break;
    made_maintenance.options.push_back({.name = identifier_at(i).text, .span = span_of_token(i)});
  }
  return made_maintenance;
}

sql::Subscribe SqlBuilder::subscribe(P::SubscribeStatementContext* context) {
  sql::Subscribe made_subscribe;
  if (context->qualifiedName() != nullptr) {
    made_subscribe.relation = dotted(context->qualifiedName());
  } else {
    made_subscribe.query = query(context->query());
  }
  const std::size_t up = context->K_UP() == nullptr ? 0 : position(context->K_UP());
  for (P::ExprContext* bound : context->expr()) {
    (up != 0 && first(bound) > up ? made_subscribe.up_to : made_subscribe.as_of) =
        expression(bound);
  }
  made_subscribe.options = options(context->optionList());
  if (context->K_ENVELOPE() != nullptr) {
    made_subscribe.envelope = identifier(context->colId()).text;
    made_subscribe.key = columns(context->columnList());
  }
  made_subscribe.order_by = order_by(context->orderBy());
  return made_subscribe;
}

}  // namespace entail::grammar::internal
