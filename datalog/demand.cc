#include "datalog/demand.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "datalog/body_walk.h"
#include "datalog/internal/adornment.h"
#include "datalog/internal/factoring.h"
#include "datalog/stratify.h"
#include "vm/base/ensure.h"

namespace entail::datalog {

namespace {

using internal::AdornedProgram;
using internal::AdornedRule;
using internal::Mask;

// What takes the place of the program's relations and of its rules that have a body.
struct Derivation {
  std::vector<Relation> relations;
  std::vector<Rule> rules;
  RelationId answer{};
};

class Specialiser {
 public:
  Specialiser(RuleProgram program, const DemandQuery& query)
      : program_(std::move(program)), query_(query) {
    const Relation& asked = program_.relation(query.relation);
    ENTAIL_ENSURE(query.arguments.size() == asked.columns.size());
    for (std::size_t i = 0; i < asked.columns.size(); ++i) {
      const auto& argument = query.arguments[i];
      mask_.push_back(argument && argument->op == ExpressionOp::kConstant &&
                      !asked.columns[i].nullable);
      asks_for_something_ = asks_for_something_ || argument.has_value();
    }
  }

  DemandedProgram run() {
    if (can_bind()) {
      using enum internal::UnderNegation;
      // The more is demanded the better, but a demand that closes a cycle through negation is none.
      for (const bool factored : {true, false}) {
        for (const auto under_negation : {kDemand, kComplete}) {
          if (auto derivation = with_demands(under_negation, factored))
            return finish(std::move(*derivation));
        }
      }
    }
    return finish(completely());
  }

 private:
  bool can_bind() const {
    const bool derived =
        std::any_of(program_.rules.begin(), program_.rules.end(), [&](const Rule& rule) {
          return rule.head.relation == query_.relation && !rule.body.empty();
        });
    return derived && std::count(mask_.begin(), mask_.end(), true) > 0 &&
           internal::adornable_relations(program_)[index_of(query_.relation)];
  }

  std::optional<Derivation> with_demands(internal::UnderNegation under_negation,
                                         bool factored) const {
    std::optional<AdornedProgram> adorned =
        internal::adorn(program_, query_.relation, mask_, under_negation);
    if (!adorned) return std::nullopt;
    const internal::AdornedRelation asked = adorned->adorned[0];
    RelationId source = asked.answers;
    bool all_columns = true;
    if (factored) {
      auto result = internal::factor(*adorned);
      if (!result) return std::nullopt;
      adorned = std::move(result->program);
      source = result->reached;
      all_columns = false;
    }
    Derivation derivation;
    derivation.relations = std::move(adorned->relations);
    for (const Rule& rule : program_.rules) {
      if (!rule.body.empty() && adorned->complete.count(rule.head.relation) > 0)
        derivation.rules.push_back(rule);
    }
    derivation.rules.push_back(seed(asked.demands));
    for (AdornedRule& made : adorned->demand_rules)
      derivation.rules.push_back(std::move(made.rule));
    for (AdornedRule& made : adorned->answer_rules)
      derivation.rules.push_back(std::move(made.rule));
    add_answer(derivation, source, all_columns);

    // Stated facts have no part in whether it can be stratified.
    RuleProgram trial;
    trial.relations = derivation.relations;
    trial.rules = derivation.rules;
    grammar::Diagnostics diagnostics;
    if (!stratify(trial, diagnostics)) return std::nullopt;
    return derivation;
  }

  Derivation completely() const {
    Derivation derivation;
    derivation.relations = program_.relations;
    derivation.answer = query_.relation;
    const auto reached = internal::reachable_from(program_, {query_.relation});
    for (const Rule& rule : program_.rules) {
      if (!rule.body.empty() && reached.count(rule.head.relation) > 0)
        derivation.rules.push_back(rule);
    }
    if (asks_for_something_) add_answer(derivation, query_.relation, true);
    return derivation;
  }

  Rule seed(RelationId demands) const {
    Rule rule;
    rule.head.relation = demands;
    for (std::size_t i = 0; i < mask_.size(); ++i) {
      if (mask_[i]) rule.head.terms.push_back(*query_.arguments[i]);
    }
    rule.name = "the question";
    return rule;
  }

  // answer.path(99990, y) :- path^bf(99990, y).      or, factored,
  // answer.path(99990, y) :- reached.path^bf(y).
  void add_answer(Derivation& derivation, RelationId source, bool all_columns) const {
    const Relation& asked = program_.relation(query_.relation);
    Relation answer;
    answer.name = "answer." + asked.name;
    answer.columns = asked.columns;
    answer.collection = asked.collection;
    answer.auxiliary = true;
    answer.span = asked.span;
    Rule rule;
    Match match{source, {}, {}};
    Body tests;
    for (std::size_t i = 0; i < asked.columns.size(); ++i) {
      const Column& column = asked.columns[i];
      const auto& argument = query_.arguments[i];
      Expression term;
      if (argument && argument->op == ExpressionOp::kConstant) {
        term = *argument;
      } else {
        term.op = ExpressionOp::kVariable;
        term.variable = VariableId{static_cast<std::uint32_t>(rule.variables.size())};
        term.type = column.type;
        term.nullable = column.nullable;
        rule.variables.push_back({column.name, column.type, column.nullable, column.span});
        if (argument) tests.push_back({Filter{is_null(term)}, argument->span});
      }
      if (all_columns || !mask_[i]) match.terms.push_back(term);
      rule.head.terms.push_back(std::move(term));
    }
    derivation.answer = RelationId{static_cast<std::uint32_t>(derivation.relations.size())};
    derivation.relations.push_back(std::move(answer));
    rule.head.relation = derivation.answer;
    rule.body.push_back({std::move(match), asked.span});
    std::move(tests.begin(), tests.end(), std::back_inserter(rule.body));
    rule.name = "the answer";
    derivation.rules.push_back(std::move(rule));
  }

  static Expression is_null(const Expression& term) {
    Expression test;
    test.op = ExpressionOp::kIsNull;
    test.type = vm::Type::boolean();
    test.arguments = {term};
    return test;
  }

  DemandedProgram finish(Derivation derivation) {
    std::set<RelationId> used = {derivation.answer};
    for (const Rule& rule : derivation.rules) {
      used.insert(rule.head.relation);
      walk_rule_matches(rule, [&](const Match& match, Reading) { used.insert(match.relation); });
    }
    std::vector<Rule> rules;
    for (Rule& rule : program_.rules) {
      if (rule.body.empty() && used.count(rule.head.relation) > 0) rules.push_back(std::move(rule));
    }
    std::move(derivation.rules.begin(), derivation.rules.end(), std::back_inserter(rules));
    program_.rules = std::move(rules);
    program_.relations = std::move(derivation.relations);
    std::erase_if(program_.directives, [&](const Directive& directive) {
      const bool feeds = directive.kind == DirectiveKind::kInput ||
                         directive.kind == DirectiveKind::kSource ||
                         directive.kind == DirectiveKind::kLimitSize;
      return !feeds || used.count(directive.relation) == 0;
    });
    program_.productions.clear();
    program_.procedures.clear();
    program_.queries.clear();
    grammar::Diagnostics diagnostics;
    const bool stratified = stratify(program_, diagnostics);
    ENTAIL_ENSURE(stratified);
    return {std::move(program_), derivation.answer};
  }

  RuleProgram program_;
  const DemandQuery& query_;
  Mask mask_;  // By column: bound by the query, and never null.
  bool asks_for_something_ = false;
};

}  // namespace

DemandedProgram demand(RuleProgram program, const DemandQuery& query) {
  return Specialiser(std::move(program), query).run();
}

}  // namespace entail::datalog
