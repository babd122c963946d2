// vm/row_table.h - a set of row ids by the hash of what they hold: five to nine bytes a row.
//
//     bucket, one cache line     [ row × 12 ][ tag × 12 ][ overflow ]
//
// A row lies in the bucket of its hash or, where that is full, in the first one behind it that is not.
// `overflow` counts the rows that passed by, so that a search stops at the first bucket that none passed,
// and erasing leaves no marks. The tag is a byte of the hash; the words themselves are compared in the
// columns, by the caller, for one row in 255 too often.
//
// Growing needs the hash of each row again, which the owner computes (rehash): nothing but rows and tags
// is stored. Buckets keep their order when a table grows, so that growing is a merge-like walk.
//
// Invariants (the owner's verify() checks them)
//   (1) Every row is in the bucket of its hash or behind full or once full buckets that count it.
//   (2) size() is at most ten rows a bucket, or twelve in the only one.
//
// Threads: const members may run concurrently.
// Source: Bronson and Shi, "Open-sourcing F14" (2019), for the counter of overflows and the tags.

#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "vm/column_store.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace entail::vm {

inline constexpr Row kNoRow = 0xffffffff;

class RowTable {
 public:
  RowTable() = default;
  RowTable(const RowTable&) = delete;
  RowTable& operator=(const RowTable&) = delete;
  ~RowTable();

  std::size_t size() const { return size_; }
  std::uint64_t bytes() const { return bucket_count_ * sizeof(Bucket); }

  void prefetch(std::uint32_t hash) const {
    if (bucket_count_ > 0) __builtin_prefetch(&buckets_[home(hash)]);
  }
  // Some row in the home bucket that may be of this hash, or kNoRow: what to prefetch.
  Row peek(std::uint32_t hash) const {
    if (bucket_count_ == 0) return kNoRow;
    const Bucket& bucket = buckets_[home(hash)];
    const unsigned matches = match(bucket, tag(hash));
    return matches == 0 ? kNoRow : bucket.rows[__builtin_ctz(matches)];
  }

  // The place of the row of this hash for which same(row) holds; nullptr if there is none.
  template <typename Same>
  const Row* find(std::uint32_t hash, Same same) const {
    if (bucket_count_ == 0) return nullptr;
    const std::uint8_t wanted = tag(hash);
    std::size_t at = home(hash);
    for (std::size_t tried = 0; tried < bucket_count_; ++tried, at = next(at)) {
      const Bucket& bucket = buckets_[at];
      for (unsigned matches = match(bucket, wanted); matches != 0; matches &= matches - 1) {
        const Row& row = bucket.rows[__builtin_ctz(matches)];
        if (same(row)) return &row;
      }
      if (bucket.overflow == 0) return nullptr;
    }
    return nullptr;
  }
  template <typename Same>
  Row* find(std::uint32_t hash, Same same) {
    return const_cast<Row*>(std::as_const(*this).find(hash, same));
  }

  // Holds no row; its room stays, so that what was in it can come back.
  void clear();
  // Holds no row and has no room.
  void release();

  bool has_room(std::size_t count) const { return count <= room(bucket_count_); }
  // Buckets for `count` rows, more by two fifths than there are: what grow() is to be given.
  std::size_t buckets_for(std::size_t count) const;
  static std::uint64_t bytes_of(std::size_t buckets) { return buckets * sizeof(Bucket); }

  // Holds no row and has that many buckets.
  void make(std::size_t buckets);
  // A table of that many buckets. hash_of(rows, n, hashes) hashes up to kRehash rows at a time.
  static constexpr std::size_t kRehash = 240;
  template <typename HashOf>
  void grow(std::size_t buckets, HashOf hash_of) {
    RowTable bigger;
    bigger.allocate(buckets);
    Row rows[kRehash];
    std::uint32_t hashes[kRehash];
    std::size_t n = 0;
    const auto flush = [&] {
      hash_of(rows, n, hashes);
      for (std::size_t i = 0; i < n; ++i) bigger.insert(hashes[i], rows[i]);
      n = 0;
    };
    for_each([&](Row row) {
      rows[n] = row;
      if (++n == kRehash) flush();
    });
    flush();
    swap(bigger);
  }

  // REQUIRES: has_room(size() + 1).
  void insert(std::uint32_t hash, Row row);
  // REQUIRES: the row is there, under this hash.
  void erase(std::uint32_t hash, Row row);

  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::size_t b = 0; b < bucket_count_; ++b) {
      for (std::size_t i = 0; i < kSlots; ++i) {
        if (buckets_[b].tags[i] != 0) visit(buckets_[b].rows[i]);
      }
    }
  }

 private:
  static constexpr std::size_t kSlots = 12;
  struct Bucket {
    Row rows[kSlots];
    std::uint8_t tags[kSlots];  // 0: empty.
    std::uint8_t overflow;      // Sticks at 255.
    std::uint8_t unused[3];
  };
  static_assert(sizeof(Bucket) == 64);

  static std::uint8_t tag(std::uint32_t hash) {
    const auto byte = static_cast<std::uint8_t>(hash);
    return byte == 0 ? 1 : byte;
  }
  static std::size_t room(std::size_t buckets) { return buckets == 1 ? kSlots : buckets * 10; }
  std::size_t home(std::uint32_t hash) const { return std::uint64_t{hash} * bucket_count_ >> 32; }
  std::size_t next(std::size_t at) const { return at + 1 == bucket_count_ ? 0 : at + 1; }

  // A bit for each slot with this tag.
  static unsigned match(const Bucket& bucket, std::uint8_t wanted) {
#ifdef __SSE2__
    const __m128i tags = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bucket.tags));
    const __m128i equal = _mm_cmpeq_epi8(tags, _mm_set1_epi8(static_cast<char>(wanted)));
    return static_cast<unsigned>(_mm_movemask_epi8(equal)) & ((1U << kSlots) - 1);
#else
    unsigned bits = 0;
    for (unsigned i = 0; i < kSlots; ++i) bits |= (bucket.tags[i] == wanted ? 1U : 0U) << i;
    return bits;
#endif
  }

  void allocate(std::size_t buckets);
  void swap(RowTable& other) noexcept;

  Bucket* buckets_ = nullptr;
  std::size_t bucket_count_ = 0;
  std::size_t size_ = 0;
};

}  // namespace entail::vm
