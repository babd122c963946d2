// datalog/internal/build.h - clauses of the syntax tree -> core clauses.
//
//     a(x), b(y) :- c(x, y), (d(x) ; !e(y)).      four core clauses: heads times alternatives
//
// Negation moves inwards as far as it can: `!(a ; b)` is `!a, !b`, `!(x < y)` is `x >= y`; the negation of
// a conjunction with an atom stays, as a kAbsent with a body.
//
// Limit: kAlternativesMax alternatives of one clause.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "datalog/internal/environment.h"
#include "grammar/syntax_tree.h"

namespace entail::datalog {

inline constexpr std::size_t kAlternativesMax = 1024;

class ClauseBuilder {
 public:
  explicit ClauseBuilder(Environment& environment) : environment_(environment) {}

  // The core clauses of one clause: one for each head and alternative.
  std::vector<CoreClause> build(const grammar::Clause& clause, grammar::SourceSpan span);
  // One head with a body from elsewhere: `then derive head`.
  std::vector<CoreClause> build(const std::vector<const grammar::Atom*>& heads,
                                const grammar::Formula* body, grammar::SourceSpan span);
  // The conditions and actions of a rule, once for each alternative; what it derives is not among them.
  std::vector<CoreClause> build_production(const grammar::RuleDecl& rule,
                                           const grammar::Formula& when, grammar::SourceSpan span);
  // Bodies alone, one for each alternative. For queries.
  std::vector<CoreBody> build_bodies(const grammar::Formula& formula);
  // A term outside of any body, its aggregates included.
  CoreTerm build_term(const grammar::Expr& expr) { return term(expr); }
  // The value of a column, where `null` may be written.
  CoreTerm build_column_value(const grammar::Expr& expr, RelationId id, std::size_t column) {
    return column_term(expr, id, column);
  }
  // A term whose variables are all among `arguments`: a result of a decision table.
  CoreTerm build_term(const grammar::Expr& expr, std::map<std::string, CoreTerm> arguments);
  CoreBody& pending() { return pending_; }

 private:
  struct Piece {
    const grammar::Formula* formula = nullptr;
    bool negated = false;
    std::vector<Piece> inner;  // `exists` with one of its alternatives.
    bool is_exists = false;
  };
  using Alternative = std::vector<Piece>;

  std::vector<Alternative> alternatives(const grammar::Formula& formula, bool negated);
  std::vector<Alternative> product(std::vector<std::vector<Alternative>> factors,
                                   grammar::SourceSpan span);

  CoreBody body(const Alternative& alternative);
  void add(const Piece& piece, CoreBody& out);
  void add_negation(const grammar::Formula& formula, grammar::SourceSpan span, CoreBody& out);
  void add_group(const grammar::Group& group, grammar::SourceSpan span, CoreBody& out);
  void add_sequence(const grammar::Sequence& sequence, grammar::SourceSpan span, CoreBody& out);
  void add_steps(const grammar::Sequence& sequence, const grammar::SequencePattern& pattern,
                 std::uint32_t& number, CoreBody& out);
  void add_membership(const grammar::Expr& value, const grammar::Expr& collection,
                      grammar::SourceSpan span, CoreBody& out);
  bool add_table_call(const grammar::Comparison& comparison, grammar::SourceSpan span,
                      CoreBody& out);
  std::optional<CoreCondition> atom(const grammar::Atom& atom, CoreBody& extra);
  std::optional<CoreCondition> boolean(const grammar::Formula& formula);
  bool is_plain_expression(const grammar::Formula& formula) const;
  CoreCondition compare(grammar::CompareOp op, CoreTerm left, CoreTerm right,
                        grammar::SourceSpan span);

  bool head(const grammar::Atom& atom, CoreClause& clause);
  // What an atom of a head or an action gives for each column of the relation; nothing after a mistake.
  std::optional<std::vector<std::optional<CoreTerm>>> given_columns(const grammar::Atom& atom,
                                                                    RelationId id, bool is_head);
  // The value for a column that is not written: its default, or null.
  std::optional<CoreTerm> default_value(const grammar::Atom& atom, RelationId id,
                                        std::size_t column);
  CoreTerm column_term(const grammar::Expr& expr, RelationId id, std::size_t column);
  std::optional<std::uint32_t> event_time(RelationId id, grammar::SourceSpan span);
  void add_window(const grammar::Window& window, CoreCondition& condition);
  void add_reference(const grammar::Expr& before, CoreCondition& condition);
  void add_field(const grammar::FieldPattern& field, CoreTerm& column, CoreBody& extra);
  CoreTerm head_term(const grammar::Expr& expr, RelationId relation, std::uint32_t column);
  void name_rows(const Alternative& alternative);
  void name_rows(const grammar::SequencePattern& pattern);
  void resolve_rows(CoreBody& out, std::vector<CoreTerm>& heads);

  CoreCondition actions(const grammar::Block& block);
  void action(const grammar::Action& action, CoreBody& out);
  bool change(ChangeKind kind, const grammar::Atom& atom, CoreCondition& made);
  bool change_row(ChangeKind kind, const grammar::Name& row, CoreCondition& made);
  bool modify(const grammar::ModifyAction& action, CoreCondition& made);
  bool branch(const grammar::IfAction& action, CoreCondition& made);
  void for_each(const grammar::ForAction& action, grammar::SourceSpan span, CoreBody& out);
  CoreCondition inner_actions(const grammar::Block& block);
  void refuse_readings(CoreCondition& made);

  CoreTerm term(const grammar::Expr& expr);
  CoreTerm call(const grammar::Call& call, grammar::SourceSpan span);
  CoreTerm inlined(FunctionInfo& function, const grammar::Call& call, grammar::SourceSpan span);
  CoreTerm aggregate(const grammar::Aggregate& aggregate, grammar::SourceSpan span);
  CoreTerm path(const grammar::Path& path, grammar::SourceSpan span);
  CoreTerm literal(grammar::LiteralKind kind, std::string text, grammar::SourceSpan span);

  const Relation* find_relation(const grammar::Name& name, RelationId& id);
  void unsupported(grammar::SourceSpan span, const std::string& what);

  Environment& environment_;
  std::vector<std::map<std::string, CoreTerm>> arguments_;  // Of the functions being inlined.
  std::map<std::string, RelationId> rows_;                  // `as r` of the clause being built.
  bool in_group_ = false;
  bool is_outermost_ = true;  // Actions are built that stand in no block.
  CoreBody pending_;  // Conditions that a term brought along: they join the body it stands in.
};

// The aggregate that a name means; count has no target.
std::optional<AggregateOp> aggregate_named(const std::string& name);

}  // namespace entail::datalog
