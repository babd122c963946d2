// grammar/internal/token_roles.h - which words are keywords where they stand.
//
// Every word that Souffle does not reserve stays usable as a name, so a word is a keyword by its
// place only: by the kind of item, the bracket it stands in, and its neighbours. The parser then
// needs one token of lookahead. The law for most words:
//
//     an infix word (in, over, then, key, …)   is a keyword where an operand has just ended:  x in
//     [1, 2]   p(in, x)
//     a prefix word (not, exists, group, …)    where a condition may start and what it needs
//     follows:  not p(x)   p(not)
//     a step word (insert, emit, fired, …)     where a step may start
//
// and a prefix word that the program declares as a relation (`.decl not(…)`) stays a name
// everywhere, as in Souffle.
//
// Three token types are given here and spelled like others: GROUP_OPEN, a parenthesis that holds
// conditions (what follows the closing one is no operator); AGGREGATE, count, sum, min, max or mean
// with a colon to come; BOUNDS_OPEN, the bracket behind an Allen relation.
//
// Also judged here, because the bracket stack is at hand: nesting by prefix operators and powers,
// and expressions with too many operators for the recursive passes behind.

#pragma once

#include <set>
#include <string>
#include <string_view>

#include "grammar/diagnostics.h"
#include "grammar/internal/item_splitter.h"
#include "grammar/internal/scanner.h"

namespace entail::grammar::internal {

using DeclaredNames = std::set<std::string, std::less<>>;

// The prefix words that some `.decl` of `text` declares. One search through the text.
DeclaredNames find_declared_prefix_words(std::string_view text);

// Rewrites the types of the item's tokens. Says what is over a limit and marks the item refused.
void assign_roles(ItemTokens& item, const Scanner& scanner, const DeclaredNames& declared,
                  std::size_t nesting_limit, Diagnostics& diagnostics);

}  // namespace entail::grammar::internal
