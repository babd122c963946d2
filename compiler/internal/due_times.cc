#include "compiler/internal/due_times.h"

#include <algorithm>
#include <string>

#include "compiler/internal/rule_parts.h"
#include "datalog/body_walk.h"
#include "datalog/time_conditions.h"

namespace entail::compiler::internal {

using datalog::ExpressionOp;
using datalog::Literal;
using datalog::RelationId;
using datalog::Rule;
using datalog::VariableId;

namespace {

bool is_clock(const datalog::RuleProgram& program, RelationId id) {
  return std::any_of(program.relations.begin(), program.relations.end(),
                     [&](const datalog::Relation& relation) {
                       return relation.stream && relation.stream->clock == id;
                     });
}

}  // namespace

void compare_clocks_only(const datalog::RuleProgram& program, Rule& rule) {
  for (std::size_t i = 0; i < rule.body.size(); ++i) {
    const auto* clock = std::get_if<datalog::Match>(&rule.body[i].node);
    if (clock == nullptr || clock->row || !is_clock(program, clock->relation) ||
        clock->terms[0].op != ExpressionOp::kVariable) {
      continue;
    }
    const VariableId at = clock->terms[0].variable;
    std::size_t uses = 0, filters = 0, filter_at = 0;
    datalog::walk_rule_variables(rule, [&](VariableId used) { uses += used == at ? 1 : 0; });
    for (std::size_t k = 0; k < rule.body.size(); ++k) {
      const auto* filter = std::get_if<datalog::Filter>(&rule.body[k].node);
      if (filter == nullptr || filter->condition.op != ExpressionOp::kGreaterEqual ||
          filter->condition.arguments[0].op != ExpressionOp::kVariable ||
          filter->condition.arguments[0].variable != at) {
        continue;
      }
      ++filters;
      filter_at = k;
    }
    if (filters != 1 || uses != 2) continue;
    datalog::Exists reached;
    reached.body = {rule.body[i], rule.body[filter_at]};
    rule.body[filter_at].node = std::move(reached);
    rule.body.erase(rule.body.begin() + static_cast<std::ptrdiff_t>(i));
    --i;
  }
}

std::optional<std::pair<StandingTimer, datalog::Expression>> timer_of(
    const datalog::RuleProgram& program, const datalog::Body& comparison,
    const datalog::Body& around, const std::set<RelationId>& growing) {
  if (comparison.size() != 2) return std::nullopt;
  const auto* clock = std::get_if<datalog::Match>(&comparison[0].node);
  const auto* filter = std::get_if<datalog::Filter>(&comparison[1].node);
  if (clock == nullptr || filter == nullptr || !is_clock(program, clock->relation))
    return std::nullopt;
  const datalog::Expression& reached = filter->condition;
  if (reached.op != ExpressionOp::kGreaterEqual || clock->terms[0].op != ExpressionOp::kVariable ||
      reached.arguments[0].op != ExpressionOp::kVariable ||
      reached.arguments[0].variable != clock->terms[0].variable) {
    return std::nullopt;
  }
  const auto due = datalog::due_time(reached.arguments[1]);
  if (!due) return std::nullopt;
  for (const Literal& literal : around) {
    const auto* match = std::get_if<datalog::Match>(&literal.node);
    if (match == nullptr || growing.count(match->relation) != 0) continue;
    for (std::uint32_t c = 0; c < match->terms.size(); ++c) {
      const datalog::Expression& term = match->terms[c];
      const datalog::Column& column = program.relation(match->relation).columns[c];
      if (term.op != ExpressionOp::kVariable || term.variable != due->time || column.nullable)
        continue;
      return std::pair{StandingTimer{match->relation, c, due->after, clock->relation}, term};
    }
  }
  return std::nullopt;
}

Rule due_rule(const datalog::RuleProgram& program, const StandingTimer& timer, RelationId head,
              const datalog::SourceSpan& span) {
  const datalog::Relation& source = program.relation(timer.source);
  const datalog::Column& column = source.columns[timer.column];
  Rule rule;
  rule.name = program.relation(head).name;
  rule.span = rule.head.span = span;
  rule.head.relation = head;
  const VariableId time = new_variable(rule, column.name, column.type, /*nullable=*/false, span);
  const VariableId at = new_variable(rule, "at", column.type, false, span);
  rule.head.terms = {variable_term(rule, time)};
  datalog::Match rows, clock;
  rows.relation = timer.source;
  rows.terms.assign(source.columns.size(), wildcard_term());
  rows.terms[timer.column] = rule.head.terms.front();
  clock.relation = timer.clock;
  clock.terms = {variable_term(rule, at)};
  datalog::Expression reached;
  reached.op = ExpressionOp::kGreaterEqual;
  reached.type = vm::Type::boolean();
  reached.arguments = {clock.terms.front(),
                       datalog::time_after(rule.head.terms.front(), timer.after)};
  rule.body.push_back({std::move(rows), span});
  rule.body.push_back({std::move(clock), span});
  rule.body.push_back({datalog::Filter{std::move(reached)}, span});
  return rule;
}

}  // namespace entail::compiler::internal
