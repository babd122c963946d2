#include "server/http/connection.h"

#include <utility>

namespace entail::http {

Connection::Connection(Host& host, const Limits& limits, Counters& counters,
                       std::unique_ptr<runtime::ByteStream> stream, std::string address)
    : host_(host),
      limits_(limits),
      counters_(counters),
      stream_(std::move(stream)),
      address_(std::move(address)),
      reader_(limits.header_bytes, limits.body_bytes),
      engine_wait_(host.io()),
      event_wait_(host.io()) {}

void Connection::serve() {
  if (host_.tls() != nullptr) {
    // The stream goes into the handshake, and is gone with it where that fails.
    shaking_ = stream_.get();
    const runtime::Alarm alarm(host_.io(), limits_.idle_ms, [this] { shaking_->interrupt(); });
    auto encrypted = host_.tls()->accept(std::move(stream_));
    shaking_ = nullptr;
    if (!encrypted) return;
    stream_ = std::move(*encrypted);
  }
  while (!is_stopping_ && serve_request()) {
  }
  if (is_reading_ahead_) stream_->interrupt();
  while (is_reading_ahead_) event_wait_.wait();
  stream_->close();
}

bool Connection::serve_request() {
  auto request = read_request();
  if (!request) {
    if (reader_.error()) send(error_answer(*reader_.error()), false);
    return false;
  }
  if (reader_.error()) {
    send(error_answer(*reader_.error()), false);
    return false;
  }
  auto answer = route(*request);
  if (!answer) return false;
  const bool keeps_alive = request->keeps_alive && !is_stopping_;
  return send(*answer, keeps_alive, request->method != "HEAD") && keeps_alive;
}

// Nothing: there will be none; the reader knows what is wrong, if something is.
std::optional<Request> Connection::read_request() {
  bool is_late = false;
  // A request is whole by then, and the pause before it is not longer either.
  const runtime::Alarm alarm(host_.io(), limits_.idle_ms, [&] {
    is_late = true;
    stream_->interrupt();
  });
  while (!reader_.advance()) {
    if (reader_.error()) return std::nullopt;
    if (reader_.wants_continue() && !stream_->write("HTTP/1.1 100 Continue\r\n\r\n")) {
      return std::nullopt;
    }
    const auto more = stream_->read(reader_.buffer());
    if (more && *more) continue;
    if (is_late && reader_.has_begun()) {
      send(error_answer(408, "too_slow", "the request did not come in time"), false);
    } else if (more && reader_.has_begun()) {
      send(error_answer(400, "malformed_request", "the request ends before it is whole"), false);
    }
    return std::nullopt;
  }
  return reader_.take();
}

bool Connection::send(const Answer& answer, bool keeps_alive, bool with_body) {
  ++counters_.requests;
  if (answer.status >= 400) ++counters_.refused;
  is_writing_ = true;
  const auto written = stream_->write(to_bytes(answer, keeps_alive, with_body));
  is_writing_ = false;
  return written.has_value();
}

void Connection::stop() {
  is_stopping_ = true;
  runtime::ByteStream* const stream = shaking_ != nullptr ? shaking_ : stream_.get();
  if (stream != nullptr) stream->interrupt();
  event_wait_.signal();
}

void Connection::cancel() {
  stop();
  is_cancelled_ = true;
  if (session_ != nullptr) {
    session_->cancel();
    host_.tick_soon();
  }
  if (is_writing_ && stream_ != nullptr) stream_->abandon();
}

void Connection::wake() {
  was_woken_.store(true, std::memory_order_release);
  event_wait_.signal();
}

void Connection::wait_for_wake() {
  while (!was_woken_.exchange(false, std::memory_order_acq_rel)) event_wait_.wait();
}

// ------------------------------------------------------------------------------ the engine's thread

namespace {

// A piece of work for the engine's thread, on the stack of the fiber that waits for it.
class Call final : public runtime::WorkThread::Job {
 public:
  explicit Call(std::function<void()> body) : body_(std::move(body)) {}
  void run() override { body_(); }

 private:
  std::function<void()> body_;
};

}  // namespace

void Connection::on_engine(const std::function<void()>& work) {
  Call call([&] {
    work();
    engine_wait_.signal();
  });
  host_.engine_thread().post(call);
  engine_wait_.wait();
}

Expected<void> Connection::on_engine_durably(const std::function<std::uint64_t()>& work) {
  Expected<void> result;
  Call call([&] {
    host_.when_durable(work(), [&](Expected<void> done) {
      result = std::move(done);
      engine_wait_.signal();
    });
  });
  host_.engine_thread().post(call);
  engine_wait_.wait();
  return result;
}

Expected<void> Connection::open_session(const Request& request) {
  engine::SessionOptions options;
  const std::string user = user_of(request);
  if (!user.empty()) options.user = user;
  options.application_name = "http";
  options.client_address = address_;
  options.waiter = this;
  options.settings.emplace_back("statement_timeout", std::to_string(limits_.statement_ms));
  Expected<void> result;
  std::unique_ptr<engine::Session> opened;
  on_engine([&] {
    auto made = host_.connect(std::move(options));
    if (made) {
      opened = std::move(*made);
    } else {
      result = unexpected(made.error());
    }
  });
  session_ = std::move(opened);
  return result;
}

void Connection::close_session() {
  alarm_.reset();
  if (session_ == nullptr) return;
  std::unique_ptr<engine::Session> ending = std::move(session_);
  on_engine([&] { ending.reset(); });
}

// The engine's thread cannot look at the time while a statement runs there.
void Connection::watch_time() {
  if (session_ == nullptr) return;
  const std::int64_t again_ms = session_->stop_if_late();
  if (again_ms == 0) return;
  alarm_ = std::make_unique<runtime::Alarm>(host_.io(), again_ms, [this] { watch_time(); });
}

}  // namespace entail::http
