#include "datalog/lower.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "datalog/internal/build.h"
#include "datalog/internal/declarations.h"
#include "datalog/internal/declared_values.h"
#include "datalog/internal/elaborate.h"
#include "datalog/internal/emit.h"
#include "datalog/internal/environment.h"
#include "datalog/internal/facts.h"
#include "datalog/internal/fold_records.h"
#include "datalog/internal/infer.h"
#include "datalog/internal/inline.h"
#include "datalog/internal/scopes.h"
#include "datalog/time_conditions.h"
#include "grammar/printer.h"

namespace entail::datalog {
namespace {

using grammar::Item;

class Lowering {
 public:
  Lowering(const LowerOptions& options, grammar::Diagnostics& diagnostics)
      : environment_(options, diagnostics), diagnostics_(diagnostics), facts_(environment_) {}

  std::optional<RuleProgram> run(const grammar::Program& program) {
    errors_at_start_ = diagnostics_.error_count();
    const std::vector<Item> items = elaborate(program, environment_.options, diagnostics_);
    declare_all(items, environment_);
    declarations_are_sound_ = diagnostics_.error_count() == errors_at_start_;
    exclude_from_inlining();
    for (const Item& item : items) build(item);
    for (CoreClause& clause : environment_.extra_clauses) clauses_.push_back(std::move(clause));
    settle_collections();
    if (declarations_are_sound_) lower_declared_values(environment_);
    check_style();
    lower_clauses();
    for (const Item* item : denials_) lower_denial(*item);
    for (const auto& [query, span] : queries_) lower_query(*query, span);
    if (environment_.options.expands_time && diagnostics_.error_count() == errors_at_start_)
      expand_time(environment_.program, diagnostics_);
    if (diagnostics_.error_count() != errors_at_start_) return std::nullopt;
    return std::move(environment_.program);
  }

 private:
  // `.pragma "inline-exclude" "a,b"`.
  void exclude_from_inlining() {
    const auto found = environment_.program.pragmas.find("inline-exclude");
    if (found == environment_.program.pragmas.end()) return;
    const std::string names = found->second + ",";
    std::size_t begin = 0;
    for (std::size_t comma = names.find(','); comma != std::string::npos;
         comma = names.find(',', begin)) {
      const auto relation = environment_.relations.find(names.substr(begin, comma - begin));
      if (relation != environment_.relations.end())
        environment_.info(relation->second).inlined = false;
      begin = comma + 1;
    }
  }

  // -------------------------------------------------------------------------------------------------
  // Items

  void build(const Item& item) {
    if (const auto* rows = item.as<grammar::Facts>()) {
      facts_.add(*rows, clauses_);
    } else if (const auto* clause = item.as<grammar::Clause>(); clause && clause->heads.empty()) {
      denials_.push_back(&item);
    } else if (clause != nullptr) {
      if (clause->final) {
        diagnostics_.error(item.span, "final rules are not supported yet");
      }
      add(ClauseBuilder(environment_).build(*clause, item.span));
    } else if (const auto* subsumption = item.as<grammar::Subsumption>()) {
      diagnostics_.error(item.span, "subsumption is not supported yet");
      check_subsumption(*subsumption, item.span);
    } else if (const auto* rule = item.as<grammar::RuleDecl>()) {
      build_production(*rule, item.span);
    } else if (const auto* query = item.as<grammar::Query>()) {
      queries_.emplace_back(query, item.span);
    } else if (const auto* view = item.as<grammar::View>()) {
      diagnostics_.error(item.span, "view '" + view->name.text +
                                        "' is written in SQL, which is not supported yet");
    } else if (item.as<grammar::Test>() != nullptr) {
      diagnostics_.error(item.span, "tests of rules are not executed yet");
    }
  }

  void add(std::vector<CoreClause> clauses) {
    for (CoreClause& clause : clauses) {
      RelationInfo& info = environment_.info(clause.head);
      (clause.is_fact ? info.has_facts : info.has_rules) = true;
      clauses_.push_back(std::move(clause));
    }
  }

  void check_subsumption(const grammar::Subsumption& subsumption, grammar::SourceSpan span) {
    if (subsumption.dominated.relation.text != subsumption.dominating.relation.text) {
      diagnostics_.error(span, "a subsumption compares rows of one relation, not of '" +
                                   subsumption.dominated.relation.text + "' and '" +
                                   subsumption.dominating.relation.text + "'");
    }
  }

  // `derive` makes Datalog rules with the name and conditions of the rule; other actions, a production.
  void build_production(const grammar::RuleDecl& rule, grammar::SourceSpan span) {
    if (!rule_names_.insert(rule.name.text).second)
      diagnostics_.error(rule.name.span, "there are two rules called '" + rule.name.text + "'");
    if (rule.every) diagnostics_.error(rule.every->span, "`every` is not supported yet");
    if (rule.effective_from)
      diagnostics_.error(rule.effective_from->span, "`effective` is not supported yet");

    grammar::Formula when = rule.when;
    if (rule.enabled)
      when =
          conjunction(std::move(when), {grammar::BooleanTest{*rule.enabled}, rule.enabled->span});
    // What a `let` before it names, a derived head may use.
    grammar::Formula derivation = when;
    std::size_t productive = 0, derived = 0;
    for (const grammar::Action& action : rule.then) {
      if (const auto* let = action.as<grammar::LetAction>()) {
        grammar::Expr name{grammar::Variable{let->name.text}, let->name.span};
        derivation = conjunction(
            std::move(derivation),
            {grammar::Comparison{grammar::CompareOp::kEqual, std::move(name), let->value},
             action.span});
        continue;
      }
      const auto* change = action.as<grammar::ChangeAction>();
      if (change == nullptr || change->kind != grammar::ChangeKind::kDerive) {
        ++productive;
        continue;
      }
      if (rule.cron) {
        diagnostics_.error(action.span,
                           "what is derived holds while the conditions do, not at certain times",
                           "Use `insert`, or leave out `cron`.");
      }
      ++derived;
      std::vector<CoreClause> clauses =
          ClauseBuilder(environment_).build({&change->atom}, &derivation, span);
      for (CoreClause& clause : clauses) clause.rule_name = rule.name.text;
      add(std::move(clauses));
    }
    if (productive + derived == 0)
      diagnostics_.error(rule.name.span, "rule '" + rule.name.text + "' does nothing");
    if (productive == 0) return;
    for (CoreClause& clause : ClauseBuilder(environment_).build_production(rule, when, span)) {
      clause.declaration = &rule;
      clauses_.push_back(std::move(clause));
    }
  }

  static grammar::Formula conjunction(grammar::Formula left, grammar::Formula right) {
    grammar::Formula both;
    both.span = left.span;
    both.node = grammar::Conjunction{{std::move(left), std::move(right)}};
    return both;
  }

  // What rules derive is a set, whatever it was declared as.
  void settle_collections() {
    for (std::size_t i = 0; i < environment_.infos.size(); ++i) {
      if (environment_.infos[i].has_rules)
        environment_.program.relations[i].collection = Collection::kSet;
    }
  }

  // -------------------------------------------------------------------------------------------------
  // Checks that need no types

  void check_style() {
    for (CoreClause& clause : clauses_) {
      visit_terms(clause.head_args, false, [&](CoreTerm& term) {
        if (term.kind == TermKind::kWildcard) {
          diagnostics_.error(term.span, "a head cannot have a `_`: every column needs a value");
        } else if (term.kind == TermKind::kCounter && clause.is_fact) {
          diagnostics_.error(term.span, "a fact is made of constants, and a counter is none");
        }
      });
      visit_conditions(clause.body, [&](CoreCondition& condition) { check_wildcards(condition); });
    }
  }

  void check_wildcards(CoreCondition& condition) {
    if (condition.kind != ConditionKind::kCompare || condition.generated) {
      for (CoreTerm& arg : condition.args) check_operands(arg);
      return;
    }
    if (condition.args[0].kind == TermKind::kAggregate ||
        condition.args[1].kind == TermKind::kAggregate)
      return;
    for (CoreTerm& arg : condition.args) {
      const CoreTerm& other = condition.args[&arg == &condition.args[0] ? 1 : 0];
      if (arg.kind == TermKind::kWildcard && other.kind != TermKind::kRecord) {
        diagnostics_.error(arg.span, "a `_` cannot be compared with anything");
      }
      check_operands(arg);
    }
  }

  void check_operands(CoreTerm& term) {
    for (CoreTerm& arg : term.args) {
      const bool pattern = term.kind == TermKind::kRecord || term.kind == TermKind::kVariant;
      if (arg.kind == TermKind::kWildcard && !pattern)
        diagnostics_.error(arg.span, "a `_` has no value to compute with");
      check_operands(arg);
    }
  }

  // -------------------------------------------------------------------------------------------------
  // Clauses to rules

  void lower_clauses() {
    const bool inlines = std::any_of(environment_.infos.begin(), environment_.infos.end(),
                                     [](const RelationInfo& info) { return info.inlined; });
    const std::size_t errors_before = diagnostics_.error_count();
    if (inlines) {
      // Mistakes are reported where they were written, before inlining moves them about.
      for (const CoreClause& clause : clauses_) {
        const bool is_inlined = !clause.is_production && environment_.info(clause.head).inlined;
        if (!is_inlined && !uses_inlined(clause)) continue;
        CoreClause copy = clause;
        fold_records(copy.body, copy.head_args);
        assign_variables(copy, {.head_binds = is_inlined}, diagnostics_);
        infer_types(copy, environment_);
      }
    }
    const bool was_sound = diagnostics_.error_count() == errors_before;
    std::vector<CoreClause> clauses = expand_inline(std::move(clauses_), environment_);
    if (!was_sound && inlines) {
      std::erase_if(clauses, [&](const CoreClause& clause) { return uses_inlined(clause); });
    }
    check_recursion(clauses);
    std::map<RelationId, std::size_t> counts;
    for (CoreClause& clause : clauses) {
      if (clause.is_production) check_rows(clause);
      fold_records(clause.body, clause.head_args);
      const bool bound = assign_variables(clause, {}, diagnostics_);
      const auto types = infer_types(clause, environment_);
      // Emission relies on what earlier passes found to be sound; it has errors of its own to report.
      if (!bound || !types || clause.broken || !declarations_are_sound_) continue;
      if (clause.is_production) {
        add_production(emit_production(clause, *types, environment_), *clause.declaration);
        continue;
      }
      Rule rule = emit_rule(clause, *types, environment_);
      if (clause.is_fact) {
        facts_.add(std::move(rule));
        continue;
      }
      if (rule.name.empty()) {
        rule.name = environment_.program.relation(clause.head).name + "#" +
                    std::to_string(++counts[clause.head]);
      }
      environment_.program.rules.push_back(std::move(rule));
    }
  }

  // A row that is to be changed needs an identity, which rows of a plain set have not.
  void check_rows(CoreClause& clause) {
    visit_conditions(clause.body, [&](CoreCondition& condition) {
      if (condition.kind != ConditionKind::kChange || condition.row.empty()) return;
      const Relation& relation = environment_.program.relation(condition.relation);
      if (!relation.key.empty() || relation.collection == Collection::kBag) return;
      const std::string what = condition.change == ChangeKind::kDelete ? "deleted" : "modified";
      diagnostics_.error(condition.span,
                         "a row of '" + relation.name + "' cannot be " + what +
                             " by name: it is a set without a key, whose rows have no identity",
                         "Use `retract " + relation.name + "(…)`.");
    });
  }

  void add_production(Production production, const grammar::RuleDecl& rule) {
    if (rule.group) production.group = rule.group->text;
    if (rule.exclusive) production.exclusive_group = rule.exclusive->text;
    production.no_loop = rule.no_loop;
    production.lock_on_active = rule.lock_on_active;
    production.auto_focus = rule.auto_focus;
    production.cron = rule.cron;
    production.doc = rule.doc.value_or("");
    environment_.program.productions.push_back(std::move(production));
  }

  bool uses_inlined(const CoreClause& clause) {
    CoreClause copy = clause;
    bool found = false;
    const auto look = [&](CoreCondition& condition) {
      found |=
          condition.kind == ConditionKind::kAtom && environment_.info(condition.relation).inlined;
    };
    visit_conditions(copy.body, look);
    visit_conditions(copy.head_args, look);
    return found;
  }

  // Counters in recursive rules have no meaning; plans must fit their rule.
  void check_recursion(std::vector<CoreClause>& clauses) {
    std::map<RelationId, std::set<RelationId>> uses;
    for (CoreClause& clause : clauses) {
      if (clause.is_production) continue;
      std::set<RelationId>& used = uses[clause.head];
      const auto note = [&](CoreCondition& condition) {
        if (condition.kind == ConditionKind::kAtom) used.insert(condition.relation);
      };
      visit_conditions(clause.body, note);
      visit_conditions(clause.head_args, note);
    }
    const auto reaches = [&](RelationId from, RelationId target) {
      std::set<RelationId> seen{from};
      std::vector<RelationId> open{from};
      while (!open.empty()) {
        const RelationId current = open.back();
        open.pop_back();
        if (current == target) return true;
        for (const RelationId next : uses[current]) {
          if (seen.insert(next).second) open.push_back(next);
        }
      }
      return false;
    };
    for (CoreClause& clause : clauses) {
      bool has_counter = false;
      grammar::SourceSpan counter;
      const auto note = [&](CoreTerm& term) {
        if (term.kind == TermKind::kCounter) has_counter = true, counter = term.span;
      };
      visit_terms(clause.head_args, true, note);
      visit_terms(clause.body, true, note);
      if (clause.is_production && has_counter)
        diagnostics_.error(counter, "a counter cannot stand in a production");
      if (clause.is_production || (!has_counter && !clause.plan)) continue;
      std::uint32_t atoms = 0, recursive_atoms = 0;
      for (const CoreCondition& condition : clause.body) {
        if (condition.kind != ConditionKind::kAtom) continue;
        ++atoms;
        if (reaches(condition.relation, clause.head)) ++recursive_atoms;
      }
      if (has_counter && recursive_atoms > 0) {
        diagnostics_.error(counter, "a counter cannot stand in a recursive rule");
      }
      if (clause.plan) check_plan(*clause.plan, atoms, recursive_atoms, clause.span);
    }
  }

  void check_plan(const PlanHint& plan, std::uint32_t atoms, std::uint32_t recursive_atoms,
                  grammar::SourceSpan span) {
    const std::uint32_t versions = std::max(recursive_atoms, 1U);
    for (const auto& [version, order] : plan.orders) {
      if (version >= versions) {
        diagnostics_.error(span, "the plan is for version " + std::to_string(version) +
                                     " of the rule, which has versions 0 to " +
                                     std::to_string(versions - 1));
      }
      std::vector<std::uint32_t> sorted = order;
      std::sort(sorted.begin(), sorted.end());
      bool complete = sorted.size() == atoms;
      for (std::uint32_t i = 0; complete && i < atoms; ++i) complete = sorted[i] == i + 1;
      if (!complete) {
        diagnostics_.error(span, "the plan for version " + std::to_string(version) +
                                     " does not name each of the " + std::to_string(atoms) +
                                     " atoms once");
      }
    }
  }

  // -------------------------------------------------------------------------------------------------
  // Denial rules

  // Each alternative gets an auxiliary relation of what its matches give to the variables of its atoms.
  void lower_denial(const Item& item) {
    const auto& denial = *item.as<grammar::Clause>();
    for (CoreBody& body : ClauseBuilder(environment_).build_bodies(*denial.body)) {
      Relation relation;
      relation.name = "false#" + std::to_string(++denial_count_);
      relation.auxiliary = true;
      relation.span = item.span;
      relation.denial = "false :- " + grammar::print(*denial.body) + ".";
      RelationInfo info;
      info.has_rules = true;
      CoreClause clause;
      clause.span = clause.head_span = item.span;
      clause.rule_name = relation.name;
      clause.head = environment_.add_relation(std::move(relation), std::move(info));
      clause.body = std::move(body);
      std::set<std::string> names;
      for (const CoreCondition& condition : clause.body) {
        if (condition.kind != ConditionKind::kAtom) continue;
        for (const CoreTerm& term : condition.args) {
          if (term.kind != TermKind::kVariable || !names.insert(term.name).second) continue;
          clause.head_args.push_back(CoreTerm::make_variable(term.name, term.span));
        }
      }
      emit_denial(std::move(clause));
    }
  }

  void emit_denial(CoreClause denial) {
    const RelationId head = denial.head;
    std::vector<Column> columns;
    for (const CoreTerm& term : denial.head_args)
      columns.push_back({term.name, {}, false, term.span});
    std::vector<Rule> rules;
    for (CoreClause& clause : expand_inline({std::move(denial)}, environment_)) {
      fold_records(clause.body, clause.head_args);
      const bool bound = assign_variables(clause, {}, diagnostics_);
      const auto types = infer_types(clause, environment_);
      if (!bound || !types || diagnostics_.error_count() != errors_at_start_) return;
      rules.push_back(emit_rule(clause, *types, environment_));
    }
    for (Rule& rule : rules) {
      for (std::size_t i = 0; i < columns.size(); ++i) {
        columns[i].type = rule.head.terms[i].type;
        columns[i].nullable |= rule.head.terms[i].nullable;
      }
      environment_.program.rules.push_back(std::move(rule));
    }
    environment_.program.relation(head).columns = std::move(columns);
    environment_.info(head).column_types.assign(environment_.program.relation(head).columns.size(),
                                                kNoSourceType);
  }

  // -------------------------------------------------------------------------------------------------
  // Queries

  void lower_query(const grammar::Query& query, grammar::SourceSpan span) {
    ClauseBuilder builder(environment_);
    std::vector<CoreBody> bodies = builder.build_bodies(query.body);
    if (bodies.size() != 1) {
      diagnostics_.error(span,
                         "alternatives in query '" + query.name.text + "' are not supported yet",
                         "Give the alternatives a relation of their own.");
      return;
    }
    if (query.as_of) {
      diagnostics_.error(query.as_of->span, "`as of` is not supported yet");
    }
    CoreClause clause;
    clause.span = clause.head_span = span;
    clause.body = std::move(bodies.front());
    ScopeOptions scope;
    std::vector<DeclaredType> parameters;
    Query made;
    made.name = query.name.text;
    made.span = span;
    for (const grammar::Column& parameter : query.parameters) {
      const auto type =
          resolve_type(parameter.type, "parameter '" + parameter.name.text + "'", environment_);
      if (!type) return;
      parameters.push_back(*type);
      scope.parameters.push_back(parameter.name.text);
      clause.head_args.push_back(CoreTerm::make_variable(parameter.name.text, parameter.span));
    }
    std::map<std::string, CoreTerm> aliases;
    for (const grammar::SelectItem& item : query.select) {
      CoreTerm term = builder.build_term(item.value);
      const auto* variable = item.value.as<grammar::Variable>();
      made.column_names.push_back(item.alias ? item.alias->text
                                  : variable != nullptr
                                      ? variable->name
                                      : "column" + std::to_string(made.column_names.size() + 1));
      if (item.alias) aliases[item.alias->text] = term;
      clause.head_args.push_back(std::move(term));
    }
    const std::size_t visible = clause.head_args.size();
    for (const grammar::OrderItem& item : query.order_by) {
      const auto* variable = item.value.as<grammar::Variable>();
      const auto alias = variable == nullptr ? aliases.end() : aliases.find(variable->name);
      clause.head_args.push_back(alias == aliases.end() ? builder.build_term(item.value)
                                                        : alias->second);
    }
    if (query.limit) clause.head_args.push_back(builder.build_term(*query.limit));
    for (CoreCondition& brought : builder.pending()) clause.body.push_back(std::move(brought));

    Relation relation;
    relation.name = "_query." + query.name.text;
    relation.auxiliary = true;
    relation.span = query.name.span;
    RelationInfo info;
    info.has_rules = true;
    clause.head = environment_.add_relation(std::move(relation), std::move(info));
    clause.rule_name = query.name.text;

    std::vector<CoreClause> expanded = expand_inline({clause}, environment_);
    if (expanded.size() != 1) {
      diagnostics_.error(
          span, "query '" + query.name.text +
                    "' uses an inline relation of several clauses, which is not supported yet");
      return;
    }
    clause = std::move(expanded.front());
    fold_records(clause.body, clause.head_args);
    const bool bound = assign_variables(clause, scope, diagnostics_);
    const auto types = infer_types(clause, environment_, parameters);
    if (!bound || !types || diagnostics_.error_count() != errors_at_start_) return;
    made.rule = emit_rule(clause, *types, environment_, parameters);
    made.parameters.assign(
        made.rule.variables.begin(),
        made.rule.variables.begin() + static_cast<std::ptrdiff_t>(parameters.size()));
    std::vector<Expression>& terms = made.rule.head.terms;
    std::size_t at = visible;
    for (const grammar::OrderItem& item : query.order_by)
      made.order.push_back({std::move(terms[at++]), item.descending, false});
    if (query.limit) made.limit = std::move(terms[at]);
    terms.resize(visible);
    std::vector<Column>& columns = environment_.program.relation(clause.head).columns;
    for (std::size_t i = 0; i < visible; ++i) {
      const std::string name =
          i < parameters.size() ? scope.parameters[i] : made.column_names[i - parameters.size()];
      columns.push_back({name, terms[i].type, terms[i].nullable, terms[i].span});
      environment_.info(clause.head).column_types.push_back(kNoSourceType);
    }
    environment_.program.queries.push_back(std::move(made));
  }

  Environment environment_;
  grammar::Diagnostics& diagnostics_;
  FactWriter facts_;
  std::size_t errors_at_start_ = 0;
  bool declarations_are_sound_ = true;
  std::vector<CoreClause> clauses_;
  std::vector<std::pair<const grammar::Query*, grammar::SourceSpan>> queries_;
  std::vector<const Item*> denials_;
  std::size_t denial_count_ = 0;
  std::set<std::string> rule_names_;
};

}  // namespace

std::optional<RuleProgram> lower(const grammar::Program& program, const LowerOptions& options,
                                 grammar::Diagnostics& diagnostics) {
  return Lowering(options, diagnostics).run(program);
}

}  // namespace entail::datalog
