// compiler/index_selection.h - which indexes a stratum's plans need, as few as serve them all.
//
// A step asks for an index by a set of key columns, or by a set and one column ordered behind it. Equal
// needs share an index, whatever the rule; and where one step needs the key {a} with a range on b and
// another only the key {a}, the ordered index serves both, the second with open bounds: the chain
// {a} < {a; b}. A key that is a proper part of another one is no prefix here, because hashed keys have
// none, so a longer chain does not arise.
//
// Where the plan only asks whether there is a match, or how many, it looks the key up in a hash index,
// and an ordered one is not made to serve.
//
// Sources: Subotić et al. 2018, "Automatic index selection for large-scale Datalog computation" (chain
// covers of search sets, for ordered indexes of arbitrary prefix).
// Threads: pure.
#pragma once

#include <functional>
#include <vector>

#include "compiler/plan.h"

namespace entail::compiler {

// Makes the index in the relation, or finds it there, and returns its position.
using AddIndex = std::function<std::uint32_t(datalog::RelationId, const vm::IndexSpec&)>;

// Gives every step that searches its index. Deterministic: indexes are added in the order of the plans.
void select_indexes(const std::vector<RulePlan*>& plans, const AddIndex& add_index);

}  // namespace entail::compiler
