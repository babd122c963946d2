// sql2datalog/internal/tidy.h - the rules of a statement, made as simple as they say.
//
//     inline     a bag that has one rule and one reader is put into that reader
//     equate     `a = b` of two columns becomes one variable, `a = e` an equation that can be looked up;
//                that a null equals nothing stays as a filter where both sides may be null. An `e` of another row
//                that can fail is computed for each such row, as PostgreSQL computes a hash join's keys
//     prune      columns of bags that nobody reads are dropped; variables that occur once become wildcards
//     reach      rules that the wanted relations do not need are dropped
//
// Works on rules in the statement's numbering of variables. Threads: pure.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "datalog/rule_program.h"

namespace entail::sql2datalog::internal {

struct PendingRule;

struct TidyInput {
  std::vector<datalog::Relation>* relations = nullptr;  // Behind `first` ones of the catalog.
  std::vector<PendingRule>* rules = nullptr;
  std::vector<datalog::Variable>* variables = nullptr;
  std::uint32_t first = 0;
  std::set<datalog::RelationId> wanted;  // Their columns stay.
};

void tidy(const TidyInput& input);

// The rule with variables of its own, numbered in the order of their first mention.
datalog::Rule compact(PendingRule rule, const std::vector<datalog::Variable>& variables);

}  // namespace entail::sql2datalog::internal
