// tests/slt/slt_file.h - the records of one sqllogictest file.
//
//     statement ok | error | copy        the SQL, to an empty line; an error's SQLSTATE stands above
//     query TYPES SORT                   the SQL, `----`, the values one a line, or their hash
//
// The dialect is that of the corpus: every file says where it is from in its first lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace entail::slt {

enum class RecordKind : std::uint8_t { kStatement, kQuery };
enum class SortMode : std::uint8_t { kNone, kRows, kValues };

struct Record {
  RecordKind kind = RecordKind::kStatement;
  std::size_t line = 0;  // Where it begins, from 1.
  std::string sql;
  // Statements.
  bool expects_error = false;
  std::string sqlstate;  // Empty: any.
  bool is_copy = false;
  std::string copy_data;
  // Queries.
  std::string types;
  SortMode sort = SortMode::kNone;
  std::vector<std::string> expected;  // Values, in the order after sorting.
  std::string hash;                   // Instead, with `value_count` values.
  std::size_t value_count = 0;
};

struct SltFile {
  std::string path;
  std::vector<Record> records;
};

SltFile parse_slt(std::string path, std::string_view text);

// Rows as the runner prints them: sorted, flattened.
std::vector<std::string> arrange(std::vector<std::vector<std::string>> rows, SortMode sort);
// Of each value and a line's end.
std::string md5_of(const std::vector<std::string>& values);
// One value as the format of its type letter has it.
std::string format_value(char type, const std::string& text, bool is_null);

}  // namespace entail::slt
