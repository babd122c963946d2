#include "server/pgwire/frame.h"

#include <fmt/format.h>

#include <utility>

namespace entail::pgwire {
namespace {

constexpr std::size_t kLengthBytes = 4;

Unexpected broken(std::string message) {
  return unexpected(ErrorCode::kInvalidArgument, std::move(message),
                    SqlFields{.sqlstate = "08P01"});
}

std::size_t read_length(std::string_view bytes) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length = (length << 8U) | static_cast<unsigned char>(bytes[i]);
  }
  return length;
}

// The longest body and length field of a message of this type; 0 where there is no such type.
std::size_t length_max_of(char type) {
  switch (type) {
    case 'Q':  // Query
    case 'P':  // Parse
    case 'B':  // Bind
    case 'F':  // Function call
    case 'd':  // CopyData
      return kLargeMessageMax;
    case 'C':  // Close
    case 'D':  // Describe
    case 'E':  // Execute
    case 'H':  // Flush
    case 'S':  // Sync
    case 'X':  // Terminate
    case 'c':  // CopyDone
    case 'f':  // CopyFail
      return kSmallMessageMax;
    case 'p':  // Password and SASL answers
      return kUnknownClientMessageMax;
    default:
      return 0;
  }
}

}  // namespace

Expected<std::optional<Frame>> FrameReader::next_startup() {
  drop_consumed();
  // The shortest is a request of one code word.
  return cut(0, kLengthBytes + 4, kStartupBytesMax);
}

Expected<std::optional<Frame>> FrameReader::next(bool client_is_known) {
  drop_consumed();
  if (unread_bytes() == 0) return std::optional<Frame>();
  const char type = buffer_[consumed_];
  std::size_t length_max = length_max_of(type);
  if (length_max == 0) {
    return broken(fmt::format("invalid frontend message type {}",
                              static_cast<unsigned>(static_cast<unsigned char>(type))));
  }
  if (!client_is_known) length_max = std::min(length_max, kUnknownClientMessageMax);
  return cut(1, kLengthBytes, length_max);
}

Expected<std::optional<Frame>> FrameReader::cut(std::size_t header_bytes, std::size_t length_min,
                                                std::size_t length_max) {
  const std::string_view unread = std::string_view(buffer_).substr(consumed_);
  if (unread.size() < header_bytes + kLengthBytes) return std::optional<Frame>();
  const std::size_t length = read_length(unread.substr(header_bytes));
  if (length < length_min || length > length_max) {
    return broken(header_bytes == 0 ? "invalid length of startup packet"
                                    : "invalid message length");
  }
  if (unread.size() < header_bytes + length) {
    // The rest comes in pieces: no growing by doubling for a message whose size is known. Only as
    // much as a client has shown that it sends is taken up front.
    const std::size_t wanted = header_bytes + length;
    if (wanted > buffer_.capacity() && unread.size() * 4 >= wanted) buffer_.reserve(wanted);
    return std::optional<Frame>();
  }
  last_start_ = consumed_;
  Frame frame;
  frame.type = header_bytes == 0 ? '\0' : unread[0];
  frame.body = unread.substr(header_bytes + kLengthBytes, length - kLengthBytes);
  consumed_ += header_bytes + length;
  return std::optional<Frame>(frame);
}

bool FrameReader::is_ready(bool is_startup) const {
  const std::string_view unread = std::string_view(buffer_).substr(consumed_);
  const std::size_t header_bytes = is_startup ? 0 : 1;
  if (!is_startup && !unread.empty() && length_max_of(unread[0]) == 0) return true;
  if (unread.size() < header_bytes + kLengthBytes) return false;
  const std::size_t length = read_length(unread.substr(header_bytes));
  const std::size_t length_max = is_startup ? kStartupBytesMax : length_max_of(unread[0]);
  return length > length_max || unread.size() >= header_bytes + length;
}

void FrameReader::drop_consumed() {
  if (consumed_ == buffer_.size()) {
    buffer_.clear();
    consumed_ = 0;
  } else if (consumed_ > buffer_.size() / 2) {
    // At most as many bytes are moved as were consumed since the last time.
    buffer_.erase(0, consumed_);
    consumed_ = 0;
  }
}

std::string FrameReader::take_unread() {
  std::string unread = buffer_.substr(consumed_);
  buffer_.clear();
  consumed_ = 0;
  return unread;
}

void FrameReader::release_room() {
  drop_consumed();
  if (buffer_.empty() && buffer_.capacity() > kIdleBytesMax) std::string().swap(buffer_);
}

}  // namespace entail::pgwire
