// store/disk_faults.h - making a real disk fail, for tests and harnesses.
//
// A DiskFaults is handed to open_rocks_kv() and turned while the database runs: its file system
// passes every call on to the real one and, on demand, refuses writes, runs out of space or makes
// each fsync slow. It remembers how much of every file was synced, so that a test can make the
// copy of the folder that a power cut would have left.
//
// Threads: any.

#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "vm/base/expected.h"
#include "vm/base/random.h"

namespace entail::store {

class DiskFaults {
 public:
  std::atomic<std::int64_t> sync_delay_us{0};  // Added to each fsync.
  std::atomic<std::int64_t> space_left_bytes{
      -1};                               // Writes past it fail with "no space"; -1: enough.
  std::atomic<bool> fail_writes{false};  // Every write fails with an I/O error.
  std::atomic<bool> fail_syncs{false};   // Every fsync fails with an I/O error.
  std::atomic<std::uint64_t> syncs{0};   // Counts fsyncs of the write-ahead log.

  // Copies the folder `from` to the new folder `to` as a power cut now might leave it: each file
  // up to what was synced, plus a random part of the rest.
  Expected<void> copy_after_power_cut(const std::string& from, const std::string& to,
                                      Random& random) const;

  // For the file system: a file has grown to `bytes`, was synced, renamed or deleted.
  void note_size(const std::string& path, std::uint64_t bytes);
  void note_sync(const std::string& path);
  void note_rename(const std::string& from, const std::string& to);
  void note_delete(const std::string& path);
  // Takes room for `bytes`; false when there is none.
  bool take_space(std::uint64_t bytes);

 private:
  struct FileState {
    std::uint64_t bytes = 0, synced_bytes = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, FileState> files_;  // By path. A file not listed was there before: synced.
};

}  // namespace entail::store
