#include "compiler/internal/measured.h"

#include <algorithm>
#include <cmath>

namespace entail::compiler::internal {

namespace {

// A round's delta as a share of what is known: rounds are many, so most deltas are small.
constexpr double kDeltaShare = 32;
// Below this many rows a growing relation says nothing yet about its later shape.
constexpr std::size_t kTellingRows = 256;

}  // namespace

void MeasuredCardinalities::expect_growth(const std::vector<datalog::RelationId>& relations,
                                          double rows) {
  expected_.clear();
  for (const datalog::RelationId relation : relations) expected_[relation] = rows;
}

double MeasuredCardinalities::rows(datalog::RelationId relation, vm::View view) const {
  const Source source = source_(relation);
  if (source.standing != nullptr) {
    return std::max(1.0, static_cast<double>(source.standing->size()));
  }
  double total = source.relation != nullptr ? static_cast<double>(source.relation->size())
                                            : static_cast<double>(source.equivalence->size());
  double delta = total / kDeltaShare;
  if (source.relation != nullptr) {
    const auto actual = static_cast<double>(source.relation->range(vm::View::kDelta).size());
    if (actual > 0) delta = std::min(delta, actual);
  }
  const auto expected = expected_.find(relation);
  if (expected != expected_.end() && total < expected->second &&
      total < static_cast<double>(kTellingRows)) {
    total = expected->second;
    delta = total / kDeltaShare;
  }
  return std::max(1.0, view == vm::View::kDelta ? delta : total);
}

double MeasuredCardinalities::distinct(datalog::RelationId relation,
                                       const std::vector<std::uint32_t>& words) const {
  const double total = rows(relation, vm::View::kTotal);
  const Source source = source_(relation);
  const std::size_t size = source.standing != nullptr ? source.standing->size() : 0;
  if (source.standing != nullptr) {
    if (size <= kTellingRows / 4) return total;  // Not worth a look.
    Estimate& estimate = estimates_[{relation, words}];
    if (estimate.at_size != size) {
      estimate.at_size = size;
      estimate.distinct = distinct_of(*source.standing, words);
    }
    return std::max(1.0, estimate.distinct);
  }
  const vm::Relation* measured = source.relation;
  const bool telling = measured != nullptr && (measured->size() >= kTellingRows ||
                                               expected_.find(relation) == expected_.end());
  if (!telling) {
    const double width = measured != nullptr ? static_cast<double>(measured->column_count()) : 2;
    return std::max(1.0, std::pow(total, static_cast<double>(words.size()) / std::max(2.0, width)));
  }
  Estimate& estimate = estimates_[{relation, words}];
  if (estimate.at_size != measured->size()) {
    estimate.at_size = measured->size();
    estimate.distinct = static_cast<double>(measured->estimate_distinct(words));
  }
  return std::max(1.0, estimate.distinct);
}

double MeasuredCardinalities::distinct_of(const vm::StandingRelation& relation,
                                          const std::vector<std::uint32_t>& words) const {
  if (words.size() == relation.column_count()) return static_cast<double>(relation.size());
  const std::vector<std::uint32_t>& key = relation.options().key;
  if (!key.empty() && std::includes(words.begin(), words.end(), key.begin(), key.end())) {
    return static_cast<double>(relation.size());
  }
  if (const auto index = relation.find_index({words, -1})) {
    return static_cast<double>(relation.distinct_keys(*index));
  }
  return static_cast<double>(relation.estimate_distinct(words));
}

namespace {

// A number of about 1 to 30,000, spread evenly by magnitude.
double invent(std::uint64_t seed, std::uint64_t what) {
  std::uint64_t x = (seed ^ (what + 1)) * 0x9e3779b97f4a7c15ULL;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 32;
  return std::ldexp(1.0 + static_cast<double>(x & 7) / 8, static_cast<int>((x >> 8) % 15));
}

}  // namespace

double InventedCardinalities::rows(datalog::RelationId relation, vm::View view) const {
  return invent(seed_, datalog::index_of(relation) * 4 + static_cast<std::uint64_t>(view));
}

double InventedCardinalities::distinct(datalog::RelationId relation,
                                       const std::vector<std::uint32_t>& words) const {
  std::uint64_t what = datalog::index_of(relation) + 1000;
  for (const std::uint32_t word : words) what = what * 31 + word + 1;
  return std::min(invent(seed_, what), rows(relation, vm::View::kTotal));
}

}  // namespace entail::compiler::internal
