#include "server/engine/engine.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "server/engine/internal/test_database.h"
#include "store/simulated_kv.h"

namespace entail::engine {
namespace {

TEST_CASE("A session asks, inserts, updates and deletes", "[engine]") {
  Database database;
  const auto s = database.connect();
  CHECK(ask(*s, "SELECT 1") == "1");
  CHECK(ask(*s, "CREATE TABLE t (id int PRIMARY KEY, name text)") == "CREATE TABLE");
  CHECK(ask(*s, "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL)") == "INSERT 0 3");
  CHECK(ask(*s, "SELECT id, name FROM t ORDER BY id") == "1,a;2,b;3,NULL");
  CHECK(ask(*s, "UPDATE t SET name = 'c' WHERE id = 3") == "UPDATE 1");
  CHECK(ask(*s, "DELETE FROM t WHERE id = 1 RETURNING id, name") == "1,a");
  CHECK(ask(*s, "SELECT id, name FROM t ORDER BY id") == "2,b;3,c");
  CHECK(ask(*s, "INSERT INTO t (id) VALUES (7) RETURNING id + 1") == "8");
}

TEST_CASE("What breaks a constraint is refused with PostgreSQL's words", "[engine]") {
  Database database;
  const auto s = database.connect();
  ask(*s, "CREATE TABLE t (a int PRIMARY KEY, b int NOT NULL, c int CHECK (c > 0), d int UNIQUE)");
  ask(*s, "INSERT INTO t VALUES (1, 1, 1, 1)");
  CHECK(ask(*s, "INSERT INTO t VALUES (1, 1, 1, 2)") ==
        "!23505 duplicate key value violates unique constraint \"t_pkey\"");
  CHECK(ask(*s, "INSERT INTO t VALUES (2, 1, 1, 1)") ==
        "!23505 duplicate key value violates unique constraint \"t_d_key\"");
  CHECK(ask(*s, "INSERT INTO t VALUES (2, NULL, 1, 2)") ==
        "!23502 null value in column \"b\" of relation \"t\" violates not-null constraint");
  CHECK(ask(*s, "INSERT INTO t VALUES (2, 1, 0, 2)") ==
        "!23514 new row for relation \"t\" violates check constraint \"t_c_check\"");
  CHECK(ask(*s, "INSERT INTO t VALUES (2, 1, NULL, NULL), (3, 1, NULL, NULL)") == "INSERT 0 2");
  CHECK(ask(*s, "SELECT count(*) FROM t") == "3");
}

TEST_CASE("Foreign keys hold, and carry out what they were told", "[engine]") {
  Database database;
  const auto s = database.connect();
  ask(*s, "CREATE TABLE p (id int PRIMARY KEY)");
  ask(*s, "CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p)");
  ask(*s, "CREATE TABLE d (id int, p int REFERENCES p ON DELETE CASCADE)");
  ask(*s, "INSERT INTO p VALUES (1), (2)");
  CHECK(ask(*s, "INSERT INTO c VALUES (1, 1), (2, NULL)") == "INSERT 0 2");
  CHECK(ask(*s, "INSERT INTO c VALUES (3, 9)") ==
        "!23503 insert or update on table \"c\" violates foreign key constraint \"c_p_fkey\"");
  CHECK(ask(*s, "DELETE FROM p WHERE id = 1") ==
        "!23503 update or delete on table \"p\" violates foreign key constraint \"c_p_fkey\" on "
        "table \"c\"");
  ask(*s, "INSERT INTO d VALUES (1, 2), (2, 2)");
  CHECK(ask(*s, "DELETE FROM p WHERE id = 2") == "DELETE 1");
  CHECK(ask(*s, "SELECT count(*) FROM d") == "0");
}

TEST_CASE("A transaction sees its own writes through a materialized view, others do not",
          "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE t (id int PRIMARY KEY, v int)");
  CHECK(state_of(*a, "CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM t") == "ok");
  ask(*a, "INSERT INTO t VALUES (1, 1)");
  CHECK(ask(*a, "SELECT n FROM m") == "1");
  ask(*a, "BEGIN");
  ask(*a, "INSERT INTO t VALUES (2, 2)");
  CHECK(ask(*a, "SELECT n FROM m") == "2");
  CHECK(ask(*b, "SELECT n FROM m") == "1");
  CHECK(ask(*a, "SELECT n FROM m") == "2");
  ask(*a, "SAVEPOINT s");
  ask(*a, "INSERT INTO t VALUES (3, 3)");
  CHECK(ask(*a, "SELECT n FROM m") == "3");
  ask(*a, "ROLLBACK TO s");
  CHECK(ask(*a, "SELECT n FROM m") == "2");
  CHECK(ask(*a, "COMMIT") == "COMMIT");
  CHECK(ask(*b, "SELECT n FROM m") == "2");
}

TEST_CASE("A failed transaction takes no more than its end", "[engine]") {
  Database database;
  const auto s = database.connect();
  ask(*s, "BEGIN");
  CHECK(state_of(*s, "SELECT 1 / 0") == "22012");
  CHECK(s->status() == TransactionStatus::kFailed);
  CHECK(ask(*s, "SELECT 1") ==
        "!25P02 current transaction is aborted, commands ignored until end of transaction block");
  CHECK(ask(*s, "COMMIT") == "ROLLBACK");
  CHECK(ask(*s, "SELECT 1") == "1");
}

TEST_CASE("A snapshot stays what it was, and a row that changed since is not written over",
          "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE t (id int PRIMARY KEY, v int)");
  ask(*a, "INSERT INTO t VALUES (1, 10), (2, 20)");
  ask(*a, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  CHECK(ask(*a, "SELECT sum(v) FROM t") == "30");
  ask(*b, "UPDATE t SET v = 11 WHERE id = 1");
  CHECK(ask(*a, "SELECT sum(v) FROM t") == "30");
  CHECK(ask(*a, "UPDATE t SET v = 12 WHERE id = 1") ==
        "!40001 could not serialize access due to concurrent update");
  ask(*a, "ROLLBACK");
  CHECK(ask(*a, "SELECT sum(v) FROM t") == "31");
}

TEST_CASE("Two transactions that read what the other writes are not both serializable",
          "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE t (id int PRIMARY KEY, v int)");
  ask(*a, "INSERT INTO t VALUES (1, 10), (2, 20)");
  ask(*a, "BEGIN ISOLATION LEVEL SERIALIZABLE");
  ask(*b, "BEGIN ISOLATION LEVEL SERIALIZABLE");
  ask(*a, "SELECT sum(v) FROM t");
  ask(*b, "SELECT sum(v) FROM t");
  ask(*a, "UPDATE t SET v = 0 WHERE id = 1");
  ask(*b, "UPDATE t SET v = 0 WHERE id = 2");
  CHECK(ask(*a, "COMMIT") == "COMMIT");
  CHECK(state_of(*b, "COMMIT") == "40001");
}

TEST_CASE("A writer waits for the row and goes on when it is let go", "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  ask(*a, "CREATE TABLE t (id int PRIMARY KEY, v int)");
  ask(*a, "INSERT INTO t VALUES (1, 10)");
  ask(*a, "BEGIN");
  ask(*a, "UPDATE t SET v = v + 1 WHERE id = 1");
  struct NoRows final : RowSink {
    void row(const RowView&) override {}
  } sink;
  auto query = b->simple("UPDATE t SET v = v + 5 WHERE id = 1");
  REQUIRE(query);
  REQUIRE(*(*query)->next());
  auto outcome = (*query)->portal().run(sink, 0);
  REQUIRE(outcome);
  CHECK(outcome->progress == Progress::kMustWait);
  ask(*a, "COMMIT");
  outcome = (*query)->portal().run(sink, 0);
  REQUIRE(outcome);
  CHECK(outcome->tag == "UPDATE 1");
  REQUIRE((*query)->finish());
  CHECK(ask(*a, "SELECT v FROM t") == "16");
}

TEST_CASE("ROLLBACK takes back what was defined", "[engine]") {
  Database database;
  const auto s = database.connect();
  ask(*s, "BEGIN");
  ask(*s, "CREATE TABLE t (id int)");
  CHECK(ask(*s, "INSERT INTO t VALUES (1)") == "INSERT 0 1");
  CHECK(ask(*s, "SELECT id FROM t") == "1");
  ask(*s, "ROLLBACK");
  CHECK(ask(*s, "SELECT id FROM t") == "!42P01 relation \"t\" does not exist");
  ask(*s, "CREATE TABLE t (id int)");
  CHECK(ask(*s, "SELECT count(*) FROM t") == "0");
}

TEST_CASE("What was committed is there after a restart, views and sequences too", "[engine]") {
  const auto disk = store::SimulatedDisk::create(1);
  {
    Database database(on(disk));
    const auto s = database.connect();
    ask(*s, "CREATE TABLE t (id serial PRIMARY KEY, name text CHECK (name <> ''))");
    ask(*s, "CREATE TABLE bag (a int, b text)");
    ask(*s, "INSERT INTO t (name) VALUES ('a'), ('b')");
    ask(*s, "INSERT INTO bag VALUES (1, 'x'), (1, 'x'), (2, NULL)");
    CHECK(
        state_of(*s, "CREATE MATERIALIZED VIEW m AS SELECT a, count(*) AS n FROM bag GROUP BY a") ==
        "ok");
    ask(*s, "UPDATE t SET name = 'c' WHERE id = 2");
  }
  Database database(on(disk));
  const auto s = database.connect();
  CHECK(ask(*s, "SELECT id, name FROM t ORDER BY id") == "1,a;2,c");
  CHECK(ask(*s, "SELECT a, b FROM bag ORDER BY a, b") == "1,x;1,x;2,NULL");
  CHECK(ask(*s, "SELECT a, n FROM m ORDER BY a") == "1,2;2,1");
  CHECK(ask(*s, "INSERT INTO t (name) VALUES ('d') RETURNING id") == "3");
  CHECK(state_of(*s, "INSERT INTO t (name) VALUES ('')") == "23514");
  auto report = database.engine().check();
  REQUIRE(report);
  CHECK(report->problems.empty());
}

TEST_CASE("ON CONFLICT inserts, updates or leaves alone", "[engine]") {
  Database database;
  const auto s = database.connect();
  ask(*s, "CREATE TABLE t (id int PRIMARY KEY, n int)");
  ask(*s, "INSERT INTO t VALUES (1, 1)");
  CHECK(ask(*s, "INSERT INTO t VALUES (1, 5), (2, 2) ON CONFLICT DO NOTHING") == "INSERT 0 1");
  CHECK(ask(*s,
            "INSERT INTO t VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n "
            "RETURNING n") == "6");
  CHECK(ask(*s, "SELECT id, n FROM t ORDER BY id") == "1,6;2,2");
}

TEST_CASE("A dropped table takes its views only when told to", "[engine]") {
  Database database;
  const auto s = database.connect();
  ask(*s, "CREATE TABLE t (id int)");
  ask(*s, "CREATE VIEW v AS SELECT id FROM t");
  CHECK(state_of(*s, "DROP TABLE t") == "2BP01");
  CHECK(ask(*s, "DROP TABLE t CASCADE") == "DROP TABLE");
  CHECK(state_of(*s, "SELECT * FROM v") == "42P01");
}

TEST_CASE("Rules that are deployed read tables of SQL, and SQL reads what they derive",
          "[engine]") {
  Database database;
  const auto s = database.connect();
  CHECK(ask(*s, "CREATE TABLE edge (a bigint NOT NULL, b bigint NOT NULL)") == "CREATE TABLE");
  CHECK(ask(*s, "INSERT INTO edge VALUES (1, 2), (2, 3)") == "INSERT 0 2");
  const std::string rules =
      ".decl path(a: int64, b: int64)\n"
      "path(a, b) :- edge(a, b).\n"
      "path(a, c) :- path(a, b), edge(b, c).\n";
  auto deployed = s->deploy("paths", rules);
  INFO((deployed ? std::string() : deployed.error().message + deployed.error().sql->detail));
  REQUIRE(deployed);
  CHECK(ask(*s, "SELECT a, b FROM path ORDER BY a, b") == "1,2;1,3;2,3");
  ask(*s, "INSERT INTO edge VALUES (3, 4)");
  CHECK(ask(*s, "SELECT count(*) FROM path") == "6");
  auto again = s->deploy("paths", rules);
  REQUIRE(again);
  CHECK(again->version == 0);
  CHECK_FALSE(s->deploy("paths", ".decl broken("));
  CHECK(ask(*s, "SELECT count(*) FROM path") == "6");
}

}  // namespace
}  // namespace entail::engine
