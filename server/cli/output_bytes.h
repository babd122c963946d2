// server/cli/output_bytes.h - where rows go as bytes: files that appear whole, and standard output.
//
// A file is written beside its place under a name of its own and takes its place by rename in
// commit(), so that a reader sees the old content or the new, never a part; one that is not
// committed is removed. What is no regular file (/dev/null, a pipe) is written to directly.
//
//     OutputFile                    .edge.csv.1234-0.part  --commit()-->  edge.csv
//
// Directories are never created. Errors are kIo, one line with the file's name. A closed pipe on
// standard output is kCancelled: nobody reads on, which is no mistake of this program.
//
// Threads: one at a time.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "vm/base/expected.h"

namespace entail::cli {

// Bytes in large pieces. Callers gather kWriteBytes or so before they write.
class OutputBytes {
 public:
  virtual ~OutputBytes() = default;
  virtual Expected<void> write(std::string_view bytes) = 0;
};

inline constexpr std::size_t kWriteBytes = std::size_t{1} << 20;

class OutputFile final : public OutputBytes {
 public:
  // With `gzip`, the bytes are packed. Creates the temporary file.
  static Expected<std::unique_ptr<OutputFile>> create(std::string path, bool gzip);
  ~OutputFile() override;  // Removes what was not committed.

  Expected<void> write(std::string_view bytes) override;
  // Everything is with the operating system; errors of the disk show here at the latest.
  Expected<void> finish();
  // The file takes its place. REQUIRES: finish() succeeded.
  Expected<void> commit();

  const std::string& path() const;

 private:
  struct State;
  explicit OutputFile(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

class StandardOutput final : public OutputBytes {
 public:
  Expected<void> write(std::string_view bytes) override;
};

}  // namespace entail::cli
