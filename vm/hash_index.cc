#include "vm/hash_index.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "vm/base/ensure.h"
#include "vm/base/tiny.h"

namespace entail::vm {

namespace {

// A span of values this small is worth an array anyway.
constexpr std::size_t kDenseAlways = size_or_tiny(4096, 16);
constexpr std::size_t kDenseFactor = 4;  // Else at most so many places a row.
constexpr std::size_t kCacheBytes = std::size_t{256} << 10;
constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15U;

std::size_t slot_of(std::uint64_t key, std::size_t slot_count) {
  return ((key * kMix) >> 32) * slot_count >> 32;
}

bool is_dead(const std::uint64_t* dead, Row row) {
  return dead != nullptr && (dead[row >> 6] >> (row & 63) & 1) != 0;
}

unsigned class_of(std::uint32_t count) { return static_cast<unsigned>(std::bit_width(count - 1)); }

}  // namespace

// Up to kBatch keys: as words, as the directory wants them, and the headers found.
struct HashIndex::KeyBatch {
  std::size_t n = 0;
  std::vector<const Word*> columns;
  std::vector<Word> words;
  std::uint64_t packed[kBatch];
  std::uint32_t tags[kBatch];
  const Header* headers[kBatch];
};

HashIndex::HashIndex(const ColumnStore& store, std::vector<std::uint32_t> key, MemoryBudget* budget)
    : store_(store),
      key_(std::move(key)),
      budget_(budget),
      dense_(budget),
      packed_(budget),
      by_rows_(budget),
      headers_(budget),
      rows_(budget) {
  clear();
}

void HashIndex::clear() {
  end_ = 0;
  distinct_ = 0;
  dense_.reset();
  packed_.reset();
  packed_used_ = 0;
  has_all_ones_ = false;
  all_ones_ = {};
  by_rows_ = RowMap(budget_);
  headers_.reset();
  rows_.reset();
  exact_end_ = 0;
  for (auto& blocks : free_blocks_) blocks.clear();
  choose_directory(0);
}

template <typename Self, typename Visit>
void HashIndex::for_each_header(Self& self, Visit visit) {
  switch (self.directory_) {
    case Directory::kDense:
      for (auto& header : self.dense_) {
        if (header.count != 0) visit(header);
      }
      return;
    case Directory::kPacked:
      for (auto& slot : self.packed_) {
        if (slot.header.count != 0) visit(slot.header);
      }
      if (self.all_ones_.count != 0) visit(self.all_ones_);
      return;
    case Directory::kRows:
      for (auto& header : self.headers_) {
        if (header.count != 0) visit(header);
      }
      return;
  }
}

// ------------------------------------------------------------------------------ the directory

// REQUIRES: the index is empty.
void HashIndex::choose_directory(Row end) {
  std::vector<PackedNeed> needs;
  for (const std::uint32_t column : key_) needs.push_back({1, store_.is_signed(column)});
  std::vector<Word> words(kBatch);
  Word low = 0;
  Word high = 0;
  for (std::size_t c = 0; c < key_.size(); ++c) {
    const Word flip = needs[c].is_signed ? Word{1} << 63 : 0;
    for (Row first = 0; first < end; first += kBatch) {
      const std::size_t n = std::min<std::size_t>(kBatch, end - first);
      store_.load_run(key_[c], first, n, words.data());
      needs[c].bits = std::max(needs[c].bits, bits_of(words.data(), n, needs[c].is_signed));
      if (key_.size() > 1) continue;
      if (first == 0) low = high = words[0] ^ flip;
      for (std::size_t i = 0; i < n; ++i) {
        low = std::min(low, words[i] ^ flip);
        high = std::max(high, words[i] ^ flip);
      }
    }
  }
  directory_ = Directory::kDense;
  dense_.reset();
  if (key_.size() == 1) {
    const Word flip = needs[0].is_signed ? Word{1} << 63 : 0;
    if (end == 0 || dense_admits(low ^ flip, high ^ flip, end)) return;
  }
  become(Directory::kPacked, needs);
}

// Makes the array span [low, high] (in the column's order) if that is not too wasteful.
bool HashIndex::dense_admits(Word low, Word high, std::size_t rows) {
  const bool is_signed = store_.is_signed(key_[0]);
  const Word flip = is_signed ? Word{1} << 63 : 0;
  Word span_low = low ^ flip;
  Word span_high = high ^ flip;
  if (!dense_.empty()) {
    span_low = std::min(span_low, dense_base_ ^ flip);
    span_high = std::max(span_high, (dense_base_ + dense_.size() - 1) ^ flip);
  }
  const Word span = span_high - span_low;
  if (span >= std::max(kDenseAlways, kDenseFactor * rows)) return false;
  if (!dense_.empty() && span + 1 == dense_.size()) return true;
  // Ids mostly grow upwards: leave a quarter of room there, as far as the words go.
  const Word room = std::min<Word>(span / 4, ~span_high);
  FlatArray<Header> bigger(budget_);
  bigger.assign_zero_anyway(span + 1 + room);
  const Word base = span_low ^ flip;
  for (std::size_t i = 0; i < dense_.size(); ++i) bigger[dense_base_ + i - base] = dense_[i];
  dense_ = std::move(bigger);
  dense_base_ = base;
  return true;
}

// Changes the kind of directory, or the packed layout. Every key is read back from its first row.
void HashIndex::become(Directory kind, std::span<const PackedNeed> needs) {
  std::vector<Header> headers;
  headers.reserve(distinct_);
  for_each_header(*this, [&](const Header& header) { headers.push_back(header); });
  dense_.reset();
  packed_.reset();
  packed_used_ = 0;
  has_all_ones_ = false;
  all_ones_ = {};
  directory_ = kind;
  if (kind == Directory::kPacked) {
    const std::optional<PackedLayout> layout = PackedLayout::choose(needs, 64);
    if (layout) {
      layout_ = *layout;
    } else {
      directory_ = Directory::kRows;
    }
  }
  KeyBatch batch;
  batch.words.resize(key_.size());
  batch.n = 1;
  reserve_headers(headers.size());
  for (const Header& header : headers) {
    batch.columns.clear();
    const Row first = rows_of(header)[0];
    for (std::size_t c = 0; c < key_.size(); ++c) {
      batch.words[c] = store_.at(key_[c], first);
      batch.columns.push_back(&batch.words[c]);
    }
    const bool encoded = encode(batch);
    ENTAIL_ENSURE(encoded);
    if (directory_ == Directory::kRows) {
      by_rows_.insert(batch.tags[0], static_cast<std::uint32_t>(headers_.size()));
      headers_.push_back_anyway(header);
    } else {
      packed_header(batch.packed[0]) = header;
    }
  }
}

// Makes sure that the directory can hold the keys of the batch, and encodes them.
void HashIndex::admit(const KeyBatch& const_batch, std::size_t rows_after) {
  auto& batch = const_cast<KeyBatch&>(const_batch);
  if (directory_ == Directory::kDense) {
    const Word flip = store_.is_signed(key_[0]) ? Word{1} << 63 : 0;
    Word low = ~Word{0};
    Word high = 0;
    for (std::size_t i = 0; i < batch.n; ++i) {
      low = std::min(low, batch.columns[0][i] ^ flip);
      high = std::max(high, batch.columns[0][i] ^ flip);
    }
    low ^= flip;
    high ^= flip;
    if (!dense_.empty() && low - dense_base_ < dense_.size() &&
        high - dense_base_ < dense_.size()) {
      return;
    }
    if (dense_admits(low, high, rows_after)) return;
  }
  if (directory_ != Directory::kDense && encode(batch)) return;
  // The layout must hold the old keys and the new ones.
  std::vector<PackedNeed> needs;
  for (std::size_t c = 0; c < key_.size(); ++c) {
    const bool is_signed = store_.is_signed(key_[c]);
    unsigned bits = bits_of(batch.columns[c], batch.n, is_signed);
    if (directory_ == Directory::kPacked) {
      bits = std::max<unsigned>(bits, layout_.columns()[c].bits);
    } else {
      bits = std::max(bits, bits_of(dense_base_, is_signed));
      if (!dense_.empty()) {
        bits = std::max(bits, bits_of(dense_base_ + dense_.size() - 1, is_signed));
      }
    }
    needs.push_back({bits, is_signed});
  }
  if (directory_ == Directory::kPacked && !PackedLayout::choose(needs, 64)) {
    // The shares of slack may be in the way: measure what the keys need.
    for (std::size_t c = 0; c < key_.size(); ++c) {
      needs[c].bits = bits_of(batch.columns[c], batch.n, needs[c].is_signed);
      for_each_header(*this, [&](const Header& header) {
        const Word word = store_.at(key_[c], rows_of(header)[0]);
        needs[c].bits = std::max(needs[c].bits, bits_of(word, needs[c].is_signed));
      });
    }
  }
  become(Directory::kPacked, needs);
  const bool encoded = encode(batch);
  ENTAIL_ENSURE(encoded);
}

void HashIndex::load_keys(KeyBatch& batch, Row first, std::size_t n) const {
  batch.n = n;
  batch.words.resize(kBatch * key_.size());
  batch.columns.clear();
  for (std::size_t c = 0; c < key_.size(); ++c) {
    Word* const out = batch.words.data() + c * kBatch;
    store_.load_run(key_[c], first, n, out);
    batch.columns.push_back(out);
  }
}

// The keys as the directory wants them; false when some does not fit the packed layout.
bool HashIndex::encode(KeyBatch& batch) const {
  switch (directory_) {
    case Directory::kDense:
      return true;
    case Directory::kPacked:
      return layout_.pack(batch.columns.data(), batch.n, batch.packed);
    case Directory::kRows:
      hash_rows(batch.columns, batch.n, batch.tags);
      return true;
  }
  ENTAIL_UNREACHABLE("all kinds of directory are named");
}

bool HashIndex::same_key(const Header& header, const KeyBatch& batch, std::size_t i) const {
  const Row row = rows_of(header)[0];
  for (std::size_t c = 0; c < key_.size(); ++c) {
    if (store_.at(key_[c], row) != batch.columns[c][i]) return false;
  }
  return true;
}

const HashIndex::Header* HashIndex::find_packed(std::uint64_t key) const {
  static constexpr Header kNothing;
  if (~key == 0) return &all_ones_;
  if (packed_.empty()) return &kNothing;
  for (std::size_t i = slot_of(key, packed_.size()); packed_[i].key_complement != 0;
       i = i + 1 == packed_.size() ? 0 : i + 1) {
    if (packed_[i].key_complement == ~key) return &packed_[i].header;
  }
  return &kNothing;
}

// REQUIRES: reserve_headers() made room.
HashIndex::Header& HashIndex::packed_header(std::uint64_t key) {
  if (~key == 0) return all_ones_;
  std::size_t i = slot_of(key, packed_.size());
  for (; packed_[i].key_complement != 0; i = i + 1 == packed_.size() ? 0 : i + 1) {
    if (packed_[i].key_complement == ~key) return packed_[i].header;
  }
  packed_[i].key_complement = ~key;
  ++packed_used_;
  return packed_[i].header;
}

void HashIndex::reserve_headers(std::size_t more) {
  switch (directory_) {
    case Directory::kDense:
      return;
    case Directory::kPacked:
      if ((packed_used_ + more) * 3 >= packed_.size() * 2) grow_packed(packed_used_ + more);
      return;
    case Directory::kRows:
      by_rows_.reserve_anyway(by_rows_.size() + more);
      headers_.reserve_anyway(headers_.size() + more);
      return;
  }
}

// Keys that have lost all their rows are left behind.
void HashIndex::grow_packed(std::size_t count) {
  constexpr std::size_t kAhead = 32;
  FlatArray<PackedSlot> old(budget_);
  old.assign_zero_anyway(count * 2 + 16);
  old.swap(packed_);
  packed_used_ = 0;
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (i + kAhead < old.size()) {
      __builtin_prefetch(packed_.data() + slot_of(~old[i + kAhead].key_complement, packed_.size()),
                         1);
    }
    if (old[i].header.count != 0) packed_header(~old[i].key_complement) = old[i].header;
  }
}

// Worth it ahead of header_for() when the directory is bigger than the cache.
void HashIndex::prefetch_headers(const KeyBatch& batch) const {
  switch (directory_) {
    case Directory::kDense:
      if (dense_.bytes() <= kCacheBytes) return;
      for (std::size_t i = 0; i < batch.n; ++i) {
        __builtin_prefetch(dense_.data() + (batch.columns[0][i] - dense_base_), 1);
      }
      return;
    case Directory::kPacked:
      if (packed_.bytes() <= kCacheBytes) return;
      for (std::size_t i = 0; i < batch.n; ++i) {
        __builtin_prefetch(packed_.data() + slot_of(batch.packed[i], packed_.size()), 1);
      }
      return;
    case Directory::kRows:
      for (std::size_t i = 0; i < batch.n; ++i) by_rows_.prefetch(batch.tags[i]);
      return;
  }
}

HashIndex::Header& HashIndex::header_for(const KeyBatch& batch, std::size_t i) {
  switch (directory_) {
    case Directory::kDense:
      return dense_[batch.columns[0][i] - dense_base_];
    case Directory::kPacked:
      return packed_header(batch.packed[i]);
    case Directory::kRows: {
      const std::uint32_t found = by_rows_.find(batch.tags[i], [&](std::uint32_t number) {
        return same_key(headers_[number], batch, i);
      });
      if (found != RowMap::kNone) return headers_[found];
      by_rows_.insert(batch.tags[i], static_cast<std::uint32_t>(headers_.size()));
      headers_.push_back_anyway({});
      return headers_[headers_.size() - 1];
    }
  }
  ENTAIL_UNREACHABLE("all kinds of directory are named");
}

// ------------------------------------------------------------------------------ postings

std::uint32_t HashIndex::take_block(unsigned size_class) {
  std::vector<std::uint32_t>& blocks = free_blocks_[size_class];
  if (!blocks.empty()) {
    const std::uint32_t block = blocks.back();
    blocks.pop_back();
    return block;
  }
  const std::size_t block = rows_.size();
  const std::size_t size = std::size_t{1} << size_class;
  ENTAIL_ENSURE(block + size <= 0xffffffffU);
  rows_.reserve_anyway(block + size);
  rows_.resize_uninitialized(block + size);
  return static_cast<std::uint32_t>(block);
}

void HashIndex::free_block(const Header& header) {
  if (header.count < 2 || header.offset < exact_end_) return;
  free_blocks_[class_of(header.count)].push_back(header.offset);
}

inline void HashIndex::append(Header& header, Row row) {
  if (header.count == 0) {
    header = {row, 1};
    ++distinct_;
    return;
  }
  const bool is_full =
      header.count == 1 || header.offset < exact_end_ || std::has_single_bit(header.count);
  if (is_full) {
    const std::uint32_t block = take_block(class_of(header.count + 1));
    std::copy_n(rows_of(header), header.count, rows_.data() + block);
    free_block(header);
    header.offset = block;
  }
  rows_[header.offset + header.count] = row;
  ++header.count;
}

// A rehash of a big directory misses the cache at each key, so a directory whose keys mostly differ is
// made in its full size at once.
void HashIndex::reserve_by_sample(Row end) {
  constexpr std::size_t kSample = 1024;
  if (directory_ != Directory::kPacked || end < 64 * kSample) return;
  std::vector<Word> sample;
  for (std::size_t i = 0; i < kSample; ++i) {
    const Row row = static_cast<Row>(i * (end / kSample));
    Word mixed = 0;
    for (const std::uint32_t column : key_) mixed = (mixed ^ store_.at(column, row)) * kMix;
    sample.push_back(mixed);
  }
  std::sort(sample.begin(), sample.end());
  const auto distinct =
      static_cast<std::size_t>(std::unique(sample.begin(), sample.end()) - sample.begin());
  if (distinct > kSample * 15 / 16) reserve_headers(end);
}

void HashIndex::build(Row end, const std::uint64_t* dead) {
  clear();
  choose_directory(end);
  reserve_by_sample(end);
  // First the counts, with each key's first row in `offset` meanwhile. A directory that compares rows
  // needs it, and remembers the number of each row's header, since the offsets are about to change.
  std::vector<std::uint32_t> header_numbers;
  KeyBatch batch;
  for (Row first = 0; first < end; first += kBatch) {
    load_keys(batch, first, std::min<std::size_t>(kBatch, end - first));
    encode(batch);
    reserve_headers(batch.n);
    prefetch_headers(batch);
    for (std::size_t i = 0; i < batch.n; ++i) {
      const Row row = first + static_cast<Row>(i);
      if (is_dead(dead, row)) {
        if (directory_ == Directory::kRows) header_numbers.push_back(0);
        continue;
      }
      std::uint32_t number = 0;
      if (directory_ == Directory::kRows) {
        number = by_rows_.find(batch.tags[i], [&](std::uint32_t candidate) {
          const Row other = headers_[candidate].offset;
          return std::all_of(key_.begin(), key_.end(), [&](std::uint32_t column) {
            return store_.at(column, other) == store_.at(column, row);
          });
        });
        if (number == RowMap::kNone) {
          number = static_cast<std::uint32_t>(headers_.size());
          by_rows_.insert(batch.tags[i], number);
          headers_.push_back_anyway({row, 0});
        }
        header_numbers.push_back(number);
      }
      Header& header = directory_ == Directory::kRows ? headers_[number] : header_for(batch, i);
      if (header.count++ == 0) {
        header.offset = row;
        ++distinct_;
      }
    }
  }
  end_ = end;
  fill_exact(header_numbers, dead);
}

// Gives each key a stretch of its exact length and fills them from the last row down, so that the
// offsets, which start at the ends, finish at the beginnings.
void HashIndex::fill_exact(std::span<const std::uint32_t> header_numbers,
                           const std::uint64_t* dead) {
  std::size_t total = 0;
  for_each_header(*this, [&](Header& header) {
    if (header.count < 2) return;
    total += header.count;
    header.offset = static_cast<std::uint32_t>(total);
  });
  rows_.reserve_anyway(total);
  rows_.resize_uninitialized(total);
  exact_end_ = static_cast<std::uint32_t>(total);
  if (total == 0) return;  // Every row lies in its header already.
  KeyBatch batch;
  for (Row last = end_; last > 0;) {
    const Row first = (last - 1) / kBatch * kBatch;
    load_keys(batch, first, last - first);
    encode(batch);
    prefetch_headers(batch);
    for (Row row = last; row-- > first;) {
      if (is_dead(dead, row)) continue;
      Header& header = directory_ == Directory::kRows ? headers_[header_numbers[row]]
                                                      : header_for(batch, row - first);
      if (header.count == 1) {
        header.offset = row;
      } else {
        rows_[--header.offset] = row;
      }
    }
    last = first;
  }
}

void HashIndex::extend(Row end, const std::uint64_t* dead) {
  KeyBatch batch;
  while (end_ < end) {
    const Row first = end_;
    load_keys(batch, first, std::min<std::size_t>(kBatch, end - first));
    admit(batch, first + batch.n);
    reserve_headers(batch.n);
    prefetch_headers(batch);
    for (std::size_t i = 0; i < batch.n; ++i) {
      const Row row = first + static_cast<Row>(i);
      if (!is_dead(dead, row)) append(header_for(batch, i), row);
    }
    end_ = first + static_cast<Row>(batch.n);
  }
}

void HashIndex::remove(std::span<const Row> rows) {
  std::vector<std::pair<std::uint64_t, Row>> leaving;  // By posting, so that each is walked once.
  KeyBatch batch;
  batch.words.resize(key_.size());
  std::vector<Header*> headers;
  for (const Row row : rows) {
    batch.n = 1;
    batch.columns.clear();
    for (std::size_t c = 0; c < key_.size(); ++c) {
      batch.words[c] = store_.at(key_[c], row);
      batch.columns.push_back(&batch.words[c]);
    }
    encode(batch);
    headers.push_back(&header_for(batch, 0));
    leaving.push_back({reinterpret_cast<std::uintptr_t>(headers.back()), row});
  }
  std::sort(leaving.begin(), leaving.end());
  for (std::size_t i = 0; i < leaving.size();) {
    Header& header = *reinterpret_cast<Header*>(static_cast<std::uintptr_t>(leaving[i].first));
    std::size_t stop = i;
    while (stop < leaving.size() && leaving[stop].first == leaving[i].first) ++stop;
    const Header before = header;
    const std::uint32_t left = before.count - static_cast<std::uint32_t>(stop - i);
    if (left == 0) {
      if (directory_ == Directory::kRows) {
        batch.columns.clear();
        for (std::size_t c = 0; c < key_.size(); ++c) {
          batch.words[c] = store_.at(key_[c], leaving[i].second);
          batch.columns.push_back(&batch.words[c]);
        }
        encode(batch);
        by_rows_.erase(batch.tags[0], static_cast<std::uint32_t>(&header - headers_.data()));
      }
      free_block(before);
      header = {};
      --distinct_;
    } else {
      Row* const posting = rows_.data() + before.offset;
      std::size_t kept = 0;
      std::size_t next = i;
      for (std::uint32_t k = 0; k < before.count; ++k) {
        if (next < stop && posting[k] == leaving[next].second) {
          ++next;
        } else {
          posting[kept++] = posting[k];
        }
      }
      ENTAIL_ENSURE(next == stop && kept == left);
      header.count = left;
      if (left == 1) {
        header.offset = posting[0];
        free_block(before);
      } else if (before.offset >= exact_end_) {
        // A block's size is that of its count: what is too much for the new count is a block of its
        // own for each power of two between.
        for (unsigned c = class_of(left); c < class_of(before.count); ++c) {
          free_blocks_[c].push_back(before.offset + (std::uint32_t{1} << c));
        }
      }
    }
    i = stop;
  }
}

// ------------------------------------------------------------------------------ probing

void HashIndex::find_headers(KeyBatch& batch) const {
  static constexpr Header kNothing;
  switch (directory_) {
    case Directory::kDense: {
      const Word* const words = batch.columns[0];
      const std::size_t span = dense_.size();
      const Header* const headers = dense_.data();
      for (std::size_t i = 0; i < batch.n; ++i) {
        const Word place = words[i] - dense_base_;
        batch.headers[i] = place < span ? headers + place : &kNothing;
      }
      if (dense_.bytes() > kCacheBytes) {
        for (std::size_t i = 0; i < batch.n; ++i) __builtin_prefetch(batch.headers[i]);
      }
      return;
    }
    case Directory::kPacked: {
      if (packed_.bytes() > kCacheBytes) {
        layout_.pack(batch.columns.data(), batch.n, batch.packed);
        for (std::size_t i = 0; i < batch.n; ++i) {
          __builtin_prefetch(packed_.data() + slot_of(batch.packed[i], packed_.size()));
        }
      }
      const bool all_fit = layout_.pack(batch.columns.data(), batch.n, batch.packed);
      for (std::size_t i = 0; i < batch.n; ++i) {
        const bool fits = all_fit || layout_.fits(batch.columns.data(), i);
        batch.headers[i] = fits ? find_packed(batch.packed[i]) : &kNothing;
      }
      return;
    }
    case Directory::kRows:
      hash_rows(batch.columns, batch.n, batch.tags);
      for (std::size_t i = 0; i < batch.n; ++i) by_rows_.prefetch(batch.tags[i]);
      for (std::size_t i = 0; i < batch.n; ++i) {
        const std::uint32_t number = by_rows_.find(batch.tags[i], [&](std::uint32_t candidate) {
          return same_key(headers_[candidate], batch, i);
        });
        batch.headers[i] = number == RowMap::kNone ? &kNothing : &headers_[number];
      }
      return;
  }
}

void HashIndex::probe(std::span<const Word* const> keys, std::size_t n, Row low, Row high,
                      Posting* out) const {
  KeyBatch batch;
  batch.columns.resize(key_.size());
  const bool prefetch = rows_.bytes() > kCacheBytes;
  for (std::size_t first = 0; first < n; first += kBatch) {
    batch.n = std::min(kBatch, n - first);
    for (std::size_t c = 0; c < key_.size(); ++c) batch.columns[c] = keys[c] + first;
    find_headers(batch);
    Posting* const postings = out + first;
    const Row* const rows = rows_.data();
    for (std::size_t i = 0; i < batch.n; ++i) {
      const Header* const header = batch.headers[i];
      postings[i] = {header->count == 1 ? &header->offset : rows + header->offset, header->count};
    }
    if (prefetch) {
      for (std::size_t i = 0; i < batch.n; ++i) __builtin_prefetch(postings[i].rows);
    }
    if (low == 0 && high >= end_) continue;
    for (std::size_t i = 0; i < batch.n; ++i) {
      Posting& posting = postings[i];
      if (posting.count == 0) continue;
      const Row* begin = posting.rows;
      const Row* end = begin + posting.count;
      if (low > 0 && *begin < low) begin = end[-1] < low ? end : std::lower_bound(begin, end, low);
      if (high < end_ && begin != end && end[-1] >= high) end = std::lower_bound(begin, end, high);
      posting = {begin, static_cast<std::uint32_t>(end - begin)};
    }
  }
}

std::uint64_t HashIndex::bytes_used() const {
  std::uint64_t bytes =
      dense_.bytes() + packed_.bytes() + by_rows_.bytes_used() + headers_.bytes() + rows_.bytes();
  for (const auto& blocks : free_blocks_) bytes += blocks.capacity() * sizeof(std::uint32_t);
  return bytes;
}

void HashIndex::verify(const std::uint64_t* dead) const {
  std::vector<bool> seen(end_);
  std::uint64_t distinct = 0;
  for_each_header(*this, [&](const Header& header) {
    ++distinct;
    const Row* const rows = rows_of(header);
    KeyBatch batch;
    batch.n = 1;
    std::vector<Word> words;
    for (const std::uint32_t column : key_) words.push_back(store_.at(column, rows[0]));
    for (const Word& word : words) batch.columns.push_back(&word);
    find_headers(batch);
    ENTAIL_ENSURE(batch.headers[0] == &header);  // (1)
    for (std::uint32_t i = 0; i < header.count; ++i) {
      ENTAIL_ENSURE(rows[i] < end_ && !seen[rows[i]] && !is_dead(dead, rows[i]));  // (1)
      seen[rows[i]] = true;
      ENTAIL_ENSURE(i == 0 || rows[i - 1] < rows[i]);  // (2)
      for (std::size_t c = 0; c < key_.size(); ++c) {
        ENTAIL_ENSURE(store_.at(key_[c], rows[i]) == words[c]);  // (1)
      }
    }
  });
  for (Row row = 0; row < end_; ++row) ENTAIL_ENSURE(seen[row] || is_dead(dead, row));  // (1)
  ENTAIL_ENSURE(distinct == distinct_);                                                 // (3)
}

}  // namespace entail::vm
