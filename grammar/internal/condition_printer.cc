#include "grammar/internal/condition_printer.h"

#include <variant>

namespace entail::grammar::internal {

namespace {

// The strength of an expression as an operand: its operator's precedence, or more than any for what
// needs no parentheses.
constexpr int kPrefixStrength = 15;
constexpr int kPrimaryStrength = 100;

int strength(const Expr& expr) {
  if (const auto* binary = expr.as<Binary>()) return precedence(binary->op);
  if (expr.as<Unary>() != nullptr) return kPrefixStrength;
  if (expr.as<Conditional>() != nullptr) return 0;
  if (const auto* literal = expr.as<Literal>())
    return literal->text.starts_with('-') && literal->kind != LiteralKind::kString
               ? kPrefixStrength
               : kPrimaryStrength;
  return kPrimaryStrength;
}

}  // namespace

void ConditionPrinter::expr(const Expr& e) {
  std::visit([&](const auto& node) { print(node); }, e.node);
}

void ConditionPrinter::formula(const Formula& f) {
  std::visit([&](const auto& node) { print(node); }, f.node);
}

// Expressions ----------------------------------------------------------------------------------

void ConditionPrinter::operand(const Expr& e, int strength_min) {
  const bool parens = strength(e) < strength_min;
  if (parens) put("(");
  expr(e);
  if (parens) put(")");
}

void ConditionPrinter::print(const Literal& literal) { constant(literal.kind, literal.text); }

void ConditionPrinter::constant(LiteralKind kind, const std::string& text) {
  switch (kind) {
    case LiteralKind::kString:
      put(quoted_string(text));
      break;
    case LiteralKind::kUnsigned:
      put(text + "u");
      break;
    case LiteralKind::kNil:
      put("nil");
      break;
    case LiteralKind::kTrue:
      put("true");
      break;
    case LiteralKind::kFalse:
      put("false");
      break;
    case LiteralKind::kNull:
      put("null");
      break;
    default:
      put(text);
  }
}

void ConditionPrinter::print(const Variable& variable) { put(quoted_name(variable.name)); }
void ConditionPrinter::print(const Wildcard&) { put("_"); }
void ConditionPrinter::print(const Counter&) { put("autoinc()"); }
void ConditionPrinter::print(const Path& path) { name(path.name); }

void ConditionPrinter::print(const Unary& unary) {
  put(spelling(unary.op));
  const Expr& inner = *unary.operand;
  const auto* literal = inner.as<Literal>();
  const auto* power = inner.as<Binary>();
  const bool bare =
      (power != nullptr && power->op == BinaryOp::kPow) || inner.as<Unary>() != nullptr;
  // A number behind a minus would be folded into it.
  const bool folds =
      literal != nullptr && unary.op == UnaryOp::kMinus && literal->text.starts_with('-');
  const bool parens = folds || (!bare && strength(inner) < kPrefixStrength);
  if (parens) put("(");
  expr(inner);
  if (parens) put(")");
}

void ConditionPrinter::print(const Binary& binary) {
  const int own = precedence(binary.op);
  const bool power = binary.op == BinaryOp::kPow;
  operand(*binary.left, power ? own + 1 : own);
  put(" ");
  put(spelling(binary.op));
  put(" ");
  const bool prefixed = strength(*binary.right) == kPrefixStrength;  // `x ^ -y` needs none.
  operand(*binary.right, power ? (prefixed ? kPrefixStrength : own) : own + 1);
}

void ConditionPrinter::print(const Conditional& conditional) {
  put("if ");
  part(*conditional.condition);
  put(" then ");
  operand(*conditional.then_value, 1);
  put(" else ");
  operand(*conditional.else_value, 1);
}

void ConditionPrinter::print(const Call& call) {
  if (call.user_functor) put("@");
  // These words begin an aggregate only where a colon follows, and none follows a call: see below.
  const bool aggregate_word = call.name.text == "count" || call.name.text == "sum" ||
                              call.name.text == "min" || call.name.text == "max" ||
                              call.name.text == "mean";
  if (aggregate_word) {
    put(call.name.text);
  } else {
    name(call.name);
  }
  put("(");
  exprs(call.args);
  put(")");
}

void ConditionPrinter::print(const Aggregate& aggregate) {
  if (aggregate.user_defined) {
    put("@@");
    name(aggregate.function);
    put(" ");
    list(aggregate.initial, [&](const Expr& e) { operand(e, 1); });
    put(" : ");
    operand(aggregate.target.front(), 1);
    put(", { ");
  } else {
    put(aggregate.function.text);
    for (const Expr& target : aggregate.target) {
      // In parentheses unless plain: `min(x)` before a colon would be an aggregate itself.
      const bool bare = target.as<Variable>() != nullptr || target.as<Literal>() != nullptr ||
                        target.as<Path>() != nullptr;
      put(bare ? " " : " (");
      expr(target);
      if (!bare) put(")");
    }
    put(" : { ");
  }
  inline_body(*aggregate.body);
  put(" }");
}

void ConditionPrinter::print(const RecordInit& record) {
  put("[");
  exprs(record.args);
  put("]");
}

void ConditionPrinter::print(const AdtInit& adt) {
  put("$");
  name(adt.branch);
  put("(");
  exprs(adt.args);
  put(")");
}

void ConditionPrinter::print(const Cast& cast) {
  put("as(");
  expr(*cast.value);
  put(", ");
  name(cast.type);
  put(")");
}

void ConditionPrinter::print(const Range& range) {
  put(range.low_included ? "[" : "(");
  expr(*range.low);
  put("..");
  expr(*range.high);
  put(range.high_included ? "]" : ")");
}

// Conditions -----------------------------------------------------------------------------------

// A condition among others: a conjunction or disjunction in parentheses.
void ConditionPrinter::part(const Formula& f) {
  const bool parens = f.as<Conjunction>() != nullptr || f.as<Disjunction>() != nullptr;
  if (parens) put("(");
  formula(f);
  if (parens) put(")");
}

// A body in braces or behind `:-`, on one line.
void ConditionPrinter::inline_body(const Formula& f) {
  if (const auto* disjunction = f.as<Disjunction>()) {
    list(disjunction->parts, [&](const Formula& each) { disjunct(each); }, " ; ");
  } else {
    formula(f);
  }
}

void ConditionPrinter::disjunct(const Formula& f) {
  if (f.as<Disjunction>() != nullptr) {
    part(f);
  } else {
    formula(f);
  }
}

// A clause's body: one condition a line.
void ConditionPrinter::body(const Formula& f) {
  ++indent_;
  if (const auto* conjunction = f.as<Conjunction>()) {
    for (std::size_t i = 0; i < conjunction->parts.size(); ++i) {
      if (i > 0) put(",");
      line();
      part(conjunction->parts[i]);
    }
  } else {
    line();
    inline_body(f);
  }
  --indent_;
}

void ConditionPrinter::print(const BooleanConstant& constant) {
  put(constant.value ? "true" : "false");
}
void ConditionPrinter::print(const Conjunction& conjunction) {
  list(conjunction.parts, [&](const Formula& f) { part(f); });
}
void ConditionPrinter::print(const Disjunction& disjunction) {
  list(disjunction.parts, [&](const Formula& f) { disjunct(f); }, " ; ");
}
void ConditionPrinter::print(const Negation& negation) {
  put("!");
  part(*negation.operand);
}

void ConditionPrinter::print(const Atom& atom) {
  name(atom.relation);
  put(atom.named ? "{" : "(");
  if (atom.named) {
    list(atom.fields, [&](const FieldPattern& field) { print(field); });
  } else {
    exprs(atom.args);
  }
  put(atom.named ? "}" : ")");
  if (atom.window) {
    put(" over ");
    put(spelling(atom.window->kind));
    put(" ");
    operand(atom.window->size, 1);
    if (atom.window->kind == WindowKind::kLastEvents) put(" events");
    if (atom.window->slide) {
      put(", ");
      operand(*atom.window->slide, 1);
    }
  }
  if (atom.alias) {
    put(" as ");
    name(*atom.alias);
  }
}

void ConditionPrinter::print(const FieldPattern& field) {
  name(field.field);
  if (field.value) {
    put(": ");
    operand(*field.value, 1);
  }
  if (field.constraint) {
    put(" ");
    put(spelling(field.constraint->op));
    put(" ");
    operand(field.constraint->value, 1);
  }
}

void ConditionPrinter::print(const Comparison& comparison) {
  operand(comparison.left, 1);
  put(" ");
  put(spelling(comparison.op));
  put(" ");
  expr(comparison.right);
}

void ConditionPrinter::print(const Allen& allen) {
  operand(allen.left, 1);
  put(" ");
  put(spelling(allen.relation));
  put(" ");
  if (!allen.bounds.empty()) {
    put("[");
    exprs(allen.bounds);
    put("] ");
  } else if (allen.right.as<RecordInit>() != nullptr || allen.right.as<Range>() != nullptr) {
    put("(");  // A bracket right behind the word would be its bounds.
    expr(allen.right);
    put(")");
    return;
  }
  expr(allen.right);
}

void ConditionPrinter::print(const Membership& membership) {
  operand(membership.value, 1);
  put(" in ");
  expr(membership.collection);
}

void ConditionPrinter::print(const NullTest& test) {
  operand(test.value, 1);
  put(test.negated ? " is not null" : " is null");
}

void ConditionPrinter::print(const BooleanTest& test) {
  const auto* call = test.value.as<Call>();
  const bool reserved = call != nullptr && !call->user_functor &&
                        (call->name.text == "match" || call->name.text == "contains");
  if (!reserved) put("if ");
  const bool parens = !reserved && strength(test.value) < kPrimaryStrength;
  if (parens) put("(");
  expr(test.value);
  if (parens) put(")");
}

void ConditionPrinter::print(const Exists& exists) {
  put("exists { ");
  inline_body(*exists.body);
  put(" }");
}

void ConditionPrinter::print(const Forall& forall) {
  put("forall { ");
  inline_body(*forall.condition);
  put(" } => { ");
  inline_body(*forall.consequence);
  put(" }");
}

void ConditionPrinter::keys(const std::vector<Expr>& values) {
  if (values.empty()) return;
  put(" by ");
  const bool bare = values.size() == 1 && (values.front().as<Variable>() != nullptr ||
                                           values.front().as<Path>() != nullptr);
  if (!bare) put("(");
  exprs(values);
  if (!bare) put(")");
}

void ConditionPrinter::print(const Group& group) {
  put("group { ");
  inline_body(*group.body);
  put(" }");
  keys(group.keys);
  put(" => { ");
  list(group.results, [&](const NamedExpr& result) {
    name(result.name);
    put(": ");
    expr(result.value);
  });
  put(" }");
}

void ConditionPrinter::print(const AsOfMatch& match) {
  put("last ");
  print(match.atom);
  put(" before ");
  expr(match.before);
}

void ConditionPrinter::steps(const SequencePattern& pattern) {
  for (const SequenceStep& step : pattern.steps) {
    if (step.connector == Connector::kFollowedBy) put(" -> ");
    if (step.connector == Connector::kFollowedByAny) put(" ->> ");
    if (step.connector == Connector::kNext) put(" next ");
    if (step.negated) put("not ");
    if (step.atom) {
      print(*step.atom);
    } else {
      put("(");
      list(step.alternatives, [&](const SequencePattern& each) { steps(each); }, " | ");
      put(")");
    }
    if (step.quantifier) {
      put(" [");
      operand(step.quantifier->min, 1);
      if (!step.quantifier->max) {
        put("..*");
      } else if (!(*step.quantifier->max == step.quantifier->min)) {
        put("..");
        operand(*step.quantifier->max, 1);
      }
      put("]");
    }
    if (step.within) {
      put(" within ");
      operand(*step.within, 1);
    }
    if (step.until) {
      put(" until ");
      print(*step.until);
    }
  }
}

void ConditionPrinter::print(const Sequence& sequence) {
  put("sequence(");
  steps(sequence.pattern);
  put(")");
  if (sequence.within) {
    put(" within ");
    operand(*sequence.within, 1);
  }
  keys(sequence.keys);
  if (sequence.skip == SkipPolicy::kPastLast) put(" skip past_last");
  if (sequence.skip == SkipPolicy::kToNext) put(" skip to_next");
  if (sequence.skip == SkipPolicy::kNone) put(" skip none");
}

}  // namespace entail::grammar::internal
