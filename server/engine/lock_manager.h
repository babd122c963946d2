// server/engine/lock_manager.h - who may change what: locks on tables, rows and keys, queues, deadlocks.
//
// A lock is on a name: a table, or a key of an index of it as bytes. Transactions hold locks until they end
// (or to a savepoint that they go back to). Nothing here blocks: a request that cannot be granted joins the
// queue of its lock and the transaction is told to wait; release() says who can go on.
//
//     row modes                 held: KeyShare  Share  NoKeyUpdate  Update
//       KeyShare       waits for                                      x
//       Share                                          x              x
//       NoKeyUpdate                            x       x              x
//       Update                         x       x       x              x
//
//     table modes: PostgreSQL's eight, with its conflicts. A plain read in a transaction block takes
//     AccessShare, so that LOCK TABLE … IN ACCESS EXCLUSIVE MODE keeps readers out; nothing else does.
//
// Fairness: a request waits behind waiting requests that it conflicts with, unless its transaction holds the
// lock already in some mode.
//
// Deadlocks: when a request begins to wait, the graph "waits for" is searched for a cycle through it. Where
// somebody on it waits only because another request stands before its own, the two change places, the
// requester's last; else the one who closes the cycle is refused (40P01), at once.
//
// Threads: one, the engine's. Cost: a hash look-up a lock.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vm/base/expected.h"

namespace entail::engine {

using TransactionId = std::uint64_t;

enum class LockMode : std::uint8_t {
  kKeyShare,
  kShare,
  kNoKeyUpdate,
  kUpdate,
  kTableAccessShare,
  kTableRowShare,
  kTableRowExclusive,
  kTableShareUpdateExclusive,
  kTableShare,
  kTableShareRowExclusive,
  kTableExclusive,
  kTableAccessExclusive,
};

bool conflicts(LockMode held, LockMode wanted);

struct LockName {
  std::uint32_t table = 0;
  std::uint32_t index = 0;  // 0: the table itself; of a row without a key: ~0.
  std::string key;          // Empty for a table.
  friend auto operator<=>(const LockName&, const LockName&) = default;
  friend bool operator==(const LockName&, const LockName&) = default;
};

enum class LockAnswer : std::uint8_t { kGranted, kMustWait, kDeadlock };

class LockManager {
 public:
  // Grants the lock, or puts the transaction into its queue. A transaction waits for one lock at a time;
  // asking again for the same while waiting says how things stand.
  LockAnswer acquire(TransactionId transaction, const LockName& name, LockMode mode);
  // Who can go on since requests changed places to undo a deadlock; asked after each acquire().
  std::vector<TransactionId> take_woken() { return std::exchange(woken_, {}); }
  // Whether it would be granted at once: NOWAIT, SKIP LOCKED.
  bool available(TransactionId transaction, const LockName& name, LockMode mode) const;

  // The request it waits for is withdrawn: cancelled, timed out. Who can go on now is appended to `woken`.
  void stop_waiting(TransactionId transaction, std::vector<TransactionId>& woken);
  bool is_waiting(TransactionId transaction) const { return waiting_.count(transaction) != 0; }

  // A place to go back to with release_since().
  std::size_t held_count(TransactionId transaction) const;
  // Lets go what was taken after the first `count` locks. Who can go on now is appended to `woken`.
  void release_since(TransactionId transaction, std::size_t count,
                     std::vector<TransactionId>& woken);
  void release_all(TransactionId transaction, std::vector<TransactionId>& woken);

  // The transactions that `transaction` waits for, in order; empty: it does not wait.
  std::vector<TransactionId> blockers(TransactionId transaction) const;
  // "Process 12 waits for ShareLock on transaction 7; blocked by process 11." for each on the last cycle.
  const std::vector<TransactionId>& last_cycle() const { return last_cycle_; }

  void verify() const;

 private:
  struct Hold {
    TransactionId transaction = 0;
    LockMode mode = LockMode::kKeyShare;
  };
  // 128 bits of hash of the name. Two names of one id share a lock, which makes somebody wait for nothing.
  struct LockId {
    std::uint64_t high = 0, low = 0;
    friend bool operator==(const LockId&, const LockId&) = default;
  };
  struct HashOfId {
    std::size_t operator()(const LockId& id) const { return id.low; }
  };
  struct Contended {
    std::vector<Hold> holds;  // A transaction may hold several modes.
    std::vector<Hold> queue;  // First come first.
  };
  // One that inserts a million rows holds a million locks that nobody else wants: such a lock is one hold.
  class Lock {
   public:
    std::span<const Hold> holds() const;
    std::span<const Hold> queue() const;
    bool is_free() const { return holds().empty() && queue().empty(); }
    void add(Hold hold);
    void remove(Hold hold);
    std::vector<Hold>& own_queue();

   private:
    Contended& contended();
    Hold only_;  // Of no transaction: there is none, or `contended_` has them.
    std::unique_ptr<Contended> contended_;
  };
  static LockId id_of(const LockName& name);

  static std::size_t place_of(const Lock& lock, TransactionId transaction);
  bool grantable(const Lock& lock, TransactionId transaction, LockMode mode,
                 std::size_t queue_position) const;
  void wake_queue(const LockId& id, std::vector<TransactionId>& woken);
  bool closes_cycle(TransactionId transaction);
  // Takes a cycle apart by moving a request of it before another one. False: all wait for holders.
  bool reorder_cycle(const std::vector<TransactionId>& cycle);
  bool reaches(TransactionId from, TransactionId target, std::vector<TransactionId>& path,
               std::vector<TransactionId>& seen) const;

  boost::unordered_flat_map<LockId, Lock, HashOfId> locks_;
  std::unordered_map<TransactionId, std::vector<std::pair<LockId, LockMode>>> held_;
  std::unordered_map<TransactionId, LockId> waiting_;
  std::vector<TransactionId> last_cycle_;
  std::vector<TransactionId> woken_;
};

}  // namespace entail::engine
