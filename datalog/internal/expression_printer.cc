#include "datalog/internal/expression_printer.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <type_traits>

#include "vm/scalar_functions.h"

namespace entail::datalog::internal {

namespace {

// Binary and prefix operators with their strength; 0 is written as a call.
struct Form {
  std::string_view text;
  int strength = 0;
};

constexpr int kOr = 1, kAnd = 2, kNot = 3, kCompare = 4, kBits = 5, kShift = 6, kSum = 7,
              kProduct = 8, kPrefix = 9, kPower = 10, kAtom = 11;

Form form_of(ExpressionOp op) {
  using enum ExpressionOp;
  switch (op) {
    case kAdd:
      return {"+", kSum};
    case kSubtract:
      return {"-", kSum};
    case kMultiply:
      return {"*", kProduct};
    case kDivide:
      return {"/", kProduct};
    case kModulo:
      return {"%", kProduct};
    case ExpressionOp::kPower:
      return {"^", internal::kPower};
    case kNegate:
      return {"-", kPrefix};
    case kBitAnd:
      return {"band", kBits};
    case kBitOr:
      return {"bor", kBits};
    case kBitXor:
      return {"bxor", kBits};
    case kBitNot:
      return {"bnot ", kPrefix};
    case kShiftLeft:
      return {"bshl", kShift};
    case kShiftRight:
      return {"bshr", kShift};
    case kShiftRightUnsigned:
      return {"bshru", kShift};
    case kLogicalAnd:
      return {"land", kBits};
    case kLogicalOr:
      return {"lor", kBits};
    case kLogicalXor:
      return {"lxor", kBits};
    case kLogicalNot:
      return {"lnot ", kPrefix};
    case kEqual:
      return {"=", kCompare};
    case kNotEqual:
      return {"!=", kCompare};
    case kLess:
      return {"<", kCompare};
    case kLessEqual:
      return {"<=", kCompare};
    case kGreater:
      return {">", kCompare};
    case kGreaterEqual:
      return {">=", kCompare};
    case kIdentical:
      return {"==", kCompare};
    case kNotIdentical:
      return {"!==", kCompare};
    case ExpressionOp::kAnd:
      return {"and", internal::kAnd};
    case ExpressionOp::kOr:
      return {"or", internal::kOr};
    case ExpressionOp::kNot:
      return {"not ", internal::kNot};
    default:
      return {};
  }
}

std::string_view call_name(ExpressionOp op) {
  using enum ExpressionOp;
  switch (op) {
    case kMinimum:
      return "min";
    case kMaximum:
      return "max";
    case kIf:
      return "if";
    case kConcat:
      return "cat";
    case kLength:
      return "strlen";
    case kSubstring:
      return "substr";
    case kContains:
      return "contains";
    case kMatches:
      return "match";
    case kOrdinal:
      return "ord";
    case kLower:
      return "lower";
    case kUpper:
      return "upper";
    case kTrim:
      return "trim";
    case kReplace:
      return "replace";
    case kStartsWith:
      return "starts_with";
    case kEndsWith:
      return "ends_with";
    case kAutoIncrement:
      return "autoinc";
    case kNow:
      return "now";
    case kDatePart:
      return "date_part";
    case kAddChecked:
      return "add";
    case kSubtractChecked:
      return "subtract";
    case kMultiplyChecked:
      return "multiply";
    case kDivideChecked:
      return "divide";
    case kModuloChecked:
      return "mod";
    case kNegateChecked:
      return "negate";
    case kCoalesce:
      return "coalesce";
    default:
      return "?";
  }
}

std::string_view aggregate_name(AggregateOp op) {
  switch (op) {
    case AggregateOp::kCount:
      return "count";
    case AggregateOp::kCountDistinct:
      return "count_distinct";
    case AggregateOp::kSum:
      return "sum";
    case AggregateOp::kMin:
      return "min";
    case AggregateOp::kMax:
      return "max";
    case AggregateOp::kMean:
      return "mean";
    case AggregateOp::kCollect:
      return "collect";
    case AggregateOp::kBoolAnd:
      return "bool_and";
    case AggregateOp::kBoolOr:
      return "bool_or";
    case AggregateOp::kStringAgg:
      return "string_agg";
    case AggregateOp::kArrayAgg:
      return "array_agg";
    case AggregateOp::kSqlSum:
      return "sql_sum";
    case AggregateOp::kAverage:
      return "avg";
    case AggregateOp::kVarPop:
      return "var_pop";
    case AggregateOp::kVarSamp:
      return "var_samp";
    case AggregateOp::kStddevPop:
      return "stddev_pop";
    case AggregateOp::kStddevSamp:
      return "stddev_samp";
    case AggregateOp::kBitAnd:
      return "bit_and";
    case AggregateOp::kBitOr:
      return "bit_or";
    case AggregateOp::kBitXor:
      return "bit_xor";
  }
  return "";
}

std::string_view change_name(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kInsert:
      return "insert";
    case ChangeKind::kUpsert:
      return "upsert";
    case ChangeKind::kModify:
      return "modify";
    case ChangeKind::kDelete:
      return "delete";
    case ChangeKind::kRetract:
      return "retract";
    case ChangeKind::kEmit:
      return "emit";
    case ChangeKind::kDerive:
      return "derive";
  }
  return "";
}

template <typename Number>
std::string shortest(Number value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return std::string(buffer, end);
}

std::string float_text(double value, std::string shown) {
  // So that it reads as a float: 1.0, not 1.
  const bool plain = shown.find_first_of(".einf") == std::string::npos;
  return value == value && plain ? shown + ".0" : shown;
}

std::string int128_text(vm::Int128 value) {
  const bool negative = value < 0;
  vm::Uint128 rest = negative ? -static_cast<vm::Uint128>(value) : static_cast<vm::Uint128>(value);
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest != 0);
  return negative ? "-" + digits : digits;
}

}  // namespace

std::string quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (byte < 0x20) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

Printer::Printer(const RuleProgram& program, const std::vector<Variable>& variables)
    : program_(program) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    std::string name = variables[i].name.empty() ? "_" : variables[i].name;
    if (name == "_" || !seen.insert(name).second) name += "#" + std::to_string(i);
    names_.push_back(std::move(name));
    types_.push_back(program.types.type_name(variables[i].type) +
                     (variables[i].nullable ? "?" : ""));
  }
}

std::string Printer::variable(VariableId id) const {
  return index_of(id) < names_.size() ? names_[index_of(id)] : "?" + std::to_string(index_of(id));
}

std::string Printer::typed_variable(VariableId id) const {
  return variable(id) + (index_of(id) < types_.size() ? ": " + types_[index_of(id)] : "");
}

std::string Printer::expressions(const std::vector<Expression>& list) const {
  std::string out;
  for (const Expression& item : list) {
    if (!out.empty()) out += ", ";
    out += expression(item);
  }
  return out;
}

std::string Printer::constant(const Expression& expression) const {
  const vm::Word word = expression.words[0];
  const vm::Type type = expression.type;
  switch (type.kind) {
    case vm::TypeKind::kBool:
      return word != 0 ? "true" : "false";
    case vm::TypeKind::kInt2:
    case vm::TypeKind::kInt4:
    case vm::TypeKind::kInt8:
    case vm::TypeKind::kNumber:
      return std::to_string(vm::int_of(word));
    case vm::TypeKind::kUnsigned:
      return std::to_string(word) + "u";
    case vm::TypeKind::kFloat4:
      return float_text(vm::float_of(word), shortest(vm::float_of(word)));
    case vm::TypeKind::kFloat8:
      return float_text(vm::double_of(word), shortest(vm::double_of(word)));
    case vm::TypeKind::kText:
      return quoted(expression.text);
    case vm::TypeKind::kEnum: {
      const auto& labels = program_.types.enum_labels(type.detail);
      return word < labels.size() ? labels[word] : "enum#" + std::to_string(word);
    }
    case vm::TypeKind::kAdt: {
      const auto& branches = program_.types.adt_branches(type.detail);
      return word < branches.size() ? "$" + branches[word].name : "adt#" + std::to_string(word);
    }
    case vm::TypeKind::kRecord:
      return "nil";
    case vm::TypeKind::kBytes:
    case vm::TypeKind::kJson:
    case vm::TypeKind::kNumeric:
      return std::string(vm::type_kind_name(type.kind)) + quoted(expression.text);
    case vm::TypeKind::kDecimal: {
      const vm::Int128 value = vm::value_words(type) == 2
                                   ? vm::int128_of(word, expression.words[1])
                                   : static_cast<vm::Int128>(vm::int_of(word));
      std::string digits = int128_text(value < 0 ? -value : value);
      while (digits.size() <= type.scale) digits.insert(digits.begin(), '0');
      if (type.scale > 0) digits.insert(digits.size() - type.scale, ".");
      return value < 0 ? "-" + digits : digits;
    }
    default: {
      // Dates and times by their words: exact, and readers are rare.
      std::string out = program_.types.type_name(type) + "(" + std::to_string(vm::int_of(word));
      if (vm::value_words(type) == 2) out += ", " + std::to_string(vm::int_of(expression.words[1]));
      return out + ")";
    }
  }
}

std::string Printer::field_name(const Expression& expression) const {
  const vm::Type owner = expression.arguments[0].type;
  if (owner.kind == vm::TypeKind::kRecord) {
    const auto& fields = program_.types.record_fields(owner.detail);
    if (expression.detail < fields.size()) return "." + fields[expression.detail].name;
  } else if (owner.kind == vm::TypeKind::kAdt) {
    const auto& branches = program_.types.adt_branches(owner.detail);
    if (expression.branch < branches.size() &&
        expression.detail < branches[expression.branch].fields.size()) {
      const vm::BranchType& branch = branches[expression.branch];
      return ".$" + branch.name + "." + branch.fields[expression.detail].name;
    }
  }
  return ".#" + std::to_string(expression.detail);
}

std::string Printer::print(const Expression& node, int parent_strength) const {
  using enum ExpressionOp;
  auto argument = [&](std::size_t i) { return print(node.arguments[i], kAtom); };
  const Form form = form_of(node.op);
  if (form.strength > 0 && !node.arguments.empty()) {
    std::string out;
    if (node.arguments.size() == 1) {
      out = std::string(form.text) + print(node.arguments[0], form.strength);
    } else {
      const std::string separator = " " + std::string(form.text) + " ";
      for (std::size_t i = 0; i < node.arguments.size(); ++i) {
        if (i > 0) out += separator;
        // Left to right, but for powers and comparisons, which always show their nesting.
        const bool nests = form.strength == internal::kPower || form.strength == kCompare;
        out += print(node.arguments[i], form.strength + (i > 0 || nests ? 1 : 0));
      }
    }
    return form.strength < parent_strength ? "(" + out + ")" : out;
  }
  switch (node.op) {
    case kVariable:
      return variable(node.variable);
    case kConstant:
      return constant(node);
    case kNull:
      return "null";
    case kWildcard:
      return "_";
    case kIsNull:
      return argument(0) + " is null";
    case kIsNotNull:
      return argument(0) + " is not null";
    case kConvert:
      return "convert(" + expressions(node.arguments) + ", " + program_.types.type_name(node.type) +
             ")";
    case kReinterpret:
      return "as(" + expressions(node.arguments) + ", " + program_.types.type_name(node.type) + ")";
    case kMakeRecord:
    case kMakeArray:
      return "[" + expressions(node.arguments) + "]";
    case kMakeVariant: {
      std::string out = "$#" + std::to_string(node.detail);
      if (node.type.kind == vm::TypeKind::kAdt) {
        const auto& branches = program_.types.adt_branches(node.type.detail);
        if (node.detail < branches.size()) out = "$" + branches[node.detail].name;
      }
      return node.arguments.empty() ? out : out + "(" + expressions(node.arguments) + ")";
    }
    case kField:
      return node.arguments.empty() ? "?" : argument(0) + field_name(node);
    case kIsBranch: {
      if (node.arguments.empty()) return "?";
      std::string name = "#" + std::to_string(node.detail);
      const vm::Type owner = node.arguments[0].type;
      if (owner.kind == vm::TypeKind::kAdt) {
        const auto& branches = program_.types.adt_branches(owner.detail);
        if (node.detail < branches.size()) name = branches[node.detail].name;
      }
      return argument(0) + " is $" + name;
    }
    case kIsNil:
      return argument(0) + " is nil";
    case kElement:
      return argument(0) + "[" + expression(node.arguments[1]) + "]";
    case kCallExtern:
      return "@" + node.text + "(" + expressions(node.arguments) + ")";
    case kParameter:
      return "$" + std::to_string(node.detail + 1);
    case kCast:
      return "cast(" + expressions(node.arguments) + ", " + program_.types.type_name(node.type) +
             ")";
    case kCallFunction:
      return std::string(vm::scalar_signature(static_cast<vm::ScalarFunction>(node.detail)).name) +
             "(" + expressions(node.arguments) + ")";
    case kDatePart:
      return "date_part(" + expressions(node.arguments) + ", " + std::to_string(node.detail) + ")";
    default:
      return std::string(call_name(node.op)) + "(" + expressions(node.arguments) + ")";
  }
}

std::string Printer::match(const Match& match) const {
  std::string out = program_.relation(match.relation).name + "(" + expressions(match.terms) + ")";
  if (match.row) out += " as " + variable(*match.row);
  return out;
}

std::string Printer::aggregate(const Aggregate& aggregate) const {
  std::string out = variable(aggregate.result) + " = ";
  out += aggregate_name(aggregate.op);
  out += aggregate.distinct ? "(distinct " : "(";
  if (aggregate.argument) out += expression(*aggregate.argument);
  if (aggregate.delimiter) out += ", " + expression(*aggregate.delimiter);
  for (std::size_t i = 0; i < aggregate.order.size(); ++i) {
    const OrderItem& item = aggregate.order[i];
    out += (i == 0 ? " order by " : ", ") + expression(item.value);
    if (item.descending) out += " desc";
    if (item.nulls_first) out += " nulls first";
  }
  out += ")";
  if (aggregate.condition) out += " where " + expression(*aggregate.condition);
  return out;
}

std::string Printer::reduce(const Reduce& reduce) const {
  std::string results;
  for (const Aggregate& item : reduce.aggregates) {
    if (!results.empty()) results += ", ";
    results += aggregate(item);
  }
  if (reduce.form == ReduceForm::kPerBinding) return results + " : { " + body(reduce.body) + " }";
  std::string keys;
  for (const GroupKey& key : reduce.keys) {
    if (!keys.empty()) keys += ", ";
    keys += variable(key.result) + " = " + expression(key.value);
  }
  return "group { " + body(reduce.body) + " } by (" + keys + ") => { " + results + " }";
}

std::string Printer::order(const std::vector<OrderItem>& items) const {
  std::string out;
  for (const OrderItem& item : items) {
    if (!out.empty()) out += ", ";
    out += expression(item.value) + (item.descending ? " desc" : "");
    if (item.nulls_first) out += " nulls first";
  }
  return out;
}

std::string Printer::frame(const Frame& frame) const {
  constexpr std::string_view kModes[] = {"range", "rows", "groups"};
  constexpr std::string_view kExclusions[] = {"", " exclude current row", " exclude group",
                                              " exclude ties"};
  auto edge = [&](const FrameEdge& end, bool first) -> std::string {
    switch (end.bound) {
      case FrameBound::kUnbounded:
        return first ? "unbounded preceding" : "unbounded following";
      case FrameBound::kCurrent:
        return "current row";
      case FrameBound::kPreceding:
        return expression(end.value ? *end.value : *end.offset) + " preceding";
      case FrameBound::kFollowing:
        return expression(end.value ? *end.value : *end.offset) + " following";
    }
    return {};
  };
  return std::string(kModes[static_cast<std::size_t>(frame.mode)]) + " " + edge(frame.from, true) +
         " to " + edge(frame.to, false) +
         std::string(kExclusions[static_cast<std::size_t>(frame.exclusion)]);
}

std::string Printer::rank(const Rank& rank) const {
  constexpr std::string_view kNames[] = {"row_number",   "rank",        "dense_rank", "lag",
                                         "lead",         "first_value", "last_value", "nth_value",
                                         "percent_rank", "cume_dist",   "ntile"};
  std::string out = "rank { " + body(rank.body) + " }";
  if (!rank.partition.empty()) out += " by (" + expressions(rank.partition) + ")";
  if (!rank.order.empty()) out += " order (" + order(rank.order) + ")";
  const Frame usual;
  const bool framed = rank.frame.mode != usual.mode || rank.frame.from.bound != usual.from.bound ||
                      rank.frame.to.bound != usual.to.bound ||
                      rank.frame.exclusion != usual.exclusion;
  if (framed) out += " " + frame(rank.frame);
  if (rank.offset) out += " offset " + expression(*rank.offset);
  if (rank.limit) out += " limit " + expression(*rank.limit);
  if (rank.with_ties) out += " with ties";
  std::string results;
  for (const RankResult& result : rank.functions) {
    if (!results.empty()) results += ", ";
    results += variable(result.result) + " = ";
    results += result.function == RankFunction::kAggregate
                   ? aggregate_name(result.aggregate)
                   : kNames[static_cast<std::size_t>(result.function)];
    results += "(" + expressions(result.arguments) + ")";
    if (result.filter) results += " filter (" + expression(*result.filter) + ")";
  }
  return results.empty() ? out : out + " => { " + results + " }";
}

std::string Printer::window(const Window& window) const {
  constexpr std::string_view kNames[] = {"over tumbling",    "over hopping", "over session",
                                         "over last events", "over last",    "over current",
                                         "last before"};
  std::string out = match(window.match) + " ";
  out += kNames[static_cast<std::size_t>(window.kind)];
  if (!window.size.empty()) out += " " + expressions(window.size);
  if (window.reference) out += " " + expression(*window.reference);
  if (!window.partition.empty()) out += " by (" + expressions(window.partition) + ")";
  if (window.bucket) out += " bucket " + variable(*window.bucket);
  return out;
}

std::string Printer::pattern_node(const Pattern& pattern, const PatternNode& node) const {
  auto children = [&](std::string_view separator) {
    std::string out;
    for (const PatternNode& child : node.children) {
      if (!out.empty()) out += separator;
      out += pattern_node(pattern, child);
    }
    return out;
  };
  auto symbol = [&] {
    return node.symbol < pattern.symbols.size() ? pattern.symbols[node.symbol].name
                                                : "#" + std::to_string(node.symbol);
  };
  switch (node.kind) {
    case PatternKind::kSymbol:
      return symbol();
    case PatternKind::kConcat:
      return "(" + children(node.relaxed ? " -> " : " next ") + ")";
    case PatternKind::kAlternate:
      return "(" + children(" | ") + ")";
    case PatternKind::kRepeat: {
      std::string most = node.repeat_max == UINT32_MAX ? "*" : std::to_string(node.repeat_max);
      return children(" ") + "[" + std::to_string(node.repeat_min) + ".." + most + "]" +
             (node.reluctant ? "?" : "") + (node.relaxed ? "~" : "");
    }
    case PatternKind::kPermute:
      return "permute(" + children(", ") + ")";
    case PatternKind::kExclude:
      return "{- " + children(" ") + " -}";
    case PatternKind::kAbsent:
      return "not " + symbol() + (node.deadline ? " before " + expression(*node.deadline) : "");
    case PatternKind::kAnchorStart:
      return "^";
    case PatternKind::kAnchorEnd:
      return "$";
  }
  return "";
}

std::string Printer::pattern_values(const Pattern& pattern,
                                    const std::vector<PatternValue>& values) const {
  const auto symbols = [&](const std::vector<std::uint32_t>& those) {
    std::string out;
    for (const std::uint32_t symbol : those) {
      if (!out.empty()) out += "|";
      out += symbol < pattern.symbols.size() ? pattern.symbols[symbol].name : "#";
    }
    return out.empty() ? std::string("*") : out;
  };
  std::string out;
  for (const PatternValue& value : values) {
    if (!out.empty()) out += ", ";
    out += variable(value.result) + " = ";
    std::string of = value.value ? expression(*value.value) : std::string();
    switch (value.kind) {
      case PatternValueKind::kMatchNumber:
        out += "match_number()";
        continue;
      case PatternValueKind::kStart:
        out += "start(" + of + ")";
        continue;
      case PatternValueKind::kRow:
        out += "row(" + of + ")";
        continue;
      case PatternValueKind::kAggregate:
        if (value.final_rows) out += "final ";
        out += aggregate_name(value.aggregate);
        out += "(" + symbols(value.symbols) + (of.empty() ? ")" : ": " + of + ")");
        continue;
      case PatternValueKind::kClassifier:
        of = "classifier()";
        break;
      case PatternValueKind::kLabelled:
        break;
    }
    if (value.final_rows) out += "final ";
    out += (value.from_first ? "first(" : "last(") + symbols(value.symbols) + ": " + of;
    if (value.occurrence != 0) out += ", " + std::to_string(value.occurrence);
    out += ")";
    if (value.shift != 0) out += (value.shift > 0 ? "+" : "") + std::to_string(value.shift);
  }
  return out;
}

std::string Printer::pattern(const Pattern& pattern) const {
  constexpr std::string_view kSkips[] = {"past_last", "to_next", "to_first", "to_last"};
  constexpr std::string_view kRows[] = {"", " all rows", " all rows omit empty",
                                        " all rows with unmatched"};
  std::string out = "sequence { " + body(pattern.body) + " }";
  if (!pattern.partition.empty()) out += " by (" + expressions(pattern.partition) + ")";
  if (!pattern.order.empty()) out += " order (" + order(pattern.order) + ")";
  if (pattern.time) out += " time " + expression(*pattern.time);
  if (pattern.watermark) out += " watermark " + expression(*pattern.watermark);
  out += " match " + pattern_node(pattern, pattern.root) + " where {";
  for (const PatternSymbol& symbol : pattern.symbols) {
    out += " " + symbol.name + (symbol.condition ? ": " + expression(*symbol.condition) : "") + ";";
  }
  out += " }";
  if (!pattern.operands.empty()) {
    out += " with { " + pattern_values(pattern, pattern.operands) + " }";
  }
  if (pattern.within) out += " before " + expression(*pattern.within);
  out += " skip ";
  out += kSkips[static_cast<std::size_t>(pattern.after_match)];
  for (const std::uint32_t symbol : pattern.skip_symbols) {
    out += " " + (symbol < pattern.symbols.size() ? pattern.symbols[symbol].name : "#");
  }
  out += kRows[static_cast<std::size_t>(pattern.rows)];
  if (pattern.only_decided) out += " decided";
  if (pattern.measures.empty()) return out;
  return out + " => { " + pattern_values(pattern, pattern.measures) + " }";
}

std::string Printer::literal(const Literal& literal) const {
  return std::visit(
      [&](const auto& node) -> std::string {
        using Kind = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<Kind, Match>) {
          return match(node);
        } else if constexpr (std::is_same_v<Kind, Absent>) {
          return "not { " + body(node.body) + " }";
        } else if constexpr (std::is_same_v<Kind, Exists>) {
          return "exists { " + body(node.body) + " }";
        } else if constexpr (std::is_same_v<Kind, Filter>) {
          return expression(node.condition);
        } else if constexpr (std::is_same_v<Kind, Bind>) {
          return variable(node.variable) + " := " + expression(node.value);
        } else if constexpr (std::is_same_v<Kind, Each>) {
          const std::string_view name = node.generator == Generator::kRange ? "range" : "elements";
          return variable(node.variable) + " in " + std::string(name) + "(" +
                 expressions(node.arguments) + ")";
        } else if constexpr (std::is_same_v<Kind, Reduce>) {
          return reduce(node);
        } else if constexpr (std::is_same_v<Kind, Rank>) {
          return rank(node);
        } else if constexpr (std::is_same_v<Kind, Window>) {
          return window(node);
        } else {
          return pattern(node);
        }
      },
      literal.node);
}

std::string Printer::body(const Body& body) const {
  std::string out;
  for (const Literal& item : body) {
    if (!out.empty()) out += ", ";
    out += literal(item);
  }
  return out;
}

std::string Printer::rule(const Rule& rule) const {
  const Relation& relation = program_.relation(rule.head.relation);
  std::string out = relation.name + "(";
  for (std::size_t i = 0; i < rule.head.terms.size(); ++i) {
    if (i > 0) out += ", ";
    const std::string term = expression(rule.head.terms[i]);
    const bool merged = relation.extremum != Extremum::kNone && relation.extremum_column == i;
    if (merged) {
      out += (relation.extremum == Extremum::kMin ? "min(" : "max(") + term + ")";
    } else {
      out += term;
    }
  }
  out += ")";
  if (!rule.body.empty()) out += " :- " + body(rule.body);
  out += ".";
  if (rule.plan) {
    out += " .plan";
    for (const auto& [version, order] : rule.plan->orders) {
      out += " " + std::to_string(version) + ":(";
      for (std::size_t i = 0; i < order.size(); ++i) {
        out += (i > 0 ? "," : "") + std::to_string(order[i]);
      }
      out += ")";
    }
  }
  return out;
}

void Printer::block(const Block& block, std::size_t indent, std::string& out) const {
  const std::string margin(indent, ' ');
  for (const Statement& statement : block) {
    out += margin;
    std::visit(
        [&](const auto& node) {
          using Kind = std::decay_t<decltype(node)>;
          auto nested = [&](const std::shared_ptr<const Block>& inner) {
            if (inner) this->block(*inner, indent + 2, out);
          };
          if constexpr (std::is_same_v<Kind, Change>) {
            const Relation& relation = program_.relation(node.relation);
            out += change_name(node.kind);
            if (node.row) out += " " + variable(*node.row);
            out += " " + relation.name + "{";
            bool first = true;
            for (std::size_t i = 0; i < node.values.size() && i < relation.columns.size(); ++i) {
              if (!node.values[i]) continue;
              if (!first) out += ", ";
              first = false;
              out += relation.columns[i].name + ": " + expression(*node.values[i]);
            }
            out += "};\n";
          } else if constexpr (std::is_same_v<Kind, Let>) {
            out += "let " + variable(node.variable) + " = " + expression(node.value) + ";\n";
          } else if constexpr (std::is_same_v<Kind, Branch>) {
            out += "if (" + body(node.condition) + ")\n";
            nested(node.then_block);
            if (node.else_block && !node.else_block->empty()) {
              out += margin + "else\n";
              nested(node.else_block);
            }
          } else if constexpr (std::is_same_v<Kind, ForEach>) {
            out += "for each (" + body(node.body) + ")\n";
            nested(node.block);
          } else if constexpr (std::is_same_v<Kind, CallProcedure>) {
            if (node.result) out += variable(*node.result) + " = ";
            out += "call " + node.procedure + "(" + expressions(node.arguments) + ");\n";
          } else if constexpr (std::is_same_v<Kind, Schedule>) {
            out += "after " + expression(node.delay) + "\n";
            nested(node.block);
          } else if constexpr (std::is_same_v<Kind, Focus>) {
            out += "focus " + node.group + ";\n";
          } else if constexpr (std::is_same_v<Kind, LogText>) {
            out += "log " + expressions(node.parts) + ";\n";
          } else {
            out += "halt;\n";
          }
        },
        statement.node);
  }
}

}  // namespace entail::datalog::internal
