// grammar/internal/condition_printer.h - conditions and expressions as text; what the printer of
// items builds on.
//
// Only the parentheses that precedence needs; layout as in printer.h.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/internal/print_names.h"
#include "grammar/syntax_condition.h"

namespace entail::grammar::internal {

class ConditionPrinter {
 public:
  std::string take() { return std::move(out_); }

  void expr(const Expr& e);
  void formula(const Formula& f);

 protected:
  void put(std::string_view text) { out_ += text; }
  void name(const Name& n) { put(quoted_name(n.text)); }
  void line() { out_ += "\n" + std::string(indent_ * 2, ' '); }

  template <typename List, typename Each>
  void list(const List& values, Each&& each, std::string_view separator = ", ") {
    bool first = true;
    for (const auto& value : values) {
      if (!first) put(separator);
      first = false;
      each(value);
    }
  }
  void exprs(const std::vector<Expr>& values) {
    list(values, [&](const Expr& e) { expr(e); });
  }
  void names(const std::vector<Name>& values) {
    list(values, [&](const Name& n) { name(n); });
  }

  // With parentheses when it binds weaker than strength_min; 1 keeps an `if … else` apart.
  void operand(const Expr& e, int strength_min);
  void print(const Literal& literal);
  void constant(LiteralKind kind, const std::string& text);
  void print(const Variable& variable);
  void print(const Wildcard&);
  void print(const Counter&);
  void print(const Path& path);
  void print(const Unary& unary);
  void print(const Binary& binary);
  void print(const Conditional& conditional);
  void print(const Call& call);
  void print(const Aggregate& aggregate);
  void print(const RecordInit& record);
  void print(const AdtInit& adt);
  void print(const Cast& cast);
  void print(const Range& range);
  // A condition among others: a conjunction or disjunction in parentheses.
  void part(const Formula& f);
  // A body in braces, on one line.
  void inline_body(const Formula& f);
  void disjunct(const Formula& f);
  // A body of its own: one condition a line.
  void body(const Formula& f);
  void print(const BooleanConstant& constant);
  void print(const Conjunction& conjunction);
  void print(const Disjunction& disjunction);
  void print(const Negation& negation);
  void print(const Atom& atom);
  void print(const FieldPattern& field);
  void print(const Comparison& comparison);
  void print(const Allen& allen);
  void print(const Membership& membership);
  void print(const NullTest& test);
  void print(const BooleanTest& test);
  void print(const Exists& exists);
  void print(const Forall& forall);
  void keys(const std::vector<Expr>& values);
  void print(const Group& group);
  void print(const AsOfMatch& match);
  void steps(const SequencePattern& pattern);
  void print(const Sequence& sequence);

  std::string out_;
  std::size_t indent_ = 0;
};

}  // namespace entail::grammar::internal
