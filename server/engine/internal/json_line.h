// server/engine/internal/json_line.h - one object of JSON as the texts that input functions read.
//
// Threads: plain values. Source: RFC 8259.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vm/base/expected.h"

namespace entail::engine {

struct JsonField {
  enum class Kind : std::uint8_t { kNull, kString, kScalar, kArray, kObject };
  std::string name;
  Kind kind = Kind::kNull;
  std::string text;   // A string's contents, a number or truth value as written; else JSON.
  std::string array;  // kArray: as SQL writes one, {1,"a b",NULL}.

  // As JSON.
  std::string json() const;
};

// The members of the object in their order. 22P02 where the line is no object, or names a member twice.
Expected<std::vector<JsonField>> read_json_line(std::string_view line);

}  // namespace entail::engine
