// vm/gathering_table.h - what takes all rows of a pipeline before it hands any on: a ranking, a pattern.
//
//     pipeline ▸ Emit ▸ receive(…) receive(…)   ComputeRanks ▸ compute()   GivenNext ▸ next(…) ▸ the rest of the rule
//
// Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vm/base/expected.h"
#include "vm/word.h"

namespace entail::vm {

class GatheringTable {
 public:
  GatheringTable() = default;
  GatheringTable(const GatheringTable&) = delete;  // Programs point to it.
  GatheringTable& operator=(const GatheringTable&) = delete;
  virtual ~GatheringTable() = default;

  virtual void clear() = 0;
  // Takes rows; false when the budget refuses, which compute() reports.
  virtual bool receive(std::span<const Word* const> columns, std::size_t n) = 0;
  virtual Expected<void> compute() = 0;
  // Rows from `position` on; moves it.
  virtual std::size_t next(std::uint64_t& position, std::span<Word* const> out,
                           std::size_t capacity) const = 0;
};

}  // namespace entail::vm
