// server/engine/sql_error.h - errors with SQLSTATE, in a line.
//
//     return sql_error("42P01", "relation \"t\" does not exist", {.position = 15});
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "vm/base/expected.h"

namespace entail::engine {

// The decision code that goes with a state: 0A000 kUnsupported, class 53, 54 kLimit, 57014 kCancelled …
ErrorCode code_of_state(std::string_view sqlstate);

inline Error make_sql_error(std::string_view sqlstate, std::string message, SqlFields fields = {}) {
  fields.sqlstate = std::string(sqlstate);
  return Error{code_of_state(sqlstate), std::move(message),
               std::make_shared<const SqlFields>(std::move(fields))};
}

inline Unexpected sql_error(std::string_view sqlstate, std::string message, SqlFields fields = {}) {
  return unexpected(make_sql_error(sqlstate, std::move(message), std::move(fields)));
}

// Errors of lower layers that carry no state get the one that their code stands for.
Error with_sqlstate(Error error);

}  // namespace entail::engine
