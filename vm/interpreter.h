// vm/interpreter.h - the machine that runs bytecode over relations.
//
// A Machine binds the relation operands of programs to relations and keeps what survives from run to
// run: worker frames, candidate buffers, counters. One thread drives control code; a fragment is run
// by the workers of the ThreadTeam, each with a frame of its own. What they derive is collected in
// candidate buffers and merged between runs, so that no relation changes while a worker reads it.
//
//     control:   Run f ──► workers: scan ▸ probe ▸ filter ▸ insert ──► candidate buffers
//                                        ▲         buffer full: pause        │
//                                        └───────── resume ◄──── merge ◄─────┘
//                Advance: pending rows become the delta
//
// A program that is run again and again is loaded once (LoadedProgram): its constants, its buffers and
// which relations it binds are worked out then, and a run allocates nothing that an earlier one has left.
// Of relations that stand it reads what is there now; only what it derives goes to a vm::Relation, or
// with Emit to a receiver, row by row as it is found.
//
// Result: kDone, kEnough when the receiver wanted no more, or kReplan when a relation outgrew what the program was planned for: the caller plans
// again and goes on at the new program's resume entry.
// Errors: kData (a Raise: division by zero, a conversion; the message starts with the place), kLimit
// (steps, rows, bytes), kCancelled.
//
// Budgets count rows touched, rows kept and bytes, never time, so they are deterministic.
// Threads: one thread drives a Machine; it uses the team's threads inside run().
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vm/base/cancel.h"
#include "vm/base/clock.h"
#include "vm/base/expected.h"
#include "vm/base/memory_budget.h"
#include "vm/base/thread_team.h"
#include "vm/program.h"
#include "vm/relation.h"
#include "vm/type_table.h"
#include "vm/value_pool.h"

namespace entail::vm {

class EquivalenceRelation;
class StandingRelation;

class GatheringTable;

// What a relation operand stands for: exactly one of the three. Standing programs (vm/standing_machine.h)
// have only standing ones, and one-shot programs derive no rows of those.
struct RelationBinding {
  Relation* relation = nullptr;
  EquivalenceRelation* equivalence = nullptr;
  const StandingRelation* standing = nullptr;
};

struct MachineLimits {
  std::uint64_t rows_touched = std::numeric_limits<std::uint64_t>::max();  // Scanned and matched.
  std::uint64_t rows_derived = std::numeric_limits<std::uint64_t>::max();  // New rows.
};

// Work done by one fragment since the machine was made.
struct FragmentCounters {
  std::uint64_t runs = 0;
  std::uint64_t rows_scanned = 0;   // Delivered by sources.
  std::uint64_t rows_probed = 0;    // Keys looked up.
  std::uint64_t rows_matched = 0;   // Delivered by probes.
  std::uint64_t candidates = 0;     // Rows derived, known ones included.
  std::uint64_t rows_inserted = 0;  // Of those, the new ones.
  std::int64_t nanoseconds = 0;     // With a clock; else 0.

  void add(const FragmentCounters& other);
};

enum class Outcome : std::uint8_t { kDone, kReplan, kEnough };

// Takes the rows that a query's Emit hands on.
class RowReceiver {
 public:
  virtual ~RowReceiver() = default;
  // Returns whether more are wanted. The arrays are good during the call.
  virtual bool receive(std::span<const Word* const> columns, std::size_t n) = 0;
};

// What a run is doing, for a progress line; written by the driving thread, read by any.
struct Progress {
  std::atomic<std::uint32_t> stratum{0};  // Set by who runs the strata.
  std::atomic<std::uint64_t> rounds{0};
  std::atomic<std::uint64_t> rows_derived{0};
};

// A program and what it is bound to, ready to run. Program, relations and tables outlive it.
// REQUIRES: verify_program(program) holds; `bindings` has one element for each of
// program.relation_names, and `rank_tables` as many as the program says.
class LoadedProgram {
 public:
  LoadedProgram(const Program& program, std::vector<RelationBinding> bindings,
                std::vector<GatheringTable*> rank_tables = {});
  ~LoadedProgram();
  LoadedProgram(const LoadedProgram&) = delete;  // Frames point into it.
  LoadedProgram& operator=(const LoadedProgram&) = delete;

  const Program& program() const { return program_; }
  const std::vector<RelationBinding>& bindings() const { return bindings_; }

  // The value of a parameter in the runs to come: its words and, behind them, its null flag.
  void set_parameter(std::uint32_t parameter, std::span<const Word> words);

 private:
  friend class Machine;
  struct Buffers;

  const Program& program_;
  std::vector<RelationBinding> bindings_;
  std::vector<GatheringTable*> rank_tables_;
  // Constants by fragment, so that entering one need not search; parameters are constants of a run.
  std::vector<std::vector<ConstantRegister>> constants_;
  struct ParameterPlace {
    std::uint32_t parameter, fragment, position;  // In constants_[fragment].
    std::uint16_t word;
  };
  std::vector<ParameterPlace> parameters_;
  std::vector<std::unique_ptr<Buffers>> buffers_;  // By worker.
};

class Machine {
 public:
  struct Options {
    ValuePool* pool = nullptr;   // Required.
    ThreadTeam* team = nullptr;  // Required.
    const CancelToken* cancel = nullptr;
    // Relations ask it themselves; the machine adds what the pool holds and compares after each merge.
    const MemoryBudget* memory = nullptr;
    const Clock* clock = nullptr;  // For FragmentCounters::nanoseconds.
    MachineLimits limits;
    Progress* progress = nullptr;
    // Below this many rows in the source, waking the other workers costs more than it saves: a wake
    // and a barrier are some 10 us, a row of a join some 10 ns.
    std::uint64_t parallel_rows_min = 4096;
    RowReceiver* receiver = nullptr;  // Of what Emit hands on; required by programs that have it.
    // Reclaim frees what was made since the run began and nobody keeps, and nothing else: others use the
    // pool meanwhile.
    bool shares_pool = false;
    // An expression that fails is reported as SQL's clients know it, without its place.
    bool sql_errors = false;
  };

  explicit Machine(Options options);
  ~Machine();
  Machine(const Machine&) = delete;  // Frames point into it.
  Machine& operator=(const Machine&) = delete;

  // Runs control code from `entry`. `bindings` has one element for each of program.relation_names;
  // `planned_sizes` what ReplanIfGrew compares with, likewise.
  // REQUIRES: verify_program(program) holds.
  Expected<Outcome> run(const Program& program, std::uint32_t entry,
                        const std::vector<RelationBinding>& bindings,
                        const std::vector<std::uint64_t>& planned_sizes);
  Expected<Outcome> run(LoadedProgram& program, std::uint32_t entry,
                        const std::vector<std::uint64_t>& planned_sizes);

  // Of a machine that shares its pool: a run of one or more programs. The budgets begin anew; what is made
  // from now on and nobody keeps is freed by Reclaim and by end_run().
  void begin_run(bool makes_values);
  void end_run();

  // Counters of the last run's fragments, by position in Program::fragments.
  const std::vector<FragmentCounters>& fragment_counters() const { return counters_; }
  std::uint64_t rows_touched() const { return rows_touched_; }
  std::uint64_t rounds() const { return rounds_; }

 private:
  struct Worker;
  struct Impl;

  // Whether the receiver wants more.
  Expected<bool> run_fragment(std::uint32_t fragment);
  Expected<void> merge(FragmentCounters& counters);

  Options options_;
  std::vector<FragmentCounters> counters_;
  std::uint64_t rows_touched_ = 0;
  std::uint64_t rows_derived_ = 0;
  std::uint64_t rounds_ = 0;
  std::unique_ptr<Impl> impl_;
};

}  // namespace entail::vm
