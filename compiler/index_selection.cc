#include "compiler/index_selection.h"
#include "vm/base/plant.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace entail::compiler {

namespace {

bool searches(const Step& step) {
  switch (step.kind) {
    case StepKind::kProbe:
    case StepKind::kRange:
    case StepKind::kSemi:
    case StepKind::kCount:
      return true;
    default:
      return false;
  }
}

using Key = std::pair<datalog::RelationId, std::vector<std::uint32_t>>;

}  // namespace

void select_indexes(const std::vector<RulePlan*>& plans, const AddIndex& add_index) {
  std::set<Key> hashed;                 // Keys that need a hash index anyway.
  std::map<Key, std::int32_t> ordered;  // Keys that some range has, and its first column.
  for (RulePlan* plan : plans) {
    walk_steps(plan->steps, [&](Step& step) {
      if (!searches(step)) return;
      const Key key{step.match->relation, step.spec.key};
      if (step.kind == StepKind::kRange) {
        ordered.emplace(key, step.spec.range_column);
      } else if (step.kind != StepKind::kProbe) {
        hashed.insert(key);
      }
    });
  }
  for (RulePlan* plan : plans) {
    walk_steps(plan->steps, [&](Step& step) {
      if (!searches(step)) return;
      const Key key{step.match->relation, step.spec.key};
      const auto found = ordered.find(key);
      // An index that stands costs nothing more.
      if (!step.index_stands) {
        step.open_range =
            step.kind == StepKind::kProbe && found != ordered.end() && hashed.count(key) == 0;
      }
      if (step.open_range && !step.index_stands) step.spec.range_column = found->second;
      step.index = add_index(step.match->relation, step.spec);
      if (ENTAIL_PLANT_BUG(3)) step.index = 0;
    });
  }
}

}  // namespace entail::compiler
