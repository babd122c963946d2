// vm/paged_array.h - an array by row that grows by pages: nothing is copied, nothing wasted, nothing moves.
//
//     directory   [ p0 ][ p1 ][ p2 ] …        row r is page r / 4,096, place r % 4,096
//                    |     |     |
//                  4,096 4,096 4,096 elements, zero until they are written
//
// The first page of a small array grows by doubling (and moves when it does), so that a relation of ten
// rows holds ten; a *steady* array takes whole pages from the start, and its elements never move: that is
// what readers on other threads need. Its directory does move; the old one goes to `retired`.
//
// Cost: an access is two loads, the first of a few hundred bytes that stay in the cache.
// Threads: as for a std::vector.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "vm/base/tiny.h"
#include "vm/column_store.h"

namespace entail::vm {

// What may be freed only when no reader is near.
using RetiredMemory = std::vector<std::shared_ptr<const void>>;

inline constexpr unsigned kPageShift = size_or_tiny(12, 3);
inline constexpr std::size_t kPageRows = std::size_t{1} << kPageShift;

template <typename T>
class PagedArray {
 public:
  explicit PagedArray(bool steady = false) : steady_(steady) {}
  PagedArray(const PagedArray&) = delete;  // Large.
  PagedArray& operator=(const PagedArray&) = delete;
  PagedArray(PagedArray&& other) noexcept : steady_(other.steady_) { swap(other); }
  PagedArray& operator=(PagedArray&& other) noexcept {
    swap(other);
    return *this;
  }
  ~PagedArray() {
    for (std::size_t page = 0; page < pages_; ++page) delete[] directory_[page];
  }

  T& operator[](Row row) { return at_[row >> kPageShift][row & (kPageRows - 1)]; }
  const T& operator[](Row row) const { return at_[row >> kPageShift][row & (kPageRows - 1)]; }

  std::size_t capacity() const { return capacity_; }
  // The capacity after reserve(rows). REQUIRES: rows > capacity().
  std::size_t rounded(std::size_t rows) const { return target(rows); }
  std::uint64_t bytes() const { return capacity_ * sizeof(T) + directory_size_ * sizeof(T*); }
  // What reserve(rows) adds.
  std::uint64_t growth(std::size_t rows) const {
    if (rows <= capacity_) return 0;
    return (target(rows) - capacity_) * sizeof(T) +
           (directory_target(rows) - directory_size_) * sizeof(T*);
  }

  void reserve(std::size_t rows, RetiredMemory* retired = nullptr) {
    if (rows <= capacity_) return;
    const std::size_t wanted = target(rows);
    if (const std::size_t size = directory_target(rows); size > directory_size_) {
      std::shared_ptr<T*[]> directory(new T*[size]());
      std::copy_n(directory_.get(), pages_, directory.get());
      if (retired != nullptr && directory_ != nullptr) retired->push_back(std::move(directory_));
      directory_ = std::move(directory);
      directory_size_ = size;
      at_ = directory_.get();
    }
    if constexpr (std::is_copy_assignable_v<T>) {
      if (pages_ == 1 && capacity_ < kPageRows) {
        T* const page = new T[std::min(wanted, kPageRows)]();
        std::copy_n(directory_[0], capacity_, page);
        delete[] std::exchange(directory_[0], page);
        capacity_ = std::min(wanted, kPageRows);
      }
    }
    while (capacity_ < wanted) {
      const std::size_t size = std::min(wanted - capacity_, kPageRows);
      directory_[pages_++] = new T[size]();
      capacity_ += size;
    }
  }

  // visit(elements, i, count) for rows first … first + n - 1, some that lie side by side at a time: those of rows
  // first + i on. REQUIRES: reserved.
  template <typename Visit>
  void for_each_run(Row first, std::size_t n, Visit visit) {
    for (std::size_t i = 0; i < n;) {
      const std::size_t at = (first + i) & (kPageRows - 1);
      const std::size_t count = std::min(kPageRows - at, n - i);
      visit(at_[(first + i) >> kPageShift] + at, i, count);
      i += count;
    }
  }

  // For readers: the pages as they are; good until the directory is retired.
  T* const* pages() const { return at_; }

  void swap(PagedArray& other) noexcept {
    std::swap(steady_, other.steady_);
    std::swap(at_, other.at_);
    std::swap(capacity_, other.capacity_);
    std::swap(pages_, other.pages_);
    std::swap(directory_size_, other.directory_size_);
    std::swap(directory_, other.directory_);
  }

 private:
  std::size_t target(std::size_t rows) const {
    if (rows > kPageRows || steady_) return (rows + kPageRows - 1) / kPageRows * kPageRows;
    std::size_t size = 4;
    while (size < rows) size *= 2;
    return size;
  }
  std::size_t directory_target(std::size_t rows) const {
    const std::size_t pages = (rows + kPageRows - 1) / kPageRows;
    return pages <= directory_size_ ? directory_size_ : std::max(pages, directory_size_ * 2);
  }

  bool steady_;
  T* const* at_ = nullptr;  // directory_.get(), nearer.
  std::size_t capacity_ = 0;
  std::size_t pages_ = 0;
  std::size_t directory_size_ = 0;
  std::shared_ptr<T*[]> directory_;
};

}  // namespace entail::vm
