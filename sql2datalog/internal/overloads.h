// sql2datalog/internal/overloads.h - which of several functions of one name is meant: PostgreSQL's rules.
//
// Exact match first; else the candidates whose arguments the given ones convert to implicitly, those with
// most exact matches, then those that prefer their category's preferred types, then what the categories of
// unknown literals leave over (the manual, sections 10.2 and 10.3).
//
// The list of functions is vm/scalar_functions.def; operators of numbers are the table in overloads.cc.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "datalog/expression.h"
#include "sql2datalog/sql_type.h"
#include "vm/scalar_functions.h"

namespace entail::sql2datalog::internal {

class Lowerer;

struct Candidate {
  std::vector<Oid> arguments;
  Oid result = 0;
  std::optional<vm::ScalarFunction>
      function;  // Else the operation `op`, computed in type `computed`.
  datalog::ExpressionOp op{};
  Oid computed = 0;
};

// What the letter of a signature stands for; kAny for `x`, kAnyElement, kAnyArray.
Oid oid_of_letter(char letter);

std::vector<Candidate> operator_candidates(std::string_view symbol, std::size_t arguments);
// `count`: how many arguments are given; variadic ones are repeated.
std::vector<Candidate> function_candidates(std::string_view name, std::size_t count);

const Candidate* find_exact(const std::vector<Candidate>& candidates,
                            const std::vector<Oid>& types);
const Candidate* choose_candidate(const Lowerer& lowerer, const std::vector<Candidate>& candidates,
                                  const std::vector<Oid>& types, bool& ambiguous);

}  // namespace entail::sql2datalog::internal
