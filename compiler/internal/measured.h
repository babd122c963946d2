// compiler/internal/measured.h - the planner's numbers, measured on the relations of an evaluation.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "compiler/statistics.h"
#include "vm/equivalence_relation.h"
#include "vm/relation.h"
#include "vm/standing_relation.h"

namespace entail::compiler::internal {

class MeasuredCardinalities : public Cardinalities {
 public:
  // What a relation id stands for; exactly one of the three.
  struct Source {
    const vm::Relation* relation = nullptr;
    const vm::EquivalenceRelation* equivalence = nullptr;
    const vm::StandingRelation* standing = nullptr;
  };
  using SourceOf = std::function<Source(datalog::RelationId)>;

  explicit MeasuredCardinalities(SourceOf source) : source_(std::move(source)) {}

  // Relations that are about to grow, and how many rows to expect of those that have few yet.
  void expect_growth(const std::vector<datalog::RelationId>& relations, double rows);

  double rows(datalog::RelationId relation, vm::View view) const override;
  double distinct(datalog::RelationId relation,
                  const std::vector<std::uint32_t>& words) const override;

 private:
  struct Estimate {
    std::size_t at_size = 0;
    double distinct = 1;
  };

  SourceOf source_;
  double distinct_of(const vm::StandingRelation& relation,
                     const std::vector<std::uint32_t>& words) const;

  std::map<datalog::RelationId, double> expected_;
  mutable std::map<std::pair<datalog::RelationId, std::vector<std::uint32_t>>, Estimate> estimates_;
};

// Sizes that a seed makes up: whatever they are, the answers must be the same.
class InventedCardinalities : public Cardinalities {
 public:
  explicit InventedCardinalities(std::uint64_t seed) : seed_(seed) {}

  double rows(datalog::RelationId relation, vm::View view) const override;
  double distinct(datalog::RelationId relation,
                  const std::vector<std::uint32_t>& words) const override;

 private:
  std::uint64_t seed_;
};

}  // namespace entail::compiler::internal
