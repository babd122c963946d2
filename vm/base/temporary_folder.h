// vm/base/temporary_folder.h - a folder for a test's files, which goes when the test ends.
//
// In memory where the system has such a place: a real fsync teaches most tests nothing and takes most of
// their time.
//
// Threads: made by one at a time.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace entail {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    static int count = 0;
    const std::filesystem::path in_memory = "/dev/shm";
    path_ = (std::filesystem::is_directory(in_memory) ? in_memory
                                                      : std::filesystem::temp_directory_path()) /
            ("entail_test_" + std::to_string(::getpid()) + "_" + std::to_string(++count));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string path() const { return path_.string(); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace entail
