// tests/property/production_law.h - the law of productions: the network fires what the naive agenda
// interpreter (tests/oracle/agenda_interpreter.h) fires, in the same order, and ends with the same facts.
//
// A case is a small program of productions over keyed relations, bags, sets and what rules derive from
// them, and a few transactions of steps. Every production emits its name and some values first, so that
// what is emitted tells the sequence of firings. After each commit and abort
//
//     emitted rows, in their order  ==  the interpreter's
//     every relation                ==  the interpreter's
//     Network::verify(); at the end the value pool is empty
//
// Some transactions are aborted, at random or because both run out of firings at the same step.
//
// Threads: calls are independent.
#pragma once

#include <cstdint>
#include <string>

#include "tests/property/law.h"

namespace entail::testing {

struct ProductionReport {
  LawOutcome outcome = LawOutcome::kHolds;
  std::string message;  // kBroken: what differs, and the case.
  std::uint64_t firings = 0;
  std::uint64_t aborts = 0;
  std::uint64_t loops = 0;
};

std::string generate_productions(std::uint64_t seed);
ProductionReport check_production_law(std::uint64_t seed, LawProgress& progress);

}  // namespace entail::testing
