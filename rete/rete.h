// rete/rete.h - matching rules against changing facts, without starting over.
//
// The folder holds only this story until its layer is built; `entail run` evaluates a program once,
// with the vm. What stands here binds what will be built.
//
// What it is for
// --------------
// A view, an alert or a production must stay correct while facts come, change and go. Evaluating
// its rules again after each change costs as much as the whole database; a change of one fact
// should cost what that fact touches. The network keeps, between changes, just enough of the joins
// to answer "what is different now?".
//
// The picture
// -----------
//     alert(c) :- order(c, t), t > 1000, vip(c), !review(c).
//
//     order --> [alpha: t > 1000] --+
//                                   +--> (join on c) --> (negative: review) --> [distinct] -->
//                                   alert
//     vip ----> [alpha] ------------+                           ^
//     review -> [alpha] ----------------------------------------+
//
//     Changes flow from left to right as batches of rows with signed weights. Equal nodes are
//     shared between rules; each node runs a piece of bytecode of the vm on each batch.
//
// Terms
// -----
//   weight         how often a row holds; a change is a row with a weight of either sign (a Z-set)
//   alpha memory   the rows of one relation that pass the tests on that relation alone
//   partial match  rows that agree on the first literals of a body (OPS5 calls it a token)
//   beta memory    the partial matches of a prefix of a body, kept; otherwise they are recomputed
//   activation     a complete match of a production, waiting on the agenda
//   agenda         the activations, in the total order in which they fire
//   refraction     an activation fires once until its match goes away and comes back
//   rank           1 + the highest rank among the same-stratum premises of the derivation that
//                  first made a fact; what lets a recursive fact be withdrawn soundly
//   step           one consolidated batch of changes, passed through every node once
//   epoch          what is not committed yet; commit() or abort() ends it
//
// A fact's journey
// ----------------
//   insert order(7, 2000)
//     -> the alpha index finds the tests on `order` that hold, whatever the number of rules
//     -> the join probes vip by c = 7 and makes one partial match for each row there
//     -> the negative node counts the rows of review with c = 7; at 0 the match passes
//     -> distinct turns weight 0 -> 1 into "alert(7) appears"
//     -> views, sinks and productions hear of alert(7); productions fire, which is the next step
//   The retraction of vip(7) runs the same way with weight -1, and alert(7) disappears.
//
// Invariants
// ----------
//   (1) The law: after each step every standing relation equals its rules evaluated from scratch.
//   (2) A weight is positive at rest, and exactly 1 behind `distinct`.
//   (3) A recursive fact rests on premises of its stratum whose ranks are strictly lower, so that
//       nothing holds itself up in a cycle.
//   (4) Every node with a state can undo the open epoch. Applying the negated batch is no abort.
//   (5) The order of firing is a function of the facts and the program: not of hashing, threads or
//       the join order.
//
// Not here
// --------
//   rule text (grammar), strata and safety (datalog), plans and bytecode (compiler), rows and
//   indexes (vm), watermarks and connectors (streams), durability (store), threads (server).
//
// Sources
// -------
//   Forgy 1982 and Doorenbos 1995 for the network; Miranker 1987 (TREAT) for what need not be kept;
//   Gupta, Mumick and Subrahmanian 1993 for counting and delete-and-rederive; Motik, Nenov, Piro
//   and Horrocks 2015 for backward/forward; McSherry, Murray, Isaacs and Isard 2013 and Budiu et
//   al. 2023 for weights. Ranks are where we differ: one number a fact takes the place of counters
//   per round.
//
// Read next: vm/vm.h for what a node runs, compiler/compiler.h for the three forms of a rule.

#pragma once
