// vm/pattern_table.h - rows of words, put in partitions and sorted, with the matches of an event pattern.
//
//     PARTITION BY symbol ORDER BY ts PATTERN (A B)      receive   (x, 1, 30) (y, 2, 10) (x, 3, 20)
//                                                        compute   x | 1 2    y | 1 matches nothing
//                                                        next      x, 30, 20
//
// What is handed on are the measures, a row for each match or for each of its rows.
//
// Cost: the sort; then vm/pattern_matcher.h. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "vm/base/expected.h"
#include "vm/base/memory_budget.h"
#include "vm/gathering_table.h"
#include "vm/pattern_matcher.h"
#include "vm/pattern_program.h"
#include "vm/row_sorter.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::vm {

class PatternTable final : public GatheringTable {
 public:
  PatternTable(PatternSpec spec, ValuePool& pool, MemoryBudget* memory);
  ~PatternTable() override;

  void clear() override;
  bool receive(std::span<const Word* const> columns, std::size_t n) override;
  Expected<void> compute() override;
  std::size_t next(std::uint64_t& position, std::span<Word* const> out,
                   std::size_t capacity) const override;

  const PatternSpec& spec() const { return spec_; }
  // Where rows do not bring it: the watermark that compute() goes by.
  void set_watermark(std::optional<std::int64_t> watermark) { given_watermark_ = watermark; }
  // After compute(): of each partition in which the watermark may decide something more, the first instant, and
  // a row of it as it arrived.
  const std::vector<std::pair<std::int64_t, std::uint32_t>>& instants() const { return instants_; }
  Word word_of_row(std::uint32_t row, std::uint32_t word) const { return columns_[word][row]; }

 private:
  bool is_watermark(std::uint32_t row) const;
  std::optional<std::int64_t> find_watermark() const;
  Expected<void> put_out(std::span<const std::uint32_t> partition,
                         std::span<const PatternMatch> matches);
  Expected<void> put_row(const PatternMatch* match, std::span<const LabelledRow> running,
                         std::uint32_t start, std::optional<std::uint32_t> row);

  const PatternSpec spec_;
  ValuePool& pool_;
  MemoryBudget* memory_;
  std::uint64_t booked_ = 0;
  bool refused_ = false;
  std::size_t rows_ = 0;
  PatternColumns columns_;  // As they arrived.
  RowSorter sorter_;
  PatternMatcher matcher_;
  std::vector<std::uint32_t> sorted_;
  std::optional<std::int64_t> given_watermark_;
  std::vector<std::pair<std::int64_t, std::uint32_t>> instants_;
  std::vector<std::vector<Word>> results_;  // By word.
  std::size_t result_rows_ = 0;
};

}  // namespace entail::vm
