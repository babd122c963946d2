#include <catch2/catch.hpp>
#include <string>

#include "datalog/lower.h"
#include "datalog/program_printer.h"
#include "datalog/verify.h"
#include "grammar/parser.h"

namespace entail::datalog {
namespace {

const std::string kShop =
    "relation Order(id: int64 key, customer: int64, total: decimal(18, 2), status: string default "
    "\"NEW\", note: string?);\n"
    "relation Login(user: int64, ip: string);\n"
    "relation Vip(id: int64 key);\n"
    "stream Alert(kind: string, at: timestamp);\n"
    ".decl follows(a: number, b: number)\n";

struct Lowered {
  std::optional<RuleProgram> program;
  grammar::SourceFiles files;
  grammar::Diagnostics diagnostics;
};

Lowered lower_text(const std::string& text) {
  Lowered result;
  grammar::NoFiles no_files;
  const grammar::Program tree =
      grammar::parse_text("test.dl", text, {}, no_files, result.files, result.diagnostics);
  REQUIRE(result.diagnostics.render(result.files) == "");
  result.program = lower(tree, {}, result.diagnostics);
  if (result.program) {
    const auto verified = verify_rule_program(*result.program);
    INFO((verified ? std::string() : verified.error().message));
    REQUIRE(verified);
  }
  return result;
}

// The rules and productions of the text, which follows the declarations of a shop.
std::string lowered(const std::string& text) {
  const Lowered result = lower_text(kShop + text);
  INFO(result.diagnostics.render(result.files));
  REQUIRE(result.program);
  const std::string all = print_program(*result.program);
  const std::size_t rules = all.find("rules\n");
  return all.substr(rules != std::string::npos ? rules : all.find("productions\n"));
}

// What the actions print as, under `when Order{…} as o`.
std::string actions(const std::string& text) {
  const std::string all =
      lowered("rule r when Order{id, customer: c, total: t} as o then " + text + " end");
  const std::size_t begin = all.find("    then\n");
  REQUIRE(begin != std::string::npos);
  return all.substr(begin + 9);
}

// "line: message" for each error; the declarations are in front of line 1.
std::string errors(const std::string& text) {
  const Lowered result = lower_text(kShop + text);
  REQUIRE(result.program.has_value() != result.diagnostics.has_errors());
  std::string found;
  for (const grammar::Diagnostic& diagnostic : result.diagnostics.sorted()) {
    if (diagnostic.severity != grammar::Severity::kError) continue;
    found += std::to_string(result.files.locate(diagnostic.span).line - 5) + ": " +
             diagnostic.message + "\n";
  }
  return found;
}

std::string errors_of_action(const std::string& text) {
  return errors("rule r when Order{id, customer: c, total: t} as o, follows(id, 1) then " + text +
                " end");
}

}  // namespace

TEST_CASE("a production has the conditions of a rule, and actions") {
  CHECK(lowered(
            "rule \"big order\" salience c + 1 group review exclusive money no_loop doc \"F-12\"\n"
            "when Order{id, customer: c, total: t > 100, status: \"NEW\"} as o, not Vip{id: c}\n"
            "then modify o { status: \"HOLD\" }; emit Alert{kind: \"held\", at: now()};\n"
            "log \"held \", id, o.total; focus review; halt; end") ==
        "productions\n"
        "  rule \"big order\" salience c + 1 group review exclusive money no_loop doc \"F-12\"\n"
        "    when Order(id, c, t, \"NEW\", _) as o, t > 100.00, not { Vip(c) }\n"
        "    then\n"
        "      modify o Order{status: \"HOLD\"};\n"
        "      emit Alert{kind: \"held\", at: now()};\n"
        "      log \"held \", id, t;\n"
        "      focus review;\n"
        "      halt;\n");
}

TEST_CASE("a matched row has a variable of its own") {
  const Lowered result = lower_text(kShop +
                                    "rule r when Order{id} as o, Login{user: o.customer} as l\n"
                                    "then delete o; delete l; end");
  REQUIRE(result.program);
  const Production& production = result.program->productions.at(0);
  const auto& order = std::get<Match>(production.body.at(0).node);
  const auto& login = std::get<Match>(production.body.at(1).node);
  REQUIRE(order.row);
  REQUIRE(login.row);
  CHECK(*order.row != *login.row);
  CHECK(production.variables.at(index_of(*order.row)).type == row_identity_type());
  CHECK(std::get<Change>(production.actions.at(0).node).row == order.row);
  CHECK(std::get<Change>(production.actions.at(1).node).row == login.row);
}

TEST_CASE("what an insertion leaves out is the default, or null") {
  CHECK(actions("insert Order{id: id + 1, customer: c, total: 5};") ==
        "      insert Order{id: id + 1, customer: c, total: 5.00, status: \"NEW\", note: null};\n");
  CHECK(errors_of_action("insert Login{user: id};") ==
        "1: column 'ip' of 'Login' is not given, and has no default\n");
}

TEST_CASE("what an upsert leaves out stays as it is") {
  CHECK(actions("upsert Order{id, customer: c, total: 5};") ==
        "      upsert Order{id: id, customer: c, total: 5.00};\n");
  CHECK(errors_of_action("upsert Login{user: id, ip: \"\"};") ==
        "1: 'Login' has no key to find a row by\n");
  CHECK(errors_of_action("upsert Order{customer: c, total: 5};") ==
        "1: column 'id' of 'Order' is not given, and has no default\n");
}

TEST_CASE("a retraction may leave columns open") {
  CHECK(actions("retract Order{id: id}; retract follows(id, _); retract follows(1, 2);") ==
        "      retract Order{id: id};\n"
        "      retract follows{a: id};\n"
        "      retract follows{a: 1, b: 2};\n");
}

TEST_CASE("defaults are values in the rule program") {
  const Lowered result = lower_text(kShop);
  REQUIRE(result.program);
  const Relation& order = result.program->relations.at(0);
  REQUIRE(order.defaults.size() == 5);
  CHECK(order.defaults[3]->text == "NEW");
  CHECK_FALSE(order.defaults[2]);
  CHECK(errors("relation R(a: number default \"x\");\n").starts_with("1: "));
  CHECK(lowered("relation R(a: number? default null, b: number);\nR{b: x} :- follows(x, _).") ==
        "rules\n  0  R(null, x) :- follows(x, _).\n");
}

TEST_CASE("actions nest, and a name lives in its block") {
  CHECK(actions("let half = t / 2; if (half > 10, not Vip{id: c}) { insert Vip{id: c}; }\n"
                "else { for (Login{user: c, ip} as l) { delete l; log ip; } }") ==
        "      let half = convert(t, decimal(18, 6)) / 2.000000;\n"
        "      if (half > 10.000000, not { Vip(c) })\n"
        "        insert Vip{id: c};\n"
        "      else\n"
        "        for each (Login(c, ip) as l)\n"
        "          delete l Login{};\n"
        "          log ip;\n");
  CHECK(errors_of_action("if (Login{user: c, ip}) { log ip; }") == "1: 'ip' has no value here\n");
  CHECK(errors_of_action("for (Login{user: c} as l) { halt; } delete l;") ==
        "1: no row is called 'l' here\n");
}

TEST_CASE("an if asks whether one of its alternatives holds, a for goes through them") {
  CHECK(actions("if (Vip{id: c} ; follows(c, 1)) { halt; }") ==
        "      if (not { not { Vip(c) }, not { follows(c, 1) } })\n"
        "        halt;\n");
  CHECK(actions("for (Vip{id: x} ; follows(c, x)) { log x; }") ==
        "      for each (Vip(x))\n"
        "        log x;\n"
        "      for each (follows(c, x#4))\n"
        "        log x#4;\n");
}

TEST_CASE("a condition of an if proves that there is a value") {
  CHECK(actions("if (o.note is not null) { insert Login{user: id, ip: o.note}; }") ==
        "      if (o.note is not null)\n"
        "        insert Login{user: id, ip: convert(o.note, text)};\n");
  CHECK(errors_of_action("insert Login{user: id, ip: o.note};") ==
        "1: column 'ip' of 'Login' may not be null, and this value may be\n");
}

TEST_CASE("alternatives are productions of one name") {
  CHECK(lowered("rule r when Order{id}, (follows(id, 1) ; Vip{id}) then log id; end") ==
        "productions\n"
        "  rule \"r\"\n    when Order(id, _, _, _, _), follows(id, 1)\n    then\n      log id;\n"
        "  rule \"r\"\n    when Order(id, _, _, _, _), Vip(id)\n    then\n      log id;\n");
}

TEST_CASE("what is derived is a rule") {
  CHECK(lowered("rule r when Order{id, customer: c} then let x = c + 1; derive Vip{id: x}; log id; "
                "end") ==
        "rules\n"
        "  0  Vip(x) :- Order(id, c, _, _, _), x := c + 1.\n"
        "productions\n"
        "  rule \"r\"\n    when Order(id, c, _, _, _)\n    then\n      let x = c + 1;\n      log "
        "id;\n");
  CHECK(errors_of_action("if (t > 1) { derive Vip{id}; }") ==
        "1: `derive` cannot stand in a block: what it derives holds while the conditions do\n");
  CHECK(errors("rule r cron \"* * * * *\" when Order{id} then derive Vip{id}; end") ==
        "1: what is derived holds while the conditions do, not at certain times\n");
}

TEST_CASE("enabled is one more condition") {
  CHECK(lowered("rule r enabled starts_with(s, \"N\") when Order{id, status: s} then log id; end")
            .find("when Order(id, _, _, s, _), starts_with(s, \"N\")\n") != std::string::npos);
}

TEST_CASE("inline relations vanish from productions") {
  CHECK(lowered(
            ".decl big(x: number) inline\nbig(x) :- x > 100.\nbig(x) :- x < -100.\n"
            "rule r when follows(x, y), big(x) then for (follows(y, z), big(z)) { log z; } end") ==
        "productions\n"
        "  rule \"r\"\n    when follows(x, y), x > 100\n    then\n"
        "      for each (follows(y, z), z > 100)\n        log z;\n"
        "      for each (follows(y, z#3), z#3 < -100)\n        log z#3;\n"
        "  rule \"r\"\n    when follows(x, y), x < -100\n    then\n"
        "      for each (follows(y, z), z > 100)\n        log z;\n"
        "      for each (follows(y, z#3), z#3 < -100)\n        log z#3;\n");
}

TEST_CASE("mistakes in actions are reported where they stand") {
  CHECK(errors_of_action("insert Order{id, customer: c, totl: t};") ==
        "1: 'Order' has no column 'totl'\n");
  CHECK(errors_of_action("modify o { state: \"x\" };") == "1: 'Order' has no column 'state'\n");
  CHECK(errors_of_action("modify p { status: \"x\" };") == "1: no row is called 'p' here\n");
  CHECK(errors_of_action("modify o { status: 5 };").find("does not fit here") != std::string::npos);
  CHECK(errors_of_action("insert Vip(_);") == "1: a `_` is no value for a column\n");
  CHECK(errors_of_action("log _;") == "1: a `_` has no value\n");
  CHECK(errors_of_action("insert Vip{id: zz};") == "1: 'zz' has no value here\n");
  CHECK(errors_of_action("log x; let x = 1;") == "1: 'x' is used before its `let`\n");
  CHECK(errors_of_action("let t = 1; log t;") == "1: 't' has a value already\n");
  CHECK(errors_of_action("insert Vip{id: count : { Login(_, _) }};") ==
        "1: an aggregate cannot stand in an action\n");
  CHECK(errors_of_action("call settle(c);") == "1: there are no procedures to call\n");
  CHECK(errors_of_action("emit Alert{kind: \"x\", at: now()} to mail;") ==
        "1: `emit … to` is not supported yet\n");
  CHECK(errors("rule r when follows(a, b) as f then delete f; end") ==
        "1: a row of 'follows' cannot be deleted by name: it is a set without a key, whose rows "
        "have no identity\n");
  CHECK(errors("rule r when Vip{id} then halt; end\nrule r when Vip{id} then halt; end") ==
        "2: there are two rules called 'r'\n");
  CHECK(errors("rule r when Vip{id} then let x = id; end") == "1: rule 'r' does nothing\n");
  CHECK(errors("rule r every 10m when Vip{id} then log id; end") ==
        "1: `every` is not supported yet\n");
}

TEST_CASE("productions are for programs that stand") {
  Lowered result = lower_text(kShop +
                              "rule r cron \"0 * * * *\" when Vip{id} then log id; end\n"
                              "rule s when Vip{id} then log id; end");
  REQUIRE(result.program);
  grammar::Diagnostics once, standing;
  refuse_unexecuted(*result.program, once, Execution::kOnce);
  refuse_unexecuted(*result.program, standing, Execution::kStanding);
  REQUIRE(once.error_count() == 1);
  CHECK(once.sorted().front().span.end - once.sorted().front().span.begin == 4);
  REQUIRE(standing.error_count() == 1);
  CHECK(standing.sorted().front().message == "rule 'r' has a cron, which is not executed yet");
}

}  // namespace entail::datalog
