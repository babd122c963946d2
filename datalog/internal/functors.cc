#include "datalog/internal/functors.h"

#include <array>
#include <map>
#include <utility>
#include <vector>

namespace entail::datalog {
namespace {

struct Named {
  const char* name;
  Functor functor;
};

constexpr Named kNames[] = {
    {"min", Functor::kMinimum},
    {"max", Functor::kMaximum},
    {"range", Functor::kRange},
    {"to_number", Functor::kToNumber},
    {"to_unsigned", Functor::kToUnsigned},
    {"to_float", Functor::kToFloat},
    {"to_string", Functor::kToString},
    {"itou", Functor::kNumberToUnsigned},
    {"itof", Functor::kNumberToFloat},
    {"utoi", Functor::kUnsignedToNumber},
    {"utof", Functor::kUnsignedToFloat},
    {"ftoi", Functor::kFloatToNumber},
    {"ftou", Functor::kFloatToUnsigned},
    {"ord", Functor::kOrd},
    {"cat", Functor::kConcat},
    {"strlen", Functor::kLength},
    {"substr", Functor::kSubstring},
    {"match", Functor::kMatches},
    {"contains", Functor::kContains},
    {"lower", Functor::kLower},
    {"upper", Functor::kUpper},
    {"trim", Functor::kTrim},
    {"replace", Functor::kReplace},
    {"starts_with", Functor::kStartsWith},
    {"ends_with", Functor::kEndsWith},
    {"now", Functor::kNow},
    {"year", Functor::kYear},
    {"month", Functor::kMonth},
    {"day", Functor::kDay},
    {"hour", Functor::kHour},
    {"minute", Functor::kMinute},
    {"second", Functor::kSecond},
    {"weekday", Functor::kWeekday},
    {"coalesce", Functor::kCoalesce},
    {"date", Functor::kMakeTyped},
    {"time", Functor::kMakeTyped},
    {"timestamp", Functor::kMakeTyped},
    {"timestamptz", Functor::kMakeTyped},
    {"interval", Functor::kMakeTyped},
    {"uuid", Functor::kMakeTyped},
    {"json", Functor::kMakeTyped},
    {"bytes", Functor::kMakeTyped},
    {"decimal", Functor::kMakeTyped},
    {"numeric", Functor::kMakeTyped},
    {"int16", Functor::kMakeTyped},
    {"int32", Functor::kMakeTyped},
    {"int64", Functor::kMakeTyped},
    {"double", Functor::kMakeTyped},
};

using Test = bool RootTraits::*;

// One signature for each root with the trait: number, unsigned and float before the others.
void add_family(std::vector<Signature>& out, ExpressionOp op, std::size_t arity, Test test,
                const SourceTypes& types, bool variadic = false) {
  for (const Root root : types.literal_roots()) {
    if (types.traits(root).*test) {
      out.push_back({op, std::vector<Root>(arity, root), root, variadic});
    }
  }
}

}  // namespace

std::optional<Functor> functor_named(const std::string& name) {
  for (const Named& named : kNames) {
    if (name == named.name) return named.functor;
  }
  return std::nullopt;
}

std::vector<std::string> functor_names() {
  std::vector<std::string> names;
  for (const Named& named : kNames) names.emplace_back(named.name);
  return names;
}

Functor functor_of(grammar::BinaryOp op) {
  using grammar::BinaryOp;
  switch (op) {
    case BinaryOp::kAdd:
      return Functor::kAdd;
    case BinaryOp::kSub:
      return Functor::kSubtract;
    case BinaryOp::kMul:
      return Functor::kMultiply;
    case BinaryOp::kDiv:
      return Functor::kDivide;
    case BinaryOp::kMod:
      return Functor::kModulo;
    case BinaryOp::kPow:
      return Functor::kPower;
    case BinaryOp::kBitAnd:
      return Functor::kBitAnd;
    case BinaryOp::kBitOr:
      return Functor::kBitOr;
    case BinaryOp::kBitXor:
      return Functor::kBitXor;
    case BinaryOp::kShiftLeft:
      return Functor::kShiftLeft;
    case BinaryOp::kShiftRight:
      return Functor::kShiftRight;
    case BinaryOp::kShiftRightUnsigned:
      return Functor::kShiftRightUnsigned;
    case BinaryOp::kLogicalAnd:
      return Functor::kLogicalAnd;
    case BinaryOp::kLogicalOr:
      return Functor::kLogicalOr;
    case BinaryOp::kLogicalXor:
      return Functor::kLogicalXor;
  }
  return Functor::kNone;
}

Functor functor_of(grammar::UnaryOp op) {
  switch (op) {
    case grammar::UnaryOp::kMinus:
      return Functor::kNegate;
    case grammar::UnaryOp::kBitNot:
      return Functor::kBitNot;
    case grammar::UnaryOp::kLogicalNot:
      return Functor::kLogicalNot;
  }
  return Functor::kNone;
}

bool is_infix(Functor functor) {
  return functor >= Functor::kAdd && functor <= Functor::kLogicalXor &&
         functor != Functor::kNegate && functor != Functor::kBitNot;
}

bool is_generator(Functor functor) { return functor == Functor::kRange; }

std::vector<Signature> signatures_of(Functor functor, const std::string& name, SourceTypes& types) {
  using Op = ExpressionOp;
  std::vector<Signature> out;
  const auto arithmetic = [&](Op op) { add_family(out, op, 2, &RootTraits::arithmetic, types); };
  const auto integral = [&](Op op, std::size_t arity) {
    add_family(out, op, arity, &RootTraits::integral, types);
  };
  const auto one = [&](Op op, std::vector<Root> params, Root result) {
    out.push_back({op, std::move(params), result, false});
  };
  const auto root_of = [&](const char* type) { return types.at(*types.find(type)).root; };
  // From every root that has values of its own.
  const auto from_any = [&](Op op, Root result) {
    for (const Root root : types.literal_roots()) one(op, {root}, result);
  };
  const auto date_part = [&]() {
    for (const Root root : types.literal_roots()) {
      const vm::TypeKind kind = types.at(types.primitive_of(root)).type.kind;
      if (kind == vm::TypeKind::kDate || kind == vm::TypeKind::kTimestamp ||
          kind == vm::TypeKind::kTimestampTz || kind == vm::TypeKind::kTime) {
        one(Op::kDatePart, {root}, Root::kNumber);
      }
    }
  };
  // Of times, where the program knows the types at all.
  struct Temporal {
    std::array<vm::TypeKind, 2> params;
    vm::TypeKind result;
    vm::ScalarFunction function;
  };
  const auto temporal = [&](const std::vector<Temporal>& operations) {
    std::map<vm::TypeKind, Root> known;
    for (const Root root : types.literal_roots())
      known.emplace(types.at(types.primitive_of(root)).type.kind, root);
    for (const Temporal& operation : operations) {
      const auto left = known.find(operation.params[0]), right = known.find(operation.params[1]),
                 result = known.find(operation.result);
      if (left == known.end() || right == known.end() || result == known.end()) continue;
      out.push_back({Op::kCallFunction,
                     {left->second, right->second},
                     result->second,
                     false,
                     operation.function});
    }
  };
  const auto text = [&](Op op, std::size_t arity, Root result) {
    one(op, std::vector<Root>(arity, Root::kSymbol), result);
  };
  switch (functor) {
    case Functor::kNone:
      break;
    case Functor::kAdd:
      one(Op::kConcat, {Root::kSymbol, Root::kSymbol}, Root::kSymbol);
      arithmetic(Op::kAdd);
      temporal({{{vm::TypeKind::kTimestamp, vm::TypeKind::kInterval},
                 vm::TypeKind::kTimestamp,
                 vm::ScalarFunction::kTimestampPlusInterval},
                {{vm::TypeKind::kInterval, vm::TypeKind::kTimestamp},
                 vm::TypeKind::kTimestamp,
                 vm::ScalarFunction::kIntervalPlusTimestamp},
                {{vm::TypeKind::kInterval, vm::TypeKind::kInterval},
                 vm::TypeKind::kInterval,
                 vm::ScalarFunction::kIntervalPlusInterval}});
      break;
    case Functor::kSubtract:
      arithmetic(Op::kSubtract);
      temporal({{{vm::TypeKind::kTimestamp, vm::TypeKind::kInterval},
                 vm::TypeKind::kTimestamp,
                 vm::ScalarFunction::kTimestampMinusInterval},
                {{vm::TypeKind::kTimestamp, vm::TypeKind::kTimestamp},
                 vm::TypeKind::kInterval,
                 vm::ScalarFunction::kTimestampMinusTimestamp},
                {{vm::TypeKind::kInterval, vm::TypeKind::kInterval},
                 vm::TypeKind::kInterval,
                 vm::ScalarFunction::kIntervalMinusInterval}});
      break;
    case Functor::kMultiply:
      arithmetic(Op::kMultiply);
      break;
    case Functor::kDivide:
      arithmetic(Op::kDivide);
      break;
    case Functor::kPower:
      arithmetic(Op::kPower);
      break;
    case Functor::kModulo:
      integral(Op::kModulo, 2);
      break;
    case Functor::kNegate:
      for (const Root root : types.literal_roots()) {
        if (types.traits(root).arithmetic &&
            types.at(types.primitive_of(root)).type.kind != vm::TypeKind::kUnsigned) {
          one(Op::kNegate, {root}, root);
        }
      }
      break;
    case Functor::kBitAnd:
      integral(Op::kBitAnd, 2);
      break;
    case Functor::kBitOr:
      integral(Op::kBitOr, 2);
      break;
    case Functor::kBitXor:
      integral(Op::kBitXor, 2);
      break;
    case Functor::kBitNot:
      integral(Op::kBitNot, 1);
      break;
    case Functor::kShiftLeft:
      integral(Op::kShiftLeft, 2);
      break;
    case Functor::kShiftRight:
      integral(Op::kShiftRight, 2);
      break;
    case Functor::kShiftRightUnsigned:
      integral(Op::kShiftRightUnsigned, 2);
      break;
    case Functor::kLogicalAnd:
      integral(Op::kLogicalAnd, 2);
      break;
    case Functor::kLogicalOr:
      integral(Op::kLogicalOr, 2);
      break;
    case Functor::kLogicalXor:
      integral(Op::kLogicalXor, 2);
      break;
    case Functor::kLogicalNot:
      integral(Op::kLogicalNot, 1);
      break;
    case Functor::kMinimum:
      add_family(out, Op::kMinimum, 1, &RootTraits::ordered, types, true);
      break;
    case Functor::kMaximum:
      add_family(out, Op::kMaximum, 1, &RootTraits::ordered, types, true);
      break;
    case Functor::kRange:
      for (const std::size_t arity : {2U, 3U}) {
        for (const Root root : {Root::kNumber, Root::kUnsigned, Root::kFloat}) {
          one(Op::kVariable, std::vector<Root>(arity, root), root);
        }
      }
      break;
    case Functor::kToNumber:
      from_any(Op::kConvert, Root::kNumber);
      break;
    case Functor::kToUnsigned:
      from_any(Op::kConvert, Root::kUnsigned);
      break;
    case Functor::kToFloat:
      from_any(Op::kConvert, Root::kFloat);
      break;
    case Functor::kToString:
      from_any(Op::kConvert, Root::kSymbol);
      for (const Root root : {Root::kRecord, Root::kVariant, Root::kArray})
        one(Op::kConvert, {root}, Root::kSymbol);
      break;
    case Functor::kNumberToUnsigned:
      one(Op::kConvert, {Root::kNumber}, Root::kUnsigned);
      break;
    case Functor::kNumberToFloat:
      one(Op::kConvert, {Root::kNumber}, Root::kFloat);
      break;
    case Functor::kUnsignedToNumber:
      one(Op::kConvert, {Root::kUnsigned}, Root::kNumber);
      break;
    case Functor::kUnsignedToFloat:
      one(Op::kConvert, {Root::kUnsigned}, Root::kFloat);
      break;
    case Functor::kFloatToNumber:
      one(Op::kConvert, {Root::kFloat}, Root::kNumber);
      break;
    case Functor::kFloatToUnsigned:
      one(Op::kConvert, {Root::kFloat}, Root::kUnsigned);
      break;
    case Functor::kOrd:
      from_any(Op::kOrdinal, Root::kNumber);
      for (const Root root : {Root::kRecord, Root::kVariant, Root::kArray})
        one(Op::kOrdinal, {root}, Root::kNumber);
      break;
    case Functor::kConcat:
      out.push_back({Op::kConcat, {Root::kSymbol}, Root::kSymbol, true});
      break;
    case Functor::kLength:
      text(Op::kLength, 1, Root::kNumber);
      break;
    case Functor::kSubstring:
      one(Op::kSubstring, {Root::kSymbol, Root::kNumber, Root::kNumber}, Root::kSymbol);
      break;
    case Functor::kMatches:
      text(Op::kMatches, 2, root_of("bool"));
      break;
    case Functor::kContains:
      text(Op::kContains, 2, root_of("bool"));
      break;
    case Functor::kLower:
      text(Op::kLower, 1, Root::kSymbol);
      break;
    case Functor::kUpper:
      text(Op::kUpper, 1, Root::kSymbol);
      break;
    case Functor::kTrim:
      text(Op::kTrim, 1, Root::kSymbol);
      break;
    case Functor::kReplace:
      text(Op::kReplace, 3, Root::kSymbol);
      break;
    case Functor::kStartsWith:
      text(Op::kStartsWith, 2, root_of("bool"));
      break;
    case Functor::kEndsWith:
      text(Op::kEndsWith, 2, root_of("bool"));
      break;
    case Functor::kMakeTyped: {
      const Root target = types.at(*types.find(name)).root;
      from_any(Op::kConvert, target);
      break;
    }
    case Functor::kNow:
      out.push_back({Op::kNow, {}, root_of("timestamptz"), false});
      out.push_back({Op::kNow, {}, root_of("timestamp"), false});  // The same instant, in UTC.
      break;
    case Functor::kYear:
    case Functor::kMonth:
    case Functor::kDay:
    case Functor::kHour:
    case Functor::kMinute:
    case Functor::kSecond:
    case Functor::kWeekday:
      date_part();
      break;
    case Functor::kCoalesce:
      for (const Root root : types.literal_roots())
        out.push_back({Op::kIf, {root, root}, root, false});
      break;
  }
  return out;
}

}  // namespace entail::datalog
