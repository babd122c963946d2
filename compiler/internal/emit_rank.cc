#include "compiler/internal/emit_rank.h"

#include <utility>

#include "compiler/internal/aggregate_kinds.h"
#include "compiler/internal/rule_parts.h"

namespace entail::compiler::internal {

namespace {

using datalog::Expression;
using datalog::FrameBound;
using datalog::RankFunction;

vm::RankKind kind_of(RankFunction function) {
  switch (function) {
    case RankFunction::kRowNumber:
      return vm::RankKind::kRowNumber;
    case RankFunction::kRank:
      return vm::RankKind::kRank;
    case RankFunction::kDenseRank:
      return vm::RankKind::kDenseRank;
    case RankFunction::kLag:
      return vm::RankKind::kLag;
    case RankFunction::kLead:
      return vm::RankKind::kLead;
    case RankFunction::kFirstValue:
      return vm::RankKind::kFirstValue;
    case RankFunction::kLastValue:
      return vm::RankKind::kLastValue;
    case RankFunction::kNthValue:
      return vm::RankKind::kNthValue;
    case RankFunction::kPercentRank:
      return vm::RankKind::kPercentRank;
    case RankFunction::kCumeDist:
      return vm::RankKind::kCumeDist;
    case RankFunction::kNtile:
      return vm::RankKind::kNtile;
    case RankFunction::kAggregate:
      return vm::RankKind::kAggregate;
  }
  return vm::RankKind::kRowNumber;
}

vm::RankBound bound_of(FrameBound bound) {
  switch (bound) {
    case FrameBound::kUnbounded:
      return vm::RankBound::kUnbounded;
    case FrameBound::kPreceding:
      return vm::RankBound::kPreceding;
    case FrameBound::kCurrent:
      return vm::RankBound::kCurrent;
    case FrameBound::kFollowing:
      return vm::RankBound::kFollowing;
  }
  return vm::RankBound::kCurrent;
}

vm::RankFrameMode mode_of(datalog::FrameMode mode) {
  switch (mode) {
    case datalog::FrameMode::kRange:
      return vm::RankFrameMode::kRange;
    case datalog::FrameMode::kRows:
      return vm::RankFrameMode::kRows;
    case datalog::FrameMode::kGroups:
      return vm::RankFrameMode::kGroups;
  }
  return vm::RankFrameMode::kRange;
}

vm::RankExclusion exclusion_of(datalog::FrameExclusion exclusion) {
  switch (exclusion) {
    case datalog::FrameExclusion::kNone:
      return vm::RankExclusion::kNone;
    case datalog::FrameExclusion::kCurrentRow:
      return vm::RankExclusion::kCurrentRow;
    case datalog::FrameExclusion::kGroup:
      return vm::RankExclusion::kGroup;
    case datalog::FrameExclusion::kTies:
      return vm::RankExclusion::kTies;
  }
  return vm::RankExclusion::kNone;
}

class LayOut {
 public:
  LayOut(const datalog::Rule& rule, const datalog::Rank& rank) : rule_(rule), rank_(rank) {}

  RankLayout run() {
    for (const datalog::VariableId variable : variables_of_rows(rank_.body)) {
      const vm::SortColumn column = add(variable_term(rule_, variable));
      spec_.ties.push_back(column);
      hand(variable, result_.columns.back().nullable);
    }
    spec_.kept_words = words_;
    for (const Expression& value : rank_.partition) spec_.partition.push_back(add(value));
    for (const datalog::OrderItem& item : rank_.order) {
      vm::SortColumn column = add(item.value);
      column.style = {item.descending, item.nulls_first};
      spec_.order.push_back(column);
    }
    for (const datalog::RankResult& result : rank_.functions) {
      vm::RankFunctionSpec function;
      function.kind = kind_of(result.function);
      for (const Expression& argument : result.arguments) {
        // What may be null in the result may be so in the argument, which then is laid out likewise.
        function.arguments.push_back(add(argument));
      }
      const datalog::Variable& variable = rule_.variables[datalog::index_of(result.result)];
      bool nullable = needs_null(result.function);
      if (result.function == RankFunction::kAggregate) {
        function.aggregate = frame_aggregate_spec(result, variable);
        nullable = variable.nullable;
        if (result.filter) function.filter = add(*result.filter);
      }
      const ColumnLayout& handed = hand(result.result, nullable);
      function.result_words = handed.word_count();
      spec_.functions.push_back(std::move(function));
    }
    spec_.from = edge(rank_.frame.from);
    spec_.to = edge(rank_.frame.to);
    if (rank_.frame.range_value) spec_.range_value = add(*rank_.frame.range_value);
    if (rank_.limit) spec_.limit_word = bound(*rank_.limit);
    if (rank_.offset) spec_.offset_word = bound(*rank_.offset);
    spec_.mode = mode_of(rank_.frame.mode);
    spec_.exclusion = exclusion_of(rank_.frame.exclusion);
    spec_.with_ties = rank_.with_ties;
    spec_.words = words_;
    result_.spec = std::move(spec_);
    return std::move(result_);
  }

 private:
  // Whether a function may have no result; the others' have no null flag in the table.
  static bool needs_null(RankFunction function) {
    switch (function) {
      case RankFunction::kLag:
      case RankFunction::kLead:
      case RankFunction::kFirstValue:
      case RankFunction::kLastValue:
      case RankFunction::kNthValue:
      case RankFunction::kNtile:
        return true;
      default:
        return false;
    }
  }

  vm::SortColumn add(const Expression& value, bool nullable = false) {
    ColumnLayout column;
    column.type = value.type;
    column.nullable = nullable || value.nullable;
    column.first_word = words_;
    column.value_words = vm::value_words(value.type);
    words_ += column.word_count();
    result_.values.push_back(value);
    result_.columns.push_back(column);
    return {column.type, column.nullable, column.first_word, {}};
  }

  vm::RankEdge edge(const datalog::FrameEdge& from) {
    vm::RankEdge made;
    made.bound = bound_of(from.bound);
    if (from.offset) made.offset_word = bound(*from.offset);
    if (from.value) made.value = add(*from.value);
    return made;
  }

  std::uint32_t bound(const Expression& value) { return add(value, /*nullable=*/true).word; }

  const ColumnLayout& hand(datalog::VariableId variable, bool nullable) {
    ColumnLayout column;
    column.type = rule_.variables[datalog::index_of(variable)].type;
    column.nullable = nullable;
    column.first_word = result_.handed_words;
    column.value_words = vm::value_words(column.type);
    result_.handed_words += column.word_count();
    result_.handed.push_back(variable);
    result_.handed_columns.push_back(column);
    return result_.handed_columns.back();
  }

  const datalog::Rule& rule_;
  const datalog::Rank& rank_;
  RankLayout result_;
  vm::RankSpec spec_;
  std::uint32_t words_ = 0;
};

}  // namespace

const datalog::Body& gathered_body(const datalog::Literal& literal) {
  if (const auto* rank = std::get_if<datalog::Rank>(&literal.node)) return rank->body;
  return std::get<datalog::Pattern>(literal.node).body;
}

std::vector<datalog::VariableId> variables_of_rows(const datalog::Body& body) {
  const VariableSet bound = bound_variables(body);
  return {bound.begin(), bound.end()};
}

RankLayout lay_out_rank(const datalog::Rule& rule, const datalog::Rank& rank) {
  return LayOut(rule, rank).run();
}

}  // namespace entail::compiler::internal
