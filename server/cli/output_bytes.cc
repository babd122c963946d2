#include "server/cli/output_bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "vm/base/ensure.h"

namespace entail::cli {
namespace {

Unexpected system_failure(const std::string& doing, int error) {
  return unexpected(ErrorCode::kIo, fmt::format("{}: {}", doing, std::strerror(error)));
}

// Returns 0, or the errno that stopped it.
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

// The file a symbolic link leads to, so that the link itself is not replaced.
std::string resolved(const std::string& path) {
  char* const real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) return path;
  std::string result = real;
  std::free(real);
  return result;
}

}  // namespace

struct OutputFile::State {
  std::string path;       // As asked for; what messages say.
  std::string target;     // Behind symbolic links.
  std::string temporary;  // Empty: written in place.
  int descriptor = -1;
  bool gzip = false;
  z_stream packer{};
  std::vector<char> packed;

  Expected<void> failed(int error) const { return system_failure("cannot write " + path, error); }

  Expected<void> put(std::string_view bytes) {
    const int error = write_all(descriptor, bytes);
    return error == 0 ? Expected<void>{} : failed(error);
  }

  Expected<void> pack(std::string_view bytes, int flush) {
    packer.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    packer.avail_in = static_cast<uInt>(bytes.size());
    for (;;) {
      packer.next_out = reinterpret_cast<Bytef*>(packed.data());
      packer.avail_out = static_cast<uInt>(packed.size());
      const int status = deflate(&packer, flush);
      ENTAIL_ENSURE(status != Z_STREAM_ERROR);
      const std::size_t made = packed.size() - packer.avail_out;
      if (auto done = put({packed.data(), made}); !done) return done;
      if (packer.avail_out != 0) return {};
    }
  }
};

OutputFile::OutputFile(std::unique_ptr<State> state) : state_(std::move(state)) {}

OutputFile::~OutputFile() {
  if (state_->gzip) deflateEnd(&state_->packer);
  if (state_->descriptor >= 0) ::close(state_->descriptor);
  if (!state_->temporary.empty()) ::unlink(state_->temporary.c_str());
}

const std::string& OutputFile::path() const { return state_->path; }

Expected<std::unique_ptr<OutputFile>> OutputFile::create(std::string path, bool gzip) {
  auto state = std::make_unique<State>();
  state->path = std::move(path);
  state->target = resolved(state->path);
  constexpr mode_t kPlainMode = 0666;  // Less the umask, as any program's files.
  struct stat status{};
  const bool exists = ::stat(state->target.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) return unexpected(state->failed(EISDIR).error());
  if (exists && !S_ISREG(status.st_mode)) {
    state->descriptor = ::open(state->target.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    static std::atomic<unsigned> serial{0};
    const std::size_t slash = state->target.rfind('/');
    const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
    state->temporary = fmt::format("{}.{}.{}-{}.part", state->target.substr(0, name),
                                   state->target.substr(name), ::getpid(), serial.fetch_add(1));
    state->descriptor =
        ::open(state->temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kPlainMode);
    if (state->descriptor < 0) state->temporary.clear();
    // A file that is replaced keeps its permissions.
    if (state->descriptor >= 0 && exists) {
      (void)!::fchmod(state->descriptor, status.st_mode & 07777U);
    }
  }
  if (state->descriptor < 0) return unexpected(state->failed(errno).error());
  if (gzip) {
    constexpr int kGzipWindow = 15 + 16;  // The largest window; 16 writes gzip's header.
    constexpr int kMemoryLevel = 8;
    ENTAIL_ENSURE(deflateInit2(&state->packer, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow,
                               kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK);
    state->gzip = true;
    state->packed.resize(kWriteBytes);
  }
  return std::unique_ptr<OutputFile>(new OutputFile(std::move(state)));
}

Expected<void> OutputFile::write(std::string_view bytes) {
  return state_->gzip ? state_->pack(bytes, Z_NO_FLUSH) : state_->put(bytes);
}

Expected<void> OutputFile::finish() {
  if (state_->gzip) {
    if (auto packed = state_->pack({}, Z_FINISH); !packed) return packed;
  }
  const int status = ::close(state_->descriptor);
  state_->descriptor = -1;
  return status == 0 ? Expected<void>{} : state_->failed(errno);
}

Expected<void> OutputFile::commit() {
  if (state_->temporary.empty()) return {};
  if (::rename(state_->temporary.c_str(), state_->target.c_str()) != 0) {
    return state_->failed(errno);
  }
  state_->temporary.clear();
  return {};
}

Expected<void> StandardOutput::write(std::string_view bytes) {
  const int error = write_all(STDOUT_FILENO, bytes);
  if (error == 0) return {};
  if (error == EPIPE) return unexpected(ErrorCode::kCancelled, "standard output was closed");
  return system_failure("cannot write standard output", error);
}

}  // namespace entail::cli
