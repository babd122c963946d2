#include "vm/packed_set.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "vm/base/random.h"
#include "vm/packed_layout.h"

namespace entail::vm {
namespace {

template <typename Key>
Key make_key(Random& random, unsigned shape);

// Shapes: dense ids, one leading value, all leading values different, the edges of the number range.
template <>
std::uint64_t make_key(Random& random, unsigned shape) {
  switch (shape) {
    case 0:
      return random.below(40) << 32 | random.below(3000);
    case 1:
      return std::uint64_t{7} << 32 | random.below(1U << 20U);
    case 2:
      return random.next();
    case 3:
      return ~random.below(100);
    default:
      return random.below(2000) << 20;
  }
}
template <>
Uint128 make_key(Random& random, unsigned shape) {
  const Uint128 high = make_key<std::uint64_t>(random, shape);
  return shape == 3 ? ~static_cast<Uint128>(random.below(100)) : high << 64 | random.below(50);
}

template <typename Key>
void check_against_model() {
  for (unsigned shape = 0; shape < 5; ++shape) {
    INFO("shape " << shape);
    Random random(shape + 1);
    PackedSet<Key> set(nullptr);
    std::set<Key> model;
    for (int round = 0; round < 12; ++round) {
      std::vector<Key> keys(round % 3 == 0 ? 30'000 : 50);
      for (Key& key : keys) key = make_key<Key>(random, shape);
      std::vector<Key> fresh(keys.size());
      std::size_t done = 0;
      const std::size_t count = set.insert(keys.data(), keys.size(), fresh.data(), &done);
      CHECK(done == keys.size());
      std::set<Key> expected;
      for (const Key& key : keys) {
        if (model.insert(key).second) expected.insert(key);
      }
      CHECK(std::set<Key>(fresh.begin(), fresh.begin() + static_cast<std::ptrdiff_t>(count)) ==
            expected);
      CHECK(count == expected.size());
      for (Key& key : keys) key = make_key<Key>(random, shape);
      std::vector<std::uint8_t> found(keys.size());
      set.contains(keys.data(), keys.size(), found.data());
      bool agrees = true;
      for (std::size_t i = 0; i < keys.size(); ++i) {
        agrees &= (found[i] == 1) == (model.count(keys[i]) == 1);
      }
      CHECK(agrees);
    }
    CHECK(set.size() == model.size());
    set.verify();
  }
}

TEST_CASE("a set of 64-bit keys agrees with a model in every shape") {
  check_against_model<std::uint64_t>();
}

TEST_CASE("a set of 128-bit keys agrees with a model in every shape") {
  check_against_model<Uint128>();
}

TEST_CASE("dense keys take a few bits each, and turn back into keys when they thin out") {
  PackedSet<std::uint64_t> set(nullptr);
  std::vector<std::uint64_t> keys;
  for (std::uint64_t x = 0; x < 300; ++x) {
    for (std::uint64_t y = 0; y < 2000; ++y) keys.push_back(x << 32 | y);
  }
  std::vector<std::uint64_t> fresh(keys.size());
  std::size_t done = 0;
  for (std::size_t i = 0; i < keys.size(); i += 50'000) {
    set.insert(keys.data() + i, std::min<std::size_t>(50'000, keys.size() - i), fresh.data(),
               &done);
  }
  CHECK(set.size() == 600'000);
  CHECK(set.bytes_used() < 1'500'000);
  Random random(9);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::uint64_t> sparse(50'000);
    for (std::uint64_t& key : sparse) key = random.next();
    set.insert(sparse.data(), sparse.size(), fresh.data(), &done);
  }
  CHECK(set.size() == 1'600'000);
  CHECK(set.bytes_used() < 1'600'000 * 22);
  set.verify();
}

TEST_CASE("a set that the budget refuses keeps what it has") {
  MemoryBudget budget(100'000);
  {
    PackedSet<std::uint64_t> set(&budget);
    Random random(4);
    std::size_t held = 0;
    while (true) {
      std::vector<std::uint64_t> keys(1000);
      for (std::uint64_t& key : keys) key = random.next();
      std::vector<std::uint64_t> fresh(keys.size());
      std::size_t done = 0;
      held += set.insert(keys.data(), keys.size(), fresh.data(), &done);
      if (done < keys.size()) break;
    }
    CHECK(set.size() == held);
    CHECK(held > 2000);
    set.verify();
  }
  CHECK(budget.used() == 0);
}

TEST_CASE("parts inserted by several workers make one set") {
  PackedSet<std::uint64_t> set(nullptr);
  Random random(6);
  std::vector<std::uint64_t> keys(200'000);
  for (std::uint64_t& key : keys) key = random.below(1000) << 32 | random.below(1000);
  std::vector<std::uint64_t> fresh(keys.size());
  std::size_t done = 0;
  set.insert(keys.data(), 150'000, fresh.data(), &done);
  const std::size_t before = set.size();
  REQUIRE(set.prepare_parts(3));
  std::size_t added = 0;
  bool refused = false;
  for (unsigned part = 0; part < 3; ++part) {
    added += set.insert_part(keys.data(), keys.size(), part, 3, fresh.data(), &refused);
  }
  set.finish_parts();
  CHECK_FALSE(refused);
  CHECK(set.size() == before + added);
  CHECK(set.size() == std::set<std::uint64_t>(keys.begin(), keys.end()).size());
  set.verify();
}

TEST_CASE("a packed row comes back as it went in, at every width") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    std::vector<PackedNeed> needs(1 + random.below(6));
    unsigned total = 0;
    for (PackedNeed& need : needs) {
      need = {static_cast<unsigned>(1 + random.below(64)), random.chance(1, 2)};
      total += need.bits;
    }
    const auto layout = PackedLayout::choose(needs);
    CHECK(layout.has_value() == (total <= 128));
    if (!layout) continue;
    std::vector<std::vector<Word>> words(needs.size());
    std::vector<const Word*> columns;
    for (std::size_t c = 0; c < needs.size(); ++c) {
      for (int i = 0; i < 20; ++i) {
        const unsigned bits = static_cast<unsigned>(1 + random.below(needs[c].bits));
        const Word word = bits == 64 ? random.next() : random.next() & ((Word{1} << bits) - 1);
        words[c].push_back(needs[c].is_signed
                               ? PackedColumn{static_cast<std::uint8_t>(bits), 0, true}.extend(word)
                               : word);
      }
      CHECK(bits_of(words[c].data(), 20, needs[c].is_signed) <= needs[c].bits);
      columns.push_back(words[c].data());
    }
    std::uint64_t narrow[20];
    Uint128 wide[20];
    CHECK((layout->is_wide() ? layout->pack(columns.data(), 20, wide)
                             : layout->pack(columns.data(), 20, narrow)));
    for (std::size_t c = 0; c < needs.size(); ++c) {
      Word back[20];
      if (layout->is_wide()) {
        layout->unpack(wide, 20, c, back);
      } else {
        layout->unpack(narrow, 20, c, back);
      }
      CHECK(std::equal(back, back + 20, words[c].begin()));
    }
  }
}

TEST_CASE("a word that does not fit is noticed") {
  const PackedNeed needs[] = {{8, true}, {8, false}};
  const auto layout = PackedLayout::choose(needs);
  const Word good[] = {int_word(-5)};
  const Word bad[] = {int_word(std::int64_t{1} << 31)};
  const Word unsigned_bad[] = {int_word(-1)};
  std::uint64_t key = 0;
  const Word* fits[] = {good, good + 0};
  const Word small[] = {200};
  fits[1] = small;
  CHECK(layout->pack(fits, 1, &key));
  const Word* first_too_big[] = {bad, small};
  CHECK_FALSE(layout->pack(first_too_big, 1, &key));
  const Word* negative[] = {good, unsigned_bad};
  CHECK_FALSE(layout->pack(negative, 1, &key));
  CHECK_FALSE(layout->fits(negative, 0));
}

}  // namespace
}  // namespace entail::vm
