// server/cli/why_not.h - why a fact does not hold: how far each rule of its relation gets.
//
//     path(1, 9) does not hold
//       rule at closure.dl:5: edge(1, 9) fails: no such row
//       rule at closure.dl:6: edge(3, 9) fails: no such row
//         with x = 1, z = 9, y = 3
//
// The head is given the values of the fact, then the literals of the body join one by one, in the order of
// the text as far as their variables have values. The first literal at which no instance is left is the one
// that fails; it is shown with the values of an instance that came so far.
//
// Cost: one small evaluation by literal. Threads: one at a time.

#pragma once

#include <string>
#include <vector>

#include "server/cli/why_facts.h"
#include "vm/base/expected.h"

namespace entail::cli {

struct RuleFailure {
  std::string place;    // Of the rule.
  std::string literal;  // As the rule has it; empty when the head cannot be the fact.
  std::string values;   // The same with the values of the instance.
  std::string reason;
  std::vector<std::pair<std::string, std::string>> bindings;  // Variable and value.
};

// REQUIRES: the fact does not hold.
Expected<std::vector<RuleFailure>> why_not(KnownFacts& known, const Fact& fact);

std::string failure_text(const std::string& fact, const std::vector<RuleFailure>& failures);
std::string failure_json(const std::string& fact, const std::vector<RuleFailure>& failures);

}  // namespace entail::cli
