// server/engine/transaction.h - what one transaction has done so far, and how the head is lent to it.
//
// A transaction keeps its changes of base relations as chunks, in order; a savepoint is a place among them.
// Nothing of it is in the network for good until it commits.
//
//     sessions   A: +t(1) -u(2) | +t(3)            the network: newest commit, and the changes of who
//                B: +t(9)                          has the head; A's statement takes it from B:
//                                                      abort() B's epoch, then A's chunks, one step
//
// READ COMMITTED reads the newest commit and its own changes. REPEATABLE READ and SERIALIZABLE read a
// snapshot: the head goes back by the inverse of the commits since (kept while somebody needs them), then the
// own changes follow. At commit the head is brought to the newest version whatever the isolation.
//
// Invariants
//   (1) The network's open epoch holds exactly: the inverse of commits behind head.base, then the first
//       head.applied chunks of head.owner.
//   (2) Row locks of a transaction cover every row that its chunks delete and every key that they insert,
//       so that what it recorded stays true whatever others commit.
//
// Threads: the engine's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/engine/catalog.h"
#include "server/engine/internal/read_set.h"
#include "server/engine/internal/row_set.h"
#include "server/engine/lock_manager.h"
#include "server/engine/settings.h"
#include "store/log_record.h"
#include "vm/standing_relation.h"

namespace entail::engine {

enum class Isolation : std::uint8_t { kReadCommitted, kRepeatableRead, kSerializable };

struct ChangeChunk {
  RelationId relation{};
  bool deletion = false;
  RowSet rows;
  std::vector<vm::DurableId> ids;  // Of a bag's rows, where it is known which they are; else empty.
};

// What a batch of a source brings beside its rows.
struct SourceCause {
  std::string source;
  std::vector<store::SourcePosition> positions;  // Behind the batch.
};

// SET CONSTRAINTS: when deferrable foreign keys are checked, where it was said.
struct ConstraintModes {
  std::optional<bool> all;            // Whether they are deferred.
  std::map<Oid, bool> by_constraint;  // Said of one of them, later than of all.
};

struct SavepointState {
  std::string name;
  std::size_t changes = 0;
  std::size_t locks = 0;
  std::shared_ptr<Catalog> catalog;  // A copy; null where the transaction had none.
  Settings::Saved settings;
  ConstraintModes constraint_modes;
};

// The clock of one stream moves, or of all.
struct ClockTick {
  std::optional<RelationId> stream;
  std::int64_t time_us = 0;
};

struct Transaction {
  TransactionId id = 0;
  std::uint32_t session = 0;
  Isolation isolation = Isolation::kReadCommitted;
  bool read_only = false;
  bool is_block = false;  // BEGIN was said; else it ends with its statement.
  bool failed = false;
  bool began_work = false;  // A statement was run: isolation cannot change any more.
  std::int64_t start_us = 0;
  std::int64_t statement_us = 0;
  std::optional<std::uint64_t> snapshot;  // Version that it reads; kReadCommitted: none.

  std::vector<ChangeChunk> changes;
  std::uint64_t change_epoch = 0;  // Raised when chunks go: who has them applied must start over.
  std::vector<SavepointState> savepoints;

  std::shared_ptr<Catalog> catalog;  // Its own, once it has changed something.
  ConstraintModes constraint_modes;
  std::set<Oid> dirty_sequences;
  ReadSet reads;                                              // kSerializable.
  std::vector<std::pair<RelationId, std::string>> truncated;  // Unused slots stay empty.
  std::string cause_detail;                                   // Of a deployment: its text.
  std::string deployment;                                     // Its name.
  std::optional<SourceCause> source;
  std::optional<ClockTick> tick;  // It moves clocks, and that is all.
};

// A commit whose changes an older snapshot may need to take back.
struct KeptCommit {
  std::uint64_t version = 0;
  std::vector<ChangeChunk> changes;
  std::set<RelationId> written;
};

}  // namespace entail::engine
