#include "store/internal/synced_mark.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "store/internal/bytes.h"

namespace entail::store {
namespace {

constexpr std::size_t kSlotBytes = 24;
constexpr off_t kSlotDistance = 512;
constexpr std::uint64_t kMagic = 0x4B52414D44435953U;  // "SYCDMARK".

using Slot = std::array<std::uint64_t, 3>;  // Magic, sequence number, checksum.
static_assert(sizeof(Slot) == kSlotBytes);

Slot make_slot(std::uint64_t sequence) {
  Slot slot{kMagic, sequence, 0};
  slot[2] = XXH3_64bits(slot.data(), 2 * sizeof(std::uint64_t));
  return slot;
}

Unexpected refused(const std::string& path, const char* what) {
  return unexpected(ErrorCode::kIo,
                    fmt::format("could not {} {}: {}", what, path, std::strerror(errno)),
                    {.sqlstate = "58030"});
}

}  // namespace

Expected<std::unique_ptr<SyncedMark>> SyncedMark::open(const std::string& directory) {
  std::string path = directory + "/SYNCED";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return refused(path, "open");
  std::unique_ptr<SyncedMark> mark(new SyncedMark(std::move(path), file));
  if (auto loaded = mark->load(); !loaded) return unexpected(std::move(loaded).error());
  return mark;
}

SyncedMark::~SyncedMark() {
  ::fdatasync(file_);
  ::close(file_);
}

Expected<void> SyncedMark::load() {
  // The blocks are taken now, so that a full disk never stands in the way of a mark.
  const off_t size = ::lseek(file_, 0, SEEK_END);
  constexpr off_t kFileBytes = kSlotDistance + static_cast<off_t>(kSlotBytes);
  if (size < kFileBytes) {
    const std::string zeros(static_cast<std::size_t>(kFileBytes - size), '\0');
    if (::pwrite(file_, zeros.data(), zeros.size(), size) != static_cast<ssize_t>(zeros.size())) {
      return refused(path_, "write");
    }
  }
  for (int number = 0; number < 2; ++number) {
    Slot slot{};
    const ssize_t got = ::pread(file_, slot.data(), kSlotBytes, number * kSlotDistance);
    if (got < 0) return refused(path_, "read");
    if (slot == Slot{}) continue;  // Never written.
    if (slot != make_slot(slot[1])) {
      return corrupt(
          fmt::format("the file {} is damaged: slot {} has a wrong checksum; it only "
                      "tells how much of the log must be there, and may be removed once "
                      "that is known otherwise",
                      path_, number));
    }
    if (slot[1] >= value_) {
      value_ = slot[1];
      next_slot_ = 1 - number;
    }
  }
  return {};
}

std::uint64_t SyncedMark::value() const {
  const std::lock_guard lock(mutex_);
  return value_;
}

Expected<void> SyncedMark::raise(std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  if (sequence <= value_) return {};
  const Slot slot = make_slot(sequence);
  if (::pwrite(file_, slot.data(), kSlotBytes, next_slot_ * kSlotDistance) !=
      static_cast<ssize_t>(kSlotBytes)) {
    return refused(path_, "write");
  }
  value_ = sequence;
  next_slot_ = 1 - next_slot_;
  return {};
}

}  // namespace entail::store
