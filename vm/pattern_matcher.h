// vm/pattern_matcher.h - finds the matches of an event pattern in one partition.
//
//     for each row that may begin a match, in order     an *attempt*
//         threads, the preferred ones first             a state, and which rows have which symbols so far
//         each further row                              every thread goes on or ends
//
// A simulation of all ways at once (Thompson 1968, Pike): of threads in one state that no condition can tell
// apart only the first is kept, so an attempt takes a step per row and state. Threads share the rows that they
// have in common. A thread that reaches a match ends all less preferred ones; what more preferred ones still
// find replaces it. What conditions can ask of a thread is kept in *registers*: positions of first and last rows
// of some symbols.
//
// Where attempts follow each other, a state at a row from which an attempt has found no match is *dead* for the
// next one, too, unless registers or a deadline tell attempts apart. So `(A+)+ B` without any B takes linear time.
//
// A match is *decided* where every more preferred thread has ended or can take no further row, because the
// watermark has reached the end of its time. An absence at the end is there when the watermark has reached its
// instant.
//
// Cost: steps times states; a condition that reads other rows of the match about 200 ns each time.
// Errors: kData of a condition, kLimit.
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vm/base/expected.h"
#include "vm/change_batch.h"
#include "vm/pattern_program.h"
#include "vm/sql_aggregates.h"
#include "vm/standing_machine.h"
#include "vm/value_pool.h"

namespace entail::vm {

inline constexpr std::uint32_t kNoPosition = 0xffffffff;

struct LabelledRow {
  std::uint32_t position = 0;  // In the partition.
  std::uint32_t symbol = 0;
  bool excluded = false;
};

// A match, or an empty one where there are no rows.
struct PatternMatch {
  std::uint32_t start = 0;
  std::int64_t number = 0;  // From 1.
  std::vector<LabelledRow> rows;
};

// Rows by number, their words by column.
using PatternColumns = std::vector<std::vector<Word>>;

// The value that a spec finds among `rows`, as words with the null flag behind them where the spec has one.
// `to`: how many of the rows count; `start` and `row` as PatternValueSpec says, nothing where there is none.
class PatternValues {
 public:
  PatternValues(const PatternSpec& spec, const PatternColumns& columns, ValuePool& pool)
      : spec_(spec), columns_(columns), pool_(pool) {}

  // The partition's rows, in order; they stay where they are.
  void set_partition(std::span<const std::uint32_t> rows) { partition_ = rows; }
  // The value of a row of the partition; a null where the position lies outside.
  void put_row(const PatternValueSpec& value, std::int64_t position, Word* out) const;
  void put_null(const PatternValueSpec& value, Word* out) const;
  Expected<void> put_aggregate(const PatternValueSpec& value, std::span<const LabelledRow> rows,
                               Word* out) const;
  // kLabelled, kClassifier, kAggregate of the rows.
  Expected<void> put(const PatternValueSpec& value, std::span<const LabelledRow> rows,
                     Word* out) const;

 private:
  void put_classifier(const PatternValueSpec& value, std::span<const LabelledRow> rows,
                      std::int64_t position, Word* out) const;

  const PatternSpec& spec_;
  const PatternColumns& columns_;
  ValuePool& pool_;
  std::span<const std::uint32_t> partition_;
};

class PatternMatcher {
 public:
  // All outlive it.
  PatternMatcher(const PatternSpec& spec, const PatternColumns& columns, ValuePool& pool);

  // The matches in the partition whose rows are given in order, by their numbers. `watermark`: none where it is
  // not known.
  Expected<void> run(std::span<const std::uint32_t> rows, std::optional<std::int64_t> watermark,
                     std::vector<PatternMatch>& matches);

  // The first instant at which the watermark may decide something more of the last partition.
  std::optional<std::int64_t> next_instant() const { return next_instant_; }
  const PatternValues& values() const { return values_; }

 private:
  static constexpr std::uint32_t kNoPath = 0xffffffff;
  struct PathNode {
    std::uint32_t before = kNoPath;
    LabelledRow row;
  };
  struct Thread {
    std::uint32_t state = 0;
    std::uint32_t path = kNoPath;
  };
  // Threads, and their registers end to end.
  struct ThreadList {
    std::vector<Thread> threads;
    std::vector<std::uint32_t> registers;
    void clear() {
      threads.clear();
      registers.clear();
    }
  };
  // Registers that follow one place of operands.
  struct Anchor {
    PatternPlace place;
    std::uint32_t first_register = 0;
  };
  enum class Outcome : std::uint8_t { kNone, kMatch, kUndecided };

  void plan_registers();
  Expected<Outcome> attempt(std::uint32_t start);
  Expected<bool> step(std::uint32_t position);
  Expected<bool> takes(const PatternTransition& transition, std::uint32_t thread,
                       std::uint32_t position, bool& taken);
  Expected<bool> holds(std::uint32_t symbol, const std::uint32_t* registers, std::uint32_t path,
                       std::uint32_t position);
  Expected<bool> holds_locally(std::uint32_t symbol, std::uint32_t position);
  Expected<void> run_condition(const PatternSymbolSpec& symbol, std::size_t lanes);
  void gather(std::uint32_t operand, std::uint32_t lane, const Word* words);
  // Whether a match was reached, so that nothing less preferred counts.
  bool push(std::uint32_t state, std::uint32_t path, const std::uint32_t* registers,
            std::uint32_t position, bool waits);
  void update(std::uint32_t* registers, std::uint32_t symbol, std::uint32_t position) const;
  Outcome finish(bool all_rows_seen);
  void note_instant(std::int64_t instant);
  void forget_after(std::uint32_t position);
  std::int64_t word_at(std::uint32_t position, std::uint32_t word) const {
    return int_of(columns_[word][partition_[position]]);
  }
  std::vector<LabelledRow> rows_of(std::uint32_t path) const;
  Expected<std::uint32_t> next_start(const PatternMatch& match) const;

  const PatternSpec& spec_;
  const PatternColumns& columns_;
  ValuePool& pool_;
  PatternValues values_;
  StandingMachine machine_;
  std::vector<Anchor> anchors_;
  std::vector<std::optional<std::uint32_t>> anchor_of_;  // By operand.
  std::uint32_t registers_ =
      0;  // Of a thread. The last is its path where a condition asks for all rows.
  bool path_counts_ = false;
  bool shares_failures_ = false;

  std::span<const std::uint32_t> partition_;
  std::optional<std::int64_t> watermark_;
  std::optional<std::int64_t> next_instant_;
  std::uint32_t start_ = 0;
  std::uint32_t thread_ = 0;
  ThreadList now_, next_;
  std::vector<PathNode> paths_;
  bool has_match_ = false;
  std::uint32_t match_path_ = kNoPath;
  std::uint32_t match_end_ = 0;  // The position behind its last row.
  std::uint64_t steps_ = 0;

  // Of the row in hand: the threads kept in each state, newest first.
  std::vector<std::uint32_t> newest_, stamps_, older_;
  std::uint32_t stamp_ = 0;
  // By position and state: an attempt was there. Those of the running one, to be forgotten if it finds a match.
  std::vector<std::uint64_t> dead_;
  std::size_t dead_words_ = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> visited_;

  std::vector<std::vector<std::uint8_t>>
      local_;  // By symbol and position: 0 not known, 1 no, 2 yes, 3 fails.
  std::vector<std::vector<Word>> given_;  // What a condition is given, by word.
  std::vector<std::uint32_t> scratch_;
  std::vector<Diverted> diverted_;
  ChangeBatch held_;
};

}  // namespace entail::vm
