// A damaged byte is found, and the message says where.

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "store/derived_state.h"
#include "store/internal/testing.h"
#include "store/versioned_store.h"

namespace entail::store {
namespace {

namespace fs = std::filesystem;

using testing::Model;
using testing::ModelCommit;
using testing::open_store;
using testing::small_rocks;

void fill(VersionedStore& store, Model& model, int commits) {
  for (int i = 0; i < commits; ++i) {
    const ModelCommit commit = model.propose();
    CommitBatch batch = commit.batch();
    if (i % 5 == 0) batch.dead_letters = {{"orders", "0", "1", "bad", "bytes"}};
    REQUIRE(store.commit(std::move(batch)).has_value());
    model.apply(commit);
  }
  REQUIRE(store.set_floor(1, 3).has_value());
  auto writer = store.write_derived_state(store.version(), "build");
  REQUIRE(writer.has_value());
  REQUIRE((*writer)->append("join", std::string(1000, 'j')).has_value());
  REQUIRE((*writer)->finish().has_value());
}

// Opens and verifies; the error that either found.
std::optional<Error> find_damage(const KvOpener& opener) {
  const ManualClock clock(1'000'000);
  auto store = VersionedStore::open({.open_kv = opener, .clock = &clock});
  if (!store) return store.error();
  auto report = (*store)->verify();
  if (!report) return report.error();
  return std::nullopt;
}

}  // namespace

TEST_CASE("a flipped bit in any stored entry, key or value, is found and named") {
  const ManualClock clock(1'000'000);
  Random random(17);
  std::map<std::string, int> families;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    auto disk = SimulatedDisk::create(seed);
    Model model(seed % 5);
    {
      auto store = open_store(disk->opener(), clock);
      fill(*store, model, 30);
    }
    const auto place = disk->flip_bit(random.next(), random.chance(1, 3), random.next());
    if (!place) continue;
    INFO("seed " << seed << " flipped " << *place);
    ++families[place->substr(0, place->find('/'))];
    const auto damage = find_damage(disk->opener());
    REQUIRE(damage.has_value());
    CHECK(damage->code == ErrorCode::kCorrupt);
    CHECK(damage->sqlstate() == "XX001");
    CHECK_FALSE(damage->message.empty());
  }
  CHECK(families.size() == 6);
}

TEST_CASE("a damaged row is named when it is read") {
  const ManualClock clock;
  auto disk = SimulatedDisk::create(1);
  {
    auto store = open_store(disk->opener(), clock);
    CommitBatch batch;
    RowChange& change = batch.changes.emplace_back();
    change.relation = 7;
    change.key = "aa";
    change.after = RowImage{.row = "apple"};
    REQUIRE(store->commit(std::move(batch)).has_value());
    REQUIRE(store->sync().has_value());
  }
  REQUIRE(disk->flip_bit(0, false, 70)->starts_with("current/"));
  auto store = open_store(disk->opener(), clock);
  auto row = store->get(7, "aa");
  REQUIRE_FALSE(row.has_value());
  CHECK(row.error().message ==
        "the current row of relation 7, key aa is damaged: its checksum is wrong");
  auto scan = store->scan(7);
  CHECK_FALSE((*scan)->next());
  CHECK((*scan)->status().error().code == ErrorCode::kCorrupt);
}

TEST_CASE("a lost or doubled row is found by what the log says") {
  // Whole entries are moved behind the store's back, each with its right checksum.
  const ManualClock clock;
  auto disk = SimulatedDisk::create(1);
  std::unique_ptr<Kv> kv;
  const KvLayout layout{{{.name = "current"},
                         {.name = "history"},
                         {.name = "log"},
                         {.name = "outbox"},
                         {.name = "meta"},
                         {.name = "derived"}}};
  Model model(2);
  {
    auto store = open_store(disk->opener(), clock);
    for (int i = 0; i < 40; ++i) {
      const ModelCommit commit = model.propose();
      REQUIRE(store->commit(commit.batch()).has_value());
      model.apply(commit);
    }
  }
  for (const KvFamily family : {KvFamily(0), KvFamily(1), KvFamily(2)}) {
    std::string key, value;
    {
      auto raw = disk->open(layout);
      REQUIRE(raw.has_value());
      auto iterator = (*raw)->iterate(family, {});
      iterator->seek_to_first();
      for (int i = 0; i < 3; ++i) iterator->next();
      key = iterator->key();
      value = iterator->value();
      auto batch = (*raw)->new_batch();
      batch->erase(family, key);
      REQUIRE((*raw)->write(*batch, true).has_value());
    }
    const auto damage = find_damage(disk->opener());
    REQUIRE(damage.has_value());
    INFO(damage->message);
    if (family == KvFamily(2)) {
      CHECK(damage->message == "the log record of version 4, piece 0 is missing");
    } else {
      CHECK(damage->message.find("the log and the rows of relation 1 disagree about key") == 0);
    }
    auto raw = disk->open(layout);
    auto batch = (*raw)->new_batch();
    batch->put(family, key, value);
    REQUIRE((*raw)->write(*batch, true).has_value());
  }
  CHECK_FALSE(find_damage(disk->opener()).has_value());
}

TEST_CASE("a flipped bit in any file of RocksDB that holds data is found and named") {
  const TemporaryFolder folder;
  const ManualClock clock(1'000'000);
  // One folder with all in tables, one with all in the write-ahead log.
  for (const bool in_tables : {true, false}) {
    const std::string original = folder / (in_tables ? "tables" : "log");
    Model model(23);
    {
      auto store = open_store(small_rocks(original), clock);
      fill(*store, model, 60);
      if (in_tables) REQUIRE(store->backup(folder / "made of tables").has_value());
    }
    const std::string from = in_tables ? folder / "made of tables" : original;
    REQUIRE_FALSE(find_damage(small_rocks(from)).has_value());
    Random random(29);
    std::map<std::string, int> kinds;
    for (int flip = 0; flip < 60; ++flip) {
      const std::string copy = folder / "copy";
      fs::remove_all(copy);
      if (in_tables) {
        fs::copy(from, copy);
      } else {
        // Opening has moved the log into tables: a fresh one each time.
        Model again(23);
        auto store = open_store(small_rocks(copy), clock);
        fill(*store, again, 20);
      }
      std::vector<fs::path> files;
      for (const auto& entry : fs::directory_iterator(copy)) {
        const std::string name = entry.path().filename().string();
        // What no one reads cannot be damaged: the lock, RocksDB's copy of its options, its name.
        if (name == "LOCK" || name == "IDENTITY" || name.starts_with("OPTIONS")) continue;
        if (entry.file_size() > 0) files.push_back(entry.path());
      }
      std::sort(files.begin(), files.end());
      const fs::path file = random.pick(files);
      const std::uint64_t size = fs::file_size(file);
      std::uint64_t offset = random.below(size);
      // The mark's file is two slots with nothing between them.
      if (file.filename() == "SYNCED") offset = (offset % 2) * 512 + offset % 24;
      {
        std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
        bytes.seekg(static_cast<std::streamoff>(offset));
        const int byte = bytes.get();
        bytes.seekp(static_cast<std::streamoff>(offset));
        bytes.put(static_cast<char>(byte ^ (1 << random.below(8))));
      }
      ++kinds[file.extension().empty() ? file.filename().string().substr(0, 8)
                                       : file.extension().string()];
      const auto damage = find_damage(small_rocks(copy));
      INFO("flip " << flip << " in " << file << " at " << offset << " of " << size);
      REQUIRE(damage.has_value());
      INFO(damage->message);
      CHECK(damage->message.find(copy) != std::string::npos);
    }
    CHECK(kinds.size() >= 3);
  }
}

}  // namespace entail::store
