// grammar/internal/tree_builder.h - ANTLR's parse tree of one item -> nodes of syntax_tree.h.
//
// The grammar is flat and permissive where that makes it LL(1); what it leaves open is decided
// here:
//   - operators: precedences and associativity of Souffle (precedence climbing over the flat list);
//   - a condition that begins with an expression: an atom, a comparison, a test, …; an expression
//   alone is an error;
//   - words from short lists (relation tags, policies) and their misspellings.
// Four files: build_expression.cc, build_condition.cc, build_declaration.cc (names, declarations),
// build_production.cc (rules, queries, views, tables, functions, tests).
//
// A mistake is reported and some node built in its place; the caller drops an item during which an
// error was reported.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "DatalogParser.h"
#include "grammar/diagnostics.h"
#include "grammar/internal/antlr_tokens.h"
#include "grammar/internal/item_splitter.h"
#include "grammar/internal/scanner.h"
#include "grammar/syntax_tree.h"

namespace entail::grammar::internal {

inline const ScannedToken& scanned(antlr4::Token* token) {
  return static_cast<AntlrToken<ScannedToken>*>(token)->scanned();
}

class TreeBuilder {
 public:
  TreeBuilder(const Scanner& scanner, const SourceFiles& files, Diagnostics& diagnostics)
      : scanner_(scanner), files_(files), diagnostics_(diagnostics) {}

  // The item that `context`, the result of the parser's rule for `kind`, says. A component comes
  // without its items.
  Item build(ItemKind kind, antlr4::ParserRuleContext* context,
             std::vector<Annotation> annotations);

  // The literal that a token of a literal's type says.
  Literal literal(const ScannedToken& token);

  Annotation annotation(const ScannedToken& token);

 private:
  using P = antlr::DatalogParser;
  using Terminal = antlr4::tree::TerminalNode;

  // Names and places.
  static const ScannedToken& token(Terminal* node) { return scanned(node->getSymbol()); }
  std::string_view spelled(Terminal* node) const { return scanner_.text_of(token(node)); }
  NodeSpan span(Terminal* node) const { return scanner_.span(token(node)); }
  NodeSpan span(antlr4::ParserRuleContext* context) const;
  std::string word(Terminal* node) const;
  std::string string(Terminal* node);
  Name name(Terminal* node) const { return {word(node), span(node)}; }
  Name name(P::NameContext* context) const;
  std::vector<Name> names(const std::vector<Terminal*>& nodes) const;
  void error(const NodeSpan& where, std::string message, std::string hint = {});
  // Says that `node` is none of `known`.
  void unknown_word(Terminal* node, const std::string& what, const std::vector<std::string>& known);

  // Expressions (build_expression.cc).
  Expr expr(P::ExprContext* context);
  std::vector<Expr> exprs(const std::vector<P::ExprContext*>& contexts);
  std::vector<Expr> args(P::ArgsContext* context);
  Expr climb(const std::vector<P::OperandContext*>& operands,
             const std::vector<P::BinaryOpContext*>& operators, std::size_t& next,
             int precedence_min);
  Expr operand(P::OperandContext* context, const std::vector<P::OperandContext*>& operands,
               const std::vector<P::BinaryOpContext*>& operators, std::size_t& next);
  Expr primary(P::PrimaryContext* context);
  Expr bracketed(P::PrimaryContext* context);
  Expr at_call(P::PrimaryContext* context);
  Expr named(P::PrimaryContext* context);
  Aggregate aggregate(std::string function, const NodeSpan& where, P::AggregateBodyContext* body);
  Expr moment(P::MomentContext* context);
  Expr literal_expr(Terminal* node);

  // Conditions (build_condition.cc).
  Formula body(P::BodyContext* context);
  Formula conjunction(P::ConjunctionContext* context);
  Formula conjunction_of(const std::vector<P::TermContext*>& terms, const NodeSpan& where);
  Formula term(P::TermContext* context);
  Formula from_expression(P::TermContext* context);
  Formula atom_term(P::ExprContext* context, P::TermTailContext* tail);
  Atom atom(P::HeadContext* context);
  // The atom that an expression is, when it is `R(…)` or `R{…}` and nothing else.
  P::PrimaryContext* sole_primary(P::ExprContext* context) const;
  std::vector<FieldPattern> fields(P::FieldsContext* context);
  Window window(P::WindowContext* context);
  std::vector<Expr> keys(P::KeysContext* context);
  Sequence sequence(P::TermContext* context);
  SequencePattern steps(P::StepsContext* context);
  SequenceStep step(P::StepContext* context);
  std::vector<NamedExpr> results(const std::vector<P::ResultContext*>& contexts);
  CompareOp compare_op(P::CompareOpContext* context) const;
  FieldOp field_op(P::FieldOpContext* context) const;

  // Items (build_declaration.cc, build_production.cc).
  Item::Node clause(P::ClauseItemContext* context);
  Item::Node decl(P::DeclItemContext* context);
  Item::Node type_decl(P::TypeDeclItemContext* context);
  Item::Node lattice(P::LatticeItemContext* context);
  Item::Node directive(P::DirectiveItemContext* context);
  Item::Node functor(P::FunctorItemContext* context);
  Item::Node pragma(P::PragmaItemContext* context);
  Item::Node component(P::ComponentHeadContext* context);
  Item::Node import(P::ImportItemContext* context);
  Item::Node type_alias(P::TypeAliasItemContext* context);
  Item::Node relation(P::RelationItemContext* context);
  Item::Node rule(P::RuleItemContext* context);
  Item::Node query(P::QueryItemContext* context);
  Item::Node view(P::ViewItemContext* context);
  Item::Node table(P::TableItemContext* context);
  Item::Node function(P::FunctionItemContext* context);
  Item::Node test(P::TestItemContext* context);
  void relation_option(P::RelationOptionContext* option, RelationDecl& decl);
  void rule_option(P::RuleOptionContext* option, RuleDecl& rule);
  Name rule_name(P::RuleNameContext* context);
  Block block(const std::vector<P::ActionContext*>& actions);
  Action action(P::ActionContext* context);
  std::vector<Assignment> assignments(P::AssignmentsContext* context);
  TestStep given(P::GivenContext* context);
  TestStep expected(P::ExpectedContext* context);
  std::vector<PlanOrder> plan(P::PlanContext* context);
  std::vector<Column> columns(P::ColumnsContext* context);
  Column column(P::ColumnContext* context);
  TypeExpr type_expr(P::TypeExprContext* context, bool* lattice);
  TypeExpr named_type(P::NameContext* context) const;
  ComponentType component_type(P::ComponentTypeContext* context) const;
  std::vector<Property> properties(P::PropertiesContext* context);
  Endpoint endpoint(P::EndpointContext* context);

  const Scanner& scanner_;
  const SourceFiles& files_;
  Diagnostics& diagnostics_;
  bool souffle_item_ = true;  // In Souffle's declarations `T?` is a name; in ours a nullable T.
  std::vector<Annotation> annotations_;  // Of the item being built.
};

}  // namespace entail::grammar::internal
