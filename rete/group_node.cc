#include "rete/group_node.h"

#include <algorithm>
#include <span>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"

namespace entail::rete {

using vm::Word;

Expected<std::unique_ptr<GroupNode>> GroupNode::create(const NetworkState& state,
                                                       const compiler::StandingStratum& stratum,
                                                       std::size_t position) {
  std::unique_ptr<GroupNode> node(new GroupNode(position));
  node->rebind(state, stratum);
  vm::StandingGroups::Options options;
  options.key_words = node->shape_.key_words;
  options.key_handles = node->shape_.key_handles;
  options.kinds = node->shape_.kinds;
  options.sql = node->shape_.sql;
  options.argument_handles = node->shape_.argument_handles;
  options.pool = state.pool;
  options.budget = state.memory;
  auto groups = vm::StandingGroups::create(std::move(options));
  if (!groups) return unexpected(std::move(groups).error());
  node->groups_ = std::move(*groups);
  return node;
}

void GroupNode::rebind(const NetworkState& state, const compiler::StandingStratum& stratum) {
  rule_ = stratum.rules[position_];
  for (const compiler::GroupShape& shape : state.code.groups) {
    if (shape.rule == rule_) shape_ = shape;
  }
  for (std::uint32_t i = 0; i < state.code.fragments.size(); ++i) {
    const compiler::StandingFragment& fragment = state.code.fragments[i];
    if (fragment.rule == rule_ && fragment.role == compiler::FragmentRole::kResult) result_ = i;
  }
}

// The rows of the input that have this sign, added or taken away.
Expected<void> GroupNode::apply(std::int64_t sign) {
  part_.resize(input_.columns.size());
  std::size_t n = input_.n;
  const bool is_whole = std::all_of(input_.weights.begin(), input_.weights.end(),
                                    [sign](std::int64_t weight) { return weight == sign; });
  if (!is_whole) {
    n = 0;
    for (std::vector<Word>& column : part_) column.clear();
    for (std::size_t i = 0; i < input_.n; ++i) {
      if (input_.weights[i] != sign) continue;
      ++n;
      for (std::size_t c = 0; c < part_.size(); ++c) part_[c].push_back(input_.columns[c][i]);
    }
  }
  if (n == 0) return {};
  const auto& columns = is_whole ? input_.columns : part_;
  keys_.clear();
  values_.clear();
  nulls_.clear();
  lows_.clear();
  std::size_t next = 0;
  while (next < shape_.key_words) keys_.push_back(columns[next++].data());
  for (const std::uint8_t words : shape_.argument_words) {
    values_.push_back(words > 0 ? columns[next].data() : nullptr);
    nulls_.push_back(words > 0 ? columns[next + 1].data() : nullptr);
    if (words > 2) lows_.push_back(columns[next + 2].data());
    next += words;
  }
  values_.insert(values_.end(), lows_.begin(), lows_.end());
  return groups_->apply(keys_, values_, nulls_, n, static_cast<int>(sign));
}

Expected<void> GroupNode::turn(NetworkState& state) {
  if (input_.empty()) return {};
  if (auto done = apply(-1); !done) return done;
  if (auto done = apply(1); !done) return done;
  work.rows_touched += input_.n;
  input_.clear();
  groups_->take_changes(changes_);
  const datalog::RelationId head = state.form.program.rule(rule_).head.relation;
  auto hand_on = [&](const std::vector<std::vector<Word>>& rows, std::size_t n,
                     std::int64_t weight) -> Expected<void> {
    if (n == 0) return {};
    keys_.clear();
    for (const std::vector<Word>& column : rows) keys_.push_back(column.data());
    return state.run_given(result_, keys_, n, weight, state.at(head).derived);
  };
  const bool forgets = ENTAIL_PLANT_BUG(60) && changes_.entered_count == 0;
  if (auto done = hand_on(changes_.left, forgets ? 0 : changes_.left_count, -1); !done) return done;
  return hand_on(changes_.entered, changes_.entered_count, 1);
}

Expected<void> GroupNode::take_in() {
  if (input_.empty()) return {};
  if (auto done = apply(-1); !done) return done;
  if (auto done = apply(1); !done) return done;
  input_.clear();
  groups_->take_changes(changes_);
  groups_->commit();
  return {};
}

void GroupNode::abort(NetworkState&) {
  input_.clear();
  if (ENTAIL_PLANT_BUG(61)) return groups_->commit();
  groups_->abort();
}

std::uint64_t GroupNode::bytes_used() const {
  std::uint64_t bytes = groups_->bytes_used() + input_.bytes_used();
  for (const std::vector<Word>& column : part_) bytes += column.capacity() * sizeof(Word);
  return bytes;
}

}  // namespace entail::rete
