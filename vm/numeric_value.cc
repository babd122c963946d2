#include "vm/numeric_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "vm/base/ensure.h"
#include "vm/numeric.h"

namespace entail::vm {

namespace {

constexpr std::int32_t kShownDigitsMin = 16;  // Significant digits of a quotient, at least.
constexpr std::int32_t kShownScaleMax =
    1000;  // Digits behind the point that functions give, at most.
constexpr std::int32_t kScaleMax = 16383;
constexpr std::int64_t kDigitsBeforePointMax = 131'072;
// What e^x and powers that are not whole go up to, as PostgreSQL does: beyond, their digits take forever.
constexpr double kExponentMax = 6000.0;

std::int64_t floor_divide(std::int64_t value, std::int64_t divisor) {
  return value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor);
}

// Digits in groups of four, as PostgreSQL keeps them: the weight of the first group, and its value.
std::int64_t group_weight(const NumericValue& value) {
  return value.is_zero() ? 0 : floor_divide(value.point() - 1, 4);
}
int first_group(const NumericValue& value) {
  if (value.is_zero()) return 0;
  std::string digits;
  value.magnitude.append_digits(digits);
  const auto wanted = static_cast<std::size_t>(value.point() - group_weight(value) * 4);
  digits.resize(std::max(digits.size(), wanted), '0');
  return std::atoi(digits.substr(0, wanted).c_str());
}

std::int32_t clamp_scale(std::int64_t scale, std::int32_t least) {
  return static_cast<std::int32_t>(
      std::min<std::int64_t>(std::max<std::int64_t>({scale, least, 0}), kShownScaleMax));
}

NumericFailure checked(NumericValue& out) {
  const bool huge = out.is_finite() && !out.is_zero() && out.point() > kDigitsBeforePointMax;
  return huge ? NumericFailure::kOverflow : NumericFailure::kNone;
}

// Both as integers of one scale.
void align(const NumericValue& l, const NumericValue& r, BigNatural& left, BigNatural& right) {
  const std::int32_t scale = std::max(l.scale, r.scale);
  left = l.magnitude.times_power_of_ten(static_cast<std::size_t>(scale - l.scale));
  right = r.magnitude.times_power_of_ten(static_cast<std::size_t>(scale - r.scale));
}

NumericValue finite(bool negative, BigNatural magnitude, std::int32_t scale) {
  NumericValue value;
  value.negative = negative && !magnitude.is_zero();
  value.magnitude = std::move(magnitude);
  value.scale = scale;
  return value;
}

NumericValue special_sum(const NumericValue& l, const NumericValue& r) {
  if (l.kind == NumericKind::kNan || r.kind == NumericKind::kNan) {
    return NumericValue::special(NumericKind::kNan);
  }
  if (l.is_finite()) return r;
  if (r.is_finite() || l.kind == r.kind) return l;
  return NumericValue::special(NumericKind::kNan);
}

NumericValue infinity(bool negative) {
  return NumericValue::special(negative ? NumericKind::kMinusInfinity : NumericKind::kPlusInfinity);
}

// ---- fixed point: integers of 10^-scale

BigNatural scaled_down(const BigNatural& value, std::int32_t scale) {
  bool half = false, exact = false;
  return value.without_digits(static_cast<std::size_t>(scale), half, exact);
}

BigNatural to_fixed(const NumericValue& value, std::int32_t scale) {
  if (scale >= value.scale) {
    return value.magnitude.times_power_of_ten(static_cast<std::size_t>(scale - value.scale));
  }
  return scaled_down(value.magnitude, value.scale - scale);
}

// e^x of a fixed-point number that is not negative.
BigNatural fixed_exp(BigNatural x, std::int32_t scale) {
  int halvings = 0;
  const BigNatural small = BigNatural::power_of_ten(static_cast<std::size_t>(scale - 2));
  BigNatural rest;
  const BigNatural two(2);
  while (small < x) {
    x = x.divided_by(two, rest);
    ++halvings;
  }
  const BigNatural one = BigNatural::power_of_ten(static_cast<std::size_t>(scale));
  BigNatural sum = one, term = one;
  for (Uint128 n = 1; !term.is_zero(); ++n) {
    term = scaled_down(term * x, scale).divided_by(BigNatural(n), rest);
    sum = sum + term;
  }
  for (; halvings > 0; --halvings) sum = scaled_down(sum * sum, scale);
  return sum;
}

// ln of a fixed-point number of at least 1, by 2 * artanh((x-1)/(x+1)) after taking roots.
BigNatural fixed_ln(BigNatural x, std::int32_t scale) {
  const BigNatural one = BigNatural::power_of_ten(static_cast<std::size_t>(scale));
  const BigNatural near =
      one + BigNatural::power_of_ten(static_cast<std::size_t>(scale > 2 ? scale - 2 : 0));
  std::uint64_t factor = 2;
  while (near < x) {
    x = (x.times_power_of_ten(static_cast<std::size_t>(scale))).square_root();
    factor *= 2;
  }
  BigNatural rest;
  const BigNatural z =
      (x - one).times_power_of_ten(static_cast<std::size_t>(scale)).divided_by(x + one, rest);
  const BigNatural square = scaled_down(z * z, scale);
  BigNatural sum, power = z;
  for (Uint128 n = 1; !power.is_zero(); n += 2) {
    sum = sum + power.divided_by(BigNatural(n), rest);
    power = scaled_down(power * square, scale);
  }
  return sum * BigNatural(factor);
}

// ln of a positive number, with `scale` digits that are right but for the last few.
NumericValue ln_of(const NumericValue& value, std::int32_t scale) {
  // value = m * 10^e with 1 <= m < 10.
  const std::int64_t exponent = value.point() - 1;
  NumericValue one = NumericValue::of_integer(1);
  NumericValue mantissa = value;
  std::int64_t shift = exponent;
  if (compare(value, one) < 0) {  // Below 1: the negative of the ln of what it takes to 1.
    NumericValue inverse;
    static_cast<void>(numeric_divide_to(
        one, value,
        scale + 4 + static_cast<std::int32_t>(std::max<std::int64_t>(0, -value.point())), inverse));
    NumericValue result = ln_of(inverse, scale);
    result.negative = !result.magnitude.is_zero();
    return result;
  }
  // Dividing by a power of ten is moving the point.
  mantissa.scale = value.scale;
  const std::int32_t work = scale + 12;
  BigNatural fixed;
  {
    const std::int64_t to = static_cast<std::int64_t>(work) - value.scale - shift;
    fixed = to >= 0 ? value.magnitude.times_power_of_ten(static_cast<std::size_t>(to))
                    : scaled_down(value.magnitude, static_cast<std::int32_t>(-to));
  }
  BigNatural sum = fixed_ln(std::move(fixed), work);
  if (shift != 0) {
    const BigNatural ten = BigNatural(10).times_power_of_ten(static_cast<std::size_t>(work));
    sum = sum + fixed_ln(ten, work) * BigNatural(static_cast<Uint128>(shift));
  }
  return finite(false, std::move(sum), work);
}

// How many digits stand before the point of ln(value), roughly: decides how many are shown.
int ln_weight(const NumericValue& value) {
  if (value.sign() <= 0) return 0;
  const double point = static_cast<double>(value.point());
  std::string digits;
  value.magnitude.append_digits(digits);
  NumericValue low = NumericValue::of_integer(9), high = NumericValue::of_integer(11);
  low.scale = high.scale = 1;
  if (compare(value, low) >= 0 && compare(value, high) <= 0) {
    NumericValue difference;
    static_cast<void>(numeric_subtract(value, NumericValue::of_integer(1), difference));
    if (difference.is_zero()) return 0;
    return static_cast<int>(group_weight(difference) * 4) +
           static_cast<int>(std::log10(static_cast<double>(first_group(difference))));
  }
  digits.resize(std::max<std::size_t>(digits.size(), 8), '0');
  const double mantissa = std::atof(("0." + digits.substr(0, 8)).c_str());
  const double ln = std::log(mantissa) + point * 2.302585092994046;
  return static_cast<int>(std::log10(std::fabs(ln)));
}

}  // namespace

// ---------------------------------------------------------------------------------------------------
// Values

NumericValue NumericValue::of_integer(Int128 value) {
  const auto magnitude = static_cast<Uint128>(value);
  return finite(value < 0, BigNatural(value < 0 ? -magnitude : magnitude), 0);
}

NumericValue NumericValue::special(NumericKind kind) {
  NumericValue value;
  value.kind = kind;
  return value;
}

bool NumericValue::parse(std::string_view text, NumericValue& out, bool& out_of_range) {
  std::string bytes;
  const NumericError error = parse_numeric(text, bytes);
  out_of_range = error == NumericError::kOutOfRange;
  if (error != NumericError::kNone) return false;
  out = decode(bytes);
  if (!out.is_finite()) return true;
  // Digits written behind the point are shown; an exponent moves the point.
  std::int64_t behind = 0;
  const std::size_t e = text.find_first_of("eE");
  const std::string_view number = text.substr(0, e);
  if (const std::size_t point = number.find('.'); point != std::string_view::npos) {
    behind = static_cast<std::int64_t>(number.size() - point - 1);
  }
  if (e != std::string_view::npos) behind -= std::atoll(std::string(text.substr(e + 1)).c_str());
  behind = std::clamp<std::int64_t>(behind, 0, kScaleMax);
  if (behind > out.scale) out = out.rounded(static_cast<std::int32_t>(behind));
  return true;
}

NumericValue NumericValue::decode(std::string_view bytes) {
  if (const auto small = small_numeric(bytes)) {
    const bool is_negative = small->unscaled < 0;
    const Int128 value = is_negative ? -small->unscaled : small->unscaled;
    return finite(is_negative, BigNatural(static_cast<Uint128>(value)),
                  static_cast<std::int32_t>(small->scale));
  }
  const std::string_view plain = numeric_value_bytes(bytes);
  std::string text;
  print_numeric(plain, text);
  if (text == "nan") return special(NumericKind::kNan);
  if (text == "inf") return special(NumericKind::kPlusInfinity);
  if (text == "-inf") return special(NumericKind::kMinusInfinity);
  std::string_view rest = text;
  const bool negative = rest[0] == '-';
  if (negative) rest.remove_prefix(1);
  std::string digits(rest);
  std::int32_t scale = 0;
  if (const std::size_t point = rest.find('.'); point != std::string_view::npos) {
    scale = static_cast<std::int32_t>(rest.size() - point - 1);
    digits.erase(point, 1);
  }
  NumericValue value = finite(negative, BigNatural::from_digits(digits), scale);
  if (const int shown = numeric_display_scale(bytes); shown > scale) value = value.rounded(shown);
  return value;
}

NumericValue NumericValue::of_double(double value, int digits) {
  if (value != value) return special(NumericKind::kNan);
  if (std::isinf(value)) return infinity(value < 0);
  const std::string text = fmt::format("{:.{}g}", value, digits);
  NumericValue out;
  bool out_of_range = false;
  ENTAIL_ENSURE(parse(text, out, out_of_range));
  return out;
}

void NumericValue::encode(bool displayed, std::string& bytes) const {
  Uint128 value = 0;
  if (is_finite() && magnitude.to_uint128(value)) {
    const auto positive = static_cast<Int128>(value);
    const SmallNumeric whole{negative ? -positive : positive, static_cast<unsigned>(scale)};
    small_numeric_to_bytes(whole, displayed, bytes);
    return;
  }
  std::string text;
  switch (kind) {
    case NumericKind::kNan:
      text = "nan";
      break;
    case NumericKind::kPlusInfinity:
      text = "inf";
      break;
    case NumericKind::kMinusInfinity:
      text = "-inf";
      break;
    case NumericKind::kFinite:
      if (negative) text = "-";
      if (magnitude.is_zero()) text += '0';
      magnitude.append_digits(text);
      if (scale > 0) text += "e-" + std::to_string(scale);
  }
  const NumericError error = parse_numeric(text, bytes);
  ENTAIL_ENSURE(error == NumericError::kNone);
  if (!displayed || !is_finite() || scale == 0) return;
  // Only where it shows more than the value has.
  std::int32_t needed = scale;
  if (magnitude.is_zero()) {
    needed = 0;
  } else {
    std::string digits;
    magnitude.append_digits(digits);
    for (std::size_t i = digits.size(); needed > 0 && i > 0 && digits[i - 1] == '0'; --i) --needed;
  }
  if (needed < scale) append_display_scale(static_cast<unsigned>(scale), bytes);
}

int NumericValue::sign() const {
  if (kind == NumericKind::kNan || kind == NumericKind::kPlusInfinity) return 1;
  if (kind == NumericKind::kMinusInfinity) return -1;
  return magnitude.is_zero() ? 0 : negative ? -1 : 1;
}

bool NumericValue::is_integral() const {
  if (!is_finite()) return true;
  bool half = false, exact = false;
  static_cast<void>(magnitude.without_digits(static_cast<std::size_t>(scale), half, exact));
  return exact;
}

std::int64_t NumericValue::point() const {
  return static_cast<std::int64_t>(magnitude.digit_count()) - scale;
}

NumericValue NumericValue::rounded(std::int32_t to_scale) const {
  if (!is_finite()) return *this;
  if (to_scale >= scale) {
    return finite(negative,
                  magnitude.times_power_of_ten(static_cast<std::size_t>(to_scale - scale)),
                  to_scale);
  }
  bool half = false, exact = false;
  BigNatural cut =
      magnitude.without_digits(static_cast<std::size_t>(scale - to_scale), half, exact);
  if (half) cut = cut + BigNatural(1);
  if (to_scale < 0) cut = cut.times_power_of_ten(static_cast<std::size_t>(-to_scale));
  return finite(negative, std::move(cut), std::max(to_scale, 0));
}

NumericValue NumericValue::truncated(std::int32_t to_scale) const {
  if (!is_finite() || to_scale >= scale) return rounded(std::max(to_scale, scale));
  bool half = false, exact = false;
  BigNatural cut =
      magnitude.without_digits(static_cast<std::size_t>(scale - to_scale), half, exact);
  if (to_scale < 0) cut = cut.times_power_of_ten(static_cast<std::size_t>(-to_scale));
  return finite(negative, std::move(cut), std::max(to_scale, 0));
}

NumericValue NumericValue::negated() const {
  NumericValue result = *this;
  if (kind == NumericKind::kPlusInfinity) {
    result.kind = NumericKind::kMinusInfinity;
  } else if (kind == NumericKind::kMinusInfinity) {
    result.kind = NumericKind::kPlusInfinity;
  } else if (is_finite()) {
    result.negative = !negative && !magnitude.is_zero();
  }
  return result;
}

bool NumericValue::to_int64(std::int64_t& out) const {
  const NumericValue whole = rounded(0);
  Uint128 value = 0;
  constexpr auto kLimit = static_cast<Uint128>(1) << 63;
  if (!whole.is_finite() || !whole.magnitude.to_uint128(value)) return false;
  if (value > kLimit || (value == kLimit && !whole.negative)) return false;
  out = static_cast<std::int64_t>(whole.negative ? Word{0} - static_cast<Word>(value)
                                                 : static_cast<Word>(value));
  return true;
}

double NumericValue::to_double() const {
  std::string bytes;
  encode(false, bytes);
  return numeric_to_double(bytes);
}

int compare(const NumericValue& l, const NumericValue& r) {
  const auto rank = [](const NumericValue& v) {
    switch (v.kind) {
      case NumericKind::kMinusInfinity:
        return -1;
      case NumericKind::kFinite:
        return 0;
      case NumericKind::kPlusInfinity:
        return 1;
      default:
        return 2;
    }
  };
  if (rank(l) != rank(r)) return rank(l) < rank(r) ? -1 : 1;
  if (rank(l) != 0) return 0;
  if (l.sign() != r.sign()) return l.sign() < r.sign() ? -1 : 1;
  BigNatural left, right;
  align(l, r, left, right);
  const auto order = left <=> right;
  const int result = order < 0 ? -1 : order > 0 ? 1 : 0;
  return l.negative ? -result : result;
}

// ---------------------------------------------------------------------------------------------------
// Arithmetic

NumericFailure numeric_add(const NumericValue& l, const NumericValue& r, NumericValue& out) {
  if (!l.is_finite() || !r.is_finite()) {
    out = special_sum(l, r);
    return NumericFailure::kNone;
  }
  BigNatural left, right;
  align(l, r, left, right);
  const std::int32_t scale = std::max(l.scale, r.scale);
  if (l.negative == r.negative) {
    out = finite(l.negative, left + right, scale);
  } else if (left < right) {
    out = finite(r.negative, right - left, scale);
  } else {
    out = finite(l.negative, left - right, scale);
  }
  return checked(out);
}

NumericFailure numeric_subtract(const NumericValue& l, const NumericValue& r, NumericValue& out) {
  return numeric_add(l, r.negated(), out);
}

NumericFailure numeric_multiply(const NumericValue& l, const NumericValue& r, NumericValue& out) {
  if (!l.is_finite() || !r.is_finite()) {
    const bool nan = l.kind == NumericKind::kNan || r.kind == NumericKind::kNan || l.sign() == 0 ||
                     r.sign() == 0;
    out = nan ? NumericValue::special(NumericKind::kNan) : infinity(l.sign() != r.sign());
    return NumericFailure::kNone;
  }
  out = finite(l.negative != r.negative, l.magnitude * r.magnitude, l.scale + r.scale);
  if (out.scale > kScaleMax) out = out.rounded(kScaleMax);
  return checked(out);
}

std::int32_t quotient_scale(const NumericValue& l, const NumericValue& r) {
  std::int64_t weight = group_weight(l) - group_weight(r);
  if (first_group(l) <= first_group(r)) --weight;
  return clamp_scale(kShownDigitsMin - weight * 4, std::max(l.scale, r.scale));
}

NumericFailure numeric_divide_to(const NumericValue& l, const NumericValue& r, std::int32_t scale,
                                 NumericValue& out) {
  // (l.m / 10^l.s) / (r.m / 10^r.s) * 10^scale = l.m * 10^(scale + r.s - l.s) / r.m
  const std::int64_t shift = static_cast<std::int64_t>(scale) + r.scale - l.scale;
  BigNatural numerator = l.magnitude, denominator = r.magnitude;
  if (shift >= 0) {
    numerator = numerator.times_power_of_ten(static_cast<std::size_t>(shift));
  } else {
    denominator = denominator.times_power_of_ten(static_cast<std::size_t>(-shift));
  }
  BigNatural rest;
  BigNatural quotient = numerator.divided_by(denominator, rest);
  if (!(rest + rest < denominator)) quotient = quotient + BigNatural(1);
  out = finite(l.negative != r.negative, std::move(quotient), scale);
  return checked(out);
}

namespace {

// Of divisions of what is not finite; true where that decided.
bool special_quotient(const NumericValue& l, const NumericValue& r, NumericValue& out,
                      NumericFailure& failure) {
  failure = NumericFailure::kNone;
  if (l.kind == NumericKind::kNan || r.kind == NumericKind::kNan) {
    out = NumericValue::special(NumericKind::kNan);
    return true;
  }
  if (r.is_zero()) {
    failure = NumericFailure::kDivisionByZero;
    return true;
  }
  if (!l.is_finite()) {
    out = r.is_finite() ? infinity(l.sign() != r.sign()) : NumericValue::special(NumericKind::kNan);
    return true;
  }
  if (!r.is_finite()) {
    out = NumericValue::of_integer(0);
    return true;
  }
  return false;
}

}  // namespace

NumericFailure numeric_divide(const NumericValue& l, const NumericValue& r, NumericValue& out) {
  NumericFailure failure;
  if (special_quotient(l, r, out, failure)) return failure;
  return numeric_divide_to(l, r, quotient_scale(l, r), out);
}

NumericFailure numeric_quotient(const NumericValue& l, const NumericValue& r, NumericValue& out) {
  NumericFailure failure;
  if (special_quotient(l, r, out, failure)) return failure;
  BigNatural left, right, rest;
  align(l, r, left, right);
  out = finite(l.negative != r.negative, left.divided_by(right, rest), 0);
  return checked(out);
}

NumericFailure numeric_modulo(const NumericValue& l, const NumericValue& r, NumericValue& out) {
  if (l.kind == NumericKind::kNan || r.kind == NumericKind::kNan) {
    out = NumericValue::special(NumericKind::kNan);
    return NumericFailure::kNone;
  }
  if (r.is_zero()) return NumericFailure::kDivisionByZero;
  if (!l.is_finite()) {
    out = NumericValue::special(NumericKind::kNan);
    return NumericFailure::kNone;
  }
  if (!r.is_finite()) {
    out = l;
    return NumericFailure::kNone;
  }
  BigNatural left, right, rest;
  align(l, r, left, right);
  static_cast<void>(left.divided_by(right, rest));
  out = finite(l.negative, std::move(rest), std::max(l.scale, r.scale));
  return NumericFailure::kNone;
}

NumericValue numeric_ceil(const NumericValue& value) {
  if (!value.is_finite()) return value;
  NumericValue cut = value.truncated(0);
  if (!value.is_integral() && !value.negative) {
    static_cast<void>(numeric_add(cut, NumericValue::of_integer(1), cut));
  }
  return cut;
}

NumericValue numeric_floor(const NumericValue& value) {
  return numeric_ceil(value.negated()).negated();
}

// ---------------------------------------------------------------------------------------------------
// Functions

NumericFailure numeric_sqrt_to(const NumericValue& value, std::int32_t scale, NumericValue& out) {
  // One digit more than asked for, and then rounded: the root is cut, and never ends in an exact half.
  const std::int32_t work = scale + 1;
  const std::int64_t shift = 2 * static_cast<std::int64_t>(work) - value.scale;
  BigNatural square = value.magnitude;
  if (shift >= 0) {
    square = square.times_power_of_ten(static_cast<std::size_t>(shift));
  } else {
    square = scaled_down(square, static_cast<std::int32_t>(-shift));
  }
  out = finite(false, square.square_root(), work).rounded(scale);
  return NumericFailure::kNone;
}

NumericFailure numeric_sqrt(const NumericValue& value, NumericValue& out) {
  if (value.kind == NumericKind::kNan || value.kind == NumericKind::kPlusInfinity) {
    out = value;
    return NumericFailure::kNone;
  }
  if (value.sign() < 0) return NumericFailure::kRootOfNegative;
  const std::int64_t weight = group_weight(value);
  const std::int64_t root_weight = (weight + 1) * 4 / 2 - 1;
  return numeric_sqrt_to(value, clamp_scale(kShownDigitsMin - root_weight, value.scale), out);
}

namespace {

// e^value with `scale` digits; the caller has seen to it that the result is of a sane size.
NumericValue exp_to(const NumericValue& value, std::int32_t scale, double decimal_digits) {
  const std::int32_t work =
      scale + 16 + static_cast<std::int32_t>(std::max(0.0, decimal_digits)) * 2;
  const NumericValue magnitude = finite(false, value.magnitude, value.scale);
  NumericValue result = finite(false, fixed_exp(to_fixed(magnitude, work), work), work);
  if (value.negative) {
    NumericValue inverse;
    static_cast<void>(numeric_divide_to(NumericValue::of_integer(1), result, scale, inverse));
    return inverse;
  }
  return result.rounded(scale);
}

}  // namespace

NumericFailure numeric_exp(const NumericValue& value, NumericValue& out) {
  if (!value.is_finite()) {
    out = value.kind == NumericKind::kMinusInfinity ? NumericValue::of_integer(0) : value;
    return NumericFailure::kNone;
  }
  const double natural = value.to_double(), digits = natural * 0.434294481903252;
  if (natural >= kExponentMax) return NumericFailure::kOverflow;
  if (natural <= -kExponentMax) {
    out = finite(false, {}, kShownScaleMax);
    return NumericFailure::kNone;
  }
  const std::int32_t scale =
      clamp_scale(kShownDigitsMin - static_cast<std::int64_t>(digits), value.scale);
  out = exp_to(value, scale, std::fabs(digits));
  return checked(out);
}

NumericFailure numeric_ln(const NumericValue& value, NumericValue& out) {
  if (value.kind == NumericKind::kNan || value.kind == NumericKind::kPlusInfinity) {
    out = value;
    return NumericFailure::kNone;
  }
  if (value.sign() == 0) return NumericFailure::kLogarithmOfZero;
  if (value.sign() < 0) return NumericFailure::kLogarithmOfNegative;
  const std::int32_t scale = clamp_scale(kShownDigitsMin - ln_weight(value), value.scale);
  out = ln_of(value, scale).rounded(scale);
  return NumericFailure::kNone;
}

NumericFailure numeric_log(const NumericValue& base, const NumericValue& value, NumericValue& out) {
  if (base.kind == NumericKind::kNan || value.kind == NumericKind::kNan) {
    out = NumericValue::special(NumericKind::kNan);
    return NumericFailure::kNone;
  }
  for (const NumericValue* each : {&base, &value}) {
    if (each->sign() < 0) return NumericFailure::kLogarithmOfNegative;
    if (each->sign() == 0) return NumericFailure::kLogarithmOfZero;
  }
  if (!base.is_finite() || !value.is_finite()) {
    out = base.is_finite()    ? NumericValue::special(NumericKind::kPlusInfinity)
          : value.is_finite() ? NumericValue::of_integer(0)
                              : NumericValue::special(NumericKind::kNan);
    return NumericFailure::kNone;
  }
  const std::int32_t scale = clamp_scale(kShownDigitsMin - (ln_weight(value) - ln_weight(base)),
                                         std::max(base.scale, value.scale));
  const NumericValue ln_base = ln_of(base, scale + 20), ln_value = ln_of(value, scale + 20);
  if (ln_base.is_zero()) return NumericFailure::kDivisionByZero;
  return numeric_divide_to(ln_value, ln_base, scale, out);
}

namespace {

NumericFailure integer_power(const NumericValue& base, std::int64_t exponent,
                             std::int32_t exponent_scale, NumericValue& out) {
  const double digits = base.is_zero()
                            ? 0
                            : static_cast<double>(exponent) *
                                  (std::log10(std::atof(("0." +
                                                         [&] {
                                                           std::string all;
                                                           base.magnitude.append_digits(all);
                                                           return all.substr(0, 17);
                                                         }())
                                                            .c_str())) +
                                   static_cast<double>(base.point()));
  if (digits > static_cast<double>(kDigitsBeforePointMax)) return NumericFailure::kOverflow;
  const std::int32_t scale = clamp_scale(kShownDigitsMin, std::max(base.scale, exponent_scale));
  if (digits + 1 < -kShownScaleMax) {
    out = finite(false, {}, kShownScaleMax);
    return NumericFailure::kNone;
  }
  if (base.is_zero()) {
    out = exponent == 0 ? NumericValue::of_integer(1).rounded(scale) : finite(false, {}, scale);
    return NumericFailure::kNone;
  }
  // Exact, but for digits far behind what is shown.
  const auto keep = static_cast<std::int32_t>(scale + 24 + std::fabs(digits));
  NumericValue square = finite(false, base.magnitude, base.scale);
  NumericValue product = NumericValue::of_integer(1);
  for (auto rest = static_cast<std::uint64_t>(exponent < 0 ? -exponent : exponent); rest != 0;
       rest >>= 1) {
    if ((rest & 1) != 0) {
      static_cast<void>(numeric_multiply(product, square, product));
      if (product.scale > keep * 2) product = product.rounded(keep * 2);
    }
    if (rest > 1) {
      static_cast<void>(numeric_multiply(square, square, square));
      if (square.scale > keep * 2) square = square.rounded(keep * 2);
    }
  }
  if (exponent < 0) {
    if (product.is_zero()) return NumericFailure::kOverflow;
    static_cast<void>(numeric_divide_to(NumericValue::of_integer(1), product, scale, out));
  } else {
    out = product.rounded(scale);
  }
  out.negative = base.negative && (exponent & 1) != 0 && !out.magnitude.is_zero();
  return checked(out);
}

}  // namespace

NumericFailure numeric_power(const NumericValue& base, const NumericValue& exponent,
                             NumericValue& out) {
  const auto give = [&](NumericValue value) {
    out = std::move(value);
    return NumericFailure::kNone;
  };
  const NumericValue one = NumericValue::of_integer(1);
  if (base.kind == NumericKind::kNan || exponent.kind == NumericKind::kNan) {
    const bool is_one = (base.kind == NumericKind::kNan && exponent.is_zero()) ||
                        (exponent.kind == NumericKind::kNan && compare(base, one) == 0);
    return give(is_one ? one : NumericValue::special(NumericKind::kNan));
  }
  if (base.is_zero() && exponent.sign() < 0) return NumericFailure::kZeroToNegative;
  if (base.sign() < 0 && exponent.is_finite() && !exponent.is_integral()) {
    return NumericFailure::kNegativeToFraction;
  }
  if (!base.is_finite() || !exponent.is_finite()) {
    if (compare(base, one) == 0 || exponent.is_zero()) return give(one);
    if (!exponent.is_finite()) {
      NumericValue size = base.sign() < 0 ? base.negated() : base;
      const int order = compare(size, one);
      if (order == 0) return give(one);
      return give((order > 0) == (exponent.sign() > 0)
                      ? NumericValue::special(NumericKind::kPlusInfinity)
                      : NumericValue::of_integer(0));
    }
    if (exponent.sign() < 0) return give(NumericValue::of_integer(0));
    std::int64_t whole = 0;
    const bool odd = exponent.to_int64(whole) && (whole & 1) != 0;
    return give(infinity(base.sign() < 0 && odd));
  }
  std::int64_t whole = 0;
  if (exponent.is_integral() && exponent.to_int64(whole) && whole >= INT32_MIN &&
      whole <= INT32_MAX) {
    return integer_power(base, whole, exponent.scale, out);
  }
  if (base.is_zero()) return give(finite(false, {}, kShownDigitsMin));
  const NumericValue size = finite(false, base.magnitude, base.scale);
  if (compare(size, one) == 0) {
    return give(one.rounded(clamp_scale(kShownDigitsMin, std::max(base.scale, exponent.scale))));
  }
  NumericValue product;
  static_cast<void>(numeric_multiply(ln_of(size, 40), exponent, product));
  const double natural = product.to_double(), digits = natural * 0.434294481903252;
  if (natural > kExponentMax * 1.0033) return NumericFailure::kOverflow;
  const std::int32_t scale = clamp_scale(kShownDigitsMin - static_cast<std::int64_t>(digits),
                                         std::max(base.scale, exponent.scale));
  if (natural < -kExponentMax * 1.0033) return give(finite(false, {}, kShownScaleMax));
  const auto work = static_cast<std::int32_t>(scale + 24 + std::fabs(digits));
  static_cast<void>(numeric_multiply(
      ln_of(size, work + static_cast<std::int32_t>(std::max<std::int64_t>(0, exponent.point()))),
      exponent, product));
  out = exp_to(product, scale, std::fabs(digits));
  return checked(out);
}

}  // namespace entail::vm
