// SQL's casts. From and to text through vm/sql_text.h; between numbers with PostgreSQL's rounding.

#include <cmath>

#include "vm/internal/integer_width.h"
#include "vm/internal/scalar_call.h"
#include "vm/internal/scalar_numeric.h"
#include "vm/numeric.h"
#include "vm/sql_datetime.h"
#include "vm/sql_text.h"

namespace entail::vm {

namespace {

bool is_integer(TypeKind kind) {
  return kind == TypeKind::kInt2 || kind == TypeKind::kInt4 || kind == TypeKind::kInt8 ||
         kind == TypeKind::kNumber || kind == TypeKind::kUnsigned || kind == TypeKind::kBool;
}

void give_integer(ScalarCall& call, std::int64_t value) {
  const unsigned bits = integer_width(call.result_type());
  if (bits < 64) {
    const std::int64_t limit = std::int64_t{1} << (bits - 1);
    if (value < -limit || value >= limit) {
      return call.fail(bits == 16 ? kSmallintOutOfRange : kIntegerOutOfRange);
    }
  }
  call.give_integer(value);
}

void fail_integer(ScalarCall& call) {
  const unsigned bits = integer_width(call.result_type());
  call.fail(bits == 16 ? kSmallintOutOfRange : bits == 32 ? kIntegerOutOfRange : kBigintOutOfRange);
}

void from_integer(ScalarCall& call) {
  const std::int64_t value = call.integer(0);
  const Type to = call.result_type();
  switch (to.kind) {
    case TypeKind::kBool:
      return call.give_bool(value != 0);
    case TypeKind::kFloat8:
      return call.give_float8(static_cast<double>(value));
    case TypeKind::kFloat4:
      return call.give(float_word(static_cast<float>(value)));
    case TypeKind::kNumeric:
      return give_numeric(call,
                          NumericValue::of_integer(
                              call.argument(0).type.kind == TypeKind::kUnsigned
                                  ? static_cast<Int128>(static_cast<Uint128>(call.argument(0).word))
                                  : static_cast<Int128>(value)));
    default:
      return give_integer(call, value);
  }
}

void from_float(ScalarCall& call, double value, int digits) {
  const Type to = call.result_type();
  switch (to.kind) {
    case TypeKind::kFloat8:
      return call.give_float8(value);
    case TypeKind::kFloat4: {
      const auto narrow = static_cast<float>(value);
      if (std::isinf(narrow) && !std::isinf(value)) return call.fail(kFloatOverflow);
      if (narrow == 0.0F && value != 0.0) return call.fail(kFloatUnderflow);
      return call.give(float_word(narrow));
    }
    case TypeKind::kNumeric:
      return give_numeric(call, NumericValue::of_double(value, digits));
    default: {
      const double rounded = std::rint(value);  // Half to even.
      const double limit = std::ldexp(1.0, static_cast<int>(integer_width(to)) - 1);
      if (!(rounded >= -limit && rounded < limit)) return fail_integer(call);
      return call.give_integer(static_cast<std::int64_t>(rounded));
    }
  }
}

void from_numeric(ScalarCall& call) {
  const Type to = call.result_type();
  if (to.kind == TypeKind::kNumeric) {
    if (to == Type::displayed_numeric()) return call.give(call.argument(0).word);
    return call.give_bytes(numeric_value_bytes(call.bytes(0)));
  }
  if (to.kind == TypeKind::kFloat8 || to.kind == TypeKind::kFloat4) {
    const NumericValue value = numeric_argument(call, 0);
    const double nearest = value.to_double();
    if (std::isinf(nearest) && value.is_finite()) {
      std::string text;
      print_numeric(call.bytes(0), text);
      return call.fail(
          "22003", "\"" + text + "\" is out of range for type " + sql_type_name(call.types(), to));
    }
    if (to.kind == TypeKind::kFloat8) return call.give_float8(nearest);
    return from_float(call, nearest, 6);
  }
  const NumericValue value = numeric_argument(call, 0);
  if (!value.is_finite()) {
    return call.fail("0A000", std::string("cannot convert ") +
                                  (value.kind == NumericKind::kNan ? "NaN" : "infinity") + " to " +
                                  sql_type_name(call.types(), to));
  }
  std::int64_t whole = 0;
  if (!value.to_int64(whole)) return fail_integer(call);
  give_integer(call, whole);
}

void from_text(ScalarCall& call) {
  const std::string text(call.bytes(0));
  Word words[2] = {0, 0};
  SqlTextError error;
  if (!read_sql_value(call.pool(), call.result_type(), text, words, error)) {
    return call.fail(error.sqlstate, error.message, error.detail);
  }
  call.word = words[0];
  call.low = words[1];
}

void to_text(ScalarCall& call) {
  const ScalarCall::Argument& argument = call.argument(0);
  if (argument.type.kind == TypeKind::kBool) {
    return call.give_bytes(argument.word != 0 ? "true" : "false");
  }
  const Word words[2] = {argument.word, argument.low};
  std::string out;
  print_sql_value(call.pool(), argument.type, words, out);
  call.give_bytes(out);
}

std::int64_t floor_days(std::int64_t micros) {
  const std::int64_t days = micros / kMicrosPerDay;
  return days - (micros % kMicrosPerDay < 0 ? 1 : 0);
}

bool from_datetime(ScalarCall& call) {
  const TypeKind from = call.argument(0).type.kind, to = call.result_type().kind;
  const std::int64_t value = call.integer(0);
  if (from == TypeKind::kDate && (to == TypeKind::kTimestamp || to == TypeKind::kTimestampTz)) {
    if (value == kDateInfinity || value == kDateMinusInfinity) {
      call.give_integer(value == kDateInfinity ? kTimestampInfinity : kTimestampMinusInfinity);
    } else if (value >= 106'751'983) {
      call.fail("22008", "date out of range for timestamp");
    } else {
      call.give_integer(value * kMicrosPerDay);
    }
    return true;
  }
  if (from == TypeKind::kTimestamp || from == TypeKind::kTimestampTz) {
    const bool infinite = value == kTimestampInfinity || value == kTimestampMinusInfinity;
    if (to == TypeKind::kTimestamp || to == TypeKind::kTimestampTz) {
      call.give_integer(value);
      return true;
    }
    if (to == TypeKind::kDate) {
      call.give_integer(!infinite                     ? floor_days(value)
                        : value == kTimestampInfinity ? kDateInfinity
                                                      : kDateMinusInfinity);
      return true;
    }
    if (to == TypeKind::kTime) {
      if (infinite) {
        call.give_null();
      } else {
        call.give_integer(value - floor_days(value) * kMicrosPerDay);
      }
      return true;
    }
  }
  if (from == TypeKind::kTime && to == TypeKind::kInterval) {
    call.give_interval({0, 0, value});
    return true;
  }
  if (from == TypeKind::kInterval && to == TypeKind::kTime) {
    const std::int64_t micros = call.interval(0).micros;
    call.give_integer(micros - floor_days(micros) * kMicrosPerDay);
    return true;
  }
  return false;
}

void cast_array(ScalarCall& call) {
  const TypeTable& types = call.types();
  const Type from = call.argument(0).type, to = call.result_type();
  const Type from_element = types.array_element(from.detail);
  const Type to_element = types.array_element(to.detail);
  const bool from_nullable = types.array_element_nullable(from.detail);
  const bool to_nullable = types.array_element_nullable(to.detail);
  const unsigned stride = words_of(from_element, from_nullable);
  const auto source = call.pool().fields(call.argument(0).word);
  std::vector<Word> words;
  ScalarCall element(call.context(), to_element, {from_element});
  for (std::size_t i = 0; i + stride <= source.size(); i += stride) {
    ScalarCall::Argument& argument = element.arguments()[0];
    argument.word = source[i];
    argument.low = value_words(from_element) == 2 ? source[i + 1] : 0;
    element.clear();
    const bool null = from_nullable && source[i + stride - 1] != 0;
    if (!null) run_cast(element);
    if (element.error != 0) {
      call.error = element.error;
      return;
    }
    words.push_back(element.word);
    if (value_words(to_element) == 2) words.push_back(element.low);
    if (to_nullable) words.push_back(null || element.null ? 1 : 0);
  }
  call.give(call.pool().intern_record(to.detail, words));
}

}  // namespace

void run_cast(ScalarCall& call) {
  const Type from = call.argument(0).type, to = call.result_type();
  if (from == to) {
    call.word = call.argument(0).word;
    call.low = call.argument(0).low;
    return;
  }
  if (to.kind == TypeKind::kText) return to_text(call);
  if (from.kind == TypeKind::kText) return from_text(call);
  if (from.kind == TypeKind::kArray && to.kind == TypeKind::kArray) return cast_array(call);
  if (from.kind == TypeKind::kNumeric) return from_numeric(call);
  if (is_integer(from.kind)) return from_integer(call);
  if (from.kind == TypeKind::kFloat8) return from_float(call, call.float8(0), 15);
  if (from.kind == TypeKind::kFloat4) {
    return from_float(call, static_cast<double>(float_of(call.argument(0).word)), 6);
  }
  if (from_datetime(call)) return;
  call.fail("42846", "cannot cast type " + sql_type_name(call.types(), from) + " to " +
                         sql_type_name(call.types(), to));
}

}  // namespace entail::vm
