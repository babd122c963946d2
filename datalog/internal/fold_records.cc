#include "datalog/internal/fold_records.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace entail::datalog {
namespace {

bool is_equation(const CoreCondition& condition) {
  return condition.kind == ConditionKind::kCompare &&
         condition.compare == grammar::CompareOp::kEqual;
}

bool is_comparison(const CoreCondition& condition) {
  return is_equation(condition) || (condition.kind == ConditionKind::kCompare &&
                                    condition.compare == grammar::CompareOp::kNotEqual);
}

bool is_record_pair(const CoreTerm& left, const CoreTerm& right) {
  return left.kind == TermKind::kRecord && right.kind == TermKind::kRecord &&
         left.args.size() == right.args.size();
}

const std::string& leader(std::map<std::string, std::string>& classes, const std::string& name) {
  const std::string* current = &classes.try_emplace(name, name).first->second;
  while (*current != classes.at(*current)) current = &classes.at(*current);
  return *current;
}

}  // namespace

void equate(const CoreTerm& left, const CoreTerm& right, grammar::SourceSpan span, CoreBody& out) {
  if (left.kind == TermKind::kWildcard || right.kind == TermKind::kWildcard) return;
  if (left.kind == TermKind::kVariable && right.kind == TermKind::kVariable &&
      left.name == right.name)
    return;
  if (is_record_pair(left, right)) {
    for (std::size_t i = 0; i < left.args.size(); ++i)
      equate(left.args[i], right.args[i], span, out);
    return;
  }
  CoreCondition equation;
  equation.kind = ConditionKind::kCompare;
  equation.span = span;
  equation.args = {left, right};
  equation.generated = true;
  out.push_back(std::move(equation));
}

namespace {

// One pass. True when something was taken apart: parts may now meet other records.
bool fold_once(CoreBody& body, const std::vector<CoreTerm>& heads) {
  const auto holds_record = [](const CoreCondition& condition) {
    return condition.kind == ConditionKind::kCompare &&
           std::any_of(condition.args.begin(), condition.args.end(),
                       [](const CoreTerm& t) { return t.kind == TermKind::kRecord; });
  };
  if (std::none_of(body.begin(), body.end(), holds_record)) return false;
  bool changed = false;

  // Names that occur in some other place than as one whole side of an equation.
  std::set<std::string> elsewhere;
  const auto note = [&](CoreTerm& term) {
    if (term.kind == TermKind::kVariable) elsewhere.insert(term.name);
  };
  std::vector<CoreTerm> head_copy = heads;
  visit_terms(head_copy, true, note);
  std::map<std::string, std::string> classes;
  for (CoreCondition& condition : body) {
    const bool sides =
        is_comparison(condition) &&
        std::all_of(condition.args.begin(), condition.args.end(), [](const CoreTerm& t) {
          return t.kind == TermKind::kVariable || t.kind == TermKind::kRecord;
        });
    if (!sides) {
      CoreBody single{condition};
      visit_terms(single, true, note);
      continue;
    }
    for (CoreTerm& side : condition.args) visit_terms(side.args, true, note);
    if (is_equation(condition) && condition.args[0].kind == TermKind::kVariable &&
        condition.args[1].kind == TermKind::kVariable) {
      const std::string first = leader(classes, condition.args[0].name);
      classes[leader(classes, condition.args[1].name)] = first;
    }
  }
  std::set<std::string> known;  // Classes with a member that has a type from elsewhere.
  for (const std::string& name : elsewhere) known.insert(leader(classes, name));

  std::set<std::string> with_record;
  for (const CoreCondition& condition : body) {
    if (!is_equation(condition)) continue;
    for (std::size_t side = 0; side < 2; ++side) {
      if (condition.args[side].kind == TermKind::kVariable &&
          condition.args[1 - side].kind == TermKind::kRecord) {
        with_record.insert(leader(classes, condition.args[side].name));
      }
    }
  }

  // The first record of each class stands for its variables.
  std::map<std::string, CoreTerm> records;
  const auto is_untyped = [&](const CoreTerm& term) {
    return term.kind == TermKind::kVariable && !known.contains(leader(classes, term.name)) &&
           with_record.contains(leader(classes, term.name));
  };
  CoreBody result;
  CoreBody inequalities;
  for (CoreCondition& condition : body) {
    if (!is_equation(condition)) {
      (is_comparison(condition) ? inequalities : result).push_back(std::move(condition));
      continue;
    }
    const CoreTerm& left = condition.args[0];
    const CoreTerm& right = condition.args[1];
    const bool nothing_said =
        (left.kind == TermKind::kWildcard && right.kind == TermKind::kRecord) ||
        (right.kind == TermKind::kWildcard && left.kind == TermKind::kRecord);
    if (is_record_pair(left, right)) {
      equate(left, right, condition.span, result);
      changed = true;
    } else if (nothing_said || (is_untyped(left) && right.kind == TermKind::kVariable)) {
      changed = true;  // `_ = [1]`, or two names of one class.
    } else if ((is_untyped(left) && right.kind == TermKind::kRecord) ||
               (is_untyped(right) && left.kind == TermKind::kRecord)) {
      const CoreTerm& variable = left.kind == TermKind::kVariable ? left : right;
      const CoreTerm& record = left.kind == TermKind::kVariable ? right : left;
      const auto [place, fresh] = records.emplace(leader(classes, variable.name), record);
      if (!fresh) equate(place->second, record, condition.span, result);
      changed = true;
    } else {
      result.push_back(std::move(condition));
    }
  }
  for (CoreCondition& condition : inequalities) {
    for (CoreTerm& side : condition.args) {
      if (is_untyped(side)) side = records.at(leader(classes, side.name));
    }
    if (is_record_pair(condition.args[0], condition.args[1])) {
      // Not equal: some part differs.
      CoreCondition all;
      all.kind = ConditionKind::kAnd;
      all.span = condition.span;
      equate(condition.args[0], condition.args[1], condition.span, all.body);
      if (all.body.empty()) all.kind = ConditionKind::kConstant;
      condition.kind = ConditionKind::kNot;
      condition.args.clear();
      condition.body.push_back(std::move(all));
    }
    result.push_back(std::move(condition));
  }
  body = std::move(result);
  return changed;
}

}  // namespace

void fold_records(CoreBody& body, const std::vector<CoreTerm>& heads) {
  while (fold_once(body, heads)) {
  }
}

}  // namespace entail::datalog
