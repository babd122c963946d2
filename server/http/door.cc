// The listener and its connections.
#include <map>
#include <utility>

#include "server/http/connection.h"
#include "server/http/http.h"

namespace entail::http {

struct Door::Impl {
  Impl(Host& of, const Limits& given) : host(of), limits(given) {}

  Host& host;
  Limits limits;
  Counters counters;
  std::unique_ptr<runtime::TcpListener> listener;
  std::map<Connection*, std::unique_ptr<Connection>> connections;
  bool is_accepting = false;
};

Expected<std::unique_ptr<Door>> Door::open(Host& host, const runtime::ListenAddress& address,
                                           const Limits& limits) {
  auto impl = std::make_unique<Impl>(host, limits);
  auto listening = runtime::TcpListener::open(host.io(), address);
  if (!listening) return unexpected(listening.error());
  impl->listener = std::move(*listening);
  return std::unique_ptr<Door>(new Door(std::move(impl)));
}

Door::Door(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Door::~Door() = default;

std::uint16_t Door::port() const { return impl_->listener->port(); }
bool Door::is_loopback() const { return impl_->listener->is_loopback(); }

void Door::serve(std::function<void()> on_end) {
  impl_->is_accepting = true;
  impl_->host.io().spawn([this, on_end = std::move(on_end)] {
    impl_->listener->accept_all(
        [this, on_end](std::unique_ptr<runtime::ByteStream> stream, std::string address) {
          auto owned = std::make_unique<Connection>(impl_->host, impl_->limits, impl_->counters,
                                                    std::move(stream), std::move(address));
          Connection* const connection = owned.get();
          impl_->connections.emplace(connection, std::move(owned));
          impl_->host.io().spawn([this, connection, on_end] {
            connection->serve();
            impl_->connections.erase(connection);
            on_end();
          });
        });
    impl_->is_accepting = false;
    on_end();
  });
}

void Door::stop() {
  impl_->listener->close();
  for (const auto& [connection, owned] : impl_->connections) connection->stop();
}

void Door::cancel() {
  for (const auto& [connection, owned] : impl_->connections) connection->cancel();
}

void Door::add_metrics(engine::Metrics& metrics) const {
  metrics.counter("entail_http_requests", "Requests of HTTP that were answered.",
                  static_cast<double>(impl_->counters.requests));
  metrics.counter("entail_http_errors", "Those among them that were answered with an error.",
                  static_cast<double>(impl_->counters.refused));
}

bool Door::has_ended() const { return !impl_->is_accepting && impl_->connections.empty(); }

}  // namespace entail::http
