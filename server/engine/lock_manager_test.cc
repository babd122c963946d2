#include "server/engine/lock_manager.h"

#include <catch2/catch.hpp>

namespace entail::engine {
namespace {

LockName row(const char* key) { return {1, 1, key}; }

TEST_CASE("A lock is granted to one writer and the next waits for it", "[locks]") {
  LockManager locks;
  CHECK(locks.acquire(1, row("a"), LockMode::kUpdate) == LockAnswer::kGranted);
  CHECK(locks.acquire(1, row("a"), LockMode::kKeyShare) == LockAnswer::kGranted);
  CHECK(locks.acquire(2, row("b"), LockMode::kUpdate) == LockAnswer::kGranted);
  CHECK_FALSE(locks.available(2, row("a"), LockMode::kShare));
  CHECK(locks.acquire(2, row("a"), LockMode::kNoKeyUpdate) == LockAnswer::kMustWait);
  CHECK(locks.blockers(2) == std::vector<TransactionId>{1});
  std::vector<TransactionId> woken;
  locks.release_all(1, woken);
  CHECK(woken == std::vector<TransactionId>{2});
  CHECK(locks.acquire(2, row("a"), LockMode::kNoKeyUpdate) == LockAnswer::kGranted);
  locks.verify();
}

TEST_CASE("A key share does not hinder an update of other columns", "[locks]") {
  LockManager locks;
  CHECK(locks.acquire(1, row("a"), LockMode::kKeyShare) == LockAnswer::kGranted);
  CHECK(locks.acquire(2, row("a"), LockMode::kNoKeyUpdate) == LockAnswer::kGranted);
  CHECK(locks.acquire(3, row("a"), LockMode::kShare) == LockAnswer::kMustWait);
  locks.verify();
}

TEST_CASE("Who closes a cycle of waiting is refused", "[locks]") {
  LockManager locks;
  CHECK(locks.acquire(1, row("a"), LockMode::kUpdate) == LockAnswer::kGranted);
  CHECK(locks.acquire(2, row("b"), LockMode::kUpdate) == LockAnswer::kGranted);
  CHECK(locks.acquire(3, row("c"), LockMode::kUpdate) == LockAnswer::kGranted);
  CHECK(locks.acquire(1, row("b"), LockMode::kUpdate) == LockAnswer::kMustWait);
  CHECK(locks.acquire(2, row("c"), LockMode::kUpdate) == LockAnswer::kMustWait);
  CHECK(locks.acquire(3, row("a"), LockMode::kUpdate) == LockAnswer::kDeadlock);
  CHECK(locks.last_cycle().size() == 3);
  CHECK_FALSE(locks.is_waiting(3));
  std::vector<TransactionId> woken;
  locks.release_all(3, woken);
  CHECK(woken == std::vector<TransactionId>{2});
  locks.verify();
}

TEST_CASE("Locks taken after a savepoint go back with it", "[locks]") {
  LockManager locks;
  CHECK(locks.acquire(1, row("a"), LockMode::kUpdate) == LockAnswer::kGranted);
  const std::size_t savepoint = locks.held_count(1);
  CHECK(locks.acquire(1, row("b"), LockMode::kUpdate) == LockAnswer::kGranted);
  std::vector<TransactionId> woken;
  locks.release_since(1, savepoint, woken);
  CHECK(locks.available(2, row("b"), LockMode::kUpdate));
  CHECK_FALSE(locks.available(2, row("a"), LockMode::kUpdate));
}

TEST_CASE("Who comes later does not overtake a waiting request that conflicts", "[locks]") {
  LockManager locks;
  CHECK(locks.acquire(1, row("a"), LockMode::kShare) == LockAnswer::kGranted);
  CHECK(locks.acquire(2, row("a"), LockMode::kUpdate) == LockAnswer::kMustWait);
  CHECK(locks.acquire(3, row("a"), LockMode::kShare) == LockAnswer::kMustWait);
  std::vector<TransactionId> woken;
  locks.release_all(1, woken);
  CHECK(woken == std::vector<TransactionId>{2});
}

}  // namespace
}  // namespace entail::engine
