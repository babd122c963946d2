#include "datalog/internal/build.h"

#include <algorithm>
#include <utility>

namespace entail::datalog {
namespace {

using grammar::CompareOp;
using grammar::Expr;
using grammar::Formula;
using grammar::SourceSpan;

// `min(e)` as a whole head term: the extremum of the relation.
Extremum extremum_of(const Expr& expr) {
  const auto* call = expr.as<grammar::Call>();
  if (call == nullptr || call->user_functor || call->args.size() != 1) return Extremum::kNone;
  if (call->name.text == "min") return Extremum::kMin;
  if (call->name.text == "max") return Extremum::kMax;
  return Extremum::kNone;
}

}  // namespace

void ClauseBuilder::unsupported(SourceSpan span, const std::string& what) {
  environment_.diagnostics.error(span, what + " not supported yet");
}

// ---------------------------------------------------------------------------------------------------
// Alternatives

std::vector<ClauseBuilder::Alternative> ClauseBuilder::product(
    std::vector<std::vector<Alternative>> factors, SourceSpan span) {
  std::vector<Alternative> result(1);
  for (std::vector<Alternative>& factor : factors) {
    if (factor.size() == 1) {
      for (Alternative& so_far : result)
        so_far.insert(so_far.end(), factor[0].begin(), factor[0].end());
      continue;
    }
    if (result.size() * factor.size() > kAlternativesMax) {
      environment_.diagnostics.error(
          span,
          "this condition has more than " + std::to_string(kAlternativesMax) + " alternatives",
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

std::vector<ClauseBuilder::Alternative> ClauseBuilder::alternatives(const Formula& formula,
                                                                    bool negated) {
  if (const auto* negation = formula.as<grammar::Negation>())
    return alternatives(*negation->operand, !negated);
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
      for (Alternative& alternative : alternatives(part, false))
        result.push_back(std::move(alternative));
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

// Makes the rows that the alternative calls by a name known to the terms that are built next.
void ClauseBuilder::name_rows(const Alternative& alternative) {
  for (const Piece& piece : alternative) {
    const auto* matched = piece.is_exists ? nullptr : piece.formula->as<grammar::Atom>();
    if (const auto* latest = piece.formula->as<grammar::AsOfMatch>()) matched = &latest->atom;
    if (const auto* sequence = piece.formula->as<grammar::Sequence>()) name_rows(sequence->pattern);
    if (matched == nullptr || !matched->alias || piece.negated) continue;
    if (const auto found = environment_.relations.find(matched->relation.text);
        found != environment_.relations.end()) {
      rows_[(*matched->alias).text] = found->second;
    }
  }
}

void ClauseBuilder::name_rows(const grammar::SequencePattern& pattern) {
  for (const grammar::SequenceStep& step : pattern.steps) {
    for (const grammar::SequencePattern& alternative : step.alternatives) name_rows(alternative);
    if (!step.atom || !step.atom->alias || step.negated) continue;
    const auto found = environment_.relations.find(step.atom->relation.text);
    if (found != environment_.relations.end()) {
      rows_[(*step.atom->alias).text] = found->second;
    }
  }
}

CoreBody ClauseBuilder::body(const Alternative& alternative) {
  const auto outer_rows = rows_;
  name_rows(alternative);
  CoreBody out;
  for (const Piece& piece : alternative) {
    CoreBody conditions;
    add(piece, conditions);
    for (CoreCondition& brought : pending_) out.push_back(std::move(brought));
    pending_.clear();
    for (CoreCondition& condition : conditions) out.push_back(std::move(condition));
  }
  rows_ = outer_rows;
  std::vector<CoreTerm> no_heads;
  resolve_rows(out, no_heads);
  return out;
}

std::vector<CoreBody> ClauseBuilder::build_bodies(const Formula& formula) {
  std::vector<CoreBody> bodies;
  for (const Alternative& alternative : alternatives(formula, false))
    bodies.push_back(body(alternative));
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
      std::vector<std::uint32_t>& positions =
          hint.orders[static_cast<std::uint32_t>(std::stoul(order.version))];
      for (const std::string& position : order.positions)
        positions.push_back(static_cast<std::uint32_t>(std::stoul(position)));
    }
    for (CoreClause& made : clauses) made.plan = hint;
  }
  return clauses;
}

std::vector<CoreClause> ClauseBuilder::build(const std::vector<const grammar::Atom*>& heads,
                                             const Formula* formula, SourceSpan span) {
  std::vector<Alternative> all(1);
  if (formula != nullptr) all = alternatives(*formula, false);
  std::vector<CoreClause> clauses;
  for (const grammar::Atom* head_atom : heads) {
    for (const Alternative& alternative : all) {
      rows_.clear();
      const std::size_t errors_before = environment_.diagnostics.error_count();
      name_rows(alternative);
      CoreClause clause;
      clause.span = span;
      clause.is_fact = formula == nullptr;
      const bool understood = head(*head_atom, clause);
      CoreBody brought = std::move(pending_);
      pending_.clear();
      clause.body = body(alternative);
      for (CoreCondition& condition : brought) clause.body.push_back(std::move(condition));
      resolve_rows(clause.body, clause.head_args);
      clause.broken = environment_.diagnostics.error_count() != errors_before;
      if (understood) clauses.push_back(std::move(clause));
    }
  }
  return clauses;
}

// `r.c` was built as the variable "r.c": give it to column c of the row, or to what stands there.
void ClauseBuilder::resolve_rows(CoreBody& out, std::vector<CoreTerm>& heads) {
  for (std::size_t at = 0; at < out.size(); ++at) {
    if (out[at].kind != ConditionKind::kAtom || out[at].row.empty()) continue;
    const Relation& matched = environment_.program.relation(out[at].relation);
    for (std::size_t i = 0; i < matched.columns.size(); ++i) {
      const std::string name = out[at].row + "." + matched.columns[i].name;
      const auto is_use = [&](const CoreTerm& term) {
        return term.kind == TermKind::kVariable && term.name == name;
      };
      if (out[at].args[i].kind == TermKind::kVariable) {
        // Heads and actions take the column's own name.
        const auto rename = [&](CoreTerm& term) {
          if (is_use(term)) term.name = out[at].args[i].name;
        };
        visit_terms(heads, false, rename);
        for (CoreCondition& condition : out) {
          if (condition.kind == ConditionKind::kActions) visit_terms(condition.body, false, rename);
        }
      }
      bool used = false;
      const auto look = [&](CoreTerm& term) { used |= is_use(term); };
      visit_terms(out, true, look);
      visit_terms(heads, true, look);
      if (!used || is_use(out[at].args[i])) continue;
      CoreTerm variable = CoreTerm::make_variable(name, out[at].args[i].span);
      CoreTerm before = std::exchange(out[at].args[i], variable);
      if (before.kind != TermKind::kWildcard) {
        CoreCondition equation =
            compare(CompareOp::kEqual, std::move(before), std::move(variable), out[at].span);
        equation.sequence = out[at].sequence;
        equation.step = out[at].step;
        out.insert(out.begin() + static_cast<std::ptrdiff_t>(at) + 1, equation);
      }
    }
  }
}

std::optional<std::vector<std::optional<CoreTerm>>> ClauseBuilder::given_columns(
    const grammar::Atom& atom, RelationId id, bool is_head) {
  const std::size_t column_count = environment_.program.relation(id).columns.size();
  const auto value = [&](const Expr& expr, std::size_t column) {
    return is_head ? head_term(expr, id, static_cast<std::uint32_t>(column))
                   : column_term(expr, id, column);
  };
  std::vector<std::optional<CoreTerm>> terms(column_count);
  if (!atom.named) {
    if (atom.args.size() != column_count) {
      environment_.diagnostics.error(atom.span, "'" + atom.relation.text + "' has " +
                                                    count_of(column_count, "column") + ", but " +
                                                    given(atom.args.size()));
      return std::nullopt;
    }
    for (std::size_t i = 0; i < column_count; ++i) terms[i] = value(atom.args[i], i);
    return terms;
  }
  for (const grammar::FieldPattern& field : atom.fields) {
    const auto position = environment_.find_column(id, field.field);
    if (!position) return std::nullopt;
    if (terms[*position]) {
      environment_.diagnostics.error(field.field.span,
                                     "column '" + field.field.text + "' is given twice");
    }
    if (field.constraint) {
      environment_.diagnostics.error(field.field.span, std::string("a column of ") +
                                                           (is_head ? "a head" : "an action") +
                                                           " takes a value, not a condition");
      return std::nullopt;
    }
    terms[*position] = field.value ? value(*field.value, *position)
                                   : CoreTerm::make_variable(field.field.text, field.field.span);
  }
  return terms;
}

std::optional<CoreTerm> ClauseBuilder::default_value(const grammar::Atom& atom, RelationId id,
                                                     std::size_t column) {
  const RelationInfo& info = environment_.info(id);
  const Column& missing = environment_.program.relation(id).columns[column];
  if (column < info.defaults.size() && info.defaults[column])
    return column_term(*info.defaults[column], id, column);
  if (missing.nullable) return literal(grammar::LiteralKind::kNull, "", atom.span);
  environment_.diagnostics.error(atom.span, "column '" + missing.name + "' of '" +
                                                atom.relation.text +
                                                "' is not given, and has no default");
  return std::nullopt;
}

bool ClauseBuilder::head(const grammar::Atom& atom, CoreClause& clause) {
  RelationId id{};
  if (find_relation(atom.relation, id) == nullptr) {
    // The arguments may have mistakes of their own.
    for (const Expr& arg : atom.args) {
      if (extremum_of(arg) == Extremum::kNone) term(arg);
    }
    return false;
  }
  clause.head = id;
  clause.head_span = atom.span;
  auto terms = given_columns(atom, id, true);
  if (!terms) return false;
  for (std::size_t i = 0; i < terms->size(); ++i) {
    if (!(*terms)[i]) (*terms)[i] = default_value(atom, id, i);
    if (!(*terms)[i]) return false;
    clause.head_args.push_back(std::move(*(*terms)[i]));
  }
  return true;
}

// `null` is a word like any other, so it may be a variable; for a column with nulls it is one.
CoreTerm ClauseBuilder::column_term(const Expr& expr, RelationId id, std::size_t column) {
  const auto* word = expr.as<grammar::Variable>();
  if (word != nullptr && word->name == "null" &&
      environment_.program.relation(id).columns[column].nullable) {
    return literal(grammar::LiteralKind::kNull, "", expr.span);
  }
  return term(expr);
}

CoreTerm ClauseBuilder::head_term(const Expr& expr, RelationId id, std::uint32_t column) {
  const Extremum extremum = extremum_of(expr);
  if (extremum == Extremum::kNone) return column_term(expr, id, column);
  Relation& relation = environment_.program.relation(id);
  if (relation.extremum != Extremum::kNone && relation.extremum_column != column) {
    environment_.diagnostics.error(expr.span, "'" + relation.name +
                                                  "' takes the extremum of column '" +
                                                  relation.columns[relation.extremum_column].name +
                                                  "' already; a relation has one such column");
  } else if (relation.extremum != Extremum::kNone && relation.extremum != extremum) {
    environment_.diagnostics.error(expr.span, "'" + relation.name +
                                                  "' takes both the min and the max of column '" +
                                                  relation.columns[column].name + "'");
  }
  if (relation.equivalence) {
    environment_.diagnostics.error(
        expr.span, "the equivalence relation '" + relation.name + "' cannot keep an extremum");
  }
  relation.extremum = extremum;
  relation.extremum_column = column;
  return term(expr.as<grammar::Call>()->args.front());
}

const Relation* ClauseBuilder::find_relation(const grammar::Name& name, RelationId& id) {
  const auto found = environment_.relations.find(name.text);
  if (found == environment_.relations.end()) {
    environment_.diagnostics.error(
        name.span, "there is no relation '" + name.text + "'",
        Environment::suggestion(name.text, environment_.relation_names()));
    return nullptr;
  }
  id = found->second;
  return &environment_.program.relation(id);
}

}  // namespace entail::datalog
