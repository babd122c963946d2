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
#include <optional>
#include <vector>

#include "rete/internal/network_state.h"
#include "rete/node.h"
#include "vm/standing_groups.h"

namespace entail::rete {

class GroupNode final : public Node {
 public:
  // The groups of the stratum's rule at `position`. Fails with kUnsupported.
  static Expected<std::unique_ptr<GroupNode>> create(const NetworkState& state,
                                                     const compiler::StandingStratum& stratum,
                                                     std::size_t position);

  Expected<void> turn(NetworkState& state) override;
  void commit() override { groups_->commit(); }
  void abort(NetworkState&) override;
  Expected<void> save(const NetworkState& state, ImageWriter& to) const override;
  Expected<void> restore(NetworkState& state, ImageFrames& from) override;
  void rebind(const NetworkState& state, const compiler::StandingStratum& stratum) override;
  std::uint64_t bytes_used() const override;
  void verify(const NetworkState&) const override { groups_->verify(); }

  datalog::RuleId rule() const { return rule_; }
  // What its change fragments emit.
  vm::ChangeBatch& input() { return input_; }

 private:
  explicit GroupNode(std::size_t position) : position_(position) {}
  Expected<void> apply(std::int64_t sign);
  // Nothing where the words are no handles.
  std::optional<vm::Type> handle_type_of_key(std::size_t word) const;
  std::optional<vm::Type> handle_type_of_argument(std::size_t aggregate) const;

  std::size_t position_;
  datalog::RuleId rule_{};
  compiler::GroupShape shape_;
  std::uint32_t result_ = 0;  // The result fragment's position.
  std::unique_ptr<vm::StandingGroups> groups_;
  vm::ChangeBatch input_;
  vm::StandingGroups::Changes changes_;
  // Scratch: the rows of one sign, as arrays of the words that are the keys, values and nulls.
  std::vector<std::vector<vm::Word>> part_;
  std::vector<const vm::Word*> keys_, values_, nulls_, lows_;
};

}  // namespace entail::rete
