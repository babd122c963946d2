// streams/sink.h - where what the rules derive goes: entries of the outbox, in version order.
//
//     auto sink = make_sink(spec, shape, world);
//     auto there = (*sink)->open();               // what was delivered before
//     (*sink)->deliver(entries);                  // those behind it; when it returns, they are there
//
// Whoever runs a sink gives it durable versions only, in the order of (version, ordinal), each once as long
// as it runs, and lets the outbox forget what was delivered. What is still in the outbox after a restart may
// have been delivered before: open() says up to where, and those are left out. A sink that cannot tell says
// so in its documentation: it delivers at least once.
//
// Envelopes. An entry is made by the commit that it belongs to (SinkEntry::payload), the sink adds what the
// commit could not know.
//
//     changelog   {"version":7,"ordinal":0,"op":"+","row":{"kind":"velocity","card":"c1"}}
//     upsert      {"version":7,"ordinal":0,"key":{"card":"c1"},"value":{…}}         value null: gone
//     plain       {"kind":"velocity","card":"c1"}                                   for what is only emitted
//
// Errors: kIo … of deliver() leave it open which of the entries are there. Whoever runs the sink makes it
// anew and asks open() again.
//
// Lifetime: the World outlives it. Threads: one at a time, any; only interrupt() from others.

#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "vm/base/expected.h"

namespace entail::streams {

// Names an entry: the version whose commit made it and its place among that commit's entries.
struct EntryPlace {
  std::uint64_t version = 0;
  std::uint32_t ordinal = 0;

  auto operator<=>(const EntryPlace&) const = default;
};

enum class Envelope : std::uint8_t { kChangelog, kUpsert, kPlain };

struct SinkEntry {
  EntryPlace place;
  // JSON, by envelope: {"op":…,"row":…}, {"key":…,"value":…}, or the row alone. Valid during deliver().
  std::string_view payload;
};

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  // Once, before the first deliver(). The last entry that is there; nothing: none, or it cannot be told.
  virtual Expected<std::optional<EntryPlace>> open() = 0;

  // When it returns the entries are where they belong, in their order.
  virtual Expected<void> deliver(std::span<const SinkEntry> entries) = 0;

  // Any thread: a call that waits returns, with kCancelled.
  virtual void interrupt() {}
};

// The entry as a line, without its end: the payload with version and ordinal put in (kPlain: as it is).
void append_entry(const SinkEntry& entry, Envelope envelope, std::string& out);
// The place that append_entry() wrote into a line; nothing: it is no such line.
std::optional<EntryPlace> place_of_entry(std::string_view line);

}  // namespace entail::streams
