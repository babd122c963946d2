#include "server/engine/internal/constraints.h"

#include <algorithm>
#include <numeric>

#include "server/engine/internal/session_impl.h"
#include "server/engine/sql_error.h"
#include "vm/row_scan.h"

namespace entail::engine {

using grammar::sql::ReferenceAction;
using vm::Row;
using vm::Word;

// ---------------------------------------------------------------------------------------------------
// Look-ups

Expected<KeyLookup> KeyLookup::create(EngineState& state, RelationId relation,
                                      std::vector<std::uint32_t> columns) {
  KeyLookup lookup;
  lookup.rows_ = &state.rows_of(relation);
  lookup.layout_ = &state.layout_of(relation);
  lookup.columns_ = std::move(columns);
  std::vector<std::uint32_t> ascending = lookup.columns_;
  std::sort(ascending.begin(), ascending.end());
  lookup.key_words_ = lookup.layout_->words_of_columns(ascending);
  lookup.by_membership_ =
      !lookup.rows_->options().bag && lookup.key_words_.size() == lookup.layout_->words.size();
  if (!lookup.by_membership_) {
    vm::IndexSpec spec;
    spec.key = lookup.key_words_;
    auto index = state.network->add_index(relation, spec);
    if (!index) return unexpected(with_sqlstate(std::move(index).error()));
    lookup.index_ = *index;
  }
  return lookup;
}

void KeyLookup::find(const RowSet& keys, const compiler::RelationLayout& key_layout,
                     std::size_t row, std::span<const std::uint32_t> key_columns,
                     std::vector<Row>& found) const {
  std::vector<Word> by_word(layout_->words.size(), 0);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const compiler::ColumnLayout& from = key_layout.columns[key_columns[i]];
    const compiler::ColumnLayout& to = layout_->columns[columns_[i]];
    if (from.nullable && keys.word(row, from.null_word()) != 0) return;
    for (std::uint32_t w = 0; w < to.value_words; ++w) {
      by_word[to.first_word + w] = keys.word(row, from.first_word + w);
    }
  }
  std::vector<const Word*> arrays;
  for (const std::uint32_t word : key_words_) arrays.push_back(&by_word[word]);
  if (by_membership_) {
    Row at = vm::kNoRow;
    rows_->find(vm::View::kTotal, arrays, 1, &at);
    if (at != vm::kNoRow) found.push_back(at);
    return;
  }
  std::vector<std::uint32_t> lanes;
  rows_->probe(index_, vm::View::kTotal, arrays, 1, found, lanes);
}

void append_standing_row(const vm::StandingRelation& relation, Row row, RowSet& out) {
  std::vector<Word> words(out.width());
  for (std::uint32_t c = 0; c < words.size(); ++c) relation.load(c, &row, 1, &words[c]);
  out.append(words);
}

void append_standing_rows(const vm::StandingRelation& relation, RowSet& out) {
  for (vm::RowScan scan(relation); scan.next();) {
    out.append(compiler::RowBatch{scan.load_words(), scan.rows().size()});
  }
}

// ---------------------------------------------------------------------------------------------------
// Messages

namespace {

void append_value(SessionImpl& session, const TableColumn& column,
                  const compiler::ColumnLayout& layout, const RowSet& rows, std::size_t row,
                  std::string& out) {
  if (layout.nullable && rows.word(row, layout.null_word()) != 0) {
    out += "null";
    return;
  }
  Word words[2] = {0, 0};
  for (std::uint32_t w = 0; w < layout.value_words; ++w) {
    words[w] = rows.word(row, layout.first_word + w);
  }
  append_sql_text(*session.state().pool, layout.type, column.sql_type.oid, column.sql_type.typmod,
                  words, session.text_settings(), out);
}

SqlFields fields_of(SessionImpl& session, const Table& table, std::string detail) {
  const Schema* const schema = session.catalog().schema(table.schema);
  SqlFields fields;
  fields.detail = std::move(detail);
  fields.schema = schema == nullptr ? "" : schema->name;
  fields.table = table.name;
  return fields;
}

std::string column_list(const Table& table, std::span<const std::uint32_t> columns) {
  std::string result = "(";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) result += ", ";
    result += table.columns[columns[i]].name;
  }
  return result + ")";
}

}  // namespace

std::string describe_key(SessionImpl& session, const Table& table,
                         std::span<const std::uint32_t> columns, const RowSet& rows,
                         std::size_t row) {
  const compiler::RelationLayout& layout = session.state().layout_of(table.relation);
  std::string result = column_list(table, columns) + "=(";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) result += ", ";
    append_value(session, table.columns[columns[i]], layout.columns[columns[i]], rows, row, result);
  }
  return result + ")";
}

std::string describe_row(SessionImpl& session, const Table& table, const RowSet& rows,
                         std::size_t row) {
  // PostgreSQL shortens values beyond 64 bytes.
  const compiler::RelationLayout& layout = session.state().layout_of(table.relation);
  std::string result = "(";
  for (std::uint32_t c = 0; c < table.columns.size(); ++c) {
    if (c > 0) result += ", ";
    std::string value;
    append_value(session, table.columns[c], layout.columns[c], rows, row, value);
    if (value.size() > 64) value = value.substr(0, 64) + "...";
    result += value;
  }
  return result + ")";
}

Error not_null_violation(SessionImpl& session, const Table& table, std::uint32_t column,
                         const RowSet& rows, std::size_t row) {
  SqlFields fields = fields_of(
      session, table, "Failing row contains " + describe_row(session, table, rows, row) + ".");
  fields.column = table.columns[column].name;
  return make_sql_error("23502",
                        "null value in column \"" + table.columns[column].name +
                            "\" of relation \"" + table.name + "\" violates not-null constraint",
                        std::move(fields));
}

Error check_violation(SessionImpl& session, const Table& table, const std::string& constraint,
                      const RowSet& rows, std::size_t row) {
  SqlFields fields = fields_of(
      session, table, "Failing row contains " + describe_row(session, table, rows, row) + ".");
  fields.constraint = constraint;
  return make_sql_error("23514",
                        "new row for relation \"" + table.name + "\" violates check constraint \"" +
                            constraint + "\"",
                        std::move(fields));
}

Error unique_violation(SessionImpl& session, const Table& table, const TableIndex& index,
                       const RowSet& rows, std::size_t row) {
  SqlFields fields = fields_of(
      session, table,
      "Key " + describe_key(session, table, index.columns, rows, row) + " already exists.");
  fields.constraint = index.name;
  return make_sql_error("23505",
                        "duplicate key value violates unique constraint \"" + index.name + "\"",
                        std::move(fields));
}

// ---------------------------------------------------------------------------------------------------
// Foreign keys

namespace {

bool is_deferred(const TableConstraint& constraint, const Transaction& transaction) {
  if (!constraint.deferrable) return false;
  const ConstraintModes& modes = transaction.constraint_modes;
  const auto said = modes.by_constraint.find(constraint.oid);
  if (said != modes.by_constraint.end()) return said->second;
  return modes.all.value_or(constraint.initially_deferred);
}

bool has_null(const compiler::RelationLayout& layout, const RowSet& rows, std::size_t row,
              std::span<const std::uint32_t> columns) {
  return std::any_of(columns.begin(), columns.end(), [&](std::uint32_t c) {
    const compiler::ColumnLayout& column = layout.columns[c];
    return column.nullable && rows.word(row, column.null_word()) != 0;
  });
}

// Rows of the child must have their parents.
Expected<void> check_children(SessionImpl& session, const Table& child,
                              const TableConstraint& constraint, const RowSet& rows) {
  EngineState& state = session.state();
  const Table* const parent = session.catalog().table(constraint.referenced);
  if (parent == nullptr) return {};
  auto lookup = KeyLookup::create(state, parent->relation, constraint.referenced_columns);
  if (!lookup) return unexpected(std::move(lookup).error());
  std::vector<std::uint32_t> all(child.columns.size());
  std::iota(all.begin(), all.end(), 0U);
  const compiler::RelationLayout& layout = state.layout_of(child.relation);
  std::vector<Row> found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (has_null(layout, rows, i, constraint.columns)) {
      if (constraint.match != grammar::sql::MatchKind::kFull) continue;
      const bool all_null =
          std::all_of(constraint.columns.begin(), constraint.columns.end(), [&](std::uint32_t c) {
            return layout.columns[c].nullable && rows.word(i, layout.columns[c].null_word()) != 0;
          });
      if (all_null) continue;
      SqlFields fields = fields_of(
          session, child, "MATCH FULL does not allow mixing of null and nonnull key values.");
      fields.constraint = constraint.name;
      return sql_error("23503",
                       "insert or update on table \"" + child.name +
                           "\" violates foreign key constraint \"" + constraint.name + "\"",
                       std::move(fields));
    }
    found.clear();
    lookup->find(rows, layout, i, constraint.columns, found);
    if (!found.empty()) {
      if (auto locked = session.lock_parent(*parent, constraint, child, rows, i); !locked) {
        return locked;
      }
      continue;
    }
    // A later change of the transaction may have taken the row away again.
    std::string key;
    const KeyEncoder encoder(layout, *state.pool);
    encoder.encode_row(rows, i, key);
    if (!session.stands(child, rows, i)) continue;
    SqlFields fields =
        fields_of(session, child,
                  "Key " + describe_key(session, child, constraint.columns, rows, i) +
                      " is not present in table \"" + parent->name + "\".");
    fields.constraint = constraint.name;
    return sql_error("23503",
                     "insert or update on table \"" + child.name +
                         "\" violates foreign key constraint \"" + constraint.name + "\"",
                     std::move(fields));
  }
  return {};
}

// Keys of the parent that are gone must not be referred to.
Expected<void> check_parents(SessionImpl& session, const Table& parent, const Table& child,
                             const TableConstraint& constraint, const RowSet& rows) {
  EngineState& state = session.state();
  const compiler::RelationLayout& layout = state.layout_of(parent.relation);
  auto still = KeyLookup::create(state, parent.relation, constraint.referenced_columns);
  if (!still) return unexpected(std::move(still).error());
  auto children = KeyLookup::create(state, child.relation, constraint.columns);
  if (!children) return unexpected(std::move(children).error());
  std::vector<Row> found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    found.clear();
    children->find(rows, layout, i, constraint.referenced_columns, found);
    if (found.empty()) continue;
    found.clear();
    still->find(rows, layout, i, constraint.referenced_columns, found);
    if (!found.empty()) continue;
    SqlFields fields =
        fields_of(session, child,
                  "Key " + describe_key(session, parent, constraint.referenced_columns, rows, i) +
                      " is still referenced from table \"" + child.name + "\".");
    fields.constraint = constraint.name;
    return sql_error("23503",
                     "update or delete on table \"" + parent.name +
                         "\" violates foreign key constraint \"" + constraint.name +
                         "\" on table \"" + child.name + "\"",
                     std::move(fields));
  }
  return {};
}

}  // namespace

namespace {

// Of the changes from `first` on, the constraints that `wanted` takes.
template <typename Wanted>
Expected<void> check_references(SessionImpl& session, std::size_t first, Wanted wanted) {
  Transaction* const transaction = session.transaction();
  const Catalog& catalog = session.catalog();
  for (std::size_t i = first; i < transaction->changes.size(); ++i) {
    const ChangeChunk& chunk = transaction->changes[i];
    const Table* const table = catalog.table_of(chunk.relation);
    if (table == nullptr || chunk.rows.empty()) continue;
    if (!chunk.deletion) {
      for (const TableConstraint& constraint : table->constraints) {
        if (constraint.type != ConstraintType::kForeignKey || !wanted(constraint)) continue;
        if (auto held = check_children(session, *table, constraint, chunk.rows); !held) {
          return held;
        }
      }
      continue;
    }
    for (const auto& [child, constraint] : catalog.references_to(table->oid)) {
      if (!wanted(*constraint)) continue;
      if (auto held = check_parents(session, *table, *child, *constraint, chunk.rows); !held) {
        return held;
      }
    }
  }
  return {};
}

}  // namespace

Expected<void> check_foreign_keys(SessionImpl& session, std::size_t first, bool deferred) {
  const Transaction& transaction = *session.transaction();
  return check_references(session, first, [&](const TableConstraint& constraint) {
    return is_deferred(constraint, transaction) == deferred;
  });
}

Expected<void> set_constraint_modes(SessionImpl& session, std::span<const Oid> constraints,
                                    bool deferred) {
  Transaction& transaction = *session.transaction();
  const auto is_meant = [&](const TableConstraint& constraint) {
    return constraints.empty() ||
           std::find(constraints.begin(), constraints.end(), constraint.oid) != constraints.end();
  };
  if (!deferred && !transaction.changes.empty()) {
    if (auto lent = session.state().lend_head(&transaction); !lent) {
      return unexpected(with_sqlstate(std::move(lent).error()));
    }
    auto held = check_references(session, 0, [&](const TableConstraint& constraint) {
      return is_meant(constraint) && is_deferred(constraint, transaction);
    });
    if (!held) return held;
  }
  ConstraintModes& modes = transaction.constraint_modes;
  if (constraints.empty()) {
    modes.all = deferred;
    modes.by_constraint.clear();
  }
  for (const Oid constraint : constraints) modes.by_constraint[constraint] = deferred;
  return {};
}

Expected<void> check_deferred_constraints(SessionImpl& session) {
  Transaction* const transaction = session.transaction();
  if (transaction->changes.empty()) return {};
  const bool is_behind = transaction->snapshot && *transaction->snapshot < session.state().version;
  if (!session.catalog().has_references()) return {};
  bool has_deferred = is_behind;
  for (const ChangeChunk& chunk : transaction->changes) {
    const Table* const table = session.catalog().table_of(chunk.relation);
    if (table == nullptr) continue;
    for (const TableConstraint& constraint : table->constraints) {
      has_deferred |=
          constraint.type == ConstraintType::kForeignKey && is_deferred(constraint, *transaction);
    }
    for (const auto& [child, constraint] : session.catalog().references_to(table->oid)) {
      has_deferred |= is_deferred(*constraint, *transaction);
    }
  }
  if (!has_deferred) return {};
  if (auto lent = session.state().lend_head_for_commit(*transaction); !lent) {
    return unexpected(with_sqlstate(std::move(lent).error()));
  }
  if (auto held = check_foreign_keys(session, 0, true); !held) return held;
  if (is_behind) return check_foreign_keys(session, 0, false);
  return {};
}

}  // namespace entail::engine
