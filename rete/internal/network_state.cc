#include "rete/internal/network_state.h"

namespace entail::rete {

Expected<void> NetworkState::run_machine(const vm::StandingRun& run, std::uint32_t position) {
  diverted.clear();
  auto done = machine->run(run);
  if (!diverted.empty()) {
    const datalog::RuleId rule = code.fragments[position].rule;
    errors.add(form.program.rule(rule).head.relation, code.program, diverted, *pool);
  }
  return done;
}

Expected<void> NetworkState::run(std::uint32_t position, std::span<const vm::Row> rows,
                                 std::int64_t weight, vm::RunViews views, vm::ChangeBatch& out) {
  if (rows.empty()) return {};
  vm::StandingRun run;
  run.fragment = code.fragments[position].number;
  run.rows = rows;
  run.views = views;
  run.weight = weight;
  run.out = &out;
  // Only as planned is each instance met once; a ranked stratum looks at some again and again.
  run.diverted = views == vm::RunViews::kAsPlanned ? &diverted : nullptr;
  return run_machine(run, position);
}

Expected<void> NetworkState::run_given(std::uint32_t position,
                                       std::span<const vm::Word* const> words, std::size_t n,
                                       std::int64_t weight, vm::ChangeBatch& out) {
  if (n == 0 && code.fragments[position].role == compiler::FragmentRole::kResult) return {};
  vm::StandingRun run;
  run.fragment = code.fragments[position].number;
  run.given = words;
  run.given_rows = n;
  run.weight = weight;
  run.out = &out;
  run.diverted = &diverted;
  return run_machine(run, position);
}

}  // namespace entail::rete
