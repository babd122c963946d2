// grammar/internal/sql_large_stack.h - runs a function on a stack of its own.
//
// A statement that nests deep needs more stack than a fiber has: a level of nested queries costs
// the generated parser and the tree builder some eight kilobytes. Few statements nest so deep that
// mapping a stack for them would be felt.

#pragma once

#include <functional>

namespace entail::grammar::internal {

// Runs `work` and comes back when it is done. False: there was no room for a stack, and nothing
// was run. REQUIRES: work throws nothing.
bool run_on_large_stack(const std::function<void()>& work);

}  // namespace entail::grammar::internal
