#include "datalog/internal/expression_typing.h"

#include <algorithm>

#include "vm/scalar_functions.h"

namespace entail::datalog::internal {

namespace {

using vm::Type;
using vm::TypeKind;
using Complaint = std::optional<std::string>;

bool is_integer(TypeKind kind) {
  return kind == TypeKind::kInt2 || kind == TypeKind::kInt4 || kind == TypeKind::kInt8 ||
         kind == TypeKind::kNumber || kind == TypeKind::kUnsigned;
}

bool is_temporal(TypeKind kind) {
  return kind == TypeKind::kDate || kind == TypeKind::kTime || kind == TypeKind::kTimestamp ||
         kind == TypeKind::kTimestampTz || kind == TypeKind::kInterval;
}

// Decimals of any scale, and numerics displayed or not, compare and compute with each other; else types
// are the same or not.
bool same(Type left, Type right) {
  return left == right || (left.kind == TypeKind::kDecimal && right.kind == TypeKind::kDecimal) ||
         (left.kind == TypeKind::kNumeric && right.kind == TypeKind::kNumeric);
}

class Check {
 public:
  Check(const vm::TypeTable& types, const Expression& expression)
      : types_(types), e_(expression), args_(expression.arguments) {}

  Complaint operator()(const std::vector<Variable>& variables) const {
    using enum ExpressionOp;
    switch (e_.op) {
      case kVariable: {
        const Variable& variable = variables[index_of(e_.variable)];
        if (!(variable.type == e_.type))
          return bad("a mention of '" + variable.name + "' has another type");
        if (variable.nullable && !e_.nullable) return {};  // A filter may have excluded the null.
        return count(0, 0);
      }
      case kConstant:
        return e_.nullable ? bad("a constant that can be null") : count(0, 0);
      case kNull:
        return e_.nullable ? count(0, 0) : bad("a null that cannot be null");
      case kWildcard:
        return count(0, 0);
      case kAdd:
      case kSubtract:
      case kMultiply:
      case kDivide:
      case kModulo:
      case kPower:
        return arithmetic();
      case kNegate:
        if (Complaint wrong = count(1, 1)) return wrong;
        if (!vm::is_numeric_kind(args_[0].type.kind) && args_[0].type.kind != TypeKind::kInterval) {
          return bad("no number to negate");
        }
        return result(args_[0].type);
      case kBitAnd:
      case kBitOr:
      case kBitXor:
      case kLogicalAnd:
      case kLogicalOr:
      case kLogicalXor:
        return integers(2);
      case kShiftLeft:
      case kShiftRight:
      case kShiftRightUnsigned:
        return integers(2);
      case kBitNot:
      case kLogicalNot:
        return integers(1);
      case kMinimum:
      case kMaximum:
        if (Complaint wrong = count(2, SIZE_MAX)) return wrong;
        if (Complaint wrong = alike()) return wrong;
        return result(args_[0].type);
      case kEqual:
      case kNotEqual:
      case kLess:
      case kLessEqual:
      case kGreater:
      case kGreaterEqual:
      case kIdentical:
      case kNotIdentical:
        if (Complaint wrong = count(2, 2)) return wrong;
        if (Complaint wrong = alike()) return wrong;
        return result(Type::boolean());
      case kIsNull:
      case kIsNotNull:
        if (Complaint wrong = count(1, 1)) return wrong;
        return result(Type::boolean());
      case kAnd:
      case kOr:
        if (Complaint wrong = count(2, SIZE_MAX)) return wrong;
        if (Complaint wrong = all_of(Type::boolean())) return wrong;
        return result(Type::boolean());
      case kNot:
        if (Complaint wrong = count(1, 1)) return wrong;
        if (Complaint wrong = all_of(Type::boolean())) return wrong;
        return result(Type::boolean());
      case kIf:
        if (Complaint wrong = count(3, 3)) return wrong;
        if (!(args_[0].type == Type::boolean())) return bad("its condition is not a bool");
        if (!(args_[1].type == args_[2].type)) return bad("its two values have different types");
        return result(args_[1].type);
      case kConcat:
        if (Complaint wrong = count(1, SIZE_MAX)) return wrong;
        if (Complaint wrong = all_of(Type::text())) return wrong;
        return result(Type::text());
      case kLower:
      case kUpper:
      case kTrim:
        return texts(1, Type::text());
      case kReplace:
        return texts(3, Type::text());
      case kContains:
      case kMatches:
      case kStartsWith:
      case kEndsWith:
        return texts(2, Type::boolean());
      case kLength:
        if (Complaint wrong = count(1, 1)) return wrong;
        if (args_[0].type.kind != TypeKind::kArray && !(args_[0].type == Type::text()) &&
            args_[0].type.kind != TypeKind::kBytes) {
          return bad("it has no length");
        }
        return is_integer(e_.type.kind) ? Complaint{} : bad("a length is a number");
      case kOrdinal:  // Of anything, as in Souffle: equal values have equal numbers.
        if (Complaint wrong = count(1, 1)) return wrong;
        return is_integer(e_.type.kind) ? Complaint{} : bad("an ordinal is a number");
      case kSubstring:
        if (Complaint wrong = count(3, 3)) return wrong;
        if (!(args_[0].type == Type::text()) || !is_integer(args_[1].type.kind) ||
            !is_integer(args_[2].type.kind)) {
          return bad("it takes a text, a position and a length");
        }
        return result(Type::text());
      case kConvert:
        return count(1, 1);
      case kReinterpret:
        if (Complaint wrong = count(1, 1)) return wrong;
        return vm::value_words(args_[0].type) == vm::value_words(e_.type)
                   ? Complaint{}
                   : bad("the two types differ in size");
      case kMakeRecord:
        if (e_.type.kind != TypeKind::kRecord) return bad("its type is no record");
        return fields(types_.record_fields(e_.type.detail));
      case kMakeVariant: {
        if (e_.type.kind != TypeKind::kAdt) return bad("its type has no branches");
        const auto& branches = types_.adt_branches(e_.type.detail);
        if (e_.detail >= branches.size()) return bad("its branch does not exist");
        return fields(branches[e_.detail].fields);
      }
      case kMakeArray:
        if (e_.type.kind != TypeKind::kArray) return bad("its type is no array");
        for (const Expression& element : args_) {
          if (!(element.type == types_.array_element(e_.type.detail)))
            return bad("an element of another type");
          if (element.nullable && !types_.array_element_nullable(e_.type.detail)) {
            return bad("an element can be null");
          }
        }
        return {};
      case kField:
        return field();
      case kIsBranch:
        if (Complaint wrong = count(1, 1)) return wrong;
        if (args_[0].type.kind != TypeKind::kAdt) return bad("its argument has no branches");
        if (e_.detail >= types_.adt_branches(args_[0].type.detail).size())
          return bad("its branch does not exist");
        return result(Type::boolean());
      case kIsNil:
        if (Complaint wrong = count(1, 1)) return wrong;
        if (args_[0].type.kind != TypeKind::kRecord) return bad("its argument is no record");
        return result(Type::boolean());
      case kElement:
        if (Complaint wrong = count(2, 2)) return wrong;
        if (args_[0].type.kind != TypeKind::kArray || !is_integer(args_[1].type.kind)) {
          return bad("it takes an array and a number");
        }
        return result(types_.array_element(args_[0].type.detail));
      case kAutoIncrement:
        if (!is_integer(e_.type.kind)) return bad("its result is a number");
        return count(0, 0);
      case kNow:
        return is_temporal(e_.type.kind) ? count(0, 0) : bad("its result is a time");
      case kDatePart:
        if (Complaint wrong = count(1, 1)) return wrong;
        return is_temporal(args_[0].type.kind) ? Complaint{}
                                               : bad("its argument is no date or time");
      case kCallExtern:
        return e_.text.empty() ? bad("it names no function") : Complaint{};
      case kParameter:
        return e_.nullable ? count(0, 0) : bad("a parameter that cannot be null");
      case kAddChecked:
      case kSubtractChecked:
      case kMultiplyChecked:
      case kDivideChecked:
      case kModuloChecked:
        return checked(2);
      case kNegateChecked:
        return checked(1);
      case kCoalesce:
        if (Complaint wrong = count(1, SIZE_MAX)) return wrong;
        if (Complaint wrong = all_of(e_.type)) return wrong;
        return {};
      case kCast:
        if (Complaint wrong = count(1, 1)) return wrong;
        return vm::can_cast(types_, args_[0].type, e_.type) ? Complaint{}
                                                            : bad("there is no such cast");
      case kCallFunction:
        return call();
    }
    return bad("an unknown operation");
  }

  // Strict operations pass nulls on; a few answer for nulls themselves.
  Complaint check_nulls() const {
    using enum ExpressionOp;
    switch (e_.op) {
      case kIdentical:
      case kNotIdentical:
      case kIsNull:
      case kIsNotNull:
        return e_.nullable ? bad("it is never null") : Complaint{};
      case kAnd:
      case kOr:
      case kMakeRecord:
      case kMakeVariant:
      case kMakeArray:
      case kCallExtern:
        return {};
      case kConvert:  // To the type it has: a filter has shown that there is a value.
        if (args_[0].nullable && !e_.nullable && !(args_[0].type == e_.type))
          return bad("an argument can be null, the result not");
        return {};
      case kCoalesce:
        for (const Expression& argument : args_) {
          if (!argument.nullable) return {};
        }
        return e_.nullable ? Complaint{} : bad("all its arguments can be null");
      case kCallFunction: {
        const vm::ScalarSignature& signature =
            vm::scalar_signature(static_cast<vm::ScalarFunction>(e_.detail));
        if (e_.nullable) return {};
        if (signature.can_be_null) return bad("the function can give null");
        if (!signature.strict) return {};
        for (const Expression& argument : args_) {
          if (argument.nullable) return bad("an argument can be null, the result not");
        }
        return {};
      }
      case kIf:
        if ((args_[1].nullable || args_[2].nullable) && !e_.nullable)
          return bad("a chosen value can be null");
        return {};
      default:
        for (const Expression& argument : args_) {
          if (argument.nullable && !e_.nullable)
            return bad("an argument can be null, the result not");
        }
        return {};
    }
  }

 private:
  Complaint bad(const std::string& what) const {
    return "operation " + std::to_string(static_cast<int>(e_.op)) + " of type " +
           types_.type_name(e_.type) + ": " + what;
  }

  Complaint count(std::size_t least, std::size_t most) const {
    if (args_.size() < least || args_.size() > most) return bad("a wrong number of arguments");
    return {};
  }

  Complaint result(Type type) const {
    return same(e_.type, type) ? Complaint{}
                               : bad("the result should be " + types_.type_name(type));
  }

  Complaint alike() const {
    for (const Expression& argument : args_) {
      if (!same(argument.type, args_[0].type)) {
        return bad("arguments of types " + types_.type_name(args_[0].type) + " and " +
                   types_.type_name(argument.type));
      }
    }
    return {};
  }

  Complaint all_of(Type type) const {
    for (const Expression& argument : args_) {
      if (!(argument.type == type)) return bad("an argument is not " + types_.type_name(type));
    }
    return {};
  }

  Complaint texts(std::size_t how_many, Type type) const {
    if (Complaint wrong = count(how_many, how_many)) return wrong;
    if (Complaint wrong = all_of(Type::text())) return wrong;
    return result(type);
  }

  Complaint integers(std::size_t how_many) const {
    if (Complaint wrong = count(how_many, how_many)) return wrong;
    if (!is_integer(args_[0].type.kind)) return bad("an argument is no whole number");
    if (Complaint wrong = alike()) return wrong;
    return result(args_[0].type);
  }

  // Two of one numeric type give that type; times and intervals add, subtract and scale.
  Complaint arithmetic() const {
    if (Complaint wrong = count(2, 2)) return wrong;
    const Type left = args_[0].type;
    const Type right = args_[1].type;
    if (is_temporal(left.kind) || is_temporal(right.kind)) {
      return e_.op == ExpressionOp::kModulo || e_.op == ExpressionOp::kPower
                 ? bad("times know no such operation")
                 : Complaint{};
    }
    if (!vm::is_numeric_kind(left.kind)) return bad("its arguments are no numbers");
    if (Complaint wrong = alike()) return wrong;
    return result(left);
  }

  Complaint checked(std::size_t how_many) const {
    if (Complaint wrong = count(how_many, how_many)) return wrong;
    switch (e_.type.kind) {
      case TypeKind::kFloat4:
      case TypeKind::kFloat8:
        if (e_.op == ExpressionOp::kModuloChecked) return bad("floats have no remainder");
        break;
      case TypeKind::kInt2:
      case TypeKind::kInt4:
      case TypeKind::kInt8:
      case TypeKind::kNumeric:
        break;
      default:
        return bad("no type that arithmetic is checked for");
    }
    for (const Expression& argument : args_) {
      if (!same(argument.type, e_.type)) return bad("an argument of another type");
    }
    return {};
  }

  Complaint call() const {
    if (e_.detail >= vm::kScalarFunctionCount) return bad("there is no such function");
    const vm::ScalarSignature& signature =
        vm::scalar_signature(static_cast<vm::ScalarFunction>(e_.detail));
    const std::size_t least = signature.arguments.size();
    if (Complaint wrong = count(least, signature.variadic ? SIZE_MAX : least)) return wrong;
    for (std::size_t i = 0; i < args_.size(); ++i) {
      if (!vm::fits_letter(signature.arguments[std::min(i, least - 1)], args_[i].type))
        return bad("argument " + std::to_string(i + 1) + " does not fit");
    }
    return vm::fits_letter(signature.result, e_.type) ? Complaint{}
                                                      : bad("the result does not fit");
  }

  Complaint fields(const std::vector<vm::FieldType>& shape) const {
    if (Complaint wrong = count(shape.size(), shape.size())) return wrong;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (!(args_[i].type == shape[i].type))
        return bad("field '" + shape[i].name + "' has another type");
      if (args_[i].nullable && !shape[i].nullable)
        return bad("field '" + shape[i].name + "' can be null");
    }
    return {};
  }

  Complaint field() const {
    if (Complaint wrong = count(1, 1)) return wrong;
    const Type owner = args_[0].type;
    const std::vector<vm::FieldType>* shape = nullptr;
    if (owner.kind == TypeKind::kRecord) {
      shape = &types_.record_fields(owner.detail);
    } else if (owner.kind == TypeKind::kAdt) {
      const auto& branches = types_.adt_branches(owner.detail);
      if (e_.branch >= branches.size()) return bad("its branch does not exist");
      shape = &branches[e_.branch].fields;
    } else {
      return bad("its argument has no fields");
    }
    if (e_.detail >= shape->size()) return bad("its field does not exist");
    if ((*shape)[e_.detail].nullable && !e_.nullable) return bad("the field can be null");
    return result((*shape)[e_.detail].type);
  }

  const vm::TypeTable& types_;
  const Expression& e_;
  const std::vector<Expression>& args_;
};

}  // namespace

std::optional<std::string> check_typing(const vm::TypeTable& types,
                                        const std::vector<Variable>& variables,
                                        const Expression& expression) {
  const Check check(types, expression);
  if (Complaint wrong = check(variables)) return wrong;
  if (Complaint wrong = check.check_nulls()) return wrong;
  for (const Expression& argument : expression.arguments) {
    if (Complaint wrong = check_typing(types, variables, argument)) return wrong;
  }
  return {};
}

}  // namespace entail::datalog::internal
