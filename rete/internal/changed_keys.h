// rete/internal/changed_keys.h - which groups or partitions of a relation changed in the step.
//
// The first words of a row are its group's key.
//
// Threads: one. Cost: a sort of the rows that changed.
#pragma once

#include <vector>

#include "rete/internal/network_state.h"

namespace entail::rete {

// Each key once, in an order that changes do not depend on.
struct ChangedKeys {
  std::size_t n = 0;
  std::vector<std::vector<vm::Word>> words;  // One array for each word of the key.
  std::vector<const vm::Word*> arrays;
  std::size_t rows = 0;  // That were looked at.
};

// Of the rows that came or went in this step, or of all that are there.
ChangedKeys changed_keys(vm::StandingRelation& rows, std::size_t key_words, bool of_all);

}  // namespace entail::rete
