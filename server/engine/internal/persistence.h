// server/engine/internal/persistence.h - the engine's state in the store: the catalog's objects, sequences, rows.
//
// Catalog area of the store:
//     schema/<oid>  table/<oid>  sequence/<oid>  type/<oid>  user/<oid>      objects, as JSON
//     deployment/<name>                                                      text of rules
//     relation/<deployment>/<name>                                           storage numbers of its relations
//     state/<oid>                                                            where a sequence stands
//     engine                                                                 {"next_oid": …}
//
// Queries and expressions are kept as SQL text and parsed when they are read. A table's rows lie under its
// *storage* number, which is an oid: relation ids are given anew at each start. Temporary objects are not kept.
//
// Threads: the engine's.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rete/network.h"
#include "server/engine/catalog.h"
#include "server/engine/internal/engine_state.h"
#include "store/log_record.h"
#include "vm/base/expected.h"

namespace entail::engine {

// What differs between two catalogs.
std::vector<store::CatalogChange> catalog_changes(const Catalog& before, const Catalog& after);
// Storage numbers of the first one that the second has no more.
std::vector<std::uint32_t> dropped_storages(const Catalog& before, const Catalog& after);
store::CatalogChange sequence_change(Oid sequence, const std::map<Oid, SequenceState>& sequences);
store::OutboxEntry outbox_entry(const EngineState& state, const rete::EmittedRow& row);

// The table as it was at the version: itself, or one of its former forms. Null: it was not there.
Expected<const Table*> form_at(const EngineState& state, const Table& table, std::uint64_t version);

// The number under which the store has the relation's rows; 0: it has none.
std::uint32_t storage_of(const EngineState& state, const Catalog& catalog, RelationId relation);

// At the start: catalog, relations, rows, derived state.
Expected<void> load_from_store(EngineState& state);

}  // namespace entail::engine
