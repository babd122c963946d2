// store/internal/log_file_system.h - the real file system, where a write-ahead log is made as long as it may become.
//
// Where a log grows with each commit, each fdatasync writes the file's new length, too: half of its CPU time, and a
// second place on the disk to wait for. So a log gets its blocks and its length at once; what is not written yet
// reads as zeros, in which RocksDB sees the log's end. Closing cuts it to what was written; a crash leaves it long.
//
//     ext4, 300 bytes and an fdatasync: 133 us of CPU where the file grows, 61 us where it does not
//
// Threads: any.

#pragma once

#include <rocksdb/file_system.h>

#include <memory>

namespace entail::store {

std::shared_ptr<rocksdb::FileSystem> make_log_file_system();

}  // namespace entail::store
