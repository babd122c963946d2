// vm/base/memory_budget.h - a number of bytes that a piece of work may hold at once.
//
// Whoever grows a table reserves first and takes the memory afterwards; a refused reservation
// becomes ErrorCode::kLimit, and the structure stays as it was. Reserved bytes are given back when
// the memory is.
//
//     if (!budget.reserve(bytes)) return unexpected(ErrorCode::kLimit, ...);
//
// Invariant: used() is the sum of what was reserved and not released.
// Cost: one atomic addition. Threads: any.

#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

namespace entail {

class MemoryBudget {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  explicit MemoryBudget(std::uint64_t limit_bytes = kUnlimited) : limit_(limit_bytes) {}
  MemoryBudget(const MemoryBudget&) = delete;  // Its users point to it.
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // Whether `bytes` more may be held; then they count as used.
  [[nodiscard]] bool reserve(std::uint64_t bytes) noexcept {
    const std::uint64_t before = used_.fetch_add(bytes, std::memory_order_relaxed);
    if (before <= limit_ && bytes <= limit_ - before) return true;
    used_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
  }

  // For what cannot be refused any more; the caller reports the overrun at its next chance.
  void reserve_anyway(std::uint64_t bytes) noexcept {
    used_.fetch_add(bytes, std::memory_order_relaxed);
  }

  // REQUIRES: so much was reserved.
  void release(std::uint64_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  std::uint64_t limit() const noexcept { return limit_; }
  bool overrun() const noexcept { return used() > limit_; }

 private:
  const std::uint64_t limit_;
  std::atomic<std::uint64_t> used_{0};
};

}  // namespace entail
