#include "server/cli/interrupt.h"

#include <atomic>
#include <csignal>

namespace entail::cli {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

std::atomic<CancelToken*> active_token{nullptr};
std::atomic<int> signal_seen{0};

extern "C" void on_signal(int number) {
  signal_seen.store(number, std::memory_order_relaxed);
  if (CancelToken* const token = active_token.load(std::memory_order_relaxed)) token->cancel();
  // SA_RESETHAND has put the default back: the next one ends the process.
}

}  // namespace

InterruptGuard::InterruptGuard(CancelToken& token) {
  signal_seen.store(0, std::memory_order_relaxed);
  active_token.store(&token, std::memory_order_relaxed);
  struct sigaction action{};
  action.sa_handler = on_signal;
  // Without SA_RESTART: a read from a terminal or a pipe that waits must return.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int number : kSignals) {
    struct sigaction before{};
    // Whoever started us may have asked for silence (nohup, a background job of a script).
    if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    ::sigaction(number, &action, nullptr);
  }
  ::signal(SIGPIPE, SIG_IGN);
}

InterruptGuard::~InterruptGuard() {
  for (const int number : kSignals) {
    struct sigaction now{};
    if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler == on_signal) {
      ::signal(number, SIG_DFL);
    }
  }
  active_token.store(nullptr, std::memory_order_relaxed);
}

std::optional<int> InterruptGuard::signal() const {
  const int number = signal_seen.load(std::memory_order_relaxed);
  return number == 0 ? std::nullopt : std::optional<int>(number);
}

}  // namespace entail::cli
