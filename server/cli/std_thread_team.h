// server/cli/std_thread_team.h - worker threads that wait for work, as vm/base/thread_team.h wants.
//
// The threads live as long as the team. Between two pieces of work they look out for a moment
// before they sleep, because recursion hands out work every few microseconds; they do so only while
// there is a processor for each of them.
//
// Cost: about a microsecond a run() while the workers look out, tens when they sleep.
// Threads: run() is called by one thread at a time.

#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "vm/base/thread_team.h"

namespace entail::cli {

class StdThreadTeam final : public ThreadTeam {
 public:
  // REQUIRES: size >= 1. The caller of run() is one of them.
  explicit StdThreadTeam(unsigned size);
  ~StdThreadTeam() override;
  StdThreadTeam(const StdThreadTeam&) = delete;

  unsigned size() const override { return static_cast<unsigned>(threads_.size()) + 1; }
  void run(const std::function<void(unsigned worker)>& work) override;

 private:
  void serve(unsigned worker);
  template <typename Value>
  void wait_for_change(const std::atomic<Value>& place, Value old) const;

  std::atomic<std::uint32_t> round_{0};  // Moves when there is work, and at the end.
  std::atomic<std::uint32_t> unfinished_{0};
  std::atomic<bool> stopping_{false};
  const std::function<void(unsigned)>* work_ = nullptr;  // Published by round_.
  unsigned looks_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace entail::cli
