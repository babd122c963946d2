// Prints statements that change rows and statements about sessions.

#include <array>

#include "grammar/internal/sql_writer.h"
#include "grammar/sql_printer.h"

namespace entail::grammar::internal {

void SqlWriter::where(const Maybe<sql::Expression>& condition) {
  if (!condition) return;
  text(" WHERE ");
  expression(*condition);
}

void SqlWriter::returning(const std::vector<sql::SelectItem>& items) {
  if (items.empty()) return;
  text(" RETURNING ");
  select_items(items);
}

void SqlWriter::relation(const sql::QualifiedName& table, bool only) {
  if (only) text("ONLY ");
  name(table);
}

void SqlWriter::behavior(sql::DropBehavior behavior) {
  if (behavior == sql::DropBehavior::kCascade) text(" CASCADE");
  if (behavior == sql::DropBehavior::kRestrict) text(" RESTRICT");
}

void SqlWriter::target(const sql::AssignmentTarget& target) {
  identifier(target.column);
  for (const sql::Identifier& field : target.fields) {
    text(".");
    identifier(field);
  }
  for (const sql::SubscriptPart& part : target.subscripts) subscript(part);
}

void SqlWriter::targets(const std::vector<sql::AssignmentTarget>& targets) {
  text("(");
  list(targets, [&](const sql::AssignmentTarget& item) { target(item); });
  text(")");
}

void SqlWriter::assignments(const std::vector<sql::Assignment>& assignments) {
  text(" SET ");
  list(assignments, [&](const sql::Assignment& assignment) {
    if (assignment.multiple) {
      targets(assignment.targets);
    } else {
      target(assignment.targets.front());
    }
    text(" = ");
    expression(assignment.value);
  });
}

void SqlWriter::overriding(sql::Overriding overriding) {
  if (overriding == sql::Overriding::kUserValue) text(" OVERRIDING USER VALUE");
  if (overriding == sql::Overriding::kSystemValue) text(" OVERRIDING SYSTEM VALUE");
}

void SqlWriter::index_elements(const std::vector<sql::IndexElement>& elements) {
  text("(");
  list(elements, [&](const sql::IndexElement& element) {
    operand(element.expression);
    if (element.collation) {
      text(" COLLATE ");
      name(*element.collation);
    }
    if (element.operator_class) {
      text(" ");
      name(*element.operator_class);
    }
    sort_order(element.direction, element.nulls);
  });
  text(")");
}

void SqlWriter::insert(const sql::Insert& node) {
  if (node.with) with(*node.with);
  text("INSERT INTO ");
  name(node.table);
  if (node.alias) {
    text(" AS ");
    identifier(*node.alias);
  }
  if (!node.columns.empty()) {
    text(" ");
    targets(node.columns);
  }
  overriding(node.overriding);
  if (node.source) {
    text(" ");
    query(*node.source);
  } else {
    text(" DEFAULT VALUES");
  }
  if (node.on_conflict) {
    const sql::OnConflict& conflict = *node.on_conflict;
    text(" ON CONFLICT");
    if (conflict.constraint) {
      text(" ON CONSTRAINT ");
      identifier(*conflict.constraint);
    } else if (!conflict.target.empty()) {
      text(" ");
      index_elements(conflict.target);
      where(conflict.target_where);
    }
    if (conflict.do_update) {
      text(" DO UPDATE");
      assignments(conflict.assignments);
      where(conflict.where);
    } else {
      text(" DO NOTHING");
    }
  }
  returning(node.returning);
}

void SqlWriter::update(const sql::Update& node) {
  if (node.with) with(*node.with);
  text("UPDATE ");
  relation(node.table, node.only);
  if (node.alias) {
    text(" AS ");
    identifier(*node.alias);
  }
  assignments(node.assignments);
  if (!node.from.empty()) {
    text(" FROM ");
    list(node.from, [&](const sql::TableItem& item) { table_item(item); });
  }
  where(node.where);
  returning(node.returning);
}

void SqlWriter::remove(const sql::Delete& node) {
  if (node.with) with(*node.with);
  text("DELETE FROM ");
  relation(node.table, node.only);
  if (node.alias) {
    text(" AS ");
    identifier(*node.alias);
  }
  if (!node.using_items.empty()) {
    text(" USING ");
    list(node.using_items, [&](const sql::TableItem& item) { table_item(item); });
  }
  where(node.where);
  returning(node.returning);
}

void SqlWriter::merge(const sql::Merge& node) {
  if (node.with) with(*node.with);
  text("MERGE INTO ");
  relation(node.table, node.only);
  if (node.alias) {
    text(" AS ");
    identifier(*node.alias);
  }
  text(" USING ");
  const bool brackets = node.source.as<sql::Join>() != nullptr;
  if (brackets) text("(");
  table_item(node.source);
  if (brackets) text(")");
  text(" ON ");
  expression(node.condition);
  for (const sql::MergeBranch& branch : node.branches) {
    text(branch.matched ? " WHEN MATCHED" : " WHEN NOT MATCHED");
    if (branch.condition) {
      text(" AND ");
      expression(*branch.condition);
    }
    text(" THEN");
    switch (branch.action) {
      case sql::MergeAction::kUpdate:
        text(" UPDATE");
        assignments(branch.assignments);
        break;
      case sql::MergeAction::kDelete:
        text(" DELETE");
        break;
      case sql::MergeAction::kNothing:
        text(" DO NOTHING");
        break;
      case sql::MergeAction::kInsert:
        text(" INSERT");
        if (!branch.columns.empty()) {
          text(" ");
          targets(branch.columns);
        }
        overriding(branch.overriding);
        if (branch.values.empty()) {
          text(" DEFAULT VALUES");
        } else {
          text(" VALUES (");
          expressions(branch.values);
          text(")");
        }
        break;
    }
  }
}

void SqlWriter::options(const std::vector<sql::Option>& options) {
  text("(");
  list(options, [&](const sql::Option& option) {
    text(option.name);
    if (!option.list.empty()) {
      text(" (");
      list(option.list, [&](const std::string& item) {
        text(item == "*" ? item : sql::quote_sql_identifier(item));
      });
      text(")");
    } else if (option.value) {
      text(" ");
      if (option.quoted) {
        string(*option.value);
      } else {
        text(*option.value);
      }
    }
  });
  text(")");
}

void SqlWriter::option_list(const std::vector<sql::Option>& listed, std::string_view before) {
  if (listed.empty()) return;
  text(before);
  options(listed);
}

void SqlWriter::copy(const sql::Copy& node) {
  text("COPY ");
  if (node.table) {
    name(*node.table);
    column_list(node.columns);
  } else {
    text("(");
    statement(*node.query);
    text(")");
  }
  text(node.from ? " FROM " : " TO ");
  switch (node.end) {
    case sql::CopyEnd::kStandard:
      text(node.from ? "STDIN" : "STDOUT");
      break;
    case sql::CopyEnd::kProgram:
      text("PROGRAM ");
      string(node.file);
      break;
    case sql::CopyEnd::kFile:
      string(node.file);
      break;
  }
  option_list(node.options, " WITH ");
  where(node.where);
}

void SqlWriter::modes(const sql::TransactionModes& modes) {
  static constexpr std::array<std::string_view, 4> kLevels = {"READ UNCOMMITTED", "READ COMMITTED",
                                                              "REPEATABLE READ", "SERIALIZABLE"};
  bool more = false;
  const auto mode = [&](std::string_view words) {
    text(more ? ", " : " ");
    text(words);
    more = true;
  };
  if (modes.isolation) {
    mode("ISOLATION LEVEL ");
    text(kLevels[static_cast<std::size_t>(*modes.isolation)]);
  }
  if (modes.read_only) mode(*modes.read_only ? "READ ONLY" : "READ WRITE");
  if (modes.deferrable) mode(*modes.deferrable ? "DEFERRABLE" : "NOT DEFERRABLE");
}

void SqlWriter::fetch(const sql::Fetch& node) {
  static constexpr std::array<std::string_view, 4> kDirections = {" FORWARD ", " BACKWARD ",
                                                                  " ABSOLUTE ", " RELATIVE "};
  text(node.move ? "MOVE" : "FETCH");
  text(kDirections[static_cast<std::size_t>(node.direction)]);
  text(node.count ? std::to_string(*node.count) : "ALL");
  text(" FROM ");
  identifier(node.cursor);
  option_list(node.options, " WITH ");
}

void SqlWriter::subscribe(const sql::Subscribe& node) {
  text("SUBSCRIBE ");
  if (node.relation) {
    name(*node.relation);
  } else {
    text("(");
    query(*node.query);
    text(")");
  }
  const auto bound = [&](std::string_view words, const Maybe<sql::Expression>& value) {
    if (!value) return;
    text(words);
    expression(*value);
  };
  bound(" AS OF ", node.as_of);
  bound(" UP TO ", node.up_to);
  option_list(node.options, " WITH ");
  if (!node.envelope.empty()) {
    text(" ENVELOPE " + node.envelope + " (KEY");
    column_list(node.key);
    text(")");
  }
  if (!node.order_by.empty()) {
    text(" WITHIN TIMESTAMP ORDER BY ");
    sort_items(node.order_by);
  }
}

void SqlWriter::session(const sql::Statement& statement_node) {
  const auto dotted_setting = [&](const std::string& setting) {
    std::string_view rest = setting;
    while (true) {
      const std::size_t dot = std::min(rest.find('.'), rest.size());
      text(sql::quote_sql_identifier(rest.substr(0, dot)));
      if (dot == rest.size()) return;
      text(".");
      rest.remove_prefix(dot + 1);
    }
  };
  const auto optional_name = [&](const std::optional<sql::Identifier>& named,
                                 std::string_view otherwise) {
    if (named) {
      identifier(*named);
    } else {
      text(otherwise);
    }
  };
  if (const auto* begin = statement_node.as<sql::Begin>()) {
    text(begin->start_transaction ? "START TRANSACTION" : "BEGIN");
    modes(begin->modes);
  } else if (const auto* commit = statement_node.as<sql::Commit>()) {
    text(commit->chain ? "COMMIT AND CHAIN" : "COMMIT");
  } else if (const auto* rollback = statement_node.as<sql::Rollback>()) {
    text(rollback->chain ? "ROLLBACK AND CHAIN" : "ROLLBACK");
  } else if (const auto* savepoint = statement_node.as<sql::Savepoint>()) {
    text(savepoint->action == sql::SavepointAction::kSave      ? "SAVEPOINT "
         : savepoint->action == sql::SavepointAction::kRelease ? "RELEASE SAVEPOINT "
                                                               : "ROLLBACK TO SAVEPOINT ");
    identifier(savepoint->name);
  } else if (const auto* transaction = statement_node.as<sql::SetTransaction>()) {
    text(transaction->session ? "SET SESSION CHARACTERISTICS AS TRANSACTION" : "SET TRANSACTION");
    if (transaction->snapshot) {
      text(" SNAPSHOT ");
      string(*transaction->snapshot);
    }
    modes(transaction->modes);
  } else if (const auto* set = statement_node.as<sql::Set>()) {
    text(set->local ? "SET LOCAL " : "SET ");
    dotted_setting(set->name);
    text(" TO ");
    if (set->values.empty()) text("DEFAULT");
    list(set->values, [&](const sql::SettingValue& value) {
      if (value.quoted) {
        string(value.text);
      } else {
        text(value.text);
      }
    });
  } else if (const auto* show = statement_node.as<sql::Show>()) {
    text("SHOW ");
    if (show->name == "all") {
      text("ALL");
    } else {
      dotted_setting(show->name);
    }
  } else if (const auto* reset = statement_node.as<sql::Reset>()) {
    text("RESET ");
    if (reset->name == "all") {
      text("ALL");
    } else {
      dotted_setting(reset->name);
    }
  } else if (const auto* discard = statement_node.as<sql::Discard>()) {
    text("DISCARD " + discard->what);
  } else if (const auto* constraints = statement_node.as<sql::SetConstraints>()) {
    text("SET CONSTRAINTS ");
    if (constraints->names.empty()) text("ALL");
    names(constraints->names);
    text(constraints->deferred ? " DEFERRED" : " IMMEDIATE");
  } else if (const auto* lock = statement_node.as<sql::LockTable>()) {
    text("LOCK TABLE ");
    names(lock->tables);
    text(" IN " + lock->mode + " MODE");
    if (lock->nowait) text(" NOWAIT");
  } else if (const auto* explain = statement_node.as<sql::Explain>()) {
    text("EXPLAIN ");
    if (!explain->options.empty()) {
      options(explain->options);
      text(" ");
    }
    statement(*explain->statement);
  } else if (const auto* prepare = statement_node.as<sql::Prepare>()) {
    text("PREPARE ");
    identifier(prepare->name);
    if (!prepare->types.empty()) {
      text(" (");
      list(prepare->types, [&](const sql::TypeName& item) { type(item); });
      text(")");
    }
    text(" AS ");
    statement(*prepare->statement);
  } else if (const auto* execute = statement_node.as<sql::Execute>()) {
    text("EXECUTE ");
    identifier(execute->name);
    if (!execute->arguments.empty()) {
      text(" (");
      expressions(execute->arguments);
      text(")");
    }
  } else if (const auto* deallocate = statement_node.as<sql::Deallocate>()) {
    text("DEALLOCATE ");
    optional_name(deallocate->name, "ALL");
  } else if (const auto* cursor = statement_node.as<sql::DeclareCursor>()) {
    text("DECLARE ");
    identifier(cursor->name);
    if (cursor->binary) text(" BINARY");
    if (cursor->insensitive) text(*cursor->insensitive ? " INSENSITIVE" : " ASENSITIVE");
    if (cursor->scroll) text(*cursor->scroll ? " SCROLL" : " NO SCROLL");
    text(cursor->with_hold ? " CURSOR WITH HOLD FOR " : " CURSOR FOR ");
    statement(*cursor->statement);
  } else if (const auto* fetched = statement_node.as<sql::Fetch>()) {
    fetch(*fetched);
  } else if (const auto* close = statement_node.as<sql::CloseCursor>()) {
    text("CLOSE ");
    optional_name(close->name, "ALL");
  } else if (const auto* maintenance = statement_node.as<sql::Maintenance>()) {
    text(maintenance->command);
    if (maintenance->command == "REINDEX" || maintenance->command == "CLUSTER") {
      for (const sql::Option& option : maintenance->options) word(option.name);
    } else {
      option_list(maintenance->options, " ");
    }
    if (!maintenance->tables.empty()) text(" ");
    names(maintenance->tables);
  } else if (const auto* notify = statement_node.as<sql::Notify>()) {
    text(notify->command + " ");
    optional_name(notify->channel, "*");
    if (!notify->payload.empty()) {
      text(", ");
      string(notify->payload);
    }
  } else if (const auto* called = statement_node.as<sql::Call>()) {
    text("CALL ");
    call(called->call);
  } else if (const auto* node = statement_node.as<sql::Subscribe>()) {
    subscribe(*node);
  }
}

void SqlWriter::statement(const sql::Statement& statement_node) {
  if (const auto* select_node = statement_node.as<sql::SelectStatement>()) {
    query(select_node->query);
  } else if (const auto* insert_node = statement_node.as<sql::Insert>()) {
    insert(*insert_node);
  } else if (const auto* update_node = statement_node.as<sql::Update>()) {
    update(*update_node);
  } else if (const auto* delete_node = statement_node.as<sql::Delete>()) {
    remove(*delete_node);
  } else if (const auto* merge_node = statement_node.as<sql::Merge>()) {
    merge(*merge_node);
  } else if (const auto* truncate = statement_node.as<sql::Truncate>()) {
    text("TRUNCATE TABLE ");
    names(truncate->tables);
    if (truncate->restart_identity) text(" RESTART IDENTITY");
    behavior(truncate->behavior);
  } else if (const auto* copy_node = statement_node.as<sql::Copy>()) {
    copy(*copy_node);
  } else if (!definition(statement_node)) {
    session(statement_node);
  }
}

}  // namespace entail::grammar::internal
