// compiler/gathering.h - which table the rows of a Rank or Pattern go through.
// Threads: plain values.
#pragma once

#include <memory>
#include <variant>

#include "vm/base/memory_budget.h"
#include "vm/gathering_table.h"
#include "vm/pattern_table.h"
#include "vm/rank_table.h"
#include "vm/value_pool.h"

namespace entail::compiler {

using GatheringSpec = std::variant<vm::RankSpec, vm::PatternSpec>;

inline std::unique_ptr<vm::GatheringTable> gathering_table(const GatheringSpec& spec,
                                                           vm::ValuePool& pool,
                                                           MemoryBudget* memory) {
  if (const auto* rank = std::get_if<vm::RankSpec>(&spec)) {
    return std::make_unique<vm::RankTable>(*rank, pool, memory);
  }
  return std::make_unique<vm::PatternTable>(std::get<vm::PatternSpec>(spec), pool, memory);
}

}  // namespace entail::compiler
