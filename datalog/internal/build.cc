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
    case CompareOp::kEqual: return CompareOp::kNotEqual;
    case CompareOp::kNotEqual: return CompareOp::kEqual;
    case CompareOp::kLess: return CompareOp::kGreaterEqual;
    case CompareOp::kLessEqual: return CompareOp::kGreater;
    case CompareOp::kGreater: return CompareOp::kLessEqual;
    case CompareOp::kGreaterEqual: return CompareOp::kLess;
  }
  return op;
}

CompareOp compare_of(grammar::FieldOp op) {
  switch (op) {
    case grammar::FieldOp::kNotEqual: return CompareOp::kNotEqual;
    case grammar::FieldOp::kLess: return CompareOp::kLess;
    case grammar::FieldOp::kLessEqual: return CompareOp::kLessEqual;
    case grammar::FieldOp::kGreater: return CompareOp::kGreater;
    case grammar::FieldOp::kGreaterEqual: return CompareOp::kGreaterEqual;
    default: return CompareOp::kEqual;
  }
}

// `min(e)` as a whole head term: the extremum of the relation.
Extremum extremum_of(const Expr& expr) {
  const auto* call = expr.as<grammar::Call>();
  if (call == nullptr || call->user_functor || call->args.size() != 1) return Extremum::kNone;
  if (call->name.text == "min") return Extremum::kMin;
  if (call->name.text == "max") return Extremum::kMax;
  return Extremum::kNone;
}

}  // namespace

std::optional<AggregateOp> aggregate_named(const std::string& name) {
  if (name == "count") return AggregateOp::kCount;
  if (name == "count_distinct") return AggregateOp::kCountDistinct;
  if (name == "sum") return AggregateOp::kSum;
  if (name == "min") return AggregateOp::kMin;
  if (name == "max") return AggregateOp::kMax;
  if (name == "mean" || name == "avg") return AggregateOp::kMean;
  if (name == "collect") return AggregateOp::kCollect;
  return std::nullopt;
}

void ClauseBuilder::unsupported(SourceSpan span, const std::string& what) {
  environment_.diagnostics.error(span, what + " not supported yet");
}

// ---------------------------------------------------------------------------------------------------
// Alternatives

std::vector<ClauseBuilder::Alternative> ClauseBuilder::product(std::vector<std::vector<Alternative>> factors,
                                                               SourceSpan span) {
  std::vector<Alternative> result(1);
  for (std::vector<Alternative>& factor : factors) {
    if (factor.size() == 1) {
      for (Alternative& so_far : result) so_far.insert(so_far.end(), factor[0].begin(), factor[0].end());
      continue;
    }
    if (result.size() * factor.size() > kAlternativesMax) {
      environment_.diagnostics.error(span, "this condition has more than " + std::to_string(kAlternativesMax) + " alternatives",
                                     "Give some of the alternatives a relation of their own.");
      return result;
    }
    std::vector<Alternative> next;
    for (const Alternative& so_far : result) {
      for (const Alternative& more : factor) {
        Alternative joined = so_far;
        joined.insert(joined.end(), more.begin(), more.end());
        next.push_back(std::move(joined));
      }
    }
    result = std::move(next);
  }
  return result;
}

std::vector<ClauseBuilder::Alternative> ClauseBuilder::alternatives(const Formula& formula, bool negated) {
  if (const auto* negation = formula.as<grammar::Negation>()) return alternatives(*negation->operand, !negated);
  const auto* conjunction = formula.as<grammar::Conjunction>();
  const auto* disjunction = formula.as<grammar::Disjunction>();
  if ((conjunction != nullptr && !negated) || (disjunction != nullptr && negated)) {
    std::vector<std::vector<Alternative>> factors;
    for (const Formula& part : conjunction != nullptr ? conjunction->parts : disjunction->parts) {
      factors.push_back(alternatives(part, negated));
    }
    return product(std::move(factors), formula.span);
  }
  if (disjunction != nullptr) {
    std::vector<Alternative> result;
    for (const Formula& part : disjunction->parts) {
      for (Alternative& alternative : alternatives(part, false)) result.push_back(std::move(alternative));
    }
    return result;
  }
  if (const auto* exists = formula.as<grammar::Exists>(); exists != nullptr && !negated) {
    std::vector<Alternative> result;
    for (Alternative& inner : alternatives(*exists->body, false)) {
      result.push_back({Piece{&formula, false, std::move(inner), true}});
    }
    return result;
  }
  return {{Piece{&formula, negated, {}, false}}};
}

CoreBody ClauseBuilder::body(const Alternative& alternative) {
  const auto outer_rows = rows_;
  for (const Piece& piece : alternative) {
    const auto* matched = piece.is_exists ? nullptr : piece.formula->as<grammar::Atom>();
    if (matched == nullptr || !matched->alias || piece.negated) continue;
    if (const auto found = environment_.relations.find(matched->relation.text); found != environment_.relations.end()) {
      rows_[(*matched->alias).text] = found->second;
    }
  }
  CoreBody out;
  for (const Piece& piece : alternative) {
    CoreBody conditions;
    add(piece, conditions);
    for (CoreCondition& brought : pending_) out.push_back(std::move(brought));
    pending_.clear();
    for (CoreCondition& condition : conditions) out.push_back(std::move(condition));
  }
  rows_ = outer_rows;
  return out;
}

std::vector<CoreBody> ClauseBuilder::build_bodies(const Formula& formula) {
  std::vector<CoreBody> bodies;
  for (const Alternative& alternative : alternatives(formula, false)) bodies.push_back(body(alternative));
  return bodies;
}

// ---------------------------------------------------------------------------------------------------
// Clauses

std::vector<CoreClause> ClauseBuilder::build(const grammar::Clause& clause, SourceSpan span) {
  std::vector<const grammar::Atom*> heads;
  for (const grammar::Atom& head_atom : clause.heads) heads.push_back(&head_atom);
  std::vector<CoreClause> clauses = build(heads, clause.body ? &*clause.body : nullptr, span);
  if (!clause.plan.empty()) {
    PlanHint hint;
    for (const grammar::PlanOrder& order : clause.plan) {
      std::vector<std::uint32_t>& positions = hint.orders[static_cast<std::uint32_t>(std::stoul(order.version))];
      for (const std::string& position : order.positions) positions.push_back(static_cast<std::uint32_t>(std::stoul(position)));
    }
    for (CoreClause& made : clauses) made.plan = hint;
  }
  return clauses;
}

std::vector<CoreClause> ClauseBuilder::build(const std::vector<const grammar::Atom*>& heads, const Formula* formula,
                                             SourceSpan span) {
  std::vector<Alternative> all(1);
  if (formula != nullptr) all = alternatives(*formula, false);
  std::vector<CoreClause> clauses;
  for (const grammar::Atom* head_atom : heads) {
    for (const Alternative& alternative : all) {
      rows_.clear();
      const std::size_t errors_before = environment_.diagnostics.error_count();
      for (const Piece& piece : alternative) {
        const auto* matched = piece.formula->as<grammar::Atom>();
        if (matched == nullptr || piece.is_exists || piece.negated || !matched->alias) continue;
        if (const auto found = environment_.relations.find(matched->relation.text); found != environment_.relations.end()) {
          rows_[(*matched->alias).text] = found->second;
        }
      }
      CoreClause clause;
      clause.span = span;
      clause.is_fact = formula == nullptr;
      const bool understood = head(*head_atom, clause);
      CoreBody brought = std::move(pending_);
      pending_.clear();
      clause.body = body(alternative);
      for (CoreCondition& condition : brought) clause.body.push_back(std::move(condition));
      resolve_rows(clause.body);
      for (const auto& [row, relation] : rows_) {
        const Relation& matched = environment_.program.relation(relation);
        for (CoreCondition& condition : clause.body) {
          if (condition.kind != ConditionKind::kAtom || condition.row != row) continue;
          visit_terms(clause.head_args, true, [&](CoreTerm& used) {
            if (used.kind != TermKind::kVariable || !used.name.starts_with(row + ".")) return;
            for (std::size_t i = 0; i < matched.columns.size(); ++i) {
              if (used.name == row + "." + matched.columns[i].name && condition.args[i].kind == TermKind::kWildcard) {
                condition.args[i] = CoreTerm::make_variable(used.name, condition.args[i].span);
              } else if (used.name == row + "." + matched.columns[i].name &&
                         condition.args[i].kind == TermKind::kVariable) {
                used.name = condition.args[i].name;
              }
            }
          });
        }
      }
      clause.broken = environment_.diagnostics.error_count() != errors_before;
      if (understood) clauses.push_back(std::move(clause));
    }
  }
  return clauses;
}

// `r.c` was built as the variable "r.c": give it to column c of the row, or to what stands there.
void ClauseBuilder::resolve_rows(CoreBody& out) {
  for (std::size_t at = 0; at < out.size(); ++at) {
    if (out[at].kind != ConditionKind::kAtom || out[at].row.empty()) continue;
    const Relation& matched = environment_.program.relation(out[at].relation);
    for (std::size_t i = 0; i < matched.columns.size(); ++i) {
      const std::string name = out[at].row + "." + matched.columns[i].name;
      bool used = false;
      visit_terms(out, true, [&](CoreTerm& other) { used |= other.kind == TermKind::kVariable && other.name == name; });
      if (!used || (out[at].args[i].kind == TermKind::kVariable && out[at].args[i].name == name)) continue;
      CoreTerm variable = CoreTerm::make_variable(name, out[at].args[i].span);
      CoreTerm before = std::exchange(out[at].args[i], variable);
      if (before.kind != TermKind::kWildcard) {
        out.push_back(compare(CompareOp::kEqual, std::move(before), std::move(variable), out[at].span));
      }
    }
  }
}

bool ClauseBuilder::head(const grammar::Atom& atom, CoreClause& clause) {
  RelationId id{};
  const Relation* const relation = find_relation(atom.relation, id);
  if (relation == nullptr) {
    // The arguments may have mistakes of their own.
    for (const Expr& arg : atom.args) {
      if (extremum_of(arg) == Extremum::kNone) term(arg);
    }
    return false;
  }
  clause.head = id;
  clause.head_span = atom.span;
  const std::vector<Column> columns = relation->columns;
  if (!atom.named) {
    if (atom.args.size() != columns.size()) {
      environment_.diagnostics.error(atom.span, "'" + atom.relation.text + "' has " + std::to_string(columns.size()) +
                                                    " columns, but " + std::to_string(atom.args.size()) + " are given");
      return false;
    }
    for (std::uint32_t i = 0; i < atom.args.size(); ++i) clause.head_args.push_back(head_term(atom.args[i], id, i));
    return true;
  }
  std::vector<std::optional<CoreTerm>> terms(columns.size());
  for (const grammar::FieldPattern& field : atom.fields) {
    std::uint32_t position = 0;
    while (position < columns.size() && columns[position].name != field.field.text) ++position;
    if (position == columns.size()) {
      std::vector<std::string> known;
      for (const Column& column : columns) known.push_back(column.name);
      environment_.diagnostics.error(field.field.span, "'" + atom.relation.text + "' has no column '" + field.field.text + "'",
                                     Environment::suggestion(field.field.text, known));
      return false;
    }
    if (terms[position]) {
      environment_.diagnostics.error(field.field.span, "column '" + field.field.text + "' is given twice");
    }
    if (field.constraint) {
      environment_.diagnostics.error(field.field.span, "a column of a head takes a value, not a condition");
      return false;
    }
    terms[position] = field.value ? head_term(*field.value, id, position)
                                  : CoreTerm::make_variable(field.field.text, field.field.span);
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (terms[i]) {
      clause.head_args.push_back(std::move(*terms[i]));
      continue;
    }
    const RelationInfo& info = environment_.info(id);
    if (i < info.defaults.size() && info.defaults[i]) {
      clause.head_args.push_back(term(*info.defaults[i]));
    } else if (columns[i].nullable) {
      clause.head_args.push_back(literal(grammar::LiteralKind::kNull, "", atom.span));
    } else {
      environment_.diagnostics.error(atom.span, "column '" + columns[i].name + "' of '" + atom.relation.text +
                                                    "' is not given, and has no default");
      return false;
    }
  }
  return true;
}

CoreTerm ClauseBuilder::head_term(const Expr& expr, RelationId id, std::uint32_t column) {
  const Extremum extremum = extremum_of(expr);
  if (extremum == Extremum::kNone) return term(expr);
  Relation& relation = environment_.program.relation(id);
  if (relation.extremum != Extremum::kNone && relation.extremum_column != column) {
    environment_.diagnostics.error(expr.span, "'" + relation.name + "' takes the extremum of column '" +
                                                  relation.columns[relation.extremum_column].name +
                                                  "' already; a relation has one such column");
  } else if (relation.extremum != Extremum::kNone && relation.extremum != extremum) {
    environment_.diagnostics.error(expr.span, "'" + relation.name + "' takes both the min and the max of column '" +
                                                  relation.columns[column].name + "'");
  }
  if (relation.equivalence) {
    environment_.diagnostics.error(expr.span, "the equivalence relation '" + relation.name + "' cannot keep an extremum");
  }
  relation.extremum = extremum;
  relation.extremum_column = column;
  return term(expr.as<grammar::Call>()->args.front());
}

const Relation* ClauseBuilder::find_relation(const grammar::Name& name, RelationId& id) {
  const auto found = environment_.relations.find(name.text);
  if (found == environment_.relations.end()) {
    environment_.diagnostics.error(name.span, "there is no relation '" + name.text + "'",
                                   Environment::suggestion(name.text, environment_.relation_names()));
    return nullptr;
  }
  id = found->second;
  return &environment_.program.relation(id);
}

// ---------------------------------------------------------------------------------------------------
// Conditions

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
  if (const auto* negation = formula.as<grammar::Negation>()) return is_plain_expression(*negation->operand);
  if (const auto* atom = formula.as<grammar::Atom>()) {
    return !environment_.relations.contains(atom->relation.text) && !atom->named &&
           (functor_named(atom->relation.text) || environment_.functions.contains(atom->relation.text));
  }
  return formula.as<grammar::Comparison>() != nullptr || formula.as<grammar::NullTest>() != nullptr ||
         formula.as<grammar::BooleanTest>() != nullptr || formula.as<grammar::BooleanConstant>() != nullptr ||
         formula.as<grammar::Membership>() != nullptr;
}

// A formula as one condition without atoms: the condition of an `if`, or under a negation.
std::optional<CoreCondition> ClauseBuilder::boolean(const Formula& formula) {
  CoreCondition combined;
  combined.span = formula.span;
  const auto combine = [&](ConditionKind kind, const std::vector<Formula>& parts) -> std::optional<CoreCondition> {
    combined.kind = kind;
    for (const Formula& part : parts) {
      auto inner = boolean(part);
      if (!inner) return std::nullopt;
      combined.body.push_back(std::move(*inner));
    }
    return std::move(combined);
  };
  if (const auto* conjunction = formula.as<grammar::Conjunction>()) return combine(ConditionKind::kAnd, conjunction->parts);
  if (const auto* disjunction = formula.as<grammar::Disjunction>()) return combine(ConditionKind::kOr, disjunction->parts);
  if (const auto* negation = formula.as<grammar::Negation>()) {
    auto inner = boolean(*negation->operand);
    if (!inner) return std::nullopt;
    combined.kind = ConditionKind::kNot;
    combined.body.push_back(std::move(*inner));
    return combined;
  }
  if (!is_plain_expression(formula)) {
    environment_.diagnostics.error(formula.span, "only comparisons and tests of values can stand here, no relations");
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
    if (!piece.negated && comparison->op == CompareOp::kEqual && add_table_call(*comparison, span, out)) return;
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
  } else if (formula.as<grammar::AsOfMatch>() != nullptr) {
    unsupported(span, "`last … before` is");
  } else if (formula.as<grammar::Sequence>() != nullptr) {
    unsupported(span, "sequences are");
  } else {
    CoreBody inner;
    for (const Alternative& alternative : alternatives(formula, false)) {
      for (CoreCondition& condition : body(alternative)) out.push_back(std::move(condition));
    }
  }
}

void ClauseBuilder::add_negation(const Formula& formula, SourceSpan span, CoreBody& out) {
  if (formula.as<grammar::Atom>() == nullptr && formula.as<grammar::Negation>() == nullptr && is_plain_expression(formula)) {
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
    } else if (const auto* negated = formula.as<grammar::Atom>(); negated != nullptr && !negated->named) {
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
  condition.body = body(inner.front());
  for (const Expr& key : group.keys) condition.keys.push_back(term(key));
  for (const grammar::NamedExpr& result : group.results) {
    const auto* call_node = result.value.as<grammar::Call>();
    const auto op = call_node == nullptr ? std::nullopt : aggregate_named(call_node->name.text);
    if (!op) {
      environment_.diagnostics.error(result.value.span, "a result of a group is an aggregate: count(), sum(x), min(x), max(x), mean(x) or count_distinct(x)");
      continue;
    }
    if (*op == AggregateOp::kCollect) {
      unsupported(result.value.span, call_node->name.text + "() is");
      continue;
    }
    const std::size_t wanted = *op == AggregateOp::kCount ? 0 : 1;
    if (call_node->args.size() != wanted) {
      environment_.diagnostics.error(result.value.span, call_node->name.text + "() takes " + std::to_string(wanted) + " arguments here");
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

void ClauseBuilder::add_membership(const Expr& value, const Expr& collection, SourceSpan span, CoreBody& out) {
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
    const bool callable = functor_named(atom.relation.text) || environment_.functions.contains(atom.relation.text);
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
      unknown.args.push_back(field.value ? term(*field.value) : CoreTerm::make_variable(field.field.text, field.field.span));
    }
    return unknown;
  }
  if (atom.window) unsupported((*atom.window).span, "windows are");
  const std::vector<Column> columns = relation->columns;
  CoreCondition condition;
  condition.kind = ConditionKind::kAtom;
  condition.span = atom.span;
  condition.relation = id;
  condition.relation_name = atom.relation.text;
  if (atom.alias) condition.row = (*atom.alias).text;
  if (!atom.named) {
    if (atom.args.size() != columns.size()) {
      environment_.diagnostics.error(atom.span, "'" + atom.relation.text + "' has " + std::to_string(columns.size()) +
                                                    " columns, but " + std::to_string(atom.args.size()) + " are given");
      condition.kind = ConditionKind::kUnknown;
    }
    for (const Expr& arg : atom.args) condition.args.push_back(term(arg));
    return condition;
  }
  condition.args.resize(columns.size());
  for (CoreTerm& arg : condition.args) arg.span = atom.span;
  for (const grammar::FieldPattern& field : atom.fields) {
    std::size_t position = 0;
    while (position < columns.size() && columns[position].name != field.field.text) ++position;
    if (position == columns.size()) {
      std::vector<std::string> known;
      for (const Column& column : columns) known.push_back(column.name);
      environment_.diagnostics.error(field.field.span, "'" + atom.relation.text + "' has no column '" + field.field.text + "'",
                                     Environment::suggestion(field.field.text, known));
      continue;
    }
    add_field(atom, field, condition.args[position], extra);
  }
  return condition;
}

void ClauseBuilder::add_field(const grammar::Atom&, const grammar::FieldPattern& field, CoreTerm& column, CoreBody& extra) {
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
    if (before.kind != TermKind::kWildcard) extra.push_back(compare(CompareOp::kEqual, named, std::move(before), span));
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

bool ClauseBuilder::add_table_call(const grammar::Comparison& comparison, SourceSpan span, CoreBody& out) {
  const auto table_of = [&](const Expr& expr) -> const grammar::Call* {
    const auto* call_node = expr.as<grammar::Call>();
    return call_node != nullptr && environment_.tables.contains(call_node->name.text) ? call_node : nullptr;
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
    environment_.diagnostics.error(span, "table '" + call_node->name.text + "' takes " + std::to_string(table.inputs.size()) +
                                             " values and gives " + std::to_string(table.outputs.size()));
    return true;
  }
  call_table(table, std::move(inputs), std::move(outputs), span, *this, environment_, out);
  return true;
}

// ---------------------------------------------------------------------------------------------------
// Terms

CoreTerm ClauseBuilder::literal(grammar::LiteralKind kind, std::string text, SourceSpan span) {
  CoreTerm made;
  made.kind = TermKind::kLiteral;
  made.span = span;
  made.literal = kind;
  made.text = std::move(text);
  return made;
}

CoreTerm ClauseBuilder::term(const Expr& expr) {
  CoreTerm made;
  made.span = expr.span;
  const auto operation = [&](Functor functor, std::vector<CoreTerm> args) {
    made.kind = TermKind::kCall;
    made.functor = functor;
    made.args = std::move(args);
    return std::move(made);
  };
  if (const auto* node = expr.as<grammar::Literal>()) return literal(node->kind, node->text, expr.span);
  if (const auto* node = expr.as<grammar::Variable>()) {
    if (!arguments_.empty()) {
      if (const auto found = arguments_.back().find(node->name); found != arguments_.back().end()) return found->second;
      environment_.diagnostics.error(expr.span, "'" + node->name + "' is not a parameter of the function");
    }
    return CoreTerm::make_variable(node->name, expr.span);
  }
  if (expr.as<grammar::Wildcard>() != nullptr) return made;
  if (expr.as<grammar::Counter>() != nullptr) {
    made.kind = TermKind::kCounter;
    return made;
  }
  if (const auto* node = expr.as<grammar::Path>()) return path(*node, expr.span);
  if (const auto* node = expr.as<grammar::Unary>()) {
    std::vector<CoreTerm> args;
    args.push_back(term(*node->operand));
    return operation(functor_of(node->op), std::move(args));
  }
  if (const auto* node = expr.as<grammar::Binary>()) {
    std::vector<CoreTerm> args;
    args.push_back(term(*node->left));
    args.push_back(term(*node->right));
    return operation(functor_of(node->op), std::move(args));
  }
  if (const auto* node = expr.as<grammar::Conditional>()) {
    made.kind = TermKind::kIf;
    if (auto condition = boolean(*node->condition)) {
      made.condition.push_back(std::move(*condition));
    } else {
      CoreCondition never;
      made.condition.push_back(std::move(never));
    }
    made.args.push_back(term(*node->then_value));
    made.args.push_back(term(*node->else_value));
    return made;
  }
  if (const auto* node = expr.as<grammar::Call>()) return call(*node, expr.span);
  if (const auto* node = expr.as<grammar::Aggregate>()) return aggregate(*node, expr.span);
  if (const auto* node = expr.as<grammar::RecordInit>()) {
    made.kind = TermKind::kRecord;
    for (const Expr& arg : node->args) made.args.push_back(term(arg));
    return made;
  }
  if (const auto* node = expr.as<grammar::AdtInit>()) {
    made.kind = TermKind::kVariant;
    made.name = node->branch.text;
    for (const Expr& arg : node->args) made.args.push_back(term(arg));
    if (!environment_.branches.contains(made.name)) {
      std::vector<std::string> known;
      for (const auto& [branch, ref] : environment_.branches) known.push_back(branch);
      environment_.diagnostics.error(expr.span, "no type has a branch '" + made.name + "'",
                                     Environment::suggestion(made.name, known));
    }
    return made;
  }
  if (const auto* node = expr.as<grammar::Cast>()) {
    CoreTerm value = term(*node->value);
    const auto type = environment_.types.find(node->type.text);
    if (!type) {
      environment_.diagnostics.error(node->type.span, "there is no type '" + node->type.text + "' to read the value as",
                                     Environment::suggestion(node->type.text, environment_.types.known_names()));
      return value;
    }
    made.kind = TermKind::kCast;
    made.type = *type;
    made.args.push_back(std::move(value));
    return made;
  }
  environment_.diagnostics.error(expr.span, "a range of values can stand only after `in`");
  return made;
}

CoreTerm ClauseBuilder::path(const grammar::Path& path, SourceSpan span) {
  const std::string& text = path.name.text;
  const std::size_t dot = text.find('.');
  const std::string row = text.substr(0, dot);
  const std::string column = text.substr(dot + 1);
  if (const auto found = rows_.find(row); found != rows_.end()) {
    const Relation& relation = environment_.program.relation(found->second);
    std::vector<std::string> known;
    for (const Column& candidate : relation.columns) {
      if (candidate.name == column) return CoreTerm::make_variable(text, span);
      known.push_back(candidate.name);
    }
    environment_.diagnostics.error(span, "'" + relation.name + "' has no column '" + column + "'",
                                   Environment::suggestion(column, known));
    return literal(grammar::LiteralKind::kNull, "", span);
  }
  // Tier.GOLD
  const std::size_t last = text.rfind('.');
  const auto type = environment_.types.find(text.substr(0, last));
  if (type && environment_.types.at(*type).type.kind == vm::TypeKind::kEnum) {
    CoreTerm typed;
    typed.kind = TermKind::kTyped;
    typed.span = span;
    typed.type = *type;
    typed.args.push_back(literal(grammar::LiteralKind::kString, text.substr(last + 1), span));
    return typed;
  }
  environment_.diagnostics.error(span, "no row is called '" + row + "' here", "Name it with `as " + row + "`.");
  return literal(grammar::LiteralKind::kNull, "", span);
}

CoreTerm ClauseBuilder::call(const grammar::Call& call, SourceSpan span) {
  CoreTerm made;
  made.span = span;
  made.kind = TermKind::kCall;
  made.name = call.name.text;
  if (call.user_functor) {
    for (const Expr& arg : call.args) made.args.push_back(term(arg));
    if (!environment_.functors.contains(call.name.text)) {
      std::vector<std::string> known;
      for (const auto& [functor, decl] : environment_.functors) known.push_back(functor);
      environment_.diagnostics.error(span, "there is no functor '@" + call.name.text + "'",
                                     Environment::suggestion(call.name.text, known));
    } else {
      environment_.diagnostics.error(span, "user-defined functor '@" + call.name.text + "' is not supported yet");
    }
    return made;
  }
  if (const auto found = environment_.functions.find(call.name.text); found != environment_.functions.end()) {
    return inlined(found->second, call, span);
  }
  if (environment_.tables.contains(call.name.text)) {
    environment_.diagnostics.error(span, "a table is looked up in a condition of its own: `[a, b] = " + call.name.text + "(…)`");
    return made;
  }
  const auto functor = functor_named(call.name.text);
  if (!functor) {
    if (call.name.text == "recursive_iteration_cnt") {
      unsupported(span, "recursive_iteration_cnt() is");
      return made;
    }
    std::vector<std::string> known = functor_names();
    for (const auto& [function, info] : environment_.functions) known.push_back(function);
    environment_.diagnostics.error(call.name.span, "there is no function '" + call.name.text + "'",
                                   Environment::suggestion(call.name.text, known));
    return made;
  }
  made.functor = *functor;
  for (const Expr& arg : call.args) made.args.push_back(term(arg));
  if (*functor == Functor::kMakeTyped && made.args.size() == 1 && made.args[0].kind == TermKind::kLiteral) {
    made.kind = TermKind::kTyped;  // date("2026-01-31") is a constant.
    made.type = *environment_.types.find(call.name.text);
  }
  return made;
}

CoreTerm ClauseBuilder::build_term(const Expr& expr, std::map<std::string, CoreTerm> arguments) {
  arguments_.push_back(std::move(arguments));
  CoreTerm made = term(expr);
  arguments_.pop_back();
  return made;
}

CoreTerm ClauseBuilder::inlined(FunctionInfo& function, const grammar::Call& call, SourceSpan span) {
  // After a mistake: a value that fits anywhere.
  CoreTerm result = literal(grammar::LiteralKind::kNull, "", span);
  if (function.function->external) {
    environment_.diagnostics.error(span, "extern function '" + call.name.text + "' is not supported yet");
    return result;
  }
  if (function.in_use) {
    environment_.diagnostics.error(span, "function '" + call.name.text + "' calls itself");
    return result;
  }
  if (call.args.size() != function.parameters.size()) {
    environment_.diagnostics.error(span, "function '" + call.name.text + "' takes " + std::to_string(function.parameters.size()) +
                                             " arguments, but " + std::to_string(call.args.size()) + " are given");
    return result;
  }
  const auto typed = [](CoreTerm value, const DeclaredType& type) {
    CoreTerm wrapper;
    wrapper.kind = TermKind::kTyped;
    wrapper.span = value.span;
    wrapper.type = type.source;
    wrapper.exact = type.type;
    wrapper.args.push_back(std::move(value));
    return wrapper;
  };
  std::map<std::string, CoreTerm> arguments;
  for (std::size_t i = 0; i < call.args.size(); ++i) {
    arguments[function.function->parameters[i].name.text] = typed(term(call.args[i]), function.parameters[i]);
  }
  function.in_use = true;
  arguments_.push_back(std::move(arguments));
  result = function.function->body ? term(*function.function->body) : result;
  arguments_.pop_back();
  function.in_use = false;
  result = typed(std::move(result), function.result);
  return result;
}

CoreTerm ClauseBuilder::aggregate(const grammar::Aggregate& aggregate, SourceSpan span) {
  CoreTerm made;
  made.span = span;
  made.name = aggregate.function.text;
  if (aggregate.user_defined) {
    unsupported(span, "user-defined aggregate '@@" + aggregate.function.text + "' is");
    return made;
  }
  const auto op = aggregate_named(aggregate.function.text);
  if (!op || *op == AggregateOp::kCollect || *op == AggregateOp::kCountDistinct) {
    environment_.diagnostics.error(aggregate.function.span, "there is no aggregate '" + aggregate.function.text + "'",
                                   "The aggregates are count, sum, min, max and mean.");
    return made;
  }
  const std::vector<Alternative> inner = alternatives(*aggregate.body, false);
  if (inner.size() != 1) {
    environment_.diagnostics.error(span, "alternatives inside an aggregate are not supported yet",
                                   "Give the alternatives a relation of their own.");
    return made;
  }
  made.kind = TermKind::kAggregate;
  CoreAggregate core;
  core.op = *op;
  CoreBody outer_pending = std::move(pending_);
  pending_.clear();
  core.body = body(inner.front());
  for (const Expr& target : aggregate.target) core.target.push_back(term(target));
  for (CoreCondition& brought : pending_) core.body.push_back(std::move(brought));
  pending_ = std::move(outer_pending);
  made.aggregate = std::move(core);
  return made;
}

}  // namespace entail::datalog
