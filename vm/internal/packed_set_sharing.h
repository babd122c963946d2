// vm/internal/packed_set_sharing.h - what the workers of PackedSet::insert_with() sort their keys with.
#pragma once

#include <cstdint>
#include <vector>

#include "vm/flat_array.h"
#include "vm/packed_set.h"

namespace entail::vm {

template <typename Key>
struct PackedSet<Key>::Sharing {
  static constexpr std::uint32_t kNoRun = ~std::uint32_t{0};

  // Neighbours of one partition, chained to the next run of that partition in the same piece.
  struct Run {
    std::uint32_t begin;
    std::uint32_t count;
    std::uint32_t next;
  };

  // A part of one buffer, sorted out by one worker.
  struct Piece {
    explicit Piece(MemoryBudget* budget) : grouped(budget), places(budget) {}

    const Key* keys = nullptr;  // As they came, or grouped.
    std::size_t n = 0;
    FlatArray<Key> grouped;
    FlatArray<std::uint16_t> places;
    std::vector<std::uint32_t> ends;
    std::vector<Run> runs;
    std::vector<std::uint32_t> first, last;  // By partition: its runs.
    std::vector<std::uint32_t> counts;       // By partition: its keys.

    void chain(std::size_t partition, std::uint32_t begin, std::uint32_t count) {
      const auto run = static_cast<std::uint32_t>(runs.size());
      runs.push_back({begin, count, kNoRun});
      if (first[partition] == kNoRun) {
        first[partition] = run;
      } else {
        runs[last[partition]].next = run;
      }
      last[partition] = run;
      counts[partition] += count;
    }
  };

  explicit Sharing(MemoryBudget* set_budget) : budget(set_budget) {}

  MemoryBudget* budget;
  std::vector<Piece> pieces;
  std::vector<FlatArray<Key>> fresh;  // By worker.

  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const Piece& piece : pieces) {
      sum += piece.grouped.bytes() + piece.places.bytes() + piece.runs.capacity() * sizeof(Run);
    }
    for (const auto& keys : fresh) sum += keys.bytes();
    return sum;
  }
};

}  // namespace entail::vm
