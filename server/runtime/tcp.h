// server/runtime/tcp.h - listening for connections, and a connection of TCP as a ByteStream.
//
// Threads: open() any but the I/O thread's; everything else fibers of the I/O thread.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/runtime/byte_stream.h"
#include "server/runtime/io_thread.h"
#include "vm/base/expected.h"

namespace entail::runtime {

struct ListenAddress {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5433;  // 0: any that is free.
};

// "host:port", "[::1]:port", ":port", "host". Fails with kInvalidArgument.
Expected<ListenAddress> parse_listen_address(std::string_view text);

class TcpListener {
 public:
  struct Impl;
  // `address` is the peer's, as listings show it.
  using Accept = std::function<void(std::unique_ptr<ByteStream> stream, std::string address)>;

  // Binds and listens. Fails with kIo, kInvalidArgument where the host is none.
  static Expected<std::unique_ptr<TcpListener>> open(IoThread& io, const ListenAddress& address);
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  std::uint16_t port() const;
  bool is_loopback() const;  // Nobody outside this machine can connect.

  // Accepts until close(), in a fiber; calls back in the same fiber for each connection.
  void accept_all(const Accept& accept);
  void close();

 private:
  explicit TcpListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A connection to an address, made by a fiber of `io`.
Expected<std::unique_ptr<ByteStream>> connect_tcp(IoThread& io, const std::string& host,
                                                  std::uint16_t port);

}  // namespace entail::runtime
