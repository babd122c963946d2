// Starts from a checkpoint: what stands is what it was, and follows changes as if there had been no restart.

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/engine/engine.h"
#include "server/engine/internal/engine_state.h"
#include "store/simulated_kv.h"
#include "vm/base/random.h"

namespace entail::engine {
namespace {

const std::vector<std::string> kSchema = {
    "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')",
    "CREATE TABLE t (id int PRIMARY KEY, grp int, v numeric, name text)",
    "CREATE TABLE b (k int, note text)",
    "CREATE TABLE e (x int, y int, PRIMARY KEY (x, y))",
    "CREATE TABLE w (k int, f float8, n numeric, note text)",
    "CREATE TABLE m (id int PRIMARY KEY, mood mood, tags text[], u uuid)",
    "CREATE MATERIALIZED VIEW v_filter AS SELECT id, name FROM t WHERE grp > 2",
    "CREATE MATERIALIZED VIEW v_join AS SELECT t.id, b.note FROM t JOIN b ON b.k = t.grp",
    "CREATE MATERIALIZED VIEW v_outer AS SELECT t.id, b.note FROM t LEFT JOIN b ON b.k = t.id",
    "CREATE MATERIALIZED VIEW v_group AS SELECT grp, count(*) AS n, sum(v) AS s, avg(v) AS a, "
    "min(name) AS low, max(name) AS high FROM t GROUP BY grp",
    "CREATE MATERIALIZED VIEW v_whole AS SELECT count(*) AS n, sum(v) AS s FROM t",
    "CREATE MATERIALIZED VIEW v_joined_group AS SELECT b.note, count(*) AS n FROM t JOIN b ON b.k "
    "= "
    "t.grp GROUP BY b.note HAVING count(*) > 1",
    "CREATE MATERIALIZED VIEW v_agg AS SELECT grp, string_agg(name, ',' ORDER BY id) AS names, "
    "count(DISTINCT name) AS d FROM t GROUP BY grp",
    "CREATE MATERIALIZED VIEW v_distinct AS SELECT DISTINCT grp, name FROM t",
    "CREATE MATERIALIZED VIEW v_top AS SELECT id, v FROM t ORDER BY v DESC, id LIMIT 4 OFFSET 1",
    "CREATE MATERIALIZED VIEW v_reach AS WITH RECURSIVE r(x, y) AS (SELECT x, y FROM e UNION "
    "SELECT "
    "r.x, e.y FROM r JOIN e ON r.y = e.x) SELECT x, y FROM r",
    "CREATE MATERIALIZED VIEW v_not AS SELECT id FROM t WHERE NOT EXISTS (SELECT 1 FROM e WHERE "
    "e.x "
    "= t.id)",
    "CREATE MATERIALIZED VIEW v_union AS SELECT k AS n FROM b UNION ALL SELECT grp FROM t",
    "CREATE MATERIALIZED VIEW v_except AS SELECT grp AS n FROM t EXCEPT SELECT k FROM b",
    "CREATE MATERIALIZED VIEW v_over AS SELECT id, rank() OVER (PARTITION BY grp ORDER BY v) AS r "
    "FROM t",
    "CREATE MATERIALIZED VIEW v_error AS SELECT id, 10 / grp AS q FROM t",
    "CREATE MATERIALIZED VIEW v_on_view AS SELECT grp FROM v_group WHERE n > 2",
    "CREATE MATERIALIZED VIEW v_sums AS SELECT k, sum(f) AS s, avg(f) AS a, sum(n) AS n, avg(n) AS "
    "m, "
    "count(DISTINCT note) AS d, min(f) AS low, max(note) AS high, bool_or(f > 2) AS o FROM w GROUP "
    "BY "
    "k",
    "CREATE MATERIALIZED VIEW v_firsts AS SELECT x.k, y.note FROM (SELECT DISTINCT k FROM w) x, "
    "LATERAL (SELECT note FROM w WHERE w.k = x.k ORDER BY note, f LIMIT 2) y",
    "CREATE MATERIALIZED VIEW v_one AS SELECT (SELECT k FROM b WHERE k = e.x) AS k FROM e",
    "CREATE MATERIALIZED VIEW v_mood AS SELECT mood, count(*) AS n FROM m GROUP BY mood",
};
const std::vector<std::string> kRead = {
    "t",       "b",          "e",       "m",        "v_filter",
    "v_join",  "v_outer",    "v_group", "v_whole",  "v_joined_group",
    "v_agg",   "v_distinct", "v_top",   "v_reach",  "v_not",
    "v_union", "v_except",   "v_over",  "v_error",  "v_on_view",
    "v_mood",  "w",          "v_sums",  "v_firsts", "v_one"};

constexpr std::string_view kRules = R"(
.decl knows(a: number, b: number)
.decl same(a: number, b: number) eqrel
knows(1, 2). knows(2, 3).
same(a, b) :- knows(a, b).
)";

class Database {
 public:
  explicit Database(std::uint64_t seed, std::uint64_t checkpoint_changes = ~std::uint64_t{0})
      : disk_(store::SimulatedDisk::create(seed)), checkpoint_changes_(checkpoint_changes) {
    open();
  }
  ~Database() { close(); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void open() {
    EngineOptions options;
    options.clock = &clock_;
    options.open_kv = disk_->opener();
    options.limits.checkpoint_changes = checkpoint_changes_;
    options.notice = [this](const std::string& text) { notices_.push_back(text); };
    auto opened = Engine::open(std::move(options));
    INFO((opened ? std::string() : opened.error().message));
    REQUIRE(opened);
    engine_ = std::move(*opened);
    session_ = *engine_->connect({});
  }
  void close() {
    session_.reset();
    engine_.reset();
  }
  // Without the end that makes a checkpoint.
  void crash() {
    REQUIRE(engine_->wait_durable(engine_->version()));
    disk_->crash();
    close();
    disk_->heal();
  }
  void forget_checkpoint() {
    auto store = store::VersionedStore::open({.open_kv = disk_->opener(), .clock = &clock_});
    REQUIRE(store);
    REQUIRE((*store)->drop_derived_state());
    REQUIRE((*store)->sync());
  }
  bool used_checkpoint() const { return state_of(*engine_).checkpoint_version != 0; }
  const std::vector<std::string>& notices() const { return notices_; }
  store::SimulatedDisk& disk() { return *disk_; }
  Engine& engine() { return *engine_; }
  Session& session() { return *session_; }

  // The answer as lines in order, a tag or an error's words.
  std::string ask(const std::string& text) {
    auto answer = session_->query(text);
    if (!answer) return "!" + std::string(answer.error().sqlstate()) + answer.error().message;
    if (answer->columns.empty()) return answer->tag;
    std::vector<std::string> lines;
    for (const auto& row : answer->rows) {
      std::string& line = lines.emplace_back();
      for (const std::string& value : row) line += value + "|";
    }
    std::sort(lines.begin(), lines.end());
    std::string all;
    for (const std::string& line : lines) all += line + "\n";
    return all;
  }
  void must(const std::string& text) {
    const std::string answer = ask(text);
    INFO(text << ": " << answer);
    REQUIRE(answer[0] != '!');
  }
  std::string everything() {
    std::string all;
    for (const std::string& name : kRead) all += name + ":\n" + ask("SELECT * FROM " + name);
    return all;
  }
  void check_clean() {
    for (const auto& report : {engine_->check(), engine_->replay_check()}) {
      INFO((report ? std::string() : report.error().message));
      REQUIRE(report);
      INFO((report->problems.empty() ? std::string() : report->problems.front()));
      CHECK(report->problems.empty());
    }
  }

 private:
  ManualClock clock_{1'700'000'000'000'000};
  std::shared_ptr<store::SimulatedDisk> disk_;
  std::uint64_t checkpoint_changes_;
  std::vector<std::string> notices_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Session> session_;
};

std::string random_change(Random& random) {
  const auto number = [&](std::uint64_t below) { return std::to_string(random.below(below)); };
  const std::string name =
      random.chance(1, 2) ? "'n" + number(4) + "'" : "'a name that is longer " + number(3) + "'";
  switch (random.below(14)) {
    case 0:
    case 1:
      return "INSERT INTO t VALUES (" + number(30) + ", " + number(5) + ", " + number(9) + "." +
             number(99) + ", " + name +
             ") ON CONFLICT (id) DO UPDATE SET v = excluded.v, grp = "
             "excluded.grp";
    case 2:
      return "INSERT INTO b VALUES (" + number(5) + ", " + name + "), (" + number(5) + ", " + name +
             ")";
    case 3:
      return "INSERT INTO e VALUES (" + number(8) + ", " + number(8) + ") ON CONFLICT DO NOTHING";
    case 4:
      return "DELETE FROM t WHERE id = " + number(30);
    case 5:
      return "DELETE FROM b WHERE k = " + number(5);
    case 6:
      return "DELETE FROM e WHERE x = " + number(8);
    case 7:
      return "UPDATE t SET grp = grp + 1 WHERE id % 3 = " + number(3) + " AND grp < 6";
    case 8:
      return "UPDATE b SET note = " + name + " WHERE k = " + number(5);
    case 9:
      return "INSERT INTO m VALUES (" + number(6) +
             ", 'ok', ARRAY['a', 'a longer text than fits'], "
             "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11') ON CONFLICT (id) DO UPDATE SET mood = "
             "'happy'";
    case 10:
    case 11: {
      const std::string value = random.chance(1, 12) ? "'nan'" : number(9) + "." + number(999);
      return "INSERT INTO w VALUES (" + number(4) + ", " + value + ", " + value + ", " + name +
             "), (" + number(4) + ", 1e" + number(30) + ", " + number(9) + ".00" + number(9) +
             ", " + name + ")";
    }
    case 12:
      return "DELETE FROM w WHERE k = " + number(4) + " AND f > " + number(9);
    default:
      return "UPDATE t SET v = v + 0.5 WHERE grp = " + number(5);
  }
}

TEST_CASE("After a start from a checkpoint everything follows changes as it does without one",
          "[checkpoint]") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    Database with(seed), without(seed);
    for (Database* database : {&with, &without}) {
      for (const std::string& text : kSchema) database->must(text);
    }
    Random random(seed);
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 30; ++i) {
        const std::string change = random_change(random);
        CHECK(with.ask(change) == without.ask(change));
      }
      REQUIRE(with.everything() == without.everything());
      for (Database* database : {&with, &without}) database->close();
      without.forget_checkpoint();
      for (Database* database : {&with, &without}) database->open();
      REQUIRE(with.used_checkpoint());
      REQUIRE_FALSE(without.used_checkpoint());
      REQUIRE(with.everything() == without.everything());
      state_of(with.engine()).network->verify();
    }
    CHECK(with.notices().empty());
    with.check_clean();
  }
}

TEST_CASE("What was committed after the checkpoint is made up for, tables of later too",
          "[checkpoint]") {
  Database database(7);
  for (const std::string& text : kSchema) database.must(text);
  database.must("CREATE TABLE plain (id int PRIMARY KEY)");
  database.must("INSERT INTO plain VALUES (1), (2)");
  Random random(7);
  for (int i = 0; i < 60; ++i) database.ask(random_change(random));
  REQUIRE(database.engine().checkpoint());
  for (int i = 0; i < 40; ++i) database.ask(random_change(random));
  database.must("CREATE TABLE late (id int PRIMARY KEY)");
  database.must("INSERT INTO late VALUES (1), (2)");
  database.must(
      "CREATE MATERIALIZED VIEW v_late AS SELECT late.id, t.name FROM late JOIN t ON t.id > "
      "late.id");
  database.must("DROP MATERIALIZED VIEW v_over");
  database.must("ALTER TABLE plain ADD COLUMN more int DEFAULT 3");
  database.must(
      "CREATE MATERIALIZED VIEW v_over AS SELECT id, row_number() OVER (ORDER BY id) AS r FROM t");
  for (int i = 0; i < 20; ++i) database.ask(random_change(random));
  const std::string before = database.everything(), late = database.ask("SELECT * FROM v_late");
  database.crash();
  database.open();
  CHECK(database.used_checkpoint());
  CHECK(database.everything() == before);
  CHECK(database.ask("SELECT * FROM v_late") == late);
  CHECK(database.ask("SELECT * FROM plain") == "1|3|\n2|3|\n");
  database.check_clean();
}

TEST_CASE("Checkpoints are made as changes go on", "[checkpoint]") {
  Database database(9, 50);
  for (const std::string& text : kSchema) database.must(text);
  Random random(9);
  for (int i = 0; i < 200; ++i) database.ask(random_change(random));
  const std::string before = database.everything();
  database.crash();
  database.open();
  CHECK(database.used_checkpoint());
  CHECK(database.everything() == before);
  database.check_clean();
}

TEST_CASE("A damaged checkpoint is not used, and named by a check", "[checkpoint]") {
  Database database(11);
  for (const std::string& text : kSchema) database.must(text);
  Random random(11);
  for (int i = 0; i < 80; ++i) database.ask(random_change(random));
  const std::string before = database.everything();
  database.close();
  std::optional<std::string> flipped;
  for (std::uint64_t entry = 0; entry < 10'000; ++entry) {
    flipped = database.disk().flip_bit(entry, false, 500);
    if (!flipped) continue;
    if (flipped->starts_with("derived/c")) break;
    database.disk().flip_bit(entry, false, 500);
    flipped.reset();
  }
  REQUIRE(flipped);
  database.open();
  CHECK_FALSE(database.used_checkpoint());
  REQUIRE(database.notices().size() == 1);
  CHECK(database.notices().front().find("is not used") != std::string::npos);
  CHECK(database.notices().front().find("damaged") != std::string::npos);
  CHECK(database.everything() == before);
  const auto report = database.engine().check();
  REQUIRE(report);
  REQUIRE(report->problems.size() == 1);
  CHECK(report->problems.front().find("damaged") != std::string::npos);
}

TEST_CASE("Rules and their facts last, and a new text of them changes what it says",
          "[checkpoint]") {
  Database database(13);
  const auto deploy = [&](std::string_view text) {
    const auto deployed = database.session().deploy("people.dl", text);
    INFO((deployed ? std::string() : deployed.error().message));
    REQUIRE(deployed);
  };
  deploy(kRules);
  CHECK(database.ask("SELECT a, b FROM knows") == "1|2|\n2|3|\n");
  database.must("INSERT INTO knows VALUES (3, 4)");
  database.must("DELETE FROM knows WHERE a = 1");
  for (const bool keeps : {true, false}) {
    database.close();
    if (!keeps) database.forget_checkpoint();
    database.open();
    CHECK(database.ask("SELECT a, b FROM knows") == "2|3|\n3|4|\n");
    CHECK(database.ask("SELECT b FROM same WHERE a = 2") == "2|\n3|\n4|\n");
    database.check_clean();
  }
  // One fact goes, one comes, a deleted one stays away, one that was inserted stays.
  std::string text(kRules);
  text.replace(text.find("knows(2, 3)."), 12, "knows(8, 9).");
  deploy(text);
  CHECK(database.ask("SELECT a, b FROM knows") == "3|4|\n8|9|\n");
  database.check_clean();
  database.close();
  database.open();
  CHECK(database.ask("SELECT a, b FROM knows") == "3|4|\n8|9|\n");
  // A text that cannot be stored leaves the one that runs alone.
  database.disk().fail_after(1, store::SimulatedDisk::Fault::kNoSpace);
  const auto refused =
      database.session().deploy("people.dl", ".decl knows(a: number, b: number)\n");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().sqlstate() == "53100");
  database.disk().heal();
  database.must("INSERT INTO knows VALUES (4, 5)");
  CHECK(database.ask("SELECT b FROM same WHERE a = 3") == "3|\n4|\n5|\n");
  database.check_clean();
  // Other columns: the rows go.
  deploy(".decl knows(a: number, b: number, c: symbol)\nknows(1, 2, \"x\").\n");
  CHECK(database.ask("SELECT a, b, c FROM knows") == "1|2|x|\n");
  database.check_clean();
}

TEST_CASE("A dropped table leaves no rows", "[checkpoint]") {
  Database database(15);
  database.must("CREATE TABLE gone (id int PRIMARY KEY, v int)");
  database.must("CREATE TABLE kept (id int PRIMARY KEY)");
  database.must("INSERT INTO gone SELECT i, i FROM generate_series(1, 100) AS g(i)");
  database.must("UPDATE gone SET v = 0 WHERE id < 50");
  database.must("INSERT INTO kept VALUES (1)");
  database.must("DROP TABLE gone");
  const auto report = state_of(database.engine()).store->verify();
  REQUIRE(report);
  CHECK(report->current_rows < 20);
  database.must("CREATE TABLE gone (id int PRIMARY KEY, v int)");
  database.must("INSERT INTO gone VALUES (1, 1)");
  database.must("ALTER TABLE gone ADD COLUMN w int DEFAULT 2");
  CHECK(database.ask("SELECT * FROM gone") == "1|1|2|\n");
  database.check_clean();
  database.close();
  database.open();
  CHECK(database.ask("SELECT * FROM gone") == "1|1|2|\n");
  CHECK(database.ask("SELECT * FROM kept") == "1|\n");
  database.check_clean();
}

}  // namespace
}  // namespace entail::engine
