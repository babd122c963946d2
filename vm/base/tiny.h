// vm/base/tiny.h - sizes at which something changes, and what they are in a test build.
//
// A batch of 1,024 rows ends, a table of 96 KiB splits, a buffer of 131,072 rows is full: random
// programs of a few dozen rows never get there. In a build configured with -DENTAIL_TINY=ON such
// sizes are a few rows, so that every edge is crossed all the time.
//
//     inline constexpr std::size_t kBatchRows = size_or_tiny(1024, 16);
//
// Everything must work with both; only speed may differ.

#pragma once

#include <cstddef>

namespace entail {

constexpr std::size_t size_or_tiny([[maybe_unused]] std::size_t usual,
                                   [[maybe_unused]] std::size_t tiny) {
#ifdef ENTAIL_TINY_SIZES
  return tiny;
#else
  return usual;
#endif
}

}  // namespace entail
