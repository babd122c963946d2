// server/main.cc - the program `entail`.
//
// The command runs on a thread with a large stack: values such as lists may be nested a hundred
// thousand deep, and what prints or compares them walks them by recursion. The stack is address
// space only until it is used.

#include <pthread.h>

#include <cstddef>
#include <span>

#include "server/cli/cli.h"

namespace {

constexpr std::size_t kStackBytes = std::size_t{1} << 30U;

struct Invocation {
  std::span<const char* const> arguments;
  int exit_code = 0;
};

void* run(void* invocation) {
  auto& given = *static_cast<Invocation*>(invocation);
  given.exit_code = entail::cli::run_command_line(given.arguments);
  return nullptr;
}

}  // namespace

int main(int count, char** values) {
  Invocation invocation;
  if (count > 1) {
    invocation.arguments = {const_cast<const char* const*>(values) + 1,
                            static_cast<std::size_t>(count - 1)};
  }
  pthread_attr_t attributes;
  pthread_t thread;
  const bool is_started = pthread_attr_init(&attributes) == 0 &&
                          pthread_attr_setstacksize(&attributes, kStackBytes) == 0 &&
                          pthread_create(&thread, &attributes, run, &invocation) == 0;
  if (!is_started) {  // No address space for it: the usual stack must do.
    run(&invocation);
    return invocation.exit_code;
  }
  pthread_join(thread, nullptr);
  return invocation.exit_code;
}
