// server/http/json_row.h - rows as JSON objects.
//
//     {"id": 7, "name": "ann", "paid": true, "at": "2026-01-01 00:00:00", "tags": ["a", "b"], "extra": {"x": 1}}
//
// Numbers are numbers with all their digits, NaN and infinities texts; truth values, nulls, arrays and JSON are
// themselves; everything else is the text that SQL gives. Of columns with the same name the second is "name_2".
//
// Threads: plain values.
#pragma once

#include <string>
#include <vector>

#include "server/engine/result.h"

namespace entail::http {

class JsonRow {
 public:
  JsonRow(const engine::ResultShape& shape, const engine::TextSettings& settings);

  void append(const engine::RowView& row, std::string& out) const;
  // [{"name": "id", "type_oid": 23}, …]
  void append_columns(const engine::ResultShape& shape, std::string& out) const;

 private:
  std::vector<std::string> names_;  // As JSON strings.
  const engine::TextSettings& settings_;
};

}  // namespace entail::http
