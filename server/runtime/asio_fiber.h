// server/runtime/asio_fiber.h - how a fiber waits for Asio: for the files of this folder only.
//
// Each I/O thread has one io_context and one fiber scheduler, whose algorithm this is: where no fiber
// is ready it blocks in epoll, and completions make fibers ready. Fibers never leave their thread.
//
//     boost::system::error_code error;
//     std::size_t count = socket.async_read_some(buffer, use_fiber[error]);    // parks the fiber
//
// The io_context must outlive the thread's scheduler, which lives until the thread has ended: its
// owner joins the thread first.
//
// Threads: the thread of the io_context; notify() any.

#pragma once

#define BOOST_ASIO_SEPARATE_COMPILATION

#include <utility>  // Asio's coroutine headers forget it.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/context.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/fiber/scheduler.hpp>
#include <chrono>
#include <cstddef>

namespace entail::runtime {

class IoAlgorithm final : public boost::fibers::algo::algorithm {
 public:
  explicit IoAlgorithm(boost::asio::io_context& io) : io_(io) {}

  void awakened(boost::fibers::context* context) noexcept override { context->ready_link(ready_); }

  boost::fibers::context* pick_next() noexcept override {
    if (ready_.empty()) return nullptr;
    boost::fibers::context* const context = &ready_.front();
    ready_.pop_front();
    return context;
  }

  bool has_ready_fibers() const noexcept override { return !ready_.empty(); }

  void suspend_until(const std::chrono::steady_clock::time_point& deadline) noexcept override {
    if (io_.stopped()) io_.restart();
    if (deadline == std::chrono::steady_clock::time_point::max()) {
      io_.run_one();
    } else {
      io_.run_one_until(deadline);
    }
    io_.poll();  // Whatever else is complete already.
  }

  void notify() noexcept override {
    boost::asio::post(io_, [] {});
  }

 private:
  boost::asio::io_context& io_;
  boost::fibers::scheduler::ready_queue_type ready_;
};

// A completion token: the calling fiber parks until the operation is complete.
struct UseFiber {
  boost::system::error_code* error = nullptr;
  UseFiber operator[](boost::system::error_code& into) const { return {&into}; }
};
inline constexpr UseFiber use_fiber{};

namespace internal {

struct FiberOperation {
  boost::fibers::context* context = boost::fibers::context::active();
  bool is_done = false;

  void wait() {
    while (!is_done) context->suspend();
  }
  void complete() {
    is_done = true;
    boost::fibers::context::active()->schedule(context);
  }
};

}  // namespace internal
}  // namespace entail::runtime

namespace boost::asio {

template <>
struct async_result<entail::runtime::UseFiber, void(boost::system::error_code)> {
  using return_type = void;

  template <typename Initiation, typename... Arguments>
  static void initiate(Initiation&& initiation, entail::runtime::UseFiber token,
                       Arguments&&... arguments) {
    entail::runtime::internal::FiberOperation operation;
    std::forward<Initiation>(initiation)(
        [&operation, token](boost::system::error_code error) {
          *token.error = error;
          operation.complete();
        },
        std::forward<Arguments>(arguments)...);
    operation.wait();
  }
};

template <typename Value>
struct async_result<entail::runtime::UseFiber, void(boost::system::error_code, Value)> {
  using return_type = Value;

  template <typename Initiation, typename... Arguments>
  static Value initiate(Initiation&& initiation, entail::runtime::UseFiber token,
                        Arguments&&... arguments) {
    entail::runtime::internal::FiberOperation operation;
    Value result{};
    std::forward<Initiation>(initiation)(
        [&operation, &result, token](boost::system::error_code error, Value value) {
          *token.error = error;
          result = std::move(value);
          operation.complete();
        },
        std::forward<Arguments>(arguments)...);
    operation.wait();
    return result;
  }
};

}  // namespace boost::asio
