// The bodies of rules: Emitter, first part.
#include "datalog/internal/emit.h"

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "datalog/internal/emitter.h"
#include "datalog/internal/scopes.h"

namespace entail::datalog {
namespace {

using grammar::CompareOp;
using vm::TypeKind;

bool contains_wildcard(const CoreTerm& term) {
  return term.kind == TermKind::kWildcard ||
         std::any_of(term.args.begin(), term.args.end(),
                     [](const CoreTerm& arg) { return contains_wildcard(arg); });
}

}  // namespace

Rule Emitter::run(const std::vector<DeclaredType>& parameters) {
  rule_.span = clause_.span;
  rule_.plan = clause_.plan;
  rule_.name = clause_.rule_name;
  bound_.assign(rule_.variables.size(), false);
  for (std::size_t i = 0; i < parameters.size(); ++i) bound_[i] = true;
  out_ = &rule_.body;
  body(clause_.body);
  rule_.head.relation = clause_.head;
  rule_.head.span = clause_.head_span;
  const Relation& relation = environment_.program.relation(clause_.head);
  for (std::size_t i = 0; i < clause_.head_args.size(); ++i) {
    if (i >= relation.columns.size()) {
      rule_.head.terms.push_back(expression(clause_.head_args[i]));
      continue;
    }
    rule_.head.terms.push_back(column_value(clause_.head_args[i], relation, i));
  }
  std::set<VariableId> used;
  for (const Expression& term : rule_.head.terms) used.merge(variables_of(term));
  prune_sequences(rule_.body, used);
  return std::move(rule_);
}

// The value for a column of a head or of a row that an action makes.
Expression Emitter::column_value(const CoreTerm& term, const Relation& relation, std::size_t i) {
  const Column& column = relation.columns[i];
  Expression value = expression(term, column.type);
  if (value.nullable && !column.nullable) {
    environment_.diagnostics.error(term.span,
                                   "column '" + column.name + "' of '" + relation.name +
                                       "' may not be null, and this value may be",
                                   "Add the condition `… is not null`.");
  }
  return value;
}

// ---------------------------------------------------------------------------------------------------
// Variables

VariableId Emitter::fresh(const std::string& hint, vm::Type type, bool nullable,
                          grammar::SourceSpan span) {
  Variable variable;
  variable.name = "_" + hint + std::to_string(fresh_count_++);
  variable.type = type;
  variable.nullable = nullable;
  variable.span = span;
  rule_.variables.push_back(std::move(variable));
  bound_.push_back(true);
  return VariableId{static_cast<std::uint32_t>(rule_.variables.size() - 1)};
}

Expression Emitter::read(VariableId id, grammar::SourceSpan span) const {
  Expression result;
  result.op = ExpressionOp::kVariable;
  result.variable = id;
  result.type = rule_.variables[index_of(id)].type;
  result.nullable = rule_.variables[index_of(id)].nullable;
  result.span = span;
  return result;
}

void Emitter::filter(Expression condition, grammar::SourceSpan span) {
  put(Filter{std::move(condition)}, span);
}

void Emitter::bind(VariableId variable, Expression value, grammar::SourceSpan span) {
  value = convert(std::move(value), rule_.variables[index_of(variable)].type);
  put(Bind{variable, std::move(value)}, span);
}

Body Emitter::inner(const CoreBody& conditions) {
  return inner(conditions, [] {});
}

void Emitter::body(const CoreBody& conditions) {
  std::vector<bool> bound = bound_;
  const std::vector<Direction> directions = order_equations(conditions, bound);
  bound_ = std::move(bound);
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    if (conditions[i].sequence != nullptr) {
      std::size_t end = i;
      while (end < conditions.size() && conditions[end].sequence == conditions[i].sequence) ++end;
      is_proof_ = false;
      sequence(std::span(conditions).subspan(i, end - i),
               std::span(directions).subspan(i, end - i));
      i = end - 1;
      continue;
    }
    is_proof_ = proves_values(conditions[i]);
    condition(conditions[i], directions[i]);
  }
  is_proof_ = false;
}

void Emitter::condition(const CoreCondition& condition, Direction direction) {
  switch (condition.kind) {
    case ConditionKind::kAtom:
      atom(condition, false);
      break;
    case ConditionKind::kAbsent:
      absent(condition);
      break;
    case ConditionKind::kExists:
      put(Exists{inner(condition.body)}, condition.span);
      break;
    case ConditionKind::kCompare:
      if (condition.compare == CompareOp::kEqual) {
        equation(condition, direction);
      } else {
        filter(boolean(condition), condition.span);
      }
      break;
    case ConditionKind::kInArray:
      if (direction == Direction::kBindLeft && condition.args[0].kind == TermKind::kVariable) {
        Each each;
        each.variable = VariableId{condition.args[0].variable};
        each.generator = Generator::kElements;
        each.arguments.push_back(expression(condition.args[1]));
        put(std::move(each), condition.span);
      } else {
        Expression array = expression(condition.args[1]);
        Each each;
        const vm::Type element = environment_.program.types.array_element(array.type.detail);
        each.variable = fresh("element", element,
                              environment_.program.types.array_element_nullable(array.type.detail),
                              condition.span);
        each.generator = Generator::kElements;
        each.arguments.push_back(std::move(array));
        const VariableId variable = each.variable;
        put(std::move(each), condition.span);
        filter(compared(ExpressionOp::kEqual, read(variable, condition.span),
                        expression(condition.args[0], element), condition.span),
               condition.span);
      }
      break;
    case ConditionKind::kInRange: {
      // Two filters rather than one: each may become a bound of an index.
      Expression both = boolean(condition);
      for (Expression& bound : both.arguments) filter(std::move(bound), condition.span);
      break;
    }
    case ConditionKind::kGroup:
      group(condition);
      break;
    case ConditionKind::kActions:
      actions(condition);
      break;
    case ConditionKind::kConstant:
      if (!condition.value) filter(constant_bool(false, condition.span), condition.span);
      break;
    default:
      filter(boolean(condition), condition.span);
      break;
  }
}

// Whether an action changes the row of that name.
bool Emitter::is_changed(const std::string& row) const {
  bool found = false;
  CoreBody copy = clause_.body;
  visit_conditions(copy, [&](CoreCondition& condition) {
    found |= condition.kind == ConditionKind::kChange && condition.row == row;
  });
  return found;
}

void Emitter::atom(const CoreCondition& condition, bool negated) {
  const Relation& relation = environment_.program.relation(condition.relation);
  const std::vector<Column> columns = relation.columns;
  Match match;
  match.relation = condition.relation;
  std::vector<std::pair<VariableId, const CoreTerm*>> patterns;  // Taken apart after the match.
  for (std::size_t i = 0; i < condition.args.size(); ++i) {
    const CoreTerm& arg = condition.args[i];
    const Column& column = columns[i];
    if (arg.kind == TermKind::kWildcard) {
      Expression wildcard;
      wildcard.type = column.type;
      wildcard.nullable = column.nullable;
      wildcard.span = arg.span;
      match.terms.push_back(std::move(wildcard));
    } else if (arg.kind == TermKind::kVariable &&
               rule_.variables[arg.variable].type == column.type) {
      match.terms.push_back(read(VariableId{arg.variable}, arg.span));
    } else if (arg.kind == TermKind::kLiteral) {
      match.terms.push_back(expression(arg, column.type));
    } else {
      const VariableId variable = fresh(column.name, column.type, column.nullable, arg.span);
      const bool pattern = arg.kind == TermKind::kRecord || arg.kind == TermKind::kVariant;
      if (negated && !(pattern && contains_wildcard(arg))) {
        bind(variable, expression(arg, column.type), arg.span);
      } else {
        patterns.emplace_back(variable, &arg);
      }
      match.terms.push_back(read(variable, arg.span));
    }
  }
  const bool has_row = clause_.is_production && !negated && !condition.row.empty();
  if (has_row && (condition.sequence == nullptr || is_changed(condition.row)))
    match.row = new_row(condition.row, condition.span);
  if (condition.window) {
    put(window(condition, std::move(match)), condition.span);
  } else {
    put(std::move(match), condition.span);
  }
  for (const auto& [variable, pattern] : patterns)
    take_apart(*pattern, read(variable, pattern->span), pattern->span);
}

Window Emitter::window(const CoreCondition& condition, Match match) {
  Window made;
  made.kind = *condition.window;
  made.match = std::move(match);
  if (made.kind == WindowKind::kLastBefore) {
    made.reference = expression(condition.keys.front());
    return made;
  }
  for (const CoreTerm& size : condition.keys) made.size.push_back(expression(size));
  return made;
}

void Emitter::absent(const CoreCondition& condition) {
  Absent absent;
  if (condition.plain && condition.body.size() == 1 &&
      condition.body.front().kind == ConditionKind::kAtom) {
    Body* const outer = std::exchange(out_, &absent.body);
    atom(condition.body.front(), true);
    out_ = outer;
  } else {
    absent.body = inner(condition.body);
  }
  put(std::move(absent), condition.span);
}

void Emitter::equation(const CoreCondition& condition, Direction direction) {
  const CoreTerm& left = condition.args[0];
  const CoreTerm& right = condition.args[1];
  if (direction == Direction::kBindLeft) {
    define(left, right, condition.span);
  } else if (direction == Direction::kBindRight) {
    define(right, left, condition.span);
  } else if (left.kind == TermKind::kVariable && !may_be_null(left) && !may_be_null(right)) {
    bind(VariableId{left.variable}, expression(right, rule_.variables[left.variable].type),
         condition.span);
  } else if (right.kind == TermKind::kVariable && !may_be_null(left) && !may_be_null(right)) {
    bind(VariableId{right.variable}, expression(left, rule_.variables[right.variable].type),
         condition.span);
  } else {
    filter(boolean(condition), condition.span);
  }
}

// `pattern = value`, where the value is known and the pattern is not yet.
void Emitter::define(const CoreTerm& pattern, const CoreTerm& value, grammar::SourceSpan span) {
  if (pattern.kind == TermKind::kVariable) {
    const VariableId target{pattern.variable};
    if (value.kind == TermKind::kAggregate &&
        rule_.variables[pattern.variable].type == aggregate_type(value)) {
      reduce(value, target);
      return;
    }
    if (value.kind == TermKind::kCall && is_generator(value.functor)) {
      generate(value, target);
      return;
    }
  }
  take_apart(pattern,
             expression(value, pattern.kind == TermKind::kVariable
                                   ? std::optional(rule_.variables[pattern.variable].type)
                                   : std::nullopt),
             span);
}

void Emitter::take_apart(const CoreTerm& pattern, Expression value, grammar::SourceSpan span) {
  switch (pattern.kind) {
    case TermKind::kWildcard:
      return;
    case TermKind::kVariable:
      bind(VariableId{pattern.variable}, std::move(value), span);
      return;
    case TermKind::kCast:
      if (pattern.args[0].kind != TermKind::kLiteral) {
        take_apart(pattern.args[0], reinterpret(std::move(value), type_of(pattern.args[0])), span);
        return;
      }
      break;
    case TermKind::kTyped:
      take_apart(pattern.args[0], std::move(value), span);
      return;
    case TermKind::kRecord:
      if (value.type.kind == TypeKind::kRecord) {
        const Expression record = named(std::move(value), span);
        filter(negation(unary(ExpressionOp::kIsNil, record, vm::Type::boolean(), span)), span);
        const auto& fields = environment_.program.types.record_fields(record.type.detail);
        for (std::uint32_t i = 0; i < pattern.args.size(); ++i) {
          Expression field = unary(ExpressionOp::kField, record, fields[i].type, span);
          field.nullable = fields[i].nullable;
          field.detail = i;
          take_apart(pattern.args[i], std::move(field), span);
        }
        return;
      }
      break;
    case TermKind::kVariant: {
      const BranchRef& ref = environment_.branches.at(pattern.name);
      const Expression variant = named(std::move(value), span);
      Expression is_branch = unary(ExpressionOp::kIsBranch, variant, vm::Type::boolean(), span);
      is_branch.detail = static_cast<std::uint32_t>(ref.ordinal);
      filter(std::move(is_branch), span);
      const auto& fields =
          environment_.program.types.adt_branches(variant.type.detail)[ref.ordinal].fields;
      for (std::uint32_t i = 0; i < pattern.args.size(); ++i) {
        Expression field = unary(ExpressionOp::kField, variant, fields[i].type, span);
        field.nullable = fields[i].nullable;
        field.detail = i;
        field.branch = static_cast<std::uint32_t>(ref.ordinal);
        take_apart(pattern.args[i], std::move(field), span);
      }
      return;
    }
    default:
      break;
  }
  // Anything else has a value of its own: the two are compared.
  if (value.op == ExpressionOp::kVariable && !value.nullable) {
    const VariableId variable = value.variable;
    bind(variable, expression(pattern, value.type), span);
    return;
  }
  Expression other = expression(pattern, value.type);
  filter(
      compared(value.nullable || other.nullable ? ExpressionOp::kIdentical : ExpressionOp::kEqual,
               std::move(value), std::move(other), span),
      span);
}

// The value as a variable, so that its parts can be read several times.
Expression Emitter::named(Expression value, grammar::SourceSpan span) {
  if (value.op == ExpressionOp::kVariable) return value;
  const VariableId variable = fresh("part", value.type, value.nullable, span);
  bind(variable, std::move(value), span);
  return read(variable, span);
}

// ---------------------------------------------------------------------------------------------------
// Aggregates, groups, ranges

vm::Type Emitter::aggregate_type(const CoreTerm& term) const {
  const CoreAggregate& aggregate = *term.aggregate;
  if (aggregate.op == AggregateOp::kCount || aggregate.op == AggregateOp::kMean ||
      aggregate.target.empty())
    return slot_type(term.slot);
  return type_of(aggregate.target.front());
}

void Emitter::reduce(const CoreTerm& term, VariableId result) {
  const CoreAggregate& core = *term.aggregate;
  Reduce node;
  node.form = ReduceForm::kPerBinding;
  Aggregate aggregate;
  aggregate.op = core.op;
  aggregate.result = result;
  node.body = inner(core.body, [&] {
    if (!core.target.empty() && core.op != AggregateOp::kCount)
      aggregate.argument = expression(core.target.front(), aggregated_type(core));
  });
  node.aggregates.push_back(std::move(aggregate));
  put(std::move(node), term.span);
}

std::optional<vm::Type> Emitter::aggregated_type(const CoreAggregate& core) const {
  return type_of(core.target.front());
}

void Emitter::group(const CoreCondition& condition) {
  Reduce node;
  node.form = ReduceForm::kPerGroup;
  node.body = inner(condition.body, [&] {
    for (std::size_t i = 0; i < condition.keys.size(); ++i) {
      GroupKey key;
      key.value = expression(condition.args[i]);
      key.result = VariableId{condition.keys[i].variable};
      node.keys.push_back(std::move(key));
    }
    // What it is grouped by is also whose rows a frame reaches over.
    for (Literal& literal : *out_) {
      auto* const framed = std::get_if<Window>(&literal.node);
      if (framed == nullptr) continue;
      for (const GroupKey& key : node.keys) framed->partition.push_back(key.value);
    }
    for (const CoreGroupResult& result : condition.results) {
      Aggregate aggregate;
      aggregate.op = result.op;
      aggregate.result = VariableId{result.variable.variable};
      if (!result.target.empty()) aggregate.argument = expression(result.target.front());
      node.aggregates.push_back(std::move(aggregate));
    }
  });
  put(std::move(node), condition.span);
}

void Emitter::generate(const CoreTerm& term, VariableId variable) {
  Each each;
  each.variable = variable;
  each.generator = Generator::kRange;
  const vm::Type type = rule_.variables[index_of(variable)].type;
  for (const CoreTerm& arg : term.args) each.arguments.push_back(expression(arg, type));
  put(std::move(each), term.span);
}

Rule emit_rule(const CoreClause& clause, const ClauseTypes& types, Environment& environment,
               const std::vector<DeclaredType>& parameters) {
  return Emitter(clause, types, environment, parameters).run(parameters);
}

Production emit_production(const CoreClause& clause, const ClauseTypes& types,
                           Environment& environment) {
  const std::vector<DeclaredType> no_parameters;
  return Emitter(clause, types, environment, no_parameters).run_production();
}

}  // namespace entail::datalog
