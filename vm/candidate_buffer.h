// vm/candidate_buffer.h - the rows that one worker derived for one relation, on their way in.
//
// append() stores rows as the relation's membership wants them: packed into keys (vm/packed_layout.h),
// or as words with their hashes, so that the merge only has to look them up. Rows that do not fit the
// layout go to a side list as words; the merge then chooses a wider layout first.
//
// Threads: one owner, and none while the relation merges it. Buffers read their relation's layout, so
// append() and merge() of one relation exclude each other.

#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "vm/base/tiny.h"
#include "vm/word.h"

namespace entail::vm {

class Relation;

class CandidateBuffer {
 public:
  // The relation must outlive the buffer.
  explicit CandidateBuffer(const Relation& relation);
  ~CandidateBuffer();
  CandidateBuffer(CandidateBuffer&&) noexcept;

  // Appends n rows given as one array of words per column (and ranks, where the relation keeps them).
  void append(std::span<const Word* const> columns, std::size_t n, const Word* ranks = nullptr);

  std::size_t size() const;
  // Past the size at which a merge pays; the worker yields then.
  bool full() const { return size() >= kFullRows; }
  void clear();
  std::uint64_t bytes_used() const;

  static constexpr std::size_t kFullRows = size_or_tiny(std::size_t{1} << 17, 48);

 private:
  friend class Relation;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace entail::vm
