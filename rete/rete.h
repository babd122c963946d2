// rete/rete.h - rules against changing facts, without starting over.
//
// What it is for
// --------------
// A view, an alert or a production must stay correct while facts come, change and go. Evaluating its rules
// again after each change costs as much as the whole database; a change of one fact should cost what that
// fact touches. The network keeps, between changes, the relations themselves and their indexes, and answers
// "what is different now?" by running each rule on what changed.
//
// The picture
// -----------
//     alert(c) :- order(c, t), t > 1000, vip(c), !review(c).
//
//     order ──► which readers does a row concern? ──► change fragment ─┐
//              (alpha_index.h: t > 1000)              probe vip, review ├─► {alert(7), weight +1} ──► alert
//     vip ────────────────────────────────────────► change fragment ───┤      weights added up: 0 -> 1 is
//     review ─────────────────────────────────────► … sign reversed ───┘      "alert(7) appears"
//
// From the standing form of the program (compiler/standing_form.h) comes one bytecode program with a change
// fragment for each atom of each rule (compiler/standing_code.h). Nodes are the strata of that form, in
// topological order:
//
//     counted       weights: a row is there while its derivations add up to more than 0     network.cc
//     groups        aggregates that follow their rows                                       group_node.h
//     ranked        recursion, by the order in which rows were made                         ranked_stratum.h
//     classes       equivalence relations, as the class of each element                     equivalence_node.h
//     recomputed    recursion that ranks do not serve: evaluated anew and compared          recomputed_stratum.h
//     regrouped     aggregates that no state follows: changed groups anew                   regroup_node.h
//     ordered       limits, by the rows' order; rankings: changed partitions anew           limit_node.h, order_node.h
//     patterns      sequences of events: partitions that changed, or that time decides      pattern_node.h
//     timed         times that a stream's clock has reached: moving it costs what becomes due    timer_node.h
//     agenda        complete matches of productions, and what has fired                     agenda.h
//
// Prefixes of bodies are recomputed from indexes (TREAT), not kept; what several rules ask for, an existence,
// a group, is an auxiliary relation that they share.
//
// Terms
// -----
//   weight         how often a row is derived; a change is a row with a weight of either sign (a Z-set)
//   step           one consolidated batch of changes, passed through every node once
//   epoch          what is not committed yet; commit() or abort() ends it
//   entered, left  the net change of a relation in a step; the view kOld is the relation without it
//   activation     a complete match of a production, waiting on the agenda
//   agenda         the activations, in the total order in which they fire
//   refraction     an activation fires once until its match goes away and comes back
//   rank           the number of a row of a ranked stratum in the order of making
//   clock          of a stream: the relation of its watermark, one row, which arrivals and ticks move
//   arrival        a row from outside that is judged by the watermark: on time, or late
//   expiry         rows that the clock has left behind go, in a step that holds nothing else
//   error side     instances of rules whose expression failed: rows of `entail.errors`
//
// A fact's journey
// ----------------
//   insert order(7, 2000)
//     -> Network::change() collects it; step() wakes the node of `order`
//     -> the relation takes it: it has entered
//     -> the alpha index finds the readers whose tests hold, whatever the number of rules
//     -> the change fragment probes vip and review, and emits alert(7) with weight +1
//     -> the node of `alert` has its turn: the weight was 0, alert(7) has entered, and so on upwards
//     -> the agenda takes the new matches of productions and fires; each firing is a further step
//     -> commit() makes the net of all steps a version
//   The retraction of vip(7) runs the same way with weight -1, and alert(7) leaves.
//
// Invariants
// ----------
//   (1) The law: after each commit every relation holds what its rules give from scratch.
//   (2) No weight is negative when a node's turn has ended.
//   (3) A recursive fact that is not stated has a derivation whose premises of its stratum have lower
//       ranks, so that nothing holds itself up in a cycle.
//   (4) Every node with a state can undo the open epoch. Applying the negated batch is no abort.
//   (5) The order of firing is a function of the facts and the program: not of hashing, threads or the
//       join order.
//
// Not here
// --------
//   rule text (grammar), strata and safety (datalog), plans and bytecode (compiler), rows and indexes (vm),
//   windows and connectors (streams), durability (store), threads (server).
//
// Sources
// -------
//   Forgy 1982 and Doorenbos 1995 for the network; Miranker 1987 (TREAT) for what need not be kept; Gupta,
//   Mumick and Subrahmanian 1993 for counting; Motik, Nenov, Piro and Horrocks 2015 for backward/forward;
//   McSherry, Murray, Isaacs and Isard 2013 and Budiu et al. 2023 for weights. Ranks are where we differ:
//   one number a fact takes the place of counters per round.
//
// Time is facts: a clock is a stated relation, so that abort, restart and the law have nothing to say about it
// (network_time.cc, stream_clock.h).
//
// Read next: network.h, internal/network_state.h, network.cc, ranked_stratum.h; vm/standing_relation.h for
// what a node keeps, vm/standing_machine.h for what it runs; network_image.h for how another process goes on.

#pragma once
