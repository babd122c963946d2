// server/cli/change_json.h - a line of changes as a JSON object.
//
//     {"insert": {"edge": [1, 2]}}                             a row as an array: the columns in order
//     {"insert": {"edge": {"x": 1, "y": 2}}}                   a row as an object: by column, others get
//                                                              their default, or null
//     {"insert": {"edge": [[1, 2], {"x": 2, "y": 3}]}}         several rows
//     {"insert": {"a": [1]}, "delete": {"b": [[2], [3]]}}      several relations: all of it is one step
//     {"delete": {"Order": {"id": 1}}}                         of a keyed relation: by its key
//     {"update": {"Order": {"id": 1, "status": "X"}}}          of a keyed relation: the named columns of
//                                                              the row under the key
//     {"tick": "2026-01-01T10:00:00Z"}                         the clocks of all streams
//     {"tick": {"Login": "2026-01-01T10:00:00Z"}}              of one
//     {"commit": true}    {"abort": true}    {"query": "path(1, x)"}
//
// One row or several? An array is several rows if each of its elements is a row: an object, or an array
// with an element for each column. Where the first column is a record or an array, so that an array of
// arrays may be one row, it is one row exactly if the relation has as many columns as the array elements
// and the first element is a value of the first column; write [[…]] to be sure.
//
// Values: numbers (all their digits count), true and false, texts; a text also for all that the rule
// language writes in quotes, and for "inf" and "nan". Records and arrays are arrays, records also objects;
// a variant is a text as the rule language writes it ("$Circle(2)"); nil is null. A json column takes any
// JSON.
//
// The order of the members has no meaning: deletions, then updates, then insertions. Two rows that would
// be there under one key of a keyed relation are refused. Threads: one.

#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/cli/change_line.h"
#include "server/cli/json_tree.h"

namespace entail::cli {

class ChangeJsonReader {
 public:
  // `tree` is where the line is taken apart.
  ChangeJsonReader(ChangeLineReader& lines, JsonTree& tree) : lines_(lines), tree_(tree) {}

  // As ChangeLineReader::read(), from `at` on.
  [[nodiscard]] bool read(std::string_view line, std::size_t at, ChangeLine& out);

 private:
  enum class Verb : unsigned char { kDelete, kUpdate, kInsert };

  bool read_query(const JsonNode& node, ChangeLine& out);
  bool read_tick(const JsonNode& node, ChangeLine& out);
  bool read_verb(Verb verb, const JsonNode& relations, ChangeLine& out);
  bool read_rows(Verb verb, datalog::RelationId id, const JsonNode& node, ChangeLine& out);
  bool are_rows(datalog::RelationId id, const JsonNode& node);
  bool read_row(Verb verb, datalog::RelationId id, const JsonNode& node, vm::Word* row,
                std::size_t& row_count);
  bool is_first_under_key(datalog::RelationId id, const JsonNode& node, const vm::Word* row);
  bool read_value(const JsonNode& node, vm::Type type, bool nullable, vm::Word* out);
  bool read_scalar(const JsonNode& node, vm::Type type, vm::Word* out);
  bool read_record(const JsonNode& node, vm::Type type, vm::Word* out);
  bool read_array(const JsonNode& node, vm::Type type, vm::Word* out);
  bool wrong_kind(const JsonNode& node, vm::Type type);
  bool fail(const JsonNode& node, std::string message);

  ChangeLineReader& lines_;
  JsonTree& tree_;
  std::map<datalog::RelationId, std::set<std::vector<vm::Word>>>
      keys_;  // Of rows that will be there.
};

}  // namespace entail::cli
