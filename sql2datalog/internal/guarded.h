// sql2datalog/internal/guarded.h - the edge of the module: what stops a lowering becomes its Error.
#pragma once

#include <utility>

#include "sql2datalog/internal/lowering_error.h"
#include "vm/base/expected.h"

namespace entail::sql2datalog::internal {

template <typename T, typename F>
Expected<T> guarded(F&& f) {
  try {
    return f();
  } catch (LoweringStop& stop) {
    return unexpected(std::move(stop.error));
  }
}

}  // namespace entail::sql2datalog::internal
