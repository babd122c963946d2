// vm/program.h - a bytecode program: what the compiler emits and the interpreter runs.
//
// A program has two families of instructions (opcodes.def). *Control* code drives a stratum: run a
// fragment, end the round, loop while something is new. *Fragments* are the pipelines of single rules: a
// source, joins and filters, an insertion, as nested resumable loops over batches of up to 1,024 rows:
//
//     // path(x, z) :- Δpath(x, y), edge(y, z).
//     0  ScanOpen  c0 path delta
//     1  ScanNext  c0 b0 rows=l0  else 10
//     2  Load      r0 = path.0[l0]          x
//     3  Load      r1 = path.1[l0]          y
//     4  ProbeOpen c1 edge b0 index 0 (r1)
//     5  ProbeNext c1 b1 lanes=l1 rows=l2  else 1
//     6  Take      r2 = r0[l1]              x
//     7  Load      r3 = edge.1[l2]          z
//     8  Insert    path b1 (r2 r3)
//     9  Jump      5
//     10 End
//
// Every worker runs a fragment with a frame of its own (registers, batches, cursors); only the outermost
// cursor is shared, dealt out in morsels.
//
// A *standing* program has no control code but Halt: its fragments are run one by one, each on the rows
// that changed, and Emit what changes in turn (vm/standing_machine.h). In a query Emit hands rows of the
// answer on, or fills a rank table (vm/rank_table.h).
//
// Threads: a Program is immutable once verified and may be shared.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vm/base/tiny.h"
#include "vm/type.h"
#include "vm/word.h"

namespace entail::vm {

inline constexpr std::size_t kBatchRows = size_or_tiny(1024, 16);
inline constexpr std::uint16_t kNoRegister = 0xffff;
// The index operand of a probe with every column given of a standing set: its membership table.
inline constexpr std::uint32_t kMembershipIndex = 0xfffffffe;

enum class Opcode : std::uint16_t {
#define OPCODE(name, operands, effect, sentence) k##name,
#include "vm/opcodes.def"
#undef OPCODE
};

inline constexpr std::size_t kOpcodeCount = 0
#define OPCODE(name, operands, effect, sentence) +1
#include "vm/opcodes.def"
#undef OPCODE
    ;

// Instruction flags. The view is in the two low bits.
enum Flags : std::uint16_t {
  kViewTotal = 0,  // Every visible row.
  kViewDelta = 1,  // What the last round added.
  kViewOld = 2,    // Visible before the last round: total without delta.
  kViewMask = 3,
  kNegate = 4,        // Contains, ContainsKey, EqContains, MarkEnd.
  kLowInclusive = 8,  // RangeOpen.
  kHighInclusive = 16,
  kRangeSigned = 32,  // RangeGenOpen; RangeOpen compares by the index's column kind.
  kRangeUnsigned = 64,
  kRangeFloat = 128,
};

struct Instruction {
  Opcode op = Opcode::kHalt;
  std::uint16_t flags = 0;
  std::uint16_t a = 0, b = 0, c = 0, d = 0;
  std::uint32_t e = 0, f = 0;
};
static_assert(sizeof(Instruction) == 20);

enum class AggregateKind : std::uint8_t {
  kCount,
  kCountDistinct,
  kSumI,
  kSumU,
  kSumF,
  kSumF32,  // Integer sums wrap; float sums are exact, rounded once.
  kMinI,
  kMaxI,
  kMinU,
  kMaxU,
  kMinF,
  kMaxF,
  kMinText,
  kMaxText,
  kMeanI,
  kMeanU,
  kMeanF,
  kMeanF32,
};

// An aggregate as SQL has it: null where there is nothing to aggregate. In the lists of AggBegin and
// GroupBegin such a kind is kSqlAggregate and more: a position in Program::aggregates.
inline constexpr std::uint16_t kSqlAggregate = 256;
enum class SqlAggregate : std::uint8_t {
  kCount,
  kSum,
  kAverage,
  kMin,
  kMax,
  kBoolAnd,
  kBoolOr,
  kBitAnd,
  kBitOr,
  kBitXor,
  kVarPop,
  kVarSamp,
  kStddevPop,
  kStddevSamp,
  kStringAgg,
  kArrayAgg,
};
struct AggregateOrder {
  Type type;
  bool nullable = false, descending = false, nulls_first = false;
  friend bool operator==(const AggregateOrder&, const AggregateOrder&) = default;
};
struct AggregateSpec {
  SqlAggregate op = SqlAggregate::kCount;
  Type argument, result;
  bool distinct = false;
  std::vector<AggregateOrder> order;

  // Registers of a step beside the value's first word and its null flag: the second word, a delimiter
  // with its null flag, the order items with their words and flags.
  std::size_t extra_words() const {
    std::size_t count = value_words(argument) - 1;
    if (op == SqlAggregate::kStringAgg) count += 2;
    for (const AggregateOrder& item : order) count += words_of(item.type, item.nullable);
    return count;
  }
  friend bool operator==(const AggregateSpec&, const AggregateSpec&) = default;
};

// Operand f of TextCall, in the order of ExpressionOp's text functions.
enum class TextFunction : std::uint8_t { kLower, kUpper, kTrim, kReplace, kStartsWith, kEndsWith };

// Operand e of DatePart.
enum class DatePart : std::uint8_t { kYear, kMonth, kDay, kHour, kMinute, kSecond, kWeekday };

// One rule's pipeline: a stretch of Program::code and the size of the frame it needs.
struct Fragment {
  std::uint32_t entry = 0;
  std::uint16_t registers = 0;  // Value registers.
  std::uint16_t row_registers = 0;
  std::uint16_t batches = 0;
  std::uint16_t cursors = 0;
  std::uint16_t accumulators = 0;
  bool single_worker = false;                // autoinc, or a source that cannot be dealt out.
  std::vector<std::uint16_t> groups_filled;  // Group tables that its GroupSteps fill.
  std::uint32_t rule = 0;  // Which rule it serves: for statistics; kNoRule for auxiliary ones.
  std::string name;        // "path(x, z) :- …, version 1": for people.
};
inline constexpr std::uint32_t kNoRule = 0xffffffff;

struct ConstantRegister {
  std::uint32_t fragment = 0;
  std::uint16_t register_number = 0;
  Word word = 0;
};

// A register that holds a value which each run is given: its word `word`, the one behind its value words
// being the null flag.
struct ParameterRegister {
  std::uint32_t fragment = 0;
  std::uint16_t register_number = 0;
  std::uint16_t word = 0;
  std::uint32_t parameter = 0;
};

// What CallScalar calls: a vm::ScalarFunction, or kCastCall for the cast of its one argument.
inline constexpr std::uint16_t kCastCall = 0xffff;
struct ScalarCallSite {
  std::uint16_t function = kCastCall;
  Type result;
  std::vector<Type> arguments;

  friend bool operator==(const ScalarCallSite&, const ScalarCallSite&) = default;
};

// A variable whose value tells which instance of a rule failed.
struct PlaceValue {
  std::string name;
  Type type;
  bool nullable = false;
};

// Where an error came from, as the message shall say it.
struct Place {
  std::uint32_t rule = kNoRule;
  std::string where;  // "file.dl:3:17: ", or empty.
  std::string text;   // "amount / qty", as the author wrote it.
  // Standing programs: whose registers Divert lists, each as its words and its null flag.
  std::vector<PlaceValue> values;
};

struct Program {
  std::vector<Instruction> code;     // Control code first, then the fragments.
  std::vector<std::uint16_t> lists;  // A list operand is a position here: count, then the elements.
  std::vector<Fragment> fragments;
  std::vector<ConstantRegister> constants;
  std::vector<ParameterRegister> parameters;
  std::vector<Type> types;  // Operands of Convert and DatePart.
  std::vector<ScalarCallSite> calls;
  std::vector<AggregateSpec> aggregates;
  std::vector<Place> places;
  std::vector<std::string>
      relation_names;              // By relation operand; the machine binds them to relations.
  std::uint32_t entry = 0;         // Where a fresh run starts.
  std::uint32_t resume_entry = 0;  // Where a run goes on after ReplanIfGrew.
  std::uint16_t group_tables = 0;
  std::uint16_t rank_tables = 0;

  // Adds a list and returns its operand.
  std::uint32_t add_list(const std::vector<std::uint16_t>& elements) {
    auto position = static_cast<std::uint32_t>(lists.size());
    lists.push_back(static_cast<std::uint16_t>(elements.size()));
    lists.insert(lists.end(), elements.begin(), elements.end());
    return position;
  }
};

}  // namespace entail::vm
