// compiler/internal/emit_expression.h - expressions as vector instructions over the registers of a batch.
//
// A value is its words, beside them a null flag if it can be null, and an error register if it can fail.
// Widths are wrapped after each operation; float4 is computed as float8 and narrowed; the words of a
// null are 0. A conditional evaluates both sides and keeps the errors of the chosen one.
//
// Threads: one.
#pragma once

#include <functional>

#include "compiler/internal/fragment_builder.h"

namespace entail::compiler::internal {

class ExpressionEmitter {
 public:
  // `variable` gives the value of a bound variable in the current batch.
  using VariableValue = std::function<Value(datalog::VariableId)>;

  ExpressionEmitter(FragmentBuilder& fragment, std::uint16_t batch, VariableValue variable)
      : f_(fragment), batch_(batch), variable_(std::move(variable)) {}

  // The value; intermediate registers are freed, those of the result are temporaries or belong to the
  // variable or constant that the expression is.
  Value emit(const datalog::Expression& expression);

  // 1 where both are the same value, nulls included.
  std::uint16_t identical(const Value& left, const Value& right);
  // 1 where the value is true: not false, not null.
  std::uint16_t truth(const Value& value) { return value.words[0]; }

  std::uint16_t both(std::uint16_t left, std::uint16_t right);
  std::uint16_t invert(std::uint16_t flag);
  // The words that the value has in a column of its type; a missing null flag is a constant 0.
  Value constant_value(const datalog::Expression& expression);

 private:
  using Expressions = std::vector<datalog::Expression>;

  std::uint16_t binary(vm::Opcode op, std::uint16_t left, std::uint16_t right, std::uint32_t e = 0);
  std::uint16_t unary(vm::Opcode op, std::uint16_t operand);
  std::uint16_t select(std::uint16_t condition, std::uint16_t yes, std::uint16_t no);
  std::uint16_t zero() { return f_.constant(0); }
  std::uint16_t one() { return f_.constant(1); }

  std::uint16_t merge_nulls(const std::vector<Value>& arguments);
  std::uint16_t merge_errors(std::uint16_t left, std::uint16_t right);
  // Gives a strict operation's result the nulls and errors of its arguments; `own_error` is the error
  // register of the operation itself, which does not count where an argument is null.
  Value finish(vm::Type type, std::uint16_t word, const std::vector<Value>& arguments,
               std::uint16_t own_error = vm::kNoRegister, std::uint16_t low_word = vm::kNoRegister);

  Value emit_node(const datalog::Expression& expression);
  Value arithmetic(const datalog::Expression& expression, const std::vector<Value>& arguments);
  Value divide(const datalog::Expression& expression, const std::vector<Value>& arguments);
  Value wide_arithmetic(const datalog::Expression& expression, const std::vector<Value>& arguments);
  Value shift(const datalog::Expression& expression, const std::vector<Value>& arguments);
  Value extremum(const datalog::Expression& expression, const std::vector<Value>& arguments);
  Value comparison(const datalog::Expression& expression, const std::vector<Value>& arguments);
  Value less(const datalog::Expression& expression, const Value& left, const Value& right,
             bool or_equal);
  Value connective(const datalog::Expression& expression, const std::vector<Value>& arguments);
  Value conditional(const std::vector<Value>& arguments);
  Value text(const datalog::Expression& expression, const std::vector<Value>& arguments);
  Value convert(const datalog::Expression& expression, const Value& argument);
  Value reinterpret(const datalog::Expression& expression, const Value& argument);
  Value make_compound(const datalog::Expression& expression, const std::vector<Value>& arguments);
  Value field(const datalog::Expression& expression, const Value& record);
  // SQL's.
  Value checked(const datalog::Expression& expression, const std::vector<Value>& arguments);
  Value coalesce(const datalog::Expression& expression, const std::vector<Value>& arguments);
  Value call(vm::ScalarCallSite site, bool can_be_null, bool can_fail,
             const datalog::Expression& expression, const std::vector<Value>& arguments);
  Value call_function(const datalog::Expression& expression, const std::vector<Value>& arguments);
  Value cast(const datalog::Expression& expression, const std::vector<Value>& arguments);
  // Left op right by value: 0 <, 1 <=, 2 =, 3 <>; for kinds whose words are not compared as they are.
  std::uint16_t compare_values(const Value& left, const Value& right, std::uint16_t op);
  Value refused(const datalog::Expression& expression, const std::string& what);

  // The word wrapped to the width of the type.
  std::uint16_t wrap(vm::Type type, std::uint16_t word);
  std::uint16_t widen(const Value& value);  // A float4 as float8; others as they are.

  FragmentBuilder& f_;
  std::uint16_t batch_;
  VariableValue variable_;
};

}  // namespace entail::compiler::internal
