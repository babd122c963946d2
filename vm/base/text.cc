#include "vm/base/text.h"

#include <algorithm>
#include <vector>

#include "vm/base/ascii.h"

namespace entail {

std::string with_thousands(std::uint64_t count) {
  const std::string digits = std::to_string(count);
  std::string result;
  result.reserve(digits.size() + digits.size() / 3);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) result += ',';
    result += digits[i];
  }
  return result;
}

std::string with_thousands(std::int64_t count) {
  if (count >= 0) return with_thousands(static_cast<std::uint64_t>(count));
  return "-" + with_thousands(0 - static_cast<std::uint64_t>(count));
}

std::string count_of(std::uint64_t count, std::string_view noun, std::string_view plural) {
  std::string result = with_thousands(count) + " ";
  if (count == 1) return result.append(noun);
  if (!plural.empty()) return result.append(plural);
  return result.append(noun).append("s");
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string result;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) result += separator;
    result += parts[i];
  }
  return result;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the table: two above for a swap, one above, and the one being filled.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

std::optional<std::string> closest_name(std::string_view name,
                                        std::span<const std::string> candidates) {
  const std::string wanted = ascii_lower(name);
  const std::size_t distance_max = std::max<std::size_t>(1, name.size() / 3);
  const std::string* best = nullptr;
  std::size_t best_distance = distance_max + 1;
  for (const std::string& candidate : candidates) {
    if (candidate == name) continue;
    const std::size_t shorter = std::min(candidate.size(), name.size());
    const std::size_t longer = std::max(candidate.size(), name.size());
    if (longer - shorter >= best_distance) continue;  // The distance is at least that much.
    const std::size_t distance = edit_distance(wanted, ascii_lower(candidate));
    if (distance >= best_distance) continue;
    // A name of one or two letters is within one edit of most others: no hint is better than noise.
    if (distance > 0 && name.size() < 3) continue;
    best = &candidate;
    best_distance = distance;
  }
  return best == nullptr ? std::nullopt : std::optional<std::string>(*best);
}

}  // namespace entail
