#include "vm/base/ensure.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <string>

namespace entail {
namespace {

struct Death {
  bool aborted = false;
  std::string message;
};

// Runs `fatal` in a child process, as the only way to see it die.
template <typename Function>
Death run_in_child(Function fatal) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    std::signal(SIGABRT, SIG_DFL);  // Catch2's own handler would print a report of its own.
    fatal();
    _exit(0);
  }
  close(ends[1]);
  Death death;
  std::array<char, 256> buffer{};
  for (ssize_t n = 0; (n = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    death.message.append(buffer.data(), static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  death.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  return death;
}

TEST_CASE("a condition that holds changes nothing") {
  int evaluated = 0;
  ENTAIL_ENSURE(++evaluated == 1);
  CHECK(evaluated == 1);
}

TEST_CASE("a condition that fails names itself and its place, and aborts") {
  const Death death = run_in_child([] {
    const int arity = 2;
    ENTAIL_ENSURE(arity == 3);
  });
  CHECK(death.aborted);
  CHECK(death.message.find("ensure_test.cc:") != std::string::npos);
  CHECK(death.message.find("arity == 3") != std::string::npos);
}

TEST_CASE("an unreachable path that is reached says why it should not be") {
  const Death death = run_in_child([] { ENTAIL_UNREACHABLE("all cases are handled"); });
  CHECK(death.aborted);
  CHECK(death.message.find("unreachable: all cases are handled") != std::string::npos);
}

TEST_CASE("a debug condition is evaluated in debug builds only") {
  int evaluated = 0;
  ENTAIL_DEBUG_ENSURE(++evaluated == 1);
#ifdef ENTAIL_DEBUG
  CHECK(evaluated == 1);
#else
  CHECK(evaluated == 0);
#endif
}

}  // namespace
}  // namespace entail
