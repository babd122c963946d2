#include "server/engine/internal/row_set.h"

#include <utility>

#include "vm/value_codec.h"

namespace entail::engine {

using vm::Word;

RowSet::RowSet(const compiler::RelationLayout& layout, vm::ValuePool& pool)
    : pool_(&pool), columns_(layout.words.size()) {
  for (const compiler::ColumnLayout& column : layout.columns) {
    if (pool.types().is_handle(column.type)) handle_columns_.push_back(column.first_word);
  }
}

RowSet::RowSet(RowSet&& other) noexcept
    : pool_(other.pool_),
      handle_columns_(other.handle_columns_),
      columns_(std::move(other.columns_)),
      n_(std::exchange(other.n_, 0)) {
  other.columns_.assign(columns_.size(), {});
}

RowSet& RowSet::operator=(RowSet&& other) noexcept {
  if (this == &other) return *this;
  clear();
  pool_ = other.pool_;
  handle_columns_ = other.handle_columns_;
  columns_ = std::move(other.columns_);
  n_ = std::exchange(other.n_, 0);
  other.columns_.assign(columns_.size(), {});
  return *this;
}

void RowSet::append(std::span<const Word> words) {
  ENTAIL_DEBUG_ENSURE(words.size() == columns_.size());
  for (std::size_t c = 0; c < columns_.size(); ++c) columns_[c].push_back(words[c]);
  for (const std::uint32_t c : handle_columns_) pool_->retain(words[c]);
  ++n_;
}

void RowSet::append(const RowSet& other, std::size_t row) {
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    columns_[c].push_back(other.columns_[c][row]);
  }
  for (const std::uint32_t c : handle_columns_) pool_->retain(other.columns_[c][row]);
  ++n_;
}

void RowSet::append(const compiler::RowBatch& batch, std::size_t first) {
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const Word* const words = batch.columns[first + c];
    columns_[c].insert(columns_[c].end(), words, words + batch.n);
  }
  for (const std::uint32_t c : handle_columns_) {
    pool_->retain_column(batch.columns[first + c], batch.n);
  }
  n_ += batch.n;
}

void RowSet::copy_row(std::size_t row, std::vector<Word>& words) const {
  words.clear();
  for (const std::vector<Word>& column : columns_) words.push_back(column[row]);
}

void RowSet::set_word(std::size_t row, std::size_t column, Word word) {
  for (const std::uint32_t c : handle_columns_) {
    if (c != column) continue;
    pool_->retain(word);
    pool_->release(columns_[column][row]);
  }
  columns_[column][row] = word;
}

void RowSet::truncate(std::size_t rows) {
  if (rows >= n_) return;
  for (const std::uint32_t c : handle_columns_) {
    pool_->release_column(columns_[c].data() + rows, n_ - rows);
  }
  for (std::vector<Word>& column : columns_) column.resize(rows);
  n_ = rows;
}

std::span<const Word* const> RowSet::arrays() const {
  arrays_.clear();
  for (const std::vector<Word>& column : columns_) arrays_.push_back(column.data());
  return arrays_;
}

std::uint64_t RowSet::bytes_used() const {
  std::uint64_t bytes = 0;
  for (const std::vector<Word>& column : columns_) bytes += column.capacity() * sizeof(Word);
  return bytes;
}

std::uint64_t RowSet::content_bytes() const {
  std::uint64_t bytes = bytes_used();
  for (const std::uint32_t c : handle_columns_) {
    for (const Word word : columns_[c]) {
      if (vm::is_handle_word(word)) bytes += pool_->text_size(word);
    }
  }
  return bytes;
}

bool KeyEncoder::encode(const RowSet& rows, std::size_t row, std::span<const std::uint32_t> columns,
                        std::string& out) const {
  for (const std::uint32_t c : columns) {
    const compiler::ColumnLayout& column = layout_->columns[c];
    if (column.nullable && rows.word(row, column.null_word()) != 0) return false;
    Word words[2] = {0, 0};
    for (std::uint32_t w = 0; w < column.value_words; ++w) {
      words[w] = rows.word(row, column.first_word + w);
    }
    vm::encode_value(*pool_, column.type, false, words, {}, out);
  }
  return true;
}

void KeyEncoder::encode_row(const RowSet& rows, std::size_t row, std::string& out) const {
  for (const compiler::ColumnLayout& column : layout_->columns) {
    Word words[3] = {0, 0, 0};
    for (std::uint32_t w = 0; w < column.word_count(); ++w) {
      words[w] = rows.word(row, column.first_word + w);
    }
    vm::encode_value(*pool_, column.type, column.nullable, words, {}, out);
  }
}

}  // namespace entail::engine
