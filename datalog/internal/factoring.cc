#include "datalog/internal/factoring.h"

#include <algorithm>
#include <set>
#include <utility>

#include "datalog/body_walk.h"

namespace entail::datalog::internal {

namespace {

using Terms = std::vector<Expression>;

Terms columns_of(const Terms& terms, const Mask& mask, bool bound) {
  Terms out;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (mask[i] == bound) out.push_back(terms[i]);
  }
  return out;
}

// Whether both lists are the same variables, each once.
bool same_variables(const Terms& left, const Terms& right) {
  std::set<VariableId> seen;
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i].op != ExpressionOp::kVariable || right[i].op != ExpressionOp::kVariable)
      return false;
    if (left[i].variable != right[i].variable || !seen.insert(left[i].variable).second)
      return false;
  }
  return true;
}

// Whether each of the terms is a variable that the rule mentions exactly so often.
bool mentioned(const Rule& rule, const Terms& terms, std::ptrdiff_t times) {
  std::vector<VariableId> mentions;
  walk_rule_variables(rule, [&](const VariableId& id) { mentions.push_back(id); });
  return std::all_of(terms.begin(), terms.end(), [&](const Expression& term) {
    return std::count(mentions.begin(), mentions.end(), term.variable) == times;
  });
}

class Factorer {
 public:
  explicit Factorer(const AdornedProgram& program)
      : program_(program), asked_(program.adorned[0]) {}

  std::optional<Factored> run() {
    if (!only_its_own_rules_read_it()) return std::nullopt;
    Factored result{program_, RelationId{static_cast<std::uint32_t>(program_.relations.size())}};
    reached_ = result.reached;
    result.program.relations.push_back(reached_relation());
    result.program.answer_rules.clear();
    result.program.demand_rules.clear();
    for (const AdornedRule& made : program_.answer_rules) {
      if (made.from != 0) {
        result.program.answer_rules.push_back(made);
        continue;
      }
      Rule rule = made.rule;
      if (!factor_rule(rule)) return std::nullopt;
      result.program.answer_rules.push_back({std::move(rule), 0});
    }
    for (const AdornedRule& made : program_.demand_rules) {
      if (made.rule.head.relation == asked_.demands) continue;  // Exact ones took their place.
      AdornedRule copy = made;
      if (made.from == 0) rewrite_context(copy.rule);
      result.program.demand_rules.push_back(std::move(copy));
    }
    return result;
  }

 private:
  bool reads_answers(const Rule& rule) const {
    bool reads = false;
    walk_rule_matches(
        rule, [&](const Match& match, Reading) { reads |= match.relation == asked_.answers; });
    return reads;
  }

  bool only_its_own_rules_read_it() const {
    auto foreign = [&](const AdornedRule& made) {
      return made.from != 0 &&
             (made.rule.head.relation == asked_.demands || reads_answers(made.rule));
    };
    return std::none_of(program_.answer_rules.begin(), program_.answer_rules.end(), foreign) &&
           std::none_of(program_.demand_rules.begin(), program_.demand_rules.end(), foreign);
  }

  Relation reached_relation() const {
    const Relation& answers = program_.relations[index_of(asked_.answers)];
    Relation relation;
    relation.name = "reached." + answers.name;
    for (std::size_t i = 0; i < asked_.mask.size(); ++i) {
      if (!asked_.mask[i]) relation.columns.push_back(answers.columns[i]);
    }
    relation.auxiliary = true;
    relation.span = answers.span;
    return relation;
  }

  const Match* as_recursive(const Literal& literal) const {
    const auto* match = std::get_if<Match>(&literal.node);
    return match != nullptr && match->relation == asked_.answers ? match : nullptr;
  }

  // Gives the rule its factored form; false if it has none.
  bool factor_rule(Rule& rule) const {
    const Terms head_bound = columns_of(rule.head.terms, asked_.mask, true);
    const Terms head_free = columns_of(rule.head.terms, asked_.mask, false);
    const Match *left = nullptr, *right = nullptr;
    Body rest;
    for (std::size_t i = 1; i < rule.body.size(); ++i) {
      const Match* recursive = as_recursive(rule.body[i]);
      if (recursive == nullptr) {
        rest.push_back(rule.body[i]);
        continue;
      }
      const bool is_left =
          same_variables(columns_of(recursive->terms, asked_.mask, true), head_bound);
      const bool is_right =
          same_variables(columns_of(recursive->terms, asked_.mask, false), head_free);
      if (is_left && left == nullptr) {
        left = recursive;
      } else if (is_right && right == nullptr) {
        right = recursive;
      } else {
        return false;
      }
    }
    Rule inner;  // To see whether a reading hides in an inner body.
    inner.body = rest;
    if (reads_answers(inner)) return false;
    // Handed through means: in the head, in the demand (left only) and in the recursive literal.
    if (left != nullptr && !mentioned(rule, head_bound, 3)) return false;
    if (right != nullptr && !mentioned(rule, head_free, 2)) return false;

    Literal source = rule.body[0];
    if (left != nullptr)
      source.node = Match{reached_, columns_of(left->terms, asked_.mask, false), {}};
    Head head = rule.head;
    head.relation = right != nullptr ? asked_.demands : reached_;
    head.terms = right != nullptr ? columns_of(right->terms, asked_.mask, true) : head_free;
    rest.insert(rest.begin(), std::move(source));
    rule.body = std::move(rest);
    rule.head = std::move(head);
    rule.name = "reached " + rule.name;
    drop_unused_variables(rule);
    return true;
  }

  // Demands of other relations follow from a prefix of a rule that was factored. A right literal in
  // it adds nothing they use; a left one stands for the demand and the answers at once.
  void rewrite_context(Rule& rule) const {
    Body body = {rule.body[0]};
    const Terms demanded = std::get<Match>(rule.body[0].node).terms;
    for (std::size_t i = 1; i < rule.body.size(); ++i) {
      const Match* recursive = as_recursive(rule.body[i]);
      if (recursive == nullptr) {
        body.push_back(rule.body[i]);
      } else if (same_variables(columns_of(recursive->terms, asked_.mask, true), demanded)) {
        body[0].node = Match{reached_, columns_of(recursive->terms, asked_.mask, false), {}};
      }
    }
    rule.body = std::move(body);
    drop_unused_variables(rule);
  }

  const AdornedProgram& program_;
  const AdornedRelation& asked_;
  RelationId reached_{};
};

}  // namespace

std::optional<Factored> factor(const AdornedProgram& program) { return Factorer(program).run(); }

}  // namespace entail::datalog::internal
