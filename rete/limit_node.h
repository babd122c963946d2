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
// Epochs: what came and went is noted down, and taken back by abort().
//
// Cost: O(log n) a row of _rows that came or went; some 100 bytes and the key for each that is there.
// Threads: one.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
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
  void commit() override { undo_.clear(); }
  void abort(NetworkState&) override;
  void rebind(const NetworkState& state, const compiler::StandingStratum& stratum) override;
  void derive_all() override { derives_all_ = true; }
  void restore(NetworkState& state, const std::vector<std::uint64_t>&) override;
  std::uint64_t bytes_used() const override { return bytes_; }
  void verify(const NetworkState& state) const override;

 private:
  using Rows = std::map<std::string, vm::Row>;  // By key.
  struct Partition {
    Rows before, kept, behind;
    std::size_t size() const { return before.size() + kept.size() + behind.size(); }
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

  template <typename WordAt>
  void append_key(const NetworkState& state, const std::vector<Column>& columns, WordAt&& word_at,
                  std::string& out) const;
  void append_key_of(const NetworkState& state, const std::vector<Column>& columns, vm::Row row,
                     std::string& out) const;
  void insert(const std::string& partition, std::string key, vm::Row row);
  void erase(const std::string& partition, const std::string& key);
  void balance(Partition& partition);
  void keep(vm::Row row, std::int64_t weight) { crossings_.push_back({row, weight}); }
  void book(std::int64_t bytes);

  MemoryBudget* memory_;
  datalog::RelationId source_{}, head_{};
  std::vector<Column> partition_columns_, key_columns_;
  std::uint32_t first_word_ = 0, words_ = 0;  // Of the head's row in the source's.
  std::size_t offset_ = 0, limit_ = 0;
  bool derives_all_ = false;  // In the next turn: every row is new.
  std::map<std::string, Partition> partitions_;
  std::vector<Change> undo_;
  std::vector<Crossing> crossings_;  // Scratch of a turn.
  std::uint64_t bytes_ = 0;
};

}  // namespace entail::rete
