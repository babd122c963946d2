// server/engine/internal/plan.h - a statement that has been bound, typed and compiled against one catalog.
//
// Plans are kept by text in the engine's plan cache and shared by sessions; a plan is good while the catalog and
// the search path are those it was made under and no relation it reads became another object. The hot path of
// a prepared statement asks three numbers and runs.
//
// Threads: the engine's.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "grammar/sql_tree.h"
#include "server/engine/catalog.h"
#include "server/engine/internal/query_runner.h"
#include "server/engine/result.h"
#include "sql2datalog/lower_statement.h"

namespace entail::engine {

enum class PlanKind : std::uint8_t { kQuery, kInsert, kUpdate, kDelete, kUtility, kEmpty };

struct InsertPlan {
  sql2datalog::LoweredInsert lowered;  // Its queries have gone into the runners.
  std::unique_ptr<QueryRunner> source, generated, conflict_update, returning;
};
struct UpdatePlan {
  sql2datalog::LoweredUpdate lowered;
  std::unique_ptr<QueryRunner> source;
  ResultShape returning;
  bool may_repeat = false;  // FROM: an old row may come twice.
};
struct DeletePlan {
  sql2datalog::LoweredDelete lowered;
  std::unique_ptr<QueryRunner> source;
  ResultShape returning;
  bool may_repeat = false;
};

class Plan {
 public:
  PlanKind kind = PlanKind::kEmpty;
  std::string text;
  std::shared_ptr<const grammar::sql::Statement> statement;  // Null: empty text.
  std::vector<std::uint32_t> parameter_oids;
  std::vector<vm::Type> parameter_types;
  bool gives_rows = false;
  ResultShape shape;  // With gives_rows. Utilities find theirs when they run.

  std::uint64_t catalog_version = 0;
  std::uint64_t objects_epoch = 0;
  std::string search_path;

  std::unique_ptr<QueryRunner> query;
  std::unique_ptr<InsertPlan> insert;
  std::unique_ptr<UpdatePlan> update;
  std::unique_ptr<DeletePlan> remove;
  std::vector<RelationId> reads;
  // The base relations that `reads` and the table that is changed rest on, once somebody has asked; nothing where
  // it also reads what may rest on others.
  std::optional<std::set<RelationId>> bases;
  bool has_bases = false;
  // Checks of the table that is changed, in order of the table's constraints.
  std::vector<std::pair<std::string, std::unique_ptr<QueryRunner>>> checks;

  // The plan of the statement inside EXPLAIN, DECLARE, EXECUTE …; made when it is run.
  const ResultShape* result_shape() const { return gives_rows ? &shape : nullptr; }
};

}  // namespace entail::engine
