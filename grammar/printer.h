// grammar/printer.h - syntax tree -> text.
//
// The text parses back to an equal tree: parse(print(t)) == t for every tree the parser makes
// (comments, macros and the spelling of numbers' separators are gone by then). `entail explain
// --stage=tree` shows it, tests hold it.
//
// One item a line, bodies of more than one condition a condition a line; only the parentheses that
// precedence needs. Names that could be read as keywords are in backquotes.

#pragma once

#include <string>

#include "grammar/syntax_tree.h"

namespace entail::grammar {

std::string print(const Program& program);
std::string print(const Item& item);
std::string print(const Formula& formula);
std::string print(const Expr& expr);

}  // namespace entail::grammar
