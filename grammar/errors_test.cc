// What mistakes look like to the author of a program: the whole text of the message, for each kind.

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "grammar/parser.h"

namespace entail::grammar {
namespace {

std::string rendered(const std::string& text) {
  NoFiles reader;
  SourceFiles files;
  Diagnostics diagnostics;
  parse_text("t.dl", text, {}, reader, files, diagnostics);
  return diagnostics.render(files);
}

std::string first_line(const std::string& text) {
  const std::string all = rendered(text);
  return all.substr(0, all.find('\n'));
}

}  // namespace

TEST_CASE("a message names the place, the token and what would fit, and shows the line") {
  CHECK(rendered("a(1).\nfee(o, f, ) :- order(o).\n") ==
        "t.dl:2:11: error: unexpected ')'; expected an expression\n"
        "  fee(o, f, ) :- order(o).\n"
        "            ^\n");
  CHECK(rendered("rule r salient 10 when a(x) then halt; end") ==
        "t.dl:1:8: error: unexpected 'salient'; expected an option of the rule or 'when'\n"
        "  rule r salient 10 when a(x) then halt; end\n"
        "         ^\n"
        "  Help: Did you mean 'salience'?\n");
  CHECK(rendered("a(\"x\\q\").") ==
        "t.dl:1:5: error: unknown escape '\\q' in a string\n"
        "  a(\"x\\q\").\n"
        "      ^\n"
        "  Help: A backslash itself is written '\\\\'.\n");
}

TEST_CASE("each kind of mistake has its words") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a(x) :- b(x", "1:12: error: unexpected end of the program; expected ')' or ','"},
      {"a(x) :- .", "1:9: error: unexpected '.'; expected a condition"},
      {"a(x) :- b(x)\n.decl c()", "2:1: error: unexpected '.decl'; expected ',', '.' or ';'"},
      {"a(x) :- x.",
       "1:9: error: 'x' alone is no condition; expected '(', '{' or a comparison behind it"},
      {"a(x) :- x + 1.",
       "1:9: error: an expression alone is no condition; expected a comparison, as in 'x > 1'"},
      {"a(x) :- x = b{y}.", "1:13: error: 'b{…}' is a condition and has no value here"},
      {"a(x) :- x = 3 4.", "1:15: error: unexpected '4'; expected ',', '.' or ';'"},
      {"a", "1:2: error: unexpected end of the program; expected '(' or '{'"},
      {".decl a(x:number) inlien", "1:19: error: unknown relation qualifier 'inlien'"},
      {".decl a(x number)", "1:11: error: unexpected 'number'; expected ':'"},
      {".inptu a", "1:1: error: unknown directive '.inptu'"},
      {"}", "1:1: error: unexpected '}'; no component is open"},
      {".comp A { a(1).", "1:1: error: component 'A' is never closed"},
      {".plan 0: (1)", "1:1: error: a '.plan' stands behind the clause it is for"},
      {".override a", "1:1: error: '.override' stands in a component"},
      {"a(12x).", "1:3: error: malformed number '12x'"},
      {"a(\"x).", "1:3: error: this string is never closed"},
      {"/* a", "1:1: error: this comment is never closed"},
      {"a(\xc3\xa9).", "1:3: error: unexpected character '\xc3\xa9'"},
      {"@[x] ", "1:1: error: this annotation belongs to nothing"},
      {"relation R(a: int64", "1:20: error: unexpected end of the program; expected ')' or ','"},
      {"relation R(a: int64) late never;", "1:27: error: unknown policy for late rows 'never'"},
      {"table t(a: x) -> (b: y) policy frist { 1 => 2; }",
       "1:32: error: unknown table policy 'frist'"},
      {"rule r when a(x) then insrt b(x); end",
       "1:23: error: unexpected 'insrt'; expected an action (insert, derive, modify, emit, …)"},
      {"a(x) :- x = count y : { b(y) }.",
       "1:13: error: 'count' counts what its body matches and takes no expression"},
      {".type T = A | B { x: number }",
       "1:15: error: a union of types and a branch with fields do not mix"},
      {"a(x) <= a(y).", "1:13: error: unexpected '.'; expected ':-'"},
      {"y(x) :- x = z.r(x).", "1:14: warning: this dot ends the clause, and a fact follows"},
  };
  for (const auto& [text, message] : cases) {
    INFO(text);
    CHECK(first_line(text) == "t.dl:" + message);
  }
}

TEST_CASE("diagnostics come in source order, once each, with their notes behind them") {
  SourceFiles files;
  const FileId file = files.add("t", "abc\ndef\n");
  Diagnostics diagnostics;
  diagnostics.error({file, 4, 5}, "second");
  diagnostics.note({file, 0, 1}, "explained");
  diagnostics.error({file, 0, 1}, "first");
  diagnostics.error({file, 4, 5}, "second");
  diagnostics.warning({}, "of the whole");
  CHECK(diagnostics.error_count() == 3);
  CHECK(diagnostics.render(files) ==
        "t:1:1: error: first\n  abc\n  ^\n"
        "t:2:1: error: second\n  def\n  ^\n"
        "t:1:1: note: explained\n  abc\n  ^\n"
        "warning: of the whole\n");
  for (std::size_t i = 0; i < 2 * Diagnostics::kErrorsMax; ++i)
    diagnostics.error({file, 0, 1}, std::to_string(i));
  CHECK(diagnostics.full());
  CHECK(diagnostics.render(files).find("too many errors") != std::string::npos);
}

TEST_CASE("the nearest name is offered, and a far one is not") {
  const std::vector<std::string> known = {"edge", "path", "customer"};
  CHECK(nearest_name("egde", known) == "edge");
  CHECK(nearest_name("custmer", known) == "customer");
  CHECK(nearest_name("zebra", known).empty());
  CHECK(nearest_name("", known).empty());
}

}  // namespace entail::grammar
