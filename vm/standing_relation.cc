#include "vm/standing_relation.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/value_pool.h"

namespace entail::vm {

namespace {

constexpr Word kOpenSource = ~Word{0};  // The source of a row that waits for the version's number.

}  // namespace

Expected<std::unique_ptr<StandingRelation>> StandingRelation::create(RelationOptions options,
                                                                     PinRegistry& pins) {
  const auto refuse = [&](ErrorCode code, std::string_view what) {
    return unexpected(code, fmt::format("relation {}: {}", options.name, what));
  };
  if (options.columns.empty()) options.columns.push_back({ColumnOrderKind::kUnsigned, false});
  if (options.extremum != RelationExtremum::kNone) {
    return refuse(ErrorCode::kUnsupported, "an extremum of one value a group does not stand");
  }
  if (options.bag && (!options.key.empty() || options.ranks)) {
    return refuse(ErrorCode::kInvalidArgument, "a bag has neither key nor ranks");
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
  IndexSpec identity;
  identity.key = relation->options_.key.empty() ? relation->all_columns_ : relation->options_.key;
  Expected<std::uint32_t> membership = relation->add_index(identity);
  if (!membership) return unexpected(std::move(membership).error());
  ENTAIL_ENSURE(*membership == kMembership);
  return relation;
}

StandingRelation::StandingRelation(RelationOptions options, PinRegistry& pins)
    : options_(std::move(options)),
      pins_(pins),
      column_count_(options_.columns.size()),
      all_columns_(options_.columns.size()),
      columns_(options_.columns.size() + (options_.bag ? 2 : 0)) {
  std::iota(all_columns_.begin(), all_columns_.end(), 0U);
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    auto column = std::make_shared<Column>();
    column->is_narrow = c < column_count_;  // Durable ids are wide.
    column->is_signed = c < column_count_ && options_.columns[c].order == ColumnOrderKind::kSigned;
    columns_[c].publish(std::move(column));
  }
  lives_.publish(std::make_shared<Lives>());
}

// REQUIRES: no pin is held by a reader of this relation.
StandingRelation::~StandingRelation() {
  std::vector<Row> rows;
  for (Row row = 0; row < slot_count_.load(std::memory_order_relaxed); ++row) {
    if (states_[row] != SlotState::kFree) rows.push_back(row);
  }
  release_slots(rows);
  if (options_.budget != nullptr) options_.budget->release(booked_);
}

// ------------------------------------------------------------------------------ looking

bool StandingRelation::equals(Row row, std::span<const std::uint32_t> columns, const Batch& batch,
                              std::size_t i) const {
  for (const std::uint32_t column : columns) {
    if (word_at(column, row) != batch.columns[column][i]) return false;
  }
  return true;
}

std::vector<std::uint32_t> StandingRelation::tags_of(const Batch& batch) const {
  std::vector<const Word*> identity;
  for (const std::uint32_t column : indexes_[kMembership]->key) {
    identity.push_back(batch.columns[column]);
  }
  std::vector<std::uint32_t> tags(batch.n);
  hash_rows(identity, batch.n, tags.data());
  return tags;
}

StandingRelation::Found StandingRelation::find(const Batch& batch, std::size_t i,
                                               std::uint32_t tag) const {
  Found found;
  const Index& index = *indexes_[kMembership];
  const Chains& chains = *index.chains.owned;
  for (Row row = chains.heads[chains.bucket(tag)].load(std::memory_order_relaxed); row != kEnd;
       row = chains.links[row].next.load(std::memory_order_relaxed)) {
    if (chains.links[row].tag != tag) continue;
    const Version died = life(row).died.load(std::memory_order_relaxed);
    if (died == kNever && equals(row, index.key, batch, i)) {
      found.alive = row;
      if (index.key.size() == column_count_) return found;
    } else if (died == kLeaving && equals(row, all_columns_, batch, i)) {
      found.leaving = row;
    }
  }
  return found;
}

Row StandingRelation::newest_equal(const Batch& batch, std::size_t i, std::uint32_t tag) const {
  Row newest = kEnd;
  const Chains& chains = *indexes_[kMembership]->chains.owned;
  for (Row row = chains.heads[chains.bucket(tag)].load(std::memory_order_relaxed); row != kEnd;
       row = chains.links[row].next.load(std::memory_order_relaxed)) {
    if (chains.links[row].tag != tag || !is_alive(row) || !equals(row, all_columns_, batch, i)) {
      continue;
    }
    if (newest == kEnd || durable_id(newest) < durable_id(row)) newest = row;
  }
  return newest;
}

DurableId StandingRelation::durable_id(Row row) const {
  ENTAIL_DEBUG_ENSURE(options_.bag);
  return {word_at(column_count_, row), word_at(column_count_ + 1, row)};
}

void StandingRelation::weights(std::span<const Word* const> columns, std::size_t n,
                               std::int64_t* out) const {
  const Batch batch{.columns = columns, .n = n};
  const std::vector<std::uint32_t> tags = tags_of(batch);
  const Chains& chains = *indexes_[kMembership]->chains.owned;
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = 0;
    for (Row row = chains.heads[chains.bucket(tags[i])].load(std::memory_order_relaxed);
         row != kEnd; row = chains.links[row].next.load(std::memory_order_relaxed)) {
      if (chains.links[row].tag == tags[i] && is_alive(row) &&
          equals(row, all_columns_, batch, i)) {
        out[i] += weights_[row];
      }
    }
  }
}

// ------------------------------------------------------------------------------ changing

void StandingRelation::give_birth(const Batch& batch, std::size_t i, std::int64_t weight,
                                  DurableId id) {
  const Row row = take_slot();
  for (std::size_t c = 0; c < column_count_; ++c) {
    put(c, row, batch.columns[c][i]);
    if (options_.columns[c].handle) options_.pool->retain(batch.columns[c][i]);
  }
  if (options_.bag) {
    put(column_count_, row, id.source);
    put(column_count_ + 1, row, id.ordinal);
  }
  weights_[row] = weight;
  if (options_.ranks) ranks_[row] = batch.ranks[i];
  // In this order: a reader that meets the new life (acquire) meets the new birth.
  life(row).born.store(kNever, std::memory_order_relaxed);
  life(row).died.store(kNever, std::memory_order_release);
  link(row);
  undo_.push_back({UndoKind::kBirth, row, 0, 0});
  events_.push_back({row, 1});
  ++alive_;
}

void StandingRelation::revive(Row row, std::int64_t weight, std::uint32_t rank) {
  undo_.push_back({UndoKind::kRevival, row, 0, options_.ranks ? ranks_[row] : 0});
  life(row).died.store(kNever, std::memory_order_release);
  weights_[row] = weight;
  if (options_.ranks) ranks_[row] = rank;
  events_.push_back({row, 1});
  ++alive_;
}

void StandingRelation::bury(Row row) {
  undo_.push_back({UndoKind::kDeath, row, weights_[row], 0});
  life(row).died.store(kLeaving, std::memory_order_release);
  weights_[row] = 0;
  events_.push_back({row, -1});
  --alive_;
}

// The net of the operation's events by row, in the order in which rows were first touched.
StandingRelation::Transitions StandingRelation::take_events(Transitions out) {
  out.columns.resize(column_count_);
  const auto note = [&](Row row, std::int64_t weight) {
    for (std::size_t c = 0; c < column_count_; ++c) out.columns[c].push_back(word_at(c, row));
    out.weights.push_back(weight);
    if (options_.bag) out.ids.push_back(durable_id(row));
  };
  if (events_.size() == 1) {
    note(events_[0].row, events_[0].weight);
  } else if (!events_.empty()) {
    std::vector<std::size_t> order(events_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return events_[a].row < events_[b].row; });
    for (std::size_t i = 0; i < order.size();) {
      const std::size_t first = order[i];
      const Row row = events_[first].row;
      std::int64_t net = 0;
      for (; i < order.size() && events_[order[i]].row == row; ++i) {
        net += std::exchange(events_[order[i]].weight, 0);
      }
      events_[first].weight = net;
    }
    for (const Event& event : events_) {
      if (event.weight != 0) note(event.row, event.weight);
    }
  }
  events_.clear();
  return out;
}

Expected<void> StandingRelation::change_set(const Batch& batch, std::size_t i, std::int64_t weight,
                                            std::uint32_t tag, Counting counting,
                                            Transitions& out) {
  const Found found = find(batch, i, tag);
  const bool is_other = found.alive != kEnd && !equals(found.alive, all_columns_, batch, i);
  const Row row = is_other ? kEnd : found.alive;
  const std::int64_t before = row == kEnd ? 0 : weights_[row];
  std::int64_t after = before + weight;
  if (counting == Counting::kStated) after = weight > 0 ? 1 : weight < 0 ? 0 : before;
  if (weight < 0 && before + weight < 0) {
    out.ignored_deletions += static_cast<std::uint64_t>(-(before + weight));
    after = 0;
  }
  if (after == before) return {};
  if (before == 0 && is_other) {
    return unexpected(
        ErrorCode::kData,
        fmt::format("relation {}: two different rows have the same key", options_.name));
  }
  if (before == 0 && found.leaving != kEnd) {
    revive(found.leaving, after, options_.ranks ? batch.ranks[i] : 0);
  } else if (before == 0) {
    give_birth(batch, i, after, {});
  } else if (after == 0 && !ENTAIL_PLANT_BUG(11)) {
    bury(row);
  } else {
    undo_.push_back({UndoKind::kWeight, row, before, 0});
    weights_[row] = after;
  }
  return {};
}

void StandingRelation::change_bag(const Batch& batch, std::size_t i, std::uint32_t tag,
                                  Transitions& out) {
  std::int64_t weight = batch.weights == nullptr ? 1 : batch.weights[i];
  for (Word k = 0; weight > 0; --weight, ++k) {
    const DurableId id = batch.ids != nullptr
                             ? DurableId{batch.ids[i].source, batch.ids[i].ordinal + k}
                             : DurableId{kOpenSource, next_ordinal_++};
    give_birth(batch, i, 1, id);
  }
  for (; weight < 0; ++weight) {
    const Row newest = newest_equal(batch, i, tag);
    if (newest == kEnd) {
      out.ignored_deletions += static_cast<std::uint64_t>(-weight);
      return;
    }
    bury(newest);
  }
}

Expected<StandingRelation::Transitions> StandingRelation::apply(const Batch& batch,
                                                                Counting counting) {
  ENTAIL_ENSURE(batch.columns.size() == column_count_);
  ENTAIL_ENSURE(!options_.ranks || batch.ranks != nullptr);
  Transitions out;
  std::size_t births_max = 0;
  for (std::size_t i = 0; i < batch.n; ++i) {
    const std::int64_t weight = batch.weights == nullptr ? 1 : batch.weights[i];
    if (weight > 0) births_max += options_.bag ? static_cast<std::size_t>(weight) : 1;
  }
  Expected<void> room = make_room(batch, births_max);
  if (!room) return unexpected(std::move(room).error());
  const std::vector<std::uint32_t> tags = tags_of(batch);
  if (options_.bag) {
    for (std::size_t i = 0; i < batch.n; ++i) change_bag(batch, i, tags[i], out);
    return take_events(std::move(out));
  }
  const auto weight_of = [&](std::size_t i) {
    return batch.weights == nullptr ? std::int64_t{1} : batch.weights[i];
  };
  if (batch.n == 1) {
    Expected<void> changed = change_set(batch, 0, weight_of(0), tags[0], counting, out);
    if (!changed) return unexpected(std::move(changed).error());
    return take_events(std::move(out));
  }
  // Equal rows are summed first: what a batch means does not depend on its order.
  std::vector<std::size_t> order(batch.n);
  std::iota(order.begin(), order.end(), 0U);
  const auto compare = [&](std::size_t a, std::size_t b) {
    if (tags[a] != tags[b]) return tags[a] < tags[b] ? -1 : 1;
    for (const Word* const column : batch.columns) {
      if (column[a] != column[b]) return column[a] < column[b] ? -1 : 1;
    }
    return 0;
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const int order_of_rows = compare(a, b);
    return order_of_rows != 0 ? order_of_rows < 0 : a < b;
  });
  struct Net {
    std::size_t i;  // The first insertion, whose rank counts; else the first mention.
    std::int64_t weight;
  };
  std::vector<Net> nets;
  for (std::size_t k = 0; k < order.size();) {
    Net net{order[k], 0};
    bool has_insertion = false;
    const std::size_t first = order[k];
    for (; k < order.size() && compare(first, order[k]) == 0; ++k) {
      const std::int64_t weight = weight_of(order[k]);
      if (weight > 0 && !has_insertion) net.i = order[k];
      has_insertion |= weight > 0;
      net.weight += weight;
    }
    nets.push_back(net);
  }
  // Deletions first, so that a key may change hands within a batch; else in the batch's order.
  std::sort(nets.begin(), nets.end(), [](const Net& a, const Net& b) {
    return (a.weight < 0) != (b.weight < 0) ? a.weight < 0 : a.i < b.i;
  });
  for (const Net& net : nets) {
    Expected<void> changed = change_set(batch, net.i, net.weight, tags[net.i], counting, out);
    if (changed) continue;
    events_.clear();
    return unexpected(std::move(changed).error());
  }
  return take_events(std::move(out));
}

Expected<StandingRelation::Transitions> StandingRelation::replace(const Batch& batch) {
  ENTAIL_ENSURE(!options_.key.empty() && batch.columns.size() == column_count_);
  ENTAIL_ENSURE(!options_.ranks || batch.ranks != nullptr);
  Expected<void> room = make_room(batch, batch.n);
  if (!room) return unexpected(std::move(room).error());
  const std::vector<std::uint32_t> tags = tags_of(batch);
  for (std::size_t i = 0; i < batch.n; ++i) {
    const Found found = find(batch, i, tags[i]);
    if (found.alive != kEnd) {
      if (equals(found.alive, all_columns_, batch, i)) continue;
      if (ENTAIL_PLANT_BUG(20)) continue;
      bury(found.alive);
    }
    if (found.leaving != kEnd) {
      revive(found.leaving, 1, options_.ranks ? batch.ranks[i] : 0);
    } else {
      give_birth(batch, i, 1, {});
    }
  }
  return take_events({});
}

void StandingRelation::set_rank(Row row, std::uint32_t rank) {
  ENTAIL_ENSURE(options_.ranks && is_alive(row));
  undo_.push_back({UndoKind::kRank, row, 0, ranks_[row]});
  ranks_[row] = rank;
}

// ------------------------------------------------------------------------------ the epoch's end

void StandingRelation::commit(Version version) {
  ENTAIL_ENSURE(version > last_version_ && version > pins_.committed() && version < kLeaving);
  for (const Undo& undo : undo_) {
    Life& slot = life(undo.row);
    const bool is_leaving = slot.died.load(std::memory_order_relaxed) == kLeaving;
    const bool is_pending = slot.born.load(std::memory_order_relaxed) == kNever;
    if (undo.kind == UndoKind::kBirth && is_leaving) {
      drop(undo.row);
    } else if (undo.kind == UndoKind::kBirth) {
      if (options_.bag && word_at(column_count_, undo.row) == kOpenSource) {
        put(column_count_, undo.row, version);
      }
      slot.born.store(version, std::memory_order_release);
    } else if (undo.kind == UndoKind::kDeath && is_leaving && !is_pending) {
      slot.died.store(version, std::memory_order_release);
      dead_.push_back({version, undo.row});
    }
  }
  undo_.clear();
  last_version_ = version;
  next_ordinal_ = 0;
  reclaim();
}

void StandingRelation::abort() {
  for (std::size_t i = undo_.size(); i-- > 0;) {
    const Undo& undo = undo_[i];
    switch (undo.kind) {
      case UndoKind::kBirth:
        weights_[undo.row] = 0;
        --alive_;
        drop(undo.row);
        break;
      case UndoKind::kDeath:
        life(undo.row).died.store(kNever, std::memory_order_release);
        weights_[undo.row] = undo.weight;
        ++alive_;
        break;
      case UndoKind::kRevival:
        life(undo.row).died.store(kLeaving, std::memory_order_release);
        weights_[undo.row] = 0;
        if (options_.ranks) ranks_[undo.row] = undo.rank;
        --alive_;
        break;
      case UndoKind::kWeight:
        if (ENTAIL_PLANT_BUG(12)) break;
        weights_[undo.row] = undo.weight;
        break;
      case UndoKind::kRank:
        ranks_[undo.row] = undo.rank;
        break;
    }
  }
  undo_.clear();
  events_.clear();
  next_ordinal_ = 0;
  reclaim();
}

// ------------------------------------------------------------------------------ reading

std::size_t StandingRelation::scan(Row& position, Row* out, std::size_t limit) const {
  const Row end = slot_count_.load(std::memory_order_relaxed);
  std::size_t n = 0;
  for (; position < end && n < limit; ++position) {
    if (is_alive(position)) out[n++] = position;
  }
  return n;
}

void StandingRelation::load(std::uint32_t column, const Row* rows, std::size_t n, Word* out) const {
  const Column& c = *columns_[column].owned;
  for (std::size_t i = 0; i < n; ++i) out[i] = c.at(rows[i]);
}

// For the writer and for readers alike: what differs is which rows `sees` sees. Columns are loaded after
// the chains, so that they reach as far.
template <typename Sees>
void StandingRelation::probe_chains(const Index& index, std::span<const Word* const> keys,
                                    std::size_t n, Sees sees, std::vector<Row>& rows,
                                    std::vector<std::uint32_t>& lanes) const {
  const Chains& chains = index.chains.read();
  std::vector<const Column*> columns;
  for (const std::uint32_t column : index.key) columns.push_back(&columns_[column].read());
  std::vector<std::uint32_t> tags(n);
  hash_rows(keys, n, tags.data());
  for (std::size_t i = 0; i < n; ++i) {
    __builtin_prefetch(chains.heads.data() + chains.bucket(tags[i]));
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (Row row = chains.heads[chains.bucket(tags[i])].load(std::memory_order_acquire);
         row != kEnd; row = chains.links[row].next.load(std::memory_order_acquire)) {
      if (chains.links[row].tag != tags[i] || !sees(row)) continue;
      bool same = true;
      for (std::size_t c = 0; c < columns.size() && same; ++c) {
        same = columns[c]->at(row) == keys[c][i];
      }
      if (!same) continue;
      rows.push_back(row);
      lanes.push_back(static_cast<std::uint32_t>(i));
    }
  }
}

void StandingRelation::probe(std::uint32_t index, std::span<const Word* const> keys, std::size_t n,
                             std::vector<Row>& rows, std::vector<std::uint32_t>& lanes) const {
  probe_chains(*indexes_[index], keys, n, [this](Row row) { return is_alive(row); }, rows, lanes);
}

namespace {

// Around one read of a pinned version; false inside when it was revoked.
class Reading {
 public:
  explicit Reading(const ReadPin& pin) : pin_(pin), entered_(pin.enter()) {}
  ~Reading() {
    if (entered_) pin_.leave();
  }
  explicit operator bool() const { return entered_; }

 private:
  const ReadPin& pin_;
  const bool entered_;
};

Unexpected too_old(const RelationOptions& options, const ReadPin& pin) {
  return unexpected(ErrorCode::kLimit,
                    fmt::format("version {} of relation {} was read for too long and is gone",
                                pin.version(), options.name));
}

}  // namespace

Expected<std::size_t> StandingRelation::scan(const ReadPin& pin, Row& position, Row* out,
                                             std::size_t limit) const {
  const Reading reading(pin);
  if (!reading) return too_old(options_, pin);
  const Row end = slot_count_.load(std::memory_order_acquire);
  const Lives& lives = lives_.read();
  std::size_t n = 0;
  for (; position < end && n < limit; ++position) {
    const Version died = lives[position].died.load(std::memory_order_acquire);
    const Version born = lives[position].born.load(std::memory_order_acquire);
    if (born <= pin.version() && pin.version() < died) out[n++] = position;
  }
  return n;
}

Expected<void> StandingRelation::load(const ReadPin& pin, std::uint32_t column, const Row* rows,
                                      std::size_t n, Word* out) const {
  const Reading reading(pin);
  if (!reading) return too_old(options_, pin);
  const Column& c = columns_[column].read();
  for (std::size_t i = 0; i < n; ++i) out[i] = c.at(rows[i]);
  return {};
}

Expected<void> StandingRelation::probe(const ReadPin& pin, std::uint32_t index,
                                       std::span<const Word* const> keys, std::size_t n,
                                       std::vector<Row>& rows,
                                       std::vector<std::uint32_t>& lanes) const {
  const Reading reading(pin);
  if (!reading) return too_old(options_, pin);
  // Its life reaches as far as the chains when it is read behind them, which is at each row.
  const auto sees = [&](Row row) {
    const Life& slot = lives_.read()[row];
    const Version died = slot.died.load(std::memory_order_acquire);
    const Version born = slot.born.load(std::memory_order_acquire);
    return born <= pin.version() && pin.version() < died;
  };
  probe_chains(*indexes_[index], keys, n, sees, rows, lanes);
  return {};
}

// ------------------------------------------------------------------------------ verify

void StandingRelation::verify() const {
  const Row count = slot_count_.load(std::memory_order_relaxed);
  std::vector<bool> is_free(count);
  for (const Row row : free_) {
    ENTAIL_ENSURE(!is_free[row] && states_[row] == SlotState::kFree);  // (1)
    is_free[row] = true;
  }
  std::size_t linked = 0;
  std::size_t alive = 0;
  for (Row row = 0; row < count; ++row) {
    ENTAIL_ENSURE(is_free[row] == (states_[row] == SlotState::kFree));  // (1)
    linked += states_[row] == SlotState::kLinked ? 1 : 0;
    alive += is_alive(row) ? 1 : 0;
    ENTAIL_ENSURE(is_alive(row) ? weights_[row] > 0
                                : states_[row] != SlotState::kLinked || weights_[row] == 0);  // (4)
  }
  ENTAIL_ENSURE(alive == alive_);  // (5)
  for (std::uint32_t i = 0; i < index_count_; ++i) {
    const Chains& chains = *indexes_[i]->chains.owned;
    std::size_t seen = 0;
    for (std::size_t bucket = 0; bucket < chains.heads.size(); ++bucket) {
      Row previous = kEnd;
      for (Row row = chains.heads[bucket].load(std::memory_order_relaxed); row != kEnd;
           row = chains.links[row].next.load(std::memory_order_relaxed)) {
        ENTAIL_ENSURE(states_[row] == SlotState::kLinked && ++seen <= linked);  // (2)
        ENTAIL_ENSURE(chains.links[row].previous == previous);                  // (2)
        ENTAIL_ENSURE(chains.links[row].tag == tag_of(indexes_[i]->key, row));  // (2)
        ENTAIL_ENSURE(chains.bucket(chains.links[row].tag) == bucket);          // (2)
        previous = row;
      }
    }
    ENTAIL_ENSURE(seen == linked);  // (1), (2)
  }
  if (options_.bag) return;
  const std::vector<std::uint32_t>& identity = indexes_[kMembership]->key;
  std::vector<std::vector<Word>> keys;
  for (Row row = 0; row < count; ++row) {
    if (!is_alive(row)) continue;
    keys.emplace_back();
    for (const std::uint32_t column : identity) keys.back().push_back(word_at(column, row));
  }
  std::sort(keys.begin(), keys.end());
  ENTAIL_ENSURE(std::adjacent_find(keys.begin(), keys.end()) == keys.end());  // (3)
}

}  // namespace entail::vm
