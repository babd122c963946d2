// tests/oracle/demand_property_test.cc - a demanded program answers what the whole program answers.
//
// Random small programs of joins, recursion of every shape, negation, both reductions, existence
// tests, constants, repeated variables and guarded arithmetic are evaluated whole and specialised,
// by the reference evaluator both times. A failure prints its seed and both programs.

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "datalog/demand.h"
#include "datalog/program_builder.h"
#include "datalog/program_printer.h"
#include "datalog/stratify.h"
#include "datalog/verify.h"
#include "tests/oracle/reference_evaluator.h"
#include "vm/base/random.h"

namespace entail::oracle {
namespace {

using namespace datalog;

const vm::Type kNumber = vm::Type::number();
constexpr int kValues = 5;

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  RuleProgram program() {
    for (int i = 0; i < 3; ++i)
      stored_.push_back(relation("e" + std::to_string(i), 1 + random_.below(2)));
    const std::size_t derived = 2 + random_.below(4);
    for (std::size_t i = 0; i < derived; ++i) {
      derived_.push_back(relation("p" + std::to_string(i), 1 + random_.below(3)));
    }
    for (const RelationId id : stored_) facts(id, 3 + random_.below(8));
    for (const RelationId id : derived_) {
      if (random_.chance(1, 5)) facts(id, 1 + random_.below(2));
      const std::uint64_t rules = 1 + random_.below(3);
      for (std::uint64_t i = 0; i < rules; ++i) rule(id);
    }
    return builder_.take();
  }

  // A question about one of the derived relations, which come behind the stored ones.
  DemandQuery question(const RuleProgram& program) {
    DemandQuery query;
    query.relation = random_.pick(derived_);
    for (std::size_t i = 0; i < program.relation(query.relation).columns.size(); ++i) {
      query.arguments.emplace_back();
      if (random_.chance(1, 2)) query.arguments.back() = constant(kNumber, value());
    }
    return query;
  }

 private:
  RelationId relation(const std::string& name, std::size_t arity) {
    return builder_.relation(name, std::vector<vm::Type>(arity, kNumber));
  }

  std::size_t arity(RelationId id) { return builder_.at(id).columns.size(); }
  std::string value() { return std::to_string(random_.below(kValues)); }

  void facts(RelationId id, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      std::string row;
      for (std::size_t c = 0; c < arity(id); ++c) row += value() + " ";
      builder_.fact(id, row);
    }
  }

  // Terms for a match; what it newly names joins `names`.
  std::string terms(RelationId id, std::vector<std::string>& names,
                    const std::string& fresh_prefix) {
    std::string out;
    for (std::size_t c = 0; c < arity(id); ++c) {
      std::string term;
      if (!names.empty() && random_.chance(1, 2)) {
        term = random_.pick(names);
      } else if (random_.chance(1, 10)) {
        term = value();
      } else if (random_.chance(1, 10)) {
        term = "_";
      } else {
        term = fresh_prefix + std::to_string(next_name_++);
        names.push_back(term);
      }
      out += term + " ";
    }
    return out;
  }

  RelationId any_relation() {
    return random_.chance(1, 2) ? random_.pick(stored_) : random_.pick(derived_);
  }

  // Bodies are written first, because the head takes its variables from them.
  void rule(RelationId head) {
    std::string zeros;
    for (std::size_t c = 0; c < arity(head); ++c) zeros += "0 ";
    RuleBuilder rule = builder_.rule(head, zeros);
    std::vector<std::string> names;
    next_name_ = 0;
    const std::uint64_t matches = 1 + random_.below(3);
    for (std::uint64_t i = 0; i < matches; ++i) {
      const RelationId id = any_relation();
      rule.match(id, terms(id, names, "v"));
    }
    if (names.empty()) {
      const RelationId id = random_.pick(stored_);
      names.push_back("w");
      rule.match(id, arity(id) == 1 ? "w" : "w _");
    }
    if (random_.chance(1, 4)) {
      rule.filter(random_.chance(1, 2) ? ExpressionOp::kLess : ExpressionOp::kNotEqual,
                  random_.pick(names), random_.chance(1, 2) ? random_.pick(names) : value());
    }
    if (random_.chance(1, 4)) absent(rule, names);
    if (random_.chance(1, 8)) exists(rule, names);
    if (random_.chance(1, 6)) reduce(rule, names);
    if (random_.chance(1, 5)) arithmetic(rule, names);
    if (random_.chance(1, 8)) names.push_back(value());
    for (std::size_t c = 0; c < arity(head); ++c) rule.head_term(c, rule.term(random_.pick(names)));
  }

  void absent(RuleBuilder& rule, std::vector<std::string> names) {
    const RelationId id = any_relation();
    rule.begin_absent().match(id, terms(id, names, "a")).end();
  }

  void exists(RuleBuilder& rule, std::vector<std::string> names) {
    const RelationId id = any_relation();
    rule.begin_exists().match(id, terms(id, names, "b"));
    if (random_.chance(1, 2)) {
      const RelationId next = any_relation();
      rule.match(next, terms(next, names, "b"));
    }
    rule.end();
  }

  void reduce(RuleBuilder& rule, std::vector<std::string>& names) {
    const RelationId id = any_relation();
    const std::string result = "n" + std::to_string(next_name_++);
    if (random_.chance(1, 2)) {
      std::vector<std::string> inner = names;
      rule.begin_reduce(AggregateOp::kCount, result, "").match(id, terms(id, inner, "c")).end();
    } else {
      const std::string key = "k" + std::to_string(next_name_++);
      const std::string inner = "g" + std::to_string(next_name_++);
      rule.begin_group(key, inner, AggregateOp::kMax, result, inner);
      std::string text = inner;
      for (std::size_t c = 1; c < arity(id); ++c) text += " _";
      rule.match(id, text).end();
      names.push_back(key);
    }
    names.push_back(result);
  }

  // y = x ± 1, kept inside the domain, so that recursion ends.
  void arithmetic(RuleBuilder& rule, std::vector<std::string>& names) {
    const std::string result = "y" + std::to_string(next_name_++);
    const bool up = random_.chance(1, 2);
    rule.bind(result, rule.operation(up ? ExpressionOp::kAdd : ExpressionOp::kSubtract,
                                     random_.pick(names), "1"));
    rule.filter(up ? ExpressionOp::kLess : ExpressionOp::kGreater, result,
                up ? std::to_string(kValues) : "-2");
    names.push_back(result);
  }

  Random random_;
  ProgramBuilder builder_;
  std::vector<RelationId> stored_, derived_;
  int next_name_ = 0;
};

// The rows of the whole answer that agree with the question's constants.
std::vector<std::string> selected(const std::vector<std::string>& rows, const DemandQuery& query) {
  std::vector<std::string> out;
  for (const std::string& row : rows) {
    bool agrees = true;
    std::size_t at = 0;
    for (const auto& argument : query.arguments) {
      const std::size_t end = std::min(row.find('\t', at), row.size());
      agrees &=
          !argument || row.substr(at, end - at) == std::to_string(vm::int_of(argument->words[0]));
      at = end + 1;
    }
    if (agrees) out.push_back(row);
  }
  return out;
}

TEST_CASE("A demanded program answers what the whole program answers") {
  int asked = 0, specialised = 0, factored = 0, not_empty = 0;
  for (std::uint64_t seed = 1; seed <= 4'000; ++seed) {
    Generator generator(seed);
    RuleProgram program = generator.program();
    grammar::Diagnostics diagnostics;
    if (!stratify(program, diagnostics)) continue;  // Chance made a cycle through negation.
    const DemandQuery query = generator.question(program);
    INFO("seed " << seed << "\n" << print_program(program));
    const auto sound = verify_rule_program(program);
    INFO((sound ? std::string() : sound.error().message));
    REQUIRE(sound.has_value());
    const auto whole = evaluate(program, {}, {.steps_max = 200'000});
    if (!whole) {
      REQUIRE(whole.error().code == ErrorCode::kLimit);
      continue;
    }
    const std::string name = program.relation(query.relation).name;
    const DemandedProgram demanded = demand(std::move(program), query);
    const std::string text = print_program(demanded.program);
    INFO("answers " << name << "\n" << text);
    const auto verified = verify_rule_program(demanded.program);
    INFO((verified ? std::string() : verified.error().message));
    REQUIRE(verified.has_value());
    const auto answer = evaluate(demanded.program, {}, {.steps_max = 20'000'000});
    REQUIRE(answer.has_value());
    const auto expected = selected(whole->rows.at(name), query);
    REQUIRE(answer->rows.at(demanded.program.relation(demanded.answer).name) == expected);
    ++asked;
    specialised += text.find("demanded.") != std::string::npos ? 1 : 0;
    factored += text.find("reached.") != std::string::npos ? 1 : 0;
    not_empty += expected.empty() ? 0 : 1;
  }
  // The generator must not drift into programs that test nothing.
  CHECK(asked > 1'500);
  CHECK(specialised > 700);
  CHECK(factored > 200);
  CHECK(not_empty > 400);
}

TEST_CASE("A question near the end of a long chain looks at few rows") {
  constexpr std::int64_t kEdges = 100'000;
  for (const bool left_linear : {true, false}) {
    ProgramBuilder builder;
    const RelationId edge = builder.relation("edge", {kNumber, kNumber});
    const RelationId path = builder.relation("path", {kNumber, kNumber});
    builder.rule(path, "x y").match(edge, "x y");
    if (left_linear) {
      builder.rule(path, "x z").match(path, "x y").match(edge, "y z");
    } else {
      builder.rule(path, "x z").match(edge, "x y").match(path, "y z");
    }
    const DemandedProgram demanded =
        demand(builder.take(), {path, {constant(kNumber, "99990"), std::nullopt}});
    Facts facts;
    for (std::int64_t i = 0; i < kEdges; ++i) facts["edge"].push_back({i, i + 1});
    // Naive rounds repeat themselves: ten of them, over ten rows and the conditions on them.
    const auto answer = evaluate(demanded.program, facts, {.steps_max = 1'000});
    REQUIRE(answer.has_value());
    CHECK(answer->rows.at("answer.path").size() == 10);
  }
}

}  // namespace
}  // namespace entail::oracle
