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
// Result: kDone, or kReplan when a relation outgrew what the program was planned for: the caller plans
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

// What a relation operand stands for: exactly one of the three. `standing` is for standing programs
// (vm/standing_machine.h), the others for one-shot evaluation.
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

enum class Outcome : std::uint8_t { kDone, kReplan };

// What a run is doing, for a progress line; written by the driving thread, read by any.
struct Progress {
  std::atomic<std::uint32_t> stratum{0};  // Set by who runs the strata.
  std::atomic<std::uint64_t> rounds{0};
  std::atomic<std::uint64_t> rows_derived{0};
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

  // Counters of the last run's fragments, by position in Program::fragments.
  const std::vector<FragmentCounters>& fragment_counters() const { return counters_; }
  std::uint64_t rows_touched() const { return rows_touched_; }
  std::uint64_t rounds() const { return rounds_; }

 private:
  struct Worker;
  struct Impl;

  Expected<void> run_fragment(std::uint32_t fragment);
  Expected<void> merge(FragmentCounters& counters);

  Options options_;
  std::vector<FragmentCounters> counters_;
  std::uint64_t rows_touched_ = 0;
  std::uint64_t rows_derived_ = 0;
  std::uint64_t rounds_ = 0;
  std::unique_ptr<Impl> impl_;
};

}  // namespace entail::vm
