// server/cli/query.h - the atom of --query: which rows of which relation are asked for.
//
//     --query 'path(99990, x)'     relation path, column 0 is 99990
//     --query 'edge(x, x)'         relation edge, columns 0 and 1 are equal
//     --query 'shape(_, $Dot)'     relation shape, column 1 is that value
//
// The atom becomes the body of a rule of its own while the program is lowered, so that its constants
// get the types of the columns and its mistakes are reported like the program's, in a file called
// --query. Then it is taken out again and becomes a Question.
//
// Constants restrict what is derived (datalog/demand.h); the other conditions filter the answer.
//
// Threads: one at a time.

#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "datalog/demand.h"
#include "datalog/rule_program.h"
#include "grammar/diagnostics.h"
#include "grammar/source_span.h"
#include "grammar/syntax_tree.h"
#include "server/cli/fact_form.h"
#include "server/cli/fact_writer.h"
#include "vm/value_pool.h"

namespace entail::cli {

struct Question {
  datalog::DemandQuery demand;
  // Columns that must hold the same value.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> equal_columns;
  // Columns that must hold a record or another value that only an expression can say.
  std::vector<std::pair<std::uint32_t, datalog::Expression>> column_values;
};

// Adds the rule that holds the atom to the tree.
void add_question(const std::string& atom, grammar::Program& tree, grammar::SourceFiles& files,
                  grammar::Diagnostics& diagnostics);

// Takes that rule out of the program. Reports what is not one atom.
std::optional<Question> take_question(datalog::RuleProgram& program,
                                      grammar::Diagnostics& diagnostics);

// The rows of `source` that the conditions besides demand's let through.
RowSource filter_rows(const Question& question, const RowShape& shape, vm::ValuePool& pool,
                      RowSource source);

}  // namespace entail::cli
