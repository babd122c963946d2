// server/pgwire/server.h - a database that PostgreSQL's clients connect to.
//
//     auto server = Server::start({.directory = "data", .listen = {"127.0.0.1", 5433}});
//     … (*server)->port() …
//     (*server)->wait();           // until SIGTERM, or request_stop() from another thread
//
// The picture
//     client = socket = fiber of the I/O thread            connection.h
//                          |  bytes of whole messages          parked meanwhile
//                       job of the engine's thread         conversation.h -> engine::Session
//                          |  bytes of answers
//                       durable? -> fiber -> socket
//
// One thread does I/O, one runs the engine, and the store has threads of its own. A conversation is
// with one of them at a time: the fiber hands it over with a batch of messages and has it back with
// the answers, which leave when the newest version that they tell of is durable.
//
// Who may connect. Without users (CREATE USER) anybody who reaches us may, so then only loopback
// addresses are listened on; with users, each proves a password (SCRAM-SHA-256).
//
// HTTP, where it is asked for, is another door to the same engine's thread (server/http/http.h).
//
// Stopping. The first SIGTERM, SIGINT or SIGHUP: no new connections, idle ones are told 57P01, running
// statements may finish, for five seconds, then they are cancelled. A second signal cancels them at
// once, a third ends the process. The engine is closed last and makes its checkpoint.
//
// Commands of this machine reach it by a socket in its directory, which only its owner may open
// (control_path()). The line "backup DIR" copies the database; the answer is "ok", or "error " and
// what is wrong.
//
// Threads: start() and wait() one; request_stop() any.
// Read next: connection.h, conversation.h, server/runtime/io_thread.h.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/engine/engine.h"
#include "server/runtime/tcp.h"
#include "vm/base/expected.h"

namespace entail::pgwire {

struct RuleFile {
  std::string name;  // Of the deployment.
  std::string text;
};

struct ServerOptions {
  engine::EngineOptions engine;  // The clock is the server's.
  std::vector<RuleFile> rules;   // Deployed before anybody connects.
  runtime::ListenAddress listen;
  std::optional<runtime::ListenAddress> http;  // None: no HTTP.
  std::string tls_certificate, tls_key;        // PEM files; empty: no TLS.
  bool watches_signals = true;                 // Else only request_stop() stops it.
};

// Where the server of a data directory listens for commands.
std::string control_path(const std::string& directory);

class Server {
 public:
  struct Impl;

  // Opens the database, deploys the rules and listens. Fails, and leaves nothing running, where one
  // of them fails.
  static Expected<std::unique_ptr<Server>> start(ServerOptions options);
  // Stops it if need be.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  // "127.0.0.1:5433"
  std::string address() const;
  // The same of HTTP; empty: there is none.
  std::string http_address() const;

  // Returns when the server was stopped and the engine is closed.
  void wait();
  void request_stop();

 private:
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace entail::pgwire
