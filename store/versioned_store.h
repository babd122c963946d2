// store/versioned_store.h - base rows with all their kept versions, and the log of what changed them.
//
// Families of the Kv below (numbers big-endian; version descending is its complement; the formats
// of values are drawn in store/row_value.h, store/log_record.h and store/derived_state.h):
//
//     current   branch 4, relation 4, key                      -> row value
//     history   branch 4, relation 4, key, ~died 8             -> row value; the row as it was
//                                                                 before version `died`
//     log       branch 4, version 8, piece 4                   -> piece of a record
//     outbox    branch 4, kind 1, version 8, ordinal 4         -> entry or dead letter
//     meta      "format" | "floor" relation 4 | "log floor" | "position" source, 0, partition
//                                                              -> a dropped relation's floor is ~0
//     derived   version 8, name, 0, chunk 4                    -> checkpoints of derived state
//
// One commit is one batch over all of them. A row that is replaced or deleted moves to `history`
// under the version that did it:
//
//     v3 insert k=a      current  k -> a (born 3)
//     v5 update k=b      current  k -> b (born 5)    history  k,~5 -> a (born 3)
//     v8 delete k        current                     history  k,~8 -> b (born 5), k,~5 -> a
//
//     AS OF 4: the current row if it was born by then; else the history entry with the smallest
//     `died` > 4, if that was born by then: a.
//
// Invariants (verify() checks them)
// ---------------------------------
//   (1) Versions are consecutive from 1 on and their times strictly increase.
//   (2) A key has at most one current row, and the lives [born, died) of its rows do not overlap.
//   (3) Every change in the log from the floors on has its row in current or history, and the
//       reverse.
//   (4) Every value's checksum, which covers its key too, is right.
//   (5) No key of a relation is a prefix of another one.
//
// Errors. A full disk: kLimit, SQLSTATE 53100; the version was not made, reads go on, and each
// commit tries again whether there is room. Other refusals of the disk: kIo, 58030. Damage:
// kCorrupt, XX001, naming family, relation, key and version. Below a floor: kNotFound, 72000.
//
// Threads: commit() and the other non-const members by one thread, the writer; sync() by any one
// other thread; const members by any thread, beside the writer. A scan sees the state at its birth.
// Scans, readers, pins and writers of derived state are dropped before their store.

#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/log_record.h"
#include "vm/base/clock.h"
#include "vm/base/expected.h"
#include "vm/base/kv.h"

namespace entail::store {

class DerivedStateWriter;
class DerivedStateReader;
struct RetentionFloors;

enum class Durability : std::uint8_t {
  kGroup,  // Written; durable after a sync() that others may share (store/group_flusher.h).
  kSync,   // Durable when commit() returns.
  kAsync,  // Written, and survives a kill; durable some time later.
};

struct CommitBatch {
  Cause cause;
  std::vector<RowChange> changes;  // At most one a relation and key. Views, read during commit().
  std::vector<CatalogChange> catalog;
  std::vector<OutboxEntry> outbox;
  std::vector<DeadLetter> dead_letters;
  std::vector<RelationNumber>
      dropped;               // Their rows go, those of the past too; nothing changes them.
  std::int64_t time_us = 0;  // When it happened; 0: ask the clock. Raised above the last commit's.
};

// A current row, or one of the past. Views: valid until the scan moves, or as long as the PointRow
// that holds it.
struct StoredRow {
  std::string_view key;
  RowImage image;
  Version born = 0;                       // The version that wrote it.
  CauseKind cause = CauseKind::kSession;  // Of that version; the rest is in the log.
};

// A row that owns its bytes: the views of `stored` point into `bytes`, also after a move.
struct PointRow {
  StoredRow stored;
  std::vector<char> bytes;

  PointRow() = default;
  PointRow(PointRow&&) = default;
  PointRow& operator=(PointRow&&) = default;
  PointRow(const PointRow&) = delete;
  PointRow& operator=(const PointRow&) = delete;
};

// Rows of one relation in key order: while (scan.next()) use(scan.row()); then look at status().
class RowScan {
 public:
  virtual ~RowScan() = default;
  virtual bool next() = 0;  // False at the end and on an error.
  virtual const StoredRow& row() const = 0;
  virtual Expected<void> status() const = 0;
};

struct ScanRange {
  std::string from;  // The first key that is wanted; empty: the first.
  std::string to;    // The first that is not; empty: all.
};

// The log in order: while (reader.next()) use(reader.record()); then look at status().
class LogReader {
 public:
  virtual ~LogReader() = default;
  virtual bool next() = 0;
  virtual const LogRecord& record() const = 0;  // Valid until next().
  virtual Expected<void> status() const = 0;
};

// Names an outbox entry or dead letter: the commit and its place in it.
struct EntryId {
  Version version = 0;
  std::uint32_t ordinal = 0;

  auto operator<=>(const EntryId&) const = default;
};

struct KeptOutboxEntry {
  EntryId id;
  OutboxEntry entry;
};
struct KeptDeadLetter {
  EntryId id;
  DeadLetter letter;
};

struct DerivedStateInfo {
  Version version = 0;
  std::string build_id;
  struct Blob {
    std::string name;
    std::uint64_t bytes = 0;
  };
  std::vector<Blob> blobs;
};

// What verify() read.
struct VerifyReport {
  Version versions = 0;
  std::uint64_t current_rows = 0, history_rows = 0, log_changes = 0, derived_bytes = 0;
};

// A commit is one write of the disk below, which takes no more at once.
inline constexpr std::size_t kCommitBytesMax = std::size_t{2} << 30U;

class VersionedStore {
 public:
  struct Options {
    KvOpener open_kv;              // store/rocks_kv.h or store/simulated_kv.h.
    const Clock* clock = nullptr;  // Outlives the store.
  };

  // Opens what is there, or starts empty. Fails when it is in use, damaged or of another format;
  // the message says which.
  static Expected<std::unique_ptr<VersionedStore>> open(Options options);
  ~VersionedStore();

  // --- Writing --------------------------------------------------------------------------------

  // Makes the next version out of the batch, visible at once. Fails without a trace; with kCorrupt
  // when a row to be replaced or deleted is not there as `before` says.
  // Cost: a point read for each replaced or deleted row, then one write of about twice the bytes.
  Expected<Version> commit(CommitBatch batch, Durability durability = Durability::kGroup);

  // Makes every version committed before the call durable and returns the newest of them.
  // After a failure it tries to take up writing again.
  Expected<Version> sync();

  const Clock& clock() const { return *clock_; }
  Version version() const { return version_.load(std::memory_order_acquire); }
  Version durable_version() const { return durable_.load(std::memory_order_acquire); }
  std::int64_t time_us() const {
    return time_us_.load(std::memory_order_acquire);
  }  // Of version().

  // --- Rows -----------------------------------------------------------------------------------

  // `as_of`: a version up to version(); none: now.
  Expected<std::optional<PointRow>> get(RelationNumber relation, std::string_view key,
                                        std::optional<Version> as_of = {}) const;
  // Cost: as many entries as there are current rows in the range; for the past, history entries of
  // the range besides.
  Expected<std::unique_ptr<RowScan>> scan(RelationNumber relation,
                                          std::optional<Version> as_of = {},
                                          ScanRange range = {}) const;

  // --- Catalog area: keys without zero bytes, values of any kind ----------------------------------

  Expected<std::optional<std::string>> catalog_get(std::string_view key,
                                                   std::optional<Version> as_of = {}) const;
  // In key order, those that begin with `prefix`.
  Expected<std::vector<std::pair<std::string, std::string>>> catalog_list(
      std::string_view prefix, std::optional<Version> as_of = {}) const;

  // --- Versions and the log -----------------------------------------------------------------------

  // Records from version `from` on, up to version() at the call.
  Expected<std::unique_ptr<LogReader>> read_log(Version from) const;
  Expected<VersionInfo> version_info(Version version) const;
  // Those in [from, to] that are kept, oldest first, at most `limit`.
  Expected<std::vector<VersionInfo>> versions(Version from, Version to, std::size_t limit) const;
  // The newest version whose time is <= `time_us`; 0 when the store was empty then. Fails below the
  // log's floor. Cost: a binary search.
  Expected<Version> version_at(std::int64_t time_us) const;

  // How far each partition of a source was read, by the newest commit that says so; all sources
  // when `source` is empty.
  Expected<std::vector<SourcePosition>> positions(std::string_view source) const;

  // --- Outbox and dead letters ---------------------------------------------------------------------

  // Entries after `after` (default: from the first), oldest first. Hand out only those up to
  // durable_version().
  Expected<std::vector<KeptOutboxEntry>> outbox(EntryId after, std::size_t limit) const;
  Expected<std::vector<KeptDeadLetter>> dead_letters(EntryId after, std::size_t limit) const;
  // They are delivered, and forgotten; after a crash they may come again.
  Expected<void> acknowledge_outbox(const std::vector<EntryId>& ids);
  Expected<void> discard_dead_letters(const std::vector<EntryId>& ids);

  // --- Retention ---------------------------------------------------------------------------------

  // Versions below `floor` of this relation need not be kept: reads AS OF them fail from now on.
  // A floor never sinks, nor rises above version(). What no reader's pin holds is dropped as the
  // disk is tidied, or by prune().
  Expected<void> set_floor(RelationNumber relation, Version floor);
  Version floor(RelationNumber relation) const;
  // The same for records of the log; versions below it have no cause and time any more.
  Expected<void> set_log_floor(Version floor);
  Version log_floor() const;
  // Drops now what may be dropped. Cost: reads and writes all history and the log.
  Expected<void> prune();

  // While it lives, rows visible at `version` are kept, whatever the floors become; reads through
  // scan() and get() AS OF that version go on to work.
  class Pin {
   public:
    Pin() = default;
    Pin(Pin&& other) noexcept;
    Pin& operator=(Pin&& other) noexcept;
    ~Pin();

    Version version() const { return version_; }

   private:
    friend class VersionedStore;
    // The caller holds the floors' mutex.
    Pin(std::shared_ptr<RetentionFloors> floors, Version version);

    std::shared_ptr<RetentionFloors> floors_;
    Version version_ = 0;
  };
  // The caller has checked the floors of the relations it will read, or takes their errors.
  Pin pin(Version version) const;

  // --- Derived state --------------------------------------------------------------------------------

  // Begins a checkpoint of state derived from `version`, usable by programs with this build id.
  // It counts when finish()ed, and replaces older ones. store/derived_state.h.
  Expected<std::unique_ptr<DerivedStateWriter>> write_derived_state(Version version,
                                                                    std::string build_id);
  // The newest finished one, if there is one.
  Expected<std::optional<DerivedStateInfo>> derived_state() const;
  Expected<std::unique_ptr<DerivedStateReader>> read_derived_state(Version version,
                                                                   std::string_view name) const;
  // Forgets them all: the program that made them is not trusted any more.
  Expected<void> drop_derived_state();

  // --- Care -------------------------------------------------------------------------------------------

  // Reads everything and checks the invariants; the error names the first thing that is wrong.
  // The writer may go on meanwhile.
  Expected<VerifyReport> verify() const;

  // A copy of the newest version in the new folder `path`, which opens as a store.
  Expected<void> backup(const std::string& path) const;

 private:
  VersionedStore() = default;

  Expected<void> load();
  Expected<void> check_empty() const;
  Expected<void> load_newest_version();
  Expected<void> load_floors();
  Expected<Pin> pin_readable(RelationNumber relation, Version as_of) const;
  Expected<void> check_logged(Version version) const;
  Expected<void> raise_floor(RelationNumber relation, bool of_log, Version floor);
  Expected<void> stage_commit(const VersionInfo& info, CommitBatch& batch);
  Expected<void> stage_catalog(const VersionInfo& info, std::vector<CatalogChange>& changes);
  Expected<void> forget_entries(std::uint8_t kind, const std::vector<EntryId>& ids);
  void raise_durable(Version version);

  const Clock* clock_ = nullptr;
  std::shared_ptr<RetentionFloors> floors_;
  std::unique_ptr<Kv> kv_;
  std::unique_ptr<KvBatch> batch_;  // The writer's; kept for its memory.
  std::atomic<Version> version_{0}, durable_{0};
  std::atomic<std::int64_t> time_us_{0};
  std::atomic<bool> failed_{false};  // The disk refused something: resume() before the next.
};

}  // namespace entail::store
