#include "compiler/internal/query_rewrite.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "compiler/internal/rule_parts.h"
#include "datalog/body_walk.h"

namespace entail::compiler::internal {

namespace {

using datalog::Body;
using datalog::Expression;
using datalog::ExpressionOp;
using datalog::Literal;
using datalog::VariableId;

// More alternatives than this are worth a relation even where no index helps.
constexpr std::size_t kAlternativesMax = 16;

// Whether what SQL finds equal has equal words: an interval of a month is one of 30 days, and a numeric
// may carry zeros that are only displayed. (Of floats only the reverse is false.)
bool identity_is_equality(vm::Type type) {
  return type.kind != vm::TypeKind::kInterval && type != vm::Type::displayed_numeric() &&
         type.kind != vm::TypeKind::kArray && type.kind != vm::TypeKind::kRecord;
}

bool is_variable(const Expression& e) { return e.op == ExpressionOp::kVariable; }

bool is_ground(const Expression& e) {
  return e.op != ExpressionOp::kAutoIncrement && !raises(e) && datalog::variables_of(e).empty();
}

void split(Expression condition, ExpressionOp op, std::vector<Expression>& parts) {
  if (condition.op != op) {
    parts.push_back(std::move(condition));
    return;
  }
  for (Expression& part : condition.arguments) split(std::move(part), op, parts);
}

class Rewriter {
 public:
  Rewriter(datalog::RuleProgram& program, const LooksUp& looks_up)
      : program_(program), looks_up_(looks_up) {}

  void run() {
    const std::size_t count = program_.rules.size();
    for (std::size_t i = 0; i < count; ++i) {
      // Adding rules moves them.
      datalog::Rule rule = std::move(program_.rules[i]);
      rewrite(rule, rule.body);
      program_.rules[i] = std::move(rule);
    }
    program_.strata.insert(program_.strata.begin(), added_.begin(), added_.end());
  }

 private:
  void rewrite(const datalog::Rule& rule, Body& body) {
    Body result;
    std::vector<datalog::Match> atoms;
    for (const Literal& literal : body) {
      if (const auto* match = std::get_if<datalog::Match>(&literal.node)) atoms.push_back(*match);
    }
    for (Literal& literal : body) {
      if (auto* absent = std::get_if<datalog::Absent>(&literal.node)) rewrite(rule, absent->body);
      if (auto* exists = std::get_if<datalog::Exists>(&literal.node)) rewrite(rule, exists->body);
      if (auto* reduce = std::get_if<datalog::Reduce>(&literal.node)) rewrite(rule, reduce->body);
      if (auto* rank = std::get_if<datalog::Rank>(&literal.node)) rewrite(rule, rank->body);
      if (auto* pattern = std::get_if<datalog::Pattern>(&literal.node)) {
        rewrite(rule, pattern->body);
      }
      auto* filter = std::get_if<datalog::Filter>(&literal.node);
      if (filter == nullptr) {
        result.push_back(std::move(literal));
        continue;
      }
      std::vector<Expression> parts;
      split(std::move(filter->condition), ExpressionOp::kAnd, parts);
      for (Expression& part : parts) {
        if (auto atom = alternatives(rule, atoms, part)) {
          result.push_back({std::move(*atom), literal.span});
        } else {
          equate(std::move(part), literal.span, result);
        }
      }
    }
    body = std::move(result);
  }

  static void equate(Expression condition, const datalog::SourceSpan& span, Body& into) {
    const bool equal = condition.op == ExpressionOp::kEqual;
    if ((!equal && condition.op != ExpressionOp::kIdentical) || raises(condition) ||
        !(condition.arguments[0].type == condition.arguments[1].type) ||
        (equal && !identity_is_equality(condition.arguments[0].type)) ||
        (!is_variable(condition.arguments[0]) && !is_variable(condition.arguments[1]))) {
      into.push_back({datalog::Filter{std::move(condition)}, span});
      return;
    }
    const Expression* variable = &condition.arguments[0];
    const Expression* value = &condition.arguments[1];
    if (!is_variable(*variable)) std::swap(variable, value);
    const vm::TypeKind kind = variable->type.kind;
    const bool is_float = kind == vm::TypeKind::kFloat4 || kind == vm::TypeKind::kFloat8;
    into.push_back({datalog::Bind{variable->variable, *value}, span});
    if (equal && variable->nullable && value->nullable && !is_float) {
      Expression there;
      there.op = ExpressionOp::kIsNotNull;
      there.type = vm::Type::boolean();
      there.arguments.push_back(*variable);
      into.push_back({datalog::Filter{std::move(there)}, span});
    }
    if (equal && is_float) into.push_back({datalog::Filter{std::move(condition)}, span});
  }

  // The atom that takes the place of `x = a or x = b …`.
  std::optional<datalog::Match> alternatives(const datalog::Rule& rule,
                                             const std::vector<datalog::Match>& atoms,
                                             const Expression& condition) {
    if (condition.op != ExpressionOp::kOr) return std::nullopt;
    std::vector<Expression> parts;
    split(condition, ExpressionOp::kOr, parts);
    std::optional<Expression> sought;
    std::vector<Expression> values;
    for (const Expression& part : parts) {
      if (part.op != ExpressionOp::kEqual || raises(part)) return std::nullopt;
      const bool left = is_variable(part.arguments[0]);
      const Expression& variable = part.arguments[left ? 0 : 1];
      const Expression& value = part.arguments[left ? 1 : 0];
      if (!is_variable(variable) || !is_ground(value) || !(variable.type == value.type)) {
        return std::nullopt;
      }
      if (sought && sought->variable != variable.variable) return std::nullopt;
      sought = variable;
      values.push_back(value);
    }
    const vm::TypeKind kind = sought->type.kind;
    if (!identity_is_equality(sought->type) || kind == vm::TypeKind::kFloat4 ||
        kind == vm::TypeKind::kFloat8) {
      return std::nullopt;
    }
    bool worth = values.size() > kAlternativesMax;
    for (const datalog::Match& match : atoms) {
      for (std::uint32_t c = 0; c < match.terms.size() && !worth; ++c) {
        worth = is_variable(match.terms[c]) && match.terms[c].variable == sought->variable &&
                looks_up_(match.relation, c);
      }
    }
    if (!worth) return std::nullopt;
    return atom_of(rule, *sought, std::move(values));
  }

  datalog::Match atom_of(const datalog::Rule& rule, const Expression& sought,
                         std::vector<Expression> values) {
    const auto id = static_cast<datalog::RelationId>(program_.relations.size());
    datalog::Relation relation;
    relation.name = "_" + program_.relation(rule.head.relation).name + "_values" +
                    std::to_string(datalog::index_of(id));
    relation.auxiliary = true;
    relation.columns.push_back({"value", sought.type, false, sought.span});
    datalog::Stratum stratum;
    stratum.relations = {id};
    for (Expression& value : values) {
      if (value.op == ExpressionOp::kNull) continue;
      stratum.rules.push_back(static_cast<datalog::RuleId>(program_.rules.size()));
      datalog::Rule one;
      one.name = relation.name;
      one.span = sought.span;
      one.head.relation = id;
      one.head.span = sought.span;
      one.head.terms.push_back(std::move(value));  // A null has no place in the column.
      program_.rules.push_back(std::move(one));
    }
    program_.relations.push_back(std::move(relation));
    added_.push_back(std::move(stratum));
    datalog::Match match;
    match.relation = id;
    match.terms.push_back(sought);
    return match;
  }

  datalog::RuleProgram& program_;
  const LooksUp& looks_up_;
  std::vector<datalog::Stratum> added_;
};

}  // namespace

void rewrite_conditions(datalog::RuleProgram& program, const LooksUp& looks_up) {
  Rewriter(program, looks_up).run();
}

}  // namespace entail::compiler::internal
