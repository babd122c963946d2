// datalog/body_walk.h - visiting the parts of bodies and expressions, so that a pass names only
// what it wants.
//
//     walk_expressions(literal, f)   f(Expression&) for every node of every expression
//     walk_variables(literal, f)     f(VariableId&) for every mention of a variable: in expressions,
//                                    and as what a Bind, Each, Reduce, … or row name binds
//     walk_matches(literal, f)       f(Match&, Reading) for every relation read, and how it is read
//
// All of them go into inner bodies.
//
// Each works on const and on mutable nodes (a pass that renumbers variables walks mutable ones),
// visits in the order of the text, and calls f before it descends.
//
// Threads: pure functions. Cost: linear in the size of what is walked.
#pragma once

#include <optional>
#include <set>
#include <type_traits>
#include <utility>
#include <variant>

#include "datalog/rule_program.h"

namespace entail::datalog {

// How a body reads a relation. kPositive grows with it; kComplete needs all of its rows first,
// because a further row may take an answer away (under Absent) or change it (under Reduce, Rank,
// Pattern).
enum class Reading : std::uint8_t { kPositive, kComplete };

// Whether the value of the operation itself, its arguments given, may be an error instead: `1 / 0`,
// `to_number("a")`. Such an expression runs only after the filters that stand before it.
bool operation_can_fail(const Expression& expression);

// Whether the expression, or any part of it, can fail; or one of the body or the rule.
bool can_fail(const Expression& expression);
bool can_fail(const Body& body);
bool can_fail(const Rule& rule);

// The order that says the same with its sides exchanged: `a < b` is `b > a`. Nothing where `op` is no order.
std::optional<ExpressionOp> mirrored(ExpressionOp op);

// The variables that occur in the literal or body, inner bodies included.
std::set<VariableId> variables_of(const Expression& expression);
std::set<VariableId> variables_of(const Literal& literal);
std::set<VariableId> variables_of(const Body& body);

// Those that an aggregate reads of the body it reduces: argument, condition, delimiter, order.
std::set<VariableId> variables_of_arguments(const Aggregate& aggregate);

// The variables that the literal gives a value to outside itself, if it can: those of a Match, the
// result of a Bind, an Each, a Reduce. An equation between two variables counts for both.
std::set<VariableId> exported_variables(const Literal& literal);

namespace internal {

template <typename Node, typename F>
void walk_expression(Node& expression, F&& f) {
  f(expression);
  for (auto& argument : expression.arguments) walk_expression(argument, f);
}

// Calls on_expression for each top-level expression of the literal, on_variable for what it binds,
// and on_body(body, reading) for each inner body; a Match is given to on_match as a whole as well.
template <typename LiteralNode, typename OnExpression, typename OnVariable, typename OnMatch,
          typename OnBody>
void take_apart(LiteralNode& literal, OnExpression&& on_expression, OnVariable&& on_variable,
                OnMatch&& on_match, OnBody&& on_body) {
  auto take_match = [&](auto& match) {
    on_match(match);
    for (auto& term : match.terms) on_expression(term);
    if (match.row) on_variable(*match.row);
  };
  auto take_all = [&](auto& expressions) {
    for (auto& expression : expressions) on_expression(expression);
  };
  auto take_if = [&](auto& expression) {
    if (expression) on_expression(*expression);
  };
  auto take_order = [&](auto& items) {
    for (auto& item : items) on_expression(item.value);
  };
  std::visit(
      [&](auto& node) {
        using Kind = std::remove_const_t<std::remove_reference_t<decltype(node)>>;
        if constexpr (std::is_same_v<Kind, Match>) {
          take_match(node);
        } else if constexpr (std::is_same_v<Kind, Absent>) {
          on_body(node.body, Reading::kComplete);
        } else if constexpr (std::is_same_v<Kind, Exists>) {
          on_body(node.body, Reading::kPositive);
        } else if constexpr (std::is_same_v<Kind, Filter>) {
          on_expression(node.condition);
        } else if constexpr (std::is_same_v<Kind, Bind>) {
          on_variable(node.variable);
          on_expression(node.value);
        } else if constexpr (std::is_same_v<Kind, Each>) {
          on_variable(node.variable);
          take_all(node.arguments);
        } else if constexpr (std::is_same_v<Kind, Reduce>) {
          for (auto& key : node.keys) {
            on_variable(key.result);
            on_expression(key.value);
          }
          for (auto& aggregate : node.aggregates) {
            on_variable(aggregate.result);
            take_if(aggregate.argument);
            take_if(aggregate.condition);
            take_if(aggregate.delimiter);
            take_order(aggregate.order);
          }
          on_body(node.body, Reading::kComplete);
        } else if constexpr (std::is_same_v<Kind, Rank>) {
          take_all(node.partition);
          take_order(node.order);
          take_if(node.frame.from.offset);
          take_if(node.frame.to.offset);
          take_if(node.frame.from.value);
          take_if(node.frame.to.value);
          take_if(node.frame.range_value);
          for (auto& function : node.functions) {
            on_variable(function.result);
            take_all(function.arguments);
            take_if(function.filter);
          }
          take_if(node.limit);
          take_if(node.offset);
          on_body(node.body, Reading::kComplete);
        } else if constexpr (std::is_same_v<Kind, Window>) {
          take_match(node.match);
          take_all(node.size);
          take_all(node.partition);
          take_if(node.reference);
          if (node.bucket) on_variable(*node.bucket);
        } else {
          static_assert(std::is_same_v<Kind, Pattern>);
          take_all(node.partition);
          take_order(node.order);
          auto take_deadlines = [&](auto& part, auto& self) -> void {
            take_if(part.deadline);
            for (auto& child : part.children) self(child, self);
          };
          take_deadlines(node.root, take_deadlines);
          for (auto& symbol : node.symbols) take_if(symbol.condition);
          for (auto* values : {&node.operands, &node.measures}) {
            for (auto& value : *values) {
              on_variable(value.result);
              take_if(value.value);
            }
          }
          take_if(node.time);
          take_if(node.within);
          take_if(node.watermark);
          on_body(node.body, Reading::kComplete);
        }
      },
      literal.node);
}

}  // namespace internal

template <typename LiteralNode, typename F>
void walk_expressions(LiteralNode& literal, F&& f) {
  internal::take_apart(
      literal, [&](auto& expression) { internal::walk_expression(expression, f); }, [](auto&) {},
      [](auto&) {},
      [&](auto& body, Reading) {
        for (auto& inner : body) walk_expressions(inner, f);
      });
}

template <typename LiteralNode, typename F>
void walk_variables(LiteralNode& literal, F&& f) {
  internal::take_apart(
      literal,
      [&](auto& expression) {
        internal::walk_expression(expression, [&](auto& node) {
          if (node.op == ExpressionOp::kVariable) f(node.variable);
        });
      },
      f, [](auto&) {},
      [&](auto& body, Reading) {
        for (auto& inner : body) walk_variables(inner, f);
      });
}

template <typename LiteralNode, typename F>
void walk_matches(LiteralNode& literal, F&& f, Reading reading = Reading::kPositive) {
  // A window depends on rows that are not there yet as much as on those that are.
  const bool complete = std::holds_alternative<Window>(literal.node);
  internal::take_apart(
      literal, [](auto&) {}, [](auto&) {},
      [&](auto& match) { f(match, complete ? Reading::kComplete : reading); },
      [&](auto& body, Reading inner_reading) {
        const Reading both = reading == Reading::kComplete ? Reading::kComplete : inner_reading;
        for (auto& inner : body) walk_matches(inner, f, both);
      });
}

// The same for whole rules: the head's terms, then the body.
template <typename RuleNode, typename F>
void walk_rule_expressions(RuleNode& rule, F&& f) {
  for (auto& term : rule.head.terms) internal::walk_expression(term, f);
  for (auto& literal : rule.body) walk_expressions(literal, f);
}

template <typename RuleNode, typename F>
void walk_rule_variables(RuleNode& rule, F&& f) {
  for (auto& term : rule.head.terms) {
    internal::walk_expression(term, [&](auto& node) {
      if (node.op == ExpressionOp::kVariable) f(node.variable);
    });
  }
  for (auto& literal : rule.body) walk_variables(literal, f);
}

template <typename RuleNode, typename F>
void walk_rule_matches(RuleNode& rule, F&& f) {
  for (auto& literal : rule.body) walk_matches(literal, f);
}

}  // namespace entail::datalog
