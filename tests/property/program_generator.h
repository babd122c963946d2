// tests/property/program_generator.h - random programs that use every executed construct.
//
// A program is made of base relations with few distinct values (so that joins hit, duplicates and
// empty groups are common) and of layers of derived relations, each from a template of a catalogue.
// Everything is well typed and safe by construction; whatever the engine refuses is a bug of one of
// the two. The same seed gives the same text.
//
// Coverage is counted in pairs of constructs that occur in one program: `coverage` says which ones
// a program used, and the runner demands that every pair was met often enough.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace entail::testing {

enum class Construct : std::uint8_t {
  kJoin,
  kSelfJoin,
  kRepeatedVariable,
  kConstant,
  kWildcard,
  kComparison,
  kArithmetic,
  kWrapAround,
  kFailingFilterOrder,
  kText,
  kNegation,
  kNegatedConjunction,
  kExists,
  kDisjunction,
  kCount,
  kSum,
  kMin,
  kMax,
  kMean,
  kFloatSum,
  kGroupBy,
  kCountDistinct,
  kLinearRecursion,
  kNonLinearRecursion,
  kMutualRecursion,
  kExtremumRecursion,
  kEquivalence,
  kRecord,
  kVariant,
  kRange,
  kBag,
  kKeyed,
  kNullable,
  kIsNull,
  kProposition,
  kInline,
  kComponent,
  kStatedAndDerived,
  kUnsigned,
  kFloat,
  kEnumeration,
  kFunction,
  kDecisionTable,
  kManyRows,
  kSeveralHeads,
  kWideRow,
  kInequalityJoin,
  kCyclicBody,
  kCrossProduct,
  kNestedAggregate,
  kDataError,
  kCorrelated,
  kCount_  // How many there are.
};
inline constexpr std::size_t kConstructCount = static_cast<std::size_t>(Construct::kCount_);

std::string_view construct_name(Construct construct);

struct GeneratedProgram {
  std::string text;
  std::vector<std::string> outputs;  // Relations to compare.
  std::string query;                 // A bound query on one of them, or empty.
  // An expression may fail on rows that another literal of its body would drop: an engine may then
  // fail where the reference does not, but not the other way round.
  bool may_fail = false;
  std::bitset<kConstructCount> coverage;
};

struct GeneratorOptions {
  unsigned layers_min = 3, layers_max = 7;  // Derived relations.
};

GeneratedProgram generate_program(std::uint64_t seed, const GeneratorOptions& options = {});

}  // namespace entail::testing
