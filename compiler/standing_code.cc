#include "compiler/standing_code.h"

#include <algorithm>
#include <utility>

#include "compiler/constant_rows.h"
#include "compiler/internal/emit_body.h"
#include "compiler/internal/emit_pattern.h"
#include "compiler/internal/emit_rank.h"
#include "compiler/internal/fragment_builder.h"
#include "compiler/internal/rule_parts.h"
#include "datalog/body_walk.h"
#include "datalog/program_printer.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/verifier.h"

namespace entail::compiler {

namespace {

using datalog::Absent;
using datalog::Body;
using datalog::Match;
using datalog::Reduce;
using datalog::RelationId;
using datalog::Rule;
using datalog::RuleId;
using internal::BodyEmitter;
using internal::EmitFor;
using internal::FragmentBuilder;

// A fragment to be: what is planned first, so that all plans share their indexes, and emitted then.
struct Draft {
  StandingFragment fragment;
  const Rule* rule = nullptr;      // As planned; a copy where a negated atom became the source.
  const Reduce* reduce = nullptr;  // It feeds groups.
  std::string version;
  RulePlan plan;
  // An action: of which production, and what it gives.
  std::optional<std::size_t> production;
  ActionCode action;
  std::vector<datalog::Expression> values;
  std::vector<datalog::VariableId> keys;      // Of a regroup or partition fragment.
  std::optional<internal::RankLayout> ranks;  // It feeds a rank table.
};

// The atom of a literal that may be a source.
const Match* atom_of(const datalog::Literal& literal) {
  if (const auto* match = std::get_if<Match>(&literal.node)) return match;
  if (const auto* absent = std::get_if<Absent>(&literal.node)) {
    return std::get_if<Match>(&absent->body.front().node);
  }
  return nullptr;
}

class StandingCompiler {
 public:
  explicit StandingCompiler(const StandingScope& scope)
      : scope_(scope),
        program_(scope.form->program),
        builder_(program_, *scope.pool, scope.files) {}

  Expected<StandingCode> run() {
    for (const StandingStratum& stratum : scope_.form->strata) {
      if (stratum.kind == StandingKind::kEquivalence || stratum.kind == StandingKind::kRecomputed ||
          stratum.kind == StandingKind::kTimed) {
        continue;
      }
      for (const RuleId id : stratum.rules) {
        if (auto drafted = draft_rule(stratum, id); !drafted) {
          return unexpected(std::move(drafted).error());
        }
      }
    }
    for (std::size_t i = 0; i < scope_.form->productions.size(); ++i) {
      if (auto drafted = draft_actions(i); !drafted) return unexpected(std::move(drafted).error());
    }
    std::vector<RulePlan*> plans;
    for (Draft& draft : drafts_) plans.push_back(&draft.plan);
    select_indexes(plans, scope_.add_index);
    for (Draft& draft : drafts_) emit(draft);
    return finish();
  }

 private:
  PlanScope plan_scope() const {
    PlanScope scope;
    scope.program = &program_;
    scope.layouts = scope_.layouts;
    scope.cardinalities = scope_.cardinalities;
    scope.repeated = true;
    return scope;
  }
  PlanScope plan_scope(const StandingStratum& stratum) const {
    PlanScope scope = plan_scope();
    if (stratum.kind == StandingKind::kRanked) {
      scope.ranked.insert(stratum.relations.begin(), stratum.relations.end());
    }
    return scope;
  }

  Expected<void> draft_rule(const StandingStratum& stratum, RuleId id) {
    const Rule& rule = program_.rule(id);
    if (rule.body.empty() &&
        constant_row(rule, (*scope_.layouts)[datalog::index_of(rule.head.relation)],
                     *scope_.pool)) {
      return {};  // A stated fact, not a rule.
    }
    if (stratum.kind == StandingKind::kReduced) return draft_groups(stratum, id);
    if (stratum.kind == StandingKind::kRegrouped) return draft_regroup(id);
    if (stratum.kind == StandingKind::kOrdered) return draft_partition(id);
    if (auto done = draft_changes(stratum, id, rule, nullptr); !done) return done;
    if (stratum.kind != StandingKind::kRanked) return {};
    if (datalog::can_fail(rule)) {
      if (auto done = draft_changes(stratum, id, rule, nullptr, FragmentRole::kErrors); !done) {
        return done;
      }
    }
    return draft_bound(stratum, id);
  }

  // The rule whose head is what the groups are made of, so that the planner knows what is needed.
  Expected<void> draft_groups(const StandingStratum& stratum, RuleId id) {
    const Rule& rule = program_.rule(id);
    const auto& reduce = std::get<Reduce>(rule.body.front().node);
    rules_.push_back(rule);
    Rule& input = rules_.back();
    input.body = reduce.body;
    input.head.terms.clear();
    for (const datalog::GroupKey& key : reduce.keys) input.head.terms.push_back(key.value);
    for (const datalog::Aggregate& aggregate : reduce.aggregates) {
      if (aggregate.argument) input.head.terms.push_back(*aggregate.argument);
      if (aggregate.condition) input.head.terms.push_back(*aggregate.condition);
    }
    if (auto done = draft_changes(stratum, id, input, &reduce); !done) return done;
    Draft draft;
    draft.fragment.role = FragmentRole::kResult;
    draft.fragment.rule = id;
    draft.rule = &rule;
    draft.version = "results";
    draft.plan.rule = &rule;
    draft.plan.id = id;
    Step groups;
    groups.kind = StepKind::kGroups;
    groups.literal = &rule.body.front();
    for (const datalog::Expression& term : rule.head.terms) {
      for (const datalog::VariableId variable : datalog::variables_of(term)) {
        groups.live.push_back(variable);
      }
    }
    std::sort(groups.live.begin(), groups.live.end());
    groups.live.erase(std::unique(groups.live.begin(), groups.live.end()), groups.live.end());
    draft.plan.steps.push_back(std::move(groups));
    drafts_.push_back(std::move(draft));
    return {};
  }

  // The head of each group whose keys are given, from the rows that are there.
  //     head(k, r) :- k is given, exists { rows(k, _) }, r = aggregate v : { rows(k, v) }.
  Expected<void> draft_regroup(RuleId id) {
    rules_.push_back(program_.rule(id));
    Rule& rule = rules_.back();
    Reduce reduce = std::get<Reduce>(rule.body.front().node);
    const datalog::SourceSpan span = rule.body.front().span;
    Match& rows = std::get<Match>(reduce.body.front().node);
    Draft draft;
    draft.rule = &rule;
    draft.fragment.role = FragmentRole::kRegroup;
    draft.fragment.rule = id;
    draft.fragment.source = rows.relation;
    draft.version = "groups";
    for (std::size_t k = 0; k < reduce.keys.size(); ++k) {
      draft.keys.push_back(reduce.keys[k].result);
      rows.terms[k] = internal::variable_term(rule, reduce.keys[k].result);
    }
    draft.fragment.key_words = words_of_keys(rows.relation, draft.keys.size());
    Match any = rows;
    for (std::size_t i = draft.keys.size(); i < any.terms.size(); ++i) {
      any.terms[i] = internal::wildcard_term();
    }
    reduce.form = datalog::ReduceForm::kPerBinding;
    reduce.keys.clear();
    rule.body.clear();
    rule.body.push_back({datalog::Exists{{{std::move(any), span}}}, span});
    rule.body.push_back({std::move(reduce), span});
    BodyTask task;
    task.rule = &rule;
    task.body = &rule.body;
    task.has_batch = true;
    task.bound.insert(draft.keys.begin(), draft.keys.end());
    for (const datalog::Expression& term : rule.head.terms) {
      task.needed.merge(datalog::variables_of(term));
    }
    if (auto done = plan_task(plan_scope(), task, RuleForm::kFull, draft); !done) return done;
    drafts_.push_back(std::move(draft));
    return {};
  }

  // What ranks a partition whose values are given, from the rows that are there.
  Expected<void> draft_partition(RuleId id) {
    rules_.push_back(program_.rule(id));
    Rule& rule = rules_.back();
    const datalog::Literal gathered = rule.body.front();
    const auto* const rank = std::get_if<datalog::Rank>(&gathered.node);
    const auto* const pattern = std::get_if<datalog::Pattern>(&gathered.node);
    const datalog::SourceSpan span = gathered.span;
    Draft draft;
    draft.rule = &rule;
    if (rank != nullptr) {
      draft.ranks = internal::lay_out_rank(rule, *rank);
    } else {
      auto layout = internal::lay_out_pattern({&program_, scope_.pool, scope_.files, id}, rule,
                                              *pattern, code_.retained);
      if (!layout) return unexpected(std::move(layout).error());
      draft.ranks = std::move(*layout);
    }
    Match rows = std::get<Match>(internal::gathered_body(gathered).front().node);
    const std::vector<datalog::Expression>& partition =
        rank != nullptr ? rank->partition : pattern->partition;
    draft.fragment.role = FragmentRole::kPartition;
    draft.fragment.rule = id;
    draft.fragment.source = rows.relation;
    draft.version = "partitions";
    for (std::size_t k = 0; k < partition.size(); ++k) {
      draft.keys.push_back(internal::new_variable(rule, "_partition", partition[k].type,
                                                  partition[k].nullable, span));
      rows.terms[k] = internal::variable_term(rule, draft.keys.back());
    }
    draft.fragment.key_words = words_of_keys(rows.relation, draft.keys.size());
    rule.body.clear();
    rule.body.push_back({std::move(rows), span});
    rule.head.terms = draft.ranks->values;
    BodyTask task;
    task.rule = &rule;
    task.body = &rule.body;
    task.has_batch = true;
    task.rows_matter = true;
    task.bound.insert(draft.keys.begin(), draft.keys.end());
    for (const datalog::Expression& term : rule.head.terms) {
      task.needed.merge(datalog::variables_of(term));
    }
    if (auto done = plan_task(plan_scope(), task, RuleForm::kFull, draft); !done) return done;
    drafts_.push_back(std::move(draft));
    return {};
  }

  std::uint32_t words_of_keys(RelationId relation, std::size_t keys) const {
    const RelationLayout& placed = (*scope_.layouts)[datalog::index_of(relation)];
    if (keys == 0) return 0;
    return keys < placed.columns.size() ? placed.columns[keys].first_word
                                        : static_cast<std::uint32_t>(placed.words.size());
  }

  Expected<void> draft_changes(const StandingStratum& stratum, RuleId id, const Rule& rule,
                               const Reduce* reduce, FragmentRole role = FragmentRole::kChange) {
    bool has_positive_atom = false;
    for (std::size_t i = 0; i < rule.body.size(); ++i) {
      const Match* atom = atom_of(rule.body[i]);
      if (atom == nullptr) continue;
      const bool negated = std::holds_alternative<Absent>(rule.body[i].node);
      has_positive_atom = has_positive_atom || !negated;
      Draft draft;
      draft.rule = &rule;
      if (negated) {
        rules_.push_back(rule);
        Rule& copy = rules_.back();
        Match source = *atom;
        copy.body[i].node = std::move(source);
        draft.rule = &copy;
      }
      draft.fragment.role = role;
      draft.fragment.rule = id;
      draft.fragment.source = atom->relation;
      draft.fragment.is_negated = negated;
      draft.fragment.tests = tests_of(std::get<Match>(draft.rule->body[i].node));
      draft.fragment.range = range_of(*draft.rule, std::get<Match>(draft.rule->body[i].node));
      draft.reduce = reduce;
      draft.version =
          (role == FragmentRole::kErrors ? "errors " : "change ") + std::to_string(i + 1);
      if (auto planned = plan(stratum, draft, i); !planned) return planned;
      drafts_.push_back(std::move(draft));
    }
    if (has_positive_atom || role == FragmentRole::kErrors) return {};
    Draft draft;
    draft.rule = &rule;
    draft.fragment.role = FragmentRole::kUnit;
    draft.fragment.rule = id;
    draft.reduce = reduce;
    draft.version = "unit";
    if (auto planned = plan(stratum, draft, rule.body.size()); !planned) return planned;
    drafts_.push_back(std::move(draft));
    return {};
  }

  // Plans the draft's rule with its literal `source` first; none where that is past the end.
  Expected<void> plan(const StandingStratum& stratum, Draft& draft, std::size_t source) {
    const Rule& rule = *draft.rule;
    BodyTask task;
    task.rule = &rule;
    task.body = &rule.body;
    for (const datalog::Expression& term : rule.head.terms) {
      task.needed.merge(datalog::variables_of(term));
    }
    const bool is_check = draft.fragment.role == FragmentRole::kErrors;
    task.rows_matter = stratum.kind != StandingKind::kRanked || is_check;
    task.views.assign(rule.body.size(), vm::View::kTotal);
    if (source < rule.body.size()) {
      task.forced = {source};
      task.scans_source = true;
      task.views[source] = vm::View::kDelta;
      for (std::size_t i = 0; i < rule.body.size(); ++i) {
        const Match* atom = atom_of(rule.body[i]);
        if (atom == nullptr || i == source) continue;
        const bool is_same = atom->relation == draft.fragment.source;
        const bool is_later = is_check ? atom->relation > draft.fragment.source
                                       : changes_with(draft.fragment.source, atom->relation);
        if (ENTAIL_PLANT_BUG(50) && is_same) continue;
        if (ENTAIL_PLANT_BUG(51) && !is_same) continue;
        if (is_same ? i > source : is_later) task.views[i] = vm::View::kOld;
      }
    }
    return plan_task(plan_scope(stratum), task, RuleForm::kDelta, draft);
  }

  static Expected<void> plan_task(const PlanScope& scope, const BodyTask& task, RuleForm form,
                                  Draft& draft) {
    auto body = plan_body(scope, task);
    if (!body) return unexpected(std::move(body).error());
    draft.plan.rule = draft.rule;
    draft.plan.id = draft.fragment.rule;
    draft.plan.form = form;
    draft.plan.steps = std::move(body->steps);
    draft.plan.cost = body->cost;
    return {};
  }

  // Whether both change in the turn of one stratum, and the second is handed on later.
  bool changes_with(RelationId first, RelationId second) const {
    for (const StandingStratum& stratum : scope_.form->strata) {
      const auto end = stratum.relations.end();
      const auto found = std::find(stratum.relations.begin(), end, first);
      if (found != end) return std::find(found, end, second) != end;
    }
    return false;
  }

  Expected<void> draft_bound(const StandingStratum& stratum, RuleId id) {
    const Rule& rule = program_.rule(id);
    rules_.push_back(bound_rule(rule, rule.head.relation, rule.head.relation));
    Draft draft;
    draft.rule = &rules_.back();
    draft.fragment.role = FragmentRole::kBound;
    draft.fragment.rule = id;
    draft.fragment.source = rule.head.relation;
    draft.version = "bound";
    // Nothing is needed at the end but where the rows came from.
    BodyTask task;
    task.rule = draft.rule;
    task.body = &draft.rule->body;
    task.forced = {0};
    task.scans_source = true;
    task.views.assign(draft.rule->body.size(), vm::View::kTotal);
    if (auto done = plan_task(plan_scope(stratum), task, RuleForm::kBound, draft); !done) {
      return done;
    }
    drafts_.push_back(std::move(draft));
    return {};
  }

  Expected<void> draft_actions(std::size_t number) {
    const StandingProduction& production = scope_.form->productions[number];
    code_.actions.emplace_back();
    std::size_t count = 0;
    for (ActionDraft& action : action_drafts(program_, production)) {
      rules_.push_back(std::move(action.rule));
      Draft draft;
      draft.rule = &rules_.back();
      draft.production = number;
      draft.action = std::move(action.code);
      draft.values = std::move(action.values);
      draft.fragment.role = FragmentRole::kAction;
      draft.fragment.rule = rule_of_matches(production.matches);
      draft.fragment.source = production.matches;
      draft.version = "action " + std::to_string(++count);
      BodyTask task;
      task.rule = draft.rule;
      task.body = &draft.rule->body;
      task.has_batch = true;
      for (const datalog::VariableId variable : given_variables(draft)) task.bound.insert(variable);
      for (const datalog::Expression& value : draft.values) {
        task.needed.merge(datalog::variables_of(value));
      }
      if (auto done = plan_task(plan_scope(), task, RuleForm::kFull, draft); !done) return done;
      drafts_.push_back(std::move(draft));
    }
    return {};
  }

  RuleId rule_of_matches(RelationId matches) const {
    for (const StandingStratum& stratum : scope_.form->strata) {
      if (stratum.relations.front() == matches) return stratum.rules.front();
    }
    ENTAIL_UNREACHABLE("a production without matches");
  }

  // The match's variables and the time.
  std::vector<datalog::VariableId> given_variables(const Draft& draft) const {
    std::vector<datalog::VariableId> variables =
        scope_.form->productions[*draft.production].columns;
    variables.push_back(static_cast<datalog::VariableId>(draft.rule->variables.size() - 1));
    return variables;
  }

  void emit_action(Draft& draft, BodyEmitter& body, const std::set<datalog::VariableId>& needed) {
    const RelationId matches = scope_.form->productions[*draft.production].matches;
    const RelationLayout& placed = (*scope_.layouts)[datalog::index_of(matches)];
    const std::vector<datalog::VariableId> variables = given_variables(draft);
    std::vector<ColumnLayout> columns(
        placed.columns.begin(),
        placed.columns.begin() + static_cast<std::ptrdiff_t>(variables.size() - 1));
    const auto words = static_cast<std::uint32_t>(placed.words.size());
    columns.push_back({draft.rule->variables.back().type, false, words, 1});
    body.run_given(variables, columns, words + 1, draft.plan.steps, needed,
                   [&] { body.emit_values(draft.values, draft.action.parts); });
    draft.action.fragment = static_cast<std::uint32_t>(code_.fragments.size());
    code_.actions[*draft.production].push_back(draft.action);
  }

  // Constants of one word, never null: what an event is looked up by.
  std::vector<SourceTest> tests_of(const Match& match) {
    std::vector<SourceTest> tests;
    const RelationLayout& placed = (*scope_.layouts)[datalog::index_of(match.relation)];
    for (std::uint32_t column = 0; column < match.terms.size(); ++column) {
      const datalog::Expression& term = match.terms[column];
      if (term.op != datalog::ExpressionOp::kConstant) continue;
      if (placed.columns[column].value_words != 1) continue;
      const auto words = constant_words(term, /*nullable=*/false, *scope_.pool);
      if (!words) continue;
      if (placed.words[placed.columns[column].first_word].handle) {
        scope_.pool->retain(words->front());
        code_.retained.push_back(words->front());
      }
      tests.push_back({placed.columns[column].first_word, words->front()});
    }
    return tests;
  }

  // A comparison of one of the atom's columns with a constant.
  std::optional<SourceRange> range_of(const Rule& rule, const Match& match) const {
    using datalog::ExpressionOp;
    const RelationLayout& placed = (*scope_.layouts)[datalog::index_of(match.relation)];
    for (const datalog::Literal& literal : rule.body) {
      const auto* filter = std::get_if<datalog::Filter>(&literal.node);
      if (filter == nullptr || filter->condition.arguments.size() != 2) continue;
      const datalog::Expression* left = &filter->condition.arguments[0];
      const datalog::Expression* right = &filter->condition.arguments[1];
      ExpressionOp op = filter->condition.op;
      const std::optional<ExpressionOp> turned = datalog::mirrored(op);
      if (!turned) continue;
      if (left->op == ExpressionOp::kConstant) {
        std::swap(left, right);
        op = *turned;
      }
      if (left->op != ExpressionOp::kVariable || right->op != ExpressionOp::kConstant) continue;
      for (std::uint32_t column = 0; column < match.terms.size(); ++column) {
        const datalog::Expression& term = match.terms[column];
        const ColumnLayout& place = placed.columns[column];
        if (term.op != ExpressionOp::kVariable || term.variable != left->variable) continue;
        const vm::ColumnOptions& word = placed.words[place.first_word];
        if (place.nullable || place.value_words != 1 || word.handle ||
            word.order == vm::ColumnOrderKind::kText || !(right->type == place.type)) {
          continue;
        }
        SourceRange range;
        range.word = place.first_word;
        range.kind = word.order;
        range.bound = vm::order_key(right->words[0], word.order);
        range.is_below = op == ExpressionOp::kLess || op == ExpressionOp::kLessEqual;
        range.is_inclusive = op == ExpressionOp::kLessEqual || op == ExpressionOp::kGreaterEqual;
        return range;
      }
    }
    return std::nullopt;
  }

  void emit(Draft& draft) {
    const std::set<RelationId> ranked = ranked_of(draft.fragment.rule);
    FragmentBuilder fragment(builder_, draft.fragment.rule, *draft.rule,
                             datalog::print_rule(program_, program_.rule(draft.fragment.rule)) +
                                 "  // " + draft.version);
    const EmitFor purpose =
        draft.fragment.role == FragmentRole::kBound ? EmitFor::kBound : EmitFor::kStanding;
    BodyEmitter body(fragment, *scope_.layouts, ranked, purpose);
    std::set<datalog::VariableId> needed;
    if (purpose != EmitFor::kBound) {
      for (const datalog::Expression& term : draft.rule->head.terms) {
        needed.merge(datalog::variables_of(term));
      }
      for (const datalog::Expression& value : draft.values) {
        needed.merge(datalog::variables_of(value));
      }
    }
    if (draft.production) {
      emit_action(draft, body, needed);
    } else if (draft.fragment.role == FragmentRole::kRegroup ||
               draft.fragment.role == FragmentRole::kPartition) {
      const RelationLayout& placed = (*scope_.layouts)[datalog::index_of(draft.fragment.source)];
      const std::vector<ColumnLayout> columns(
          placed.columns.begin(),
          placed.columns.begin() + static_cast<std::ptrdiff_t>(draft.keys.size()));
      body.run_given(draft.keys, columns, draft.fragment.key_words, draft.plan.steps, needed, [&] {
        if (!draft.ranks) return body.emit_head(draft.rule->head);
        body.emit_values(draft.ranks->values, draft.ranks->columns);
      });
      if (draft.ranks) code_.ranks.push_back(shape_of(draft.fragment.rule, *draft.ranks));
    } else if (draft.fragment.role == FragmentRole::kResult) {
      code_.groups.push_back(shape_of(draft, body));
      body.run_groups(draft.plan.steps, std::nullopt, needed,
                      [&] { body.emit_head(draft.rule->head); });
    } else {
      body.run_pipeline(draft.plan.steps, needed, [&] {
        if (purpose == EmitFor::kBound) {
          body.emit_origin();
        } else if (draft.reduce != nullptr) {
          body.emit_group_input(*draft.reduce);
        } else {
          body.emit_head(draft.rule->head);
        }
      });
    }
    draft.fragment.number = fragment.finish();
    code_.plans.push_back(draft.fragment.role == FragmentRole::kResult
                              ? std::string()
                              : print_plan(program_, draft.plan));
    code_.fragments.push_back(std::move(draft.fragment));
  }

  RankShape shape_of(RuleId id, const internal::RankLayout& ranks) const {
    RankShape shape;
    shape.rule = id;
    shape.spec = ranks.spec;
    shape.words = ranks.handed_words;
    const RelationId head = program_.rule(id).head.relation;
    const RelationLayout& placed = (*scope_.layouts)[datalog::index_of(head)];
    for (std::size_t i = 0; i < placed.columns.size(); ++i) {
      const ColumnLayout& handed = ranks.handed_columns[i];
      for (std::uint32_t w = 0; w < handed.value_words; ++w) {
        shape.head_words.emplace_back(handed.first_word + w);
      }
      if (!placed.columns[i].nullable) continue;
      shape.head_words.push_back(handed.nullable ? std::optional(handed.null_word())
                                                 : std::nullopt);
    }
    if (shape.head_words.empty()) shape.head_words.emplace_back();
    return shape;
  }

  GroupShape shape_of(const Draft& draft, BodyEmitter& body) {
    const auto& reduce = std::get<Reduce>(draft.rule->body.front().node);
    GroupShape shape;
    shape.rule = draft.fragment.rule;
    datalog::Relation keys;
    for (const datalog::GroupKey& key : reduce.keys) {
      keys.columns.push_back({"", key.value.type, key.value.nullable, {}});
    }
    if (!keys.columns.empty()) {
      const RelationLayout layout = layout_of(keys, program_.types);
      for (const vm::ColumnOptions& word : layout.words) shape.key_handles.push_back(word.handle);
      shape.key_types.resize(layout.words.size());
      for (const ColumnLayout& column : layout.columns) {
        shape.key_types[column.first_word] = column.type;
      }
    }
    shape.key_words = static_cast<std::uint32_t>(shape.key_handles.size());
    for (const std::uint16_t kind : body.group_kinds(reduce)) {
      const bool is_sql = kind >= vm::kSqlAggregate;
      shape.kinds.push_back(is_sql ? vm::AggregateKind::kCount
                                   : static_cast<vm::AggregateKind>(kind));
      shape.sql.emplace_back();
      if (is_sql) {
        shape.sql.back() = builder_.program().aggregates[kind - vm::kSqlAggregate];
      }
    }
    for (const datalog::Aggregate& aggregate : reduce.aggregates) {
      const bool has_argument = aggregate.argument.has_value();
      const bool is_sql = shape.sql[shape.argument_words.size()].has_value();
      unsigned words = has_argument || aggregate.condition ? 2 : 0;
      if (is_sql && vm::value_words(aggregate.argument->type) == 2) words = 3;
      shape.argument_words.push_back(static_cast<std::uint8_t>(words));
      shape.argument_handles.push_back(has_argument &&
                                       program_.types.is_handle(aggregate.argument->type));
      shape.argument_types.push_back(has_argument ? aggregate.argument->type : vm::Type());
    }
    return shape;
  }

  std::set<RelationId> ranked_of(RuleId id) const {
    for (const StandingStratum& stratum : scope_.form->strata) {
      if (stratum.kind != StandingKind::kRanked) continue;
      if (std::find(stratum.rules.begin(), stratum.rules.end(), id) != stratum.rules.end()) {
        return {stratum.relations.begin(), stratum.relations.end()};
      }
    }
    return {};
  }

  Expected<StandingCode> finish() {
    code_.retained.insert(code_.retained.end(), builder_.retained().begin(),
                          builder_.retained().end());
    if (builder_.refused()) {
      for (const vm::Word word : code_.retained) scope_.pool->release(word);
      return unexpected(*builder_.refused());
    }
    builder_.link({{vm::Opcode::kHalt, 0, 0, 0, 0, 0, 0, 0}});
    code_.program = std::move(builder_.program());
    code_.operands = builder_.operands();
    if (auto verified = vm::verify_program(code_.program); !verified) {
      return unexpected(
          verified.error().code,
          "the compiler made a program that the machine refuses: " + verified.error().message);
    }
    return std::move(code_);
  }

  const StandingScope& scope_;
  const datalog::RuleProgram& program_;
  internal::ProgramBuilder builder_;
  std::deque<Rule> rules_;  // Copies that plans point into.
  std::deque<Draft> drafts_;
  StandingCode code_;
};

}  // namespace

Expected<StandingCode> compile_standing(const StandingScope& scope) {
  return StandingCompiler(scope).run();
}

}  // namespace entail::compiler
