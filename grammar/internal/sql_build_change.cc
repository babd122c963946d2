// Statements that change rows: INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY.

#include <utility>

#include "grammar/internal/sql_builder.h"

namespace entail::grammar::internal {

namespace {

using P = antlr_sql::SqlParser;

}  // namespace

sql::Statement SqlBuilder::row_statement(antlr4::ParserRuleContext* whole,
                                         P::WithClauseContext* with_clause,
                                         P::InsertStatementContext* insert_context,
                                         P::UpdateStatementContext* update_context,
                                         P::DeleteStatementContext* delete_context,
                                         P::MergeStatementContext* merge_context,
                                         P::QueryTailContext* tail) {
  if (tail != nullptr) return made(whole, sql::SelectStatement{query_tail(tail, with_clause)});
  Maybe<sql::With> common = with(with_clause);
  const auto finish = [&](auto node) {
    node.with = std::move(common);
    return made(whole, std::move(node));
  };
  if (insert_context != nullptr) return finish(insert(insert_context));
  if (update_context != nullptr) return finish(update(update_context));
  if (delete_context != nullptr) return finish(remove(delete_context));
  return finish(merge(merge_context));
}

sql::Statement SqlBuilder::preparable(P::PreparableContext* context) {
  return row_statement(context, context->withClause(), context->insertStatement(),
                       context->updateStatement(), context->deleteStatement(),
                       context->mergeStatement(), context->queryTail());
}

sql::Statement SqlBuilder::change(P::ChangeContext* context) {
  return row_statement(context, context->withClause(), context->insertStatement(),
                       context->updateStatement(), context->deleteStatement(),
                       context->mergeStatement(), nullptr);
}

sql::QualifiedName SqlBuilder::relation(P::RelationContext* context, bool& only) const {
  only = context->K_ONLY() != nullptr;
  return dotted(context->qualifiedName());
}

sql::Overriding SqlBuilder::overriding(P::OverridingContext* context) {
  if (context == nullptr) return sql::Overriding::kNone;
  return has(context, P::K_USER) ? sql::Overriding::kUserValue : sql::Overriding::kSystemValue;
}

sql::AssignmentTarget SqlBuilder::target(P::TargetContext* context) {
  sql::AssignmentTarget made_target{.column = identifier(context->colId())};
  for (P::TargetPartContext* part : context->targetPart()) {
    if (part->colLabel() != nullptr) {
      made_target.fields.push_back(identifier(part->colLabel()));
    } else {
      made_target.subscripts.push_back(subscript(part));
    }
  }
  return made_target;
}

std::vector<sql::AssignmentTarget> SqlBuilder::targets(const std::vector<P::TargetContext*>& list) {
  std::vector<sql::AssignmentTarget> made_targets;
  for (P::TargetContext* context : list) made_targets.push_back(target(context));
  return made_targets;
}

std::vector<sql::Assignment> SqlBuilder::assignments(
    const std::vector<P::AssignmentContext*>& list) {
  std::vector<sql::Assignment> made_assignments;
  for (P::AssignmentContext* context : list) {
    sql::Assignment assignment{.targets = targets(context->target()),
                               .multiple = context->LPAREN() != nullptr,
                               .value = expression(context->expr())};
    assignment.span = span_of(context);
    made_assignments.push_back(std::move(assignment));
  }
  return made_assignments;
}

std::vector<sql::SelectItem> SqlBuilder::returning(P::ReturningContext* context) {
  return context == nullptr ? std::vector<sql::SelectItem>() : select_items(context->selectList());
}

sql::IndexElement SqlBuilder::index_element(P::IndexElementContext* context) {
  sql::IndexElement element{.expression = expression(context->expr()), .span = span_of(context)};
  // `a COLLATE "C"` stands for the column a, to be compared so.
  if (auto* collate = element.expression.as<sql::Collate>()) {
    element.collation = std::move(collate->collation);
    sql::Expression inner = std::move(*collate->operand);
    element.expression = std::move(inner);
  }
  if (context->optionList() != nullptr) {
    fail(first(context->optionList()), "operator class options are not supported", "0A000");
  }
  if (context->anyName() != nullptr) element.operator_class = dotted(context->anyName());
  if (context->K_ASC() != nullptr) element.direction = sql::SortDirection::kAscending;
  if (context->K_DESC() != nullptr) element.direction = sql::SortDirection::kDescending;
  element.nulls = nulls_order(context->nullsOrder());
  return element;
}

sql::OnConflict SqlBuilder::on_conflict(P::OnConflictContext* context) {
  sql::OnConflict made_conflict{.span = span_of(context)};
  for (P::IndexElementContext* element : context->indexElement()) {
    made_conflict.target.push_back(index_element(element));
  }
  const std::size_t action = position(context->K_DO());
  for (P::WhereClauseContext* clause : context->whereClause()) {
    (first(clause) < action ? made_conflict.target_where : made_conflict.where) = where(clause);
  }
  if (context->colId() != nullptr) made_conflict.constraint = identifier(context->colId());
  made_conflict.do_update = context->K_UPDATE() != nullptr;
  made_conflict.assignments = assignments(context->assignment());
  return made_conflict;
}

sql::Insert SqlBuilder::insert(P::InsertStatementContext* context) {
  sql::Insert made_insert;
  made_insert.table = dotted(context->qualifiedName());
  if (context->colId() != nullptr) made_insert.alias = identifier(context->colId());
  made_insert.columns = targets(context->target());
  made_insert.overriding = overriding(context->overriding());
  if (context->query() != nullptr) made_insert.source = query(context->query());
  if (context->onConflict() != nullptr) {
    made_insert.on_conflict = on_conflict(context->onConflict());
  }
  made_insert.returning = returning(context->returning());
  return made_insert;
}

sql::Update SqlBuilder::update(P::UpdateStatementContext* context) {
  sql::Update made_update;
  made_update.table = relation(context->relation(), made_update.only);
  if (context->colId() != nullptr) made_update.alias = identifier(context->colId());
  made_update.assignments = assignments(context->assignment());
  made_update.from = table_refs(context->tableRef());
  made_update.where = where(context->whereClause());
  made_update.returning = returning(context->returning());
  return made_update;
}

sql::Delete SqlBuilder::remove(P::DeleteStatementContext* context) {
  sql::Delete made_delete;
  made_delete.table = relation(context->relation(), made_delete.only);
  if (context->colId() != nullptr) made_delete.alias = identifier(context->colId());
  made_delete.using_items = table_refs(context->tableRef());
  made_delete.where = where(context->whereClause());
  made_delete.returning = returning(context->returning());
  return made_delete;
}

sql::Merge SqlBuilder::merge(P::MergeStatementContext* context) {
  sql::Merge made_merge;
  made_merge.table = relation(context->relation(), made_merge.only);
  if (context->colId() != nullptr) made_merge.alias = identifier(context->colId());
  made_merge.source = table_primary(context->tablePrimary());
  made_merge.condition = expression(context->expr());
  for (P::MergeBranchContext* branch : context->mergeBranch()) {
    made_merge.branches.push_back(merge_branch(branch));
  }
  return made_merge;
}

sql::MergeBranch SqlBuilder::merge_branch(P::MergeBranchContext* context) {
  sql::MergeBranch branch{.matched = context->K_NOT() == nullptr, .span = span_of(context)};
  branch.condition = maybe_expression(context->expr());
  branch.assignments = assignments(context->assignment());
  branch.columns = targets(context->target());
  branch.overriding = overriding(context->overriding());
  branch.values = expressions(context->exprList());
  branch.action = context->K_UPDATE() != nullptr   ? sql::MergeAction::kUpdate
                  : context->K_DELETE() != nullptr ? sql::MergeAction::kDelete
                  : context->K_INSERT() != nullptr ? sql::MergeAction::kInsert
                                                   : sql::MergeAction::kNothing;
  const bool inserts = branch.action == sql::MergeAction::kInsert;
  const bool changes =
      branch.action == sql::MergeAction::kUpdate || branch.action == sql::MergeAction::kDelete;
  if ((branch.matched && inserts) || (!branch.matched && changes)) {
    fail_at(position(context->K_THEN()) + 1);
  }
  return branch;
}

sql::Truncate SqlBuilder::truncate(P::TruncateStatementContext* context) {
  sql::Truncate made_truncate;
  for (P::RelationContext* table : context->relation()) {
    bool only = false;
    made_truncate.tables.push_back(relation(table, only));
  }
  made_truncate.restart_identity = context->K_RESTART() != nullptr;
  made_truncate.behavior = behavior(context->behavior());
  return made_truncate;
}

sql::Option SqlBuilder::copy_option(P::CopyOptionContext* context) const {
  const std::size_t at = first(context);
  sql::Option made_option{.name = identifier_at(at).text, .span = span_of(context)};
  switch (type_at(at)) {
    case P::K_BINARY:
    case P::K_CSV:
      made_option.value = std::exchange(made_option.name, "format");
      break;
    case P::K_FORCE: {
      const bool negated = context->K_NOT() != nullptr;
      made_option.name = context->K_QUOTE() != nullptr ? "force_quote"
                         : negated                     ? "force_not_null"
                                                       : "force_null";
      if (context->STAR() != nullptr) {
        made_option.value = "*";
      } else {
        for (P::ColIdContext* column : context->colId()) {
          made_option.list.push_back(identifier(column).text);
        }
      }
      break;
    }
    default:
      if (context->string() != nullptr) {
        made_option.value = string_of(context->string());
        made_option.quoted = true;
      }
  }
  return made_option;
}

sql::Copy SqlBuilder::copy(P::CopyStatementContext* context) {
  sql::Copy made_copy;
  if (context->qualifiedName() != nullptr) {
    made_copy.table = dotted(context->qualifiedName());
    made_copy.columns = columns(context->columnList());
  } else if (context->query() != nullptr) {
    made_copy.query = made(context->query(), sql::SelectStatement{query(context->query())});
  } else if (context->change() != nullptr) {
    made_copy.query = change(context->change());
  } else {
    made_copy.query = made(context->subscribeStatement(), subscribe(context->subscribeStatement()));
  }
  made_copy.from = context->K_FROM() != nullptr;
  const auto strings = context->string();
  if (context->K_STDIN() == nullptr && context->K_STDOUT() == nullptr) {
    made_copy.end = context->K_PROGRAM() != nullptr ? sql::CopyEnd::kProgram : sql::CopyEnd::kFile;
    made_copy.file = string_of(strings.front());
  }
  if (made_copy.from && made_copy.query) fail_at(position(context->K_FROM()));
  if (context->K_BINARY() != nullptr) {
    made_copy.options.push_back({.name = "format", .value = "binary"});
  }
  if (context->K_DELIMITERS() != nullptr) {
    made_copy.options.push_back(
        {.name = "delimiter", .value = string_of(strings.back()), .quoted = true});
  }
  for (sql::Option& listed : options(context->optionList())) {
    made_copy.options.push_back(std::move(listed));
  }
  for (P::CopyOptionContext* old : context->copyOption()) {
    made_copy.options.push_back(copy_option(old));
  }
  made_copy.where = where(context->whereClause());
  if (made_copy.where && !made_copy.from) {
    fail(first(context->whereClause()), "WHERE clause not allowed with COPY TO");
  }
  return made_copy;
}

}  // namespace entail::grammar::internal
