#include "server/cli/console.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "server/cli/options.h"
#include "server/cli/output_bytes.h"

namespace entail::cli {

void print_error_text(const std::string& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t count = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (count <= 0) return;  // Nobody to tell.
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
}

void print_error(const std::string& message) { print_error_text("entail: " + message + "\n"); }

int report_failure(const Error& error) {
  if (error.code == ErrorCode::kData) {
    print_error_text(error.message + "\n");
  } else {
    print_error(error.message);
  }
  switch (error.code) {
    case ErrorCode::kLimit:
      return static_cast<int>(ExitCode::kLimit);
    case ErrorCode::kCancelled:
      return static_cast<int>(ExitCode::kInterrupted);
    default:
      return static_cast<int>(ExitCode::kError);
  }
}

int print_answer_text(const std::string& text) {
  auto written = StandardOutput().write(text);
  if (written) return static_cast<int>(ExitCode::kOk);
  if (written.error().code == ErrorCode::kCancelled) {
    return static_cast<int>(ExitCode::kClosedPipe);
  }
  return report_failure(written.error());
}

bool wants_colours() {
  const char* const terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr &&
         terminal != nullptr && std::string_view(terminal) != "dumb";
}

}  // namespace entail::cli
