#include "vm/base/memory_budget.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <thread>
#include <vector>

namespace entail {
namespace {

TEST_CASE("a reservation up to the limit is granted and one beyond it refused") {
  MemoryBudget budget(100);
  CHECK(budget.reserve(60));
  CHECK(budget.reserve(40));
  CHECK_FALSE(budget.reserve(1));
  CHECK(budget.used() == 100);
  CHECK_FALSE(budget.overrun());
}

TEST_CASE("what was refused is not counted, and what is released can be reserved again") {
  MemoryBudget budget(100);
  CHECK_FALSE(budget.reserve(101));
  CHECK(budget.used() == 0);
  CHECK(budget.reserve(100));
  budget.release(30);
  CHECK(budget.reserve(30));
  CHECK(budget.used() == 100);
}

TEST_CASE("a reservation that cannot be refused shows as an overrun") {
  MemoryBudget budget(10);
  budget.reserve_anyway(11);
  CHECK(budget.overrun());
  CHECK_FALSE(budget.reserve(1));
  budget.release(1);
  CHECK_FALSE(budget.overrun());
}

TEST_CASE("no limit refuses nothing, and a sum that would wrap is refused") {
  MemoryBudget unlimited;
  CHECK(unlimited.reserve(std::uint64_t{1} << 62U));
  CHECK(unlimited.reserve(std::uint64_t{1} << 62U));
  MemoryBudget budget(100);
  CHECK(budget.reserve(50));
  CHECK_FALSE(budget.reserve(MemoryBudget::kUnlimited));
  CHECK(budget.used() == 50);
}

TEST_CASE("threads together never hold more than the limit") {
  MemoryBudget budget(1000);
  std::vector<std::thread> threads;
  std::vector<std::uint64_t> granted(4, 0);
  for (std::uint64_t& mine : granted) {
    threads.emplace_back([&budget, &mine] {
      for (int i = 0; i < 1000; ++i) mine += budget.reserve(1) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t sum = 0;
  for (const std::uint64_t mine : granted) sum += mine;
  CHECK(sum == 1000);
  CHECK(budget.used() == 1000);
}

}  // namespace
}  // namespace entail
