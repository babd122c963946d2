#include "vm/read_pin.h"

#include <algorithm>
#include <utility>

#include "vm/base/ensure.h"

namespace entail::vm {

ReadPin::ReadPin(ReadPin&& other) noexcept
    : registry_(std::exchange(other.registry_, nullptr)),
      slot_(other.slot_),
      version_(other.version_) {}

ReadPin& ReadPin::operator=(ReadPin&& other) noexcept {
  if (this == &other) return *this;
  release();
  registry_ = std::exchange(other.registry_, nullptr);
  slot_ = other.slot_;
  version_ = other.version_;
  return *this;
}

ReadPin::~ReadPin() { release(); }

void ReadPin::release() {
  if (registry_ == nullptr) return;
  registry_->slots_[slot_].version.store(PinRegistry::kFree, std::memory_order_seq_cst);
  registry_ = nullptr;
}

bool ReadPin::revoked() const {
  return registry_->slots_[slot_].revoked.load(std::memory_order_seq_cst);
}

bool ReadPin::enter() const {
  PinRegistry::Slot& slot = registry_->slots_[slot_];
  slot.busy.store(true, std::memory_order_seq_cst);
  if (!slot.revoked.load(std::memory_order_seq_cst)) return true;
  slot.busy.store(false, std::memory_order_release);
  return false;
}

void ReadPin::leave() const {
  registry_->slots_[slot_].busy.store(false, std::memory_order_release);
}

Expected<ReadPin> PinRegistry::pin() {
  for (std::size_t i = 0; i < kPinsMax; ++i) {
    Slot& slot = slots_[i];
    std::size_t end = slot_end_.load(std::memory_order_seq_cst);
    while (end <= i && !slot_end_.compare_exchange_weak(end, i + 1, std::memory_order_seq_cst)) {
    }
    Version expected = kFree;
    // Version 0 and clock 0 hold everything until the real ones are known.
    if (!slot.version.compare_exchange_strong(expected, 0, std::memory_order_seq_cst)) continue;
    slot.revoked.store(false, std::memory_order_seq_cst);
    Version version = committed();
    while (true) {
      slot.version.store(version, std::memory_order_seq_cst);
      const Version now = committed();
      if (now == version) break;
      version = now;
    }
    slot.clock.store(clock_.load(std::memory_order_seq_cst), std::memory_order_seq_cst);
    return ReadPin(this, i, version);
  }
  return unexpected(ErrorCode::kLimit, "too many versions are being read at once");
}

void PinRegistry::publish(Version version) {
  ENTAIL_ENSURE(version > committed());
  committed_.store(version, std::memory_order_seq_cst);
}

bool PinRegistry::counts(const Slot& slot) {
  if (slot.version.load(std::memory_order_seq_cst) == kFree) return false;
  return !slot.revoked.load(std::memory_order_seq_cst) || slot.busy.load(std::memory_order_seq_cst);
}

Version PinRegistry::oldest_version() const {
  Version oldest = committed();
  const std::size_t end = slot_end_.load(std::memory_order_seq_cst);
  for (std::size_t i = 0; i < end; ++i) {
    const Slot& slot = slots_[i];
    const Version version = slot.version.load(std::memory_order_seq_cst);
    if (version != kFree && counts(slot)) oldest = std::min(oldest, version);
  }
  return oldest;
}

std::uint64_t PinRegistry::oldest_clock() const {
  std::uint64_t oldest = clock_.load(std::memory_order_seq_cst);
  const std::size_t end = slot_end_.load(std::memory_order_seq_cst);
  for (std::size_t i = 0; i < end; ++i) {
    const Slot& slot = slots_[i];
    if (counts(slot)) oldest = std::min(oldest, slot.clock.load(std::memory_order_seq_cst));
  }
  return oldest;
}

std::size_t PinRegistry::revoke_before(Version version) {
  std::size_t revoked = 0;
  for (Slot& slot : slots_) {
    const Version held = slot.version.load(std::memory_order_seq_cst);
    // A pin that is being taken holds 0 for a moment: it has no owner yet who could lose it.
    if (held == kFree || held == 0 || held >= version) continue;
    if (!slot.revoked.exchange(true, std::memory_order_seq_cst)) ++revoked;
  }
  return revoked;
}

}  // namespace entail::vm
