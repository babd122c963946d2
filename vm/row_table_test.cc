#include "vm/row_table.h"

#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "vm/base/random.h"

namespace entail::vm {
namespace {

// Few hashes, so that buckets overflow; the hash of a row is looked up here.
struct Trial {
  explicit Trial(Random& random, std::uint64_t hashes) {
    for (int i = 0; i < 2000; ++i) {
      hash_of.push_back(static_cast<std::uint32_t>(random.below(hashes) * 0x01000193U));
    }
  }
  void insert(Row row) {
    if (!table.has_room(table.size() + 1)) {
      table.grow(table.buckets_for(table.size() + 1),
                 [this](const Row* rows, std::size_t n, std::uint32_t* hashes) {
                   for (std::size_t i = 0; i < n; ++i) hashes[i] = hash_of[rows[i]];
                 });
    }
    table.insert(hash_of[row], row);
  }
  bool has(Row row) const {
    return table.find(hash_of[row], [row](Row other) { return other == row; }) != nullptr;
  }
  std::vector<std::uint32_t> hash_of;
  RowTable table;
};

TEST_CASE("a row table holds what was inserted and not erased, however much hashes collide") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    Trial trial(random, seed % 2 == 0 ? 7 : std::uint64_t{1} << 32);
    std::vector<bool> is_there(trial.hash_of.size());
    std::size_t count = 0;
    for (int i = 0; i < 20'000; ++i) {
      const auto row = static_cast<Row>(random.below(is_there.size()));
      REQUIRE(trial.has(row) == is_there[row]);
      // Full and empty in turn.
      if (!is_there[row] && random.chance(i / 4000 % 2 == 0 ? 9 : 1, 10)) {
        trial.insert(row);
        is_there[row] = true;
        ++count;
      } else if (is_there[row] && random.chance(i / 4000 % 2 == 0 ? 1 : 9, 10)) {
        trial.table.erase(trial.hash_of[row], row);
        is_there[row] = false;
        --count;
      }
    }
    REQUIRE(trial.table.size() == count);
    std::size_t seen = 0;
    trial.table.for_each([&](Row row) {
      REQUIRE(is_there[row]);
      ++seen;
    });
    REQUIRE(seen == count);
  }
}

}  // namespace
}  // namespace entail::vm
