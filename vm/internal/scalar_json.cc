// SQL's operators on json: a value is its canonical text.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "vm/internal/scalar_call.h"
#include "vm/internal/scalar_json.h"
#include "vm/json_text.h"
#include "vm/sql_text.h"

namespace entail::vm {

using Json = nlohmann::json;

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

namespace {

Json parsed(ScalarCall& call, std::size_t i) { return Json::parse(call.bytes(i), nullptr, false); }

void give_json(ScalarCall& call, const Json& value) { call.give_bytes(value.dump()); }

// As `->` and `->>` give it: a missing part is null, and as text a json null too.
void give_part(ScalarCall& call, const Json* part, bool as_text) {
  if (part == nullptr || (as_text && part->is_null())) return call.give_null();
  if (as_text && part->is_string()) return call.give_bytes(part->get_ref<const std::string&>());
  give_json(call, *part);
}

const Json* field_of(const Json& value, const std::string& name) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(name);
  return found == value.end() ? nullptr : &*found;
}

const Json* element_of(const Json& value, std::int64_t i) {
  if (!value.is_array()) return nullptr;
  const auto count = static_cast<std::int64_t>(value.size());
  if (i < 0) i += count;
  return i < 0 || i >= count ? nullptr : &value[static_cast<std::size_t>(i)];
}

void field(ScalarCall& call, bool as_text) {
  const Json value = parsed(call, 0);
  give_part(call, field_of(value, std::string(call.bytes(1))), as_text);
}

void element(ScalarCall& call, bool as_text) {
  const Json value = parsed(call, 0);
  give_part(call, element_of(value, call.integer(1)), as_text);
}

void path(ScalarCall& call, bool as_text) {
  const Json value = parsed(call, 0);
  const TypeId id = call.argument(1).type.detail;
  const bool nullable = call.types().array_element_nullable(id);
  const auto words = call.pool().fields(call.argument(1).word);
  const Json* at = &value;
  for (std::size_t i = 0; i < words.size() && at != nullptr; i += nullable ? 2 : 1) {
    if (nullable && words[i + 1] != 0) return call.give_null();
    TextScratch scratch;
    const std::string step(call.pool().view(words[i], scratch));
    if (at->is_array()) {
      Word position = 0;
      SqlTextError error;
      at = read_sql_value(call.pool(), Type::of(TypeKind::kInt8), step, &position, error)
               ? element_of(*at, int_of(position))
               : nullptr;
    } else {
      at = field_of(*at, step);
    }
  }
  give_part(call, at, as_text);
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

void give_as_json(ScalarCall& call) {
  const Word words[2] = {call.argument(0).word, call.argument(0).low};
  give_json(call, json_of(call, call.argument(0).type, words));
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
  const Json value = parsed(call, 0);
  const std::string key(call.bytes(1));
  bool found = field_of(value, key) != nullptr || (value.is_string() && value == key);
  if (value.is_array()) {
    for (const Json& item : value) found = found || (item.is_string() && item == key);
  }
  call.give_bool(found);
}
void kToJsonb(ScalarCall& call) { give_as_json(call); }
void kToJson(ScalarCall& call) { give_as_json(call); }

}  // namespace scalar
}  // namespace entail::vm
