// vm/rank_table.h - rows of words, put in partitions and sorted, with what window functions make of them.
//
//     row_number() OVER (PARTITION BY city ORDER BY age)         receive    (ann, 30) (bob, 20) (cid, 30)
//                                                                compute    city | 20 bob | 30 ann | 30 cid
//                                                                next       bob 1, ann 2, cid 3
//
// Rows arrive as words: first those that are handed on, behind them partition values, order values, the
// arguments of the functions and the bounds, as the spec says. Rows whose partition words are equal are a
// partition; partitions come in the order of their values, and rows in the spec's order, so that what is
// handed on does not depend on the order of arrival.
//
// Frames. Each row's is a stretch [from, to) of its partition, without what EXCLUDE takes out:
//
//     sum(x) OVER (ORDER BY age ROWS 1 PRECEDING EXCLUDE CURRENT ROW)      20 30 40     frame of 40: [30, 40) 40
//
// RANGE with an offset: each row brings the value that its frame reaches to; where that lies is searched for.
//
// Cost: the sort; beside it a few ns a row and function, with an offset of RANGE O(log n). Aggregates over
// frames: vm/frame_aggregate.h.
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vm/base/expected.h"
#include "vm/base/memory_budget.h"
#include "vm/frame_aggregate.h"
#include "vm/gathering_table.h"
#include "vm/program.h"
#include "vm/row_sorter.h"
#include "vm/type.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::vm {

enum class RankKind : std::uint8_t {
  kRowNumber,
  kRank,
  kDenseRank,
  kLag,
  kLead,
  kFirstValue,
  kLastValue,
  kNthValue,
  kPercentRank,
  kCumeDist,
  kNtile,
  kAggregate
};

enum class RankFrameMode : std::uint8_t { kRange, kRows, kGroups };
enum class RankBound : std::uint8_t { kUnbounded, kPreceding, kCurrent, kFollowing };

enum class RankExclusion : std::uint8_t { kNone, kCurrentRow, kGroup, kTies };

struct RankEdge {
  RankBound bound = RankBound::kUnbounded;
  // kPreceding, kFollowing; behind it its null flag. kRange: whether the offset is negative.
  std::optional<std::uint32_t> offset_word;
  std::optional<SortColumn> value;  // kRange with an offset: what the frame reaches to.
};

struct RankFunctionSpec {
  RankKind kind = RankKind::kRowNumber;
  std::vector<SortColumn> arguments;  // Only place and type count.
  // kAggregate: the arguments are its argument, if it has one, and a delimiter.
  AggregateSpec aggregate;
  std::optional<SortColumn> filter;
  std::uint32_t result_words = 1;  // Those of a value that may be null have the flag behind them.
};

struct RankSpec {
  std::uint32_t words = 0;       // Of a row that arrives.
  std::uint32_t kept_words = 0;  // Of those the first so many are handed on.
  std::vector<SortColumn> partition;
  std::vector<SortColumn> order;
  std::vector<SortColumn> ties;
  RankFrameMode mode = RankFrameMode::kRange;
  RankEdge from{RankBound::kUnbounded, {}, {}};
  RankEdge to{RankBound::kCurrent, {}, {}};
  std::optional<SortColumn> range_value;  // kRange with an offset: what edges' values compare with.
  RankExclusion exclusion = RankExclusion::kNone;
  std::vector<RankFunctionSpec> functions;
  std::optional<std::uint32_t> limit_word, offset_word;  // Behind each its null flag.
  bool with_ties = false;
};

class RankTable final : public GatheringTable {
 public:
  RankTable(RankSpec spec, ValuePool& pool, MemoryBudget* memory);
  ~RankTable() override;

  void clear() override;
  bool receive(std::span<const Word* const> columns, std::size_t n) override;
  Expected<void> compute() override;
  // Kept words and then results.
  std::size_t next(std::uint64_t& position, std::span<Word* const> out,
                   std::size_t capacity) const override;

 private:
  struct Partition;
  Expected<void> compute_partition(const Partition& partition);
  Expected<void> compute_function(const Partition& partition, std::size_t function);
  Expected<void> check_edges(const Partition& partition) const;
  void find_frames(const Partition& partition);
  // Where rows begin whose order value lies at or behind (`end`: behind) the edge of row p's frame.
  std::uint32_t reached(const Partition& partition, std::uint32_t p, const SortColumn& edge,
                        bool end) const;
  RowFrame frame_of(std::uint32_t p) const;
  Expected<void> aggregate(const Partition& partition, std::size_t function);
  Word at(std::size_t position, std::uint32_t word) const {
    return columns_[word][sorted_[position]];
  }
  bool is_null(std::size_t position, const SortColumn& column) const {
    return column.nullable && at(position, column.word + value_words(column.type)) != 0;
  }
  void put(std::size_t function, std::size_t position, std::span<const Word> words);
  void put_value(std::size_t function, std::size_t position, std::optional<std::size_t> from);

  const RankSpec spec_;
  ValuePool& pool_;
  MemoryBudget* memory_;
  std::uint64_t booked_ = 0;
  bool refused_ = false;
  std::size_t rows_ = 0;
  std::vector<std::vector<Word>> columns_;  // As they arrived.
  RowSorter sorter_;
  std::vector<std::uint32_t> sorted_;       // Rows in order: positions count in it.
  std::vector<std::uint32_t> peers_;        // By position: where its peers begin …
  std::vector<std::uint32_t> ends_;         //   … and end,
  std::vector<std::uint32_t> groups_;       //   and how many groups of peers stand before.
  std::vector<std::uint32_t> from_, to_;    // By position: its frame.
  std::vector<std::vector<Word>> results_;  // By word, then by position.
  std::vector<std::uint32_t> kept_;         // Positions that are handed on.
};

}  // namespace entail::vm
