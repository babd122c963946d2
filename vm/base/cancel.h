// vm/base/cancel.h - asking a long evaluation to stop.
//
// Whoever starts the work owns a CancelToken and lends it; the work polls cancelled() at the end of
// each morsel and returns ErrorCode::kCancelled when it is set. The token must outlive the work.
//
// Cost: cancelled() is one relaxed load. Threads: any; cancel() may also be called from a signal
// handler.

#pragma once

#include <atomic>

namespace entail {

class CancelToken {
 public:
  CancelToken() = default;
  CancelToken(const CancelToken&) = delete;
  CancelToken& operator=(const CancelToken&) = delete;

  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

  // Makes the token usable for the next piece of work. REQUIRES: no work polls it.
  void reset() noexcept { cancelled_.store(false, std::memory_order_relaxed); }

 private:
  static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not wait for a lock");

  std::atomic<bool> cancelled_{false};
};

}  // namespace entail
