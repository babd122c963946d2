// rete/alpha_index.h - which of many readers of a relation a changed row concerns.
//
// A reader (a change fragment) may test its source row against constants: `status = "NEW"`, `total >
// 1000`. Two thousand rules that differ in their constants are two thousand readers; a row must find the
// few that it passes without asking each. Readers are grouped by *which* columns they test; each group
// looks the row's words up once.
//
//     order(c, "DE", t), t > 50      group  equal {1}, above {2}     "DE" -> 20, 50, 90   (by bound)
//     order(c, "AT", t), t > 90                                      "AT" -> 90
//     order(c, k, t)                 group  -                        always
//
// Cost: a look-up a group and row, and what passes. Threads: one.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "compiler/standing_code.h"
#include "vm/standing_relation.h"

namespace entail::rete {

class AlphaIndex {
 public:
  // `reader` is the caller's number for the fragment.
  void add(std::uint32_t reader, const compiler::StandingFragment& fragment);
  void clear();
  std::size_t size() const { return reader_count_; }

  // Calls f(reader, its rows) for each reader that some row concerns, in the order of readers. The tests
  // that are not looked at here are the fragment's own; a row too many does no harm.
  using Reader = std::function<void(std::uint32_t reader, std::span<const vm::Row> rows)>;
  void match(const vm::StandingRelation& relation, std::span<const vm::Row> rows, const Reader& f);

  std::uint64_t bytes_used() const;

 private:
  struct Bounded {
    std::uint64_t bound = 0;  // Of order_key().
    bool is_inclusive = false;
    std::uint32_t reader = 0;
  };
  // The readers of one group with the same constants, those with a bound sorted by it.
  struct Bucket {
    std::vector<std::uint32_t> always;
    std::vector<Bounded> bounded;
  };
  struct WordsHash {
    std::size_t operator()(const std::vector<vm::Word>& words) const;
  };
  struct Group {
    std::vector<std::uint32_t> words;  // Tested for equality.
    std::optional<std::uint32_t> range_word;
    bool is_below = false;
    vm::ColumnOrderKind kind = vm::ColumnOrderKind::kSigned;
    boost::unordered_flat_map<std::vector<vm::Word>, Bucket, WordsHash> buckets;
  };

  void match_group(const Group& group, const vm::StandingRelation& relation,
                   std::span<const vm::Row> rows);
  void found(std::uint32_t reader, vm::Row row);

  std::size_t reader_count_ = 0;
  std::vector<Group> groups_;
  std::vector<std::uint32_t> untested_;  // Readers without a test: all rows are theirs.
  // Of the call that runs.
  boost::unordered_flat_map<std::uint32_t, std::vector<vm::Row>> rows_of_;
  std::vector<std::uint32_t> touched_;
  std::vector<std::vector<vm::Word>> loaded_;
  std::vector<vm::Word> range_words_;
  std::vector<vm::Word> key_;
};

}  // namespace entail::rete
