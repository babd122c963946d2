// datalog/internal/facts.h - facts become rules without a body.
//
// Runs of literal facts (grammar::Facts) go straight to constants, without core clauses: programs bring
// them by the million. In a keyed relation the last fact of a key stays, in the place of the first.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "datalog/internal/environment.h"

namespace entail::datalog {

class FactWriter {
 public:
  explicit FactWriter(Environment& environment) : environment_(environment) {}

  // Facts of inline relations become core clauses, since they are inlined.
  void add(const grammar::Facts& facts, std::vector<CoreClause>& clauses);
  void add(Rule fact);

 private:
  Environment& environment_;
  std::map<std::pair<RelationId, std::string>, std::size_t> keys_;  // Position of the key's rule.
};

}  // namespace entail::datalog
