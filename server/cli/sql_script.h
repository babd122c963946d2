// server/cli/sql_script.h - SQL text cut into statements as it comes, line by line.
//
// A statement ends at a semicolon outside of quotes, comments and brackets:
//
//     '…' and E'…\'…'    "…"    $tag$…$tag$    -- …    /* … /* … */ … */    ( … )
//
// Threads: one owner. Source: PostgreSQL 15 documentation, section 4.1, "Lexical Structure".

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace entail::cli {

class SqlScript {
 public:
  // More text.
  void add(std::string_view text) { text_ += text; }

  // The next statement that is complete, with its semicolon.
  std::optional<std::string> next();
  // What is left at the end of the input; nothing where that is only space and comments.
  std::optional<std::string> rest();

  // Whether a statement has begun.
  bool is_inside() const;

  // Takes the rest of the current line away, with its line end.
  void skip_line();
  // The next whole line of the text, for the data of a COPY.
  std::optional<std::string> next_line();
  std::string take_all();

 private:
  void forget();
  bool scan_quoted(char quote, bool escapes);
  bool scan_comment();
  bool scan_dollar();

  std::string text_;
  std::size_t at_ = 0;        // Scanned so far; always outside of quotes and comments.
  std::size_t depth_ = 0;     // Of brackets.
  bool has_content_ = false;  // Something else than space and comments was seen.
};

}  // namespace entail::cli
