// Sequences of events as core conditions: ClauseBuilder, the part for them.
#include <utility>

#include "datalog/internal/build.h"

namespace entail::datalog {

using grammar::Connector;
using grammar::Expr;
using grammar::SourceSpan;

// Its steps stand side by side in the body, each marked with its number: names, types and rows are found as those
// of other atoms. Emission puts them together again (emit_sequence.cc).
void ClauseBuilder::add_sequence(const grammar::Sequence& sequence, SourceSpan span,
                                 CoreBody& out) {
  std::uint32_t number = 0;
  const std::size_t first = out.size();
  add_steps(sequence, sequence.pattern, number, out);
  if (out.size() == first) return;
  if (sequence.within) {
    CoreTerm typed;
    typed.kind = TermKind::kTyped;
    typed.span = sequence.within->span;
    typed.type = *environment_.types.find("interval");
    typed.args.push_back(term(*sequence.within));
    out[first].keys.push_back(std::move(typed));
  }
  for (const Expr& key : sequence.keys) {
    if (key.as<grammar::Variable>() == nullptr) {
      unsupported(key.span, "keys of a sequence other than variables are");
    }
  }
  if (out[first].kind == ConditionKind::kAbsent) {
    environment_.diagnostics.error(span, "a sequence cannot begin with an absence");
  }
}

void ClauseBuilder::add_steps(const grammar::Sequence& sequence,
                              const grammar::SequencePattern& pattern, std::uint32_t& number,
                              CoreBody& out) {
  for (const grammar::SequenceStep& step : pattern.steps) {
    if (step.connector == Connector::kFollowedByAny) unsupported(step.span, "`->>` is");
    if (step.until) unsupported(step.span, "`until` is");
    if (step.within && !step.negated) {
      unsupported(step.span, "a `within` of a step that is no absence is");
    }
    if (step.negated && (step.quantifier || !step.atom)) {
      unsupported(step.span, "an absence of more than one event is");
      continue;
    }
    if (!step.atom) {
      for (const grammar::SequencePattern& alternative : step.alternatives) {
        add_steps(sequence, alternative, number, out);
      }
      continue;
    }
    if (step.atom->window) unsupported(step.span, "a window in a sequence is");
    CoreBody extra;
    auto condition = atom(*step.atom, extra);
    if (!condition || condition->kind != ConditionKind::kAtom) {
      if (condition && condition->kind != ConditionKind::kUnknown) {
        environment_.diagnostics.error(step.span, "a step of a sequence is an event");
      }
      ++number;
      if (condition && condition->kind == ConditionKind::kUnknown) {
        out.push_back(std::move(*condition));
      }
      continue;
    }
    event_time(condition->relation, step.atom->span);
    CoreBody conditions;
    conditions.push_back(std::move(*condition));
    for (CoreCondition& more : extra) conditions.push_back(std::move(more));
    for (CoreCondition& brought : pending_) conditions.push_back(std::move(brought));
    pending_.clear();
    if (step.negated) {
      CoreCondition absent;
      absent.kind = ConditionKind::kAbsent;
      absent.span = step.span;
      absent.body = std::move(conditions);
      if (step.within) {
        CoreTerm typed;
        typed.kind = TermKind::kTyped;
        typed.span = step.within->span;
        typed.type = *environment_.types.find("interval");
        typed.args.push_back(term(*step.within));
        absent.keys.push_back(std::move(typed));
      }
      conditions.clear();
      conditions.push_back(std::move(absent));
    }
    for (CoreCondition& made : conditions) {
      made.sequence = &sequence;
      made.step = number;
      out.push_back(std::move(made));
    }
    ++number;
  }
}

}  // namespace entail::datalog
