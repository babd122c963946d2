#include <algorithm>
#include <utility>

#include "grammar/internal/tree_builder.h"

namespace entail::grammar::internal {

namespace {

using P = antlr::DatalogParser;

}  // namespace

// Productions -------------------------------------------------------------------------------------

Name TreeBuilder::rule_name(P::RuleNameContext* context) {
  if (context->name() != nullptr) return name(context->name());
  return {string(context->STRING()), span(context->STRING())};
}

Item::Node TreeBuilder::rule(P::RuleItemContext* context) {
  RuleDecl result;
  result.annotations = std::move(annotations_);
  result.name = rule_name(context->ruleName());
  for (P::RuleOptionContext* option : context->ruleOption()) rule_option(option, result);
  result.when = body(context->body());
  result.then = block(context->action());
  return Box<RuleDecl>(std::move(result));
}

void TreeBuilder::rule_option(P::RuleOptionContext* option, RuleDecl& rule) {
  switch (scanned(option->getStart()).type) {
    case P::K_SALIENCE:
      rule.salience = expr(option->expr(0));
      break;
    case P::K_GROUP:
      rule.group = name(option->IDENT());
      break;
    case P::K_EXCLUSIVE:
      rule.exclusive = name(option->IDENT());
      break;
    case P::K_NO_LOOP:
      rule.no_loop = true;
      break;
    case P::K_LOCK_ON_ACTIVE:
      rule.lock_on_active = true;
      break;
    case P::K_AUTO_FOCUS:
      rule.auto_focus = true;
      break;
    case P::K_ENABLED:
      rule.enabled = expr(option->expr(0));
      break;
    case P::K_EVERY:
      rule.every = expr(option->expr(0));
      break;
    case P::K_CRON:
      rule.cron = string(option->STRING());
      break;
    case P::K_EFFECTIVE:
      rule.effective_from = expr(option->expr(0));
      rule.effective_to = expr(option->expr(1));
      break;
    case P::K_DOC:
      rule.doc = string(option->STRING());
      break;
    default:
      ENTAIL_ENSURE(false);
  }
}

Block TreeBuilder::block(const std::vector<P::ActionContext*>& actions) {
  Block result;
  for (P::ActionContext* each : actions) result.push_back(action(each));
  return result;
}

std::vector<Assignment> TreeBuilder::assignments(P::AssignmentsContext* context) {
  std::vector<Assignment> result;
  for (P::AssignmentContext* each : context->assignment())
    result.push_back({name(each->IDENT()), expr(each->expr())});
  return result;
}

Action TreeBuilder::action(P::ActionContext* context) {
  Action result;
  result.span = span(context);
  switch (scanned(context->getStart()).type) {
    case P::K_INSERT:
      result.node = ChangeAction{ChangeKind::kInsert, atom(context->head())};
      break;
    case P::K_UPSERT:
      result.node = ChangeAction{ChangeKind::kUpsert, atom(context->head())};
      break;
    case P::K_DERIVE:
      result.node = ChangeAction{ChangeKind::kDerive, atom(context->head())};
      break;
    case P::K_RETRACT:
      result.node = ChangeAction{ChangeKind::kRetract, atom(context->head())};
      break;
    case P::K_EMIT: {
      EmitAction emit;
      emit.atom = atom(context->head());
      if (context->K_TO() != nullptr) emit.to = name(context->name());
      result.node = std::move(emit);
      break;
    }
    case P::K_MODIFY:
      result.node = ModifyAction{name(context->IDENT()), assignments(context->assignments())};
      break;
    case P::K_DELETE:
      result.node = DeleteAction{name(context->IDENT())};
      break;
    case P::K_CALL: {
      CallAction call;
      call.call.span = result.span;
      call.call.node = Call{name(context->name()), args(context->args()), false};
      if (context->K_AS() != nullptr) call.result = name(context->IDENT());
      result.node = std::move(call);
      break;
    }
    case P::K_LET:
      result.node = LetAction{name(context->IDENT()), expr(context->expr())};
      break;
    case P::K_IF: {
      IfAction branch;
      branch.condition = body(context->body());
      branch.then_block = block(context->block(0)->action());
      if (context->K_ELSE() != nullptr) branch.else_block = block(context->block(1)->action());
      result.node = std::move(branch);
      break;
    }
    case P::K_FOR:
      result.node = ForAction{body(context->body()), block(context->block(0)->action())};
      break;
    case P::K_SCHEDULE:
      result.node = ScheduleAction{moment(context->moment()), block(context->block(0)->action())};
      break;
    case P::K_FOCUS:
      result.node = FocusAction{name(context->IDENT())};
      break;
    case P::K_LOG:
      result.node = LogAction{args(context->args())};
      break;
    default:
      result.node = HaltAction{};
      break;
  }
  return result;
}

// Queries, views, tables, functions ---------------------------------------------------------------

Item::Node TreeBuilder::query(P::QueryItemContext* context) {
  Query result;
  result.name = name(context->IDENT());
  result.parameters = columns(context->columns());
  result.body = body(context->body());
  for (P::SelectedContext* selected : context->selected()) {
    SelectItem item;
    item.value = expr(selected->expr());
    if (selected->K_AS() != nullptr) item.alias = name(selected->IDENT());
    result.select.push_back(std::move(item));
  }
  for (P::OrderedContext* ordered : context->ordered()) {
    result.order_by.push_back({expr(ordered->expr()), ordered->K_DESC() != nullptr});
  }
  std::vector<Expr> rest = exprs(context->expr());
  if (context->K_AS_OF() != nullptr) {
    result.as_of = std::move(rest.back());
    rest.pop_back();
  }
  if (context->K_LIMIT() != nullptr) result.limit = std::move(rest.front());
  return Box<Query>(std::move(result));
}

Item::Node TreeBuilder::view(P::ViewItemContext* context) {
  View result;
  const std::vector<Terminal*> words = context->IDENT();
  result.name = name(words[0]);
  result.final = context->K_FINAL() != nullptr;
  result.columns = columns(context->columns());
  if (word(words[1]) != "sql") unknown_word(words[1], "language of a view", {"sql"});
  ScannedToken inside = token(context->SQL());
  inside.begin += 2;
  inside.end = std::max(inside.begin, inside.end - 2);
  result.sql = scanner_.text_of(inside);
  result.sql_span = scanner_.span(inside);
  return result;
}

Item::Node TreeBuilder::table(P::TableItemContext* context) {
  Table result;
  const std::vector<Terminal*> words = context->IDENT();
  result.name = name(words[0]);
  result.inputs = columns(context->columns(0));
  result.outputs = columns(context->columns(1));
  const std::vector<std::string> policies = {"first", "unique", "any", "collect", "priority"};
  const auto found = std::find(policies.begin(), policies.end(), word(words[1]));
  if (found == policies.end()) {
    unknown_word(words[1], "table policy", policies);
  } else {
    result.policy = static_cast<TablePolicy>(found - policies.begin());
  }
  for (P::RowContext* row : context->row()) {
    TableRow built;
    built.span = span(row);
    for (P::CellContext* cell : row->cell()) {
      TableCell tested;
      if (cell->compareOp() != nullptr) tested.op = compare_op(cell->compareOp());
      tested.values = exprs(cell->expr());
      built.cells.push_back(std::move(tested));
    }
    built.results = exprs(row->expr());
    result.rows.push_back(std::move(built));
  }
  return result;
}

Item::Node TreeBuilder::function(P::FunctionItemContext* context) {
  Function result;
  result.name = name(context->IDENT());
  result.parameters = columns(context->columns());
  result.result = type_expr(context->typeExpr(), nullptr);
  if (context->K_EXTERN() != nullptr) {
    result.external = string(context->STRING());
  } else {
    result.body = expr(context->expr());
  }
  return Box<Function>(std::move(result));
}

// Tests -------------------------------------------------------------------------------------------

Item::Node TreeBuilder::test(P::TestItemContext* context) {
  Test result;
  result.title = {string(context->STRING()), span(context->STRING())};
  for (P::NameContext* used : context->name()) result.uses.push_back(name(used));
  for (P::RoundContext* round : context->round()) {
    TestRound built;
    for (P::GivenContext* step : round->given()) built.given.push_back(given(step));
    for (P::ExpectedContext* step : round->expected()) built.expect.push_back(expected(step));
    result.rounds.push_back(std::move(built));
  }
  return result;
}

TestStep TreeBuilder::given(P::GivenContext* context) {
  TestStep result;
  result.span = span(context);
  switch (scanned(context->getStart()).type) {
    case P::K_RETRACT:
      result.node = GivenRetract{atom(context->head())};
      break;
    case P::K_UPDATE:
      result.node = GivenUpdate{atom(context->head()), assignments(context->assignments())};
      break;
    case P::K_ADVANCE:
      result.node = GivenAdvance{expr(context->expr())};
      break;
    case P::K_FIRE:
      result.node = GivenFire{};
      break;
    default: {
      GivenRow row;
      if (context->K_AT() != nullptr) row.at = moment(context->moment());
      row.atom = atom(context->head());
      result.node = std::move(row);
    }
  }
  return result;
}

TestStep TreeBuilder::expected(P::ExpectedContext* context) {
  TestStep result;
  result.span = span(context);
  switch (scanned(context->getStart()).type) {
    case P::K_FIRED: {
      ExpectFired fired;
      fired.rule = rule_name(context->ruleName());
      if (context->NUMBER() != nullptr) fired.times = literal_expr(context->NUMBER());
      result.node = std::move(fired);
      break;
    }
    case P::K_EMITTED:
      result.node = ExpectEmitted{atom(context->head())};
      break;
    case P::K_DERIVED:
      result.node = ExpectDerived{atom(context->head()), rule_name(context->ruleName())};
      break;
    case P::K_NO:
      result.node = ExpectNoLoop{};
      break;
    default:
      result.node = ExpectCondition{term(context->term())};
      break;
  }
  return result;
}

}  // namespace entail::grammar::internal
