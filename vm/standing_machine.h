// vm/standing_machine.h - runs the fragments of a standing program, one at a time, on what has changed.
//
// Where a Machine drives a whole stratum to its fixpoint, a StandingMachine is driven: its caller (the
// network, rete/network.h) says which fragment runs on which rows, and gets what the fragment derives
// as a batch of changes.
//
//     path(x, z) :- path(x, y), edge(y, z).    one fragment for a change of `path`, one for `edge`
//
//     rows of edge that appeared ──► ScanOpen ▸ Probe path ▸ Emit ──► {path (1, 5), weight +1, rank 4}
//
// Views. Instructions read a relation as it is or as it was when the step began (View::kTotal, kOld), as
// the plan says; a run can ask for one view throughout.
//
// Cost: some 200 ns for a fragment on one row beside what its probes cost. Batches are those of the
// one-shot machine, but constants are filled only as far as a run needs them.
// Errors: kLimit (rows touched), kCancelled. An expression that fails goes to StandingRun::diverted.
// Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "vm/base/cancel.h"
#include "vm/base/expected.h"
#include "vm/change_batch.h"
#include "vm/interpreter.h"
#include "vm/lane_error.h"
#include "vm/program.h"
#include "vm/word.h"

namespace entail::vm {

enum class RunViews : std::uint8_t { kAsPlanned, kAllTotal, kAllOld };

// An instance whose expression failed.
struct Diverted {
  std::uint32_t place = 0;  // In Program::places.
  Word error = 0;           // vm::lane_error_text() has the words for it, until the step's end.
  std::vector<Word> values;
  std::int64_t weight = 0;
};

struct StandingRun {
  std::uint32_t fragment = 0;
  std::span<const Row> rows;  // What its scan delivers.
  std::span<const Word* const>
      given;  // What GivenNext delivers: one array a word, `given_rows` long.
  std::size_t given_rows = 0;
  // Of the matches that the first probe finds for a source row, those from `first_match` on and before
  // `end_match`: where one derivation is enough, some are looked at before all are.
  std::uint32_t first_match = 0;
  std::uint32_t end_match = 0xffffffff;
  RunViews views = RunViews::kAsPlanned;
  std::int64_t weight = 1;  // Of every row emitted.
  ChangeBatch* out = nullptr;
  std::vector<Diverted>* diverted = nullptr;  // nullptr: failing instances are dropped.

  bool* was_cut = nullptr;  // Set where matches from `end_match` on were left out.

  std::size_t position = 0;                  // The machine's.
  const Instruction* first_probe = nullptr;  // Likewise.
};

class StandingMachine {
 public:
  struct Options {
    ValuePool* pool = nullptr;  // Required.
    const CancelToken* cancel = nullptr;
  };
  explicit StandingMachine(Options options);
  ~StandingMachine();
  StandingMachine(const StandingMachine&) = delete;  // Its frame points into it.
  StandingMachine& operator=(const StandingMachine&) = delete;

  // The program that run() takes fragments of; both outlive their use. Counters start at 0.
  // REQUIRES: verify_program(program); `bindings` has one element for each relation name.
  void bind(const Program& program, std::vector<RelationBinding> bindings);

  // Appends what the fragment derives to run.out.
  Expected<void> run(StandingRun run);

  // How many rows run() may still touch, all runs together.
  void set_rows_left(std::uint64_t rows) { rows_left_ = rows; }
  std::uint64_t rows_left() const { return rows_left_; }

  const std::vector<FragmentCounters>& counters() const { return counters_; }
  std::uint64_t bytes_used() const;

 private:
  struct Impl;
  Options options_;
  std::vector<FragmentCounters> counters_;
  std::uint64_t rows_left_ = ~std::uint64_t{0};
  std::unique_ptr<Impl> impl_;
};

}  // namespace entail::vm
