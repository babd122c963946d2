#include "store/group_flusher.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace entail::store {

GroupFlusher::GroupFlusher(VersionedStore& store, Options options)
    : store_(store), options_(std::move(options)) {}

void GroupFlusher::run() {
  std::unique_lock lock(mutex_);
  const auto asked = [this] { return stopping_ || requested_ > store_.durable_version(); };
  while (!stopping_) {
    if (nudged_) {
      work_.wait_for(lock, std::chrono::milliseconds(options_.async_delay_ms), asked);
    } else {
      work_.wait(lock, [&] { return asked() || nudged_; });
      if (!asked()) continue;
    }
    nudged_ = false;
    sync_once(lock);
  }
  if (store_.durable_version() < store_.version()) sync_once(lock);
  ended_ = true;
  done_.notify_all();
}

void GroupFlusher::sync_once(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  // Whoever commits while this runs waits for the next one.
  auto synced = store_.sync();
  lock.lock();
  if (synced) {
    ++syncs_;
  } else {
    ++failures_;
    last_error_ = synced.error();
    requested_ = store_.durable_version();
  }
  done_.notify_all();
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
  done_.wait(
      lock, [&] { return store_.durable_version() >= version || failures_ != failures || ended_; });
  if (store_.durable_version() >= version) return {};
  if (failures_ != failures) return unexpected(last_error_);
  return unexpected(ErrorCode::kCancelled, "the store is being closed", {.sqlstate = "57P01"});
}

std::uint64_t GroupFlusher::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

}  // namespace entail::store
