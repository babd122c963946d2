#include "store/rocks_kv.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/experimental.h>
#include <rocksdb/perf_context.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "store/internal/bytes.h"
#include "store/internal/faulty_file_system.h"
#include "store/internal/log_file_system.h"
#include "store/internal/rocks_options.h"
#include "store/internal/synced_mark.h"
#include "vm/base/ensure.h"

namespace entail::store {
namespace {

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

Unexpected failed(std::string_view what, const std::string& directory,
                  const rocksdb::Status& status) {
  std::string message = fmt::format("could not {} {}: {}", what, directory, status.ToString());
  if (status.subcode() == rocksdb::Status::kNoSpace) {
    return unexpected(ErrorCode::kLimit, std::move(message),
                      {.sqlstate = "53100", .hint = "Free some disk space; writing goes on then."});
  }
  if (status.IsCorruption()) return corrupt(std::move(message));
  return unexpected(ErrorCode::kIo, std::move(message), {.sqlstate = "58030"});
}

using Handles = std::vector<rocksdb::ColumnFamilyHandle*>;

class RocksBatch final : public KvBatch {
 public:
  explicit RocksBatch(const Handles& handles) : handles_(handles) {}

  void put(KvFamily family, std::string_view key, std::string_view value) override {
    check(batch.Put(handles_[family.position()], slice(key), slice(value)));
  }
  void erase(KvFamily family, std::string_view key) override {
    check(batch.Delete(handles_[family.position()], slice(key)));
  }
  void erase_range(KvFamily family, std::string_view begin, std::string_view end) override {
    // RocksDB counts an empty range as a change when it writes one and not when it recovers it, and
    // the log would seem to end before the mark.
    if (begin >= end) return;
    check(batch.DeleteRange(handles_[family.position()], slice(begin), slice(end)));
  }
  std::size_t bytes() const override { return batch.GetDataSize(); }
  void clear() override {
    // A batch keeps its memory for the next commit, unless one commit was huge.
    constexpr std::size_t kKeptBytes = std::size_t{4} << 20U;
    if (batch.GetDataSize() > kKeptBytes) {
      batch = rocksdb::WriteBatch();
    } else {
      batch.Clear();
    }
    status = rocksdb::Status::OK();
  }

  rocksdb::WriteBatch batch;
  rocksdb::Status status;  // The first refusal; write() reports it.

 private:
  void check(const rocksdb::Status& added) {
    if (!added.ok() && status.ok()) status = added;
  }

  const Handles& handles_;
};

class RocksSnapshot final : public KvSnapshot {
 public:
  explicit RocksSnapshot(rocksdb::DB& db) : db_(db), snapshot(db.GetSnapshot()) {}
  ~RocksSnapshot() override { db_.ReleaseSnapshot(snapshot); }

 private:
  rocksdb::DB& db_;

 public:
  const rocksdb::Snapshot* const snapshot;
};

const rocksdb::Snapshot* raw(const KvSnapshot* snapshot) {
  return snapshot == nullptr ? nullptr : static_cast<const RocksSnapshot*>(snapshot)->snapshot;
}

// Rows that were overwritten or deleted lately still lie in memory and in young files, and scans
// step over them. Once scans of a family have stepped over about as many as tidying it would move,
// it is tidied: so scans pay for the past at most twice, and who does not scan pays nothing.
class ScanDebt {
 public:
  ScanDebt(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* handle) : db_(db), handle_(handle) {}

  void add(std::uint64_t stepped_over) {
    constexpr std::uint64_t kSmallest = 10'000;
    const std::uint64_t owed = owed_.fetch_add(stepped_over) + stepped_over;
    if (owed < kSmallest) return;
    std::uint64_t in_memory = 0;
    db_.GetIntProperty(handle_, rocksdb::DB::Properties::kNumEntriesActiveMemTable, &in_memory);
    if (owed < in_memory / 2) return;
    owed_ = 0;
    // Both only ask RocksDB's own threads; where they cannot, the next scan asks again.
    rocksdb::FlushOptions flush;
    flush.wait = false;
    db_.Flush(flush, handle_).PermitUncheckedError();
    rocksdb::experimental::SuggestCompactRange(&db_, handle_, nullptr, nullptr)
        .PermitUncheckedError();
  }

 private:
  rocksdb::DB& db_;
  rocksdb::ColumnFamilyHandle* const handle_;
  std::atomic<std::uint64_t> owed_{0};
};

std::uint64_t stepped_over_on_this_thread() {
  const rocksdb::PerfContext& counts = *rocksdb::get_perf_context();
  return counts.internal_key_skipped_count + counts.internal_delete_skipped_count;
}

class RocksIterator final : public KvIterator {
 public:
  RocksIterator(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* handle, const std::string& directory,
                KvReadOptions options, ScanDebt& debt)
      : debt_(debt),
        stepped_over_at_birth_(stepped_over_on_this_thread()),
        options_(std::move(options)),
        lower_(slice(options_.lower)),
        upper_(slice(options_.upper)),
        directory_(directory) {
    rocksdb::ReadOptions read;
    read.snapshot = raw(options_.snapshot);
    if (!options_.lower.empty()) read.iterate_lower_bound = &lower_;
    if (!options_.upper.empty()) read.iterate_upper_bound = &upper_;
    if (options_.bulk) {
      read.fill_cache = false;
      read.readahead_size = std::size_t{2} << 20U;
    }
    iterator_.reset(db.NewIterator(read, handle));
  }
  ~RocksIterator() override {
    iterator_.reset();
    // What else the thread read meanwhile is counted too; it is only a hint.
    if (options_.bulk) {
      debt_.add(stepped_over_on_this_thread() -
                std::min(stepped_over_at_birth_, stepped_over_on_this_thread()));
    }
  }

  void seek(std::string_view key) override { iterator_->Seek(slice(key)); }
  void seek_for_prev(std::string_view key) override { iterator_->SeekForPrev(slice(key)); }
  void seek_to_first() override { iterator_->SeekToFirst(); }
  void seek_to_last() override { iterator_->SeekToLast(); }
  void next() override { iterator_->Next(); }
  bool valid() const override { return iterator_->Valid(); }
  std::string_view key() const override { return view(iterator_->key()); }
  std::string_view value() const override { return view(iterator_->value()); }
  Expected<void> status() const override {
    const rocksdb::Status status = iterator_->status();
    if (status.ok()) return {};
    return failed("read from", directory_, status);
  }

 private:
  ScanDebt& debt_;
  const std::uint64_t stepped_over_at_birth_;
  const KvReadOptions options_;
  const rocksdb::Slice lower_, upper_;
  const std::string& directory_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class RocksKv final : public Kv {
 public:
  ~RocksKv() override {
    if (db_ == nullptr) return;
    for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
    if (default_handle_ != nullptr) db_->DestroyColumnFamilyHandle(default_handle_);
    const rocksdb::Status closed = db_->Close();
    static_cast<void>(closed);  // What was promised to be durable is so already.
  }

  static Expected<std::unique_ptr<Kv>> open(const RocksKvOptions& options, const KvLayout& layout) {
    std::unique_ptr<RocksKv> kv(new RocksKv(options.directory));
    if (auto opened = kv->open_checked(options, layout); !opened) {
      return unexpected(std::move(opened).error());
    }
    return std::unique_ptr<Kv>(std::move(kv));
  }

  std::unique_ptr<KvBatch> new_batch() override { return std::make_unique<RocksBatch>(handles_); }

  Expected<void> write(KvBatch& batch, bool durable) override {
    auto& rocks = static_cast<RocksBatch&>(batch);
    rocksdb::Status status = rocks.status;
    if (status.ok()) {
      rocksdb::WriteOptions write;
      write.sync = durable;
      status = db_->Write(write, &rocks.batch);
    }
    if (!status.ok()) return failed("write to", directory_, status);
    if (durable) leave_mark(db_->GetLatestSequenceNumber());
    return {};
  }

  Expected<void> sync() override {
    const rocksdb::SequenceNumber written = db_->GetLatestSequenceNumber();
    const rocksdb::Status status = db_->SyncWAL();
    if (!status.ok()) return failed("sync the log of", directory_, status);
    leave_mark(written);
    return {};
  }

  Expected<void> resume() override {
    // Where RocksDB has stopped writing, this flushes what is in memory to new files.
    const rocksdb::Status status = db_->Resume();
    if (!status.ok()) return failed("go on writing to", directory_, status);
    return sync();
  }

  Expected<std::optional<std::string>> get(KvFamily family, std::string_view key,
                                           const KvSnapshot* snapshot) const override {
    rocksdb::ReadOptions read;
    read.snapshot = raw(snapshot);
    std::string value;
    const rocksdb::Status status = db_->Get(read, handles_[family.position()], slice(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    if (!status.ok()) return failed("read from", directory_, status);
    return std::optional<std::string>(std::move(value));
  }

  Expected<std::vector<std::optional<std::string>>> get_many(
      KvFamily family, std::span<const std::string> keys) const override {
    const std::size_t count = keys.size();
    if (count == 1) {
      // What most commits ask; RocksDB's look-up of many costs twice as much for one.
      auto value = get(family, keys.front(), nullptr);
      if (!value) return unexpected(std::move(value).error());
      std::vector<std::optional<std::string>> values;
      values.push_back(*std::move(value));
      return values;
    }
    std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
    std::vector<rocksdb::PinnableSlice> found(count);
    std::vector<rocksdb::Status> statuses(count);
    db_->MultiGet(rocksdb::ReadOptions(), handles_[family.position()], count, slices.data(),
                  found.data(), statuses.data(), std::is_sorted(keys.begin(), keys.end()));
    std::vector<std::optional<std::string>> values(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (statuses[i].IsNotFound()) continue;
      if (!statuses[i].ok()) return failed("read from", directory_, statuses[i]);
      values[i] = found[i].ToString();
    }
    return values;
  }

  std::unique_ptr<KvIterator> iterate(KvFamily family, KvReadOptions options) const override {
    return std::make_unique<RocksIterator>(*db_, handles_[family.position()], directory_,
                                           std::move(options), *debts_[family.position()]);
  }

  std::unique_ptr<KvSnapshot> snapshot() const override {
    return std::make_unique<RocksSnapshot>(*db_);
  }

  Expected<void> compact(KvFamily family, std::string_view begin, std::string_view end) override {
    rocksdb::CompactRangeOptions how;
    how.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    const rocksdb::Slice from = slice(begin), to = slice(end);
    const rocksdb::Status status =
        db_->CompactRange(how, handles_[family.position()], begin.empty() ? nullptr : &from,
                          end.empty() ? nullptr : &to);
    if (!status.ok()) return failed("tidy", directory_, status);
    return {};
  }

  Expected<void> checkpoint(const std::string& path) override {
    rocksdb::Checkpoint* made = nullptr;
    rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &made);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    if (status.ok()) status = checkpoint->CreateCheckpoint(path);
    if (!status.ok()) return failed(fmt::format("back up to {} from", path), directory_, status);
    return {};
  }

  Expected<void> verify_files() const override {
    const rocksdb::Status status = db_->VerifyFileChecksums(rocksdb::ReadOptions());
    if (!status.ok()) return failed("verify the files of", directory_, status);
    return {};
  }

 private:
  explicit RocksKv(std::string directory) : directory_(std::move(directory)) {}

  // The families by name in the layout's order, with RocksDB's own "default", unused, at the end.
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors(const RocksKvOptions& options,
                                                           const KvLayout& layout) const {
    const auto cache = rocksdb::NewLRUCache(options.cache_bytes);
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const KvFamilyOptions& family : layout.families) {
      families.emplace_back(family.name,
                            make_family_options(family, cache, options.write_buffer_bytes));
    }
    families.emplace_back(rocksdb::kDefaultColumnFamilyName,
                          make_family_options({}, cache, options.write_buffer_bytes));
    return families;
  }

  rocksdb::Status open_db(const rocksdb::DBOptions& db_options,
                          const std::vector<rocksdb::ColumnFamilyDescriptor>& families) {
    rocksdb::DB* db = nullptr;
    Handles handles;
    const rocksdb::Status status =
        rocksdb::DB::Open(db_options, directory_, families, &handles, &db);
    if (status.ok()) {
      db_.reset(db);
      default_handle_ = handles.back();
      handles.pop_back();
      handles_ = std::move(handles);
      for (rocksdb::ColumnFamilyHandle* handle : handles_) {
        debts_.push_back(std::make_unique<ScanDebt>(*db_, handle));
      }
    }
    return status;
  }

  // How far a log can be read whose end cannot: the newest sequence number before the damage.
  Expected<rocksdb::SequenceNumber> readable_end(
      const rocksdb::DBOptions& db_options,
      const std::vector<rocksdb::ColumnFamilyDescriptor>& families) const {
    rocksdb::DB* raw_db = nullptr;
    Handles handles;
    const rocksdb::Status status =
        rocksdb::DB::OpenForReadOnly(db_options, directory_, families, &handles, &raw_db);
    if (!status.ok()) return failed("open", directory_, status);
    const std::unique_ptr<rocksdb::DB> db(raw_db);
    const rocksdb::SequenceNumber end = db->GetLatestSequenceNumber();
    for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
    return end;
  }

  // A mark that cannot be left finds less damage later; what was asked for has succeeded.
  void leave_mark(rocksdb::SequenceNumber durable) { static_cast<void>(mark_->raise(durable)); }

  Unexpected lost(std::uint64_t end) const {
    return corrupt(fmt::format(
        "the write-ahead log of {0} is damaged or incomplete: it ends at change {1}, and change "
        "{2} "
        "was made durable ({3}); restore a backup, or remove {3} to go on with what is left",
        directory_, end, mark_->value(), mark_->path()));
  }

  Expected<void> open_checked(const RocksKvOptions& options, const KvLayout& layout) {
    rocksdb::DBOptions db_options = make_db_options(options);
    env_ = rocksdb::NewCompositeEnv(options.faults == nullptr
                                        ? make_log_file_system()
                                        : make_faulty_file_system(options.faults));
    db_options.env = env_.get();
    const auto families = descriptors(options, layout);

    // An intact log is read to its last byte. Where it cannot be, either the end was torn by a
    // crash, which is as it should be, or something is lost, which the mark tells.
    db_options.wal_recovery_mode = rocksdb::WALRecoveryMode::kAbsoluteConsistency;
    rocksdb::Status status = open_db(db_options, families);
    if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
      return unexpected(ErrorCode::kIo,
                        fmt::format("{} is in use: another store has it open", directory_),
                        {.sqlstate = "55006"});
    }
    if (status.IsInvalidArgument() &&
        status.ToString().find("does not exist") != std::string::npos) {
      return unexpected(ErrorCode::kNotFound, fmt::format("there is no store in {}", directory_));
    }
    if (!status.ok() && !status.IsCorruption()) return failed("open", directory_, status);

    auto mark = SyncedMark::open(directory_);
    if (!mark) return unexpected(std::move(mark).error());
    mark_ = *std::move(mark);
    if (!status.ok()) {
      db_options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
      auto end = readable_end(db_options, families);
      if (!end) return unexpected(std::move(end).error());
      if (*end < mark_->value()) return lost(*end);
      status = open_db(db_options, families);
      if (!status.ok()) return failed("open", directory_, status);
    }
    const std::uint64_t end = db_->GetLatestSequenceNumber();
    if (end < mark_->value()) return lost(end);
    return {};
  }

  const std::string directory_;
  std::unique_ptr<rocksdb::Env> env_;  // Outlives db_.
  std::unique_ptr<SyncedMark> mark_;
  std::unique_ptr<rocksdb::DB> db_;
  Handles handles_;
  std::vector<std::unique_ptr<ScanDebt>> debts_;  // A family each.
  rocksdb::ColumnFamilyHandle* default_handle_ = nullptr;
};

}  // namespace

Expected<std::unique_ptr<Kv>> open_rocks_kv(const RocksKvOptions& options, const KvLayout& layout) {
  return RocksKv::open(options, layout);
}

KvOpener rocks_kv_opener(RocksKvOptions options) {
  return [options = std::move(options)](const KvLayout& layout) {
    return open_rocks_kv(options, layout);
  };
}

}  // namespace entail::store
