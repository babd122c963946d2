// server/http/http.h - the HTTP door: push rows in, ask, watch what changes, see how it goes.
//
//     entail serve --data DIR --http 127.0.0.1:8080
//
//     POST /push/RELATION        lines of JSON -> a commit; the answer has its version (engine/push.h)
//     POST /query                SQL -> JSON
//     GET  /subscribe/RELATION   server-sent events: snapshot, changes by version, progress (engine/subscription.h)
//     GET  /metrics              OpenMetrics (engine/metrics.h)
//     GET  /healthz              the newest version
//     GET  /openapi.json, /      what this says, for programs and for people
//
// The way of a request
//
//     client = socket = fiber of the I/O thread       connection.h
//        | bytes -> request.h                            a limit for each thing that can be long
//        | the route                                     routes.cc
//        | job of the engine's thread                    a session of the request's own; waits park the fiber
//        | durable?
//        v status, JSON
//
// A subscription's fiber sends what the engine's thread has put into its buffer, and has it filled again when all of
// that is sent: who reads slowly holds up nobody and fills nothing.
//
// Who may ask. As with PostgreSQL's protocol: without users anybody who reaches us, on loopback addresses only; with
// users, each by name and password (basic authentication, against the stored SCRAM verifier). /healthz is for anybody.
// With a certificate all of it is inside TLS; without one, passwords are only taken on loopback addresses.
//
// What is wrong with a request is said in one JSON object: {"error": {"code", "message", …}}. The code is SQL's state
// where there is one, else a word.
//
// What is elsewhere: threads and sockets in server/runtime; who starts and stops this in server/pgwire/server.h.
//
// Read next: request.h, connection.h, event_stream.h, openapi.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/engine/metrics.h"
#include "server/engine/session.h"
#include "server/runtime/io_thread.h"
#include "server/runtime/tcp.h"
#include "server/runtime/tls.h"
#include "server/runtime/work_thread.h"
#include "vm/base/expected.h"

namespace entail::http {

struct Limits {
  std::size_t header_bytes = std::size_t{16} << 10U;
  std::size_t body_bytes = std::size_t{64} << 20U;
  std::size_t answer_bytes = std::size_t{256} << 20U;  // Of /query.
  std::int64_t idle_ms = 60'000;       // Between requests, and for a request to be whole.
  std::int64_t heartbeat_ms = 15'000;  // Between events that say nothing but that we are there.
  std::int64_t statement_ms = 60'000;  // statement_timeout of /query and /push.
};

// Counted on the I/O thread, read on any.
struct Counters {
  std::atomic<std::uint64_t> requests{0}, refused{0};
};

// What the door needs of the server.
class Host {
 public:
  virtual ~Host() = default;
  virtual runtime::IoThread& io() = 0;
  virtual runtime::WorkThread& engine_thread() = 0;
  virtual runtime::TlsContext* tls() = 0;  // Null: none.
  // Something that was cancelled shall notice it. Any thread.
  virtual void tick_soon() = 0;

  // --- the engine's thread
  virtual Expected<std::unique_ptr<engine::Session>> connect(engine::SessionOptions options) = 0;
  virtual bool has_users() const = 0;
  virtual Expected<std::string> scram_verifier(std::string_view user) const = 0;
  // Calls back once, on any thread.
  virtual void when_durable(std::uint64_t version, std::function<void(Expected<void>)> done) = 0;
  virtual std::uint64_t version() const = 0;
  virtual engine::Metrics metrics() = 0;
};

// The listener and its connections. On the I/O thread, but for open().
class Door {
 public:
  static Expected<std::unique_ptr<Door>> open(Host& host, const runtime::ListenAddress& address,
                                              const Limits& limits);
  ~Door();
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  std::uint16_t port() const;
  bool is_loopback() const;

  // Serves in fibers; `on_end` is called in one each time that a connection or the listener has ended.
  void serve(std::function<void()> on_end);
  // No more requests; subscriptions end. Those that run may finish.
  void stop();
  // They are cancelled, and who does not read is not waited for.
  void cancel();
  bool has_ended() const;
  // Any thread.
  void add_metrics(engine::Metrics& metrics) const;

 private:
  struct Impl;
  explicit Door(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace entail::http
