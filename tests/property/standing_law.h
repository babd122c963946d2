// tests/property/standing_law.h - the law of standing results: whatever the history of changes, the
// network (rete/network.h) holds what the rules give from scratch on what is stated now.
//
// A case is a program and ten transactions of signed changes (tests/property/fact_history.h). After
// each commit and each abort, and after some steps in between,
//
//     network  ==  compiler::Evaluation  ==  oracle::evaluate      for every relation, as sorted lines
//     each reported NetChange  ==  the difference between the model's rows of the two versions
//     errors() are there for the relations that the reference reports errors for, and for no other
//     Network::verify(); at the end the value pool is empty
//
// Some histories are hindered: a step runs out of rows or memory, or is cancelled; the transaction is
// aborted then, and everything must be as it was. Others plan with sizes made up, or recompute at each
// deletion. In some the network is saved as an image in between, and another one restored from it goes on.
//
// Threads: calls are independent.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "compiler/standing_form.h"
#include "tests/property/fact_history.h"
#include "tests/property/law.h"
#include "tests/property/program_generator.h"

namespace entail::testing {

inline constexpr std::size_t kStandingKindCount = 8;
std::string_view standing_kind_name(compiler::StandingKind kind);

struct StandingReport {
  LawOutcome outcome = LawOutcome::kHolds;
  std::string message;  // kBroken: what differs, and the history up to there.
  std::string refusal;  // Why Network::create refuses the program; it was not checked then.
  std::bitset<kStandingKindCount> kinds;  // Of its strata.
  std::uint64_t commits = 0;
  std::uint64_t aborts = 0;
  std::uint64_t hindered = 0;      // Steps that failed, as they should or may.
  std::uint64_t rows_changed = 0;  // That commits reported.
  std::uint64_t recomputed = 0;    // How often a guard struck.
  std::uint64_t versions_with_errors = 0;
};

// `history`: instead of the one that the seed gives.
StandingReport check_standing_law(const GeneratedProgram& program, std::uint64_t seed,
                                  LawProgress& progress,
                                  const std::optional<FactHistory>& history = std::nullopt);

// The history of a program and a seed; nothing when the text is no program.
std::optional<FactHistory> standing_history(const GeneratedProgram& program, std::uint64_t seed);
// With the rules as they stand.
std::string print_history(const GeneratedProgram& program, const FactHistory& history);

// A broken case with as few lines of program and changes as still break the law, as text. Each attempt
// runs in a process of its own, so that a crash counts as broken.
std::string shrink_standing_case(const GeneratedProgram& program, std::uint64_t seed);

}  // namespace entail::testing
