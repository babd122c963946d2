#include "server/engine/internal/read_set.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "datalog/body_walk.h"
#include "vm/value_codec.h"

namespace entail::engine {

using datalog::Expression;
using datalog::ExpressionOp;
using datalog::VariableId;
using vm::TypeKind;
using vm::Word;

namespace {

// Beyond so many, ranges of one relation cost more to look through than they save.
constexpr std::size_t kRangesMax = 256;

bool is_integer(vm::Type type) {
  return type.kind == TypeKind::kInt2 || type.kind == TypeKind::kInt4 ||
         type.kind == TypeKind::kInt8 || type == vm::Type::number(64);
}

// Conversions between integers keep the word.
const Expression& without_widening(const Expression& expression) {
  const Expression* at = &expression;
  while ((at->op == ExpressionOp::kCast || at->op == ExpressionOp::kConvert) &&
         at->arguments.size() == 1 && is_integer(at->type) && is_integer(at->arguments[0].type)) {
    at = &at->arguments[0];
  }
  return *at;
}

bool is_comparison(ExpressionOp op) {
  return op == ExpressionOp::kEqual || op == ExpressionOp::kLess ||
         op == ExpressionOp::kLessEqual || op == ExpressionOp::kGreater ||
         op == ExpressionOp::kGreaterEqual;
}

bool is_value(const Expression& expression) {
  return expression.op == ExpressionOp::kConstant || expression.op == ExpressionOp::kParameter;
}

// What the conjunctions of a body say about its variables.
class Knowledge {
 public:
  void learn(const datalog::Body& body) {
    for (const datalog::Literal& literal : body) {
      if (const auto* filter = std::get_if<datalog::Filter>(&literal.node)) {
        learn(filter->condition);
      } else if (const auto* bind = std::get_if<datalog::Bind>(&literal.node)) {
        // An equation of identity: of a parameter that is null too, so only constants are used.
        const Expression& value = without_widening(bind->value);
        if (value.op == ExpressionOp::kVariable) {
          unite(bind->variable, value.variable);
        } else if (value.op == ExpressionOp::kConstant) {
          said_.push_back({bind->variable, ExpressionOp::kEqual, &value});
        }
      }
    }
  }

  template <typename Take>
  void about(VariableId variable, Take take) const {
    const VariableId root = find(variable);
    for (const Said& said : said_) {
      if (find(said.variable) == root) take(said.op, *said.value);
    }
  }

 private:
  struct Said {
    VariableId variable{};
    ExpressionOp op = ExpressionOp::kEqual;
    const Expression* value = nullptr;
  };

  VariableId find(VariableId variable) const {
    auto at = parent_.find(variable);
    while (at != parent_.end()) {
      variable = at->second;
      at = parent_.find(variable);
    }
    return variable;
  }

  void unite(VariableId a, VariableId b) {
    const VariableId root_a = find(a), root_b = find(b);
    if (root_a != root_b) parent_[root_a] = root_b;
  }

  void learn(const Expression& condition) {
    if (condition.op == ExpressionOp::kAnd) {
      for (const Expression& part : condition.arguments) learn(part);
      return;
    }
    if (!is_comparison(condition.op) || condition.arguments.size() != 2) return;
    const Expression& left = without_widening(condition.arguments[0]);
    const Expression& right = without_widening(condition.arguments[1]);
    if (left.op == ExpressionOp::kVariable && right.op == ExpressionOp::kVariable) {
      if (condition.op == ExpressionOp::kEqual) unite(left.variable, right.variable);
    } else if (left.op == ExpressionOp::kVariable && is_value(right)) {
      said_.push_back({left.variable, condition.op, &right});
    } else if (right.op == ExpressionOp::kVariable && is_value(left)) {
      const ExpressionOp mirrored = condition.op == ExpressionOp::kEqual
                                        ? ExpressionOp::kEqual
                                        : datalog::mirrored(condition.op).value_or(condition.op);
      said_.push_back({right.variable, mirrored, &left});
    }
  }

  std::vector<Said> said_;
  std::map<VariableId, VariableId> parent_;
};

class Reader {
 public:
  explicit Reader(std::uint32_t catalog_relations) : catalog_relations_(catalog_relations) {}

  // `outer`: what holds for the variables that the body shares with what stands around it.
  void read(const datalog::Body& body, const Knowledge& outer) {
    Knowledge knowledge = outer;
    knowledge.learn(body);
    for (const datalog::Literal& literal : body) {
      if (const auto* match = std::get_if<datalog::Match>(&literal.node)) {
        read(*match, knowledge);
      } else if (const auto* absent = std::get_if<datalog::Absent>(&literal.node)) {
        read(absent->body, knowledge);
      } else if (const auto* exists = std::get_if<datalog::Exists>(&literal.node)) {
        read(exists->body, knowledge);
      } else if (const auto* reduce = std::get_if<datalog::Reduce>(&literal.node);
                 reduce != nullptr && reduce->form == datalog::ReduceForm::kPerBinding) {
        read(reduce->body, knowledge);
      } else {
        datalog::internal::take_apart(
            literal, [](const Expression&) {}, [](const VariableId&) {},
            [&](const datalog::Match& inner) { read(inner, {}); },
            [&](const datalog::Body& inner, datalog::Reading) { read(inner, Knowledge()); });
      }
    }
  }

  std::vector<Reading> take() { return std::move(readings_); }

 private:
  void read(const datalog::Match& match, const Knowledge& knowledge) {
    if (datalog::index_of(match.relation) >= catalog_relations_) return;
    Reading reading{match.relation, {}};
    for (std::uint32_t c = 0; c < match.terms.size(); ++c) {
      const Expression& term = match.terms[c];
      if (term.op == ExpressionOp::kConstant) {
        reading.comparisons.push_back({c, ExpressionOp::kEqual, term});
      } else if (term.op == ExpressionOp::kVariable) {
        knowledge.about(term.variable, [&](ExpressionOp op, const Expression& value) {
          reading.comparisons.push_back({c, op, value});
        });
      }
    }
    readings_.push_back(std::move(reading));
  }

  std::uint32_t catalog_relations_;
  std::vector<Reading> readings_;
};

// The encoding of a value as the column's; nothing: none of the column's values compares so.
enum class Encoded : std::uint8_t { kDone, kNoneEqual, kUnknown };

Encoded encode_as(const vm::ValuePool& pool, vm::Type column, vm::Type type, const Word* words,
                  std::string& out) {
  if (is_integer(column) && is_integer(type)) {
    const std::int64_t value = vm::int_of(words[0]);
    const std::int64_t highest =
        column.kind == TypeKind::kInt2   ? std::numeric_limits<std::int16_t>::max()
        : column.kind == TypeKind::kInt4 ? std::numeric_limits<std::int32_t>::max()
                                         : std::numeric_limits<std::int64_t>::max();
    if (value > highest || value < -highest - 1) return Encoded::kNoneEqual;
  } else if (type != column) {
    return Encoded::kUnknown;
  }
  vm::encode_value(pool, column, false, words, {}, out);
  return Encoded::kDone;
}

// Kinds whose order, as SQL compares them, is that of their encodings.
bool is_plain(vm::Type type) {
  switch (type.kind) {
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
    case TypeKind::kBool:
    case TypeKind::kDate:
    case TypeKind::kTime:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
    case TypeKind::kUuid:
    case TypeKind::kText:
    case TypeKind::kBytes:
      return true;
    default:
      return type == vm::Type::number(64);
  }
}

bool holds(ExpressionOp op, int order) {
  switch (op) {
    case ExpressionOp::kLess:
      return order < 0;
    case ExpressionOp::kLessEqual:
      return order <= 0;
    case ExpressionOp::kGreater:
      return order > 0;
    case ExpressionOp::kGreaterEqual:
      return order >= 0;
    default:
      return order == 0;
  }
}

// False: the value is null.
bool encode_column(const RowSet& rows, std::size_t row, const compiler::ColumnLayout& column,
                   std::string& out) {
  if (column.nullable && rows.word(row, column.null_word()) != 0) return false;
  Word words[2] = {0, 0};
  for (std::uint32_t w = 0; w < column.value_words; ++w) {
    words[w] = rows.word(row, column.first_word + w);
  }
  vm::encode_value(rows.pool(), column.type, false, words, {}, out);
  return true;
}

}  // namespace

std::vector<Reading> readings_of(const datalog::QueryProgram& query) {
  Reader reader(query.catalog_relations);
  for (const datalog::Rule& rule : query.program.rules) reader.read(rule.body, {});
  return reader.take();
}

void ReadSet::add(const Reading& reading, std::span<const compiler::ParameterValue> parameters,
                  const compiler::RelationLayout& layout, vm::ValuePool& pool) {
  OfRelation& known = relations_[reading.relation];
  if (known.whole) return;
  Range range;
  for (const ReadComparison& comparison : reading.comparisons) {
    const vm::Type column = layout.columns[comparison.column].type;
    if (!is_plain(column)) continue;
    Bound bound{comparison.column, comparison.op, {}};
    Encoded encoded = Encoded::kUnknown;
    if (comparison.value.op == ExpressionOp::kParameter) {
      if (comparison.value.detail >= parameters.size()) continue;
      const compiler::ParameterValue& value = parameters[comparison.value.detail];
      if (value.null) return;  // Nothing compares with null.
      encoded = encode_as(pool, column, comparison.value.type, value.words, bound.value);
    } else if (column.kind == TypeKind::kText || column.kind == TypeKind::kBytes) {
      if (comparison.value.type != column) continue;
      const Word word = pool.intern(comparison.value.text);
      encoded = encode_as(pool, column, column, &word, bound.value);
    } else {
      encoded = encode_as(pool, column, comparison.value.type, comparison.value.words, bound.value);
    }
    if (encoded == Encoded::kNoneEqual && comparison.op == ExpressionOp::kEqual) return;
    if (encoded == Encoded::kDone) range.push_back(std::move(bound));
  }
  std::sort(range.begin(), range.end());
  range.erase(std::unique(range.begin(), range.end()), range.end());
  if (range.empty()) {
    known = {};
    known.whole = true;
    return;
  }
  const bool is_point = std::all_of(range.begin(), range.end(), [](const Bound& bound) {
    return bound.op == ExpressionOp::kEqual;
  });
  if (!is_point) {
    known.ranges.insert(std::move(range));
    if (known.ranges.size() > kRangesMax) {
      known = {};
      known.whole = true;
    }
    return;
  }
  std::vector<std::uint32_t> columns;
  std::string key;
  for (const Bound& bound : range) {
    if (!columns.empty() && columns.back() == bound.column) return;  // Equal to two values.
    columns.push_back(bound.column);
    key += bound.value;
  }
  known.points[columns].insert(std::move(key));
}

void ReadSet::add_point(RelationId relation, const std::vector<std::uint32_t>& columns,
                        const RowSet& rows, std::size_t row, const KeyEncoder& encoder) {
  OfRelation& known = relations_[relation];
  if (known.whole) return;
  std::vector<std::uint32_t> ascending = columns;
  std::sort(ascending.begin(), ascending.end());
  std::string key;
  if (encoder.encode(rows, row, ascending, key)) known.points[ascending].insert(std::move(key));
}

bool ReadSet::holds_one_of(RelationId relation, const RowSet& rows,
                           const compiler::RelationLayout& layout) const {
  const auto found = relations_.find(relation);
  if (found == relations_.end() || rows.empty()) return false;
  const OfRelation& known = found->second;
  if (known.whole) return true;
  std::string bytes;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const auto& [columns, keys] : known.points) {
      bytes.clear();
      const bool whole = std::all_of(columns.begin(), columns.end(), [&](std::uint32_t column) {
        return encode_column(rows, i, layout.columns[column], bytes);
      });
      if (whole && keys.count(bytes) != 0) return true;
    }
    for (const Range& range : known.ranges) {
      const bool lies_in = std::all_of(range.begin(), range.end(), [&](const Bound& bound) {
        bytes.clear();
        return encode_column(rows, i, layout.columns[bound.column], bytes) &&
               holds(bound.op, bytes.compare(bound.value));
      });
      if (lies_in) return true;
    }
  }
  return false;
}

}  // namespace entail::engine
