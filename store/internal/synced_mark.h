// store/internal/synced_mark.h - the file that remembers how far the write-ahead log was made durable.
//
// store/rocks_kv.h says why and draws the slots; each lies in a disk sector of its own.
//
// Threads: raise() from any.

#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "vm/base/expected.h"

namespace entail::store {

class SyncedMark {
 public:
  // Makes the file, with mark 0, where there is none. Fails with kCorrupt, naming the file, where a
  // slot was written and is damaged.
  static Expected<std::unique_ptr<SyncedMark>> open(const std::string& directory);
  ~SyncedMark();

  const std::string& path() const { return path_; }
  std::uint64_t value() const;

  // Remembers `sequence` where it is higher than the mark. Not synced.
  Expected<void> raise(std::uint64_t sequence);

 private:
  SyncedMark(std::string path, int file) : path_(std::move(path)), file_(file) {}

  Expected<void> load();

  const std::string path_;
  const int file_;
  mutable std::mutex mutex_;
  std::uint64_t value_ = 0;
  int next_slot_ = 0;
};

}  // namespace entail::store
