// server/cli/interrupt.h - Ctrl-C, and a terminal or a supervisor that wants us gone.
//
// While an InterruptGuard lives, SIGINT, SIGTERM and SIGHUP ask the work to stop through its
// CancelToken; a second one of them ends the process as the system would. SIGPIPE is ignored for
// good: a closed pipe shows as an error of write().
//
// Threads: one guard at a time.

#pragma once

#include <optional>

#include "vm/base/cancel.h"

namespace entail::cli {

class InterruptGuard {
 public:
  // `token` must outlive the guard.
  explicit InterruptGuard(CancelToken& token);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;

  // The signal that came, if one did.
  std::optional<int> signal() const;
};

}  // namespace entail::cli
