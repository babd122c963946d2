#include "streams/formats/value_setter.h"

#include <nlohmann/json.hpp>

#include "streams/formats/json_value.h"
#include "vm/value_codec.h"
#include "vm/value_text.h"

namespace entail::streams {

using vm::TypeKind;
using vm::Word;

namespace {

constexpr std::size_t kWordsMax = 3;  // A value, and a null flag.

}  // namespace

void ValueSetter::set_words(EventRows& rows, std::size_t column, const Word* words) {
  const vm::Type type = shape_->columns[column].type;
  if (!shape_->types.is_handle(type)) {
    rows.set_words(column, words);
    return;
  }
  switch (type.kind) {
    case TypeKind::kText:
    case TypeKind::kBytes:
    case TypeKind::kJson:
    case TypeKind::kNumeric: {
      vm::TextScratch scratch;
      rows.set_text(column, pool_.view(words[0], scratch));
      return;
    }
    default:
      if (words[0] == vm::kNilWord) {
        rows.set_words(column, words);
        return;
      }
      scratch_.clear();
      vm::encode_value(pool_, type, false, words, {}, scratch_);
      rows.set_encoded(column, scratch_);
  }
}

bool ValueSetter::set_text(EventRows& rows, std::size_t column, std::string_view text,
                           std::string& problem) {
  const vm::Type type = shape_->columns[column].type;
  if (type.kind == TypeKind::kText) {
    rows.set_text(column, text);
    return true;
  }
  Word words[kWordsMax] = {0, 0, 0};
  if (!vm::parse_value(pool_, type, text, words, problem)) return false;
  set_words(rows, column, words);
  return true;
}

bool ValueSetter::set_json(EventRows& rows, std::size_t column, std::string_view text,
                           std::string& problem) {
  const vm::Type type = shape_->columns[column].type;
  if (type.kind == TypeKind::kJson) return set_text(rows, column, text, problem);
  const auto value = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) {
    problem = "it is not JSON";
    return false;
  }
  Word words[kWordsMax] = {0, 0, 0};
  JsonValueReader reader(pool_);
  if (!reader.read(value, type, false, words, problem)) return false;
  set_words(rows, column, words);
  return true;
}

}  // namespace entail::streams
