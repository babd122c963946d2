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

}  // namespace entail::vm
