// grammar/internal/sql_scanner.h - the words, signs and literals of SQL text.
//
// The text is read once, by PostgreSQL's lexical rules: nested comments, strings continued on the
// next line, dollar quotes, operators that may not end in + or -. Literals stay as written; what
// they say is decoded when somebody asks (decode_string, identifier_text).
//
// Cost: O(text). Threads: the keyword table is built once and then only read.
// Source: PostgreSQL 15, "Lexical Structure".

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vm/base/expected.h"

namespace entail::grammar::internal {

struct SqlToken {
  std::size_t type = 0;  // A token type of the generated parser.
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  std::string_view text(std::string_view all) const { return all.substr(begin, end - begin); }
};

// An error at a byte of the text; its position is told in characters.
Error sql_error_at(std::string_view text, std::size_t offset, std::string message,
                   std::string sqlstate = "42601", ErrorCode code = ErrorCode::kInvalidArgument);

// `message at or near "..."`, of the token or, behind the last one, `message at end of input`.
Error sql_error_near(std::string_view text, const SqlToken& token, std::string_view message);

// All tokens; no end mark.
Expected<std::vector<SqlToken>> scan_sql(std::string_view text);

// A literal's contents: '...', E'...', U&'...', $tag$...$tag$, B'...', X'...', all with
// continuations.
Expected<std::string> decode_string(std::string_view text, const SqlToken& token);

// The name a word or "quoted word" stands for, at most 63 bytes of it.
Expected<std::string> identifier_text(std::string_view text, const SqlToken& token, bool& quoted);

// True where PostgreSQL would not accept the word as a column's name without quotes.
bool is_sql_keyword(std::string_view word);

}  // namespace entail::grammar::internal
