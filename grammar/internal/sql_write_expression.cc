// Prints expressions and types.

#include <array>

#include "grammar/internal/sql_writer.h"
#include "grammar/sql_printer.h"

namespace entail::grammar::internal {

namespace {

// The levels at which a left operand may go without brackets.
int precedence_of(std::string_view symbol) {
  if (symbol == "=" || symbol == "<" || symbol == ">" || symbol == "<=" || symbol == ">=" ||
      symbol == "<>") {
    return 1;
  }
  if (symbol == "+" || symbol == "-") return 3;
  if (symbol == "*" || symbol == "/" || symbol == "%") return 4;
  if (symbol == "^") return 5;
  return 2;
}

bool stands_alone(const sql::Expression& expression) {
  return std::visit(
      [](const auto& node) {
        using Node = std::decay_t<decltype(node)>;
        return std::is_same_v<Node, sql::Literal> || std::is_same_v<Node, sql::ColumnRef> ||
               std::is_same_v<Node, sql::Parameter> || std::is_same_v<Node, sql::ValueFunction> ||
               std::is_same_v<Node, sql::FunctionCall> || std::is_same_v<Node, sql::SpecialCall> ||
               std::is_same_v<Node, sql::Case> || std::is_same_v<Node, sql::Row> ||
               std::is_same_v<Node, sql::ArrayConstructor> || std::is_same_v<Node, sql::Subquery> ||
               std::is_same_v<Node, sql::DefaultValue>;
      },
      expression.node);
}

}  // namespace

void SqlWriter::word(std::string_view written) {
  if (!out_.empty() && out_.back() != ' ' && out_.back() != '(' && out_.back() != '[') out_ += ' ';
  out_ += written;
}

void SqlWriter::identifier(const sql::Identifier& name) {
  if (!name.quoted) {
    out_ += name.text;
    return;
  }
  out_ += '"';
  for (const char c : name.text) {
    if (c == '"') out_ += '"';
    out_ += c;
  }
  out_ += '"';
}

void SqlWriter::word_identifier(const sql::Identifier& name) {
  word("");
  identifier(name);
}

void SqlWriter::string(std::string_view contents) { out_ += sql::quote_sql_string(contents); }

void SqlWriter::name(const sql::QualifiedName& name) {
  list(name.parts, [&](const sql::Identifier& part) { identifier(part); }, ".");
}

void SqlWriter::op(const sql::OperatorName& name) {
  if (name.schema.empty()) {
    out_ += name.symbol;
    return;
  }
  out_ += "OPERATOR(";
  for (const sql::Identifier& part : name.schema) {
    identifier(part);
    out_ += '.';
  }
  out_ += name.symbol;
  out_ += ')';
}

void SqlWriter::type(const sql::TypeName& type) {
  if (type.set_of) text("SETOF ");
  const auto modifiers = [&] {
    if (type.modifiers.empty()) return;
    text("(");
    list(type.modifiers, [&](std::int64_t number) { text(std::to_string(number)); });
    text(")");
  };
  const std::string& first = type.name.parts.front().text;
  constexpr std::string_view kZone = " with time zone";
  if (type.name.parts.size() == 1 && !type.name.parts.front().quoted && first.ends_with(kZone)) {
    text(std::string_view(first).substr(0, first.size() - kZone.size()));
    modifiers();
    text(kZone);
  } else {
    name(type.name);
    if (!type.interval_fields.empty()) {
      // Only seconds have a precision behind the fields.
      if (!type.interval_fields.ends_with("second")) modifiers();
      word(type.interval_fields);
      if (type.interval_fields.ends_with("second")) modifiers();
    } else {
      modifiers();
    }
  }
  for (std::uint32_t i = 0; i < type.array_dimensions; ++i) text("[]");
}

void SqlWriter::operand(const sql::Expression& inner) {
  if (stands_alone(inner)) {
    expression(inner);
    return;
  }
  text("(");
  expression(inner);
  text(")");
}

void SqlWriter::left_operand(const sql::Expression& inner, int precedence) {
  const auto* binary = inner.as<sql::Binary>();
  if (binary != nullptr && precedence > 1 && binary->op.schema.empty() &&
      precedence_of(binary->op.symbol) >= precedence) {
    expression(inner);
    return;
  }
  operand(inner);
}

void SqlWriter::subscript(const sql::SubscriptPart& part) {
  text("[");
  if (part.lower) expression(*part.lower);
  // A name and a colon would read as one with the next sign.
  if (part.slice) text(" : ");
  if (part.upper) expression(*part.upper);
  text("]");
}

void SqlWriter::value_function(const sql::ValueFunction& node) {
  static constexpr std::array<std::string_view, 11> kNames = {
      "CURRENT_DATE",   "CURRENT_TIME",    "CURRENT_TIMESTAMP", "LOCALTIME",
      "LOCALTIMESTAMP", "CURRENT_USER",    "CURRENT_ROLE",      "SESSION_USER",
      "USER",           "CURRENT_CATALOG", "CURRENT_SCHEMA"};
  text(kNames[static_cast<std::size_t>(node.kind)]);
  if (node.precision) text("(" + std::to_string(*node.precision) + ")");
}

void SqlWriter::sort_order(sql::SortDirection direction, sql::NullsOrder nulls) {
  if (direction == sql::SortDirection::kAscending) word("ASC");
  if (direction == sql::SortDirection::kDescending) word("DESC");
  if (nulls == sql::NullsOrder::kFirst) word("NULLS FIRST");
  if (nulls == sql::NullsOrder::kLast) word("NULLS LAST");
}

void SqlWriter::sort_items(const std::vector<sql::SortItem>& items) {
  list(items, [&](const sql::SortItem& item) {
    expression(*item.expression);
    if (item.using_operator) {
      word("USING ");
      op(*item.using_operator);
    }
    sort_order(item.direction, item.nulls);
  });
}

void SqlWriter::frame_bound(const sql::FrameBound& bound) {
  switch (bound.kind) {
    case sql::FrameBoundKind::kUnboundedPreceding:
      word("UNBOUNDED PRECEDING");
      break;
    case sql::FrameBoundKind::kUnboundedFollowing:
      word("UNBOUNDED FOLLOWING");
      break;
    case sql::FrameBoundKind::kCurrentRow:
      word("CURRENT ROW");
      break;
    case sql::FrameBoundKind::kPreceding:
    case sql::FrameBoundKind::kFollowing:
      word("");
      operand(*bound.offset);
      word(bound.kind == sql::FrameBoundKind::kPreceding ? "PRECEDING" : "FOLLOWING");
      break;
  }
}

void SqlWriter::frame(const sql::Frame& frame) {
  static constexpr std::array<std::string_view, 3> kModes = {"ROWS", "RANGE", "GROUPS"};
  word(kModes[static_cast<std::size_t>(frame.mode)]);
  if (frame.end) {
    word("BETWEEN");
    frame_bound(frame.start);
    word("AND");
    frame_bound(*frame.end);
  } else {
    frame_bound(frame.start);
  }
  if (frame.exclusion == sql::FrameExclusion::kCurrentRow) word("EXCLUDE CURRENT ROW");
  if (frame.exclusion == sql::FrameExclusion::kGroup) word("EXCLUDE GROUP");
  if (frame.exclusion == sql::FrameExclusion::kTies) word("EXCLUDE TIES");
}

void SqlWriter::window(const sql::Window& window) {
  if (window.reference) {
    identifier(*window.base);
    return;
  }
  text("(");
  if (window.base) identifier(*window.base);
  if (!window.partition_by.empty()) {
    word("PARTITION BY ");
    expressions(window.partition_by);
  }
  if (!window.order_by.empty()) {
    word("ORDER BY ");
    sort_items(window.order_by);
  }
  if (window.frame) frame(*window.frame);
  text(")");
}

void SqlWriter::call(const sql::FunctionCall& call) {
  const bool plain = call.name.parts.size() == 1 && !call.name.parts.front().quoted;
  const std::string& called = call.name.parts.front().text;
  if (plain && called == "position" && call.arguments.size() == 2) {
    text("position(");
    operand(*call.arguments[1].value);
    text(" IN ");
    operand(*call.arguments[0].value);
    text(")");
    return;
  }
  if (plain && called == "extract" && call.arguments.size() == 2) {
    text("extract(");
    expression(*call.arguments[0].value);
    text(" FROM ");
    expression(*call.arguments[1].value);
    text(")");
    return;
  }
  if (plain && called == "normalize" && call.arguments.size() == 2) {
    text("normalize(");
    expression(*call.arguments[0].value);
    text(", ");
    if (const auto* form = call.arguments[1].value->as<sql::Literal>()) text(form->text);
    text(")");
    return;
  }
  name(call.name);
  text("(");
  if (call.star) text("*");
  if (call.distinct) text("DISTINCT ");
  list(call.arguments, [&](const sql::Argument& argument) {
    if (argument.variadic) text("VARIADIC ");
    if (argument.name) {
      identifier(*argument.name);
      text(" => ");
    }
    expression(*argument.value);
  });
  if (!call.order_by.empty() && !call.within_group) {
    word("ORDER BY ");
    sort_items(call.order_by);
  }
  text(")");
  if (call.within_group) {
    text(" WITHIN GROUP (ORDER BY ");
    sort_items(call.order_by);
    text(")");
  }
  if (call.filter) {
    text(" FILTER (WHERE ");
    expression(*call.filter);
    text(")");
  }
  if (call.over) {
    text(" OVER ");
    window(*call.over);
  }
}

void SqlWriter::case_of(const sql::Case& node) {
  text("CASE ");
  if (node.operand) {
    expression(*node.operand);
    text(" ");
  }
  for (const sql::CaseBranch& branch : node.branches) {
    text("WHEN ");
    expression(*branch.condition);
    text(" THEN ");
    expression(*branch.result);
    text(" ");
  }
  if (node.otherwise) {
    text("ELSE ");
    expression(*node.otherwise);
    text(" ");
  }
  text("END");
}

void SqlWriter::quantified(const sql::Quantified& node) {
  operand(*node.left);
  text(" ");
  op(node.op);
  text(node.all ? " ALL (" : " ANY (");
  if (node.query) {
    query(*node.query);
  } else {
    expression(*node.array);
  }
  text(")");
}

void SqlWriter::expression(const sql::Expression& whole) {
  const auto not_text = [&](bool negated) { text(negated ? " NOT" : ""); };
  const auto print = [&](const auto& node) {
    using Node = std::decay_t<decltype(node)>;
    if constexpr (std::is_same_v<Node, sql::Literal>) {
      switch (node.kind) {
        case sql::LiteralKind::kInteger:
        case sql::LiteralKind::kNumeric:
          text(node.text);
          break;
        case sql::LiteralKind::kString:
          string(node.text);
          break;
        case sql::LiteralKind::kBitString:
          text("B'" + node.text + "'");
          break;
        case sql::LiteralKind::kHexString:
          text("X'" + node.text + "'");
          break;
        case sql::LiteralKind::kTrue:
          text("TRUE");
          break;
        case sql::LiteralKind::kFalse:
          text("FALSE");
          break;
        case sql::LiteralKind::kNull:
          text("NULL");
          break;
      }
    } else if constexpr (std::is_same_v<Node, sql::TypedLiteral>) {
      sql::TypeName bare = node.type;
      const std::string fields = std::exchange(bare.interval_fields, {});
      const bool seconds = fields.ends_with("second");
      if (seconds) bare.modifiers.clear();
      type(bare);
      text(" ");
      string(node.text);
      if (!fields.empty()) word(fields);
      if (seconds && !node.type.modifiers.empty()) {
        text("(" + std::to_string(node.type.modifiers.front()) + ")");
      }
    } else if constexpr (std::is_same_v<Node, sql::ColumnRef>) {
      list(node.parts, [&](const sql::Identifier& part) { identifier(part); }, ".");
      if (node.star) text(node.parts.empty() ? "*" : ".*");
    } else if constexpr (std::is_same_v<Node, sql::Parameter>) {
      text("$" + std::to_string(node.number));
    } else if constexpr (std::is_same_v<Node, sql::DefaultValue>) {
      text("DEFAULT");
    } else if constexpr (std::is_same_v<Node, sql::CurrentOf>) {
      text("CURRENT OF ");
      identifier(node.cursor);
    } else if constexpr (std::is_same_v<Node, sql::ValueFunction>) {
      value_function(node);
    } else if constexpr (std::is_same_v<Node, sql::Unary>) {
      op(node.op);
      text(" ");
      const auto* inner = node.operand->template as<sql::Unary>();
      const bool sign = node.op.symbol == "-" || node.op.symbol == "+";
      if (inner != nullptr && sign && (inner->op.symbol == "-" || inner->op.symbol == "+")) {
        expression(*node.operand);
      } else {
        operand(*node.operand);
      }
    } else if constexpr (std::is_same_v<Node, sql::Binary>) {
      left_operand(*node.left, node.op.schema.empty() ? precedence_of(node.op.symbol) : 2);
      text(" ");
      op(node.op);
      text(" ");
      operand(*node.right);
    } else if constexpr (std::is_same_v<Node, sql::Logical>) {
      list(
          node.operands, [&](const sql::Expression& part) { operand(part); },
          node.op == sql::LogicalOp::kAnd ? " AND " : " OR ");
    } else if constexpr (std::is_same_v<Node, sql::Not>) {
      text("NOT ");
      if (node.operand->template as<sql::Not>() != nullptr) {
        expression(*node.operand);
      } else {
        operand(*node.operand);
      }
    } else if constexpr (std::is_same_v<Node, sql::IsTest>) {
      static constexpr std::array<std::string_view, 4> kKinds = {" NULL", " TRUE", " FALSE",
                                                                 " UNKNOWN"};
      operand(*node.operand);
      text(" IS");
      not_text(node.negated);
      text(kKinds[static_cast<std::size_t>(node.kind)]);
    } else if constexpr (std::is_same_v<Node, sql::IsDistinct>) {
      operand(*node.left);
      text(" IS");
      not_text(node.negated);
      text(" DISTINCT FROM ");
      operand(*node.right);
    } else if constexpr (std::is_same_v<Node, sql::Between>) {
      operand(*node.operand);
      not_text(node.negated);
      text(node.symmetric ? " BETWEEN SYMMETRIC " : " BETWEEN ");
      operand(*node.low);
      text(" AND ");
      operand(*node.high);
    } else if constexpr (std::is_same_v<Node, sql::InList>) {
      operand(*node.operand);
      not_text(node.negated);
      text(" IN (");
      expressions(node.list);
      text(")");
    } else if constexpr (std::is_same_v<Node, sql::InQuery>) {
      operand(*node.operand);
      not_text(node.negated);
      text(" IN (");
      query(*node.query);
      text(")");
    } else if constexpr (std::is_same_v<Node, sql::Like>) {
      static constexpr std::array<std::string_view, 3> kKinds = {" LIKE ", " ILIKE ",
                                                                 " SIMILAR TO "};
      operand(*node.operand);
      not_text(node.negated);
      text(kKinds[static_cast<std::size_t>(node.kind)]);
      operand(*node.pattern);
      if (node.escape) {
        text(" ESCAPE ");
        const auto* literal = node.escape->template as<sql::Literal>();
        const bool simple = literal != nullptr && (literal->kind == sql::LiteralKind::kString ||
                                                   literal->kind == sql::LiteralKind::kNull);
        if (!simple) text("(");
        expression(*node.escape);
        if (!simple) text(")");
      }
    } else if constexpr (std::is_same_v<Node, sql::Quantified>) {
      quantified(node);
    } else if constexpr (std::is_same_v<Node, sql::Cast>) {
      if (node.operand->template as<sql::Cast>() != nullptr) {
        expression(*node.operand);
      } else {
        operand(*node.operand);
      }
      text("::");
      type(node.type);
    } else if constexpr (std::is_same_v<Node, sql::Collate>) {
      operand(*node.operand);
      text(" COLLATE ");
      name(node.collation);
    } else if constexpr (std::is_same_v<Node, sql::AtTimeZone>) {
      operand(*node.operand);
      text(" AT TIME ZONE ");
      operand(*node.zone);
    } else if constexpr (std::is_same_v<Node, sql::Subscript>) {
      operand(*node.operand);
      for (const sql::SubscriptPart& part : node.parts) subscript(part);
    } else if constexpr (std::is_same_v<Node, sql::FieldSelection>) {
      if (node.operand->template as<sql::FieldSelection>() != nullptr) {
        expression(*node.operand);
      } else {
        text("(");
        expression(*node.operand);
        text(")");
      }
      text(".");
      if (node.star) {
        text("*");
      } else {
        identifier(node.field);
      }
    } else if constexpr (std::is_same_v<Node, sql::FunctionCall>) {
      call(node);
    } else if constexpr (std::is_same_v<Node, sql::SpecialCall>) {
      static constexpr std::array<std::string_view, 5> kNames = {
          "COALESCE(", "NULLIF(", "GREATEST(", "LEAST(", "GROUPING("};
      text(kNames[static_cast<std::size_t>(node.kind)]);
      expressions(node.arguments);
      text(")");
    } else if constexpr (std::is_same_v<Node, sql::Case>) {
      case_of(node);
    } else if constexpr (std::is_same_v<Node, sql::Row>) {
      text(node.explicit_row ? "ROW(" : "(");
      expressions(node.fields);
      text(")");
    } else if constexpr (std::is_same_v<Node, sql::ArrayConstructor>) {
      text("ARRAY[");
      expressions(node.elements);
      text("]");
    } else {
      static_assert(std::is_same_v<Node, sql::Subquery>);
      text(node.kind == sql::SubqueryKind::kExists  ? "EXISTS ("
           : node.kind == sql::SubqueryKind::kArray ? "ARRAY("
                                                    : "(");
      query(*node.query);
      text(")");
    }
  };
  std::visit(print, whole.node);
}

}  // namespace entail::grammar::internal
