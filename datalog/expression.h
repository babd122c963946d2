// datalog/expression.h - typed expressions of the rule program.
//
// An Expression is a small tree of plain values. Its operation is typed by its arguments: kAdd of two
// `number`s is wrapping integer addition, of two `float`s it is float addition. The compiler picks the
// instruction; nobody else needs to know it.
//
// Three-valued logic lives here and nowhere else: comparisons and arithmetic with a null argument are
// null, kAnd/kOr/kNot are Kleene's, kIsNull/kIsNotNull and kIdentical never are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "grammar/source_span.h"
#include "vm/base/ids.h"
#include "vm/type.h"
#include "vm/word.h"

namespace entail::datalog {

enum class RelationId : std::uint32_t {};
enum class RuleId : std::uint32_t {};
enum class VariableId : std::uint32_t {};

// The position that an id stands for.
template <typename IdType>
constexpr std::size_t index_of(IdType id) {
  return static_cast<std::size_t>(id);
}

enum class ExpressionOp : std::uint8_t {
  kVariable,
  kConstant,  // `words`, or `text` for text, bytes, json and numeric.
  kNull,
  kWildcard,  // Only as a term of a Match.

  // Arithmetic, on two arguments of one type (kNegate, kBitNot: one). Integers wrap at their width.
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kPower,
  kNegate,
  kBitAnd,
  kBitOr,
  kBitXor,
  kBitNot,
  kShiftLeft,
  kShiftRight,
  kShiftRightUnsigned,
  kLogicalAnd,
  kLogicalOr,
  kLogicalXor,
  kLogicalNot,  // Souffle's land, lor, lxor, lnot: number to 0 or 1.
  kMinimum,
  kMaximum,  // Of two or more arguments: min(a, b, …).

  // Comparisons give bool. kEqual is SQL's (null if a side is); kIdentical is "is not distinct from".
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIdentical,
  kNotIdentical,
  kIsNull,
  kIsNotNull,

  kAnd,
  kOr,
  kNot,  // Kleene's, on bool.
  kIf,   // (condition, then, else); only the chosen side may fail.

  // Text.
  kConcat,
  kLength,
  kSubstring,
  kContains,
  kMatches,
  kOrdinal,
  kLower,
  kUpper,
  kTrim,
  kReplace,
  kStartsWith,
  kEndsWith,

  // Conversions; the result's type says to what. kConvert changes the value (to_number, to_string, …);
  // kReinterpret keeps the bits (`as(e, T)`).
  kConvert,
  kReinterpret,

  // Records, variants, arrays.
  kMakeRecord,   // All fields of the type's shape.
  kMakeVariant,  // `detail`: the branch; its fields.
  kMakeArray,
  kField,     // `detail`: which field of a record, or of the variant's branch (see kIsBranch).
  kIsBranch,  // Is the variant of branch `detail`?
  kIsNil,     // Is the record nil?
  kElement,   // array[index]

  kAutoIncrement,  // A fresh number at each evaluation: one-shot only.
  kNow,            // The transaction's start; bounded use in standing bodies.
  kDatePart,       // `detail`: year, month, day, hour, minute, second, weekday.
  kCallExtern,     // A user-defined functor; refused when it must run. `text`: its name.
};

struct Expression {
  ExpressionOp op = ExpressionOp::kWildcard;
  vm::Type type;
  bool nullable = false;
  VariableId variable{};       // kVariable.
  std::uint32_t detail = 0;    // See the operations.
  std::uint32_t branch = 0;    // kField of a variant: the branch whose field is meant.
  vm::Word words[2] = {0, 0};  // kConstant of a type that fits words.
  std::string text;            // kConstant of text, bytes, json, numeric: canonical bytes.
  std::vector<Expression> arguments;
  grammar::SourceSpan span;
};

}  // namespace entail::datalog
