#include "server/cli/line_reader.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace entail::cli {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{256} << 10U;
constexpr std::size_t kLineBytesMax = std::size_t{256} << 20U;
constexpr int kCancelPollMs = 100;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

Expected<void> LineReader::fill() {
  if (auto flushed = before_wait_(); !flushed) return flushed;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    looked_ -= begin_;
    begin_ = 0;
  }
  if (end_ > kLineBytesMax) {
    return unexpected(ErrorCode::kData, fmt::format("<stdin>:{}:1: error: the line is longer than "
                                                    "{} bytes",
                                                    line_number_ + 1, kLineBytesMax));
  }
  if (buffer_.size() < end_ + kBlockBytes) buffer_.resize(2 * end_ + kBlockBytes);
  for (;;) {
    if (cancel_.cancelled()) return unexpected(ErrorCode::kCancelled, "interrupted");
    // The signal is delivered to some thread, perhaps not to this one: ask now and then.
    pollfd waiting{descriptor_, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, kCancelPollMs);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t got = ::read(descriptor_, buffer_.data() + end_, buffer_.size() - end_);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) {
      return unexpected(ErrorCode::kIo,
                        fmt::format("cannot read standard input: {}", std::strerror(errno)));
    }
    if (cancel_.cancelled()) return unexpected(ErrorCode::kCancelled, "interrupted");
    at_end_ = got == 0;
    end_ += static_cast<std::size_t>(got);
    return {};
  }
}

Expected<std::optional<std::string_view>> LineReader::next() {
  for (;;) {
    const void* const found = std::memchr(buffer_.data() + looked_, '\n', end_ - looked_);
    const bool is_last = found == nullptr && at_end_;
    if (found == nullptr && !is_last) {
      looked_ = end_;
      if (auto filled = fill(); !filled) return unexpected(filled.error());
      continue;
    }
    if (is_last && begin_ == end_) return std::optional<std::string_view>();
    const std::size_t stop =
        is_last ? end_ : static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
    std::string_view line(buffer_.data() + begin_, stop - begin_);
    begin_ = looked_ = is_last ? end_ : stop + 1;
    if (++line_number_ == 1 && line.starts_with(kByteOrderMark)) {
      line.remove_prefix(kByteOrderMark.size());
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    return std::optional(line);
  }
}

}  // namespace entail::cli
