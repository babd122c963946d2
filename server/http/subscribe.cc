// GET /subscribe: a subscription as server-sent events.
#include <fmt/format.h>

#include <array>

#include "server/http/connection.h"
#include "server/http/event_stream.h"

namespace entail::http {
namespace {

constexpr std::uint64_t kSliceRows = 512;
constexpr std::size_t kSliceBytes = std::size_t{64} << 10U;

// "schema.name" as SQL writes it.
std::string quoted_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '.') {
      out += "\".\"";
    } else {
      out.push_back(c);
      if (c == '"') out.push_back('"');
    }
  }
  return out + "\"";
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 18 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The SUBSCRIBE that the request stands for, or what is wrong with it.
Expected<std::string> statement_of(const Request& request) {
  const auto malformed = [](std::string message) {
    return unexpected(ErrorCode::kInvalidArgument, std::move(message),
                      SqlFields{.sqlstate = "22023"});
  };
  constexpr std::array<std::string_view, 5> kKnown = {"query", "as_of", "up_to", "snapshot",
                                                      "progress"};
  for (const auto& [name, value] : request.query) {
    bool is_known = false;
    for (const std::string_view known : kKnown) is_known = is_known || known == name;
    if (!is_known) return malformed("\"" + name + "\" is no parameter of a subscription");
  }
  std::string text = "SUBSCRIBE ";
  const auto query = request.query.find("query");
  if (request.path.size() == 2) {
    if (query != request.query.end()) return malformed("a relation or a query, not both");
    text += quoted_name(request.path[1]);
  } else {
    if (query == request.query.end()) {
      return malformed("what is subscribed to is missing: /subscribe/RELATION, or ?query=SELECT…");
    }
    text += "(" + query->second + ")";
  }
  std::string options;
  const std::string_view last = request.header("last-event-id");
  if (!last.empty()) {
    if (!is_number(last)) return malformed("Last-Event-ID is no version");
    text += fmt::format(" AS OF {}", last);
    options = "SNAPSHOT = false";
  }
  for (const auto& [name, clause] :
       {std::pair{"as_of", " AS OF "}, std::pair{"up_to", " UP TO "}}) {
    const auto found = request.query.find(name);
    if (found == request.query.end()) continue;
    if (!is_number(found->second)) return malformed(fmt::format("{} is no version", name));
    if (name == std::string_view("as_of") && !last.empty()) continue;
    text += clause + found->second;
  }
  for (const char* const name : {"snapshot", "progress"}) {
    const auto found = request.query.find(name);
    if (found == request.query.end()) continue;
    if (found->second != "true" && found->second != "false") {
      return malformed(fmt::format("{} is true or false", name));
    }
    if (name == std::string_view("snapshot") && !last.empty()) continue;
    if (!options.empty()) options += ", ";
    options += fmt::format("{} = {}", name, found->second);
  }
  if (!options.empty()) text += " WITH (" + options + ")";
  return text;
}

}  // namespace

std::optional<Answer> Connection::subscribe(const Request& request) {
  auto text = statement_of(request);
  if (!text) return error_answer(text.error());
  if (auto opened = open_session(request); !opened) return error_answer(opened.error());
  std::unique_ptr<engine::Subscription> subscription;
  std::optional<Error> error;
  on_engine([&] {
    auto made = session_->subscribe(*text, this);
    if (made) {
      subscription = std::move(*made);
    } else {
      error = made.error();
    }
  });
  if (error) {
    close_session();
    return error_answer(*error);
  }
  if (request.method != "HEAD") stream(*subscription);
  on_engine([&] { subscription.reset(); });
  close_session();
  return std::nullopt;
}

void Connection::stream(engine::Subscription& subscription) {
  ++counters_.requests;
  if (!stream_->write(stream_head("text/event-stream"))) return;
  EventWriter events(subscription.shape(), session_->text_settings());
  using Reading = engine::Subscription::Reading;
  Reading reading = Reading::kMore;
  std::optional<Error> error;
  bool must_beat = false;
  const auto fill = [&] {
    do {
      auto read = subscription.read(events, kSliceRows);
      if (!read) {
        error = read.error();
        events.error(*error);
        return;
      }
      reading = *read;
    } while (reading == Reading::kMore && events.output().size() < kSliceBytes);
    if (reading == Reading::kEnded) events.end();
  };
  while (!is_stopping_ && !has_gone_) {
    was_woken_.store(false, std::memory_order_release);
    on_engine(fill);
    std::string& output = events.output();
    if (output.empty() && std::exchange(must_beat, false)) output = ":\n\n";
    is_writing_ = true;
    const auto written = stream_->write(output);
    is_writing_ = false;
    std::string().swap(output);
    if (!written || error || reading == Reading::kEnded) return;
    if (reading == Reading::kMore) continue;
    const runtime::Alarm heartbeat(host_.io(), limits_.heartbeat_ms, [&] {
      must_beat = true;
      event_wait_.signal();
    });
    while (!was_woken_.load(std::memory_order_acquire) && !must_beat && !is_stopping_ &&
           !has_gone_) {
      if (!is_reading_ahead_) {
        // What a client says while it is being told is nobody's business; that it goes is.
        is_reading_ahead_ = true;
        host_.io().spawn([this] {
          std::string ignored;
          const auto more = stream_->read(ignored);
          has_gone_ = has_gone_ || !more || !*more;
          is_reading_ahead_ = false;
          event_wait_.signal();
        });
      }
      event_wait_.wait();
    }
  }
}

}  // namespace entail::http
