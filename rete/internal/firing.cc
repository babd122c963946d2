#include "rete/internal/firing.h"

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/row_scan.h"
#include "vm/value_text.h"

namespace entail::rete {

using compiler::ActionCode;
using compiler::ActionKind;
using datalog::RelationId;
using vm::Row;
using vm::Word;

Expected<void> Firing::carry_out(const ActionCode& action, std::uint32_t index) {
  std::vector<const Word*> given;
  for (const Word& word : words_) given.push_back(&word);
  vm::ChangeBatch out;
  std::vector<vm::Diverted> diverted;
  vm::StandingRun run;
  run.fragment = state_.code.fragments[action.fragment].number;
  run.given = given;
  run.given_rows = 1;
  run.out = &out;
  run.diverted = &diverted;
  if (auto done = state_.machine->run(run); !done) return done;
  if (!diverted.empty()) {
    failure_ = ErrorSide::describe(matches_, state_.code.program, diverted.front(), *state_.pool);
    return {};
  }
  if (out.empty()) return {};
  ENTAIL_ENSURE(out.n == 1);
  Words row;
  for (const std::vector<Word>& column : out.columns) row.push_back(column.front());
  const bool changes_facts = action.kind <= ActionKind::kRetract;
  const RelationId target =
      changes_facts ? state_.form.stated_in[datalog::index_of(action.relation)] : action.relation;
  switch (action.kind) {
    case ActionKind::kInsert:
      insert(target, std::move(row));
      break;
    case ActionKind::kUpsert:
      upsert(action, target, std::move(row));
      break;
    case ActionKind::kModify:
    case ActionKind::kDelete:
      change_row(action, target, row);
      break;
    case ActionKind::kRetract:
      retract(action, target, row, index);
      break;
    case ActionKind::kEmit:
      emitted_.push_back({target, std::move(row)});
      break;
    case ActionKind::kFocus:
      focused_.push_back(action.group);
      break;
    case ActionKind::kLog:
      log(action, row);
      break;
    case ActionKind::kHalt:
      halts_ = true;
      break;
    case ActionKind::kLet:
      break;
  }
  return {};
}

Firing::RowKey Firing::key_of(RelationId id, const Words& row) const {
  Words key;
  for (const std::uint32_t column : state_.rows(id).options().key) key.push_back(row[column]);
  return {id, std::move(key)};
}

// The given columns of the emitted words, from that part on, into the row.
void Firing::lay_over(Words& row, const ActionCode& action, RelationId id, const Words& from,
                      std::size_t first_part) const {
  for (std::size_t i = 0; i < action.given.size(); ++i) {
    const compiler::ColumnLayout& to = layout(id).columns[action.given[i]];
    const compiler::ColumnLayout& part = action.parts[first_part + i];
    for (std::uint32_t w = 0; w < to.word_count(); ++w) {
      row[to.first_word + w] = from[part.first_word + w];
    }
  }
}

void Firing::change(RelationId id, Words row, bool is_deletion, std::uint64_t identity) {
  changes_.push_back({id, std::move(row), is_deletion, identity});
}

Firing::Words Firing::load(RelationId id, Row row) const {
  const vm::StandingRelation& relation = state_.rows(id);
  Words words(relation.column_count());
  for (std::uint32_t c = 0; c < words.size(); ++c) relation.load(c, &row, 1, &words[c]);
  return words;
}

void Firing::insert(RelationId id, Words row) {
  if (is_keyed(id)) rows_[key_of(id, row)] = row;
  if (is_bag(id)) ++born_[{id, row}];
  change(id, std::move(row), /*is_deletion=*/false);
}

void Firing::upsert(const ActionCode& action, RelationId id, Words row) {
  RowKey key = key_of(id, row);
  std::optional<Words> known;
  if (const auto changed = rows_.find(key); changed != rows_.end()) {
    known = changed->second;
  } else {
    std::vector<const Word*> keys;
    for (const Word& word : key.second) keys.push_back(&word);
    std::vector<Row> found;
    std::vector<std::uint32_t> lanes;
    state_.rows(id).probe(0, vm::View::kTotal, keys, 1, found, lanes);  // By the key.
    if (!found.empty()) known = load(id, found.front());
  }
  if (known) {
    const Words initial = std::exchange(row, *known);
    for (const std::uint32_t column : action.given) {
      const compiler::ColumnLayout& placed = layout(id).columns[column];
      for (std::uint32_t w = placed.first_word; w < placed.first_word + placed.word_count(); ++w) {
        row[w] = initial[w];
      }
    }
  }
  rows_[std::move(key)] = row;
  change(id, std::move(row), /*is_deletion=*/false);
}

// Modifies or deletes the matched row, whose words come first.
void Firing::change_row(const ActionCode& action, RelationId id, const Words& given) {
  const std::size_t width = layout(id).words.size();
  const Words found(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(width));
  const std::uint32_t row_word = layout(matches_).columns[*action.row].first_word;
  const std::uint64_t identity = words_[row_word];
  const RowKey key = is_keyed(id) ? key_of(id, found) : RowKey{id, {identity}};
  const auto changed = rows_.find(key);
  const bool is_known = changed != rows_.end();
  const std::optional<Words> old = is_known ? changed->second : std::optional(found);
  if (!old) return;
  const std::uint64_t told_by = is_bag(id) && !is_known ? identity : 0;
  if (action.kind == ActionKind::kDelete) {
    rows_[key] = std::nullopt;
    if (is_bag(id) && is_known) --born_[{id, *old}];
    change(id, *old, /*is_deletion=*/true, told_by);
    return;
  }
  Words fresh = *old;
  lay_over(fresh, action, id, given, layout(id).columns.size());
  if (fresh == *old) return;
  if (is_keyed(id)) {
    const RowKey fresh_key = key_of(id, fresh);
    if (fresh_key != key) {
      change(id, *old, /*is_deletion=*/true);
      rows_[key] = std::nullopt;
    }
    rows_[fresh_key] = fresh;
  } else {
    change(id, *old, /*is_deletion=*/true, told_by);
    if (is_known) --born_[{id, *old}];
    ++born_[{id, fresh}];
    rows_[key] = fresh;
  }
  change(id, std::move(fresh), /*is_deletion=*/false);
}

void Firing::retract_row(RelationId id, Row row) {
  const vm::StandingRelation& relation = state_.rows(id);
  Words words = load(id, row);
  if (is_keyed(id)) {
    const RowKey key = key_of(id, words);
    const auto changed = rows_.find(key);
    if (changed != rows_.end() && changed->second != words) return;
    rows_[key] = std::nullopt;
  }
  const std::uint64_t identity = is_bag(id) ? relation.identity(row) : 0;
  if (is_bag(id)) rows_[{id, {identity}}] = std::nullopt;
  change(id, std::move(words), /*is_deletion=*/true, identity);
}

void Firing::retract(const ActionCode& action, RelationId id, const Words& given,
                     std::uint32_t index) {
  const vm::StandingRelation& relation = state_.rows(id);
  const bool is_whole = action.given.size() == layout(id).columns.size();
  if (is_whole && !is_bag(id)) {
    if (is_keyed(id)) {
      const RowKey key = key_of(id, given);
      const auto changed = rows_.find(key);
      if (changed != rows_.end() && changed->second != given) return;
      rows_[key] = std::nullopt;
    }
    change(id, given, /*is_deletion=*/true);
    return;
  }
  if (is_whole) {  // What this firing inserted is the newest.
    const auto born = born_.find({id, given});
    if (born != born_.end() && born->second > 0) {
      --born->second;
      change(id, given, /*is_deletion=*/true);
      return;
    }
  }
  std::vector<Row> rows;
  if (action.given.empty()) {
    rows = vm::visible_rows(relation);
  } else {
    std::vector<const Word*> keys;
    for (const Word& word : given) keys.push_back(&word);
    std::vector<std::uint32_t> lanes;
    relation.probe(index, vm::View::kTotal, keys, 1, rows, lanes);
  }
  std::erase_if(rows, [&](Row row) {
    return !relation.is_stated(row) ||
           (is_bag(id) && rows_.count({id, {relation.identity(row)}}) != 0);
  });
  if (is_bag(id)) {
    const auto newest = std::max_element(rows.begin(), rows.end(), [&](Row a, Row b) {
      return relation.identity(a) < relation.identity(b);
    });
    if (newest != rows.end()) retract_row(id, *newest);
    return;
  }
  for (const Row row : rows) retract_row(id, row);
}

void Firing::log(const ActionCode& action, const Words& words) {
  std::string line;
  for (const compiler::ColumnLayout& part : action.parts) {
    vm::print_value(*state_.pool, part.type, part.nullable, words.data() + part.first_word, {},
                    line);
  }
  logged_.push_back(std::move(line));
}

}  // namespace entail::rete
