// server/engine/internal/session_impl.h - a session: its transaction, settings, prepared statements, cursors.
//
//     portal.run -> begin_statement -> lend the head -> execute(plan) -> end_statement
//                                                         |  kMustWait: undone, registered, to be run again
//
// Files: session_impl.cc (life, transactions), session_values.cc (now(), nextval …), execute.cc (what a
// statement does), change_rows.cc (INSERT, UPDATE, DELETE), constraints.cc, define_*.cc (DDL), utility.cc (SET …).
//
// Threads: the engine's, but for cancel().
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/sql_tree.h"
#include "server/engine/internal/engine_state.h"
#include "server/engine/internal/plan.h"
#include "server/engine/internal/session_catalog.h"
#include "server/engine/session.h"
#include "server/engine/settings.h"
#include "server/engine/transaction.h"
#include "sql2datalog/lower_statement.h"

namespace entail::engine {

class Changer;
class CopyReader;
struct CopyTarget;
class PortalImpl;
struct PortalStream;
struct SubscribedRelation;
class SubscriptionImpl;

// A PREPAREd statement.
struct NamedStatement {
  std::string text;
  std::vector<Oid> parameter_oids;
  std::shared_ptr<const grammar::sql::Statement> statement;
  std::shared_ptr<Plan> plan;
  std::int64_t prepared_us = 0;
};

// DECLARE … CURSOR: its rows, made at once, for they are those of that moment.
struct Cursor {
  std::string text;
  ResultShape shape;
  compiler::QueryResult rows;
  std::int64_t position = 0;  // 0 before the first row, n + 1 behind the last.
  bool with_hold = false, scroll = true;
  std::int64_t created_us = 0;
  std::unique_ptr<SubscriptionImpl> subscription;  // For SUBSCRIBE: the rows come from it.
  bool has_ended = false;                          // It has.

  Cursor();
  ~Cursor();
  Cursor(Cursor&&) noexcept;
  Cursor& operator=(Cursor&&) noexcept;
};

// What must be undone when a statement ends without success.
struct StatementMark {
  std::size_t changes = 0;
  std::shared_ptr<Catalog> catalog;
};

class SessionImpl final : public Session {
 public:
  SessionImpl(EngineState& state, SessionOptions options, std::uint32_t id);
  ~SessionImpl() override;

  Expected<std::shared_ptr<const Prepared>> parse(
      std::string_view text, std::span<const std::uint32_t> parameter_oids) override;
  Expected<std::unique_ptr<Portal>> bind(std::shared_ptr<const Prepared> prepared,
                                         std::vector<Parameter> parameters) override;
  Expected<Outcome> sync() override;
  Expected<std::unique_ptr<SimpleQuery>> simple(std::string_view text) override;
  Expected<std::vector<TextResult>> query_all(std::string_view text,
                                              std::string_view null_text) override;
  Expected<TextResult> query(std::string_view text, std::string_view null_text) override;
  Expected<PushOutcome> push(const PushBatch& batch) override;
  Expected<std::unique_ptr<Subscription>> subscribe(std::string_view text,
                                                    LockWaiter* waiter) override;
  Expected<Outcome> deploy(std::string_view name, std::string_view text) override;
  std::uint32_t id() const override { return id_; }
  TransactionStatus status() const override;
  const SessionOptions& options() const override { return options_; }
  const TextSettings& text_settings() const override { return settings_.text(); }
  Expected<std::string> setting(std::string_view name) const override {
    return settings_.show(name);
  }
  std::vector<Notice> take_notices() override;
  std::vector<std::pair<std::string, std::string>> take_reported_settings() override {
    return settings_.take_reported();
  }
  void cancel() override;
  std::int64_t stop_if_late() override;

  // --- for the parts of the engine
  EngineState& state() { return state_; }
  const Settings& settings() const { return settings_; }
  Settings& settings() { return settings_; }
  const std::string& user() const { return user_; }
  const Catalog& catalog() const;
  Transaction* transaction() { return transaction_.get(); }
  SessionCatalog session_catalog() const;
  std::int64_t transaction_start_us() const;
  Expected<compiler::ParameterValue> session_value(const sql2datalog::SessionValue& wanted);
  void notice(Severity severity, std::string_view sqlstate, std::string message,
              std::string detail = {}, std::string hint = {});
  const std::map<std::string, NamedStatement, std::less<>>& named_statements() const {
    return named_statements_;
  }
  const std::map<std::string, Cursor, std::less<>>& cursors() const { return cursors_; }
  bool is_waiting() const { return is_waiting_; }
  const std::string& current_query() const { return current_query_; }
  bool is_executing() const { return is_executing_; }
  std::int64_t connected_us() const { return connected_us_; }
  void wake();
  std::int64_t next_deadline_us() const;
  // Looks at the time: true when the session is to be closed.
  bool tick(std::int64_t now_us);
  void note_limits() {
    limit_ms_.store(settings_.ready().statement_timeout, std::memory_order_release);
  }

  // --- statements (execute.cc)
  Expected<std::shared_ptr<Plan>> plan_text(std::string_view text,
                                            std::span<const std::uint32_t> parameter_oids);
  Expected<std::shared_ptr<Plan>> plan_statement(
      std::shared_ptr<const grammar::sql::Statement> statement, std::string_view text,
      std::span<const std::uint32_t> parameter_oids);
  // The plan, or one made anew where the catalog has changed. 0A000 where its rows are other ones now.
  Expected<std::shared_ptr<Plan>> refresh(const std::shared_ptr<Plan>& plan);
  // One attempt. kMustWait: nothing is left of it.
  Expected<Outcome> attempt(Plan& plan, std::span<const compiler::ParameterValue> parameters,
                            PortalImpl& portal, RowSink& sink);
  Expected<compiler::ParameterValue> parameter_value(const Parameter& parameter, vm::Type type,
                                                     Oid oid);

  Expected<Outcome> finish_copy(PortalImpl& portal);
  // With the line in its context, as PostgreSQL has it.
  Error copy_error(const CopyReader& reader, Error error) const;
  // Takes the next number of a sequence, by its qualified name.
  Expected<std::int64_t> next_value(const std::string& sequence);

  // --- for constraints (changer.cc)
  // Shares the key of the parent that a child's row refers to.
  Expected<void> lock_parent(const Table& parent, const TableConstraint& constraint,
                             const Table& child, const RowSet& rows, std::size_t row);
  // Whether an equal row stands in the table.
  bool stands(const Table& table, const RowSet& rows, std::size_t row);
  // What DEFAULT gives for a column that takes from no sequence.
  Expected<compiler::ParameterValue> default_value(const Table& table, std::uint32_t column);

  // 42809 and 0A000 for what has no rows of its own to change.
  Expected<void> check_writable(const Table& table, std::string_view verb);
  // The table's CHECK constraints, ready to run on rows of it.
  Expected<std::vector<std::pair<std::string, std::unique_ptr<QueryRunner>>>> checks_of(
      const Table& table);

  // --- transactions (session_impl.cc)
  Expected<void> begin_statement(const Plan& plan);
  // After a statement outside a block: commits. `failed`: rolls back.
  Expected<std::uint64_t> end_implicit();
  void fail_statement(const Error& error);
  bool in_implicit_block() const { return simple_depth_ > 0; }

 private:
  friend class PortalImpl;
  friend class SimpleQueryImpl;
  friend class Changer;
  friend class Definer;

  void ensure_transaction();
  Expected<std::uint64_t> commit_transaction();
  // Locks the rows that productions changed, and holds their tables' constraints against them.
  Expected<void> admit_firings(const std::vector<rete::StatedChange>& stated);
  void rollback_transaction();
  void finish_transaction(bool committed);
  void undo_to(const StatementMark& mark);
  void drop_temporary_schema();
  Error failed_transaction_error() const;

  // Locks. Empty: granted; kMustWait travels as an error of this code that nobody outside sees.
  Expected<void> lock(const LockName& name, LockMode mode);
  Expected<Outcome> wait_outcome();
  Error deadlock_error() const;

  // Statements without rows to plan (utility.cc).
  Expected<Outcome> run_utility(Plan& plan, PortalImpl& portal, RowSink& sink,
                                std::span<const compiler::ParameterValue> parameters);
  Expected<Outcome> run_begin(const grammar::sql::Begin& begin);
  Expected<Outcome> run_commit(const grammar::sql::Commit& commit);
  Expected<Outcome> run_rollback(const grammar::sql::Rollback& rollback);
  Expected<Outcome> run_savepoint(const grammar::sql::Savepoint& savepoint);
  Expected<Outcome> run_set_transaction(const grammar::sql::SetTransaction& set);
  Expected<Outcome> run_set_constraints(const grammar::sql::SetConstraints& set);
  Expected<void> set_modes(const grammar::sql::TransactionModes& modes);
  Expected<Outcome> run_set(const grammar::sql::Set& set);
  Expected<Outcome> run_show(const grammar::sql::Show& show, RowSink& sink);
  Expected<Outcome> run_discard(const grammar::sql::Discard& discard);
  Expected<Outcome> run_prepare(const grammar::sql::Prepare& prepare, std::string_view text);
  Expected<Outcome> run_execute(const grammar::sql::Execute& execute, std::string_view text,
                                PortalImpl& portal, RowSink& sink);
  Expected<Outcome> run_deallocate(const grammar::sql::Deallocate& deallocate);
  Expected<Outcome> run_declare(const grammar::sql::DeclareCursor& declare, std::string_view text,
                                std::span<const compiler::ParameterValue> parameters);
  Expected<Outcome> run_fetch(const grammar::sql::Fetch& fetch, RowSink& sink);
  Expected<Outcome> run_close(const grammar::sql::CloseCursor& close);
  Expected<std::shared_ptr<Plan>> plan_explained(const grammar::sql::Explain& explain,
                                                 std::string_view text,
                                                 std::span<const std::uint32_t> parameter_oids);
  Expected<Outcome> run_explain(const grammar::sql::Explain& explain, const Plan& utility,
                                std::span<const compiler::ParameterValue> parameters,
                                PortalImpl& portal, RowSink& sink);

  // What a utility gives, for Describe.
  Expected<void> describe_utility(Plan& plan);
  std::string setting_name(const std::string& name) const;  // As SHOW's column is called.

  // Queries and changes (execute.cc).
  Expected<void> lock_read_tables(const Plan& plan);
  Expected<void> lend(Plan& plan);
  void give_up_waiting();
  Expected<Outcome> run_query(Plan& plan, std::span<const compiler::ParameterValue> parameters,
                              PortalImpl& portal, RowSink& sink);
  Expected<void> lock_rows(Plan& plan, compiler::QueryResult& rows);
  Expected<Outcome> run_insert(Plan& plan, std::span<const compiler::ParameterValue> parameters,
                               PortalImpl& portal);
  Expected<Outcome> insert_rows(Plan& plan, const Table& table, RowSet rows,
                                std::span<const compiler::ParameterValue> parameters,
                                PortalImpl& portal);
  Expected<void> insert_on_conflict(Plan& plan, const Table& table, const RowSet& rows,
                                    std::span<const compiler::ParameterValue> parameters,
                                    RowSet& touched, std::uint64_t& count);
  Expected<Outcome> run_update(Plan& plan, std::span<const compiler::ParameterValue> parameters,
                               PortalImpl& portal);
  Expected<Outcome> run_delete(Plan& plan, std::span<const compiler::ParameterValue> parameters,
                               PortalImpl& portal);
  void give_returning(const compiler::QueryResult& source, const compiler::RelationLayout& layout,
                      std::size_t first, const std::vector<bool>& left_out, PortalImpl& portal);
  // `words`: with null flags; the generated columns are filled in.
  Expected<void> append_generated(const Table& table, QueryRunner& generated,
                                  const std::vector<vm::Word>& words, Changer& changer,
                                  RowSet& rows);
  // COPY (copy.cc).
  Expected<Outcome> run_copy(const grammar::sql::Copy& copy, Plan& plan, PortalImpl& portal,
                             RowSink& sink);
  Expected<Outcome> copy_out(const grammar::sql::Copy& copy, Plan& plan, RowSink& sink);

  Expected<PushOutcome> push_once(const PushBatch& batch, bool goes_on);  // push.cc

  // SUBSCRIBE (subscribe.cc).
  Expected<std::uint64_t> version_of(const grammar::sql::Expression& expression,
                                     std::string_view clause, std::string_view text);
  Expected<SubscribedRelation> subscribed_relation(const grammar::sql::Subscribe& subscribe,
                                                   std::string_view text);
  Expected<std::unique_ptr<SubscriptionImpl>> open_subscription(
      const grammar::sql::Subscribe& subscribe, std::string_view text, LockWaiter* waiter);
  Expected<void> describe_subscribe(const grammar::sql::Subscribe& subscribe, Plan& plan);
  Expected<Outcome> run_subscribe(const grammar::sql::Subscribe& subscribe, Plan& plan,
                                  PortalImpl& portal, RowSink& sink);
  Expected<Outcome> run_stream(PortalStream& stream, RowSink& sink, std::uint64_t max_rows);
  Expected<void> declare_subscription(const grammar::sql::Subscribe& subscribe,
                                      std::string_view text, Cursor& cursor);
  Expected<Outcome> fetch_changes(const grammar::sql::Fetch& fetch, Cursor& cursor, RowSink& sink);

  EngineState& state_;
  const std::uint32_t id_;
  SessionOptions options_;
  std::string user_;
  Settings settings_;
  std::unique_ptr<Transaction> transaction_;
  std::vector<Notice> notices_;
  std::map<std::string, NamedStatement, std::less<>> named_statements_;
  std::map<std::string, Cursor, std::less<>> cursors_;
  std::map<Oid, std::int64_t> current_values_;  // currval().
  std::optional<Oid> last_sequence_;
  std::string temporary_schema_;
  std::string current_query_;
  bool is_executing_ = false;
  bool is_waiting_ = false;
  bool waits_for_changes_ = false;        // And not for a lock.
  std::int64_t changes_deadline_us_ = 0;  // Until when; 0: for ever.
  std::optional<Error> wait_error_;       // Why the wait ended badly.
  std::optional<LockName> waits_for_;
  std::int64_t wait_since_us_ = 0, statement_since_us_ = 0, idle_since_us_ = 0;
  std::int64_t idle_told_us_ = -1;  // The idle_since_us_ that tick() has called too long ago.
  std::int64_t connected_us_ = 0;
  std::int64_t deadline_us_ = 0;
  std::shared_ptr<CopyTarget> copy_target_;  // Of the COPY … FROM STDIN that is under way.
  int simple_depth_ = 0;  // In a text of several statements: they share an implicit block.
  std::atomic<bool> cancel_requested_{false};
  std::atomic<bool> is_late_{false};
  std::atomic<std::int64_t> limit_ms_{0};          // statement_timeout, for stop_if_late().
  std::atomic<std::int64_t> running_since_us_{0};  // 0: nothing runs.
};

// The code of an Error by which "must wait" travels inside the engine.
inline constexpr std::string_view kMustWaitState = "EN001";
bool is_must_wait(const Error& error);

Expected<std::vector<std::shared_ptr<const grammar::sql::Statement>>> parse_statements(
    std::string_view text);
// SELECT … INTO t, which defines a table.
bool is_select_into(const grammar::sql::SelectStatement& select);
// What a failed instance of a standing view's rule is to who reads the view.
Error error_of_instance(const rete::ErrorInstance& instance);

}  // namespace entail::engine
