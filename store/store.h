// store/store.h - versions, branches and the log: what survives the process.
//
// What it is for
// --------------
// The engine is a deterministic state machine over a log of causes. The store keeps that log and
// the base rows of every kept version, so that a restart, a reader of the past, a branch and a
// back-test are one mechanism: replay another prefix, or with another program.
//
// The picture
// -----------
//     one commit = one atomic write
//     +--------------------------------------------------------------------------------+
//     | base rows | log record (cause, signed changes) | positions | outbox | catalog  |
//     +--------------------------------------------------------------------------------+
//
//     current rows        branch, relation, key              -> header, row
//     history             branch, relation, key, version v   -> the row as it was before v
//
//     main:   v1 -- v2 -- v3 -- v4 -- v5
//                          `.
//     what-if:              v3' -- v4'         reads fall through to v3
//
// Every key begins with a branch; only the main one is written so far.
//
// Terms
// -----
//   version        a global commit number with a wall-clock time, strictly increasing
//   cause          why a commit happened: a source batch, a session, a clock tick, a deployment
//   branch         a name with a parent and the version it left it at
//   AS OF v        the facts, rules, catalog and watermarks of v
//   durable row id what tells equal rows of a bag apart, for ever
//   retention      how long versions of a relation are kept
//
// A row's journey
// ---------------
//   written at v5: the row that it replaces moves to history under v5, the new one becomes current.
//   AS OF v4: the current row was born at v5, so history is asked: the row as it was before v5.
//   Retention passes v5: the compaction drops the old row, unless a branch or a reader can see it.
//
// Invariants
// ----------
//   (1) A commit acknowledged is never lost; one not acknowledged is there wholly or not at all.
//   (2) The store orders bytes: a row is a key and a value to it, and no type is known here.
//   (3) Derived state is never trusted blindly: it can be recomputed and compared.
//   (4) Every format is versioned, and drawn in the header that defines it.
//   (5) What is read back is checked before it is used.
//
// Not here
// --------
//   what a row means (vm), which rows to write (server), when to forget (declared in rules, carried
//   out by streams as retractions).
//
// Sources
// -------
//   O'Neil et al. 1996 for log-structured merge trees, in the form of RocksDB; Snodgrass 1999 for
//   relations with a history; Hellerstein, Stonebraker and Hamilton 2007 for logs and recovery.
//
// Read next: versioned_store.h (the store), log_record.h (a commit), row_value.h (a row on disk),
// group_flusher.h (durability), vm/base/kv.h with rocks_kv.h and simulated_kv.h (the disk).

#pragma once
