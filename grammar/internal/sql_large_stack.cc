#include "grammar/internal/sql_large_stack.h"

#include <pthread.h>

#include <cstddef>

namespace entail::grammar::internal {

namespace {

// Address space; pages are used as they are touched. Sanitizers make frames several times larger.
constexpr std::size_t kStackBytes = std::size_t{64} << 20;

void* run(void* work) {
  (*static_cast<const std::function<void()>*>(work))();
  return nullptr;
}

}  // namespace

bool run_on_large_stack(const std::function<void()>& work) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_t thread{};
  const bool started =
      pthread_attr_setstacksize(&attributes, kStackBytes) == 0 &&
      pthread_create(&thread, &attributes, run, const_cast<std::function<void()>*>(&work)) == 0;
  pthread_attr_destroy(&attributes);
  if (started) pthread_join(thread, nullptr);
  return started;
}

}  // namespace entail::grammar::internal
