// server/engine/internal/checkpoint.h - the network's state in the store, so that a start need not derive it.
//
// A checkpoint is the blob "network" of the store's derived state (store/derived_state.h): the image of the
// network (rete/network_image.h) as the checkpoint's version left it, stated rows included. At a start
//
//     relations that mean the same in the catalog as it is now    have their rows from the image
//     tables among them                                           the log's changes since then, as one transaction
//     tables that were made or altered since                      the rows of the store
//     what is derived from those, or by other rules               derived
//
// It counts only for the build that made it, and only as a whole: where anything about it is wrong, everything is
// loaded and derived. `entail check` derives all the same, and compares.
//
// A checkpoint is made at a clean end, and when so many rows have changed since the last one that what it costs
// is a fraction of what they did. The engine does nothing else meanwhile: 0.9 s for 10 M rows, tables and views
// together (tests/bench/restart_bench.cc).
//
// Threads: the engine's.
#pragma once

#include <string>

#include "server/engine/internal/engine_state.h"
#include "vm/base/expected.h"

namespace entail::engine {

// What tells one build of the program from another: the linker's build id.
const std::string& build_id();

// Of the state of the newest version; nothing where there is one already.
Expected<void> make_checkpoint(EngineState& state);
// After a commit that changed so many rows: whether it is time.
bool is_checkpoint_due(EngineState& state, std::size_t changed_rows);

// Makes the network out of the checkpoint and the log behind it, but for tables that Network::is_restored()
// does not know: those are empty, and the network's load is not ended. False: there is no checkpoint that fits,
// which was said unless there is none at all, and no network.
Expected<bool> restore_checkpoint(EngineState& state);
// Says so to whoever runs the engine. Version 0: not known.
void note_unused_checkpoint(const EngineState& state, std::uint64_t version,
                            const std::string& reason);
// Then: the log's changes since the checkpoint. Durable ids of bags raise `newest`.
Expected<void> replay_since_checkpoint(EngineState& state, vm::Version& newest);

}  // namespace entail::engine
