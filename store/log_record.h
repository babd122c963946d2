// store/log_record.h - what one commit did and why, in memory and as bytes in the log.
//
// A record is cut into *pieces* of about a quarter of a megabyte, so that a commit of a million
// rows is a few hundred ordinary values and not a giant one. Family `log`:
//
//     key    | branch 4 | version 8 | piece 4 |                                       big-endian
//     value  | format 1 | flags 1 | body | checksum 4 |           checksum: of the key and what
//                                                                 stands before it (XXH3, low half)
//     flags  bit 0: this is the record's last piece
//
// The body of piece 0 begins with the head; entries follow until the piece is full and go on in
// piece 1. No entry lies across two pieces.
//
//     head   | time s | cause |
//     cause  | kind 1 | origin b | number v | time s | detail b | count v | positions... |
//     position  | source b | partition b | position b |
//
//     entry  | tag 1 | ...                    v: varint, s: zigzag varint, b: length v and bytes
//       1 row change      | flags 1 | relation v | key b | old? | new? |
//             flags  bit 0: there is an old row   bit 1: there is a new row
//                    bit 2: caused by a firing    bit 3: a durable row id
//             old    | born v | weight s | row b |
//             new    | schema v | weight s | has time tag 1 | time tag s | row b |
//             then   | firing v |?  | durable id v |?
//       2 catalog change  | flags 1 (bit 0: old, bit 1: new) | key b | born v, old b? | new b? |
//       3 outbox entry    | rule v | sink b | payload b |
//       4 dead letter     | source b | partition b | position b | reason b | payload b |
//
// Versions are consecutive, and times strictly increase with them.
//
// Threads: values.

#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vm/base/expected.h"

namespace entail::store {

// The number of a commit; 0 stands for the empty state before the first one.
using Version = std::uint64_t;

// A relation as the engine's catalog numbers it. 0 is the store's own: the catalog area.
using RelationNumber = std::uint32_t;
inline constexpr RelationNumber kCatalogRelation = 0;

enum class CauseKind : std::uint8_t {
  kSession = 1,      // A client's transaction. origin: user; number: session.
  kSourceBatch = 2,  // Rows of a source. origin: source; number: batch; positions: after the batch.
  kTick = 3,         // The clock. time_us: what it showed.
  kExpiry = 4,       // Rows past their time. time_us: the time they were held to.
  kFiring = 5,       // A production alone, without a cause from outside. origin: rule.
  kDeployment = 6,   // New rules or tables. origin: file or user; detail: the text, or its hash.
  kRestore = 7,      // A backup was taken up again. origin: where from.
};

// "session", "source batch" and so on.
std::string_view cause_kind_name(CauseKind kind) noexcept;

// How far a source was read: what resumes it. The store does not look inside `position`.
struct SourcePosition {
  std::string source, partition, position;

  bool operator==(const SourcePosition&) const = default;
};

struct Cause {
  CauseKind kind = CauseKind::kSession;
  std::string origin;
  std::uint64_t number = 0;
  std::int64_t time_us = 0;
  std::string detail;
  std::vector<SourcePosition> positions;

  bool operator==(const Cause&) const = default;
};

// A row as it is stored: its bytes, and what stands beside them.
struct RowImage {
  std::string_view row;
  std::int64_t weight = 1;                  // How often it holds; 1 in a set.
  std::uint32_t schema_version = 0;         // Of the relation's columns when it was written.
  std::optional<std::int64_t> time_tag_us;  // Event time, where the relation has one.
};

// One base row that came, went or was replaced. Both images: a replacement under the same key.
//
// `key` is memcmp-ordered, and no key of a relation may be the prefix of another one of it:
// encodings of whole columns that end themselves are so (fixed width, or escaped and terminated).
// store/row_key.h makes the key of a set's row out of such an encoding.
struct RowChange {
  RelationNumber relation = 0;
  std::string_view key;
  std::optional<RowImage> before;  // When committing, only `row` is looked at: it must match.
  std::optional<RowImage> after;
  std::uint64_t durable_id = 0;  // What tells equal rows of a bag apart; 0: none.
  std::uint32_t firing = 0;      // The rule that fired, from 1; 0: the commit's own cause.
  bool check_absent = false;     // An insertion reads first whether the key is free: for keys
                                 // that hold a hash, where another row might have the same.
  Version before_born = 0;       // In a record: the version that wrote `before`.
};

// A change of the catalog area: what the engine keeps beside its relations, with history.
struct CatalogChange {
  std::string key;
  std::optional<std::string> value;   // None: the key goes.
  std::optional<std::string> before;  // In a record: what stood there,
  Version before_born = 0;            // and the version that wrote it.
};

// What a production emitted: handed to a sink once durable, kept until the sink acknowledges it.
struct OutboxEntry {
  std::string sink;
  std::uint32_t rule = 0;
  std::string payload;

  bool operator==(const OutboxEntry&) const = default;
};

// A row that a source delivered and nobody could read.
struct DeadLetter {
  std::string source, partition, position;
  std::string reason;   // For a person.
  std::string payload;  // As it was delivered.

  bool operator==(const DeadLetter&) const = default;
};

struct VersionInfo {
  Version version = 0;
  std::int64_t time_us = 0;
  Cause cause;
};

// A whole record as read from the log.
struct LogRecord {
  VersionInfo info;
  std::vector<RowChange> changes;  // Views into `bytes`.
  std::vector<CatalogChange> catalog;
  std::vector<OutboxEntry> outbox;
  std::vector<DeadLetter> dead_letters;

  std::deque<std::string> bytes;  // The pieces; they stay where they are when more come.

  LogRecord() = default;
  LogRecord(LogRecord&&) = default;
  LogRecord& operator=(LogRecord&&) = default;
  LogRecord(const LogRecord&) = delete;
  LogRecord& operator=(const LogRecord&) = delete;
};

// The record as text, a line an entry, for people, tests and differences. Bytes are printed as
// letters where they are, else in hexadecimal.
std::string to_text(const LogRecord& record);

}  // namespace entail::store
