// streams/source.h - where events come from: rows and the positions behind them, poll by poll.
//
//     auto source = make_source(spec, shape, world);
//     (*source)->seek(positions);                 // those that the store has; none: from the beginning
//     while (…) {
//       SourceBatch batch(shape);
//       auto state = (*source)->poll(batch, limits, wait_us);
//       … batch.rows, batch.dead, batch.positions: one transaction …
//     }
//
// Exactly once in. A batch says behind its rows where each of its partitions goes on; whoever takes the rows
// writes that in the same commit, and gives it to seek() after a restart. A source forgets nothing that
// was not polled and repeats nothing behind a position.
//
// Partitions have names, which positions are kept under, and numbers, which tell the watermarks of one stream
// apart. Within a partition rows come in order; partitions mix in any way.
//
// Rows that cannot be read are dead letters of the batch: with their bytes, their place and the reason.
// The position moves past them; nothing stops.
//
// Errors: kIo, kData … of poll() and seek() mean that the source cannot go on as it is; whoever runs it may
// make it anew and seek again, later.
//
// Lifetime: the source keeps its shape and options; the World outlives it. Threads: one at a time, any; only
// interrupt() from others.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "streams/event_rows.h"
#include "streams/position.h"
#include "vm/base/expected.h"

namespace entail::streams {

// Where a partition was read to.
struct PartitionPosition {
  std::string partition;
  Position position;

  bool operator==(const PartitionPosition&) const = default;
};

struct SourcePartition {
  std::string name;
  std::uint32_t number = 0;  // Stable over restarts; unique in the source.
};

// A row that could not be read.
struct BadRow {
  RowOrigin origin;
  std::string reason;          // For a person: "column 'amount': 'x' is not a number".
  std::size_t before_row = 0;  // It stood before that row of the batch; behind all: their number.
};

struct SourceBatch {
  explicit SourceBatch(std::shared_ptr<const RowShape> shape) : rows(std::move(shape)) {}

  EventRows rows;
  std::vector<BadRow> dead;
  std::vector<SourcePartition> partitions;  // Those that the origins name.
  // Behind everything in the batch, of each partition that moved.
  std::vector<PartitionPosition> positions;
  std::string raw;  // The bytes that the origins lie in.

  bool empty() const { return rows.empty() && dead.empty(); }
  std::string_view raw_of(const RowOrigin& origin) const {
    return std::string_view(raw).substr(origin.raw_begin, origin.raw_size);
  }
};

// When a batch is full.
struct PollLimits {
  std::size_t rows = 8192;
  std::size_t bytes = std::size_t{1} << 20U;  // Of raw bytes; one row may be larger.
};

enum class PollState : std::uint8_t {
  kMore,   // There may be more at once.
  kIdle,   // Everything there is was read; more may come.
  kEnded,  // There will never be more.
};

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  // Once, before the first poll(): the partitions go on there; others begin where the settings say.
  virtual Expected<void> seek(std::span<const PartitionPosition> positions) = 0;

  // Adds rows until the batch is full or nothing more is there now, and waits up to `wait_us` for the first
  // where the source has something to wait on; else it returns at once. REQUIRES: the batch is empty.
  virtual Expected<PollState> poll(SourceBatch& batch, const PollLimits& limits,
                                   std::int64_t wait_us) = 0;

  // Nobody will poll for a while: a source that is talked to keeps its connection, and takes in no more.
  virtual void pause() {}
  virtual void resume() {}

  // Any thread: a poll() that waits returns.
  virtual void interrupt() {}

  // How many records, or bytes, are there and not read, where the source can tell.
  virtual std::optional<std::uint64_t> lag() const { return std::nullopt; }
};

}  // namespace entail::streams
