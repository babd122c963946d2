// grammar/internal/sql_roles.h - which of its meanings a word or bracket has where it stands.
//
// SQL needs more than one token of lookahead in a few places: `(` may open a query or an
// expression, NOT may negate LIKE or a whole condition, WITH may belong to a type. Here such tokens
// get types of their own, so that the grammar decides by one token. The same pass bounds how deep a
// statement nests, before anything recursive reads it.
//
// Source: PostgreSQL's parser does the same for NOT, NULLS and WITH (its base_yylex).

#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "grammar/internal/sql_scanner.h"
#include "vm/base/expected.h"

namespace entail::grammar::internal {

// The tokens [begin, end) of one statement, without its semicolon.
struct SqlStatementRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Statements between semicolons; empty ones are left out.
std::vector<SqlStatementRange> split_sql(std::string_view text,
                                         const std::vector<SqlToken>& tokens);

// Gives the tokens of one statement their types by place, and says how many levels it nests. Fails
// (54001) when that is too deep.
Expected<std::size_t> assign_sql_roles(std::span<SqlToken> tokens);

}  // namespace entail::grammar::internal
