// Sequences of events in the rule program.

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <string>

#include "datalog/lower.h"
#include "datalog/program_printer.h"
#include "datalog/verify.h"
#include "grammar/parser.h"

namespace entail::datalog {
namespace {

constexpr const char* kStreams = R"(
  stream Login(user: int64, ok: bool, ts: timestamp) time ts watermark 2s;
  stream Order(id: int64, total: int64, ts: timestamp) time ts;
  stream Payment(order: int64, ts: timestamp) time ts;
  .decl r(a: int64, b: timestamp)
  .decl s(a: int64)
)";

struct Lowered {
  std::optional<RuleProgram> program;
  grammar::SourceFiles files;
  grammar::Diagnostics diagnostics;
};

Lowered lower_text(const std::string& text) {
  Lowered result;
  grammar::NoFiles no_files;
  const grammar::Program tree = grammar::parse_text("test.dl", kStreams + text, {}, no_files,
                                                    result.files, result.diagnostics);
  REQUIRE(result.diagnostics.render(result.files) == "");
  result.program = lower(tree, {}, result.diagnostics);
  if (result.program) {
    const auto verified = verify_rule_program(*result.program);
    INFO((verified ? std::string() : verified.error().message));
    REQUIRE(verified);
  }
  return result;
}

const Pattern& pattern_of(const Lowered& lowered) {
  INFO(lowered.diagnostics.render(lowered.files));
  REQUIRE(lowered.program);
  for (const Rule& rule : lowered.program->rules) {
    for (const Literal& literal : rule.body) {
      if (const auto* pattern = std::get_if<Pattern>(&literal.node)) return *pattern;
    }
  }
  FAIL("no pattern");
  throw 0;
}

std::string rules_of(const std::string& text) {
  const Lowered result = lower_text(text);
  INFO(result.diagnostics.render(result.files));
  REQUIRE(result.program);
  std::string all;
  for (const Rule& rule : result.program->rules) {
    if (!rule.body.empty()) all += print_rule(*result.program, rule) + "\n";
  }
  return all;
}

std::string error_of(const std::string& text) {
  const Lowered result = lower_text(text);
  REQUIRE(result.diagnostics.has_errors());
  return result.diagnostics.sorted().front().message;
}

}  // namespace

TEST_CASE("the steps of a sequence are symbols over the events of its streams") {
  const std::string text = rules_of(
      "r(u, t) :- sequence( Login{user: u, ok: false} as f [3..*] -> Login{user: u, ok: true} as g "
      ") "
      "within 5m by u skip past_last, t = g.ts.");
  INFO(text);
  CHECK(text.find("match (f[3..*]~ -> g)") != std::string::npos);
  CHECK(text.find("skip past_last decided") != std::string::npos);
  CHECK(text.find("\"Login.clock\"(at)") + text.find("Login.clock(at)") != std::string::npos);
}

TEST_CASE("what every step mentions keeps events of other values apart") {
  const Lowered lowered =
      lower_text("s(i) :- sequence( Order{id: i} -> not Payment{order: i} within 48h ).");
  const Pattern& pattern = pattern_of(lowered);
  CHECK(pattern.partition.size() == 1);
  REQUIRE(pattern.root.children.size() == 2);
  CHECK(pattern.root.children[1].deadline.has_value());
  CHECK(pattern.measures.size() == 1);
}

TEST_CASE("`next` keeps to the events that are side by side") {
  const Lowered lowered = lower_text(
      "s(i) :- sequence( Order{id: i, total: a} next Order{total: b > a} [2..5] next "
      "(Order{total: c < a} | Payment{}) ).");
  const Pattern& pattern = pattern_of(lowered);
  CHECK(pattern.partition.empty());
  CHECK(!pattern.root.relaxed);
  REQUIRE(pattern.root.children.size() == 3);
  CHECK(!pattern.root.children[1].relaxed);
  CHECK(pattern.root.children[2].kind == PatternKind::kAlternate);
}

TEST_CASE("what a sequence cannot say is told with its place") {
  CHECK(error_of("s(i) :- sequence( Order{id: i} -> not Payment{order: i} ).") ==
        "until when is there to be none? An absence at the end has a `within`");
  CHECK(
      error_of("s(i) :- sequence( Order{id: i} -> not Payment{order: i} within 1m -> Login{} ).") ==
      "only an absence that ends the sequence has a `within`: another one lasts until the next "
      "step's event");
  CHECK(error_of("s(u) :- sequence( Login{user: u} -> Order{id: u} -> Login{} ) by u.") ==
        "'u' is no key: every step has to mention it, at one column of its events");
  CHECK(error_of("s(u) :- sequence( Login{user: u} ->> Order{} ).") ==
        "`->>` is not supported yet");
  CHECK(error_of("s(b) :- sequence( Login{} -> (Order{id: b} | Payment{order: c}) ).") ==
        "'b' has no value where its step is left out, or it is computed inside of the sequence: it "
        "cannot be used outside of it");
}

}  // namespace entail::datalog
