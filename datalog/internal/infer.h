// datalog/internal/infer.h - a type for every variable and term of a core clause.
//
// Each variable and each other term has a slot: the set of source types it may still have. Constraints
// narrow the sets until nothing changes; then overloaded functors and literals that are still open are
// decided (number before unsigned before float) and the constraints run again. The rules are Souffle's:
// a positive atom is a source (its column's type flows to the variable), heads and negated atoms are
// sinks (only the kind flows; that the type fits is checked afterwards).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "datalog/internal/core.h"
#include "datalog/internal/environment.h"

namespace entail::datalog {

struct ClauseTypes {
  std::vector<SourceTypeSet> slots;                  // By slot; variables first, in their order.
  std::vector<std::optional<Signature>> signatures;  // By slot: of calls.
  std::vector<std::optional<Root>> literals;  // By slot: what a number literal was decided to be.

  // The type of a slot for which typing succeeded; `fallback` where nothing is known.
  SourceTypeId type_of(std::uint32_t slot, SourceTypeId fallback) const {
    const SourceTypeSet& set = slots[slot];
    return set.all || set.types.empty() ? fallback : set.types.front();
  }
};

// Types the clause and gives its terms their slots. Reports what does not fit; the types are there only
// when nothing was reported.
// `parameters` are the types of the first variables, which come from outside (a query's parameters).
// Head terms behind the relation's last column are not checked against any.
// REQUIRES: assign_variables(clause) was called.
std::optional<ClauseTypes> infer_types(CoreClause& clause, Environment& environment,
                                       const std::vector<DeclaredType>& parameters = {});

}  // namespace entail::datalog
