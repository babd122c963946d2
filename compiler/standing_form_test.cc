#include "compiler/standing_form.h"

#include <catch2/catch.hpp>
#include <string>

#include "datalog/lower.h"
#include "datalog/program_printer.h"
#include "datalog/stratify.h"
#include "datalog/verify.h"
#include "grammar/parser.h"

namespace entail::compiler {
namespace {

using datalog::RelationId;

const std::string kBase =
    ".decl e(x: number, y: number)\n.decl f(x: number, y: number)\n.decl q(x: number)\n"
    ".decl p(x: number)\n.decl r(x: number, y: number)\n";

const char* kind_name(StandingKind kind) {
  switch (kind) {
    case StandingKind::kCounted:
      return "counted";
    case StandingKind::kRanked:
      return "ranked";
    case StandingKind::kReduced:
      return "reduced";
    case StandingKind::kEquivalence:
      return "equivalence";
    case StandingKind::kRecomputed:
      return "recomputed";
    case StandingKind::kRegrouped:
      return "regrouped";
    case StandingKind::kOrdered:
      return "ordered";
    case StandingKind::kTimed:
      return "timed";
  }
  return "";
}

Expected<StandingForm> form_of(const std::string& text, bool reads_everything = true) {
  grammar::Diagnostics diagnostics;
  grammar::NoFiles reader;
  grammar::SourceFiles files;
  const grammar::Program tree = grammar::parse_text("t.dl", text, {}, reader, files, diagnostics);
  auto program = datalog::lower(tree, {}, diagnostics);
  const bool good = program && datalog::stratify(*program, diagnostics);
  INFO(diagnostics.render(files));
  REQUIRE(good);
  std::set<RelationId> read_whole;
  for (std::size_t i = 0; reads_everything && i < program->relations.size(); ++i)
    read_whole.insert(static_cast<RelationId>(i));
  auto form = standing_form(*program, read_whole, &files);
  if (form) {
    verify_standing_form(*form);
    auto sound = datalog::verify_rule_program(form->program);
    INFO((sound ? std::string() : sound.error().message));
    REQUIRE(sound.has_value());
  }
  return form;
}

// The strata that have rules or are classes: "kind: relation", then its rules.
std::string printed(const std::string& text, bool reads_everything = true) {
  const auto form = form_of(text, reads_everything);
  INFO((form ? std::string() : form.error().message));
  REQUIRE(form.has_value());
  std::string out;
  for (const StandingStratum& stratum : form->strata) {
    if (stratum.kind == StandingKind::kEquivalence) {
      out += "equivalence: " + form->program.relation(stratum.relations.front()).name + " of " +
             form->program.relation(stratum.pairs).name + "\n";
    }
    for (const datalog::RuleId rule : stratum.rules) {
      out += std::string(kind_name(stratum.kind)) + ": " +
             datalog::print_rule(form->program, form->program.rule(rule)) + "\n";
    }
  }
  return out;
}

std::string refusal(const std::string& text) {
  const auto form = form_of(text);
  REQUIRE_FALSE(form.has_value());
  CHECK(form.error().code == ErrorCode::kUnsupported);
  return form.error().message;
}

TEST_CASE("Bodies in counted form stay as they are") {
  CHECK(printed(kBase + "e(1, 2). p(x) :- e(x, _), q(x), !e(x, x), x < 3.") ==
        "counted: e(1, 2).\n"
        "counted: p(x) :- e(x, _), q(x), not { e(x, x) }, x < 3.\n");
}

TEST_CASE("An existence that binds what it shares becomes a set, and an absence asks it") {
  CHECK(printed(kBase + "p(x) :- q(x), exists { e(x, y), f(y, _) }.\n"
                        "p(x) :- q(x), !e(x, _).") ==
        "counted: _exists5(x) :- e(x, y), f(y, _).\n"
        "counted: _exists6(x) :- e(x, _).\n"
        "counted: p(x) :- q(x), _exists5(x).\n"
        "counted: p(x) :- q(x), not { _exists6(x) }.\n");
}

TEST_CASE("An existence whose atoms have all columns given joins the body") {
  CHECK(printed(kBase + "p(x) :- q(x), exists { e(x, x), f(x, 1) }.") ==
        "counted: p(x) :- q(x), e(x, x), f(x, 1).\n");
}

TEST_CASE("Equal auxiliary relations are one, whatever their variables are called") {
  CHECK(printed(kBase + "p(x) :- q(x), !e(x, _).\n"
                        "r(a, b) :- f(b, a), !e(a, _), exists { e(b, c) }.") ==
        "counted: _exists5(x) :- e(x, _).\n"
        "counted: p(x) :- q(x), not { _exists5(x) }.\n"
        "counted: _exists6(b) :- e(b, c).\n"
        "counted: r(a, b) :- f(b, a), not { _exists5(a) }, _exists6(b).\n");
}

TEST_CASE("A count per binding is a group, or 0 where there is none") {
  CHECK(printed(kBase + "r(x, n) :- q(x), n = count : { e(x, _) }.") ==
        "reduced: _group5(x, n) :- group { e(x#2, _) } by (x = x#2) => { n = count() }.\n"
        "counted: _exists6(x) :- _group5(x, _).\n"
        "counted: r(x, n) :- q(x), _group5(x, n).\n"
        "counted: r(x, n) :- q(x), not { _exists6(x) }, n := 0.\n");
}

TEST_CASE("A minimum per binding has no value where there is no group") {
  CHECK(printed(kBase + "r(x, n) :- q(x), n = min y : { e(x, y) }.") ==
        "reduced: _group5(x, n) :- group { e(x#2, y) } by (x = x#2) => { n = min(y) }.\n"
        "counted: r(x, n) :- q(x), _group5(x, n).\n");
}

TEST_CASE("A reduction that knows nothing of its surroundings has one group without keys") {
  CHECK(printed(kBase + "r(x, n) :- q(x), n = sum y : { e(_, y) }.") ==
        "reduced: _group5(n) :- group { e(_, y) } by () => { n = sum(y) }.\n"
        "counted: _exists6() :- _group5(_).\n"
        "counted: r(x, n) :- q(x), _group5(n).\n"
        "counted: r(x, n) :- q(x), not { _exists6() }, n := 0.\n");
}

TEST_CASE("What an inner body does not bind comes from a domain") {
  CHECK(printed(kBase + "r(x, n) :- f(x, _), n = count : { q(y), y < x }.") ==
        "counted: _domain5(x) :- f(x, _).\n"
        "reduced: _group6(x, n) :- group { _domain5(x#2), q(y), y < x#2 } by (x = x#2) => { n = "
        "count() }.\n"
        "counted: _exists7(x) :- _group6(x, _).\n"
        "counted: r(x, n) :- f(x, _), _group6(x, n).\n"
        "counted: r(x, n) :- f(x, _), not { _exists7(x) }, n := 0.\n");
}

TEST_CASE("A domain that is a relation already needs no other") {
  CHECK(printed(kBase + "p(x) :- q(x), !(e(y, _), f(_, z), y + z = x + 1, y < x).") ==
        "counted: _exists5(x) :- q(x), e(y, _), f(_, z), y + z = x + 1, y < x.\n"
        "counted: p(x) :- q(x), not { _exists5(x) }.\n");
}

TEST_CASE("A domain keeps the filters that guard an expression which can fail") {
  CHECK(printed(kBase + "p(x) :- f(x, z), x != 0, !(e(x, y), 12 / x > y), z > 1.") ==
        "counted: _domain5(x) :- f(x, z), x != 0.\n"
        "counted: _exists6(x) :- _domain5(x), e(x, y), 12 / x > y.\n"
        "counted: p(x) :- f(x, z), x != 0, not { _exists6(x) }, z > 1.\n");
}

TEST_CASE("An inequality with what is known outside is asked of the extremum") {
  CHECK(
      printed(kBase + "p(x) :- f(z, x), !(e(z, y), y < x).") ==
      "reduced: _group5(z, _extremum) :- group { e(z#2, y) } by (z = z#2) => { _extremum = min(y) "
      "}.\n"
      "counted: _exists6(z) :- _group5(z, _).\n"
      "counted: p(x) :- f(z, x), not { _exists6(z) }.\n"
      "counted: p(x) :- f(z, x), _group5(z, _extremum), not _extremum < x.\n");
  CHECK(printed(kBase + "p(x) :- q(x), exists { e(_, y), x <= y }.") ==
        "reduced: _group5(_extremum) :- group { e(_, y) } by () => { _extremum = max(y) }.\n"
        "counted: p(x) :- q(x), _group5(_extremum), _extremum >= x.\n");
}

TEST_CASE("A reduction inside a reduction unites its cases") {
  CHECK(printed(kBase + "r(x, s) :- q(x), s = sum y : { e(x, y), 0 = count : { f(y, _) } }.")
            .find("counted: _case") != std::string::npos);
}

TEST_CASE("A relation that is one grouping holds its groups itself") {
  CHECK(printed(kBase + "r(x, n) :- group { e(x, y), !q(y) } by x => { n: count() }.") ==
        "reduced: r(x, n) :- group { e(x#2, y), not { q(y) } } by (x = x#2) => { n = count() }.\n");
}

TEST_CASE("An extremum reduces its candidates, and facts go to those") {
  const std::string text =
      kBase + ".decl m(x: number, y: number)\nm(7, 8).\nm(x, min(y)) :- e(x, y).\n";
  CHECK(
      printed(text) ==
      "counted: _m_candidates(7, 8).\n"
      "counted: _m_candidates(x, y) :- e(x, y).\n"
      "reduced: m(x, y) :- group { _m_candidates(x#1, y#3) } by (x = x#1) => { y = min(y#3) }.\n");
}

TEST_CASE("An equivalence is read by way of its classes") {
  const std::string text = kBase +
                           ".decl q2(x: number, y: number) eqrel\nq2(1, 2).\nq2(x, y) :- e(x, y).\n"
                           "r(x, y) :- f(x, y), q2(x, y), !q2(y, 1).\n"
                           "p(x) :- q(x), q2(x, _).\n";
  const std::string rest =
      "counted: _exists8(y) :- _q2_class(y, _).\n"
      "counted: r(x, y) :- f(x, y), _q2_class(x, _class), _q2_class(y, _class), not { _exists8(y) "
      "}.\n"
      "counted: r(x, y) :- f(x, y), _q2_class(x, _class), _q2_class(y, _class), _q2_class(y, "
      "_class#3), not { _q2_class(1, _class#3) }.\n";
  const std::string made =
      "counted: _q2_pairs(1, 2).\n"
      "counted: _q2_pairs(x, y) :- e(x, y).\n"
      "equivalence: _q2_class of _q2_pairs\n";
  const std::string all = printed(text);
  INFO(all);
  CHECK(all.find(made + "counted: q2(x, y) :- _q2_class(x, _class), _q2_class(y, _class).\n") !=
        std::string::npos);
  CHECK(all.find(rest) != std::string::npos);
  CHECK(all.find("counted: p(x) :- q(x), _q2_class(x, _).\n") != std::string::npos);
  CHECK(printed(text, /*reads_everything=*/false).find("counted: q2(") == std::string::npos);
}

TEST_CASE("Recursive sets are ranked, and an existence of theirs joins the body") {
  CHECK(printed(kBase + "r(x, y) :- e(x, y).\n"
                        "r(x, z) :- e(x, z), exists { r(x, y), q(y) }, !f(z, _).") ==
        "counted: _exists5(z) :- f(z, _).\n"
        "ranked: r(x, y) :- e(x, y).\n"
        "ranked: r(x, z) :- e(x, z), r(x, y), q(y), not { _exists5(z) }.\n");
}

TEST_CASE("A cycle that ranks do not serve is recomputed") {
  // The limit of the absence is known only in the cycle.
  const std::string of_cycle = kBase +
                               "r(x, y) :- e(x, y).\n"
                               "r(x, z) :- r(x, y), e(_, z), !(f(u, v), u * v = y + z).\n";
  CHECK(printed(of_cycle) ==
        "recomputed: r(x, y) :- e(x, y).\n"
        "recomputed: r(x, z) :- r(x, y), e(_, z), not { f(u, v), u * v = y + z }.\n");
  CHECK(printed(kBase + ".decl m(x: number, y: number)\nm(x, min(y)) :- e(x, y).\n"
                        "m(y, min(d)) :- m(x, d), f(x, y).\n")
            .starts_with("recomputed: "));
  CHECK(printed(kBase + ".decl c(x: number, y: number) eqrel\nc(x, y) :- e(x, y).\n"
                        "c(x, z) :- c(x, y), f(y, z).\n")
            .starts_with("recomputed: "));
}

TEST_CASE("What depends on more than the facts is refused by name and place") {
  CHECK(refusal(kBase + "p(autoinc()) :- q(_).")
            .starts_with("t.dl:6:3: error: autoinc() in rule 'p"));
  CHECK(refusal(kBase + ".limitsize p(n=3)\np(x) :- q(x).").find("limitsize of 'p'") !=
        std::string::npos);
}

}  // namespace
}  // namespace entail::compiler
