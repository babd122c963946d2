#include "tests/property/pattern_generator.h"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "compiler/internal/rule_parts.h"
#include "datalog/body_walk.h"

namespace entail {

namespace {

using datalog::Expression;
using datalog::ExpressionOp;
using datalog::PatternKind;
using datalog::PatternNode;
using datalog::PatternValue;
using datalog::PatternValueKind;
using datalog::VariableId;

class PatternMaker {
 public:
  PatternMaker(datalog::Rule& rule, Random& random) : rule_(rule), random_(random) {}

  void run() {
    std::set<VariableId> wanted;
    for (const Expression& term : rule_.head.terms) wanted.merge(datalog::variables_of(term));
    // The body knows nothing of its surroundings: its variables have numbers of their own.
    std::map<VariableId, VariableId> inner;
    pattern_.body = std::move(rule_.body);
    rule_.body.clear();
    for (datalog::Literal& literal : pattern_.body) {
      datalog::walk_variables(literal, [&](VariableId& variable) {
        if (inner.count(variable) == 0) {
          const datalog::Variable described = rule_.variables[datalog::index_of(variable)];
          inner[variable] = compiler::internal::new_variable(
              rule_, "_" + described.name, described.type, described.nullable, described.span);
        }
        variable = inner[variable];
      });
    }
    for (const VariableId variable : compiler::internal::bound_variables(pattern_.body)) {
      variables_.push_back(variable);
      const datalog::Variable& described = rule_.variables[datalog::index_of(variable)];
      if (described.type.kind == vm::TypeKind::kNumber && !described.nullable) {
        numbers_.push_back(variable);
      }
    }
    const std::uint64_t symbols = 1 + random_.below(4);
    pattern_.symbols.resize(symbols);
    for (std::uint32_t s = 0; s < symbols; ++s)
      pattern_.symbols[s].name = std::string(1, static_cast<char>('A' + s));
    if (random_.chance(1, 2)) pattern_.partition.push_back(any());
    for (std::uint64_t n = random_.below(3); n > 0; --n) {
      pattern_.order.push_back({any(), random_.chance(1, 2), random_.chance(1, 2)});
    }
    take_time();
    const bool relaxed = random_.chance(1, 3);
    PatternNode first = symbol();
    pattern_.root.kind = PatternKind::kConcat;
    pattern_.root.relaxed = relaxed && random_.chance(3, 4);
    const bool may_be_empty = random_.chance(1, 4);
    if (!may_be_empty) pattern_.root.children.push_back(std::move(first));
    for (std::uint64_t n = random_.below(3) + (may_be_empty ? 1 : 0); n > 0; --n) {
      if (pattern_.root.relaxed && !pattern_.root.children.empty() && random_.chance(1, 5)) {
        PatternNode absent;
        absent.kind = PatternKind::kAbsent;
        absent.symbol = any_symbol();
        pattern_.root.children.push_back(std::move(absent));
      }
      pattern_.root.children.push_back(node(3, relaxed));
    }
    if (pattern_.root.relaxed && pattern_.time && !may_be_empty && random_.chance(1, 3)) {
      PatternNode absent;
      absent.kind = PatternKind::kAbsent;
      absent.symbol = any_symbol();
      absent.deadline = later();
      pattern_.root.children.push_back(std::move(absent));
      pattern_.only_decided = true;
    }
    for (datalog::PatternSymbol& made : pattern_.symbols) {
      if (random_.chance(3, 4)) made.condition = condition();
    }
    take_rows(may_be_empty);
    for (const VariableId variable : wanted) measure(variable, inner, may_be_empty);
    rule_.body.push_back({std::move(pattern_), rule_.span});
    rule_.plan.reset();
  }

 private:
  Expression any() {
    if (variables_.empty()) return constant(0);
    return compiler::internal::variable_term(rule_, random_.pick(variables_));
  }
  Expression any_number() {
    if (numbers_.empty()) return constant(static_cast<std::int64_t>(random_.below(3)));
    return compiler::internal::variable_term(rule_, random_.pick(numbers_));
  }
  static Expression constant(std::int64_t value) {
    Expression result;
    result.op = ExpressionOp::kConstant;
    result.type = vm::Type::number();
    result.words[0] = vm::int_word(value);
    return result;
  }
  static Expression made(ExpressionOp op, vm::Type type, std::vector<Expression> arguments) {
    Expression result;
    result.op = op;
    result.type = type;
    for (const Expression& argument : arguments) result.nullable |= argument.nullable;
    result.arguments = std::move(arguments);
    return result;
  }
  std::uint32_t any_symbol() {
    return static_cast<std::uint32_t>(random_.below(pattern_.symbols.size()));
  }

  // Rows are in the order of their time, where there is one.
  void take_time() {
    if (random_.chance(1, 2)) return;
    pattern_.time = any_number();
    pattern_.order.insert(pattern_.order.begin(), {*pattern_.time, false, false});
    if (random_.chance(2, 3)) pattern_.within = later();
    pattern_.only_decided = random_.chance(1, 2);
    if (numbers_.empty() || random_.chance(1, 3)) return;
    Expression null = made(ExpressionOp::kNull, vm::Type::number(), {});
    null.nullable = true;
    Expression mark = made(ExpressionOp::kEqual, vm::Type::boolean(),
                           {any_number(), constant(static_cast<std::int64_t>(random_.below(5)))});
    pattern_.watermark = made(ExpressionOp::kIf, vm::Type::number(), {mark, any_number(), null});
    pattern_.watermark->nullable = true;
    // A watermark belongs to no partition.
    for (Expression& key : pattern_.partition) {
      Expression no_key = made(ExpressionOp::kNull, key.type, {});
      no_key.nullable = true;
      key = made(ExpressionOp::kIf, key.type, {mark, no_key, key});
      key.nullable = true;
    }
  }
  Expression later() {
    return made(ExpressionOp::kAdd, vm::Type::number(),
                {*pattern_.time, constant(1 + static_cast<std::int64_t>(random_.below(4)))});
  }

  PatternNode symbol() {
    PatternNode result;
    result.kind = PatternKind::kSymbol;
    result.symbol = any_symbol();
    return result;
  }

  PatternNode node(std::uint64_t depth, bool relaxed) {
    PatternNode result;
    switch (depth == 0 ? 0 : random_.below(10)) {
      case 1:
      case 2:
        result.kind = PatternKind::kConcat;
        result.relaxed = relaxed && random_.chance(1, 2);
        for (std::uint64_t n = random_.below(3); n > 0; --n)
          result.children.push_back(node(depth - 1, relaxed));
        return result;
      case 3:
      case 4:
        result.kind = PatternKind::kAlternate;
        for (std::uint64_t n = 2 + random_.below(2); n > 0; --n)
          result.children.push_back(node(depth - 1, relaxed));
        return result;
      case 5:
      case 6:
      case 7:
        result.kind = PatternKind::kRepeat;
        result.relaxed = relaxed && random_.chance(1, 2);
        result.reluctant = random_.chance(1, 2);
        result.repeat_min = static_cast<std::uint32_t>(random_.below(3));
        result.repeat_max = random_.chance(1, 2)
                                ? UINT32_MAX
                                : result.repeat_min + static_cast<std::uint32_t>(random_.below(3));
        result.children.push_back(node(depth - 1, relaxed));
        return result;
      case 8:
        result.kind = random_.chance(1, 2) ? PatternKind::kPermute : PatternKind::kExclude;
        result.children.push_back(node(depth - 1, relaxed));
        if (result.kind == PatternKind::kPermute)
          result.children.push_back(node(depth - 1, relaxed));
        return result;
      case 9:
        if (pattern_.only_decided || random_.chance(1, 2)) return symbol();
        result.kind = random_.chance(1, 2) ? PatternKind::kAnchorStart : PatternKind::kAnchorEnd;
        return result;
      default:
        return symbol();
    }
  }

  std::vector<std::uint32_t> some_symbols() {
    std::vector<std::uint32_t> result;
    for (std::uint32_t s = 0; s < pattern_.symbols.size(); ++s) {
      if (random_.chance(1, 2)) result.push_back(s);
    }
    return result;
  }

  Expression operand() {
    if (random_.chance(1, 3)) return constant(static_cast<std::int64_t>(random_.below(4)));
    PatternValue value;
    value.symbols = some_symbols();
    value.value = any_number();
    if (random_.chance(1, 2)) {
      value.symbols.clear();
    } else {
      value.from_first = random_.chance(1, 2);
      value.occurrence = static_cast<std::uint32_t>(random_.below(2));
      if (random_.chance(1, 6)) {
        value.kind = PatternValueKind::kAggregate;
        value.aggregate = datalog::AggregateOp::kMax;
      }
    }
    if (value.kind == PatternValueKind::kLabelled && random_.chance(1, 3)) {
      value.shift = static_cast<std::int64_t>(random_.below(3)) - 1;
    }
    value.result =
        compiler::internal::new_variable(rule_, "_operand", vm::Type::number(), true, rule_.span);
    pattern_.operands.push_back(value);
    return compiler::internal::variable_term(rule_, value.result);
  }

  Expression condition() {
    constexpr ExpressionOp kOps[] = {ExpressionOp::kLess, ExpressionOp::kLessEqual,
                                     ExpressionOp::kNotEqual, ExpressionOp::kGreaterEqual,
                                     ExpressionOp::kIdentical};
    Expression left = operand();
    Expression right = operand();
    Expression result = made(kOps[random_.below(5)], vm::Type::boolean(), {left, right});
    if (result.op == ExpressionOp::kIdentical) result.nullable = false;
    return result;
  }

  void take_rows(bool may_be_empty) {
    pattern_.after_match =
        random_.chance(1, 2) ? datalog::AfterMatch::kPastLastRow : datalog::AfterMatch::kToNextRow;
    const std::vector<PatternNode>& parts = pattern_.root.children;
    const bool has_second =
        !may_be_empty && parts.size() > 1 && parts[0].kind == PatternKind::kSymbol &&
        parts[1].kind == PatternKind::kSymbol && parts[0].symbol != parts[1].symbol;
    if (has_second && random_.chance(1, 2)) {
      pattern_.after_match = datalog::AfterMatch::kToFirst;
      pattern_.skip_symbols = {parts[1].symbol};
    }
    constexpr datalog::PatternRows kRows[] = {
        datalog::PatternRows::kOne, datalog::PatternRows::kMatched, datalog::PatternRows::kNotEmpty,
        datalog::PatternRows::kWithUnmatched};
    pattern_.rows = kRows[random_.below(4)];
  }

  // Values that are always there: the head may not be null.
  void measure(VariableId variable, const std::map<VariableId, VariableId>& inner,
               bool may_be_empty) {
    PatternValue value;
    value.result = variable;
    value.value = compiler::internal::variable_term(rule_, inner.at(variable));
    const bool all_rows = pattern_.rows != datalog::PatternRows::kOne;
    const bool matched = !may_be_empty && pattern_.rows != datalog::PatternRows::kWithUnmatched;
    if (all_rows && random_.chance(1, 2)) {
      value.kind = PatternValueKind::kRow;
    } else if (matched && random_.chance(3, 4)) {
      value.from_first = random_.chance(1, 2);
      value.final_rows = random_.chance(1, 2);
    } else {
      value.kind = PatternValueKind::kStart;
    }
    pattern_.measures.push_back(std::move(value));
  }

  datalog::Rule& rule_;
  Random& random_;
  datalog::Pattern pattern_;
  std::vector<VariableId> variables_, numbers_;
};

}  // namespace

void add_pattern(datalog::Rule& rule, Random& random) { PatternMaker(rule, random).run(); }

}  // namespace entail
