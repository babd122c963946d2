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

TEST_CASE("names that mean nothing are told with PostgreSQL's words and their place") {
  Fixture f;
  CHECK(f.error("SELECT * FROM nope") == "42P01 relation \"nope\" does not exist @15");
  CHECK(f.error("SELECT x FROM t") == "42703 column \"x\" does not exist @8");
  CHECK(f.error("SELECT t.x FROM t") == "42703 column t.x does not exist @8");
  CHECK(f.error("SELECT v.x FROM t") == "42P01 missing FROM-clause entry for table \"v\" @8");
  CHECK(f.error("SELECT a FROM t, u") == "42702 column reference \"a\" is ambiguous @8");
  CHECK(f.error("SELECT 1 FROM t, t") == "42712 table name \"t\" specified more than once @18");
  CHECK(f.error("SELECT foo(1)").substr(0, 46) == "42883 function foo(integer) does not exist @8");
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
