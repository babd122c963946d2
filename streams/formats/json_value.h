// streams/formats/json_value.h - values of columns as JSON, and JSON as values.
//
// A record is an array or an object of its fields, nil is null. An adt, which JSON does not know, is its text
// ("$Circle(2)"); so are dates, uuids and the like, and a float that is no JSON number ("inf"). Reading takes
// either form of a record, and any value as a string of its text.
//
// Threads: pure, but that reading interns into the pool.

#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "vm/type.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::streams {

class JsonValueReader {
 public:
  explicit JsonValueReader(vm::ValuePool& pool) : pool_(pool) {}

  // Whether `value` is one of `type`; its words go to `out`, the null flag included. If not, `message` says
  // what is wrong.
  [[nodiscard]] bool read(const nlohmann::json& value, vm::Type type, bool nullable, vm::Word* out,
                          std::string& message);

 private:
  bool read_record(const nlohmann::json& value, vm::Type type, vm::Word* out, std::string& message);
  bool read_array(const nlohmann::json& value, vm::Type type, vm::Word* out, std::string& message);

  vm::ValuePool& pool_;
};

// The beginning of its text, for messages.
std::string json_excerpt(const nlohmann::json& value);

// Appends a value of a column as JSON. Fields of records are keyed by name if `as_object`.
void append_json_value(const vm::ValuePool& pool, vm::Type type, bool nullable,
                       const vm::Word* words, bool as_object, std::string& out);

// Appends `text` as a JSON string, quotes included.
void append_json_string(std::string_view text, std::string& out);

}  // namespace entail::streams
