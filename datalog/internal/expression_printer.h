// datalog/internal/expression_printer.h - expressions, literals, rules and actions as text.
//
// A Printer knows the program (for relation and type names) and the variables of the rule it
// prints. Names that two variables of the rule share are told apart by number: `x`, `x#3`.
// Operators are written with the fewest parentheses that keep the tree: `a + b * c`, `(a + b) * c`.
//
// Lifetime: it lends the program. Threads: const members may run concurrently.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datalog/rule_program.h"

namespace entail::datalog::internal {

// The text in double quotes, with \ before quotes, backslashes, and as \n, \t, \r and \xNN for
// bytes below space.
std::string quoted(std::string_view text);

class Printer {
 public:
  Printer(const RuleProgram& program, const std::vector<Variable>& variables);

  std::string variable(VariableId id) const;
  std::string typed_variable(VariableId id) const;  // `x: number`
  std::string expression(const Expression& expression) const { return print(expression, 0); }
  std::string expressions(const std::vector<Expression>& list) const;
  std::string literal(const Literal& literal) const;
  std::string body(const Body& body) const;
  std::string order(const std::vector<OrderItem>& items) const;
  std::string rule(const Rule& rule) const;

  // Appends one line for each statement, indented.
  void block(const Block& block, std::size_t indent, std::string& out) const;

 private:
  std::string print(const Expression& expression, int parent_strength) const;
  std::string constant(const Expression& expression) const;
  std::string match(const Match& match) const;
  std::string aggregate(const Aggregate& aggregate) const;
  std::string reduce(const Reduce& reduce) const;
  std::string frame(const Frame& frame) const;
  std::string rank(const Rank& rank) const;
  std::string window(const Window& window) const;
  std::string pattern(const Pattern& pattern) const;
  std::string pattern_node(const Pattern& pattern, const PatternNode& node) const;
  std::string pattern_values(const Pattern& pattern, const std::vector<PatternValue>& values) const;
  std::string field_name(const Expression& expression) const;

  const RuleProgram& program_;
  std::vector<std::string> names_;
  std::vector<std::string> types_;
};

}  // namespace entail::datalog::internal
