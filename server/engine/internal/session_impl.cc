#include "server/engine/internal/session_impl.h"

#include <algorithm>
#include <utility>

#include "server/engine/internal/constraints.h"
#include "server/engine/internal/subscription_impl.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

bool is_must_wait(const Error& error) { return error.sqlstate() == kMustWaitState; }

SessionImpl::SessionImpl(EngineState& state, SessionOptions options, std::uint32_t id)
    : state_(state), id_(id), options_(std::move(options)), user_(options_.user) {
  connected_us_ = state_.now_us();
  idle_since_us_ = connected_us_;
  settings_.put("session_authorization", user_);
  const User* const known = state_.catalog->user(user_);
  settings_.put("is_superuser", known == nullptr || known->superuser ? "on" : "off");
  state_.sessions.emplace(id_, this);
}

SessionImpl::~SessionImpl() {
  if (transaction_ != nullptr) rollback_transaction();
  cursors_.clear();
  if (!temporary_schema_.empty()) drop_temporary_schema();
  state_.sessions.erase(id_);
}

TransactionStatus SessionImpl::status() const {
  if (transaction_ == nullptr || !transaction_->is_block) return TransactionStatus::kIdle;
  return transaction_->failed ? TransactionStatus::kFailed : TransactionStatus::kOpen;
}

Cursor::Cursor() = default;
Cursor::~Cursor() = default;
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;

std::vector<Notice> SessionImpl::take_notices() { return std::exchange(notices_, {}); }

void SessionImpl::notice(Severity severity, std::string_view sqlstate, std::string message,
                         std::string detail, std::string hint) {
  notices_.push_back(
      {severity, std::string(sqlstate), std::move(message), std::move(detail), std::move(hint)});
}

void SessionImpl::cancel() {
  cancel_requested_.store(true, std::memory_order_release);
  if (state_.executing.load(std::memory_order_acquire) == this) state_.cancel.cancel();
}

std::int64_t SessionImpl::stop_if_late() {
  const std::int64_t limit_ms = limit_ms_.load(std::memory_order_acquire);
  const std::int64_t since_us = running_since_us_.load(std::memory_order_acquire);
  if (limit_ms == 0 || since_us == 0) return limit_ms;
  const std::int64_t left_us = since_us + limit_ms * 1000 - state_.now_us();
  if (left_us > 0) return left_us / 1000 + 1;
  is_late_.store(true, std::memory_order_release);
  if (state_.executing.load(std::memory_order_acquire) == this) state_.cancel.cancel();
  return limit_ms;
}

const Catalog& SessionImpl::catalog() const {
  return transaction_ != nullptr && transaction_->catalog != nullptr ? *transaction_->catalog
                                                                     : *state_.catalog;
}

SessionCatalog SessionImpl::session_catalog() const {
  return SessionCatalog(state_, catalog(), settings_, user_, temporary_schema_);
}

std::int64_t SessionImpl::transaction_start_us() const {
  return transaction_ != nullptr ? transaction_->start_us : state_.now_us();
}

// ---------------------------------------------------------------------------------------------------
// Transactions

void SessionImpl::ensure_transaction() {
  if (transaction_ != nullptr) return;
  transaction_ = std::make_unique<Transaction>();
  transaction_->id = state_.next_transaction++;
  transaction_->session = id_;
  transaction_->start_us = state_.now_us();
  const std::string& level = settings_.ready().isolation;
  transaction_->isolation = level == "serializable"      ? Isolation::kSerializable
                            : level == "repeatable read" ? Isolation::kRepeatableRead
                                                         : Isolation::kReadCommitted;
  transaction_->read_only = settings_.ready().read_only;
  state_.transactions.emplace(transaction_->id, transaction_.get());
  settings_.begin();
}

Error SessionImpl::failed_transaction_error() const {
  return make_sql_error("25P02",
                        "current transaction is aborted, commands ignored until end of "
                        "transaction block");
}

Expected<void> SessionImpl::begin_statement(const Plan& plan) {
  const bool ends_transaction =
      plan.statement != nullptr && (plan.statement->as<grammar::sql::Commit>() != nullptr ||
                                    plan.statement->as<grammar::sql::Rollback>() != nullptr ||
                                    (plan.statement->as<grammar::sql::Savepoint>() != nullptr &&
                                     plan.statement->as<grammar::sql::Savepoint>()->action ==
                                         grammar::sql::SavepointAction::kRollbackTo));
  if (transaction_ != nullptr && transaction_->failed && !ends_transaction) {
    return unexpected(failed_transaction_error());
  }
  ensure_transaction();
  transaction_->statement_us = state_.now_us();
  return {};
}

void SessionImpl::undo_to(const StatementMark& mark) {
  if (transaction_ == nullptr) return;
  if (transaction_->changes.size() > mark.changes) {
    transaction_->changes.erase(
        transaction_->changes.begin() + static_cast<std::ptrdiff_t>(mark.changes),
        transaction_->changes.end());
    ++transaction_->change_epoch;
  }
  const bool had_catalog = transaction_->catalog != mark.catalog;
  transaction_->catalog = mark.catalog;
  if (!had_catalog) return;
  ++transaction_->change_epoch;  // Changes of other tables count now.
  state_.drop_unnamed_relations();
}

void SessionImpl::fail_statement(const Error& /*error*/) {
  if (transaction_ == nullptr) return;
  if (!transaction_->is_block) {
    rollback_transaction();
    return;
  }
  // All that can follow is the end, or the way back to a savepoint: nobody has to wait for the rest.
  transaction_->failed = true;
  const SavepointState start;
  const auto& savepoints = transaction_->savepoints;
  const SavepointState& kept = savepoints.empty() ? start : savepoints.back();
  undo_to({kept.changes, kept.catalog});
  std::vector<TransactionId> woken;
  state_.locks.release_since(transaction_->id, kept.locks, woken);
  state_.wake(woken);
}

Expected<std::uint64_t> SessionImpl::commit_transaction() {
  ENTAIL_ENSURE(transaction_ != nullptr);
  if (auto held = check_deferred_constraints(*this); !held) {
    // Who must wait for a row that it refers to commits later.
    if (!is_must_wait(held.error())) rollback_transaction();
    return unexpected(std::move(held).error());
  }
  auto version = state_.commit(
      *transaction_, user_,
      [this](const std::vector<rete::StatedChange>& stated) { return admit_firings(stated); });
  if (!version) {
    if (!is_must_wait(version.error())) rollback_transaction();
    return unexpected(std::move(version).error());
  }
  finish_transaction(true);
  return *version;
}

void SessionImpl::rollback_transaction() {
  ENTAIL_ENSURE(transaction_ != nullptr);
  if (state_.head.owner == transaction_->id) state_.take_head_back();
  finish_transaction(false);
}

void SessionImpl::finish_transaction(bool committed) {
  const std::unique_ptr<Transaction> ended = std::move(transaction_);
  state_.transactions.erase(ended->id);
  std::vector<TransactionId> woken;
  state_.locks.release_all(ended->id, woken);
  is_waiting_ = false;
  waits_for_.reset();
  if (committed) {
    settings_.commit();
  } else {
    settings_.rollback();
  }
  const bool had_catalog = ended->catalog != nullptr;
  ended->catalog = nullptr;
  ended->savepoints.clear();
  if (had_catalog) state_.drop_unnamed_relations();
  std::erase_if(cursors_, [](const auto& entry) { return !entry.second.with_hold; });
  state_.forget_kept_commits();
  state_.wake(woken);
}

Expected<std::uint64_t> SessionImpl::end_implicit() {
  if (transaction_ == nullptr || transaction_->is_block) return std::uint64_t{0};
  return commit_transaction();
}

Expected<Outcome> SessionImpl::sync() {
  if (is_waiting_) {
    is_waiting_ = false;
    if (wait_error_) {
      Error error = *std::exchange(wait_error_, std::nullopt);
      rollback_transaction();
      return unexpected(std::move(error));
    }
  }
  auto version = end_implicit();
  if (!version && is_must_wait(version.error())) return wait_outcome();
  if (!version) return unexpected(std::move(version).error());
  Outcome outcome;
  outcome.version = *version;
  return outcome;
}

// ---------------------------------------------------------------------------------------------------
// Locks and waiting

Expected<void> SessionImpl::lock(const LockName& name, LockMode mode) {
  ENTAIL_ENSURE(transaction_ != nullptr);
  const bool is_other = waits_for_ && *waits_for_ != name;
  // A statement that was begun anew takes its first locks again on the way to the one that it waits for,
  // and keeps its place in that queue: two who gave it up in turn would wait for each other for ever.
  if (is_other && !state_.locks.available(transaction_->id, name, mode)) {
    std::vector<TransactionId> woken;
    state_.locks.stop_waiting(transaction_->id, woken);
    waits_for_.reset();
    state_.wake(woken);
  }
  const LockAnswer answer = state_.locks.acquire(transaction_->id, name, mode);
  state_.wake(state_.locks.take_woken());
  switch (answer) {
    case LockAnswer::kGranted:
      if (waits_for_ && *waits_for_ == name) waits_for_.reset();
      return {};
    case LockAnswer::kDeadlock:
      waits_for_.reset();
      return unexpected(deadlock_error());
    case LockAnswer::kMustWait:
      // Who tries again has waited since it began to.
      if (!waits_for_ || *waits_for_ != name) wait_since_us_ = state_.now_us();
      waits_for_ = name;
      return sql_error(kMustWaitState, "must wait for a lock");
  }
  return {};
}

Error SessionImpl::deadlock_error() const {
  const std::vector<TransactionId>& cycle = state_.locks.last_cycle();
  std::string detail;
  for (std::size_t i = 0; i < cycle.size(); ++i) {
    const auto session_of = [&](TransactionId id) {
      const auto found = state_.transactions.find(id);
      return found == state_.transactions.end() ? 0U : found->second->session;
    };
    const TransactionId next = cycle[(i + 1) % cycle.size()];
    if (!detail.empty()) detail.push_back('\n');
    detail += "Process " + std::to_string(session_of(cycle[i])) +
              " waits for ShareLock on transaction " + std::to_string(next) +
              "; blocked by process " + std::to_string(session_of(next)) + ".";
  }
  return make_sql_error("40P01", "deadlock detected",
                        {.detail = std::move(detail), .hint = "See server log for query details."});
}

Expected<Outcome> SessionImpl::wait_outcome() {
  is_waiting_ = true;
  deadline_us_ = 0;
  const auto bound = [&](std::int64_t since, std::int64_t milliseconds) {
    if (milliseconds == 0) return;
    const std::int64_t at = since + milliseconds * 1000;
    if (deadline_us_ == 0 || at < deadline_us_) deadline_us_ = at;
  };
  if (!waits_for_changes_) bound(wait_since_us_, settings_.ready().lock_timeout);
  bound(statement_since_us_, settings_.ready().statement_timeout);
  if (waits_for_changes_ && changes_deadline_us_ != 0 &&
      (deadline_us_ == 0 || changes_deadline_us_ < deadline_us_)) {
    deadline_us_ = changes_deadline_us_;
  }
  Outcome outcome;
  outcome.progress = waits_for_changes_ ? Progress::kWaitsForChanges : Progress::kMustWait;
  return outcome;
}

void SessionImpl::wake() {
  if (options_.waiter != nullptr) options_.waiter->wake();
}

bool SessionImpl::tick(std::int64_t now_us) {
  if (is_waiting_ && !wait_error_) {
    const std::int64_t lock_ms = waits_for_changes_ ? 0 : settings_.ready().lock_timeout;
    const std::int64_t statement_ms = settings_.ready().statement_timeout;
    if (cancel_requested_.load(std::memory_order_acquire)) {
      wait_error_ = make_sql_error("57014", "canceling statement due to user request");
    } else if (lock_ms != 0 && now_us >= wait_since_us_ + lock_ms * 1000) {
      wait_error_ = make_sql_error("55P03", "canceling statement due to lock timeout");
    } else if (statement_ms != 0 && now_us >= statement_since_us_ + statement_ms * 1000) {
      wait_error_ = make_sql_error("57014", "canceling statement due to statement timeout");
    }
    const bool has_waited =
        waits_for_changes_ && changes_deadline_us_ != 0 && now_us >= changes_deadline_us_;
    if (has_waited) deadline_us_ = 0;  // Once is enough.
    if (wait_error_ || has_waited) wake();
    return false;
  }
  if (is_executing_ || transaction_ == nullptr || !transaction_->is_block) return false;
  const std::int64_t idle_ms = settings_.ready().idle_in_transaction_timeout;
  if (idle_ms == 0 || now_us < idle_since_us_ + idle_ms * 1000) return false;
  // Once: who is told closes the session in its own time.
  return std::exchange(idle_told_us_, idle_since_us_) != idle_since_us_;
}

std::int64_t SessionImpl::next_deadline_us() const {
  if (is_waiting_) return deadline_us_;
  if (transaction_ == nullptr || !transaction_->is_block || is_executing_) return 0;
  const std::int64_t idle_ms = settings_.ready().idle_in_transaction_timeout;
  if (idle_ms == 0 || idle_told_us_ == idle_since_us_) return 0;
  return idle_since_us_ + idle_ms * 1000;
}

// What the session made for itself goes with it, in a transaction of its own.
void SessionImpl::drop_temporary_schema() {
  const Schema* const schema = state_.catalog->schema(temporary_schema_);
  if (schema == nullptr) return;
  auto catalog = std::make_shared<Catalog>(*state_.catalog);
  std::vector<Oid> tables, sequences;
  for (const auto& [oid, table] : catalog->tables()) {
    if (table->schema == schema->oid) tables.push_back(oid);
  }
  for (const auto& [oid, sequence] : catalog->sequences()) {
    if (sequence->schema == schema->oid) sequences.push_back(oid);
  }
  for (const Oid oid : tables) catalog->drop_table(oid);
  for (const Oid oid : sequences) catalog->drop_sequence(oid);
  catalog->drop_schema(schema->oid);
  state_.catalog = std::move(catalog);
  state_.plans.clear();
  state_.drop_unnamed_relations();
}

void EngineState::wake(const std::vector<TransactionId>& woken) {
  for (const TransactionId id : woken) {
    const auto found = transactions.find(id);
    if (found == transactions.end()) continue;
    const auto session = sessions.find(found->second->session);
    if (session != sessions.end()) session->second->wake();
  }
}

}  // namespace entail::engine
