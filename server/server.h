// server/server.h - where the world begins: files, clocks, signals, sockets.
//
// This folder holds the command line, the engine with its sessions and transactions, and the doors
// through which clients come in.
//
// What it is for
// --------------
// Every layer below is silent and deterministic: it takes values and gives values back. Somebody
// must open files, read the clock, notice Control-C, print for people and choose an exit code. Only
// this folder does.
//
// The picture
// -----------
//     entail run path.dl -F facts -D out              entail serve --data shop
//         |                                               |            psql, drivers
//     server/main.cc    arguments, signals            server/cli           |
//     server/cli        programs, facts, answers          |            server/runtime   sockets,
//         |                                               |                |            threads
//     grammar -> datalog -> compiler -> vm            server/engine <- server/pgwire    bytes <->
//                                                         |                             statements
//                                                     rete, store, sql2datalog
//
// Terms
// -----
//   command        the word after `entail`: run, explain, serve, sql
//   fact file      one row a line, columns separated by tabs or what the directive says
//   exit code      0 done; 1 the program or its data is wrong; 2 the command line is wrong; 3 a
//                  limit was reached; 130 interrupted; 141 the reader of our output went away
//
// A command's journey
// -------------------
//   argv -> options, or a usage message -> program text -> diagnostics, all of them, or a program
//   -> fact files read into relations -> evaluation, which polls a CancelToken -> output relations
//   written in a fixed order -> exit code.
//
// Invariants
// ----------
//   (1) Answers go to standard output or files, everything else to standard error.
//   (2) The same program and facts give the same bytes of output.
//   (3) Only this folder makes threads, opens files and sockets for itself, or reads the real
//   clock. (4) A failure names its file and line, and its exit code says whose failure it was.
//
// Not here
// --------
//   what programs mean (datalog), how they run (compiler, vm), how text is read (grammar).
//
// Sources
// -------
//   PostgreSQL 15's documentation for its protocol, catalogs and messages.
//   The manual of Souffle for the directives .input, .output and .printsize and the options -F and
//   -D, which are meant to work unchanged.
//
// Read next: server/main.cc, server/engine/engine.h, server/pgwire/server.h.

#pragma once
