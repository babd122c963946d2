#include "datalog/internal/emit.h"

#include <algorithm>
#include <utility>

#include "datalog/internal/literals.h"
#include "datalog/internal/scopes.h"
#include "datalog/internal/term_types.h"

namespace entail::datalog {
namespace {

using grammar::CompareOp;
using vm::TypeKind;

ExpressionOp op_of(CompareOp op) {
  switch (op) {
    case CompareOp::kEqual:
      return ExpressionOp::kEqual;
    case CompareOp::kNotEqual:
      return ExpressionOp::kNotEqual;
    case CompareOp::kLess:
      return ExpressionOp::kLess;
    case CompareOp::kLessEqual:
      return ExpressionOp::kLessEqual;
    case CompareOp::kGreater:
      return ExpressionOp::kGreater;
    case CompareOp::kGreaterEqual:
      return ExpressionOp::kGreaterEqual;
  }
  return ExpressionOp::kEqual;
}

bool contains_wildcard(const CoreTerm& term) {
  return term.kind == TermKind::kWildcard ||
         std::any_of(term.args.begin(), term.args.end(),
                     [](const CoreTerm& arg) { return contains_wildcard(arg); });
}

class Emitter {
 public:
  Emitter(const CoreClause& clause, const ClauseTypes& types, Environment& environment,
          const std::vector<DeclaredType>& parameters)
      : clause_(clause),
        types_(types),
        environment_(environment),
        term_types_(clause, types, environment, parameters, rule_.variables) {}

  Rule run(const std::vector<DeclaredType>& parameters) {
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
      Expression value = expression(clause_.head_args[i], relation.columns[i].type);
      if (value.nullable && !relation.columns[i].nullable) {
        environment_.diagnostics.error(clause_.head_args[i].span,
                                       "column '" + relation.columns[i].name + "' of '" +
                                           relation.name +
                                           "' may not be null, and this value may be",
                                       "Add the condition `… is not null`.");
      }
      rule_.head.terms.push_back(std::move(value));
    }
    return std::move(rule_);
  }

 private:
  vm::Type slot_type(std::uint32_t slot) const { return term_types_.slot_type(slot); }
  vm::Type type_of(const CoreTerm& term) const { return term_types_.type_of(term); }
  bool may_be_null(const CoreTerm& term) const { return term_types_.may_be_null(term); }

  // -------------------------------------------------------------------------------------------------
  // Variables

  VariableId fresh(const std::string& hint, vm::Type type, bool nullable,
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

  Expression read(VariableId id, grammar::SourceSpan span) const {
    Expression result;
    result.op = ExpressionOp::kVariable;
    result.variable = id;
    result.type = rule_.variables[index_of(id)].type;
    result.nullable = rule_.variables[index_of(id)].nullable;
    result.span = span;
    return result;
  }

  // -------------------------------------------------------------------------------------------------
  // Bodies

  void put(auto node, grammar::SourceSpan span) {
    Literal literal;
    literal.node = std::move(node);
    literal.span = span;
    out_->push_back(std::move(literal));
  }

  void filter(Expression condition, grammar::SourceSpan span) {
    put(Filter{std::move(condition)}, span);
  }
  void bind(VariableId variable, Expression value, grammar::SourceSpan span) {
    value = convert(std::move(value), rule_.variables[index_of(variable)].type);
    put(Bind{variable, std::move(value)}, span);
  }

  Body inner(const CoreBody& conditions, auto&& before_end) {
    Body result;
    Body* const outer = std::exchange(out_, &result);
    std::vector<bool> bound = bound_;
    body(conditions);
    before_end();
    bound.resize(rule_.variables.size(), true);
    bound_ = std::move(bound);
    out_ = outer;
    return result;
  }
  Body inner(const CoreBody& conditions) {
    return inner(conditions, [] {});
  }

  void body(const CoreBody& conditions) {
    std::vector<bool> bound = bound_;
    const std::vector<Direction> directions = order_equations(conditions, bound);
    bound_ = std::move(bound);
    for (std::size_t i = 0; i < conditions.size(); ++i) {
      is_proof_ = proves_values(conditions[i]);
      condition(conditions[i], directions[i]);
    }
    is_proof_ = false;
  }

  void condition(const CoreCondition& condition, Direction direction) {
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
          each.variable = fresh(
              "element", element,
              environment_.program.types.array_element_nullable(array.type.detail), condition.span);
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
      case ConditionKind::kConstant:
        if (!condition.value) filter(constant_bool(false, condition.span), condition.span);
        break;
      default:
        filter(boolean(condition), condition.span);
        break;
    }
  }

  void atom(const CoreCondition& condition, bool negated) {
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
    put(std::move(match), condition.span);
    for (const auto& [variable, pattern] : patterns)
      take_apart(*pattern, read(variable, pattern->span), pattern->span);
  }

  void absent(const CoreCondition& condition) {
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

  void equation(const CoreCondition& condition, Direction direction) {
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
  void define(const CoreTerm& pattern, const CoreTerm& value, grammar::SourceSpan span) {
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

  void take_apart(const CoreTerm& pattern, Expression value, grammar::SourceSpan span) {
    switch (pattern.kind) {
      case TermKind::kWildcard:
        return;
      case TermKind::kVariable:
        bind(VariableId{pattern.variable}, std::move(value), span);
        return;
      case TermKind::kCast:
        if (pattern.args[0].kind != TermKind::kLiteral) {
          take_apart(pattern.args[0], reinterpret(std::move(value), type_of(pattern.args[0])),
                     span);
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
  Expression named(Expression value, grammar::SourceSpan span) {
    if (value.op == ExpressionOp::kVariable) return value;
    const VariableId variable = fresh("part", value.type, value.nullable, span);
    bind(variable, std::move(value), span);
    return read(variable, span);
  }

  // -------------------------------------------------------------------------------------------------
  // Aggregates, groups, ranges

  vm::Type aggregate_type(const CoreTerm& term) const {
    const CoreAggregate& aggregate = *term.aggregate;
    if (aggregate.op == AggregateOp::kCount || aggregate.op == AggregateOp::kMean ||
        aggregate.target.empty())
      return slot_type(term.slot);
    return type_of(aggregate.target.front());
  }

  void reduce(const CoreTerm& term, VariableId result) {
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

  std::optional<vm::Type> aggregated_type(const CoreAggregate& core) const {
    return type_of(core.target.front());
  }

  void group(const CoreCondition& condition) {
    Reduce node;
    node.form = ReduceForm::kPerGroup;
    node.body = inner(condition.body, [&] {
      for (std::size_t i = 0; i < condition.keys.size(); ++i) {
        GroupKey key;
        key.value = expression(condition.args[i]);
        key.result = VariableId{condition.keys[i].variable};
        node.keys.push_back(std::move(key));
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

  void generate(const CoreTerm& term, VariableId variable) {
    Each each;
    each.variable = variable;
    each.generator = Generator::kRange;
    const vm::Type type = rule_.variables[index_of(variable)].type;
    for (const CoreTerm& arg : term.args) each.arguments.push_back(expression(arg, type));
    put(std::move(each), term.span);
  }

  // -------------------------------------------------------------------------------------------------
  // Expressions

  static Expression unary(ExpressionOp op, Expression argument, vm::Type type,
                          grammar::SourceSpan span) {
    Expression result;
    result.op = op;
    result.type = type;
    result.nullable = argument.nullable;
    result.span = span;
    result.arguments.push_back(std::move(argument));
    return result;
  }

  static Expression negation(Expression argument) {
    const grammar::SourceSpan span = argument.span;
    return unary(ExpressionOp::kNot, std::move(argument), vm::Type::boolean(), span);
  }

  static Expression constant_bool(bool value, grammar::SourceSpan span) {
    Expression result;
    result.op = ExpressionOp::kConstant;
    result.type = vm::Type::boolean();
    result.words[0] = vm::bool_word(value);
    result.span = span;
    return result;
  }

  static Expression compared(ExpressionOp op, Expression left, Expression right,
                             grammar::SourceSpan span) {
    Expression result;
    result.op = op;
    result.type = vm::Type::boolean();
    const bool never_null = op == ExpressionOp::kIdentical || op == ExpressionOp::kNotIdentical;
    result.nullable = !never_null && (left.nullable || right.nullable);
    result.span = span;
    result.arguments.push_back(std::move(left));
    result.arguments.push_back(std::move(right));
    return result;
  }

  // The value as one of `type`; both have the same root.
  static Expression convert(Expression value, vm::Type type) {
    if (value.type == type) return value;
    if (value.op == ExpressionOp::kNull) {
      value.type = type;
      return value;
    }
    const grammar::SourceSpan span = value.span;
    return unary(ExpressionOp::kConvert, std::move(value), type, span);
  }

  static Expression reinterpret(Expression value, vm::Type type) {
    if (value.type == type) return value;
    const grammar::SourceSpan span = value.span;
    return unary(ExpressionOp::kReinterpret, std::move(value), type, span);
  }

  Expression boolean(const CoreCondition& condition) {
    switch (condition.kind) {
      case ConditionKind::kCompare: {
        const auto [left, right] = operands(condition.args[0], condition.args[1]);
        return compared(op_of(condition.compare), left, right, condition.span);
      }
      case ConditionKind::kTest:
        return expression(condition.args[0]);
      case ConditionKind::kConstant:
        return constant_bool(condition.value, condition.span);
      case ConditionKind::kNullTest: {
        Expression test = unary(condition.value ? ExpressionOp::kIsNull : ExpressionOp::kIsNotNull,
                                expression(condition.args[0]), vm::Type::boolean(), condition.span);
        test.nullable = false;
        return test;
      }
      case ConditionKind::kInList: {
        std::vector<Expression> alternatives;
        for (std::size_t i = 1; i < condition.args.size(); ++i) {
          auto [left, right] = operands(condition.args[0], condition.args[i]);
          alternatives.push_back(
              compared(ExpressionOp::kEqual, std::move(left), std::move(right), condition.span));
        }
        if (alternatives.empty()) return constant_bool(false, condition.span);
        return joined(ExpressionOp::kOr, std::move(alternatives), condition.span);
      }
      case ConditionKind::kInRange: {
        auto [low_left, low_right] = operands(condition.args[0], condition.args[1]);
        auto [high_left, high_right] = operands(condition.args[0], condition.args[2]);
        std::vector<Expression> both;
        both.push_back(
            compared(condition.low_included ? ExpressionOp::kGreaterEqual : ExpressionOp::kGreater,
                     std::move(low_left), std::move(low_right), condition.span));
        both.push_back(
            compared(condition.high_included ? ExpressionOp::kLessEqual : ExpressionOp::kLess,
                     std::move(high_left), std::move(high_right), condition.span));
        return joined(ExpressionOp::kAnd, std::move(both), condition.span);
      }
      case ConditionKind::kNot:
        return negation(boolean(condition.body.front()));
      case ConditionKind::kAnd:
      case ConditionKind::kOr: {
        std::vector<Expression> parts;
        for (const CoreCondition& part : condition.body) parts.push_back(boolean(part));
        return joined(
            condition.kind == ConditionKind::kAnd ? ExpressionOp::kAnd : ExpressionOp::kOr,
            std::move(parts), condition.span);
      }
      default:
        break;
    }
    return constant_bool(true, condition.span);
  }

  static Expression joined(ExpressionOp op, std::vector<Expression> parts,
                           grammar::SourceSpan span) {
    Expression result = std::move(parts.front());
    for (std::size_t i = 1; i < parts.size(); ++i) {
      Expression next;
      next.op = op;
      next.type = vm::Type::boolean();
      next.nullable = result.nullable || parts[i].nullable;
      next.span = span;
      next.arguments.push_back(std::move(result));
      next.arguments.push_back(std::move(parts[i]));
      result = std::move(next);
    }
    return result;
  }

  // Two terms as values of one type.
  std::pair<Expression, Expression> operands(const CoreTerm& left, const CoreTerm& right) {
    const bool left_literal = left.kind == TermKind::kLiteral;
    const bool right_literal = right.kind == TermKind::kLiteral;
    vm::Type type = left_literal && !right_literal ? type_of(right) : type_of(left);
    if (!left_literal && !right_literal && is_decimal(type) && is_decimal(type_of(right)))
      type = common_decimal(type, type_of(right));
    if (is_decimal(type) && left_literal != right_literal) {
      // A literal with more digits than the other side must not lose them.
      const CoreTerm& literal = left_literal ? left : right;
      std::string problem;
      if (digits_behind_point(literal.text) > type.scale ||
          !read_literal(literal.literal, literal.text, type, environment_.program.types, problem)) {
        type = vm::Type::decimal(digits_for(type, type),
                                 std::max<unsigned>(type.scale, digits_behind_point(literal.text)));
      }
    }
    return {expression(left, type), expression(right, type)};
  }

  Expression expression(const CoreTerm& term, std::optional<vm::Type> wanted = std::nullopt) {
    Expression result = raw(term, wanted);
    result.span = term.span;
    return wanted ? convert(std::move(result), *wanted) : result;
  }

  Expression raw(const CoreTerm& term, std::optional<vm::Type> wanted) {
    switch (term.kind) {
      case TermKind::kVariable: {
        Expression value = read(VariableId{term.variable}, term.span);
        if (value.nullable && term_types_.is_proven_not_null(term.variable) &&
            out_ == &rule_.body && wanted && !is_proof_) {
          // A filter has shown that there is a value: the conversion only drops the flag.
          value = unary(ExpressionOp::kConvert, std::move(value),
                        rule_.variables[term.variable].type, term.span);
          value.nullable = false;
        }
        return value;
      }
      case TermKind::kWildcard:
        break;
      case TermKind::kLiteral:
        return constant(term, wanted);
      case TermKind::kCounter: {
        Expression counter;
        counter.op = ExpressionOp::kAutoIncrement;
        counter.type = slot_type(term.slot).kind == TypeKind::kNumber
                           ? slot_type(term.slot)
                           : vm::Type::number(environment_.program.number_bits);
        return counter;
      }
      case TermKind::kCall:
        return call(term);
      case TermKind::kRecord:
        return record(term, wanted);
      case TermKind::kVariant: {
        const BranchRef& ref = environment_.branches.at(term.name);
        Expression made;
        made.op = ExpressionOp::kMakeVariant;
        made.type = environment_.types.at(ref.type).type;
        made.detail = static_cast<std::uint32_t>(ref.ordinal);
        const auto fields =
            environment_.program.types.adt_branches(made.type.detail)[ref.ordinal].fields;
        for (std::size_t i = 0; i < term.args.size(); ++i)
          made.arguments.push_back(expression(term.args[i], fields[i].type));
        return made;
      }
      case TermKind::kCast: {
        const vm::Type type = environment_.types.at(term.type).type;
        const CoreTerm& value = term.args[0];
        if (value.kind == TermKind::kLiteral && slot_type(value.slot).kind == type.kind)
          return constant(value, type);
        return reinterpret(expression(value), type);
      }
      case TermKind::kTyped:
        return expression(term.args[0], term.exact.value_or(environment_.types.at(term.type).type));
      case TermKind::kAggregate: {
        const VariableId variable = fresh(term.name, aggregate_type(term), false, term.span);
        reduce(term, variable);
        return read(variable, term.span);
      }
      case TermKind::kIf: {
        Expression made;
        made.op = ExpressionOp::kIf;
        made.type = wanted ? *wanted : type_of(term);
        made.arguments.push_back(boolean(term.condition.front()));
        made.arguments.push_back(expression(term.args[0], made.type));
        made.arguments.push_back(expression(term.args[1], made.type));
        made.nullable = made.arguments[1].nullable || made.arguments[2].nullable;
        return made;
      }
    }
    Expression nothing;
    nothing.type = slot_type(term.slot);
    return nothing;
  }

  Expression constant(const CoreTerm& term, std::optional<vm::Type> wanted) {
    vm::Type type = slot_type(term.slot);
    if (types_.literals[term.slot]) {
      type =
          environment_.types.at(environment_.types.primitive_of(*types_.literals[term.slot])).type;
    }
    // The place decides between types of one root, and for null and nil, which have none.
    const bool open =
        term.literal == grammar::LiteralKind::kNull || term.literal == grammar::LiteralKind::kNil;
    if (wanted && (open || wanted->kind == type.kind)) type = *wanted;
    std::string problem;
    auto made = read_literal(term.literal, term.text, type, environment_.program.types, problem);
    if (!made) {
      environment_.diagnostics.error(term.span, problem);
      made.emplace();
      made->op = ExpressionOp::kConstant;
      made->type = type;
    }
    made->span = term.span;
    return std::move(*made);
  }

  Expression record(const CoreTerm& term, std::optional<vm::Type> wanted) {
    Expression made;
    made.type = wanted && (wanted->kind == TypeKind::kRecord || wanted->kind == TypeKind::kArray)
                    ? *wanted
                    : slot_type(term.slot);
    if (made.type.kind == TypeKind::kArray) {
      made.op = ExpressionOp::kMakeArray;
      const vm::Type element = environment_.program.types.array_element(made.type.detail);
      for (const CoreTerm& arg : term.args) made.arguments.push_back(expression(arg, element));
      return made;
    }
    made.op = ExpressionOp::kMakeRecord;
    const auto fields = environment_.program.types.record_fields(made.type.detail);
    for (std::size_t i = 0; i < term.args.size(); ++i)
      made.arguments.push_back(expression(term.args[i], fields[i].type));
    return made;
  }

  Expression call(const CoreTerm& term) {
    if (is_generator(term.functor)) {
      const VariableId variable = fresh("range", type_of(term), false, term.span);
      generate(term, variable);
      return read(variable, term.span);
    }
    const Signature& signature = *types_.signatures[term.slot];
    const SourceTypeId result_type = environment_.types.primitive_of(signature.result);
    Expression made;
    made.op = signature.op;
    made.span = term.span;
    made.type = is_decimal(environment_.types.at(result_type).type)
                    ? type_of(term)
                    : environment_.types.at(result_type).type;
    for (std::size_t i = 0; i < term.args.size(); ++i) {
      const Root root = signature.params[signature.variadic ? 0 : i];
      std::optional<vm::Type> wanted;
      if (environment_.types.primitive_of(root) != kNoSourceType)
        wanted = environment_.types.at(environment_.types.primitive_of(root)).type;
      if (wanted && is_decimal(*wanted))
        wanted = is_decimal(made.type) ? made.type : type_of(term.args[i]);
      made.arguments.push_back(expression(term.args[i], wanted));
      made.nullable |= made.arguments.back().nullable;
    }
    return finished(term, std::move(made));
  }

  // Functors whose operation takes another shape.
  Expression finished(const CoreTerm& term, Expression made) {
    switch (term.functor) {
      case Functor::kMinimum:
      case Functor::kMaximum:
      case Functor::kConcat:
        if (made.arguments.size() == 1) return std::move(made.arguments.front());
        return made;
      case Functor::kOrd:
        // Text has a number of its own; of anything else it is the bits.
        if (made.arguments.front().type == made.type) return std::move(made.arguments.front());
        if (made.arguments.front().type.kind != TypeKind::kText)
          made.op = ExpressionOp::kReinterpret;
        return made;
      case Functor::kToNumber:
      case Functor::kToUnsigned:
      case Functor::kToFloat:
      case Functor::kToString:
      case Functor::kMakeTyped:
        if (made.arguments.front().type == made.type) return std::move(made.arguments.front());
        return made;
      case Functor::kYear:
        made.detail = 0;
        return made;
      case Functor::kMonth:
        made.detail = 1;
        return made;
      case Functor::kDay:
        made.detail = 2;
        return made;
      case Functor::kHour:
        made.detail = 3;
        return made;
      case Functor::kMinute:
        made.detail = 4;
        return made;
      case Functor::kSecond:
        made.detail = 5;
        return made;
      case Functor::kWeekday:
        made.detail = 6;
        return made;
      case Functor::kCoalesce: {
        Expression test =
            unary(ExpressionOp::kIsNull, made.arguments[0], vm::Type::boolean(), term.span);
        test.nullable = false;
        Expression first = std::move(made.arguments[0]);
        Expression second = std::move(made.arguments[1]);
        Expression chosen;
        chosen.op = ExpressionOp::kIf;
        chosen.type = made.type;
        chosen.nullable = second.nullable;
        chosen.span = term.span;
        if (first.nullable && !chosen.nullable) {
          first = unary(ExpressionOp::kConvert, std::move(first), made.type, term.span);
          first.nullable = false;
        }
        chosen.arguments.push_back(std::move(test));
        chosen.arguments.push_back(std::move(second));
        chosen.arguments.push_back(std::move(first));
        return chosen;
      }
      default:
        return made;
    }
  }

  const CoreClause& clause_;
  const ClauseTypes& types_;
  Environment& environment_;
  Rule rule_;  // Before term_types_, which reads its variables.
  TermTypes term_types_;
  Body* out_ = nullptr;
  std::vector<bool> bound_;
  bool is_proof_ = false;  // A condition is being emitted that its variables are not null by.
  int fresh_count_ = 0;
};

}  // namespace

Rule emit_rule(const CoreClause& clause, const ClauseTypes& types, Environment& environment,
               const std::vector<DeclaredType>& parameters) {
  return Emitter(clause, types, environment, parameters).run(parameters);
}

}  // namespace entail::datalog
