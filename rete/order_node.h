// rete/order_node.h - rankings that stand: partitions whose rows changed are ranked anew.
//
//     top(c, n, r) :- rank { _rows(_, c, n) } partition by c order by n => { r: row_number() } limit 3.
//
//     rows changes ▸ their partitions ▸ the rows as they were ▸ rank table ▸ {c, n, r, -1}
//                                     ▸ the rows as they are  ▸ rank table ▸ {c, n, r, +1} ▸ changes of `top`
//
// It has no state: _rows(…) is a relation that stands, with an index by the partition's values. What is equal
// before and after cancels out where the changes are taken.
//
// Cost: a sort of the rows of the partitions that changed. Threads: one.
#pragma once

#include <memory>
#include <vector>

#include "rete/internal/network_state.h"
#include "rete/node.h"
#include "vm/rank_table.h"

namespace entail::rete {

class OrderNode final : public Node {
 public:
  Expected<void> turn(NetworkState& state) override;
  void abort(NetworkState&) override { derives_all_ = false; }
  void rebind(const NetworkState& state, const compiler::StandingStratum& stratum) override;
  void derive_all() override { derives_all_ = true; }
  std::uint64_t bytes_used() const override;

 private:
  // The rows that the partitions have before the step (weight -1) or now, as changes of the head.
  Expected<void> rank(NetworkState& state, std::span<const vm::Word* const> keys, std::size_t n,
                      std::int64_t weight, vm::ChangeBatch& out);

  std::uint32_t fragment_ = 0;  // The partition fragment's position.
  bool derives_all_ = false;    // In the next turn: every partition is new.
  compiler::RankShape shape_;
  std::unique_ptr<vm::RankTable> table_;
  vm::ChangeBatch rows_;                       // Scratch: what goes into the table,
  std::vector<std::vector<vm::Word>> ranked_;  // and what comes out.
};

}  // namespace entail::rete
