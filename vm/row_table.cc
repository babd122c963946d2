#include "vm/row_table.h"

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/flat_array.h"

namespace entail::vm {

RowTable::~RowTable() { internal::free_block(buckets_, bytes()); }

void RowTable::swap(RowTable& other) noexcept {
  std::swap(buckets_, other.buckets_);
  std::swap(bucket_count_, other.bucket_count_);
  std::swap(size_, other.size_);
}

void RowTable::allocate(std::size_t buckets) {
  buckets_ = static_cast<Bucket*>(internal::zeroed_block(bytes_of(buckets)));
  bucket_count_ = buckets;
}

void RowTable::clear() {
  std::fill_n(buckets_, bucket_count_, Bucket{});
  size_ = 0;
}

void RowTable::release() {
  RowTable empty;
  swap(empty);
}

void RowTable::make(std::size_t buckets) {
  RowTable empty;
  empty.allocate(buckets);
  swap(empty);
}

std::size_t RowTable::buckets_for(std::size_t count) const {
  if (count <= kSlots && bucket_count_ == 0) return 1;
  return std::max((count + 9) / 10, bucket_count_ + bucket_count_ * 2 / 5 + 1);
}

void RowTable::insert(std::uint32_t hash, Row row) {
  ENTAIL_DEBUG_ENSURE(has_room(size_ + 1));
  ++size_;
  for (std::size_t at = home(hash);; at = next(at)) {
    Bucket& bucket = buckets_[at];
    if (const unsigned empty = match(bucket, 0); empty != 0) {
      const int slot = __builtin_ctz(empty);
      bucket.rows[slot] = row;
      bucket.tags[slot] = tag(hash);
      return;
    }
    if (bucket.overflow < 255) ++bucket.overflow;
  }
}

void RowTable::erase(std::uint32_t hash, Row row) {
  --size_;
  std::size_t at = home(hash);
  for (std::size_t tried = 0; tried < bucket_count_; ++tried, at = next(at)) {
    Bucket& bucket = buckets_[at];
    for (unsigned matches = match(bucket, tag(hash)); matches != 0; matches &= matches - 1) {
      const int slot = __builtin_ctz(matches);
      if (bucket.rows[slot] != row) continue;
      bucket.tags[slot] = 0;
      return;
    }
    ENTAIL_ENSURE(bucket.overflow > 0);
    if (bucket.overflow < 255) --bucket.overflow;
  }
  ENTAIL_UNREACHABLE("a row that is erased is in the table");
}

}  // namespace entail::vm
