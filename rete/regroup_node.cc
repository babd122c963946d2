#include "rete/regroup_node.h"

#include <algorithm>
#include <set>

namespace entail::rete {

using vm::Row;
using vm::Word;

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
  const std::size_t width = fragment.key_words;
  std::vector<Row> changed;
  if (derives_all_) {
    changed.resize(rows.size());
    Row position = 0;
    for (std::size_t n = 0; n < changed.size();) {
      n += rows.scan(vm::View::kTotal, position, changed.data() + n, changed.size() - n);
    }
  } else {
    changed.assign(rows.left().begin(), rows.left().end());
    changed.insert(changed.end(), rows.entered().begin(), rows.entered().end());
  }
  if (changed.empty()) return {};
  work.rows_touched += changed.size();
  std::vector<std::vector<Word>> columns(width, std::vector<Word>(changed.size()));
  for (std::uint32_t c = 0; c < width; ++c) {
    rows.load(c, changed.data(), changed.size(), columns[c].data());
  }
  // Each key once, in an order that changes do not depend on.
  std::vector<std::size_t> order(changed.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto compare = [&](std::size_t a, std::size_t b) {
    for (const std::vector<Word>& column : columns) {
      if (column[a] != column[b]) return column[a] < column[b] ? -1 : 1;
    }
    return 0;
  };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return compare(a, b) < 0; });
  order.erase(std::unique(order.begin(), order.end(),
                          [&](std::size_t a, std::size_t b) { return compare(a, b) == 0; }),
              order.end());
  std::vector<std::vector<Word>> keys(width);
  std::vector<const Word*> arrays;
  for (std::size_t c = 0; c < width; ++c) {
    for (const std::size_t i : order) keys[c].push_back(columns[c][i]);
    arrays.push_back(keys[c].data());
  }
  vm::ChangeBatch& out = state.at(state.form.program.rule(fragment.rule).head.relation).derived;
  if (!std::exchange(derives_all_, false)) {
    auto done = state.run_given(fragment_, arrays, order.size(), -1, out, vm::RunViews::kAllOld);
    if (!done) return done;
  }
  return state.run_given(fragment_, arrays, order.size(), 1, out, vm::RunViews::kAllTotal);
}

}  // namespace entail::rete
