// server/http/connection.h - one client: its socket, its fiber, and its requests, one after the other.
//
// serve() is the fiber. It reads a request, finds its route, and answers. What needs the engine is done by a job of
// the engine's thread, for which the fiber parks; so it does for locks (the engine wakes it) and until what was
// committed is durable.
//
// Each request has a session of its own, which ends with it. The session of a subscription lives as long as its
// connection; a second fiber reads meanwhile, to know when the client has gone.
//
// Invariant: the session and what the engine's thread writes to are touched by the fiber, or by the engine's thread
// while the fiber waits for a job, never by both.
//
// Threads: the I/O thread's, but for wake().
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/engine/session.h"
#include "server/http/http.h"
#include "server/http/request.h"
#include "server/runtime/byte_stream.h"
#include "server/runtime/io_thread.h"
#include "server/runtime/timer.h"

namespace entail::http {

class Connection final : public engine::LockWaiter {
 public:
  Connection(Host& host, const Limits& limits, Counters& counters,
             std::unique_ptr<runtime::ByteStream> stream, std::string address);

  // Until the client goes or is sent away; closes the socket.
  void serve();

  // No more requests; what streams ends.
  void stop();
  // What runs is cancelled, and who does not read is not waited for.
  void cancel();

  // The engine's thread.
  void wake() override;

 private:
  // False: the connection is over.
  bool serve_request();
  std::optional<Request> read_request();
  bool send(const Answer& answer, bool keeps_alive, bool with_body = true);

  // ---- routes.cc
  // Nothing: the route has answered, and the connection ends.
  std::optional<Answer> route(const Request& request);
  std::optional<Answer> refuse(const Request& request);
  std::string user_of(const Request& request) const;
  Answer health();
  Answer metrics();
  Answer query(const Request& request);
  Answer push(const Request& request);

  // ---- subscribe.cc
  std::optional<Answer> subscribe(const Request& request);
  void stream(engine::Subscription& subscription);

  // ---- the engine's thread for a while
  void on_engine(const std::function<void()>& work);
  // The same; the fiber goes on when the version that `work` gives is durable.
  Expected<void> on_engine_durably(const std::function<std::uint64_t()>& work);
  Expected<void> open_session(const Request& request);
  void close_session();
  void wait_for_wake();
  void watch_time();

  Host& host_;
  const Limits& limits_;
  Counters& counters_;
  std::unique_ptr<runtime::ByteStream> stream_;
  runtime::ByteStream* shaking_ = nullptr;  // It, while it is with TLS's handshake.
  std::string address_;
  RequestReader reader_;
  runtime::FiberWait engine_wait_;  // For a job.
  runtime::FiberWait event_wait_;   // For wake(), the client's end, a heartbeat, stop().
  std::atomic<bool> was_woken_{false};
  bool is_stopping_ = false, is_cancelled_ = false, is_writing_ = false;
  bool is_reading_ahead_ = false, has_gone_ = false;
  std::unique_ptr<engine::Session> session_;  // The engine's thread.
  std::unique_ptr<runtime::Alarm> alarm_;     // Of the statement that runs.
  std::string known_credentials_;             // They were right the last time.
};

}  // namespace entail::http
