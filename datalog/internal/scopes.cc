#include "datalog/internal/scopes.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace entail::datalog {
namespace {

using Names = std::map<std::string, std::uint32_t>;

// Calls visit(term) for the terms of a scope itself: not those of aggregates, nor of inner bodies.
template <typename Visit>
void visit_own(CoreTerm& term, const Visit& visit);
template <typename Visit>
void visit_own(CoreBody& body, const Visit& visit);

template <typename Visit>
void visit_own(std::vector<CoreTerm>& terms, const Visit& visit) {
  for (CoreTerm& term : terms) visit_own(term, visit);
}

template <typename Visit>
void visit_own(CoreTerm& term, const Visit& visit) {
  visit(term);
  visit_own(term.args, visit);
  visit_own(term.condition, visit);
}

bool opens_scope(const CoreCondition& condition) {
  switch (condition.kind) {
    case ConditionKind::kAbsent:
      return !condition.plain;
    case ConditionKind::kExists:
    case ConditionKind::kGroup:
    case ConditionKind::kActions:
    case ConditionKind::kForEach:
    case ConditionKind::kSchedule:
      return true;
    default:
      return false;
  }
}

template <typename Visit>
void visit_own(CoreBody& body, const Visit& visit) {
  for (CoreCondition& condition : body) {
    if (condition.kind != ConditionKind::kGroup) visit_own(condition.args, visit);
    if (condition.window || condition.sequence != nullptr) visit_own(condition.keys, visit);
    if (condition.kind == ConditionKind::kGroup) {
      // What a group exports stands outside of it.
      for (CoreGroupResult& result : condition.results) visit(result.variable);
    }
    if (!opens_scope(condition)) visit_own(condition.body, visit);
  }
}

bool is_statement(const CoreCondition& condition) {
  return condition.kind > ConditionKind::kActions;
}

void mark(const CoreTerm& term, std::vector<bool>& bound) {
  switch (term.kind) {
    case TermKind::kVariable:
      if (term.variable != kNoVariable && term.variable < bound.size()) bound[term.variable] = true;
      break;
    case TermKind::kRecord:
    case TermKind::kVariant:
    case TermKind::kCast:
    case TermKind::kTyped:
      for (const CoreTerm& arg : term.args) mark(arg, bound);
      break;
    default:
      break;
  }
}

bool is_bound(const CoreTerm& term, const std::vector<bool>& bound) {
  return term.variable != kNoVariable && term.variable < bound.size() && bound[term.variable];
}

}  // namespace

bool is_evaluable(const CoreTerm& term, const std::vector<bool>& bound, const CoreTerm* excluded) {
  switch (term.kind) {
    case TermKind::kVariable:
      return is_bound(term, bound);
    case TermKind::kWildcard:
      return false;
    case TermKind::kLiteral:
    case TermKind::kCounter:
      return true;
    case TermKind::kAggregate:
      return &term != excluded;
    default:
      return std::all_of(term.args.begin(), term.args.end(),
                         [&](const CoreTerm& arg) { return is_evaluable(arg, bound, excluded); });
  }
}

std::vector<Direction> order_equations(const CoreBody& body, std::vector<bool>& bound,
                                       const CoreTerm* excluded) {
  std::vector<Direction> directions(body.size(), Direction::kCompare);
  std::vector<bool> settled(body.size(), false);
  for (std::size_t i = 0; i < body.size(); ++i) {
    const CoreCondition& condition = body[i];
    if (condition.kind == ConditionKind::kAtom || condition.kind == ConditionKind::kUnknown) {
      for (const CoreTerm& arg : condition.args) mark(arg, bound);
    } else if (condition.kind == ConditionKind::kGroup) {
      for (const CoreTerm& key : condition.keys) mark(key, bound);
      for (const CoreGroupResult& result : condition.results) mark(result.variable, bound);
    }
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < body.size(); ++i) {
      const CoreCondition& condition = body[i];
      if (settled[i]) continue;
      if (condition.kind == ConditionKind::kInArray &&
          is_evaluable(condition.args[1], bound, excluded)) {
        settled[i] = changed = true;
        directions[i] = is_evaluable(condition.args[0], bound, excluded) ? Direction::kCompare
                                                                         : Direction::kBindLeft;
        mark(condition.args[0], bound);
      }
      if (condition.kind == ConditionKind::kLet &&
          is_evaluable(condition.args[1], bound, excluded)) {
        settled[i] = changed = true;
        directions[i] = is_evaluable(condition.args[0], bound, excluded) ? Direction::kCompare
                                                                         : Direction::kBindLeft;
        mark(condition.args[0], bound);
      }
      if (condition.kind != ConditionKind::kCompare ||
          condition.compare != grammar::CompareOp::kEqual)
        continue;
      const bool left = is_evaluable(condition.args[0], bound, excluded);
      const bool right = is_evaluable(condition.args[1], bound, excluded);
      if (!left && !right) continue;
      settled[i] = changed = true;
      directions[i] = left && right ? Direction::kCompare
                                    : (right ? Direction::kBindLeft : Direction::kBindRight);
      mark(condition.args[right ? 0 : 1], bound);
      if (left) mark(condition.args[1], bound);
    }
  }
  return directions;
}

namespace {

// ---------------------------------------------------------------------------------------------------
// Numbering

class Scopes {
 public:
  Scopes(CoreClause& clause, const ScopeOptions& options, grammar::Diagnostics& diagnostics)
      : clause_(clause), options_(options), diagnostics_(diagnostics) {}

  bool run() {
    // A witness adds literals to the clause, and with them everything is looked at again.
    for (int round = 0; round < 16; ++round) {
      clause_.variables.clear();
      witness_found_ = false;
      Names visible;
      for (const std::string& parameter : options_.parameters)
        visible[parameter] = add(parameter, clause_.span);
      std::vector<bool> bound(clause_.variables.size(), true);
      homes_.clear();
      additions_.clear();
      level(clause_.body, &clause_.head_args, visible, bound, options_.head_binds);
      if (!witness_found_) break;
      for (CoreCondition& condition : additions_) addition_body_->push_back(std::move(condition));
    }
    return complete_;
  }

 private:
  std::uint32_t add(const std::string& name, grammar::SourceSpan span) {
    clause_.variables.push_back({name, span});
    return static_cast<std::uint32_t>(clause_.variables.size() - 1);
  }

  // Numbers the names of one scope and of all inside it.
  void level(CoreBody& body, std::vector<CoreTerm>* heads, Names visible, std::vector<bool> bound,
             bool head_binds = false) {
    std::set<std::uint32_t> own;
    const auto number = [&](CoreTerm& term) {
      if (term.kind != TermKind::kVariable) return;
      const auto found = visible.find(term.name);
      if (found != visible.end()) {
        term.variable = found->second;
        return;
      }
      term.variable = add(term.name, term.span);
      visible[term.name] = term.variable;
      homes_.resize(clause_.variables.size(), nullptr);
      homes_[term.variable] = &body;
      own.insert(term.variable);
    };
    if (heads != nullptr) visit_own(*heads, number);
    visit_own(body, number);
    number_group_keys(body, visible, own);
    bound.resize(clause_.variables.size(), false);
    if (heads != nullptr && head_binds) {
      for (const CoreTerm& head : *heads) mark(head, bound);
    }
    std::vector<bool> inside = bound;
    order_equations(body, inside);
    inner_scopes(body, heads, visible, bound, inside);
    if (witness_found_) return;
    report_early_uses(body, own);
    report(body, heads, own, inside);
  }

  // Statements run in their order: a name has no value before its `let`.
  void report_early_uses(CoreBody& body, std::set<std::uint32_t>& own) {
    std::set<std::uint32_t> to_come;
    for (const CoreCondition& condition : body) {
      if (condition.kind == ConditionKind::kLet && own.contains(condition.args[0].variable))
        to_come.insert(condition.args[0].variable);
    }
    if (to_come.empty()) return;
    for (CoreCondition& condition : body) {
      const bool is_let = condition.kind == ConditionKind::kLet;
      const auto check = [&](CoreTerm& term) {
        if (term.kind != TermKind::kVariable || !to_come.contains(term.variable)) return;
        diagnostics_.error(term.span, "'" + term.name + "' is used before its `let`");
        to_come.erase(term.variable);
        complete_ = false;
      };
      for (std::size_t i = is_let ? 1 : 0; i < condition.args.size(); ++i)
        visit_term(condition.args[i], true, check);
      visit_terms(condition.body, true, check);
      if (is_let) to_come.erase(condition.args[0].variable);
    }
  }

  // `by card` exports the variable card; inside the group the name means a variable of the group.
  void number_group_keys(CoreBody& body, Names& visible, std::set<std::uint32_t>& own) {
    for (CoreCondition& condition : body) {
      if (condition.kind != ConditionKind::kGroup) continue;
      for (CoreTerm& key : condition.keys) {
        const auto found = visible.find(key.name);
        if (found != visible.end()) {
          key.variable = found->second;
        } else {
          key.variable = add(key.name, key.span);
          visible[key.name] = key.variable;
          own.insert(key.variable);
        }
      }
    }
  }

  void inner_scopes(CoreBody& body, std::vector<CoreTerm>* heads, const Names& visible,
                    const std::vector<bool>& outer, const std::vector<bool>& bound) {
    const auto aggregates = [&](CoreTerm& term) {
      if (term.kind == TermKind::kAggregate && !witness_found_)
        aggregate(term, body, visible, outer, bound);
    };
    if (heads != nullptr) visit_own(*heads, aggregates);
    // A witness appends to the body, so positions are used here, and the round ends at once.
    for (std::size_t i = 0; i < body.size() && !witness_found_; ++i) {
      if (body[i].kind != ConditionKind::kGroup) visit_own(body[i].args, aggregates);
      if (witness_found_) return;
      if (body[i].kind == ConditionKind::kGroup) {
        group(body[i], visible, bound);
      } else if (opens_scope(body[i])) {
        level(body[i].body, nullptr, visible, bound);
      } else if (body[i].kind == ConditionKind::kBranch) {
        for (CoreCondition& part : body[i].body) level(part.body, nullptr, visible, bound);
      } else if (!body[i].body.empty()) {
        visit_own(body[i].body, aggregates);
      }
    }
  }

  void group(CoreCondition& condition, Names visible, const std::vector<bool>& bound) {
    // Keys and results of the group hide outer names inside it.
    for (const CoreTerm& key : condition.keys) visible.erase(key.name);
    for (const CoreGroupResult& result : condition.results) visible.erase(result.variable.name);
    // Its keys and targets are terms of the inner scope, like a head there.
    std::vector<CoreTerm> inner = condition.args;
    for (CoreGroupResult& result : condition.results) {
      for (CoreTerm& target : result.target) inner.push_back(target);
    }
    level(condition.body, &inner, visible, bound);
    std::size_t at = 0;
    for (CoreTerm& key : condition.args) key = inner[at++];
    for (CoreGroupResult& result : condition.results) {
      for (CoreTerm& target : result.target) target = inner[at++];
    }
  }

  // `outer`: what is bound without the body's own equations; `settled`: with them, this aggregate's value too.
  void aggregate(CoreTerm& term, CoreBody& outer_body, const Names& visible,
                 const std::vector<bool>& outer, const std::vector<bool>& settled) {
    CoreAggregate& core = *term.aggregate;
    std::vector<bool> bound = outer;
    bound.resize(clause_.variables.size(), false);
    order_equations(outer_body, bound, &term);
    Names inner = visible;
    const bool plain_target =
        core.target.size() == 1 && core.target.front().kind == TermKind::kVariable;
    visit_own(core.target, [&](CoreTerm& target) {
      if (target.kind != TermKind::kVariable) return;
      const auto found = visible.find(target.name);
      const bool has_value =
          found != visible.end() && found->second < settled.size() && settled[found->second];
      if (found != visible.end() && (plain_target || has_value)) inner.erase(target.name);
    });

    // Names that mean an outer variable which nothing outside binds.
    std::set<std::string> open;
    const auto collect = [&](CoreTerm& used) {
      if (used.kind != TermKind::kVariable) return;
      const auto found = inner.find(used.name);
      if (found != inner.end() && !bound[found->second]) open.insert(used.name);
    };
    visit_own(core.body, collect);
    visit_own(core.target, collect);
    if (!open.empty() && find_witnesses(term, core, outer_body, inner, bound, open)) return;
    level(core.body, core.target.empty() ? nullptr : &core.target, inner, bound);
  }

  bool find_witnesses(CoreTerm& term, CoreAggregate& core, CoreBody& outer_body, const Names& inner,
                      const std::vector<bool>& outer, const std::set<std::string>& open) {
    // What the body binds by itself, seen with the outer names.
    Names names = inner;
    std::uint32_t next = static_cast<std::uint32_t>(clause_.variables.size());
    visit_own(core.body, [&](CoreTerm& used) {
      if (used.kind != TermKind::kVariable) return;
      const auto [place, fresh] = names.emplace(used.name, next);
      if (fresh) ++next;
      used.variable = place->second;
    });
    std::vector<bool> bound = outer;
    bound.resize(next, false);
    order_equations(core.body, bound);
    std::vector<std::string> witnesses;
    for (const std::string& name : open) {
      if (bound[names.at(name)]) witnesses.push_back(name);
    }
    if (witnesses.empty()) return false;
    if (core.op != AggregateOp::kMin && core.op != AggregateOp::kMax) {
      for (const std::string& name : witnesses) {
        diagnostics_.error(
            term.span,
            "'" + name + "' is bound only inside the aggregate, and a " +
                std::string(core.op == AggregateOp::kCount ? "count"
                            : core.op == AggregateOp::kSum ? "sum"
                                                           : "mean") +
                " has no one row to take it from",
            "Bind '" + name + "' outside of the aggregate, or use another name inside.");
      }
      complete_ = false;
      return false;
    }
    export_witnesses(term, core, outer_body, names, outer, witnesses);
    return true;
  }

  // Repeats the body outside of the aggregate with the result in place of the target, and makes the
  // witnesses names of the aggregate's own.
  void export_witnesses(CoreTerm& term, CoreAggregate& core, CoreBody& outer_body,
                        const Names& names, const std::vector<bool>& outer,
                        const std::vector<std::string>& witnesses) {
    const std::string number = std::to_string(witness_count_++);
    const std::string result = "_extremum#" + number;
    CoreBody copy = core.body;
    CoreTerm target = core.target.front();
    const std::set<std::string> kept(witnesses.begin(), witnesses.end());
    const auto rename_copy = [&](CoreTerm& used) {
      if (used.kind != TermKind::kVariable || kept.contains(used.name)) return;
      const auto found = names.find(used.name);
      const bool injected =
          found != names.end() && found->second < outer.size() && outer[found->second];
      if (target.kind == TermKind::kVariable && used.name == target.name) {
        used.name = result;
      } else if (!injected) {
        used.name += "#w" + number;
      }
    };
    if (target.kind != TermKind::kVariable) {
      CoreTerm value = target;
      visit_own(value, rename_copy);
      visit_terms(copy, true, rename_copy);
      CoreCondition equation;
      equation.kind = ConditionKind::kCompare;
      equation.span = term.span;
      equation.args = {CoreTerm::make_variable(result, term.span), std::move(value)};
      copy.push_back(std::move(equation));
    } else {
      visit_terms(copy, true, rename_copy);
    }
    const auto rename_inner = [&](CoreTerm& used) {
      if (used.kind == TermKind::kVariable && kept.contains(used.name)) used.name += "#i" + number;
    };
    visit_terms(core.target, true, rename_inner);
    visit_terms(core.body, true, rename_inner);
    CoreCondition definition;
    definition.kind = ConditionKind::kCompare;
    definition.span = term.span;
    CoreTerm aggregate_term = term;
    term = CoreTerm::make_variable(result, term.span);
    definition.args = {term, std::move(aggregate_term)};
    definition.generated = true;
    // The bodies are being walked: what joins one waits for the end of the round.
    const std::uint32_t home = names.at(witnesses.front());
    addition_body_ = home < homes_.size() && homes_[home] != nullptr ? homes_[home] : &outer_body;
    additions_.push_back(std::move(definition));
    for (CoreCondition& condition : copy) {
      condition.generated = true;
      additions_.push_back(std::move(condition));
    }
    witness_found_ = true;
  }

  void report(CoreBody& body, std::vector<CoreTerm>* heads, const std::set<std::uint32_t>& own,
              const std::vector<bool>& bound) {
    std::set<std::uint32_t> reported;
    const auto check = [&](CoreTerm& term) {
      if (term.kind != TermKind::kVariable || term.variable == kNoVariable) return;
      if (!own.contains(term.variable) || bound[term.variable] ||
          !reported.insert(term.variable).second)
        return;
      complete_ = false;
      if (!body.empty() && is_statement(body.back())) {
        diagnostics_.error(term.span, "'" + term.name + "' has no value here",
                           "Bind it in the conditions of the rule, or with `let`.");
        return;
      }
      if (clause_.is_fact) {
        diagnostics_.error(term.span,
                           "a fact is made of constants, and '" + term.name + "' is a variable");
        return;
      }
      diagnostics_.error(
          term.span, term.name + " is not bound by a positive literal",
          "Every variable needs a column of a relation, or an equation, that gives it a value.");
    };
    if (heads != nullptr) visit_own(*heads, check);
    visit_own(body, check);
  }

  CoreClause& clause_;
  const ScopeOptions& options_;
  grammar::Diagnostics& diagnostics_;
  bool witness_found_ = false;
  std::vector<CoreBody*> homes_;          // By variable: the body it belongs to.
  std::vector<CoreCondition> additions_;  // Witness literals of the round, for addition_body_.
  CoreBody* addition_body_ = nullptr;
  bool complete_ = true;
  int witness_count_ = 0;
};

}  // namespace

bool assign_variables(CoreClause& clause, const ScopeOptions& options,
                      grammar::Diagnostics& diagnostics) {
  return Scopes(clause, options, diagnostics).run();
}

}  // namespace entail::datalog
