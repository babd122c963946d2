// The contract of a Kv (vm/base/kv.h), held by the disk and by its simulation alike.

#include <catch2/catch.hpp>
#include <map>

#include "store/internal/testing.h"
#include "vm/base/kv.h"

namespace entail::store {
namespace {

using testing::small_rocks;

constexpr KvFamily kFirst{0}, kSecond{1};

using Map = std::map<std::string, std::string>;

Map forward(KvIterator& iterator) {
  Map map;
  for (iterator.seek_to_first(); iterator.valid(); iterator.next()) {
    CHECK(map.emplace(iterator.key(), iterator.value()).second);
  }
  CHECK(iterator.status().has_value());
  return map;
}

// The part of `map` in [lower, upper).
Map part(const Map& map, const std::string& lower, const std::string& upper) {
  return {map.lower_bound(lower), upper.empty() ? map.end() : map.lower_bound(upper)};
}

std::string random_key(Random& random) {
  static constexpr char kLetters[] = {'\0', 'a', 'b', '\xFF'};
  std::string key;
  for (std::uint64_t length = 1 + random.below(3); length > 0; --length) {
    key.push_back(kLetters[random.below(4)]);
  }
  return key;
}

void run_against_model(const KvOpener& opener, std::uint64_t seed) {
  Random random(seed);
  KvLayout layout{{{.name = "first", .point_reads = true}, {.name = "second"}, {.name = "third"}}};
  layout.families[2].may_drop = [](std::string_view key, std::string_view) {
    return key.starts_with('b');
  };
  auto opened = opener(layout);
  REQUIRE(opened.has_value());
  std::unique_ptr<Kv> kv = *std::move(opened);
  Map models[2];
  for (int step = 0; step < 120; ++step) {
    const auto batch = kv->new_batch();
    for (std::uint64_t i = random.below(6); i > 0; --i) {
      const KvFamily family(static_cast<std::uint32_t>(random.below(2)));
      Map& model = models[family.position()];
      const std::string key = random_key(random);
      if (random.chance(1, 8)) {
        const std::string end = random_key(random);
        if (end < key) continue;
        batch->erase_range(family, key, end);
        model.erase(model.lower_bound(key), model.lower_bound(end));
      } else if (random.chance(1, 3)) {
        batch->erase(family, key);
        model.erase(key);
      } else {
        const std::string value = std::to_string(random.below(1000));
        batch->put(family, key, value);
        model.insert_or_assign(key, value);
      }
    }
    auto snapshot = kv->snapshot();
    const Map before = forward(*kv->iterate(kFirst, {}));
    REQUIRE(kv->write(*batch, random.chance(1, 4)).has_value());
    CHECK(forward(*kv->iterate(kFirst, {.snapshot = snapshot.get()})) == before);
    if (random.chance(1, 10)) REQUIRE(kv->sync().has_value());

    const std::string lower = random_key(random), upper = random_key(random);
    for (const KvFamily family : {kFirst, kSecond}) {
      const Map& model = models[family.position()];
      CHECK(forward(*kv->iterate(family, {})) == model);
      if (lower < upper) {
        const auto bounded = kv->iterate(family, {.lower = lower, .upper = upper, .bulk = true});
        const Map expected = part(model, lower, upper);
        CHECK(forward(*bounded) == expected);
        bounded->seek_to_last();
        CHECK(bounded->valid() == !expected.empty());
        if (bounded->valid()) CHECK(bounded->key() == expected.rbegin()->first);
      }
      const std::string key = random_key(random);
      const auto iterator = kv->iterate(family, {});
      iterator->seek(key);
      const auto at_least = model.lower_bound(key);
      REQUIRE(iterator->valid() == (at_least != model.end()));
      if (iterator->valid()) CHECK(iterator->key() == at_least->first);
      iterator->seek_for_prev(key);
      const auto above = model.upper_bound(key);
      REQUIRE(iterator->valid() == (above != model.begin()));
      if (iterator->valid()) CHECK(iterator->key() == std::prev(above)->first);
      const std::vector<std::string> keys = {lower, key};
      const auto values = kv->get_many(family, keys).value();
      for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto found = model.find(keys[i]);
        CHECK(values[i] == (found == model.end() ? std::nullopt : std::optional(found->second)));
        CHECK(kv->get(family, keys[i]).value() == values[i]);
      }
    }
    if (random.chance(1, 25)) {
      // What is not synced survives this too: nothing but a power cut loses it.
      REQUIRE(kv->sync().has_value());
      snapshot.reset();
      kv.reset();
      auto again = opener(layout);
      INFO((again ? std::string() : again.error().message));
      REQUIRE(again.has_value());
      kv = *std::move(again);
    }
  }
  const auto batch = kv->new_batch();
  for (const char* key : {"a", "b", "b1", "c"}) batch->put(KvFamily(2), key, "value");
  REQUIRE(kv->write(*batch, true).has_value());
  REQUIRE(kv->compact(KvFamily(2), {}, {}).has_value());
  CHECK(forward(*kv->iterate(KvFamily(2), {})) == Map{{"a", "value"}, {"c", "value"}});
  CHECK(kv->verify_files().has_value());
}

}  // namespace

TEST_CASE("the simulated disk and RocksDB keep the contract of a Kv") {
  const TemporaryFolder folder;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    run_against_model(SimulatedDisk::create(seed)->opener(), seed);
    run_against_model(small_rocks(folder / std::to_string(seed)), seed);
  }
}

}  // namespace entail::store
