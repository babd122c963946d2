#include "vm/pattern_table.h"

#include <algorithm>
#include <array>

#include "vm/base/ensure.h"

namespace entail::vm {

namespace {

std::vector<SortColumn> sort_columns(const PatternSpec& spec) {
  std::vector<SortColumn> columns = spec.partition;
  columns.insert(columns.end(), spec.order.begin(), spec.order.end());
  columns.insert(columns.end(), spec.ties.begin(), spec.ties.end());
  return columns;
}

}  // namespace

PatternTable::PatternTable(PatternSpec spec, ValuePool& pool, MemoryBudget* memory)
    : spec_(std::move(spec)),
      pool_(pool),
      memory_(memory),
      columns_(spec_.words),
      sorter_(sort_columns(spec_), pool),
      matcher_(spec_, columns_, pool),
      results_(spec_.result_words) {}

PatternTable::~PatternTable() {
  if (memory_ != nullptr) memory_->release(booked_);
}

void PatternTable::clear() {
  rows_ = 0;
  for (auto& column : columns_) column.clear();
  for (auto& column : results_) column.clear();
  result_rows_ = 0;
  instants_.clear();
  if (memory_ != nullptr) memory_->release(booked_);
  booked_ = 0;
  refused_ = false;
}

bool PatternTable::receive(std::span<const Word* const> columns, std::size_t n) {
  ENTAIL_DEBUG_ENSURE(columns.size() == columns_.size());
  if (memory_ != nullptr) {
    // Rows, and what sorting and matching them takes.
    const std::uint64_t bytes = n * (columns_.size() + results_.size() + 8) * sizeof(Word);
    if (!memory_->reserve(bytes)) {
      refused_ = true;
      return false;
    }
    booked_ += bytes;
  }
  for (std::size_t c = 0; c < columns.size(); ++c) {
    columns_[c].insert(columns_[c].end(), columns[c], columns[c] + n);
  }
  rows_ += n;
  return true;
}

std::size_t PatternTable::next(std::uint64_t& position, std::span<Word* const> out,
                               std::size_t capacity) const {
  const std::size_t n = std::min<std::size_t>(capacity, result_rows_ - position);
  for (std::size_t c = 0; c < out.size() && c < results_.size(); ++c) {
    std::copy_n(results_[c].data() + position, n, out[c]);
  }
  position += n;
  return n;
}

bool PatternTable::is_watermark(std::uint32_t row) const {
  if (!spec_.watermark) return false;
  const SortColumn& column = *spec_.watermark;
  return !column.nullable || columns_[column.word + value_words(column.type)][row] == 0;
}

std::optional<std::int64_t> PatternTable::find_watermark() const {
  std::optional<std::int64_t> least = given_watermark_;
  for (std::uint32_t row = 0; row < rows_; ++row) {
    if (!is_watermark(row)) continue;
    const std::int64_t at = int_of(columns_[spec_.watermark->word][row]);
    least = least ? std::min(*least, at) : at;
  }
  return least;
}

Expected<void> PatternTable::compute() {
  if (refused_) {
    SqlFields fields;
    fields.sqlstate = "53200";
    return unexpected(ErrorCode::kLimit,
                      "the memory budget of " + std::to_string(memory_->limit()) +
                          " bytes is used up by an event pattern",
                      std::move(fields));
  }
  const std::optional<std::int64_t> watermark = find_watermark();
  sorter_.sort(columns_, rows_, rows_, sorted_);
  std::erase_if(sorted_, [&](std::uint32_t row) { return is_watermark(row); });
  for (auto& column : results_) column.clear();
  result_rows_ = 0;
  instants_.clear();
  std::vector<PatternMatch> matches;
  for (std::size_t begin = 0; begin < sorted_.size();) {
    std::size_t end = begin + 1;
    while (end < sorted_.size() && sorter_.compare(columns_, sorted_[end - 1], sorted_[end], 0,
                                                   spec_.partition.size()) == 0) {
      ++end;
    }
    const std::span<const std::uint32_t> partition(sorted_.data() + begin, end - begin);
    matches.clear();
    if (auto done = matcher_.run(partition, watermark, matches); !done) return done;
    if (const auto instant = matcher_.next_instant()) {
      instants_.emplace_back(*instant, sorted_[begin]);
    }
    if (auto done = put_out(partition, matches); !done) return done;
    begin = end;
  }
  return {};
}

// `match`: none for a row that no match holds. `running`: the rows of it up to the one that is put out.
Expected<void> PatternTable::put_row(const PatternMatch* match,
                                     std::span<const LabelledRow> running, std::uint32_t start,
                                     std::optional<std::uint32_t> row) {
  using Kind = PatternValueSpec::Kind;
  const PatternValues& values = matcher_.values();
  std::array<Word, 4> words{};
  std::size_t first = 0;
  for (const PatternValueSpec& measure : spec_.measures) {
    if (measure.kind == Kind::kStart) {
      values.put_row(measure, start, words.data());
    } else if (measure.kind == Kind::kRow) {
      values.put_row(measure, row ? std::int64_t{*row} : -1, words.data());
    } else if (match == nullptr) {
      values.put_null(measure, words.data());
    } else if (measure.kind == Kind::kMatchNumber) {
      words[0] = int_word(match->number);
      words[1] = 0;
    } else {
      const std::span<const LabelledRow> all(match->rows);
      if (auto done = values.put(measure, measure.final_rows ? all : running, words.data()); !done)
        return done;
    }
    for (std::uint32_t w = 0; w < measure.words; ++w) results_[first + w].push_back(words[w]);
    first += measure.words;
  }
  ++result_rows_;
  return {};
}

Expected<void> PatternTable::put_out(std::span<const std::uint32_t> partition,
                                     std::span<const PatternMatch> matches) {
  std::vector<bool> matched;
  if (spec_.output == PatternOutput::kWithUnmatched) matched.resize(partition.size());
  for (const PatternMatch& match : matches) {
    const std::span<const LabelledRow> rows(match.rows);
    if (!matched.empty()) {
      matched[match.start] = true;
      for (const LabelledRow& row : rows) matched[row.position] = true;
    }
    if (spec_.output == PatternOutput::kOne) {
      if (auto done = put_row(&match, rows, match.start, std::nullopt); !done) return done;
      continue;
    }
    if (rows.empty() && spec_.output != PatternOutput::kNotEmpty) {
      if (auto done = put_row(&match, rows, match.start, match.start); !done) return done;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].excluded) continue;
      if (auto done = put_row(&match, rows.first(i + 1), match.start, rows[i].position); !done)
        return done;
    }
  }
  for (std::uint32_t p = 0; p < matched.size(); ++p) {
    if (matched[p]) continue;
    if (auto done = put_row(nullptr, {}, p, p); !done) return done;
  }
  return {};
}

}  // namespace entail::vm
