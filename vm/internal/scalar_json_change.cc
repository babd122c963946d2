// SQL's functions that make json: of values, of arrays, and of json that is changed.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "vm/internal/array_elements.h"
#include "vm/internal/scalar_call.h"
#include "vm/internal/scalar_json.h"
#include "vm/json_text.h"
#include "vm/sql_text.h"

namespace entail::vm {

namespace {

// ---------------------------------------------------------------------------------------- changes

Json concatenated(ScalarCall& call, Json left, Json right) {
  if (left.is_object() && right.is_object()) {
    left.update(right);
    return left;
  }
  if (left.is_object() != right.is_object() && !left.is_array() && !right.is_array()) {
    call.fail("22023", "invalid concatenation of jsonb objects");
    return {};
  }
  Json all = Json::array();
  for (Json* side : {&left, &right}) {
    if (side->is_array()) {
      all.insert(all.end(), side->begin(), side->end());
    } else {
      all.push_back(std::move(*side));
    }
  }
  return all;
}

// Whether the call goes on: a scalar cannot lose anything.
bool is_container(ScalarCall& call, const Json& value) {
  if (value.is_structured()) return true;
  call.fail("22023", "cannot delete from scalar");
  return false;
}

void erase_element(Json& value, std::int64_t i) {
  if (const auto at = position_in(value, i)) value.erase(*at);
}

// What a step of a path says inside an array; the call fails where it is no number.
std::optional<std::int64_t> integer_at(ScalarCall& call, const std::vector<std::string>& path,
                                       std::size_t step) {
  const auto at = integer_of(call, path[step]);
  if (!at) {
    call.fail("22P02", fmt::format("path element at position {} is not an integer: \"{}\"",
                                   step + 1, path[step]));
  }
  return at;
}

void erase_path(ScalarCall& call, Json& value, const std::vector<std::string>& path,
                std::size_t step) {
  const bool last = step + 1 == path.size();
  if (value.is_object()) {
    const auto found = value.find(path[step]);
    if (found == value.end()) return;
    if (last) {
      value.erase(found);
    } else {
      erase_path(call, *found, path, step + 1);
    }
  } else if (value.is_array()) {
    const auto named = integer_at(call, path, step);
    if (!named) return;
    if (last) return erase_element(value, *named);
    if (const auto at = position_in(value, *named)) erase_path(call, value[*at], path, step + 1);
  }
}

enum class Put : std::uint8_t { kReplace, kReplaceOrCreate, kInsertBefore, kInsertAfter };

void put_path(ScalarCall& call, Json& value, const std::vector<std::string>& path, std::size_t step,
              const Json& with, Put how) {
  const bool last = step + 1 == path.size();
  const bool inserts = how == Put::kInsertBefore || how == Put::kInsertAfter;
  if (value.is_object()) {
    const auto found = value.find(path[step]);
    if (!last) {
      if (found != value.end()) put_path(call, *found, path, step + 1, with, how);
    } else if (found == value.end()) {
      if (how != Put::kReplace) value[path[step]] = with;
    } else if (inserts) {
      call.fail("22023", "cannot replace existing key", "");
    } else {
      *found = with;
    }
    return;
  }
  if (!value.is_array()) return;
  const auto named = integer_at(call, path, step);
  if (!named) return;
  const auto at = position_in(value, *named);
  if (!last) {
    if (at) put_path(call, value[*at], path, step + 1, with, how);
  } else if (at && !inserts) {
    value[*at] = with;
  } else if (at) {
    const std::size_t before = *at + (how == Put::kInsertAfter ? 1 : 0);
    value.insert(value.begin() + static_cast<std::ptrdiff_t>(before), with);
  } else if (how != Put::kReplace) {
    value.insert(*named < 0 ? value.begin() : value.end(), with);
  }
}

void put(ScalarCall& call, Put how) {
  Json value = parsed(call, 0);
  const auto path = texts_of(call, 1);
  if (!value.is_structured()) return call.fail("22023", "cannot set path in scalar");
  if (!path) return call.fail("22004", "path element at position 1 is null");
  if (!path->empty()) put_path(call, value, *path, 0, parsed(call, 2), how);
  if (call.error == 0) give_json(call, value);
}

void strip_nulls(Json& value) {
  if (value.is_object()) {
    for (auto at = value.begin(); at != value.end();) {
      if (at->is_null()) {
        at = value.erase(at);
      } else {
        strip_nulls(*at++);
      }
    }
  } else if (value.is_array()) {
    for (Json& element : value) strip_nulls(element);
  }
}

// ----------------------------------------------------------------------------------------- making

void build_object(ScalarCall& call) {
  if (call.size() % 2 != 0) {
    return call.fail("22023", "argument list must have even number of elements");
  }
  Json object = Json::object();
  for (std::size_t i = 0; i < call.size(); i += 2) {
    if (call.is_null(i)) {
      return call.fail("22023", fmt::format("argument {}: key must not be null", i + 1));
    }
    const Json key = document_of(call, i);
    object[key.is_string() ? key.get<std::string>() : key.dump()] = document_of(call, i + 1);
  }
  give_json(call, object);
}

void build_array(ScalarCall& call) {
  Json array = Json::array();
  for (std::size_t i = 0; i < call.size(); ++i) array.push_back(document_of(call, i));
  give_json(call, array);
}

void extract_path(ScalarCall& call, bool as_text) {
  std::vector<std::string> path;
  for (std::size_t i = 1; i < call.size(); ++i) path.emplace_back(call.bytes(i));
  give_part_at(call, path, as_text);
}

// --------------------------------------------------------------------------------- rows of a value

// An array of what `visit` hands to its argument: a text, or null.
template <typename Fill>
void give_parts(ScalarCall& call, Fill fill) {
  ArrayBuilder builder(call);
  fill([&](const Json& part, bool as_text) {
    if (as_text && part.is_null()) {
      const Word none = 0;
      return builder.add(&none, true);
    }
    const std::string text = as_text && part.is_string() ? part.get<std::string>()
                             : as_text                   ? printed_json(part.dump())
                                                         : part.dump();
    const Word word = call.pool().intern(text);
    builder.add(&word, false);
  });
  builder.give();
}

void elements(ScalarCall& call, bool as_text) {
  const Json value = parsed(call, 0);
  if (!value.is_array()) {
    return call.fail("22023", value.is_object() ? "cannot extract elements from an object"
                                                : "cannot extract elements from a scalar");
  }
  give_parts(call, [&](auto add) {
    for (const Json& element : value) add(element, as_text);
  });
}

void members(ScalarCall& call, std::string_view function, bool keys, bool as_text) {
  const Json value = parsed(call, 0);
  if (!value.is_object()) {
    return call.fail("22023", fmt::format("cannot call {} on {}", function,
                                          value.is_array() ? "an array" : "a scalar"));
  }
  // In the order in which jsonb keeps its members.
  std::vector<std::string> names;
  for (const auto& [name, part] : value.items()) names.push_back(name);
  std::sort(names.begin(), names.end(), comes_first_in_jsonb);
  give_parts(call, [&](auto add) {
    for (const std::string& name : names) {
      if (keys) {
        add(Json(name), true);
      } else {
        add(value[name], as_text);
      }
    }
  });
}

}  // namespace

namespace scalar {

void kJsonConcat(ScalarCall& call) {
  const Json all = concatenated(call, parsed(call, 0), parsed(call, 1));
  if (call.error == 0) give_json(call, all);
}
void kJsonDeleteKey(ScalarCall& call) {
  Json value = parsed(call, 0);
  if (!is_container(call, value)) return;
  const std::string key(call.bytes(1));
  if (value.is_object()) {
    value.erase(key);
  } else {
    value.erase(std::remove(value.begin(), value.end(), Json(key)), value.end());
  }
  give_json(call, value);
}
void kJsonDeleteElement(ScalarCall& call) {
  Json value = parsed(call, 0);
  if (!is_container(call, value)) return;
  if (value.is_object()) return call.fail("22023", "cannot delete from object using integer index");
  erase_element(value, call.integer(1));
  give_json(call, value);
}
void kJsonDeletePath(ScalarCall& call) {
  Json value = parsed(call, 0);
  const auto path = texts_of(call, 1);
  if (!value.is_structured()) return call.fail("22023", "cannot delete path in scalar");
  if (path && !path->empty()) erase_path(call, value, *path, 0);
  if (call.error == 0) give_json(call, value);
}
void kJsonHasAnyKey(ScalarCall& call) {
  const Json value = parsed(call, 0);
  const auto keys = texts_of(call, 1);
  call.give_bool(keys && std::any_of(keys->begin(), keys->end(),
                                     [&](const std::string& key) { return has_key(value, key); }));
}
void kJsonHasAllKeys(ScalarCall& call) {
  const Json value = parsed(call, 0);
  const auto keys = texts_of(call, 1);
  call.give_bool(keys && std::all_of(keys->begin(), keys->end(),
                                     [&](const std::string& key) { return has_key(value, key); }));
}
void kJsonSet(ScalarCall& call) { put(call, Put::kReplaceOrCreate); }
void kJsonSetOrCreate(ScalarCall& call) {
  put(call, call.integer(3) != 0 ? Put::kReplaceOrCreate : Put::kReplace);
}
void kJsonInsert(ScalarCall& call) { put(call, Put::kInsertBefore); }
void kJsonInsertAfter(ScalarCall& call) {
  put(call, call.integer(3) != 0 ? Put::kInsertAfter : Put::kInsertBefore);
}
void kJsonStripNulls(ScalarCall& call) {
  Json value = parsed(call, 0);
  strip_nulls(value);
  give_json(call, value);
}
void kJsonStripNullsJson(ScalarCall& call) { kJsonStripNulls(call); }
void kJsonPretty(ScalarCall& call) { call.give_bytes(parsed(call, 0).dump(4)); }
void kJsonBuildObject(ScalarCall& call) { build_object(call); }
void kJsonBuildObjectOfNothing(ScalarCall& call) { build_object(call); }
void kJsonBuildObjectJson(ScalarCall& call) { build_object(call); }
void kJsonBuildArray(ScalarCall& call) { build_array(call); }
void kJsonBuildArrayOfNothing(ScalarCall& call) { build_array(call); }
void kJsonBuildArrayJson(ScalarCall& call) { build_array(call); }
void kJsonExtractPath(ScalarCall& call) { extract_path(call, false); }
void kJsonExtractPathText(ScalarCall& call) { extract_path(call, true); }
void kJsonExtractPathJson(ScalarCall& call) { extract_path(call, false); }
void kJsonExtractPathTextJson(ScalarCall& call) { extract_path(call, true); }
void kArrayToJson(ScalarCall& call) { give_json(call, document_of(call, 0)); }
void kJsonElements(ScalarCall& call) { elements(call, false); }
void kJsonElementTexts(ScalarCall& call) { elements(call, true); }
void kJsonKeys(ScalarCall& call) { members(call, "jsonb_object_keys", true, true); }
void kJsonValues(ScalarCall& call) { members(call, "jsonb_each", false, false); }
void kJsonValueTexts(ScalarCall& call) { members(call, "jsonb_each_text", false, true); }
void kJsonObjectOfPairs(ScalarCall& call) {
  const Json pairs = document_of(call, 0);
  Json object = Json::object();
  for (const Json& pair : pairs) {
    if (pair[0].is_null()) return call.fail("22023", "field name must not be null");
    object[pair[0].is_string() ? pair[0].get<std::string>() : pair[0].dump()] = pair[1];
  }
  give_json(call, object);
}

}  // namespace scalar
}  // namespace entail::vm
