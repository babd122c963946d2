// server/runtime/socket_stream.h - a socket of Asio as a ByteStream: for the files of this folder only.
//
// Threads: as byte_stream.h says.

#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "server/runtime/asio_fiber.h"
#include "server/runtime/byte_stream.h"

namespace entail::runtime {

inline Unexpected io_error(std::string_view what, const boost::system::error_code& error) {
  return unexpected(ErrorCode::kIo, fmt::format("{}: {}", what, error.message()));
}

// What a read asks for: little while a client asks small questions, for an idle connection keeps
// the room; more where the last read filled it.
inline constexpr std::size_t kReadBytesMin = 2048;
inline constexpr std::size_t kReadBytesMax = std::size_t{256} << 10U;

// REQUIRES: the socket does not block.
template <typename Socket>
class SocketStream final : public ByteStream {
 public:
  explicit SocketStream(Socket socket) : socket_(std::move(socket)) {}

  Expected<bool> read(std::string& into) override {
    if (is_interrupted_) return unexpected(ErrorCode::kCancelled, "the connection is being closed");
    const std::size_t before = into.size();
    into.resize(before + read_bytes_);
    boost::system::error_code error;
    is_reading_ = true;
    const std::size_t count = socket_.async_read_some(
        boost::asio::buffer(into.data() + before, read_bytes_), use_fiber[error]);
    is_reading_ = false;
    into.resize(before + (error ? 0 : count));
    if (is_interrupted_) return unexpected(ErrorCode::kCancelled, "the connection is being closed");
    if (error == boost::asio::error::eof || error == boost::asio::error::connection_reset)
      return false;
    if (error) return io_error("a connection could not be read", error);
    read_bytes_ = count == read_bytes_ ? std::min(read_bytes_ * 4, kReadBytesMax) : kReadBytesMin;
    return true;
  }

  Expected<void> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      boost::system::error_code error;
      const std::size_t count =
          socket_.write_some(boost::asio::buffer(bytes.data(), bytes.size()), error);
      if (error == boost::asio::error::would_block || error == boost::asio::error::try_again) {
        socket_.async_wait(Socket::wait_write, use_fiber[error]);
        if (!error) continue;
      }
      if (error) return io_error("a connection could not be written", error);
      bytes.remove_prefix(count);
    }
    return {};
  }

  void interrupt() override {
    is_interrupted_ = true;
    boost::system::error_code ignored;
    if (is_reading_) socket_.cancel(ignored);
  }

  void abandon() override {
    boost::system::error_code ignored;
    is_interrupted_ = true;
    socket_.close(ignored);
  }

  void close() override {
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_both, ignored);
    socket_.close(ignored);
  }

  // Asio's reactor forgets the descriptor meanwhile, so that its thread is not woken for what others read.
  int lend() override {
    if (is_interrupted_) return -1;
    boost::system::error_code error;
    protocol_ = socket_.local_endpoint(error).protocol();
    if (error) return -1;
    const int descriptor = socket_.release(error);
    return error ? -1 : descriptor;
  }
  void take_back(int descriptor) override {
    boost::system::error_code error;
    socket_.assign(*protocol_, descriptor, error);
    if (!error) socket_.non_blocking(true, error);
    if (error) is_interrupted_ = true;  // Out of memory: the connection ends.
  }

 private:
  Socket socket_;
  std::optional<typename Socket::protocol_type> protocol_;
  std::size_t read_bytes_ = kReadBytesMin;
  bool is_interrupted_ = false;
  bool is_reading_ = false;
};

}  // namespace entail::runtime
