#include "compiler/statistics.h"

#include <algorithm>
#include <cmath>

namespace entail::compiler {

double FixedCardinalities::rows(datalog::RelationId relation, vm::View view) const {
  const auto found = rows_by_relation.find(relation);
  const double total = found == rows_by_relation.end() ? default_rows : found->second;
  return std::max(1.0, view == vm::View::kDelta ? total / 32 : total);
}

double FixedCardinalities::distinct(datalog::RelationId relation,
                                    const std::vector<std::uint32_t>& words) const {
  const double total = rows(relation, vm::View::kTotal);
  const auto found = words_by_relation.find(relation);
  const double width = found == words_by_relation.end()
                           ? std::max<double>(2, static_cast<double>(words.size()))
                           : found->second;
  return std::max(1.0, std::pow(total, static_cast<double>(words.size()) / width));
}

}  // namespace entail::compiler
