// server/cli/query.h - the question of --query: which rows are asked for.
//
//     --query 'path(99990, x)'          the rows of path whose first column is 99990
//     --query 'edge(x, x)'              the rows of edge whose columns are equal
//     --query 'shape(_, $Circle(2))'    the rows of shape that hold this value
//     --query 'path(1, x), !edge(1, x)' a body of several conditions: its variables are the columns
//
// The text becomes the body of a rule of its own while the program is lowered, so that its constants
// get the types of the columns and its mistakes are reported like the program's, in a file called
// --query. The rule derives the answer, with the columns that are shown.
//
// An atom whose arguments are constants, variables and wildcards alone needs no rule: the relation
// is asked with its constants (datalog/demand.h), which restricts more.
//
// Threads: one at a time.

#pragma once

#include <optional>
#include <string>

#include "datalog/demand.h"
#include "datalog/rule_program.h"
#include "grammar/diagnostics.h"
#include "grammar/source_span.h"
#include "grammar/syntax_tree.h"

namespace entail::cli {

struct Question {
  datalog::DemandQuery demand;
  datalog::RelationId answer{};  // What the rule derives, without demand.
  std::string name;              // Of the asked relation; empty when there are several.
};

// Adds the rule that holds the question to the tree.
void add_question(const std::string& text, grammar::Program& tree, grammar::SourceFiles& files,
                  grammar::Diagnostics& diagnostics);

// Gives that rule its columns and says how to ask. Before the program is stratified. Reports what
// cannot be asked.
std::optional<Question> settle_question(datalog::RuleProgram& program,
                                        grammar::Diagnostics& diagnostics);

}  // namespace entail::cli
