// compiler/standing_form.h - a rule program in which every rule can stand: be kept up to date while
// rows come and go, by counting derivations.
//
//     p(x, n) :- q(x), n = count : { r(x, y), !s(y, _) }.
//
//     _exists3(y) :- s(y, _).                                                      kCounted
//     _group4(x, n) :- group { r(x, y), !_exists3(y) } by x => { n: count() }.     kReduced
//     _exists5(x) :- _group4(x, _).                                                kCounted
//     p(x, n) :- q(x), _group4(x, n).                                              kCounted
//     p(x, n) :- q(x), !_exists5(x), n = 0.
//
// Counting works for bodies of atoms, negations of one atom, filters, equations and generators: the
// *counted form*. What else a body holds moves into auxiliary relations:
//
//     Exists          a set of the outer variables' values for which it holds. Where those are not
//                     bound inside, the rule's derivations may simply count each way to hold.
//     Absent          of one atom of such a set.
//     Reduce          a relation of groups, keyed by the outer variables used inside. A count or sum
//                     per binding is 0 where there is no group: a second rule, or, where a body must
//                     stay one, an auxiliary relation that unites both cases.
//     domain          the values that outer literals give to variables which an inner body uses and
//                     does not bind (`count : { e(y), y < x }`), or which guard an expression of it
//                     that can fail; one more atom of the inner body.
//     Rank            a relation of the matches that it keeps, with its results. What tells matches apart is
//                     part of them, so that as many rows are kept as there are matches.
//     Pattern         a relation of its matches: the measures, and the identity of the row at which each begins.
//     extremum        `min(y)` as head: candidates, and a group that reduces them.
//     eqrel           pairs, and a relation of (element, class): E(a, b) is class(a, c), class(b, c).
//     due time        `exists` or `not` { clock(at), at >= t + d }, where t is a column of an atom beside it: an
//                     atom of the relation of the times that are due.
//     inequality      `not exists y in m(z, y): y < x` compares with the least y of each z instead.
//     match           of each production, the relation of its complete matches: what tells one from
//                     another, then what salience and actions need to know.
//
//     derived bag     a set with columns that tell derivations apart (internal/derived_bags.h)
//
// Auxiliary relations that say the same but for the numbers of variables are one.
//
// Kinds of strata
//     kCounted      no recursion; rules in counted form, facts among them, or none at all.
//     kRanked       recursive sets; rules in counted form that read their own stratum positively.
//     kReduced      one relation; each rule is one Reduce per group, whose body is in counted form
//                   over lower strata; its head is the keys and results, as variables, in any order.
//     kRegrouped    one relation and one such rule, whose body is one atom of a relation with the matches: the
//                   keys first. Groups that changed are aggregated anew: what no state follows.
//     kOrdered      one relation and one rule, whose body is one Rank over one atom of a relation with the matches:
//                   the partition's values first. Partitions that changed are ranked anew. The head is the
//                   variables of the matches, in the order of their numbers, and the results. Or a Pattern
//                   likewise, whose head is the measures.
//     kTimed        one relation of one column and one rule, `_due(t) :- R(…, t, …), clock(at), at >= t + d`: what
//                   a clock has reached. Moving the clock costs what becomes due.
//     kEquivalence  one relation (element, class) without rules: the classes of `pairs`.
//     kRecomputed   recursion that ranks do not serve (an eqrel or extremum in the cycle, or a domain
//                   that would come from the cycle itself): the original's rules, for Evaluation.
//
// In a Reduce rows count, so its body never goes through a set that could merge two of them. Elsewhere
// only whether there is a derivation matters; how many is the same on insertion and deletion, because
// the rules are fixed. The order of the literals is the text's: an expression that can fail still
// stands behind the filters that guard it.
//
// Matches of productions. Which rows a match is made of is told by their identities, if rules do not derive
// them: those are numbered in the order in which they were stated. Derived rows, whose order is nobody's
// business, are told by their values, and so are the results of groups and generators.
//
//     rule r salience t when Order(id, t, _) as o, vip(id, _) then delete o; end     vip is derived
//
//         "rule r"(o, id, t, _2, _1, t) :- Order(id, t, _2) as o, vip(id, _1).
//
// Refused (kUnsupported, with the construct and its place): autoinc(), ord(), now() outside of actions (lowering
// makes bounds of it, datalog/time_conditions.h), calls of extern functors, row identities in rules, windows,
// limitsize, an extremum
// of a type that has none; of productions `for`, calls and schedules, exclusive groups, lock_on_active and
// cron.
//
// Sources: Gupta, Mumick, Subrahmanian 1993 for counting; Seshadri, Pirahesh, Leung 1996 (magic
// decorrelation) for domains.
// Cost: linear in the program, but quadratic in the length of a body. Threads: pure.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "datalog/rule_program.h"
#include "grammar/source_span.h"
#include "vm/base/expected.h"

namespace entail::compiler {

enum class StandingKind : std::uint8_t {
  kCounted,
  kRanked,
  kReduced,
  kEquivalence,
  kRecomputed,
  kRegrouped,
  kOrdered,
  kTimed,
};

// What a clock has reached: the rows of `source` whose time is at least `after` microseconds behind it.
struct StandingTimer {
  datalog::RelationId source{};
  std::uint32_t column = 0;  // Of the source: a timestamp that is not null.
  std::int64_t after = 0;
  datalog::RelationId clock{};  // One timestamp; one row, or none before it has begun.
};

struct StandingStratum {
  StandingKind kind = StandingKind::kCounted;
  std::vector<datalog::RelationId> relations;
  std::vector<datalog::RuleId> rules;
  datalog::RelationId pairs{};  // kEquivalence: what it makes classes of.
  StandingTimer timer;          // kTimed.
};

// A production of the form: its matches with a row variable have no wildcards where an action changes the
// row.
struct StandingProduction {
  std::uint32_t number = 0;                  // In program.productions.
  datalog::RelationId matches{};             // A row for each complete match; last of its strata.
  std::vector<datalog::VariableId> columns;  // What it holds. Behind them the salience,
  bool has_salience = false;                 // unless it is a constant.
};

struct StandingForm {
  // The original's relations keep their ids; auxiliary ones follow. Its strata are `strata`.
  datalog::RuleProgram program;
  std::vector<StandingStratum> strata;  // Each after all that it reads.
  // By original relation: the relation that takes its stated facts. Mostly itself; `_E_pairs` for an
  // equivalence, the candidates for an extremum.
  std::vector<datalog::RelationId> stated_in;
  std::vector<StandingProduction> productions;  // By production.
};

// `read_whole`: relations whose rows somebody wants. An equivalence outside it has classes, but no
// pairs: its own relation stays empty. REQUIRES: the program is stratified.
Expected<StandingForm> standing_form(const datalog::RuleProgram& program,
                                     const std::set<datalog::RelationId>& read_whole,
                                     const grammar::SourceFiles* files = nullptr);

// Stops the program unless the form is as described above; for tests, and for the network before it
// compiles one.
void verify_standing_form(const StandingForm& form);

}  // namespace entail::compiler
