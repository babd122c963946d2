#include "server/cli/std_thread_team.h"

#include "vm/base/ensure.h"

namespace entail::cli {
namespace {

constexpr unsigned kLooksBeforeSleep = 4000;  // Some tens of microseconds.

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

StdThreadTeam::StdThreadTeam(unsigned size) {
  ENTAIL_ENSURE(size >= 1);
  if (size <= std::thread::hardware_concurrency()) looks_ = kLooksBeforeSleep;
  for (unsigned worker = 1; worker < size; ++worker) {
    threads_.emplace_back([this, worker] { serve(worker); });
  }
}

StdThreadTeam::~StdThreadTeam() {
  stopping_.store(true, std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

template <typename Value>
void StdThreadTeam::wait_for_change(const std::atomic<Value>& place, Value old) const {
  for (unsigned look = 0; look < looks_; ++look) {
    if (place.load(std::memory_order_acquire) != old) return;
    pause_briefly();
  }
  place.wait(old, std::memory_order_acquire);
}

void StdThreadTeam::serve(unsigned worker) {
  std::uint32_t seen = 0;
  for (;;) {
    wait_for_change(round_, seen);
    ++seen;
    if (stopping_.load(std::memory_order_relaxed)) return;
    (*work_)(worker);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
  }
}

void StdThreadTeam::run(const std::function<void(unsigned worker)>& work) {
  if (threads_.empty()) {
    work(0);
    return;
  }
  work_ = &work;
  unfinished_.store(static_cast<std::uint32_t>(threads_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  work(0);
  for (;;) {
    const std::uint32_t left = unfinished_.load(std::memory_order_acquire);
    if (left == 0) return;
    wait_for_change(unfinished_, left);
  }
}

}  // namespace entail::cli
