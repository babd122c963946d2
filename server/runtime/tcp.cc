#include "server/runtime/tcp.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "server/runtime/io_thread_impl.h"
#include "server/runtime/socket_stream.h"

namespace entail::runtime {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

Expected<ListenAddress> parse_listen_address(std::string_view text) {
  ListenAddress address;
  std::string_view host = text;
  std::optional<std::string_view> port;
  if (text.starts_with("[")) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) {
      return unexpected(ErrorCode::kInvalidArgument, fmt::format("'{}' lacks its ]", text));
    }
    host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest[0] == ':') port = rest.substr(1);
  } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (!host.empty()) address.host = host;
  if (port) {
    const char* const end = port->data() + port->size();
    const auto [stop, fault] = std::from_chars(port->data(), end, address.port);
    if (fault != std::errc() || stop != end || port->empty()) {
      return unexpected(
          ErrorCode::kInvalidArgument,
          fmt::format("'{}' is no port in '{}': HOST:PORT, such as 127.0.0.1:5433", *port, text));
    }
  }
  return address;
}

Expected<std::unique_ptr<ByteStream>> connect_tcp(IoThread& io, const std::string& host,
                                                  std::uint16_t port) {
  error_code error;
  const asio::ip::address ip = asio::ip::make_address(host, error);
  if (error) {
    return unexpected(ErrorCode::kInvalidArgument, fmt::format("'{}' is no IP address", host));
  }
  tcp::socket socket(io.impl().io);
  socket.async_connect(tcp::endpoint(ip, port), use_fiber[error]);
  if (error) return io_error(fmt::format("cannot connect to {}:{}", host, port), error);
  socket.set_option(tcp::no_delay(true), error);
  socket.non_blocking(true, error);
  return std::unique_ptr<ByteStream>(
      std::make_unique<SocketStream<tcp::socket>>(std::move(socket)));
}

struct TcpListener::Impl {
  explicit Impl(asio::io_context& io_context) : io(io_context), acceptor(io_context) {}
  asio::io_context& io;
  tcp::acceptor acceptor;
  std::uint16_t port = 0;
  bool is_loopback = false;
};

Expected<std::unique_ptr<TcpListener>> TcpListener::open(IoThread& io,
                                                         const ListenAddress& address) {
  auto impl = std::make_unique<Impl>(io.impl().io);
  error_code error;
  asio::ip::address ip;
  if (address.host == "localhost") {
    ip = asio::ip::address_v4::loopback();
  } else if (address.host == "*") {
    ip = asio::ip::address_v4::any();
  } else {
    ip = asio::ip::make_address(address.host, error);
    if (error) {
      return unexpected(
          ErrorCode::kInvalidArgument,
          fmt::format("'{}' is no address: an IP address, localhost, or * for all", address.host));
    }
  }
  const tcp::endpoint endpoint(ip, address.port);
  impl->acceptor.open(endpoint.protocol(), error);
  if (!error) impl->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) impl->acceptor.bind(endpoint, error);
  if (!error) impl->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return io_error(fmt::format("cannot listen on {}:{}", address.host, address.port), error);
  }
  impl->port = impl->acceptor.local_endpoint(error).port();
  impl->is_loopback = ip.is_loopback();
  return std::unique_ptr<TcpListener>(new TcpListener(std::move(impl)));
}

TcpListener::TcpListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TcpListener::~TcpListener() = default;

std::uint16_t TcpListener::port() const { return impl_->port; }
bool TcpListener::is_loopback() const { return impl_->is_loopback; }

void TcpListener::accept_all(const Accept& accept) {
  while (impl_->acceptor.is_open()) {
    tcp::socket socket(impl_->io);
    error_code error;
    impl_->acceptor.async_accept(socket, use_fiber[error]);
    if (error == asio::error::operation_aborted || !impl_->acceptor.is_open()) return;
    if (error) {
      // Out of descriptors, mostly: others must close first. Trying at once would spin.
      asio::steady_timer pause(impl_->io, std::chrono::milliseconds(50));
      pause.async_wait(use_fiber[error]);
      continue;
    }
    socket.set_option(tcp::no_delay(true), error);
    socket.set_option(asio::socket_base::keep_alive(true), error);
    socket.non_blocking(true, error);
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error) continue;  // It is gone already.
    accept(std::make_unique<SocketStream<tcp::socket>>(std::move(socket)),
           peer.address().to_string());
  }
}

void TcpListener::close() {
  error_code ignored;
  impl_->acceptor.close(ignored);
}

}  // namespace entail::runtime
