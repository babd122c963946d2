#include "server/engine/internal/subscription_impl.h"

#include <algorithm>
#include <limits>

#include "server/engine/internal/constraints.h"
#include "server/engine/internal/time_travel.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

using vm::Word;

Expected<std::unique_ptr<SubscriptionImpl>> SubscriptionImpl::open(
    EngineState& state, const Catalog& catalog, std::uint32_t session,
    SubscribedRelation subscribed, const SubscriptionOptions& options, LockWaiter* waiter) {
  std::unique_ptr<SubscriptionImpl> made(
      new SubscriptionImpl(state, session, std::move(subscribed), options, waiter));
  made->id_ = state.feeds.next_id();
  if (auto begun = made->begin(catalog); !begun) return unexpected(std::move(begun).error());
  return made;
}

SubscriptionImpl::~SubscriptionImpl() {
  state_.memory.release(reserved_);
  set_.reset();
  if (feed_ != nullptr) {
    feed_->release(counted_from_, std::numeric_limits<std::uint64_t>::max());
    state_.feeds.leave(*feed_, *this);
  }
  if (subscribed_.owned.empty()) return;
  state_.feeds.drop_view(subscribed_.owned);
  state_.drop_unnamed_relations();
}

Expected<void> SubscriptionImpl::begin(const Catalog& catalog) {
  const RelationId relation = subscribed_.relation;
  const std::uint64_t newest = state_.version;
  as_of_ = position_ = options_.as_of.value_or(newest);
  if (as_of_ > newest) {
    return sql_error("22023", "version " + std::to_string(as_of_) +
                                  " does not exist: the newest is " + std::to_string(newest));
  }
  if (options_.up_to && *options_.up_to < as_of_) {
    return sql_error("22023", "UP TO " + std::to_string(*options_.up_to) +
                                  " is before the version that it begins at, " +
                                  std::to_string(as_of_));
  }
  const bool has_past = is_stored(state_, catalog, relation);
  is_logged_ = has_past && !is_derived(state_, relation);
  if (as_of_ < newest && !has_past) {
    return sql_error("0A000", state_.store == nullptr
                                  ? "AS OF needs a data directory: this engine keeps no versions"
                                  : "\"" + name() +
                                        "\" rests on rows whose versions are not kept, as of a "
                                        "temporary table: AS OF is not supported");
  }
  if (as_of_ < newest) {
    if (auto same = check_same_since(state_, catalog, relation, as_of_); !same) return same;
    auto past = PastChanges::open(state_, catalog, relation, as_of_);
    if (!past) return unexpected(std::move(past).error());
    past_ = std::move(*past);
  }
  if (options_.snapshot) {
    if (past_ != nullptr) {
      auto rows = past_->rows();
      if (!rows) return unexpected(std::move(rows).error());
      if (auto held = hold_snapshot(std::move(*rows)); !held) return held;
    } else {
      if (auto lent = state_.lend_head(nullptr); !lent) return lent;
      RowSet rows(compiler::layout_of(state_.program.relation(relation), state_.program.types),
                  *state_.pool);
      append_standing_rows(state_.rows_of(relation), rows);
      if (auto held = hold_snapshot(std::move(rows)); !held) return held;
    }
  }
  feed_ = &state_.feeds.join(relation, *this);
  counted_from_ = newest;
  return {};
}

Expected<void> SubscriptionImpl::hold_snapshot(RowSet rows) {
  const std::uint64_t bytes = rows.content_bytes();
  if (!state_.memory.reserve(bytes)) {
    return sql_error(
        "53200", "out of memory",
        {.detail = "The snapshot of \"" + name() + "\" has " + std::to_string(bytes) + " bytes."});
  }
  reserved_ = bytes;
  held_.emplace(VersionChanges{as_of_, std::move(rows), {}});
  is_snapshot_ = true;
  return {};
}

bool SubscriptionImpl::has_news(std::uint64_t durable) const {
  if (!is_waiting_) return false;
  if (error_) return true;
  if (!has_begun_) return durable >= as_of_;
  if (durable <= position_) return false;
  if (options_.progress || options_.up_to) return true;
  if (feed_->from > position_) return true;
  const auto next = feed_->after(position_);
  return next != feed_->sets.end() && (*next)->version <= durable;
}

void SubscriptionImpl::wake() {
  if (!std::exchange(is_waiting_, false)) return;
  if (waiter_ != nullptr) waiter_->wake();
}

void SubscriptionImpl::end_with(Error error) {
  if (!error_) error_ = std::move(error);
  wake();
}

Error SubscriptionImpl::fell_behind() const {
  return make_sql_error("72000",
                        "the subscription to \"" + name() +
                            "\" fell behind: what changed since version " +
                            std::to_string(position_) + " is not kept in memory any more",
                        {.hint = "SUBSCRIBE … AS OF " + std::to_string(position_) +
                                 " WITH (SNAPSHOT = false) goes on from there."});
}

void SubscriptionImpl::give(ChangeSink& sink, std::uint64_t& room) {
  const RowSet& rows = set_ != nullptr ? set_->rows : held_->rows;
  const std::vector<std::int8_t>& signs = set_ != nullptr ? set_->signs : held_->signs;
  const std::uint64_t version = set_ != nullptr ? set_->version : held_->version;
  words_.resize(std::max<std::size_t>(rows.width(), 1));
  for (; room > 0 && next_row_ < rows.size(); ++next_row_, --room) {
    for (std::size_t c = 0; c < rows.width(); ++c) words_[c] = rows.word(next_row_, c);
    sink.change(version, signs.empty() ? 1 : signs[next_row_],
                RowView(subscribed_.shape, *state_.pool, words_.data()), is_snapshot_);
    ++rows_given_;
  }
  if (next_row_ < rows.size()) return;
  next_row_ = 0;
  sink.end_version(version, is_snapshot_);
  is_snapshot_ = false;
  held_.reset();
  state_.memory.release(std::exchange(reserved_, 0));
  position_ = version;
  if (set_ != nullptr) {
    set_.reset();
    feed_->release(counted_from_, version);
    counted_from_ = std::max(counted_from_, version);
  }
}

Expected<bool> SubscriptionImpl::find_changes(std::uint64_t last) {
  for (;;) {
    if (past_ == nullptr && position_ < feed_->from) {
      if (!is_logged_) return unexpected(fell_behind());
      auto past = PastChanges::open(state_, *state_.catalog, subscribed_.relation, position_);
      if (!past) return unexpected(std::move(past).error());
      past_ = std::move(*past);
    }
    if (past_ == nullptr) break;
    // As far as the feed does not reach back.
    const std::uint64_t end = std::min(last, std::max(feed_->from, counted_from_));
    auto changes = past_->next(end);
    if (!changes) return unexpected(with_sqlstate(std::move(changes).error()));
    if (*changes) {
      held_.emplace(std::move(**changes));
      return true;
    }
    position_ = std::max(position_, end);
    if (position_ < feed_->from) return false;
    past_.reset();
    feed_->release(counted_from_, position_);
    counted_from_ = std::max(counted_from_, position_);
  }
  const auto next = feed_->after(position_);
  if (next == feed_->sets.end() || (*next)->version > last) {
    position_ = std::max(position_, last);
    return false;
  }
  set_ = *next;
  return true;
}

Expected<Subscription::Reading> SubscriptionImpl::read(ChangeSink& sink, std::uint64_t max_rows) {
  is_waiting_ = false;
  // Whose statement was cancelled last is over.
  state_.cancel.reset();
  if (!error_) {
    auto reading = read_on(sink, max_rows);
    if (reading) return reading;
    error_ = std::move(reading).error();
  }
  return unexpected(*error_);
}

Expected<Subscription::Reading> SubscriptionImpl::read_on(ChangeSink& sink,
                                                          std::uint64_t max_rows) {
  const std::uint64_t durable = state_.durable_version();
  if (durable < as_of_) {
    is_waiting_ = true;
    return Reading::kWaiting;
  }
  if (!has_begun_) {
    has_begun_ = true;
    if (!options_.progress && !options_.up_to) state_.feeds.wake_by_changes(*this);
    if (options_.progress) sink.progress(as_of_);
    told_ = as_of_;
    if (options_.up_to == as_of_) held_.reset();
  }
  const std::uint64_t end = options_.up_to ? std::max(as_of_, *options_.up_to - 1)
                                           : std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t last = std::min(durable, end);
  std::uint64_t room = max_rows;
  for (;;) {
    if (!held_ && set_ == nullptr) {
      if (position_ >= last) break;
      auto found = find_changes(last);
      if (!found) return unexpected(std::move(found).error());
      if (!*found) break;
    }
    if (room == 0) return Reading::kMore;
    give(sink, room);
  }
  const bool is_over = options_.up_to && (position_ >= end || *options_.up_to == as_of_);
  const std::uint64_t progress = is_over ? *options_.up_to : position_ + 1;
  if (options_.progress && progress > told_) {
    sink.progress(progress);
    told_ = progress;
  }
  if (is_over) return Reading::kEnded;
  is_waiting_ = true;
  return Reading::kWaiting;
}

}  // namespace entail::engine
