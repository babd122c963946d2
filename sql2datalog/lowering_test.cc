// Statements and the rules they become; mistakes and what is said of them.

#include <catch2/catch.hpp>
#include <cctype>
#include <string>

#include "datalog/program_printer.h"
#include "datalog/verify.h"
#include "grammar/sql_parser.h"
#include "sql2datalog/internal/test_catalog.h"
#include "sql2datalog/lower_statement.h"

namespace entail::sql2datalog {
namespace {

namespace ast = grammar::sql;

class Fixture {
 public:
  Fixture() {
    catalog.table("t", "a int PRIMARY KEY, b text, c int NOT NULL, d numeric(8,2)");
    catalog.table("u", "a int, k int NOT NULL, w text");
  }

  Expected<LoweredQuery> lower(const std::string& text) {
    auto parsed = ast::parse_sql(text);
    REQUIRE(parsed.has_value());
    statement = std::move(parsed->front());
    LoweringContext context;
    context.catalog = &catalog;
    context.text = text;
    if (const auto* select = statement.as<ast::SelectStatement>()) {
      return lower_query(select->query, context);
    }
    if (const auto* insert = statement.as<ast::Insert>()) {
      auto lowered = lower_insert(*insert, context);
      if (!lowered) return unexpected(lowered.error());
      return std::move(lowered->source);
    }
    if (const auto* update = statement.as<ast::Update>()) {
      auto lowered = lower_update(*update, context);
      if (!lowered) return unexpected(lowered.error());
      return std::move(lowered->source);
    }
    auto lowered = lower_delete(*statement.as<ast::Delete>(), context);
    if (!lowered) return unexpected(lowered.error());
    return std::move(lowered->source);
  }

  // The rules, one a line.
  std::string rules(const std::string& text) {
    auto query = lower(text);
    if (!query) return std::string(query.error().sqlstate()) + " " + query.error().message;
    const datalog::RuleProgram& program = query->program.program;
    const auto sound = datalog::verify_rule_program(program);
    INFO(text);
    if (!sound) return "unsound: " + sound.error().message;
    std::string printed;
    for (const datalog::Rule& rule : program.rules) {
      printed += datalog::print_rule(program, rule) + "\n";
    }
    return printed;
  }

  std::string error(const std::string& text) {
    auto query = lower(text);
    if (query) return "no error";
    std::string said = std::string(query.error().sqlstate()) + " " + query.error().message;
    if (query.error().sql->position != 0) {
      said += " @" + std::to_string(query.error().sql->position);
    }
    return said;
  }

  internal::TestCatalog catalog;
  ast::Statement statement;
};

}  // namespace

TEST_CASE("a block is one rule, with its subqueries and views in it") {
  Fixture f;
  CHECK(f.rules("SELECT b FROM t WHERE a = 5") == "_answer(b) :- t(a, b, _, _), a := 5.\n");
  CHECK(f.rules("SELECT x.b FROM (SELECT b, c FROM t WHERE c > 1) AS x WHERE x.c < 9") ==
        "_answer(b) :- t(_, b, c, _), c > 1, c < 9.\n");
}

TEST_CASE("a key that can fail is computed once for its row, behind the row's own tests") {
  Fixture f;
  CHECK(
      f.rules("SELECT t.b FROM t, u WHERE t.c = u.k + 1 AND t.c < 9 AND u.k > 2") ==
      "_answer(b) :- k > 2, _value := add(k, 1), t(_, b, c, _), u(_, k, _), c := _value, c < 9.\n");
  CHECK(f.rules("SELECT a FROM t WHERE c = a + 1") ==
        "_answer(a) :- t(a, _, c, _), c = add(a, 1).\n");
}

TEST_CASE("an outer join is the inner rule and a rule for what has no partner") {
  Fixture f;
  CHECK(f.rules("SELECT t.b, u.w FROM t LEFT JOIN u ON t.a = u.k") ==
        "_join0(b, w) :- t(a, b, _, _), u(_, a, w).\n"
        "_join0(b, null) :- t(a, b, _, _), not { u(_, a, _) }.\n"
        "_answer(b, w) :- _join0(b, w).\n");
}

TEST_CASE("groups are a relation, and so are windows") {
  Fixture f;
  CHECK(f.rules("SELECT c, count(*) FROM t GROUP BY c HAVING count(*) > 1") ==
        "_group0(c, count) :- group { t(_, _, c#2, _) } by (c = c#2) => { count = count() }.\n"
        "_answer(c, count) :- _group0(c, count), count > 1.\n");
  CHECK(f.rules("SELECT b, row_number() OVER (PARTITION BY c ORDER BY a) FROM t") ==
        "_window0(b, row_number) :- rank { t(a, b, c, _) } by (c) order (a) => { row_number = "
        "row_number() }.\n"
        "_answer(b, row_number) :- _window0(b, row_number).\n");
}

TEST_CASE("subqueries in conditions and values stand in the rule") {
  Fixture f;
  CHECK(f.rules("SELECT b FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.a)") ==
        "_answer(b) :- t(a, b, _, _), exists { u(_, a, _) }.\n");
  CHECK(f.rules("SELECT b FROM t WHERE a NOT IN (SELECT k FROM u)") ==
        "_answer(b) :- t(a, b, _, _), not { u(_, a, _) }.\n");
  CHECK(f.rules("SELECT b, (SELECT count(*) FROM u WHERE u.k < t.c) FROM t") ==
        "_answer(b, count) :- t(_, b, c, _), count = count() : { u(_, k, _), k < c }.\n");
}

TEST_CASE("what must become a relation for each outer row has a domain") {
  Fixture f;
  CHECK(f.rules("SELECT t.b, l.w FROM t, LATERAL (SELECT w FROM u WHERE u.k = t.a "
                "ORDER BY w LIMIT 1) AS l") ==
        "_domain0(a) :- t(a, _, _, _).\n"
        "_limit1(k, w) :- rank { _domain0(k), u(_, k, w) } by (k) order (w) limit 1.\n"
        "_answer(b, w) :- t(a, b, _, _), _limit1(a, w).\n");
}

TEST_CASE("set operations with ALL go by counts, recursion is a recursive set") {
  Fixture f;
  CHECK(f.rules("SELECT c FROM t EXCEPT ALL SELECT k FROM u") ==
        "_left2(c, n) :- group { t(_, _, c#2, _) } by (c = c#2) => { n = count() }.\n"
        "_right3(k, n) :- group { u(_, k#2, _) } by (k = k#2) => { n = count() }.\n"
        "_except4(c) :- _left2(c, n), _right3(c, m), i in range(0, n - m, 1).\n"
        "_except4(c) :- _left2(c, n), not { _right3(c, _) }, i in range(0, n, 1).\n"
        "_answer(c) :- _except4(c).\n");
  CHECK(f.rules("WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT n + 1 FROM r WHERE n < 9) "
                "SELECT n FROM r") ==
        "_recursive0(1).\n"
        "_recursive0(add(n, 1)) :- _recursive0(n), n < 9.\n"
        "_answer(n) :- _recursive0(n).\n");
}

TEST_CASE("names that mean nothing are told with PostgreSQL's words and their place") {
  Fixture f;
  CHECK(f.error("SELECT * FROM nope") == "42P01 relation \"nope\" does not exist @15");
  CHECK(f.error("SELECT x FROM t") == "42703 column \"x\" does not exist @8");
  CHECK(f.error("SELECT t.x FROM t") == "42703 column t.x does not exist @8");
  CHECK(f.error("SELECT v.x FROM t") == "42P01 missing FROM-clause entry for table \"v\" @8");
  CHECK(f.error("SELECT a FROM t, u") == "42702 column reference \"a\" is ambiguous @8");
  CHECK(f.error("SELECT 1 FROM t, t") == "42712 table name \"t\" specified more than once @18");
  CHECK(f.error("SELECT foo(1)").substr(0, 46) == "42883 function foo(integer) does not exist @8");
  CHECK(f.error("SELECT sum(*) FROM t") == "42883 function sum() does not exist @8");
  CHECK(f.error("SELECT row_number(1) OVER ()") ==
        "42883 function row_number(integer) does not exist @8");
}

TEST_CASE("types that do not fit are told with PostgreSQL's words") {
  Fixture f;
  CHECK(f.error("SELECT a + b FROM t") == "42883 operator does not exist: integer + text @10");
  CHECK(f.error("SELECT a FROM t WHERE b") ==
        "42804 argument of WHERE must be type boolean, not type text @23");
  CHECK(f.error("SELECT 'x'::int") == "22P02 invalid input syntax for type integer: \"x\" @8");
  CHECK(f.error("SELECT a FROM t UNION SELECT b FROM t") ==
        "42804 UNION types integer and text cannot be matched @17");
  CHECK(f.error("UPDATE t SET c = DATE '2026-01-01'") ==
        "42804 column \"c\" is of type integer but expression is of type date @18");
}

TEST_CASE("grouping, sorting and aggregates are checked as PostgreSQL does") {
  Fixture f;
  CHECK(f.error("SELECT c, count(*) FROM t") ==
        "42803 column \"t.c\" must appear in the GROUP BY clause or be used in an aggregate "
        "function @8");
  CHECK(f.error("SELECT sum(sum(a)) FROM t") ==
        "42803 aggregate function calls cannot be nested @12");
  CHECK(f.error("SELECT 1 FROM t WHERE count(*) > 1") ==
        "42803 aggregate functions are not allowed in WHERE @23");
  CHECK(f.error("SELECT a FROM t ORDER BY 3") ==
        "42P10 ORDER BY position 3 is not in select list @26");
  CHECK(f.error("SELECT DISTINCT a FROM t ORDER BY c") ==
        "42P10 for SELECT DISTINCT, ORDER BY expressions must appear in select list @35");
}

TEST_CASE("changes name the columns that are not there") {
  Fixture f;
  CHECK(f.error("INSERT INTO t (a, a) VALUES (1, 2)") ==
        "42701 column \"a\" specified more than once @19");
  CHECK(f.error("INSERT INTO t (zz) VALUES (1)") ==
        "42703 column \"zz\" of relation \"t\" does not exist @16");
  CHECK(f.error("INSERT INTO t (a) VALUES (1, 2)") ==
        "42601 INSERT has more expressions than target columns @30");
}

TEST_CASE("what is not lowered is refused by name") {
  Fixture f;
  CHECK(f.error("SELECT random() FROM t").substr(0, 5) == "0A000");
  CHECK(f.error("SELECT * FROM t TABLESAMPLE system (1)").substr(0, 5) == "0A000");
}

}  // namespace entail::sql2datalog
