// ALTER TABLE and what takes the same actions.
#include <algorithm>
#include <numeric>

#include "server/engine/internal/changer.h"
#include "server/engine/internal/constraints.h"
#include "server/engine/internal/definer.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

namespace sql = grammar::sql;
using compiler::ParameterValue;
using vm::Word;

namespace {

Outcome done(std::string tag) {
  Outcome outcome;
  outcome.tag = std::move(tag);
  return outcome;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

Error no_column(const Table& table, const std::string& column) {
  return make_sql_error(
      "42703", "column \"" + column + "\" of relation \"" + table.name + "\" does not exist");
}

}  // namespace

bool Definer::is_standing_premise(const Table& table) const {
  for (const Table* const reader : session_.catalog().readers_of(table.oid)) {
    if (reader->kind == TableKind::kMaterializedView || reader->kind == TableKind::kRules) {
      return true;
    }
  }
  return session_.catalog().deployment_using(table.oid) != nullptr;
}

Expected<void> Definer::rewrite(const Table& before, Table& after,
                                std::span<const CarriedColumn> columns) {
  if (is_standing_premise(before)) {
    return sql_error("0A000", "cannot change the columns of table \"" + before.name +
                                  "\" while materialized views or rules read it");
  }
  if (auto lent = state_.lend_head(session_.transaction_.get()); !lent) return lent;
  const vm::StandingRelation& standing = state_.rows_of(before.relation);
  RowSet old_rows(state_.layout_of(before.relation), *state_.pool);
  append_standing_rows(standing, old_rows);
  const compiler::RelationLayout old_layout = state_.layout_of(before.relation);
  auto relation = state_.add_table_relation(after);
  if (!relation) return unexpected(std::move(relation).error());
  after.relation = *relation;
  after.storage = edit().next_oid();
  after.former = std::make_shared<const Table>(before);
  edit().put(after);
  const Table& stored = *session_.catalog().table(after.oid);
  Changer changer(session_, stored);
  RowSet rows = changer.make_rows();
  std::vector<Word> words;
  for (std::size_t i = 0; i < old_rows.size(); ++i) {
    words.clear();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const std::uint32_t width = vm::value_words(after.columns[c].type);
      if (!columns[c].from) {
        ParameterValue value = columns[c].value;
        if (after.columns[c].sequence != 0) {
          auto next = session_.next_value(session_.catalog().qualified_name(
              *session_.catalog().sequence(after.columns[c].sequence)));
          if (!next) return unexpected(std::move(next).error());
          value = {{vm::int_word(*next), 0}, false};
        }
        for (std::uint32_t w = 0; w < width; ++w) words.push_back(value.words[w]);
        words.push_back(value.null ? 1 : 0);
        continue;
      }
      const compiler::ColumnLayout& from = old_layout.columns[*columns[c].from];
      for (std::uint32_t w = 0; w < width; ++w) {
        words.push_back(old_rows.word(i, from.first_word + w));
      }
      words.push_back(from.nullable ? old_rows.word(i, from.null_word()) : 0);
    }
    if (auto made = changer.append_row(words, rows); !made) {
      if (made.error().sqlstate() != "23502") return made;
      std::string column = std::string(made.error().sql->column);
      return sql_error(
          "23502",
          "column \"" + column + "\" of relation \"" + after.name + "\" contains null values",
          {.table = after.name, .column = column});
    }
  }
  // What is there of the old relation is no table's any more, the transaction's own changes of it too; the
  // rows go with the relation when the transaction commits.
  Transaction& transaction = *session_.transaction_;
  ++transaction.change_epoch;
  if (!rows.empty()) transaction.changes.push_back({after.relation, false, std::move(rows)});
  return {};
}

Expected<Outcome> Definer::rename(const sql::Alter& alter_it) {
  const std::string tag = "ALTER " + upper(alter_it.kind);
  const sql::AlterAction& action = alter_it.actions.front();
  const SessionCatalog known = names();
  if (alter_it.kind == "schema") {
    const Schema* const schema = session_.catalog().schema(alter_it.name.last().text);
    if (schema == nullptr) {
      return sql_error("3F000", "schema \"" + alter_it.name.last().text + "\" does not exist");
    }
    Schema changed = *schema;
    if (action.kind == sql::AlterActionKind::kRename) changed.name = action.name.text;
    edit().put(std::move(changed));
    return done(tag);
  }
  if (alter_it.kind == "sequence") {
    const Sequence* const sequence = known.sequence(alter_it.name);
    if (sequence == nullptr) {
      return sql_error("42P01", "relation \"" + alter_it.name.last().text + "\" does not exist");
    }
    Sequence changed = *sequence;
    if (action.kind == sql::AlterActionKind::kRename) changed.name = action.name.text;
    edit().put(std::move(changed));
    return done(tag);
  }
  const auto [owner, index] = known.index(alter_it.name);
  if (index == nullptr) {
    if (alter_it.if_exists) {
      session_.notice(Severity::kNotice, "42P01",
                      "relation \"" + alter_it.name.last().text + "\" does not exist, skipping");
      return done(tag);
    }
    return sql_error("42P01", "relation \"" + alter_it.name.last().text + "\" does not exist");
  }
  if (action.kind != sql::AlterActionKind::kRename) return done(tag);
  if (session_.catalog().is_name_taken(owner->schema, action.name.text)) {
    return sql_error("42P07", "relation \"" + action.name.text + "\" already exists");
  }
  Table changed = *owner;
  for (TableIndex& candidate : changed.indexes) {
    if (candidate.oid != index->oid) continue;
    for (TableConstraint& constraint : changed.constraints) {
      if (constraint.oid == candidate.constraint) constraint.name = action.name.text;
    }
    candidate.name = action.name.text;
  }
  edit().put(std::move(changed));
  return done(tag);
}

Expected<Outcome> Definer::alter(const sql::Alter& alter_it) {
  if (alter_it.kind == "schema" || alter_it.kind == "sequence" || alter_it.kind == "index") {
    return rename(alter_it);
  }
  if (alter_it.kind == "type" || alter_it.kind == "domain") {
    return sql_error("0A000", "ALTER " + upper(alter_it.kind) + " is not supported yet");
  }
  const std::string tag = "ALTER " + upper(alter_it.kind);
  const SessionCatalog known = names();
  const Table* const found = known.table(alter_it.name);
  if (found == nullptr) {
    const std::string& name = alter_it.name.last().text;
    if (known.index(alter_it.name).second != nullptr) return rename(alter_it);
    if (alter_it.if_exists) {
      session_.notice(Severity::kNotice, "42P01",
                      "relation \"" + name + "\" does not exist, skipping");
      return done(tag);
    }
    return sql_error("42P01", "relation \"" + name + "\" does not exist");
  }
  if (found->kind == TableKind::kRules) {
    return sql_error(
        "42809", "\"" + found->name + "\" belongs to the rules of \"" + found->deployment + "\"");
  }
  // A foreign key alone lets rows be read and locked meanwhile.
  const bool is_gentle = std::all_of(
      alter_it.actions.begin(), alter_it.actions.end(), [](const sql::AlterAction& action) {
        return action.kind == sql::AlterActionKind::kAddConstraint && action.constraint &&
               action.constraint->kind == sql::ConstraintKind::kForeignKey;
      });
  if (auto locked = lock_table(
          *found, is_gentle ? LockMode::kTableShareRowExclusive : LockMode::kTableAccessExclusive);
      !locked) {
    return unexpected(std::move(locked).error());
  }
  const Oid oid = found->oid;
  for (const sql::AlterAction& action : alter_it.actions) {
    Table table = *session_.catalog().table(oid);
    if (auto altered = alter_table(table, action); !altered) {
      return unexpected(std::move(altered).error());
    }
  }
  return done(tag);
}

Expected<void> Definer::alter_table(Table& table, const sql::AlterAction& action) {
  using Kind = sql::AlterActionKind;
  const Table before = table;
  const auto identity_columns = [&] {
    std::vector<CarriedColumn> carried(before.columns.size());
    for (std::uint32_t c = 0; c < before.columns.size(); ++c) carried[c].from = c;
    return carried;
  };
  const auto find = [&](const std::string& name) -> Expected<std::uint32_t> {
    const auto position = table.find_column(name);
    if (!position) return unexpected(no_column(table, name));
    return *position;
  };
  switch (action.kind) {
    case Kind::kAddColumn: {
      const sql::ColumnDeclaration& declaration = *action.column_declaration;
      if (table.find_column(declaration.name.text)) {
        const std::string message = "column \"" + declaration.name.text + "\" of relation \"" +
                                    table.name + "\" already exists";
        if (action.if_exists) {
          session_.notice(Severity::kNotice, "42701", message + ", skipping");
          return {};
        }
        return sql_error("42701", message);
      }
      std::vector<sql::Constraint> later;
      if (auto added = add_column(table, declaration, later, table.temporary); !added) {
        return added;
      }
      if (table.columns.back().generated) {
        return sql_error("0A000", "adding a generated column is not supported yet");
      }
      std::vector<CarriedColumn> carried = identity_columns();
      CarriedColumn& fresh = carried.emplace_back();
      const auto position = static_cast<std::uint32_t>(table.columns.size() - 1);
      if (table.columns[position].default_value != nullptr &&
          table.columns[position].sequence == 0) {
        auto value = session_.default_value(table, position);
        if (!value) return unexpected(std::move(value).error());
        fresh.value = *value;
        if (state_.pool->types().is_handle(table.columns[position].type)) {
          state_.pool->pin(value->words[0]);  // Rare, and needed until the rows are made.
        }
      }
      std::set<std::string> used;
      for (const sql::Constraint& constraint : later) {
        if (constraint.kind == sql::ConstraintKind::kForeignKey) continue;
        if (auto added = add_constraint(table, constraint, declaration.name.text, used); !added) {
          return added;
        }
      }
      if (auto rewritten = rewrite(before, table, carried); !rewritten) return rewritten;
      for (const TableConstraint& constraint : table.constraints) {
        const bool is_new = before.find_constraint(constraint.name) == nullptr;
        if (!is_new) continue;
        const Table& stored = *session_.catalog().table(table.oid);
        if (constraint.index != 0) {
          auto held = check_existing_key(stored, *stored.find_index(constraint.index));
          if (!held) return held;
        } else if (auto held = check_existing_rows(stored, constraint); !held) {
          return held;
        }
      }
      for (const sql::Constraint& constraint : later) {
        if (constraint.kind != sql::ConstraintKind::kForeignKey) continue;
        Table changed = *session_.catalog().table(table.oid);
        auto added = add_foreign_key(changed, constraint, declaration.name.text, used);
        if (!added) return added;
        const TableConstraint made = changed.constraints.back();
        edit().put(std::move(changed));
        auto held = check_existing_rows(*session_.catalog().table(table.oid), made);
        if (!held) return held;
      }
      return {};
    }
    case Kind::kDropColumn: {
      const auto position = table.find_column(action.column.text);
      if (!position) {
        if (action.if_exists) {
          session_.notice(Severity::kNotice, "42703",
                          std::string(no_column(table, action.column.text).message) + ", skipping");
          return {};
        }
        return unexpected(no_column(table, action.column.text));
      }
      std::vector<CarriedColumn> carried = identity_columns();
      carried.erase(carried.begin() + *position);
      const auto mentions = [&](const std::vector<std::uint32_t>& columns) {
        return std::find(columns.begin(), columns.end(), *position) != columns.end();
      };
      for (const auto& [child, constraint] : session_.catalog().references_to(table.oid)) {
        if (!mentions(constraint->referenced_columns)) continue;
        if (action.behavior != sql::DropBehavior::kCascade) {
          return sql_error(
              "2BP01",
              "cannot drop column " + action.column.text + " of table " + table.name +
                  " because other objects depend on it",
              {.detail = "constraint " + constraint->name + " on table " + child->name +
                         " depends on column " + action.column.text + " of table " + table.name,
               .hint = "Use DROP ... CASCADE to drop the dependent objects too."});
        }
        if (child->oid == table.oid) continue;
        Table changed = *child;
        std::erase_if(changed.constraints, [&, name = constraint->name](const TableConstraint& c) {
          return c.name == name;
        });
        edit().put(std::move(changed));
        break;
      }
      if (!session_.catalog().readers_of(table.oid).empty()) {
        return sql_error(
            "0A000", "cannot drop a column of table \"" + table.name + "\" while views read it");
      }
      const Oid sequence = table.columns[*position].sequence;
      std::erase_if(table.constraints, [&](const TableConstraint& constraint) {
        return mentions(constraint.columns) ||
               (constraint.referenced == table.oid && mentions(constraint.referenced_columns)) ||
               (constraint.type == ConstraintType::kCheck &&
                constraint.check_text.find(action.column.text) != std::string::npos);
      });
      std::erase_if(table.indexes,
                    [&](const TableIndex& index) { return mentions(index.columns); });
      if (mentions(table.primary_key)) table.primary_key.clear();
      table.columns.erase(table.columns.begin() + *position);
      const auto shift = [&](std::vector<std::uint32_t>& columns) {
        for (std::uint32_t& column : columns) column -= column > *position ? 1 : 0;
      };
      shift(table.primary_key);
      for (TableIndex& index : table.indexes) shift(index.columns);
      for (TableConstraint& constraint : table.constraints) {
        shift(constraint.columns);
        if (constraint.referenced == table.oid) shift(constraint.referenced_columns);
      }
      for (const auto& [child, constraint] : session_.catalog().references_to(table.oid)) {
        if (child->oid == table.oid) continue;
        Table changed = *child;
        for (TableConstraint& own : changed.constraints) {
          if (own.referenced == table.oid) shift(own.referenced_columns);
        }
        edit().put(std::move(changed));
      }
      if (sequence != 0) edit().drop_sequence(sequence);
      return rewrite(before, table, carried);
    }
    case Kind::kSetDefault: {
      auto position = find(action.column.text);
      if (!position) return unexpected(std::move(position).error());
      TableColumn& column = table.columns[*position];
      const SessionCatalog known = names();
      if (!sql2datalog::default_sequence(*action.expression, context(known))) {
        auto lowered = sql2datalog::lower_default(*action.expression, column.sql_type, column.name,
                                                  context(known));
        if (!lowered) return unexpected(std::move(lowered).error());
      }
      column.default_text = source_text(action.expression->span);
      column.default_value = std::make_shared<const sql::Expression>(*action.expression);
      column.sequence = 0;
      edit().put(std::move(table));
      return {};
    }
    case Kind::kDropDefault: {
      auto position = find(action.column.text);
      if (!position) return unexpected(std::move(position).error());
      table.columns[*position].default_text.clear();
      table.columns[*position].default_value.reset();
      if (table.columns[*position].identity == Identity::kNone)
        table.columns[*position].sequence = 0;
      edit().put(std::move(table));
      return {};
    }
    case Kind::kSetNotNull:
    case Kind::kDropNotNull: {
      auto position = find(action.column.text);
      if (!position) return unexpected(std::move(position).error());
      const bool not_null = action.kind == Kind::kSetNotNull;
      if (table.columns[*position].not_null == not_null) return {};
      if (!not_null && std::find(table.primary_key.begin(), table.primary_key.end(), *position) !=
                           table.primary_key.end()) {
        return sql_error("42P16", "column \"" + action.column.text + "\" is in a primary key");
      }
      table.columns[*position].not_null = not_null;
      return rewrite(before, table, identity_columns());
    }
    case Kind::kSetType:
      return change_column_type(table, action);
    case Kind::kAddIdentity: {
      auto position = find(action.column.text);
      if (!position) return unexpected(std::move(position).error());
      if (!table.columns[*position].not_null) {
        return sql_error("55000", "column \"" + action.column.text + "\" of relation \"" +
                                      table.name +
                                      "\" must be declared NOT NULL before identity can be added");
      }
      table.columns[*position].identity =
          action.constraint->generated == sql::GeneratedKind::kAlways ? Identity::kAlways
                                                                      : Identity::kByDefault;
      auto sequence = make_owned_sequence(table, *position, table.columns[*position].sql_type.oid,
                                          action.constraint->sequence_options, true);
      if (!sequence) return unexpected(std::move(sequence).error());
      table.columns[*position].sequence = *sequence;
      edit().put(std::move(table));
      return {};
    }
    case Kind::kDropIdentity: {
      auto position = find(action.column.text);
      if (!position) return unexpected(std::move(position).error());
      const Oid sequence = table.columns[*position].sequence;
      table.columns[*position].identity = Identity::kNone;
      table.columns[*position].sequence = 0;
      edit().put(std::move(table));
      if (sequence != 0) edit().drop_sequence(sequence);
      return {};
    }
    case Kind::kAddConstraint: {
      std::set<std::string> used;
      const sql::Constraint& constraint = *action.constraint;
      if (auto added = add_constraint(table, constraint, "", used); !added) return added;
      const TableConstraint made = table.constraints.back();
      if (made.type == ConstraintType::kPrimaryKey) {
        // The relation becomes one that is keyed.
        Table keyed = table;
        edit().put(table);
        Table unkeyed = before;
        auto held = check_existing_key(unkeyed, *table.find_index(made.index));
        if (!held) return held;
        return rewrite(before, keyed, identity_columns());
      }
      if (made.type == ConstraintType::kUnique) {
        auto held = check_existing_key(before, *table.find_index(made.index));
        if (!held) return held;
      }
      edit().put(std::move(table));
      if (made.index == 0 || made.type == ConstraintType::kForeignKey) {
        if (constraint.deferral.not_valid) return {};
        return check_existing_rows(*session_.catalog().table(before.oid), made);
      }
      return {};
    }
    case Kind::kDropConstraint: {
      const TableConstraint* const found = table.find_constraint(action.name.text);
      if (found == nullptr) {
        const std::string message = "constraint \"" + action.name.text + "\" of relation \"" +
                                    table.name + "\" does not exist";
        if (action.if_exists) {
          session_.notice(Severity::kNotice, "42704", message + ", skipping");
          return {};
        }
        return sql_error("42704", message);
      }
      const TableConstraint gone = *found;
      if (gone.type == ConstraintType::kPrimaryKey || gone.type == ConstraintType::kUnique) {
        for (const auto& [child, constraint] : session_.catalog().references_to(table.oid)) {
          if (constraint->index != gone.index) continue;
          if (action.behavior != sql::DropBehavior::kCascade) {
            return sql_error("2BP01",
                             "cannot drop constraint " + gone.name + " on table " + table.name +
                                 " because other objects depend on it",
                             {.detail = "constraint " + constraint->name + " on table " +
                                        child->name + " depends on index " + gone.name,
                              .hint = "Use DROP ... CASCADE to drop the dependent objects too."});
          }
          Table changed = child->oid == table.oid ? table : *child;
          std::erase_if(
              changed.constraints,
              [&, name = constraint->name](const TableConstraint& c) { return c.name == name; });
          if (child->oid == table.oid) {
            table = std::move(changed);
          } else {
            edit().put(std::move(changed));
          }
          break;
        }
      }
      std::erase_if(table.constraints,
                    [&](const TableConstraint& candidate) { return candidate.oid == gone.oid; });
      if (gone.index != 0 && gone.type != ConstraintType::kForeignKey) {
        std::erase_if(table.indexes,
                      [&](const TableIndex& index) { return index.oid == gone.index; });
      }
      if (gone.type == ConstraintType::kPrimaryKey) {
        table.primary_key.clear();
        return rewrite(before, table, identity_columns());
      }
      edit().put(std::move(table));
      return {};
    }
    case Kind::kRenameColumn: {
      auto position = find(action.column.text);
      if (!position) return unexpected(std::move(position).error());
      if (table.find_column(action.name.text)) {
        return sql_error("42701", "column \"" + action.name.text + "\" of relation \"" +
                                      table.name + "\" already exists");
      }
      if (!session_.catalog().readers_of(table.oid).empty()) {
        return sql_error("0A000",
                         "cannot rename a column of \"" + table.name + "\" while views read it");
      }
      for (const TableConstraint& constraint : table.constraints) {
        if (constraint.type == ConstraintType::kCheck &&
            constraint.check_text.find(action.column.text) != std::string::npos) {
          return sql_error("0A000", "cannot rename a column that check constraint \"" +
                                        constraint.name + "\" reads");
        }
      }
      table.columns[*position].name = action.name.text;
      edit().put(std::move(table));
      return {};
    }
    case Kind::kRenameConstraint: {
      for (TableConstraint& constraint : table.constraints) {
        if (constraint.name != action.column.text) continue;
        for (TableIndex& index : table.indexes) {
          if (index.constraint == constraint.oid) index.name = action.name.text;
        }
        constraint.name = action.name.text;
        edit().put(std::move(table));
        return {};
      }
      return sql_error("42704", "constraint \"" + action.column.text + "\" for table \"" +
                                    table.name + "\" does not exist");
    }
    case Kind::kRename:
      if (!session_.catalog().readers_of(table.oid).empty()) {
        return sql_error("0A000", "cannot rename \"" + table.name + "\" while views read it");
      }
      if (session_.catalog().is_name_taken(table.schema, action.name.text)) {
        return sql_error("42P07", "relation \"" + action.name.text + "\" already exists");
      }
      table.name = action.name.text;
      edit().put(std::move(table));
      return {};
    case Kind::kSetSchema: {
      const Schema* const schema = session_.catalog().schema(action.name.text);
      if (schema == nullptr) {
        return sql_error("3F000", "schema \"" + action.name.text + "\" does not exist");
      }
      table.schema = schema->oid;
      edit().put(std::move(table));
      return {};
    }
    case Kind::kOwnerTo:
      table.owner = action.name.text;
      edit().put(std::move(table));
      return {};
    case Kind::kSetOptions:
    case Kind::kResetOptions:
    case Kind::kValidateConstraint:
      return {};
    default:
      return sql_error("0A000", "ALTER " +
                                    (action.text.empty() ? "TABLE with this action" : action.text) +
                                    " is not supported yet");
  }
}

Expected<void> Definer::change_column_type(Table& table, const sql::AlterAction& action) {
  const Table before = table;
  const auto position = table.find_column(action.column.text);
  if (!position) return unexpected(no_column(table, action.column.text));
  const SessionCatalog known = names();
  auto type = sql2datalog::resolve_type(*action.type, context(known));
  if (!type) return unexpected(std::move(type).error());
  if (is_standing_premise(before)) {
    return sql_error("0A000", "cannot alter type of a column used by a view or rule");
  }
  auto lowered = sql2datalog::lower_column_change(
      session_.catalog().description(before), *position, type->type,
      action.expression ? &*action.expression : nullptr, context(known));
  if (!lowered) return unexpected(std::move(lowered).error());
  auto runner = QueryRunner::create(state_, std::move(*lowered));
  if (!runner) return unexpected(std::move(runner).error());
  if (auto lent = state_.lend_head(session_.transaction_.get()); !lent) return lent;
  const vm::StandingRelation& standing = state_.rows_of(before.relation);
  RowSet old_rows(state_.layout_of(before.relation), *state_.pool);
  append_standing_rows(standing, old_rows);
  const compiler::RelationLayout old_layout = state_.layout_of(before.relation);
  const InputRows input{{old_rows.batch(), &old_layout}};
  compiler::QueryResult answer;
  if (auto run = (*runner)->run(session_, {}, input, answer); !run) return run;
  table.columns[*position].sql_type = type->type;
  table.columns[*position].type = type->machine;
  auto relation = state_.add_table_relation(table);
  if (!relation) return unexpected(std::move(relation).error());
  table.relation = *relation;
  table.storage = edit().next_oid();
  table.former = std::make_shared<const Table>(before);
  edit().put(table);
  const Table& stored = *session_.catalog().table(table.oid);
  Changer changer(session_, stored);
  RowSet rows = changer.make_rows();
  for (std::size_t i = 0; i < answer.row_count(); ++i) {
    auto made = changer.append_from_answer(answer, (*runner)->layout(), i, 0, rows);
    if (!made) return made;
  }
  Transaction& transaction = *session_.transaction_;
  ++transaction.change_epoch;
  if (!rows.empty()) transaction.changes.push_back({table.relation, false, std::move(rows)});
  return {};
}

}  // namespace entail::engine
