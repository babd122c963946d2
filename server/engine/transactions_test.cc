#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "server/engine/internal/test_database.h"
#include "server/engine/session.h"
#include "store/simulated_kv.h"

namespace entail::engine {
namespace {

EngineOptions on_disk() { return on(store::SimulatedDisk::create(1)); }

std::string at(std::uint64_t version) { return " AS OF VERSION " + std::to_string(version); }

// ---------------------------------------------------------------------------------------------------
// Time travel

TEST_CASE("AS OF reads tables, joins, derived relations and views as they were", "[engine]") {
  Database database(on_disk());
  const auto s = database.connect();
  ask(*s, "CREATE TABLE t (k int PRIMARY KEY, v int)");
  ask(*s, "CREATE TABLE u (k int, w text)");
  ask(*s, "CREATE MATERIALIZED VIEW sums AS SELECT count(*) AS n, sum(v) AS s FROM t");
  ask(*s, "CREATE VIEW both_ AS SELECT t.k, v, w FROM t JOIN u ON t.k = u.k");
  ask(*s, "INSERT INTO t VALUES (1, 10), (2, 20)");
  const std::uint64_t first = database.engine().version();
  ask(*s, "INSERT INTO u VALUES (1, 'a'), (1, 'a'), (2, 'b')");
  const std::uint64_t second = database.engine().version();
  database.clock().advance_us(1'000'000);
  ask(*s, "UPDATE t SET v = 11 WHERE k = 1");
  ask(*s, "DELETE FROM t WHERE k = 2");
  ask(*s, "DELETE FROM u WHERE k = 1");
  CHECK(ask(*s, "SELECT k, v FROM t" + at(first) + " ORDER BY k") == "1,10;2,20");
  CHECK(ask(*s, "SELECT count(*) FROM u" + at(first)) == "0");
  CHECK(ask(*s, "SELECT k, w FROM u" + at(second) + " ORDER BY k") == "1,a;1,a;2,b");
  CHECK(ask(*s, "SELECT t.k, t.v, u.w FROM t" + at(second) + " JOIN u" + at(second) +
                    " ON t.k = u.k ORDER BY t.k") == "1,10,a;1,10,a;2,20,b");
  // The present beside the past.
  CHECK(ask(*s, "SELECT n.k, n.v, o.v FROM t AS n JOIN t" + at(first) + " AS o ON n.k = o.k") ==
        "1,11,10");
  CHECK(ask(*s, "SELECT n, s FROM sums" + at(first)) == "2,30");
  CHECK(ask(*s, "SELECT n, s FROM sums") == "1,11");
  CHECK(ask(*s, "SELECT k, v FROM t AS OF TIMESTAMP '2023-11-14 22:13:20.5+00' ORDER BY k") ==
        "1,10;2,20");
  CHECK(ask(*s, "SELECT count(*) FROM t AS OF VERSION 0") == "0");
  CHECK(state_of(*s, "SELECT * FROM t AS OF VERSION 1000") == "22023");
  CHECK(state_of(*s, "SELECT * FROM t AS OF VERSION NULL") == "22004");
}

TEST_CASE("AS OF reads a table as it was before its rows were rewritten", "[engine]") {
  const auto disk = store::SimulatedDisk::create(3);
  EngineOptions options;
  options.open_kv = disk->opener();
  std::uint64_t first = 0, second = 0, third = 0;
  const auto check = [&](Session& s) {
    CHECK(ask(s, "SELECT k, v, w FROM t" + at(first) + " ORDER BY k") == "1,10,NULL;2,NULL,NULL");
    CHECK(ask(s, "SELECT k, v, w FROM t" + at(second) + " ORDER BY k") == "1,10,x;2,NULL,x");
    CHECK(ask(s, "SELECT k, v, w FROM t ORDER BY k") == "1,10,x;3,30,x");
    CHECK(ask(s, "SELECT k FROM u" + at(second) + " ORDER BY k") ==
          "!0A000 column \"k\" of relation \"u\" had another type at that version");
    CHECK(ask(s, "SELECT k FROM u" + at(third)) == "5");
    CHECK(ask(s, "SELECT sum(n.v) FROM t AS n JOIN t" + at(first) + " AS o ON n.k = o.k") == "10");
  };
  {
    Database database(options);
    const auto s = database.connect();
    ask(*s, "CREATE TABLE t (k int PRIMARY KEY, v int)");
    ask(*s, "CREATE TABLE u (k int)");
    ask(*s, "INSERT INTO u VALUES (5)");
    ask(*s, "INSERT INTO t VALUES (1, 10), (2, NULL)");
    first = database.engine().version();
    CHECK(ask(*s, "ALTER TABLE t ADD COLUMN w text DEFAULT 'x'") == "ALTER TABLE");
    second = database.engine().version();
    ask(*s, "DELETE FROM t WHERE k = 2");
    ask(*s, "INSERT INTO t VALUES (3, 30)");
    CHECK(ask(*s, "ALTER TABLE u ALTER COLUMN k TYPE text") == "ALTER TABLE");
    third = database.engine().version();
    check(*s);
    CHECK(ask(*s, "ALTER TABLE t ALTER COLUMN v SET NOT NULL") == "ALTER TABLE");
    CHECK(ask(*s, "SELECT v FROM t" + at(first)) ==
          "!0A000 column \"v\" of relation \"t\" had null values at that version");
    CHECK(ask(*s, "ALTER TABLE t ALTER COLUMN v DROP NOT NULL") == "ALTER TABLE");
    check(*s);
  }
  Database database(options);
  check(*database.connect());
}

TEST_CASE("Versions are listed with their times and causes", "[engine]") {
  Database database(on_disk());
  const auto s = database.connect();
  ask(*s, "CREATE TABLE t (k int PRIMARY KEY)");
  ask(*s, "INSERT INTO t VALUES (1)");
  CHECK(ask(*s, "SELECT version, cause, origin FROM entail.versions ORDER BY version") ==
        "1,session,entail;2,session,entail");
  CHECK(ask(*s, "SELECT count(DISTINCT time) FROM entail.versions") == "2");
  // What changed nothing made no version.
  ask(*s, "UPDATE t SET k = 2 WHERE k = 7");
  CHECK(ask(*s, "SELECT max(version) FROM entail.versions") == "2");
}

// ---------------------------------------------------------------------------------------------------
// Isolation

TEST_CASE("A queue is worked off by several who skip what is locked", "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  const auto c = database.connect();
  ask(*a, "CREATE TABLE job (id int PRIMARY KEY, what text)");
  ask(*a, "INSERT INTO job VALUES (1, 'x'), (2, 'y'), (3, 'z'), (4, 'w')");
  const auto next = [](Session& session, const std::string& rest) {
    return ask(session, "SELECT id FROM job ORDER BY id " + rest + " FOR UPDATE SKIP LOCKED");
  };
  for (Session* session : {a.get(), b.get(), c.get()}) ask(*session, "BEGIN");
  CHECK(next(*a, "LIMIT 1") == "1");
  CHECK(next(*b, "LIMIT 1") == "2");
  CHECK(next(*c, "LIMIT 5 OFFSET 1") == "4");
  CHECK(next(*a, "") == "1");
  CHECK(ask(*b, "DELETE FROM job WHERE id = 2") == "DELETE 1");
  ask(*b, "COMMIT");
  ask(*c, "ROLLBACK");
  CHECK(next(*c, "LIMIT 2") == "3;4");
  CHECK(state_of(*a, "SELECT id FROM job LIMIT -1 FOR UPDATE SKIP LOCKED") == "2201W");
}

TEST_CASE("A transaction that has failed holds up nobody", "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE t (k int PRIMARY KEY, v int)");
  ask(*a, "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)");
  ask(*a, "BEGIN");
  ask(*a, "UPDATE t SET v = 10 WHERE k = 1");
  ask(*a, "SAVEPOINT s");
  ask(*a, "UPDATE t SET v = 20 WHERE k = 2");
  CHECK(state_of(*a, "SELECT 1 / 0") == "22012");
  // What came after the savepoint is free, what came before is not.
  CHECK(ask(*b, "UPDATE t SET v = 21 WHERE k = 2") == "UPDATE 1");
  CHECK(state_of(*b, "SELECT k FROM t WHERE k = 1 FOR UPDATE NOWAIT") == "55P03");
  CHECK(state_of(*a, "SELECT 1") == "25P02");
  CHECK(ask(*a, "ROLLBACK TO s") == "ROLLBACK");
  CHECK(ask(*a, "UPDATE t SET v = 30 WHERE k = 3") == "UPDATE 1");
  ask(*a, "RELEASE s");
  CHECK(state_of(*a, "SELECT 1 / 0") == "22012");
  CHECK(ask(*b, "UPDATE t SET v = 11 WHERE k = 1") == "UPDATE 1");
  CHECK(ask(*a, "COMMIT") == "ROLLBACK");
  CHECK(ask(*b, "SELECT k, v FROM t ORDER BY k") == "1,11;2,21;3,3");
}

TEST_CASE("Two serializable transactions on different rows of one table do not meet", "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE t (k int PRIMARY KEY, g int, v int)");
  ask(*a, "INSERT INTO t VALUES (1, 1, 10), (2, 1, 20), (3, 2, 30), (4, 2, 40)");
  const auto both = [&](const std::string& of_a, const std::string& of_b) {
    ask(*a, "BEGIN ISOLATION LEVEL SERIALIZABLE");
    ask(*b, "BEGIN ISOLATION LEVEL SERIALIZABLE");
    ask(*a, of_a);
    ask(*b, of_b);
    const std::string first = state_of(*a, "COMMIT");
    return first + " " + state_of(*b, "COMMIT");
  };
  CHECK(both("UPDATE t SET v = v + 1 WHERE k = 1", "UPDATE t SET v = v + 1 WHERE k = 2") ==
        "ok ok");
  CHECK(both("UPDATE t SET v = v + 1 WHERE g = 1", "UPDATE t SET v = v + 1 WHERE g = 2") ==
        "ok ok");
  CHECK(both("UPDATE t SET v = 0 WHERE k < 3", "UPDATE t SET v = 1 WHERE k >= 3 AND k <= 4") ==
        "ok ok");
  // What one wrote lies in what the other read.
  CHECK(both("INSERT INTO t SELECT 10, count(*), 0 FROM t WHERE g = 7",
             "INSERT INTO t SELECT 11, 7, count(*) FROM t WHERE k = 1") == "ok ok");
  CHECK(both("INSERT INTO t SELECT 12, 8, count(*) FROM t WHERE g = 9",
             "INSERT INTO t SELECT 13, 9, count(*) FROM t WHERE g = 8") == "ok 40001");
  CHECK(both("INSERT INTO t SELECT 14, 1, count(*) FROM t WHERE k > 100",
             "INSERT INTO t SELECT 101, 1, count(*) FROM t WHERE k BETWEEN 14 AND 20") ==
        "ok 40001");
  CHECK(both("UPDATE t SET g = 5 WHERE k = 1",
             "UPDATE t SET v = (SELECT count(*) FROM t AS o WHERE o.g = 5) WHERE k = 3") ==
        "ok 40001");
}

TEST_CASE("A snapshot that is too old says so", "[engine]") {
  EngineOptions options;
  options.limits.snapshot_changes = 10;
  Database database(std::move(options));
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE t (k int PRIMARY KEY, v int)");
  ask(*a, "INSERT INTO t SELECT i, 0 FROM generate_series(1, 30) AS x(i)");
  ask(*a, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  CHECK(ask(*a, "SELECT sum(v) FROM t") == "0");
  ask(*b, "UPDATE t SET v = 1 WHERE k <= 4");
  CHECK(ask(*a, "SELECT sum(v) FROM t") == "0");
  ask(*b, "UPDATE t SET v = 1");
  CHECK(ask(*a, "SELECT sum(v) FROM t") == "!72000 snapshot too old");
  ask(*a, "ROLLBACK");
  CHECK(ask(*a, "SELECT sum(v) FROM t") == "30");
}

TEST_CASE("Own writes are seen through views and recursion over an old snapshot", "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE edge (x int, y int, PRIMARY KEY (x, y))");
  REQUIRE(state_of(*a,
                   "CREATE MATERIALIZED VIEW path AS WITH RECURSIVE p(x, y) AS (SELECT x, y "
                   "FROM edge UNION SELECT p.x, e.y FROM p JOIN edge e ON e.x = p.y) SELECT x, "
                   "y FROM p") == "ok");
  REQUIRE(state_of(*a,
                   "CREATE MATERIALIZED VIEW ends AS SELECT x, count(*) AS n FROM path GROUP "
                   "BY x") == "ok");
  ask(*a, "INSERT INTO edge VALUES (1, 2), (2, 3)");
  ask(*a, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  CHECK(ask(*a, "SELECT n FROM ends WHERE x = 1") == "2");
  ask(*b, "DELETE FROM edge WHERE x = 2");
  ask(*b, "INSERT INTO edge VALUES (7, 1)");
  ask(*a, "INSERT INTO edge VALUES (3, 4)");
  CHECK(ask(*a, "SELECT n FROM ends WHERE x = 1") == "3");
  CHECK(ask(*b, "SELECT x, n FROM ends ORDER BY x") == "1,1;7,2");
  CHECK(ask(*a, "SELECT y FROM path WHERE x = 2 ORDER BY y") == "3;4");
  CHECK(ask(*a, "SELECT count(*) FROM path WHERE x = 7") == "0");
  ask(*a, "SAVEPOINT s");
  ask(*a, "DELETE FROM edge WHERE x = 1");
  CHECK(ask(*a, "SELECT count(*) FROM path WHERE x = 1") == "0");
  ask(*a, "ROLLBACK TO s");
  CHECK(ask(*a, "SELECT count(*) FROM path WHERE x = 1") == "3");
  CHECK(ask(*a, "COMMIT") == "COMMIT");
  CHECK(ask(*b, "SELECT x, y FROM path ORDER BY x, y") == "1,2;3,4;7,1;7,2");
}

TEST_CASE("Who waits for each other is told, and the other goes on", "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE t (k int PRIMARY KEY, v int)");
  ask(*a, "INSERT INTO t VALUES (1, 0), (2, 0)");
  ask(*a, "BEGIN");
  ask(*b, "BEGIN");
  ask(*a, "UPDATE t SET v = 1 WHERE k = 1");
  ask(*b, "UPDATE t SET v = 2 WHERE k = 2");
  Waiting waiting(*a, "UPDATE t SET v = 1 WHERE k = 2");
  CHECK(waiting.waits());
  CHECK(ask(*b, "UPDATE t SET v = 2 WHERE k = 1") == "!40P01 deadlock detected");
  waiting.go_on();
  CHECK(waiting.answer() == "UPDATE 1");
  ask(*b, "ROLLBACK");
  CHECK(ask(*a, "COMMIT") == "COMMIT");
  CHECK(ask(*b, "SELECT k, v FROM t ORDER BY k") == "1,1;2,1");
}

TEST_CASE("Locked rows are refused, passed over or waited for", "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE t (k int PRIMARY KEY, v int)");
  ask(*a, "INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)");
  ask(*a, "BEGIN");
  CHECK(ask(*a, "SELECT k FROM t WHERE k = 2 FOR UPDATE") == "2");
  ask(*b, "BEGIN");
  CHECK(ask(*b, "SELECT k FROM t ORDER BY k FOR UPDATE SKIP LOCKED") == "1;3");
  CHECK(ask(*b, "SELECT k FROM t WHERE k = 2") == "2");
  CHECK(ask(*b, "SELECT k FROM t WHERE k = 2 FOR SHARE NOWAIT") ==
        "!55P03 could not obtain lock on row in relation \"t\"");
  ask(*b, "ROLLBACK");
  Waiting waiting(*b, "SELECT k, v FROM t WHERE k = 2 FOR SHARE");
  CHECK(waiting.waits());
  ask(*a, "UPDATE t SET v = 5 WHERE k = 2");
  ask(*a, "COMMIT");
  waiting.go_on();
  CHECK(waiting.answer() == "2,5");
  // Shared locks stand beside each other; a key share beside an update of no key.
  ask(*a, "BEGIN");
  ask(*b, "BEGIN");
  ask(*a, "SELECT k FROM t WHERE k = 1 FOR SHARE");
  CHECK(ask(*b, "SELECT k FROM t WHERE k = 1 FOR SHARE NOWAIT") == "1");
  ask(*a, "SELECT k FROM t WHERE k = 3 FOR KEY SHARE");
  CHECK(ask(*b, "UPDATE t SET v = 9 WHERE k = 3") == "UPDATE 1");
  CHECK(Waiting(*b, "DELETE FROM t WHERE k = 1").waits());
}

TEST_CASE("LOCK TABLE keeps out whom its mode keeps out", "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE t (k int PRIMARY KEY)");
  ask(*a, "BEGIN");
  ask(*a, "LOCK TABLE t IN EXCLUSIVE MODE");
  CHECK(ask(*b, "SELECT count(*) FROM t") == "0");
  CHECK(state_of(*b, "INSERT INTO t VALUES (1)") == "55P03");
  ask(*a, "LOCK TABLE t");
  CHECK(state_of(*b, "SELECT count(*) FROM t") == "55P03");
  ask(*a, "COMMIT");
  ask(*a, "BEGIN");
  ask(*a, "SELECT count(*) FROM t");
  ask(*b, "BEGIN");
  CHECK(ask(*b, "LOCK TABLE t IN ACCESS EXCLUSIVE MODE NOWAIT") ==
        "!55P03 could not obtain lock on relation \"t\"");
}

TEST_CASE("ON CONFLICT meets rows of transactions that are under way", "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE t (k int PRIMARY KEY, v int)");
  ask(*a, "BEGIN");
  ask(*a, "INSERT INTO t VALUES (1, 1)");
  Waiting nothing(*b, "INSERT INTO t VALUES (1, 2) ON CONFLICT DO NOTHING");
  CHECK(nothing.waits());
  ask(*a, "COMMIT");
  nothing.go_on();
  CHECK(nothing.answer() == "INSERT 0 0");
  ask(*a, "BEGIN");
  ask(*a, "UPDATE t SET v = 10 WHERE k = 1");
  Waiting update(*b,
                 "INSERT INTO t VALUES (1, 2) ON CONFLICT (k) DO UPDATE SET v = t.v + excluded.v");
  CHECK(update.waits());
  ask(*a, "COMMIT");
  update.go_on();
  CHECK(update.answer() == "INSERT 0 1");
  CHECK(ask(*a, "SELECT v FROM t") == "12");
  ask(*a, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  ask(*a, "SELECT count(*) FROM t");
  ask(*b, "INSERT INTO t VALUES (2, 2)");
  CHECK(ask(*a, "INSERT INTO t VALUES (2, 3) ON CONFLICT DO NOTHING") ==
        "!40001 could not serialize access due to concurrent update");
}

// ---------------------------------------------------------------------------------------------------
// Constraints

TEST_CASE("Deferred foreign keys wait for the commit, or for SET CONSTRAINTS", "[engine]") {
  Database database;
  const auto s = database.connect();
  ask(*s, "CREATE TABLE p (id int PRIMARY KEY)");
  ask(*s,
      "CREATE TABLE c (id int PRIMARY KEY, p int CONSTRAINT cp REFERENCES p DEFERRABLE "
      "INITIALLY DEFERRED, q int CONSTRAINT cq REFERENCES p DEFERRABLE, r int CONSTRAINT cr "
      "REFERENCES p)");
  ask(*s, "BEGIN");
  CHECK(ask(*s, "INSERT INTO c VALUES (1, 7)") == "INSERT 0 1");
  CHECK(ask(*s, "INSERT INTO p VALUES (7)") == "INSERT 0 1");
  CHECK(ask(*s, "COMMIT") == "COMMIT");
  ask(*s, "BEGIN");
  CHECK(ask(*s, "INSERT INTO c VALUES (2, 8)") == "INSERT 0 1");
  CHECK(ask(*s, "COMMIT") ==
        "!23503 insert or update on table \"c\" violates foreign key constraint \"cp\"");
  CHECK(ask(*s, "SELECT count(*) FROM c") == "1");
  // Immediately, on demand.
  ask(*s, "BEGIN");
  ask(*s, "INSERT INTO c VALUES (2, 8)");
  CHECK(state_of(*s, "SET CONSTRAINTS cp IMMEDIATE") == "23503");
  ask(*s, "ROLLBACK");
  ask(*s, "BEGIN");
  CHECK(ask(*s, "SET CONSTRAINTS ALL IMMEDIATE") == "SET CONSTRAINTS");
  CHECK(state_of(*s, "INSERT INTO c VALUES (2, 8)") == "23503");
  ask(*s, "ROLLBACK");
  ask(*s, "BEGIN");
  CHECK(ask(*s, "SET CONSTRAINTS cq DEFERRED") == "SET CONSTRAINTS");
  CHECK(ask(*s, "INSERT INTO c VALUES (3, NULL, 9)") == "INSERT 0 1");
  CHECK(ask(*s, "INSERT INTO p VALUES (9)") == "INSERT 0 1");
  CHECK(ask(*s, "COMMIT") == "COMMIT");
  CHECK(state_of(*s, "INSERT INTO c VALUES (4, NULL, 10)") == "23503");
  ask(*s, "BEGIN");
  CHECK(ask(*s, "SET CONSTRAINTS cr DEFERRED") == "!42809 constraint \"cr\" is not deferrable");
  ask(*s, "ROLLBACK");
  ask(*s, "BEGIN");
  CHECK(ask(*s, "SET CONSTRAINTS cz DEFERRED") == "!42704 constraint \"cz\" does not exist");
  ask(*s, "ROLLBACK");
}

TEST_CASE("A commit waits for the row that a deferred key refers to", "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE p (id int PRIMARY KEY)");
  ask(*a, "CREATE TABLE c (id int, p int REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
  ask(*a, "INSERT INTO p VALUES (1)");
  for (const bool in_block : {true, false}) {
    ask(*b, "BEGIN");
    ask(*b, "DELETE FROM p WHERE id = 1");
    if (in_block) {
      ask(*a, "BEGIN");
      ask(*a, "INSERT INTO c VALUES (1, 1)");
    }
    Waiting waiting(*a, in_block ? "COMMIT" : "INSERT INTO c VALUES (1, 1)");
    CHECK(waiting.waits());
    ask(*b, in_block ? "ROLLBACK" : "COMMIT");
    waiting.go_on();
    CHECK_FALSE(waiting.waits());
    CHECK(waiting.answer() ==
          (in_block ? "COMMIT"
                    : "!23503 insert or update on table \"c\" violates foreign key constraint "
                      "\"c_p_fkey\""));
    ask(*a, "DELETE FROM c");
  }
}

TEST_CASE("Savepoints take back what was defined behind them", "[engine]") {
  Database database;
  const auto s = database.connect();
  ask(*s, "BEGIN");
  ask(*s, "CREATE TABLE t (k int PRIMARY KEY)");
  ask(*s, "INSERT INTO t VALUES (1)");
  ask(*s, "SAVEPOINT a");
  ask(*s, "ALTER TABLE t ADD COLUMN v int DEFAULT 7");
  ask(*s, "CREATE MATERIALIZED VIEW m AS SELECT sum(v) AS s FROM t");
  CHECK(ask(*s, "SELECT s FROM m") == "7");
  ask(*s, "SAVEPOINT b");
  ask(*s, "DROP TABLE t CASCADE");
  CHECK(state_of(*s, "SELECT * FROM t") == "42P01");
  CHECK(ask(*s, "ROLLBACK TO b") == "ROLLBACK");
  CHECK(ask(*s, "SELECT k, v FROM t") == "1,7");
  CHECK(ask(*s, "SELECT s FROM m") == "7");
  CHECK(ask(*s, "ROLLBACK TO a") == "ROLLBACK");
  CHECK(ask(*s, "SELECT * FROM t") == "1");
  CHECK(ask(*s, "COMMIT") == "COMMIT");
  CHECK(ask(*s, "SELECT * FROM t") == "1");
  CHECK(state_of(*s, "SELECT s FROM m") == "42P01");
}

// ---------------------------------------------------------------------------------------------------
// Time-outs

TEST_CASE("Waits end at lock_timeout and statement_timeout", "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE t (k int PRIMARY KEY)");
  ask(*a, "INSERT INTO t VALUES (1)");
  ask(*a, "BEGIN");
  ask(*a, "DELETE FROM t");
  for (const auto& [setting, answer] :
       {std::pair{"lock_timeout", "!55P03 canceling statement due to lock timeout"},
        std::pair{"statement_timeout", "!57014 canceling statement due to statement timeout"}}) {
    ask(*b, std::string("SET ") + setting + " = '2s'");
    Waiting waiting(*b, "DELETE FROM t");
    CHECK(waiting.waits());
    database.clock().advance_us(1'900'000);
    database.engine().tick();
    waiting.go_on();
    CHECK(waiting.waits());
    CHECK(database.engine().next_deadline_us() == database.clock().now_us() + 100'000);
    database.clock().advance_us(100'000);
    database.engine().tick();
    waiting.go_on();
    CHECK(waiting.answer() == answer);
    ask(*b, std::string("RESET ") + setting);
  }
  Waiting cancelled(*b, "DELETE FROM t");
  b->cancel();
  database.engine().tick();
  cancelled.go_on();
  CHECK(cancelled.answer() == "!57014 canceling statement due to user request");
}

TEST_CASE("Who is idle in a transaction for too long is named, once", "[engine]") {
  Database database;
  const auto s = database.connect();
  ask(*s, "SET idle_in_transaction_session_timeout = '1s'");
  ask(*s, "BEGIN");
  ask(*s, "SELECT 1");
  database.clock().advance_us(900'000);
  CHECK(database.engine().tick().empty());
  database.clock().advance_us(100'000);
  CHECK(database.engine().tick() == std::vector<std::uint32_t>{s->id()});
  CHECK(database.engine().tick().empty());
}

}  // namespace
}  // namespace entail::engine
