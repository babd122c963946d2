// datalog/internal/core.h - core clauses: what lies between the syntax tree and the rule program.
//
// A core clause is one rule with one head and no alternatives. Its atoms are positional and name their
// relation by id; functions and decision tables are gone; terms are still nested (`R(x + 1, [a, _])`),
// variables are names first and get numbers from assign_variables() (scopes.h). Typing (inference.h) and
// emission (emit.h) work on it.
//
// Everything is a plain value: inlining copies clauses and renames their variables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "datalog/expression.h"
#include "datalog/internal/functors.h"
#include "datalog/internal/source_types.h"
#include "datalog/rule_program.h"
#include "grammar/syntax_tree.h"

namespace entail::datalog {

inline constexpr std::uint32_t kNoVariable = 0xffffffffU;

struct CoreAggregate;
struct CoreCondition;
using CoreBody = std::vector<CoreCondition>;

enum class TermKind : std::uint8_t {
  kVariable,  // `name`, `variable`
  kWildcard,
  kLiteral,    // `literal`, `text`
  kCounter,    // autoinc()
  kCall,       // `functor`, `args`; `name` is how it was spelled
  kRecord,     // [args]; for an array column, a list
  kVariant,    // $name(args)
  kCast,       // as(args[0], type)
  kTyped,      // args[0], which has to be of `type`: an argument or result of a function
  kAggregate,  // `aggregate`
  kIf,         // `condition`, args[0], args[1]
};

struct CoreTerm {
  TermKind kind = TermKind::kWildcard;
  grammar::SourceSpan span = {};
  std::string name = {};
  std::uint32_t variable = kNoVariable;
  grammar::LiteralKind literal = grammar::LiteralKind::kNumber;
  std::string text = {};
  Functor functor = Functor::kNone;
  std::vector<CoreTerm> args = {};
  grammar::Maybe<CoreAggregate> aggregate = {};
  std::vector<CoreCondition> condition;
  SourceTypeId type = kNoSourceType;  // kCast, kTyped.
  std::optional<vm::Type> exact =
      {};  // kTyped: the declared values, where `type` has several forms (decimals).
  std::uint32_t slot = 0;  // Of the type, while inferring.

  static CoreTerm make_variable(std::string name, grammar::SourceSpan span);
};

enum class ConditionKind : std::uint8_t {
  kAtom,  // `relation`, `args`, `row`; with `window`, `keys` are its sizes, or what it is before
  kUnknown,  // An atom that was refused: its `args` count as bound, so that one mistake is reported once.
  kAbsent,    // `body`; `plain`: the negation of one atom as Souffle has it
  kExists,    // `body`
  kCompare,   // `compare`, args[0], args[1]
  kTest,      // args[0] is a bool
  kConstant,  // `value`
  kNullTest,  // args[0] is (not) null: `value` is true for "is null"
  kInList,    // args[0] is one of args[1…]
  kInRange,   // args[0] between args[1] and args[2]
  kInArray,   // args[0] is an element of args[1]
  kAnd,
  kOr,
  kNot,    // Of `body`: only conditions that are plain expressions.
  kGroup,  // `keys` (outer variables) are `args` (terms of `body`); `results`
  // Actions. A block is a scope of its own; its names are bound by what stands around it, and by `let`.
  kActions,  // `body`: the statements in order; args[0] of the outermost may be the salience.
  kChange,   // `change` of `relation`; `args`: a column each, a wildcard where none is given; `row`
  kLet,      // args[0] (a variable) is args[1]
  kBranch,   // `body`: a kExists, then the kActions of `then`, then those of `else`
  kForEach,  // `body`: conditions, last a kActions
  kSchedule,  // after args[0], `body`: a kActions
  kLog,       // `args`
  kFocus,     // `relation_name` is the group
  kHalt,
};

struct CoreGroupResult {
  CoreTerm variable;
  AggregateOp op = AggregateOp::kCount;
  std::vector<CoreTerm> target;  // None or one.
  grammar::SourceSpan span = {};
};

struct CoreCondition {
  ConditionKind kind = ConditionKind::kConstant;
  grammar::SourceSpan span = {};
  RelationId relation{};
  std::string relation_name = {};  // As spelled.
  std::vector<CoreTerm> args = {};
  std::string row = {};  // `as r`, or empty. kChange: the row that is modified or deleted.
  ChangeKind change = ChangeKind::kInsert;
  std::optional<WindowKind> window = {};
  bool plain = false;
  grammar::CompareOp compare = grammar::CompareOp::kEqual;
  bool value = true;
  bool low_included = true, high_included = true;
  CoreBody body = {};
  std::vector<CoreTerm> keys = {};
  std::vector<CoreGroupResult> results = {};
  bool generated = false;  // Made by lowering: Souffle's rules on style do not apply.
  // Of a step of a sequence: which one, in the order of the text. An absence is a kAbsent, the others stand as
  // atoms and what goes with them. `keys` of the first condition of a step are its `within`, and behind that of
  // the first step the sequence's.
  const grammar::Sequence* sequence = nullptr;
  std::uint32_t step = 0;
};

struct CoreAggregate {
  AggregateOp op = AggregateOp::kCount;
  std::vector<CoreTerm> target;  // None for count, else one.
  CoreBody body;
};

struct CoreVariable {
  std::string name;
  grammar::SourceSpan span = {};
};

struct CoreClause {
  RelationId head{};
  std::vector<CoreTerm> head_args;
  grammar::SourceSpan head_span = {};
  CoreBody body;
  bool is_fact = false;  // No body was written.
  // `when … then …`: no head; the body ends with the kActions.
  bool is_production = false;
  const grammar::RuleDecl* declaration = nullptr;  // Of a production.
  std::vector<CoreVariable> variables;
  std::vector<bool> grounded;  // By variable, after assign_variables().
  std::optional<PlanHint> plan;
  std::string rule_name;  // Where the author gave one.
  bool broken = false;    // Building it reported an error: it is checked, not emitted.
  grammar::SourceSpan span = {};
};

// Calls visit(term) for every term of the body, outer before inner, aggregates' bodies included when
// `inside_aggregates`.
template <typename Visit>
void visit_terms(std::vector<CoreTerm>& terms, bool inside_aggregates, const Visit& visit);
template <typename Visit>
void visit_terms(CoreBody& body, bool inside_aggregates, const Visit& visit);

template <typename Visit>
void visit_term(CoreTerm& term, bool inside_aggregates, const Visit& visit) {
  visit(term);
  visit_terms(term.args, inside_aggregates, visit);
  visit_terms(term.condition, inside_aggregates, visit);
  if (term.aggregate && inside_aggregates) {
    visit_terms((*term.aggregate).target, inside_aggregates, visit);
    visit_terms((*term.aggregate).body, inside_aggregates, visit);
  }
}

template <typename Visit>
void visit_terms(std::vector<CoreTerm>& terms, bool inside_aggregates, const Visit& visit) {
  for (CoreTerm& term : terms) visit_term(term, inside_aggregates, visit);
}

template <typename Visit>
void visit_terms(CoreBody& body, bool inside_aggregates, const Visit& visit) {
  for (CoreCondition& condition : body) {
    visit_terms(condition.args, inside_aggregates, visit);
    visit_terms(condition.keys, inside_aggregates, visit);
    for (CoreGroupResult& result : condition.results) {
      visit_term(result.variable, inside_aggregates, visit);
      visit_terms(result.target, inside_aggregates, visit);
    }
    visit_terms(condition.body, inside_aggregates, visit);
  }
}

// Calls visit(condition) for every condition, those inside aggregates and negations included.
template <typename Visit>
void visit_conditions(CoreBody& body, const Visit& visit);

template <typename Visit>
void visit_conditions(std::vector<CoreTerm>& terms, const Visit& visit) {
  for (CoreTerm& term : terms) {
    visit_conditions(term.args, visit);
    visit_conditions(term.condition, visit);
    if (term.aggregate) {
      visit_conditions((*term.aggregate).target, visit);
      visit_conditions((*term.aggregate).body, visit);
    }
  }
}

template <typename Visit>
void visit_conditions(CoreBody& body, const Visit& visit) {
  for (CoreCondition& condition : body) {
    visit(condition);
    visit_conditions(condition.args, visit);
    visit_conditions(condition.keys, visit);
    for (CoreGroupResult& result : condition.results) visit_conditions(result.target, visit);
    visit_conditions(condition.body, visit);
  }
}

inline CoreTerm CoreTerm::make_variable(std::string name, grammar::SourceSpan span) {
  CoreTerm term;
  term.kind = TermKind::kVariable;
  term.name = std::move(name);
  term.span = span;
  return term;
}

}  // namespace entail::datalog
