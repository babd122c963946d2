// compiler/internal/emit_rank.h - how the rows of a ranking lie on their way through a rank table.
//
//     in     the body's variables | partition | order | arguments of the functions | bounds
//     out    the body's variables | results
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/layout.h"
#include "datalog/rule_program.h"
#include "vm/rank_table.h"

namespace entail::compiler::internal {

struct RankLayout {
  std::vector<datalog::Expression> values;  // Of a row that goes in.
  std::vector<ColumnLayout> columns;        // Where each lies.
  std::vector<datalog::VariableId> handed;  // What comes out.
  std::vector<ColumnLayout> handed_columns;
  std::uint32_t handed_words = 0;
  vm::RankSpec spec;
};

// The variables whose values a row of the ranking has.
std::vector<datalog::VariableId> variables_of_rows(const datalog::Rank& rank);

RankLayout lay_out_rank(const datalog::Rule& rule, const datalog::Rank& rank);

}  // namespace entail::compiler::internal
