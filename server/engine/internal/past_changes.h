// server/engine/internal/past_changes.h - the changes of a relation in versions that have gone by, from the log.
//
//     a table              the log's records of its rows
//     derived relation     a network of its own over the base rows of the version before, to which the log's
//                          changes of them are given, version by version
//
// Costs. A table: the log from the version on. A derived relation: evaluating it from scratch besides, and
// a second copy of all that it rests on while the object lives.
//
// What the log cannot tell: changes below its floor; of a relation that has other columns now, or other rules
// (72000, naming the version from which on it can).
//
// Threads: the engine's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "rete/network.h"
#include "server/engine/internal/engine_state.h"
#include "server/engine/internal/row_set.h"
#include "server/engine/internal/stored_row.h"
#include "store/versioned_store.h"
#include "vm/base/expected.h"

namespace entail::engine {

// Rows that came and went in one version; all of them are there if it is a snapshot.
struct VersionChanges {
  std::uint64_t version = 0;
  RowSet rows;
  std::vector<std::int8_t> signs;  // Empty: all 1.
};

class PastChanges {
 public:
  // Of the versions above `since`. REQUIRES: the engine has a store.
  static Expected<std::unique_ptr<PastChanges>> open(EngineState& state, const Catalog& catalog,
                                                     RelationId relation, std::uint64_t since);
  ~PastChanges();

  // The rows of the version that it began with. Before the first next().
  Expected<RowSet> rows() const;
  // The next version up to `last` that changed the relation; nothing: there is none up to there.
  Expected<std::optional<VersionChanges>> next(std::uint64_t last);

 private:
  // As it was when this began; the program may have changed since.
  struct Base {
    Base(EngineState& state, std::shared_ptr<const Table> of_table);
    std::shared_ptr<const Table> table;
    datalog::Relation relation;
    compiler::RelationLayout layout;
    StoredRowCodec codec;
  };

  PastChanges(EngineState& state, RelationId relation, std::uint64_t since)
      : state_(state), relation_(relation), done_(since) {}

  Expected<void> add_changes(const store::LogRecord& record, VersionChanges& changes, bool& any);
  RowSet make_rows() const;

  EngineState& state_;
  RelationId relation_;
  std::uint64_t done_;
  std::map<store::RelationNumber, std::unique_ptr<Base>> bases_;
  std::unique_ptr<rete::Network> network_;  // Null: of a table.
  std::unique_ptr<store::LogReader> log_;
  bool has_record_ = false;  // log_ is at one that was not given yet.
};

// Whether rules give the relation rows.
bool is_derived(const EngineState& state, RelationId relation);
// Whether its past can be asked for: what it rests on is stored.
bool is_stored(const EngineState& state, const Catalog& catalog, RelationId relation);
// 72000 where the relation's columns or rules are others than those of the version.
Expected<void> check_same_since(const EngineState& state, const Catalog& catalog,
                                RelationId relation, std::uint64_t version);

}  // namespace entail::engine
