// compiler/internal/emit_pattern.h - an event pattern as a pattern table takes it.
//
//     in     the body's variables | partition | order | what operands and measures read | instants
//     out    the measures
//
// Conditions become fragments of a program of their own (vm/pattern_program.h).
//
// Threads: pure, but that constants are interned in the pool.
#pragma once

#include <vector>

#include "compiler/internal/emit_rank.h"
#include "datalog/rule_program.h"
#include "grammar/source_span.h"
#include "vm/base/expected.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::compiler::internal {

struct PatternScope {
  const datalog::RuleProgram* program = nullptr;
  vm::ValuePool* pool = nullptr;
  const grammar::SourceFiles* files = nullptr;  // May be null.
  datalog::RuleId rule{};                       // For messages.
};

// `retained`: words that whoever runs the table releases behind it.
Expected<RankLayout> lay_out_pattern(const PatternScope& scope, const datalog::Rule& rule,
                                     const datalog::Pattern& pattern,
                                     std::vector<vm::Word>& retained);

}  // namespace entail::compiler::internal
