// rete/internal/firing.h - one activation's actions, carried out one after the other: what they change,
// emit and log. Nothing of it has happened yet when it is destroyed.
//
// Actions on one row build on each other: a row that was modified is modified further, a row that was
// deleted is neither modified nor deleted again. Which row that is, is told by its key, in bags by its
// identity. Beside that, actions see the relations as they are before the firing.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compiler/action_code.h"
#include "rete/agenda.h"
#include "rete/error_side.h"
#include "rete/internal/network_state.h"
#include "rete/network.h"

namespace entail::rete {

class Firing {
 public:
  // `words`: the match's row, and the time behind it.
  Firing(NetworkState& state, datalog::RelationId matches, std::vector<vm::Word> words)
      : state_(state), matches_(matches), words_(std::move(words)) {}

  // `index`: of the relation by the given columns, for a retraction that gives some. Fails with kLimit or
  // kCancelled.
  Expected<void> carry_out(const compiler::ActionCode& action, std::uint32_t index);
  // An expression of the last action has failed: nothing of the firing may happen.
  const std::optional<ErrorInstance>& failure() const { return failure_; }

  std::vector<FactChange>& changes() { return changes_; }
  std::vector<EmittedRow>& emitted() { return emitted_; }
  std::vector<std::string>& logged() { return logged_; }
  const std::vector<std::string>& focused() const { return focused_; }
  bool halts() const { return halts_; }

 private:
  using Words = std::vector<vm::Word>;
  using RowKey = std::pair<datalog::RelationId, Words>;  // Its key, or a bag's identity as a word.

  const compiler::RelationLayout& layout(datalog::RelationId id) const {
    return state_.layouts[datalog::index_of(id)];
  }
  bool is_keyed(datalog::RelationId id) const { return !state_.rows(id).options().key.empty(); }
  bool is_bag(datalog::RelationId id) const { return state_.rows(id).options().bag; }

  RowKey key_of(datalog::RelationId id, const Words& row) const;
  void lay_over(Words& row, const compiler::ActionCode& action, datalog::RelationId id,
                const Words& from, std::size_t first_part) const;
  void insert(datalog::RelationId id, Words row);
  void upsert(const compiler::ActionCode& action, datalog::RelationId id, Words row);
  void change_row(const compiler::ActionCode& action, datalog::RelationId id, const Words& given);
  void retract(const compiler::ActionCode& action, datalog::RelationId id, const Words& given,
               std::uint32_t index);
  void retract_row(datalog::RelationId id, vm::Row row);
  void change(datalog::RelationId id, Words row, bool is_deletion, std::uint64_t identity = 0);
  Words load(datalog::RelationId id, vm::Row row) const;
  void log(const compiler::ActionCode& action, const Words& words);

  NetworkState& state_;
  datalog::RelationId matches_;
  Words words_;
  // What became of rows that actions changed; nothing: it is gone.
  std::map<RowKey, std::optional<Words>> rows_;
  std::map<RowKey, std::uint64_t> born_;  // Rows that bags have been given.

  std::optional<ErrorInstance> failure_;
  std::vector<FactChange> changes_;
  std::vector<EmittedRow> emitted_;
  std::vector<std::string> logged_;
  std::vector<std::string> focused_;
  bool halts_ = false;
};

}  // namespace entail::rete
