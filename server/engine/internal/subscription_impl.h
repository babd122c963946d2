// server/engine/internal/subscription_impl.h - one reader of a relation's changes.
//
//     begins at v0            the snapshot, all of it at once, from the network or the past
//     v0 < newest             past changes from the log (past_changes.h), up to where the feed begins
//     then                    the feed (change_feed.h); what the feed has dropped: a table's from the log again
//
// Threads: the engine's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/engine/internal/change_feed.h"
#include "server/engine/internal/past_changes.h"
#include "server/engine/session.h"
#include "server/engine/subscription.h"

namespace entail::engine {

struct SubscriptionOptions {
  std::optional<std::uint64_t> as_of, up_to;
  bool snapshot = true, progress = false;
};

// What is subscribed to.
struct SubscribedRelation {
  RelationId relation{};
  std::string name;               // As listings show it.
  std::vector<RelationId> owned;  // It exists for the subscription alone, with these.
  ResultShape shape;
};

class SubscriptionImpl final : public Subscription {
 public:
  // `waiter`: may be null, who then reads again by itself.
  static Expected<std::unique_ptr<SubscriptionImpl>> open(
      EngineState& state, const Catalog& catalog, std::uint32_t session,
      SubscribedRelation subscribed, const SubscriptionOptions& options, LockWaiter* waiter);
  ~SubscriptionImpl() override;

  const ResultShape& shape() const override { return subscribed_.shape; }
  bool has_progress() const override { return options_.progress; }
  Expected<Reading> read(ChangeSink& sink, std::uint64_t max_rows) override;

  // --- for the feeds
  bool has_news(std::uint64_t durable) const;
  void wake();
  void end_with(Error error);

  // --- for listings
  std::uint32_t id() const { return id_; }
  std::uint32_t session() const { return session_; }
  const std::string& name() const { return subscribed_.name; }
  std::uint64_t position() const { return position_; }
  std::uint64_t rows_given() const { return rows_given_; }
  bool is_waiting() const { return is_waiting_; }
  std::uint64_t begun_at() const { return as_of_; }

 private:
  SubscriptionImpl(EngineState& state, std::uint32_t session, SubscribedRelation subscribed,
                   const SubscriptionOptions& options, LockWaiter* waiter)
      : state_(state),
        subscribed_(std::move(subscribed)),
        options_(options),
        waiter_(waiter),
        session_(session) {}

  Expected<void> begin(const Catalog& catalog);
  Expected<void> hold_snapshot(RowSet rows);
  // Brings the next changes up to the version `last`: false: there are none.
  Expected<bool> find_changes(std::uint64_t last);
  Expected<Reading> read_on(ChangeSink& sink, std::uint64_t max_rows);
  // Gives of what is held as much as there is room for.
  void give(ChangeSink& sink, std::uint64_t& room);
  Error fell_behind() const;

  EngineState& state_;
  SubscribedRelation subscribed_;
  SubscriptionOptions options_;
  LockWaiter* waiter_;
  std::uint32_t session_;
  std::uint32_t id_ = 0;
  bool is_logged_ = false;  // A table whose changes the log has.
  ChangeFeed* feed_ = nullptr;
  std::uint64_t counted_from_ = 0;  // The feed counts on us for what is above it.
  std::unique_ptr<PastChanges> past_;

  std::uint64_t as_of_ = 0;
  std::uint64_t position_ = 0;  // All changes up to it were given.
  std::uint64_t told_ = 0;      // The last progress.
  bool has_begun_ = false;      // Something was given.
  bool is_waiting_ = false;
  std::uint64_t rows_given_ = 0;
  std::optional<Error> error_;

  // What is being given: the snapshot, changes from the log, or a set of the feed.
  std::optional<VersionChanges> held_;
  std::shared_ptr<ChangeSet> set_;
  std::size_t next_row_ = 0;
  bool is_snapshot_ = false;
  std::uint64_t reserved_ = 0;  // Of the snapshot.
  std::vector<vm::Word> words_;
};

}  // namespace entail::engine
