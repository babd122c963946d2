#include <catch2/catch.hpp>
#include <string>

#include "datalog/lower.h"
#include "datalog/program_printer.h"
#include "datalog/verify.h"
#include "grammar/parser.h"

namespace entail::datalog {
namespace {

const std::string kShop =
    "stream Payment(card: string, amount: int64, ts: timestamp) time ts watermark 5s late sideline "
    "Late expire 24h;\n"
    "stream Rate(name: string, value: float64, ts: timestamp) time ts;\n"
    "relation Late(card: string, amount: int64, ts: timestamp) versioned retain 30d;\n"
    ".decl r(card: symbol, n: number)\n";

struct Lowered {
  std::optional<RuleProgram> program;
  grammar::SourceFiles files;
  grammar::Diagnostics diagnostics;
};

Lowered lower_text(const std::string& text) {
  Lowered result;
  grammar::NoFiles no_files;
  const grammar::Program tree =
      grammar::parse_text("test.dl", kShop + text, {}, no_files, result.files, result.diagnostics);
  REQUIRE(result.diagnostics.render(result.files) == "");
  result.program = lower(tree, {}, result.diagnostics);
  if (result.program) {
    const auto verified = verify_rule_program(*result.program);
    INFO((verified ? std::string() : verified.error().message));
    REQUIRE(verified);
  }
  return result;
}

std::string rule_of(const std::string& text) {
  const Lowered result = lower_text(text);
  INFO(result.diagnostics.render(result.files));
  REQUIRE(result.program);
  return print_rule(*result.program, result.program->rules.front());
}

std::string error_of(const std::string& text) {
  const Lowered result = lower_text(text);
  REQUIRE(result.diagnostics.has_errors());
  return result.diagnostics.sorted().front().message;
}

}  // namespace

TEST_CASE("a window frames the rows of its group") {
  CHECK(
      rule_of("r(c, n) :- group { Payment{card, amount: a} over last 10m } by card => { n: sum(a) "
              "}, c = card.") ==
      "r(c, n) :- group { Payment(card#3, a, _) over last interval(0, 600000000) by (card#3) } by "
      "(card = card#3) => { n = sum(a) }, c := card.");
  CHECK(
      rule_of("r(card, n) :- group { Payment{card} over last 100 events } by card => { n: count() "
              "}.") ==
      "r(card, n) :- group { Payment(card#2, _, _) over last events 100 by (card#2) } by (card = "
      "card#2) => { n = count() }.");
  CHECK(
      rule_of("r(card, n) :- group { Payment{card} over hopping 1h, 10m } by card => { n: count() "
              "}.") ==
      "r(card, n) :- group { Payment(card#2, _, _) over hopping interval(0, 3600000000), "
      "interval(0, "
      "600000000) by (card#2) } by (card = card#2) => { n = count() }.");
}

TEST_CASE("`over current` and now() compare times with the clock") {
  const std::string current =
      "r(card, 1) :- Payment(card, _, _ts), not { Payment.clock(_at), _at >= +(_ts, interval(0, "
      "600000000)) }.";
  CHECK(rule_of("r(card, 1) :- Payment{card} over current 10m.") == current);
  const std::string bound = "r(card, 1) :- Payment(card, _, ts), ";
  const std::string reached = "{ Payment.clock(_at), _at >= +(ts, interval(0, 600000000)) }.";
  CHECK(rule_of("r(card, 1) :- Payment{card, ts}, ts > now() - 10m.") == bound + "not " + reached);
  CHECK(rule_of("r(card, 1) :- Payment{card, ts}, now() - 10m >= ts.") ==
        bound + "exists " + reached);
  CHECK(rule_of("r(card, 1) :- Payment{card, ts}, ts + 15m <= now() + 5m.") ==
        bound + "exists " + reached);
  CHECK(rule_of("r(card, 1) :- Payment{card, ts}, ts < now().") ==
        bound + "exists { Payment.clock(_at), _at >= +(ts, interval(0, 1)) }.");
  CHECK(error_of("r(card, 1) :- Payment{card, ts}, ts = now().") ==
        "now() may only bound a time in a rule");
  CHECK(error_of("r(card, 1) :- Late{card, ts}, ts < now().") ==
        "now() has no clock to go by here");
}

TEST_CASE("the last row before another is a window too") {
  CHECK(
      rule_of("r(card, 1) :- Payment{card} as p, last Rate{name: \"eur\", value: v} before p, v > "
              "1.0.") ==
      "r(card, 1) :- Payment(card, _, p.ts), Rate(\"eur\", v, _) last before p.ts, v > 1.0.");
  CHECK(rule_of("r(card, 1) :- Payment{card, ts}, last Rate{name: \"eur\"} before ts.") ==
        "r(card, 1) :- Payment(card, _, ts), Rate(\"eur\", _, _) last before ts.");
}

TEST_CASE("windows go by event time") {
  CHECK(error_of("r(card, n) :- group { Late{card} over last 10m } by card => { n: count() }.") ==
        "'Late' has no event time to go by");
  CHECK(error_of("r(card, 1) :- Payment{card} over last 10m.") ==
        "such a window can stand only in a group");
}

TEST_CASE("what a stream declares is in the rule program") {
  const Lowered result = lower_text("");
  REQUIRE(result.program);
  CHECK(
      print_relation(*result.program, result.program->relations[0]) ==
      "Payment(card: text, amount: number, ts: timestamp) bag stream time ts watermark interval(0, "
      "5000000) late sideline Late expire interval(0, 86400000000) clock Payment.clock partitions "
      "Payment.partitions");
  CHECK(print_relation(*result.program, result.program->relations[1]) ==
        "Rate(name: text, value: float, ts: timestamp) bag stream time ts late apply Rate_late "
        "clock Rate.clock partitions Rate.partitions");
  CHECK(print_relation(*result.program, result.program->relation(
                                            *result.program->relations[0].stream->partitions)) ==
        "Payment.partitions(partition: number, high: timestamp, idle: bool) key (partition) "
        "auxiliary");
  CHECK(print_relation(*result.program, result.program->relations[2]) ==
        "Late(card: text, amount: number, ts: timestamp) bag versioned retain interval(30, 0)");
}

TEST_CASE("a stream's clock is a relation, and late rows have one") {
  CHECK(rule_of(
            "r(c, 1) :- Payment{card: c, ts}, Payment.clock(at), ts < at, Rate_late(c, _, ts).") ==
        "r(c, 1) :- Payment(c, _, ts), Payment.clock(at), ts < at, Rate_late(c, _, ts).");
}

TEST_CASE("a stream's declaration says what can be done") {
  CHECK(error_of("stream A(x: number, ts: timestamp) expire 1h;") == "'A' has no event time");
  CHECK(error_of("stream A(x: number, ts: symbol) time ts;") ==
        "the event time of 'A' is a timestamp that is not null, and 'ts' is none");
  CHECK(error_of("stream A(x: number, ts: timestamp) time ts;\n.decl A_late(x: number)") ==
        "'A_late' takes the late rows of 'A', and has not the types of its columns");
}

TEST_CASE("windows are refused where they stand") {
  Lowered result = lower_text(
      "r(card, n) :- Late(card, _, _),\n"
      "  group { Payment{card} over last 10m } by card => { n: count() }.");
  REQUIRE(result.program);
  refuse_unexecuted(*result.program, result.diagnostics);
  bool found = false;
  for (const grammar::Diagnostic& diagnostic : result.diagnostics.sorted()) {
    if (diagnostic.message != "windows are not executed yet") continue;
    found = true;
    CHECK(result.files.locate(diagnostic.span).line == 6);
  }
  CHECK(found);
}

}  // namespace entail::datalog
