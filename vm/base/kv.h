// vm/base/kv.h - ordered bytes that last: the interface through which the store reaches a disk.
//
// A Kv holds a few *families*, each an ordered map of keys to values, both plain bytes in memcmp
// order. It is implemented by RocksDB (store/rocks_kv.h) and by a disk in memory that loses, tears,
// fails and slows down on demand (store/simulated_kv.h); whoever uses a Kv cannot tell which.
//
//     write(batch)            sync()
//     ----------> written  ------------> durable
//                 readers see it,        survives a power cut
//                 survives a kill
//
// Contract
// --------
//   (1) A batch is applied wholly or not at all, also across a crash.
//   (2) After a crash, what is there is a prefix of the batches in the order they were written, and
//       it reaches at least to the last batch that was durable.
//   (3) A write that failed changed nothing, except that a durable one may turn up after a crash. A
//       sync that failed promises nothing; once the cause is gone, resume() makes everything
//       written so far durable or fails again.
//   (4) Reads return the bytes written, or fail with kCorrupt naming the file. An implementation
//       may leave it to its user's own checksums to notice; the store keeps some on every value.
//
// Errors: kIo (SQLSTATE 58030), a full disk kLimit (53100), kCorrupt (XX001).
// Threads: everything from any thread at any time; a batch, an iterator from one.
// Source: the shape is LevelDB's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vm/base/expected.h"
#include "vm/base/ids.h"

namespace entail {

// A family: a position in the list of families that the Kv was opened with.
using KvFamily = Id<struct KvFamilyTag>;

// What a Kv may forget on its own while it tidies up, seen or not: true for an entry that nobody
// will ask for again. Called from any thread; what was droppable once stays so.
using KvDropFilter = std::function<bool(std::string_view key, std::string_view value)>;

struct KvFamilyOptions {
  std::string name;           // Stable: families are found again by name.
  KvDropFilter may_drop;      // Empty: nothing is forgotten.
  bool point_reads = false;   // Most reads ask for one key: keep a filter for absent ones.
  bool large_values = false;  // Values of many kilobytes, read in order.
};

// What to open: the families in the order in which KvFamily counts them.
struct KvLayout {
  std::vector<KvFamilyOptions> families;
};

// Changes that are applied together, in the order in which they were added.
class KvBatch {
 public:
  KvBatch() = default;
  KvBatch(const KvBatch&) = delete;
  KvBatch& operator=(const KvBatch&) = delete;
  virtual ~KvBatch() = default;

  // The bytes are copied.
  virtual void put(KvFamily family, std::string_view key, std::string_view value) = 0;
  virtual void erase(KvFamily family, std::string_view key) = 0;
  // Every key in [begin, end); none where that is empty.
  virtual void erase_range(KvFamily family, std::string_view begin, std::string_view end) = 0;

  virtual std::size_t bytes() const = 0;  // What the batch takes, nearly.
  virtual void clear() = 0;
};

// The state of every family at one moment. May outlive nothing but its users: drop it before its Kv.
class KvSnapshot {
 public:
  KvSnapshot() = default;
  KvSnapshot(const KvSnapshot&) = delete;
  KvSnapshot& operator=(const KvSnapshot&) = delete;
  virtual ~KvSnapshot() = default;
};

struct KvReadOptions {
  const KvSnapshot* snapshot = nullptr;  // Null: what is written when the read begins.
  std::string lower, upper;  // An iterator stays in [lower, upper); an empty upper is no bound.
  bool bulk = false;  // Many entries are read once: read ahead, and leave the cache to others.
};

// A place in a family, over the state at the iterator's birth (or of the snapshot given).
class KvIterator {
 public:
  KvIterator() = default;
  KvIterator(const KvIterator&) = delete;
  KvIterator& operator=(const KvIterator&) = delete;
  virtual ~KvIterator() = default;

  virtual void seek(std::string_view key) = 0;           // To the first entry >= key.
  virtual void seek_for_prev(std::string_view key) = 0;  // To the last entry <= key.
  virtual void seek_to_first() = 0;
  virtual void seek_to_last() = 0;
  virtual void next() = 0;  // REQUIRES: valid().

  // False past the last entry, before the first one, or after an error.
  virtual bool valid() const = 0;
  // Valid until the iterator moves. REQUIRES: valid().
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  // Why the iterator ended, where it was not the end of the entries.
  virtual Expected<void> status() const = 0;
};

class Kv {
 public:
  Kv() = default;
  Kv(const Kv&) = delete;
  Kv& operator=(const Kv&) = delete;
  virtual ~Kv() = default;

  virtual std::unique_ptr<KvBatch> new_batch() = 0;

  // Applies the batch; with `durable`, returns once it is durable.
  // REQUIRES: `batch` is from new_batch() of this Kv.
  virtual Expected<void> write(KvBatch& batch, bool durable) = 0;

  // Everything written before the call is durable when it returns.
  virtual Expected<void> sync() = 0;

  // After a failed write() or sync(): tries to write again. Success means that everything written
  // is durable and that writes are taken again. Does nothing where nothing failed.
  virtual Expected<void> resume() = 0;

  virtual Expected<std::optional<std::string>> get(KvFamily family, std::string_view key,
                                                   const KvSnapshot* snapshot = nullptr) const = 0;
  // One result a key, in the order of the keys. Cheapest when the keys are sorted.
  virtual Expected<std::vector<std::optional<std::string>>> get_many(
      KvFamily family, std::span<const std::string> keys) const = 0;

  virtual std::unique_ptr<KvIterator> iterate(KvFamily family, KvReadOptions options) const = 0;
  virtual std::unique_ptr<KvSnapshot> snapshot() const = 0;

  // Tidies the keys in [begin, end) now: what may_drop() allows is gone afterwards. An empty end is
  // no bound.
  virtual Expected<void> compact(KvFamily family, std::string_view begin, std::string_view end) = 0;

  // A copy of everything written so far in the new folder `path`, which opens like the original.
  // Readers and the writer go on meanwhile.
  virtual Expected<void> checkpoint(const std::string& path) = 0;

  // Reads every file and checks it against its checksums; the error names the first bad file.
  virtual Expected<void> verify_files() const = 0;
};

// Opens or creates; handed to the store by whoever decides what the disk is.
using KvOpener = std::function<Expected<std::unique_ptr<Kv>>(const KvLayout& layout)>;

}  // namespace entail
