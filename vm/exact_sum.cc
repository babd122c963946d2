// vm/exact_sum.cc - see exact_sum.h.

#include "vm/exact_sum.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "vm/base/ensure.h"

namespace entail::vm {

namespace {

constexpr std::int64_t kChunkMask = 0xffffffff;
constexpr std::int32_t kLowestExponent = -1074;  // The weight of bit 0 of chunk 0.

// A chunk takes at most 2^52 from one addition of weight ±1 (53 bits of mantissa shifted by 31,
// less the 32 that stay in the chunk below) and less from a weighted one, and holds 2^63.
constexpr std::uint32_t kAdditionsMax = 1U << 10;

// 68 chunks reach the largest weighted value; carries of 2^64 such values and a divisor's fraction
// come on top.
constexpr std::size_t kDigitsMax = 80;
constexpr std::size_t kFractionDigits = 4;

// |value| = digits, least significant first, times 2^exponent.
struct Magnitude {
  std::array<std::uint32_t, kDigitsMax> digits;  // The first `size` of them.
  std::size_t size = 0;
  std::int32_t exponent = 0;
  bool negative = false;
  bool sticky = false;  // Something smaller than the last bit is there as well.

  void push(std::uint32_t digit) {
    ENTAIL_DEBUG_ENSURE(size + kFractionDigits < kDigitsMax);
    digits[size++] = digit;
  }
};

// Divides in place, after adding 128 bits of fraction: a divisor below 2^63 leaves 66 bits of the
// quotient at least, more than any result keeps, and what is smaller counts only for rounding.
void divide(Magnitude& value, std::uint64_t divisor) {
  std::copy_backward(value.digits.begin(), value.digits.begin() + value.size,
                     value.digits.begin() + value.size + kFractionDigits);
  std::fill_n(value.digits.begin(), kFractionDigits, 0);
  value.size += kFractionDigits;
  value.exponent -= 32 * static_cast<std::int32_t>(kFractionDigits);
  const auto divide_by = [&value](auto by) {
    decltype(by) rest = 0;
    for (std::size_t i = value.size; i-- > 0;) {
      rest = (rest << 32) | value.digits[i];
      value.digits[i] = static_cast<std::uint32_t>(rest / by);
      rest %= by;
    }
    value.sticky = rest != 0;
  };
  // The rest and a digit behind it take 64 bits only where the divisor takes 32.
  if (divisor <= 0xffffffffU) return divide_by(divisor);
  divide_by(static_cast<Uint128>(divisor));
}

// The value rounded half to even to `bits` bits, none of which weighs less than 2^exponent_min.
double round(const Magnitude& value, unsigned bits, std::int32_t exponent_min) {
  const auto& digits = value.digits;
  std::size_t size = value.size;
  while (size > 0 && digits[size - 1] == 0) --size;
  if (size == 0) return 0.0;
  const auto length = static_cast<std::int32_t>(
      32 * (size - 1) + static_cast<std::size_t>(std::bit_width(digits[size - 1])));
  // Bits below `cut` go.
  const std::int32_t cut = std::max(
      {length - static_cast<std::int32_t>(bits), exponent_min - value.exponent, std::int32_t{0}});
  std::uint64_t kept = 0;
  if (cut < length) {
    // At most 53 bits: they begin in one digit and end in the second behind it.
    const auto first = static_cast<std::size_t>(cut) / 32;
    Uint128 window = 0;
    for (std::size_t i = std::min(size, first + 3); i-- > first;) {
      window = (window << 32) | digits[i];
    }
    kept = static_cast<std::uint64_t>(window >> (cut % 32));
  }
  if (cut > 0 && cut <= length) {
    const auto half = static_cast<std::size_t>(cut - 1);
    const std::uint32_t digit = digits[half / 32];
    if (((digit >> (half % 32)) & 1) != 0) {
      bool more = value.sticky || (digit & ((std::uint32_t{1} << (half % 32)) - 1)) != 0;
      for (std::size_t i = 0; !more && i < half / 32; ++i) more = digits[i] != 0;
      if (more || (kept & 1) != 0) ++kept;
    }
  }
  const double result = std::ldexp(static_cast<double>(kept), cut + value.exponent);
  return value.negative ? -result : result;
}

}  // namespace

// Makes room for chunks first … last.
void ExactSum::cover(std::int32_t first, std::int32_t last) {
  if (chunks_.empty()) {
    first_ = first;
    chunks_.assign(static_cast<std::size_t>(last - first + 1), 0);
    return;
  }
  if (first < first_) {
    chunks_.insert(chunks_.begin(), static_cast<std::size_t>(first_ - first), 0);
    first_ = first;
  }
  const auto size = static_cast<std::size_t>(last - first_ + 1);
  if (chunks_.size() < size) chunks_.resize(size, 0);
}

// Leaves 0 <= chunk < 2^32 in every chunk but the last, which keeps the sign.
void ExactSum::settle() {
  additions_ = 0;
  if (chunks_.empty()) return;
  std::int64_t carry = 0;
  for (std::size_t i = 0; i + 1 < chunks_.size(); ++i) {
    const std::int64_t sum = chunks_[i] + carry;
    chunks_[i] = sum & kChunkMask;
    carry = sum >> 32;
  }
  chunks_.back() += carry;
  while (chunks_.back() > kChunkMask || chunks_.back() < -kChunkMask) {
    const std::int64_t last = chunks_.back();
    chunks_.back() = last & kChunkMask;
    chunks_.push_back(last >> 32);
  }
}

void ExactSum::add(double value, std::int64_t weight) {
  if (weight == 0) return;
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto biased = static_cast<std::int32_t>((bits >> 52) & 0x7ff);
  std::uint64_t mantissa = bits & ((std::uint64_t{1} << 52) - 1);
  const bool negative = (bits >> 63) != 0;
  if (biased == 0x7ff) {
    (mantissa != 0 ? nans_ : negative ? minus_infinities_ : plus_infinities_) += weight;
    return;
  }
  if (biased == 0 && mantissa == 0) return;
  if (biased != 0) mantissa |= std::uint64_t{1} << 52;
  const std::int32_t position = biased == 0 ? 0 : biased - 1;
  const std::int32_t chunk = position / 32;
  const auto shift = static_cast<unsigned>(position % 32);

  if (++additions_ > kAdditionsMax) settle();
  if (weight == 1 || weight == -1) {
    if (chunk < first_ || static_cast<std::size_t>(chunk + 1 - first_) >= chunks_.size()) {
      cover(chunk, chunk + 1);
    }
    const auto low = static_cast<std::int64_t>((mantissa << shift) & kChunkMask);
    const auto high = static_cast<std::int64_t>(mantissa >> (32 - shift));
    std::int64_t* const at = chunks_.data() + (chunk - first_);
    if (negative != (weight < 0)) {
      at[0] -= low;
      at[1] -= high;
    } else {
      at[0] += low;
      at[1] += high;
    }
    return;
  }

  // Mantissa times weight has up to 116 bits: four digits of 32, each shifted over two chunks.
  constexpr std::int32_t kDigits = 4;
  cover(chunk, chunk + kDigits);
  const std::uint64_t times = weight < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(weight)
                                         : static_cast<std::uint64_t>(weight);
  Uint128 product = static_cast<Uint128>(mantissa) * times;
  const std::int64_t sign = negative != (weight < 0) ? -1 : 1;
  for (std::int32_t i = 0; i < kDigits; ++i) {
    const std::uint64_t digit = (static_cast<std::uint64_t>(product) & kChunkMask) << shift;
    std::int64_t* const at = chunks_.data() + (chunk + i - first_);
    at[0] += sign * static_cast<std::int64_t>(digit & kChunkMask);
    at[1] += sign * static_cast<std::int64_t>(digit >> 32);
    product >>= 32;
  }
}

void ExactSum::merge(const ExactSum& other) {
  nans_ += other.nans_;
  plus_infinities_ += other.plus_infinities_;
  minus_infinities_ += other.minus_infinities_;
  if (other.chunks_.empty()) return;
  ExactSum settled = other;
  settled.settle();
  settle();
  cover(settled.first_, settled.first_ + static_cast<std::int32_t>(settled.chunks_.size()) - 1);
  std::int64_t* const at = chunks_.data() + (settled.first_ - first_);
  for (std::size_t i = 0; i < settled.chunks_.size(); ++i) at[i] += settled.chunks_[i];
  additions_ = 1;
}

void ExactSum::compact() {
  settle();
  std::size_t last = chunks_.size();
  while (last > 0 && chunks_[last - 1] == 0) --last;
  std::size_t first = 0;
  while (first < last && chunks_[first] == 0) ++first;
  std::vector<std::int64_t> needed(chunks_.begin() + static_cast<std::ptrdiff_t>(first),
                                   chunks_.begin() + static_cast<std::ptrdiff_t>(last));
  chunks_.swap(needed);
  first_ = last == 0 ? 0 : first_ + static_cast<std::int32_t>(first);
}

void ExactSum::append_words(std::vector<Word>& out) const {
  ExactSum compacted = *this;
  compacted.compact();
  out.push_back(int_word(compacted.first_));
  for (const std::int64_t count : {nans_, plus_infinities_, minus_infinities_}) {
    out.push_back(int_word(count));
  }
  for (const std::int64_t chunk : compacted.chunks_) out.push_back(int_word(chunk));
}

std::optional<ExactSum> ExactSum::of_words(std::span<const Word> words) {
  constexpr std::size_t kCounts = 4;
  if (words.size() < kCounts || words.size() > kCounts + kDigitsMax) return std::nullopt;
  ExactSum sum;
  sum.first_ = static_cast<std::int32_t>(int_of(words[0]));
  sum.nans_ = int_of(words[1]);
  sum.plus_infinities_ = int_of(words[2]);
  sum.minus_infinities_ = int_of(words[3]);
  for (const Word chunk : words.subspan(kCounts)) sum.chunks_.push_back(int_of(chunk));
  sum.additions_ = 1;
  return sum;
}

double ExactSum::rounded(unsigned bits, std::int32_t exponent_min, std::int64_t divisor) const {
  ENTAIL_ENSURE(divisor > 0);
  if (nans_ > 0 || (plus_infinities_ > 0 && minus_infinities_ > 0)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (plus_infinities_ > 0) return std::numeric_limits<double>::infinity();
  if (minus_infinities_ > 0) return -std::numeric_limits<double>::infinity();

  // Carries are settled in a copy: 32 bits of each chunk, and two's complement for the whole.
  Magnitude value;
  value.exponent = kLowestExponent + 32 * first_;
  ENTAIL_ENSURE(chunks_.size() + 2 + kFractionDigits <= kDigitsMax);
  std::int64_t carry = 0;
  for (const std::int64_t chunk : chunks_) {
    const std::int64_t sum = chunk + carry;
    value.push(static_cast<std::uint32_t>(sum));
    carry = sum >> 32;
  }
  value.push(static_cast<std::uint32_t>(carry));
  value.push(static_cast<std::uint32_t>(carry >> 32));
  value.negative = carry < 0;
  if (value.negative) {
    std::uint64_t one = 1;
    for (std::size_t i = 0; i < value.size; ++i) {
      one += static_cast<std::uint32_t>(~value.digits[i]);
      value.digits[i] = static_cast<std::uint32_t>(one);
      one >>= 32;
    }
  }
  if (divisor != 1) divide(value, static_cast<std::uint64_t>(divisor));
  return round(value, bits, exponent_min);
}

namespace {

constexpr unsigned kDoubleBits = 53;
constexpr unsigned kFloatBits = 24;
constexpr std::int32_t kFloatLowestExponent = -149;

// A double of at most 24 bits as a float.
float narrowed(double value) {
  if (std::fabs(value) > static_cast<double>(std::numeric_limits<float>::max())) {
    return value < 0 ? -std::numeric_limits<float>::infinity()
                     : std::numeric_limits<float>::infinity();
  }
  return static_cast<float>(value);
}

}  // namespace

double ExactSum::result() const { return rounded(kDoubleBits, kLowestExponent, 1); }
double ExactSum::mean(std::int64_t count) const {
  return rounded(kDoubleBits, kLowestExponent, count);
}
float ExactSum::result_float() const {
  return narrowed(rounded(kFloatBits, kFloatLowestExponent, 1));
}
float ExactSum::mean_float(std::int64_t count) const {
  return narrowed(rounded(kFloatBits, kFloatLowestExponent, count));
}

double mean_of_int128(Int128 sum, std::int64_t count) {
  ENTAIL_ENSURE(count > 0);
  // Doubles hold integers up to 2^53, and their division rounds once.
  constexpr std::int64_t kExactMax = std::int64_t{1} << 53;
  if (sum >= -kExactMax && sum <= kExactMax && count <= kExactMax) {
    return static_cast<double>(static_cast<std::int64_t>(sum)) / static_cast<double>(count);
  }
  Magnitude value;
  value.negative = sum < 0;
  auto rest = static_cast<Uint128>(sum);
  if (value.negative) rest = -rest;
  for (; rest != 0; rest >>= 32) value.push(static_cast<std::uint32_t>(rest));
  divide(value, static_cast<std::uint64_t>(count));
  return round(value, kDoubleBits, kLowestExponent);
}

}  // namespace entail::vm
