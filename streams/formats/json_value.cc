#include "streams/formats/json_value.h"

#include <fmt/format.h>

#include <cmath>
#include <span>
#include <vector>

#include "vm/base/text.h"
#include "vm/type_table.h"
#include "vm/value_text.h"

namespace entail::streams {

using nlohmann::json;
using vm::Type;
using vm::TypeKind;
using vm::Word;

std::string json_excerpt(const json& value) {
  constexpr std::size_t kLong = 40;
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > kLong) text = text.substr(0, kLong) + "…";
  return text;
}

bool JsonValueReader::read(const json& value, Type type, bool nullable, Word* out,
                           std::string& message) {
  const unsigned value_words = vm::value_words(type);
  if (nullable) out[value_words] = value.is_null() ? 1 : 0;
  if (value.is_null()) {
    for (unsigned i = 0; i < value_words; ++i) out[i] = 0;
    if (nullable || type.kind == TypeKind::kRecord) return true;
    message = "null is not a " + pool_.types().type_name(type);
    return false;
  }
  switch (type.kind) {
    case TypeKind::kText:
      if (!value.is_string()) break;
      out[0] = pool_.intern(value.get_ref<const std::string&>());
      return true;
    case TypeKind::kRecord:
      if (value.is_structured()) return read_record(value, type, out, message);
      break;
    case TypeKind::kArray:
      if (value.is_array()) return read_array(value, type, out, message);
      break;
    case TypeKind::kJson:
      return vm::parse_value(pool_, type, value.dump(), out, message);
    case TypeKind::kFloat8:
      if (value.is_number()) {
        out[0] = vm::double_word(value.get<double>());
        return true;
      }
      break;
    case TypeKind::kFloat4:
      if (value.is_number()) {
        out[0] = vm::float_word(value.get<float>());
        return true;
      }
      break;
    default:
      break;
  }
  if (value.is_string()) {
    return vm::parse_value(pool_, type, value.get_ref<const std::string&>(), out, message);
  }
  if (value.is_number() || value.is_boolean()) {
    return vm::parse_value(pool_, type, value.dump(), out, message);
  }
  message = json_excerpt(value) + " is not a " + pool_.types().type_name(type);
  return false;
}

bool JsonValueReader::read_record(const json& value, Type type, Word* out, std::string& message) {
  const vm::TypeTable& types = pool_.types();
  const auto& fields = types.record_fields(type.detail);
  const auto& layout = types.layout(type.detail);
  if (value.size() != fields.size()) {
    message = fmt::format("{} has {} where {} has {}", json_excerpt(value),
                          count_of(value.size(), "field"), types.type_name(type),
                          count_of(fields.size(), "field"));
    return false;
  }
  std::vector<Word> words(layout.word_count);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const json* field = nullptr;
    if (value.is_array()) {
      field = &value[i];
    } else if (const auto found = value.find(fields[i].name); found != value.end()) {
      field = &*found;
    } else {
      message = fmt::format("{} lacks the field '{}'", json_excerpt(value), fields[i].name);
      return false;
    }
    if (!read(*field, fields[i].type, fields[i].nullable, &words[layout.field_offsets[i]],
              message)) {
      return false;
    }
  }
  out[0] = pool_.intern_record(type.detail, words);
  return true;
}

bool JsonValueReader::read_array(const json& value, Type type, Word* out, std::string& message) {
  const vm::TypeTable& types = pool_.types();
  const Type element = types.array_element(type.detail);
  const bool nullable = types.array_element_nullable(type.detail);
  const unsigned step = vm::words_of(element, nullable);
  std::vector<Word> words(step * value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!read(value[i], element, nullable, &words[i * step], message)) return false;
  }
  out[0] = pool_.intern_record(type.detail, words);
  return true;
}

void append_json_string(std::string_view text, std::string& out) {
  // Bytes that are not UTF-8 become the replacement character: JSON has no other text.
  out += json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

void append_json_value(const vm::ValuePool& pool, Type type, bool nullable, const Word* words,
                       bool as_object, std::string& out) {
  const vm::TypeTable& types = pool.types();
  if ((nullable && words[vm::value_words(type)] != 0) ||
      (type.kind == TypeKind::kRecord && words[0] == vm::kNilWord)) {
    out += "null";
    return;
  }
  const auto as_text = [&] {
    std::string text;
    vm::print_value(pool, type, false, words, {}, text);
    return text;
  };
  switch (type.kind) {
    case TypeKind::kNumber:
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
      vm::print_int(vm::int_of(words[0]), out);
      return;
    case TypeKind::kUnsigned:
      vm::print_unsigned(words[0], out);
      return;
    case TypeKind::kBool:
    case TypeKind::kDecimal:
    case TypeKind::kNumeric:
    case TypeKind::kJson:
      out += as_text();
      return;
    case TypeKind::kFloat4:
    case TypeKind::kFloat8: {
      const double value = type.kind == TypeKind::kFloat8
                               ? vm::double_of(words[0])
                               : static_cast<double>(vm::float_of(words[0]));
      if (std::isfinite(value)) {
        out += as_text();
      } else {
        append_json_string(as_text(), out);
      }
      return;
    }
    case TypeKind::kText: {
      vm::TextScratch scratch;
      append_json_string(pool.view(words[0], scratch), out);
      return;
    }
    case TypeKind::kRecord: {
      const auto& fields = types.record_fields(type.detail);
      const auto& layout = types.layout(type.detail);
      const std::span<const Word> inner = pool.fields(words[0]);
      out += as_object ? '{' : '[';
      for (std::size_t i = 0; i < fields.size(); ++i) {
        if (i > 0) out += ", ";
        if (as_object) {
          append_json_string(fields[i].name, out);
          out += ": ";
        }
        append_json_value(pool, fields[i].type, fields[i].nullable, &inner[layout.field_offsets[i]],
                          as_object, out);
      }
      out += as_object ? '}' : ']';
      return;
    }
    case TypeKind::kArray: {
      const Type element = types.array_element(type.detail);
      const bool element_nullable = types.array_element_nullable(type.detail);
      const unsigned step = vm::words_of(element, element_nullable);
      const std::span<const Word> inner = pool.fields(words[0]);
      out += '[';
      for (std::size_t i = 0; i < inner.size(); i += step) {
        if (i > 0) out += ", ";
        append_json_value(pool, element, element_nullable, &inner[i], as_object, out);
      }
      out += ']';
      return;
    }
    default:
      append_json_string(as_text(), out);
  }
}

}  // namespace entail::streams
