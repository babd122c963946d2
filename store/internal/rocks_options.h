// store/internal/rocks_options.h - how RocksDB is set up for the store.
//
// Threads: pure functions.

#pragma once

#include <rocksdb/options.h>

#include <memory>

#include "store/rocks_kv.h"
#include "vm/base/kv.h"

namespace entail::store {

rocksdb::DBOptions make_db_options(const RocksKvOptions& options);
rocksdb::ColumnFamilyOptions make_family_options(const KvFamilyOptions& family,
                                                 const std::shared_ptr<rocksdb::Cache>& cache,
                                                 std::size_t write_buffer_bytes);

}  // namespace entail::store
