#include "server/pgwire/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace entail::pgwire {
namespace {

constexpr std::int64_t kStartupMillisMax = 60'000;
constexpr std::size_t kKeptBytes = 2048;  // Of room for output, while the connection is idle.
// Who has sent so much at once sends more: the I/O thread reads while the engine works.
constexpr std::size_t kLentBytesMax = std::size_t{16} << 10U;
// Of what a client says while it is being told of changes; with more, it is not read any further.
constexpr std::size_t kAheadBytesMax = std::size_t{64} << 10U;

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
      wait_(host.io()),
      watch_wait_(host.io()) {}

void Connection::serve() {
  {
    // Who does not say who it is has no place here for long.
    const runtime::Alarm alarm(host_.io(), kStartupMillisMax, [this] {
      if (session_id_ == 0) stream_->interrupt();
    });
    if (greet()) converse();
    end_reading_ahead();
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
      if (!read_more()) return;
    }
    do {
      if (!advance() || !send_output()) return;
      if (step_.next == Conversation::Next::kWatches && !watch()) return;
    } while (step_.next == Conversation::Next::kHasOutput ||
             step_.next == Conversation::Next::kWatches);
    if (step_.next == Conversation::Next::kClosed) return;
  }
}

// False: the client has gone.
bool Connection::read_more() {
  while (is_reading_ahead_) watch_wait_.wait();
  if (has_gone_) return false;
  if (!ahead_.empty()) {
    conversation_.input().buffer() += std::exchange(ahead_, {});
    return true;
  }
  const auto more = stream_->read(conversation_.input().buffer());
  if (more && !*more) return false;
  // Interrupted: the loop says why.
  return more || kicked_;
}

// Parks until there is something to tell. False: there is nobody any more to tell it to.
bool Connection::watch() {
  while (!has_changes_.load(std::memory_order_acquire)) {
    if (kicked_) {
      conversation_.terminate(*kicked_);
      send_output();
      return false;
    }
    if (has_gone_) return false;
    if (!is_reading_ahead_ && ahead_.size() < kAheadBytesMax) read_ahead();
    watch_wait_.wait();
  }
  return true;
}

void Connection::read_ahead() {
  is_reading_ahead_ = true;
  host_.io().spawn([this] {
    const auto more = stream_->read(ahead_);
    has_gone_ = more ? !*more : !kicked_;
    is_reading_ahead_ = false;
    watch_wait_.signal();
  });
}

void Connection::end_reading_ahead() {
  if (!is_reading_ahead_) return;
  stream_->interrupt();
  while (is_reading_ahead_) watch_wait_.wait();
}

// Has the engine's thread go on with the conversation. False: an answer was lost with the disk.
bool Connection::advance() {
  is_with_engine_ = true;
  task_ = Task::kAdvance;
  // Enlisted, so that kick() finds it.
  const bool is_small = conversation_.input().unread_bytes() < kLentBytesMax;
  watch_time();
  const bool can_lend = session_id_ != 0 && is_small && !kicked_ && alarm_ == nullptr &&
                        !is_reading_ahead_ && ahead_.empty();
  if (can_lend) lent_ = stream_->lend();
  has_changes_.store(false, std::memory_order_release);
  host_.engine_thread().post(*this);
  wait_.wait();
  alarm_.reset();
  if (lent_ >= 0) stream_->take_back(std::exchange(lent_, -1));
  is_with_engine_ = false;
  if (std::exchange(was_idle_, false)) kick_for_idleness();
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

// The engine's thread cannot look at the time while a statement runs there.
void Connection::watch_time() {
  if (session_id_ == 0) return;
  const std::int64_t again_ms = conversation_.session()->stop_if_late();
  if (again_ms == 0) return;
  alarm_ = std::make_unique<runtime::Alarm>(host_.io(), again_ms, [this] { watch_time(); });
}

bool Connection::send_output() {
  std::string& output = conversation_.output();
  if (output.empty()) return true;
  is_writing_ = true;
  const auto written = stream_->write(output);
  is_writing_ = false;
  if (output.capacity() > kKeptBytes) {
    std::string().swap(output);
  } else {
    output.clear();
  }
  return written.has_value();
}

void Connection::close_session() {
  task_ = Task::kClose;
  host_.engine_thread().post(*this);
  wait_.wait();
}

void Connection::kick(Error error) {
  if (!kicked_) kicked_ = std::move(error);
  stream_->interrupt();
  watch_wait_.signal();
  if (is_with_engine_ && session_id_ != 0) reclaim(false);
}

void Connection::kick_idle() {
  if (is_with_engine_) {
    reclaim(true);
  } else {
    kick_for_idleness();
  }
}

// What the job is asked for later replaces what it was asked for before it ran.
void Connection::reclaim(bool only_if_idle) {
  reclaim_.only_if_idle = only_if_idle;
  if (!reclaim_.is_posted.exchange(true)) host_.engine_thread().post(reclaim_);
}

void Connection::kick_for_idleness() {
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
  switch (task_) {
    case Task::kAdvance:
      advance_here();
      break;
    case Task::kAnswer:
      answer();
      break;
    case Task::kReceive:
      receive();
      break;
    case Task::kClose:
      conversation_.close_session();
      wait_.signal();
      break;
  }
}

void Connection::advance_here() {
  is_waiting_ = is_watching_ = false;
  was_woken_ = false;
  step_ = conversation_.advance();
  version_ = std::max(version_, step_.version);
  if (step_.next == Conversation::Next::kMustWait) {
    is_waiting_ = true;
    if (was_woken_) wake();
    return;
  }
  if (step_.next == Conversation::Next::kWatches) {
    is_watching_ = true;
    if (was_woken_) has_changes_.store(true, std::memory_order_release);
  }
  const std::uint64_t version = std::exchange(version_, 0);
  if (version == 0) {
    answer();
    return;
  }
  host_.when_durable(version, [this](Expected<void> done) {
    if (!done) lost_ = done.error();
    if (lent_ < 0) {
      wait_.signal();
    } else if (host_.engine_thread().is_here()) {
      answer();
    } else {
      task_ = Task::kAnswer;
      host_.engine_thread().post(*this);
    }
  });
}

// The output may be sent.
void Connection::answer() {
  // Where time is limited, the I/O thread watches it.
  const bool is_limited =
      conversation_.session() != nullptr && conversation_.session()->stop_if_late() != 0;
  const bool must_part = lent_ < 0 || lost_ || is_wanted_ || is_limited ||
                         step_.next != Conversation::Next::kNeedsInput;
  if (must_part || !send_here()) {
    give_back();
    return;
  }
  if (!is_watched_) {
    is_watched_ = host_.engine_thread().watch(lent_, *this);
    if (!is_watched_) {
      give_back();
      return;
    }
  }
  is_idle_ = true;
  if (!has_more_) return;
  // Others first.
  is_idle_ = false;
  task_ = Task::kReceive;
  host_.engine_thread().post(*this);
}

// False: not everything could be sent.
bool Connection::send_here() {
  std::string& output = conversation_.output();
  std::size_t sent = 0;
  while (sent < output.size()) {
    const ssize_t count =
        ::send(lent_, output.data() + sent, output.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    sent += static_cast<std::size_t>(count);
  }
  const bool is_done = sent == output.size();
  output.erase(0, sent);
  if (output.capacity() > kKeptBytes && is_done) std::string().swap(output);
  return is_done;
}

void Connection::ready() {
  has_more_ = true;
  if (!is_idle_) return;  // Looked at when what goes on is answered.
  is_idle_ = false;
  receive();
}

// The next question, as far as it has come.
void Connection::receive() {
  // Shared by all connections, which so keep no more room than what they were sent.
  static thread_local std::array<char, kLentBytesMax> room;
  has_more_ = false;
  ssize_t count = 0;
  do {
    count = ::recv(lent_, room.data(), room.size(), MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno == EAGAIN) {
    if (is_wanted_) {
      give_back();
    } else {
      is_idle_ = true;
    }
    return;
  }
  // The fiber sees for itself what is wrong, or that the client has gone.
  if (count <= 0) {
    give_back();
    return;
  }
  conversation_.input().buffer().append(room.data(), static_cast<std::size_t>(count));
  if (static_cast<std::size_t>(count) == room.size()) {
    give_back();
    return;
  }
  if (conversation_.has_input()) {
    advance_here();
    return;
  }
  if (is_wanted_) {
    give_back();
    return;
  }
  is_idle_ = true;
}

// The fiber goes on. It touches everything from now on.
void Connection::give_back() {
  if (std::exchange(is_watched_, false)) host_.engine_thread().unwatch(lent_, *this);
  is_idle_ = has_more_ = is_wanted_ = false;
  wait_.signal();
}

void Connection::Reclaim::run() {
  is_posted = false;
  const bool for_idleness = only_if_idle;
  if (connection.is_idle_) {
    connection.was_idle_ = for_idleness;
    connection.give_back();
  } else if (!for_idleness) {
    connection.is_wanted_ = true;
  }
}

// The lock wait is over: the job goes on without asking the I/O thread. Or there are changes: the fiber asks for
// them once it has sent what it has.
void Connection::wake() {
  was_woken_ = true;
  if (std::exchange(is_watching_, false)) {
    has_changes_.store(true, std::memory_order_release);
    watch_wait_.signal();
    return;
  }
  if (!std::exchange(is_waiting_, false)) return;
  task_ = Task::kAdvance;
  host_.engine_thread().post(*this);
}

}  // namespace entail::pgwire
