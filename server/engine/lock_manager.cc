#include "server/engine/lock_manager.h"

#include <algorithm>
#include <functional>

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
  // Tables: RowShare, RowExclusive, Share, AccessExclusive.
  constexpr bool kTables[4][4] = {
      {false, false, false, true},
      {false, false, true, true},
      {false, true, false, true},
      {true, true, true, true},
  };
  const auto h = static_cast<unsigned>(held);
  const auto w = static_cast<unsigned>(wanted);
  ENTAIL_ENSURE((h < 4) == (w < 4));
  return h < 4 ? kRows[h][w] : kTables[h - 4][w - 4];
}

std::size_t LockManager::Hash::operator()(const LockName& name) const {
  const std::size_t key = std::hash<std::string_view>()(name.key);
  return key ^ ((std::size_t{name.table} << 32 | name.index) * 0x9e3779b97f4a7c15ULL);
}

bool LockManager::grantable(const Lock& lock, TransactionId transaction, LockMode mode,
                            std::size_t queue_position) const {
  bool holds_it = false;
  for (const Hold& hold : lock.holds) {
    if (hold.transaction == transaction) {
      holds_it = true;
    } else if (conflicts(hold.mode, mode)) {
      return false;
    }
  }
  if (holds_it) return true;
  for (std::size_t i = 0; i < queue_position; ++i) {
    const Hold& before = lock.queue[i];
    if (before.transaction != transaction && conflicts(before.mode, mode)) return false;
  }
  return true;
}

LockAnswer LockManager::acquire(TransactionId transaction, const LockName& name, LockMode mode) {
  Lock& lock = locks_[name];
  for (const Hold& hold : lock.holds) {
    // What it holds already covers the wish: the mode itself, or the strongest of its kind.
    if (hold.transaction == transaction && (hold.mode == mode || hold.mode == LockMode::kUpdate ||
                                            hold.mode == LockMode::kTableAccessExclusive)) {
      return LockAnswer::kGranted;
    }
  }
  const auto queued = std::find_if(lock.queue.begin(), lock.queue.end(), [&](const Hold& hold) {
    return hold.transaction == transaction;
  });
  const std::size_t position = static_cast<std::size_t>(queued - lock.queue.begin());
  if (grantable(lock, transaction, mode, position)) {
    if (queued != lock.queue.end()) {
      lock.queue.erase(queued);
      waiting_.erase(transaction);
    }
    lock.holds.push_back({transaction, mode});
    held_[transaction].emplace_back(name, mode);
    return LockAnswer::kGranted;
  }
  if (queued == lock.queue.end()) {
    ENTAIL_ENSURE(waiting_.count(transaction) == 0);
    lock.queue.push_back({transaction, mode});
    waiting_.emplace(transaction, name);
    if (closes_cycle(transaction)) {
      // Its request stood last in the queue: nobody waits for it.
      std::vector<TransactionId> none;
      stop_waiting(transaction, none);
      return LockAnswer::kDeadlock;
    }
  } else {
    queued->mode = mode;
  }
  return LockAnswer::kMustWait;
}

bool LockManager::available(TransactionId transaction, const LockName& name, LockMode mode) const {
  const auto found = locks_.find(name);
  if (found == locks_.end()) return true;
  return grantable(found->second, transaction, mode, found->second.queue.size());
}

void LockManager::stop_waiting(TransactionId transaction, std::vector<TransactionId>& woken) {
  const auto found = waiting_.find(transaction);
  if (found == waiting_.end()) return;
  const LockName name = found->second;
  waiting_.erase(found);
  const auto lock = locks_.find(name);
  ENTAIL_ENSURE(lock != locks_.end());
  std::erase_if(lock->second.queue,
                [&](const Hold& hold) { return hold.transaction == transaction; });
  wake_queue(name, woken);
}

std::size_t LockManager::held_count(TransactionId transaction) const {
  const auto found = held_.find(transaction);
  return found == held_.end() ? 0 : found->second.size();
}

void LockManager::wake_queue(const LockName& name, std::vector<TransactionId>& woken) {
  const auto found = locks_.find(name);
  if (found == locks_.end()) return;
  const Lock& lock = found->second;
  for (std::size_t i = 0; i < lock.queue.size(); ++i) {
    if (grantable(lock, lock.queue[i].transaction, lock.queue[i].mode, i)) {
      woken.push_back(lock.queue[i].transaction);
    }
  }
  if (lock.holds.empty() && lock.queue.empty()) locks_.erase(found);
}

void LockManager::release_since(TransactionId transaction, std::size_t count,
                                std::vector<TransactionId>& woken) {
  const auto found = held_.find(transaction);
  if (found == held_.end()) return;
  std::vector<std::pair<LockName, LockMode>>& held = found->second;
  while (held.size() > count) {
    const auto [name, mode] = std::move(held.back());
    held.pop_back();
    const auto lock = locks_.find(name);
    ENTAIL_ENSURE(lock != locks_.end());
    std::vector<Hold>& holds = lock->second.holds;
    const auto hold = std::find_if(holds.begin(), holds.end(), [&, m = mode](const Hold& h) {
      return h.transaction == transaction && h.mode == m;
    });
    ENTAIL_ENSURE(hold != holds.end());
    holds.erase(hold);
    wake_queue(name, woken);
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
  LockMode mode = LockMode::kKeyShare;
  std::size_t position = 0;
  for (; position < lock.queue.size(); ++position) {
    if (lock.queue[position].transaction == transaction) break;
  }
  ENTAIL_ENSURE(position < lock.queue.size());
  mode = lock.queue[position].mode;
  bool holds_it = false;
  for (const Hold& hold : lock.holds) {
    if (hold.transaction == transaction) {
      holds_it = true;
    } else if (conflicts(hold.mode, mode)) {
      result.push_back(hold.transaction);
    }
  }
  for (std::size_t i = 0; i < position && !holds_it; ++i) {
    if (conflicts(lock.queue[i].mode, mode)) result.push_back(lock.queue[i].transaction);
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

void LockManager::verify() const {
  for (const auto& [name, lock] : locks_) {
    for (std::size_t i = 0; i < lock.holds.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        ENTAIL_ENSURE(lock.holds[i].transaction == lock.holds[j].transaction ||
                      !conflicts(lock.holds[i].mode, lock.holds[j].mode));
      }
    }
    for (const Hold& waiter : lock.queue) {
      const auto found = waiting_.find(waiter.transaction);
      ENTAIL_ENSURE(found != waiting_.end() && found->second == name);
    }
  }
}

}  // namespace entail::engine
