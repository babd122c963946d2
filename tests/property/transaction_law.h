// tests/property/transaction_law.h - the law of transactions: what clients who work at once see and leave behind.
//
// A history is six sessions of one engine that take turns, statement by statement, as a seed decides; who waits
// for a lock is left out until the engine wakes it. Rows come, change, go, move between groups and keys; they are
// read by key, by range, by group, through views, a join and a recursion; there are savepoints, rollbacks,
// deadlocks and refused locks.
//
//     each answer               ==  the model's on the committed version that the statement may see, with
//                                   the transaction's own writes (transaction_model.h)
//     no phenomenon             that the isolation level forbids (transaction_graph.h): G0, G1a-c under all,
//                               G-single from REPEATABLE READ on, G2 under SERIALIZABLE
//     SERIALIZABLE              each answer of who wrote is also the model's at the version before its commit
//     AS OF VERSION n           ==  the model's version n, for the table and a view of it, while others write
//     an error                  is one that the model or the level allows
//     nobody waits for ever
//
// Several histories share an engine, one after the other, with all the versions before them.
//
// Threads: calls are independent.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/property/transaction_graph.h"

namespace entail::testing {

enum class HistoryLevel : std::uint8_t { kReadCommitted, kRepeatableRead, kSerializable };

struct TransactionTotals {
  std::uint64_t histories = 0;
  std::uint64_t transactions = 0, commits = 0, statements = 0;
  std::uint64_t waits = 0, deadlocks = 0, failures = 0, refused = 0, duplicates = 0;
  std::uint64_t needless_failures =
      0;  // 40001 though nothing that was read or written had changed.
  std::uint64_t past_reads = 0;
  std::array<std::array<std::uint64_t, kPhenomena>, 3> phenomena{};  // By level: allowed ones too.

  void add(const TransactionTotals& other);
  std::string to_text() const;
};

struct TransactionReport {
  std::vector<std::string> broken;  // What does not hold, each with the history so far.
  TransactionTotals totals;
};

// `count` histories from `seed` on, in one engine.
TransactionReport check_transaction_law(std::uint64_t seed, std::uint64_t count, bool trace);

}  // namespace entail::testing
