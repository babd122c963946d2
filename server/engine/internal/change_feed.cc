#include "server/engine/internal/change_feed.h"

#include <algorithm>

#include "server/engine/internal/engine_state.h"
#include "server/engine/internal/subscription_impl.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

using datalog::RelationId;

ChangeSet::ChangeSet(std::uint64_t of_version, RowSet of_rows, std::vector<std::int8_t> of_signs,
                     std::uint64_t& total, MemoryBudget& memory)
    : version(of_version),
      rows(std::move(of_rows)),
      signs(std::move(of_signs)),
      bytes_(sizeof(ChangeSet) + rows.content_bytes() + signs.capacity()),
      total_(total),
      memory_(memory) {
  total_ += bytes_;
  // The commit has been made; whoever adds to the memory next is told of the overrun.
  memory_.reserve_anyway(bytes_);
}

ChangeSet::~ChangeSet() {
  total_ -= bytes_;
  memory_.release(bytes_);
}

std::deque<std::shared_ptr<ChangeSet>>::iterator ChangeFeed::after(std::uint64_t version) {
  return std::upper_bound(
      sets.begin(), sets.end(), version,
      [](std::uint64_t v, const std::shared_ptr<ChangeSet>& set) { return v < set->version; });
}

void ChangeFeed::release(std::uint64_t counted_from, std::uint64_t to) {
  for (auto set = after(counted_from); set != sets.end() && (*set)->version <= to; ++set) {
    --(*set)->pending;
  }
  while (!sets.empty() && sets.front()->pending == 0) {
    from = sets.front()->version;
    sets.pop_front();
  }
}

ChangeFeed& ChangeFeeds::join(RelationId relation, SubscriptionImpl& reader) {
  std::unique_ptr<ChangeFeed>& feed = feeds_[relation];
  const bool is_new = feed == nullptr;
  if (is_new) {
    feed = std::make_unique<ChangeFeed>();
    feed->relation = relation;
    feed->from = state_.version;
  }
  feed->readers.insert(&reader);
  by_versions_.insert(&reader);
  if (is_new) state_.network->set_watched(state_.watched_relations());
  return *feed;
}

void ChangeFeeds::leave(ChangeFeed& feed, SubscriptionImpl& reader) {
  rows_of_ended_ += reader.rows_given();
  feed.readers.erase(&reader);
  by_versions_.erase(&reader);
  if (!feed.readers.empty()) return;
  fresh_.erase(&feed);
  feeds_.erase(feed.relation);
  state_.network->set_watched(state_.watched_relations());
}

std::set<RelationId> ChangeFeeds::watched() const {
  std::set<RelationId> result;
  for (const auto& [relation, feed] : feeds_) result.insert(relation);
  return result;
}

void ChangeFeeds::take(std::uint64_t version, std::span<const rete::NetChange> changes) {
  for (const rete::NetChange& change : changes) {
    const auto found = feeds_.find(change.relation);
    if (found == feeds_.end()) continue;  // An output of deployed rules.
    ChangeFeed& feed = *found->second;
    RowSet rows(compiler::layout_of(state_.program.relation(change.relation), state_.program.types),
                *state_.pool);
    std::vector<const vm::Word*> arrays;
    for (const std::vector<vm::Word>& column : change.columns) arrays.push_back(column.data());
    rows.append(compiler::RowBatch{arrays, change.size()});
    auto set =
        std::make_shared<ChangeSet>(version, std::move(rows), change.signs, bytes_, state_.memory);
    set->pending = feed.readers.size();
    feed.sets.push_back(std::move(set));
    fresh_.insert(&feed);
  }
  while (bytes_ > state_.options.limits.subscription_bytes) {
    ChangeFeed* oldest = nullptr;
    for (const auto& [relation, feed] : feeds_) {
      if (feed->sets.empty()) continue;
      if (oldest == nullptr || feed->sets.front()->version < oldest->sets.front()->version) {
        oldest = feed.get();
      }
    }
    if (oldest == nullptr) break;  // What is left is being read.
    oldest->from = oldest->sets.front()->version;
    oldest->sets.pop_front();
  }
}

void ChangeFeeds::program_changed(const std::vector<RelationId>& remade) {
  for (const auto& [relation, feed] : feeds_) {
    const bool is_dropped = state_.program.relation(relation).dropped;
    const bool is_other = std::find(remade.begin(), remade.end(), relation) != remade.end();
    if (!is_dropped && !is_other) continue;
    for (SubscriptionImpl* const reader : feed->readers) {
      reader->end_with(make_sql_error(
          "55000",
          "relation \"" + reader->name() + "\" was " +
              (is_dropped ? "dropped or changed" : "given other rules") +
              " while it was subscribed to",
          {.hint = is_dropped ? "" : "Subscribe again: the snapshot shows what the rules give."}));
    }
  }
}

bool ChangeFeeds::wants_durable() const {
  return !feeds_.empty() && state_.durable_version() < state_.version;
}

void ChangeFeeds::deliver() {
  const std::uint64_t durable = state_.durable_version();
  const bool has_moved = durable != delivered_;
  delivered_ = durable;
  // A waiter may do its reading at once, and leave.
  std::vector<SubscriptionImpl*> told;
  for (auto it = fresh_.begin(); it != fresh_.end();) {
    const ChangeFeed& feed = **it;
    told.insert(told.end(), feed.readers.begin(), feed.readers.end());
    const bool is_whole = feed.sets.empty() || feed.sets.back()->version <= durable;
    it = is_whole ? fresh_.erase(it) : std::next(it);
  }
  if (has_moved) told.insert(told.end(), by_versions_.begin(), by_versions_.end());
  for (SubscriptionImpl* const reader : told) {
    if (reader->has_news(durable)) reader->wake();
  }
}

void ChangeFeeds::add_view(std::span<const RelationId> relations) {
  views_.insert(relations.begin(), relations.end());
}

void ChangeFeeds::drop_view(std::span<const RelationId> relations) {
  for (const RelationId relation : relations) views_.erase(relation);
}

}  // namespace entail::engine
