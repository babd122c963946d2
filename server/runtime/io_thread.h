// server/runtime/io_thread.h - the thread that talks to sockets, with a fiber for each conversation.
//
//     auto io = IoThread::start();
//     io->spawn([&] { … });            // a fiber: it may wait for sockets, timers and FiberWaits
//     io->run([&] { … });              // the same, and the caller waits for its end
//
// A fiber is straight code that parks where it would block: a socket that has nothing, a FiberWait
// that another thread will signal. Where no fiber is ready the thread sleeps in epoll; an idle
// connection costs its stack and nothing else.
//
//     FiberWait wait(io);
//     other_thread.post([&wait] { …; wait.signal(); });
//     wait.wait();                     // the fiber parks
//
// Signals from other threads are gathered: however many come before the thread looks, it is woken
// once.
//
// Invariants
//   (1) A fiber stays on its thread.
//   (2) spawn()ed fibers have ended when the IoThread ends: whoever spawns one sees to it.
//
// Cost: a parked fiber 8 to 12 KB of its 64 KB of stack; a signal a lock, and a system call where
// the thread sleeps. Threads: as each function says.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "vm/base/expected.h"

namespace entail::runtime {

class FiberWait;

class IoThread {
 public:
  struct Impl;

  static Expected<std::unique_ptr<IoThread>> start();
  // Waits for the end of every fiber. REQUIRES: not called by the thread itself.
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // Any thread. The body throws nothing.
  void spawn(std::function<void()> body);
  // Any thread but this one.
  void run(std::function<void()> body);

  // For the files of this folder.
  Impl& impl() { return *impl_; }

 private:
  explicit IoThread(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

// One fiber's wait for one event, again and again. After wait() it is as new.
class FiberWait {
 public:
  explicit FiberWait(IoThread& io);
  FiberWait(const FiberWait&) = delete;
  FiberWait& operator=(const FiberWait&) = delete;

  // A fiber of the I/O thread: parks until signal() was called since the last wait().
  void wait();
  // Any thread. The last thing that touches the wait before the fiber goes on.
  void signal();

 private:
  friend struct IoThread::Impl;

  IoThread::Impl& io_;
  void* context_ = nullptr;  // Of the fiber that is parked.
  bool is_signalled_ = false;
};

}  // namespace entail::runtime
