// server/runtime/control_socket.h - a socket in the file system, by which commands on this machine reach a
// server that runs.
//
// A server listens at a path in its own directory, which only its owner may open. One line is asked, one line
// is answered; what the lines say is the server's business.
//
// Threads: open(), accept_all() and close() as TcpListener's; ask() any thread, it blocks.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/runtime/byte_stream.h"
#include "server/runtime/io_thread.h"
#include "vm/base/expected.h"

namespace entail::runtime {

class ControlSocket {
 public:
  struct Impl;
  using Accept = std::function<void(std::unique_ptr<ByteStream> stream)>;

  // Takes the place of a socket that a server left behind. REQUIRES: no server that runs listens there. Fails
  // with kIo, also where the path is longer than the system allows (107 bytes).
  static Expected<std::unique_ptr<ControlSocket>> open(IoThread& io, const std::string& path);
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  void accept_all(const Accept& accept);
  // Also removes the path.
  void close();

 private:
  explicit ControlSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The answer of the server that listens at `path`; nothing: none does. Neither line has its end.
Expected<std::optional<std::string>> ask_control_socket(const std::string& path,
                                                        const std::string& line);

}  // namespace entail::runtime
