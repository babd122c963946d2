// rete/group_node.h - aggregates that stand: `Reduce` per group over what its body's matches are now.
//
//     sales(c, n, s) :- group { order(c, t) } by c => { n: count(), s: sum(t) }.
//
//     order changes ▸ change fragment ▸ {c, t, weight} ▸ groups (vm/standing_groups.h) ▸ {c, n, s, ±1}
//                                                            ▸ result fragment ▸ changes of `sales`
//
// Cost: that of the matches that changed. Threads: one.
#pragma once

#include <memory>
#include <vector>

#include "rete/internal/network_state.h"
#include "rete/node.h"
#include "vm/standing_groups.h"

namespace entail::rete {

class GroupNode final : public Node {
 public:
  // The groups of one rule. Fails with kUnsupported.
  static Expected<std::unique_ptr<GroupNode>> create(const NetworkState& state,
                                                     datalog::RuleId rule);

  Expected<void> turn(NetworkState& state) override;
  void commit() override { groups_->commit(); }
  void abort(NetworkState&) override;
  void rebind(const NetworkState& state) override;
  std::uint64_t bytes_used() const override;
  void verify(const NetworkState&) const override { groups_->verify(); }

  // What its change fragments emit.
  vm::ChangeBatch& input() { return input_; }

 private:
  explicit GroupNode(datalog::RuleId rule) : rule_(rule) {}
  Expected<void> apply(std::int64_t sign);

  datalog::RuleId rule_;
  compiler::GroupShape shape_;
  std::uint32_t result_ = 0;  // The result fragment's position.
  std::unique_ptr<vm::StandingGroups> groups_;
  vm::ChangeBatch input_;
  vm::StandingGroups::Changes changes_;
  // Scratch: the rows of one sign, as arrays of the words that are the keys, values and nulls.
  std::vector<std::vector<vm::Word>> part_;
};

}  // namespace entail::rete
