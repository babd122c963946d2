// What SQL answers, as PostgreSQL 15 does: a query, and the same query as a materialized view that stood
// before its tables had rows.

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "server/engine/internal/test_database.h"

namespace entail::engine {
namespace {

class Answers {
 public:
  std::string operator()(const std::string& text) { return ask(*session_, text); }

 private:
  Database database_;
  std::unique_ptr<Session> session_ = database_.connect();
};

TEST_CASE("aggregates run over the frames of their rows, once and standing", "[engine]") {
  Answers ask;
  ask("CREATE TABLE t (g int, a int, b numeric)");
  const std::vector<std::string> frames = {
      "OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
      "OVER (ORDER BY a ROWS BETWEEN 2 FOLLOWING AND UNBOUNDED FOLLOWING)",
      "OVER (ORDER BY a RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING)",
      "OVER (ORDER BY a DESC RANGE BETWEEN 2 PRECEDING AND CURRENT ROW)",
      "OVER (ORDER BY a GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW)",
      "OVER (ORDER BY a ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE GROUP)",
      "OVER (ORDER BY a GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES)",
  };
  const std::vector<std::string> expected = {
      "1,2;1,5;3,10;6,12;6,15;NULL,6",   "1,12;1,15;3,6;6,NULL;6,NULL;NULL,NULL",
      "1,2;1,2;3,5;6,12;6,12;NULL,NULL", "1,5;1,5;3,3;6,12;6,12;NULL,NULL",
      "1,2;1,2;3,5;6,15;6,15;NULL,12",   "1,15;1,15;3,14;6,5;6,5;NULL,17",
      "1,4;1,4;3,17;6,9;6,9;NULL,12",
  };
  for (std::size_t i = 0; i < frames.size(); ++i) {
    CHECK(ask("CREATE MATERIALIZED VIEW v" + std::to_string(i) + " AS SELECT a, sum(a) " +
              frames[i] + " AS s FROM t") == "SELECT 0");
  }
  ask("INSERT INTO t VALUES (1, 1, 1.5), (1, 1, 2.5), (2, 9, 1), (1, 6, 1), (1, 6, NULL), "
      "(2, NULL, 3)");
  ask("UPDATE t SET a = 3 WHERE a = 9");
  for (std::size_t i = 0; i < frames.size(); ++i) {
    INFO(frames[i]);
    CHECK(ask("SELECT a, sum(a) " + frames[i] + " AS s FROM t ORDER BY a, s") == expected[i]);
    CHECK(ask("SELECT a, s FROM v" + std::to_string(i) + " ORDER BY a, s") == expected[i]);
  }
  CHECK(
      ask("SELECT string_agg(a::text, '') OVER (ORDER BY a DESC ROWS 1 PRECEDING), count(*) FILTER "
          "(WHERE a > 1) OVER w, first_value(a) OVER w, nth_value(a, 2) OVER w FROM (VALUES (1), "
          "(4), (6)) x (a) WINDOW w AS (ORDER BY a ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING "
          "EXCLUDE CURRENT ROW) ORDER BY 1") == "41,1,4,NULL;6,1,4,NULL;64,1,1,6");
}

TEST_CASE("the two ends of a range may be of several integer types", "[engine]") {
  Answers ask;
  CHECK(ask("SELECT a, sum(a) OVER (ORDER BY a RANGE BETWEEN 2::int8 PRECEDING AND 1::int2 "
            "PRECEDING) "
            "FROM (VALUES (1), (2), (4)) x (a)") == "1,NULL;2,1;4,2");
}

TEST_CASE("positions in an array are numbers, whatever the array holds", "[engine]") {
  Answers ask;
  CHECK(ask("SELECT array_positions(ARRAY['A', 'A', 'B'], 'A'), array_positions(ARRAY[1, 2], 2)") ==
        "{1,2},{2}");
}

TEST_CASE("windows refine those before them, and frames say what is wrong with them", "[engine]") {
  Answers ask;
  const std::string from = " FROM (VALUES (1), (2)) AS t (a) ";
  CHECK(ask("SELECT count(*) OVER w" + from +
            "WINDOW base AS (ORDER BY a), w AS (base RANGE BETWEEN CURRENT ROW AND UNBOUNDED "
            "FOLLOWING) ORDER BY a") == "2;1");
  CHECK(ask("SELECT count(*) OVER w" + from + "WINDOW w AS (w)") ==
        "!42704 window \"w\" does not exist");
  CHECK(ask("SELECT count(*) OVER (w ORDER BY a)" + from + "WINDOW w AS (ORDER BY a DESC)") ==
        "!42P20 cannot override ORDER BY clause of window \"w\"");
  CHECK(ask("SELECT count(*) OVER (ORDER BY a ROWS -1 PRECEDING)" + from) ==
        "!22013 frame starting offset must not be negative");
  CHECK(ask("SELECT count(*) OVER (ORDER BY a RANGE -1 PRECEDING)" + from) ==
        "!22013 invalid preceding or following size in window function");
  CHECK(ask("SELECT count(*) OVER (ORDER BY a ROWS a PRECEDING)" + from) ==
        "!42P10 argument of ROWS must not contain variables");
  CHECK(ask("SELECT count(*) OVER (GROUPS 1 PRECEDING)" + from) ==
        "!42P20 GROUPS mode requires an ORDER BY clause");
  CHECK(ask("SELECT count(*) OVER (RANGE 1 PRECEDING)" + from) ==
        "!42P20 RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column");
}

TEST_CASE("functions that return rows stand side by side in a select list", "[engine]") {
  Answers ask;
  CHECK(ask("SELECT generate_series(1, 2), unnest(ARRAY['a', 'b', 'c'])") == "1,a;2,b;NULL,c");
  CHECK(ask("SELECT a, generate_series(1, a) * 10 FROM (VALUES (0), (2)) t (a)") == "2,10;2,20");
  CHECK(ask("SELECT * FROM generate_series(5, 1)") == "");
  CHECK(ask("SELECT * FROM generate_series(5, 1, -2)") == "5;3;1");
  CHECK(ask("SELECT * FROM ROWS FROM (generate_series(1, 2), generate_series(5, 7)) WITH "
            "ORDINALITY") == "1,5,1;2,6,2;NULL,7,3");
  CHECK(ask("SELECT * FROM unnest(ARRAY[1, 2], ARRAY['x'])") == "1,x;2,NULL");
  CHECK(ask("SELECT * FROM generate_series('2021-01-31'::timestamp, '2021-04-01', '1 month')") ==
        "2021-01-31 00:00:00;2021-02-28 00:00:00;2021-03-28 00:00:00");
  CHECK(ask("SELECT regexp_matches('a1b2', '([a-z])([0-9])', 'g')") == "{a,1};{b,2}");
  CHECK(ask("SELECT key, value FROM jsonb_each('{\"bb\": 1, \"a\": null}')") == "a,null;bb,1");
  CHECK(ask("SELECT 1 WHERE generate_series(1, 2) = 1") ==
        "!0A000 set-returning functions are not allowed in WHERE");
}

TEST_CASE("a text by itself has its own key, whichever way is asked", "[engine]") {
  Answers ask;
  CHECK(ask("SELECT j ? 'a', j ?| ARRAY['b', 'a'], j ?& ARRAY['a'], j ?& ARRAY['a', 'b'] FROM "
            "(VALUES ('\"a\"'::jsonb), ('[\"a\"]'), ('{\"a\": 1}'), ('1')) AS t (j)") ==
        "t,t,t,f;t,t,t,f;t,t,t,f;f,f,f,f");
}

TEST_CASE("EXCEPT ALL takes away no more than there is", "[engine]") {
  Answers ask;
  CHECK(ask("SELECT * FROM (VALUES (1), (2), (2), (3)) a EXCEPT ALL "
            "SELECT * FROM (VALUES (1), (1), (2)) b ORDER BY 1") == "2;3");
}

TEST_CASE("aggregates that are made of others", "[engine]") {
  Answers ask;
  ask("CREATE TABLE t (g int, x int)");
  CHECK(
      ask("CREATE MATERIALIZED VIEW v AS SELECT g, percentile_cont(0.5) WITHIN GROUP (ORDER BY "
          "x) AS m, mode() WITHIN GROUP (ORDER BY x) AS o, jsonb_agg(x ORDER BY x DESC) AS j FROM "
          "t GROUP BY g") == "SELECT 0");
  ask("INSERT INTO t VALUES (1, 1), (1, 4), (1, 4), (2, 7), (2, NULL), (1, 2)");
  CHECK(ask("SELECT * FROM v ORDER BY g") == "1,3,4,[4, 4, 2, 1];2,7,7,[null, 7]");
  CHECK(ask("SELECT percentile_disc(0.25) WITHIN GROUP (ORDER BY x DESC), "
            "corr(g, x), regr_count(g, x) FILTER (WHERE x > 1) FROM t WHERE x < 5") == "4,NULL,3");
  CHECK(ask("SELECT jsonb_object_agg(x, g) FROM t WHERE x < 3") == "{\"1\": 1, \"2\": 1}");
}

TEST_CASE("a group's key may come from a subquery of the select list", "[engine]") {
  Answers ask;
  CHECK(ask("SELECT (SELECT 42) AS k, max(x) FROM (VALUES (1), (2)) AS t (x) GROUP BY k") ==
        "42,2");
}

TEST_CASE("a lateral subquery's column is null where an outer join finds nothing", "[engine]") {
  Answers ask;
  ask("CREATE TABLE a (x int)");
  ask("CREATE TABLE b (y int)");
  ask("INSERT INTO a VALUES (1), (2)");
  ask("INSERT INTO b VALUES (1)");
  CHECK(ask("SELECT a.x, s.z FROM a LEFT JOIN LATERAL (SELECT a.x AS z FROM b WHERE y = a.x) s ON "
            "true ORDER BY 1") == "1,1;2,NULL");
  CHECK(ask("SELECT o.x, a.x, s.z FROM a o, a LEFT JOIN LATERAL (SELECT o.x AS z FROM b) s "
            "ON a.x = s.z ORDER BY 1, 2") == "1,1,1;1,2,NULL;2,1,NULL;2,2,2");
}

TEST_CASE("what fails early in an expression ends it", "[engine]") {
  Answers ask;
  CHECK(ask("SELECT -10000000::integer::decimal(3,1)").substr(0, 6) == "!22003");
  CHECK(ask("SELECT '1'::decimal(3,3)::varchar").substr(0, 6) == "!22003");
}

TEST_CASE("a cascade's rows are checked, and RETURNING knows parameters", "[engine]") {
  Answers ask;
  ask("CREATE TABLE p (id int PRIMARY KEY)");
  ask("CREATE TABLE c (id int REFERENCES p ON UPDATE CASCADE CONSTRAINT small CHECK (id < 100))");
  ask("INSERT INTO p VALUES (1)");
  ask("INSERT INTO c VALUES (1)");
  CHECK(ask("UPDATE p SET id = 10") == "UPDATE 1");
  CHECK(ask("UPDATE p SET id = 1000") ==
        "!23514 new row for relation \"c\" violates check constraint \"small\"");
  ask("PREPARE i AS INSERT INTO p VALUES ($1) RETURNING $1 + 1");
  CHECK(ask("EXECUTE i(5)") == "6");
}

}  // namespace
}  // namespace entail::engine
