// vm/posting.h - the answer to one probe of an index: row ids side by side.
#pragma once

#include <cstdint>

#include "vm/column_store.h"

namespace entail::vm {

// The matches of one probed key; ascending, those of an ordered index in its order. Valid until the next
// change or advance() of the relation.
struct Posting {
  const Row* rows = nullptr;
  std::uint32_t count = 0;
};

}  // namespace entail::vm
