// server/engine/subscription.h - what changes in a relation, commit by commit, from a version on.
//
//     auto subscription = session->subscribe("SUBSCRIBE orders WITH (PROGRESS)", &waiter);
//     auto reading = (*subscription)->read(sink, 1000);
//         kMore     there is more: call again
//         kWaiting  everything that is durable was given: call again when the waiter was woken
//         kEnded    UP TO was reached
//
// The stream of one subscription
//
//     progress v0 | snapshot: the rows at v0 | changes of v1 | changes of v2 | … | progress v9 | …
//       only with    unless SNAPSHOT = false       v0 < v1 < v2: those that changed it
//       PROGRESS
//
//   - What is given has become durable: no version is told of that a power cut could take back.
//   - Versions do not sink. `progress v` says that nothing more comes of versions below v.
//   - The changes of a version are its net: a row that came and went in one transaction is in none of them.
//   - Who has all up to v goes on with AS OF v WITH (SNAPSHOT = false) and misses nothing, as long as the log
//     is kept, and a derived relation's rules are those of v; else 72000, naming where it may begin.
//
// Whose changes. A table's are its rows; a materialized view's or rule relation's are derived by the commit that
// changes what they rest on. SUBSCRIBE (SELECT …) and that of a plain view stand for the subscription's life as a
// view that nobody else sees.
//
// Memory. Changes of a commit are kept once for all who subscribe to the relation, until each has read them, and
// EngineLimits::subscription_bytes in all. Who is behind what is kept reads a table's changes from the log;
// of a derived relation it is ended, with 72000 and the version at which to begin again.
//
// The subscription ends with an error where its relation is dropped or its rules become others.
//
// Lifetime: before its session. A RowView is good during the call that hands it over.
// Threads: the engine's; so is the waiter's wake().
#pragma once

#include <cstdint>

#include "server/engine/result.h"
#include "vm/base/expected.h"

namespace entail::engine {

class ChangeSink {
 public:
  ChangeSink() = default;
  ChangeSink(const ChangeSink&) = delete;
  ChangeSink& operator=(const ChangeSink&) = delete;
  virtual ~ChangeSink() = default;

  // `diff`: 1: the row is there from this version on; -1: it is not any more. `is_snapshot`: it was there at the
  // version already.
  virtual void change(std::uint64_t version, int diff, const RowView& row, bool is_snapshot) = 0;
  // The changes of the version, or the snapshot, have been given: all of them.
  virtual void end_version(std::uint64_t /*version*/, bool /*is_snapshot*/) {}
  // Nothing more comes of versions below this one. Only with PROGRESS.
  virtual void progress(std::uint64_t /*version*/) {}
};

class Subscription {
 public:
  enum class Reading : std::uint8_t { kMore, kWaiting, kEnded };

  virtual ~Subscription() = default;
  // The relation's columns.
  virtual const ResultShape& shape() const = 0;
  virtual bool has_progress() const = 0;
  // Gives what there is, at most so many rows. After an error there is nothing more.
  virtual Expected<Reading> read(ChangeSink& sink, std::uint64_t max_rows) = 0;
};

}  // namespace entail::engine
