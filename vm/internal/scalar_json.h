// vm/internal/scalar_json.h - a value as a JSON document, whose dump() is the canonical text.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vm/internal/scalar_call.h"

namespace entail::vm {

using Json = nlohmann::json;

Json json_of(ScalarCall& call, Type type, const Word* words);

// Arguments: any value as a document, null's too, or the document that one is.
Json document_of(ScalarCall& call, std::size_t i);
Json parsed(ScalarCall& call, std::size_t i);
// The texts of an array; nothing where one is null.
std::optional<std::vector<std::string>> texts_of(ScalarCall& call, std::size_t i);

void give_json(ScalarCall& call, const Json& value);

// Parts of a document; null: there is none. Negative positions count from the end.
const Json* field_of(const Json& value, const std::string& name);
std::optional<std::size_t> position_in(const Json& array, std::int64_t i);
const Json* element_of(const Json& value, std::int64_t i);
// The position that a step of a path names.
std::optional<std::int64_t> integer_of(ScalarCall& call, const std::string& text);
// As `->`, `->>` and `#>` give it: a missing part is null, and as text a json null too.
void give_part(ScalarCall& call, const Json* part, bool as_text);
void give_part_at(ScalarCall& call, std::span<const std::string> path, bool as_text);
// Whether it has a member of the name, or an element that is the text, or is it.
bool has_key(const Json& value, const std::string& key);

}  // namespace entail::vm
