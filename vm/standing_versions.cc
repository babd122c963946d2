#include "vm/standing_versions.h"

#include <fmt/format.h>

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/row_map.h"

namespace entail::vm {

StandingVersions::StandingVersions(PinRegistry& pins, const RowColumns& columns, std::string name)
    : pins_(pins), columns_(columns), name_(std::move(name)) {
  life_pages_.publish(std::make_shared<LifePages>());
}

// ------------------------------------------------------------------------------ room

std::uint64_t StandingVersions::growth(std::size_t rows) const {
  std::uint64_t bytes = lives_.growth(rows);
  if (rows > capacity_) {
    for (const auto& index : indexes_) {
      if (index != nullptr) bytes += chain_bytes(std::max(rows, capacity_ * 2));
    }
  }
  return bytes;
}

void StandingVersions::reserve(std::size_t rows) {
  if (rows > lives_.capacity()) {
    lives_.reserve(rows, &retiring_.memory);
    if (life_pages_.owned->pages != lives_.pages()) {
      auto pages = std::make_shared<LifePages>();
      pages->pages = lives_.pages();
      retiring_.memory.push_back(std::move(life_pages_.owned));
      life_pages_.publish(std::move(pages));
    }
  }
  if (rows <= capacity_) return;
  const std::size_t old_capacity = capacity_;
  capacity_ = std::max({rows, capacity_ * 2, std::size_t{8}});
  linked_.resize(capacity_);
  for (const auto& index : indexes_) {
    if (index == nullptr) continue;
    auto chains = linked_anew(*index, index->chains.owned.get(), capacity_);
    retiring_.memory.push_back(std::move(index->chains.owned));
    retiring_.bytes += chain_bytes(old_capacity);
    index->chains.publish(std::move(chains));
  }
}

// The linked slots in new chains, with the tags of the old ones if there are any.
std::shared_ptr<StandingVersions::Chains> StandingVersions::linked_anew(
    const Index& index, const Chains* from, std::size_t capacity) const {
  auto chains = std::make_shared<Chains>(std::max<std::size_t>(capacity, 1));
  for (Row row = 0; row < linked_.size(); ++row) {
    if (!linked_[row]) continue;
    Link& link = chains->links[row];
    if (from != nullptr) {
      link.tag = from->links[row].tag;
    } else {
      columns_.hash(index.key, &row, 1, &link.tag);
    }
    std::atomic<Row>& head = chains->heads[chains->bucket(link.tag)];
    const Row next = head.load(std::memory_order_relaxed);
    link.next.store(next, std::memory_order_relaxed);
    if (next != kNoRow) chains->links[next].previous = row;
    head.store(row, std::memory_order_relaxed);
  }
  return chains;
}

void StandingVersions::add_index(std::uint32_t index, std::vector<std::uint32_t> key) {
  auto fresh = std::make_unique<Index>();
  fresh->key = std::move(key);
  fresh->chains.publish(linked_anew(*fresh, nullptr, capacity_));
  indexes_[index] = std::move(fresh);
}

std::uint64_t StandingVersions::bytes() const {
  std::uint64_t bytes = lives_.bytes() + linked_.capacity() / 8 + dead_.size() * sizeof(Dead);
  for (const auto& index : indexes_) {
    if (index != nullptr) bytes += chain_bytes(index->chains.owned->heads.size());
  }
  return bytes;
}

// ------------------------------------------------------------------------------ chains

void StandingVersions::link(Row row) {
  for (const auto& index : indexes_) {
    if (index == nullptr) continue;
    Chains& chains = *index->chains.owned;
    Link& link = chains.links[row];
    columns_.hash(index->key, &row, 1, &link.tag);
    link.previous = kNoRow;
    std::atomic<Row>& head = chains.heads[chains.bucket(link.tag)];
    const Row next = head.load(std::memory_order_relaxed);
    link.next.store(next, std::memory_order_relaxed);
    if (next != kNoRow) chains.links[next].previous = row;
    head.store(row, std::memory_order_release);
  }
  linked_[row] = true;
}

// The slot's own link stays: a reader that stands on it finds its way on.
void StandingVersions::unlink(Row row) {
  for (const auto& index : indexes_) {
    if (index == nullptr) continue;
    Chains& chains = *index->chains.owned;
    const Link& link = chains.links[row];
    const Row next = link.next.load(std::memory_order_relaxed);
    std::atomic<Row>& place = link.previous == kNoRow ? chains.heads[chains.bucket(link.tag)]
                                                      : chains.links[link.previous].next;
    place.store(next, std::memory_order_release);
    if (next != kNoRow) chains.links[next].previous = link.previous;
  }
  linked_[row] = false;
}

// ------------------------------------------------------------------------------ versions

void StandingVersions::commit(Version version, std::span<const Row> born, std::span<const Row> died,
                              Row rows) {
  ENTAIL_ENSURE(version > pins_.committed() && version < kNever);
  for (const Row row : born) {
    // In this order: a reader that meets the new life (acquire) meets the new birth.
    lives_[row].born.store(version, std::memory_order_release);
    lives_[row].died.store(kNever, std::memory_order_release);
    link(row);
  }
  for (const Row row : died) {
    lives_[row].died.store(version, std::memory_order_release);
    dead_.push_back({version, row});
  }
  if (rows > end_.load(std::memory_order_relaxed)) end_.store(rows, std::memory_order_release);
}

void StandingVersions::reclaim(std::vector<Row>& freed) {
  const Version oldest = pins_.oldest_version();
  while (!dead_.empty() && dead_.front().died <= oldest) {
    unlink(dead_.front().row);
    retiring_.rows.push_back(dead_.front().row);
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
    freed.insert(freed.end(), retired.rows.begin(), retired.rows.end());
    retired_.pop_front();
  }
}

std::uint64_t StandingVersions::retired_bytes() const {
  std::uint64_t bytes = retiring_.bytes;
  for (const Retired& retired : retired_) bytes += retired.bytes;
  return bytes;
}

std::uint64_t StandingVersions::bytes_held(std::uint64_t bytes_per_slot) const {
  std::uint64_t bytes = dead_.size() * bytes_per_slot;
  for (const Retired& retired : retired_) {
    bytes += retired.bytes + retired.rows.size() * bytes_per_slot;
  }
  return bytes;
}

// ------------------------------------------------------------------------------ reading

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

}  // namespace

Unexpected StandingVersions::too_old(const ReadPin& pin) const {
  return unexpected(ErrorCode::kLimit,
                    fmt::format("version {} of relation {} was read for too long and is gone",
                                pin.version(), name_));
}

Expected<std::size_t> StandingVersions::scan(const ReadPin& pin, Row& position, Row* out,
                                             std::size_t limit) const {
  const Reading reading(pin);
  if (!reading) return too_old(pin);
  const Row end = end_.load(std::memory_order_acquire);
  const LifePages& lives = *life_pages_.shared.load(std::memory_order_acquire);
  std::size_t n = 0;
  for (; position < end && n < limit; ++position) {
    const Life& life = lives.at(position);
    const Version died = life.died.load(std::memory_order_acquire);
    const Version born = life.born.load(std::memory_order_acquire);
    if (born <= pin.version() && pin.version() < died) out[n++] = position;
  }
  return n;
}

Expected<void> StandingVersions::load(const ReadPin& pin, std::uint32_t column, const Row* rows,
                                      std::size_t n, Word* out) const {
  const Reading reading(pin);
  if (!reading) return too_old(pin);
  const RowColumns::Published& c = columns_.published(column);
  for (std::size_t i = 0; i < n; ++i) out[i] = c.at(rows[i]);
  return {};
}

Expected<void> StandingVersions::probe(const ReadPin& pin, std::uint32_t number,
                                       std::span<const Word* const> keys, std::size_t n,
                                       std::vector<Row>& rows,
                                       std::vector<std::uint32_t>& lanes) const {
  const Reading reading(pin);
  if (!reading) return too_old(pin);
  const Index& index = *indexes_[number];
  const Chains& chains = *index.chains.shared.load(std::memory_order_acquire);
  std::vector<std::uint32_t> tags(n);
  hash_rows(keys, n, tags.data());
  for (std::size_t i = 0; i < n; ++i) {
    __builtin_prefetch(chains.heads.data() + chains.bucket(tags[i]));
  }
  // Lives and columns reach as far as the chains when they are read behind them, which is at each row.
  const auto sees = [&](Row row) {
    const Life& life = life_pages_.shared.load(std::memory_order_acquire)->at(row);
    const Version died = life.died.load(std::memory_order_acquire);
    const Version born = life.born.load(std::memory_order_acquire);
    return born <= pin.version() && pin.version() < died;
  };
  for (std::size_t i = 0; i < n; ++i) {
    for (Row row = chains.heads[chains.bucket(tags[i])].load(std::memory_order_acquire);
         row != kNoRow; row = chains.links[row].next.load(std::memory_order_acquire)) {
      if (chains.links[row].tag != tags[i] || !sees(row)) continue;
      bool same = true;
      for (std::size_t c = 0; c < index.key.size() && same; ++c) {
        same = columns_.published(index.key[c]).at(row) == keys[c][i];
      }
      if (!same) continue;
      rows.push_back(row);
      lanes.push_back(static_cast<std::uint32_t>(i));
    }
  }
  return {};
}

// ------------------------------------------------------------------------------ verify

void StandingVersions::mark_quarantined(std::vector<bool>& quarantined) const {
  for (const Dead& dead : dead_) quarantined[dead.row] = true;
  for (const Row row : retiring_.rows) quarantined[row] = true;
  for (const Retired& retired : retired_) {
    for (const Row row : retired.rows) quarantined[row] = true;
  }
}

void StandingVersions::verify() const {
  const auto linked = static_cast<std::size_t>(std::count(linked_.begin(), linked_.end(), true));
  for (const auto& index : indexes_) {
    if (index == nullptr) continue;
    const Chains& chains = *index->chains.owned;
    std::size_t seen = 0;
    for (std::size_t bucket = 0; bucket < chains.heads.size(); ++bucket) {
      Row previous = kNoRow;
      for (Row row = chains.heads[bucket].load(std::memory_order_relaxed); row != kNoRow;
           row = chains.links[row].next.load(std::memory_order_relaxed)) {
        std::uint32_t tag = 0;
        columns_.hash(index->key, &row, 1, &tag);
        ENTAIL_ENSURE(linked_[row] && ++seen <= linked);                              // (1)
        ENTAIL_ENSURE(chains.links[row].previous == previous);                        // (1)
        ENTAIL_ENSURE(chains.links[row].tag == tag && chains.bucket(tag) == bucket);  // (1)
        previous = row;
      }
    }
    ENTAIL_ENSURE(seen == linked);  // (1)
  }
}

}  // namespace entail::vm
