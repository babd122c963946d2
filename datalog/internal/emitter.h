// datalog/internal/emitter.h - emission of one core clause: what the parts of emit*.cc share.
//
//     emit.cc               bodies
//     emit_expressions.cc   expressions
//     emit_sequence.cc      sequences of events
//     emit_actions.cc       the actions of productions
//
// Lifetime: it lends the clause, its types and the environment. Threads: a value, used once.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "datalog/internal/core.h"
#include "datalog/internal/environment.h"
#include "datalog/internal/infer.h"
#include "datalog/internal/scopes.h"
#include "datalog/internal/term_types.h"
#include "datalog/rule_program.h"

namespace entail::datalog {

class Emitter {
 public:
  Emitter(const CoreClause& clause, const ClauseTypes& types, Environment& environment,
          const std::vector<DeclaredType>& parameters)
      : clause_(clause),
        types_(types),
        environment_(environment),
        term_types_(clause, types, environment, parameters, rule_.variables) {}

  Rule run(const std::vector<DeclaredType>& parameters);
  Production run_production();

 private:
  friend class SequenceMaker;

  vm::Type slot_type(std::uint32_t slot) const { return term_types_.slot_type(slot); }
  vm::Type type_of(const CoreTerm& term) const { return term_types_.type_of(term); }
  bool may_be_null(const CoreTerm& term) const { return term_types_.may_be_null(term); }
  // Whether a value is certain here: a condition that holds for all that follows has shown it.
  bool is_proven_not_null(std::uint32_t variable) const;

  VariableId fresh(const std::string& hint, vm::Type type, bool nullable, grammar::SourceSpan span);
  Expression read(VariableId id, grammar::SourceSpan span) const;

  // Bodies.
  void put(auto node, grammar::SourceSpan span) {
    Literal literal;
    literal.node = std::move(node);
    literal.span = span;
    out_->push_back(std::move(literal));
  }
  void filter(Expression condition, grammar::SourceSpan span);
  void bind(VariableId variable, Expression value, grammar::SourceSpan span);
  Body inner(const CoreBody& conditions, auto&& before_end) {
    Body result;
    Body* const outer = std::exchange(out_, &result);
    std::vector<bool> bound = bound_;
    const std::map<std::string, VariableId> rows = rows_;
    body(conditions);
    before_end();
    rows_ = rows;
    bound.resize(rule_.variables.size(), true);
    bound_ = std::move(bound);
    out_ = outer;
    return result;
  }
  Body inner(const CoreBody& conditions);
  void body(const CoreBody& conditions);
  void condition(const CoreCondition& condition, Direction direction);
  bool is_changed(const std::string& row) const;
  void atom(const CoreCondition& condition, bool negated);
  Window window(const CoreCondition& condition, Match match);
  void absent(const CoreCondition& condition);
  void equation(const CoreCondition& condition, Direction direction);
  void define(const CoreTerm& pattern, const CoreTerm& value, grammar::SourceSpan span);
  void take_apart(const CoreTerm& pattern, Expression value, grammar::SourceSpan span);
  Expression named(Expression value, grammar::SourceSpan span);
  vm::Type aggregate_type(const CoreTerm& term) const;
  void reduce(const CoreTerm& term, VariableId result);
  std::optional<vm::Type> aggregated_type(const CoreAggregate& core) const;
  void group(const CoreCondition& condition);
  // Conditions of one sequence, all of its steps.
  void sequence(std::span<const CoreCondition> steps, std::span<const Direction> directions);
  void prune_sequences(Body& body, const std::set<VariableId>& used_elsewhere);
  void generate(const CoreTerm& term, VariableId variable);
  Expression column_value(const CoreTerm& term, const Relation& relation, std::size_t i);

  // Expressions.
  static Expression unary(ExpressionOp op, Expression argument, vm::Type type,
                          grammar::SourceSpan span);
  static Expression negation(Expression argument);
  static Expression constant_bool(bool value, grammar::SourceSpan span);
  static Expression compared(ExpressionOp op, Expression left, Expression right,
                             grammar::SourceSpan span);
  static Expression convert(Expression value, vm::Type type);
  static Expression reinterpret(Expression value, vm::Type type);
  Expression boolean(const CoreCondition& condition);
  static Expression joined(ExpressionOp op, std::vector<Expression> parts,
                           grammar::SourceSpan span);
  std::pair<Expression, Expression> operands(const CoreTerm& left, const CoreTerm& right);
  Expression expression(const CoreTerm& term, std::optional<vm::Type> wanted = std::nullopt);
  Expression raw(const CoreTerm& term, std::optional<vm::Type> wanted);
  Expression constant(const CoreTerm& term, std::optional<vm::Type> wanted);
  Expression record(const CoreTerm& term, std::optional<vm::Type> wanted);
  Expression call(const CoreTerm& term);
  Expression finished(const CoreTerm& term, Expression made);

  // Actions.
  VariableId new_row(const std::string& name, grammar::SourceSpan span);
  void actions(const CoreCondition& condition);
  Block block(const CoreBody& statements);
  std::optional<Statement> statement(const CoreCondition& condition, Direction direction);
  Change change(const CoreCondition& condition);
  std::optional<Let> let(const CoreCondition& condition, Direction direction);
  Branch branch(const CoreCondition& condition);
  // The block that ends the body of a `for` or `after`.
  std::shared_ptr<const Block> take_block();

  const CoreClause& clause_;
  const ClauseTypes& types_;
  Environment& environment_;
  Rule rule_;  // Before term_types_, which reads its variables.
  TermTypes term_types_;
  Body* out_ = nullptr;
  std::vector<bool> bound_;
  bool is_proof_ = false;  // A condition is being emitted that its variables are not null by.
  int fresh_count_ = 0;
  std::map<std::string, VariableId> rows_;  // `as r`, as visible where emission stands.
  std::set<VariableId> may_be_missing_;     // What a match of a sequence need not have.
  std::vector<std::uint32_t> proven_;       // Not null here by the conditions of an `if` or `for`.
  std::optional<Expression> salience_;
  Block block_;  // The last one that was emitted.
};

}  // namespace entail::datalog
