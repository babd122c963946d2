// rete/network.h - a rule program that stands: its relations follow every change of the facts.
//
//     auto network = Network::create(program, {.pool = &pool});
//     (*network)->change(edge, {columns, n, weights});    // as often as the step has changes
//     (*network)->step();                                 // propagated to the fixpoint, agenda included
//     auto committed = (*network)->commit();              // a version, and the net change of what is watched
//
// Transactions and steps. A transaction is a sequence of steps; it begins with the first change after a
// commit or abort. change() collects; step() makes what was collected one consolidated batch, passes it
// through every node once in topological order, and lets the agenda fire, each firing a further step of
// the same transaction. commit() makes the transaction a version; abort() leaves no trace of it.
//
// Errors. A step that fails (kLimit: firings, rows or memory; kData: a rule derives a second row under a key;
// kCancelled) leaves the transaction half done: abort() it, and the network is as it was before. An
// expression that fails on some row stops nothing: its instance goes to the error side (errors()).
//
// The law: after each commit every relation holds what evaluating the program from scratch on the stated
// facts gives (compiler/evaluate.h); tests/property/ holds it.
//
// Lifetime: the pool and what else the options name outlive the network. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "compiler/layout.h"
#include "datalog/rule_program.h"
#include "grammar/source_span.h"
#include "rete/error_side.h"
#include "rete/network_statistics.h"
#include "vm/base/cancel.h"
#include "vm/base/clock.h"
#include "vm/base/expected.h"
#include "vm/base/memory_budget.h"
#include "vm/standing_relation.h"
#include "vm/value_pool.h"

namespace entail::rete {

enum class StepKind : std::uint8_t { kChange, kFiring, kTick, kExpiry };

struct NetworkLimits {
  std::uint64_t firings = 100'000;  // In a row: an agenda that does not settle ends there.
  std::uint64_t rows_touched = ~std::uint64_t{0};  // Of one transaction.
};

struct NetworkOptions {
  vm::ValuePool* pool = nullptr;                // Over program.types; required.
  const grammar::SourceFiles* files = nullptr;  // For the places in messages.
  const CancelToken* cancel = nullptr;
  const Clock* clock = nullptr;  // For times in the statistics; else they are 0.
  // Microseconds since 1970, asked for when a transaction needs it first: the value of now() in all of it.
  // None: 0.
  std::function<std::int64_t()> start_time;
  MemoryBudget* memory = nullptr;  // nullptr: no limit.
  NetworkLimits limits;
  // Relations whose net changes commit() reports; the program's outputs are always among them.
  std::set<datalog::RelationId> watched;
  std::uint64_t plan_seed = 0;  // Not 0: plan with sizes made up from it (tests).
  // Of a full evaluation's work: beyond it a stratum is recomputed, if it is not small. 0: always.
  double recompute_fraction = 1;
};

// Signed changes of stated facts, one array of words per word column (layout()).
struct FactChanges {
  std::span<const vm::Word* const> columns;
  std::size_t n = 0;
  const std::int64_t* weights =
      nullptr;  // nullptr: all 1. Only the sign counts, once per unit in bags.
};

// The net change of one relation over a transaction: rows that were not there and are, or the reverse.
struct NetChange {
  datalog::RelationId relation{};
  std::vector<std::vector<vm::Word>> columns;  // By word column.
  std::vector<std::int8_t> signs;              // 1: appeared; -1: disappeared.
  std::size_t size() const { return signs.size(); }
};

// One row that a production emitted, in the order of emission.
struct EmittedRow {
  datalog::RelationId relation{};
  std::vector<vm::Word> words;
};

struct Committed {
  vm::Version version = 0;
  std::vector<NetChange>
      changes;  // Of watched relations that changed, by relation. Rows in no order.
  std::vector<EmittedRow> emitted;
  std::vector<std::string> logged;  // Lines, in the order of the firings.
  std::uint64_t steps = 0;
};

class Network {
 public:
  // Compiles the program and evaluates it on the facts that it states: version 0, not committed yet, so
  // that facts changed before the first commit() are part of version 1. Fails with kUnsupported, naming
  // it, at what does not stand yet.
  static Expected<std::unique_ptr<Network>> create(const datalog::RuleProgram& program,
                                                   NetworkOptions options);
  ~Network();
  Network(const Network&) = delete;  // Owns relations.
  Network& operator=(const Network&) = delete;

  // --- a transaction --------------------------------------------------------------------------------

  // Adds to the open step. Inserting a fact that is stated already, or deleting one that is not, changes
  // nothing (and is counted). Keyed: an insertion takes the place of the row under its key.
  Expected<void> change(datalog::RelationId relation, const FactChanges& changes);
  // What was collected becomes a step; productions fire until the agenda is empty.
  Expected<void> step(StepKind kind = StepKind::kChange);
  // Ends the transaction, with a step for what is still collected, and for activations that have waited
  // since the program was loaded. The result's words are good until the next transaction begins.
  Expected<Committed> commit();
  // Everything is as it was at the last commit: weights, ranks, groups, refraction, text memory.
  void abort();

  // --- reading, the open transaction included -----------------------------------------------------------

  vm::Version version() const;  // The last committed one.
  const datalog::RuleProgram& program() const;
  const compiler::RelationLayout& layout(datalog::RelationId id) const;
  std::uint64_t row_count(datalog::RelationId id) const;
  // The relation's rows; an equivalence relation's are the pairs of its closure.
  const vm::StandingRelation& relation(datalog::RelationId id) const;
  // Sorted by relation, place, message.
  std::vector<ErrorInstance> errors() const;

  // --- upkeep --------------------------------------------------------------------------------------------

  NetworkStatistics statistics() const;  // Work and bytes by node.
  void verify() const;          // Every node; crashes at the first invariant that does not hold.
  std::string to_text() const;  // `explain --stage=network`.
  std::string to_dot() const;

 private:
  struct Impl;
  explicit Network(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace entail::rete
