#include <array>
#include <utility>

#include "grammar/internal/tree_builder.h"

namespace entail::grammar::internal {

namespace {

using P = antlr::DatalogParser;

struct OperatorInfo {
  std::size_t type;
  BinaryOp op;
  int precedence;  // Souffle's, lowest first.
};

constexpr int kPowerPrecedence = 20;
constexpr int kPrefixPrecedence = 15;  // `-x ^ 2` is -(x ^ 2); `-x * 2` is (-x) * 2.

constexpr std::array<OperatorInfo, 15> kOperators = {{
    {P::K_LOR, BinaryOp::kLogicalOr, 1},
    {P::K_LXOR, BinaryOp::kLogicalXor, 2},
    {P::K_LAND, BinaryOp::kLogicalAnd, 3},
    {P::K_BOR, BinaryOp::kBitOr, 4},
    {P::K_BXOR, BinaryOp::kBitXor, 5},
    {P::K_BAND, BinaryOp::kBitAnd, 6},
    {P::K_BSHL, BinaryOp::kShiftLeft, 7},
    {P::K_BSHR, BinaryOp::kShiftRight, 7},
    {P::K_BSHRU, BinaryOp::kShiftRightUnsigned, 7},
    {P::PLUS, BinaryOp::kAdd, 8},
    {P::MINUS, BinaryOp::kSub, 8},
    {P::STAR, BinaryOp::kMul, 9},
    {P::SLASH, BinaryOp::kDiv, 9},
    {P::PERCENT, BinaryOp::kMod, 9},
    {P::CARET, BinaryOp::kPow, kPowerPrecedence},
}};

const OperatorInfo& info(P::BinaryOpContext* context) {
  const std::size_t type = context->getStart()->getType();
  for (const OperatorInfo& candidate : kOperators) {
    if (candidate.type == type) return candidate;
  }
  ENTAIL_ENSURE(false);
  return kOperators.front();
}

Expr make(Expr::Node node, const SourceSpan& span) {
  Expr result;
  result.node = std::move(node);
  result.span = span;
  return result;
}

bool is_numeric(const Literal& literal) {
  return literal.kind == LiteralKind::kNumber || literal.kind == LiteralKind::kUnsigned ||
         literal.kind == LiteralKind::kFloat;
}

}  // namespace

Literal TreeBuilder::literal(const ScannedToken& token) {
  const std::string_view text = scanner_.text_of(token);
  const auto digits = [](std::string_view spelled) {
    std::string result;
    for (const char c : spelled) {
      if (c != '_') result += c;
    }
    return result;
  };
  switch (token.type) {
    case P::NUMBER:
      if (text == "__LINE__")
        return {LiteralKind::kNumber, std::to_string(files_.locate(scanner_.span(token)).line)};
      return {LiteralKind::kNumber, digits(text)};
    case P::UNSIGNED:
      return {LiteralKind::kUnsigned, digits(text.substr(0, text.size() - 1))};
    case P::FLOAT:
      return {LiteralKind::kFloat,
              digits(text.ends_with('f') ? text.substr(0, text.size() - 1) : text)};
    case P::DURATION:
      return {LiteralKind::kDuration, std::string(text)};
    case P::TIMESTAMP:
      return {LiteralKind::kTimestamp, std::string(text)};
    case P::IPV4:
      return {LiteralKind::kIpv4, std::string(text)};
    case P::K_NIL:
      return {LiteralKind::kNil, {}};
    case P::K_TRUE:
      return {LiteralKind::kTrue, {}};
    case P::K_FALSE:
      return {LiteralKind::kFalse, {}};
    case P::K_NULL:
      return {LiteralKind::kNull, {}};
    default:
      break;
  }
  if (text == "__FILE__")
    return {LiteralKind::kString, files_.locate(scanner_.span(token)).file_name};
  std::size_t bad_escape = 0;
  Literal result{LiteralKind::kString, decode_string(text, &bad_escape)};
  if (bad_escape != std::string_view::npos) {
    ScannedToken escape = token;
    escape.begin += static_cast<std::uint32_t>(bad_escape);
    escape.end = escape.begin + 2;
    error(scanner_.span(escape),
          "unknown escape '" + std::string(text.substr(bad_escape, 2)) + "' in a string",
          R"(A backslash itself is written '\\'.)");
  }
  return result;
}

Expr TreeBuilder::literal_expr(Terminal* node) { return make(literal(token(node)), span(node)); }

std::vector<Expr> TreeBuilder::exprs(const std::vector<P::ExprContext*>& contexts) {
  std::vector<Expr> result;
  result.reserve(contexts.size());
  for (P::ExprContext* context : contexts) result.push_back(expr(context));
  return result;
}

std::vector<Expr> TreeBuilder::args(P::ArgsContext* context) {
  return context == nullptr ? std::vector<Expr>{} : exprs(context->expr());
}

Expr TreeBuilder::expr(P::ExprContext* context) {
  if (context->K_IF() != nullptr) {
    Conditional conditional;
    conditional.condition = term(context->term());
    conditional.then_value = expr(context->expr(0));
    conditional.else_value = expr(context->expr(1));
    return make(std::move(conditional), span(context));
  }
  std::size_t next = 0;
  return climb(context->operand(), context->binaryOp(), next, 0);
}

// Precedence climbing: operands[next] and what binds at least as tightly as precedence_min behind
// it. operators[i] stands behind operands[i].
Expr TreeBuilder::climb(const std::vector<P::OperandContext*>& operands,
                        const std::vector<P::BinaryOpContext*>& operators, std::size_t& next,
                        int precedence_min) {
  Expr left = operand(operands[next], operands, operators, next);
  while (next < operators.size() && info(operators[next]).precedence >= precedence_min) {
    const OperatorInfo& found = info(operators[next]);
    ++next;
    Expr right = climb(operands, operators, next,
                       found.op == BinaryOp::kPow ? found.precedence : found.precedence + 1);
    const SourceSpan whole = join(left.span, right.span);
    Binary binary;
    binary.op = found.op;
    binary.left = std::move(left);
    binary.right = std::move(right);
    left = make(std::move(binary), whole);
  }
  return left;
}

// An operand with its prefix operators, which bind weaker than `^`: `next` moves over the powers
// they cover.
Expr TreeBuilder::operand(P::OperandContext* context,
                          const std::vector<P::OperandContext*>& operands,
                          const std::vector<P::BinaryOpContext*>& operators, std::size_t& next) {
  const std::vector<P::PrefixOpContext*> prefixes = context->prefixOp();
  Expr value = primary(context->primary());
  if (prefixes.empty()) return value;
  while (next < operators.size() && info(operators[next]).precedence > kPrefixPrecedence) {
    ++next;
    Expr right = climb(operands, operators, next, kPowerPrecedence);
    const SourceSpan whole = join(value.span, right.span);
    Binary binary;
    binary.op = BinaryOp::kPow;
    binary.left = std::move(value);
    binary.right = std::move(right);
    value = make(std::move(binary), whole);
  }
  for (auto prefix = prefixes.rbegin(); prefix != prefixes.rend(); ++prefix) {
    const SourceSpan whole = join(span(*prefix), value.span);
    if ((*prefix)->MINUS() != nullptr) {
      if (auto* number = value.as<Literal>();
          number != nullptr && is_numeric(*number) && !number->text.starts_with('-')) {
        number->text.insert(number->text.begin(), '-');
        value.span = whole;
        continue;
      }
    }
    Unary unary;
    unary.op = (*prefix)->MINUS() != nullptr    ? UnaryOp::kMinus
               : (*prefix)->K_BNOT() != nullptr ? UnaryOp::kBitNot
                                                : UnaryOp::kLogicalNot;
    unary.operand = std::move(value);
    value = make(std::move(unary), whole);
  }
  return value;
}

Expr TreeBuilder::primary(P::PrimaryContext* context) {
  const SourceSpan whole = span(context);
  const ScannedToken& first = scanned(context->getStart());
  switch (first.type) {
    case P::UNDERSCORE:
      return make(Wildcard{}, whole);
    case P::DOLLAR:
      if (context->name() == nullptr) return make(Counter{}, whole);
      return make(AdtInit{name(context->name()), args(context->args())}, whole);
    case P::LBRACK:
    case P::LPAREN:
      return bracketed(context);
    case P::K_AS: {
      Cast cast;
      cast.value = expr(context->expr(0));
      cast.type = name(context->name());
      return make(std::move(cast), whole);
    }
    case P::AT:
      return at_call(context);
    case P::AGGREGATE: {
      Aggregate result = aggregate(std::string(scanner_.text_of(first)), scanner_.span(first),
                                   context->aggregateBody());
      result.target = args(context->args());
      const bool counts = result.function.text == "count";
      if (result.target.size() != (counts ? 0U : 1U)) {
        error(whole,
              counts ? "'count' counts what its body matches and takes no expression"
                     : "'" + result.function.text + "' takes one expression",
              counts ? "Write count : { … }." : "Write " + result.function.text + " x : { … }.");
      }
      return make(std::move(result), whole);
    }
    case P::IDENT:
      return named(context);
    default:
      return make(literal(first), whole);
  }
}

Expr TreeBuilder::bracketed(P::PrimaryContext* context) {
  const SourceSpan whole = span(context);
  const bool square = context->LBRACK() != nullptr;
  if (context->DOTDOT() != nullptr) {
    Range range;
    range.low = expr(context->expr(0));
    range.high = expr(context->expr(1));
    range.low_included = square;
    range.high_included = context->RBRACK() != nullptr;
    return make(std::move(range), whole);
  }
  if (square) return make(RecordInit{exprs(context->expr())}, whole);
  return expr(context->expr(0));
}

// `@f(x)` and `@@f init : target, { body }`.
Expr TreeBuilder::at_call(P::PrimaryContext* context) {
  const SourceSpan whole = span(context);
  if (context->AT().size() == 1) {
    Call call;
    call.name = name(context->IDENT());
    call.args = args(context->args());
    call.user_functor = true;
    return make(std::move(call), whole);
  }
  Aggregate result =
      aggregate(word(context->IDENT()), span(context->IDENT()), context->aggregateBody());
  result.user_defined = true;
  result.initial = args(context->args());
  result.target.push_back(expr(context->expr(0)));
  return make(std::move(result), whole);
}

Aggregate TreeBuilder::aggregate(std::string function, const NodeSpan& where,
                                 P::AggregateBodyContext* context) {
  Aggregate result;
  result.function = {std::move(function), where};
  if (context->head() != nullptr) {
    Formula formula;
    formula.span = span(context->head());
    formula.node = atom(context->head());
    result.body = std::move(formula);
  } else {
    result.body = body(context->body());
  }
  return result;
}

// A name, and what follows it: a variable, a path, a call.
Expr TreeBuilder::named(P::PrimaryContext* context) {
  const SourceSpan whole = span(context);
  Name called = name(context->name());
  if (context->LBRACE() != nullptr) {
    error(whole, "'" + called.text + "{…}' is a condition and has no value here");
    return make(Variable{called.text}, whole);
  }
  if (context->LPAREN() == nullptr) {
    if (called.text.find('.') != std::string::npos) return make(Path{std::move(called)}, whole);
    return make(Variable{std::move(called.text)}, whole);
  }
  Call call;
  call.name = std::move(called);
  call.args = args(context->args());
  if (call.name.text == "autoinc" && call.args.empty()) return make(Counter{}, whole);
  return make(std::move(call), whole);
}

Expr TreeBuilder::moment(P::MomentContext* context) {
  if (context->expr() != nullptr) return expr(context->expr());
  return make(literal(scanned(context->getStart())), span(context));
}

}  // namespace entail::grammar::internal
