#include "vm/packed_set.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <iterator>
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

// Runs the workers one after the other: what they do must not depend on being at it together.
class TurnsTeam final : public ThreadTeam {
 public:
  explicit TurnsTeam(unsigned size) : size_(size) {}
  unsigned size() const override { return size_; }
  void run(const std::function<void(unsigned worker)>& work) override {
    for (unsigned worker = size_; worker-- > 0;) work(worker);
  }

 private:
  unsigned size_;
};

// The keys in any number of buffers, grouped (ascending) or as they come.
template <typename Key>
void check_team_against_model(unsigned workers, bool grouped) {
  for (unsigned shape = 0; shape < 5; ++shape) {
    INFO("shape " << shape << ", workers " << workers << ", grouped " << grouped);
    Random random(shape + 100);
    TurnsTeam team(workers);
    PackedSet<Key> set(nullptr);
    std::vector<Key>
        model;  // Ascending, as are `expected` and `added`: a std::set takes ten times as long.
    unsigned shared_rounds = 0;
    for (int round = 0; round < 6; ++round) {
      std::vector<std::vector<Key>> keys(1 + random.below(workers + 1));
      std::vector<std::span<const Key>> buffers;
      std::vector<Key> all;
      for (std::vector<Key>& buffer : keys) {
        buffer.resize(random.below(60'000));
        for (Key& key : buffer) key = make_key<Key>(random, shape);
        all.insert(all.end(), buffer.begin(), buffer.end());
        if (grouped) std::sort(buffer.begin(), buffer.end());
        buffers.emplace_back(buffer);
      }
      std::sort(all.begin(), all.end());
      all.erase(std::unique(all.begin(), all.end()), all.end());
      std::vector<Key> expected;
      std::set_difference(all.begin(), all.end(), model.begin(), model.end(),
                          std::back_inserter(expected));
      std::vector<Key> added;
      std::vector<std::span<const Key>> fresh;
      bool refused = true;
      if (set.insert_with(team, buffers, fresh, &refused)) {
        ++shared_rounds;
        CHECK_FALSE(refused);
        CHECK(fresh.size() == workers);
        for (const auto& part : fresh) added.insert(added.end(), part.begin(), part.end());
      } else {
        for (const std::vector<Key>& buffer : keys) {
          std::vector<Key> room(buffer.size());
          std::size_t done = 0;
          room.resize(set.insert(buffer.data(), buffer.size(), room.data(), &done));
          added.insert(added.end(), room.begin(), room.end());
        }
      }
      std::sort(added.begin(), added.end());
      CHECK(std::equal(added.begin(), added.end(), expected.begin(), expected.end()));
      const auto middle = static_cast<std::ptrdiff_t>(model.size());
      model.insert(model.end(), expected.begin(), expected.end());
      std::inplace_merge(model.begin(), model.begin() + middle, model.end());
      CHECK(set.size() == model.size());
      set.verify();
    }
    if (shape == 2) CHECK(shared_rounds > 3);
  }
}

TEST_CASE("one worker and several make one set of 64-bit keys") {
  check_team_against_model<std::uint64_t>(1, false);
  check_team_against_model<std::uint64_t>(1, true);
  check_team_against_model<std::uint64_t>(2, false);
  check_team_against_model<std::uint64_t>(2, true);
  check_team_against_model<std::uint64_t>(3, false);
}

TEST_CASE("several workers make one set of 128-bit keys") {
  check_team_against_model<Uint128>(2, true);
  check_team_against_model<Uint128>(3, false);
}

TEST_CASE("a set that the budget refuses to several workers keeps what it reported") {
  for (const std::uint64_t limit : {3'000'000, 4'000'000, 6'000'000, 9'000'000}) {
    MemoryBudget budget(limit);
    {
      TurnsTeam team(2);
      PackedSet<std::uint64_t> set(&budget);
      Random random(limit);
      std::size_t held = 0;
      bool refused = false;
      for (int round = 0; round < 40 && !refused; ++round) {
        std::vector<std::uint64_t> keys(50'000);
        for (std::uint64_t& key : keys) key = random.next();
        const std::span<const std::uint64_t> buffers[] = {{keys.data(), 20'000},
                                                          {keys.data() + 20'000, 30'000}};
        std::vector<std::span<const std::uint64_t>> fresh;
        if (set.insert_with(team, buffers, fresh, &refused)) {
          for (const auto& part : fresh) held += part.size();
          continue;
        }
        std::vector<std::uint64_t> room(keys.size());
        std::size_t done = 0;
        held += set.insert(keys.data(), keys.size(), room.data(), &done);
        refused = done < keys.size();
      }
      CHECK(refused);
      CHECK(set.size() == held);
      set.verify();
    }
    CHECK(budget.used() == 0);
  }
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
