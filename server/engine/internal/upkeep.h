// server/engine/internal/upkeep.h - is what stands what it should be?
//
//     check    the store's own invariants; base rows equal to the store's; derived relations equal to an
//              evaluation from scratch (compiler/evaluate.h)
//     replay   see replay.h
//
// Threads: the engine's.
#pragma once

#include "server/engine/engine.h"
#include "vm/base/expected.h"

namespace entail::engine {

struct EngineState;

Expected<CheckReport> check_engine(EngineState& state);

}  // namespace entail::engine
