#include "grammar/parser.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "grammar/printer.h"

namespace entail::grammar {
namespace {

class MemoryFiles : public FileReader {
 public:
  explicit MemoryFiles(std::map<std::string, std::string> files = {}) : files_(std::move(files)) {}
  Expected<File> open(const std::string& name, const std::string&) override {
    const auto found = files_.find(name);
    if (found == files_.end()) return unexpected(ErrorCode::kNotFound, "no such file");
    return File{name, found->second};
  }

 private:
  std::map<std::string, std::string> files_;
};

struct Parsed {
  Program program;
  SourceFiles files;
  Diagnostics diagnostics;
  std::string errors() const { return diagnostics.render(files); }
};

Parsed parse(const std::string& text, const ParseOptions& options = {},
             std::map<std::string, std::string> included = {}) {
  Parsed parsed;
  MemoryFiles reader(std::move(included));
  parsed.program = parse_text("t.dl", text, options, reader, parsed.files, parsed.diagnostics);
  return parsed;
}

std::string printed(const std::string& text) {
  const Parsed parsed = parse(text);
  INFO(text << "\n" << parsed.errors());
  CHECK_FALSE(parsed.diagnostics.has_errors());
  return print(parsed.program);
}

void check_round_trip(const std::string& text) {
  const Parsed first = parse(text);
  INFO(text << "\n" << first.errors());
  REQUIRE_FALSE(first.diagnostics.has_errors());
  const std::string shown = print(first.program);
  const Parsed second = parse(shown);
  INFO(shown << "\n" << second.errors());
  REQUIRE_FALSE(second.diagnostics.has_errors());
  CHECK(second.program == first.program);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> test_programs() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator("grammar/testdata")) {
    if (entry.path().extension() == ".dl") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  REQUIRE(paths.size() >= 8);
  return paths;
}

}  // namespace

TEST_CASE("the programs of the language page parse, and print as what parses to the same tree") {
  for (const auto& path : test_programs()) {
    INFO(path);
    check_round_trip(read_file(path));
  }
}

TEST_CASE("a word that Souffle does not reserve is a name wherever a name stands") {
  const std::vector<std::string> words = {
      "not",    "exists",   "forall",  "group", "sequence", "last",    "if",     "then",
      "else",   "in",       "is",      "over",  "by",       "within",  "until",  "next",
      "skip",   "before",   "during",  "final", "module",   "import",  "type",   "enum",
      "stream", "event",    "rule",    "query", "view",     "table",   "test",   "function",
      "where",  "key",      "index",   "from",  "to",       "time",    "when",   "end",
      "insert", "emit",     "select",  "order", "limit",    "given",   "expect", "fired",
      "null",   "events",   "current", "at",    "log",      "for",     "let",    "matches",
      "policy", "relation", "decl",    "input", "plan",     "default", "unique"};
  for (const std::string& w : words) {
    const std::string text = ".decl " + w + "(" + w + ": number)\n.input " + w + "\n" + w +
                             "(1).\n" + w + "(" + w + ") :- " + w + "(" + w + "), !" + w + "(" + w +
                             " + 1), " + w + " = 3 ; " + w + "(_), x = " + w + ", " + w +
                             " > count : { " + w + "(" + w + ") }.\n.output " + w + "\n";
    const Parsed parsed = parse(text);
    INFO(text << parsed.errors());
    REQUIRE_FALSE(parsed.diagnostics.has_errors());
    REQUIRE(parsed.program.items.size() == 5);
    const auto* clause = parsed.program.items[3].as<Clause>();
    REQUIRE(clause != nullptr);
    const auto* disjunction = clause->body->as<Disjunction>();
    REQUIRE(disjunction != nullptr);
    const auto* atom = disjunction->parts[0].as<Conjunction>()->parts[0].as<Atom>();
    REQUIRE(atom != nullptr);
    CHECK(atom->relation.text == w);
    check_round_trip(text);
  }
}

TEST_CASE("operators bind as they do in Souffle") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"1 + 2 * 3", "1 + 2 * 3"},
      {"(1 + 2) * 3", "(1 + 2) * 3"},
      {"a - b - c", "a - b - c"},
      {"a - (b - c)", "a - (b - c)"},
      {"2 ^ 3 ^ 2", "2 ^ 3 ^ 2"},
      {"(2 ^ 3) ^ 2", "(2 ^ 3) ^ 2"},
      {"-x ^ 2", "-x ^ 2"},
      {"(-x) ^ 2", "(-x) ^ 2"},
      {"-(x * y)", "-(x * y)"},
      {"-5", "-5"},
      {"-(-5)", "-(-5)"},
      {"x ^ -y", "x ^ -y"},
      {"a lor b land c", "a lor b land c"},
      {"(a lor b) land c", "(a lor b) land c"},
      {"a bor b bxor c band d", "a bor b bxor c band d"},
      {"bnot a bshl 1", "bnot a bshl 1"},
      {"bnot (a bshl 1)", "bnot (a bshl 1)"},
      {"10_000u", "10000u"},
      {"0x1F + 0b101", "0x1F + 0b101"},
      {"if a > 1 then 2 else 3", "if a > 1 then 2 else 3"},
      {"sum y : { q(y) } + 1", "sum y : { q(y) } + 1"},
      {"max(1, 2) + min a + 1 : q(a)", "max(1, 2) + min (a + 1) : { q(a) }"},
      {"as([1, nil], t)", "as([1, nil], t)"},
      {"@f($, _, $A, $B(1))", "@f(autoinc(), _, $A(), $B(1))"},
      {"@@u 0 : y, { q(y) }", "@@u 0 : y, { q(y) }"},
      {"s.ts - 10m", "s.ts - 10m"},
  };
  for (const auto& [text, expected] : cases) {
    const std::string shown = printed("p(x) :- x = " + text + ".");
    CHECK(shown == "p(x) :-\n  x = " + expected + ".\n");
    check_round_trip("p(x) :- x = " + text + ".");
  }
}

TEST_CASE("facts of constants are collected, and their spans point at them") {
  const Parsed parsed =
      parse("e(1, \"a\\n\").e(-2,\"b\"). // c\nf(). f().\ng(1) :- f().\ne(x,1.5).");
  REQUIRE_FALSE(parsed.diagnostics.has_errors());
  REQUIRE(parsed.program.items.size() == 4);
  const auto* facts = parsed.program.items[0].as<Facts>();
  REQUIRE(facts != nullptr);
  CHECK(facts->count() == 2);
  CHECK(facts->arity == 2);
  CHECK(facts->constants[1].text == "a\n");
  CHECK(facts->constants[2].text == "-2");
  CHECK(parsed.files.text_of(facts->constants[2].span) == "-2");
  CHECK(parsed.files.text_of(facts->spans[1]) == "e(-2,\"b\").");
  CHECK(parsed.program.items[1].as<Facts>()->count() == 2);
  CHECK(parsed.program.items[2].as<Clause>() != nullptr);
  CHECK(parsed.program.items[3].as<Clause>() != nullptr);
}

TEST_CASE("a fact read by hand is the fact that ANTLR reads") {
  std::mt19937 random(7);  // NOLINT: the same facts in every run.
  const std::vector<std::string> constants = {
      "1",       "-1",          "0x1f", "0b10u", "7u",       "1.5",  "-2.5e3",
      "\"s\"",   "\"\\t\\\"\"", "nil",  "10m",   "10.0.0.1", "true", "2026-01-01T10:00:00Z",
      "x",       "1 + 2",       "[1]",  "- 3",   "-nil",     "$A",   "_",
      "\"\\q\"", "-7u"};
  const std::vector<std::string> names = {"a", "b.c", "`odd one`", "not", "rule", "e"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int fact = 0; fact < 4; ++fact) {
      text += names[random() % names.size()] + "(";
      const std::size_t arity = random() % 4;
      for (std::size_t i = 0; i < arity; ++i) {
        text += (i > 0 ? "," : "") + constants[random() % constants.size()];
      }
      text += random() % 20 == 0 ? ",)." : ").";
    }
    ParseOptions slow;
    slow.fact_fast_path = false;
    const Parsed by_hand = parse(text);
    const Parsed by_antlr = parse(text, slow);
    INFO(text << "\n" << by_hand.errors() << "\n" << by_antlr.errors());
    REQUIRE(by_hand.program == by_antlr.program);
    REQUIRE(by_hand.errors() == by_antlr.errors());
  }
}

TEST_CASE("after a mistake the next items are read") {
  const Parsed parsed = parse(
      "a(1).\nb(x) :- c(x.\nd(2).\n.decl e(x number)\nf(3).\ng(x) :- h(x)\ni(x) :- j(x).\nk(4).\n");
  CHECK(parsed.diagnostics.error_count() == 3);
  std::string kept;
  for (const Item& item : parsed.program.items) kept += print(item) + " ";
  CHECK(kept == "a(1). d(2). f(3). i(x) :-\n  j(x). k(4). ");
}

TEST_CASE("spans count bytes, columns count characters, and invalid UTF-8 is text like any other") {
  const Parsed parsed = parse("p(\"\xc3\xa9\xff\", x) :- q(x), )");
  REQUIRE(parsed.diagnostics.error_count() == 1);
  const SourcePlace place = parsed.files.locate(parsed.diagnostics.sorted().front().span);
  CHECK(place.line == 1);
  CHECK(place.column == 21);
}

TEST_CASE("a program of a few rules is read with a handful of ANTLR's work") {
  // Every decision of the grammar is LL(1): the generated parser has no call of the predictor.
  const std::string build = [] {
    const char* value = std::getenv("ENTAIL_BUILD_DIR");
    return std::string(value == nullptr ? "" : value);
  }();
  if (build.empty()) return;
  const std::string generated = read_file(build + "/antlr/datalog/DatalogParser.cpp");
  REQUIRE(generated.size() > 100'000);
  CHECK(generated.find("adaptivePredict") == std::string::npos);
}

TEST_CASE("no text crashes the parser") {
  const std::vector<std::string> alphabet = {"a",       "b",
                                             "(",       ")",
                                             "{",       "}",
                                             "[",       "]",
                                             ".",       ",",
                                             ";",       ":-",
                                             ":",       "=",
                                             "<",       "!",
                                             "-",       "^",
                                             "1",       "\"",
                                             "\"x\"",   "_",
                                             "$",       "@",
                                             "|",       "..",
                                             "->",      "=>",
                                             "not",     "if",
                                             "then",    "else",
                                             "sum",     "count",
                                             "exists",  "group",
                                             " ",       "\n",
                                             "/*",      "*/",
                                             "//",      ".decl ",
                                             ".comp ",  ".type ",
                                             ".plan ",  "rule ",
                                             "when ",   "end",
                                             "test ",   "given ",
                                             "expect ", "relation ",
                                             "final ",  "sequence",
                                             "last ",   "over ",
                                             "as ",     "#define A B\n",
                                             "#if 1\n", "#endif\n",
                                             "\xff",    "\\",
                                             "`",       "$$",
                                             "@[",      "in ",
                                             "is null", "10m",
                                             "by "};
  std::mt19937 random(11);  // NOLINT: a failing text must fail again.
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    const std::size_t size = 1 + random() % 24;
    for (std::size_t i = 0; i < size; ++i) text += alphabet[random() % alphabet.size()];
    INFO(text);
    const Parsed parsed = parse(text);
    if (!parsed.diagnostics.has_errors()) check_round_trip(print(parsed.program));
  }
}

}  // namespace entail::grammar
