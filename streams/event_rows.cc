#include "streams/event_rows.h"

#include <limits>

#include "vm/value_codec.h"

namespace entail::streams {

using vm::Word;

namespace {

bool is_text_like(vm::Type type) {
  switch (type.kind) {
    case vm::TypeKind::kText:
    case vm::TypeKind::kBytes:
    case vm::TypeKind::kJson:
    case vm::TypeKind::kNumeric:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::shared_ptr<const RowShape> RowShape::of(const datalog::Relation& relation,
                                             const vm::TypeTable& types) {
  auto shape = std::make_shared<RowShape>();
  shape->relation = relation.name;
  shape->columns = relation.columns;
  shape->key = relation.key;
  shape->types = types.clone();
  shape->layout = compiler::layout_of(relation, shape->types);
  return shape;
}

EventRows::EventRows(std::shared_ptr<const RowShape> shape)
    : shape_(std::move(shape)), words_(shape_->layout.words.size()) {}

std::size_t EventRows::bytes_used() const {
  return words_.size() * size() * sizeof(Word) + size() * sizeof(RowOrigin) +
         pieces_.size() * sizeof(Piece) + bytes_.size();
}

void EventRows::begin_row() {
  ENTAIL_DEBUG_ENSURE(!is_interned_);
  for (std::vector<Word>& column : words_) column.push_back(0);
  for (const compiler::ColumnLayout& column : shape_->layout.columns) {
    if (column.nullable) words_[column.null_word()].back() = 1;
  }
  pieces_before_ = pieces_.size();
  bytes_before_ = bytes_.size();
}

void EventRows::set_words(std::size_t column, const Word* words) {
  const compiler::ColumnLayout& layout = shape_->layout.columns[column];
  for (std::uint32_t w = 0; w < layout.value_words; ++w) {
    words_[layout.first_word + w].back() = words[w];
  }
  if (layout.nullable) words_[layout.null_word()].back() = 0;
}

// The place of a piece, as a word that is no inline text: from 1.
Word EventRows::keep(std::string_view bytes) {
  ENTAIL_ENSURE(bytes_.size() + bytes.size() <= std::numeric_limits<std::uint32_t>::max());
  pieces_.push_back(
      {static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(bytes.size())});
  bytes_.append(bytes);
  return pieces_.size();
}

void EventRows::set_text(std::size_t column, std::string_view bytes) {
  set_word(column, bytes.size() <= vm::kInlineTextMax ? vm::inline_text_word(bytes) : keep(bytes));
}

void EventRows::set_encoded(std::size_t column, std::string_view encoded) {
  set_word(column, keep(encoded));
}

void EventRows::set_null(std::size_t column) {
  const compiler::ColumnLayout& layout = shape_->layout.columns[column];
  for (std::uint32_t w = 0; w < layout.value_words; ++w) words_[layout.first_word + w].back() = 0;
  words_[layout.null_word()].back() = 1;
}

void EventRows::end_row(const RowOrigin& origin) { origins_.push_back(origin); }

void EventRows::drop_row() {
  for (std::vector<Word>& column : words_) column.pop_back();
  pieces_.resize(pieces_before_);
  bytes_.resize(bytes_before_);
}

void EventRows::intern(vm::ValuePool& pool) {
  ENTAIL_ENSURE(!is_interned_);
  is_interned_ = true;
  std::vector<std::string_view> texts;
  std::vector<std::size_t> rows;
  std::vector<Word> handles;
  for (const compiler::ColumnLayout& column : shape_->layout.columns) {
    if (!shape_->types.is_handle(column.type)) continue;
    std::vector<Word>& words = words_[column.first_word];
    const bool is_text = is_text_like(column.type);
    texts.clear();
    rows.clear();
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (!vm::is_handle_word(words[i])) continue;
      const Piece& piece = pieces_[words[i] - 1];
      std::string_view bytes = std::string_view(bytes_).substr(piece.begin, piece.size);
      if (is_text) {
        texts.push_back(bytes);
        rows.push_back(i);
        continue;
      }
      const bool is_whole = vm::decode_value(pool, column.type, false, {}, bytes, &words[i]);
      ENTAIL_ENSURE(is_whole && bytes.empty());
    }
    if (texts.empty()) continue;
    handles.resize(texts.size());
    pool.intern_batch(texts, handles);
    for (std::size_t i = 0; i < rows.size(); ++i) words[rows[i]] = handles[i];
  }
}

}  // namespace entail::streams
