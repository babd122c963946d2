// vm/standing_groups_epoch.cc - how epochs of groups end, and the checks; see standing_groups.h.

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/standing_groups.h"

namespace entail::vm {

namespace {

constexpr std::uint64_t kKeptScratchMin = 16 << 10;

}  // namespace

// ------------------------------------------------------------------------------ epochs

// What is kept of the arrays that only a large epoch needs: little, beside the groups themselves.
std::uint64_t StandingGroups::kept_scratch() const {
  return std::max<std::uint64_t>(kKeptScratchMin, records_.bytes() / 8);
}

void StandingGroups::end_epoch() {
  saved_.clear();
  log_.clear();
  if (saved_.bytes() > kept_scratch()) saved_.reset();
  if (log_.bytes() > kept_scratch()) log_.reset();
  multisets_.trim();
}

void StandingGroups::commit() {
  ENTAIL_ENSURE(touched_.empty());
  for (const LogEntry& entry : log_) {
    const Aggregate& aggregate = aggregates_[entry.aggregate];
    const bool gone = entry.transition == Transition::kDisappeared;
    if ((gone && aggregate.owns) || aggregate.logs_owned) options_.pool->release(entry.value);
  }
  for (std::size_t at = 0; at < saved_.size(); at += 1 + flat_end_ - rows_at_) {
    const auto group = static_cast<std::uint32_t>(saved_[at]);
    Word* const words = record(group);
    words[rows_at_] &= ~kSavedFlag;
    if (rows_of(words) == 0) free_group(group, tag_of(words, key_pointers_));
  }
  end_epoch();
}

void StandingGroups::abort() {
  for (std::size_t at = log_.size(); at-- > 0;) {
    const LogEntry& entry = log_[at];
    const Aggregate& aggregate = aggregates_[entry.aggregate];
    Word* const words = record(entry.group);
    if (!aggregate.keeps_values()) {
      static_cast<void>(add_sum(aggregate, words, entry.value, -entry.sign));
      if (aggregate.logs_owned) options_.pool->release(entry.value);
      continue;
    }
    if (aggregate.sum != 0 && entry.transition != Transition::kNone) {
      const int by = entry.transition == Transition::kAppeared ? -1 : 1;
      static_cast<void>(add_sum(aggregate, words, entry.value, by));
    }
    // A value that disappeared and comes back still has its reference; one that appeared has one
    // too many for each time.
    Word& root = words[aggregate.state];
    multisets_.reserve_change_anyway(root);
    multisets_.add(root, aggregate.order(), multiset_key(aggregate, entry.value), -entry.sign);
    if (entry.transition == Transition::kAppeared && aggregate.owns) {
      options_.pool->release(entry.value);
    }
  }
  ENTAIL_ENSURE(!multisets_.any_negative());
  for (std::size_t at = 0; at < saved_.size(); at += 1 + flat_end_ - rows_at_) {
    const auto group = static_cast<std::uint32_t>(saved_[at]);
    const bool created = saved_[at] >> 32 != 0;
    Word* const words = record(group);
    std::copy_n(saved_.data() + at + 1, flat_end_ - rows_at_, words + rows_at_);
    if (created) {
      free_group(group, tag_of(words, key_pointers_));
      continue;
    }
    for (const Aggregate& aggregate : aggregates_) {
      if (aggregate.form != Form::kExactSum || words[aggregate.sum] == 0) continue;
      static_cast<void>(exacts_.change(words[aggregate.sum], [](ExactSum& sum) { sum.compact(); }));
    }
  }
  touched_.clear();
  end_epoch();
}

// The groups are about to be no more: neither are their references.
void StandingGroups::release_all() {
  map_.for_each([&](std::uint32_t, std::uint32_t group) {
    const Word* const words = record(group);
    for (std::size_t w = 0; any_key_handle_ && w < options_.key_words; ++w) {
      if (options_.key_handles[w]) options_.pool->release(words[w]);
    }
    for (const Aggregate& aggregate : aggregates_) {
      if (!aggregate.owns) continue;
      // Handles are kept as they are, whatever the order.
      multisets_.for_each(words[aggregate.state],
                          [&](Word value, std::int64_t) { options_.pool->release(value); });
    }
  });
}

// ------------------------------------------------------------------------------ checks

std::uint64_t StandingGroups::bytes_used() const {
  return sizeof(*this) + aggregates_.capacity() * sizeof(Aggregate) + records_.bytes() +
         map_.bytes_used() + multisets_.bytes_used() + exacts_.bytes_used() +
         numerics_.bytes_used() + touched_.bytes() + saved_.bytes() + log_.bytes() +
         (tags_.capacity() + origins_.capacity()) * sizeof(std::uint32_t);
}

void StandingGroups::verify() const {
  ENTAIL_ENSURE(touched_.empty());
  std::vector<const Word*> pointers;
  std::uint64_t multiset_words = 0;
  std::uint64_t exact_count = 0, numeric_count = 0;
  std::vector<bool> seen(group_slots_, false);
  const auto see = [&](std::uint32_t group) {
    ENTAIL_ENSURE(group < group_slots_ && !seen[group]);
    seen[group] = true;
  };
  map_.for_each([&](std::uint32_t tag, std::uint32_t group) {
    see(group);
    const Word* const words = record(group);
    ENTAIL_ENSURE(tag_of(words, pointers) == tag);
    ENTAIL_ENSURE(find(tag, pointers, 0) == group);
    const std::int64_t rows = rows_of(words);
    const bool saved = (words[rows_at_] & kSavedFlag) != 0;
    ENTAIL_ENSURE(rows > 0 || (rows == 0 && saved));
    ENTAIL_ENSURE((words[rows_at_] & kTouchedFlag) == 0);
    for (std::size_t w = 0; any_key_handle_ && w < options_.key_words; ++w) {
      if (options_.key_handles[w] && is_handle_word(words[w])) {
        ENTAIL_ENSURE(options_.pool->reference_count(words[w]) > 0);
      }
    }
    for (const Aggregate& aggregate : aggregates_) {
      const std::int64_t count = count_of(aggregate, words);
      ENTAIL_ENSURE(count >= 0 && count <= rows);
      if (aggregate.form == Form::kSum && rows == 0) ENTAIL_ENSURE(words[aggregate.flat] == 0);
      if (aggregate.form == Form::kExactSum && words[aggregate.sum] != 0) {
        ++exact_count;
        if (rows == 0) ENTAIL_ENSURE(exacts_.at(words[aggregate.sum]).result() == 0.0);
      }
      if (aggregate.form == Form::kNumericSum && words[aggregate.sum] != 0) {
        ++numeric_count;
        if (rows == 0) ENTAIL_ENSURE(numerics_.at(words[aggregate.sum]).is_empty());
      }
      if (!aggregate.keeps_values()) continue;
      const Word root = words[aggregate.state];
      const auto census = multisets_.verify(root, aggregate.order());
      multiset_words += census.words;
      ENTAIL_ENSURE(census.occurrences <= rows);
      if (!aggregate.nullable) ENTAIL_ENSURE(census.occurrences == rows);
      if (aggregate.form == Form::kDistinct) ENTAIL_ENSURE(words[aggregate.flat] == census.values);
      if (aggregate.once) ENTAIL_ENSURE(static_cast<std::uint64_t>(count) == census.values);
      multisets_.for_each(root, [&](Word value, std::int64_t occurrences) {
        ENTAIL_ENSURE(occurrences > 0);
        if (aggregate.owns && is_handle_word(value)) {
          ENTAIL_ENSURE(options_.pool->reference_count(value) > 0);
        }
      });
    }
  });
  for (std::uint32_t group = free_group_; group != RowMap::kNone;
       group = static_cast<std::uint32_t>(record(group)[rows_at_])) {
    see(group);
  }
  ENTAIL_ENSURE(std::find(seen.begin(), seen.end(), false) == seen.end());
  ENTAIL_ENSURE(multiset_words == multisets_.live_words());
  ENTAIL_ENSURE(exacts_.verify() && numerics_.verify());
  ENTAIL_ENSURE(exact_count == exacts_.in_use() && numeric_count == numerics_.in_use());
}

}  // namespace entail::vm
