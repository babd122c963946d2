// compiler/statistics.h - what the planner knows about sizes, and what a run has cost.
//
// Cardinalities answers the planner's two questions: how many rows, and how many distinct keys. During
// an evaluation the answers are measured (evaluate.cc); tests and `explain` without a run give fixed ones.
//
// Threads: for one thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "datalog/rule_program.h"
#include "vm/relation.h"

namespace entail::compiler {

class Cardinalities {
 public:
  virtual ~Cardinalities() = default;

  // Rows of the relation in the view; at least 1, so that costs stay comparable.
  virtual double rows(datalog::RelationId relation, vm::View view) const = 0;

  // How many different values the word columns have together; between 1 and rows().
  virtual double distinct(datalog::RelationId relation,
                          const std::vector<std::uint32_t>& words) const = 0;
};

// The same numbers whatever happens: `rows_by_relation`, else `default_rows`; a delta is a 32nd part;
// k of n word columns have rows^(k/n) distinct values.
class FixedCardinalities : public Cardinalities {
 public:
  std::map<datalog::RelationId, double> rows_by_relation;
  std::map<datalog::RelationId, std::uint32_t> words_by_relation;
  double default_rows = 1000;

  double rows(datalog::RelationId relation, vm::View view) const override;
  double distinct(datalog::RelationId relation,
                  const std::vector<std::uint32_t>& words) const override;
};

// Work of one version of one rule, all runs together.
struct RuleStatistics {
  datalog::RuleId rule{};
  std::string version;  // "full", "delta 1", "groups", …
  std::uint64_t runs = 0;
  std::uint64_t rows_scanned = 0;
  std::uint64_t rows_probed = 0;
  std::uint64_t rows_matched = 0;
  std::uint64_t candidates = 0;
  std::uint64_t rows_inserted = 0;
  std::int64_t nanoseconds = 0;
};

struct StratumStatistics {
  std::uint32_t stratum = 0;
  std::uint64_t rounds = 0;
  std::uint64_t plans = 0;  // 1, and one more for each time it was planned again.
  std::uint64_t rows_touched = 0;
  std::int64_t nanoseconds = 0;
  std::vector<RuleStatistics> rules;  // In order of rule, then version.
};

struct EvaluationStatistics {
  std::uint64_t rows_touched = 0;  // Scanned and matched, all strata.
  std::uint64_t rows_derived = 0;
  std::uint64_t candidates = 0;
  std::vector<StratumStatistics> strata;
};

}  // namespace entail::compiler
