// server/engine/internal/changer.h - one statement's change of one table: locks, constraints, the record.
//
//     rows to delete, rows to insert
//       -> not null, checks -> row locks, key locks -> keys -> chunks of the transaction
//       -> what refers to the rows: ON DELETE CASCADE …, as changers of other tables
//
// An UPDATE gives rows pairwise: deleted[i] becomes inserted[i].
//
// Threads: the engine's.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "server/engine/catalog.h"
#include "server/engine/internal/query_runner.h"
#include "server/engine/internal/row_set.h"
#include "server/engine/lock_manager.h"
#include "vm/base/expected.h"

namespace entail::engine {

class SessionImpl;

using NamedChecks = std::vector<std::pair<std::string, std::unique_ptr<QueryRunner>>>;

class Changer {
 public:
  Changer(SessionImpl& session, const Table& table);

  const Table& table() const { return table_; }
  const compiler::RelationLayout& layout() const { return layout_; }
  RowSet make_rows() const;

  // Words of a row for the table out of answers; false: a null where none may be, see null_column().
  // Column c of the table comes from column `first + c` of the answer.
  Expected<void> append_from_answer(const compiler::QueryResult& answer,
                                    const compiler::RelationLayout& answer_layout, std::size_t row,
                                    std::size_t first, RowSet& out);
  // Any columns; `nullptr` words: null. Used by INSERT and COPY. Fails with 23502.
  Expected<void> append_row(std::span<const vm::Word> words_with_null_flags, RowSet& out);

  // Locks a row for a change or for reading; a row that changed since the snapshot: 40001.
  Expected<void> lock_row(const RowSet& rows, std::size_t row, LockMode mode);
  LockName row_lock_name(const RowSet& rows, std::size_t row) const;

  Expected<void> check(NamedChecks& checks, const RowSet& rows);

  // Records the change. `assigned`: columns that an UPDATE sets, else empty and all may differ.
  Expected<void> change(RowSet deleted, RowSet inserted, bool is_update,
                        std::span<const std::uint32_t> assigned = {});

  // What productions have done to the table: takes its locks, whatever the snapshot, and looks at unique
  // keys and checks. The head shows it done.
  Expected<void> admit(const RowSet& deleted, const RowSet& inserted);

  // Rows that stand under the key of `rows[row]` in the index, the statement's own excluded.
  Expected<void> find_conflicts(const TableIndex& index, const RowSet& rows, std::size_t row,
                                std::vector<vm::Row>& found);
  // `inserts`: without asking for conflicts, so that a key that was taken since the snapshot is a duplicate.
  Expected<void> lock_keys(const RowSet& rows, std::size_t row, bool inserts = false);

 private:
  struct NullFlagLayout {
    std::uint32_t first_word = 0;
  };
  Expected<void> check_keys(const RowSet& deleted, const RowSet& inserted);
  enum class Since : std::uint8_t { kNothing, kUpdated, kDeleted };
  // What became of the row under the name since the snapshot. 72000.
  Expected<Since> since_snapshot(const LockName& name) const;
  Expected<void> check_unchanged(const LockName& name) const;
  Expected<void> follow_references(const RowSet& deleted, const RowSet& inserted, bool is_update);
  bool touches(std::span<const std::uint32_t> assigned,
               std::span<const std::uint32_t> columns) const;

  SessionImpl& session_;
  const Table& table_;
  const compiler::RelationLayout& layout_;
  KeyEncoder encoder_;
};

// The widest form of a row: value words and a null flag for each column.
std::vector<std::uint32_t> nullable_first_words(const Table& table);

}  // namespace entail::engine
