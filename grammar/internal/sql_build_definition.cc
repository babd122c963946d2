// Definitions: CREATE, ALTER, DROP, COMMENT.

#include <utility>

#include "grammar/internal/sql_builder.h"

namespace entail::grammar::internal {

namespace {

using P = antlr_sql::SqlParser;

sql::GeneratedKind generated_kind(bool always) {
  return always ? sql::GeneratedKind::kAlways : sql::GeneratedKind::kByDefault;
}

}  // namespace

sql::Statement SqlBuilder::create(P::CreateStatementContext* context) {
  const bool or_replace = context->K_REPLACE() != nullptr;
  bool temporary = false;
  bool unlogged = false;
  if (P::PersistenceContext* persistence = context->persistence()) {
    unlogged = has(persistence, P::K_UNLOGGED);
    temporary = !unlogged;
  }
  const auto refuse_replace = [&] {
    if (or_replace) fail_at(position(context->K_OR()));
  };
  if (context->createTable() != nullptr) {
    refuse_replace();
    return made(context, create_table(context->createTable(), temporary, unlogged));
  }
  if (context->createView() != nullptr) {
    sql::CreateView view = create_view(context->createView());
    view.or_replace = or_replace;
    view.temporary = temporary;
    return made(context, std::move(view));
  }
  if (context->createMaterializedView() != nullptr) {
    sql::CreateMaterializedView view = create_materialized_view(context->createMaterializedView());
    view.or_replace = or_replace;
    return made(context, std::move(view));
  }
  refuse_replace();
  if (P::CreateSequenceContext* sequence = context->createSequence()) {
    return made(context,
                sql::CreateSequence{.temporary = temporary,
                                    .if_not_exists = sequence->ifNotExists() != nullptr,
                                    .sequence = dotted(sequence->qualifiedName()),
                                    .options = sequence_options(sequence->sequenceOption())});
  }
  if (context->createIndex() != nullptr) return made(context, create_index(context->createIndex()));
  if (context->createSchema() != nullptr) {
    return made(context, create_schema(context->createSchema()));
  }
  if (context->createType() != nullptr) return made(context, create_type(context->createType()));
  if (context->createDomain() != nullptr) {
    return made(context, create_domain(context->createDomain()));
  }
  if (P::CreateRoleContext* role = context->createRole()) {
    return made(context, sql::CreateRole{.kind = identifier_at(first(role)).text,
                                         .name = identifier(role->colId()),
                                         .options = role_options(role->roleOption())});
  }
  P::CreateConnectorContext* const connector = context->createConnector();
  sql::CreateConnector made_connector{.sink = connector->K_SINK() != nullptr,
                                      .if_not_exists = connector->ifNotExists() != nullptr};
  made_connector.name = dotted(connector->connectorName());
  const std::size_t rest = last(connector->connectorName()) + 1;
  const std::size_t end = last(connector) + 1;
  made_connector.text = written_between(rest, end);
  if (rest < end) made_connector.text_span = {tokens_[rest].begin, tokens_[end - 1].end};
  return made(context, std::move(made_connector));
}

sql::StatementNode SqlBuilder::create_table(P::CreateTableContext* context, bool temporary,
                                            bool unlogged) {
  const bool as = context->query() != nullptr || context->executeStatement() != nullptr;
  const std::vector<sql::Option> storage = options(context->optionList());
  sql::OnCommit on_commit = sql::OnCommit::kDefault;
  if (context->K_COMMIT() != nullptr) {
    on_commit = context->K_DROP() != nullptr       ? sql::OnCommit::kDrop
                : context->K_PRESERVE() != nullptr ? sql::OnCommit::kPreserveRows
                                                   : sql::OnCommit::kDeleteRows;
  }
  if (as) {
    sql::CreateTableAs made_table{.temporary = temporary,
                                  .unlogged = unlogged,
                                  .if_not_exists = context->ifNotExists() != nullptr,
                                  .table = dotted(context->qualifiedName(0))};
    for (P::TableElementContext* element : context->tableElement()) {
      P::ColumnDefinitionContext* const column = element->columnDefinition();
      if (column == nullptr) fail_at(first(element));
      if (first(column) != last(column)) fail_at(first(column) + 1);
      made_table.columns.push_back(identifier(column->colId()));
    }
    made_table.options = storage;
    made_table.on_commit = on_commit;
    if (context->query() != nullptr) {
      made_table.source = made(context->query(), sql::SelectStatement{query(context->query())});
    } else {
      made_table.source = made(context->executeStatement(), execute(context->executeStatement()));
    }
    made_table.with_data = context->K_NO() == nullptr;
    return made_table;
  }
  sql::CreateTable made_table{.temporary = temporary,
                              .unlogged = unlogged,
                              .if_not_exists = context->ifNotExists() != nullptr,
                              .table = dotted(context->qualifiedName(0))};
  if (context->LPAREN().empty() && context->partitionText() == nullptr) {
    fail_at(last(context->qualifiedName(0)) + 1);
  }
  for (P::TableElementContext* element : context->tableElement()) {
    if (element->tableConstraint() != nullptr) {
      made_table.elements.emplace_back(table_constraint(element->tableConstraint()));
    } else if (element->columnDefinition() != nullptr) {
      made_table.elements.emplace_back(column_declaration(element->columnDefinition(), true));
    } else {
      sql::LikeTable like{.table = dotted(element->qualifiedName()), .span = span_of(element)};
      for (P::ColLabelContext* word : element->colLabel()) {
        const std::size_t at = first(word);
        like.options.emplace_back(type_at(at - 1) == P::K_INCLUDING, identifier_at(at).text);
      }
      made_table.elements.emplace_back(std::move(like));
    }
  }
  if (context->K_INHERITS() != nullptr) {
    const auto names = context->qualifiedName();
    for (std::size_t i = 1; i < names.size(); ++i) made_table.inherits.push_back(dotted(names[i]));
  }
  if (context->partitionText() != nullptr) {
    made_table.partitioning =
        written_between(first(context->partitionText()), last(context->partitionText()) + 1);
  }
  made_table.options = storage;
  made_table.on_commit = on_commit;
  return made_table;
}

sql::ColumnDeclaration SqlBuilder::column_declaration(P::ColumnDefinitionContext* context,
                                                      bool typed) {
  sql::ColumnDeclaration column{.name = identifier(context->colId())};
  if (context->typeName() != nullptr) {
    column.type = type_name(context->typeName());
  } else if (typed) {
    fail_at(first(context) + 1);
  }
  if (context->anyName() != nullptr) column.collation = dotted(context->anyName());
  column.constraints = column_constraints(context->columnConstraint());
  column.span = span_of(context);
  return column;
}

void SqlBuilder::add_deferral(sql::Deferral& to, P::DeferralContext* context) const {
  if (context->K_DEFERRABLE() != nullptr) {
    to.deferrable = context->K_NOT() == nullptr;
  } else if (context->K_INITIALLY() != nullptr) {
    to.initially_deferred = context->K_DEFERRED() != nullptr;
  } else if (context->K_VALID() != nullptr) {
    to.not_valid = true;
  } else {
    to.no_inherit = true;
  }
}

std::vector<sql::Constraint> SqlBuilder::column_constraints(
    const std::vector<P::ColumnConstraintContext*>& list) {
  using Kind = sql::ConstraintKind;
  std::vector<sql::Constraint> constraints;
  for (P::ColumnConstraintContext* context : list) {
    if (context->deferral() != nullptr) {
      if (constraints.empty()) {
        fail(first(context), "misplaced " + std::string(written(first(context))) + " clause");
      }
      add_deferral(constraints.back().deferral, context->deferral());
      continue;
    }
    sql::Constraint constraint{.span = span_of(context)};
    if (context->colId() != nullptr) constraint.name = identifier(context->colId());
    if (context->expr() != nullptr) constraint.expression = expression(context->expr());
    constraint.options = options(context->optionList());
    if (context->K_GENERATED() != nullptr) {
      constraint.generated = generated_kind(context->K_ALWAYS() != nullptr);
      constraint.kind = context->K_IDENTITY() != nullptr ? Kind::kIdentity : Kind::kGenerated;
      if (constraint.kind == Kind::kGenerated && context->K_ALWAYS() == nullptr) {
        fail(first(context), "for a generated column, GENERATED ALWAYS must be specified");
      }
      constraint.sequence_options = sequence_options(context->sequenceOption());
    } else if (context->reference() != nullptr) {
      constraint.kind = Kind::kForeignKey;
      constraint.reference = reference(context->reference());
    } else if (context->K_DEFAULT() != nullptr) {
      constraint.kind = Kind::kDefault;
    } else if (context->K_CHECK() != nullptr) {
      constraint.kind = Kind::kCheck;
    } else if (context->K_UNIQUE() != nullptr) {
      constraint.kind = Kind::kUnique;
      P::NullsDistinctContext* const nulls = context->nullsDistinct();
      constraint.nulls_not_distinct = nulls != nullptr && nulls->K_NOT() != nullptr;
    } else if (context->K_PRIMARY() != nullptr) {
      constraint.kind = Kind::kPrimaryKey;
    } else {
      constraint.kind = context->K_NOT() != nullptr ? Kind::kNotNull : Kind::kNull;
    }
    constraints.push_back(std::move(constraint));
  }
  return constraints;
}

sql::Constraint SqlBuilder::table_constraint(P::TableConstraintContext* context) {
  using Kind = sql::ConstraintKind;
  sql::Constraint constraint{.span = span_of(context)};
  for (P::ColIdContext* word : context->colId()) {
    const std::size_t before = first(word) == 0 ? 0 : type_at(first(word) - 1);
    (before == P::K_CONSTRAINT ? constraint.name : constraint.using_index) = identifier(word);
  }
  constraint.columns = columns(context->columnList());
  if (context->include() != nullptr) constraint.include = columns(context->include()->columnList());
  constraint.options = options(context->optionList());
  P::NullsDistinctContext* const nulls = context->nullsDistinct();
  constraint.nulls_not_distinct = nulls != nullptr && nulls->K_NOT() != nullptr;
  if (context->K_CHECK() != nullptr) {
    constraint.kind = Kind::kCheck;
    constraint.expression = expression(context->expr());
  } else if (context->K_UNIQUE() != nullptr) {
    constraint.kind = Kind::kUnique;
  } else if (context->K_PRIMARY() != nullptr) {
    constraint.kind = Kind::kPrimaryKey;
  } else if (context->K_FOREIGN() != nullptr) {
    constraint.kind = Kind::kForeignKey;
    constraint.reference = reference(context->reference());
  } else {
    constraint.kind = Kind::kExclude;
    constraint.text =
        written_between(first(context->excludeText()), last(context->excludeText()) + 1);
  }
  for (P::DeferralContext* deferral : context->deferral()) {
    add_deferral(constraint.deferral, deferral);
  }
  return constraint;
}

sql::Reference SqlBuilder::reference(P::ReferenceContext* context) const {
  using Action = sql::ReferenceAction;
  sql::Reference made_reference{.table = dotted(context->qualifiedName()),
                                .columns = columns(context->columnList())};
  for (P::ReferencePartContext* part : context->referencePart()) {
    if (part->K_MATCH() != nullptr) {
      made_reference.match = part->K_FULL() != nullptr      ? sql::MatchKind::kFull
                             : part->K_PARTIAL() != nullptr ? sql::MatchKind::kPartial
                                                            : sql::MatchKind::kSimple;
      continue;
    }
    const Action action = part->K_CASCADE() != nullptr    ? Action::kCascade
                          : part->K_RESTRICT() != nullptr ? Action::kRestrict
                          : part->K_NULL() != nullptr     ? Action::kSetNull
                          : part->K_DEFAULT() != nullptr  ? Action::kSetDefault
                                                          : Action::kNoAction;
    if (part->K_DELETE() != nullptr) {
      made_reference.on_delete = action;
      made_reference.on_delete_columns = columns(part->columnList());
    } else {
      made_reference.on_update = action;
    }
  }
  return made_reference;
}

sql::CreateView SqlBuilder::create_view(P::CreateViewContext* context) {
  sql::CreateView view{.recursive = context->K_RECURSIVE() != nullptr,
                       .view = dotted(context->qualifiedName()),
                       .columns = columns(context->columnList()),
                       .options = options(context->optionList()),
                       .query = query(context->query())};
  if (context->K_CHECK() != nullptr) {
    view.check =
        context->K_LOCAL() != nullptr ? sql::CheckOption::kLocal : sql::CheckOption::kCascaded;
  }
  return view;
}

sql::CreateMaterializedView SqlBuilder::create_materialized_view(
    P::CreateMaterializedViewContext* context) {
  return {.if_not_exists = context->ifNotExists() != nullptr,
          .view = dotted(context->qualifiedName()),
          .columns = columns(context->columnList()),
          .options = options(context->optionList()),
          .query = query(context->query()),
          .with_data = context->K_NO() == nullptr};
}

sql::CreateIndex SqlBuilder::create_index(P::CreateIndexContext* context) {
  sql::CreateIndex index{.unique = context->K_UNIQUE() != nullptr,
                         .concurrently = context->K_CONCURRENTLY() != nullptr,
                         .if_not_exists = context->ifNotExists() != nullptr};
  const std::size_t on = position(context->K_ON());
  for (P::ColIdContext* word : context->colId()) {
    (first(word) < on ? index.name : index.method) = identifier(word);
  }
  index.table = relation(context->relation(), index.only);
  for (P::IndexElementContext* element : context->indexElement()) {
    index.elements.push_back(index_element(element));
  }
  if (context->include() != nullptr) index.include = columns(context->include()->columnList());
  P::NullsDistinctContext* const nulls = context->nullsDistinct();
  index.nulls_not_distinct = nulls != nullptr && nulls->K_NOT() != nullptr;
  index.options = options(context->optionList());
  index.where = where(context->whereClause());
  return index;
}

sql::CreateSchema SqlBuilder::create_schema(P::CreateSchemaContext* context) {
  sql::CreateSchema schema{.if_not_exists = context->ifNotExists() != nullptr};
  for (P::ColIdContext* word : context->colId()) {
    (type_at(first(word) - 1) == P::K_AUTHORIZATION ? schema.authorization : schema.name) =
        identifier(word);
  }
  for (P::CreateStatementContext* element : context->createStatement()) {
    schema.elements.push_back(create(element));
  }
  return schema;
}

sql::StatementNode SqlBuilder::create_type(P::CreateTypeContext* context) {
  if (context->K_ENUM() != nullptr) {
    sql::CreateEnum made_enum{.type = dotted(context->qualifiedName())};
    for (P::StringContext* label : context->string()) made_enum.labels.push_back(string_of(label));
    return made_enum;
  }
  sql::CreateCompositeType composite{.type = dotted(context->qualifiedName())};
  for (P::ColumnDefinitionContext* field : context->columnDefinition()) {
    composite.fields.push_back(column_declaration(field, true));
    if (!field->columnConstraint().empty()) fail_at(first(field->columnConstraint().front()));
  }
  return composite;
}

sql::CreateDomain SqlBuilder::create_domain(P::CreateDomainContext* context) {
  sql::CreateDomain domain{.domain = dotted(context->qualifiedName()),
                           .type = type_name(context->typeName())};
  if (context->anyName() != nullptr) domain.collation = dotted(context->anyName());
  domain.constraints = column_constraints(context->columnConstraint());
  return domain;
}

std::vector<sql::Option> SqlBuilder::role_options(
    const std::vector<P::RoleOptionContext*>& list) const {
  std::vector<sql::Option> made_options;
  for (P::RoleOptionContext* context : list) {
    sql::Option option{.span = span_of(context)};
    const std::size_t at = first(context);
    if (context->K_PASSWORD() != nullptr) {
      option.name = "password";
    } else if (context->K_CONNECTION() != nullptr) {
      option.name = "connection limit";
      option.value = std::to_string(integer(context->signedNumber()));
    } else if (context->K_VALID() != nullptr) {
      option.name = "valid until";
    } else {
      option.name = identifier_at(at).text;
      if (context->K_IN() != nullptr) option.name = "in role";
      for (P::ColIdContext* word : context->colId()) option.list.push_back(identifier(word).text);
      if (type_at(at) == P::IDENT) {
        static constexpr std::string_view kKnown[] = {
            "superuser",     "nosuperuser", "createdb",   "nocreatedb", "createrole",
            "nocreaterole",  "noinherit",   "login",      "nologin",    "replication",
            "noreplication", "bypassrls",   "nobypassrls"};
        if (std::find(std::begin(kKnown), std::end(kKnown), option.name) == std::end(kKnown)) {
          fail(at, "unrecognized role option \"" + option.name + "\"");
        }
      }
    }
    if (context->string() != nullptr) {
      option.value = string_of(context->string());
      option.quoted = true;
    }
    made_options.push_back(std::move(option));
  }
  return made_options;
}

std::vector<sql::Option> SqlBuilder::sequence_options(
    const std::vector<P::SequenceOptionContext*>& list) const {
  std::vector<sql::Option> made_options;
  for (P::SequenceOptionContext* context : list) {
    sql::Option option{.name = identifier_at(first(context)).text, .span = span_of(context)};
    if (context->K_NO() != nullptr) {
      option.name = "no " + identifier_at(last(context)).text;
    } else if (context->K_OWNED() != nullptr) {
      option.name = "owned by";
    } else if (context->K_NAME() != nullptr) {
      option.name = "sequence name";
    }
    if (context->signedNumber() != nullptr) {
      option.value = std::to_string(integer(context->signedNumber()));
    } else if (context->typeName() != nullptr) {
      option.value = written_between(first(context->typeName()), last(context->typeName()) + 1);
    } else if (context->qualifiedName() != nullptr) {
      option.value =
          written_between(first(context->qualifiedName()), last(context->qualifiedName()) + 1);
    }
    made_options.push_back(std::move(option));
  }
  return made_options;
}

// ------------------------------------------------------------------------------------------------
// ALTER, DROP, COMMENT
// ------------------------------------------------------------------------------------------------

sql::StatementNode SqlBuilder::alter(P::AlterStatementContext* context) {
  const std::size_t kind_at = first(context) + 1;
  std::string kind = identifier_at(kind_at).text;
  if (context->colId() != nullptr) {
    return sql::AlterRole{.kind = std::move(kind),
                          .name = identifier(context->colId()),
                          .options = role_options(context->roleOption())};
  }
  if (P::AlterEnumContext* labels = context->alterEnum()) {
    sql::AlterEnum made_enum{.type = dotted(context->qualifiedName()),
                             .if_not_exists = labels->ifNotExists() != nullptr,
                             .rename = labels->K_RENAME() != nullptr};
    made_enum.label = string_of(labels->string(0));
    if (labels->string().size() > 1) made_enum.neighbor = string_of(labels->string(1));
    made_enum.before = labels->K_BEFORE() != nullptr;
    return made_enum;
  }
  if (!context->sequenceOption().empty()) {
    return sql::AlterSequence{.if_exists = context->ifExists() != nullptr,
                              .sequence = dotted(context->qualifiedName()),
                              .options = sequence_options(context->sequenceOption())};
  }
  sql::Alter made_alter{.kind = std::move(kind), .if_exists = context->ifExists() != nullptr};
  if (context->K_MATERIALIZED() != nullptr) made_alter.kind = "materialized view";
  if (context->relation() != nullptr) {
    made_alter.name = relation(context->relation(), made_alter.only);
  } else {
    made_alter.name = dotted(context->qualifiedName());
  }
  for (P::AlterActionContext* action : context->alterAction()) {
    made_alter.actions.push_back(alter_action(action));
  }
  return made_alter;
}

sql::AlterAction SqlBuilder::alter_action(P::AlterActionContext* context) {
  using Kind = sql::AlterActionKind;
  sql::AlterAction action{
      .if_exists = context->ifExists() != nullptr || context->ifNotExists() != nullptr,
      .behavior = behavior(context->behavior()),
      .span = span_of(context)};
  const auto names = context->colId();
  const std::size_t start = type_at(first(context));
  const auto other = [&] {
    action.kind = Kind::kOther;
    action.text = written_between(first(context), last(context) + 1);
    return action;
  };
  if (context->otherAction() != nullptr) return other();
  if (context->tableConstraint() != nullptr) {
    action.kind = Kind::kAddConstraint;
    action.constraint = table_constraint(context->tableConstraint());
  } else if (context->columnDefinition() != nullptr) {
    action.kind = Kind::kAddColumn;
    action.column_declaration = column_declaration(context->columnDefinition(), true);
  } else if (context->alterColumn() != nullptr) {
    action.column = identifier(names.front());
    alter_column(action, context->alterColumn());
  } else if (start == P::K_DROP) {
    if (names.empty()) {  // Of a domain.
      action.kind = context->K_DEFAULT() != nullptr ? Kind::kDropDefault : Kind::kDropNotNull;
    } else if (context->K_CONSTRAINT() != nullptr) {
      action.kind = Kind::kDropConstraint;
      action.name = identifier(names.front());
    } else {
      action.kind = Kind::kDropColumn;
      action.column = identifier(names.front());
    }
  } else if (start == P::K_ALTER) {
    action.kind = Kind::kAlterConstraint;
    action.name = identifier(names.front());
    for (P::DeferralContext* deferral : context->deferral()) {
      add_deferral(action.deferral, deferral);
    }
  } else if (start == P::K_VALIDATE) {
    action.kind = Kind::kValidateConstraint;
    action.name = identifier(names.front());
  } else if (start == P::K_RENAME) {
    action.name = identifier(names.back());
    if (names.size() == 1) {
      action.kind = Kind::kRename;
    } else {
      action.kind =
          context->K_CONSTRAINT() != nullptr ? Kind::kRenameConstraint : Kind::kRenameColumn;
      action.column = identifier(names.front());
    }
  } else if (start == P::K_OWNER) {
    action.kind = Kind::kOwnerTo;
    action.name = identifier(context->colIdOrUser());
  } else if (start == P::K_RESET) {
    action.kind = Kind::kResetOptions;
    action.options = options(context->optionList());
  } else if (context->K_SCHEMA() != nullptr) {
    action.kind = Kind::kSetSchema;
    action.name = identifier(names.front());
  } else if (context->optionList() != nullptr) {
    action.kind = Kind::kSetOptions;
    action.options = options(context->optionList());
  } else if (context->expr() != nullptr) {
    action.kind = Kind::kSetDefault;
    action.expression = expression(context->expr());
  } else if (context->K_NULL() != nullptr) {
    action.kind = Kind::kSetNotNull;
  } else {
    return other();
  }
  return action;
}

void SqlBuilder::alter_column(sql::AlterAction& action, P::AlterColumnContext* context) {
  using Kind = sql::AlterActionKind;
  const std::size_t start = type_at(first(context));
  if (context->otherAction() != nullptr || context->group() != nullptr) {
    action.kind = Kind::kOther;
    action.text = std::string(written(first(context))) + " " +
                  written_between(first(context) + 1, last(context) + 1);
  } else if (context->typeName() != nullptr) {
    action.kind = Kind::kSetType;
    action.type = type_name(context->typeName());
    if (context->anyName() != nullptr) action.collation = dotted(context->anyName());
    action.expression = maybe_expression(context->expr());
  } else if (start == P::K_ADD) {
    action.kind = Kind::kAddIdentity;
    action.constraint =
        sql::Constraint{.kind = sql::ConstraintKind::kIdentity,
                        .generated = generated_kind(!context->K_ALWAYS().empty()),
                        .sequence_options = sequence_options(context->sequenceOption()),
                        .span = span_of(context)};
  } else if (context->expr() != nullptr) {
    action.kind = Kind::kSetDefault;
    action.expression = expression(context->expr());
  } else if (context->K_NULL() != nullptr) {
    action.kind = start == P::K_SET ? Kind::kSetNotNull : Kind::kDropNotNull;
  } else if (start == P::K_DROP) {
    action.if_exists = context->ifExists() != nullptr;
    action.kind = context->K_EXPRESSION() != nullptr            ? Kind::kDropExpression
                  : type_at(first(context) + 1) == P::K_DEFAULT ? Kind::kDropDefault
                                                                : Kind::kDropIdentity;
  } else {
    action.kind = Kind::kSetIdentity;
    action.options = sequence_options(context->sequenceOption());
    if (!context->K_GENERATED().empty()) {
      action.options.push_back(
          {.name = "generated", .value = context->K_ALWAYS().empty() ? "by default" : "always"});
    }
    for (antlr4::tree::TerminalNode* word : context->K_RESTART()) {
      sql::Option restart{.name = "restart", .span = span_of_token(position(word))};
      for (P::SignedNumberContext* number : context->signedNumber()) {
        restart.value = std::to_string(integer(number));
      }
      action.options.push_back(std::move(restart));
    }
  }
}

sql::Drop SqlBuilder::drop(P::DropStatementContext* context) const {
  sql::Drop made_drop{.kind = words(context->dropKind()),
                      .if_exists = context->ifExists() != nullptr,
                      .concurrently = context->K_CONCURRENTLY() != nullptr};
  for (P::QualifiedNameContext* name : context->qualifiedName()) {
    made_drop.names.push_back(dotted(name));
  }
  made_drop.behavior = behavior(context->behavior());
  return made_drop;
}

sql::Comment SqlBuilder::comment(P::CommentStatementContext* context) const {
  sql::Comment made_comment{.kind = words(context->commentKind()),
                            .name = dotted(context->qualifiedName(0))};
  if (context->qualifiedName().size() > 1) {
    made_comment.on_table = dotted(context->qualifiedName(1)).last();
  }
  if (context->K_DOMAIN() != nullptr) made_comment.kind += " on domain";
  if (context->string() != nullptr) made_comment.text = string_of(context->string());
  return made_comment;
}

}  // namespace entail::grammar::internal
