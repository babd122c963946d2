// server/cli/line_reader.h - the lines of standard input as they come.
//
// Reads what there is in large blocks and gives it out line by line, so that a line that somebody typed
// is there at once and a file costs few calls. A final CR is dropped, and a byte order mark at the
// beginning; a last line needs no end.
//
// Waiting for input can be cancelled: the process may be signalled while another thread waits here.
//
// Cost: 1 GB a second and more. Threads: one.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "vm/base/cancel.h"
#include "vm/base/expected.h"

namespace entail::cli {

class LineReader {
 public:
  // `before_wait` is called when all that was read is used up: the moment to flush answers.
  LineReader(int descriptor, const CancelToken& cancel, std::function<Expected<void>()> before_wait)
      : descriptor_(descriptor), cancel_(cancel), before_wait_(std::move(before_wait)) {}

  // The next line, valid until the next call; nothing at the end. Fails with kCancelled, kIo, with
  // kData at a line longer than 256 MB, and as before_wait does.
  Expected<std::optional<std::string_view>> next();
  std::uint64_t line_number() const { return line_number_; }  // Of that line, from 1.

 private:
  Expected<void> fill();

  const int descriptor_;
  const CancelToken& cancel_;
  std::function<Expected<void>()> before_wait_;
  std::string buffer_;
  std::size_t begin_ = 0;   // Of what is not given out.
  std::size_t end_ = 0;     // Of what was read.
  std::size_t looked_ = 0;  // Up to here there is no line end.
  bool at_end_ = false;
  std::uint64_t line_number_ = 0;
};

}  // namespace entail::cli
