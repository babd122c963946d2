#include "rete/limit_node.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "vm/base/ensure.h"
#include "vm/base/tiny.h"
#include "vm/row_scan.h"
#include "vm/value_codec.h"

namespace entail::rete {

using datalog::Expression;
using datalog::ExpressionOp;
using vm::Row;
using vm::Word;

namespace {

constexpr std::int64_t kNodeBytes = 100;  // Of a row, beside its key.
constexpr std::size_t kRowsAtOnce = vm::RowScan::kRowsAtOnce;
constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
// Rows at hand behind those that are kept: so many at least, and such a part of the partition.
constexpr std::size_t kSpareMin = size_or_tiny(128, 2);
constexpr std::size_t kSparePart = 64;

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
  vm::IndexSpec by_partition;
  for (std::size_t i = 0; i < first; ++i) {
    partition_columns_.push_back(column(i, {}));
    const compiler::ColumnLayout& placed = layout.columns[i];
    for (std::uint32_t w = 0; w < vm::words_of(placed.type, placed.nullable); ++w) {
      by_partition.key.push_back(placed.first_word + w);
    }
  }
  // That of the rule's fragment for partitions.
  partition_index_.reset();
  if (first > 0) {
    partition_index_ = state.relations[datalog::index_of(source_)].rows->find_index(by_partition);
  }
  for (const datalog::OrderItem& item : rank.order) {
    key_columns_.push_back(
        column(*column_of(match, item.value), {item.descending, item.nulls_first}));
  }
  for (std::size_t i = first; i < match.terms.size(); ++i) key_columns_.push_back(column(i, {}));
  const auto words = static_cast<std::uint32_t>(layout.words.size());
  first_word_ = first < layout.columns.size() ? layout.columns[first].first_word : words;
  words_ = first < layout.columns.size() ? words - first_word_ : 0;
  limit_ = *bound(rank.limit, kAll);
  offset_ = *bound(rank.offset, 0);
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

// Some rows at a time: their words are loaded column by column.
template <typename Visit>
void LimitNode::for_each_key(const NetworkState& state, std::span<const Row> rows,
                             Visit visit) const {
  const vm::StandingRelation& relation = *state.relations[datalog::index_of(source_)].rows;
  std::vector<std::vector<Word>>& columns = loaded_;
  columns.resize(relation.column_count());
  for (std::uint32_t c = 0; c < columns.size(); ++c) {
    if (columns[c].size() < rows.size()) columns[c].resize(rows.size());
    relation.load(c, rows.data(), rows.size(), columns[c].data());
  }
  const auto append = [&](const std::vector<Column>& values, std::size_t i, std::string& out) {
    out.clear();
    for (const Column& column : values) {
      Word words[3];
      for (std::uint32_t w = 0; w < vm::words_of(column.type, column.nullable); ++w) {
        words[w] = columns[column.word + w][i];
      }
      vm::encode_value(*state.pool, column.type, column.nullable, words, column.style, out);
    }
  };
  std::string name, key;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    append(partition_columns_, i, name);
    append(key_columns_, i, key);
    visit(name, key, rows[i]);
  }
}

// ------------------------------------------------------------------------------ what is at hand

// Of rows behind those that are kept.
std::size_t LimitNode::spare(std::size_t partition_rows) const {
  return std::max(kSpareMin, partition_rows / kSparePart);
}

// Of rows of a partition that is read.
std::size_t LimitNode::front(std::size_t partition_rows) const {
  const std::size_t window = limit_ > kAll - offset_ ? kAll : offset_ + limit_;
  const std::size_t behind = spare(partition_rows);
  return window > kAll - behind ? kAll : window + behind;
}

bool LimitNode::is_short(const Partition& partition) const {
  return partition.beyond > 0 &&
         (partition.before.size() < offset_ || partition.kept.size() < limit_);
}

// Each part as long as it should be, by one row; false: it was.
bool LimitNode::balance(Partition& partition) {
  auto& [before, kept, behind, beyond, bound] = partition;
  const auto move = [](Rows& from, Rows::iterator at, Rows& to) { to.insert(from.extract(at)); };
  bool has_moved = true;
  if (before.size() > offset_) {
    const auto last = std::prev(before.end());
    keep(last->second, 1);
    move(before, last, kept);
  } else if (before.size() < offset_ && !kept.empty()) {
    keep(kept.begin()->second, -1);
    move(kept, kept.begin(), before);
  } else {
    has_moved = false;
  }
  if (kept.size() > limit_) {
    const auto last = std::prev(kept.end());
    keep(last->second, -1);
    move(kept, last, behind);
    return true;
  }
  if (behind.empty()) return has_moved;
  const auto next = behind.begin();
  if (before.size() < offset_) {  // A limit of 0 had nothing to give.
    move(behind, next, before);
  } else if (kept.size() < limit_) {
    keep(next->second, 1);
    move(behind, next, kept);
  } else {
    return has_moved;
  }
  return true;
}

// What is far behind is counted only.
void LimitNode::trim(Partition& partition) {
  const std::size_t most = spare(partition.size());
  if (partition.behind.size() / 2 <= most) return;
  std::int64_t freed = 0;
  while (partition.behind.size() > most) {
    const auto last = std::prev(partition.behind.end());
    freed += kNodeBytes + static_cast<std::int64_t>(last->first.size());
    partition.behind.erase(last);
    ++partition.beyond;
  }
  partition.bound = partition.behind.rbegin()->first;
  book(-freed);
}

void LimitNode::Front::add(const std::string& key, Row row, std::size_t most) {
  if (beyond > 0 && bound < key) {
    ++beyond;
    return;
  }
  rows.emplace_back(key, row);
  if (rows.size() / 2 >= most) cut(most);
}

void LimitNode::Front::cut(std::size_t most) {
  if (rows.size() <= most) return;
  const auto last = rows.begin() + static_cast<std::ptrdiff_t>(most - 1);
  std::nth_element(rows.begin(), last, rows.end());
  bound = last->first;
  beyond += rows.size() - most;
  rows.resize(most);
}

// The first of those that were beyond, in the place of what was known of them.
void LimitNode::put_at_hand(Partition& partition, Front& read) {
  const std::size_t known = partition.at_hand();
  read.cut(front(known + read.rows.size() + read.beyond) - known);
  std::sort(read.rows.begin(), read.rows.end());
  std::int64_t bytes = 0;
  for (auto& [key, row] : read.rows) {
    bytes += kNodeBytes + static_cast<std::int64_t>(key.size());
    partition.behind.emplace_hint(partition.behind.end(), std::move(key), row);
  }
  book(bytes);
  partition.beyond = read.beyond;
  partition.bound = std::move(read.bound);
  while (balance(partition)) {
  }
}

// All rows come.
void LimitNode::fill(const NetworkState& state) {
  const vm::StandingRelation& relation = *state.relations[datalog::index_of(source_)].rows;
  const std::size_t most = front(relation.size());
  std::map<std::string, Front> fronts;
  for (vm::RowScan scan(relation); scan.next();) {
    for_each_key(state, scan.rows(), [&](const std::string& name, const std::string& key, Row row) {
      fronts[name].add(key, row, most);
    });
  }
  for (auto& [name, read] : fronts) {
    book(static_cast<std::int64_t>(name.size()));
    put_at_hand(partitions_[name], read);
  }
}

// Partitions of which too little is at hand.
void LimitNode::refill(NetworkState& state) {
  for (const std::string& name : std::exchange(touched_, {})) {
    const auto at = partitions_.find(name);
    if (at != partitions_.end() && is_short(at->second)) refill(state, name, at->second);
  }
}

void LimitNode::refill(NetworkState& state, const std::string& name, Partition& partition) {
  const vm::StandingRelation& relation = state.rows(source_);
  const std::size_t most = front(partition.size()) - partition.at_hand();
  Front read;
  const auto take = [&](std::span<const Row> rows) {
    for_each_key(state, rows, [&](const std::string& of, const std::string& key, Row row) {
      if (of == name && partition.is_beyond(key)) read.add(key, row, most);
    });
  };
  if (partition_index_) {
    std::vector<Word> words;
    std::string_view left = name;
    for (const Column& column : partition_columns_) {
      Word value[3] = {0, 0, 0};
      ENTAIL_ENSURE(
          vm::decode_value(*state.pool, column.type, column.nullable, column.style, left, value));
      words.insert(words.end(), value, value + vm::words_of(column.type, column.nullable));
    }
    std::vector<const Word*> keys;
    for (const Word& word : words) keys.push_back(&word);
    std::vector<Row> rows;
    std::vector<std::uint32_t> lanes;
    relation.probe(*partition_index_, vm::View::kTotal, keys, 1, rows, lanes);
    for (std::size_t first = 0; first < rows.size(); first += kRowsAtOnce) {
      take({rows.data() + first, std::min(kRowsAtOnce, rows.size() - first)});
    }
  } else {
    for (vm::RowScan scan(relation); scan.next();) take(scan.rows());
  }
  work.rows_touched += partition.beyond;
  ENTAIL_ENSURE(read.rows.size() + read.beyond == partition.beyond);
  put_at_hand(partition, read);
}

// ------------------------------------------------------------------------------ changes

void LimitNode::insert(const std::string& name, std::string key, Row row) {
  const auto [at, is_new] = partitions_.try_emplace(name);
  Partition& partition = at->second;
  if (is_new) book(static_cast<std::int64_t>(name.size()));
  if (partition.is_beyond(key)) {
    ++partition.beyond;
    return;
  }
  book(kNodeBytes + static_cast<std::int64_t>(key.size()));
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
  trim(partition);
}

void LimitNode::erase(const std::string& name, const std::string& key) {
  const auto at = partitions_.find(name);
  ENTAIL_ENSURE(at != partitions_.end());
  Partition& partition = at->second;
  if (partition.is_beyond(key)) {
    --partition.beyond;
  } else {
    if (const auto kept = partition.kept.find(key); kept != partition.kept.end()) {
      keep(kept->second, -1);
      partition.kept.erase(kept);
    } else {
      ENTAIL_ENSURE(partition.before.erase(key) + partition.behind.erase(key) == 1);
    }
    book(-kNodeBytes - static_cast<std::int64_t>(key.size()));
    balance(partition);
    if (is_short(partition)) touched_.insert(name);
  }
  if (partition.size() > 0) return;
  book(-static_cast<std::int64_t>(name.size()));
  partitions_.erase(at);
}

Expected<void> LimitNode::turn(NetworkState& state) {
  vm::StandingRelation& rows = state.rows(source_);
  crossings_.clear();
  const auto change = [&](std::span<const Row> changed, bool is_insertion) {
    for (std::size_t first = 0; first < changed.size(); first += kRowsAtOnce) {
      for_each_key(state, changed.subspan(first, std::min(kRowsAtOnce, changed.size() - first)),
                   [&](const std::string& name, const std::string& key, Row row) {
                     if (is_insertion) {
                       insert(name, key, row);
                     } else {
                       erase(name, key);
                     }
                     undo_.push_back({name, key, row, is_insertion});
                   });
    }
    work.rows_touched += changed.size();
  };
  if (std::exchange(derives_all_, false)) {
    filled_in_epoch_ = true;
    work.rows_touched += rows.size();
    fill(state);
  } else {
    change(rows.left(), false);
    change(rows.entered(), true);
    refill(state);
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

void LimitNode::commit() {
  undo_.clear();
  filled_in_epoch_ = false;
}

void LimitNode::abort(NetworkState& state) {
  derives_all_ = false;
  if (std::exchange(filled_in_epoch_, false)) {
    partitions_.clear();
    touched_.clear();
    undo_.clear();
    book(-static_cast<std::int64_t>(bytes_));
  }
  for (; !undo_.empty(); undo_.pop_back()) {
    Change& change = undo_.back();
    if (change.is_insertion) {
      erase(change.partition, change.key);
    } else {
      insert(change.partition, std::move(change.key), change.row);
    }
  }
  refill(state);
  crossings_.clear();
}

Expected<void> LimitNode::restore(NetworkState& state, ImageFrames&) {
  fill(state);
  crossings_.clear();
  return {};
}

void LimitNode::verify(const NetworkState& state) const {
  std::map<std::string, Partition> found;
  const vm::StandingRelation& relation = *state.relations[datalog::index_of(source_)].rows;
  for (vm::RowScan scan(relation); scan.next();) {
    for_each_key(state, scan.rows(), [&](const std::string& name, const std::string& key, Row row) {
      const auto known = partitions_.find(name);
      ENTAIL_ENSURE(known != partitions_.end());
      Partition& partition = found[name];
      if (known->second.is_beyond(key)) {
        ++partition.beyond;
      } else {
        ENTAIL_ENSURE(partition.behind.emplace(key, row).second);
      }
    });
  }
  ENTAIL_ENSURE(touched_.empty() && found.size() == partitions_.size());
  for (const auto& [name, partition] : partitions_) {
    const Partition& rows = found.at(name);
    ENTAIL_ENSURE(partition.beyond == rows.beyond && !is_short(partition));
    const std::size_t before = std::min(offset_, partition.size());
    ENTAIL_ENSURE(partition.before.size() == before);
    ENTAIL_ENSURE(partition.kept.size() == std::min(limit_, partition.size() - before));
    auto expected = rows.behind.begin();
    for (const Rows* part : {&partition.before, &partition.kept, &partition.behind}) {
      for (const auto& at_hand : *part) {
        ENTAIL_ENSURE(expected != rows.behind.end() && *expected == at_hand);
        ++expected;
      }
    }
    ENTAIL_ENSURE(expected == rows.behind.end());
  }
}

}  // namespace entail::rete
