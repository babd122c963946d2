// datalog/internal/term_types.h - what the values of a clause's variables and terms look like.
//
// Typing (infer.h) says *number* or *decimal*; here that becomes a vm::Type with its scale, and whether
// the value can be null. A variable has the type of the first column, field or value that gives it one,
// and can be null only if everything that binds it can be.
#pragma once

#include <string>
#include <vector>

#include "datalog/internal/core.h"
#include "datalog/internal/environment.h"
#include "datalog/internal/infer.h"

namespace entail::datalog {

inline bool is_decimal(const vm::Type& type) { return type.kind == vm::TypeKind::kDecimal; }

// Decimals of one word stay in one word, where arithmetic is fast and an overflow is an error of its row.
unsigned digits_for(vm::Type a, vm::Type b);
// A decimal for values of both.
vm::Type common_decimal(vm::Type a, vm::Type b);
unsigned digits_behind_point(const std::string& literal);

// Whether the condition holds only of values: its own variables may still be null while it is judged.
bool proves_values(const CoreCondition& condition);

// The variables that are not null once the conditions hold.
std::vector<std::uint32_t> proven_not_null(const CoreBody& conditions);

class TermTypes {
 public:
  // Adds the clause's variables to `variables`, which this object goes on reading.
  // REQUIRES: everything given outlives this object.
  TermTypes(const CoreClause& clause, const ClauseTypes& types, const Environment& environment,
            const std::vector<DeclaredType>& parameters, std::vector<Variable>& variables);

  // The type that typing found for a slot.
  vm::Type slot_type(std::uint32_t slot) const;
  // The same with the scale that the term's parts give a decimal.
  vm::Type type_of(const CoreTerm& term) const;
  bool may_be_null(const CoreTerm& term) const;
  // Whether a condition of the body shows that the variable is not null.
  bool is_proven_not_null(std::uint32_t variable) const;

 private:
  void bind(const CoreBody& conditions);
  void actions_bind(const CoreBody& conditions);
  void bind_type(std::uint32_t variable, vm::Type type, bool nullable);
  void columns_bind(const CoreBody& conditions);
  void columns_bind(const std::vector<CoreTerm>& terms);
  void pattern_binds(const CoreTerm& term, vm::Type type, bool nullable);
  bool equations_bind(const CoreBody& conditions);
  bool is_known(const CoreTerm& term) const;
  vm::Type computed_decimal(const CoreTerm& term) const;

  const CoreClause& clause_;
  const ClauseTypes& types_;
  const Environment& environment_;
  std::vector<Variable>& variables_;
  std::vector<bool> has_binder_;  // By variable: something gave it a type and nullability.
  std::vector<bool> typed_;
  std::vector<bool> settled_;  // By variable: bound outside the actions that are being looked at.
  std::vector<std::uint32_t> not_null_;
};

}  // namespace entail::datalog
