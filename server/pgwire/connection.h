// server/pgwire/connection.h - one client: its socket, its fiber, and its conversation.
//
// serve() is the fiber. It answers what comes before the start-up message (TLS, cancel requests),
// then hands the conversation to the engine's thread whenever a whole message is here, and parks
// until it has it back: after lock waits, and after what was committed is durable.
//
//     read -> post to the engine's thread -> … advance() … -> durable -> woken -> write -> read
//
// Small questions would spend more time on waking threads than on answers. So the socket is lent with the
// conversation, where it can be: the engine's thread writes the answer and reads the next question itself, again
// and again, and no other thread is woken.
//
//     lend -> post -> advance -> durable -> send -> recv -> advance -> … -> signal: the fiber has it back
//                        ^------------------------------------'
//
// The fiber gets it back when something would hold the engine's thread up or is not its business: an answer that
// the client is slow to read or that comes in slices, many bytes at once (COPY), the end, kick().
//
// While the conversation watches what changes (SUBSCRIBE), the fiber sends what it gave and parks until the engine
// wakes it; a second fiber reads meanwhile, for the client may go at any time.
//
//     advance -> kWatches -> write -> watch: woken by wake(), by the reader at the client's end, by kick()
//
// Invariant: the conversation and the socket are touched by the fiber, or by the engine's thread between post()
// and the signal, never by both.
//
// Threads: serve(), kick(), cancel() on the I/O thread; run(), ready() and wake() are the engine's.

#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/engine/session.h"
#include "server/pgwire/conversation.h"
#include "server/runtime/byte_stream.h"
#include "server/runtime/io_thread.h"
#include "server/runtime/timer.h"
#include "server/runtime/tls.h"
#include "server/runtime/work_thread.h"

namespace entail::pgwire {

// What connections share. On the I/O thread, but for what a member says.
class ConnectionHost : public ConversationHost {
 public:
  virtual runtime::IoThread& io() = 0;
  virtual runtime::WorkThread& engine_thread() = 0;
  // The engine's thread. Calls back once, on any thread.
  virtual void when_durable(std::uint64_t version, std::function<void(Expected<void>)> done) = 0;
  virtual runtime::TlsContext* tls() = 0;  // Null: not offered.
  virtual void cancel(const CancelRequest& request) = 0;
  // From when its session exists to when it is about to end.
  virtual void enlist(std::uint32_t session_id, class Connection& connection) = 0;
  virtual void delist(std::uint32_t session_id) = 0;
};

class Connection final : public runtime::WorkThread::Job,
                         public runtime::WorkThread::Watcher,
                         public engine::LockWaiter {
 public:
  Connection(ConnectionHost& host, std::unique_ptr<runtime::ByteStream> stream,
             std::string address);

  // Until the conversation has ended; closes the socket and the session.
  void serve();

  // Ends the conversation with this FATAL error as soon as it waits for the client.
  void kick(Error error);
  // The same, because it was idle too long.
  void kick_idle();
  // Breaks the connection where it is being written; what runs goes on.
  void abandon();
  // Cancels what runs, if the secret is right.
  void cancel(std::uint32_t secret);
  void cancel();

  void run() override;
  void ready() override;
  void wake() override;

 private:
  // Asks the engine's thread for a connection that is lent to it.
  struct Reclaim final : runtime::WorkThread::Job {
    explicit Reclaim(Connection& of) : connection(of) {}
    void run() override;
    Connection& connection;
    std::atomic<bool> is_posted{false};
    std::atomic<bool> only_if_idle{false};
  };
  // What run() is to do.
  enum class Task : std::uint8_t { kAdvance, kAnswer, kReceive, kClose };

  bool greet();
  void converse();
  bool read_more();
  bool watch();
  void read_ahead();
  void end_reading_ahead();
  bool advance();
  void watch_time();
  bool send_output();
  void close_session();
  void reclaim(bool only_if_idle);
  void kick_for_idleness();

  // The engine's thread.
  void advance_here();
  void answer();
  bool send_here();
  void receive();
  void give_back();

  ConnectionHost& host_;
  std::unique_ptr<runtime::ByteStream> stream_;
  std::uint32_t secret_;
  Conversation conversation_;
  runtime::FiberWait wait_;
  std::optional<Error> kicked_;
  std::uint32_t session_id_ = 0;  // 0: not enlisted.
  bool is_with_engine_ = false;
  bool is_writing_ = false;
  // What the second fiber reads while the conversation watches.
  runtime::FiberWait watch_wait_;
  std::string ahead_;
  bool is_reading_ahead_ = false;
  bool has_gone_ = false;  // The client.
  std::atomic<bool> has_changes_{
      false};  // wake() was called since the conversation began to watch.
  Reclaim reclaim_{*this};
  std::unique_ptr<runtime::Alarm>
      alarm_;  // While the engine's thread has us, and there is a limit.

  // The engine's thread, while the fiber is parked.
  Task task_ = Task::kAdvance;
  int lent_ = -1;             // The socket.
  bool is_watched_ = false;   // It is.
  bool is_idle_ = false;      // It is lent, and everything that came is answered.
  bool has_more_ = false;     // More may have come by the socket than was read.
  bool is_wanted_ = false;    // The fiber asks for it.
  bool was_idle_ = false;     // When it was given back, for idleness.
  bool is_waiting_ = false;   // For a lock.
  bool is_watching_ = false;  // For changes.
  bool was_woken_ = false;    // Since run() began.
  Conversation::Step step_;
  std::uint64_t version_ = 0;  // The newest that the output tells of.
  std::optional<Error> lost_;  // It can never become durable.
};

}  // namespace entail::pgwire
