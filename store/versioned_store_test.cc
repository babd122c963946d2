#include "store/versioned_store.h"

#include <catch2/catch.hpp>
#include <set>

#include "store/internal/testing.h"
#include "store/row_key.h"

namespace entail::store {
namespace {

using testing::check_verifies;
using testing::check_version;
using testing::Model;
using testing::ModelCommit;
using testing::open_store;
using testing::rows_of;
using testing::small_rocks;

RowChange insertion(RelationNumber relation, std::string_view key, std::string_view row) {
  RowChange change;
  change.relation = relation;
  change.key = key;
  change.after = RowImage{.row = row};
  return change;
}

RowChange deletion(RelationNumber relation, std::string_view key, std::string_view row) {
  RowChange change;
  change.relation = relation;
  change.key = key;
  change.before = RowImage{.row = row};
  return change;
}

Version commit_one(VersionedStore& store, const RowChange& change) {
  CommitBatch batch;
  batch.changes.push_back(change);
  auto version = store.commit(std::move(batch));
  INFO((version ? std::string() : version.error().message));
  REQUIRE(version.has_value());
  return *version;
}

std::string row_at(const VersionedStore& store, std::string_view key,
                   std::optional<Version> as_of = {}) {
  auto row = store.get(1, key, as_of);
  REQUIRE(row.has_value());
  return *row ? std::string((*row)->stored.image.row) : "none";
}

// The log, replayed on nothing, gives the newest rows.
testing::ModelRows replay(const VersionedStore& store) {
  testing::ModelRows rows;
  auto reader = store.read_log(1);
  REQUIRE(reader.has_value());
  Version expected = 1;
  while ((*reader)->next()) {
    const LogRecord& record = (*reader)->record();
    CHECK(record.info.version == expected++);
    for (const RowChange& change : record.changes) {
      const testing::ModelKey key{change.relation, std::string(change.key)};
      if (change.before) {
        CHECK(rows.at(key) == change.before->row);
        rows.erase(key);
      }
      if (change.after) CHECK(rows.emplace(key, change.after->row).second);
    }
  }
  CHECK((*reader)->status().has_value());
  return rows;
}

void run_model(const KvOpener& opener, std::uint64_t seed, int commits) {
  const ManualClock clock(1'000'000);
  Model model(seed);
  auto store = open_store(opener, clock);
  for (int i = 0; i < commits; ++i) {
    if (model.random().chance(1, 20)) {
      store.reset();
      store = open_store(opener, clock);
      CHECK(store->version() == model.version());
      CHECK(store->durable_version() == model.version());
    }
    const ModelCommit commit = model.propose();
    auto version = store->commit(
        commit.batch(), model.random().chance(1, 5) ? Durability::kSync : Durability::kGroup);
    REQUIRE(version.has_value());
    model.apply(commit);
    REQUIRE(*version == model.version());
    if (model.random().chance(1, 10)) {
      check_version(*store, model, model.random().below(model.version() + 1));
    }
  }
  for (Version version = 0; version <= model.version(); version += 7) {
    check_version(*store, model, version);
  }
  CHECK(rows_of(*store, {}) == model.rows(model.version()));
  CHECK(replay(*store) == model.rows(model.version()));
  CHECK(store->positions("orders").value().at(0).position == std::to_string(model.version()));
  check_verifies(*store);
}

}  // namespace

TEST_CASE("every version of random commits reads as it was, on the simulated disk") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    run_model(SimulatedDisk::create(seed)->opener(), seed, 150);
  }
}

TEST_CASE("every version of random commits reads as it was, on RocksDB") {
  const TemporaryFolder folder;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    INFO("seed " << seed);
    run_model(small_rocks(folder / std::to_string(seed)), seed, 300);
  }
}

TEST_CASE("a row remembers what stands beside it, and so does the log") {
  const ManualClock clock(77);
  auto disk = SimulatedDisk::create(1);
  auto store = open_store(disk->opener(), clock);
  CommitBatch batch;
  batch.cause.kind = CauseKind::kSourceBatch;
  batch.cause.origin = "orders";
  batch.cause.number = 9;
  batch.cause.detail = "first";
  batch.cause.positions = {{"orders", "0", "offset 12"}};
  batch.changes.push_back(insertion(1, "aa", "apple"));
  batch.changes.back().after->weight = -3;
  batch.changes.back().after->schema_version = 5;
  batch.changes.back().after->time_tag_us = -44;
  batch.changes.back().durable_id = 99;
  batch.changes.push_back(insertion(2, std::string_view("\x80\0b", 3), ""));
  batch.changes.back().firing = 4;
  batch.catalog.emplace_back().key = "table t";
  batch.catalog.back().value = "columns";
  batch.outbox.push_back({"mail", 4, "hello"});
  batch.dead_letters.push_back({"orders", "0", "offset 11", "no number", "x,y"});
  REQUIRE(store->commit(std::move(batch)).value() == 1);
  CommitBatch second;
  second.changes.push_back(deletion(1, "aa", "apple"));
  second.catalog.emplace_back().key = "table t";
  REQUIRE(store->commit(std::move(second)).value() == 2);

  auto row = store->get(1, "aa", 1);
  REQUIRE(row.value().has_value());
  const StoredRow& stored = (*row)->stored;
  CHECK(stored.image.weight == -3);
  CHECK(stored.image.schema_version == 5);
  CHECK(stored.image.time_tag_us == -44);
  CHECK(stored.born == 1);
  CHECK(stored.cause == CauseKind::kSourceBatch);

  auto reader = store->read_log(1);
  REQUIRE((*reader)->next());
  CHECK(to_text((*reader)->record()) ==
        "version 1 time 77 source batch orders 9 (first)\n"
        "  position orders/0 offset 12\n"
        "  catalog table t +columns\n"
        "  relation 1 key aa id 99 + apple x-3 at -44\n"
        "  relation 2 key \\x80\\x00b +  by rule 4\n"
        "  outbox mail rule 4 hello\n"
        "  dead letter orders/0 offset 11: no number: x,y\n");
  REQUIRE((*reader)->next());
  CHECK(to_text((*reader)->record()) ==
        "version 2 time 78 session  0\n"
        "  catalog table t -columns\n"
        "  relation 1 key aa -born 1 apple x-3\n");
  CHECK_FALSE((*reader)->next());
  check_verifies(*store);
}

TEST_CASE("times strictly increase even where the clock does not, and find their version") {
  ManualClock clock(1000);
  auto store = open_store(SimulatedDisk::create(1)->opener(), clock);
  for (const std::int64_t now : {1000, 1000, 900, 2000}) {
    clock.set_us(now);
    REQUIRE(store->commit({}).has_value());
  }
  CommitBatch told;
  told.time_us = 5000;
  REQUIRE(store->commit(std::move(told)).has_value());
  std::vector<std::int64_t> times;
  const auto versions = store->versions(1, 99, 99);
  for (const VersionInfo& info : versions.value()) times.push_back(info.time_us);
  CHECK(times == std::vector<std::int64_t>{1000, 1001, 1002, 2000, 5000});
  CHECK(store->version_at(999).value() == 0);
  CHECK(store->version_at(1000).value() == 1);
  CHECK(store->version_at(1999).value() == 3);
  CHECK(store->version_at(9999).value() == 5);
  CHECK(store->versions(2, 4, 2).value().size() == 2);
  CHECK(store->version_info(4).value().time_us == 2000);
  CHECK(store->version_info(6).error().sqlstate() == "22023");
}

TEST_CASE("a scan sees the state at its birth, and its range") {
  const ManualClock clock;
  for (const bool rocks : {false, true}) {
    const TemporaryFolder folder;
    auto store =
        open_store(rocks ? small_rocks(folder / "db") : SimulatedDisk::create(1)->opener(), clock);
    for (const std::string key : {"aa", "ab", "ba", "bb"})
      commit_one(*store, insertion(1, key, "1"));
    auto now = store->scan(1);
    auto past = store->scan(1, 3);
    commit_one(*store, deletion(1, "ab", "1"));
    commit_one(*store, insertion(1, "zz", "1"));
    const auto keys = [](RowScan& scan) {
      std::string text;
      while (scan.next()) text += std::string(scan.row().key) + " ";
      return text;
    };
    CHECK(keys(**now) == "aa ab ba bb ");
    CHECK(keys(**past) == "aa ab ba ");
    CHECK(keys(**store->scan(1)) == "aa ba bb zz ");
    CHECK(keys(**store->scan(1, {}, {.from = "ab", .to = "bb"})) == "ba ");
    CHECK(keys(**store->scan(1, 4, {.from = "ab", .to = "bb"})) == "ab ba ");
    // A bound that has a key as its beginning: after the key, and up to it.
    CHECK(keys(**store->scan(
              1, 4, {.from = std::string("aa\0", 3), .to = std::string("ab\0", 3)})) == "ab ");
    CHECK(keys(**store->scan(2)) == "");
  }
}

TEST_CASE("a key with many versions is read as of each") {
  const ManualClock clock;
  auto store = open_store(SimulatedDisk::create(1)->opener(), clock);
  commit_one(*store, insertion(1, "aa", "1"));
  commit_one(*store, insertion(1, "bb", "x"));
  for (int i = 3; i <= 60; ++i) {
    RowChange change = insertion(1, "aa", "");
    const std::string before = i == 3 ? "1" : std::to_string(i - 1), after = std::to_string(i);
    change.before = RowImage{.row = before};
    change.after->row = after;
    commit_one(*store, change);
  }
  for (Version version = 3; version <= 60; ++version) {
    CHECK(row_at(*store, "aa", version) == std::to_string(version));
    auto scan = store->scan(1, version);
    REQUIRE((*scan)->next());
    CHECK((*scan)->row().image.row == std::to_string(version));
    REQUIRE((*scan)->next());
    CHECK((*scan)->row().image.row == "x");
    CHECK_FALSE((*scan)->next());
  }
  CHECK(row_at(*store, "aa", 0) == "none");
}

TEST_CASE("a commit that does not fit what is stored is refused without a trace") {
  const ManualClock clock;
  auto store = open_store(SimulatedDisk::create(1)->opener(), clock);
  commit_one(*store, insertion(1, "aa", "apple"));
  const auto refused = [&](const RowChange& change) {
    CommitBatch batch;
    batch.changes = {insertion(1, "zz", "other"), change};
    auto version = store->commit(std::move(batch));
    REQUIRE_FALSE(version.has_value());
    CHECK(version.error().code == ErrorCode::kCorrupt);
    return version.error().message;
  };
  CHECK(refused(deletion(1, "aa", "pear")) ==
        "the current row of relation 1, key aa is another one, unlike what the commit of version 2 "
        "expects");
  CHECK(refused(deletion(1, "ab", "pear")).find("key ab is not there") != std::string::npos);
  RowChange hashed = insertion(1, "aa", "pear");
  hashed.check_absent = true;
  CHECK(refused(hashed).find("key aa is there already") != std::string::npos);
  CHECK(store->version() == 1);
  CHECK(row_at(*store, "zz") == "none");
  CHECK(commit_one(*store, insertion(1, "zz", "later")) == 2);
  check_verifies(*store);
}

TEST_CASE("a long row of a set has a key of a prefix and a hash") {
  const std::string encoding(200, 'x');
  const SetRowKey key = set_row_key(encoding);
  CHECK(key.hashed);
  CHECK(key.key.size() == kPlainKeyBytesMax + 16);
  CHECK(key.key.starts_with(encoding.substr(0, kPlainKeyBytesMax)));
  CHECK(set_row_key(encoding + "y").key != key.key);
  const SetRowKey plain = set_row_key(encoding.substr(0, kPlainKeyBytesMax));
  CHECK_FALSE(plain.hashed);
  CHECK(plain.key == encoding.substr(0, kPlainKeyBytesMax));
}

TEST_CASE("outbox entries stay until they are acknowledged") {
  const ManualClock clock;
  auto disk = SimulatedDisk::create(1);
  auto store = open_store(disk->opener(), clock);
  CommitBatch batch;
  batch.outbox = {{"mail", 1, "one"}, {"mail", 2, "two"}};
  batch.dead_letters = {{"s", "0", "7", "bad", "bytes"}};
  REQUIRE(store->commit(std::move(batch)).has_value());
  CommitBatch more;
  more.outbox = {{"web", 1, "three"}};
  REQUIRE(store->commit(std::move(more)).has_value());
  auto entries = store->outbox({}, 10).value();
  REQUIRE(entries.size() == 3);
  CHECK(entries[1].id == EntryId{1, 1});
  CHECK(entries[2].entry == OutboxEntry{"web", 1, "three"});
  CHECK(store->outbox(entries[0].id, 1).value().at(0).entry.payload == "two");
  REQUIRE(store->acknowledge_outbox({entries[0].id, entries[2].id}).has_value());
  CHECK(store->outbox({}, 10).value().size() == 1);
  auto letters = store->dead_letters({}, 10).value();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].letter.reason == "bad");
  REQUIRE(store->discard_dead_letters({letters[0].id}).has_value());
  CHECK(store->dead_letters({}, 10).value().empty());
  REQUIRE(store->sync().has_value());
  store.reset();
  store = open_store(disk->opener(), clock);
  CHECK(store->outbox({}, 10).value().size() == 1);
  check_verifies(*store);
}

TEST_CASE("below its floor a relation cannot be read, above it nothing changes") {
  for (const bool rocks : {false, true}) {
    const TemporaryFolder folder;
    const ManualClock clock;
    const KvOpener opener = rocks ? small_rocks(folder / "db") : SimulatedDisk::create(5)->opener();
    auto store = open_store(opener, clock);
    Model model(7);
    for (int i = 0; i < 60; ++i) {
      const ModelCommit commit = model.propose();
      REQUIRE(store->commit(commit.batch()).has_value());
      model.apply(commit);
    }
    Version floors[Model::kRelations + 1] = {0, 20, 45, 0};
    std::uint64_t history_before = 0;
    {
      history_before = store->verify().value().history_rows;
      const VersionedStore::Pin pin = store->pin(30);
      REQUIRE(store->set_floor(1, 20).has_value());
      REQUIRE(store->set_floor(2, 45).has_value());
      REQUIRE(store->prune().has_value());
      // The pinned version can be read below the floor, others cannot.
      CHECK(rows_of(*store, 30) == model.rows(30));
      auto refused = store->scan(2, 31);
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().message ==
            "version 31 of relation 2 is no longer kept: the oldest kept version is 45");
      CHECK(refused.error().sqlstate() == "72000");
    }
    REQUIRE(store->prune().has_value());
    check_verifies(*store);
    CHECK(store->verify().value().history_rows < history_before);
    CHECK_FALSE(store->scan(2, 30).has_value());
    CHECK_FALSE(store->get(1, "aa", 19).has_value());
    store.reset();
    store = open_store(opener, clock);
    CHECK(store->floor(2) == 45);
    for (Version version = 0; version <= model.version(); ++version) {
      testing::ModelRows expected = model.rows(version);
      std::erase_if(expected, [&](const auto& row) { return version < floors[row.first.first]; });
      CHECK(rows_of(*store, version, floors) == expected);
    }

    REQUIRE(store->set_log_floor(50).has_value());
    REQUIRE(store->prune().has_value());
    CHECK(store->read_log(49).error().sqlstate() == "72000");
    CHECK(store->version_info(49).error().message ==
          "the log of version 49 is no longer kept: the oldest kept version is 50");
    CHECK(store->versions(0, 99, 99).value().front().version == 50);
    CHECK(rows_of(*store, 45) == model.rows(45));
    check_verifies(*store);
    store.reset();
    store = open_store(opener, clock);
    CHECK(store->version() == model.version());
    check_verifies(*store);
  }
}

TEST_CASE("a backup made while running opens as a store of its own") {
  const TemporaryFolder folder;
  const ManualClock clock;
  Model model(3);
  auto store = open_store(small_rocks(folder / "db"), clock);
  const auto go_on = [&](int commits) {
    for (int i = 0; i < commits; ++i) {
      const ModelCommit commit = model.propose();
      REQUIRE(store->commit(commit.batch()).has_value());
      model.apply(commit);
    }
  };
  go_on(40);
  REQUIRE(store->backup(folder / "copy").has_value());
  go_on(40);
  CHECK_FALSE(store->backup(folder / "copy").has_value());
  auto copy = open_store(small_rocks(folder / "copy"), clock);
  CHECK(copy->version() == 40);
  for (Version version = 0; version <= 40; version += 5) check_version(*copy, model, version);
  check_verifies(*copy);
  // The copy and the original go their own ways.
  commit_one(*copy, insertion(9, "aa", "restored"));
  check_verifies(*copy);
  check_verifies(*store);
  CHECK(rows_of(*store, {}) == model.rows(80));
}

TEST_CASE("a second store on the same disk is refused by name") {
  const TemporaryFolder folder;
  const ManualClock clock;
  const auto store = open_store(small_rocks(folder / "db"), clock);
  auto second = VersionedStore::open({.open_kv = small_rocks(folder / "db"), .clock = &clock});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().sqlstate() == "55006");
  CHECK(second.error().message == (folder / "db") + " is in use: another store has it open");
}

TEST_CASE("nothing is made where nothing may be made") {
  const TemporaryFolder folder;
  const ManualClock clock;
  auto missing = VersionedStore::open(
      {.open_kv = rocks_kv_opener({.directory = folder / "no", .create_if_missing = false}),
       .clock = &clock});
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == ErrorCode::kNotFound);
  CHECK(missing.error().message == "there is no store in " + (folder / "no"));
}

TEST_CASE("a dropped relation leaves nothing, neither rows of the past nor reads of them") {
  const ManualClock clock;
  auto disk = SimulatedDisk::create(3);
  {
    auto store = open_store(disk->opener(), clock);
    Model model(3);
    for (int i = 0; i < 40; ++i) {
      const ModelCommit commit = model.propose();
      REQUIRE(store->commit(commit.batch()).has_value());
      model.apply(commit);
    }
    CommitBatch batch;
    batch.dropped = {2};
    REQUIRE(store->commit(std::move(batch)).has_value());
    REQUIRE(store->sync().has_value());
    check_verifies(*store);
  }
  auto store = open_store(disk->opener(), clock);
  check_verifies(*store);
  auto now = store->scan(2);
  REQUIRE(now.has_value());
  CHECK_FALSE((*now)->next());
  CHECK(store->scan(2, 20).error().sqlstate() == "72000");
  auto other = store->scan(1, 20);
  REQUIRE(other.has_value());
  CHECK((*other)->next());
}

}  // namespace entail::store
