// transaction_law - random histories of six clients against a model and Adya's phenomena.
//
//     transaction_law                        10,000 histories from seed 1
//     transaction_law --count 300            so many
//     transaction_law --seed 41 --trace      one engine's histories from there on, statement by statement
//
// Exits with 1 when a history breaks the law, or when a long run was too poor to find anything: no deadlock,
// no wait, or not one of the phenomena that the weaker levels allow.

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tests/property/transaction_law.h"

namespace {

using namespace entail::testing;

constexpr std::uint64_t kDefaultCount = 10'000;
constexpr std::uint64_t kInOneEngine = 10;
constexpr std::uint64_t kTelling =
    100;  // Histories from which on all that is allowed must be seen.

int run(int argc, char** argv) {
  std::uint64_t seed = 1, count = kDefaultCount;
  bool trace = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--trace") {
      trace = true;
      count = 1;
    } else if (argument == "--stop-at-first") {
      // It always does: what comes after is built on it.
    } else if ((argument == "--count" || argument == "--seed" || argument == "--threads") &&
               i + 1 < argc) {
      const std::uint64_t value = std::strtoull(argv[++i], nullptr, 10);
      if (argument == "--count") count = value;
      if (argument == "--seed") seed = value;
    } else {
      fmt::print(stderr, "transaction_law: unknown argument {}\n", argument);
      return 2;
    }
  }
  TransactionTotals totals;
  for (std::uint64_t done = 0; done < count; done += kInOneEngine) {
    const TransactionReport report =
        check_transaction_law(seed + done, std::min(kInOneEngine, count - done), trace);
    totals.add(report.totals);
    if (report.broken.empty()) continue;
    for (const std::string& text : report.broken) fmt::print("law: {}\n", text);
    if (trace) continue;
    fmt::print("law: broken in the engine of seed {}\n", seed + done);
    return 1;
  }
  fmt::print("{}\n", totals.to_text());
  if (count < kTelling) return 0;
  const auto seen = [&](HistoryLevel level, Phenomenon phenomenon) {
    return totals.phenomena[static_cast<unsigned>(level)][static_cast<unsigned>(phenomenon)] != 0;
  };
  if (totals.waits == 0 || totals.deadlocks == 0 || totals.failures == 0 || totals.refused == 0 ||
      !seen(HistoryLevel::kReadCommitted, Phenomenon::kGSingle) ||
      !seen(HistoryLevel::kRepeatableRead, Phenomenon::kG2)) {
    fmt::print("law: the histories were too poor\n");
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run(argc, argv); }
