// server/cli/progress_line.h - one line on the terminal that says how far a long run is.
//
//     stratum 3 of 7 (path), round 12, 1,234,567 rows, 4.2 s
//
// It appears on standard error when that is a terminal and the run has taken two seconds, is
// rewritten in place, and is gone when the run ends.
//
// Threads: the line has a thread of its own, which calls the description it was given.

#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace entail::cli {

class ProgressLine {
 public:
  // `describe` says what is being done; the seconds are added to it. It is called by another thread
  // until the ProgressLine is gone. Does nothing unless standard error is a terminal.
  explicit ProgressLine(std::function<std::string()> describe);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;

 private:
  void show();

  std::function<std::string()> describe_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool has_ended_ = false;
  std::thread thread_;
};

}  // namespace entail::cli
