// The slots of a standing relation: growing, linking, and giving back what no reader can be near.

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "vm/base/ensure.h"
#include "vm/standing_relation.h"
#include "vm/value_pool.h"

namespace entail::vm {

// ------------------------------------------------------------------------------ the budget

Unexpected StandingRelation::limit_error() const {
  const MemoryBudget* const budget = options_.budget;
  return unexpected(
      ErrorCode::kLimit,
      fmt::format(
          "relation {} with {} rows and {} bytes cannot grow: the memory budget of {} bytes "
          "has {} in use",
          options_.name, visible_, bytes_used(), budget == nullptr ? 0 : budget->limit(),
          budget == nullptr ? 0 : budget->used()));
}

Unexpected StandingRelation::key_error() const {
  return unexpected(
      ErrorCode::kData,
      fmt::format("relation {}: two different rows have the same key", options_.name));
}

bool StandingRelation::book(std::uint64_t bytes) {
  if (options_.budget != nullptr && !options_.budget->reserve(bytes)) return false;
  booked_ += bytes;
  return true;
}

// What was estimated, or grew without asking (trees, what the epoch notes down), is booked as it is.
void StandingRelation::settle_budget() {
  const std::uint64_t held = bytes_used() + (versions_ == nullptr ? 0 : versions_->retired_bytes());
  if (options_.budget != nullptr && held > booked_) options_.budget->reserve_anyway(held - booked_);
  if (options_.budget != nullptr && held < booked_) options_.budget->release(booked_ - held);
  booked_ = held;
}

// ------------------------------------------------------------------------------ room

std::size_t StandingRelation::Progress::expect(std::uint64_t grown_by) const {
  if (done == 0 || rows <= done) return 0;
  // A little more, so that the estimate does not fall short by a few at the end.
  const double rest = static_cast<double>(rows - done) / static_cast<double>(done);
  return static_cast<std::size_t>(static_cast<double>(grown_by) * rest * 1.02);
}

// Columns as wide as the words of the batch. Nothing visible changes.
Expected<void> StandingRelation::fit_columns(std::span<const Word* const> columns, std::size_t n) {
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (columns_.fits(c, columns[c], n)) continue;
    const std::uint64_t bytes = columns_.widening_bytes(c);
    if (!book(bytes)) return limit_error();
    if (versions_ != nullptr) versions_->retire_bytes(bytes / 2);
    columns_.widen(c, versions_ == nullptr ? nullptr : &versions_->retired_memory());
    settle_budget();
  }
  return {};
}

// Slots and places in tables for so many more rows. Nothing visible changes.
Expected<void> StandingRelation::make_room(std::size_t births, const Progress& progress) {
  if (births == 0) return {};
  const std::size_t reused = std::min(free_.size(), births);
  std::size_t slots = slot_count_ + births - reused;
  if (slots >= kNoRow) return limit_error();
  slots = slots > capacity_ ? flags_.rounded(slots) : capacity_;
  const std::uint64_t bytes = growth(slots, births, progress);
  if (bytes == 0) return {};
  if (!book(bytes)) return limit_error();
  grow(slots, births, progress);
  settle_budget();
  return {};
}

// The same for the rows of a set, of which as many as `births` are born, and for their words.
Expected<void> StandingRelation::make_room(std::span<const Word* const> columns, std::size_t first,
                                           std::size_t n, std::size_t births,
                                           const Progress& progress) {
  Expected<void> room = make_room(births, progress);
  if (!room || births == 0 || members_.covers(columns, first, n)) return room;
  return cover(columns, first, n);
}

// REQUIRES: the members do not cover the words.
Expected<void> StandingRelation::cover(std::span<const Word* const> columns, std::size_t first,
                                       std::size_t n) {
  if (!book(members_.cover_growth(n))) return limit_error();
  members_.cover(columns, first, n);
  settle_budget();
  return {};
}

std::uint64_t StandingRelation::growth(std::size_t slots, std::size_t births,
                                       const Progress& progress) const {
  std::uint64_t bytes = 0;
  if (slots > capacity_) {
    bytes += columns_.growth(slots) + flags_.growth(slots);
    if (options_.ranks) bytes += ranks_.growth(slots);
    if (options_.weights) {
      bytes += has_wide_weights_ ? wide_weights_.growth(slots) : weights_.growth(slots);
    }
    if (options_.bag) bytes += ids_.growth(slots);
    if (options_.identities) bytes += identities_.growth(slots);
    if (versions_ != nullptr) bytes += versions_->growth(slots);
  }
  if (!options_.bag && !members_.has_room(members_.size() + births)) {
    const std::size_t expected = std::max(births, progress.expect(progress.born));
    bytes += members_.growth(members_.size() + expected);
  }
  for (std::size_t k = 0; k < indexes_.size(); ++k) {
    const RowChains* const chains = indexes_[k].chains.get();
    if (chains == nullptr) continue;
    const std::uint64_t before = progress.keys.empty() ? 0 : progress.keys[k];
    const std::uint64_t now = chains->distinct_keys();
    bytes += chains->growth(slots, births, before < now ? progress.expect(now - before) : 0);
  }
  return bytes;
}

void StandingRelation::grow(std::size_t slots, std::size_t births, const Progress& progress) {
  if (slots > capacity_) {
    columns_.reserve(slots, versions_ == nullptr ? nullptr : &versions_->retired_memory());
    flags_.reserve(slots);
    if (options_.ranks) ranks_.reserve(slots);
    if (options_.weights) {
      if (has_wide_weights_) {
        wide_weights_.reserve(slots);
      } else {
        weights_.reserve(slots);
      }
    }
    if (options_.bag) ids_.reserve(slots);
    if (options_.identities) identities_.reserve(slots);
    if (versions_ != nullptr) versions_->reserve(slots);
    capacity_ = slots;
  }
  if (!options_.bag && !members_.has_room(members_.size() + births)) {
    const std::size_t expected = std::max(births, progress.expect(progress.born));
    members_.grow(members_.size() + expected);
  }
  for (std::size_t k = 0; k < indexes_.size(); ++k) {
    RowChains* const chains = indexes_[k].chains.get();
    if (chains == nullptr) continue;
    const std::uint64_t before = progress.keys.empty() ? 0 : progress.keys[k];
    const std::uint64_t now = chains->distinct_keys();
    chains->reserve(slots, births, before < now ? progress.expect(now - before) : 0);
  }
}

void StandingRelation::keep_identities() {
  if (options_.identities) return;
  ENTAIL_ENSURE(!has_open_changes());
  options_.identities = true;
  identities_.reserve(capacity_);
  for (Row row = 0; row < slot_count_; ++row) {
    if (has(row, kInUse)) identities_[row] = next_identity_++;
  }
  epoch_identity_ = next_identity_;
  settle_budget();
}

// ------------------------------------------------------------------------------ slots

// REQUIRES: make_room().
Row StandingRelation::take_slot() {
  if (free_.empty()) return slot_count_++;
  const Row row = free_.back();
  free_.pop_back();
  return row;
}

void StandingRelation::release_handles(Row row) {
  for (const std::uint32_t column : handle_columns_) {
    options_.pool->release(columns_.at(column, row));
  }
}

void StandingRelation::free_slot(Row row) {
  release_handles(row);
  flags_[row] = 0;
  free_.push_back(row);
}

// Rows of a set leave the membership table. Where most of it goes, what stays is entered anew: that is
// cheaper than as many misses of the cache.
void StandingRelation::erase_members(std::span<const Row> rows) {
  if (options_.bag) return;
  if (is_most(rows.size(), members_.size())) {
    std::vector<Row> kept;
    kept.reserve(members_.size() - rows.size());
    for (const Row row : rows) flags_[row] &= static_cast<std::uint8_t>(~kInUse);
    members_.for_each([&](Row row) {
      if (has(row, kInUse)) kept.push_back(row);
    });
    for (const Row row : rows) flags_[row] |= kInUse;
    members_.assign(kept);
    return;
  }
  std::uint32_t places[RowTable::kRehash];
  for (std::size_t first = 0; first < rows.size(); first += RowTable::kRehash) {
    const std::size_t n = std::min(RowTable::kRehash, rows.size() - first);
    members_.find_places(rows.data() + first, n, places);
    for (std::size_t i = 0; i < n; ++i) members_.prefetch(places[i]);
    for (std::size_t i = 0; i < n; ++i) members_.erase(places[i], rows[first + i]);
  }
}

// Linked rows leave the indexes; likewise.
void StandingRelation::unlink_all(std::span<const Row> rows) {
  if (options_.bag || !is_most(rows.size(), visible_ + rows.size())) {
    for (const Row row : rows) unlink(row);
    return;
  }
  for (const Row row : rows) flags_[row] &= static_cast<std::uint8_t>(~kLinked);
  std::vector<Row> kept;
  kept.reserve(visible_);
  for (Row row = 0; row < slot_count_; ++row) {
    if (has(row, kLinked)) kept.push_back(row);
  }
  for (const Index& index : indexes_) {
    if (index.tree != nullptr) {
      for (const Row row : rows) index.tree->erase(row);
    } else if (index.chains != nullptr) {
      index.chains->rebuild(kept);
    }
  }
}

void StandingRelation::put_weight(Row row, std::int64_t weight) {
  if (!has_wide_weights_) {
    if (weight <= std::numeric_limits<std::int32_t>::max()) {
      weights_[row] = static_cast<std::int32_t>(weight);
      return;
    }
    wide_weights_.reserve(capacity_);
    for (Row other = 0; other < slot_count_; ++other) wide_weights_[other] = weights_[other];
    weights_ = PagedArray<std::int32_t>();
    has_wide_weights_ = true;
  }
  wide_weights_[row] = weight;
}

// ------------------------------------------------------------------------------ links

// Among equal rows of a bag the newest stands first, behind it those that left.
void StandingRelation::link_equal(RowChains& chains, Row row) {
  chains.link_before(
      row, [this](Row one, Row other) { return !has(other, kPresent) || ids_[other] < ids_[one]; });
}

void StandingRelation::flush_links() {
  if (unlinked_.empty()) return;
  for (std::size_t k = 0; k < indexes_.size(); ++k) {
    const Index& index = indexes_[k];
    if (index.tree != nullptr) {
      for (const Row row : unlinked_) index.tree->insert(row);
    } else if (index.chains != nullptr && !(k == 0 && options_.bag)) {
      index.chains->link(unlinked_.data(), unlinked_.size());
    }
  }
  for (const Row row : unlinked_) flags_[row] |= kLinked;
  unlinked_.clear();
}

// A row that is visible after all, whether it is in the indexes still or not.
void StandingRelation::link_again(Row row) {
  const bool is_linked = has(row, kLinked);
  for (std::size_t k = 0; k < indexes_.size(); ++k) {
    const Index& index = indexes_[k];
    if (index.tree != nullptr) {
      if (!is_linked) index.tree->insert(row);
    } else if (index.chains != nullptr) {
      if (is_linked) index.chains->unlink(row);
      if (k == 0 && options_.bag) {
        link_equal(*index.chains, row);
      } else {
        index.chains->link(&row, 1);
      }
    }
  }
  flags_[row] |= kLinked;
}

void StandingRelation::unlink(Row row) {
  for (const Index& index : indexes_) {
    if (index.tree != nullptr) {
      index.tree->erase(row);
    } else if (index.chains != nullptr) {
      index.chains->unlink(row);
    }
  }
  flags_[row] &= static_cast<std::uint8_t>(~kLinked);
}

// ------------------------------------------------------------------------------ indexes

Expected<std::uint32_t> StandingRelation::add_index(const IndexSpec& spec) {
  Expected<std::uint32_t> number = make_index(spec);
  // Readers have their own; what only the writer looks at (identity) they do not need.
  if (number && versions_ != nullptr && indexes_[*number].tree == nullptr &&
      !versions_->has_index(*number)) {
    versions_->add_index(*number, indexes_[*number].spec.key);
    settle_budget();
  }
  return number;
}

Expected<std::uint32_t> StandingRelation::make_index(const IndexSpec& spec) {
  ENTAIL_ENSURE(spec.range_column >= 0 || !spec.key.empty());
  Index index;
  index.spec = spec;
  std::sort(index.spec.key.begin(), index.spec.key.end());
  for (std::uint32_t k = 0; k < indexes_.size(); ++k) {
    const IndexSpec& known = indexes_[k].spec;
    if (known.key == index.spec.key && known.range_column == index.spec.range_column) return k;
  }
  if (indexes_.size() == StandingVersions::kIndexesMax) return limit_error();
  flush_links();
  Expected<void> filled = fill(index);
  if (!filled) return unexpected(std::move(filled).error());
  indexes_.push_back(std::move(index));
  settle_budget();
  return static_cast<std::uint32_t>(indexes_.size() - 1);
}

Expected<void> StandingRelation::fill(Index& index) {
  // In this order the chains have those that entered in the step first and those that left last.
  std::vector<Row> rows;
  const auto collect = [&](std::uint8_t views) {
    for (Row row = 0; row < slot_count_; ++row) {
      if (has(row, kLinked) && (flags_[row] & (kPresent | kWasThere)) == views) rows.push_back(row);
    }
  };
  collect(kWasThere);
  collect(kPresent | kWasThere);
  collect(kPresent);
  return link_rows(index, std::move(rows));
}

// Into an index that is made of these rows, the last one first.
Expected<void> StandingRelation::link_rows(Index& index, std::vector<Row> rows) {
  const IndexSpec& spec = index.spec;
  if (spec.range_column >= 0) {
    if (!book(rows.size() * 2 * sizeof(Row))) return limit_error();
    const auto column = static_cast<std::uint32_t>(spec.range_column);
    index.tree = std::make_unique<RowTree>(columns_, spec.key, column,
                                           options_.columns[column].order, options_.pool);
    index.tree->build(std::move(rows));
    return {};
  }
  if (!options_.bag && spec.key == all_columns_) return {};  // The membership table.
  index.chains = std::make_unique<RowChains>(columns_, spec.key);
  Progress progress;
  progress.rows = rows.size();
  for (; progress.done < rows.size(); progress.done += kChunk) {
    const std::size_t n = std::min(kChunk, rows.size() - progress.done);
    const std::size_t expected = progress.expect(index.chains->distinct_keys());
    if (!book(index.chains->growth(capacity_, n, expected))) return limit_error();
    index.chains->reserve(capacity_, n, expected);
    index.chains->link(rows.data() + progress.done, n);
  }
  // What left in this epoch comes back if it is aborted.
  if (!book(index.chains->growth(capacity_, departed_, 0))) return limit_error();
  index.chains->reserve(capacity_, departed_, 0);
  return {};
}

// ------------------------------------------------------------------------------ upkeep

void StandingRelation::reclaim() {
  if (versions_ != nullptr) {
    std::vector<Row> freed;
    versions_->reclaim(freed);
    for (const Row row : freed) free_slot(row);
  }
  if (options_.budget != nullptr) settle_budget();
}

// What a bulk load noted down is not kept for the changes of a few rows that follow it.
void StandingRelation::trim_scratch() {
  constexpr std::size_t kKept = 4096;
  const auto trim = [](auto& rows) {
    rows.clear();
    if (rows.capacity() > kKept) rows.shrink_to_fit();
  };
  trim(step_);
  trim(entered_);
  trim(left_);
  trim(born_);
  trim(saved_);
  trim(saved_identities_);
  if (free_.capacity() > kKept && free_.size() < free_.capacity() / 4) free_.shrink_to_fit();
}

std::uint64_t StandingRelation::bytes_of_scratch() const {
  return (free_.capacity() + step_.capacity() + unlinked_.capacity() + entered_.capacity() +
          left_.capacity() + born_.capacity()) *
             sizeof(Row) +
         saved_.capacity() * sizeof(Saved) + saved_identities_.capacity() * sizeof(std::uint64_t);
}

std::uint64_t StandingRelation::bytes_of_indexes() const {
  std::uint64_t bytes = 0;
  for (const Index& index : indexes_) {
    if (index.chains != nullptr) bytes += index.chains->bytes();
    if (index.tree != nullptr) bytes += index.tree->bytes();
  }
  return bytes;
}

std::uint64_t StandingRelation::bytes_used() const {
  return columns_.bytes() + flags_.bytes() + ranks_.bytes() + weights_.bytes() +
         wide_weights_.bytes() + ids_.bytes() + identities_.bytes() + members_.bytes() +
         bytes_of_indexes() + bytes_of_scratch() + (versions_ == nullptr ? 0 : versions_->bytes());
}

std::uint64_t StandingRelation::bytes_per_slot() const {
  return capacity_ == 0 ? 0 : (bytes_used() - bytes_of_scratch()) / capacity_;
}

std::uint64_t StandingRelation::bytes_held_by_pins() const {
  return versions_ == nullptr ? 0 : versions_->bytes_held(bytes_per_slot());
}

}  // namespace entail::vm
