// server/runtime/io_thread_impl.h - what the files of this folder know of an I/O thread.
//
// Threads: as io_thread.h says.

#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "server/runtime/asio_fiber.h"
#include "server/runtime/io_thread.h"

namespace entail::runtime {

struct IoThread::Impl {
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};

  // Signals that came from other threads; the first of a gathering posts deliver().
  std::mutex mutex;
  std::vector<FiberWait*> signalled;

  // The thread's own fiber waits for this.
  std::unique_ptr<FiberWait> stop;
  std::thread thread;

  void signal(FiberWait& wait);
  void deliver();
  void serve();
};

}  // namespace entail::runtime
