#include "server/runtime/work_thread.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "vm/base/ensure.h"

namespace entail::runtime {

WorkThread::WorkThread(Options options) : options_(std::move(options)) {
  ENTAIL_ENSURE(options_.clock != nullptr);
  pthread_attr_t attributes;
  ENTAIL_ENSURE(pthread_attr_init(&attributes) == 0);
  ENTAIL_ENSURE(pthread_attr_setstacksize(&attributes, options_.stack_bytes) == 0);
  ENTAIL_ENSURE(pthread_create(&thread_, &attributes, enter, this) == 0);
  pthread_attr_destroy(&attributes);
}

WorkThread::~WorkThread() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_one();
  pthread_join(thread_, nullptr);
}

void WorkThread::post(Job& job) {
  bool must_wake = false;
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(&job);
    must_wake = std::exchange(is_asleep_, false);
  }
  if (must_wake) wake_.notify_one();
}

void WorkThread::run(const std::function<void()>& work) {
  struct Once final : Job {
    const std::function<void()>* work = nullptr;
    std::promise<void> done;
    void run() override {
      (*work)();
      done.set_value();
    }
  };
  Once once;
  once.work = &work;
  auto done = once.done.get_future();
  post(once);
  done.wait();
}

void* WorkThread::enter(void* self) {
  static_cast<WorkThread*>(self)->serve();
  return nullptr;
}

void WorkThread::serve() {
  while (wait_for_jobs()) {
    for (Job* const job : batch_) job->run();
    batch_.clear();
    if (options_.upkeep) deadline_us_ = options_.upkeep();
  }
}

// False when there is nothing more to do, ever. An empty batch: the deadline has come.
bool WorkThread::wait_for_jobs() {
  std::unique_lock lock(mutex_);
  while (posted_.empty()) {
    if (is_stopping_) return false;
    is_asleep_ = true;
    if (deadline_us_ == 0) {
      wake_.wait(lock);
      continue;
    }
    const std::int64_t left_us = deadline_us_ - options_.clock->now_us();
    // A clock that was set back, or one that is simulated, is asked again after a second.
    const auto wait_us = std::clamp<std::int64_t>(left_us, 0, 1'000'000);
    const bool timed_out =
        wait_us == 0 ||
        wake_.wait_for(lock, std::chrono::microseconds(wait_us)) == std::cv_status::timeout;
    if (timed_out && posted_.empty()) {
      is_asleep_ = false;
      return true;
    }
  }
  is_asleep_ = false;
  batch_.swap(posted_);
  return true;
}

}  // namespace entail::runtime
