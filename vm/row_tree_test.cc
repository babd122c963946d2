#include "vm/row_tree.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "vm/base/ensure.h"
#include "vm/base/random.h"

namespace entail::vm {
namespace {

// Rows of (key, value) in columns, their tree, and the ids that are in it.
struct Trial {
  explicit Trial(ColumnOrderKind kind)
      : columns(kinds(kind), false), tree(columns, {0}, 1, kind, nullptr) {
    columns.reserve(kRows, nullptr);
    columns.widen(1, nullptr);
  }
  static std::vector<ColumnOrderKind> kinds(ColumnOrderKind kind) {
    return {ColumnOrderKind::kUnsigned, kind};
  }
  static constexpr Row kRows = 3000;
  RowColumns columns;
  RowTree tree;
  std::set<Row> rows;
};

std::vector<Row> in_range(const Trial& trial, Word key, const Word* low, bool takes_low,
                          const Word* high, bool takes_high) {
  const Word* const keys[] = {&key};
  std::vector<Row> found;
  trial.tree.range(keys, 0, {low, takes_low}, {high, takes_high},
                   [&](Row row) { found.push_back(row); });
  return found;
}

void check_ranges(const Trial& trial, ColumnOrderKind kind, Random& random) {
  const Word key = random.below(4);
  const Word low = int_word(random.between(-6, 6));
  const Word high = int_word(random.between(-6, 6));
  const bool has_low = random.chance(2, 3);
  const bool has_high = random.chance(2, 3);
  const bool takes_low = random.chance(1, 2);
  const bool takes_high = random.chance(1, 2);
  std::vector<Row> expected;
  for (const Row row : trial.rows) {
    if (trial.columns.at(0, row) != key) continue;
    const Word value = trial.columns.at(1, row);
    const int from = compare_words(value, low, kind, nullptr);
    const int to = compare_words(value, high, kind, nullptr);
    if (has_low && (from < 0 || (from == 0 && !takes_low))) continue;
    if (has_high && (to > 0 || (to == 0 && !takes_high))) continue;
    expected.push_back(row);
  }
  std::sort(expected.begin(), expected.end(), [&](Row a, Row b) {
    const int order = compare_words(trial.columns.at(1, a), trial.columns.at(1, b), kind, nullptr);
    return order != 0 ? order < 0 : a < b;
  });
  REQUIRE(in_range(trial, key, has_low ? &low : nullptr, takes_low, has_high ? &high : nullptr,
                   takes_high) == expected);
}

TEST_CASE("a row tree agrees with a sorted set through growth and shrinking") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Random random(seed);
    const ColumnOrderKind kind =
        seed % 2 == 0 ? ColumnOrderKind::kSigned : ColumnOrderKind::kUnsigned;
    Trial trial(kind);
    const bool is_built = seed % 3 == 0;
    std::vector<Row> first;
    for (Row row = 0; row < Trial::kRows; ++row) {
      trial.columns.put(0, row, random.below(4));
      trial.columns.put(1, row, int_word(random.between(-6, 6)));
      if (is_built && random.chance(1, 3)) first.push_back(row);
    }
    trial.rows.insert(first.begin(), first.end());
    if (is_built) trial.tree.build(first);
    trial.tree.verify();
    // Grows for a while, shrinks for a while, to nothing at last.
    for (const std::uint64_t inserts_in_ten : {8U, 3U, 7U, 1U}) {
      for (int i = 0; i < 2500; ++i) {
        const auto row = static_cast<Row>(random.below(Trial::kRows));
        if (random.chance(inserts_in_ten, 10)) {
          if (trial.rows.insert(row).second) trial.tree.insert(row);
        } else if (trial.rows.erase(row) > 0) {
          trial.tree.erase(row);
        }
        if (i % 50 != 0) continue;
        trial.tree.verify();
        check_ranges(trial, kind, random);
      }
    }
    while (!trial.rows.empty()) {
      const Row row = *std::next(trial.rows.begin(),
                                 static_cast<std::ptrdiff_t>(random.below(trial.rows.size())));
      trial.rows.erase(row);
      trial.tree.erase(row);
      if (trial.rows.size() % 16 == 0) trial.tree.verify();
    }
    REQUIRE(trial.tree.size() == 0);
    REQUIRE(trial.tree.bytes() == 0);
  }
}

TEST_CASE("rows that arrive in order fill their leaves") {
  Trial trial(ColumnOrderKind::kUnsigned);
  for (Row row = 0; row < Trial::kRows; ++row) {
    trial.columns.put(0, row, 0);
    trial.columns.put(1, row, row);
    trial.tree.insert(row);
  }
  trial.tree.verify();
  CHECK(in_range(trial, 0, nullptr, false, nullptr, false).size() == Trial::kRows);
  CHECK(trial.tree.bytes() < Trial::kRows * (size_or_tiny(5, 40)));
}

}  // namespace
}  // namespace entail::vm
