// store/rocks_kv.h - the disk: a Kv on RocksDB.
//
// One folder, one process: RocksDB's lock keeps a second opener out. A write goes to the
// write-ahead log and is flushed to the operating system, so that it survives a kill; sync() makes
// the log durable, once for all who wrote before it.
//
//     DIR/CURRENT, MANIFEST-*    which files belong          checksums by RocksDB
//     DIR/*.log                  the write-ahead log         a checksum each record
//     DIR/*.sst                  sorted tables               a checksum each block and each file
//     DIR/SYNCED                 how far sync() got          two slots of 24 bytes, see below
//
// A torn tail of the write-ahead log is what a power cut leaves, and is cut off; a damaged log in
// front of what was made durable looks just the same to RocksDB, which would silently lose the
// rest. So each sync() leaves a mark of how far it got (not itself synced: a mark that is lost
// only finds less), and open() refuses a log that ends before the mark:
//
//     slot   | magic 8 | sequence number 8 | checksum 8 |    little-endian; the slots take turns
//
// Sizes are chosen for small durable commits, bulk loads in sorted order and long scans, within
// RocksKvOptions::cache_bytes and write_buffer_bytes of memory.
//
// Threads: as Kv says; RocksDB has two or more background threads of its own.
// Sources: RocksDB 7.8's headers and wiki.

#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "store/disk_faults.h"
#include "vm/base/kv.h"

namespace entail::store {

struct RocksKvOptions {
  std::string directory;  // Made if its parent exists.
  bool create_if_missing = true;
  std::size_t cache_bytes = std::size_t{256} << 20U;  // Of uncompressed blocks, all families.
  std::size_t write_buffer_bytes = std::size_t{192} << 20U;  // Not yet in files, all families.
  int background_threads = 2;
  std::shared_ptr<DiskFaults> faults;  // For tests: what goes wrong below RocksDB. Null: nothing.
};

// Fails with kIo (SQLSTATE 55006) naming the directory when another process has it open, with
// kCorrupt naming the file when stored bytes are damaged, with kNotFound when there is nothing and
// nothing may be made.
Expected<std::unique_ptr<Kv>> open_rocks_kv(const RocksKvOptions& options, const KvLayout& layout);

// open_rocks_kv() with its options, for whoever takes a KvOpener.
KvOpener rocks_kv_opener(RocksKvOptions options);

}  // namespace entail::store
