// vm/numeric.cc - see numeric.h.

#include "vm/numeric.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "vm/base/ensure.h"

namespace entail::vm {

namespace {

constexpr unsigned kPowersOfTen = 39;
constexpr std::int64_t kNumericDigitsMax = 131'072;

constexpr auto make_powers() {
  std::array<Int128, kPowersOfTen> powers{};
  powers[0] = 1;
  for (unsigned i = 1; i < kPowersOfTen; ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}
constexpr std::array<Int128, kPowersOfTen> kPowers = make_powers();

constexpr unsigned char kMinusInfinity = 0x01;
constexpr unsigned char kZero = 0x80;
constexpr unsigned char kFarBelow = 0x8b;
constexpr unsigned char kNear = 0xa0;
constexpr unsigned char kFarAbove = 0xdd;
constexpr unsigned char kInfinity = 0xfe;
constexpr unsigned char kNan = 0xff;
constexpr std::int64_t kNearMin = -20;
constexpr std::int64_t kNearMax = 60;

// A number as its text spells it: ±digits * 10^exponent, the digits without leading zeros.
struct Spelled {
  bool negative = false;
  std::string digits;
  std::int64_t exponent = 0;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

NumericError read_spelled(std::string_view text, Spelled& out) {
  std::size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) out.negative = text[at++] == '-';
  bool any = false;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    any = true;
    if (!out.digits.empty() || text[at] != '0') out.digits.push_back(text[at]);
  }
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && is_digit(text[at]); ++at) {
      any = true;
      if (!out.digits.empty() || text[at] != '0') out.digits.push_back(text[at]);
      --out.exponent;
    }
  }
  if (!any) return NumericError::kMalformed;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && text[at] == '+') ++at;
    std::int64_t exponent = 0;
    const auto [end, error] =
        std::from_chars(text.data() + at, text.data() + text.size(), exponent);
    if (error == std::errc::invalid_argument) return NumericError::kMalformed;
    at = static_cast<std::size_t>(end - text.data());
    if (at != text.size()) return NumericError::kMalformed;
    // Far beyond every limit below, so that the sum cannot overflow.
    constexpr std::int64_t kFar = 1'000'000'000'000;
    out.exponent += error == std::errc() ? std::clamp(exponent, -kFar, kFar) : kFar;
  }
  return at == text.size() ? NumericError::kNone : NumericError::kMalformed;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

// Writes ±digits * 10^exponent. REQUIRES: the digits have no leading zero.
void encode(bool negative, std::string_view digits, std::int64_t exponent, std::string& bytes) {
  bytes.clear();
  while (!digits.empty() && digits.back() == '0') {
    digits.remove_suffix(1);
    ++exponent;
  }
  if (digits.empty()) {
    bytes.push_back(static_cast<char>(kZero));
    return;
  }
  // The value is 0.digits * 10^point; pairs must begin at an even power.
  const std::int64_t point = static_cast<std::int64_t>(digits.size()) + exponent;
  const bool odd = (point & 1) != 0;
  const std::int64_t pairs_exponent = (point + (odd ? 1 : 0)) / 2;
  const auto put = [&bytes](std::int64_t byte) { bytes.push_back(static_cast<char>(byte)); };
  if (pairs_exponent >= kNearMin && pairs_exponent <= kNearMax) {
    put(kNear + pairs_exponent);
  } else {
    put(pairs_exponent < 0 ? kFarBelow : kFarAbove);
    const auto biased = static_cast<std::uint32_t>(pairs_exponent + (std::int64_t{1} << 31));
    for (int shift = 24; shift >= 0; shift -= 8) put((biased >> shift) & 0xff);
  }
  std::size_t at = 0;
  if (odd) put(digits[at++] - '0' + 1);
  for (; at < digits.size(); at += 2) {
    const int tens = digits[at] - '0';
    const int ones = at + 1 < digits.size() ? digits[at + 1] - '0' : 0;
    put(tens * 10 + ones + 1);
  }
  put(0);
  if (negative) {
    for (char& byte : bytes) byte = static_cast<char>(~byte);
  }
}

// What encode() wrote, for a finite number that is not zero.
Spelled decode(std::string_view bytes) {
  Spelled number;
  const auto lead = static_cast<unsigned char>(bytes[0]);
  number.negative = lead < kZero;
  const auto byte_at = [&](std::size_t at) {
    const auto byte = static_cast<unsigned char>(bytes[at]);
    return number.negative ? static_cast<unsigned char>(~byte) : byte;
  };
  std::size_t at = 1;
  std::int64_t pairs_exponent = static_cast<std::int64_t>(byte_at(0)) - kNear;
  if (byte_at(0) == kFarBelow || byte_at(0) == kFarAbove) {
    std::uint32_t biased = 0;
    for (; at < 5; ++at) biased = (biased << 8) | byte_at(at);
    pairs_exponent = static_cast<std::int64_t>(biased) - (std::int64_t{1} << 31);
  }
  std::int64_t pair_count = 0;
  for (; byte_at(at) != 0; ++at) {
    const int pair = byte_at(at) - 1;
    if (!number.digits.empty() || pair >= 10) {
      number.digits.push_back(static_cast<char>('0' + pair / 10));
    }
    number.digits.push_back(static_cast<char>('0' + pair % 10));
    ++pair_count;
  }
  number.exponent = (pairs_exponent - pair_count) * 2;
  if (number.digits.back() == '0') {
    number.digits.pop_back();
    ++number.exponent;
  }
  return number;
}

void print_digits(const Spelled& number, std::string& out) {
  if (number.negative) out.push_back('-');
  const auto size = static_cast<std::int64_t>(number.digits.size());
  if (number.exponent >= 0) {
    out += number.digits;
    out.append(static_cast<std::size_t>(number.exponent), '0');
  } else if (size + number.exponent > 0) {
    const auto whole = static_cast<std::size_t>(size + number.exponent);
    out.append(number.digits, 0, whole);
    out.push_back('.');
    out.append(number.digits, whole);
  } else {
    out += "0.";
    out.append(static_cast<std::size_t>(-(size + number.exponent)), '0');
    out += number.digits;
  }
}

}  // namespace

Int128 power_of_ten(unsigned digits) {
  ENTAIL_ENSURE(digits < kPowersOfTen);
  return kPowers[digits];
}

bool decimal_fits(Int128 unscaled, unsigned precision) {
  const Int128 limit = power_of_ten(precision);
  return unscaled < limit && unscaled > -limit;
}

std::optional<Int128> decimal_rescale(Int128 unscaled, unsigned from_scale, unsigned to_scale) {
  if (to_scale >= from_scale) {
    const unsigned more = to_scale - from_scale;
    if (unscaled == 0) return unscaled;
    if (more >= kPowersOfTen - 1 || !decimal_fits(unscaled, 38 - more)) return std::nullopt;
    return unscaled * kPowers[more];
  }
  const unsigned fewer = from_scale - to_scale;
  if (fewer >= kPowersOfTen) return Int128{0};
  const Int128 unit = kPowers[fewer];
  const Int128 quotient = unscaled / unit;
  const Int128 rest = unscaled % unit;
  const Int128 half = unit / 2;
  if (rest >= half) return quotient + 1;
  if (rest <= -half) return quotient - 1;
  return quotient;
}

namespace {

// The digits of a number, without a sign.
class Digits {
 public:
  explicit Digits(Int128 value) {
    auto rest = static_cast<Uint128>(value);
    if (value < 0) rest = -rest;
    // Divisions of 128 bits are slow.
    constexpr std::uint64_t kChunk = 10'000'000'000'000'000'000U;
    constexpr int kChunkDigits = 19;
    while (rest >= kChunk) {
      auto low = static_cast<std::uint64_t>(rest % kChunk);
      rest /= kChunk;
      for (int i = 0; i < kChunkDigits; ++i, low /= 10) put(low % 10);
    }
    auto top = static_cast<std::uint64_t>(rest);
    do {
      put(top % 10);
      top /= 10;
    } while (top != 0);
  }
  std::string_view view() const { return {buffer_.data() + at_, buffer_.size() - at_}; }

 private:
  void put(std::uint64_t digit) { buffer_[--at_] = static_cast<char>('0' + digit); }

  std::array<char, 40> buffer_;
  std::size_t at_ = 40;
};

}  // namespace

void print_int128(Int128 value, std::string& out) {
  if (value < 0) out.push_back('-');
  out.append(Digits(value).view());
}

void print_decimal(Int128 unscaled, unsigned scale, std::string& out) {
  if (unscaled < 0) out.push_back('-');
  const std::size_t start = out.size();
  print_int128(unscaled < 0 ? -unscaled : unscaled, out);
  if (scale == 0) return;
  if (const std::size_t size = out.size() - start; size <= scale) {
    out.insert(start, scale + 1 - size, '0');
  }
  out.insert(out.size() - scale, 1, '.');
}

NumericError parse_decimal(std::string_view text, unsigned precision, unsigned scale, Int128& out) {
  Spelled number;
  if (const NumericError error = read_spelled(text, number); error != NumericError::kNone) {
    return error;
  }
  // The unscaled value is digits * 10^shift.
  const std::int64_t shift = number.exponent + static_cast<std::int64_t>(scale);
  std::string_view digits = number.digits;
  bool round_up = false;
  if (shift < 0) {
    const auto size = static_cast<std::int64_t>(digits.size());
    if (-shift > size) {
      digits = {};
    } else {
      round_up = digits[static_cast<std::size_t>(size + shift)] >= '5';
      digits = digits.substr(0, static_cast<std::size_t>(size + shift));
    }
  }
  const std::int64_t zeros = digits.empty() ? 0 : std::max<std::int64_t>(shift, 0);
  if (static_cast<std::int64_t>(digits.size()) + zeros > static_cast<std::int64_t>(precision)) {
    return NumericError::kOutOfRange;
  }
  Int128 value = 0;
  for (const char digit : digits) value = value * 10 + (digit - '0');
  value *= kPowers[static_cast<std::size_t>(zeros)];
  if (round_up) ++value;
  if (!decimal_fits(value, precision)) return NumericError::kOutOfRange;
  out = number.negative ? -value : value;
  return NumericError::kNone;
}

NumericError parse_numeric(std::string_view text, std::string& bytes) {
  std::string_view word = text;
  const bool signed_word = !word.empty() && (word[0] == '-' || word[0] == '+');
  if (signed_word) word.remove_prefix(1);
  if (equals_ignoring_case(word, "inf") || equals_ignoring_case(word, "infinity")) {
    bytes.assign(1, static_cast<char>(text[0] == '-' ? kMinusInfinity : kInfinity));
    return NumericError::kNone;
  }
  if (equals_ignoring_case(text, "nan")) {
    bytes.assign(1, static_cast<char>(kNan));
    return NumericError::kNone;
  }
  Spelled number;
  if (const NumericError error = read_spelled(text, number); error != NumericError::kNone) {
    return error;
  }
  if (!number.digits.empty() &&
      (static_cast<std::int64_t>(number.digits.size()) + number.exponent > kNumericDigitsMax ||
       number.exponent < -kNumericDigitsMax)) {
    return NumericError::kOutOfRange;
  }
  encode(number.negative, number.digits, number.exponent, bytes);
  return NumericError::kNone;
}

std::string_view numeric_value_bytes(std::string_view bytes) {
  const std::size_t size = numeric_prefix_size(bytes);
  return size == 0 ? bytes : bytes.substr(0, size);
}

int numeric_display_scale(std::string_view bytes) {
  const std::string_view rest = bytes.substr(numeric_value_bytes(bytes).size());
  if (rest.empty()) return -1;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
  return at(0) < 255 ? at(0) : at(1) * 256 + at(2);
}

void append_display_scale(unsigned scale, std::string& bytes) {
  if (scale < 255) {
    bytes.push_back(static_cast<char>(scale));
    return;
  }
  bytes.push_back('\xff');
  bytes.push_back(static_cast<char>(scale >> 8));
  bytes.push_back(static_cast<char>(scale));
}

void print_numeric(std::string_view bytes, std::string& out) {
  ENTAIL_ENSURE(!bytes.empty());
  if (const int scale = numeric_display_scale(bytes); scale > 0) {
    const std::size_t start = out.size();
    print_numeric(numeric_value_bytes(bytes), out);
    std::size_t point = out.find('.', start);
    if (point == std::string::npos) {
      point = out.size();
      out.push_back('.');
    }
    const std::size_t behind = out.size() - point - 1;
    if (behind < static_cast<std::size_t>(scale)) {
      out.append(static_cast<std::size_t>(scale) - behind, '0');
    }
    return;
  }
  switch (static_cast<unsigned char>(bytes[0])) {
    case kMinusInfinity:
      out += "-inf";
      return;
    case kZero:
      out.push_back('0');
      return;
    case kInfinity:
      out += "inf";
      return;
    case kNan:
      out += "nan";
      return;
    default:
      print_digits(decode(bytes), out);
  }
}

void decimal_to_numeric(Int128 unscaled, unsigned scale, std::string& bytes) {
  const Digits digits(unscaled);
  encode(unscaled < 0, unscaled == 0 ? std::string_view() : digits.view(),
         -static_cast<std::int64_t>(scale), bytes);
}

std::optional<SmallNumeric> small_numeric(std::string_view bytes) {
  constexpr std::size_t kPairsMax = 9;
  constexpr unsigned kScaleMax = 18;
  const Int128 limit = kPowers[18];
  if (bytes.empty()) return std::nullopt;
  SmallNumeric value;
  std::size_t end = 1;
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (lead != kZero) {
    const bool negative = lead < kZero;
    const auto byte_at = [&](std::size_t at) {
      const auto byte = static_cast<unsigned char>(bytes[at]);
      return negative ? static_cast<unsigned char>(~byte) : byte;
    };
    const std::int64_t pairs_exponent = static_cast<std::int64_t>(byte_at(0)) - kNear;
    if (pairs_exponent < kNearMin || pairs_exponent > kNearMax) return std::nullopt;
    std::int64_t unscaled = 0;
    for (; end < bytes.size() && byte_at(end) != 0; ++end) {
      if (end > kPairsMax) return std::nullopt;
      unscaled = unscaled * 100 + (byte_at(end) - 1);
    }
    // Infinities have no digits.
    if (end == 1 || end == bytes.size()) return std::nullopt;
    std::int64_t exponent = (pairs_exponent - static_cast<std::int64_t>(end - 1)) * 2;
    ++end;
    if (unscaled % 10 == 0) {
      unscaled /= 10;
      ++exponent;
    }
    value.unscaled = negative ? -Int128{unscaled} : Int128{unscaled};
    const std::int64_t most = kScaleMax;
    if (exponent > most || -exponent > most) return std::nullopt;
    if (exponent > 0) {
      value.unscaled *= kPowers[static_cast<std::size_t>(exponent)];
    } else {
      value.scale = static_cast<unsigned>(-exponent);
    }
    if (value.unscaled >= limit || value.unscaled <= -limit) return std::nullopt;
  }
  const std::string_view rest = bytes.substr(end);
  if (!rest.empty()) {
    const unsigned shown = static_cast<unsigned char>(rest[0]);
    if (shown > kScaleMax) return std::nullopt;
    if (shown > value.scale) {
      value.unscaled *= kPowers[shown - value.scale];
      value.scale = shown;
    }
  }
  if (value.unscaled >= limit || value.unscaled <= -limit) return std::nullopt;
  return value;
}

void small_numeric_to_bytes(const SmallNumeric& value, bool displayed, std::string& bytes) {
  const Digits digits(value.unscaled);
  const std::string_view spelled = value.unscaled == 0 ? std::string_view() : digits.view();
  encode(value.unscaled < 0, spelled, -static_cast<std::int64_t>(value.scale), bytes);
  if (!displayed || value.scale == 0) return;
  // Only where it shows more than the value has.
  unsigned needed = spelled.empty() ? 0 : value.scale;
  for (std::size_t i = spelled.size(); needed > 0 && i > 0 && spelled[i - 1] == '0'; --i) --needed;
  if (needed < value.scale) append_display_scale(value.scale, bytes);
}

std::size_t numeric_prefix_size(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (lead == kMinusInfinity || lead == kZero || lead == kInfinity || lead == kNan) return 1;
  const bool negative = lead < kZero;
  const auto positive_lead = negative ? static_cast<unsigned char>(~lead) : lead;
  const std::size_t digits_at = positive_lead == kFarBelow || positive_lead == kFarAbove ? 5 : 1;
  const std::size_t end = bytes.find(negative ? '\xff' : '\0', digits_at);
  return end == std::string_view::npos ? 0 : end + 1;
}

double numeric_to_double(std::string_view bytes) {
  std::string text;
  print_numeric(bytes, text);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  static_cast<void>(end);
  if (error == std::errc::result_out_of_range) {
    // Too large for a double, or too small: the digits before the point tell which.
    const bool huge = text.find('.') == std::string::npos || text.find('.') > 300;
    value = huge ? std::numeric_limits<double>::infinity() : 0.0;
    if (text[0] == '-') value = -value;
  }
  return value;
}

}  // namespace entail::vm
