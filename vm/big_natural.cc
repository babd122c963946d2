#include "vm/big_natural.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "vm/base/ensure.h"

namespace entail::vm {

namespace {

constexpr std::array<std::uint32_t, 10> kSmallPowers = {
    1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};
constexpr std::size_t kLimbDigits = 9;

}  // namespace

BigNatural::BigNatural(Uint128 value) {
  for (; value != 0; value /= kBase) limbs_.push_back(static_cast<std::uint32_t>(value % kBase));
}

void BigNatural::trim() {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
}

BigNatural BigNatural::from_digits(std::string_view digits) {
  BigNatural result;
  for (std::size_t end = digits.size(); end > 0;) {
    const std::size_t begin = end > kLimbDigits ? end - kLimbDigits : 0;
    std::uint32_t limb = 0;
    for (std::size_t i = begin; i < end; ++i) {
      limb = limb * 10 + static_cast<std::uint32_t>(digits[i] - '0');
    }
    result.limbs_.push_back(limb);
    end = begin;
  }
  result.trim();
  return result;
}

BigNatural BigNatural::of_limbs(std::vector<std::uint32_t> limbs) {
  BigNatural result;
  result.limbs_ = std::move(limbs);
  result.trim();
  return result;
}

BigNatural BigNatural::power_of_ten(std::size_t exponent) {
  return BigNatural(1).times_power_of_ten(exponent);
}

std::size_t BigNatural::digit_count() const {
  if (limbs_.empty()) return 0;
  std::size_t count = (limbs_.size() - 1) * kLimbDigits;
  for (std::uint32_t top = limbs_.back(); top != 0; top /= 10) ++count;
  return count;
}

void BigNatural::append_digits(std::string& out) const {
  const std::size_t start = out.size(), count = digit_count();
  out.append(count, '0');
  std::size_t at = out.size();
  for (std::uint32_t limb : limbs_) {
    for (std::size_t i = 0; i < kLimbDigits && at > start; ++i, limb /= 10) {
      out[--at] = static_cast<char>('0' + limb % 10);
    }
  }
}

bool BigNatural::to_uint128(Uint128& out) const {
  if (digit_count() > 38) return false;
  out = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) out = out * kBase + limbs_[i];
  return true;
}

std::strong_ordering BigNatural::operator<=>(const BigNatural& other) const {
  if (limbs_.size() != other.limbs_.size()) return limbs_.size() <=> other.limbs_.size();
  for (std::size_t i = limbs_.size(); i-- > 0;) {
    if (limbs_[i] != other.limbs_[i]) return limbs_[i] <=> other.limbs_[i];
  }
  return std::strong_ordering::equal;
}

BigNatural BigNatural::operator+(const BigNatural& other) const {
  BigNatural result;
  const std::size_t size = std::max(limbs_.size(), other.limbs_.size());
  result.limbs_.reserve(size + 1);
  std::uint32_t carry = 0;
  for (std::size_t i = 0; i < size || carry != 0; ++i) {
    std::uint32_t sum = carry + (i < limbs_.size() ? limbs_[i] : 0) +
                        (i < other.limbs_.size() ? other.limbs_[i] : 0);
    carry = sum >= kBase ? 1 : 0;
    result.limbs_.push_back(sum - (carry != 0 ? kBase : 0));
  }
  return result;
}

BigNatural BigNatural::operator-(const BigNatural& other) const {
  BigNatural result = *this;
  std::uint32_t borrow = 0;
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    const std::uint32_t take = borrow + (i < other.limbs_.size() ? other.limbs_[i] : 0);
    borrow = limbs_[i] < take ? 1 : 0;
    result.limbs_[i] = limbs_[i] + (borrow != 0 ? kBase : 0) - take;
  }
  ENTAIL_ENSURE(borrow == 0);
  result.trim();
  return result;
}

BigNatural BigNatural::operator*(const BigNatural& other) const {
  BigNatural result;
  if (is_zero() || other.is_zero()) return result;
  result.limbs_.assign(limbs_.size() + other.limbs_.size(), 0);
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t k = 0; k < other.limbs_.size(); ++k) {
      const std::uint64_t sum =
          static_cast<std::uint64_t>(limbs_[i]) * other.limbs_[k] + result.limbs_[i + k] + carry;
      result.limbs_[i + k] = static_cast<std::uint32_t>(sum % kBase);
      carry = sum / kBase;
    }
    result.limbs_[i + other.limbs_.size()] += static_cast<std::uint32_t>(carry);
  }
  result.trim();
  return result;
}

void BigNatural::multiply_small(std::uint32_t factor) {
  std::uint64_t carry = 0;
  for (std::uint32_t& limb : limbs_) {
    const std::uint64_t product = static_cast<std::uint64_t>(limb) * factor + carry;
    limb = static_cast<std::uint32_t>(product % kBase);
    carry = product / kBase;
  }
  if (carry != 0) limbs_.push_back(static_cast<std::uint32_t>(carry));
}

std::uint32_t BigNatural::divide_small(std::uint32_t divisor) {
  std::uint64_t rest = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) {
    const std::uint64_t part = rest * kBase + limbs_[i];
    limbs_[i] = static_cast<std::uint32_t>(part / divisor);
    rest = part % divisor;
  }
  trim();
  return static_cast<std::uint32_t>(rest);
}

BigNatural BigNatural::divided_by(const BigNatural& divisor, BigNatural& rest) const {
  ENTAIL_ENSURE(!divisor.is_zero());
  BigNatural quotient;
  if (*this < divisor) {
    rest = *this;
    return quotient;
  }
  if (divisor.limbs_.size() == 1) {
    quotient = *this;
    rest = BigNatural(quotient.divide_small(divisor.limbs_[0]));
    return quotient;
  }
  // Both are scaled so that the divisor's top limb is at least half the base.
  const std::uint32_t scale = kBase / (divisor.limbs_.back() + 1);
  BigNatural u = *this, v = divisor;
  u.multiply_small(scale);
  v.multiply_small(scale);
  u.limbs_.resize(std::max(u.limbs_.size(), limbs_.size() + 1), 0);
  const std::size_t n = v.limbs_.size(), m = u.limbs_.size() - n;
  quotient.limbs_.assign(m, 0);
  for (std::size_t j = m; j-- > 0;) {
    const std::uint64_t top =
        static_cast<std::uint64_t>(u.limbs_[j + n]) * kBase + u.limbs_[j + n - 1];
    std::uint64_t guess = top / v.limbs_[n - 1], over = top % v.limbs_[n - 1];
    while (guess >= kBase || guess * v.limbs_[n - 2] > over * kBase + u.limbs_[j + n - 2]) {
      --guess;
      over += v.limbs_[n - 1];
      if (over >= kBase) break;
    }
    std::int64_t borrow = 0;
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t product = guess * v.limbs_[i] + carry;
      carry = product / kBase;
      std::int64_t difference = static_cast<std::int64_t>(u.limbs_[i + j]) - borrow -
                                static_cast<std::int64_t>(product % kBase);
      borrow = difference < 0 ? 1 : 0;
      u.limbs_[i + j] = static_cast<std::uint32_t>(difference + (borrow != 0 ? kBase : 0));
    }
    const std::int64_t last =
        static_cast<std::int64_t>(u.limbs_[j + n]) - borrow - static_cast<std::int64_t>(carry);
    u.limbs_[j + n] = static_cast<std::uint32_t>(last < 0 ? last + kBase : last);
    if (last < 0) {  // One too many: give one divisor back.
      --guess;
      std::uint32_t back = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t sum = u.limbs_[i + j] + v.limbs_[i] + back;
        back = sum >= kBase ? 1 : 0;
        u.limbs_[i + j] = sum - (back != 0 ? kBase : 0);
      }
      u.limbs_[j + n] = (u.limbs_[j + n] + back) % kBase;
    }
    quotient.limbs_[j] = static_cast<std::uint32_t>(guess);
  }
  quotient.trim();
  u.trim();
  u.divide_small(scale);
  rest = std::move(u);
  return quotient;
}

BigNatural BigNatural::times_power_of_ten(std::size_t exponent) const {
  BigNatural result;
  if (is_zero()) return result;
  result.limbs_.assign(exponent / kLimbDigits, 0);
  result.limbs_.insert(result.limbs_.end(), limbs_.begin(), limbs_.end());
  if (exponent % kLimbDigits != 0) result.multiply_small(kSmallPowers[exponent % kLimbDigits]);
  return result;
}

BigNatural BigNatural::without_digits(std::size_t count, bool& half_or_more, bool& exact) const {
  half_or_more = false;
  exact = true;
  if (count == 0) return *this;
  BigNatural result;
  const std::size_t limbs = count / kLimbDigits, digits = count % kLimbDigits;
  const auto digit = [&](std::size_t position) -> std::uint32_t {
    const std::size_t limb = position / kLimbDigits;
    return limb < limbs_.size() ? limbs_[limb] / kSmallPowers[position % kLimbDigits] % 10 : 0;
  };
  half_or_more = digit(count - 1) >= 5;
  for (std::size_t i = 0; i < std::min(limbs, limbs_.size()); ++i) exact &= limbs_[i] == 0;
  if (limbs < limbs_.size()) {
    exact &= digits == 0 || limbs_[limbs] % kSmallPowers[digits] == 0;
    result.limbs_.assign(limbs_.begin() + static_cast<std::ptrdiff_t>(limbs), limbs_.end());
    if (digits != 0) result.divide_small(kSmallPowers[digits]);
  }
  return result;
}

BigNatural BigNatural::square_root() const {
  if (is_zero()) return {};
  // Newton's iteration from above: it falls until it stands.
  BigNatural guess = power_of_ten((digit_count() + 1) / 2);
  for (;;) {
    BigNatural rest;
    BigNatural next = guess + divided_by(guess, rest);
    next.divide_small(2);
    if (!(next < guess)) return guess;
    guess = std::move(next);
  }
}

}  // namespace entail::vm
