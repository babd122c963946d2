#include "server/pgwire/connection.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace entail::pgwire {
namespace {

constexpr std::int64_t kStartupMillisMax = 60'000;

std::uint32_t random_secret() {
  const std::string bytes = random_bytes(sizeof(std::uint32_t));
  std::uint32_t secret = 0;
  std::memcpy(&secret, bytes.data(), sizeof secret);
  return secret;
}

}  // namespace

Connection::Connection(ConnectionHost& host, std::unique_ptr<runtime::ByteStream> stream,
                       std::string address)
    : host_(host),
      stream_(std::move(stream)),
      secret_(random_secret()),
      conversation_(
          host, {.client_address = std::move(address), .waiter = this, .cancel_secret = secret_}),
      wait_(host.io()) {}

void Connection::serve() {
  {
    // Who does not say who it is has no place here for long.
    const runtime::Alarm alarm(host_.io(), kStartupMillisMax, [this] {
      if (session_id_ == 0) stream_->interrupt();
    });
    if (greet()) converse();
  }
  // Who never had a session must not wait for the engine: it may be busy with the very query that this
  // connection came to cancel.
  if (session_id_ != 0) {
    host_.delist(session_id_);
    close_session();
  }
  stream_->close();
}

// What comes before the start-up message. False: there will be none.
bool Connection::greet() {
  FrameReader& input = conversation_.input();
  bool is_encrypted = false;
  for (;;) {
    auto frame = input.next_startup();
    if (!frame) break;  // The conversation says what is wrong.
    if (!*frame) {
      const auto more = stream_->read(input.buffer());
      if (!more || !*more) return false;
      continue;
    }
    auto packet = parse_startup((*frame)->body);
    if (!packet) break;
    if (const auto* const request = std::get_if<CancelRequest>(&*packet)) {
      host_.cancel(*request);
      return false;
    }
    if (std::holds_alternative<StartupMessage>(*packet)) break;
    const bool accepts_tls =
        std::holds_alternative<SslRequest>(*packet) && host_.tls() != nullptr && !is_encrypted;
    // Whatever came behind the request came in the clear and may be anybody's.
    if (accepts_tls && input.unread_bytes() > 0) {
      conversation_.terminate(
          unexpected(ErrorCode::kInvalidArgument, "received unencrypted data after SSL request",
                     SqlFields{.sqlstate = "08P01",
                               .detail = "This could be either a client-software bug or evidence "
                                         "of an attempted man-in-the-middle attack."})
              .error());
      send_output();
      return false;
    }
    if (!stream_->write(accepts_tls ? "S" : "N")) return false;
    if (!accepts_tls) continue;
    auto encrypted = host_.tls()->accept(std::move(stream_));
    if (!encrypted) {
      // The stream went into the handshake and is gone with it.
      struct NoStream final : runtime::ByteStream {
        Expected<bool> read(std::string&) override { return false; }
        Expected<void> write(std::string_view) override { return {}; }
        void interrupt() override {}
        void abandon() override {}
        void close() override {}
      };
      stream_ = std::make_unique<NoStream>();
      return false;
    }
    stream_ = std::move(*encrypted);
    is_encrypted = true;
  }
  input.put_back();
  return true;
}

void Connection::converse() {
  for (;;) {
    while (!conversation_.has_input()) {
      if (kicked_) {
        conversation_.terminate(*kicked_);
        send_output();
        return;
      }
      conversation_.input().release_room();
      const auto more = stream_->read(conversation_.input().buffer());
      if (more && !*more) return;
      // Interrupted: the loop says why.
      if (!more && !kicked_) return;
    }
    do {
      if (!advance() || !send_output()) return;
    } while (step_.next == Conversation::Next::kHasOutput);
    if (step_.next == Conversation::Next::kClosed) return;
  }
}

// Has the engine's thread go on with the conversation. False: an answer was lost with the disk.
bool Connection::advance() {
  is_with_engine_ = true;
  host_.engine_thread().post(*this);
  wait_.wait();
  is_with_engine_ = false;
  if (session_id_ == 0 && conversation_.session() != nullptr) {
    session_id_ = conversation_.session()->id();
    host_.enlist(session_id_, *this);
  }
  if (!lost_) return true;
  // Whether the commit outlives us is not known: nothing of the answer may be told.
  conversation_.output().clear();
  conversation_.terminate(*lost_);
  send_output();
  return false;
}

bool Connection::send_output() {
  std::string& output = conversation_.output();
  if (output.empty()) return true;
  is_writing_ = true;
  const auto written = stream_->write(output);
  is_writing_ = false;
  constexpr std::size_t kKeptBytes = 2048;
  if (output.capacity() > kKeptBytes) {
    std::string().swap(output);
  } else {
    output.clear();
  }
  return written.has_value();
}

void Connection::close_session() {
  is_closing_ = true;
  host_.engine_thread().post(*this);
  wait_.wait();
}

void Connection::kick(Error error) {
  if (!kicked_) kicked_ = std::move(error);
  stream_->interrupt();
}

void Connection::kick_idle() {
  if (is_with_engine_) return;  // It is not idle any more.
  const bool is_in_transaction =
      session_id_ != 0 && conversation_.session()->status() != engine::TransactionStatus::kIdle;
  kick(is_in_transaction
           ? unexpected(ErrorCode::kCancelled,
                        "terminating connection due to idle-in-transaction timeout",
                        SqlFields{.sqlstate = "25P03"})
                 .error()
           : unexpected(ErrorCode::kCancelled, "terminating connection due to idle-session timeout",
                        SqlFields{.sqlstate = "57P05"})
                 .error());
}

void Connection::abandon() {
  if (is_writing_) stream_->abandon();
}

void Connection::cancel(std::uint32_t secret) {
  if (secret == secret_) cancel();
}

void Connection::cancel() {
  // It is there as long as we are enlisted.
  if (session_id_ != 0) conversation_.session()->cancel();
}

// ------------------------------------------------------------------------------ the engine's thread

void Connection::run() {
  is_waiting_ = false;
  was_woken_ = false;
  if (is_closing_) {
    conversation_.close_session();
    wait_.signal();
    return;
  }
  step_ = conversation_.advance();
  version_ = std::max(version_, step_.version);
  if (step_.next == Conversation::Next::kMustWait) {
    is_waiting_ = true;
    if (was_woken_) wake();
    return;
  }
  const std::uint64_t version = std::exchange(version_, 0);
  if (version == 0) {
    wait_.signal();
    return;
  }
  host_.when_durable(version, [this](Expected<void> done) {
    if (!done) lost_ = done.error();
    wait_.signal();
  });
}

// The lock wait is over: the job goes on without asking the I/O thread.
void Connection::wake() {
  was_woken_ = true;
  if (!std::exchange(is_waiting_, false)) return;
  host_.engine_thread().post(*this);
}

}  // namespace entail::pgwire
