// vm/numeric_sum.h - sums of numerics that can be taken back, scale and all.
//
// The sum of numerics displays as many digits behind the point as the one of them that displays most, so
// what is kept beside the sum is how many there are of each scale; and of those that are no number.
//
//     1.50 + 2.125 = 3.625       scales 2, 3
//     taken back 2.125: 1.50     scale 2
//
// The result is what adding them one by one gives (vm/sql_aggregates.h), in any order. A value may be
// taken back before it is added.
//
// Cost: that of one addition. Threads: one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "vm/numeric_value.h"
#include "vm/word.h"

namespace entail::vm {

class NumericSum {
 public:
  // Adds the value (sign 1), or takes it back (-1).
  void add(const NumericValue& value, int sign);

  NumericValue result() const;

  // Whether what was added was taken back.
  bool is_empty() const { return scales_.empty() && nans_ == 0 && plus_ == 0 && minus_ == 0; }

  // All that it holds as words, for another process; of_words() gives nothing for words that are none.
  void append_words(std::vector<Word>& out) const;
  static std::optional<NumericSum> of_words(std::span<const Word> words);

  std::size_t bytes_used() const {
    return sizeof(*this) + scales_.capacity() * sizeof(scales_[0]) + sum_.magnitude.bytes_used();
  }

 private:
  void count_scale(std::int32_t scale, int sign);

  NumericValue sum_;  // Of those that are finite, at the largest of their scales.
  std::vector<std::pair<std::int32_t, std::int64_t>> scales_;  // How many; the largest scale first.
  std::int64_t nans_ = 0;
  std::int64_t plus_ = 0;  // Infinities.
  std::int64_t minus_ = 0;
};

}  // namespace entail::vm
