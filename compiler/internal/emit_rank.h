// compiler/internal/emit_rank.h - how the rows of a ranking lie on their way through a rank table.
//
//     in     the body's variables | partition | order | arguments of the functions | bounds
//     out    the body's variables | results
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/gathering.h"
#include "compiler/layout.h"
#include "datalog/rule_program.h"

namespace entail::compiler::internal {

struct RankLayout {
  std::vector<datalog::Expression> values;  // Of a row that goes in.
  std::vector<ColumnLayout> columns;        // Where each lies.
  std::vector<datalog::VariableId> handed;  // What comes out.
  std::vector<ColumnLayout> handed_columns;
  std::uint32_t handed_words = 0;
  GatheringSpec spec;
};

// The rows of a Rank or Pattern.
const datalog::Body& gathered_body(const datalog::Literal& literal);
// The variables whose values a row of such a body has.
std::vector<datalog::VariableId> variables_of_rows(const datalog::Body& body);

RankLayout lay_out_rank(const datalog::Rule& rule, const datalog::Rank& rank);

}  // namespace entail::compiler::internal
