#include "compiler/internal/standing_bodies.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <utility>

#include "compiler/internal/derived_bags.h"
#include "datalog/body_walk.h"
#include "vm/base/ensure.h"

namespace entail::compiler::internal {

using datalog::Body;
using datalog::Expression;
using datalog::ExpressionOp;
using datalog::Literal;
using datalog::Match;
using datalog::RelationId;
using datalog::Rule;
using datalog::VariableId;

namespace {

// So many parts with cases are multiplied out before an auxiliary relation unites the next. In a
// recursive rule that relation could not be complete before its stratum, so more are.
constexpr std::size_t kMultipliedMax = 2;
constexpr std::size_t kMultipliedInRecursionMax = 6;

bool includes(const VariableSet& set, const VariableSet& subset) {
  return std::includes(set.begin(), set.end(), subset.begin(), subset.end());
}

bool is_given(const Expression& term, const VariableSet& known) {
  return term.op == ExpressionOp::kConstant || term.op == ExpressionOp::kNull ||
         (term.op == ExpressionOp::kVariable && known.count(term.variable) != 0);
}

bool all_given(const Match& match, const VariableSet& known) {
  return std::all_of(match.terms.begin(), match.terms.end(),
                     [&](const Expression& term) { return is_given(term, known); });
}

bool is_same_variable(const Expression& a, const Expression& b) {
  return a.op == ExpressionOp::kVariable && b.op == ExpressionOp::kVariable &&
         a.variable == b.variable;
}

// A reading of a field that the body's own literals do not guard, or anything else that can fail.
bool fails_outside(const Literal& literal, const VariableSet& outer) {
  bool found = false;
  datalog::walk_expressions(literal, [&](const Expression& expression) {
    if (found || !datalog::operation_can_fail(expression)) return;
    const VariableSet used = datalog::variables_of(expression);
    found = expression.op != ExpressionOp::kField ||
            std::any_of(used.begin(), used.end(),
                        [&](VariableId variable) { return outer.count(variable) != 0; });
  });
  return found;
}

bool has_empty_value(const datalog::Aggregate& aggregate, const datalog::Variable& result) {
  switch (aggregate.op) {
    case datalog::AggregateOp::kCount:
    case datalog::AggregateOp::kCountDistinct:
    case datalog::AggregateOp::kSum:
    case datalog::AggregateOp::kCollect:
      return true;
    default:
      return result.nullable;
  }
}

// What count, sum and collect give where there is no row.
Expression empty_value(const datalog::Aggregate& aggregate, const datalog::Variable& result) {
  Expression value;
  value.type = result.type;
  switch (aggregate.op) {
    case datalog::AggregateOp::kCount:
    case datalog::AggregateOp::kCountDistinct:
    case datalog::AggregateOp::kSum:
      value.op = ExpressionOp::kConstant;
      break;
    case datalog::AggregateOp::kCollect:
      value.op = ExpressionOp::kMakeArray;
      break;
    default:
      value.op = ExpressionOp::kNull;
      value.nullable = true;
      break;
  }
  return value;
}

// The values of the type are ordered by comparisons as by minima.
bool has_plain_order(vm::TypeKind kind) {
  switch (kind) {
    case vm::TypeKind::kInt2:
    case vm::TypeKind::kInt4:
    case vm::TypeKind::kInt8:
    case vm::TypeKind::kNumber:
    case vm::TypeKind::kUnsigned:
    case vm::TypeKind::kText:
      return true;
    default:
      return false;
  }
}

Expression truth(ExpressionOp op, std::vector<Expression> arguments) {
  Expression result;
  result.op = op;
  result.type = vm::Type::boolean();
  for (const Expression& argument : arguments) {
    result.nullable = result.nullable || (op != ExpressionOp::kIsNull && argument.nullable);
  }
  result.span = arguments.front().span;
  result.arguments = std::move(arguments);
  return result;
}

}  // namespace

// ---------------------------------------------------------------------------------------------------
// The whole body

std::vector<Body> BodyRewriter::rewrite(Body body, const VariableSet& outside, BodyForm form) {
  outside_ = outside;
  form_ = form;
  body_ = std::move(body);
  changed_ = false;
  waives_guards_ = false;
  flatten();
  parts_.assign(body_.size(), {});
  std::vector<std::size_t> waiting;
  for (std::size_t i = 0; i < body_.size(); ++i) {
    const auto& node = body_[i].node;
    if (const auto* match = std::get_if<Match>(&node)) {
      set_case(i, maker_.classes_of(match->relation) ? equivalent(*match, body_[i].span)
                                                     : Body{body_[i]});
    } else if (std::holds_alternative<datalog::Filter>(node) ||
               std::holds_alternative<datalog::Bind>(node) ||
               std::holds_alternative<datalog::Each>(node)) {
      set_case(i, {body_[i]});
    } else {
      waiting.push_back(i);
    }
  }
  // A part may wait for another that binds what its domain is made of.
  while (!waiting.empty()) {
    const std::size_t before = waiting.size();
    std::erase_if(waiting, [this](std::size_t i) { return rewrite_part(i); });
    if (waiting.size() < before) continue;
    // What stands before, but uses a result of what waits, cannot have been meant to guard it.
    ENTAIL_ENSURE(!waives_guards_);
    waives_guards_ = true;
  }
  return multiplied();
}

void BodyRewriter::flatten() {
  flatten_exists(body_, [this](const datalog::Exists& exists) {
    const auto position = static_cast<std::size_t>(
        std::find_if(body_.begin(), body_.end(),
                     [&](const Literal& literal) {
                       return std::get_if<datalog::Exists>(&literal.node) == &exists;
                     }) -
        body_.begin());
    const VariableSet beside = around(body_, position);
    bool wanted = is_membership(exists, beside);
    if (!wanted && !form_.rows_matter) {
      for (const Literal& literal : exists.body) {
        datalog::walk_matches(literal, [&](const Match& match, datalog::Reading) {
          wanted = wanted || growing_.count(match.relation) != 0;
        });
      }
      const std::vector<VariableId> known = shared(variables_in_order(exists.body), beside);
      wanted = wanted || (!wanting(body_[position], exists.body, known).empty() &&
                          !inequality(exists.body, known));
    }
    changed_ = changed_ || wanted;
    return wanted;
  });
}

// Atoms of sets with all columns given: there is one way for them to hold.
bool BodyRewriter::is_membership(const datalog::Exists& exists, const VariableSet& around) const {
  return std::all_of(exists.body.begin(), exists.body.end(), [&](const Literal& literal) {
    const auto* match = std::get_if<Match>(&literal.node);
    return match != nullptr && all_given(*match, around) &&
           maker_.program().relation(match->relation).collection == datalog::Collection::kSet;
  });
}

VariableSet BodyRewriter::around(const Body& body, std::size_t position) const {
  VariableSet result = outside_;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (i != position) result.merge(datalog::variables_of(body[i]));
  }
  return result;
}

void BodyRewriter::set_case(std::size_t i, Body body) {
  parts_[i].cases.assign(1, std::move(body));
}

bool BodyRewriter::rewrite_part(std::size_t i) {
  // A copy: rewriting adds variables and may look at all parts.
  const Literal literal = body_[i];
  if (const auto* absent = std::get_if<datalog::Absent>(&literal.node))
    return rewrite_absent(i, *absent);
  changed_ = true;
  if (const auto* exists = std::get_if<datalog::Exists>(&literal.node))
    return rewrite_exists(i, *exists);
  if (const auto* rank = std::get_if<datalog::Rank>(&literal.node)) {
    rewrite_rank(i, *rank);
    return true;
  }
  if (const auto* pattern = std::get_if<datalog::Pattern>(&literal.node)) {
    rewrite_pattern(i, *pattern);
    return true;
  }
  return rewrite_reduce(i, std::get<datalog::Reduce>(literal.node));
}

std::vector<Body> BodyRewriter::multiplied() {
  const std::size_t split_max = form_.one_body     ? 0
                                : growing_.empty() ? kMultipliedMax
                                                   : kMultipliedInRecursionMax;
  waives_guards_ = true;  // What is not available by now needs the part itself.
  std::size_t split = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].cases.size() > 1 && ++split > split_max) {
      const bool united = unite_cases(i);
      ENTAIL_ENSURE(united);
    }
  }
  std::vector<Body> result(1);
  for (const Part& part : parts_) {
    std::vector<Body> longer;
    for (const Body& begun : result) {
      for (const Body& rest : part.cases) {
        longer.push_back(begun);
        longer.back().insert(longer.back().end(), rest.begin(), rest.end());
      }
    }
    result = std::move(longer);
  }
  return result;
}

// ---------------------------------------------------------------------------------------------------
// Equivalences

Body BodyRewriter::equivalent(const Match& match, const datalog::SourceSpan& span) {
  changed_ = true;
  return class_atoms(maker_, rule_, match, form_.rows_matter, span);
}

// Not E(a, b): a is in no class, or b is not in the class of a.
bool BodyRewriter::rewrite_not_equivalent(std::size_t i, const Match& match) {
  changed_ = true;
  const datalog::SourceSpan span = body_[i].span;
  const RelationId classes = *maker_.classes_of(match.relation);
  std::vector<VariableId> first;
  if (match.terms[0].op == ExpressionOp::kVariable) first.push_back(match.terms[0].variable);
  Match same;
  same.relation = match.relation;
  same.terms = {match.terms[0], match.terms[0]};
  const auto has_class = existence(Body{{std::move(same), span}}, first, i);
  const datalog::Column& element = maker_.program().relation(classes).columns[0];
  const VariableId of_first = new_variable(rule_, "_class", element.type, element.nullable, span);
  Match in_first, in_second;
  in_first.relation = in_second.relation = classes;
  in_first.terms = {match.terms[0], variable_term(rule_, of_first)};
  in_second.terms = {match.terms[1], variable_term(rule_, of_first)};
  Part& part = parts_[i];
  part.cases = {{{datalog::Absent{{*has_class}}, span}},
                {{std::move(in_first), span},
                 {datalog::Absent{{Literal{std::move(in_second), span}}}, span}}};
  part.inputs = variables_in_order({Literal{match, span}});
  return true;
}

Body class_atoms(const AuxiliaryMaker& maker, Rule& rule, const Match& match, bool rows_matter,
                 const datalog::SourceSpan& span) {
  const RelationId classes = *maker.classes_of(match.relation);
  const auto atom = [&](const Expression& element, const Expression& its_class) {
    Match result;
    result.relation = classes;
    result.terms = {element, its_class};
    return Literal{std::move(result), span};
  };
  const Expression& a = match.terms[0];
  const Expression& b = match.terms[1];
  if (is_same_variable(a, b)) return {atom(a, wildcard_term())};
  // Whatever has a class is in it itself.
  if (!rows_matter && a.op == ExpressionOp::kWildcard) return {atom(b, wildcard_term())};
  if (!rows_matter && b.op == ExpressionOp::kWildcard) return {atom(a, wildcard_term())};
  const datalog::Column& element = maker.program().relation(classes).columns[0];
  const Expression common =
      variable_term(rule, new_variable(rule, "_class", element.type, element.nullable, span));
  return {atom(a, common), atom(b, common)};
}

namespace {

void replace_in(const AuxiliaryMaker& maker, Rule& rule, Body& body) {
  Body result;
  for (Literal& literal : body) {
    const auto* match = std::get_if<Match>(&literal.node);
    if (match != nullptr && maker.classes_of(match->relation)) {
      const Body atoms = class_atoms(maker, rule, *match, /*rows_matter=*/true, literal.span);
      result.insert(result.end(), atoms.begin(), atoms.end());
      continue;
    }
    if (auto* absent = std::get_if<datalog::Absent>(&literal.node)) {
      replace_in(maker, rule, absent->body);
    } else if (auto* exists = std::get_if<datalog::Exists>(&literal.node)) {
      replace_in(maker, rule, exists->body);
    } else if (auto* reduce = std::get_if<datalog::Reduce>(&literal.node)) {
      replace_in(maker, rule, reduce->body);
    }
    result.push_back(std::move(literal));
  }
  body = std::move(result);
}

}  // namespace

void replace_equivalences(const AuxiliaryMaker& maker, Rule& rule) {
  replace_in(maker, rule, rule.body);
}

// ---------------------------------------------------------------------------------------------------
// Existence

std::vector<VariableId> BodyRewriter::shared(std::vector<VariableId> used,
                                             const VariableSet& around) const {
  std::erase_if(used, [&](VariableId variable) { return around.count(variable) == 0; });
  return used;
}

std::vector<VariableId> BodyRewriter::wanting(const Literal& literal, const Body& inner,
                                              const std::vector<VariableId>& shared) const {
  if (fails_outside(literal, VariableSet(shared.begin(), shared.end()))) return shared;
  const VariableSet bound = bound_variables(inner);
  std::vector<VariableId> result = shared;
  std::erase_if(result, [&](VariableId variable) { return bound.count(variable) != 0; });
  return result;
}

std::optional<Literal> BodyRewriter::existence(Body body, const std::vector<VariableId>& shared,
                                               std::size_t i) {
  const datalog::SourceSpan span = body_[i].span;
  const Literal whole{datalog::Exists{body}, span};
  const std::vector<VariableId> wanted = wanting(whole, body, shared);
  if (!wanted.empty()) {
    const auto values = domain(wanted, i, fails_outside(whole, {shared.begin(), shared.end()}));
    if (!values) return std::nullopt;
    body.insert(body.begin(), *values);
  }
  const RelationId id = maker_.counted("exists", {auxiliary_rule(shared, std::move(body), span)});
  return atom(id, shared, span);
}

bool BodyRewriter::rewrite_absent(std::size_t i, const datalog::Absent& absent) {
  const datalog::SourceSpan span = body_[i].span;
  const VariableSet beside = around(body_, i);
  if (absent.body.size() == 1) {
    const auto* match = std::get_if<Match>(&absent.body.front().node);
    // Of a bag's equal rows only the first and the last one matter, so it is asked through a set.
    if (match != nullptr && all_given(*match, beside) &&
        maker_.program().relation(match->relation).collection == datalog::Collection::kSet) {
      if (!maker_.classes_of(match->relation)) {
        set_case(i, {body_[i]});
        return true;
      }
      if (!is_same_variable(match->terms[0], match->terms[1]))
        return rewrite_not_equivalent(i, *match);
    }
  }
  changed_ = true;
  const std::vector<VariableId> known = shared(variables_in_order(absent.body), beside);
  if (const auto found = inequality(absent.body, known)) {
    const Compared compared = compare(*found, known, i);
    Expression fails = truth(ExpressionOp::kNot, {compared.condition});
    if (compared.condition.nullable) {
      fails = truth(ExpressionOp::kOr, {fails, truth(ExpressionOp::kIsNull, {found->limit})});
    }
    Part part;
    part.cases = {{{datalog::Absent{{has_group(compared.group, compared.keys, i)}}, span}},
                  {compared.group, {datalog::Filter{std::move(fails)}, span}}};
    part.inputs = known;
    parts_[i] = std::move(part);
    return true;
  }
  const auto test = existence(absent.body, known, i);
  if (!test) return false;
  set_case(i, {{datalog::Absent{{*test}}, span}});
  return true;
}

bool BodyRewriter::rewrite_exists(std::size_t i, const datalog::Exists& exists) {
  const std::vector<VariableId> known = shared(variables_in_order(exists.body), around(body_, i));
  if (const auto found = inequality(exists.body, known)) {
    const Compared compared = compare(*found, known, i);
    set_case(i, {compared.group, {datalog::Filter{compared.condition}, body_[i].span}});
    return true;
  }
  const auto test = existence(exists.body, known, i);
  if (!test) return false;
  set_case(i, {*test});
  return true;
}

std::optional<BodyRewriter::Inequality> BodyRewriter::inequality(
    const Body& body, const std::vector<VariableId>& shared) const {
  if (body.size() != 2) return std::nullopt;
  const std::size_t at = std::holds_alternative<Match>(body[0].node) ? 0 : 1;
  const auto* match = std::get_if<Match>(&body[at].node);
  const auto* filter = std::get_if<datalog::Filter>(&body[1 - at].node);
  if (match == nullptr || filter == nullptr || maker_.classes_of(match->relation))
    return std::nullopt;
  const Expression& condition = filter->condition;
  if (!datalog::mirrored(condition.op)) return std::nullopt;
  const VariableSet outer(shared.begin(), shared.end());
  const VariableSet inner = datalog::variables_of(body[at]);
  for (const std::size_t side : {0, 1}) {
    const Expression& column = condition.arguments[side];
    const Expression& limit = condition.arguments[1 - side];
    if (column.op != ExpressionOp::kVariable || outer.count(column.variable) != 0 ||
        inner.count(column.variable) == 0) {
      continue;
    }
    const VariableSet known = datalog::variables_of(limit);
    // Where the atom gives the limit its value, nothing is won.
    if (!includes(outer, known) || includes(inner, known) || datalog::can_fail(limit)) continue;
    Inequality result;
    result.atom = body[at];
    result.column = column;
    result.limit = limit;
    result.limit.nullable =
        limit.nullable || std::any_of(known.begin(), known.end(), [this](VariableId variable) {
          return may_be_null(variable);
        });
    result.op = side == 0 ? condition.op : *datalog::mirrored(condition.op);
    const bool least = result.op == ExpressionOp::kLess || result.op == ExpressionOp::kLessEqual;
    result.extremum = least ? datalog::AggregateOp::kMin : datalog::AggregateOp::kMax;
    // NaN is the greatest float, but nothing is less than it: it would hide the greatest number.
    if (has_plain_order(column.type.kind) || (least && column.type.kind == vm::TypeKind::kFloat8)) {
      return result;
    }
  }
  return std::nullopt;
}

// A variable that an inner atom holds in a column without nulls passes for one that is never null; outside
// it takes what its own atoms give it.
bool BodyRewriter::may_be_null(VariableId variable) const {
  bool in_nullable_column = false;
  for (const Literal& literal : body_) {
    const auto* match = std::get_if<Match>(&literal.node);
    if (match == nullptr) continue;
    for (std::size_t i = 0; i < match->terms.size(); ++i) {
      const Expression& term = match->terms[i];
      if (term.op != ExpressionOp::kVariable || term.variable != variable) continue;
      if (!maker_.program().relation(match->relation).columns[i].nullable) return false;
      in_nullable_column = true;
    }
  }
  return in_nullable_column;
}

BodyRewriter::Compared BodyRewriter::compare(const Inequality& found,
                                             const std::vector<VariableId>& known, std::size_t i) {
  const datalog::SourceSpan span = body_[i].span;
  const std::vector<VariableId> keys =
      shared(variables_in_order({found.atom}), VariableSet(known.begin(), known.end()));
  datalog::Reduce reduce;
  datalog::Aggregate aggregate;
  aggregate.op = found.extremum;
  aggregate.argument = found.column;
  aggregate.result = new_variable(rule_, "_extremum", found.column.type, false, span);
  reduce.aggregates.push_back(aggregate);
  reduce.body.push_back(found.atom);
  const RelationId id = grouped(std::move(reduce), keys, span);
  std::vector<VariableId> columns = keys;
  columns.push_back(aggregate.result);
  Compared result;
  result.group = atom(id, columns, span);
  result.condition = truth(found.op, {variable_term(rule_, aggregate.result), found.limit});
  result.keys = keys;
  return result;
}

// ---------------------------------------------------------------------------------------------------
// Reductions

RelationId BodyRewriter::grouped(datalog::Reduce reduce, const std::vector<VariableId>& known,
                                 const datalog::SourceSpan& span) {
  Rule rule = auxiliary_rule({}, {}, span);
  // Keys and results get names of their own: the outer ones may be used inside.
  std::vector<datalog::GroupKey> keys;
  const auto renamed = [&](VariableId variable) {
    const datalog::Variable described = rule.variables[datalog::index_of(variable)];
    const VariableId id =
        new_variable(rule, described.name, described.type, described.nullable, span);
    rule.head.terms.push_back(variable_term(rule, id));
    return id;
  };
  for (const VariableId variable : known) {
    keys.push_back({renamed(variable), variable_term(rule, variable)});
  }
  for (const datalog::GroupKey& key : reduce.keys) {
    keys.push_back({renamed(key.result), key.value});
  }
  for (datalog::Aggregate& aggregate : reduce.aggregates) {
    aggregate.result = renamed(aggregate.result);
  }
  reduce.form = datalog::ReduceForm::kPerGroup;
  reduce.keys = std::move(keys);
  rule.body.push_back({std::move(reduce), span});
  return maker_.reduced("group", std::move(rule));
}

Literal BodyRewriter::has_group(const Literal& group, const std::vector<VariableId>& keys,
                                std::size_t i) {
  Match match = std::get<Match>(group.node);
  for (std::size_t k = keys.size(); k < match.terms.size(); ++k) match.terms[k] = wildcard_term();
  return *existence(Body{{std::move(match), group.span}}, keys, i);
}

bool BodyRewriter::rewrite_reduce(std::size_t i, const datalog::Reduce& reduce) {
  const Literal literal = body_[i];
  std::vector<VariableId> used = variables_in_order(reduce.body);
  const auto add_used = [&](const Expression& expression) {
    for (const VariableId variable : datalog::variables_of(expression)) {
      if (std::find(used.begin(), used.end(), variable) == used.end()) used.push_back(variable);
    }
  };
  for (const datalog::GroupKey& key : reduce.keys) add_used(key.value);
  for (const datalog::Aggregate& aggregate : reduce.aggregates) {
    for (const auto* expression :
         {&aggregate.argument, &aggregate.condition, &aggregate.delimiter}) {
      if (*expression) add_used(**expression);
    }
    for (const datalog::OrderItem& item : aggregate.order) add_used(item.value);
  }
  std::vector<VariableId> known = shared(std::move(used), around(body_, i));
  for (const datalog::GroupKey& key : reduce.keys) std::erase(known, key.result);

  datalog::Reduce inner = reduce;
  const std::vector<VariableId> wanted = wanting(literal, reduce.body, known);
  if (!wanted.empty()) {
    const auto values = domain(wanted, i, fails_outside(literal, {known.begin(), known.end()}));
    if (!values) return false;
    inner.body.insert(inner.body.begin(), *values);
  }
  const RelationId id = grouped(std::move(inner), known, literal.span);

  std::vector<VariableId> columns = known;
  Part part;
  Body nothing;
  for (const datalog::GroupKey& key : reduce.keys) columns.push_back(key.result);
  for (const datalog::Aggregate& aggregate : reduce.aggregates) {
    columns.push_back(aggregate.result);
    part.exports.push_back(aggregate.result);
    const datalog::Variable& result = rule_.variables[datalog::index_of(aggregate.result)];
    nothing.push_back(
        {datalog::Bind{aggregate.result, empty_value(aggregate, result)}, literal.span});
  }
  const Literal group = atom(id, columns, literal.span);
  part.cases.push_back({group});
  part.inputs = known;
  if (reduce.form == datalog::ReduceForm::kPerBinding &&
      std::all_of(reduce.aggregates.begin(), reduce.aggregates.end(),
                  [this](const datalog::Aggregate& aggregate) {
                    return has_empty_value(aggregate,
                                           rule_.variables[datalog::index_of(aggregate.result)]);
                  })) {
    nothing.insert(nothing.begin(),
                   Literal{datalog::Absent{{has_group(group, known, i)}}, literal.span});
    part.cases.push_back(std::move(nothing));
  }
  parts_[i] = std::move(part);
  return true;
}

// The body of a ranking knows nothing of its surroundings: its rows stand by themselves.
void BodyRewriter::rewrite_rank(std::size_t i, const datalog::Rank& rank) {
  const datalog::SourceSpan span = body_[i].span;
  const VariableSet beside = around(body_, i);
  Rule rule;
  rule.variables = rule_.variables;
  rule.span = rule.head.span = span;
  rule.body.push_back({rank, span});
  auto& inner = std::get<datalog::Rank>(rule.body.front().node);
  // Variables that come now have the greatest numbers: they tell apart what ties otherwise.
  auto identified = identify_matches(maker_.program(), rule, [](VariableId) {});
  if (!identified) throw CannotStand{identified.error()};
  std::vector<VariableId> columns;
  for (const VariableId variable : bound_variables(inner.body)) columns.push_back(variable);
  for (const datalog::RankResult& result : inner.functions) columns.push_back(result.result);
  Match match;
  for (const VariableId variable : columns) {
    rule.head.terms.push_back(variable_term(rule, variable));
    match.terms.push_back(beside.count(variable) != 0 ? rule.head.terms.back() : wildcard_term());
  }
  match.relation = maker_.ordered("rank", std::move(rule));
  set_case(i, {Literal{std::move(match), span}});
}

// Nor does that of a pattern.
void BodyRewriter::rewrite_pattern(std::size_t i, const datalog::Pattern& pattern) {
  const datalog::SourceSpan span = body_[i].span;
  const VariableSet beside = around(body_, i);
  Rule rule;
  rule.variables = rule_.variables;
  rule.span = rule.head.span = span;
  rule.body.push_back({pattern, span});
  auto identified = identify_matches(maker_.program(), rule, [](VariableId) {});
  if (!identified) throw CannotStand{identified.error()};
  // Auxiliary rules get numbers of their own, and ties go by the numbers that variables have here.
  auto& inner = std::get<datalog::Pattern>(rule.body.front().node);
  for (const VariableId variable : bound_variables(inner.body)) {
    inner.order.push_back({variable_term(rule, variable), false, false});
  }
  Match match;
  for (const datalog::PatternValue& measure : inner.measures) {
    rule.head.terms.push_back(variable_term(rule, measure.result));
    match.terms.push_back(beside.count(measure.result) != 0 ? rule.head.terms.back()
                                                            : wildcard_term());
  }
  match.relation = maker_.ordered("matches", std::move(rule));
  set_case(i, {Literal{std::move(match), span}});
}

// ---------------------------------------------------------------------------------------------------
// Domains

bool BodyRewriter::is_match(std::size_t i) const {
  const std::vector<Body>& cases = parts_[i].cases;
  return cases.size() == 1 &&
         std::all_of(cases[0].begin(), cases[0].end(), [](const Literal& literal) {
           return std::holds_alternative<Match>(literal.node);
         });
}

bool BodyRewriter::reads_growing(std::size_t i) const {
  bool found = false;
  for (const Body& body : parts_[i].cases) {
    for (const Literal& literal : body) {
      datalog::walk_matches(literal, [&](const Match& match, datalog::Reading) {
        found = found || growing_.count(match.relation) != 0;
      });
    }
  }
  return found;
}

VariableSet BodyRewriter::variables_of_part(std::size_t i) const {
  const Part& part = parts_[i];
  if (part.cases.size() == 1) return datalog::variables_of(part.cases[0]);
  VariableSet result(part.inputs.begin(), part.inputs.end());
  result.insert(part.exports.begin(), part.exports.end());
  return result;
}

// Whether the part can run when the variables are bound.
bool BodyRewriter::is_ready(std::size_t i, const VariableSet& bound) const {
  const Part& part = parts_[i];
  if (part.cases.size() == 1) {
    return includes(bound_variables(part.cases[0], bound), variables_of_part(i));
  }
  return includes(bound, VariableSet(part.inputs.begin(), part.inputs.end()));
}

// The parts that can run without those not rewritten yet, and what they use of the ones before.
std::map<std::size_t, BodyRewriter::Provision> BodyRewriter::provisions(
    std::size_t without, std::map<VariableId, std::size_t>& provider) const {
  std::map<std::size_t, Provision> result;
  VariableSet bound;
  for (bool grew = true; grew;) {
    grew = false;
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      if (p == without || parts_[p].cases.empty() || result.count(p) != 0 || !is_ready(p, bound))
        continue;
      grew = true;
      Provision& provision = result[p];
      provision.gives = variables_of_part(p);
      for (const VariableId variable : provision.gives) {
        if (!is_match(p) && bound.count(variable) != 0) provision.needs.insert(variable);
        provider.emplace(variable, p);
      }
      bound.insert(provision.gives.begin(), provision.gives.end());
    }
  }
  return result;
}

std::optional<Literal> BodyRewriter::domain(const std::vector<VariableId>& variables, std::size_t i,
                                            bool guarded) {
  std::map<VariableId, std::size_t> provider;
  const std::map<std::size_t, Provision> available = provisions(i, provider);
  std::set<std::size_t> chosen;
  VariableSet bound;
  std::vector<VariableId> wanted = variables;
  bool waits = false;

  std::function<void(std::size_t)> choose;
  // What stands before part p and is a guard of it: all of it, or the tests that share a variable.
  const auto choose_guards = [&](std::size_t p, const VariableSet* tested) {
    for (std::size_t q = 0; q < p; ++q) {
      if (q == i) continue;
      const bool is_known = available.count(q) != 0;
      if (tested != nullptr && is_known) {
        const VariableSet used = variables_of_part(q);
        const bool concerns = std::any_of(used.begin(), used.end(), [&](VariableId variable) {
          return tested->count(variable) != 0;
        });
        if (!concerns || is_match(q)) continue;
      }
      if (is_known) {
        choose(q);
      } else {
        waits = true;
      }
    }
  };
  choose = [&](std::size_t p) {
    if (!chosen.insert(p).second) return;
    const Provision& provision = available.at(p);
    wanted.insert(wanted.end(), provision.needs.begin(), provision.needs.end());
    std::set_difference(provision.gives.begin(), provision.gives.end(), provision.needs.begin(),
                        provision.needs.end(), std::inserter(bound, bound.end()));
    for (const Body& body : parts_[p].cases) {
      if (raises(body)) {
        choose_guards(p, nullptr);
      } else if (datalog::can_fail(body)) {
        const VariableSet used = variables_of_part(p);
        choose_guards(p, &used);
      }
    }
  };
  if (guarded) choose_guards(i, nullptr);
  for (std::size_t w = 0; w < wanted.size(); ++w) {
    const VariableId variable = wanted[w];
    if (bound.count(variable) != 0) continue;
    // The atom that gives most of what is missing; the first of those, but none that grows if
    // another will do.
    std::optional<std::size_t> best;
    std::pair<bool, std::size_t> best_worth;
    for (const auto& [p, provision] : available) {
      if (!is_match(p) || provision.gives.count(variable) == 0) continue;
      const auto covered = static_cast<std::size_t>(
          std::count_if(wanted.begin(), wanted.end(), [&](VariableId other) {
            return bound.count(other) == 0 && provision.gives.count(other) != 0;
          }));
      const std::pair<bool, std::size_t> worth(!reads_growing(p), covered);
      if (!best || best_worth < worth) {
        best = p;
        best_worth = worth;
      }
    }
    if (!best) {
      const auto found = provider.find(variable);
      if (found == provider.end()) return std::nullopt;
      best = found->second;
    }
    choose(*best);
  }
  if (waits && !waives_guards_) return std::nullopt;
  return domain_of(variables, i, chosen, available);
}

std::optional<Literal> BodyRewriter::domain_of(const std::vector<VariableId>& variables,
                                               std::size_t i, std::set<std::size_t> chosen,
                                               const std::map<std::size_t, Provision>& available) {
  // Filters on the values themselves make it smaller.
  const VariableSet columns(variables.begin(), variables.end());
  for (const auto& [p, provision] : available) {
    const bool filters = parts_[p].cases.size() == 1 && parts_[p].cases[0].size() == 1 &&
                         std::holds_alternative<datalog::Filter>(parts_[p].cases[0][0].node);
    if (filters && includes(columns, provision.gives) && !datalog::can_fail(parts_[p].cases[0]))
      chosen.insert(p);
  }
  Body body;
  for (const std::size_t p : chosen) {
    if (reads_growing(p)) throw NeedsRecomputation{};
    if (parts_[p].cases.size() > 1 && !unite_cases(p)) return std::nullopt;
    const Body& part = parts_[p].cases[0];
    body.insert(body.end(), part.begin(), part.end());
  }
  if (body.size() == 1) {
    // The atom itself, where it is nothing but the values.
    const auto* match = std::get_if<Match>(&body[0].node);
    if (match != nullptr && match->terms.size() == variables.size() && all_given(*match, columns) &&
        datalog::variables_of(body[0]) == columns &&
        maker_.program().relation(match->relation).collection == datalog::Collection::kSet) {
      return body[0];
    }
  }
  const datalog::SourceSpan span = body_[i].span;
  const RelationId id =
      maker_.counted("domain", {auxiliary_rule(variables, std::move(body), span)});
  return atom(id, variables, span);
}

bool BodyRewriter::unite_cases(std::size_t i) {
  const Part part = parts_[i];
  const datalog::SourceSpan span = body_[i].span;
  std::vector<VariableId> columns = part.inputs;
  for (const VariableId variable : part.exports) {
    if (std::find(columns.begin(), columns.end(), variable) == columns.end())
      columns.push_back(variable);
  }
  std::vector<Rule> rules;
  for (Body body : part.cases) {
    const VariableSet bound = bound_variables(body);
    std::vector<VariableId> missing = part.inputs;
    std::erase_if(missing, [&](VariableId variable) { return bound.count(variable) != 0; });
    if (!missing.empty()) {
      const auto values = domain(missing, i, /*guarded=*/false);
      if (!values) return false;
      body.insert(body.begin(), *values);
    }
    rules.push_back(auxiliary_rule(columns, std::move(body), span));
  }
  const RelationId id = maker_.counted("case", std::move(rules));
  set_case(i, {atom(id, columns, span)});
  return true;
}

// ---------------------------------------------------------------------------------------------------
// Pieces

Literal BodyRewriter::atom(RelationId relation, const std::vector<VariableId>& variables,
                           const datalog::SourceSpan& span) const {
  Match match;
  match.relation = relation;
  for (const VariableId variable : variables) match.terms.push_back(variable_term(rule_, variable));
  return {std::move(match), span};
}

Rule BodyRewriter::auxiliary_rule(const std::vector<VariableId>& head, Body body,
                                  const datalog::SourceSpan& span) const {
  Rule rule;
  rule.variables = rule_.variables;
  rule.span = rule.head.span = span;
  for (const VariableId variable : head) rule.head.terms.push_back(variable_term(rule_, variable));
  rule.body = std::move(body);
  // Which row it was is of interest to a production, not to what says that there is one.
  datalog::walk_rule_matches(rule, [](Match& match, datalog::Reading) { match.row.reset(); });
  return rule;
}

}  // namespace entail::compiler::internal
