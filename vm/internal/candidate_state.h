// vm/internal/candidate_state.h - what a CandidateBuffer holds, for itself and for Relation::merge().
#pragma once

#include <cstdint>
#include <vector>

#include "vm/candidate_buffer.h"
#include "vm/flat_array.h"
#include "vm/packed_layout.h"
#include "vm/relation.h"

namespace entail::vm {

struct CandidateBuffer::State {
  explicit State(const Relation& r) : relation(r), narrow(r.budget()), wide(r.budget()) {}

  const Relation& relation;

  // How `narrow`, `wide` or `words` are to be read; the relation's own state when the first row came.
  Relation::Membership membership = Relation::Membership::kNone;
  PackedLayout layout;
  std::uint64_t layout_version = ~std::uint64_t{0};

  FlatArray<std::uint64_t> narrow;       // Packed: 64-bit keys …
  FlatArray<Uint128> wide;               // … or 128-bit ones.
  std::vector<std::vector<Word>> words;  // Not packed, or not fitting: one array a column.
  std::vector<std::uint32_t> tags;       // Not packed: the hash of each row's key.
  std::vector<Word> ranks;
  std::size_t word_rows = 0;

  std::size_t packed_rows() const { return narrow.size() + wide.size(); }
  std::size_t size() const { return packed_rows() + word_rows; }

  void adopt();  // The relation's layout. REQUIRES: empty.
  void append(const Word* const* columns, std::size_t n, const Word* row_ranks);
  void append_words(const Word* const* columns, std::size_t first, std::size_t n,
                    const Word* row_ranks);
  void clear();
  // Packs everything anew after the relation changed its layout.
  void restage();
};

}  // namespace entail::vm
