#include "vm/numeric_sum.h"

#include <algorithm>

namespace entail::vm {

void NumericSum::count_scale(std::int32_t scale, int sign) {
  const auto at = std::find_if(
      scales_.begin(), scales_.end(),
      [scale](const std::pair<std::int32_t, std::int64_t>& known) { return known.first <= scale; });
  if (at == scales_.end() || at->first != scale) {
    scales_.insert(at, {scale, sign});
    return;
  }
  at->second += sign;
  if (at->second == 0) scales_.erase(at);
}

void NumericSum::add(const NumericValue& value, int sign) {
  switch (value.kind) {
    case NumericKind::kNan:
      nans_ += sign;
      return;
    case NumericKind::kPlusInfinity:
      plus_ += sign;
      return;
    case NumericKind::kMinusInfinity:
      minus_ += sign;
      return;
    case NumericKind::kFinite:
      break;
  }
  NumericValue next;
  // Neither fails for finite values.
  if (sign > 0) {
    static_cast<void>(numeric_add(sum_, value, next));
  } else {
    static_cast<void>(numeric_subtract(sum_, value, next));
  }
  count_scale(value.scale, sign);
  // Digits that no value has any more have cancelled out.
  const std::int32_t scale = scales_.empty() ? 0 : scales_.front().first;
  sum_ = next.scale > scale ? next.rounded(scale) : std::move(next);
}

NumericValue NumericSum::result() const {
  if (nans_ != 0 || (plus_ != 0 && minus_ != 0)) return NumericValue::special(NumericKind::kNan);
  if (plus_ != 0) return NumericValue::special(NumericKind::kPlusInfinity);
  if (minus_ != 0) return NumericValue::special(NumericKind::kMinusInfinity);
  return sum_;
}

// Counts, sign and scale of the sum, how many scales there are, the scales, the limbs.
void NumericSum::append_words(std::vector<Word>& out) const {
  for (const std::int64_t count : {nans_, plus_, minus_}) out.push_back(int_word(count));
  out.push_back(sum_.negative ? 1 : 0);
  out.push_back(int_word(sum_.scale));
  out.push_back(scales_.size());
  for (const auto& [scale, count] : scales_) {
    out.push_back(int_word(scale));
    out.push_back(int_word(count));
  }
  for (const std::uint32_t limb : sum_.magnitude.limbs()) out.push_back(limb);
}

std::optional<NumericSum> NumericSum::of_words(std::span<const Word> words) {
  constexpr std::size_t kCounts = 6;
  if (words.size() < kCounts || words[5] > (words.size() - kCounts) / 2) return std::nullopt;
  NumericSum sum;
  sum.nans_ = int_of(words[0]);
  sum.plus_ = int_of(words[1]);
  sum.minus_ = int_of(words[2]);
  sum.sum_.negative = words[3] != 0;
  sum.sum_.scale = static_cast<std::int32_t>(int_of(words[4]));
  const std::size_t scales = words[5];
  words = words.subspan(kCounts);
  for (std::size_t i = 0; i < scales; ++i) {
    sum.scales_.emplace_back(static_cast<std::int32_t>(int_of(words[2 * i])),
                             int_of(words[2 * i + 1]));
  }
  std::vector<std::uint32_t> limbs;
  for (const Word limb : words.subspan(2 * scales)) {
    limbs.push_back(static_cast<std::uint32_t>(limb));
  }
  sum.sum_.magnitude = BigNatural::of_limbs(std::move(limbs));
  return sum;
}

}  // namespace entail::vm
