#include "rete/limit_node.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "vm/base/ensure.h"
#include "vm/row_scan.h"
#include "vm/value_codec.h"

namespace entail::rete {

using datalog::Expression;
using datalog::ExpressionOp;
using vm::Row;
using vm::Word;

namespace {

constexpr std::int64_t kNodeBytes = 100;  // Of a row, beside its key.

const datalog::Rank& ranking(const NetworkState& state, const compiler::StandingStratum& stratum) {
  return std::get<datalog::Rank>(state.form.program.rule(stratum.rules.front()).body.front().node);
}

const datalog::Match& rows_of(const datalog::Rank& rank) {
  return std::get<datalog::Match>(rank.body.front().node);
}

// The constant, or `otherwise` where there is none; nothing for what is no such bound.
std::optional<std::size_t> bound(const std::optional<Expression>& value, std::size_t otherwise) {
  if (!value || value->op == ExpressionOp::kNull) return otherwise;
  if (value->op != ExpressionOp::kConstant || vm::value_words(value->type) != 1)
    return std::nullopt;
  const std::int64_t number = vm::int_of(value->words[0]);
  if (number < 0) return std::nullopt;
  return static_cast<std::size_t>(number);
}

// Whether values that are equal in the order are the same, so that keys order rows as comparing does.
bool has_one_form(vm::Type type) {
  switch (type.kind) {
    case vm::TypeKind::kInterval:
    case vm::TypeKind::kRecord:
    case vm::TypeKind::kAdt:
    case vm::TypeKind::kArray:
      return false;
    default:
      return !(type == vm::Type::displayed_numeric());
  }
}

std::optional<std::size_t> column_of(const datalog::Match& match, const Expression& value) {
  if (value.op != ExpressionOp::kVariable) return std::nullopt;
  for (std::size_t i = 0; i < match.terms.size(); ++i) {
    const Expression& term = match.terms[i];
    if (term.op == ExpressionOp::kVariable && term.variable == value.variable) return i;
  }
  return std::nullopt;
}

}  // namespace

bool LimitNode::follows(const NetworkState& state, const compiler::StandingStratum& stratum) {
  const datalog::Rank& rank = ranking(state, stratum);
  const datalog::Match& match = rows_of(rank);
  if (!rank.functions.empty() || rank.with_ties) return false;
  if (!bound(rank.limit, 0) || !bound(rank.offset, 0)) return false;
  for (const Expression& term : match.terms) {
    if (term.op == ExpressionOp::kVariable && !has_one_form(term.type)) return false;
  }
  for (const datalog::OrderItem& item : rank.order) {
    if (!column_of(match, item.value)) return false;
  }
  return true;
}

LimitNode::~LimitNode() {
  if (memory_ != nullptr) memory_->release(bytes_);
}

void LimitNode::rebind(const NetworkState& state, const compiler::StandingStratum& stratum) {
  const datalog::Rank& rank = ranking(state, stratum);
  const datalog::Match& match = rows_of(rank);
  source_ = match.relation;
  head_ = stratum.relations.front();
  const compiler::RelationLayout& layout = state.layouts[datalog::index_of(source_)];
  const auto column = [&](std::size_t i, vm::SortStyle style) {
    const compiler::ColumnLayout& placed = layout.columns[i];
    return Column{placed.type, placed.nullable, placed.first_word, style};
  };
  partition_columns_.clear();
  key_columns_.clear();
  const std::size_t first = rank.partition.size();
  for (std::size_t i = 0; i < first; ++i) partition_columns_.push_back(column(i, {}));
  for (const datalog::OrderItem& item : rank.order) {
    key_columns_.push_back(
        column(*column_of(match, item.value), {item.descending, item.nulls_first}));
  }
  for (std::size_t i = first; i < match.terms.size(); ++i) key_columns_.push_back(column(i, {}));
  const auto words = static_cast<std::uint32_t>(layout.words.size());
  first_word_ = first < layout.columns.size() ? layout.columns[first].first_word : words;
  words_ = first < layout.columns.size() ? words - first_word_ : 0;
  limit_ = *bound(rank.limit, std::numeric_limits<std::size_t>::max());
  offset_ = *bound(rank.offset, 0);
}

// Appends the values that the columns have in a row, whose word w is word_at(w): in the order of bytes.
template <typename WordAt>
void LimitNode::append_key(const NetworkState& state, const std::vector<Column>& columns,
                           WordAt&& word_at, std::string& out) const {
  for (const Column& column : columns) {
    Word words[3];
    for (std::uint32_t w = 0; w < vm::words_of(column.type, column.nullable); ++w) {
      words[w] = word_at(column.word + w);
    }
    vm::encode_value(*state.pool, column.type, column.nullable, words, column.style, out);
  }
}

void LimitNode::append_key_of(const NetworkState& state, const std::vector<Column>& columns,
                              Row row, std::string& out) const {
  const vm::StandingRelation& rows = *state.relations[datalog::index_of(source_)].rows;
  const auto word_at = [&](std::uint32_t w) {
    Word word = 0;
    rows.load(w, &row, 1, &word);
    return word;
  };
  append_key(state, columns, word_at, out);
}

void LimitNode::book(std::int64_t bytes) {
  bytes_ += static_cast<std::uint64_t>(bytes);
  if (memory_ == nullptr) return;
  if (bytes > 0) {
    memory_->reserve_anyway(static_cast<std::uint64_t>(bytes));
  } else {
    memory_->release(static_cast<std::uint64_t>(-bytes));
  }
}

// Each part as long as it should be: before one row came or went they were.
void LimitNode::balance(Partition& partition) {
  Rows& kept = partition.kept;
  const auto move = [](Rows& from, Rows::iterator at, Rows& to) { to.insert(from.extract(at)); };
  if (partition.before.size() > offset_) {
    const auto last = std::prev(partition.before.end());
    keep(last->second, 1);
    move(partition.before, last, kept);
  } else if (partition.before.size() < offset_ && !kept.empty()) {
    keep(kept.begin()->second, -1);
    move(kept, kept.begin(), partition.before);
  }
  if (kept.size() > limit_) {
    const auto last = std::prev(kept.end());
    keep(last->second, -1);
    move(kept, last, partition.behind);
  }
  if (partition.behind.empty()) return;
  const auto next = partition.behind.begin();
  if (partition.before.size() < offset_) {  // A limit of 0 had nothing to give.
    move(partition.behind, next, partition.before);
  } else if (kept.size() < limit_) {
    keep(next->second, 1);
    move(partition.behind, next, kept);
  }
}

void LimitNode::insert(const std::string& name, std::string key, Row row) {
  const auto [at, is_new] = partitions_.try_emplace(name);
  Partition& partition = at->second;
  book(kNodeBytes + static_cast<std::int64_t>(key.size() + (is_new ? name.size() : 0)));
  const auto is_below = [&](const Rows& rows) {
    return !rows.empty() && key < std::prev(rows.end())->first;
  };
  bool added = false;
  if (is_below(partition.before) || (partition.before.size() < offset_ && partition.kept.empty())) {
    added = partition.before.emplace(std::move(key), row).second;
  } else if (is_below(partition.kept) || partition.behind.empty() ||
             key < partition.behind.begin()->first) {
    keep(row, 1);
    added = partition.kept.emplace(std::move(key), row).second;
  } else {
    added = partition.behind.emplace(std::move(key), row).second;
  }
  ENTAIL_ENSURE(added);
  balance(partition);
}

void LimitNode::erase(const std::string& name, const std::string& key) {
  const auto at = partitions_.find(name);
  ENTAIL_ENSURE(at != partitions_.end());
  Partition& partition = at->second;
  if (const auto kept = partition.kept.find(key); kept != partition.kept.end()) {
    keep(kept->second, -1);
    partition.kept.erase(kept);
  } else {
    ENTAIL_ENSURE(partition.before.erase(key) + partition.behind.erase(key) == 1);
  }
  balance(partition);
  const bool is_gone = partition.size() == 0;
  book(-kNodeBytes - static_cast<std::int64_t>(key.size() + (is_gone ? name.size() : 0)));
  if (is_gone) partitions_.erase(at);
}

Expected<void> LimitNode::turn(NetworkState& state) {
  vm::StandingRelation& rows = state.rows(source_);
  crossings_.clear();
  const auto change = [&](Row row, bool is_insertion) {
    Change made{{}, {}, row, is_insertion};
    append_key_of(state, partition_columns_, row, made.partition);
    append_key_of(state, key_columns_, row, made.key);
    if (is_insertion) {
      insert(made.partition, made.key, row);
    } else {
      erase(made.partition, made.key);
    }
    undo_.push_back(std::move(made));
    ++work.rows_touched;
  };
  if (std::exchange(derives_all_, false)) {
    for (const Row row : vm::visible_rows(rows)) change(row, true);
  } else {
    for (const Row row : rows.left()) change(row, false);
    for (const Row row : rows.entered()) change(row, true);
  }
  if (memory_ != nullptr && memory_->overrun()) {
    return unexpected(ErrorCode::kLimit, "the memory limit is reached by the rows of a limit");
  }
  if (crossings_.empty()) return {};
  vm::ChangeBatch& out = state.at(head_).derived;
  const std::uint32_t width = std::max<std::uint32_t>(words_, 1);
  if (out.columns.size() < width) out.columns.resize(width);
  for (const Crossing& crossing : crossings_) {
    for (std::uint32_t w = 0; w < words_; ++w) {
      Word word = 0;
      rows.load(first_word_ + w, &crossing.row, 1, &word);
      out.columns[w].push_back(word);
    }
    if (words_ == 0) out.columns[0].push_back(0);
    out.weights.push_back(crossing.weight);
    ++out.n;
  }
  return {};
}

void LimitNode::abort(NetworkState&) {
  derives_all_ = false;
  for (; !undo_.empty(); undo_.pop_back()) {
    Change& change = undo_.back();
    if (change.is_insertion) {
      erase(change.partition, change.key);
    } else {
      insert(change.partition, std::move(change.key), change.row);
    }
  }
  crossings_.clear();
}

// The rows that are kept are in the head's relation already. All keys are sorted at once: that is cheaper than
// finding the place of each.
void LimitNode::restore(NetworkState& state, const std::vector<std::uint64_t>&) {
  std::map<std::string, std::vector<std::pair<std::string, Row>>> found;
  std::string partition;
  for (vm::RowScan scan(state.rows(source_)); scan.next();) {
    const std::span<const Word* const> words = scan.load_words();
    for (std::size_t i = 0; i < scan.rows().size(); ++i) {
      const auto word_at = [&](std::uint32_t w) { return words[w][i]; };
      partition.clear();
      append_key(state, partition_columns_, word_at, partition);
      auto& [key, row] = found[partition].emplace_back(std::string(), scan.rows()[i]);
      append_key(state, key_columns_, word_at, key);
    }
  }
  for (auto& [name, keys] : found) {
    std::sort(keys.begin(), keys.end());
    Partition& made = partitions_[name];
    std::int64_t bytes = static_cast<std::int64_t>(name.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      auto& [key, row] = keys[i];
      bytes += kNodeBytes + static_cast<std::int64_t>(key.size());
      Rows& part = i < offset_ ? made.before : i - offset_ < limit_ ? made.kept : made.behind;
      part.emplace_hint(part.end(), std::move(key), row);
    }
    book(bytes);
  }
}

void LimitNode::verify(const NetworkState& state) const {
  std::size_t size = 0;
  for (const auto& [name, partition] : partitions_) {
    size += partition.size();
    ENTAIL_ENSURE(partition.size() > 0);
    const std::size_t before = std::min(offset_, partition.size());
    ENTAIL_ENSURE(partition.before.size() == before);
    ENTAIL_ENSURE(partition.kept.size() == std::min(limit_, partition.size() - before));
    const std::string* last = nullptr;
    for (const Rows* rows : {&partition.before, &partition.kept, &partition.behind}) {
      for (const auto& [key, row] : *rows) {
        ENTAIL_ENSURE(last == nullptr || *last < key);
        last = &key;
        std::string name_now, key_now;
        append_key_of(state, partition_columns_, row, name_now);
        append_key_of(state, key_columns_, row, key_now);
        ENTAIL_ENSURE(name_now == name && key_now == key);
      }
    }
  }
  ENTAIL_ENSURE(size == state.relations[datalog::index_of(source_)].rows->size());
}

}  // namespace entail::rete
