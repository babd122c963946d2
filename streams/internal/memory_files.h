// streams/internal/memory_files.h - files that are strings: what tests hand to connectors.
//
// Threads: one.

#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "streams/file_access.h"

namespace entail::streams {

class MemoryFiles final : public FileAccess {
 public:
  std::map<std::string, std::shared_ptr<std::string>> files;
  std::string printed;

  std::string& at(const std::string& path) {
    auto& file = files[path];
    if (file == nullptr) file = std::make_shared<std::string>();
    return *file;
  }

  Expected<std::unique_ptr<InputFile>> open_input(const std::string& path) override {
    const auto found = files.find(path);
    if (found == files.end()) return unexpected(ErrorCode::kNotFound, path + ": no such file");
    return std::unique_ptr<InputFile>(std::make_unique<Input>(found->second));
  }
  Expected<std::unique_ptr<OutputFile>> open_output(const std::string& path) override {
    at(path);
    return std::unique_ptr<OutputFile>(std::make_unique<Output>(files[path]));
  }
  Expected<void> print(std::string_view lines) override {
    printed += lines;
    return {};
  }

 private:
  static std::size_t read(const std::string& bytes, std::uint64_t offset, char* out,
                          std::size_t size) {
    if (offset >= bytes.size()) return 0;
    const std::size_t got = std::min<std::size_t>(size, bytes.size() - offset);
    std::memcpy(out, bytes.data() + offset, got);
    return got;
  }

  struct Input final : InputFile {
    explicit Input(std::shared_ptr<std::string> given) : bytes(std::move(given)) {}
    Expected<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) override {
      return read(*bytes, offset, out, size);
    }
    Expected<std::uint64_t> size() override { return std::uint64_t{bytes->size()}; }
    std::shared_ptr<std::string> bytes;
  };
  struct Output final : OutputFile {
    explicit Output(std::shared_ptr<std::string> given) : bytes(std::move(given)) {}
    Expected<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) override {
      return read(*bytes, offset, out, size);
    }
    Expected<std::uint64_t> size() override { return std::uint64_t{bytes->size()}; }
    Expected<void> append(std::string_view more) override {
      *bytes += more;
      return {};
    }
    Expected<void> truncate(std::uint64_t size) override {
      bytes->resize(size);
      return {};
    }
    Expected<void> sync() override { return {}; }
    std::shared_ptr<std::string> bytes;
  };
};

}  // namespace entail::streams
