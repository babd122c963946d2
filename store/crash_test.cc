// What a crash, a full disk or a failing one leaves: every durable commit, no half one.

#include <catch2/catch.hpp>
#include <filesystem>

#include "store/derived_state.h"
#include "store/internal/testing.h"
#include "store/versioned_store.h"

namespace entail::store {
namespace {

using testing::check_verifies;
using testing::check_version;
using testing::Model;
using testing::ModelCommit;
using testing::open_store;
using testing::rows_of;
using testing::small_rocks;

// The store that came back has all that was durable, and is some version of the model.
void check_recovered(const VersionedStore& store, Model& model, Version durable) {
  REQUIRE(store.version() >= durable);
  REQUIRE(store.version() <= model.version());
  model.fall_back_to(store.version());
  CHECK(rows_of(store, {}) == model.rows(model.version()));
  check_version(store, model, model.version());
  if (model.version() > 0) check_version(store, model, model.random().below(model.version()));
  const auto positions = store.positions("orders").value();
  CHECK((positions.empty() ? "0" : positions[0].position) == std::to_string(model.version()));
  check_verifies(store);
}

}  // namespace

TEST_CASE("after a crash at any call every durable commit is there and no half one") {
  const ManualClock clock(1'000'000);
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    INFO("seed " << seed);
    auto disk = SimulatedDisk::create(seed);
    Model model(seed);
    Version durable = 0;
    for (int crash = 0; crash < 6; ++crash) {
      INFO("crash " << crash);
      auto store = open_store(disk->opener(), clock);
      check_recovered(*store, model, durable);
      durable = model.version();
      disk->crash_after(1 + model.random().below(40));
      while (!disk->crashed()) {
        const ModelCommit commit = model.propose();
        const bool own_sync = model.random().chance(1, 6);
        auto version =
            store->commit(commit.batch(), own_sync ? Durability::kSync : Durability::kGroup);
        // Applied to the model in any case: what comes back may not go beyond it.
        model.apply(commit);
        if (!version) break;
        if (model.random().chance(1, 5)) static_cast<void>(store->sync());
        if (model.random().chance(1, 9)) {
          static_cast<void>(store->set_floor(4, model.random().below(model.version() + 1)));
        }
        durable = store->durable_version();
      }
      CHECK_FALSE(store->commit({}).has_value());
    }
  }
}

TEST_CASE("a commit that failed is retried and nothing is lost when there is room again") {
  const ManualClock clock;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    auto disk = SimulatedDisk::create(seed);
    Model model(seed);
    auto store = open_store(disk->opener(), clock);
    for (int round = 0; round < 8; ++round) {
      disk->fail_after(1 + model.random().below(12), SimulatedDisk::Fault::kNoSpace);
      for (;;) {
        const ModelCommit commit = model.propose();
        auto version = store->commit(commit.batch());
        if (!version) {
          CHECK(version.error().sqlstate() == "53100");
          CHECK(store->commit(commit.batch()).error().sqlstate() == "53100");
          break;
        }
        model.apply(commit);
        if (model.random().chance(1, 3) && !store->sync().has_value()) break;
      }
      // Read-only meanwhile, but readable.
      CHECK(rows_of(*store, {}) == model.rows(model.version()));
      disk->heal();
      const ModelCommit commit = model.propose();
      auto version = store->commit(commit.batch());
      REQUIRE(version.has_value());
      model.apply(commit);
      CHECK(*version == model.version());
      CHECK(store->durable_version() == model.version() - 1);
    }
    CHECK(store->sync().value() == model.version());
    check_version(*store, model, model.version() / 2);
    check_verifies(*store);
  }
}

TEST_CASE("a full real disk refuses commits with 53100 until there is room") {
  const TemporaryFolder folder;
  const ManualClock clock;
  auto faults = std::make_shared<DiskFaults>();
  Model model(11);
  auto store = open_store(small_rocks(folder / "db", faults), clock);
  const auto try_commit = [&] {
    const ModelCommit commit = model.propose();
    auto version = store->commit(commit.batch());
    if (version) model.apply(commit);
    return version;
  };
  for (int round = 0; round < 4; ++round) {
    INFO("round " << round);
    faults->space_left_bytes = 3000 + 700 * round;
    auto version = try_commit();
    for (int i = 0; i < 200 && version.has_value(); ++i) version = try_commit();
    REQUIRE_FALSE(version.has_value());
    CHECK(version.error().sqlstate() == "53100");
    CHECK(version.error().code == ErrorCode::kLimit);
    CHECK(try_commit().error().sqlstate() == "53100");
    CHECK(rows_of(*store, {}) == model.rows(model.version()));
    faults->space_left_bytes = -1;
    version = try_commit();
    INFO((version ? std::string() : version.error().message));
    REQUIRE(version.has_value());
    CHECK(store->durable_version() >= model.version() - 1);
  }
  check_verifies(*store);
  store.reset();
  store = open_store(small_rocks(folder / "db"), clock);
  CHECK(store->version() == model.version());
  for (Version version = 0; version <= model.version(); version += 11) {
    check_version(*store, model, version);
  }
}

TEST_CASE("a real disk after a power cut has every durable commit and no half one") {
  const TemporaryFolder folder;
  const ManualClock clock;
  Random random(5);
  for (int crash = 0; crash < 25; ++crash) {
    INFO("crash " << crash);
    const std::string name = std::to_string(crash);
    auto faults = std::make_shared<DiskFaults>();
    Model model(100 + static_cast<std::uint64_t>(crash));
    auto store = open_store(small_rocks(folder / name, faults), clock);
    Version durable = 0;
    const std::uint64_t commits = 1 + random.below(60);
    for (std::uint64_t i = 0; i < commits; ++i) {
      const ModelCommit commit = model.propose();
      REQUIRE(store->commit(commit.batch()).has_value());
      model.apply(commit);
      if (random.chance(1, 6)) REQUIRE(store->sync().has_value());
      durable = store->durable_version();
    }
    REQUIRE(faults->copy_after_power_cut(folder / name, folder / (name + " after"), random)
                .has_value());
    store.reset();
    store = open_store(small_rocks(folder / (name + " after")), clock);
    check_recovered(*store, model, durable);
    const ModelCommit commit = model.propose();
    CHECK(store->commit(commit.batch()).value() == model.version() + 1);
  }
}

TEST_CASE("derived state counts when it was finished, and not before") {
  const ManualClock clock;
  for (const bool rocks : {false, true}) {
    const TemporaryFolder folder;
    const KvOpener opener = rocks ? small_rocks(folder / "db") : SimulatedDisk::create(5)->opener();
    auto store = open_store(opener, clock);
    const std::string large(700'000, 'x');
    const auto write = [&](Version version, bool finish) {
      auto writer = store->write_derived_state(version, "build 7");
      REQUIRE(writer.has_value());
      REQUIRE((*writer)->append("join 1", "left").has_value());
      REQUIRE((*writer)->append("join 2", large).has_value());
      REQUIRE((*writer)->append("join 1", " right").has_value());
      if (finish) REQUIRE((*writer)->finish().has_value());
    };
    const auto read = [&](Version version, std::string_view name) {
      auto reader = store->read_derived_state(version, name);
      REQUIRE(reader.has_value());
      std::string all;
      for (;;) {
        auto bytes = (*reader)->next();
        REQUIRE(bytes.has_value());
        if (bytes->empty()) return all;
        all += *bytes;
      }
    };
    for (int i = 0; i < 5; ++i) REQUIRE(store->commit({}).has_value());
    CHECK_FALSE(store->derived_state().value().has_value());
    write(2, true);
    write(4, false);
    check_verifies(*store);
    store.reset();
    store = open_store(opener, clock);
    REQUIRE(store->derived_state().value().has_value());
    CHECK(store->derived_state().value()->version == 2);
    CHECK(read(2, "join 1") == "left right");
    CHECK(read(2, "join 2") == large);
    write(5, true);
    const auto info = store->derived_state().value();
    CHECK(info->version == 5);
    CHECK(info->build_id == "build 7");
    REQUIRE(info->blobs.size() == 2);
    CHECK(info->blobs[1].name == "join 2");
    CHECK(info->blobs[1].bytes == large.size());
    CHECK_FALSE(store->read_derived_state(2, "join 1").has_value());
    CHECK(read(5, "join 2") == large);
    write(5, true);
    CHECK(read(5, "join 1") == "left right");
    check_verifies(*store);
    REQUIRE(store->drop_derived_state().has_value());
    CHECK_FALSE(store->derived_state().value().has_value());
    CHECK(store->verify().value().derived_bytes == 0);
  }
}

}  // namespace entail::store
