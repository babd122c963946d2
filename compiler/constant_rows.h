// compiler/constant_rows.h - facts of the program as words, without running anything.
//
// Threads: one a pool.
#pragma once

#include <optional>
#include <vector>

#include "compiler/layout.h"
#include "datalog/rule_program.h"
#include "vm/value_pool.h"

namespace entail::compiler {

// The words of an expression that is a constant, a null, or a record, variant or array of such; nothing
// for any other. Handles in it are fresh (vm/value_pool.h).
std::optional<std::vector<vm::Word>> constant_words(const datalog::Expression& expression,
                                                    bool nullable, vm::ValuePool& pool);

// The word columns of a fact; nothing if a term must be computed.
std::optional<std::vector<vm::Word>> constant_row(const datalog::Rule& fact,
                                                  const RelationLayout& layout,
                                                  vm::ValuePool& pool);

}  // namespace entail::compiler
