#include "server/cli/why_not.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "compiler/rule_plan.h"
#include "datalog/body_walk.h"
#include "datalog/program_printer.h"
#include "server/cli/fact_json.h"

namespace entail::cli {
namespace {

using datalog::Bind;
using datalog::ExpressionOp;
using datalog::index_of;
using datalog::Literal;
using datalog::Match;
using datalog::Rule;
using datalog::RuleId;
using datalog::VariableId;

bool includes(const std::set<VariableId>& all, const std::set<VariableId>& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

// Puts the literals of a rule one behind the other so that each can run when those before it have.
class BodyOrder {
 public:
  explicit BodyOrder(const Rule& rule) : rule_(rule) {}

  // Positions in the body; the first literal stays the first.
  std::vector<std::size_t> order() {
    std::vector<std::size_t> order;
    std::vector<bool> is_placed(rule_.body.size());
    while (order.size() < rule_.body.size()) {
      std::optional<std::size_t> next;
      for (std::size_t i = 0; i < rule_.body.size() && !next; ++i) {
        if (!is_placed[i] && is_ready(i)) next = i;
      }
      // Where nothing is ready alone, the engine finds an order for the rest together.
      if (!next) break;
      is_placed[*next] = true;
      order.push_back(*next);
      bound_.merge(datalog::exported_variables(rule_.body[*next]));
    }
    for (std::size_t i = 0; i < is_placed.size(); ++i) {
      if (!is_placed[i]) order.push_back(i);
    }
    return order;
  }

  // How many literals at the front of the order can run one after the other.
  std::size_t ready_count(const std::vector<std::size_t>& order) {
    bound_.clear();
    std::size_t count = 0;
    while (count < order.size() && is_ready(order[count])) {
      bound_.merge(datalog::exported_variables(rule_.body[order[count++]]));
    }
    return count;
  }

 private:
  bool is_ready(std::size_t position) const {
    const Literal& literal = rule_.body[position];
    if (std::holds_alternative<Match>(literal.node)) return true;
    if (const auto* bind = std::get_if<Bind>(&literal.node)) {
      if (includes(bound_, datalog::variables_of(bind->value))) return true;
      return bind->value.op == ExpressionOp::kVariable && bound_.contains(bind->variable);
    }
    // All that occurs outside of the literal, too, and is not its own result.
    std::set<VariableId> needed = datalog::variables_of(literal);
    for (const VariableId id : datalog::exported_variables(literal)) needed.erase(id);
    std::set<VariableId> elsewhere;
    for (std::size_t i = 0; i < rule_.body.size(); ++i) {
      if (i != position) elsewhere.merge(datalog::variables_of(rule_.body[i]));
    }
    return std::all_of(needed.begin(), needed.end(), [&](VariableId id) {
      return bound_.contains(id) || !elsewhere.contains(id);
    });
  }

  const Rule& rule_;
  std::set<VariableId> bound_;
};

const char* reason_of(const Literal& literal) {
  if (std::holds_alternative<Match>(literal.node)) return "no such row";
  if (std::holds_alternative<datalog::Absent>(literal.node)) return "there is such a row";
  if (std::holds_alternative<datalog::Exists>(literal.node)) return "there are no such rows";
  if (std::holds_alternative<datalog::Filter>(literal.node)) return "it is not true";
  if (std::holds_alternative<datalog::Each>(literal.node)) return "it has no such value";
  if (std::holds_alternative<datalog::Reduce>(literal.node)) return "it has another result or none";
  return "the values differ";
}

std::string head_text(const datalog::RuleProgram& program, const Rule& rule) {
  Literal head{Match{rule.head.relation, rule.head.terms, std::nullopt}, rule.head.span};
  return datalog::print_literal(program, rule, head);
}

Expected<RuleFailure> failure_of(KnownFacts& known, RuleId id, const Fact& fact) {
  const datalog::RuleProgram& program = known.program();
  const Rule& rule = program.rule(id);
  const std::vector<datalog::Column>& columns = program.relation(fact.relation).columns;
  RuleFailure failure;
  failure.place = known.place(rule.span);
  const Rule bound =
      compiler::bound_rule(rule, known.evaluation().given_id(), known.evaluation().answers_id());
  BodyOrder body_order(bound);
  const std::vector<std::size_t> order = body_order.order();
  const std::size_t ready = body_order.ready_count(order);

  Rule question;
  question.variables = bound.variables;
  Bindings farthest;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Literal& literal = bound.body[order[i]];
    question.body.push_back(literal);
    if (i >= ready && i + 1 < order.size()) continue;
    auto found = known.instances(question, columns, fact.words);
    if (!found) return unexpected(found.error());
    if (!found->empty()) {
      farthest = std::move(found->front());
      continue;
    }
    if (i == 0) {
      failure.reason =
          fmt::format("its head {} cannot be {}", head_text(program, rule), known.text(fact));
      return failure;
    }
    // Behind the body stand the equations of the head's computed terms with the given values.
    const auto* equation = std::get_if<Bind>(&literal.node);
    const bool is_of_head =
        equation != nullptr && index_of(equation->variable) >= rule.variables.size();
    failure.literal = is_of_head ? datalog::print_expression(program, bound, equation->value)
                                 : datalog::print_literal(program, bound, literal);
    failure.values = known.with_values(bound, literal, farthest);
    failure.reason = i >= ready   ? "the conditions do not hold together"
                     : is_of_head ? "the head has another value"
                                  : reason_of(literal);
    for (const auto& [variable, words] : farthest) {
      // Those behind the rule's own were made for the question.
      if (index_of(variable) >= rule.variables.size()) continue;
      const datalog::Variable& described = bound.variables[index_of(variable)];
      if (described.name.empty() || described.name.starts_with('_')) continue;
      failure.bindings.emplace_back(described.name, known.value_text(described, words));
    }
    return failure;
  }
  // The rule gives the fact, yet it does not hold: another row took its place.
  const bool is_extremum = program.relation(fact.relation).extremum != datalog::Extremum::kNone;
  failure.reason = is_extremum ? "it gives this value, and a better one is kept"
                               : "it gives this row, and another one is kept under the key";
  return failure;
}

std::string json_text(const std::string& text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

}  // namespace

Expected<std::vector<RuleFailure>> why_not(KnownFacts& known, const Fact& fact) {
  std::vector<RuleFailure> failures;
  for (const RuleId id : known.rules_of(fact.relation)) {
    auto failure = failure_of(known, id, fact);
    if (!failure) return unexpected(failure.error());
    failures.push_back(std::move(*failure));
  }
  return failures;
}

std::string failure_text(const std::string& fact, const std::vector<RuleFailure>& failures) {
  std::string out = fact + " does not hold\n";
  if (failures.empty()) out += "  it is not stated, and no rule derives its relation\n";
  for (const RuleFailure& failure : failures) {
    out += fmt::format("  rule at {}: ", failure.place);
    if (failure.literal.empty()) {
      out += failure.reason + "\n";
      continue;
    }
    out += fmt::format("{} fails: {}\n", failure.values, failure.reason);
    std::string bindings;
    for (const auto& [name, value] : failure.bindings) {
      bindings += fmt::format("{}{} = {}", bindings.empty() ? "" : ", ", name, value);
    }
    out += fmt::format("    {}{}{}\n", failure.literal, bindings.empty() ? "" : " with ", bindings);
  }
  return out;
}

std::string failure_json(const std::string& fact, const std::vector<RuleFailure>& failures) {
  std::string out = fmt::format("{{\"fact\": {}, \"holds\": false, \"rules\": [", json_text(fact));
  for (std::size_t i = 0; i < failures.size(); ++i) {
    const RuleFailure& failure = failures[i];
    if (i > 0) out += ", ";
    out += fmt::format("{{\"place\": {}", json_text(failure.place));
    if (!failure.literal.empty()) {
      out += fmt::format(", \"fails\": {}, \"literal\": {}", json_text(failure.values),
                         json_text(failure.literal));
    }
    out += ", \"reason\": " + json_text(failure.reason) + ", \"bindings\": {";
    for (std::size_t k = 0; k < failure.bindings.size(); ++k) {
      if (k > 0) out += ", ";
      out += json_text(failure.bindings[k].first) + ": " + json_text(failure.bindings[k].second);
    }
    out += "}}";
  }
  return out + "]}\n";
}

}  // namespace entail::cli
