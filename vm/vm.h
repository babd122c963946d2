// vm/vm.h - the machine under Entail: values, relations, bytecode.
//
// What it is for
//   Everything that runs, runs here: a query once, a file's rules to their fixpoint, later a standing
//   network's nodes on each change. The VM has never seen rule text; it is given typed columns, programs
//   of bytecode and threads to use, and gives back rows.
//
// The picture
//
//     compiler ──► Program (opcodes.def) ──► Machine ──reads──► Relation  columns | membership | indexes
//                                              │  ▲                ▲
//                                 fragments    │  │ batches        │ merge of candidates
//                                 on workers   ▼  │                │
//                                             Frame ──────► CandidateBuffer
//                                              │
//                                              ▼
//                                          ValuePool: texts and records behind words
//
// Terms
//   word          8 bytes; every value is one or two of them (word.h, type.h)
//   handle        a word that stands for interned bytes (value_pool.h)
//   row           a position in a relation's columns; never leaves the engine
//   total, delta, pending   what a scan sees, what the last round added, what the next will see
//   batch         up to 1,024 rows in registers; lanes are its rows as seen from an inner loop
//   fragment      the pipeline of one rule; control code drives fragments (program.h)
//   candidate     a derived row that may be known already; most of the work of recursion is to find out
//   posting       the rows of one key in an index
//
// A row's journey
//   A fact is appended, becomes visible at advance() and is the first delta. ScanNext delivers its row id
//   in a batch, Load brings its columns into registers, ProbeNext multiplies it with the matches of an
//   index, Insert packs the head's words into the worker's candidate buffer. The merge groups candidates
//   by membership partition, so that each probe hits a table that fits the cache, drops the known ones
//   and appends the rest as pending rows. advance() makes them the next delta.
//
// Invariants
//   (1) Equal values are equal words; the interpreter compares words and nothing else.
//   (2) No relation changes while a worker runs: insertion goes through candidate buffers.
//   (3) Scans and indexes never show pending rows: rounds are strict.
//   (4) A program that verify_program() accepts cannot read or write outside its frame.
//   (5) Results do not depend on the number of threads; row order within a relation may.
//
// Not here    rule text (grammar), meaning and strata (datalog), plans (compiler), files and sockets and
//             clocks (server), versions on disk (store).
// Sources     Soufflé (Scholz et al., CC 2016) for semi-naive evaluation over indexed relations; Boncz,
//             Zukowski, Nes, "MonetDB/X100" (CIDR 2005) for vectors; Leis et al., "Morsel-driven
//             parallelism" (SIGMOD 2014); Balkesen et al., "Main-memory hash joins" (ICDE 2013) for
//             partitioning before probing; Neal 2015 for exact sums.
// Read next   word.h, type.h, value_pool.h; relation.h; opcodes.def, program.h, interpreter.h.
#pragma once

#include "vm/interpreter.h"
#include "vm/program.h"
#include "vm/relation.h"
#include "vm/type_table.h"
#include "vm/value_pool.h"
