// Connections over sockets of loopback, with the two threads and a stand-in for the engine.

#include <sys/resource.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "server/pgwire/connection.h"
#include "server/pgwire/internal/test_session.h"
#include "server/runtime/control_socket.h"
#include "server/runtime/system_clock.h"
#include "server/runtime/tcp.h"
#include "vm/base/temporary_folder.h"

namespace entail::pgwire {
namespace {

using namespace std::string_literals;

struct TestServer final : ConnectionHost {
  test::TestHost engine;
  runtime::SystemClock clock;
  std::unique_ptr<runtime::IoThread> io_thread = std::move(*runtime::IoThread::start());
  runtime::WorkThread work_thread{{.upkeep = {}, .clock = &clock}};
  std::unique_ptr<runtime::TcpListener> listener =
      std::move(*runtime::TcpListener::open(*io_thread, {.host = "127.0.0.1", .port = 0}));
  std::map<Connection*, std::unique_ptr<Connection>> connections;
  std::atomic<std::size_t> connection_count{0};
  std::atomic<int> durable_calls{0};
  bool loses_commits = false;

  TestServer() {
    io_thread->spawn([this] {
      listener->accept_all(
          [this](std::unique_ptr<runtime::ByteStream> stream, std::string address) {
            auto owned = std::make_unique<Connection>(*this, std::move(stream), std::move(address));
            Connection* const connection = owned.get();
            connections.emplace(connection, std::move(owned));
            ++connection_count;
            io_thread->spawn([this, connection] {
              connection->serve();
              connections.erase(connection);
              --connection_count;
            });
          });
    });
  }
  ~TestServer() override {
    io_thread->run([this] {
      listener->close();
      for (const auto& [connection, owned] : connections) {
        connection->kick(test::sql_error("57P01", "terminating connection").error());
      }
    });
    while (connection_count > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    io_thread.reset();
  }

  Expected<std::unique_ptr<engine::Session>> connect(engine::SessionOptions options) override {
    return engine.connect(std::move(options));
  }
  bool has_users() const override { return engine.has_users(); }
  Expected<std::string> scram_verifier(std::string_view user) const override {
    return engine.scram_verifier(user);
  }
  std::string_view invented_secret() const override { return "secret"; }
  runtime::IoThread& io() override { return *io_thread; }
  runtime::WorkThread& engine_thread() override { return work_thread; }
  void when_durable(std::uint64_t, std::function<void(Expected<void>)> done) override {
    ++durable_calls;
    if (loses_commits) {
      done(unexpected(ErrorCode::kIo, "the disk is gone"));
    } else {
      done({});
    }
  }
  runtime::TlsContext* tls() override { return nullptr; }
  void cancel(const CancelRequest&) override {}
  void enlist(std::uint32_t, Connection&) override {}
  void delist(std::uint32_t) override {}
};

std::string framed(const std::string& type, const std::string& body) {
  const auto length = static_cast<std::uint32_t>(body.size() + 4);
  std::string bytes = type;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(length >> shift);
  return bytes + body;
}
const std::string kStartup = framed("", "\0\3\0\0user\0ann\0\0"s);

// Sends and reads until the answer ends with ReadyForQuery (or the server closes); a fiber's.
std::string converse(runtime::ByteStream& stream, const std::string& bytes) {
  std::string answer;
  if (!stream.write(bytes)) return answer;
  while (!(answer.size() >= 6 && answer.substr(answer.size() - 6, 5) == "Z\0\0\0\5"s)) {
    if (!stream.read(answer).value_or(false)) break;
  }
  return answer;
}

TEST_CASE("a client over a socket is answered, waits for locks and for the disk") {
  TestServer server;
  server.io_thread->run([&] {
    auto stream = runtime::connect_tcp(*server.io_thread, "127.0.0.1", server.listener->port());
    REQUIRE(stream);
    CHECK((*stream)->write(framed("", "\x04\xd2\x16\x2f"s)));  // TLS?
    std::string no;
    CHECK((*stream)->read(no));
    CHECK(no == "N");
    CHECK(converse(**stream, kStartup).starts_with("R"));
    for (int i = 0; i < 50; ++i) {
      const std::string answer = converse(**stream, framed("Q", "ROWS 1\0"s));
      CHECK(answer.find("SELECT 1\0"s) != std::string::npos);
    }
    const std::string large = converse(**stream, framed("Q", "ROWS 50000\0"s));
    CHECK(large.find("SELECT 50000\0"s) != std::string::npos);
    (*stream)->close();
  });
  CHECK(server.durable_calls >= 51);
}

TEST_CASE(
    "a socket that is lent comes back for large answers, for much input, and when somebody asks") {
  TestServer server;
  server.io_thread->run([&] {
    auto stream = runtime::connect_tcp(*server.io_thread, "127.0.0.1", server.listener->port());
    REQUIRE(stream);
    CHECK(converse(**stream, kStartup).starts_with("R"));
    for (int i = 0; i < 3; ++i) {
      CHECK(converse(**stream, framed("Q", "ROWS 1\0"s)).find("SELECT 1\0"s) != std::string::npos);
      CHECK(converse(**stream, framed("Q", "ROWS 50000\0"s)).find("SELECT 50000\0"s) !=
            std::string::npos);
      // In two pieces, and more than is read while the socket is lent.
      const std::string many = framed("Q", "ROWS 1 " + std::string(100'000, ' ') + "\0"s);
      REQUIRE((*stream)->write(many.substr(0, 10)));
      CHECK(converse(**stream, many.substr(10)).size() > 5);
      // Two questions at once.
      const std::string one = framed("Q", "ROWS 1\0"s);
      REQUIRE((*stream)->write(one + one));
      std::string answers;
      while (answers.find("SELECT 1\0"s) == answers.rfind("SELECT 1\0"s)) {
        REQUIRE((*stream)->read(answers).value_or(false));
      }
    }
    // It is idle, and lent.
    for (const auto& [connection, owned] : server.connections) {
      connection->kick(test::sql_error("57P01", "terminating connection").error());
    }
    std::string last;
    while ((*stream)->read(last).value_or(false)) continue;
    CHECK(last.find("57P01") != std::string::npos);
    (*stream)->close();
  });
}

TEST_CASE("who is idle for too long is told so, but not who asks again") {
  TestServer server;
  server.io_thread->run([&] {
    auto stream = runtime::connect_tcp(*server.io_thread, "127.0.0.1", server.listener->port());
    REQUIRE(stream);
    CHECK(converse(**stream, kStartup).starts_with("R"));
    CHECK(converse(**stream, framed("Q", "ROWS 1\0"s)).find("SELECT 1\0"s) != std::string::npos);
    for (const auto& [connection, owned] : server.connections) {
      connection->kick_idle();
      connection->kick_idle();
    }
    std::string last;
    while ((*stream)->read(last).value_or(false)) continue;
    CHECK(last.find("idle") != std::string::npos);
    (*stream)->close();
  });
}

TEST_CASE("what the disk lost is not told") {
  TestServer server;
  server.loses_commits = true;
  server.io_thread->run([&] {
    auto stream = runtime::connect_tcp(*server.io_thread, "127.0.0.1", server.listener->port());
    REQUIRE(stream);
    CHECK(converse(**stream, kStartup).starts_with("R"));
    const std::string answer = converse(**stream, framed("Q", "ROWS 1\0"s));
    CHECK(answer.find("SELECT 1\0"s) == std::string::npos);
    CHECK(answer.find("SFATAL\0"s) != std::string::npos);
    (*stream)->close();
  });
}

std::size_t resident_kb() {
  std::ifstream file("/proc/self/status");
  std::string word;
  while (file >> word) {
    if (word != "VmRSS:") continue;
    std::size_t kb = 0;
    file >> kb;
    return kb;
  }
  return 0;
}

TEST_CASE("a thousand idle connections are cheap, in memory and in time") {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  constexpr std::size_t kConnections = 1000;
  if (limit.rlim_cur < 2 * kConnections + 100) {
    WARN("too few file descriptors are allowed here: left out");
    return;
  }
  TestServer server;
  std::vector<std::unique_ptr<runtime::ByteStream>> streams;
  const std::size_t before = resident_kb();
  server.io_thread->run([&] {
    for (std::size_t i = 0; i < kConnections; ++i) {
      auto stream = runtime::connect_tcp(*server.io_thread, "127.0.0.1", server.listener->port());
      REQUIRE(stream);
      CHECK(converse(**stream, kStartup).starts_with("R"));
      streams.push_back(std::move(*stream));
    }
  });
  const std::size_t grown = resident_kb() - before;
  INFO("1,000 connections and their clients: " << grown << " kB");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(grown < 40'000);
#endif
  std::printf("1,000 idle connections, with their clients in the same process: %zu kB\n", grown);
  const std::clock_t ticks = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(std::clock() - ticks < CLOCKS_PER_SEC / 50);
  server.io_thread->run([&] {
    for (const auto& stream : streams) stream->close();
  });
}

TEST_CASE("a command finds the server that listens, and nobody where none does") {
  const TemporaryFolder folder;
  const std::string path = folder / "control";
  const auto nobody = runtime::ask_control_socket(path, "hello");
  REQUIRE(nobody);
  CHECK_FALSE(nobody->has_value());
  auto io = runtime::IoThread::start();
  REQUIRE(io);
  auto control = runtime::ControlSocket::open(**io, path);
  REQUIRE(control);
  (*io)->spawn([&] {
    (*control)->accept_all([](std::unique_ptr<runtime::ByteStream> stream) {
      std::string line;
      CHECK(stream->read(line));
      CHECK(stream->write("you said " + line));
      stream->close();
    });
  });
  const auto answer = runtime::ask_control_socket(path, "hello");
  REQUIRE(answer);
  CHECK(*answer == "you said hello");
  (*io)->run([&] { (*control)->close(); });
  io->reset();
  CHECK_FALSE(runtime::ask_control_socket(path, "hello")->has_value());
}

}  // namespace
}  // namespace entail::pgwire
