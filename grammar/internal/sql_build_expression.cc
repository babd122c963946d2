// Expressions: the flat list of operands and operators becomes a tree.

#include <array>
#include <utility>

#include "grammar/internal/sql_builder.h"
#include "grammar/sql_parser.h"

namespace entail::grammar::internal {

namespace {

using P = antlr_sql::SqlParser;
using antlr4::ParserRuleContext;

// PostgreSQL's precedences, weakest first.
enum Precedence : std::uint8_t {
  kOr = 1,
  kAnd,
  kNot,
  kIs,
  kComparison,
  kLikeAndIn,
  kOtherOperator,
  kSum,
  kProduct,
  kPower,
  kAtZone,
  kCollation,
  kSign,
  kSubscription,
  kTypeCast,
};

bool is_non_associative(Precedence precedence) {
  return precedence == kIs || precedence == kComparison || precedence == kLikeAndIn;
}

Precedence precedence_of(std::size_t type) {
  switch (type) {
    case P::K_OR:
      return kOr;
    case P::K_AND:
      return kAnd;
    case P::LT:
    case P::GT:
    case P::EQ:
    case P::LE:
    case P::GE:
    case P::NE:
      return kComparison;
    case P::PLUS:
    case P::MINUS:
      return kSum;
    case P::STAR:
    case P::SLASH:
    case P::PERCENT:
      return kProduct;
    case P::CARET:
      return kPower;
    default:
      return kOtherOperator;
  }
}

ParserRuleContext* as_rule(antlr4::tree::ParseTree* child) {
  return static_cast<ParserRuleContext*>(child);
}

}  // namespace

// An operator that waits for its right operand.
struct SqlBuilder::Operator {
  enum class Kind : std::uint8_t {
    kPrefix,
    kNot,
    kInfix,
    kLogical,
    kLike,
    kLikeEscape,   // Three operands.
    kBetweenLow,   // Waits for its AND.
    kBetweenHigh,  // Three operands.
    kDistinct,
    kAtZone,
    kOverlaps,
    kQuantified,
  };
  Kind kind = Kind::kInfix;
  Precedence precedence = kOtherOperator;
  sql::OperatorName name;  // kPrefix, kInfix
  sql::Span span;
  bool negated = false;
  bool symmetric = false;
  sql::LogicalOp logical = sql::LogicalOp::kAnd;
  sql::LikeKind like = sql::LikeKind::kLike;
  std::size_t token = 0;  // Where a syntax error is told.
};

// The two stacks of one expression.
class SqlBuilder::Arrangement {
 public:
  using Kind = Operator::Kind;

  explicit Arrangement(SqlBuilder& builder) : builder_(builder) {}

  void push(Operand operand) { operands_.push_back(std::move(operand)); }
  void push_prefix(Operator op) { operators_.push_back(std::move(op)); }

  // Reduces what binds tighter than an operator of `precedence` at token `at`.
  void make_room(Precedence precedence, std::size_t at) {
    while (!operators_.empty()) {
      const Operator& top = operators_.back();
      if (top.kind == Kind::kBetweenLow) return;
      if (top.precedence < precedence) return;
      if (top.precedence == precedence && is_non_associative(precedence)) builder_.fail_at(at);
      reduce();
    }
  }

  void push_infix(Operator op) {
    make_room(op.precedence, op.token);
    operators_.push_back(std::move(op));
  }

  // True: this AND belongs to a BETWEEN.
  bool between_and() {
    for (auto op = operators_.rbegin(); op != operators_.rend(); ++op) {
      if (op->kind != Kind::kBetweenLow) continue;
      while (operators_.back().kind != Kind::kBetweenLow) reduce();
      operators_.back().kind = Kind::kBetweenHigh;
      return true;
    }
    return false;
  }

  void escape(std::size_t at) {
    while (!operators_.empty() && operators_.back().precedence > kLikeAndIn) reduce();
    if (operators_.empty() || operators_.back().kind != Kind::kLike) builder_.fail_at(at);
    operators_.back().kind = Kind::kLikeEscape;
  }

  Operand& top() { return operands_.back(); }

  // Replaces the topmost operand by a node over it.
  template <typename Node>
  void wrap(Node node, std::uint32_t end, std::uint32_t depth = 0) {
    Operand& operand = operands_.back();
    const sql::Span span{operand.expression.span.begin, end};
    operand.expression = sql::Expression{.node = std::move(node), .span = span};
    operand.depth = std::max(operand.depth, depth) + 1;
    operand.bare = false;
    check(operand);
  }

  Operand finish(std::size_t behind) {
    while (!operators_.empty()) {
      if (operators_.back().kind == Kind::kBetweenLow) builder_.fail_at(behind);
      reduce();
    }
    return std::move(operands_.back());
  }

 private:
  Operand take() {
    Operand operand = std::move(operands_.back());
    operands_.pop_back();
    return operand;
  }

  void check(const Operand& operand) const {
    if (operand.depth <= sql::kMaxDepth) return;
    SqlFields fields;
    fields.sqlstate = "54001";
    fields.hint = "An expression may be " + std::to_string(sql::kMaxDepth) + " levels deep.";
    throw BuildFailure{Error{ErrorCode::kLimit, "statement too complex",
                             std::make_shared<const SqlFields>(std::move(fields))}};
  }

  void put(sql::ExpressionNode node, std::uint32_t begin, std::uint32_t end, std::uint32_t depth) {
    operands_.push_back(
        {.expression = {.node = std::move(node), .span = {begin, end}}, .depth = depth + 1});
    check(operands_.back());
  }

  void reduce() {
    Operator op = std::move(operators_.back());
    operators_.pop_back();
    Operand right = take();
    const std::uint32_t end = right.expression.span.end;
    if (op.kind == Kind::kPrefix) {
      put(sql::Unary{std::move(op.name), std::move(right.expression)}, op.span.begin, end,
          right.depth);
      return;
    }
    if (op.kind == Kind::kNot) {
      put(sql::Not{std::move(right.expression)}, op.span.begin, end, right.depth);
      return;
    }
    Operand left = take();
    const std::uint32_t depth = std::max(left.depth, right.depth);
    if (op.kind == Kind::kLikeEscape || op.kind == Kind::kBetweenHigh) {
      Operand operand = take();
      const std::uint32_t begin = operand.expression.span.begin;
      const std::uint32_t deeper = std::max(depth, operand.depth);
      if (op.kind == Kind::kLikeEscape) {
        put(sql::Like{op.like, op.negated, std::move(operand.expression),
                      std::move(left.expression), std::move(right.expression), op.span},
            begin, end, deeper);
      } else {
        put(sql::Between{op.negated, op.symmetric, std::move(operand.expression),
                         std::move(left.expression), std::move(right.expression), op.span},
            begin, end, deeper);
      }
      return;
    }
    const std::uint32_t begin = left.expression.span.begin;
    switch (op.kind) {
      case Kind::kInfix:
        put(sql::Binary{std::move(op.name), std::move(left.expression),
                        std::move(right.expression)},
            begin, end, depth);
        return;
      case Kind::kQuantified: {
        // The right side was built as a Quantified without operator and left side.
        auto* quantified = right.expression.as<sql::Quantified>();
        quantified->op = std::move(op.name);
        quantified->left = std::move(left.expression);
        put(std::move(*quantified), begin, end, depth);
        return;
      }
      case Kind::kLogical:
        logical(op, std::move(left), std::move(right));
        return;
      case Kind::kLike:
        put(sql::Like{op.like,
                      op.negated,
                      std::move(left.expression),
                      std::move(right.expression),
                      {},
                      op.span},
            begin, end, depth);
        return;
      case Kind::kDistinct:
        put(sql::IsDistinct{op.negated, std::move(left.expression), std::move(right.expression),
                            op.span},
            begin, end, depth);
        return;
      case Kind::kAtZone:
        put(sql::AtTimeZone{std::move(left.expression), std::move(right.expression)}, begin, end,
            depth);
        return;
      case Kind::kOverlaps:
        put(overlaps(op, left, right), begin, end, depth);
        return;
      default:
        builder_.fail_at(op.token);
    }
  }

  // Joins `left AND right` to a chain; a bracketed chain on the left is one already, with the same
  // meaning.
  void logical(const Operator& op, Operand left, Operand right) {
    const std::uint32_t begin = left.expression.span.begin;
    const std::uint32_t end = right.expression.span.end;
    auto* chain = left.expression.as<sql::Logical>();
    if (chain != nullptr && chain->op == op.logical) {
      const std::uint32_t depth = std::max(left.depth, right.depth + 1);
      chain->operands.push_back(std::move(right.expression));
      left.expression.span.end = end;
      left.depth = depth;
      left.bare = false;
      check(left);
      operands_.push_back(std::move(left));
      return;
    }
    sql::Logical made{.op = op.logical, .operands = {}};
    made.operands.push_back(std::move(left.expression));
    made.operands.push_back(std::move(right.expression));
    put(std::move(made), begin, end, std::max(left.depth, right.depth));
  }

  sql::FunctionCall overlaps(const Operator& op, Operand& left, Operand& right) const {
    sql::FunctionCall call = builder_.plain_call("overlaps", op.token);
    for (Operand* side : {&left, &right}) {
      auto* row = side->expression.as<sql::Row>();
      if (row == nullptr) builder_.fail_at(op.token);
      if (row->fields.size() != 2) {
        builder_.fail(op.token, std::string("wrong number of parameters on ") +
                                    (side == &left ? "left" : "right") +
                                    " side of OVERLAPS expression");
      }
      for (sql::Expression& field : row->fields) {
        call.arguments.push_back({.value = std::move(field)});
      }
    }
    return call;
  }

  SqlBuilder& builder_;
  std::vector<Operand> operands_;
  std::vector<Operator> operators_;
};

sql::Expression SqlBuilder::expression(P::ExprContext* context) {
  using Kind = Operator::Kind;
  // One operand alone is the common case.
  if (context->children.size() == 1) {
    Operand only = primary(static_cast<P::PrimaryContext*>(context->children.front()));
    deepest_ = std::max(deepest_, only.depth);
    return std::move(only.expression);
  }
  Arrangement arrangement(*this);

  const auto prefix = [&](P::PrefixContext* written_prefix) {
    const std::size_t at = first(written_prefix);
    Operator op{.span = span_of(written_prefix), .token = at};
    if (type_at(at) == P::K_NOT) {
      op.kind = Kind::kNot;
      op.precedence = kNot;
    } else {
      op.kind = Kind::kPrefix;
      op.name = operator_between(at, last(written_prefix));
      op.precedence = type_at(at) == P::PLUS || type_at(at) == P::MINUS ? kSign : kOtherOperator;
    }
    arrangement.push_prefix(std::move(op));
  };

  const auto operand = [&](P::OperandContext* written_operand, Operator op) {
    const std::size_t start_type = type_at(first(written_operand));
    const bool quantified = written_operand->primary() == nullptr;
    if (quantified) {
      sql::Quantified right{.all = start_type == P::K_ALL};
      const std::uint32_t before = std::exchange(deepest_, 0);
      if (op.kind == Kind::kLike && op.like != sql::LikeKind::kSimilar) {
        op.name.symbol = op.negated ? "!~~" : "~~";
        if (op.like == sql::LikeKind::kIlike) op.name.symbol += '*';
        op.name.span = op.span;
      } else if (op.kind != Kind::kInfix) {
        fail_at(first(written_operand));
      }
      if (written_operand->query() != nullptr) {
        right.query = query(written_operand->query());
      } else {
        right.array = expression(written_operand->expr());
      }
      op.kind = Kind::kQuantified;
      const std::uint32_t depth = std::exchange(deepest_, before) + 1;
      arrangement.push_infix(std::move(op));
      arrangement.push({.expression = {.node = std::move(right), .span = span_of(written_operand)},
                        .depth = depth});
      return;
    }
    arrangement.push_infix(std::move(op));
    for (antlr4::tree::ParseTree* child : written_operand->children) {
      ParserRuleContext* const part = as_rule(child);
      if (part->getRuleIndex() == P::RulePrefix) {
        prefix(static_cast<P::PrefixContext*>(part));
      } else {
        arrangement.push(primary(static_cast<P::PrimaryContext*>(part)));
      }
    }
  };

  const auto tail = [&](P::ExprTailContext* written_tail) {
    std::size_t at = first(written_tail);
    const std::uint32_t end = tokens_[last(written_tail)].end;
    const std::size_t start = at;
    Operator op{.span = span_of_token(at), .token = at};
    if (type_at(at) == P::NOT_INFIX) {
      op.negated = true;
      ++at;
    }
    switch (type_at(at)) {
      case P::K_AND:
        if (arrangement.between_and()) {
          // The operand goes on the stack as it is.
          P::OperandContext* const high = written_tail->operand();
          if (high->primary() == nullptr) fail_at(first(high));
          for (antlr4::tree::ParseTree* child : high->children) {
            ParserRuleContext* const part = as_rule(child);
            if (part->getRuleIndex() == P::RulePrefix) {
              prefix(static_cast<P::PrefixContext*>(part));
            } else {
              arrangement.push(primary(static_cast<P::PrimaryContext*>(part)));
            }
          }
          return;
        }
        op.kind = Kind::kLogical;
        op.precedence = kAnd;
        op.logical = sql::LogicalOp::kAnd;
        operand(written_tail->operand(), std::move(op));
        return;
      case P::K_OR:
        op.kind = Kind::kLogical;
        op.precedence = kOr;
        op.logical = sql::LogicalOp::kOr;
        operand(written_tail->operand(), std::move(op));
        return;
      case P::K_ESCAPE: {
        arrangement.escape(at);
        P::OperandContext* const escape = written_tail->operand();
        if (escape->primary() == nullptr || escape->children.size() != 1) fail_at(first(escape));
        arrangement.push(primary(escape->primary()));
        return;
      }
      case P::K_LIKE:
      case P::K_ILIKE:
      case P::K_SIMILAR:
        op.kind = Kind::kLike;
        op.precedence = kLikeAndIn;
        op.like = type_at(at) == P::K_LIKE    ? sql::LikeKind::kLike
                  : type_at(at) == P::K_ILIKE ? sql::LikeKind::kIlike
                                              : sql::LikeKind::kSimilar;
        operand(written_tail->operand(), std::move(op));
        return;
      case P::K_BETWEEN:
        op.kind = Kind::kBetweenLow;
        op.precedence = kLikeAndIn;
        op.symmetric = type_at(at + 1) == P::K_SYMMETRIC;
        operand(written_tail->operand(), std::move(op));
        return;
      case P::K_IN: {
        arrangement.make_room(kLikeAndIn, start);
        const std::uint32_t before = std::exchange(deepest_, 0);
        sql::Expression left = std::move(arrangement.top().expression);
        if (written_tail->query() != nullptr) {
          sql::Query asked = query(written_tail->query());
          const std::uint32_t depth = std::exchange(deepest_, before);
          arrangement.wrap(sql::InQuery{op.negated, std::move(left), std::move(asked), op.span},
                           end, depth);
        } else {
          std::vector<sql::Expression> list = expressions(written_tail->exprList());
          const std::uint32_t depth = std::exchange(deepest_, before);
          arrangement.wrap(sql::InList{op.negated, std::move(left), std::move(list), op.span}, end,
                           depth);
        }
        return;
      }
      case P::K_IS: {
        ++at;
        if (type_at(at) == P::K_NOT) {
          op.negated = true;
          ++at;
        }
        if (type_at(at) == P::K_DISTINCT) {
          op.kind = Kind::kDistinct;
          op.precedence = kIs;
          operand(written_tail->operand(), std::move(op));
          return;
        }
        arrangement.make_room(kIs, start);
        if (type_at(last(written_tail)) == P::K_NORMALIZED) {
          sql::FunctionCall call = plain_call("is_normalized", start);
          call.arguments.push_back({.value = std::move(arrangement.top().expression)});
          if (type_at(at) == P::IDENT) {
            call.arguments.push_back(
                {.value = sql::Expression{
                     .node = sql::Literal{sql::LiteralKind::kString, identifier_at(at).text},
                     .span = span_of_token(at)}});
          }
          arrangement.wrap(std::move(call), end);
          if (op.negated) {
            sql::Expression inner = std::move(arrangement.top().expression);
            arrangement.wrap(sql::Not{std::move(inner)}, end);
          }
          return;
        }
        sql::IsTest test{.negated = op.negated};
        test.kind = type_at(at) == P::K_NULL    ? sql::IsKind::kNull
                    : type_at(at) == P::K_TRUE  ? sql::IsKind::kTrue
                    : type_at(at) == P::K_FALSE ? sql::IsKind::kFalse
                                                : sql::IsKind::kUnknown;
        test.operand = std::move(arrangement.top().expression);
        arrangement.wrap(std::move(test), end);
        return;
      }
      case P::K_ISNULL:
      case P::K_NOTNULL: {
        arrangement.make_room(kIs, start);
        sql::IsTest test{.negated = type_at(at) == P::K_NOTNULL};
        test.operand = std::move(arrangement.top().expression);
        arrangement.wrap(std::move(test), end);
        return;
      }
      case P::AT_ZONE:
        op.kind = Kind::kAtZone;
        op.precedence = kAtZone;
        operand(written_tail->operand(), std::move(op));
        return;
      case P::K_OVERLAPS:
        op.kind = Kind::kOverlaps;
        operand(written_tail->operand(), std::move(op));
        return;
      case P::TYPECAST: {
        arrangement.make_room(kTypeCast, start);
        sql::TypeName type = type_name(written_tail->typeName());
        sql::Expression inner = std::move(arrangement.top().expression);
        arrangement.wrap(sql::Cast{std::move(inner), std::move(type)}, end);
        return;
      }
      case P::K_COLLATE: {
        arrangement.make_room(kCollation, start);
        sql::Expression inner = std::move(arrangement.top().expression);
        arrangement.wrap(sql::Collate{std::move(inner), dotted(written_tail->anyName())}, end);
        return;
      }
      case P::LBRACK: {
        const std::uint32_t before = std::exchange(deepest_, 0);
        sql::SubscriptPart part = subscript(written_tail);
        const std::uint32_t depth = std::exchange(deepest_, before);
        arrangement.make_room(kSubscription, start);
        if (auto* more = arrangement.top().expression.as<sql::Subscript>()) {
          more->parts.push_back(std::move(part));
          arrangement.top().expression.span.end = end;
          arrangement.top().depth = std::max(arrangement.top().depth, depth + 1);
          return;
        }
        sql::Subscript made_subscript{.operand = std::move(arrangement.top().expression),
                                      .parts = {}};
        made_subscript.parts.push_back(std::move(part));
        arrangement.wrap(std::move(made_subscript), end, depth);
        return;
      }
      case P::DOT: {
        Operand& top = arrangement.top();
        const bool star = type_at(at + 1) == P::STAR;
        if (top.bare) {
          auto* column = top.expression.as<sql::ColumnRef>();
          if (column->star) fail_at(at);
          if (star) {
            column->star = true;
          } else {
            column->parts.push_back(identifier_at(at + 1));
          }
          top.expression.span.end = end;
          return;
        }
        sql::FieldSelection selection{.operand = std::move(top.expression), .star = star};
        if (!star) selection.field = identifier_at(at + 1);
        arrangement.wrap(std::move(selection), end);
        return;
      }
      case P::LPAREN: {
        Operand& top = arrangement.top();
        auto* column = top.bare ? top.expression.as<sql::ColumnRef>() : nullptr;
        if (column == nullptr || column->star) fail_at(at);
        sql::FunctionCall call;
        call.name.parts = std::move(column->parts);
        call.name.span = top.expression.span;
        const std::uint32_t before = std::exchange(deepest_, 0);
        call_suffix(call, written_tail->callSuffix());
        const std::uint32_t depth = std::exchange(deepest_, before);
        arrangement.wrap(std::move(call), end, depth);
        return;
      }
      case P::STRING: {
        Operand& top = arrangement.top();
        sql::TypedLiteral literal;
        if (auto* typed = top.expression.as<sql::TypedLiteral>(); typed != nullptr && top.bare) {
          literal = std::move(*typed);
        } else if (auto* column = top.expression.as<sql::ColumnRef>();
                   column != nullptr && top.bare && !column->star) {
          literal.type.name = {.parts = std::move(column->parts), .span = top.expression.span};
          literal.type.span = top.expression.span;
        } else {
          fail_at(at);
        }
        literal.text = string_at(at);
        if (written_tail->intervalFields() != nullptr) {
          if (literal.type.name.parts.front().text != "interval") fail_at(at + 1);
          add_interval_fields(literal.type, written_tail->intervalFields());
        }
        const std::uint32_t begin = top.expression.span.begin;
        top.expression = {.node = std::move(literal), .span = {begin, end}};
        top.bare = false;
        return;
      }
      default: {  // A sign, or OPERATOR(...).
        const std::size_t behind =
            type_at(at) == P::K_OPERATOR ? first(written_tail->operand()) - 1 : at;
        op.kind = Kind::kInfix;
        op.precedence = precedence_of(type_at(at));
        op.name = operator_between(at, behind);
        operand(written_tail->operand(), std::move(op));
        return;
      }
    }
  };

  for (antlr4::tree::ParseTree* child : context->children) {
    ParserRuleContext* const part = as_rule(child);
    switch (part->getRuleIndex()) {
      case P::RulePrefix:
        prefix(static_cast<P::PrefixContext*>(part));
        break;
      case P::RulePrimary:
        arrangement.push(primary(static_cast<P::PrimaryContext*>(part)));
        break;
      default:
        tail(static_cast<P::ExprTailContext*>(part));
        break;
    }
  }
  Operand whole = arrangement.finish(last(context) + 1);
  deepest_ = std::max(deepest_, whole.depth);
  return std::move(whole.expression);
}

std::vector<sql::Expression> SqlBuilder::expressions(P::ExprListContext* list) {
  std::vector<sql::Expression> built;
  if (list == nullptr) return built;
  built.reserve((list->children.size() + 1) / 2);
  // Every second child is a comma.
  for (std::size_t i = 0; i < list->children.size(); i += 2) {
    built.push_back(expression(static_cast<P::ExprContext*>(list->children[i])));
  }
  return built;
}

std::vector<sql::Expression> SqlBuilder::expressions(const std::vector<P::ExprContext*>& list) {
  std::vector<sql::Expression> built;
  built.reserve(list.size());
  for (P::ExprContext* context : list) built.push_back(expression(context));
  return built;
}

Maybe<sql::Expression> SqlBuilder::maybe_expression(P::ExprContext* context) {
  if (context == nullptr) return {};
  return expression(context);
}

Maybe<sql::Expression> SqlBuilder::where(P::WhereClauseContext* context) {
  if (context == nullptr) return {};
  return expression(context->expr());
}

sql::SubscriptPart SqlBuilder::subscript(ParserRuleContext* context) {
  sql::SubscriptPart part;
  bool colon = false;
  for (antlr4::tree::ParseTree* child : context->children) {
    if (auto* index = dynamic_cast<P::ExprContext*>(child)) {
      Maybe<sql::Expression>& side = colon ? part.upper : part.lower;
      side = expression(index);
    } else if (auto* sign = dynamic_cast<antlr4::tree::TerminalNode*>(child)) {
      colon = colon || sign->getSymbol()->getType() == P::COLON;
    }
  }
  part.slice = colon;
  if (!colon) {
    if (!part.lower) fail_at(last(context));
    part.upper = std::move(part.lower);
    part.lower = {};
  }
  return part;
}

}  // namespace entail::grammar::internal
