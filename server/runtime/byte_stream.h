// server/runtime/byte_stream.h - a connection as a fiber sees it: read, write, close.
//
// Threads: fibers of one I/O thread; at most one reads and one writes at a time.

#pragma once

#include <string>
#include <string_view>

#include "vm/base/expected.h"

namespace entail::runtime {

class ByteStream {
 public:
  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  virtual ~ByteStream() = default;

  // Parks until bytes have come and appends them. False: the peer sends no more. Fails with
  // kCancelled after interrupt(), kIo where the connection broke.
  virtual Expected<bool> read(std::string& into) = 0;

  // Parks until everything is written: a peer that does not read holds us up here and nowhere else.
  virtual Expected<void> write(std::string_view bytes) = 0;

  // Ends the read that is going on, and each that follows, with kCancelled.
  virtual void interrupt() = 0;

  // The same for everything that is going on; nothing is said to the peer. Does not park.
  virtual void abandon() = 0;

  // May park, to say goodbye.
  virtual void close() = 0;

  // Lends the socket to another thread, which reads and writes it without parking; nothing else of this stream is
  // used until take_back() but interrupt(). -1: there is no socket of plain bytes to lend.
  // REQUIRES: nobody reads or writes.
  virtual int lend() { return -1; }
  virtual void take_back(int /*descriptor*/) {}
};

}  // namespace entail::runtime
