// server/engine/internal/row_input.h - rows of a table from texts: COPY's lines, objects that are pushed.
//
//     values -> input functions, defaults, sequences -> rows -> not null, checks -> change()
//
// Threads: the engine's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "server/engine/internal/changer.h"
#include "server/engine/internal/session_impl.h"
#include "vm/base/expected.h"

namespace entail::engine {

struct InputValue {
  enum class Kind : std::uint8_t { kDefault, kNull, kText };
  Kind kind = Kind::kDefault;
  std::string_view text;
};

class RowInput {
 public:
  // 0A000 for a table with generated columns, 42809 for one that is not written.
  static Expected<std::unique_ptr<RowInput>> create(SessionImpl& session, const Table& table,
                                                    std::string_view verb);

  const Table& table() const { return *table_; }
  std::size_t size() const { return rows_->size(); }
  // One value for each column of the table.
  Expected<void> add(std::span<const InputValue> values);
  // Records the rows with the transaction. May have to wait for locks, and is then called again.
  Expected<void> change();

 private:
  RowInput(SessionImpl& session, const Table& table);
  Expected<void> add_default(std::uint32_t column);

  SessionImpl& session_;
  std::shared_ptr<const Table> table_;
  Changer changer_;
  std::unique_ptr<RowSet> rows_;
  NamedChecks checks_;
  std::vector<vm::Word> words_;  // Of the row under construction, with null flags.
  std::vector<std::uint32_t> first_words_;
  // Once somebody has asked; not of those that take from a sequence.
  std::vector<std::optional<compiler::ParameterValue>> defaults_;
};

}  // namespace entail::engine
