// server/engine/internal/replay.h - the proof that the log is what its causes lead to.
//
// An engine of its own, over a store in memory, is given the causes of the log one after the other and makes its
// own records, which are compared with the stored ones byte for byte:
//
//     from a record   session, deployment and time; the changes that its own cause made, not those of firings;
//                     what it says of the catalog, which names a deployment's text and what DDL made
//     made anew       program and network, firings and what they change and emit; keys and images of rows, born
//                     versions, the catalog's text of every object that changed; the record's bytes
//
// At the end the rows that it has are those of the store.
//
// Threads: the engine's. Cost: that of committing everything again, and of loading once for each record that
// changes the catalog; memory for all of it.
#pragma once

#include "server/engine/engine.h"
#include "vm/base/expected.h"

namespace entail::engine {

struct EngineState;

// Names the first record that differs, and where; nothing behind it is looked at.
Expected<CheckReport> replay_engine(EngineState& state);

}  // namespace entail::engine
