// Every limit of the parser: a program just inside it, and one that is refused, quickly.

#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "grammar/parser.h"

namespace entail::grammar {
namespace {

// The first error, and that refusing took no longer than it may.
std::string first_error(const std::string& text, const ParseOptions& options = {}) {
  NoFiles reader;
  SourceFiles files;
  Diagnostics diagnostics;
  const auto start = std::chrono::steady_clock::now();
  parse_text("t.dl", text, options, reader, files, diagnostics);
  const auto spent = std::chrono::steady_clock::now() - start;
  CHECK(spent < std::chrono::seconds(30));  // Five in a release build on an idle machine.
  return diagnostics.empty() ? "" : diagnostics.sorted().front().message;
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

bool says(const std::string& message, const std::string& part) {
  INFO(message);
  const bool found = message.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

constexpr std::size_t kBig = 4'000'000;

}  // namespace

TEST_CASE("nesting inside the limit is read, and beyond it refused") {
  const auto nested = [](const std::string& open, const std::string& inner,
                         const std::string& close, std::size_t depth) {
    return "p(x) :- x = " + repeated(open, depth) + inner + repeated(close, depth) + ".";
  };
  CHECK(first_error(nested("(", "1", ")", 190)).empty());
  CHECK(first_error(nested("f(", "1", ")", 190)).empty());
  CHECK(first_error(nested("[", "1", "]", 190)).empty());
  CHECK(first_error(nested("sum y : { y = ", "1", " }", 150)).empty());
  CHECK(first_error("p(x) :- " + repeated("(", 190) + "q(x)" + repeated(")", 190) + ".").empty());
  CHECK(first_error("p(x) :- " + repeated("!", 190) + "q(x).").empty());
  CHECK(first_error("p(x) :- x = " + repeated("1 + ", 3000) + "1.").empty());
  says(first_error(nested("(", "1", ")", 300)), "nested too deep");
  says(first_error(nested("f(", "1", ")", 300)), "nested too deep");
  says(first_error("p(x) :- " + repeated("!", 300) + "q(x)."), "nested too deep");
  says(first_error("p(x) :- " + repeated("not ", 300) + "q(x)."), "nested too deep");
  says(first_error("p(x) :- x = " + repeated("1 ^ ", 300) + "1."), "nested too deep");
  says(first_error("p(x) :- x = " + repeated("- ", 300) + "1."), "nested too deep");
  says(first_error("p(x) :- x = " + repeated("sum ", 300) + "1 : q(x)."), "nested too deep");
  says(first_error("p(x) :- x = " + repeated("if a = 1 then 1 else ", 300) + "1."),
       "nested too deep");
  says(first_error(repeated(".comp A {\n", 300)), "nested too deep");
  says(first_error("p(x) :- x = " + repeated("1 + ", 5000) + "1."), "too many operators");
}

TEST_CASE("a text that is too large is refused before it is read") {
  ParseOptions options;
  options.program_limit = 100;
  CHECK(first_error(repeated("a(1).\n", 16), options).empty());
  says(first_error(repeated("a(1).\n", 17), options), "larger than 100 bytes");
  says(first_error("#define A " + repeated("b", 40) + "\nx(A, A, A).", options), "larger than 100");
}

TEST_CASE("garbage is refused quickly, whatever its shape") {
  says(first_error(std::string(kBig, '(')), "nested too deep");
  says(first_error("p(x) :- " + std::string(kBig, '(')), "nested too deep");
  says(first_error(std::string(kBig, '\0')), "unexpected character");
  says(first_error(std::string(kBig, '\xff')), "unexpected character");
  says(first_error("/*" + std::string(kBig, 'a')), "never closed");
  says(first_error("a(\"" + std::string(kBig, 'a')), "never closed");
  says(first_error(repeated("@[", kBig / 2)), "never closed");
  says(first_error("p(x) :- " + repeated("q(x), ", kBig / 6) + "r(x)."), "too long");
  says(first_error(repeated("a ", kBig / 2)), "too long");
  says(first_error(repeated("\"\n", kBig / 2)), "too long");
  says(first_error(repeated(".decl ", kBig / 6)), "expected a name");
  says(first_error(repeated("rule a when ", kBig / 12)), "too long");
  says(first_error("#if " + std::string(kBig, '(')), "nested too deep");
  says(first_error(repeated("#if 1\n", kBig / 6)), "#if nested too deep");
}

TEST_CASE("macros that double themselves without end are stopped") {
  std::string text;
  for (char c = 'A'; c < 'Z'; ++c) {
    text += std::string("#define ") + c + " " + static_cast<char>(c + 1) + " " +
            static_cast<char>(c + 1) + "\n";
  }
  says(first_error(text + "#define Z\nA"), "expands without end");
}

}  // namespace entail::grammar
