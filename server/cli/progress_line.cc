#include "server/cli/progress_line.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>

namespace entail::cli {
namespace {

constexpr auto kQuietTime = std::chrono::seconds(2);
constexpr auto kPause = std::chrono::milliseconds(250);

void put(const std::string& text) { (void)!::write(STDERR_FILENO, text.data(), text.size()); }

std::size_t terminal_width() {
  struct winsize size{};
  constexpr std::size_t kUsualWidth = 80;
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                           : kUsualWidth;
}

}  // namespace

ProgressLine::ProgressLine(std::function<std::string()> describe) : describe_(std::move(describe)) {
  if (::isatty(STDERR_FILENO) == 1) thread_ = std::thread([this] { show(); });
}

ProgressLine::~ProgressLine() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void ProgressLine::show() {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  if (ended_.wait_for(lock, kQuietTime, [this] { return has_ended_; })) return;
  do {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    std::string line = fmt::format("{}, {:.1f} s", describe_(), elapsed.count());
    line.resize(std::min(line.size(), terminal_width() - 1));
    put("\r\x1b[K" + line);
  } while (!ended_.wait_for(lock, kPause, [this] { return has_ended_; }));
  put("\r\x1b[K");
}

}  // namespace entail::cli
