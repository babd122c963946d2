// Fibers, threads and sockets, on loopback.

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "server/runtime/io_thread.h"
#include "server/runtime/system_clock.h"
#include "server/runtime/tcp.h"
#include "server/runtime/timer.h"
#include "server/runtime/tls.h"
#include "server/runtime/work_thread.h"
#include "vm/base/temporary_folder.h"

namespace entail::runtime {
namespace {

TEST_CASE("a fiber waits for what another thread signals, again and again") {
  auto io = IoThread::start();
  REQUIRE(io);
  SystemClock clock;
  WorkThread worker({.upkeep = {}, .clock = &clock});
  struct Count final : WorkThread::Job {
    FiberWait* wait = nullptr;
    int runs = 0;
    void run() override {
      ++runs;
      wait->signal();
    }
  };
  std::vector<Count> counts(20);
  std::vector<std::promise<void>> done(counts.size());
  std::vector<std::unique_ptr<FiberWait>> waits;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    waits.push_back(std::make_unique<FiberWait>(**io));
    counts[i].wait = waits.back().get();
    (*io)->spawn([&, i] {
      for (int n = 0; n < 100; ++n) {
        worker.post(counts[i]);
        waits[i]->wait();
      }
      done[i].set_value();
    });
  }
  for (std::promise<void>& one : done) one.get_future().wait();
  for (const Count& count : counts) CHECK(count.runs == 100);
}

TEST_CASE("a signal before the wait is not lost") {
  auto io = IoThread::start();
  REQUIRE(io);
  FiberWait wait(**io);
  wait.signal();
  bool is_over = false;
  (*io)->run([&] {
    wait.wait();
    is_over = true;
  });
  CHECK(is_over);
}

TEST_CASE("the engine's thread looks after itself when the time has come") {
  SystemClock clock;
  std::atomic<int> calls{0};
  WorkThread worker({.upkeep = [&]() -> std::int64_t {
                       ++calls;
                       return calls < 3 ? clock.now_us() + 1000 : 0;
                     },
                     .clock = &clock});
  worker.run([] {});
  for (int i = 0; i < 1000 && calls < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(calls == 3);
}

TEST_CASE("the engine's thread answers by the sockets that it watches, and runs jobs between") {
  SystemClock clock;
  WorkThread worker({.upkeep = {}, .clock = &clock});
  struct Echo final : WorkThread::Watcher {
    int socket = -1;
    int calls = 0;
    void ready() override {
      ++calls;
      char bytes[64];
      const ssize_t count = ::recv(socket, bytes, sizeof bytes, MSG_DONTWAIT);
      if (count > 0) REQUIRE(::send(socket, bytes, static_cast<std::size_t>(count), 0) == count);
    }
  };
  std::vector<Echo> echoes(3);
  std::vector<int> clients;
  for (Echo& echo : echoes) {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    clients.push_back(pair[0]);
    echo.socket = pair[1];
    worker.run([&] {
      CHECK(worker.is_here());
      CHECK(worker.watch(echo.socket, echo));
    });
  }
  CHECK_FALSE(worker.is_here());
  for (int n = 0; n < 50; ++n) {
    for (const int client : clients) REQUIRE(::send(client, "question", 8, 0) == 8);
    worker.run([] {});
    for (const int client : clients) {
      char bytes[64];
      CHECK(::recv(client, bytes, 8, MSG_WAITALL) == 8);
    }
  }
  worker.run([&] {
    for (Echo& echo : echoes) worker.unwatch(echo.socket, echo);
  });
  const int before = echoes[0].calls;
  REQUIRE(::send(clients[0], "nobody", 6, 0) == 6);
  worker.run([] {});
  CHECK(echoes[0].calls == before);
  for (std::size_t i = 0; i < echoes.size(); ++i) {
    ::close(clients[i]);
    ::close(echoes[i].socket);
  }
}

TEST_CASE("addresses to listen on are read in all their forms") {
  struct Case {
    const char* text;
    const char* host;
    int port;
  };
  const Case good[] = {
      {"127.0.0.1:5433", "127.0.0.1", 5433},
      {"127.0.0.1", "127.0.0.1", 5433},
      {":0", "127.0.0.1", 0},
      {"[::1]:6000", "::1", 6000},
      {"[::1]", "::1", 5433},
      {"*:1", "*", 1},
  };
  for (const Case& one : good) {
    const auto address = parse_listen_address(one.text);
    REQUIRE(address);
    CHECK(address->host == one.host);
    CHECK(address->port == one.port);
  }
  for (const char* bad : {"a:", "a:b", "a:70000", "a:-1", "[::1"}) {
    CHECK_FALSE(parse_listen_address(bad));
  }
}

// A listener that hands each connection to `serve`, and a client's end of one.
struct Pair {
  std::unique_ptr<IoThread> io;
  std::unique_ptr<TcpListener> listener;

  explicit Pair(const std::function<void(std::unique_ptr<ByteStream>)>& serve) {
    io = std::move(*IoThread::start());
    listener = std::move(*TcpListener::open(*io, {.host = "127.0.0.1", .port = 0}));
    io->spawn([this, serve] {
      listener->accept_all([this, serve](std::unique_ptr<ByteStream> stream, const std::string&) {
        auto shared = std::make_shared<std::unique_ptr<ByteStream>>(std::move(stream));
        io->spawn([shared, serve] { serve(std::move(*shared)); });
      });
    });
  }
  ~Pair() {
    io->run([this] { listener->close(); });
    io.reset();
  }
};

TEST_CASE("what is written at one end is read at the other") {
  Pair pair([](std::unique_ptr<ByteStream> stream) {
    std::string bytes;
    while (true) {
      auto more = stream->read(bytes);
      if (!more || !*more) break;
      if (!stream->write(bytes)) break;
      bytes.clear();
    }
    stream->close();
  });
  const std::string sent(3'000'000, 'x');
  std::string received;
  pair.io->run([&] {
    auto stream = connect_tcp(*pair.io, "127.0.0.1", pair.listener->port());
    REQUIRE(stream);
    FiberWait written(*pair.io);
    pair.io->spawn([&] {
      CHECK((*stream)->write(sent));
      written.signal();
    });
    while (received.size() < sent.size()) {
      auto more = (*stream)->read(received);
      if (!more || !*more) break;
    }
    written.wait();
    (*stream)->close();
  });
  CHECK(received == sent);
}

TEST_CASE("a read that is interrupted says so") {
  Pair pair([](std::unique_ptr<ByteStream> stream) {
    std::string bytes;
    while (stream->read(bytes).value_or(false)) {
    }
  });
  ErrorCode code = ErrorCode::kIo;
  pair.io->run([&] {
    auto stream = connect_tcp(*pair.io, "127.0.0.1", pair.listener->port());
    REQUIRE(stream);
    const Alarm alarm(*pair.io, 5, [&] { (*stream)->interrupt(); });
    std::string bytes;
    const auto more = (*stream)->read(bytes);
    if (!more) code = more.error().code;
    (*stream)->close();
  });
  CHECK(code == ErrorCode::kCancelled);
}

TEST_CASE("TLS carries bytes both ways, and files that are none are named") {
  const TemporaryFolder folder;
  const std::string certificate = folder / "cert.pem";
  const std::string key = folder / "key.pem";
  const std::string command =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout " + key +
      " -out " + certificate + " >/dev/null 2>&1";
  if (std::system(command.c_str()) != 0) {
    WARN("no openssl program here: the TLS test is left out");
    return;
  }
  CHECK_FALSE(TlsContext::load(key, certificate));
  const auto missing = TlsContext::load(folder / "none", key);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.find("none") != std::string::npos);

  auto context = TlsContext::load(certificate, key);
  REQUIRE(context);
  Pair pair([&](std::unique_ptr<ByteStream> stream) {
    auto encrypted = (*context)->accept(std::move(stream));
    if (!encrypted) return;
    std::string bytes;
    while ((*encrypted)->read(bytes).value_or(false)) {
      if (!(*encrypted)->write(bytes)) break;
      bytes.clear();
    }
    (*encrypted)->close();
  });
  const std::string sent(200'000, 'y');
  std::string received;
  pair.io->run([&] {
    auto plain = connect_tcp(*pair.io, "127.0.0.1", pair.listener->port());
    REQUIRE(plain);
    auto stream = TlsContext::connect(std::move(*plain));
    REQUIRE(stream);
    CHECK((*stream)->write(sent));
    while (received.size() < sent.size()) {
      if (!(*stream)->read(received).value_or(false)) break;
    }
    (*stream)->close();
  });
  CHECK(received == sent);
}

}  // namespace
}  // namespace entail::runtime
