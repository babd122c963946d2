// store/internal/faulty_file_system.h - the real file system with the faults of a DiskFaults.
//
// Threads: any; the faults are atomics and a small map under a mutex.

#pragma once

#include <rocksdb/file_system.h>

#include <memory>

#include "store/disk_faults.h"

namespace entail::store {

std::shared_ptr<rocksdb::FileSystem> make_faulty_file_system(std::shared_ptr<DiskFaults> faults);

}  // namespace entail::store
