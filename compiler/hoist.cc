#include "compiler/hoist.h"

#include <algorithm>
#include <set>
#include <utility>

#include "compiler/internal/rule_parts.h"
#include "datalog/body_walk.h"

namespace entail::compiler {

namespace {

using datalog::Body;
using datalog::Literal;
using datalog::Reduce;
using datalog::RelationId;
using datalog::RuleId;
using datalog::VariableId;

class Hoister {
 public:
  explicit Hoister(datalog::RuleProgram& program) : program_(program) {}

  void run() {
    for (std::size_t s = 0; s < program_.strata.size(); ++s) {
      const std::vector<RuleId> rules = program_.strata[s].rules;
      std::vector<datalog::Stratum> added;
      for (const RuleId id : rules) {
        if (program_.strata[s].recursive) flatten_exists(id, program_.strata[s].relations);
        rewrite_rule(id, added);
      }
      program_.strata.insert(program_.strata.begin() + static_cast<std::ptrdiff_t>(s),
                             added.begin(), added.end());
      s += added.size();
    }
  }

 private:
  void flatten_exists(RuleId id, const std::vector<RelationId>& growing) {
    internal::flatten_exists(
        program_.rules[datalog::index_of(id)].body, [&](const datalog::Exists& exists) {
          bool grows = false;
          for (const Literal& literal : exists.body) {
            datalog::walk_matches(literal, [&](const datalog::Match& match, datalog::Reading) {
              grows = grows ||
                      std::find(growing.begin(), growing.end(), match.relation) != growing.end();
            });
          }
          return grows;
        });
  }

  void rewrite_rule(RuleId id, std::vector<datalog::Stratum>& added) {
    datalog::Rule rule = std::move(program_.rules[datalog::index_of(id)]);
    std::set<VariableId> head;
    for (const datalog::Expression& term : rule.head.terms) head.merge(datalog::variables_of(term));
    rewrite_body(rule, rule.body, head, /*inner=*/false, added);
    program_.rules[datalog::index_of(id)] = std::move(rule);
  }

  // `outside` holds the variables that occur outside this body.
  void rewrite_body(const datalog::Rule& rule, Body& body, const std::set<VariableId>& outside,
                    bool inner, std::vector<datalog::Stratum>& added) {
    for (std::size_t i = 0; i < body.size(); ++i) {
      std::set<VariableId> around = outside;
      for (std::size_t k = 0; k < body.size(); ++k) {
        if (k != i) around.merge(datalog::variables_of(body[k]));
      }
      if (auto* absent = std::get_if<datalog::Absent>(&body[i].node)) {
        rewrite_body(rule, absent->body, around, true, added);
      } else if (auto* exists = std::get_if<datalog::Exists>(&body[i].node)) {
        rewrite_body(rule, exists->body, around, true, added);
      } else if (auto* rank = std::get_if<datalog::Rank>(&body[i].node)) {
        rewrite_body(rule, rank->body, around, true, added);
        if (inner || body.size() > 1) body[i] = move_out(rule, body[i], around, added);
      } else if (auto* pattern = std::get_if<datalog::Pattern>(&body[i].node)) {
        rewrite_body(rule, pattern->body, around, true, added);
        if (inner || body.size() > 1) body[i] = move_out(rule, body[i], around, added);
      } else if (auto* reduce = std::get_if<Reduce>(&body[i].node)) {
        rewrite_body(rule, reduce->body, around, true, added);
        const bool per_group = reduce->form == datalog::ReduceForm::kPerGroup;
        const bool beside_atom = std::any_of(body.begin(), body.end(), [](const Literal& literal) {
          return std::holds_alternative<datalog::Match>(literal.node);
        });
        if (per_group ? (inner || body.size() > 1)
                      : (!inner && beside_atom && knows_nothing_of(*reduce, around))) {
          body[i] = move_out(rule, body[i], around, added);
        }
      }
    }
  }

  static bool knows_nothing_of(const Reduce& reduce, const std::set<VariableId>& around) {
    std::set<VariableId> used = datalog::variables_of(reduce.body);
    for (const datalog::Aggregate& aggregate : reduce.aggregates) {
      used.merge(datalog::variables_of_arguments(aggregate));
    }
    return std::none_of(used.begin(), used.end(),
                        [&](VariableId variable) { return around.count(variable) != 0; });
  }

  Literal move_out(const datalog::Rule& rule, const Literal& literal,
                   const std::set<VariableId>& around, std::vector<datalog::Stratum>& added) {
    std::vector<VariableId> exported;
    if (const auto* reduce = std::get_if<Reduce>(&literal.node)) {
      for (const datalog::GroupKey& key : reduce->keys) exported.push_back(key.result);
      for (const datalog::Aggregate& aggregate : reduce->aggregates) {
        exported.push_back(aggregate.result);
      }
    } else {
      for (const VariableId variable : datalog::exported_variables(literal)) {
        if (around.count(variable) != 0) exported.push_back(variable);
      }
    }

    const auto relation_id = static_cast<RelationId>(program_.relations.size());
    const auto rule_id = static_cast<RuleId>(program_.rules.size());
    datalog::Relation relation;
    const bool is_pattern = std::holds_alternative<datalog::Pattern>(literal.node);
    const bool keeps_rows = is_pattern || std::holds_alternative<datalog::Rank>(literal.node);
    relation.name = "_" + program_.relation(rule.head.relation).name +
                    (is_pattern   ? "_matches"
                     : keeps_rows ? "_rank"
                                  : "_group") +
                    std::to_string(datalog::index_of(relation_id));
    // A ranking keeps rows, not values, and a pattern has a row for each match.
    if (keeps_rows) relation.collection = datalog::Collection::kBag;
    relation.auxiliary = true;
    relation.span = literal.span;
    datalog::Rule moved;
    moved.name = relation.name;
    moved.variables = rule.variables;
    moved.span = literal.span;
    moved.head.relation = relation_id;
    moved.head.span = literal.span;
    datalog::Match match;
    match.relation = relation_id;
    for (const VariableId variable : exported) {
      const datalog::Variable& described = rule.variables[datalog::index_of(variable)];
      relation.columns.push_back(
          {described.name, described.type, described.nullable, described.span});
      moved.head.terms.push_back(internal::variable_term(rule, variable));
      match.terms.push_back(internal::variable_term(rule, variable));
    }
    moved.body.push_back(literal);
    program_.relations.push_back(std::move(relation));
    program_.rules.push_back(std::move(moved));
    added.push_back({{relation_id}, {rule_id}, false});
    return Literal{std::move(match), literal.span};
  }

  datalog::RuleProgram& program_;
};

}  // namespace

void hoist_reductions(datalog::RuleProgram& program) { Hoister(program).run(); }

}  // namespace entail::compiler
