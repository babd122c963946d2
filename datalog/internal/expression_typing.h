// datalog/internal/expression_typing.h - do an expression's arguments fit its operation and its
// type?
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "datalog/rule_program.h"

namespace entail::datalog::internal {

// What is wrong with the first part of the expression that is not typed as its operation demands;
// nothing if all is well. REQUIRES: its variables exist.
std::optional<std::string> check_typing(const vm::TypeTable& types,
                                        const std::vector<Variable>& variables,
                                        const Expression& expression);

}  // namespace entail::datalog::internal
