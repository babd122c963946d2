// What a statement does: one attempt, and queries, INSERT, UPDATE, DELETE, COPY.
#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "server/engine/internal/changer.h"
#include "server/engine/internal/constraints.h"
#include "server/engine/internal/portal_impl.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

namespace sql = grammar::sql;
using compiler::ParameterValue;
using vm::Row;
using vm::Word;

namespace {

bool is_transaction_control(const Plan& plan) {
  const sql::Statement* const statement = plan.statement.get();
  return statement != nullptr &&
         (statement->as<sql::Begin>() != nullptr || statement->as<sql::Commit>() != nullptr ||
          statement->as<sql::Rollback>() != nullptr || statement->as<sql::Savepoint>() != nullptr ||
          statement->as<sql::SetTransaction>() != nullptr || statement->as<sql::Set>() != nullptr ||
          statement->as<sql::Show>() != nullptr);
}

Expected<void> refuse_read_only(const Transaction& transaction, std::string_view command) {
  if (!transaction.read_only) return {};
  return sql_error("25006",
                   "cannot execute " + std::string(command) + " in a read-only transaction");
}

}  // namespace

Expected<Outcome> SessionImpl::attempt(Plan& plan, std::span<const ParameterValue> parameters,
                                       PortalImpl& portal, RowSink& sink) {
  if (!is_waiting_) {
    cancel_requested_.store(false, std::memory_order_release);
    statement_since_us_ = state_.now_us();
    current_query_ = plan.text;
  }
  Outcome outcome;
  if (plan.kind == PlanKind::kEmpty) return outcome;
  const bool was_waiting = is_waiting_;
  is_waiting_ = waits_for_changes_ = false;
  changes_deadline_us_ = deadline_us_ = 0;
  if (was_waiting && wait_error_) {
    Error error = *std::exchange(wait_error_, std::nullopt);
    give_up_waiting();
    fail_statement(error);
    return unexpected(std::move(error));
  }
  if (auto begun = begin_statement(plan); !begun) return unexpected(std::move(begun).error());
  StatementMark mark{transaction_->changes.size(), transaction_->catalog};
  const TransactionId transaction_id = transaction_->id;
  if (!is_transaction_control(plan)) {
    transaction_->began_work = true;
    if (transaction_->isolation != Isolation::kReadCommitted && !transaction_->snapshot) {
      transaction_->snapshot = state_.version;
    }
  }
  state_.cancel.reset();
  is_late_.store(false, std::memory_order_release);
  running_since_us_.store(statement_since_us_, std::memory_order_release);
  state_.executing.store(this, std::memory_order_release);
  // Who cancelled before that was seen by nobody else.
  if (cancel_requested_.load(std::memory_order_acquire)) state_.cancel.cancel();
  is_executing_ = true;
  const auto run = [&]() -> Expected<Outcome> {
    switch (plan.kind) {
      case PlanKind::kQuery:
        return run_query(plan, parameters, portal, sink);
      case PlanKind::kInsert:
        return run_insert(plan, parameters, portal);
      case PlanKind::kUpdate:
        return run_update(plan, parameters, portal);
      case PlanKind::kDelete:
        return run_delete(plan, parameters, portal);
      default:
        return run_utility(plan, portal, sink, parameters);
    }
  };
  auto result = run();
  if (result && transaction_ != nullptr && transaction_->id == transaction_id &&
      !transaction_->changes.empty() && !is_transaction_control(plan)) {
    // Who has written, and read what is not so any more, cannot commit: the sooner it knows the better.
    if (auto valid = state_.validate(*transaction_); !valid) {
      result = unexpected(std::move(valid).error());
    }
  }
  is_executing_ = false;
  idle_since_us_ = state_.now_us();
  state_.executing.store(nullptr, std::memory_order_release);
  running_since_us_.store(0, std::memory_order_release);
  note_limits();
  if (!result) {
    const bool must_wait = is_must_wait(result.error());
    // COMMIT and ROLLBACK have ended the transaction, whatever came of them.
    if (transaction_ != nullptr && transaction_->id == transaction_id) undo_to(mark);
    if (must_wait) return wait_outcome();
    give_up_waiting();
    Error error = with_sqlstate(std::move(result).error());
    if (error.sqlstate() == "57014" && error.code == ErrorCode::kCancelled) {
      const bool by_user = !is_late_.load(std::memory_order_acquire);
      error = make_sql_error("57014", by_user ? "canceling statement due to user request"
                                              : "canceling statement due to statement timeout");
    }
    if (transaction_ != nullptr && transaction_->id == transaction_id) fail_statement(error);
    return unexpected(std::move(error));
  }
  give_up_waiting();
  return result;
}

// A request for a lock that the statement did not come to any more.
void SessionImpl::give_up_waiting() {
  is_waiting_ = false;
  deadline_us_ = 0;
  if (!waits_for_ || transaction_ == nullptr) return;
  std::vector<TransactionId> woken;
  state_.locks.stop_waiting(transaction_->id, woken);
  waits_for_.reset();
  state_.wake(woken);
}

// Who reads in a block keeps ACCESS EXCLUSIVE out until its end; who does not, waits for it only.
Expected<void> SessionImpl::lock_read_tables(const Plan& plan) {
  for (const RelationId relation : plan.reads) {
    const Table* const table = catalog().table_of(relation);
    if (table == nullptr) continue;
    LockName name;
    name.table = table->oid;
    if (!transaction_->is_block &&
        state_.locks.available(transaction_->id, name, LockMode::kTableAccessShare)) {
      continue;
    }
    if (auto locked = lock(name, LockMode::kTableAccessShare); !locked) return locked;
  }
  return {};
}

namespace {

// What a statement may look at, by way of its queries or of the keys that it checks.
std::optional<std::set<RelationId>> bases_of(const EngineState& state, const Catalog& catalog,
                                             const Plan& plan) {
  std::vector<const QueryRunner*> runners{plan.query.get()};
  Oid target = 0;
  if (plan.insert != nullptr) {
    const InsertPlan& insert = *plan.insert;
    runners.insert(runners.end(), {insert.source.get(), insert.generated.get(),
                                   insert.conflict_update.get(), insert.returning.get()});
    target = insert.lowered.table->oid;
  }
  if (plan.update != nullptr) {
    runners.push_back(plan.update->source.get());
    target = plan.update->lowered.table->oid;
  }
  if (plan.remove != nullptr) {
    runners.push_back(plan.remove->source.get());
    target = plan.remove->lowered.table->oid;
  }
  for (const auto& [name, runner] : plan.checks) runners.push_back(runner.get());
  for (const QueryRunner* const runner : runners) {
    if (runner == nullptr) continue;
    for (const sql2datalog::GivenRelation& given : runner->lowered().given) {
      // Listings of the system say something of anything.
      if (given.kind != sql2datalog::GivenKind::kInput) return std::nullopt;
    }
  }
  std::set<RelationId> bases;
  for (const RelationId relation : plan.reads) state.add_base_relations(relation, bases);
  if (target != 0) {
    const Table* const table = catalog.table(target);
    if (table == nullptr) return std::nullopt;
    state.add_base_relations(table->relation, bases);
  }
  return bases;
}

}  // namespace

Expected<void> SessionImpl::lend(Plan& plan) {
  if (auto locked = lock_read_tables(plan); !locked) return locked;
  if (!plan.has_bases) {
    plan.bases = bases_of(state_, catalog(), plan);
    plan.has_bases = true;
  }
  auto lent = plan.bases ? state_.lend_head_for(*transaction_, *plan.bases)
                         : state_.lend_head(transaction_.get());
  if (!lent) return unexpected(with_sqlstate(std::move(lent).error()));
  // A standing view whose rules failed for some row answers with the error, as evaluating it would.
  for (const RelationId relation : plan.reads) {
    if (!state_.network->has_errors(relation)) continue;
    const std::vector<rete::ErrorInstance> errors = state_.network->errors(relation);
    if (!errors.empty()) return unexpected(error_of_instance(errors.front()));
  }
  return {};
}

Expected<Outcome> SessionImpl::run_query(Plan& plan, std::span<const ParameterValue> parameters,
                                         PortalImpl& portal, RowSink& /*sink*/) {
  if (auto lent = lend(plan); !lent) return unexpected(std::move(lent).error());
  if (auto run = plan.query->run(*this, parameters, {}, portal.rows); !run) {
    return unexpected(std::move(run).error());
  }
  if (!plan.query->lowered().locking.empty()) {
    if (auto done = refuse_read_only(*transaction_, "SELECT FOR UPDATE"); !done) {
      return unexpected(std::move(done).error());
    }
    if (auto locked = lock_rows(plan, portal.rows); !locked) {
      return unexpected(std::move(locked).error());
    }
  }
  portal.shape = plan.shape;
  portal.has_rows = true;
  portal.tag_word = "SELECT";
  return Outcome{};
}

// FOR UPDATE and its kin: the locked rows are behind the answer's columns. Rows are locked in the order of the
// answer; where those that are locked already are skipped, as many as the LIMIT asks for.
Expected<void> SessionImpl::lock_rows(Plan& plan, compiler::QueryResult& rows) {
  const compiler::RelationLayout& layout = plan.query->layout();
  const sql2datalog::LoweredQuery& lowered = plan.query->lowered();
  struct Locked {
    const sql2datalog::LockingRequest* request;
    const Table* table;
    LockMode mode;
    std::unique_ptr<Changer> changer;
  };
  std::vector<Locked> tables;
  for (const sql2datalog::LockingRequest& request : lowered.locking) {
    const Table* const table = catalog().table(request.table->oid);
    if (table == nullptr) continue;
    const LockMode mode = request.strength == sql::LockStrength::kUpdate ? LockMode::kUpdate
                          : request.strength == sql::LockStrength::kNoKeyUpdate
                              ? LockMode::kNoKeyUpdate
                          : request.strength == sql::LockStrength::kShare ? LockMode::kShare
                                                                          : LockMode::kKeyShare;
    LockName table_name;
    table_name.table = table->oid;
    if (auto locked = lock(table_name, LockMode::kTableRowShare); !locked) return locked;
    tables.push_back({&request, table, mode, std::make_unique<Changer>(*this, *table)});
  }
  // Whether row i was locked: false where it is to be skipped.
  const auto lock_one = [&](std::size_t i) -> Expected<bool> {
    for (const Locked& wanted : tables) {
      bool all_null = true;
      for (std::size_t c = 0; c < wanted.table->columns.size(); ++c) {
        const compiler::ColumnLayout& column = layout.columns[wanted.request->first_column + c];
        all_null &= column.nullable && rows.word(i, column.null_word()) != 0;
      }
      if (all_null) continue;
      RowSet row = wanted.changer->make_rows();
      if (auto made = wanted.changer->append_from_answer(rows, layout, i,
                                                         wanted.request->first_column, row);
          !made) {
        return unexpected(std::move(made).error());
      }
      if (wanted.request->wait != sql::LockWait::kBlock &&
          !state_.locks.available(transaction_->id, wanted.changer->row_lock_name(row, 0),
                                  wanted.mode)) {
        if (wanted.request->wait == sql::LockWait::kSkipLocked) return false;
        return sql_error("55P03",
                         "could not obtain lock on row in relation \"" + wanted.table->name + "\"");
      }
      if (auto locked = wanted.changer->lock_row(row, 0, wanted.mode); !locked) {
        return unexpected(std::move(locked).error());
      }
    }
    return true;
  };
  const auto bound = [&](std::optional<std::uint32_t> column, std::int64_t none) {
    if (!column || rows.row_count() == 0) return none;
    const compiler::ColumnLayout& place = layout.columns[*column];
    if (place.nullable && rows.word(0, place.null_word()) != 0) return none;
    return vm::int_of(rows.word(0, place.first_word));
  };
  const std::int64_t offset = bound(lowered.offset_column, 0);
  const std::int64_t limit = bound(lowered.limit_column, std::numeric_limits<std::int64_t>::max());
  if (limit < 0) return sql_error("2201W", "LIMIT must not be negative");
  if (offset < 0) return sql_error("2201X", "OFFSET must not be negative");
  std::vector<bool> skipped(rows.row_count(), false);
  bool any_skipped = false;
  std::int64_t locked_rows = 0;
  for (std::size_t i = 0; i < rows.row_count(); ++i) {
    bool is_locked = false;
    if (locked_rows - limit < offset) {
      auto locked = lock_one(i);
      if (!locked) return unexpected(std::move(locked).error());
      is_locked = *locked;
    }
    if (is_locked) ++locked_rows;
    skipped[i] = !is_locked || locked_rows <= offset;
    any_skipped |= skipped[i];
  }
  if (!any_skipped) return {};
  compiler::QueryResult kept;
  kept.begin(layout, *state_.pool, &state_.memory);
  std::vector<Word> words(layout.words.size());
  std::vector<const Word*> arrays;
  for (const Word& word : words) arrays.push_back(&word);
  for (std::size_t i = 0; i < rows.row_count(); ++i) {
    if (skipped[i]) continue;
    for (std::size_t c = 0; c < words.size(); ++c) words[c] = rows.word(i, c);
    if (auto taken = kept.take({arrays, 1}); !taken) return unexpected(taken.error());
  }
  rows = std::move(kept);
  return {};
}

// ---------------------------------------------------------------------------------------------------
// INSERT

Expected<Outcome> SessionImpl::run_insert(Plan& plan, std::span<const ParameterValue> parameters,
                                          PortalImpl& portal) {
  if (auto done = refuse_read_only(*transaction_, "INSERT"); !done) {
    return unexpected(std::move(done).error());
  }
  InsertPlan& insert = *plan.insert;
  const Table* const table = catalog().table(insert.lowered.table->oid);
  if (table == nullptr) {
    return sql_error("42809", "cannot insert into \"" + insert.lowered.table->name + "\"");
  }
  if (auto writable = check_writable(*table, "insert into"); !writable) {
    return unexpected(std::move(writable).error());
  }
  if (auto lent = lend(plan); !lent) return unexpected(std::move(lent).error());
  compiler::QueryResult source;
  if (auto run = insert.source->run(*this, parameters, {}, source); !run) {
    return unexpected(std::move(run).error());
  }
  Changer changer(*this, *table);
  RowSet rows = changer.make_rows();
  const compiler::RelationLayout& layout = insert.source->layout();
  std::vector<Word> words;
  for (std::size_t i = 0; i < source.row_count(); ++i) {
    words.clear();
    for (std::size_t c = 0; c < table->columns.size(); ++c) {
      const sql2datalog::InsertColumn& from = insert.lowered.columns_from[c];
      const std::uint32_t width = vm::value_words(table->columns[c].type);
      switch (from.origin) {
        case sql2datalog::ValueOrigin::kSource: {
          const compiler::ColumnLayout& column = layout.columns[from.source];
          const bool is_null = column.nullable && source.word(i, column.null_word()) != 0;
          for (std::uint32_t w = 0; w < width; ++w) {
            words.push_back(is_null ? 0 : source.word(i, column.first_word + w));
          }
          words.push_back(is_null ? 1 : 0);
          break;
        }
        case sql2datalog::ValueOrigin::kSequence: {
          auto value = next_value(from.sequence);
          if (!value) return unexpected(std::move(value).error());
          words.push_back(vm::int_word(*value));
          words.push_back(0);
          break;
        }
        case sql2datalog::ValueOrigin::kNull:
          words.insert(words.end(), width, 0);
          words.push_back(1);
          break;
      }
    }
    if (insert.generated == nullptr) {
      if (auto made = changer.append_row(words, rows); !made) return unexpected(made.error());
      continue;
    }
    if (auto made = append_generated(*table, *insert.generated, words, changer, rows); !made) {
      return unexpected(std::move(made).error());
    }
  }
  return insert_rows(plan, *table, std::move(rows), parameters, portal);
}

Expected<Outcome> SessionImpl::insert_rows(Plan& plan, const Table& table, RowSet rows,
                                           std::span<const compiler::ParameterValue> parameters,
                                           PortalImpl& portal) {
  InsertPlan& insert = *plan.insert;
  Changer changer(*this, table);
  if (auto held = changer.check(plan.checks, rows); !held) return unexpected(held.error());
  RowSet touched = changer.make_rows();  // For RETURNING.
  std::uint64_t count = rows.size();
  if (insert.lowered.on_conflict == sql2datalog::ConflictAction::kNone) {
    if (insert.returning != nullptr) {
      for (std::size_t i = 0; i < rows.size(); ++i) touched.append(rows, i);
    }
    if (auto done = changer.change(changer.make_rows(), std::move(rows), false); !done) {
      return unexpected(std::move(done).error());
    }
  } else {
    auto done = insert_on_conflict(plan, table, rows, parameters, touched, count);
    if (!done) return unexpected(std::move(done).error());
  }
  if (insert.returning != nullptr) {
    const InputRows input{{touched.batch(), &changer.layout()}};
    if (auto run = insert.returning->run(*this, parameters, input, portal.rows); !run) {
      return unexpected(std::move(run).error());
    }
    portal.shape = plan.shape;
    portal.has_rows = true;
  }
  Outcome outcome;
  outcome.rows = count;
  outcome.tag = "INSERT 0 " + std::to_string(count);
  return outcome;
}

Expected<void> SessionImpl::insert_on_conflict(Plan& plan, const Table& table, const RowSet& rows,
                                               std::span<const compiler::ParameterValue> parameters,
                                               RowSet& touched, std::uint64_t& count) {
  InsertPlan& insert = *plan.insert;
  Changer changer(*this, table);
  const KeyEncoder encoder(changer.layout(), *state_.pool);
  // The keys that are meant, as indexes.
  std::vector<const TableIndex*> indexes;
  for (const std::uint32_t position : insert.lowered.conflict_keys) {
    const sql2datalog::KeyDescription& key = insert.lowered.table->keys[position];
    for (const TableIndex& index : table.indexes) {
      if (index.name == key.name) indexes.push_back(&index);
    }
  }
  RowSet inserted = changer.make_rows();
  RowSet existing = changer.make_rows(), proposed = changer.make_rows();
  std::unordered_set<std::string> own, updated;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (auto locked = changer.lock_keys(rows, i); !locked) return locked;
    bool conflicts = false, with_own = false;
    std::vector<Row> found;
    for (const TableIndex* const index : indexes) {
      std::string key = std::to_string(index->oid) + ":";
      if (!encoder.encode(rows, i, index->columns, key)) continue;
      with_own |= own.count(key) != 0;
      found.clear();
      if (auto done = changer.find_conflicts(*index, rows, i, found); !done) return done;
      conflicts |= !found.empty();
      if (conflicts || with_own) break;
    }
    if (with_own && insert.lowered.on_conflict == sql2datalog::ConflictAction::kUpdate) {
      return sql_error("21000", "ON CONFLICT DO UPDATE command cannot affect row a second time",
                       {.hint = "Ensure that no rows proposed for insertion within the same "
                                "command have duplicate constrained values."});
    }
    if (!conflicts && !with_own) {
      for (const TableIndex* const index : indexes) {
        std::string key = std::to_string(index->oid) + ":";
        if (encoder.encode(rows, i, index->columns, key)) own.insert(std::move(key));
      }
      inserted.append(rows, i);
      touched.append(rows, i);
      continue;
    }
    if (insert.lowered.on_conflict == sql2datalog::ConflictAction::kNothing) continue;
    RowSet standing = changer.make_rows();
    append_standing_row(state_.rows_of(table.relation), found.front(), standing);
    std::string key;
    encoder.encode_row(standing, 0, key);
    if (!updated.insert(std::move(key)).second) {
      return sql_error("21000", "ON CONFLICT DO UPDATE command cannot affect row a second time",
                       {.hint = "Ensure that no rows proposed for insertion within the same "
                                "command have duplicate constrained values."});
    }
    if (auto locked = changer.lock_row(standing, 0, LockMode::kUpdate); !locked) return locked;
    existing.append(standing, 0);
    proposed.append(rows, i);
  }
  count = inserted.size();
  RowSet old_rows = changer.make_rows(), new_rows = changer.make_rows();
  if (!existing.empty()) {
    const InputRows input{{existing.batch(), &changer.layout()},
                          {proposed.batch(), &changer.layout()}};
    compiler::QueryResult answer;
    auto run = insert.conflict_update->run(*this, parameters, input, answer);
    if (!run) return run;
    const compiler::RelationLayout& layout = insert.conflict_update->layout();
    for (std::size_t i = 0; i < answer.row_count(); ++i) {
      if (auto made = changer.append_from_answer(answer, layout, i, 0, old_rows); !made) {
        return made;
      }
      auto made = changer.append_from_answer(answer, layout, i, table.columns.size(), new_rows);
      if (!made) return made;
      touched.append(new_rows, new_rows.size() - 1);
    }
    count += new_rows.size();
    if (auto held = changer.check(plan.checks, new_rows); !held) return held;
  }
  if (!inserted.empty()) {
    if (auto done = changer.change(changer.make_rows(), std::move(inserted), false); !done) {
      return done;
    }
  }
  if (!old_rows.empty()) {
    // The rows inserted before are seen by the check of keys.
    if (auto lent = state_.lend_head(transaction_.get()); !lent) return lent;
    return changer.change(std::move(old_rows), std::move(new_rows), true);
  }
  return {};
}

// ---------------------------------------------------------------------------------------------------
// UPDATE and DELETE

namespace {

// An old row that comes several times is meant as often as it stands.
class Repetition {
 public:
  Repetition(SessionImpl& session, const Table& table, const Changer& changer)
      : session_(session), table_(table), encoder_(changer.layout(), *session.state().pool) {}

  bool is_new(const RowSet& rows, std::size_t row) {
    std::string key;
    encoder_.encode_row(rows, row, key);
    const std::size_t seen = ++seen_[key];
    if (seen == 1) return true;
    if (!table_.primary_key.empty()) return false;
    const vm::StandingRelation& standing = session_.state().rows_of(table_.relation);
    std::vector<Word> words;
    rows.copy_row(row, words);
    std::vector<const Word*> arrays;
    for (const Word& word : words) arrays.push_back(&word);
    std::vector<Row> equal;
    std::vector<std::uint32_t> lanes;
    standing.probe(0, vm::View::kTotal, arrays, 1, equal, lanes);
    return seen <= equal.size();
  }

 private:
  SessionImpl& session_;
  const Table& table_;
  KeyEncoder encoder_;
  std::unordered_map<std::string, std::size_t> seen_;
};

}  // namespace

Expected<Outcome> SessionImpl::run_update(Plan& plan, std::span<const ParameterValue> parameters,
                                          PortalImpl& portal) {
  if (auto done = refuse_read_only(*transaction_, "UPDATE"); !done) {
    return unexpected(std::move(done).error());
  }
  UpdatePlan& update = *plan.update;
  const Table* const table = catalog().table(update.lowered.table->oid);
  if (table == nullptr) {
    return sql_error("42809", "cannot update \"" + update.lowered.table->name + "\"");
  }
  if (auto writable = check_writable(*table, "update"); !writable) {
    return unexpected(std::move(writable).error());
  }
  if (auto lent = lend(plan); !lent) return unexpected(std::move(lent).error());
  compiler::QueryResult source;
  if (auto run = update.source->run(*this, parameters, {}, source); !run) {
    return unexpected(std::move(run).error());
  }
  Changer changer(*this, *table);
  RowSet old_rows = changer.make_rows(), new_rows = changer.make_rows();
  const compiler::RelationLayout& layout = update.source->layout();
  const std::size_t columns = table->columns.size();
  Repetition repetition(*this, *table, changer);
  std::vector<bool> left_out(source.row_count(), false);
  for (std::size_t i = 0; i < source.row_count(); ++i) {
    if (auto made = changer.append_from_answer(source, layout, i, 0, old_rows); !made) {
      return unexpected(made.error());
    }
    if (update.may_repeat && !repetition.is_new(old_rows, old_rows.size() - 1)) {
      old_rows.truncate(old_rows.size() - 1);
      left_out[i] = true;
      continue;
    }
    if (auto made = changer.append_from_answer(source, layout, i, columns, new_rows); !made) {
      return unexpected(made.error());
    }
    for (std::size_t c = 0; c < columns; ++c) {
      const sql2datalog::InsertColumn& from = update.lowered.columns_from[c];
      if (from.origin != sql2datalog::ValueOrigin::kSequence) continue;
      auto value = next_value(from.sequence);
      if (!value) return unexpected(std::move(value).error());
      new_rows.set_word(new_rows.size() - 1, changer.layout().columns[c].first_word,
                        vm::int_word(*value));
    }
  }
  if (auto held = changer.check(plan.checks, new_rows); !held) return unexpected(held.error());
  Outcome outcome;
  outcome.rows = new_rows.size();
  outcome.tag = "UPDATE " + std::to_string(new_rows.size());
  auto done =
      changer.change(std::move(old_rows), std::move(new_rows), true, update.lowered.assigned);
  if (!done) return unexpected(std::move(done).error());
  if (update.lowered.has_returning) {
    give_returning(source, layout, 2 * columns, left_out, portal);
    portal.shape = plan.shape;
  }
  return outcome;
}

Expected<Outcome> SessionImpl::run_delete(Plan& plan, std::span<const ParameterValue> parameters,
                                          PortalImpl& portal) {
  if (auto done = refuse_read_only(*transaction_, "DELETE"); !done) {
    return unexpected(std::move(done).error());
  }
  DeletePlan& remove = *plan.remove;
  const Table* const table = catalog().table(remove.lowered.table->oid);
  if (table == nullptr) {
    return sql_error("42809", "cannot delete from \"" + remove.lowered.table->name + "\"");
  }
  if (auto writable = check_writable(*table, "delete from"); !writable) {
    return unexpected(std::move(writable).error());
  }
  if (auto lent = lend(plan); !lent) return unexpected(std::move(lent).error());
  compiler::QueryResult source;
  if (auto run = remove.source->run(*this, parameters, {}, source); !run) {
    return unexpected(std::move(run).error());
  }
  Changer changer(*this, *table);
  RowSet old_rows = changer.make_rows();
  const compiler::RelationLayout& layout = remove.source->layout();
  Repetition repetition(*this, *table, changer);
  std::vector<bool> left_out(source.row_count(), false);
  for (std::size_t i = 0; i < source.row_count(); ++i) {
    if (auto made = changer.append_from_answer(source, layout, i, 0, old_rows); !made) {
      return unexpected(made.error());
    }
    if (remove.may_repeat && !repetition.is_new(old_rows, old_rows.size() - 1)) {
      old_rows.truncate(old_rows.size() - 1);
      left_out[i] = true;
    }
  }
  Outcome outcome;
  outcome.rows = old_rows.size();
  outcome.tag = "DELETE " + std::to_string(old_rows.size());
  if (auto done = changer.change(std::move(old_rows), changer.make_rows(), false); !done) {
    return unexpected(std::move(done).error());
  }
  if (remove.lowered.has_returning) {
    give_returning(source, layout, table->columns.size(), left_out, portal);
    portal.shape = plan.shape;
  }
  return outcome;
}

// The answer's columns from `first` on are RETURNING's.
void SessionImpl::give_returning(const compiler::QueryResult& source,
                                 const compiler::RelationLayout& layout, std::size_t first,
                                 const std::vector<bool>& left_out, PortalImpl& portal) {
  compiler::RelationLayout returned;
  std::uint32_t first_word = 0;
  if (first < layout.columns.size()) first_word = layout.columns[first].first_word;
  for (std::size_t c = first; c < layout.columns.size(); ++c) {
    compiler::ColumnLayout column = layout.columns[c];
    column.first_word -= first_word;
    returned.columns.push_back(column);
  }
  returned.words.assign(layout.words.begin() + first_word, layout.words.end());
  portal.rows.begin(returned, *state_.pool, &state_.memory);
  std::vector<std::vector<Word>> columns(returned.words.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < source.row_count(); ++i) {
    if (left_out[i]) continue;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      columns[c].push_back(source.word(i, first_word + c));
    }
    ++n;
  }
  std::vector<const Word*> arrays;
  for (const std::vector<Word>& column : columns) arrays.push_back(column.data());
  auto taken = portal.rows.take({arrays, n});
  ENTAIL_ENSURE(taken.has_value());
  portal.has_rows = true;
}

Expected<void> SessionImpl::check_writable(const Table& table, std::string_view verb) {
  switch (table.kind) {
    case TableKind::kTable:
      return {};
    case TableKind::kRules:
      if (table.writable) return {};
      return sql_error("42809", "cannot " + std::string(verb) + " \"" + table.name +
                                    "\": its rows are derived by rules");
    case TableKind::kView:
      return sql_error("0A000", "cannot " + std::string(verb) + " view \"" + table.name +
                                    "\": updatable views are not supported yet");
    case TableKind::kMaterializedView:
      return sql_error("42809", "cannot change materialized view \"" + table.name + "\"");
  }
  return {};
}

}  // namespace entail::engine
