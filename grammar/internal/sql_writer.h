// grammar/internal/sql_writer.h - prints the nodes of SQL trees, one function for each.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/sql_tree.h"

namespace entail::grammar::internal {

class SqlWriter {
 public:
  std::string take() { return std::move(out_); }

  void expression(const sql::Expression& expression);
  void query(const sql::Query& query);
  void statement(const sql::Statement& statement);
  void type(const sql::TypeName& type);
  void name(const sql::QualifiedName& name);

 private:
  void text(std::string_view written) { out_ += written; }
  // A word, with a blank before it unless a bracket or nothing stands there.
  void word(std::string_view written);
  void identifier(const sql::Identifier& name);
  void word_identifier(const sql::Identifier& name);
  void string(std::string_view contents);
  void op(const sql::OperatorName& name);

  template <typename List, typename Each>
  void list(const List& items, Each each, std::string_view separator = ", ") {
    bool more = false;
    for (const auto& item : items) {
      if (more) text(separator);
      more = true;
      each(item);
    }
  }
  void expressions(const std::vector<sql::Expression>& items) {
    list(items, [&](const sql::Expression& item) { expression(item); });
  }
  void identifiers(const std::vector<sql::Identifier>& items) {
    list(items, [&](const sql::Identifier& item) { identifier(item); });
  }
  void names(const std::vector<sql::QualifiedName>& items) {
    list(items, [&](const sql::QualifiedName& item) { name(item); });
  }
  // " (a, b)", or nothing.
  void column_list(const std::vector<sql::Identifier>& columns);
  // The expression, in brackets unless it can stand beside any operator.
  void operand(const sql::Expression& expression);
  void left_operand(const sql::Expression& expression, int precedence);
  void sort_items(const std::vector<sql::SortItem>& items);
  void sort_order(sql::SortDirection direction, sql::NullsOrder nulls);
  void window(const sql::Window& window);
  void frame(const sql::Frame& frame);
  void frame_bound(const sql::FrameBound& bound);
  void subscript(const sql::SubscriptPart& part);
  void call(const sql::FunctionCall& call);
  void case_of(const sql::Case& node);
  void value_function(const sql::ValueFunction& node);
  void quantified(const sql::Quantified& node);

  void with(const sql::With& with);
  void body(const sql::Query& query);
  void set_operand(const sql::Query& query);
  void select(const sql::Select& select);
  void values(const sql::Values& values);
  void select_items(const std::vector<sql::SelectItem>& items);
  void grouping(const sql::GroupingItem& item);
  void table_item(const sql::TableItem& item);
  void table_name(const sql::TableName& table);
  void table_function(const sql::TableFunction& function);
  void join(const sql::Join& join);
  void alias(const sql::Alias& alias);
  void definitions(const std::vector<sql::ColumnDefinition>& columns);

  void insert(const sql::Insert& node);
  void update(const sql::Update& node);
  void remove(const sql::Delete& node);
  void merge(const sql::Merge& node);
  void copy(const sql::Copy& node);
  void target(const sql::AssignmentTarget& target);
  void targets(const std::vector<sql::AssignmentTarget>& targets);
  void assignments(const std::vector<sql::Assignment>& assignments);
  void overriding(sql::Overriding overriding);
  void index_elements(const std::vector<sql::IndexElement>& elements);
  void where(const Maybe<sql::Expression>& condition);
  void returning(const std::vector<sql::SelectItem>& items);
  void relation(const sql::QualifiedName& table, bool only);
  void behavior(sql::DropBehavior behavior);
  void options(const std::vector<sql::Option>& options);
  void option_list(const std::vector<sql::Option>& options, std::string_view before);
  void role_options(const std::vector<sql::Option>& options);
  void sequence_options(const std::vector<sql::Option>& options);

  void create_table(const sql::CreateTable& node);
  void create_table_as(const sql::CreateTableAs& node);
  void persistence(bool temporary, bool unlogged);
  void on_commit(sql::OnCommit action);
  void column(const sql::ColumnDeclaration& column);
  void constraint(const sql::Constraint& constraint);
  void deferral(const sql::Deferral& deferral);
  void reference(const sql::Reference& reference);
  void create_index(const sql::CreateIndex& node);
  void create_view(const sql::CreateView& node);
  void create_materialized_view(const sql::CreateMaterializedView& node);
  void alter(const sql::Alter& node);
  void alter_action(const sql::AlterAction& action);
  bool definition(const sql::Statement& statement);
  void session(const sql::Statement& statement);
  void modes(const sql::TransactionModes& modes);
  void fetch(const sql::Fetch& node);
  void subscribe(const sql::Subscribe& node);

  std::string out_;
};

}  // namespace entail::grammar::internal
