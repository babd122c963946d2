// compiler/compiler.h - from the rule program to bytecode, and to its answers.
//
// What it is for. The rule program (datalog/rule_program.h) says what holds; the machine (vm/interpreter.h)
// runs pipelines over batches. Between them somebody must decide which literal runs first, by which index,
// and in which registers. That is all the compiler does: it has seen no rule text, and it keeps no rows.
//
// The picture
//
//     rule program ──► hoist ──► for each stratum, when all below it are complete:
//                                  measured sizes ──► plan ──► indexes ──► bytecode ──► Machine
//                                        ▲                                                │
//                                        └───────────── a relation outgrew its plan ──────┘
//
// What is to stand (rete/) is brought into a form that counting can keep up to date first: standing_form.h.
//
// Terms
//   form       each rule has three, from one planner: full (from scratch), delta (one version for each
//              occurrence of a relation that grows with the head), bound (given head rows)
//   plan       an ordered list of steps, each a literal and how it is executed (plan.h)
//   given      a column whose value a step knows before it looks
//   version    a plan of one rule in one form; a fragment of bytecode, or two where groups are made first
//   stratum    relations that grow together; planned and emitted as one program
//
// A rule's journey: path(x, z) :- path(x, y), edge(y, z), x != z.
//   1  its stratum is recursive, so it has one delta version, whose path reads the last round's rows
//   2  the planner compares orders by rows touched: scan Δpath, probe edge by {0}, filter x != z
//   3  edge gets the index {0}, built once, since edge is complete
//   4  the emitter turns steps into nested loops over batches; x is taken through the lanes of the probe,
//      y is not, because nobody needs it any more
//   5  control code runs the fragment, ends the round, loops while path grew; when path has grown eightfold
//      the machine stops, the stratum is planned again from the sizes it has now, and goes on where it was
//
// Invariants
//   (1) Any plan of a rule derives the same rows; tests/property plans with invented sizes to see to it.
//   (2) In a round each combination of rows is found by one delta version only, but where a membership test
//       reads rows of the round before they are visible; sets do not mind.
//   (3) An expression that can fail runs after the tests that stand before it in the text.
//   (4) What cannot be executed is refused with kUnsupported and its name, never left out.
//   (5) Plans and bytecode depend on the program, its facts and the sizes they lead to, on nothing else.
//
// Not here: rule text (grammar), typing, safety, strata, demand (datalog), standing results (rete).
//
// Sources: Selinger et al. 1979 for the order of joins; Abiteboul, Hull, Vianu, "Foundations of Databases"
// (1995), section 13.1, for delta versions; Subotić et al. 2018 for sharing indexes; re-planning inside a
// fixpoint is what a static order cannot do.
//
// Read next: plan.h, join_order.h, rule_plan.h, emit.h, internal/emit_body.h, evaluate.h, explain.h,
// standing_form.h.
#pragma once

#include "compiler/emit.h"
#include "compiler/evaluate.h"
#include "compiler/explain.h"
#include "compiler/hoist.h"
#include "compiler/join_order.h"
#include "compiler/plan.h"
#include "compiler/rule_plan.h"
#include "compiler/standing_form.h"
