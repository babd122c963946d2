// rete/limit_node.h - limits that stand: of each partition, the rows between two places in its order.
//
//     top(c, n) :- rank { _rows(_, c, n) } partition by c order by n limit 3 offset 1.
//
//     rows of a partition, in order   [ before: 1 row | kept: 3 rows | behind: all others ]
//
//     a row comes or goes ▸ its place ▸ at most one row crosses each border ▸ changes of `top`
//
// A row's place is told by its *key*: the bytes of its order values and then of all it has
// (vm/value_codec.h), so that keys ascend as rows do. Rows are named by where they lie in _rows(…).
//
// Of a large partition only the rows near the borders are in order here, those behind a *bound* are counted:
//
//     rows of a partition, in order   [ before | kept | behind: at hand ] bound [ beyond: how many ]
//
// When there is nothing at hand any more the partition is read, and some hundreds of rows, a part of the
// partition at least, are at hand again: as many must leave the front before it is read the next time.
//
// Epochs: what came and went is noted down, and taken back by abort().
//
// Cost: O(log n) a row of _rows that comes or goes before the bound, and a comparison behind it; some 100 bytes
// and the key for each that is at hand. A partition of n rows is read once in n / 64 rows that leave its front.
// Threads: one. Source: Yi et al., "Efficient maintenance of materialized top-k views" (2003), for what is at hand.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "rete/internal/network_state.h"
#include "rete/node.h"
#include "vm/rank_table.h"

namespace entail::rete {

class LimitNode final : public Node {
 public:
  // Whether the ranking of the stratum is nothing but a limit that this node follows: its bounds are
  // constants, its order values columns whose equal values are the same.
  static bool follows(const NetworkState& state, const compiler::StandingStratum& stratum);

  explicit LimitNode(MemoryBudget* memory) : memory_(memory) {}
  ~LimitNode() override;

  Expected<void> turn(NetworkState& state) override;
  void commit() override;
  void abort(NetworkState& state) override;
  void rebind(const NetworkState& state, const compiler::StandingStratum& stratum) override;
  void derive_all() override { derives_all_ = true; }
  // The rows that are kept are in the head's relation already.
  Expected<void> restore(NetworkState& state, ImageFrames&) override;
  std::uint64_t bytes_used() const override { return bytes_; }
  void verify(const NetworkState& state) const override;

 private:
  using Rows = std::map<std::string, vm::Row>;  // By key.
  struct Partition {
    Rows before, kept, behind;
    std::size_t beyond = 0;
    std::string bound;  // If there are rows beyond: their keys are above it, the others are not.
    std::size_t at_hand() const { return before.size() + kept.size() + behind.size(); }
    std::size_t size() const { return at_hand() + beyond; }
    bool is_beyond(const std::string& key) const { return beyond > 0 && bound < key; }
  };
  // The first rows of a partition that is read, in no order, and how many there were beyond these.
  struct Front {
    std::vector<std::pair<std::string, vm::Row>> rows;
    std::size_t beyond = 0;
    std::string bound;
    void add(const std::string& key, vm::Row row, std::size_t most);
    void cut(std::size_t most);
  };
  struct Column {
    vm::Type type;
    bool nullable = false;
    std::uint32_t word = 0;  // Of _rows(…).
    vm::SortStyle style;
  };
  struct Change {
    std::string partition, key;
    vm::Row row;
    bool is_insertion;
  };
  // Rows that crossed a border of what is kept, in the order in which they did.
  struct Crossing {
    vm::Row row;
    std::int64_t weight;
  };

  // visit(name of the partition, key, row): whose strings hold until it returns.
  template <typename Visit>
  void for_each_key(const NetworkState& state, std::span<const vm::Row> rows, Visit visit) const;
  void insert(const std::string& name, std::string key, vm::Row row);
  void erase(const std::string& name, const std::string& key);
  bool balance(Partition& partition);
  bool is_short(const Partition& partition) const;
  std::size_t spare(std::size_t partition_rows) const;
  std::size_t front(std::size_t partition_rows) const;
  void trim(Partition& partition);
  void put_at_hand(Partition& partition, Front& front);
  void fill(const NetworkState& state);
  void refill(NetworkState& state);
  void refill(NetworkState& state, const std::string& name, Partition& partition);
  void keep(vm::Row row, std::int64_t weight) { crossings_.push_back({row, weight}); }
  void book(std::int64_t bytes);

  MemoryBudget* memory_;
  datalog::RelationId source_{}, head_{};
  std::vector<Column> partition_columns_, key_columns_;
  std::optional<std::uint32_t> partition_index_;  // Of the source, by all words of the partition.
  std::uint32_t first_word_ = 0, words_ = 0;      // Of the head's row in the source's.
  std::size_t offset_ = 0, limit_ = 0;
  bool derives_all_ = false;      // In the next turn: every row is new.
  bool filled_in_epoch_ = false;  // Before the epoch there was nothing.
  std::map<std::string, Partition> partitions_;
  std::set<std::string> touched_;  // Partitions that lost rows since they were last looked at.
  std::vector<Change> undo_;
  std::vector<Crossing> crossings_;                    // Scratch of a turn.
  mutable std::vector<std::vector<vm::Word>> loaded_;  // Scratch of for_each_key().
  std::uint64_t bytes_ = 0;
};

}  // namespace entail::rete
