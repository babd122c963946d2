// datalog/expression.h - typed expressions of the rule program.
//
// An Expression is a small tree of plain values. Its operation is typed by its arguments: kAdd of two
// `number`s is wrapping integer addition, of two `float`s it is float addition. The compiler picks the
// instruction; nobody else needs to know it.
//
// Three-valued logic lives here and nowhere else: comparisons and arithmetic with a null argument are
// null, kAnd/kOr/kNot are Kleene's, kIsNull/kIsNotNull and kIdentical never are.
//
// SQL's operations are beside those of the rule language, since they differ in what they do at the edges:
// arithmetic of SQL fails where that of rules wraps, its functions count characters where those of rules
// count bytes, and their failures carry an SQLSTATE and PostgreSQL's words. Rules keep theirs.
//
//     a + b of int4             kAddChecked(a, b)                       22003 integer out of range
//     substr(t, 2, 3)           kCallFunction, detail kSubstrFor        vm/scalar_functions.def
//     d + interval '1 day'      kCallFunction, detail kDatePlusInterval; operators are there too
//     'x'::int, 2.5::int        kCast
//     coalesce(a, b)            kCoalesce
//     nullif(a, b)              kIf(kEqual(a, b), kNull, a): a null condition chooses the second value
//     now(), current_date       kParameter, which the caller fills for each statement
//     a < b of float8           kLess with detail kTotalOrder
//
// A numeric and the digits that it shows
// --------------------------------------
// The type kNumeric is a value without trailing zeros: 1.5 and 1.50 are one word, so that joins, keys and
// sets are right. What SQL prints depends on how a value was computed: 1.50 * 2 is 3.00. Type
// vm::Type::displayed_numeric() is a numeric that carries its display scale. Every operation takes and
// gives either type; of two displayed arguments its result has PostgreSQL's scale, and a kNumeric shows
// only what it must. Comparisons order both types by value; but the *words* of displayed numerics differ
// with their scale, so in a key, a set, a stored table, a group key, under DISTINCT or in an equation of
// variables the type must be kNumeric: kCast between the two types converts. So SQL computes in
// displayed_numeric, reads a column of numeric(p, s) as kDisplayNumeric(column, s), and casts to kNumeric
// what goes into a table or a set. A column that is not displayed but read is as right, and shorter.
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

  // SQL. Their errors are PostgreSQL's.
  kParameter,  // Value `detail`, from 0, of those given when the query runs. Always nullable.
  // On two arguments (kNegateChecked: one) of the result's type, which is int2, int4, int8, float4,
  // float8 or numeric; kModuloChecked not of floats. Out of range and division by zero are errors.
  kAddChecked,
  kSubtractChecked,
  kMultiplyChecked,
  kDivideChecked,
  kModuloChecked,
  kNegateChecked,
  kCoalesce,  // The first argument that is not null; one or more, all of the result's type.
  kCast,  // SQL's conversion to the result's type. From and to text all types convert, enums too.
  kCallFunction,  // `detail`: a vm::ScalarFunction; see vm/scalar_functions.def for its arguments.
};

// `detail` of kLess, kLessEqual, kGreater, kGreaterEqual, kMinimum and kMaximum: floats are ordered as SQL
// does, NaN above all numbers. Without it an order with NaN is false. Other types have one order only.
inline constexpr std::uint32_t kTotalOrder = 1;

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
