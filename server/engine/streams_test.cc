#include <catch2/catch.hpp>
#include <string>

#include "server/engine/internal/test_database.h"
#include "server/engine/session.h"
#include "store/simulated_kv.h"

namespace entail::engine {
namespace {

const std::string kLogins = R"(
  stream login(who: int64, ts: timestamp) time ts watermark 2s late sideline too_late expire 1h;
  relation too_late(who: int64, ts: timestamp);
  final relation seen(who: int64);
  .decl here(who: int64)
  stream Gone(who: int64);
  seen(w) :- login{who: w}.
  here(w) :- login{who: w} over current 5m.
  rule "gone" when login{who: w, ts}, ts <= now() - 10m then emit Gone{who: w}; end
)";

// 2026-01-01T10:00:00Z and so many seconds.
std::int64_t at(std::int64_t second) { return (1'767'261'600 + second) * 1'000'000; }

void expect_sound(Database& database) {
  for (const auto& report : {database.engine().check(), database.engine().replay_check()}) {
    REQUIRE(report);
    INFO((report->problems.empty() ? std::string() : report->problems.front()));
    CHECK(report->problems.empty());
  }
}

void deploy(Session& session, const std::string& text) {
  auto deployed = session.deploy("logins.dl", text);
  INFO((deployed ? std::string() : deployed.error().message + deployed.error().sql->detail));
  REQUIRE(deployed);
}

std::uint64_t tick(Database& database, std::int64_t second) {
  auto ticked = database.engine().tick_clocks("", at(second));
  INFO((ticked ? std::string() : ticked.error().message));
  REQUIRE(ticked);
  return *ticked;
}

TEST_CASE("Rows inserted into a stream arrive, and its clock is stored", "[engine]") {
  const auto disk = store::SimulatedDisk::create(1);
  {
    Database database(on(disk));
    const auto s = database.connect();
    deploy(*s, kLogins);
    ask(*s,
        "INSERT INTO login VALUES (1, '2026-01-01 10:00:00'), (2, '2026-01-01 10:01:00'), "
        "(3, '2026-01-01 10:00:57')");
    CHECK(ask(*s, "SELECT who FROM login ORDER BY who") == "1;2");
    CHECK(ask(*s, "SELECT who FROM too_late") == "3");
    CHECK(ask(*s, "SELECT * FROM \"login.clock\"") == "2026-01-01 10:00:58");
    CHECK(ask(*s, "SELECT who FROM here ORDER BY who") == "1;2");
    expect_sound(database);
  }
  Database database(on(disk));
  const auto s = database.connect();
  CHECK(ask(*s, "SELECT * FROM \"login.clock\"") == "2026-01-01 10:00:58");
  CHECK(ask(*s, "SELECT \"partition\", high FROM \"login.partitions\"") == "0,2026-01-01 10:01:00");
  CHECK(ask(*s, "SELECT who FROM here ORDER BY who") == "1;2");
  ask(*s, "INSERT INTO login VALUES (4, '2026-01-01 10:05:02')");
  CHECK(ask(*s, "SELECT who FROM here ORDER BY who") == "2;4");
  expect_sound(database);
}

TEST_CASE("A tick is a version of its own, with its cause", "[engine]") {
  const auto disk = store::SimulatedDisk::create(1);
  {
    Database database(on(disk));
    const auto s = database.connect();
    deploy(*s, kLogins);
    ask(*s, "INSERT INTO login VALUES (1, '2026-01-01 10:00:00'), (2, '2026-01-01 10:06:00')");
    const std::uint64_t before = database.engine().version();
    CHECK(tick(database, 602) == before + 1);
    CHECK(tick(database, 602) == 0);
    CHECK(ask(*s, "SELECT who FROM here") == "2");
    CHECK(ask(*s, "SELECT payload FROM entail.outbox") == "{\"who\":\"1\"}");
    tick(database, 3'602);
    CHECK(ask(*s, "SELECT who FROM login") == "2");
    CHECK(ask(*s, "SELECT who FROM seen ORDER BY who") == "1;2");
    expect_sound(database);
  }
  Database database(on(disk));
  const auto s = database.connect();
  CHECK(ask(*s, "SELECT who FROM login") == "2");
  CHECK(ask(*s, "SELECT who FROM seen ORDER BY who") == "1;2");
  tick(database, 8'000);
  CHECK(ask(*s, "SELECT count(*) FROM login") == "0");
  CHECK(ask(*s, "SELECT who FROM seen ORDER BY who") == "1;2");
  expect_sound(database);
  CHECK_FALSE(database.engine().tick_clocks("seen", at(1)));
}

TEST_CASE("What arrives in a transaction that is rolled back never was", "[engine]") {
  Database database;
  const auto s = database.connect();
  deploy(*s, kLogins);
  ask(*s, "INSERT INTO login VALUES (1, '2026-01-01 10:00:00')");
  ask(*s, "BEGIN");
  ask(*s, "INSERT INTO login VALUES (2, '2026-01-01 12:00:00')");
  CHECK(ask(*s, "SELECT who FROM login") == "2");  // The other one has expired.
  CHECK(ask(*s, "SELECT who FROM seen ORDER BY who") == "1;2");
  ask(*s, "ROLLBACK");
  CHECK(ask(*s, "SELECT who FROM login") == "1");
  CHECK(ask(*s, "SELECT * FROM \"login.clock\"") == "2026-01-01 09:59:58");
}

TEST_CASE("A snapshot reads the clock that it began with", "[engine]") {
  Database database;
  const auto s = database.connect(), other = database.connect();
  deploy(*s, kLogins);
  ask(*s, "INSERT INTO login VALUES (1, '2026-01-01 10:00:00')");
  ask(*s, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  CHECK(ask(*s, "SELECT who FROM here") == "1");
  ask(*other, "INSERT INTO login VALUES (2, '2026-01-01 12:00:00')");
  CHECK(ask(*s, "SELECT who FROM here") == "1");
  CHECK(ask(*s, "SELECT * FROM \"login.clock\"") == "2026-01-01 09:59:58");
  ask(*s, "COMMIT");
  CHECK(ask(*s, "SELECT who FROM here") == "2");
}

TEST_CASE("Another version of the rules keeps the clock", "[engine]") {
  Database database;
  const auto s = database.connect();
  deploy(*s, kLogins);
  ask(*s, "INSERT INTO login VALUES (1, '2026-01-01 10:00:00')");
  deploy(*s, kLogins +
                 "  .decl recent(who: int64)\n"
                 "  recent(w) :- login{who: w, ts}, ts > now() - 1m.\n");
  CHECK(ask(*s, "SELECT * FROM \"login.clock\"") == "2026-01-01 09:59:58");
  CHECK(ask(*s, "SELECT who FROM recent") == "1");
  tick(database, 62);
  CHECK(ask(*s, "SELECT count(*) FROM recent") == "0");
  CHECK(ask(*s, "SELECT who FROM here") == "1");
}

}  // namespace
}  // namespace entail::engine
