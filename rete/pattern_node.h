// rete/pattern_node.h - event patterns that stand: partitions whose rows changed are matched anew, and those in which
// time has decided something.
//
//     rows changes ▸ their partitions ▸ the rows as they were ▸ pattern table ▸ {measures, -1}
//                                     ▸ the rows as they are  ▸ pattern table ▸ {measures, +1} ▸ changes of the matches
//     a watermark changes ▸ the partitions that waited for such an instant ▸ likewise
//
// Watermarks are rows of the same relation, in the partition whose values are null. What is equal before and after
// cancels out where the changes are taken. A match is told by the row at which it begins, so a match that stays is
// the same row.
//
// Beside its relations it keeps, of each partition in which something is undecided, the next instant that may decide
// it. That follows from the rows: an image has nothing of it, and a node that was restored finds it out in its first
// turn.
//
// Cost: the rows of the partitions that changed, and of those that are due. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "rete/internal/network_state.h"
#include "rete/node.h"
#include "vm/pattern_table.h"

namespace entail::rete {

class PatternNode final : public Node {
 public:
  static bool matches(const NetworkState& state, const compiler::StandingStratum& stratum);

  Expected<void> turn(NetworkState& state) override;
  void commit() override { undo_.clear(); }
  void abort(NetworkState&) override;
  void rebind(const NetworkState& state, const compiler::StandingStratum& stratum) override;
  void derive_all() override { derives_all_ = true; }
  Expected<void> restore(NetworkState&, ImageFrames&) override {
    forgot_instants_ = true;
    return {};
  }
  std::uint64_t bytes_used() const override;
  void verify(const NetworkState&) const override;

 private:
  using Key = std::vector<vm::Word>;

  // The rows of the partitions before the step or now, in rows_.
  Expected<void> fetch(NetworkState& state, const std::set<Key>& keys, bool before);
  Expected<std::optional<std::int64_t>> watermark(NetworkState& state, bool before);
  // Their matches, as changes of the head.
  Expected<void> match(NetworkState& state, const std::set<Key>& keys, bool before,
                       std::optional<std::int64_t> watermark, vm::ChangeBatch& out);
  void note_instants(const std::set<Key>& keys);
  void set_instant(const Key& key, std::optional<std::int64_t> instant);
  std::set<Key> keys_of(NetworkState& state, bool of_all) const;

  std::uint32_t fragment_ = 0;  // The partition fragment's position.
  compiler::RankShape shape_;
  std::unique_ptr<vm::PatternTable> table_;
  Key clock_key_;
  bool derives_all_ = false;  // In the next turn: every partition is new.
  bool forgot_instants_ = false;
  std::map<Key, std::int64_t> instants_;
  std::set<std::pair<std::int64_t, Key>> by_time_;
  std::vector<std::pair<Key, std::optional<std::int64_t>>>
      undo_;                                    // What was before, of this epoch.
  vm::ChangeBatch rows_;                        // Scratch: what goes into the table,
  std::vector<std::vector<vm::Word>> matched_;  //   and what comes out.
};

}  // namespace entail::rete
