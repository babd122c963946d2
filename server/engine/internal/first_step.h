// server/engine/internal/first_step.h - what a transaction changes before productions answer it.
//
//     commit    first step     the net of the session's changes, in the order in which they were made; all of
//                              them where rows of a stream with event time arrive
//               more steps     productions fire, one after the other, until nothing is left
//
// Where firings or clocks changed what is stated, the stored changes alone do not tell the first step any more: a
// production may have taken away again what the session put in. Then the step itself is in the log record, as
// the detail of its cause, so that a replay can make it anew and let the productions fire again:
//
//     detail   | format "S1" | change... |
//     change   | sign 1 ('+', '-') | relation v (storage number) | row b (StoredRowCodec::value) |
//
// v: varint, b: length v and bytes. A deletion of a bag's row takes the newest of its equals, as the
// statement did. Where the detail is empty the record's changes are the first step, in their order.
//
// Threads: the engine's.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/engine/internal/engine_state.h"

namespace entail::engine {

class FirstStep {
 public:
  std::vector<ChangeChunk> changes;
  bool was_changed = false;  // By firings or clocks.

  std::string encode(const EngineState& state, const Catalog& catalog) const;
};

// What FirstStep::encode() wrote, change by change; false: it is none of that.
[[nodiscard]] bool decode_first_step(
    std::string_view detail,
    const std::function<void(bool is_deletion, std::uint32_t storage, std::string_view row)>& take);

}  // namespace entail::engine
