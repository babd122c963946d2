#include "server/cli/sql_script.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace entail::cli {
namespace {

std::vector<std::string> statements_of(std::string_view text, std::size_t piece) {
  SqlScript script;
  std::vector<std::string> statements;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    script.add(text.substr(at, piece));
    while (auto statement = script.next()) statements.push_back(*statement);
  }
  if (auto rest = script.rest()) statements.push_back(*rest);
  return statements;
}

TEST_CASE("a statement ends at a semicolon that is not inside of something") {
  struct Case {
    std::string_view text;
    std::vector<std::string> statements;
  };
  const Case cases[] = {
      {"SELECT 1;SELECT 2;", {"SELECT 1;", "SELECT 2;"}},
      {"SELECT 1; SELECT 2", {"SELECT 1;", " SELECT 2"}},
      {"SELECT ';', \"a;b\";", {"SELECT ';', \"a;b\";"}},
      {"SELECT 'it''s; fine';", {"SELECT 'it''s; fine';"}},
      {"SELECT E'\\'; ';SELECT 2;", {"SELECT E'\\'; ';", "SELECT 2;"}},
      {"SELECT 'a\\';SELECT 2;",
       {"SELECT 'a\\';", "SELECT 2;"}},  // Without E a backslash is itself.
      {"SELECT $$;$$, $a$ $$; $a$;", {"SELECT $$;$$, $a$ $$; $a$;"}},
      {"SELECT $1;", {"SELECT $1;"}},
      {"SELECT 1 -- ; no\n;", {"SELECT 1 -- ; no\n;"}},
      {"SELECT /* ; /* ; */ ; */ 1;", {"SELECT /* ; /* ; */ ; */ 1;"}},
      {"CREATE RULE r AS DO (SELECT 1; SELECT 2);", {"CREATE RULE r AS DO (SELECT 1; SELECT 2);"}},
      {";; ;", {}},
      {"  -- only a comment\n", {}},
      {"SELECT 'never closed;", {"SELECT 'never closed;"}},
  };
  for (const Case& one : cases) {
    for (const std::size_t piece : {1, 2, 7, 1000}) {
      CHECK(statements_of(one.text, piece) == one.statements);
    }
  }
}

TEST_CASE("the lines behind a COPY are its data") {
  SqlScript script;
  script.add("COPY t FROM STDIN;\n1\ta;b\n2\t'\n\\.\nSELECT 1;");
  CHECK(script.next() == "COPY t FROM STDIN;");
  script.skip_line();
  CHECK(script.next_line() == "1\ta;b\n");
  CHECK(script.next_line() == "2\t'\n");
  CHECK(script.next_line() == "\\.\n");
  CHECK(script.next() == "SELECT 1;");
}

}  // namespace
}  // namespace entail::cli
