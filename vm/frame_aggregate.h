// vm/frame_aggregate.h - an aggregate over frames of rows that move with the row they belong to.
//
//     sum(x) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)       x       3     5     4     8
//                                                                  frame  [0,1) [0,2) [1,3) [2,4)
//                                                                  sum     3     8     9     12
//
// Three ways, chosen by the frame that is asked for:
//
//     grown     it begins where the last one did: what came behind is added to it
//     few       it has few rows, or the aggregate keeps all of them anyway: they are added one by one
//     merged    a tree of accumulators over runs of 1, 2, 4 … rows; a frame is a union of O(log n) of them
//
// Nothing is ever taken out of an accumulator, so every aggregate goes every way.
//
// Cost: grown O(1) a row; merged O(log n), and an accumulator for each row once. Threads: one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "vm/program.h"
#include "vm/sql_aggregates.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::vm {

// A set of rows, in order: at most three stretches, as EXCLUDE leaves them.
class RowFrame {
 public:
  struct Stretch {
    std::uint32_t from = 0, to = 0;
    friend bool operator==(const Stretch&, const Stretch&) = default;
  };

  // Behind those that are there. Nothing where from >= to.
  void add(std::uint32_t from, std::uint32_t to) {
    if (from >= to) return;
    if (count_ > 0 && stretches_[count_ - 1].to == from) {
      stretches_[count_ - 1].to = to;
    } else {
      stretches_[count_++] = {from, to};
    }
  }
  // Counts rows from `origin` on.
  void move(std::uint32_t origin) {
    for (std::size_t i = 0; i < count_; ++i) {
      stretches_[i].from -= origin;
      stretches_[i].to -= origin;
    }
  }
  std::uint32_t rows() const {
    std::uint32_t rows = 0;
    for (std::size_t i = 0; i < count_; ++i) rows += stretches_[i].to - stretches_[i].from;
    return rows;
  }
  std::optional<std::size_t> nth(std::uint64_t n) const {
    for (std::size_t i = 0; i < count_; ++i) {
      const std::uint32_t here = stretches_[i].to - stretches_[i].from;
      if (n < here) return stretches_[i].from + static_cast<std::size_t>(n);
      n -= here;
    }
    return std::nullopt;
  }
  const Stretch* begin() const { return stretches_.data(); }
  const Stretch* end() const { return stretches_.data() + count_; }
  friend bool operator==(const RowFrame&, const RowFrame&) = default;

 private:
  std::array<Stretch, 3> stretches_{};
  std::size_t count_ = 0;
};

class FrameAggregate {
 public:
  // The rows: `columns` holds the value's first word, if there is a value, then the spec's extra words;
  // `flags` as SqlAccumulator::step() takes nulls.
  FrameAggregate(const AggregateSpec& spec, std::vector<std::vector<Word>> columns,
                 std::vector<Word> flags, ValuePool& pool);

  // Valid until the next call.
  const SqlAggregateResult& over(const RowFrame& frame);

 private:
  void add_rows(std::uint32_t from, std::uint32_t to);
  void build_tree();
  void merge_rows(std::uint32_t from, std::uint32_t to);

  AggregateSpec spec_;
  std::vector<std::vector<Word>> columns_;
  std::vector<Word> flags_;
  ValuePool& pool_;
  SqlAccumulator running_;  // Its one lane holds the frame `last_`.
  // Lane n + i is row i, lane k the union of lanes 2 k and 2 k + 1.
  std::optional<SqlAccumulator> tree_;
  std::optional<RowFrame> last_;
  SqlAggregateResult result_;
  std::vector<std::uint32_t> origins_;  // Zeros.
};

}  // namespace entail::vm
