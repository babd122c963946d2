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

class SimulatedDisk : public std::enable_shared_from_this<SimulatedDisk> {
 public:
  enum class Fault : std::uint8_t { kNone, kError, kNoSpace };

  static std::shared_ptr<SimulatedDisk> create(std::uint64_t seed);

  // Opens the disk; a second time while the first Kv lives fails as a lock would.
  Expected<std::unique_ptr<Kv>> open(const KvLayout& layout);
  KvOpener opener();

  // Power cut: what is pending is lost from a random byte on. The Kv that is open answers every
  // call with an error from now on; destroy it and open the disk again.
  void crash();

  // The n-th write() or sync() from now (1: the next) fails, and all that follow, until heal().
  void fail_after(std::uint64_t calls, Fault fault);
  // The n-th write() or sync() from now does not happen: the power is cut instead.
  void crash_after(std::uint64_t calls);
  void heal();
  bool crashed() const;

  // Called inside each sync() and durable write, before it takes effect and without the lock: to
  // move a clock, or to wait.
  void on_sync(std::function<void()> hook);

  // Turns a bit of the stored entry number `entry` (counting through all families, modulo their
  // number): of its key where `in_key`, else of its value. Returns "family/key"; nothing when there
  // is no such bit. What is pending becomes durable first.
  std::optional<std::string> flip_bit(std::uint64_t entry, bool in_key, std::uint64_t bit);

  // The copy that Kv::checkpoint(path) made; null where there is none.
  std::shared_ptr<SimulatedDisk> copy_at(const std::string& path) const;

  std::uint64_t writes() const;
  std::uint64_t syncs() const;
  std::uint64_t entries() const;

 private:
  friend class SimulatedKv;
  friend class SimulatedBatch;

  using Entries = std::map<std::string, std::string, std::less<>>;
  // By family name. Readers share the maps; the writer copies one that is shared.
  using Families = std::map<std::string, std::shared_ptr<Entries>, std::less<>>;
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

  explicit SimulatedDisk(std::uint64_t seed) : random_(seed) {}

  static Entries& writable(Families& families, const std::string& family);
  static void apply(const std::vector<Operation>& operations, Families& families);
  static Families copy_of(const Families& families);

  // For all of these the caller holds mutex_.
  Expected<void> enter_call(const char* what);  // Counts the call, and lets a fault strike.
  Expected<void> check_alive() const;
  void cut_power();
  void make_durable();

  mutable std::mutex mutex_;
  Random random_;
  Families durable_, live_;
  std::vector<Pending> pending_;  // What live_ has and durable_ does not.
  std::map<std::string, std::shared_ptr<SimulatedDisk>, std::less<>> copies_;
  bool open_ = false, crashed_ = false;
  std::uint64_t calls_ = 0, writes_ = 0, syncs_ = 0;
  std::uint64_t fault_at_ = 0, crash_at_ = 0;  // Call numbers; 0: never.
  Fault fault_ = Fault::kNone;
  std::function<void()> sync_hook_;
};

}  // namespace entail::store
