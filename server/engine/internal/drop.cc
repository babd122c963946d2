// DROP: tables and views with what depends on them, indexes, sequences, schemas, types, users.
#include <algorithm>

#include "server/engine/internal/definer.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

namespace sql = grammar::sql;

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

std::string_view kind_word(TableKind kind) {
  switch (kind) {
    case TableKind::kTable:
    case TableKind::kRules:
      return "table";
    case TableKind::kView:
      return "view";
    case TableKind::kMaterializedView:
      return "materialized view";
  }
  return "table";
}

}  // namespace

std::string Definer::kind_and_name(const Table& table) const {
  return std::string(kind_word(table.kind)) + " " + table.name;
}

// With all that depends on them, or 2BP01.
Expected<void> Definer::drop_tables(std::vector<Oid> tables, bool cascade,
                                    const std::string& what) {
  std::set<Oid> doomed(tables.begin(), tables.end());
  std::vector<std::string> dependents;
  std::vector<std::string> cascaded;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const Table* const table = session_.catalog().table(tables[i]);
    for (const Table* const view : session_.catalog().readers_of(tables[i])) {
      if (doomed.count(view->oid) != 0) continue;
      dependents.push_back(kind_and_name(*view) + " depends on " + kind_and_name(*table));
      cascaded.push_back("drop cascades to " + kind_and_name(*view));
      doomed.insert(view->oid);
      tables.push_back(view->oid);
    }
    if (const Deployment* const rules = session_.catalog().deployment_using(tables[i])) {
      return sql_error(
          "2BP01", "cannot drop " + what + " because other objects depend on it",
          {.detail = "rules \"" + rules->name + "\" depend on " + kind_and_name(*table)});
    }
    for (const auto& [child, constraint] : session_.catalog().references_to(tables[i])) {
      if (doomed.count(child->oid) != 0) continue;
      dependents.push_back("constraint " + constraint->name + " on " + kind_and_name(*child) +
                           " depends on " + kind_and_name(*table));
      cascaded.push_back("drop cascades to constraint " + constraint->name + " on " +
                         kind_and_name(*child));
    }
  }
  if (!dependents.empty() && !cascade) {
    std::string detail;
    for (const std::string& line : dependents) detail += (detail.empty() ? "" : "\n") + line;
    return sql_error(
        "2BP01", "cannot drop " + what + " because other objects depend on it",
        {.detail = detail, .hint = "Use DROP ... CASCADE to drop the dependent objects too."});
  }
  for (const Oid oid : tables) {
    const Table* const table = session_.catalog().table(oid);
    if (table->kind == TableKind::kRules) {
      return sql_error(
          "42809", "\"" + table->name + "\" belongs to the rules of \"" + table->deployment + "\"");
    }
    if (auto locked = lock_table(*table); !locked) return locked;
  }
  if (cascaded.size() == 1) {
    session_.notice(Severity::kNotice, "00000", cascaded.front());
  } else if (!cascaded.empty()) {
    std::string detail;
    for (const std::string& line : cascaded) detail += (detail.empty() ? "" : "\n") + line;
    session_.notice(Severity::kNotice, "00000",
                    "drop cascades to " + std::to_string(cascaded.size()) + " other objects",
                    detail);
  }
  Catalog& catalog = edit();
  for (const Oid oid : doomed) {
    for (const auto& [child, constraint] : catalog.references_to(oid)) {
      if (doomed.count(child->oid) != 0) continue;
      Table changed = *child;
      std::erase_if(changed.constraints, [&, name = constraint->name](const TableConstraint& c) {
        return c.name == name;
      });
      catalog.put(std::move(changed));
      break;
    }
  }
  for (const Oid oid : doomed) {
    // Several keys of one child may refer to the table.
    for (auto references = catalog.references_to(oid); !references.empty();
         references = catalog.references_to(oid)) {
      if (doomed.count(references.front().first->oid) != 0) break;
      Table changed = *references.front().first;
      std::erase_if(changed.constraints, [&](const TableConstraint& c) {
        return c.type == ConstraintType::kForeignKey && c.referenced == oid;
      });
      catalog.put(std::move(changed));
    }
  }
  for (const Oid oid : doomed) {
    const Table* const table = catalog.table(oid);
    std::vector<Oid> sequences;
    for (const auto& [sequence_oid, sequence] : catalog.sequences()) {
      if (sequence->owned_by == oid) sequences.push_back(sequence_oid);
    }
    for (const Oid sequence : sequences) catalog.drop_sequence(sequence);
    // What this transaction has changed of it goes with it, unless a savepoint brings it back.
    if (table->holds_rows()) ++session_.transaction_->change_epoch;
    catalog.drop_table(oid);
  }
  return {};
}

Expected<void> Definer::drop_index(Oid schema, const std::string& name) {
  const auto [owner, index] = session_.catalog().index(schema, name);
  if (index->constraint != 0) {
    return sql_error(
        "2BP01",
        "cannot drop index " + name + " because constraint " + name + " on table " + owner->name +
            " requires it",
        {.hint = "You can drop constraint " + name + " on table " + owner->name + " instead."});
  }
  Table changed = *owner;
  std::erase_if(changed.indexes,
                [&](const TableIndex& candidate) { return candidate.name == name; });
  edit().put(std::move(changed));
  return {};
}

// No column's default may go on taking from a sequence that goes.
Expected<void> Definer::free_sequence(const Sequence& sequence, bool cascade) {
  const SessionCatalog known = names();
  const std::string qualified = session_.catalog().qualified_name(sequence);
  std::vector<Table> changed;
  for (const auto& [oid, table] : session_.catalog().tables()) {
    for (std::size_t c = 0; c < table->columns.size(); ++c) {
      const TableColumn& column = table->columns[c];
      if (column.default_value == nullptr) continue;
      sql2datalog::LoweringContext context;
      context.catalog = &known;
      context.text = column.default_text;
      const auto used = sql2datalog::default_sequence(*column.default_value, context);
      if (!used || *used != qualified) continue;
      if (!cascade) {
        return sql_error(
            "2BP01",
            "cannot drop sequence " + sequence.name + " because other objects depend on it",
            {.detail = "default value for column " + column.name + " of table " + table->name +
                       " depends on sequence " + sequence.name,
             .hint = "Use DROP ... CASCADE to drop the dependent objects too."});
      }
      if (changed.empty() || changed.back().oid != oid) changed.push_back(*table);
      changed.back().columns[c].default_text.clear();
      changed.back().columns[c].default_value.reset();
    }
  }
  for (Table& table : changed) edit().put(std::move(table));
  return {};
}

Expected<Outcome> Definer::drop(const sql::Drop& drop_it) {
  const std::string tag =
      "DROP " + (drop_it.kind == "user" || drop_it.kind == "group" ? std::string("ROLE")
                                                                   : upper(drop_it.kind));
  const bool cascade = drop_it.behavior == sql::DropBehavior::kCascade;
  const auto missing = [&](std::string_view state, const std::string& kind,
                           const std::string& name) -> Expected<void> {
    if (drop_it.if_exists) {
      session_.notice(Severity::kNotice, state,
                      kind + " \"" + name + "\" does not exist, skipping");
      return {};
    }
    return sql_error(state, kind + " \"" + name + "\" does not exist");
  };
  std::vector<Oid> tables;
  for (const sql::QualifiedName& name : drop_it.names) {
    const std::string& last = name.last().text;
    const SessionCatalog known = names();
    if (drop_it.kind == "table" || drop_it.kind == "view" || drop_it.kind == "materialized view") {
      if (name.parts.size() > 1 && !known.has_schema(name.parts[name.parts.size() - 2].text) &&
          !drop_it.if_exists) {
        return sql_error(
            "3F000", "schema \"" + name.parts[name.parts.size() - 2].text + "\" does not exist");
      }
      const Table* const table = known.table(name);
      if (table == nullptr) {
        if (auto skipped = missing("42P01", drop_it.kind, last); !skipped) {
          return unexpected(std::move(skipped).error());
        }
        continue;
      }
      const TableKind wanted = drop_it.kind == "table"  ? TableKind::kTable
                               : drop_it.kind == "view" ? TableKind::kView
                                                        : TableKind::kMaterializedView;
      if (table->kind != wanted && table->kind != TableKind::kRules) {
        const std::string is = std::string(kind_word(table->kind));
        return sql_error("42809", "\"" + table->name + "\" is not a " + drop_it.kind,
                         {.hint = "Use DROP " + upper(is) + " to remove a " + is + "."});
      }
      tables.push_back(table->oid);
    } else if (drop_it.kind == "index") {
      const auto [owner, index] = known.index(name);
      if (index == nullptr) {
        if (const Table* const other = known.table(name)) {
          const std::string is = std::string(kind_word(other->kind));
          return sql_error("42809", "\"" + other->name + "\" is not an index",
                           {.hint = "Use DROP " + upper(is) + " to remove a " + is + "."});
        }
        if (auto skipped = missing("42704", "index", last); !skipped) {
          return unexpected(std::move(skipped).error());
        }
        continue;
      }
      if (auto dropped = drop_index(owner->schema, index->name); !dropped) {
        return unexpected(std::move(dropped).error());
      }
    } else if (drop_it.kind == "sequence") {
      const Sequence* const sequence = known.sequence(name);
      if (sequence == nullptr) {
        if (auto skipped = missing("42P01", "sequence", last); !skipped) {
          return unexpected(std::move(skipped).error());
        }
        continue;
      }
      if (sequence->owned_by != 0 && session_.catalog().table(sequence->owned_by) != nullptr) {
        const Table* const owner = session_.catalog().table(sequence->owned_by);
        std::string column;
        for (const TableColumn& candidate : owner->columns) {
          if (candidate.sequence == sequence->oid) column = candidate.name;
        }
        if (!cascade && !column.empty()) {
          return sql_error(
              "2BP01",
              "cannot drop sequence " + sequence->name + " because other objects depend on it",
              {.detail = "default value for column " + column + " of table " + owner->name +
                         " depends on sequence " + sequence->name,
               .hint = "Use DROP ... CASCADE to drop the dependent objects too."});
        }
        Table changed = *owner;
        for (TableColumn& candidate : changed.columns) {
          if (candidate.sequence != sequence->oid) continue;
          candidate.sequence = 0;
          candidate.default_text.clear();
          candidate.default_value.reset();
        }
        const Oid oid = sequence->oid;
        edit().put(std::move(changed));
        edit().drop_sequence(oid);
        continue;
      }
      if (auto freed = free_sequence(*sequence, cascade); !freed) {
        return unexpected(std::move(freed).error());
      }
      edit().drop_sequence(sequence->oid);
    } else if (drop_it.kind == "schema") {
      const Schema* const schema = session_.catalog().schema(last);
      if (schema == nullptr) {
        if (auto skipped = missing("3F000", "schema", last); !skipped) {
          return unexpected(std::move(skipped).error());
        }
        continue;
      }
      const Oid oid = schema->oid;
      if (oid == kSchemaPgCatalog || oid == kSchemaInformation || oid == kSchemaEntail) {
        return sql_error("2BP01", "cannot drop schema " + last +
                                      " because it is required by the database system");
      }
      std::vector<Oid> inside, sequences, types;
      std::string detail;
      for (const auto& [table_oid, table] : session_.catalog().tables()) {
        if (table->schema != oid) continue;
        inside.push_back(table_oid);
        detail += (detail.empty() ? "" : "\n") + std::string(kind_word(table->kind)) + " " + last +
                  "." + table->name + " depends on schema " + last;
      }
      for (const auto& [sequence_oid, sequence] : session_.catalog().sequences()) {
        if (sequence->schema == oid) sequences.push_back(sequence_oid);
      }
      for (const auto& [type_oid, type] : session_.catalog().types()) {
        if (type->schema == oid) types.push_back(type_oid);
      }
      if (!cascade && (!inside.empty() || !sequences.empty() || !types.empty())) {
        return sql_error(
            "2BP01", "cannot drop schema " + last + " because other objects depend on it",
            {.detail = detail, .hint = "Use DROP ... CASCADE to drop the dependent objects too."});
      }
      if (!inside.empty()) {
        if (auto dropped = drop_tables(inside, true, "schema " + last); !dropped) {
          return unexpected(std::move(dropped).error());
        }
      }
      Catalog& catalog = edit();
      for (const Oid sequence : sequences) catalog.drop_sequence(sequence);
      for (const Oid type : types) catalog.drop_type(type);
      catalog.drop_schema(oid);
    } else if (drop_it.kind == "type" || drop_it.kind == "domain") {
      const UserType* const type = known.type(name);
      if (type == nullptr) {
        if (auto skipped = missing("42704", "type", last); !skipped) {
          return unexpected(std::move(skipped).error());
        }
        continue;
      }
      for (const auto& [table_oid, table] : session_.catalog().tables()) {
        for (const TableColumn& column : table->columns) {
          if (column.sql_type.oid != type->oid) continue;
          return sql_error("2BP01",
                           "cannot drop type " + last + " because other objects depend on it",
                           {.detail = "column " + column.name + " of " + kind_and_name(*table) +
                                      " depends on type " + last,
                            .hint = "Use DROP ... CASCADE to drop the dependent objects too."});
        }
      }
      edit().drop_type(type->oid);
    } else if (drop_it.kind == "role" || drop_it.kind == "user" || drop_it.kind == "group") {
      if (session_.catalog().user(last) == nullptr) {
        if (auto skipped = missing("42704", "role", last); !skipped) {
          return unexpected(std::move(skipped).error());
        }
        continue;
      }
      edit().drop_user(last);
    } else {
      return sql_error("0A000", "DROP " + upper(drop_it.kind) + " is not supported yet");
    }
  }
  if (!tables.empty()) {
    const Table* const first = session_.catalog().table(tables.front());
    const std::string what = tables.size() == 1 ? kind_and_name(*first) : "desired object(s)";
    if (auto dropped = drop_tables(std::move(tables), cascade, what); !dropped) {
      return unexpected(std::move(dropped).error());
    }
  }
  return done(tag);
}

}  // namespace entail::engine
