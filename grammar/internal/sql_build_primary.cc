// Operands of expressions, calls, types and names.

#include <charconv>
#include <utility>

#include "grammar/internal/sql_builder.h"

namespace entail::grammar::internal {

namespace {

using P = antlr_sql::SqlParser;
using antlr4::ParserRuleContext;

sql::Expression string_literal(std::string text, sql::Span span) {
  return {.node = sql::Literal{sql::LiteralKind::kString, std::move(text)}, .span = span};
}

std::optional<sql::ValueFunctionKind> value_function(std::size_t type) {
  using Kind = sql::ValueFunctionKind;
  switch (type) {
    case P::K_CURRENT_DATE:
      return Kind::kCurrentDate;
    case P::K_CURRENT_TIME:
      return Kind::kCurrentTime;
    case P::K_CURRENT_TIMESTAMP:
      return Kind::kCurrentTimestamp;
    case P::K_LOCALTIME:
      return Kind::kLocaltime;
    case P::K_LOCALTIMESTAMP:
      return Kind::kLocaltimestamp;
    case P::K_CURRENT_USER:
      return Kind::kCurrentUser;
    case P::K_CURRENT_ROLE:
      return Kind::kCurrentRole;
    case P::K_SESSION_USER:
      return Kind::kSessionUser;
    case P::K_USER:
      return Kind::kUser;
    case P::K_CURRENT_CATALOG:
      return Kind::kCurrentCatalog;
    case P::K_CURRENT_SCHEMA:
      return Kind::kCurrentSchema;
    default:
      return std::nullopt;
  }
}

}  // namespace

// ------------------------------------------------------------------------------------------------
// Tokens
// ------------------------------------------------------------------------------------------------

void SqlBuilder::fail_at(std::size_t i) const {
  throw BuildFailure{
      sql_error_near(text_, tokens_[std::min(i, tokens_.size() - 1)], "syntax error")};
}

void SqlBuilder::fail(std::size_t i, std::string message, std::string sqlstate) const {
  throw BuildFailure{sql_error_at(text_, tokens_[std::min(i, tokens_.size() - 1)].begin,
                                  std::move(message), std::move(sqlstate))};
}

std::string SqlBuilder::written_between(std::size_t begin, std::size_t end) const {
  if (begin >= end) return {};
  const std::uint32_t from = tokens_[begin].begin;
  return std::string(text_.substr(from, tokens_[end - 1].end - from));
}

std::string SqlBuilder::words(ParserRuleContext* context) const {
  std::string text;
  for (std::size_t i = first(context); i <= last(context); ++i) {
    if (!text.empty()) text += ' ';
    text += identifier_at(i).text;
  }
  return text;
}

sql::Identifier SqlBuilder::identifier_at(std::size_t i) const {
  sql::Identifier made{.span = span_of_token(i)};
  auto text = identifier_text(text_, tokens_[i], made.quoted);
  if (!text) throw BuildFailure{text.error()};
  made.text = std::move(*text);
  return made;
}

std::vector<sql::Identifier> SqlBuilder::columns(P::ColumnListContext* list) const {
  std::vector<sql::Identifier> names;
  if (list == nullptr) return names;
  for (P::ColIdContext* word : list->colId()) names.push_back(identifier(word));
  return names;
}

sql::QualifiedName SqlBuilder::dotted(std::size_t begin, std::size_t end) const {
  sql::QualifiedName name;
  for (std::size_t i = begin; i <= end; i += 2) name.parts.push_back(identifier_at(i));
  name.span = {tokens_[begin].begin, tokens_[end].end};
  return name;
}

std::string SqlBuilder::string_at(std::size_t i) const {
  auto text = decode_string(text_, tokens_[i]);
  if (!text) throw BuildFailure{text.error()};
  return std::move(*text);
}

std::int64_t SqlBuilder::integer(P::SignedNumberContext* number) const {
  const std::size_t at = last(number);
  std::string digits(type_at(first(number)) == P::MINUS ? "-" : "");
  digits += written(at);
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem != std::errc() || end != digits.data() + digits.size()) fail_at(at);
  return value;
}

sql::OperatorName SqlBuilder::operator_between(std::size_t begin, std::size_t end) const {
  sql::OperatorName name{.span = {tokens_[begin].begin, tokens_[end].end}};
  std::size_t sign = begin;
  if (type_at(begin) == P::K_OPERATOR) {
    // OPERATOR ( schema . sign )
    for (sign = begin + 2; type_at(sign + 1) == P::DOT; sign += 2) {
      name.schema.push_back(identifier_at(sign));
    }
  }
  name.symbol = type_at(sign) == P::NE ? "<>" : std::string(written(sign));
  return name;
}

sql::FunctionCall SqlBuilder::plain_call(std::string_view name, std::size_t at) const {
  sql::FunctionCall call;
  call.name.span = span_of_token(at);
  call.name.parts.push_back({.text = std::string(name), .span = call.name.span});
  return call;
}

// ------------------------------------------------------------------------------------------------
// Types
// ------------------------------------------------------------------------------------------------

void SqlBuilder::add_modifiers(sql::TypeName& type, P::ModifiersContext* modifiers) const {
  if (modifiers == nullptr) return;
  for (P::SignedNumberContext* number : modifiers->signedNumber()) {
    type.modifiers.push_back(integer(number));
  }
}

void SqlBuilder::add_interval_fields(sql::TypeName& type, P::IntervalFieldsContext* fields) const {
  if (fields == nullptr) return;
  std::string text;
  for (std::size_t i = first(fields); i <= last(fields) && type_at(i) != P::LPAREN; ++i) {
    if (!text.empty()) text += ' ';
    text += identifier_at(i).text;
  }
  type.interval_fields = std::move(text);
  const auto modifiers = fields->modifiers();
  add_modifiers(type, modifiers);
}

sql::TypeName SqlBuilder::keyword_type(P::KeywordTypeContext* context) const {
  sql::TypeName type{.span = span_of(context)};
  std::size_t at = first(context);
  std::string name;
  add_modifiers(type, context->modifiers());
  const auto varying = [&] { return has(context, P::K_VARYING); };
  if (type_at(at) == P::K_NATIONAL) {
    ++at;
    if (type_at(at) == P::K_BIT || type_at(at) == P::K_NCHAR) fail_at(at);
  }
  switch (type_at(at)) {
    case P::K_INT:
    case P::K_INTEGER:
      name = "integer";
      break;
    case P::K_SMALLINT:
      name = "smallint";
      break;
    case P::K_BIGINT:
      name = "bigint";
      break;
    case P::K_REAL:
      name = "real";
      break;
    case P::K_BOOLEAN:
      name = "boolean";
      break;
    case P::K_DOUBLE:
      name = has(context, P::K_PRECISION) ? "double precision" : "double";
      break;
    case P::K_FLOAT: {
      const std::int64_t bits = type.modifiers.empty() ? 53 : type.modifiers.front();
      if (bits < 1) fail(at, "precision for type float must be at least 1 bit", "22023");
      if (bits > 53) fail(at, "precision for type float must be less than 54 bits", "22023");
      name = bits <= 24 ? "real" : "double precision";
      type.modifiers.clear();
      break;
    }
    case P::K_DECIMAL:
    case P::K_DEC:
    case P::K_NUMERIC:
      name = "numeric";
      break;
    case P::K_VARCHAR:
      name = "character varying";
      break;
    case P::K_BIT:
      name = varying() ? "bit varying" : "bit";
      break;
    case P::K_CHARACTER:
    case P::K_CHAR:
    case P::K_NCHAR:
      name = varying() ? "character varying" : "character";
      break;
    case P::K_TIME:
    case P::K_TIMESTAMP:
      name = type_at(at) == P::K_TIME ? "time" : "timestamp";
      if (has(context, P::WITH_TIME)) name += " with time zone";
      break;
    default:
      name = "interval";
      break;
  }
  type.name.span = type.span;
  type.name.parts.push_back({.text = std::move(name), .span = type.span});
  return type;
}

sql::TypeName SqlBuilder::type_name(P::TypeNameContext* context) {
  sql::TypeName type;
  if (context->keywordType() != nullptr) {
    type = keyword_type(context->keywordType());
  } else if (context->typeWord() != nullptr) {
    const std::size_t begin = first(context->typeWord());
    type.name = dotted(begin, begin + 2 * context->colLabel().size());
    add_modifiers(type, context->modifiers());
  } else {
    const std::size_t at = position(context->K_INTERVAL());
    type.name.span = span_of_token(at);
    type.name.parts.push_back({.text = "interval", .span = type.name.span});
    add_modifiers(type, context->modifiers());
  }
  if (context->intervalFields() != nullptr) {
    if (type.name.parts.front().text != "interval") fail_at(first(context->intervalFields()));
    add_interval_fields(type, context->intervalFields());
  }
  type.set_of = context->K_SETOF() != nullptr;
  type.array_dimensions =
      context->K_ARRAY() != nullptr ? 1 : static_cast<std::uint32_t>(context->LBRACK().size());
  type.span = span_of(context);
  return type;
}

// ------------------------------------------------------------------------------------------------
// Operands
// ------------------------------------------------------------------------------------------------

SqlBuilder::Operand SqlBuilder::primary(P::PrimaryContext* context) {
  const std::size_t at = first(context);
  Operand operand{.expression = {.node = sql::Literal{}, .span = span_of(context)}};
  sql::ExpressionNode& node = operand.expression.node;
  const auto literal = [&](sql::LiteralKind kind, std::string text = {}) {
    node = sql::Literal{kind, std::move(text)};
  };
  const std::uint32_t before = std::exchange(deepest_, 0);
  switch (type_at(at)) {
    case P::ICONST:
      literal(sql::LiteralKind::kInteger, std::string(written(at)));
      break;
    case P::FCONST:
      literal(sql::LiteralKind::kNumeric, std::string(written(at)));
      break;
    case P::STRING:
      literal(sql::LiteralKind::kString, string_at(at));
      break;
    case P::BIT_STRING:
      literal(sql::LiteralKind::kBitString, string_at(at));
      break;
    case P::HEX_STRING:
      literal(sql::LiteralKind::kHexString, string_at(at));
      break;
    case P::K_TRUE:
      literal(sql::LiteralKind::kTrue);
      break;
    case P::K_FALSE:
      literal(sql::LiteralKind::kFalse);
      break;
    case P::K_NULL:
      literal(sql::LiteralKind::kNull);
      break;
    case P::K_DEFAULT:
      node = sql::DefaultValue{};
      break;
    case P::PARAM: {
      const std::string_view digits = written(at).substr(1);
      std::uint32_t number = 0;
      const auto [end, problem] =
          std::from_chars(digits.data(), digits.data() + digits.size(), number);
      constexpr std::uint32_t kParametersMax = 65535;
      if (problem != std::errc() || number == 0 || number > kParametersMax) {
        fail(at, "there is no parameter " + std::string(written(at)), "42P02");
      }
      parameter_count_ = std::max(parameter_count_, number);
      node = sql::Parameter{number};
      break;
    }
    case P::LPAREN:
      operand.expression = bracketed(context);
      break;
    case P::QUERY_OPEN:
      node = sql::Subquery{sql::SubqueryKind::kScalar, query(context->query())};
      break;
    case P::K_CASE:
      node = case_of(context);
      break;
    case P::K_EXISTS:
      node = sql::Subquery{sql::SubqueryKind::kExists, query(context->query())};
      break;
    case P::K_ARRAY:
      if (context->query() != nullptr) {
        node = sql::Subquery{sql::SubqueryKind::kArray, query(context->query())};
      } else {
        node = array_of(context->arrayBody());
      }
      break;
    case P::K_ROW:
      node = sql::Row{expressions(context->exprList()), true};
      break;
    case P::CURRENT_OF:
      node = sql::CurrentOf{identifier(context->colId())};
      break;
    default:
      if (context->specialCall() != nullptr) {
        node = special_call(context->specialCall());
      } else if (context->keywordType() != nullptr) {
        // A type before a string, or else a column of that name.
        operand.bare = true;
        if (type_at(last(context) + 1) == P::STRING) {
          node = sql::TypedLiteral{keyword_type(context->keywordType()), {}};
        } else if (first(context) == last(context)) {
          node = sql::ColumnRef{.parts = {identifier_at(at)}};
        } else {
          fail_at(last(context) + 1);
        }
      } else {
        operand.bare = true;
        node = sql::ColumnRef{.parts = {identifier_at(at)}};
      }
      break;
  }
  operand.depth = std::exchange(deepest_, before) + 1;
  return operand;
}

sql::Expression SqlBuilder::bracketed(P::PrimaryContext* context) {
  if (context->exprList() == nullptr) fail_at(last(context));
  std::vector<sql::Expression> list = expressions(context->exprList());
  if (list.size() == 1) return std::move(list.front());
  return {.node = sql::Row{std::move(list), false}, .span = span_of(context)};
}

sql::ExpressionNode SqlBuilder::case_of(P::PrimaryContext* context) {
  sql::Case made;
  std::size_t before = P::K_CASE;
  Maybe<sql::Expression> condition;
  for (antlr4::tree::ParseTree* child : context->children) {
    if (auto* word = dynamic_cast<antlr4::tree::TerminalNode*>(child)) {
      before = word->getSymbol()->getType();
      continue;
    }
    sql::Expression part = expression(static_cast<P::ExprContext*>(child));
    switch (before) {
      case P::K_CASE:
        made.operand = std::move(part);
        break;
      case P::K_WHEN:
        condition = std::move(part);
        break;
      case P::K_THEN:
        made.branches.push_back({std::move(*condition), std::move(part)});
        break;
      default:
        made.otherwise = std::move(part);
        break;
    }
  }
  return made;
}

sql::ExpressionNode SqlBuilder::array_of(P::ArrayBodyContext* context) {
  sql::ArrayConstructor made{.elements = expressions(context->expr())};
  for (P::ArrayBodyContext* inner : context->arrayBody()) {
    made.elements.push_back({.node = array_of(inner), .span = span_of(inner)});
  }
  return made;
}

sql::ExpressionNode SqlBuilder::special_call(P::SpecialCallContext* context) {
  const std::size_t at = first(context);
  const std::vector<P::ExprContext*> parts = context->expr();
  const auto call = [&](std::string_view name, std::vector<sql::Expression> arguments) {
    sql::FunctionCall made_call = plain_call(name, at);
    for (sql::Expression& argument : arguments) {
      made_call.arguments.push_back({.value = std::move(argument)});
    }
    return made_call;
  };
  const auto special = [&](sql::SpecialKind kind) -> sql::ExpressionNode {
    sql::SpecialCall made_call{kind, expressions(context->exprList())};
    if (kind == sql::SpecialKind::kNullif && made_call.arguments.size() != 2) {
      fail_at(last(context));
    }
    return made_call;
  };
  switch (type_at(at)) {
    case P::K_COALESCE:
      return special(sql::SpecialKind::kCoalesce);
    case P::K_NULLIF:
      return special(sql::SpecialKind::kNullif);
    case P::K_GREATEST:
      return special(sql::SpecialKind::kGreatest);
    case P::K_LEAST:
      return special(sql::SpecialKind::kLeast);
    case P::K_GROUPING:
      return special(sql::SpecialKind::kGrouping);
    case P::K_CAST:
    case P::K_TREAT:
      return sql::Cast{expression(parts.front()), type_name(context->typeName())};
    case P::K_EXTRACT: {
      const std::size_t field = at + 2;
      std::vector<sql::Expression> arguments;
      arguments.push_back(
          string_literal(type_at(field) == P::STRING ? string_at(field) : identifier_at(field).text,
                         span_of_token(field)));
      arguments.push_back(expression(parts.front()));
      return call("extract", std::move(arguments));
    }
    case P::K_SUBSTRING: {
      P::SubstringBodyContext* const body = context->substringBody();
      if (body == nullptr) return call("substring", {});
      std::vector<sql::Expression> arguments = expressions(body->expr());
      if (!has(body, P::COMMA) && has(body, P::K_FOR)) {
        const bool for_first =
            !has(body, P::K_FROM) || position(body->K_FOR()) < position(body->K_FROM());
        if (for_first && has(body, P::K_FROM)) {
          std::swap(arguments[1], arguments[2]);
        } else if (for_first) {
          const sql::Span span = arguments[1].span;
          arguments.insert(arguments.begin() + 1,
                           {.node = sql::Literal{sql::LiteralKind::kInteger, "1"}, .span = span});
        }
      }
      return call("substring", std::move(arguments));
    }
    case P::K_POSITION: {
      std::vector<sql::Expression> arguments = expressions(parts);
      std::swap(arguments[0], arguments[1]);
      return call("position", std::move(arguments));
    }
    case P::K_TRIM: {
      P::TrimBodyContext* const body = context->trimBody();
      std::vector<sql::Expression> arguments;
      if (body->exprList() != nullptr) arguments = expressions(body->exprList());
      std::vector<sql::Expression> front = expressions(body->expr());
      if (has(body, P::K_FROM)) {
        for (sql::Expression& removed : front) arguments.push_back(std::move(removed));
      } else {
        arguments = std::move(front);
      }
      return call(has(context, P::K_LEADING)    ? "ltrim"
                  : has(context, P::K_TRAILING) ? "rtrim"
                                                : "btrim",
                  std::move(arguments));
    }
    case P::K_OVERLAY:
      return call("overlay", expressions(parts));
    case P::K_NORMALIZE: {
      std::vector<sql::Expression> arguments = expressions(parts);
      if (context->colLabel() != nullptr) {
        arguments.push_back(
            string_literal(identifier(context->colLabel()).text, span_of(context->colLabel())));
      }
      return call("normalize", std::move(arguments));
    }
    case P::K_COLLATION:
      return call("pg_collation_for", expressions(parts));
    default:
      break;
  }
  const std::optional<sql::ValueFunctionKind> kind = value_function(type_at(at));
  sql::ValueFunction made_call{.kind = *kind, .precision = {}};
  if (context->ICONST() != nullptr) {
    std::uint32_t precision = 0;
    const std::string_view digits = written(position(context->ICONST()));
    std::from_chars(digits.data(), digits.data() + digits.size(), precision);
    made_call.precision = precision;
  } else if (has(context, P::LPAREN) && *kind != sql::ValueFunctionKind::kCurrentSchema) {
    fail_at(position(context->LPAREN()));
  }
  return made_call;
}

// ------------------------------------------------------------------------------------------------
// Calls
// ------------------------------------------------------------------------------------------------

void SqlBuilder::call_suffix(sql::FunctionCall& call, P::CallSuffixContext* context) {
  call.star = context->STAR() != nullptr;
  call.distinct = context->K_DISTINCT() != nullptr;
  for (P::ArgumentContext* written_argument : context->argument()) {
    sql::Argument argument;
    if (written_argument->ARGUMENT_NAME() != nullptr) {
      argument.name = identifier_at(position(written_argument->ARGUMENT_NAME()));
    }
    argument.variadic = written_argument->K_VARIADIC() != nullptr;
    argument.value = expression(written_argument->expr());
    call.arguments.push_back(std::move(argument));
  }
  call.within_group = context->K_WITHIN() != nullptr;
  for (P::OrderByContext* order : context->orderBy()) {
    if (!call.order_by.empty()) {
      fail(position(context->K_WITHIN()), "cannot use multiple ORDER BY clauses with WITHIN GROUP");
    }
    call.order_by = order_by(order);
  }
  if (call.within_group && call.distinct) {
    fail(position(context->K_WITHIN()), "cannot use DISTINCT with WITHIN GROUP");
  }
  if (context->K_FILTER() != nullptr) call.filter = expression(context->expr());
  if (context->K_OVER() != nullptr) {
    if (context->windowSpec() != nullptr) {
      sql::Window over = window(context->windowSpec());
      call.over = std::move(over);
    } else {
      sql::Window over{.reference = true, .base = identifier(context->colId())};
      over.span = span_of(context->colId());
      call.over = std::move(over);
    }
  }
}

sql::Window SqlBuilder::window(P::WindowSpecContext* context) {
  sql::Window made_window;
  if (context->children.empty()) return made_window;
  made_window.span = span_of(context);
  if (context->colId() != nullptr) made_window.base = identifier(context->colId());
  made_window.partition_by = expressions(context->exprList());
  made_window.order_by = order_by(context->orderBy());
  if (context->frame() != nullptr) made_window.frame = frame(context->frame());
  return made_window;
}

sql::Frame SqlBuilder::frame(P::FrameContext* context) {
  sql::Frame made_frame{.span = span_of(context)};
  made_frame.mode = has(context, P::K_ROWS)    ? sql::FrameMode::kRows
                    : has(context, P::K_RANGE) ? sql::FrameMode::kRange
                                               : sql::FrameMode::kGroups;
  const auto bounds = context->frameBound();
  made_frame.start = frame_bound(bounds.front());
  if (bounds.size() > 1) made_frame.end = frame_bound(bounds.back());
  if (made_frame.start.kind == sql::FrameBoundKind::kUnboundedFollowing) {
    fail(first(bounds.front()), "frame start cannot be UNBOUNDED FOLLOWING", "42P20");
  }
  if (made_frame.end && made_frame.end->kind == sql::FrameBoundKind::kUnboundedPreceding) {
    fail(first(bounds.back()), "frame end cannot be UNBOUNDED PRECEDING", "42P20");
  }
  const sql::FrameBoundKind from = made_frame.start.kind;
  const sql::FrameBoundKind to =
      made_frame.end ? made_frame.end->kind : sql::FrameBoundKind::kCurrentRow;
  if (from == sql::FrameBoundKind::kCurrentRow && to == sql::FrameBoundKind::kPreceding) {
    fail(first(bounds.back()), "frame starting from current row cannot have preceding rows",
         "42P20");
  }
  if (from == sql::FrameBoundKind::kFollowing &&
      (to == sql::FrameBoundKind::kPreceding || to == sql::FrameBoundKind::kCurrentRow)) {
    fail(first(bounds.back()),
         made_frame.end ? "frame starting from following row cannot have preceding rows"
                        : "frame starting from following row cannot end with current row",
         "42P20");
  }
  if (context->K_EXCLUDE() != nullptr) {
    const std::size_t what = type_at(position(context->K_EXCLUDE()) + 1);
    made_frame.exclusion = what == P::K_CURRENT ? sql::FrameExclusion::kCurrentRow
                           : what == P::K_GROUP ? sql::FrameExclusion::kGroup
                           : what == P::K_TIES  ? sql::FrameExclusion::kTies
                                                : sql::FrameExclusion::kNone;
  }
  return made_frame;
}

sql::FrameBound SqlBuilder::frame_bound(P::FrameBoundContext* context) {
  using Kind = sql::FrameBoundKind;
  const bool preceding = has(context, P::K_PRECEDING);
  if (context->expr() != nullptr) {
    return {preceding ? Kind::kPreceding : Kind::kFollowing, expression(context->expr())};
  }
  if (has(context, P::K_CURRENT)) return {Kind::kCurrentRow, {}};
  return {preceding ? Kind::kUnboundedPreceding : Kind::kUnboundedFollowing, {}};
}

sql::NullsOrder SqlBuilder::nulls_order(P::NullsOrderContext* context) {
  if (context == nullptr) return sql::NullsOrder::kDefault;
  return has(context, P::K_FIRST) ? sql::NullsOrder::kFirst : sql::NullsOrder::kLast;
}

std::vector<sql::SortItem> SqlBuilder::order_by(P::OrderByContext* context) {
  std::vector<sql::SortItem> items;
  if (context == nullptr) return items;
  for (P::SortItemContext* written_item : context->sortItem()) {
    sql::SortItem item{.expression = expression(written_item->expr()),
                       .direction = sql::SortDirection::kDefault,
                       .using_operator = {},
                       .nulls = nulls_order(written_item->nullsOrder())};
    if (has(written_item, P::K_ASC)) item.direction = sql::SortDirection::kAscending;
    if (has(written_item, P::K_DESC)) item.direction = sql::SortDirection::kDescending;
    if (P::OperatorNameContext* name = written_item->operatorName()) {
      item.direction = sql::SortDirection::kUsing;
      item.using_operator = operator_between(first(name), last(name));
    }
    items.push_back(std::move(item));
  }
  return items;
}

// ------------------------------------------------------------------------------------------------
// Options
// ------------------------------------------------------------------------------------------------

sql::DropBehavior SqlBuilder::behavior(P::BehaviorContext* context) {
  if (context == nullptr) return sql::DropBehavior::kDefault;
  return has(context, P::K_CASCADE) ? sql::DropBehavior::kCascade : sql::DropBehavior::kRestrict;
}

sql::Option SqlBuilder::option(P::OptionContext* context) const {
  sql::Option made_option{.span = span_of(context)};
  for (P::ColLabelContext* word : context->colLabel()) {
    if (!made_option.name.empty()) made_option.name += '.';
    made_option.name += identifier(word).text;
  }
  P::OptionValueContext* const value = context->optionValue();
  if (value == nullptr) return made_option;
  const auto text_of = [&](ParserRuleContext* part, bool& quoted) -> std::string {
    const std::size_t at = first(part);
    quoted = type_at(at) == P::STRING;
    if (quoted) return string_at(at);
    if (type_at(at) == P::STAR) return "*";
    if (at != last(part)) return written_between(at, last(part) + 1);
    if (type_at(at) == P::ICONST || type_at(at) == P::FCONST) return std::string(written(at));
    return identifier_at(at).text;
  };
  if (value->optionItem().empty()) {
    made_option.value = text_of(value, made_option.quoted);
  } else {
    for (P::OptionItemContext* item : value->optionItem()) {
      bool quoted = false;
      made_option.list.push_back(text_of(item, quoted));
    }
  }
  return made_option;
}

std::vector<sql::Option> SqlBuilder::options(P::OptionListContext* list) const {
  std::vector<sql::Option> made_options;
  if (list == nullptr) return made_options;
  for (P::OptionContext* context : list->option()) made_options.push_back(option(context));
  return made_options;
}

}  // namespace entail::grammar::internal
