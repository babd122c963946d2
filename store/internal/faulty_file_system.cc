#include "store/internal/faulty_file_system.h"

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "store/internal/log_file_system.h"

namespace entail::store {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

IOStatus no_space() {
  return IOStatus::NoSpace("no space left on device (a fault that was asked for)");
}
IOStatus refused(const char* what) {
  return IOStatus::IOError(std::string(what) + " failed (a fault that was asked for)");
}

class FaultyWritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyWritableFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, std::string path,
                     std::shared_ptr<DiskFaults> faults)
      : FSWritableFileOwnerWrapper(std::move(file)),
        path_(std::move(path)),
        is_log_(path_.ends_with(".log")),
        faults_(std::move(faults)) {
    faults_->note_size(path_, 0);
  }

  using FSWritableFileOwnerWrapper::Append;
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    if (IOStatus status = enter_write(data.size()); !status.ok()) return status;
    IOStatus status = FSWritableFileOwnerWrapper::Append(data, options, debug);
    if (status.ok()) note_growth(data.size());
    return status;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info, IODebugContext* debug) override {
    if (IOStatus status = enter_write(data.size()); !status.ok()) return status;
    IOStatus status = FSWritableFileOwnerWrapper::Append(data, options, info, debug);
    if (status.ok()) note_growth(data.size());
    return status;
  }

  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    if (IOStatus status = enter_sync(); !status.ok()) return status;
    IOStatus status = FSWritableFileOwnerWrapper::Sync(options, debug);
    if (status.ok()) faults_->note_sync(path_);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    if (IOStatus status = enter_sync(); !status.ok()) return status;
    IOStatus status = FSWritableFileOwnerWrapper::Fsync(options, debug);
    if (status.ok()) faults_->note_sync(path_);
    return status;
  }

 private:
  IOStatus enter_write(std::size_t bytes) {
    if (faults_->fail_writes) return refused("a write");
    return faults_->take_space(bytes) ? IOStatus::OK() : no_space();
  }

  IOStatus enter_sync() {
    if (is_log_) ++faults_->syncs;
    if (const std::int64_t delay_us = faults_->sync_delay_us; delay_us > 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
    }
    return faults_->fail_syncs ? refused("an fsync") : IOStatus::OK();
  }

  void note_growth(std::size_t bytes) {
    bytes_ += bytes;
    faults_->note_size(path_, bytes_);
  }

  const std::string path_;
  const bool is_log_;
  const std::shared_ptr<DiskFaults> faults_;
  std::uint64_t bytes_ = 0;
};

class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(std::shared_ptr<DiskFaults> faults)
      : FileSystemWrapper(make_log_file_system()), faults_(std::move(faults)) {}

  const char* Name() const override { return "FaultyFileSystem"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* debug) override {
    if (faults_->fail_writes) return refused("making a file");
    std::unique_ptr<rocksdb::FSWritableFile> file;
    IOStatus status = FileSystemWrapper::NewWritableFile(path, options, &file, debug);
    if (status.ok()) {
      *result = std::make_unique<FaultyWritableFile>(std::move(file), path, faults_);
    }
    return status;
  }

  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug);
    if (status.ok()) faults_->note_rename(from, to);
    return status;
  }

  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override {
    IOStatus status = FileSystemWrapper::DeleteFile(path, options, debug);
    if (status.ok()) faults_->note_delete(path);
    return status;
  }

 private:
  const std::shared_ptr<DiskFaults> faults_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> make_faulty_file_system(std::shared_ptr<DiskFaults> faults) {
  return std::make_shared<FaultyFileSystem>(std::move(faults));
}

}  // namespace entail::store
