// grammar/internal/sql_builder.h - from ANTLR's contexts to the tree of one SQL statement.
//
// The contexts say which tokens belong together; what the tokens say is read from the scanner's.
// Expressions come as flat lists of operands and operators, which expression() arranges by
// PostgreSQL's precedences with a stack of its own, so that long chains need none of ours.
//
// Errors are thrown as BuildFailure and caught where the builder is called (sql_parser.cc).

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "SqlParser.h"
#include "grammar/internal/sql_scanner.h"
#include "grammar/sql_tree.h"

namespace entail::grammar::internal {

struct BuildFailure {
  Error error;
};

class SqlBuilder {
 public:
  using P = antlr_sql::SqlParser;

  // `tokens` are the statement's, with a token behind them for what follows; both are only lent.
  SqlBuilder(std::string_view text, std::span<const SqlToken> tokens)
      : text_(text), tokens_(tokens) {}

  sql::Statement statement(P::StatementBodyContext* context);
  sql::Expression expression(P::ExprContext* context);
  std::uint32_t parameter_count() const { return parameter_count_; }

 private:
  // An operand while an expression is arranged.
  struct Operand {
    sql::Expression expression;
    std::uint32_t depth = 1;
    bool bare = false;  // A name without brackets: a dot or a call may follow.
  };
  struct Operator;
  class Arrangement;

  // Tokens -------------------------------------------------------------------------------------
  static std::size_t first(const antlr4::ParserRuleContext* context) {
    return context->start->getTokenIndex();
  }
  static std::size_t last(const antlr4::ParserRuleContext* context) {
    // An empty context stops before it starts.
    return context->stop == nullptr ? first(context) : context->stop->getTokenIndex();
  }
  static std::size_t position(antlr4::tree::TerminalNode* node) {
    return node->getSymbol()->getTokenIndex();
  }
  std::size_t type_at(std::size_t i) const { return i < tokens_.size() ? tokens_[i].type : 0; }
  std::string_view written(std::size_t i) const { return tokens_[i].text(text_); }
  // Whether one of the tokens that stand in the context itself, not in a part of it, has the type.
  static bool has(antlr4::ParserRuleContext* context, std::size_t type) {
    return context->getToken(type, 0) != nullptr;
  }
  sql::Span span_of(const antlr4::ParserRuleContext* context) const {
    return {tokens_[first(context)].begin, tokens_[last(context)].end};
  }
  sql::Span span_of_token(std::size_t i) const { return {tokens_[i].begin, tokens_[i].end}; }
  // What is written from token `begin` to before token `end`.
  std::string written_between(std::size_t begin, std::size_t end) const;
  // The words of the context, folded, one blank between two.
  std::string words(antlr4::ParserRuleContext* context) const;
  [[noreturn]] void fail_at(std::size_t i) const;  // syntax error at or near
  [[noreturn]] void fail(std::size_t i, std::string message, std::string sqlstate = "42601") const;

  // Names, literals, types ---------------------------------------------------------------------
  sql::Identifier identifier_at(std::size_t i) const;
  sql::Identifier identifier(const antlr4::ParserRuleContext* word) const {
    return identifier_at(first(word));
  }
  std::vector<sql::Identifier> columns(P::ColumnListContext* list) const;
  // Words with dots between them.
  sql::QualifiedName dotted(const antlr4::ParserRuleContext* context) const {
    return dotted(first(context), last(context));
  }
  sql::QualifiedName dotted(std::size_t begin, std::size_t last) const;
  std::string string_at(std::size_t i) const;
  std::string string_of(P::StringContext* context) const { return string_at(first(context)); }
  std::int64_t integer(P::SignedNumberContext* number) const;
  sql::TypeName type_name(P::TypeNameContext* context);
  sql::TypeName keyword_type(P::KeywordTypeContext* context) const;
  void add_modifiers(sql::TypeName& type, P::ModifiersContext* modifiers) const;
  void add_interval_fields(sql::TypeName& type, P::IntervalFieldsContext* fields) const;
  sql::OperatorName operator_between(std::size_t begin, std::size_t last) const;
  sql::FunctionCall plain_call(std::string_view name, std::size_t at) const;
  std::vector<sql::Option> options(P::OptionListContext* list) const;
  sql::Option option(P::OptionContext* context) const;
  static sql::DropBehavior behavior(P::BehaviorContext* context);

  // Expressions --------------------------------------------------------------------------------
  std::vector<sql::Expression> expressions(P::ExprListContext* list);
  std::vector<sql::Expression> expressions(const std::vector<P::ExprContext*>& list);
  Maybe<sql::Expression> maybe_expression(P::ExprContext* context);
  Maybe<sql::Expression> where(P::WhereClauseContext* context);
  Operand primary(P::PrimaryContext* context);
  sql::Expression bracketed(P::PrimaryContext* context);
  sql::ExpressionNode case_of(P::PrimaryContext* context);
  sql::ExpressionNode array_of(P::ArrayBodyContext* context);
  sql::ExpressionNode special_call(P::SpecialCallContext* context);
  void call_suffix(sql::FunctionCall& call, P::CallSuffixContext* context);
  sql::Window window(P::WindowSpecContext* context);
  sql::Frame frame(P::FrameContext* context);
  sql::FrameBound frame_bound(P::FrameBoundContext* context);
  std::vector<sql::SortItem> order_by(P::OrderByContext* context);
  static sql::NullsOrder nulls_order(P::NullsOrderContext* context);
  // [i], [low:high], of an expression or of an assigned column.
  sql::SubscriptPart subscript(antlr4::ParserRuleContext* context);

  // Queries ------------------------------------------------------------------------------------
  sql::Query query(P::QueryContext* context);
  sql::Query query_tail(P::QueryTailContext* context, P::WithClauseContext* with);
  sql::Query set_operand(P::SetOperandContext* context);
  void query_limit(sql::Query& query, P::QueryLimitContext* context);
  sql::Select select(P::SelectCoreContext* context);
  sql::Values values(P::ValuesClauseContext* context);
  Maybe<sql::With> with(P::WithClauseContext* context);
  std::vector<sql::SelectItem> select_items(P::SelectListContext* context);
  sql::GroupingItem grouping_item(P::GroupingItemContext* context);
  sql::TableItem table_ref(P::TableRefContext* context);
  std::vector<sql::TableItem> table_refs(const std::vector<P::TableRefContext*>& list);
  sql::TableItem table_primary(P::TablePrimaryContext* context);
  sql::TableFunctionPart table_function(P::TableFunctionContext* context);
  sql::Alias alias(P::TableAliasContext* context);
  void alias_columns(const std::vector<P::AliasColumnContext*>& list, sql::Alias& to);
  sql::TimeTravel time_travel(P::TimeTravelContext* context);
  sql::TableSample sample(P::SampleContext* context);

  // Statements ---------------------------------------------------------------------------------
  template <typename Node>
  sql::Statement made(antlr4::ParserRuleContext* context, Node node) const {
    return sql::Statement{.node = std::move(node), .span = span_of(context)};
  }
  sql::Statement row_statement(antlr4::ParserRuleContext* whole, P::WithClauseContext* with,
                               P::InsertStatementContext* insert, P::UpdateStatementContext* update,
                               P::DeleteStatementContext* remove, P::MergeStatementContext* merge,
                               P::QueryTailContext* tail);
  sql::Statement preparable(P::PreparableContext* context);
  sql::Statement change(P::ChangeContext* context);
  sql::Insert insert(P::InsertStatementContext* context);
  sql::OnConflict on_conflict(P::OnConflictContext* context);
  sql::Update update(P::UpdateStatementContext* context);
  sql::Delete remove(P::DeleteStatementContext* context);
  sql::Merge merge(P::MergeStatementContext* context);
  sql::MergeBranch merge_branch(P::MergeBranchContext* context);
  sql::Truncate truncate(P::TruncateStatementContext* context);
  sql::Copy copy(P::CopyStatementContext* context);
  sql::Option copy_option(P::CopyOptionContext* context) const;
  sql::AssignmentTarget target(P::TargetContext* context);
  std::vector<sql::AssignmentTarget> targets(const std::vector<P::TargetContext*>& list);
  std::vector<sql::Assignment> assignments(const std::vector<P::AssignmentContext*>& list);
  sql::IndexElement index_element(P::IndexElementContext* context);
  std::vector<sql::SelectItem> returning(P::ReturningContext* context);
  sql::QualifiedName relation(P::RelationContext* context, bool& only) const;
  static sql::Overriding overriding(P::OverridingContext* context);

  sql::Statement create(P::CreateStatementContext* context);
  sql::StatementNode create_table(P::CreateTableContext* context, bool temporary, bool unlogged);
  sql::CreateView create_view(P::CreateViewContext* context);
  sql::CreateMaterializedView create_materialized_view(P::CreateMaterializedViewContext* context);
  sql::CreateIndex create_index(P::CreateIndexContext* context);
  sql::CreateSchema create_schema(P::CreateSchemaContext* context);
  sql::StatementNode create_type(P::CreateTypeContext* context);
  sql::CreateDomain create_domain(P::CreateDomainContext* context);
  std::vector<sql::Option> role_options(const std::vector<P::RoleOptionContext*>& list) const;
  std::vector<sql::Option> sequence_options(
      const std::vector<P::SequenceOptionContext*>& list) const;
  sql::ColumnDeclaration column_declaration(P::ColumnDefinitionContext* context, bool typed);
  std::vector<sql::Constraint> column_constraints(
      const std::vector<P::ColumnConstraintContext*>& list);
  sql::Constraint table_constraint(P::TableConstraintContext* context);
  void add_deferral(sql::Deferral& to, P::DeferralContext* context) const;
  sql::Reference reference(P::ReferenceContext* context) const;
  sql::StatementNode alter(P::AlterStatementContext* context);
  sql::AlterAction alter_action(P::AlterActionContext* context);
  void alter_column(sql::AlterAction& action, P::AlterColumnContext* context);
  sql::Drop drop(P::DropStatementContext* context) const;
  sql::Comment comment(P::CommentStatementContext* context) const;

  sql::TransactionModes modes(P::TransactionModesContext* context) const;
  sql::StatementNode set(P::SetStatementContext* context) const;
  sql::StatementNode setting(P::SettingContext* context, bool local) const;
  sql::SettingValue setting_value(P::SettingValueContext* context) const;
  std::string show_target(P::ShowTargetContext* context) const;
  sql::Statement explainable(P::ExplainableContext* context);
  sql::Explain explain(P::ExplainStatementContext* context);
  sql::Prepare prepare(P::PrepareStatementContext* context);
  sql::Execute execute(P::ExecuteStatementContext* context);
  sql::DeclareCursor declare(P::DeclareStatementContext* context);
  sql::Fetch fetch(P::FetchStatementContext* context) const;
  sql::Maintenance maintenance(P::MaintenanceStatementContext* context) const;
  sql::Subscribe subscribe(P::SubscribeStatementContext* context);
  sql::StatementNode session_statement(P::StatementBodyContext* context);

  std::string_view text_;
  std::span<const SqlToken> tokens_;
  std::uint32_t parameter_count_ = 0;
  std::uint32_t deepest_ = 0;  // Of the expressions built since it was last set to 0.
};

}  // namespace entail::grammar::internal
