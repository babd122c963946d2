// SQL's functions of numeric.

#include <algorithm>

#include "vm/internal/scalar_call.h"
#include "vm/internal/scalar_numeric.h"
#include "vm/numeric.h"

namespace entail::vm {

NumericValue numeric_argument(ScalarCall& call, std::size_t i) {
  return NumericValue::decode(call.bytes(i));
}

void give_numeric(ScalarCall& call, const NumericValue& value) {
  std::string bytes;
  value.encode(call.result_type() == Type::displayed_numeric(), bytes);
  call.give_bytes(bytes);
}

void fail_numeric(ScalarCall& call, NumericFailure failure) {
  switch (failure) {
    case NumericFailure::kDivisionByZero:
      return call.fail(kSqlDivisionByZero);
    case NumericFailure::kLogarithmOfZero:
      return call.fail("2201E", "cannot take logarithm of zero");
    case NumericFailure::kLogarithmOfNegative:
      return call.fail("2201E", "cannot take logarithm of a negative number");
    case NumericFailure::kRootOfNegative:
      return call.fail("2201F", "cannot take square root of a negative number");
    case NumericFailure::kZeroToNegative:
      return call.fail("2201F", "zero raised to a negative power is undefined");
    case NumericFailure::kNegativeToFraction:
      return call.fail("2201F",
                       "a negative number raised to a non-integer power yields a complex result");
    default:
      return call.fail(kNumericOutOfRange);
  }
}

bool coerce_numeric(ScalarCall& call, NumericValue& value, std::int64_t precision,
                    std::int64_t scale) {
  if (value.kind == NumericKind::kNan) return true;
  const std::string limits =
      "A field with precision " + std::to_string(precision) + ", scale " + std::to_string(scale);
  if (!value.is_finite()) {
    call.fail("22003", "numeric field overflow", limits + " cannot hold an infinite value.");
    return false;
  }
  value = value.rounded(static_cast<std::int32_t>(scale));
  if (!value.is_zero() && value.point() > precision - scale) {
    const std::int64_t digits = precision - scale;
    call.fail("22003", "numeric field overflow",
              limits + " must round to an absolute value less than " + (digits != 0 ? "10^" : "") +
                  (digits != 0 ? std::to_string(digits) : "1") + ".");
    return false;
  }
  return true;
}

namespace {

using Unary = NumericFailure (*)(const NumericValue&, NumericValue&);
using Binary = NumericFailure (*)(const NumericValue&, const NumericValue&, NumericValue&);

void finish(ScalarCall& call, NumericFailure failure, const NumericValue& value) {
  if (failure != NumericFailure::kNone) return fail_numeric(call, failure);
  give_numeric(call, value);
}

void unary(ScalarCall& call, Unary function) {
  NumericValue out;
  const NumericFailure failure = function(numeric_argument(call, 0), out);
  finish(call, failure, out);
}

void binary(ScalarCall& call, Binary function) {
  NumericValue out;
  const NumericFailure failure =
      function(numeric_argument(call, 0), numeric_argument(call, 1), out);
  finish(call, failure, out);
}

enum class Small : std::uint8_t { kAdd, kSubtract, kMultiply };

// In 128 bits, where both are small. False: they are not.
bool small_binary(ScalarCall& call, Small what) {
  const auto left = small_numeric(call.bytes(0)), right = small_numeric(call.bytes(1));
  if (!left || !right) return false;
  SmallNumeric out;
  if (what == Small::kMultiply) {
    out = {left->unscaled * right->unscaled, left->scale + right->scale};
  } else {
    out.scale = std::max(left->scale, right->scale);
    const Int128 l = left->unscaled * power_of_ten(out.scale - left->scale);
    const Int128 r = right->unscaled * power_of_ten(out.scale - right->scale);
    out.unscaled = what == Small::kAdd ? l + r : l - r;
  }
  std::string bytes;
  small_numeric_to_bytes(out, call.result_type() == Type::displayed_numeric(), bytes);
  call.give_bytes(bytes);
  return true;
}

constexpr std::int64_t kResultScaleMax = 2000;

std::int32_t asked_scale(ScalarCall& call, std::size_t i) {
  return static_cast<std::int32_t>(std::clamp(call.integer(i), -kResultScaleMax, kResultScaleMax));
}

// The fewest digits behind the point that show the value.
std::int32_t least_scale(const NumericValue& value) {
  std::string bytes;
  value.encode(false, bytes);
  return NumericValue::decode(bytes).scale;
}

}  // namespace

namespace scalar {

void kAddNumeric(ScalarCall& call) {
  if (!small_binary(call, Small::kAdd)) binary(call, numeric_add);
}
void kSubtractNumeric(ScalarCall& call) {
  if (!small_binary(call, Small::kSubtract)) binary(call, numeric_subtract);
}
void kMultiplyNumeric(ScalarCall& call) {
  if (!small_binary(call, Small::kMultiply)) binary(call, numeric_multiply);
}
void kDivideNumeric(ScalarCall& call) { binary(call, numeric_divide); }
void kModuloNumeric(ScalarCall& call) { binary(call, numeric_modulo); }
void kModNumeric(ScalarCall& call) { binary(call, numeric_modulo); }
void kDivNumeric(ScalarCall& call) { binary(call, numeric_quotient); }
void kNegateNumeric(ScalarCall& call) { give_numeric(call, numeric_argument(call, 0).negated()); }
void kAbsNumeric(ScalarCall& call) {
  const NumericValue value = numeric_argument(call, 0);
  give_numeric(call, value.is_negative() ? value.negated() : value);
}
void kSignNumeric(ScalarCall& call) {
  const NumericValue value = numeric_argument(call, 0);
  give_numeric(call,
               value.kind == NumericKind::kNan ? value : NumericValue::of_integer(value.sign()));
}
void kCeilNumeric(ScalarCall& call) { give_numeric(call, numeric_ceil(numeric_argument(call, 0))); }
void kCeilingNumeric(ScalarCall& call) { kCeilNumeric(call); }
void kFloorNumeric(ScalarCall& call) {
  give_numeric(call, numeric_floor(numeric_argument(call, 0)));
}
void kRoundNumeric(ScalarCall& call) { give_numeric(call, numeric_argument(call, 0).rounded(0)); }
void kRoundNumericTo(ScalarCall& call) {
  give_numeric(call, numeric_argument(call, 0).rounded(asked_scale(call, 1)));
}
void kTruncNumeric(ScalarCall& call) { give_numeric(call, numeric_argument(call, 0).truncated(0)); }
void kTruncNumericTo(ScalarCall& call) {
  const NumericValue value = numeric_argument(call, 0);
  const std::int32_t scale = asked_scale(call, 1);
  // Cutting at more digits than there are shows them.
  give_numeric(call, scale > value.scale ? value.rounded(scale) : value.truncated(scale));
}
void kGcdNumeric(ScalarCall& call) {
  NumericValue a = numeric_argument(call, 0), b = numeric_argument(call, 1), rest;
  if (!a.is_finite() || !b.is_finite()) {
    return give_numeric(call, NumericValue::special(NumericKind::kNan));
  }
  const std::int32_t scale = std::max(a.scale, b.scale);
  while (!b.is_zero()) {
    static_cast<void>(numeric_modulo(a, b, rest));
    a = b;
    b = rest;
  }
  if (a.is_negative()) a = a.negated();
  give_numeric(call, a.rounded(scale));
}
void kSqrtNumeric(ScalarCall& call) { unary(call, numeric_sqrt); }
void kExpNumeric(ScalarCall& call) { unary(call, numeric_exp); }
void kLnNumeric(ScalarCall& call) { unary(call, numeric_ln); }
void kLog10Numeric(ScalarCall& call) {
  NumericValue out;
  const NumericFailure failure =
      numeric_log(NumericValue::of_integer(10), numeric_argument(call, 0), out);
  finish(call, failure, out);
}
void kLogNumeric(ScalarCall& call) { kLog10Numeric(call); }
void kLogBaseNumeric(ScalarCall& call) { binary(call, numeric_log); }
void kPowerNumeric(ScalarCall& call) { binary(call, numeric_power); }
void kPowNumeric(ScalarCall& call) { binary(call, numeric_power); }
void kCaretNumeric(ScalarCall& call) { binary(call, numeric_power); }
void kScaleNumeric(ScalarCall& call) {
  const NumericValue value = numeric_argument(call, 0);
  if (!value.is_finite()) return call.give_null();
  call.give_integer(value.scale);
}
void kMinScaleNumeric(ScalarCall& call) {
  const NumericValue value = numeric_argument(call, 0);
  if (!value.is_finite()) return call.give_null();
  call.give_integer(least_scale(value));
}
void kTrimScaleNumeric(ScalarCall& call) {
  const NumericValue value = numeric_argument(call, 0);
  give_numeric(call, value.is_finite() ? value.rounded(least_scale(value)) : value);
}
void kWidthBucketNumeric(ScalarCall& call) {
  const NumericValue operand = numeric_argument(call, 0);
  NumericValue low = numeric_argument(call, 1), high = numeric_argument(call, 2);
  const std::int64_t count = call.integer(3);
  if (count <= 0) return call.fail("2201G", "count must be greater than zero");
  if (operand.kind == NumericKind::kNan || low.kind == NumericKind::kNan ||
      high.kind == NumericKind::kNan) {
    return call.fail("2201G", "operand, lower bound, and upper bound cannot be NaN");
  }
  if (!low.is_finite() || !high.is_finite()) {
    return call.fail("2201G", "lower and upper bounds must be finite");
  }
  const int order = compare(low, high);
  if (order == 0) return call.fail("2201G", "lower bound cannot equal upper bound");
  const int below = compare(operand, low), above = compare(operand, high);
  if (order < 0 ? below < 0 : below > 0) return call.give_integer(0);
  if (order < 0 ? above >= 0 : above <= 0) {
    if (count + 1 > INT32_MAX) return call.fail(kIntegerOutOfRange);
    return call.give_integer(count + 1);
  }
  NumericValue part, whole, product, quotient;
  static_cast<void>(numeric_subtract(operand, low, part));
  static_cast<void>(numeric_subtract(high, low, whole));
  static_cast<void>(numeric_multiply(part, NumericValue::of_integer(count), product));
  static_cast<void>(numeric_quotient(product, whole, quotient));
  std::int64_t bucket = 0;
  static_cast<void>(quotient.to_int64(bucket));
  call.give_integer(bucket + 1);
}
void kFactorial(ScalarCall& call) {
  const std::int64_t n = call.integer(0);
  if (n < 0) return call.fail("22003", "factorial of a negative number is undefined");
  if (n > 32177) return call.fail(kNumericOutOfRange);
  NumericValue product = NumericValue::of_integer(1);
  for (std::int64_t i = 2; i <= n; ++i) {
    product.magnitude = product.magnitude * BigNatural(static_cast<Uint128>(i));
  }
  give_numeric(call, product);
}
void kCoerceNumeric(ScalarCall& call) {
  NumericValue value = numeric_argument(call, 0);
  if (coerce_numeric(call, value, call.integer(1), call.integer(2))) give_numeric(call, value);
}
void kDisplayNumeric(ScalarCall& call) {
  const NumericValue value = numeric_argument(call, 0);
  const auto scale = static_cast<std::int32_t>(call.integer(1));
  give_numeric(call, value.is_finite() && value.scale < scale ? value.rounded(scale) : value);
}

}  // namespace scalar
}  // namespace entail::vm
