#include "datalog/internal/decision_tables.h"

#include <algorithm>
#include <utility>

#include "datalog/internal/build.h"

namespace entail::datalog {
namespace {

using grammar::CompareOp;

CoreTerm whole(std::size_t value, grammar::SourceSpan span) {
  CoreTerm term;
  term.kind = TermKind::kLiteral;
  term.literal = grammar::LiteralKind::kNumber;
  term.text = std::to_string(value);
  term.span = span;
  return term;
}

CoreTerm typed(CoreTerm value, const DeclaredType& type) {
  CoreTerm term;
  term.kind = TermKind::kTyped;
  term.type = type.source;
  term.exact = type.type;
  term.span = value.span;
  term.args.push_back(std::move(value));
  return term;
}

CoreTerm choice(CoreCondition condition, CoreTerm then_value, CoreTerm else_value, grammar::SourceSpan span) {
  CoreTerm term;
  term.kind = TermKind::kIf;
  term.span = span;
  term.condition.push_back(std::move(condition));
  term.args.push_back(std::move(then_value));
  term.args.push_back(std::move(else_value));
  return term;
}

CoreCondition compare(CompareOp op, CoreTerm left, CoreTerm right, grammar::SourceSpan span) {
  CoreCondition condition;
  condition.kind = ConditionKind::kCompare;
  condition.compare = op;
  condition.span = span;
  condition.args.push_back(std::move(left));
  condition.args.push_back(std::move(right));
  return condition;
}

// What one cell asks of its input; nothing where it takes any value.
std::optional<CoreCondition> cell_condition(const grammar::TableCell& cell, const CoreTerm& input, ClauseBuilder& builder,
                                            const std::map<std::string, CoreTerm>& arguments, grammar::SourceSpan span) {
  if (cell.values.empty()) return std::nullopt;
  if (cell.op) return compare(*cell.op, input, builder.build_term(cell.values.front(), arguments), span);
  if (cell.values.size() == 1 && cell.values.front().as<grammar::Wildcard>() != nullptr) return std::nullopt;
  std::vector<CoreCondition> alternatives;
  for (const grammar::Expr& value : cell.values) {
    if (const auto* range = value.as<grammar::Range>()) {
      CoreCondition within;
      within.kind = ConditionKind::kInRange;
      within.span = value.span;
      within.args = {input, builder.build_term(*range->low, arguments), builder.build_term(*range->high, arguments)};
      within.low_included = range->low_included;
      within.high_included = range->high_included;
      alternatives.push_back(std::move(within));
    } else {
      alternatives.push_back(compare(CompareOp::kEqual, input, builder.build_term(value, arguments), value.span));
    }
  }
  if (alternatives.size() == 1) return std::move(alternatives.front());
  CoreCondition any;
  any.kind = ConditionKind::kOr;
  any.span = span;
  any.body = std::move(alternatives);
  return any;
}

CoreCondition row_condition(const grammar::TableRow& row, const std::vector<CoreTerm>& inputs, ClauseBuilder& builder,
                            const std::map<std::string, CoreTerm>& arguments) {
  CoreCondition all;
  all.kind = ConditionKind::kAnd;
  all.span = row.span;
  for (std::size_t i = 0; i < row.cells.size() && i < inputs.size(); ++i) {
    if (auto condition = cell_condition(row.cells[i], inputs[i], builder, arguments, row.span)) all.body.push_back(std::move(*condition));
  }
  if (all.body.size() == 1) return std::move(all.body.front());
  if (all.body.empty()) all.kind = ConditionKind::kConstant;
  return all;
}

bool is_constant(const grammar::Expr& expr) { return expr.as<grammar::Literal>() != nullptr; }

// (row, outputs that are constants), as facts.
RelationId rows_relation(TableInfo& table, const std::vector<std::size_t>& stored, Environment& environment) {
  if (table.rows) return *table.rows;
  const grammar::Table& definition = *table.table;
  Relation relation;
  RelationInfo info;
  relation.name = "_" + definition.name.text + ".rows";
  relation.auxiliary = true;
  relation.span = definition.name.span;
  const SourceTypeId number = environment.types.primitive_of(Root::kNumber);
  relation.columns.push_back({"row", environment.types.at(number).type, false, definition.name.span});
  info.column_types.push_back(number);
  for (const std::size_t output : stored) {
    relation.columns.push_back({definition.outputs[output].name.text, table.outputs[output].type, table.outputs[output].nullable,
                                definition.outputs[output].span});
    info.column_types.push_back(table.outputs[output].source);
  }
  info.has_facts = true;
  table.rows = environment.add_relation(std::move(relation), std::move(info));
  ClauseBuilder builder(environment);
  for (std::size_t row = 0; row < definition.rows.size(); ++row) {
    CoreClause fact;
    fact.head = *table.rows;
    fact.is_fact = true;
    fact.span = fact.head_span = definition.rows[row].span;
    fact.head_args.push_back(whole(row + 1, definition.rows[row].span));
    for (const std::size_t output : stored) {
      fact.head_args.push_back(typed(builder.build_term(definition.rows[row].results[output]), table.outputs[output]));
    }
    environment.extra_clauses.push_back(std::move(fact));
  }
  return *table.rows;
}

}  // namespace

void call_table(TableInfo& table, std::vector<CoreTerm> inputs, std::vector<CoreTerm> outputs, grammar::SourceSpan span,
                ClauseBuilder& builder, Environment& environment, CoreBody& out) {
  const grammar::Table& definition = *table.table;
  const std::string name = "table '" + definition.name.text + "'";
  for (const grammar::TableRow& row : definition.rows) {
    if (row.cells.size() != table.inputs.size() || row.results.size() != table.outputs.size()) {
      environment.diagnostics.error(row.span, "a row of " + name + " has " + std::to_string(table.inputs.size()) +
                                                  " conditions and " + std::to_string(table.outputs.size()) + " results");
      return;
    }
  }
  if (definition.policy == grammar::TablePolicy::kCollect || definition.policy == grammar::TablePolicy::kPriority) {
    const std::string policy = definition.policy == grammar::TablePolicy::kCollect ? "collect" : "priority";
    environment.diagnostics.error(span, name + " has policy " + policy + ", which is not supported yet");
    return;
  }
  if (definition.rows.size() > kChainRowsMax) {
    environment.diagnostics.error(span, name + " has more than " + std::to_string(kChainRowsMax) + " rows, which is not supported yet");
    return;
  }
  // Inputs get names, so that the tests of all rows read one value.
  std::map<std::string, CoreTerm> arguments;
  std::vector<CoreTerm> named;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CoreTerm variable = CoreTerm::make_variable(environment.invent(definition.inputs[i].name.text), span);
    out.push_back(compare(CompareOp::kEqual, variable, typed(std::move(inputs[i]), table.inputs[i]), span));
    arguments[definition.inputs[i].name.text] = variable;
    named.push_back(std::move(variable));
  }
  CoreTerm row_number = whole(0, span);
  CoreTerm matches = whole(0, span);
  for (std::size_t row = definition.rows.size(); row-- > 0;) {
    CoreCondition condition = row_condition(definition.rows[row], named, builder, arguments);
    if (definition.policy == grammar::TablePolicy::kUnique) {
      CoreTerm sum;
      sum.kind = TermKind::kCall;
      sum.functor = Functor::kAdd;
      sum.span = span;
      sum.args = {std::move(matches), choice(condition, whole(1, span), whole(0, span), span)};
      matches = std::move(sum);
    }
    row_number = choice(std::move(condition), whole(row + 1, span), std::move(row_number), span);
  }
  const SourceTypeId number_source = environment.types.primitive_of(Root::kNumber);
  const DeclaredType number{number_source, environment.types.at(number_source).type, false};
  const CoreTerm row_variable = CoreTerm::make_variable(environment.invent("row"), span);
  out.push_back(compare(CompareOp::kEqual, row_variable, typed(std::move(row_number), number), span));
  out.push_back(compare(CompareOp::kNotEqual, row_variable, whole(0, span), span));
  if (definition.policy == grammar::TablePolicy::kUnique) {
    // Several rows at once are no answer.
    out.push_back(compare(CompareOp::kEqual, typed(std::move(matches), number), whole(1, span), span));
  }

  std::vector<std::size_t> stored;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const bool constant = std::all_of(definition.rows.begin(), definition.rows.end(),
                                      [&](const grammar::TableRow& row) { return is_constant(row.results[i]); });
    if (constant) {
      stored.push_back(i);
      continue;
    }
    CoreTerm value = builder.build_term(definition.rows.back().results[i], arguments);
    for (std::size_t row = definition.rows.size() - 1; row-- > 0;) {
      value = choice(compare(CompareOp::kEqual, row_variable, whole(row + 1, span), span),
                     builder.build_term(definition.rows[row].results[i], arguments), std::move(value), span);
    }
    out.push_back(compare(CompareOp::kEqual, std::move(outputs[i]), typed(std::move(value), table.outputs[i]), span));
  }
  if (stored.empty()) return;
  CoreCondition match;
  match.kind = ConditionKind::kAtom;
  match.span = span;
  match.relation = rows_relation(table, stored, environment);
  match.relation_name = definition.name.text;
  match.args.push_back(row_variable);
  for (const std::size_t i : stored) match.args.push_back(std::move(outputs[i]));
  out.push_back(std::move(match));
}

}  // namespace entail::datalog
