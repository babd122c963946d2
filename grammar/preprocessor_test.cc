#include "grammar/preprocessor.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "grammar/internal/condition.h"

namespace entail::grammar {
namespace {

class MemoryFiles : public FileReader {
 public:
  explicit MemoryFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {}
  Expected<File> open(const std::string& name, const std::string&) override {
    const auto found = files_.find(name);
    if (found == files_.end()) return unexpected(ErrorCode::kNotFound, "no such file");
    return File{name, found->second};
  }

 private:
  std::map<std::string, std::string> files_;
};

struct Result {
  SourceFiles files;
  Diagnostics diagnostics;
  PreprocessedText text;
};

void run(Result& result, const std::string& text,
         std::map<std::string, std::string> included = {}) {
  MemoryFiles reader(std::move(included));
  const FileId file = result.files.add("t.dl", text);
  preprocess(file, {}, reader, result.files, result.diagnostics, result.text);
}

std::string output(const std::string& text, std::map<std::string, std::string> included = {}) {
  Result result;
  run(result, text, std::move(included));
  if (result.diagnostics.has_errors()) return result.diagnostics.sorted().front().message;
  return std::string(result.text.text());
}

}  // namespace

TEST_CASE("macros, conditions and includes give what a C preprocessor gives") {
  CHECK(output("a(1).") == "a(1).");
  CHECK(output("#define N 3\na(N, NN).") == "\na(3, NN).");
  CHECK(output("#define F(a, b) a+b\nx(F(1, (2,3))).") == "\nx(1+(2,3)).");
  CHECK(output("#define S(a) #a\nx(S(b \"c\")).") == "\nx(\"b \\\"c\\\"\").");
  CHECK(output("#define P(a) in##_##a x_##a\nP(b)") == "\nin_b x_b");
  CHECK(output("#define A B\n#define B A\nA") == "\n\nA");
  CHECK(output("#define F(a) [a]\n#define N 1\nF(N) F (2) F") == "\n\n[1] [2] F");
  CHECK(output("#define L a \\\n b\nL") == "\na \n b");
  CHECK(output("#define N 3\n\"N\" /* N */ // N") == "\n\"N\" /* N */ // N");
  CHECK(output("#define N 3\n#undef N\nN") == "\n\nN");
  CHECK(output("#if 0\nA\n#elif 1\nB\n#else\nC\n#endif\nD") == "\nB\n\nD");
  CHECK(output("#define X\n#ifdef X\nA\n#else\nB\n#endif") == "\n\nA\n");
  CHECK(output("#ifndef X\nA\n#endif") == "\nA\n");
  CHECK(output("#if defined(X) || !defined Y\nA\n#endif") == "\nA\n");
  CHECK(output("#if 0\n#if 1\nA\n#endif\n#else\nB\n#endif") == "\nB\n");
  CHECK(output(".include \"b\"\nc", {{"b", "B"}}) == "B\n\nc");
  CHECK(output("#include \"b\"\n#include <b>\n", {{"b", ".once\nB"}}) == "\nB\n\n\n");
  CHECK(output("#include \"b\"\nN", {{"b", "#define N 1"}}) == "\n\n1");

  CHECK(output("#if\n#endif") == "the condition of this #if cannot be read: it ends too early");
  CHECK(output("#if 1\n") == "this #if is never closed");
  CHECK(output("#endif\n") == "#endif without an #if");
  CHECK(output("#define F(a) a\nF(1, 2)") == "macro 'F' takes 1 arguments, not 2");
  CHECK(output("#define F(a) a\nF(1") == "the arguments of macro 'F' are never closed");
  CHECK(output(".include \"b\"", {{"b", ".include \"b\""}}) == "'b' includes itself");
  CHECK(output(".include \"b\"") == "cannot include 'b': no such file");
  CHECK(output("#error no\n") == "#error no");
}

TEST_CASE("a guarded file may include itself") {
  CHECK(output("#include \"b\"\n", {{"b", "#ifndef B\n#define B\n#include \"b\"\nx\n#endif"}})
            .find('x') != std::string::npos);
}

TEST_CASE("spans point into the files as written") {
  Result result;
  run(result, "#define N 42\n.include \"b\"\na(N, y).", {{"b", "b(1)."}});
  const std::string_view text = result.text.text();
  const auto spelled = [&](std::string_view part) {
    const auto at = static_cast<std::uint32_t>(text.find(part));
    const SourceSpan span = result.text.span(at, at + static_cast<std::uint32_t>(part.size()));
    return result.files.name(span.file) + ":" + std::string(result.files.text_of(span));
  };
  CHECK(spelled("b(1).") == "b:b(1).");
  CHECK(spelled("42") == "t.dl:N");
  CHECK(spelled("4") == "t.dl:N");
  CHECK(spelled("a(42, y).") == "t.dl:a(N, y).");
  CHECK(spelled(", y") == "t.dl:, y");
}

TEST_CASE("a #line directive renumbers what follows it") {
  Result result;
  run(result, "a\n#line 10 \"gen.dl\"\nb\nc");
  const auto at = static_cast<std::uint32_t>(result.text.text().find('c'));
  const SourcePlace place = result.files.locate(result.text.span(at, at + 1));
  CHECK(place.file_name == "gen.dl");
  CHECK(place.line == 11);
}

TEST_CASE("the arithmetic of #if is C's") {
  std::string problem;
  const auto value = [&](std::string_view text) {
    return internal::evaluate_condition(text, problem).value_or(-99);
  };
  CHECK(value("1 + 2 * 3") == 7);
  CHECK(value("(1 + 2) * 3 - 010") == 1);
  CHECK(value("0x10 == 16 && !0") == 1);
  CHECK(value("1 ? 2 : 3") == 2);
  CHECK(value("WORD") == 0);
  CHECK(value("1 << 3 | 1") == 9);
  CHECK(value("5 / 0") == -99);
  CHECK(value("-9223372036854775807 - 1 == 0x8000000000000000 ") == 1);
  CHECK(value("(") == -99);
}

}  // namespace entail::grammar
