// sql2datalog/internal/lowering_error.h - how lowering stops: an Error that is thrown inside the module and
// caught at its edge (lower_query.cc), so that a mistake deep in an expression needs no plumbing.
#pragma once

#include "vm/base/expected.h"

namespace entail::sql2datalog::internal {

struct LoweringStop {
  Error error;
};

}  // namespace entail::sql2datalog::internal
