#include "server/runtime/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "server/runtime/io_thread_impl.h"
#include "server/runtime/socket_stream.h"

namespace entail::runtime {

using boost::asio::local::stream_protocol;
using boost::system::error_code;

struct ControlSocket::Impl {
  explicit Impl(boost::asio::io_context& context) : io(context), acceptor(context) {}
  boost::asio::io_context& io;
  stream_protocol::acceptor acceptor;
  std::string path;
};

Expected<std::unique_ptr<ControlSocket>> ControlSocket::open(IoThread& io,
                                                             const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return unexpected(ErrorCode::kIo, fmt::format("{}: too long for a socket's name", path));
  }
  auto impl = std::make_unique<Impl>(io.impl().io);
  ::unlink(path.c_str());
  error_code error;
  impl->acceptor.open(stream_protocol(), error);
  if (!error) impl->acceptor.bind(stream_protocol::endpoint(path), error);
  // Before anybody can connect: that takes listen().
  if (!error && ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0) {
    error = error_code(errno, boost::system::system_category());
  }
  if (!error) impl->acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) return io_error(fmt::format("cannot listen at {}", path), error);
  impl->path = path;
  return std::unique_ptr<ControlSocket>(new ControlSocket(std::move(impl)));
}

ControlSocket::ControlSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlSocket::~ControlSocket() = default;

void ControlSocket::accept_all(const Accept& accept) {
  while (impl_->acceptor.is_open()) {
    stream_protocol::socket socket(impl_->io);
    error_code error;
    impl_->acceptor.async_accept(socket, use_fiber[error]);
    if (error || !impl_->acceptor.is_open()) return;
    socket.non_blocking(true, error);
    accept(std::make_unique<SocketStream<stream_protocol::socket>>(std::move(socket)));
  }
}

void ControlSocket::close() {
  if (!impl_->acceptor.is_open()) return;
  error_code ignored;
  impl_->acceptor.close(ignored);
  ::unlink(impl_->path.c_str());
}

Expected<std::optional<std::string>> ask_control_socket(const std::string& path,
                                                        const std::string& line) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return std::optional<std::string>();
  std::memcpy(address.sun_path, path.data(), path.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return unexpected(ErrorCode::kIo, std::strerror(errno));
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int reason = errno;
    ::close(descriptor);
    const bool nobody_is_there = reason == ENOENT || reason == ECONNREFUSED;
    if (nobody_is_there) return std::optional<std::string>();
    return unexpected(ErrorCode::kIo, fmt::format("{}: {}", path, std::strerror(reason)));
  }
  std::string answer;
  const std::string question = line + "\n";
  bool is_well = ::send(descriptor, question.data(), question.size(), MSG_NOSIGNAL) ==
                 static_cast<ssize_t>(question.size());
  while (is_well && answer.find('\n') == std::string::npos) {
    std::array<char, 4096> bytes;
    const ssize_t count = ::recv(descriptor, bytes.data(), bytes.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      is_well = false;
    } else {
      answer.append(bytes.data(), static_cast<std::size_t>(count));
    }
  }
  ::close(descriptor);
  if (!is_well) {
    return unexpected(ErrorCode::kIo, fmt::format("{}: the server gave no answer", path));
  }
  return std::optional<std::string>(answer.substr(0, answer.find('\n')));
}

}  // namespace entail::runtime
