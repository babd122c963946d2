// server/engine/internal/constraints.h - what rows must satisfy: not null, keys, checks, foreign keys.
//
//     before rows are recorded    not null, checks, keys (against the rows that stand and the statement's own)
//     after                       foreign keys, by look-ups in the tables as they now are
//     at commit                   deferred foreign keys; for snapshots all of them again
//
// Error texts and fields are PostgreSQL's.
//
// Threads: the engine's.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "server/engine/catalog.h"
#include "server/engine/internal/row_set.h"
#include "vm/base/expected.h"
#include "vm/standing_relation.h"

namespace entail::engine {

class SessionImpl;
struct EngineState;

// Look-ups of rows of a relation by some of its columns.
class KeyLookup {
 public:
  // Makes an index where there is none.
  static Expected<KeyLookup> create(EngineState& state, RelationId relation,
                                    std::vector<std::uint32_t> columns);
  // Appends the rows whose columns are those of row `row` of `keys`, taken from its columns
  // `key_columns` (same order as `columns`; laid out by `key_layout`). Nulls find nothing.
  void find(const RowSet& keys, const compiler::RelationLayout& key_layout, std::size_t row,
            std::span<const std::uint32_t> key_columns, std::vector<vm::Row>& found) const;

 private:
  const vm::StandingRelation* rows_ = nullptr;
  const compiler::RelationLayout* layout_ = nullptr;
  std::vector<std::uint32_t> columns_;
  std::uint32_t index_ = 0;
  bool by_membership_ = false;
  std::vector<std::uint32_t> key_words_;  // Ascending, of the index.
};

// "(a, b)=(1, x)": values of some columns as messages show them.
std::string describe_key(SessionImpl& session, const Table& table,
                         std::span<const std::uint32_t> columns, const RowSet& rows,
                         std::size_t row);
// "(1, x, null)": the whole row.
std::string describe_row(SessionImpl& session, const Table& table, const RowSet& rows,
                         std::size_t row);

Error not_null_violation(SessionImpl& session, const Table& table, std::uint32_t column,
                         const RowSet& rows, std::size_t row);
Error check_violation(SessionImpl& session, const Table& table, const std::string& constraint,
                      const RowSet& rows, std::size_t row);
Error unique_violation(SessionImpl& session, const Table& table, const TableIndex& index,
                       const RowSet& rows, std::size_t row);

// The row as it lies in a relation.
void append_standing_row(const vm::StandingRelation& relation, vm::Row row, RowSet& out);
// All that are there.
void append_standing_rows(const vm::StandingRelation& relation, RowSet& out);

// Foreign keys that the transaction's chunks from `first` on may have broken; the head shows them applied.
// `deferred`: those that wait for the commit; else those that do not.
Expected<void> check_foreign_keys(SessionImpl& session, std::size_t first, bool deferred);
// SET CONSTRAINTS; none named: all. What becomes immediate is checked.
Expected<void> set_constraint_modes(SessionImpl& session, std::span<const Oid> constraints,
                                    bool deferred);
// Before a commit.
Expected<void> check_deferred_constraints(SessionImpl& session);

}  // namespace entail::engine
