// server/cli/why_proof.h - a proof of a fact that holds, as lines that form a tree.
//
//     path(1, 3)   rule at closure.dl:6   rank 2
//       path(1, 2)   rule at closure.dl:5   rank 1
//         edge(1, 2)   stated
//       edge(2, 3)   stated
//
// A fact that no one stated is derived by an instance of a rule, and each row that the instance matches is
// proved below it. Within a recursive stratum the rows of an instance have lower ranks than its result
// (compiler/evaluate.h), so that no fact rests on itself; among the instances the one whose highest rank
// is lowest is taken, then the rule that stands first. A fact is proved once; where it occurs again, the
// line says `(above)`. Relations that the compiler made up do not show: their premises take their place.
//
//     not { b(3) }   no such row          a negation
//     1 != 3   holds                      a filter, with its values
//     3 = count() : { e(1, y) }   over 3 rows      an aggregate; the first few of its rows are below
//
// A pair of an equivalence relation follows from a shortest path of pairs that were stated or derived.
// Not explained, and said so: rows of equivalence relations and bags in recursive strata, which carry no
// ranks, and a minimum or maximum whose premises were improved after it was derived.
//
// Cost: one small evaluation by rule and fact. Threads: one at a time.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "server/cli/why_facts.h"
#include "vm/base/expected.h"

namespace entail::cli {

struct ProofLine {
  enum class Kind : std::uint8_t {
    kStated,       // `place` where it stands in the program; empty for a fact of a file.
    kDerived,      // By the rule at `place`.
    kClosed,       // A pair that an equivalence relation adds.
    kAbove,        // Proved by an earlier line.
    kUnexplained,  // `note` says why.
    kCondition,    // No fact: a condition; `note` says in which way it holds.
    kMore,         // Rows that are left out.
  };
  Kind kind = Kind::kCondition;
  std::size_t depth = 0;
  std::string text;  // The fact or the condition.
  std::string relation;
  std::string json_row;
  std::string place;
  std::string note;
  vm::Word rank = 0;  // 0: none.
};

struct Proof {
  std::vector<ProofLine> lines;  // Each before those that it rests on.
  bool is_cut = false;           // There would be more lines.
};

// REQUIRES: the fact holds.
Expected<Proof> prove(KnownFacts& known, const Fact& fact, std::size_t line_limit);

std::string proof_text(const Proof& proof);
std::string proof_json(const Proof& proof);

}  // namespace entail::cli
