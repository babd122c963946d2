// The conditions of bodies: ClauseBuilder, second part.
#include "datalog/internal/build.h"

#include <algorithm>
#include <utility>

#include "datalog/internal/decision_tables.h"

namespace entail::datalog {
namespace {

using grammar::CompareOp;
using grammar::Expr;
using grammar::Formula;
using grammar::SourceSpan;

CompareOp negation_of(CompareOp op) {
  switch (op) {
    case CompareOp::kEqual:
      return CompareOp::kNotEqual;
    case CompareOp::kNotEqual:
      return CompareOp::kEqual;
    case CompareOp::kLess:
      return CompareOp::kGreaterEqual;
    case CompareOp::kLessEqual:
      return CompareOp::kGreater;
    case CompareOp::kGreater:
      return CompareOp::kLessEqual;
    case CompareOp::kGreaterEqual:
      return CompareOp::kLess;
  }
  return op;
}

CompareOp compare_of(grammar::FieldOp op) {
  switch (op) {
    case grammar::FieldOp::kNotEqual:
      return CompareOp::kNotEqual;
    case grammar::FieldOp::kLess:
      return CompareOp::kLess;
    case grammar::FieldOp::kLessEqual:
      return CompareOp::kLessEqual;
    case grammar::FieldOp::kGreater:
      return CompareOp::kGreater;
    case grammar::FieldOp::kGreaterEqual:
      return CompareOp::kGreaterEqual;
    default:
      return CompareOp::kEqual;
  }
}

}  // namespace

CoreCondition ClauseBuilder::compare(CompareOp op, CoreTerm left, CoreTerm right, SourceSpan span) {
  CoreCondition condition;
  condition.kind = ConditionKind::kCompare;
  condition.span = span;
  condition.compare = op;
  condition.args.push_back(std::move(left));
  condition.args.push_back(std::move(right));
  return condition;
}

bool ClauseBuilder::is_plain_expression(const Formula& formula) const {
  if (const auto* conjunction = formula.as<grammar::Conjunction>()) {
    return std::all_of(conjunction->parts.begin(), conjunction->parts.end(),
                       [&](const Formula& part) { return is_plain_expression(part); });
  }
  if (const auto* disjunction = formula.as<grammar::Disjunction>()) {
    return std::all_of(disjunction->parts.begin(), disjunction->parts.end(),
                       [&](const Formula& part) { return is_plain_expression(part); });
  }
  if (const auto* negation = formula.as<grammar::Negation>())
    return is_plain_expression(*negation->operand);
  if (const auto* atom = formula.as<grammar::Atom>()) {
    return !environment_.relations.contains(atom->relation.text) && !atom->named &&
           (functor_named(atom->relation.text) ||
            environment_.functions.contains(atom->relation.text));
  }
  return formula.as<grammar::Comparison>() != nullptr ||
         formula.as<grammar::NullTest>() != nullptr ||
         formula.as<grammar::BooleanTest>() != nullptr ||
         formula.as<grammar::BooleanConstant>() != nullptr ||
         formula.as<grammar::Membership>() != nullptr;
}

// A formula as one condition without atoms: the condition of an `if`, or under a negation.
std::optional<CoreCondition> ClauseBuilder::boolean(const Formula& formula) {
  CoreCondition combined;
  combined.span = formula.span;
  const auto combine = [&](ConditionKind kind,
                           const std::vector<Formula>& parts) -> std::optional<CoreCondition> {
    combined.kind = kind;
    for (const Formula& part : parts) {
      auto inner = boolean(part);
      if (!inner) return std::nullopt;
      combined.body.push_back(std::move(*inner));
    }
    return std::move(combined);
  };
  if (const auto* conjunction = formula.as<grammar::Conjunction>())
    return combine(ConditionKind::kAnd, conjunction->parts);
  if (const auto* disjunction = formula.as<grammar::Disjunction>())
    return combine(ConditionKind::kOr, disjunction->parts);
  if (const auto* negation = formula.as<grammar::Negation>()) {
    auto inner = boolean(*negation->operand);
    if (!inner) return std::nullopt;
    combined.kind = ConditionKind::kNot;
    combined.body.push_back(std::move(*inner));
    return combined;
  }
  if (!is_plain_expression(formula)) {
    environment_.diagnostics.error(
        formula.span, "only comparisons and tests of values can stand here, no relations");
    return std::nullopt;
  }
  CoreBody conditions;
  add(Piece{&formula, false, {}, false}, conditions);
  if (conditions.empty()) return std::nullopt;
  if (conditions.size() == 1) return std::move(conditions.front());
  combined.kind = ConditionKind::kAnd;
  combined.body = std::move(conditions);
  return combined;
}

void ClauseBuilder::add(const Piece& piece, CoreBody& out) {
  const Formula& formula = *piece.formula;
  const SourceSpan span = formula.span;
  if (piece.is_exists) {
    CoreCondition condition;
    condition.kind = ConditionKind::kExists;
    condition.span = span;
    condition.body = body(piece.inner);
    out.push_back(std::move(condition));
    return;
  }
  if (const auto* comparison = formula.as<grammar::Comparison>()) {
    if (!piece.negated && comparison->op == CompareOp::kEqual &&
        add_table_call(*comparison, span, out))
      return;
    const CompareOp op = piece.negated ? negation_of(comparison->op) : comparison->op;
    out.push_back(compare(op, term(comparison->left), term(comparison->right), span));
    return;
  }
  if (const auto* constant = formula.as<grammar::BooleanConstant>()) {
    CoreCondition condition;
    condition.kind = ConditionKind::kConstant;
    condition.span = span;
    condition.value = constant->value != piece.negated;
    out.push_back(std::move(condition));
    return;
  }
  if (const auto* test = formula.as<grammar::NullTest>()) {
    CoreCondition condition;
    condition.kind = ConditionKind::kNullTest;
    condition.span = span;
    condition.args.push_back(term(test->value));
    condition.value = test->negated == piece.negated;
    out.push_back(std::move(condition));
    return;
  }
  if (piece.negated) {
    add_negation(formula, span, out);
    return;
  }
  if (const auto* matched = formula.as<grammar::Atom>()) {
    CoreBody extra;
    auto condition = atom(*matched, extra);
    if (condition) out.push_back(std::move(*condition));
    for (CoreCondition& more : extra) out.push_back(std::move(more));
  } else if (const auto* boolean_test = formula.as<grammar::BooleanTest>()) {
    CoreCondition condition;
    condition.kind = ConditionKind::kTest;
    condition.span = span;
    condition.args.push_back(term(boolean_test->value));
    out.push_back(std::move(condition));
  } else if (const auto* membership = formula.as<grammar::Membership>()) {
    add_membership(membership->value, membership->collection, span, out);
  } else if (const auto* forall = formula.as<grammar::Forall>()) {
    // Nothing satisfies the condition without the consequence.
    for (const Alternative& alternative : alternatives(*forall->condition, false)) {
      CoreCondition condition;
      condition.kind = ConditionKind::kAbsent;
      condition.span = span;
      condition.body = body(alternative);
      add_negation(*forall->consequence, forall->consequence->span, condition.body);
      out.push_back(std::move(condition));
    }
  } else if (const auto* group = formula.as<grammar::Group>()) {
    add_group(*group, span, out);
  } else if (formula.as<grammar::Allen>() != nullptr) {
    unsupported(span, "relations between intervals are");
  } else if (const auto* latest = formula.as<grammar::AsOfMatch>()) {
    CoreBody extra;
    auto condition = atom(latest->atom, extra);
    if (condition) {
      if (condition->kind == ConditionKind::kAtom) add_reference(latest->before, *condition);
      out.push_back(std::move(*condition));
    }
    for (CoreCondition& more : extra) out.push_back(std::move(more));
  } else if (const auto* sequence = formula.as<grammar::Sequence>()) {
    add_sequence(*sequence, span, out);
  } else {
    CoreBody inner;
    for (const Alternative& alternative : alternatives(formula, false)) {
      for (CoreCondition& condition : body(alternative)) out.push_back(std::move(condition));
    }
  }
}

void ClauseBuilder::add_negation(const Formula& formula, SourceSpan span, CoreBody& out) {
  if (formula.as<grammar::Atom>() == nullptr && formula.as<grammar::Negation>() == nullptr &&
      is_plain_expression(formula)) {
    if (auto inner = boolean(formula)) {
      CoreCondition condition;
      condition.kind = ConditionKind::kNot;
      condition.span = span;
      condition.body.push_back(std::move(*inner));
      out.push_back(std::move(condition));
    }
    return;
  }
  for (const Alternative& alternative : alternatives(formula, false)) {
    CoreCondition condition;
    condition.kind = ConditionKind::kAbsent;
    condition.span = span;
    if (const auto* exists = formula.as<grammar::Exists>()) {
      // not exists { … }: one absence for each alternative inside.
      for (const Alternative& inner : alternatives(*exists->body, false)) {
        CoreCondition absent = condition;
        absent.body = body(inner);
        out.push_back(std::move(absent));
      }
      return;
    }
    condition.body = body(alternative);
    if (condition.body.size() == 1 && condition.body.front().kind == ConditionKind::kTest) {
      condition.kind = ConditionKind::kNot;
    } else if (const auto* negated = formula.as<grammar::Atom>();
               negated != nullptr && !negated->named) {
      condition.plain = true;
    } else if (negated != nullptr) {
      condition.plain = condition.body.size() == 1;
    }
    if (!condition.body.empty()) out.push_back(std::move(condition));
  }
}

void ClauseBuilder::add_group(const grammar::Group& group, SourceSpan span, CoreBody& out) {
  const std::vector<Alternative> inner = alternatives(*group.body, false);
  if (inner.size() != 1) {
    unsupported(span, "alternatives inside a group are");
    return;
  }
  CoreCondition condition;
  condition.kind = ConditionKind::kGroup;
  condition.span = span;
  const bool outer_group = std::exchange(in_group_, true);
  condition.body = body(inner.front());
  in_group_ = outer_group;
  const auto windows = std::count_if(condition.body.begin(), condition.body.end(),
                                     [](const CoreCondition& c) { return c.window.has_value(); });
  if (windows > 1) unsupported(span, "several windows in one group are");
  for (const Expr& key : group.keys) {
    CoreTerm value = term(key);
    condition.keys.push_back(value.kind == TermKind::kVariable
                                 ? value
                                 : CoreTerm::make_variable(environment_.invent("key"), key.span));
    condition.args.push_back(std::move(value));
  }
  for (const grammar::NamedExpr& result : group.results) {
    const auto* call_node = result.value.as<grammar::Call>();
    const auto op = call_node == nullptr ? std::nullopt : aggregate_named(call_node->name.text);
    if (!op) {
      environment_.diagnostics.error(result.value.span,
                                     "a result of a group is an aggregate: count(), sum(x), "
                                     "min(x), max(x), mean(x) or count_distinct(x)");
      continue;
    }
    if (*op == AggregateOp::kCollect) {
      unsupported(result.value.span, call_node->name.text + "() is");
      continue;
    }
    const std::size_t wanted = *op == AggregateOp::kCount ? 0 : 1;
    if (call_node->args.size() != wanted) {
      environment_.diagnostics.error(result.value.span, call_node->name.text + "() takes " +
                                                            count_of(wanted, "argument") + " here");
      continue;
    }
    CoreGroupResult made;
    made.variable = CoreTerm::make_variable(result.name.text, result.name.span);
    made.op = *op;
    made.span = result.value.span;
    for (const Expr& arg : call_node->args) made.target.push_back(term(arg));
    condition.results.push_back(std::move(made));
  }
  out.push_back(std::move(condition));
}

void ClauseBuilder::add_membership(const Expr& value, const Expr& collection, SourceSpan span,
                                   CoreBody& out) {
  CoreCondition condition;
  condition.span = span;
  condition.args.push_back(term(value));
  if (const auto* range = collection.as<grammar::Range>()) {
    condition.kind = ConditionKind::kInRange;
    condition.args.push_back(term(*range->low));
    condition.args.push_back(term(*range->high));
    condition.low_included = range->low_included;
    condition.high_included = range->high_included;
  } else if (const auto* list = collection.as<grammar::RecordInit>()) {
    condition.kind = ConditionKind::kInList;
    for (const Expr& element : list->args) condition.args.push_back(term(element));
  } else {
    condition.kind = ConditionKind::kInArray;
    condition.args.push_back(term(collection));
  }
  out.push_back(std::move(condition));
}

std::optional<CoreCondition> ClauseBuilder::atom(const grammar::Atom& atom, CoreBody& extra) {
  if (!environment_.relations.contains(atom.relation.text) && !atom.named) {
    // Not a relation: a function whose value is true or false?
    const bool callable =
        functor_named(atom.relation.text) || environment_.functions.contains(atom.relation.text);
    if (callable) {
      CoreCondition condition;
      condition.kind = ConditionKind::kTest;
      condition.span = atom.span;
      grammar::Call call_node;
      call_node.name = atom.relation;
      call_node.args = atom.args;
      condition.args.push_back(call(call_node, atom.span));
      return condition;
    }
  }
  RelationId id{};
  const Relation* const relation = find_relation(atom.relation, id);
  if (relation == nullptr) {
    CoreCondition unknown;
    unknown.kind = ConditionKind::kUnknown;
    unknown.span = atom.span;
    for (const Expr& arg : atom.args) unknown.args.push_back(term(arg));
    for (const grammar::FieldPattern& field : atom.fields) {
      unknown.args.push_back(field.value
                                 ? term(*field.value)
                                 : CoreTerm::make_variable(field.field.text, field.field.span));
    }
    return unknown;
  }
  const std::vector<Column> columns = relation->columns;
  CoreCondition condition;
  condition.kind = ConditionKind::kAtom;
  condition.span = atom.span;
  condition.relation = id;
  condition.relation_name = atom.relation.text;
  if (atom.alias) condition.row = (*atom.alias).text;
  if (atom.window) add_window(*atom.window, condition);
  if (!atom.named) {
    if (atom.args.size() != columns.size()) {
      environment_.diagnostics.error(atom.span, "'" + atom.relation.text + "' has " +
                                                    count_of(columns.size(), "column") + ", but " +
                                                    given(atom.args.size()));
      condition.kind = ConditionKind::kUnknown;
    }
    for (const Expr& arg : atom.args) condition.args.push_back(term(arg));
    return condition;
  }
  condition.args.resize(columns.size());
  for (CoreTerm& arg : condition.args) arg.span = atom.span;
  for (const grammar::FieldPattern& field : atom.fields) {
    if (const auto position = environment_.find_column(id, field.field))
      add_field(field, condition.args[*position], extra);
  }
  return condition;
}

// The column of the event time, which windows go by.
std::optional<std::uint32_t> ClauseBuilder::event_time(RelationId id, SourceSpan span) {
  const Relation& relation = environment_.program.relation(id);
  if (relation.stream && relation.stream->event_time_column)
    return relation.stream->event_time_column;
  environment_.diagnostics.error(span, "'" + relation.name + "' has no event time to go by",
                                 "Declare it as a stream with `time` and the column.");
  return std::nullopt;
}

namespace {

WindowKind kind_of(grammar::WindowKind kind) {
  switch (kind) {
    case grammar::WindowKind::kLast:
      return WindowKind::kOverLast;
    case grammar::WindowKind::kLastEvents:
      return WindowKind::kCount;
    case grammar::WindowKind::kCurrent:
      return WindowKind::kOverCurrent;
    case grammar::WindowKind::kTumbling:
      return WindowKind::kTumbling;
    case grammar::WindowKind::kHopping:
      return WindowKind::kHopping;
    case grammar::WindowKind::kSession:
      return WindowKind::kSession;
  }
  return WindowKind::kOverLast;
}

CoreTerm typed_as(CoreTerm value, SourceTypeId type) {
  CoreTerm typed;
  typed.kind = TermKind::kTyped;
  typed.span = value.span;
  typed.type = type;
  typed.args.push_back(std::move(value));
  return typed;
}

}  // namespace

void ClauseBuilder::add_window(const grammar::Window& window, CoreCondition& condition) {
  if (!event_time(condition.relation, window.span)) return;
  if (window.kind != grammar::WindowKind::kCurrent && !in_group_) {
    environment_.diagnostics.error(window.span, "such a window can stand only in a group",
                                   "`group { … over … } by … => { … }`; `over current` may stand "
                                   "in any body.");
    return;
  }
  condition.window = kind_of(window.kind);
  const SourceTypeId type = window.kind == grammar::WindowKind::kLastEvents
                                ? environment_.types.primitive_of(Root::kNumber)
                                : *environment_.types.find("interval");
  condition.keys.push_back(typed_as(term(window.size), type));
  if (window.slide) condition.keys.push_back(typed_as(term(*window.slide), type));
}

// `last R{…} before x`: a row that has a name stands for its event time.
void ClauseBuilder::add_reference(const Expr& before, CoreCondition& condition) {
  const auto time = event_time(condition.relation, condition.span);
  if (!time) return;
  CoreTerm reference;
  const auto* word = before.as<grammar::Variable>();
  if (const auto row = word == nullptr ? rows_.end() : rows_.find(word->name); row != rows_.end()) {
    const auto its_time = event_time(row->second, before.span);
    if (!its_time) return;
    const Column& column = environment_.program.relation(row->second).columns[*its_time];
    reference = CoreTerm::make_variable(word->name + "." + column.name, before.span);
  } else {
    reference = term(before);
  }
  condition.window = WindowKind::kLastBefore;
  condition.keys.push_back(
      typed_as(std::move(reference), environment_.info(condition.relation).column_types[*time]));
}

void ClauseBuilder::add_field(const grammar::FieldPattern& field, CoreTerm& column,
                              CoreBody& extra) {
  const SourceSpan span = field.field.span;
  CoreTerm value;
  bool has_value = false;
  if (field.is_pun()) {
    value = CoreTerm::make_variable(field.field.text, span);
    has_value = true;
  } else if (field.value) {
    value = term(*field.value);
    has_value = value.kind != TermKind::kWildcard;
  }
  if (has_value) {
    if (column.kind == TermKind::kWildcard) {
      column = value;
    } else {
      extra.push_back(compare(CompareOp::kEqual, column, std::move(value), span));
    }
  }
  if (!field.constraint) return;
  // The constraint is on the column, whatever stands there.
  if (column.kind != TermKind::kVariable) {
    CoreTerm named = CoreTerm::make_variable(environment_.invent(field.field.text), span);
    CoreTerm before = std::exchange(column, named);
    if (before.kind != TermKind::kWildcard)
      extra.push_back(compare(CompareOp::kEqual, named, std::move(before), span));
  }
  const Expr& operand = field.constraint->value;
  if (field.constraint->op == grammar::FieldOp::kIn) {
    Expr variable;
    variable.node = grammar::Variable{column.name};
    variable.span = span;
    add_membership(variable, operand, operand.span, extra);
  } else if (field.constraint->op == grammar::FieldOp::kMatches) {
    CoreCondition test;
    test.kind = ConditionKind::kTest;
    test.span = operand.span;
    CoreTerm matches;
    matches.kind = TermKind::kCall;
    matches.functor = Functor::kMatches;
    matches.name = "match";
    matches.span = operand.span;
    matches.args = {term(operand), column};
    test.args.push_back(std::move(matches));
    extra.push_back(std::move(test));
  } else {
    extra.push_back(compare(compare_of(field.constraint->op), column, term(operand), operand.span));
  }
}

bool ClauseBuilder::add_table_call(const grammar::Comparison& comparison, SourceSpan span,
                                   CoreBody& out) {
  const auto table_of = [&](const Expr& expr) -> const grammar::Call* {
    const auto* call_node = expr.as<grammar::Call>();
    return call_node != nullptr && environment_.tables.contains(call_node->name.text) ? call_node
                                                                                      : nullptr;
  };
  const Expr* pattern = &comparison.left;
  const grammar::Call* call_node = table_of(comparison.right);
  if (call_node == nullptr) {
    call_node = table_of(comparison.left);
    pattern = &comparison.right;
  }
  if (call_node == nullptr) return false;
  TableInfo& table = environment_.tables.at(call_node->name.text);
  std::vector<CoreTerm> inputs;
  for (const Expr& arg : call_node->args) inputs.push_back(term(arg));
  std::vector<CoreTerm> outputs;
  const auto* record = pattern->as<grammar::RecordInit>();
  if (table.outputs.size() == 1 && record == nullptr) {
    outputs.push_back(term(*pattern));
  } else if (record != nullptr) {
    for (const Expr& arg : record->args) outputs.push_back(term(arg));
  }
  if (inputs.size() != table.inputs.size() || outputs.size() != table.outputs.size()) {
    environment_.diagnostics.error(
        span, "table '" + call_node->name.text + "' takes " + std::to_string(table.inputs.size()) +
                  " values and gives " + std::to_string(table.outputs.size()));
    return true;
  }
  call_table(table, std::move(inputs), std::move(outputs), span, *this, environment_, out);
  return true;
}

}  // namespace entail::datalog
