#include "datalog/internal/term_types.h"

#include <algorithm>
#include <utility>

namespace entail::datalog {
namespace {

using grammar::CompareOp;
using vm::TypeKind;

}  // namespace

unsigned digits_for(vm::Type a, vm::Type b) {
  return std::max(a.width, b.width) > vm::kDecimalOneWordDigitsMax ? vm::kDecimalDigitsMax
                                                                   : vm::kDecimalOneWordDigitsMax;
}

vm::Type common_decimal(vm::Type a, vm::Type b) {
  return vm::Type::decimal(digits_for(a, b), std::max(a.scale, b.scale));
}

unsigned digits_behind_point(const std::string& text) {
  const std::size_t point = text.find('.');
  if (text.find_first_of("eE") != std::string::npos) return 8;
  return point == std::string::npos
             ? 0
             : static_cast<unsigned>(std::min<std::size_t>(text.size() - point - 1, 18));
}

vm::Type TermTypes::slot_type(std::uint32_t slot) const {
  const SourceTypeId number = environment_.types.primitive_of(Root::kNumber);
  return environment_.types.at(types_.type_of(slot, number)).type;
}

TermTypes::TermTypes(const CoreClause& clause, const ClauseTypes& types,
                     const Environment& environment, const std::vector<DeclaredType>& parameters,
                     std::vector<Variable>& variables)
    : clause_(clause), types_(types), environment_(environment), variables_(variables) {
  for (std::size_t i = 0; i < clause_.variables.size(); ++i) {
    Variable variable;
    variable.name = clause_.variables[i].name;
    variable.span = clause_.variables[i].span;
    variable.type = slot_type(static_cast<std::uint32_t>(i));
    variable.nullable = false;  // Until a column or value says otherwise.
    variables_.push_back(std::move(variable));
  }
  has_binder_.assign(variables_.size(), false);
  typed_.assign(variables_.size(), false);
  for (std::uint32_t i = 0; i < parameters.size(); ++i)
    bind_type(i, parameters[i].type, parameters[i].nullable);
  bind(clause_.body);
  not_null_ = proven_not_null(clause_.body);
}

void TermTypes::bind(const CoreBody& conditions) {
  columns_bind(conditions);
  // Equations give decimals their scale, and nullability, from what they equate.
  for (std::size_t round = 0; round < variables_.size() + 1; ++round) {
    if (!equations_bind(conditions)) break;
  }
  actions_bind(conditions);
}

// What the conditions of an action find out of a variable from outside holds in it alone.
void TermTypes::actions_bind(const CoreBody& conditions) {
  for (const CoreCondition& condition : conditions) {
    if (condition.kind == ConditionKind::kActions) {
      settled_ = has_binder_;
      bind(condition.body);
    } else {
      actions_bind(condition.body);
    }
  }
}

void TermTypes::bind_type(std::uint32_t variable, vm::Type type, bool nullable) {
  if (variable < settled_.size() && settled_[variable]) return;
  Variable& known = variables_[variable];
  if (!typed_[variable] && (is_decimal(type) || known.type.kind == type.kind)) {
    known.type = type;
    typed_[variable] = true;
  }
  known.nullable = has_binder_[variable] ? known.nullable && nullable : nullable;
  has_binder_[variable] = true;
}

void TermTypes::columns_bind(const CoreBody& conditions) {
  for (const CoreCondition& condition : conditions) {
    columns_bind(condition.args);
    if (condition.kind == ConditionKind::kActions) continue;
    if (condition.kind == ConditionKind::kAtom) {
      const Relation& relation = environment_.program.relation(condition.relation);
      for (std::size_t i = 0; i < condition.args.size(); ++i) {
        pattern_binds(condition.args[i], relation.columns[i].type, relation.columns[i].nullable);
      }
    }
    // A negated atom binds nothing and proves nothing.
    if (!(condition.kind == ConditionKind::kAbsent && condition.plain))
      columns_bind(condition.body);
  }
}

// What stands in a pattern has the types of the fields.
void TermTypes::pattern_binds(const CoreTerm& term, vm::Type type, bool nullable) {
  const vm::TypeTable& table = environment_.program.types;
  if (term.kind == TermKind::kVariable) {
    bind_type(term.variable, type, nullable);
  } else if (term.kind == TermKind::kRecord && type.kind == TypeKind::kRecord) {
    const auto& fields = table.record_fields(type.detail);
    for (std::size_t i = 0; i < term.args.size() && i < fields.size(); ++i)
      pattern_binds(term.args[i], fields[i].type, fields[i].nullable);
  } else if (term.kind == TermKind::kVariant && type.kind == TypeKind::kAdt) {
    const auto& fields =
        table.adt_branches(type.detail)[environment_.branches.at(term.name).ordinal].fields;
    for (std::size_t i = 0; i < term.args.size() && i < fields.size(); ++i)
      pattern_binds(term.args[i], fields[i].type, fields[i].nullable);
  }
}

void TermTypes::columns_bind(const std::vector<CoreTerm>& terms) {
  for (const CoreTerm& term : terms) {
    columns_bind(term.args);
    if (term.aggregate) columns_bind((*term.aggregate).body);
  }
}

bool TermTypes::equations_bind(const CoreBody& conditions) {
  bool changed = false;
  const auto learn = [&](const CoreTerm& variable, const CoreTerm& value) {
    if (variable.kind != TermKind::kVariable || has_binder_[variable.variable] || !is_known(value))
      return;
    bind_type(variable.variable, type_of(value), may_be_null(value));
    changed = true;
  };
  for (const CoreCondition& condition : conditions) {
    if (condition.kind == ConditionKind::kActions) continue;
    if (condition.kind == ConditionKind::kCompare && condition.compare == CompareOp::kEqual) {
      learn(condition.args[0], condition.args[1]);
      learn(condition.args[1], condition.args[0]);
    }
    if (condition.kind == ConditionKind::kLet) learn(condition.args[0], condition.args[1]);
    if (condition.kind == ConditionKind::kGroup) {
      for (std::size_t i = 0; i < condition.keys.size(); ++i)
        learn(condition.keys[i], condition.args[i]);
      for (const CoreGroupResult& result : condition.results) {
        if (has_binder_[result.variable.variable]) continue;
        vm::Type type = slot_type(result.variable.slot);
        if (!result.target.empty() && result.op != AggregateOp::kMean &&
            result.op != AggregateOp::kCount && result.op != AggregateOp::kCountDistinct)
          type = type_of(result.target.front());
        bind_type(result.variable.variable, type, false);
        changed = true;
      }
    }
    changed |= equations_bind(condition.body);
    for (const CoreTerm& arg : condition.args) {
      if (arg.aggregate) changed |= equations_bind((*arg.aggregate).body);
    }
  }
  return changed;
}

bool TermTypes::is_known(const CoreTerm& term) const {
  if (term.kind == TermKind::kVariable) return has_binder_[term.variable];
  return std::all_of(term.args.begin(), term.args.end(),
                     [&](const CoreTerm& arg) { return is_known(arg); });
}

bool proves_values(const CoreCondition& condition) {
  return condition.kind == ConditionKind::kInList || condition.kind == ConditionKind::kInRange ||
         (condition.kind == ConditionKind::kCompare && condition.compare != CompareOp::kEqual);
}

// `x is not null` at the top of the body: its uses elsewhere need not fear nulls.
std::vector<std::uint32_t> proven_not_null(const CoreBody& conditions) {
  std::vector<std::uint32_t> proven;
  for (const CoreCondition& condition : conditions) {
    if (condition.kind == ConditionKind::kNullTest && !condition.value &&
        condition.args[0].kind == TermKind::kVariable) {
      proven.push_back(condition.args[0].variable);
    }
    // A comparison that holds has had values on both sides.
    const bool compares =
        (condition.kind == ConditionKind::kCompare && condition.compare != CompareOp::kEqual) ||
        condition.kind == ConditionKind::kInRange;
    const bool listed = condition.kind == ConditionKind::kInList;
    for (std::size_t i = 0; i < condition.args.size() && (compares || (listed && i == 0)); ++i) {
      if (condition.args[i].kind == TermKind::kVariable)
        proven.push_back(condition.args[i].variable);
    }
  }
  return proven;
}

vm::Type TermTypes::type_of(const CoreTerm& term) const {
  const vm::Type plain = slot_type(term.slot);
  if (term.kind == TermKind::kVariable) return variables_[term.variable].type;
  if (!is_decimal(plain)) return plain;
  switch (term.kind) {
    case TermKind::kLiteral:
      return vm::Type::decimal(vm::kDecimalOneWordDigitsMax, digits_behind_point(term.text));
    case TermKind::kCall:
      return computed_decimal(term);
    case TermKind::kIf: {
      const CoreTerm& side = term.args[term.args[0].kind == TermKind::kLiteral ? 1 : 0];
      return side.kind == TermKind::kLiteral ? plain : type_of(side);
    }
    case TermKind::kTyped:
      return term.exact.value_or(environment_.types.at(term.type).type);
    case TermKind::kAggregate:
      return (*term.aggregate).target.empty() ? plain : type_of((*term.aggregate).target.front());
    default:
      return plain;
  }
}

// The decimal that an operation computes in and gives: all digits of a sum; of a product those of both
// factors, and of a quotient four more, as long as that leaves ten digits before the point.
vm::Type TermTypes::computed_decimal(const CoreTerm& term) const {
  constexpr unsigned kScaleMax = 8;
  unsigned scale = 0;
  unsigned widest = 0;
  vm::Type any = vm::Type::decimal(vm::kDecimalOneWordDigitsMax, 0);
  for (const CoreTerm& arg : term.args) {
    const vm::Type type = type_of(arg);
    if (!is_decimal(type)) continue;
    widest = std::max<unsigned>(widest, type.scale);
    scale = term.functor == Functor::kMultiply ? scale + type.scale : widest;
    any = vm::Type::decimal(digits_for(any, type), 0);
  }
  if (term.functor == Functor::kDivide) scale += 4;
  scale = std::max(widest, std::min(scale, kScaleMax));
  return vm::Type::decimal(any.width, scale);
}

bool TermTypes::may_be_null(const CoreTerm& term) const {
  switch (term.kind) {
    case TermKind::kVariable:
      return variables_[term.variable].nullable;
    case TermKind::kLiteral:
      return term.literal == grammar::LiteralKind::kNull;
    case TermKind::kAggregate:
      return false;
    default:
      if (term.functor == Functor::kCoalesce && term.kind == TermKind::kCall)
        return may_be_null(term.args.back());
      return std::any_of(term.args.begin(), term.args.end(),
                         [&](const CoreTerm& arg) { return may_be_null(arg); });
  }
}

bool TermTypes::is_proven_not_null(std::uint32_t variable) const {
  return std::find(not_null_.begin(), not_null_.end(), variable) != not_null_.end();
}

}  // namespace entail::datalog
