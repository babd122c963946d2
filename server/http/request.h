// server/http/request.h - HTTP/1.1 as bytes: requests out of them, answers into them.
//
// Beast's parser does the reading; it is seen by request.cc alone.
//
// Threads: plain values. Sources: RFC 9110, RFC 9112.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vm/base/expected.h"

namespace entail::http {

struct Request {
  std::string method;
  std::vector<std::string> path;             // Segments, decoded.
  std::map<std::string, std::string> query;  // Decoded; the last of a name counts.
  std::map<std::string, std::string>
      headers;  // By lower-case name; several of a name joined by ", ".
  std::string body;
  bool keeps_alive = true;

  // Empty: there is none.
  std::string_view header(std::string_view lower_case_name) const;
};

// What a client may not send, with the status that says so.
struct RequestError {
  unsigned status = 400;
  std::string code, message;
};

class RequestReader {
 public:
  RequestReader(std::size_t header_bytes, std::size_t body_bytes);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  // Where bytes that have come are put.
  std::string& buffer() { return buffer_; }
  // Takes what it needs of them. True: a request is whole; what is left begins the next one.
  [[nodiscard]] bool advance();
  // Why there will never be a request: to be answered, and the connection closed.
  const std::optional<RequestError>& error() const { return error_; }
  // Some of a request has come.
  bool has_begun() const;
  // The client waits to be told that it may send the body. Once.
  bool wants_continue();
  // REQUIRES: advance() said true. The reader is as new.
  Request take();

 private:
  struct Parser;
  void reset();

  std::size_t header_bytes_, body_bytes_;
  std::string buffer_;
  std::unique_ptr<Parser> parser_;
  std::optional<RequestError> error_;
};

struct Answer {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

std::string_view status_text(unsigned status);
// `with_body`: not for HEAD.
std::string to_bytes(const Answer& answer, bool keeps_alive, bool with_body = true);
// The head of an answer whose end is that of the connection.
std::string stream_head(std::string_view type);

// {"error": {"code": …, "message": …}}
Answer error_answer(unsigned status, std::string_view code, std::string_view message);
Answer error_answer(const RequestError& error);
// With the status that goes with the SQLSTATE.
Answer error_answer(const Error& error);
// The same as the object alone: {"code": …, "message": …, "detail": …, "hint": …}.
std::string error_json(const Error& error);

// As a string of JSON, quotes included. Bytes that are not UTF-8 are replaced.
void append_json_string(std::string_view text, std::string& out);

}  // namespace entail::http
