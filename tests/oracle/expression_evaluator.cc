#include "tests/oracle/expression_evaluator.h"

#include <cctype>
#include <cmath>
#include <cstdio>
#include <limits>
#include <regex>

#include "vm/base/ensure.h"
#include "vm/datetime.h"
#include "vm/scalar_functions.h"

namespace entail::oracle {

namespace {

using datalog::Expression;
using datalog::ExpressionOp;
using vm::Type;
using vm::TypeKind;

Value truth(bool value) { return static_cast<std::int64_t>(value ? 1 : 0); }
bool is_true(const Value& value) { return !is_null(value) && std::get<std::int64_t>(value) != 0; }
const std::string& text_of(const Value& value) { return std::get<std::string>(value); }

bool is_float(TypeKind kind) { return kind == TypeKind::kFloat4 || kind == TypeKind::kFloat8; }

// An integer of the type, wrapped to its width.
Value wrapped(Type type, std::uint64_t bits) {
  switch (type.kind) {
    case TypeKind::kUnsigned:
      return type.width == 32 ? Value{static_cast<std::uint64_t>(static_cast<std::uint32_t>(bits))}
                              : Value{bits};
    case TypeKind::kInt2:
      return static_cast<std::int64_t>(static_cast<std::int16_t>(bits));
    case TypeKind::kInt4:
      return static_cast<std::int64_t>(static_cast<std::int32_t>(bits));
    case TypeKind::kNumber:
      if (type.width == 32) return static_cast<std::int64_t>(static_cast<std::int32_t>(bits));
      return static_cast<std::int64_t>(bits);
    default:
      return static_cast<std::int64_t>(bits);
  }
}

std::uint64_t bits_of(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return static_cast<std::uint64_t>(*number);
  return std::get<std::uint64_t>(value);
}

// Positions and lengths, whatever integer type they have.
std::int64_t signed_of(const Value& value) { return static_cast<std::int64_t>(bits_of(value)); }

Value rounded_float(Type type, double value) {
  if (type.kind == TypeKind::kFloat4)
    return float_value(static_cast<double>(static_cast<float>(value)));
  return float_value(value);
}

Value float_arithmetic(const Expression& e, double a, double b) {
  switch (e.op) {
    case ExpressionOp::kAdd:
      return rounded_float(e.type, a + b);
    case ExpressionOp::kSubtract:
      return rounded_float(e.type, a - b);
    case ExpressionOp::kMultiply:
      return rounded_float(e.type, a * b);
    case ExpressionOp::kDivide:
      return rounded_float(e.type, a / b);
    case ExpressionOp::kModulo:
      return rounded_float(e.type, std::fmod(a, b));
    case ExpressionOp::kPower:
      return rounded_float(e.type, std::pow(a, b));
    default:
      throw Unsupported{"a bit operation on floats"};
  }
}

std::uint64_t power(std::uint64_t base, std::uint64_t exponent) {
  std::uint64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {  // Wrapping commutes with squaring.
    if ((exponent & 1) != 0) result *= base;
    base *= base;
  }
  return result;
}

Value signed_power(Type type, std::int64_t base, std::int64_t exponent) {
  if (exponent >= 0)
    return wrapped(type,
                   power(static_cast<std::uint64_t>(base), static_cast<std::uint64_t>(exponent)));
  // The power as a fraction, truncated: only 1 and -1 leave something.
  if (base == 1) return wrapped(type, 1);
  if (base == -1) return wrapped(type, static_cast<std::uint64_t>(exponent % 2 == 0 ? 1 : -1));
  return wrapped(type, 0);
}

Value integer_arithmetic(const Expression& e, const Value& left, const Value& right) {
  const std::uint64_t a = bits_of(left);
  const std::uint64_t b = bits_of(right);
  const bool is_unsigned = e.type.kind == TypeKind::kUnsigned;
  const unsigned width = e.type.width == 32 || e.type.kind == TypeKind::kInt4 ? 32 : 64;
  switch (e.op) {
    case ExpressionOp::kAdd:
      return wrapped(e.type, a + b);
    case ExpressionOp::kSubtract:
      return wrapped(e.type, a - b);
    case ExpressionOp::kMultiply:
      return wrapped(e.type, a * b);
    case ExpressionOp::kDivide:
    case ExpressionOp::kModulo: {
      if (b == 0) throw RowError{"division by zero"};
      const bool divide = e.op == ExpressionOp::kDivide;
      if (is_unsigned) return wrapped(e.type, divide ? a / b : a % b);
      if (signed_of(right) == -1) return wrapped(e.type, divide ? 0 - a : 0);  // Never overflows.
      return wrapped(e.type,
                     static_cast<std::uint64_t>(divide ? signed_of(left) / signed_of(right)
                                                       : signed_of(left) % signed_of(right)));
    }
    case ExpressionOp::kPower:
      return is_unsigned ? wrapped(e.type, power(a, b))
                         : signed_power(e.type, signed_of(left), signed_of(right));
    case ExpressionOp::kBitAnd:
      return wrapped(e.type, a & b);
    case ExpressionOp::kBitOr:
      return wrapped(e.type, a | b);
    case ExpressionOp::kBitXor:
      return wrapped(e.type, a ^ b);
    case ExpressionOp::kShiftLeft:
      return wrapped(e.type, a << (b & (width - 1)));
    case ExpressionOp::kShiftRight:
      if (!is_unsigned)
        return wrapped(e.type, static_cast<std::uint64_t>(signed_of(left) >> (b & (width - 1))));
      return wrapped(e.type, a >> (b & (width - 1)));
    case ExpressionOp::kShiftRightUnsigned:
      return wrapped(e.type,
                     (width == 32 ? static_cast<std::uint32_t>(a) : a) >> (b & (width - 1)));
    case ExpressionOp::kLogicalAnd:
      return wrapped(e.type, a != 0 && b != 0 ? 1 : 0);
    case ExpressionOp::kLogicalOr:
      return wrapped(e.type, a != 0 || b != 0 ? 1 : 0);
    case ExpressionOp::kLogicalXor:
      return wrapped(e.type, (a != 0) != (b != 0) ? 1 : 0);
    default:
      throw Unsupported{"this integer operation"};
  }
}

std::string replaced(const std::string& text, const std::string& from, const std::string& to) {
  if (from.empty()) return text;
  std::string out;
  std::size_t at = 0;
  for (std::size_t next = text.find(from); next != std::string::npos; next = text.find(from, at)) {
    out += text.substr(at, next - at) + to;
    at = next + from.size();
  }
  return out + text.substr(at);
}

std::string letters_mapped(std::string text, char from, char to) {
  for (char& c : text) {
    if (c >= from && c <= from + 25) c = static_cast<char>(c - from + to);
  }
  return text;
}

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// The number that the text begins with, after white space; 0x and 0b are taken. What follows is
// ignored.
Value integer_from_text(const std::string& text, Type to) {
  std::size_t at = 0;
  while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])) != 0) ++at;
  const bool negative = at < text.size() && text[at] == '-';
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  unsigned base = 10;
  auto digit_at = [&](std::size_t i) -> int {
    if (i >= text.size()) return -1;
    const char c = static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
    const int digit = c >= '0' && c <= '9' ? c - '0' : (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
    return digit < static_cast<int>(base) ? digit : -1;
  };
  if (at + 2 < text.size() && text[at] == '0' && (text[at + 1] == 'x' || text[at + 1] == 'b')) {
    base = text[at + 1] == 'x' ? 16 : 2;
    if (digit_at(at + 2) >= 0) {
      at += 2;
    } else {
      base = 10;
    }
  }
  if (digit_at(at) < 0) throw RowError{"'" + text + "' is not a number"};
  vm::Int128 value = 0;
  for (; digit_at(at) >= 0; ++at) {
    value = value * base + digit_at(at);
    if (value > (static_cast<vm::Int128>(1) << 70)) throw RowError{"'" + text + "' does not fit"};
  }
  if (negative) value = -value;
  const Value result = wrapped(to, static_cast<std::uint64_t>(value));
  const vm::Int128 back = to.kind == TypeKind::kUnsigned
                              ? static_cast<vm::Int128>(std::get<std::uint64_t>(result))
                              : static_cast<vm::Int128>(std::get<std::int64_t>(result));
  if (back != value) throw RowError{"'" + text + "' does not fit"};
  return result;
}

Value float_from_text(const std::string& text, Type to) {
  const char* begin = text.c_str();
  char* end = nullptr;
  const double value = to.kind == TypeKind::kFloat4 ? static_cast<double>(std::strtof(begin, &end))
                                                    : std::strtod(begin, &end);
  if (end == begin) throw RowError{"'" + text + "' is not a number"};
  return float_value(value);
}

Value integer_from_float(double value, Type to) {
  const double whole = std::trunc(value);
  const bool is_unsigned = to.kind == TypeKind::kUnsigned;
  const int bits =
      to.width == 32 || to.kind == TypeKind::kInt4 ? 32 : (to.kind == TypeKind::kInt2 ? 16 : 64);
  const double low = is_unsigned ? 0.0 : -std::ldexp(1.0, bits - 1);
  const double high = std::ldexp(1.0, is_unsigned ? bits : bits - 1);
  if (!(whole >= low && whole < high)) throw RowError{"the float does not fit"};
  if (is_unsigned) return static_cast<std::uint64_t>(whole);
  return static_cast<std::int64_t>(whole);
}

}  // namespace

Value constant_value(const vm::TypeTable& types, const Expression& e) {
  switch (e.type.kind) {
    case TypeKind::kText:
    case TypeKind::kBytes:
    case TypeKind::kJson:
      return e.text;
    case TypeKind::kUnsigned:
      return e.words[0];
    case TypeKind::kFloat8:
      return float_value(vm::double_of(e.words[0]));
    case TypeKind::kFloat4:
      return float_value(static_cast<double>(vm::float_of(e.words[0])));
    case TypeKind::kRecord:
      if (e.words[0] == vm::kNilWord) return Nil{};
      break;
    case TypeKind::kAdt:
      if (types.is_ordinal_adt(e.type.detail))
        return compound_value(static_cast<std::uint32_t>(e.words[0]), {});
      break;
    case TypeKind::kDecimal:
    case TypeKind::kNumeric:
    case TypeKind::kUuid:
    case TypeKind::kArray:
      break;
    case TypeKind::kInterval: {
      const vm::Interval interval = vm::interval_of(e.words[0], e.words[1]);
      if (interval.months != 0) break;
      return std::int64_t{interval.days} * 86'400'000'000 + interval.micros;
    }
    default:
      return vm::int_of(e.words[0]);
  }
  throw Unsupported{"a constant of type " + types.type_name(e.type)};
}

bool ExpressionEvaluator::holds(const Expression& condition, const Environment& environment) {
  return is_true(evaluate(condition, environment));
}

Value ExpressionEvaluator::evaluate(const Expression& e, const Environment& environment) {
  using enum ExpressionOp;
  switch (e.op) {
    case kVariable:
      return *environment[datalog::index_of(e.variable)];
    case kConstant:
      return constant_value(types_, e);
    case kNull:
      return Null{};
    case kAutoIncrement:
      return wrapped(e.type, static_cast<std::uint64_t>(next_auto_increment_++));
    case kAnd:
    case kOr:
      return connective(e, environment);
    case kIf:
      return evaluate(e.arguments[holds(e.arguments[0], environment) ? 1 : 2], environment);
    case kWildcard:
    case kNow:
    case kDatePart:
    case kOrdinal:
    case kCallExtern:
      throw Unsupported{"operation " + std::to_string(static_cast<int>(e.op))};
    default:
      break;
  }
  std::vector<Value> arguments;
  for (const Expression& argument : e.arguments)
    arguments.push_back(evaluate(argument, environment));
  if (e.op == kCallFunction) return call(e, arguments);
  switch (e.op) {  // Operations that answer for nulls themselves.
    case kIsNull:
      return truth(is_null(arguments[0]));
    case kIsNotNull:
      return truth(!is_null(arguments[0]));
    case kIdentical:
      return truth(compare(arguments[0], arguments[1]) == 0);
    case kNotIdentical:
      return truth(compare(arguments[0], arguments[1]) != 0);
    case kMakeRecord:
    case kMakeVariant:
    case kMakeArray:
      return construct(e, std::move(arguments));
    default:
      break;
  }
  for (const Value& argument : arguments) {
    if (is_null(argument)) return Null{};
  }
  switch (e.op) {
    case kNot:
      return truth(!is_true(arguments[0]));
    case kNegate:
      if (const auto* number = std::get_if<double>(&arguments[0]))
        return rounded_float(e.type, -*number);
      return wrapped(e.type, 0 - bits_of(arguments[0]));
    case kBitNot:
      return wrapped(e.type, ~bits_of(arguments[0]));
    case kLogicalNot:
      return wrapped(e.type, bits_of(arguments[0]) == 0 ? 1 : 0);
    case kEqual:
    case kNotEqual:
    case kLess:
    case kLessEqual:
    case kGreater:
    case kGreaterEqual:
      return comparison(e.op, arguments[0], arguments[1]);
    case kMinimum:
    case kMaximum: {
      Value best = arguments[0];
      for (const Value& candidate : arguments) {
        const bool better = e.op == kMinimum ? is_true(comparison(kLess, candidate, best))
                                             : is_true(comparison(kLess, best, candidate));
        if (better) best = candidate;
      }
      return best;
    }
    case kConvert:
      return convert(e.arguments[0].type, e.type, arguments[0]);
    case kReinterpret: {
      const Type from = e.arguments[0].type;
      if (from == e.type) return arguments[0];
      if (is_float(from.kind) || is_float(e.type.kind) ||
          !std::holds_alternative<std::int64_t>(arguments[0])) {
        if (!std::holds_alternative<std::uint64_t>(arguments[0]))
          throw Unsupported{"as() of this type"};
      }
      return wrapped(e.type, bits_of(arguments[0]));
    }
    case kField: {
      const auto* compound = std::get_if<std::shared_ptr<const Compound>>(&arguments[0]);
      if (compound == nullptr) throw RowError{"a field of nil"};
      const bool variant = e.arguments[0].type.kind == TypeKind::kAdt;
      if (variant && (*compound)->branch != e.branch) throw RowError{"a field of another branch"};
      return (*compound)->parts.at(e.detail);
    }
    case kIsBranch:
      return truth(std::get<std::shared_ptr<const Compound>>(arguments[0])->branch == e.detail);
    case kIsNil:
      return truth(std::holds_alternative<Nil>(arguments[0]));
    case kElement: {
      const auto& parts = std::get<std::shared_ptr<const Compound>>(arguments[0])->parts;
      const std::int64_t position = signed_of(arguments[1]);
      if (position < 0 || static_cast<std::size_t>(position) >= parts.size())
        throw RowError{"no such element"};
      return parts[static_cast<std::size_t>(position)];
    }
    case kAdd:
    case kSubtract:
    case kMultiply:
    case kDivide:
    case kModulo:
    case kPower:
    case kBitAnd:
    case kBitOr:
    case kBitXor:
    case kShiftLeft:
    case kShiftRight:
    case kShiftRightUnsigned:
      return arithmetic(e, arguments[0], arguments[1]);
    case kLogicalAnd:
    case kLogicalOr:
    case kLogicalXor:
      return arithmetic(e, arguments[0], arguments[1]);
    default:
      return text_function(e, arguments);
  }
}

Value ExpressionEvaluator::connective(const Expression& e, const Environment& environment) {
  // Kleene's: one false decides an `and`, one true an `or`; otherwise a null makes it null.
  const bool deciding = e.op == ExpressionOp::kOr;
  bool unknown = false;
  for (const Expression& argument : e.arguments) {
    const Value value = evaluate(argument, environment);
    if (is_null(value)) {
      unknown = true;
    } else if (is_true(value) == deciding) {
      return truth(deciding);
    }
  }
  if (unknown) return Null{};
  return truth(!deciding);
}

Value ExpressionEvaluator::arithmetic(const Expression& e, const Value& left,
                                      const Value& right) const {
  if (!(e.arguments[0].type == e.arguments[1].type) || !vm::is_numeric_kind(e.type.kind)) {
    throw Unsupported{"arithmetic on " + types_.type_name(e.arguments[0].type)};
  }
  if (const auto* a = std::get_if<double>(&left))
    return float_arithmetic(e, *a, std::get<double>(right));
  return integer_arithmetic(e, left, right);
}

Value ExpressionEvaluator::comparison(ExpressionOp op, const Value& left,
                                      const Value& right) const {
  using enum ExpressionOp;
  const int order = compare(left, right);
  if (op == kEqual) return truth(order == 0);
  if (op == kNotEqual) return truth(order != 0);
  if (const auto* a = std::get_if<double>(&left)) {
    // Floats are ordered as IEEE has it: nothing is less or greater than NaN.
    if (std::isnan(*a) || std::isnan(std::get<double>(right))) return truth(false);
  }
  switch (op) {
    case kLess:
      return truth(order < 0);
    case kLessEqual:
      return truth(order <= 0);
    case kGreater:
      return truth(order > 0);
    default:
      return truth(order >= 0);
  }
}

Value ExpressionEvaluator::text_function(const Expression& e,
                                         const std::vector<Value>& arguments) const {
  using enum ExpressionOp;
  if (e.op == kLength) {
    if (const auto* array = std::get_if<std::shared_ptr<const Compound>>(&arguments[0])) {
      return wrapped(e.type, (*array)->parts.size());
    }
    return wrapped(e.type, text_of(arguments[0]).size());
  }
  const std::string& text = text_of(arguments[0]);
  switch (e.op) {
    case kConcat: {
      std::string out;
      for (const Value& part : arguments) out += text_of(part);
      return out;
    }
    case kSubstring: {
      const std::int64_t position = signed_of(arguments[1]);
      const std::int64_t length = signed_of(arguments[2]);
      if (position < 0 || static_cast<std::size_t>(position) > text.size()) return std::string();
      return text.substr(static_cast<std::size_t>(position),
                         length < 0 ? std::string::npos : static_cast<std::size_t>(length));
    }
    case kContains:
      return truth(text_of(arguments[1]).find(text) != std::string::npos);
    case kMatches: {
      try {
        return truth(std::regex_match(text_of(arguments[1]), std::regex(text)));
      } catch (const std::regex_error&) {
        throw RowError{"'" + text + "' is not a regular expression"};
      }
    }
    case kLower:
      return letters_mapped(text, 'A', 'a');
    case kUpper:
      return letters_mapped(text, 'a', 'A');
    case kTrim:
      return trimmed(text);
    case kReplace:
      return replaced(text, text_of(arguments[1]), text_of(arguments[2]));
    case kStartsWith:
      return truth(text.starts_with(text_of(arguments[1])));
    case kEndsWith:
      return truth(text.ends_with(text_of(arguments[1])));
    default:
      throw Unsupported{"operation " + std::to_string(static_cast<int>(e.op))};
  }
}

// Of SQL's functions, sums of times and lengths of time.
Value ExpressionEvaluator::call(const Expression& e, const std::vector<Value>& arguments) const {
  const auto number = [&](std::size_t i) { return std::get<std::int64_t>(arguments[i]); };
  for (const Value& argument : arguments) {
    if (is_null(argument)) return Null{};
  }
  switch (static_cast<vm::ScalarFunction>(e.detail)) {
    case vm::ScalarFunction::kTimestampPlusInterval:
    case vm::ScalarFunction::kIntervalPlusTimestamp:
      return number(0) + number(1);
    case vm::ScalarFunction::kTimestampMinusInterval:
      return number(0) - number(1);
    default:
      throw Unsupported{"a call of a function of SQL"};
  }
}

Value ExpressionEvaluator::convert(Type from, Type to, const Value& value) const {
  if (from == to) return value;
  if (to.kind == TypeKind::kText) {
    if (!is_float(from.kind)) return to_text(types_, from, value);
    char buffer[400];  // Souffle's to_string: six digits behind the point.
    const double number = std::get<double>(value);
    if (std::isnan(number)) return std::string("nan");
    std::snprintf(buffer, sizeof buffer, "%f", number);
    return std::string(buffer);
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (from.kind != TypeKind::kText) throw Unsupported{"this conversion"};
    return is_float(to.kind) ? float_from_text(*text, to) : integer_from_text(*text, to);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return is_float(to.kind) ? rounded_float(to, *number) : integer_from_float(*number, to);
  }
  const bool from_integer =
      std::holds_alternative<std::int64_t>(value) || std::holds_alternative<std::uint64_t>(value);
  if (!from_integer || !vm::is_numeric_kind(to.kind)) {
    throw Unsupported{"a conversion of " + types_.type_name(from) + " to " + types_.type_name(to)};
  }
  if (is_float(to.kind)) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      return to.kind == TypeKind::kFloat4 ? float_value(static_cast<float>(*number))
                                          : float_value(static_cast<double>(*number));
    }
    const std::uint64_t number = std::get<std::uint64_t>(value);
    return to.kind == TypeKind::kFloat4 ? float_value(static_cast<float>(number))
                                        : float_value(static_cast<double>(number));
  }
  return wrapped(to, bits_of(value));
}

Value ExpressionEvaluator::construct(const Expression& e, std::vector<Value> arguments) const {
  return compound_value(e.op == ExpressionOp::kMakeVariant ? e.detail : 0, std::move(arguments));
}

}  // namespace entail::oracle
