// streams/streams.h - from events of the outside world to batches of changes, and back.
//
// What it is for
// --------------
// Events come late, twice, out of order and malformed, from brokers, files and generators. This layer makes
// them batches of rows with positions from which the source can be read again, and takes what rules derive
// out again, each change once. What time and windows make of the rows is the matter of rete.
//
// The picture
// -----------
//                  +--------------------------- streams ---------------------------+
//     file, broker | connector -> format -> rows, dead letters, positions          |--> engine: one
//                  |    (a Source)                                   (a batch)     |    transaction
//                  |                                                               |
//     file, broker |    Sink  <-- entries: version, ordinal, payload               |<-- engine: its outbox,
//     console   <--|                                                               |    durable versions
//                  +---------------------------------------------------------------+
//
// Terms
// -----
//   source         gives rows and the positions behind them, poll by poll (source.h)
//   sink           delivers entries in order, and can say what it has (sink.h)
//   connector      what a source or sink talks to: file, generator, console (connector.h)
//   format         how bytes of a record become a row: JSON, CSV (formats/row_decoder.h)
//   partition      a part of a source that has an order and a position of its own
//   position       where a partition can be read again from; kept in the same write as its rows
//   dead letter    a row that could not be read, or that no transaction takes: its bytes, its position, the
//                  reason
//   envelope       how a change is told: changelog, upsert, plain (sink.h)
//   outbox         entries on their way to a sink, written with the version that made them
//   event time     when something happened, by its own column; the watermarks of a stream's partitions are
//                  facts (datalog/rule_program.h, StreamAttributes)
//
// An event's journey
// ------------------
//   bytes -> a row of the stream's columns, or a dead letter -> a batch with positions (server/feeds, on the
//   source's thread) -> one transaction (server/engine/ingestion.h) -> version v is durable -> the entries of v
//   go to the sinks (server/engine/outflow.h, server/feeds), in version order.
//
// Invariants
// ----------
//   (1) Rows, positions and dead letters are written together: after a restart no event is lost or counted
//       twice.
//   (2) Only durable versions are published, in order.
//   (3) Nothing is dropped in silence: each row is applied, late, dead or counted as dropped.
//   (4) Memory is bounded: who cannot be taken in is not polled.
//
// Not here
// --------
//   threads, files and sockets (server hands them in: file_access.h), transactions and what is durable
//   (server/engine), time, windows and patterns (rete, vm).
//
// Sources
// -------
//   Akidau et al. 2015 for event time, watermarks and corrections; Carbone et al. 2017 for exactly once.
//
// Read next: source.h, sink.h, connector.h.

#pragma once
