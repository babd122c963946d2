// store/group_flusher.h - one fsync for all who wait.
//
//     commit 7  -- request(7) --.
//     commit 8  -- request(8) --+--> fsync --> durable 9 --> callback(9): all three are answered
//     commit 9  -- request(9) --'
//     commit 10 -- request(10) ------- while that fsync runs ----> the next fsync
//
// A commit that is alone is synced at once, so it waits for its own fsync only; commits that come
// while an fsync runs share the next one. Left at that, two halves of the clients would take turns:
// those just answered come back while the others' fsync runs. So where somebody waits already when
// an fsync ends, the next one begins when as many more have come as were just answered, or after a
// quarter of the time that the fsync took. The flusher makes no thread: the server hands one to
// run(), and everything single-threaded calls VersionedStore::sync() instead.
//
// Where an fsync takes less than waking another thread and being woken by it, whoever committed had better do it
// itself, once for all that it committed in one go: flush().
//
// Durability as a session asks for it:
//   kGroup   commit(batch), request(version), answer when the callback reaches the version
//   kSync    commit(batch, Durability::kSync): durable when it returns, by an fsync of its own
//   kAsync   commit(batch), answer; nudge() or the next request makes it durable within
//            Options::async_delay_ms
//
// Threads: run() on one thread; all else from any.

#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "store/versioned_store.h"

namespace entail::store {

class GroupFlusher {
 public:
  struct Options {
    // On run()'s thread, after each fsync: every version up to this one is durable. Short: the next
    // fsync waits for it.
    std::function<void(Version)> on_durable;
    // On run()'s thread: the fsync failed. Whoever waits learns why; versions that were asked for
    // stay asked for, and the next request tries again.
    std::function<void(const Error&)> on_failed;
    std::uint32_t async_delay_ms = 500;  // The longest that an async commit stays unsynced.
  };

  // REQUIRES: `store` outlives the flusher.
  GroupFlusher(VersionedStore& store, Options options);

  // Syncs until stop(), and once more then, where something is not durable yet.
  void run();
  void stop();

  // `version` shall be durable soon, and somebody waits for it.
  void request(Version version);
  // The same, by the thread that commits, after a batch of commits: syncs here where the last fsync was quick and none
  // is under way; on_durable and on_failed are then called here.
  void flush(Version version);
  // Something was committed that nobody waits for.
  void nudge();

  // Blocks the calling thread until `version` is durable. Fails when an fsync that should have
  // covered it failed, or when run() has ended. For callers with a thread to spare.
  Expected<void> wait(Version version);

  std::uint64_t syncs() const;  // Fsyncs done.

 private:
  // A thread in wait(); woken when it can go on, and not before.
  struct Waiter {
    Version version = 0;
    std::condition_variable wake;
  };

  void sync_once(std::unique_lock<std::mutex>& lock);
  void gather(std::unique_lock<std::mutex>& lock);
  void wake_waiters(bool all);

  VersionedStore& store_;
  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::vector<Waiter*> waiters_;
  Version requested_ = 0;
  bool nudged_ = false, stopping_ = false, ended_ = false;
  std::uint64_t syncs_ = 0, failures_ = 0;
  bool syncing_ = false;
  Version answered_ = 0;           // Commits that the last fsync made durable,
  std::int64_t sync_took_ns_ = 0;  // and how long it took. 0: there was none.
  Error last_error_;
};

}  // namespace entail::store
