// vm/internal/frame.h - what one worker needs to run one fragment: registers, batches, cursors.
//
// A frame is resumable: when a candidate buffer is full the worker stops with kBufferFull, the machine
// merges, and the worker goes on at `position` with everything as it was.
//
// Registers are runs of 1,024 words in one block, reused by every fragment that the worker runs; only
// constant registers are filled again when the fragment changes.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vm/aggregates.h"
#include "vm/equivalence_relation.h"
#include "vm/functors.h"
#include "vm/internal/scalar_call.h"
#include "vm/interpreter.h"
#include "vm/lane_error.h"
#include "vm/standing_machine.h"

namespace entail::vm {

// The rows of the outermost source, dealt out to the workers in morsels.
struct SharedSource {
  std::atomic<std::uint64_t> next{0};
  std::uint64_t end = 0;
  std::uint64_t morsel = 1;  // Rows dealt out at a time.
  std::atomic<bool> unit_taken{false};
};

enum class CursorKind : std::uint8_t {
  kNone,
  kUnit,
  kScan,
  kProbe,
  kEqScan,
  kEqProbe,
  kRangeGen,
  kElements,
  kGroups
};

struct Cursor {
  CursorKind kind = CursorKind::kNone;
  bool shared = false;           // The outermost source of a fragment run by several workers.
  std::uint8_t number_kind = 0;  // kRangeGen: 0 signed, 1 unsigned, 2 float.
  const Relation* relation = nullptr;
  const StandingRelation* standing = nullptr;  // Instead of `relation`, in a standing program.
  RowRange range;
  Row scan_position = 0;  // Of a standing relation that is scanned.
  // kProbe of a standing relation: all matches of the outer batch, each with its lane; `offset` moves.
  std::vector<Row> matches;
  std::vector<std::uint32_t> match_lanes;
  // kProbe: postings of the outer batch; `lanes` is empty when there is one per lane.
  std::vector<Posting> postings;
  std::vector<std::uint32_t> lanes;
  std::vector<Row> cross_rows;  // CrossOpen: the rows that every lane matches.
  std::uint32_t lane = 0, lane_count = 0, offset = 0;
  // Generators: the outer batch's values, kept because its registers may be reused.
  std::vector<Word> from, to, step;
  Word value = 0;
  bool value_ready = false;
  // Equivalences and groups.
  const EquivalenceRelation* equivalence = nullptr;
  EquivalenceRelation::PairCursor pairs;
  View view = View::kTotal;
  std::vector<std::span<const Word>> members;
  const GroupTable* groups = nullptr;
  const GatheringTable* ranks = nullptr;
  std::uint64_t position = 0;
};

// kEnough: the receiver wants no more rows.
enum class FrameStatus : std::uint8_t { kDone, kBufferFull, kError, kCancelled, kEnough };

// So far constants are filled at first: the batches of a small run.
inline constexpr std::size_t kSmallLanes = std::min<std::size_t>(16, kBatchRows);

// A vector register file: `count` runs of kBatchRows elements, 64-byte aligned.
template <typename T>
class RegisterFile {
 public:
  void reserve(std::size_t count) {
    if (count <= count_) return;
    block_.reset(
        static_cast<T*>(::operator new(count * kBatchRows * sizeof(T), std::align_val_t{64})));
    count_ = count;
  }
  T* at(std::size_t number) const { return block_.get() + number * kBatchRows; }
  std::size_t count() const { return count_; }

 private:
  struct Free {
    void operator()(T* block) const { ::operator delete(block, std::align_val_t{64}); }
  };
  std::unique_ptr<T, Free> block_;
  std::size_t count_ = 0;
};

struct Frame {
  explicit Frame(ValuePool& pool) : functors(pool), scalars(pool) {}

  const Program* program = nullptr;
  const std::vector<RelationBinding>* bindings = nullptr;
  std::uint32_t position = 0;  // Of the next instruction.
  std::uint32_t fragment_entry = 0;

  RegisterFile<Word> words;
  RegisterFile<Row> rows;
  std::vector<std::uint32_t> batch_rows;
  std::vector<Cursor> cursors;
  std::vector<AccumulatorSet> accumulators;
  std::vector<std::vector<std::uint8_t>> marks;                      // By accumulator number.
  std::vector<GroupTable>* groups = nullptr;                         // This worker's.
  std::vector<std::unique_ptr<CandidateBuffer>>* buffers = nullptr;  // By relation operand.
  std::vector<std::vector<Word>>* equivalence_pairs = nullptr;       // Likewise; pairs end to end.
  SharedSource* source = nullptr;
  bool source_is_shared = false;                 // More than one worker.
  StandingRun* run = nullptr;                    // Of a standing program; else null.
  RowReceiver* receiver = nullptr;               // Of a query.
  std::span<GatheringTable* const> rank_tables;  // Of a one-shot program.
  bool sql_errors = false;                       // Raise says what SQL's clients are to be told.
  // Constant registers are filled up to here; enough for the batches of a run that began small.
  std::size_t constant_lanes = kBatchRows;
  const std::vector<ConstantRegister>* constants = nullptr;  // Of the fragment.

  Functors functors;
  ScalarContext scalars;
  std::uint64_t* next_auto_increment = nullptr;
  const CancelToken* cancel = nullptr;
  FragmentCounters counters;
  std::uint64_t rows_touched_limit = 0;    // Stop when counters pass it.
  std::vector<std::uint8_t> flags;         // Scratch of membership probes: kBatchRows.
  std::vector<const Word*> pointers;       // Scratch for lists of registers.
  std::vector<const Word*> values, nulls;  // Scratch of the aggregates.
  std::vector<Posting> postings;           // Scratch of existence probes.
  std::vector<Row> found;                  // The same, of standing relations.
  std::vector<Row> matches;                // Scratch of counts of matches.
  std::vector<std::uint32_t> match_lanes;
  std::vector<Word*> targets;      // Scratch of next_given_rows.
  std::vector<Word> record_words;  // Scratch of MakeRecord and Concat.

  Error error;

  Word* word(std::size_t number) { return words.at(number); }
  Row* row(std::size_t number) { return rows.at(number); }
  std::uint16_t list_size(std::uint32_t list) const { return program->lists[list]; }
  const std::uint16_t* list(std::uint32_t list) const { return program->lists.data() + list + 1; }
  // The register arrays that a list names.
  std::span<const Word* const> arrays(std::uint32_t list_position) {
    const std::uint16_t n = list_size(list_position);
    const std::uint16_t* items = list(list_position);
    pointers.resize(n);
    for (std::uint16_t i = 0; i < n; ++i) pointers[i] = word(items[i]);
    return pointers;
  }
};

// Runs the frame from its position until the fragment ends, a buffer is full, or something is wrong.
FrameStatus run_frame(Frame& frame);

// The instructions whose relation stands (standing_operations.cc); they set what the others read.
void open_standing_scan(Frame& frame, const Instruction& in);
std::size_t next_standing_rows(Frame& frame, Cursor& cursor, Row* out);
void open_standing_probe(Frame& frame, const Instruction& in);
void open_standing_range(Frame& frame, const Instruction& in);
void open_standing_cross(Frame& frame, const Instruction& in);
std::size_t next_standing_matches(Cursor& cursor, Row* lanes, Row* rows);
void mark_standing_members(Frame& frame, const Instruction& in);  // Contains: into frame.flags.
void mark_standing_keys(Frame& frame, const Instruction& in);     // ContainsKey.
void count_standing_matches(Frame& frame, const Instruction& in);
bool standing_has_rows(Frame& frame, const Instruction& in);
void open_given(Frame& frame, const Instruction& in);
void load_standing_identities(Frame& frame, const Instruction& in);
std::size_t next_given_rows(Frame& frame, const Instruction& in);
// False: the receiver wants no more.
bool emit_rows(Frame& frame, const Instruction& in);
void divert_errors(Frame& frame, const Instruction& in);
void fill_constants(Frame& frame, std::size_t lanes);

// The vector operations: arithmetic, comparison, text. False when `instruction` stopped the frame with
// an error (only Raise does).
bool run_vector_operation(Frame& frame, const Instruction& instruction);
bool run_text_operation(Frame& frame, const Instruction& instruction);
bool run_sql_operation(Frame& frame, const Instruction& instruction);

}  // namespace entail::vm
