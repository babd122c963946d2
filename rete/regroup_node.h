// rete/regroup_node.h - aggregates that no state follows: groups that changed are aggregated anew.
//
//     names(c, t) :- group { rows(c, n, _) } by c => { t: string_agg(n, ", ") }.
//
//     rows changes ▸ their keys ▸ the groups as they were ▸ {c, t, -1}
//                              ▸ the groups as they are   ▸ {c, t, +1} ▸ changes of `names`
//
// It has no state: rows(…) is a relation that stands, with an index by the keys. What is equal before and after
// cancels out where the changes are taken.
//
// Cost: the rows of the groups that changed. Threads: one.
#pragma once

#include <vector>

#include "rete/internal/network_state.h"
#include "rete/node.h"

namespace entail::rete {

class RegroupNode final : public Node {
 public:
  Expected<void> turn(NetworkState& state) override;
  void abort(NetworkState&) override { derives_all_ = false; }
  void rebind(const NetworkState& state, const compiler::StandingStratum& stratum) override;
  void derive_all() override { derives_all_ = true; }

 private:
  std::uint32_t fragment_ = 0;  // The regroup fragment's position.
  bool derives_all_ = false;    // In the next turn: every group is new.
};

}  // namespace entail::rete
