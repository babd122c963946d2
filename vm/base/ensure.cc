#include "vm/base/ensure.h"

#include <cstdio>
#include <cstdlib>

namespace entail::internal {

void ensure_failed(const char* file, int line, const char* condition) noexcept {
  std::fprintf(stderr, "%s:%d: ensure failed: %s\n", file, line, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace entail::internal
