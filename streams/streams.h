// streams/streams.h - from events of the outside world to batches of changes, and back.
//
// The folder holds only this story until its layer is built; `entail run` reads fact files through
// server/cli. What stands here binds what will be built.
//
// What it is for
// --------------
// Events come late, twice, out of order and malformed, from brokers, change logs, HTTP clients and
// files. This layer makes them batches of signed changes with an event time and a position from
// which the source can be read again, and sends what rules derive out again, each exactly once.
//
// The picture
// -----------
//                        +--------------------------- streams ---------------------------+
//     broker, change log |  connector -> format -> rows + position -> watermark -> batch |-->
//     network files, HTTP     -->|                  |                            |               |
//                        |             dead letters                  late rows           |
//     broker, webhook <--|  sink  <----------- outbox (durable versions, in order) <-----|<-- views
//                        +---------------------------------------------------------------+
//
// Terms
// -----
//   event time     when something happened, by its own column; arrival time is when we saw it
//   watermark      per partition, the highest event time seen less the declared delay; a merge of
//                  partitions takes the minimum, idle ones left out
//   late           below the watermark; a row exactly at it is on time
//   lateness       what happens to a late row: `apply` (corrects everything that is not final),
//                  `sideline` (goes to another relation) or `drop` (counted)
//   expiry         a row leaves by retraction, in a logged version, when the stream's clock passes
//   final          corrected like anything else, but keeps what it would lose only by expiry
//   dead letter    a row that could not be read: its bytes, its position, the reason
//   position       where a source can be read again from; kept in the same write as its rows
//   outbox         rows on their way to a sink, written with the version that derived them
//
// An event's journey
// ------------------
//   bytes -> a row of the stream's type, or a dead letter -> its partition's watermark moves -> on
//   time or late -> a source batch -> one transaction through the network -> version v is durable
//   -> the outbox of v goes to the sinks, in version order.
//
// Invariants
// ----------
//   (1) Rows and positions are written together: after a restart no event is lost or counted twice.
//   (2) Only durable versions are published, in order.
//   (3) Nothing is dropped in silence: each row is applied, late, dead or counted as dropped.
//   (4) What a window holds is a function of event times, never of how a poll cut the stream.
//   (5) Memory is bounded: a full queue pauses its partitions.
//
// Not here
// --------
//   sockets and threads (server hands connections in), window and pattern evaluation (rete, vm),
//   the durable log (store).
//
// Sources
// -------
//   Akidau et al. 2015 for event time, watermarks and corrections; Carbone et al. 2017 for exactly
//   once; the Debezium and Kafka manuals for the envelopes and transactions that are spoken.
//
// Read next: rete/rete.h, where a batch goes.

#pragma once
