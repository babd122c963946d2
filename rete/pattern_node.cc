#include "rete/pattern_node.h"

#include <algorithm>

#include "rete/internal/changed_keys.h"
#include "vm/base/ensure.h"

namespace entail::rete {

using vm::Word;

namespace {

constexpr std::size_t kRowsAtOnce = 1024;

}  // namespace

bool PatternNode::matches(const NetworkState& state, const compiler::StandingStratum& stratum) {
  return std::holds_alternative<datalog::Pattern>(
      state.form.program.rule(stratum.rules.front()).body.front().node);
}

void PatternNode::rebind(const NetworkState& state, const compiler::StandingStratum& stratum) {
  const datalog::RuleId rule = stratum.rules.front();
  for (std::uint32_t i = 0; i < state.code.fragments.size(); ++i) {
    const compiler::StandingFragment& fragment = state.code.fragments[i];
    if (fragment.rule == rule && fragment.role == compiler::FragmentRole::kPartition) fragment_ = i;
  }
  for (const compiler::RankShape& shape : state.code.ranks) {
    if (shape.rule == rule) shape_ = shape;
  }
  const vm::PatternSpec& spec = std::get<vm::PatternSpec>(shape_.spec);
  table_ = std::make_unique<vm::PatternTable>(spec, *state.pool, state.memory);
  matched_.assign(shape_.words, std::vector<Word>(kRowsAtOnce));
  clock_key_.clear();
  for (const vm::SortColumn& column : spec.partition) {
    clock_key_.insert(clock_key_.end(), vm::value_words(column.type), 0);
    if (column.nullable) clock_key_.push_back(1);
  }
}

std::set<PatternNode::Key> PatternNode::keys_of(NetworkState& state, bool of_all) const {
  const compiler::StandingFragment& fragment = state.code.fragments[fragment_];
  const ChangedKeys changed = changed_keys(state.rows(fragment.source), fragment.key_words, of_all);
  std::set<Key> keys;
  for (std::size_t i = 0; i < changed.n; ++i) {
    Key key;
    for (const std::vector<Word>& words : changed.words) key.push_back(words[i]);
    keys.insert(std::move(key));
  }
  return keys;
}

Expected<void> PatternNode::fetch(NetworkState& state, const std::set<Key>& keys, bool before) {
  rows_.clear();
  std::vector<std::vector<Word>> words(clock_key_.size());
  for (const Key& key : keys) {
    for (std::size_t w = 0; w < words.size(); ++w) words[w].push_back(key[w]);
  }
  std::vector<const Word*> arrays;
  for (const std::vector<Word>& column : words) arrays.push_back(column.data());
  auto done = state.run_given(fragment_, arrays, keys.size(), 1, rows_,
                              before ? vm::RunViews::kAllOld : vm::RunViews::kAllTotal);
  work.rows_touched += rows_.n;
  return done;
}

Expected<std::optional<std::int64_t>> PatternNode::watermark(NetworkState& state, bool before) {
  std::optional<std::int64_t> least;
  const std::optional<vm::SortColumn>& column = table_->spec().watermark;
  if (!column || clock_key_.empty()) return least;  // With one partition rows bring it.
  if (auto done = fetch(state, {clock_key_}, before); !done) {
    return unexpected(std::move(done).error());
  }
  const std::uint32_t null = column->word + vm::value_words(column->type);
  for (std::size_t i = 0; i < rows_.n; ++i) {
    if (column->nullable && rows_.columns[null][i] != 0) continue;
    const std::int64_t at = vm::int_of(rows_.columns[column->word][i]);
    least = least ? std::min(*least, at) : at;
  }
  return least;
}

Expected<void> PatternNode::match(NetworkState& state, const std::set<Key>& keys, bool before,
                                  std::optional<std::int64_t> watermark, vm::ChangeBatch& out) {
  if (auto done = fetch(state, keys, before); !done) return done;
  table_->clear();
  table_->set_watermark(watermark);
  if (rows_.n > 0) static_cast<void>(table_->receive(rows_.arrays(state.scratch), rows_.n));
  if (auto done = table_->compute(); !done) return done;
  std::vector<Word*> targets;
  for (std::vector<Word>& words : matched_) targets.push_back(words.data());
  if (out.columns.size() < shape_.head_words.size()) out.columns.resize(shape_.head_words.size());
  std::uint64_t position = 0;
  while (const std::size_t count = table_->next(position, targets, kRowsAtOnce)) {
    for (std::size_t w = 0; w < shape_.head_words.size(); ++w) {
      std::vector<Word>& column = out.columns[w];
      if (const auto& from = shape_.head_words[w]) {
        column.insert(column.end(), targets[*from], targets[*from] + count);
      } else {
        column.insert(column.end(), count, 0);
      }
    }
    out.weights.insert(out.weights.end(), count, before ? -1 : 1);
    out.n += count;
  }
  return {};
}

void PatternNode::set_instant(const Key& key, std::optional<std::int64_t> instant) {
  const auto known = instants_.find(key);
  if (known != instants_.end()) {
    by_time_.erase({known->second, key});
    instants_.erase(known);
  }
  if (!instant) return;
  instants_[key] = *instant;
  by_time_.emplace(*instant, key);
}

// After match(): what the table has found undecided.
void PatternNode::note_instants(const std::set<Key>& keys) {
  if (!table_->spec().only_decided) return;
  std::map<Key, std::int64_t> found;
  for (const auto& [instant, row] : table_->instants()) {
    Key key;
    for (const vm::SortColumn& column : table_->spec().partition) {
      const std::uint32_t words = vm::words_of(column.type, column.nullable);
      for (std::uint32_t w = 0; w < words; ++w) {
        key.push_back(table_->word_of_row(row, column.word + w));
      }
    }
    found[std::move(key)] = instant;
  }
  for (const Key& key : keys) {
    const auto known = instants_.find(key);
    const auto fresh = found.find(key);
    const auto before = known == instants_.end() ? std::nullopt : std::optional(known->second);
    const auto now = fresh == found.end() ? std::nullopt : std::optional(fresh->second);
    if (before == now) continue;
    undo_.emplace_back(key, before);
    set_instant(key, now);
  }
}

Expected<void> PatternNode::turn(NetworkState& state) {
  const bool all_new = std::exchange(derives_all_, false);
  std::set<Key> keys = keys_of(state, all_new);
  auto before = watermark(state, /*before=*/true);
  if (!before) return unexpected(std::move(before).error());
  auto now = watermark(state, /*before=*/false);
  if (!now) return unexpected(std::move(now).error());
  if (std::exchange(forgot_instants_, false)) {
    const std::set<Key> all = keys_of(state, /*of_all=*/true);
    vm::ChangeBatch unused;
    if (auto done = match(state, all, /*before=*/true, *before, unused); !done) return done;
    note_instants(all);
    undo_.clear();  // It holds however the epoch ends.
  }
  if (*before != *now && !all_new) {
    const bool went_back = *before && (!*now || **now < **before);
    if (went_back) {
      keys.merge(keys_of(state, /*of_all=*/true));
    } else {
      for (const auto& [instant, key] : by_time_) {
        if (instant > **now) break;
        keys.insert(key);
      }
    }
  }
  if (keys.empty()) return {};
  const compiler::StandingFragment& fragment = state.code.fragments[fragment_];
  vm::ChangeBatch& out = state.at(state.form.program.rule(fragment.rule).head.relation).derived;
  if (!all_new) {
    if (auto done = match(state, keys, /*before=*/true, *before, out); !done) return done;
  }
  if (auto done = match(state, keys, /*before=*/false, *now, out); !done) return done;
  note_instants(keys);
  table_->clear();
  return {};
}

void PatternNode::abort(NetworkState&) {
  derives_all_ = false;
  for (auto change = undo_.rbegin(); change != undo_.rend(); ++change) {
    set_instant(change->first, change->second);
  }
  undo_.clear();
}

std::uint64_t PatternNode::bytes_used() const {
  constexpr std::uint64_t kTreeNode = 48;
  return rows_.bytes_used() + matched_.size() * kRowsAtOnce * sizeof(Word) +
         2 * instants_.size() *
             (kTreeNode + sizeof(Key) + sizeof(std::int64_t) + clock_key_.size() * sizeof(Word));
}

void PatternNode::verify(const NetworkState&) const {
  ENTAIL_ENSURE(instants_.size() == by_time_.size());
  for (const auto& [key, instant] : instants_) {
    ENTAIL_ENSURE(by_time_.count({instant, key}) == 1);
  }
}

}  // namespace entail::rete
