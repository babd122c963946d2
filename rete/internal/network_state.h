// rete/internal/network_state.h - what the nodes of a network share: relations, code, the open step.
//
// Nodes are numbered in topological order and have a turn in a step when something below them changed.
// A relation's change of the step (entered, left) is fixed by its node's turn and stays readable until the
// step ends, so that nodes above read both sides of it.
//
// Threads: one.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "compiler/layout.h"
#include "compiler/standing_code.h"
#include "compiler/standing_form.h"
#include "rete/alpha_index.h"
#include "rete/error_side.h"
#include "rete/network_statistics.h"
#include "vm/base/cancel.h"
#include "vm/base/expected.h"
#include "vm/base/memory_budget.h"
#include "vm/change_batch.h"
#include "vm/standing_machine.h"
#include "vm/standing_relation.h"
#include "vm/value_pool.h"

namespace entail::rete {

// Stated changes of which no row is both deleted and inserted, so that their order says nothing: deletions
// are taken first. What would break that begins another run.
struct StatedRun {
  vm::ChangeBatch deleted;
  vm::ChangeBatch inserted;
  // Of bags: for each row of the batch, or none at all.
  std::vector<vm::DurableId> deleted_ids, inserted_ids;
  // Once there are both: what was done to each row, by a hash. A row with the hash of another is taken for
  // it, which costs a run and nothing else.
  boost::unordered_flat_map<std::uint64_t, bool> is_deleted;

  std::size_t size() const { return deleted.n + inserted.n; }
  void clear() {
    deleted.clear();
    inserted.clear();
    deleted_ids.clear();
    inserted_ids.clear();
    is_deleted.clear();
  }
  // Whether the rows fit in; those that do are added, from `first` on. Returns how many.
  std::size_t add(std::span<const vm::Word* const> columns, const vm::DurableId* ids,
                  std::size_t first, std::size_t n, bool deletes);
  std::uint64_t bytes_used() const;
};

// A row of a bag that is deleted for what it is, not for its values.
struct RowRetraction {
  std::vector<vm::Word> words;
  std::uint64_t identity = 0;
};

struct RelationNode {
  std::shared_ptr<vm::StandingRelation> rows;  // Of two networks while one gives way to the other.
  std::uint32_t node = 0;                      // Whose turn changes it.
  vm::ChangeBatch derived;                     // What came from below in this step.
  std::vector<StatedRun> stated;               // What was stated since the last step.
  std::size_t stated_runs = 0;                 // How many of them are in use.
  std::vector<RowRetraction> retracted;        // Stated like the runs, and before them.
  bool in_step = false;                        // Changed in the open step, epoch.
  bool in_epoch = false;
  // Fragments that read its changes and belong to nodes that are fed, not woken.
  AlphaIndex readers;
  std::vector<std::uint32_t> woken;  // Nodes that read its changes themselves.
  NodeStatistics work;
};

struct NetworkState {
  compiler::StandingForm form;
  std::set<datalog::RelationId> recomputed_equivalences;
  std::vector<compiler::RelationLayout> layouts;
  std::vector<RelationNode> relations;  // By relation of the form.
  compiler::StandingCode code;
  std::unique_ptr<vm::StandingMachine> machine;
  ErrorSide errors;
  vm::ValuePool* pool = nullptr;
  MemoryBudget* memory = nullptr;
  const CancelToken* cancel = nullptr;
  std::vector<const vm::Word*> scratch;
  std::vector<vm::Diverted> diverted;
  std::vector<datalog::RelationId> step_relations;   // Those with in_step.
  std::vector<datalog::RelationId> epoch_relations;  // Those with in_epoch.
  std::function<void(std::uint32_t node)> wake;      // Gives the node a turn in this step.

  RelationNode& at(datalog::RelationId id) { return relations[datalog::index_of(id)]; }
  vm::StandingRelation& rows(datalog::RelationId id) { return *at(id).rows; }

  // Before the relation is changed in this step.
  void touch(datalog::RelationId id) {
    RelationNode& relation = at(id);
    if (!relation.in_step) step_relations.push_back(id);
    if (!relation.in_epoch) epoch_relations.push_back(id);
    relation.in_step = relation.in_epoch = true;
  }

  // Runs fragment `position` of code.fragments on the rows; what it derives is appended to `out`.
  Expected<void> run(std::uint32_t position, std::span<const vm::Row> rows, std::int64_t weight,
                     vm::RunViews views, vm::ChangeBatch& out);
  // A bound fragment, looking at some of the ways in which a row may be derived: of the first probe's
  // matches those from `first` on and before `end`. Whether there are more.
  Expected<bool> run_some(std::uint32_t position, std::span<const vm::Row> rows,
                          std::uint32_t first, std::uint32_t end, vm::ChangeBatch& out);
  // The same for a fragment that is given words.
  Expected<void> run_given(std::uint32_t position, std::span<const vm::Word* const> words,
                           std::size_t n, std::int64_t weight, vm::ChangeBatch& out,
                           vm::RunViews views = vm::RunViews::kAsPlanned);

  // The rows that make a change fragment's derivations go, or come.
  std::span<const vm::Row> losing_rows(const compiler::StandingFragment& fragment) {
    vm::StandingRelation& source = rows(fragment.source);
    return fragment.is_negated ? source.entered() : source.left();
  }
  std::span<const vm::Row> gaining_rows(const compiler::StandingFragment& fragment) {
    vm::StandingRelation& source = rows(fragment.source);
    return fragment.is_negated ? source.left() : source.entered();
  }

 private:
  Expected<void> run_machine(const vm::StandingRun& run, std::uint32_t position);
};

}  // namespace entail::rete
