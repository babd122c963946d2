// grammar/sql_printer.h - syntax trees back to SQL text.
//
// The text is canonical: keywords in capitals, one blank between words, brackets where an operand
// is an operator itself. It says what the tree says: parse_sql(print_sql(x)) equals x. Catalogs keep
// definitions of views, defaults and constraints in this form.
//
// Cost: linear in the tree. Threads: none of its own.

#pragma once

#include <string>
#include <string_view>

#include "grammar/sql_tree.h"

namespace entail::grammar::sql {

std::string print_sql(const Statement& statement);
std::string print_sql(const Query& query);
std::string print_sql(const Expression& expression);
std::string print_sql(const TypeName& type);
std::string print_sql(const QualifiedName& name);

// 'text', with its quotes doubled.
std::string quote_sql_string(std::string_view text);

// The name as SQL must spell it: in quotes if it is a keyword or not made of lower-case letters.
std::string quote_sql_identifier(std::string_view name);

}  // namespace entail::grammar::sql
