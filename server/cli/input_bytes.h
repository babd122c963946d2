// server/cli/input_bytes.h - the bytes of a fact file, unpacked if they are packed.
//
// A file is a regular file, a pipe or standard input. One that begins with gzip's two magic bytes
// is unpacked while it is read, whatever its name; several members one behind another are one
// text. A UTF-8 byte order mark at the beginning is not handed on.
//
// Errors are kIo (missing, unreadable, a directory) and kData (broken gzip); the message begins
// with the file's name.
//
// Cost: one copy of the bytes. Threads: one at a time.

#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "vm/base/expected.h"

namespace entail::cli {

class InputBytes {
 public:
  // An empty path is standard input.
  static Expected<InputBytes> open(const std::string& path);

  InputBytes(InputBytes&&) noexcept;
  InputBytes& operator=(InputBytes&&) noexcept;
  ~InputBytes();

  // Up to `size` bytes into `out`; 0 at the end. REQUIRES: size > 0.
  Expected<std::size_t> read(char* out, std::size_t size);

  // What messages call it: the path, or "stdin".
  const std::string& name() const;

 private:
  struct State;
  explicit InputBytes(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace entail::cli
