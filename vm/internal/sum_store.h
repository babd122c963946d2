// vm/internal/sum_store.h - sums that do not fit a few words, by number; see vm/standing_groups.h.
//
// A group names its sum by its place plus one, 0 being none. Places of sums that are no more are given
// again. What the sums hold outside of themselves is booked where it changes.
//
// Threads: one owner.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "vm/base/memory_budget.h"
#include "vm/word.h"

namespace entail::vm::internal {

template <typename Sum>
class SumStore {
 public:
  explicit SumStore(MemoryBudget* budget) : budget_(budget) {}
  ~SumStore() {
    if (budget_ != nullptr) budget_->release(bytes_);
  }
  SumStore(const SumStore&) = delete;  // What it booked is its own.
  SumStore& operator=(const SumStore&) = delete;

  // Puts the number of an empty sum into `state`; false when the budget refuses.
  [[nodiscard]] bool make(Word& state) {
    if (!free_.empty()) {
      state = Word{free_.back()} + 1;
      free_.pop_back();
      return true;
    }
    if (sums_.size() == sums_.capacity()) {
      const std::size_t target = sums_.size() + sums_.size() / 2 + 4;
      const std::uint64_t more = (target - sums_.capacity()) * sizeof(Sum);
      if (budget_ != nullptr && !budget_->reserve(more)) return false;
      sums_.reserve(target);
      bytes_ += more;
    }
    sums_.emplace_back();
    state = sums_.size();
    return true;
  }

  // The same with this sum in it.
  [[nodiscard]] bool put(Word& state, Sum sum) {
    return make(state) && change(state, [&](Sum& empty) { empty = std::move(sum); });
  }

  // Calls f(sum). False when that took more than the budget has; it is done all the same.
  template <typename F>
  bool change(Word state, F f) {
    Sum& sum = sums_[state - 1];
    const std::size_t before = sum.bytes_used();
    f(sum);
    const std::size_t after = sum.bytes_used();
    if (before == after) return true;
    bytes_ += after - before;
    if (budget_ == nullptr) return true;
    if (after > before) {
      budget_->reserve_anyway(after - before);
      return !budget_->overrun();
    }
    budget_->release(before - after);
    return true;
  }

  void free(Word state) {
    static_cast<void>(change(state, [](Sum& sum) { sum = Sum(); }));
    free_.push_back(static_cast<std::uint32_t>(state - 1));
  }

  const Sum& at(Word state) const { return sums_[state - 1]; }

  std::size_t in_use() const { return sums_.size() - free_.size(); }
  std::uint64_t bytes_used() const { return bytes_ + free_.capacity() * sizeof(std::uint32_t); }
  // What is booked is what they hold.
  bool verify() const {
    std::uint64_t bytes = sums_.capacity() * sizeof(Sum);
    for (const Sum& sum : sums_) bytes += sum.bytes_used() - sizeof(Sum);
    return bytes == bytes_;
  }

 private:
  MemoryBudget* budget_;
  std::vector<Sum> sums_;
  std::vector<std::uint32_t> free_;
  std::uint64_t bytes_ = 0;
};

}  // namespace entail::vm::internal
