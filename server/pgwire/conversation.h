// server/pgwire/conversation.h - one client's conversation: bytes in, bytes out, no socket between.
//
// A Conversation reads the messages that have come, has the engine do what they ask, and writes the
// answers. It does no I/O and waits for nobody: advance() goes as far as it can and says why it
// stopped. Who owns the connection brings bytes, carries the answers away, and calls again.
//
//     received bytes -> input() -> FrameReader -> frontend_message -> engine::Session
//                                                                          |
//     bytes to send  <- output() <- BackendWriter <- rows, tags, errors  <-+
//
//     kNeedsInput     all that came is answered: send the output, bring more bytes
//     kHasOutput      a long answer: send the output, call again
//     kWatches        all that SUBSCRIBE had to tell is in the output: send it, call again when the waiter was
//                     woken
//     kMustWait       another transaction holds a lock: call again when the waiter was woken
//     kClosed         send the output and close
//
// What was committed. Step::version is the newest version that an answer in the output tells of; the
// output may be sent only when that version is durable. So a whole pipeline of commits waits for one
// sync.
//
// After an error in the extended protocol all messages up to Sync are skipped; statements and portals
// are kept by name here, their meaning in the engine. What is malformed is answered with 08P01, and
// ends the connection where the place of the next message is lost.
//
// Threads: advance() and the destructor belong to the engine's thread; input() and output() to
// whoever has the conversation, one at a time; cancel() to any, while the conversation lives.
// Source: PostgreSQL 15 documentation, section 55.2, "Message Flow".

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/engine/session.h"
#include "server/pgwire/backend_message.h"
#include "server/pgwire/frame.h"
#include "server/pgwire/frontend_message.h"
#include "server/pgwire/row_encoder.h"
#include "server/pgwire/scram.h"
#include "vm/base/expected.h"

namespace entail::pgwire {

// What a conversation needs of the server.
class ConversationHost {
 public:
  virtual ~ConversationHost() = default;
  virtual Expected<std::unique_ptr<engine::Session>> connect(engine::SessionOptions options) = 0;
  virtual bool has_users() const = 0;
  // Fails where there is no such user.
  virtual Expected<std::string> scram_verifier(std::string_view user) const = 0;
  // The same for the life of the server, unguessable; see ScramServer.
  virtual std::string_view invented_secret() const = 0;
};

struct ConversationOptions {
  std::string client_address;            // For listings.
  engine::LockWaiter* waiter = nullptr;  // Told when a kMustWait or kWatches is over.
  std::uint32_t cancel_secret = 0;       // What a CancelRequest must show.
};

class Conversation {
 public:
  enum class Next : std::uint8_t { kNeedsInput, kHasOutput, kWatches, kMustWait, kClosed };
  struct Step {
    Next next = Next::kNeedsInput;
    std::uint64_t version = 0;  // 0: nothing to wait for.
  };

  // `host` must outlive the conversation. The first message is the start-up packet.
  Conversation(ConversationHost& host, ConversationOptions options);
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  FrameReader& input() { return reader_; }
  std::string& output() { return output_; }

  Step advance();

  // Whether a message has come that advance() can do something with.
  bool has_input() const { return reader_.is_ready(phase_ == Phase::kStartup); }

  // Ends the conversation with a FATAL error, added to the output.
  void terminate(const Error& error);

  // Null until the client is known.
  engine::Session* session() { return session_.get(); }

  // The session ends here and not with the conversation: on the engine's thread.
  void close_session();

 private:
  enum class Phase : std::uint8_t { kStartup, kSaslFirst, kSaslFinal, kReady, kClosed };
  // What goes on between two messages.
  enum class Activity : std::uint8_t {
    kNone,
    kSimpleQuery,  // A statement of simple_ runs, or the next is to be prepared.
    kSimpleFinish,
    kExecute,  // A portal runs for an Execute.
    kSync,
    kCopyDone,  // A COPY takes in what was fed to it.
  };
  struct Statement {
    std::shared_ptr<const engine::Prepared> prepared;
  };
  struct OpenPortal {
    std::unique_ptr<engine::Portal> portal;
    std::vector<std::int16_t> formats;  // One a column.
    bool is_finished = false;
  };

  // Each returns whether to go on at once; if not, pending_ says why.
  bool handle_frame(const Frame& frame);
  bool go_on();

  // ---- start-up (conversation_startup.cc)
  bool handle_startup(std::string_view body);
  bool handle_sasl_first(std::string_view body);
  bool handle_sasl_final(std::string_view body);
  bool welcome();
  bool refuse(const Error& error);

  // ---- messages
  bool handle(const QueryMessage& message);
  bool handle(const ParseMessage& message);
  bool handle(const BindMessage& message);
  bool handle(const DescribeMessage& message);
  bool handle(const CloseMessage& message);
  bool handle(const ExecuteMessage& message);
  bool handle(const SyncMessage& message);
  bool handle(const FlushMessage&) { return true; }  // All output is sent anyway.
  bool handle(const TerminateMessage& message);
  bool handle(const CopyDataMessage& message);
  bool handle(const CopyDoneMessage& message);
  bool handle(const CopyFailMessage& message);
  bool handle(const PasswordMessage& message);
  bool handle(const FunctionCallMessage& message);

  bool run_simple();
  bool finish_simple();
  bool run_execute();
  bool run_sync();
  bool run_copy_done();

  // One slice of the portal's run, for both protocols. Nothing: it ended with an error, which was
  // reported, or stopped as pending_ says.
  enum class Ran : std::uint8_t { kDone, kSuspended, kStopped, kFailed, kCopying };
  Ran run_portal(engine::Portal& portal, std::uint64_t row_limit);

  void begin_running(std::vector<std::int16_t> formats, bool describes);
  bool deallocates_own(std::string_view text);
  Expected<std::vector<engine::Parameter>> parameters_of(const BindMessage& message,
                                                         const engine::Prepared& prepared);
  bool copy_failed(const Error& error);
  bool end_simple();
  void release_held_tag();

  void report(const Error& error);
  // Reports and skips to Sync. True: there is more to do.
  bool fail(const Error& error);
  void send_notices();
  void send_settings();
  void ready();
  void stop(Next next) { pending_ = next; }
  void note_version(const engine::Outcome& outcome);
  void drop_portals_after_transaction();

  ConversationHost& host_;
  ConversationOptions options_;
  FrameReader reader_;
  std::string output_;
  BackendWriter writer_{output_};

  Phase phase_ = Phase::kStartup;
  Activity activity_ = Activity::kNone;
  Next pending_ = Next::kNeedsInput;
  std::uint64_t version_ = 0;

  engine::SessionOptions session_options_;
  std::optional<ScramServer> scram_;
  std::unique_ptr<engine::Session> session_;

  std::map<std::string, Statement, std::less<>> statements_;
  std::map<std::string, OpenPortal, std::less<>> portals_;
  bool is_skipping_ = false;  // To the next Sync.
  bool is_extended_ = false;  // The protocol of the statement that runs.

  // A simple query, its statement, and whether its columns were described.
  std::string simple_text_;
  std::unique_ptr<engine::SimpleQuery> simple_;
  bool has_statement_ = false;
  bool had_statement_ = false;  // Any, ever: else the query was empty.
  // The tag of the statement before: sent when the next begins or the implicit transaction has
  // committed, for a commit that fails takes the last one back.
  std::optional<std::string> held_tag_;

  // What runs, with what is counted over its slices.
  std::string running_name_;
  std::string tag_;
  std::uint64_t row_limit_ = 0;
  std::uint64_t rows_given_ = 0;
  std::uint32_t slices_ = 0;
  std::uint64_t slice_rows_ = 0;  // Of the next slice.
  RowEncoder encoder_{writer_};

  engine::Portal* copying_ = nullptr;  // It takes data.
};

}  // namespace entail::pgwire
