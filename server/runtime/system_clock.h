// server/runtime/system_clock.h - the real clock, read by the server and nobody else.
//
// Threads: any.

#pragma once

#include <chrono>
#include <cstdint>

#include "vm/base/clock.h"

namespace entail::runtime {

class SystemClock final : public Clock {
 public:
  std::int64_t now_us() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  std::int64_t steady_ns() const override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace entail::runtime
