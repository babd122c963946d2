// What each address does.
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "server/http/connection.h"
#include "server/http/json_row.h"
#include "server/http/openapi.h"
#include "server/pgwire/scram.h"
#include "server/pgwire/utf8.h"

namespace entail::http {
namespace {

struct Route {
  std::string_view method, first;  // The first segment of the path.
  bool has_more = false;           // Whether a second one follows.
};
constexpr Route kRoutes[] = {
    {"GET", "", false},         {"GET", "healthz", false},   {"GET", "metrics", false},
    {"GET", "openapi.json"},    {"POST", "query", false},    {"POST", "push", true},
    {"GET", "subscribe", true}, {"GET", "subscribe", false},
};

bool is_method(const Request& request, std::string_view method) {
  return request.method == method || (request.method == "HEAD" && method == "GET");
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// One statement's answer: {"columns": […], "rows": […], "tag": "SELECT 2"}.
class JsonSink final : public engine::RowSink {
 public:
  JsonSink(const engine::Session& session, std::string& out, std::size_t limit)
      : session_(session), out_(out), limit_(limit) {}

  void begin() {
    out_ += "{";
    row_.reset();
    is_first_ = true;
  }
  void describe(const engine::ResultShape& shape) override {
    row_.emplace(shape, session_.text_settings());
    out_ += R"("columns":)";
    row_->append_columns(shape, out_);
    out_ += R"(,"rows":[)";
  }
  void row(const engine::RowView& row) override {
    if (is_full()) return;
    if (!std::exchange(is_first_, false)) out_.push_back(',');
    row_->append(row, out_);
  }
  // Lines are no rows: they are one text.
  void copy_out(std::string_view bytes) override {
    if (!is_full()) lines_ += bytes;
  }
  void end(std::string_view tag) {
    if (row_) out_ += "],";
    if (!lines_.empty()) {
      out_ += R"("lines":)";
      append_json_string(lines_, out_);
      out_.push_back(',');
      lines_.clear();
    }
    out_ += R"("tag":)";
    append_json_string(tag, out_);
    out_ += "}";
  }
  bool is_full() const { return out_.size() + lines_.size() > limit_; }

 private:
  const engine::Session& session_;
  std::string& out_;
  std::string lines_;
  std::size_t limit_;
  std::optional<JsonRow> row_;
  bool is_first_ = true;
};

Error sql_error_of(std::string sqlstate, std::string message, std::string hint = {}) {
  return unexpected(ErrorCode::kInvalidArgument, std::move(message),
                    SqlFields{.sqlstate = std::move(sqlstate), .hint = std::move(hint)})
      .error();
}

// The statements of a request: its body, or "query" of the object that it is.
Expected<std::string> statements_of(const Request& request) {
  if (auto valid = pgwire::check_utf8(request.body); !valid) return unexpected(valid.error());
  if (!request.header("content-type").starts_with("application/json")) return request.body;
  const auto object = nlohmann::json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || !object.contains("query") || !object["query"].is_string()) {
    return unexpected(sql_error_of(
        "22023", R"(the body is no object with the statements as "query": {"query": "SELECT 1"})"));
  }
  return object["query"].get<std::string>();
}

}  // namespace

std::optional<Answer> Connection::route(const Request& request) {
  const std::string first = request.path.empty() ? "" : request.path[0];
  const bool has_more = request.path.size() == 2;
  bool is_known = false;
  std::string allowed;
  for (const Route& known : kRoutes) {
    if (known.first != first || known.has_more != has_more || request.path.size() > 2) continue;
    is_known = true;
    allowed = std::string(known.method);
    if (is_method(request, known.method)) allowed.clear();
  }
  if (!is_known) {
    return error_answer(404, "no_such_address",
                        "there is nothing at this address; /openapi.json has what there is");
  }
  if (!allowed.empty()) {
    Answer answer = error_answer(405, "method_not_allowed", "this address takes " + allowed);
    answer.headers.emplace_back("Allow", allowed == "GET" ? "GET, HEAD" : allowed);
    return answer;
  }
  if (first == "healthz") return health();
  if (auto refused = refuse(request)) return refused;
  if (first.empty())
    return Answer{200, "text/html; charset=utf-8", std::string(openapi_page()), {}};
  if (first == "openapi.json") return Answer{200, "application/json", std::string(openapi()), {}};
  if (first == "metrics") return metrics();
  if (first == "query") return query(request);
  if (first == "push") return push(request);
  return subscribe(request);
}

// ------------------------------------------------------------------------------ who asks

namespace {

struct Credentials {
  std::string user, password;
};

std::optional<Credentials> credentials_of(const Request& request) {
  std::string_view header = request.header("authorization");
  constexpr std::string_view kBasic = "basic ";
  if (header.size() < kBasic.size()) return std::nullopt;
  for (std::size_t i = 0; i < kBasic.size(); ++i) {
    if ((header[i] | 0x20) != (kBasic[i] | 0x20)) return std::nullopt;
  }
  header.remove_prefix(kBasic.size());
  auto text = pgwire::base64_decode(header);
  if (!text) return std::nullopt;
  const std::size_t colon = text->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{text->substr(0, colon), text->substr(colon + 1)};
}

}  // namespace

std::string Connection::user_of(const Request& request) const {
  const auto given = credentials_of(request);
  return given ? given->user : std::string();
}

// Why the client may not ask; nothing: it may.
std::optional<Answer> Connection::refuse(const Request& request) {
  const std::string_view header = request.header("authorization");
  if (!known_credentials_.empty() && known_credentials_ == header) return std::nullopt;
  const auto given = credentials_of(request);
  bool has_users = false;
  std::string verifier;
  on_engine([&] {
    has_users = host_.has_users();
    if (!has_users || !given) return;
    auto known = host_.scram_verifier(given->user);
    if (known) verifier = std::move(*known);
  });
  if (!has_users) return std::nullopt;
  if (given && pgwire::is_password_of(verifier, given->password)) {
    known_credentials_ = header;
    return std::nullopt;
  }
  Answer answer =
      error_answer(401, given ? "28P01" : "28000",
                   given ? "password authentication failed for user \"" + given->user + "\""
                         : "this database has users: name and password are needed");
  answer.headers.emplace_back("WWW-Authenticate", "Basic realm=\"entail\", charset=\"UTF-8\"");
  return answer;
}

// ------------------------------------------------------------------------------ how it goes

Answer Connection::health() {
  std::uint64_t version = 0;
  on_engine([&] { version = host_.version(); });
  return {
      200, "application/json", fmt::format("{{\"status\":\"ok\",\"version\":{}}}\n", version), {}};
}

Answer Connection::metrics() {
  std::string text;
  on_engine([&] { text = host_.metrics().to_openmetrics(); });
  return {200, "application/openmetrics-text; version=1.0.0; charset=utf-8", std::move(text), {}};
}

// ------------------------------------------------------------------------------ SQL

Answer Connection::query(const Request& request) {
  auto text = statements_of(request);
  if (!text) return error_answer(text.error());
  if (auto opened = open_session(request); !opened) return error_answer(opened.error());
  std::unique_ptr<engine::SimpleQuery> simple;
  std::string out = R"({"results":[)";
  JsonSink sink(*session_, out, limits_.answer_bytes);
  std::optional<Error> error;
  bool has_statement = false, is_first = true, is_over = false, must_wait = false;
  std::uint64_t version = 0;
  // As far as it goes without waiting, and no longer than a slice, so that others have their turn.
  const auto go_on = [&] {
    constexpr std::uint64_t kSliceRows = 4096;
    must_wait = false;
    if (simple == nullptr) {
      auto made = session_->simple(*text);
      if (!made) {
        error = made.error();
        return;
      }
      simple = std::move(*made);
    }
    while (!is_over && !error) {
      if (!has_statement) {
        auto next = simple->next();
        if (!next) {
          error = next.error();
          return;
        }
        if (!*next) {
          auto finished = simple->finish();
          if (!finished) {
            error = finished.error();
            return;
          }
          must_wait = finished->progress == engine::Progress::kMustWait;
          if (must_wait) return;
          version = std::max(version, finished->version);
          is_over = true;
          return;
        }
        has_statement = true;
        if (!std::exchange(is_first, false)) out.push_back(',');
        sink.begin();
      }
      auto outcome = simple->portal().run(sink, kSliceRows);
      if (!outcome) {
        error = outcome.error();
        return;
      }
      version = std::max(version, outcome->version);
      if (sink.is_full()) {
        error = sql_error_of("54000",
                             fmt::format("the answer has more than {} bytes", limits_.answer_bytes),
                             "LIMIT it, or ask by PostgreSQL's protocol.");
        return;
      }
      switch (outcome->progress) {
        case engine::Progress::kDone:
          sink.end(outcome->tag);
          has_statement = false;
          break;
        case engine::Progress::kMustWait:
          must_wait = true;
          return;
        case engine::Progress::kSuspended:
          return;
        case engine::Progress::kWaitsForChanges:
          error = sql_error_of("0A000", "SUBSCRIBE does not end, and /query waits for the end",
                               "GET /subscribe/RELATION gives what changes.");
          return;
        case engine::Progress::kCopyIn:
          error = simple->portal().copy_fail("no data can follow here");
          return;
      }
    }
  };
  watch_time();
  auto durable = Expected<void>();
  while (!is_over && !error && !is_cancelled_) {
    was_woken_.store(false, std::memory_order_release);
    durable = on_engine_durably([&] {
      go_on();
      return is_over ? version : std::uint64_t{0};
    });
    if (must_wait) wait_for_wake();
  }
  on_engine([&] { simple.reset(); });
  close_session();
  if (error) return error_answer(*error);
  if (!is_over) return error_answer(503, "57P01", "the server is being stopped");
  if (!durable) return error_answer(durable.error());
  out += fmt::format("],\"version\":{}}}\n", version);
  return {200, "application/json", std::move(out), {}};
}

// ------------------------------------------------------------------------------ rows in

Answer Connection::push(const Request& request) {
  engine::PushBatch batch;
  batch.relation = request.path[1];
  batch.client = request.header("entail-client");
  batch.lines = request.body;
  const std::string_view sequence = request.header("entail-sequence");
  if (batch.client.empty() != sequence.empty()) {
    return error_answer(400, "22023", "Entail-Client and Entail-Sequence go together");
  }
  if (!sequence.empty()) {
    batch.sequence = number_of(sequence);
    if (!batch.sequence) {
      return error_answer(400, "22023",
                          "Entail-Sequence is a number from 0 to 18446744073709551615");
    }
  }
  if (batch.client.size() > 200) {
    return error_answer(400, "22023", "Entail-Client has at most 200 bytes");
  }
  if (auto opened = open_session(request); !opened) return error_answer(opened.error());
  Expected<engine::PushOutcome> outcome = engine::PushOutcome{};
  Expected<void> durable;
  watch_time();
  do {
    was_woken_.store(false, std::memory_order_release);
    durable = on_engine_durably([&] {
      outcome = session_->push(batch);
      return outcome && outcome->progress == engine::Progress::kDone ? outcome->version
                                                                     : std::uint64_t{0};
    });
    if (outcome && outcome->progress == engine::Progress::kMustWait) wait_for_wake();
  } while (outcome && outcome->progress == engine::Progress::kMustWait);
  close_session();
  if (!outcome) return error_answer(outcome.error());
  if (!outcome->errors.empty()) {
    const engine::LineError& first = outcome->errors.front();
    Answer answer;
    answer.status = 400;
    answer.body = R"({"error":)" + error_json(first.error);
    answer.body.pop_back();
    answer.body += fmt::format(R"(,"line":{}}},"lines":[)", first.line);
    for (const engine::LineError& error : outcome->errors) {
      if (&error != &first) answer.body.push_back(',');
      answer.body +=
          fmt::format(R"({{"line":{},"error":)", error.line) + error_json(error.error) + "}";
    }
    answer.body += "]}\n";
    return answer;
  }
  if (!durable) return error_answer(durable.error());
  return {200,
          "application/json",
          fmt::format("{{\"version\":{},\"rows\":{},\"repeated\":{}}}\n", outcome->version,
                      outcome->rows, outcome->is_repeated),
          {}};
}

}  // namespace entail::http
