// server/runtime/work_thread.h - the engine's thread: one piece of work after the other, in batches.
//
// Other threads post() jobs; the thread takes all that have come at once, runs them in their order,
// and sleeps where there are none. A poster wakes it only where it sleeps, so that under load a job
// costs a lock and no system call. Between batches, and when the time comes that it asked for last,
// the thread calls its `upkeep`.
//
//     WorkThread engine_thread({.upkeep = [&] { …; return next_deadline_us; }, .clock = &clock});
//     engine_thread.post(connection);        // calls connection.run() over there
//     engine_thread.run([&] { … });          // any other thread: waits until it was done
//
// Threads: post() and run() any; the rest its owner.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "vm/base/clock.h"

namespace entail::runtime {

class WorkThread {
 public:
  // Posted again only after it ran or began to run.
  class Job {
   public:
    virtual ~Job() = default;
    virtual void run() = 0;
  };

  struct Options {
    // Called on the thread; gives the time, by `clock`, at which to call it again at the latest; 0:
    // only after the next jobs.
    std::function<std::int64_t()> upkeep;
    const Clock* clock = nullptr;  // REQUIRES: not null, and it outlives the thread.
    std::size_t stack_bytes = std::size_t{1} << 30U;  // Address space: values may nest deeply.
  };

  explicit WorkThread(Options options);
  // Runs what was posted, then ends.
  ~WorkThread();
  WorkThread(const WorkThread&) = delete;
  WorkThread& operator=(const WorkThread&) = delete;

  // `job` must live until it has run.
  void post(Job& job);
  void run(const std::function<void()>& work);

 private:
  static void* enter(void* self);
  void serve();
  bool wait_for_jobs();

  Options options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Job*> posted_;
  bool is_asleep_ = false;
  bool is_stopping_ = false;
  std::vector<Job*> batch_;       // The thread's.
  std::int64_t deadline_us_ = 0;  // The thread's.
  pthread_t thread_{};
};

}  // namespace entail::runtime
