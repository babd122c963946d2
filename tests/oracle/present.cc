#include "tests/oracle/present.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "tests/oracle/expression_evaluator.h"

namespace entail::oracle {

namespace {

using datalog::Body;
using datalog::Expression;
using datalog::ExpressionOp;
using datalog::Literal;

// Far before all times, and far enough from the end to be computed with.
constexpr std::int64_t kBeforeAll = -(std::int64_t{1} << 60);

Expression time_constant(std::int64_t time) {
  Expression made;
  made.op = ExpressionOp::kConstant;
  made.type = vm::Type::of(vm::TypeKind::kTimestamp);
  made.words[0] = static_cast<vm::Word>(time);
  return made;
}

class Present {
 public:
  explicit Present(const datalog::RuleProgram& program) : program_(program) {}

  void fill(Body& body, std::vector<datalog::Variable>& variables, std::int64_t around) {
    std::int64_t now = INT64_MAX;
    for (const Literal& literal : body) {
      const auto* match = std::get_if<datalog::Match>(&literal.node);
      if (const auto* window = std::get_if<datalog::Window>(&literal.node)) match = &window->match;
      if (match == nullptr) continue;
      const auto& stream = program_.relation(match->relation).stream;
      if (stream && stream->clock) now = std::min(now, time_of(*stream->clock));
    }
    if (now == INT64_MAX) now = around;
    Body result;
    for (Literal& literal : body) {
      auto* window = std::get_if<datalog::Window>(&literal.node);
      if (window != nullptr && window->kind == datalog::WindowKind::kOverCurrent) {
        fill_window(*window, literal.span, variables, result);
        continue;
      }
      if (auto* filter = std::get_if<datalog::Filter>(&literal.node)) fill(filter->condition, now);
      if (auto* absent = std::get_if<datalog::Absent>(&literal.node))
        fill(absent->body, variables, now);
      if (auto* exists = std::get_if<datalog::Exists>(&literal.node))
        fill(exists->body, variables, now);
      if (auto* reduce = std::get_if<datalog::Reduce>(&literal.node))
        fill(reduce->body, variables, now);
      result.push_back(std::move(literal));
    }
    body = std::move(result);
  }

 private:
  std::int64_t time_of(datalog::RelationId clock) const {
    for (const datalog::Rule& rule : program_.rules) {
      if (rule.head.relation == clock)
        return static_cast<std::int64_t>(rule.head.terms.front().words[0]);
    }
    return kBeforeAll;
  }

  static void fill(Expression& expression, std::int64_t now) {
    if (expression.op == ExpressionOp::kNow) expression = time_constant(now);
    for (Expression& argument : expression.arguments) fill(argument, now);
  }

  void fill_window(datalog::Window& window, datalog::SourceSpan span,
                   std::vector<datalog::Variable>& variables, Body& result) const {
    const auto& stream = *program_.relation(window.match.relation).stream;
    const Expression& length = window.size.front();
    ExpressionEvaluator evaluator(program_.types);
    const std::int64_t size = std::get<std::int64_t>(evaluator.evaluate(length, {}));
    Expression& time = window.match.terms[*stream.event_time_column];
    if (time.op == ExpressionOp::kWildcard) {
      time = time_constant(0);
      time.op = ExpressionOp::kVariable;
      time.variable = static_cast<datalog::VariableId>(variables.size());
      variables.push_back({"_time", time.type, false, span});
    }
    Expression recent;
    recent.op = ExpressionOp::kGreater;
    recent.type = vm::Type::boolean();
    recent.arguments = {time, time_constant(time_of(*stream.clock) - size)};
    result.push_back({std::move(window.match), span});
    result.push_back({datalog::Filter{std::move(recent)}, span});
  }

  const datalog::RuleProgram& program_;
};

}  // namespace

datalog::RuleProgram with_present(datalog::RuleProgram program) {
  for (datalog::Rule& rule : program.rules) {
    if (!rule.body.empty()) Present(program).fill(rule.body, rule.variables, kBeforeAll);
  }
  return program;
}

}  // namespace entail::oracle
