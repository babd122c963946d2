#include "server/engine/lock_manager.h"

#include <xxhash.h>

#include <algorithm>

#include "vm/base/ensure.h"

namespace entail::engine {

bool conflicts(LockMode held, LockMode wanted) {
  // Rows: held, wanted in the order KeyShare, Share, NoKeyUpdate, Update.
  constexpr bool kRows[4][4] = {
      {false, false, false, true},
      {false, false, true, true},
      {false, true, true, true},
      {true, true, true, true},
  };
  // Tables, in the order of their strength: what each conflicts with, a bit a mode.
  constexpr unsigned kTables[8] = {
      0b10000000,  // AccessShare: AccessExclusive.
      0b11000000,  // RowShare: and Exclusive.
      0b11110000,  // RowExclusive: and Share, ShareRowExclusive.
      0b11111000,  // ShareUpdateExclusive: and itself.
      0b11101100,  // Share: all that writes, but not itself.
      0b11111100,  // ShareRowExclusive: all that writes, and Share.
      0b11111110,  // Exclusive: all but AccessShare.
      0b11111111,
  };
  const auto h = static_cast<unsigned>(held);
  const auto w = static_cast<unsigned>(wanted);
  ENTAIL_ENSURE((h < 4) == (w < 4));
  return h < 4 ? kRows[h][w] : (kTables[h - 4] >> (w - 4) & 1U) != 0;
}

LockManager::LockId LockManager::id_of(const LockName& name) {
  const std::uint64_t seed = std::uint64_t{name.table} << 32U | name.index;
  const XXH128_hash_t hash = XXH3_128bits_withSeed(name.key.data(), name.key.size(), seed);
  return {hash.high64, hash.low64};
}

std::span<const LockManager::Hold> LockManager::Lock::holds() const {
  if (contended_ != nullptr) return contended_->holds;
  return {&only_, only_.transaction != 0 ? std::size_t{1} : std::size_t{0}};
}

std::span<const LockManager::Hold> LockManager::Lock::queue() const {
  return contended_ != nullptr ? std::span<const Hold>(contended_->queue) : std::span<const Hold>();
}

LockManager::Contended& LockManager::Lock::contended() {
  if (contended_ == nullptr) {
    contended_ = std::make_unique<Contended>();
    if (only_.transaction != 0) contended_->holds.push_back(only_);
  }
  return *contended_;
}

std::vector<LockManager::Hold>& LockManager::Lock::own_queue() { return contended().queue; }

void LockManager::Lock::add(Hold hold) {
  if (contended_ == nullptr && only_.transaction == 0) {
    only_ = hold;
  } else {
    contended().holds.push_back(hold);
  }
}

void LockManager::Lock::remove(Hold hold) {
  if (contended_ == nullptr) {
    ENTAIL_ENSURE(only_.transaction == hold.transaction && only_.mode == hold.mode);
    only_ = {};
    return;
  }
  std::vector<Hold>& all = contended_->holds;
  const auto found = std::find_if(all.begin(), all.end(), [&](const Hold& h) {
    return h.transaction == hold.transaction && h.mode == hold.mode;
  });
  ENTAIL_ENSURE(found != all.end());
  all.erase(found);
}

bool LockManager::grantable(const Lock& lock, TransactionId transaction, LockMode mode,
                            std::size_t queue_position) const {
  bool holds_it = false;
  for (const Hold& hold : lock.holds()) {
    if (hold.transaction == transaction) {
      holds_it = true;
    } else if (conflicts(hold.mode, mode)) {
      return false;
    }
  }
  if (holds_it) return true;
  for (std::size_t i = 0; i < queue_position; ++i) {
    const Hold& before = lock.queue()[i];
    if (before.transaction != transaction && conflicts(before.mode, mode)) return false;
  }
  return true;
}

std::size_t LockManager::place_of(const Lock& lock, TransactionId transaction) {
  const std::span<const Hold> queue = lock.queue();
  const auto found = std::find_if(queue.begin(), queue.end(), [&](const Hold& hold) {
    return hold.transaction == transaction;
  });
  return static_cast<std::size_t>(found - queue.begin());
}

LockAnswer LockManager::acquire(TransactionId transaction, const LockName& name, LockMode mode) {
  const LockId id = id_of(name);
  Lock& lock = locks_[id];
  for (const Hold& hold : lock.holds()) {
    // What it holds already covers the wish: the mode itself, or the strongest of its kind.
    if (hold.transaction == transaction && (hold.mode == mode || hold.mode == LockMode::kUpdate ||
                                            hold.mode == LockMode::kTableAccessExclusive)) {
      return LockAnswer::kGranted;
    }
  }
  const std::size_t position = place_of(lock, transaction);
  const bool is_queued = position < lock.queue().size();
  if (grantable(lock, transaction, mode, position)) {
    if (is_queued) {
      lock.own_queue().erase(lock.own_queue().begin() + static_cast<std::ptrdiff_t>(position));
      waiting_.erase(transaction);
    }
    lock.add({transaction, mode});
    held_[transaction].emplace_back(id, mode);
    return LockAnswer::kGranted;
  }
  if (!is_queued) {
    ENTAIL_ENSURE(waiting_.count(transaction) == 0);
    lock.own_queue().push_back({transaction, mode});
    waiting_.emplace(transaction, id);
    // Each turn moves one request forward, so there are no more turns than requests.
    std::size_t turns = waiting_.size();
    bool is_closed = closes_cycle(transaction);
    while (is_closed && turns-- > 0 && reorder_cycle(last_cycle_)) {
      is_closed = closes_cycle(transaction);
    }
    if (grantable(lock, transaction, mode, place_of(lock, transaction))) {
      // Its own request came forward.
      return acquire(transaction, name, mode);
    }
    if (is_closed) {
      stop_waiting(transaction, woken_);
      return LockAnswer::kDeadlock;
    }
  } else {
    lock.own_queue()[position].mode = mode;
  }
  return LockAnswer::kMustWait;
}

bool LockManager::available(TransactionId transaction, const LockName& name, LockMode mode) const {
  const auto found = locks_.find(id_of(name));
  if (found == locks_.end()) return true;
  return grantable(found->second, transaction, mode, found->second.queue().size());
}

void LockManager::stop_waiting(TransactionId transaction, std::vector<TransactionId>& woken) {
  const auto found = waiting_.find(transaction);
  if (found == waiting_.end()) return;
  const LockId id = found->second;
  waiting_.erase(found);
  const auto lock = locks_.find(id);
  ENTAIL_ENSURE(lock != locks_.end());
  std::erase_if(lock->second.own_queue(),
                [&](const Hold& hold) { return hold.transaction == transaction; });
  wake_queue(id, woken);
}

std::size_t LockManager::held_count(TransactionId transaction) const {
  const auto found = held_.find(transaction);
  return found == held_.end() ? 0 : found->second.size();
}

void LockManager::wake_queue(const LockId& id, std::vector<TransactionId>& woken) {
  const auto found = locks_.find(id);
  if (found == locks_.end()) return;
  const Lock& lock = found->second;
  const std::span<const Hold> queue = lock.queue();
  for (std::size_t i = 0; i < queue.size(); ++i) {
    if (grantable(lock, queue[i].transaction, queue[i].mode, i)) {
      woken.push_back(queue[i].transaction);
    }
  }
  if (lock.is_free()) locks_.erase(found);
}

void LockManager::release_since(TransactionId transaction, std::size_t count,
                                std::vector<TransactionId>& woken) {
  const auto found = held_.find(transaction);
  if (found == held_.end()) return;
  std::vector<std::pair<LockId, LockMode>>& held = found->second;
  while (held.size() > count) {
    const auto [id, mode] = held.back();
    held.pop_back();
    const auto lock = locks_.find(id);
    ENTAIL_ENSURE(lock != locks_.end());
    lock->second.remove({transaction, mode});
    if (lock->second.is_free()) {
      locks_.erase(lock);
    } else {
      wake_queue(id, woken);
    }
  }
  if (held.empty()) held_.erase(found);
}

void LockManager::release_all(TransactionId transaction, std::vector<TransactionId>& woken) {
  stop_waiting(transaction, woken);
  release_since(transaction, 0, woken);
}

std::vector<TransactionId> LockManager::blockers(TransactionId transaction) const {
  std::vector<TransactionId> result;
  const auto waits = waiting_.find(transaction);
  if (waits == waiting_.end()) return result;
  const Lock& lock = locks_.at(waits->second);
  const std::span<const Hold> queue = lock.queue();
  const std::size_t position = place_of(lock, transaction);
  ENTAIL_ENSURE(position < queue.size());
  const LockMode mode = queue[position].mode;
  bool holds_it = false;
  for (const Hold& hold : lock.holds()) {
    if (hold.transaction == transaction) {
      holds_it = true;
    } else if (conflicts(hold.mode, mode)) {
      result.push_back(hold.transaction);
    }
  }
  for (std::size_t i = 0; i < position && !holds_it; ++i) {
    if (conflicts(queue[i].mode, mode)) result.push_back(queue[i].transaction);
  }
  return result;
}

bool LockManager::reaches(TransactionId from, TransactionId target,
                          std::vector<TransactionId>& path,
                          std::vector<TransactionId>& seen) const {
  for (const TransactionId next : blockers(from)) {
    if (next == target) return true;
    if (std::find(seen.begin(), seen.end(), next) != seen.end()) continue;
    seen.push_back(next);
    path.push_back(next);
    if (reaches(next, target, path, seen)) return true;
    path.pop_back();
  }
  return false;
}

bool LockManager::closes_cycle(TransactionId transaction) {
  std::vector<TransactionId> path{transaction};
  std::vector<TransactionId> seen{transaction};
  if (!reaches(transaction, transaction, path, seen)) return false;
  last_cycle_ = std::move(path);
  return true;
}

bool LockManager::reorder_cycle(const std::vector<TransactionId>& cycle) {
  for (std::size_t i = 1; i <= cycle.size(); ++i) {
    const TransactionId waiter = cycle[i % cycle.size()];
    const TransactionId before = cycle[(i + 1) % cycle.size()];
    Lock& lock = locks_.at(waiting_.at(waiter));
    const std::size_t place = place_of(lock, waiter), place_before = place_of(lock, before);
    std::vector<Hold>& queue = lock.own_queue();
    const Hold request = queue[place];
    const std::span<const Hold> holds = lock.holds();
    const bool is_held = std::any_of(holds.begin(), holds.end(), [&](const Hold& hold) {
      return hold.transaction == before && conflicts(hold.mode, request.mode);
    });
    if (is_held || place_before >= place) continue;
    queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(place));
    queue.insert(queue.begin() + static_cast<std::ptrdiff_t>(place_before), request);
    if (i < cycle.size() && grantable(lock, waiter, request.mode, place_before)) {
      woken_.push_back(waiter);
    }
    return true;
  }
  return false;
}

void LockManager::verify() const {
  for (const auto& [id, lock] : locks_) {
    const std::span<const Hold> holds = lock.holds();
    for (std::size_t i = 0; i < holds.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        ENTAIL_ENSURE(holds[i].transaction == holds[j].transaction ||
                      !conflicts(holds[i].mode, holds[j].mode));
      }
    }
    for (const Hold& waiter : lock.queue()) {
      const auto found = waiting_.find(waiter.transaction);
      ENTAIL_ENSURE(found != waiting_.end() && found->second == id);
    }
  }
}

}  // namespace entail::engine
