#include "server/http/request.h"

// As every file that sees Asio.
#define BOOST_ASIO_SEPARATE_COMPILATION

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "vm/base/ascii.h"

namespace entail::http {

namespace beast_http = boost::beast::http;

namespace {

// What %41 and, in a query, + stand for. Nothing: it is malformed.
std::optional<std::string> decoded(std::string_view text, bool is_query) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = ascii_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && is_query) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) {
        return std::nullopt;
      }
      out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
    }
  }
  return out;
}

// False: it is malformed.
bool split_target(std::string_view target, Request& request) {
  if (target.empty() || target.front() != '/') return false;
  const std::size_t question = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(1, question - 1);
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(segment.size() + 1, path.size()));
    auto text = decoded(segment, false);
    if (!text) return false;
    request.path.push_back(std::move(*text));
  }
  std::string_view query = target.substr(std::min(question + 1, target.size()));
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = decoded(pair.substr(0, equals), true);
    auto value = decoded(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return false;
    request.query[*name] = std::move(*value);
  }
  return true;
}

unsigned status_of_state(std::string_view state) {
  if (state == "42P01") return 404;
  if (state == "72000") return 410;
  if (state == "54000") return 413;
  const std::string_view group = state.substr(0, 2);
  if (state == "55P03" || group == "40" || group == "55" || group == "23") return 409;
  if (group == "28") return 403;
  if (group == "0A") return 501;
  if (group == "53" || group == "57") return 503;
  if (group == "XX" || group == "58" || state.empty()) return 500;
  return 400;
}

}  // namespace

std::string_view Request::header(std::string_view lower_case_name) const {
  const auto found = headers.find(std::string(lower_case_name));
  return found != headers.end() ? std::string_view(found->second) : std::string_view();
}

struct RequestReader::Parser {
  beast_http::request_parser<beast_http::string_body> beast;
  bool has_bytes = false;
  bool has_continued = false;
};

RequestReader::RequestReader(std::size_t header_bytes, std::size_t body_bytes)
    : header_bytes_(header_bytes), body_bytes_(body_bytes) {
  reset();
}

RequestReader::~RequestReader() = default;

void RequestReader::reset() {
  parser_ = std::make_unique<Parser>();
  parser_->beast.eager(true);
  parser_->beast.header_limit(static_cast<std::uint32_t>(header_bytes_));
  parser_->beast.body_limit(body_bytes_);
}

bool RequestReader::has_begun() const { return parser_->has_bytes || !buffer_.empty(); }

bool RequestReader::advance() {
  auto& parser = parser_->beast;
  while (!error_ && !parser.is_done()) {
    boost::system::error_code error;
    const std::size_t taken = parser.put(boost::asio::buffer(buffer_), error);
    parser_->has_bytes = parser_->has_bytes || taken > 0;
    buffer_.erase(0, taken);
    if (error == beast_http::error::need_more) {
      if (taken > 0 && !buffer_.empty()) continue;
      return false;
    }
    if (error == beast_http::error::header_limit) {
      error_ = {431, "header_too_large",
                fmt::format("the header has more than {} bytes", header_bytes_)};
    } else if (error == beast_http::error::body_limit) {
      error_ = {413, "body_too_large", fmt::format("the body has more than {} bytes", body_bytes_)};
    } else if (error) {
      error_ = {400, "malformed_request", "this is no request of HTTP/1.1: " + error.message()};
    } else if (taken == 0 && !parser.is_done()) {
      return false;
    }
  }
  return !error_;
}

bool RequestReader::wants_continue() {
  auto& parser = parser_->beast;
  if (!parser.is_header_done() || parser.is_done() || parser_->has_continued) return false;
  parser_->has_continued = true;
  return ascii_lower(std::string_view(parser.get()[beast_http::field::expect].data(),
                                      parser.get()[beast_http::field::expect].size())) ==
         "100-continue";
}

Request RequestReader::take() {
  auto message = parser_->beast.release();
  Request request;
  request.method = std::string(message.method_string());
  request.keeps_alive = message.keep_alive();
  for (const auto& field : message) {
    std::string& value = request.headers[ascii_lower(
        std::string_view(field.name_string().data(), field.name_string().size()))];
    if (!value.empty()) value += ", ";
    value += std::string_view(field.value().data(), field.value().size());
  }
  request.body = std::move(message.body());
  if (!split_target(std::string_view(message.target().data(), message.target().size()), request)) {
    error_ = {400, "malformed_target", "the address of the request is malformed"};
  }
  reset();
  return request;
}

std::string_view status_text(unsigned status) {
  const boost::beast::string_view text =
      beast_http::obsolete_reason(static_cast<beast_http::status>(status));
  return {text.data(), text.size()};
}

std::string to_bytes(const Answer& answer, bool keeps_alive, bool with_body) {
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\n",
      answer.status, status_text(answer.status), answer.type, answer.body.size());
  for (const auto& [name, value] : answer.headers) out += fmt::format("{}: {}\r\n", name, value);
  if (!keeps_alive) out += "Connection: close\r\n";
  out += "\r\n";
  if (with_body) out += answer.body;
  return out;
}

std::string stream_head(std::string_view type) {
  return fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\nX-Accel-Buffering: no\r\nConnection: close\r\n\r\n",
      type);
}

void append_json_string(std::string_view text, std::string& out) {
  out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Answer error_answer(unsigned status, std::string_view code, std::string_view message) {
  Answer answer;
  answer.status = status;
  answer.body = R"({"error":{"code":)";
  append_json_string(code, answer.body);
  answer.body += R"(,"message":)";
  append_json_string(message, answer.body);
  answer.body += "}}\n";
  return answer;
}

Answer error_answer(const RequestError& error) {
  return error_answer(error.status, error.code, error.message);
}

std::string error_json(const Error& error) {
  std::string out = R"({"code":)";
  append_json_string(error.sqlstate().empty() ? "XX000" : error.sqlstate(), out);
  out += R"(,"message":)";
  append_json_string(error.message, out);
  if (error.sql != nullptr) {
    for (const auto& [name, text] :
         {std::pair{"detail", &error.sql->detail}, std::pair{"hint", &error.sql->hint}}) {
      if (text->empty()) continue;
      out += fmt::format(R"(,"{}":)", name);
      append_json_string(*text, out);
    }
    if (error.sql->position > 0) out += fmt::format(R"(,"position":{})", error.sql->position);
  }
  return out + "}";
}

Answer error_answer(const Error& error) {
  Answer answer;
  answer.status = status_of_state(error.sqlstate());
  answer.body = R"({"error":)" + error_json(error) + "}\n";
  return answer;
}

}  // namespace entail::http
