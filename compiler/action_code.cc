#include "compiler/action_code.h"

#include <algorithm>
#include <utility>

#include "compiler/internal/rule_parts.h"
#include "datalog/body_walk.h"
#include "vm/base/ensure.h"

namespace entail::compiler {

namespace {

using datalog::Body;
using datalog::Change;
using datalog::ChangeKind;
using datalog::Expression;
using datalog::ExpressionOp;
using datalog::Literal;
using datalog::Statement;
using datalog::VariableId;

ActionKind kind_of(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kInsert:
      return ActionKind::kInsert;
    case ChangeKind::kUpsert:
      return ActionKind::kUpsert;
    case ChangeKind::kModify:
      return ActionKind::kModify;
    case ChangeKind::kDelete:
      return ActionKind::kDelete;
    case ChangeKind::kRetract:
      return ActionKind::kRetract;
    case ChangeKind::kEmit:
      return ActionKind::kEmit;
    case ChangeKind::kDerive:
      break;
  }
  ENTAIL_UNREACHABLE("what is derived became a rule");
}

class ActionDrafter {
 public:
  ActionDrafter(const datalog::RuleProgram& program, const StandingProduction& standing)
      : program_(program),
        standing_(standing),
        production_(program.productions[standing.number]),
        now_(static_cast<VariableId>(production_.variables.size())) {}

  std::vector<ActionDraft> run() {
    add_block(production_.actions, {});
    return std::move(drafts_);
  }

 private:
  // `around`: what holds where the block is carried out, its `let`s among it.
  void add_block(const datalog::Block& block, Body around) {
    for (const Statement& statement : block) {
      if (const auto* let = std::get_if<datalog::Let>(&statement.node)) {
        around.push_back({datalog::Bind{let->variable, let->value}, statement.span});
        if (!datalog::can_fail(let->value)) continue;
        add({ActionKind::kLet}, around, {variable(let->variable)}, statement);
      } else if (const auto* branch = std::get_if<datalog::Branch>(&statement.node)) {
        add_branch(*branch, around, statement.span);
      } else if (const auto* change = std::get_if<Change>(&statement.node)) {
        add_change(*change, around, statement);
      } else if (const auto* log = std::get_if<datalog::LogText>(&statement.node)) {
        add({ActionKind::kLog}, around, log->parts, statement);
      } else if (const auto* focus = std::get_if<datalog::Focus>(&statement.node)) {
        ActionCode code{ActionKind::kFocus};
        code.group = focus->group;
        add(std::move(code), around, {}, statement);
      } else if (std::holds_alternative<datalog::HaltAgenda>(statement.node)) {
        add({ActionKind::kHalt}, around, {}, statement);
      } else {
        ENTAIL_UNREACHABLE("refused by standing_form()");
      }
    }
  }

  void add_branch(const datalog::Branch& branch, const Body& around,
                  const datalog::SourceSpan& span) {
    const bool reads_nothing =
        std::all_of(branch.condition.begin(), branch.condition.end(), [](const Literal& literal) {
          return std::holds_alternative<datalog::Filter>(literal.node) ||
                 std::holds_alternative<datalog::Bind>(literal.node);
        });
    if (branch.then_block) {
      Body holds = around;
      if (reads_nothing) {
        holds.insert(holds.end(), branch.condition.begin(), branch.condition.end());
      } else {
        holds.push_back({datalog::Exists{branch.condition}, span});
      }
      add_block(*branch.then_block, std::move(holds));
    }
    if (branch.else_block) {
      Body fails = around;
      fails.push_back({datalog::Absent{branch.condition}, span});
      add_block(*branch.else_block, std::move(fails));
    }
  }

  void add_change(const Change& change, const Body& around, const Statement& statement) {
    const datalog::Relation& relation = program_.relation(change.relation);
    ActionCode code{kind_of(change.kind)};
    code.relation = change.relation;
    std::vector<Expression> given, values;
    for (std::uint32_t i = 0; i < change.values.size(); ++i) {
      if (!change.values[i]) continue;
      code.given.push_back(i);
      given.push_back(*change.values[i]);
    }
    std::vector<datalog::Column> columns;
    if (change.row) {
      const datalog::Match& match = match_of(*change.row);
      values = match.terms;
      const auto column =
          std::find(standing_.columns.begin(), standing_.columns.end(), *change.row);
      ENTAIL_ENSURE(column != standing_.columns.end());
      code.row = static_cast<std::uint32_t>(column - standing_.columns.begin());
      columns = relation.columns;
    } else if (change.kind == ChangeKind::kUpsert) {
      for (std::uint32_t i = 0; i < relation.columns.size(); ++i) {
        values.push_back(change.values[i] ? *change.values[i] : initial(relation, i));
      }
      columns = relation.columns;
      given.clear();
    }
    for (std::size_t i = 0; i < given.size(); ++i) {
      columns.push_back(relation.columns[code.given[i]]);
      values.push_back(std::move(given[i]));
    }
    add(std::move(code), around, std::move(values), statement, std::move(columns));
  }

  // What a column holds in a row that is new, when nothing was said of it.
  static Expression initial(const datalog::Relation& relation, std::uint32_t column) {
    if (column < relation.defaults.size() && relation.defaults[column]) {
      return *relation.defaults[column];
    }
    Expression null;
    null.op = ExpressionOp::kNull;
    null.type = relation.columns[column].type;
    null.nullable = true;
    return null;
  }

  const datalog::Match& match_of(VariableId row) const {
    for (const Literal& literal : production_.body) {
      const auto* match = std::get_if<datalog::Match>(&literal.node);
      if (match != nullptr && match->row == row) return *match;
    }
    ENTAIL_UNREACHABLE("a row that no condition matches");
  }

  Expression variable(VariableId id) const {
    datalog::Rule rule;
    rule.variables = production_.variables;
    return internal::variable_term(rule, id);
  }

  void add(ActionCode code, const Body& around, std::vector<Expression> values,
           const Statement& statement, std::vector<datalog::Column> columns = {}) {
    ActionDraft draft;
    draft.rule.name = production_.name;
    draft.rule.span = statement.span.file == grammar::kNoFile ? production_.span : statement.span;
    draft.rule.variables = production_.variables;
    datalog::Variable time;
    time.name = "now()";
    time.type = vm::Type::of(vm::TypeKind::kTimestampTz);
    draft.rule.variables.push_back(std::move(time));
    draft.rule.body = around;
    for (Literal& literal : draft.rule.body) {
      datalog::walk_expressions(literal, [&](Expression& expression) { name_time(expression); });
    }
    for (Expression& value : values) {
      datalog::internal::walk_expression(value, [&](Expression& part) { name_time(part); });
    }
    datalog::Relation emitted;
    emitted.columns = std::move(columns);
    if (emitted.columns.empty()) {
      for (const Expression& value : values) {
        emitted.columns.push_back({"", value.type, value.nullable, {}});
      }
    }
    ENTAIL_ENSURE(emitted.columns.size() == values.size());
    code.parts = layout_of(emitted, program_.types).columns;
    draft.code = std::move(code);
    draft.values = std::move(values);
    drafts_.push_back(std::move(draft));
  }

  void name_time(Expression& expression) const {
    if (expression.op != ExpressionOp::kNow) return;
    expression.op = ExpressionOp::kVariable;
    expression.variable = now_;
  }

  const datalog::RuleProgram& program_;
  const StandingProduction& standing_;
  const datalog::Production& production_;
  const VariableId now_;
  std::vector<ActionDraft> drafts_;
};

}  // namespace

std::vector<ActionDraft> action_drafts(const datalog::RuleProgram& program,
                                       const StandingProduction& production) {
  return ActionDrafter(program, production).run();
}

}  // namespace entail::compiler
