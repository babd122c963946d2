// streams/file_access.h - files as connectors see them; the server hands in those of the machine.
//
// Errors are kNotFound, where there is no such file, and kIo; messages begin with the path.
//
// Threads: a FileAccess any, at any time; a file one at a time.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "vm/base/expected.h"

namespace entail::streams {

class InputFile {
 public:
  virtual ~InputFile() = default;
  // Up to `size` bytes from there on; 0 at the end.
  virtual Expected<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) = 0;
  virtual Expected<std::uint64_t> size() = 0;
};

class OutputFile {
 public:
  virtual ~OutputFile() = default;
  virtual Expected<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) = 0;
  virtual Expected<std::uint64_t> size() = 0;
  virtual Expected<void> append(std::string_view bytes) = 0;
  virtual Expected<void> truncate(std::uint64_t size) = 0;
  virtual Expected<void> sync() = 0;  // What was written survives a power cut.
};

class FileAccess {
 public:
  virtual ~FileAccess() = default;
  virtual Expected<std::unique_ptr<InputFile>> open_input(const std::string& path) = 0;
  // Made where there is none.
  virtual Expected<std::unique_ptr<OutputFile>> open_output(const std::string& path) = 0;
  // Writes to the standard output, whole lines at a time.
  virtual Expected<void> print(std::string_view lines) = 0;
};

}  // namespace entail::streams
