// server/cli/system_clock.h - the machine's clocks, for whoever is handed a Clock.
//
// Threads: any.

#pragma once

#include <chrono>

#include "vm/base/clock.h"

namespace entail::cli {

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

}  // namespace entail::cli
