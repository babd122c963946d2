#include "rete/internal/network_state.h"

#include <vector>

namespace entail::rete {

namespace {

// Runs of one sign that are longer stay of one sign.
constexpr std::size_t kMixedRowsMax = 256;

std::uint64_t hash_of_row(std::span<const vm::Word* const> columns, std::size_t i) {
  std::uint64_t hash = 0x9e3779b97f4a7c15ULL;
  for (const vm::Word* column : columns) {
    hash = (hash ^ column[i]) * 0xbf58476d1ce4e5b9ULL;
    hash ^= hash >> 29U;
  }
  return hash;
}

void append(vm::ChangeBatch& to, std::span<const vm::Word* const> columns, std::size_t first,
            std::size_t end, std::int64_t weight) {
  if (to.columns.size() < columns.size()) to.columns.resize(columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    to.columns[c].insert(to.columns[c].end(), columns[c] + first, columns[c] + end);
  }
  to.weights.insert(to.weights.end(), end - first, weight);
  to.n += end - first;
}

}  // namespace

std::size_t StatedRun::add(std::span<const vm::Word* const> columns, const vm::DurableId* ids,
                           std::size_t first, std::size_t n, bool deletes) {
  vm::ChangeBatch& to = deletes ? deleted : inserted;
  std::vector<vm::DurableId>& to_ids = deletes ? deleted_ids : inserted_ids;
  if (to.n > 0 && (ids != nullptr) != (to_ids.size() == to.n)) return 0;
  vm::ChangeBatch& others = deletes ? inserted : deleted;
  const std::int64_t weight = deletes ? -1 : 1;
  if (others.empty()) {
    append(to, columns, first, n, weight);
    if (ids != nullptr) to_ids.insert(to_ids.end(), ids + first, ids + n);
    return n - first;
  }
  if (is_deleted.empty()) {
    if (size() > kMixedRowsMax) return 0;
    std::vector<const vm::Word*> scratch;
    const auto known = others.arrays(scratch);
    for (std::size_t i = 0; i < others.n; ++i) is_deleted[hash_of_row(known, i)] = !deletes;
  }
  std::size_t end = first;
  while (end < n) {
    const auto [found, added] = is_deleted.emplace(hash_of_row(columns, end), deletes);
    if (!added && found->second != deletes) break;
    ++end;
  }
  append(to, columns, first, end, weight);
  if (ids != nullptr) to_ids.insert(to_ids.end(), ids + first, ids + end);
  return end - first;
}

std::uint64_t StatedRun::bytes_used() const {
  return deleted.bytes_used() + inserted.bytes_used() + is_deleted.bucket_count() * 17 +
         (deleted_ids.capacity() + inserted_ids.capacity()) * sizeof(vm::DurableId);
}

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

Expected<bool> NetworkState::run_some(std::uint32_t position, std::span<const vm::Row> rows,
                                      std::uint32_t first, std::uint32_t end,
                                      vm::ChangeBatch& out) {
  bool was_cut = false;
  vm::StandingRun run;
  run.fragment = code.fragments[position].number;
  run.rows = rows;
  run.views = vm::RunViews::kAllTotal;
  run.first_match = first;
  run.end_match = end;
  run.was_cut = &was_cut;
  run.out = &out;
  if (auto done = run_machine(run, position); !done) return unexpected(std::move(done).error());
  return was_cut;
}

Expected<void> NetworkState::run_given(std::uint32_t position,
                                       std::span<const vm::Word* const> words, std::size_t n,
                                       std::int64_t weight, vm::ChangeBatch& out,
                                       vm::RunViews views) {
  if (n == 0 && code.fragments[position].role == compiler::FragmentRole::kResult) return {};
  vm::StandingRun run;
  run.fragment = code.fragments[position].number;
  run.given = words;
  run.given_rows = n;
  run.views = views;
  run.weight = weight;
  run.out = &out;
  run.diverted = &diverted;
  return run_machine(run, position);
}

}  // namespace entail::rete
