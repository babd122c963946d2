// Conversations without sockets: what clients send, and what they are answered. The engine behind them
// is a stand-in (internal/test_session.h).

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "server/pgwire/conversation.h"
#include "server/pgwire/internal/test_session.h"
#include "vm/base/random.h"

namespace entail::pgwire {
namespace {

using namespace std::string_literals;
using test::TestHost;

// ------------------------------------------------------------------------------ the client

std::string int16(int value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }
std::string int32(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}
std::string frame(char type, const std::string& body) {
  return std::string(1, type) + int32(static_cast<std::uint32_t>(body.size() + 4)) + body;
}
std::string startup(const std::string& parameters, std::uint32_t protocol = 3U << 16U) {
  const std::string body = int32(protocol) + parameters + "\0"s;
  return int32(static_cast<std::uint32_t>(body.size() + 4)) + body;
}
std::string query(const std::string& text) { return frame('Q', text + "\0"s); }
std::string parse(const std::string& name, const std::string& text) {
  return frame('P', name + "\0"s + text + "\0"s + int16(0));
}
std::string bind(const std::string& portal, const std::string& statement,
                 const std::vector<std::string>& values = {}, int format = 0) {
  std::string body = portal + "\0"s + statement + "\0"s + int16(1) + int16(format);
  if (values.empty()) body = portal + "\0"s + statement + "\0"s + int16(0);
  body += int16(static_cast<int>(values.size()));
  for (const std::string& value : values) {
    body += int32(static_cast<std::uint32_t>(value.size())) + value;
  }
  return frame('B', body + int16(1) + int16(format));
}
std::string execute(const std::string& portal, std::uint32_t limit = 0) {
  return frame('E', portal + "\0"s + int32(limit));
}
std::string describe(char kind, const std::string& name) { return frame('D', kind + name + "\0"s); }
const std::string kSync = frame('S', "");

// Each answer as its type and what matters of it: "T D1 D2 C:SELECT_2 Z:I".
std::string summary(std::string_view bytes) {
  std::string text;
  while (bytes.size() >= 5) {
    const char type = bytes[0];
    std::size_t length = 0;
    for (int i = 1; i <= 4; ++i)
      length = length << 8U | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
    REQUIRE(length + 1 <= bytes.size());
    std::string body(bytes.substr(5, length - 4));
    bytes.remove_prefix(length + 1);
    if (!text.empty()) text += ' ';
    text += type;
    if (type == 'Z') text += ":" + body;
    if (type == 'C') text += ":" + body.substr(0, body.size() - 1);
    if (type == 'D') text += ":" + body.substr(6);
    if (type == 'E') {
      const std::size_t code = body.find("\0C"s) + 2;
      text += ":" + body.substr(1, body.find('\0') - 1) + "/" + body.substr(code, 5);
    }
  }
  REQUIRE(bytes.empty());
  return text;
}

struct Client {
  TestHost host;
  Conversation conversation{host, {.cancel_secret = 5}};
  std::uint64_t version = 0;
  int waits = 0;
  bool is_closed = false;

  std::string send(const std::string& bytes) {
    conversation.input().buffer() += bytes;
    std::string answers;
    for (;;) {
      const Conversation::Step step = conversation.advance();
      version = std::max(version, step.version);
      answers += std::exchange(conversation.output(), {});
      if (step.next == Conversation::Next::kMustWait) ++waits;
      if (step.next == Conversation::Next::kClosed) is_closed = true;
      if (step.next == Conversation::Next::kClosed || step.next == Conversation::Next::kNeedsInput)
        break;
    }
    return answers;
  }
  std::string ask(const std::string& bytes) { return summary(send(bytes)); }
  Client& connect() {
    REQUIRE(ask(startup("user\0ann\0"s)) == "R S K Z:I");
    return *this;
  }
};

// ------------------------------------------------------------------------------ the tests

TEST_CASE("the start-up message leads to a session, or to a refusal") {
  CHECK(Client().ask(startup("user\0ann\0database\0shop\0"s)) == "R S K Z:I");
  CHECK(Client().ask(startup("database\0shop\0"s)) == "E:FATAL/28000");
  CHECK(Client().ask(startup("user\0refused\0"s)) == "E:FATAL/28000");
  CHECK(Client().ask(startup("user\0ann\0"s, 2U << 16U)) == "E:FATAL/0A000");
  CHECK(Client().ask(startup("user\0ann\0replication\0true\0"s)) == "E:FATAL/0A000");
  // A newer minor version, and an option that is not known, are negotiated away.
  CHECK(Client().ask(startup("user\0ann\0"s, (3U << 16U) + 2)) == "v R S K Z:I");
  CHECK(Client().ask(startup("user\0ann\0_pq_.x\0y\0"s)) == "v R S K Z:I");

  Client client;
  client.ask(startup("user\0ann\0options\0-c work_mem=4MB --a-b=c\\ d\0TimeZone\0UTC\0"s));
  using Setting = std::pair<std::string, std::string>;
  CHECK(client.host.last->session_options.settings ==
        std::vector<Setting>{{"work_mem", "4MB"}, {"a_b", "c d"}, {"TimeZone", "UTC"}});
  CHECK(client.host.last->session_options.database == "ann");
}

TEST_CASE("a simple query has all its answers and one ReadyForQuery") {
  Client client;
  client.connect();
  CHECK(client.ask(query("ROWS 2")) == "T D:1 D:2 C:SELECT 2 Z:I");
  CHECK(client.ask(query("")) == "I Z:I");
  CHECK(client.ask(query("BEGIN;ROWS 1")) == "C:BEGIN T D:1 C:SELECT 1 Z:T");
  CHECK(client.ask(query("COMMIT")) == "C:COMMIT Z:I");
  CHECK(client.ask(query("ROWS 1;BAD;ROWS 1")) == "T D:1 C:SELECT 1 E:ERROR/22012 Z:I");
  CHECK(client.ask(query("ROWS 1;NOPARSE")) == "T D:1 C:SELECT 1 E:ERROR/42601 Z:I");
  CHECK(client.ask(query("\xff")) == "E:ERROR/22021 Z:I");
}

TEST_CASE("a commit that fails takes the last tag back") {
  Client client;
  client.connect();
  client.host.last->fails_to_commit = true;
  CHECK(client.ask(query("ROWS 1;ROWS 0")) == "T D:1 C:SELECT 1 T E:ERROR/40001 Z:I");
}

TEST_CASE("a long answer comes in pieces and counts all its rows") {
  Client client;
  client.connect();
  const std::string answers = client.send(query("ROWS 100000"));
  CHECK(answers.find("SELECT 100000\0"s) != std::string::npos);
  CHECK(client.ask(query("ROWS 0")) == "T C:SELECT 0 Z:I");
}

TEST_CASE("the extended protocol goes step by step") {
  Client client;
  client.connect();
  CHECK(client.ask(parse("s", "ROWS $1") + describe('S', "s") + kSync) == "1 t T Z:I");
  CHECK(client.ask(bind("", "s", {"2"}) + describe('P', "") + execute("") + kSync) ==
        "2 T D:1 D:2 C:SELECT 2 Z:I");
  // In binary both ways.
  const std::string two = int32(0) + int32(2);
  CHECK(client.ask(bind("", "s", {two}, 1) + execute("") + kSync) ==
        "2 D:" + int32(0) + int32(1) + " D:" + two + " C:SELECT 2 Z:I");
  CHECK(client.ask(parse("", "BEGIN") + bind("", "") + describe('P', "") + execute("") + kSync) ==
        "1 2 n C:BEGIN Z:T");
  CHECK(client.ask(parse("", "") + bind("", "") + execute("") + kSync) == "1 2 I Z:T");
}

TEST_CASE("a portal gives its rows in parts") {
  Client client;
  client.connect();
  CHECK(client.ask(query("BEGIN")) == "C:BEGIN Z:T");
  CHECK(client.ask(parse("", "ROWS 3") + bind("p", "") + execute("p", 2) + kSync) ==
        "1 2 D:1 D:2 s Z:T");
  CHECK(client.ask(execute("p", 2) + kSync) == "D:3 C:SELECT 3 Z:T");
  CHECK(client.ask(execute("p", 2) + kSync) == "C:SELECT 0 Z:T");
  CHECK(client.ask(frame('C', "Pp\0"s) + execute("p") + kSync) == "3 E:ERROR/34000 Z:T");
  // The end of the transaction ends its portals.
  CHECK(client.ask(bind("q", "") + kSync) == "2 Z:T");
  CHECK(client.ask(query("COMMIT")) == "C:COMMIT Z:I");
  CHECK(client.ask(execute("q") + kSync) == "E:ERROR/34000 Z:I");
}

TEST_CASE("after an error everything up to Sync is skipped") {
  Client client;
  client.connect();
  CHECK(client.ask(parse("", "BAD") + bind("", "") + execute("") + parse("", "ROWS 1") + kSync +
                   query("ROWS 0")) == "1 2 E:ERROR/22012 Z:I T C:SELECT 0 Z:I");
  CHECK(client.ask(parse("", "NOPARSE") + bind("", "") + kSync) == "E:ERROR/42601 Z:I");
  CHECK(client.ask(bind("", "none") + kSync) == "E:ERROR/26000 Z:I");
  CHECK(client.ask(describe('S', "none") + kSync) == "E:ERROR/26000 Z:I");
  CHECK(client.ask(describe('X', "none") + kSync) == "E:ERROR/08P01 Z:I");
  CHECK(client.ask(parse("a", "ROWS 1") + parse("a", "ROWS 1") + kSync) == "1 E:ERROR/42P05 Z:I");
  CHECK(client.ask(bind("", "a", {"1"}) + kSync) == "E:ERROR/08P01 Z:I");
  CHECK(client.ask(bind("", "a", {}, 7) + kSync) == "E:ERROR/22023 Z:I");
}

TEST_CASE("a pipeline is answered in order and waits for one version") {
  Client client;
  client.connect();
  std::string sent;
  std::string expected;
  for (int i = 0; i < 3; ++i) {
    sent += parse("", "ROWS 1") + bind("", "") + execute("") + kSync;
    expected += std::string(i == 0 ? "" : " ") + "1 2 D:1 C:SELECT 1 Z:I";
  }
  CHECK(client.ask(sent) == expected);
  CHECK(client.version == client.host.world.versions);
}

TEST_CASE("a statement that waits for a lock goes on where it was") {
  Client client;
  client.connect();
  CHECK(client.ask(query("ROWS 1;WAIT;ROWS 1")) == "T D:1 C:SELECT 1 C:WAIT T D:1 C:SELECT 1 Z:I");
  CHECK(client.waits == 1);
  CHECK(client.ask(parse("", "WAIT") + bind("", "") + execute("") + kSync) == "1 2 C:WAIT Z:I");
  CHECK(client.waits == 2);
}

TEST_CASE("COPY takes data until it is done, fails, or the data is bad") {
  Client client;
  client.connect();
  CHECK(client.ask(query("COPYIN")) == "G");
  CHECK(client.ask(frame('d', "1\t2\n")).empty());
  CHECK(client.ask(frame('d', "3\t4\n") + frame('c', "")) == "C:COPY 1 Z:I");
  CHECK(client.host.world.copied == "1\t2\n3\t4\n");
  CHECK(client.ask(query("COPYIN;ROWS 0") + frame('c', "")) == "G C:COPY 1 T C:SELECT 0 Z:I");

  CHECK(client.ask(query("COPYIN") + frame('f', "no more\0"s)) == "G E:ERROR/57014 Z:I");
  // What is sent behind an error is nobody's.
  CHECK(client.ask(query("COPYIN") + frame('d', "bad") + frame('d', "more") + frame('c', "") +
                   query("ROWS 0")) == "G E:ERROR/22P04 Z:I T C:SELECT 0 Z:I");
  CHECK(client.ask(query("COPYIN") + query("ROWS 0")) == "G E:ERROR/08P01 Z:I");

  CHECK(client.ask(parse("", "COPYIN") + bind("", "") + execute("") + kSync + frame('d', "x") +
                   frame('c', "") + kSync) == "1 2 G C:COPY 1 Z:I");
  CHECK(client.ask(parse("", "COPYIN") + bind("", "") + execute("") + frame('d', "bad") +
                   frame('d', "more") + kSync) == "1 2 G E:ERROR/22P04 Z:I");
}

TEST_CASE("DEALLOCATE forgets what came by Parse") {
  Client client;
  client.connect();
  CHECK(client.ask(parse("_pg3_0", "ROWS 1") + kSync) == "1 Z:I");
  CHECK(client.ask(query("DEALLOCATE \"_pg3_0\"")) == "C:DEALLOCATE Z:I");
  CHECK(client.ask(bind("", "_pg3_0") + kSync) == "E:ERROR/26000 Z:I");
}

TEST_CASE("with users, a proof of the password is asked for") {
  Client client;
  client.host.verifier = make_scram_verifier("secret", "salt");
  CHECK(client.ask(startup("user\0ann\0"s)) == "R");
  CHECK(client.ask(frame('p', "SCRAM-SHA-256\0"s + int32(10) + "n,,n=,r=ab")) == "R");
  CHECK(client.ask(frame('p', "c=biws,r=wrong,p=AAAA")) == "E:FATAL/08P01");
  CHECK(client.is_closed);

  Client impatient;
  impatient.host.verifier = client.host.verifier;
  CHECK(impatient.ask(startup("user\0ann\0"s) + query("ROWS 1")) == "R E:FATAL/08P01");
}

TEST_CASE("mutated conversations are answered or end, and break nothing") {
  const std::string good = query("ROWS 3") + parse("s", "ROWS $1") + bind("p", "s", {"2"}) +
                           describe('S', "s") + describe('P', "p") + execute("p", 1) +
                           execute("p") + kSync + frame('C', "Ss\0"s) + frame('H', "") + kSync +
                           query("COPYIN") + frame('d', "1\t2\n") + frame('c', "") +
                           query("BEGIN;BAD") + query("WAIT") + frame('F', "") + frame('X', "");
  Random random(11);
  std::size_t answered = 0;
  for (int i = 0; i < 3'000; ++i) {
    Client client;
    std::string bytes = startup("user\0ann\0"s) + good;
    const std::size_t changes = random.below(4);
    for (std::size_t change = 0; change < changes; ++change) {
      const std::size_t at = random.below(bytes.size());
      switch (random.below(4)) {
        case 0:
          bytes[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          bytes.erase(at, random.below(9));
          break;
        case 2:
          bytes.insert(at, std::string(random.below(5), static_cast<char>(random.below(5))));
          break;
        default:
          bytes.resize(at + 1);
          break;
      }
    }
    // In pieces of any size.
    std::size_t at = 0;
    while (at < bytes.size() && !client.is_closed) {
      const std::size_t size = 1 + random.below(random.chance(1, 2) ? 5 : 500);
      answered += client.ask(bytes.substr(at, size)).size();
      at += size;
    }
  }
  CHECK(answered > 0);
}

}  // namespace
}  // namespace entail::pgwire
