#include "datalog/time_conditions.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "datalog/body_walk.h"
#include "datalog/event_time.h"
#include "vm/datetime.h"
#include "vm/scalar_functions.h"

namespace entail::datalog {
namespace {

constexpr vm::Type kTime = vm::Type::of(vm::TypeKind::kTimestamp);

bool is_call(const Expression& expression, vm::ScalarFunction function) {
  return expression.op == ExpressionOp::kCallFunction &&
         expression.detail == static_cast<std::uint32_t>(function);
}

bool mentions_now(const Expression& expression) {
  bool found = false;
  internal::walk_expression(
      expression, [&](const Expression& node) { found = found || node.op == ExpressionOp::kNow; });
  return found;
}

// e as base + so many microseconds, through sums with constants.
struct Shifted {
  const Expression* base = nullptr;
  std::int64_t by = 0;
};
Shifted shifted(const Expression& expression) {
  const auto sum = [](const Expression& base, const Expression& offset, bool negated) {
    const auto length = constant_duration(offset);
    if (!length) return Shifted{};
    Shifted inner = shifted(base);
    inner.by = add_times(inner.by, negated ? -*length : *length);
    return inner;
  };
  Shifted found;
  if (is_call(expression, vm::ScalarFunction::kTimestampPlusInterval)) {
    found = sum(expression.arguments[0], expression.arguments[1], false);
  } else if (is_call(expression, vm::ScalarFunction::kIntervalPlusTimestamp)) {
    found = sum(expression.arguments[1], expression.arguments[0], false);
  } else if (is_call(expression, vm::ScalarFunction::kTimestampMinusInterval)) {
    found = sum(expression.arguments[0], expression.arguments[1], true);
  }
  return found.base == nullptr ? Shifted{&expression, 0} : found;
}

// The clock has reached `due`, or it has not.
struct Bound {
  Expression due;
  bool is_reached = true;
};

class Expansion {
 public:
  Expansion(RuleProgram& program, grammar::Diagnostics& diagnostics)
      : program_(program), diagnostics_(diagnostics) {}

  void run() {
    for (Rule& rule : program_.rules) {
      expand(rule.body, rule.variables);
      for (const Expression& term : rule.head.terms) {
        internal::walk_expression(term, [&](const Expression& expression) {
          if (expression.op == ExpressionOp::kNow) refuse(expression.span, rule.head.span);
        });
      }
    }
    for (Production& production : program_.productions)
      expand(production.body, production.variables);
    for (Query& query : program_.queries) expand(query.rule.body, query.rule.variables);
  }

 private:
  void expand(Body& body, std::vector<Variable>& variables) {
    variables_ = &variables;
    expand(body, std::vector<RelationId>{});
    for (const Literal& literal : body) {
      walk_expressions(literal, [&](const Expression& expression) {
        if (expression.op == ExpressionOp::kNow) refuse(expression.span, literal.span);
      });
    }
  }

  // `around`: the clocks of the body that this one stands in.
  void expand(Body& body, const std::vector<RelationId>& around) {
    split_conjunctions(body);
    std::vector<RelationId> clocks = clocks_of(body);
    if (clocks.empty()) clocks = around;
    Body result;
    for (Literal& literal : body) {
      if (auto* absent = std::get_if<Absent>(&literal.node)) expand(absent->body, clocks);
      if (auto* exists = std::get_if<Exists>(&literal.node)) expand(exists->body, clocks);
      if (auto* reduce = std::get_if<Reduce>(&literal.node)) expand(reduce->body, clocks);
      if (auto* rank = std::get_if<Rank>(&literal.node)) expand(rank->body, clocks);
      if (auto* pattern = std::get_if<Pattern>(&literal.node)) expand(pattern->body, clocks);
      if (auto* window = std::get_if<Window>(&literal.node);
          window != nullptr && window->kind == WindowKind::kOverCurrent) {
        expand_window(std::move(*window), literal.span, result);
      } else if (auto* filter = std::get_if<Filter>(&literal.node);
                 filter != nullptr && mentions_now(filter->condition)) {
        expand_filter(std::move(literal), clocks, result);
      } else {
        result.push_back(std::move(literal));
      }
    }
    body = std::move(result);
  }

  // `a and b` holds where both do.
  static void split_conjunctions(Body& body) {
    for (std::size_t i = 0; i < body.size();) {
      auto* filter = std::get_if<Filter>(&body[i].node);
      if (filter == nullptr || filter->condition.op != ExpressionOp::kAnd ||
          !mentions_now(filter->condition)) {
        ++i;
        continue;
      }
      const std::vector<Expression> parts = std::move(filter->condition.arguments);
      const SourceSpan span = body[i].span;
      body.erase(body.begin() + static_cast<std::ptrdiff_t>(i));
      for (std::size_t k = 0; k < parts.size(); ++k) {
        body.insert(body.begin() + static_cast<std::ptrdiff_t>(i + k),
                    Literal{Filter{parts[k]}, span});
      }
    }
  }

  std::vector<RelationId> clocks_of(const Body& body) const {
    std::vector<RelationId> result;
    for (const Literal& literal : body) {
      const auto* match = std::get_if<Match>(&literal.node);
      if (const auto* window = std::get_if<Window>(&literal.node)) match = &window->match;
      if (match == nullptr) continue;
      const auto& stream = program_.relation(match->relation).stream;
      if (!stream || !stream->clock) continue;
      if (std::find(result.begin(), result.end(), *stream->clock) == result.end())
        result.push_back(*stream->clock);
    }
    return result;
  }

  Expression new_variable(const std::string& name, vm::Type type, SourceSpan span) {
    Expression made;
    made.op = ExpressionOp::kVariable;
    made.type = type;
    made.variable = static_cast<VariableId>(variables_->size());
    made.span = span;
    variables_->push_back({name, type, false, span});
    return made;
  }

  // Whether all clocks have reached the time.
  Literal comparison(const std::vector<RelationId>& clocks, Bound bound, SourceSpan span) {
    Body body;
    for (const RelationId clock : clocks) {
      const Expression at = new_variable("_at", kTime, span);
      Match match;
      match.relation = clock;
      match.terms = {at};
      Expression reached;
      reached.op = ExpressionOp::kGreaterEqual;
      reached.type = vm::Type::boolean();
      reached.nullable = bound.due.nullable;
      reached.span = span;
      reached.arguments = {at, bound.due};
      body.push_back({std::move(match), span});
      body.push_back({Filter{std::move(reached)}, span});
    }
    if (bound.is_reached) return {Exists{std::move(body)}, span};
    return {Absent{std::move(body)}, span};
  }

  void expand_window(Window window, SourceSpan span, Body& result) {
    const auto length = constant_duration(window.size.front());
    if (!length || *length < 0) {
      diagnostics_.error(window.size.front().span,
                         "`over current` takes a constant duration that is not negative");
      return;
    }
    const StreamAttributes& stream = *program_.relation(window.match.relation).stream;
    Expression& time = window.match.terms[*stream.event_time_column];
    if (time.op == ExpressionOp::kWildcard) time = new_variable("_ts", kTime, span);
    Literal current = comparison({*stream.clock}, {time_after(time, *length), false}, span);
    result.push_back({std::move(window.match), span});
    result.push_back(std::move(current));
  }

  void expand_filter(Literal literal, const std::vector<RelationId>& clocks, Body& result) {
    const Expression& condition = std::get<Filter>(literal.node).condition;
    auto bound = bound_of(condition);
    if (!bound) {
      result.push_back(std::move(literal));  // Reported where now() is left.
      return;
    }
    if (clocks.empty()) {
      diagnostics_.error(condition.span, "now() has no clock to go by here",
                         "It follows the clock of the streams that the body matches, and they "
                         "need event time.");
      return;
    }
    if (bound->due.nullable) {
      Expression known;
      known.op = ExpressionOp::kIsNotNull;
      known.type = vm::Type::boolean();
      known.span = condition.span;
      known.arguments = {bound->due};
      result.push_back({Filter{std::move(known)}, literal.span});
    }
    result.push_back(comparison(clocks, std::move(*bound), literal.span));
  }

  // now() + c compared with a time.
  static std::optional<Bound> bound_of(const Expression& condition) {
    if (condition.arguments.size() != 2) return std::nullopt;
    std::optional<ExpressionOp> op = condition.op;
    const Expression* present = &condition.arguments[0];
    const Expression* time = &condition.arguments[1];
    if (mentions_now(*time)) {
      std::swap(present, time);
      op = mirrored(condition.op);
    }
    const Shifted now = shifted(*present);
    if (!op || now.base->op != ExpressionOp::kNow || mentions_now(*time)) return std::nullopt;
    if (!(time->type == kTime)) return std::nullopt;
    switch (*op) {
      case ExpressionOp::kGreaterEqual:
        return Bound{time_after(*time, -now.by), true};
      case ExpressionOp::kGreater:
        return Bound{time_after(*time, add_times(-now.by, 1)), true};
      case ExpressionOp::kLess:
        return Bound{time_after(*time, -now.by), false};
      case ExpressionOp::kLessEqual:
        return Bound{time_after(*time, add_times(-now.by, 1)), false};
      default:
        return std::nullopt;
    }
  }

  void refuse(SourceSpan at, SourceSpan otherwise) {
    diagnostics_.error(at.file == grammar::kNoFile ? otherwise : at,
                       "now() may only bound a time in a rule",
                       "`ts > now() - 10m`, with the event time of a stream.");
  }

  RuleProgram& program_;
  grammar::Diagnostics& diagnostics_;
  std::vector<Variable>* variables_ = nullptr;
};

}  // namespace

void expand_time(RuleProgram& program, grammar::Diagnostics& diagnostics) {
  Expansion(program, diagnostics).run();
}

std::optional<DueTime> due_time(const Expression& expression) {
  const Shifted parts = shifted(expression);
  if (parts.base->op != ExpressionOp::kVariable || !(parts.base->type == kTime) ||
      parts.base->nullable) {
    return std::nullopt;
  }
  return DueTime{parts.base->variable, parts.by};
}

Expression time_after(const Expression& time, std::int64_t by) {
  const Shifted parts = shifted(time);
  by = add_times(by, parts.by);
  if (by == 0) return *parts.base;
  Expression length;
  length.op = ExpressionOp::kConstant;
  length.type = vm::Type::of(vm::TypeKind::kInterval);
  const vm::WordPair words = vm::interval_words({0, 0, by});
  length.words[0] = words.high;
  length.words[1] = words.low;
  length.span = time.span;
  Expression sum;
  sum.op = ExpressionOp::kCallFunction;
  sum.detail = static_cast<std::uint32_t>(vm::ScalarFunction::kTimestampPlusInterval);
  sum.type = kTime;
  sum.nullable = parts.base->nullable;
  sum.span = time.span;
  sum.arguments = {*parts.base, std::move(length)};
  return sum;
}

}  // namespace entail::datalog
