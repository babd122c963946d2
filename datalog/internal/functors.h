// datalog/internal/functors.h - the functions that a program need not declare, and their overloads.
//
// A functor has one or more signatures over roots (source_types.h); typing picks one. Infix operators
// keep the subset type of their arguments' root loose, as Souffle does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "datalog/expression.h"
#include "datalog/internal/source_types.h"
#include "grammar/syntax_tree.h"
#include "vm/scalar_functions.h"

namespace entail::datalog {

enum class Functor : std::uint8_t {
  kNone,
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
  kLogicalNot,
  kMinimum,
  kMaximum,
  kRange,
  kToNumber,
  kToUnsigned,
  kToFloat,
  kToString,
  kNumberToUnsigned,
  kNumberToFloat,
  kUnsignedToNumber,
  kUnsignedToFloat,
  kFloatToNumber,
  kFloatToUnsigned,
  kOrd,
  kConcat,
  kLength,
  kSubstring,
  kMatches,
  kContains,
  kLower,
  kUpper,
  kTrim,
  kReplace,
  kStartsWith,
  kEndsWith,
  kMakeTyped,  // date("…"), uuid("…"), decimal(x): the root's name as a function.
  kNow,
  kYear,
  kMonth,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kWeekday,
  kCoalesce,
};

struct Signature {
  ExpressionOp op = ExpressionOp::kAdd;
  std::vector<Root> params;
  Root result = Root::kNumber;
  bool variadic = false;
  std::optional<vm::ScalarFunction> function = {};  // kCallFunction: which.
};

// The functor of a call's name, or of an operator.
std::optional<Functor> functor_named(const std::string& name);
Functor functor_of(grammar::BinaryOp op);
Functor functor_of(grammar::UnaryOp op);
std::vector<std::string> functor_names();

bool is_infix(Functor functor);
bool is_generator(Functor functor);

// All signatures of the functor over the types known so far, the preferred first. `name` is the spelling,
// which kMakeTyped needs.
std::vector<Signature> signatures_of(Functor functor, const std::string& name, SourceTypes& types);

}  // namespace entail::datalog
