#include "compiler/standing_form.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "compiler/internal/action_parts.h"
#include "compiler/internal/aggregate_kinds.h"
#include "compiler/internal/derived_bags.h"
#include "compiler/internal/due_times.h"
#include "compiler/internal/rule_parts.h"
#include "compiler/internal/standing_bodies.h"
#include "compiler/layout.h"
#include "datalog/body_walk.h"
#include "vm/base/ensure.h"
#include "vm/standing_groups.h"

namespace entail::compiler {

namespace {

using datalog::ExpressionOp;
using datalog::Literal;
using datalog::RelationId;
using datalog::Rule;
using datalog::RuleId;
using datalog::VariableId;
using internal::BodyRewriter;
using internal::NeedsRecomputation;
using internal::VariableSet;

// ---------------------------------------------------------------------------------------------------
// What cannot stand

class Refusal {
 public:
  Refusal(const datalog::RuleProgram& program, const grammar::SourceFiles* files)
      : program_(program), files_(files) {}

  Expected<void> check() {
    for (const datalog::Directive& directive : program_.directives) {
      if (directive.kind == datalog::DirectiveKind::kLimitSize) {
        refuse("limitsize", "of '" + program_.relation(directive.relation).name + "'",
               directive.span);
      }
    }
    for (const datalog::Relation& relation : program_.relations) {
      if (relation.extremum == datalog::Extremum::kNone) continue;
      const datalog::Column& column = relation.columns[relation.extremum_column];
      if (!has_word_order(column.type) || column.nullable || vm::value_words(column.type) != 1) {
        refuse("a minimum or maximum of this type", "in relation '" + relation.name + "'",
               relation.span);
      }
    }
    for (const Rule& rule : program_.rules) {
      if (message_) break;
      const std::string where = "in rule '" + rule.name + "'";
      check(rule.body, where);
      datalog::walk_rule_expressions(rule, [&](const datalog::Expression& expression) {
        if (const char* what = name_of(expression.op)) {
          refuse(what, where,
                 expression.span.file == grammar::kNoFile ? rule.span : expression.span);
        }
      });
    }
    for (const datalog::Production& production : program_.productions) {
      if (message_) break;
      check(production);
    }
    if (message_) return unexpected(ErrorCode::kUnsupported, *message_);
    return {};
  }

 private:
  static const char* name_of(ExpressionOp op) {
    switch (op) {
      case ExpressionOp::kAutoIncrement:
        return "autoinc()";
      case ExpressionOp::kOrdinal:
        return "ord()";
      case ExpressionOp::kNow:
        return "now()";
      case ExpressionOp::kCallExtern:
        return "a call of an extern functor";
      default:
        return nullptr;
    }
  }

  void check(const datalog::Production& production) {
    const std::string where = "of rule '" + production.name + "'";
    const char* const later = " is not executed yet";
    if (production.lock_on_active) refuse("lock_on_active", where, production.span, later);
    if (!production.exclusive_group.empty()) {
      refuse("the exclusive group", where, production.span, later);
    }
    if (production.cron) refuse("the cron", where, production.span, later);
    check(production.body, "in rule '" + production.name + "'", /*has_rows=*/true);
    const auto look = [&](const datalog::Expression& expression) {
      if (const char* what = name_of(expression.op)) refuse(what, where, production.span);
    };
    for (const Literal& literal : production.body) datalog::walk_expressions(literal, look);
    if (production.salience) datalog::internal::walk_expression(*production.salience, look);
    internal::walk_actions(production.actions, [&](const datalog::Statement& statement) {
      const datalog::SourceSpan& span =
          statement.span.file == grammar::kNoFile ? production.span : statement.span;
      const std::string in = "in the actions " + where;
      if (std::holds_alternative<datalog::ForEach>(statement.node))
        refuse("a `for`", in, span, later);
      if (std::holds_alternative<datalog::CallProcedure>(statement.node)) {
        refuse("a call", in, span, later);
      }
      if (std::holds_alternative<datalog::Schedule>(statement.node)) {
        refuse("a schedule", in, span, later);
      }
      if (const auto* branch = std::get_if<datalog::Branch>(&statement.node)) {
        check(branch->condition, in);
      }
      internal::walk_statement_expressions(statement, [&](const datalog::Expression& expression) {
        const char* what = name_of(expression.op);
        if (what != nullptr && expression.op != ExpressionOp::kNow) refuse(what, in, span, later);
      });
    });
  }

  void check(const datalog::Body& body, const std::string& where, bool has_rows = false) {
    for (const Literal& literal : body) {
      const auto& node = literal.node;
      if (const auto* match = std::get_if<datalog::Match>(&node)) {
        const bool is_bag =
            program_.relation(match->relation).collection == datalog::Collection::kBag;
        if (match->row && !has_rows && !is_bag)
          refuse("the identity of a row", where, literal.span);
      } else if (const auto* absent = std::get_if<datalog::Absent>(&node)) {
        check(absent->body, where);
      } else if (const auto* exists = std::get_if<datalog::Exists>(&node)) {
        check(exists->body, where);
      } else if (const auto* reduce = std::get_if<datalog::Reduce>(&node)) {
        check(reduce->body, where);
      } else if (const auto* rank = std::get_if<datalog::Rank>(&node)) {
        check(rank->body, where);
      } else if (std::holds_alternative<datalog::Window>(node)) {
        refuse("a window", where, literal.span);
      } else if (const auto* pattern = std::get_if<datalog::Pattern>(&node)) {
        check(pattern->body, where);
      }
    }
  }

  void refuse(const std::string& what, const std::string& where, const datalog::SourceSpan& span,
              const char* why =
                  " cannot stand: what it gives depends on more than the facts, "
                  "or it is not kept up to date yet") {
    if (message_) return;
    message_ = grammar::error_prefix(files_, span) + what + " " + where + why;
  }

  const datalog::RuleProgram& program_;
  const grammar::SourceFiles* files_;
  std::optional<std::string> message_;  // The first one.
};

// ---------------------------------------------------------------------------------------------------
// The rewriting

bool is_permutation_of(const std::vector<datalog::Expression>& head,
                       const datalog::Reduce& reduce) {
  std::vector<VariableId> wanted, found;
  for (const datalog::GroupKey& key : reduce.keys) wanted.push_back(key.result);
  for (const datalog::Aggregate& aggregate : reduce.aggregates) wanted.push_back(aggregate.result);
  for (const datalog::Expression& term : head) {
    if (term.op != ExpressionOp::kVariable) return false;
    found.push_back(term.variable);
  }
  std::sort(wanted.begin(), wanted.end());
  std::sort(found.begin(), found.end());
  return wanted == found && std::adjacent_find(found.begin(), found.end()) == found.end();
}

// Whether the reduction uses nothing but what its own body binds.
bool stands_alone(const datalog::Reduce& reduce, const Rule& rule) {
  VariableSet head;
  for (const datalog::Expression& term : rule.head.terms) head.merge(datalog::variables_of(term));
  for (const datalog::GroupKey& key : reduce.keys) head.erase(key.result);
  VariableSet used = datalog::variables_of(reduce.body);
  VariableSet bound = internal::bound_variables(reduce.body);
  for (const datalog::GroupKey& key : reduce.keys) used.merge(datalog::variables_of(key.value));
  for (const datalog::Aggregate& aggregate : reduce.aggregates) {
    if (bound.count(aggregate.result) != 0) return false;
    for (const auto* expression :
         {&aggregate.argument, &aggregate.condition, &aggregate.delimiter}) {
      if (*expression) used.merge(datalog::variables_of(**expression));
    }
    for (const datalog::OrderItem& item : aggregate.order) {
      used.merge(datalog::variables_of(item.value));
    }
  }
  return std::none_of(used.begin(), used.end(),
                      [&](VariableId variable) { return head.count(variable) != 0; });
}

class StandingBuilder final : private internal::AuxiliaryMaker {
 public:
  StandingBuilder(const datalog::RuleProgram& original, const std::set<RelationId>& read_whole)
      : original_(original), read_whole_(read_whole) {
    datalog::RuleProgram& program = form_.program;
    program.types = original.types.clone();
    program.relations = original.relations;
    program.productions = original.productions;
    program.procedures = original.procedures;
    program.queries = original.queries;
    program.directives = original.directives;
    program.pragmas = original.pragmas;
    program.number_bits = original.number_bits;
    for (std::size_t i = 0; i < original.relations.size(); ++i) {
      form_.stated_in.push_back(static_cast<RelationId>(i));
      names_.insert(original.relations[i].name);
    }
  }

  Expected<StandingForm> run() {
    for (const datalog::Stratum& stratum : original_.strata) {
      if (stratum.recursive) {
        add_recursive(stratum);
        continue;
      }
      for (const RelationId id : stratum.relations) add_plain(id, stratum.rules);
    }
    for (std::uint32_t i = 0; i < form_.program.productions.size(); ++i) add_production(i);
    if (refused_) return unexpected(*refused_);
    return std::move(form_);
  }

 private:
  // --- strata

  void add_stratum(StandingStratum stratum, bool recursive = false) {
    form_.program.strata.push_back({stratum.relations, stratum.rules, recursive});
    form_.strata.push_back(std::move(stratum));
  }

  RuleId add_rule(Rule rule) {
    form_.program.rules.push_back(std::move(rule));
    return static_cast<RuleId>(form_.program.rules.size() - 1);
  }

  void add_plain(RelationId id, const std::vector<RuleId>& rules) {
    datalog::Relation& relation = form_.program.relation(id);
    if (relation.equivalence) {
      relation.equivalence = false;  // It may only be read as the pairs that its classes make.
      add_equivalence(id, rules);
    } else if (relation.extremum != datalog::Extremum::kNone) {
      add_extremum(id, rules);
    } else if (!add_group_by(id, rules)) {
      add_counted(id, rules, id);
    }
  }

  // The rules of the original, deriving `head`.
  void add_counted(RelationId id, const std::vector<RuleId>& rules, RelationId head) {
    StandingStratum stratum;
    stratum.relations = {head};
    for (const RuleId rule : rules) {
      if (original_.rule(rule).head.relation != id) continue;
      Rule moved = original_.rule(rule);
      moved.head.relation = head;
      for (Rule& part : rewrite_rule(std::move(moved), {}))
        stratum.rules.push_back(add_rule(std::move(part)));
    }
    add_stratum(std::move(stratum));
  }

  // A relation that is one grouping needs no other to hold its groups.
  bool add_group_by(RelationId id, const std::vector<RuleId>& rules) {
    if (rules.size() != 1 || !original_.relation(id).key.empty()) return false;
    const Rule& rule = original_.rule(rules.front());
    const auto* reduce =
        rule.body.size() == 1 ? std::get_if<datalog::Reduce>(&rule.body.front().node) : nullptr;
    if (reduce == nullptr || reduce->form != datalog::ReduceForm::kPerGroup ||
        !is_permutation_of(rule.head.terms, *reduce) || !stands_alone(*reduce, rule)) {
      return false;
    }
    for (const datalog::Directive& directive : original_.directives) {
      const bool states = directive.kind == datalog::DirectiveKind::kInput ||
                          directive.kind == datalog::DirectiveKind::kSource;
      if (states && directive.relation == id) return false;
    }
    add_reduced(id, rule);
    return true;
  }

  void add_reduced(RelationId id, Rule rule) {
    auto& reduce = std::get<datalog::Reduce>(rule.body.front().node);
    VariableSet outside;
    for (const datalog::GroupKey& key : reduce.keys)
      outside.merge(datalog::variables_of(key.value));
    for (const datalog::Aggregate& aggregate : reduce.aggregates) {
      walk_aggregate(aggregate, [&](const datalog::Expression& expression) {
        outside.merge(datalog::variables_of(expression));
      });
    }
    const std::set<RelationId> nothing_grows;
    place_timers(reduce.body, nothing_grows);
    BodyRewriter rewriter(*this, rule, nothing_grows);
    std::vector<datalog::Body> bodies = rewriter.rewrite(
        reduce.body, outside, {.rows_matter = internal::counts_rows(reduce), .one_body = true});
    ENTAIL_ENSURE(bodies.size() == 1);
    reduce.body = std::move(bodies.front());
    rule.head.relation = id;
    StandingStratum stratum;
    stratum.kind = StandingKind::kReduced;
    const bool follows = std::all_of(
        reduce.aggregates.begin(), reduce.aggregates.end(),
        [&](const datalog::Aggregate& aggregate) { return has_state(rule, aggregate); });
    if (!follows) {
      stratum.kind = StandingKind::kRegrouped;
      gather_rows(rule);
    }
    stratum.relations = {id};
    stratum.rules = {add_rule(std::move(rule))};
    add_stratum(std::move(stratum));
  }

  template <typename F>
  static void walk_aggregate(const datalog::Aggregate& aggregate, F&& f) {
    if (aggregate.argument) f(*aggregate.argument);
    if (aggregate.condition) f(*aggregate.condition);
    if (aggregate.delimiter) f(*aggregate.delimiter);
    for (const datalog::OrderItem& item : aggregate.order) f(item.value);
  }

  // Whether a group's state (vm/standing_groups.h) follows the aggregate row by row.
  bool has_state(const Rule& rule, const datalog::Aggregate& aggregate) const {
    using datalog::AggregateOp;
    if (aggregate.delimiter || !aggregate.order.empty()) return false;
    const datalog::Variable& result = rule.variables[datalog::index_of(aggregate.result)];
    if (internal::is_sql_aggregate(aggregate, result)) {
      return result.nullable &&
             vm::StandingGroups::follows(internal::sql_aggregate_spec(aggregate, result),
                                         form_.program.types);
    }
    switch (aggregate.op) {
      case AggregateOp::kCount:
      case AggregateOp::kCountDistinct:
        return true;
      case AggregateOp::kSum:
      case AggregateOp::kMean:
        return aggregate.argument->type.kind != vm::TypeKind::kNumeric &&
               vm::value_words(aggregate.argument->type) == 1;
      case AggregateOp::kMin:
      case AggregateOp::kMax:
        return has_word_order(aggregate.argument->type) ||
               aggregate.argument->type.kind == vm::TypeKind::kFloat4;
      default:
        return false;
    }
  }

  // The matches of the reduction's body become rows of a relation of their own: the keys, what the aggregates
  // ask for, and where rows count what tells matches apart.
  void gather_rows(Rule& rule) {
    auto& reduce = std::get<datalog::Reduce>(rule.body.front().node);
    Rule rows;
    rows.name = rule.name;
    rows.span = rows.head.span = rule.span;
    rows.variables = rule.variables;
    rows.body = std::move(reduce.body);
    datalog::Match match;
    std::vector<datalog::Column> columns;
    const auto add_column = [&](const Rule& of, VariableId variable,
                                const datalog::Expression& value) {
      const datalog::Variable& described = of.variables[datalog::index_of(variable)];
      columns.push_back({described.name, value.type, described.nullable, described.span});
      rows.head.terms.push_back(value);
    };
    for (datalog::GroupKey& key : reduce.keys) {
      const datalog::Variable described = rule.variables[datalog::index_of(key.result)];
      const VariableId value = internal::new_variable(rule, described.name, described.type,
                                                      described.nullable, described.span);
      add_column(rule, value, key.value);
      match.terms.push_back(internal::variable_term(rule, value));
      key.value = match.terms.back();
    }
    VariableSet known;
    for (const datalog::Aggregate& aggregate : reduce.aggregates) {
      walk_aggregate(aggregate, [&](const datalog::Expression& expression) {
        for (const VariableId variable : datalog::variables_of(expression)) {
          if (!known.insert(variable).second) continue;
          add_column(rule, variable, internal::variable_term(rule, variable));
          match.terms.push_back(internal::variable_term(rule, variable));
        }
      });
    }
    if (internal::counts_rows(reduce)) {
      auto done = internal::identify_matches(form_.program, rows, [&](VariableId variable) {
        if (!known.insert(variable).second) return;
        add_column(rows, variable, internal::variable_term(rows, variable));
        match.terms.push_back(internal::wildcard_term());
      });
      if (!done && !refused_) refused_ = done.error();
    }
    match.relation = shared_rows(std::move(rows), std::move(columns));
    reduce.body = {Literal{std::move(match), rule.span}};
  }

  // The relation of the rule's rows, which others may have, too.
  RelationId shared_rows(Rule rows, std::vector<datalog::Column> columns) {
    rows = internal::compacted(rows);
    std::string key = "rows " + internal::signature(rows);
    if (const auto known = shared_.find(key); known != shared_.end()) return known->second;
    const RelationId id = new_relation("_rows" + std::to_string(form_.program.relations.size()),
                                       std::move(columns), rows.span);
    rows.head.relation = id;
    StandingStratum stratum;
    stratum.relations = {id};
    stratum.rules = {add_rule(std::move(rows))};
    add_stratum(std::move(stratum));
    shared_.emplace(std::move(key), id);
    return id;
  }

  void add_ordered(RelationId id, Rule rule) {
    auto* const pattern = std::get_if<datalog::Pattern>(&rule.body.front().node);
    auto* const rank = std::get_if<datalog::Rank>(&rule.body.front().node);
    datalog::Body& body = pattern != nullptr ? pattern->body : rank->body;
    const std::vector<datalog::Expression>& partition =
        pattern != nullptr ? pattern->partition : rank->partition;
    VariableSet of_rows = internal::bound_variables(body);
    const std::set<RelationId> nothing_grows;
    place_timers(body, nothing_grows);
    BodyRewriter rewriter(*this, rule, nothing_grows);
    std::vector<datalog::Body> bodies =
        rewriter.rewrite(body, of_rows, {.rows_matter = true, .one_body = true});
    ENTAIL_ENSURE(bodies.size() == 1);
    Rule rows;
    rows.name = rule.name;
    rows.span = rows.head.span = rule.span;
    rows.variables = rule.variables;
    rows.body = std::move(bodies.front());
    datalog::Match match;
    std::vector<datalog::Column> columns;
    for (const datalog::Expression& value : partition) {
      columns.push_back({"_partition", value.type, value.nullable, rule.span});
      rows.head.terms.push_back(value);
      match.terms.push_back(internal::wildcard_term());
    }
    for (const VariableId variable : of_rows) {
      const datalog::Variable& described = rule.variables[datalog::index_of(variable)];
      columns.push_back({described.name, described.type, described.nullable, described.span});
      rows.head.terms.push_back(internal::variable_term(rule, variable));
      match.terms.push_back(rows.head.terms.back());
    }
    match.relation = shared_rows(std::move(rows), std::move(columns));
    body = {Literal{std::move(match), rule.span}};
    rule.head.relation = id;
    StandingStratum stratum;
    stratum.kind = StandingKind::kOrdered;
    stratum.relations = {id};
    stratum.rules = {add_rule(std::move(rule))};
    add_stratum(std::move(stratum));
  }

  void add_equivalence(RelationId id, const std::vector<RuleId>& rules) {
    const std::vector<datalog::Column> columns = original_.relation(id).columns;
    const std::string name = "_" + original_.relation(id).name;
    const RelationId pairs = new_relation(name + "_pairs", columns, original_.relation(id).span);
    form_.stated_in[datalog::index_of(id)] = pairs;
    add_counted(id, rules, pairs);
    std::vector<datalog::Column> of_class = columns;
    of_class[1].name = "class";
    const RelationId classes = new_relation(name + "_class", of_class, original_.relation(id).span);
    classes_[id] = classes;
    StandingStratum stratum;
    stratum.kind = StandingKind::kEquivalence;
    stratum.relations = {classes};
    stratum.pairs = pairs;
    add_stratum(std::move(stratum));

    StandingStratum whole;
    whole.relations = {id};
    if (read_whole_.count(id) != 0) {
      Rule rule;
      rule.name = original_.relation(id).name;
      rule.span = rule.head.span = original_.relation(id).span;
      rule.head.relation = id;
      datalog::Match match;
      match.relation = id;
      for (const datalog::Column& column : columns) {
        const VariableId variable =
            internal::new_variable(rule, column.name, column.type, column.nullable, column.span);
        match.terms.push_back(internal::variable_term(rule, variable));
      }
      rule.head.terms = match.terms;
      rule.body = internal::class_atoms(*this, rule, match, /*rows_matter=*/true, rule.span);
      whole.rules.push_back(add_rule(std::move(rule)));
    }
    add_stratum(std::move(whole));
  }

  void add_extremum(RelationId id, const std::vector<RuleId>& rules) {
    const datalog::Relation described = original_.relation(id);
    form_.program.relation(id).extremum = datalog::Extremum::kNone;
    const RelationId candidates =
        new_relation("_" + described.name + "_candidates", described.columns, described.span);
    form_.stated_in[datalog::index_of(id)] = candidates;
    add_counted(id, rules, candidates);
    Rule rule;
    rule.name = described.name;
    rule.span = rule.head.span = described.span;
    datalog::Match match;
    match.relation = candidates;
    datalog::Reduce reduce;
    reduce.form = datalog::ReduceForm::kPerGroup;
    for (std::uint32_t i = 0; i < described.columns.size(); ++i) {
      const datalog::Column& column = described.columns[i];
      const auto variable = [&] {
        return internal::new_variable(rule, column.name, column.type, column.nullable, column.span);
      };
      const VariableId result = variable();
      match.terms.push_back(internal::variable_term(rule, variable()));
      rule.head.terms.push_back(internal::variable_term(rule, result));
      if (i != described.extremum_column) {
        reduce.keys.push_back({result, match.terms.back()});
        continue;
      }
      datalog::Aggregate aggregate;
      aggregate.op = described.extremum == datalog::Extremum::kMin ? datalog::AggregateOp::kMin
                                                                   : datalog::AggregateOp::kMax;
      aggregate.result = result;
      aggregate.argument = match.terms.back();
      reduce.aggregates.push_back(std::move(aggregate));
    }
    reduce.body.push_back({std::move(match), described.span});
    rule.body.push_back({std::move(reduce), described.span});
    add_reduced(id, std::move(rule));
  }

  void add_recursive(const datalog::Stratum& original) {
    StandingStratum stratum;
    stratum.kind = StandingKind::kRanked;
    stratum.relations = original.relations;
    const bool are_sets =
        std::all_of(original.relations.begin(), original.relations.end(), [this](RelationId id) {
          const datalog::Relation& relation = original_.relation(id);
          return !relation.equivalence && relation.extremum == datalog::Extremum::kNone;
        });
    if (are_sets && add_ranked(original, stratum)) return;
    stratum.kind = StandingKind::kRecomputed;
    for (const RuleId id : original.rules) {
      Rule rule = original_.rule(id);
      internal::replace_equivalences(*this, rule);
      stratum.rules.push_back(add_rule(std::move(rule)));
    }
    add_stratum(std::move(stratum), /*recursive=*/true);
  }

  bool add_ranked(const datalog::Stratum& original, StandingStratum stratum) {
    const std::set<RelationId> growing(original.relations.begin(), original.relations.end());
    const std::size_t relations = form_.program.relations.size();
    const std::size_t rules = form_.program.rules.size();
    const std::size_t strata = form_.strata.size();
    const std::map<std::string, RelationId> shared = shared_;
    std::vector<Rule> ranked;
    try {
      for (const RuleId id : original.rules) {
        for (Rule& rule : rewrite_rule(original_.rule(id), growing))
          ranked.push_back(std::move(rule));
      }
    } catch (const NeedsRecomputation&) {
      // What was made for it goes again.
      form_.program.relations.resize(relations);
      form_.program.rules.resize(rules);
      form_.program.strata.resize(strata);
      form_.strata.resize(strata);
      shared_ = shared;
      return false;
    }
    for (Rule& rule : ranked) stratum.rules.push_back(add_rule(std::move(rule)));
    add_stratum(std::move(stratum), /*recursive=*/true);
    return true;
  }

  // --- productions

  // Whether the order in which the relation's rows came is that of their statements.
  bool is_only_stated(RelationId id) const {
    const datalog::Relation& relation = original_.relation(id);
    return !relation.equivalence && relation.extremum == datalog::Extremum::kNone &&
           std::none_of(original_.rules.begin(), original_.rules.end(), [&](const Rule& rule) {
             return rule.head.relation == id && !rule.body.empty();
           });
  }

  void add_production(std::uint32_t number) {
    datalog::Production& production = form_.program.productions[number];
    Rule rule;
    rule.name = production.name;
    rule.span = rule.head.span = production.span;
    rule.variables = std::move(production.variables);
    StandingProduction standing;
    standing.number = number;
    const auto add_column = [&](VariableId variable) {
      auto& columns = standing.columns;
      if (std::find(columns.begin(), columns.end(), variable) == columns.end()) {
        columns.push_back(variable);
      }
    };
    const VariableSet changed = internal::changed_rows(production.actions);
    for (Literal& literal : production.body) {
      if (auto* match = std::get_if<datalog::Match>(&literal.node)) {
        const bool is_derived = !is_only_stated(match->relation);
        if (!is_derived && !match->row) {
          match->row = internal::new_variable(rule, "_row", datalog::row_identity_type(), false,
                                              literal.span);
        }
        const bool is_changed = match->row && changed.count(*match->row) != 0;
        if (is_derived || is_changed) internal::name_columns(form_.program, rule, *match);
        if (is_derived && !is_changed) match->row.reset();
        // Identities first where they tell in which order the rows came.
        if (match->row && !is_derived) add_column(*match->row);
        for (const datalog::Expression& term : match->terms) {
          if ((is_derived || is_changed) && term.op == ExpressionOp::kVariable) {
            add_column(term.variable);
          }
        }
        if (match->row) add_column(*match->row);
      } else if (std::holds_alternative<datalog::Each>(literal.node) ||
                 std::holds_alternative<datalog::Reduce>(literal.node)) {
        for (const VariableId variable : datalog::exported_variables(literal)) add_column(variable);
      }
    }
    const VariableSet bound = internal::bound_variables(production.body);
    for (const VariableId variable : internal::variables_of_actions(production.actions)) {
      if (bound.count(variable) != 0) add_column(variable);
    }
    std::vector<datalog::Column> columns;
    for (const VariableId id : standing.columns) {
      const datalog::Variable& variable = rule.variables[datalog::index_of(id)];
      columns.push_back({variable.name, variable.type, variable.nullable, variable.span});
      rule.head.terms.push_back(internal::variable_term(rule, id));
    }
    standing.has_salience =
        production.salience && production.salience->op != ExpressionOp::kConstant;
    if (standing.has_salience) {
      columns.push_back({"salience", production.salience->type, production.salience->nullable, {}});
      rule.head.terms.push_back(*production.salience);
    }
    production.variables = rule.variables;
    rule.body = production.body;
    standing.matches = new_relation("rule " + production.name, std::move(columns), rule.span);
    rule.head.relation = standing.matches;
    form_.productions.push_back(standing);
    StandingStratum stratum;
    stratum.relations = {standing.matches};
    for (Rule& part : rewrite_rule(std::move(rule), {})) {
      stratum.rules.push_back(add_rule(std::move(part)));
    }
    add_stratum(std::move(stratum));
  }

  // --- rules

  std::vector<Rule> rewrite_rule(Rule rule, const std::set<RelationId>& growing) {
    if (rule.body.empty()) return {std::move(rule)};
    internal::compare_clocks_only(original_, rule);
    place_timers(rule.body, growing);
    VariableSet head;
    for (const datalog::Expression& term : rule.head.terms) head.merge(datalog::variables_of(term));
    BodyRewriter rewriter(*this, rule, growing);
    std::vector<datalog::Body> bodies = rewriter.rewrite(rule.body, head, {});
    if (!rewriter.changed()) return {std::move(rule)};
    rule.plan.reset();  // It counted the atoms that the author wrote.
    std::vector<Rule> result;
    for (datalog::Body& body : bodies) {
      rule.body = std::move(body);
      result.push_back(internal::compacted(rule));
    }
    return result;
  }

  // --- due times

  // Comparisons of a clock with a time of an atom beside them become atoms of what is due. What has another
  // form is right as it stands, and costs all rows when the clock moves.
  void place_timers(datalog::Body& body, const std::set<RelationId>& growing) {
    for (Literal& literal : body) {
      const bool is_absent = std::holds_alternative<datalog::Absent>(literal.node);
      datalog::Body* inner = nullptr;
      if (is_absent) inner = &std::get<datalog::Absent>(literal.node).body;
      if (auto* exists = std::get_if<datalog::Exists>(&literal.node)) inner = &exists->body;
      if (auto* reduce = std::get_if<datalog::Reduce>(&literal.node)) inner = &reduce->body;
      if (auto* rank = std::get_if<datalog::Rank>(&literal.node)) inner = &rank->body;
      if (auto* pattern = std::get_if<datalog::Pattern>(&literal.node)) inner = &pattern->body;
      if (inner == nullptr) continue;
      const auto timer = internal::timer_of(form_.program, *inner, body, growing);
      if (!timer) {
        place_timers(*inner, growing);
        continue;
      }
      datalog::Match match;
      match.relation = timed(timer->first, literal.span);
      match.terms = {timer->second};
      if (is_absent) {
        literal.node = datalog::Absent{{Literal{std::move(match), literal.span}}};
      } else {
        literal.node = std::move(match);
      }
    }
  }

  RelationId timed(const StandingTimer& timer, const datalog::SourceSpan& span) {
    const std::string key = "due " + std::to_string(datalog::index_of(timer.source)) + " " +
                            std::to_string(timer.column) + " " + std::to_string(timer.after) + " " +
                            std::to_string(datalog::index_of(timer.clock));
    if (const auto known = shared_.find(key); known != shared_.end()) return known->second;
    const datalog::Column column = form_.program.relation(timer.source).columns[timer.column];
    const RelationId id = new_relation("_due" + std::to_string(form_.program.relations.size()),
                                       {{"at", column.type, false, span}}, span);
    Rule rule = internal::due_rule(form_.program, timer, id, span);
    StandingStratum stratum;
    stratum.kind = StandingKind::kTimed;
    stratum.relations = {id};
    stratum.rules = {add_rule(std::move(rule))};
    stratum.timer = timer;
    add_stratum(std::move(stratum));
    shared_.emplace(key, id);
    return id;
  }

  // --- auxiliary relations

  RelationId new_relation(const std::string& name, std::vector<datalog::Column> columns,
                          const datalog::SourceSpan& span) {
    datalog::Relation relation;
    relation.name = name;
    for (int i = 2; !names_.insert(relation.name).second; ++i)
      relation.name = name + "_" + std::to_string(i);
    relation.columns = std::move(columns);
    relation.auxiliary = true;
    relation.span = span;
    form_.program.relations.push_back(std::move(relation));
    return static_cast<RelationId>(form_.program.relations.size() - 1);
  }

  RelationId new_auxiliary(const std::string& stem, const Rule& rule) {
    std::vector<datalog::Column> columns;
    for (const datalog::Expression& term : rule.head.terms) {
      const datalog::Variable& variable = rule.variables[datalog::index_of(term.variable)];
      columns.push_back({variable.name, variable.type, variable.nullable, variable.span});
    }
    return new_relation("_" + stem + std::to_string(form_.program.relations.size()),
                        std::move(columns), rule.span);
  }

  RelationId counted(const std::string& stem, std::vector<Rule> rules) override {
    std::string key;
    for (Rule& rule : rules) {
      rule = internal::compacted(rule);
      key += internal::signature(rule) + "; ";
    }
    const auto known = shared_.find(key);
    if (known != shared_.end()) return known->second;
    const RelationId id = new_auxiliary(stem, rules.front());
    StandingStratum stratum;
    stratum.relations = {id};
    for (Rule& rule : rules) {
      rule.head.relation = id;
      rule.name = form_.program.relation(id).name;
      for (Rule& part : rewrite_rule(std::move(rule), {}))
        stratum.rules.push_back(add_rule(std::move(part)));
    }
    add_stratum(std::move(stratum));
    shared_.emplace(std::move(key), id);
    return id;
  }

  RelationId reduced(const std::string& stem, Rule rule) override {
    rule = internal::compacted(rule);
    std::string key = internal::signature(rule);
    const auto known = shared_.find(key);
    if (known != shared_.end()) return known->second;
    const RelationId id = new_auxiliary(stem, rule);
    rule.name = form_.program.relation(id).name;
    add_reduced(id, std::move(rule));
    shared_.emplace(std::move(key), id);
    return id;
  }

  RelationId ordered(const std::string& stem, Rule rule) override {
    rule = internal::compacted(rule);
    std::string key = internal::signature(rule);
    const auto known = shared_.find(key);
    if (known != shared_.end()) return known->second;
    const RelationId id = new_auxiliary(stem, rule);
    rule.name = form_.program.relation(id).name;
    add_ordered(id, std::move(rule));
    shared_.emplace(std::move(key), id);
    return id;
  }

  std::optional<RelationId> classes_of(RelationId id) const override {
    const auto found = classes_.find(id);
    if (found == classes_.end()) return std::nullopt;
    return found->second;
  }

  const datalog::RuleProgram& program() const override { return form_.program; }

  std::optional<Error> refused_;
  const datalog::RuleProgram& original_;
  const std::set<RelationId> read_whole_;
  StandingForm form_;
  std::set<std::string> names_;
  std::map<std::string, RelationId> shared_;  // By what it holds.
  std::map<RelationId, RelationId> classes_;  // Of standing equivalences.
};

}  // namespace

Expected<StandingForm> standing_form(const datalog::RuleProgram& original,
                                     const std::set<RelationId>& read_whole,
                                     const grammar::SourceFiles* files) {
  auto rewritten = internal::without_derived_bags(original, files);
  if (!rewritten) return unexpected(std::move(rewritten).error());
  const datalog::RuleProgram& program = *rewritten ? **rewritten : original;
  if (auto checked = Refusal(program, files).check(); !checked)
    return unexpected(std::move(checked).error());
  // Actions ask for pairs of an equivalence, not for its classes.
  std::set<RelationId> whole = read_whole;
  for (const datalog::Production& production : program.productions) {
    internal::walk_actions(production.actions, [&](const datalog::Statement& statement) {
      const auto* branch = std::get_if<datalog::Branch>(&statement.node);
      if (branch == nullptr) return;
      for (const Literal& literal : branch->condition) {
        datalog::walk_matches(literal, [&](const datalog::Match& match, datalog::Reading) {
          whole.insert(match.relation);
        });
      }
    });
  }
  try {
    return StandingBuilder(program, whole).run();
  } catch (const internal::CannotStand& refused) {
    return unexpected(refused.error);
  }
}

}  // namespace entail::compiler
