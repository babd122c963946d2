// The structural check of a standing form.

#include <algorithm>
#include <vector>

#include "compiler/internal/rule_parts.h"
#include "compiler/standing_form.h"
#include "datalog/body_walk.h"
#include "vm/base/ensure.h"

namespace entail::compiler {

namespace {

using datalog::ExpressionOp;
using datalog::RelationId;
using datalog::RuleId;
using internal::VariableSet;

class FormVerifier {
 public:
  explicit FormVerifier(const StandingForm& form)
      : form_(form), program_(form.program), place_of_(program_.relations.size(), kNowhere) {}

  void run() {
    ENTAIL_ENSURE(form_.stated_in.size() <= program_.relations.size());
    for (const RelationId id : form_.stated_in)
      ENTAIL_ENSURE(datalog::index_of(id) < program_.relations.size());
    ENTAIL_ENSURE(form_.strata.size() == program_.strata.size());
    std::vector<bool> placed(program_.rules.size(), false);
    for (here_ = 0; here_ < form_.strata.size(); ++here_) {
      const StandingStratum& stratum = form_.strata[here_];
      ENTAIL_ENSURE(stratum.relations == program_.strata[here_].relations);
      ENTAIL_ENSURE(stratum.rules == program_.strata[here_].rules);
      for (const RelationId id : stratum.relations) {
        ENTAIL_ENSURE(place_of_[datalog::index_of(id)] == kNowhere);
        place_of_[datalog::index_of(id)] = here_;
      }
      for (const RuleId id : stratum.rules) {
        ENTAIL_ENSURE(!placed[datalog::index_of(id)]);
        placed[datalog::index_of(id)] = true;
        const datalog::Rule& rule = program_.rule(id);
        ENTAIL_ENSURE(place_of_[datalog::index_of(rule.head.relation)] == here_);
        check_reading(stratum.kind, rule);
        check_rule(stratum.kind, rule);
      }
      check_relations(stratum);
    }
    ENTAIL_ENSURE(std::count(placed.begin(), placed.end(), false) == 0);
    ENTAIL_ENSURE(std::count(place_of_.begin(), place_of_.end(), kNowhere) == 0);
  }

 private:
  static constexpr std::size_t kNowhere = SIZE_MAX;

  void check_relations(const StandingStratum& stratum) const {
    for (const RelationId id : stratum.relations) {
      const datalog::Relation& relation = program_.relation(id);
      if (stratum.kind == StandingKind::kRecomputed) continue;
      ENTAIL_ENSURE(!relation.equivalence);
      ENTAIL_ENSURE(relation.extremum == datalog::Extremum::kNone);
    }
    if (stratum.kind == StandingKind::kReduced) {
      ENTAIL_ENSURE(stratum.relations.size() == 1);
      ENTAIL_ENSURE(!stratum.rules.empty());
    } else if (stratum.kind == StandingKind::kTimed) {
      const StandingTimer& timer = stratum.timer;
      ENTAIL_ENSURE(stratum.relations.size() == 1 && stratum.rules.size() == 1);
      ENTAIL_ENSURE(program_.relation(stratum.relations.front()).columns.size() == 1);
      ENTAIL_ENSURE(program_.relation(timer.clock).columns.size() == 1);
      const datalog::Column& time = program_.relation(timer.source).columns[timer.column];
      ENTAIL_ENSURE(time.type.kind == vm::TypeKind::kTimestamp && !time.nullable);
    } else if (stratum.kind == StandingKind::kEquivalence) {
      ENTAIL_ENSURE(stratum.relations.size() == 1 && stratum.rules.empty());
      ENTAIL_ENSURE(program_.relation(stratum.relations.front()).columns.size() == 2);
      ENTAIL_ENSURE(place_of_[datalog::index_of(stratum.pairs)] < here_);
    }
  }

  // Everything that is read is complete, or grows with the head and is read positively.
  void check_reading(StandingKind kind, const datalog::Rule& rule) const {
    const bool may_recur = kind == StandingKind::kRanked || kind == StandingKind::kRecomputed;
    datalog::walk_rule_matches(rule, [&](const datalog::Match& match, datalog::Reading reading) {
      const std::size_t place = place_of_[datalog::index_of(match.relation)];
      ENTAIL_ENSURE(place != kNowhere);
      ENTAIL_ENSURE(place < here_ || (may_recur && reading == datalog::Reading::kPositive));
    });
  }

  void check_rule(StandingKind kind, const datalog::Rule& rule) const {
    switch (kind) {
      case StandingKind::kCounted:
      case StandingKind::kTimed:
      case StandingKind::kRanked: {
        check_body(rule.body);
        const VariableSet bound = internal::bound_variables(rule.body);
        for (const datalog::Expression& term : rule.head.terms)
          ENTAIL_ENSURE(includes(bound, datalog::variables_of(term)));
        return;
      }
      case StandingKind::kReduced:
      case StandingKind::kRegrouped:
        check_reduced(rule);
        return;
      case StandingKind::kOrdered:
        check_ordered(rule);
        return;
      case StandingKind::kRecomputed:
        return;
      case StandingKind::kEquivalence:
        break;
    }
    ENTAIL_UNREACHABLE("a rule of an equivalence");
  }

  void check_reduced(const datalog::Rule& rule) const {
    ENTAIL_ENSURE(rule.body.size() == 1);
    const auto* reduce = std::get_if<datalog::Reduce>(&rule.body.front().node);
    ENTAIL_ENSURE(reduce != nullptr && reduce->form == datalog::ReduceForm::kPerGroup);
    check_body(reduce->body);
    const VariableSet bound = internal::bound_variables(reduce->body);
    VariableSet given;
    for (const datalog::GroupKey& key : reduce->keys) {
      ENTAIL_ENSURE(includes(bound, datalog::variables_of(key.value)));
      given.insert(key.result);
    }
    for (const datalog::Aggregate& aggregate : reduce->aggregates) {
      if (aggregate.argument)
        ENTAIL_ENSURE(includes(bound, datalog::variables_of(*aggregate.argument)));
      if (aggregate.condition)
        ENTAIL_ENSURE(includes(bound, datalog::variables_of(*aggregate.condition)));
      given.insert(aggregate.result);
    }
    ENTAIL_ENSURE(given.size() == reduce->keys.size() + reduce->aggregates.size());
    ENTAIL_ENSURE(rule.head.terms.size() == given.size());
    for (const datalog::Expression& term : rule.head.terms) {
      ENTAIL_ENSURE(term.op == ExpressionOp::kVariable);
      ENTAIL_ENSURE(given.erase(term.variable) == 1);
    }
  }

  void check_ordered(const datalog::Rule& rule) const {
    ENTAIL_ENSURE(rule.body.size() == 1);
    const auto* rank = std::get_if<datalog::Rank>(&rule.body.front().node);
    const auto* pattern = std::get_if<datalog::Pattern>(&rule.body.front().node);
    ENTAIL_ENSURE(rank != nullptr || pattern != nullptr);
    const datalog::Body& body = rank != nullptr ? rank->body : pattern->body;
    const std::size_t keys = rank != nullptr ? rank->partition.size() : pattern->partition.size();
    ENTAIL_ENSURE(body.size() == 1);
    const auto* match = std::get_if<datalog::Match>(&body.front().node);
    ENTAIL_ENSURE(match != nullptr && !match->row);
    std::vector<datalog::VariableId> given;
    for (std::size_t i = 0; i < match->terms.size(); ++i) {
      const ExpressionOp op = match->terms[i].op;
      ENTAIL_ENSURE(op == (i < keys ? ExpressionOp::kWildcard : ExpressionOp::kVariable));
      if (op == ExpressionOp::kVariable) given.push_back(match->terms[i].variable);
    }
    ENTAIL_ENSURE(std::is_sorted(given.begin(), given.end()));
    if (rank != nullptr) {
      for (const datalog::RankResult& result : rank->functions) given.push_back(result.result);
    } else {
      given.clear();
      for (const datalog::PatternValue& measure : pattern->measures) {
        given.push_back(measure.result);
      }
    }
    ENTAIL_ENSURE(rule.head.terms.size() == given.size());
    for (std::size_t i = 0; i < given.size(); ++i) {
      ENTAIL_ENSURE(rule.head.terms[i].op == ExpressionOp::kVariable);
      ENTAIL_ENSURE(rule.head.terms[i].variable == given[i]);
    }
  }

  // The counted form.
  void check_body(const datalog::Body& body) const {
    const VariableSet bound = internal::bound_variables(body);
    for (const datalog::Literal& literal : body) {
      const auto& node = literal.node;
      ENTAIL_ENSURE(includes(bound, datalog::variables_of(literal)));
      if (const auto* absent = std::get_if<datalog::Absent>(&node)) {
        ENTAIL_ENSURE(absent->body.size() == 1);
        const auto* match = std::get_if<datalog::Match>(&absent->body.front().node);
        ENTAIL_ENSURE(match != nullptr);
        ENTAIL_ENSURE(program_.relation(match->relation).collection == datalog::Collection::kSet);
        for (const datalog::Expression& term : match->terms)
          ENTAIL_ENSURE(term.op != ExpressionOp::kWildcard);
        continue;
      }
      ENTAIL_ENSURE(std::holds_alternative<datalog::Match>(node) ||
                    std::holds_alternative<datalog::Filter>(node) ||
                    std::holds_alternative<datalog::Bind>(node) ||
                    std::holds_alternative<datalog::Each>(node));
    }
  }

  static bool includes(const VariableSet& set, const VariableSet& subset) {
    return std::includes(set.begin(), set.end(), subset.begin(), subset.end());
  }

  const StandingForm& form_;
  const datalog::RuleProgram& program_;
  std::vector<std::size_t> place_of_;  // By relation: its stratum.
  std::size_t here_ = 0;
};

}  // namespace

void verify_standing_form(const StandingForm& form) { FormVerifier(form).run(); }

}  // namespace entail::compiler
