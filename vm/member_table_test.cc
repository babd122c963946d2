#include "vm/member_table.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "vm/base/random.h"

namespace entail::vm {
namespace {

// Rows of two columns, a member table of them, and the same in a map.
struct Trial {
  static constexpr Row kRows = 20'000;
  Trial() : columns(kinds(), false), table(columns) {
    columns.reserve(kRows, nullptr);
    columns.widen(0, nullptr);
    columns.widen(1, nullptr);
  }
  static std::vector<ColumnOrderKind> kinds() {
    return {ColumnOrderKind::kSigned, ColumnOrderKind::kSigned};
  }

  Row find(std::int64_t x, std::int64_t y) const {
    const Word words[] = {int_word(x), int_word(y)};
    const Word* const pointers[] = {&words[0], &words[1]};
    std::uint32_t place = 0;
    table.find_places(pointers, 0, 1, &place);
    return table.find(place, [&](Row row) {
      return columns.at(0, row) == words[0] && columns.at(1, row) == words[1];
    });
  }
  // As a standing relation does it.
  void insert(std::int64_t x, std::int64_t y) {
    const Word words[] = {int_word(x), int_word(y)};
    const Word* const pointers[] = {&words[0], &words[1]};
    table.grow(table.size() + 1);
    if (!table.covers(pointers, 0, 1)) table.cover(pointers, 0, 1);
    const Row row = free.empty() ? next++ : free.back();
    if (!free.empty()) free.pop_back();
    columns.put(0, row, words[0]);
    columns.put(1, row, words[1]);
    std::uint32_t place = 0;
    table.find_places(pointers, 0, 1, &place);
    table.insert(place, row);
    model[{x, y}] = row;
  }
  void erase(std::int64_t x, std::int64_t y) {
    const auto found = model.find({x, y});
    std::uint32_t place = 0;
    table.find_places(&found->second, 1, &place);
    table.erase(place, found->second);
    free.push_back(found->second);
    model.erase(found);
  }
  void check() const {
    REQUIRE(table.size() == model.size());
    for (const auto& [words, row] : model) REQUIRE(find(words.first, words.second) == row);
    std::size_t seen = 0;
    table.for_each([&](Row row) {
      ++seen;
      const std::pair words{int_of(columns.at(0, row)), int_of(columns.at(1, row))};
      REQUIRE(model.at(words) == row);
    });
    REQUIRE(seen == model.size());
    for (std::uint32_t c = 0; c < 2 && table.is_grid(); ++c) {
      for (std::int64_t value = -40; value < 70; ++value) {
        const Word word = int_word(value);
        const Word* const words[] = {&word};
        const std::uint32_t key[] = {c};
        REQUIRE(table.strip_length(key) > 0);
        std::size_t rows = 0;
        table.for_each_in_strip(key, words, 0, [&](Row row) {
          ++rows;
          REQUIRE(columns.at(c, row) == word);
        });
        REQUIRE(rows == static_cast<std::size_t>(
                            std::count_if(model.begin(), model.end(), [&](const auto& entry) {
                              return (c == 0 ? entry.first.first : entry.first.second) == value;
                            })));
      }
    }
  }

  RowColumns columns;
  MemberTable table;
  std::map<std::pair<std::int64_t, std::int64_t>, Row> model;
  std::vector<Row> free;
  Row next = 0;
};

// Random rows of a square at (left, left) come and go.
void churn(Trial& trial, Random& random, std::int64_t left, std::int64_t side, int times) {
  for (int i = 0; i < times; ++i) {
    const std::int64_t x = left + static_cast<std::int64_t>(random.below(side));
    const std::int64_t y = left + static_cast<std::int64_t>(random.below(side));
    const bool is_there = trial.model.contains({x, y});
    REQUIRE((trial.find(x, y) != kNoRow) == is_there);
    if (!is_there && random.chance(3, 4)) trial.insert(x, y);
    if (is_there && random.chance(1, 4)) trial.erase(x, y);
  }
}

TEST_CASE("a member table of dense values is a grid that holds what a map holds") {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    Trial trial;
    churn(trial, random, -30, 60, 12'000);
    CHECK(trial.table.is_grid());
    CHECK(trial.find(31, 0) == kNoRow);
    CHECK(trial.find(0, std::numeric_limits<std::int64_t>::min()) == kNoRow);
    trial.check();
    // Values that rise one by one widen it.
    for (std::int64_t x = 30; x < 60; ++x) churn(trial, random, x - 10, 10, 100);
    CHECK(trial.table.is_grid());
    trial.check();
    trial.table.assign({});
    CHECK(trial.table.size() == 0);
    trial.model.clear();
    trial.check();
  }
}

TEST_CASE("a member table goes back to hashing when a far value comes") {
  for (const std::int64_t far : {std::int64_t{1} << 40, std::numeric_limits<std::int64_t>::min(),
                                 std::numeric_limits<std::int64_t>::max(), std::int64_t{-5000}}) {
    INFO("far " << far);
    Random random(7);
    Trial trial;
    churn(trial, random, 0, 40, 8000);
    CHECK(trial.table.is_grid());
    trial.insert(far, 3);
    CHECK(!trial.table.is_grid());
    trial.check();
    churn(trial, random, 0, 60, 8000);
    CHECK(!trial.table.is_grid());
    trial.check();
  }
}

TEST_CASE("a member table of scattered values is no grid") {
  Random random(3);
  Trial trial;
  churn(trial, random, 0, std::int64_t{1} << 40, 5000);
  CHECK(!trial.table.is_grid());
  trial.check();
}

}  // namespace
}  // namespace entail::vm
