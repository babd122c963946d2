// compiler/denial.h - the error of a transaction or evaluation that a denial rule forbids.
//
//     denial rule "false :- account(a, n), n < 0." is violated by a = 1, n = -5
//
// SQLSTATE 23514, as of a check that fails.
//
// Threads: pure functions.
#pragma once

#include <vector>

#include "compiler/layout.h"
#include "datalog/rule_program.h"
#include "grammar/source_span.h"
#include "vm/base/expected.h"
#include "vm/value_pool.h"

namespace entail::compiler {

// `words`: of one row of the denial rule's relation, by its layout. `files`: for the place before the message, or
// null.
Error denial_error(const datalog::Relation& relation, const RelationLayout& layout,
                   const std::vector<vm::Word>& words, const vm::ValuePool& pool,
                   const grammar::SourceFiles* files);

}  // namespace entail::compiler
