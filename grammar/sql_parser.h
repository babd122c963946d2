// grammar/sql_parser.h - SQL text to syntax trees.
//
//     auto statements = parse_sql("BEGIN; INSERT INTO t VALUES ($1); COMMIT");
//     if (!statements) ...    // syntax error at or near "...": 42601, with its position
//     for (const sql::Statement& statement : *statements) ...
//
// The dialect is PostgreSQL 15's; sql_tree.h says how it is told. All of a text is parsed before
// any of it is given back: the first error refuses the whole text, as PostgreSQL does. Errors carry
// PostgreSQL's words and SQLSTATE and a position in characters from 1.
//
// Bounds: brackets, CASEs and unfinished joins nest at most 200 levels; an expression is at most
// kMaxDepth levels deep where operators lean on each other (`a || b || c` is two), chains of AND
// and OR, lists and rows are not bounded. Beyond: 54001. A text is at most kMaxTextBytes long.
// So a tree can be walked recursively with a stack of kMaxDepth frames. A fiber's stack is enough to
// call from: what nests deeper than a dozen levels is parsed on a stack of its own. Copying,
// comparing and destroying a tree recurse as deep as it is.
//
// Cost: linear in the text. The first texts after the start are slower (some milliseconds), until
// the parser has built its tables; warm_up_sql_parser() does that ahead.
// Threads: may be called from any; the generated parser's tables are shared behind a lock.
//
// Source: PostgreSQL 15's documentation; the parser is generated from Sql.g4.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "grammar/sql_tree.h"
#include "vm/base/expected.h"

namespace entail::grammar::sql {

inline constexpr std::uint32_t kMaxDepth = 1000;
inline constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;

// All statements of a text, in order; none for a text of blanks, comments and semicolons.
Expected<std::vector<Statement>> parse_sql(std::string_view text);

// One expression, as a column's default or a constraint holds it.
Expected<Expression> parse_sql_expression(std::string_view text);

// Parses some statements of every kind.
void warm_up_sql_parser();

}  // namespace entail::grammar::sql
