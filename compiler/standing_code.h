// compiler/standing_code.h - the fragments that keep a program's relations standing.
//
// From the standing form of a program (compiler/standing_form.h) comes one bytecode program. For each rule
// it has
//
//     a change fragment for each atom    given rows of the atom's relation that appeared or went, the head
//                                        rows whose derivations appear or go with them
//     a bound fragment                   ranked rules: which given rows of the head have a derivation, and
//                                        its rank
//     a unit fragment                    rules without any positive atom: what holds when nothing does
//     a result fragment                  groups: keys and results, as the rule's head
//     a regroup fragment                 groups without a state: given keys, the head of each group that has a row
//     a partition fragment               rankings: given a partition's values, what a rank table takes of its rows
//     action fragments                     productions: one for each action (compiler/action_code.h)
//     error fragments                    ranked rules with an expression that can fail: a change fragment
//                                        that meets each instance once, which ranked strata do not
//
// An atom under negation has a change fragment too: rows that appear there take derivations away.
//
//     h(x) :- r(x, y), r(y, x), !s(x).   change r (1)   r is source; the second r as it was
//                                        change r (2)   r is source; the first r as it is now
//                                        change s       s is source; sign reversed
//
// Views. Within one relation, occurrences before the source are read as they are after the step, those
// behind it as they were before, so that summing over the sources gives exactly the difference. Other
// relations are read as they are now: those below have had their turn, those above have not changed yet.
// Relations of one stratum change together and are handed on in its order: those behind the source are
// read as they were.
// Error fragments run when all relations have had their turn: relations with greater ids are read as
// they were.
//
// Threads: pure, but that constants are interned in the pool.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "compiler/action_code.h"
#include "compiler/emit.h"
#include "compiler/gathering.h"
#include "compiler/index_selection.h"
#include "compiler/rule_plan.h"
#include "compiler/standing_form.h"
#include "datalog/rule_program.h"
#include "grammar/source_span.h"
#include "vm/base/expected.h"
#include "vm/program.h"
#include "vm/value_pool.h"

namespace entail::compiler {

enum class FragmentRole : std::uint8_t {
  kChange,
  kBound,
  kUnit,
  kResult,
  kErrors,
  kAction,
  kRegroup,
  kPartition,
};

// A test on the source row alone that a change must pass: found before the fragment is run.
struct SourceTest {
  std::uint32_t word = 0;  // Word column of the source relation.
  vm::Word value = 0;
};

// The same, for an order: the source row's word lies on one side of a bound.
struct SourceRange {
  std::uint32_t word = 0;
  std::uint64_t bound = 0;  // vm::order_key() of the constant.
  bool is_below = false;    // The word is less than the bound; else greater.
  bool is_inclusive = false;
  vm::ColumnOrderKind kind = vm::ColumnOrderKind::kSigned;
};

struct StandingFragment {
  std::uint32_t number = 0;  // In Program::fragments.
  FragmentRole role = FragmentRole::kChange;
  datalog::RuleId rule{};
  datalog::RelationId source{};      // Not kUnit, kResult: whose rows it reads.
  bool is_negated = false;           // kChange: rows that appear take derivations away.
  std::vector<SourceTest> tests;     // kChange: columns that are equal to constants, ascending.
  std::optional<SourceRange> range;  // kChange: the first filter of this kind.
  std::uint32_t key_words =
      0;  // kRegroup, kPartition: of the given keys, the first of the source's.
};

// How the rows that a group's rule emits are laid out, and what is made of them.
struct GroupShape {
  datalog::RuleId rule{};
  std::uint32_t key_words = 0;
  std::vector<bool> key_handles;
  std::vector<vm::Type> key_types;  // By word: of the key that it is of.
  std::vector<vm::AggregateKind> kinds;
  std::vector<std::optional<vm::AggregateSpec>> sql;  // In place of the kind.
  // Words that follow the keys, for each: nothing, or a value and whether it does not count (null, or a
  // condition), or the value's second word behind those.
  std::vector<std::uint8_t> argument_words;
  std::vector<bool> argument_handles;
  std::vector<vm::Type> argument_types;  // Where there is one.
};

// What ranks the rows of a partition, and where the words that come out of it lie in the head's rows.
struct RankShape {
  datalog::RuleId rule{};
  GatheringSpec spec;
  std::uint32_t words = 0;  // That come out.
  // By word of the head: which of those, or none where a column that may be null never is.
  std::vector<std::optional<std::uint32_t>> head_words;
};

struct StandingCode {
  vm::Program program;
  std::vector<datalog::RelationId> operands;  // The relation that each relation operand stands for.
  std::vector<StandingFragment> fragments;
  std::vector<GroupShape> groups;
  std::vector<RankShape> ranks;
  std::vector<std::vector<ActionCode>> actions;  // By StandingForm::productions, in their order.
  std::vector<std::string> plans;                // By fragment, as text.
  std::vector<vm::Word> retained;                // Constants; whoever takes the code releases them.
};

struct StandingScope {
  const StandingForm* form = nullptr;
  const std::vector<RelationLayout>* layouts = nullptr;  // Of form->program's relations.
  vm::ValuePool* pool = nullptr;
  const grammar::SourceFiles* files = nullptr;  // May be null.
  const Cardinalities* cardinalities = nullptr;
  AddIndex add_index;  // May answer vm::kMembershipIndex.
};

// Fails with kUnsupported at an expression or aggregate that is not executed yet.
Expected<StandingCode> compile_standing(const StandingScope& scope);

}  // namespace entail::compiler
