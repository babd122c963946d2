// tests/oracle/expression_evaluator.h - the meaning of every expression, one value at a time.
//
// Comparisons and arithmetic on a null are null; and, or, not are Kleene's; `if` evaluates only the
// side it chooses. Integers wrap at their width. What has no value (1 / 0, to_number("a")) throws a
// RowError, which the reference evaluator catches: exceptions never leave tests/oracle.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "datalog/rule_program.h"
#include "tests/oracle/value.h"

namespace entail::oracle {

// The value of each variable of a rule, or nothing yet.
using Environment = std::vector<std::optional<Value>>;

// This row has no value here: division by zero and the like.
struct RowError {
  std::string message;
};

// The program uses what the reference evaluator does not know.
struct Unsupported {
  std::string message;
};

class ExpressionEvaluator {
 public:
  explicit ExpressionEvaluator(const vm::TypeTable& types) : types_(types) {}

  // REQUIRES: every variable of the expression has a value.
  // Throws RowError and Unsupported.
  Value evaluate(const datalog::Expression& expression, const Environment& environment);

  // Whether the condition is true: not false, not null.
  bool holds(const datalog::Expression& condition, const Environment& environment);

 private:
  Value arithmetic(const datalog::Expression& expression, const Value& left,
                   const Value& right) const;
  Value comparison(datalog::ExpressionOp op, const Value& left, const Value& right) const;
  Value connective(const datalog::Expression& expression, const Environment& environment);
  Value text_function(const datalog::Expression& expression,
                      const std::vector<Value>& arguments) const;
  Value call(const datalog::Expression& e, const std::vector<Value>& arguments) const;
  Value convert(vm::Type from, vm::Type to, const Value& value) const;
  Value construct(const datalog::Expression& expression, std::vector<Value> arguments) const;

  const vm::TypeTable& types_;
  std::int64_t next_auto_increment_ = 0;
};

// The value of a kConstant.
Value constant_value(const vm::TypeTable& types, const datalog::Expression& expression);

}  // namespace entail::oracle
