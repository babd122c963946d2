#include "server/engine/internal/changer.h"

#include <xxhash.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>

#include "server/engine/internal/constraints.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

using grammar::sql::ReferenceAction;
using vm::Row;
using vm::Word;

std::vector<std::uint32_t> nullable_first_words(const Table& table) {
  std::vector<std::uint32_t> result;
  std::uint32_t word = 0;
  for (const TableColumn& column : table.columns) {
    result.push_back(word);
    word += vm::words_of(column.type, true);
  }
  result.push_back(word);
  return result;
}

Changer::Changer(SessionImpl& session, const Table& table)
    : session_(session),
      table_(table),
      layout_(session.state().layout_of(table.relation)),
      encoder_(layout_, *session.state().pool) {}

RowSet Changer::make_rows() const { return RowSet(layout_, *session_.state().pool); }

Expected<void> Changer::append_row(std::span<const Word> words, RowSet& out) {
  std::vector<Word> row;
  row.reserve(layout_.words.size());
  std::size_t at = 0;
  std::optional<std::uint32_t> null_column;
  for (std::uint32_t c = 0; c < layout_.columns.size(); ++c) {
    const compiler::ColumnLayout& column = layout_.columns[c];
    const bool is_null = words[at + column.value_words] != 0;
    for (std::uint32_t w = 0; w < column.value_words; ++w) {
      row.push_back(is_null ? 0 : words[at + w]);
    }
    if (column.nullable) {
      row.push_back(is_null ? 1 : 0);
    } else if (is_null && !null_column) {
      null_column = c;
    }
    at += column.value_words + 1;
  }
  if (layout_.columns.empty()) row.push_back(0);
  if (null_column) {
    // The row as the client gave it, nulls included, for the message.
    std::string text = "(";
    at = 0;
    for (std::uint32_t c = 0; c < layout_.columns.size(); ++c) {
      if (c > 0) text += ", ";
      const compiler::ColumnLayout& column = layout_.columns[c];
      if (words[at + column.value_words] != 0) {
        text += "null";
      } else {
        append_sql_text(*session_.state().pool, column.type, table_.columns[c].sql_type.oid,
                        table_.columns[c].sql_type.typmod, &words[at], session_.text_settings(),
                        text);
      }
      at += column.value_words + 1;
    }
    const Schema* const schema = session_.catalog().schema(table_.schema);
    const std::string& name = table_.columns[*null_column].name;
    return sql_error("23502",
                     "null value in column \"" + name + "\" of relation \"" + table_.name +
                         "\" violates not-null constraint",
                     {.detail = "Failing row contains " + text + ").",
                      .schema = schema == nullptr ? "" : schema->name,
                      .table = table_.name,
                      .column = name});
  }
  out.append(row);
  return {};
}

Expected<void> Changer::append_from_answer(const compiler::QueryResult& answer,
                                           const compiler::RelationLayout& answer_layout,
                                           std::size_t row, std::size_t first, RowSet& out) {
  std::vector<Word> words;
  for (std::size_t c = 0; c < table_.columns.size(); ++c) {
    const compiler::ColumnLayout& from = answer_layout.columns[first + c];
    const bool is_null = from.nullable && answer.word(row, from.null_word()) != 0;
    for (std::uint32_t w = 0; w < from.value_words; ++w) {
      words.push_back(is_null ? 0 : answer.word(row, from.first_word + w));
    }
    words.push_back(is_null ? 1 : 0);
  }
  return append_row(words, out);
}

// ---------------------------------------------------------------------------------------------------
// Locks

LockName Changer::row_lock_name(const RowSet& rows, std::size_t row) const {
  LockName name;
  name.table = table_.oid;
  for (const TableIndex& index : table_.indexes) {
    if (!index.primary) continue;
    name.index = index.oid;
    const bool whole = encoder_.encode(rows, row, index.columns, name.key);
    ENTAIL_ENSURE(whole);
    return name;
  }
  name.index = ~0U;
  encoder_.encode_row(rows, row, name.key);
  return name;
}

Expected<void> Changer::lock_row(const RowSet& rows, std::size_t row, LockMode mode) {
  const LockName name = row_lock_name(rows, row);
  if (auto locked = session_.lock(name, mode); !locked) return locked;
  return check_unchanged(name);
}

Expected<Changer::Since> Changer::since_snapshot(const LockName& name) const {
  const Transaction& transaction = *session_.transaction();
  Since since = Since::kNothing;
  if (!transaction.snapshot) return since;
  if (auto kept = session_.state().require_kept(*transaction.snapshot); !kept) {
    return unexpected(std::move(kept).error());
  }
  const TableIndex* const index = table_.find_index(name.index);
  std::string key;
  for (const KeptCommit& commit : session_.state().kept) {
    if (commit.version <= *transaction.snapshot || commit.written.count(table_.relation) == 0) {
      continue;
    }
    for (const ChangeChunk& chunk : commit.changes) {  // Deletions first.
      if (chunk.relation != table_.relation) continue;
      for (std::size_t i = 0; i < chunk.rows.size(); ++i) {
        key.clear();
        if (index != nullptr) {
          if (!encoder_.encode(chunk.rows, i, index->columns, key)) continue;
        } else {
          encoder_.encode_row(chunk.rows, i, key);
        }
        if (key == name.key) since = chunk.deletion ? Since::kDeleted : Since::kUpdated;
      }
    }
  }
  return since;
}

// Under a snapshot: whoever changed the row since, and has committed, was first.
Expected<void> Changer::check_unchanged(const LockName& name) const {
  auto since = since_snapshot(name);
  if (!since) return unexpected(std::move(since).error());
  if (*since == Since::kNothing) return {};
  return sql_error("40001", *since == Since::kDeleted
                                ? "could not serialize access due to concurrent delete"
                                : "could not serialize access due to concurrent update");
}

Expected<void> Changer::lock_keys(const RowSet& rows, std::size_t row, bool inserts) {
  Transaction& transaction = *session_.transaction();
  for (const TableIndex& index : table_.indexes) {
    if (!index.unique || index.columns.empty()) continue;
    LockName name;
    name.table = table_.oid;
    name.index = index.oid;
    if (!encoder_.encode(rows, row, index.columns, name.key)) continue;
    if (auto locked = session_.lock(name, LockMode::kUpdate); !locked) return locked;
    // Whether the key is free was read; the lock alone would not last beyond a savepoint.
    if (transaction.isolation == Isolation::kSerializable) {
      transaction.reads.add_point(table_.relation, index.columns, rows, row, encoder_);
    }
    auto since = since_snapshot(name);
    if (!since) return unexpected(std::move(since).error());
    if (*since == Since::kUpdated && inserts &&
        transaction.isolation == Isolation::kRepeatableRead) {
      return unexpected(unique_violation(session_, table_, index, rows, row));
    }
    if (*since != Since::kNothing) {
      return sql_error("40001", "could not serialize access due to concurrent update");
    }
  }
  return {};
}

Expected<void> SessionImpl::lock_parent(const Table& parent, const TableConstraint& constraint,
                                        const Table& child, const RowSet& rows, std::size_t row) {
  const TableIndex* const index = parent.find_index(constraint.index);
  if (index == nullptr) return {};
  // The child's values under the parent's types: they are the same, or both integers.
  const compiler::RelationLayout& child_layout = state_.layout_of(child.relation);
  const compiler::RelationLayout& parent_layout = state_.layout_of(parent.relation);
  RowSet parent_row(parent_layout, *state_.pool);
  std::vector<Word> words(parent_layout.words.size(), 0);
  for (std::size_t i = 0; i < constraint.columns.size(); ++i) {
    const compiler::ColumnLayout& from = child_layout.columns[constraint.columns[i]];
    const compiler::ColumnLayout& to = parent_layout.columns[constraint.referenced_columns[i]];
    for (std::uint32_t w = 0; w < to.value_words; ++w) {
      words[to.first_word + w] = rows.word(row, from.first_word + w);
    }
  }
  parent_row.append(words);
  LockName name;
  name.table = parent.oid;
  name.index = index->oid;
  const KeyEncoder encoder(parent_layout, *state_.pool);
  if (!encoder.encode(parent_row, 0, index->columns, name.key)) return {};
  return lock(name, LockMode::kKeyShare);
}

bool SessionImpl::stands(const Table& table, const RowSet& rows, std::size_t row) {
  const vm::StandingRelation& relation = state_.rows_of(table.relation);
  std::vector<Word> words;
  rows.copy_row(row, words);
  std::vector<const Word*> arrays;
  for (const Word& word : words) arrays.push_back(&word);
  Row found = vm::kNoRow;
  relation.find(vm::View::kTotal, arrays, 1, &found);
  return found != vm::kNoRow;
}

// ---------------------------------------------------------------------------------------------------
// Constraints

Expected<void> Changer::check(NamedChecks& checks, const RowSet& rows) {
  if (rows.empty()) return {};
  const InputRows input{{rows.batch(), &layout_}};
  for (auto& [name, runner] : checks) {
    compiler::QueryResult violations;
    if (auto run = runner->run(session_, {}, input, violations); !run) return run;
    if (violations.row_count() == 0) continue;
    RowSet failing = make_rows();
    if (auto made = append_from_answer(violations, runner->layout(), 0, 0, failing); !made) {
      return made;
    }
    return unexpected(check_violation(session_, table_, name, failing, 0));
  }
  return {};
}

Expected<void> Changer::find_conflicts(const TableIndex& index, const RowSet& rows, std::size_t row,
                                       std::vector<Row>& found) {
  auto lookup = KeyLookup::create(session_.state(), table_.relation, index.columns);
  if (!lookup) return unexpected(std::move(lookup).error());
  lookup->find(rows, layout_, row, index.columns, found);
  return {};
}

namespace {

// Keys of some rows, by what an index calls the same. Holds numbers of rows only, and encodes a key again where
// two have one hash.
class KeySet {
 public:
  KeySet(const KeyEncoder& encoder, const RowSet& rows, std::span<const std::uint32_t> columns)
      : encoder_(encoder), rows_(rows), columns_(columns) {}

  bool has(std::string_view key) const {
    if (by_hash_.empty()) return false;
    const auto found = by_hash_.find(XXH3_64bits(key.data(), key.size()));
    if (found == by_hash_.end()) return false;
    return is_key(found->second, key) ||
           std::any_of(others_.begin(), others_.end(),
                       [&](std::uint32_t row) { return is_key(row, key); });
  }
  // The key of row `row` of the rows. False: it is there already.
  bool insert(std::string_view key, std::size_t row) {
    const auto number = static_cast<std::uint32_t>(row);
    const auto [place, fresh] = by_hash_.try_emplace(XXH3_64bits(key.data(), key.size()), number);
    if (fresh) return true;
    if (has(key)) return false;
    others_.push_back(number);
    return true;
  }

 private:
  bool is_key(std::uint32_t row, std::string_view key) const {
    std::string own;
    return encoder_.encode(rows_, row, columns_, own) && own == key;
  }

  const KeyEncoder& encoder_;
  const RowSet& rows_;
  std::span<const std::uint32_t> columns_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> by_hash_;
  std::vector<std::uint32_t> others_;  // Whose hash another key has.
};

}  // namespace

Expected<void> Changer::check_keys(const RowSet& deleted, const RowSet& inserted) {
  for (const TableIndex& index : table_.indexes) {
    if (!index.unique || index.columns.empty() || inserted.empty()) continue;
    KeySet gone(encoder_, deleted, index.columns), come(encoder_, inserted, index.columns);
    std::string key;
    for (std::size_t i = 0; i < deleted.size(); ++i) {
      key.clear();
      if (encoder_.encode(deleted, i, index.columns, key)) gone.insert(key, i);
    }
    auto lookup = KeyLookup::create(session_.state(), table_.relation, index.columns);
    if (!lookup) return unexpected(std::move(lookup).error());
    std::vector<Row> found;
    for (std::size_t i = 0; i < inserted.size(); ++i) {
      key.clear();
      if (!encoder_.encode(inserted, i, index.columns, key)) continue;
      bool is_taken = inserted.size() > 1 && !come.insert(key, i);
      if (!is_taken && !gone.has(key)) {
        found.clear();
        lookup->find(inserted, layout_, i, index.columns, found);
        is_taken = !found.empty();
      }
      if (is_taken) return unexpected(unique_violation(session_, table_, index, inserted, i));
    }
  }
  return {};
}

bool Changer::touches(std::span<const std::uint32_t> assigned,
                      std::span<const std::uint32_t> columns) const {
  if (assigned.empty()) return true;
  return std::any_of(columns.begin(), columns.end(), [&](std::uint32_t column) {
    return std::find(assigned.begin(), assigned.end(), column) != assigned.end();
  });
}

Expected<void> Changer::change(RowSet deleted, RowSet inserted, bool is_update,
                               std::span<const std::uint32_t> assigned) {
  Transaction& transaction = *session_.transaction();
  bool keys_change = !is_update;
  for (const TableIndex& index : table_.indexes) {
    keys_change |= index.unique && touches(assigned, index.columns);
  }
  LockName table_name;
  table_name.table = table_.oid;
  if (auto locked = session_.lock(table_name, LockMode::kTableRowExclusive); !locked) {
    return locked;
  }
  for (std::size_t i = 0; i < deleted.size(); ++i) {
    const LockMode mode = is_update && !keys_change ? LockMode::kNoKeyUpdate : LockMode::kUpdate;
    if (auto locked = lock_row(deleted, i, mode); !locked) return locked;
    if (keys_change) {
      if (auto locked = lock_keys(deleted, i); !locked) return locked;
    }
  }
  if (keys_change) {
    for (std::size_t i = 0; i < inserted.size(); ++i) {
      if (auto locked = lock_keys(inserted, i, !is_update); !locked) return locked;
    }
    if (auto held = check_keys(deleted, inserted); !held) return held;
  }
  const std::size_t first = transaction.changes.size();
  const bool is_referenced = !session_.catalog().references_to(table_.oid).empty();
  bool refers = false;
  for (const TableConstraint& constraint : table_.constraints) {
    refers |= constraint.type == ConstraintType::kForeignKey;
  }
  if (!is_referenced && !refers) {
    if (!deleted.empty()) {
      transaction.changes.push_back({table_.relation, true, std::move(deleted)});
    }
    if (!inserted.empty()) {
      transaction.changes.push_back({table_.relation, false, std::move(inserted)});
    }
    return {};
  }
  RowSet old_rows = make_rows(), new_rows = make_rows();
  for (std::size_t i = 0; i < deleted.size(); ++i) old_rows.append(deleted, i);
  for (std::size_t i = 0; i < inserted.size(); ++i) new_rows.append(inserted, i);
  if (!deleted.empty()) {
    transaction.changes.push_back({table_.relation, true, std::move(deleted)});
  }
  if (!inserted.empty()) {
    transaction.changes.push_back({table_.relation, false, std::move(inserted)});
  }
  if (auto lent = session_.state().lend_head(&transaction); !lent) {
    return unexpected(with_sqlstate(std::move(lent).error()));
  }
  if (is_referenced) {
    if (auto done = follow_references(old_rows, new_rows, is_update); !done) return done;
  }
  return check_foreign_keys(session_, first, false);
}

Expected<void> Changer::admit(const RowSet& deleted, const RowSet& inserted) {
  for (const RowSet* const rows : {&deleted, &inserted}) {
    for (std::size_t i = 0; i < rows->size(); ++i) {
      if (auto locked = session_.lock(row_lock_name(*rows, i), LockMode::kUpdate); !locked) {
        return locked;
      }
      for (const TableIndex& index : table_.indexes) {
        if (!index.unique || index.columns.empty()) continue;
        LockName name;
        name.table = table_.oid;
        name.index = index.oid;
        if (!encoder_.encode(*rows, i, index.columns, name.key)) continue;
        if (auto locked = session_.lock(name, LockMode::kUpdate); !locked) return locked;
        if (rows != &inserted) continue;
        std::vector<Row> found;
        if (auto done = find_conflicts(index, inserted, i, found); !done) return done;
        if (found.size() > 1) {
          return unexpected(unique_violation(session_, table_, index, inserted, i));
        }
      }
    }
  }
  auto checks = session_.checks_of(table_);
  if (!checks) return unexpected(std::move(checks).error());
  return check(*checks, inserted);
}

// ON DELETE and ON UPDATE: CASCADE, SET NULL, SET DEFAULT. What forbids is left to the check behind it.
Expected<void> Changer::follow_references(const RowSet& deleted, const RowSet& inserted,
                                          bool is_update) {
  EngineState& state = session_.state();
  for (const auto& [child, constraint] : session_.catalog().references_to(table_.oid)) {
    const ReferenceAction action = is_update ? constraint->on_update : constraint->on_delete;
    if (action == ReferenceAction::kNoAction || action == ReferenceAction::kRestrict) continue;
    auto lookup = KeyLookup::create(state, child->relation, constraint->columns);
    if (!lookup) return unexpected(std::move(lookup).error());
    Changer changer(session_, *child);
    RowSet old_rows = changer.make_rows(), new_rows = changer.make_rows();
    std::string before, after;
    std::vector<Row> found;
    std::vector<Word> words;
    for (std::size_t i = 0; i < deleted.size(); ++i) {
      if (is_update) {
        before.clear();
        after.clear();
        const bool had = encoder_.encode(deleted, i, constraint->referenced_columns, before);
        const bool has = encoder_.encode(inserted, i, constraint->referenced_columns, after);
        if (had == has && before == after) continue;
      }
      found.clear();
      lookup->find(deleted, layout_, i, constraint->referenced_columns, found);
      for (const Row row : found) {
        const std::size_t at = old_rows.size();
        append_standing_row(state.rows_of(child->relation), row, old_rows);
        if (action == ReferenceAction::kCascade && !is_update) continue;
        words.clear();
        for (std::uint32_t c = 0; c < child->columns.size(); ++c) {
          const compiler::ColumnLayout& column = changer.layout().columns[c];
          const auto referring =
              std::find(constraint->columns.begin(), constraint->columns.end(), c);
          if (referring == constraint->columns.end()) {
            for (std::uint32_t w = 0; w < column.value_words; ++w) {
              words.push_back(old_rows.word(at, column.first_word + w));
            }
            words.push_back(column.nullable ? old_rows.word(at, column.null_word()) : 0);
            continue;
          }
          const std::size_t k = static_cast<std::size_t>(referring - constraint->columns.begin());
          if (action == ReferenceAction::kCascade) {
            const compiler::ColumnLayout& from = layout_.columns[constraint->referenced_columns[k]];
            for (std::uint32_t w = 0; w < column.value_words; ++w) {
              words.push_back(inserted.word(i, from.first_word + w));
            }
            words.push_back(from.nullable ? inserted.word(i, from.null_word()) : 0);
            continue;
          }
          if (action == ReferenceAction::kSetDefault) {
            auto value = session_.default_value(*child, c);
            if (!value) return unexpected(std::move(value).error());
            for (std::uint32_t w = 0; w < column.value_words; ++w) words.push_back(value->words[w]);
            words.push_back(value->null ? 1 : 0);
            continue;
          }
          words.insert(words.end(), column.value_words, 0);
          words.push_back(1);
        }
        if (auto made = changer.append_row(words, new_rows); !made) return made;
      }
    }
    if (old_rows.empty()) continue;
    const bool updates = !new_rows.empty();
    if (updates) {
      auto checks = session_.checks_of(*child);
      if (!checks) return unexpected(std::move(checks).error());
      if (auto held = changer.check(*checks, new_rows); !held) return held;
    }
    auto done = changer.change(std::move(old_rows), std::move(new_rows), updates,
                               updates ? std::span<const std::uint32_t>(constraint->columns)
                                       : std::span<const std::uint32_t>());
    if (!done) return done;
  }
  return {};
}

}  // namespace entail::engine
