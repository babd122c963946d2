// grammar/internal/sql_other.h - statements of PostgreSQL's that have no node of their own.
//
// CREATE FUNCTION, DROP TRIGGER, GRANT and their like are recognised by their first words and kept
// as written, so that whoever refuses them can name them.

#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "grammar/internal/sql_scanner.h"
#include "grammar/sql_tree.h"

namespace entail::grammar::internal {

// Nothing: the grammar knows the statement, or nobody does. REQUIRES: tokens are not empty.
std::optional<sql::Statement> other_statement(std::string_view text,
                                              std::span<const SqlToken> tokens);

}  // namespace entail::grammar::internal
