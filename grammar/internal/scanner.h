// grammar/internal/scanner.h - bytes -> tokens, by hand, in one pass.
//
// ANTLR's lexer decodes UTF-8 (and throws on what is none), costs a heap object a token and 10 ms
// of warm-up; this scanner reads bytes at memory speed, keeps byte offsets, and never fails: what
// no token starts with becomes a diagnostic. The token types are the parser's (Datalog.g4); every
// word is IDENT here, save those Souffle reserves: which soft words are keywords depends on where
// they stand (token_roles.h).
//
// Two things a byte alone does not decide:
//   `.`   after a word, without a blank, and before a letter: a member (DOT). Before a directive's
//   name and a blank, not
//         after a word: the directive. Else the end of a clause (END).
//   `?`   is a letter, as in Souffle.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "grammar/diagnostics.h"
#include "grammar/preprocessor.h"

namespace entail::grammar::internal {

struct ScannedToken {
  std::uint16_t type = 0;  // DatalogParser's, or kEndOfText.
  bool quoted = false;     // IDENT in backquotes.
  bool first_on_line = false;
  std::uint32_t begin = 0;  // Byte offsets in the preprocessed text.
  std::uint32_t end = 0;
};

inline constexpr std::uint16_t kEndOfText = 0xffff;  // ANTLR's EOF (-1), truncated.

class Scanner {
 public:
  Scanner(const PreprocessedText& source, Diagnostics& diagnostics)
      : source_(source), text_(source.text()), diagnostics_(diagnostics) {}

  // The next token; kEndOfText at the end, and from there on. Also when diagnostics are full.
  ScannedToken next();

  // Goes back (or on) to `token`, which next() then gives again.
  void rewind_to(const ScannedToken& token);

  std::string_view text_of(const ScannedToken& token) const {
    return text_.substr(token.begin, token.end - token.begin);
  }
  std::string_view text() const { return text_; }
  SourceSpan span(const ScannedToken& token) const { return source_.span(token.begin, token.end); }

 private:
  char at(std::size_t offset) const { return offset < text_.size() ? text_[offset] : '\0'; }
  void skip_blanks();
  std::uint16_t scan_one();
  std::uint16_t scan_word();
  std::uint16_t scan_number();
  std::uint16_t scan_dot();
  std::uint16_t scan_string();
  std::uint16_t scan_quoted_name();
  std::uint16_t scan_at();
  std::uint16_t scan_dollar();
  std::uint16_t scan_unknown();
  std::size_t timestamp_end(std::size_t offset) const;
  std::size_t digits_end(std::size_t offset) const;
  void error(std::size_t begin, std::size_t end, std::string message, std::string hint = {});

  const PreprocessedText& source_;
  std::string_view text_;
  Diagnostics& diagnostics_;
  std::size_t offset_ = 0;
  std::size_t begin_ = 0;  // Of the token being scanned.
  bool newline_before_ = true;
  std::uint16_t previous_type_ = kEndOfText;
  std::size_t previous_end_ = 0;
  bool string_was_open_ =
      false;  // No later quote closes a string across lines: each would search to the end again.
};

// What a STRING token says: quotes off, escapes resolved. An escape that is none is kept as
// written; its offset in `lexeme` goes to *bad_escape (npos: none).
std::string decode_string(std::string_view lexeme, std::size_t* bad_escape);

}  // namespace entail::grammar::internal
