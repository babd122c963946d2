// vm/hash_index.h - the rows of each key, as ascending row ids side by side in memory.
//
//     edge(from, to)       row   0: 1 3      key 1 -> [0]
//     index on `from`            1: 2 1      key 2 -> [1, 3]
//                                2: 4 4      key 4 -> [2]
//                                3: 2 3
//
// Directory. Each key has a header {offset, count}. Where the headers are:
//   dense    one key column whose values lie close together (node ids): an array by value
//   packed   the key columns pack into 64 bits: a hash table of {key, header}
//   rows     any other key: a RowMap of header numbers; keys are compared in the columns, with the
//            posting's first row
// It starts as the best that the rows allow and changes as they do.
//
// Postings. A single row lives in its header. What build() makes is one array in key order, exact; a
// posting that grows later moves to a block of the next power of two in the same array, so that
// appending is amortised O(1) and a round that adds ten rows costs ten appends.
//
// Invariants (verify() checks them)
//   (1) Every alive row below end() is in exactly one posting, that of its key.
//   (2) Postings ascend.
//   (3) distinct_keys() counts the postings that are not empty.
//
// Growth is never refused (FlatArray::reserve_anyway): an index has to catch up with its relation, which
// reports the overrun. Threads: probe() may run concurrently, all others need the index to themselves.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vm/column_store.h"
#include "vm/flat_array.h"
#include "vm/packed_layout.h"
#include "vm/posting.h"
#include "vm/row_map.h"

namespace entail::vm {

class HashIndex {
 public:
  // `key`: columns of the store, ascending. The store must outlive the index.
  HashIndex(const ColumnStore& store, std::vector<std::uint32_t> key, MemoryBudget* budget);

  std::span<const std::uint32_t> key() const { return key_; }
  Row end() const { return end_; }

  // Indexes rows [0, end) at once, those excepted whose bit is set in `dead` (nullptr: none). O(end).
  void build(Row end, const std::uint64_t* dead);
  // Adds rows [end(), end); `dead` as above.
  void extend(Row end, const std::uint64_t* dead);
  // Takes rows that are in the index out of it.
  void remove(std::span<const Row> rows);
  // Forgets everything, as after a move of the rows.
  void clear();

  // out[i] = the rows r of keys[…][i] with low <= r < high. Key arrays in the order of key().
  void probe(std::span<const Word* const> keys, std::size_t n, Row low, Row high,
             Posting* out) const;

  std::uint64_t distinct_keys() const { return distinct_; }
  std::uint64_t bytes_used() const;
  void verify(const std::uint64_t* dead) const;

 private:
  // Count 0: no rows. Count 1: `offset` is the row. Else `offset` is the posting's place in rows_.
  struct Header {
    std::uint32_t offset = 0;
    std::uint32_t count = 0;
  };
  struct PackedSlot {
    std::uint64_t key_complement = 0;  // 0: the slot is empty.
    Header header;
  };
  enum class Directory : std::uint8_t { kDense, kPacked, kRows };
  static constexpr std::size_t kBatch = 512;
  static constexpr std::size_t kClasses = 32;
  struct KeyBatch;

  const Row* rows_of(const Header& header) const {
    return header.count == 1 ? &header.offset : rows_.data() + header.offset;
  }

  void choose_directory(Row end);
  void reserve_by_sample(Row end);
  bool dense_admits(Word low, Word high, std::size_t rows);
  void admit(const KeyBatch& batch, std::size_t rows_after);
  void become(Directory kind, std::span<const PackedNeed> needs);
  void load_keys(KeyBatch& batch, Row first, std::size_t n) const;
  bool encode(KeyBatch& batch) const;
  void find_headers(KeyBatch& batch) const;
  void reserve_headers(std::size_t more);
  void prefetch_headers(const KeyBatch& batch) const;
  Header& header_for(const KeyBatch& batch, std::size_t i);
  const Header* find_packed(std::uint64_t key) const;
  Header& packed_header(std::uint64_t key);
  void grow_packed(std::size_t count);
  bool same_key(const Header& header, const KeyBatch& batch, std::size_t i) const;
  void append(Header& header, Row row);
  void fill_exact(std::span<const std::uint32_t> header_numbers, const std::uint64_t* dead);
  std::uint32_t take_block(unsigned size_class);
  void free_block(const Header& header);
  template <typename Self, typename Visit>
  static void for_each_header(Self& self, Visit visit);

  const ColumnStore& store_;
  std::vector<std::uint32_t> key_;
  MemoryBudget* budget_;
  Directory directory_ = Directory::kDense;
  Row end_ = 0;
  std::uint64_t distinct_ = 0;

  FlatArray<Header> dense_;  // kDense: by word - dense_base_.
  Word dense_base_ = 0;
  PackedLayout layout_;  // kPacked.
  FlatArray<PackedSlot> packed_;
  std::size_t packed_used_ = 0;
  bool has_all_ones_ = false;  // The packed key whose complement is 0 has its own place.
  Header all_ones_;
  RowMap by_rows_;  // kRows: tag -> position in headers_.
  FlatArray<Header> headers_;

  FlatArray<Row> rows_;
  std::uint32_t exact_end_ = 0;  // Postings below this place are exact, others have a power of two.
  std::array<std::vector<std::uint32_t>, kClasses> free_blocks_;
};

}  // namespace entail::vm
