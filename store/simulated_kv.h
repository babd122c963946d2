// store/simulated_kv.h - a disk in memory that misbehaves on demand, the same way for a seed.
//
// A SimulatedDisk is the medium; it outlives the Kv opened on it, as a disk outlives a process.
//
//     write() --> pending batches --sync()--> durable state
//                       |
//     crash():  a prefix of them survives, cut at a random byte; a batch that the cut tears is
//               dropped whole, as the checksums of a write-ahead log would
//
// Faults are set on the disk and strike at the n-th call from then on: an error, no space, a crash.
// flip_bit() damages a stored byte behind everybody's back: the Kv keeps no checksums and returns
// the damaged bytes, so that the store's own are tested.
//
// Threads: one mutex guards it all; deterministic when used by one thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "vm/base/kv.h"
#include "vm/base/random.h"

namespace entail::store {

class SimulatedDisk {
 public:
  enum class Fault : std::uint8_t { kNone, kError, kNoSpace };

  explicit SimulatedDisk(std::uint64_t seed) : random_(seed) {}

  // Opens the disk; a second time while the first Kv lives fails as a lock would. Afterwards use
  // opener() or this, as often as wanted.
  Expected<std::unique_ptr<Kv>> open(const KvLayout& layout);
  KvOpener opener();

  // Power cut: what was pending is lost from a random byte on. The Kv that is open answers every
  // call with an error from now on; destroy it and open the disk again.
  void crash();

  // The n-th write() or sync() from now (1: the next) fails, and all that follow, until heal().
  void fail_after(std::uint64_t calls, Fault fault);
  // The n-th write() or sync() from now does not happen and the power is cut instead.
  void crash_after(std::uint64_t calls);
  void heal();
  bool crashed() const;

  // Called inside each sync() or durable write, before it takes effect: to move a clock, or wait.
  void on_sync(std::function<void()> hook);

  // Turns one bit of the stored entry number `entry` (counting all families in order, modulo their
  // number): of its key where `in_key`, else of its value. Returns "family/key in hexadecimal";
  // nothing when no entry is stored. Pending batches are made durable first.
  std::optional<std::string> flip_bit(std::uint64_t entry, bool in_key, std::uint64_t bit);

  std::uint64_t writes() const;
  std::uint64_t syncs() const;

 private:
  friend class SimulatedKv;
  friend class SimulatedBatch;

  using Entries = std::map<std::string, std::string, std::less<>>;
  struct Operation {
    enum class Kind : std::uint8_t { kPut, kErase, kEraseRange };
    Kind kind = Kind::kPut;
    std::string family;
    std::string key, value;  // kEraseRange: begin and end.
  };
  struct Pending {
    std::vector<Operation> operations;
    std::size_t bytes = 0;
  };

  static void apply(const std::vector<Operation>& operations,
                    std::map<std::string, std::shared_ptr<Entries>, std::less<>>& families);
  Expected<void> enter_call_locked(const char* what);
  void crash_locked();
  void settle_locked();

  mutable std::mutex mutex_;
  Random random_;
  std::map<std::string, std::shared_ptr<Entries>, std::less<>> durable_, live_;
  std::vector<Pending> pending_;
  bool open_ = false;
  bool crashed_ = false;
  std::uint64_t calls_ = 0, writes_ = 0, syncs_ = 0;
  std::uint64_t fault_at_ = 0, crash_at_ = 0;  // Call numbers; 0: never.
  Fault fault_ = Fault::kNone;
  std::function<void()> sync_hook_;
  std::uint64_t checkpoints_ = 0;
  std::map<std::string, std::shared_ptr<SimulatedDisk>, std::less<>> copies_;

 public:
  // The copy that Kv::checkpoint(path) made; null where there is none.
  std::shared_ptr<SimulatedDisk> copy_at(const std::string& path) const;
};

}  // namespace entail::store
