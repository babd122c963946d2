#include "store/internal/log_file_system.h"

namespace entail::store {
namespace {

class LogFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  LogFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  const char* Name() const override { return "LogFileSystem"; }

  rocksdb::FileOptions OptimizeForLogWrite(const rocksdb::FileOptions& options,
                                           const rocksdb::DBOptions& db_options) const override {
    rocksdb::FileOptions result = FileSystemWrapper::OptimizeForLogWrite(options, db_options);
    result.fallocate_with_keep_size = false;
    return result;
  }
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> make_log_file_system() {
  return std::make_shared<LogFileSystem>();
}

}  // namespace entail::store
