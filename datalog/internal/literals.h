// datalog/internal/literals.h - the value of a literal, once its type is known.
#pragma once

#include <optional>
#include <string>

#include "datalog/expression.h"
#include "grammar/syntax_tree.h"
#include "vm/type_table.h"

namespace entail::datalog {

// The constant that a literal of the text is as a value of `type`. Nothing, and a sentence in `problem`,
// when it is none: out of range, malformed, of another kind. kNil gives the word of nil, kNull a kNull.
std::optional<Expression> read_literal(grammar::LiteralKind kind, const std::string& text,
                                       vm::Type type, const vm::TypeTable& types,
                                       std::string& problem);

}  // namespace entail::datalog
