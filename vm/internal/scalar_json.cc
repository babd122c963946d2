// SQL's operators on json: a value is its canonical text.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "vm/internal/array_elements.h"
#include "vm/internal/scalar_call.h"
#include "vm/internal/scalar_json.h"
#include "vm/json_text.h"
#include "vm/sql_text.h"

namespace entail::vm {

Json json_of(ScalarCall& call, Type type, const Word* words) {
  switch (type.kind) {
    case TypeKind::kBool:
      return words[0] != 0;
    case TypeKind::kJson: {
      TextScratch scratch;
      return Json::parse(call.pool().view(words[0], scratch), nullptr, false);
    }
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
    case TypeKind::kNumber:
      return int_of(words[0]);
    case TypeKind::kArray: {
      Json array = Json::array();
      const Type inner = call.types().array_element(type.detail);
      const bool nullable = call.types().array_element_nullable(type.detail);
      const unsigned stride = words_of(inner, nullable);
      const auto all = call.pool().fields(words[0]);
      for (std::size_t i = 0; i + stride <= all.size(); i += stride) {
        const bool null = nullable && all[i + stride - 1] != 0;
        array.push_back(null ? Json() : json_of(call, inner, all.data() + i));
      }
      return array;
    }
    default: {
      std::string text;
      print_sql_value(call.pool(), type, words, text);
      if (type.kind == TypeKind::kNumeric || type.kind == TypeKind::kFloat4 ||
          type.kind == TypeKind::kFloat8) {
        Json number = Json::parse(text, nullptr, false);
        if (number.is_number()) return number;
      }
      // Times are those of ISO 8601.
      if (type.kind == TypeKind::kTimestamp || type.kind == TypeKind::kTimestampTz) {
        if (const auto blank = text.find(' '); blank != std::string::npos) text[blank] = 'T';
        const bool hours_only =
            text.size() > 3 && (text[text.size() - 3] == '+' || text[text.size() - 3] == '-');
        if (type.kind == TypeKind::kTimestampTz && hours_only) text += ":00";
      }
      return text;
    }
  }
}

Json document_of(ScalarCall& call, std::size_t i) {
  if (call.is_null(i)) return {};
  const Word words[2] = {call.argument(i).word, call.argument(i).low};
  return json_of(call, call.argument(i).type, words);
}

Json parsed(ScalarCall& call, std::size_t i) { return Json::parse(call.bytes(i), nullptr, false); }

std::optional<std::vector<std::string>> texts_of(ScalarCall& call, std::size_t i) {
  const ArrayElements elements(call, i);
  std::vector<std::string> texts;
  for (std::int64_t k = 0; k < elements.size(); ++k) {
    if (elements.is_null(k)) return std::nullopt;
    TextScratch scratch;
    texts.emplace_back(call.pool().view(*elements.at(k), scratch));
  }
  return texts;
}

void give_json(ScalarCall& call, const Json& value) { call.give_bytes(value.dump()); }

const Json* field_of(const Json& value, const std::string& name) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(name);
  return found == value.end() ? nullptr : &*found;
}

std::optional<std::size_t> position_in(const Json& array, std::int64_t i) {
  const auto count = static_cast<std::int64_t>(array.size());
  if (i < 0) i += count;
  if (i < 0 || i >= count) return std::nullopt;
  return static_cast<std::size_t>(i);
}

const Json* element_of(const Json& value, std::int64_t i) {
  if (!value.is_array()) return nullptr;
  const auto at = position_in(value, i);
  return at ? &value[*at] : nullptr;
}

std::optional<std::int64_t> integer_of(ScalarCall& call, const std::string& text) {
  Word word = 0;
  SqlTextError error;
  if (!read_sql_value(call.pool(), Type::of(TypeKind::kInt4), text, &word, error)) {
    return std::nullopt;
  }
  return int_of(word);
}

void give_part(ScalarCall& call, const Json* part, bool as_text) {
  if (part == nullptr || (as_text && part->is_null())) return call.give_null();
  if (as_text && part->is_string()) return call.give_bytes(part->get_ref<const std::string&>());
  give_json(call, *part);
}

void give_part_at(ScalarCall& call, std::span<const std::string> path, bool as_text) {
  const Json value = parsed(call, 0);
  const Json* at = &value;
  for (std::size_t i = 0; i < path.size() && at != nullptr; ++i) {
    if (at->is_array()) {
      const auto position = integer_of(call, path[i]);
      at = position ? element_of(*at, *position) : nullptr;
    } else {
      at = field_of(*at, path[i]);
    }
  }
  give_part(call, at, as_text);
}

bool has_key(const Json& value, const std::string& key) {
  if (field_of(value, key) != nullptr || (value.is_string() && value == key)) return true;
  return value.is_array() && std::find(value.begin(), value.end(), Json(key)) != value.end();
}

namespace {

void field(ScalarCall& call, bool as_text) {
  const Json value = parsed(call, 0);
  give_part(call, field_of(value, std::string(call.bytes(1))), as_text);
}

void element(ScalarCall& call, bool as_text) {
  const Json value = parsed(call, 0);
  give_part(call, element_of(value, call.integer(1)), as_text);
}

void path(ScalarCall& call, bool as_text) {
  const auto steps = texts_of(call, 1);
  if (!steps) return call.give_null();
  give_part_at(call, *steps, as_text);
}

void type_of(ScalarCall& call) {
  const Json value = parsed(call, 0);
  call.give_bytes(value.is_object()    ? "object"
                  : value.is_array()   ? "array"
                  : value.is_string()  ? "string"
                  : value.is_boolean() ? "boolean"
                  : value.is_null()    ? "null"
                                       : "number");
}

void array_length(ScalarCall& call) {
  const Json value = parsed(call, 0);
  if (value.is_object()) return call.fail("22023", "cannot get array length of a non-array");
  if (!value.is_array()) return call.fail("22023", "cannot get array length of a scalar");
  call.give_integer(static_cast<std::int64_t>(value.size()));
}

bool contains(const Json& whole, const Json& part, bool outermost) {
  if (whole.is_object() && part.is_object()) {
    for (const auto& [name, value] : part.items()) {
      const Json* const found = field_of(whole, name);
      if (found == nullptr || !contains(*found, value, false)) return false;
    }
    return true;
  }
  const auto has = [&](const Json& value) {
    for (const Json& candidate : whole) {
      if (contains(candidate, value, false)) return true;
    }
    return false;
  };
  if (whole.is_array() && part.is_array()) {
    for (const Json& value : part) {
      if (!has(value)) return false;
    }
    return true;
  }
  if (outermost && whole.is_array() && part.is_primitive()) return has(part);
  return whole == part;
}

}  // namespace

namespace scalar {

void kJsonField(ScalarCall& call) { field(call, false); }
void kJsonElement(ScalarCall& call) { element(call, false); }
void kJsonFieldText(ScalarCall& call) { field(call, true); }
void kJsonElementText(ScalarCall& call) { element(call, true); }
void kJsonPath(ScalarCall& call) { path(call, false); }
void kJsonPathText(ScalarCall& call) { path(call, true); }
void kJsonTypeof(ScalarCall& call) { type_of(call); }
void kJsonTypeofJson(ScalarCall& call) { type_of(call); }
void kJsonArrayLength(ScalarCall& call) { array_length(call); }
void kJsonArrayLengthJson(ScalarCall& call) { array_length(call); }
void kJsonContains(ScalarCall& call) {
  call.give_bool(contains(parsed(call, 0), parsed(call, 1), true));
}
void kJsonContained(ScalarCall& call) {
  call.give_bool(contains(parsed(call, 1), parsed(call, 0), true));
}
void kJsonHasKey(ScalarCall& call) {
  call.give_bool(has_key(parsed(call, 0), std::string(call.bytes(1))));
}
void kToJsonb(ScalarCall& call) { give_json(call, document_of(call, 0)); }
void kToJson(ScalarCall& call) { give_json(call, document_of(call, 0)); }

}  // namespace scalar
}  // namespace entail::vm
