// server/engine/internal/deployment.h - texts of rules as parts of the catalog program.
//
// A deployment is a .dl text under a name. Its relations become tables of the catalog (kind kRules) in the
// schema public under their names as spelled; a relation that it declares and that SQL has as a table is that
// table. `.input` reads nothing; `.output` marks what everybody may see.
//
// Threads: the engine's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datalog/rule_program.h"
#include "server/engine/catalog.h"
#include "server/engine/internal/engine_state.h"
#include "vm/base/expected.h"

namespace entail::engine {

// Whether the tables that a deployment had have relations in the program already.
enum class KnownTables : std::uint8_t { kStored, kRunning };

// Adds the rules to the program and their relations to the catalog. `known`: tables that the deployment
// had, whose oids it keeps, and storage and relation where the rows fit.
Expected<void> add_deployment(Catalog& catalog, Deployment deployment,
                              const std::vector<Table>& known, KnownTables tables,
                              datalog::RuleProgram& program);
// At the start, before there is a network.
Expected<void> restore_deployment(EngineState& state, Catalog& catalog, Deployment deployment,
                                  const std::vector<Table>& known);

}  // namespace entail::engine
