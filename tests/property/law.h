// tests/property/law.h - the law: whatever way a program is evaluated, it means what the reference
// says.
//
// One program is parsed, lowered, verified and stratified, and then answered in several ways. Each
// must give the rows of the reference evaluator (tests/oracle), as sorted lines of text:
//
//     one thread       the planner's own plans
//     two threads      with every fragment worth sharing, however few rows it has
//     other plans      sizes that a seed makes up instead of the real ones: the join order must not
//                      matter
//     standing form    the rules that a network maintains (compiler/standing_form.h), from scratch
//     demand           the program specialised to the bound query: its rows of the whole answer
//     bound form       every derived row is derivable by one of its rules, and no other row is
//
// Every relation is verified after every run, and the value pool must be empty once the rows that
// held its entries are gone. Where the reference reports an error in the data the engine must fail
// too, and nowhere else.
//
// Threads: calls are independent; each needs a team of its own.
#pragma once

#include <cstdint>
#include <string>

#include "tests/property/program_generator.h"
#include "vm/base/thread_team.h"

namespace entail::testing {

enum class LawOutcome : std::uint8_t {
  kHolds,
  kTooLarge,  // The reference gave up: nothing is known.
  kBroken,
};

struct LawReport {
  LawOutcome outcome = LawOutcome::kHolds;
  std::string stage;                // kBroken: where, e.g. "two threads";
  std::string message;              // what differs, or which error came.
  std::uint64_t derived_rows = 0;   // By rules, in the reference's answer.
  bool failed_as_expected = false;  // The facts make the program fail.
};

// Where a check is, for the message of a crash. Never null; written by the checking thread.
struct LawProgress {
  const char* stage = "";
};

// `team` runs the stages with several threads.
LawReport check_law(const GeneratedProgram& program, std::uint64_t seed, ThreadTeam& team,
                    LawProgress& progress);

}  // namespace entail::testing
