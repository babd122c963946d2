#include "server/runtime/work_thread.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <utility>

#include "vm/base/ensure.h"

namespace entail::runtime {

WorkThread::WorkThread(Options options) : options_(std::move(options)) {
  ENTAIL_ENSURE(options_.clock != nullptr);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  poke_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  ENTAIL_ENSURE(epoll_ >= 0 && poke_ >= 0);
  epoll_event poked{};
  poked.events = EPOLLIN | EPOLLET;  // Each poke is an event of its own: nobody reads the count.
  ENTAIL_ENSURE(::epoll_ctl(epoll_, EPOLL_CTL_ADD, poke_, &poked) == 0);
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
  ::eventfd_write(poke_, 1);
  pthread_join(thread_, nullptr);
  ENTAIL_ENSURE(watched_ == 0);
  ::close(poke_);
  ::close(epoll_);
}

void WorkThread::post(Job& job) {
  bool must_wake = false;
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(&job);
    must_wake = std::exchange(is_asleep_, false);
  }
  if (must_wake) ::eventfd_write(poke_, 1);
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

bool WorkThread::watch(int descriptor, Watcher& watcher) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &watcher;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) return false;
  ++watched_;
  return true;
}

void WorkThread::unwatch(int descriptor, Watcher& watcher) {
  ENTAIL_ENSURE(::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr) == 0);
  --watched_;
  // What came before it is not looked at any more is not told.
  for (int i = 0; i < event_count_; ++i) {
    if (events_[static_cast<std::size_t>(i)].data.ptr == &watcher) {
      events_[static_cast<std::size_t>(i)].data.ptr = nullptr;
    }
  }
}

bool WorkThread::is_here() const { return pthread_equal(pthread_self(), thread_) != 0; }

void* WorkThread::enter(void* self) {
  static_cast<WorkThread*>(self)->serve();
  return nullptr;
}

void WorkThread::serve() {
  while (wait_for_work()) {
    for (Job* const job : batch_) job->run();
    batch_.clear();
    for (int i = 0; i < event_count_; ++i) {
      void* const watcher = events_[static_cast<std::size_t>(i)].data.ptr;
      if (watcher != nullptr) static_cast<Watcher*>(watcher)->ready();
    }
    event_count_ = 0;
    if (options_.upkeep) deadline_us_ = options_.upkeep();
  }
}

// How long to sleep where there is no work. A clock that was set back, or one that is simulated, is asked
// again after a second.
int WorkThread::sleep_ms() const {
  if (deadline_us_ == 0) return -1;
  const std::int64_t left_us = deadline_us_ - options_.clock->now_us();
  return static_cast<int>(std::clamp<std::int64_t>((left_us + 999) / 1000, 0, 1000));
}

// False when there is nothing more to do, ever. Neither jobs nor events: the deadline has come.
bool WorkThread::wait_for_work() {
  bool is_ending = false;
  {
    const std::lock_guard lock(mutex_);
    batch_.swap(posted_);
    is_ending = is_stopping_;
    is_asleep_ = batch_.empty() && !is_ending;
  }
  if (is_ending) return !batch_.empty();
  if (!batch_.empty() && watched_ == 0) return true;
  const int patience_ms = batch_.empty() ? sleep_ms() : 0;
  const int count =
      ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), patience_ms);
  event_count_ = std::max(count, 0);
  if (!batch_.empty()) return true;
  const std::lock_guard lock(mutex_);
  is_asleep_ = false;
  batch_.swap(posted_);
  return true;
}

}  // namespace entail::runtime
