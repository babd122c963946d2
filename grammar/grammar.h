// grammar/grammar.h - the story: how the text of a program becomes a tree.
//
// The problem. A rule author writes text, with mistakes, in a language whose words are all soft
// (every Souffle program must go on parsing, also one with a relation named `if`), and wants every
// mistake of a run at once, in words. A program may be ten rules, which must be read in a
// millisecond, or a million facts, or sixteen megabytes of garbage, which must be refused at once.
//
//     bytes ─ preprocessor ─ scanner ─ item splitter ─┬─ ground fact ──────────────┬─ tree
//             includes,      tokens    one top-level  │                            │
//             macros, #if              item a time    └─ roles ─ ANTLR ─ builder ──┘
//                                                        which words are keywords here
//
// A clause's journey
// ------------------
//     text       path(x, z) :- path(x, y), not blocked(y), edge(y, z).
//     scanner    IDENT ( IDENT , IDENT ) :- … IDENT IDENT ( IDENT ) … END          scanner.h
//     splitter   an item of kind clause, from `path` to the dot                    item_splitter.h
//     roles      `not` stands where a condition may start: K_NOT                   token_roles.h
//     ANTLR      clauseItem of Datalog.g4, LL(1): no prediction, no warm-up        item_parser.h
//     builder    Clause{heads: path(x, z), body: Conjunction{Atom, Negation, Atom}} tree_builder.h
//
// Invariants
// ----------
//   (1) Every span points into a file as its author wrote it, through includes and macros.
//   (2) parse(print(tree)) == tree.
//   (3) A fact read without ANTLR is the fact ANTLR reads.
//   (4) The generated parser never predicts (no adaptivePredict in it), so parsing is linear.
//   (5) What is refused is refused before it is expensive: size, nesting, tokens of an item.
//
// Not here: what names mean, types, widths of numbers (datalog); the printing of diagnostics
// (server/cli); files (FileReader is handed in).
// Sources: the language is Souffle's Datalog and more; the parser generator is ANTLR 4 (Parr,
// Harwell and Fisher, "Adaptive LL(*) Parsing", 2014), of which only the LL(1) part is at work.
// Read next: syntax_tree.h, parser.h, Datalog.g4, internal/token_roles.h.

#pragma once
