// The actions of productions: ClauseBuilder, fourth part.
#include <algorithm>
#include <utility>

#include "datalog/internal/build.h"

namespace entail::datalog {
namespace {

using grammar::Formula;
using grammar::SourceSpan;

CoreCondition statement(ConditionKind kind, SourceSpan span) {
  CoreCondition made;
  made.kind = kind;
  made.span = span;
  return made;
}

ChangeKind change_of(grammar::ChangeKind kind) {
  switch (kind) {
    case grammar::ChangeKind::kInsert:
      return ChangeKind::kInsert;
    case grammar::ChangeKind::kUpsert:
      return ChangeKind::kUpsert;
    case grammar::ChangeKind::kRetract:
      return ChangeKind::kRetract;
    case grammar::ChangeKind::kDerive:
      break;
  }
  return ChangeKind::kDerive;
}

}  // namespace

std::vector<CoreClause> ClauseBuilder::build_production(const grammar::RuleDecl& rule,
                                                        const Formula& when, SourceSpan span) {
  std::vector<CoreClause> clauses;
  for (const Alternative& alternative : alternatives(when, false)) {
    const std::size_t errors_before = environment_.diagnostics.error_count();
    CoreClause clause;
    clause.span = span;
    clause.rule_name = rule.name.text;
    clause.is_production = true;
    rows_.clear();
    clause.body = body(alternative);
    name_rows(alternative);
    CoreCondition made = actions(rule.then);
    made.span = span;
    if (rule.salience) {
      CoreTerm salience;
      salience.kind = TermKind::kTyped;
      salience.span = rule.salience->span;
      salience.type = environment_.types.primitive_of(Root::kNumber);
      salience.args.push_back(term(*rule.salience));
      made.args.push_back(std::move(salience));
    }
    refuse_readings(made);
    clause.body.push_back(std::move(made));
    resolve_rows(clause.body, clause.head_args);
    clause.broken = environment_.diagnostics.error_count() != errors_before;
    clauses.push_back(std::move(clause));
  }
  return clauses;
}

// Actions compute with what the conditions found; they do not read relations on the side.
void ClauseBuilder::refuse_readings(CoreCondition& made) {
  const auto look = [&](CoreTerm& term) {
    const bool generates = term.kind == TermKind::kCall && is_generator(term.functor);
    if (term.kind != TermKind::kAggregate && !generates) return;
    environment_.diagnostics.error(
        term.span,
        std::string(generates ? "a range" : "an aggregate") + " cannot stand in an action",
        "Give it a name in the conditions: `n = …`.");
  };
  const auto is_statement = [](const CoreCondition& condition) {
    return condition.kind >= ConditionKind::kActions;
  };
  for (const CoreTerm& arg : made.args) {
    if (arg.kind == TermKind::kWildcard && made.kind != ConditionKind::kChange)
      environment_.diagnostics.error(arg.span, "a `_` has no value");
  }
  visit_terms(made.args, true, look);
  for (CoreCondition& part : made.body) {
    if (is_statement(part)) refuse_readings(part);
  }
}

CoreCondition ClauseBuilder::actions(const grammar::Block& block) {
  CoreCondition made = statement(ConditionKind::kActions, {});
  for (const grammar::Action& each : block) action(each, made.body);
  return made;
}

void ClauseBuilder::action(const grammar::Action& action, CoreBody& out) {
  CoreCondition made = statement(ConditionKind::kHalt, action.span);
  bool sound = true;
  if (const auto* changed = action.as<grammar::ChangeAction>()) {
    if (changed->kind == grammar::ChangeKind::kDerive && is_outermost_)
      return;  // A rule of its own.
    sound = change(change_of(changed->kind), changed->atom, made);
  } else if (const auto* emitted = action.as<grammar::EmitAction>()) {
    if (emitted->to) unsupported(emitted->to->span, "`emit … to` is");
    sound = change(ChangeKind::kEmit, emitted->atom, made);
  } else if (const auto* modified = action.as<grammar::ModifyAction>()) {
    sound = modify(*modified, made);
  } else if (const auto* removed = action.as<grammar::DeleteAction>()) {
    sound = change_row(ChangeKind::kDelete, removed->row, made);
  } else if (action.as<grammar::CallAction>() != nullptr) {
    environment_.diagnostics.error(
        action.span, "there are no procedures to call",
        "An action does not call out: it emits a request, and the answer comes as an event.");
    sound = false;
  } else if (const auto* let = action.as<grammar::LetAction>()) {
    made.kind = ConditionKind::kLet;
    made.args.push_back(CoreTerm::make_variable(let->name.text, let->name.span));
    made.args.push_back(term(let->value));
  } else if (const auto* tested = action.as<grammar::IfAction>()) {
    sound = branch(*tested, made);
  } else if (const auto* each = action.as<grammar::ForAction>()) {
    for_each(*each, action.span, out);
    return;
  } else if (const auto* later = action.as<grammar::ScheduleAction>()) {
    made.kind = ConditionKind::kSchedule;
    made.args.push_back(term(later->after));
    made.body.push_back(inner_actions(later->block));
  } else if (const auto* focus = action.as<grammar::FocusAction>()) {
    made.kind = ConditionKind::kFocus;
    made.relation_name = focus->group.text;
  } else if (const auto* logged = action.as<grammar::LogAction>()) {
    made.kind = ConditionKind::kLog;
    for (const grammar::Expr& arg : logged->args) made.args.push_back(term(arg));
  }
  if (sound) out.push_back(std::move(made));
}

CoreCondition ClauseBuilder::inner_actions(const grammar::Block& block) {
  const bool outermost = std::exchange(is_outermost_, false);
  CoreCondition made = actions(block);
  is_outermost_ = outermost;
  return made;
}

bool ClauseBuilder::change(ChangeKind kind, const grammar::Atom& atom, CoreCondition& made) {
  if (kind == ChangeKind::kDerive) {
    environment_.diagnostics.error(
        made.span,
        "`derive` cannot stand in a block: what it derives holds while the conditions do",
        "Give it a rule of its own, with the test among its conditions.");
    return false;
  }
  RelationId id{};
  const Relation* const relation = find_relation(atom.relation, id);
  if (relation == nullptr) return false;
  if (environment_.info(id).inlined) {
    environment_.diagnostics.error(
        atom.span, "'" + atom.relation.text + "' is inline, so it has no rows to change");
    return false;
  }
  if (kind == ChangeKind::kUpsert && relation->key.empty()) {
    environment_.diagnostics.error(atom.span,
                                   "'" + atom.relation.text + "' has no key to find a row by",
                                   "Use `insert`, or declare the relation with a key.");
    return false;
  }
  made.kind = ConditionKind::kChange;
  made.change = kind;
  made.relation = id;
  auto given = given_columns(atom, id, false);
  if (!given) return false;
  const std::vector<std::uint32_t> key = relation->key;
  for (std::size_t i = 0; i < given->size(); ++i) {
    std::optional<CoreTerm>& value = (*given)[i];
    const bool is_key = std::find(key.begin(), key.end(), i) != key.end();
    if (value && value->kind == TermKind::kWildcard && kind != ChangeKind::kRetract) {
      environment_.diagnostics.error(value->span, "a `_` is no value for a column");
    } else if (!value && kind != ChangeKind::kRetract && (kind != ChangeKind::kUpsert || is_key)) {
      value = default_value(atom, id, i);
      if (!value) return false;
    } else if (!value && kind == ChangeKind::kUpsert && !default_value(atom, id, i)) {
      return false;  // There may be no row yet.
    }
    made.args.push_back(value ? std::move(*value) : CoreTerm{});
  }
  return true;
}

bool ClauseBuilder::change_row(ChangeKind kind, const grammar::Name& row, CoreCondition& made) {
  const auto found = rows_.find(row.text);
  if (found == rows_.end()) {
    environment_.diagnostics.error(row.span, "no row is called '" + row.text + "' here",
                                   "Name it in the conditions with `as " + row.text + "`.");
    return false;
  }
  made.kind = ConditionKind::kChange;
  made.change = kind;
  made.relation = found->second;
  made.row = row.text;
  made.args.resize(environment_.program.relation(found->second).columns.size());
  return true;
}

bool ClauseBuilder::modify(const grammar::ModifyAction& action, CoreCondition& made) {
  if (!change_row(ChangeKind::kModify, action.row, made)) return false;
  bool sound = true;
  for (const grammar::Assignment& assignment : action.changes) {
    const auto position = environment_.find_column(made.relation, assignment.field);
    if (!position) {
      sound = false;
      continue;
    }
    CoreTerm& value = made.args[*position];
    if (value.kind != TermKind::kWildcard) {
      environment_.diagnostics.error(assignment.field.span,
                                     "column '" + assignment.field.text + "' is given twice");
    }
    value = column_term(assignment.value, made.relation, *position);
    if (value.kind == TermKind::kWildcard)
      environment_.diagnostics.error(value.span, "a `_` is no value for a column");
  }
  return sound;
}

bool ClauseBuilder::branch(const grammar::IfAction& action, CoreCondition& made) {
  made.kind = ConditionKind::kBranch;
  CoreCondition tested = statement(ConditionKind::kExists, action.condition.span);
  if (is_plain_expression(action.condition)) {
    if (auto condition = boolean(action.condition)) {
      if (condition->kind == ConditionKind::kAnd) {
        tested.body = std::move(condition->body);
      } else {
        tested.body.push_back(std::move(*condition));
      }
    }
  } else {
    const std::vector<Alternative> all = alternatives(action.condition, false);
    if (all.size() == 1) {
      tested.body = body(all.front());
    } else {
      // One of them holds: they are not all absent.
      CoreCondition none = statement(ConditionKind::kAbsent, action.condition.span);
      for (const Alternative& alternative : all) {
        CoreCondition absent = statement(ConditionKind::kAbsent, action.condition.span);
        absent.body = body(alternative);
        none.body.push_back(std::move(absent));
      }
      tested.body.push_back(std::move(none));
    }
  }
  if (tested.body.empty()) return false;
  made.body.push_back(std::move(tested));
  made.body.push_back(inner_actions(action.then_block));
  if (!action.else_block.empty()) made.body.push_back(inner_actions(action.else_block));
  return true;
}

// Alternatives are gone through one after the other.
void ClauseBuilder::for_each(const grammar::ForAction& action, SourceSpan span, CoreBody& out) {
  for (const Alternative& alternative : alternatives(action.condition, false)) {
    CoreCondition made = statement(ConditionKind::kForEach, span);
    made.body = body(alternative);
    const auto outer_rows = rows_;
    name_rows(alternative);
    made.body.push_back(inner_actions(action.block));
    std::vector<CoreTerm> no_heads;
    resolve_rows(made.body, no_heads);
    rows_ = outer_rows;
    out.push_back(std::move(made));
  }
}

}  // namespace entail::datalog
