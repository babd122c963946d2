// server/runtime/tls.h - a ByteStream inside TLS.
//
// The bytes of TLS go through another ByteStream: OpenSSL reads and writes memory here, and fibers
// park in the stream below. TLS 1.2 and newer.
//
// Threads: a TlsContext may be shared; streams as byte_stream.h says.

#pragma once

#include <memory>
#include <string>

#include "server/runtime/byte_stream.h"
#include "vm/base/expected.h"

namespace entail::runtime {

class TlsContext {
 public:
  // Of PEM files: the certificate, with its chain behind it, and its key. Fails with kIo or
  // kInvalidArgument, naming the file.
  static Expected<std::unique_ptr<TlsContext>> load(const std::string& certificate_file,
                                                    const std::string& key_file);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // The server's side of the handshake; parks.
  Expected<std::unique_ptr<ByteStream>> accept(std::unique_ptr<ByteStream> below);
  // The client's, without asking who the server is: for tests.
  static Expected<std::unique_ptr<ByteStream>> connect(std::unique_ptr<ByteStream> below);

 private:
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace entail::runtime
