// server/pgwire/frame.h - where one message of a client ends and the next begins.
//
// After the start-up packet every message is
//
//     type  1 byte      length  4 bytes, big-endian, itself included      body  length - 4 bytes
//
// and the start-up packet is the same without its type. FrameReader keeps the bytes that have come
// and cuts them into frames; what a frame means is frontend_message.h.
//
// Limits: a start-up packet has at most 10,000 bytes; other messages as PostgreSQL limits them:
// those that carry text or data up to kLargeMessageMax, all others 10,000 bytes, and before the
// client is known none more than 65,536. A length outside its limit is an error that ends the
// connection, because what follows cannot be found any more. The length is judged as soon as its
// four bytes are here: a lying client makes us keep no more than it sends.
//
// An idle connection keeps no buffer: once everything is consumed, room above kIdleBytesMax is
// given back.
//
// Threads: one owner.
// Source: PostgreSQL 15 documentation, chapter 55, "Frontend/Backend Protocol".

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vm/base/expected.h"

namespace entail::pgwire {

inline constexpr std::size_t kStartupBytesMax = 10'000;
inline constexpr std::size_t kSmallMessageMax = 10'000;
inline constexpr std::size_t kUnknownClientMessageMax = 65'536;
inline constexpr std::size_t kLargeMessageMax = std::size_t{256} << 20U;

// Valid until the next call of the reader.
struct Frame {
  char type = 0;  // 0: the start-up packet.
  std::string_view body;
};

class FrameReader {
 public:
  // Where received bytes are appended.
  std::string& buffer() { return buffer_; }

  // The next whole frame; nothing while bytes are missing. Fails with kInvalidArgument and SQLSTATE
  // 08P01 where the length or the type cannot be.
  Expected<std::optional<Frame>> next_startup();
  Expected<std::optional<Frame>> next(bool client_is_known);

  // Whether next_startup() or next() has something to say: a whole frame, or an error.
  bool is_ready(bool is_startup) const;

  // The frame that was handed out last will be the next again.
  void put_back() { consumed_ = last_start_; }

  // Bytes that have come and belong to no frame yet that was handed out.
  std::size_t unread_bytes() const { return buffer_.size() - consumed_; }

  // Takes the unread bytes away: what follows is another protocol (TLS).
  std::string take_unread();

  // Gives room back before a long wait. REQUIRES: no frame is in use.
  void release_room();

 private:
  static constexpr std::size_t kIdleBytesMax = 1024;

  void drop_consumed();
  Expected<std::optional<Frame>> cut(std::size_t header_bytes, std::size_t length_min,
                                     std::size_t length_max);

  std::string buffer_;
  std::size_t consumed_ = 0;
  std::size_t last_start_ = 0;  // Of the frame handed out last.
};

}  // namespace entail::pgwire
