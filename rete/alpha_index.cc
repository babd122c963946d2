#include "rete/alpha_index.h"

#include <algorithm>

#include "vm/base/plant.h"

namespace entail::rete {

namespace {

// Readers with the smallest requirement first: those a row passes are then a prefix.
template <typename Bounded>
bool comes_before(const Bounded& a, const Bounded& b, bool is_below) {
  if (a.bound != b.bound) return is_below ? a.bound > b.bound : a.bound < b.bound;
  return a.is_inclusive && !b.is_inclusive;
}

}  // namespace

std::size_t AlphaIndex::WordsHash::operator()(const std::vector<vm::Word>& words) const {
  std::uint64_t hash = 0x9e3779b97f4a7c15ULL;
  for (const vm::Word word : words) {
    hash = (hash ^ word) * 0xbf58476d1ce4e5b9ULL;
    hash ^= hash >> 31U;
  }
  return hash;
}

void AlphaIndex::clear() {
  reader_count_ = 0;
  groups_.clear();
  untested_.clear();
}

void AlphaIndex::add(std::uint32_t reader, const compiler::StandingFragment& fragment) {
  ++reader_count_;
  if (fragment.tests.empty() && !fragment.range) {
    untested_.push_back(reader);
    return;
  }
  std::vector<std::uint32_t> words;
  std::vector<vm::Word> key;
  for (const compiler::SourceTest& test : fragment.tests) {
    words.push_back(test.word);
    key.push_back(test.value);
  }
  auto group = std::find_if(groups_.begin(), groups_.end(), [&](const Group& known) {
    if (known.words != words || known.range_word.has_value() != fragment.range.has_value()) {
      return false;
    }
    return !fragment.range || (*known.range_word == fragment.range->word &&
                               known.is_below == fragment.range->is_below);
  });
  if (group == groups_.end()) {
    groups_.emplace_back();
    group = groups_.end() - 1;
    group->words = words;
    if (fragment.range) {
      group->range_word = fragment.range->word;
      group->is_below = fragment.range->is_below;
      group->kind = fragment.range->kind;
    }
  }
  Bucket& bucket = group->buckets[key];
  if (!fragment.range) {
    bucket.always.push_back(reader);
    return;
  }
  const Bounded bounded{fragment.range->bound, fragment.range->is_inclusive, reader};
  const bool is_below = group->is_below;
  bucket.bounded.insert(std::upper_bound(bucket.bounded.begin(), bucket.bounded.end(), bounded,
                                         [&](const Bounded& a, const Bounded& b) {
                                           return comes_before(a, b, is_below);
                                         }),
                        bounded);
}

void AlphaIndex::found(std::uint32_t reader, vm::Row row) {
  std::vector<vm::Row>& rows = rows_of_[reader];
  if (rows.empty()) touched_.push_back(reader);
  rows.push_back(row);
}

void AlphaIndex::match_group(const Group& group, const vm::StandingRelation& relation,
                             std::span<const vm::Row> rows) {
  loaded_.resize(std::max(loaded_.size(), group.words.size()));
  for (std::size_t k = 0; k < group.words.size(); ++k) {
    loaded_[k].resize(rows.size());
    relation.load(group.words[k], rows.data(), rows.size(), loaded_[k].data());
  }
  if (group.range_word) {
    range_words_.resize(rows.size());
    relation.load(*group.range_word, rows.data(), rows.size(), range_words_.data());
  }
  key_.resize(group.words.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t k = 0; k < key_.size(); ++k) key_[k] = loaded_[k][i];
    const auto bucket = group.buckets.find(key_);
    if (bucket == group.buckets.end()) continue;
    for (const std::uint32_t reader : bucket->second.always) found(reader, rows[i]);
    if (bucket->second.bounded.empty()) continue;
    const std::uint64_t value = vm::order_key(range_words_[i], group.kind);
    for (const Bounded& bounded : bucket->second.bounded) {
      const bool passes = value == bounded.bound ? bounded.is_inclusive && !ENTAIL_PLANT_BUG(67)
                                                 : (value < bounded.bound) == group.is_below;
      // Past the value no bound can be met; at an equal one, an inclusive bound stands first.
      if (!passes) break;
      found(bounded.reader, rows[i]);
    }
  }
}

void AlphaIndex::match(const vm::StandingRelation& relation, std::span<const vm::Row> rows,
                       const Reader& f) {
  if (rows.empty()) return;
  for (const Group& group : groups_) match_group(group, relation, rows);
  if (touched_.empty()) {
    for (const std::uint32_t reader : untested_) f(reader, rows);
    return;
  }
  std::vector<std::uint32_t> readers = std::move(touched_);
  touched_.clear();
  std::sort(readers.begin(), readers.end());
  std::size_t next = 0;
  for (const std::uint32_t reader : readers) {
    for (; next < untested_.size() && untested_[next] < reader; ++next) f(untested_[next], rows);
    std::vector<vm::Row>& own = rows_of_[reader];
    f(reader, own);
    own.clear();
  }
  for (; next < untested_.size(); ++next) f(untested_[next], rows);
}

std::uint64_t AlphaIndex::bytes_used() const {
  std::uint64_t bytes = groups_.capacity() * sizeof(Group) +
                        untested_.capacity() * sizeof(std::uint32_t) +
                        rows_of_.size() * (sizeof(std::uint32_t) + sizeof(std::vector<vm::Row>));
  for (const Group& group : groups_) {
    bytes += group.buckets.bucket_count() * (sizeof(std::vector<vm::Word>) + sizeof(Bucket));
    for (const auto& [key, bucket] : group.buckets) {
      bytes += key.capacity() * sizeof(vm::Word) +
               bucket.always.capacity() * sizeof(std::uint32_t) +
               bucket.bounded.capacity() * sizeof(Bounded);
    }
  }
  return bytes;
}

}  // namespace entail::rete
