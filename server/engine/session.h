// server/engine/session.h - one client's conversation with the engine: statements, a transaction, settings.
//
//     auto session = engine->connect({.user = "ann"});
//     auto answer = (*session)->query("SELECT 1");                      // text in, text out: tests, scripts
//
//     auto prepared = session->parse("SELECT name FROM t WHERE id = $1", {});    // the extended protocol
//     auto portal = session->bind(*prepared, parameters);
//     auto outcome = (*portal)->run(sink, 0);
//
// Waiting. No call blocks. A SUBSCRIBE that has given all there is answers Progress::kWaitsForChanges: send what
// it gave, and call run() again after the wake. FETCH from its cursor does the same where it has nothing to give.
//
// Waiting for locks. One that meets a lock of another transaction answers Progress::kMustWait and has
// left no trace of its statement but the request in the queue of the lock. When the wait is over (granted,
// timed out, deadlocked, cancelled) the engine calls LockWaiter::wake(), and the caller calls run() again,
// which begins the statement anew or reports the error. So a fiber parks, and a test steps by hand.
//
// Errors leave the session usable; inside a transaction block they make it failed (status 'E'), in which
// only ROLLBACK, COMMIT and ROLLBACK TO work (25P02).
//
// Threads: the engine's, for all but cancel() and stop_if_late().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/engine/push.h"
#include "server/engine/result.h"
#include "server/engine/subscription.h"
#include "vm/base/cancel.h"
#include "vm/base/expected.h"

namespace entail::engine {

class Engine;
class Prepared;
class Portal;
class SimpleQuery;

// Who is told that a statement that answered kMustWait can go on. Called on the engine's thread.
class LockWaiter {
 public:
  virtual ~LockWaiter() = default;
  virtual void wake() = 0;
};

struct SessionOptions {
  std::string user = "entail";
  std::string database = "entail";
  std::string application_name;
  std::string client_address;    // For listings; empty: in process.
  LockWaiter* waiter = nullptr;  // nullptr: run() answers kMustWait and the caller polls.
  std::vector<std::pair<std::string, std::string>> settings;  // As a start-up packet brings them.
};

enum class TransactionStatus : char { kIdle = 'I', kOpen = 'T', kFailed = 'E' };

// The parameters of one execution, by position.
struct Parameter {
  bool is_null = true;
  // Either the text form, read by the type's input function, or words of the engine's pool.
  std::string text;
  std::vector<vm::Word> words;  // Not empty: used instead of `text`.
};

// A parsed and typed statement; shared by portals, good while the session lives.
class Prepared {
 public:
  virtual ~Prepared() = default;
  virtual const std::string& text() const = 0;
  virtual std::span<const std::uint32_t> parameter_oids() const = 0;
  virtual std::span<const vm::Type> parameter_types() const = 0;
  // nullptr: gives no rows.
  virtual const ResultShape* shape() const = 0;
};

// One execution of a statement.
class Portal {
 public:
  virtual ~Portal() = default;
  virtual const Prepared& prepared() const = 0;
  // Executes, or goes on after kSuspended or a wake. max_rows 0: all.
  virtual Expected<Outcome> run(RowSink& sink, std::uint64_t max_rows) = 0;
  // REQUIRES for these: the last run() answered kCopyIn. Bytes come in any pieces.
  virtual CopyFormat copy_format() const = 0;
  virtual std::size_t copy_columns() const = 0;
  virtual Expected<void> copy_data(std::string_view bytes) = 0;
  // May answer kMustWait: call it again after the wake.
  virtual Expected<Outcome> copy_done() = 0;
  // The client gave up: ends the statement with 57014 and that message.
  virtual Error copy_fail(std::string_view message) = 0;
};

// The statements of one text, as one implicit transaction block unless they say otherwise: PostgreSQL's
// simple protocol.
//
//     while (query->next()) {                  // false: no more statements
//       auto outcome = query->portal().run(sink, 0);    …kMustWait, kCopyIn as above
//       if (!outcome) break;                   // the rest is not run, the implicit block is rolled back
//     }
//     auto version = query->finish();          // commits the implicit block
class SimpleQuery {
 public:
  virtual ~SimpleQuery() = default;
  // Prepares the next statement. Text without any statement: false at once (an empty query).
  virtual Expected<bool> next() = 0;
  virtual Portal& portal() = 0;
  // Commits what the implicit block holds; the version to wait for, 0: none. Also after errors.
  virtual Expected<Outcome> finish() = 0;
};

class Session {
 public:
  virtual ~Session() = default;

  // --- the extended protocol
  // parameter_oids: 0 or absent: to be inferred. The text holds one statement at most.
  virtual Expected<std::shared_ptr<const Prepared>> parse(
      std::string_view text, std::span<const std::uint32_t> parameter_oids) = 0;
  virtual Expected<std::unique_ptr<Portal>> bind(std::shared_ptr<const Prepared> prepared,
                                                 std::vector<Parameter> parameters) = 0;
  // Ends the implicit transaction that statements outside a block share until Sync.
  virtual Expected<Outcome> sync() = 0;

  // --- the simple protocol
  virtual Expected<std::unique_ptr<SimpleQuery>> simple(std::string_view text) = 0;

  // --- in one piece: each statement's answer as text. A lock that is held answers 55P03 at once.
  virtual Expected<std::vector<TextResult>> query_all(std::string_view text,
                                                      std::string_view null_text = "NULL") = 0;
  // The answer of the last statement.
  virtual Expected<TextResult> query(std::string_view text,
                                     std::string_view null_text = "NULL") = 0;

  // --- rules
  // Makes the rules of a .dl text part of the catalog program under `name`, in a transaction of its own.
  // Unchanged text: nothing happens. Errors leave what runs alone.
  virtual Expected<Outcome> deploy(std::string_view name, std::string_view text) = 0;

  // --- rows that are pushed (push.h), in a transaction of their own
  virtual Expected<PushOutcome> push(const PushBatch& batch) = 0;

  // --- subscriptions
  // The text is one SUBSCRIBE. The waiter, if there is one, is woken as subscription.h says. Not part of
  // any transaction.
  virtual Expected<std::unique_ptr<Subscription>> subscribe(std::string_view text,
                                                            LockWaiter* waiter) = 0;

  // --- state
  virtual std::uint32_t id() const = 0;  // What pg_backend_pid() gives.
  virtual TransactionStatus status() const = 0;
  virtual const SessionOptions& options() const = 0;
  virtual const TextSettings& text_settings() const = 0;
  virtual Expected<std::string> setting(std::string_view name) const = 0;
  // Notices since the last call.
  virtual std::vector<Notice> take_notices() = 0;
  // Settings reported to clients (ParameterStatus) that changed since the last call; at first all of them.
  virtual std::vector<std::pair<std::string, std::string>> take_reported_settings() = 0;
  // Any thread: the running statement ends with 57014, a wait too.
  virtual void cancel() = 0;
  // Any thread: a statement that has run as long as statement_timeout lets it ends with 57014. In how many
  // milliseconds it is worth asking again; 0: the session has no such limit.
  virtual std::int64_t stop_if_late() = 0;
};

}  // namespace entail::engine
