// server/engine/internal/engine_state.h - the engine's parts, and the operations on them that sessions share.
//
//     program, pool, network     the catalog program and what stands
//     catalog                    the committed one
//     head                       who the network's open epoch belongs to
//     locks, transactions        who holds what
//     store, sequences           what lasts
//
// Threads: the engine's, for all but what names others.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/layout.h"
#include "datalog/rule_program.h"
#include "rete/network.h"
#include "server/engine/catalog.h"
#include "server/engine/engine.h"
#include "server/engine/internal/change_feed.h"
#include "server/engine/lock_manager.h"
#include "server/engine/transaction.h"
#include "store/group_flusher.h"
#include "store/versioned_store.h"
#include "vm/base/cancel.h"
#include "vm/base/memory_budget.h"
#include "vm/value_pool.h"

namespace entail::engine {

class SessionImpl;
class Plan;

struct SequenceState {
  std::int64_t last = 0;
  bool is_called = false;
};

// Who the open epoch of the network belongs to.
struct Head {
  TransactionId owner = 0;  // 0: nobody; the network shows the newest commit.
  std::uint64_t change_epoch = 0;
  std::size_t applied = 0;                // Chunks of the owner.
  std::optional<std::uint64_t> snapshot;  // The version that was gone back to.
};

struct EngineState;
// Of an engine, for relations that show it.
EngineState& state_of(Engine& engine);

struct EngineState {
  explicit EngineState(EngineOptions given);
  ~EngineState();

  EngineOptions options;
  ManualClock still_clock;
  const Clock* clock;
  Engine* engine = nullptr;
  MemoryBudget memory;
  CancelToken cancel;

  datalog::RuleProgram program;  // The pool works over its types.
  std::unique_ptr<vm::ValuePool> pool;
  std::unique_ptr<rete::Network> network;
  std::uint64_t objects_epoch = 0;  // Raised when relations became other objects: plans are stale.
  std::shared_ptr<const Catalog> catalog;
  LockManager locks;
  TransactionId next_transaction = 1;
  std::map<TransactionId, Transaction*> transactions;
  std::uint32_t next_session = 1;
  std::map<std::uint32_t, SessionImpl*> sessions;
  std::map<Oid, SequenceState> sequences;
  Head head;
  std::uint64_t version = 0;  // The newest commit's: the store's, or a count of our own.
  ChangeFeeds feeds{*this};
  std::atomic<bool> has_subscriptions{false};  // As of the last deliver().
  std::deque<KeptCommit> kept;
  std::uint64_t kept_rows = 0;
  std::map<std::string, std::string> positions;  // Of sources, where there is no store.
  std::unique_ptr<store::VersionedStore> store;
  std::unique_ptr<store::GroupFlusher> flusher;
  std::uint64_t checkpoint_version = 0;        // Of the newest checkpoint that is known to fit.
  std::uint64_t changes_since_checkpoint = 0;  // Rows, and one for each commit.
  std::uint64_t commits = 0, rows_changed = 0, rows_pushed = 0;  // Since the start.
  std::vector<std::function<void(Metrics&)>> more_metrics;
  std::unordered_map<std::string, std::shared_ptr<Plan>> plans;
  std::atomic<SessionImpl*> executing{nullptr};
  std::mt19937_64
      random;  // Of random() and gen_random_uuid(); seeded by the clock that was handed in.

  std::int64_t now_us() const { return clock->now_us(); }
  // The newest version that outlives a power cut; without a store the newest.
  std::uint64_t durable_version() const {
    return store != nullptr ? store->durable_version() : version;
  }
  // At the start: from the program as it is.
  Expected<void> make_network();
  Expected<void> stratify_program();

  // How far the source was read, by the newest commit that says so; empty: nobody knows it.
  Expected<std::string> position_of(const std::string& source) const;

  // --- head.cc
  // The network shows what the transaction sees; nullptr: the newest commit.
  Expected<void> lend_head(Transaction* transaction);
  // The same for somebody who reads nothing but what rests on these base relations: changes of others stay where they
  // are, whoever's they are, and the transaction's own need not be put in.
  Expected<void> lend_head_for(Transaction& transaction, const std::set<RelationId>& bases);
  // The head at the newest version with the transaction's changes: for commit.
  Expected<void> lend_head_for_commit(Transaction& transaction);
  void take_head_back();  // The network shows the newest commit, whoever had it.
  const vm::StandingRelation& rows_of(RelationId relation) const;
  const compiler::RelationLayout& layout_of(RelationId relation) const;

  // --- commit.cc
  // Makes the transaction's changes a version: 0 where there was nothing to commit. On an error nothing
  // of it is left but its record, for the caller to roll back.
  // Serializable: 40001 where somebody has committed a change of what the transaction read.
  Expected<void> validate(const Transaction& transaction) const;
  // `admit`: asked about what productions changed, before it is committed.
  using AdmitFirings = std::function<Expected<void>(const std::vector<rete::StatedChange>&)>;
  // Of the stream of that name, or of all where it is empty. 42P01, 42809: there is none.
  Expected<ClockTick> clock_tick(std::string_view stream, std::int64_t time_us) const;
  Expected<std::uint64_t> commit(Transaction& transaction, const std::string& user,
                                 const AdmitFirings& admit);
  // Whether all commits since the version are kept: 72000 where they are not.
  Expected<void> require_kept(std::uint64_t snapshot) const;
  void forget_kept_commits();
  std::optional<std::uint64_t> oldest_snapshot() const;

  // --- program.cc: the catalog program and the network change together
  // Of the network that everybody sees.
  rete::NetworkOptions network_options();
  // Relations of which commits report the net changes: those that somebody subscribes to.
  std::set<RelationId> watched_relations() const;
  // Of another one over the program, whose rows somebody looks at.
  rete::NetworkOptions side_network_options();
  using ProgramEdit = std::function<Expected<void>(datalog::RuleProgram&)>;
  Expected<void> change_program(const ProgramEdit& edit,
                                const grammar::SourceFiles* files = nullptr);
  Expected<RelationId> add_table_relation(const Table& table);
  // The base relations that a relation is derived from, itself if it has stated rows.
  void add_base_relations(RelationId relation, std::set<RelationId>& out) const;
  // Relations that no catalog names any more are let go.
  void drop_unnamed_relations();
  // Sessions whose locks were granted are told.
  void wake(const std::vector<TransactionId>& woken);

 private:
  // The transaction's net changes are the first step, productions fire in further ones (first_step.cc).
  bool has_arrivals(const Transaction& transaction) const;
  Expected<void> fire_productions(Transaction& transaction, class FirstStep& first,
                                  const AdmitFirings& admit);
  Expected<void> apply_chunks(const Transaction& transaction, std::size_t first);
  Expected<void> go_back_to(std::uint64_t snapshot);
};

// What a table is in the catalog program; program.cc.
datalog::Relation relation_of(const Table& table, const Catalog& catalog);

}  // namespace entail::engine
