// vm/base/clock.h - what time it is, asked of somebody who was handed in.
//
// Only `server` reads the real clock; it hands a Clock to what needs one, and tests and the
// simulator hand in a ManualClock. Nothing that decides an answer may depend on steady_ns(): it is
// for reports of how long something took.
//
// Threads: a Clock may be read from any thread. A ManualClock may be moved by one thread while
// others read it.

#pragma once

#include <atomic>
#include <cstdint>

namespace entail {

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  // Microseconds since 1970-01-01 00:00:00 UTC. May jump in either direction.
  virtual std::int64_t now_us() const = 0;

  // Nanoseconds since some fixed moment. Never goes back.
  virtual std::int64_t steady_ns() const = 0;
};

// A clock that stands still until somebody moves it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t start_us = 0) : now_us_(start_us) {}

  std::int64_t now_us() const override { return now_us_.load(std::memory_order_acquire); }
  std::int64_t steady_ns() const override { return steady_ns_.load(std::memory_order_acquire); }

  // Both times go on by `us` microseconds. REQUIRES: us >= 0.
  void advance_us(std::int64_t us);

  // The wall clock is set, as an operator would; the steady time does not notice.
  void set_us(std::int64_t now_us) { now_us_.store(now_us, std::memory_order_release); }

 private:
  std::atomic<std::int64_t> now_us_;
  std::atomic<std::int64_t> steady_ns_{0};
};

}  // namespace entail
