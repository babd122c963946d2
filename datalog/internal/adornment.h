// datalog/internal/adornment.h - the magic-sets transformation proper; datalog/demand.h has the
// terms.
//
// adorn() makes the rules that derive one adorned relation and everything that it reads, with their
// demands. It decides nothing about factoring and nothing about strata: demand() does, on the
// result.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "datalog/rule_program.h"

namespace entail::datalog::internal {

using Mask = std::vector<bool>;  // By column: is it bound?

// One relation as read with one set of bound columns.
struct AdornedRelation {
  RelationId original{};
  Mask mask;
  RelationId answers{};  // All columns of the original.
  RelationId demands{};  // Its bound columns.
};

// A rule that the transformation made. Its body begins with the Match of the demands of `from`, but
// for the seed.
struct AdornedRule {
  Rule rule;
  std::size_t from = 0;  // The adorned relation whose rule it came from.
};

struct AdornedProgram {
  std::vector<Relation> relations;        // The original ones, then those made here.
  std::vector<AdornedRelation> adorned;   // [0] is the asked one.
  std::vector<AdornedRule> answer_rules;  // Heads are answers of `from`.
  std::vector<AdornedRule> demand_rules;  // Heads are demands.
  std::set<RelationId> complete;          // Derived by their own rules, completely.
};

enum class UnderNegation : std::uint8_t { kDemand, kComplete };

// The program for reading `relation` with the columns of `mask` bound; nothing if its own rules
// turn out to need it completely. REQUIRES: the relation is adornable, and `mask` binds a column.
std::optional<AdornedProgram> adorn(const RuleProgram& program, RelationId relation,
                                    const Mask& mask, UnderNegation under_negation);

// By relation: may it be derived in part? See demand.h for those that may not.
std::vector<bool> adornable_relations(const RuleProgram& program);

// The relations that the rules of `relations` read, directly or not, and these themselves.
std::set<RelationId> reachable_from(const RuleProgram& program,
                                    const std::set<RelationId>& relations);

// Gives the rule only the variables that it mentions, in their order.
void drop_unused_variables(Rule& rule);

}  // namespace entail::datalog::internal
