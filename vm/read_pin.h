// vm/read_pin.h - which versions concurrent readers still need, without a lock between them and the writer.
//
// One PinRegistry serves all standing relations of an engine. The writer commits a version to each
// relation, then publishes it; a reader pins the newest published version and sees exactly that until it
// lets go. What a pin can still reach is kept:
//
//     rows that died after its version       oldest_version() tells the writer from where on
//     memory it may be walking through       tick() and oldest_clock(): whatever was unlinked before a
//                                            tick is free once every pin began after that tick
//
// Why this is safe. (a) A reader stores its version in a slot, then reads committed_ again; the writer
// stores committed_, then reads the slots. All four are sequentially consistent, so either the writer
// sees the pin or the reader sees the new version and tries again. (b) The writer unlinks, then ticks,
// then reads the slots; the reader takes its slot, then reads the clock. Either the writer sees the
// slot with an older clock and waits, or the reader's clock read synchronises with the tick, and it
// cannot meet what was unlinked.
//
// A pin that holds too much is revoked. Its owner finds out at its next read, with an error of its own
// (kLimit); reads are short, and a revoked pin counts until the read that it is in has ended. (c) enter()
// stores `busy`, then reads `revoked`; revoke stores `revoked`, then reads `busy`: one sees the other.
//
// Threads: pin() and ReadPin from any thread, one thread a pin; the rest is for the one writer.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "vm/base/expected.h"

namespace entail::vm {

using Version = std::uint64_t;

class PinRegistry;

// A reader's hold on a version; lets go when destroyed.
class ReadPin {
 public:
  ReadPin(ReadPin&& other) noexcept;
  ReadPin& operator=(ReadPin&& other) noexcept;
  ~ReadPin();

  Version version() const { return version_; }
  bool revoked() const;

  // Around each read of a relation: false when the pin was revoked, and nothing may be read.
  [[nodiscard]] bool enter() const;
  void leave() const;

 private:
  friend class PinRegistry;
  ReadPin(PinRegistry* registry, std::size_t slot, Version version)
      : registry_(registry), slot_(slot), version_(version) {}
  void release();

  PinRegistry* registry_ = nullptr;
  std::size_t slot_ = 0;
  Version version_ = 0;
};

class PinRegistry {
 public:
  static constexpr std::size_t kPinsMax = 256;

  PinRegistry() = default;
  PinRegistry(const PinRegistry&) = delete;  // Pins and relations point to it.
  PinRegistry& operator=(const PinRegistry&) = delete;

  // The newest version that readers may see; 0 before the first.
  Version committed() const { return committed_.load(std::memory_order_seq_cst); }

  // Pins the newest version. Fails with kLimit when kPinsMax pins are held.
  Expected<ReadPin> pin();

  // ---- the writer's side

  // Readers may see `version` from now on. REQUIRES: every relation has committed it; it is newer.
  void publish(Version version);

  // Rows that died at or before this version are seen by no pin, now or later.
  Version oldest_version() const;

  // What was unlinked before this call gets this number …
  std::uint64_t tick() { return clock_.fetch_add(1, std::memory_order_seq_cst) + 1; }
  // … and is unreachable when this is not below it.
  std::uint64_t oldest_clock() const;

  // Takes their versions from pins older than `version`; returns how many.
  std::size_t revoke_before(Version version);

 private:
  friend class ReadPin;
  static constexpr Version kFree = ~Version{0};

  struct alignas(64) Slot {  // A cache line each, so that readers do not disturb one another.
    std::atomic<Version> version{kFree};
    std::atomic<std::uint64_t> clock{0};
    std::atomic<bool> busy{false};
    std::atomic<bool> revoked{false};
  };

  static bool counts(const Slot& slot);

  std::atomic<Version> committed_{0};
  std::atomic<std::uint64_t> clock_{0};
  // Slots from here on were never taken. Raised before a slot is, with the same ordering as (a) and (b):
  // a writer that reads the old bound has stored what the reader is about to read.
  std::atomic<std::size_t> slot_end_{0};
  std::array<Slot, kPinsMax> slots_;
};

}  // namespace entail::vm
