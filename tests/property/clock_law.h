// tests/property/clock_law.h - the law of time: whatever arrives, and in whatever batches, a network holds what
// the rules give from scratch on what is stated, and that is what a model of the streams says.
//
// A case is a small program over two streams with delays, late rows, expiry and final relations, and some
// transactions of arrivals (out of order, late, from several partitions), corrections, ticks and changes of
// other facts; some are aborted. The model takes events one by one; the network takes them in batches. After
// each commit and abort
//
//     network  ==  compiler::Evaluation  ==  oracle::evaluate on the model's facts      for every relation
//     emitted rows  ==  those of another network that gets each event as a step, in whatever order
//     Network::verify(); in between a network is loaded anew from what was stated
//
// Threads: calls are independent.
#pragma once

#include <cstdint>
#include <string>

#include "tests/property/law.h"

namespace entail::testing {

struct ClockReport {
  LawOutcome outcome = LawOutcome::kHolds;
  std::string message;  // kBroken: what differs, and the case.
  std::uint64_t commits = 0, aborts = 0;
  std::uint64_t late = 0, expired = 0, kept = 0;  // Rows; kept: by final relations.
  std::uint64_t emitted = 0;
};

std::string generate_clock_program(std::uint64_t seed);
ClockReport check_clock_law(std::uint64_t seed, LawProgress& progress);

}  // namespace entail::testing
