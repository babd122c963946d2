// server/engine/internal/time_travel.h - AS OF: rows of a relation as they were.
//
// Base rows come from the store at that version; a derived relation is evaluated from scratch over the base rows
// of that version, with the rules as they are now. Below the retention floor: 72000, naming the floor.
//
// Threads: the engine's.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "compiler/prepared_query.h"
#include "rete/network.h"
#include "server/engine/internal/engine_state.h"
#include "server/engine/internal/row_set.h"
#include "sql2datalog/lower_statement.h"
#include "vm/base/expected.h"

namespace entail::engine {

class SessionImpl;

// The rows that a given relation of kind kSnapshot stands for. `parameters`: all of the query.
Expected<RowSet> rows_of_the_past(SessionImpl& session, const sql2datalog::GivenRelation& given,
                                  std::span<const compiler::ParameterValue> parameters);

// The rows of a relation at a version that is kept.
Expected<RowSet> rows_at(EngineState& state, const Catalog& catalog, RelationId relation,
                         std::uint64_t version);

// All that a derived relation rests on, at a version, and the relation derived from it.
Expected<std::unique_ptr<rete::Network>> network_at(EngineState& state, const Catalog& catalog,
                                                    RelationId relation, std::uint64_t version);

}  // namespace entail::engine
