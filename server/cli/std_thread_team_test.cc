#include "server/cli/std_thread_team.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <vector>

namespace entail::cli {
namespace {

TEST_CASE("each worker does its part once, round after round") {
  for (const unsigned size : {1U, 2U, 5U}) {
    StdThreadTeam team(size);
    CHECK(team.size() == size);
    std::vector<std::uint64_t> sums(size, 0);  // Plain: run() must order the accesses.
    constexpr std::uint64_t kRounds = 2000;
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      team.run([&](unsigned worker) { sums[worker] += round; });
    }
    for (const std::uint64_t sum : sums) CHECK(sum == kRounds * (kRounds - 1) / 2);
  }
}

TEST_CASE("a team that never had work ends") {
  for (int i = 0; i < 50; ++i) StdThreadTeam team(3);
}

}  // namespace
}  // namespace entail::cli
