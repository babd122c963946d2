// vm/standing_groups_image.cc - groups that go to another process; see standing_groups.h.

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "vm/base/ensure.h"
#include "vm/standing_groups.h"

namespace entail::vm {

Expected<void> StandingGroups::save(std::size_t words,
                                    const std::function<Expected<void>(const Image&)>& give) const {
  ENTAIL_ENSURE(saved_.empty() && log_.empty() && touched_.empty());
  std::vector<bool> is_free(group_slots_);
  for (std::uint32_t group = free_group_; group != RowMap::kNone;
       group = static_cast<std::uint32_t>(record(group)[rows_at_])) {
    is_free[group] = true;
  }
  Image image;
  std::size_t taken = 0;
  const auto begin = [&] {
    image = {};
    image.keys.resize(options_.key_words);
    image.flat.resize(flat_words());
    image.values.resize(aggregates_.size());
    image.sums.resize(aggregates_.size());
    taken = 0;
  };
  begin();
  for (std::uint32_t group = 0; group < group_slots_; ++group) {
    if (is_free[group]) continue;
    taken += add_to_image(record(group), image);
    if (taken < words) continue;
    if (auto given = give(image); !given) return given;
    begin();
  }
  if (image.n == 0) return {};
  return give(image);
}

// Returns how many words it has.
std::size_t StandingGroups::add_to_image(const Word* words, Image& image) const {
  std::size_t added = flat_end_;
  ++image.n;
  for (std::size_t w = 0; w < image.keys.size(); ++w) image.keys[w].push_back(words[w]);
  for (std::size_t w = 0; w < image.flat.size(); ++w) image.flat[w].push_back(words[rows_at_ + w]);
  for (std::size_t k = 0; k < aggregates_.size(); ++k) {
    const Aggregate& aggregate = aggregates_[k];
    const auto add = [&](Image::Beside& beside, auto fill) {
      const std::size_t before = beside.words.size();
      fill();
      beside.sizes.push_back(static_cast<std::uint32_t>(beside.words.size() - before));
      added += beside.words.size() - before;
    };
    if (aggregate.keeps_values()) {
      Image::Beside& beside = image.values[k];
      add(beside, [&] {
        multisets_.for_each(words[aggregate.state], [&](Word value, std::int64_t count) {
          beside.words.push_back(value);
          beside.counts.push_back(count);
        });
      });
    }
    if (aggregate.sum == 0) continue;
    Image::Beside& beside = image.sums[k];
    add(beside, [&] {
      const Word number = words[aggregate.sum];
      if (number == 0) return;
      if (aggregate.form == Form::kExactSum) {
        exacts_.at(number).append_words(beside.words);
      } else {
        numerics_.at(number).append_words(beside.words);
      }
    });
  }
  return added;
}

Expected<void> StandingGroups::begin_restore(std::size_t groups) {
  const std::uint64_t size = (std::uint64_t{group_slots_} + groups) * stride_;
  if (group_slots_ + groups >= RowMap::kNone || !map_.reserve(map_.size() + groups) ||
      !records_.reserve(size)) {
    return limit_error();
  }
  return {};
}

Expected<void> StandingGroups::restore(const Image& image) {
  const auto fits = [&](const Image::Beside& beside, bool is_kept, bool has_counts) {
    const std::size_t words =
        std::accumulate(beside.sizes.begin(), beside.sizes.end(), std::size_t{0});
    return beside.sizes.size() == (is_kept ? image.n : 0) && beside.words.size() == words &&
           beside.counts.size() == (has_counts ? words : 0);
  };
  for (std::size_t k = 0; k < aggregates_.size(); ++k) {
    if (!fits(image.values[k], keeps_values(k), true) ||
        !fits(image.sums[k], keeps_sums(k), false)) {
      return unexpected(ErrorCode::kCorrupt, "what is kept beside groups does not fit them");
    }
  }
  if (auto room = begin_restore(image.n); !room) return room;
  const std::uint32_t first = group_slots_;
  records_.resize_uninitialized((std::uint64_t{first} + image.n) * stride_);
  group_slots_ += static_cast<std::uint32_t>(image.n);
  std::vector<const Word*> keys;
  for (const std::vector<Word>& words : image.keys) keys.push_back(words.data());
  tags_.resize(image.n);
  hash_rows(keys, image.n, tags_.data());
  for (std::size_t i = 0; i < image.n; ++i) {
    const std::uint32_t group = first + static_cast<std::uint32_t>(i);
    Word* const words = record(group);
    for (std::size_t w = 0; w < keys.size(); ++w) words[w] = keys[w][i];
    for (std::size_t w = 0; w < image.flat.size(); ++w) words[rows_at_ + w] = image.flat[w][i];
    std::fill(words + flat_end_, words + stride_, 0);
    map_.insert(tags_[i], group);
  }
  for (std::size_t w = 0; any_key_handle_ && w < keys.size(); ++w) {
    if (options_.key_handles[w]) options_.pool->retain_column(keys[w], image.n);
  }
  for (std::size_t k = 0; k < aggregates_.size(); ++k) {
    if (!restore_beside(k, image, first)) return limit_error();
  }
  return {};
}

// Of the groups from `first` on.
bool StandingGroups::restore_beside(std::size_t k, const Image& image, std::uint32_t first) {
  const Aggregate& aggregate = aggregates_[k];
  if (aggregate.keeps_values()) {
    const Image::Beside& beside = image.values[k];
    // Handles are other words than they were in the other process.
    const bool sorts = aggregate.owns && aggregate.order() == ValueMultisets::Order::kWords;
    std::vector<std::pair<Word, std::int64_t>> sorted;
    std::vector<Word> values;
    std::vector<std::int64_t> counts;
    std::size_t at = 0;
    for (std::size_t i = 0; i < image.n; at += beside.sizes[i++]) {
      const std::size_t size = beside.sizes[i];
      if (size == 0) continue;
      const Word* words = &beside.words[at];
      const std::int64_t* times = &beside.counts[at];
      if (sorts) {
        sorted.clear();
        for (std::size_t v = 0; v < size; ++v) sorted.emplace_back(words[v], times[v]);
        std::sort(sorted.begin(), sorted.end());
        values.clear();
        counts.clear();
        for (const auto& [value, count] : sorted) {
          values.push_back(value);
          counts.push_back(count);
        }
        words = values.data();
        times = counts.data();
      }
      Word& root = record(first + static_cast<std::uint32_t>(i))[aggregate.state];
      root = multisets_.build(words, times, size);
      if (root == 0) return false;
      if (aggregate.owns) options_.pool->retain_column(words, size);
    }
  }
  if (aggregate.sum == 0) return true;
  const Image::Beside& sums = image.sums[k];
  std::size_t at = 0;
  for (std::size_t i = 0; i < image.n; at += sums.sizes[i++]) {
    if (sums.sizes[i] == 0) continue;
    Word& number = record(first + static_cast<std::uint32_t>(i))[aggregate.sum];
    const std::span<const Word> words(&sums.words[at], sums.sizes[i]);
    const auto put = [&](auto& store, auto sum) {
      return sum.has_value() && store.put(number, std::move(*sum));
    };
    const bool is_put = aggregate.form == Form::kExactSum
                            ? put(exacts_, ExactSum::of_words(words))
                            : put(numerics_, NumericSum::of_words(words));
    if (!is_put) return false;
  }
  return true;
}

}  // namespace entail::vm
