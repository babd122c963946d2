#include "vm/value_multisets.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "vm/base/random.h"
#include "vm/type_table.h"

namespace entail::vm {
namespace {

using Entries = std::vector<std::pair<Word, std::int64_t>>;

Entries entries_of(const ValueMultisets& sets, Word root) {
  Entries entries;
  sets.for_each(root, [&](Word value, std::int64_t count) { entries.emplace_back(value, count); });
  return entries;
}

TEST_CASE("multisets agree with maps while they grow and shrink") {
  Random random(11);
  MemoryBudget budget;
  {
    ValueMultisets sets(nullptr, &budget);
    std::vector<Word> roots(5, 0);
    std::vector<std::map<Word, std::int64_t>> models(roots.size());
    for (std::size_t change = 0; change < 60'000; ++change) {
      const std::size_t i = random.below(roots.size());
      // Phases that mostly add and phases that mostly take away, over domains of different sizes.
      const bool growing = change / 6'000 % 2 == 0;
      const Word value = random.below(Word{20} << (3 * i));
      auto& model = models[i];
      std::int64_t delta = random.chance(growing ? 9 : 1, 10) ? 1 : -1;
      Word picked = value;
      if (delta < 0 && random.chance(9, 10)) {
        const auto above = model.lower_bound(value);
        if (above != model.end()) picked = above->first;
      }
      if (random.chance(1, 50)) delta *= 3;
      sets.reserve_change_anyway(roots[i]);
      const std::int64_t count = sets.add(roots[i], ValueMultisets::Order::kWords, picked, delta);
      REQUIRE(count == (model[picked] += delta));
      if (count == 0) model.erase(picked);
      REQUIRE((roots[i] == 0) == model.empty());
      if (!model.empty()) REQUIRE(sets.first(roots[i]) == model.begin()->first);
      if (change % 1'000 != 0) continue;
      std::uint64_t words = 0;
      bool negative = false;
      for (std::size_t at = 0; at < roots.size(); ++at) {
        words += sets.verify(roots[at], ValueMultisets::Order::kWords).words;
        REQUIRE(entries_of(sets, roots[at]) == Entries(models[at].begin(), models[at].end()));
        for (const auto& [word, occurrences] : models[at]) negative |= occurrences < 0;
      }
      REQUIRE(words == sets.live_words());
      REQUIRE(sets.any_negative() == negative);
    }
    for (std::size_t i = 0; i < roots.size(); ++i) {
      while (!models[i].empty()) {
        const auto [value, count] = *models[i].begin();
        sets.reserve_change_anyway(roots[i]);
        sets.add(roots[i], ValueMultisets::Order::kWords, value, -count);
        models[i].erase(models[i].begin());
      }
      CHECK(roots[i] == 0);
    }
    CHECK(sets.live_words() == 0);
    CHECK_FALSE(sets.any_negative());
    sets.trim();
    CHECK(budget.used() == 0);
  }
}

TEST_CASE("a multiset that is built at once follows changes like any other") {
  Random random(5);
  for (const std::size_t n : {1U, 2U, 3U, 4U, 7U, 63U, 64U, 200U, 5'000U}) {
    MemoryBudget budget;
    ValueMultisets sets(nullptr, &budget);
    std::map<Word, std::int64_t> model;
    while (model.size() < n) model[random.below(20'000)] = random.between(1, 3);
    std::vector<Word> values;
    std::vector<std::int64_t> counts;
    for (const auto& [value, count] : model) {
      values.push_back(value);
      counts.push_back(count);
    }
    Word root = sets.build(values.data(), counts.data(), n);
    REQUIRE(root != 0);
    CHECK(sets.verify(root, ValueMultisets::Order::kWords).words == sets.live_words());
    CHECK(entries_of(sets, root) == Entries(model.begin(), model.end()));
    for (int change = 0; change < 4'000; ++change) {
      const Word value = random.chance(1, 2) ? random.below(20'000) : values[random.below(n)];
      sets.reserve_change_anyway(root);
      if ((model[value] += 1) != sets.add(root, ValueMultisets::Order::kWords, value, 1)) FAIL();
      const auto taken = std::next(
          model.begin(),
          static_cast<std::ptrdiff_t>(random.below(std::min<std::size_t>(model.size(), 9))));
      sets.reserve_change_anyway(root);
      sets.add(root, ValueMultisets::Order::kWords, taken->first, -taken->second);
      model.erase(taken);
    }
    CHECK(sets.verify(root, ValueMultisets::Order::kWords).words == sets.live_words());
    CHECK(entries_of(sets, root) == Entries(model.begin(), model.end()));
  }
}

TEST_CASE("values that only grow or only fall leave full leaves") {
  for (const bool falling : {false, true}) {
    ValueMultisets sets(nullptr, nullptr);
    Word root = 0;
    constexpr Word kValues = 20'000;
    for (Word i = 0; i < kValues; ++i) {
      sets.reserve_change_anyway(root);
      sets.add(root, ValueMultisets::Order::kWords, falling ? kValues - i : i, 1);
    }
    const auto census = sets.verify(root, ValueMultisets::Order::kWords);
    CHECK(census.values == kValues);
    CHECK(census.words * 10 < kValues * size_or_tiny(21, 80));  // 2 words a value and a little.
    // A window that slides: what leaves in front frees its nodes.
    for (Word i = 0; i < kValues; ++i) {
      sets.reserve_change_anyway(root);
      sets.add(root, ValueMultisets::Order::kWords, falling ? kValues - i : i, -1);
    }
    CHECK(root == 0);
    CHECK(sets.live_words() == 0);
  }
}

TEST_CASE("texts are in the order of their bytes, or the reverse") {
  const TypeTable types;
  ValuePool pool(types);
  Random random(3);
  ValueMultisets sets(&pool, nullptr);
  Word forwards = 0;
  Word backwards = 0;
  std::map<std::string, std::int64_t> model;
  for (int change = 0; change < 4'000; ++change) {
    std::string text = std::to_string(random.below(500));
    if (text.size() % 2 == 0) text += " is a text of more than seven bytes";
    const Word word = pool.intern(text);
    pool.pin(word);
    const std::int64_t delta = model.contains(text) && random.chance(1, 2) ? -1 : 1;
    for (const bool forward : {true, false}) {
      Word& root = forward ? forwards : backwards;
      sets.reserve_change_anyway(root);
      sets.add(root, forward ? ValueMultisets::Order::kText : ValueMultisets::Order::kTextBackwards,
               word, delta);
    }
    if ((model[text] += delta) == 0) model.erase(text);
    if (model.empty()) continue;
    REQUIRE(sets.first(forwards) == pool.intern(model.begin()->first));
    REQUIRE(sets.first(backwards) == pool.intern(model.rbegin()->first));
  }
  CHECK(sets.verify(forwards, ValueMultisets::Order::kText).values == model.size());
  CHECK(sets.verify(backwards, ValueMultisets::Order::kTextBackwards).values == model.size());
}

TEST_CASE("a change that the budget refuses changes nothing") {
  MemoryBudget budget(64 << 10);
  ValueMultisets sets(nullptr, &budget);
  Word root = 0;
  Word value = 0;
  while (sets.reserve_change(root)) {
    sets.add(root, ValueMultisets::Order::kWords, value++, 1);
  }
  CHECK(value > 500);
  CHECK_FALSE(budget.overrun());
  CHECK(sets.verify(root, ValueMultisets::Order::kWords).values == value);
}

}  // namespace
}  // namespace entail::vm
