#include "vm/hash_index.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <memory>

#include "vm/base/random.h"

namespace entail::vm {
namespace {

using Key = std::vector<Word>;

// Values that lead to each kind of directory: close together, far apart, too wide to pack.
Word word_of(Random& random, unsigned shape) {
  switch (shape) {
    case 0:
      return int_word(random.between(-20, 20));
    case 1:
      return int_word(random.between(-20, 20) * 1'000'000'007);
    default:
      return random.below(30) * 0x9E3779B97F4A7C15U;
  }
}

TEST_CASE("an index agrees with a model while rows come and go, in every kind of directory") {
  for (std::uint64_t seed = 0; seed < 48; ++seed) {
    Random random(seed);
    INFO("seed " << seed);
    const bool is_signed[] = {true, seed % 2 == 0};
    ColumnStore store(is_signed, nullptr);
    std::vector<std::uint32_t> key = {static_cast<std::uint32_t>(random.below(2))};
    if (random.chance(1, 2)) key = {0, 1};
    HashIndex index(store, key, nullptr);
    std::vector<std::uint64_t> dead(100, 0);
    std::map<Key, std::vector<Row>> model;
    for (int round = 0; round < 30; ++round) {
      const auto first = static_cast<Row>(store.size());
      const auto count = static_cast<Row>(random.below(round == 4 ? 1500 : 40));
      REQUIRE(store.reserve(first + count));
      store.set_size(first + count);
      // The shape changes on the way, so that the directory has to.
      const auto shape =
          static_cast<unsigned>((seed + (round > 8 ? 1 : 0) + (round > 20 ? 1 : 0)) % 3);
      for (Row row = first; row < first + count; ++row) {
        for (std::size_t c = 0; c < 2; ++c) {
          const Word word = word_of(random, shape);
          if (!store.fits(c, &word, 1)) REQUIRE(store.widen(c));
          store.set(c, row, word);
        }
        Key words;
        for (const std::uint32_t column : key) words.push_back(store.at(column, row));
        model[words].push_back(row);
      }
      if (random.chance(1, 10)) {
        index.build(first + count, dead.data());
      } else {
        index.extend(first + count, dead.data());
      }
      std::vector<Row> leaving;
      for (auto& [words, rows] : model) {
        std::erase_if(rows, [&](Row row) {
          if (!random.chance(1, 12)) return false;
          leaving.push_back(row);
          return true;
        });
      }
      std::erase_if(model, [](const auto& entry) { return entry.second.empty(); });
      std::sort(leaving.begin(), leaving.end());
      index.remove(leaving);
      for (const Row row : leaving) dead[row >> 6] |= std::uint64_t{1} << (row & 63);

      CHECK(index.distinct_keys() == model.size());
      index.verify(dead.data());
      std::vector<Key> probes;
      for (const auto& [words, rows] : model) probes.push_back(words);
      for (int i = 0; i < 5; ++i) {
        probes.emplace_back();
        for (std::size_t c = 0; c < key.size(); ++c) probes.back().push_back(random.next());
      }
      std::vector<std::vector<Word>> columns(key.size());
      std::vector<const Word*> pointers;
      for (std::size_t c = 0; c < key.size(); ++c) {
        for (const Key& probe : probes) columns[c].push_back(probe[c]);
        pointers.push_back(columns[c].data());
      }
      const Row low = static_cast<Row>(random.below(store.size() + 1));
      const Row high = low + static_cast<Row>(random.below(store.size() + 1 - low));
      std::vector<Posting> postings(probes.size());
      index.probe(pointers, probes.size(), low, high, postings.data());
      for (std::size_t i = 0; i < probes.size(); ++i) {
        std::vector<Row> expected;
        for (const Row row : model.count(probes[i]) == 1 ? model[probes[i]] : std::vector<Row>{}) {
          if (row >= low && row < high) expected.push_back(row);
        }
        CHECK(std::vector<Row>(postings[i].rows, postings[i].rows + postings[i].count) == expected);
      }
    }
  }
}

TEST_CASE("a map from keys to rows survives erasing in any order") {
  Random random(8);
  RowMap map(nullptr);
  std::map<std::uint32_t, std::uint32_t> model;  // Row -> tag; few tags, so that runs are long.
  for (int step = 0; step < 20'000; ++step) {
    const auto row = static_cast<std::uint32_t>(random.below(300));
    const auto place = model.find(row);
    if (place == model.end()) {
      const auto tag = static_cast<std::uint32_t>(random.below(20) << 28);
      REQUIRE(map.reserve(map.size() + 1));
      map.insert(tag, row);
      model[row] = tag;
    } else {
      map.erase(place->second, row);
      model.erase(place);
    }
  }
  CHECK(map.size() == model.size());
  for (const auto& [row, tag] : model) {
    CHECK(map.find(tag, [wanted = row](std::uint32_t found) { return found == wanted; }) == row);
  }
}

}  // namespace
}  // namespace entail::vm
