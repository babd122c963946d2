#include "server/pgwire/server.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "server/http/http.h"
#include "server/pgwire/connection.h"
#include "server/runtime/control_socket.h"
#include "server/runtime/system_clock.h"

namespace entail::pgwire {
namespace {

constexpr std::int64_t kGraceMillis = 5'000;
constexpr std::size_t kSecretBytes = 32;

Error shutdown_error() {
  return unexpected(ErrorCode::kCancelled, "terminating connection due to administrator command",
                    SqlFields{.sqlstate = "57P01"})
      .error();
}

// Does nothing; what it is posted for is the upkeep that follows each batch.
class Poke final : public runtime::WorkThread::Job {
 public:
  void run() override {}
};

}  // namespace

struct Server::Impl final : ConnectionHost, http::Host {
  ServerOptions options;
  std::string secret = random_bytes(kSecretBytes);
  runtime::SystemClock clock;
  std::unique_ptr<runtime::TlsContext> tls_context;
  std::unique_ptr<runtime::IoThread> io_thread;
  std::unique_ptr<runtime::WorkThread> work_thread;
  std::unique_ptr<engine::Engine> database;  // The engine's thread.
  std::thread flusher;
  std::unique_ptr<runtime::TcpListener> listener;
  std::unique_ptr<http::Door> door;                 // Null: no HTTP.
  std::unique_ptr<runtime::ControlSocket> control;  // Null: it could not be opened.
  std::unique_ptr<runtime::SignalWatch> signals;
  std::atomic<bool> must_tick{false};
  Poke poke;

  // The I/O thread.
  std::map<std::uint32_t, Connection*> enlisted;
  std::map<Connection*, std::unique_ptr<Connection>> connections;
  unsigned stops = 0;  // How often we were asked.
  std::unique_ptr<runtime::Alarm> grace;
  runtime::ByteStream* asking = nullptr;  // Whoever gives a command now.
  unsigned accepting = 0;                 // Fibers that accept connections or serve commands.

  std::mutex mutex;
  std::condition_variable ended;
  bool has_ended = false;
  bool is_closed = false;  // By the thread that start()ed us.

  // ---- ConversationHost, on the engine's thread
  Expected<std::unique_ptr<engine::Session>> connect(engine::SessionOptions session) override {
    return database->connect(std::move(session));
  }
  bool has_users() const override { return database->has_users(); }
  Expected<std::string> scram_verifier(std::string_view user) const override {
    return database->scram_verifier(user);
  }
  std::string_view invented_secret() const override { return secret; }

  // ---- ConnectionHost
  runtime::IoThread& io() override { return *io_thread; }
  runtime::WorkThread& engine_thread() override { return *work_thread; }
  void when_durable(std::uint64_t version, std::function<void(Expected<void>)> done) override {
    database->when_durable(version, std::move(done));
  }
  runtime::TlsContext* tls() override { return tls_context.get(); }

  // ---- http::Host
  std::uint64_t version() const override { return database->version(); }
  engine::Metrics metrics() override { return database->metrics(); }

  void cancel(const CancelRequest& request) override {
    const auto found = enlisted.find(request.process_id);
    if (found == enlisted.end()) return;
    found->second->cancel(request.secret);
    tick_soon();
  }
  void enlist(std::uint32_t session_id, Connection& connection) override {
    enlisted[session_id] = &connection;
    if (stops > 0) connection.kick(shutdown_error());
  }
  void delist(std::uint32_t session_id) override { enlisted.erase(session_id); }

  void tick_soon() override {
    must_tick.store(true, std::memory_order_release);
    work_thread->post(poke);
  }

  // The engine's thread, after each batch of jobs.
  std::int64_t upkeep() {
    if (database == nullptr) return 0;
    database->flush();
    database->deliver();
    const std::int64_t deadline = database->next_deadline_us();
    const bool is_due = deadline != 0 && clock.now_us() >= deadline;
    if (!must_tick.exchange(false, std::memory_order_acquire) && !is_due) return deadline;
    const std::vector<std::uint32_t> idle = database->tick();
    if (!idle.empty()) {
      io_thread->spawn([this, idle] {
        for (const std::uint32_t id : idle) {
          const auto found = enlisted.find(id);
          if (found != enlisted.end()) found->second->kick_idle();
        }
      });
    }
    return database->next_deadline_us();
  }

  // ---- the I/O thread
  void accept_all() {
    ++accepting;
    listener->accept_all([this](std::unique_ptr<runtime::ByteStream> stream, std::string address) {
      auto owned = std::make_unique<Connection>(*this, std::move(stream), std::move(address));
      Connection* const connection = owned.get();
      connections.emplace(connection, std::move(owned));
      io_thread->spawn([this, connection] {
        connection->serve();
        connections.erase(connection);
        end_if_done();
      });
    });
    --accepting;
    end_if_done();
  }

  void accept_commands() {
    ++accepting;
    control->accept_all([this](std::unique_ptr<runtime::ByteStream> stream) {
      // One at a time: a command has the engine to itself anyway.
      asking = stream.get();
      serve_command(*stream);
      asking = nullptr;
      stream->close();
    });
    --accepting;
    end_if_done();
  }

  void serve_command(runtime::ByteStream& stream) {
    constexpr std::size_t kLineMax = 4096;
    std::string line;
    while (line.find('\n') == std::string::npos) {
      const auto more = stream.read(line);
      if (!more || !*more || line.size() > kLineMax) return;
    }
    line.erase(line.find('\n'));
    constexpr std::string_view kBackup = "backup ";
    if (!line.starts_with(kBackup)) {
      static_cast<void>(stream.write("error there is no such command\n").has_value());
      return;
    }
    struct Backup final : runtime::WorkThread::Job {
      Backup(Impl& server, std::string to)
          : impl(server), directory(std::move(to)), wait(*server.io_thread) {}
      void run() override {
        result = impl.database->backup(directory);
        wait.signal();
      }
      Impl& impl;
      std::string directory;
      runtime::FiberWait wait;
      Expected<void> result;
    } backup(*this, line.substr(kBackup.size()));
    work_thread->post(backup);
    backup.wait.wait();
    const std::string answer =
        backup.result ? std::string("ok\n") : "error " + backup.result.error().message + "\n";
    static_cast<void>(stream.write(answer).has_value());
  }

  void stop() {
    ++stops;
    if (stops == 1) {
      listener->close();
      if (door != nullptr) door->stop();
      if (control != nullptr) control->close();
      if (asking != nullptr) asking->interrupt();
      for (const auto& [connection, owned] : connections) connection->kick(shutdown_error());
      grace = std::make_unique<runtime::Alarm>(*io_thread, kGraceMillis, [this] { cancel_all(); });
    } else if (stops == 2) {
      cancel_all();
    } else {
      std::_Exit(EXIT_FAILURE);
    }
  }

  void cancel_all() {
    for (const auto& [id, connection] : enlisted) connection->cancel();
    if (door != nullptr) door->cancel();
    tick_soon();
    // Who does not read what we send is not waited for either.
    for (const auto& [connection, owned] : connections) connection->abandon();
  }

  void end_if_done() {
    if (stops == 0 || accepting > 0 || !connections.empty()) return;
    if (door != nullptr && !door->has_ended()) return;
    grace.reset();
    const std::lock_guard lock(mutex);
    has_ended = true;
    ended.notify_all();
  }

  // ---- the thread that start()s and wait()s
  Expected<void> open();
  Expected<void> deploy_rules();
  void close();
};

Expected<void> Server::Impl::open() {
  if (!options.tls_certificate.empty()) {
    auto context = runtime::TlsContext::load(options.tls_certificate, options.tls_key);
    if (!context) return unexpected(context.error());
    tls_context = std::move(*context);
  }
  auto io = runtime::IoThread::start();
  if (!io) return unexpected(io.error());
  io_thread = std::move(*io);
  auto listening = runtime::TcpListener::open(*io_thread, options.listen);
  if (!listening) return unexpected(listening.error());
  listener = std::move(*listening);
  if (options.http) {
    auto opened = http::Door::open(*this, *options.http, {});
    if (!opened) return unexpected(opened.error());
    door = std::move(*opened);
  }

  work_thread = std::make_unique<runtime::WorkThread>(
      runtime::WorkThread::Options{.upkeep = [this] { return upkeep(); }, .clock = &clock});
  Expected<void> opened;
  bool has_any_user = false;
  work_thread->run([&] {
    options.engine.clock = &clock;
    options.engine.on_durable = [this] { work_thread->post(poke); };
    auto open = engine::Engine::open(options.engine);
    if (!open) {
      opened = unexpected(open.error());
      return;
    }
    database = std::move(*open);
    database->add_metrics([this](engine::Metrics& more) {
      if (door != nullptr) door->add_metrics(more);
    });
    has_any_user = database->has_users();
  });
  if (!opened) return opened;
  flusher = std::thread([this] { database->run_flusher(); });
  if (!listener->is_loopback() && !has_any_user) {
    return unexpected(
        ErrorCode::kInvalidArgument,
        fmt::format("--listen {} would let anybody in, for there are no users: create one first "
                    "(entail sql --data {} -c \"CREATE USER ... PASSWORD '...'\"), or listen on a "
                    "loopback address",
                    options.listen.host, options.engine.directory));
  }
  if (door != nullptr && !door->is_loopback()) {
    if (!has_any_user) {
      return unexpected(
          ErrorCode::kInvalidArgument,
          fmt::format(
              "--http {} would let anybody in, for there are no users: create one first, or "
              "listen on a loopback address",
              options.http->host));
    }
    if (tls_context == nullptr) {
      return unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("--http {} would have passwords sent in the clear: give "
                                    "--tls-cert and --tls-key, or listen on a loopback address",
                                    options.http->host));
    }
  }
  if (auto deployed = deploy_rules(); !deployed) return deployed;
  if (options.watches_signals) {
    signals = std::make_unique<runtime::SignalWatch>(
        *io_thread, std::initializer_list<int>{SIGTERM, SIGINT, SIGHUP}, [this](int) { stop(); });
  }
  io_thread->spawn([this] { accept_all(); });
  if (door != nullptr) {
    io_thread->run([this] { door->serve([this] { end_if_done(); }); });
  }
  // Clients do without it, so a name that is too long ends nothing.
  auto commands = runtime::ControlSocket::open(*io_thread, control_path(options.engine.directory));
  if (commands) {
    control = std::move(*commands);
    io_thread->spawn([this] { accept_commands(); });
  }
  return {};
}

Expected<void> Server::Impl::deploy_rules() {
  Expected<void> result;
  std::uint64_t version = 0;
  work_thread->run([&] {
    if (options.rules.empty()) return;
    auto session = database->connect({.application_name = "entail serve"});
    if (!session) {
      result = unexpected(session.error());
      return;
    }
    for (const RuleFile& file : options.rules) {
      auto outcome = (*session)->deploy(file.name, file.text);
      if (!outcome) {
        result = unexpected(outcome.error());
        return;
      }
      version = std::max(version, outcome->version);
    }
  });
  if (!result || version == 0) return result;
  return database->wait_durable(version);
}

// What of it was opened, in the other order.
void Server::Impl::close() {
  if (std::exchange(is_closed, true)) return;
  if (io_thread != nullptr) {
    io_thread->run([this] {
      signals.reset();
      grace.reset();
      if (listener != nullptr) listener->close();
      if (door != nullptr) door->stop();
      if (control != nullptr) control->close();
    });
  }
  if (work_thread != nullptr) {
    if (flusher.joinable()) {
      database->stop_flusher();
      flusher.join();
    }
    work_thread->run([this] { database.reset(); });
    work_thread.reset();
  }
  listener.reset();
  door.reset();
  control.reset();
  io_thread.reset();
}

std::string control_path(const std::string& directory) { return directory + "/control.socket"; }

Expected<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  if (auto opened = impl->open(); !opened) {
    impl->close();
    return unexpected(opened.error());
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  if (!impl_->is_closed) {
    request_stop();
    wait();
  }
}

std::uint16_t Server::port() const { return impl_->listener->port(); }

namespace {

std::string printed(const std::string& host, std::uint16_t port) {
  return host.find(':') != std::string::npos ? fmt::format("[{}]:{}", host, port)
                                             : fmt::format("{}:{}", host, port);
}

}  // namespace

std::string Server::address() const { return printed(impl_->options.listen.host, port()); }

std::string Server::http_address() const {
  return impl_->door == nullptr ? "" : printed(impl_->options.http->host, impl_->door->port());
}

void Server::wait() {
  {
    std::unique_lock lock(impl_->mutex);
    impl_->ended.wait(lock, [this] { return impl_->has_ended; });
  }
  impl_->close();
}

void Server::request_stop() {
  impl_->io_thread->spawn([impl = impl_.get()] { impl->stop(); });
}

}  // namespace entail::pgwire
