// What changes a standing relation: batches, steps, and the epoch's end.

#include "vm/standing_relation.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/row_map.h"
#include "vm/value_pool.h"

namespace entail::vm {

namespace {

std::vector<ColumnOrderKind> kinds_of(const RelationOptions& options) {
  std::vector<ColumnOrderKind> kinds;
  for (const ColumnOptions& column : options.columns) kinds.push_back(column.order);
  return kinds;
}

std::int64_t weight_of(const StandingRelation::Batch& batch, std::size_t i) {
  return batch.weights == nullptr ? 1 : batch.weights[i];
}

std::uint32_t rank_of(const std::uint32_t* ranks, std::size_t i) {
  return ranks == nullptr ? 0 : ranks[i];
}

}  // namespace

Expected<std::unique_ptr<StandingRelation>> StandingRelation::create(RelationOptions options,
                                                                     PinRegistry* pins) {
  const auto refuse = [&](ErrorCode code, std::string_view what) {
    return unexpected(code, fmt::format("relation {}: {}", options.name, what));
  };
  if (options.columns.empty()) options.columns.push_back({ColumnOrderKind::kUnsigned, false});
  if (options.extremum != RelationExtremum::kNone) {
    return refuse(ErrorCode::kUnsupported, "an extremum of one value a group does not stand");
  }
  if (options.bag && (!options.key.empty() || options.ranks || options.weights)) {
    return refuse(ErrorCode::kInvalidArgument, "a bag has neither key nor ranks nor weights");
  }
  if (!std::is_sorted(options.key.begin(), options.key.end(), std::less_equal<>{}) ||
      (!options.key.empty() && options.key.back() >= options.columns.size())) {
    return refuse(ErrorCode::kInvalidArgument, "its key columns must ascend and exist");
  }
  for (const ColumnOptions& column : options.columns) {
    if (column.handle && options.pool == nullptr) {
      return refuse(ErrorCode::kInvalidArgument, "columns of handles need a value pool");
    }
  }
  options.standing = true;
  auto relation = std::unique_ptr<StandingRelation>(new StandingRelation(std::move(options), pins));
  // Rows of a bag are found by all columns; a keyed relation looks for what is under a key.
  if (relation->options_.bag || !relation->options_.key.empty()) {
    IndexSpec identity;
    identity.key = relation->options_.bag ? relation->all_columns_ : relation->options_.key;
    Expected<std::uint32_t> added = relation->make_index(identity);
    if (!added) return unexpected(std::move(added).error());
  }
  return relation;
}

StandingRelation::StandingRelation(RelationOptions options, PinRegistry* pins)
    : options_(std::move(options)),
      all_columns_(options_.columns.size()),
      columns_(kinds_of(options_), pins != nullptr),
      members_(columns_) {
  std::iota(all_columns_.begin(), all_columns_.end(), 0U);
  for (const std::uint32_t column : all_columns_) {
    if (options_.columns[column].handle) handle_columns_.push_back(column);
  }
  if (pins != nullptr) {
    versions_ = std::make_unique<StandingVersions>(*pins, columns_, options_.name);
  }
}

// REQUIRES: no pin is held by a reader of this relation.
StandingRelation::~StandingRelation() {
  if (!handle_columns_.empty()) {
    std::vector<bool> quarantined(slot_count_);
    if (versions_ != nullptr) versions_->mark_quarantined(quarantined);
    for (Row row = 0; row < slot_count_; ++row) {
      if (has(row, kInUse) || quarantined[row]) release_handles(row);
    }
  }
  if (options_.budget != nullptr) options_.budget->release(booked_);
}

// ------------------------------------------------------------------------------ looking

// The row in use that equals row i of the columns, visible or not.
Row StandingRelation::member(std::span<const Word* const> columns, std::size_t i,
                             std::uint32_t place) const {
  return members_.find(place, [&](Row other) { return equals(other, columns, i); });
}

void StandingRelation::prefetch_members(const std::uint32_t* places, std::size_t n) const {
  if (n < 2) return;
  for (std::size_t i = 0; i < n; ++i) members_.prefetch(places[i]);
  if (members_.is_grid()) return;
  for (std::size_t i = 0; i < n; ++i) {
    const Row row = members_.peek(places[i]);
    if (row == kNoRow) continue;
    for (const std::uint32_t column : all_columns_) columns_.prefetch(column, row);
  }
}

// The visible row with the key of row i, which is not visible itself. REQUIRES: keyed; flush_links().
Row StandingRelation::under_key(std::span<const Word* const> columns, std::size_t i) const {
  if (indexes_[0].chains == nullptr) return kNoRow;  // The key is all there is.
  const RowChains& chains = *indexes_[0].chains;
  Word key[8];
  std::vector<Word> long_key;
  Word* words = key;
  if (options_.key.size() > std::size(key)) {
    long_key.resize(options_.key.size());
    words = long_key.data();
  }
  const Word* pointers[8];
  std::vector<const Word*> long_pointers(long_key.size());
  const Word** at = long_key.empty() ? pointers : long_pointers.data();
  for (std::size_t c = 0; c < options_.key.size(); ++c) {
    words[c] = columns[options_.key[c]][i];
    at[c] = &words[c];
  }
  Row head = kNoRow;
  chains.find_heads({at, options_.key.size()}, 0, 1, &head);
  // Visible rows stand before those that left.
  return head != kNoRow && has(head, kPresent) ? head : kNoRow;
}

// The visible row of a bag that equals row i, is held in this way, and has the greatest id.
Row StandingRelation::newest(const Batch& batch, std::size_t i, std::uint8_t held) const {
  const RowChains& chains = *indexes_[0].chains;
  Row row = kNoRow;
  chains.find_heads(batch.columns, i, 1, &row);
  while (row != kNoRow && has(row, kPresent) && !has(row, held)) row = chains.next(row);
  return row != kNoRow && has(row, kPresent) ? row : kNoRow;
}

// The visible row of a bag that equals row i, is held in this way, and has the id of row i.
Row StandingRelation::with_id(const Batch& batch, std::size_t i, std::uint8_t held) const {
  const RowChains& chains = *indexes_[0].chains;
  Row row = kNoRow;
  chains.find_heads(batch.columns, i, 1, &row);
  while (row != kNoRow && !(has(row, kPresent) && has(row, held) && ids_[row] == batch.ids[i])) {
    row = chains.next(row);
  }
  return row;
}

DurableId StandingRelation::durable_id(Row row) const {
  ENTAIL_DEBUG_ENSURE(options_.bag);
  return ids_[row];
}

std::int64_t StandingRelation::weight(Row row) const {
  if (!options_.weights) return has(row, kDerived) ? 1 : 0;
  return has_wide_weights_ ? wide_weights_[row] : weights_[row];
}

// ------------------------------------------------------------------------------ one row

// Notes down what the row was when the epoch began.
void StandingRelation::save(Row row) {
  if (has(row, kInEpoch)) return;
  flags_[row] |= kInEpoch;
  saved_.push_back({static_cast<std::uint64_t>(weight(row)) << 1 | (is_stated(row) ? 1 : 0), row,
                    options_.ranks ? ranks_[row] : 0});
  if (options_.identities) saved_identities_.push_back(identities_[row]);
}

void StandingRelation::touch(Row row) {
  net_is_known_ = false;
  if (has(row, kInStep)) return;
  flags_[row] |= kInStep;
  step_.push_back(row);
}

// `held`: kStated, kDerived. It is entered in the membership table by the caller, and in the indexes by
// flush_links().
Row StandingRelation::give_birth(std::span<const Word* const> columns, std::size_t i,
                                 std::uint32_t rank, std::uint8_t held, std::int64_t weight) {
  const Row row = take_slot();
  for (std::size_t c = 0; c < columns.size(); ++c) columns_.put(c, row, columns[c][i]);
  for (const std::uint32_t column : handle_columns_) options_.pool->retain(columns[column][i]);
  flags_[row] = static_cast<std::uint8_t>(kInUse | kPresent | kInStep | kInEpoch | held);
  if (options_.weights) put_weight(row, weight);
  if (options_.ranks) ranks_[row] = rank;
  if (options_.identities) identities_[row] = next_identity_++;
  net_is_known_ = false;
  step_.push_back(row);
  born_.push_back(row);
  unlinked_.push_back(row);
  ++visible_;
  ++entering_;
  return row;
}

void StandingRelation::revive(Row row, std::uint32_t rank, std::uint8_t held, std::int64_t weight) {
  flush_links();
  touch(row);
  flags_[row] |= kPresent | held;
  if (options_.weights) put_weight(row, weight);
  if (options_.ranks) ranks_[row] = rank;
  ++visible_;
  --departed_;
  if (has(row, kWasThere)) {
    --leaving_;
    chains_mixed_ = true;
    for (const Index& index : indexes_) {
      if (index.chains != nullptr) index.chains->move_to_head(row);
    }
  } else {
    ++entering_;
    if (options_.identities) identities_[row] = next_identity_++;
    unlinked_.push_back(row);
  }
}

void StandingRelation::leave(Row row) {
  flush_links();
  save(row);
  touch(row);
  flags_[row] &= static_cast<std::uint8_t>(~(kPresent | kStated | kDerived));
  if (options_.weights) put_weight(row, 0);
  --visible_;
  ++departed_;
  if (!has(row, kWasThere)) {
    --entering_;
    unlink(row);
    return;
  }
  ++leaving_;
  for (const Index& index : indexes_) {
    if (index.chains != nullptr) index.chains->move_to_tail(row);
  }
}

// ------------------------------------------------------------------------------ batches

StandingRelation::Progress StandingRelation::begin_progress(std::size_t rows) const {
  Progress progress;
  progress.rows = rows;
  if (rows <= kChunk) return progress;
  for (const Index& index : indexes_) {
    progress.keys.push_back(index.chains == nullptr ? 0 : index.chains->distinct_keys());
  }
  return progress;
}

// Equal rows summed, deletions first, so that a key may change hands within a batch; else in the order
// of the batch. A sum has the place of its first insertion, whose rank counts.
std::vector<StandingRelation::Change> StandingRelation::net_changes(const Batch& batch,
                                                                    const std::uint32_t* hashes) {
  constexpr std::uint32_t kEmpty = ~0U;
  std::vector<Change> changes;
  changes.reserve(batch.n);
  std::vector<bool> has_insertion;
  has_insertion.reserve(batch.n);
  std::vector<std::uint32_t> slots(batch.n + batch.n / 2 + 1, kEmpty);
  for (std::size_t i = 0; i < batch.n; ++i) {
    const std::int64_t weight = weight_of(batch, i);
    std::size_t at = std::uint64_t{hashes[i]} * slots.size() >> 32;
    const auto is_same = [&](std::uint32_t change) {
      const std::size_t other = changes[change].i;
      if (hashes[other] != hashes[i]) return false;
      return std::all_of(batch.columns.begin(), batch.columns.end(),
                         [&](const Word* column) { return column[other] == column[i]; });
    };
    while (slots[at] != kEmpty && !is_same(slots[at])) at = at + 1 == slots.size() ? 0 : at + 1;
    if (slots[at] == kEmpty) {
      slots[at] = static_cast<std::uint32_t>(changes.size());
      changes.push_back({static_cast<std::uint32_t>(i), weight});
      has_insertion.push_back(weight > 0);
      continue;
    }
    Change& change = changes[slots[at]];
    if (weight > 0 && !has_insertion[slots[at]]) {
      has_insertion[slots[at]] = true;
      change.i = static_cast<std::uint32_t>(i);
    }
    change.weight += weight;
  }
  std::stable_partition(changes.begin(), changes.end(),
                        [](const Change& change) { return change.weight < 0; });
  return changes;
}

Expected<void> StandingRelation::apply(const Batch& batch, Counting counting) {
  ENTAIL_ENSURE(batch.columns.size() == column_count() && batch.n < kNoRow);
  if (options_.bag) return apply_to_bag(batch, counting);
  const bool only_grows =
      batch.weights == nullptr ||
      std::all_of(batch.weights, batch.weights + batch.n, [](std::int64_t w) { return w > 0; });
  if (batch.n == 1 || only_grows) return apply_to_set(batch, {}, nullptr, counting);
  std::vector<std::uint32_t> hashes(batch.n);
  hash_rows(batch.columns, batch.n, hashes.data());
  const std::vector<Change> changes = net_changes(batch, hashes.data());
  return apply_to_set(batch, changes, hashes.data(), counting);
}

// Of `changes`, with the hashes of the batch's rows; where there are none, all rows of the batch in order.
Expected<void> StandingRelation::apply_to_set(const Batch& batch, std::span<const Change> changes,
                                              const std::uint32_t* hashes, Counting counting) {
  const std::size_t n = hashes == nullptr ? batch.n : changes.size();
  Expected<void> fitted = fit_columns(batch.columns, batch.n);
  if (!fitted) return fitted;
  Progress progress = begin_progress(n);
  std::uint32_t places[kChunk];
  for (std::size_t first = 0; first < n; first += kChunk) {
    const std::size_t count = std::min(kChunk, n - first);
    std::size_t births = hashes == nullptr ? count : 0;
    if (hashes != nullptr) {
      for (std::size_t k = 0; k < count; ++k) births += changes[first + k].weight > 0 ? 1 : 0;
    }
    Expected<void> room = hashes == nullptr
                              ? make_room(batch.columns, first, count, births, progress)
                              : make_room(births, progress);
    if (!room) return room;
    if (hashes == nullptr) {
      members_.find_places(batch.columns, first, count, places);
    } else if (!find_places(batch, changes.subspan(first, count), hashes, places)) {
      room = cover(batch.columns, 0, batch.n);
      if (!room) return room;
      find_places(batch, changes.subspan(first, count), hashes, places);
    }
    prefetch_members(places, count);
    const std::size_t born = born_.size();
    for (std::size_t k = 0; k < count; ++k) {
      Change change;
      if (hashes == nullptr) {
        change = {static_cast<std::uint32_t>(first + k), weight_of(batch, first + k)};
      } else {
        change = changes[first + k];
      }
      if (change.weight == 0) continue;
      Expected<void> changed = change_set(batch, change, places[k], counting);
      if (changed) continue;
      flush_links();
      return changed;
    }
    flush_links();
    progress.done += count;
    progress.born += born_.size() - born;
  }
  return {};
}

// Whether the rows that come have one.
bool StandingRelation::find_places(const Batch& batch, std::span<const Change> changes,
                                   const std::uint32_t* hashes, std::uint32_t* places) const {
  bool have_places = true;
  for (std::size_t k = 0; k < changes.size(); ++k) {
    const std::uint32_t i = changes[k].i;
    places[k] = members_.place_of(batch.columns, i, hashes[i]);
    if (changes[k].weight > 0) have_places &= !members_.is_outside(places[k]);
  }
  return have_places;
}

Expected<void> StandingRelation::change_set(const Batch& batch, Change change, std::uint32_t place,
                                            Counting counting) {
  const Row row = member(batch.columns, change.i, place);
  const bool was_visible = row != kNoRow && has(row, kPresent);
  bool stated = was_visible && is_stated(row);
  std::int64_t total = was_visible ? weight(row) : 0;
  if (counting == Counting::kStated) {
    if (change.weight < 0) {
      ignored_deletions_ += static_cast<std::uint64_t>(-change.weight) - (stated ? 1 : 0);
    }
    if (stated == (change.weight > 0)) return {};
    stated = change.weight > 0;
  } else if (options_.weights) {
    total += change.weight;
    ENTAIL_ENSURE(total >= 0);
  } else {
    ENTAIL_ENSURE(change.weight > 0 || total == 1);
    total = change.weight > 0 ? 1 : 0;
  }
  const bool is_visible = stated || total > 0;
  const auto held = static_cast<std::uint8_t>((stated ? kStated : 0) | (total > 0 ? kDerived : 0));
  if (was_visible && (is_visible || ENTAIL_PLANT_BUG(11))) {
    save(row);
    flags_[row] = static_cast<std::uint8_t>((flags_[row] & ~(kStated | kDerived)) | held);
    if (options_.weights) put_weight(row, total);
    return {};
  }
  if (was_visible) {
    leave(row);
    return {};
  }
  if (!is_visible) return {};
  if (!options_.key.empty()) {
    flush_links();
    if (under_key(batch.columns, change.i) != kNoRow) return key_error();
  }
  const std::uint32_t rank = rank_of(batch.ranks, change.i);
  if (row == kNoRow) {
    enter_member(give_birth(batch.columns, change.i, rank, held, total), place);
  } else {
    revive(row, rank, held, total);
  }
  return {};
}

Expected<void> StandingRelation::apply_to_bag(const Batch& batch, Counting counting) {
  const std::uint8_t held = counting == Counting::kStated ? kStated : kDerived;
  RowChains& equal_rows = *indexes_[0].chains;
  Expected<void> fitted = fit_columns(batch.columns, batch.n);
  if (!fitted) return fitted;
  Progress progress = begin_progress(batch.n);
  for (std::size_t first = 0; first < batch.n; first += kChunk) {
    const std::size_t count = std::min(kChunk, batch.n - first);
    std::size_t births = 0;
    for (std::size_t i = first; i < first + count; ++i) {
      births += static_cast<std::size_t>(std::max<std::int64_t>(0, weight_of(batch, i)));
    }
    Expected<void> room = make_room(births, progress);
    if (!room) return room;
    for (std::size_t i = first; i < first + count; ++i) {
      std::int64_t weight = weight_of(batch, i);
      for (Word k = 0; weight > 0; --weight, ++k) {
        const Row row = give_birth(batch.columns, i, 0, held, 1);
        has_given_ids_ |= batch.ids != nullptr;
        ids_[row] = batch.ids != nullptr ? DurableId{batch.ids[i].source, batch.ids[i].ordinal + k}
                                         : DurableId{kOpenSource, next_ordinal_++};
        link_equal(equal_rows, row);
      }
      for (; weight < 0; ++weight) {
        const Row row = batch.ids == nullptr ? newest(batch, i, held) : with_id(batch, i, held);
        if (row == kNoRow) {
          ignored_deletions_ += static_cast<std::uint64_t>(-weight);
          break;
        }
        leave(row);
      }
    }
    flush_links();
    progress.done += count;
    progress.born += births;
  }
  return {};
}

Expected<void> StandingRelation::replace(const Batch& batch, Counting counting) {
  ENTAIL_ENSURE(!options_.key.empty() && batch.columns.size() == column_count());
  const std::uint8_t held = counting == Counting::kStated ? kStated : kDerived;
  const std::int64_t weight = counting == Counting::kStated ? 0 : 1;
  Expected<void> fitted = fit_columns(batch.columns, batch.n);
  if (!fitted) return fitted;
  Progress progress = begin_progress(batch.n);
  std::uint32_t places[kChunk];
  for (std::size_t first = 0; first < batch.n; first += kChunk) {
    const std::size_t count = std::min(kChunk, batch.n - first);
    Expected<void> room = make_room(batch.columns, first, count, count, progress);
    if (!room) return room;
    members_.find_places(batch.columns, first, count, places);
    prefetch_members(places, count);
    const std::size_t born = born_.size();
    for (std::size_t i = first; i < first + count; ++i) {
      const Row row = member(batch.columns, i, places[i - first]);
      if (row != kNoRow && has(row, kPresent)) {
        if (has(row, held)) continue;
        save(row);
        flags_[row] |= held;
        if (options_.weights && weight > 0) put_weight(row, weight);
        continue;
      }
      flush_links();
      const Row other = under_key(batch.columns, i);
      if (other != kNoRow) {
        if ((flags_[other] & (kStated | kDerived)) != held) return key_error();
        if (ENTAIL_PLANT_BUG(20)) continue;
        leave(other);
      }
      const std::uint32_t rank = rank_of(batch.ranks, i);
      if (row == kNoRow) {
        enter_member(give_birth(batch.columns, i, rank, held, weight), places[i - first]);
      } else {
        revive(row, rank, held, weight);
      }
    }
    flush_links();
    progress.done += count;
    progress.born += born_.size() - born;
  }
  return {};
}

void StandingRelation::remove(std::span<const Row> rows) {
  ENTAIL_ENSURE(!options_.bag);
  for (const Row row : rows) {
    ENTAIL_ENSURE(has(row, kPresent) && !is_stated(row));
    leave(row);
  }
}

void StandingRelation::retract(Row row) {
  ENTAIL_ENSURE(options_.bag && has(row, kPresent) && is_stated(row));
  leave(row);
}

Expected<void> StandingRelation::insert_ranked(std::span<const Word* const> columns, std::size_t n,
                                               const std::uint32_t* ranks,
                                               std::vector<Row>& fresh) {
  ENTAIL_ENSURE(!options_.bag && columns.size() == column_count());
  Expected<void> fitted = fit_columns(columns, n);
  if (!fitted) return fitted;
  Progress progress = begin_progress(n);
  std::uint32_t places[kChunk];
  for (std::size_t first = 0; first < n; first += kChunk) {
    const std::size_t count = std::min(kChunk, n - first);
    Expected<void> room = make_room(columns, first, count, count, progress);
    if (!room) return room;
    members_.find_places(columns, first, count, places);
    prefetch_members(places, count);
    const std::size_t born = born_.size();
    for (std::size_t i = first; i < first + count; ++i) {
      Row row = member(columns, i, places[i - first]);
      if (row != kNoRow && has(row, kPresent)) continue;
      if (!options_.key.empty()) {
        flush_links();
        if (under_key(columns, i) != kNoRow) return key_error();
      }
      if (row == kNoRow) {
        row = give_birth(columns, i, rank_of(ranks, i), kDerived, 1);
        enter_member(row, places[i - first]);
      } else {
        revive(row, rank_of(ranks, i), kDerived, 1);
      }
      fresh.push_back(row);
    }
    flush_links();
    progress.done += count;
    progress.born += born_.size() - born;
  }
  return {};
}

void StandingRelation::set_rank(Row row, std::uint32_t rank) {
  ENTAIL_ENSURE(options_.ranks && has(row, kPresent));
  save(row);
  ranks_[row] = rank;
}

// ------------------------------------------------------------------------------ steps

void StandingRelation::find_net() {
  if (net_is_known_) return;
  net_is_known_ = true;
  entered_.clear();
  left_.clear();
  for (const Row row : step_) {
    const std::uint8_t views = flags_[row] & (kPresent | kWasThere);
    if (views == kPresent) entered_.push_back(row);
    if (views == kWasThere) left_.push_back(row);
  }
}

std::span<const Row> StandingRelation::entered() {
  find_net();
  return entered_;
}

std::span<const Row> StandingRelation::left() {
  find_net();
  return left_;
}

void StandingRelation::end_step() {
  std::vector<Row> gone;
  for (const Row row : step_) {
    std::uint8_t& flags = flags_[row];
    if ((flags & kPresent) != 0) {
      flags = static_cast<std::uint8_t>((flags & ~kInStep) | kWasThere);
      continue;
    }
    if ((flags & kLinked) != 0) gone.push_back(row);
    flags = static_cast<std::uint8_t>(flags & ~(kInStep | kWasThere));
  }
  unlink_all(gone);
  step_.clear();
  entered_.clear();
  left_.clear();
  net_is_known_ = true;
  entering_ = 0;
  leaving_ = 0;
  chains_mixed_ = false;
}

// ------------------------------------------------------------------------------ the epoch

std::vector<Row> StandingRelation::epoch_entered() const {
  std::vector<Row> rows;
  for (const Row row : born_) {
    if (has(row, kPresent)) rows.push_back(row);
  }
  return rows;
}

std::vector<Row> StandingRelation::epoch_left() const {
  std::vector<Row> rows;
  for (const Saved& saved : saved_) {
    if (!has(saved.row, kPresent)) rows.push_back(saved.row);
  }
  return rows;
}

void StandingRelation::epoch_stated(std::vector<Row>& gained, std::vector<Row>& lost) const {
  for (const Row row : born_) {
    if (has(row, kPresent) && is_stated(row)) gained.push_back(row);
  }
  for (const Saved& saved : saved_) {
    const bool was = (saved.weight_and_stated & 1) != 0;
    const bool is = has(saved.row, kPresent) && is_stated(saved.row);
    if (was && !is) lost.push_back(saved.row);
    if (is && !was) gained.push_back(saved.row);
  }
}

void StandingRelation::commit(Version version, Word source) {
  ENTAIL_ENSURE(version > last_version_);
  end_step();
  std::vector<Row> died, dead;
  for (const Row row : born_) {
    if (!has(row, kPresent)) dead.push_back(row);
  }
  for (const Saved& saved : saved_) {
    if (!has(saved.row, kPresent)) dead.push_back(saved.row);
  }
  erase_members(dead);
  std::size_t kept = 0;
  for (const Row row : born_) {
    if (!has(row, kPresent)) {
      free_slot(row);
      continue;
    }
    flags_[row] &= static_cast<std::uint8_t>(~kInEpoch);
    born_[kept++] = row;
  }
  born_.resize(kept);
  for (const Saved& saved : saved_) {
    flags_[saved.row] &= static_cast<std::uint8_t>(~kInEpoch);
    if (has(saved.row, kPresent)) continue;
    if (versions_ == nullptr) {
      free_slot(saved.row);
    } else {
      flags_[saved.row] = 0;
      died.push_back(saved.row);
    }
  }
  if (options_.bag) name_sources(source);
  if (versions_ != nullptr) versions_->commit(version, born_, died, slot_count_);
  departed_ = 0;
  born_.clear();
  saved_.clear();
  saved_identities_.clear();
  next_ordinal_ = 0;
  epoch_identity_ = next_identity_;
  last_version_ = version;
  trim_scratch();
  reclaim();
}

// The rows of the epoch get its number.
void StandingRelation::name_sources(Word source) {
  for (const Row row : born_) {
    if (ids_[row].source != kOpenSource) continue;
    ids_[row].source = source;
    if (!has_given_ids_) continue;  // It was the greatest and is.
    indexes_[0].chains->unlink(row);
    link_equal(*indexes_[0].chains, row);
  }
}

void StandingRelation::abort() {
  flush_links();
  for (std::size_t k = born_.size(); k-- > 0;) {
    const Row row = born_[k];
    if (has(row, kLinked)) unlink(row);
    visible_ -= has(row, kPresent) ? 1 : 0;
  }
  erase_members(born_);
  for (std::size_t k = born_.size(); k-- > 0;) free_slot(born_[k]);
  // Backwards, so that the rows of a bag that left first, the newest ones, are found at the front again.
  for (std::size_t k = saved_.size(); k-- > 0;) {
    const Saved& saved = saved_[k];
    const Row row = saved.row;
    const auto weight = static_cast<std::int64_t>(saved.weight_and_stated >> 1);
    if (options_.weights && !ENTAIL_PLANT_BUG(12)) put_weight(row, weight);
    if (options_.ranks) ranks_[row] = saved.rank;
    if (options_.identities) identities_[row] = saved_identities_[k];
    const std::uint8_t before = flags_[row];
    flags_[row] = static_cast<std::uint8_t>(kInUse | kPresent | kWasThere | (before & kLinked) |
                                            (weight > 0 ? kDerived : 0) |
                                            ((saved.weight_and_stated & 1) != 0 ? kStated : 0));
    if ((before & kPresent) == 0) {
      ++visible_;
      link_again(row);
    }
  }
  ENTAIL_ENSURE(unlinked_.empty());
  step_.clear();
  born_.clear();
  saved_.clear();
  saved_identities_.clear();
  departed_ = 0;
  next_ordinal_ = 0;
  next_identity_ = epoch_identity_;
  end_step();
  trim_scratch();
  reclaim();
}

}  // namespace entail::vm
