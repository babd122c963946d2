// Frames, messages, SCRAM and UTF-8: bytes in, values out.

#include <catch2/catch.hpp>
#include <string>

#include "server/pgwire/backend_message.h"
#include "server/pgwire/frame.h"
#include "server/pgwire/frontend_message.h"
#include "server/pgwire/scram.h"
#include "server/pgwire/utf8.h"
#include "vm/base/random.h"

namespace entail::pgwire {
namespace {

using namespace std::string_literals;

std::string message(char type, const std::string& body) {
  std::string bytes(1, type);
  const auto length = static_cast<std::uint32_t>(body.size() + 4);
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(length >> shift);
  return bytes + body;
}

TEST_CASE("a frame is handed out when its last byte has come") {
  FrameReader reader;
  const std::string bytes = message('Q', "SELECT 1\0"s) + message('S', "");
  for (std::size_t i = 0; i + 6 < bytes.size(); ++i) {
    reader.buffer() += bytes[i];
    CHECK_FALSE(reader.is_ready(false));
    REQUIRE(reader.next(true));
  }
  reader.buffer() += bytes.substr(bytes.size() - 6);
  CHECK(reader.is_ready(false));
  auto first = reader.next(true);
  REQUIRE((first && *first));
  CHECK((*first)->type == 'Q');
  CHECK((*first)->body == "SELECT 1\0"s);
  auto second = reader.next(true);
  REQUIRE((second && *second));
  CHECK((*second)->type == 'S');
  auto none = reader.next(true);
  REQUIRE(none);
  CHECK_FALSE(none->has_value());
}

TEST_CASE("lengths and types that cannot be end the connection") {
  struct Case {
    std::string bytes;
    const char* message;
  };
  const Case cases[] = {
      {"Q\0\0\0\3"s, "invalid message length"},
      {"Q\xff\xff\xff\xff"s, "invalid message length"},
      {"S\0\1\0\0"s, "invalid message length"},  // Sync is small.
      {"?\0\0\0\4"s, "invalid frontend message type 63"},
      {"\0\0\0\0\4"s, "invalid frontend message type 0"},
  };
  for (const Case& one : cases) {
    FrameReader reader;
    reader.buffer() = one.bytes;
    CHECK(reader.is_ready(false));
    auto frame = reader.next(true);
    REQUIRE_FALSE(frame);
    CHECK(frame.error().message == one.message);
    CHECK(frame.error().sqlstate() == "08P01");
  }
  FrameReader startup;
  startup.buffer() = "\0\1\0\0"s;
  CHECK(startup.is_ready(true));
  CHECK_FALSE(startup.next_startup());
}

TEST_CASE("the start-up packet tells protocol and parameters, or is another request") {
  const std::string body = "\0\3\0\0user\0ann\0database\0shop\0\0"s;
  auto packet = parse_startup(body);
  REQUIRE(packet);
  const auto& startup = std::get<StartupMessage>(*packet);
  CHECK(startup.major() == 3);
  REQUIRE(startup.parameters.size() == 2);
  CHECK(startup.parameters[1].second == "shop");

  CHECK(std::holds_alternative<SslRequest>(*parse_startup("\x04\xd2\x16\x2f"s)));
  CHECK(std::holds_alternative<GssRequest>(*parse_startup("\x04\xd2\x16\x30"s)));
  const auto cancel = parse_startup("\x04\xd2\x16\x2e\0\0\0\7\0\0\1\0"s);
  REQUIRE(cancel);
  CHECK(std::get<CancelRequest>(*cancel).process_id == 7);
  CHECK(std::get<CancelRequest>(*cancel).secret == 256);

  CHECK_FALSE(parse_startup("\0\3\0\0user\0ann\0"s));
  CHECK_FALSE(parse_startup("\0\3\0\0user\0ann\0\0x"s));
  CHECK_FALSE(parse_startup("\0\3"s));
}

TEST_CASE("Bind tells formats and values, nulls among them") {
  const std::string body =
      "p\0s\0"s + "\0\1\0\1"s + "\0\2"s + "\0\0\0\2ab"s + "\xff\xff\xff\xff"s + "\0\1\0\0"s;
  auto parsed = parse_frontend('B', body);
  REQUIRE(parsed);
  const auto& bind = std::get<BindMessage>(*parsed);
  CHECK(bind.portal == "p");
  CHECK(bind.statement == "s");
  REQUIRE(bind.values.size() == 2);
  CHECK(bind.values[0] == "ab");
  CHECK_FALSE(bind.values[1]);
  CHECK(bind.parameter_formats == std::vector<std::int16_t>{1});
  for (std::size_t size = 0; size < body.size(); ++size) {
    CHECK_FALSE(parse_frontend('B', body.substr(0, size)));
  }
  CHECK_FALSE(parse_frontend('B', body + "x"));
}

TEST_CASE("random bodies are messages or errors, and nothing else") {
  Random random(5);
  const std::string types = "QPBDCESHXdcfpF";
  std::size_t accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string body;
    const std::size_t size = random.below(40);
    // Small numbers and zeroes make lengths and counts that nearly fit.
    for (std::size_t b = 0; b < size; ++b) {
      body += static_cast<char>(random.chance(2, 3) ? random.below(4) : random.below(256));
    }
    for (const char type : types) accepted += parse_frontend(type, body).has_value() ? 1U : 0U;
    static_cast<void>(parse_startup(body).has_value());
    static_cast<void>(parse_sasl_initial(body).has_value());
  }
  CHECK(accepted > 1000);
}

TEST_CASE("an error has all its fields on the wire") {
  std::string out;
  BackendWriter writer(out);
  const Error error = unexpected(ErrorCode::kData, "duplicate key",
                                 SqlFields{.sqlstate = "23505",
                                           .position = 12,
                                           .detail = "Key (id)=(1) already exists.",
                                           .table = "t",
                                           .constraint = "t_pkey"})
                          .error();
  writer.error_response(Severity::kError, error);
  CHECK(
      out.substr(5) ==
      "SERROR\0VERROR\0C23505\0Mduplicate key\0DKey (id)=(1) already exists.\0P12\0tt\0nt_pkey\0\0"s);
  CHECK(out[0] == 'E');
  CHECK(static_cast<std::size_t>(static_cast<unsigned char>(out[4])) == out.size() - 1);
}

TEST_CASE("a row that cannot be finished leaves nothing behind") {
  std::string out;
  BackendWriter writer(out);
  writer.parse_complete();
  const std::string before = out;
  writer.begin_row(2);
  writer.null_value();
  writer.begin_value();
  writer.bytes() += "half";
  writer.abandon_row();
  CHECK(out == before);
}

// ------------------------------------------------------------------------------ SCRAM

// The password and salt of the example in RFC 7677; the numbers below are by another implementation.
constexpr std::string_view kVerifier =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkd"
    "i4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

TEST_CASE("a password's verifier is PostgreSQL's") {
  CHECK(make_scram_verifier("pencil", *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==")) == kVerifier);
}

TEST_CASE("the right proof passes, and the server proves itself, too") {
  ScramServer server(kVerifier, "user", "nonce of server", "secret");
  const auto first = server.answer_first("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  REQUIRE(first);
  CHECK(*first == "r=rOprNGfwEbeRWgbNEkqObm9uY2Ugb2Ygc2VydmVy,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  const auto final = server.answer_final(
      "c=biws,r=rOprNGfwEbeRWgbNEkqObm9uY2Ugb2Ygc2VydmVy,p=RMztr7/sQEX/n+o1m/u4mkCs/"
      "YtKX8W1EyKIZAXN8ac=");
  REQUIRE(final);
  CHECK(*final == "v=b0YUPQ7pIpxfL+hGgdGiWtvCHfdFajvaVPyltDQZe5w=");
}

TEST_CASE("a wrong proof, another nonce and other forms are refused") {
  const auto answer = [](const std::string& message) {
    ScramServer server(kVerifier, "user", "nonce of server", "secret");
    REQUIRE(server.answer_first("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"));
    return server.answer_final(message);
  };
  const std::string channel = "c=biws,r=rOprNGfwEbeRWgbNEkqObm9uY2Ugb2Ygc2VydmVy";
  const auto wrong = answer(channel + ",p=" + base64_encode(std::string(32, 'x')));
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().sqlstate() == "28P01");
  CHECK(wrong.error().message == "password authentication failed for user \"user\"");
  for (const std::string& bad :
       {std::string(), channel, channel + ",p=short",
        "c=eSws" + channel.substr(6) + ",p=RMztr7/sQEX/n+o1m/u4mkCs/YtKX8W1EyKIZAXN8ac=",
        std::string("c=biws,r=other,p=RMztr7/sQEX/n+o1m/u4mkCs/YtKX8W1EyKIZAXN8ac=")}) {
    const auto refused = answer(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().sqlstate() == "08P01");
  }
}

TEST_CASE("a first message out of form is refused") {
  for (const char* bad : {"p=tls-server-end-point,,n=,r=abc", "n,a=other,n=,r=abc", "n,,r=abc",
                          "hello", "", "n,,m=x,n=,r=abc", "n,,n=,r="}) {
    ScramServer server(kVerifier, "user", "nonce of server", "secret");
    CHECK_FALSE(server.answer_first(bad));
  }
}

TEST_CASE("who does not exist gets an answer like anybody, the same each time") {
  ScramServer one("", "nobody", "nonce", "secret of the server");
  ScramServer two("", "nobody", "nonce", "secret of the server");
  const auto first = one.answer_first("n,,n=,r=abcdef");
  const auto again = two.answer_first("n,,n=,r=abcdef");
  REQUIRE(first);
  CHECK(*first == *again);
  const std::string nonce = first->substr(2, first->find(',') - 2);
  const auto refused =
      one.answer_final("c=biws,r=" + nonce + ",p=" + base64_encode(std::string(32, 'x')));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().sqlstate() == "28P01");
}

TEST_CASE("base64 goes both ways and takes nothing else") {
  for (std::size_t size = 0; size < 10; ++size) {
    const std::string bytes = random_bytes(size);
    CHECK(*base64_decode(base64_encode(bytes)) == bytes);
  }
  for (const char* bad : {"a", "ab", "abc", "a===", "ab=c", "abc!", "ab\n=", "===="}) {
    CHECK_FALSE(base64_decode(bad));
  }
}

// ------------------------------------------------------------------------------ UTF-8

TEST_CASE("text is UTF-8 without zero bytes") {
  for (const std::string& good :
       {""s, "plain ascii of more than eight bytes"s, "\u00fc\u20ac\U0001f600"s}) {
    CHECK(check_utf8(good));
  }
  struct Case {
    std::string bytes;
    const char* shown;
  };
  const Case cases[] = {
      {"ab\0cd"s, "0x00"},
      {"\xff"s, "0xff"},
      {"\xc3\x28"s, "0xc3 0x28"},
      {"\xe2\x82"s, "0xe2 0x82"},
      {"\xed\xa0\x80"s, "0xed 0xa0 0x80"},                   // A surrogate.
      {"\xc0\xaf"s, "0xc0 0xaf"},                            // Longer than needed.
      {"12345678\xf4\x90\x80\x80"s, "0xf4 0x90 0x80 0x80"},  // Above the last character.
  };
  for (const Case& one : cases) {
    const auto checked = check_utf8(one.bytes);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().sqlstate() == "22021");
    CHECK(checked.error().message == "invalid byte sequence for encoding \"UTF8\": "s + one.shown);
  }
}

}  // namespace
}  // namespace entail::pgwire
