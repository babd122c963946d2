#include "store/internal/rocks_options.h"

#include <rocksdb/compaction_filter.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdarg>

namespace entail::store {
namespace {

// What RocksDB would tell nobody but itself.
class SilentLogger final : public rocksdb::Logger {
 public:
  SilentLogger() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, std::va_list) override {}
};

// One checksum for each whole file, kept in the manifest: unlike the blocks' own, it covers every
// byte. XXH3, because this RocksDB is built without a fast CRC.
class FileChecksum final : public rocksdb::FileChecksumGenerator {
 public:
  FileChecksum() : state_(XXH3_createState()) { XXH3_64bits_reset(state_); }
  FileChecksum(const FileChecksum&) = delete;
  FileChecksum& operator=(const FileChecksum&) = delete;
  ~FileChecksum() override { XXH3_freeState(state_); }

  void Update(const char* data, std::size_t size) override {
    XXH3_64bits_update(state_, data, size);
  }
  void Finalize() override {
    XXH64_canonical_t canonical;
    XXH64_canonicalFromHash(&canonical, XXH3_64bits_digest(state_));
    checksum_.assign(reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest);
  }
  std::string GetChecksum() const override { return checksum_; }
  const char* Name() const override { return "XXH3_64"; }

 private:
  XXH3_state_t* const state_;
  std::string checksum_;
};

class FileChecksumFactory final : public rocksdb::FileChecksumGenFactory {
 public:
  std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
      const rocksdb::FileChecksumGenContext&) override {
    return std::make_unique<FileChecksum>();
  }
  const char* Name() const override { return "XXH3_64Factory"; }
};

class DropFilter final : public rocksdb::CompactionFilter {
 public:
  explicit DropFilter(KvDropFilter may_drop) : may_drop_(std::move(may_drop)) {}

  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice& value, std::string*,
              bool*) const override {
    return may_drop_({key.data(), key.size()}, {value.data(), value.size()});
  }
  const char* Name() const override { return "EntailDropFilter"; }

 private:
  const KvDropFilter may_drop_;
};

class DropFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit DropFilterFactory(KvDropFilter may_drop) : may_drop_(std::move(may_drop)) {}

  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<DropFilter>(may_drop_);
  }
  const char* Name() const override { return "EntailDropFilterFactory"; }

 private:
  const KvDropFilter may_drop_;
};

// After an error, writes come back when resume() says so and not by themselves in between.
class NoSelfRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

}  // namespace

rocksdb::DBOptions make_db_options(const RocksKvOptions& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = options.create_if_missing;
  db.create_missing_column_families = true;
  db.paranoid_checks = true;
  db.track_and_verify_wals_in_manifest = true;
  db.file_checksum_gen_factory = std::make_shared<FileChecksumFactory>();
  db.max_background_jobs = std::max(2, options.background_threads);
  db.max_subcompactions = 2;
  db.db_write_buffer_size = options.write_buffer_bytes;
  // A family that is rarely written must not hold the whole log back.
  db.max_total_wal_size = 4 * options.write_buffer_bytes;
  db.bytes_per_sync = std::size_t{1} << 20U;  // Tables reach the disk while they are written.
  db.max_bgerror_resume_count = 0;
  db.listeners.push_back(std::make_shared<NoSelfRecovery>());
  db.info_log = std::make_shared<SilentLogger>();
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.avoid_unnecessary_blocking_io = true;
  return db;
}

rocksdb::ColumnFamilyOptions make_family_options(const KvFamilyOptions& family,
                                                 const std::shared_ptr<rocksdb::Cache>& cache,
                                                 std::size_t write_buffer_bytes) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = std::size_t{family.large_values ? 64U : 16U} << 10U;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  if (family.point_reads) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));

  rocksdb::ColumnFamilyOptions column;
  column.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  column.compression = rocksdb::kLZ4Compression;
  column.write_buffer_size = write_buffer_bytes / 3;
  column.max_write_buffer_number = 3;
  column.level_compaction_dynamic_level_bytes = true;
  if (family.point_reads) {
    // Rows change again and again: fewer files hold one row, and a scan passes its old values
    // without the search that RocksDB would begin after eight of them.
    column.level0_file_num_compaction_trigger = 2;
    column.max_sequential_skip_in_iterations = 32;
  }
  if (family.may_drop) {
    column.compaction_filter_factory = std::make_shared<DropFilterFactory>(family.may_drop);
  }
  return column;
}

}  // namespace entail::store
