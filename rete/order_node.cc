#include "rete/order_node.h"

#include <utility>

#include "rete/internal/changed_keys.h"

namespace entail::rete {

using vm::Word;

namespace {

constexpr std::size_t kRowsAtOnce = 1024;

}  // namespace

void OrderNode::rebind(const NetworkState& state, const compiler::StandingStratum& stratum) {
  const datalog::RuleId rule = stratum.rules.front();
  for (std::uint32_t i = 0; i < state.code.fragments.size(); ++i) {
    const compiler::StandingFragment& fragment = state.code.fragments[i];
    if (fragment.rule == rule && fragment.role == compiler::FragmentRole::kPartition) fragment_ = i;
  }
  for (const compiler::RankShape& shape : state.code.ranks) {
    if (shape.rule == rule) shape_ = shape;
  }
  table_ = std::make_unique<vm::RankTable>(std::get<vm::RankSpec>(shape_.spec), *state.pool,
                                           state.memory);
  ranked_.assign(shape_.words, std::vector<Word>(kRowsAtOnce));
}

Expected<void> OrderNode::rank(NetworkState& state, std::span<const Word* const> keys,
                               std::size_t n, std::int64_t weight, vm::ChangeBatch& out) {
  rows_.clear();
  auto done = state.run_given(fragment_, keys, n, weight, rows_,
                              weight < 0 ? vm::RunViews::kAllOld : vm::RunViews::kAllTotal);
  if (!done) return done;
  work.rows_touched += rows_.n;
  table_->clear();
  if (rows_.n > 0) static_cast<void>(table_->receive(rows_.arrays(state.scratch), rows_.n));
  if (done = table_->compute(); !done) return done;
  std::vector<Word*> targets;
  for (std::vector<Word>& words : ranked_) targets.push_back(words.data());
  if (out.columns.size() < shape_.head_words.size()) out.columns.resize(shape_.head_words.size());
  std::uint64_t position = 0;
  while (const std::size_t count = table_->next(position, targets, kRowsAtOnce)) {
    for (std::size_t w = 0; w < shape_.head_words.size(); ++w) {
      std::vector<Word>& column = out.columns[w];
      if (const auto& from = shape_.head_words[w]) {
        column.insert(column.end(), targets[*from], targets[*from] + count);
      } else {
        column.insert(column.end(), count, 0);
      }
    }
    out.weights.insert(out.weights.end(), count, weight);
    out.n += count;
  }
  table_->clear();
  return {};
}

Expected<void> OrderNode::turn(NetworkState& state) {
  const compiler::StandingFragment& fragment = state.code.fragments[fragment_];
  const ChangedKeys keys =
      changed_keys(state.rows(fragment.source), fragment.key_words, derives_all_);
  if (keys.n == 0) return {};
  vm::ChangeBatch& out = state.at(state.form.program.rule(fragment.rule).head.relation).derived;
  if (!std::exchange(derives_all_, false)) {
    if (auto done = rank(state, keys.arrays, keys.n, -1, out); !done) return done;
  }
  return rank(state, keys.arrays, keys.n, 1, out);
}

std::uint64_t OrderNode::bytes_used() const {
  return rows_.bytes_used() + ranked_.size() * kRowsAtOnce * sizeof(Word);
}

}  // namespace entail::rete
