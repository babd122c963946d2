#include "rete/regroup_node.h"

#include <utility>

#include "rete/internal/changed_keys.h"

namespace entail::rete {

void RegroupNode::rebind(const NetworkState& state, const compiler::StandingStratum& stratum) {
  for (std::uint32_t i = 0; i < state.code.fragments.size(); ++i) {
    const compiler::StandingFragment& fragment = state.code.fragments[i];
    const bool is_mine =
        fragment.rule == stratum.rules.front() && fragment.role == compiler::FragmentRole::kRegroup;
    if (is_mine) fragment_ = i;
  }
}

Expected<void> RegroupNode::turn(NetworkState& state) {
  const compiler::StandingFragment& fragment = state.code.fragments[fragment_];
  vm::StandingRelation& rows = state.rows(fragment.source);
  const ChangedKeys keys = changed_keys(rows, fragment.key_words, derives_all_);
  if (keys.n == 0) return {};
  work.rows_touched += keys.rows;
  vm::ChangeBatch& out = state.at(state.form.program.rule(fragment.rule).head.relation).derived;
  if (!std::exchange(derives_all_, false)) {
    auto done = state.run_given(fragment_, keys.arrays, keys.n, -1, out, vm::RunViews::kAllOld);
    if (!done) return done;
  }
  return state.run_given(fragment_, keys.arrays, keys.n, 1, out, vm::RunViews::kAllTotal);
}

}  // namespace entail::rete
