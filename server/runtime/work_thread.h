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
// The thread sleeps in epoll, and so can watch descriptors beside its jobs: a question that comes in by a
// watched socket is answered without any other thread being woken, which would cost more than most answers.
//
//     watch(socket, connection);             // calls connection.ready() when more has come
//
// ready() is called once for each time that something came (edge-triggered): who does not read all
// remembers that there is more.
//
// Threads: post() and run() any; watch(), unwatch() and is_here() the thread itself; the rest its owner.

#pragma once

#include <sys/epoll.h>

#include <array>
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

  class Watcher {
   public:
    virtual ~Watcher() = default;
    // Something can be read, or the other side has gone.
    virtual void ready() = 0;
  };

  struct Options {
    // Called on the thread; gives the time, by `clock`, at which to call it again at the latest; 0:
    // only after the next jobs.
    std::function<std::int64_t()> upkeep;
    const Clock* clock = nullptr;  // REQUIRES: not null, and it outlives the thread.
    std::size_t stack_bytes = std::size_t{1} << 30U;  // Address space: values may nest deeply.
  };

  explicit WorkThread(Options options);
  // Runs what was posted, then ends. REQUIRES: nothing is watched any more.
  ~WorkThread();
  WorkThread(const WorkThread&) = delete;
  WorkThread& operator=(const WorkThread&) = delete;

  // `job` must live until it has run.
  void post(Job& job);
  void run(const std::function<void()>& work);

  // False: the system refuses. The watcher lives until unwatch().
  bool watch(int descriptor, Watcher& watcher);
  void unwatch(int descriptor, Watcher& watcher);
  bool is_here() const;

 private:
  static void* enter(void* self);
  void serve();
  bool wait_for_work();
  int sleep_ms() const;

  Options options_;
  int epoll_ = -1, poke_ = -1;  // `poke_` wakes the thread.
  std::mutex mutex_;
  std::vector<Job*> posted_;
  bool is_asleep_ = false;
  bool is_stopping_ = false;
  // The thread's.
  std::vector<Job*> batch_;
  std::array<epoll_event, 64> events_{};
  int event_count_ = 0;
  std::size_t watched_ = 0;
  std::int64_t deadline_us_ = 0;
  pthread_t thread_{};
};

}  // namespace entail::runtime
