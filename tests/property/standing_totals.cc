#include "tests/property/standing_totals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace entail::testing {

namespace {

// What a run of at least so many cases must show.
constexpr std::uint64_t kLongRun = 2'000;

// Without places and names, so that equal reasons are one.
std::string reason_of(const std::string& refusal) {
  std::string reason;
  bool in_name = false;
  for (const char c : refusal) {
    if (c == '\'') in_name = !in_name;
    const bool is_place = c == '\'' || std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (!in_name && !is_place) reason += c;
  }
  return reason;
}

}  // namespace

void StandingTotals::add(const GeneratedProgram& program, const StandingReport& report) {
  ++cases;
  broken += report.outcome == LawOutcome::kBroken ? 1 : 0;
  too_large += report.outcome == LawOutcome::kTooLarge ? 1 : 0;
  commits += report.commits;
  aborts += report.aborts;
  hindered += report.hindered;
  rows_changed += report.rows_changed;
  recomputed += report.recomputed;
  versions_with_errors += report.versions_with_errors;
  if (!report.refusal.empty()) ++refused[reason_of(report.refusal)];
  for (std::size_t kind = 0; kind < kStandingKindCount; ++kind) {
    if (!report.kinds.test(kind)) continue;
    ++kinds[kind];
    for (std::size_t construct = 0; construct < kConstructCount; ++construct) {
      coverage[construct][kind] += program.coverage.test(construct) ? 1 : 0;
    }
  }
}

std::string StandingTotals::to_text(bool with_coverage) const {
  std::string text = fmt::format(
      "law: {} standing cases; {} commits of {} changed rows, {} aborts, {} steps hindered, {} "
      "strata recomputed by the guard, {} versions with errors in the data; {} too large for the "
      "reference, {} broken\n",
      cases, commits, rows_changed, aborts, hindered, recomputed, versions_with_errors, too_large,
      broken);
  text += "law: programs with strata";
  for (std::size_t kind = 0; kind < kStandingKindCount; ++kind) {
    text += fmt::format("{} {} {}", kind == 0 ? "" : ",",
                        standing_kind_name(static_cast<compiler::StandingKind>(kind)), kinds[kind]);
  }
  text += "\n";
  for (const auto& [reason, count] : refused) {
    text += fmt::format("law: {} refused: {}\n", count, reason);
  }
  if (!with_coverage) return text;
  text += fmt::format("  {:22}", "");
  for (std::size_t kind = 0; kind < kStandingKindCount; ++kind) {
    text += fmt::format(" {:>11}", standing_kind_name(static_cast<compiler::StandingKind>(kind)));
  }
  text += "\n";
  for (std::size_t construct = 0; construct < kConstructCount; ++construct) {
    text += fmt::format("  {:22}", construct_name(static_cast<Construct>(construct)));
    for (const std::uint64_t count : coverage[construct]) text += fmt::format(" {:11}", count);
    text += "\n";
  }
  return text;
}

bool StandingTotals::are_good() const {
  if (broken > 0) return false;
  if (cases < kLongRun) return true;
  std::uint64_t refusals = 0;
  for (const auto& [reason, count] : refused) refusals += count;
  return refusals * 50 <= cases && too_large * 20 <= cases && hindered > 0 && recomputed > 0 &&
         versions_with_errors > 0 &&
         // Regrouped and ordered strata, the last of them, come from SQL, which is not generated.
         std::all_of(kinds.begin(), kinds.end() - 3, [](std::uint64_t count) { return count > 0; });
}

}  // namespace entail::testing
