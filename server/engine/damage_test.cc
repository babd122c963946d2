// A database on a real disk that was damaged or is full.

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/engine/engine.h"
#include "store/rocks_kv.h"
#include "vm/base/random.h"
#include "vm/base/temporary_folder.h"

namespace entail::engine {
namespace {

namespace fs = std::filesystem;

const ManualClock kClock(1'700'000'000'000'000);

Expected<std::unique_ptr<Engine>> open(const std::string& directory,
                                       std::shared_ptr<store::DiskFaults> faults = nullptr) {
  EngineOptions options;
  options.clock = &kClock;
  options.open_kv = store::rocks_kv_opener({.directory = directory, .faults = std::move(faults)});
  return Engine::open(std::move(options));
}

// What opening or checking the database says is wrong; nothing: all is well.
std::string damage_in(const std::string& directory) {
  auto engine = open(directory);
  if (!engine) return engine.error().message;
  const auto report = (*engine)->check();
  if (!report) return report.error().message;
  return report->problems.empty() ? std::string() : report->problems.front();
}

TEST_CASE("A flipped bit in any file of a database is found and named, its checkpoint included",
          "[damage]") {
  const TemporaryFolder folder;
  const std::string original = folder / "original";
  {
    auto engine = open(original);
    REQUIRE(engine);
    auto session = *(*engine)->connect({});
    for (const char* text :
         {"CREATE TABLE t (id int PRIMARY KEY, grp int, name text)", "CREATE TABLE b (k int)",
          "CREATE MATERIALIZED VIEW v AS SELECT grp, count(*) AS n FROM t GROUP BY grp",
          "INSERT INTO t SELECT i, i % 7, repeat('name ', i % 9) FROM generate_series(1, 3000) AS "
          "g(i)",
          "INSERT INTO b SELECT i FROM generate_series(1, 500) AS g(i)",
          "UPDATE t SET grp = 9 WHERE id < 400", "DELETE FROM t WHERE id % 50 = 0"}) {
      auto answer = session->query(text);
      INFO((answer ? std::string() : answer.error().message));
      REQUIRE(answer);
    }
  }
  REQUIRE(damage_in(original).empty());
  // A backup has it all in tables; what a server leaves has the newest in its log.
  {
    auto engine = open(original);
    REQUIRE(engine);
    REQUIRE((*engine)->backup(folder / "backup"));
  }
  Random random(17);
  std::map<std::string, int> kinds;
  const std::string copy = folder / "copy";
  for (int flip = 0; flip < 100; ++flip) {
    fs::remove_all(copy);
    fs::copy(flip % 2 == 0 ? original : folder / "backup", copy);
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(copy)) {
      const std::string name = entry.path().filename().string();
      // What no one reads cannot be damaged: locks, RocksDB's messages, its copy of its options and its name.
      if (name == "LOCK" || name == "IDENTITY" || name.starts_with("OPTIONS") ||
          name.starts_with("LOG")) {
        continue;
      }
      if (entry.is_regular_file() && entry.file_size() > 0) files.push_back(entry.path());
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
    INFO("flip " << flip << " in " << file << " at " << offset << " of " << size);
    const std::string damage = damage_in(copy);
    REQUIRE_FALSE(damage.empty());
    INFO(damage);
    CHECK((damage.find(copy) != std::string::npos || damage.find("damaged") != std::string::npos));
  }
  CHECK(kinds.size() >= 3);
}

TEST_CASE("A database on a full disk refuses changes with 53100, answers, and loses nothing",
          "[damage]") {
  const TemporaryFolder folder;
  const auto faults = std::make_shared<store::DiskFaults>();
  std::uint64_t rows = 0;
  const auto ask = [](Session& session, const std::string& text) {
    auto answer = session.query(text);
    if (!answer) return std::string(answer.error().sqlstate());
    return answer->columns.empty() ? answer->tag : answer->rows.front().front();
  };
  {
    auto engine = open(folder / "db", faults);
    REQUIRE(engine);
    auto session = *(*engine)->connect({});
    REQUIRE(ask(*session, "CREATE TABLE t (id int PRIMARY KEY, v text)") == "CREATE TABLE");
    REQUIRE(ask(*session, "CREATE TABLE b (k int)") == "CREATE TABLE");
    REQUIRE(ask(*session, "INSERT INTO b VALUES (1), (1), (2)") == "INSERT 0 3");
    REQUIRE(ask(*session, "CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM t") != "53100");
    for (int round = 0; round < 3; ++round) {
      faults->space_left_bytes = 4000 + 900 * round;
      std::string answer;
      for (int i = 0; i < 500; ++i) {
        answer = ask(*session, "INSERT INTO t VALUES (" + std::to_string(rows) + ", 'some text')");
        if (answer == "53100") break;
        REQUIRE(answer == "INSERT 0 1");
        ++rows;
      }
      REQUIRE(answer == "53100");
      CHECK(ask(*session, "UPDATE t SET v = 'other' WHERE id = 0") == "53100");
      CHECK(ask(*session, "DELETE FROM b WHERE k = 1") == "53100");
      CHECK(ask(*session, "CREATE TABLE x (id int)") == "53100");
      // A commit may have been made that is not durable yet: it shows, and is kept once there is room.
      const std::string shown = ask(*session, "SELECT count(*) FROM t");
      CHECK((shown == std::to_string(rows) || shown == std::to_string(rows + 1)));
      rows = std::stoull(shown);
      CHECK(ask(*session, "SELECT n FROM m") == shown);
      CHECK(ask(*session, "SELECT v FROM t WHERE id = 0") == "some text");
      faults->space_left_bytes = -1;
      CHECK(ask(*session, "INSERT INTO t VALUES (" + std::to_string(rows) + ", 'more')") ==
            "INSERT 0 1");
      ++rows;
      CHECK(ask(*session, "UPDATE b SET k = 1 WHERE k = 1") == "UPDATE 2");
    }
    const auto report = (*engine)->check();
    REQUIRE(report);
    INFO((report->problems.empty() ? std::string() : report->problems.front()));
    CHECK(report->problems.empty());
  }
  auto engine = open(folder / "db");
  REQUIRE(engine);
  auto session = *(*engine)->connect({});
  CHECK(ask(*session, "SELECT count(*) FROM t") == std::to_string(rows));
  CHECK(ask(*session, "SELECT n FROM m") == std::to_string(rows));
  CHECK(ask(*session, "DELETE FROM b WHERE k = 1") == "DELETE 2");
  for (const auto& report : {(*engine)->check(), (*engine)->replay_check()}) {
    REQUIRE(report);
    INFO((report->problems.empty() ? std::string() : report->problems.front()));
    CHECK(report->problems.empty());
  }
}

}  // namespace
}  // namespace entail::engine
