#include "store/group_flusher.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "store/internal/testing.h"

namespace entail::store {
namespace {

using testing::open_store;

// A thread that runs the flusher, as the server would.
class Running {
 public:
  explicit Running(GroupFlusher& flusher) : flusher_(flusher), thread_([&] { flusher.run(); }) {}
  ~Running() { end(); }
  void end() {
    flusher_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  GroupFlusher& flusher_;
  std::thread thread_;
};

// The flusher measures how long an fsync takes.
class SteadyClock final : public Clock {
 public:
  std::int64_t now_us() const override { return 0; }
  std::int64_t steady_ns() const override {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  }
};

}  // namespace

TEST_CASE("with a slow fsync at least eight commits share one") {
  const SteadyClock clock;
  auto disk = SimulatedDisk::create(1);
  auto store = open_store(disk->opener(), clock);
  disk->on_sync([] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); });
  std::atomic<Version> called_back{0};
  GroupFlusher flusher(*store, {.on_durable = [&](Version version) { called_back = version; }});
  Running running(flusher);

  // Sixteen clients of one writer, each of which waits for its own commit.
  constexpr int kClients = 16, kCommits = 25;
  std::mutex writer;
  std::vector<std::thread> clients;
  std::atomic<int> failures{0};
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&] {
      for (int i = 0; i < kCommits; ++i) {
        Version version = 0;
        {
          const std::lock_guard lock(writer);
          version = store->commit({}).value();
        }
        if (!flusher.wait(version).has_value()) ++failures;
        if (store->durable_version() < version) ++failures;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  CHECK(failures == 0);
  CHECK(store->durable_version() == kClients * kCommits);
  const double commits_per_sync = kClients * kCommits / static_cast<double>(flusher.syncs());
  CHECK(commits_per_sync >= 8);
  running.end();
  CHECK(called_back == kClients * kCommits);
}

TEST_CASE("a lone commit waits for its own fsync only") {
  const ManualClock clock;
  auto disk = SimulatedDisk::create(1);
  auto store = open_store(disk->opener(), clock);
  GroupFlusher flusher(*store, {});
  Running running(flusher);
  for (std::uint64_t i = 1; i <= 20; ++i) {
    REQUIRE(flusher.wait(store->commit({}).value()).has_value());
    CHECK(flusher.syncs() == i);
  }
}

TEST_CASE("who commits syncs for itself where the disk is quick, and only there") {
  const SteadyClock clock;
  auto disk = SimulatedDisk::create(1);
  auto store = open_store(disk->opener(), clock);
  std::atomic<Version> called_back{0};
  GroupFlusher flusher(*store, {.on_durable = [&](Version version) { called_back = version; }});
  Running running(flusher);
  // How quick it is the first fsync shows.
  REQUIRE(flusher.wait(store->commit({}).value()).has_value());
  int at_once = 0;
  for (int i = 0; i < 50; ++i) {
    const Version version = store->commit({}).value();
    flusher.flush(version);
    at_once += called_back == version ? 1 : 0;
    REQUIRE(flusher.wait(version).has_value());
  }
  CHECK(at_once > 10);  // A busy machine makes some look slow.
  disk->on_sync([] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); });
  // The one that finds out waits; then others do.
  flusher.flush(store->commit({}).value());
  for (int i = 0; i < 5; ++i) {
    const Version version = store->commit({}).value();
    flusher.flush(version);
    CHECK(called_back < version);
    REQUIRE(flusher.wait(version).has_value());
  }
}

TEST_CASE("an async commit becomes durable though nobody waits") {
  const ManualClock clock;
  auto disk = SimulatedDisk::create(1);
  auto store = open_store(disk->opener(), clock);
  GroupFlusher flusher(*store, {.async_delay_ms = 5});
  {
    Running running(flusher);
    const Version version = store->commit({}, Durability::kAsync).value();
    flusher.nudge();
    for (int i = 0; i < 2000 && store->durable_version() < version; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(store->durable_version() == version);
    REQUIRE(store->commit({}, Durability::kAsync).has_value());
  }
  // Stopping makes the rest durable.
  CHECK(store->durable_version() == store->version());
}

TEST_CASE("whoever waits learns that the fsync failed, and the next request tries again") {
  const ManualClock clock;
  auto disk = SimulatedDisk::create(1);
  auto store = open_store(disk->opener(), clock);
  std::atomic<int> told{0};
  GroupFlusher flusher(*store, {.on_failed = [&](const Error&) { ++told; }});
  Running running(flusher);
  const Version version = store->commit({}).value();
  disk->fail_after(1, SimulatedDisk::Fault::kNoSpace);
  auto waited = flusher.wait(version);
  REQUIRE_FALSE(waited.has_value());
  CHECK(waited.error().sqlstate() == "53100");
  CHECK(store->commit({}).error().sqlstate() == "53100");
  disk->heal();
  CHECK(flusher.wait(version).has_value());
  running.end();
  CHECK(told == 1);
  CHECK(flusher.wait(version + 100).error().code == ErrorCode::kCancelled);
}

}  // namespace entail::store
