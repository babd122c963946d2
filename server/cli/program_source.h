// server/cli/program_source.h - from the file of a program to the rule program, with what is wrong.
//
//     file -> grammar::parse_file -> datalog::lower -> datalog::stratify
//                                    with the question of --query as one more rule
//
// Includes are looked for beside the including file, then in the directories of --include-dir; an
// imported module a.b is the file a/b.dl in the same places. A step runs only if those before it
// found no errors, so that a missing bracket is not followed by a page of undeclared relations.
//
// Threads: one at a time.

#pragma once

#include <optional>
#include <string>

#include "datalog/rule_program.h"
#include "grammar/diagnostics.h"
#include "grammar/source_span.h"
#include "grammar/syntax_tree.h"
#include "server/cli/options.h"
#include "server/cli/query.h"
#include "vm/base/expected.h"

namespace entail::cli {

struct LoadedProgram {
  grammar::SourceFiles files;
  grammar::Diagnostics diagnostics;
  grammar::Program tree;
  std::optional<datalog::RuleProgram> rules;  // There when no step reported an error.
  std::optional<Question> question;           // With --query, when `rules` are there.
};

enum class LoadUpTo : std::uint8_t {
  kTree,        // Parse only.
  kRules,       // Lower and stratify.
  kExecutable,  // And refuse what one evaluation cannot execute.
  kStanding,    // Instead, refuse what cannot stand.
};

LoadedProgram load_program(const CommandLine& line, LoadUpTo goal);

// The same of a text that is in memory; `name` stands for its file.
LoadedProgram load_program_text(const std::string& name, const std::string& text,
                                const CommandLine& line, LoadUpTo goal);

// The whole text of a file, "-" being standard input.
Expected<std::string> read_whole_file(const std::string& path);

}  // namespace entail::cli
