// SQL's functions of integers and floats.

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "vm/internal/scalar_call.h"

namespace entail::vm {

namespace {

LaneError range_error(TypeKind kind) {
  return kind == TypeKind::kInt2   ? kSmallintOutOfRange
         : kind == TypeKind::kInt4 ? kIntegerOutOfRange
                                   : kBigintOutOfRange;
}

std::int64_t least_of(TypeKind kind) {
  return kind == TypeKind::kInt2   ? std::numeric_limits<std::int16_t>::min()
         : kind == TypeKind::kInt4 ? std::numeric_limits<std::int32_t>::min()
                                   : std::numeric_limits<std::int64_t>::min();
}

void absolute(ScalarCall& call) {
  const std::int64_t value = call.integer(0);
  const TypeKind kind = call.argument(0).type.kind;
  if (value == least_of(kind)) return call.fail(range_error(kind));
  call.give_integer(value < 0 ? -value : value);
}

std::uint64_t magnitude(std::int64_t value) {
  return value < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(value)
                   : static_cast<std::uint64_t>(value);
}

std::uint64_t greatest_divisor(std::int64_t a, std::int64_t b) {
  std::uint64_t x = magnitude(a), y = magnitude(b);
  while (y != 0) {
    const std::uint64_t rest = x % y;
    x = y;
    y = rest;
  }
  return x;
}

void give_unsigned(ScalarCall& call, Uint128 value) {
  const TypeKind kind = call.argument(0).type.kind;
  if (value > static_cast<Uint128>(-(least_of(kind) + 1))) return call.fail(range_error(kind));
  call.give_integer(static_cast<std::int64_t>(value));
}

void gcd(ScalarCall& call) {
  give_unsigned(call, greatest_divisor(call.integer(0), call.integer(1)));
}

void lcm(ScalarCall& call) {
  const std::int64_t a = call.integer(0), b = call.integer(1);
  if (a == 0 || b == 0) return call.give_integer(0);
  give_unsigned(call, static_cast<Uint128>(magnitude(a) / greatest_divisor(a, b)) * magnitude(b));
}

// A function whose result may leave the floats though its argument does not.
void give_checked(ScalarCall& call, double result, bool infinite_argument, bool can_underflow) {
  if (std::isinf(result) && !infinite_argument) return call.fail(kFloatOverflow);
  if (can_underflow && result == 0.0) return call.fail(kFloatUnderflow);
  call.give_float8(result);
}

void fail_input(ScalarCall& call) { call.fail("22003", "input is out of range"); }

void logarithm(ScalarCall& call, double (*function)(double)) {
  const double value = call.float8(0);
  if (value == 0.0) return call.fail("2201E", "cannot take logarithm of zero");
  if (value < 0.0) return call.fail("2201E", "cannot take logarithm of a negative number");
  call.give_float8(function(value));
}

void power(ScalarCall& call) {
  const double base = call.float8(0), exponent = call.float8(1);
  if (base != base || exponent != exponent) {
    const bool one = exponent == 0.0 || base == 1.0;
    return call.give_float8(one ? 1.0 : std::numeric_limits<double>::quiet_NaN());
  }
  if (base == 0.0 && exponent < 0.0) {
    return call.fail("2201F", "zero raised to a negative power is undefined");
  }
  if (base < 0.0 && !std::isinf(exponent) && std::floor(exponent) != exponent) {
    return call.fail("2201F",
                     "a negative number raised to a non-integer power yields a complex result");
  }
  const double result = std::pow(base, exponent);
  const bool infinite = std::isinf(base) || std::isinf(exponent);
  give_checked(call, result, infinite, base != 0.0 && !infinite);
}

void trigonometric(ScalarCall& call, double (*function)(double)) {
  const double value = call.float8(0);
  if (std::isinf(value)) return fail_input(call);
  call.give_float8(function(value));
}

void inverse_trigonometric(ScalarCall& call, double (*function)(double)) {
  const double value = call.float8(0);
  if (value < -1.0 || value > 1.0) return fail_input(call);
  call.give_float8(function(value));
}

// Functions of degrees. Between 0 and 90 degrees each is scaled so that what is exact in mathematics
// (sin 30°, cos 60°, tan 45°) is exact here, as PostgreSQL does it.
constexpr double kRadian = 0.017453292519943295;

double sine_to_30(double degrees) {
  return std::sin(degrees * kRadian) / std::sin(30.0 * kRadian) / 2.0;
}
double cosine_to_60(double degrees) {
  return 1.0 - (1.0 - std::cos(degrees * kRadian)) / (1.0 - std::cos(60.0 * kRadian)) / 2.0;
}
double sine_to_90(double degrees) {
  return degrees <= 30.0 ? sine_to_30(degrees) : cosine_to_60(90.0 - degrees);
}
double cosine_to_90(double degrees) {
  return degrees <= 60.0 ? cosine_to_60(degrees) : sine_to_30(90.0 - degrees);
}

struct
    Quadrant {  // An angle between 0 and 90 degrees, and the signs there are for the one it stands for.
  double degrees = 0;
  double sine = 1, cosine = 1;
};
Quadrant quadrant_of(double degrees) {
  Quadrant result;
  degrees = std::fmod(degrees, 360.0);
  if (degrees < 0.0) {
    degrees = -degrees;
    result.sine = -1;
  }
  if (degrees > 180.0) {
    degrees = 360.0 - degrees;
    result.sine = -result.sine;
  }
  if (degrees > 90.0) {
    degrees = 180.0 - degrees;
    result.cosine = -1;
  }
  result.degrees = degrees;
  return result;
}

template <typename Function>
void of_degrees(ScalarCall& call, Function function) {
  const double value = call.float8(0);
  if (value != value) return call.give_float8(value);
  if (std::isinf(value)) return fail_input(call);
  const double result = function(quadrant_of(value));
  call.give_float8(result == 0.0 ? 0.0 : result);  // Never -0.
}

double arc_sine_to_90(double x) {
  return x <= 0.5 ? std::asin(x) / std::asin(0.5) * 30.0
                  : 90.0 - std::acos(x) / std::acos(0.5) * 60.0;
}
double arc_cosine_to_90(double x) {
  return x <= 0.5 ? 90.0 - std::asin(x) / std::asin(0.5) * 30.0
                  : std::acos(x) / std::acos(0.5) * 60.0;
}

}  // namespace

namespace scalar {

void kAbsInt2(ScalarCall& call) { absolute(call); }
void kAbsInt4(ScalarCall& call) { absolute(call); }
void kAbsInt8(ScalarCall& call) { absolute(call); }
void kGcdInt4(ScalarCall& call) { gcd(call); }
void kGcdInt8(ScalarCall& call) { gcd(call); }
void kLcmInt4(ScalarCall& call) { lcm(call); }
void kLcmInt8(ScalarCall& call) { lcm(call); }
void kShiftLeftInt4(ScalarCall& call) {
  call.give(number_word(int_of(call.argument(0).word << (call.argument(1).word & 31)), 32));
}
void kShiftLeftInt8(ScalarCall& call) {
  call.give(call.argument(0).word << (call.argument(1).word & 63));
}
void kShiftRightInt4(ScalarCall& call) {
  call.give_integer(call.integer(0) >> (call.argument(1).word & 31));
}
void kShiftRightInt8(ScalarCall& call) {
  call.give_integer(call.integer(0) >> (call.argument(1).word & 63));
}
void kToHexInt4(ScalarCall& call) {
  call.give_bytes(fmt::format("{:x}", static_cast<std::uint32_t>(call.argument(0).word)));
}
void kToHexInt8(ScalarCall& call) { call.give_bytes(fmt::format("{:x}", call.argument(0).word)); }

void kAbsFloat4(ScalarCall& call) {
  call.give(float_word(std::fabs(float_of(call.argument(0).word))));
}
void kAbsFloat8(ScalarCall& call) { call.give_float8(std::fabs(call.float8(0))); }
void kSignFloat8(ScalarCall& call) {
  const double value = call.float8(0);
  call.give_float8(value > 0 ? 1.0 : value < 0 ? -1.0 : value != value ? value : 0.0);
}
void kCeilFloat8(ScalarCall& call) { call.give_float8(std::ceil(call.float8(0))); }
void kCeilingFloat8(ScalarCall& call) { kCeilFloat8(call); }
void kFloorFloat8(ScalarCall& call) { call.give_float8(std::floor(call.float8(0))); }
void kRoundFloat8(ScalarCall& call) { call.give_float8(std::rint(call.float8(0))); }
void kTruncFloat8(ScalarCall& call) { call.give_float8(std::trunc(call.float8(0))); }
void kSqrtFloat8(ScalarCall& call) {
  if (call.float8(0) < 0) {
    return call.fail("2201F", "cannot take square root of a negative number");
  }
  call.give_float8(std::sqrt(call.float8(0)));
}
void kCbrtFloat8(ScalarCall& call) { call.give_float8(std::cbrt(call.float8(0))); }
void kExpFloat8(ScalarCall& call) {
  const double value = call.float8(0);
  give_checked(call, std::exp(value), std::isinf(value), !std::isinf(value));
}
void kLnFloat8(ScalarCall& call) { logarithm(call, std::log); }
void kLog10Float8(ScalarCall& call) { logarithm(call, std::log10); }
void kLogFloat8(ScalarCall& call) { logarithm(call, std::log10); }
void kPowerFloat8(ScalarCall& call) { power(call); }
void kPowFloat8(ScalarCall& call) { power(call); }
void kCaretFloat8(ScalarCall& call) { power(call); }
void kSin(ScalarCall& call) { trigonometric(call, std::sin); }
void kCos(ScalarCall& call) { trigonometric(call, std::cos); }
void kTan(ScalarCall& call) { trigonometric(call, std::tan); }
void kCot(ScalarCall& call) {
  trigonometric(call, [](double value) { return 1.0 / std::tan(value); });
}
void kAsin(ScalarCall& call) { inverse_trigonometric(call, std::asin); }
void kAcos(ScalarCall& call) { inverse_trigonometric(call, std::acos); }
void kAtan(ScalarCall& call) { call.give_float8(std::atan(call.float8(0))); }
void kAtan2(ScalarCall& call) { call.give_float8(std::atan2(call.float8(0), call.float8(1))); }
void kSinh(ScalarCall& call) { call.give_float8(std::sinh(call.float8(0))); }
void kCosh(ScalarCall& call) { call.give_float8(std::cosh(call.float8(0))); }
void kTanh(ScalarCall& call) { call.give_float8(std::tanh(call.float8(0))); }
void kDegrees(ScalarCall& call) {
  const double value = call.float8(0);
  give_checked(call, value / 0.017453292519943295, std::isinf(value), false);
}
void kRadians(ScalarCall& call) { call.give_float8(call.float8(0) * 0.017453292519943295); }
void kPi(ScalarCall& call) { call.give_float8(M_PI); }
void kWidthBucketFloat8(ScalarCall& call) {
  const double operand = call.float8(0), low = call.float8(1), high = call.float8(2);
  const std::int64_t count = call.integer(3);
  if (count <= 0) return call.fail("2201G", "count must be greater than zero");
  if (operand != operand || low != low || high != high) {
    return call.fail("2201G", "operand, lower bound, and upper bound cannot be NaN");
  }
  if (std::isinf(low) || std::isinf(high)) {
    return call.fail("2201G", "lower and upper bounds must be finite");
  }
  if (low == high) return call.fail("2201G", "lower bound cannot equal upper bound");
  const bool up = low < high;
  if (up ? operand < low : operand > low) return call.give_integer(0);
  if (up ? operand >= high : operand <= high) {
    if (count == std::numeric_limits<std::int32_t>::max()) return call.fail(kIntegerOutOfRange);
    return call.give_integer(count + 1);
  }
  const double part = up ? (operand - low) / (high - low) : (low - operand) / (low - high);
  call.give_integer(
      std::min(static_cast<std::int64_t>(part * static_cast<double>(count)), count - 1) + 1);
}

void kAsinh(ScalarCall& call) { call.give_float8(std::asinh(call.float8(0))); }
void kAcosh(ScalarCall& call) {
  if (call.float8(0) < 1.0) return fail_input(call);
  call.give_float8(std::acosh(call.float8(0)));
}
void kAtanh(ScalarCall& call) {
  if (call.float8(0) < -1.0 || call.float8(0) > 1.0) return fail_input(call);
  call.give_float8(std::atanh(call.float8(0)));
}
void kSind(ScalarCall& call) {
  of_degrees(call, [](const Quadrant& q) { return q.sine * sine_to_90(q.degrees); });
}
void kCosd(ScalarCall& call) {
  of_degrees(call, [](const Quadrant& q) { return q.cosine * cosine_to_90(q.degrees); });
}
void kTand(ScalarCall& call) {
  of_degrees(call, [](const Quadrant& q) {
    const double of_45 = sine_to_90(45.0) / cosine_to_90(45.0);
    return q.sine * q.cosine * (sine_to_90(q.degrees) / cosine_to_90(q.degrees) / of_45);
  });
}
void kCotd(ScalarCall& call) {
  of_degrees(call, [](const Quadrant& q) {
    const double of_45 = cosine_to_90(45.0) / sine_to_90(45.0);
    return q.sine * q.cosine * (cosine_to_90(q.degrees) / sine_to_90(q.degrees) / of_45);
  });
}
void kAsind(ScalarCall& call) {
  const double x = call.float8(0);
  if (x < -1.0 || x > 1.0) return fail_input(call);
  call.give_float8(x >= 0.0 ? arc_sine_to_90(x) : -arc_sine_to_90(-x));
}
void kAcosd(ScalarCall& call) {
  const double x = call.float8(0);
  if (x < -1.0 || x > 1.0) return fail_input(call);
  call.give_float8(x >= 0.0 ? arc_cosine_to_90(x) : 90.0 + arc_sine_to_90(-x));
}
void kAtand(ScalarCall& call) {
  call.give_float8(std::atan(call.float8(0)) / std::atan(1.0) * 45.0);
}
void kAtan2d(ScalarCall& call) {
  call.give_float8(std::atan2(call.float8(0), call.float8(1)) / std::atan(1.0) * 45.0);
}

}  // namespace scalar
}  // namespace entail::vm
