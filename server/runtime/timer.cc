#include "server/runtime/timer.h"

#include <chrono>
#include <utility>

#include "server/runtime/io_thread_impl.h"

namespace entail::runtime {

using boost::system::error_code;

struct SignalWatch::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(boost::asio::io_context& io) : signals(io) {}

  void wait() {
    signals.async_wait([self = shared_from_this()](error_code error, int signal) {
      if (error || self->on_signal == nullptr) return;
      self->on_signal(signal);
      self->wait();
    });
  }

  boost::asio::signal_set signals;
  std::function<void(int)> on_signal;
};

SignalWatch::SignalWatch(IoThread& io, std::initializer_list<int> signals,
                         std::function<void(int signal)> on_signal)
    : impl_(std::make_shared<Impl>(io.impl().io)) {
  error_code ignored;
  for (const int signal : signals) impl_->signals.add(signal, ignored);
  impl_->on_signal = std::move(on_signal);
  boost::asio::post(io.impl().io, [impl = impl_] { impl->wait(); });
}

SignalWatch::~SignalWatch() {
  impl_->on_signal = nullptr;
  error_code ignored;
  impl_->signals.cancel(ignored);
  impl_->signals.clear(ignored);
}

struct Alarm::Impl {
  explicit Impl(boost::asio::io_context& io) : timer(io) {}
  boost::asio::steady_timer timer;
  std::function<void()> on_time;
};

Alarm::Alarm(IoThread& io, std::int64_t after_ms, std::function<void()> on_time)
    : impl_(std::make_shared<Impl>(io.impl().io)) {
  impl_->on_time = std::move(on_time);
  impl_->timer.expires_after(std::chrono::milliseconds(after_ms));
  impl_->timer.async_wait([impl = impl_](error_code error) {
    if (error || impl->on_time == nullptr) return;
    const std::function<void()> call = impl->on_time;  // Who is called may destroy the alarm.
    call();
  });
}

Alarm::~Alarm() {
  impl_->on_time = nullptr;
  impl_->timer.cancel();
}

}  // namespace entail::runtime
