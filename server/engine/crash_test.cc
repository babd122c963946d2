// A database whose power is cut, whose disk is full or refuses: whatever was acknowledged is there, nothing by
// halves, and everything that is derived is right.
//
// Three sessions say random statements on a disk that is simulated. After each commit the rows of all tables are
// noted down under its version. After a crash the database is opened again; its version lies between the last
// acknowledged and the last one made, its rows are those noted down for it, check() and replay_check() are clean.
// ENTAIL_CRASHES says how many crashes there are.

#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/engine/engine.h"
#include "store/simulated_kv.h"
#include "vm/base/random.h"

namespace entail::engine {
namespace {

constexpr int kSessions = 3;

class CrashingDatabase {
 public:
  explicit CrashingDatabase(std::uint64_t seed)
      : random_(seed), disk_(store::SimulatedDisk::create(seed)) {
    open();
    for (const char* text :
         {"CREATE TABLE t (id int PRIMARY KEY, grp int, v int)",
          "CREATE TABLE b (k int, note text)", "CREATE TABLE e (x int, y int, PRIMARY KEY (x, y))",
          "CREATE SEQUENCE s",
          "CREATE MATERIALIZED VIEW v_sum AS SELECT grp, count(*) AS n, sum(v) AS s FROM t GROUP "
          "BY grp",
          "CREATE MATERIALIZED VIEW v_join AS SELECT t.id, b.note FROM t JOIN b ON b.k = t.grp",
          "CREATE MATERIALIZED VIEW v_top AS SELECT id, v FROM t ORDER BY v DESC, id LIMIT 3",
          "CREATE MATERIALIZED VIEW v_reach AS WITH RECURSIVE r(x, y) AS (SELECT x, y FROM e UNION "
          "SELECT r.x, e.y FROM r JOIN e ON r.y = e.x) SELECT x, y FROM r"}) {
      REQUIRE(sessions_[0]->query(text));
    }
    REQUIRE(engine_->wait_durable(engine_->version()));
    note();
    acknowledged_ = engine_->version();
  }
  ~CrashingDatabase() { close(); }
  CrashingDatabase(const CrashingDatabase&) = delete;
  CrashingDatabase& operator=(const CrashingDatabase&) = delete;

  void live_until_crash() {
    disk_->crash_after(1 + random_.below(60));
    bool is_ill = false;
    while (!disk_->crashed()) {
      if (!is_ill && random_.chance(1, 40)) {
        disk_->fail_after(1 + random_.below(4), random_.chance(1, 2)
                                                    ? store::SimulatedDisk::Fault::kNoSpace
                                                    : store::SimulatedDisk::Fault::kError);
        is_ill = true;
      } else if (is_ill && random_.chance(1, 6)) {
        // A heal takes the planned crash away as well.
        disk_->heal();
        disk_->crash_after(1 + random_.below(60));
        is_ill = false;
      }
      say(*sessions_[random_.below(kSessions)], is_ill);
      clock_.advance_us(1 + static_cast<std::int64_t>(random_.below(1000)));
    }
  }

  void recover() {
    const std::uint64_t last = engine_->version();
    close();
    disk_->heal();
    open();
    const std::uint64_t version = engine_->version();
    INFO("acknowledged " << acknowledged_ << ", made " << last << ", there " << version);
    REQUIRE(version >= acknowledged_);
    REQUIRE(version <= last + 1);
    const auto known = noted_.find(version);
    if (known != noted_.end()) REQUIRE(rows() == known->second);
    noted_.erase(noted_.upper_bound(version), noted_.end());
    note();
    acknowledged_ = version;
    for (const auto& report : {engine_->check(), engine_->replay_check()}) {
      INFO((report ? std::string() : report.error().message));
      REQUIRE(report);
      INFO((report->problems.empty() ? std::string() : report->problems.front()));
      REQUIRE(report->problems.empty());
    }
  }

  std::uint64_t commits() const { return commits_; }
  std::uint64_t refused() const { return refused_; }

 private:
  void open() {
    EngineOptions options;
    options.clock = &clock_;
    options.open_kv = disk_->opener();
    options.limits.checkpoint_changes = 20 + random_.below(200);
    auto opened = Engine::open(std::move(options));
    INFO((opened ? std::string() : opened.error().message));
    REQUIRE(opened);
    engine_ = std::move(*opened);
    for (auto& session : sessions_) session = *engine_->connect({});
    reader_ = *engine_->connect({});
  }

  void close() {
    for (auto& session : sessions_) session.reset();
    reader_.reset();
    engine_.reset();
  }

  std::string number(std::uint64_t below) { return std::to_string(random_.below(below)); }

  std::string statement() {
    switch (random_.below(16)) {
      case 0:
        return "BEGIN";
      case 1:
      case 2:
        return "COMMIT";
      case 3:
        return "ROLLBACK";
      case 4:
        return "SAVEPOINT a";
      case 5:
        return "ROLLBACK TO a";
      case 6:
        return "INSERT INTO b SELECT i, repeat('note ', i) FROM generate_series(1, " + number(6) +
               ") AS g(i)";
      case 7:
        return "DELETE FROM b WHERE k = " + number(6);
      case 8:
        return "INSERT INTO e VALUES (" + number(6) + ", " + number(6) + ") ON CONFLICT DO NOTHING";
      case 9:
        return "DELETE FROM e WHERE x = " + number(6);
      case 10:
        return "DELETE FROM t WHERE id = " + number(20);
      case 11:
        return "UPDATE t SET v = v + 1, grp = " + number(4) + " WHERE id % 4 = " + number(4);
      case 12:
        return "SELECT nextval('s')";
      case 13:
        return ddl();
      default:
        return "INSERT INTO t VALUES (" + number(20) + ", " + number(4) + ", " + number(50) +
               ") ON CONFLICT (id) DO UPDATE SET v = excluded.v";
    }
  }

  std::string ddl() {
    switch (random_.below(6)) {
      case 0:
        return "CREATE TABLE x AS SELECT id, v FROM t";
      case 1:
        return "DROP TABLE IF EXISTS x CASCADE";
      case 2:
        return "CREATE MATERIALIZED VIEW v_x AS SELECT grp, max(v) AS m FROM t GROUP BY grp";
      case 3:
        return "DROP MATERIALIZED VIEW IF EXISTS v_x";
      case 4:
        return "TRUNCATE b";
      default:
        return "ALTER TABLE b ADD COLUMN c" + number(4) + " int";
    }
  }

  void say(Session& session, bool is_ill) {
    const std::uint64_t before = engine_->version();
    const std::string text = statement();
    auto answer = session.query(text);
    const std::uint64_t version = engine_->version();
    REQUIRE((version == before || version == before + 1));
    if (version != before) {
      ++commits_;
      note();
    }
    if (!answer) {
      const std::string state(answer.error().sqlstate());
      if (state == "53100" || state == "58030") {
        ++refused_;
        REQUIRE((is_ill || disk_->crashed()));
        if (!disk_->crashed()) REQUIRE(rows() == noted_.at(engine_->version()));
      }
      REQUIRE(state != "XX000");
      REQUIRE(state != "XX001");
    }
    if (version != before && answer && engine_->wait_durable(version)) acknowledged_ = version;
  }

  void note() { noted_[engine_->version()] = rows(); }

  std::string rows() {
    std::string all;
    for (const char* text :
         {"SELECT * FROM t ORDER BY id", "SELECT * FROM b ORDER BY 1, 2",
          "SELECT * FROM e ORDER BY x, y", "SELECT * FROM v_sum ORDER BY 1",
          "SELECT * FROM v_join ORDER BY 1, 2", "SELECT * FROM v_top ORDER BY v DESC, id",
          "SELECT * FROM v_reach ORDER BY 1, 2", "SELECT * FROM x ORDER BY id",
          "SELECT * FROM v_x ORDER BY 1"}) {
      all += text;
      auto answer = reader_->query(text);
      if (!answer && answer.error().sqlstate() == "55P03") {
        // A transaction that is open holds the table for itself: it gives way.
        for (auto& session : sessions_) REQUIRE(session->query("ROLLBACK"));
        answer = reader_->query(text);
      }
      if (!answer) {
        all += " " + std::string(answer.error().sqlstate()) + "\n";
        REQUIRE(answer.error().sqlstate() == "42P01");
        continue;
      }
      for (const auto& row : answer->rows) {
        all.push_back('\n');
        for (const std::string& value : row) all += value + "|";
      }
      all.push_back('\n');
    }
    return all;
  }

  Random random_;
  ManualClock clock_{1'700'000'000'000'000};
  std::shared_ptr<store::SimulatedDisk> disk_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Session> sessions_[kSessions], reader_;
  std::map<std::uint64_t, std::string> noted_;  // By version.
  std::uint64_t acknowledged_ = 0, commits_ = 0, refused_ = 0;
};

TEST_CASE(
    "After a crash every acknowledged commit is there, none by halves, and what is derived is "
    "right",
    "[crash]") {
  const char* const given = std::getenv("ENTAIL_CRASHES");
  const int crashes = given == nullptr ? 60 : std::atoi(given);
  constexpr int kCrashesADatabase = 10;
  std::uint64_t commits = 0, refused = 0;
  for (int crash = 0; crash < crashes;) {
    const auto seed = static_cast<std::uint64_t>(crash + 1);
    INFO("seed " << seed);
    CrashingDatabase database(seed);
    for (int i = 0; i < kCrashesADatabase && crash < crashes; ++i, ++crash) {
      INFO("crash " << i);
      database.live_until_crash();
      database.recover();
    }
    commits += database.commits();
    refused += database.refused();
  }
  if (given != nullptr) {
    WARN(crashes << " crashes, " << commits << " commits, " << refused << " refused by the disk");
  }
}

}  // namespace
}  // namespace entail::engine
