// vm/flat_array.h - a growing array of plain values whose memory a budget grants.
//
// What std::vector lacks for the storage of relations: growth that can be refused, growth without
// initialising (a merge writes every element it adds), zeroed tables that cost no page until they
// are touched, and large arrays that grow by remapping their pages, on huge pages where the system
// has them (random access to a table of 400 MB is twice as fast).
//
// Growth has two forms. reserve() asks the budget and changes nothing when refused. reserve_anyway()
// is for structures that may not fail half way (an index that catches up with its relation): it
// books the bytes even over the limit, and the relation reports the overrun at its next merge.
//
// Threads: as for a std::vector.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "vm/base/ensure.h"
#include "vm/base/memory_budget.h"

namespace entail::vm {

namespace internal {

// Blocks of memory: small ones of the heap, large ones mapped. A block has to come back with the size
// it was asked for with. Running out of address space is fatal.
void* resize_block(void* block, std::size_t old_bytes, std::size_t new_bytes);
void* zeroed_block(std::size_t bytes);  // nullptr for 0 bytes.
void free_block(void* block, std::size_t bytes);
// At least as many: whole huge pages where the block would consist of some, since what is left over
// would be small pages for good.
std::size_t whole_pages(std::size_t bytes);

}  // namespace internal

template <typename T>
class FlatArray {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= alignof(std::max_align_t));

 public:
  FlatArray() = default;
  explicit FlatArray(MemoryBudget* budget) : budget_(budget) {}
  ~FlatArray() { reset(); }
  FlatArray(FlatArray&& other) noexcept { swap(other); }
  FlatArray& operator=(FlatArray&& other) noexcept {
    if (this != &other) {
      reset();
      swap(other);
    }
    return *this;
  }

  void swap(FlatArray& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(budget_, other.budget_);
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  std::size_t bytes() const { return capacity_ * sizeof(T); }
  MemoryBudget* budget() const { return budget_; }
  bool empty() const { return size_ == 0; }
  T& operator[](std::size_t position) { return data_[position]; }
  const T& operator[](std::size_t position) const { return data_[position]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

  // Room for `count` elements, growing by half at least. False, and nothing changed, when the
  // budget refuses.
  [[nodiscard]] bool reserve(std::size_t count) {
    if (count <= capacity_) return true;
    const std::size_t target = grown(count);
    if (budget_ != nullptr && !budget_->reserve(target * sizeof(T))) return false;
    take(target);
    return true;
  }
  void reserve_anyway(std::size_t count) {
    if (count <= capacity_) return;
    const std::size_t target = grown(count);
    if (budget_ != nullptr) budget_->reserve_anyway(target * sizeof(T));
    take(target);
  }

  // REQUIRES: count <= capacity(). New elements are not initialised.
  void resize_uninitialized(std::size_t count) {
    ENTAIL_DEBUG_ENSURE(count <= capacity_);
    size_ = count;
  }
  void push_back_anyway(T value) {
    if (size_ == capacity_) reserve_anyway(size_ + 1);
    data_[size_++] = value;
  }
  // REQUIRES: size() < capacity().
  void push_back_unchecked(T value) {
    ENTAIL_DEBUG_ENSURE(size_ < capacity_);
    data_[size_++] = value;
  }
  void clear() { size_ = 0; }

  // Replaces the contents by `count` zero elements; false, and nothing changed, when refused.
  [[nodiscard]] bool assign_zero(std::size_t count) {
    if (budget_ != nullptr && !budget_->reserve(count * sizeof(T))) return false;
    replace_by_zero(count);
    return true;
  }
  void assign_zero_anyway(std::size_t count) {
    if (budget_ != nullptr) budget_->reserve_anyway(count * sizeof(T));
    replace_by_zero(count);
  }

  void reset() {
    internal::free_block(data_, bytes());
    if (budget_ != nullptr) budget_->release(bytes());
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

 private:
  std::size_t grown(std::size_t count) const {
    const std::size_t target =
        std::max({count, capacity_ + capacity_ / 2, std::size_t{64 / sizeof(T) + 1}});
    return internal::whole_pages(target * sizeof(T)) / sizeof(T);
  }
  void take(std::size_t target) {
    void* const moved = internal::resize_block(data_, bytes(), target * sizeof(T));
    if (budget_ != nullptr) budget_->release(bytes());
    data_ = static_cast<T*>(moved);
    capacity_ = target;
  }
  void replace_by_zero(std::size_t count) {
    internal::free_block(data_, bytes());
    if (budget_ != nullptr) budget_->release(bytes());
    data_ = static_cast<T*>(internal::zeroed_block(count * sizeof(T)));
    size_ = capacity_ = count;
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  MemoryBudget* budget_ = nullptr;
};

}  // namespace entail::vm
