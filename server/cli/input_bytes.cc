#include "server/cli/input_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "vm/base/ensure.h"

namespace entail::cli {
namespace {

constexpr std::size_t kPackedBufferBytes = std::size_t{256} << 10;
constexpr unsigned char kGzipMagic[] = {0x1f, 0x8b};
constexpr unsigned char kByteOrderMark[] = {0xef, 0xbb, 0xbf};

Unexpected system_failure(const std::string& name, int error) {
  return unexpected(ErrorCode::kIo, name + ": " + std::strerror(error));
}

}  // namespace

struct InputBytes::State {
  std::string name;
  int descriptor = -1;
  bool is_packed = false;
  bool at_end = false;           // Of the bytes as stored.
  bool in_member = false;        // Inside a gzip member that has not ended.
  std::vector<char> stored;      // Read ahead: the first bytes, then packed ones.
  std::size_t stored_begin = 0;  // The part of `stored` that is still to be handed on.
  std::size_t stored_end = 0;
  z_stream unpacker{};
  bool has_unpacker = false;
  bool mark_done = false;

  ~State() {
    if (has_unpacker) inflateEnd(&unpacker);
    if (descriptor > STDERR_FILENO) ::close(descriptor);
  }

  Expected<std::size_t> read_stored(char* out, std::size_t size) {
    const ssize_t got = ::read(descriptor, out, size);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) {
      at_end = true;
      return std::size_t{0};
    }
    // Only a signal that asks us to stop has a handler, so nothing else interrupts a read.
    if (errno == EINTR) return unexpected(ErrorCode::kCancelled, "interrupted");
    return system_failure(name, errno);
  }

  Expected<void> refill() {
    stored_begin = 0;
    stored_end = 0;
    auto got = read_stored(stored.data(), stored.size());
    if (!got) return unexpected(got.error());
    stored_end = *got;
    return {};
  }

  Expected<std::size_t> read_plain(char* out, std::size_t size) {
    if (stored_begin < stored_end) {
      const std::size_t count = std::min(size, stored_end - stored_begin);
      std::memcpy(out, stored.data() + stored_begin, count);
      stored_begin += count;
      return count;
    }
    return at_end ? Expected<std::size_t>(std::size_t{0}) : read_stored(out, size);
  }

  Expected<std::size_t> read_packed(char* out, std::size_t size) {
    for (;;) {
      if (stored_begin == stored_end && !at_end) {
        if (auto filled = refill(); !filled) return unexpected(filled.error());
      }
      if (stored_begin == stored_end) {
        if (in_member) {
          return unexpected(ErrorCode::kData, name + ": the gzip data ends too early");
        }
        return std::size_t{0};
      }
      unpacker.next_in = reinterpret_cast<Bytef*>(stored.data() + stored_begin);
      unpacker.avail_in = static_cast<uInt>(stored_end - stored_begin);
      unpacker.next_out = reinterpret_cast<Bytef*>(out);
      unpacker.avail_out = static_cast<uInt>(std::min<std::size_t>(size, 1U << 30U));
      const uInt room = unpacker.avail_out;
      in_member = true;
      const int status = inflate(&unpacker, Z_NO_FLUSH);
      stored_begin = stored_end - unpacker.avail_in;
      const std::size_t made = room - unpacker.avail_out;
      if (status == Z_STREAM_END) {
        in_member = false;
        inflateReset(&unpacker);  // Another member may follow.
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        return unexpected(ErrorCode::kData,
                          name + ": the gzip data is damaged" +
                              (unpacker.msg == nullptr ? "" : std::string(": ") + unpacker.msg));
      }
      if (made > 0) return made;
    }
  }
};

InputBytes::InputBytes(std::unique_ptr<State> state) : state_(std::move(state)) {}
InputBytes::InputBytes(InputBytes&&) noexcept = default;
InputBytes& InputBytes::operator=(InputBytes&&) noexcept = default;
InputBytes::~InputBytes() = default;

const std::string& InputBytes::name() const { return state_->name; }

Expected<InputBytes> InputBytes::open(const std::string& path) {
  auto state = std::make_unique<State>();
  state->name = path.empty() ? "stdin" : path;
  state->descriptor = path.empty() ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (state->descriptor < 0) {
    // Souffle's words, which scripts look for.
    return unexpected(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                      "Cannot open fact file " + path + ": " + std::strerror(errno));
  }
  struct stat status{};
  if (fstat(state->descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    return unexpected(ErrorCode::kIo, "Cannot open fact file " + path + ": it is a directory");
  }
  state->stored.resize(kPackedBufferBytes);
  while (state->stored_end < 2 && !state->at_end) {
    auto got = state->read_stored(state->stored.data() + state->stored_end,
                                  state->stored.size() - state->stored_end);
    if (!got) return unexpected(got.error());
    state->stored_end += *got;
  }
  state->is_packed = state->stored_end >= 2 &&
                     std::memcmp(state->stored.data(), kGzipMagic, sizeof kGzipMagic) == 0;
  if (!state->is_packed && path.ends_with(".gz") && state->stored_end > 0) {
    return unexpected(ErrorCode::kData, path + ": not a gzip file");
  }
  if (state->is_packed) {
    constexpr int kGzipWindow = 15 + 16;  // The largest window; 16 asks for gzip's header.
    ENTAIL_ENSURE(inflateInit2(&state->unpacker, kGzipWindow) == Z_OK);
    state->has_unpacker = true;
  }
  return InputBytes(std::move(state));
}

Expected<std::size_t> InputBytes::read(char* out, std::size_t size) {
  State& state = *state_;
  const auto next = [&](char* to, std::size_t room) {
    return state.is_packed ? state.read_packed(to, room) : state.read_plain(to, room);
  };
  if (state.mark_done || size < sizeof kByteOrderMark) return next(out, size);
  state.mark_done = true;
  std::size_t count = 0;
  while (count < sizeof kByteOrderMark) {
    auto got = next(out + count, size - count);
    if (!got) return got;
    if (*got == 0) break;
    count += *got;
  }
  if (count >= sizeof kByteOrderMark &&
      std::memcmp(out, kByteOrderMark, sizeof kByteOrderMark) == 0) {
    count -= sizeof kByteOrderMark;
    std::memmove(out, out + sizeof kByteOrderMark, count);
    if (count == 0) return next(out, size);
  }
  return count;
}

}  // namespace entail::cli
