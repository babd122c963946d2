// vm/pattern_program.h - an event pattern, compiled: an automaton over rows, and what conditions read.
//
//     A (B | C)* D        state 0  A -> 1
//                         state 1  B -> 1, C -> 1, D -> 2
//                         state 2  match
//
// A state stands for all that may come next; its transitions are in the order in which they are preferred
// (the positions of Glushkov's automaton, with the epsilon paths between them in Thompson's order). What stands
// behind an unconditional match is less preferred than ending here, and left out.
//
// In a relaxed part other rows may stand between: a row that no transition takes may be passed over, and then
// those of `waits` go on; each refuses rows of its forbidden symbols.
//
// Conditions are fragments of a program of their own. Each is given the number of a lane and the words of its
// operands with null flags, and emits the lane and whether it holds; a lane whose expression fails is not emitted.
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "vm/program.h"
#include "vm/row_sorter.h"
#include "vm/type.h"
#include "vm/word.h"

namespace entail::vm {

struct PatternTransition {
  enum class Kind : std::uint8_t { kConsume, kMatch, kDue };
  Kind kind = Kind::kMatch;
  bool at_start = false;  // Only before the partition's first row,
  bool at_end = false;    //   behind its last one.
  bool excluded = false;  // kConsume.
  std::uint32_t symbol = 0;
  std::uint32_t target = 0;    // kConsume: a state.
  std::uint32_t due_word = 0;  // kDue: where rows have the instant.
};

struct PatternWait {
  std::uint32_t state = 0;
  std::vector<std::uint32_t> forbidden;  // Symbols.
};

struct PatternState {
  std::vector<PatternTransition> transitions;
  std::vector<PatternWait> waits;
};

// Which row of a match is meant: the one `occurrence` rows behind the first that has one of the symbols, or
// before the last; then `shift` rows down the partition.
struct PatternPlace {
  std::vector<bool> symbols;  // By symbol.
  bool any = false;           // All of them.
  bool from_first = false;
  std::uint32_t occurrence = 0;
  std::int64_t shift = 0;
};

struct PatternValueSpec {
  enum class Kind : std::uint8_t { kLabelled, kStart, kRow, kAggregate, kClassifier, kMatchNumber };
  Kind kind = Kind::kLabelled;
  PatternPlace place;
  bool final_rows = false;
  std::optional<SortColumn> value;  // Where rows have it. Only place and type count.
  AggregateSpec aggregate;
  Type type;                // Of the result.
  bool nullable = false;    // Whether it has a null flag behind its words.
  std::uint32_t words = 1;  // With the flag.
};

struct PatternSymbolSpec {
  Word name = 0;                           // A text.
  std::optional<std::uint32_t> condition;  // A fragment.
  std::vector<std::uint32_t> operands;     // That it is given, behind the lane.
  bool is_local = false;  // Looks only at rows whose distance to the row in question is known.
};

enum class PatternSkip : std::uint8_t { kPastLastRow, kToNextRow, kToFirst, kToLast };
enum class PatternOutput : std::uint8_t { kOne, kMatched, kNotEmpty, kWithUnmatched };

struct PatternSpec {
  std::uint32_t words = 0;  // Of a row that arrives.
  std::vector<SortColumn> partition, order, ties;
  std::vector<PatternState> states;  // The first is where a match begins.
  std::vector<PatternSymbolSpec> symbols;
  std::vector<PatternValueSpec> operands;
  std::vector<PatternValueSpec> measures;
  std::uint32_t result_words = 0;
  std::optional<std::uint32_t> time_word, within_word;
  std::optional<SortColumn> watermark;
  PatternSkip skip = PatternSkip::kPastLastRow;
  std::vector<bool> skip_symbols;
  PatternOutput output = PatternOutput::kOne;
  bool only_decided = false;
  std::shared_ptr<const Program> conditions;
};

}  // namespace entail::vm
