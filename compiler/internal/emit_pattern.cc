#include "compiler/internal/emit_pattern.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "compiler/internal/aggregate_kinds.h"
#include "compiler/internal/emit_body.h"
#include "compiler/internal/fragment_builder.h"
#include "compiler/internal/pattern_automaton.h"
#include "compiler/internal/rule_parts.h"
#include "datalog/body_walk.h"
#include "vm/verifier.h"

namespace entail::compiler::internal {

namespace {

using datalog::Expression;
using datalog::PatternValue;
using datalog::PatternValueKind;
using datalog::VariableId;
using vm::PatternValueSpec;

vm::PatternSkip skip_of(datalog::AfterMatch skip) {
  switch (skip) {
    case datalog::AfterMatch::kPastLastRow:
      return vm::PatternSkip::kPastLastRow;
    case datalog::AfterMatch::kToNextRow:
      return vm::PatternSkip::kToNextRow;
    case datalog::AfterMatch::kToFirst:
      return vm::PatternSkip::kToFirst;
    case datalog::AfterMatch::kToLast:
      return vm::PatternSkip::kToLast;
  }
  return vm::PatternSkip::kPastLastRow;
}

vm::PatternOutput output_of(datalog::PatternRows rows) {
  switch (rows) {
    case datalog::PatternRows::kOne:
      return vm::PatternOutput::kOne;
    case datalog::PatternRows::kMatched:
      return vm::PatternOutput::kMatched;
    case datalog::PatternRows::kNotEmpty:
      return vm::PatternOutput::kNotEmpty;
    case datalog::PatternRows::kWithUnmatched:
      return vm::PatternOutput::kWithUnmatched;
  }
  return vm::PatternOutput::kOne;
}

PatternValueSpec::Kind kind_of(PatternValueKind kind) {
  switch (kind) {
    case PatternValueKind::kLabelled:
      return PatternValueSpec::Kind::kLabelled;
    case PatternValueKind::kStart:
      return PatternValueSpec::Kind::kStart;
    case PatternValueKind::kRow:
      return PatternValueSpec::Kind::kRow;
    case PatternValueKind::kAggregate:
      return PatternValueSpec::Kind::kAggregate;
    case PatternValueKind::kClassifier:
      return PatternValueSpec::Kind::kClassifier;
    case PatternValueKind::kMatchNumber:
      return PatternValueSpec::Kind::kMatchNumber;
  }
  return PatternValueSpec::Kind::kLabelled;
}

class LayOutPattern {
 public:
  LayOutPattern(const PatternScope& scope, const datalog::Rule& rule,
                const datalog::Pattern& pattern)
      : scope_(scope),
        rule_(rule),
        pattern_(pattern),
        builder_(*scope.program, *scope.pool, scope.files) {}

  Expected<RankLayout> run(std::vector<vm::Word>& retained) {
    for (const VariableId variable : variables_of_rows(pattern_.body)) {
      spec_.ties.push_back(add(variable_term(rule_, variable)));
    }
    for (const Expression& value : pattern_.partition) spec_.partition.push_back(add(value));
    for (const datalog::OrderItem& item : pattern_.order) {
      vm::SortColumn column = add(item.value);
      column.style = {item.descending, item.nulls_first};
      spec_.order.push_back(column);
    }
    if (pattern_.time) spec_.time_word = add(*pattern_.time).word;
    if (pattern_.within) spec_.within_word = add(*pattern_.within).word;
    if (pattern_.watermark) spec_.watermark = add(*pattern_.watermark);
    std::vector<std::uint32_t> due_words;
    add_deadlines(pattern_.root, due_words);
    auto states = pattern_automaton(pattern_.root, due_words);
    if (!states) return unexpected(std::move(states).error());
    spec_.states = std::move(*states);
    for (const PatternValue& value : pattern_.operands) {
      // An operand is always given with a null flag: there may be no such row.
      spec_.operands.push_back(value_spec(value, /*nullable=*/true));
    }
    for (const PatternValue& value : pattern_.measures) {
      const datalog::Variable& variable = rule_.variables[datalog::index_of(value.result)];
      spec_.measures.push_back(value_spec(value, variable.nullable));
      ColumnLayout column;
      column.type = variable.type;
      column.nullable = variable.nullable;
      column.first_word = layout_.handed_words;
      column.value_words = vm::value_words(column.type);
      layout_.handed_words += column.word_count();
      layout_.handed.push_back(value.result);
      layout_.handed_columns.push_back(column);
    }
    spec_.result_words = layout_.handed_words;
    for (std::uint32_t s = 0; s < pattern_.symbols.size(); ++s) add_symbol(s);
    spec_.skip = skip_of(pattern_.after_match);
    spec_.skip_symbols = set_of(pattern_.skip_symbols);
    spec_.output = output_of(pattern_.rows);
    spec_.only_decided = pattern_.only_decided;
    spec_.words = words_;
    return finish(retained);
  }

 private:
  vm::SortColumn add(const Expression& value) {
    ColumnLayout column;
    column.type = value.type;
    column.nullable = value.nullable;
    column.first_word = words_;
    column.value_words = vm::value_words(value.type);
    words_ += column.word_count();
    layout_.values.push_back(value);
    layout_.columns.push_back(column);
    return {column.type, column.nullable, column.first_word, {}};
  }

  void add_deadlines(const datalog::PatternNode& node, std::vector<std::uint32_t>& words) {
    if (node.deadline) words.push_back(add(*node.deadline).word);
    for (const datalog::PatternNode& child : node.children) add_deadlines(child, words);
  }

  std::vector<bool> set_of(const std::vector<std::uint32_t>& symbols) const {
    std::vector<bool> set(pattern_.symbols.size());
    for (const std::uint32_t symbol : symbols) set[symbol] = true;
    return set;
  }

  PatternValueSpec value_spec(const PatternValue& value, bool nullable) {
    PatternValueSpec spec;
    spec.kind = kind_of(value.kind);
    spec.place.symbols = set_of(value.symbols);
    spec.place.any = value.symbols.empty();
    spec.place.from_first = value.from_first;
    spec.place.occurrence = value.occurrence;
    spec.place.shift = value.shift;
    spec.final_rows = value.final_rows;
    if (value.value) spec.value = add(*value.value);
    const datalog::Variable& variable = rule_.variables[datalog::index_of(value.result)];
    if (value.kind == PatternValueKind::kAggregate) {
      datalog::RankResult function;
      function.function = datalog::RankFunction::kAggregate;
      function.aggregate = value.aggregate;
      if (value.value) function.arguments = {*value.value};
      spec.aggregate = frame_aggregate_spec(function, variable);
    }
    spec.type = variable.type;
    spec.nullable = nullable;
    spec.words = vm::words_of(variable.type, nullable);
    return spec;
  }

  // Whether the operand looks at a row whose distance to the row in question is known: that row has the symbol.
  static bool is_local(const PatternValue& operand, std::uint32_t symbol) {
    return operand.kind == PatternValueKind::kLabelled && !operand.from_first &&
           operand.occurrence == 0 &&
           (operand.symbols.empty() || std::find(operand.symbols.begin(), operand.symbols.end(),
                                                 symbol) != operand.symbols.end());
  }

  void add_symbol(std::uint32_t number) {
    const datalog::PatternSymbol& symbol = pattern_.symbols[number];
    vm::PatternSymbolSpec spec;
    spec.name = builder_.text_constant(symbol.name);
    spec.is_local = true;
    if (symbol.condition) {
      const std::set<VariableId> used = datalog::variables_of(*symbol.condition);
      for (std::uint32_t o = 0; o < pattern_.operands.size(); ++o) {
        if (used.count(pattern_.operands[o].result) == 0) continue;
        spec.operands.push_back(o);
        spec.is_local = spec.is_local && is_local(pattern_.operands[o], number);
      }
      spec.condition = emit_condition(*symbol.condition, spec.operands);
    }
    spec_.symbols.push_back(std::move(spec));
  }

  std::uint32_t emit_condition(const Expression& condition,
                               const std::vector<std::uint32_t>& operands) {
    datalog::Rule rule;
    rule.name = rule_.name;
    rule.span = rule_.span;
    rule.variables = rule_.variables;
    std::vector<VariableId> given{
        new_variable(rule, "_lane", vm::Type::unsigned_number(64), false, rule.span)};
    for (const std::uint32_t o : operands) {
      given.push_back(pattern_.operands[o].result);
      rule.variables[datalog::index_of(given.back())].nullable = true;
    }
    std::vector<ColumnLayout> columns;
    std::uint32_t words = 0;
    for (const VariableId variable : given) {
      const datalog::Variable& described = rule.variables[datalog::index_of(variable)];
      columns.push_back(placed(described.type, described.nullable, words));
    }
    std::uint32_t emitted_words = 0;
    const std::vector<Expression> emitted{variable_term(rule, given.front()), condition};
    const std::vector<ColumnLayout> emitted_columns{placed(emitted[0].type, false, emitted_words),
                                                    placed(emitted[1].type, true, emitted_words)};
    FragmentBuilder fragment(builder_, scope_.rule, rule, "condition of " + rule_.name);
    const std::vector<RelationLayout> no_layouts;
    const std::set<datalog::RelationId> no_ranks;
    BodyEmitter body(fragment, no_layouts, no_ranks, EmitFor::kStanding);
    body.run_given(given, columns, words, {}, {given.begin(), given.end()},
                   [&] { body.emit_values(emitted, emitted_columns); });
    return fragment.finish();
  }

  static ColumnLayout placed(vm::Type type, bool nullable, std::uint32_t& words) {
    ColumnLayout column;
    column.type = type;
    column.nullable = nullable;
    column.first_word = words;
    column.value_words = vm::value_words(type);
    words += column.word_count();
    return column;
  }

  Expected<RankLayout> finish(std::vector<vm::Word>& retained) {
    retained.insert(retained.end(), builder_.retained().begin(), builder_.retained().end());
    if (builder_.refused()) return unexpected(*builder_.refused());
    builder_.link({{vm::Opcode::kHalt, 0, 0, 0, 0, 0, 0, 0}});
    if (auto verified = vm::verify_program(builder_.program()); !verified) {
      return unexpected(
          verified.error().code,
          "the compiler made a program that the machine refuses: " + verified.error().message);
    }
    spec_.conditions = std::make_shared<const vm::Program>(std::move(builder_.program()));
    layout_.spec = std::move(spec_);
    return std::move(layout_);
  }

  const PatternScope& scope_;
  const datalog::Rule& rule_;
  const datalog::Pattern& pattern_;
  ProgramBuilder builder_;
  RankLayout layout_;
  vm::PatternSpec spec_;
  std::uint32_t words_ = 0;
};

}  // namespace

Expected<RankLayout> lay_out_pattern(const PatternScope& scope, const datalog::Rule& rule,
                                     const datalog::Pattern& pattern,
                                     std::vector<vm::Word>& retained) {
  return LayOutPattern(scope, rule, pattern).run(retained);
}

}  // namespace entail::compiler::internal
