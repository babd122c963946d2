// compiler/internal/pattern_automaton.h - the tree of an event pattern as an automaton.
//
//     A (B | C)*        tree ▸ instructions with epsilon steps (Thompson) ▸ states without them
//
// Instructions are made from the end: each part knows what comes behind it. A state is what may follow a symbol,
// or a joint, where rows may be passed over; its transitions are found by walking the epsilon steps in the order of
// preference, each instruction once: an iteration that takes no row leads nowhere new.
//
// Limits: PERMUTE of six parts, 10,000 instructions.
// Threads: pure.
#pragma once

#include <cstdint>
#include <vector>

#include "datalog/rule_program.h"
#include "vm/base/expected.h"
#include "vm/pattern_program.h"

namespace entail::compiler::internal {

// `due_words`: where rows have the deadlines of the absences, in the order of the tree.
Expected<std::vector<vm::PatternState>> pattern_automaton(
    const datalog::PatternNode& root, const std::vector<std::uint32_t>& due_words);

}  // namespace entail::compiler::internal
