// tests/oracle/reference_evaluator.h - what a rule program means, by a program too simple to be
// wrong.
//
// Relations are multisets of rows in order; a body is solved by nested loops over whole relations,
// each condition as soon as its variables have values; a stratum is derived again and again, every
// rule from scratch, until nothing new appears. There is no delta, no index, no plan and no shared
// code with the compiler or the VM: where an engine and this disagree, one of the two is wrong, and
// it is seldom this.
//
// Rules of the game
//   rounds   strict: a round derives everything from the state at its beginning, then merges. A set
//            keeps new rows, a relation with an extremum keeps the better value of each group.
//   bags     a row for each derivation; their strata are not recursive, so one round makes them.
//   keys     of two facts with one key the later wins; a derived row that differs from the row under
//            its key is an error of the data.
//   eqrel    closed literally: reflexive, symmetric, transitive, after every merge.
//   errors   an instance that fails (1 / 0) derives nothing and is reported. Conditions that can fail
//            run last, so an engine may report more failures than this, but not fewer.
//
// What it refuses (kUnsupported): windows, most window functions, row identities, decimals and other wide
// types, now(), ord(), extern functions, limitsize. Runaway programs end with kLimit.
//
// Threads: none of its own; calls are independent.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "datalog/rule_program.h"
#include "tests/oracle/value.h"
#include "vm/base/expected.h"

namespace entail::oracle {

// Rows from outside, by name of relation, in order of arrival. They come after the program's own
// facts.
using Facts = std::map<std::string, std::vector<Row>>;

struct Options {
  std::uint64_t steps_max = 20'000'000;  // Rows looked at, in all loops together.
  std::uint64_t rounds_max = 100'000;    // Of one stratum.
};

struct Answer {
  // By name of relation: a line for each row, columns separated by tabs, sorted by bytes.
  std::map<std::string, std::vector<std::string>> rows;
  // "rule: what failed", each once.
  std::set<std::string> errors;
};

// REQUIRES: the program keeps its invariants, and stratify() has filled its strata.
Expected<Answer> evaluate(const datalog::RuleProgram& program, const Facts& facts = {},
                          const Options& options = {});

}  // namespace entail::oracle
