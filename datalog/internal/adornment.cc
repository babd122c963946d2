#include "datalog/internal/adornment.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "datalog/body_walk.h"
#include "vm/base/plant.h"

namespace entail::datalog::internal {

namespace {

using VariableSet = std::set<VariableId>;

bool includes(const VariableSet& all, const VariableSet& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

// Whether evaluating it can give a value that no relation holds. A field of a known record is
// known.
bool creates_values(const Expression& expression) {
  switch (expression.op) {
    case ExpressionOp::kVariable:
    case ExpressionOp::kConstant:
    case ExpressionOp::kNull:
      return false;
    case ExpressionOp::kField:
      return creates_values(expression.arguments[0]);
    default:
      return true;
  }
}

bool mentions_field(const Expression& expression) {
  return expression.op == ExpressionOp::kField ||
         std::any_of(expression.arguments.begin(), expression.arguments.end(), mentions_field);
}

// A field has a value once the filters before it hold; nothing else that can fail may run early.
bool can_fail_but_for_fields(const Expression& expression) {
  return (expression.op != ExpressionOp::kField && operation_can_fail(expression)) ||
         std::any_of(expression.arguments.begin(), expression.arguments.end(),
                     can_fail_but_for_fields);
}

std::string adornment_text(const Mask& mask) {
  std::string out = "^";
  for (const bool bound : mask) out += bound ? 'b' : 'f';
  return out;
}

Expression variable_expression(const std::vector<Variable>& variables, VariableId id) {
  Expression expression;
  expression.op = ExpressionOp::kVariable;
  expression.variable = id;
  expression.type = variables[index_of(id)].type;
  expression.nullable = variables[index_of(id)].nullable;
  return expression;
}

// p(x, y) :- p(x, y), …   derives nothing that is not there.
bool says_nothing(const Rule& rule) {
  return std::any_of(rule.body.begin(), rule.body.end(), [&](const Literal& literal) {
    const auto* match = std::get_if<Match>(&literal.node);
    if (match == nullptr || match->relation != rule.head.relation) return false;
    for (std::size_t i = 0; i < match->terms.size(); ++i) {
      const Expression& read = match->terms[i];
      const Expression& derived = rule.head.terms[i];
      if (read.op != ExpressionOp::kVariable || derived.op != read.op ||
          derived.variable != read.variable) {
        return false;
      }
    }
    return true;
  });
}

class Adorner {
 public:
  Adorner(const RuleProgram& program, UnderNegation under_negation)
      : program_(program),
        under_negation_(under_negation),
        rules_of_(program.relations.size()),
        adornable_(adornable_relations(program)) {
    for (std::size_t i = 0; i < program.rules.size(); ++i) {
      const Rule& rule = program.rules[i];
      if (!rule.body.empty() && !says_nothing(rule))
        rules_of_[index_of(rule.head.relation)].push_back(i);
    }
  }

  // Whenever a relation turns out to be needed completely, what was made for parts of it is moot,
  // so the pass is repeated with that known; the set only grows.
  std::optional<AdornedProgram> run(RelationId relation, const Mask& mask) {
    for (;;) {
      if (complete_.count(relation) > 0) return std::nullopt;
      result_ = {};
      result_.relations = program_.relations;
      result_.complete = complete_;
      known_.clear();
      newly_complete_.clear();
      request(relation, mask);
      for (std::size_t i = 0; i < result_.adorned.size(); ++i) adorn_relation(i);
      if (newly_complete_.empty()) return std::move(result_);
      newly_complete_.insert(complete_.begin(), complete_.end());
      complete_ = reachable_from(program_, newly_complete_);
    }
  }

 private:
  // What is known where a literal stands.
  struct Known {
    VariableSet bound;     // Have a value.
    VariableSet grounded;  // Have a value that came from a relation, not only from a demand.
  };

  bool is_stored(RelationId id) const {
    return rules_of_[index_of(id)].empty() || complete_.count(id) > 0;
  }

  std::size_t request(RelationId id, const Mask& mask) {
    const auto [found, is_new] = known_.emplace(std::make_pair(id, mask), result_.adorned.size());
    if (!is_new) return found->second;
    const Relation& original = program_.relation(id);
    Relation answers;
    answers.name = original.name + adornment_text(mask);
    answers.columns = original.columns;
    answers.auxiliary = true;
    answers.span = original.span;
    Relation demands;
    demands.name = "demanded." + answers.name;
    for (std::size_t i = 0; i < mask.size(); ++i) {
      if (mask[i]) demands.columns.push_back(original.columns[i]);
    }
    demands.auxiliary = true;
    demands.span = original.span;
    const auto position = static_cast<std::uint32_t>(result_.relations.size());
    result_.adorned.push_back({id, mask, RelationId{position}, RelationId{position + 1}});
    result_.relations.push_back(std::move(answers));
    result_.relations.push_back(std::move(demands));
    return found->second;
  }

  void adorn_relation(std::size_t position) {
    const AdornedRelation adorned = result_.adorned[position];  // A copy: requests move the vector.
    add_stated_part(position, adorned);
    for (const std::size_t rule : rules_of_[index_of(adorned.original)]) {
      adorn_rule(program_.rules[rule], position, adorned);
    }
  }

  // path^bf(x, y) :- demanded.path^bf(x), path(x, y).   where path holds its stated facts only
  void add_stated_part(std::size_t position, const AdornedRelation& adorned) {
    const Relation& original = program_.relation(adorned.original);
    Rule rule;
    Match demands{adorned.demands, {}, {}};
    for (std::size_t i = 0; i < original.columns.size(); ++i) {
      const Column& column = original.columns[i];
      rule.variables.push_back({column.name, column.type, column.nullable, column.span});
      const VariableId id{static_cast<std::uint32_t>(i)};
      rule.head.terms.push_back(variable_expression(rule.variables, id));
      if (adorned.mask[i]) demands.terms.push_back(rule.head.terms.back());
    }
    rule.head.relation = adorned.answers;
    rule.body.push_back({std::move(demands), original.span});
    rule.body.push_back({Match{adorned.original, rule.head.terms, {}}, original.span});
    rule.name = original.name + " as stated";
    rule.span = rule.head.span = original.span;
    result_.answer_rules.push_back({std::move(rule), position});
  }

  void adorn_rule(const Rule& original, std::size_t position, const AdornedRelation& adorned) {
    Rule rule;
    rule.head = original.head;
    rule.head.relation = adorned.answers;
    rule.variables = original.variables;
    rule.name = original.name + adornment_text(adorned.mask);
    rule.span = original.span;

    Match demands{adorned.demands, {}, {}};
    Body comparisons;  // Head terms that are no variables are compared with what was demanded.
    Known known;
    for (std::size_t i = 0; i < adorned.mask.size(); ++i) {
      if (!adorned.mask[i]) continue;
      const Expression& term = original.head.terms[i];
      if (term.op == ExpressionOp::kVariable || term.op == ExpressionOp::kConstant) {
        demands.terms.push_back(term);
        if (term.op == ExpressionOp::kVariable) known.bound.insert(term.variable);
      } else if (can_fail(term) || term.nullable) {
        Expression any;
        any.type = term.type;
        demands.terms.push_back(std::move(any));
      } else {
        const VariableId fresh{static_cast<std::uint32_t>(rule.variables.size())};
        rule.variables.push_back({"_d" + std::to_string(i), term.type, false, term.span});
        demands.terms.push_back(variable_expression(rule.variables, fresh));
        comparisons.push_back({Bind{fresh, term}, term.span});
        known.bound.insert(fresh);
      }
    }
    rule.body.push_back({std::move(demands), original.head.span});
    current_ = &rule;
    current_from_ = position;
    Body body = spread(original.body, known, rule.body, Reading::kPositive);
    std::move(body.begin(), body.end(), std::back_inserter(rule.body));
    std::move(comparisons.begin(), comparisons.end(), std::back_inserter(rule.body));
    drop_unused_variables(rule);
    result_.answer_rules.push_back({std::move(rule), position});
  }

  // Puts the body into an order in which known values spread, and gives each derived relation it
  // reads the demands that follow from what stands before it: `context`, then the literals already
  // placed.
  Body spread(const Body& original, Known known, Body context, Reading reading) {
    Body placed;
    std::vector<bool> done(original.size(), false);
    for (;;) {
      const std::optional<std::size_t> next = choose(original, done, known);
      if (!next) break;
      done[*next] = true;
      Literal literal = original[*next];
      if (auto* match = std::get_if<Match>(&literal.node)) {
        read(*match, known, context, reading);
        for (const VariableId variable : exported_variables(literal))
          known.grounded.insert(variable);
      }
      for (const VariableId variable : exported_variables(literal)) known.bound.insert(variable);
      context.push_back(literal);
      placed.push_back(std::move(literal));
    }
    // What is left are tests with bodies of their own and what can fail: as written, behind the
    // rest.
    for (std::size_t i = 0; i < original.size(); ++i) {
      if (done[i]) continue;
      Literal literal = original[i];
      spread_inner(literal, known, context, reading);
      placed.push_back(std::move(literal));
    }
    return placed;
  }

  void spread_inner(Literal& literal, const Known& known, const Body& context, Reading reading) {
    if (auto* absent = std::get_if<Absent>(&literal.node)) {
      absent->body = spread(absent->body, known, context, Reading::kComplete);
    } else if (auto* exists = std::get_if<Exists>(&literal.node)) {
      exists->body = spread(exists->body, known, context, reading);
    } else if (auto* reduce = std::get_if<Reduce>(&literal.node)) {
      reduce->body = spread(reduce->body, known, context, Reading::kComplete);
    } else {
      walk_matches(literal, [&](const Match& match, Reading) { need_completely(match.relation); });
    }
  }

  // The literal to place next; nothing when only those remain that are placed as written.
  std::optional<std::size_t> choose(const Body& body, const std::vector<bool>& done,
                                    const Known& known) const {
    std::optional<std::size_t> best;
    std::pair<int, int> best_rank{100, 0};  // Class, then how many terms are not bound.
    bool filters_before_done = true;
    for (std::size_t i = 0; i < body.size(); ++i) {
      if (done[i]) continue;
      const auto rank = rank_of(body[i], known, filters_before_done);
      if (rank && *rank < best_rank) {
        best = i;
        best_rank = *rank;
      }
      if (std::holds_alternative<Filter>(body[i].node)) filters_before_done = false;
    }
    return best;
  }

  std::optional<std::pair<int, int>> rank_of(const Literal& literal, const Known& known,
                                             bool filters_before_done) const {
    constexpr int kTest = 0, kStoredBound = 1, kDerivedBound = 2, kGenerate = 3, kStored = 4,
                  kDerived = 5;
    auto may_run_early = [&](const Expression& expression) {
      return !can_fail_but_for_fields(expression) &&
             (filters_before_done || !mentions_field(expression)) &&
             includes(known.bound, variables_of(expression));
    };
    if (const auto* match = std::get_if<Match>(&literal.node)) {
      int bound = 0, not_bound = 0;
      for (const Expression& term : match->terms) ++(is_bound(term, known) ? bound : not_bound);
      const bool stored = is_stored(match->relation);
      if (bound > 0 || not_bound == 0)
        return std::pair{stored ? kStoredBound : kDerivedBound, not_bound};
      return std::pair{stored ? kStored : kDerived, not_bound};
    }
    if (const auto* filter = std::get_if<Filter>(&literal.node)) {
      if (may_run_early(filter->condition)) return std::pair{kTest, 0};
    } else if (const auto* bind = std::get_if<Bind>(&literal.node)) {
      if (may_run_early(bind->value) &&
          (!creates_values(bind->value) || includes(known.grounded, variables_of(bind->value)))) {
        return std::pair{kTest, 0};
      }
      if (bind->value.op == ExpressionOp::kVariable && known.bound.count(bind->variable) > 0) {
        return std::pair{kTest, 0};
      }
    } else if (const auto* each = std::get_if<Each>(&literal.node)) {
      const bool early =
          std::all_of(each->arguments.begin(), each->arguments.end(), [&](const Expression& e) {
            return may_run_early(e) && includes(known.grounded, variables_of(e));
          });
      if (early) return std::pair{kGenerate, 0};
    }
    return std::nullopt;
  }

  static bool is_bound(const Expression& term, const Known& known) {
    return term.op == ExpressionOp::kConstant || term.op == ExpressionOp::kNull ||
           (term.op == ExpressionOp::kVariable && known.bound.count(term.variable) > 0);
  }

  // Lets the match read only what is demanded of its relation, if that can be.
  void read(Match& match, const Known& known, const Body& context, Reading reading) {
    if (is_stored(match.relation)) return;
    const Relation& relation = program_.relation(match.relation);
    Mask mask(match.terms.size(), false);
    bool any = false;
    for (std::size_t i = 0; i < match.terms.size(); ++i) {
      // Nulls are not demanded: variables and columns may differ in whether they hold any.
      mask[i] = is_bound(match.terms[i], known) && !match.terms[i].nullable &&
                !relation.columns[i].nullable;
      any = any || mask[i];
    }
    const bool refused =
        reading == Reading::kComplete && under_negation_ == UnderNegation::kComplete;
    if (!any || refused || match.row || !adornable_[index_of(match.relation)]) {
      return need_completely(match.relation);
    }
    const AdornedRelation& adorned = result_.adorned[request(match.relation, mask)];
    add_demand_rule(match, adorned, context);
    match.relation = adorned.answers;
  }

  void add_demand_rule(const Match& match, const AdornedRelation& adorned, const Body& context) {
    if (ENTAIL_PLANT_BUG(13) && context.size() > 1) return;
    Rule rule;
    rule.head.relation = adorned.demands;
    for (std::size_t i = 0; i < match.terms.size(); ++i) {
      if (adorned.mask[i]) rule.head.terms.push_back(match.terms[i]);
    }
    rule.body = context;
    if (is_repetition(rule)) return;
    rule.variables = current_->variables;
    rule.name = result_.relations[index_of(adorned.demands)].name;
    rule.span = rule.head.span = current_->span;
    drop_unused_variables(rule);
    result_.demand_rules.push_back({std::move(rule), current_from_});
  }

  // demanded(x) :- demanded(x), …   says nothing.
  static bool is_repetition(const Rule& rule) {
    const auto* first = std::get_if<Match>(&rule.body.front().node);
    if (first == nullptr || first->relation != rule.head.relation) return false;
    for (std::size_t i = 0; i < first->terms.size(); ++i) {
      const Expression& a = first->terms[i];
      const Expression& b = rule.head.terms[i];
      if (a.op != ExpressionOp::kVariable || b.op != a.op || a.variable != b.variable) return false;
    }
    return true;
  }

  void need_completely(RelationId id) {
    if (!is_stored(id)) newly_complete_.insert(id);
  }

  const RuleProgram& program_;
  const UnderNegation under_negation_;
  std::vector<std::vector<std::size_t>> rules_of_;  // By relation: its rules that have a body.
  const std::vector<bool> adornable_;               // By relation.
  AdornedProgram result_;
  std::map<std::pair<RelationId, Mask>, std::size_t> known_;
  std::set<RelationId> complete_, newly_complete_;
  const Rule* current_ = nullptr;
  std::size_t current_from_ = 0;
};

}  // namespace

std::vector<bool> adornable_relations(const RuleProgram& program) {
  std::vector<bool> adornable;
  for (const Relation& relation : program.relations) {
    adornable.push_back(relation.collection == Collection::kSet && !relation.equivalence &&
                        relation.key.empty() && relation.extremum == Extremum::kNone &&
                        !relation.stream);
  }
  for (const Directive& directive : program.directives) {
    if (directive.kind == DirectiveKind::kLimitSize)
      adornable[index_of(directive.relation)] = false;
  }
  for (const Rule& rule : program.rules) {
    if (rule.body.empty()) continue;
    walk_rule_expressions(rule, [&](const Expression& expression) {
      if (expression.op == ExpressionOp::kAutoIncrement)
        adornable[index_of(rule.head.relation)] = false;
    });
  }
  return adornable;
}

std::optional<AdornedProgram> adorn(const RuleProgram& program, RelationId relation,
                                    const Mask& mask, UnderNegation under_negation) {
  return Adorner(program, under_negation).run(relation, mask);
}

std::set<RelationId> reachable_from(const RuleProgram& program,
                                    const std::set<RelationId>& relations) {
  std::map<RelationId, std::set<RelationId>> reads;
  for (const Rule& rule : program.rules) {
    if (rule.body.empty()) continue;
    auto& read = reads[rule.head.relation];
    walk_rule_matches(rule, [&](const Match& match, Reading) { read.insert(match.relation); });
  }
  std::set<RelationId> reached = relations;
  std::vector<RelationId> frontier(relations.begin(), relations.end());
  while (!frontier.empty()) {
    const RelationId at = frontier.back();
    frontier.pop_back();
    for (const RelationId next : reads[at]) {
      if (reached.insert(next).second) frontier.push_back(next);
    }
  }
  return reached;
}

void drop_unused_variables(Rule& rule) {
  std::map<VariableId, VariableId> renumbered;
  walk_rule_variables(rule, [&](const VariableId& id) { renumbered.emplace(id, VariableId{}); });
  std::vector<Variable> variables;
  for (auto& [old_id, new_id] : renumbered) {
    new_id = VariableId{static_cast<std::uint32_t>(variables.size())};
    variables.push_back(rule.variables[index_of(old_id)]);
  }
  rule.variables = std::move(variables);
  walk_rule_variables(rule, [&](VariableId& id) { id = renumbered.at(id); });
}

}  // namespace entail::datalog::internal
