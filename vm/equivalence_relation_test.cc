#include "vm/equivalence_relation.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "vm/base/random.h"

namespace entail::vm {
namespace {

using Pair = std::pair<Word, Word>;

std::set<Pair> pairs_in(const EquivalenceRelation& relation, View view, std::size_t limit) {
  std::set<Pair> pairs;
  std::vector<Word> left(limit);
  std::vector<Word> right(limit);
  EquivalenceRelation::PairCursor cursor = relation.pairs(view);
  while (const std::size_t n = relation.next_pairs(cursor, left.data(), right.data(), limit)) {
    for (std::size_t i = 0; i < n; ++i) {
      const bool is_new = pairs.insert({left[i], right[i]}).second;
      CHECK(is_new);
    }
  }
  return pairs;
}

// The closure by repetition until nothing changes.
std::set<Pair> close(std::set<Pair> pairs) {
  while (true) {
    std::set<Pair> more = pairs;
    for (const auto& [a, b] : pairs) {
      more.insert({b, a});
      more.insert({a, a});
      for (const auto& [c, d] : pairs) {
        if (b == c) more.insert({a, d});
      }
    }
    if (more.size() == pairs.size()) return pairs;
    pairs = more;
  }
}

TEST_CASE("one pair joins two classes, and the delta is what crosses them") {
  EquivalenceRelation relation({.name = "same"});
  REQUIRE(relation.insert_pairs(std::vector<Word>{1, 2, 3, 4}).value() == 2);
  CHECK(relation.size() == 0);
  CHECK(relation.advance());
  CHECK(relation.size() == 8);
  CHECK(pairs_in(relation, View::kDelta, 3).size() == 8);
  REQUIRE(relation.insert_pairs(std::vector<Word>{2, 3, 1, 1, 4, 3}).value() == 1);
  CHECK(relation.members(1).size() == 2);
  CHECK(relation.advance());
  CHECK(relation.size() == 16);
  CHECK(pairs_in(relation, View::kDelta, 5) ==
        std::set<Pair>{{1, 3}, {1, 4}, {2, 3}, {2, 4}, {3, 1}, {3, 2}, {4, 1}, {4, 2}});
  CHECK(pairs_in(relation, View::kOld, 5).size() == 8);
  CHECK_FALSE(relation.advance());
  CHECK(relation.members(9).empty());
}

TEST_CASE("an equivalence agrees with the closure of what was inserted") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    EquivalenceRelation relation({.name = "same"});
    std::set<Pair> inserted;
    std::set<Pair> total;
    for (int round = 0; round < 8; ++round) {
      std::vector<Word> pairs;
      for (std::uint64_t n = random.below(5); n-- > 0;) {
        pairs.push_back(random.below(14));
        pairs.push_back(random.below(14));
        inserted.insert({pairs[pairs.size() - 2], pairs.back()});
      }
      REQUIRE(relation.insert_pairs(pairs).has_value());
      const std::set<Pair> before = total;
      const bool grew = relation.advance();
      total = close(inserted);
      std::set<Pair> delta;
      std::set_difference(total.begin(), total.end(), before.begin(), before.end(),
                          std::inserter(delta, delta.end()));
      const std::size_t limit = 1 + random.below(9);
      CHECK(grew == !delta.empty());
      CHECK(relation.delta_size() == delta.size());
      CHECK(relation.size() == total.size());
      CHECK(pairs_in(relation, View::kTotal, limit) == total);
      CHECK(pairs_in(relation, View::kDelta, limit) == delta);
      CHECK(pairs_in(relation, View::kOld, limit) == before);
      for (Word x = 0; x < 14; ++x) {
        std::set<Word> expected;
        for (Word y = 0; y < 14; ++y) {
          std::uint8_t found = 2;
          relation.contains(&x, &y, 1, &found);
          CHECK((found == 1) == (total.count({x, y}) == 1));
          if (found == 1) expected.insert(y);
        }
        const std::span<const Word> members = relation.members(x);
        CHECK(std::set<Word>(members.begin(), members.end()) == expected);
        CHECK(members.size() == expected.size());
      }
      relation.verify();
      if (!random.chance(1, 4)) continue;
      relation.settle();
      CHECK_FALSE(relation.has_delta());
      CHECK(pairs_in(relation, View::kDelta, limit).empty());
      CHECK(pairs_in(relation, View::kOld, limit) == total);
    }
  }
}

TEST_CASE("a class of many members counts its pairs without walking them") {
  EquivalenceRelation relation({.name = "same"});
  std::vector<Word> chain;
  for (Word i = 0; i < 100'000; ++i) {
    chain.push_back(i);
    chain.push_back(i + 1);
  }
  REQUIRE(relation.insert_pairs(chain).has_value());
  relation.advance();
  CHECK(relation.size() == 100'001ULL * 100'001ULL);
  CHECK(relation.bytes_used() < 20'000'000);
}

TEST_CASE("an equivalence asks its budget") {
  MemoryBudget budget(10'000);
  {
    EquivalenceRelation relation({.name = "same", .budget = &budget});
    std::vector<Word> chain;
    for (Word i = 0; i < 1000; ++i) {
      chain.push_back(i);
      chain.push_back(i + 1);
    }
    const auto refused = relation.insert_pairs(chain);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::kLimit);
    CHECK(refused.error().message.starts_with("relation same with "));
    relation.advance();
    relation.verify();
    CHECK(relation.size() > 0);
  }
  CHECK(budget.used() == 0);
}

}  // namespace
}  // namespace entail::vm
