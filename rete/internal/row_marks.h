// rete/internal/row_marks.h - which rows of a relation are marked: a bit a row, and clearing costs what was marked.
#pragma once

#include <cstdint>
#include <vector>

#include "vm/column_store.h"

namespace entail::rete {

class RowMarks {
 public:
  bool contains(vm::Row row) const {
    const std::size_t word = row / 64;
    return word < bits_.size() && (bits_[word] >> (row % 64) & 1) != 0;
  }
  // Whether it was not marked before.
  bool insert(vm::Row row) {
    const std::size_t word = row / 64;
    if (word >= bits_.size()) bits_.resize(word + word / 2 + 1);
    const std::uint64_t bit = std::uint64_t{1} << (row % 64);
    if ((bits_[word] & bit) != 0) return false;
    if (bits_[word] == 0) marked_.push_back(static_cast<std::uint32_t>(word));
    bits_[word] |= bit;
    return true;
  }
  void erase(vm::Row row) {
    const std::size_t word = row / 64;
    if (word < bits_.size()) bits_[word] &= ~(std::uint64_t{1} << (row % 64));
  }
  void clear() {
    for (const std::uint32_t word : marked_) bits_[word] = 0;
    marked_.clear();
  }
  std::uint64_t bytes() const {
    return bits_.capacity() * sizeof(std::uint64_t) + marked_.capacity() * sizeof(std::uint32_t);
  }

 private:
  std::vector<std::uint64_t> bits_;
  std::vector<std::uint32_t> marked_;  // Words that have had a mark since the last clear().
};

}  // namespace entail::rete
