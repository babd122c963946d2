// server/engine/internal/change_feed.h - the changes of recent commits, kept once for all who subscribe.
//
//     commit -> ChangeFeeds::take() -> one ChangeSet for each relation that somebody subscribes to
//
//     feed of a relation    from = 12 | 14: +3 -1 | 15: +1 | 19: +2 |        newest
//                                       ^ slowest reader      ^ fastest
//
// A set goes when every reader has passed it, or when all sets together are above the limit, the oldest first:
// `from` rises, and a reader that is below it must get its changes elsewhere (subscription_impl.h).
//
// deliver() wakes the readers that have something to read: changes of a version that has become durable, or, of
// those that are told of progress or end at a version, that it has come.
//
// Invariants
//   (1) The changes of each version above a feed's `from` are in it, if the relation had any.
//   (2) A set's `pending` is the number of readers that count on it and have not passed it.
//   (3) Feeds of the network's watched relations, and no others, exist.
//
// Threads: the engine's.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "datalog/rule_program.h"
#include "rete/network.h"
#include "server/engine/internal/row_set.h"
#include "vm/base/memory_budget.h"

namespace entail::engine {

struct EngineState;
class SubscriptionImpl;

struct ChangeSet {
  // The bytes count in `total` and in the budget as long as somebody holds the set.
  ChangeSet(std::uint64_t of_version, RowSet of_rows, std::vector<std::int8_t> of_signs,
            std::uint64_t& total, MemoryBudget& memory);
  ~ChangeSet();
  ChangeSet(const ChangeSet&) = delete;
  ChangeSet& operator=(const ChangeSet&) = delete;

  const std::uint64_t version;
  const RowSet rows;
  const std::vector<std::int8_t> signs;
  std::size_t pending = 0;

 private:
  std::uint64_t bytes_ = 0;
  std::uint64_t& total_;
  MemoryBudget& memory_;
};

struct ChangeFeed {
  datalog::RelationId relation{};
  std::uint64_t from = 0;
  std::deque<std::shared_ptr<ChangeSet>> sets;
  std::set<SubscriptionImpl*> readers;

  // The reader counts on no set up to `to` any more; so far it did on those above `counted_from`.
  void release(std::uint64_t counted_from, std::uint64_t to);
  // The first set of a version above this one.
  std::deque<std::shared_ptr<ChangeSet>>::iterator after(std::uint64_t version);
};

class ChangeFeeds {
 public:
  explicit ChangeFeeds(EngineState& state) : state_(state) {}
  ChangeFeeds(const ChangeFeeds&) = delete;
  ChangeFeeds& operator=(const ChangeFeeds&) = delete;

  // The reader counts on all changes from the newest version on.
  ChangeFeed& join(datalog::RelationId relation, SubscriptionImpl& reader);
  void leave(ChangeFeed& feed, SubscriptionImpl& reader);
  // The reader is woken by changes only from now on, not by each version.
  void wake_by_changes(SubscriptionImpl& reader) { by_versions_.erase(&reader); }

  // What a commit has changed.
  void take(std::uint64_t version, std::span<const rete::NetChange> changes);
  // Readers of relations that are dropped, or other ones now, are ended.
  void program_changed(const std::vector<datalog::RelationId>& remade);
  // Wakes whoever has something to read.
  void deliver();
  // Whether somebody waits for the newest version to become durable.
  bool wants_durable() const;

  std::set<datalog::RelationId> watched() const;
  const std::map<datalog::RelationId, std::unique_ptr<ChangeFeed>>& feeds() const { return feeds_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t rows_of_ended() const { return rows_of_ended_; }  // Given to readers that are gone.

  // Relations that exist for a subscription alone.
  void add_view(std::span<const datalog::RelationId> relations);
  void drop_view(std::span<const datalog::RelationId> relations);
  const std::set<datalog::RelationId>& views() const { return views_; }

  std::uint32_t next_id() { return next_id_++; }

 private:
  EngineState& state_;
  std::uint64_t bytes_ = 0;  // Of all sets that somebody holds.
  std::map<datalog::RelationId, std::unique_ptr<ChangeFeed>> feeds_;
  std::set<SubscriptionImpl*> by_versions_;  // Readers that each version may be of interest to.
  std::set<ChangeFeed*> fresh_;              // They may have changes that nobody was woken for.
  std::uint64_t delivered_ = 0;              // The newest durable version at the last deliver().
  std::set<datalog::RelationId> views_;
  std::uint32_t next_id_ = 1;
  std::uint64_t rows_of_ended_ = 0;
};

}  // namespace entail::engine
