#include "server/cli/batch_builder.h"

#include <algorithm>

#include "vm/value_text.h"

namespace entail::cli {
namespace {

using vm::TypeKind;
using vm::Word;

// Kinds whose readers take white space in front, as Souffle's do.
bool skips_leading_space(TypeKind kind) {
  switch (kind) {
    case TypeKind::kText:
    case TypeKind::kBytes:
    case TypeKind::kEnum:
      return false;
    default:
      return true;
  }
}

std::string_view without_leading_space(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\v\f\r\n");
  return begin == std::string_view::npos ? text : text.substr(begin);
}

}  // namespace

BatchBuilder::BatchBuilder(const RowShape& shape, vm::ValuePool& pool, const RowSink& sink)
    : shape_(shape), pool_(pool), sink_(sink), texts_(shape.columns.size()) {
  storage_.resize(std::max<std::size_t>(shape.word_count, 1));
  for (auto& column : storage_) {
    column.resize(kBatchRowsMax);
    word_columns_.push_back(column.data());
  }
  for (std::size_t i = 0; i < shape.columns.size(); ++i) {
    if (shape.columns[i].type.kind == TypeKind::kText && !shape.columns[i].nullable) {
      texts_[i].resize(kBatchRowsMax);
    }
  }
}

void BatchBuilder::set_null(std::size_t column) {
  const datalog::Column& described = shape_.columns[column];
  const unsigned value_words = vm::value_words(described.type);
  Word* const* target = &word_columns_[shape_.word_of_column[column]];
  for (unsigned i = 0; i < value_words; ++i) target[i][rows_] = 0;
  target[value_words][rows_] = 1;
}

bool BatchBuilder::parse(std::size_t column, std::string_view text, std::string& message) {
  if (is_plain_text(column)) {
    texts_[column][rows_] = text;
    return true;
  }
  return parse_passing(column, text, message);
}

bool BatchBuilder::parse_passing(std::size_t column, std::string_view text, std::string& message) {
  const datalog::Column& described = shape_.columns[column];
  if (described.nullable &&
      (text == "null" || (text.empty() && described.type.kind != TypeKind::kText))) {
    set_null(column);
    return true;
  }
  Word value[3] = {0, 0, 0};
  if (is_plain_text(column)) {
    value[0] = pool_.intern(text);
    set_words(column, value);
    return true;
  }
  const std::string_view trimmed =
      skips_leading_space(described.type.kind) ? without_leading_space(text) : text;
  if (!vm::parse_value(pool_, described.type, trimmed, value, message)) return false;
  set_words(column, value);
  return true;
}

void BatchBuilder::set_words(std::size_t column, const Word* value) {
  const datalog::Column& described = shape_.columns[column];
  const unsigned count = vm::words_of(described.type, described.nullable);
  Word* const* target = &word_columns_[shape_.word_of_column[column]];
  for (unsigned i = 0; i < count; ++i) target[i][rows_] = value[i];
  // A view without bytes says that the word is there already.
  if (is_plain_text(column)) texts_[column][rows_] = std::string_view();
}

Expected<void> BatchBuilder::flush() {
  if (rows_ == 0) return {};
  std::vector<Word> settled;
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    if (texts_[i].empty()) continue;
    Word* const out = words(i);
    const auto views = std::span(texts_[i]).first(rows_);
    const auto is_settled = [](std::string_view view) { return view.data() == nullptr; };
    if (std::none_of(views.begin(), views.end(), is_settled)) {
      pool_.intern_batch(views, {out, rows_});
      continue;
    }
    settled.assign(out, out + rows_);
    pool_.intern_batch(views, {out, rows_});
    for (std::size_t row = 0; row < rows_; ++row) {
      if (is_settled(views[row])) out[row] = settled[row];
    }
  }
  const std::size_t rows = rows_;
  rows_ = 0;
  rows_total_ += rows;
  return sink_(std::span<const Word* const>(word_columns_.data(), word_columns_.size()), rows);
}

}  // namespace entail::cli
