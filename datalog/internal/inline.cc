#include "datalog/internal/inline.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "datalog/internal/fold_records.h"

namespace entail::datalog {
namespace {

constexpr std::size_t kExpansionMax = 10'000;  // Clauses that one clause may become.

class Inliner {
 public:
  Inliner(std::vector<CoreClause> clauses, Environment& environment)
      : clauses_(std::move(clauses)), environment_(environment) {
    for (const CoreClause& clause : clauses_) {
      if (is_definition(clause)) definitions_[clause.head].push_back(&clause);
    }
  }

  std::vector<CoreClause> run() {
    const bool any = std::any_of(environment_.infos.begin(), environment_.infos.end(),
                                 [](const RelationInfo& info) { return info.inlined; });
    if (!any) return std::move(clauses_);
    check_counters();
    check_negations();
    if (!check_circles()) return {};
    std::vector<CoreClause> result;
    for (const CoreClause& clause : clauses_) {
      if (is_definition(clause)) continue;
      expand(clause, result);
    }
    // Kept relations may use others in turn.
    for (std::size_t i = 0; i < kept_order_.size(); ++i) {
      for (const CoreClause* clause : definitions_[kept_order_[i]]) expand(*clause, result);
    }
    return result;
  }

 private:
  bool is_definition(const CoreClause& clause) const {
    return !clause.is_production && environment_.infos[index_of(clause.head)].inlined;
  }
  bool is_inlined(RelationId id) const {
    return environment_.infos[index_of(id)].inlined && !kept_.contains(id);
  }

  void check_counters() {
    const auto check = [&](std::vector<CoreTerm>& terms, const char* what) {
      visit_terms(terms, true, [&](CoreTerm& term) {
        if (term.kind == TermKind::kCounter) {
          environment_.diagnostics.error(
              term.span, std::string("a counter cannot stand in ") + what + " that is inlined");
        }
      });
    };
    for (CoreClause& clause : clauses_) {
      if (is_definition(clause)) {
        check(clause.head_args, "a clause");
        for (CoreCondition& condition : clause.body) check(condition.args, "a clause");
      }
      visit_conditions(clause.body, [&](CoreCondition& condition) {
        if (condition.kind == ConditionKind::kAtom && is_inlined(condition.relation))
          check(condition.args, "an atom");
      });
    }
  }

  void check_negations() {
    std::set<RelationId> introducing;
    for (auto& [relation, definitions] : definitions_) {
      for (const CoreClause* definition : definitions) {
        CoreClause copy = *definition;
        std::set<std::string> head;
        visit_terms(copy.head_args, true, [&](CoreTerm& term) {
          if (term.kind == TermKind::kVariable) head.insert(term.name);
        });
        visit_terms(copy.body, true, [&](CoreTerm& term) {
          if (term.kind == TermKind::kVariable && !head.contains(term.name))
            introducing.insert(relation);
        });
      }
    }
    for (CoreClause& clause : clauses_) {
      visit_conditions(clause.body, [&](CoreCondition& condition) {
        if (condition.kind != ConditionKind::kAbsent || !condition.plain || condition.body.empty())
          return;
        CoreCondition& atom = condition.body.front();
        if (atom.kind != ConditionKind::kAtom || !is_inlined(atom.relation)) return;
        if (introducing.contains(atom.relation)) {
          environment_.diagnostics.error(
              condition.span,
              "'" + atom.relation_name +
                  "' is inline and has variables of its own, so it cannot be negated",
              "Declare '" + atom.relation_name + "' without `inline`.");
        }
        visit_terms(atom.args, false, [&](CoreTerm& term) {
          if (term.kind == TermKind::kWildcard) {
            environment_.diagnostics.error(
                term.span,
                "'" + atom.relation_name + "' is inline, so its negation cannot have a `_`");
          }
        });
      });
    }
  }

  bool check_circles() {
    std::map<RelationId, std::set<RelationId>> uses;
    for (CoreClause& clause : clauses_) {
      if (!is_definition(clause)) continue;
      visit_conditions(clause.body, [&](CoreCondition& condition) {
        if (condition.kind == ConditionKind::kAtom && is_inlined(condition.relation))
          uses[clause.head].insert(condition.relation);
      });
    }
    for (const auto& [start, direct] : uses) {
      std::set<RelationId> seen;
      std::vector<RelationId> open(direct.begin(), direct.end());
      while (!open.empty()) {
        const RelationId current = open.back();
        open.pop_back();
        if (current == start) {
          const Relation& relation = environment_.program.relation(start);
          environment_.diagnostics.error(relation.span,
                                         "'" + relation.name + "' is inline and uses itself");
          return false;
        }
        if (!seen.insert(current).second) continue;
        for (const RelationId next : uses[current]) open.push_back(next);
      }
    }
    return true;
  }

  void expand(const CoreClause& clause, std::vector<CoreClause>& result) {
    std::vector<CoreClause> open{clause};
    std::size_t made = 0;
    while (!open.empty()) {
      CoreClause current = std::move(open.back());
      open.pop_back();
      std::vector<CoreBody> bodies;
      if (!expand_first(current.body, bodies)) {
        result.push_back(std::move(current));
        if (++made > kExpansionMax) {
          environment_.diagnostics.error(
              clause.span,
              "inlining makes more than " + std::to_string(kExpansionMax) + " rules of this one");
          return;
        }
        continue;
      }
      for (std::size_t i = bodies.size(); i-- > 0;) {
        CoreClause next = current;
        next.plan.reset();
        next.broken |= broken_;
        next.body = std::move(bodies[i]);
        open.push_back(std::move(next));
      }
    }
  }

  // Expands the first inline atom of the body. False when there is none.
  bool expand_first(const CoreBody& body, std::vector<CoreBody>& bodies) {
    for (std::size_t i = 0; i < body.size(); ++i) {
      const CoreCondition& condition = body[i];
      if (condition.kind == ConditionKind::kAtom && is_inlined(condition.relation)) {
        for (const CoreClause* definition : definitions_[condition.relation]) {
          broken_ |= definition->broken;
          bodies.push_back(spliced(body, i, instance(*definition, condition.args, condition.span)));
        }
        return true;
      }
      if (condition.kind == ConditionKind::kAbsent && condition.plain && !condition.body.empty() &&
          condition.body.front().kind == ConditionKind::kAtom &&
          is_inlined(condition.body.front().relation)) {
        CoreBody absences;
        const CoreCondition& atom = condition.body.front();
        for (const CoreClause* definition : definitions_[atom.relation]) {
          broken_ |= definition->broken;
          absences.push_back(absence(instance(*definition, atom.args, atom.span), condition.span));
        }
        bodies.push_back(spliced(body, i, std::move(absences)));
        return true;
      }
      std::vector<CoreBody> inner;
      if (!condition.body.empty() && expand_first(condition.body, inner)) {
        CoreBody replaced;
        // A group has one body, and an `if` runs one of its blocks once.
        const bool one_only =
            condition.kind == ConditionKind::kGroup || condition.kind == ConditionKind::kBranch;
        if (one_only && inner.size() != 1) {
          keep_first(condition.body);
          return expand_first(body, bodies);
        }
        for (CoreBody& alternative : inner) {
          CoreCondition copy = condition;
          copy.plain = false;
          copy.body = std::move(alternative);
          replaced.push_back(std::move(copy));
        }
        if (condition.kind == ConditionKind::kExists && replaced.size() != 1) {
          for (CoreCondition& alternative : replaced)
            bodies.push_back(spliced(body, i, {alternative}));
        } else {
          bodies.push_back(spliced(body, i, std::move(replaced)));
        }
        return true;
      }
      CoreCondition copy = condition;
      bool changed = false;
      for (CoreTerm& arg : copy.args) changed |= expand_aggregates(arg);
      if (changed) {
        bodies.push_back(spliced(body, i, {std::move(copy)}));
        return true;
      }
    }
    return false;
  }

  bool expand_aggregates(CoreTerm& term) {
    bool changed = false;
    for (CoreTerm& arg : term.args) changed |= expand_aggregates(arg);
    if (!term.aggregate) return changed;
    std::vector<CoreBody> bodies;
    if (!expand_first((*term.aggregate).body, bodies)) return changed;
    if (bodies.size() != 1) {
      // Alternatives inside an aggregate have no form: the relation is evaluated.
      keep_first((*term.aggregate).body);
      return expand_aggregates(term) || changed;
    }
    (*term.aggregate).body = std::move(bodies.front());
    return true;
  }

  void keep_first(const CoreBody& body) {
    CoreBody copy = body;
    bool done = false;
    visit_conditions(copy, [&](CoreCondition& condition) {
      if (done || condition.kind != ConditionKind::kAtom || !is_inlined(condition.relation)) return;
      done = true;
      if (kept_.insert(condition.relation).second) kept_order_.push_back(condition.relation);
    });
  }

  static CoreBody spliced(const CoreBody& body, std::size_t at, CoreBody replacement) {
    CoreBody result(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(at));
    for (CoreCondition& condition : replacement) result.push_back(std::move(condition));
    result.insert(result.end(), body.begin() + static_cast<std::ptrdiff_t>(at) + 1, body.end());
    return result;
  }

  // The definition's body with its head equal to `args`, its other variables renamed apart.
  CoreBody instance(const CoreClause& definition, const std::vector<CoreTerm>& args,
                    grammar::SourceSpan span) {
    CoreClause copy = definition;
    const std::string suffix = "#" + std::to_string(environment_.invented++);
    std::map<std::string, CoreTerm> substitution;
    CoreBody result;
    for (std::size_t i = 0; i < copy.head_args.size(); ++i) {
      const CoreTerm& head = copy.head_args[i];
      const bool simple = args[i].kind == TermKind::kVariable || args[i].kind == TermKind::kLiteral;
      if (head.kind == TermKind::kVariable && simple) substitution.emplace(head.name, args[i]);
    }
    const auto rename = [&](CoreTerm& term) {
      if (term.kind != TermKind::kVariable) return;
      const auto found = substitution.find(term.name);
      if (found == substitution.end()) {
        term.name += suffix;
      } else {
        const std::uint32_t slot = term.slot;
        term = found->second;
        term.slot = slot;
      }
    };
    std::vector<CoreTerm> heads = copy.head_args;
    visit_terms(heads, true, rename);
    visit_terms(copy.body, true, rename);
    for (std::size_t i = 0; i < heads.size(); ++i) {
      // The atom that told the record's type is gone: the value keeps it.
      const SourceTypeId type = environment_.info(definition.head).column_types[i];
      const bool record = type != kNoSourceType &&
                          environment_.types.at(type).form == SourceForm::kRecord &&
                          heads[i].kind == TermKind::kRecord && args[i].kind != TermKind::kRecord;
      if (record) {
        CoreTerm typed;
        typed.kind = TermKind::kTyped;
        typed.type = type;
        typed.span = heads[i].span;
        typed.args.push_back(heads[i]);
        heads[i] = std::move(typed);
      }
      equate(args[i], heads[i], span, result);
    }
    for (CoreCondition& condition : copy.body) result.push_back(std::move(condition));
    return result;
  }

  static bool is_expression(const CoreCondition& condition) {
    switch (condition.kind) {
      case ConditionKind::kCompare:
      case ConditionKind::kTest:
      case ConditionKind::kConstant:
      case ConditionKind::kNullTest:
      case ConditionKind::kInList:
      case ConditionKind::kInRange:
      case ConditionKind::kAnd:
      case ConditionKind::kOr:
      case ConditionKind::kNot:
        return true;
      default:
        return false;
    }
  }

  static CoreCondition absence(CoreBody body, grammar::SourceSpan span) {
    CoreCondition condition;
    condition.span = span;
    if (body.empty()) {
      condition.value = false;
      return condition;
    }
    if (body.size() == 1 && body.front().kind == ConditionKind::kAtom) {
      condition.kind = ConditionKind::kAbsent;
      condition.plain = true;
      condition.body = std::move(body);
      return condition;
    }
    if (std::all_of(body.begin(), body.end(), is_expression)) {
      CoreCondition all;
      all.kind = ConditionKind::kAnd;
      all.span = span;
      all.body = std::move(body);
      condition.kind = ConditionKind::kNot;
      condition.body.push_back(std::move(all));
      return condition;
    }
    condition.kind = ConditionKind::kAbsent;
    condition.body = std::move(body);
    return condition;
  }

  std::vector<CoreClause> clauses_;
  Environment& environment_;
  std::map<RelationId, std::vector<const CoreClause*>> definitions_;
  bool broken_ =
      false;  // Some definition that was used is not sound: what it went into is not either.
  std::set<RelationId> kept_;
  std::vector<RelationId> kept_order_;
};

}  // namespace

std::vector<CoreClause> expand_inline(std::vector<CoreClause> clauses, Environment& environment) {
  return Inliner(std::move(clauses), environment).run();
}

}  // namespace entail::datalog
