#include "store/group_flusher.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace entail::store {

// About what it takes to have another thread do something and say so, on a machine that is not idle.
constexpr std::int64_t kQuickSyncNs = 250'000;

GroupFlusher::GroupFlusher(VersionedStore& store, Options options)
    : store_(store), options_(std::move(options)) {}

void GroupFlusher::run() {
  std::unique_lock lock(mutex_);
  const auto asked = [this] {
    return stopping_ || (!syncing_ && requested_ > store_.durable_version());
  };
  while (!stopping_) {
    if (nudged_) {
      work_.wait_for(lock, std::chrono::milliseconds(options_.async_delay_ms), asked);
    } else {
      work_.wait(lock, [&] { return asked() || nudged_; });
      if (!asked()) continue;
    }
    nudged_ = false;
    if (!syncing_) sync_once(lock);
    if (asked()) gather(lock);
  }
  work_.wait(lock, [this] { return !syncing_; });
  if (store_.durable_version() < store_.version()) sync_once(lock);
  ended_ = true;
  wake_waiters(true);
}

void GroupFlusher::gather(std::unique_lock<std::mutex>& lock) {
  const Version durable = store_.durable_version();
  const Version expected = std::max(requested_, durable) + answered_;
  work_.wait_for(lock, std::chrono::nanoseconds(sync_took_ns_ / 4),
                 [&] { return stopping_ || requested_ >= expected; });
}

void GroupFlusher::wake_waiters(bool all) {
  const Version durable = store_.durable_version();
  for (Waiter* waiter : waiters_) {
    if (all || waiter->version <= durable) waiter->wake.notify_one();
  }
}

void GroupFlusher::sync_once(std::unique_lock<std::mutex>& lock) {
  syncing_ = true;
  lock.unlock();
  // Whoever commits while this runs waits for the next one.
  const Version durable = store_.durable_version();
  const std::int64_t began_ns = store_.clock().steady_ns();
  auto synced = store_.sync();
  const std::int64_t took_ns = store_.clock().steady_ns() - began_ns;
  lock.lock();
  syncing_ = false;
  if (synced) {
    ++syncs_;
    answered_ = *synced - std::min(durable, *synced);
    sync_took_ns_ = took_ns;
  } else {
    ++failures_;
    last_error_ = synced.error();
    requested_ = store_.durable_version();
  }
  wake_waiters(!synced.has_value());
  lock.unlock();
  if (synced) {
    if (options_.on_durable) options_.on_durable(*synced);
  } else if (options_.on_failed) {
    options_.on_failed(synced.error());
  }
  lock.lock();
}

void GroupFlusher::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  work_.notify_all();
}

void GroupFlusher::request(Version version) {
  const std::lock_guard lock(mutex_);
  if (version <= requested_) return;
  requested_ = version;
  work_.notify_one();
}

void GroupFlusher::flush(Version version) {
  std::unique_lock lock(mutex_);
  const bool is_quick = sync_took_ns_ > 0 && sync_took_ns_ < kQuickSyncNs;
  if (is_quick && !syncing_ && requested_ <= store_.durable_version()) {
    sync_once(lock);
    if (requested_ > store_.durable_version() || stopping_) work_.notify_one();
    return;
  }
  if (version <= requested_) return;
  requested_ = version;
  work_.notify_one();
}

void GroupFlusher::nudge() {
  const std::lock_guard lock(mutex_);
  if (nudged_) return;
  nudged_ = true;
  work_.notify_one();
}

Expected<void> GroupFlusher::wait(Version version) {
  std::unique_lock lock(mutex_);
  const std::uint64_t failures = failures_;
  requested_ = std::max(requested_, version);
  work_.notify_one();
  Waiter waiter;
  waiter.version = version;
  waiters_.push_back(&waiter);
  waiter.wake.wait(
      lock, [&] { return store_.durable_version() >= version || failures_ != failures || ended_; });
  std::erase(waiters_, &waiter);
  if (store_.durable_version() >= version) return {};
  if (failures_ != failures) return unexpected(last_error_);
  return unexpected(ErrorCode::kCancelled, "the store is being closed", {.sqlstate = "57P01"});
}

std::uint64_t GroupFlusher::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

}  // namespace entail::store
