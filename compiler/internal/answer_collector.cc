#include "compiler/internal/answer_collector.h"

#include <algorithm>

namespace entail::compiler::internal {

namespace {

using vm::Word;

// Gathered rows beyond what can still be wanted are thrown away once there are so many more.
constexpr std::uint64_t kSurplusRows = 4 * vm::kBatchRows;

std::vector<vm::SortColumn> sort_columns(const RelationLayout& answer, std::uint32_t words,
                                         const std::vector<datalog::SortKey>& order) {
  std::vector<vm::SortColumn> columns;
  std::vector<bool> used(answer.columns.size());
  for (const datalog::SortKey& key : order) {
    const ColumnLayout& column = answer.columns[key.column];
    columns.push_back(
        {column.type, column.nullable, column.first_word, {key.descending, key.nulls_first}});
    used[key.column] = true;
  }
  // What leaves ties is decided by the row.
  for (std::size_t c = 0; c < answer.columns.size(); ++c) {
    const ColumnLayout& column = answer.columns[c];
    if (used[c] || column.first_word >= words) continue;
    columns.push_back({column.type, column.nullable, column.first_word, {}});
  }
  return columns;
}

}  // namespace

AnswerCollector::AnswerCollector(const RelationLayout& answer, std::uint32_t words,
                                 const std::vector<datalog::SortKey>& order,
                                 const vm::ValuePool& pool, MemoryBudget* memory)
    : words_(words),
      row_words_(answer.words.size()),
      is_sorted_(!order.empty()),
      memory_(memory),
      sorter_(sort_columns(answer, words, order), pool),
      rows_(answer.words.size()),
      batch_(words) {}

AnswerCollector::~AnswerCollector() { clear(); }

void AnswerCollector::clear() {
  if (memory_ != nullptr) memory_->release(booked_);
  booked_ = 0;
  for (auto& column : rows_) column.clear();
  gathered_ = 0;
  sink_ = nullptr;
  error_.reset();
}

void AnswerCollector::begin(RowSink& sink, std::uint64_t offset,
                            std::optional<std::uint64_t> limit) {
  clear();
  sink_ = &sink;
  offset_ = offset;
  limit_ = limit;
  found_ = passed_ = returned_ = 0;
}

bool AnswerCollector::hand(std::span<const Word* const> columns, std::size_t n) {
  if (n == 0) return true;
  auto more = sink_->take({columns.first(words_), n});
  if (!more) {
    error_ = std::move(more).error();
    return false;
  }
  returned_ += n;
  return *more;
}

// Leaves the first rows out and stops behind the last one that is wanted.
bool AnswerCollector::pass_on(std::span<const Word* const> columns, std::size_t n) {
  const std::uint64_t begin = passed_ < offset_ ? std::min<std::uint64_t>(offset_ - passed_, n) : 0;
  std::uint64_t count = n - begin;
  if (limit_) count = std::min(count, *limit_ - returned_);
  passed_ += n;
  if (begin > 0) {
    part_.assign(columns.begin(), columns.end());
    for (const Word*& column : part_) column += begin;
    columns = part_;
  }
  if (!hand(columns, count)) return false;
  return !limit_ || returned_ < *limit_;
}

bool AnswerCollector::receive(std::span<const Word* const> columns, std::size_t n) {
  found_ += n;
  if (limit_ == 0U) return false;
  if (!is_sorted_) return pass_on(columns, n);
  if (memory_ != nullptr) {
    const std::uint64_t bytes = n * (row_words_ + 2) * sizeof(Word);
    if (!memory_->reserve(bytes)) {
      SqlFields fields;
      fields.sqlstate = "53200";
      error_ = Error{ErrorCode::kLimit,
                     "the memory budget of " + std::to_string(memory_->limit()) +
                         " bytes is used up by rows that are sorted",
                     std::make_shared<const SqlFields>(std::move(fields))};
      return false;
    }
    booked_ += bytes;
  }
  for (std::size_t c = 0; c < row_words_; ++c) {
    rows_[c].insert(rows_[c].end(), columns[c], columns[c] + n);
  }
  gathered_ += n;
  const std::uint64_t wanted = rows_wanted();
  if (gathered_ > wanted && gathered_ - wanted >= std::max(wanted, kSurplusRows)) prune();
  return true;
}

std::uint64_t AnswerCollector::rows_wanted() const {
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  return !limit_ || *limit_ > kAll - offset_ ? kAll : *limit_ + offset_;
}

void AnswerCollector::prune() {
  sorter_.sort(rows_, gathered_, static_cast<std::size_t>(rows_wanted()), sorted_);
  // In the order of their coming, so that equal rows stay in it.
  std::sort(sorted_.begin(), sorted_.end());
  for (auto& column : rows_) {
    for (std::size_t i = 0; i < sorted_.size(); ++i) column[i] = column[sorted_[i]];
    column.resize(sorted_.size());
  }
  if (memory_ != nullptr) {
    const std::uint64_t kept = sorted_.size() * (row_words_ + 2) * sizeof(Word);
    memory_->release(booked_ - kept);
    booked_ = kept;
  }
  gathered_ = sorted_.size();
}

Expected<void> AnswerCollector::finish() {
  if (error_) return unexpected(std::move(*error_));
  if (!is_sorted_ || gathered_ == 0) return {};
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(gathered_, rows_wanted()));
  sorter_.sort(rows_, gathered_, wanted, sorted_);
  for (auto& column : batch_) column.resize(std::min(wanted, vm::kBatchRows));
  std::vector<const Word*>& columns = part_;
  for (std::size_t first = std::min<std::uint64_t>(offset_, wanted); first < wanted;) {
    const std::size_t n = std::min(vm::kBatchRows, wanted - first);
    columns.clear();
    for (std::uint32_t c = 0; c < words_; ++c) {
      for (std::size_t i = 0; i < n; ++i) batch_[c][i] = rows_[c][sorted_[first + i]];
      columns.push_back(batch_[c].data());
    }
    if (!hand(columns, n)) break;
    first += n;
  }
  if (error_) return unexpected(std::move(*error_));
  return {};
}

std::uint64_t AnswerCollector::bytes_used() const {
  std::uint64_t bytes = sorted_.capacity() * sizeof(std::uint32_t);
  for (const auto& column : rows_) bytes += column.capacity() * sizeof(Word);
  for (const auto& column : batch_) bytes += column.capacity() * sizeof(Word);
  return bytes;
}

}  // namespace entail::compiler::internal
