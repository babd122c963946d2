#include <utility>

#include "grammar/internal/tree_builder.h"

namespace entail::grammar::internal {

namespace {

using P = antlr::DatalogParser;

Formula make(Formula::Node node, const SourceSpan& span) {
  Formula result;
  result.node = std::move(node);
  result.span = span;
  return result;
}

AllenRelation allen_relation(std::string_view word) {
  if (word == "before") return AllenRelation::kBefore;
  if (word == "after") return AllenRelation::kAfter;
  if (word == "meets") return AllenRelation::kMeets;
  if (word == "met_by") return AllenRelation::kMetBy;
  if (word == "overlaps") return AllenRelation::kOverlaps;
  if (word == "overlapped_by") return AllenRelation::kOverlappedBy;
  if (word == "during") return AllenRelation::kDuring;
  if (word == "includes") return AllenRelation::kIncludes;
  if (word == "starts") return AllenRelation::kStarts;
  if (word == "started_by") return AllenRelation::kStartedBy;
  if (word == "finishes") return AllenRelation::kFinishes;
  if (word == "finished_by") return AllenRelation::kFinishedBy;
  return AllenRelation::kCoincides;
}

}  // namespace

CompareOp TreeBuilder::compare_op(P::CompareOpContext* context) const {
  switch (context->getStart()->getType()) {
    case P::NE:
      return CompareOp::kNotEqual;
    case P::LT:
      return CompareOp::kLess;
    case P::LE:
      return CompareOp::kLessEqual;
    case P::GT:
      return CompareOp::kGreater;
    case P::GE:
      return CompareOp::kGreaterEqual;
    default:
      return CompareOp::kEqual;
  }
}

FieldOp TreeBuilder::field_op(P::FieldOpContext* context) const {
  if (context->K_IN() != nullptr) return FieldOp::kIn;
  if (context->K_MATCHES() != nullptr) return FieldOp::kMatches;
  switch (compare_op(context->compareOp())) {
    case CompareOp::kEqual:
      return FieldOp::kEqual;
    case CompareOp::kNotEqual:
      return FieldOp::kNotEqual;
    case CompareOp::kLess:
      return FieldOp::kLess;
    case CompareOp::kLessEqual:
      return FieldOp::kLessEqual;
    case CompareOp::kGreater:
      return FieldOp::kGreater;
    case CompareOp::kGreaterEqual:
      return FieldOp::kGreaterEqual;
  }
  return FieldOp::kEqual;
}

Formula TreeBuilder::body(P::BodyContext* context) {
  const std::vector<P::ConjunctionContext*> parts = context->conjunction();
  if (parts.size() == 1) return conjunction(parts.front());
  Disjunction disjunction;
  for (P::ConjunctionContext* part : parts) disjunction.parts.push_back(conjunction(part));
  return make(std::move(disjunction), span(context));
}

Formula TreeBuilder::conjunction(P::ConjunctionContext* context) {
  return conjunction_of(context->term(), span(context));
}

Formula TreeBuilder::conjunction_of(const std::vector<P::TermContext*>& terms,
                                    const NodeSpan& where) {
  if (terms.size() == 1) return term(terms.front());
  Conjunction result;
  result.parts.reserve(terms.size());
  for (P::TermContext* part : terms) result.parts.push_back(term(part));
  return make(std::move(result), where);
}

Formula TreeBuilder::term(P::TermContext* context) {
  const SourceSpan whole = span(context);
  switch (context->getStart()->getType()) {
    case P::BANG:
    case P::K_NOT: {
      if (context->term() == nullptr) break;
      Negation negation;
      negation.operand = term(context->term());
      return make(std::move(negation), whole);
    }
    case P::GROUP_OPEN: {
      Formula inner = body(context->body(0));
      return inner;
    }
    case P::K_EXISTS: {
      Exists exists;
      exists.body = body(context->body(0));
      return make(std::move(exists), whole);
    }
    case P::K_FORALL: {
      Forall forall;
      forall.condition = body(context->body(0));
      forall.consequence = body(context->body(1));
      return make(std::move(forall), whole);
    }
    case P::K_GROUP: {
      Group group;
      group.body = body(context->body(0));
      if (context->keys() != nullptr) group.keys = keys(context->keys());
      group.results = results(context->result());
      return make(std::move(group), whole);
    }
    case P::K_SEQUENCE:
      return make(sequence(context), whole);
    case P::K_LAST:
      return make(AsOfMatch{atom(context->head()), expr(context->expr())}, whole);
    case P::K_TEST:
      return make(BooleanTest{expr(context->expr())}, whole);
    default:
      break;
  }
  return from_expression(context);
}

Formula TreeBuilder::from_expression(P::TermContext* context) {
  const SourceSpan whole = span(context);
  P::ExprContext* left = context->expr();
  P::TermTailContext* tail = context->termTail();
  if (tail == nullptr || tail->window() != nullptr || tail->K_AS() != nullptr)
    return atom_term(left, tail);
  if (tail->K_IN() != nullptr) return make(Membership{expr(left), expr(tail->expr(0))}, whole);
  if (tail->K_IS() != nullptr) return make(NullTest{expr(left), tail->K_NOT() != nullptr}, whole);
  if (tail->ALLEN() != nullptr) {
    std::vector<Expr> operands = exprs(tail->expr());
    Allen allen;
    allen.relation = allen_relation(spelled(tail->ALLEN()));
    allen.left = expr(left);
    allen.right = std::move(operands.back());
    operands.pop_back();
    allen.bounds = std::move(operands);
    return make(std::move(allen), whole);
  }
  return make(Comparison{compare_op(tail->compareOp()), expr(left), expr(tail->expr(0))}, whole);
}

P::PrimaryContext* TreeBuilder::sole_primary(P::ExprContext* context) const {
  const std::vector<P::OperandContext*> operands = context->operand();
  if (operands.size() != 1 || !operands.front()->prefixOp().empty()) return nullptr;
  return operands.front()->primary();
}

// An expression without a comparison: an atom, a test that Souffle reserves, true or false.
Formula TreeBuilder::atom_term(P::ExprContext* context, P::TermTailContext* tail) {
  const SourceSpan whole =
      tail == nullptr ? SourceSpan(span(context)) : join(span(context), span(tail));
  P::PrimaryContext* only = sole_primary(context);
  const bool applied = only != nullptr && scanned(only->getStart()).type == P::IDENT &&
                       only->name() != nullptr &&
                       (only->LPAREN() != nullptr || only->LBRACE() != nullptr);
  if (!applied) {
    if (only != nullptr && tail == nullptr) {
      if (only->K_TRUE() != nullptr) return make(BooleanConstant{true}, whole);
      if (only->K_FALSE() != nullptr) return make(BooleanConstant{false}, whole);
    }
    const bool is_name =
        only != nullptr && scanned(only->getStart()).type == P::IDENT && only->name() != nullptr;
    if (is_name) {
      error(whole, "'" + std::string(scanner_.text_of(scanned(only->getStart()))) +
                       "' alone is no condition; expected '(', '{' or a comparison behind it");
    } else {
      error(whole, "an expression alone is no condition; expected a comparison, as in 'x > 1'");
    }
    return make(BooleanConstant{true}, whole);
  }
  Name called = name(only->name());
  const bool reserved = called.text == "match" || called.text == "contains";
  if (reserved && only->LPAREN() != nullptr && tail == nullptr)
    return make(BooleanTest{expr(context)}, whole);
  Atom result;
  result.relation = std::move(called);
  result.named = only->LBRACE() != nullptr;
  if (result.named) {
    result.fields = fields(only->fields());
  } else {
    result.args = args(only->args());
  }
  if (tail != nullptr && tail->window() != nullptr) result.window = window(tail->window());
  if (tail != nullptr && tail->K_AS() != nullptr) result.alias = name(tail->IDENT());
  result.span = whole;
  return make(std::move(result), whole);
}

Atom TreeBuilder::atom(P::HeadContext* context) {
  Atom result;
  result.relation = name(context->name());
  result.named = context->LBRACE() != nullptr;
  if (result.named) {
    result.fields = fields(context->fields());
  } else {
    result.args = args(context->args());
  }
  result.span = span(context);
  return result;
}

std::vector<FieldPattern> TreeBuilder::fields(P::FieldsContext* context) {
  std::vector<FieldPattern> result;
  if (context == nullptr) return result;
  for (P::FieldContext* field : context->field()) {
    FieldPattern pattern;
    pattern.field = name(field->IDENT());
    std::vector<Expr> values = exprs(field->expr());
    if (field->fieldOp() != nullptr) {
      pattern.constraint = FieldConstraint{field_op(field->fieldOp()), std::move(values.back())};
      values.pop_back();
    }
    if (!values.empty()) pattern.value = std::move(values.front());
    result.push_back(std::move(pattern));
  }
  return result;
}

Window TreeBuilder::window(P::WindowContext* context) {
  Window result;
  std::vector<Expr> sizes = exprs(context->expr());
  result.size = std::move(sizes.front());
  if (sizes.size() > 1) result.slide = std::move(sizes[1]);
  if (context->K_LAST() != nullptr) {
    result.kind = context->K_EVENTS() != nullptr ? WindowKind::kLastEvents : WindowKind::kLast;
  } else if (context->K_CURRENT() != nullptr) {
    result.kind = WindowKind::kCurrent;
  } else if (context->K_TUMBLING() != nullptr) {
    result.kind = WindowKind::kTumbling;
  } else if (context->K_HOPPING() != nullptr) {
    result.kind = WindowKind::kHopping;
  } else {
    result.kind = WindowKind::kSession;
  }
  result.span = span(context);
  return result;
}

std::vector<Expr> TreeBuilder::keys(P::KeysContext* context) {
  if (context->name() == nullptr) return exprs(context->expr());
  Name key = name(context->name());
  Expr result;
  result.span = key.span;
  if (key.text.find('.') == std::string::npos) {
    result.node = Variable{std::move(key.text)};
  } else {
    result.node = Path{std::move(key)};
  }
  std::vector<Expr> list;
  list.push_back(std::move(result));
  return list;
}

std::vector<NamedExpr> TreeBuilder::results(const std::vector<P::ResultContext*>& contexts) {
  std::vector<NamedExpr> list;
  for (P::ResultContext* context : contexts)
    list.push_back({name(context->IDENT()), expr(context->expr())});
  return list;
}

Sequence TreeBuilder::sequence(P::TermContext* context) {
  Sequence result;
  result.pattern = steps(context->steps());
  for (P::SequenceOptionContext* option : context->sequenceOption()) {
    if (option->K_WITHIN() != nullptr) {
      result.within = expr(option->expr());
    } else if (option->K_BY() != nullptr) {
      result.keys = keys(option->keys());
    } else {
      const std::string policy = word(option->IDENT());
      if (policy == "past_last") {
        result.skip = SkipPolicy::kPastLast;
      } else if (policy == "to_next") {
        result.skip = SkipPolicy::kToNext;
      } else if (policy == "none") {
        result.skip = SkipPolicy::kNone;
      } else {
        unknown_word(option->IDENT(), "skip policy", {"past_last", "to_next", "none"});
      }
    }
  }
  return result;
}

SequencePattern TreeBuilder::steps(P::StepsContext* context) {
  SequencePattern result;
  Connector connector = Connector::kStart;
  for (antlr4::tree::ParseTree* child : context->children) {
    if (auto* sign = dynamic_cast<Terminal*>(child)) {
      const std::uint16_t type = token(sign).type;
      connector = type == P::ARROW       ? Connector::kFollowedBy
                  : type == P::ARROW_ANY ? Connector::kFollowedByAny
                                         : Connector::kNext;
      continue;
    }
    result.steps.push_back(step(static_cast<P::StepContext*>(child)));
    result.steps.back().connector = connector;
  }
  return result;
}

SequenceStep TreeBuilder::step(P::StepContext* context) {
  SequenceStep result;
  result.span = span(context);
  result.negated = context->K_NOT() != nullptr;
  const std::vector<P::HeadContext*> heads = context->head();
  const bool alternatives = context->LPAREN() != nullptr;
  if (alternatives) {
    for (P::StepsContext* alternative : context->steps())
      result.alternatives.push_back(steps(alternative));
  } else {
    result.atom = atom(heads.front());
    if (context->K_AS() != nullptr) result.atom->alias = name(context->IDENT());
  }
  if (P::QuantifierContext* quantifier = context->quantifier(); quantifier != nullptr) {
    std::vector<Expr> bounds = exprs(quantifier->expr());
    Quantifier built;
    if (bounds.size() > 1) {
      built.max = std::move(bounds[1]);
    } else if (quantifier->STAR() == nullptr) {
      built.max = bounds.front();
    }
    built.min = std::move(bounds.front());
    result.quantifier = std::move(built);
  }
  if (context->K_WITHIN() != nullptr) result.within = expr(context->expr());
  if (context->K_UNTIL() != nullptr) result.until = atom(heads.back());
  return result;
}

}  // namespace entail::grammar::internal
