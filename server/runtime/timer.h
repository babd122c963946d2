// server/runtime/timer.h - signals of the operating system, and a call after some time.
//
// Threads: fibers of the I/O thread; the constructors any but the I/O thread's.

#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>

#include "server/runtime/io_thread.h"

namespace entail::runtime {

// Calls back, on the I/O thread, each time one of the signals came. They do nothing else meanwhile.
class SignalWatch {
 public:
  SignalWatch(IoThread& io, std::initializer_list<int> signals,
              std::function<void(int signal)> on_signal);
  // On the I/O thread, or after its end.
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// Calls back once, on the I/O thread, unless it is destroyed before.
class Alarm {
 public:
  // REQUIRES: called on the I/O thread, as is the destructor.
  Alarm(IoThread& io, std::int64_t after_ms, std::function<void()> on_time);
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace entail::runtime
