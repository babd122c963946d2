// vm/change_batch.h - signed rows on their way from one node of a network to the next.
//
// One array of words a column, and beside them what the receiver wants to know of each row: its weight,
// the rank of its derivation, and the source row that it came from. Equal rows may occur; who keeps rows
// adds them up.
//
// Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vm/word.h"

namespace entail::vm {

struct ChangeBatch {
  std::vector<std::vector<Word>> columns;
  std::vector<std::int64_t> weights;
  std::vector<std::uint32_t> ranks;    // Of programs whose rows carry ranks; else empty.
  std::vector<std::uint32_t> origins;  // Source rows, where the fragment tells them; else empty.
  std::size_t n = 0;

  bool empty() const { return n == 0; }

  void clear() {
    for (std::vector<Word>& column : columns) column.clear();
    weights.clear();
    ranks.clear();
    origins.clear();
    n = 0;
  }

  // Arrays of the columns, in `scratch`.
  std::span<const Word* const> arrays(std::vector<const Word*>& scratch) const {
    scratch.clear();
    for (const std::vector<Word>& column : columns) scratch.push_back(column.data());
    return scratch;
  }

  void append(std::span<const Word* const> words, std::size_t rows, std::int64_t weight) {
    if (columns.size() < words.size()) columns.resize(words.size());
    for (std::size_t c = 0; c < words.size(); ++c) {
      columns[c].insert(columns[c].end(), words[c], words[c] + rows);
    }
    weights.insert(weights.end(), rows, weight);
    n += rows;
  }

  std::uint64_t bytes_used() const {
    std::uint64_t bytes = weights.capacity() * sizeof(std::int64_t) +
                          (ranks.capacity() + origins.capacity()) * sizeof(std::uint32_t);
    for (const std::vector<Word>& column : columns) bytes += column.capacity() * sizeof(Word);
    return bytes;
  }
};

}  // namespace entail::vm
