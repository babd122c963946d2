#include "vm/row_chains.h"

#include <algorithm>
#include <utility>

namespace entail::vm {

RowChains::RowChains(const RowColumns& columns, std::vector<std::uint32_t> key)
    : columns_(columns), key_(std::move(key)) {}

std::uint64_t RowChains::growth(std::size_t rows, std::size_t keys, std::size_t expected) const {
  std::uint64_t bytes = links_.growth(rows);
  if (!heads_.has_room(heads_.size() + keys)) {
    bytes += RowTable::bytes_of(heads_.buckets_for(heads_.size() + std::max(keys, expected)));
  }
  return bytes;
}

void RowChains::reserve(std::size_t rows, std::size_t keys, std::size_t expected) {
  links_.reserve(rows);
  if (heads_.has_room(heads_.size() + keys)) return;
  heads_.grow(heads_.buckets_for(heads_.size() + std::max(keys, expected)),
              [this](const Row* of, std::size_t n, std::uint32_t* hashes) {
                columns_.hash(key_, of, n, hashes);
              });
}

void RowChains::link_with_hash(std::uint32_t hash, Row row) {
  Row* const head = find_head(hash, row);
  if (head == nullptr) {
    heads_.insert(hash, row);
    links_[row] = {kNoRow, row};
    return;
  }
  put_before(head, row, *head);
}

// `at` is in the chain of *head.
void RowChains::put_before(Row* head, Row row, Row at) {
  Link& behind = links_[at];
  links_[row] = {at, behind.previous};
  if (at == *head) {
    *head = row;
  } else {
    links_[behind.previous].next = row;
  }
  behind.previous = row;
}

void RowChains::put_last(Row head, Row row) {
  Link& first = links_[head];
  links_[row] = {kNoRow, first.previous};
  links_[first.previous].next = row;
  links_[head].previous = row;
}

void RowChains::link(const Row* rows, std::size_t n) {
  std::uint32_t hashes[kProbes];
  for (std::size_t first = 0; first < n; first += kProbes) {
    const std::size_t count = std::min(kProbes, n - first);
    columns_.hash(key_, rows + first, count, hashes);
    if (count > 1) {
      for (std::size_t i = 0; i < count; ++i) heads_.prefetch(hashes[i]);
      for (std::size_t i = 0; i < count; ++i) {
        const Row head = heads_.peek(hashes[i]);
        if (head == kNoRow) continue;
        for (const std::uint32_t column : key_) columns_.prefetch(column, head);
        __builtin_prefetch(&links_[head]);
      }
    }
    for (std::size_t i = 0; i < count; ++i) link_with_hash(hashes[i], rows[first + i]);
  }
}

void RowChains::unlink(Row row) {
  const Link link = links_[row];
  if (is_head(row)) {
    const std::uint32_t hash = hash_of(row);
    if (link.next == kNoRow) {
      heads_.erase(hash, row);
      return;
    }
    *heads_.find(hash, [row](Row head) { return head == row; }) = link.next;
    links_[link.next].previous = link.previous;
    return;
  }
  links_[link.previous].next = link.next;
  if (link.next != kNoRow) {
    links_[link.next].previous = link.previous;
  } else {
    links_[*find_head(hash_of(row), row)].previous = link.previous;
  }
}

void RowChains::rebuild(std::span<const Row> rows) {
  heads_.clear();
  link(rows.data(), rows.size());
}

void RowChains::move_to_tail(Row row) {
  const Link link = links_[row];
  if (link.next == kNoRow) return;
  Row* const head = find_head(hash_of(row), row);
  if (*head == row) {
    *head = link.next;  // Its previous is the tail still.
  } else {
    links_[link.previous].next = link.next;
  }
  links_[link.next].previous = link.previous;
  put_last(*head, row);
}

void RowChains::find_heads(std::span<const Word* const> keys, std::size_t first, std::size_t n,
                           Row* heads) const {
  std::uint32_t hashes[kProbes];
  constexpr std::size_t kFew = 8;
  const Word* few[kFew];
  std::vector<const Word*> many;
  const Word** from = few;
  if (keys.size() > kFew) {
    many.resize(keys.size());
    from = many.data();
  }
  for (std::size_t c = 0; c < keys.size(); ++c) from[c] = keys[c] + first;
  hash_rows({from, keys.size()}, n, hashes);
  if (n > 1) {
    for (std::size_t i = 0; i < n; ++i) heads_.prefetch(hashes[i]);
    for (std::size_t i = 0; i < n; ++i) {
      const Row head = heads_.peek(hashes[i]);
      if (head == kNoRow) continue;
      for (const std::uint32_t column : key_) columns_.prefetch(column, head);
      __builtin_prefetch(&links_[head]);
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    const Row* const head = heads_.find(hashes[i], [&](Row row) {
      for (std::size_t c = 0; c < key_.size(); ++c) {
        if (columns_.at(key_[c], row) != from[c][i]) return false;
      }
      return true;
    });
    heads[i] = head == nullptr ? kNoRow : *head;
  }
}

}  // namespace entail::vm
