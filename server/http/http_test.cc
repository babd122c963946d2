// Requests out of bytes, answers into them; events; rows as JSON.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "server/http/event_stream.h"
#include "server/http/openapi.h"
#include "server/http/request.h"
#include "vm/type_table.h"

namespace entail::http {
namespace {

// The requests in the bytes, given so many at a time: "METHOD path,path?name=value body" each, and the status of
// what is wrong.
std::string read_all(std::string_view bytes, std::size_t piece) {
  RequestReader reader(1000, 1000);
  std::string out;
  const auto take_all = [&] {
    while (reader.advance()) {
      const Request request = reader.take();
      out += request.method + " ";
      for (const std::string& segment : request.path) out += segment + ",";
      for (const auto& [name, value] : request.query) out += "?" + name + "=" + value;
      out += " " + request.body + ";";
      if (reader.error()) break;
    }
    if (reader.error()) out += std::to_string(reader.error()->status);
    return !reader.error();
  };
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.buffer() += bytes.substr(at, piece);
    if (!take_all()) return out;
  }
  return out;
}

TEST_CASE("requests are read whatever the pieces they come in") {
  const std::string bytes =
      "GET /a%20b/c?x=1%2B1&y=a+b&z HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /q HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
      "POST /q HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
      "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const std::size_t piece : {1U, 2U, 7U, 50U, 1000U}) {
    CHECK(read_all(bytes, piece) ==
          "GET a b,c,?x=1+1?y=a b?z= ;POST q, hello;POST q, abcde;GET  ;");
  }
}

TEST_CASE("what is malformed or too much is told by its status") {
  const auto status = [](const std::string& bytes) {
    const std::string out = read_all(bytes, 4096);
    return out.size() < 3 ? out : out.substr(out.size() - 3);
  };
  CHECK(status("nonsense\r\n\r\n") == "400");
  CHECK(status("GET /%4 HTTP/1.1\r\nHost: h\r\n\r\n") == "400");
  CHECK(status("GET / HTTP/1.1\r\nA: " + std::string(2000, 'b') + "\r\n\r\n") == "431");
  CHECK(status("POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n") == "413");
  CHECK(status("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
               std::string(1001, 'x')) == "413");
  CHECK(status("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc") == "400");
}

TEST_CASE("requests with mistakes at random end in an error or in a request") {
  const std::string good =
      "POST /push/t?a=b HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\nExpect: "
      "100-continue\r\n\r\n{\"id\": 1234}";
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (unsigned change = 0; change < 1 + random() % 5; ++change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const std::string out = read_all(bytes, 1 + random() % 40);
    CHECK(out.size() < 2000);
  }
}

TEST_CASE("an error is one object, whatever its bytes") {
  const Answer answer = error_answer(404, "42P01", "no \"such\" \xff\n relation");
  const auto object = nlohmann::json::parse(answer.body);
  CHECK(object["error"]["code"] == "42P01");
  CHECK(to_bytes(answer, false).find("HTTP/1.1 404 Not Found\r\n") == 0);
  CHECK(to_bytes(answer, true, false).find("such") == std::string::npos);
}

TEST_CASE("the description is well formed, and its page needs nothing from elsewhere") {
  const auto document = nlohmann::json::parse(openapi());
  CHECK(document["paths"].size() == 7);
  CHECK(openapi_page().find("://") == std::string_view::npos);
}

TEST_CASE("events tell what a subscription gives, their ids when a version is whole") {
  const vm::TypeTable types;
  vm::ValuePool pool(types);
  engine::ResultShape shape;
  for (const char* const name : {"a", "a"}) {
    engine::OutputColumn column;
    column.name = name;
    column.type = vm::Type::of(vm::TypeKind::kInt8);
    column.type_oid = 20;
    shape.add(std::move(column));
  }
  const vm::Word words[] = {vm::int_word(7), 0, 0, 1};
  const engine::RowView row(shape, pool, words);
  const engine::TextSettings settings;
  EventWriter events(shape, settings);
  events.progress(5);
  events.change(5, 1, row, true);
  events.end_version(5, true);
  events.progress(6);
  events.change(6, -1, row, false);
  events.end_version(6, false);
  CHECK(events.output() ==
        "event: progress\ndata: {\"version\":5}\n\n"
        "event: snapshot\nid: 5\ndata: "
        "{\"version\":5,\"complete\":true,\"rows\":[{\"a\":7,\"a_2\":null}]}\n\n"
        "event: progress\nid: 5\ndata: {\"version\":6}\n\n"
        "event: changes\nid: 6\ndata: "
        "{\"version\":6,\"complete\":true,\"changes\":[{\"op\":\"-\",\"row\":"
        "{\"a\":7,\"a_2\":null}}]}\n\n");
}

}  // namespace
}  // namespace entail::http
