#include "vm/candidate_buffer.h"

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/internal/candidate_state.h"

namespace entail::vm {

CandidateBuffer::CandidateBuffer(const Relation& relation)
    : state_(std::make_unique<State>(relation)) {}
CandidateBuffer::~CandidateBuffer() = default;
CandidateBuffer::CandidateBuffer(CandidateBuffer&&) noexcept = default;

void CandidateBuffer::append(std::span<const Word* const> columns, std::size_t n,
                             const Word* ranks) {
  ENTAIL_DEBUG_ENSURE(columns.size() == state_->relation.column_count());
  ENTAIL_DEBUG_ENSURE((ranks != nullptr) == state_->relation.options().ranks);
  if (n == 0) return;
  if (state_->size() == 0) state_->adopt();
  state_->append(columns.data(), n, ranks);
}

std::size_t CandidateBuffer::size() const { return state_->size(); }

void CandidateBuffer::clear() { state_->clear(); }

std::uint64_t CandidateBuffer::bytes_used() const {
  std::uint64_t bytes = state_->narrow.bytes() + state_->wide.bytes() +
                        state_->tags.capacity() * sizeof(std::uint32_t) +
                        state_->ranks.capacity() * sizeof(Word);
  for (const auto& column : state_->words) bytes += column.capacity() * sizeof(Word);
  return bytes;
}

void CandidateBuffer::State::adopt() {
  if (layout_version == relation.layout_version_) return;
  membership = relation.membership_;
  layout = relation.layout_;
  layout_version = relation.layout_version_;
  words.resize(relation.column_count());
}

void CandidateBuffer::State::append(const Word* const* columns, std::size_t n,
                                    const Word* row_ranks) {
  if (membership != Relation::Membership::kPacked) return append_words(columns, 0, n, row_ranks);
  const std::size_t before = packed_rows();
  bool all_fit = false;
  if (layout.is_wide()) {
    wide.reserve_anyway(before + n);
    all_fit = layout.pack(columns, n, wide.data() + before);
    if (all_fit) wide.resize_uninitialized(before + n);
  } else {
    narrow.reserve_anyway(before + n);
    all_fit = layout.pack(columns, n, narrow.data() + before);
    if (all_fit) narrow.resize_uninitialized(before + n);
  }
  if (all_fit) return;
  for (std::size_t i = 0; i < n; ++i) {
    if (!layout.fits(columns, i)) {
      append_words(columns, i, 1, nullptr);
    } else if (layout.is_wide()) {
      wide.push_back_unchecked(wide.data()[before + i]);
    } else {
      narrow.push_back_unchecked(narrow.data()[before + i]);
    }
  }
}

void CandidateBuffer::State::append_words(const Word* const* columns, std::size_t first,
                                          std::size_t n, const Word* row_ranks) {
  for (std::size_t c = 0; c < words.size(); ++c) {
    words[c].insert(words[c].end(), columns[c] + first, columns[c] + first + n);
  }
  if (membership == Relation::Membership::kRows) {
    tags.resize(word_rows + n);
    std::vector<const Word*> keys;
    for (const std::uint32_t column : relation.identity_) keys.push_back(columns[column] + first);
    hash_rows(keys, n, tags.data() + word_rows);
  }
  if (row_ranks != nullptr) ranks.insert(ranks.end(), row_ranks + first, row_ranks + first + n);
  word_rows += n;
}

void CandidateBuffer::State::clear() {
  narrow.clear();
  wide.clear();
  for (auto& column : words) column.clear();
  tags.clear();
  ranks.clear();
  word_rows = 0;
}

void CandidateBuffer::State::restage() {
  const std::size_t packed = packed_rows();
  std::vector<std::vector<Word>> rows = std::move(words);
  for (std::size_t c = 0; c < rows.size(); ++c) {
    const std::size_t before = rows[c].size();
    rows[c].resize(before + packed);
    if (packed == 0) continue;
    if (layout.is_wide()) {
      layout.unpack(wide.data(), packed, c, rows[c].data() + before);
    } else {
      layout.unpack(narrow.data(), packed, c, rows[c].data() + before);
    }
  }
  const std::vector<Word> old_ranks = std::move(ranks);
  const std::size_t n = word_rows + packed;
  words.clear();
  clear();
  adopt();
  std::vector<const Word*> columns;
  for (const auto& column : rows) columns.push_back(column.data());
  append(columns.data(), n, old_ranks.empty() ? nullptr : old_ranks.data());
}

}  // namespace entail::vm
