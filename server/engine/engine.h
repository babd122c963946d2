// server/engine/engine.h - a database in three lines: catalog, sessions, transactions, the commit loop.
//
//     auto engine = Engine::open({.directory = "data"});
//     auto session = (*engine)->connect({.user = "ann"});
//     auto answer = (*session)->query("SELECT count(*) FROM orders");
//
// What it is. A deterministic state machine over a log of causes: it takes statements, changes one standing
// network (rete/network.h), writes each commit as one batch to the store, and gives answers. It does no I/O
// of its own but through the store, reads no clock but the one handed in, and makes no thread.
//
// The head is lent. All statements run one after the other on the engine's thread and read the network as it
// stands. An open transaction's own writes are seen by bringing the network into its state before each of
// its statements: another transaction's uncommitted epoch is taken back (its changes stay recorded with
// that transaction), then the changes of this one are put in, through views and rules. See transaction.h.
//
// Durability. A commit is applied and visible at once; what the client is told waits until its version is
// durable. wait_durable() blocks, when_durable() calls back; the store decides how many commits share a sync.
//
// Restart. The newest checkpoint of derived state and the log behind it; without one that fits, the stored rows,
// and everything is derived from them (internal/checkpoint.h).
//
// Errors: SQL's have `Error::sql`. A full disk: 53100, and the engine takes no more changes until there is
// room.
//
// Threads: one, the engine's, for all that is not marked. when_durable() calls back on any thread.
// Read next: session.h, result.h, subscription.h, catalog.h, transaction.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/engine/metrics.h"
#include "server/engine/session.h"
#include "store/log_record.h"
#include "vm/base/clock.h"
#include "vm/base/expected.h"
#include "vm/base/kv.h"

namespace entail::engine {

enum class Durability : std::uint8_t { kGroup, kSync, kAsync };

struct EngineLimits {
  std::uint64_t memory_bytes =
      ~std::uint64_t{0};                        // Of rows, indexes and running statements together.
  std::uint64_t firings = 100'000;              // Of productions in a transaction, in a row.
  std::uint64_t snapshot_changes = 10'000'000;  // Rows kept for older snapshots, then 72000.
  std::uint64_t subscription_bytes = std::uint64_t{64} << 20U;  // Of changes kept for subscribers.
  std::uint32_t sessions = 10'000;
  // Rows and commits that change before derived state is checkpointed anew; more where there are more rows.
  std::uint64_t checkpoint_changes = 100'000;
};

struct EngineOptions {
  std::string directory;         // Empty: nothing outlives the engine, unless `open_kv` is given.
  KvOpener open_kv;              // Instead of a directory: tests, simulations.
  const Clock* clock = nullptr;  // nullptr: one that stands at 0.
  Durability durability = Durability::kGroup;
  EngineLimits limits;
  // Catalog entries that count as changed already at the start: a replay makes the commit that changes them
  // (internal/replay.h). Read by open() only.
  const std::vector<store::CatalogChange>* catalog_overlay = nullptr;
  // Told, on the engine's thread, what whoever runs it should know and no client asked for: why a start takes
  // longer than it could. A clause without an end.
  std::function<void(const std::string&)> notice;
  // Told, on any thread, that more has become durable while somebody subscribes: call deliver() soon.
  std::function<void()> on_durable;
};

// What check() or replay_check() found wrong; empty: nothing.
struct CheckReport {
  std::vector<std::string> problems;
  std::uint64_t relations = 0, rows = 0, records = 0;
};

class Engine {
 public:
  static Expected<std::unique_ptr<Engine>> open(EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // 28000 for a user that does not exist, where users do; 53300 above the limit.
  Expected<std::unique_ptr<Session>> connect(SessionOptions options);

  // --- durability
  std::uint64_t version() const;  // The newest committed one.
  // Any thread. Fails with kIo when the version can never become durable.
  Expected<void> wait_durable(std::uint64_t version);
  // The engine's thread. Calls back once, on any thread, when it is durable (or cannot become so). With a thread in
  // run_flusher() it returns at once, and many commits share a sync, which flush() begins; without one it syncs
  // itself.
  void when_durable(std::uint64_t version, std::function<void(Expected<void>)> done);
  // The engine's thread, after each batch of statements: what was committed shall be durable now. Where the disk is
  // quick this waits for it, and calls back; else the flusher's thread does.
  void flush();

  // The engine's thread, after each batch of statements and when on_durable() was called: wakes the subscriptions
  // that have something to read (subscription.h).
  void deliver();

  // On a thread of the server's: makes commits durable in groups, until stop_flusher().
  void run_flusher();
  void stop_flusher();  // Any thread.

  // --- time: wakes what waited too long and ends what was idle too long. Ids of sessions to close.
  std::vector<std::uint32_t> tick();
  std::int64_t next_deadline_us() const;  // 0: nothing waits for a time.

  // It is so late by the clock of a stream of deployed rules, or of all ("") whether rows come or not: what is
  // due then happens, as a version whose cause is a tick. The version, or 0 where nothing moved. The engine's
  // thread. 42P01, 42809: there is no such stream.
  Expected<std::uint64_t> tick_clocks(std::string_view stream, std::int64_t time_us);

  // --- users, for the wire's authentication
  bool has_users() const;
  // The stored SCRAM verifier ("SCRAM-SHA-256$…"), empty: the user may not log in by password.
  Expected<std::string> scram_verifier(std::string_view user) const;

  // --- figures (metrics.h)
  Metrics metrics();
  // Asked too, from now on. What it refers to outlives the engine.
  void add_metrics(std::function<void(Metrics&)> more);

  // --- upkeep
  Expected<CheckReport> check();         // Recomputes derived state and compares.
  Expected<CheckReport> replay_check();  // The log's records are those that their causes lead to.
  Expected<void> checkpoint();  // Derived state, for a quick restart; also made by a clean close.
  Expected<void> backup(const std::string& directory);

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace entail::engine
