// Event patterns through the compiler and the machine.

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "compiler/evaluate.h"
#include "compiler/internal/rule_parts.h"
#include "datalog/program_builder.h"
#include "datalog/stratify.h"
#include "datalog/verify.h"

namespace entail::compiler {
namespace {

using datalog::Expression;
using datalog::PatternKind;
using datalog::PatternNode;
using datalog::PatternValue;
using datalog::PatternValueKind;
using vm::Word;

PatternNode symbol(std::uint32_t number) {
  PatternNode node;
  node.symbol = number;
  return node;
}
PatternNode parts(PatternKind kind, std::vector<PatternNode> children) {
  PatternNode node;
  node.kind = kind;
  node.children = std::move(children);
  return node;
}
PatternNode concat(std::vector<PatternNode> children) {
  return parts(PatternKind::kConcat, std::move(children));
}
PatternNode repeat(PatternNode child, std::uint32_t least, std::uint32_t most = UINT32_MAX) {
  PatternNode node = parts(PatternKind::kRepeat, {std::move(child)});
  node.repeat_min = least;
  node.repeat_max = most;
  return node;
}

// The rows (0, kinds[0]), (1, kinds[1]) …: symbol s takes those of kind s. For each match where it begins and how
// many rows it has.
struct Matches {
  std::vector<std::pair<std::int64_t, std::int64_t>> found;
  double seconds = 0;
};

Matches match(PatternNode root, std::uint32_t symbols, const std::vector<Word>& kinds,
              datalog::AfterMatch skip = datalog::AfterMatch::kPastLastRow) {
  datalog::ProgramBuilder builder;
  const vm::Type number = vm::Type::number();
  const auto rows = builder.relation("rows", {number, number});
  const auto found = builder.relation("found", {number, number});
  builder.rule(found, "start count").match(rows, "place kind");
  datalog::Rule& rule = builder.program().rules.back();
  const auto variable = [&](std::string_view name) {
    for (std::uint32_t v = 0; v < rule.variables.size(); ++v) {
      if (rule.variables[v].name == name) return static_cast<datalog::VariableId>(v);
    }
    FAIL("no variable");
    throw 0;
  };
  datalog::Pattern pattern;
  pattern.body = std::move(rule.body);
  pattern.order = {{internal::variable_term(rule, variable("place")), false, false}};
  pattern.root = std::move(root);
  pattern.after_match = skip;
  PatternValue kind;
  kind.result = internal::new_variable(rule, "_kind", number, false, {});
  kind.value = internal::variable_term(rule, variable("kind"));
  pattern.operands.push_back(kind);
  for (std::uint32_t s = 0; s < symbols; ++s) {
    Expression condition;
    condition.op = datalog::ExpressionOp::kEqual;
    condition.type = vm::Type::boolean();
    condition.arguments = {internal::variable_term(rule, kind.result),
                           datalog::constant(number, std::to_string(s))};
    pattern.symbols.push_back({std::string(1, static_cast<char>('a' + s)), condition});
  }
  PatternValue start;
  start.kind = PatternValueKind::kStart;
  start.result = variable("start");
  start.value = internal::variable_term(rule, variable("place"));
  PatternValue count;
  count.kind = PatternValueKind::kAggregate;
  count.result = variable("count");
  pattern.measures = {start, count};
  rule.body.clear();
  rule.body.push_back({std::move(pattern), {}});
  grammar::Diagnostics diagnostics;
  REQUIRE(datalog::stratify(builder.program(), diagnostics));
  const auto sound = datalog::verify_rule_program(builder.program());
  INFO((sound ? std::string() : sound.error().message));
  REQUIRE(sound);
  auto evaluation = Evaluation::create(builder.program(), {});
  REQUIRE(evaluation);
  std::vector<Word> places;
  for (std::size_t i = 0; i < kinds.size(); ++i) places.push_back(i);
  const std::vector<const Word*> columns{places.data(), kinds.data()};
  REQUIRE((*evaluation)->load(rows, columns, kinds.size()));
  const auto began = std::chrono::steady_clock::now();
  REQUIRE((*evaluation)->run());
  Matches result;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const vm::Relation& answer = *(*evaluation)->relation(found);
  for (vm::Row row = 0; row < (*evaluation)->row_count(found); ++row) {
    Word words[2] = {0, 0};
    answer.load(0, &row, 1, &words[0]);
    answer.load(1, &row, 1, &words[1]);
    result.found.emplace_back(vm::int_of(words[0]), vm::int_of(words[1]));
  }
  std::sort(result.found.begin(), result.found.end());
  return result;
}

using Pairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

}  // namespace

TEST_CASE("a less preferred match counts where the preferred one never ends") {
  // (a b c d | a b) on a b c
  CHECK(match(parts(PatternKind::kAlternate, {concat({symbol(0), symbol(1), symbol(2), symbol(3)}),
                                              concat({symbol(0), symbol(1)})}),
              4, {0, 1, 2})
            .found == Pairs{{0, 2}});
  // (x n n | n) on x n
  CHECK(
      match(parts(PatternKind::kAlternate, {concat({symbol(0), symbol(1), symbol(1)}), symbol(1)}),
            2, {0, 1})
          .found == Pairs{{1, 1}});
}

TEST_CASE("of several ways the preferred one counts, not the longest") {
  CHECK(
      match(parts(PatternKind::kAlternate, {symbol(0), concat({symbol(0), symbol(1)})}), 2, {0, 1})
          .found == Pairs{{0, 1}});
  PatternNode reluctant = repeat(symbol(0), 1);
  reluctant.reluctant = true;
  CHECK(match(reluctant, 1, {0, 0, 0}).found == Pairs{{0, 1}, {1, 1}, {2, 1}});
  CHECK(match(repeat(symbol(0), 1), 1, {0, 0, 0}).found == Pairs{{0, 3}});
  CHECK(match(repeat(symbol(0), 2, 2), 1, {0, 0, 0}, datalog::AfterMatch::kToNextRow).found ==
        Pairs{{0, 2}, {1, 2}});
}

TEST_CASE("a relaxed concat passes over what nothing takes") {
  PatternNode relaxed = concat({symbol(0), symbol(1)});
  relaxed.relaxed = true;
  CHECK(match(relaxed, 2, {0, 7, 7, 1, 1}).found == Pairs{{0, 2}});
  CHECK(match(relaxed, 2, {0, 0, 7, 1}, datalog::AfterMatch::kToNextRow).found ==
        Pairs{{0, 2}, {1, 2}});
  PatternNode absent = symbol(2);
  absent.kind = PatternKind::kAbsent;
  PatternNode without = concat({symbol(0), absent, symbol(1)});
  without.relaxed = true;
  CHECK(match(without, 3, {0, 7, 2, 1}).found.empty());
  CHECK(match(without, 3, {0, 7, 1, 2}).found == Pairs{{0, 2}});
}

TEST_CASE("(a+)+ b without any b takes linear time") {
  const auto seconds = [](std::size_t rows) {
    const Matches matches =
        match(concat({repeat(repeat(symbol(0), 1), 1), symbol(1)}), 2, std::vector<Word>(rows, 0));
    CHECK(matches.found.empty());
    return matches.seconds;
  };
  seconds(20'000);
  const double once = seconds(100'000), twice = seconds(200'000);
  WARN("100,000 rows " << once << " s, 200,000 rows " << twice << " s");
  CHECK(twice <= 3.5 * once);
}

}  // namespace entail::compiler
