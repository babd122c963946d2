// Parsing and printing SQL: what statements mean, that printing loses nothing, and that errors are
// told as PostgreSQL tells them.

#include "grammar/sql_parser.h"

#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include "grammar/sql_printer.h"

namespace entail::grammar::sql {
namespace {

Statement only(std::string_view text) {
  auto statements = parse_sql(text);
  INFO(text);
  if (!statements) INFO(statements.error().message);
  REQUIRE(statements.has_value());
  REQUIRE(statements->size() == 1);
  return std::move(statements->front());
}

std::string canonical(std::string_view expression) {
  auto parsed = parse_sql_expression(expression);
  if (!parsed) return "error: " + parsed.error().message;
  return print_sql(*parsed);
}

std::string refusal(std::string_view text) {
  auto statements = parse_sql(text);
  if (statements) return "accepted";
  const SqlFields& fields = *statements.error().sql;
  return fields.sqlstate + " " + std::to_string(fields.position) + " " + statements.error().message;
}

void round_trip(std::string_view text) {
  const Statement first = only(text);
  const std::string printed = print_sql(first);
  INFO(text);
  INFO(printed);
  auto again = parse_sql(printed);
  if (!again) INFO(again.error().message);
  REQUIRE(again.has_value());
  REQUIRE(again->size() == 1);
  CHECK(first == again->front());
  CHECK(print_sql(again->front()) == printed);
}

TEST_CASE("queries survive being printed and parsed again") {
  for (const std::string_view text : {
           "SELECT",
           "SELECT 1",
           "select a.b, t.*, *, 'it''s', E'a\\nb', $tag$dollar$tag$, B'101', X'1F', 1.5e3, .5, $1",
           "SELECT a b, c AS \"Select\", d year_of FROM t AS x (p, q), ONLY u, s.v *",
           "SELECT DISTINCT ON (a, b) a FROM t ORDER BY a DESC NULLS LAST, b USING > LIMIT 3 "
           "OFFSET 4",
           "SELECT ALL a FROM t GROUP BY a, ROLLUP (b, c), CUBE (d), GROUPING SETS ((a, b), a, ())",
           "SELECT count(*) FILTER (WHERE a > 1), sum(DISTINCT b ORDER BY c), "
           "percentile_cont(0.5) WITHIN GROUP (ORDER BY x), f(a => 1, b := 2), g(VARIADIC arr) "
           "FROM t HAVING count(*) > 1",
           "SELECT rank() OVER w, sum(x) OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING "
           "AND CURRENT ROW EXCLUDE TIES), lag(a) OVER (w RANGE UNBOUNDED PRECEDING) FROM t "
           "WINDOW w AS (PARTITION BY c)",
           "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5), "
           "m AS MATERIALIZED (SELECT 2), k AS NOT MATERIALIZED (TABLE r) SELECT * FROM r, m, k",
           "WITH gone AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM gone",
           "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 EXCEPT SELECT 4 INTERSECT SELECT 5",
           "(SELECT 1 ORDER BY 1 LIMIT 1) UNION (SELECT 2 UNION SELECT 3) ORDER BY 1",
           "VALUES (1, 'a'), (2, DEFAULT) ORDER BY 1",
           "SELECT * FROM a JOIN b ON a.x = b.x LEFT JOIN c USING (k, l) AS j NATURAL FULL JOIN d "
           "CROSS JOIN e RIGHT OUTER JOIN (f JOIN g ON true) ON false",
           "SELECT * FROM a JOIN b JOIN c ON 1 = 1 ON 2 = 2",
           "SELECT * FROM (a CROSS JOIN b) AS j, LATERAL (SELECT a.x) AS s (y), (VALUES (1)) v",
           "SELECT * FROM generate_series(1, 3) WITH ORDINALITY AS g (n, i), f(1) AS (a int, b "
           "text),"
           " ROWS FROM (f(1) AS (x int), g(2)) AS r, LATERAL h(3), CURRENT_DATE d",
           "SELECT * FROM t TABLESAMPLE bernoulli (10) REPEATABLE (3)",
           "SELECT * FROM t AS OF VERSION 3 AS x, u AS OF TIMESTAMP '2026-01-01', v AS of",
           "SELECT * FROM t FOR SYSTEM_TIME AS OF now() x",
           "SELECT * FROM t FOR UPDATE OF t NOWAIT FOR NO KEY UPDATE FOR SHARE SKIP LOCKED",
           "SELECT a FROM t ORDER BY a FETCH FIRST 3 ROWS WITH TIES",
           "SELECT a INTO n FROM t",
           "SELECT (SELECT 1), EXISTS (SELECT 1), ARRAY(SELECT 1), ARRAY[[1, 2], [3]], "
           "(1, 2) = (3, 4), ROW(1), ROW(), a IN (1), b NOT IN (SELECT 1), c = ANY (SELECT 1), "
           "d <> ALL (arr), e LIKE ANY (ARRAY['x']), (a, b) IN (SELECT 1, 2)",
           "SELECT CASE a WHEN 1 THEN 'x' ELSE 'y' END, CASE WHEN a THEN b END",
           "SELECT EXTRACT(year FROM d), SUBSTRING(a FROM 1 FOR 2), SUBSTRING(a FOR 2), "
           "SUBSTRING(a SIMILAR 'x' ESCAPE '#'), POSITION('a' IN b), TRIM(BOTH 'x' FROM y), "
           "TRIM(LEADING FROM y), TRIM(y), OVERLAY(a PLACING b FROM 1 FOR 2), NORMALIZE(a, NFC), "
           "COALESCE(a, b), NULLIF(a, b), GREATEST(1, 2), LEAST(1), CURRENT_TIMESTAMP(3), USER, "
           "CAST(a AS numeric(10, 2)), left('abc', 1), (a, b) OVERLAPS (c, d)",
           "SELECT date '2026-01-01', interval '1' day, interval '1 2' day to second(3), "
           "timestamp(3) with time zone 'x', int '1', double precision '1', t.u 'x'",
           "SELECT a::int[], b::character varying(3), c::timestamp with time zone, "
           "d::interval hour to minute, e::\"char\", f::s.t, g::bit varying(2), h::float(3)",
           "SELECT a IS NOT NULL, b ISNULL, c NOTNULL, d IS UNKNOWN, e IS NOT TRUE, "
           "f IS DISTINCT FROM g, h NOT BETWEEN SYMMETRIC 1 AND 2, i NOT ILIKE 'x' ESCAPE '!', "
           "j SIMILAR TO 'k', l COLLATE \"C\", m AT TIME ZONE 'UTC', n[1][2:3][:], (o).p, (q).*, "
           "r OPERATOR(pg_catalog.+) s, @ -5, ~1, - - t",
       }) {
    round_trip(text);
  }
}

TEST_CASE("statements that change rows survive being printed and parsed again") {
  for (const std::string_view text : {
           "INSERT INTO t VALUES (1, 'a', NULL), (2, DEFAULT, $1)",
           "INSERT INTO s.t AS x (a, b[1], c.d) OVERRIDING SYSTEM VALUE SELECT 1, 2, 3 "
           "ON CONFLICT (a, lower(b) COLLATE \"C\" text_ops) WHERE a > 0 DO UPDATE "
           "SET a = excluded.a, (b, c) = (1, DEFAULT), (d) = (SELECT 1) WHERE x.a < 3 "
           "RETURNING *, a AS z",
           "INSERT INTO t DEFAULT VALUES ON CONFLICT DO NOTHING",
           "INSERT INTO t (SELECT 1)",
           "INSERT INTO t WITH w AS (SELECT 1) SELECT * FROM w ON CONFLICT ON CONSTRAINT k DO "
           "NOTHING",
           "UPDATE ONLY t AS x SET a = a + 1, b = DEFAULT FROM u JOIN v ON true WHERE x.id = u.id "
           "RETURNING x.*",
           "DELETE FROM t USING u, v WHERE t.a = u.a RETURNING 1",
           "UPDATE t SET a = 1 WHERE CURRENT OF c",
           "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED AND u.b > 1 THEN UPDATE SET b = u.b "
           "WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (a, b) VALUES (u.a, DEFAULT)",
           "TRUNCATE TABLE a, b RESTART IDENTITY CASCADE",
           "COPY t (a, b) FROM STDIN WITH (FORMAT csv, HEADER true, DELIMITER ';', "
           "FORCE_NOT_NULL (a, b))",
           "COPY (SELECT 1) TO STDOUT CSV HEADER FORCE QUOTE *",
           "COPY t FROM '/tmp/x' DELIMITER '|' NULL 'N' ESCAPE '\\' WHERE a > 1",
           "COPY (SUBSCRIBE v) TO STDOUT",
       }) {
    round_trip(text);
  }
}

TEST_CASE("definitions survive being printed and parsed again") {
  for (const std::string_view text : {
           "CREATE TEMP TABLE IF NOT EXISTS s.t (a int PRIMARY KEY, b varchar(10) NOT NULL DEFAULT "
           "'x' || 'y' CHECK (b <> ''), c numeric(10, 2)[] UNIQUE DEFERRABLE INITIALLY DEFERRED, "
           "d text COLLATE \"C\" CONSTRAINT fk REFERENCES u (x) MATCH FULL ON DELETE SET NULL "
           "ON UPDATE CASCADE, e int GENERATED ALWAYS AS (a * 2) STORED, "
           "f int GENERATED BY DEFAULT AS IDENTITY (START WITH 5 INCREMENT BY 2 NO MAXVALUE), "
           "LIKE other INCLUDING ALL EXCLUDING DEFAULTS, CONSTRAINT k PRIMARY KEY (a, b) INCLUDE "
           "(c), "
           "FOREIGN KEY (a) REFERENCES u NOT VALID, CHECK (a > 0) NO INHERIT, "
           "UNIQUE NULLS NOT DISTINCT (d), EXCLUDE USING gist (a WITH =)) "
           "INHERITS (p, q) WITH (fillfactor = 70, toast.x = on) ON COMMIT DROP",
           "CREATE UNLOGGED TABLE t ()",
           "CREATE TABLE t (a int) PARTITION BY RANGE (a)",
           "CREATE TABLE t PARTITION OF p FOR VALUES FROM (1) TO (2)",
           "CREATE TABLE t (a, b) AS SELECT 1, 2 WITH NO DATA",
           "CREATE TABLE t AS EXECUTE p (1)",
           "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY t USING btree "
           "(a, lower(b) text_pattern_ops DESC NULLS FIRST, (c + 1)) INCLUDE (d) "
           "NULLS NOT DISTINCT WITH (fillfactor = 50) WHERE a > 0",
           "CREATE OR REPLACE TEMPORARY VIEW v (a, b) AS SELECT 1, 2 WITH LOCAL CHECK OPTION",
           "CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT count(*) FROM t WITH NO DATA",
           "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
           "CREATE SEQUENCE s AS bigint START 5 MINVALUE -3 CACHE 10 CYCLE OWNED BY t.a",
           "ALTER SEQUENCE IF EXISTS s RESTART WITH 7 NO CYCLE",
           "CREATE SCHEMA IF NOT EXISTS s AUTHORIZATION joe",
           "CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT 1",
           "CREATE TYPE mood AS ENUM ('sad', 'it''s')",
           "CREATE TYPE pair AS (a int, b text COLLATE \"C\")",
           "CREATE DOMAIN d AS int DEFAULT 1 NOT NULL CONSTRAINT c CHECK (value > 0)",
           "CREATE ROLE r WITH LOGIN PASSWORD 'x' CONNECTION LIMIT 3 IN ROLE a, b",
           "ALTER USER u NOLOGIN",
           "DROP TABLE IF EXISTS a, s.b CASCADE",
           "DROP MATERIALIZED VIEW v",
           "DROP INDEX CONCURRENTLY i RESTRICT",
           "ALTER TABLE IF EXISTS ONLY t ADD COLUMN IF NOT EXISTS c int DEFAULT 1 NOT NULL, "
           "DROP COLUMN d CASCADE, ALTER COLUMN e SET DEFAULT 5, ALTER e DROP DEFAULT, "
           "ALTER f SET NOT NULL, ALTER f TYPE text USING f::text, ADD CONSTRAINT k UNIQUE (a), "
           "DROP CONSTRAINT IF EXISTS z, VALIDATE CONSTRAINT y, ALTER g ADD GENERATED ALWAYS AS "
           "IDENTITY, ALTER h DROP IDENTITY IF EXISTS, OWNER TO joe, SET (fillfactor = 3), "
           "ENABLE TRIGGER ALL",
           "ALTER TABLE t RENAME COLUMN a TO b",
           "ALTER TABLE t RENAME CONSTRAINT a TO b",
           "ALTER VIEW v RENAME TO w",
           "ALTER TABLE t SET SCHEMA s",
           "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'ok' BEFORE 'sad'",
           "ALTER DOMAIN d DROP NOT NULL",
           "COMMENT ON COLUMN t.a IS 'x'",
           "COMMENT ON CONSTRAINT c ON t IS NULL",
           "GRANT SELECT ON t TO joe",
           "CREATE SOURCE s FROM kafka (topic = 'x') FORMAT json",
           "CREATE SINK IF NOT EXISTS s INTO kafka",
       }) {
    round_trip(text);
  }
}

TEST_CASE("statements of sessions survive being printed and parsed again") {
  for (const std::string_view text : {
           "BEGIN",
           "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY, NOT DEFERRABLE",
           "START TRANSACTION READ WRITE",
           "COMMIT AND CHAIN",
           "END WORK",
           "ABORT",
           "ROLLBACK TO s",
           "SAVEPOINT s",
           "RELEASE s",
           "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
           "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
           "SET LOCAL search_path TO public, \"S\", 'x'",
           "SET my.setting = -1.5",
           "SET TIME ZONE 'UTC'",
           "SET datestyle TO DEFAULT",
           "SET CONSTRAINTS ALL DEFERRED",
           "SHOW ALL",
           "SHOW TIME ZONE",
           "SHOW TRANSACTION ISOLATION LEVEL",
           "RESET search_path",
           "DISCARD TEMP",
           "LOCK TABLE a, b IN SHARE ROW EXCLUSIVE MODE NOWAIT",
           "EXPLAIN (ANALYZE, COSTS off, FORMAT json) SELECT 1",
           "EXPLAIN ANALYZE VERBOSE INSERT INTO t VALUES (1)",
           "PREPARE p (int, text) AS SELECT $1, $2",
           "EXECUTE p (1, 'x')",
           "DEALLOCATE ALL",
           "DECLARE c BINARY NO SCROLL CURSOR WITH HOLD FOR SELECT 1",
           "DECLARE c CURSOR FOR SUBSCRIBE v",
           "FETCH ALL FROM c",
           "FETCH c",
           "FETCH PRIOR IN c",
           "FETCH 100 c WITH (TIMEOUT = '1s')",
           "MOVE ABSOLUTE -3 c",
           "CLOSE ALL",
           "VACUUM (FULL, ANALYZE) t",
           "VACUUM FULL VERBOSE t, u",
           "ANALYZE t (a)",
           "CHECKPOINT",
           "REINDEX TABLE t",
           "LISTEN c",
           "UNLISTEN *",
           "NOTIFY c, 'hello'",
           "CALL p(1, a => 2)",
           "SUBSCRIBE TO v AS OF 3 UP TO 9 WITH (SNAPSHOT false, PROGRESS) ENVELOPE UPSERT (KEY "
           "(a))",
           "SUBSCRIBE (SELECT 1) WITHIN TIMESTAMP ORDER BY a",
           "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END",
           "DROP TRIGGER t ON u",
           "DO $$ BEGIN END $$",
       }) {
    round_trip(text);
  }
}

TEST_CASE("operators bind as PostgreSQL's precedence table says") {
  CHECK(canonical("a OR b AND NOT c = d") == "a OR (b AND (NOT (c = d)))");
  CHECK(canonical("a + b * c ^ d ^ e") == "a + (b * (c ^ d ^ e))");
  CHECK(canonical("- a ^ 2") == "(- a) ^ 2");
  CHECK(canonical("-1::int") == "- (1::integer)");
  CHECK(canonical("a || b + c < d") == "(a || (b + c)) < d");
  CHECK(canonical("a = b IS NULL") == "(a = b) IS NULL");
  CHECK(canonical("NOT a IS NULL") == "NOT (a IS NULL)");
  CHECK(canonical("a < b IN (c)") == "a < (b IN (c))");
  CHECK(canonical("a BETWEEN 1 AND 2 AND b") == "(a BETWEEN 1 AND 2) AND b");
  CHECK(canonical("a BETWEEN b + 1 AND c || d OR e") == "(a BETWEEN (b + 1) AND (c || d)) OR e");
  CHECK(canonical("a LIKE b || c ESCAPE '!' AND d") == "(a LIKE (b || c) ESCAPE '!') AND d");
  CHECK(canonical("a AT TIME ZONE b || c") == "(a AT TIME ZONE b) || c");
  CHECK(canonical("a COLLATE \"C\" || b") == "(a COLLATE \"C\") || b");
  CHECK(canonical("a.b.c[1].d::t") == "((a.b.c[1]).d)::t");
  CHECK(canonical("a -> 'b' ->> 'c' = 'd'") == "(a -> 'b' ->> 'c') = 'd'");
  CHECK(canonical("a - b - c") == "a - b - c");
  CHECK(canonical("a - (b - c)") == "a - (b - c)");
  CHECK(canonical("a != b") == "a <> b");
  CHECK(canonical("a=-1") == "a = (- 1)");
  CHECK(canonical("a @-1") == "a @- 1");
  CHECK(canonical("a IS DISTINCT FROM b OR c") == "(a IS DISTINCT FROM b) OR c");
  CHECK(canonical("a = ANY (b) AND c") == "(a = ANY (b)) AND c");
  CHECK(canonical("a < b < c") == "error: syntax error at or near \"<\"");
  CHECK(canonical("a = b = c") == "error: syntax error at or near \"=\"");
}

TEST_CASE("words that PostgreSQL does not reserve stay usable as names") {
  for (const std::string_view text : {
           "SELECT value, key, name, type, year, day, version, timestamp, date, time, text FROM "
           "data",
           "SELECT a value, b key, c AS select, d text FROM action, begin, first",
           "CREATE TABLE index_ (key int, value text, timestamp timestamp, start int, escape int, "
           "filter int, over int, operator int, view text, owner text)",
           "SELECT filter, over, escape, operator, within FROM t over",
           "SELECT left(a, 1), right(b, 2), replace(c, 'a', 'b') FROM t",
           "INSERT INTO sequence (row, values, set) SELECT \"row\" FROM temp",
           "SELECT t.select, t.from, t.end, t.table FROM t",
           "UPDATE set SET set = set.set",
       }) {
    round_trip(text);
  }
  CHECK(refusal("SELECT 1 FROM select") == "42601 15 syntax error at or near \"select\"");
  CHECK(refusal("SELECT a year, b") == "42601 10 syntax error at or near \"year\"");
  CHECK(refusal("CREATE TABLE user (a int)") == "42601 14 syntax error at or near \"user\"");
}

TEST_CASE("errors are worded and placed as PostgreSQL does") {
  CHECK(refusal("SELECT 1 +") == "42601 11 syntax error at end of input");
  CHECK(refusal("SELECT 1 +;") == "42601 11 syntax error at or near \";\"");
  CHECK(refusal("SELEC 1") == "42601 1 syntax error at or near \"SELEC\"");
  CHECK(refusal("SELECT 1; SELEC 2") == "42601 11 syntax error at or near \"SELEC\"");
  CHECK(refusal("SELECT 'é', ) x") == "42601 13 syntax error at or near \")\"");
  CHECK(refusal("SELECT 'abc") == "42601 8 unterminated quoted string at or near \"'abc\"");
  CHECK(refusal("SELECT \"abc") == "42601 8 unterminated quoted identifier at or near \"\"abc\"");
  CHECK(refusal("SELECT \"\"") == "42601 8 zero-length delimited identifier at or near \"\"\"\"");
  CHECK(refusal("SELECT $$abc") ==
        "42601 8 unterminated dollar-quoted string at or near \"$$abc\"");
  CHECK(refusal("SELECT /* x") == "42601 8 unterminated /* comment at or near \"/* x\"");
  CHECK(refusal("SELECT 12ab") == "42601 8 trailing junk after numeric literal at or near \"12a\"");
  CHECK(refusal("SELECT (1") == "42601 10 syntax error at end of input");
  CHECK(refusal("SELECT * FROM t WHERE") == "42601 22 syntax error at end of input");
  CHECK(refusal("INSERT INTO t VALUES (1") == "42601 24 syntax error at end of input");
  CHECK(refusal("CREATE TABLE t (a)") == "42601 18 syntax error at or near \")\"");
  CHECK(refusal("VALUES (1), (2, 3)") == "42601 14 VALUES lists must all be the same length");
  CHECK(refusal("(SELECT 1 LIMIT 1) LIMIT 2").substr(0, 5) == "42601");
  CHECK(refusal("SELECT {") == "42601 8 syntax error at or near \"{\"");
}

TEST_CASE("a text holds any number of statements, each with its own range") {
  const std::string_view text = "; SELECT 1 ;; /* ; */ SELECT ';' -- ;\n; COMMIT;";
  auto statements = parse_sql(text);
  REQUIRE(statements.has_value());
  REQUIRE(statements->size() == 3);
  const auto written = [&](std::size_t i) {
    const Span span = (*statements)[i].span;
    return text.substr(span.begin, span.end - span.begin);
  };
  CHECK(written(0) == "SELECT 1");
  CHECK(written(1) == "SELECT ';'");
  CHECK(written(2) == "COMMIT");
  CHECK(parse_sql("  -- nothing\n ; ")->empty());
  CHECK(only("SELECT $2, $1").parameter_count == 2);
}

TEST_CASE("what Entail has no node for keeps the words that name it") {
  CHECK(only("CREATE OR REPLACE FUNCTION f() RETURNS int AS 'x' LANGUAGE c")
            .as<OtherStatement>()
            ->words == "CREATE FUNCTION");
  CHECK(only("DROP EXTENSION IF EXISTS x").as<OtherStatement>()->words == "DROP EXTENSION");
  CHECK(only("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO x").as<OtherStatement>()->words ==
        "ALTER DEFAULT PRIVILEGES");
  CHECK(only("CREATE TYPE r AS RANGE (subtype = int)").as<OtherStatement>()->words ==
        "CREATE TYPE");
  CHECK(only("REVOKE ALL ON t FROM x").as<Grant>()->revoke);
}

TEST_CASE("long chains and lists are no deeper than short ones") {
  std::string ors = "SELECT 1 FROM t WHERE a = 0";
  for (int i = 1; i < 10000; ++i) ors += " OR a = " + std::to_string(i);
  const Statement chain = only(ors);
  const auto* select = chain.as<SelectStatement>()->query.as<Select>();
  CHECK(select->where->as<Logical>()->operands.size() == 10000);

  std::string unions = "SELECT 0";
  for (int i = 1; i < 3000; ++i) unions += " UNION ALL SELECT " + std::to_string(i);
  const Statement set = only(unions);
  CHECK(set.as<SelectStatement>()->query.as<SetOperation>()->operands.size() == 3000);

  std::string rows = "INSERT INTO t VALUES (0, 'x')";
  for (int i = 1; i < 3000; ++i) rows += ", (" + std::to_string(i) + ", 'x')";
  const Statement insert = only(rows);
  CHECK(insert.as<Insert>()->source->as<Values>()->rows.size() == 3000);
}

TEST_CASE("what nests too deep is refused before it costs a stack") {
  const auto nested = [](std::string_view open, std::string_view inner, std::string_view close,
                         int levels) {
    std::string text = "SELECT ";
    for (int i = 0; i < levels; ++i) text += open;
    text += inner;
    for (int i = 0; i < levels; ++i) text += close;
    return text;
  };
  CHECK(refusal(nested("(", "1", ")", 190)) == "accepted");
  for (const std::string& text :
       {nested("(", "1", ")", 100000), nested("f(", "1", ")", 300),
        nested("(SELECT ", "1", ")", 300), nested("CASE WHEN ", "1", " THEN 1 END", 300),
        nested("ARRAY[", "1", "]", 300), nested("NOT ", "true", "", 5000),
        nested("- ", "1", "", 100000), nested("", "1", "::int", 5000),
        nested("", "1", " + 1", 5000)}) {
    CHECK(refusal(text).substr(0, 5) == "54001");
  }
  CHECK(refusal(nested("(SELECT 1 FROM (SELECT ", "1", ") x)", 95)) == "accepted");
  CHECK(refusal(nested("CASE WHEN a THEN ", "1", " END", 190)) == "accepted");
  std::string joins = "SELECT * FROM t";
  for (int i = 0; i < 300; ++i) joins += " JOIN t";
  CHECK(refusal(joins).substr(0, 5) == "54001");
}

}  // namespace
}  // namespace entail::grammar::sql
