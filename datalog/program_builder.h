// datalog/program_builder.h - rule programs written in C++, a line a literal; for tests of passes
// and engines.
//
//     ProgramBuilder builder;
//     const RelationId edge = builder.relation("edge", {vm::Type::number(), vm::Type::number()});
//     const RelationId path = builder.relation("path", {vm::Type::number(), vm::Type::number()});
//     builder.fact(edge, "1 2");
//     builder.rule(path, "x y").match(edge, "x y");
//     builder.rule(path, "x z").match(path, "x y").match(edge, "y z");
//     RuleProgram program = builder.take();
//
// Terms are separated by blanks: `_` is a wildcard, what begins with a digit or `-` a constant,
// 'abc a text, anything else a variable of the rule, typed by the first column or expression that
// mentions it (a number where none does). Mistakes stop the program: this is for our own tests.
//
// Lifetime: a RuleBuilder is valid until the next call of its ProgramBuilder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datalog/rule_program.h"

namespace entail::datalog {

class ProgramBuilder;

class RuleBuilder {
 public:
  // Literals, appended to the body that is open.
  RuleBuilder& match(RelationId relation, std::string_view terms);
  RuleBuilder& filter(ExpressionOp comparison, std::string_view left, std::string_view right);
  RuleBuilder& filter(Expression condition);
  RuleBuilder& bind(std::string_view variable, std::string_view value);
  RuleBuilder& bind(std::string_view variable, Expression value);
  RuleBuilder& range(std::string_view variable, std::string_view from, std::string_view to);

  // Opens an inner body; end() closes it.
  RuleBuilder& begin_absent();
  RuleBuilder& begin_exists();
  // `result = op argument : { … }`; an empty argument for count.
  RuleBuilder& begin_reduce(AggregateOp op, std::string_view result, std::string_view argument);
  // `group { … } by value => { result = op argument }`; the key's value is exported as `key`.
  RuleBuilder& begin_group(std::string_view key, std::string_view value, AggregateOp op,
                           std::string_view result, std::string_view argument);
  RuleBuilder& end();

  // The short forms: not R(…).
  RuleBuilder& absent(RelationId relation, std::string_view terms);

  // A term as an expression, and an operation on two; the type is that of the left side, or bool.
  Expression term(std::string_view text, vm::Type type = vm::Type::number());
  Expression operation(ExpressionOp op, std::string_view left, std::string_view right);

  // Replaces the head's term in a column.
  RuleBuilder& head_term(std::size_t column, Expression value);

 private:
  friend class ProgramBuilder;
  RuleBuilder(ProgramBuilder& program, std::size_t rule) : program_(&program), rule_(rule) {}

  Rule& rule();
  Body& body();
  void set_head(RelationId relation, std::string_view terms);
  std::vector<Expression> terms(RelationId relation, std::string_view text);
  VariableId variable(std::string_view name, vm::Type type);
  vm::Type type_of(std::string_view text);
  RuleBuilder& append(Literal literal);

  ProgramBuilder* program_;
  std::size_t rule_;
  std::vector<std::size_t>
      open_;  // Positions of the literals whose bodies are open, outermost first.
};

class ProgramBuilder {
 public:
  // Columns are named c0, c1, ….
  RelationId relation(std::string name, std::vector<vm::Type> columns);
  Relation& at(RelationId id) { return program_.relation(id); }
  RuleProgram& program() { return program_; }

  RuleBuilder rule(RelationId head, std::string_view terms);
  void fact(RelationId head, std::string_view terms) { rule(head, terms); }

  RuleProgram take() { return std::move(program_); }

 private:
  friend class RuleBuilder;
  RuleProgram program_;
};

// A constant of the type, from its text: integers, floats and texts.
Expression constant(vm::Type type, std::string_view text);

}  // namespace entail::datalog
