// The actions of productions: Emitter, third part.
#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "datalog/internal/emitter.h"

namespace entail::datalog {

namespace {

void collect_variables(const Block& block, std::set<VariableId>& used) {
  const auto add = [&](const Expression& expression) { used.merge(variables_of(expression)); };
  const auto add_body = [&](const Body& body) { used.merge(variables_of(body)); };
  for (const Statement& statement : block) {
    if (const auto* change = std::get_if<Change>(&statement.node)) {
      for (const auto& value : change->values) {
        if (value) add(*value);
      }
      if (change->row) used.insert(*change->row);
    } else if (const auto* let = std::get_if<Let>(&statement.node)) {
      add(let->value);
    } else if (const auto* branch = std::get_if<Branch>(&statement.node)) {
      add_body(branch->condition);
      if (branch->then_block) collect_variables(*branch->then_block, used);
      if (branch->else_block) collect_variables(*branch->else_block, used);
    } else if (const auto* each = std::get_if<ForEach>(&statement.node)) {
      add_body(each->body);
      collect_variables(*each->block, used);
    } else if (const auto* call = std::get_if<CallProcedure>(&statement.node)) {
      for (const Expression& argument : call->arguments) add(argument);
    } else if (const auto* schedule = std::get_if<Schedule>(&statement.node)) {
      add(schedule->delay);
      collect_variables(*schedule->block, used);
    } else if (const auto* log = std::get_if<LogText>(&statement.node)) {
      for (const Expression& part : log->parts) add(part);
    }
  }
}

}  // namespace

Production Emitter::run_production() {
  bound_.assign(rule_.variables.size(), false);
  out_ = &rule_.body;
  body(clause_.body);
  std::set<VariableId> used;
  if (salience_) used.merge(variables_of(*salience_));
  collect_variables(block_, used);
  prune_sequences(rule_.body, used);
  Production production;
  production.name = clause_.rule_name;
  production.span = clause_.span;
  production.body = std::move(rule_.body);
  production.variables = std::move(rule_.variables);
  production.salience = std::move(salience_);
  production.actions = std::move(block_);
  return production;
}

bool Emitter::is_proven_not_null(std::uint32_t variable) const {
  if (out_ != &rule_.body) return false;
  return term_types_.is_proven_not_null(variable) ||
         std::find(proven_.begin(), proven_.end(), variable) != proven_.end();
}

VariableId Emitter::new_row(const std::string& name, grammar::SourceSpan span) {
  Variable variable;
  variable.name = name;
  variable.type = row_identity_type();
  variable.span = span;
  rule_.variables.push_back(std::move(variable));
  bound_.push_back(true);
  const VariableId id{static_cast<std::uint32_t>(rule_.variables.size() - 1)};
  rows_[name] = id;
  return id;
}

// Actions come when the conditions around them hold: what those proved holds in them.
void Emitter::actions(const CoreCondition& condition) {
  if (!condition.args.empty())
    salience_ =
        expression(condition.args.front(), vm::Type::number(environment_.program.number_bits));
  Body* const outer = std::exchange(out_, &rule_.body);
  block_ = block(condition.body);
  out_ = outer;
}

std::shared_ptr<const Block> Emitter::take_block() {
  return std::make_shared<const Block>(std::exchange(block_, {}));
}

Block Emitter::block(const CoreBody& statements) {
  std::vector<bool> bound = bound_;
  const std::vector<Direction> directions = order_equations(statements, bound);
  bound_ = std::move(bound);
  Block result;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (auto made = statement(statements[i], directions[i])) {
      made->span = statements[i].span;
      result.push_back(std::move(*made));
    }
  }
  return result;
}

std::optional<Statement> Emitter::statement(const CoreCondition& condition, Direction direction) {
  switch (condition.kind) {
    case ConditionKind::kChange:
      return Statement{change(condition), {}};
    case ConditionKind::kLet: {
      auto made = let(condition, direction);
      return made ? std::optional(Statement{std::move(*made), {}}) : std::nullopt;
    }
    case ConditionKind::kBranch:
      return Statement{branch(condition), {}};
    case ConditionKind::kForEach: {
      const std::vector<std::uint32_t> proven = proven_;
      for (const std::uint32_t variable : proven_not_null(condition.body))
        proven_.push_back(variable);
      ForEach made;
      made.body = inner(condition.body);
      made.block = take_block();
      proven_ = proven;
      return Statement{std::move(made), {}};
    }
    case ConditionKind::kSchedule: {
      Schedule made;
      made.delay = expression(condition.args.front(), vm::Type::of(vm::TypeKind::kInterval));
      inner(condition.body);
      made.block = take_block();
      return Statement{std::move(made), {}};
    }
    case ConditionKind::kFocus:
      return Statement{Focus{condition.relation_name}, {}};
    case ConditionKind::kLog: {
      LogText made;
      for (const CoreTerm& part : condition.args) made.parts.push_back(expression(part));
      return Statement{std::move(made), {}};
    }
    default:
      return Statement{HaltAgenda{}, {}};
  }
}

Change Emitter::change(const CoreCondition& condition) {
  const Relation& relation = environment_.program.relation(condition.relation);
  Change made;
  made.kind = condition.change;
  made.relation = condition.relation;
  if (!condition.row.empty()) made.row = rows_.at(condition.row);
  made.values.resize(relation.columns.size());
  for (std::size_t i = 0; i < condition.args.size(); ++i) {
    const CoreTerm& arg = condition.args[i];
    if (arg.kind == TermKind::kWildcard) continue;
    // What is taken away is found by identity, which nulls have as well.
    made.values[i] = made.kind == ChangeKind::kRetract ? expression(arg, relation.columns[i].type)
                                                       : column_value(arg, relation, i);
  }
  return made;
}

std::optional<Let> Emitter::let(const CoreCondition& condition, Direction direction) {
  const CoreTerm& variable = condition.args[0];
  if (direction != Direction::kBindLeft) {
    environment_.diagnostics.error(variable.span, "'" + variable.name + "' has a value already",
                                   "`let` gives a value to a name that is not in use.");
    return std::nullopt;
  }
  Let made;
  made.variable = VariableId{variable.variable};
  Variable& target = rule_.variables[variable.variable];
  made.value = expression(condition.args[1], target.type);
  target.nullable |= made.value.nullable;
  return made;
}

Branch Emitter::branch(const CoreCondition& condition) {
  Branch made;
  const CoreBody& tested = condition.body[0].body;
  made.condition = inner(tested);
  const std::vector<std::uint32_t> proven = proven_;
  for (const std::uint32_t variable : proven_not_null(tested)) proven_.push_back(variable);
  actions(condition.body[1]);
  made.then_block = take_block();
  proven_ = proven;
  if (condition.body.size() > 2) {
    actions(condition.body[2]);
    made.else_block = take_block();
  }
  return made;
}

}  // namespace entail::datalog
