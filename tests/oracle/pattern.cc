#include "tests/oracle/pattern.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace entail::oracle {

namespace {

using datalog::AggregateOp;
using datalog::PatternKind;
using datalog::PatternNode;
using datalog::PatternValue;
using datalog::PatternValueKind;

// What is left: parts one after the other. `kWait` says that rows may be passed over before the next part.
struct Left {
  enum class Kind : std::uint8_t { kPart, kIterate, kWait, kDue };
  Kind kind = Kind::kPart;
  const PatternNode* node = nullptr;
  std::uint32_t count =
      0;  // kIterate: so many iterations are done, but no more than the least number.
  bool excluded = false;
  std::vector<std::uint32_t> forbidden;  // kWait.
  std::shared_ptr<const Left> rest;
};
using Rest = std::shared_ptr<const Left>;

bool same(const Rest& a, const Rest& b) {
  if (a == b) return true;
  if (!a || !b) return false;
  return a->kind == b->kind && a->node == b->node && a->count == b->count &&
         a->excluded == b->excluded && a->forbidden == b->forbidden && same(a->rest, b->rest);
}

Rest put(Left::Kind kind, const PatternNode* node, Rest rest, bool excluded,
         std::uint32_t count = 0, std::vector<std::uint32_t> forbidden = {}) {
  return std::make_shared<const Left>(
      Left{kind, node, count, excluded, std::move(forbidden), std::move(rest)});
}

struct Label {
  std::size_t position = 0;
  std::uint32_t symbol = 0;
  bool excluded = false;
};
using Labels = std::vector<Label>;

enum class Answer : std::uint8_t { kNo, kYes, kUndecided };

class Matcher {
 public:
  Matcher(const datalog::Pattern& pattern, const std::vector<Environment>& rows,
          std::optional<std::int64_t> watermark, ExpressionEvaluator& expressions)
      : pattern_(pattern), rows_(rows), watermark_(watermark), expressions_(expressions) {}

  std::vector<Row> run() {
    std::int64_t number = 0;
    std::vector<bool> matched(rows_.size());
    for (std::size_t start = 0; start < rows_.size();) {
      start_ = start;
      Labels labels;
      const Answer answer =
          attempt(put(Left::Kind::kPart, &pattern_.root, nullptr, false), start, labels);
      if (answer == Answer::kUndecided && pattern_.after_match != datalog::AfterMatch::kToNextRow)
        break;
      if (answer != Answer::kYes) {
        ++start;
        continue;
      }
      ++number;
      matched[start] = true;
      for (const Label& label : found_) matched[label.position] = true;
      put_out(start, number);
      start = next_start(start);
    }
    if (pattern_.rows == datalog::PatternRows::kWithUnmatched) {
      for (std::size_t p = 0; p < rows_.size(); ++p) {
        if (!matched[p]) put_row({}, {}, p, p, std::nullopt);
      }
    }
    return std::move(result_);
  }

 private:
  static constexpr std::uint64_t kLooksMax = 3'000'000;

  struct Option {
    enum class Kind : std::uint8_t { kConsume, kWait, kMatch, kDue };
    Kind kind = Kind::kMatch;
    std::uint32_t symbol = 0;
    bool excluded = false;
    const PatternNode* due = nullptr;
    std::vector<std::uint32_t> forbidden;
    Rest rest;
  };

  // In the order of preference. False: nothing less preferred counts.
  bool expand(const Rest& left, std::size_t position, std::vector<Option>& options,
              std::vector<Rest>& seen) const {
    looks_ += seen.size() + 1;
    if (looks_ > kLooksMax) throw PatternTooLarge();
    for (const Rest& before : seen) {
      if (same(before, left)) return true;
    }
    seen.push_back(left);
    Option option;
    if (!left) {
      option.kind = Option::Kind::kMatch;
      options.push_back(option);
      return false;
    }
    const Rest& rest = left->rest;
    const PatternNode* node = left->node;
    const bool excluded = left->excluded;
    if (left->kind == Left::Kind::kWait) {
      option.kind = Option::Kind::kWait;
      option.forbidden = left->forbidden;
      option.rest = left;
      options.push_back(option);
      return expand(rest, position, options, seen);
    }
    if (left->kind == Left::Kind::kDue) {
      option.kind = Option::Kind::kDue;
      option.due = node;
      options.push_back(option);
      return true;
    }
    if (left->kind == Left::Kind::kIterate) return iterate(*left, position, options, seen);
    switch (node->kind) {
      case PatternKind::kSymbol:
        option.kind = Option::Kind::kConsume;
        option.symbol = node->symbol;
        option.excluded = excluded;
        option.rest = rest;
        options.push_back(option);
        return true;
      case PatternKind::kConcat:
        return expand(concat(*node, rest, excluded), position, options, seen);
      case PatternKind::kAlternate:
        for (const PatternNode& child : node->children) {
          if (!expand(put(Left::Kind::kPart, &child, rest, excluded), position, options, seen))
            return false;
        }
        return true;
      case PatternKind::kRepeat:
        return expand(put(Left::Kind::kIterate, node, rest, excluded), position, options, seen);
      case PatternKind::kPermute: {
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < node->children.size(); ++i) places.push_back(i);
        do {
          Rest all = rest;
          for (std::size_t i = places.size(); i-- > 0;) {
            all = put(Left::Kind::kPart, &node->children[places[i]], all, excluded);
          }
          if (!expand(all, position, options, seen)) return false;
        } while (std::next_permutation(places.begin(), places.end()));
        return true;
      }
      case PatternKind::kExclude:
        return expand(put(Left::Kind::kPart, &node->children.front(), rest, true), position,
                      options, seen);
      case PatternKind::kAnchorStart:
        return position != 0 || expand(rest, position, options, seen);
      case PatternKind::kAnchorEnd:
        return position != rows_.size() || expand(rest, position, options, seen);
      case PatternKind::kAbsent:
        return true;  // concat() has made a wait of it.
    }
    return true;
  }

  static Rest concat(const PatternNode& node, Rest rest, bool excluded) {
    for (std::size_t i = node.children.size(); i-- > 0;) {
      const PatternNode& child = node.children[i];
      if (child.kind == PatternKind::kAbsent) {
        // Absences side by side forbid together.
        std::vector<std::uint32_t> forbidden{child.symbol};
        if (child.deadline) rest = put(Left::Kind::kDue, &child, rest, excluded);
        for (; i > 0 && node.children[i - 1].kind == PatternKind::kAbsent; --i) {
          forbidden.push_back(node.children[i - 1].symbol);
        }
        rest = put(Left::Kind::kWait, nullptr, rest, excluded, 0, forbidden);
        continue;
      }
      rest = put(Left::Kind::kPart, &child, rest, excluded);
      const bool behind_absence = i > 0 && node.children[i - 1].kind == PatternKind::kAbsent;
      if (node.relaxed && i > 0 && !behind_absence) {
        rest = put(Left::Kind::kWait, nullptr, rest, excluded);
      }
    }
    return rest;
  }

  bool iterate(const Left& left, std::size_t position, std::vector<Option>& options,
               std::vector<Rest>& seen) const {
    const PatternNode& node = *left.node;
    const bool unbounded = node.repeat_max == UINT32_MAX;
    const bool may_stop = left.count >= node.repeat_min;
    const bool may_go_on = left.count < node.repeat_max;
    const auto stop = [&] { return !may_stop || expand(left.rest, position, options, seen); };
    const auto go_on = [&] {
      if (!may_go_on) return true;
      // Of an unbounded repetition only that it has had its least number counts, and that it is not the first.
      const std::uint32_t least = std::max(node.repeat_min, 1U);
      const std::uint32_t done = unbounded ? std::min(left.count + 1, least) : left.count + 1;
      Rest rest = put(Left::Kind::kIterate, &node, left.rest, left.excluded, done);
      rest = put(Left::Kind::kPart, &node.children.front(), rest, left.excluded);
      if (node.relaxed && left.count > 0) {
        rest = put(Left::Kind::kWait, nullptr, rest, left.excluded);
      }
      return expand(rest, position, options, seen);
    };
    return node.reluctant ? stop() && go_on() : go_on() && stop();
  }

  std::int64_t instant(const datalog::Expression& expression, std::size_t position) const {
    return std::get<std::int64_t>(expressions_.evaluate(expression, rows_[position]));
  }

  Answer attempt(const Rest& left, std::size_t position, Labels& labels) {
    std::vector<Option> options;
    std::vector<Rest> seen;
    expand(left, position, options, seen);
    const bool ended = position == rows_.size();
    std::optional<std::int64_t> due, end;
    bool goes_on = false;
    for (const Option& option : options) {
      if (option.kind == Option::Kind::kDue) {
        due = instant(*option.due->deadline, labels.back().position);
      }
      goes_on =
          goes_on || option.kind == Option::Kind::kConsume || option.kind == Option::Kind::kWait;
    }
    if (pattern_.within) end = instant(*pattern_.within, start_);
    const bool is_due = due && (ended || instant(*pattern_.time, position) >= *due);
    if (is_due && pattern_.only_decided) {
      if (!watermark_ || *watermark_ < *due) return Answer::kUndecided;
      found_ = labels;
      return Answer::kYes;
    }
    if (ended) {
      const bool closed = end && watermark_ && *watermark_ >= *end;
      if (pattern_.only_decided && goes_on && !closed) return Answer::kUndecided;
    } else {
      const bool too_late = end && instant(*pattern_.time, position) >= *end;
      bool taken = false;
      for (const Option& option : options) {
        if (option.kind != Option::Kind::kConsume || too_late) continue;
        labels.push_back({position, option.symbol, option.excluded});
        Answer answer = Answer::kNo;
        if (holds(option.symbol, labels)) {
          taken = true;
          answer = attempt(option.rest, position + 1, labels);
        }
        labels.pop_back();
        if (answer != Answer::kNo) return answer;
      }
      for (const Option& option : options) {
        if (option.kind != Option::Kind::kWait || taken || (too_late && !due)) continue;
        bool refused = false;
        for (const std::uint32_t symbol : option.forbidden) {
          labels.push_back({position, symbol, false});
          refused = refused || holds(symbol, labels);
          labels.pop_back();
        }
        if (refused) continue;
        const Answer answer = attempt(option.rest, position + 1, labels);
        if (answer != Answer::kNo) return answer;
      }
    }
    if (!options.empty() && options.back().kind == Option::Kind::kMatch) {
      // A match is there where the last row was taken, not where rows were passed over since.
      found_ = labels;
      return Answer::kYes;
    }
    return Answer::kNo;
  }

  // --- values

  static bool counts(const PatternValue& value, std::uint32_t symbol) {
    return value.symbols.empty() ||
           std::find(value.symbols.begin(), value.symbols.end(), symbol) != value.symbols.end();
  }

  Value value_at(const PatternValue& value, std::optional<std::size_t> position) const {
    if (!position || *position >= rows_.size()) return Null{};
    return expressions_.evaluate(*value.value, rows_[*position]);
  }

  Value value_of(const PatternValue& value, const Labels& labels) const {
    std::vector<std::size_t> positions;
    for (const Label& label : labels) {
      if (counts(value, label.symbol)) positions.push_back(label.position);
    }
    if (value.kind == PatternValueKind::kAggregate) return aggregate(value, positions);
    if (value.occurrence >= positions.size()) return Null{};
    const std::size_t place =
        value.from_first ? value.occurrence : positions.size() - 1 - value.occurrence;
    const std::int64_t position = static_cast<std::int64_t>(positions[place]) + value.shift;
    if (position < 0) return Null{};
    if (value.kind == PatternValueKind::kClassifier) {
      for (const Label& label : labels) {
        if (static_cast<std::int64_t>(label.position) == position)
          return pattern_.symbols[label.symbol].name;
      }
      return Null{};
    }
    return value_at(value, static_cast<std::size_t>(position));
  }

  Value aggregate(const PatternValue& value, const std::vector<std::size_t>& positions) const {
    std::vector<Value> values;
    for (const std::size_t position : positions) {
      values.push_back(value.value ? value_at(value, position) : Value(std::int64_t{0}));
    }
    std::erase_if(values, [](const Value& v) { return is_null(v); });
    if (value.aggregate == AggregateOp::kCount) return static_cast<std::int64_t>(values.size());
    if (values.empty()) return Null{};
    if (value.aggregate != AggregateOp::kMin && value.aggregate != AggregateOp::kMax) {
      throw Unsupported{"this aggregate in a pattern"};
    }
    Value best = values.front();
    for (const Value& other : values) {
      const int order = compare(other, best);
      if (value.aggregate == AggregateOp::kMin ? order < 0 : order > 0) best = other;
    }
    return best;
  }

  bool holds(std::uint32_t symbol, const Labels& labels) const {
    if (!pattern_.symbols[symbol].condition) return true;
    Environment environment = rows_[labels.back().position];
    for (const PatternValue& operand : pattern_.operands) {
      environment[datalog::index_of(operand.result)] = value_of(operand, labels);
    }
    return expressions_.holds(*pattern_.symbols[symbol].condition, environment);
  }

  void put_row(const Labels& all, const Labels& running, std::size_t start,
               std::optional<std::size_t> row, std::optional<std::int64_t> number) {
    Row values;
    for (const PatternValue& measure : pattern_.measures) {
      if (measure.kind == PatternValueKind::kStart) {
        values.push_back(value_at(measure, start));
      } else if (measure.kind == PatternValueKind::kRow) {
        values.push_back(value_at(measure, row));
      } else if (!number) {
        values.emplace_back(Null{});
      } else if (measure.kind == PatternValueKind::kMatchNumber) {
        values.emplace_back(*number);
      } else {
        values.push_back(value_of(measure, measure.final_rows ? all : running));
      }
    }
    result_.push_back(std::move(values));
  }

  void put_out(std::size_t start, std::int64_t number) {
    using datalog::PatternRows;
    if (pattern_.rows == PatternRows::kOne) {
      put_row(found_, found_, start, std::nullopt, number);
      return;
    }
    if (found_.empty() && pattern_.rows != PatternRows::kNotEmpty) {
      put_row(found_, found_, start, start, number);
    }
    Labels running;
    for (const Label& label : found_) {
      running.push_back(label);
      if (!label.excluded) put_row(found_, running, start, label.position, number);
    }
  }

  std::size_t next_start(std::size_t start) const {
    using datalog::AfterMatch;
    if (found_.empty() || pattern_.after_match == AfterMatch::kToNextRow) return start + 1;
    if (pattern_.after_match == AfterMatch::kPastLastRow) return found_.back().position + 1;
    std::optional<std::size_t> target;
    for (const Label& label : found_) {
      const auto& symbols = pattern_.skip_symbols;
      if (std::find(symbols.begin(), symbols.end(), label.symbol) == symbols.end()) continue;
      if (!target || pattern_.after_match == AfterMatch::kToLast) target = label.position;
    }
    if (!target || *target == start) throw RowError{"a skip that leads nowhere"};
    return *target;
  }

  const datalog::Pattern& pattern_;
  const std::vector<Environment>& rows_;
  const std::optional<std::int64_t> watermark_;
  ExpressionEvaluator& expressions_;
  mutable std::uint64_t looks_ = 0;  // At what is left of the pattern, over all attempts.
  std::size_t start_ = 0;
  Labels found_;
  std::vector<Row> result_;
};

}  // namespace

std::vector<Row> pattern_rows(const datalog::Pattern& pattern,
                              const std::vector<Environment>& partition,
                              std::optional<std::int64_t> watermark,
                              ExpressionEvaluator& expressions) {
  return Matcher(pattern, partition, watermark, expressions).run();
}

}  // namespace entail::oracle
