#include "store/disk_faults.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>
#include <system_error>

namespace entail::store {

namespace fs = std::filesystem;

Expected<void> DiskFaults::copy_after_power_cut(const std::string& from, const std::string& to,
                                                Random& random) const {
  std::error_code error;
  const auto names_in = [&] {
    std::set<fs::path> names;
    for (fs::directory_iterator it(from, error), end; !error && it != end; it.increment(error)) {
      names.insert(it->path().filename());
    }
    return names;
  };
  const auto copy = [&](const fs::path& name) {
    const fs::path source = fs::path(from) / name;
    const fs::path target = fs::path(to) / name;
    fs::copy_file(source, target, error);
    if (error) return;
    std::uint64_t kept = 0;
    {
      const std::lock_guard lock(mutex_);
      const auto state = files_.find(source.string());
      if (state == files_.end() || state->second.bytes <= state->second.synced_bytes) return;
      kept = state->second.synced_bytes +
             random.below(state->second.bytes - state->second.synced_bytes + 1);
    }
    if (kept < fs::file_size(target, error)) fs::resize_file(target, kept, error);
  };
  // What files come and go meanwhile, by RocksDB's own threads, makes it no state of the disk: once more.
  for (int attempt = 0; attempt < 100; ++attempt) {
    error.clear();
    fs::remove_all(to, error);
    fs::create_directory(to, error);
    const std::set<fs::path> names = names_in();
    for (const fs::path& name : names) {
      if (!error) copy(name);
    }
    if (error && error != std::errc::no_such_file_or_directory) break;
    if (!error && names_in() == names) return {};
  }
  return unexpected(ErrorCode::kIo,
                    fmt::format("could not copy {} to {}: {}", from, to, error.message()));
}

void DiskFaults::note_size(const std::string& path, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  FileState& state = files_[path];
  if (bytes == 0) state = {};
  state.bytes = bytes;
}

void DiskFaults::note_sync(const std::string& path) {
  const std::lock_guard lock(mutex_);
  FileState& state = files_[path];
  state.synced_bytes = state.bytes;
}

void DiskFaults::note_rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (auto node = files_.extract(from)) {
    files_.erase(to);
    node.key() = to;
    files_.insert(std::move(node));
  }
}

void DiskFaults::note_delete(const std::string& path) {
  const std::lock_guard lock(mutex_);
  files_.erase(path);
}

bool DiskFaults::take_space(std::uint64_t bytes) {
  std::int64_t left = space_left_bytes;
  while (left >= 0) {
    if (left < static_cast<std::int64_t>(bytes)) return false;
    if (space_left_bytes.compare_exchange_weak(left, left - static_cast<std::int64_t>(bytes))) {
      return true;
    }
  }
  return true;
}

}  // namespace entail::store
