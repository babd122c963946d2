#include "server/engine/internal/stored_row.h"

#include "store/row_key.h"
#include "vm/value_codec.h"

namespace entail::engine {

using vm::Word;

namespace {

void put_big_endian(Word word, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(word >> shift));
}

Word take_big_endian(std::string_view bytes) {
  Word word = 0;
  for (std::size_t i = 0; i < 8; ++i) word = word << 8 | static_cast<unsigned char>(bytes[i]);
  return word;
}

}  // namespace

void StoredRowCodec::encode_column(std::span<const std::vector<Word>> columns, std::size_t row,
                                   std::uint32_t column, bool with_null, std::string& out) const {
  const compiler::ColumnLayout& layout = layout_->columns[column];
  Word words[3] = {0, 0, 0};
  for (std::uint32_t w = 0; w < layout.word_count(); ++w) {
    words[w] = columns[layout.first_word + w][row];
  }
  vm::encode_value(*pool_, layout.type, with_null && layout.nullable, words, {}, out);
}

StoredRowCodec::Key StoredRowCodec::key(std::span<const std::vector<Word>> columns, std::size_t row,
                                        vm::DurableId id) const {
  Key result;
  if (relation_->collection == datalog::Collection::kBag) {
    put_big_endian(id.source, result.bytes);
    put_big_endian(id.ordinal, result.bytes);
    return result;
  }
  if (!relation_->key.empty()) {
    for (const std::uint32_t column : relation_->key) {
      encode_column(columns, row, column, true, result.bytes);
    }
    return result;
  }
  store::SetRowKey made = store::set_row_key(value(columns, row));
  result.bytes = std::move(made.key);
  result.hashed = made.hashed;
  return result;
}

std::string StoredRowCodec::value(std::span<const std::vector<Word>> columns,
                                  std::size_t row) const {
  std::string result;
  for (std::uint32_t c = 0; c < layout_->columns.size(); ++c) {
    encode_column(columns, row, c, true, result);
  }
  if (layout_->columns.empty()) result.push_back('\1');
  return result;
}

template <typename Put>
bool StoredRowCodec::decode_words(std::string_view bytes, Put&& put) const {
  for (const compiler::ColumnLayout& column : layout_->columns) {
    Word words[3] = {0, 0, 0};
    if (!vm::decode_value(*pool_, column.type, column.nullable, {}, bytes, words)) return false;
    for (std::uint32_t w = 0; w < column.word_count(); ++w) put(column.first_word + w, words[w]);
  }
  if (layout_->columns.empty()) {
    put(0, 0);
    return bytes == "\1";
  }
  return bytes.empty();
}

bool StoredRowCodec::decode(std::string_view bytes, std::vector<std::vector<Word>>& columns) const {
  return decode_words(bytes, [&](std::uint32_t at, Word word) { columns[at].push_back(word); });
}

bool StoredRowCodec::decode_row(std::string_view bytes, std::vector<Word>& words) const {
  words.resize(layout_->words.size());
  return decode_words(bytes, [&](std::uint32_t at, Word word) { words[at] = word; });
}

bool StoredRowCodec::decode_id(std::string_view key, vm::DurableId& id) {
  if (key.size() != 16) return false;
  id.source = take_big_endian(key);
  id.ordinal = take_big_endian(key.substr(8));
  return true;
}

}  // namespace entail::engine
