// tests/property/standing_totals.h - sums over many cases of the standing law.
//
// Threads: one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "tests/property/standing_law.h"

namespace entail::testing {

struct StandingTotals {
  std::uint64_t cases = 0;
  std::uint64_t broken = 0;
  std::uint64_t too_large = 0;  // For the reference.
  std::uint64_t commits = 0;
  std::uint64_t aborts = 0;
  std::uint64_t hindered = 0;
  std::uint64_t rows_changed = 0;
  std::uint64_t recomputed = 0;
  std::uint64_t versions_with_errors = 0;
  std::map<std::string, std::uint64_t> refused;  // By reason.
  std::array<std::uint64_t, kStandingKindCount> kinds{};
  // Programs that use a construct and have a stratum of a kind.
  std::array<std::array<std::uint64_t, kStandingKindCount>, kConstructCount> coverage{};

  void add(const GeneratedProgram& program, const StandingReport& report);
  // A few lines; with the coverage, one more for each construct.
  std::string to_text(bool with_coverage) const;
  // Nothing broken, and a long run met every kind and refused few programs.
  bool are_good() const;
};

}  // namespace entail::testing
