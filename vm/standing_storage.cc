// The slots of a standing relation: growing, linking, and giving back what no reader can be near.

#include <fmt/format.h>

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/packed_layout.h"
#include "vm/standing_relation.h"
#include "vm/value_pool.h"

namespace entail::vm {

namespace {

constexpr std::size_t kFirstCapacity = 8;

}  // namespace

Unexpected StandingRelation::limit_error() const {
  const MemoryBudget* const budget = options_.budget;
  return unexpected(
      ErrorCode::kLimit,
      fmt::format(
          "relation {} with {} rows and {} bytes cannot grow: the memory budget of {} bytes "
          "has {} in use",
          options_.name, alive_, bytes_used(), budget == nullptr ? 0 : budget->limit(),
          budget == nullptr ? 0 : budget->used()));
}

bool StandingRelation::book(std::uint64_t bytes) {
  if (options_.budget != nullptr && !options_.budget->reserve(bytes)) return false;
  booked_ += bytes;
  return true;
}

template <typename T>
void StandingRelation::retire(std::shared_ptr<T> memory, std::uint64_t bytes) {
  if (memory == nullptr) return;
  retiring_.memory.push_back(std::move(memory));
  retiring_.bytes += bytes;
}

std::uint64_t StandingRelation::bytes_per_slot() const {
  std::uint64_t bytes = sizeof(Life) + sizeof(std::int64_t) + sizeof(SlotState) +
                        (options_.ranks ? sizeof(std::uint32_t) : 0);
  for (const Published<Column>& column : columns_) bytes += column.owned->is_narrow ? 4 : 8;
  return bytes + index_count_ * (sizeof(Link) + sizeof(std::atomic<Row>));
}

// Slots for `rows` more rows and columns wide enough for the batch. Nothing visible changes.
Expected<void> StandingRelation::make_room(const Batch& batch, std::size_t rows) {
  for (std::size_t c = 0; c < column_count_; ++c) {
    Published<Column>& column = columns_[c];
    if (!column.owned->is_narrow) continue;
    if (bits_of(batch.columns[c], batch.n, column.owned->is_signed) <= 32) continue;
    if (!widen(column)) return limit_error();
  }
  const std::size_t unused = capacity_ - slot_count_.load(std::memory_order_relaxed);
  if (free_.size() + unused >= rows) return {};
  const std::size_t capacity = std::max({kFirstCapacity, capacity_ * 2, capacity_ + rows});
  if (capacity >= kEnd || !grow(capacity)) return limit_error();
  return {};
}

bool StandingRelation::grow(std::size_t capacity) {
  if (!book(capacity * bytes_per_slot())) return false;
  const std::uint64_t old_bytes = capacity_ * bytes_per_slot();
  for (Published<Column>& column : columns_) {
    auto bigger = std::make_shared<Column>(*column.owned);
    if (bigger->is_narrow) {
      bigger->narrow.resize(capacity);
    } else {
      bigger->wide.resize(capacity);
    }
    retire(std::move(column.owned), 0);
    column.publish(std::move(bigger));
  }
  auto lives = std::make_shared<Lives>(capacity);
  for (std::size_t row = 0; row < capacity_; ++row) {
    const Life& from = life(static_cast<Row>(row));
    (*lives)[row].born.store(from.born.load(std::memory_order_relaxed), std::memory_order_relaxed);
    (*lives)[row].died.store(from.died.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  retire(std::move(lives_.owned), 0);
  lives_.publish(std::move(lives));
  // Last, so that whoever finds a row in a chain finds its columns and its life.
  for (std::uint32_t i = 0; i < index_count_; ++i) {
    Index& index = *indexes_[i];
    auto chains = linked_anew(index, index.chains.owned.get(), capacity);
    retire(std::move(index.chains.owned), 0);
    index.chains.publish(std::move(chains));
  }
  weights_.resize(capacity);
  if (options_.ranks) ranks_.resize(capacity);
  states_.resize(capacity, SlotState::kFree);
  capacity_ = capacity;
  retiring_.bytes += old_bytes;
  return true;
}

bool StandingRelation::widen(Published<Column>& column) {
  if (!book(capacity_ * sizeof(Word))) return false;
  auto wide = std::make_shared<Column>();
  wide->is_signed = column.owned->is_signed;
  wide->is_narrow = false;
  wide->wide.resize(capacity_);
  for (std::size_t row = 0; row < capacity_; ++row) {
    wide->wide[row] = column.owned->at(static_cast<Row>(row));
  }
  retire(std::move(column.owned), capacity_ * sizeof(std::uint32_t));
  column.publish(std::move(wide));
  return true;
}

// The linked slots in new chains, with the tags of the old ones if there are any.
std::shared_ptr<StandingRelation::Chains> StandingRelation::linked_anew(
    const Index& index, const Chains* from, std::size_t capacity) const {
  auto chains = std::make_shared<Chains>(capacity);
  const Row count = slot_count_.load(std::memory_order_relaxed);
  for (Row row = 0; row < count; ++row) {
    if (states_[row] != SlotState::kLinked) continue;
    Link& link = chains->links[row];
    link.tag = from != nullptr ? from->links[row].tag : tag_of(index.key, row);
    std::atomic<Row>& head = chains->heads[chains->bucket(link.tag)];
    const Row next = head.load(std::memory_order_relaxed);
    link.next.store(next, std::memory_order_relaxed);
    if (next != kEnd) chains->links[next].previous = row;
    head.store(row, std::memory_order_relaxed);
  }
  return chains;
}

Expected<std::uint32_t> StandingRelation::add_index(const IndexSpec& spec) {
  ENTAIL_ENSURE(spec.range_column < 0 && !spec.key.empty());
  std::vector<std::uint32_t> key = spec.key;
  std::sort(key.begin(), key.end());
  for (std::uint32_t i = 0; i < index_count_; ++i) {
    if (indexes_[i]->key == key) return i;
  }
  if (index_count_ == kIndexesMax || !book(capacity_ * (sizeof(Link) + sizeof(std::atomic<Row>)))) {
    return limit_error();
  }
  auto index = std::make_unique<Index>();
  index->key = std::move(key);
  index->chains.publish(linked_anew(*index, nullptr, std::max<std::size_t>(capacity_, 1)));
  indexes_[index_count_] = std::move(index);
  return index_count_++;
}

// REQUIRES: make_room().
Row StandingRelation::take_slot() {
  if (!free_.empty()) {
    const Row row = free_.back();
    free_.pop_back();
    return row;
  }
  const Row row = slot_count_.load(std::memory_order_relaxed);
  slot_count_.store(row + 1, std::memory_order_release);
  return row;
}

void StandingRelation::put(std::size_t column, Row row, Word word) {
  Column& c = *columns_[column].owned;
  if (c.is_narrow) {
    c.narrow[row] = static_cast<std::uint32_t>(word);
  } else {
    c.wide[row] = word;
  }
}

std::uint32_t StandingRelation::tag_of(std::span<const std::uint32_t> key, Row row) const {
  std::vector<Word> words;
  std::vector<const Word*> columns;
  words.reserve(key.size());
  for (const std::uint32_t column : key) {
    words.push_back(word_at(column, row));
    columns.push_back(&words.back());
  }
  std::uint32_t tag = 0;
  hash_rows(columns, 1, &tag);
  return tag;
}

void StandingRelation::link(Row row) {
  for (std::uint32_t i = 0; i < index_count_; ++i) {
    Chains& chains = *indexes_[i]->chains.owned;
    Link& link = chains.links[row];
    link.tag = tag_of(indexes_[i]->key, row);
    link.previous = kEnd;
    std::atomic<Row>& head = chains.heads[chains.bucket(link.tag)];
    const Row next = head.load(std::memory_order_relaxed);
    link.next.store(next, std::memory_order_relaxed);
    if (next != kEnd) chains.links[next].previous = row;
    head.store(row, std::memory_order_release);
  }
  states_[row] = SlotState::kLinked;
}

// The slot's own link stays: a reader that stands on it finds its way on.
void StandingRelation::unlink(Row row) {
  for (std::uint32_t i = 0; i < index_count_; ++i) {
    Chains& chains = *indexes_[i]->chains.owned;
    const Link& link = chains.links[row];
    const Row next = link.next.load(std::memory_order_relaxed);
    std::atomic<Row>& place = link.previous == kEnd ? chains.heads[chains.bucket(link.tag)]
                                                    : chains.links[link.previous].next;
    place.store(next, std::memory_order_release);
    if (next != kEnd) chains.links[next].previous = link.previous;
  }
  states_[row] = SlotState::kQuarantined;
}

// Takes a slot out of the chains; it is free when no reader can be near.
void StandingRelation::drop(Row row) {
  unlink(row);
  retiring_.rows.push_back(row);
}

void StandingRelation::release_slots(const std::vector<Row>& rows) {
  for (const Row row : rows) {
    for (std::size_t c = 0; c < column_count_; ++c) {
      if (options_.columns[c].handle) options_.pool->release(word_at(c, row));
    }
    states_[row] = SlotState::kFree;
    free_.push_back(row);
  }
}

void StandingRelation::reclaim() {
  const Version oldest = pins_.oldest_version();
  while (!dead_.empty() && dead_.front().died <= oldest) {
    drop(dead_.front().row);
    dead_.pop_front();
  }
  if (!retiring_.rows.empty() || !retiring_.memory.empty()) {
    retiring_.clock = pins_.tick();
    retired_.push_back(std::move(retiring_));
    retiring_ = {};
  }
  const std::uint64_t clock = pins_.oldest_clock();
  while (!retired_.empty() && retired_.front().clock <= clock) {
    const Retired& retired = retired_.front();
    release_slots(retired.rows);
    if (options_.budget != nullptr) options_.budget->release(retired.bytes);
    booked_ -= retired.bytes;
    retired_.pop_front();
  }
}

std::uint64_t StandingRelation::bytes_held_by_pins() const {
  std::uint64_t bytes = dead_.size() * bytes_per_slot();
  for (const Retired& retired : retired_) {
    bytes += retired.bytes + retired.rows.size() * bytes_per_slot();
  }
  return bytes;
}

std::uint64_t StandingRelation::bytes_used() const {
  return booked_ + (free_.capacity() + undo_.capacity() * 6 + dead_.size() * 4) * sizeof(Row);
}

}  // namespace entail::vm
