// compiler/internal/answer_collector.h - the rows of an answer on their way to the sink: sorted and limited.
//
// Rows that need no order go on at once, the first `offset` left out, until the limit is reached. Others are
// gathered; with a limit only those that may still be among the first are kept.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "compiler/prepared_query.h"
#include "vm/row_sorter.h"

namespace entail::compiler::internal {

class AnswerCollector final : public vm::RowReceiver {
 public:
  // `answer`: layout of the answer relation; its first `words` go to the sink.
  AnswerCollector(const RelationLayout& answer, std::uint32_t words,
                  const std::vector<datalog::SortKey>& order, const vm::ValuePool& pool,
                  MemoryBudget* memory);
  ~AnswerCollector() override;

  // nullopt: all.
  void begin(RowSink& sink, std::uint64_t offset, std::optional<std::uint64_t> limit);
  bool receive(std::span<const vm::Word* const> columns, std::size_t n) override;
  // Hands on what was gathered; fails where receive() or the sink did.
  Expected<void> finish();
  void clear();

  std::uint64_t rows_found() const { return found_; }
  std::uint64_t rows_returned() const { return returned_; }
  std::uint64_t bytes_used() const;

 private:
  bool pass_on(std::span<const vm::Word* const> columns, std::size_t n);
  bool hand(std::span<const vm::Word* const> columns, std::size_t n);
  std::uint64_t rows_wanted() const;  // Of those gathered.
  void prune();

  const std::uint32_t words_;
  const std::size_t row_words_;
  const bool is_sorted_;
  MemoryBudget* memory_;
  vm::RowSorter sorter_;
  RowSink* sink_ = nullptr;
  std::uint64_t offset_ = 0;
  std::optional<std::uint64_t> limit_;
  std::uint64_t found_ = 0, passed_ = 0, returned_ = 0;
  std::uint64_t booked_ = 0;
  std::vector<std::vector<vm::Word>> rows_;  // Gathered, by word column.
  std::size_t gathered_ = 0;
  std::vector<std::uint32_t> sorted_;
  std::vector<vm::Word> moved_;
  std::vector<const vm::Word*> part_;
  std::vector<std::vector<vm::Word>> batch_;
  std::optional<Error> error_;
};

}  // namespace entail::compiler::internal
